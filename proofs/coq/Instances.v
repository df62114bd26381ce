(* What is proved for explicit models, in full.  Nothing is assumed but the correctness of the cache: the keys are
   written down, and their inner products and every other number are decided by computation.  The words of
   Theorems.v are used; in addition

   kerdock m f i c      letter c of word i of the Kerdock set from GF(2^m) modulo the polynomial f, whose
                        coefficients are the binary digits of f: 37 is x^5 + x^2 + 1, 11 is x^3 + x + 1
   trace_code m f i c   letter c of word i of the trace code tr(a x + b x^3) from GF(2^m) modulo f
   C_instance, C_question   the caches and the questions of Theorem C
   T, n2, d, h          cached tokens, own tokens, dimension, channels;  da, p: coordinates of address and payload *)
From LowerBound Require Import Var256 Var256Payload SmallInstances CliqueInstances.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ================= one head of VAR at 256 pixels: values ========================================== *)
(* 424 cached tokens, 256 tokens of the last scale, dimension 64.  The keys K of the cache and B of Bob's own
   tokens are the first 424 + 256 Kerdock vectors of R^64. *)

(* They are unit vectors with mutual inner products at most 1/8. *)
Theorem var256_keys_incoherent :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  incoherent K (1/8) /\ incoherent B (1/8) /\ forall i o, dot (K i) (B o) <= 1/8.
Proof. exact: Var256.var256_keys_incoherent. Qed.

(* Queries of norm 100 or more, values 0 and 1: a cache whose answers have a relative error of at most 99 percent,
   each with probability 1 - delta, has at least (1 - H2 delta) 27136 bits, where 27136 = 424 * 64. *)
Theorem var256_binary (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 99/100 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer W0 hlam he hd /correct_mean; exact: Var256.var256_binary. Qed.

(* The same for queries of norm 10 or more and a relative error of at most 3/4. *)
Theorem var256_binary_10 (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 10 <= lam -> 0 <= eta <= 3/4 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer W0 hlam he hd /correct_mean; exact: Var256.var256_binary_10. Qed.

(* Values on the grid 0, 1/49, ..., 1 of 50 levels: an additive error of at most 1/100 costs
   log2 50 - H2 delta - delta log2 49 bits for each of the 27136 entries. *)
Theorem var256_additive (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 1/100 -> 0 <= delta <= 49/50 ->
  correct K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) compress answer delta ->
  (log2 50 - H2 delta - delta * log2 49) * 27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer W0 hlam he hd /correct_mean; exact: Var256.var256_additive. Qed.

(* Without failures: 27136 bits ... *)
Theorem var256_binary_exact (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 99/100 ->
  correct K B lam ind (approx eta) compress answer 0 ->
  27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer; exact: Var256.var256_binary_exact. Qed.

(* ... and 27136 log2 50 bits, which is more than 153151. *)
Theorem var256_additive_exact (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 1/100 ->
  correct K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) compress answer 0 ->
  log2 50 * 27136 <= log2 (N S) /\ 153151 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer; exact: Var256.var256_additive_exact. Qed.

(* Both floors are attained: a cache of exactly that many bits never fails. *)
Theorem var256_binary_tight (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  0 <= eta < 1 ->
  exists (S : finType) (compress : unit -> ('I_T -> 'I_h -> R) -> S)
         (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam ind (approx eta) compress answer 0 /\ log2 (N S) = 27136.
Proof. by move=> T n2 d h K B; exact: Var256.var256_binary_tight. Qed.

Theorem var256_additive_tight (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  0 <= eta ->
  exists (S : finType) (compress : unit -> ('I_T -> 'I_h -> R) -> S)
         (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) compress answer 0 /\
    log2 (N S) = log2 50 * 27136.
Proof. by move=> T n2 d h K B; exact: Var256.var256_additive_tight. Qed.

(* ================= one head of VAR at 256 pixels: keys and values ==================================== *)
(* The same sizes.  A key is 32 address coordinates, 31 payload coordinates and one that fills it to unit norm; a
   value is 63 symbols and a constant.  The addresses A are the first 424 words of the trace code of R^32, as unit
   vectors; rho = sqrt 31 / 8, lambda = 100, gamma = 7/24; 50 levels for the values, 48 for the payloads. *)

(* All cached keys and all of Bob's keys are unit vectors, all queries have norm 100. *)
Theorem var256_norms :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry := @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1,
      forall ix, dot (qry ix).1.1 (qry ix).1.1 = 100 * 100 &
      forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1].
Proof. exact: Var256Payload.var256_norms. Qed.

(* A cache whose answers are within 1/100, value questions failing with probability dV and key questions with
   probability dK, has at least so many bits: 26712 = 424 * 63 symbols of 50 levels and 13144 = 424 * 31 of 48. *)
Theorem var256_keys_and_values (eta dV dK : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry := @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall (W S : finType) compress (answer : W -> S -> _ -> R),
  0 < N W -> 0 <= eta <= 1/100 -> 0 <= dV <= 49/50 -> 0 <= dK <= 47/48 ->
  correct_on (fun inp q => near eta (output inp q)) inst qry compress answer
    (fun i => if i is inl _ then dV else dK) ->
  26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 * (log2 48 - H2 dK - dK * log2 47) <= log2 (N S).
Proof.
move=> T n2 da p h A inst qry W S compress answer W0 he hV hK hc.
exact: (Var256Payload.var256_keys_and_values W0 he hV hK (correct_average hc)).
Qed.

(* Without failures this is more than 224167 bits. *)
Theorem var256_keys_and_values_exact (eta : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry := @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall (W S : finType) compress (answer : W -> S -> _ -> R),
  0 < N W -> 0 <= eta <= 1/100 ->
  correct_on (fun inp q => near eta (output inp q)) inst qry compress answer (fun _ => 0) ->
  26712 * log2 50 + 13144 * log2 48 <= log2 (N S) /\ 224167 <= log2 (N S).
Proof. by move=> T n2 da p h A inst qry W S compress answer; exact: Var256Payload.var256_keys_and_values_exact. Qed.

(* The floor is attained: a cache of exactly that many bits never fails. *)
Theorem var256_keys_and_values_tight (eta : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry := @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  0 <= eta ->
  exists (S : finType) compress (answer : unit -> S -> _ -> R),
    correct_on (W := unit_finType) (fun inp q => near eta (output inp q)) inst qry compress answer (fun _ => 0) /\
    log2 (N S) = 26712 * log2 50 + 13144 * log2 48.
Proof. by move=> T n2 da p h A inst qry; exact: Var256Payload.var256_keys_and_values_tight. Qed.

(* ================= correct on average ==================================================================== *)
(* The floors of VAR at 256 pixels hold when only the mean failure rate is bounded: over coins, words, tokens and
   channels for the values; over coins and instances for keys and values. *)
Theorem var256_binary_average (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 99/100 -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer W0; exact: (Var256.var256_binary W0). Qed.

Theorem var256_additive_average (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
  0 < N W -> 100 <= lam -> 0 <= eta <= 1/100 -> 0 <= delta <= 49/50 ->
  correct_in_mean K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) compress answer delta ->
  (log2 50 - H2 delta - delta * log2 49) * 27136 <= log2 (N S).
Proof. by move=> T n2 d h K B W S compress answer W0; exact: (Var256.var256_additive W0). Qed.

Theorem var256_keys_and_values_average (eta dV dK : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry := @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall (W S : finType) compress (answer : W -> S -> _ -> R),
  0 < N W -> 0 <= eta <= 1/100 -> 0 <= dV <= 49/50 -> 0 <= dK <= 47/48 ->
  correct_on_average (fun inp q => near eta (output inp q)) inst qry compress answer
    (fun i => if i is inl _ then dV else dK) ->
  26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 * (log2 48 - H2 dK - dK * log2 47) <= log2 (N S).
Proof. by move=> T n2 da p h A inst qry W S compress answer; exact: Var256Payload.var256_keys_and_values. Qed.

(* ================= two small models ========================================================================= *)
(* The schedule 1, 4, 16: 5 cached tokens, 16 tokens of the last scale. *)

(* Dimension 16, keys from the Kerdock set of R^16, with inner products at most 1/4: 80 = 5 * 16 entries. *)
Theorem kerdock16_binary (W S : finType) (compress : W -> ('I_5 -> 'I_16 -> R) -> S)
    (answer : W -> S -> ('I_16 -> R) -> 'I_16 -> R) (lam eta delta : R) :
  let K (i : 'I_5) (c : 'I_16) := (if kerdock 3 11 i c then -1 else 1) / 4 in
  let B (o : 'I_16) (c : 'I_16) := (if kerdock 3 11 (5 + o)%nat c then -1 else 1) / 4 in
  0 < N W -> 8 <= lam -> 0 <= eta <= 7/8 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 80 <= log2 (N S).
Proof. by move=> K B W0 hlam he hd /correct_mean; exact: SmallInstances.kerdock16_binary. Qed.

(* Dimension 4, keys from 21 of the 24 roots of D_4, inner products at most 1/2: 20 = 5 * 4 entries. *)
Theorem d4_binary (W S : finType) (compress : W -> ('I_5 -> 'I_4 -> R) -> S)
    (answer : W -> S -> ('I_4 -> R) -> 'I_4 -> R) (lam eta delta : R) :
  let root (i c : nat) := nth 0%Z (nth [::] ([::
    [:: 1; 1; 0; 0]; [:: 1; -1; 0; 0]; [:: -1; 1; 0; 0]; [:: -1; -1; 0; 0]; [:: 1; 0; 1; 0]; [:: 1; 0; -1; 0];
    [:: -1; 0; 1; 0]; [:: -1; 0; -1; 0]; [:: 1; 0; 0; 1]; [:: 1; 0; 0; -1]; [:: -1; 0; 0; 1]; [:: -1; 0; 0; -1];
    [:: 0; 1; 1; 0]; [:: 0; 1; -1; 0]; [:: 0; -1; 1; 0]; [:: 0; -1; -1; 0]; [:: 0; 1; 0; 1]; [:: 0; 1; 0; -1];
    [:: 0; -1; 0; 1]; [:: 0; -1; 0; -1]; [:: 0; 0; 1; 1]])%Z i) c in
  let K (i : 'I_5) (c : 'I_4) := IZR (root i c) / sqrt 2 in
  let B (o : 'I_16) (c : 'I_4) := IZR (root (5 + o)%nat c) / sqrt 2 in
  0 < N W -> 12 <= lam -> 0 <= eta <= 4/5 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 20 <= log2 (N S).
Proof. by move=> root K B W0 hlam he hd /correct_mean; exact: SmallInstances.d4_binary. Qed.

(* ================= the scheme ================================================================================= *)
(* Every integer certificate gives a floor.  gram_at_most: rows 0, ..., T + n2 - 1 have squared norm s, and inner
   products of at most g.  leak_at_most: (T + n2 - 1) e^(- lam0 (1 - g/s)) <= u/v, shown by (1 + x/k)^k <= e^x.
   Both are booleans that compute. *)
Theorem floor_of_certificate (T n2 d h : nat) (row : nat -> nat -> Z) (s g lam0 : Z) (k : nat) (u v : Z)
    (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R)
    (lam eta delta : R) :
  let K (i : 'I_T) (c : 'I_d) := IZR (row i c) / sqrt (IZR s) in
  let B (o : 'I_n2) (c : 'I_d) := IZR (row (T + o)%nat c) / sqrt (IZR s) in
  gram_at_most d row s (T + n2) g -> leak_at_most T n2 s g lam0 k u v -> IZR lam0 <= lam ->
  0 < N W -> 0 <= eta < 1 -> (1 + eta) * (IZR u / IZR v) < 1 - eta -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * INR (T * h) <= log2 (N S).
Proof.
move=> K B gram small hlam W0 he gap hd /correct_mean.
exact: (IntegerKeys.floor_of_certificate (gram_incoherent gram) small hlam W0 he gap hd).
Qed.

(* The same for additive error and L levels. *)
Theorem floor_of_certificate_additive (T n2 d h : nat) (row : nat -> nat -> Z) (s g lam0 : Z) (k : nat) (u v : Z)
    (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R)
    (lam eta delta : R) (L : nat) :
  let K (i : 'I_T) (c : 'I_d) := IZR (row i c) / sqrt (IZR s) in
  let B (o : 'I_n2) (c : 'I_d) := IZR (row (T + o)%nat c) / sqrt (IZR s) in
  gram_at_most d row s (T + n2) g -> leak_at_most T n2 s g lam0 k u v -> IZR lam0 <= lam ->
  0 < N W -> (0 < L)%nat -> 2 * (eta + IZR u / IZR v) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) compress answer delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * INR (T * h) <= log2 (N S).
Proof.
move=> K B gram small hlam W0 L0 step hd /correct_mean.
exact: (IntegerKeys.floor_of_certificate_additive (gram_incoherent gram) small hlam W0 L0 step hd).
Qed.

(* Theorem C for every design: addresses A of coherence g/s, rho = sqrt p u1/u2, gamma = a/b with a^2 + b^2 = w^2.
   design, a boolean that computes, says that r1/r2 is below the scale sqrt (1 - rho^2) of the addresses, that
   e1/e2 is below e^c for the largest payload logit c, and that the leak is at most t1/t2. *)
Theorem floor_of_design (T n2 da p h : nat) (A : 'I_T -> 'I_da -> R) (s g u1 u2 a b w lam r1 r2 : Z) (k k' : nat)
    (e1 e2 t1 t2 : Z) (LV LK : nat) (eta dV dK : R) :
  let rho := sqrt (INR p) * (IZR u1 / IZR u2) in let gam := IZR a / IZR b in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho (IZR lam) gam LV LK in
  let qry := @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] [finType of 'I_h] ord0 A rho (IZR lam) gam in
  incoherent A (IZR g / IZR s) -> design T n2 p s g u1 u2 a b w lam r1 r2 k k' e1 e2 t1 t2 ->
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta -> 2 * (eta + IZR t1 / IZR t2) * (INR LV - 1) < 1 ->
  2 * (eta + IZR t1 / IZR t2) * (INR LK - 1) < 1 - 2 / (1 + IZR e1 / IZR e2) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
  correct_on (fun inp q => near eta (output inp q)) inst qry compress answer
    (fun i => if i is inl _ then dV else dK) ->
  INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> rho gam inst qry hA ok V0 K0 e0 stepV stepK hV hK W S compress answer W0 /correct_average.
exact: (IntegerPayload.floor_of_design erefl hA ok V0 K0 e0 stepV stepK hV hK W0).
Qed.

(* ================= cliques ============================================================================== *)
(* Theorem E on a lattice of keys (clique_lattice in Theorems.v), without any condition on numbers left: all
   of them are decided by computation with intervals.  lattice_keys, coherent_words, mass_question and
   value_question are those of that theorem; M is the number of lattice steps to 1, and 16777216 is 2^24. *)

(* One head of VAR at 256 pixels: 424 cached tokens, 256 own tokens, dimension 64, queries of norm 100; values
   have 500 levels in 63 channels.  A cache that is never off by more than 1/1000 has 580576 bits, more than
   66 percent of the 868352 bits of its entries in fp16. *)
Theorem var256_cliques_1000 (M : nat) (eta : R) :
  let Tok := [finType of 'I_424] in let Own := [finType of 'I_256] in
  let J := [finType of 'I_63] in let Ch := [finType of 'I_63] in let L := 500%nat in
  let words := coherent_words Tok J Ch M L (29/50) in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch 100 in
  let value := @value_question Tok Own J Ch M L 100 in
  16777216 <= INR M -> eta <= 1/1000 ->
  forall (W S : finType) (compress : W -> (Tok -> option J -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (option J -> R) * (Own -> option J -> R) * option Ch -> R), 0 < N W ->
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer w (compress w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer w (compress w (inst x)) (value y i c))) ->
  580576 <= log2 (N S).
Proof. exact: CliqueInstances.var256_cliques_1000. Qed.

(* The same for other eta.  lattice_floor T n2 n h L M lam mu eta bits is the statement above at T tokens, n2
   own tokens, n + 1 key coordinates, h value channels of L levels, queries of norm lam, and keys of coherence
   mu. *)
Theorem var256_cliques (M : nat) (eta : R) : 16777216 <= INR M ->
  [/\ eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (29/50) eta 229559,
      eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (29/50) eta 405933,
      eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (29/50) eta 580576
    & 268435456 <= INR M -> eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (29/50) eta 755036].
Proof.
move=> fine; split; [exact: CliqueInstances.var256_cliques_10|exact: CliqueInstances.var256_cliques_100| |].
  exact: CliqueInstances.var256_cliques_1000.
exact: CliqueInstances.var256_cliques_10000.
Qed.

(* One head of Infinity at one megapixel, dimension 128; fp16 takes 26316800 bits. *)
Theorem infinity1m_cliques (M : nat) (eta : R) : 16777216 <= INR M ->
  (eta <= 1/100 -> lattice_floor 6425 4096 127 127 50 M 100 (1/2) eta 12521241) /\
  (eta <= 1/1000 -> lattice_floor 6425 4096 127 127 500 M 100 (1/2) eta 17867214).
Proof.
move=> fine; split; first exact: CliqueInstances.infinity1m_cliques_100.
exact: CliqueInstances.infinity1m_cliques_1000.
Qed.

(* A small model: the schedule of the sides 1, 2, 3, 4, 6, 8, dimension 32; fp16 takes 67584 bits. *)
Theorem small_cliques (M : nat) (eta : R) : 16777216 <= INR M ->
  (eta <= 1/100 -> lattice_floor 66 64 31 31 50 M 100 (67/100) eta 30559) /\
  (eta <= 1/1000 -> lattice_floor 66 64 31 31 500 M 100 (67/100) eta 43870).
Proof.
by move=> fine; split; [exact: CliqueInstances.small_cliques_100|exact: CliqueInstances.small_cliques_1000].
Qed.

(* Every design gives a floor.  clique_design, a boolean that computes, says that the conditions of
   clique_lattice hold at eta, mu, C and tau, given as pairs of a numerator and a denominator, and at m, k, m'
   and k' on every lattice of M0 steps or more; and that its bits, with log2 T! at most ((T + 1) ln T - T + 1)
   / ln 2, are at least `bits`. *)
Theorem floor_of_clique_design (T n2 n h L : nat) (lam : Z) (eta mu C tau : Z * Z) (m k m' k' M0 bits : Z)
    (M : nat) (eta' : R) :
  clique_design T n2 n h L lam eta mu C tau m k m' k' M0 bits -> IZR M0 <= INR M ->
  eta' <= IZR eta.1 / IZR eta.2 ->
  lattice_floor T n2 n h L M (IZR lam) (IZR mu.1 / IZR mu.2) eta' (IZR bits).
Proof. by move=> ok fine; exact: (IntegerCliques.floor_of_clique_design ok fine). Qed.

(* ================= everything ============================================================================= *)
(* mention a: nothing, but it depends on all that a depends on *)
Definition mention (X : Type) (a : X) : unit := tt.
Definition all_instances := [::
  mention (@var256_keys_incoherent); mention (@var256_binary); mention (@var256_binary_10);
  mention (@var256_additive); mention (@var256_binary_exact); mention (@var256_additive_exact);
  mention (@var256_binary_tight); mention (@var256_additive_tight); mention (@var256_norms);
  mention (@var256_keys_and_values); mention (@var256_keys_and_values_exact);
  mention (@var256_keys_and_values_tight); mention (@var256_binary_average);
  mention (@var256_additive_average); mention (@var256_keys_and_values_average); mention (@kerdock16_binary);
  mention (@d4_binary); mention (@floor_of_certificate); mention (@floor_of_certificate_additive);
  mention (@floor_of_design); mention (@var256_cliques_1000); mention (@var256_cliques);
  mention (@infinity1m_cliques); mention (@small_cliques); mention (@floor_of_clique_design)].
Print Assumptions all_instances.
