(* A language model: Llama 3.1 with 8 billion parameters and 8192 cached tokens.  32 layers of 8 key-value
   heads are 256 streams of dimension 128; the last map is one token.  fp16 takes 8589934592 bits, 1 GiB. *)
From LowerBound Require Export Streams RationalBounds IntegerTilts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- values ----------------------------------------------------------------------------------- *)
(* keys, and a key of the own token, from one incoherent family *)
Lemma keys_and_own (T d : nat) (mu : R) : (0 < d)%nat -> 0 < mu < 1 -> INR T < exp (INR d * mu ^ 2 / 2) ->
  exists (K : 'I_T -> 'I_d -> R) (b : 'I_d -> R),
    [/\ incoherent K mu, dot b b = 1 & forall i, dot (K i) b <= mu].
Proof.
move=> d0 hmu hT; have [|F [F1 F2]] := @greedy_keys_exist (T + 1) d mu d0 hmu; first by rewrite addn1.
exists (fun i => F (lshift 1 i)), (F (rshift T ord0)); split=> [||i]; [|exact: F1|].
  by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_lshift].
by apply: F2; rewrite eq_lrshift.
Qed.

(* 8193 unit vectors of R^128 may have mutual inner products of at most 2/5 *)
Lemma llama_keys : exists (K : 'I_8192 -> 'I_128 -> R) (b : 'I_128 -> R),
  [/\ incoherent K (2/5), dot b b = 1 & forall i, dot (K i) b <= 2/5].
Proof.
have hT : INR 8192 < exp (INR 128 * (2/5) ^ 2 / 2).
  have -> : INR 8192 = 8192 by rewrite INR_IZR_INZ.
  have -> : INR 128 * (2/5) ^ 2 / 2 = IZR 256 / IZR 25 by rewrite INR_IZR_INZ /=; field.
  apply: Rlt_le_trans (_ : _ < IZR 8193 / IZR 1) _; first lra.
  by apply: (@exp_squaresP 30 256 25 8193 1); vm_cast_no_check (erefl true).
by apply: keys_and_own hT => //; lra.
Qed.

(* queries of norm 100 or more leak less than a millionth *)
Lemma llama_leak (lam : R) : 100 <= lam ->
  (INR 8192 + INR 1 - 1) * exp (- lam * (1 - 2/5)) <= / 1000000.
Proof.
move=> hl; have -> : INR 8192 = 8192 by rewrite INR_IZR_INZ.
have h : exp (- lam * (1 - 2/5)) <= exp (- (IZR 60 / IZR 1)) by apply: exp_mono; lra.
have := @exp_opp_at_most 30 60 1 8192000000 1 ltac:(by vm_cast_no_check (erefl true)) ltac:(lra) ltac:(lra).
by rewrite [INR 1]/=; lra.
Qed.

Section Values.
Variables (K : 'I_8192 -> 'I_128 -> R) (B : 'I_256 -> 'I_1 -> 'I_128 -> R) (W S : finType).
Variables (compress : W -> ('I_256 -> 'I_8192 -> 'I_128 -> R) -> S).
Variables (answer : W -> S -> 'I_256 -> ('I_128 -> R) -> 'I_128 -> R) (lam eta : R).
Hypotheses (hK : incoherent K (2/5)) (hB : forall s i o, dot (K i) (B s o) <= 2/5) (W0 : 0 < N W)
  (hl : 100 <= lam) (he : eta <= 1/100).

(* 268435456 = 256 * 8192 * 128 entries on the grid 0, 1/49, ..., 1 of 50 levels *)
Theorem llama_values (delta : R) : 0 <= delta <= 49/50 ->
  grid_streams_good 50 K B lam eta delta compress answer ->
  (log2 50 - H2 delta - delta * log2 49) * 268435456 <= log2 (N S).
Proof.
have i50 : INR 50 = 50 by rewrite INR_IZR_INZ.
move=> hd hc; have l0 : 0 <= lam by lra.
have step : 2 * (eta + / 1000000) * (INR 50 - 1) < 1 by rewrite i50; lra.
have hd' : 0 <= delta <= 1 - / INR 50 by rewrite i50; lra.
have := streams_additive (L := 50) l0 (llama_leak hl) isT step hd' hK hB W0 hc; rewrite i50 /fano.
have -> : 50 - 1 = 49 by ring.
have -> (x : R) : INR 256 * (x * (INR 8192 * INR 128)) = x * 268435456.
  have -> : INR 8192 = 8192 by rewrite INR_IZR_INZ.
  by rewrite !INR_IZR_INZ /=; ring.
exact.
Qed.

(* without failures, and with failures in one of a hundred answers *)
Corollary llama_values_exact : grid_streams_good 50 K B lam eta 0 compress answer -> 1515011109 <= log2 (N S).
Proof.
have d0 : 0 <= 0 <= 49/50 by lra.
move=> /(llama_values d0); rewrite H2_0 => floor; apply: Rle_trans (_ : _ <= log2 50 * 268435456) _; last lra.
have ok : (rational one 1515011109 1
    <= iln one 40 (rational one 50 1) / iln one 40 (rational one 2 1) * rational one 268435456 1)
    %interval_scope.
  by vm_cast_no_check (erefl true).
by apply: (at_mostP one_gt0 ok); rewrite /log2; repeat enclose_step.
Qed.

Corollary llama_values_failures (delta : R) : 0 <= delta <= 1/100 ->
  grid_streams_good 50 K B lam eta delta compress answer -> 1478218000 <= log2 (N S).
Proof.
move=> hd; have d0 : 0 <= delta <= 49/50 by lra.
move=> /(llama_values d0) floor.
have u : log2 (/ (1/100)) <= IZR 299 / IZR 45.
  by apply: (@log2_up 100 1 299 45); [vm_cast_no_check (erefl true)|lra].
have w : log2 (50 - 1) <= IZR 219 / IZR 39.
  by apply: (@log2_up 49 1 219 39); [vm_cast_no_check (erefl true)|lra].
have l : 412 / 73 <= log2 50 by apply: log2_reachesP; vm_cast_no_check (erefl true).
have := @fano_at 50 delta (1/100) _ _ ltac:(lra) hd ltac:(lra) u w.
have e : 50 - 1 = 49 by ring. by rewrite /fano e; lra.
Qed.
End Values.

(* ---------- keys and values -------------------------------------------------------------------------- *)
(* Each head forces 17193231 of the 33554432 bits that it takes in fp16, on every lattice of 2^40 steps to 1
   or more: a chain of tilts as in TiltInstances.v. *)
Theorem llama_tilts_100 (M : nat) (eta : R) : 1099511627776 <= INR M -> eta <= 1/100 ->
  lattice_floors 8192 1 127 127 50 M 100 (53/100) eta [finType of 'I_256] 17193231.
Proof.
move=> fine le.
have ok : (tilts_design 8192 1 127 127 50 100 (1, 100) (53, 100) (939, 1000) (2584778, 1000000000)
  1000 1000000 10000 2410
  [:: Tilt 900 744 523 5865 1894; Tilt 874 720 387 6633 1709; Tilt 858 700 288 7008 1599;
      Tilt 842 684 193 7245 1523; Tilt 826 668 95 7432 1457; Tilt 808 650 0 7600 1394;
      Tilt 788 630 0 7766 1334; Tilt 768 608 0 7940 1278; Tilt 744 584 0 8118 1225;
      Tilt 720 558 0 8299 1175; Tilt 696 532 0 8468 1133; Tilt 668 504 0 8638 1093;
      Tilt 642 476 0 8795 1059; Tilt 614 448 0 8941 1028; Tilt 588 420 0 9076 1002;
      Tilt 560 392 0 9200 978]
  995 8480 17 1099511627776 17193231)%Z.
  by vm_cast_no_check (erefl true).
exact: (floors_of_tilts_design ok fine le).
Qed.

(* 4401467136 = 256 * 17193231 *)
Theorem llama_8b_8192 (W S : finType)
    (compress : W -> ('I_256 -> 'I_8192 -> 'I_128 -> R) * ('I_256 -> 'I_8192 -> 'I_128 -> R) -> S)
    (answer : W -> S -> 'I_256 -> ('I_128 -> R) -> ('I_1 -> 'I_128 -> R) -> 'I_128 -> R) : 0 < N W ->
  (forall w K V, (forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1) ->
     forall s q b c, dot q q = 100 * 100 -> (forall o, dot (b o) (b o) = 1) ->
     near (1/100) (attention_own q (K s) b (V s) c) (answer w (compress w (K, V)) s q b c)) ->
  4401467136 <= log2 (N S).
Proof.
move=> W0 right; have [|M hM] := @archimedes 1099511627776; first lra.
have M0 : (0 < M)%nat by apply/ltP/Reals.RIneq.INR_lt; rewrite [INR 0]/=; lra.
have floors := llama_tilts_100 (Rlt_le _ _ hM) (Rle_refl _).
have := @floors_of_lattice _ _ _ _ _ _ _ _ _ _ _ W S compress answer M0 floors W0 right.
by rewrite N_ord; have -> : INR 256 = 256 by [rewrite INR_IZR_INZ]; lra.
Qed.
