(* Correctness on average: the headlines hold when only the mean failure rate, over coins, words, tokens and
   channels together, is at most delta.  A cache may then be wrong on some inputs all the time. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Theorem relative_headline_average (T n2 d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct_in_mean K B (lambda_relative (INR T + INR n2) mu eta) ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT he hd; have [K hK] := greedy_keys_exist d0 hmu hT.
by exists K; split=> // B hB W S compress answer W0; apply: relative_with.
Qed.

Theorem additive_headline_average (T n2 d h L : nat) (mu eta delta tau : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  (0 < L)%nat -> 0 < tau <= 1 -> 0 <= eta -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct_in_mean K B (lambda_additive (INR T + INR n2) mu tau) (@grid L) (near eta)
        compress answer delta ->
      fano (INR L) delta * (INR T * INR h) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT L0 ht e0 step hd; have [K hK] := greedy_keys_exist d0 hmu hT.
by exists K; split=> // B hB W S compress answer W0; apply: additive_with.
Qed.
