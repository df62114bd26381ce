(* The layer norm (AdaLN without shift and gain) of rows that are combinations of blocks: orthonormal vectors
   of mean 0.  It divides every coefficient by one positive number.  A row of width C has room for C - 1
   blocks. *)
From LowerBound Require Export Softmax.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Norm.
Variable Wid : finType.
(* mean: the mean of the entries of a row
   layer_norm eps: the row minus its mean, over sqrt (variance + eps) *)
Definition mean (x : Wid -> R) : R := (\rsum_w x w) / N Wid.
Definition layer_norm (eps : R) (x : Wid -> R) : Wid -> R := fun w =>
  (x w - mean x) / sqrt ((\rsum_v ((x v - mean x) * (x v - mean x))) / N Wid + eps).

Variables (E : finType) (q : E -> Wid -> R).
(* blocks: orthonormal vectors whose entries sum to 0 *)
Definition blocks : Prop :=
  (forall e e', dot (q e) (q e') = ind (e == e')) /\ forall e, \rsum_w q e w = 0.
(* combine a: the row with the coefficients a *)
Definition combine (a : E -> R) : Wid -> R := fun w => \rsum_e (a e * q e w).
Hypothesis hq : blocks.

Lemma dot_combine a e : dot (q e) (combine a) = a e.
Proof.
have e1 e' : \rsum_w (q e w * (a e' * q e' w)) = a e' * ind (e == e').
  by rewrite -(proj1 hq) /dot -rsum_distr; apply: eq_bigr => w _; ring.
rewrite /dot /combine; under eq_bigr => w _ do rewrite -rsum_distr.
rewrite exchange_big /=; under eq_bigr => e' _ do rewrite e1.
rewrite (bigD1 e) //= big1 => [|e' ne]; first by rewrite eqxx /=; ring.
by rewrite eq_sym (negbTE ne) /=; ring.
Qed.

Lemma mean_combine a : mean (combine a) = 0.
Proof.
rewrite /mean /combine exchange_big /= big1 => [|e _]; first by rewrite /Rdiv Rmult_0_l.
by rewrite rsum_distr (proj2 hq) Rmult_0_r.
Qed.

Lemma square_combine a : \rsum_w (combine a w * combine a w) = \rsum_e (a e * a e).
Proof.
transitivity (\rsum_e (a e * dot (q e) (combine a))); last by apply: eq_bigr => e _; rewrite dot_combine.
rewrite /dot; under [RHS]eq_bigr => e _ do rewrite -rsum_distr.
rewrite exchange_big /=; apply: eq_bigr => w _; rewrite {1}/combine Rmult_comm -rsum_distr.
by apply: eq_bigr => e _; ring.
Qed.

Lemma dot_layer_norm eps a e :
  dot (q e) (layer_norm eps (combine a)) = a e / sqrt ((\rsum_e (a e * a e)) / N Wid + eps).
Proof.
rewrite -square_combine -{1}(dot_combine a e) /layer_norm mean_combine /dot.
have -> : \rsum_v ((combine a v - 0) * (combine a v - 0)) = \rsum_v (combine a v * combine a v).
  by apply: eq_bigr => v _; ring.
by set s := sqrt _; rewrite /Rdiv Rmult_comm -rsum_distr; apply: eq_bigr => w _; ring.
Qed.
End Norm.

(* ---------- blocks exist: Helmert's vectors ------------------------------------------------------------ *)
(* vector k is 1 at the first k + 1 places and - (k + 1) at the next one, divided by its length *)
Section Helmert.
Variable C : nat.
Definition helmert_entry (k w : nat) : R := ind (w < k.+1)%nat - INR k.+1 * ind (w == k.+1).
Definition helmert (k : 'I_C.-1) (w : 'I_C) : R := helmert_entry k w / sqrt (INR k.+1 * INR k.+2).

Lemma sum_below (m : nat) : (m <= C)%nat -> \rsum_(w : 'I_C) ind (w < m)%nat = INR m.
Proof.
move=> h; transitivity (\big[Rplus/0]_(w < C | (w < m)%nat) 1); first by rewrite [RHS]big_mkcond.
by rewrite (big_ord_narrow h) rsum_const N_ord Rmult_1_r.
Qed.

Lemma sum_at (m : nat) : (m < C)%nat -> \rsum_(w : 'I_C) ind (w == m :> nat) = 1.
Proof.
move=> h; rewrite (bigD1 (Ordinal h)) //= eqxx big1 /= => [|w]; first ring.
by rewrite -val_eqE /= => /negbTE ->.
Qed.

Lemma helmert_place (k : 'I_C.-1) : (k.+1 < C)%nat.
Proof. by have := ltn_ord k; case: C k => [|n] [k] /=. Qed.

Lemma helmert_sum (k : 'I_C.-1) : \rsum_(w : 'I_C) helmert_entry k w = 0.
Proof.
have hk := helmert_place k; have := sum_below (ltnW hk); rewrite /helmert_entry; move: (INR _) => a h.
by rewrite /Rminus big_split /= rsum_opp rsum_distr h sum_at //; ring.
Qed.

Lemma helmert_square (k : 'I_C.-1) :
  \rsum_(w : 'I_C) (helmert_entry k w * helmert_entry k w) = INR k.+1 * INR k.+2.
Proof.
have hk := helmert_place k; rewrite (S_INR k.+1); have := sum_below (ltnW hk).
rewrite /helmert_entry; move: (INR _) => a h.
transitivity (\rsum_(w : 'I_C) (ind (w < k.+1)%nat + a * a * ind (w == k.+1 :> nat))).
  by apply: eq_bigr => w _; rewrite /ind; case: (ltngtP w k.+1) => _; ring.
by rewrite big_split /= rsum_distr h sum_at //; ring.
Qed.

Lemma helmert_cross (j k : 'I_C.-1) :
  (j < k)%nat -> \rsum_(w : 'I_C) (helmert_entry j w * helmert_entry k w) = 0.
Proof.
move=> jk; rewrite -[RHS](helmert_sum j); apply: eq_bigr => w _; rewrite /helmert_entry.
move: (INR j.+1) (INR k.+1) => a b; case: (ltnP w k.+1) => [wk|kw]; first by rewrite (ltn_eqF wk) /= /ind;
  ring.
have jw : (j.+1 < w)%nat by apply: leq_trans kw.
have /negbTE j0 : ~~ (w < j.+1)%nat by rewrite -leqNgt ltnW.
by rewrite (gtn_eqF jw) j0 /ind; ring.
Qed.

(* Sketch: the entries of vector k are 1 on the first k + 1 places and - (k + 1) on the next; so they sum to
   0, two vectors are orthogonal because the longer one is constant on the shorter one, and the squared norm
   is (k + 1)(k + 2), by whose root they are divided. *)
Lemma helmert_blocks : blocks helmert.
Proof.
have l0 (k : 'I_C.-1) : 0 < INR k.+1 * INR k.+2 by apply: Rmult_lt_0_compat; exact: INR_gt0.
have out (j k : 'I_C.-1) : dot (helmert j) (helmert k)
    = / sqrt (INR j.+1 * INR j.+2) * (/ sqrt (INR k.+1 * INR k.+2)
      * \rsum_(w : 'I_C) (helmert_entry j w * helmert_entry k w)).
  by rewrite -!rsum_distr; apply: eq_bigr => w _; rewrite /helmert /Rdiv; ring.
split=> [j k|k]; last first.
  transitivity (/ sqrt (INR k.+1 * INR k.+2) * \rsum_(w : 'I_C) helmert_entry k w).
    by rewrite -rsum_distr; apply: eq_bigr => w _; rewrite /helmert /Rdiv; ring.
  by rewrite helmert_sum Rmult_0_r.
case: (ltngtP j k) => [jk|kj|/val_inj <-].
- by rewrite out helmert_cross // !Rmult_0_r (_ : j == k = false) // -val_eqE /= ltn_eqF.
- by rewrite dot_sym out helmert_cross // !Rmult_0_r (_ : j == k = false) // -val_eqE /= gtn_eqF.
rewrite out helmert_square eqxx /ind; have := sqrt_lt_R0 _ (l0 j); have := sqrt_sqrt _ (Rlt_le _ _ (l0 j)).
by move: (sqrt _) => s <- s0; field; lra.
Qed.

Lemma blocks_exist (E : finType) : (#|E| < C)%nat -> exists q : E -> 'I_C -> R, blocks q.
Proof.
move=> h; have h' : (#|E| <= C.-1)%nat by rewrite -ltnS prednK //; exact: leq_ltn_trans h.
have [h1 h2] := helmert_blocks.
exists (fun e => helmert (widen_ord h' (enum_rank e))); split=> [e e'|e]; last exact: h2.
rewrite h1; congr ind; rewrite -val_eqE /= val_eqE.
exact: (eqtype.inj_eq enum_rank_inj).
Qed.
End Helmert.
