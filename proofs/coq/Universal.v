(* Closed statements: all constants are numbers.  At relative error 1/2 and failure probability 0.11, d >= 8
   ln (T + n2) and lambda >= 2 ln (3 (T + n2)) force T h / 2 bits; for square maps whose sides grow this is
   Omega(n^2 h) with d >= 24 ln n and lambda >= 10 ln n; and in low dimension every exponent below 1/2 is
   reached. *)
From LowerBound Require Export Schedule LowDimension.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- 0.11 of a bit of error costs half of it ------------------------------------------- *)
(* 100^100 <= 2^50 11^11 89^89, and logarithms of both sides *)
Lemma half_bit_left : H2 (11/100) <= 1/2.
Proof.
have l2 := ln2_gt0; apply: (Rmult_le_reg_r (ln 2)) => //.
have le : 100 ^ 100 <= 2 ^ 50 * (11 ^ 11 * 89 ^ 89).
  by rewrite !pow_IZR -!mult_IZR; apply: IZR_le; vm_compute.
have p (x : R) (n : nat) : 0 < x -> 0 < x ^ n by exact: pow_lt.
have lnp (x : R) (n : nat) (z : Z) : Z.of_nat n = z -> 0 < x -> ln (x ^ n) = IZR z * ln x.
  by move=> <- x0; rewrite ln_pow // INR_IZR_INZ.
have {le} := ln_le (p 100 100%nat ltac:(lra)) le.
rewrite ln_mult; [rewrite ln_mult; [|apply: p; lra|apply: p; lra]|apply: p; lra|]; last first.
  by apply: Rmult_lt_0_compat; apply: p; lra.
rewrite (lnp 100 _ 100%Z) ?(lnp 2 _ 50%Z) ?(lnp 11 _ 11%Z) ?(lnp 89 _ 89%Z) //; try lra; move=> le.
have -> : H2 (11/100) * ln 2 = - (11/100) * ln (11/100) - (1 - 11/100) * ln (1 - 11/100).
  by rewrite /H2 /log2; field; lra.
have -> : 1 - 11/100 = 89/100 by field.
by rewrite /Rdiv !ln_mult ?ln_Rinv; lra.
Qed.

Lemma rate_half (m : R) : 0 <= m -> m / 2 <= (1 - H2 (11/100)) * m.
Proof. by move=> m0; have := half_bit_left; nra. Qed.

(* a smaller failure probability serves as well *)
Lemma correct_mono Tok Own Crd Ch A W S K B lam lev good compress answer (delta delta' : R) : delta <= delta'
  ->
  @correct Tok Own Crd Ch K B lam A lev good W S compress answer delta ->
  correct K B lam lev good compress answer delta'.
Proof.
move=> le hc x i c; apply: Rle_trans (hc x i c) _; apply: Rmult_le_compat_r => //; exact: N_ge0.
Qed.

(* lambda >= ln (3 n) / (1 - mu) is sharp enough for n tokens and relative error at most 1/2 *)
Lemma sharp_enough (n mu lam eta : R) : 1 <= n -> mu < 1 -> ln (3 * n) / (1 - mu) <= lam -> 0 <= eta <= 1/2 ->
  0 <= lam /\ (1 + eta) * leak n lam mu < 1 - eta.
Proof.
move=> n1 m1 hl he; have l0 := @lambda_ge0 (3 * n) mu ltac:(lra) m1; split; first lra.
have : leak n lam mu <= leak n (ln (3 * n) / (1 - mu)) mu.
  apply: Rmult_le_compat_l; first lra; apply: exp_mono; rewrite !Ropp_mult_distr_l_reverse.
  by apply: Ropp_le_contravar; apply: Rmult_le_compat_r; lra.
rewrite leak_ln //; last lra.
have : (n - 1) / (3 * n) < 1 / 3 by apply: (Rmult_lt_reg_r (3 * n)); [lra|rewrite /Rdiv Rmult_assoc Rinv_l;
  lra].
have lk : 0 <= leak n lam mu by apply: Rmult_le_pos; [lra|exact/Rlt_le/exp_pos].
by move=> h1 h2; nra.
Qed.

(* ---------- any schedule ------------------------------------------------------------------------ *)
(* unit keys for all T + n2 tokens, inner products at most 1/2.  Sketch: greedy keys for all T + n2 tokens
   at once, at mu = 1/2; then the bound on given keys at delta = 0.11. *)
Theorem universal_lower_bound (T n2 d h : nat) :
  (0 < T)%nat -> (0 < n2)%nat -> 8 * ln (INR T + INR n2) <= INR d ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R),
    [/\ incoherent K (1/2), incoherent B (1/2), forall i o, dot (K i) (B o) <= 1/2 &
    forall lam eta delta : R, 2 * ln (3 * (INR T + INR n2)) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam ind (approx eta) compress answer delta ->
      INR T * INR h / 2 <= log2 (N S)].
Proof.
move=> T0 n0 hd; have T1 := INR_ge1 T0; have n1 := INR_ge1 n0.
have d1 : 0 < INR d by have := ln_le (x := 2) (y := INR T + INR n2); have := ln2_gt0; lra.
have d0 : (0 < d)%nat by case: (d) d1 => //=; lra.
have hT : INR (T + n2).-1 < exp (INR d * (1/2) ^ 2 / 2).
  have e : INR (T + n2).-1 = INR T + INR n2 - 1.
    by case: (T) T0 => // t _; rewrite addSn S_INR -[_.-1]/(t + n2)%nat plus_INR; ring.
  rewrite e; apply: Rlt_le_trans (_ : INR T + INR n2 <= _); first lra.
  by rewrite -[X in X <= _]exp_ln; [apply: exp_mono; lra|lra].
have [F [F1 F2]] := greedy_keys_exist (mu := 1/2) d0 ltac:(lra) hT.
pose K (i : 'I_T) := F (lshift n2 i); pose B (o : 'I_n2) := F (rshift T o).
have hK : incoherent K (1/2) by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_lshift].
have hB i o : dot (K i) (B o) <= 1/2 by apply: F2; rewrite eq_lrshift.
exists K, B; split=> // [|lam eta delta hl he hdel W S compress answer W0 hc].
  by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_rshift].
have [||| l0 gap] := @sharp_enough (INR T + INR n2) (1/2) lam eta _ _ _ he; try lra.
apply: Rle_trans (rate_half (Rmult_le_pos _ _ (pos_INR T) (pos_INR h))) _.
rewrite -(N_ord T) -(N_ord n2) in gap.
have := relative_given_keys hK hB l0 W0 _ gap _ (correct_mean (correct_mono hdel hc)); rewrite !N_ord.
by apply; lra.
Qed.

(* ---------- square maps whose sides grow -------------------------------------------------------- *)
Section Growing.
Variables (side : nat -> nat) (M : nat).
(* sides 0 < side 0 < side 1 < ... < side M = n; the maps before the last one are cached *)
Hypotheses (first : (0 < side 0)%nat) (grow : forall k, (k < M)%nat -> (side k < side k.+1)%nat).
Notation tokens := (before (fun k => expn (side k) 2)).

(* (a - 1)^3 + a^2 <= a^3 *)
Lemma cube_step (a b : nat) : (b < a)%nat -> (expn b 3 + expn a 2 <= expn a 3)%nat.
Proof.
move=> ba; have a0 : (0 < a)%nat by apply: leq_trans ba.
rewrite (expnS a 2) -{2}(prednK a0) mulSn [X in (X <= _)%nat]addnC leq_add2l.
rewrite expnS; apply: leq_mul; first by rewrite -ltnS prednK.
by rewrite leq_exp2r // ltnW.
Qed.

(* all tokens together are at most n^3 *)
Lemma tokens_le_cube m : (m <= M)%nat -> (tokens m.+1 <= expn (side m) 3)%nat.
Proof.
elim: m => [|m IH] hm; first by rewrite /before big_ord_recr big_ord0 /= add0n; apply: leq_pexp2l.
rewrite beforeS; apply: leq_trans (cube_step (grow hm)).
by rewrite leq_add2r; apply: IH; exact: ltnW.
Qed.

(* T = all tokens before the last map of n x n; the side before the last is at least n / 2.  Sketch: growing
   sides hold at most n^3 tokens in all, and the last cached map at least n^2 / 4; then the bound above. *)
Theorem growing_lower_bound (d h : nat) (T := tokens M) (n := side M) :
  (0 < M)%nat -> (n <= 2 * side M.-1)%nat -> 24 * ln (INR n) <= INR d ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_(expn n 2) -> 'I_d -> R),
    [/\ incoherent K (1/2), incoherent B (1/2), forall i o, dot (K i) (B o) <= 1/2 &
    forall lam eta delta : R, 10 * ln (INR n) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam ind (approx eta) compress answer delta ->
      INR n ^ 2 * INR h / 8 <= log2 (N S)].
Proof.
move=> M0 half hd; case: M M0 @T @n half hd grow tokens_le_cube => // m _ T n half hd gr cube.
have pos k : (k <= m.+1)%nat -> (0 < side k)%nat.
  by elim: k => [//|k IH] km; apply: leq_ltn_trans (gr k km).
have n2 : (2 <= n)%nat by apply: leq_ltn_trans (pos m (leqnSn m)) (gr m (leqnn _)).
have n0 : (0 < n)%nat by apply: leq_trans n2.
have nr : 2 <= INR n by apply: (INR_le (m := 2)).
have T1 : (expn (side m) 2 <= T)%nat by rewrite /T beforeS leq_addl.
have T0 : (0 < T)%nat by apply: leq_trans T1; rewrite expn_gt0 pos.
have all : INR T + INR (expn n 2) <= INR n ^ 3.
  by rewrite -plus_INR -INR_expn; apply: INR_le; have := cube _ (leqnn _); rewrite beforeS.
have Tn : INR n ^ 2 / 4 <= INR T.
  apply: Rle_trans (INR_le T1); rewrite INR_expn.
  have : INR n <= 2 * INR (side m) by have := INR_le half; rewrite mult_INR.
  by have := pos_INR (side m); nra.
have t0 := INR_gt0 T0; have n20 : (0 < expn n 2)%nat by rewrite expn_gt0 n0.
have ln3 : ln (INR n ^ 3) = 3 * ln (INR n) by rewrite ln_pow /=; lra.
have lt : ln (INR T + INR (expn n 2)) <= 3 * ln (INR n).
  by rewrite -ln3; apply: ln_le all; have := INR_gt0 n20; lra.
have [|K [B [hK hB hKB hmain]]] := @universal_lower_bound T (expn n 2) d h T0 n20; first lra.
exists K, B; split=> // lam eta delta hl he hdel W S compress answer W0 hc.
have l4 : ln 3 <= 2 * ln (INR n).
  have -> : 2 * ln (INR n) = ln (INR n ^ 2) by rewrite ln_pow /=; lra.
  by apply: ln_le; nra.
apply: Rle_trans (hmain lam eta delta _ he hdel W S compress answer W0 hc).
  by have := pos_INR h; have : 0 <= INR n ^ 2 by [apply: pow_le; lra]; nra.
rewrite ln_mult; try lra; have := INR_gt0 n20; lra.
Qed.
End Growing.

(* ---------- below dimension ln T --------------------------------------------------------------------- *)
Lemma floor_ge_half x : 1 <= x -> x / 2 <= INR (floor x).
Proof.
move=> x1; have [h1 h2] := base_Int_part x.
have z : (0 < Int_part x)%Z by apply: lt_IZR; lra.
rewrite /floor INR_IZR_INZ Z2Nat.id; last exact: Z.lt_le_incl.
case: (Rle_dec 2 x) => x2; first lra.
by have : 1 <= IZR (Int_part x) by [apply: IZR_le; lia]; lra.
Qed.

(* e^(- 1/2) >= 4/7, because (7/4)^2 > 3 >= e *)
Lemma exp_half_le : exp (1/2) <= 7/4.
Proof.
have e3 := exp_le_3; have e0 := exp_pos (1/2); have : exp (1/2) * exp (1/2) = exp 1.
  by rewrite -exp_plus; congr exp; field.
by move=> h; apply: Rnot_lt_le => lt; nra.
Qed.

(* d + 1 coordinates: min (T, e^((d + 1) mu^2 / 2)) h / 7 bits.  Sketch: as many greedy keys as surely fit,
   the others on the pad key; the floor of x >= 1 is at least x / 2, and one dimension more costs a factor
   e^(1/2) <= 7/4. *)
Theorem low_dimension_numbers (T n2 d h : nat) (mu : R) (act := active (geq_minl T (capacity d mu))) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 ->
  exists K : 'I_T -> 'I_d.+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_d.+1 -> R, (forall i o, dot (K (act i)) (B o) <= mu) ->
    forall lam eta delta : R, ln (3 * (INR T + INR n2)) / (1 - mu) <= lam -> 0 <= eta <= 1/2 ->
      delta <= 11/100 ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d.+1 -> R) -> 'I_h -> R), 0 < N W ->
      correct_active (geq_minl T (capacity d mu)) K B lam eta compress answer delta ->
      Rmin (INR T) (exp (INR d.+1 * mu ^ 2 / 2)) * INR h / 7 <= log2 (N S).
Proof.
move=> d0 T0 [m0 m1]; have dr := INR_ge1 d0; set x := exp (INR d * mu ^ 2 / 2).
have e0 : 0 < x by exact: exp_pos.
have x1 : 1 <= x by rewrite -exp_0; apply: exp_mono; have := pow2_ge_0 mu; nra.
pose A := minn T (capacity d mu).
have hA : INR A.-1 < x.
  have AC : INR A <= x by apply: Rle_trans (floor_le (Rlt_le _ _ e0)); apply: INR_le; exact: geq_minr.
  case: A AC => [|n] //=; rewrite -?/(INR n.+1) ?S_INR; lra.
have [F hF] := greedy_keys_exist d0 (conj m0 m1) hA.
exists (padded_keys F); split=> [j|B hB lam eta delta hl he hdel W S compress answer W0 hc].
  exact: padded_unit hF.
have n1 : 1 <= INR T + INR n2 by exact: tokens_ge1.
have [l0 gap] := sharp_enough n1 m1 hl he.
have hc11 : correct_active (geq_minl T (capacity d mu)) (padded_keys F) B lam eta compress answer (11/100).
  by move=> u i c q; apply: Rle_trans (hc u i c) _; apply: Rmult_le_compat_r => //; exact: N_ge0.
have := padded_lower_bound hF (Rlt_le _ _ m0) hB l0 _ gap _ W0 hc11; move=> /(_ ltac:(lra) ltac:(lra)) main.
apply: Rle_trans main; apply: Rle_trans (rate_half (Rmult_le_pos _ _ (pos_INR A) (pos_INR h))).
have up : exp (INR d.+1 * mu ^ 2 / 2) <= 7/4 * x.
  rewrite S_INR; have -> : (INR d + 1) * mu ^ 2 / 2 = mu ^ 2 / 2 + INR d * mu ^ 2 / 2 by field.
  rewrite exp_plus; apply: Rmult_le_compat_r; first exact: Rlt_le.
  by apply: Rle_trans exp_half_le; apply: exp_mono; nra.
have low : Rmin (INR T) (exp (INR d.+1 * mu ^ 2 / 2)) <= 7/2 * INR A.
  have T1 := pos_INR T; rewrite /A /minn; case: ifP => _.
    by apply: Rle_trans (Rmin_l _ _) _; lra.
  by apply: Rle_trans (Rmin_r _ _) _; have := floor_ge_half x1; rewrite /capacity -/x; lra.
by have := pos_INR h; nra.
Qed.
