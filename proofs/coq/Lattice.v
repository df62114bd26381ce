(* Counting lattice points without volumes: balls are compared by scaling, y = m (z / k) + e, and sets of
   small diameter with a ball by the discrete Brunn-Minkowski inequality. *)
From LowerBound Require Export Angles BrunnMinkowski.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Scaling.
Variables (J : finType) (P M : nat).
Notation Box := {ffun J -> 'I_P}.
Notation Pt := {ffun J -> 'I_(M + M).+1}.
Notation side := (sqrt (N J)).
(* from c z: the vector z - c *)
Definition from (Q : nat) (c : J -> R) (z : {ffun J -> 'I_Q}) : J -> R := fun j => INR (z j) - c j.
(* ball: the points of the box [0, 2M]^J within M of its centre *)
Definition ball : {set Pt} := [set z : Pt | Rleb (norm2 (from (fun _ => INR M) z)) (INR M * INR M)].

Lemma ball_gt0 : (0 < #|ball|)%nat.
Proof.
pose o : Pt := [ffun=> inord M]; apply/card_gt0P; exists o; rewrite inE; apply/RlebP.
have -> : norm2 (from (fun _ => INR M) o) = 0.
  by rewrite /dot big1 // => j _; rewrite /from ffunE inordK ?ltnS ?leq_addr //; move: (INR M) => a; ring.
by have := pos_INR M; nra.
Qed.

(* S: points of a box within r of c, which need not be in the box *)
Variables (S : {set Box}) (c : J -> R) (r : R) (m k : nat).
Hypotheses (r0 : 0 <= r) (m0 : (0 < m)%nat) (k0 : (0 < k)%nat).
Hypothesis small : forall z, z \in S -> norm2 (from c z) <= r * r.
Hypothesis fits : INR m * (r / INR k) + INR m * side <= INR M.

(* y = m (z / k) + e, shifted to the centre *)
Let shift (j : J) : Z := up (INR M - INR m * (c j / INR k)).

(* Every point of S and every e in {0, ..., m - 1}^J have a point of the ball.
   Sketch.  The vector from the centre to y is m / k times that from c to z, of length at most m r / k, plus a
   vector with entries at most m: e, the rounding of the shift, and - m times a remainder. *)
Lemma scaled (z : Box) (e : {ffun J -> 'I_m}) : z \in S -> exists y : Pt, y \in ball /\
  forall j, INR (y j) = INR m * INR (z j %/ k) + INR (e j) + IZR (shift j).
Proof.
move=> Sz; have M1 := INR_gt0 m0; have K1 := INR_gt0 k0; have s0 := sqrt_pos (N J).
pose v j := INR m * INR (z j %/ k) + INR (e j) + IZR (shift j).
pose d j := v j - INR M - INR m / INR k * (INR (z j) - c j).
have hd j : - INR m <= d j <= INR m.
  have [h1 h2] := archimed (INR M - INR m * (c j / INR k)).
  have h3 := INR_lt (ltn_ord (e j)); have h4 := pos_INR (e j).
  have h5 := INR_lt (ltn_pmod (z j) k0); have h6 := pos_INR (z j %% k).
  have h7 : INR (z j) = INR (z j %/ k) * INR k + INR (z j %% k).
    by rewrite -mult_INR -plus_INR {1}(divn_eq (z j) k).
  have -> : d j = INR (e j) + (IZR (shift j) - (INR M - INR m * (c j / INR k)))
      - INR m * (INR (z j %% k) / INR k).
    by rewrite /d /v h7; field; lra.
  have q0 : 0 <= INR (z j %% k) / INR k by apply: Rdiv_le_r; lra.
  have q1 : INR (z j %% k) / INR k <= 1 by apply: Rdiv_le_l; lra.
  by rewrite /shift; nra.
have nd : norm2 d <= (INR m * side) * (INR m * side).
  apply: Rle_trans (norm2_le hd) _; rewrite -{1}(sqrt_sqrt _ (N_ge0 J)); apply: Req_le; ring.
have nu : norm2 (scale (INR m / INR k) (from c z)) <= (INR m * (r / INR k)) * (INR m * (r / INR k)).
  rewrite dot_scale dot_scale_r; have h := small Sz; have q0 : 0 < INR m / INR k by apply: Rdiv_lt_0_compat.
  have -> : INR m * (r / INR k) * (INR m * (r / INR k)) = INR m / INR k * (INR m / INR k * (r * r)).
    by field; lra.
  by apply: Rmult_le_compat_l; [lra|apply: Rmult_le_compat_l; lra].
have rk : 0 <= INR m * (r / INR k) by apply: Rmult_le_pos; [lra|apply: Rdiv_le_r; lra].
have ms : 0 <= INR m * side by apply: Rmult_le_pos; lra.
have nv := minkowski rk ms nu nd.
have ev j : mix 1 (scale (INR m / INR k) (from c z)) 1 d j = v j - INR M.
  by rewrite /mix /scale /from /d; ring.
have {}nv : norm2 (fun j => v j - INR M) <= INR M * INR M.
  have -> : norm2 (fun j => v j - INR M) = norm2 (mix 1 (scale (INR m / INR k) (from c z)) 1 d).
    by apply: eq_bigr => j _; rewrite ev.
  by apply: Rle_trans nv _; apply: Rmult_le_compat; lra.
pose vz j : Z := (Z.of_nat m * Z.of_nat (z j %/ k) + Z.of_nat (e j) + shift j)%Z.
have evz j : IZR (vz j) = v j by rewrite /vz !plus_IZR mult_IZR -!INR_IZR_INZ.
have rng j : (0 <= vz j <= Z.of_nat (M + M))%Z.
  have [h1 h2] := @coord_le J (fun j => v j - INR M) (INR M) j (pos_INR M) nv.
  by split; apply: le_IZR; rewrite evz -?INR_IZR_INZ ?plus_INR; lra.
pose y : Pt := [ffun j => inord (Z.to_nat (vz j))].
have ey j : INR (y j) = v j.
  have [h1 h2] := rng j; rewrite ffunE inordK; first by rewrite INR_IZR_INZ Z2Nat.id.
  rewrite ltnS; apply/leP; rewrite -(Nat2Z.id (M + M)).
  by have [h _] := Z2Nat.inj_le (vz j) (Z.of_nat (M + M)) h1 ltac:(lia); exact: h.
exists y; split=> //; rewrite inE; apply/RlebP.
have -> : norm2 (from (fun _ => INR M) y) = norm2 (fun j => v j - INR M).
  by apply: eq_bigr => j _; rewrite /from ey.
exact: nv.
Qed.

(* A ball of M lattice steps has at least (m/k)^n as many points as a set within r of a point: (y, z mod k)
   determines (z, e).
   Sketch.  From y one gets m (z / k) + e, and dividing by m both parts; the quotient and the remainder of z
   by k give z. *)
Theorem scaling : (expn m #|J| * #|S| <= expn k #|J| * #|ball|)%nat.
Proof.
have ex (ze : Box * {ffun J -> 'I_m}) : exists y : Pt, (ze.1 \in S) ==> ((y \in ball) &&
    [forall j, Rleb (INR (y j)) (INR m * INR (ze.1 j %/ k) + INR (ze.2 j) + IZR (shift j)) &&
               Rleb (INR m * INR (ze.1 j %/ k) + INR (ze.2 j) + IZR (shift j)) (INR (y j))]).
  case: (boolP (ze.1 \in S)) => [/scaled h|_]; last by exists [ffun=> ord0].
  have [y [yb hy]] := h ze.2; exists y; rewrite yb; apply/forallP => j.
  by rewrite hy; apply/andP; split; apply/RlebP; exact: Rle_refl.
pose y ze := xchoose (ex ze).
have hy z e : z \in S -> y (z, e) \in ball /\
    forall j, INR (y (z, e) j) = INR m * INR (z j %/ k) + INR (e j) + IZR (shift j).
  move=> Sz; have /implyP/(_ Sz)/andP[yb /forallP h] := xchooseP (ex (z, e)); split=> // j.
  by have /andP[/RlebP h1 /RlebP h2] := h j; exact: Rle_antisym.
pose rem (z : Box) : {ffun J -> 'I_k} := [ffun j => Ordinal (ltn_pmod (z j) k0)].
pose phi (ze : Box * {ffun J -> 'I_m}) := (rem ze.1, y ze).
have inj : {in setX S [set: {ffun J -> 'I_m}] &, injective phi}.
  move=> [z e] [z' e']; rewrite !inE /= !andbT => Sz Sz' [er ey].
  have [_ h] := hy z e Sz; have [_ h'] := hy z' e' Sz'; rewrite ey in h.
  have eq j : (z j %/ k = z' j %/ k /\ e j = e' j :> nat)%nat.
    have /INR_eq q : INR (m * (z j %/ k) + e j)%nat = INR (m * (z' j %/ k) + e' j)%nat.
      by rewrite !plus_INR !mult_INR; have := h j; rewrite h' => /Rplus_eq_reg_r.
    have q1 := congr1 (divn^~ m) q; have q2 := congr1 (modn^~ m) q.
    rewrite /= ![(m * _)%nat]mulnC !divnMDl // !(divn_small (ltn_ord _)) !addn0 in q1.
    by rewrite /= ![(m * _)%nat]mulnC !modnMDl !(modn_small (ltn_ord _)) in q2.
  congr pair; apply/ffunP => j; apply: val_inj; have [q1 q2] := eq j => //=.
  have := congr1 (fun f : {ffun J -> 'I_k} => f j : nat) er; rewrite !ffunE /= => qr.
  by rewrite (divn_eq (z j) k) (divn_eq (z' j) k) q1 qr.
have : (#|phi @: setX S [set: {ffun J -> 'I_m}]| <= #|setX [set: {ffun J -> 'I_k}] ball|)%nat.
  apply: subset_leq_card; apply/subsetP => x /imsetP[[z e]]; rewrite !inE andbT => Sz ->.
  by have [] := hy z e Sz; rewrite inE.
by rewrite card_in_imset // !cardsX !cardsT !card_ffun !card_ord mulnC.
Qed.
End Scaling.

(* ---------- sets of small diameter --------------------------------------------------------------- *)
Section Differences.
Variables (J : finType) (M : nat).
Notation Pt := {ffun J -> 'I_(M + M).+1}.
Let rev (y : Pt) : Pt := [ffun j => rev_ord (y j)].
(* differences A: A - A + {0,1}^n, written as A + (2M - A) + {0,1}^n inside a box around (2M, ..., 2M) *)
Definition differences (A : {set Pt}) : {set {ffun J -> 'I_((M + M).+1 + (M + M).+1)}} :=
  cube_sum A (rev @: A).

(* there are 2^n |A| differences or more, by the discrete Brunn-Minkowski inequality *)
Lemma card_differences (A : {set Pt}) : (expn 2 #|J| * #|A| <= #|differences A|)%nat.
Proof.
have inj : injective rev.
  by move=> x y /ffunP h; apply/ffunP => j; have := h j; rewrite !ffunE => /rev_ord_inj.
have cA : #|rev @: A| = #|A| by exact: card_imset.
rewrite -leq_sqr expnMn -expnM [(#|J| * 2)%nat]mulnC expnM -[expn #|A| 2]mulnn -{2}cA.
exact: discrete_brunn_minkowski.
Qed.

(* the vector of a difference is x - y plus a vector with entries between 0 and 1 *)
Lemma differencesP (A : {set Pt}) z : z \in differences A -> exists x y, [/\ x \in A, y \in A &
  forall j, 0 <= from (fun _ => INR (M + M)) z j - (INR (x j) - INR (y j)) <= 1].
Proof.
rewrite inE => /existsP[x /andP[Ax /existsP[y' /andP[/imsetP[y Ay ->] /forallP h]]]].
exists x, y; split=> // j; have hy : INR (M + M - y j)%nat = INR (M + M) - INR (y j).
  by rewrite minus_INR //; apply/leP; rewrite -ltnS.
have := h j; rewrite /from /step !ffunE /= subSS.
move=> /orP[] /eqP ->; rewrite ?S_INR [INR (x j + _)%nat]plus_INR hy.
  by move: (INR (x j)) (INR (y j)) (INR (M + M)) => a b f; lra.
by move: (INR (x j)) (INR (y j)) (INR (M + M)) => a b f; lra.
Qed.
End Differences.

(* The differences of a set of diameter r lie within r + sqrt n of the point (2M, ..., 2M). *)
Lemma differences_near (J : finType) (M : nat) (r : R) (A : {set {ffun J -> 'I_(M + M).+1}}) z : 0 <= r ->
  (forall x y, x \in A -> y \in A -> norm2 (fun j => INR (x j) - INR (y j)) <= r * r) ->
  z \in differences A -> norm2 (from (fun _ => INR (M + M)) z) <= (r + sqrt (N J)) * (r + sqrt (N J)).
Proof.
move=> r0 hA /differencesP[x [y [Ax Ay e]]]; have s0 := sqrt_pos (N J).
pose v := from (fun _ : J => INR (M + M)) z; pose d j := INR (x j) - INR (y j).
have ne : norm2 (fun j => v j - d j) <= sqrt (N J) * sqrt (N J).
  rewrite sqrt_sqrt; last exact: N_ge0.
  have := @norm2_le J (fun j => v j - d j) 1; rewrite !Rmult_1_r; apply => j.
  by have := e j; rewrite /d /v; lra.
apply: Rle_trans (minkowski r0 s0 (hA x y Ax Ay) ne); apply: Req_le; apply: eq_bigr => j _.
by rewrite /mix /d -/v; move: (v j) (INR (x j)) (INR (y j)) => a b f; ring.
Qed.

(* A ball of M lattice steps has at least (2 m / k)^n times as many points as a set of diameter r: scale the
   differences by m / k. *)
Theorem small_diameter (J : finType) (M m k : nat) (r : R) (A : {set {ffun J -> 'I_(M + M).+1}}) :
  0 <= r -> (0 < m)%nat -> (0 < k)%nat ->
  INR m * ((r + sqrt (N J)) / INR k) + INR m * sqrt (N J) <= INR M ->
  (forall x y, x \in A -> y \in A -> norm2 (fun j => INR (x j) - INR (y j)) <= r * r) ->
  (expn (2 * m) #|J| * #|A| <= expn k #|J| * #|ball J M|)%nat.
Proof.
move=> r0 m0 k0 hm hA; have s0 := sqrt_pos (N J).
have := @scaling J _ M (differences A) _ (r + sqrt (N J)) m k ltac:(lra) m0 k0
  (fun z => differences_near r0 hA) hm.
by apply: leq_trans; rewrite expnMn [(expn 2 _ * _)%nat]mulnC -mulnA leq_mul2l card_differences orbT.
Qed.
