(* Two tokens of a frame family on an even grid: how often one closes a query of the other, from bounds of two
   inner products. *)
From LowerBound Require Export FrameLeak.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- one letter ---------------------------------------------------------------------------------- *)
(* the exponential moment of a letter is sinh (K x) / (K sinh x) at x = s h / 2, and sinh x >= x *)
Lemma grid_moment (K : nat) (h s : R) : (0 < K)%nat -> 0 < h -> 0 < s ->
  mean (fun k => exp (s * @symmetric_grid K h k)) <= exp (s * (h * INR K / 2)) / (s * (h * INR K)).
Proof.
move=> K0 h0 s0; have k0 := INR_gt0 K0; set x := s * h / 2; have x0 : 0 < x by rewrite /x; nra.
have -> : mean (fun k => exp (s * @symmetric_grid K h k)) = grid_sum K x / INR K.
  rewrite /mean N_ord /grid_sum; congr (_ / _); apply: eq_bigr => k _; congr exp.
  by rewrite /symmetric_grid /x; field.
have e := grid_sum_sinh K x; have g0 := grid_sum_ge0 K x; have p := exp_pos (- (INR K * x)).
have sx : 2 * x <= exp x - exp (- x) by have := sinh_ge (Rlt_le _ _ x0); rewrite /sinh; lra.
have le : grid_sum K x * (2 * x) <= exp (INR K * x) by have := Rmult_le_compat_l _ _ _ g0 sx; lra.
have -> : s * (h * INR K / 2) = INR K * x by rewrite /x; field.
have -> : exp (INR K * x) / (s * (h * INR K)) = exp (INR K * x) / (2 * x) / INR K.
  by rewrite /x; field; repeat split; lra.
apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
by apply: Rdiv_le_r; lra.
Qed.

(* the logarithm of this bound grows less than that of a Gaussian letter: its derivative is
   - (m s^2 - r s + 1) / s, where m s^2 - r s + 1 >= (r s / 2 - 1)^2 *)
Lemma letter_decay (r m s0 s : R) : r ^ 2 <= 4 * m -> 0 < s0 <= s ->
  r * s - m * s ^ 2 / 2 - ln s <= r * s0 - m * s0 ^ 2 / 2 - ln s0.
Proof.
move=> rm [s00 [lt|->]]; last exact: Rle_refl.
pose f x := r * x - m * x ^ 2 / 2 - ln x; pose f' x := r - m * x - / x.
have df c : s0 <= c <= s -> derivable_pt_lim f c (f' c).
  move=> hc; apply: derivable_pt_lim_minus; last by apply: derivable_pt_lim_ln; lra.
  apply: derivable_pt_lim_minus.
    by rewrite -[X in derivable_pt_lim _ _ X]Rmult_1_r; exact: derivable_pt_lim_scal (derivable_pt_lim_id c).
  have -> : m * c = m / 2 * (INR 2 * c ^ 1) by rewrite /=; field.
  apply: (derivable_pt_lim_ext (fun x => m / 2 * x ^ 2)) => [x|]; first by field.
  exact: derivable_pt_lim_scal (derivable_pt_lim_pow c 2).
have [c [hc [c0 c1]]] := MVT_cor2 f f' s0 s lt df; rewrite /f /f' in hc.
have cp : 0 < c by lra.
have : r - m * c - / c <= 0; last by nra.
have -> : r - m * c - / c = - ((m * c ^ 2 - r * c + 1) / c) by field; lra.
have : 0 <= (m * c ^ 2 - r * c + 1) / c; last lra.
apply: Rmult_le_pos; last exact/Rlt_le/Rinv_0_lt_compat.
have := pow2_ge_0 (r * c / 2 - 1); have := Rmult_le_compat_r (c ^ 2) _ _ (pow2_ge_0 c) rm; lra.
Qed.

(* ---------- one other token ----------------------------------------------------------------------------- *)
(* A token closes a query the more often, the larger its inner product g with the address, and the smaller its
   inner product xi with the frame vector whose letter is kept apart. *)
Lemma meeting_at (K : nat) (h c0 t y g xi G X : R) (m := h ^ 2 * (INR K ^ 2 - 1) / 12) : (1 < K)%nat ->
  0 < h -> 0 < t -> 0 < X <= Rabs xi -> g <= G -> t * m * G <= c0 ->
  meeting c0 (@symmetric_grid K h) m t y g xi
    <= exp (- t * (y - c0 * G) + t ^ 2 * m * (1 - G ^ 2 - X ^ 2) / 2 + t * X * (h * INR K / 2))
       / (t * X * (h * INR K)).
Proof.
move=> K1 h0 t0 [X0 Xx] gG tG; have K0 : (0 < K)%nat by exact: ltnW.
have k2 : 2 <= INR K by have := INR_le K1; rewrite /=; lra.
set s := t * Rabs xi; set s0 := t * X; set r := h * INR K / 2; set z := - t * (y - c0 * G).
set A := z + t ^ 2 * m * (1 - G ^ 2) / 2.
have s00 : 0 < s0 by rewrite /s0; nra.
have ss : 0 < s0 <= s by split=> //; apply: Rmult_le_compat_l; lra.
have r0 : 0 < 2 * r by rewrite /r; nra.
have rm : r ^ 2 <= 4 * m.
  have k4 : 0 <= INR K ^ 2 - 4 by nra.
  by have := Rmult_le_pos _ _ (pow2_ge_0 h) k4; rewrite /r /m; lra.
have fold : mean (fun k => exp (t * xi * @symmetric_grid K h k))
  = mean (fun k => exp (s * @symmetric_grid K h k)).
  rewrite /s; case: (Rle_dec 0 xi) => hx; first by rewrite Rabs_right //; lra.
  rewrite Rabs_left1; last lra.
  rewrite /mean (reindex_inj rev_ord_inj) /=; congr (_ / _); apply: eq_bigr => k _; rewrite grid_opp.
  by congr exp; ring.
(* bound x: the product of both factors at a coefficient x of the letter *)
pose bound x := exp (A + (r * x - m * x ^ 2 / 2 - ln x)) / (2 * r).
have boundE x w : 0 < x -> w = A - m * x ^ 2 / 2 -> exp w * (exp (x * r) / (x * (h * INR K))) = bound x.
  move=> x0 ->; rewrite /bound.
  have -> : A + (r * x - m * x ^ 2 / 2 - ln x) = A - m * x ^ 2 / 2 + (x * r + - ln x) by ring.
  rewrite exp_plus exp_plus exp_Ropp exp_ln // /r; field; repeat split; lra.
have -> : exp (z + t ^ 2 * m * (1 - G ^ 2 - X ^ 2) / 2 + t * X * (h * INR K / 2)) / (t * X * (h * INR K))
    = bound s0.
  rewrite -(boundE s0 (z + t ^ 2 * m * (1 - G ^ 2 - X ^ 2) / 2)) //; last by rewrite /A /s0; field.
  by rewrite exp_plus /Rdiv Rmult_assoc.
apply: Rle_trans (_ : _ <= bound s) _; last first.
  apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
  by apply: exp_mono; apply: Rplus_le_compat_l; exact: letter_decay.
rewrite -(boundE s (A - m * s ^ 2 / 2)) //; last lra.
rewrite /meeting fold; apply: Rmult_le_compat; first exact/Rlt_le/exp_pos.
- by apply: mean_ge0 => k; exact/Rlt_le/exp_pos.
- apply: exp_mono; have m0 : 0 <= m by have := pow2_ge_0 r; lra.
  have := address_exponent m0 y (xi ^ 2) gG t0 tG.
  have -> : A - m * s ^ 2 / 2 = z + t ^ 2 * m * (1 - G ^ 2 - xi ^ 2) / 2.
    by rewrite /A /s Rpow_mult_distr pow2_abs; field.
  rewrite -/z; lra.
by apply: grid_moment => //; lra.
Qed.
