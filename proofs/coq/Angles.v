(* Angles between unit vectors, without angles: an angle is its cosine, and the cosine of a difference of two
   angles is cos a cos b + sin a sin b. *)
From LowerBound Require Export Softmax.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* norm2 u: the square of the length of u *)
Notation norm2 u := (dot u u).
(* mix a u b v: the vector a u + b v *)
Definition mix (Crd : finType) (a : R) (u : Crd -> R) (b : R) (v : Crd -> R) : Crd -> R :=
  fun c => a * u c + b * v c.
(* sine x: the sine of an angle of cosine x *)
Definition sine (x : R) : R := sqrt (1 - x * x).
(* turn x y: the cosine of the difference of two angles of cosines x and y *)
Definition turn (x y : R) : R := x * y + sine x * sine y.

(* ---------- cosines --------------------------------------------------------------------------- *)
Lemma sine_ge0 x : 0 <= sine x. Proof. exact: sqrt_pos. Qed.
Lemma sine_sqr x : -1 <= x <= 1 -> sine x * sine x = 1 - x * x.
Proof. by move=> h; apply: sqrt_sqrt; nra. Qed.
Lemma sine_mono x y : 0 <= x <= y -> sine y <= sine x.
Proof. by move=> h; apply: sqrt_le_1_alt; nra. Qed.
Lemma turnC x y : turn x y = turn y x. Proof. by rewrite /turn; ring. Qed.

Lemma turn_le1 x y : -1 <= x <= 1 -> -1 <= y <= 1 -> turn x y <= 1.
Proof.
move=> hx hy; have := sine_sqr hx; have := sine_sqr hy.
by have := Rle_0_sqr (x - y); have := Rle_0_sqr (sine x - sine y); rewrite /Rsqr /turn; lra.
Qed.

Lemma turn_ge0 x y : 0 <= x -> 0 <= y -> 0 <= turn x y.
Proof. by move=> x0 y0; have := sine_ge0 x; have := sine_ge0 y; rewrite /turn; nra. Qed.

(* turning back: the angles a and a - (a - b) *)
Lemma turn_turn c x : 0 <= c <= x -> x <= 1 -> turn c (turn c x) = x.
Proof.
move=> cx x1; have Cs := @sine_sqr c ltac:(lra); have Xs := @sine_sqr x ltac:(lra).
have S0 := sine_ge0 c; have X0 := sine_ge0 x; have SX := sine_mono cx.
have p : 0 <= sine c * x - c * sine x by nra.
have e : sine (turn c x) = sine c * x - c * sine x.
  by rewrite -(sqrt_square _ p) {1}/sine; congr sqrt; rewrite /turn; nra.
by rewrite {1}/turn e /turn; nra.
Qed.

(* From an angle of cosine c, a larger angle is farther: its cosine y is at most m, the difference's turn c m.
   *)
Lemma turn_mono_l c m y : -1 <= y -> y <= m -> 0 <= m <= c -> c <= 1 -> turn c y <= turn c m.
Proof.
move=> y1 ym mc c1; rewrite /turn.
have [s0 Y0 M0] := And3 (sine_ge0 c) (sine_ge0 y) (sine_ge0 m).
have Ys := @sine_sqr y ltac:(lra); have Ms := @sine_sqr m ltac:(lra).
have sM := @sine_mono m c mc; have cM : sine c * m <= c * sine m by nra.
have cY : sine c * y <= c * sine y.
  case: (Rle_lt_dec 0 y) => y0; last by nra.
  by have sY := @sine_mono y c ltac:(lra); nra.
have e : (sine y - sine m) * (sine y + sine m) = (m - y) * (m + y) by nra.
suff : sine c * (sine y - sine m) <= c * (m - y) by lra.
case: (Rle_lt_dec (sine y + sine m) 0) => h; first by have -> : sine y - sine m = 0 by [lra]; nra.
apply: (Rmult_le_reg_r _ _ _ h); rewrite Rmult_assoc e; nra.
Qed.

(* From an angle of cosine m, a smaller angle than that of cosine c is farther. *)
Lemma turn_mono_r m c x : 0 <= m <= c -> c <= x <= 1 -> turn m x <= turn m c.
Proof.
move=> mc cx; rewrite /turn.
have [M0 C0 X0] := And3 (sine_ge0 m) (sine_ge0 c) (sine_ge0 x).
have Cs := @sine_sqr c ltac:(lra); have Xs := @sine_sqr x ltac:(lra).
have CM := @sine_mono m c mc; have XM := @sine_mono m x ltac:(lra).
have e : (sine c - sine x) * (sine c + sine x) = (x - c) * (x + c) by nra.
suff : m * (x - c) <= sine m * (sine c - sine x) by lra.
case: (Rle_lt_dec (sine c + sine x) 0) => h.
  have xc : x - c = 0.
    have [C1 X1] : sine c = 0 /\ sine x = 0 by lra.
    by rewrite C1 in Cs; rewrite X1 in Xs; nra.
  by have -> : sine c - sine x = 0 by [lra]; rewrite xc; lra.
apply: (Rmult_le_reg_r _ _ _ h); rewrite [sine m * _ * _]Rmult_assoc e.
have h1 : m * sine c <= sine m * c by nra.
have h2 : m * sine x <= sine m * x by nra.
nra.
Qed.

(* Both: an angle of cosine at least c and one of cosine at most m differ by an angle of cosine at most turn c
   m. *)
Lemma turn_le x c y m : c <= x <= 1 -> -1 <= y <= m -> 0 <= m <= c -> turn x y <= turn c m.
Proof.
move=> cx ym mc; apply: Rle_trans (_ : turn x m <= _); first by apply: turn_mono_l; lra.
by rewrite turnC [turn c m]turnC; apply: turn_mono_r.
Qed.

(* ---------- vectors ----------------------------------------------------------------------------- *)
Section Vectors.
Variable Crd : finType.
Implicit Types u v w : Crd -> R.

Lemma dot_mix a u b v w : dot (mix a u b v) w = a * dot u w + b * dot v w.
Proof. by rewrite /dot -!rsum_distr -big_split; apply: eq_bigr => c _; rewrite /mix /=; ring. Qed.
Lemma dot_mix_r a u b v w : dot w (mix a u b v) = a * dot w u + b * dot w v.
Proof. by rewrite dot_sym dot_mix ![dot w _]dot_sym. Qed.
Lemma dot_ge0 u : 0 <= norm2 u.
Proof. by apply: rsum_ge0 => c _; nra. Qed.

(* the Cauchy-Schwarz inequality *)
Lemma cauchy u v : dot u v * dot u v <= norm2 u * norm2 v.
Proof.
have h a b := dot_ge0 (mix a u b v).
have {}h a b : 0 <= a * a * norm2 u + 2 * (a * b) * dot u v + b * b * norm2 v.
  by have := h a b; rewrite dot_mix !dot_mix_r [dot v u]dot_sym; lra.
have U0 := dot_ge0 u; have V0 := dot_ge0 v.
case: (Rle_lt_dec (norm2 v) 0) => hv.
  have V : norm2 v = 0 by lra.
  case: (Req_dec (dot u v) 0) => [-> |D0]; first by rewrite V; lra.
  have := h 1 (- (norm2 u + 1) / (2 * dot u v)).
  have -> : 2 * (1 * (- (norm2 u + 1) / (2 * dot u v))) * dot u v = - (norm2 u + 1) by field.
  by rewrite V; lra.
have := h (norm2 v) (- dot u v).
have -> : norm2 v * norm2 v * norm2 u + 2 * (norm2 v * - dot u v) * dot u v + - dot u v * - dot u v * norm2 v
          = norm2 v * (norm2 u * norm2 v - dot u v * dot u v) by ring.
by move=> p; apply: Rnot_lt_le => n; nra.
Qed.

Lemma dot_unit u v : norm2 u = 1 -> norm2 v = 1 -> -1 <= dot u v <= 1.
Proof. by move=> u1 v1; have := cauchy u v; rewrite u1 v1; nra. Qed.

(* the triangle inequality of lengths *)
Lemma minkowski u v a b : 0 <= a -> 0 <= b -> norm2 u <= a * a -> norm2 v <= b * b ->
  norm2 (mix 1 u 1 v) <= (a + b) * (a + b).
Proof.
move=> a0 b0 ha hb; have c := cauchy u v; have u0 := dot_ge0 u; have v0 := dot_ge0 v.
have h : dot u v <= a * b.
  apply: Rnot_lt_le => h; have : (a * b) * (a * b) < dot u v * dot u v by have : 0 <= a * b; nra.
  have : norm2 u * norm2 v <= (a * a) * (b * b) by apply: Rmult_le_compat.
  by lra.
by rewrite dot_mix !dot_mix_r [dot v u]dot_sym; nra.
Qed.

Lemma norm2_le u a : (forall c, - a <= u c <= a) -> norm2 u <= N Crd * (a * a).
Proof. by move=> h; rewrite -rsum_const; apply: rsum_le => c _; have := h c; nra. Qed.

Lemma coord_le u a c : 0 <= a -> norm2 u <= a * a -> - a <= u c <= a.
Proof.
move=> a0 h; have : u c * u c <= norm2 u by apply: (rsum_term (f := fun c => u c * u c)) => i; nra.
by split; nra.
Qed.

(* The triangle inequality of angles, in both directions. *)
Lemma unit_triangle u v w : norm2 u = 1 -> norm2 v = 1 -> norm2 w = 1 ->
  dot u v * dot v w - sine (dot u v) * sine (dot v w) <= dot u w <= turn (dot u v) (dot v w).
Proof.
move=> u1 v1 w1; have x1 := dot_unit u1 v1; have y1 := dot_unit v1 w1.
have := cauchy (mix 1 u (- dot u v) v) (mix 1 w (- dot v w) v).
rewrite !dot_mix !dot_mix_r u1 v1 w1 [dot w v]dot_sym [dot v u]dot_sym /turn.
have := sine_sqr x1; have := sine_sqr y1; have := sine_ge0 (dot u v); have := sine_ge0 (dot v w).
set x := dot u v; set y := dot v w; set z := dot u w => Y0 X0 Ys Xs h.
have {}h : (z - x * y) * (z - x * y) <= (sine x * sine y) * (sine x * sine y).
  have -> : sine x * sine y * (sine x * sine y) = (sine x * sine x) * (sine y * sine y) by ring.
  by rewrite Xs Ys; lra.
have p : 0 <= sine x * sine y by nra.
by split; nra.
Qed.

(* Two vectors within an angle of cosine c of a third are within twice the angle of each other. *)
Lemma double_angle u v w c : norm2 u = 1 -> norm2 v = 1 -> norm2 w = 1 -> 0 <= c ->
  c <= dot u v -> c <= dot v w -> 2 * (c * c) - 1 <= dot u w.
Proof.
move=> u1 v1 w1 c0 hx hy; have x1 := dot_unit u1 v1; have y1 := dot_unit v1 w1.
have [h _] := unit_triangle u1 v1 w1; have Xs := sine_sqr x1; have Ys := sine_sqr y1.
have X0 := sine_ge0 (dot u v); have Y0 := sine_ge0 (dot v w).
move: h x1 y1 Xs Ys X0 Y0 hx hy; set x := dot u v; set y := dot v w.
move=> h x1 y1 Xs Ys X0 Y0 hx hy.
have h1 : c * c <= x * y by apply: Rmult_le_compat.
have h2 : sine x * sine y <= 1 - c * c.
  have u2 : sine x * sine x <= 1 - c * c by nra.
  have v2 : sine y * sine y <= 1 - c * c by nra.
  by have := Rle_0_sqr (sine x - sine y); rewrite /Rsqr; lra.
by lra.
Qed.

(* In two dimensions or more every unit vector has a unit vector orthogonal to it: the plane of the
   coordinates a and b holds one, (q_b, - q_a) normalised, unless q vanishes there. *)
Lemma orthogonal (a b : Crd) (q : Crd -> R) : a != b -> norm2 q = 1 -> exists u, norm2 u = 1 /\ dot u q = 0.
Proof.
move=> ab q1; pose e (p : Crd) (c : Crd) : R := if c == p then 1 else 0.
have eq p w : dot (e p) w = w p by rewrite /e dot_pick; ring.
have e1 p : norm2 (e p) = 1 by rewrite eq /e eqxx.
have eab : dot (e a) (e b) = 0 by rewrite eq /e (negbTE ab).
have eba : dot (e b) (e a) = 0 by rewrite dot_sym.
case: (Req_dec (q a * q a + q b * q b) 0) => z; first by exists (e a); rewrite e1 eq; split=> //; nra.
have p : 0 < q a * q a + q b * q b by nra.
set n := q a * q a + q b * q b in z p; have n0 : 0 < sqrt n by exact: sqrt_lt_R0.
have nn : sqrt n * sqrt n = n by apply: sqrt_sqrt; lra.
exists (mix (q b / sqrt n) (e a) (- q a / sqrt n) (e b)).
rewrite !dot_mix !dot_mix_r !e1 eab eba !eq; split; last by field; lra.
set r := sqrt n in n0 nn *.
have -> : q b / r * (q b / r * 1 + - q a / r * 0) + - q a / r * (q b / r * 0 + - q a / r * 1) = n / (r * r).
  by rewrite /n; field; lra.
by rewrite nn; field; lra.
Qed.

(* Of two unit vectors u and v of cosine x: a unit vector at cosine c from v, on the side of u, is at turn c
   x. *)
Lemma tilted u v c : norm2 u = 1 -> norm2 v = 1 -> -1 <= c <= 1 -> dot u v <> 1 -> dot u v <> -1 ->
  exists q, [/\ norm2 q = 1, dot q v = c & dot q u = turn c (dot u v)].
Proof.
move=> u1 v1 c1 x1 x1'; have xr := dot_unit u1 v1; set x := dot u v in x1 x1' xr *.
have Xs := sine_sqr xr; have Cs := sine_sqr c1; have Xp : 0 < sine x by apply: sqrt_lt_R0; nra.
pose w := mix (/ sine x) u (- x / sine x) v.
have wv : dot w v = 0 by rewrite dot_mix v1 -/x; field; lra.
have wu : dot w u = sine x.
  rewrite dot_mix u1 [dot v u]dot_sym -/x; apply: (Rmult_eq_reg_r (sine x)); last lra.
  by rewrite Xs; field; lra.
have w1 : norm2 w = 1 by rewrite {2}/w dot_mix_r wu wv; field; lra.
clearbody w; exists (mix c v (sine c) w); split.
- by rewrite dot_mix !dot_mix_r v1 w1 wv [dot v w]dot_sym wv; lra.
- by rewrite dot_mix v1 wv; ring.
by rewrite dot_mix wu [dot v u]dot_sym.
Qed.
End Vectors.

(* one coordinate apart *)
Lemma dot_option (J : finType) (u v : option J -> R) :
  dot u v = u None * v None + dot (fun j => u (Some j)) (fun j => v (Some j)).
Proof.
rewrite /dot (bigD1 None) //=; congr (_ + _).
by rewrite (reindex_omap Some (fun o => o)) //=; [apply: eq_bigl => j; rewrite eqxx|case].
Qed.
