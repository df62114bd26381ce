(* Theorem C for one head of VAR at 256 pixels: 424 cached tokens, 256 tokens of the last scale, dimension 64.
   A key is 32 address coordinates, 31 payload coordinates and one that fills it to unit norm; a value is 63
   symbols and a constant. The addresses are explicit trace codes; everything numerical is decided by
   computation. *)
From LowerBound Require Export IntegerPayload Kerdock Var256Sizes.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* GF(32) modulo x^5 + x^2 + 1: the first 424 of the 1024 vectors (-1)^tr(a x + b x^3) of R^32 *)
Definition var256_address (i : 'I_cached256) (c : 'I_address256) : R :=
  (if trace_code 5 37 i c then -1 else 1) / sqrt 32.
(* rho = sqrt 31 / 8, lambda = 100, gamma = 7/24, 50 levels for the values and 48 for the payloads *)
Definition var256_instance :=
  @C_instance _ _ [finType of 'I_payload256] [finType of 'I_values256] var256_address (sqrt 31 / 8) 100 (7/24)
    50 48.
Definition var256_question :=
  @C_question _ [finType of 'I_own256] _ [finType of 'I_payload256] [finType of 'I_values256] ord0
    var256_address (sqrt 31 / 8) 100 (7/24).

(* the words differ in 12 places or more: inner products of addresses are at most (32 - 2 * 12) / 32 *)
Lemma var256_addresses_far_apart : far_apart 32 (trace_code 5 37) 424 12.
Proof. by vm_cast_no_check (erefl true). Qed.
(* payload logits in [-7/2, 7/2], exp (7/2) >= 162/5, scale of the addresses >= 57/80, leak <= 2^(-30) *)
Lemma var256_design : design 424 255 31 32 8 1 8 7 24 25 100 57 80 300 64 162 5 1 (2 ^ 30).
Proof. by vm_cast_no_check (erefl true). Qed.

Lemma var256_addresses : incoherent var256_address (IZR 8 / IZR 32).
Proof.
have s0 : 0 < sqrt 32 by apply: sqrt_lt_R0; lra.
apply: (far_apart_incoherent (d := 32) s0 _ var256_addresses_far_apart).
by rewrite sqrt_sqrt; [rewrite INR_IZR_INZ|lra].
Qed.

Lemma var256_rho : sqrt 31 / 8 = sqrt (INR 31) * (IZR 1 / IZR 8).
Proof. by rewrite INR_IZR_INZ /=; field. Qed.

Theorem var256_norms :
  [/\ forall x i, dot ((var256_instance x).1 i) ((var256_instance x).1 i) = 1,
      forall ix, dot (var256_question ix).1.1 (var256_question ix).1.1 = 100 * 100 &
      forall ix o, dot ((var256_question ix).1.2 o) ((var256_question ix).1.2 o) = 1].
Proof. exact: (design_norms 63 var256_rho var256_addresses var256_design 50 48). Qed.

Lemma var256_50 : INR 50 = 50.
Proof. by rewrite INR_IZR_INZ. Qed.
Lemma var256_48 : INR 48 = 48.
Proof. by rewrite INR_IZR_INZ. Qed.
(* 424 * 63 symbols of the values, 424 * 31 of the payloads *)
Lemma var256_symbols (v k : R) : INR 424 * (INR 63 * v + INR 31 * k) = 26712 * v + 13144 * k.
Proof. by rewrite (INR_IZR_INZ 424) (INR_IZR_INZ 63) (INR_IZR_INZ 31) /=; ring. Qed.

(* the steps of the two grids, for additive error 1/100 and leak 2^(-30) *)
Lemma var256_steps (eta : R) : 0 <= eta <= 1/100 ->
  2 * (eta + IZR 1 / IZR (2 ^ 30)) * (INR 50 - 1) < 1 /\
  2 * (eta + IZR 1 / IZR (2 ^ 30)) * (INR 48 - 1) < 1 - 2 / (1 + IZR 162 / IZR 5).
Proof. by rewrite var256_50 var256_48 => he; split; lra. Qed.

Theorem var256_keys_and_values (W S : finType) compress (answer : W -> S -> _ -> R) (eta dV dK : R) :
  0 < N W -> 0 <= eta <= 1/100 -> 0 <= dV <= 49/50 -> 0 <= dK <= 47/48 ->
  correct_on_average (fun inp q => near eta (output inp q)) var256_instance var256_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 * (log2 48 - H2 dK - dK * log2 47) <= log2 (N S).
Proof.
move=> W0 he hV hK hc; have [stepV stepK] := var256_steps he.
have {}hV : 0 <= dV <= 1 - / INR 50 by rewrite var256_50; lra.
have {}hK : 0 <= dK <= 1 - / INR 48 by rewrite var256_48; lra.
have := floor_of_design var256_rho var256_addresses var256_design
  (isT : (0 < 50)%nat) (isT : (0 < 48)%nat) (proj1 he) stepV stepK hV hK W0 hc.
rewrite var256_symbols var256_50 var256_48 /fano; have -> : 50 - 1 = 49 by ring.
by have -> : 48 - 1 = 47 by ring.
Qed.

(* without error *)
Corollary var256_keys_and_values_exact (W S : finType) compress (answer : W -> S -> _ -> R) (eta : R) :
  0 < N W -> 0 <= eta <= 1/100 ->
  correct_on (fun inp q => near eta (output inp q)) var256_instance var256_question compress answer
    (fun _ => 0) ->
  26712 * log2 50 + 13144 * log2 48 <= log2 (N S) /\ 224167 <= log2 (N S).
Proof.
move=> W0 he hc; have [stepV stepK] := var256_steps he.
have := floor_of_design_exact var256_rho var256_addresses var256_design
  (isT : (0 < 50)%nat) (isT : (0 < 48)%nat) (proj1 he) stepV stepK W0 hc.
rewrite var256_symbols var256_50 var256_48.
have : 4041 / 716 <= log2 50 by apply: log2_reachesP; vm_cast_no_check (erefl true).
have : 2005 / 359 <= log2 48 by apply: log2_reachesP; vm_cast_no_check (erefl true).
by move: (log2 50) (log2 48) (log2 (N S)) => x y z; lra.
Qed.

(* the floor is attained *)
Theorem var256_keys_and_values_tight (eta : R) : 0 <= eta ->
  exists (S : finType) compress (answer : unit -> S -> _ -> R),
    correct_on (W := unit_finType) (fun inp q => near eta (output inp q)) var256_instance var256_question
      compress answer (fun _ => 0) /\
    log2 (N S) = 26712 * log2 50 + 13144 * log2 48.
Proof.
have -> : 26712 * log2 50 + 13144 * log2 48 = INR 424 * (INR 63 * log2 (INR 50) + INR 31 * log2 (INR 48)).
  by rewrite var256_symbols var256_50 var256_48.
move=> e0; exact: (floor_of_design_tight 63 var256_address var256_rho var256_design
  (isT : (0 < 50)%nat) (isT : (0 < 48)%nat) e0).
Qed.
