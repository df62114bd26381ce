(* One head of VAR at 256 pixels: 424 cached tokens, 256 tokens of the last scale, dimension 64.
   The keys are explicit Kerdock vectors; everything numerical is decided by computation. *)
From LowerBound Require Export IntegerKeys Kerdock.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* GF(32) modulo x^5 + x^2 + 1 (in binary 100101, that is 37): the first 680 of the 2048 Kerdock vectors of
   R^64 *)
Definition var256_key (i : 'I_424) (c : 'I_64) : R := (if kerdock 5 37 i c then -1 else 1) / 8.
Definition var256_own_key (o : 'I_256) (c : 'I_64) : R := (if kerdock 5 37 (424 + o)%nat c then -1 else 1) /
  8.

(* every two of them differ in 28 places or more: inner products are at most 64 - 2 * 28 = 8, out of 64 *)
Lemma var256_far_apart : far_apart 64 (kerdock 5 37) (424 + 256) 28.
Proof. by vm_cast_no_check (erefl true). Qed.
(* 679 e^(- 7/8 lambda) is at most 2^(-70) at lambda = 100, and at most 1/8 at lambda = 10 *)
Lemma var256_leak_100 : leak_at_most 424 256 64 8 100 64 1 (2 ^ 70).
Proof. by vm_cast_no_check (erefl true). Qed.
Lemma var256_leak_10 : leak_at_most 424 256 64 8 10 256 1 8.
Proof. by vm_cast_no_check (erefl true). Qed.

Lemma var256_keys :
  incoherent (fun i : 'I_(424 + 256) => sign_key (d := 64) (kerdock 5 37) 8 i) (IZR 8 / IZR 64).
Proof.
apply: (far_apart_incoherent (d := 64) _ _ var256_far_apart); first lra.
by rewrite INR_IZR_INZ -mult_IZR.
Qed.

Theorem var256_keys_incoherent : incoherent var256_key (1/8) /\ incoherent var256_own_key (1/8) /\
  forall i o, dot (var256_key i) (var256_own_key o) <= 1/8.
Proof.
have -> : 1/8 = IZR 8 / IZR 64 by field.
split; first exact: (cached_incoherent var256_keys).
by split; [exact: (own_incoherent var256_keys)|exact: (cached_own var256_keys)].
Qed.

(* ---------- the floors: no hypothesis but the correctness of the cache -------------------- *)
Section Cache.
Variables (W S : finType) (compress : W -> ('I_424 -> 'I_64 -> R) -> S).
Variables (answer : W -> S -> ('I_64 -> R) -> 'I_64 -> R) (lam eta : R).
Hypothesis W0 : 0 < N W.
Notation K := var256_key.
Notation B := var256_own_key.

(* 424 tokens times 64 channels *)
Lemma var256_entries : INR (424 * 64) = 27136.
Proof. by rewrite INR_IZR_INZ. Qed.

Theorem var256_binary (delta : R) :
  100 <= lam -> 0 <= eta <= 99/100 -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 27136 <= log2 (N S).
Proof.
rewrite -var256_entries => hlam he.
by apply: (floor_of_certificate var256_keys var256_leak_100 hlam W0); lra.
Qed.

Theorem var256_binary_10 (delta : R) :
  10 <= lam -> 0 <= eta <= 3/4 -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 27136 <= log2 (N S).
Proof.
rewrite -var256_entries => hlam he.
by apply: (floor_of_certificate var256_keys var256_leak_10 hlam W0); lra.
Qed.

Theorem var256_additive (delta : R) :
  100 <= lam -> 0 <= eta <= 1/100 -> 0 <= delta <= 49/50 ->
  correct_in_mean K B lam (@grid 50) (near eta) compress answer delta ->
  (log2 50 - H2 delta - delta * log2 49) * 27136 <= log2 (N S).
Proof.
move=> hlam he hd; have i50 : INR 50 = 50 by rewrite INR_IZR_INZ.
have -> : 49 = INR 50 - 1 by rewrite i50; ring.
rewrite -var256_entries -{1}i50.
by apply: (floor_of_certificate_additive var256_keys var256_leak_100 hlam W0) => //; rewrite i50; lra.
Qed.

(* without error *)
Corollary var256_binary_exact :
  100 <= lam -> 0 <= eta <= 99/100 -> correct K B lam ind (approx eta) compress answer 0 ->
    27136 <= log2 (N S).
Proof.
have d0 : 0 <= 0 <= 1/2 by lra.
by move=> hlam he /correct_mean/(var256_binary hlam he d0); rewrite H2_0; lra.
Qed.

Corollary var256_additive_exact :
  100 <= lam -> 0 <= eta <= 1/100 -> correct K B lam (@grid 50) (near eta) compress answer 0 ->
  log2 50 * 27136 <= log2 (N S) /\ 153151 <= log2 (N S).
Proof.
have d0 : 0 <= 0 <= 49/50 by lra.
move=> hlam he /correct_mean/(var256_additive hlam he d0); rewrite H2_0 => floor.
have : 412 / 73 <= log2 50 by apply: log2_reachesP; vm_cast_no_check (erefl true).
by lra.
Qed.
End Cache.

(* ---------- the floors are attained ------------------------------------------------------------- *)
Theorem var256_binary_tight (lam eta : R) : 0 <= eta < 1 ->
  exists (S : finType) (compress : unit -> ('I_424 -> 'I_64 -> R) -> S)
         (answer : unit -> S -> ('I_64 -> R) -> 'I_64 -> R),
    correct (W := unit_finType) var256_key var256_own_key lam ind (approx eta) compress answer 0 /\
    log2 (N S) = 27136.
Proof. by rewrite -var256_entries; apply: store_bits. Qed.

Theorem var256_additive_tight (lam eta : R) : 0 <= eta ->
  exists (S : finType) (compress : unit -> ('I_424 -> 'I_64 -> R) -> S)
         (answer : unit -> S -> ('I_64 -> R) -> 'I_64 -> R),
    correct (W := unit_finType) var256_key var256_own_key lam (@grid 50) (near eta) compress answer 0 /\
    log2 (N S) = log2 50 * 27136.
Proof.
have <- : INR 50 = 50 by rewrite INR_IZR_INZ.
by rewrite -var256_entries; apply: store_levels.
Qed.
