(* Theorem E with a chain of tilts, on a lattice of keys.  Steeper tilts bound the keys of a clique better,
   but a query may then come near another key.  Which tilts are open depends on one word of the clique; how
   many words shut a tilt is counted. *)
From LowerBound Require Export Cliques.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the inequality of the means ---------------------------------------------------------------- *)
(* A product of counts is at most the power of their mean.
   Sketch.  a / P <= exp (a / P - 1); the exponents of the product add up to at most 0. *)
Lemma product_of_mean (I : finType) (a : I -> nat) (P : nat) :
  (\sum_i a i <= #|I| * P)%nat -> (\prod_i a i <= expn P #|I|)%nat.
Proof.
move=> h; case: (posnP P) => [P0|/INR_gt0 P0].
  rewrite -prod_nat_const leq_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => i _; rewrite P0.
  by apply/eqP; rewrite -leqn0; move: h; rewrite P0 muln0 (bigD1 i) //=; exact/leq_trans/leq_addr.
apply/leP/Reals.RIneq.INR_le; rewrite INR_prod INR_expn.
pose x i := INR (a i) / INR P.
have x0 i : 0 <= x i by apply: Rdiv_le_r; rewrite ?Rmult_0_l //; exact: pos_INR.
have -> : \rprod_i INR (a i) = INR P ^ #|I| * \rprod_i x i.
  by rewrite -rprod_const -big_split; apply: eq_bigr => i _; rewrite /x /=; field; lra.
rewrite -[X in _ <= X]Rmult_1_r; apply: Rmult_le_compat_l; first by apply: pow_le; lra.
apply: Rle_trans (_ : _ <= \rprod_i exp (x i - 1)) _.
  suff : 0 <= \rprod_i x i <= \rprod_i exp (x i - 1) by case.
  elim/big_ind2: _ => [|u v u' v' h1 h2|i _]; first lra; first by split; nra.
  by have := exp_ineq1_le (x i - 1); have := x0 i; lra.
have le : \rsum_i (x i - 1) <= 0.
  rewrite big_split /= rsum_const; have -> : \rsum_i x i = / INR P * \rsum_i INR (a i).
    by rewrite -rsum_distr; apply: eq_bigr => i _; exact: Rmult_comm.
  have -> : \rsum_i INR (a i) = INR (\sum_i a i)%nat.
    by rewrite (big_morph INR plus_INR (erefl (INR 0))).
  have {}h := INR_le h; rewrite mult_INR -/(N I) in h.
  have le : INR (\sum_i a i)%nat / INR P <= N I by exact: Rdiv_le_l.
  by rewrite Rmult_comm; rewrite /Rdiv in le; lra.
by rewrite -exp_rsum; apply: Rle_trans (exp_mono le) _; rewrite exp_0; lra.
Qed.

(* ---------- tilted queries -------------------------------------------------------------------------------- *)
Section Tilted.
Variable Crd : finType.
Implicit Types k w d : Crd -> R.
(* across k w: the part of w across the unit vector k *)
Definition across k w : Crd -> R := mix 1 w (- dot w k) k.
(* tilted_query b C k w: the unit vector of cosine C with k that leans towards w, or away from w *)
Definition tilted_query (b : bool) (C : R) k w : Crd -> R :=
  mix C k ((if b then 1 else -1) * (sine C / sqrt (norm2 (across k w)))) (across k w).

Variables (k w : Crd -> R) (C : R).
Hypotheses (k1 : norm2 k = 1) (C01 : 0 <= C < 1).
Notation r := (sqrt (norm2 (across k w))).

Lemma across_self : dot (across k w) k = 0.
Proof. by rewrite dot_mix k1; ring. Qed.

Lemma across_norm : norm2 w = dot w k * dot w k + norm2 (across k w).
Proof. by rewrite {2}/across dot_mix_r across_self dot_mix [dot k w]dot_sym; ring. Qed.

Lemma tilted_query_unit b : 0 < norm2 (across k w) -> norm2 (tilted_query b C k w) = 1.
Proof.
have Cs := @sine_sqr C ltac:(lra); have ak := across_self.
rewrite /tilted_query; move: (across k w) ak => a ak n0.
have r0 := sqrt_lt_R0 _ n0; have rr := sqrt_sqrt _ (Rlt_le _ _ n0).
rewrite dot_mix !dot_mix_r [dot k a]dot_sym ak k1; move: (norm2 a) (sqrt _) rr n0 r0 => n q rr n0 q0.
have e : sine C / q * (sine C / q) * n = sine C * sine C by rewrite -rr; field; lra.
by move: (sine C / q) e => t e; case: b; nra.
Qed.

Lemma tilted_query_key b : dot (tilted_query b C k w) k = C.
Proof. by rewrite dot_mix across_self k1; ring. Qed.

Lemma tilted_query_sum v :
  dot (tilted_query true C k w) v + dot (tilted_query false C k w) v = 2 * C * dot k v.
Proof. by rewrite /tilted_query; move: (across k w) => a; rewrite !dot_mix; ring. Qed.

(* A difference d of vectors that is small along k and along one tilted query is small along w.
   Sketch.  w is a combination of k and the query: with a = <w, k>, r the length of the part of w across k, S
   the sine of the tilt and b a sign, S <w, d> = (a S - b r C) <k, d> + b r <q, d>; both coefficients are at
   most |w|, the first by the inequality of Cauchy. *)
Lemma tilted_bound b d h e : 0 <= h -> 0 <= e -> - h <= dot k d <= h ->
  0 < norm2 (across k w) -> - e <= dot (tilted_query b C k w) d <= e ->
  dot w d * sine C <= sqrt (norm2 w) * (h + e).
Proof.
move=> h0 e0 hk n0 hq; have Cs := @sine_sqr C ltac:(lra); have S0 := sine_ge0 C.
have S1 : sine C <= 1 by nra.
have r0 := sqrt_lt_R0 _ n0; have rr := sqrt_sqrt _ (Rlt_le _ _ n0).
have ww := sqrt_sqrt _ (dot_ge0 w); have w0 := sqrt_pos (norm2 w); have wn := across_norm.
have e1 : dot (tilted_query b C k w) d = C * dot k d
    + (if b then 1 else -1) * (sine C / r) * (dot w d - dot w k * dot k d).
  have ad : dot (across k w) d = dot w d - dot w k * dot k d by rewrite /across dot_mix; ring.
  by rewrite /tilted_query dot_mix ad; move: (sine C / r) => t; case: b {hq}; ring.
move: hq hk e1 n0 r0 rr ww w0 wn; move: (dot (tilted_query b C k w) d) (dot k d) (dot w d).
move: (norm2 (across k w)) (dot w k) (norm2 w) => n a m; move: (sqrt n) (sqrt m) (sine C) Cs S0 S1 => r R S.
move=> SS S0 S1 q x y hq hx e1 n0 r0 rr RR R0 mn; pose B := if b then 1 else -1.
have BB : B * B = 1 by rewrite /B; case: ifP => _; ring.
have e2 : y * S = (a * S - B * r * C) * x + B * r * q.
  have -> : B * r * q = B * r * C * x + B * B * S * (y - a * x) by rewrite e1 -/B; field; lra.
  by rewrite BB; ring.
have c1 : (a * S - B * r * C) * (a * S - B * r * C) <= R * R.
  have e3 : (a * S - B * r * C) * (a * S - B * r * C) + (a * C + B * r * S) * (a * C + B * r * S)
      = (a * a + B * B * (r * r)) * (S * S + C * C) by ring.
  by move: e3; rewrite BB SS rr RR mn; have := Rle_0_sqr (a * C + B * r * S); rewrite /Rsqr; lra.
have c2 : (B * r) * (B * r) <= R * R.
  have -> : B * r * (B * r) = B * B * (r * r) by ring.
  by rewrite BB rr RR mn; nra.
have bnd u v t : u * u <= R * R -> 0 <= t -> - t <= v <= t -> u * v <= R * t.
  by move=> hu t0 hv; have uR : - R <= u <= R by [split; nra]; nra.
by rewrite e2; have := bnd _ _ _ c1 h0 hx; have := bnd _ _ _ c2 e0 hq; lra.
Qed.

(* The same if w has no part across k. *)
Lemma along_bound d h e : 0 <= h -> 0 <= e -> - h <= dot k d <= h -> norm2 (across k w) <= 0 ->
  dot w d * sine C <= sqrt (norm2 w) * (h + e).
Proof.
move=> h0 e0 hk n0; have Cs := @sine_sqr C ltac:(lra); have S0 := sine_ge0 C.
have ww := sqrt_sqrt _ (dot_ge0 w); have w0 := sqrt_pos (norm2 w); have wn := across_norm.
have n1 := dot_ge0 (across k w); have cs := cauchy (across k w) d.
have ad : dot (across k w) d = dot w d - dot w k * dot k d by rewrite /across dot_mix; ring.
have {}cs : dot w d = dot w k * dot k d.
  have z : norm2 (across k w) = 0 by lra.
  by rewrite z Rmult_0_l in cs; rewrite ad in cs; nra.
rewrite cs; move: ww w0 wn hk n0 n1 Cs S0; move: (sqrt _) (norm2 w) (dot w k) (dot k d) (norm2 _) (sine C).
move=> r m a x n S rr r0 mn hx n0 n1 SS S0; have ar : - r <= a <= r by split; nra.
have ax : a * x <= r * h by nra.
by have S1 : S <= 1 by [nra]; have : 0 <= r * h by [nra]; have : 0 <= r * e by [nra]; nra.
Qed.
End Tilted.

(* A unit vector has nearly equal products with two unit vectors that are near each other. *)
Lemma chord_le (Crd : finType) (q u v : Crd -> R) c : norm2 q = 1 -> norm2 u = 1 -> norm2 v = 1 ->
  c <= dot u v -> dot q u - sqrt (2 - 2 * c) <= dot q v.
Proof.
move=> q1 u1 v1 h; have [_ uv1] := dot_unit u1 v1; have := cauchy q (mix 1 u (-1) v).
rewrite q1 dot_mix !dot_mix_r u1 v1 [dot v u]dot_sym.
have s0 := sqrt_pos (2 - 2 * c); have ss : sqrt (2 - 2 * c) * sqrt (2 - 2 * c) = 2 - 2 * c.
  by apply: sqrt_sqrt; lra.
by move: (sqrt _) s0 ss (dot q u) (dot q v) => r r0 rr x y; nra.
Qed.
