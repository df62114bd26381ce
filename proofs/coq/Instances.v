(* What is proved for explicit models, in full.  Nothing is assumed but the correctness of the cache: the keys
   are written down, and their inner products and every other number are decided by computation.  The words
   of Theorems.v are used; in addition

   kerdock m f i c      letter c of word i of the Kerdock set from GF(2^m) modulo the polynomial f, whose
                        coefficients are the binary digits of f: 37 is x^5 + x^2 + 1, 11 is x^3 + x + 1
   kerdock_zeros m f i c   letter c of word i of those among them that begin with three letters 0
   trace_code m f i c   letter c of word i of the trace code tr(a x + b x^3) from GF(2^m) modulo f
   C_instance, C_question   the caches and the questions of Theorem C
   frame_instance, value_question, letter_question   the caches and the questions of Theorem F at delta = 0
   cut_question, level_question   the questions of Theorem F for delta > 0, for a block and for a level
   T, n2, d, h          cached tokens, own tokens, dimension, channels
   da, p                coordinates of address and payload *)
From Coq Require Import QArith Qreals.
From LowerBound Require Import Var256 Var256Payload Var256FrameFloors Var256FailureFloors Var256Ids
  Var256Fibres SmallInstances CliqueInstances TiltInstances Llama.
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

(* Queries of norm 100 or more, values 0 and 1: a cache whose answers have a relative error of at most 99
   percent, each with probability 1 - delta, has at least (1 - H2 delta) 27136 bits, where 27136 = 424 *
   64. *)
Theorem var256_binary (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 99/100 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * 27136 <= bits a.
Proof.
move=> T n2 d h K B a hlam he hd /correct_mean; exact: (Var256.var256_binary (some_coins a) hlam he hd).
Qed.

(* The same for queries of norm 10 or more and a relative error of at most 3/4. *)
Theorem var256_binary_10 (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  10 <= lam -> 0 <= eta <= 3/4 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * 27136 <= bits a.
Proof.
move=> T n2 d h K B a hlam he hd /correct_mean; exact: (Var256.var256_binary_10 (some_coins a) hlam he hd).
Qed.

(* Values on the grid 0, 1/49, ..., 1 of 50 levels: an additive error of at most 1/100 costs
   log2 50 - H2 delta - delta log2 49 bits for each of the 27136 entries. *)
Theorem var256_additive (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 1/100 -> 0 <= delta <= 49/50 ->
  correct K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) (compress a) (answer a) delta ->
  (log2 50 - H2 delta - delta * log2 49) * 27136 <= bits a.
Proof.
move=> T n2 d h K B a hlam he hd /correct_mean; exact: (Var256.var256_additive (some_coins a) hlam he hd).
Qed.

(* Without failures: 27136 bits ... *)
Theorem var256_binary_exact (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 99/100 ->
  correct K B lam ind (approx eta) (compress a) (answer a) 0 ->
  27136 <= bits a.
Proof.
move=> T n2 d h K B a; exact: Var256.var256_binary_exact (some_coins a).
Qed.

(* ... and 27136 log2 50 bits, which is more than 153151. *)
Theorem var256_additive_exact (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 1/100 ->
  correct K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) (compress a) (answer a) 0 ->
  log2 50 * 27136 <= bits a /\ 153151 <= bits a.
Proof.
move=> T n2 d h K B a; exact: Var256.var256_additive_exact (some_coins a).
Qed.

(* Both floors are attained: a cache of exactly that many bits never fails. *)
Theorem var256_binary_tight (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  0 <= eta < 1 ->
  exists a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
    correct K B lam ind (approx eta) (compress a) (answer a) 0 /\ bits a = 27136.
Proof.
move=> T n2 d h K B he; have [S [f [g [h1 h2]]]] := Var256.var256_binary_tight lam he.
by exists (without_coins f g).
Qed.

Theorem var256_additive_tight (lam eta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  0 <= eta ->
  exists a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
    correct K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) (compress a) (answer a) 0 /\
    bits a = log2 50 * 27136.
Proof.
move=> T n2 d h K B he; have [S [f [g [h1 h2]]]] := Var256.var256_additive_tight lam he.
by exists (without_coins f g).
Qed.

(* ================= one head of VAR at 256 pixels: keys and values ==================================== *)
(* The same sizes. A key is 32 address coordinates, 31 payload coordinates and one that fills it to unit norm;
   a value is 63 symbols and a constant. The addresses A are the first 424 words of the trace code of R^32, as
   unit vectors; rho = sqrt 31 / 8, lambda = 100, gamma = 7/24; 50 levels for the values, 48 for the
   payloads. *)

(* All cached keys and all of Bob's keys are unit vectors, all queries have norm 100. *)
Theorem var256_norms :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry :=
    @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1,
      forall ix, dot (qry ix).1.1 (qry ix).1.1 = 100 * 100 &
      forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1].
Proof. exact: Var256Payload.var256_norms. Qed.

(* A cache whose answers are within 1/100, value questions failing with probability dV and key questions with
   probability dK, has at least so many bits: 26712 = 424 * 63 symbols of 50 levels and 13144 = 424 * 31 of
   48. *)
Theorem var256_keys_and_values (eta dV dK : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry :=
    @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
  0 <= eta <= 1/100 -> 0 <= dV <= 49/50 -> 0 <= dK <= 47/48 ->
  correct_on (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a)
    (fun i => if i is inl _ then dV else dK) ->
  26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 * (log2 48 - H2 dK - dK * log2 47) <= bits a.
Proof.
move=> T n2 da p h.
have [eT ed ep eh] : [/\ T = cached256, da = address256, p = payload256 & h = values256] by [].
clearbody T da p h; subst T da p h; move=> A inst qry a he hV hK hc.
exact: (Var256Payload.var256_keys_and_values (some_coins a) he hV hK (correct_average hc)).
Qed.

(* Without failures this is more than 224167 bits. *)
Theorem var256_keys_and_values_exact (eta : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry :=
    @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
  0 <= eta <= 1/100 ->
  correct_on (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a) (fun _ => 0) ->
  26712 * log2 50 + 13144 * log2 48 <= bits a /\ 224167 <= bits a.
Proof.
move=> T n2 da p h.
have [eT ed ep eh] : [/\ T = cached256, da = address256, p = payload256 & h = values256] by [].
clearbody T da p h; subst T da p h; move=> A inst qry a.
exact: Var256Payload.var256_keys_and_values_exact (some_coins a).
Qed.

(* The floor is attained: a cache of exactly that many bits never fails. *)
Theorem var256_keys_and_values_tight (eta : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry :=
    @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  0 <= eta ->
  exists a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    correct_on (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a) (fun _ => 0) /\
    bits a = 26712 * log2 50 + 13144 * log2 48.
Proof.
move=> T n2 da p h.
have [eT ed ep eh] : [/\ T = cached256, da = address256, p = payload256 & h = values256] by [].
clearbody T da p h; subst T da p h; move=> A inst qry e0.
have [S [f [g [h1 h2]]]] := Var256Payload.var256_keys_and_values_tight e0.
by exists (without_coins f g).
Qed.

(* ================= one head of VAR at 256 pixels: frames ================================================ *)
(* Theorem F at the same sizes, at delta = 0.  The addresses b are the first 424 Kerdock words that begin with
   three zeros, less these zeros, in dimension 63: coordinate 0, which the reflections exchange with an
   address, and coordinate 62 are 0 in all of them, and coordinates 1, ..., 62 carry the payload.  Payloads
   lie on a grid of L points, 63 values on LV levels, queries have norm 100.
   All keys are unit vectors, and a cache whose answers to the value questions and to the letter questions are
   within eta has at least so many bits; fp16 has 868352. *)

(* eta = 1/10: 22 letters of payload, 5 levels of values, .2052 of fp16. *)
Theorem var256_frames_10 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 22%nat in let LV := 5%nat in let v (k : 'I_L) := (1141103/100000000) * (INR k - (INR L - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (3927/5000) LV v in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let payload := @letter_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] _ b (3927/5000) v
    100 (20/29) (21/29) (1141103/100000000) (1/65) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      forall i l a, unit (payload i l a) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    (forall w x i c, near (1/10) (frame_output (inst x) (value i c))
                       (answer alg w (compress alg w (inst x)) (value i c))) ->
    (forall w x i l a, near (1/10) (frame_output (inst x) (payload i l a))
                         (answer alg w (compress alg w (inst x)) (payload i l a))) ->
    178200 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 22%nat /\ LV = 5%nat by [].
clearbody L LV; move=> v inst value payload unit.
have [h1 h2 h3 hL] := Var256FrameFloors.var256_frames_10 eL eLV.
by split=> // alg; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* eta = 1/100: 216 letters of payload, 50 levels of values, .4069 of fp16. *)
Theorem var256_frames_100 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 216%nat in let LV := 50%nat in let v (k : 'I_L) := (57377/50000000) * (INR k - (INR L - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (7909/10000) LV v in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let payload := @letter_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] _ b (7909/10000) v
    100 (119/169) (120/169) (57377/50000000) (1/680) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      forall i l a, unit (payload i l a) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    (forall w x i c, near (1/100) (frame_output (inst x) (value i c))
                       (answer alg w (compress alg w (inst x)) (value i c))) ->
    (forall w x i l a, near (1/100) (frame_output (inst x) (payload i l a))
                         (answer alg w (compress alg w (inst x)) (payload i l a))) ->
    353400 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 216%nat /\ LV = 50%nat by [].
clearbody L LV; move=> v inst value payload unit.
have [h1 h2 h3 hL] := Var256FrameFloors.var256_frames_100 eL eLV.
by split=> // alg; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* eta = 1/1000: 2088 letters of payload, 500 levels of values, .6079 of fp16. *)
Theorem var256_frames_1000 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 2088%nat in let LV := 500%nat in
  let v (k : 'I_L) := (11619/100000000) * (INR k - (INR L - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (2021/2500) LV v in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let payload := @letter_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] _ b (2021/2500) v
    100 (403/565) (396/565) (11619/100000000) (1/7000) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      forall i l a, unit (payload i l a) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    (forall w x i c, near (1/1000) (frame_output (inst x) (value i c))
                       (answer alg w (compress alg w (inst x)) (value i c))) ->
    (forall w x i l a, near (1/1000) (frame_output (inst x) (payload i l a))
                         (answer alg w (compress alg w (inst x)) (payload i l a))) ->
    527900 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 2088%nat /\ LV = 500%nat by [].
clearbody L LV; move=> v inst value payload unit.
have [h1 h2 h3 hL] := Var256FrameFloors.var256_frames_1000 eL eLV.
by split=> // alg; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* ================= one head of VAR at 256 pixels: frames, with failures ================================= *)
(* The same addresses and sizes.  Letters lie on a grid of 2^B L points, whose runs of L neighbours are the
   2^B blocks.  If every value question, every question for a block, and every question for a level in a block
   is answered within eta with probability 99/100 over the coins, on every instance, then at least so many
   bits are needed. *)

(* eta = 1/10: 8 blocks of 3 letters, 5 levels of values, .1924 of fp16. *)
Theorem var256_frames_with_failures_10 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 3%nat in let LV := 5%nat in let K := (expn 2 3 * L)%nat in
  let v r := (1397309/125000000) * (r - (INR K - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (7633/10000) LV
    (fun k : 'I_K => v (INR k)) in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let side := @cut_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (7633/10000) 3
    (fun t => v (INR t * INR L - 1)) (fun t => v (INR t * INR L)) 100 (225/353) (272/353) (1/85) in
  let level := @level_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (7633/10000) 3
    (fun k => v (INR k * INR L + (INR L - 1) / 2)) 100 (225/353) (272/353) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      (forall i l t, (0 < t < expn 2 3)%nat -> unit (side i l t)) /\
      (forall i l k, (k < expn 2 3)%nat -> unit (level i l k)) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    let failed x Q :=
      INR #|[pred w | ~~ near (1/10) (frame_output (inst x) Q)
                         (answer alg w (compress alg w (inst x)) Q)]| in
    (forall x i c, failed x (value i c) <= 1/100 * N (coins alg)) ->
    (forall x i l t, (0 < t < expn 2 3)%nat -> failed x (side i l t) <= 1/100 * N (coins alg)) ->
    (forall x i l k, (k < expn 2 3)%nat -> failed x (level i l k) <= 1/100 * N (coins alg)) ->
    167100 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 3%nat /\ LV = 5%nat by [].
clearbody L LV; move=> K v inst value side level unit.
have [h1 h2 h3 hL] := Var256FailureFloors.var256_frames_with_failures_10 eL eLV.
by split=> // alg failed; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* eta = 1/100: 16 blocks of 14 letters, 50 levels of values, .3902 of fp16. *)
Theorem var256_frames_with_failures_100 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 14%nat in let LV := 50%nat in let K := (expn 2 4 * L)%nat in
  let v r := (287021/250000000) * (r - (INR K - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (1563/2000) LV
    (fun k : 'I_K => v (INR k)) in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let side := @cut_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (1563/2000) 4
    (fun t => v (INR t * INR L - 1)) (fun t => v (INR t * INR L)) 100 (455/697) (528/697) (1/770) in
  let level := @level_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (1563/2000) 4
    (fun k => v (INR k * INR L + (INR L - 1) / 2)) 100 (455/697) (528/697) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      (forall i l t, (0 < t < expn 2 4)%nat -> unit (side i l t)) /\
      (forall i l k, (k < expn 2 4)%nat -> unit (level i l k)) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    let failed x Q :=
      INR #|[pred w | ~~ near (1/100) (frame_output (inst x) Q)
                         (answer alg w (compress alg w (inst x)) Q)]| in
    (forall x i c, failed x (value i c) <= 1/100 * N (coins alg)) ->
    (forall x i l t, (0 < t < expn 2 4)%nat -> failed x (side i l t) <= 1/100 * N (coins alg)) ->
    (forall x i l k, (k < expn 2 4)%nat -> failed x (level i l k) <= 1/100 * N (coins alg)) ->
    338900 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 14%nat /\ LV = 50%nat by [].
clearbody L LV; move=> K v inst value side level unit.
have [h1 h2 h3 hL] := Var256FailureFloors.var256_frames_with_failures_100 eL eLV.
by split=> // alg failed; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* eta = 1/1000: 32 blocks of 69 letters, 500 levels of values, .5891 of fp16. *)
Theorem var256_frames_with_failures_1000 :
  let T := 424%nat in let n2 := 256%nat in let p := 62%nat in let h := 63%nat in
  let b (i : 'I_T) (c : option 'I_p) := if c is Some l then
    if (l < 61)%nat then (if kerdock_zeros 5 37 i l.+3 then -1 else 1) / sqrt 61 else 0 else 0 in
  let L := 69%nat in let LV := 500%nat in let K := (expn 2 5 * L)%nat in
  let v r := (111839/1000000000) * (r - (INR K - 1) / 2) in
  let inst := @frame_instance _ [finType of 'I_p] [finType of 'I_h] _ b (1991/2500) LV
    (fun k : 'I_K => v (INR k)) in
  let value := @FrameFamily.value_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b 100 in
  let side := @cut_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (1991/2500) 5
    (fun t => v (INR t * INR L - 1)) (fun t => v (INR t * INR L)) 100 (65/97) (72/97) (1/7000) in
  let level := @level_question _ [finType of 'I_n2] [finType of 'I_p] [finType of 'I_h] b (1991/2500) 5
    (fun k => v (INR k * INR L + (INR L - 1) / 2)) 100 (65/97) (72/97) in
  let unit Q := dot Q.1.1 Q.1.1 = 100 ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit (value i c),
      (forall i l t, (0 < t < expn 2 5)%nat -> unit (side i l t)) /\
      (forall i l k, (k < expn 2 5)%nat -> unit (level i l k)) &
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
    let failed x Q :=
      INR #|[pred w | ~~ near (1/1000) (frame_output (inst x) Q)
                         (answer alg w (compress alg w (inst x)) Q)]| in
    (forall x i c, failed x (value i c) <= 1/100 * N (coins alg)) ->
    (forall x i l t, (0 < t < expn 2 5)%nat -> failed x (side i l t) <= 1/100 * N (coins alg)) ->
    (forall x i l k, (k < expn 2 5)%nat -> failed x (level i l k) <= 1/100 * N (coins alg)) ->
    511600 <= bits alg].
Proof.
move=> T n2 p h b L LV; have [eL eLV] : L = 69%nat /\ LV = 500%nat by [].
clearbody L LV; move=> K v inst value side level unit.
have [h1 h2 h3 hL] := Var256FailureFloors.var256_frames_with_failures_1000 eL eLV.
by split=> // alg failed; exact: hL _ _ _ _ (some_coins alg).
Qed.

(* ================= correct on average ========================================================= *)
(* The floors of VAR at 256 pixels hold when only the mean failure rate is bounded: over coins, words, tokens
   and channels for the values; over coins and instances for keys and values. *)
Theorem var256_binary_average (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 99/100 -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * 27136 <= bits a.
Proof. by move=> T n2 d h K B a; exact: (Var256.var256_binary (some_coins a)). Qed.

Theorem var256_additive_average (lam eta delta : R) :
  let T := 424%nat in let n2 := 256%nat in let d := 64%nat in let h := 64%nat in
  let K (i : 'I_T) (c : 'I_d) := (if kerdock 5 37 i c then -1 else 1) / 8 in
  let B (o : 'I_n2) (c : 'I_d) := (if kerdock 5 37 (T + o)%nat c then -1 else 1) / 8 in
  forall a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R),
  100 <= lam -> 0 <= eta <= 1/100 -> 0 <= delta <= 49/50 ->
  correct_in_mean K B lam (fun a : 'I_50 => INR a / (INR 50 - 1)) (near eta) (compress a) (answer a) delta ->
  (log2 50 - H2 delta - delta * log2 49) * 27136 <= bits a.
Proof. by move=> T n2 d h K B a; exact: (Var256.var256_additive (some_coins a)). Qed.

Theorem var256_keys_and_values_average (eta dV dK : R) :
  let T := 424%nat in let n2 := 256%nat in let da := 32%nat in let p := 31%nat in let h := 63%nat in
  let A (i : 'I_T) (c : 'I_da) := (if trace_code 5 37 i c then -1 else 1) / sqrt 32 in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A (sqrt 31 / 8) 100 (7/24) 50 48 in
  let qry :=
    @C_question _ [finType of 'I_n2] _ [finType of 'I_p] [finType of 'I_h] ord0 A (sqrt 31 / 8) 100 (7/24) in
  forall a : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2 _ 'I_h) R,
  0 <= eta <= 1/100 -> 0 <= dV <= 49/50 -> 0 <= dK <= 47/48 ->
  correct_on_average (fun inp q => near eta (output inp q)) inst qry (compress a) (answer a)
    (fun i => if i is inl _ then dV else dK) ->
  26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 * (log2 48 - H2 dK - dK * log2 47) <= bits a.
Proof.
move=> T n2 da p h.
have [eT ed ep eh] : [/\ T = cached256, da = address256, p = payload256 & h = values256] by [].
clearbody T da p h; subst T da p h; move=> A inst qry a.
exact: Var256Payload.var256_keys_and_values (some_coins a).
Qed.

(* ================= two small models =========================================================== *)
(* The schedule 1, 4, 16: 5 cached tokens, 16 tokens of the last scale. *)

(* Dimension 16, keys from the Kerdock set of R^16, with inner products at most 1/4: 80 = 5 * 16 entries. *)
Theorem kerdock16_binary (a : algorithm ('I_5 -> 'I_16 -> R) ('I_16 -> R) ('I_16 -> R)) (lam eta delta : R) :
  let K (i : 'I_5) (c : 'I_16) := (if kerdock 3 11 i c then -1 else 1) / 4 in
  let B (o : 'I_16) (c : 'I_16) := (if kerdock 3 11 (5 + o)%nat c then -1 else 1) / 4 in
  8 <= lam -> 0 <= eta <= 7/8 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * 80 <= bits a.
Proof.
move=> K B hlam he hd /correct_mean; exact: (SmallInstances.kerdock16_binary (some_coins a) hlam he hd).
Qed.

(* Dimension 4, keys from 21 of the 24 roots of D_4, inner products at most 1/2: 20 = 5 * 4 entries. *)
Theorem d4_binary (a : algorithm ('I_5 -> 'I_4 -> R) ('I_4 -> R) ('I_4 -> R)) (lam eta delta : R) :
  let root (i c : nat) := nth 0%Z (nth [::] ([::
    [:: 1; 1; 0; 0]; [:: 1; -1; 0; 0]; [:: -1; 1; 0; 0]; [:: -1; -1; 0; 0]; [:: 1; 0; 1; 0]; [:: 1; 0; -1; 0];
    [:: -1; 0; 1; 0]; [:: -1; 0; -1; 0]; [:: 1; 0; 0; 1]; [:: 1; 0; 0; -1]; [:: -1; 0; 0; 1];
      [:: -1; 0; 0; -1];
    [:: 0; 1; 1; 0]; [:: 0; 1; -1; 0]; [:: 0; -1; 1; 0]; [:: 0; -1; -1; 0]; [:: 0; 1; 0; 1]; [:: 0; 1; 0; -1];
    [:: 0; -1; 0; 1]; [:: 0; -1; 0; -1]; [:: 0; 0; 1; 1]])%Z i) c in
  let K (i : 'I_5) (c : 'I_4) := IZR (root i c) / sqrt 2 in
  let B (o : 'I_16) (c : 'I_4) := IZR (root (5 + o)%nat c) / sqrt 2 in
  12 <= lam -> 0 <= eta <= 4/5 -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * 20 <= bits a.
Proof.
move=> root K B hlam he hd /correct_mean; exact: (SmallInstances.d4_binary (some_coins a) hlam he hd).
Qed.

(* ================= the scheme ================================================================= *)
(* Every integer certificate gives a floor. gram_at_most: rows 0, ..., T + n2 - 1 have squared norm s, and
   inner products of at most g. leak_at_most: (T + n2 - 1) e^(- lam0 (1 - g/s)) <= u/v, shown by (1 + x/k)^k
   <= e^x. Both are booleans that compute. *)
Theorem floor_of_certificate (T n2 d h : nat) (row : nat -> nat -> Z) (s g lam0 : Z) (k : nat) (u v : Z)
    (a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R))
    (lam eta delta : R) :
  let K (i : 'I_T) (c : 'I_d) := IZR (row i c) / sqrt (IZR s) in
  let B (o : 'I_n2) (c : 'I_d) := IZR (row (T + o)%nat c) / sqrt (IZR s) in
  gram_at_most d row s (T + n2) g -> leak_at_most T n2 s g lam0 k u v -> IZR lam0 <= lam ->
  0 <= eta < 1 -> (1 + eta) * (IZR u / IZR v) < 1 - eta -> 0 <= delta <= 1/2 ->
  correct K B lam ind (approx eta) (compress a) (answer a) delta ->
  (1 - H2 delta) * INR (T * h) <= bits a.
Proof.
move=> K B gram small hlam he gap hd /correct_mean.
exact: (IntegerKeys.floor_of_certificate (gram_incoherent gram) small hlam (some_coins a) he gap hd).
Qed.

(* The same for additive error and L levels. *)
Theorem floor_of_certificate_additive (T n2 d h : nat) (row : nat -> nat -> Z) (s g lam0 : Z) (k : nat)
  (u v : Z)
    (a : algorithm ('I_T -> 'I_h -> R) ('I_d -> R) ('I_h -> R))
    (lam eta delta : R) (L : nat) :
  let K (i : 'I_T) (c : 'I_d) := IZR (row i c) / sqrt (IZR s) in
  let B (o : 'I_n2) (c : 'I_d) := IZR (row (T + o)%nat c) / sqrt (IZR s) in
  gram_at_most d row s (T + n2) g -> leak_at_most T n2 s g lam0 k u v -> IZR lam0 <= lam ->
  (0 < L)%nat -> 2 * (eta + IZR u / IZR v) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct K B lam (fun a : 'I_L => INR a / (INR L - 1)) (near eta) (compress a) (answer a) delta ->
  (log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * INR (T * h) <= bits a.
Proof.
move=> K B gram small hlam L0 step hd /correct_mean.
exact: (IntegerKeys.floor_of_certificate_additive (gram_incoherent gram) small hlam (some_coins a)
  L0 step hd).
Qed.

(* Theorem C for every design: addresses A of coherence g/s, rho = sqrt p u1/u2, gamma = a/b with a^2 + b^2 =
   w^2. design, a boolean that computes, says that r1/r2 is below the scale sqrt (1 - rho^2) of the addresses,
   that e1/e2 is below e^c for the largest payload logit c, and that the leak is at most t1/t2. *)
Theorem floor_of_design (T n2 da p h : nat) (A : 'I_T -> 'I_da -> R) (s g u1 u2 a b w lam r1 r2 : Z)
  (k k' : nat)
    (e1 e2 t1 t2 : Z) (LV LK : nat) (eta dV dK : R) :
  let rho := sqrt (INR p) * (IZR u1 / IZR u2) in let gam := IZR a / IZR b in
  let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho (IZR lam) gam LV LK in
  let qry :=
    @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] [finType of 'I_h] ord0 A rho (IZR lam) gam in
  incoherent A (IZR g / IZR s) -> design T n2 p s g u1 u2 a b w lam r1 r2 k k' e1 e2 t1 t2 ->
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta -> 2 * (eta + IZR t1 / IZR t2) * (INR LV - 1) < 1 ->
  2 * (eta + IZR t1 / IZR t2) * (INR LK - 1) < 1 - 2 / (1 + IZR e1 / IZR e2) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  forall alg : algorithm (cached 'I_T _ 'I_h) (asked 'I_n2.+1 _ 'I_h) R,
  correct_on (fun inp q => near eta (output inp q)) inst qry (compress alg) (answer alg)
    (fun i => if i is inl _ then dV else dK) ->
  INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= bits alg.
Proof.
move=> rho gam inst qry hA ok V0 K0 e0 stepV stepK hV hK alg /correct_average.
exact: (IntegerPayload.floor_of_design erefl hA ok V0 K0 e0 stepV stepK hV hK (some_coins alg)).
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
  forall a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer a w (compress a w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer a w (compress a w (inst x)) (value y i c))) ->
  580576 <= bits a.
Proof.
move=> Tok Own J Ch L words inst mass value fine he a.
exact: (CliqueInstances.var256_cliques_1000 fine he (some_coins a)).
Qed.

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

(* With a chain of tilts (clique_tilts in Theorems.v) the floors are higher.  The lattice has 1099511627776 =
   2^40 steps to 1, or more, and keys have mutual inner products of at most 3/5.  A cache that is never off by
   more than 1/1000 has 615982 bits, more than 70 percent of the fp16 cache of 868352 bits. *)
Theorem var256_tilts_1000 (M : nat) (eta : R) :
  let Tok := [finType of 'I_424] in let Own := [finType of 'I_256] in
  let J := [finType of 'I_63] in let Ch := [finType of 'I_63] in let L := 500%nat in
  let words := coherent_words Tok J Ch M L (3/5) in
  let inst := @lattice_instance Tok J Ch M L in
  let mass := @mass_question Own J Ch 100 in
  let value := @value_question Tok Own J Ch M L 100 in
  1099511627776 <= INR M -> eta <= 1/1000 ->
  forall a : algorithm (cached Tok (option J) Ch) (asked Own (option J) Ch) R,
  (forall w x q r, x \in words -> dot q q = 1 -> dot r r = 1 ->
     near eta (lattice_output (inst x) (mass q r)) (answer a w (compress a w (inst x)) (mass q r))) ->
  (forall w x y i c, x \in words -> y \in words ->
     near eta (lattice_output (inst x) (value y i c)) (answer a w (compress a w (inst x)) (value y i c))) ->
  615982 <= bits a.
Proof.
move=> Tok Own J Ch L words inst mass value fine he a.
exact: (TiltInstances.var256_tilts_1000 fine he (some_coins a)).
Qed.

(* The same for other eta: 29.8, 50.6, 70.9 and 91.1 percent of the fp16 cache. *)
Theorem var256_tilts (M : nat) (eta : R) : 1099511627776 <= INR M ->
  [/\ eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (3/5) eta 258943,
      eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (3/5) eta 439510,
      eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (3/5) eta 615982
    & eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (3/5) eta 791355].
Proof.
move=> fine; split; [exact: TiltInstances.var256_tilts_10|exact: TiltInstances.var256_tilts_100| |].
  exact: TiltInstances.var256_tilts_1000.
exact: TiltInstances.var256_tilts_10000.
Qed.

(* Every design of a chain gives a floor, as those of clique_lattice do. q is the denominator of all cosines
   of the chain ts; a tilt of ts has numerators of its cosine, of near_cosine, of pull and of cap, and of
   the reach that it leaves; r0 is the first reach. *)
Theorem floor_of_tilts_design (T n2 n h L : nat) (lam : Z) (eta mu C tau : Z * Z) (q m m' r0 : Z)
    (ts : seq tilt) (k k' g M0 bits : Z) (M : nat) (eta' : R) :
  tilts_design T n2 n h L lam eta mu C tau q m m' r0 ts k k' g M0 bits -> IZR M0 <= INR M ->
  eta' <= IZR eta.1 / IZR eta.2 ->
  lattice_floor T n2 n h L M (IZR lam) (IZR mu.1 / IZR mu.2) eta' (IZR bits).
Proof. by move=> ok fine; exact: (IntegerTilts.floor_of_tilts_design ok fine). Qed.

(* ================= layers and heads ===================================================================== *)
(* One cache of many streams (layers and heads) has the floors of all of them.  lattice_floors T n2 n h L M
   lam mu eta Str bits says that a cache of the streams Str, each of these sizes, that answers all mass
   questions and all value questions of every stream within eta has N Str times so many bits. *)
Theorem floors_of_clique_design (T n2 n h L : nat) (lam : Z) (eta mu C tau : Z * Z) (m k m' k' M0 bits : Z)
    (M : nat) (eta' : R) (Str : finType) :
  clique_design T n2 n h L lam eta mu C tau m k m' k' M0 bits -> IZR M0 <= INR M ->
  eta' <= IZR eta.1 / IZR eta.2 ->
  lattice_floors T n2 n h L M (IZR lam) (IZR mu.1 / IZR mu.2) eta' Str (IZR bits).
Proof. by move=> ok fine; exact: (IntegerCliques.floors_of_clique_design ok fine). Qed.

Theorem floors_of_tilts_design (T n2 n h L : nat) (lam : Z) (eta mu C tau : Z * Z) (q m m' r0 : Z)
    (ts : seq tilt) (k k' g M0 bits : Z) (M : nat) (eta' : R) (Str : finType) :
  tilts_design T n2 n h L lam eta mu C tau q m m' r0 ts k k' g M0 bits -> IZR M0 <= INR M ->
  eta' <= IZR eta.1 / IZR eta.2 ->
  lattice_floors T n2 n h L M (IZR lam) (IZR mu.1 / IZR mu.2) eta' Str (IZR bits).
Proof. by move=> ok fine; exact: (IntegerTilts.floors_of_tilts_design ok fine). Qed.

(* ================= a language model: Llama 3.1 with 8 billion parameters =============================== *)
(* 32 layers of 8 key-value heads are 256 streams; each has 8192 cached tokens, one token of its own, keys and
   queries of 128 numbers, and values of 128.  fp16 takes 8589934592 bits, 1 GiB. *)

(* Values alone: there are public unit keys K, and unit keys b of the own token, with which a cache of values
   on the grid 0, 1/49, ..., 1 whose answers to the queries lam K_i of all streams are within 1/100, each with
   probability 1 - delta over coins and words, has log2 50 - H2 delta - delta log2 49 bits for each of its
   268435456 entries: 1515011109 bits without failures, and 1478218000 if one answer of a hundred may fail. *)
Theorem llama_values :
  exists K : 'I_8192 -> 'I_128 -> R, incoherent K (2/5) /\
  (exists b, dot b b = 1 /\ forall i, dot (K i) b <= 2/5) /\
  forall B : 'I_256 -> 'I_1 -> 'I_128 -> R, (forall s i o, dot (K i) (B s o) <= 2/5) ->
  forall (a : algorithm ('I_256 -> 'I_8192 -> 'I_128 -> R) 'I_256 (('I_128 -> R) -> 'I_128 -> R))
    (lam eta delta : R), 100 <= lam -> eta <= 1/100 -> 0 <= delta <= 49/50 ->
  grid_streams_good 50 K B lam eta delta (compress a) (answer a) ->
  [/\ (log2 50 - H2 delta - delta * log2 49) * 268435456 <= bits a,
      delta = 0 -> 1515011109 <= bits a & delta <= 1/100 -> 1478218000 <= bits a].
Proof.
have [K [b [hK b1 hb]]] := Llama.llama_keys; exists K; split=> //; split; first by exists b.
move=> B hB a lam eta delta hl he hd hc; have W0 := some_coins a.
split=> [|d0|d1]; first exact: (Llama.llama_values hK hB W0 hl he hd hc).
  by move: hc; rewrite d0 => hc; exact: (Llama.llama_values_exact hK hB W0 hl he hc).
by apply: (Llama.llama_values_failures hK hB W0 hl he _ hc); lra.
Qed.

(* Keys and values: every cache of the model that is within 1/100, for all unit keys, all values in [0, 1],
   all queries of norm 100 and every unit key of the own token, has 4401467136 bits, more than 51 percent of
   fp16.  There are such caches (rounded_cache in Theorems.v). *)
Theorem llama_8b_8192 (a : algorithm (('I_256 -> 'I_8192 -> 'I_128 -> R) * ('I_256 -> 'I_8192 -> 'I_128 -> R))
    'I_256 (('I_128 -> R) -> ('I_1 -> 'I_128 -> R) -> 'I_128 -> R)) :
  (forall w K V, (forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1) ->
     forall s q b c, dot q q = 100 * 100 -> (forall o, dot (b o) (b o) = 1) ->
     near (1/100) (attention_own q (K s) b (V s) c) (answer a w (compress a w (K, V)) s q b c)) ->
  4401467136 <= bits a.
Proof. exact: (Llama.llama_8b_8192 (some_coins a)). Qed.

(* ================= VAR at 256 pixels: token ids, model R2 =============================================== *)
(* The maps have the sides 1, 2, 3, 4, 5, 6, 8, 10, 13, 16.  passed sides k j i p is the exact rational with
   which line p of scale j enters line i of scale k: bicubic (a = -3/4) to 16 lines, then the mean over the
   lines of the cell (area).  Ids are those of the first eight scales, 12 bits each, written as signs in 12 of
   32 channels; cached rows are those of the first nine.  There are public weights of the first layer (word
   embedding, table of positions, W_Q, W_K, W_V; AdaLN without shift and gain; one head of dimension 64;
   lambda = 100) for which outputs of the last scale that are within eta of the range of values determine all
   ids.  3060 - log2 (1 / (1 - delta)) bits are needed, and 3060 are enough, whether the message is the whole
   state (J = all rows) or the cache alone (J = the cached rows). *)
Theorem var256_public_weights (C : nat) (eps eta : R) :
  let sides := [:: 1; 2; 3; 4; 5; 6; 8; 10; 13; 16]%nat in
  let side (_ : bool) k := nth 0%nat sides k in
  let Id := scale_id 8%nat side in let Cached := scale_cached 8%nat side in
  let Last := scale_last 8%nat side in
  let weight := scale_weight (n := 8) (fun (_ : bool) k j i p => Q2R (passed sides k j i p)) in
  forall frozen : Cached + Last -> 'I_32 -> R,
  (160 < C)%nat -> 0 <= eps -> 0 <= eta <= 3631 / 1000000 ->
  exists (word : 'I_32 -> 'I_C -> R) (position : Cached + Last -> 'I_C -> R)
         (lay : layer [finType of 'I_C] [finType of 'I_1] [finType of 'I_64] [finType of 'I_64]),
  (forall h, multiplier lay h = 100) /\
  let spot := widen_ord (isT : (12 <= 32)%nat) in
  let z (x : {ffun Id * 'I_12 -> bool}) s :=
    layer_norm eps (input_row word position (fun s c => content spot weight x s c + frozen s c) s) in
  forall (J : finType) (into : J -> Cached + Last), injective into -> (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (a : algorithm _ unit (Last -> 'I_1 -> 'I_64 -> R)) (delta : R), delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) tt)]| <= delta * N (coins a)) ->
        3060 - log2 (/ (1 - delta)) <= bits a
    & exists a : algorithm _ unit (Last -> 'I_1 -> 'I_64 -> R),
        (forall w x, good x (answer a w (compress a w x) tt)) /\ bits a = 3060].
Proof.
move=> sides side Id Cached Last weight frozen hC e0 he.
have [word [position [lay [hlam hL]]]] := Var256Ids.var256_public_weights frozen hC e0 he.
exists word, position, lay; split=> // spot z J into inj all good.
have [sep low [S [f [g [h hS]]]]] := hL J into inj all.
split=> // [a delta|]; first exact: low _ _ (compress a) (fun w s => answer a w s tt) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ s _ => g s)).
Qed.

(* ================= VAR at 256 pixels: f_hat is known, model R3 ========================================== *)
(* The ids are those of the maps of sides 1, 2, 3, 4, 5, 6, 8, 10; var256_place k are the places of map k, and
   var256_enlarge cell i is the weight of id i in a cell of f_hat, the product of two bicubic weights from the
   side of the map to 16.  Integer changes of at most 63 that f_hat does not show are constant on every
   map. *)
Theorem var256_short (z : {k : 'I_8 & var256_place k} -> Z) :
  (forall cell, \rsum_i (Q2R (var256_enlarge cell i) * IZR (z i)) = 0) -> (forall i, (Z.abs (z i) <= 63)%Z) ->
  forall (k : 'I_8) (p q : var256_place k), z (Tagged var256_place p) = z (Tagged var256_place q).
Proof. exact: Var256Fibres.var256_short. Qed.

(* Whatever is asked, if a good answer determines the ids: with f_hat for free, log2 40320 bits are needed, up
   to log2 (1 / (1 - delta)), and 40320 = 8! states are enough, for every codebook of 8 or more codes whose
   entries in some channel are independent over the rationals (almost every one, independent_extends) ... *)
Theorem var256_f_hat_independent (V Chan : finType) (E : V -> Chan -> R) (c : Chan) (Out : Type)
    (good : {ffun {k : 'I_8 & var256_place k} -> V} -> Out -> bool)
    (truth : {ffun {k : 'I_8 & var256_place k} -> V} -> Out) :
  let f_hat (x : {ffun {k : 'I_8 & var256_place k} -> V}) (pc : 'I_16 * 'I_16 * Chan) :=
    \rsum_i (Q2R (var256_enlarge pc.1 i) * E (x i) pc.2) in
  (forall a : V -> Q, \rsum_v (Q2R (a v) * E v c) = 0 -> forall v, Q2R (a v) = 0) -> (8 <= #|V|)%nat ->
  (forall x y o, good x o -> good y o -> x = y) -> (forall x, good x (truth x)) ->
  (forall (a : algorithm _ ('I_16 * 'I_16 * Chan -> R) Out) (delta : R), delta < 1 ->
     (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) (f_hat x))]| <= delta * N (coins a)) ->
     log2 40320 - log2 (/ (1 - delta)) <= bits a) /\
  exists a : algorithm _ ('I_16 * 'I_16 * Chan -> R) Out,
    (forall w x, good x (answer a w (compress a w x) (f_hat x))) /\ bits a = log2 40320.
Proof.
move=> f_hat hE hV sep hgood.
have [low [S [f [g [h hS]]]]] := Var256Fibres.var256_f_hat_independent hE hV sep hgood.
split=> [a delta|]; first exact: low _ _ (compress a) (answer a) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ => g)); split=> //; rewrite /bits /= hS.
Qed.

(* ... 70^12 for codes of 12 signs, ... *)
Theorem var256_f_hat_signs (Out : Type)
    (good : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_12 -> 'I_2}} -> Out -> bool)
    (truth : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_12 -> 'I_2}} -> Out) :
  let f_hat (x : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_12 -> 'I_2}}) (pc : 'I_16 * 'I_16 * 'I_12) :=
    \rsum_i (Q2R (var256_enlarge pc.1 i) * (-1 + 2 * INR (x i pc.2))) in
  (forall x y o, good x o -> good y o -> x = y) -> (forall x, good x (truth x)) ->
  (forall (a : algorithm _ ('I_16 * 'I_16 * 'I_12 -> R) Out) (delta : R), delta < 1 ->
     (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) (f_hat x))]| <= delta * N (coins a)) ->
     log2 (70 ^ 12) - log2 (/ (1 - delta)) <= bits a) /\
  exists a : algorithm _ ('I_16 * 'I_16 * 'I_12 -> R) Out,
    (forall w x, good x (answer a w (compress a w x) (f_hat x))) /\ bits a = log2 (70 ^ 12).
Proof.
move=> f_hat sep hgood.
have := @Var256Fibres.var256_f_hat_levels [finType of 'I_12] 2 70 (fun _ => -1) (fun _ => 2) Out good truth
  isT erefl var256_most_signs (fun _ => ltac:(lra)) sep hgood.
rewrite card_ord => -[low [S [f [g [h hS]]]]].
split=> [a delta|]; first exact: low _ _ (compress a) (answer a) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ => g)); split=> //; rewrite /bits /= hS.
Qed.

(* ... and 2108508564928^2 = 4445808368374733991645184 for a grid of 64 x 64 equidistant levels. *)
Theorem var256_f_hat_grid (alpha beta : 'I_2 -> R) (Out : Type)
    (good : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_2 -> 'I_64}} -> Out -> bool)
    (truth : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_2 -> 'I_64}} -> Out) :
  let f_hat (x : {ffun {k : 'I_8 & var256_place k} -> {ffun 'I_2 -> 'I_64}}) (pc : 'I_16 * 'I_16 * 'I_2) :=
    \rsum_i (Q2R (var256_enlarge pc.1 i) * (alpha pc.2 + beta pc.2 * INR (x i pc.2))) in
  (forall c, beta c <> 0) -> (forall x y o, good x o -> good y o -> x = y) -> (forall x, good x (truth x)) ->
  (forall (a : algorithm _ ('I_16 * 'I_16 * 'I_2 -> R) Out) (delta : R), delta < 1 ->
     (forall x, INR #|[pred w | ~~ good x (answer a w (compress a w x) (f_hat x))]| <= delta * N (coins a)) ->
     log2 4445808368374733991645184 - log2 (/ (1 - delta)) <= bits a) /\
  exists a : algorithm _ ('I_16 * 'I_16 * 'I_2 -> R) Out,
    (forall w x, good x (answer a w (compress a w x) (f_hat x))) /\ bits a = log2 4445808368374733991645184.
Proof.
move=> f_hat hb sep hgood.
have -> : 4445808368374733991645184 = 2108508564928 ^ 2 by rewrite /= Rmult_1_r -mult_IZR.
have := @Var256Fibres.var256_f_hat_levels [finType of 'I_2] 64 2108508564928 alpha beta Out good truth
  isT erefl var256_most_levels hb sep hgood.
rewrite card_ord => -[low [S [f [g [h hS]]]]].
split=> [a delta|]; first exact: low _ _ (compress a) (answer a) delta (some_coins a).
by exists (without_coins (fun _ => f) (fun _ => g)); split=> //; rewrite /bits /= hS.
Qed.

(* ================= everything ================================================================= *)
Definition all_instances := [::
  mention (@var256_keys_incoherent); mention (@var256_binary); mention (@var256_binary_10);
  mention (@var256_additive); mention (@var256_binary_exact); mention (@var256_additive_exact);
  mention (@var256_binary_tight); mention (@var256_additive_tight); mention (@var256_norms);
  mention (@var256_keys_and_values); mention (@var256_keys_and_values_exact);
  mention (@var256_keys_and_values_tight); mention (@var256_frames_10); mention (@var256_frames_100);
  mention (@var256_frames_1000); mention (@var256_frames_with_failures_10);
  mention (@var256_frames_with_failures_100); mention (@var256_frames_with_failures_1000);
  mention (@var256_binary_average);
  mention (@var256_additive_average); mention (@var256_keys_and_values_average); mention (@kerdock16_binary);
  mention (@d4_binary); mention (@floor_of_certificate); mention (@floor_of_certificate_additive);
  mention (@floor_of_design); mention (@var256_cliques_1000); mention (@var256_cliques);
  mention (@infinity1m_cliques); mention (@small_cliques); mention (@floor_of_clique_design);
  mention (@var256_tilts_1000); mention (@var256_tilts); mention (@floor_of_tilts_design);
  mention (@floors_of_clique_design); mention (@floors_of_tilts_design); mention (@llama_values);
  mention (@llama_8b_8192);
  mention (@var256_public_weights); mention (@var256_short);
  mention (@var256_f_hat_independent); mention (@var256_f_hat_signs); mention (@var256_f_hat_grid)].
Print Assumptions all_instances.
