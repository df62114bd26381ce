(* Cliques of many streams.  Words of all streams that share a state have parts that one table of answers
   serves, in every stream: a clique of all streams lies in a product of cliques.  So the floors of Theorem E,
   which count cliques, add over layers and heads. *)
From LowerBound Require Export Tilts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* small_cliques right G D C: the words of G that one table of answers serves are at most C / D in number;
   right x q o: o is an answer that question q about word x allows *)
Definition small_cliques (Word : finType) (Qry Out : Type) (right : Word -> Qry -> Out -> Prop)
    (G : {set Word}) (D C : nat) : Prop := forall (Q : {set Word}) (ans : Qry -> Out),
  {subset Q <= G} -> (forall x q, x \in Q -> right x q (ans q)) -> (#|Q| * D <= C)%nat.
(* clique_bits G D C: bits of the number of cliques, of C / D words or less, that make up G *)
Definition clique_bits (Word : finType) (G : {set Word}) (D C : nat) : R :=
  log2 (INR #|G|) + log2 (INR D) - log2 (INR C).

Lemma log2_prod (I : finType) (a : I -> nat) : (forall i, (0 < a i)%nat) ->
  log2 (INR (\prod_i a i)%nat) = \rsum_i log2 (INR (a i)).
Proof.
move=> a0; rewrite /log2 INR_prod ln_rprod => [|i]; last exact: INR_gt0.
by rewrite /Rdiv big_distrl.
Qed.

Lemma log2_mult (a b : R) : 0 < a -> 0 < b -> log2 (a * b) = log2 a + log2 b.
Proof. by move=> a0 b0; have := ln2_gt0; rewrite /log2 ln_mult // => l2; field; lra. Qed.

(* ---------- any streams ------------------------------------------------------------------------------ *)
Section Streams.
Variables (Str : finType) (Word : Str -> finType) (Inp Qry Out : Str -> Type).
Variables (right : forall s, Word s -> Qry s -> Out s -> Prop) (inst : forall s, Word s -> Inp s).
Variables (G : forall s, {set Word s}) (D C : Str -> nat).
Notation words := {dffun forall s, Word s}.

(* joint P: the words of all streams whose parts are in P *)
Definition joint (P : forall s, {set Word s}) : {set words} := [set x : words | [forall s, x s \in P s]].

Lemma card_joint P : #|joint P| = (\prod_s #|P s|)%nat.
Proof.
have -> : #|joint P| = #|(family_mem (fun s => mem (P s)) : simpl_pred words)|.
  by apply: eq_card => x; rewrite !inE.
by rewrite card_family /image_mem foldrE big_map enumT.
Qed.

(* the algorithm: it sees the inputs of all streams at once, and answers questions of any stream *)
Variables (W S : finType) (compress : W -> (forall s, Inp s) -> S)
  (answer : W -> S -> forall s, Qry s -> Out s).
Hypotheses (small : forall s, small_cliques (right (s := s)) (G s) (D s) (C s))
  (G0 : forall s, (0 < #|G s|)%nat) (D0 : forall s, (0 < D s)%nat).

(* Sketch: the words of one state lie in the product of their parts; the parts of a stream are served by the
   answers of that state, so they are few; then multiply over streams, and add over states. *)
Theorem streams_cliques : 0 < N W ->
  (forall w (x : words), (forall s, x s \in G s) -> forall s q,
     right (x s) q (answer w (compress w (fun s => inst (x s))) q)) ->
  \rsum_s clique_bits (G s) (D s) (C s) <= log2 (N S).
Proof.
move=> W0 all_right; have /card_gt0P[w _] : (0 < #|W|)%nat.
  by rewrite lt0n; apply/eqP => e; move: W0; rewrite /N e; exact: Rlt_irrefl.
pose st (x : words) := compress w (fun s => inst (x s)).
have count : (\prod_s #|G s| * \prod_s D s <= #|S| * \prod_s C s)%nat.
  rewrite -card_joint; apply: (@words_of_states [finType of words] S _ st) => a.
  pose P s : {set Word s} := [set (x : words) s | x in [set x in joint G | st x == a]].
  apply: (@leq_trans (\prod_s #|P s| * \prod_s D s)).
    rewrite leq_mul2r -card_joint; apply/orP; right; apply: subset_leq_card; apply/subsetP => x hx.
    by rewrite inE; apply/forallP => s; apply/imsetP; exists x.
  rewrite -big_split /=; apply: leq_prod => s _; apply: (small (ans := answer w a (s := s))).
    by move=> y /imsetP[x hx ->]; move: hx; rewrite !inE => /andP[/forallP].
  by move=> y q /imsetP[x hx ->]; move: hx; rewrite !inE => /andP[/forallP gx /eqP <-]; exact: all_right.
have g0 : (0 < \prod_s #|G s|)%nat by apply: prodn_gt0.
have d0 : (0 < \prod_s D s)%nat by apply: prodn_gt0.
have : (0 < #|S| * \prod_s C s)%nat by apply: leq_trans count; rewrite muln_gt0 g0.
rewrite muln_gt0 => /andP[S0 c0]; have C0 s : (0 < C s)%nat.
  by move: c0; rewrite (bigD1 s) //= muln_gt0 => /andP[].
have p0 : (0 < \prod_s #|G s| * \prod_s D s)%nat by rewrite muln_gt0 g0.
have le := ln_le (INR_gt0 p0) (INR_le count); move/INR_gt0: g0 => g0; move/INR_gt0: d0 => d0.
move/INR_gt0: c0 => c0; move/INR_gt0: S0 => S0; have l2 := ln2_gt0.
have {}le : log2 (INR (\prod_s #|G s| * \prod_s D s)) <= log2 (INR (#|S| * \prod_s C s)).
  by apply: Rmult_le_compat_r le; exact/Rlt_le/Rinv_0_lt_compat.
rewrite !mult_INR !log2_mult // !log2_prod // in le.
by rewrite /clique_bits big_split /= rsum_opp big_split /=; rewrite /N; lra.
Qed.
End Streams.

(* ---------- keys of a lattice ------------------------------------------------------------------------ *)
Section Lattice.
Variables (Tok Own J Ch : finType) (M L : nat) (lam eta mu : R).
Notation Word := {ffun Tok -> [finType of {ffun J -> 'I_(M + M).+1} * {ffun Ch -> 'I_L}]}.
Notation good := (coherent_words Tok J Ch M L mu).
Notation question := ((option J -> R) * (Own -> option J -> R) * option Ch)%type.
(* lattice_asked: the mass questions, and the value questions of good words;  lattice_right: they are answered
   within eta *)
Definition lattice_asked (q : question) : Prop :=
  (exists u r, [/\ norm2 u = 1, norm2 r = 1 & q = mass_question Own Ch lam u r]) \/
  (exists (y : Word) i c, y \in good /\ q = value_question Own lam y i c).
Definition lattice_right (x : Word) (q : question) (o : R) : Prop :=
  lattice_asked q -> near eta (lattice_output (lattice_instance x) q) o.

(* If every state serves few words of G, whatever the cache, then cliques are small.
   Sketch.  A clique is what one state serves in a cache that stores every other word. *)
Lemma small_cliques_of_states (G : {set Word}) (D C : nat) : 0 <= eta -> {subset G <= good} ->
  (forall (S : finType) (st : Word -> S) (ans : S -> question -> R),
     (forall x q r, x \in good -> norm2 q = 1 -> norm2 r = 1 ->
        near eta (lattice_output (lattice_instance x) (mass_question Own Ch lam q r))
                 (ans (st x) (mass_question Own Ch lam q r))) ->
     (forall x y i c, x \in good -> y \in good ->
        near eta (lattice_output (lattice_instance x) (value_question Own lam y i c))
                 (ans (st x) (value_question Own lam y i c))) ->
     forall a, (#|[set x in G | st x == a]| * D <= C)%nat) ->
  small_cliques lattice_right G D C.
Proof.
move=> e0 sub few Q ans QG hQ.
pose st (x : Word) : option Word := if x \in Q then None else Some x.
pose table (s : option Word) q := if s is Some x then lattice_output (lattice_instance x) q else ans q.
have right x q : lattice_asked q -> near eta (lattice_output (lattice_instance x) q) (table (st x) q).
  rewrite /st; case: (boolP (x \in Q)) => [Qx|_]; [exact: hQ|move=> _; exact: near_self].
apply: leq_trans (few [finType of option Word] st table _ _ None).
- rewrite leq_mul2r; apply/orP; right; apply: subset_leq_card; apply/subsetP => x Qx.
  by rewrite inE QG //= /st Qx.
- by move=> x q r _ q1 r1; apply: right; left; exists q, r.
by move=> x y i c _ Gy; apply: right; right; exists y, i, c.
Qed.

(* The bits of cliques that are counted as in lattice_price. *)
Lemma lattice_clique_bits (G : {set Word}) (m k g : nat) : (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat ->
  (0 < g)%nat -> (#|ball_words Tok J Ch M L| <= g * #|G|)%nat ->
  N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g)
    <= clique_bits G (expn (expn (2 * m) #|J|) #|Tok|)
         (#|Tok|`! * expn (expn k #|J| * #|ball J M|) #|Tok|).
Proof.
move=> L0 m0 k0 g0 hG; apply: Rle_trans (lattice_price L0 m0 k0 g0 hG) _; apply: Req_le.
have f0 := INR_gt0 (fact_gt0 #|Tok|).
have p0 : 0 < INR (expn (expn k #|J| * #|ball J M|) #|Tok|).
  by apply: INR_gt0; rewrite expn_gt0 muln_gt0 expn_gt0 k0 ball_gt0.
rewrite /clique_bits [INR (_`! * _)]mult_INR [log2 (INR _`! * _)]log2_mult // !(log2_expn _ #|Tok|) /N.
by ring.
Qed.

(* G streams of one shape, each with words that are made up of small cliques: their bits add. *)
Lemma streams_of_lattice (Str : finType) (G : {set Word}) (D C : nat) (bits : R) :
  {subset G <= good} -> (0 < #|G|)%nat -> (0 < D)%nat -> small_cliques lattice_right G D C ->
  bits <= clique_bits G D C ->
  forall (W S : finType) (compress : W -> (Str -> (Tok -> option J -> R) * (Tok -> option Ch -> R)) -> S)
    (answer : W -> S -> Str -> question -> R), 0 < N W ->
  let state w (x : Str -> Word) := compress w (fun s => lattice_instance (x s)) in
  (forall w x, (forall s, x s \in good) -> forall s q r, norm2 q = 1 -> norm2 r = 1 ->
     near eta (lattice_output (lattice_instance (x s)) (mass_question Own Ch lam q r))
              (answer w (state w x) s (mass_question Own Ch lam q r))) ->
  (forall w x, (forall s, x s \in good) -> forall s y i c, y \in good ->
     near eta (lattice_output (lattice_instance (x s)) (value_question Own lam y i c))
              (answer w (state w x) s (value_question Own lam y i c))) ->
  N Str * bits <= log2 (N S).
Proof.
move=> sub G0 D0 small cost W S compress answer W0 state hmass hvalue.
apply: Rle_trans (_ : _ <= \rsum_(s : Str) clique_bits G D C) _.
  by rewrite rsum_const; apply: Rmult_le_compat_l cost; exact: N_ge0.
apply: (@streams_cliques Str _ _ _ _ _ (fun _ => @lattice_instance _ _ _ M L) (fun _ => G) (fun _ => D)
  (fun _ => C) W S compress answer (fun _ => small) (fun _ => G0) (fun _ => D0) W0) => w x Gx s q.
have ok t := sub _ (Gx t); case=> [[u [r [u1 r1 ->]]]|[y [i [c [Gy ->]]]]].
  exact: (hmass w x ok).
exact: (hvalue w x ok).
Qed.
End Lattice.

(* ---------- Theorem E for many streams ---------------------------------------------------------------- *)
Section Cliques.
Variables (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L : nat) (lam eta mu C tau c1 : R).
Notation Word := {ffun Tok -> [finType of {ffun J -> 'I_(M + M).+1} * {ffun Ch -> 'I_L}]}.
Notation good := (coherent_words Tok J Ch M L mu).
Notation question := ((option J -> R) * (Own -> option J -> R) * option Ch)%type.
Notation c2 := (tilt_cos lam eta C tau).
Notation s := (apart eta).
Notation chord := (sqrt (2 - 2 * c2)).
Notation side := (sqrt (N J)).
Hypotheses (M0 : (0 < M)%nat) (l0 : 0 < lam) (he : 0 <= eta < 1/2)
  (mu0 : 0 <= mu) (hC : mu <= C <= c1)
  (hmatch : matched Tok Own (option_finType J) (option_finType Ch) lam eta mu c1)
  (htau : tilt_leak Tok lam C mu <= tau) (hg : C + (s + ln (1 + tau)) / lam <= 1)
  (hreach : ln (N Own) + s / 2 <= lam * (1 + C)) (hc2 : C <= 2 * (c2 * c2) - 1)
  (hL : 2 * (eta + clean_leak Tok Own lam mu c2) * (INR L - 1) < 1).
Variables (m m' k k' : nat).
Hypotheses (L0 : (0 < L)%nat) (m0 : (0 < m)%nat) (m'0 : (0 < m')%nat) (k0 : (0 < k)%nat) (k'0 : (0 < k')%nat)
  (hfit : INR m' * (INR M * sine mu / INR k') + INR m' * side <= INR M).

(* the cache of all streams *)
Variables (Str W S : finType) (compress : W -> (Str -> (Tok -> option J -> R) * (Tok -> option Ch -> R)) -> S)
  (answer : W -> S -> Str -> question -> R).
Notation state w x := (compress w (fun s => lattice_instance (x s))).
Hypotheses (W0 : 0 < N W)
  (mass_right : forall w (x : Str -> Word), (forall s, x s \in good) ->
     forall s q r, norm2 q = 1 -> norm2 r = 1 ->
     near eta (lattice_output (lattice_instance (x s)) (mass_question Own Ch lam q r))
              (answer w (state w x) s (mass_question Own Ch lam q r)))
  (value_right : forall w (x : Str -> Word), (forall s, x s \in good) ->
     forall s y i c, y \in good ->
     near eta (lattice_output (lattice_instance (x s)) (value_question Own lam y i c))
              (answer w (state w x) s (value_question Own lam y i c))).
Let D0 : (0 < expn (expn (2 * m) #|J|) #|Tok|)%nat. Proof. by rewrite !expn_gt0 muln_gt0 m0. Qed.

(* Half of all words are good, and cliques of good words are small. *)
Theorem clique_lattice_streams :
  INR m * ((INR M * chord + side) / INR k) + INR m * side <= INR M ->
  (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  N Str * (N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1)
    <= log2 (N S).
Proof.
move=> hm hq; rewrite -log2_2.
have half := half_good Ch t0 L M0 l0 he mu0 hC htau hg hreach hc2 m'0 k'0 hfit hq.
apply: (streams_of_lattice (G := good) (compress := compress) (answer := answer) (fun x h => h) _ D0 _ _ W0
  mass_right value_right).
- exact: some_words L0 half.
- apply: small_cliques_of_states => [|//|S' st ans hmass hvalue a]; first by case: he.
  exact: (clique_size t0 o0 j0 M0 l0 he mu0 hC hmatch htau hg hreach hc2 hL hmass hvalue m0 k0 hm).
exact: (lattice_clique_bits (g := 2) L0 m0 k0 isT half).
Qed.

(* the same with a chain of tilts, and one word in g *)
Variables (K g : nat) (cosines nears pulls : nat -> R) (reaches caps : nat -> nat).
Hypotheses (hcos : forall l, (l < K)%nat -> [/\ 0 <= cosines l < 1, mu * cosines l <= nears l
    & ln (N Own) + s / 2 <= lam * (1 + cosines l - chord)]) (g2 : (2 < g)%nat).

Theorem clique_tilts_streams :
  (forall l, (l <= K)%nat -> (0 < reaches l)%nat /\
     INR m * ((INR M * radius Tok lam eta C tau cosines nears l + side) / INR (reaches l)) + INR m * side
       <= INR M) ->
  (forall l, (l < K)%nat -> [/\ (0 < caps l)%nat, 0 <= pulls l, 0 <= rim mu cosines nears pulls l <= 1
     & INR m' * (INR M * sine (rim mu cosines nears pulls l) / INR (caps l)) + INR m' * side <= INR M]) ->
  (g * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  (g * (expn (reaches K) #|J| * expn m' (2 * #|J|)
        + expn #|Tok| 2 * \sum_(l < K) expn (caps l) (2 * #|J|) * expn (reaches l) #|J|)
     <= (g - 2) * (expn k #|J| * expn m' (2 * #|J|)))%nat ->
  N Str * (N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L))
           - log2 (INR #|Tok|`!) - log2 (INR g)) <= log2 (N S).
Proof.
move=> hreaches hcaps hq hk.
have some := some_allowed Ch t0 L M0 l0 he mu0 hC htau hg hreach hc2 hcos m0 m'0 k0 k'0 g2 hreaches hcaps
  hfit hq hk.
have sub : {subset allowed Tok J Ch M L lam eta mu C tau K cosines nears m k <= good}.
  by move=> x; rewrite inE => /andP[].
apply: (streams_of_lattice (compress := compress) (answer := answer) sub _ D0 _ _ W0 mass_right value_right).
- exact: some_words L0 some.
- apply: small_cliques_of_states => [|//|S' st ans hmass hvalue a]; first by case: he.
  exact: (allowed_size t0 o0 j0 M0 l0 he mu0 hC hmatch htau hg hreach hc2 hL hcos hmass hvalue k m0).
exact: (lattice_clique_bits L0 m0 k0 (ltn_trans (isT : (0 < 2)%nat) g2) some).
Qed.
End Cliques.

(* ---------- floors, for one stream and for many ------------------------------------------------------ *)
Section Floors.
(* T tokens, n2 own tokens, n + 1 key coordinates of a lattice of M steps to 1, h channels of L levels;
   queries of norm lam, keys of coherence mu *)
Variables (T n2 n h L M : nat) (lam mu eta : R).
Notation Tok := [finType of 'I_T].
Notation Own := [finType of 'I_n2].
Notation J := [finType of 'I_n].
Notation Ch := [finType of 'I_h].
Notation words := (coherent_words Tok J Ch M L mu).
Notation inst := (@lattice_instance Tok J Ch M L).
Notation mass := (@mass_question Own J Ch lam).
Notation value := (@value_question Tok Own J Ch M L lam).

(* lattice_floor: every cache that answers all mass questions and all value questions within eta has at least
   so many bits;  lattice_floors Str: the same for one cache of many streams *)
Definition lattice_floor (bits : R) : Prop :=
  forall (W S : finType) (compress : W -> ('I_T -> option 'I_n -> R) * ('I_T -> option 'I_h -> R) -> S)
    (answer : W -> S -> (option 'I_n -> R) * ('I_n2 -> option 'I_n -> R) * option 'I_h -> R), 0 < N W ->
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer w (compress w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer w (compress w (inst x)) (value y i c))) ->
  bits <= log2 (N S).

Definition lattice_floors (Str : finType) (bits : R) : Prop :=
  forall (W S : finType)
    (compress : W -> (Str -> ('I_T -> option 'I_n -> R) * ('I_T -> option 'I_h -> R)) -> S)
    (answer : W -> S -> Str -> (option 'I_n -> R) * ('I_n2 -> option 'I_n -> R) * option 'I_h -> R),
  0 < N W -> let state w x := compress w (fun s => inst (x s)) in
  (forall w x, (forall s, x s \in words) -> forall s q r, dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst (x s)) (mass q r)) (answer w (state w x) s (mass q r))) ->
  (forall w x, (forall s, x s \in words) -> forall s y i c, y \in words ->
     near eta (lattice_output (inst (x s)) (value y i c)) (answer w (state w x) s (value y i c))) ->
  N Str * bits <= log2 (N S).

End Floors.

(* one stream is one of many *)
Lemma floor_of_floors (T n2 n h L M : nat) (lam mu eta bits : R) :
  lattice_floors T n2 n h L M lam mu eta unit_finType bits -> lattice_floor T n2 n h L M lam mu eta bits.
Proof.
move=> floors W S compress answer W0 hmass hvalue.
have := floors W S (fun w KV => compress w (KV tt)) (fun w s _ => answer w s) W0.
rewrite {1}/N card_unit Rmult_1_l; apply=> [w x Gx [] q r|w x Gx [] y i c]; first exact: hmass.
exact: hvalue.
Qed.

(* ---------- caches of all real keys and values ------------------------------------------------------- *)
(* Keys and queries of n + 1 numbers, values of h + 1, numbered from 0: coordinate None of the lattice is
   number 0. *)
Definition place_of n (c : option 'I_n) : 'I_n.+1 := if c is Some j then lift ord0 j else ord0.

Lemma place_ofK n : cancel (@place_of n) (unlift ord0).
Proof. by case=> [j|]; rewrite /place_of ?liftK ?unlift_none. Qed.

(* in_order u: the vector u with its coordinates in this order *)
Definition in_order n (u : option 'I_n -> R) (c : 'I_n.+1) : R := u (unlift ord0 c).

Lemma dot_in_order n (u v : option 'I_n -> R) : dot (in_order u) (in_order v) = dot u v.
Proof.
have bij : {on [pred c | true], bijective (@place_of n)}.
  exists (unlift ord0) => [c _|c _]; first exact: place_ofK.
  by case: unliftP => [j|] ->.
rewrite /dot (reindex (@place_of n)) //=; apply: eq_bigr => c _; by rewrite /in_order place_ofK.
Qed.

Lemma attention_in_order (Tok Own : finType) n h (q : option 'I_n -> R) (K : Tok -> option 'I_n -> R)
    (B : Own -> option 'I_n -> R) (V : Tok -> option 'I_h -> R) (c : option 'I_h) :
  attention_own (in_order q) (fun i => in_order (K i)) (fun o => in_order (B o)) (fun i => in_order (V i))
    (place_of c) = attention_own q K B V c.
Proof.
rewrite /attention_own /attention /softmax_mean; congr (_ / _); apply: eq_bigr => -[j|j] _ /=;
  by rewrite dot_in_order // /in_order place_ofK.
Qed.

(* A cache that is right for all unit keys, all values in [0, 1], all queries of norm lam and all unit own
   keys is right for the lattice. *)
Theorem floors_of_lattice (T n2 n h L M : nat) (lam mu eta bits : R) (Str W S : finType)
    (compress : W -> (Str -> 'I_T -> 'I_n.+1 -> R) * (Str -> 'I_T -> 'I_h.+1 -> R) -> S)
    (answer : W -> S -> Str -> ('I_n.+1 -> R) -> ('I_n2 -> 'I_n.+1 -> R) -> 'I_h.+1 -> R) :
  (0 < M)%nat -> lattice_floors T n2 n h L M lam mu eta Str bits -> 0 < N W ->
  (forall w K V, (forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1) ->
     forall s q b c, dot q q = lam * lam -> (forall o, dot (b o) (b o) = 1) ->
     near eta (attention_own q (K s) b (V s) c) (answer w (compress w (K, V)) s q b c)) ->
  N Str * bits <= log2 (N S).
Proof.
move=> M0 floor W0 right.
pose seen := Str -> ('I_T -> option 'I_n -> R) * ('I_T -> option 'I_h -> R).
pose keys (KV : seen) s i := in_order ((KV s).1 i); pose values (KV : seen) s i := in_order ((KV s).2 i).
pose words := coherent_words [finType of 'I_T] [finType of 'I_n] [finType of 'I_h] M L mu.
pose state w KV := compress w (keys KV, values KV).
have serves w x : (forall s, x s \in words) ->
    forall s (q : _ * ('I_n2 -> option 'I_n -> R) * option 'I_h),
    dot q.1.1 q.1.1 = lam * lam -> (forall o, dot (q.1.2 o) (q.1.2 o) = 1) ->
    near eta (lattice_output (lattice_instance (x s)) q)
      (answer w (state w (fun s => lattice_instance (x s))) s (in_order q.1.1) (fun o => in_order (q.1.2 o))
         (place_of q.2)).
  move=> Gx s q q1 b1; rewrite /lattice_output -attention_in_order.
  apply: (right w (keys _) (values _)) => [t i|t i c||o]; try by rewrite dot_in_order.
    by rewrite dot_in_order; have [h1 _] := coherent_incoherent M0 (Gx t); exact: h1.
  by rewrite /values /in_order /=; case: (unlift _ _) => [j|] /=; [exact: grid_01|lra].
apply: (floor W S state
  (fun w st s q => answer w st s (in_order q.1.1) (fun o => in_order (q.1.2 o)) (place_of q.2)) W0).
- move=> w x Gx s q r q1 r1.
  have [_ n1 n2' _ _] := lattice_norms [finType of 'I_n2] lam M0 (Gx s) (Gx s) q1 r1.
  exact: (serves w x Gx s _ n1 n2').
move=> w x Gx s y i c Gy; have [y1 _] := coherent_incoherent M0 Gy.
have [_ _ _ n1 n2'] := lattice_norms [finType of 'I_n2] lam M0 Gy Gy (y1 i) (y1 i).
exact: (serves w x Gx s _ (n1 i c) (n2' i c)).
Qed.
