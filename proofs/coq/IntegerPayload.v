(* Theorem C with rational parameters: its conditions are decided by computation, given integer addresses. *)
From LowerBound Require Export Payload IntegerKeys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Lemma logistic_width c x : 0 < x <= exp c -> 1 - 2 / (1 + x) <= logistic c - logistic (- c).
Proof.
move=> [x0 xc]; have e0 := exp_pos c.
have -> : logistic c - logistic (- c) = 1 - 2 / (1 + exp c).
  by rewrite /logistic Ropp_involutive exp_Ropp; field; lra.
have : / (1 + exp c) <= / (1 + x) by apply: Rinv_le_contravar; lra.
by rewrite /Rdiv; lra.
Qed.

Section Design.
(* T addresses of coherence g/s, n2 + 1 own tokens, p payload coordinates, h value channels *)
Variables (T n2 da p h : nat) (A : 'I_T -> 'I_da -> R) (s g : Z).
(* rho = sqrt p u1/u2;  gamma = a/b with a^2 + b^2 = w^2;  r1/r2 <= sqrt (1 - rho^2);
   e1/e2 <= exp (payload logit) by k steps, and t1/t2 >= leak by k' steps of the rational bound of exp *)
Variables (u1 u2 a b w lam r1 r2 : Z) (k k' : nat) (e1 e2 t1 t2 : Z).
Definition design : bool :=
  [&& [&& (0 < p)%nat, 0 <=? g, g <=? s & 0 <? s],
      [&& 0 <? u1, 0 <? u2, 0 <? a, 0 <? b & 0 <? w],
      [&& 0 <? lam, 0 <? r2, 0 <? t1, 0 <? t2 & [&& 0 <? e1, 0 <? e2 & 0 <=? r1]],
      [&& a * a + b * b =? w * w, Z.of_nat p * (u1 * u1) <=? u2 * u2 &
          r1 * r1 * (u2 * u2) <=? r2 * r2 * (u2 * u2 - Z.of_nat p * (u1 * u1))] &
      exp_reaches k (lam * a * u1) (w * u2) e1 e2 &&
      exp_reaches k' (lam * (b * r1 * (s - g) * u2 - a * u1 * r2 * s))
        (w * r2 * s * u2) (Z.of_nat (T + n2.+1) * t2) t1]%Z.

Variables (rho : R) (rho_def : rho = sqrt (INR p) * (IZR u1 / IZR u2)).
Notation mu := (IZR g / IZR s).
Notation gam := (IZR a / IZR b).
Notation c := (payload_logit (INR p) rho (IZR lam) gam).
Notation tau := (tau_C (INR T + INR n2.+1) (INR p) mu rho (IZR lam) gam).
Hypotheses (hA : incoherent A mu) (ok : design).

(* Sketch: `design` compares integers; each comparison is carried to the reals. The Pythagorean equation
   gives sqrt (1 + gam^2) as a fraction, so c is one; the squared bounds give those on rho and on the
   address scale; the two tests by powers of exp bound exp c from below and the leak tau from above. *)
Lemma design_facts :
  [/\ 0 <= mu <= 1, 0 < rho <= 1, 0 < IZR lam, 0 < gam & 0 < INR p] /\
  0 < IZR e1 / IZR e2 <= exp c /\ tau <= IZR t1 / IZR t2.
Proof.
have pos z : (0 <? z)%Z -> 0 < IZR z by move/Z.ltb_lt/IZR_lt.
have nonneg z : (0 <=? z)%Z -> 0 <= IZR z by move/Z.leb_le/IZR_le.
case/and5P: ok => /and4P[/INR_gt0 p0 /nonneg g0 /Z.leb_le/IZR_le gs /pos s0].
case/and5P=> /pos pu1 /pos pu2 /pos pa /pos pb /pos pw.
case/and5P=> /pos pl /pos pr2 /pos pt1 /pos pt2 /and3P[/pos pe1 /pos pe2 /nonneg pr1].
case/and3P=> /Z.eqb_eq/(f_equal IZR) pyth /Z.leb_le/IZR_le hp /Z.leb_le/IZR_le hr.
case/andP=> /exp_reachesP xc /exp_reachesP xt.
rewrite !(mult_IZR, plus_IZR, minus_IZR) -!INR_IZR_INZ in pyth hp hr xc xt; rewrite plus_INR in xt.
have sp0 := sqrt_lt_R0 _ p0; have sp2 := sqrt_sqrt _ (Rlt_le _ _ p0).
have u0 : 0 < IZR u1 / IZR u2 by exact: Rdiv_lt_0_compat.
have gam0 : 0 < gam by exact: Rdiv_lt_0_compat.
have rho0 : 0 < rho by rewrite rho_def; exact: Rmult_lt_0_compat.
have v0 : 0 < IZR u2 * IZR u2 by exact: Rmult_lt_0_compat.
have rho2 : rho * rho = INR p * (IZR u1 * IZR u1) / (IZR u2 * IZR u2).
  by rewrite rho_def -[X in X * (IZR u1 * _)]sp2; field; lra.
have sg : sqrt (1 + gam * gam) = IZR w / IZR b.
  apply: sqrt_lem_1; [by have := Rle_0_sqr gam; rewrite /Rsqr; lra|exact/Rlt_le/Rdiv_lt_0_compat|].
  have -> : IZR w / IZR b * (IZR w / IZR b) = (IZR w * IZR w) / (IZR b * IZR b) by field; lra.
  by rewrite -pyth; field; lra.
have cE : c = IZR lam * IZR a * IZR u1 / (IZR w * IZR u2).
  by rewrite /payload_logit /query_scale /payload_scale sg rho_def; field; lra.
have rc : IZR r1 / IZR r2 <= address_scale rho.
  rewrite -(sqrt_square (IZR r1 / IZR r2)); last by apply: Rdiv_le_r; lra.
  apply: sqrt_le_1_alt; rewrite rho2; have w0 : 0 < IZR r2 * IZR r2 by exact: Rmult_lt_0_compat.
  have -> : IZR r1 / IZR r2 * (IZR r1 / IZR r2) = IZR r1 * IZR r1 / (IZR r2 * IZR r2) by field; lra.
  apply: Rdiv_le_l => //; apply: (Rmult_le_reg_r _ _ _ v0); apply: Rle_trans hr _.
  by apply: Req_le; field; lra.
have m1 : 0 <= 1 - mu by have : mu <= 1 by [apply: Rdiv_le_l; lra]; lra.
split; split=> //.
- by split; [apply: Rdiv_le_r|]; lra.
- split=> //; apply: Rsqr_incr_0_var; rewrite /Rsqr ?rho2; [apply: Rdiv_le_l; lra|lra].
- by split; [exact: Rdiv_lt_0_compat|rewrite cE].
rewrite /tau_C cE; set y := (X in _ <= exp X) in xt; have e0 := exp_pos y.
have le : IZR lam * IZR a * IZR u1 / (IZR w * IZR u2)
    - query_scale (IZR lam) gam * address_scale rho * (1 - mu) <= - y.
  have f0 : 0 <= query_scale (IZR lam) gam.
    by rewrite /query_scale sg; apply/Rlt_le/Rdiv_lt_0_compat => //; exact: Rdiv_lt_0_compat.
  have := Rmult_le_compat_r _ _ _ m1 (Rmult_le_compat_l _ _ _ f0 rc).
  have -> : - y = IZR lam * IZR a * IZR u1 / (IZR w * IZR u2)
      - query_scale (IZR lam) gam * (IZR r1 / IZR r2) * (1 - mu) by rewrite /query_scale sg /y; field; lra.
  by lra.
set n := INR T + _ in xt *; have n0 : 0 <= n by have := pos_INR T; have := pos_INR n2.+1; rewrite /n; lra.
apply: Rle_trans (Rmult_le_compat_l _ _ _ n0 (exp_mono le)) _; rewrite exp_Ropp.
apply: Rdiv_le_l => //; have q0 : 0 < IZR t1 / IZR t2 by exact: Rdiv_lt_0_compat.
have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ q0) xt.
by have -> : IZR t1 / IZR t2 * (n * IZR t2 / IZR t1) = n by field; lra.
Qed.

Notation P := [finType of 'I_p].
Notation inst LV LK := (@C_instance _ _ P [finType of 'I_h] A rho (IZR lam) gam LV LK).
Notation qry := (@C_question _ [finType of 'I_n2.+1] _ P [finType of 'I_h] ord0 A rho (IZR lam) gam).

Lemma payload_gt0 : 0 < N P.
Proof. by rewrite N_ord; case: design_facts => -[]. Qed.

(* T h symbols of LV levels and T p symbols of LK levels *)
Theorem floor_of_design (LV LK : nat) (W S : finType) compress (answer : W -> S -> _ -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + IZR t1 / IZR t2) * (INR LV - 1) < 1 ->
  2 * (eta + IZR t1 / IZR t2) * (INR LK - 1) < 1 - 2 / (1 + IZR e1 / IZR e2) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) (inst LV LK) qry compress answer
    (fun i => if i is inl _ then dV else dK) ->
  INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 e0 stepV stepK hV hK W0 hc; have [[mu01 rho01 l0 g0 _] [cE tau_le]] := design_facts.
have le L : (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) <= 2 * (eta + IZR t1 / IZR t2) * (INR L - 1).
  by move/INR_ge1 => L1; apply: Rmult_le_compat_r; lra.
have {}stepV := Rle_lt_trans _ _ _ (le _ V0) stepV.
have {}stepK := Rle_lt_trans _ _ _ (le _ K0) (Rlt_le_trans _ _ _ stepK (logistic_width cE)).
have P0 := payload_gt0; rewrite -(N_ord T) -(N_ord p) -(N_ord n2.+1) in stepV stepK.
rewrite -(N_ord T) -(N_ord p) -(N_ord h).
exact: (theorem_C_average hA mu01 rho01 l0 g0 P0 V0 K0 e0 stepV stepK hV hK W0 hc).
Qed.

Corollary floor_of_design_exact (LV LK : nat) (W S : finType) compress (answer : W -> S -> _ -> R) (eta : R) :
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + IZR t1 / IZR t2) * (INR LV - 1) < 1 ->
  2 * (eta + IZR t1 / IZR t2) * (INR LK - 1) < 1 - 2 / (1 + IZR e1 / IZR e2) -> 0 < N W ->
  correct_on (fun inp q => near eta (output inp q)) (inst LV LK) qry compress answer (fun _ => 0) ->
  INR T * (INR h * log2 (INR LV) + INR p * log2 (INR LK)) <= log2 (N S).
Proof.
move=> V0 K0 e0 stepV stepK W0 hc; rewrite -(fano_exact (INR LV)) -(fano_exact (INR LK)).
have zero L : (0 < L)%nat -> 0 <= 0 <= 1 - / INR L.
  move/INR_ge1 => L1; have : / INR L <= / 1 by [apply: Rinv_le_contravar; lra]; lra.
apply: (floor_of_design V0 K0 e0 stepV stepK (zero _ V0) (zero _ K0) W0).
by apply: correct_average => x -[i|i]; exact: hc.
Qed.

(* the floor is attained *)
Theorem floor_of_design_tight (LV LK : nat) (eta : R) : (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  exists (S : finType) compress (answer : unit -> S -> _ -> R),
    correct_on (W := unit_finType) (fun inp q => near eta (output inp q)) (inst LV LK) qry compress answer
      (fun _ => 0) /\
    log2 (N S) = INR T * (INR h * log2 (INR LV) + INR p * log2 (INR LK)).
Proof.
have [[_ rho01 l0 g0 _] _] := design_facts; rewrite -(N_ord T) -(N_ord p) -(N_ord h).
exact: (theorem_C_tight [finType of 'I_h] ord0 A rho01 l0 g0 payload_gt0).
Qed.

(* all keys are unit vectors, and all queries have norm lambda *)
Lemma design_norms (LV LK : nat) :
  [/\ forall x i, dot ((inst LV LK x).1 i) ((inst LV LK x).1 i) = 1,
      forall ix, dot (qry ix).1.1 (qry ix).1.1 = IZR lam * IZR lam &
      forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1].
Proof.
have [[_ rho01 l0 g0 _] _] := design_facts; split=> *.
- exact: (C_keys_unit hA rho01 l0 g0 payload_gt0).
- exact: (C_queries_norm _ _ _ _ hA).
exact: (C_own_unit _ _ _ hA rho01).
Qed.
End Design.
