(* What the floors of Theorem F at VAR-256 have in common, at delta = 0 and above: its sizes, and the
   hypotheses that follow from rational bounds. *)
From LowerBound Require Export FrameFloor RationalBounds KerdockFrames.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Notation var256_value :=
  (@value_question _ [finType of 'I_own256] _ [finType of 'I_values256] var256_address' 100).

Lemma var256_sizes : [/\ N [finType of 'I_letters256] = 62, N [finType of 'I_values256] = 63,
  N [finType of 'I_own256] = 256 & N [finType of 'I_cached256] = 424].
Proof. by rewrite !N_ord !INR_IZR_INZ. Qed.

Lemma var256_own : (0 < #|[finType of 'I_own256]|)%nat.
Proof. by rewrite card_ord. Qed.

Lemma ln_var256_own : ln (N [finType of 'I_own256]) <= 100.
Proof.
have [_ _ -> _] := var256_sizes; have -> : ln 256 = 8 * ln 2.
  by have -> : 256 = 2 ^ 8 by [ring]; rewrite ln_pow; [rewrite INR_IZR_INZ|lra].
by have := exp_ineq1_le (ln 2); rewrite exp_ln; lra.
Qed.

Lemma ln_at_least x tau : 0 < tau -> / tau <= exp x -> - x <= ln tau.
Proof.
move=> t0 hx; have : ln (/ tau) <= x by rewrite -(ln_exp x); apply: ln_le => //; exact: Rinv_0_lt_compat.
by rewrite ln_Rinv //; lra.
Qed.

Lemma ln_succ_at_most tau : 0 < tau -> ln (1 + tau) <= tau.
Proof. by move=> t0; rewrite -{2}(ln_exp tau); apply: ln_le; [lra|exact: exp_ineq1_le]. Qed.

Lemma inv_half l : 2 <= l -> / l <= 1/2.
Proof. by move=> l2; apply: Rle_trans (Rinv_le_contravar 2 l _ _) _; lra. Qed.

(* payloads on a grid of l points fit into the sphere, if s is at least the root of their spread *)
Lemma var256_dense (l h z s c0 : R) : 0 <= s ->
  z * (62 * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180)) <= s ^ 2 ->
  62 * (h ^ 2 * (l ^ 2 - 1) / 12) + s <= 1 - c0 ^ 2 ->
  62 * (h ^ 2 * (l ^ 2 - 1) / 12) + sqrt (z * (62 * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180))) <= 1 - c0 ^ 2.
Proof.
move=> s0 hs norm; have : sqrt (z * (62 * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180))) <= s.
  by rewrite -(sqrt_pow2 s) //; apply: sqrt_le_1_alt.
by set a := sqrt _ in norm *; lra.
Qed.

(* Bob's own tokens weigh little in a read of a value: (1 + y)^2 <= exp (2 y) bounds the exponential *)
Lemma var256_far (c0 tauV xV : R) : 0 < tauV -> - xV <= ln (tauV / 2) -> 0 < c0 ->
  256 <= (1 + (100 + 100 * c0 - xV) / 2) ^ 2 -> xV <= 100 -> 256 * exp (- (100)) <= tauV / 2 * exp (100 * c0).
Proof.
move=> t0 lx c00 far far0; apply: Rle_trans (_ : _ <= exp (- xV) * exp (100 * c0)) _; last first.
  apply: Rmult_le_compat_r; first exact/Rlt_le/exp_pos.
  by rewrite -(exp_ln (tauV / 2)); [exact: exp_mono|lra].
have -> : exp (- xV) * exp (100 * c0) = exp (100 + 100 * c0 - xV) * exp (- (100)).
  by rewrite -!exp_plus; congr exp; ring.
apply: Rmult_le_compat_r; first exact/Rlt_le/exp_pos.
apply: Rle_trans far _; set y := (100 + 100 * c0 - xV) / 2.
have -> : 100 + 100 * c0 - xV = INR 2 * y by rewrite /y INR_IZR_INZ; field.
by rewrite exp_INR; apply: pow_incr; have := exp_ineq1_le y; rewrite /y; lra.
Qed.

(* an exponent, from a rational bound - x of the logarithm in it *)
Lemma exponent_at (t a x b c e : R) (u : R) : 0 < t -> - x <= u ->
  c <= t * ((a - x) / 100 - b) - e -> c <= t * ((a + u) / 100 - b) - e.
Proof.
by move=> t0 hx hc; apply: Rle_trans hc _; apply: Rplus_le_compat_r; apply: Rmult_le_compat_l; lra.
Qed.

(* an isolation bound, from a rational bound of its exponent *)
Lemma isolation_at (P tt mm c0 mu y c e : R) : 0 <= P -> 0 < e ->
  c <= tt * (y - c0 * mu) - tt ^ 2 * mm * (1 - mu ^ 2) / 2 -> P * 423 / e <= exp c ->
  0 <= isolation 424 P tt mm c0 mu y <= e.
Proof.
move=> P0 e0 hc big; rewrite /isolation; set x := exp _; have x0 : 0 < x by exact: exp_pos.
have p0 : 0 <= P * 423 by lra.
have xc : x <= / exp c by rewrite -exp_Ropp; apply: exp_mono; lra.
have -> : P * ((424 - 1) * x) = P * 423 * x by ring.
split; first by apply: Rmult_le_pos; lra.
have h : P * 423 <= exp c * e.
  have := Rmult_le_compat_r e _ _ (Rlt_le _ _ e0) big.
  by have -> : P * 423 / e * e = P * 423 by field; lra.
apply: Rle_trans (_ : _ <= exp c * e * / exp c) _; last by apply: Req_le; field; have := exp_pos c; lra.
by apply: Rmult_le_compat => //; lra.
Qed.
