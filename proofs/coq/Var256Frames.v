(* Theorem F for one head of VAR at 256 pixels: every number is decided by computation. *)
From LowerBound Require Export FrameFloor RationalBounds KerdockFrames.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the floor from rational bounds ------------------------------------------------------------- *)
Notation var256_instance c0 LV L h :=
  (@frame_instance _ _ [finType of 'I_63] _ (var256_address : _ -> [finType of option 'I_62] -> R) c0 LV
     (@symmetric_grid L h)).
Notation var256_value :=
  (@value_question _ [finType of 'I_256] _ [finType of 'I_63]
     (var256_address : _ -> [finType of option 'I_62] -> R) 100).
Notation var256_letter c0 L cs sn h tau :=
  (@letter_question _ [finType of 'I_256] _ [finType of 'I_63] _
     (var256_address : _ -> [finType of option 'I_62] -> R) c0 (@symmetric_grid L h) 100 cs sn h tau).

Section Certificate.
Variables (L LV k kV : nat) (l lv eta c0 cs sn h tau tauV z : R) (s sp x xV t c cV lK lV lP bits : R).
Notation m := (h ^ 2 * (l ^ 2 - 1) / 12).
Notation mu := (cs * (1/7) + sn * (165/1000)).
Hypotheses (Ll : INR L = l) (LVl : INR LV = lv) (l2 : 2 <= l) (lv2 : 2 <= lv) (even : ~~ odd L)
  (he : 0 <= eta < 1/2) (c00 : 0 < c0) (cs0 : 0 <= cs) (sn0 : 0 < sn) (circle : cs ^ 2 + sn ^ 2 = 1)
  (h0 : 0 < h)
  (tau0 : 0 < tau) (tauV0 : 0 < tauV) (z0 : 0 < z).
(* the norm of a payload; the spacing of letters and of values; copies and own tokens in reach *)
Hypotheses (s0 : 0 <= s) (hs : z * (62 * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180)) <= s ^ 2)
  (norm : 62 * m + s <= 1 - c0 ^ 2) (fits : (h * (l - 1) / 2) ^ 2 <= 1 - c0 ^ 2)
  (hsp : ln ((1 + 2 * eta) / (1 - 2 * eta)) <= sp) (step : 2 * sp + tau < 100 * sn * h)
  (stepV : 2 * (eta + tauV) * (lv - 1) < 1) (far : 256 <= (1 + (100 + 100 * c0 - xV) / 2) ^ 2)
  (far0 : xV <= 100).
(* the leaks: ln (1/tau) <= x, and 2^-k bounds how often a query is shut *)
Hypotheses (hx : / tau <= exp x) (hxV : / (tauV / 2) <= exp xV) (t0 : 0 < t <= 100)
  (slope : t * m * mu <= c0) (slopeV : 100 * m * (1/7) <= c0)
  (hc : c <= t * ((100 * (cs * c0 + sn * - (h / 2)) - x) / 100 - c0 * mu) - t ^ 2 * m * (1 - mu ^ 2) / 2)
  (shutK : 3/2 * (1 + / z) * 423 * 2 ^ k <= exp c)
  (hcV : cV <= 100 * ((100 * c0 - xV) / 100 - c0 * (1/7)) - 100 ^ 2 * m * (1 - (1/7) ^ 2) / 2)
  (shutV : (1 + / z) * 423 * 2 ^ kV <= exp cV) (k0 : (0 < k)%nat) (kV0 : (0 < kV)%nat).
(* the letters, in bits *)
Hypotheses (hlK : lK <= log2 l) (hlV : lV <= log2 lv) (hlP : log2 (1 + / z) <= lP)
  (hbits : bits <= 424 * (62 * ((1 - / 2 ^ k) * lK - / 2 ^ k * (INR k + 3/2)) +
     63 * ((1 - / 2 ^ kV) * lV - / 2 ^ kV * (INR kV + 3/2)) - lP)).
Notation inst := (var256_instance c0 LV L h).
Notation letter := (var256_letter c0 L cs sn h tau).

(* an isolation bound, from rational bounds of its exponent *)
Lemma isolation_small (w y tt mm muu cc : R) (j : nat) : 1 <= w ->
  cc <= tt * (y - c0 * muu) - tt ^ 2 * mm * (1 - muu ^ 2) / 2 ->
  w * (1 + / z) * 423 * 2 ^ j <= exp cc -> 0 <= w * isolation 424 (1 + / z) tt mm c0 muu y <= / 2 ^ j.
Proof.
move=> w1 hcc big; rewrite /isolation; have iz : 0 < / z by exact: Rinv_0_lt_compat.
set e := exp _; have e0 : 0 < e by exact: exp_pos.
have e1 : e <= / exp cc by rewrite -exp_Ropp; apply: exp_mono; lra.
have j0 : 0 < 2 ^ j by apply: pow_lt; lra.
have -> : w * ((1 + / z) * ((424 - 1) * e)) = w * (1 + / z) * 423 * e by ring.
have p0 : 0 < w * (1 + / z) * 423 by apply: Rmult_lt_0_compat; [apply: Rmult_lt_0_compat|]; lra.
split; first by apply: Rmult_le_pos; lra.
apply: (Rmult_le_reg_r (2 ^ j)) => //; rewrite Rinv_l; last lra.
apply: Rle_trans (_ : _ <= exp cc * / exp cc) _; last by apply: Req_le; field; have := exp_pos cc; lra.
have -> : w * (1 + / z) * 423 * e * 2 ^ j = (w * (1 + / z) * 423 * 2 ^ j) * e by ring.
by apply: Rmult_le_compat => //; [apply: Rmult_le_pos; lra|lra].
Qed.

Lemma pow_half (j : nat) : (0 < j)%nat -> 0 <= / 2 ^ j <= 1/2.
Proof.
case: j => // j _; have p : 1 <= 2 ^ j by apply: pow_R1_Rle; lra.
have q : 0 < 2 ^ j by lra.
rewrite [2 ^ _]/= Rinv_mult_distr; [|lra|lra]; have := Rinv_0_lt_compat _ q => h1.
have : / 2 ^ j <= / 1 by apply: Rinv_le_contravar; lra.
by rewrite Rinv_1; lra.
Qed.

(* The rational bounds imply the hypotheses of Theorem F: ln tau >= - x gives both exponents, isolation_small
   turns them into error rates of at most 2^-k, and fano_small turns these into bits. *)
Theorem var256_frames_floor :
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near eta (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near eta (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    bits <= log2 (N S)].
Proof.
have [b1 b0 co fc] := var256_frames_incoherent.
have i62 : N [finType of 'I_62] = 62 by rewrite N_ord INR_IZR_INZ.
have i63 : N [finType of 'I_63] = 63 by rewrite N_ord INR_IZR_INZ.
have i256 : N [finType of 'I_256] = 256 by rewrite N_ord INR_IZR_INZ.
have i424 : N [finType of 'I_424] = 424 by rewrite N_ord INR_IZR_INZ.
have own : (0 < #|[finType of 'I_256]|)%nat by rewrite card_ord.
have l100 : 0 < 100 by lra.
have lt : ln (1 + tau) <= tau.
  by rewrite -{2}(ln_exp tau); apply: ln_le; [lra|exact: exp_ineq1_le].
have spc : spacing eta tau < 100 * sn * h by rewrite /spacing; lra.
have ln256 : ln (N [finType of 'I_256]) <= 100.
  rewrite i256; have -> : ln 256 = 8 * ln 2 by have -> : 256 = 2 ^ 8 by [ring]; rewrite ln_pow;
    [rewrite INR_IZR_INZ|lra].
  by have := exp_ineq1_le (ln 2); rewrite exp_ln; lra.
have lx : - x <= ln tau.
  have : ln (/ tau) <= x by rewrite -(ln_exp x); apply: ln_le => //; exact: Rinv_0_lt_compat.
  by rewrite ln_Rinv //; lra.
have tV2 : 0 < tauV / 2 by lra.
have lxV : - xV <= ln (tauV / 2).
  have : ln (/ (tauV / 2)) <= xV by rewrite -(ln_exp xV); apply: ln_le => //; exact: Rinv_0_lt_compat.
  by rewrite ln_Rinv //; lra.
have [L0 LV0] : (0 < L)%nat /\ (0 < LV)%nat.
  by split; rewrite lt0n; apply/eqP => e; [move: Ll|move: LVl]; rewrite e /=; lra.
have fitsL : (h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2 by rewrite Ll.
have [n1 n2 n3] := frames_norms [finType of 'I_63] LV b1 b0 l100 he (Rlt_le _ _ c00) cs0 sn0 circle h0
  (Rlt_le _ _ tau0) even own ln256 spc fitsL.
split=> // W S compress answer W0 hv hk.
have hcc : c <= t * ((100 * (cs * c0 + sn * - (h / 2)) + ln tau) / 100 - c0 * mu) -
  t ^ 2 * m * (1 - mu ^ 2) / 2.
  apply: Rle_trans hc _; apply: Rplus_le_compat_r; apply: Rmult_le_compat_l; lra.
have hccV : cV <= 100 * ((100 * c0 + ln (tauV / 2)) / 100 - c0 * (1/7)) - 100 ^ 2 * m * (1 - (1/7) ^ 2) / 2.
  apply: Rle_trans hcV _; apply: Rplus_le_compat_r; apply: Rmult_le_compat_l; lra.
have w32 : 1 <= 3/2 by lra.
have sK := isolation_small w32 hcc shutK.
have w1 : 1 * (1 + / z) * 423 * 2 ^ kV <= exp cV by rewrite Rmult_1_l.
have sV := isolation_small (Rle_refl 1) hccV w1.
rewrite Rmult_1_l in sV.
have [[qK0 qK1] [qV0 qV1]] := (pow_half k0, pow_half kV0).
have il : / l <= 1/2 by apply: Rle_trans (Rinv_le_contravar 2 l _ _) _; lra.
have ilv : / lv <= 1/2 by apply: Rle_trans (Rinv_le_contravar 2 lv _ _) _; lra.
have dens : N [finType of 'I_62] * (h ^ 2 * (INR L ^ 2 - 1) / 12)
    + sqrt (z * (N [finType of 'I_62] * (h ^ 4 * (INR L ^ 2 - 1) * (INR L ^ 2 - 4) / 180))) <= 1 - c0 ^ 2.
  rewrite i62 Ll; have : sqrt (z * (62 * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180))) <= s.
    by rewrite -(sqrt_pow2 s) //; apply: sqrt_le_1_alt.
  by move: norm; set a := sqrt _; lra.
have farE : N [finType of 'I_256] * exp (- (100)) <= tauV / 2 * exp (100 * c0).
  rewrite i256; apply: Rle_trans (_ : _ <= exp (- xV) * exp (100 * c0)) _; last first.
    by apply: Rmult_le_compat_r; [exact/Rlt_le/exp_pos|rewrite -(exp_ln _ tV2); exact: exp_mono].
  have -> : exp (- xV) * exp (100 * c0) = exp (100 + 100 * c0 - xV) * exp (- (100)).
    by rewrite -!exp_plus; congr exp; ring.
  apply: Rmult_le_compat_r; first exact/Rlt_le/exp_pos.
  apply: Rle_trans far _; set y := (100 + 100 * c0 - xV) / 2.
  have -> : 100 + 100 * c0 - xV = INR 2 * y by rewrite /y INR_IZR_INZ; field.
  by rewrite exp_INR; apply: pow_incr; have := exp_ineq1_le y; rewrite /y; lra.
have h1 : 0 < 100 <= 100 by lra.
have big := @frames [finType of 'I_424] [finType of 'I_256] [finType of 'I_62] [finType of 'I_63]
  (var256_address : _ -> [finType of option 'I_62] -> R) L LV 100 eta c0 cs sn h tau tauV (1/7) (165/1000)
  z t 100.
cbv zeta in big; rewrite i424 i256 i62 i63 Ll LVl in big; rewrite i62 Ll in dens; rewrite i256 in farE.
have {}big := big b1 b0 co fc l100 he cs0 sn0 circle h0 tau0 tauV0 L0 even LV0 own z0 dens spc stepV farE
  t0 h1
  slope slopeV ltac:(lra) ltac:(lra) W S compress answer W0 hv hk.
apply: Rle_trans hbits (Rle_trans _ _ _ _ big); apply: Rmult_le_compat_l; first lra.
have fK := fano_small (L := l) (k := k) l2 sK ltac:(lra).
have fV := fano_small (L := lv) (k := kV) lv2 sV ltac:(lra).
have gK : (1 - / 2 ^ k) * lK <= (1 - / 2 ^ k) * log2 l by apply: Rmult_le_compat_l; lra.
have gV : (1 - / 2 ^ kV) * lV <= (1 - / 2 ^ kV) * log2 lv by apply: Rmult_le_compat_l; lra.
lra.
Qed.
End Certificate.
