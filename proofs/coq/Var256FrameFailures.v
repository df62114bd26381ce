(* Theorem F for delta = 1/100 and one head of VAR at 256 pixels: every number is decided by computation. *)
From LowerBound Require Export Var256Meetings.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Notation var256_blocks c0 LV K h :=
  (@frame_instance _ _ [finType of 'I_values256] _ var256_address' c0 LV (@symmetric_grid K h)).
Notation var256_side c0 L B cs sn h tau :=
  (@grid_cut _ [finType of 'I_own256] _ [finType of 'I_values256] var256_address' c0 L B 100 cs sn h tau).
Notation var256_level c0 L B cs sn h :=
  (@grid_ask _ [finType of 'I_own256] _ [finType of 'I_values256] var256_address' c0 L B 100 cs sn h).

(* the step of the levels, from rational bounds E of e^(g/2) and F of e^y: s - 1/s grows faster in s than
   kappa (s + 1/s), and f + 1/f grows in f >= 1 *)
Lemma step_at kappa g y E F : 0 <= kappa < 1 -> 1 <= E -> 0 <= y -> E <= exp (g / 2) -> exp y <= F ->
  kappa * (F + / F + E + / E) < E - / E -> kappa < sinh (g / 2) / (cosh y + cosh (g / 2)).
Proof.
move=> k01 E1 y0 hE hF h; have T1 : 1 <= exp y by rewrite -exp_0; exact: exp_mono.
have c0 := cosh_ge1 y; have c1 := cosh_ge1 (g / 2); apply: Rdiv_lt_r; first lra.
rewrite /sinh /cosh !exp_Ropp; move: hE hF T1; set S := exp (g / 2); set T := exp y => hE hF T1.
have iS : / S <= / E by apply: Rinv_le_contravar; lra.
have grow : T + / T <= F + / F.
  have e : F + / F - (T + / T) = (F - T) * (1 - / (F * T)) by field; lra.
  have ft : / (F * T) <= / 1 by apply: Rinv_le_contravar; nra.
  have : 0 <= (F - T) * (1 - / (F * T)) by apply: Rmult_le_pos; lra.
  by lra.
have : kappa * (T + / T) <= kappa * (F + / F) by apply: Rmult_le_compat_l; lra.
have : (1 - kappa) * E <= (1 - kappa) * S by apply: Rmult_le_compat_l; lra.
have : (1 + kappa) * / S <= (1 + kappa) * / E by apply: Rmult_le_compat_l; lra.
lra.
Qed.

Section Certificate.
Variables (L LV B : nat) (L0 : (0 < L)%nat) (l lv k d eta delta c0 cs sn h tau tauV z s sp E F x xV t : R).
Variables (GA XA cA eA GB XB cB eB GC XC cC eC e cV eV lK lV u2 u uV w wV lP bits : R).
Notation K := (expn 2 B * L)%nat.
Notation m := (h ^ 2 * (k ^ 2 - 1) / 12).
Notation g := (100 * sn * h).
Hypotheses (Ll : INR L = l) (LVl : INR LV = lv) (Kk : INR K = k) (Bd : INR B = d) (l2 : 2 <= l)
  (lv2 : 2 <= lv)
  (B0 : (0 < B)%nat) (he : 0 <= eta < 1/2) (c00 : 0 < c0) (cs0 : 0 <= cs) (sn0 : 0 < sn)
  (circle : cs ^ 2 + sn ^ 2 = 1) (h0 : 0 < h) (tau0 : 0 < tau) (tauV0 : 0 < tauV) (z0 : 0 < z).
(* the norm of a payload; the spacing of blocks, of levels and of values; copies and own tokens in reach *)
Hypotheses (s0 : 0 <= s) (hs : z * (62 * (h ^ 4 * (k ^ 2 - 1) * (k ^ 2 - 4) / 180)) <= s ^ 2)
  (norm : 62 * m + s <= 1 - c0 ^ 2) (fits : (h * k / 2) ^ 2 <= 1 - c0 ^ 2)
  (hsp : ln ((1 + 2 * eta) / (1 - 2 * eta)) <= sp) (gap : 2 * sp + tau < g)
  (k1 : 2 * eta + tau / 4 < 1) (E1 : 1 <= E) (F0 : 0 < F) (hE : E <= exp (g / 2))
  (hF : / F <= exp (- (g * (l - 2) / 2))) (step : (2 * eta + tau / 4) * (F + / F + E + / E) < E - / E)
  (stepV : 2 * (eta + tauV) * (lv - 1) < 1) (far : 256 <= (1 + (100 + 100 * c0 - xV) / 2) ^ 2)
  (far0 : xV <= 100).
(* the leaks: e bounds how often the two queries of a letter are shut, on average, and eV how often a value
   query is *)
Notation closes := (closes k c0 cs sn h x t).
Hypotheses (sides : two_sided cs sn GA XA GB XB GC XC)
  (hx : / tau <= exp x) (hxV : / (tauV / 2) <= exp xV) (t0 : 0 < t <= 100)
  (hA : closes GA XA cA eA) (hB : closes GB XB cB eB) (hC : closes GC XC cC eC) (eCB : eC <= eB)
  (shutK : (1 + / z) * (136 * eA + 423 * (eB + eC)) <= 2 * e) (slopeV : 100 * m * (5/61) <= c0)
  (hcV : cV <= 100 * ((100 * c0 - xV) / 100 - c0 * (5/61)) - 100 ^ 2 * m * (1 - (5/61) ^ 2) / 2)
  (shutV : (1 + / z) * 423 / eV <= exp cV) (e0 : 0 < e) (eV0 : 0 < eV).
(* the symbols, in bits *)
Hypotheses (d0 : 0 < delta) (q2 : delta + 2 * e <= 1/2) (qV1 : delta + eV <= 1/2)
  (hu2 : log2 (/ (delta + 2 * e)) <= u2) (hu : log2 (/ (delta + e)) <= u) (huV : log2 (/ (delta + eV)) <= uV)
  (hw : log2 (l - 1) <= w) (hwV : log2 (lv - 1) <= wV)
  (hlK : lK <= log2 l) (hlV : lV <= log2 lv) (hlP : log2 (1 + / z) <= lP)
  (hbits : bits <= 424 * (62 * (1 - (delta + 2 * e) * (u2 + 13/9) + (d - 1) * (1 - (delta + e) * (u + 13/9))
     + (lK - (delta + e) * (u + 13/9 + w))) + 63 * (lV - (delta + eV) * (uV + 13/9 + wV)) - lP)).
Notation inst := (var256_blocks c0 LV K h).
Notation side := (var256_side c0 L B cs sn h tau).
Notation level := (var256_level c0 L B cs sn h).

Lemma steps : 2 * eta + tau / 4 < sinh (g / 2) / (cosh (g * (l - 2) / 2) + cosh (g / 2)).
Proof.
have g0 : 0 < g by have := Rmult_lt_0_compat _ _ sn0 h0; lra.
have y0 : 0 <= g * (l - 2) / 2 by have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ g0) l2; lra.
have k0 : 0 <= 2 * eta + tau / 4 < 1 by lra.
have hy : exp (g * (l - 2) / 2) <= F.
  rewrite -[X in exp X]Ropp_involutive exp_Ropp -[F]Rinv_involutive; last by apply: Rgt_not_eq.
  by apply: Rinv_le_contravar => //; exact: Rinv_0_lt_compat.
exact: step_at k0 E1 y0 hE hy step.
Qed.

(* fano_at turns delta plus the error rates e and eV into bits *)
Lemma rates (pV : R) : 0 <= pV <= eV ->
  bits <= 424 * (62 * (fano 2 (delta + 2 * e) + (d - 1) * fano 2 (delta + e) + fano l (delta + e))
    + 63 * fano lv (delta + pV) - log2 (1 + / z)).
Proof.
move=> hp; apply: Rle_trans hbits _; apply: Rmult_le_compat_l; first lra.
have one : log2 (2 - 1) <= 0 by rewrite /log2; have -> : 2 - 1 = 1 by [ring]; rewrite ln_1; lra.
have l22 : log2 2 = 1 by rewrite /log2; have := ln2_gt0; move=> ?; field; lra.
have same q : 0 < q -> q <= 1/2 -> 0 <= q <= q /\ 0 < q < 1 by lra.
have [r2 h2] := same (delta + 2 * e) ltac:(lra) q2; have [r1 h1] := same (delta + e) ltac:(lra) ltac:(lra).
have f2 := fano_at (Rle_refl 2) r2 h2 hu2 one; have f1 := fano_at (Rle_refl 2) r1 h1 hu one.
have fK := fano_at l2 r1 h1 hu hw.
have fV := fano_at (p := delta + pV) (q := delta + eV) lv2 ltac:(lra) ltac:(lra) huV hwV.
have d1 : 0 <= d - 1 by rewrite -Bd; have := INR_ge1 B0; lra.
rewrite l22 Rplus_0_r in f2 f1.
by have := Rmult_le_compat_l _ _ _ d1 f1; lra.
Qed.

(* The rational bounds imply the hypotheses of Theorem F on a grid: steps, ln tau >= - x, meets_sum for the
   error rate e, and isolation_at for eV. *)
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
have [b1 b0 co _] := var256_frames_incoherent.
have [i62 i63 i256 i424] := var256_sizes; have own := var256_own; have ln256 := ln_var256_own.
have l100 : 0 < 100 by lra.
have lt := ln_succ_at_most tau0; have lx := ln_at_least tau0 hx.
have spc : spacing eta tau < g by rewrite /spacing; lra.
have tV2 : 0 < tauV / 2 by lra.
have lxV := ln_at_least tV2 hxV.
have LV0 : (0 < LV)%nat by rewrite lt0n; apply/eqP => e1; move: LVl; rewrite e1 /=; lra.
have fitsK : (h * INR K / 2) ^ 2 <= 1 - c0 ^ 2 by rewrite Kk.
split=> [y i|i ch||W S compress answer W0 failed fv fs fl].
- exact: frame_key_unit.
- exact: value_question_unit.
- exact: (grid_questions_unit [finType of 'I_values256] L0 B0 h0 b1 b0 l100 cs0 sn0 circle (Rlt_le _ _ c00)
    (Rlt_le _ _ tau0) he spc own ln256 fitsK).
have K1 : (1 < K)%nat.
  by rewrite -(prednK B0) expnS -mulnA; apply: (@leq_mul 2 1); rewrite ?muln_gt0 ?expn_gt0.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P0 : 0 <= 1 + / z by lra.
have shut i l := Rle_trans _ _ _ (Rmult_le_compat_l _ _ _ P0
  (meets_sum K1 Kk h0 lx (proj1 t0) hA hB hC eCB sides i l)) shutK.
have sV := isolation_at P0 eV0 (exponent_at l100 lxV hcV) shutV.
have dens := var256_dense s0 hs norm; have farE := var256_far tauV0 lxV c00 far far0.
have h1 : 0 < 100 <= 100 by lra.
have il := inv_half l2; have ilv := inv_half lv2.
have hl : delta + e <= 1 - / l by lra.
have hlv : 0 <= delta + isolation 424 (1 + / z) 100 m c0 (5/61) ((100 * c0 + ln (tauV / 2)) / 100)
  <= 1 - / lv by lra.
have big := (frames_with_meetings_grid (Tok := [finType of 'I_cached256]) (Own := [finType of 'I_own256])
  (Pay := [finType of 'I_letters256]) (Ch := [finType of 'I_values256])
  (compress := compress) (answer := answer)
  L0 i424 i256 i62 i63 Bd Ll Kk LVl b1 b0 co shut l100 he
  (Rlt_le _ _ d0) sn0 circle h0 tau0 tauV0 B0 LV0 own z0 dens spc steps stepV farE t0 h1 slopeV q2 hl hlv
  W0 fv fs fl).
exact: Rle_trans (rates sV) big.
Qed.
End Certificate.
