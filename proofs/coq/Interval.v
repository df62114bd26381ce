(* Intervals with integer ends: sums, products, inverses, square roots, exponentials and logarithms, enclosed
   by computation.  The integer z stands for z / D. *)
From LowerBound Require Export Prelude.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- rounding of integers ------------------------------------------------------------------------ *)
(* up_div a b: a / b, rounded up *)
Definition up_div (a b : Z) : Z := (- (- a / b))%Z.

(* quotients and square roots, rounded down and up *)
Lemma down_divP a b : (0 < b)%Z -> IZR (a / b) * IZR b <= IZR a.
Proof. by move=> b0; rewrite -mult_IZR; apply: IZR_le; rewrite Z.mul_comm; exact: Z.mul_div_le. Qed.

Lemma up_divP a b : (0 < b)%Z -> IZR a <= IZR (up_div a b) * IZR b.
Proof. by move=> b0; have := @down_divP (- a) b b0; rewrite /up_div !opp_IZR; lra. Qed.

Lemma sqrt_downP z : IZR (Z.sqrt z) <= sqrt (IZR z).
Proof.
case: (Z_lt_le_dec z 0) => [z0|z0]; first by rewrite Z.sqrt_neg //; exact: sqrt_pos.
rewrite -(sqrt_square (IZR (Z.sqrt z))); last exact/IZR_le/Z.sqrt_nonneg.
by apply: sqrt_le_1_alt; rewrite -mult_IZR; apply: IZR_le; have [] := Z.sqrt_spec z z0.
Qed.

Lemma sqrt_upP z : sqrt (IZR z) <= IZR (Z.sqrt z + 1).
Proof.
case: (Z_lt_le_dec z 0) => [z0|z0].
  rewrite sqrt_neg_0; last exact/Rlt_le/IZR_lt.
  by apply: IZR_le; have := Z.sqrt_nonneg z; lia.
rewrite -(sqrt_square (IZR (Z.sqrt z + 1))); last by apply: IZR_le; have := Z.sqrt_nonneg z; lia.
apply: sqrt_le_1_alt; rewrite -mult_IZR; apply: IZR_le.
by have [_] := Z.sqrt_spec z z0; rewrite -Z.add_1_r; lia.
Qed.

Section Intervals.
(* D: what stands for 1;  None: no information *)
Variable D : Z.
Notation interval := (option (Z * Z)).
(* within i x: the number x lies in the interval i *)
Definition within (i : interval) (x : R) : Prop :=
  if i is Some (a, b) then IZR a <= x * IZR D <= IZR b else True.

Definition rational (p q : Z) : interval := if (0 <? q)%Z then Some (p * D / q, up_div (p * D) q)%Z else None.
Definition iadd (i j : interval) : interval :=
  if i is Some (a, b) then if j is Some (c, d) then Some (a + c, b + d)%Z else None else None.
Definition iopp (i : interval) : interval := if i is Some (a, b) then Some (- b, - a)%Z else None.
Definition imul (i j : interval) : interval :=
  if i is Some (a, b) then if j is Some (c, d) then
    Some (Z.min (Z.min (a * c) (a * d)) (Z.min (b * c) (b * d)) / D,
          up_div (Z.max (Z.max (a * c) (a * d)) (Z.max (b * c) (b * d))) D)%Z else None else None.
Definition iinv (i : interval) : interval :=
  if i is Some (a, b) then if (0 <? a)%Z then Some (D * D / b, up_div (D * D) a)%Z else None else None.
Definition isub (i j : interval) : interval := iadd i (iopp j).
Definition idiv (i j : interval) : interval := imul i (iinv j).
Definition isqrt (i : interval) : interval :=
  if i is Some (a, b) then Some (Z.sqrt (a * D), Z.sqrt (b * D) + 1)%Z else None.

(* at_most, less: every number of i is at most, or less than, every number of j *)
Definition at_most (i j : interval) : bool :=
  if i is Some (_, b) then if j is Some (c, _) then (b <=? c)%Z else false else false.
Definition less (i j : interval) : bool :=
  if i is Some (_, b) then if j is Some (c, _) then (b <? c)%Z else false else false.

Hypothesis D0 : (0 < D)%Z.
Let Dp : 0 < IZR D. Proof. exact: IZR_lt. Qed.
(* ---------- the operations enclose ------------------------------------------------------------------- *)
Lemma within_rational p q : within (rational p q) (IZR p / IZR q).
Proof.
rewrite /rational; case: (Z.ltb_spec 0 q) => //= q0; have Qp := IZR_lt _ _ q0.
have h1 := @down_divP (p * D) q q0; have h2 := @up_divP (p * D) q q0; rewrite mult_IZR in h1 h2.
have -> : IZR p / IZR q * IZR D = IZR p * IZR D / IZR q by field; lra.
by split; [apply: Rdiv_le_r|apply: Rdiv_le_l].
Qed.

Lemma within_integer p : within (rational p 1) (IZR p).
Proof. by have := within_rational p 1; rewrite /Rdiv Rinv_1 Rmult_1_r. Qed.

Lemma within_add i j x y : within i x -> within j y -> within (iadd i j) (x + y).
Proof. by case: i j => [[a b]|] [[c d]|] //=; rewrite !plus_IZR; lra. Qed.

Lemma within_opp i x : within i x -> within (iopp i) (- x).
Proof. by case: i => [[a b]|] //=; rewrite !opp_IZR; lra. Qed.

(* a product is between the least and the greatest product of the ends *)
Lemma mul_between (a b c d x y lo hi : R) : a <= x <= b -> c <= y <= d ->
  lo <= a * c -> lo <= a * d -> lo <= b * c -> lo <= b * d ->
  a * c <= hi -> a * d <= hi -> b * c <= hi -> b * d <= hi -> lo <= x * y <= hi.
Proof.
move=> hx hy l1 l2 l3 l4 h1 h2 h3 h4.
have ay : lo <= a * y <= hi by case: (Rle_lt_dec 0 a) => a0; split; nra.
have bY : lo <= b * y <= hi by case: (Rle_lt_dec 0 b) => b0; split; nra.
by case: (Rle_lt_dec 0 y) => y0; split; nra.
Qed.

Lemma within_sub i j x y : within i x -> within j y -> within (isub i j) (x - y).
Proof. by move=> hx hy; apply: within_add => //; exact: within_opp. Qed.

Lemma within_mul i j x y : within i x -> within j y -> within (imul i j) (x * y).
Proof.
case: i j => [[a b]|] [[c d]|] //= hx hy.
set lo := Z.min _ _; set hi := Z.max _ _.
have h1 := @down_divP lo D D0; have h2 := @up_divP hi D D0.
have h : IZR lo <= (x * IZR D) * (y * IZR D) <= IZR hi.
  by apply: (mul_between hx hy); rewrite -mult_IZR; apply: IZR_le; rewrite /lo /hi; lia.
have e : (x * IZR D) * (y * IZR D) = x * y * IZR D * IZR D by ring.
by rewrite e in h; split; apply: (Rmult_le_reg_r (IZR D)) => //; lra.
Qed.

Lemma within_inv i x : within i x -> within (iinv i) (/ x).
Proof.
case: i => [[a b]|] //=; case: (Z.ltb_spec 0 a) => //= a0 [h1 h2]; have ap := IZR_lt _ _ a0.
have xD : 0 < x * IZR D by lra.
have x0 : 0 < x by apply: (Rmult_lt_reg_r (IZR D)) => //; lra.
have b0 : (0 < b)%Z by apply: lt_IZR; lra.
have bp := IZR_lt _ _ b0; have := @down_divP (D * D) b b0; have := @up_divP (D * D) a a0.
rewrite mult_IZR => h3 h4.
have e : / x * IZR D = IZR D * IZR D / (x * IZR D) by field; lra.
by rewrite e; split; [apply: Rdiv_le_r => //|apply: Rdiv_le_l => //]; nra.
Qed.

Lemma within_div i j x y : within i x -> within j y -> within (idiv i j) (x / y).
Proof. by move=> hx hy; apply: within_mul => //; exact: within_inv. Qed.

Lemma within_root i x : within i x -> within (isqrt i) (sqrt x).
Proof.
case: i => [[a b]|] //= [h1 h2].
have e : sqrt x * IZR D = sqrt (x * IZR D * IZR D).
  have -> : x * IZR D * IZR D = IZR D * IZR D * x by ring.
  by rewrite sqrt_mult_alt ?sqrt_square; [ring| |nra]; lra.
have ha := sqrt_downP (a * D); have hb := sqrt_upP (b * D); rewrite mult_IZR in ha; rewrite mult_IZR in hb.
by rewrite e; split; [apply: Rle_trans ha _|apply: Rle_trans hb]; apply: sqrt_le_1_alt; nra.
Qed.

Lemma at_mostP i j x y : at_most i j -> within i x -> within j y -> x <= y.
Proof.
case: i j => [[a b]|] [[c d]|] //= /Z.leb_le/IZR_le h hx hy.
by apply: (Rmult_le_reg_r (IZR D)) => //; lra.
Qed.

Lemma lessP i j x y : less i j -> within i x -> within j y -> x < y.
Proof.
case: i j => [[a b]|] [[c d]|] //= /Z.ltb_lt/IZR_lt h hx hy.
by apply: (Rmult_lt_reg_r (IZR D)) => //; lra.
Qed.
End Intervals.

(* ---------- exponentials and logarithms --------------------------------------------------------------- *)
Section Exponentials.
(* steps: exp x is (1 + x/2^steps)^(2^steps), by so many squarings, and ln x is 2^steps (x^(1/2^steps) - 1),
   by so many square roots *)
Variables (D : Z) (steps : nat).
Notation interval := (option (Z * Z)).
(* E: what stands for 1 while squares and roots are taken *)
Let P : Z := (2 ^ Z.of_nat steps)%Z.
Let E : Z := (D * P)%Z.
Fixpoint squares (k : nat) (y : Z) : Z := if k is k'.+1 then squares k' (y * y / E)%Z else y.
Fixpoint roots_down (k : nat) (r : Z) : Z := if k is k'.+1 then roots_down k' (Z.sqrt (r * E)) else r.
Fixpoint roots_up (k : nat) (r : Z) : Z := if k is k'.+1 then roots_up k' (Z.sqrt (r * E) + 1)%Z else r.
(* exp_down a: at most E exp (a / D) *)
Definition exp_down (a : Z) : Z := squares steps (Z.max 0 (E + a)).
Definition iexp (i : interval) : interval :=
  if i is Some (a, b) then let z := exp_down (- b) in
    if (0 <? z)%Z then Some (exp_down a / P, up_div (D * E) z)%Z else None else None.
Definition iln (i : interval) : interval :=
  if i is Some (a, b) then let r := roots_down steps (a * P) in
    if (0 <? a)%Z && (0 <? r)%Z then Some (E - up_div (E * E) r, roots_up steps (b * P) - E)%Z else None
  else None.

Hypothesis D0 : (0 < D)%Z.
Let Dp : 0 < IZR D. Proof. exact: IZR_lt. Qed.
Let P0 : (0 < P)%Z. Proof. by apply: Z.pow_pos_nonneg => //; lia. Qed.
Let Pp : 0 < IZR P. Proof. exact: IZR_lt. Qed.
Let E0 : (0 < E)%Z. Proof. exact: Z.mul_pos_pos. Qed.
Let Ep : 0 < IZR E. Proof. exact: IZR_lt. Qed.
Let EP : IZR E = IZR D * IZR P. Proof. exact: mult_IZR. Qed.
Let P2 : IZR P = 2 ^ steps. Proof. by rewrite /P -pow_IZR. Qed.

(* repeated squares and roots of E exp t *)
Lemma squaresP k y t : (0 <= y)%Z -> IZR y <= IZR E * exp t ->
  (0 <= squares k y)%Z /\ IZR (squares k y) <= IZR E * exp (2 ^ k * t).
Proof.
elim: k y t => [|k IH] y t y0 h /=; first by rewrite Rmult_1_l.
have e : 2 * 2 ^ k * t = 2 ^ k * (t + t) by ring.
rewrite e; apply: IH; first by apply: Z.div_pos => //; nia.
have yp := IZR_le _ _ y0; rewrite exp_plus; apply: (Rmult_le_reg_r (IZR E)) => //.
have := @down_divP (y * y) E E0; rewrite mult_IZR => h'; apply: Rle_trans h' _.
have -> : IZR E * (exp t * exp t) * IZR E = (IZR E * exp t) * (IZR E * exp t) by ring.
by apply: Rmult_le_compat.
Qed.

(* the lower bound of exp: 1 + t <= exp t, raised to the power 2^steps *)
Lemma exp_downP a : (0 <= exp_down a)%Z /\ IZR (exp_down a) <= IZR E * exp (IZR a / IZR D).
Proof.
have -> : IZR a / IZR D = 2 ^ steps * (IZR a / IZR E).
  by rewrite EP P2; field; split; [apply: pow_nonzero|]; lra.
apply: squaresP; first by lia.
have e0 := exp_pos (IZR a / IZR E); case: (Z.max_spec 0 (E + a)) => [[_ ->]|[_ ->]]; last by nra.
rewrite plus_IZR; have := exp_ineq1_le (IZR a / IZR E) => h.
have -> : IZR E + IZR a = IZR E * (1 + IZR a / IZR E) by field; lra.
by apply: Rmult_le_compat_l h; lra.
Qed.

(* Sketch.  exp_down bounds exp from below at both ends; exp x is the inverse of exp (- x). *)
Lemma within_exp i x : within D i x -> within D (iexp i) (exp x).
Proof.
case: i => [[a b]|] //=; case: (Z.ltb_spec 0 (exp_down (- b))) => //= z0 [h1 h2]; have zp := IZR_lt _ _ z0.
have [_ ha] := exp_downP a; have [_ hb] := exp_downP (- b).
have ex := exp_pos x; split.
  have h := @down_divP (exp_down a) P P0; apply: (Rmult_le_reg_r (IZR P)) => //; apply: Rle_trans h _.
  have -> : exp x * IZR D * IZR P = IZR E * exp x by rewrite EP; ring.
  by apply: Rle_trans ha _; apply: Rmult_le_compat_l; [lra|apply: exp_mono; apply: Rdiv_le_l; lra].
have h := @up_divP (D * E) _ z0; rewrite mult_IZR in h.
apply: (Rmult_le_reg_r (IZR (exp_down (- b)))) => //; apply: Rle_trans h.
have le : exp (IZR (- b) / IZR D) * exp x <= 1.
  rewrite -exp_plus -exp_0; apply: exp_mono; rewrite opp_IZR.
  have : x <= IZR b / IZR D by apply: Rdiv_le_r.
  by have -> : - IZR b / IZR D = - (IZR b / IZR D) by [field; lra]; lra.
have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ (Rmult_lt_0_compat _ _ ex Dp)) hb.
have -> : exp x * IZR D * (IZR E * exp (IZR (- b) / IZR D))
    = IZR D * IZR E * (exp (IZR (- b) / IZR D) * exp x) by ring.
by have := Rmult_lt_0_compat _ _ Dp Ep; nra.
Qed.

Lemma exp_half t : exp (t / 2) = sqrt (exp t).
Proof.
have e0 := exp_pos (t / 2); rewrite -[LHS]sqrt_square; last lra.
by rewrite -exp_plus; congr (sqrt (exp _)); field.
Qed.

Lemma root_step t : sqrt (IZR E * exp t * IZR E) = IZR E * exp (t / 2).
Proof.
have e0 := exp_pos t; have -> : IZR E * exp t * IZR E = IZR E * IZR E * exp t by ring.
by rewrite sqrt_mult_alt ?sqrt_square ?exp_half; [|lra|nra].
Qed.

Lemma roots_downP k r t : IZR r <= IZR E * exp t -> IZR (roots_down k r) <= IZR E * exp (t / 2 ^ k).
Proof.
elim: k r t => [|k IH] r t h /=; first by rewrite /Rdiv Rinv_1 Rmult_1_r.
have p : 0 < 2 ^ k by apply: pow_lt; lra.
have -> : t / (2 * 2 ^ k) = t / 2 / 2 ^ k by field; lra.
apply: IH; rewrite -root_step; apply: Rle_trans (sqrt_downP _) _.
by rewrite mult_IZR; apply: sqrt_le_1_alt; apply: Rmult_le_compat_r => //; lra.
Qed.

Lemma roots_upP k r t : IZR E * exp t <= IZR r -> IZR E * exp (t / 2 ^ k) <= IZR (roots_up k r).
Proof.
elim: k r t => [|k IH] r t h /=; first by rewrite /Rdiv Rinv_1 Rmult_1_r.
have p : 0 < 2 ^ k by apply: pow_lt; lra.
have -> : t / (2 * 2 ^ k) = t / 2 / 2 ^ k by field; lra.
apply: IH; rewrite -root_step; apply: Rle_trans (sqrt_upP _).
by rewrite mult_IZR; apply: sqrt_le_1_alt; apply: Rmult_le_compat_r => //; lra.
Qed.

(* Sketch.  With y = ln x / 2^steps, so many roots of x bound exp y on both sides; 1 + y <= exp y gives the
   upper bound of y, and 1 - y <= exp (- y) the lower one. *)
Lemma within_ln i x : within D i x -> within D (iln i) (ln x).
Proof.
case: i => [[a b]|] //=; set r := roots_down _ _; case: (Z.ltb_spec 0 a) => //= a0.
case: (Z.ltb_spec 0 r) => //= r0 [h1 h2]; have ap := IZR_lt _ _ a0; have rp := IZR_lt _ _ r0.
have x0 : 0 < x by apply: (Rmult_lt_reg_r (IZR D)) => //; lra.
pose y := ln x / 2 ^ steps; have p : 0 < 2 ^ steps by apply: pow_lt; lra.
have e : ln x * IZR D = IZR E * y by rewrite EP P2 /y; field; lra.
have ex : IZR E * exp (ln x) = x * IZR D * IZR P by rewrite exp_ln // EP; ring.
have hr : IZR r <= IZR E * exp y.
  by apply: roots_downP; rewrite ex mult_IZR; apply: Rmult_le_compat_r => //; lra.
have hu : IZR E * exp y <= IZR (roots_up steps (b * P)).
  by apply: roots_upP; rewrite ex mult_IZR; apply: Rmult_le_compat_r => //; lra.
rewrite e !minus_IZR; split; last first.
  have h := exp_ineq1_le y; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Ep) h; lra.
have h := @up_divP (E * E) r r0; rewrite mult_IZR in h; set w := IZR (up_div _ _) in h *.
have h3 := exp_ineq1_le (- y); have ey := exp_pos y; have ey' := exp_pos (- y).
have one : exp y * exp (- y) = 1 by rewrite -exp_plus Rplus_opp_r exp_0.
have w1 : IZR E * exp (- y) <= w.
  have h4 : IZR E * IZR E <= w * (IZR E * exp y).
    have w0 : 0 < w by apply: (Rmult_lt_reg_r (IZR r)) => //; have := Rmult_lt_0_compat _ _ Ep Ep; lra.
    by apply: Rle_trans h _; apply: Rmult_le_compat_l => //; lra.
  apply: (Rmult_le_reg_r (IZR E * exp y)); first by nra.
  have -> : IZR E * exp (- y) * (IZR E * exp y) = IZR E * IZR E * (exp y * exp (- y)) by ring.
  by rewrite one; lra.
by have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ Ep) h3; lra.
Qed.
End Exponentials.
