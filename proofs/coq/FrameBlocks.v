(* Theorem F for delta > 0 with letters on an even grid: 2^B runs of L neighbours are its blocks. *)
From LowerBound Require Export FrameFailures.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- steps of the logistic function -------------------------------------------------------- *)
Lemma logistic_difference x y :
  logistic x - logistic y = sinh ((x - y) / 2) / (cosh ((x + y) / 2) + cosh ((x - y) / 2)).
Proof.
pose p := exp (x / 2); pose q := exp (y / 2).
have p0 : 0 < p by exact: exp_pos. have q0 : 0 < q by exact: exp_pos.
have ex : exp (- x) = / (p * p) by rewrite /p -exp_plus -exp_Ropp; congr exp; field.
have ey : exp (- y) = / (q * q) by rewrite /q -exp_plus -exp_Ropp; congr exp; field.
have e1 : exp ((x - y) / 2) = p / q by rewrite /Rdiv /p /q -exp_Ropp -exp_plus; congr exp; field.
have e2 : exp (- ((x - y) / 2)) = q / p by rewrite /Rdiv /p /q -exp_Ropp -exp_plus; congr exp; field.
have e3 : exp ((x + y) / 2) = p * q by rewrite /p /q -exp_plus; congr exp; field.
have e4 : exp (- ((x + y) / 2)) = / (p * q) by rewrite exp_Ropp e3.
rewrite /logistic /sinh /cosh ex ey e1 e2 e3 e4; have := Rmult_lt_0_compat _ _ p0 q0 => pq.
by field; repeat split; nra.
Qed.

(* Neighbours of a grid of L points of step g are closest at its ends: logistic x - logistic y is
   sinh ((x - y) / 2) / (cosh ((x + y) / 2) + cosh ((x - y) / 2)), and cosh grows away from 0. *)
Lemma logistic_grid_step (L : nat) g (r r' : 'I_L) : 0 < g -> r != r' ->
  let y := g * (INR L - 2) / 2 in
  sinh (g / 2) / (cosh y + cosh (g / 2))
    <= Rabs (logistic (symmetric_grid g r) - logistic (symmetric_grid g r')).
Proof.
move=> g0; wlog lt : r r' / (r' < r)%nat => [hw ne|_ y].
  have : r != r' :> nat by []. rewrite neq_ltn => /orP[l|l]; last exact: hw.
  by rewrite Rabs_minus_sym; apply: hw => //; rewrite eq_sym.
set a := symmetric_grid g r; set c := symmetric_grid g r'; have h1 := INR_lt lt.
have ca : c + g <= a by rewrite /a /c /symmetric_grid; nra.
have s0 : 0 <= sinh (g / 2) by apply: sinh_ge0; lra.
have k1 := cosh_ge1 (g / 2); have k2 := cosh_ge1 y; have k3 := cosh_ge1 ((c + g + c) / 2).
have up : sinh (g / 2) / (cosh y + cosh (g / 2)) <= logistic (c + g) - logistic c.
  rewrite logistic_difference; have -> : (c + g - c) / 2 = g / 2 by field.
  apply: Rmult_le_compat_l => //; apply: Rinv_le_contravar; first lra.
  apply: Rplus_le_compat_r; have even x : cosh (Rabs x) = cosh x by rewrite /Rabs; case: Rcase_abs => _;
    rewrite ?cosh_opp.
  rewrite -(even ((c + g + c) / 2)); apply: cosh_mono; first exact: Rabs_pos.
  have b0 := pos_INR r'; have b1 := INR_lt (ltn_ord r).
  have -> : (c + g + c) / 2 = g * (INR r' + 1 - INR L / 2) by rewrite /c /symmetric_grid; field.
  by apply: Rabs_le; rewrite /y; split; nra.
have mono := logistic_mono ca; have := Rle_abs (logistic a - logistic c); lra.
Qed.

Section Grid.
Variables (Tok Own Pay Ch : finType) (b : Tok -> [finType of option Pay] -> R) (c0 : R) (LV L B : nat).
Variables (lam cs sn h tau tauV eta : R).
Hypotheses (L0 : (0 < L)%nat) (B0 : (0 < B)%nat) (h0 : 0 < h).
Notation K := (expn 2 B * L)%nat.
Notation v := (@symmetric_grid K h).

(* grid_block a, grid_level a: block and level of point a;  grid_below t, grid_above t: the points next to the
   gap below block t;  grid_centre k: the middle of block k *)
Definition grid_block (a : 'I_K) : nat := (a %/ L)%nat.
Definition grid_level (a : 'I_K) : 'I_L := Ordinal (ltn_pmod a L0).
Definition grid_at (r : R) : R := h * (r - (INR K - 1) / 2).
Definition grid_below (t : nat) : R := grid_at (INR t * INR L - 1).
Definition grid_above (t : nat) : R := grid_at (INR t * INR L).
Definition grid_centre (k : nat) : R := grid_at (INR k * INR L + (INR L - 1) / 2).
(* grid_cut i l t: the question whether a letter is in block t or above;  grid_ask i l k: its level in
   block k *)
Definition grid_cut := @cut_question Tok Own Pay Ch b c0 B grid_below grid_above lam cs sn tau.
Definition grid_ask := @level_question Tok Own Pay Ch b c0 B grid_centre lam cs sn.

Lemma grid_block_lt a : (grid_block a < expn 2 B)%nat.
Proof. by rewrite /grid_block ltn_divLR. Qed.

Lemma grid_letter_inj a a' : grid_block a = grid_block a' -> grid_level a = grid_level a' -> a = a'.
Proof.
move=> e /(congr1 val) /= e'; apply: val_inj; rewrite /= (divn_eq a L) (divn_eq a' L) e';
  congr (_ * _ + _)%nat.
exact: e.
Qed.

(* half: the first point of the upper half *)
Notation half := (INR (expn 2 B.-1) * INR L).
Lemma half_K : INR K = 2 * half.
Proof. by rewrite -{1}(prednK B0) expnS -mulnA mult_INR mult_INR. Qed.

Lemma upper_half k : (expn 2 B.-1 <= k)%nat -> half <= INR k * INR L.
Proof. by move=> /INR_le; apply: Rmult_le_compat_r; exact: pos_INR. Qed.

Lemma lower_half k : (k < expn 2 B.-1)%nat -> INR k * INR L + INR L <= half.
Proof. by move=> /INR_lt kB; have := Rmult_le_compat_r (INR L) _ _ (pos_INR L) kB; lra. Qed.

Lemma grid_at_le r s : r <= s -> grid_at r <= grid_at s.
Proof. by move=> rs; rewrite /grid_at; nra. Qed.

Lemma grid_gap_below a t : (0 < t < expn 2 B)%nat -> (grid_block a < t)%nat -> v a <= grid_below t.
Proof.
move=> _; rewrite /grid_block ltn_divLR // => /INR_lt; rewrite mult_INR => h1.
by rewrite -[v a]/(grid_at (INR a)); apply: grid_at_le; lra.
Qed.

Lemma grid_gap_above a t : (0 < t < expn 2 B)%nat -> (t <= grid_block a)%nat -> grid_above t <= v a.
Proof.
move=> _; rewrite /grid_block leq_divRL // => /INR_le; rewrite mult_INR => h1.
by rewrite -[v a]/(grid_at (INR a)); exact: grid_at_le.
Qed.

Lemma grid_gap_far t : (0 < t < expn 2 B)%nat ->
  - (h / 2) <= (if (expn 2 B.-1 <= t)%nat then grid_below t else - grid_above t).
Proof.
move=> _; have L1 := INR_ge1 L0; rewrite /grid_below /grid_above /grid_at half_K.
case: ifPn => [/upper_half|]; last rewrite -ltnNge => /lower_half.
  by set p := _ * INR L; set q := _ * INR L => pq; nra.
by set p := _ * INR L; set q := _ * INR L => pq; nra.
Qed.

Lemma grid_letter_far a : - (h / 2) <= side B (grid_block a) * v a.
Proof.
rewrite /side /grid_block leq_divRL // /symmetric_grid half_K; case: ifPn => [/INR_le|].
  by rewrite mult_INR; set p := _ * INR L => pa; nra.
by rewrite -ltnNge => /INR_lt; rewrite mult_INR; set p := _ * INR L => pa; nra.
Qed.

Lemma grid_level_grid a : v a - grid_centre (grid_block a) = symmetric_grid h (grid_level a).
Proof.
rewrite /symmetric_grid /grid_centre /grid_at /grid_block /=.
have -> : INR a = INR (a %/ L) * INR L + INR (a %% L).
  by have := congr1 INR (divn_eq a L); rewrite plus_INR mult_INR.
by field.
Qed.

(* the opposite point lies in the other half *)
Lemma grid_flip : exists opp : 'I_K -> 'I_K, involutive opp /\ forall a, v (opp a) = - v a /\
  (expn 2 B.-1 <= grid_block (opp a))%nat = ~~ (expn 2 B.-1 <= grid_block a)%nat.
Proof.
exists (@rev_ord K); split=> [|a]; first exact: rev_ordK.
split; first exact: grid_opp.
have e : K = ((expn 2 B.-1 * L).*2)%nat by rewrite -{1}(prednK B0) expnS -mulnA mul2n.
rewrite /grid_block !leq_divRL //= -ltnNge; set H := (_ * L)%nat in e *.
have aK := ltn_ord a; move: aK; rewrite [X in (_ < X)%nat -> (_ <= X - _)%nat = _]e -addnn => aK.
by rewrite leq_subRL // addnC leq_add2l.
Qed.

(* All questions are unit questions: their references lie at r >= 0, with r + h/2 inside the sphere. *)
Lemma grid_questions_unit : (forall i, dot (b i) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 <= c0 -> 0 <= tau -> 0 <= eta < 1/2 ->
  spacing eta tau < lam * sn * h -> (0 < #|Own|)%nat -> ln (N Own) <= lam ->
  (h * INR K / 2) ^ 2 <= 1 - c0 ^ 2 ->
  (forall i l t, (0 < t < expn 2 B)%nat -> unit_question lam (grid_cut i l t)) /\
  (forall i l k, (k < expn 2 B)%nat -> unit_question lam (grid_ask i l k)).
Proof.
move=> b1 b0 l0 cs0 sn0 circle c00 t0 he step O0 lO fits; have L1 := INR_ge1 L0.
have lt0 : 0 <= ln (1 + tau) by apply: ln_ge0; lra.
have K2 := half_K; set H := INR (expn 2 B.-1) * INR L in K2.
(* a reference at x, counted in steps from the lower end, in the direction of its side *)
have reach t x : ((expn 2 B.-1 <= t)%nat -> H <= x) -> ((t < expn 2 B.-1)%nat -> x <= H) ->
    1/2 <= x <= 2 * H - 1/2 ->
    0 <= side B t * (h * (x - H)) <= h * (2 * H) / 2 - h / 2.
  rewrite /side ltnNge; case: (_ <= _)%nat => [/(_ isT) hx _|_ /(_ isT) hx] [x0 x1]; split; nra.
have unit i l t x s : ((expn 2 B.-1 <= t)%nat -> H <= x) -> ((t < expn 2 B.-1)%nat -> x <= H) ->
    1/2 <= x <= 2 * H - 1/2 -> 0 <= s <= ln (1 + tau) / 2 ->
    unit_question lam (payload_question Own Ch b lam cs sn i l (side B t)
      (token_logit c0 lam cs sn (side B t * (h * (x - H))) + s)).
  move=> x1 x2 hx hs; have [r0 r1] := reach t x x1 x2 hx.
  have fit : (side B t * (h * (x - H)) + h / 2) ^ 2 <= 1 - c0 ^ 2.
    by apply: Rle_trans fits; rewrite K2; apply: pow_incr; lra.
  exact: (payload_unit Ch i l b1 b0 l0 cs0 sn0 circle c00 t0 he step O0 lO (side_square B t) r0 fit hs).
have top k : (k < expn 2 B)%nat -> INR k * INR L + INR L <= 2 * H.
  move=> /INR_lt hh; rewrite -K2 mult_INR; have := Rmult_le_compat_r (INR L) _ _ (pos_INR L) hh; lra.
split=> [i l t /andP[/INR_ge1 t1 tB]|i l k kB].
  have := unit i l t (INR t * INR L) (ln (1 + tau) / 2) (@upper_half t); rewrite /grid_cut /cut_question.
  have -> : (grid_below t + grid_above t) / 2 = h * (INR t * INR L - H).
    by rewrite /grid_below /grid_above /grid_at K2; field.
  apply; first by move=> q; have := lower_half q; rewrite -/H; lra.
    by have := top t tB; have := Rmult_le_compat _ _ _ _ Rle_0_1 Rle_0_1 t1 L1; lra.
  by lra.
have := unit i l k (INR k * INR L + INR L / 2) 0; rewrite Rplus_0_r /grid_ask /level_question.
have -> : grid_centre k = h * (INR k * INR L + INR L / 2 - H) by rewrite /grid_centre /grid_at K2; field.
apply.
- by move=> q; have := upper_half q; rewrite -/H; lra.
- by move=> q; have := lower_half q; rewrite -/H; lra.
- by have := top k kB; have := Rmult_le_pos _ _ (pos_INR k) (pos_INR L); lra.
by lra.
Qed.
End Grid.

(* Theorem F for delta > 0 on a grid of 2^B L points of spacing h, by sums over the other tokens: 2 pM bounds
   how often the two queries of a letter are shut together.  With g = lambda sn h, neighbours of a block must
   lead to outputs that are more than 2 eta + tau / 4 apart, also at the ends of the block.  Sizes have names,
   which instances give as numbers. *)
Theorem frames_with_meetings_grid (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (B L LV : nat)
    (L0 : (0 < L)%nat) (T n p ch d l k lv lam eta delta c0 cs sn h tau tauV mu1 z tK tV pM : R) :
  N Tok = T -> N Own = n -> N Pay = p -> N Ch = ch -> INR B = d -> INR L = l -> INR (expn 2 B * L) = k ->
  INR LV = lv ->
  let m := h ^ 2 * (k ^ 2 - 1) / 12 in
  let v := @symmetric_grid (expn 2 B * L) h in
  let met i l e := \rsum_(j | j != i) meets b c0 v lam cs sn (h / 2) tau m tK i l e j in
  let pV := isolation T (1 + / z) tV m c0 mu1 ((lam * c0 + ln (tauV / 2)) / lam) in
  let g := lam * sn * h in let y := g * (l - 2) / 2 in
  let inst := @frame_instance Tok Pay Ch _ b c0 LV v in
  let value := @value_question Tok Own Pay Ch b lam in
  let side := @grid_cut Tok Own Pay Ch b c0 L B lam cs sn h tau in
  let level := @grid_ask Tok Own Pay Ch b c0 L B lam cs sn h in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  (forall i j, i != j -> dot (b i : [finType of option Pay] -> R) (b j) <= mu1) ->
  (forall i l, (1 + / z) * (met i l 1 + met i l (-1)) <= 2 * pM) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= delta -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 < tau ->
  0 < tauV -> (0 < B)%nat -> (0 < LV)%nat -> (0 < #|Own|)%nat ->
  0 < z -> p * m + sqrt (z * (p * (h ^ 4 * (k ^ 2 - 1) * (k ^ 2 - 4) / 180))) <= 1 - c0 ^ 2 ->
  spacing eta tau < g -> 2 * eta + tau / 4 < sinh (g / 2) / (cosh y + cosh (g / 2)) ->
  2 * (eta + tauV) * (lv - 1) < 1 -> n * exp (- lam) <= tauV / 2 * exp (lam * c0) ->
  0 < tK <= lam -> 0 < tV <= lam -> tV * m * mu1 <= c0 ->
  delta + 2 * pM <= 1/2 -> delta + pM <= 1 - / l -> 0 <= delta + pV <= 1 - / lv ->
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
  let failed x Q := INR #|[pred w | ~~ near eta (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]|
    in
  (forall x i c, failed x (value i c) <= delta * N W) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (side i l t) <= delta * N W) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level i l k) <= delta * N W) ->
  T * (p * (fano 2 (delta + 2 * pM) + (d - 1) * fano 2 (delta + pM) + fano l (delta + pM))
       + ch * fano lv (delta + pV) - log2 (1 + / z)) <= log2 (N S).
Proof.
move=> <- <- <- <- <- <- <- <- m v met pV g y inst value sd level b1 b0 hc hM l0 he d0 sn0 circle h0 t0
  tV0 B0 V0 O0 z0 hz gap step sV far tK1 tV1 mV hB hL hV W S compress answer W0 failed fv fc fl.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P1 : 1 <= 1 + / z by lra.
have K0 : (0 < expn 2 B * L)%nat by rewrite muln_gt0 expn_gt0.
have m0 : 0 <= m.
  have h1 : 1 <= INR (expn 2 B * L) := INR_ge1 K0; apply: Rmult_le_pos; last lra.
  by apply: Rmult_le_pos; [exact: pow2_ge_0|nra].
have A0 : 0 < N [finType of 'I_(expn 2 B * L)] by rewrite N_ord; exact: INR_gt0.
have dense : N [finType of {ffun Pay -> 'I_(expn 2 B * L)}] <= (1 + / z) * N (frame_word Pay c0 v).
  apply: (moments_dense A0 z0 (grid_square h K0) (grid_fourth h K0)); apply: Rle_trans hz; apply: Req_le.
  by congr (_ + sqrt (_ * (_ * _))); field.
have NK : N [finType of 'I_(expn 2 B * L)] = 2 ^ B * INR L by rewrite N_ord mult_INR INR_expn.
have k0 : 0 < lam * sn by exact: Rmult_lt_0_compat.
have wide t : (0 < t < expn 2 B)%nat ->
  spacing eta tau < lam * sn * (grid_above L B h t - grid_below L B h t).
  move=> _; have -> // : grid_above L B h t - grid_below L B h t = h.
  by rewrite /grid_above /grid_below /grid_at; ring.
have apart (a a' : 'I_(expn 2 B * L)) : grid_block a = grid_block a' -> grid_level L0 a != grid_level L0 a' ->
    let w a := logistic (lam * sn * (symmetric_grid h a - grid_centre L B h (grid_block a))) in
    2 * eta + tau / 4 < Rabs (w a - w a').
  move=> _ ne /=; rewrite !(grid_level_grid h L0); apply: Rlt_le_trans step _.
  have e (r : 'I_L) : lam * sn * symmetric_grid h r = symmetric_grid g r by rewrite /symmetric_grid /g; ring.
  by rewrite !e; apply: logistic_grid_step => //; exact: Rmult_lt_0_compat.
exact: (@frames_with_meetings Tok Own Pay Ch _ b c0 LV L B v (@grid_block L B)
  (grid_level L0) (grid_below L B h) (grid_above L B h) (grid_centre L B h) lam cs sn (h / 2) tau tauV eta mu1
  (1 + / z) m tK tV delta (grid_block_lt L0) (@grid_letter_inj L B L0) b1 b0 l0 sn0 circle t0 he O0
  (grid_gap_below L0 h0) (grid_gap_above L0 h0) wide (grid_gap_far L0 B0 h0) (grid_letter_far L0 B0 h0) apart
  sV far tV0 L0 NK P1 V0 dense hc m0 (symmetric_grid_subgaussian h K0) tK1 tV1 mV hV pM W S compress answer hM
  (grid_flip h L0 B0) B0 d0 hB hL W0 fv fc fl).
Qed.
