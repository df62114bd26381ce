(* Addresses for frames: the Kerdock words that begin with three zeros, less these zeros. Their inner
   products and the places where they differ are counted by computation. *)
From LowerBound Require Export Frames IntegerKeys Kerdock Var256Sizes.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- counts -------------------------------------------------------------------------------------- *)
(* distance u v: the number of places where u and v differ *)
Fixpoint distance (u v : seq bool) : nat :=
  match u, v with
  | x :: u', y :: v' => if x then if y then distance u' v' else (distance u' v').+1
                        else if y then (distance u' v').+1 else distance u' v'
  | _, _ => 0
  end%nat.
(* few n u vs: at every place of u at most n words of vs have another letter than u *)
Fixpoint few (n : nat) (u : seq bool) (vs : seq (seq bool)) : bool :=
  if u is x :: u' then (count (fun v => head false v != x) vs <= n)%nat && few n u' (map behead vs) else true.

Lemma fewP n u vs l : few n u vs -> (l < size u)%nat ->
  (count (fun v => nth false v l != nth false u l) vs <= n)%nat.
Proof.
elim: u vs l => // x u IH vs [|l] /= /andP[h hs]; rewrite ?ltnS => lu.
  by apply: leq_trans h; rewrite leq_eqVlt -(eq_count (a1 := fun v => nth false v 0 != x)) ?eqxx // => v;
    rewrite nth0.
have := IH _ _ hs lu; rewrite count_map; apply: leq_trans; rewrite leq_eqVlt; apply/orP; left; apply/eqP.
by apply: eq_count => v /=; rewrite nth_behead.
Qed.

Section Distances.
Variables (d : nat) (bit : nat -> nat -> bool) (r : R).
Hypotheses (r0 : 0 < r) (r2 : r * r = INR d).
Notation key := (sign_key (d := d) bit r).
(* word i: the letters of word i;  apart i j: the number of places where words i and j differ *)
Definition word (i : nat) : seq bool := let b := bit i in [seq b c | c <- iota 0 d].
Definition apart (i j : nat) : nat := distance (word i) (word j).

Lemma apart_dot i j : dot (key i) (key j) = 1 - 2 * INR (apart i j) / INR d.
Proof.
rewrite dot_sign_key //; congr (1 - 2 * INR _ / _).
rewrite -sum1_card -(big_mkord (fun c => bit i c (+) bit j c) (fun _ => 1%nat)) /apart /word.
rewrite /index_iota subn0.
elim: (iota 0 d) => [|c l IH]; first by rewrite big_nil.
by rewrite big_cons IH /=; case: (bit i c); case: (bit j c).
Qed.

(* spread n ds D k: every two of the words 0, ..., n - 1 have a distance in ds, and of the words at distance
   D from a word at most k have another letter at any place *)
Definition spread (n : nat) (ds : seq nat) (D k : nat) : bool :=
  let ws := [seq word i | i <- iota 0 n] in
  pairwise (fun u v => distance u v \in ds) ws && all (fun u => few k u [seq v <- ws | distance u v == D]) ws.

Lemma distance_sym u v : distance u v = distance v u.
Proof. by elim: u v => [|x u IH] [|y v] //=; rewrite IH; case: x; case: y. Qed.

Lemma spread_distance n ds D k (i j : 'I_n) : spread n ds D k -> i != j -> apart i j \in ds.
Proof.
case/andP=> hp _; wlog ij : i j / (i < j)%nat => [hw ne|_].
  case: (ltngtP i j) => [l|l|/val_inj e]; first exact: hw.
    by rewrite /apart distance_sym; apply: hw; rewrite // eq_sym.
  by rewrite e eqxx in ne.
have /(pairwiseP [::])/(_ i j) := hp; rewrite !inE !size_map !size_iota !ltn_ord.
by rewrite !(nth_map 0%nat) ?size_iota // !nth_iota // => /(_ isT isT ij).
Qed.

Lemma spread_few n ds D k (i : 'I_n) (l : nat) : spread n ds D k -> (l < d)%nat ->
  (#|[pred j : 'I_n | (apart i j == D) && (bit j l != bit i l)]| <= k)%nat.
Proof.
case/andP=> _ hn ld.
have wi : word i \in [seq word j | j <- iota 0 n] by apply: map_f; rewrite mem_iota ltn_ord.
have /allP/(_ _ wi) h := hn.
have := fewP (l := l) h; rewrite size_map size_iota => /(_ ld); apply: leq_trans; rewrite leq_eqVlt.
apply/orP; left; apply/eqP; rewrite count_filter count_map -sum1_card -sum1_count.
have -> : iota 0 n = index_iota 0 n by rewrite /index_iota subn0.
rewrite big_mkord; apply: eq_bigl => j; rewrite inE /= andbC; congr (_ && _).
by rewrite /word !(nth_map 0%nat) ?size_iota // !nth_iota.
Qed.
End Distances.

(* ---------- the addresses of VAR-256 -------------------------------------------------------------------- *)
(* var256_letter i c: letter c + 3 of the i-th Kerdock word that begins with three zeros *)
Definition var256_letter (i : nat) : nat -> bool := let w := kerdock_zeros 5 37 i in fun c => w c.+3.
Arguments var256_letter : simpl never.
(* var256_address i: the 61 letters over sqrt 61, in coordinates 1, ..., 61; coordinates 0 and 62 are 0 *)
Definition var256_address (i : 'I_cached256) (c : option 'I_letters256) : R :=
  if c is Some l then (if (l < 61)%nat then (if var256_letter i l then -1 else 1) / sqrt 61 else 0) else 0.
Notation var256_address' := (var256_address : _ -> [finType of option 'I_letters256] -> R).

(* The words are 28, 32 or 36 places apart, so that inner products are 5, -3 or -11 over 61. Of those 28
   places apart from a word, at most 136 have another letter at any place. *)
Lemma var256_spread : spread 61 var256_letter cached256 [:: 28; 32; 36]%nat 28 136.
Proof. by vm_cast_no_check (erefl true). Qed.

(* r61: the length of a coordinate *)
Notation r61 := (/ sqrt 61).
Lemma r61_bounds : 1280368/10000000 <= r61 <= 1280369/10000000 /\ r61 ^ 2 = / 61.
Proof.
have s2 := sqrt_sqrt 61 ltac:(lra); have s0 : 0 < sqrt 61 by apply: sqrt_lt_R0; lra.
have e : r61 ^ 2 = / 61 by rewrite -[in RHS]s2 Rinv_mult_distr; [ring|lra|lra].
split=> //; have p := Rinv_0_lt_compat _ s0; split; apply: Rnot_lt_le => lt.
  have : r61 ^ 2 < (1280368/10000000) ^ 2; last lra.
  nra.
have : (1280369/10000000) ^ 2 < r61 ^ 2; last lra.
nra.
Qed.

Lemma var256_entry (i : 'I_cached256) (l : 'I_letters256) : var256_address' i (Some l)
  = if (l < 61)%nat then if var256_letter i l then - r61 else r61 else 0.
Proof.
by rewrite /var256_address; case: (l < 61)%nat => //; case: (var256_letter i l); rewrite /Rdiv; ring.
Qed.

(* inner products of addresses *)
Lemma var256_dot (i j : 'I_cached256) :
  dot (var256_address' i) (var256_address' j) = 1 - 2 * INR (apart 61 var256_letter i j) / 61.
Proof.
have i61 : INR 61 = 61 by rewrite INR_IZR_INZ.
have r2 : sqrt 61 * sqrt 61 = INR 61 by rewrite i61 sqrt_sqrt; lra.
have r0 : 0 < sqrt 61 by apply: sqrt_lt_R0; lra.
rewrite -i61.
rewrite -(apart_dot _ r0 r2) dot_option Rmult_0_l Rplus_0_l /letters256 big_ord_recr /= Rmult_0_l Rplus_0_r.
by apply: eq_bigr => l _; rewrite /var256_address /= ltn_ord.
Qed.

Lemma apart_refl i : apart 61 var256_letter i i = 0%nat.
Proof. by rewrite /apart; elim: (word _ _ _) => //= b u ->; case: b. Qed.

Lemma var256_unit (i : 'I_cached256) : dot (var256_address' i) (var256_address' i) = 1.
Proof. by rewrite var256_dot apart_refl /=; field. Qed.

Lemma var256_axis (i : 'I_cached256) : var256_address' i None = 0. Proof. by []. Qed.
Lemma var256_axis1 (i : 'I_cached256) : var256_address' i None < 1. Proof. by rewrite var256_axis; lra. Qed.

(* mu, from the distance *)
Lemma var256_products (i j : 'I_cached256) : i != j ->
  let mu := dot (var256_address' i) (var256_address' j) in
  let n := apart 61 var256_letter i j in
  n = 28%nat /\ mu = 5/61 \/ n != 28%nat /\ (mu = - 3/61 \/ mu = - 11/61).
Proof.
move=> ij /=; have := spread_distance var256_spread ij; rewrite var256_dot !inE.
have i28 : INR 28 = 28 by rewrite INR_IZR_INZ.
have i32 : INR 32 = 32 by rewrite INR_IZR_INZ.
have i36 : INR 36 = 36 by rewrite INR_IZR_INZ.
case/or3P=> /eqP ->; rewrite ?i28 ?i32 ?i36; [left|right|right]; split=> //; [lra|left; lra|right; lra].
Qed.

(* inner products of frame vectors with addresses and with each other *)
Lemma var256_frame (i j : 'I_cached256) (l : 'I_letters256) (x := var256_address' i (Some l))
    (y := var256_address' j (Some l)) (mu := dot (var256_address' i) (var256_address' j)) :
  dot (frame (var256_address' i) l) (var256_address' j) = y - x * mu.
Proof.
rewrite dot_frame ?var256_unit //; last exact: var256_axis1.
by rewrite !var256_axis -/mu -/x -/y; field.
Qed.

Lemma var256_frames (i j : 'I_cached256) (l : 'I_letters256) (x := var256_address' i (Some l))
    (y := var256_address' j (Some l)) (mu := dot (var256_address' i) (var256_address' j)) :
  dot (frame (var256_address' j) l) (frame (var256_address' i) l) = 1 - x ^ 2 - y ^ 2 + x * y * (1 + mu).
Proof.
rewrite dot_frame ?var256_unit //; last exact: var256_axis1.
rewrite [dot (var256_address' j) _]dot_sym var256_frame -/mu -/x -/y /frame /axis !eqxx.
have -> : ((None : [finType of option 'I_letters256]) == Some l) = false by [].
have -> : ((Some l : [finType of option 'I_letters256]) == None) = false by [].
by rewrite !var256_axis -/x -/y; field.
Qed.

(* unit vectors of coherence at most 5/61, whose frames have coherence at most .1512 *)
Lemma var256_frames_incoherent : let b := var256_address' in
  [/\ forall i, dot (b i) (b i) = 1, forall i, b i None < 1, forall i j, i != j -> dot (b i) (b j) <= 5/61
    & forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= 1512/10000].
Proof.
split; [exact: var256_unit|exact: var256_axis1|move=> i j ij|move=> i j l ij].
  by case: (var256_products ij) => [[_ ->]|[_ [->|->]]]; lra.
rewrite var256_frame !var256_entry; have [[b0 b1] _] := r61_bounds; move: b0 b1; set r := r61 => b0 b1.
case: (l < 61)%nat; last by rewrite Rmult_0_l Rminus_0_r Rabs_R0; lra.
by case: (var256_products ij) => [[_ ->]|[_ [->|->]]]; case: (var256_letter i l); case: (var256_letter j l);
  apply: Rabs_le; lra.
Qed.
