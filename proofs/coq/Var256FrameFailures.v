(* Theorem F for delta = 1/100 and one head of VAR at 256 pixels: every number is decided by computation. *)
From LowerBound Require Export FrameBlocks Var256FrameBounds.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Notation var256_blocks c0 LV K h :=
  (@frame_instance _ _ [finType of 'I_63] _ var256_address' c0 LV (@symmetric_grid K h)).
Notation var256_side c0 L B cs sn h tau :=
  (@grid_cut _ [finType of 'I_256] _ [finType of 'I_63] var256_address' c0 L B 100 cs sn h tau).
Notation var256_level c0 L B cs sn h :=
  (@grid_ask _ [finType of 'I_256] _ [finType of 'I_63] var256_address' c0 L B 100 cs sn h).

(* cosh x is at most exp (x^2 / 2), and exp y at most (1 - y/4)^-4 *)
Lemma cosh_at_most x : x ^ 2 < 8 -> cosh x <= / (1 - x ^ 2 / 8) ^ 4.
Proof.
move=> x8; apply: Rle_trans (cosh_le_exp_square x) _.
have p : 0 < 1 - x ^ 2 / 8 by lra.
have p4 : 0 < (1 - x ^ 2 / 8) ^ 4 by exact: pow_lt.
have h : (1 - x ^ 2 / 8) ^ 4 <= exp (- (x ^ 2 / 2)).
  have -> : - (x ^ 2 / 2) = INR 4 * - (x ^ 2 / 8) by rewrite INR_IZR_INZ; field.
  by rewrite exp_INR; apply: pow_incr; have := exp_ineq1_le (- (x ^ 2 / 8)); lra.
by rewrite -[X in exp X]Ropp_involutive exp_Ropp; apply: Rinv_le_contravar.
Qed.

Lemma sinh_ge x : 0 <= x -> x <= sinh x.
Proof.
case=> [x0|<-]; last by rewrite sinh_0; lra.
have [c [hc [c0 c1]]] := MVT_cor2 sinh cosh 0 x x0 (fun c _ => derivable_pt_lim_sinh c).
by rewrite sinh_0 in hc; have := cosh_ge1 c; nra.
Qed.

Section Certificate.
Variables (L LV B : nat) (L0 : (0 < L)%nat) (l lv k d eta delta c0 cs sn h tau tauV z : R).
Variables (s sp x xV t c cV e eV lK lV u uV w wV lP bits : R).
Notation K := (expn 2 B * L)%nat.
Notation m := (h ^ 2 * (k ^ 2 - 1) / 12).
Notation mu := (cs * (1/7) + sn * (165/1000)).
Notation g := (100 * sn * h).
Hypotheses (Ll : INR L = l) (LVl : INR LV = lv) (Kk : INR K = k) (Bd : INR B = d) (l2 : 2 <= l)
  (lv2 : 2 <= lv)
  (B0 : (0 < B)%nat) (he : 0 <= eta < 1/2) (c00 : 0 < c0) (cs0 : 0 <= cs) (sn0 : 0 < sn)
  (circle : cs ^ 2 + sn ^ 2 = 1) (h0 : 0 < h) (tau0 : 0 < tau) (tauV0 : 0 < tauV) (z0 : 0 < z).
(* the norm of a payload; the spacing of blocks, of levels and of values; copies and own tokens in reach *)
Hypotheses (s0 : 0 <= s) (hs : z * (62 * (h ^ 4 * (k ^ 2 - 1) * (k ^ 2 - 4) / 180)) <= s ^ 2)
  (norm : 62 * m + s <= 1 - c0 ^ 2) (fits : (h * k / 2) ^ 2 <= 1 - c0 ^ 2)
  (hsp : ln ((1 + 2 * eta) / (1 - 2 * eta)) <= sp) (gap : 2 * sp + tau < g)
  (flat : (g * (l - 2) / 2) ^ 2 < 8) (flat' : (g / 2) ^ 2 < 8)
  (step : (2 * eta + tau / 4) * (/ (1 - (g * (l - 2) / 2) ^ 2 / 8) ^ 4 + / (1 - (g / 2) ^ 2 / 8) ^ 4) < g / 2)
  (stepV : 2 * (eta + tauV) * (lv - 1) < 1) (far : 256 <= (1 + (100 + 100 * c0 - xV) / 2) ^ 2)
  (far0 : xV <= 100).
(* the leaks: e and eV bound how often a query is shut *)
Hypotheses (hx : / tau <= exp x) (hxV : / (tauV / 2) <= exp xV) (t0 : 0 < t <= 100)
  (slope : t * m * mu <= c0) (slopeV : 100 * m * (1/7) <= c0)
  (hc : c <= t * ((100 * (cs * c0 + sn * - (h / 2)) - x) / 100 - c0 * mu) - t ^ 2 * m * (1 - mu ^ 2) / 2)
  (shutK : (1 + / z) * 423 / e <= exp c)
  (hcV : cV <= 100 * ((100 * c0 - xV) / 100 - c0 * (1/7)) - 100 ^ 2 * m * (1 - (1/7) ^ 2) / 2)
  (shutV : (1 + / z) * 423 / eV <= exp cV) (e0 : 0 < e) (eV0 : 0 < eV).
(* the symbols, in bits *)
Hypotheses (d0 : 0 < delta) (q1 : delta + e <= 1/2) (qV1 : delta + eV <= 1/2)
  (hu : log2 (/ (delta + e)) <= u) (huV : log2 (/ (delta + eV)) <= uV)
  (hw : log2 (l - 1) <= w) (hwV : log2 (lv - 1) <= wV)
  (hlK : lK <= log2 l) (hlV : lV <= log2 lv) (hlP : log2 (1 + / z) <= lP)
  (hbits : bits <= 424 * (62 * (d * (1 - (delta + e) * (u + 13/9)) + (lK - (delta + e) * (u + 13/9 + w))) +
     63 * (lV - (delta + eV) * (uV + 13/9 + wV)) - lP)).
Notation inst := (var256_blocks c0 LV K h).
Notation side := (var256_side c0 L B cs sn h tau).
Notation level := (var256_level c0 L B cs sn h).

(* The rational bounds imply the hypotheses of Theorem F on a grid: cosh_at_most and sinh_ge the step of the
   levels, ln tau >= - x the exponents, isolation_at the error rates e and eV; fano_at turns delta plus these
   into bits. *)
Theorem var256_failures_floor :
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 B)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 B)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q := INR #|[pred w | ~~ near eta (frame_output (inst x) Q)
      (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= delta * N W) ->
    (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (side i l t) <= delta * N W) ->
    (forall x i l k, (k < expn 2 B)%nat -> failed x (level i l k) <= delta * N W) ->
    bits <= log2 (N S)].
Proof.
have [b1 b0 co fc] := var256_frames_incoherent.
have [i62 i63 i256 i424] := var256_sizes; have own := var256_own; have ln256 := ln_var256_own.
have l100 : 0 < 100 by lra.
have g0 : 0 < g by apply: Rmult_lt_0_compat => //; apply: Rmult_lt_0_compat.
have lt := ln_succ_at_most tau0; have lx := ln_at_least tau0 hx.
have spc : spacing eta tau < g by rewrite /spacing; lra.
have steps : 2 * eta + tau / 4 < sinh (g / 2) / (cosh (g * (INR L - 2) / 2) + cosh (g / 2)).
  rewrite Ll; have c1 := cosh_at_most flat; have c2 := cosh_at_most flat'.
  have p1 := cosh_ge1 (g * (l - 2) / 2); have p2 := cosh_ge1 (g / 2).
  apply: Rdiv_lt_r; first lra.
  apply: Rlt_le_trans (sinh_ge (x := g / 2) _); last lra.
  apply: Rle_lt_trans step; apply: Rmult_le_compat_l; first lra.
  exact: Rplus_le_compat.
have tV2 : 0 < tauV / 2 by lra.
have lxV := ln_at_least tV2 hxV.
have LV0 : (0 < LV)%nat by rewrite lt0n; apply/eqP => e1; move: LVl; rewrite e1 /=; lra.
have fitsK : (h * INR K / 2) ^ 2 <= 1 - c0 ^ 2 by rewrite Kk.
split=> [y i|i ch||W S compress answer W0 failed fv fs fl].
- exact: frame_key_unit.
- exact: value_question_unit.
- exact: (grid_questions_unit [finType of 'I_63] L0 B0 h0 b1 b0 l100 cs0 sn0 circle (Rlt_le _ _ c00)
    (Rlt_le _ _ tau0)
    he spc own ln256 fitsK).
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P0 : 0 <= 1 + / z by lra.
have hcc := exponent_at (proj1 t0) lx hc; have hccV := exponent_at l100 lxV hcV.
have sK := isolation_at P0 e0 hcc shutK.
have sV := isolation_at P0 eV0 hccV shutV.
have il := inv_half l2; have ilv := inv_half lv2.
have dens := var256_dense s0 hs norm; have farE := var256_far tauV0 lxV c00 far far0.
have h1 : 0 < 100 <= 100 by lra.
have big := @frames_with_failures_grid [finType of 'I_424] [finType of 'I_256] [finType of 'I_62]
  [finType of 'I_63]
  var256_address' B L LV L0 100 eta delta c0 cs sn h tau tauV (1/7) (165/1000) z t 100.
cbv zeta in big; rewrite i424 i256 i62 i63 Bd Kk Ll LVl in big.
rewrite Ll in steps.
set pK := isolation _ _ t _ _ _ _ in sK big; set pV := isolation _ _ 100 _ _ _ _ in sV big.
have {}big := big b1 b0 co fc l100 he cs0 sn0 circle h0 tau0 tauV0 B0 LV0 own z0 dens spc steps stepV farE
  t0 h1
  slope slopeV ltac:(lra) ltac:(lra) ltac:(lra) W S compress answer W0 fv fs fl.
apply: Rle_trans hbits (Rle_trans _ _ _ _ big); apply: Rmult_le_compat_l; first lra.
have qK : 0 <= delta + pK <= delta + e by lra.
have qV : 0 <= delta + pV <= delta + eV by lra.
have qe : 0 < delta + e < 1 by lra.
have qeV : 0 < delta + eV < 1 by lra.
have f2 := fano_at (L := 2) (w := 0) (Rle_refl 2) qK qe hu ltac:(rewrite /log2; have -> : 2 - 1 = 1 by [ring];
  rewrite ln_1; lra).
have fK := fano_at l2 qK qe hu hw.
have fV := fano_at lv2 qV qeV huV hwV.
have l22 : log2 2 = 1 by rewrite /log2; have := ln2_gt0; move=> ?; field; lra.
rewrite l22 Rplus_0_r in f2.
have dn : 0 <= d by rewrite -Bd; exact: pos_INR.
have := Rmult_le_compat_l _ _ _ dn f2; lra.
Qed.
End Certificate.
