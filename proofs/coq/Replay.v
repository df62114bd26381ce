(* Replay: when the weights are public and the answers determine all token ids, the state is a message that
   determines them, and keeping the ids is the best cache.  Counting is enough here. *)
From LowerBound Require Export Index.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Replay.
Variables (I : finType) (V : I -> finType).                          (* ids and their codebooks *)
Notation X := {dffun forall i, V i}.
Variables (x0 : X) (W S : finType).

Lemma log2_words : log2 (N_words V) = \rsum_i log2 (N (V i)).
Proof.
rewrite /log2 card_words ln_rprod => [|i]; last by have := N_ge1 (x0 i); lra.
by rewrite /Rdiv Rmult_comm -rsum_distr; apply: eq_bigr => i _; rewrite Rmult_comm.
Qed.

(* under fixed coins, at most one word for each state is decoded rightly *)
Lemma decoded_words (enc : X -> S) (dec : S -> X) : \rsum_(x : X) ind (dec (enc x) == x) <= N S.
Proof.
rewrite -[N S]Rmult_1_r -rsum_const (eq_bigr (fun s => \rsum_(x : X) ind (dec s == x))) => [|s _].
  rewrite exchange_big /=; apply: rsum_le => x _.
  by apply: (rsum_term (f := fun s => ind (dec s == x))) => s; exact: (proj1 (ind_01 _)).
by rewrite (bigD1 (dec s)) //= eqxx big1 ?Rplus_0_r // => x; rewrite eq_sym => /negbTE ->.
Qed.

(* all ids together, wrong with probability delta over coins and words *)
Theorem replay_message (enc : W -> X -> S) (dec : W -> S -> X) (delta : R) :
  0 < N W -> delta < 1 ->
  \rsum_(w : W) \rsum_(x : X) ind (dec w (enc w x) != x) <= delta * (N W * N_words V) ->
  \rsum_i log2 (N (V i)) - log2 (/ (1 - delta)) <= log2 (N S).
Proof.
move=> W0 d1 herr; have X0 : 0 < N_words V by exact: words_gt0 x0.
have flip b : ind (~~ b) = 1 + - ind b by case: b; rewrite /=; ring.
have : N W * N_words V - \rsum_(w : W) \rsum_(x : X) ind (dec w (enc w x) == x) <= delta * (N W * N_words V).
  apply: Rle_trans herr; apply: Req_le.
  under [RHS]eq_bigr => w _ do under eq_bigr => x _ do rewrite flip.
  under [RHS]eq_bigr => w _ do rewrite big_split /= rsum_const_words rsum_opp.
  by rewrite big_split /= rsum_const rsum_opp; ring.
have : \rsum_(w : W) \rsum_(x : X) ind (dec w (enc w x) == x) <= N W * N S.
  by rewrite -rsum_const; apply: rsum_le => w _; exact: decoded_words.
set E := \rsum_w _ => h1 h2.
have h : (1 - delta) * N_words V <= N S by apply: (Rmult_le_reg_l (N W)) => //; lra.
have p : 0 < 1 - delta by lra.
have l2 := ln2_gt0; rewrite -log2_words /log2 ln_Rinv //.
have : ln ((1 - delta) * N_words V) <= ln (N S) by apply: ln_le => //; exact: Rmult_lt_0_compat.
rewrite ln_mult // => hl; apply: Rdiv_le_r => //.
have -> (a b : R) : (a / ln 2 - - b / ln 2) * ln 2 = b + a by field; lra.
exact: hl.
Qed.

(* the reduction: an answer (any kind of object) that is acceptable for two words forces them to be equal *)
Theorem replay_lower_bound (Out : Type) (good : X -> Out -> bool) (compress : W -> X -> S)
    (answer : W -> S -> Out) (delta : R) :
  (forall x y o, good x o -> good y o -> x = y) -> 0 < N W -> delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
  \rsum_i log2 (N (V i)) - log2 (/ (1 - delta)) <= log2 (N S).
Proof.
move=> sep W0 d1 hc.
pose dec w s : X := odflt x0 [pick x | good x (answer w s)].
apply: (replay_message (enc := compress) (dec := dec)) => //.
rewrite exchange_big /=; apply: Rle_trans (_ : _ <= \rsum_(x : X) (delta * N W)) _; last first.
  by rewrite rsum_const_words; apply: Req_le; ring.
apply: rsum_le => x _; apply: Rle_trans (hc x); rewrite -sum_ind; apply: rsum_le => w _.
rewrite /dec; case hx: (good x _); last by case: (_ != _) => /=; lra.
case: pickP => [y hy|/(_ x)] /=; last by rewrite hx.
by rewrite (sep _ _ _ hx hy) eqxx /=; lra.
Qed.

(* without errors the ids must be kept in full *)
Corollary replay_exact (Out : Type) (good : X -> Out -> bool) (compress : W -> X -> S)
    (answer : W -> S -> Out) :
  (forall x y o, good x o -> good y o -> x = y) -> 0 < N W ->
  (forall x w, good x (answer w (compress w x))) -> \rsum_i log2 (N (V i)) <= log2 (N S).
Proof.
move=> sep W0 hc; have := @replay_lower_bound Out good compress answer 0 sep W0 Rlt_0_1.
have -> : log2 (/ (1 - 0)) = 0 by rewrite Rminus_0_r Rinv_1 /log2 ln_1 /Rdiv; ring.
by rewrite Rminus_0_r; apply=> x; rewrite Rmult_0_l eq_card0 /= => [|w]; [lra|rewrite inE hc].
Qed.
End Replay.

(* ... and keeping them is enough *)
Theorem replay_cache (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (Out : Type)
    (good : {dffun forall i, V i} -> Out -> bool) (truth : {dffun forall i, V i} -> Out) :
  (forall x, good x (truth x)) ->
  exists (S : finType) (compress : {dffun forall i, V i} -> S) (answer : S -> Out),
    (forall x, good x (answer (compress x))) /\ log2 (N S) = \rsum_i log2 (N (V i)).
Proof.
by move=> hg; exists [finType of {dffun forall i, V i}], (fun x => x), truth; split=> //;
  exact: log2_words x0.
Qed.

(* VAR at 256 pixels: 255 ids with codebooks of 2^12 codes in the scales of sides 1, 2, 3, 4, 5, 6, 8, 10 *)
Definition var256_ids : nat := (\sum_(p <- [:: 1; 2; 3; 4; 5; 6; 8; 10]) (p * p))%nat.

Lemma var256_replay : \rsum_(i : 'I_var256_ids) log2 (N [finType of 'I_(expn 2 12)]) = 3060.
Proof.
have -> : var256_ids = 255%nat by rewrite /var256_ids unlock.
have two : INR 2 = 2 by []. have l2 := ln2_gt0.
have bits : log2 (N [finType of 'I_(expn 2 12)]) = INR 12.
  by rewrite N_ord INR_expn two /log2 ln_pow; [field|]; lra.
by rewrite bits rsum_const N_ord !INR_IZR_INZ -mult_IZR.
Qed.
