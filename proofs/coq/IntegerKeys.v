(* Integer certificates: inner products of explicit vectors, decided by computation, give a memory floor. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- rational bounds of exp and log2, decided by computation ---------------------- *)
Lemma exp_ge_pow x k : (0 < k)%nat -> 0 <= x -> (1 + x / INR k) ^ k <= exp x.
Proof.
move=> k0 x0; have K0 := INR_gt0 k0; have y0 : 0 <= x / INR k by apply: Rdiv_le_r; lra.
have -> : exp x = exp (x / INR k) ^ k by rewrite -exp_INR; congr exp; field; lra.
by apply: pow_incr; have := exp_ineq1_le (x / INR k); lra.
Qed.

(* exp_reaches k a b c e: (1 + x/k)^k reaches c/e at x = a/b *)
Definition exp_reaches (k : nat) (a b c e : Z) : bool :=
  [&& (0 < k)%nat, 0 <=? a, 0 <? b, 0 <? e & c * (b * Z.of_nat k) ^ Z.of_nat k <=?
                                             e * (b * Z.of_nat k + a) ^ Z.of_nat k]%Z.

Lemma exp_reachesP k a b c e : exp_reaches k a b c e -> IZR c / IZR e <= exp (IZR a / IZR b).
Proof.
case/and5P=> k0 /Z.leb_le/IZR_le a0 /Z.ltb_lt/IZR_lt b0 /Z.ltb_lt/IZR_lt e0 /Z.leb_le/IZR_le.
rewrite !mult_IZR -!pow_IZR plus_IZR mult_IZR -INR_IZR_INZ => h; have K0 := INR_gt0 k0.
apply: Rle_trans (exp_ge_pow k0 (_ : 0 <= _)); last by apply: Rdiv_le_r; lra.
have bk : 0 < IZR b * INR k by exact: Rmult_lt_0_compat.
have p0 : 0 < (IZR b * INR k) ^ k by exact: pow_lt.
apply: Rdiv_le_l => //; apply: (Rmult_le_reg_r ((IZR b * INR k) ^ k)) => //; apply: Rle_trans h _;
  apply: Req_le.
have -> : IZR b * INR k + IZR a = (1 + IZR a / IZR b / INR k) * (IZR b * INR k) by field; lra.
by rewrite Rpow_mult_distr; ring.
Qed.

(* log2_reaches a m k: 2^m <= a^k *)
Definition log2_reaches (a m k : Z) : bool := [&& 0 <? a, 0 <=? m, 0 <? k & 2 ^ m <=? a ^ k]%Z.

Lemma log2_reachesP a m k : log2_reaches a m k -> IZR m / IZR k <= log2 (IZR a).
Proof.
case/and4P=> /Z.ltb_lt/IZR_lt a0 /Z.leb_le m0 /Z.ltb_lt k0 /Z.leb_le/IZR_le; have kn := Z.lt_le_incl _ _ k0.
rewrite -(Z2Nat.id m) // -(Z2Nat.id k) // in k0 *; move/IZR_lt: k0; rewrite -!pow_IZR -!INR_IZR_INZ => k0 h.
have l2 := ln2_gt0; apply: Rdiv_le_l => //; apply: (Rmult_le_reg_r (ln 2)) => //.
have -> : log2 (IZR a) * INR (Z.to_nat k) * ln 2 = INR (Z.to_nat k) * ln (IZR a).
  by rewrite -(log2_ln (IZR a)); ring.
by rewrite -!ln_pow //; [apply: ln_le => //; apply: pow_lt|]; lra.
Qed.

(* ---------- incoherence from a computation over ordered pairs -------------------------------- *)
Lemma incoherent_pairwise (d n : nat) (F : nat -> 'I_d -> R) (X : Type) (f : nat -> X) (r : rel X) (mu : R) :
  (forall i, (i < n)%nat -> dot (F i) (F i) = 1) -> (forall i j, r (f i) (f j) -> dot (F i) (F j) <= mu) ->
  pairwise r [seq f i | i <- iota 0 n] -> incoherent (fun i : 'I_n => F i) mu.
Proof.
move=> F1 hr hp; split=> [i|i j]; first exact: F1.
wlog ij : i j / (i < j)%nat => [hw ne|_].
  case: (ltngtP i j) => [l|l|/val_inj e]; first exact: hw.
    by rewrite dot_sym; apply: hw; rewrite // eq_sym.
  by rewrite e eqxx in ne.
apply: hr; have /(pairwiseP (f 0%nat))/(_ i j) := hp; rewrite !inE !size_map !size_iota !ltn_ord.
by rewrite !(nth_map 0%nat) ?size_iota // !nth_iota // => ->.
Qed.

(* ---------- integer vectors ---------------------------------------------------------------- *)
Section IntegerVectors.
Variables (d : nat) (row : nat -> nat -> Z) (s : Z).   (* row i c: coordinate c of vector i;
  s: squared norm *)
(* integer_key i: vector i as a unit vector *)
Definition integer_key (i : nat) (c : 'I_d) : R := IZR (row i c) / sqrt (IZR s).

Definition integer_vector (i : nat) : seq Z := map (row i) (iota 0 d).
Fixpoint integer_dot (x y : seq Z) : Z :=
  match x, y with a :: x', b :: y' => a * b + integer_dot x' y' | _, _ => 0 end%Z.
(* gram_at_most n g: vectors 0, ..., n - 1 have squared norm s, and inner products of at most g *)
Definition gram_at_most (n : nat) (g : Z) : bool :=
  let vs := [seq integer_vector i | i <- iota 0 n] in
  [&& (0 <? s)%Z, all (fun x => integer_dot x x =? s)%Z vs & pairwise (fun x y => integer_dot x y <=? g)%Z
    vs].

Lemma dot_integer_key i j : 0 < IZR s ->
  dot (integer_key i) (integer_key j) = IZR (integer_dot (integer_vector i) (integer_vector j)) / IZR s.
Proof.
move=> s0; have q0 := sqrt_lt_R0 _ s0; have q2 := sqrt_sqrt _ (Rlt_le _ _ s0).
transitivity (/ IZR s * \rsum_(c : 'I_d) (IZR (row i c) * IZR (row j c))).
  by rewrite -rsum_distr; apply: eq_bigr => c _; rewrite /integer_key -[X in / X * _]q2; field; lra.
rewrite Rmult_comm -(big_mkord xpredT (fun c => IZR (row i c) * IZR (row j c))) /index_iota subn0.
congr (_ * _); rewrite /integer_vector; elim: (iota 0 d) => [|c l IH]; first by rewrite big_nil.
by rewrite big_cons IH /= plus_IZR mult_IZR.
Qed.

Lemma gram_incoherent n g : gram_at_most n g -> incoherent (fun i : 'I_n => integer_key i) (IZR g / IZR s).
Proof.
case/and3P=> /Z.ltb_lt/IZR_lt s0 /(all_nthP [::]) hs; apply: incoherent_pairwise => [i hi|i j].
  have := hs i; rewrite size_map size_iota (nth_map 0%nat) ?size_iota // nth_iota // => /(_ hi)/Z.eqb_eq e.
  by rewrite dot_integer_key // e /Rdiv Rinv_r; lra.
rewrite dot_integer_key // => /Z.leb_le/IZR_le h.
by apply: Rmult_le_compat_r h; exact/Rlt_le/Rinv_0_lt_compat.
Qed.
End IntegerVectors.

(* ---------- sign vectors of binary words ------------------------------------------------------ *)
(* differ u v D: the words u and v differ in at least D places *)
Fixpoint differ (u v : seq bool) (D : nat) {struct u} : bool :=
  if D is D'.+1 then
    match u, v with
    | x :: u', y :: v' => differ u' v' (if x then if y then D else D' else if y then D' else D)
    | _, _ => false
    end
  else true.

Lemma differP u v D : size u = size v -> differ u v D -> (D <= count (fun p => p.1 (+) p.2) (zip u v))%nat.
Proof.
elim: u v D => [|x u IH] [|y v] [|D] //= [uv] /(IH _ _ uv).
by case: x; case: y; rewrite ?add0n // add1n ltnS.
Qed.

Section SignVectors.
Variables (d : nat) (bit : nat -> nat -> bool) (r : R).      (* bit i c: letter c of word i; r: norm *)
(* sign_key i: word i as a unit vector of signs *)
Definition sign_key (i : nat) (c : 'I_d) : R := (if bit i c then -1 else 1) / r.
(* far_apart n D: every two of the words 0, ..., n - 1 differ in at least D places *)
Definition far_apart (n D : nat) : bool :=
  pairwise (fun u v => differ u v D) [seq [seq bit i c | c <- iota 0 d] | i <- iota 0 n].
Hypotheses (r0 : 0 < r) (r2 : r * r = INR d).

(* the inner product is 1 - 2/d times the number of different letters *)
Lemma dot_sign_key i j :
  dot (sign_key i) (sign_key j) = 1 - 2 * INR #|[pred c : 'I_d | bit i c (+) bit j c]| / INR d.
Proof.
have d0 : 0 < INR d by rewrite -r2; exact: Rmult_lt_0_compat.
transitivity (/ INR d * \rsum_(c : 'I_d) (1 + (-2) * ind (bit i c (+) bit j c))).
  rewrite -rsum_distr; apply: eq_bigr => c _; rewrite -r2 /sign_key.
  by case: (bit i c); case: (bit j c); rewrite /ind /=; field; lra.
by rewrite big_split /= rsum_distr sum_ind rsum_const N_ord; set n := INR #|_|; field; lra.
Qed.

Lemma far_apart_incoherent n D : far_apart n D ->
  incoherent (fun i : 'I_n => sign_key i) (IZR (Z.of_nat d - 2 * Z.of_nat D) / IZR (Z.of_nat d)).
Proof.
have d0 : 0 < INR d by rewrite -r2; exact: Rmult_lt_0_compat.
rewrite minus_IZR mult_IZR -!INR_IZR_INZ; apply: incoherent_pairwise => [i _|i j].
  by rewrite dot_sign_key eq_card0 => [|c]; [rewrite /=; field; lra|rewrite !inE addbb].
move/differP; rewrite !size_map size_iota => /(_ erefl).
have -> (l : seq nat) : count (fun p => p.1 (+) p.2) (zip [seq bit i c | c <- l] [seq bit j c | c <- l])
    = count (fun c => bit i c (+) bit j c) l by elim: l => //= c l ->.
have -> : iota 0 d = index_iota 0 d by rewrite /index_iota subn0.
rewrite -sum1_count big_mkord sum1_card dot_sign_key => /INR_le h.
apply: Rdiv_le_r => //; set x := INR #|_| in h *.
by have -> : (1 - 2 * x / INR d) * INR d = INR d - 2 * x by [field; lra]; lra.
Qed.
End SignVectors.

(* ---------- the floor of a certificate ----------------------------------------------------------- *)
Section Certificate.
Variables (T n2 d h : nat) (F : nat -> 'I_d -> R) (s g : Z).
(* T cached keys, then n2 keys of Bob's own *)
Notation K := (fun i : 'I_T => F i).
Notation B := (fun o : 'I_n2 => F (T + o)%nat).
Notation mu := (IZR g / IZR s).

(* leak_at_most lam k u v: (T + n2 - 1) exp (- lam (1 - g/s)) <= u/v, by (1 + x/k)^k <= exp x *)
Definition leak_at_most (lam : Z) (k : nat) (u v : Z) : bool :=
  [&& [&& (0 < T + n2)%nat, 0 <=? lam & 0 <? s], g <=? s, 0 <? u, 0 <? v &
    exp_reaches k (lam * (s - g)) s (v * (Z.of_nat (T + n2) - 1)) u]%Z.

Hypothesis hF : incoherent (fun i : 'I_(T + n2) => F i) mu.

Lemma cached_incoherent : incoherent K mu.
Proof.
split=> [i|i j ij]; first exact: (proj1 hF (lshift n2 i)).
by apply: (proj2 hF (lshift n2 i) (lshift n2 j)); rewrite eq_lshift.
Qed.
Lemma own_incoherent : incoherent B mu.
Proof.
split=> [o|o o' oo]; first exact: (proj1 hF (rshift T o)).
by apply: (proj2 hF (rshift T o) (rshift T o')); rewrite eq_rshift.
Qed.
Lemma cached_own i o : dot (K i) (B o) <= mu.
Proof. by apply: (proj2 hF (lshift n2 i) (rshift T o)); rewrite eq_lrshift. Qed.

Variables (lam0 : Z) (k : nat) (u v : Z) (lam : R).
Hypotheses (small : leak_at_most lam0 k u v) (lam_le : IZR lam0 <= lam).
Notation tau := (IZR u / IZR v).

Lemma certificate_lam : 0 <= lam.
Proof. by case/andP: small => /and3P[_ /Z.leb_le/IZR_le l0 _] _; lra. Qed.

Lemma certificate_leak : leak (N [finType of 'I_T] + N [finType of 'I_n2]) lam mu <= tau.
Proof.
case/and5P: small => /and3P[/INR_ge1 n1 /Z.leb_le/IZR_le l0 /Z.ltb_lt/IZR_lt s0] /Z.leb_le/IZR_le gs.
move=> /Z.ltb_lt/IZR_lt u0 /Z.ltb_lt/IZR_lt v0 /exp_reachesP; rewrite !(mult_IZR, minus_IZR) -INR_IZR_INZ.
rewrite /leak !N_ord -plus_INR; set x := IZR lam0 * (IZR s - IZR g) / IZR s; set n := INR _ in n1 * => hx.
have e0 := exp_pos x; have le : exp (- lam * (1 - mu)) <= / exp x.
  rewrite -exp_Ropp; apply: exp_mono; have -> : - x = - IZR lam0 * (1 - mu) by rewrite /x; field; lra.
  have : 0 <= 1 - mu by have : mu <= 1 by [apply: Rdiv_le_l; lra]; lra.
  by move=> m0; apply: Rmult_le_compat_r; lra.
apply: Rle_trans (_ : _ <= (n - 1) * / exp x) _; first by apply: Rmult_le_compat_l; lra.
apply: Rdiv_le_l => //; have t0 : 0 < tau by exact: Rdiv_lt_0_compat.
have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ t0) hx.
by have -> : tau * (IZR v * (n - 1) / IZR u) = n - 1 by field; lra.
Qed.

Variables (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S).
Variables (answer : W -> S -> ('I_d -> R) -> 'I_h -> R) (eta delta : R).
Hypothesis W0 : 0 < N W.

Lemma certificate_entries : INR (T * h) = N [finType of 'I_T] * N [finType of 'I_h].
Proof. by rewrite !N_ord mult_INR. Qed.

(* T h bits, for every relative error eta with (1 + eta) tau < 1 - eta *)
Theorem floor_of_certificate :
  0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * INR (T * h) <= log2 (N S).
Proof.
move=> he gap; rewrite certificate_entries.
apply: (relative_given_keys cached_incoherent cached_own certificate_lam W0 he).
by apply: Rle_lt_trans gap; apply: Rmult_le_compat_l certificate_leak; lra.
Qed.

(* T h symbols of L levels, for every additive error eta with 2 (eta + tau) (L - 1) < 1 *)
Theorem floor_of_certificate_additive (L : nat) :
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (@grid L) (near eta) compress answer delta ->
  fano (INR L) delta * INR (T * h) <= log2 (N S).
Proof.
move=> L0 step; rewrite certificate_entries.
apply: (additive_given_keys cached_incoherent cached_own certificate_lam W0 L0).
apply: Rle_lt_trans step; apply: Rmult_le_compat_r; first by have := INR_ge1 L0; lra.
by apply: Rmult_le_compat_l (Rplus_le_compat_l _ _ _ certificate_leak); lra.
Qed.
End Certificate.

(* ---------- the floor is attained --------------------------------------------------------------------- *)
Lemma log2_maps (J A : finType) : 0 < N A -> log2 (N [finType of {ffun J -> A}]) = N J * log2 (N A).
Proof. by move=> A0; have l2 := ln2_gt0; rewrite /log2 /N card_ffun INR_expn ln_pow //; field; lra. Qed.

Section Store.
Variables (T n2 d h : nat) (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R) (lam eta : R).

Lemma store_bits : (0 < T)%nat -> 0 <= eta < 1 ->
  exists (S : finType) (compress : unit -> ('I_T -> 'I_h -> R) -> S)
    (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam ind (approx eta) compress answer 0 /\ log2 (N S) = INR (T * h).
Proof.
move=> T0 he; exists [finType of {ffun 'I_T * 'I_h -> bool}].
have [| |compress [answer hc]] := store_values (Ch := [finType of 'I_h]) (K := K) (B := B) lam (lev := ind)
  (good := approx eta) true.
- by move=> [] [] //= e; exfalso; lra.
- move=> q x c; apply: approx_self => //; apply: (softmax_ge0 _ (inl (Ordinal T0))).
  by case=> j /=; [exact: (proj1 (ind_01 _))|lra].
by exists compress, answer; rewrite log2_bits N_prod !N_ord mult_INR.
Qed.

Lemma store_levels (L : nat) : (0 < L)%nat -> 0 <= eta ->
  exists (S : finType) (compress : unit -> ('I_T -> 'I_h -> R) -> S)
    (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam (@grid L) (near eta) compress answer 0 /\
    log2 (N S) = log2 (INR L) * INR (T * h).
Proof.
move=> L0 e0; exists [finType of {ffun 'I_T * 'I_h -> 'I_L}].
have [q x c|compress [answer hc]] := store_values (Ch := [finType of 'I_h]) (K := K) (B := B) lam
  (good := near eta)
  (Ordinal L0) (@grid_inj L).
  exact: near_self.
exists compress, answer; split=> //.
by rewrite log2_maps !N_ord; [rewrite N_prod !N_ord mult_INR Rmult_comm|exact: INR_gt0].
Qed.
End Store.
