(* Short integer vectors that f_hat does not show, by computation.  Rational combinations of the equations
   that are nearly integral give more equations for short vectors; elimination modulo a number shows that
   nothing is left. *)
From Coq Require Import ZArith Znumtheory QArith Qreals.
From LowerBound Require Export Fibres IntegerKeys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Lemma Z_eqP : Equality.axiom Z.eqb. Proof. by move=> x y; apply: (iffP idP) => /Z.eqb_eq. Qed.
Canonical Z_eqType := EqType Z (EqMixin Z_eqP).

(* ---------- elimination --------------------------------------------------------------------------------- *)
(* cross p a b x y: the row a x - b y modulo p *)
Definition cross (p a b : Z) (x y : seq Z) : seq Z := [seq ((a * u.1 - b * u.2) mod p)%Z | u <- zip x y].
(* eliminates p m rows: the rows, of m entries each, leave no vector but 0 modulo p *)
Fixpoint eliminates (p : Z) (m : nat) (rows : seq (seq Z)) : bool :=
  if m is m'.+1 then
    let k := find (fun r => Z.gcd (head 0%Z r) p =? 1)%Z rows in
    let pivot := nth [::] rows k in
    [&& (k < size rows)%nat, all (fun r => size r == m) rows &
        eliminates p m' [seq cross p (head 0%Z pivot) (head 0%Z r) (behead r) (behead pivot) | r <- rows]]
  else true.

Lemma dot_cross p a b x y v : p <> 0%Z -> size x = size y ->
  exists t, (integer_dot (cross p a b x y) v = a * integer_dot x v - b * integer_dot y v + p * t)%Z.
Proof.
move=> p0; elim: x y v => [|x0 x IH] [|y0 y] [|v0 v] //= hs.
- by exists 0%Z; ring.
- by exists 0%Z; ring.
- by exists 0%Z; ring.
have [t ht] := IH y v (eq_add_S _ _ hs); rewrite -/(cross p a b x y) ht Z.mod_eq //;
  exists (t - (a * x0 - b * y0) / p * v0)%Z.
by move: (_ / p)%Z => d; ring.
Qed.

(* Sketch: The rows without their first column leave 0 in all other places, by induction; then the pivot
   leaves 0 in the first one. *)
Lemma eliminatesP (p : Z) (m : nat) (rows : seq (seq Z)) (v : seq Z) : p <> 0%Z -> eliminates p m rows ->
    size v = m ->
  (forall r : seq Z, r \in rows -> (p | integer_dot r v)%Z) -> forall x : Z, x \in v -> (p | x)%Z.
Proof.
move=> p0; elim: m rows v => [|m IH] rows v; first by move=> _ /size0nil ->.
case: v => [|x v] // /and3P[hk /allP sizes next] [size_v] hr.
set k := find _ _ in hk next *; set pivot := nth [::] rows k in next *.
have hp : pivot \in rows by exact: mem_nth.
have unit_head : (Z.gcd (head 0%Z pivot) p =? 1)%Z.
  by have := @nth_find _ [::] (fun r => Z.gcd (head 0%Z r) p =? 1)%Z rows; rewrite has_find; exact.
have split_dot (r : seq Z) : r \in rows ->
  integer_dot r (x :: v) = (head 0 r * x + integer_dot (behead r) v)%Z.
  by move=> /sizes; case: r.
have rest (y : Z) : y \in v -> (p | y)%Z.
  apply: (IH _ _ next size_v) => _ /mapP[r hr' ->].
  have [t ->] : exists t, (integer_dot (cross p (head 0 pivot) (head 0 r) (behead r) (behead pivot)) v
      = head 0 pivot * integer_dot (behead r) v - head 0 r * integer_dot (behead pivot) v + p * t)%Z.
    by apply: dot_cross => //; rewrite !size_behead (eqP (sizes _ hr')) (eqP (sizes _ hp)).
  have := hr _ hr'; have := hr _ hp; rewrite !split_dot // => -[c hc] [d hd].
  exists (head 0 pivot * d - head 0 r * c + t)%Z.
  have sub (a b c' : Z) : (a + b = c' -> b = c' - a)%Z by lia.
  rewrite (sub _ _ _ hc) (sub _ _ _ hd).
  by ring.
move=> y; rewrite inE => /orP[/eqP ->|]; last exact: rest.
have dv (l : seq Z) : (forall r : Z, r \in v -> (p | r)%Z) -> (p | integer_dot l v)%Z.
  elim: {rest hr split_dot size_v} v l => [|y0 v' IHv] [|l0 l] hv /=; try exact: Z.divide_0_r.
  apply: Z.divide_add_r; first by apply: Z.divide_mul_r; apply: hv; rewrite inE eqxx.
  by apply: IHv => r hr; apply: hv; rewrite inE hr orbT.
have := hr _ hp; rewrite split_dot // => hx.
apply: (Gauss _ (head 0%Z pivot)); last by apply/Zgcd_1_rel_prime; rewrite Z.gcd_comm; exact/Z.eqb_eq.
have := Z.divide_sub_r _ _ _ hx (dv (behead pivot) rest).
by have -> : (head 0 pivot * x + integer_dot (behead pivot) v - integer_dot (behead pivot) v
  = head 0 pivot * x)%Z by lia.
Qed.

(* ---------- more equations for short vectors ------------------------------------------------------------ *)
(* blend m n rows: the combination of the rows with the coefficients n *)
Definition blend (m : nat) (n : seq Z) (rows : seq (seq Z)) : seq Z :=
  foldr (fun nr s => [seq (nr.1 * u.1 + u.2)%Z | u <- zip nr.2 s]) (nseq m 0%Z) (zip n rows).
(* nearest d r: minus the integers nearest to r / d;  left_over d bound r: what is left, as a sum of bounds *)
Definition nearest (d : Z) (r : seq Z) : seq Z := [seq (- ((x + d / 2) / d))%Z | x <- r].
Fixpoint left_over (d : Z) (bound r : seq Z) : Z :=
  match bound, r with
  | b :: bound', x :: r' => (Z.abs (x - (x + d / 2) / d * d) * b + left_over d bound' r')%Z
  | _, _ => 0%Z
  end.
Fixpoint bounded (bound v : seq Z) : bool :=
  match bound, v with
  | b :: bound', x :: v' => (Z.abs x <=? b)%Z && bounded bound' v'
  | [::], [::] => true
  | _, _ => false
  end.

Lemma blend_dot (m : nat) (n : seq Z) (rows : seq (seq Z)) (v : seq Z) : (forall r : seq Z, r \in rows ->
    size r = m /\ integer_dot r v = 0%Z) ->
  size (blend m n rows) = m /\ integer_dot (blend m n rows) v = 0%Z.
Proof.
have zero k u : integer_dot (nseq k 0%Z) u = 0%Z by elim: k u => [|k IH] [|x u] //=; rewrite IH.
elim: rows n => [|r rows IH] n hr.
  by have -> : blend m n [::] = nseq m 0%Z; [case: n|rewrite size_nseq zero].
case: n => [|n0 n]; first by rewrite /blend /= size_nseq zero.
have [|hs hd] := IH n; first by move=> r' h; apply: hr; rewrite inE h orbT.
have [hs0 hd0] := hr r (mem_head _ _); rewrite /blend /= -/(blend m n rows); split.
  by rewrite size_map size_zip hs hs0 minnn.
have e x y : size x = size y -> integer_dot [seq (n0 * u.1 + u.2)%Z | u <- zip x y] v
    = (n0 * integer_dot x v + integer_dot y v)%Z.
  elim: x y v {hr IH hs hd hs0 hd0} => [|x0 x IH] [|y0 y] [|v0 v] //= h; try by rewrite Z.mul_0_r.
  by rewrite (IH y v (eq_add_S _ _ h)); ring.
by rewrite e ?hs ?hs0 // hd hd0; lia.
Qed.

Lemma nearest_dot d bound r v : (0 < d)%Z -> bounded bound v -> size r = size v ->
  (Z.abs (integer_dot r v + d * integer_dot (nearest d r) v) <= left_over d bound r)%Z.
Proof.
move=> d0; elim: bound r v => [|b bound IH] [|x r] [|y v] //=; first by rewrite Z.mul_0_r.
move=> /andP[/Z.leb_le hb h] hs.
have := IH r v h (eq_add_S _ _ hs).
set q := ((x + d / 2) / d)%Z; set s := integer_dot r v; set t := integer_dot (nearest d r) v => le.
have -> : (x * y + s + d * (- q * y + t) = (x - q * d) * y + (s + d * t))%Z by ring.
have := Z.abs_triangle ((x - q * d) * y) (s + d * t); rewrite Z.abs_mul.
by have := Z.abs_nonneg (x - q * d); nia.
Qed.

(* only_zero p d bound rows tests: no vector within the bounds solves the equations but 0 *)
Definition only_zero (p d : Z) (bound : seq Z) (rows tests : seq (seq Z)) : bool :=
  let m := size bound in let more := [seq blend m n rows | n <- tests] in
  [&& (0 <? d)%Z, all (fun r => size r == m) rows, all (fun r => left_over d bound r <? d)%Z more,
      all (fun b => b <? p)%Z bound & eliminates p m (rows ++ [seq nearest d r | r <- more])].

(* Sketch: The blends are 0 up to their remainders, so that their integer parts are less than 1 on bounded
   vectors, and thus 0. Elimination shows that p divides every entry, and bounds are less than p. *)
Theorem only_zeroP (p d : Z) (bound : seq Z) (rows tests : seq (seq Z)) (v : seq Z) :
    only_zero p d bound rows tests -> bounded bound v ->
  (forall r : seq Z, r \in rows -> integer_dot r v = 0%Z) -> forall x : Z, x \in v -> x = 0%Z.
Proof.
move=> /and5P[/Z.ltb_lt d0 /allP sizes /allP small /allP below el] hb hr.
have size_v : size v = size bound by elim: bound v hb {sizes small below el hr} =>
  [|b l IH] [|x v] //= /andP[_ /IH ->].
have p0 : forall b : Z, b \in bound -> (b < p)%Z by move=> b /below/Z.ltb_lt.
case: bound => [|b0 bound] in hb size_v sizes small below el p0 *; first by case: v size_v {hb hr}.
have pp : p <> 0%Z.
  case: v hb {hr size_v} => [|x v] //= /andP[/Z.leb_le h _]; have := p0 _ (mem_head _ _).
  by have := Z.abs_nonneg x; lia.
have div (x : Z) : x \in v -> (p | x)%Z.
  apply: (eliminatesP pp el size_v) => r; rewrite mem_cat => /orP[/hr ->|]; first exact: Z.divide_0_r.
  move=> /mapP[_ /mapP[n hn ->] ->]; set m := size (b0 :: bound) in sizes small el *.
  have [size_n dot_n] := @blend_dot m n rows v (fun r h => conj (eqP (sizes r h)) (hr r h)).
  have := nearest_dot d0 hb (_ : size (blend m n rows) = size v); rewrite size_n size_v => /(_ erefl).
  have /Z.ltb_lt := small _ (map_f (fun n => blend m n rows) hn); rewrite dot_n Z.add_0_l Z.abs_mul => h1 h2.
  have -> : integer_dot (nearest d (blend m n rows)) v = 0%Z; last exact: Z.divide_0_r.
  by move: h1 h2; set t := integer_dot _ _; set l := left_over _ _ _ => h1 h2; nia.
move=> x hx; have [c hc] := div x hx.
have : exists2 b : Z, b \in b0 :: bound & (Z.abs x <= b)%Z.
  elim: (b0 :: bound) v hb hx {size_v sizes small below el p0 hr div} =>
    [|b l IH] [|y v] //= /andP[/Z.leb_le hy hb].
  rewrite inE => /orP[/eqP ->|/(IH _ hb) [b' hb' le]]; first by exists b; rewrite ?mem_head.
  by exists b'; rewrite // inE hb' orbT.
case=> b /p0 bp xb; rewrite hc Z.abs_mul in xb; have := Z.abs_nonneg c; have := Z.abs_nonneg p.
by case: (Z.eq_dec c 0) hc => [->|cn] // hc; nia.
Qed.
