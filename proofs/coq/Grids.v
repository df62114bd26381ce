(* Symmetric grids: they are sub-Gaussian with their own variance, and their moments of order 2 and 4. *)
From LowerBound Require Export Means Keys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- sub-Gaussian alphabets -------------------------------------------------- *)
(* subgaussian v m: all exponential moments are at most those of a centred Gaussian of variance m *)
Definition subgaussian (A : finType) (v : A -> R) (m : R) : Prop :=
  forall s, mean (fun a => exp (s * v a)) <= exp (s ^ 2 * m / 2).
(* symmetric_grid L h: the points - (L - 1) h / 2, ..., - h / 2, h / 2, ..., (L - 1) h / 2 (L even) *)
Definition symmetric_grid (L : nat) (h : R) (k : 'I_L) : R := h * (INR k - (INR L - 1) / 2).

(* a linear form in independent sub-Gaussian letters *)
Lemma subgaussian_form (I A : finType) (v : A -> R) (m : R) (u : I -> R) : subgaussian v m ->
  mean (fun x : {ffun I -> A} => exp (\rsum_i (u i * v (x i)))) <= exp ((\rsum_i u i ^ 2) * m / 2).
Proof.
move=> hv; rewrite (mean_ext (g := fun x : {ffun I -> A} => \rprod_i (fun i a => exp (u i * v a)) i (x i)));
  last first.
  by move=> x; rewrite exp_rsum.
rewrite (mean_prod (fun i a => exp (u i * v a))).
have -> : (\rsum_i u i ^ 2) * m / 2 = \rsum_i (u i ^ 2 * m / 2).
  have -> : (\rsum_i u i ^ 2) * m / 2 = m / 2 * \rsum_i u i ^ 2 by field.
  by rewrite -rsum_distr; apply: eq_bigr => i _; field.
rewrite exp_rsum.
suff h : 0 <= \rprod_i mean (fun a => exp (u i * v a)) <= \rprod_i exp (u i ^ 2 * m / 2) by case: h.
apply: (big_ind2 (fun x y => 0 <= x <= y)) => [|x1 x2 y1 y2 [a1 a2] [b1 b2]|i _]; first lra.
  by split; [apply: Rmult_le_pos; lra|apply: Rmult_le_compat].
split; last exact: hv.
by apply: mean_ge0 => a; exact/Rlt_le/exp_pos.
Qed.

(* A linear form in independent sub-Gaussian letters, with letter i kept apart: the mean of the product is the
   product of the means. *)
Lemma subgaussian_form_apart (I A : finType) (v : A -> R) (m : R) (u : I -> R) (i : I) : subgaussian v m ->
  mean (fun x : {ffun I -> A} => exp (\rsum_k (u k * v (x k))))
    <= mean (fun a => exp (u i * v a)) * exp ((\rsum_k u k ^ 2 - u i ^ 2) * m / 2).
Proof.
move=> hv; rewrite (mean_ext (g := fun x : {ffun I -> A} => \rprod_k (fun k a => exp (u k * v a)) k (x k)));
  last first.
  by move=> x; rewrite exp_rsum.
have e0 (k : I) : 0 <= mean (fun a => exp (u k * v a)) by apply: mean_ge0 => a; exact/Rlt_le/exp_pos.
rewrite (mean_prod (fun k a => exp (u k * v a))) (bigD1 i) //=; apply: Rmult_le_compat_l => //.
rewrite [\rsum_k u k ^ 2](bigD1 i) //=.
have -> : (u i ^ 2 + \rsum_(k | k != i) u k ^ 2 - u i ^ 2) * m / 2
  = m / 2 * \rsum_(k | k != i) u k ^ 2 by field.
rewrite -rsum_distr (big_morph exp exp_plus exp_0).
suff h : 0 <= \big[Rmult/1]_(k | k != i) mean (fun a => exp (u k * v a))
    <= \big[Rmult/1]_(k | k != i) exp (m / 2 * u k ^ 2) by case: h.
apply: (big_ind2 (fun x y => 0 <= x <= y)) => [|x1 x2 y1 y2 [a1 a2] [b1 b2]|k _]; first lra.
  by split; [apply: Rmult_le_pos; lra|apply: Rmult_le_compat].
split=> //; apply: Rle_trans (hv (u k)) _; apply: exp_mono; apply: Req_le; field.
Qed.

Lemma grid_opp (L : nat) (h : R) (k : 'I_L) : symmetric_grid h (rev_ord k) = - symmetric_grid h k.
Proof. by rewrite /symmetric_grid /= minus_INR; [rewrite S_INR; field|exact/leP]. Qed.

(* ---------- sinh y <= y cosh y ------------------------------------------------------- *)
Lemma sinh_ge0 y : 0 <= y -> 0 <= sinh y.
Proof. by move=> y0; rewrite /sinh; have : exp (- y) <= exp y by [apply: exp_mono; lra]; lra. Qed.

Lemma cosh_mono x y : 0 <= x -> x <= y -> cosh x <= cosh y.
Proof.
move=> x0 [xy|<-]; last by lra.
have [c [hc [c1 c2]]] := MVT_cor2 cosh sinh x y xy (fun c _ => derivable_pt_lim_cosh c).
by have s0 : 0 <= sinh c by [apply: sinh_ge0; lra]; nra.
Qed.

Lemma sinh_le y : 0 <= y -> sinh y <= y * cosh y.
Proof.
move=> [y0|<-]; last by rewrite sinh_0; lra.
have [c [hc [c1 c2]]] := MVT_cor2 sinh cosh 0 y y0 (fun c _ => derivable_pt_lim_sinh c).
by rewrite sinh_0 in hc; have h : cosh c <= cosh y by [apply: cosh_mono; lra]; nra.
Qed.

Lemma sinh_ge x : 0 <= x -> x <= sinh x.
Proof.
case=> [x0|<-]; last by rewrite sinh_0; lra.
have [c [hc [c0 c1]]] := MVT_cor2 sinh cosh 0 x x0 (fun c _ => derivable_pt_lim_sinh c).
by rewrite sinh_0 in hc; have := cosh_ge1 c; nra.
Qed.

Lemma cosh_add x y : cosh (x + y) = cosh x * cosh y + sinh x * sinh y.
Proof. by rewrite /cosh /sinh Ropp_plus_distr !exp_plus; field. Qed.

Lemma sinh_opp x : sinh (- x) = - sinh x.
Proof. by rewrite /sinh Ropp_involutive; field. Qed.

(* An integer multiple costs a Gaussian factor.  By induction: cosh ((l + 1) x) = cosh (l x) cosh x + sinh (l
   x) sinh x, sinh y <= y cosh y, and 1 + l x^2 <= exp (l x^2). *)
Lemma cosh_multiple (n : nat) x : cosh ((INR n + 1) * x) <= cosh x * exp (((INR n + 1) ^ 2 - 1) * x ^ 2 / 2).
Proof.
wlog x0 : x / 0 <= x => [hw|].
  case: (Rle_dec 0 x) => h; first exact: hw.
  rewrite -cosh_opp -[cosh x]cosh_opp; have -> : - ((INR n + 1) * x) = (INR n + 1) * - x by ring.
  have -> : x ^ 2 = (- x) ^ 2 by ring. by apply: hw; lra.
elim: n => [|n IH].
  have -> : (INR 0 + 1) * x = x by rewrite /=; ring.
  have -> : ((INR 0 + 1) ^ 2 - 1) * x ^ 2 / 2 = 0 by rewrite [INR 0]/=; field.
  by rewrite exp_0; lra.
rewrite S_INR; set L := INR n + 1 in IH *; have L0 : 0 <= L by have := pos_INR n; rewrite /L; lra.
have -> : (L + 1) * x = L * x + x by ring.
rewrite cosh_add; have Lx : 0 <= L * x by nra.
have h1 := sinh_le Lx; have h2 := sinh_le x0; have h3 := sinh_ge0 Lx; have h4 := sinh_ge0 x0.
have c1 := cosh_ge1 (L * x); have c2 := cosh_ge1 x; have c3 := cosh_le_exp_square x.
have Lx2 : 0 <= L * x ^ 2 by apply: Rmult_le_pos => //; exact: pow2_ge_0.
have e1 : 1 + L * x ^ 2 <= exp (L * x ^ 2) := exp_ineq1_le _.
have s1 : sinh (L * x) * sinh x <= (L * x * cosh (L * x)) * (x * cosh x).
  by apply: Rmult_le_compat.
have -> : ((L + 1) ^ 2 - 1) * x ^ 2 / 2 = (L ^ 2 - 1) * x ^ 2 / 2 + (L * x ^ 2 + x ^ 2 / 2) by field.
rewrite !exp_plus; set E := exp ((L ^ 2 - 1) * x ^ 2 / 2) in IH *.
apply: Rle_trans (_ : _ <= cosh (L * x) * (cosh x * (1 + L * x ^ 2))) _.
  have -> : cosh (L * x) * (cosh x * (1 + L * x ^ 2)) = cosh (L * x) * cosh x +
    L * x * cosh (L * x) * (x * cosh x) by ring.
  exact: Rplus_le_compat_l.
rewrite -[X in _ <= X]Rmult_assoc; apply: Rmult_le_compat; [lra| |exact: IH|].
  by apply: Rmult_le_pos; lra.
by rewrite [X in _ <= X]Rmult_comm; apply: Rmult_le_compat => //; lra.
Qed.

(* ---------- the grid of odd spacing --------------------------------------------------------- *)
(* grid_sum L x: sum of e^(x (2 k + 1 - L)) *)
Definition grid_sum (L : nat) (x : R) : R := \rsum_(k : 'I_L) exp (x * (2 * INR k + 1 - INR L)).

Lemma grid_sum_sinh (L : nat) x : grid_sum L x * (exp x - exp (- x)) = exp (INR L * x) - exp (- (INR L * x)).
Proof.
suff h (a : R) : (\rsum_(k : 'I_L) exp (x * (2 * INR k + 1 + a))) * (exp x - exp (- x))
    = exp (x * (2 * INR L + a)) - exp (x * a).
  rewrite /grid_sum (h (- INR L)); congr (exp _ - exp _); ring.
elim: L => [|L IH]; first by rewrite big_ord0 /= Rmult_0_l; have -> : 2 * 0 + a = a by [ring]; ring.
rewrite S_INR big_ord_recr /= Rmult_plus_distr_r IH.
have -> : exp (x * (2 * (INR L + 1) + a)) = exp (x * (2 * INR L + 1 + a)) * exp x by rewrite -exp_plus;
  congr exp; ring.
have -> : exp (x * (2 * INR L + a)) = exp (x * (2 * INR L + 1 + a)) * exp (- x) by rewrite -exp_plus;
  congr exp; ring.
ring.
Qed.

Lemma grid_sum_ge0 L x : 0 <= grid_sum L x. Proof. exact: rsum_exp_ge0. Qed.

(* Doubling the step, by the geometric series: grid_sum L (2 x) cosh x = grid_sum L x cosh (L x). *)
Lemma grid_sum_double (L : nat) x : (0 < L)%nat ->
  grid_sum L (2 * x) <= grid_sum L x * exp ((INR L ^ 2 - 1) * x ^ 2 / 2).
Proof.
move=> L0; case: (Req_dec x 0) => [->|xn].
  rewrite Rmult_0_r; have -> : (INR L ^ 2 - 1) * 0 ^ 2 / 2 = 0 by field.
  by rewrite exp_0; lra.
have e : grid_sum L (2 * x) * cosh x = grid_sum L x * cosh (INR L * x).
  have h1 := grid_sum_sinh L (2 * x); have h2 := grid_sum_sinh L x.
  have d (y : R) : exp (2 * y) - exp (- (2 * y)) = (exp y - exp (- y)) * (2 * cosh y).
    have -> : - (2 * y) = 2 * - y by ring.
    by rewrite !exp_double /cosh; field.
  have eL : INR L * (2 * x) = 2 * (INR L * x) by ring.
  rewrite eL !d in h1.
  rewrite -h2 in h1; have s : exp x - exp (- x) <> 0.
    by move=> h; have /exp_inv : exp x = exp (- x) by [lra]; lra.
  by apply: (Rmult_eq_reg_r (exp x - exp (- x))) => //; lra.
have c0 : 0 < cosh x by have := cosh_ge1 x; lra.
apply: (Rmult_le_reg_r (cosh x)) => //; rewrite e Rmult_assoc; apply: Rmult_le_compat_l;
  first exact: grid_sum_ge0.
case: L L0 {e} => // n _; rewrite S_INR [X in _ <= X]Rmult_comm; exact: cosh_multiple.
Qed.

(* each term is a cosh of at most L x *)
Lemma grid_sum_crude (L : nat) x : grid_sum L x <= INR L * exp (INR L ^ 2 / 2 * x ^ 2).
Proof.
have rev : grid_sum L x = \rsum_(k : 'I_L) exp (- (x * (2 * INR k + 1 - INR L))).
  rewrite /grid_sum (reindex_inj rev_ord_inj) /=; apply: eq_bigr => k _; congr exp.
  by rewrite minus_INR; [rewrite S_INR; ring|exact/leP].
have -> : grid_sum L x = \rsum_(k : 'I_L) cosh (x * (2 * INR k + 1 - INR L)).
  have : 2 * grid_sum L x = 2 * \rsum_(k : 'I_L) cosh (x * (2 * INR k + 1 - INR L)).
    have -> : 2 * grid_sum L x = grid_sum L x + grid_sum L x by ring.
    rewrite {2}rev /grid_sum -big_split -[in RHS]rsum_distr /=; apply: eq_bigr => k _; rewrite /cosh; field.
  by lra.
rewrite -[INR L](N_ord L) -rsum_const N_ord; apply: rsum_le => k _.
apply: Rle_trans (cosh_le_exp_square _) _; apply: exp_mono.
have k1 := INR_lt (ltn_ord k); have k0 := pos_INR k.
have : (2 * INR k + 1 - INR L) ^ 2 <= INR L ^ 2 by nra.
by have := pow2_ge_0 x; nra.
Qed.

(* n doublings, with the crude bound at the start *)
Lemma grid_sum_scaled (L n : nat) y : (0 < L)%nat ->
  grid_sum L (2 ^ n * y) <= INR L * exp ((INR L ^ 2 - 1) / 6 * ((2 ^ n) ^ 2 - 1) * y ^ 2 +
    INR L ^ 2 / 2 * y ^ 2).
Proof.
move=> L0; elim: n => [|n IH].
  have -> : 2 ^ 0 * y = y by rewrite /=; ring.
  have -> : (INR L ^ 2 - 1) / 6 * ((2 ^ 0) ^ 2 - 1) * y ^ 2 = 0 by rewrite [2 ^ 0]/=; field.
  by rewrite Rplus_0_l; exact: grid_sum_crude.
have -> : 2 ^ n.+1 = 2 * 2 ^ n by [].
rewrite Rmult_assoc; apply: Rle_trans (grid_sum_double _ L0) _.
set q := 2 ^ n in IH *.
have -> : (INR L ^ 2 - 1) / 6 * ((2 * q) ^ 2 - 1) * y ^ 2 + INR L ^ 2 / 2 * y ^ 2
  = ((INR L ^ 2 - 1) / 6 * (q ^ 2 - 1) * y ^ 2 + INR L ^ 2 / 2 * y ^ 2) +
    (INR L ^ 2 - 1) * (q * y) ^ 2 / 2 by field.
rewrite exp_plus -Rmult_assoc; apply: Rmult_le_compat_r => //; exact/Rlt_le/exp_pos.
Qed.

(* The sharp bound: the loss of n doublings from x / 2^n is of order L^2 x^2 / 4^n.  If the bound failed
   by eps > 0 in the exponent, n large enough would be a contradiction. *)
Theorem grid_sum_gauss (L : nat) x : (0 < L)%nat -> grid_sum L x <= INR L * exp ((INR L ^ 2 - 1) / 6 * x ^ 2).
Proof.
move=> L0; have l0 := INR_gt0 L0; set A := (INR L ^ 2 - 1) / 6 * x ^ 2.
have [h|s0] : grid_sum L x <= 0 \/ 0 < grid_sum L x by lra.
  by apply: Rle_trans h _; apply: Rmult_le_pos; [lra|exact/Rlt_le/exp_pos].
have g0 : 0 < grid_sum L x / INR L by exact: Rdiv_lt_0_compat.
apply: Rnot_lt_le => lt.
have h1 : exp A < grid_sum L x / INR L by apply: Rdiv_lt_r => //; lra.
pose eps := ln (grid_sum L x / INR L) - A.
have e0 : 0 < eps by have : A < ln (grid_sum L x / INR L) by
  [rewrite -(ln_exp A); apply: ln_increasing => //; exact: exp_pos]; rewrite /eps; lra.
pose K := INR L ^ 2 / 2 * x ^ 2; have K0 : 0 <= K
  by apply: Rmult_le_pos; [have := pow2_ge_0 (INR L); lra|exact: pow2_ge_0].
have [|n hn] := archimedes (x := K / eps); first by apply: Rdiv_le_r; lra.
have p1 : INR n <= 2 ^ n.
  elim: n {hn} => [|n IH]; first by rewrite /=; lra.
  by rewrite S_INR [2 ^ _]/=; have : 1 <= 2 ^ n by [apply: pow_R1_Rle; lra]; lra.
have q1 : 1 <= 2 ^ n by apply: pow_R1_Rle; lra.
set q := 2 ^ n in p1 q1; have Kq : K / eps < q ^ 2 by nra.
have Ke : K < eps * q ^ 2.
  have := Rmult_lt_compat_l _ _ _ e0 Kq; have -> : eps * (K / eps) = K by field; lra.
  by [].
have := grid_sum_scaled n (x / q) L0; rewrite -/q.
have -> : q * (x / q) = x by field; lra.
have -> : (INR L ^ 2 - 1) / 6 * (q ^ 2 - 1) * (x / q) ^ 2 + INR L ^ 2 / 2 * (x / q) ^ 2
   = A - A / q ^ 2 + K / q ^ 2 by rewrite /A /K; field; lra.
move=> hS; have L1 : 1 <= INR L by exact: INR_ge1.
have A0 : 0 <= A by apply: Rmult_le_pos; [nra|exact: pow2_ge_0].
have qq : 0 < q ^ 2 by apply: pow_lt; lra.
have A1 : 0 <= A / q ^ 2 by apply: Rdiv_le_r; lra.
have K1 : K / q ^ 2 < eps by apply: (Rmult_lt_reg_r (q ^ 2)) => //; rewrite /Rdiv Rmult_assoc Rinv_l; lra.
have : grid_sum L x / INR L < exp (A + eps).
  apply: Rle_lt_trans (_ : _ <= exp (A - A / q ^ 2 + K / q ^ 2)) _; first by apply: Rdiv_le_l; lra.
  by apply: exp_increasing; lra.
by rewrite /eps; have -> : A + (ln (grid_sum L x / INR L) - A) = ln (grid_sum L x / INR L) by [ring];
  rewrite exp_ln //; lra.
Qed.

(* any number of points *)
Theorem symmetric_grid_subgaussian (L : nat) (h : R) : (0 < L)%nat ->
  subgaussian (@symmetric_grid L h) (h ^ 2 * (INR L ^ 2 - 1) / 12).
Proof.
move=> L0 s; have l0 := INR_gt0 L0; rewrite /mean N_ord; apply: Rdiv_le_l => //.
have -> : \rsum_(k : 'I_L) exp (s * symmetric_grid h k) = grid_sum L (s * h / 2).
  by apply: eq_bigr => k _; congr exp; rewrite /symmetric_grid; field.
apply: Rle_trans (grid_sum_gauss _ L0) _; rewrite Rmult_comm; apply: Req_le; congr (exp _ * _); field.
Qed.

(* ---------- moments ---------------------------------------------------------------------------- *)
Lemma sum_squares (n : nat) c : \rsum_(k : 'I_n) (INR k - c) ^ 2
  = INR n * c ^ 2 - c * INR n * (INR n - 1) + INR n * (INR n - 1) * (2 * INR n - 1) / 6.
Proof. by elim: n => [|n IH]; [rewrite big_ord0 /=; field|rewrite S_INR big_ord_recr /= IH; field]. Qed.

Lemma sum_fourths (n : nat) c : \rsum_(k : 'I_n) (INR k - c) ^ 4
  = INR n * (INR n - 1) * (2 * INR n - 1) * (3 * INR n ^ 2 - 3 * INR n - 1) / 30
    - 4 * c * (INR n * (INR n - 1) / 2) ^ 2 + 6 * c ^ 2 * (INR n * (INR n - 1) * (2 * INR n - 1) / 6)
    - 4 * c ^ 3 * (INR n * (INR n - 1) / 2) + INR n * c ^ 4.
Proof. by elim: n => [|n IH]; [rewrite big_ord0 /=; field|rewrite S_INR big_ord_recr /= IH; field]. Qed.

Lemma grid_square (L : nat) h : (0 < L)%nat ->
  mean (fun k => @symmetric_grid L h k ^ 2) = h ^ 2 * (INR L ^ 2 - 1) / 12.
Proof.
move=> L0; have l0 := INR_gt0 L0; rewrite /mean N_ord.
have -> : \rsum_(k : 'I_L) symmetric_grid h k ^ 2 = h ^ 2 * \rsum_(k : 'I_L) (INR k - (INR L - 1) / 2) ^ 2.
  by rewrite -rsum_distr; apply: eq_bigr => k _; rewrite /symmetric_grid; ring.
by rewrite sum_squares; field; lra.
Qed.

Lemma grid_fourth (L : nat) h : (0 < L)%nat ->
  mean (fun k => (@symmetric_grid L h k ^ 2) ^ 2) = h ^ 4 * (INR L ^ 2 - 1) * (3 * INR L ^ 2 - 7) / 240.
Proof.
move=> L0; have l0 := INR_gt0 L0; rewrite /mean N_ord.
have -> : \rsum_(k : 'I_L) (symmetric_grid h k ^ 2) ^ 2
  = h ^ 4 * \rsum_(k : 'I_L) (INR k - (INR L - 1) / 2) ^ 4.
  by rewrite -rsum_distr; apply: eq_bigr => k _; rewrite /symmetric_grid; ring.
by rewrite sum_fourths; field; lra.
Qed.

(* ---------- order and symmetry ------------------------------------------------------------------ *)
(* points that lie, in pairs of opposites, no further out than a symmetric grid are sub-Gaussian like the
   grid *)
Lemma dominated_subgaussian (L : nat) (h : R) (v : 'I_L -> R) : (0 < L)%nat ->
  (forall k, v (rev_ord k) = - v k) -> (forall k, Rabs (v k) <= Rabs (symmetric_grid h k)) ->
  subgaussian v (h ^ 2 * (INR L ^ 2 - 1) / 12).
Proof.
move=> L0 sym dom s; apply: Rle_trans (symmetric_grid_subgaussian h L0 s).
have fold (f : 'I_L -> R) : (forall k, f (rev_ord k) = - f k) ->
  \rsum_k exp (s * f k) = \rsum_k cosh (s * f k).
  move=> fo; have h1 : \rsum_k exp (s * f k) = \rsum_k exp (- (s * f k)).
    by rewrite (reindex_inj rev_ord_inj) /=; apply: eq_bigr => k _; rewrite fo; congr exp; ring.
  have h2 : \rsum_k cosh (s * f k) = / 2 * (\rsum_k exp (s * f k) + \rsum_k exp (- (s * f k))).
    by rewrite -big_split -rsum_distr /=; apply: eq_bigr => k _; rewrite /cosh; field.
  by rewrite h2 -h1; field.
have even x : cosh (Rabs x) = cosh x by rewrite /Rabs; case: Rcase_abs => _; rewrite ?cosh_opp.
rewrite /mean; apply: Rmult_le_compat_r.
  by apply/Rlt_le/Rinv_0_lt_compat; rewrite N_ord; exact: INR_gt0.
rewrite !fold //; last by move=> k; exact: grid_opp.
apply: rsum_le => k _; rewrite -even -[X in _ <= X]even; apply: cosh_mono; first exact: Rabs_pos.
by rewrite !(Rabs_mult s); apply: Rmult_le_compat_l; [exact: Rabs_pos|exact: dom].
Qed.

Section Even.
Variables (L : nat) (h : R).
Hypotheses (even : ~~ odd L) (h0 : 0 < h).
Notation v := (@symmetric_grid L h).

Lemma grid_apart a a' : a != a' -> h <= Rabs (v a - v a').
Proof.
wlog lt : a a' / (a < a')%nat => [hw ne|_].
  have : a != a' :> nat by []. rewrite neq_ltn => /orP[l|l]; first exact: hw.
  by rewrite Rabs_minus_sym; apply: hw => //; rewrite eq_sym.
have h1 := INR_lt lt; have -> : v a - v a' = - (h * (INR a' - INR a)) by rewrite /symmetric_grid; ring.
by rewrite Rabs_Ropp Rabs_right; nra.
Qed.

(* no point of an even grid lies at 0 *)
Lemma grid_gap a : h / 2 <= Rabs (v a).
Proof.
have [n e] : exists n, L = n.*2 by exists L./2; have := odd_double_half L; rewrite (negbTE even) add0n.
have eL : INR L = 2 * INR n by rewrite e -muln2 mult_INR /=; ring.
have -> : v a = h * (INR a - INR n + 1 / 2) by rewrite /symmetric_grid eL; field.
case: (ltnP a n) => [/INR_lt|/INR_le] h1; last by rewrite Rabs_right; nra.
by rewrite Rabs_left1; nra.
Qed.
End Even.
