(* Theorem C' (zoom). At delta = 0 Bob may ask about every pair of levels, with his reference half way between
   them, so that payload logits are read on an equally spaced grid. *)
From LowerBound Require Export Payload.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- without errors it is enough that pairs can be told apart ------------------------ *)
(* fam: the queries that may be asked.  No adaptivity: this is the pigeonhole principle. *)
Theorem pairs_lower_bound (I : finType) (A : I -> finType) (x0 : {dffun forall i, A i}) (W S : finType)
    (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp)
    (fam : Qry -> Prop) (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) :
  (forall (x y : {dffun forall i, A i}) i, x i != y i ->
     exists q, fam q /\ forall o, good (inst x) q o -> good (inst y) q o -> False) ->
  0 < N W -> (forall w x q, fam q -> good (inst x) q (answer w (compress w (inst x)) q)) ->
  \rsum_i log2 (N (A i)) <= log2 (N S).
Proof.
move=> sep W0 hc.
have /card_gt0P[w _] : (0 < #|W|)%nat by rewrite lt0n; apply/eqP => e; move: W0; rewrite /N e /=;
  exact: Rlt_irrefl.
have inj : injective (fun x => compress w (inst x)).
  move=> x y e; apply/ffunP => i; apply/eqP/negPn/negP => /sep[q [fq hq]].
  by apply: (hq _ (hc w x q fq)); rewrite e; exact: hc.
have Ap i : 0 < N (A i) by have := N_ge1 (x0 i); lra.
have <- : log2 (N_words A) = \rsum_i log2 (N (A i)).
  rewrite /log2 card_words ln_rprod // /Rdiv Rmult_comm -rsum_distr.
  by apply: eq_bigr => i _; ring.
apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat/ln2_gt0.
apply: ln_le; first by rewrite card_words; exact: rprod_gt0.
by apply: INR_le; exact: leq_card inj.
Qed.

(* ---------- one reference shared by all own tokens ------------------------------------------ *)
Section Copies.
Variables (Tok Own Adr Pay Ch : finType) (A : Tok -> Adr -> R) (mu ca cp sp g : R).
Variables (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R).
Notation Crd := [finType of Adr + Pay + unit].
Notation c := (g * cp).
(* zoom_key i p r: the reference for token i, with logit r in payload coordinate p *)
Definition zoom_key (i : Tok) (p : Pay) (r : R) : Crd -> R :=
  vec (scale ca (A i)) (fun p' => if p' == p then cp * (r / c) else 0)
      (sqrt (1 - ca * ca - cp * (r / c) * (cp * (r / c)))).
(* copies_question: a payload is asked as in Theorem C, but all own tokens are copies of one reference *)
Definition copies_question (i : Tok) (p : Pay) (r : R) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  (vec (scale sp (A i)) (fun p' => if p' == p then g else 0) 0, fun _ => zoom_key i p r, None).
(* copies_leak: leak of the other cached tokens, relative to a token without payload *)
Definition copies_leak : R := (N Tok - 1) * exp (c - sp * ca * (1 - mu)).

Lemma zoom_key_unit i p r : dot (A i) (A i) = 1 -> ca * ca + cp * (r / c) * (cp * (r / c)) <= 1 ->
  dot (zoom_key i p r) (zoom_key i p r) = 1.
Proof.
move=> A1 h; rewrite /zoom_key dot_vec dot_scale dot_scale_r A1 dot_pick eqxx sqrt_sqrt; [ring|lra].
Qed.

Hypotheses (hA : incoherent A mu) (ca0 : 0 <= ca) (sp0 : 0 <= sp) (cp0 : 0 < cp) (g0 : 0 < g)
  (y1 : forall a, -1 <= y a <= 1).

(* the output weighs the token that is read, and a leak that can only add to it, against all copies *)
Lemma copies_reading x i p r (e := exp (c * y (payload_symbol x i p))) : exists m,
  e <= m <= e + copies_leak /\ output (instance A ca cp lv y x) (copies_question i p r) = m /
    (m + N Own * exp r).
Proof.
have b0 : 0 <= sp * ca by nra. have c0 : 0 < c by nra.
pose q := (copies_question i p r).1.1; pose l j := dot q (stored_key A ca cp y x j).
have lj j : l j = sp * ca * dot (A i) (A j) + c * y (payload_symbol x j p).
  by rewrite /l /q /= /stored_key dot_vec dot_scale dot_scale_r dot_pick /payload; ring.
have lr : dot q (zoom_key i p r) = sp * ca + r.
  by rewrite /q /= /zoom_key dot_vec dot_scale dot_scale_r dot_pick eqxx (proj1 hA); field; lra.
pose M := \rsum_j exp (l j); pose E := exp (sp * ca); have E0 : 0 < E by exact: exp_pos.
have li : exp (l i) = E * e by rewrite lj (proj1 hA) Rmult_1_r exp_plus.
have M1 : exp (l i) <= M by apply: (rsum_term (f := fun j => exp (l j))) => j; exact/Rlt_le/exp_pos.
have M2 : M <= exp (l i) + E * copies_leak.
  rewrite /M (bigD1 i) //=; apply: Rplus_le_compat_l.
  have -> : E * copies_leak = (N Tok - 1) * exp (sp * ca * mu + c).
    have -> : sp * ca * mu + c = sp * ca + (c - sp * ca * (1 - mu)) by ring.
    by rewrite exp_plus /E /copies_leak; ring.
  apply: rest_mass => j ji; rewrite lj; apply: Rplus_le_compat.
    by apply: Rmult_le_compat_l => //; apply: (proj2 hA); rewrite eq_sym.
  by have [_ y2] := y1 (payload_symbol x j p); nra.
have e0 : 0 < e by exact: exp_pos.
exists (M / E); split.
  by rewrite li in M1 M2; split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
have -> : output (instance A ca cp lv y x) (copies_question i p r) = M / (M + N Own * (E * exp r)).
  rewrite /output /attention_own /attention /softmax_mean !big_sumType /=.
  have -> : \rsum_(j : Tok) (exp (dot q (stored_key A ca cp y x j)) * 1) = M.
    by apply: eq_bigr => j _; rewrite Rmult_1_r.
  rewrite [X in (_ + X) / _]big1 => [|o _]; last by rewrite Rmult_0_r.
  rewrite Rplus_0_r; congr (_ / (_ + _)); under eq_bigr => o _ do rewrite lr.
  by rewrite rsum_const exp_plus.
have M0 : 0 < M by have := exp_pos (l i); lra.
have r0 : 0 <= N Own * exp r by apply: Rmult_le_pos; [exact: N_ge0|exact/Rlt_le/exp_pos].
by field; split; nra.
Qed.
End Copies.

(* ---------- the spacing ------------------------------------------------------------------------ *)
(* spacing eta tau: 4 atanh (2 eta) + ln (1 + tau) *)
Definition spacing (eta tau : R) : R := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau).

Lemma logistic_ratio s t : logistic (s - t) = exp s / (exp s + exp t).
Proof.
have e0 := exp_pos s; have f0 := exp_pos (- (s - t)).
have -> : exp t = exp s * exp (- (s - t)) by rewrite -exp_plus; congr exp; ring.
by rewrite /logistic; field; split; nra.
Qed.

Lemma ratio_mono m M E : 0 < m -> m <= M -> 0 < E -> m / (m + E) <= M / (M + E).
Proof.
move=> m0 mM E0; apply: Rdiv_le_l; first lra.
have -> : M / (M + E) * (m + E) = M * (m + E) / (M + E) by field; lra.
by apply: Rdiv_le_r; nra.
Qed.

(* logistic functions at D / 2 and - D / 2 are more than 2 eta apart if D > 2 ln ((1 + 2 eta) / (1 - 2
   eta)) *)
Lemma logistic_apart eta D : 0 <= eta < 1/2 -> 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) < D ->
  2 * eta < logistic (D / 2) - logistic (- (D / 2)).
Proof.
move=> [e0 e1] h; set r := (1 + 2 * eta) / (1 - 2 * eta) in h.
have r0 : 0 < r by apply: Rdiv_lt_0_compat; lra.
have hr : r < exp (D / 2) by rewrite -(exp_ln r r0); apply: exp_increasing; lra.
have -> : logistic (D / 2) = exp (D / 2) / (exp (D / 2) + 1) by rewrite -exp_0 -logistic_ratio Rminus_0_r.
have -> : logistic (- (D / 2)) = 1 / (exp (D / 2) + 1).
  by rewrite -Rminus_0_l logistic_ratio exp_0 Rplus_comm.
move: hr; rewrite /r; set E := exp (D / 2) => hr.
have E0 : 0 < E by exact: exp_pos.
have h1 : 1 + 2 * eta < E * (1 - 2 * eta).
  have := Rmult_lt_compat_r (1 - 2 * eta) _ _ ltac:(lra) hr.
  by have -> : (1 + 2 * eta) / (1 - 2 * eta) * (1 - 2 * eta) = 1 + 2 * eta by field; lra.
have -> : E / (E + 1) - 1 / (E + 1) = (E - 1) / (E + 1) by field; lra.
by apply: Rdiv_lt_r; lra.
Qed.

(* ---------- Theorem C' ------------------------------------------------------------------------------ *)
Section Zoom.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R).
Variables (mu rho lam gam eta : R) (LV LK : nat).
Notation Crd := [finType of Adr + Pay + unit].
Notation ca := (address_scale rho).
Notation cp := (payload_scale (N Pay) rho).
Notation sp := (query_scale lam gam).
Notation c := (payload_logit (N Pay) rho lam gam).
Notation tauV := (leak (N Tok + N Own) (lam * ca) mu).
(* zoom_leak: leak of the other cached tokens, relative to the token that is read *)
Definition zoom_leak : R := (N Tok - 1) * exp (2 * c - sp * ca * (1 - mu)).
Notation tau := zoom_leak.
(* zoom_level: equally spaced payloads from -1 to 1;  in logits the spacing is 2 c / (LK - 1) *)
Definition zoom_level (a : 'I_LK) : R := 2 * grid a - 1.
Definition zoom_instance := @instance Tok Adr Pay Ch A ca cp LV LK (@grid LV) zoom_level.
(* threshold a b: logit of the reference for the pair of levels a, b, shared by all own tokens *)
Definition threshold (a b : 'I_LK) : R :=
  c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2 - ln (N Own).
(* zoom_question: all own tokens are copies of one reference;  zoom_value: a value is asked as in Theorem C *)
Definition zoom_question (i : Tok) (p : Pay) (a b : 'I_LK) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  copies_question Own Ch A ca cp sp (gam * sp) i p (threshold a b).
Definition zoom_value (i : Tok) (ch : Ch) := C_question ref A rho lam gam
  (inl (i, ch) : Tok * Ch + Tok * Pay).

Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

Lemma zoom_leak_ge0 (i : Tok) : 0 <= tau.
Proof. by apply: Rmult_le_pos; [have := N_ge1 i; lra|exact/Rlt_le/exp_pos]. Qed.

Lemma zoom_level_range a : -1 <= zoom_level a <= 1.
Proof. by have := grid_01 a; rewrite /zoom_level; lra. Qed.

(* the output is the logistic function of payload logit minus threshold, blurred by ln (1 + tau) on one
   side *)
Lemma zoom_reading x i p a b (z := c * zoom_level (payload_symbol x i p)
    - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2)) :
  logistic z <= output (zoom_instance x) (zoom_question i p a b) <= logistic (z + ln (1 + tau)).
Proof.
have [ca0 cp0 [sp0 _] c0] := C_signs rho01 lam0 gam0 P0; have t0 := zoom_leak_ge0 i.
have n0 : 0 < N Own by have := N_ge1 ref; lra.
have [||m [[m1 m2] ->]] := @copies_reading Tok Own Adr Pay Ch A mu ca cp sp (gam * sp) LV LK (@grid LV)
  zoom_level
  hA ca0 _ cp0 _ zoom_level_range x i p (threshold a b); try nra.
pose mid := c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2.
have -> : N Own * exp (threshold a b) = exp mid.
  by rewrite /threshold -/mid /Rminus exp_plus exp_Ropp exp_ln //; field; lra.
pose v := c * zoom_level (payload_symbol x i p); rewrite -/c -/v in m1 m2.
have v0 := exp_pos v; have E0 := exp_pos mid.
have m3 : m <= exp (v + ln (1 + tau)).
  rewrite exp_plus exp_ln; last lra.
  apply: Rle_trans m2 _; rewrite Rmult_plus_distr_l Rmult_1_r; apply: Rplus_le_compat_l.
  have -> : copies_leak Tok mu ca cp sp (gam * sp) = exp (- c) * tau.
    rewrite /copies_leak -/c /zoom_leak.
    have -> : c - sp * ca * (1 - mu) = - c + (2 * c - sp * ca * (1 - mu)) by ring.
    by rewrite exp_plus; ring.
  apply: Rmult_le_compat_r => //; apply: exp_mono; rewrite /v.
  by have [y1 _] := zoom_level_range (payload_symbol x i p); nra.
have -> : z + ln (1 + tau) = v + ln (1 + tau) - mid by rewrite /z -/v -/mid; ring.
rewrite /z -/v -/mid.
by rewrite !logistic_ratio; split; apply: ratio_mono => //; lra.
Qed.

Hypotheses (he : 0 <= eta < 1/2) (step : spacing eta tau * (INR LK - 1) < 2 * c).

(* different levels are more than the spacing apart *)
Lemma zoom_step (i : Tok) (a b : 'I_LK) : (a < b)%nat -> spacing eta tau < c * (zoom_level b - zoom_level a).
Proof.
move=> ab; have [_ _ _ c0] := C_signs rho01 lam0 gam0 P0; have h1 := INR_lt ab; have h2 := INR_lt (ltn_ord b).
have a0 := pos_INR a; have -> : c * (zoom_level b - zoom_level a) = 2 * c * (INR b - INR a) / (INR LK - 1).
  by rewrite /zoom_level /grid; field; lra.
apply: Rdiv_lt_r; first lra.
by apply: Rlt_le_trans step _; nra.
Qed.

(* all keys are unit vectors and all queries have norm lambda *)
Lemma zoom_keys_unit x i : dot ((zoom_instance x).1 i) ((zoom_instance x).1 i) = 1.
Proof.
have [_ cp0 _ c0] := C_signs rho01 lam0 gam0 P0.
apply: (stored_key_unit (mu := mu)) => //; first exact: zoom_level_range.
have sP : 0 < sqrt (N Pay) by exact: sqrt_lt_R0.
have -> : N Pay * (cp * cp) = rho * rho.
  by rewrite /payload_scale -{1}(sqrt_sqrt _ (Rlt_le _ _ P0)); field; lra.
by rewrite /address_scale sqrt_sqrt; nra.
Qed.

Lemma zoom_query_norm i p a b : dot (zoom_question i p a b).1.1 (zoom_question i p a b).1.1 = lam * lam.
Proof. exact: (@C_queries_norm Tok Own Adr Pay Ch ref A mu rho lam gam hA (inr (i, p))). Qed.

(* a reference is a unit vector as long as its logit is at most what a payload of norm rho can give *)
Lemma C_zoom_key_unit (i : Tok) (p : Pay) (r : R) : - (c * sqrt (N Pay)) <= r <= c * sqrt (N Pay) ->
  let b := zoom_key A ca cp (gam * sp) i p r in dot b b = 1.
Proof.
have [_ cp0 _ c0] := C_signs rho01 lam0 gam0 P0; have sP : 0 < sqrt (N Pay) by exact: sqrt_lt_R0.
move=> [r1 r2]; apply: zoom_key_unit; first exact: (proj1 hA).
rewrite -/c; have -> : cp * (r / c) = rho * (r / (c * sqrt (N Pay))).
  by rewrite {1}/payload_scale; field; lra.
have q1 : -1 <= r / (c * sqrt (N Pay)) by apply: Rdiv_le_r; nra.
have q2 : r / (c * sqrt (N Pay)) <= 1 by apply: Rdiv_le_l; nra.
have -> : ca * ca = 1 - rho * rho by rewrite /address_scale sqrt_sqrt; nra.
set q := r / _ in q1 q2 *; have : q * q <= 1 by nra.
by have : 0 <= rho * rho by [nra]; nra.
Qed.

Lemma zoom_own_unit i p (a b : 'I_LK) o : c + ln (N Own) <= c * sqrt (N Pay) -> (a < b)%nat ->
  dot ((zoom_question i p a b).1.2 o) ((zoom_question i p a b).1.2 o) = 1.
Proof.
move=> hc ab; have [_ cp0 _ c0] := C_signs rho01 lam0 gam0 P0; have t0 := zoom_leak_ge0 i.
have n0 : 0 <= ln (N Own) by apply: ln_ge0; exact: N_ge1 ref.
have lt0 : 0 <= ln (1 + tau) by apply: ln_ge0; lra.
have le0 : 0 <= ln ((1 + 2 * eta) / (1 - 2 * eta)) by apply: ln_ge0; apply: Rdiv_le_r; lra.
have st := zoom_step i ab; rewrite /spacing in st.
have [a1 a2] := zoom_level_range a; have [b1 b2] := zoom_level_range b.
by apply: C_zoom_key_unit; rewrite /threshold; nra.
Qed.

(* Every answer is within eta, for all instances, all value questions and all pairs of payload levels. *)
Theorem theorem_C_zoom (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) :
  (0 < LV)%nat -> (0 < LK)%nat -> 2 * (eta + tauV) * (INR LV - 1) < 1 -> 0 < N W ->
  (forall w x i ch, near eta (output (zoom_instance x) (zoom_value i ch))
                       (answer w (compress w (zoom_instance x)) (zoom_value i ch))) ->
  (forall w x i p (a b : 'I_LK), (a < b)%nat -> near eta (output (zoom_instance x) (zoom_question i p a b))
                       (answer w (compress w (zoom_instance x)) (zoom_question i p a b))) ->
  N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)) <= log2 (N S).
Proof.
move=> V0 K0 stepV W0 hv hk; have [ca0 cp0 [sp0 _] c0] := C_signs rho01 lam0 gam0 P0.
pose I := [finType of Tok * Ch + Tok * Pay]; pose Al := @alphabet Tok Pay Ch LV LK.
pose x0 : {dffun forall i : I, Al i} :=
  [ffun i => match i return Al i with inl _ => Ordinal V0 | inr _ => Ordinal K0 end].
have <- : \rsum_(i : I) log2 (N (Al i)) = N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)).
  rewrite big_sumType /= !rsum_const !N_prod !N_ord.
  have e (a b d k f : R) : a * b * d + a * k * f = a * (b * d + k * f) by ring.
  exact: e.
pose fam q := (exists i ch, q = zoom_value i ch) \/ (exists i p (a b : 'I_LK), (a < b)%nat /\
  q = zoom_question i p a b).
apply: (@pairs_lower_bound I Al x0 W S _ _ _ (fun inp q => near eta (output inp q)) zoom_instance fam
    compress answer _ W0); last by move=> w x q [[i [ch ->]]|[i [p [a [b [ab ->]]]]]]; [exact: hv|exact: hk].
(* one query for each pair a < b of levels of one payload symbol *)
have pair x y i p : (payload_symbol x i p < payload_symbol y i p)%nat ->
    exists q, fam q /\ forall o, near eta (output (zoom_instance x) q) o ->
      near eta (output (zoom_instance y) q) o -> False.
  set a := payload_symbol x i p; set b := payload_symbol y i p => ab.
  exists (zoom_question i p a b); split=> [|o gx gy]; first by right; exists i, p, a, b.
  have [_ ux] := zoom_reading x i p a b; have [ly _] := zoom_reading y i p a b.
  have st := zoom_step i ab; rewrite /spacing in st.
  pose D := c * (zoom_level b - zoom_level a) - ln (1 + tau).
  have ap := logistic_apart he (D := D) ltac:(rewrite /D; lra).
  have e1 : c * zoom_level b - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2) = D / 2
    by rewrite /D; field.
  have e2 : c * zoom_level a - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2) + ln (1 + tau)
    = - (D / 2).
    by rewrite /D; field.
  rewrite -/a e2 in ux; rewrite -/b e1 in ly; have := near_apart gy gx.
  by have := Rle_abs (output (zoom_instance y) (zoom_question i p a b)
                      - output (zoom_instance x) (zoom_question i p a b)); lra.
move=> x y [[i ch]|[i p]] ne.
  exists (zoom_value i ch); split=> [|o gx gy]; first by left; exists i, ch.
  have rd := @value_reading Tok Own Adr Pay Ch ref A mu ca cp LV LK (@grid LV) zoom_level lam sp (gam * sp)
    hA (proj1 mu01) ca0 (Rlt_le _ _ lam0) (@grid_01 LV).
  apply: (Rlt_irrefl (2 * (eta + tauV))); apply: Rlt_le_trans (grid_step stepV ne) _.
  exact: apart_near (rd x i ch) (rd y i ch) gx gy.
have : payload_symbol x i p != payload_symbol y i p :> nat by [].
rewrite neq_ltn => /orP[/pair //|/pair[q [fq hq]]].
by exists q; split=> // o gx gy; exact: hq gy gx.
Qed.
End Zoom.
