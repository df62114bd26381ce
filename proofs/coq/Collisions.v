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
Theorem clique_count (B : nat) :
  (forall x y, x \in G -> y \in G -> st x = st y -> exists f : Label, injective f /\ m x y f) ->
  (forall x (f : Label), x \in G -> injective f -> (\prod_i #|symbols (members x f) (f i)| <= B)%nat) ->
  (#|G| <= #|S| * (#|Tok|`! * B))%nat.
Proof.
move=> hm hB; rewrite -sum1_card (partition_big st xpredT) //= -sum_nat_const; apply: leq_sum => a _.
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
