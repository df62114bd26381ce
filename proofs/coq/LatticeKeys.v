(* Keys without addresses: the lifts of the points of a ball of Z^n, any T of them that are coherent.  At
   least half of all lists of lattice keys are coherent. *)
From LowerBound Require Export Lattice Values Collisions.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- keys ------------------------------------------------------------------------------------ *)
Section Keys.
Variables (J : finType) (M : nat).
Notation Pt := {ffun J -> 'I_(M + M).+1}.
Notation mid := (from (fun _ => INR M)).
(* lattice_key z: the unit vector over the point z of the ball *)
Definition lattice_key (z : Pt) (c : option J) : R :=
  if c is Some j then / INR M * mid z j else sqrt (1 - / INR M * (/ INR M * norm2 (mid z))).

Hypothesis M0 : (0 < M)%nat.

Lemma lattice_key_unit z : z \in ball J M -> norm2 (lattice_key z) = 1.
Proof.
rewrite inE => /RlebP h; have m0 := INR_gt0 M0.
rewrite dot_option /= sqrt_sqrt.
  have -> : norm2 (fun j => / INR M * mid z j) = / INR M * (/ INR M * norm2 (mid z)).
    by rewrite -dot_scale_r -dot_scale.
  by ring.
have : / INR M * (/ INR M * norm2 (mid z)) <= / INR M * (/ INR M * (INR M * INR M)).
  by have i0 := Rinv_0_lt_compat _ m0; do 2 (apply: Rmult_le_compat_l; first lra).
by have -> : / INR M * (/ INR M * (INR M * INR M)) = 1 by [field; lra]; lra.
Qed.

(* Near keys have near points: projecting to the free coordinates does not lengthen. *)
Lemma lattice_key_near z z' c :
  z \in ball J M -> z' \in ball J M -> c <= dot (lattice_key z) (lattice_key z') ->
  norm2 (fun j => INR (z j) - INR (z' j)) <= (INR M * sqrt (2 - 2 * c)) * (INR M * sqrt (2 - 2 * c)).
Proof.
move=> hz hz' h; have m0 := INR_gt0 M0; have u1 := lattice_key_unit hz; have v1 := lattice_key_unit hz'.
have d1 := dot_unit u1 v1; pose w := mix 1 (lattice_key z) (-1) (lattice_key z').
have nw : norm2 w <= 2 - 2 * c by rewrite dot_mix !dot_mix_r u1 v1 [dot (lattice_key z') _]dot_sym; lra.
have w1 : norm2 (fun j => w (Some j)) <= norm2 w.
  by rewrite [X in _ <= X]dot_option; have : 0 <= w None * w None by [nra]; lra.
have -> : norm2 (fun j => INR (z j) - INR (z' j)) = INR M * (INR M * norm2 (fun j => w (Some j))).
  rewrite -dot_scale -dot_scale_r; apply: eq_bigr => j _; rewrite /scale /w /mix /lattice_key /from.
  by move: (INR (z j)) (INR (z' j)) => a b; field; lra.
have -> : (INR M * sqrt (2 - 2 * c)) * (INR M * sqrt (2 - 2 * c)) = INR M * (INR M * (2 - 2 * c)).
  have s2 : sqrt (2 - 2 * c) * sqrt (2 - 2 * c) = 2 - 2 * c by apply: sqrt_sqrt; lra.
  by rewrite -{3}s2; ring.
by do 2 (apply: Rmult_le_compat_l; first lra); lra.
Qed.
End Keys.

(* ---------- words ------------------------------------------------------------------------------------ *)
Section Words.
Variables (Tok Own J Ch : finType) (M L : nat) (lam mu : R).
Notation Pt := {ffun J -> 'I_(M + M).+1}.
Notation Sym := [finType of Pt * {ffun Ch -> 'I_L}].
Notation Word := {ffun Tok -> Sym}.
(* lattice_keys, lattice_values: the keys and values that a word spells; value coordinate None is the constant
   1 *)
Definition lattice_keys (x : Word) (i : Tok) : option J -> R := lattice_key (x i).1.
Definition lattice_values (x : Word) (i : Tok) (c : option Ch) : R :=
  if c is Some c' then grid ((x i).2 c') else 1.
Definition lattice_instance (x : Word) := (lattice_keys x, lattice_values x).
(* lattice_output: softmax attention over the cached tokens and Bob's own tokens, whose values are 0 *)
Definition lattice_output (KV : (Tok -> option J -> R) * (Tok -> option Ch -> R))
    (q : (option J -> R) * (Own -> option J -> R) * option Ch) : R := attention_own q.1.1 KV.1 q.1.2 KV.2 q.2.
(* mass_question q r: all own tokens are copies of r, and the channel is the constant 1 *)
Definition mass_question (q r : option J -> R) : (option J -> R) * (Own -> option J -> R) * option Ch :=
  (scale lam q, fun _ => r, None).
(* value_question x i c: channel c at key i of the word x; all own tokens are opposite to that key *)
Definition value_question (x : Word) (i : Tok) (c : Ch) :
    (option J -> R) * (Own -> option J -> R) * option Ch :=
  (scale lam (lattice_keys x i), fun _ => scale (-1) (lattice_keys x i), Some c).
(* ball_symbols: symbols whose point lies in the ball;  ball_words: words of such symbols *)
Definition ball_symbols : {set Sym} := [set a : Sym | a.1 \in ball J M].
Definition ball_words : {set Word} := words_of Tok ball_symbols.
(* coherent_words: words of points of the ball, no two keys of which have a cosine above mu *)
Definition coherent_words : {set Word} := [set x : Word | [forall i, (x i).1 \in ball J M] &&
  [forall i, [forall j, (i != j) ==> Rleb (dot (lattice_keys x i) (lattice_keys x j)) mu]]].

Hypothesis M0 : (0 < M)%nat.

(* The keys of a coherent word are unit vectors with inner products of at most mu. *)
Lemma coherent_incoherent x : x \in coherent_words -> incoherent (lattice_keys x) mu.
Proof.
rewrite inE => /andP[/forallP hb /forallP hm]; split=> [i|i j ij]; first exact: lattice_key_unit.
by apply/RlebP; have /forallP/(_ j)/implyP := hm i; exact.
Qed.

(* all queries have norm lam, and all own keys norm 1 *)
Lemma lattice_norms x y q r :
  x \in coherent_words -> y \in coherent_words -> norm2 q = 1 -> norm2 r = 1 ->
  [/\ incoherent (lattice_keys x) mu,
      norm2 (mass_question q r).1.1 = lam * lam, forall o, norm2 ((mass_question q r).1.2 o) = 1,
      forall i c, norm2 (value_question y i c).1.1 = lam * lam
    & forall i c o, norm2 ((value_question y i c).1.2 o) = 1].
Proof.
move=> Gx Gy q1 r1; have [y1 _] := coherent_incoherent Gy.
split; first exact: coherent_incoherent.
- by rewrite /= dot_scale dot_scale_r q1; ring.
- by [].
- by move=> i c; rewrite /= dot_scale dot_scale_r y1; ring.
by move=> i c o; rewrite /= dot_scale dot_scale_r y1; ring.
Qed.

(* ---------- caps ------------------------------------------------------------------------------------ *)
(* cap q c: symbols whose key has a cosine above c with q *)
Definition cap (q : option J -> R) (c : R) : {set Sym} :=
  [set b in ball_symbols | ~~ Rleb (dot q (lattice_key b.1)) c].

(* the number of symbols, and of words *)
Lemma card_ball_symbols : #|ball_symbols| = (#|ball J M| * expn L #|Ch|)%nat.
Proof.
have -> : ball_symbols = setX (ball J M) [set: {ffun Ch -> 'I_L}].
  by apply/setP => -[p v]; rewrite !inE andbT.
by rewrite cardsX cardsT card_ffun card_ord.
Qed.

Lemma card_ball_words : #|ball_words| = expn (#|ball J M| * expn L #|Ch|) #|Tok|.
Proof. by rewrite card_words_of card_ball_symbols. Qed.

(* Keys above a cosine c of a unit vector q are few: they lie over a ball of radius M sqrt (1 - c^2).
   Sketch.  A unit vector v with <q, v> > c is within sqrt (1 - c^2) of c q, which need be no lattice point;
   drop the last coordinate and multiply by M. *)
Lemma card_cap (q : option J -> R) (c : R) (m k : nat) : norm2 q = 1 -> 0 <= c <= 1 ->
  (0 < m)%nat -> (0 < k)%nat -> INR m * (INR M * sine c / INR k) + INR m * sqrt (N J) <= INR M ->
  (expn m #|J| * #|cap q c| <= expn k #|J| * #|ball_symbols|)%nat.
Proof.
move=> q1 c01 m0 k0 fits; have M1 := INR_gt0 M0; have cs := @sine_sqr c ltac:(lra).
pose S : {set Pt} := [set p in ball J M | ~~ Rleb (dot q (lattice_key p)) c].
have -> : #|cap q c| = (#|S| * expn L #|Ch|)%nat.
  have -> : cap q c = setX S [set: {ffun Ch -> 'I_L}] by apply/setP => -[p v]; rewrite !inE !andbT.
  by rewrite cardsX cardsT card_ffun card_ord.
rewrite card_ball_symbols !mulnA leq_mul2r; apply/orP; right.
pose centre j := INR M + INR M * (c * q (Some j)).
apply: (@scaling J _ M S centre (INR M * sine c) m k) => //.
  by apply: Rmult_le_pos; [lra|exact: sine_ge0].
move=> z; rewrite inE => /andP[hz /RlebP hd]; have v1 := lattice_key_unit M0 hz.
pose w := mix 1 (lattice_key z) (- c) q.
have nw : norm2 w <= 1 - c * c.
  by rewrite dot_mix !dot_mix_r q1 v1 [dot (lattice_key z) _]dot_sym; nra.
have w1 : norm2 (fun j => w (Some j)) <= norm2 w.
  by rewrite [X in _ <= X]dot_option; have : 0 <= w None * w None by [nra]; lra.
have -> : norm2 (from centre z) = INR M * (INR M * norm2 (fun j => w (Some j))).
  rewrite -dot_scale -dot_scale_r; apply: eq_bigr => j _; rewrite /scale /w /mix /lattice_key /from /centre.
  by move: (INR (z j)) => x; field; lra.
have -> : INR M * sine c * (INR M * sine c) = INR M * (INR M * (1 - c * c)) by rewrite -cs; ring.
by do 2 (apply: Rmult_le_compat_l; first lra); lra.
Qed.

(* ---------- most words are coherent ---------------------------------------------------------------- *)
Variables (m k g : nat).
Hypotheses (mu01 : 0 <= mu <= 1) (m0 : (0 < m)%nat) (k0 : (0 < k)%nat)
  (fits : INR m * (INR M * sine mu / INR k) + INR m * sqrt (N J) <= INR M).

(* clash a: symbols whose key has a cosine above mu with that of a *)
Definition clash (a : Sym) : {set Sym} := cap (lattice_key a.1) mu.
(* clashing i j: words in which the keys of tokens i and j clash *)
Definition clashing (i j : Tok) : {set Word} := [set x in ball_words | x j \in clash (x i)].

(* Two given tokens clash in a small part of all words: token j is confined to a cap. *)
Lemma card_clashing i j : i != j -> (expn m #|J| * #|clashing i j| <= expn k #|J| * #|ball_words|)%nat.
Proof.
rewrite eq_sym => ji; apply: card_one ji => a; rewrite inE => ha.
by apply: card_cap => //; exact: lattice_key_unit.
Qed.

(* If g T^2 k^n <= m^n, all words but one in g are coherent: a union bound over ordered pairs of tokens.
   Sketch.  A word that is not coherent clashes at some pair, and each of at most T^2 pairs clashes in at most
   a part (k/m)^n of the words. *)
Theorem most_coherent : (g * expn #|Tok| 2 * expn k #|J| <= expn m #|J|)%nat ->
  (g * #|ball_words| <= g * #|coherent_words| + #|ball_words|)%nat.
Proof.
move=> hq; set G := coherent_words.
have sub : (#|ball_words| <= #|G| + \sum_(u : Tok * Tok | u.1 != u.2) #|clashing u.1 u.2|)%nat.
  have cover : (#|ball_words :\: G| <= \sum_(u : Tok * Tok | u.1 != u.2) #|clashing u.1 u.2|)%nat.
    apply: (@leq_trans (\sum_(x in ball_words :\: G)
                          \sum_(u : Tok * Tok | u.1 != u.2) (x \in clashing u.1 u.2 : nat))).
      rewrite -sum1_card; apply: leq_sum => x; rewrite !inE => /andP[ng hx].
      have hx' := forallP hx.
      have hb : [forall i, (x i).1 \in ball J M] by apply/forallP => i; have := hx' i; rewrite inE.
      move: ng; rewrite hb /= negb_forall => /existsP[i]; rewrite negb_forall => /existsP[j].
      rewrite negb_imply => /andP[ij hd].
      rewrite (bigD1 (i, j)) //= inE; have -> : x \in ball_words by rewrite inE.
      by have := hx' j; rewrite !inE hd => ->.
    rewrite exchange_big /=; apply: leq_sum => u _.
    rewrite -sum1_card big_mkcond [X in (_ <= X)%nat]big_mkcond /=.
    by apply: leq_sum => x _; case: ifP => //; case: (_ \in clashing _ _).
  rewrite -(cardsID G ball_words); apply: leq_add => //; exact: subset_leq_card (subsetIr _ _).
have km : (0 < expn m #|J|)%nat by rewrite expn_gt0 m0.
have tot : (expn m #|J| * (\sum_(u : Tok * Tok | u.1 != u.2) #|clashing u.1 u.2|)
    <= expn #|Tok| 2 * (expn k #|J| * #|ball_words|))%nat.
  rewrite big_distrr /=; apply: (@leq_trans (\sum_(u : Tok * Tok | u.1 != u.2) expn k #|J| * #|ball_words|)).
    by apply: leq_sum => u; exact: card_clashing.
  rewrite sum_nat_const leq_mul2r; apply/orP; right; rewrite -mulnn -card_prod; exact: max_card.
apply: (@leq_trans (g * #|G| + g * (\sum_(u : Tok * Tok | u.1 != u.2) #|clashing u.1 u.2|))).
  by rewrite -mulnDr leq_mul2l sub orbT.
rewrite leq_add2l -(leq_pmul2l km) mulnCA; apply: leq_trans (leq_mul (leqnn g) tot) _.
by rewrite 2!mulnA leq_mul2r; apply/orP; right; move: hq; rewrite -!mulnA.
Qed.
End Words.
