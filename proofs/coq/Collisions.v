(* Counting words that share a state.  A state is bought by the number of words it may stand for: T!
   labellings, times the number of words that are close to one of them under one labelling. *)
From LowerBound Require Export Prelude.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Collisions.
Variables (Tok Pt S : finType).
Notation Word := {ffun Tok -> Pt}.
Notation Label := {ffun Tok -> Tok}.
(* symbols C i: what members of C have at token i *)
Definition symbols (C : {set Word}) (i : Tok) : {set Pt} := [set (y : Word) i | y in C].

(* a set of words lies in the product of its symbols *)
Lemma card_symbols (C : {set Word}) : (#|C| <= \prod_i #|symbols C i|)%nat.
Proof.
have -> : (\prod_i #|symbols C i|)%nat = #|(family_mem (fun i => mem (symbols C i)) : simpl_pred Word)|.
  by rewrite card_family /image_mem foldrE big_map enumT.
apply: subset_leq_card; apply/subsetP => y Cy; apply/familyP => i.
by apply/imsetP; exists y.
Qed.

(* the same, relabelled *)
Lemma card_symbols_label (C : {set Word}) (f : Label) : injective f ->
  (#|C| <= \prod_i #|symbols C (f i)|)%nat.
Proof.
move=> inj; have [g fg gf] := injF_bij inj; apply: leq_trans (card_symbols C) _.
by rewrite (reindex f) //; exists g => i _; [exact: fg|exact: gf].
Qed.

Variables (G : {set Word}) (st : Word -> S) (m : Word -> Word -> Label -> bool).
(* members x y f: the words with the state of x that x matches under f *)
Definition members (x : Word) (f : Label) : {set Word} := [set y in G | (st y == st x) && m x y f].

(* Words with one state are matched; words matched with x under one labelling have few symbols for each token.
   So a state serves at most T! B words.
   Sketch.  Take a word x of the state.  Every other is matched with x under one of T! labellings, and those
   of one labelling lie in the product of their symbols, of which there are at most B. *)
Theorem words_of_state (B : nat) (a : S) :
  (forall x y, x \in G -> y \in G -> st x = st y -> exists f : Label, injective f /\ m x y f) ->
  (forall x (f : Label), x \in G -> injective f -> (\prod_i #|symbols (members x f) (f i)| <= B)%nat) ->
  (#|[set x in G | st x == a]| <= #|Tok|`! * B)%nat.
Proof.
move=> hm hB; rewrite -sum1_card; under eq_bigl => x do rewrite inE.
case: (pickP [pred x | (x \in G) && (st x == a)]) => [x /= /andP[Gx /eqP xa]|e]; last by rewrite big_pred0.
apply: (@leq_trans (\sum_(f : Label | injectiveb f) #|members x f|)).
  apply: (@leq_trans (\sum_(y | (y \in G) && (st y == a))
                        \sum_(f : Label | injectiveb f) (y \in members x f : nat))).
    apply: leq_sum => y /andP[Gy /eqP ya]; have [f [inj xy]] := hm x y Gx Gy (etrans xa (esym ya)).
    by rewrite (bigD1 f) /=; [rewrite inE Gy ya xa eqxx xy|apply/injectiveP].
  rewrite exchange_big /=; apply: leq_sum => f _.
  rewrite -sum1_card big_mkcond [X in (_ <= X)%nat]big_mkcond /=.
  by apply: leq_sum => y _; case: ifP => //; case: (_ \in members _ _).
have <- : #|[set f : Label | injectiveb f]| = #|Tok|`! by rewrite card_inj_ffuns ffactnn.
rewrite -sum_nat_const; under [X in (_ <= X)%nat]eq_bigl => f do rewrite inE.
apply: leq_sum => f /injectiveP inj; apply: leq_trans (hB x f Gx inj); exact: card_symbols_label.
Qed.

End Collisions.

(* what every state serves, all states serve *)
Lemma words_of_states (Word S : finType) (G : {set Word}) (st : Word -> S) (C D : nat) :
  (forall a, (#|[set x in G | st x == a]| * D <= C)%nat) -> (#|G| * D <= #|S| * C)%nat.
Proof.
move=> h; rewrite -sum1_card (partition_big st xpredT) //= big_distrl /= -sum_nat_const.
by apply: leq_sum => a _; have := h a; rewrite -sum1_card; under eq_bigl => x do rewrite inE.
Qed.

(* ---------- words whose symbols are confined ----------------------------------------------------------- *)
Section Confined.
Variables (Tok Sym : finType) (B : {set Sym}).
Notation Word := {ffun Tok -> Sym}.
(* words_of: all words of symbols of B *)
Definition words_of : {set Word} := [set x : Word | [forall i, x i \in B]].

Lemma card_words_of : #|words_of| = expn #|B| #|Tok|.
Proof.
rewrite -prod_nat_const; have -> : (\prod_(i : Tok) #|B|)%nat
    = #|(family_mem (fun _ => mem B) : simpl_pred Word)|.
  by rewrite card_family /image_mem foldrE big_map enumT.
by apply: eq_card => x; rewrite inE; apply/forallP/familyP.
Qed.

(* The symbol of token i confines all others.
   Sketch.  Sum over the symbol a of token i; for each, the words lie in a product. *)
Lemma card_confined (i : Tok) (F : Sym -> Tok -> {set Sym}) :
  (#|[set x in words_of | [forall l, (l != i) ==> (x l \in F (x i) l)]]|
     <= \sum_(a in B) \prod_(l | l != i) #|F a l|)%nat.
Proof.
set C := [set x in _ | _].
have -> : #|C| = (\sum_(a in B) #|[set x in C | x i == a]|)%nat.
  rewrite -sum1_card (partition_big (fun x : Word => x i) (fun a => a \in B)) /=; last first.
    by move=> x; rewrite inE => /andP[]; rewrite inE => /forallP.
  by apply: eq_bigr => a _; rewrite -sum1_card; apply: eq_bigl => x; rewrite inE.
apply: leq_sum => a _; pose F' l := if l == i then [set a] else F a l.
apply: (@leq_trans (\prod_l #|F' l|)).
  have -> : (\prod_l #|F' l|)%nat = #|(family_mem (fun l => mem (F' l)) : simpl_pred Word)|.
    by rewrite card_family /image_mem foldrE big_map enumT.
  apply: subset_leq_card; apply/subsetP => x hx; apply/familyP => l; move: hx.
  rewrite !inE => /andP[/andP[_ /forallP/(_ l) h] /eqP xa]; move: h; rewrite /F' xa.
  by case: eqP => [-> _|_]; rewrite ?xa ?set11.
rewrite (bigD1 i) //= {1}/F' eqxx cards1 mul1n leq_eqVlt; apply/orP; left; apply/eqP.
by apply: eq_bigr => l /negbTE li; rewrite /F' li.
Qed.

Variables (p u : nat) (U V : Sym -> {set Sym}) (i : Tok).
Hypotheses (hU : forall a, a \in B -> (p * #|U a| <= u * #|B|)%nat)
  (hV : forall a, a \in B -> (p * #|V a| <= u * #|B|)%nat).

(* One token is confined to a part u/p of all symbols. *)
Lemma card_one j : j != i -> (p * #|[set x in words_of | x j \in U (x i)]| <= u * #|words_of|)%nat.
Proof.
move=> ji; pose F (a : Sym) (l : Tok) : {set Sym} := if l == j then U a else B.
apply: (@leq_trans (p * \sum_(a in B) \prod_(l | l != i) #|F a l|)).
  rewrite leq_mul2l; apply/orP; right; apply: leq_trans (card_confined i F).
  apply: subset_leq_card; apply/subsetP => x; rewrite !inE => /andP[hx cx]; rewrite hx.
  by apply/forallP => l; apply/implyP => _; rewrite /F; case: eqP => [->|_]; last exact: (forallP hx l).
rewrite card_words_of -prod_nat_const (bigD1 i) //= mulnCA -[X in (_ <= X * _)%nat]sum1_card.
rewrite big_distrr big_distrl /=.
apply: leq_sum => a ha; rewrite mul1n.
rewrite (bigD1 j) //= [X in (_ <= _ * X)%nat](bigD1 j) //= !mulnA {1}/F eqxx; apply: leq_mul; first exact: hU.
by apply: leq_prod => l /andP[_ /negbTE lj]; rewrite /F lj.
Qed.

(* Two tokens are, each to such a part. *)
Lemma card_two j j' : j != i -> j' != i -> j != j' ->
  (p * p * #|[set x in words_of | (x j \in U (x i)) && (x j' \in V (x i))]| <= u * u * #|words_of|)%nat.
Proof.
move=> ji j'i jj'; have j'j : j' != j by rewrite eq_sym.
pose F (a : Sym) (l : Tok) : {set Sym} := if l == j then U a else if l == j' then V a else B.
apply: (@leq_trans (p * p * \sum_(a in B) \prod_(l | l != i) #|F a l|)).
  rewrite leq_mul2l; apply/orP; right; apply: leq_trans (card_confined i F).
  apply: subset_leq_card; apply/subsetP => x; rewrite !inE => /and3P[hx cj cj']; rewrite hx.
  apply/forallP => l; apply/implyP => _; rewrite /F; case: eqP => [->|_] //; case: eqP => [->|_] //.
  exact: (forallP hx l).
rewrite card_words_of -prod_nat_const (bigD1 i) //= mulnCA -[X in (_ <= X * _)%nat]sum1_card.
rewrite big_distrr big_distrl /=.
apply: leq_sum => a ha; rewrite mul1n.
have two (f : Tok -> nat) : (\prod_(l | l != i) f l
    = f j * f j' * \prod_(l | (l != i) && (l != j) && (l != j')) f l)%nat.
  by rewrite (bigD1 j) //= (bigD1 j') /= ?j'i // mulnA.
rewrite !two !mulnA; apply: leq_mul.
  rewrite /F !eqxx (negbTE j'j) -[X in (X <= _)%nat]mulnA -[X in (_ <= X)%nat]mulnA.
  by rewrite mulnACA [X in (_ <= X)%nat]mulnACA leq_mul ?hU ?hV.
by apply: leq_prod => l /andP[/andP[_ /negbTE lj] /negbTE lj']; rewrite /F lj lj'.
Qed.

(* Words in which some two tokens are: a union bound over ordered pairs of tokens. *)
Lemma card_pairs (A : {set Word}) : A \subset words_of ->
  (forall x, x \in A -> exists k k', [&& k != i, k' != i, k != k', x k \in U (x i) & x k' \in V (x i)]) ->
  (p * p * #|A| <= expn #|Tok| 2 * (u * u * #|words_of|))%nat.
Proof.
move=> /subsetP AB hA; pose P (v : Tok * Tok) := [&& v.1 != i, v.2 != i & v.1 != v.2].
pose F (v : Tok * Tok) := [set x in words_of | (x v.1 \in U (x i)) && (x v.2 \in V (x i))].
apply: (@leq_trans (p * p * \sum_(v | P v) #|F v|)).
  rewrite leq_mul2l; apply/orP; right; apply: (@leq_trans (\sum_(x in A) \sum_(v | P v) (x \in F v : nat))).
    rewrite -sum1_card; apply: leq_sum => x hx; have [k [k' /and5P[h1 h2 h3 h4 h5]]] := hA x hx.
    by rewrite (bigD1 (k, k')) /= /P ?h1 ?h2 // inE AB // h4 h5.
  rewrite exchange_big /=; apply: leq_sum => v _.
  rewrite -sum1_card big_mkcond [X in (_ <= X)%nat]big_mkcond /=.
  by apply: leq_sum => x _; case: ifP => //; case: (_ \in F _).
rewrite big_distrr /=; apply: (@leq_trans (\sum_(v | P v) u * u * #|words_of|)).
  by apply: leq_sum => v /and3P[h1 h2 h3]; exact: card_two.
by rewrite sum_nat_const leq_mul2r -mulnn -card_prod; apply/orP; right; exact: max_card.
Qed.
End Confined.

(* a power in bits *)
Lemma log2_expn (B n : nat) : log2 (INR (expn B n)) = INR n * log2 (INR B).
Proof.
have l2 := ln2_gt0; rewrite INR_expn /log2; case: (posnP B) => [->|/INR_gt0 B0].
  have l0 : ln 0 = 0 by apply: ln_nonpos; exact: Rle_refl.
  have -> : ln (INR 0 ^ n) = 0 by case: n => [|n]; [exact: ln_1|rewrite [_ ^ _]/= Rmult_0_l].
  by rewrite [INR 0]/= l0 /Rdiv; ring.
by rewrite ln_pow // /Rdiv; ring.
Qed.

(* A count of states as bits: g D^t <= s f b^t. *)
Lemma bits_of_count (g D t f b s : nat) :
  (0 < g)%nat -> (0 < D)%nat -> (g * expn D t <= s * (f * expn b t))%nat ->
  log2 (INR g) + INR t * log2 (INR D) - log2 (INR f) - INR t * log2 (INR b) <= log2 (INR s).
Proof.
move=> g0 D0 h; have l2 := ln2_gt0; have Dt : (0 < expn D t)%nat by rewrite expn_gt0 D0.
have p : (0 < g * expn D t)%nat by rewrite muln_gt0 g0.
have : (0 < s * (f * expn b t))%nat by exact: leq_trans h.
rewrite !muln_gt0 => /andP[/INR_gt0 s0 /andP[/INR_gt0 f0 /INR_gt0 b0]].
have := ln_le (INR_gt0 p) (INR_le h).
rewrite !mult_INR !ln_mult //; try exact: INR_gt0; try by apply: Rmult_lt_0_compat.
move=> {}h; rewrite -!log2_expn.
have -> : log2 (INR g) + log2 (INR (expn D t)) - log2 (INR f) - log2 (INR (expn b t))
    = (ln (INR g) + ln (INR (expn D t)) - ln (INR f) - ln (INR (expn b t))) / ln 2.
  by rewrite /log2; field; lra.
by apply: Rdiv_le_l => //; rewrite log2_ln; lra.
Qed.
