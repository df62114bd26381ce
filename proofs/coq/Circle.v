(* More keys in low dimension.  Signs give fewer than 2^d keys; words over a spherical alphabet give more.
   With 20 points of the circle as letters there are e^d unit keys of inner products at most 79/80 in every
   even dimension d. *)
From LowerBound Require Export Universal.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- greedy choice --------------------------------------------------------------------------- *)
(* if each chosen element rules out at most e others, and n e is less than all, n + 1 can be chosen *)
Lemma greedy_choice (X : finType) (fits : rel X) (e : R) (n : nat) : 0 <= e ->
  (forall y, INR #|[pred x | ~~ fits x y]| <= e) -> INR n * e < N X ->
  exists s : seq X, size s = n.+1 /\ pairwise fits s.
Proof.
move=> e0 he; have step (s : seq X) : INR (size s) * e < N X -> exists x, all (fits x) s.
  move=> lt; case: (boolP [exists x, all (fits x) s]) => [/existsP //|]; rewrite negb_exists => /forallP no.
  have sum_e : \big[Rplus/0]_(y <- s) e = INR (size s) * e.
    by elim: (s) => [|y t IH]; rewrite ?big_nil ?big_cons ?IH -?[size (y :: t)]/(size t).+1 ?S_INR /=; ring.
  exfalso; apply: (Rlt_irrefl (N X)); apply: Rle_lt_trans lt; rewrite -sum_e.
  apply: Rle_trans (_ : _ <= \big[Rplus/0]_(y <- s) \rsum_(x : X) ind (~~ fits x y)) _; last first.
    elim: (s) => [|y t IH]; first by rewrite !big_nil; exact: Rle_refl.
    by rewrite !big_cons sum_ind; apply: Rplus_le_compat.
  rewrite exchange_big /= -[N X]Rmult_1_r -rsum_const; apply: rsum_le => x _.
  have /allPn [y ys hy] := no x; rewrite (big_rem y) //= hy -[X in X <= _]Rplus_0_r; apply: Rplus_le_compat_l.
  by elim/big_ind: _ => [|a b a0 b0|z _]; [exact: Rle_refl|lra|exact: (proj1 (ind_01 _))].
elim: n => [|n IH] lt; first by have [|x _] := step [::]; [exact: lt|exists [:: x]].
have [|s [sz pw]] := IH; first by move: lt; rewrite S_INR; lra.
by have [|x hx] := step s; [rewrite sz|exists (x :: s); rewrite /= sz hx].
Qed.

(* ---------- words of letters -------------------------------------------------------------------------- *)
Section Words.
Variables (J Base Letter : finType) (v : Letter -> Base -> R) (a M mu : R).
(* letters are unit vectors; M bounds the exponential moment of a random letter *)
Hypotheses (v1 : forall l, dot (v l) (v l) = 1) (a0 : 0 <= a) (M0 : 0 <= M)
  (hM : forall l, \rsum_k exp (a * dot (v k) (v l)) <= M) (J0 : 0 < N J).
Notation word := {ffun J -> Letter}.
(* wdot x y: sum of the inner products of the letters;  word_key x: the letters of x beside each other, a
   unit vector *)
Definition wdot (x y : word) : R := \rsum_j dot (v (x j)) (v (y j)).
Definition word_key (x : word) (jc : J * Base) : R := v (x jc.1) jc.2 / sqrt (N J).

Lemma dot_word_key x y : dot (word_key x) (word_key y) = wdot x y / N J.
Proof.
rewrite /dot /word_key -(pair_big xpredT xpredT (fun j c => v (x j) c / sqrt (N J) * (v (y j) c / sqrt (N
  J)))) /=.
rewrite /wdot /Rdiv big_distrl /=; apply: eq_bigr => j _; rewrite /dot big_distrl /=; apply: eq_bigr => c _.
have h := sqrt_sqrt _ (Rlt_le _ _ J0); have p := sqrt_lt_R0 _ J0.
by rewrite -{3}h; field; lra.
Qed.

Lemma word_moment (y : word) : \rsum_(x : word) exp (a * wdot x y) <= M ^ #|J|.
Proof.
pose F j l := exp (a * dot (v l) (v (y j))).
have -> : \rsum_(x : word) exp (a * wdot x y) = \rsum_(x : word) \rprod_j F j (x j).
  by apply: eq_bigr => x _; rewrite /wdot -rsum_distr exp_rsum.
rewrite -(bigA_distr_bigA F) -rprod_const.
suff [] : 0 <= \rprod_j (\rsum_l F j l) <= \rprod_(j : J) M by [].
apply: (big_ind2 (fun p q => 0 <= p <= q)) => [|p q r s [p0 pq] [r0 rs]|j _]; first lra.
  by split; [exact: Rmult_le_pos|apply: Rmult_le_compat].
by split; [exact: rsum_exp_ge0|exact: hM].
Qed.

(* Sketch: by Markov, a word rules out at most M^m e^(- a mu m) of all words; then greedy choice. *)
Theorem word_keys_exist (T : nat) : INR T.-1 * (M ^ #|J| * exp (- (a * (mu * N J)))) < N Letter ^ #|J| ->
  exists K : 'I_T -> J * Base -> R, incoherent K mu.
Proof.
move=> hT; pose fits (x y : word) := Rleb (wdot x y) (mu * N J).
have e0 : 0 < exp (a * (mu * N J)) by exact: exp_pos.
have ruled y : INR #|[pred x | ~~ fits x y]| <= M ^ #|J| * exp (- (a * (mu * N J))).
  apply: (Rmult_le_reg_r (exp (a * (mu * N J)))) => //.
  rewrite Rmult_assoc -exp_plus Rplus_opp_l exp_0 Rmult_1_r -sum_ind Rmult_comm -rsum_distr.
  apply: Rle_trans (word_moment y); apply: rsum_le => x _; rewrite /fits.
  case: (boolP (Rleb _ _)) => [_|/RlebP/Rnot_le_lt h] /=; first by rewrite Rmult_0_r; exact/Rlt_le/exp_pos.
  by rewrite Rmult_1_r; apply: exp_mono; apply: Rmult_le_compat_l => //; exact: Rlt_le.
have NW : N [finType of word] = N Letter ^ #|J| by rewrite /N card_ffun INR_expn.
have r0 : 0 <= M ^ #|J| * exp (- (a * (mu * N J))).
  by apply: Rmult_le_pos; [exact: pow_le|exact/Rlt_le/exp_pos].
rewrite -NW in hT; have [s [sz pw]] := greedy_choice r0 ruled hT.
have l0 : word by case: s sz pw => [//|x].
exists (fun i => word_key (nth l0 s i)); split=> [i|i j ij]; rewrite dot_word_key.
  rewrite /wdot (eq_bigr (fun _ => 1)) => [|j _]; last exact: v1.
  by rewrite rsum_const /Rdiv Rmult_1_r Rinv_r //; exact: Rgt_not_eq.
apply: Rdiv_le_l => //.
have hk (k : 'I_T) : (k < size s)%nat by rewrite sz; apply: leq_trans (ltn_ord k) (leqSpred T).
have sym x y : wdot x y = wdot y x by apply: eq_bigr => k _; exact: dot_sym.
have w k l : (k < l)%nat -> (l < size s)%nat -> wdot (nth l0 s k) (nth l0 s l) <= mu * N J.
  move=> kl ls; apply/RlebP; move/(pairwiseP l0): pw; apply => //; rewrite inE.
  exact: ltn_trans kl ls.
have : i != j :> nat by [].
rewrite neq_ltn => /orP [l|l]; first exact: w.
by rewrite sym; exact: w.
Qed.
End Words.

(* ---------- 20 points of the circle ------------------------------------------------- *)
(* the integer points of the circle of radius 25 *)
Definition points : seq (Z * Z) := ([::
  (25, 0); (0, 25); (-25, 0); (0, -25); (24, 7); (24, -7); (-24, 7); (-24, -7); (7, 24); (7, -24); (-7, 24);
    (-7, -24);
  (20, 15); (20, -15); (-20, 15); (-20, -15); (15, 20); (15, -20); (-15, 20); (-15, -20)])%Z.
Definition point (k : nat) : Z * Z := nth (0, 0)%Z points k.
Definition inner (k l : nat) : Z := ((point k).1 * (point l).1 + (point k).2 * (point l).2)%Z.
(* circle k: point k over 25, a unit vector with coordinates false and true *)
Definition circle (k : 'I_20) (y : bool) : R := IZR (if y then (point k).2 else (point k).1) / 25.

Lemma dot_circle (k l : 'I_20) : dot (circle k) (circle l) = IZR (inner k l) / 625.
Proof. by rewrite /dot big_bool /circle /inner plus_IZR !mult_IZR /=; field. Qed.

(* close k l: the same point;  next k l: an inner product above 530 / 625 *)
Definition close (l k : nat) : bool := Z.ltb 600 (inner k l).
Definition next (l k : nat) : bool := Z.ltb 530 (inner k l) && ~~ close l k.

(* from each point one is close and two are next; all inner products are at most 625, and 600 unless close *)
Lemma neighbors : all (fun l => [&& Z.eqb (inner l l) 625, (count (close l) (iota 0 20) <= 1)%nat,
    (count (next l) (iota 0 20) <= 2)%nat & all (fun k => Z.leb (inner k l) 625) (iota 0 20)]) (iota 0 20).
Proof. by vm_compute. Qed.

Definition moment : R := exp 40 + 2 * exp (192/5) + 20 * exp 34.

(* Sketch: each term is at most e^40, and e^(192/5) unless close, and e^34 unless next; the numbers of close
   and next points are computed. *)
Lemma circle_moment (l : 'I_20) : \rsum_(k : 'I_20) exp (40 * dot (circle k) (circle l)) <= moment.
Proof.
have /allP/(_ (nat_of_ord l)) := neighbors; rewrite mem_iota ltn_ord => /(_ isT) /and4P [_ c1 c2 /allP le].
pose f k := exp (40 * (IZR (inner k l) / 625)).
have -> : \rsum_(k : 'I_20) exp (40 * dot (circle k) (circle l)) = \big[Rplus/0]_(k <- iota 0 20) f k.
  transitivity (\rsum_(k : 'I_20) f k); first by apply: eq_bigr => k _; rewrite dot_circle.
  by rewrite -(big_mkord xpredT f).
have e40 := exp_pos 40; have e38 := exp_pos (192/5); have e34 := exp_pos 34.
have term k : k \in iota 0 20 ->
    f k <= ind (close l k) * exp 40 + ind (next l k) * exp (192/5) + exp 34.
  move=> /le /Z.leb_le/IZR_le h; rewrite /f /next.
  case cl: (close l k); rewrite /= ?andbF ?andbT /=.
    have : exp (40 * (IZR (inner k l) / 625)) <= exp 40 by apply: exp_mono; lra.
    lra.
  move/negbT: cl; rewrite /close -Z.leb_antisym => /Z.leb_le/IZR_le h6.
  case nx: (Z.ltb 530 (inner k l)) => /=.
    have : exp (40 * (IZR (inner k l) / 625)) <= exp (192/5) by apply: exp_mono; lra.
    lra.
  move/negbT: nx; rewrite -Z.leb_antisym => /Z.leb_le/IZR_le h5.
  have : exp (40 * (IZR (inner k l) / 625)) <= exp 34 by apply: exp_mono; lra.
  lra.
have sum (s : seq nat) : {subset s <= iota 0 20} -> \big[Rplus/0]_(k <- s) f k <=
    INR (count (close l) s) * exp 40 + INR (count (next l) s) * exp (192/5) + INR (size s) * exp 34.
  elim: s => [|k s IH] hs; first by rewrite big_nil /=; lra.
  rewrite big_cons [count _ (k :: s)]/= [count (next l) (k :: s)]/= -[size (k :: s)]/((size s).+1) S_INR
    !plus_INR.
  have := term k (hs k (mem_head _ _)); have := IH (fun x hx => hs x (mem_behead (s := k :: s) hx)).
  have indE b : INR (nat_of_bool b) = ind b by case: b.
  by rewrite !indE; lra.
apply: Rle_trans (sum _ (fun x hx => hx)) _; have h1 := INR_le c1; have h2 := INR_le c2.
have s20 : INR (size (iota 0 20)) = 20 by rewrite size_iota INR_IZR_INZ.
by rewrite s20 /moment; move: h1 h2 => /= h1 h2; nra.
Qed.

(* e^2 moment e^(- 79/2) <= 20.  Sketch: the product is e^(5/2) (1 + 2 e^(- 8/5) + 20 e^(- 6)), and the
   three exponentials are bounded by powers of 50/49 and of 10/11. *)
Lemma moment_small : exp 2 * (moment * exp (- (79/2))) <= 20.
Proof.
have -> : exp 2 * (moment * exp (- (79/2))) = exp (5/2) * (1 + 2 * exp (- (8/5)) + 20 * exp (- 6)).
  rewrite /moment.
  have -> : exp 2 * ((exp 40 + 2 * exp (192 / 5) + 20 * exp 34) * exp (- (79 / 2)))
    = exp 2 * exp 40 * exp (- (79 / 2)) + 2 * (exp 2 * exp (192 / 5) * exp (- (79 / 2)))
      + 20 * (exp 2 * exp 34 * exp (- (79 / 2))) by ring.
  have -> : exp (5 / 2) * (1 + 2 * exp (- (8 / 5)) + 20 * exp (- 6))
    = exp (5 / 2) + 2 * (exp (5 / 2) * exp (- (8 / 5))) + 20 * (exp (5 / 2) * exp (- 6)) by ring.
  rewrite -!exp_plus; congr (exp _ + 2 * exp _ + 20 * exp _); field.
(* exp x >= 1 + x at x = - 1/50 and x = 1/10, and powers *)
have u : exp (5/2) <= 13.
  have p := exp_pos (1/50); have : 49/50 <= exp (- (1/50)) by have := exp_ineq1_le (- (1/50)); lra.
  rewrite exp_Ropp => h; have q : exp (1/50) <= 50/49.
    apply: (Rmult_le_reg_r (/ exp (1/50))); first exact: Rinv_0_lt_compat.
    by rewrite Rinv_r; lra.
  have -> : 5/2 = INR 125 * (1/50) by rewrite INR_IZR_INZ /=; field.
  rewrite exp_INR; apply: Rle_trans (pow_incr _ _ 125 (conj (Rlt_le _ _ p) q)) _.
  rewrite /Rdiv Rpow_mult_distr pow_inv; apply: Rdiv_le_l; first by apply: pow_lt; lra.
  by rewrite !pow_IZR -mult_IZR; apply: IZR_le; vm_compute.
have small (n : nat) (r : R) : 1 <= r * (11/10) ^ n -> exp (- (INR n * (1/10))) <= r.
  move=> hr; rewrite exp_Ropp exp_INR.
  have b : (11/10) ^ n <= exp (1/10) ^ n by apply: pow_incr; have := exp_ineq1_le (1/10); lra.
  have b0 : 0 < (11/10) ^ n by apply: pow_lt; lra.
  apply: (Rmult_le_reg_r (exp (1/10) ^ n)); first lra.
  by rewrite Rinv_l; nra.
have s1 : exp (- (8/5)) <= 22/100.
  have -> : 8/5 = INR 16 * (1/10) by rewrite INR_IZR_INZ /=; field.
  apply: small; rewrite /Rdiv Rpow_mult_distr pow_inv; have p0 : 0 < 10 ^ 16 by apply: pow_lt; lra.
  apply: (Rmult_le_reg_r (10 ^ 16 * 100)); first lra.
  have -> : 22 * / 100 * (11 ^ 16 * / 10 ^ 16) * (10 ^ 16 * 100) = 22 * 11 ^ 16 by field; lra.
  by rewrite Rmult_1_l !pow_IZR -!mult_IZR; apply: IZR_le; vm_compute.
have s2 : exp (- 6) <= 33/10000.
  have -> : - 6 = - (INR 60 * (1/10)) by rewrite INR_IZR_INZ /=; field.
  apply: small; rewrite /Rdiv Rpow_mult_distr pow_inv; have p0 : 0 < 10 ^ 60 by apply: pow_lt; lra.
  apply: (Rmult_le_reg_r (10 ^ 60 * 10000)); first lra.
  have -> : 33 * / 10000 * (11 ^ 60 * / 10 ^ 60) * (10 ^ 60 * 10000) = 33 * 11 ^ 60 by field; lra.
  by rewrite Rmult_1_l !pow_IZR -!mult_IZR; apply: IZR_le; vm_compute.
have u0 := exp_pos (5/2); have p1 := exp_pos (- (8/5)); have p2 := exp_pos (- 6); nra.
Qed.

(* T <= e^(2 m) unit keys of inner products at most 79/80 fit into dimension 2 m.  Sketch: words of m
   letters, a = 40: the moment times e^2 stays below the number of letters; then pairs (letter, coordinate)
   are numbered. *)
Theorem circle_keys_exist (T m : nat) : (0 < m)%nat -> INR T.-1 < exp (INR (m * 2)) ->
  exists K : 'I_T -> 'I_(m * 2) -> R, incoherent K (79/80).
Proof.
move=> m0 hT; have mr := INR_gt0 m0.
have card : (m * 2)%nat = #|[finType of 'I_m * bool]| by rewrite card_prod card_ord card_bool.
have M0 : 0 < moment by rewrite /moment; have := exp_pos 40; have := exp_pos (192/5); have := exp_pos 34; lra.
have v1 (l : 'I_20) : dot (circle l) (circle l) = 1.
  have /allP/(_ (nat_of_ord l)) := neighbors; rewrite mem_iota ltn_ord => /(_ isT) /and4P [/Z.eqb_eq e _ _ _].
  by rewrite dot_circle e; field.
have [||K [K1 K2]] := @word_keys_exist [finType of 'I_m] bool_finType [finType of 'I_20] circle 40 moment
  (79/80)
  v1 ltac:(lra) (Rlt_le _ _ M0) circle_moment _ T.
- by rewrite N_ord.
- rewrite !N_ord card_ord; have -> : INR 20 = 20 by rewrite INR_IZR_INZ.
  have -> : - (40 * (79/80 * INR m)) = INR m * - (79/2) by field.
  rewrite exp_INR -Rpow_mult_distr; set c := moment * exp (- (79/2)).
  have c0 : 0 < c by apply: Rmult_lt_0_compat => //; exact: exp_pos.
  have cm : 0 < c ^ m by apply: pow_lt.
  have e2 : exp (INR (m * 2)) = exp 2 ^ m.
    by rewrite mult_INR -exp_INR; congr exp; rewrite (INR_IZR_INZ 2).
  apply: Rlt_le_trans (_ : exp 2 ^ m * c ^ m <= _); first by apply: Rmult_lt_compat_r; rewrite -?e2.
  rewrite -Rpow_mult_distr; apply: pow_incr; split; last exact: moment_small.
  by apply: Rmult_le_pos; [exact/Rlt_le/exp_pos|exact: Rlt_le].
pose h (c : 'I_(m * 2)) : [finType of 'I_m * bool] := enum_val (cast_ord card c).
have hb : bijective h.
  exists (fun x => cast_ord (esym card) (enum_rank x)) => [c|x]; rewrite /h ?enum_valK ?cast_ordK //.
  by rewrite cast_ordKV enum_rankK.
have same i j : dot (fun c => K i (h c)) (fun c => K j (h c)) = dot (K i) (K j).
  by rewrite /dot [RHS](reindex h) //; exact: onW_bij.
by exists (fun i c => K i (h c)); split=> [i|i j ij]; rewrite same; [exact: K1|exact: K2].
Qed.

(* In D = 2 m + 1 dimensions: min (T, e^D) h / 12 bits, at lambda >= 80 ln (3 (T + n2)).  Sketch: as in
   low_dimension_numbers, with keys from the circle; one dimension more costs a factor e <= 3. *)
Theorem circle_low_dimension (T n2 m h : nat) (A := minn T (floor (exp (INR (m * 2)))))
    (act := active (geq_minl T (floor (exp (INR (m * 2)))))) :
  (0 < m)%nat -> (0 < T)%nat ->
  exists K : 'I_T -> 'I_(m * 2).+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_(m * 2).+1 -> R, (forall i o, dot (K (act i)) (B o) <= 79/80) ->
    forall lam eta delta : R, 80 * ln (3 * (INR T + INR n2)) <= lam -> 0 <= eta <= 1/2 -> delta <= 11/100 ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_(m * 2).+1 -> R) -> 'I_h -> R), 0 < N W ->
      correct_active (geq_minl T (floor (exp (INR (m * 2))))) K B lam eta compress answer delta ->
      Rmin (INR T) (exp (INR (m * 2).+1)) * INR h / 12 <= log2 (N S).
Proof.
move=> m0 T0; set x := exp (INR (m * 2)); have e0 : 0 < x by exact: exp_pos.
have x1 : 1 <= x by rewrite -exp_0; apply: exp_mono; exact: pos_INR.
have hA : INR A.-1 < x.
  have AC : INR A <= x by apply: Rle_trans (floor_le (Rlt_le _ _ e0)); apply: INR_le; exact: geq_minr.
  case: A AC => [|n] //=; rewrite -?/(INR n.+1) ?S_INR; lra.
have [F hF] := circle_keys_exist m0 hA.
exists (padded_keys F); split=> [j|B hB lam eta delta hl he hdel W S compress answer W0 hc].
  exact: padded_unit hF.
have n1 : 1 <= INR T + INR n2 by exact: tokens_ge1.
have [||l0 gap] := @sharp_enough _ (79/80) lam eta n1 _ _ he; try lra.
have hc11 : correct_active (geq_minl T (floor x)) (padded_keys F) B lam eta compress answer (11/100).
  by move=> u i c q; apply: Rle_trans (hc u i c) _; apply: Rmult_le_compat_r => //; exact: N_ge0.
have := padded_lower_bound hF _ hB l0 _ gap _ W0 hc11; move=> /(_ ltac:(lra) ltac:(lra) ltac:(lra)) main.
apply: Rle_trans main; apply: Rle_trans (rate_half (Rmult_le_pos _ _ (pos_INR A) (pos_INR h))).
have up : exp (INR (m * 2).+1) <= 3 * x.
  by rewrite S_INR Rplus_comm exp_plus; apply: Rmult_le_compat_r; [exact: Rlt_le|exact: exp_le_3].
have low : Rmin (INR T) (exp (INR (m * 2).+1)) <= 6 * INR A.
  have T1 := pos_INR T; rewrite /A /minn; case: ifP => _.
    by apply: Rle_trans (Rmin_l _ _) _; lra.
  by apply: Rle_trans (Rmin_r _ _) _; have := floor_ge_half x1; rewrite -/x; lra.
by have := pos_INR h; nra.
Qed.
