(* What is proved, in full.  Every statement is proved elsewhere; the comment above it says what it means.

   N A            number of elements of a finite type A          ind b    1 if b holds, else 0
   H2, fano       binary entropy; Fano's rate                    dot      inner product
   attention_own  softmax attention over the cached tokens and Bob's own last-scale tokens (value 0)
   incoherent     unit keys with mutual inner products at most mu
   leak n lam mu  (n - 1) e^(- lam (1 - mu))
   W, S           public coins (uniform); memory states.  log2 (N S) is the memory in bits.
   compress       may look at everything that is cached;  answer sees only the coins, the state and the query
   approx, near   relative error eta: between (1 - eta) a and (1 + eta) a;  additive error eta: |o - a| <= eta
   correct        every answer is good with probability 1 - delta over the coins, for the words and queries of
                  the hard family only (no finite state can be right for all real values);
                  correct_in_mean, correct_on_average: the same on average, which asks less of the algorithm

   In the headlines the keys and lambda are fixed first and are public; the algorithm comes after them. *)
From LowerBound Require Import Prelude Index Separation Softmax Keys Values Average LowDimension
  Payload PayloadBits Online Schedule Time Replay.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ================= INDEX ==================================================================== *)

(* A message from which symbol i (of an alphabet of its own) is recovered with error delta i, on average
   over public coins and words, has at least the sum of Fano's rates log2 L - H2 delta - delta log2 (L - 1)
   in bits.  delta i = 0 is allowed. *)
Theorem index_lower_bound (I : finType) (A : I -> finType) (x0 : {dffun forall i, A i}) (W S : finType)
    (enc : W -> {dffun forall i, A i} -> S) (dec : W -> S -> {dffun forall i, A i}) (delta : I -> R) :
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(w : W) \rsum_(x : {dffun forall i, A i}) ind (x i != dec w (enc w x) i)
     <= delta i * (N W * N [finType of {dffun forall i, A i}])) ->
  \rsum_i (log2 (N (A i)) - H2 (delta i) - delta i * log2 (N (A i) - 1)) <= log2 (N S).
Proof. exact: (@Index.index_lower_bound I A x0 W S enc dec delta). Qed.

(* One alphabet: it is enough that the mean error over coins, words and indices is delta. *)
Theorem index_mean (I A W S : finType) (a0 : A) (enc : W -> {ffun I -> A} -> S)
    (dec : W -> S -> {ffun I -> A}) (delta : R) :
  0 < N W -> 0 <= delta <= 1 - / N A ->
  \rsum_(w : W) \rsum_(x : {ffun I -> A}) \rsum_i ind (x i != dec w (enc w x) i)
      <= delta * N I * (N W * N [finType of {ffun I -> A}]) ->
  N I * (log2 (N A) - H2 delta - delta * log2 (N A - 1)) <= log2 (N S).
Proof. exact: (@Index.index_mean I A W S a0 enc dec delta). Qed.

(* m bits with mean error delta cost (1 - H2 delta) m bits. *)
Theorem index_binary (I W S : finType) (enc : W -> {ffun I -> bool} -> S) (dec : W -> S -> {ffun I -> bool})
    (delta : R) :
  0 < N W -> 0 <= delta <= 1/2 ->
  \rsum_(w : W) \rsum_(x : {ffun I -> bool}) \rsum_i ind (x i != dec w (enc w x) i)
      <= delta * N I * (N W * N [finType of {ffun I -> bool}]) ->
  (1 - H2 delta) * N I <= log2 (N S).
Proof. exact: (@Index.index_binary I W S enc dec delta). Qed.

(* Without errors, m symbols of an alphabet of size L cost m log2 L bits. *)
Theorem index_exact (I A W S : finType) (a0 : A) (enc : W -> {ffun I -> A} -> S)
    (dec : W -> S -> {ffun I -> A}) :
  0 < N W -> (forall w x, dec w (enc w x) = x) -> N I * log2 (N A) <= log2 (N S).
Proof. exact: (@Index.index_exact I A W S a0 enc dec). Qed.

(* ================= the reduction ============================================================ *)

(* Any inputs, queries and answers, any acceptance test: if an answer that is acceptable for x and for y at
   query i forces x i = y i, then a correct algorithm needs the INDEX bound in bits of state. *)
Theorem separation_lower_bound (I : finType) (A : I -> finType) (W S : finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) (x0 : {dffun forall i, A i}) (delta : I -> R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall x i,
     INR #|[pred w | ~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))]| <= delta i * N W) ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof. exact: (@Separation.separation_lower_bound I A W S Inp Qry Out good inst qry compress answer x0 delta). Qed.

(* The same when the failures are only bounded on average over the instances. *)
Theorem separation_average (I : finType) (A : I -> finType) (W S : finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) (x0 : {dffun forall i, A i}) (delta : I -> R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(x : {dffun forall i, A i})
     INR #|[pred w | ~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))]|
     <= delta i * (N W * N [finType of {dffun forall i, A i}])) ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof. exact: (@Separation.separation_average I A W S Inp Qry Out good inst qry compress answer x0 delta). Qed.

(* One alphabet: it is enough that the mean failure rate over coins, instances and queries is delta. *)
Theorem separation_mean (I A W S : finType) (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool)
    (inst : {ffun I -> A} -> Inp) (qry : I -> Qry) (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out)
    (a0 : A) (delta : R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  0 < N W -> 0 <= delta <= 1 - / N A ->
  \rsum_(x : {ffun I -> A}) \rsum_i
     INR #|[pred w | ~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))]|
     <= delta * N I * (N W * N [finType of {ffun I -> A}]) ->
  N I * fano (N A) delta <= log2 (N S).
Proof. exact: (@Separation.separation_mean I A W S Inp Qry Out good inst qry compress answer a0 delta). Qed.

(* Real outputs that are more than 2 eta apart whenever symbol i differs, and additive error eta. *)
Theorem levels_lower_bound (I W S : finType) (A : I -> finType) (Inp Qry : Type)
    (out : Inp -> Qry -> R) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (compress : W -> Inp -> S) (answer : W -> S -> Qry -> R)
    (x0 : {dffun forall i, A i}) (eta : R) (delta : I -> R) :
  (forall (x y : {dffun forall i, A i}) i,
     x i != y i -> 2 * eta < Rabs (out (inst x) (qry i) - out (inst y) (qry i))) ->
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  correct_on (fun inp q => near eta (out inp q)) inst qry compress answer delta ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof. exact: (@Separation.levels_lower_bound I W S A Inp Qry out inst qry compress answer x0 eta delta). Qed.

(* The bounds are not vacuous: a state that stores the symbols is correct with delta = 0. *)
Theorem store_symbols_correct (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (read : Inp -> {dffun forall i, A i}) (truth : Inp -> Qry -> Out) :
  (forall x, read (inst x) = x) -> (forall x i, good (inst x) (qry i) (truth (inst x) (qry i))) ->
  correct_on (W := unit_finType) good inst qry (fun _ => read) (fun _ s => truth (inst s)) (fun _ => 0).
Proof. exact: Separation.store_symbols_correct. Qed.

(* ================= softmax ==================================================================== *)

(* If all other tokens together weigh at most t times token i, the output is the value of token i up to t. *)
Theorem softmax_gap (J : finType) (l v : J -> R) (i : J) (t : R) :
  (forall j, 0 <= v j <= 1) -> \rsum_(j | j != i) exp (l j) <= t * exp (l i) ->
  v i / (1 + t) <= (\rsum_j (exp (l j) * v j)) / (\rsum_j exp (l j)) <= (v i + t) / (1 + t).
Proof. by move=> v01 rest; exact: (Softmax.softmax_gap v01 rest). Qed.

(* A token of value 1 against a token of value 0: the output is the logistic function of the difference of
   their logits, up to the weight t of the others relative to the second token. *)
Theorem softmax_two (J : finType) (l v : J -> R) (i k : J) (t : R) :
  (forall j, 0 <= v j <= 1) -> k != i -> v i = 1 -> v k = 0 ->
  \rsum_(j | (j != i) && (j != k)) exp (l j) <= t * exp (l k) ->
  Rabs ((\rsum_j (exp (l j) * v j)) / (\rsum_j exp (l j)) - / (1 + exp (- (l i - l k)))) <= t.
Proof. exact: (@Softmax.softmax_two J l v i k t). Qed.

(* ================= keys ======================================================================== *)

(* Hoeffding's constant. *)
Theorem cosh_le_exp_square x : (exp x + exp (- x)) / 2 <= exp (x ^ 2 / 2).
Proof. exact: Keys.cosh_le_exp_square. Qed.

(* T unit keys with inner products at most mu exist if T - 1 < e^(d mu^2 / 2). *)
Theorem greedy_keys_exist (T d : nat) (mu : R) : (0 < d)%nat -> 0 < mu < 1 ->
  INR T.-1 < exp (INR d * mu ^ 2 / 2) -> exists K : 'I_T -> 'I_d -> R, incoherent K mu.
Proof. exact: Keys.greedy_keys_exist. Qed.

(* The sharper Chernoff form: (T - 1) (cosh a)^d < e^(a mu d) for some a >= 0. *)
Theorem greedy_keys_chernoff (T d : nat) (a mu : R) : (0 < d)%nat -> 0 <= a ->
  INR T.-1 * ((exp a + exp (- a)) / 2) ^ d < exp (a * (mu * INR d)) ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu.
Proof. exact: Keys.greedy_keys_chernoff. Qed.

(* ================= values ======================================================================== *)

(* Given keys.  If (1 + eta) tau < 1 - eta for the leak tau of all tokens, relative error eta on 0/1 values
   costs one bit an entry, (1 - H2 delta) of it if an answer fails with probability delta on average. *)
Theorem relative_given_keys (Tok Own Crd Ch W S : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> 0 < N W ->
  0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * (N Tok * N Ch) <= log2 (N S).
Proof. by move=> tau; exact: Values.relative_given_keys. Qed.

(* Given keys, relative error, L geometric levels vmin beta^a with beta large enough for eta and tau. *)
Theorem geometric_given_keys (Tok Own Crd Ch W S : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R)
    (L : nat) (vmin beta : R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> 0 < N W ->
  (0 < L)%nat -> 0 < vmin -> 1 <= beta -> vmin * beta ^ L.-1 <= 1 -> 0 <= eta < 1 ->
  (1 + eta) * (vmin + tau) < (1 - eta) * (beta * vmin) -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (fun a : 'I_L => vmin * beta ^ a) (approx eta) compress answer delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= log2 (N S).
Proof. by move=> tau hK hB l0 W0; exact: Values.geometric_given_keys hK hB l0 W0 L vmin beta. Qed.

(* Given keys, additive error, L equidistant levels in [0, 1] of step more than 2 (eta + tau). *)
Theorem additive_given_keys (Tok Own Crd Ch W S : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R)
    (L : nat) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> 0 < N W ->
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) compress answer delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= log2 (N S).
Proof. by move=> tau hK hB l0 W0; exact: Values.additive_given_keys hK hB l0 W0 L. Qed.

(* HEADLINE A.  T cached tokens, n2 own tokens, h channels.  If d is about 2 ln T / mu^2 there are public unit
   keys such that, at this lambda, relative error eta < 1 with failure probability delta costs
   (1 - H2 delta) T h bits, whatever Bob's own keys (with inner products at most mu) and the algorithm are. *)
Theorem relative_headline (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam; exact: Values.relative_headline. Qed.

(* The same without own tokens: plain attention over the cache, with T in place of T + n2. *)
Theorem relative_headline_cache_only (T d h : nat) (mu eta delta : R) :
  let lam := ln (INR T * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      (forall (x : {ffun 'I_T * 'I_h -> bool}) i c, let V := fun i c => ind (x (i, c)) in
         INR #|[pred w | ~~ approx eta (attention (scale lam (K i)) K V c)
                            (answer w (compress w V) (scale lam (K i)) c)]| <= delta * N W) ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam; exact: Values.relative_headline_cache_only. Qed.

(* The same with Bob's own keys unit vectors of the same family. *)
Theorem relative_headline_unit_own (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR (T + n2).-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R),
    incoherent K mu /\ incoherent B mu /\ (forall i o, dot (K i) (B o) <= mu) /\
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam; exact: Values.relative_headline_unit_own. Qed.

(* HEADLINE B.  Additive error eta, leak tau, L levels with 2 (eta + tau) (L - 1) < 1:
   T h (log2 L - H2 delta - delta log2 (L - 1)) bits. *)
Theorem additive_headline (T n2 d h L : nat) (mu eta delta tau : R) :
  let lam := ln ((INR T + INR n2) / tau) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  (0 < L)%nat -> 0 < tau <= 1 -> 0 <= eta -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) compress answer delta ->
      (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam d0 T0 hmu hT L0 ht e0 step hd; exact: Values.additive_headline. Qed.

(* The headlines are not vacuous: a state that stores the symbols is correct with delta = 0. *)
Theorem store_values (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R)
    (lev : A -> R) (good : R -> R -> bool) (a0 : A) : injective lev ->
  (forall q (x : {ffun Tok * Ch -> A}) c,
     good (attention_own q K B (levels lev x) c) (attention_own q K B (levels lev x) c)) ->
  exists (compress : unit -> (Tok -> Ch -> R) -> [finType of {ffun Tok * Ch -> A}])
         (answer : unit -> {ffun Tok * Ch -> A} -> (Crd -> R) -> Ch -> R),
    correct (W := unit_finType) K B lam lev good compress answer 0.
Proof. exact: Values.store_values. Qed.

(* ================= keys and values ============================================================== *)

(* Any value levels lv in [0, 1], payload levels y in [-1, 1] and scales: keys [ca a; cp y; fill], value queries
   [sv a; 0; 0], payload queries [sp a; g e_p; 0].  It is enough that the levels, and the images of the payload
   levels under the logistic function, are more than 2 (eta + leak) apart. *)
Theorem keys_and_values_lower_bound (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
    (mu ca cp : R) (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R) (sv sp g : R) :
  let tauV := (N Tok + N Own - 1) * exp (- (sv * ca) * (1 - mu)) in
  let tauK := (N Tok + N Own) * exp (g * cp - sp * ca * (1 - mu)) in
  incoherent A mu -> 0 <= mu -> 0 <= ca -> 0 <= sv -> 0 <= sp -> 0 <= cp -> 0 <= g ->
  (forall a, 0 <= lv a <= 1) -> (forall a, -1 <= y a <= 1) ->
  forall (W S : finType) (compress : W -> (Tok -> [finType of Adr + Pay + unit] -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> ([finType of Adr + Pay + unit] -> R) * (Own -> [finType of Adr + Pay + unit] -> R)
                        * option Ch -> R) (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b, a != b -> 2 * (eta + tauV) < Rabs (lv a - lv b)) ->
  (forall a b, a != b -> 2 * (eta + tauK) < Rabs (logistic (g * cp * y a) - logistic (g * cp * y b))) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) (@instance Tok Adr Pay Ch A ca cp LV LK lv y)
    (question ref A ca sv sp g) compress answer (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> tauV tauK hA mu0 ca0 sv0 sp0 cp0 g0 lv01 y1 W S compress answer eta dV dK.
exact: (Payload.keys_and_values_lower_bound hA mu0 ca0 sv0 sp0 cp0 g0 lv01 y1).
Qed.

(* THEOREM C, given addresses A.  Keys [sqrt (1 - rho^2) a; rho y / sqrt p; fill], value channel 0 constant.
   With logit range c and leak tau as below, LV value levels and LK payload levels cost
   T (h fano LV dV + p fano LK dK) bits: both halves of the cache are incompressible. *)
Theorem theorem_C (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu rho lam gam : R)
    (LV LK : nat) :
  let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok + N Own) * exp (c - lam' * sqrt (1 - rho * rho) * (1 - mu)) in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  forall (W S : finType) (compress : W -> (Tok -> [finType of Adr + Pay + unit] -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> ([finType of Adr + Pay + unit] -> R) * (Own -> [finType of Adr + Pay + unit] -> R)
                        * option Ch -> R) (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 -> 2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
    (C_question ref A rho lam gam) compress answer (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> lam' c tau hA hmu hrho l0 g0 P0 W S compress answer eta dV dK V0 K0 e0 sV sK hV hK W0.
exact: (Payload.theorem_C hA hmu hrho l0 g0 P0 V0 K0 e0 sV sK hV hK W0).
Qed.

(* In Theorem C all cached keys are unit vectors, all queries have norm lambda, all of Bob's keys are unit. *)
Theorem theorem_C_norms (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu rho lam gam : R)
    (LV LK : nat) : incoherent A mu -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  (forall x i, let k := (@C_instance Tok Adr Pay Ch A rho lam gam LV LK x).1 i in dot k k = 1) /\
  (forall ix, let q := (@C_question Tok Own Adr Pay Ch ref A rho lam gam ix).1.1 in dot q q = lam * lam) /\
  (forall ix o, let b := (@C_question Tok Own Adr Pay Ch ref A rho lam gam ix).1.2 o in dot b b = 1).
Proof.
move=> hA hrho l0 g0 P0; split; first by move=> x i; exact: (C_keys_unit hA hrho l0 g0 P0).
by split=> [ix|ix o]; [exact: (C_queries_norm _ _ _ _ hA)|exact: (C_own_unit _ _ _ hA hrho)].
Qed.

(* Theorem C is tight: at delta = 0 the state that stores the symbols has exactly the bound in bits. *)
Theorem theorem_C_tight (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (rho lam gam : R)
    (LV LK : nat) : 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  forall eta : R, (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  exists (S : finType)
    (compress : unit -> (Tok -> [finType of Adr + Pay + unit] -> R) * (Tok -> option Ch -> R) -> S)
    (answer : unit -> S -> ([finType of Adr + Pay + unit] -> R) * (Own -> [finType of Adr + Pay + unit] -> R)
                           * option Ch -> R),
    correct_on (W := unit_finType) (fun inp q => near eta (output inp q))
      (@C_instance Tok Adr Pay Ch A rho lam gam LV LK) (C_question ref A rho lam gam) compress answer (fun _ => 0)
    /\ log2 (N S) = N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)).
Proof. by move=> hrho l0 g0 P0 eta; exact: Payload.theorem_C_tight. Qed.

(* HEADLINE C.  Theorem C with greedy addresses in dimension da, p payload coordinates, h value channels,
   n2 + 1 own tokens. *)
Theorem theorem_C_headline (T n2 da p h LV LK : nat) (mu rho lam gam eta dV dK : R) :
  let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (INR p)) in
  let tau := (INR T + INR n2.+1) * exp (c - lam' * sqrt (1 - rho * rho) * (1 - mu)) in
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 < rho <= 1 -> 0 < lam -> 0 < gam -> (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 -> 2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho lam gam LV LK in
    let qry := @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      correct_on (fun inp q => near eta (output inp q)) inst qry compress answer
        (fun i => if i is inl _ then dV else dK) ->
      INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= log2 (N S)].
Proof. by move=> lam' c tau d0 p0 hmu hT hr l0 g0 V0 K0 e0; exact: Payload.theorem_C_headline. Qed.

(* Theorem C in relative error eta < 1, with two levels: one bit a value channel and one bit a payload
   coordinate, at rho = 1 / sqrt 2, gamma = (1 - mu) / 2 and this lambda. *)
Theorem relative_keys_and_values (T n2 da p h : nat) (mu eta delta : R) :
  let rho := / sqrt 2 in let gam := (1 - mu) / 2 in
  let c := ln (4 * (INR T + INR n2.+1 + 1) / (1 - eta)) in
  let lam := c * (sqrt (INR p) * sqrt 2 * sqrt (1 + gam * gam) / gam) in
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho lam gam 2 2 in
    let qry := @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      correct_on (fun inp q => approx eta (output inp q)) inst qry compress answer (fun _ => delta) ->
      (1 - H2 delta) * (INR T * (INR h + INR p)) <= log2 (N S)].
Proof. by move=> rho gam c lam; exact: PayloadBits.relative_keys_and_values. Qed.

(* ================= online ======================================================================= *)

(* The state after every scale k pays for all tokens of the scales before k. *)
Theorem online_lower_bound (T_ : nat -> nat) (Crd Ch W : finType) (St : nat -> finType)
    (a : online W St (seq ((Crd -> R) * (Ch -> R)))) k (Own : finType)
    (answer : W -> St k -> (Crd -> R) -> Ch -> R) (K : token T_ k -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) :
  let T := (\sum_(j < k) T_ j)%nat in let tau := (INR T + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 -> 0 < N W ->
  correct K B lam ind (approx eta) (fun w V => run a w (stream K V) k) answer delta ->
  (1 - H2 delta) * (INR T * N Ch) <= log2 (N (St k)).
Proof. by move=> T tau; exact: Online.online_lower_bound. Qed.

(* HEADLINE, ONLINE.  One public list of keys serves the whole generation: for every scale k <= M, the state of
   every online algorithm before scale k needs (1 - H2 delta) T h bits, T the number of tokens before scale k. *)
Theorem online_headline (T_ : nat -> nat) (M d h : nat) (mu eta delta : R) :
  let lam k := ln ((INR (before T_ k) + INR (T_ k)) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> 0 < mu < 1 -> INR (before T_ M).-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall k (answer : W -> St k -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ k) -> 'I_d -> R),
      (k <= M)%nat -> (0 < before T_ k)%nat ->
      (forall n o, (n < before T_ M)%nat -> dot (F n) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ k t)) B (lam k) eta delta ->
      (1 - H2 delta) * (INR (before T_ k) * INR h) <= log2 (N (St k)).
Proof. by move=> lam; exact: Online.online_headline. Qed.

(* The online bound is met: the cache that keeps one bit for each entry seen so far is correct with delta = 0
   before every scale k, with exactly T h bits. *)
Theorem online_upper_bound (T_ : nat -> nat) (Crd Ch : finType) k (Own : finType) (K : token T_ k -> Crd -> R)
    (B : Own -> Crd -> R) (lam eta : R) :
  0 <= eta < 1 ->
  correct_at (@bit_cache T_ Crd Ch) (fun _ s q => attention_own q K B (bits_read s)) K B lam eta 0
  /\ log2 (N (bits_seen T_ Ch k)) = INR (\sum_(j < k) T_ j) * N Ch.
Proof. exact: Online.online_upper_bound. Qed.

(* A sliding window of w rows costs (1 - H2 delta) w h bits at every time t >= w ... *)
Theorem window_lower_bound (w : nat) (Crd Ch : finType) (F : nat -> Crd -> R) (lam eta : R) (W : finType)
    (St : nat -> finType) (a : online W St (Ch -> R)) (t : nat)
    (answer : W -> St t -> (Crd -> R) -> Ch -> R) (mu delta : R) :
  (w <= t)%nat -> incoherent (live (w := w) t F) mu -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * ((INR w - 1) * exp (- lam * (1 - mu))) < 1 - eta -> 0 <= delta <= 1/2 -> 0 < N W ->
  window_correct w F lam eta a answer delta ->
  (1 - H2 delta) * (INR w * N Ch) <= log2 (N (St t)).
Proof. exact: Online.window_lower_bound. Qed.

(* ... and a cache of w h bits that shifts at every step is correct with delta = 0. *)
Theorem window_upper_bound (w : nat) (Crd Ch : finType) (F : nat -> Crd -> R) (lam eta : R) (t : nat) :
  (w <= t)%nat -> 0 <= eta < 1 ->
  window_correct w F lam eta (shift_cache w Ch) (t := t)
    (fun _ s q => attention q (live t F) (fun i c => ind (s (i, c)))) 0
  /\ log2 (N [finType of {ffun 'I_w * Ch -> bool}]) = INR w * N Ch.
Proof. exact: Online.window_upper_bound. Qed.

(* ================= schedules ======================================================================= *)

(* VAR at 256 pixels caches 424 tokens before its last scale. *)
Theorem var256_tokens : \sum_(p <- [:: 1; 2; 3; 4; 5; 6; 8; 10; 13]%nat) (p * p) = 424%nat.
Proof. exact: Schedule.var256_tokens. Qed.

(* Sides 1, r, ..., r^M = n: the scales before the last one hold (n^2 - 1) / (r^2 - 1) tokens. *)
Theorem geometric_tokens_real (r M : nat) : (2 <= r)%nat ->
  INR (\sum_(k < M) expn (expn r k) 2) = (INR (expn r M) ^ 2 - 1) / (INR r ^ 2 - 1).
Proof. exact: Schedule.geometric_tokens_real. Qed.

(* Headline A for that schedule, with the n^2 own tokens of the last scale. *)
Theorem geometric_headline (r M d h : nat) (mu eta delta : R) :
  let T := (\sum_(k < M) expn (expn r k) 2)%nat in let n := expn r M in
  let lam := ln ((INR T + INR (expn n 2)) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (2 <= r)%nat -> (0 < M)%nat -> (0 < d)%nat -> 0 < mu < 1 ->
  INR T.-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_(expn n 2) -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B lam ind (approx eta) compress answer delta ->
      (1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= log2 (N S).
Proof. by move=> T n lam; exact: Schedule.geometric_headline. Qed.

(* The online headline for that schedule: the state before the last scale. *)
Theorem geometric_online (r M d h : nat) (mu eta delta : R) :
  let T_ := squares r in let n := expn r M in
  let lam := ln ((INR (before T_ M) + INR (T_ M)) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (2 <= r)%nat -> (0 < M)%nat -> (0 < d)%nat -> 0 < mu < 1 ->
  INR (before T_ M).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall (answer : W -> St M -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ M) -> 'I_d -> R),
      (forall n o, (n < before T_ M)%nat -> dot (F n) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ M t)) B lam eta delta ->
      (1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= log2 (N (St M)).
Proof. by move=> T_ n lam; exact: Schedule.geometric_online. Qed.

(* The form with n^2, for every schedule whose last cached scale M has at least c n^2 tokens:
   (1 - H2 delta) c n^2 h bits. *)
Theorem square_online (T_ : nat -> nat) (M d h : nat) (c n mu eta delta : R) :
  let lam := ln ((INR (before T_ M.+1) + INR (T_ M.+1)) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T_ M)%nat -> c * n ^ 2 <= INR (T_ M) -> 0 < mu < 1 ->
  INR (before T_ M.+1).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  0 <= 1 - H2 delta ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M.+1) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall (answer : W -> St M.+1 -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ M.+1) -> 'I_d -> R),
      (forall m o, (m < before T_ M.+1)%nat -> dot (F m) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ M.+1 t)) B lam eta delta ->
      (1 - H2 delta) * (c * n ^ 2 * INR h) <= log2 (N (St M.+1)).
Proof. by move=> lam; exact: Schedule.square_online. Qed.

(* The condition on the last cached scale is needed.  For the sides 1, n (one cached token, n^2 own tokens)
   h bits are enough, and this is less than c n^2 h for all large n, whatever c > 0. *)
Theorem small_scale_counterexample (d h : nat) (c : R) : (0 < h)%nat -> 0 < c ->
  exists n0 : nat, forall n, (n0 <= n)%nat ->
  forall (K : 'I_1 -> 'I_d -> R) (B : 'I_(expn n 2) -> 'I_d -> R) (lam eta : R), 0 <= eta < 1 ->
  exists (S : finType) (compress : unit -> ('I_1 -> 'I_h -> R) -> S)
         (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam ind (approx eta) compress answer 0 /\
    log2 (N S) = INR h /\ log2 (N S) < c * (INR n ^ 2 * INR h).
Proof. exact: Schedule.small_scale_counterexample. Qed.

(* ================= time ============================================================================= *)

(* One relevant row (key u) hides among T rows.  A reader that chooses the rows P w without looking at them
   and is right up to relative error eta with probability 1 - delta reads (1 - 2 delta) T rows in the mean. *)
Theorem nonadaptive_time (Tok Crd W : finType) (u : Crd -> R) (e : Tok -> Crd -> R) (mu lam eta delta : R)
    (P : W -> {set Tok}) (ans : W -> (Tok -> (Crd -> R) * R) -> R) :
  dot u u = 1 -> (forall j, dot u (e j) <= mu) -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * ((N Tok - 1) * exp (- lam * (1 - mu))) < 1 - eta ->
  nonadaptive P ans -> time_correct u e lam eta delta ans ->
  (1 - 2 * delta) * N Tok * N W <= \rsum_(w : W) INR #|P w|.
Proof. by move=> u1 eu l0 he gap; exact: (Time.nonadaptive_time u1 eu l0 he gap). Qed.

(* Hence some coins make it read that many. *)
Theorem nonadaptive_time_max (Tok Crd W : finType) (u : Crd -> R) (e : Tok -> Crd -> R) (mu lam eta delta : R)
    (P : W -> {set Tok}) (ans : W -> (Tok -> (Crd -> R) * R) -> R) (p : nat) :
  dot u u = 1 -> (forall j, dot u (e j) <= mu) -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * ((N Tok - 1) * exp (- lam * (1 - mu))) < 1 - eta ->
  0 < N W -> nonadaptive P ans -> time_correct u e lam eta delta ans -> (forall w, (#|P w| <= p)%nat) ->
  (1 - 2 * delta) * N Tok <= INR p.
Proof. by move=> u1 eu l0 he gap; exact: (Time.nonadaptive_time_max u1 eu l0 he gap). Qed.

(* ================= correct on average ================================================================ *)

(* Headline A when only the mean failure rate over coins, words, tokens and channels is at most delta. *)
Theorem relative_headline_average (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct_in_mean K B lam ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam; exact: Average.relative_headline_average. Qed.

(* Headline B in the same sense. *)
Theorem additive_headline_average (T n2 d h L : nat) (mu eta delta tau : R) :
  let lam := ln ((INR T + INR n2) / tau) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  (0 < L)%nat -> 0 < tau <= 1 -> 0 <= eta -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct_in_mean K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) compress answer delta ->
      (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (INR T * INR h) <= log2 (N S).
Proof. by move=> lam; exact: Average.additive_headline_average. Qed.

(* Theorem C when failures are only bounded on average over the instances. *)
Theorem theorem_C_average (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu rho lam gam : R)
    (LV LK : nat) :
  let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok + N Own) * exp (c - lam' * sqrt (1 - rho * rho) * (1 - mu)) in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  forall (W S : finType) (compress : W -> (Tok -> [finType of Adr + Pay + unit] -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> ([finType of Adr + Pay + unit] -> R) * (Own -> [finType of Adr + Pay + unit] -> R)
                        * option Ch -> R) (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 -> 2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
    (C_question ref A rho lam gam) compress answer (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> lam' c tau hA hmu hrho l0 g0 P0 W S compress answer eta dV dK V0 K0 e0 sV sK hV hK W0.
exact: (Payload.theorem_C_average hA hmu hrho l0 g0 P0 V0 K0 e0 sV sK hV hK W0).
Qed.

(* ================= low dimension ======================================================================== *)

(* T tokens in dimension d + 1, d as small as you like: the first A = min (T, floor (e^(d mu^2 / 2))) tokens
   have incoherent keys, the others share one pad key and have value 0, and (1 - H2 delta) A h bits are needed. *)
Theorem low_dimension_headline (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  let A := minn T (floor (exp (INR d * mu ^ 2 / 2))) in
  let act := active (geq_minl T (floor (exp (INR d * mu ^ 2 / 2)))) : 'I_A -> 'I_T in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d.+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_d.+1 -> R, (forall i o, dot (K (act i)) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d.+1 -> R) -> 'I_h -> R), 0 < N W ->
      (forall (x : {ffun 'I_A * 'I_h -> bool}) (i : 'I_A) (c : 'I_h),
         let q := scale lam (K (act i)) in
         let V j c := if insub (val j) is Some i then ind (x (i : 'I_A, c)) else 0 in
         INR #|[pred w | ~~ approx eta (attention_own q K B V c) (answer w (compress w V) q c)]| <= delta * N W) ->
      (1 - H2 delta) * (INR A * INR h) <= log2 (N S).
Proof. by move=> lam A act; exact: LowDimension.low_dimension_headline. Qed.

(* ================= replay ================================================================================ *)

(* Public weights, secret token ids.  If an acceptable answer determines all ids, and an answer is acceptable
   with probability 1 - delta, the state has at least the bits of the ids, minus log2 (1 / (1 - delta)). *)
Theorem replay_lower_bound (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (W S : finType)
    (Out : Type) (good : {dffun forall i, V i} -> Out -> bool) (compress : W -> {dffun forall i, V i} -> S)
    (answer : W -> S -> Out) (delta : R) :
  (forall x y o, good x o -> good y o -> x = y) -> 0 < N W -> delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
  \rsum_i log2 (N (V i)) - log2 (/ (1 - delta)) <= log2 (N S).
Proof. exact: (@Replay.replay_lower_bound I V x0 W S Out good compress answer delta). Qed.

(* Without errors: all bits of the ids. *)
Theorem replay_exact (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (W S : finType)
    (Out : Type) (good : {dffun forall i, V i} -> Out -> bool) (compress : W -> {dffun forall i, V i} -> S)
    (answer : W -> S -> Out) :
  (forall x y o, good x o -> good y o -> x = y) -> 0 < N W ->
  (forall x w, good x (answer w (compress w x))) -> \rsum_i log2 (N (V i)) <= log2 (N S).
Proof. exact: (@Replay.replay_exact I V x0 W S Out good compress answer). Qed.

(* Keeping the ids is enough. *)
Theorem replay_cache (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (Out : Type)
    (good : {dffun forall i, V i} -> Out -> bool) (truth : {dffun forall i, V i} -> Out) :
  (forall x, good x (truth x)) ->
  exists (S : finType) (compress : {dffun forall i, V i} -> S) (answer : S -> Out),
    (forall x, good x (answer (compress x))) /\ log2 (N S) = \rsum_i log2 (N (V i)).
Proof. exact: (@Replay.replay_cache I V x0 Out good truth). Qed.

(* VAR at 256 pixels: 255 ids with 4096 codes each are 3060 bits. *)
Theorem var256_replay :
  \rsum_(i : 'I_(\sum_(p <- [:: 1; 2; 3; 4; 5; 6; 8; 10]) (p * p))%nat) log2 (N [finType of 'I_(expn 2 12)]) = 3060.
Proof. exact: Replay.var256_replay. Qed.

(* ================= everything ========================================================================= *)
Definition all_theorems := (
  @index_lower_bound, @index_mean, @index_binary, @index_exact,
  @separation_lower_bound, @separation_average, @separation_mean, @levels_lower_bound, @store_symbols_correct,
  @softmax_gap, @softmax_two, @cosh_le_exp_square, @greedy_keys_exist, @greedy_keys_chernoff,
  @relative_given_keys, @geometric_given_keys, @additive_given_keys,
  @relative_headline, @relative_headline_cache_only, @relative_headline_unit_own, @additive_headline, @store_values,
  @keys_and_values_lower_bound, @theorem_C, @theorem_C_norms, @theorem_C_tight, @theorem_C_headline,
  @relative_keys_and_values,
  @online_lower_bound, @online_headline, @online_upper_bound, @window_lower_bound, @window_upper_bound,
  @var256_tokens, @geometric_tokens_real, @geometric_headline, @geometric_online, @square_online,
  @small_scale_counterexample, @nonadaptive_time, @nonadaptive_time_max,
  @relative_headline_average, @additive_headline_average, @theorem_C_average, @low_dimension_headline,
  @replay_lower_bound, @replay_exact, @replay_cache, @var256_replay).
Print Assumptions all_theorems.
