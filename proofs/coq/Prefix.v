(* Sequential decoding: ids are signs, every one of a level; the contents that are read are linear in the ids
   of one level once all lower levels are known. What lower levels add is subtracted exactly, so no error
   travels upwards. Contents come through a layer norm, whose inverse moves an error by a bounded factor. *)
From LowerBound Require Export Replay.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* a bit as a code of the binary codebook *)
Definition sign (b : bool) : R := if b then 1 else - 1.

Lemma sign_apart a b : a != b -> Rabs (sign a - sign b) = 2.
Proof. by case: a; case: b => // _; rewrite /sign; [rewrite Rabs_pos_eq|rewrite Rabs_left]; lra. Qed.

Section Prefix.
Variables (I J : finType) (level : I -> nat).
Notation X := {ffun I -> bool}.
Variables (content : X -> J -> R) (l : I -> J -> R) (e : J -> R).

(* row i of the left inverse reads bit i from the contents, if all lower levels agree *)
Hypothesis reads : forall (x y : X) i, (forall i', (level i' < level i)%nat -> x i' = y i') ->
  \rsum_j (l i j * (content x j - content y j)) = sign (x i) - sign (y i).
(* it amplifies the errors e to less than half the distance of two codes *)
Hypothesis gain : forall i, \rsum_j (Rabs (l i j) * e j) < 1.

Lemma Rabs_rsum (f : J -> R) : Rabs (\rsum_j f j) <= \rsum_j Rabs (f j).
Proof.
elim/big_ind2: _ => [|a b c d h1 h2|j _]; [by rewrite Rabs_R0; lra| |by lra].
by apply: Rle_trans (Rabs_triang _ _) _; lra.
Qed.

Theorem prefix_decoding (o : J -> R) (x y : X) :
  (forall j, Rabs (o j - content x j) <= e j) -> (forall j, Rabs (o j - content y j) <= e j) -> x = y.
Proof.
move=> hx hy; apply/ffunP => i.
have [n] := ubnP (level i); elim: n i => // n IH i /ltnSE hn.
have agree : forall i', (level i' < level i)%nat -> x i' = y i'.
  by move=> i' hi; apply: IH; exact: leq_trans hn.
apply/eqP/negPn/negP => /sign_apart apart; have := gain i; rewrite -(reads agree) in apart.
have : Rabs (\rsum_j (l i j * (content x j - content y j))) <= 2 * \rsum_j (Rabs (l i j) * e j).
  apply: Rle_trans (Rabs_rsum _) _; rewrite -rsum_distr; apply: rsum_le => j _.
  rewrite Rabs_mult; have := Rabs_pos (l i j); have := hx j; have := hy j.
  have : Rabs (content x j - content y j) <= Rabs (o j - content x j) + Rabs (o j - content y j).
    have -> : content x j - content y j = - (o j - content x j) + (o j - content y j) by ring.
    by apply: Rle_trans (Rabs_triang _ _) _; rewrite Rabs_Ropp; lra.
  by nra.
by rewrite apart; lra.
Qed.

(* ... so a cache whose answers are good with probability 1 - delta keeps all bits but log2 (1 / (1 -
   delta)) *)
Theorem prefix_lower_bound (W S : finType) (Out : Type) (good : X -> Out -> bool) (read : Out -> J -> R)
    (compress : W -> X -> S) (answer : W -> S -> Out) (delta : R) :
  (forall x o, good x o -> forall j, Rabs (read o j - content x j) <= e j) ->
  0 < N W -> delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
  N I - log2 (/ (1 - delta)) <= log2 (N S).
Proof.
move=> hread W0 d1 hc.
have sep x y o : good x o -> good y o -> x = y.
  by move=> /hread hx /hread hy; exact: prefix_decoding hx hy.
pose ext (x : {dffun forall _ : I, bool}) : X := [ffun i => x i].
have extK x y : ext x = ext y -> x = y by move=> /ffunP h; apply/ffunP => i; have := h i; rewrite !ffunE.
have := @replay_lower_bound I (fun=> bool_finType) [ffun=> true] W S Out (fun x o => good (ext x) o)
  (fun w x => compress w (ext x)) answer delta.
have -> : \rsum_(i : I) log2 (N bool_finType) = N I.
  have l2 := ln2_gt0; rewrite rsum_const N_bool /log2; field; lra.
apply => //.
by move=> x y o h1 h2; apply: extK; exact: sep h1 h2.
Qed.
End Prefix.

(* ---------- the layer norm ------------------------------------------------------------------------------ *)
(* What a layer norm leaves of a content u beside a large public part is w = u / sqrt (1 + |u|^2), whose
   inverse is w / sqrt (1 - |w|^2). In a box whose corners have |w|^2 <= b it moves a sup-norm error by at
   most the factor (1 - b)^(-3/2). *)
Section Norm.
Variables (C : finType).
Definition square_norm (w : C -> R) : R := \rsum_c (w c * w c).

Lemma root_lipschitz (r p q : R) : 0 < r -> r <= p -> r <= q ->
  Rabs (/ p - / q) <= Rabs (q * q - p * p) / (2 * (r * r * r)).
Proof.
move=> r0 hp hq.
have -> : / p - / q = (q * q - p * p) / (p * q * (p + q)) by field; lra.
rewrite /Rdiv Rabs_mult; apply: Rmult_le_compat_l; first exact: Rabs_pos.
have r2 := Rmult_lt_0_compat _ _ r0 r0; have r3 := Rmult_lt_0_compat _ _ r2 r0.
have d0 : 0 < 2 * (r * r * r) by lra.
have h : 2 * (r * r * r) <= p * q * (p + q).
  have h1 : r * r <= p * q by apply: Rmult_le_compat; lra.
  have -> : 2 * (r * r * r) = r * r * (r + r) by ring.
  by apply: Rmult_le_compat; lra.
by rewrite Rabs_pos_eq; [apply: Rinv_le_contravar|apply/Rlt_le/Rinv_0_lt_compat; lra].
Qed.

(* Sketch: with p, q the two roots, w/p - w'/q = (w - w')/p + w' (1/p - 1/q). The first part is at most t/r
   with r = sqrt (1 - b); the squared norms differ by at most N C 2 s t, so the second is at most b t / r^3
   by the Lipschitz bound of the inverse root; the sum is t / r^3. *)
Theorem unnormalise (w w' : C -> R) (s b t : R) :
  0 <= s -> N C * (s * s) <= b -> b < 1 ->
  (forall c, Rabs (w c) <= s) -> (forall c, Rabs (w' c) <= s) -> (forall c, Rabs (w c - w' c) <= t) ->
  forall c, Rabs (w c / sqrt (1 - square_norm w) - w' c / sqrt (1 - square_norm w'))
            <= t / (sqrt (1 - b) * sqrt (1 - b) * sqrt (1 - b)).
Proof.
move=> s0 hb b1 hw hw' ht c.
have t0 : 0 <= t by apply: Rle_trans (ht c); exact: Rabs_pos.
have norm_le u : (forall c, Rabs (u c) <= s) -> square_norm u <= b.
  move=> hu; apply: Rle_trans hb; rewrite -rsum_const; apply: rsum_le => i _.
  by have [] := Rabs_between (hu i); nra.
have near : Rabs (square_norm w - square_norm w') <= N C * (2 * s * t).
  have -> : square_norm w - square_norm w' = \rsum_i ((w i - w' i) * (w i + w' i)).
    rewrite /Rminus -rsum_opp -big_split /=; apply: eq_bigr => i _; ring.
  rewrite -rsum_const; apply: Rle_trans (Rabs_rsum _) _; apply: rsum_le => i _; rewrite Rabs_mult.
  have := ht i; have := Rabs_pos (w i - w' i); have := Rabs_pos (w i + w' i).
  have : Rabs (w i + w' i) <= 2 * s by apply: Rle_trans (Rabs_triang _ _) _; have := hw i; have := hw' i; lra.
  by nra.
set r := sqrt (1 - b); set p := sqrt (1 - square_norm w); set q := sqrt (1 - square_norm w').
have r0 : 0 < r by apply: sqrt_lt_R0; lra.
have rr : r * r = 1 - b by apply: sqrt_sqrt; lra.
have [nw nw'] := (norm_le w hw, norm_le w' hw').
have hp : r <= p by apply: sqrt_le_1_alt; lra.
have hq : r <= q by apply: sqrt_le_1_alt; lra.
have pp : p * p = 1 - square_norm w by apply: sqrt_sqrt; lra.
have qq : q * q = 1 - square_norm w' by apply: sqrt_sqrt; lra.
have -> : w c / p - w' c / q = (w c - w' c) / p + w' c * (/ p - / q) by field; lra.
have lip := root_lipschitz r0 hp hq.
have ip : / p <= / r by apply: Rinv_le_contravar.
have ip0 : 0 < / p by apply: Rinv_0_lt_compat; lra.
have one : Rabs ((w c - w' c) / p) <= t / r.
  rewrite /Rdiv Rabs_mult (Rabs_pos_eq (/ p)); last by lra.
  by apply: Rmult_le_compat; [exact: Rabs_pos|lra|exact: ht|exact: ip].
have two : Rabs (w' c * (/ p - / q)) <= b * t / (r * r * r).
  rewrite Rabs_mult.
  have r2 := Rmult_lt_0_compat _ _ r0 r0; have d0 := Rmult_lt_0_compat _ _ r2 r0.
  have top : Rabs (q * q - p * p) <= N C * (2 * s * t).
    have -> : q * q - p * p = square_norm w - square_norm w' by lra.
    exact: near.
  have bound : Rabs (/ p - / q) <= N C * (s * t) / (r * r * r).
    apply: Rle_trans lip _; apply: Rdiv_le_l; first by lra.
    have -> : N C * (s * t) / (r * r * r) * (2 * (r * r * r)) = N C * (2 * s * t) by field; lra.
    exact: top.
  apply: Rle_trans (_ : s * (N C * (s * t) / (r * r * r)) <= _).
    by apply: Rmult_le_compat; [exact: Rabs_pos|exact: Rabs_pos|exact: hw'|exact: bound].
  have -> : s * (N C * (s * t) / (r * r * r)) = (N C * (s * s) * t) / (r * r * r) by field; lra.
  apply: Rdiv_le_r => //.
  have -> : N C * (s * s) * t / (r * r * r) * (r * r * r) = N C * (s * s) * t by field; lra.
  by nra.
have -> : t / (r * r * r) = t / r + b * t / (r * r * r).
  have -> : b = 1 - r * r by lra.
  by field; lra.
by apply: Rle_trans (Rabs_triang _ _) _; lra.
Qed.
End Norm.
