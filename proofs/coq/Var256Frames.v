(* Theorem F for one head of VAR at 256 pixels: every number is decided by computation. *)
From LowerBound Require Export Var256FrameBounds.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the floor from rational bounds ------------------------------------------------------------- *)
Notation var256_instance c0 LV L h :=
  (@frame_instance _ _ [finType of 'I_values256] _ var256_address' c0 LV (@symmetric_grid L h)).
Notation var256_letter_question c0 L cs sn h tau :=
  (@letter_question _ [finType of 'I_own256] _ [finType of 'I_values256] _ var256_address' c0
     (@symmetric_grid L h) 100 cs sn h tau).

Section Certificate.
Variables (L LV k kV : nat) (l lv eta c0 cs sn h tau tauV z : R) (s sp x xV t c cV lK lV lP bits : R).
Notation m := (h ^ 2 * (l ^ 2 - 1) / 12).
Notation mu := (cs * (5/61) + sn * (1512/10000)).
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
  (slope : t * m * mu <= c0) (slopeV : 100 * m * (5/61) <= c0)
  (hc : c <= t * ((100 * (cs * c0 + sn * - (h / 2)) - x) / 100 - c0 * mu) - t ^ 2 * m * (1 - mu ^ 2) / 2)
  (shutK : 3/2 * (1 + / z) * 423 * 2 ^ k <= exp c)
  (hcV : cV <= 100 * ((100 * c0 - xV) / 100 - c0 * (5/61)) - 100 ^ 2 * m * (1 - (5/61) ^ 2) / 2)
  (shutV : (1 + / z) * 423 * 2 ^ kV <= exp cV) (k0 : (0 < k)%nat) (kV0 : (0 < kV)%nat).
(* the letters, in bits *)
Hypotheses (hlK : lK <= log2 l) (hlV : lV <= log2 lv) (hlP : log2 (1 + / z) <= lP)
  (hbits : bits <= 424 * (62 * ((1 - / 2 ^ k) * lK - / 2 ^ k * (INR k + 3/2)) +
     63 * ((1 - / 2 ^ kV) * lV - / 2 ^ kV * (INR kV + 3/2)) - lP)).
Notation inst := (var256_instance c0 LV L h).
Notation letter := (var256_letter_question c0 L cs sn h tau).

(* an isolation bound of the form 2^-j, with a weight w *)
Lemma isolation_small (w y tt mm muu cc : R) (j : nat) : 1 <= w ->
  cc <= tt * (y - c0 * muu) - tt ^ 2 * mm * (1 - muu ^ 2) / 2 ->
  w * (1 + / z) * 423 * 2 ^ j <= exp cc -> 0 <= w * isolation 424 (1 + / z) tt mm c0 muu y <= / 2 ^ j.
Proof.
move=> w1 hcc big; have iz : 0 < / z by exact: Rinv_0_lt_compat.
have j0 : 0 < 2 ^ j by apply: pow_lt; lra.
have e0 : 0 < / (w * 2 ^ j) by apply: Rinv_0_lt_compat; apply: Rmult_lt_0_compat; lra.
have P0 : 0 <= 1 + / z by lra.
have [|n0 n1] := isolation_at P0 e0 hcc.
  by have -> : (1 + / z) * 423 / / (w * 2 ^ j) = w * (1 + / z) * 423 * 2 ^ j by [field; lra].
split; first by apply: Rmult_le_pos; lra.
have -> : / 2 ^ j = w * / (w * 2 ^ j) by field; lra.
by apply: Rmult_le_compat_l; lra.
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
have [i62 i63 i256 i424] := var256_sizes; have own := var256_own; have ln256 := ln_var256_own.
have l100 : 0 < 100 by lra.
have lt := ln_succ_at_most tau0; have lx := ln_at_least tau0 hx.
have spc : spacing eta tau < 100 * sn * h by rewrite /spacing; lra.
have tV2 : 0 < tauV / 2 by lra.
have lxV := ln_at_least tV2 hxV.
have [L0 LV0] : (0 < L)%nat /\ (0 < LV)%nat.
  by split; rewrite lt0n; apply/eqP => e; [move: Ll|move: LVl]; rewrite e /=; lra.
have fitsL : (h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2 by rewrite Ll.
have [n1 n2 n3] := frames_norms [finType of 'I_values256] LV b1 b0 l100 he (Rlt_le _ _ c00) cs0 sn0 circle h0
  (Rlt_le _ _ tau0) even own ln256 spc fitsL.
split=> // W S compress answer W0 hv hk.
have hcc := exponent_at (proj1 t0) lx hc; have hccV := exponent_at l100 lxV hcV.
have w32 : 1 <= 3/2 by lra.
have sK := isolation_small w32 hcc shutK.
have w1 : 1 * (1 + / z) * 423 * 2 ^ kV <= exp cV by rewrite Rmult_1_l.
have sV := isolation_small (Rle_refl 1) hccV w1.
rewrite Rmult_1_l in sV.
have [[qK0 qK1] [qV0 qV1]] := (pow_half k0, pow_half kV0).
have il := inv_half l2; have ilv := inv_half lv2.
have dens := var256_dense s0 hs norm; have farE := var256_far tauV0 lxV c00 far far0.
have h1 : 0 < 100 <= 100 by lra.
have hK : 0 <= 3/2 * isolation 424 (1 + / z) t m c0 mu
    ((100 * (cs * c0 + sn * - (h / 2)) + ln tau) / 100) <= 1 - / l by lra.
have hV : 0 <= isolation 424 (1 + / z) 100 m c0 (5/61) ((100 * c0 + ln (tauV / 2)) / 100) <= 1 - / lv by lra.
have big := frames (Tok := [finType of 'I_cached256]) (Own := [finType of 'I_own256])
  (Pay := [finType of 'I_letters256]) (Ch := [finType of 'I_values256])
  (compress := compress) (answer := answer)
  i424 i256 i62 i63 Ll LVl b1 b0 co fc l100 he cs0 sn0 circle h0 tau0 tauV0 L0 even LV0 own z0 dens spc stepV
  farE t0 h1 slope slopeV hK hV W0 hv hk.
apply: Rle_trans hbits (Rle_trans _ _ _ _ big); apply: Rmult_le_compat_l; first lra.
have fK := fano_small (L := l) (k := k) l2 sK ltac:(lra).
have fV := fano_small (L := lv) (k := kV) lv2 sV ltac:(lra).
have gK : (1 - / 2 ^ k) * lK <= (1 - / 2 ^ k) * log2 l by apply: Rmult_le_compat_l; lra.
have gV : (1 - / 2 ^ kV) * lV <= (1 - / 2 ^ kV) * log2 lv by apply: Rmult_le_compat_l; lra.
lra.
Qed.
End Certificate.
