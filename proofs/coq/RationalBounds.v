(* Rational bounds of exp, of ln and of Fano's rate for small errors, decided by computation. *)
From LowerBound Require Export Index Keys IntegerKeys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* exp_squares n a b c e: 1 + x / 2^n >= 0, squared n times with 64 binary digits rounded down, reaches c/e
   at x = a/b *)
Definition digits64 : Z := (2 ^ 64)%Z.
Definition square64 (u : Z) : Z := (u * u / digits64)%Z.
Definition exp_squares (n : nat) (a b c e : Z) : bool :=
  let u := (digits64 + a * digits64 / (b * 2 ^ Z.of_nat n))%Z in
  [&& 0 <=? u, 0 <? b, 0 <? e & c * digits64 <=? e * ssrnat.iter n square64 u]%Z.

Lemma div_le_IZR x y : (0 < y)%Z -> IZR (x / y) <= IZR x / IZR y.
Proof.
move=> y0; have := Z.mul_div_le x y y0 => /IZR_le; rewrite mult_IZR => h.
by apply: Rdiv_le_r; [exact: IZR_lt|lra].
Qed.

(* n squarings raise e^y to the power 2^n *)
Lemma square64_le n u y : (0 <= u)%Z -> IZR u / IZR digits64 <= exp y ->
  IZR (ssrnat.iter n square64 u) / IZR digits64 <= exp (2 ^ n * y).
Proof.
have b0 : 0 < IZR digits64 by exact: IZR_lt.
elim: n u y => [|n IH] u y u0 h; first by rewrite /= Rmult_1_l.
rewrite iterSr; have -> : 2 ^ n.+1 * y = 2 ^ n * (2 * y) by rewrite /=; ring.
apply: IH; first by apply: Z.div_pos => //; exact: Z.mul_nonneg_nonneg.
have h1 : 0 <= IZR u / IZR digits64 by apply: Rdiv_le_r => //; rewrite Rmult_0_l; exact: IZR_le.
have -> : exp (2 * y) = exp y * exp y by rewrite -exp_plus; congr exp; ring.
apply: Rle_trans (Rmult_le_compat _ _ _ _ h1 h1 h h).
have := div_le_IZR (u * u) (erefl : (0 < digits64)%Z); rewrite (mult_IZR u) => h2.
apply: Rdiv_le_l => //; apply: Rle_trans h2 _; apply: Req_le; rewrite -/(square64 u); field; lra.
Qed.

(* The start u is at most 2^64 (1 + x / 2^n), rounded down, and 1 + y <= e^y; every rounding goes down. *)
Lemma exp_squaresP n a b c e : exp_squares n a b c e -> IZR c / IZR e <= exp (IZR a / IZR b).
Proof.
case/and4P=> /Z.leb_le u0 /Z.ltb_lt b0 /Z.ltb_lt e0 /Z.leb_le/IZR_le; rewrite (mult_IZR c) (mult_IZR e) => h.
have B0 : (0 < digits64)%Z by []. have RB0 : 0 < IZR digits64 by exact: IZR_lt.
have q0 : (0 < 2 ^ Z.of_nat n)%Z by apply: Z.pow_pos_nonneg => //; exact: Zle_0_nat.
have bq : (0 < b * 2 ^ Z.of_nat n)%Z by exact: Z.mul_pos_pos.
have Re0 : 0 < IZR e by exact: IZR_lt.
have Rb0 : 0 < IZR b by exact: IZR_lt.
have Rq : IZR (2 ^ Z.of_nat n) = 2 ^ n by rewrite -pow_IZR.
have p0 : 0 < 2 ^ n by apply: pow_lt; lra.
set u := (digits64 + _)%Z in u0 h; set y := IZR a / IZR b / 2 ^ n.
have uy : IZR u / IZR digits64 <= exp y.
  apply: Rle_trans (exp_ineq1_le _); rewrite plus_IZR; apply: Rdiv_le_l => //.
  have := div_le_IZR (a * digits64) bq; rewrite (mult_IZR a) (mult_IZR b) Rq => h1.
  rewrite Rmult_plus_distr_r Rmult_1_l; apply: Rplus_le_compat_l; apply: Rle_trans h1 _; apply: Req_le.
  by rewrite /y; field; lra.
have := square64_le n u0 uy; have -> : 2 ^ n * y = IZR a / IZR b by rewrite /y; field; lra.
apply: Rle_trans; apply: Rdiv_le_l => //; set t := IZR (ssrnat.iter _ _ _) in h *.
have -> : t / IZR digits64 * IZR e = IZR e * t / IZR digits64 by field; lra.
by apply: Rdiv_le_r.
Qed.

(* a logarithm from above, and from below *)
Lemma ln_at_most n a b c e : exp_squares n a b c e -> 0 < IZR c / IZR e -> ln (IZR c / IZR e) <=
  IZR a / IZR b.
Proof. by move=> /exp_squaresP h p; rewrite -(ln_exp (IZR a / IZR b)); exact: ln_le. Qed.

Lemma exp_opp_at_most n a b c e : exp_squares n a b c e -> 0 < IZR c -> 0 < IZR e ->
  exp (- (IZR a / IZR b)) <= IZR e / IZR c.
Proof.
move=> /exp_squaresP h c0 e0; rewrite exp_Ropp.
have -> : IZR e / IZR c = / (IZR c / IZR e) by field; lra.
by apply: Rinv_le_contravar => //; exact: Rdiv_lt_0_compat.
Qed.

Lemma ln2_ge : 2/3 <= ln 2.
Proof.
have h : / 2 <= exp (- (2/3)).
  have -> : - (2/3) = INR 16 * - (1/24) by rewrite INR_IZR_INZ; field.
  rewrite exp_INR; apply: Rle_trans (_ : _ <= (23/24) ^ 16) _; first lra.
  by apply: pow_incr; have := exp_ineq1_le (- (1/24)); lra.
have p := exp_pos (2/3); have : exp (2/3) <= 2.
  by move: h; rewrite exp_Ropp => h; apply: Rnot_lt_le => lt;
    have := Rinv_lt_contravar _ _ (Rmult_lt_0_compat _ _ Rlt_0_2 p) lt; lra.
by move=> /(ln_le p); rewrite ln_exp.
Qed.

(* Fano's rate for an error of at most q = 2^-k.  By ln y <= y - 1 at q/p and at 1/(1-p), H2n p <= p ln (1/q)
   + q. *)
Lemma fano_small (L p : R) (k : nat) (q := / 2 ^ k) : 2 <= L -> 0 <= p <= q -> 0 <= q < 1 ->
  (1 - q) * log2 L - q * (INR k + 3/2) <= fano L p.
Proof.
move=> L2 [p0 pq] [q0 q1]; have l2 := ln2_ge; have k0 := pos_INR k.
have lq : ln q = - (INR k * ln 2) by rewrite /q ln_Rinv ?ln_pow; [ring|lra|apply: pow_lt; lra].
apply: (Rmult_le_reg_r (ln 2)); first lra.
have -> : ((1 - q) * log2 L - q * (INR k + 3/2)) * ln 2
  = (1 - q) * (log2 L * ln 2) - q * (INR k * ln 2) - q * (3/2 * ln 2) by ring.
rewrite fano_bits log2_ln /fano_nat /H2n.
have qp : 0 < q by apply: Rinv_0_lt_compat; apply: pow_lt; lra.
have h1 : - p * ln p <= p * (INR k * ln 2) + q - p.
  case: p0 => [p0|<-]; last lra.
  have := exp_ineq1_le (ln (q / p)); rewrite exp_ln; last by apply: Rdiv_lt_0_compat; lra.
  have -> : ln (q / p) = - (INR k * ln 2) - ln p.
    by rewrite /Rdiv (ln_mult _ _ qp (Rinv_0_lt_compat _ p0)) (ln_Rinv p) // lq; ring.
  move=> h; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ p0) h; have -> : p * (q * / p) = q by field; lra.
  lra.
have h2 : - (1 - p) * ln (1 - p) <= p.
  have p1 : 0 < 1 - p by lra.
  have := exp_ineq1_le (ln (/ (1 - p))); rewrite exp_ln ?ln_Rinv //; last exact: Rinv_0_lt_compat.
  move=> h; have : (1 - p) * (- ln (1 - p)) <= (1 - p) * (/ (1 - p) - 1) by apply: Rmult_le_compat_l; lra.
  have -> : (1 - p) * (/ (1 - p) - 1) = p by field; lra.
  lra.
have h3 : p * ln (L - 1) <= q * ln L.
  have l1 : 0 <= ln (L - 1) by apply: ln_ge0; lra.
  by apply: Rmult_le_compat => //; apply: ln_le; lra.
have h4 : p * (INR k * ln 2) <= q * (INR k * ln 2) by apply: Rmult_le_compat_r => //; apply: Rmult_le_pos;
  lra.
have h5 : q * 1 <= q * (3/2 * ln 2) by apply: Rmult_le_compat_l; lra.
lra.
Qed.

(* ln 2 >= 9/13, so that a nat has at most 13/9 bits *)
Lemma ln2_bits : 9/13 <= ln 2.
Proof.
have h : / 2 <= exp (- (9/13)).
  have -> : - (9/13) = IZR (-9) / IZR 13 by field. have -> : / 2 = IZR 1 / IZR 2 by field.
  by apply: (@exp_squaresP 30 (-9) 13 1 2); vm_cast_no_check (erefl true).
have p := exp_pos (9/13); have : exp (9/13) <= 2.
  move: h; rewrite exp_Ropp => h; apply: Rnot_lt_le => lt.
  by have := Rinv_lt_contravar _ _ (Rmult_lt_0_compat _ _ Rlt_0_2 p) lt; lra.
by move=> /(ln_le p); rewrite ln_exp.
Qed.

(* Fano's rate for an error of at most q, from u >= log2 (1/q) and w >= log2 (L - 1); as in fano_small. *)
Lemma fano_at (L p q u w : R) : 2 <= L -> 0 <= p <= q -> 0 < q < 1 -> log2 (/ q) <= u -> log2 (L - 1) <= w ->
  log2 L - q * (u + 13/9 + w) <= fano L p.
Proof.
move=> L2 [p0 pq] [q0 q1] hu hw; have l2 := ln2_bits.
have lq : - ln q <= u * ln 2.
  by rewrite -ln_Rinv // -(log2_ln (/ q)); apply: Rmult_le_compat_r; lra.
have lq0 : 0 <= - ln q by rewrite -ln_Rinv //; apply: ln_ge0; rewrite -Rinv_1; apply: Rinv_le_contravar; lra.
have lw : ln (L - 1) <= w * ln 2 by rewrite -(log2_ln (L - 1)); apply: Rmult_le_compat_r; lra.
have l1 : 0 <= ln (L - 1) by apply: ln_ge0; lra.
apply: (Rmult_le_reg_r (ln 2)); first lra.
have -> : (log2 L - q * (u + 13/9 + w)) * ln 2
  = log2 L * ln 2 - q * (u * ln 2) - q * (13/9 * ln 2) - q * (w * ln 2) by ring.
rewrite fano_bits log2_ln /fano_nat /H2n.
have h1 : - p * ln p <= p * - ln q + q - p.
  case: p0 => [p0|<-]; last lra.
  have := exp_ineq1_le (ln (q / p)); rewrite exp_ln; last by apply: Rdiv_lt_0_compat; lra.
  have -> : ln (q / p) = ln q - ln p.
    by rewrite /Rdiv (ln_mult _ _ q0 (Rinv_0_lt_compat _ p0)) (ln_Rinv p) //; ring.
  move=> h; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ p0) h; have -> : p * (q / p) = q by field; lra.
  lra.
have h2 : - (1 - p) * ln (1 - p) <= p.
  have p1 : 0 < 1 - p by lra.
  have := exp_ineq1_le (ln (/ (1 - p))); rewrite exp_ln ?ln_Rinv //; last exact: Rinv_0_lt_compat.
  move=> h; have : (1 - p) * (- ln (1 - p)) <= (1 - p) * (/ (1 - p) - 1) by apply: Rmult_le_compat_l; lra.
  have -> : (1 - p) * (/ (1 - p) - 1) = p by field; lra.
  lra.
have h3 : p * ln (L - 1) <= q * (w * ln 2) by apply: Rmult_le_compat.
have h4 : p * - ln q <= q * (u * ln 2) by apply: Rmult_le_compat.
have h5 : q * 1 <= q * (13/9 * ln 2) by apply: Rmult_le_compat_l; lra.
lra.
Qed.

(* ---------- the same for numbers given as reals ------------------------------------------------------ *)
Lemma exp_up n a b c e x y : exp_squares n a b c e -> x = IZR a / IZR b -> y = IZR c / IZR e -> y <= exp x.
Proof. by move=> h -> ->; exact: (exp_squaresP h). Qed.

(* log2_below a c m k: (a/c)^k <= 2^m *)
Definition log2_below (a c m k : Z) : bool :=
  [&& 0 <? a, 0 <? c, 0 <=? m, 0 <? k & a ^ k <=? 2 ^ m * c ^ k]%Z.
Lemma log2_up a c m k x : log2_below a c m k -> x = IZR a / IZR c -> log2 x <= IZR m / IZR k.
Proof.
case/and5P=> /Z.ltb_lt/IZR_lt a0 /Z.ltb_lt/IZR_lt c0 /Z.leb_le m0 /Z.ltb_lt k0 /Z.leb_le/IZR_le.
have kn := Z.lt_le_incl _ _ k0; rewrite mult_IZR.
rewrite -(Z2Nat.id m) // -(Z2Nat.id k) // in k0 *; move/IZR_lt: k0;
  rewrite -!pow_IZR -!INR_IZR_INZ => k0 h ->.
have l2 := ln2_gt0; have q0 : 0 < IZR a / IZR c by exact: Rdiv_lt_0_compat.
apply: Rdiv_le_r => //; apply: (Rmult_le_reg_r (ln 2)) => //.
have -> : log2 (IZR a / IZR c) * INR (Z.to_nat k) * ln 2 = INR (Z.to_nat k)
  * (log2 (IZR a / IZR c) * ln 2) by ring.
rewrite log2_ln -(ln_pow _ q0) -(ln_pow 2); last lra.
apply: ln_le; first exact: pow_lt.
have p0 : 0 < IZR c ^ Z.to_nat k by exact: pow_lt.
rewrite /Rdiv Rpow_mult_distr pow_inv; apply: (Rmult_le_reg_r (IZR c ^ Z.to_nat k)) => //.
by rewrite Rmult_assoc Rinv_l ?Rmult_1_r; lra.
Qed.
