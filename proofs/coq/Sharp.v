(* Theorem C with the sharp single read. For a payload all own tokens are copies of one reference, its logit
   lowered so that together they weigh as one token without payload. Then the leak of the other cached tokens
   can only raise the output, and costs levels a spacing of tau, not 2 tau. *)
From LowerBound Require Export Zoom.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Lemma logistic_exp z : logistic z = exp z / (exp z + 1).
Proof. by rewrite -{1}(Rminus_0_r z) logistic_ratio exp_0. Qed.

(* against a weight of 1, weight t more raises the share of a weight by t at most *)
Lemma ratio_rise e m t : 0 < e -> e <= m <= e + t -> e / (e + 1) <= m / (m + 1) <= e / (e + 1) + t.
Proof.
move=> e0 [m1 m2]; split; first by apply: ratio_mono; lra.
have -> : m / (m + 1) = e / (e + 1) + (m - e) / ((e + 1) * (m + 1)) by field; lra.
apply: Rplus_le_compat_l; apply: Rdiv_le_l; first nra.
by have : 1 <= (e + 1) * (m + 1) by [nra]; nra.
Qed.

(* readings that are only raised, by t at most, are blurred by t and not by 2 t *)
Lemma apart_raised a b u v t d : a <= u <= a + t -> b <= v <= b + t -> Rabs (u - v) <= d ->
  Rabs (a - b) <= d + t.
Proof. by move=> ha hb /Rabs_between h; apply: Rabs_le; lra. Qed.

(* ---------- any levels and scales ------------------------------------------------------------- *)
Section SharpRead.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu ca cp sv sp g : R).
Variables (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R).
Notation Crd := [finType of Adr + Pay + unit].
Notation tauV := (leak (N Tok + N Own) (sv * ca) mu).
Notation tau := (copies_leak Tok mu ca cp sp g).
(* sharp_question: values as in Theorem C; a payload against the copies of one reference, of logit 0
   together *)
Definition sharp_question (ix : Tok * Ch + Tok * Pay) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  match ix with
  | inl ic => question ref A ca sv sp g (inl ic)
  | inr ip => copies_question Own Ch A ca cp sp g ip.1 ip.2 (- ln (N Own))
  end.

Hypotheses (hA : incoherent A mu) (mu0 : 0 <= mu) (ca0 : 0 <= ca) (sv0 : 0 <= sv) (sp0 : 0 <= sp)
  (cp0 : 0 < cp) (g0 : 0 < g) (lv01 : forall a, 0 <= lv a <= 1) (y1 : forall a, -1 <= y a <= 1).

(* a payload question returns the logistic function of its level, and the leak only raises it *)
Lemma sharp_reading x i p (s := logistic (g * cp * y (payload_symbol x i p))) :
  s <= output (instance A ca cp lv y x) (sharp_question (inr (i, p))) <= s + tau.
Proof.
have [m [hm ->]] := copies_reading Own lv hA ca0 sp0 cp0 g0 y1 x i p (- ln (N Own)).
have n0 : 0 < N Own by have := N_ge1 ref; lra.
rewrite exp_Ropp exp_ln // Rinv_r /s ?logistic_exp; last lra.
by apply: ratio_rise hm; exact: exp_pos.
Qed.

Theorem sharp_lower_bound (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b, a != b -> 2 * (eta + tauV) < Rabs (lv a - lv b)) ->
  (forall a b, a != b -> 2 * eta + tau < Rabs (logistic (g * cp * y a) - logistic (g * cp * y b))) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) (instance A ca cp lv y)
    sharp_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 sepV sepK; apply: symbols_lower_bound => // u v [[i ch]|[i p]] o gu gv; apply/eqP/negPn/negP.
  move=> /sepV far; apply: (Rlt_irrefl (2 * (eta + tauV))); apply: Rlt_le_trans far _.
  have rd := @value_reading Tok Own Adr Pay Ch ref A mu ca cp LV LK lv y sv sp g hA mu0 ca0 sv0 lv01.
  exact: apart_near (rd u i ch) (rd v i ch) gu gv.
move=> /sepK far; apply: (Rlt_irrefl (2 * eta + tau)); apply: Rlt_le_trans far _.
exact: apart_raised (sharp_reading u i p) (sharp_reading v i p) (near_apart gu gv).
Qed.
End SharpRead.

(* ---------- explicit parameters rho, lambda, gamma, and grids of levels ------------------------------- *)
Section TheoremC.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R).
Variables (mu rho lam gam : R) (LV LK : nat).
Notation Crd := [finType of Adr + Pay + unit].
Notation ca := (address_scale rho).
Notation cp := (payload_scale (N Pay) rho).
Notation sp := (query_scale lam gam).
Notation c := (payload_logit (N Pay) rho lam gam).
Notation tauV := (leak (N Tok + N Own) (lam * ca) mu).
Notation tau := (copies_leak Tok mu ca cp sp (gam * sp)).
Notation C_instance := (@C_instance Tok Adr Pay Ch A rho lam gam LV LK).
(* C_sharp_question: the questions of Theorem C, payloads against copies of one reference *)
Definition C_sharp_question := @sharp_question Tok Own Adr Pay Ch ref A ca cp lam sp (gam * sp).

Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

Lemma C_sharp_norm ix : dot (C_sharp_question ix).1.1 (C_sharp_question ix).1.1 = lam * lam.
Proof.
by case: ix => [ic|[i p]]; [exact: (C_queries_norm ref rho lam gam hA (inl ic))
                           |exact: (C_queries_norm ref rho lam gam hA (inr (i, p)))].
Qed.

Lemma C_sharp_own_unit ix o : ln (N Own) <= c * sqrt (N Pay) ->
  dot ((C_sharp_question ix).1.2 o) ((C_sharp_question ix).1.2 o) = 1.
Proof.
case: ix => [ic|[i p]] h; first exact: (C_own_unit ref lam gam hA rho01 (inl ic)).
have n0 : 0 <= ln (N Own) by apply: ln_ge0; exact: N_ge1 ref.
by apply: (C_zoom_key_unit hA rho01 lam0 gam0 P0); lra.
Qed.

Theorem theorem_C_sharp_average (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 -> (2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) C_instance C_sharp_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
have [ca0 cp0 [sp0 _] c0] := C_signs rho01 lam0 gam0 P0.
move=> V0 K0 stepV stepK.
apply: (@sharp_lower_bound Tok Own Adr Pay Ch ref A mu ca cp lam sp (gam * sp) LV LK (@grid LV)
  (@payload_level c LK)
  hA (proj1 mu01) ca0 (Rlt_le _ _ lam0) (Rlt_le _ _ sp0) cp0 _ (@grid_01 LV) _ W S compress answer eta) => //.
- by nra.
- by move=> a; exact: payload_level_range.
- by move=> a b; exact: grid_step.
by move=> a b; rewrite -/c !logistic_payload_level //; exact: logistic_level_step.
Qed.

(* the same when every instance is answered well *)
Theorem theorem_C_sharp (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 -> (2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on (fun inp q => near eta (output inp q)) C_instance C_sharp_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 stepV stepK hV hK W0 /correct_average; exact: theorem_C_sharp_average V0 K0 stepV stepK hV hK W0.
Qed.
End TheoremC.

(* ---------- addresses exist: greedy ones, as in the headline of Theorem C ------------------------------- *)
Section GreedyAddresses.
Variables (T n2 da p h LV LK : nat) (mu rho lam gam eta : R).
Notation Pay := [finType of 'I_p].
Notation Own := [finType of 'I_n2.+1].
Notation Ch := [finType of 'I_h].
Notation c := (payload_logit (INR p) rho lam gam).
Notation tauV := (leak (INR T + INR n2.+1) (lam * address_scale rho) mu).
Hypotheses (da0 : (0 < da)%nat) (p0 : (0 < p)%nat) (hmu : 0 < mu < 1)
  (hT : INR T.-1 < exp (INR da * mu ^ 2 / 2)) (hrho : 0 < rho <= 1) (lam0 : 0 < lam) (gam0 : 0 < gam)
  (V0 : (0 < LV)%nat) (K0 : (0 < LK)%nat) (stepV : 2 * (eta + tauV) * (INR LV - 1) < 1).

Let P0 : 0 < N Pay. Proof. by rewrite N_ord; exact: INR_gt0. Qed.
Let mu01 : 0 <= mu <= 1. Proof. by lra. Qed.

Theorem theorem_C_sharp_headline (dV dK : R)
    (tau := (INR T - 1) * exp (c - query_scale lam gam * address_scale rho * (1 - mu))) :
  (2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c) -> ln (INR n2.+1) <= c * sqrt (INR p) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ Pay Ch A rho lam gam LV LK in
    let qry := @C_sharp_question _ Own _ Pay Ch ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      correct_on (fun inp q => near eta (output inp q)) inst qry compress answer
        (fun i => if i is inl _ then dV else dK) ->
      INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= log2 (N S)].
Proof.
rewrite /tau -(N_ord T) -(N_ord p) -(N_ord n2.+1) -(N_ord h) => stepK reach hV hK.
have sV := stepV; rewrite -(N_ord T) -(N_ord n2.+1) in sV; have [A hA] := greedy_keys_exist da0 hmu hT.
exists A; split=> //.
- by move=> x i; exact: (C_keys_unit hA hrho lam0 gam0 P0).
- by move=> ix; exact: (C_sharp_norm _ rho lam gam hA).
- by move=> ix o; exact: (C_sharp_own_unit _ hA hrho lam0 gam0 P0).
move=> W S compress answer W0 hc.
exact: (theorem_C_sharp hA mu01 hrho lam0 gam0 P0 V0 K0 sV stepK hV hK W0 hc).
Qed.

Theorem theorem_C_zoom_headline
    (tau := (INR T - 1) * exp (2 * c - query_scale lam gam * address_scale rho * (1 - mu))) :
  0 <= eta < 1/2 -> spacing eta tau * (INR LK - 1) < 2 * c -> c + ln (INR n2.+1) <= c * sqrt (INR p) ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @zoom_instance _ _ Pay Ch A rho LV LK in
    let value := @zoom_value _ Own _ Pay Ch ord0 A rho lam gam in
    let zoom := @zoom_question _ Own _ Pay Ch A mu rho lam gam LK in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall i ch, dot (value i ch).1.1 (value i ch).1.1 = lam * lam /\
           forall o, dot ((value i ch).1.2 o) ((value i ch).1.2 o) = 1),
        (forall i j (a b : 'I_LK), (a < b)%nat -> dot (zoom i j a b).1.1 (zoom i j a b).1.1 = lam * lam /\
           forall o, dot ((zoom i j a b).1.2 o) ((zoom i j a b).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      (forall w x i ch, near eta (output (inst x) (value i ch)) (answer w (compress w (inst x)) (value i
        ch))) ->
      (forall w x i j (a b : 'I_LK), (a < b)%nat ->
         near eta (output (inst x) (zoom i j a b)) (answer w (compress w (inst x)) (zoom i j a b))) ->
      INR T * (INR h * log2 (INR LV) + INR p * log2 (INR LK)) <= log2 (N S)].
Proof.
rewrite /tau -(N_ord T) -(N_ord p) -(N_ord n2.+1) -(N_ord h) => he step reach.
have sV := stepV; rewrite -(N_ord T) -(N_ord n2.+1) in sV; have [A hA] := greedy_keys_exist da0 hmu hT.
exists A; split=> //.
- by move=> x i; exact: (zoom_keys_unit (Ch := Ch) (LV := LV) (LK := LK) hA hrho lam0 gam0 P0 he).
- move=> i ch; split=> [|o]; first exact: (C_queries_norm ord0 rho lam gam hA (inl (i, ch))).
  exact: (C_own_unit ord0 lam gam hA hrho (inl (i, ch))).
- move=> i j a b ab; split=> [|o]; first exact: (zoom_query_norm Ch ord0 rho lam gam (LK := LK) hA).
  exact: (zoom_own_unit Ch ord0 hA hrho lam0 gam0 P0 he step).
move=> W S compress answer W0 hv hk.
exact: (theorem_C_zoom hA mu01 hrho lam0 gam0 P0 he step V0 K0 sV W0 hv hk).
Qed.
End GreedyAddresses.
