(* Means over finite types: products, subsets, and Cantelli's inequality for a sum of independent terms. *)
From LowerBound Require Export Prelude.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* mean f: the mean of f over the uniform distribution *)
Definition mean (A : finType) (f : A -> R) : R := (\rsum_a f a) / N A.

Section Mean.
Variable A : finType.
Implicit Types f g : A -> R.

Lemma mean_le f g : (forall a, f a <= g a) -> mean f <= mean g.
Proof.
move=> h; rewrite /mean /Rdiv; case: (Req_dec (N A) 0) => [e|ne].
  suff z u : \rsum_(a : A) u a = 0 by rewrite !z; lra.
  apply: big1 => a _; exfalso; have := N_ge1 a; lra.
apply: Rmult_le_compat_r; last exact: rsum_le.
by apply/Rlt_le/Rinv_0_lt_compat; have := N_ge0 A; lra.
Qed.

Lemma mean_ge0 f : (forall a, 0 <= f a) -> 0 <= mean f.
Proof.
move=> /mean_le; apply: Rle_trans; apply: Req_le; rewrite /mean big1 //.
by rewrite /Rdiv Rmult_0_l.
Qed.

Lemma mean_add f g : mean (fun a => f a + g a) = mean f + mean g.
Proof. by rewrite /mean big_split /=; rewrite /Rdiv; ring. Qed.

Lemma mean_scale c f : mean (fun a => c * f a) = c * mean f.
Proof. by rewrite /mean rsum_distr /Rdiv; ring. Qed.

Lemma mean_ext f g : (forall a, f a = g a) -> mean f = mean g.
Proof. by move=> h; rewrite /mean; congr (_ / _); apply: eq_bigr. Qed.

Hypothesis A0 : 0 < N A.

Lemma mean_const c : mean (fun _ : A => c) = c.
Proof. by rewrite /mean rsum_const; field; lra. Qed.

Lemma mean_mul f : N A * mean f = \rsum_a f a.
Proof. by rewrite /mean; field; lra. Qed.
End Mean.

Lemma mean_sum (A I : finType) (P : pred I) (f : I -> A -> R) :
  mean (fun a => \rsum_(i | P i) f i a) = \rsum_(i | P i) mean (f i).
Proof.
by rewrite /mean exchange_big /= /Rdiv Rmult_comm -rsum_distr; apply: eq_bigr => i _; rewrite Rmult_comm.
Qed.

(* ---------- independent coordinates -------------------------------------------------- *)
Section Product.
Variables (I A : finType).
Notation X := {ffun I -> A}.

Lemma N_ffun : N [finType of X] = N A ^ #|I|.
Proof. by rewrite /N card_ffun INR_expn. Qed.

(* the mean of a product is the product of the means *)
Lemma mean_prod (F : I -> A -> R) : mean (fun x : X => \rprod_i F i (x i)) = \rprod_i mean (F i).
Proof.
rewrite /mean N_ffun -(bigA_distr_bigA F) /Rdiv.
rewrite [in RHS]big_split /= rprod_const; congr (_ * _).
case: (Req_dec (N A) 0) => [->|ne]; last by rewrite pow_inv.
by rewrite pow_inv.
Qed.

Hypothesis A0 : 0 < N A.

(* only coordinate i *)
Lemma mean_coord i (f : A -> R) : mean (fun x : X => f (x i)) = mean f.
Proof.
rewrite (mean_ext (g := fun x : X => \rprod_k (fun k a => if k == i then f a else 1) k (x k))); last first.
  by move=> x; rewrite -big_mkcond big_pred1_eq.
rewrite (mean_prod (fun k a => if k == i then f a else 1)) (bigD1 i) //= eqxx big1 ?Rmult1r // =>
  k /negbTE ->.
exact: mean_const.
Qed.

(* two different coordinates *)
Lemma mean_coord2 i j (f g : A -> R) : i != j -> mean (fun x : X => f (x i) * g (x j)) = mean f * mean g.
Proof.
move=> ij; pose F k a := (if k == i then f a else 1) * (if k == j then g a else 1).
rewrite (mean_ext (g := fun x : X => \rprod_k F k (x k))); last first.
  by move=> x; rewrite /F big_split /= -!big_mkcond !big_pred1_eq.
rewrite (mean_prod F) (bigD1 i) //= (bigD1 j) /=; last by rewrite eq_sym.
have ji : (j == i) = false by rewrite eq_sym; exact: negbTE.
rewrite [X in _ * (_ * X)]big1 ?Rmult1r; last first.
  move=> k /andP[/negbTE ki /negbTE kj]; rewrite -[RHS](mean_const A0); apply: mean_ext => a.
  by rewrite /F ki kj; ring.
by congr (_ * _); apply: mean_ext => a; rewrite /F !eqxx ?ji ?(negbTE ij); ring.
Qed.

(* the second moment of a sum of centred terms *)
Lemma mean_square_sum (f : A -> R) : mean f = 0 ->
  mean (fun x : X => (\rsum_i f (x i)) ^ 2) = N I * mean (fun a => f a ^ 2).
Proof.
move=> f0; rewrite (mean_ext (g := fun x : X => \rsum_i \rsum_j (f (x i) * f (x j)))); last first.
  move=> x; set r := \rsum_i _; have -> : r ^ 2 = r * r by ring.
  rewrite -rsum_distr; apply: eq_bigr => i _; rewrite Rmult_comm /r -rsum_distr.
  by apply: eq_bigr => j _; ring.
rewrite mean_sum -rsum_const; apply: eq_bigr => i _; rewrite mean_sum (bigD1 i) //=.
rewrite big1 ?Rplus_0_r => [|j ji].
  by rewrite -(mean_coord i (fun a => f a ^ 2)); apply: mean_ext => x; ring.
by rewrite mean_coord2 ?f0 1?eq_sym //; ring.
Qed.
End Product.

(* ---------- subsets and pairs ---------------------------------------------------------------------- *)
Lemma rsum_sub (A : finType) (P : pred A) (f : A -> R) :
  \rsum_(a : {a | P a}) f (val a) = \rsum_(a | P a) f a.
Proof.
rewrite [RHS](reindex_omap (val : {a | P a} -> A) insub) /=; last by move=> a Pa; rewrite insubT.
by apply: eq_bigl => a; rewrite valK eqxx (valP a).
Qed.

(* a subset of density at least 1 / D: the mean over it is at most D times the mean over everything *)
Lemma mean_subset (A : finType) (P : pred A) (f : A -> R) (D : R) :
  (forall a, 0 <= f a) -> 0 < N A -> N A <= D * N [finType of {a | P a}] ->
  mean (fun a : {a | P a} => f (val a)) <= D * mean f.
Proof.
move=> f0 A0 hD; have n0 := N_ge0 [finType of {a | P a}].
have np : 0 < N [finType of {a | P a}] by case: n0 => // e; move: hD; rewrite -e; lra.
have hs : \rsum_(a : {a | P a}) f (val a) <= \rsum_a f a.
  rewrite rsum_sub [X in _ <= X](bigID P) /= -[X in X <= _]Rplus_0_r.
  by apply: Rplus_le_compat_l; exact: rsum_ge0.
have s0 : 0 <= \rsum_a f a by exact: rsum_ge0.
rewrite /mean; move: hs s0; set Sm := \rsum_a f a => hs s0.
apply: Rdiv_le_l => //; apply: Rle_trans hs _.
have -> : D * (Sm / N A) * N [finType of {a | P a}] = Sm * (D * N [finType of {a | P a}] / N A) by field; lra.
rewrite -[X in X <= _]Rmult_1_r; apply: Rmult_le_compat_l => //.
by apply: Rdiv_le_r; lra.
Qed.

(* the first of two independent variables *)
Lemma mean_fst (A B : finType) (f : A -> R) : 0 < N B -> mean (fun p : A * B => f p.1) = mean f.
Proof.
move=> B0; rewrite /mean N_prod.
have -> : \rsum_(p : A * B) f p.1 = N B * \rsum_a f a.
  rewrite -(pair_bigA _ (fun a (_ : B) => f a)) -rsum_distr; apply: eq_bigr => a _; exact: rsum_const.
case: (Req_dec (N A) 0) => [A0|A0]; last by field; lra.
have -> : \rsum_a f a = 0 by apply: big1 => a _; exfalso; have := N_ge1 a; lra.
by rewrite Rmult_0_r /Rdiv !Rmult_0_l.
Qed.

(* ---------- Cantelli ------------------------------------------------------------------- *)
(* A centred variable f of variance v exceeds sqrt (z v) with probability at most 1 / (1 + z): with u = sqrt
   (v / z), (f + u)^2 is at least (sqrt (z v) + u)^2 where it does, and its mean is v + u^2. *)
Theorem cantelli (A : finType) (f : A -> R) (v z : R) : 0 < N A -> 0 < z -> mean f = 0 ->
  mean (fun a => f a ^ 2) = v -> mean (fun a => ind (~~ Rleb (f a) (sqrt (z * v)))) <= / (1 + z).
Proof.
move=> A0 z0 f0 fv; have v0 : 0 <= v.
  by rewrite -fv -(mean_const A0 0); apply: mean_le => a; exact: pow2_ge_0.
case: (Req_dec v 0) => [e|vn].
  rewrite (mean_ext (g := fun=> 0)) ?mean_const //; first by apply/Rlt_le/Rinv_0_lt_compat; lra.
  move=> a; have : f a ^ 2 <= 0.
    have := rsum_term (f := fun a => f a ^ 2) a (fun a => pow2_ge_0 (f a)).
    by rewrite -(mean_mul A0) fv e Rmult_0_r.
  move=> h; have -> : f a = 0 by have := pow2_ge_0 (f a); nra.
  rewrite /ind ifN // negbK; apply/RlebP; exact: sqrt_pos.
set a0 := sqrt (z * v); have zv : 0 < z * v by apply: Rmult_lt_0_compat; lra.
have aa : a0 * a0 = z * v by apply: sqrt_sqrt; lra.
have ap : 0 < a0 by exact: sqrt_lt_R0.
pose u := a0 / z; have u0 : 0 < u by exact: Rdiv_lt_0_compat.
have uu : u * u = v / z.
  by rewrite /u; have -> : a0 / z * (a0 / z) = a0 * a0 / (z * z) by [field; lra]; rewrite aa; field; lra.
have au : a0 * u = v by rewrite /u; have -> : a0 * (a0 / z) = a0 * a0 / z by [field; lra]; rewrite aa; field;
  lra.
have sq : (a0 + u) ^ 2 = v * (1 + z) ^ 2 / z.
  have -> : (a0 + u) ^ 2 = a0 * a0 + 2 * (a0 * u) + u * u by ring.
  by rewrite aa au uu; field; lra.
have sp : 0 < (a0 + u) ^ 2 by apply: pow_lt; lra.
have key a : (a0 + u) ^ 2 * ind (~~ Rleb (f a) a0) <= (f a ^ 2 + 2 * u * f a) + u * u.
  have -> : f a ^ 2 + 2 * u * f a + u * u = (f a + u) ^ 2 by ring.
  case: RlebP => h; rewrite [ind _]/= ?Rmult_0_r ?Rmult_1_r; first exact: pow2_ge_0.
  by apply: pow_incr; lra.
have := mean_le key; rewrite mean_scale !mean_add mean_scale f0 fv mean_const // => h.
apply: (Rmult_le_reg_l ((a0 + u) ^ 2)) => //; apply: Rle_trans h _; apply: Req_le.
by rewrite sq uu; field; lra.
Qed.

(* independent terms of mean m and second moment m': the sum is at most n m + sqrt (z n (m' - m^2)) often *)
Theorem cantelli_sum (I A : finType) (f : A -> R) (m m' z : R) : 0 < N A -> 0 < z ->
  mean f = m -> mean (fun a => f a ^ 2) = m' ->
  / (1 + / z) <= mean (fun x : {ffun I -> A} =>
     ind (Rleb (\rsum_i f (x i)) (N I * m + sqrt (z * (N I * (m' - m ^ 2)))))).
Proof.
move=> A0 z0 fm fm'; pose g a := f a + - m.
have X0 : 0 < N [finType of {ffun I -> A}] by rewrite N_ffun; exact: pow_lt.
have g0 : mean g = 0 by rewrite /g mean_add mean_const // fm; ring.
have g2 : mean (fun a => g a ^ 2) = m' - m ^ 2.
  rewrite (mean_ext (g := fun a => (f a ^ 2 + (- 2 * m) * f a) + m ^ 2)); last by move=> a; rewrite /g; ring.
  by rewrite !mean_add mean_scale mean_const // fm fm'; ring.
pose G (x : {ffun I -> A}) := \rsum_i g (x i).
have G0 : mean G = 0 by rewrite mean_sum big1 // => i _; rewrite mean_coord.
have := cantelli X0 z0 G0 (mean_square_sum I A0 g0); rewrite g2 => h.
set r := sqrt _ in h *.
have e (x : {ffun I -> A}) : ind (Rleb (\rsum_i f (x i)) (N I * m + r)) = 1 + -1 * ind (~~ Rleb (G x) r).
  have -> : G x = \rsum_i f (x i) - N I * m.
    by rewrite /G big_split /= rsum_const; ring.
  by case: RlebP => h1; case: RlebP => h2 /=; try ring; exfalso; lra.
rewrite (mean_ext e) mean_add mean_const // mean_scale.
have -> : / (1 + / z) = 1 + -1 * / (1 + z) by field; lra.
by apply: Rplus_le_compat_l; apply: Rmult_le_compat_neg_l; [lra|exact: h].
Qed.
