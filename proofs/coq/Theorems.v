(* What is proved, in full.  Every statement is proved elsewhere; the comment above it says what it means.

   N A            number of elements of a finite type A          ind b    1 if b holds, else 0
   H2, fano       binary entropy; Fano's rate                    dot      inner product
   attention_own  softmax attention over the cached tokens and Bob's own last-scale tokens (value 0)
   incoherent     unit keys with mutual inner products at most mu
   leak n lam mu  (n - 1) e^(- lam (1 - mu))
   algorithm      finitely many public coins (uniform) and states, and two functions: compress may look at
                  everything that is cached;  answer sees only the coins, the state and the query (tt, if
                  nothing is asked)
   bits a         the memory of algorithm a, written with a fixed length: log2 of its number of states
   approx, near   relative error eta: between (1 - eta) a and (1 + eta) a;  additive error eta: |o - a| <= eta
   correct        every answer is good with probability 1 - delta over the coins, for the words and queries of
                  the hard family only (no finite state can be right for all real values);
                  correct_in_mean, correct_on_average: the same on average, which asks less of the algorithm
   streams_correct, rows_correct   correct in the mean: in each of several streams; for whole rows of a class
   grid_streams_good   the same for G streams of one shape, values on a grid of L levels, additive errors
   expectation    a mean over coins of any distribution;  correct_with: correct under such a mean
   key s          the signs s over the root of their number, a unit vector

   In the headlines the keys and lambda are fixed first and are public; the algorithm comes after them. *)
From Coq Require Import QArith Qreals.
From LowerBound Require Average CodeShells PayloadBits Replay FlatLogits Cliques Tilts RandomKeys Universal
  Circle Clusters PublicWeights Fibres Counts CliqueStreams RoundedCaches.
From LowerBound Require Import LowDimension Schedule Queries Sharp FrameBlocks LatticeKeys Streams Coins
  Classes Pyramid IndependentEntries Dither OwnWeights.
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

(* The counting behind them.  If for all coins the messages have lengths (in nats) whose e^(- length) sum to
   at most Z, and the mean over coins and words of the length plus cost_i for each wrong symbol i is at most
   m + sum of delta_i cost_i, with cost_i = ln ((1 - delta_i) (L_i - 1) / delta_i), then m + ln Z pays
   Fano's rates. delta_i = 0 asks that symbol i is never wrong. *)
Theorem index_lengths (I : finType) (A : I -> finType) (x0 : {dffun forall i, A i}) (W S : finType)
    (enc : W -> {dffun forall i, A i} -> S) (dec : W -> S -> {dffun forall i, A i}) (delta : I -> R)
    (len : W -> S -> R) (Z m : R) :
  let cost i := - ln (delta i / ((1 - delta i) * (N (A i) - 1))) in
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, delta i = 0 -> forall w (x : {dffun forall i, A i}), x i = dec w (enc w x) i) ->
    (forall w, \rsum_s exp (- len w s) <= Z) ->
  \rsum_(w : W) \rsum_(x : {dffun forall i, A i})
     (len w (enc w x) + \rsum_i (cost i * ind (x i != dec w (enc w x) i)))
    <= (m + \rsum_i (delta i * cost i)) * (N W * N [finType of {dffun forall i, A i}]) ->
  (\rsum_i (log2 (N (A i)) - H2 (delta i) - delta i * log2 (N (A i) - 1))) * ln 2 <= m + ln Z.
Proof. by move=> cost; exact: (@Index.index_lengths I A x0 W S enc dec delta len Z m). Qed.

(* ================= the reduction ============================================================ *)

(* Any inputs, queries and answers, any acceptance test: if an answer that is acceptable for x and for y at
   query i forces x i = y i, then a correct algorithm needs the INDEX bound in bits of state. *)
Theorem separation_lower_bound (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (a : algorithm Inp Qry Out) (x0 : {dffun forall i, A i}) (delta : I -> R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall x i,
     INR #|[pred w | ~~ good (inst x) (qry i) (answer a w (compress a w (inst x)) (qry i))]|
       <= delta i * N (coins a)) ->
  \rsum_i fano (N (A i)) (delta i) <= bits a.
Proof.
move=> sep hd; exact: (@Separation.separation_lower_bound I A _ _ Inp Qry Out good inst qry _ _ x0 delta sep
  (some_coins a) hd).
Qed.

(* The same when the failures are only bounded on average over the instances. *)
Theorem separation_average (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (a : algorithm Inp Qry Out) (x0 : {dffun forall i, A i}) (delta : I -> R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(x : {dffun forall i, A i})
     INR #|[pred w | ~~ good (inst x) (qry i) (answer a w (compress a w (inst x)) (qry i))]|
     <= delta i * (N (coins a) * N [finType of {dffun forall i, A i}])) ->
  \rsum_i fano (N (A i)) (delta i) <= bits a.
Proof.
move=> sep hd; exact: (@Separation.separation_average I A _ _ Inp Qry Out good inst qry _ _ x0 delta sep
  (some_coins a) hd).
Qed.

(* One alphabet: it is enough that the mean failure rate over coins, instances and queries is delta. *)
Theorem separation_mean (I A : finType) (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool)
    (inst : {ffun I -> A} -> Inp) (qry : I -> Qry) (a : algorithm Inp Qry Out)
    (a0 : A) (delta : R) :
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) ->
  0 <= delta <= 1 - / N A ->
  \rsum_(x : {ffun I -> A}) \rsum_i
     INR #|[pred w | ~~ good (inst x) (qry i) (answer a w (compress a w (inst x)) (qry i))]|
     <= delta * N I * (N (coins a) * N [finType of {ffun I -> A}]) ->
  N I * fano (N A) delta <= bits a.
Proof.
move=> sep; exact: (@Separation.separation_mean I A _ _ Inp Qry Out good inst qry _ _ a0 delta sep
  (some_coins a)).
Qed.

(* Real outputs that are more than 2 eta apart whenever symbol i differs, and additive error eta. *)
Theorem levels_lower_bound (I : finType) (A : I -> finType) (Inp Qry : Type)
    (out : Inp -> Qry -> R) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (a : algorithm Inp Qry R) (x0 : {dffun forall i, A i}) (eta : R) (delta : I -> R) :
  (forall (x y : {dffun forall i, A i}) i,
     x i != y i -> 2 * eta < Rabs (out (inst x) (qry i) - out (inst y) (qry i))) ->
  (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  correct_on (fun inp q => near eta (out inp q)) inst qry (compress a) (answer a) delta ->
  \rsum_i fano (N (A i)) (delta i) <= bits a.
Proof.
move=> far; exact: (@Separation.levels_lower_bound I _ _ A Inp Qry out inst qry _ _ x0 eta delta far
  (some_coins a)).
Qed.

(* The bounds are not vacuous: a state that stores the symbols is correct with delta = 0. *)
Theorem store_symbols_correct (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (read : Inp -> {dffun forall i, A i}) (truth : Inp -> Qry -> Out) :
  (forall x, read (inst x) = x) -> (forall x i, good (inst x) (qry i) (truth (inst x) (qry i))) ->
  exists a : algorithm Inp Qry Out,
    correct_on good inst qry (compress a) (answer a) (fun _ => 0)
    /\ bits a = log2 (N [finType of {dffun forall i, A i}]).
Proof.
move=> hr hg; exists (without_coins (fun _ => read) (fun _ s => truth (inst s))); split=> //;
  exact: Separation.store_symbols_correct.
Qed.

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
Theorem relative_given_keys (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R)) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam ->
  0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * (N Tok * N Ch) <= bits a.
Proof.
by move=> tau hK hB l0 he gap hd; exact: (Values.relative_given_keys hK hB l0 (some_coins a) he gap hd).
Qed.

(* Given keys, relative error, L geometric levels vmin beta^a with beta large enough for eta and tau. *)
Theorem geometric_given_keys (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (L : nat) (vmin beta : R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam ->
  (0 < L)%nat -> 0 < vmin -> 1 <= beta -> vmin * beta ^ L.-1 <= 1 -> 0 <= eta < 1 ->
  (1 + eta) * (vmin + tau) < (1 - eta) * (beta * vmin) -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (fun a : 'I_L => vmin * beta ^ a) (approx eta)
    (compress a) (answer a) delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= bits a.
Proof. by move=> tau hK hB l0; exact: Values.geometric_given_keys hK hB l0 (some_coins a) L vmin beta. Qed.

(* Given keys, additive error, L equidistant levels in [0, 1] of step more than 2 (eta + tau). *)
Theorem additive_given_keys (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (L : nat) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam ->
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta)
    (compress a) (answer a) delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= bits a.
Proof. by move=> tau hK hB l0; exact: Values.additive_given_keys hK hB l0 (some_coins a) L. Qed.

(* The same for keys of any kind, natural ones too: it is enough that the query along the key of a token gives
   the token a weight of at least 1 - tau among all tokens, cached and own.  A cached token of value 0 that is
   never asked for may count as an own one. *)
Theorem additive_given_own_weights (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (lam tau eta delta : R) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R)) (L : nat) :
  (forall i, 1 - tau <= exp (lam * dot (K i) (K i))
     / (\rsum_j exp (lam * dot (K i) (K j)) + \rsum_o exp (lam * dot (K i) (B o)))) ->
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta)
    (compress a) (answer a) delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= bits a.
Proof.
move=> heavy; apply: (OwnWeights.additive_given_own_weights (K := K) (B := B)) (some_coins a) => i.
by move: (heavy i); rewrite -own_weight_sum.
Qed.

(* HEADLINE A.  T cached tokens, n2 own tokens, h channels.  If d is about 2 ln T / mu^2 there are public unit
   keys such that, at this lambda, relative error eta < 1 with failure probability delta costs
   (1 - H2 delta) T h bits, whatever Bob's own keys (with inner products at most mu) and the algorithm are. *)
Theorem relative_headline (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct K B lam ind (approx eta) (compress a) (answer a) delta ->
      (1 - H2 delta) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT he hd; have [K [hK hL]] := Values.relative_headline n2 h d0 T0 hmu hT he hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* The same without own tokens: plain attention over the cache, with T in place of T + n2. *)
Theorem relative_headline_cache_only (T d h : nat) (mu eta delta : R) :
  let lam := ln (INR T * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      (forall (x : {ffun 'I_T * 'I_h -> bool}) i c, let V := fun i c => ind (x (i, c)) in
         INR #|[pred w | ~~ approx eta (attention (scale lam (K i)) K V c)
                            (answer a w (compress a w V) (scale lam (K i)) c)]| <= delta * N (coins a)) ->
      (1 - H2 delta) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT he hd; have [K [hK hL]] := Values.relative_headline_cache_only h d0 T0 hmu hT he hd.
by exists K; split=> // a; exact: hL _ _ _ _ (some_coins a).
Qed.

(* The same with Bob's own keys unit vectors of the same family. *)
Theorem relative_headline_unit_own (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR (T + n2).-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R),
    incoherent K mu /\ incoherent B mu /\ (forall i o, dot (K i) (B o) <= mu) /\
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct K B lam ind (approx eta) (compress a) (answer a) delta ->
      (1 - H2 delta) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT he hd; have [K [B [hK [hB [hKB hL]]]]] := Values.relative_headline_unit_own h d0 T0
  hmu hT he hd.
by exists K, B; do 3![split=> //] => a; exact: hL _ _ _ _ (some_coins a).
Qed.

(* HEADLINE B.  Additive error eta, leak tau, L levels with 2 (eta + tau) (L - 1) < 1:
   T h (log2 L - H2 delta - delta log2 (L - 1)) bits. *)
Theorem additive_headline (T n2 d h L : nat) (mu eta delta tau : R) :
  let lam := ln ((INR T + INR n2) / tau) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  (0 < L)%nat -> 0 < tau <= 1 -> 0 <= eta -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) (compress a) (answer a) delta ->
      (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT L0 ht e0 step hd.
have [K [hK hL]] := Values.additive_headline n2 h d0 T0 hmu hT L0 ht step hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* The headlines are not vacuous: a state that stores the symbols is correct with delta = 0. *)
Theorem store_values (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R)
    (lev : A -> R) (good : R -> R -> bool) (a0 : A) : injective lev ->
  (forall q (x : {ffun Tok * Ch -> A}) c,
     good (attention_own q K B (levels lev x) c) (attention_own q K B (levels lev x) c)) ->
  exists a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R),
    correct K B lam lev good (compress a) (answer a) 0 /\ bits a = log2 (N [finType of {ffun Tok * Ch -> A}]).
Proof.
move=> inj hg; have [f [g h]] := Values.store_values lam a0 inj hg.
by exists (without_coins f g).
Qed.

(* ================= keys and values ============================================================== *)

(* Any value levels lv in [0, 1], payload levels y in [-1, 1] and scales: keys [ca a; cp y; fill], value
   queries [sv a; 0; 0], payload queries [sp a; g e_p; 0]. It is enough that the levels, and the images of the
   payload levels under the logistic function, are more than 2 (eta + leak) apart. *)
Theorem keys_and_values_lower_bound (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
    (mu ca cp : R) (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R) (sv sp g : R) :
  let tauV := (N Tok + N Own - 1) * exp (- (sv * ca) * (1 - mu)) in
  let tauK := (N Tok + N Own) * exp (g * cp - sp * ca * (1 - mu)) in
  incoherent A mu -> 0 <= mu -> 0 <= ca -> 0 <= sv -> 0 <= sp -> 0 <= cp -> 0 <= g ->
  (forall a, 0 <= lv a <= 1) -> (forall a, -1 <= y a <= 1) ->
  forall (a : algorithm (cached Tok [finType of Adr + Pay + unit] Ch)
      (asked Own [finType of Adr + Pay + unit] Ch) R)
    (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b, a != b -> 2 * (eta + tauV) < Rabs (lv a - lv b)) ->
  (forall a b, a != b -> 2 * (eta + tauK) < Rabs (logistic (g * cp * y a) - logistic (g * cp * y b))) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  correct_on_average (fun inp q => near eta (output inp q)) (@instance Tok Adr Pay Ch A ca cp LV LK lv y)
    (question ref A ca sv sp g) (compress a) (answer a) (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a.
Proof.
move=> tauV tauK hA mu0 ca0 sv0 sp0 cp0 g0 lv01 y1 a eta dV dK V0 K0 sV sK hV hK.
exact: (Payload.keys_and_values_lower_bound hA mu0 ca0 sv0 sp0 cp0 g0 lv01 y1 V0 K0 sV sK hV hK
  (some_coins a)).
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
  forall (a : algorithm (cached Tok [finType of Adr + Pay + unit] Ch)
      (asked Own [finType of Adr + Pay + unit] Ch) R)
    (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 -> 2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  correct_on (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
    (C_question ref A rho lam gam) (compress a) (answer a) (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a.
Proof.
move=> lam' c tau hA hmu hrho l0 g0 P0 a eta dV dK V0 K0 e0 sV sK hV hK.
exact: (Payload.theorem_C hA hmu hrho l0 g0 P0 V0 K0 e0 sV sK hV hK (some_coins a)).
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
  exists a : algorithm (cached Tok [finType of Adr + Pay + unit] Ch)
      (asked Own [finType of Adr + Pay + unit] Ch) R,
    correct_on (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
      (C_question ref A rho lam gam) (compress a) (answer a) (fun _ => 0)
    /\ bits a = N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)).
Proof.
move=> hrho l0 g0 P0 eta V0 K0 e0.
have [S [f [g [h hS]]]] := @Payload.theorem_C_tight _ _ _ _ Ch ref A _ _ _ _ _ hrho l0 g0 P0 eta V0 K0 e0.
by exists (without_coins f g).
Qed.

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
    forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2.+1 _ 'I_h) R,
      correct_on (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a)
        (fun i => if i is inl _ then dV else dK) ->
      INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= bits a].
Proof.
move=> lam' c tau d0 p0 hmu hT hr l0 g0 V0 K0 e0 sV sK hV hK.
have [A [h1 h2 h3 h4 hL]] := Payload.theorem_C_headline h d0 p0 hmu hT hr l0 g0 V0 K0 e0 sV sK hV hK.
by exists A; split=> // a; exact: hL _ _ _ _ (some_coins a).
Qed.

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
    forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2.+1 _ 'I_h) R,
      correct_on (fun inp q => approx eta (output inp q)) inst qry (compress a) (answer a) (fun _ => delta) ->
      (1 - H2 delta) * (INR T * (INR h + INR p)) <= bits a].
Proof.
move=> rho gam c lam d0 p0 hmu hT he hd.
have [A [h1 h2 h3 h4 hL]] := PayloadBits.relative_keys_and_values n2 h d0 p0 hmu hT he hd.
by exists A; split=> // a; exact: hL _ _ _ _ (some_coins a).
Qed.

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

(* HEADLINE, ONLINE. One public list of keys serves the whole generation: for every scale k <= M, the state of
   every online algorithm before scale k needs (1 - H2 delta) T h bits, T the number of tokens before scale
   k. *)
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
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct K B lam ind (approx eta) (compress a) (answer a) delta ->
      (1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= bits a.
Proof.
move=> T n lam hr M0 d0 hmu hT he hd; have [K [hK hL]] := Schedule.geometric_headline h hr M0 d0 hmu hT he hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

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
  exists a : algorithm ('I_1 -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
    correct K B lam ind (approx eta) (compress a) (answer a) 0 /\
    bits a = INR h /\ bits a < c * (INR n ^ 2 * INR h).
Proof.
move=> h0 c0; have [n0 hn] := Schedule.small_scale_counterexample d h0 c0.
exists n0 => n nn K B lam eta he; have [S [f [g [h1 h2]]]] := hn n nn K B lam eta he.
by exists (without_coins f g).
Qed.

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
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct_in_mean K B lam ind (approx eta) (compress a) (answer a) delta ->
      (1 - H2 delta) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT he hd; have [K [hK hL]] := Average.relative_headline_average n2 h d0 T0 hmu hT he hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* Headline B in the same sense. *)
Theorem additive_headline_average (T n2 d h L : nat) (mu eta delta tau : R) :
  let lam := ln ((INR T + INR n2) / tau) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  (0 < L)%nat -> 0 < tau <= 1 -> 0 <= eta -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct_in_mean K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) (compress a) (answer a)
        delta ->
      (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (INR T * INR h) <= bits a.
Proof.
move=> lam d0 T0 hmu hT L0 ht e0 step hd.
have [K [hK hL]] := Average.additive_headline_average n2 h d0 T0 hmu hT L0 ht e0 step hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* Theorem C when failures are only bounded on average over the instances. *)
Theorem theorem_C_average (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
  (mu rho lam gam : R)
    (LV LK : nat) :
  let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok + N Own) * exp (c - lam' * sqrt (1 - rho * rho) * (1 - mu)) in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  forall (a : algorithm (cached Tok [finType of Adr + Pay + unit] Ch)
      (asked Own [finType of Adr + Pay + unit] Ch) R)
    (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 -> 2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  correct_on_average (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
    (C_question ref A rho lam gam) (compress a) (answer a) (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a.
Proof.
move=> lam' c tau hA hmu hrho l0 g0 P0 a eta dV dK V0 K0 e0 sV sK hV hK.
exact: (Payload.theorem_C_average hA hmu hrho l0 g0 P0 V0 K0 e0 sV sK hV hK (some_coins a)).
Qed.

(* ================= low dimension ======================================================================== *)

(* T tokens in dimension d + 1, d as small as you like: the first A = min (T, floor (e^(d mu^2 / 2))) tokens
   have incoherent keys, the others share one pad key and have value 0, and (1 - H2 delta) A h bits are
   needed. *)
Theorem low_dimension_headline (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  let A := minn T (floor (exp (INR d * mu ^ 2 / 2))) in
  let act := active (geq_minl T (floor (exp (INR d * mu ^ 2 / 2)))) : 'I_A -> 'I_T in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d.+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_d.+1 -> R, (forall i o, dot (K (act i)) (B o) <= mu) ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d.+1 -> R) ('I_h -> R),
      (forall (x : {ffun 'I_A * 'I_h -> bool}) (i : 'I_A) (c : 'I_h),
         let q := scale lam (K (act i)) in
         let V j c := if insub (val j) is Some i then ind (x (i : 'I_A, c)) else 0 in
         INR #|[pred w | ~~ approx eta (attention_own q K B V c) (answer a w (compress a w V) q c)]|
           <= delta * N (coins a)) ->
      (1 - H2 delta) * (INR A * INR h) <= bits a.
Proof.
move=> lam A act d0 T0 hmu he hd;
have [K [hK hL]] := LowDimension.low_dimension_headline n2 h d0 T0 hmu he hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* ================= replay ===================================================================== *)

(* Public weights, secret token ids.  If an acceptable answer determines all ids, and an answer is acceptable
   with probability 1 - delta, the state has at least the bits of the ids, minus log2 (1 / (1 - delta)). *)
Theorem replay_lower_bound (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (Out : Type)
    (good : {dffun forall i, V i} -> Out -> bool) (a : algorithm {dffun forall i, V i} unit Out) (delta : R) :
  (forall x y o, good x o -> good y o -> x = y) -> delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) tt)]| <= delta * N (coins a)) ->
  \rsum_i log2 (N (V i)) - log2 (/ (1 - delta)) <= bits a.
Proof.
move=> hg; exact: (@Replay.replay_lower_bound I V x0 _ _ Out good (compress a) (fun w s => answer a w s tt)
  delta
  hg (some_coins a)).
Qed.

(* Without errors: all bits of the ids. *)
Theorem replay_exact (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (Out : Type)
    (good : {dffun forall i, V i} -> Out -> bool) (a : algorithm {dffun forall i, V i} unit Out) :
  (forall x y o, good x o -> good y o -> x = y) ->
  (forall x w, good x (answer a w (compress a w x) tt)) -> \rsum_i log2 (N (V i)) <= bits a.
Proof.
move=> hg; exact: (@Replay.replay_exact I V x0 _ _ Out good (compress a) (fun w s => answer a w s tt) hg
  (some_coins a)).
Qed.

(* Keeping the ids is enough. *)
Theorem replay_cache (I : finType) (V : I -> finType) (x0 : {dffun forall i, V i}) (Out : Type)
    (good : {dffun forall i, V i} -> Out -> bool) (truth : {dffun forall i, V i} -> Out) :
  (forall x, good x (truth x)) ->
  exists a : algorithm {dffun forall i, V i} unit Out,
    (forall w x, good x (answer a w (compress a w x) tt)) /\ bits a = \rsum_i log2 (N (V i)).
Proof.
move=> hg; have [S [f [g [h hS]]]] := @Replay.replay_cache I V x0 Out good truth hg.
by exists (without_coins (fun _ => f) (fun _ s _ => g s)).
Qed.

(* VAR at 256 pixels: 255 ids with 4096 codes each are 3060 bits. *)
Theorem var256_replay :
  \rsum_(i : 'I_(\sum_(p <- [:: 1; 2; 3; 4; 5; 6; 8; 10]) (p * p))%nat) log2 (N [finType of 'I_(expn 2 12)])
    = 3060.
Proof. exact: Replay.var256_replay. Qed.

(* Ids are signs, each of a level. Contents are read up to e; once all lower levels are known, row i of l
   reads bit i from them, and it amplifies e to less than half the distance of two signs: then all bits are
   determined. *)
Theorem prefix_decoding (I J : finType) (level : I -> nat) (content : {ffun I -> bool} -> J -> R)
    (l : I -> J -> R) (e : J -> R) :
  (forall (x y : {ffun I -> bool}) i, (forall i', (level i' < level i)%nat -> x i' = y i') ->
     \rsum_j (l i j * (content x j - content y j)) = sign (x i) - sign (y i)) ->
  (forall i, \rsum_j (Rabs (l i j) * e j) < 1) ->
  forall (o : J -> R) (x y : {ffun I -> bool}),
  (forall j, Rabs (o j - content x j) <= e j) -> (forall j, Rabs (o j - content y j) <= e j) -> x = y.
Proof. exact: (@Prefix.prefix_decoding I J level content l e). Qed.

(* So a cache whose good answers tell the contents up to e, and which is good with probability 1 - delta,
   keeps all bits but log2 (1 / (1 - delta)). *)
Theorem prefix_lower_bound (I J : finType) (level : I -> nat) (content : {ffun I -> bool} -> J -> R)
    (l : I -> J -> R) (e : J -> R) (Out : Type) (good : {ffun I -> bool} -> Out -> bool)
    (read : Out -> J -> R) (a : algorithm {ffun I -> bool} unit Out) (delta : R) :
  (forall (x y : {ffun I -> bool}) i, (forall i', (level i' < level i)%nat -> x i' = y i') ->
     \rsum_j (l i j * (content x j - content y j)) = sign (x i) - sign (y i)) ->
  (forall i, \rsum_j (Rabs (l i j) * e j) < 1) ->
  (forall x o, good x o -> forall j, Rabs (read o j - content x j) <= e j) ->
  delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) tt)]| <= delta * N (coins a)) ->
  N I - log2 (/ (1 - delta)) <= bits a.
Proof.
move=> reads gain tells; exact: (@Prefix.prefix_lower_bound I J level content l e reads gain _ _ Out good read
  (compress a) (fun w s => answer a w s tt) delta tells (some_coins a)).
Qed.

(* The inverse of a layer norm moves errors by a bounded factor, in a box where the content stays under a
   share b. *)
Theorem unnormalise (C : finType) (w w' : C -> R) (s b t : R) :
  0 <= s -> N C * (s * s) <= b -> b < 1 ->
  (forall c, Rabs (w c) <= s) -> (forall c, Rabs (w' c) <= s) -> (forall c, Rabs (w c - w' c) <= t) ->
  forall c, Rabs (w c / sqrt (1 - square_norm w) - w' c / sqrt (1 - square_norm w'))
            <= t / (sqrt (1 - b) * sqrt (1 - b) * sqrt (1 - b)).
Proof. exact: (@Prefix.unnormalise C w w' s b t). Qed.

(* ================= the whole VAR layer ================================================================== *)

(* A head of the layer (projections, l2-normalised queries and keys, multiplier, softmax over cached tokens
   and last scale) is attention_own with query lambda q / |q| and keys k / |k|, if the last scale has value
   0. *)
Theorem layer_is_attention_own (Wid Head Crd Ch Tok Own : finType) (l : layer Wid Head Crd Ch)
    (x : Tok -> Wid -> R) (y : Own -> Wid -> R) (o : Own) (h : Head) (c : Ch) :
  let k v := unit_of (matvec (WK l h) v) in let q := unit_of (matvec (WQ l h) (y o)) in
  (forall o', matvec (WV l h) (y o') c = 0) ->
  softmax_mean (fun j => multiplier l h * dot q (k (join x y j))) (fun j => matvec (WV l h) (join x y j) c) =
  attention_own (scale (multiplier l h) q) (fun t => k (x t)) (fun o' => k (y o'))
    (fun t => matvec (WV l h) (x t)) c.
Proof. by move=> k q; exact: VarLayer.layer_is_attention_own. Qed.

(* Independent rows (one for each cached token, each token of the last scale, each query coordinate): with
   fixed W_Q and W_K, and a W_V that depends on the values, every token caches exactly the wanted unit key and
   values, and the last scale asks for any cached keys. One-hot rows are independent. *)
Theorem layer_realisable (Wid Head Crd Ch Tok Own : finType) (rows : Tok + (Own + Crd) -> Wid -> R)
    (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu : R) :
  (exists D : Tok + (Own + Crd) -> Wid -> R, forall i j, dot (D i) (rows j) = ind (i == j)) ->
  incoherent K mu -> (forall o, dot (B o) (B o) = 1) ->
  exists (wq wk : Head -> Crd -> Wid -> R) (wv : (Tok -> Head -> Ch -> R) -> Head -> Ch -> Wid -> R),
  forall (V : Tok -> Head -> Ch -> R) (Run : Type) (ask : Run -> Own -> Tok),
    let x t := rows (inl t) in
    let y r o w := rows (inr (inl o)) w + \rsum_(a : Crd) (K (ask r o) a * rows (inr (inr a)) w) in
    [/\ forall h t, unit_of (matvec (wk h) (x t)) = K t, forall h t, matvec (wv V h) (x t) = V t h
      & forall r h o, [/\ unit_of (matvec (wq h) (y r o)) = K (ask r o), unit_of (matvec (wk h) (y r o)) = B o
                        & matvec (wv V h) (y r o) = fun _ => 0]].
Proof.
move=> hr hK hB; have [wq [wk [wv h]]] := @VarLayer.layer_realisable _ Head _ Ch _ _ rows K B (fun _ => 1)
  mu hr hK hB.
by exists wq, wk, wv => V Run ask; have [_ h1 h2 h3] := h V Run ask.
Qed.

(* Any layer that caches public incoherent keys and secret bits in all heads: every cache that sees the
   queries, keys and values of all heads keeps (1 - H2 delta) T (H h) bits. Every multiplier is between 0 and
   100. *)
Theorem layer_lower_bound (Wid Head Crd Ch Tok Own : finType) (Run : Type) (ask : Run -> Own -> Tok)
    (place : Tok -> Run * Own) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : Head -> R)
    (x : Tok -> Wid -> R) (y : Run -> Own -> Wid -> R)
    (lay : {ffun Tok * (Head * Ch) -> bool} -> layer Wid Head Crd Ch)
    (a : algorithm (head_stream Head Crd Ch Tok) (head_stream Head Crd Ch Own) (Own -> Head -> Ch -> R))
    (eta mu delta : R) :
  (forall b, realises ask K B lam x y (lay b) (fun t h c => ind (b (t, (h, c))))) ->
  (forall t, ask (place t).1 (place t).2 = t) ->
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> (forall h, 0 < lam h <= 100) -> 0 <= eta < 1 ->
  (forall h, (1 + eta) * ((N Tok + N Own - 1) * exp (- lam h * (1 - mu))) < 1 - eta) ->
  0 <= delta <= 1/2 ->
  (forall b r o h c, INR #|[pred w | ~~ approx eta (layer_output (lay b) x (y r) o h c)
     (answer a w (compress a w (layer_stream (lay b) x)) (layer_stream (lay b) (y r)) o h c)]|
     <= delta * N (coins a)) ->
  (1 - H2 delta) * (N Tok * (N Head * N Ch)) <= bits a.
Proof.
move=> real hp hK hB hl he gap hd hc.
exact: (VarLayer.layer_lower_bound real hp hK hB hl he gap hd (some_coins a) hc).
Qed.

(* HEADLINE, LAYER. Width C >= T + n2 + d is enough: one-hot rows, fixed W_Q and W_K, and a W_V for each word
   of T H h bits. (1 - H2 delta) T (H h) bits, if every multiplier lies between ln ((T + n2) (1 + eta) / (1 -
   eta)) / (1 - mu) and VAR's cap 100. A run is one last scale; ask r o is the token that own token o asks for
   in run r, and every token is asked for in some run. *)
Theorem layer_headline (T n2 d h H C : nat) (mu eta delta : R) (lam : 'I_H -> R) :
  (0 < d)%nat -> (0 < T)%nat -> (0 < n2)%nat -> (T + n2 + d <= C)%nat -> 0 < mu < 1 ->
  INR (T + n2).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  (forall a, ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) <= lam a <= 100) ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R) (x : 'I_T -> 'I_C -> R)
    (last : 'I_n2 -> ('I_d -> R) -> 'I_C -> R) (wq wk : 'I_H -> 'I_d -> 'I_C -> R)
    (wv : {ffun 'I_T * ('I_H * 'I_h) -> bool} -> 'I_H -> 'I_h -> 'I_C -> R),
  let lay b := Layer wq wk (wv b) lam in
  incoherent K mu /\
  forall (Run : Type) (ask : Run -> 'I_n2 -> 'I_T) (place : 'I_T -> Run * 'I_n2),
    let y r o := last o (K (ask r o)) in
    (forall t, ask (place t).1 (place t).2 = t) ->
    (forall b, realises ask K B lam x y (lay b) (fun t a c => ind (b (t, (a, c))))) /\
    forall a : algorithm (head_stream _ _ _ _) (head_stream _ _ _ _) ('I_n2 -> 'I_H -> 'I_h -> R),
      layer_correct x y lay eta (compress a) (answer a) delta ->
      (1 - H2 delta) * (INR T * (INR H * INR h)) <= bits a.
Proof.
move=> d0 T0 n0 hC hmu hT he hd hl.
have [K [B [x [last [wq [wk [wv [hK hL]]]]]]]] := VarLayer.layer_headline h d0 T0 n0 hC hmu hT he hd hl.
exists K, B, x, last, wq, wk, wv; split=> // Run ask place y hp; have [real hb] := hL Run ask place hp.
by split=> // a; exact: hb _ _ _ _ (some_coins a).
Qed.

(* ================= all queries of a last scale ================================================ *)

(* MULTI-INDEX. One run answers all its queries at once, with the same own tokens B in every run; failures are
   averaged over coins, words, tokens and channels. *)
Theorem block_relative (Tok Own Crd Ch : finType) (Run : Type) (ask : Run -> Own -> Tok)
    (place : Tok -> Run * Own)
    (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam eta delta : R)
    (a : algorithm (Tok -> Ch -> R) (Own -> Crd -> R) (Own -> Ch -> R)) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  (forall i, ask (place i).1 (place i).2 = i) -> incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) ->
  0 <= lam -> 0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 ->
  \rsum_(x : {ffun Tok * Ch -> bool}) \rsum_(i : Tok) \rsum_(c : Ch)
     (let q o := scale lam (K (ask (place i).1 o)) in let V j c := ind (x (j, c)) in let o := (place i).2 in
      INR #|[pred w | ~~ approx eta (attention_own (q o) K B V c) (answer a w (compress a w V) q o c)]|)
    <= delta * (N (coins a) * N [finType of {ffun Tok * Ch -> bool}] * (N Tok * N Ch)) ->
  (1 - H2 delta) * (N Tok * N Ch) <= bits a.
Proof.
move=> tau hp hK hB l0 he gap hd hc.
exact (@Queries.block_relative Tok Own Crd Ch Run ask place K B mu lam eta delta _ _ (compress a) (answer a)
  hp hK hB l0 he gap hd (some_coins a) hc).
Qed.

(* Theorem C with one set of own tokens for all questions of a run, values and payloads: the references of all
   tokens of the run are present at once.  If T <= n2, one run (refs = identity) is enough.
   One more coordinate keeps value queries away from the references; this costs a factor in lambda. *)
Theorem theorem_C_run (Tok Own Adr Pay Ch : finType) (Run : Type) (refs : Run -> Own -> Tok)
    (place : Tok -> Run * Own) (A : Tok -> Adr -> R) (mu rho lam gam : R) (LV LK : nat) :
  let ca := sqrt (1 - rho * rho) in let k := ca * (1 - mu) / rho in
  let lamV := lam / sqrt (1 + k * k) in let lamK := lam / sqrt (1 + gam * gam) in
  let c := gam * lamK * (rho / sqrt (N Pay)) in
  let tauV := (N Tok + N Own - 1) * exp (- (lamV * ca) * (1 - mu)) in
  let tauK := (N Tok + N Own) * exp (c - lamK * ca * (1 - mu)) in
  let inst := @run_C_instance Tok Adr Pay Ch A rho lam gam LV LK in
  let qry := @run_C_question Tok Own Adr Pay Ch Run refs place A mu rho lam gam in
  (forall i, refs (place i).1 (place i).2 = i) -> (forall r, injective (refs r)) ->
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam,
      forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1 &
  forall (a : algorithm (cached Tok _ Ch) (asked Own _ Ch) R) (eta dV dK : R),
    (0 < LV)%nat -> (0 < LK)%nat ->
    2 * (eta + tauV) * (INR LV - 1) < 1 -> 2 * (eta + tauK) * (INR LK - 1) < logistic c - logistic (- c) ->
    0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
    correct_on_average (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a)
      (fun i => if i is inl _ then dV else dK) ->
    N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a].
Proof.
move=> ca k lamV lamK c tauV tauK inst qry hp hr hA hmu hrho l0 g0 P0.
have [h1 h2 h3] := @Queries.run_C_norms Tok Own Adr Pay Ch Run refs place A mu rho lam gam LV LK hA hmu hrho
  l0 g0 P0.
split=> // a eta dV dK V0 K0 sV sK hV hK.
exact: (Queries.theorem_C_run hp hr hA hmu hrho l0 g0 P0 V0 K0 sV sK hV hK (some_coins a)).
Qed.

(* Q queries, each with its own non-adaptive reads (P q w, which may depend on the coins): Q (1 - 2 delta) T
   rows in the mean over the coins, a row that two queries read being counted twice. *)
Theorem total_time (Qry Tok Crd W : finType) (u : Qry -> Crd -> R) (e : Qry -> Tok -> Tok -> Crd -> R)
    (mu lam eta delta : R) (P : Qry -> W -> {set Tok}) (ans : Qry -> W -> (Tok -> (Crd -> R) * R) -> R) :
  let rows q i b j := if j == i then (u q, ind b) else (e q i j, 0) in
  (forall q, dot (u q) (u q) = 1) -> (forall q i j, j != i -> dot (u q) (e q i j) <= mu) ->
  0 <= lam -> 0 <= eta < 1 -> (1 + eta) * ((N Tok - 1) * exp (- lam * (1 - mu))) < 1 - eta ->
  (forall q, nonadaptive (P q) (ans q)) ->
  (forall q i b, INR #|[pred w | ~~ approx eta (read_out (u q) lam (rows q i b)) (ans q w (rows q i b))]|
     <= delta * N W) ->
  N Qry * ((1 - 2 * delta) * N Tok) * N W <= \rsum_(w : W) \rsum_(q : Qry) INR #|P q w|.
Proof. by move=> rows u1 eu l0 he gap na hc; exact: (Queries.total_time u1 eu l0 he gap na hc). Qed.

(* The same with one cache of T incoherent keys: query q asks for the key of token goal q, whose row has
   changed places with row i. *)
Theorem total_time_one_cache (Qry Tok Crd W : finType) (K : Tok -> Crd -> R) (goal : Qry -> Tok)
    (mu lam eta delta : R) (P : Qry -> W -> {set Tok}) (ans : Qry -> W -> (Tok -> (Crd -> R) * R) -> R) :
  let rows q i b j := if j == i then (K (goal q), ind b) else (if j == goal q then K i else K j, 0) in
  incoherent K mu -> 0 <= lam -> 0 <= eta < 1 ->
    (1 + eta) * ((N Tok - 1) * exp (- lam * (1 - mu))) < 1 - eta ->
  (forall q, nonadaptive (P q) (ans q)) ->
  (forall q i b, INR #|[pred w | ~~ approx eta (read_out (K (goal q)) lam (rows q i b))
    (ans q w (rows q i b))]|
     <= delta * N W) ->
  N Qry * ((1 - 2 * delta) * N Tok) * N W <= \rsum_(w : W) \rsum_(q : Qry) INR #|P q w|.
Proof. by move=> rows hK l0 he gap na hc; exact: (Queries.total_time_one_cache hK l0 he gap na hc). Qed.

(* ================= zoom ======================================================================= *)

(* Without errors: if for any two words that differ at i some allowed query has no answer that is acceptable
   for both, the state has all the bits. *)
Theorem pairs_lower_bound (I : finType) (A : I -> finType) (x0 : {dffun forall i, A i})
    (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp)
    (fam : Qry -> Prop) (a : algorithm Inp Qry Out) :
  (forall (x y : {dffun forall i, A i}) i, x i != y i ->
     exists q, fam q /\ forall o, good (inst x) q o -> good (inst y) q o -> False) ->
  (forall w x q, fam q -> good (inst x) q (answer a w (compress a w (inst x)) q)) ->
  \rsum_i log2 (N (A i)) <= bits a.
Proof.
move=> far; exact: (@Zoom.pairs_lower_bound I A x0 _ _ Inp Qry Out good inst fam _ _ far (some_coins a)).
Qed.

(* Theorem C' at delta = 0. Payload logits lie on LK equally spaced levels between - c and c, of spacing 2 c /
   (LK - 1) > 2 ln ((1 + 2 eta) / (1 - 2 eta)) + ln (1 + tau). For every pair of levels a < b there is a query
   whose reference is half way between them; all own tokens are copies of this reference. If every answer is
   within eta, the state has T (h log2 LV + p log2 LK) bits. *)
Theorem theorem_C_zoom (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
  (mu rho lam gam eta : R)
    (LV LK : nat) :
  let ca := sqrt (1 - rho * rho) in let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok - 1) * exp (2 * c - lam' * ca * (1 - mu)) in
  let tauV := (N Tok + N Own - 1) * exp (- (lam * ca) * (1 - mu)) in
  let inst := @zoom_instance Tok Adr Pay Ch A rho LV LK in
  let value := @zoom_value Tok Own Adr Pay Ch ref A rho lam gam in
  let zoom := @zoom_question Tok Own Adr Pay Ch A mu rho lam gam LK in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay -> 0 <= eta < 1/2 ->
  (2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau)) * (INR LK - 1) < 2 * c ->
  (0 < LV)%nat -> (0 < LK)%nat -> 2 * (eta + tauV) * (INR LV - 1) < 1 ->
  forall a : algorithm (cached Tok _ Ch) (asked Own _ Ch) R,
  (forall w x i ch,
     near eta (output (inst x) (value i ch)) (answer a w (compress a w (inst x)) (value i ch))) ->
  (forall w x i p (k l : 'I_LK), (k < l)%nat ->
     near eta (output (inst x) (zoom i p k l)) (answer a w (compress a w (inst x)) (zoom i p k l))) ->
  N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)) <= bits a.
Proof.
move=> ca lam' c tau tauV inst value zoom hA hmu hrho l0 g0 P0 he st V0 K0 sV a hv hk.
exact: (Zoom.theorem_C_zoom hA hmu hrho l0 g0 P0 he st V0 K0 sV (some_coins a) hv hk).
Qed.

(* In Theorem C' all keys are unit vectors and all queries have norm lambda, if c + ln n2 <= c sqrt p. *)
Theorem theorem_C_zoom_norms (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
    (mu rho lam gam eta : R) (LV LK : nat) :
  let lam' := lam / sqrt (1 + gam * gam) in let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok - 1) * exp (2 * c - lam' * sqrt (1 - rho * rho) * (1 - mu)) in
  let inst := @zoom_instance Tok Adr Pay Ch A rho LV LK in
  let zoom := @zoom_question Tok Own Adr Pay Ch A mu rho lam gam LK in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay -> 0 <= eta < 1/2 ->
  (2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau)) * (INR LK - 1) < 2 * c ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1,
      forall i p a b, dot (zoom i p a b).1.1 (zoom i p a b).1.1 = lam * lam
    & forall i p (a b : 'I_LK) o, c + ln (N Own) <= c * sqrt (N Pay) -> (a < b)%nat ->
        dot ((zoom i p a b).1.2 o) ((zoom i p a b).1.2 o) = 1].
Proof.
move=> lam' c tau inst zoom hA hmu hrho l0 g0 P0 he st; split.
- exact: (Zoom.zoom_keys_unit (Ch := Ch) (LV := LV) (LK := LK) hA hrho l0 g0 P0 he).
- exact: (Zoom.zoom_query_norm Ch ref rho lam gam (LK := LK) hA).
- by move=> i p a b o; exact: (Zoom.zoom_own_unit Ch ref hA hrho l0 g0 P0 he st).
Qed.

(* ================= the sharp single read ====================================================== *)

(* Theorem C, sharper. For a payload all own tokens are copies of one reference, its logit lowered by ln n2,
   so that together they weigh as one token without payload. The leak tau of the other cached tokens can then
   only raise an output, and payload levels need to be 2 eta + tau apart, not 2 (eta + tau). Values are read
   as in Theorem C. *)
Theorem theorem_C_sharp (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R) (mu rho lam gam : R)
    (LV LK : nat) :
  let ca := sqrt (1 - rho * rho) in let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (N Pay)) in
  let tau := (N Tok - 1) * exp (c - lam' * ca * (1 - mu)) in
  let tauV := (N Tok + N Own - 1) * exp (- (lam * ca) * (1 - mu)) in
  incoherent A mu -> 0 <= mu <= 1 -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  forall (a : algorithm (cached Tok [finType of Adr + Pay + unit] Ch)
      (asked Own [finType of Adr + Pay + unit] Ch) R)
    (eta dV dK : R),
  (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 -> (2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  correct_on (fun inp q => near eta (output inp q)) (@C_instance Tok Adr Pay Ch A rho lam gam LV LK)
    (C_sharp_question ref A rho lam gam) (compress a) (answer a) (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a.
Proof.
move=> ca lam' c tau tauV hA hmu hrho l0 g0 P0 a eta dV dK V0 K0 sV sK hV hK.
exact: (Sharp.theorem_C_sharp hA hmu hrho l0 g0 P0 V0 K0 sV sK hV hK (some_coins a)).
Qed.

(* In the sharp Theorem C all keys are unit vectors and all queries have norm lambda; Bob's own keys are unit
   vectors if ln n2 <= c sqrt p, so that the copies are in reach. *)
Theorem theorem_C_sharp_norms (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R)
  (mu rho lam gam : R)
    (LV LK : nat) :
  let lam' := lam / sqrt (1 + gam * gam) in let c := gam * lam' * (rho / sqrt (N Pay)) in
  let inst := @C_instance Tok Adr Pay Ch A rho lam gam LV LK in
  let qry := @C_sharp_question Tok Own Adr Pay Ch ref A rho lam gam in
  incoherent A mu -> 0 < rho <= 1 -> 0 < lam -> 0 < gam -> 0 < N Pay ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam
    & ln (N Own) <= c * sqrt (N Pay) -> forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1].
Proof.
move=> lam' c inst qry hA hrho l0 g0 P0; split=> [x i|ix|hn ix o].
- exact: (C_keys_unit hA hrho l0 g0 P0).
- exact: (Sharp.C_sharp_norm ref rho lam gam hA).
exact: (Sharp.C_sharp_own_unit ref hA hrho l0 g0 P0).
Qed.

(* HEADLINE, SHARP C.  The sharp Theorem C with greedy addresses in dimension da, n2 + 1 own tokens, all
   keys unit vectors and all queries of norm lambda. *)
Theorem theorem_C_sharp_headline (T n2 da p h LV LK : nat) (mu rho lam gam eta dV dK : R) :
  let ca := sqrt (1 - rho * rho) in let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (INR p)) in
  let tau := (INR T - 1) * exp (c - lam' * ca * (1 - mu)) in
  let tauV := (INR T + INR n2.+1 - 1) * exp (- (lam * ca) * (1 - mu)) in
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 < rho <= 1 -> 0 < lam -> 0 < gam -> (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 -> (2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  ln (INR n2.+1) <= c * sqrt (INR p) -> 0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho lam gam LV LK in
    let qry := @C_sharp_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2.+1 _ 'I_h) R,
      correct_on (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a)
        (fun i => if i is inl _ then dV else dK) ->
      INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= bits a].
Proof.
move=> ca lam' c tau tauV d0 p0 hmu hT hr l0 g0 V0 K0 sV sK reach hV hK.
have [A [h1 h2 h3 h4 hL]] :=
  Sharp.theorem_C_sharp_headline h d0 p0 hmu hT hr l0 g0 V0 K0 sV sK reach hV hK.
by exists A; split=> // a; exact: hL _ _ _ _ (some_coins a).
Qed.

(* HEADLINE, ZOOM.  Theorem C' with greedy addresses, n2 + 1 own tokens, unit keys, queries of norm lambda,
   no errors. *)
Theorem theorem_C_zoom_headline (T n2 da p h LV LK : nat) (mu rho lam gam eta : R) :
  let ca := sqrt (1 - rho * rho) in let lam' := lam / sqrt (1 + gam * gam) in
  let c := gam * lam' * (rho / sqrt (INR p)) in
  let tau := (INR T - 1) * exp (2 * c - lam' * ca * (1 - mu)) in
  let tauV := (INR T + INR n2.+1 - 1) * exp (- (lam * ca) * (1 - mu)) in
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 < rho <= 1 -> 0 < lam -> 0 < gam -> (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 -> 0 <= eta < 1/2 ->
  (2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau)) * (INR LK - 1) < 2 * c ->
  c + ln (INR n2.+1) <= c * sqrt (INR p) ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @zoom_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho LV LK in
    let value := @zoom_value _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    let zoom := @zoom_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] [finType of 'I_h] A mu rho lam gam
      LK in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall i ch, dot (value i ch).1.1 (value i ch).1.1 = lam * lam /\
           forall o, dot ((value i ch).1.2 o) ((value i ch).1.2 o) = 1),
        (forall i j (k l : 'I_LK), (k < l)%nat -> dot (zoom i j k l).1.1 (zoom i j k l).1.1 = lam * lam /\
           forall o, dot ((zoom i j k l).1.2 o) ((zoom i j k l).1.2 o) = 1) &
    forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2.+1 _ 'I_h) R,
      (forall w x i ch,
         near eta (output (inst x) (value i ch)) (answer a w (compress a w (inst x)) (value i ch))) ->
      (forall w x i j (k l : 'I_LK), (k < l)%nat ->
         near eta (output (inst x) (zoom i j k l)) (answer a w (compress a w (inst x)) (zoom i j k l))) ->
      INR T * (INR h * log2 (INR LV) + INR p * log2 (INR LK)) <= bits a].
Proof.
move=> ca lam' c tau tauV d0 p0 hmu hT hr l0 g0 V0 K0 sV he st reach.
have [A [h1 h2 h3 h4 hL]] := Sharp.theorem_C_zoom_headline h d0 p0 hmu hT hr l0 g0 V0 K0 sV he st reach.
by exists A; split=> // a; exact: hL _ _ _ _ (some_coins a).
Qed.

(* ================= frames =============================================================================== *)

(* INDEX on a family Y of words that need not be all words: x is the word of a member, and different members
   have different words.  The decoder of symbol i may be told all symbols of lower rank.  With errors delta i,
   averaged over public coins and members, the message has the sum of Fano's rates in bits, less the
   log-density of Y. *)
Theorem index_subset (I : finType) (A : I -> finType) (Y : finType) (y0 : Y) (x : Y -> {dffun forall i, A i})
    (rank : I -> nat) (W S : finType) (enc : W -> Y -> S)
    (dec : W -> S -> {dffun forall i, A i} -> {dffun forall i, A i}) (delta : I -> R) :
  injective x ->
  (forall w s (u v : {dffun forall i, A i}) i, (forall j, (rank j < rank i)%nat -> u j = v j) ->
     dec w s u i = dec w s v i) ->
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(w : W) \rsum_(y : Y) ind (x y i != dec w (enc w y) (x y) i) <= delta i * (N W * N Y)) ->
  \rsum_i fano (N (A i)) (delta i) - log2 (N [finType of {dffun forall i, A i}] / N Y) <= log2 (N S).
Proof.
move=> inj told; apply: (IndexSubset.index_subset y0 inj (rank := rank)) => w s u v i /agreeP.
exact: told.
Qed.

(* Theorem F at delta = 0.  Addresses b_i in R^(1 + p), first coordinate below 1, of coherence at most mu1.
   The frame of b_i is the image of the other p axes under the reflection that exchanges b_i and the first
   axis; its coherence with other addresses is at most mu2.  A key is c0 b_i, plus a payload of p letters
   along the frame, plus a coordinate that fills it up to norm 1; letters lie on a symmetric grid of L points
   of spacing h, and payloads that do not fit are left out.  h values lie on LV levels.
   payload i l a tilts the query from b_i by cs, sn towards frame vector l, or away from it, and asks whether
   the letter is at least as far out as letter a: all own tokens are copies of one key, half way below it,
   blurred by tau.
   value i c asks for channel c with query lam b_i; the own tokens have the key - b_i.
   If every answer to these questions is within eta, then T (p fano(L) + h fano(LV) - log2 (1 + 1/z)) bits are
   needed: 3/2 pK and pV bound how often the query of a symbol is shut, that is how often the other cached
   tokens weigh more than tau, or tauV / 2, times a token at the logit a0, or lam c0; 1 / (1 + 1/z) bounds the
   density of the payloads that fit.  m is the variance of a letter. *)
Theorem frames (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (L LV : nat)
    (lam eta c0 cs sn h tau tauV mu1 mu2 z tK tV : R) :
  let m := h ^ 2 * (INR L ^ 2 - 1) / 12 in
  let shut t mu y := (1 + / z) * ((N Tok - 1) * exp (- t * (y - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2) / 2)) in
  let muK := cs * mu1 + sn * mu2 in
  let a0 := lam * (cs * c0 + sn * - (h / 2)) in
  let pK := shut tK muK ((a0 + ln tau) / lam) in
  let pV := shut tV mu1 ((lam * c0 + ln (tauV / 2)) / lam) in
  let inst := @frame_instance Tok Pay Ch _ b c0 LV (fun k : 'I_L => h * (INR k - (INR L - 1) / 2)) in
  let value := @FrameFamily.value_question Tok Own Pay Ch b lam in
  let payload := @letter_question Tok Own Pay Ch _ b c0 (fun k : 'I_L => h * (INR k - (INR L - 1) / 2))
    lam cs sn h tau in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  (forall i j, i != j -> dot (b i : [finType of option Pay] -> R) (b j) <= mu1) ->
  (forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 < tau -> 0 < tauV ->
  (0 < L)%nat -> ~~ odd L -> (0 < LV)%nat -> (0 < #|Own|)%nat ->
  0 < z -> N Pay * m + sqrt (z * (N Pay * (h ^ 4 * (INR L ^ 2 - 1) * (INR L ^ 2 - 4) / 180))) <= 1 - c0 ^ 2 ->
  2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h ->
  2 * (eta + tauV) * (INR LV - 1) < 1 ->
  N Own * exp (- lam) <= tauV / 2 * exp (lam * c0) ->
  0 < tK <= lam -> 0 < tV <= lam -> tK * m * muK <= c0 -> tV * m * mu1 <= c0 ->
  0 <= 3/2 * pK <= 1 - / INR L -> 0 <= pV <= 1 - / INR LV ->
  forall alg : algorithm (cached Tok _ Ch) (asked Own _ Ch) R,
  (forall w x i c,
     near eta (frame_output (inst x) (value i c)) (answer alg w (compress alg w (inst x)) (value i c))) ->
  (forall w x i l a,
     near eta (frame_output (inst x) (payload i l a))
       (answer alg w (compress alg w (inst x)) (payload i l a))) ->
  N Tok * (N Pay * fano (INR L) (3/2 * pK) + N Ch * fano (INR LV) pV - log2 (1 + / z)) <= bits alg.
Proof.
move=> m shut muK a0 pK pV inst value payload b1 b0 hc hf l0 he cs0 sn0 circle h0 t0 tV0 L0 ev V0 O0 z0 hz.
move=> step sV own tK1 tV1 mK mV hK hV alg.
exact: (@FrameFloor.frames Tok Own Pay Ch b L LV _ _ _ _ _ _ lam eta c0 cs sn h tau tauV mu1 mu2 z tK tV
  erefl erefl erefl erefl erefl erefl b1 b0 hc hf l0 he cs0 sn0 circle h0 t0 tV0 L0 ev V0 O0 z0 hz step sV own
  tK1 tV1 mK mV hK hV
  _ _ _ _ (some_coins alg)).
Qed.

(* In Theorem F all cached keys and all of Bob's own keys are unit vectors and all queries have norm lambda,
   if the outermost letter fits into the sphere and ln n2 <= lambda. *)
Theorem frames_norms (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (L LV : nat)
    (lam eta c0 cs sn h tau : R) :
  let inst := @frame_instance Tok Pay Ch _ b c0 LV (fun k : 'I_L => h * (INR k - (INR L - 1) / 2)) in
  let value := @FrameFamily.value_question Tok Own Pay Ch b lam in
  let payload := @letter_question Tok Own Pay Ch _ b c0 (fun k : 'I_L => h * (INR k - (INR L - 1) / 2))
    lam cs sn h tau in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= c0 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 <= tau ->
  ~~ odd L -> (0 < #|Own|)%nat -> ln (N Own) <= lam ->
  2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h ->
  (h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2 ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1,
      forall i c, let Q := value i c in dot Q.1.1 Q.1.1 = lam ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1
    & forall i l a, let Q := payload i l a in
        dot Q.1.1 Q.1.1 = lam ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1].
Proof. by move=> inst value payload; exact: (@FrameFloor.frames_norms Tok Own Pay Ch b L LV). Qed.

(* Theorem F for delta > 0.  The letters are a finite set A: 2^B blocks of L levels, at the positions v, in
   increasing order of blocks.  They have the sub-Gaussian constant m and the moments m2, m4.
   side i l t, for 0 < t < 2^B, asks whether the letter is in block t or above, with copies half way between
   below t and above t, blurred by tau; blocks from 2^(B-1) on are read towards the frame vector, others away
   from it.
   level i l k asks for the level in block k: the copies weigh as much as a token at centre k.
   Between two blocks the positions leave a gap of more than 4 artanh (2 eta) + ln (1 + tau) in logits, and
   levels of a block lead to logistic outputs more than 2 eta + tau / 4 apart.  If every question fails with
   probability at most delta over the coins, then T (p (B fano(2) + fano(L)) + h fano(LV) - log2 (1 + 1/z))
   bits are needed, with the errors delta + pK and delta + pV: pK and pV bound how often a query is shut, as
   in Theorem F at delta = 0. *)
Theorem frames_with_failures (Tok Own Pay Ch A : finType) (b : Tok -> option Pay -> R) (B L LV : nat)
    (v : A -> R) (block : A -> nat) (letter_level : A -> 'I_L) (below above centre : nat -> R)
    (lam eta delta c0 cs sn low tau tauV mu1 mu2 m m2 m4 z tK tV : R) :
  let shut t mu y := (1 + / z) * ((N Tok - 1) * exp (- t * (y - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2) / 2)) in
  let muK := cs * mu1 + sn * mu2 in
  let a0 := lam * (cs * c0 + sn * - low) in
  let pK := shut tK muK ((a0 + ln tau) / lam) in
  let pV := shut tV mu1 ((lam * c0 + ln (tauV / 2)) / lam) in
  let inst := @frame_instance Tok Pay Ch A b c0 LV v in
  let value := @FrameFamily.value_question Tok Own Pay Ch b lam in
  let side := @cut_question Tok Own Pay Ch b c0 B below above lam cs sn tau in
  let level := @level_question Tok Own Pay Ch b c0 B centre lam cs sn in
  let towards k := if (expn 2 B.-1 <= k)%nat then 1 else -1 in
  (* the letters *)
  (forall a, (block a < expn 2 B)%nat) ->
  (forall a a', block a = block a' -> letter_level a = letter_level a' -> a = a') -> N A = 2 ^ B * INR L ->
  (forall a t, (0 < t < expn 2 B)%nat -> (block a < t)%nat -> v a <= below t) ->
  (forall a t, (0 < t < expn 2 B)%nat -> (t <= block a)%nat -> above t <= v a) ->
  (forall t, (0 < t < expn 2 B)%nat ->
     2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * (above t - below t)) ->
  (forall t, (0 < t < expn 2 B)%nat -> - low <= (if (expn 2 B.-1 <= t)%nat then below t else - above t)) ->
  (forall a, - low <= towards (block a) * v a) ->
  (forall a a', block a = block a' -> letter_level a != letter_level a' ->
     let w a := / (1 + exp (- (lam * sn * (v a - centre (block a))))) in
     2 * eta + tau / 4 < Rabs (w a - w a')) ->
  0 <= m -> (forall s, (\rsum_a exp (s * v a)) / N A <= exp (s ^ 2 * m / 2)) ->
  (\rsum_a v a ^ 2) / N A = m2 -> (\rsum_a (v a ^ 2) ^ 2) / N A = m4 ->
  0 < z -> N Pay * m2 + sqrt (z * (N Pay * (m4 - m2 ^ 2))) <= 1 - c0 ^ 2 ->
  (* the addresses *)
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  (forall i j, i != j -> dot (b i : [finType of option Pay] -> R) (b j) <= mu1) ->
  (forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2) ->
  (* the parameters *)
  0 < lam -> 0 <= eta < 1/2 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < tau -> 0 < tauV ->
  (0 < L)%nat -> (0 < LV)%nat -> (0 < #|Own|)%nat -> 2 * (eta + tauV) * (INR LV - 1) < 1 ->
  N Own * exp (- lam) <= tauV / 2 * exp (lam * c0) ->
  0 < tK <= lam -> 0 < tV <= lam -> tK * m * muK <= c0 -> tV * m * mu1 <= c0 ->
  0 <= delta + pK <= 1/2 -> delta + pK <= 1 - / INR L -> 0 <= delta + pV <= 1 - / INR LV ->
  forall alg : algorithm (cached Tok _ Ch) (asked Own _ Ch) R,
  let failed x Q :=
    INR #|[pred w | ~~ near eta (frame_output (inst x) Q) (answer alg w (compress alg w (inst x)) Q)]| in
  (forall x i c, failed x (value i c) <= delta * N (coins alg)) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (side i l t) <= delta * N (coins alg)) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level i l k) <= delta * N (coins alg)) ->
  N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK))
           + N Ch * fano (INR LV) (delta + pV) - log2 (1 + / z)) <= bits alg.
Proof.
move=> shut muK a0 pK pV inst value side level towards hb inj NA gb ga wide far lfar lev m0 mom e2 e4 z0 hz.
move=> b1 b0 hc hf l0 he cs0 sn0 circle t0 tV0 L0 V0 O0 sV own tK1 tV1 mK mV hB hL hV alg failed fv fs fl.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P1 : 1 <= 1 + / z by lra.
have A0 : 0 < N A by rewrite NA; apply: Rmult_lt_0_compat; [apply: pow_lt; lra|exact: INR_gt0].
exact: (@FrameFailures.frames_with_failures Tok Own Pay Ch A b c0 LV L B v block letter_level below above
  centre lam cs sn low tau tauV eta mu1 mu2 (1 + / z) m tK tV delta hb inj b1 b0 l0 cs0 sn0 circle t0 he O0
  gb ga wide far lfar lev sV own tV0 L0 NA P1 V0 (moments_dense A0 z0 e2 e4 hz) hc m0 mom tK1 tV1 mV hV
  _ _ (compress alg) (answer alg) hf mK hB hL (some_coins alg) fv fs fl).
Qed.

(* The same with a sum over the other tokens in place of their worst coherence. meet i l e j bounds how often
   token j closes the query of token i that is tilted towards frame vector l (e = 1), or away from it (e =
   -1): g and xi are the inner products of the query with address j and with frame vector l of token j, whose
   letter keeps its own exponential moment. 2 pM bounds both sides together. Every letter has an opposite
   one, in the other half of the blocks; so each side is asked for half of all words, and only the highest
   digit has the error delta + 2 pM. *)
Theorem frames_with_meetings (Tok Own Pay Ch A : finType) (b : Tok -> option Pay -> R) (B L LV : nat)
    (v : A -> R) (block : A -> nat) (letter_level : A -> 'I_L) (below above centre : nat -> R)
    (lam eta delta c0 cs sn low tau tauV mu1 m m2 m4 z tK tV pM : R) :
  let a0 := lam * (cs * c0 + sn * - low) in
  let meet i l e j :=
    let g := cs * dot (b i : [finType of option Pay] -> R) (b j) + e * sn * dot (frame (b i) l) (b j) in
    let xi := cs * dot (frame (b j) l) (b i) + e * sn * dot (frame (b j) l) (frame (b i) l) in
    exp (- tK * ((a0 + ln tau) / lam - c0 * g) + tK ^ 2 * m * (1 - g ^ 2 - xi ^ 2) / 2)
      * ((\rsum_a exp (tK * xi * v a)) / N A) in
  let pV := (1 + / z) * ((N Tok - 1) * exp (- tV * ((lam * c0 + ln (tauV / 2)) / lam - c0 * mu1)
    + tV ^ 2 * m * (1 - mu1 ^ 2) / 2)) in
  let inst := @frame_instance Tok Pay Ch A b c0 LV v in
  let value := @FrameFamily.value_question Tok Own Pay Ch b lam in
  let side := @cut_question Tok Own Pay Ch b c0 B below above lam cs sn tau in
  let level := @level_question Tok Own Pay Ch b c0 B centre lam cs sn in
  let upper k := (expn 2 B.-1 <= k)%nat in
  (* the letters *)
  (0 < B)%nat -> (forall a, (block a < expn 2 B)%nat) ->
  (forall a a', block a = block a' -> letter_level a = letter_level a' -> a = a') -> N A = 2 ^ B * INR L ->
  (forall a t, (0 < t < expn 2 B)%nat -> (block a < t)%nat -> v a <= below t) ->
  (forall a t, (0 < t < expn 2 B)%nat -> (t <= block a)%nat -> above t <= v a) ->
  (forall t, (0 < t < expn 2 B)%nat ->
     2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * (above t - below t)) ->
  (forall t, (0 < t < expn 2 B)%nat -> - low <= (if upper t then below t else - above t)) ->
  (forall a, - low <= (if upper (block a) then 1 else -1) * v a) ->
  (exists opp : A -> A, involutive opp /\ forall a, v (opp a) = - v a /\
     upper (block (opp a)) = ~~ upper (block a)) ->
  (forall a a', block a = block a' -> letter_level a != letter_level a' ->
     let w a := / (1 + exp (- (lam * sn * (v a - centre (block a))))) in
     2 * eta + tau / 4 < Rabs (w a - w a')) ->
  0 <= m -> (forall s, (\rsum_a exp (s * v a)) / N A <= exp (s ^ 2 * m / 2)) ->
  (\rsum_a v a ^ 2) / N A = m2 -> (\rsum_a (v a ^ 2) ^ 2) / N A = m4 ->
  0 < z -> N Pay * m2 + sqrt (z * (N Pay * (m4 - m2 ^ 2))) <= 1 - c0 ^ 2 ->
  (* the addresses *)
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  (forall i j, i != j -> dot (b i : [finType of option Pay] -> R) (b j) <= mu1) ->
  (forall i l,
     (1 + / z) * (\rsum_(j | j != i) meet i l 1 j + \rsum_(j | j != i) meet i l (-1) j) <= 2 * pM) ->
  (* the parameters *)
  0 < lam -> 0 <= eta < 1/2 -> 0 <= delta -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < tau -> 0 < tauV ->
  (0 < L)%nat -> (0 < LV)%nat -> (0 < #|Own|)%nat -> 2 * (eta + tauV) * (INR LV - 1) < 1 ->
  N Own * exp (- lam) <= tauV / 2 * exp (lam * c0) ->
  0 < tK <= lam -> 0 < tV <= lam -> tV * m * mu1 <= c0 ->
  delta + 2 * pM <= 1/2 -> delta + pM <= 1 - / INR L -> 0 <= delta + pV <= 1 - / INR LV ->
  forall alg : algorithm (cached Tok _ Ch) (asked Own _ Ch) R,
  let failed x Q :=
    INR #|[pred w | ~~ near eta (frame_output (inst x) Q) (answer alg w (compress alg w (inst x)) Q)]| in
  (forall x i c, failed x (value i c) <= delta * N (coins alg)) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (side i l t) <= delta * N (coins alg)) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level i l k) <= delta * N (coins alg)) ->
  N Tok * (N Pay * (fano 2 (delta + 2 * pM) + (INR B - 1) * fano 2 (delta + pM) + fano (INR L) (delta + pM))
           + N Ch * fano (INR LV) (delta + pV) - log2 (1 + / z)) <= bits alg.
Proof.
move=> a0 meet pV inst value side level upper B0 hb inj NA gb ga wide far lfar opp lev m0 mom e2 e4 z0 hz.
move=> b1 b0 hc hM l0 he d0 sn0 circle t0 tV0 L0 V0 O0 sV own tK1 tV1 mV hB hL hV alg failed fv fs fl.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P1 : 1 <= 1 + / z by lra.
have A0 : 0 < N A by rewrite NA; apply: Rmult_lt_0_compat; [apply: pow_lt; lra|exact: INR_gt0].
exact: (@FrameFailures.frames_with_meetings Tok Own Pay Ch A b c0 LV L B v block letter_level below above
  centre lam cs sn low tau tauV eta mu1 (1 + / z) m tK tV delta hb inj b1 b0 l0 sn0 circle t0 he O0
  gb ga wide far lfar lev sV own tV0 L0 NA P1 V0 (moments_dense A0 z0 e2 e4 hz) hc m0 mom tK1 tV1 mV hV
  pM _ _ (compress alg) (answer alg) hM opp B0 d0 hB hL (some_coins alg) fv fs fl).
Qed.

(* On a grid of 2^B L points of spacing h, whose runs of L neighbours are the blocks, all keys are unit
   vectors and all questions have norm lambda and unit own keys, if the sphere has room for half a step beyond
   the outermost letter. *)
Theorem frames_with_failures_norms (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (B L LV : nat)
    (lam eta c0 cs sn h tau : R) :
  let K := (expn 2 B * L)%nat in
  let at_ r := h * (r - (INR K - 1) / 2) in
  let inst := @frame_instance Tok Pay Ch _ b c0 LV (fun k : 'I_K => at_ (INR k)) in
  let value := @FrameFamily.value_question Tok Own Pay Ch b lam in
  let side := @cut_question Tok Own Pay Ch b c0 B (fun t => at_ (INR t * INR L - 1))
    (fun t => at_ (INR t * INR L)) lam cs sn tau in
  let level := @level_question Tok Own Pay Ch b c0 B (fun k => at_ (INR k * INR L + (INR L - 1) / 2))
    lam cs sn in
  let unit Q := dot Q.1.1 Q.1.1 = lam ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= c0 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 <= tau ->
  (0 < L)%nat -> (0 < B)%nat -> (0 < #|Own|)%nat -> ln (N Own) <= lam ->
  2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h -> (h * INR K / 2) ^ 2 <= 1 - c0 ^ 2 ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      forall i l t, (0 < t < expn 2 B)%nat -> unit (side i l t)
    & forall i l k, (k < expn 2 B)%nat -> unit (level i l k)].
Proof.
move=> K at_ inst value side level unit b1 b0 l0 he c00 cs0 sn0 circle h0 t0 L0 B0 O0 lO gap fits.
have [h1 h2] := grid_questions_unit Ch L0 B0 h0 b1 b0 l0 cs0 sn0 circle c00 t0 he gap O0 lO fits; split=> //.
- exact: frame_key_unit.
- exact: value_question_unit.
Qed.

(* ================= flat logits ================================================================ *)

(* Without a gap there is no bound: with lambda = 0 a cache of h log2 (T + 1) bits is correct for 0/1
   values. *)
Theorem flat_logits (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
  (eta : R) : 0 <= eta < 1 ->
  exists a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R),
    correct K B 0 ind (approx eta) (compress a) (answer a) 0 /\ bits a = N Ch * log2 (N Tok + 1).
Proof.
move=> he; have [f [g [h hS]]] := FlatLogits.flat_logits Ch K B he.
by exists (without_coins f g).
Qed.

(* ================= cliques ==================================================================== *)

(* Theorem E on a lattice of keys, with one tilt, at delta = 0.  A word spells T symbols.  Key i is the unit
   vector of R^(n + 1), n = #|J|, over a point of the lattice Z^n / M in the unit ball (key); value i is 1 in
   channel None and has one of L equally spaced levels in each channel of Ch.  The words in question are those
   whose keys have mutual inner products of at most mu.  A mass question has any query of norm lam and, for
   all own tokens, copies of any unit key, and asks for channel None; a value question has a key of some word,
   times lam, as its query, the opposite key for all own tokens, and asks for another channel.  A cache that
   answers these questions within eta has so many bits, of which log2 T! are for the order of the tokens, and
   1 for the words that are not coherent.  C is the cosine of the tilt; c0, c1 and c2 are the cosines of the
   first match of two keys, of the second, and of the tilted one; rest, tau and leak are the weights of all
   other tokens in each of these reads, relative to the token that is read.  Keys of a clique are within sqrt
   (2 - 2 c2) < k/m of each other; a cap of cosine mu holds at most (k'/m')^n of all keys.  Both hold up to
   the lattice, which is fine enough if M is large. *)
Theorem clique_lattice (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L m k m' k' : nat)
    (lam eta mu C tau : R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let c0 := 1 - (s + ln T) / lam in
  let rest := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - rest)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  forall a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer a w (compress a w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer a w (compress a w (inst x)) (value y i c))) ->
  T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1 <= bits a.
Proof.
move=> T n s sine turn c0 rest c1 c2 leak words inst mass value M0 L0 m0 k0 m'0 k'0 l0 he hmu hrest hinj.
move=> hC htau hg hreach hc2 hL hm hfit hq a hmass hvalue; have /card_gt0P[w _] : (0 < #|coins a|)%nat.
  by rewrite lt0n; apply/eqP => e; have := some_coins a; rewrite /N e; exact: Rlt_irrefl.
have keys_match := Cliques.coarse_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 hmu hrest hinj hC.
exact: (Cliques.clique_lattice t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL (hmass w)
  (hvalue w)
  m0 k0 hm L0 m'0 k'0 hfit hq).
Qed.

(* The same where the first match needs no ln T: keys of cosines below `edge` with one key weigh together less
   than half of what they must, and of mutual cosines of at most mu no more than `few` are above it.  So keys
   are told apart where many more tokens are cached. *)
Theorem clique_lattice_few (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L m k m' k' : nat)
    (lam eta mu C tau : R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let edge := 1 - (s + ln (2 * T)) / lam in let few := (1 - mu) / (edge * edge - mu) in
  let c0 := 1 - (s + ln (2 * few)) / lam in
  let rest := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - rest)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= edge -> mu < edge * edge -> 0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  forall a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer a w (compress a w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer a w (compress a w (inst x)) (value y i c))) ->
  T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1 <= bits a.
Proof.
move=> T n s sine turn edge few c0 rest c1 c2 leak words inst mass value M0 L0 m0 k0 m'0 k'0 l0 he e0 hedge
  hmu hrest hinj.
move=> hC htau hg hreach hc2 hL hm hfit hq a hmass hvalue; have /card_gt0P[w _] : (0 < #|coins a|)%nat.
  by rewrite lt0n; apply/eqP => e; have := some_coins a; rewrite /N e; exact: Rlt_irrefl.
have keys_match :=
  Cliques.few_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 e0 hedge hmu hrest hinj hC.
exact: (Cliques.clique_lattice t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL (hmass w)
  (hvalue w)
  m0 k0 hm L0 m'0 k'0 hfit hq).
Qed.

(* Theorem E on a lattice of keys, with a chain of tilts. Words, questions, cache and the conditions up to
   that on the levels are those of clique_lattice. K further tilts follow the first one, each with a cosine,
   and with a cosine near_cosine of the keys that are near a query. The two queries of a tilt have the cosine
   with a key, and lean from it towards some direction and away from it. The tilt is open there if no other
   key is near one of them; rest is the weight that the other keys then have, relative to the key that is
   read. If tilt l is open, two keys of a clique are at most radius (l + 1) apart in that direction; with the
   first tilt alone they are at most radius 0 apart. Keys that are near a query and coherent with the key
   that it leans from have a cosine of at least rim with the query less pull times that key, made a unit
   vector; so they lie in a cap. reach l / m bounds radius l, and cap l / m' bounds the n-th root of the part
   of all keys in the cap; both hold up to the lattice, which is fine enough if M is large. So a tilt is shut
   in a part T^2 (cap l / m')^(2 n) of all words, or less. The last condition says that (k/m)^n is at least
   the mean of the n-th powers of the radii, by a factor of g / (g - 2); and one word in g has coherent keys,
   and tilts that are shut no more often than so. For K = 0 this is clique_lattice, but for the factor and
   log2 g. *)
Theorem clique_tilts (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L m k m' k' g K : nat)
    (reach cap : nat -> nat) (lam eta mu C tau : R) (cosine near_cosine pull : nat -> R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let c0 := 1 - (s + ln T) / lam in
  let missing := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - missing)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let chord := sqrt (2 - 2 * c2) in
  let rest l := (T - 1) * exp (lam * (near_cosine l + 2 * chord - cosine l)) in
  let radius l := if l is l'.+1 then (1 - c2 + (s + rest l') / lam) / sine (cosine l') else chord in
  let rim l := (near_cosine l - pull l * mu) / sqrt (1 - 2 * pull l * cosine l + pull l * pull l) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat -> (2 < g)%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= mu <= c0 -> missing < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  (forall l, (l < K)%nat -> [/\ 0 <= cosine l < 1, mu * cosine l <= near_cosine l
     & ln (N Own) + s / 2 <= lam * (1 + cosine l - chord)]) ->
  (forall l, (l <= K)%nat -> (0 < reach l)%nat /\
     INR m * ((INR M * radius l + sqrt n) / INR (reach l)) + INR m * sqrt n <= INR M) ->
  (forall l, (l < K)%nat -> [/\ (0 < cap l)%nat, 0 <= pull l, 0 <= rim l <= 1
     & INR m' * (INR M * sine (rim l) / INR (cap l)) + INR m' * sqrt n <= INR M]) ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (g * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  (g * (expn (reach K) #|J| * expn m' (2 * #|J|)
        + expn #|Tok| 2 * \sum_(l < K) expn (cap l) (2 * #|J|) * expn (reach l) #|J|)
     <= (g - 2) * (expn k #|J| * expn m' (2 * #|J|)))%nat ->
  forall a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer a w (compress a w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer a w (compress a w (inst x)) (value y i c))) ->
  T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g) <= bits a.
Proof.
move=> T n s sine turn c0 missing c1 c2 leak chord rest radius rim words inst mass value M0 L0 m0 k0 m'0 k'0.
move=> g2 l0 he hmu hrest hinj hC htau hg hreach hc2 hL hcos hfit hcap hk' hq hk a hmass hvalue.
have /card_gt0P[w _] : (0 < #|coins a|)%nat.
  by rewrite lt0n; apply/eqP => e; have := some_coins a; rewrite /N e; exact: Rlt_irrefl.
have keys_match := Cliques.coarse_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 hmu hrest hinj hC.
exact: (Tilts.clique_tilts t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL hcos (hmass w)
  (hvalue w)
  L0 m0 m'0 k0 k'0 g2 hfit hcap hk' hq hk).
Qed.

(* Both for one cache of many streams (layers and heads), each with words of its own: floors add up, because a
   clique of all streams lies in a product of cliques (streams_cliques). *)
Theorem clique_lattice_streams (Str Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J)
    (M L m k m' k' : nat) (lam eta mu C tau : R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let c0 := 1 - (s + ln T) / lam in
  let rest := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - rest)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  forall a : algorithm (Str -> cached Tok (option J) Ch) Str (asked Own (option J) Ch -> R),
  let state w x := compress a w (fun str => inst (x str)) in
  (forall w x, (forall str, x str \in words) -> forall str q r, dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst (x str)) (mass q r)) (answer a w (state w x) str (mass q r))) ->
  (forall w x, (forall str, x str \in words) -> forall str y i c, y \in words ->
     near eta (lattice_output (inst (x str)) (value y i c)) (answer a w (state w x) str (value y i c))) ->
  N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1)
    <= bits a.
Proof.
move=> T n s sine turn c0 rest c1 c2 leak words inst mass value M0 L0 m0 k0 m'0 k'0 l0 he hmu hrest hinj.
move=> hC htau hg hreach hc2 hL hm hfit hq a state hmass hvalue.
have keys_match := Cliques.coarse_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 hmu hrest hinj hC.
exact: (CliqueStreams.clique_lattice_streams t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL
  L0 m0 m'0 k0 k'0 hfit (some_coins a) hmass hvalue hm hq).
Qed.

Theorem clique_lattice_few_streams (Str Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J)
    (M L m k m' k' : nat) (lam eta mu C tau : R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let edge := 1 - (s + ln (2 * T)) / lam in let few := (1 - mu) / (edge * edge - mu) in
  let c0 := 1 - (s + ln (2 * few)) / lam in
  let rest := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - rest)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= edge -> mu < edge * edge -> 0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  forall a : algorithm (Str -> cached Tok (option J) Ch) Str (asked Own (option J) Ch -> R),
  let state w x := compress a w (fun str => inst (x str)) in
  (forall w x, (forall str, x str \in words) -> forall str q r, dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst (x str)) (mass q r)) (answer a w (state w x) str (mass q r))) ->
  (forall w x, (forall str, x str \in words) -> forall str y i c, y \in words ->
     near eta (lattice_output (inst (x str)) (value y i c)) (answer a w (state w x) str (value y i c))) ->
  N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1)
    <= bits a.
Proof.
move=> T n s sine turn edge few c0 rest c1 c2 leak words inst mass value M0 L0 m0 k0 m'0 k'0 l0 he e0 hedge
  hmu hrest hinj.
move=> hC htau hg hreach hc2 hL hm hfit hq a state hmass hvalue.
have keys_match :=
  Cliques.few_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 e0 hedge hmu hrest hinj hC.
exact: (CliqueStreams.clique_lattice_streams t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL
  L0 m0 m'0 k0 k'0 hfit (some_coins a) hmass hvalue hm hq).
Qed.

Theorem clique_tilts_streams (Str Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J)
    (M L m k m' k' g K : nat) (reach cap : nat -> nat) (lam eta mu C tau : R)
    (cosine near_cosine pull : nat -> R) :
  let T := N Tok in let n := N J in
  let s := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) in
  let sine x := sqrt (1 - x * x) in let turn x y := x * y + sine x * sine y in
  let c0 := 1 - (s + ln T) / lam in
  let missing := (T - 1) * exp (s - lam * (1 - turn c0 mu)) in
  let c1 := 1 - (s - ln (1 - missing)) / lam in
  let c2 := turn C (C + (s + ln (1 + tau)) / lam) in
  let leak := (T - 1) * exp (lam * (turn c2 mu - c2)) + N Own * exp (- (lam * (1 + c2))) in
  let chord := sqrt (2 - 2 * c2) in
  let rest l := (T - 1) * exp (lam * (near_cosine l + 2 * chord - cosine l)) in
  let radius l := if l is l'.+1 then (1 - c2 + (s + rest l') / lam) / sine (cosine l') else chord in
  let rim l := (near_cosine l - pull l * mu) / sqrt (1 - 2 * pull l * cosine l + pull l * pull l) in
  let words := coherent_words Tok J Ch M L mu in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch lam in
  let value := @value_question Tok Own J Ch M L lam in
  (0 < M)%nat -> (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat -> (0 < m')%nat -> (0 < k')%nat -> (2 < g)%nat ->
  0 < lam -> 0 <= eta < 1/2 ->
  0 <= mu <= c0 -> missing < 1 -> mu < 2 * (c1 * c1) - 1 ->
  mu <= C <= c1 -> (T - 1) * exp (lam * (turn C mu - C)) <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  ln (N Own) + s / 2 <= lam * (1 + C) -> C <= 2 * (c2 * c2) - 1 ->
  2 * (eta + leak) * (INR L - 1) < 1 ->
  (forall l, (l < K)%nat -> [/\ 0 <= cosine l < 1, mu * cosine l <= near_cosine l
     & ln (N Own) + s / 2 <= lam * (1 + cosine l - chord)]) ->
  (forall l, (l <= K)%nat -> (0 < reach l)%nat /\
     INR m * ((INR M * radius l + sqrt n) / INR (reach l)) + INR m * sqrt n <= INR M) ->
  (forall l, (l < K)%nat -> [/\ (0 < cap l)%nat, 0 <= pull l, 0 <= rim l <= 1
     & INR m' * (INR M * sine (rim l) / INR (cap l)) + INR m' * sqrt n <= INR M]) ->
  INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M ->
  (g * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat ->
  (g * (expn (reach K) #|J| * expn m' (2 * #|J|)
        + expn #|Tok| 2 * \sum_(l < K) expn (cap l) (2 * #|J|) * expn (reach l) #|J|)
     <= (g - 2) * (expn k #|J| * expn m' (2 * #|J|)))%nat ->
  forall a : algorithm (Str -> cached Tok (option J) Ch) Str (asked Own (option J) Ch -> R),
  let state w x := compress a w (fun str => inst (x str)) in
  (forall w x, (forall str, x str \in words) -> forall str q r, dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst (x str)) (mass q r)) (answer a w (state w x) str (mass q r))) ->
  (forall w x, (forall str, x str \in words) -> forall str y i c, y \in words ->
     near eta (lattice_output (inst (x str)) (value y i c)) (answer a w (state w x) str (value y i c))) ->
  N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g))
    <= bits a.
Proof.
move=> T n s sine turn c0 missing c1 c2 leak chord rest radius rim words inst mass value M0 L0 m0 k0 m'0 k'0.
move=> g2 l0 he hmu hrest hinj hC htau hg hreach hc2 hL hcos hfit hcap hk' hq hk a state hmass hvalue.
have keys_match := Cliques.coarse_matched (Ch := Ch) t0 o0 j0 l0 he htau hg hreach hc2 hmu hrest hinj hC.
exact: (CliqueStreams.clique_tilts_streams t0 o0 j0 M0 l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL
  L0 m0 m'0 k0 k'0 hk' (some_coins a) hmass hvalue hcos g2 hfit hcap hq hk).
Qed.

(* In this theorem the cached keys are unit vectors, of the form that the first line says; all queries have
   norm lam, and all own keys norm 1. *)
Theorem clique_lattice_norms (Tok Own J Ch : finType) (M L : nat) (lam mu : R) (q r : option J -> R) x y :
  let words := coherent_words Tok J Ch M L mu in let key := (lattice_instance x).1 in
  let mass := @mass_question Own J Ch lam q r in let value := @value_question Tok Own J Ch M L lam y in
  (forall i j, key i (Some j) = / INR M * (INR ((x i).1 j) - INR M)) /\
  ((0 < M)%nat -> x \in words -> y \in words -> dot q q = 1 -> dot r r = 1 ->
   [/\ incoherent key mu, dot mass.1.1 mass.1.1 = lam * lam, (forall o, dot (mass.1.2 o) (mass.1.2 o) = 1),
       (forall i c, dot (value i c).1.1 (value i c).1.1 = lam * lam)
     & forall i c o, dot ((value i c).1.2 o) ((value i c).1.2 o) = 1]).
Proof.
move=> words key mass value; split=> // M0 hx hy q1 r1.
exact: (LatticeKeys.lattice_norms Own lam M0 hx hy q1 r1).
Qed.

(* The questions can be answered: a cache that keeps the word answers every question exactly. *)
Theorem clique_lattice_store (Tok Own J Ch : finType) (M L : nat) (eta : R) :
  (0 < M)%nat -> (0 < L)%nat -> 0 <= eta ->
  exists a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
    (forall w (x : {ffun Tok -> [finType of {ffun J -> 'I_(M + M).+1} * {ffun Ch -> 'I_L}]}) q,
       near eta (lattice_output (lattice_instance x) q) (answer a w (compress a w (lattice_instance x)) q)) /\
    bits a = N Tok * (N J * log2 (2 * INR M + 1) + N Ch * log2 (INR L)).
Proof.
move=> M0 L0 e0; have [f [g [h e]]] := Cliques.store_word Tok Own J Ch M0 L0 e0.
by exists (without_coins f g).
Qed.

(* ================= keys that nobody compares ========================================= *)

(* C: words over J, closed under sums, with at least w letters 1 each, but for 0.  Integer vectors x i are
   different, are words of C modulo 2, have entries that add up to a multiple of 4, and one squared norm s.
   Divided by their length they are unit keys, whose inner products are at most 1 - m / (2 s), for any m of at
   most 8 and w. *)
Theorem code_shell (Tok J : finType) (C : pred {ffun J -> bool}) (w : nat) (x : Tok -> J -> Z) (s : Z)
    (m : R) :
  (forall u v, C u -> C v -> C [ffun j => u j (+) v j]) ->
  (forall u j, C u -> u j -> (w <= #|[pred i | u i]|)%nat) ->
  (forall i, C [ffun j => Z.odd (x i j)]) -> (forall i, exists k, \rsum_j IZR (x i j) = IZR (4 * k)) ->
  (forall i j, i != j -> exists c, x i c <> x j c) ->
  (0 < s)%Z -> (forall i, \rsum_j (IZR (x i j) * IZR (x i j)) = IZR s) -> m <= 8 -> m <= INR w ->
  incoherent (fun i c => IZR (x i c) / sqrt (IZR s)) (1 - m / (2 * IZR s)).
Proof. exact: CodeShells.code_shell. Qed.

(* ================= random keys ====================================================== *)

(* Draw T sign vectors of d coordinates, all 2^(T d) draws equally likely, and divide by sqrt d: the paper's
   random embedding, with signs where it has Gaussian entries.  All but at most a fraction
   T (T - 1) / 2 e^(- d mu^2 / 2) of the draws give unit keys with inner products at most mu. *)
Theorem random_keys (T d : nat) (mu : R) : (0 < d)%nat -> 0 <= mu ->
  let key (x : {ffun 'I_T -> {ffun 'I_d -> bool}}) i c := (if x i c then 1 else -1) / sqrt (N [finType of
    'I_d]) in
  (forall x i, dot (key x i) (key x i) = 1) /\
  INR #|[pred x | ~~ [forall i, forall j, (i != j) ==> Rleb (dot (key x i) (key x j)) mu]]|
    <= INR T * (INR T - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)) * N [finType of {ffun 'I_T -> {ffun 'I_d ->
      bool}}].
Proof.
move=> d0 mu0 key; split=> [x i|]; last exact: RandomKeys.random_keys.
by have := dot_key (x i) (x i); rewrite sdot_self N_ord => -> //; [rewrite /Rdiv Rinv_r //;
  apply: Rgt_not_eq|]; exact: INR_gt0.
Qed.

(* In absolute value: twice that. *)
Theorem random_keys_both (T d : nat) (mu : R) : (0 < d)%nat -> 0 <= mu ->
  let key (x : {ffun 'I_T -> {ffun 'I_d -> bool}}) i c := (if x i c then 1 else -1) / sqrt (N [finType of
    'I_d]) in
  INR #|[pred x | ~~ [forall i, forall j, (i != j) ==> Rleb (Rabs (dot (key x i) (key x j))) mu]]|
    <= 2 * (INR T * (INR T - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)))
       * N [finType of {ffun 'I_T -> {ffun 'I_d -> bool}}].
Proof. by move=> d0 mu0 key; exact: RandomKeys.random_keys_both. Qed.

(* HEADLINE, RANDOM KEYS.  The T cached keys and Bob's n2 keys are drawn.  A set of draws that leaves out at
   most the fraction odds serves every cache: with the keys of any such draw, (1 - H2 delta) T h bits are
   needed. *)
Theorem random_keys_headline (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  let n := INR (T + n2) in let odds := n * (n - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists good : pred {ffun 'I_(T + n2) -> {ffun 'I_d -> bool}},
    INR #|[pred x | ~~ good x]| <= odds * N [finType of {ffun 'I_(T + n2) -> {ffun 'I_d -> bool}}] /\
    forall x, good x -> forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct_in_mean (fun i => key (x (lshift n2 i))) (fun o => key (x (rshift T o))) lam ind (approx eta)
        (compress a) (answer a) delta ->
      (1 - H2 delta) * (INR T * INR h) <= bits a.
Proof.
move=> lam n odds d0 T0 hmu he hd.
have [good [rare hL]] := RandomKeys.random_keys_headline n2 h d0 T0 hmu he hd.
by exists good; split=> // x hx a; exact: hL hx _ _ _ _ (some_coins a).
Qed.

(* It is enough that a cache, which is told the draw x with its input and with its query, fails with
   probability delta in the mean over draws, coins, words, tokens and channels: delta counts as
   delta / (1 - odds). *)
Theorem random_keys_average (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  let n := INR (T + n2) in let odds := n * (n - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> 0 <= eta < 1 ->
  forall a : algorithm ({ffun 'I_(T + n2) -> {ffun 'I_d -> bool}} * ('I_T -> 'I_h -> R))
    ({ffun 'I_(T + n2) -> {ffun 'I_d -> bool}} * ('I_d -> R)) ('I_h -> R),
  odds < 1 -> 0 <= delta <= (1 - odds) / 2 ->
  \rsum_(x : {ffun 'I_(T + n2) -> {ffun 'I_d -> bool}}) \rsum_(b : {ffun 'I_T * 'I_h -> bool}) \rsum_i \rsum_c
     (let q := scale lam (key (x (lshift n2 i))) in let V i c := ind (b (i, c)) in
      INR #|[pred w | ~~ approx eta
        (attention_own q (fun j => key (x (lshift n2 j))) (fun o => key (x (rshift T o))) V c)
        (answer a w (compress a w (x, V)) (x, q) c)]|)
    <= delta * (N (coins a) * N [finType of {ffun 'I_T * 'I_h -> bool}] * (INR T * INR h))
       * N [finType of {ffun 'I_(T + n2) -> {ffun 'I_d -> bool}}] ->
  (1 - H2 (delta / (1 - odds))) * (INR T * INR h) <= bits a.
Proof.
move=> lam n odds d0 T0 hmu he a p1 hd hc.
exact: (RandomKeys.random_keys_average d0 T0 hmu he (compress := fun x w V => compress a w (x, V))
  (answer := fun x w s q => answer a w s (x, q)) p1 hd (some_coins a) hc).
Qed.

(* ================= closed statements: all constants are numbers ===================== *)

(* H2 (0.11) <= 1/2. *)
Theorem half_bit_left : - (11/100) * log2 (11/100) - (1 - 11/100) * log2 (1 - 11/100) <= 1/2.
Proof. exact: Universal.half_bit_left. Qed.

(* If d >= 8 ln (T + n2), there are unit keys for all T + n2 tokens, with inner products at most 1/2, such
   that at every lambda >= 2 ln (3 (T + n2)) every cache with relative error at most 1/2 and failure
   probability at most 0.11 needs T h / 2 bits. *)
Theorem universal_lower_bound (T n2 d h : nat) :
  (0 < T)%nat -> (0 < n2)%nat -> 8 * ln (INR T + INR n2) <= INR d ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R),
    [/\ incoherent K (1/2), incoherent B (1/2), forall i o, dot (K i) (B o) <= 1/2 &
    forall lam eta delta : R, 2 * ln (3 * (INR T + INR n2)) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
      correct K B lam ind (approx eta) (compress a) (answer a) delta ->
      INR T * INR h / 2 <= bits a].
Proof.
move=> T0 n0 hd; have [K [B [hK hB hKB hL]]] := Universal.universal_lower_bound h T0 n0 hd.
by exists K, B; split=> // lam eta delta hl he hdelta a; exact: hL hl he hdelta _ _ _ _ (some_coins a).
Qed.

(* HEADLINE, UNIVERSAL CONSTANTS: d >= 24 ln n implies n^2 d / 8 bits.  Square maps of sides side 0 < side 1
   < ... < side M = n, the last but one side at least n / 2; unit keys of inner products at most 1/2 for all
   cached tokens and the n^2 tokens of the last map; any lambda >= 10 ln n, any relative error up to 1/2,
   any failure probability up to 0.11.  Values have d channels. *)
Theorem growing_lower_bound (side : nat -> nat) (M d : nat) :
  let T := (\sum_(k < M) expn (side k) 2)%nat in let n := side M in
  (0 < side 0)%nat -> (forall k, (k < M)%nat -> (side k < side k.+1)%nat) -> (0 < M)%nat ->
  (n <= 2 * side M.-1)%nat -> 24 * ln (INR n) <= INR d ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_(expn n 2) -> 'I_d -> R),
    [/\ incoherent K (1/2), incoherent B (1/2), forall i o, dot (K i) (B o) <= 1/2 &
    forall lam eta delta : R, 10 * ln (INR n) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall a : algorithm ('I_T -> 'I_d -> R) ('I_d -> R) ('I_d -> R),
      correct K B lam ind (approx eta) (compress a) (answer a) delta ->
      INR n ^ 2 * INR d / 8 <= bits a].
Proof.
move=> T n first grow M0 half hd.
have [K [B [hK hB hKB hL]]] := Universal.growing_lower_bound first grow d M0 half hd.
by exists K, B; split=> // lam eta delta hl he hdelta a; exact: hL hl he hdelta _ _ _ _ (some_coins a).
Qed.

(* BELOW DIMENSION ln T.  In D = d + 1 >= 2 dimensions, for every mu < 1: min (T, e^(D mu^2 / 2)) h / 7
   bits, at lambda >= ln (3 (T + n2)) / (1 - mu).  The exponent mu^2 / 2 is below 1/2.  Bob's own keys may
   all be the pad key. *)
Theorem low_dimension_numbers (T n2 d h : nat) (mu : R) :
  let A := minn T (floor (exp (INR d * mu ^ 2 / 2))) in
  let act := active (geq_minl T (floor (exp (INR d * mu ^ 2 / 2)))) : 'I_A -> 'I_T in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 ->
  exists K : 'I_T -> 'I_d.+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_d.+1 -> R, (forall i o, dot (K (act i)) (B o) <= mu) ->
    forall lam eta delta : R, ln (3 * (INR T + INR n2)) / (1 - mu) <= lam -> 0 <= eta <= 1/2 ->
      delta <= 11/100 ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_d.+1 -> R) ('I_h -> R),
      (forall (x : {ffun 'I_A * 'I_h -> bool}) (i : 'I_A) (c : 'I_h),
         let q := scale lam (K (act i)) in
         let V j c := if insub (val j) is Some i then ind (x (i : 'I_A, c)) else 0 in
         INR #|[pred w | ~~ approx eta (attention_own q K B V c) (answer a w (compress a w V) q c)]|
           <= delta * N (coins a)) ->
      Rmin (INR T) (exp (INR d.+1 * mu ^ 2 / 2)) * INR h / 7 <= bits a.
Proof.
move=> A act d0 T0 hmu; have [K [hK hL]] := Universal.low_dimension_numbers n2 h d0 T0 hmu.
by exists K; split=> // B hB lam eta delta hl he hd a; exact: hL hB _ _ _ hl he hd _ _ _ _ (some_coins a).
Qed.

(* More keys than signs give: words of m letters, each one of 20 points of the circle.  In the even
   dimension 2 m there are T unit keys with inner products at most 79/80 if T - 1 < e^(2 m). *)
Theorem circle_keys_exist (T m : nat) : (0 < m)%nat -> INR T.-1 < exp (INR (m * 2)) ->
  exists K : 'I_T -> 'I_(m * 2) -> R, incoherent K (79/80).
Proof. exact: Circle.circle_keys_exist. Qed.

(* BELOW DIMENSION ln T, EXPONENT 1.  In D = 2 m + 1 dimensions: min (T, e^D) h / 12 bits, so D e^D / 12 for
   h = D and T >= e^D.  The price is lambda >= 80 ln (3 (T + n2)), beyond VAR's cap of 100 as soon as T + n2
   >= 2. *)
Theorem circle_low_dimension (T n2 m h : nat) :
  let A := minn T (floor (exp (INR (m * 2)))) in
  let act := active (geq_minl T (floor (exp (INR (m * 2))))) : 'I_A -> 'I_T in
  (0 < m)%nat -> (0 < T)%nat ->
  exists K : 'I_T -> 'I_(m * 2).+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_(m * 2).+1 -> R, (forall i o, dot (K (act i)) (B o) <= 79/80) ->
    forall lam eta delta : R, 80 * ln (3 * (INR T + INR n2)) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall a : algorithm ('I_T -> 'I_h -> R) ('I_(m * 2).+1 -> R) ('I_h -> R),
      (forall (x : {ffun 'I_A * 'I_h -> bool}) (i : 'I_A) (c : 'I_h),
         let q := scale lam (K (act i)) in
         let V j c := if insub (val j) is Some i then ind (x (i : 'I_A, c)) else 0 in
         INR #|[pred w | ~~ approx eta (attention_own q K B V c) (answer a w (compress a w V) q c)]|
           <= delta * N (coins a)) ->
      Rmin (INR T) (exp (INR (m * 2).+1)) * INR h / 12 <= bits a.
Proof.
move=> A act m0 T0; have [K [hK hL]] := Circle.circle_low_dimension n2 h m0 T0.
by exists K; split=> // B hB lam eta delta hl he hd a; exact: hL hB _ _ _ hl he hd _ _ _ _ (some_coins a).
Qed.

(* ================= many streams ===================================================== *)

(* Streams (say, layers and heads) with symbols, alphabets, inputs, queries and answers of their own, and
   one state for all.  If in each stream a good answer to query i tells symbol i, and words are independent,
   floors add up. *)
Theorem streams_lower_bound (Str : finType) (I : Str -> finType) (A : forall s, I s -> finType)
    (Inp Qry Out : Str -> Type) (good : forall s, Inp s -> Qry s -> Out s -> bool)
    (inst : forall s, {dffun forall i : I s, A s i} -> Inp s) (qry : forall s, I s -> Qry s)
    (a : algorithm (forall s, Inp s) unit (forall s, Qry s -> Out s))
    (x0 : {dffun forall p : {s : Str & I s}, A (tag p) (tagged p)}) (delta : forall s, I s -> R) :
  (forall s x y i o, good s (inst s x) (qry s i) o -> good s (inst s y) (qry s i) o -> x i = y i) ->
  (forall s i, 0 <= delta s i <= 1 - / N (A s i)) ->
  (forall s i, \rsum_(x : {dffun forall p : {s : Str & I s}, A (tag p) (tagged p)})
     (let inp s := inst s [ffun i => x (Tagged I i)] in
      INR #|[pred w | ~~ good s (inp s) (qry s i) (answer a w (compress a w inp) tt s (qry s i))]|)
     <= delta s i * (N (coins a)
                     * N [finType of {dffun forall p : {s : Str & I s}, A (tag p) (tagged p)}])) ->
  \rsum_(s : Str) \rsum_(i : I s) fano (N (A s i)) (delta s i) <= bits a.
Proof.
move=> sep; exact: (@Streams.streams_lower_bound Str I A Inp Qry Out good inst qry _ _ (compress a)
  (fun w s => answer a w s tt) x0 delta sep (some_coins a)).
Qed.

(* Attention streams, each with its own tokens, keys, channels, lambda, error and failure probability: the
   sum over the streams of (1 - H2 delta) T h. *)
Theorem heads_lower_bound (Str : finType) (Tok Own Crd Ch : Str -> finType)
    (K : forall s, Tok s -> Crd s -> R) (B : forall s, Own s -> Crd s -> R) (mu lam eta delta : Str -> R)
    (a : algorithm (forall s, Tok s -> Ch s -> R) unit (forall s, (Crd s -> R) -> Ch s -> R)) :
  (forall s, incoherent (K s) (mu s)) -> (forall s i o, dot (K s i) (B s o) <= mu s) ->
  (forall s, 0 <= lam s) -> (forall s, 0 <= eta s < 1) ->
  (forall s, (1 + eta s) * ((N (Tok s) + N (Own s) - 1) * exp (- lam s * (1 - mu s))) < 1 - eta s) ->
  (forall s, 0 <= delta s <= 1/2) ->
  (forall s (i : Tok s) (c : Ch s), let q := scale (lam s) (K s i) in
     \rsum_(x : {dffun forall p : {s : Str & [finType of Tok s * Ch s]}, bool})
       (let V s i c := ind (x (Tagged (fun s => [finType of Tok s * Ch s]) (i, c))) in
        INR #|[pred w | ~~ approx (eta s) (attention_own q (K s) (B s) (V s) c)
                          (answer a w (compress a w V) tt s q c)]|)
     <= delta s * (N (coins a)
                   * N [finType of {dffun forall p : {s : Str & [finType of Tok s * Ch s]}, bool}])) ->
  \rsum_(s : Str) ((1 - H2 (delta s)) * (N (Tok s) * N (Ch s))) <= bits a.
Proof.
move=> hK hB l0 he gap hd; exact: (@Streams.heads_lower_bound Str Tok Own Crd Ch K B mu lam eta delta _ _
  (compress a) (fun w s => answer a w s tt) hK hB l0 he gap hd (some_coins a)).
Qed.

(* HEADLINE, STREAMS.  G streams of T tokens and h channels each (layers times heads), one state: G (1 - H2
   delta) T h bits, with the keys and lambda of headline A. *)
Theorem streams_headline (G T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_G -> 'I_n2 -> 'I_d -> R, (forall s i o, dot (K i) (B s o) <= mu) ->
    forall a : algorithm ('I_G -> 'I_T -> 'I_h -> R) 'I_G (('I_d -> R) -> 'I_h -> R),
      @streams_correct _ (fun _ => [finType of 'I_T]) (fun _ => [finType of 'I_n2])
        (fun _ => [finType of 'I_d]) (fun _ => [finType of 'I_h]) (fun _ => K) B
        (fun _ => lam) (fun _ => eta) (fun _ => delta) _ _ (compress a) (answer a) ->
      INR G * ((1 - H2 delta) * (INR T * INR h)) <= bits a.
Proof.
move=> lam d0 T0 hmu hT he hd; have [K [hK hL]] := Streams.streams_headline G n2 h d0 T0 hmu hT he hd.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* The same for additive errors eta, values on a grid of L levels in each stream: the sum over the streams of
   T h log2 L, less what failures give. *)
Theorem heads_additive (Str : finType) (Tok Own Crd Ch : Str -> finType)
    (K : forall s, Tok s -> Crd s -> R) (B : forall s, Own s -> Crd s -> R) (mu lam eta delta : Str -> R)
    (L : Str -> nat)
    (a : algorithm (forall s, Tok s -> Ch s -> R) unit (forall s, (Crd s -> R) -> Ch s -> R)) :
  let words := {dffun forall p : {s : Str & [finType of Tok s * Ch s]}, 'I_(L (tag p))} in
  (forall s, incoherent (K s) (mu s)) -> (forall s i o, dot (K s i) (B s o) <= mu s) ->
  (forall s, 0 <= lam s) -> (forall s, (0 < L s)%nat) ->
  (forall s, 2 * (eta s + (N (Tok s) + N (Own s) - 1) * exp (- lam s * (1 - mu s))) * (INR (L s) - 1) < 1) ->
  (forall s, 0 <= delta s <= 1 - / INR (L s)) ->
  (forall s (i : Tok s) (c : Ch s), let q := scale (lam s) (K s i) in
     \rsum_(x : words)
       (let V s i c := INR (x (Tagged (fun s => [finType of Tok s * Ch s]) (i, c))) / (INR (L s) - 1) in
        INR #|[pred w | ~~ near (eta s) (attention_own q (K s) (B s) (V s) c)
                          (answer a w (compress a w V) tt s q c)]|)
     <= delta s * (N (coins a) * N [finType of words])) ->
  \rsum_(s : Str) (fano (INR (L s)) (delta s) * (N (Tok s) * N (Ch s))) <= bits a.
Proof.
move=> words hK hB l0 L0 step hd.
exact: (@Streams.heads_additive Str Tok Own Crd Ch K B mu lam eta delta L _ _ (compress a)
  (fun w s => answer a w s tt) hK hB l0 L0 step hd (some_coins a)).
Qed.

(* HEADLINE, STREAMS, THEOREM B.  G streams of T tokens and h channels each, values on a grid of L levels,
   reads that leak tau at most: G T h log2 L bits, less what failures give. *)
Theorem streams_additive_headline (G T n2 d h L : nat) (mu lam tau eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> (0 < L)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= lam -> (INR T + INR n2 - 1) * exp (- lam * (1 - mu)) <= tau ->
  2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_G -> 'I_n2 -> 'I_d -> R, (forall s i o, dot (K i) (B s o) <= mu) ->
    forall a : algorithm ('I_G -> 'I_T -> 'I_h -> R) 'I_G (('I_d -> R) -> 'I_h -> R),
      grid_streams_good L K B lam eta delta (compress a) (answer a) ->
      INR G * (fano (INR L) delta * (INR T * INR h)) <= bits a.
Proof.
move=> d0 T0 L0 hmu hT l0 leaks step hd.
have [K [hK hL]] := Streams.streams_additive_headline G h l0 leaks L0 step hd d0 T0 hmu hT.
by exists K; split=> // B hB a; exact: hL hB _ _ _ _ (some_coins a).
Qed.

(* Floors that count cliques add up, too.  A clique of a stream is a set of words that one table of answers
   serves; right s x q o says that o is an answer that question q about word x of stream s allows.  If cliques
   of words of G s have C s / D s members or less, then a state of all streams serves at most the product of
   these, and the floor is the sum of log2 (#|G s| D s / C s). *)
Theorem streams_cliques (Str : finType) (Word : Str -> finType) (Inp Qry Out : Str -> Type)
    (right : forall s, Word s -> Qry s -> Out s -> Prop) (inst : forall s, Word s -> Inp s)
    (G : forall s, {set Word s}) (D C : Str -> nat)
    (a : algorithm (forall s, Inp s) unit (forall s, Qry s -> Out s)) :
  (forall s (Q : {set Word s}) (table : Qry s -> Out s), {subset Q <= G s} ->
     (forall x q, x \in Q -> right s x q (table q)) -> (#|Q| * D s <= C s)%nat) ->
  (forall s, (0 < #|G s|)%nat) -> (forall s, (0 < D s)%nat) ->
  (forall w (x : {dffun forall s, Word s}), (forall s, x s \in G s) -> forall s q,
     right s (x s) q (answer a w (compress a w (fun s => inst s (x s))) tt s q)) ->
  \rsum_(s : Str) (log2 (INR #|G s|) + log2 (INR (D s)) - log2 (INR (C s))) <= bits a.
Proof.
move=> small G0 D0; exact: (@CliqueStreams.streams_cliques Str Word Inp Qry Out right inst G D C _ _
  (compress a) (fun w s => answer a w s tt) small G0 D0 (some_coins a)).
Qed.

(* A cache may be asked to be right for all real keys and values: one that rounds them has finitely many
   states, and is within any error eta > 0 for all unit keys, all values in [0, 1], all queries of norm lam
   and all own keys, in all streams. *)
Theorem rounded_cache (Str Tok Own Crd Ch : finType) (lam eta : R) : Tok -> 0 <= lam -> 0 < eta ->
  exists a : algorithm ((Str -> Tok -> Crd -> R) * (Str -> Tok -> Ch -> R)) Str
    ((Crd -> R) -> (Own -> Crd -> R) -> Ch -> R),
  forall w K V, (forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1) ->
  forall s q b c, dot q q = lam * lam ->
  near eta (attention_own q (K s) b (V s) c) (answer a w (compress a w (K, V)) s q b c).
Proof.
move=> i0 l0 e0; have [S [f [g h]]] := @RoundedCaches.rounded_cache Str Tok Own Crd Ch lam eta i0 l0 e0.
by exists (without_coins f g).
Qed.

(* Independence of the words is needed: if all streams carry the same word, T h bits serve all of them,
   without error. *)
Theorem repeated_streams (Str Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (lam eta : R) :
  0 <= eta < 1 ->
  exists a : algorithm (Str -> Tok -> Ch -> R) Str ((Crd -> R) -> Ch -> R),
    (forall w (x : {ffun Tok * Ch -> bool}) s i c,
       approx eta (attention_own (scale lam (K i)) K B (levels ind x) c)
         (answer a w (compress a w (fun _ => levels ind x)) s (scale lam (K i)) c))
    /\ bits a = N Tok * N Ch.
Proof.
move=> he; have [f [g [h hS]]] := Streams.repeated_streams Str Ch K B lam he.
by exists (without_coins (fun _ => f) (fun _ => g)).
Qed.

(* ================= any coins, any code ============================================== *)

(* expectation F E: F is a class of functions of the coins (any type W), closed under sums and multiples and
   with all constants, on which E is linear, monotone and normalised.  On every probability space the
   integrable functions and the integral are such a pair: coins may be biased or continuous.  Here: weights
   p w >= 0 of sum 1, and all functions of finitely many coins. *)
Theorem weighted_expectation (W : finType) (p : W -> R) : (forall w, 0 <= p w) -> \rsum_w p w = 1 ->
  let F (f : W -> R) := True in let E (f : W -> R) := \rsum_w (p w * f w) in
  [/\ forall a, F (fun _ => a), forall a f, F f -> F (fun w => a * f w),
      forall f g, F f -> F g -> F (fun w => f w + g w) &
  [/\ E (fun _ => 1) = 1, forall a f, F f -> E (fun w => a * f w) = a * E f,
      forall f g, F f -> F g -> E (fun w => f w + g w) = E f + E g
    & forall f g, F f -> F g -> (forall w, f w <= g w) -> E f <= E g]].
Proof. by move=> p0 p1 F E; exact: (Coins.weighted_expectation p0 p1). Qed.

(* Finitely many states, any coins: Fano's rates, as with uniform coins. *)
Theorem coins_lower_bound (I : finType) (A : I -> finType) (Inp Qry Out : Type) (good : Inp -> Qry -> Out ->
  bool)
    (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry) (x0 : {dffun forall i, A i})
    (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) (delta : I -> R) (S : finType)
    (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) :
  let bad x i w := ind (~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))) in
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) -> expectation F E ->
  (forall i, 0 <= delta i <= 1 - / N (A i)) -> (forall x i, F (bad x i)) ->
  (forall i, \rsum_(x : {dffun forall i, A i}) E (bad x i) <= delta i * N [finType of {dffun forall i,
    A i}]) ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> bad sep hE hd hF hc.
exact: (@Coins.coins_lower_bound I A Inp Qry Out good inst qry x0 W F E delta sep hE hd S compress answer
  (conj hF hc)).
Qed.

(* Messages of variable length, whose mean length over coins and words is at most m.  If under the same
   coins no message is the beginning of another, m pays Fano's rates; in any case it pays them up to log2 (L
   + 1) bits, if no message is longer than L. *)
Theorem variable_length_lower_bound (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (x0 : {dffun forall i, A i}) (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) (delta : I -> R)
    (compress : W -> Inp -> seq bool) (answer : W -> seq bool -> Qry -> Out) (m : R) :
  let msg w x := compress w (inst x) in
  let bad x i w := ind (~~ good (inst x) (qry i) (answer w (msg w x) (qry i))) in
  (forall x y i o, good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i) -> expectation F E ->
  (forall i, 0 <= delta i <= 1 - / N (A i)) -> (forall x i, F (bad x i)) ->
  (forall i, \rsum_(x : {dffun forall i, A i}) E (bad x i) <= delta i * N [finType of {dffun forall i,
    A i}]) ->
  (forall x, F (fun w => INR (size (msg w x)))) ->
  \rsum_(x : {dffun forall i, A i}) E (fun w => INR (size (msg w x)))
    <= m * N [finType of {dffun forall i, A i}] ->
  ((forall w x y, prefix (msg w x) (msg w y) -> msg w x = msg w y) ->
    \rsum_i fano (N (A i)) (delta i) <= m) /\
  (forall L : nat, (forall w x, (size (msg w x) <= L)%nat) ->
     \rsum_i fano (N (A i)) (delta i) <= m + log2 (INR L + 1)).
Proof.
move=> msg bad sep hE hd hF hc Fm hm; split=> [hp|L short].
  exact: (@Coins.prefix_free_lower_bound I A Inp Qry Out good inst qry x0 W F E delta sep hE hd compress
    answer m
    (conj hF hc) (conj Fm hm) hp).
exact: (@Coins.variable_length_lower_bound I A Inp Qry Out good inst qry x0 W F E delta sep hE hd compress
  answer m
  (conj hF hc) (conj Fm hm) L short).
Qed.

(* HEADLINE, ANY COINS.  Headline A for coins of any distribution: for states, and for messages of variable
   length. *)
Theorem relative_headline_any_coins (T n2 d h : nat) (mu eta delta : R) :
  let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R), expectation F E ->
    (forall (S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
       (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
       correct_with K B lam eta F E delta compress answer -> (1 - H2 delta) * (INR T * INR h) <= log2 (N S))
         /\
    (forall (compress : W -> ('I_T -> 'I_h -> R) -> seq bool)
       (answer : W -> seq bool -> ('I_d -> R) -> 'I_h -> R) (m : R),
       let msg w (x : {ffun 'I_T * 'I_h -> bool}) := compress w (fun i c => ind (x (i, c))) in
       correct_with K B lam eta F E delta compress answer ->
       (forall x, F (fun w => INR (size (msg w x)))) ->
       \rsum_(x : {ffun 'I_T * 'I_h -> bool}) E (fun w => INR (size (msg w x)))
         <= m * N [finType of {ffun 'I_T * 'I_h -> bool}] ->
       ((forall w x y, prefix (msg w x) (msg w y) -> msg w x = msg w y) ->
          (1 - H2 delta) * (INR T * INR h) <= m) /\
       (forall L : nat, (forall w x, (size (msg w x) <= L)%nat) ->
          (1 - H2 delta) * (INR T * INR h) <= m + log2 (INR L + 1))).
Proof. by move=> lam; exact: Coins.relative_headline_any_coins. Qed.

(* ================= classes of values ================================================ *)

(* If the values of token i are row (x i) of a public class of rows, two of which have in some channel no
   good answer in common, and a whole row is read well with probability 1 - delta on average, a token costs
   fano |A| delta bits. *)
Theorem classes_lower_bound (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam : R) (row : A -> Ch -> R) (good : R -> R -> bool)
    (alg : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R)) (a0 : A) (delta : R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> (forall a c, 0 <= row a c <= 1) ->
  (forall a b, a != b -> exists c, forall u v o, 0 <= tau ->
     row a c / (1 + tau) <= u <= (row a c + tau) / (1 + tau) ->
     row b c / (1 + tau) <= v <= (row b c + tau) / (1 + tau) -> good u o -> good v o -> False) ->
  0 <= delta <= 1 - / N A ->
  \rsum_(x : {ffun Tok -> A}) \rsum_(i : Tok)
     (let q := scale lam (K i) in let V i c := row (x i) c in
      INR #|[pred w | ~~ [forall c, good (attention_own q K B V c) (answer alg w (compress alg w V) q c)]]|)
    <= delta * N Tok * (N (coins alg) * N [finType of {ffun Tok -> A}]) ->
  N Tok * fano (N A) delta <= bits alg.
Proof.
move=> tau hK hB l0 r01 apart hd hc.
exact: (Classes.classes_lower_bound hK hB l0 r01 a0 apart hd (some_coins alg) hc).
Qed.

(* It is met at delta = 0 by a state that stores the number of each row. *)
Theorem classes_upper_bound (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R)
    (row : A -> Ch -> R) (good : R -> R -> bool) (a0 : A) :
  (forall a b, a != b -> exists c, row a c <> row b c) ->
  (forall (x : {ffun Tok -> A}) q c, let o := attention_own q K B (rows row x) c in good o o) ->
  exists alg : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R),
    rows_correct K B lam row good (compress alg) (answer alg) 0 /\ bits alg = N Tok * log2 (N A).
Proof.
move=> apart self.
have [f [g [h hS]]] := @Classes.classes_upper_bound Tok Own Crd Ch A K B lam row good a0 apart self.
by exists (without_coins f g).
Qed.

(* Rows of 0 and 1 with exactly s ones, relative error: Fano's rate for binomial (h, s) rows. *)
Theorem sparse_bits_lower_bound (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (alg : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (s : nat) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> (s <= #|Ch|)%nat ->
  0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1 - / INR 'C(#|Ch|, s) ->
  rows_correct K B lam (fun (a : {a : {set Ch} | #|a| == s}) c => ind (c \in val a)) (approx eta)
    (compress alg) (answer alg) delta ->
  N Tok * fano (INR 'C(#|Ch|, s)) delta <= bits alg.
Proof. by move=> tau hK hB l0; exact: (Classes.sparse_bits_lower_bound hK hB l0 (some_coins alg)). Qed.

(* Rows 1/2 plus a sum of at most s rows of a public basis, each with a factor 1/L, ..., 1, over 2 s; basis
   entries are at most 1, and dual rows of absolute sum at most 1 read the coefficients.  Additive error eta
   with 2 (eta + tau) < 1 / (2 s L): Fano's rate for the sum over w <= s of binomial (J, w) L^w rows. *)
Theorem sparse_sums_lower_bound (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (alg : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (J : finType) (basis dual : J -> Ch -> R) (L s : nat) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  let n := INR (\sum_(w < s.+1) 'C(#|J|, w) * expn L w)%nat in
  let row (a : {f : {ffun J -> 'I_L.+1} | (#|[pred j | f j != ord0]| <= s)%nat}) c :=
    1/2 + \rsum_j (INR (val a j) / (2 * INR s * INR L) * basis j c) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam ->
  (forall j k, dot (dual j) (basis k) = ind (j == k)) -> (forall j, \rsum_c Rabs (dual j c) <= 1) ->
  (forall j c, Rabs (basis j c) <= 1) -> (0 < L)%nat -> (0 < s)%nat ->
  2 * (eta + tau) < 1 / (2 * INR s * INR L) -> 0 <= delta <= 1 - / n ->
  rows_correct K B lam row (near eta) (compress alg) (answer alg) delta ->
  N Tok * fano n delta <= bits alg.
Proof.
move=> tau n row hK hB l0 h1 h2 h3 L0 s0 step hd hc.
exact: (Classes.sparse_sums_lower_bound hK hB l0 (some_coins alg) h1 h2 h3 L0 s0 step hd hc).
Qed.

(* Rows 1/2 plus a sum of r = |J| public rows with signs, over 2 r: Fano's rate for 2^r rows, that is r bits
   a token. *)
Theorem signed_sums_lower_bound (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) (alg : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (J : finType) (basis dual : J -> Ch -> R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in
  let row (a : {ffun J -> bool}) c := 1/2 + \rsum_j ((if a j then 1 else -1) / (2 * N J) * basis j c) in
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam ->
  (forall j k, dot (dual j) (basis k) = ind (j == k)) -> (forall j, \rsum_c Rabs (dual j c) <= 1) ->
  (forall j c, Rabs (basis j c) <= 1) -> 0 < N J -> 2 * (eta + tau) < 1 / N J ->
    0 <= delta <= 1 - / 2 ^ #|J| ->
  rows_correct K B lam row (near eta) (compress alg) (answer alg) delta ->
  N Tok * fano (2 ^ #|J|) delta <= bits alg.
Proof.
move=> tau row hK hB l0 h1 h2 h3 r0 step hd hc.
exact: (Classes.signed_sums_lower_bound hK hB l0 (some_coins alg) h1 h2 h3 r0 step hd hc).
Qed.

(* ================= model R2: public weights ============================================================= *)
(* Here ids are the secret, {ffun Id * Bit -> bool}: id i has the bits x (i, b).  The words of FirstLayer.v:

   code          entry spot b of the code of an id is bit b as a sign, all other entries are 0
   content A     what ids add to a row: the codes, with the weights A s i, in every channel
   input_row     the word embedding of a content, plus a row of the table of positions
   layer_norm    the row minus its mean, over sqrt (variance + eps): AdaLN without shift and gain
   layer         W_Q, W_K, W_V and lambda; queries and keys are l2-normalised (VarLayer.v)
   outputs_good  every entry of every output of the last scale is within eta (max V - min V); the softmax runs
                 over the rows z *)

(* C - 1 orthonormal vectors of mean 0 exist in a row of width C. *)
Theorem blocks_exist (C : nat) (E : finType) : (#|E| < C)%nat ->
  exists q : E -> 'I_C -> R,
    (forall e e', dot (q e) (q e') = ind (e == e')) /\ forall e, \rsum_w q e w = 0.
Proof. exact: LayerNorm.blocks_exist. Qed.

(* THEOREM R2.  Given: addresses book (one for each slot, and one more); places at which Read rows are read;
   weights A with which ids enter rows, and anything public that is added (frozen ids, the last but one map);
   left inverses l that read an id from the rows once all ids of lower levels are known.  If
   sum_r |l i r| 2 F_r (eta + tau) (1 - B^-2)^(-3/2) < 1 for every id, there are a word embedding, a table of
   positions and W_Q, W_K, W_V for which outputs within eta of the range determine all ids; so every algorithm
   whose block of outputs is right with probability 1 - delta has the bits of the ids minus
   log2 (1 / (1 - delta)), and keeping the ids is enough.  J = all rows is the game of the whole state; J =
   the cached rows is the game of the cache alone. *)
Theorem public_weights (C : nat) (Head Crd Ch Cod Bit Id Tok Own Slot Read : finType)
    (spot : Bit -> Cod) (home : Bit -> Ch) (own : Slot -> Own) (row : Read -> Tok)
    (place : Read -> Head * Slot) (book : option Slot -> Crd -> R) (A : Tok + Own -> Id -> R)
    (frozen : Tok + Own -> Cod -> R) (F : Tok + Own -> R) (lam eps mu B eta : R) (level : Id -> nat)
    (l : Id -> Read -> R) :
  let tau := (N Tok + N Own - 1) * exp (- lam * (1 - mu)) in let bend := sqrt (1 - / (B * B)) in
  injective spot -> injective home -> injective own -> injective row -> injective place ->
  incoherent book mu -> (0 < #|Bit|)%nat -> (#|Cod| + 2 * (#|Head| * #|Crd|) < C)%nat ->
  0 <= eps -> 1 < B -> 0 <= lam -> 0 <= eta ->
  (forall s, 0 < F s) -> (forall s, \rsum_i Rabs (A s i) <= F s) ->
  (forall i i', (level i <= level i')%nat -> \rsum_r (l i r * A (inl (row r)) i') = ind (i == i')) ->
  (forall i, \rsum_r (Rabs (l i r) * (2 * F (inl (row r)) * (eta + tau) / (bend * bend * bend))) < 1) ->
  exists (word : Cod -> 'I_C -> R) (position : Tok + Own -> 'I_C -> R)
         (lay : layer [finType of 'I_C] Head Crd Ch),
  (forall h, multiplier lay h = lam) /\
  let z (x : {ffun Id * Bit -> bool}) s :=
    layer_norm eps (input_row word position (fun s c => content spot A x s c + frozen s c) s) in
  forall (J : finType) (into : J -> Tok + Own), injective into -> (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (a : algorithm {ffun Id * Bit -> bool} unit (Own -> Head -> Ch -> R)) (delta : R), delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) tt)]| <= delta * N (coins a)) ->
        N Id * N Bit - log2 (/ (1 - delta)) <= bits a
    & exists a : algorithm {ffun Id * Bit -> bool} unit (Own -> Head -> Ch -> R),
        (forall w x, good x (answer a w (compress a w x) tt)) /\ bits a = N Id * N Bit].
Proof.
move=> tau bend h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 h13 h14 h15 h16.
have [word [position [lay [hlam hL]]]] :=
  PublicWeights.public_weights frozen h1 h2 h3 h4 h5 h6 h7 h8 h9 h10 h11 h12 h13 h14 h15 h16.
exists word, position, lay; split=> // z J into inj all good.
have [sep low [S [f [g [h hS]]]]] := hL J into inj all.
split=> // [a delta|]; first exact: low _ _ (compress a) (fun w s => answer a w s tt) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ s _ => g s)).
Qed.

(* The same for a pyramid of maps.  Scales 0, ..., n are cached, scale n + 1 is the last; pass x k j i p is
   the weight with which line p of the ids of scale j < n enters line i of scale k, on axis x.  All that is
   asked are identities of one axis at a time: rows of a left inverse of the lines that are read, their
   absolute sums kappa x k, and the largest content F k of scale k + 1.  scale_id, scale_cached and scale_last
   are the ids that are kept, the cached rows and the rows of the last scale; scale_weight is the Kronecker
   product of both axes. *)
Theorem pyramid_weights (n : nat) (side kept count : bool -> nat -> nat)
    (pass : bool -> nat -> nat -> nat -> nat -> R) (line : bool -> nat -> nat -> nat)
    (inverse : bool -> nat -> nat -> nat -> R) (kappa : bool -> nat -> R)
    (F : nat -> R) (H S C : nat) (Crd Ch Cod Bit : finType) (spot : Bit -> Cod) (home : Bit -> Ch)
    (book : option 'I_S -> Crd -> R) (frozen : scale_cached n side + scale_last n side -> Cod -> R)
    (lam eps mu B eta : R) :
  let rows := (\sum_(k < n.+2) side true k * side false k)%nat in
  let tau := (INR rows - 1) * exp (- lam * (1 - mu)) in let bend := sqrt (1 - / (B * B)) in
  (forall x (k : 'I_n) (i : 'I_(count x k)), (line x k i < side x k.+1)%nat) ->
  (forall x (k : 'I_n) (i j : 'I_(count x k)), line x k i = line x k j -> i = j) ->
  (forall x (k : 'I_n) (p q : 'I_(kept x k)),
     \rsum_(i < count x k) (inverse x k p i * pass x k.+1 k (line x k i) q) = ind (p == q)) ->
  (forall x (k : 'I_n) (p : 'I_(kept x k)), \rsum_(i < count x k) Rabs (inverse x k p i) <= kappa x k) ->
  (forall k : 'I_n, 0 < F k) ->
  (forall (k : 'I_n) (x : 'I_(side true k.+1)) (y : 'I_(side false k.+1)),
     \rsum_(j < k.+1) ((\rsum_(p < kept true j) Rabs (pass true k.+1 j x p)) *
                       (\rsum_(q < kept false j) Rabs (pass false k.+1 j y q))) <= F k) ->
  injective spot -> injective home -> incoherent book mu ->
  (0 < #|Bit|)%nat -> (#|Cod| + 2 * (H * #|Crd|) < C)%nat -> (S <= side true n.+1 * side false n.+1)%nat ->
  (\sum_(k < n) count true k * count false k <= H * S)%nat ->
  0 <= eps -> 1 < B -> 0 <= lam -> 0 <= eta -> (0 < rows)%nat ->
  (forall k : 'I_n, 2 * F k * (kappa true k * kappa false k) * (eta + tau) < bend * bend * bend) ->
  exists (word : Cod -> 'I_C -> R) (position : scale_cached n side + scale_last n side -> 'I_C -> R)
         (lay : layer [finType of 'I_C] [finType of 'I_H] Crd Ch),
  (forall h, multiplier lay h = lam) /\
  let z (x : {ffun scale_id n kept * Bit -> bool}) s :=
    layer_norm eps
      (input_row word position (fun s c => content spot (scale_weight pass) x s c + frozen s c) s) in
  forall (J : finType) (into : J -> scale_cached n side + scale_last n side),
  injective into -> (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (a : algorithm _ unit (scale_last n side -> 'I_H -> Ch -> R)) (delta : R), delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) tt)]| <= delta * N (coins a)) ->
        N (scale_id n kept) * N Bit - log2 (/ (1 - delta)) <= bits a
    & exists a : algorithm _ unit (scale_last n side -> 'I_H -> Ch -> R),
        (forall w x, good x (answer a w (compress a w x) tt)) /\ bits a = N (scale_id n kept) * N Bit].
Proof.
move=> rows tau bend h1 h2 h3 h4 h5 h6 s1 s2 hb b0 hC hS hr e0 B1 l0 t0 r1 hn.
have [word [position [lay [hlam hL]]]] :=
  Pyramid.pyramid_weights h1 h2 h3 h4 h5 h6 frozen s1 s2 hb b0 hC hS hr e0 B1 l0 t0 r1 hn.
exists word, position, lay; split=> // z J into inj all good.
have [sep low [T [f [g [h hT]]]]] := hL J into inj all.
split=> // [a delta|]; first exact: low _ _ (compress a) (fun w s => answer a w s tt) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ s _ => g s)).
Qed.

(* ================= model R3: f_hat is known ============================================================= *)

(* Side information is free for Bob: it is his query.  Words that share it still need log2 of their number,
   minus log2 (1 / (1 - delta)), if a good answer determines the word ... *)
Theorem side_lower_bound (X P : finType) (side : X -> P -> R) (Out : Type) (good : X -> Out -> bool)
    (F : {set X}) (a : algorithm X (P -> R) Out) (delta : R) (x0 : X) :
  x0 \in F -> (forall x, x \in F -> side x = side x0) -> (forall x y o, good x o -> good y o -> x = y) ->
  delta < 1 ->
  (forall x, x \in F ->
     INR #|[pred w | ~~ good x (answer a w (compress a w x) (side x))]| <= delta * N (coins a)) ->
  log2 (INR #|F|) - log2 (/ (1 - delta)) <= bits a.
Proof. by move=> hx0 hF sep; exact: (Fibres.side_lower_bound hx0 hF sep (some_coins a)). Qed.

(* ... and a state of M values is enough, if at most M words share their side information. *)
Theorem side_upper_bound (X P : finType) (side : X -> P -> R) (Out : Type) (good : X -> Out -> bool) (x0 : X)
    (M : nat) (truth : X -> Out) :
  (forall x, good x (truth x)) ->
  (forall F : {set X}, (forall x y, x \in F -> y \in F -> side x =1 side y) -> (#|F| <= M)%nat) ->
  exists a : algorithm X (P -> R) Out,
    (forall w x, good x (answer a w (compress a w x) (side x))) /\ bits a = log2 (INR M).
Proof.
move=> hgood hM; have [f [g h]] := Fibres.side_upper_bound x0 hgood hM.
by exists (without_coins (fun _ => f) (fun _ => g)); split=> //; rewrite /bits /= N_ord.
Qed.

(* If M is the largest number of words that share their side information, log2 M bits are needed, up to
   log2 (1 / (1 - delta)), and M states are enough. *)
Theorem side_exact (X P : finType) (side : X -> P -> R) (Out : Type) (good : X -> Out -> bool)
    (truth : X -> Out) (M : nat) (F : {set X}) :
  (forall x y o, good x o -> good y o -> x = y) -> (forall x, good x (truth x)) ->
  (forall x y, x \in F -> y \in F -> side x =1 side y) -> #|F| = M -> (0 < M)%nat ->
  (forall G : {set X}, (forall x y, x \in G -> y \in G -> side x =1 side y) -> (#|G| <= M)%nat) ->
  (forall (a : algorithm X (P -> R) Out) (delta : R), delta < 1 ->
     (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) (side x))]| <= delta * N (coins a)) ->
     log2 (INR M) - log2 (/ (1 - delta)) <= bits a) /\
  exists a : algorithm X (P -> R) Out,
    (forall w x, good x (answer a w (compress a w x) (side x))) /\ bits a = log2 (INR M).
Proof.
move=> sep hgood hF cardF M0 hM.
have [low [f [g h]]] := Counts.side_exact sep hgood hF cardF M0 hM; split=> [a delta|].
  exact: low _ _ (compress a) (answer a) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ => g)); split=> //; rewrite /bits /= N_ord.
Qed.

(* THEOREM R3.  n maps of any shapes, Place k the places of map k; enlarge cell i is the rational weight of id
   i in a cell of f_hat = sum_i enlarge i E (r i), and a constant is enlarged to itself.  A vector of integers
   is hidden if it is enlarged to 0.  If hidden vectors of -1, 0, 1 are constant on every map, and in some
   channel no rational combination of the entries of the codebook is 0, then at most n! prefixes share one
   f_hat ... *)
Theorem independent_fibre (n : nat) (Place : 'I_n -> finType) (first : forall k, Place k) (Cell : finType)
    (enlarge : Cell -> {k : 'I_n & Place k} -> Q) (V Chan : finType) (E : V -> Chan -> R)
    (c : Chan) (cell : Cell) :
  (forall cell k, \rsum_(p : Place k) Q2R (enlarge cell (Tagged Place p)) = 1) ->
  (forall a : V -> Q, \rsum_v (Q2R (a v) * E v c) = 0 -> forall v, Q2R (a v) = 0) ->
  (forall z : {k : 'I_n & Place k} -> Z, (forall cell, \rsum_i (Q2R (enlarge cell i) * IZR (z i)) = 0) ->
     (forall i, (Z.abs (z i) <= 1)%Z) -> forall k (p q : Place k), z (Tagged Place p) = z (Tagged Place q)) ->
  forall F : {set {ffun {k : 'I_n & Place k} -> V}},
  (forall r s, r \in F -> s \in F -> forall cell ch,
     \rsum_i (Q2R (enlarge cell i) * E (r i) ch) = \rsum_i (Q2R (enlarge cell i) * E (s i) ch)) ->
  (#|F| <= n`!)%nat.
Proof.
move=> h1 hE hs F hF; apply: (Fibres.independent_fibre first h1 cell hE hs) => r s hr hq [cl ch].
exact: hF.
Qed.

(* ... and n! prefixes of constant maps do, in all orders of n codes, if there are as many codes. *)
Theorem permuted_constants (n : nat) (Place : 'I_n -> finType) (first : forall k, Place k) (Cell : finType)
    (enlarge : Cell -> {k : 'I_n & Place k} -> Q) (V Chan : finType) (E : V -> Chan -> R) :
  (forall cell k, \rsum_(p : Place k) Q2R (enlarge cell (Tagged Place p)) = 1) -> (n <= #|V|)%nat ->
  exists F : {set {ffun {k : 'I_n & Place k} -> V}},
  (forall r s, r \in F -> s \in F -> forall cell ch,
     \rsum_i (Q2R (enlarge cell i) * E (r i) ch) = \rsum_i (Q2R (enlarge cell i) * E (s i) ch)) /\ #|F| = n`!.
Proof.
move=> h1 hV; have [F [hF hn]] := Fibres.permuted_constants first h1 E hV.
by exists F; split=> // r s hr hq cl ch; exact: (hF r s hr hq (cl, ch)).
Qed.

(* Almost every codebook has independent entries in a channel.  To entries e that are independent over the
   rationals every real number outside a countable set may be added; so there are independent entries in any
   number. *)
Theorem independent_extends (m : nat) (e : 'I_m -> R) :
  (forall a : 'I_m -> Q, \rsum_i (Q2R (a i) * e i) = 0 -> forall i, Q2R (a i) = 0) ->
  exists f : nat -> R, forall y, (forall k, f k <> y) ->
  forall a : 'I_m.+1 -> Q, \rsum_i (Q2R (a i) * (if unlift ord_max i is Some j then e j else y)) = 0 ->
  forall i, Q2R (a i) = 0.
Proof.
by move=> he; exists (combination e) => y hy; exact: (IndependentEntries.independent_extends he hy).
Qed.

Theorem independent_exist (m : nat) : exists e : 'I_m -> R,
  forall a : 'I_m -> Q, \rsum_i (Q2R (a i) * e i) = 0 -> forall i, Q2R (a i) = 0.
Proof. exact: IndependentEntries.independent_exist. Qed.

(* For the grid of L equidistant levels in every channel of Chan, hidden vectors with entries up to L - 1
   matter: at most M^|Chan| prefixes share one f_hat, M being the largest number of words of n levels that
   have the same sum ... *)
Theorem grid_fibre (n : nat) (Place : 'I_n -> finType) (first : forall k, Place k) (Cell : finType)
    (enlarge : Cell -> {k : 'I_n & Place k} -> Q) (Chan : finType) (L : nat) (alpha beta : Chan -> R)
    (cell : Cell) :
  let M := (\max_(s < (n * L).+1) #|[pred w : {ffun 'I_n -> 'I_L} | \sum_k w k == s]|)%nat in
  (forall cell k, \rsum_(p : Place k) Q2R (enlarge cell (Tagged Place p)) = 1) -> (forall c, beta c <> 0) ->
  (forall z : {k : 'I_n & Place k} -> Z, (forall cell, \rsum_i (Q2R (enlarge cell i) * IZR (z i)) = 0) ->
     (forall i, (Z.abs (z i) <= Z.of_nat L.-1)%Z) ->
     forall k (p q : Place k), z (Tagged Place p) = z (Tagged Place q)) ->
  forall F : {set {ffun {k : 'I_n & Place k} -> {ffun Chan -> 'I_L}}},
  (forall r s, r \in F -> s \in F -> forall cell c,
     \rsum_i (Q2R (enlarge cell i) * (alpha c + beta c * INR (r i c)))
     = \rsum_i (Q2R (enlarge cell i) * (alpha c + beta c * INR (s i c)))) ->
  (#|F| <= expn M #|Chan|)%nat.
Proof.
move=> M h1 hb hs F hF; apply: (Fibres.grid_fibre first h1 (alpha := alpha) cell hb hs) => r s hr hq [cl ch].
exact: hF.
Qed.

(* ... and so many prefixes of constant maps do. *)
Theorem constant_grid (n : nat) (Place : 'I_n -> finType) (first : forall k, Place k) (Cell : finType)
    (enlarge : Cell -> {k : 'I_n & Place k} -> Q) (Chan : finType) (L : nat) (alpha beta : Chan -> R) :
  let M := (\max_(s < (n * L).+1) #|[pred w : {ffun 'I_n -> 'I_L} | \sum_k w k == s]|)%nat in
  (forall cell k, \rsum_(p : Place k) Q2R (enlarge cell (Tagged Place p)) = 1) ->
  exists F : {set {ffun {k : 'I_n & Place k} -> {ffun Chan -> 'I_L}}},
  (forall r s, r \in F -> s \in F -> forall cell c,
     \rsum_i (Q2R (enlarge cell i) * (alpha c + beta c * INR (r i c)))
     = \rsum_i (Q2R (enlarge cell i) * (alpha c + beta c * INR (s i c)))) /\ #|F| = expn M #|Chan|.
Proof.
move=> M h1; have [F [hF hn]] := Fibres.constant_grid first h1 (Chan := Chan) L alpha beta.
by exists F; split=> // r s hr hq cl c; exact: (hF r s hr hq (cl, c)).
Qed.

(* ================= clustered keys =================================================== *)

(* Keys in clusters of radius r around public centers, queries of norm at most lambda, e^(2 lambda r) <= 1 +
   eta: one counter for each cluster and channel answers every query on every word of bits, with h sum_k
   log2 (n_k + 1) bits for clusters of n_k tokens. *)
Theorem clusters_upper_bound (Tok Own Crd Ch Clu : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (cl : Tok -> Clu) (C : Clu -> Crd -> R) (lam r eta : R) :
  0 <= lam -> 0 <= r -> 0 <= eta < 1 -> exp (2 * (lam * r)) <= 1 + eta ->
  (forall i, let e a := K i a - C (cl i) a in dot e e <= r * r) ->
  exists a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R),
    (forall w (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
       approx eta (attention_own q K B (fun i c => ind (x (i, c))) c)
         (answer a w (compress a w (fun i c => ind (x (i, c)))) q c)) /\
    bits a = N Ch * \rsum_k log2 (INR #|[pred i | cl i == k]| + 1).
Proof.
move=> l0 r0 he hr near_C; have [S [f [g [h hS]]]] := Clusters.clusters_upper_bound Ch B l0 r0 he hr near_C.
by exists (without_coins (fun _ => f) (fun _ => g)).
Qed.

(* Centers as a clustering algorithm picks them, pairwise more than r apart and within r of every key,
   always exist; m of them make m h log2 (T + 1) bits enough. *)
Theorem greedy_clusters (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (lam r eta : R) :
  let gap i j := let e a := K i a - K j a in dot e e in
  0 <= lam -> 0 <= r -> 0 <= eta < 1 -> exp (2 * (lam * r)) <= 1 + eta ->
  exists (Z : {set Tok}) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R)),
    [/\ forall i j, i \in Z -> j \in Z -> i != j -> r * r < gap i j,
        forall w (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
          approx eta (attention_own q K B (fun i c => ind (x (i, c))) c)
            (answer a w (compress a w (fun i c => ind (x (i, c)))) q c)
      & bits a <= INR #|Z| * (N Ch * log2 (N Tok + 1))].
Proof.
move=> gap l0 r0 he hr; have [Z [S [f [g [h1 h2 h3]]]]] := Clusters.greedy_clusters Ch K B l0 r0 he hr.
by exists Z, (without_coins (fun _ => f) (fun _ => g)).
Qed.

(* No cache needs less than one counter for each cluster and channel, if keys coincide within clusters,
   clusters are incoherent, and 2 (eta + tau) n_k < 1: additive error eta, on the words that give the first
   x (k, c) tokens of cluster k a 1 in channel c. *)
Theorem clusters_lower_bound (Tok Own Crd Ch Clu : finType) (B : Own -> Crd -> R) (cl : Tok -> Clu)
    (C : Clu -> Crd -> R) (mu lam : R) (a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R))
    (eta : R) (delta : Clu -> R) :
  let n k := #|[pred i | cl i == k]| in let K i := C (cl i) in
  let tau := (N Tok + N Own) * exp (- lam * (1 - mu)) in
  incoherent C mu -> (forall k o, dot (C k) (B o) <= mu) -> 0 <= lam -> (forall k, (0 < n k)%nat) ->
  (forall k, 2 * (eta + tau) * INR (n k) < 1) -> (forall k, 0 <= delta k <= 1 - / (INR (n k) + 1)) ->
  (forall (x : {dffun forall kc : Clu * Ch, 'I_(n kc.1).+1}) k c, let q := scale lam (C k) in
     let V i c := ind (index i (enum [pred j | cl j == cl i]) < x (cl i, c))%nat in
     INR #|[pred w | ~~ near eta (attention_own q K B V c) (answer a w (compress a w V) q c)]|
       <= delta k * N (coins a)) ->
  N Ch * (\rsum_k fano (INR (n k) + 1) (delta k)) <= bits a.
Proof.
move=> n K tau hC hB l0 full step hd hc.
exact: (@Clusters.clusters_lower_bound Tok Own Crd Ch Clu B cl C mu lam hC hB l0 full _ _ (compress a)
  (answer a) eta delta step hd (some_coins a) hc).
Qed.

(* In low dimension any keys with entries in [-1, 1] lie in few clusters: relative error 1/2 for all queries
   of norm at most lambda costs at most G^d h log2 (T + 1) bits, for any positive
   whole number G >= 6 lambda sqrt d. *)
Theorem grid_upper_bound (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (lam : R) (G : nat) :
  (forall i c, -1 <= K i c <= 1) -> 0 <= lam -> 6 * lam * sqrt (N Crd) <= INR G.+1 ->
  exists a : algorithm (Tok -> Ch -> R) (Crd -> R) (Ch -> R),
    (forall w (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
       approx (1/2) (attention_own q K B (fun i c => ind (x (i, c))) c)
         (answer a w (compress a w (fun i c => ind (x (i, c)))) q c)) /\
    bits a <= INR G.+1 ^ #|Crd| * (N Ch * log2 (N Tok + 1)).
Proof.
move=> hK l0 hG; have [S [f [g [h hS]]]] := Clusters.grid_upper_bound Ch B hK l0 hG.
by exists (without_coins (fun _ => f) (fun _ => g)).
Qed.

(* ================= dither =============================================================================== *)

(* The mean of exp (t e) over the 2^b points e of a dither of b public bits, evenly spaced in an interval of
   length h around 0, is at most exp (t^2 h^2 / 24), as for a Gaussian variable of the variance h^2 / 12 of a
   uniform one. *)
Theorem dither_moment (b : nat) (t h : R) :
  \rsum_(k : 'I_(expn 2 b)) exp (t * (h * ((2 * INR k + 1) / (2 * 2 ^ b) - / 2)))
    <= INR (expn 2 b) * exp (t ^ 2 * h ^ 2 / 24).
Proof. exact: Dither.dither_moment. Qed.

(* The error of a logit, over dithers of b bits for each coordinate of a key: |q|^2 h^2 / 12 takes the place
   of h^2 / 12, in whatever direction q points and however many coordinates there are. *)
Theorem dither_logit (Crd : finType) (b : nat) (t h : R) (q : Crd -> R) :
  \rsum_(u : {ffun Crd -> 'I_(expn 2 b)})
      exp (t * dot q (fun c => h * ((2 * INR (u c) + 1) / (2 * 2 ^ b) - / 2)))
    <= N [finType of {ffun Crd -> 'I_(expn 2 b)}] * exp (t ^ 2 * h ^ 2 * dot q q / 24).
Proof. exact: Dither.dither_logit. Qed.

(* ================= everything ========================================================================= *)
Definition all_theorems := [::
  mention (@index_lower_bound); mention (@index_mean); mention (@index_binary); mention (@index_exact);
  mention (@separation_lower_bound); mention (@separation_average); mention (@separation_mean);
  mention (@levels_lower_bound); mention (@store_symbols_correct); mention (@softmax_gap);
  mention (@softmax_two); mention (@cosh_le_exp_square); mention (@greedy_keys_exist);
  mention (@greedy_keys_chernoff); mention (@relative_given_keys); mention (@geometric_given_keys);
  mention (@additive_given_keys); mention (@additive_given_own_weights); mention (@relative_headline);
  mention (@relative_headline_cache_only);
  mention (@relative_headline_unit_own); mention (@additive_headline); mention (@store_values);
  mention (@keys_and_values_lower_bound); mention (@theorem_C); mention (@theorem_C_norms);
  mention (@theorem_C_tight); mention (@theorem_C_headline); mention (@relative_keys_and_values);
  mention (@online_lower_bound); mention (@online_headline); mention (@online_upper_bound);
  mention (@window_lower_bound); mention (@window_upper_bound); mention (@var256_tokens);
  mention (@geometric_tokens_real); mention (@geometric_headline); mention (@geometric_online);
  mention (@square_online); mention (@small_scale_counterexample); mention (@nonadaptive_time);
  mention (@nonadaptive_time_max); mention (@relative_headline_average);
  mention (@additive_headline_average); mention (@theorem_C_average); mention (@low_dimension_headline);
  mention (@replay_lower_bound); mention (@replay_exact); mention (@replay_cache); mention (@var256_replay);
  mention (@prefix_decoding); mention (@prefix_lower_bound); mention (@unnormalise);
  mention (@layer_is_attention_own); mention (@layer_realisable); mention (@layer_lower_bound);
  mention (@layer_headline); mention (@block_relative); mention (@theorem_C_run); mention (@total_time);
  mention (@total_time_one_cache); mention (@pairs_lower_bound); mention (@theorem_C_zoom);
  mention (@theorem_C_zoom_norms); mention (@theorem_C_sharp); mention (@theorem_C_sharp_norms);
  mention (@index_subset); mention (@frames); mention (@frames_norms); mention (@frames_with_failures);
  mention (@frames_with_meetings); mention (@frames_with_failures_norms); mention (@flat_logits);
  mention (@clique_lattice); mention (@clique_lattice_norms); mention (@code_shell);
  mention (@clique_lattice_few); mention (@clique_lattice_few_streams);
  mention (@random_keys);
  mention (@clique_lattice_streams); mention (@clique_tilts_streams);
  mention (@random_keys_both); mention (@random_keys_headline); mention (@random_keys_average);
  mention (@half_bit_left); mention (@universal_lower_bound); mention (@growing_lower_bound);
  mention (@low_dimension_numbers); mention (@circle_keys_exist); mention (@circle_low_dimension);
  mention (@streams_lower_bound); mention (@heads_lower_bound); mention (@streams_headline);
  mention (@heads_additive); mention (@streams_additive_headline); mention (@streams_cliques);
  mention (@rounded_cache);
  mention (@repeated_streams); mention (@weighted_expectation); mention (@coins_lower_bound);
  mention (@variable_length_lower_bound); mention (@relative_headline_any_coins);
  mention (@classes_lower_bound); mention (@classes_upper_bound); mention (@sparse_bits_lower_bound);
  mention (@sparse_sums_lower_bound); mention (@signed_sums_lower_bound); mention (@blocks_exist);
  mention (@public_weights); mention (@pyramid_weights); mention (@side_lower_bound);
  mention (@side_upper_bound); mention (@side_exact); mention (@independent_fibre);
  mention (@permuted_constants); mention (@independent_extends); mention (@independent_exist);
  mention (@grid_fibre); mention (@constant_grid); mention (@index_lengths);
  mention (@theorem_C_sharp_headline); mention (@theorem_C_zoom_headline); mention (@clusters_upper_bound);
  mention (@greedy_clusters); mention (@clusters_lower_bound); mention (@grid_upper_bound);
  mention (@clique_lattice_store); mention (@clique_tilts); mention (@dither_moment);
  mention (@dither_logit)].
Print Assumptions all_theorems.
