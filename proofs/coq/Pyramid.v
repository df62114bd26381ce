(* Theorem R2 for pyramids of maps.  What the ids of one scale write into the rows of a later one is a
   Kronecker product of one matrix for each axis, and so are left inverses: all that is left to check are
   identities of one axis. *)
From LowerBound Require Export PublicWeights.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Notation "\rsum_ ( i < n ) F" := (\big[Rplus/0]_(i < n) F) (at level 41, F at level 41, i, n at level 50).

Lemma rsum_pair_mul (T U : finType) (f : T -> R) (g : U -> R) :
  \rsum_(p : T * U) (f p.1 * g p.2) = (\rsum_x f x) * (\rsum_y g y).
Proof.
rewrite -(pair_bigA _ (fun x y => f x * g y)) /= Rmult_comm -rsum_distr; apply: eq_bigr => x _.
by rewrite rsum_distr Rmult_comm.
Qed.

Section Pyramid.
(* true and false are the two axes.  Scales 0, ..., n are cached, scale n + 1 is the last one.
   side x k: lines of the map of scale k;  kept x k: lines of scale k < n with ids that are kept;
   pass x k j i p: the weight with which line p of the ids of scale j enters line i of scale k;
   line x k i: the i-th line, of count x k, of scale k + 1 that is read;
   inverse x k p i: entry i of row p of a left inverse of these lines, with row sums of at most kappa x k;
   F k: the largest content of scale k + 1 *)
Variables (n : nat) (side kept count : bool -> nat -> nat) (pass : bool -> nat -> nat -> nat -> nat -> R).
Variables (line : bool -> nat -> nat -> nat) (inverse : bool -> nat -> nat -> nat -> R)
  (kappa : bool -> nat -> R).
Variable F : nat -> R.
Definition scale_id : finType := [finType of {k : 'I_n & ('I_(kept true k) * 'I_(kept false k))%type}].
Definition scale_cached : finType := [finType of {k : 'I_n.+1 & ('I_(side true k) * 'I_(side false k))%type}].
Definition scale_last : finType := [finType of ('I_(side true n.+1) * 'I_(side false n.+1))%type].
Definition scale_read : finType := [finType of {k : 'I_n & ('I_(count true k) * 'I_(count false k))%type}].
Definition n_rows : nat := (\sum_(k < n.+2) side true k * side false k)%nat.

(* scale_weight: ids enter the rows of later scales *)
Definition scale_entry (k x y : nat) (i : scale_id) : R :=
  if (tag i < k)%nat then pass true k (tag i) x (tagged i).1 * pass false k (tag i) y (tagged i).2 else 0.
Definition scale_weight (s : scale_cached + scale_last) (i : scale_id) : R :=
  match s with inl t => scale_entry (tag t) (tagged t).1 (tagged t).2 i
  | inr o => scale_entry n.+1 o.1 o.2 i end.
Definition scale_inverse (i : scale_id) (r : scale_read) : R :=
  if (tag i == tag r :> nat) then
    inverse true (tag i) (tagged i).1 (tagged r).1 * inverse false (tag i) (tagged i).2 (tagged r).2 else 0.

Hypothesis line_lt : forall x (k : 'I_n) (i : 'I_(count x k)), (line x k i < side x k.+1)%nat.
Hypothesis line_inj : forall x (k : 'I_n) (i j : 'I_(count x k)), line x k i = line x k j -> i = j.
Definition scale_row (r : scale_read) : scale_cached :=
  Tagged (fun k : 'I_n.+1 => ('I_(side true k) * 'I_(side false k))%type)
    ((Ordinal (line_lt (tagged r).1), Ordinal (line_lt (tagged r).2)) :
      ('I_(side true (lift ord0 (tag r))) * 'I_(side false (lift ord0 (tag r))))%type).

Lemma scale_row_inj : injective scale_row.
Proof.
move=> [k [i j]] [k' [i' j']] e.
have e1 : k = k' by apply: val_inj; have := congr1 (fun t : scale_cached => val (tag t)) e => /= -[].
subst k'; have e2 : i = i'.
  by apply: (@line_inj true k); have := congr1 (fun t : scale_cached => nat_of_ord (tagged t).1) e.
have e3 : j = j'.
  by apply: (@line_inj false k); have := congr1 (fun t : scale_cached => nat_of_ord (tagged t).2) e.
by rewrite e2 e3.
Qed.

Lemma scale_rows : N scale_cached + N scale_last = INR n_rows.
Proof.
rewrite -N_sum /N card_sum card_tagged /scale_last card_prod !card_ord; congr INR.
rewrite /n_rows big_ord_recr /= sumnE big_map big_enum /=; congr (_ + _)%nat.
by apply: eq_bigr => k _; rewrite card_prod !card_ord.
Qed.

Lemma scale_ids : N scale_id = INR (\sum_(k < n) kept true k * kept false k).
Proof.
rewrite /N card_tagged; congr INR; rewrite sumnE big_map big_enum /=.
by apply: eq_bigr => k _; rewrite card_prod !card_ord.
Qed.

Hypothesis inverts : forall x (k : 'I_n) (p q : 'I_(kept x k)),
  \rsum_(i < count x k) (inverse x k p i * pass x k.+1 k (line x k i) q) = ind (p == q).
Hypothesis row_sums : forall x (k : 'I_n) (p : 'I_(kept x k)),
  \rsum_(i < count x k) Rabs (inverse x k p i) <= kappa x k.
Hypothesis F0 : forall k : 'I_n, 0 < F k.
Hypothesis contents : forall (k : 'I_n) (x : 'I_(side true k.+1)) (y : 'I_(side false k.+1)),
  \rsum_(j < k.+1) ((\rsum_(p < kept true j) Rabs (pass true k.+1 j x p)) *
                    (\rsum_(q < kept false j) Rabs (pass false k.+1 j y q))) <= F k.

Lemma sum_scales (T U : nat -> nat) (f : forall k : 'I_n, ('I_(T k) * 'I_(U k))%type -> R) :
  \rsum_(r : {k : 'I_n & ('I_(T k) * 'I_(U k))%type}) f (tag r) (tagged r)
    = \rsum_(k < n) \rsum_(ij : 'I_(T k) * 'I_(U k)) f k ij.
Proof.
by rewrite (sig_big_dep (fun _ => true) (fun _ _ => true) (fun k ij => f k ij)).
Qed.

(* Sketch: Only rows of scale k + 1 count; there, ids of later scales have weight 0, and the sum over a map is
   the product of the sums over its axes. *)
Lemma scale_inverts (i i' : scale_id) : (tag i <= tag i')%nat ->
  \rsum_r (scale_inverse i r * scale_weight (inl (scale_row r)) i') = ind (i == i').
Proof.
case: i i' => [k [p q]] [k' [p' q']] /= hk.
rewrite (sum_scales (fun (j : 'I_n) ij =>
  (if (k == j :> nat) then inverse true k p ij.1 * inverse false k q ij.2 else 0) *
  (if (k' < j.+1)%nat then pass true j.+1 k' (line true j ij.1) p' * pass false j.+1 k'
    (line false j ij.2) q' else 0))).
rewrite (bigD1 k) //= [X in _ + X]big1 => [|j ne]; last first.
  by rewrite big1 // => ij _; rewrite val_eqE eq_sym (negbTE ne) Rmult_0_l.
rewrite eqxx Rplus_0_r; case: (ltngtP k k') hk => // [lt|/val_inj e] _.
  rewrite big1 => [|ij _]; last by rewrite ltnNge lt Rmult_0_r.
  by case: eqP => // e; have := congr1 (fun i : scale_id => val (tag i)) e => /= h; rewrite h ltnn in lt.
subst k'; rewrite ltnSn.
transitivity (ind (p == p') * ind (q == q')).
  rewrite -!inverts -rsum_pair_mul; apply: eq_bigr => ij _ /=.
  have e (a b c d : R) : a * b * (c * d) = a * c * (b * d) by ring.
  exact: e.
case: (eqVneq p p') => [->|ne].
  case: (eqVneq q q') => [->|ne]; first by rewrite !eqxx /=; ring.
  rewrite Rmult_0_r; case: eqP => // e; have := congr1 (fun i : scale_id => val (tagged i).2) e =>
    /= /val_inj h.
  by rewrite h eqxx in ne.
rewrite Rmult_0_l; case: eqP => // e; have := congr1 (fun i : scale_id => val (tagged i).1) e =>
  /= /val_inj h.
by rewrite h eqxx in ne.
Qed.

(* content_bound: F k for rows of scale k + 1, and any bound for rows that are not read *)
Definition content_bound (s : scale_cached + scale_last) : R :=
  match s with
  | inl t => if (tag t : nat) is k.+1 then F k else 1
  | inr o => 1 + \rsum_i Rabs (scale_weight (inr o) i)
  end.

Lemma content_bound_gt0 s : 0 < content_bound s.
Proof.
case: s => [[[[|k] hk] ij]|o] /=; [lra|exact: (F0 (Ordinal (hk : (k < n)%nat)))|].
by have : 0 <= \rsum_i Rabs (scale_weight (inr o) i);
  [apply: rsum_ge0 => i _; exact: Rabs_pos|move=> /= h; lra].
Qed.

Lemma content_bounded s : \rsum_i Rabs (scale_weight s i) <= content_bound s.
Proof.
case: s => [[[[|k] hk] [x y]]|o]; last by rewrite /content_bound; lra.
  by rewrite big1 /= => [|i _]; [lra|rewrite Rabs_R0].
apply: Rle_trans (contents (k := Ordinal (hk : (k < n)%nat)) x y).
rewrite (sum_scales (fun (j : 'I_n) pq =>
  Rabs (if (j < k.+1)%nat then pass true k.+1 j x pq.1 * pass false k.+1 j y pq.2 else 0))) /=.
apply: Req_le; transitivity (\big[Rplus/0]_(j < n | (j < k.+1)%nat)
    ((\rsum_(p < kept true j) Rabs (pass true k.+1 j x p)) *
      (\rsum_(q < kept false j) Rabs (pass false k.+1 j y q)))).
  rewrite [RHS]big_mkcond; apply: eq_bigr => j _; case: ltnP => _.
    by rewrite -rsum_pair_mul; apply: eq_bigr => pq _; rewrite Rabs_mult.
  by rewrite big1 // => pq _; rewrite Rabs_R0.
by rewrite (big_ord_narrow (hk : (k.+1 <= n)%nat)).
Qed.

(* Sketch: the inverse is a Kronecker product that is 0 outside its own scale; so the sum of absolute values
   is the product of those of the two axes, each at most kappa. *)
Lemma scale_gains (i : scale_id) (f : 'I_n -> R) : (forall k, 0 <= f k) ->
  \rsum_r (Rabs (scale_inverse i r) * f (tag r)) <= kappa true (tag i) * kappa false (tag i) * f (tag i).
Proof.
case: i => k [p q] f0 /=.
rewrite (sum_scales (fun (j : 'I_n) ij =>
  Rabs (if (k == j :> nat) then inverse true k p ij.1 * inverse false k q ij.2 else 0) * f j)).
rewrite (bigD1 k) //= [X in _ + X]big1 => [|j ne]; last first.
  by rewrite big1 // => ij _; rewrite val_eqE eq_sym (negbTE ne) Rabs_R0 Rmult_0_l.
rewrite eqxx Rplus_0_r.
have -> : \rsum_(ij : 'I_(count true k) * 'I_(count false k))
  (Rabs (inverse true k p ij.1 * inverse false k q ij.2) * f k)
    = (\rsum_(i < count true k) Rabs (inverse true k p i)) *
      (\rsum_(i < count false k) Rabs (inverse false k q i)) * f k.
  rewrite -rsum_pair_mul Rmult_comm -rsum_distr; apply: eq_bigr => ij _; rewrite Rabs_mult; exact: Rmult_comm.
apply: Rmult_le_compat_r => //; apply: Rmult_le_compat; try exact: row_sums.
  by apply: rsum_ge0 => ? _; exact: Rabs_pos.
by apply: rsum_ge0 => ? _; exact: Rabs_pos.
Qed.

Variables (H S C : nat) (Crd Ch Cod Bit : finType) (spot : Bit -> Cod) (home : Bit -> Ch).
Variables (book : option 'I_S -> Crd -> R) (frozen : scale_cached + scale_last -> Cod -> R)
    (lam eps mu B eta : R).
Hypotheses (spot_inj : injective spot) (home_inj : injective home) (hbook : incoherent book mu).
Hypotheses (bits : (0 < #|Bit|)%nat) (width : (#|Cod| + 2 * (H * #|Crd|) < C)%nat).
Hypotheses (queries : (S <= side true n.+1 * side false n.+1)%nat).
Hypothesis reads : (\sum_(k < n) count true k * count false k <= H * S)%nat.
Hypotheses (eps0 : 0 <= eps) (B1 : 1 < B) (lam0 : 0 <= lam) (eta0 : 0 <= eta) (rows1 : (0 < n_rows)%nat).
Notation tau := ((INR n_rows - 1) * exp (- lam * (1 - mu))).
Notation bend := (sqrt (1 - / (B * B))).
Hypothesis narrow : forall k : 'I_n,
  2 * F k * (kappa true k * kappa false k) * (eta + tau) < bend * bend * bend.

(* Sketch: Reads are numbered by heads and slots, slots by tokens of the last scale; the gain of an id is at
   most kappa kappa' times what each of its rows adds. *)
Theorem pyramid_weights :
  exists (word : Cod -> 'I_C -> R) (position : scale_cached + scale_last -> 'I_C -> R)
         (lay : layer [finType of 'I_C] [finType of 'I_H] Crd Ch),
  (forall h, multiplier lay h = lam) /\
  let z (x : {ffun scale_id * Bit -> bool}) s :=
  layer_norm eps (input_row word position (fun s c => content spot scale_weight x s c + frozen s c) s) in
  forall (J : finType) (into : J -> scale_cached + scale_last), injective into ->
    (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (W T : finType) (compress : W -> _ -> T) (answer : W -> T -> scale_last -> 'I_H -> Ch -> R)
        (delta : R),
        0 < N W -> delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
        N scale_id * N Bit - log2 (/ (1 - delta)) <= log2 (N T)
    & exists (T : finType) (compress : _ -> T) (answer : T -> scale_last -> 'I_H -> Ch -> R),
        (forall x, good x (answer (compress x))) /\ log2 (N T) = N scale_id * N Bit].
Proof.
have reads' : (#|scale_read| <= #|[finType of 'I_H * 'I_S]|)%nat.
  rewrite card_tagged card_prod !card_ord; apply: leq_trans reads; apply: eq_leq.
  by rewrite sumnE big_map big_enum /=; apply: eq_bigr => k _; rewrite card_prod !card_ord.
have queries' : (#|[finType of 'I_S]| <= #|scale_last|)%nat by rewrite card_prod !card_ord.
pose place (r : scale_read) : 'I_H * 'I_S := enum_val (widen_ord reads' (enum_rank r)).
pose own (a : 'I_S) : scale_last := enum_val (widen_ord queries' (enum_rank a)).
have place_inj : injective place.
  by move=> r r' /enum_val_inj e; apply: enum_rank_inj; apply: val_inj; exact: (congr1 val e).
have own_inj : injective own.
  by move=> r r' /enum_val_inj e; apply: enum_rank_inj; apply: val_inj; exact: (congr1 val e).
have b2 : 0 < bend * bend * bend.
  have : 1 < B * B by nra.
  move=> bb; have h : / (B * B) < 1 by rewrite -Rinv_1; apply: Rinv_lt_contravar; lra.
  by apply: Rmult_lt_0_compat; [apply: Rmult_lt_0_compat|]; apply: sqrt_lt_R0; lra.
have t0 : 0 <= tau.
  by apply: Rmult_le_pos; [have := INR_ge1 rows1; lra|exact/Rlt_le/exp_pos].
have narrow' (i : scale_id) : \rsum_r (Rabs (scale_inverse i r) * (2 * content_bound (inl (scale_row r)) *
    (eta + leak (N scale_cached + N scale_last) lam mu) / (bend * bend * bend))) < 1.
  rewrite scale_rows -/tau /leak; pose f (k : 'I_n) := 2 * F k * (eta + tau) / (bend * bend * bend).
  apply: Rle_lt_trans (scale_gains i (f := f) _) _ => [k|].
    apply: Rdiv_le_r => //; rewrite Rmult_0_l; apply: Rmult_le_pos; last lra.
    by apply: Rmult_le_pos; [lra|exact/Rlt_le/F0].
  rewrite /f; apply: (Rmult_lt_reg_r (bend * bend * bend)) => //; rewrite Rmult_1_l.
  apply: Rle_lt_trans (narrow (tag i)); apply: Req_le.
  by move: b2; set D := bend * bend * bend => D0; field; lra.
have width' : (#|Cod| + 2 * (#|[finType of 'I_H]| * #|Crd|) < C)%nat by rewrite card_ord.
exact: (public_weights frozen spot_inj home_inj own_inj scale_row_inj place_inj hbook bits width' eps0 B1
  lam0 eta0
  content_bound_gt0 content_bounded (level := fun i : scale_id => tag i) scale_inverts narrow').
Qed.
End Pyramid.
