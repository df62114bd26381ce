(* Keys and values in relative error: for every eta < 1 both halves of the cache keep one bit a coordinate.
   This is Theorem C with two levels, where the grid of an additive error is not needed. *)
From LowerBound Require Export Payload.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* two levels lo < hi, each blurred by t, that no answer of relative error eta confuses *)
Lemma two_levels (lo hi t eta : R) (lev : 'I_2 -> R) : (forall a, lev a = lo + grid a * (hi - lo)) ->
  (1 + eta) * (lo + t) < (1 - eta) * (hi - t) -> 0 <= eta < 1 ->
  forall a b u v o, Rabs (u - lev a) <= t -> Rabs (v - lev b) <= t -> approx eta u o -> approx eta v o ->
    a = b.
Proof.
move=> levE gap he; have grid2 (a : 'I_2) : grid a = INR a by rewrite /grid /=; field.
suff far (a b : 'I_2) u v o : (a < b)%nat -> Rabs (u - lev a) <= t -> Rabs (v - lev b) <= t ->
    approx eta u o -> approx eta v o -> False.
  move=> a b u v o hu hv gu gv; apply/val_inj/eqP; case: ltngtP => // ab; exfalso.
    exact: (far a b u v o).
  exact: (far b a v u o).
rewrite !levE !grid2; case: a b => [[|[|a]] ha] [[|[|b]] hb] //= _ /Rabs_between hu /Rabs_between hv gu gv.
have h := approx_overlap gu gv.
have : (1 + eta) * u <= (1 + eta) * (lo + t) by apply: Rmult_le_compat_l; lra.
have : (1 - eta) * (hi - t) <= (1 - eta) * v by apply: Rmult_le_compat_l; lra.
lra.
Qed.

Section TwoLevels.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu rho lam gam : R).
Notation Crd := [finType of Adr + Pay + unit].
Notation c := (payload_logit (N Pay) rho lam gam).
Notation tau := (tau_C (N Tok + N Own) (N Pay) mu rho lam gam).
Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

(* Sketch: with two levels a value is 0 or 1 and a payload reads logistic (-c) or logistic c; the assumption
   on eta tells both apart (`two_levels`), so that `keys_and_values_any` counts one bit for each of them. *)
Theorem theorem_C_relative (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta delta : R) :
  0 <= eta < 1 -> (1 + eta) * (logistic (- c) + tau) < (1 - eta) * (logistic c - tau) ->
  0 <= delta <= 1/2 -> 0 < N W ->
  correct_on (fun inp q => approx eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam 2 2)
    (C_question ref A rho lam gam) compress answer (fun _ => delta) ->
  (1 - H2 delta) * (N Tok * (N Ch + N Pay)) <= log2 (N S).
Proof.
move=> he gap hd W0 hc; have [ca cp [sp0 spl] c0] := C_signs rho01 lam0 gam0 P0.
have tV := C_tau_values Tok ref mu01 rho01 lam0 gam0 P0.
have hd2 : 0 <= delta <= 1 - / INR 2 by rewrite /=; lra.
have -> : (1 - H2 delta) * (N Tok * (N Ch + N Pay))
   = N Tok * (N Ch * fano (INR 2) delta + N Pay * fano (INR 2) delta).
  have -> : INR 2 = 2 by []. by rewrite fano_binary; ring.
apply: (@keys_and_values_any Tok Own Adr Pay Ch ref A mu (address_scale rho) (payload_scale (N Pay) rho) 2 2
  (@grid 2) (@payload_level c 2) lam (query_scale lam gam) (gam * query_scale lam gam)
  _ _ _ _ _ _ _ _ _ (approx eta) W S compress answer delta delta) => //; try lra.
- by nra.
- exact: grid_01.
- by move=> a; exact: payload_level_range.
- apply: (two_levels (lo := 0) (hi := 1)) => // [a|]; first by ring.
  have [l0 l1] := logistic_01 (- c); have [u0 u1] := logistic_01 c; have [e0 e1] := he.
  apply: Rle_lt_trans (Rlt_le_trans _ _ _ gap _); first by apply: Rmult_le_compat_l; lra.
  by apply: Rmult_le_compat_l; lra.
- apply: (two_levels (lo := logistic (- c)) (hi := logistic c)) => // a.
  by rewrite -/c logistic_payload_level.
by apply: correct_average => x -[i|i]; exact: hc.
Qed.
End TwoLevels.

(* ---------- every eta < 1, with explicit lambda --------------------------------------------------- *)
(* logit_for n eta: a logit range that n tokens and relative error eta allow
   lambda_payload p c mu: the norm of the queries that gives p payload coordinates this range, at
   rho = 1 / sqrt 2 and gamma = (1 - mu) / 2 *)
Definition logit_for (n eta : R) : R := ln (4 * (n + 1) / (1 - eta)).
Definition lambda_payload (p c mu : R) : R :=
  c * (sqrt p * sqrt 2 * sqrt (1 + ((1 - mu) / 2) * ((1 - mu) / 2)) / ((1 - mu) / 2)).

Lemma sqrt2_facts :
  [/\ 0 < sqrt 2, / sqrt 2 * / sqrt 2 = 1 / 2, 0 < / sqrt 2 <= 1 & address_scale (/ sqrt 2) = / sqrt 2].
Proof.
have s0 : 0 < sqrt 2 by apply: sqrt_lt_R0; lra.
have i0 : 0 < / sqrt 2 by exact: Rinv_0_lt_compat.
have sq : / sqrt 2 * / sqrt 2 = 1 / 2 by rewrite -Rinv_mult_distr ?sqrt_sqrt; lra.
split=> //; first by split=> //; nra.
by rewrite /address_scale sq; have -> : 1 - 1 / 2 = / sqrt 2 * / sqrt 2 by [lra]; rewrite sqrt_square; lra.
Qed.

(* Sketch: greedy keys give the addresses. lam is chosen so that the payload's logit is c = logit_for, and
   the leak is then at most n exp (-c); since exp (-c) (n + 1) = (1 - eta) / 4, low and high answers are (1
   - eta) / 4 and 1 - (1 - eta) / 4, or better, and the relative gap follows; then theorem_C_relative. *)
Theorem relative_keys_and_values (T n2 da p h : nat) (mu eta delta : R) :
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  let rho := / sqrt 2 in let gam := (1 - mu) / 2 in
  let lam := lambda_payload (INR p) (logit_for (INR T + INR n2.+1) eta) mu in
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho lam gam 2 2 in
    let qry := @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      correct_on (fun inp q => approx eta (output inp q)) inst qry compress answer (fun _ => delta) ->
      (1 - H2 delta) * (INR T * (INR h + INR p)) <= log2 (N S)].
Proof.
move=> da0 p0 hmu hT he hd rho gam lam; have [A hA] := greedy_keys_exist da0 hmu hT.
have [s0 rr hrho ar] := sqrt2_facts; have [e0 e1] := he.
have P1 : 1 <= INR p := INR_ge1 p0; have P0 : 0 < N [finType of 'I_p] by rewrite N_ord; lra.
have sp : 1 <= sqrt (INR p) by rewrite -sqrt_1; apply: sqrt_le_1; lra.
have g0 : 0 < gam by rewrite /gam; lra.
have sg : 0 < sqrt (1 + gam * gam) by apply: sqrt_lt_R0; nra.
set n := INR T + INR n2.+1 in lam *.
have n0 : 0 <= n by have := pos_INR T; have := pos_INR n2.+1; rewrite /n; lra.
have y0 : 1 < 4 * (n + 1) / (1 - eta) by apply: Rdiv_lt_r; lra.
pose c := logit_for n eta; have c0 : 0 < c by rewrite /c /logit_for -ln_1; apply: ln_increasing; lra.
have lamE : lam = c * (sqrt (INR p) * sqrt 2 * sqrt (1 + gam * gam) / gam) by [].
have l0 : 0 < lam.
  rewrite lamE; apply: Rmult_lt_0_compat => //; apply: Rdiv_lt_0_compat => //.
  by repeat (apply: Rmult_lt_0_compat => //); lra.
have cE : payload_logit (INR p) rho lam gam = c.
  by rewrite /payload_logit /query_scale /payload_scale /rho lamE; field; lra.
have tE : tau_C n (INR p) mu rho lam gam <= n * exp (- c).
  rewrite /tau_C cE ar; apply: Rmult_le_compat_l => //; apply: exp_mono.
  have -> : query_scale lam gam * / sqrt 2 * (1 - mu) = 2 * c * sqrt (INR p).
    rewrite /query_scale lamE; have -> : 1 - mu = 2 * gam by rewrite /gam; field.
    by field; lra.
  nra.
have ec : exp (- c) * (n + 1) = (1 - eta) / 4 by rewrite exp_Ropp /c /logit_for exp_ln; [field|]; lra.
have sc : logistic (- c) <= exp (- c).
  have z0 := exp_pos c; rewrite /logistic Ropp_involutive exp_Ropp; apply: Rinv_le_contravar; lra.
have sc' : logistic c = 1 - logistic (- c).
  by have z0 := exp_pos c; rewrite /logistic Ropp_involutive exp_Ropp; field; lra.
have gap : (1 + eta) * (logistic (- c) + tau_C n (INR p) mu rho lam gam)
     < (1 - eta) * (logistic c - tau_C n (INR p) mu rho lam gam).
  rewrite sc'; set t := tau_C _ _ _ _ _ _ in tE *; have : logistic (- c) + t <= (1 - eta) / 4 by lra.
  have -> : 1 - logistic (- c) - t = 1 - (logistic (- c) + t) by ring.
  set z := logistic (- c) + t => zl.
  nra.
exists A => inst qry; split=> //.
- by move=> x i; apply: (C_keys_unit hA).
- by move=> ix; exact: (C_queries_norm _ _ _ _ hA).
- by move=> ix o; exact: (C_own_unit _ _ _ hA hrho).
move=> W S compress answer W0 hc; have mu01 : 0 <= mu <= 1 by lra.
rewrite -cE /n -(N_ord T) -(N_ord p) -(N_ord n2.+1) in gap; rewrite -(N_ord T) -(N_ord p) -(N_ord h).
exact: (theorem_C_relative hA mu01 hrho l0 g0 P0 he gap hd W0 hc).
Qed.
