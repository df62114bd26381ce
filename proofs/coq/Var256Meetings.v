(* How often the two queries of a letter are shut at VAR-256: a sum over the other tokens, of which at most
   136 stand in the way. *)
From LowerBound Require Export FrameBlocks FrameMeetings Var256FrameBounds Var256Sides.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Meetings.
Variables (K : nat) (k c0 cs sn h tau x t : R).
Notation m := (h ^ 2 * (k ^ 2 - 1) / 12).
Hypotheses (K1 : (1 < K)%nat) (Kk : INR K = k) (h0 : 0 < h) (hx : - x <= ln tau) (t0 : 0 < t).
Notation met i l s j := (meets var256_address' c0 (@symmetric_grid K h) 100 cs sn (h / 2) tau m t i l s j).

(* closes G X c e: another token whose inner products are at most G with the query's address, and at least X
   with its frame vector, closes the query with probability at most e *)
Definition closes (G X c e : R) : Prop :=
  [/\ 0 < X, 0 < e, t * m * G <= c0,
    - t * ((100 * (cs * c0 + sn * - (h / 2)) - x) / 100 - c0 * G) + t ^ 2 * m * (1 - G ^ 2 - X ^ 2) / 2
      + t * X * (h * k / 2) <= - c
  & / (e * (t * X * (h * k))) <= exp c].

(* meeting_at at the inner products of the query, with ln tau >= - x and e^c bounded by computation *)
Lemma meets_at (i j : 'I_cached256) (l : 'I_letters256) s G X c e : closes G X c e ->
  within cs sn (dot (var256_address' i) (var256_address' j)) (var256_address' i (Some l))
    (var256_address' j (Some l)) s G X -> met i l s j <= e.
Proof.
move=> [X0 e0 tG hc he]; rewrite /within -var256_frame => -[hG hX]; rewrite /meets.
have k0 : 0 < k by rewrite -Kk; apply: INR_gt0; exact: ltnW.
have p0 : 0 < t * X * (h * k) by apply: Rmult_lt_0_compat; apply: Rmult_lt_0_compat.
have -> : dot (frame (var256_address' j) l) (var256_address' i)
  = var256_address' i (Some l) - var256_address' j (Some l) * dot (var256_address' i) (var256_address' j).
  by rewrite var256_frame [dot (var256_address' j) _]dot_sym.
rewrite var256_frames; rewrite -Kk in tG hc he p0 *.
apply: Rle_trans (meeting_at (G := G) (X := X) _ K1 h0 t0 (conj X0 hX) hG tG) _.
apply: Rdiv_le_l => //; apply: Rle_trans (_ : _ <= exp (- c)) _.
  apply: exp_mono; apply: Rle_trans hc; do 2 apply: Rplus_le_compat_r.
  rewrite !Ropp_mult_distr_l_reverse; apply: Ropp_le_contravar; apply: Rmult_le_compat_l; first lra.
  by rewrite /token_logit; lra.
rewrite exp_Ropp; apply: Rle_trans (_ : _ <= / / (e * (t * X * (h * INR K)))) _.
  apply: Rinv_le_contravar he; apply: Rinv_0_lt_compat; exact: Rmult_lt_0_compat.
by apply: Req_le; field; split; lra.
Qed.

Variables (GA XA cA eA GB XB cB eB GC XC cC eC : R).
Hypotheses (hA : closes GA XA cA eA) (hB : closes GB XB cB eB) (hC : closes GC XC cC eC) (eCB : eC <= eB)
  (sides : two_sided cs sn GA XA GB XB GC XC).

(* each of the 423 others closes one of the two queries with probability eB and the other with eC, or less,
   but for at most 136, which do so with eA and eC *)
Lemma meets_sum (i : 'I_cached256) (l : 'I_letters256) :
  \rsum_(j | j != i) met i l 1 j + \rsum_(j | j != i) met i l (-1) j <= 136 * eA + 423 * (eB + eC).
Proof.
have [_ eA0 _ _ _] := hA; have [_ eB0 _ _ _] := hB.
have n423 : INR #|[pred j : 'I_cached256 | j != i]| = 423 by rewrite N_others N_ord INR_IZR_INZ /=; lra.
have -> : \rsum_(j | j != i) met i l 1 j + \rsum_(j | j != i) met i l (-1) j
  = \rsum_(j | j != i) (met i l 1 j + met i l (-1) j) by rewrite big_split.
apply: Rle_trans (_ : _ <= \rsum_(j | j != i) (eA * ind (near_opposite i j l) + (eB + eC))) _.
  apply: rsum_le => j ji; have := sides l (_ : i != j); rewrite eq_sym => /(_ ji).
  have at_ s G X c e := @meets_at i j l s G X c e.
  rewrite /ind; case: (near_opposite i j l).
    by case=> -[w1 w2]; have := at_ _ _ _ _ _ hA w1; have := at_ _ _ _ _ _ hC w2; lra.
  case=> [[w1 w2]|[[w1 w2]|[w1 w2]]]; rewrite Rmult_0_r Rplus_0_l.
  - by have := at_ _ _ _ _ _ hB w1; have := at_ _ _ _ _ _ hC w2; lra.
  - by have := at_ _ _ _ _ _ hB w1; have := at_ _ _ _ _ _ hC w2; lra.
  by have := at_ _ _ _ _ _ hC w1; have := at_ _ _ _ _ _ hC w2; lra.
rewrite big_split [X in _ + X <= _]rsum_const_card n423 [X in X + _ <= _]rsum_distr; apply: Rplus_le_compat_r.
rewrite Rmult_comm.
apply: Rmult_le_compat_r; first lra.
apply: Rle_trans (_ : _ <= \rsum_j ind (near_opposite i j l)) _.
  rewrite big_mkcond; apply: rsum_le => j _; case: (j != i); [exact: Rle_refl|exact: (proj1 (ind_01 _))].
rewrite sum_ind; have -> : 136 = INR 136 by rewrite INR_IZR_INZ.
exact/INR_le/near_opposite_few.
Qed.
End Meetings.
