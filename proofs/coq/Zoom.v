(* Theorem C' (zoom).  At delta = 0 Bob may ask about every pair of levels, with his reference half way between
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
have /card_gt0P[w _] : (0 < #|W|)%nat by rewrite lt0n; apply/eqP => e; move: W0; rewrite /N e /=; exact: Rlt_irrefl.
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

(* logistic functions at D / 2 and - D / 2 are more than 2 eta apart if D > 2 ln ((1 + 2 eta) / (1 - 2 eta)) *)
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
(* zoom_key i p r: the reference for token i, with logit r in payload coordinate p *)
Definition zoom_key (i : Tok) (p : Pay) (r : R) : Crd -> R :=
  vec (scale ca (A i)) (fun p' => if p' == p then cp * (r / c) else 0)
      (sqrt (1 - ca * ca - cp * (r / c) * (cp * (r / c)))).
(* zoom_question: all own tokens are copies of one reference;  zoom_value: a value is asked as in Theorem C *)
Definition zoom_question (i : Tok) (p : Pay) (a b : 'I_LK) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  (vec (scale sp (A i)) (fun p' => if p' == p then gam * sp else 0) 0, fun _ => zoom_key i p (threshold a b), None).
Definition zoom_value (i : Tok) (ch : Ch) := C_question ref A rho lam gam (inl (i, ch) : Tok * Ch + Tok * Pay).

Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

Lemma zoom_leak_ge0 (i : Tok) : 0 <= tau.
Proof. by apply: Rmult_le_pos; [have := N_ge1 i; lra|exact/Rlt_le/exp_pos]. Qed.

Lemma zoom_level_range a : -1 <= zoom_level a <= 1.
Proof. by have := grid_01 a; rewrite /zoom_level; lra. Qed.

(* the output is the logistic function of payload logit minus threshold, blurred by ln (1 + tau) on one side *)
Lemma zoom_reading x i p a b (z := c * zoom_level (payload_symbol x i p)
    - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2)) :
  logistic z <= output (zoom_instance x) (zoom_question i p a b) <= logistic (z + ln (1 + tau)).
Proof.
have [ca0 cp0 [sp0 _] c0] := C_signs rho01 lam0 gam0 P0; have t0 := zoom_leak_ge0 i.
pose mid := c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2.
pose l j := dot (zoom_question i p a b).1.1 (stored_key A ca cp zoom_level x j).
have lj j : l j = sp * ca * dot (A i) (A j) + c * zoom_level (payload_symbol x j p).
  by rewrite /l /= /stored_key dot_vec dot_scale dot_scale_r dot_pick /payload /payload_logit; ring.
have li : l i = sp * ca + c * zoom_level (payload_symbol x i p) by rewrite lj (proj1 hA) Rmult_1_r.
have n0 : 0 < N Own by have := N_ge1 ref; lra.
have lo (o : Own) : dot (zoom_question i p a b).1.1 (zoom_key i p (threshold a b)) = sp * ca + mid - ln (N Own).
  rewrite /= /zoom_key dot_vec dot_scale dot_scale_r dot_pick eqxx (proj1 hA) /threshold -/mid.
  have -> : gam * sp * (cp * ((mid - ln (N Own)) / c)) = mid - ln (N Own).
    have -> : gam * sp * (cp * ((mid - ln (N Own)) / c)) = c * ((mid - ln (N Own)) / c).
      by rewrite {2}/payload_logit; ring.
    by field; lra.
  ring.
pose M := \rsum_j exp (l j); pose E := exp (sp * ca + mid).
have outE : output (zoom_instance x) (zoom_question i p a b) = M / (M + E).
  rewrite /output /attention_own /attention /softmax_mean !big_sumType /=.
  have -> : \rsum_(j : Tok) (exp (dot (zoom_question i p a b).1.1 (stored_key A ca cp zoom_level x j)) * 1) = M.
    by apply: eq_bigr => j _; rewrite Rmult_1_r.
  rewrite [X in (_ + X) / _]big1 => [|o _]; last by rewrite Rmult_0_r.
  rewrite Rplus_0_r; congr (_ / (_ + _)).
  under eq_bigr => o _ do rewrite (lo o).
  rewrite rsum_const /Rminus exp_plus exp_Ropp exp_ln // /E; field; lra.
have M1 : exp (l i) <= M by apply: (rsum_term (f := fun j => exp (l j))) => j; exact/Rlt_le/exp_pos.
have M2 : M <= exp (l i + ln (1 + tau)).
  rewrite exp_plus exp_ln; last lra.
  rewrite /M (bigD1 i) //= Rmult_plus_distr_l Rmult_1_r; apply: Rplus_le_compat_l.
  apply: Rle_trans (rest_mass (b := sp * ca * mu + c) _) _ => [j ji|].
    rewrite lj; apply: Rplus_le_compat.
      by apply: Rmult_le_compat_l; [nra|apply: (proj2 hA); rewrite eq_sym].
    by have [_ y2] := zoom_level_range (payload_symbol x j p); nra.
  have -> : exp (l i) * tau = (N Tok - 1) * exp (2 * c - sp * ca * (1 - mu) + l i).
    by rewrite /zoom_leak [in RHS]exp_plus; ring.
  apply: Rmult_le_compat_l.
    by have := N_ge1 i; lra.
  by apply: exp_mono; rewrite li; have [y1 _] := zoom_level_range (payload_symbol x i p); nra.
have -> : z = l i - (sp * ca + mid) by rewrite li /z /mid; ring.
have -> : l i - (sp * ca + mid) + ln (1 + tau) = l i + ln (1 + tau) - (sp * ca + mid) by ring.
rewrite outE !logistic_ratio -/E; have E0 : 0 < E := exp_pos _; have e0 := exp_pos (l i).
by split; apply: ratio_mono => //; lra.
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

Lemma zoom_own_unit i p (a b : 'I_LK) o : c + ln (N Own) <= c * sqrt (N Pay) -> (a < b)%nat ->
  dot ((zoom_question i p a b).1.2 o) ((zoom_question i p a b).1.2 o) = 1.
Proof.
move=> hc ab; have [_ cp0 _ c0] := C_signs rho01 lam0 gam0 P0; have t0 := zoom_leak_ge0 i.
have sP : 0 < sqrt (N Pay) by exact: sqrt_lt_R0.
have n0 : 0 <= ln (N Own) by apply: ln_ge0; exact: N_ge1 ref.
have lt0 : 0 <= ln (1 + tau) by apply: ln_ge0; lra.
have le0 : 0 <= ln ((1 + 2 * eta) / (1 - 2 * eta)) by apply: ln_ge0; apply: Rdiv_le_r; lra.
have st := zoom_step i ab; rewrite /spacing in st.
have [a1 a2] := zoom_level_range a; have [b1 b2] := zoom_level_range b.
have h1 : threshold a b <= c by rewrite /threshold; nra.
have h2 : - (c * sqrt (N Pay)) <= threshold a b by rewrite /threshold; nra.
rewrite /= /zoom_key dot_vec dot_scale dot_scale_r (proj1 hA) dot_pick eqxx sqrt_sqrt; first ring.
set r := threshold a b in h1 h2 *; have cc : c <= c * sqrt (N Pay) by lra.
have -> : cp * (r / c) = rho * (r / (c * sqrt (N Pay))).
  rewrite {1}/payload_scale; field; lra.
have q1 : -1 <= r / (c * sqrt (N Pay)) by apply: Rdiv_le_r; nra.
have q2 : r / (c * sqrt (N Pay)) <= 1 by apply: Rdiv_le_l; nra.
have -> : ca * ca = 1 - rho * rho by rewrite /address_scale sqrt_sqrt; nra.
set q := r / _ in q1 q2 *; have : q * q <= 1 by nra.
by have : 0 <= rho * rho by [nra]; nra.
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
pose fam q := (exists i ch, q = zoom_value i ch) \/ (exists i p (a b : 'I_LK), (a < b)%nat /\ q = zoom_question i p a b).
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
  have e1 : c * zoom_level b - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2) = D / 2 by rewrite /D; field.
  have e2 : c * zoom_level a - (c * (zoom_level a + zoom_level b) / 2 + ln (1 + tau) / 2) + ln (1 + tau) = - (D / 2).
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
