(* Maps that are their own mirror images: integer vectors that f_hat does not show are split into even and odd
   parts along both axes, and computation decides for each whether it must be constant if it is short. *)
From Coq Require Import ZArith Znumtheory QArith Qreals.
From LowerBound Require Export ShortVectors.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.
Notation "\rsum_ ( i : A | P ) F" :=
  (\big[Rplus/0]_(i : A | P) F) (at level 41, F at level 41, i at level 50).
(* ---------- parities ------------------------------------------------------------------------------------ *)
(* parity s: -1 for odd functions (s = true), 1 for even ones *)
Definition parity (s : bool) : Z := if s then (-1)%Z else 1%Z.
(* half s n p: p is a place of the first half of n, with the middle if functions are even *)
Definition half (s : bool) (n p : nat) : bool := (p < n - p.+1)%nat || (p == n - p.+1)%nat && ~~ s.
Definition fold_pair (s : bool) (n : nat) (c : nat -> Z) (p : nat) : Z :=
  if (p == n - p.+1)%nat then c p else (c p + parity s * c (n - p.+1)%nat)%Z.

Lemma opposite n p : (p < n)%nat -> (n - (n - p.+1).+1)%nat = p.
Proof. by move=> h; rewrite subnSK // subKn // ltnW. Qed.

(* an even or odd function is summed over one half *)
(* Sketch: Split into places before, on and behind the middle; the last part is the mirror image of the first
   one. *)
Lemma sum_half (s : bool) (n : nat) (c : nat -> Z) (g : nat -> R) :
  (forall p, (p < n)%nat -> g (n - p.+1)%nat = IZR (parity s) * g p) ->
  \rsum_(p : 'I_n) (IZR (c p) * g p) = \rsum_(p : 'I_n | half s n p) (IZR (fold_pair s n c p) * g p).
Proof.
move=> hg; rewrite (bigID (fun p : 'I_n => half false n p)) /=.
have -> : \rsum_(p : 'I_n | ~~ half false n p) (IZR (c p) * g p)
    = \rsum_(p : 'I_n | (p < n - p.+1)%nat) (IZR (parity s) * (IZR (c (n - p.+1)%nat) * g p)).
  rewrite (reindex_inj rev_ord_inj) /=; apply: eq_big => [p|p _].
    rewrite /half opposite ?ltn_ord // andbT negb_or -leqNgt eq_sym.
    by case: ltngtP.
  by rewrite hg ?ltn_ord //; ring.
have -> : \rsum_(p : 'I_n | half s n p) (IZR (fold_pair s n c p) * g p)
    = \rsum_(p : 'I_n | half false n p) (IZR (fold_pair s n c p) * g p).
  case: s hg => // hg; rewrite [RHS](bigID (fun p : 'I_n => p == n - p.+1 :> nat)%nat) /=.
  rewrite [X in _ = X + _]big1 ?Rplus_0_l => [|p /andP[_ /eqP e]]; last first.
    by have := hg p (ltn_ord p); rewrite -e /=; nra.
  by apply: eq_bigl => p; rewrite /half andbT andbF orbF; case: ltngtP.
rewrite [RHS](bigID (fun p : 'I_n => p < n - p.+1)%nat)
  [X in X + _](bigID (fun p : 'I_n => p < n - p.+1)%nat) /=.
have mid (f h : 'I_n -> R) : (forall p : 'I_n, (p == n - p.+1 :> nat)%nat -> f p = h p) ->
    \rsum_(p : 'I_n | half false n p && ~~ (p < n - p.+1)%nat) f p
      = \rsum_(p : 'I_n | half false n p && ~~ (p < n - p.+1)%nat) h p.
  by move=> fh; apply: eq_bigr => p; rewrite /half andbT => /andP[/orP[->|/fh]].
rewrite (mid _ (fun p => IZR (fold_pair s n c p) * g p)) => [|p e]; last by rewrite /fold_pair e.
have low (f : 'I_n -> R) : \rsum_(p : 'I_n | half false n p && (p < n - p.+1)%nat) f p
  = \rsum_(p : 'I_n | (p < n - p.+1)%nat) f p.
  by apply: eq_bigl => p; rewrite /half; case: (p < _)%nat; rewrite ?andbF.
rewrite !low; set rest := \rsum_(p | _ && _) _.
have -> : \rsum_(p : 'I_n | (p < n - p.+1)%nat) (IZR (fold_pair s n c p) * g p)
    = \rsum_(p : 'I_n | (p < n - p.+1)%nat) (IZR (c p) * g p)
      + \rsum_(p : 'I_n | (p < n - p.+1)%nat) (IZR (parity s) * (IZR (c (n - p.+1)%nat) * g p)).
  rewrite -big_split; apply: eq_bigr => p lt /=.
  by rewrite /fold_pair ltn_eqF // plus_IZR mult_IZR; ring.
have e (x y t : R) : x + t + y = x + y + t by ring.
exact: e.
Qed.

(* ---------- square pyramids that are their own mirror images -------------------------------------------- *)
Section Fold.
(* a k i p: the weight, times unit, of place p of scale k in cell i of m, on both axes *)
Variables (sides : seq nat) (n m : nat) (a : nat -> nat -> nat -> Z) (unit bound : Z).
Notation side k := (nth 0%nat sides k).
Variable z : nat -> nat -> nat -> Z.
Hypothesis mirror : forall k i p, (k < n)%nat -> (i < m)%nat -> (p < side k)%nat ->
  a k (m - i.+1) (side k - p.+1) = a k i p.
Hypothesis total : forall k i, (k < n)%nat -> (i < m)%nat -> \rsum_(p : 'I_(side k)) IZR (a k i p) = IZR unit.
Definition shown (z : nat -> nat -> nat -> Z) (i j : nat) : R :=
  \rsum_(k : 'I_n) \rsum_(p : 'I_(side k))
    (IZR (a k i p) * \rsum_(q : 'I_(side k)) (IZR (a k j q) * IZR (z k p q))).
Hypothesis unseen : forall i j, (i < m)%nat -> (j < m)%nat -> shown z i j = 0.
Hypothesis small : forall k p q, (Z.abs (z k p q) <= bound)%Z.

(* reflected along the first axis or the second one *)
Definition flip1 (z : nat -> nat -> nat -> Z) k p q : Z := z k (side k - p.+1)%nat q.
Definition flip2 (z : nat -> nat -> nat -> Z) k p q : Z := z k p (side k - q.+1)%nat.

Lemma shown_flip1 y i j : (i < m)%nat -> shown (flip1 y) i j = shown y (m - i.+1) j.
Proof.
move=> hi; apply: eq_bigr => k _; rewrite (reindex_inj rev_ord_inj) /=; apply: eq_bigr => p _.
rewrite -(mirror (ltn_ord k) hi) ?opposite ?ltn_ord //; last by rewrite ltn_subrL /=;
  case: (side k) p => [[]|].
by congr (_ * _); apply: eq_bigr => q _; rewrite /flip1 opposite ?ltn_ord.
Qed.

Lemma shown_flip2 y i j : (j < m)%nat -> shown (flip2 y) i j = shown y i (m - j.+1).
Proof.
move=> hj; apply: eq_bigr => k _; apply: eq_bigr => p _; congr (_ * _).
rewrite (reindex_inj rev_ord_inj) /=; apply: eq_bigr => q _.
rewrite -(mirror (ltn_ord k) hj) ?opposite ?ltn_ord //; last by rewrite ltn_subrL /=;
  case: (side k) q => [[]|].
by rewrite /flip2 opposite ?ltn_ord.
Qed.

Lemma shown_add x y c i j : shown (fun k p q => x k p q + c * y k p q)%Z i j
    = shown x i j + IZR c * shown y i j.
Proof.
rewrite /shown -rsum_distr -big_split; apply: eq_bigr => k _ /=.
rewrite -rsum_distr -big_split; apply: eq_bigr => p _ /=.
have e (u v w c' : R) : u * (v + c' * w) = u * v + c' * (u * w) by ring.
rewrite -e; congr (_ * _); rewrite -rsum_distr -big_split; apply: eq_bigr => q _ /=.
by rewrite plus_IZR mult_IZR; ring.
Qed.

(* the part of z of given parities, times 4 *)
Definition part (s t : bool) : nat -> nat -> nat -> Z :=
  let y k p q := (z k p q + parity s * flip1 z k p q)%Z in fun k p q =>
    (y k p q + parity t * flip2 y k p q)%Z.

Lemma part_unseen s t i j : (i < m)%nat -> (j < m)%nat -> shown (part s t) i j = 0.
Proof.
have rev_lt h : (h < m)%nat -> (m - h.+1 < m)%nat by move=> lt; rewrite ltn_subrL /= (leq_ltn_trans _ lt).
move=> hi hj; rewrite shown_add shown_flip2 // !shown_add !shown_flip1 //.
by rewrite !unseen ?rev_lt //; ring.
Qed.

Lemma part_flip1 s t k p q : (p < side k)%nat -> part s t k (side k - p.+1)%nat q
    = (parity s * part s t k p q)%Z.
Proof.
by move=> hp; rewrite /part /flip2 /flip1 opposite // /parity; case: s; case: t; lia.
Qed.

Lemma part_flip2 s t k p q : (q < side k)%nat -> part s t k p (side k - q.+1)%nat
    = (parity t * part s t k p q)%Z.
Proof.
by move=> hq; rewrite /part /flip2 /flip1 opposite // /parity; case: s; case: t; lia.
Qed.

Lemma parts_sum k p q : (part false false k p q + part false true k p q + part true false k p q
    + part true true k p q
  = 4 * z k p q)%Z.
Proof. by rewrite /part /flip1 /flip2 /parity; lia. Qed.

Lemma part_bound s t k p q : (Z.abs (part s t k p q) <= 4 * bound)%Z.
Proof.
rewrite /part /flip1 /flip2 /parity; have := @small k p q; have := @small k (side k - p.+1)%nat q.
have := @small k p (side k - q.+1)%nat; have := @small k (side k - p.+1)%nat (side k - q.+1)%nat.
by case: s; case: t; lia.
Qed.

Lemma part_half s t i j : (i < m)%nat -> (j < m)%nat ->
  \rsum_(k : 'I_n) \rsum_(p : 'I_(side k) | half s (side k) p) \rsum_(q : 'I_(side k) | half t (side k) q)
    (IZR (fold_pair s (side k) (a k i) p * fold_pair t (side k) (a k j) q) * IZR (part s t k p q)) = 0.
Proof.
move=> hi hj; rewrite -[RHS](part_unseen s t hi hj); apply: eq_bigr => k _.
rewrite (@sum_half s (side k) (a k i) (fun p =>
  \rsum_(q : 'I_(side k)) (IZR (a k j q) * IZR (part s t k p q)))).
  apply: eq_bigr => p _; rewrite (@sum_half t (side k) (a k j) (fun q => IZR (part s t k p q))) => [|q hq].
    by rewrite -rsum_distr; apply: eq_bigr => q _; rewrite mult_IZR; ring.
  by rewrite part_flip2 // mult_IZR.
move=> p hp; rewrite -rsum_distr; apply: eq_bigr => q _; rewrite part_flip1 // mult_IZR.
by ring.
Qed.

(* ---------- the equations as lists ---------------------------------------------------------------------- *)
Definition halves (s : bool) (k : nat) : seq nat := [seq p <- iota 0 (side k) | half s (side k) p].
Definition places (s t : bool) : seq (nat * nat * nat) :=
  flatten [seq flatten [seq [seq (k, p, q) | q <- halves t k] | p <- halves s k] | k <- iota 0 n].
Definition off_corner (x : nat * nat * nat) : bool := (0 < x.1.2 + x.2)%nat.
Definition weight (s t : bool) (i j : nat) (x : nat * nat * nat) : Z :=
  (fold_pair s (side x.1.1) (a x.1.1 i) x.1.2 * fold_pair t (side x.1.1) (a x.1.1 j) x.2)%Z.
(* even maps are known up to constants: their sum is one more unknown, and first places are subtracted *)
Definition equation (s t : bool) (i j : nat) : seq Z :=
  if s || t then [seq weight s t i j x | x <- places s t]
  else (unit * unit)%Z :: [seq weight s t i j x | x <- places s t & off_corner x].
Definition unknowns (s t : bool) : seq Z :=
  if s || t then [seq part s t x.1.1 x.1.2 x.2 | x <- places s t]
  else foldr Z.add 0%Z [seq part s t k 0 0 | k <- iota 0 n] ::
    [seq (part s t x.1.1 x.1.2 x.2 - part s t x.1.1 0 0)%Z | x <- places s t & off_corner x].
Definition bounds (s t : bool) : seq Z :=
  if s || t then [seq (4 * bound)%Z | x <- places s t]
  else (4 * bound * Z.of_nat n)%Z :: [seq (8 * bound)%Z | x <- places s t & off_corner x].
Definition equations (s t : bool) : seq (seq Z) :=
  let c := iota 0 (m./2) in flatten [seq [seq equation s t i j | j <- c] | i <- c].

Lemma sum_iota (P : pred nat) (G : nat -> R) k :
  \big[Rplus/0]_(p <- iota 0 k | P p) G p = \rsum_(p : 'I_k | P p) G p.
Proof. by rewrite -(big_mkord P G) /index_iota subn0. Qed.

Lemma sum_places s t (G : nat -> nat -> nat -> R) : \big[Rplus/0]_(x <- places s t) G x.1.1 x.1.2 x.2 =
  \rsum_(k : 'I_n) \rsum_(p : 'I_(side k) | half s (side k) p) \rsum_(q : 'I_(side k)
    | half t (side k) q) G k p q.
Proof.
rewrite /places big_flatten big_map sum_iota; apply: eq_bigr => k _.
rewrite big_flatten big_map /halves big_filter sum_iota; apply: eq_bigr => p _.
by rewrite big_map big_filter sum_iota.
Qed.

Lemma dot_maps (T : Type) (l : seq T) (f g : T -> Z) :
  IZR (integer_dot [seq f x | x <- l] [seq g x | x <- l]) = \big[Rplus/0]_(x <- l) IZR (f x * g x).
Proof. by elim: l => [|x l IH]; rewrite ?big_nil // big_cons -IH /= plus_IZR. Qed.

Lemma fold_total (k i : nat) : (k < n)%nat -> (i < m)%nat ->
  \rsum_(p : 'I_(side k) | half false (side k) p) IZR (fold_pair false (side k) (a k i) p) = IZR unit.
Proof.
move=> hk hi; rewrite -(total hk hi).
transitivity (\rsum_(p : 'I_(side k)) (IZR (a k i p) * 1)); last by apply: eq_bigr => p _; ring.
rewrite (@sum_half false (side k) (a k i) (fun _ => 1)) => [|p _]; last by rewrite /=; ring.
by apply: eq_bigr => p _; ring.
Qed.

(* Sketch: For even maps the first places are subtracted; their sum comes back with the weight unit^2, because
   weights add up. *)
Lemma equation_dot s t i j : (i < m)%nat -> (j < m)%nat ->
  integer_dot (equation s t i j) (unknowns s t) = 0%Z.
Proof.
move=> hi hj; apply: eq_IZR; have zero := part_half s t hi hj.
pose G k p q := IZR (fold_pair s (side k) (a k i) p * fold_pair t (side k) (a k j) q).
rewrite /equation /unknowns; case: (boolP (s || t)) => [_|].
  rewrite dot_maps -[RHS]zero -(sum_places s t (fun k p q => G k p q * IZR (part s t k p q))).
  by apply: eq_bigr => x _; rewrite mult_IZR.
case: s t zero @G => [] [] // zero G _; rewrite [integer_dot _ _]/= plus_IZR dot_maps.
set y := part false false in zero *.
have -> : \big[Rplus/0]_(x <- [seq x <- places false false | off_corner x])
      IZR (weight false false i j x * (y x.1.1 x.1.2 x.2 - y x.1.1 0%N 0%N)%Z)
    = \big[Rplus/0]_(x <- places false false)
      (G x.1.1 x.1.2 x.2 * (IZR (y x.1.1 x.1.2 x.2) - IZR (y x.1.1 0%N 0%N))).
  rewrite big_filter big_mkcond; apply: eq_bigr => -[[k p] q] _; rewrite /off_corner /=.
  case: ltnP => [_|]; first by rewrite mult_IZR minus_IZR.
  by rewrite leqn0 addn_eq0 => /andP[/eqP -> /eqP ->]; rewrite /Rminus Rplus_opp_r Rmult_0_r.
rewrite (sum_places false false (fun k p q => G k p q * (IZR (y k p q) - IZR (y k 0%N 0%N)))).
have -> : IZR (unit * unit * foldr Z.add 0%Z [seq y k 0%N 0%N | k <- iota 0 n])
    = \rsum_(k : 'I_n) (IZR unit * IZR unit * IZR (y k 0%N 0%N)).
  rewrite rsum_distr !mult_IZR -(sum_iota xpredT (fun k => IZR (y k 0%N 0%N))); congr (_ * _).
  by elim: (iota 0 n) => [|k l IH]; rewrite ?big_nil // big_cons -IH /= plus_IZR.
rewrite -[RHS]zero -big_split; apply: eq_bigr => k _ /=.
have -> : IZR unit * IZR unit * IZR (y k 0%N 0%N) = \rsum_(p : 'I_(side k) | half false (side k) p)
    \rsum_(q : 'I_(side k) | half false (side k) q) (G k p q * IZR (y k 0%N 0%N)).
  rewrite -{1}(fold_total (ltn_ord k) hi) Rmult_comm -Rmult_assoc -rsum_distr.
  rewrite Rmult_comm -rsum_distr; apply: eq_bigr => p _.
  rewrite -(fold_total (ltn_ord k) hj) [LHS]Rmult_comm -rsum_distr; apply: eq_bigr => q _.
  by rewrite /G mult_IZR; ring.
rewrite -big_split; apply: eq_bigr => p _ /=; rewrite -big_split; apply: eq_bigr => q _ /=.
by rewrite -/(G k p q); ring.
Qed.

Lemma bounded_maps (T : Type) (l : seq T) (f g : T -> Z) : (forall x, (Z.abs (f x) <= g x)%Z) ->
  bounded [seq g x | x <- l] [seq f x | x <- l].
Proof. by move=> h; elim: l => //= x l ->; rewrite andbT; apply/Z.leb_le. Qed.

Lemma unknowns_bounded s t : bounded (bounds s t) (unknowns s t).
Proof.
rewrite /bounds /unknowns; case: (s || t); first by apply: bounded_maps => x; exact: part_bound.
apply/andP; split; last first.
  apply: bounded_maps => x; have := @part_bound s t x.1.1 x.1.2 x.2; have := @part_bound s t x.1.1 0 0; lia.
apply/Z.leb_le; rewrite -[n in Z.of_nat n](size_iota 0 n); elim: (iota 0 n) => [|k l IH]; first by rewrite /=;
  lia.
have := @part_bound s t k 0 0; move: IH; rewrite [size (k :: l)]/= Nat2Z.inj_succ Z.mul_succ_r.
rewrite [foldr _ _ [seq _ | _ <- k :: l]]/=.
by set u := foldr _ _ _; set v := part _ _ _ _ _; set w := (_ * Z.of_nat _)%Z; lia.
Qed.

Lemma mem_places s t k p q : (k < n)%nat -> (p < side k)%nat -> (q < side k)%nat ->
  half s (side k) p -> half t (side k) q -> (k, p, q) \in places s t.
Proof.
move=> hk hp hq sp tq; apply/flatten_mapP; exists k; first by rewrite mem_iota.
apply/flatten_mapP; exists p; first by rewrite mem_filter sp mem_iota.
by apply: map_f; rewrite mem_filter tq mem_iota.
Qed.

(* what holds on half of the places holds everywhere *)
(* Sketch: A place outside its half has a mirror image inside, or is the middle one of an odd map. *)
Lemma whole_part s t k (v : Z) : (k < n)%nat -> (s || t -> v = 0%Z) ->
  (forall p q, (p < side k)%nat -> (q < side k)%nat -> half s (side k) p -> half t (side k) q ->
    part s t k p q = v) ->
  forall p q, (p < side k)%nat -> (q < side k)%nat -> part s t k p q = v.
Proof.
move=> hk v0 hv.
have cases (u : bool) r : (r < side k)%nat -> ~~ half u (side k) r ->
    half u (side k) (side k - r.+1) \/ u /\ r = (side k - r.+1)%nat.
  move=> hr; rewrite /half negb_or -leqNgt => /andP[le nm]; rewrite opposite //.
  move: le nm; rewrite leq_eqVlt => /orP[/eqP e|lt] nm; last by left; rewrite lt.
  by right; move: nm; rewrite e eqxx /= negbK.
have back r : (r < side k)%nat -> (side k - r.+1 < side k)%nat by move=> h;
  rewrite ltn_subrL /= (leq_ltn_trans _ h).
have first_ p q : (p < side k)%nat -> (q < side k)%nat -> half t (side k) q -> part s t k p q = v.
  move=> hp hq tq; case: (boolP (half s (side k) p)) => [sp|/(cases _ _ hp)[sp|[s1 e]]]; first exact: hv.
    have := part_flip1 s t q hp; rewrite (hv _ q (back _ hp) hq sp tq).
    by case: (s) v0 => [h|_]; rewrite /parity; [rewrite h //; lia|lia].
  have := part_flip1 s t q hp; rewrite -e s1 /parity v0 ?s1 //; lia.
move=> p q hp hq; case: (boolP (half t (side k) q)) => [tq|/(cases _ _ hq)[tq|[t1 e]]]; first exact: first_.
  have := part_flip2 s t p hq; rewrite (first_ p _ hp (back _ hq) tq).
  by case: (t) v0 => [h|_]; rewrite /parity; [rewrite h ?orbT //; lia|lia].
by have := part_flip2 s t p hq; rewrite -e t1 /parity v0 ?t1 ?orbT //; lia.
Qed.
End Fold.

(* ---------- short vectors that f_hat does not show are constant ----------------------------------------- *)
Section Unseen.
Variables (sides : seq nat) (n m : nat) (a : nat -> nat -> nat -> Z) (unit bound p d : Z).
Variable tests : bool -> bool -> seq (seq Z).
Notation side k := (nth 0%nat sides k).
(* fold_checks: the weights are mirror images of each other, those of a cell add up to unit, and for even and
   odd maps nothing but constants is left *)
Definition mirrored : bool := all (fun k => all (fun i => all (fun q =>
  a k (m - i.+1)%nat (side k - q.+1)%nat =? a k i q)%Z (iota 0 (side k))) (iota 0 m)) (iota 0 n).
Definition adds_up : bool :=
  all (fun k => all (fun i => foldr Z.add 0 [seq a k i q | q <- iota 0 (side k)] =? unit)%Z (iota 0 m))
    (iota 0 n).
Definition parity_checks (s t : bool) : bool :=
  only_zero p d (bounds sides n bound s t) (equations sides n m a unit s t) (tests s t).
Hypotheses (mir : mirrored) (add : adds_up) (par : forall s t, parity_checks s t).

(* Sketch: Four times z is the sum of its four parts; three of them are 0, and the even one is constant on
   every map. *)
Theorem unseen_constant (z : nat -> nat -> nat -> Z) :
  (forall i j, (i < m)%nat -> (j < m)%nat -> shown sides n a z i j = 0) ->
  (forall k q r, (Z.abs (z k q r) <= bound)%Z) ->
  forall k, (k < n)%nat -> exists v, forall q r, (q < side k)%nat -> (r < side k)%nat -> z k q r = v.
Proof.
move=> hz hb k hk.
have mirror k' i q : (k' < n)%nat -> (i < m)%nat -> (q < side k')%nat ->
    a k' (m - i.+1)%nat (side k' - q.+1)%nat = a k' i q.
  move=> h1 h2 h3; move: mir => /allP/(_ k'); rewrite mem_iota h1 => /(_ isT)/allP/(_ i).
  by rewrite mem_iota h2 => /(_ isT)/allP/(_ q); rewrite mem_iota h3 => /(_ isT)/Z.eqb_eq.
have total k' i : (k' < n)%nat -> (i < m)%nat -> \rsum_(q : 'I_(side k')) IZR (a k' i q) = IZR unit.
  move=> h1 h2; move: add => /allP/(_ k'); rewrite mem_iota h1 => /(_ isT)/allP/(_ i).
  rewrite mem_iota h2 => /(_ isT)/Z.eqb_eq <-; rewrite -(sum_iota xpredT (fun q => IZR (a k' i q))).
  by elim: (iota 0 _) => [|q l IH]; rewrite ?big_nil // big_cons IH /= plus_IZR.
have small q r s : (Z.abs (z q r s) <= bound)%Z by exact: hb.
have zero s t : forall x : Z, x \in unknowns sides n z s t -> x = 0%Z.
  apply: (only_zeroP (par s t)); first exact: unknowns_bounded.
  move=> _ /flatten_mapP[i hi /mapP[j hj ->]]; rewrite !mem_iota in hi hj.
  have lt h : (0 <= h < 0 + m./2)%nat -> (h < m)%nat.
    by move=> /andP[_ h1]; apply: leq_trans h1 _; rewrite add0n -divn2 leq_div.
  by apply: (equation_dot mirror total hz); exact: lt.
have odd_zero s t : s || t -> forall q r, (q < side k)%nat -> (r < side k)%nat ->
  part sides z s t k q r = 0%Z.
  move=> st; apply: whole_part => // q r hq hr sq tr; apply: (zero s t); rewrite /unknowns st.
  by apply/mapP; exists (k, q, r) => //; exact: mem_places.
have even q r : (q < side k)%nat -> (r < side k)%nat -> part sides z false false k q r
  = part sides z false false k 0 0.
  apply: whole_part => // {}q {}r hq hr sq tr.
  have [c|c] := boolP (off_corner (k, q, r)).
    apply: Zminus_eq; apply: (zero false false); rewrite /unknowns inE; apply/orP; right.
    by apply/mapP; exists (k, q, r) => //; rewrite mem_filter c; exact: mem_places.
  by move: c; rewrite /off_corner /= -leqNgt leqn0 addn_eq0 => /andP[/eqP -> /eqP ->].
exists (z k 0 0)%nat => q r hq hr.
have p0 : (0 < side k)%nat by exact: leq_ltn_trans hq.
have := parts_sum sides z k q r; have := parts_sum sides z k 0 0.
by rewrite !(odd_zero true) // !(odd_zero false true) // (even q r) //; lia.
Qed.
End Unseen.
