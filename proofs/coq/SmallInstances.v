(* Two small models, for the schedule 1, 4, 16: 5 cached tokens, 16 tokens of the last scale. *)
From LowerBound Require Export IntegerKeys Kerdock.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- dimension 16: Kerdock vectors from GF(8) modulo x^3 + x + 1 -------------------- *)
Definition kerdock16_key (i : 'I_5) (c : 'I_16) : R := (if kerdock 3 11 i c then -1 else 1) / 4.
Definition kerdock16_own_key (o : 'I_16) (c : 'I_16) : R := (if kerdock 3 11 (5 + o)%nat c then -1 else 1) /
  4.

(* inner products are at most 16 - 2 * 6 = 4, out of 16 *)
Lemma kerdock16_far_apart : far_apart 16 (kerdock 3 11) (5 + 16) 6.
Proof. by vm_cast_no_check (erefl true). Qed.
Lemma kerdock16_leak : leak_at_most 5 16 16 4 8 128 1 16.
Proof. by vm_cast_no_check (erefl true). Qed.

Lemma kerdock16_keys :
  incoherent (fun i : 'I_(5 + 16) => sign_key (d := 16) (kerdock 3 11) 4 i) (IZR 4 / IZR 16).
Proof.
apply: (far_apart_incoherent (d := 16) _ _ kerdock16_far_apart); first lra.
by rewrite INR_IZR_INZ -mult_IZR.
Qed.

Theorem kerdock16_binary (W S : finType) (compress : W -> ('I_5 -> 'I_16 -> R) -> S)
    (answer : W -> S -> ('I_16 -> R) -> 'I_16 -> R) (lam eta delta : R) :
  0 < N W -> 8 <= lam -> 0 <= eta <= 7/8 -> 0 <= delta <= 1/2 ->
  correct_in_mean kerdock16_key kerdock16_own_key lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 80 <= log2 (N S).
Proof.
move=> W0 hlam he; have <- : INR (5 * 16) = 80 by rewrite INR_IZR_INZ.
by apply: (floor_of_certificate kerdock16_keys kerdock16_leak hlam W0); lra.
Qed.

(* ---------- dimension 4: 21 of the 24 roots of D_4, as literals ------------------------------ *)
Definition d4_roots : seq (seq Z) := ([::
  [:: 1; 1; 0; 0]; [:: 1; -1; 0; 0]; [:: -1; 1; 0; 0]; [:: -1; -1; 0; 0]; [:: 1; 0; 1; 0]; [:: 1; 0; -1; 0];
  [:: -1; 0; 1; 0]; [:: -1; 0; -1; 0]; [:: 1; 0; 0; 1]; [:: 1; 0; 0; -1]; [:: -1; 0; 0; 1]; [:: -1; 0; 0; -1];
  [:: 0; 1; 1; 0]; [:: 0; 1; -1; 0]; [:: 0; -1; 1; 0]; [:: 0; -1; -1; 0]; [:: 0; 1; 0; 1]; [:: 0; 1; 0; -1];
  [:: 0; -1; 0; 1]; [:: 0; -1; 0; -1]; [:: 0; 0; 1; 1]])%Z.
Definition d4_root (i c : nat) : Z := nth 0%Z (nth [::] d4_roots i) c.
Definition d4_key (i : 'I_5) (c : 'I_4) : R := IZR (d4_root i c) / sqrt 2.
Definition d4_own_key (o : 'I_16) (c : 'I_4) : R := IZR (d4_root (5 + o)%nat c) / sqrt 2.

(* inner products are at most 1, out of 2 *)
Lemma d4_gram : gram_at_most 4 d4_root 2 (5 + 16) 1.
Proof. by vm_cast_no_check (erefl true). Qed.
Lemma d4_leak : leak_at_most 5 16 2 1 12 64 1 10.
Proof. by vm_cast_no_check (erefl true). Qed.

Theorem d4_binary (W S : finType) (compress : W -> ('I_5 -> 'I_4 -> R) -> S)
    (answer : W -> S -> ('I_4 -> R) -> 'I_4 -> R) (lam eta delta : R) :
  0 < N W -> 12 <= lam -> 0 <= eta <= 4/5 -> 0 <= delta <= 1/2 ->
  correct_in_mean d4_key d4_own_key lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * 20 <= log2 (N S).
Proof.
move=> W0 hlam he; have <- : INR (5 * 4) = 20 by rewrite INR_IZR_INZ.
by apply: (floor_of_certificate (gram_incoherent d4_gram) d4_leak hlam W0); lra.
Qed.
