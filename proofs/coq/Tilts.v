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

(* pairs of x in A and z in B, counted in either order *)
Lemma card_exchange (X Z : finType) (A : {set X}) (B : {set Z}) (p : X -> Z -> bool) :
  (\sum_(x in A) #|[set z in B | p x z]| = \sum_(z in B) #|[set x in A | p x z]|)%nat.
Proof.
have c (Y : finType) (D : {set Y}) (q : pred Y) : #|[set y in D | q y]| = (\sum_(y in D) (q y : nat))%nat.
  rewrite -sum1_card (eq_bigl (fun y => (y \in D) && q y)) => [|y]; last by rewrite inE.
  by rewrite big_mkcondr; apply: eq_bigr => y _; case: (q y).
under eq_bigr => x _ do rewrite c; rewrite exchange_big; by apply: eq_bigr => z _; rewrite c.
Qed.

(* In a chain whose first link holds, and each next link holds or is excused, the last link holds, or some
   link holds whose successor is excused. *)
Lemma chain_cases (p q : nat -> bool) K : p 0%nat -> (forall l, (l < K)%nat -> p l.+1 || q l) ->
  p K \/ exists l : 'I_K, p l && q l.
Proof.
move=> p0; elim: K => [|K IH] h; first by left.
have /orP[pK|qK] := h K (ltnSn K); first by left.
have [l lK|pK|[l pl]] := IH; first by apply: h; exact: ltnW.
  by right; exists ord_max; rewrite pK.
by right; exists (widen_ord (leqnSn K) l).
Qed.

(* ---------- tilted queries ---------------------------------------------------------------------------- *)
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
rewrite cs; move: ww w0 wn hk n0 n1 Cs S0.
move: (norm2 (across k w)) (norm2 w) (sqrt _) (dot w k) (dot k d) (sine C).
move=> n m r a x S rr r0 mn hx n0 n1 SS S0; have ar : - r <= a <= r by split; nra.
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

(* q - p k, made a unit vector again *)
Lemma pulled_unit (Crd : finType) (q k : Crd -> R) C p :
  norm2 q = 1 -> norm2 k = 1 -> dot q k = C -> C * C < 1 ->
  0 < 1 - 2 * p * C + p * p /\
  norm2 (scale (/ sqrt (1 - 2 * p * C + p * p)) (mix 1 q (- p) k)) = 1.
Proof.
move=> q1 k1 qk C1; have w0 : 0 < 1 - 2 * p * C + p * p.
  by have := Rle_0_sqr (p - C); rewrite /Rsqr; lra.
split=> //; have rr := sqrt_sqrt _ (Rlt_le _ _ w0); have r0 := sqrt_lt_R0 _ w0.
rewrite dot_scale dot_scale_r dot_mix !dot_mix_r q1 k1 [dot k q]dot_sym qk.
move: (sqrt _) rr r0 => r rr r0; apply: (Rmult_eq_reg_l (r * r)); last by nra.
by rewrite [in RHS]rr; field; lra.
Qed.

(* ---------- which tilts are open ---------------------------------------------------------------------- *)
Section Tilts.
Variables (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L : nat) (lam eta mu C tau c1 : R).
(* K: the number of further tilts;  cosines l: the cosine of tilt l + 1;  nears l: a key whose cosine with the
   query is larger is near it;  pulls l: how far the query is pulled back from the key that it leans from *)
Variables (K : nat) (cosines nears pulls : nat -> R).
Notation Pt := {ffun J -> 'I_(M + M).+1}.
Notation Box := {ffun J -> 'I_((M + M).+1 + (M + M).+1)}.
Notation Sym := [finType of Pt * {ffun Ch -> 'I_L}].
Notation Word := {ffun Tok -> Sym}.
Notation good := (coherent_words Tok J Ch M L mu).
Notation c2 := (tilt_cos lam eta C tau).
Notation s := (apart eta).
Notation chord := (sqrt (2 - 2 * c2)).
Notation side := (sqrt (N J)).
(* rest l: weight of the other keys at an open query of tilt l + 1, relative to the key that is read;  reading
   l: how far apart two keys of a clique are there, along query and key together;  radius l: how far their
   points are, in units of M, if tilt l is open *)
Definition rest (l : nat) : R := (N Tok - 1) * exp (lam * (nears l + 2 * chord - cosines l)).
Definition reading (l : nat) : R := 1 - c2 + (s + rest l) / lam.
Definition radius (l : nat) : R := if l is l'.+1 then reading l' / sine (cosines l') else chord.

(* vector z: the vector of a difference;  flat: with a last coordinate 0 *)
Definition vector (z : Box) : J -> R := from (fun _ => INR (M + M)) z.
Definition flat (z : Box) (c : option J) : R := if c is Some j then vector z j else 0.
(* reach l: differences that tilt l allows, if it is open *)
Definition reach (l : nat) : {set Box} :=
  [set z : Box | Rleb (norm2 (vector z)) ((INR M * radius l + side) * (INR M * radius l + side))].
(* near_symbols b l z a: symbols whose key is near the query at tilt l + 1 from the key of a towards z, or
   away from z, and coherent with it; none, if z has no part across that key *)
Definition near_symbols (b : bool) (l : nat) (z : Box) (a : Sym) : {set Sym} :=
  if Rleb (norm2 (across (lattice_key a.1) (flat z))) 0 then set0
  else [set c in cap Ch M L (tilted_query b (cosines l) (lattice_key a.1) (flat z)) (nears l) |
        Rleb (dot (lattice_key a.1) (lattice_key c.1)) mu].
(* shut l x i z: at both queries some other key of x is near *)
Definition blocked (b : bool) (l : nat) (x : Word) (i : Tok) (z : Box) : bool :=
  [exists j, (j != i) && (x j \in near_symbols b l z (x i))].
Definition shut (l : nat) (x : Word) (i : Tok) (z : Box) : bool :=
  blocked true l x i z && blocked false l x i z.
(* region x i: differences that the tilts allow for token i *)
Definition region (x : Word) (i : Tok) : {set Box} :=
  [set z in reach 0 | [forall l : 'I_K, (z \in reach l.+1) || shut l x i z]].

Hypotheses (M0 : (0 < M)%nat) (l0 : 0 < lam) (he : 0 <= eta < 1/2)
  (mu0 : 0 <= mu) (hC : mu <= C <= c1)
  (hmatch : matched Tok Own (option_finType J) (option_finType Ch) lam eta mu c1)
  (htau : tilt_leak Tok lam C mu <= tau) (hg : C + (s + ln (1 + tau)) / lam <= 1)
  (hreach : ln (N Own) + s / 2 <= lam * (1 + C)) (hc2 : C <= 2 * (c2 * c2) - 1)
  (hL : 2 * (eta + clean_leak Tok Own lam mu c2) * (INR L - 1) < 1).
Hypotheses (hcos : forall l, (l < K)%nat -> [/\ 0 <= cosines l < 1, mu * cosines l <= nears l
    & ln (N Own) + s / 2 <= lam * (1 + cosines l - chord)]).
Variables (S : finType) (st : Word -> S)
  (ans : S -> (option J -> R) * (Own -> option J -> R) * option Ch -> R).
Hypotheses
  (mass_right : forall x q r, x \in good -> norm2 q = 1 -> norm2 r = 1 ->
     near eta (lattice_output (lattice_instance x) (mass_question Own Ch lam q r))
              (ans (st x) (mass_question Own Ch lam q r)))
  (value_right : forall x y i c, x \in good -> y \in good ->
     near eta (lattice_output (lattice_instance x) (value_question Own lam y i c))
              (ans (st x) (value_question Own lam y i c))).
Notation points := (@points Tok J Ch M L lam eta C tau S st).

Lemma reading_ge0 l : 0 <= rest l /\ 0 <= (s + rest l) / lam.
Proof.
have r0 : 0 <= rest l by apply: Rmult_le_pos; [have := N_ge1 t0; lra|exact/Rlt_le/exp_pos].
by split=> //; have := apart_ge0 he; move=> *; apply: Rdiv_le_r; lra.
Qed.

(* Two words of one state, close to x under one labelling, at an open query for token i.
   Sketch.  Their other keys are near those of x, hence far from the query; so each logit of key i exceeds the
   other by at most s + rest l. *)
Lemma open_reading x y z (f : {ffun Tok -> Tok}) i q l : x \in good -> y \in good -> z \in good ->
  st y = st x -> st z = st x -> injective f -> (l < K)%nat -> norm2 q = 1 ->
  dot q (lattice_keys x i) = cosines l ->
  (forall j, c2 <= dot (lattice_keys x j) (lattice_keys y (f j))) ->
  (forall j, c2 <= dot (lattice_keys x j) (lattice_keys z (f j))) ->
  (forall j, j != i -> dot q (lattice_keys x j) <= nears l) ->
  dot q (lattice_keys y (f i)) - dot q (lattice_keys z (f i)) <= (s + rest l) / lam.
Proof.
move=> Gx Gy Gz ey ez inj lK q1 qx hy hz far; have ab : None != Some j0 :> option J by [].
have [x1 _] := coherent_incoherent M0 Gx; have [y1 _] := coherent_incoherent M0 Gy.
have [z1 _] := coherent_incoherent M0 Gz; have [_ _ hr] := hcos lK.
have exz : st y = st z by rewrite ey ez.
have [r0 _] := reading_ge0 l.
apply: Rle_trans (_ : _ <= (s + ln (1 + rest l)) / lam) _; last first.
  have := ln_le (_ : 0 < 1 + rest l) (exp_ineq1_le (rest l)); rewrite ln_exp => h.
  by apply: Rmult_le_compat_r; [exact/Rlt_le/Rinv_0_lt_compat|have := h ltac:(lra); lra].
apply: (open_query t0 o0 he l0 None ab (state_alike t0 o0 mass_right Gy Gz exz) (c := cosines l - chord)
  (x := nears l + chord)) => //.
- by rewrite -qx; exact: (chord_le q1 (x1 i) (y1 (f i)) (hy i)).
- by rewrite -qx; exact: (chord_le q1 (x1 i) (z1 (f i)) (hz i)).
- have [g fg gf] := injF_bij inj; move=> j ji; rewrite -(gf j).
  have gi : g j != i by apply: contra ji => /eqP <-; rewrite gf.
  have hj := hz (g j); rewrite dot_sym in hj.
  by have := chord_le q1 (z1 (f (g j))) (x1 (g j)) hj; have := far _ gi; lra.
- by apply: Req_le; congr (_ * exp _); ring.
by lra.
Qed.

(* The differences of the points of one token lie in its region.
   Sketch.  Take words y and w whose points differ by u - v, which z exceeds by a vector e with entries in
   [0, 1].  If a tilt is open, d = y_i - w_i is small along its query and along key i of x, so <z, d> is at
   most |z| reading / sine.  But M <z, d> = <z, u - v> = |z|^2 - <z, e> is at least |z|^2 - |z| sqrt n. *)
Theorem differences_region (G : {set Word}) x (f : {ffun Tok -> Tok}) i : {subset G <= good} -> x \in good ->
  injective f -> {subset differences (points G x f i) <= region x i}.
Proof.
move=> Ggood Gx inj z hz; have m0 := INR_gt0 M0.
have [[c20 c21] [mc _]] := tilt_facts t0 l0 he mu0 hC htau hg hreach hc2.
rewrite inE; apply/andP; split.
  rewrite inE; apply/RlebP; apply: differences_near hz.
    by apply: Rmult_le_pos; [lra|exact: sqrt_pos].
  move=> u v.
  exact: (points_near t0 o0 j0 M0 l0 he mu0 hC htau hg hreach hc2 hL mass_right value_right Ggood Gx).
apply/forallP => -[l lK]; apply/orP; case: (boolP (shut l x i z)) => [sh|op]; [by right|left].
have [[C0 C1] _ _] := hcos lK; have Cs := @sine_sqr (cosines l) ltac:(lra).
have S0 : 0 < sine (cosines l) by apply: sqrt_lt_R0; nra.
have [u [v [hu hv e]]] := differencesP hz.
have [y [/Ggood Gy ey hy eu]] := pointsP hu; have [w [/Ggood Gw ew hw ev]] := pointsP hv.
have [x1 _] := coherent_incoherent M0 Gx; have [y1 _] := coherent_incoherent M0 Gy.
have [w1 _] := coherent_incoherent M0 Gw.
pose d := mix 1 (lattice_keys y (f i)) (-1) (lattice_keys w (f i)).
have hk : - (1 - c2) <= dot (lattice_keys x i) d <= 1 - c2.
  have := hy i; have := hw i; have := dot_unit (x1 i) (y1 (f i)); have := dot_unit (x1 i) (w1 (f i)).
  by rewrite /d dot_mix_r; lra.
have [_ e0] := reading_ge0 l.
have up : dot (flat z) d * sine (cosines l) <= sqrt (norm2 (flat z)) * reading l.
  case: (Rle_lt_dec (norm2 (across (lattice_keys x i) (flat z))) 0) => n0.
    by apply: (along_bound (k := lattice_keys x i)) => //; lra.
  have {op} [b /existsPn far] : exists b, ~~ blocked b l x i z.
    by move: op; rewrite negb_and => /orP[]; [exists true|exists false].
  have q1 := @tilted_query_unit _ _ (flat z) (cosines l) (x1 i) ltac:(lra) b n0.
  have qx := tilted_query_key (flat z) (cosines l) (x1 i) b.
  have hq j : j != i -> dot (tilted_query b (cosines l) (lattice_keys x i) (flat z)) (lattice_keys x j)
      <= nears l.
    move=> ji; apply/RlebP; have := far j; rewrite ji /near_symbols /=.
    case: RlebP => [/Rle_not_lt/(_ n0)|_] //.
    have [_ inc] := coherent_incoherent M0 Gx; have ij : i != j by rewrite eq_sym.
    rewrite inE negb_and => /orP[|/negP[]]; last by apply/RlebP; exact: inc.
    rewrite inE negb_and negbK => /orP[] //.
    by rewrite inE; move: Gx; rewrite inE => /andP[/forallP/(_ j) ->].
  have h1 := open_reading Gx Gy Gw ey ew inj lK q1 qx hy hw hq.
  have h2 := open_reading Gx Gw Gy ew ey inj lK q1 qx hw hy hq.
  apply: (tilted_bound (x1 i) (conj C0 C1) (h := 1 - c2) _ e0 hk n0 (b := b)); first by lra.
  by rewrite /d dot_mix_r; lra.
have nf : norm2 (flat z) = norm2 (vector z) by rewrite dot_option [flat z None]/= Rmult_0_l Rplus_0_l.
have fd : dot (flat z) d = / INR M * dot (vector z) (fun j => INR (u j) - INR (v j)).
  rewrite dot_option [flat z None]/= Rmult_0_l Rplus_0_l -rsum_distr; apply: eq_bigr => j _.
  rewrite /flat /d /mix /lattice_keys /lattice_key /from -eu -ev.
  by move: (vector z j) (INR (u j)) (INR (v j)) => a b g; field; lra.
have lo : norm2 (vector z) - sqrt (norm2 (vector z)) * side
    <= dot (vector z) (fun j => INR (u j) - INR (v j)).
  have n1 := dot_ge0 (vector z); have ns := sqrt_sqrt _ n1; have n2 := sqrt_pos (norm2 (vector z)).
  have s0 := sqrt_pos (N J); have ss := sqrt_sqrt _ (N_ge0 J).
  pose r j := vector z j - (INR (u j) - INR (v j)); have nr : norm2 r <= N J.
    by have := @norm2_le J r 1; rewrite !Rmult_1_r; apply => j; have := e j; rewrite /r /vector; lra.
  have -> : dot (vector z) (fun j => INR (u j) - INR (v j)) = norm2 (vector z) - dot (vector z) r.
    rewrite /dot -[X in _ = _ - X]/(dot _ _) /Rminus -rsum_opp -big_split; apply: eq_bigr => j _.
    by rewrite /r /=; ring.
  have cs := cauchy (vector z) r; have : dot (vector z) r <= sqrt (norm2 (vector z)) * side; last by lra.
  have le : norm2 (vector z) * norm2 r <= norm2 (vector z) * N J by apply: Rmult_le_compat_l.
  apply: Rnot_lt_le => lt; have p : 0 <= sqrt (norm2 (vector z)) * side by apply: Rmult_le_pos.
  have : sqrt (norm2 (vector z)) * side * (sqrt (norm2 (vector z)) * side) = norm2 (vector z) * N J.
    by rewrite -{3}ns -{3}ss; ring.
  by nra.
rewrite inE; apply/RlebP; rewrite [radius _]/=; move: up lo; rewrite fd nf.
have n1 := dot_ge0 (vector z); have ns := sqrt_sqrt _ n1; have n2 := sqrt_pos (norm2 (vector z)).
have s0 := sqrt_pos (N J).
have p0 : 0 <= reading l / sine (cosines l) by apply: Rdiv_le_r; rewrite /reading; lra.
move: (dot (vector z) (fun j => _ - _)) (norm2 (vector z)) (sqrt _) n1 ns n2 => D n r n1 ns r0 up lo.
have {}up : D <= r * (INR M * (reading l / sine (cosines l))).
  apply: (Rmult_le_reg_l (/ INR M * sine (cosines l))).
    by apply: Rmult_lt_0_compat => //; exact: Rinv_0_lt_compat.
  have -> : / INR M * sine (cosines l) * (r * (INR M * (reading l / sine (cosines l)))) = r * reading l.
    by field; lra.
  by lra.
have mp : 0 <= INR M * (reading l / sine (cosines l)) by apply: Rmult_le_pos; lra.
rewrite -ns in lo *; set X := INR M * _ in up mp *; have le : r <= X + side; last by nra.
case: r0 => [r0|<-]; last lra.
by apply: (Rmult_le_reg_l r) => //; lra.
Qed.

(* ---------- how often a tilt is shut ----------------------------------------------------------------- *)
(* rim l: the cosine with the pulled query that near keys exceed *)
Definition rim (l : nat) : R :=
  (nears l - pulls l * mu) / sqrt (1 - 2 * pulls l * cosines l + pulls l * pulls l).
(* reaches l / m: a bound of radius l;  caps l / m': of the sine of rim l *)
Variables (m m' g k k' : nat) (reaches caps : nat -> nat).
Hypotheses (L0 : (0 < L)%nat) (m0 : (0 < m)%nat) (m'0 : (0 < m')%nat) (k0 : (0 < k)%nat) (k'0 : (0 < k')%nat)
  (g2 : (2 < g)%nat)
  (hfit : forall l, (l <= K)%nat -> (0 < reaches l)%nat /\
     INR m * ((INR M * radius l + side) / INR (reaches l)) + INR m * side <= INR M)
  (hcap : forall l, (l < K)%nat -> [/\ (0 < caps l)%nat, 0 <= pulls l, 0 <= rim l <= 1
     & INR m' * (INR M * sine (rim l) / INR (caps l)) + INR m' * side <= INR M])
  (hmu : INR m' * (INR M * sine mu / INR k') + INR m' * side <= INR M)
  (hq : (g * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat)
  (hk : (g * (expn (reaches K) #|J| * expn m' (2 * #|J|)
              + expn #|Tok| 2 * \sum_(l < K) expn (caps l) (2 * #|J|) * expn (reaches l) #|J|)
         <= (g - 2) * (expn k #|J| * expn m' (2 * #|J|)))%nat).

Lemma radius_ge0 l : (l <= K)%nat -> 0 <= radius l.
Proof.
case: l => [_|l lK]; first exact: sqrt_pos.
have [[C0 C1] _ _] := hcos lK; have Cs := @sine_sqr (cosines l) ltac:(lra).
have S0 : 0 < sine (cosines l) by apply: sqrt_lt_R0; nra.
have [[_ c21] _] := tilt_facts t0 l0 he mu0 hC htau hg hreach hc2.
have [_ e0] := reading_ge0 l.
by apply: Rdiv_le_r; rewrite /reading; lra.
Qed.

Lemma card_reach l : (l <= K)%nat -> (expn m #|J| * #|reach l| <= expn (reaches l) #|J| * #|ball J M|)%nat.
Proof.
move=> lK; have [r0 fits] := hfit lK; have p := radius_ge0 lK.
apply: (@scaling J _ M (reach l) (fun _ => INR (M + M)) _ m (reaches l) _ m0 r0 _ fits).
  by have := sqrt_pos (N J); have := pos_INR M; nra.
by move=> z; rewrite inE => /RlebP.
Qed.

(* Few symbols are near a query.
   Sketch.  With the query q and the key k, every key c of one of them has <q - p k, c> > near - p mu, if p >=
   0 is the pull; and q - p k has the square 1 - 2 p cos + p^2.  So c is in a cap around the pulled query. *)
Lemma card_near b l z a : (l < K)%nat -> a \in ball_symbols J Ch M L ->
  (expn m' #|J| * #|near_symbols b l z a| <= expn (caps l) #|J| * #|ball_symbols J Ch M L|)%nat.
Proof.
move=> lK; rewrite inE => ha; have [C01 _ _] := hcos lK; have [cap0 p0 rim01 fits] := hcap lK.
rewrite /near_symbols; case: RlebP => [_|/Rnot_le_lt n0]; first by rewrite cards0 muln0.
have k1 := lattice_key_unit M0 ha; set k_ := lattice_key a.1 in k1 n0 *.
have q1 := tilted_query_unit k1 C01 b n0; have qk := tilted_query_key (flat z) (cosines l) k1 b.
have [w0 q'1] := pulled_unit (pulls l) q1 k1 qk ltac:(case: C01 => *; nra).
move: rim01 fits q'1; rewrite /rim; set r := sqrt _ => rim01 fits; set q' := scale _ _ => q'1.
have r0 : 0 < r by exact: sqrt_lt_R0.
apply: leq_trans (card_cap Ch L M0 q'1 rim01 m'0 cap0 fits); rewrite leq_mul2l; apply/orP; right.
apply: subset_leq_card; apply/subsetP => c; rewrite !inE.
move=> /andP[/andP[-> /RlebP/Rnot_le_lt h1] /RlebP h2] /=.
apply/RlebP => h3; apply: (Rlt_irrefl ((nears l - pulls l * mu) / r)); apply: Rlt_le_trans h3.
rewrite /q' dot_scale dot_mix /Rdiv Rmult_comm; apply: Rmult_lt_compat_l; first exact: Rinv_0_lt_compat.
set x := dot (tilted_query _ _ _ _) _; set y := dot k_ _.
have {}h1 : nears l < x by []; have {}h2 := Rmult_le_compat_l _ _ _ p0 (h2 : y <= mu); lra.
Qed.

(* A tilt is shut in few coherent words, and by two different tokens: the two queries add up to 2 cos k_i, and
   no other key has a cosine above mu with k_i. *)
Lemma card_shut i z l : (l < K)%nat ->
  (expn m' (2 * #|J|) * #|[set x in good | shut l x i z]|
     <= expn #|Tok| 2 * (expn (caps l) (2 * #|J|) * #|ball_words Tok J Ch M L|))%nat.
Proof.
move=> lK; have [[C0 C1] Cnear _] := hcos lK; rewrite !mul2n -!addnn !expnD.
apply: (card_pairs (fun a => @card_near true l z a lK) (fun a => @card_near false l z a lK) (i := i)).
  by apply/subsetP => x; rewrite !inE => /andP[/andP[/forallP b _] _]; apply/forallP => o; rewrite inE.
move=> x; rewrite inE => /andP[Gx /andP[/existsP[j /andP[ji cj]] /existsP[j' /andP[j'i cj']]]].
exists j, j'; rewrite ji j'i cj cj' !andbT /=; apply/eqP => e; rewrite -e in cj'; move: cj cj'.
rewrite /near_symbols; case: ifP => [_|_]; first by rewrite inE.
rewrite !inE => /andP[/andP[_ /RlebP/Rnot_le_lt h1] _] /andP[/andP[_ /RlebP/Rnot_le_lt h2] _].
have := Rplus_lt_compat _ _ _ _ h1 h2; rewrite tilted_query_sum; set d := dot _ _.
have h : d <= mu by have [_ inc] := coherent_incoherent M0 Gx; apply: inc; rewrite eq_sym.
by have h3 := Rmult_le_compat_l _ _ _ C0 h; lra.
Qed.

(* The regions of a token are small, on average over all words.
   Sketch.  A region is inside the reach of the last tilt, or of one whose successor is shut; count words for
   each difference. *)
Lemma sum_region i : (expn m #|J| * (expn m' (2 * #|J|) * \sum_(x in good) #|region x i|)
  <= (expn (reaches K) #|J| * expn m' (2 * #|J|)
       + expn #|Tok| 2 * \sum_(l < K) expn (caps l) (2 * #|J|) * expn (reaches l) #|J|)
     * (#|ball J M| * #|ball_words Tok J Ch M L|))%nat.
Proof.
have hG : (#|good| <= #|ball_words Tok J Ch M L|)%nat.
  apply: subset_leq_card; apply/subsetP => x; rewrite !inE => /andP[/forallP h _].
  by apply/forallP => o; rewrite inE.
have le x : (#|region x i| <= #|reach K| + \sum_(l < K) #|[set z in reach l | shut l x i z]|)%nat.
  apply: (@leq_trans (\sum_(z in region x i)
      ((z \in reach K : nat) + \sum_(l < K) (z \in [set z in reach l | shut l x i z] : nat)))).
    rewrite -sum1_card; apply: leq_sum => z; rewrite inE => /andP[z0 /forallP h].
    have [|->|[l hl]] // := @chain_cases (fun l => z \in reach l) (fun l => shut l x i z) K z0.
      by move=> l lK; exact: (h (Ordinal lK)).
    by rewrite (bigD1 l) //= [z \in [set _ in _ | _]]inE hl addnCA.
  rewrite big_split /= exchange_big /=; apply: leq_add.
    by rewrite -sum1_card big_mkcond [X in (_ <= X)%nat]big_mkcond; apply: leq_sum => z _; do 2 case: ifP.
  apply: leq_sum => l _; rewrite -sum1_card big_mkcond [X in (_ <= X)%nat]big_mkcond /=.
  by apply: leq_sum => z _; case: ifP => //; case: (_ \in [set _ in _ | _]).
apply: (@leq_trans (expn m #|J| * (expn m' (2 * #|J|) * (#|ball_words Tok J Ch M L| * #|reach K|
    + \sum_(l < K) \sum_(z in reach l) #|[set x in good | shut l x i z]|)))).
  rewrite leq_mul2l leq_mul2l; apply/orP; right; apply/orP; right.
  apply: (@leq_trans (\sum_(x in good) (#|reach K| + \sum_(l < K) #|[set z in reach l | shut l x i z]|))).
    by apply: leq_sum => x _; exact: le.
  rewrite big_split /= sum_nat_const exchange_big /=; apply: leq_add; first by rewrite leq_mul2r hG orbT.
  by rewrite leq_eqVlt; apply/orP; left; apply/eqP; apply: eq_bigr => l _; exact: card_exchange.
rewrite mulnDl [(expn m' _ * (_ + _))%nat]mulnDr [(expn m #|J| * (_ + _))%nat]mulnDr; apply: leq_add.
  have e (a b c d : nat) : (a * (b * (c * d)) = (a * d) * (b * c))%nat.
    by rewrite mulnACA -mulnA [(d * c)%nat]mulnC.
  by rewrite e [X in (_ <= X)%nat]mulnACA; apply: leq_mul => //; exact: card_reach.
rewrite !big_distrr big_distrl /=; apply: leq_sum => l _.
apply: (@leq_trans (expn m #|J| * (#|reach l|
    * (expn #|Tok| 2 * (expn (caps l) (2 * #|J|) * #|ball_words Tok J Ch M L|))))).
  rewrite leq_mul2l big_distrr /= -sum_nat_const; apply/orP; right; apply: leq_sum => z _; exact: card_shut.
have e (t c r b w : nat) : (t * (c * r) * (b * w) = (r * b) * (t * (c * w)))%nat.
  by rewrite [(c * r)%nat]mulnC [(t * (r * c))%nat]mulnCA mulnACA -[(t * c * w)%nat]mulnA.
rewrite e mulnA; apply: leq_mul => //; apply: card_reach; exact: ltnW.
Qed.

(* allowed: coherent words whose regions are small, on average over the tokens *)
Definition allowed : {set Word} :=
  [set x in good | (expn m #|J| * (\sum_i #|region x i|) <= #|Tok| * (expn k #|J| * #|ball J M|))%nat].

(* One word in g is allowed.
   Sketch.  All but one in g are coherent; by Markov's inequality the regions are too large in at most g - 2
   in g. *)
Lemma some_allowed : (#|ball_words Tok J Ch M L| <= g * #|allowed|)%nat.
Proof.
have mu01 : 0 <= mu <= 1.
  by have [[_ c21] [mc _]] := tilt_facts t0 l0 he mu0 hC htau hg hreach hc2; lra.
have coh := most_coherent Ch L M0 mu01 m'0 k'0 hmu hq.
pose bad := good :\: allowed; pose P := (expn k #|J| * #|ball J M|)%nat.
have split : (#|good| = #|allowed| + #|bad|)%nat.
  rewrite -(cardsID allowed good) /bad; congr (_ + _)%nat; apply: eq_card => x.
  by rewrite !inE andbA andbb.
have T0 : (0 < #|Tok|)%nat by apply/card_gt0P; exists t0.
have P0 : (0 < P)%nat by rewrite muln_gt0 expn_gt0 k0 ball_gt0.
have D0 : (0 < expn m' (2 * #|J|))%nat by rewrite expn_gt0 m'0.
have markov : (#|bad| * (#|Tok| * P) <= expn m #|J| * (\sum_i \sum_(x in good) #|region x i|))%nat.
  rewrite exchange_big /= -[(#|bad| * _)%nat]sum_nat_const.
  apply: (@leq_trans (\sum_(x in bad) expn m #|J| * (\sum_i #|region x i|))).
    by apply: leq_sum => x; rewrite !inE negb_and => /andP[/orP[/negP//|]]; rewrite -ltnNge => /ltnW.
  rewrite -big_distrr leq_mul2l /=; apply/orP; right.
  rewrite big_mkcond [X in (_ <= X)%nat]big_mkcond; apply: leq_sum => x _; rewrite /bad in_setD.
  by case: (x \in good); rewrite ?andbF ?andbT //; case: ifP.
have few : (g * #|bad| <= (g - 2) * #|ball_words Tok J Ch M L|)%nat.
  have TP : (0 < #|Tok| * P * expn m' (2 * #|J|))%nat by rewrite muln_gt0 D0 muln_gt0 T0 P0.
  rewrite -(leq_pmul2r TP); move: markov sum_region hk D0; rewrite /P.
  set W := #|ball_words _ _ _ _ _|; set b := expn m' _; set Z := (expn (reaches K) _ * _ + _)%nat.
  set T := #|Tok|.
  set Sum := (\sum_i _)%nat => markov region hkZ b0.
  have sums : (expn m #|J| * (b * Sum) <= T * (Z * (#|ball J M| * W)))%nat.
    rewrite 2!big_distrr /= -sum_nat_const; apply: leq_sum => i _; exact: region.
  have := leq_mul hkZ (leqnn (T * (#|ball J M| * W))%nat); have := leq_mul (leqnn g) sums.
  have := leq_mul (leqnn (g * b)%nat) markov; move: (expn m _) (expn k _) #|ball J M| => a c d.
  have -> : (g * b * (#|bad| * (T * (c * d))) = g * #|bad| * (T * (c * d) * b))%nat by rewrite -!multE; ring.
  have -> : (g * b * (a * Sum) = g * (a * (b * Sum)))%nat by rewrite -!multE; ring.
  have -> : (g * (T * (Z * (d * W))) = g * Z * (T * (d * W)))%nat by rewrite -!multE; ring.
  have -> : ((g - 2) * (c * b) * (T * (d * W)) = (g - 2) * W * (T * (c * d) * b))%nat.
    by rewrite -!multE; ring.
  by move=> h1 h2 h3; exact: leq_trans h1 (leq_trans h2 h3).
have : (g * #|ball_words Tok J Ch M L| <= g * #|allowed| + (g - 2) * #|ball_words Tok J Ch M L|
    + #|ball_words Tok J Ch M L|)%nat.
  apply: leq_trans coh _; rewrite leq_add2r split mulnDr leq_add2l; exact: few.
rewrite -{1}(subnK (ltnW g2)) mulnDl mul2n -addnn addnA leq_add2r.
by rewrite addnC leq_add2r.
Qed.

(* The allowed words of a state are few.
   Sketch.  Under one labelling, the differences of the points of a token are 2^n times as many as the points,
   or more, and lie in its region; so by the inequality of the means an allowed word has at most (k^n ball /
   (2 m)^n)^T lists of points beside it. *)
Theorem allowed_size (a : S) : (#|[set x in allowed | st x == a]| * expn (expn (2 * m) #|J|) #|Tok|
  <= #|Tok|`! * expn (expn k #|J| * #|ball J M|) #|Tok|)%nat.
Proof.
set D := expn (expn (2 * m) #|J|) #|Tok|; set P := expn (expn k #|J| * #|ball J M|)%nat #|Tok|.
have sub : {subset allowed <= good} by move=> x; rewrite inE => /andP[].
have D0 : (0 < D)%nat by rewrite !expn_gt0 muln_gt0 m0.
have cnt : (#|[set x in allowed | st x == a]| <= #|Tok|`! * (P %/ D))%nat.
  apply: (state_count t0 o0 j0 M0 l0 he mu0 hC hmatch htau hg hreach hc2 hL mass_right value_right
    a sub).
  move=> x f hx inj; rewrite leq_divRL //; apply: (@leq_trans (\prod_i (expn m #|J| * #|region x i|))).
    rewrite /D -prod_nat_const -big_split; apply: leq_prod => i _ /=.
    rewrite mulnC [(2 * m)%nat]mulnC expnMn -mulnA leq_mul2l; apply/orP; right.
    apply: leq_trans (card_differences _) _; apply: subset_leq_card; apply/subsetP => z.
    by apply: differences_region => //; exact: sub.
  by apply: product_of_mean; rewrite -big_distrr; move: hx; rewrite inE => /andP[].
apply: leq_trans (leq_mul cnt (leqnn D)) _; rewrite -mulnA leq_mul2l.
by apply/orP; right; exact: leq_trunc_div.
Qed.

(* Theorem E with a chain of tilts: one word in g is allowed. *)
Theorem clique_tilts :
  N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g)
    <= log2 (N S).
Proof. by apply: lattice_bits some_allowed (words_of_states allowed_size) => //; exact: ltn_trans g2. Qed.
End Tilts.
