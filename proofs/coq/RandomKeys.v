(* Random keys: T sign vectors, each coordinate a fair coin, have small mutual inner products with high
   probability.  So keys need no search: the paper's random embedding, with signs where it has Gaussian
   entries, serves every cache, and a cache may be told the keys that were drawn. *)
From LowerBound Require Export Average.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- drawing one letter anew ------------------------------------------------------- *)
Section Redraw.
Variables (I A : finType).
(* redraw x i a: the word x with letter i replaced by a *)
Definition redraw (x : {ffun I -> A}) (i : I) (a : A) : {ffun I ->
  A} := [ffun j => if j == i then a else x j].

Lemma redraw_at x i a : redraw x i a i = a. Proof. by rewrite ffunE eqxx. Qed.
Lemma redraw_other x i a j : j != i -> redraw x i a j = x j. Proof. by rewrite ffunE => /negbTE ->. Qed.

(* a mean over words is a mean over words one letter of which is drawn anew *)
Lemma sum_redraw (F : {ffun I -> A} -> R) i : \rsum_x \rsum_a F (redraw x i a) = N A * \rsum_x F x.
Proof.
pose swap (p : {ffun I -> A} * A) := (redraw p.1 i p.2, p.1 i).
have swapK : involutive swap.
  move=> [x a]; rewrite /swap /= redraw_at; congr pair.
  by apply/ffunP => j; rewrite !ffunE; case: eqP => // ->.
rewrite pair_big /= (reindex_inj (inv_inj swapK)) /=.
rewrite (eq_bigr (fun p : {ffun I -> A} * A => F p.1)) => [|p _]; last by have := swapK p;
  case: p => x a [] -> _.
rewrite -(pair_big xpredT xpredT (fun x _ => F x)) /= -rsum_distr.
by apply: eq_bigr => x _; rewrite rsum_const.
Qed.
End Redraw.

(* ---------- one pair of random sign vectors ------------------------------------------------- *)
Section Pair.
Variables (Crd : finType) (mu : R).
Notation Signs := {ffun Crd -> bool}.
Hypothesis mu0 : 0 <= mu.
Notation rare := (exp (- (N Crd * mu ^ 2 / 2))).

Lemma cosh_power (a : R) : cosh a ^ #|Crd| <= exp (N Crd * a ^ 2 / 2).
Proof.
have -> : N Crd * a ^ 2 / 2 = INR #|Crd| * (a ^ 2 / 2) by rewrite /N; field.
rewrite exp_INR; apply: pow_incr; split; last exact: cosh_le_exp_square.
by have := cosh_ge1 a; lra.
Qed.

(* Hoeffding: a sign vector has inner product above mu d with another one for a fraction e^(-d mu^2 / 2) of
   all; b = 1 counts large inner products, b = -1 those that are large and negative *)
Lemma tail (b : R) (t : Signs) : b ^ 2 = 1 ->
  \rsum_(s : Signs) ind (~~ Rleb (b * sdot s t) (mu * N Crd)) <= N [finType of Signs] * rare.
Proof.
move=> b1; pose M := exp (mu * (mu * N Crd)); have M0 : 0 < M by exact: exp_pos.
apply: (Rmult_le_reg_r M) => //; rewrite Rmult_comm -rsum_distr.
apply: Rle_trans (_ : \rsum_(s : Signs) exp ((mu * b) * sdot s t) <= _).
  apply: rsum_le => s _; case: (boolP (Rleb _ _)) => [_|/RlebP/Rnot_le_lt h] /=.
    by rewrite Rmult_0_r; exact/Rlt_le/exp_pos.
  rewrite Rmult_1_r; apply: exp_mono; rewrite Rmult_assoc; apply: Rmult_le_compat_l => //; lra.
rewrite sum_exp_sdot Rpow_mult_distr Rmult_assoc.
have -> : N [finType of Signs] = 2 ^ #|Crd| by rewrite /N card_ffun card_bool INR_expn.
apply: Rmult_le_compat_l; first by apply: pow_le; lra.
apply: Rle_trans (cosh_power _) _; rewrite -exp_plus; apply: Req_le; congr exp.
by rewrite Rpow_mult_distr b1; field.
Qed.
End Pair.

(* ---------- T random sign vectors --------------------------------------------------------------- *)
Section Draw.
Variables (T d : nat) (mu : R).
(* draw: T sign vectors of d coordinates, all 2^(T d) of them equally likely *)
Definition draw : finType := [finType of {ffun 'I_T -> {ffun 'I_d -> bool}}].
(* drawn x i: the i-th key of the draw, a unit vector with entries 1 / sqrt d and - 1 / sqrt d *)
Definition drawn (x : draw) (i : 'I_T) : 'I_d -> R := key (x i).
(* apart mu x: all inner products of two keys are at most mu;  apart_both: at most mu in absolute value *)
Definition apart (x : draw) : bool := [forall i, forall j, (i != j) ==> Rleb (dot (drawn x i) (drawn x j))
  mu].
Definition apart_both (x : draw) : bool :=
  [forall i, forall j, (i != j) ==> Rleb (Rabs (dot (drawn x i) (drawn x j))) mu].
(* failure_odds: T (T - 1) / 2 e^(- d mu^2 / 2), one term for each pair *)
Definition failure_odds : R := INR T * (INR T - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)).

Hypotheses (d0 : (0 < d)%nat) (mu0 : 0 <= mu).

Let d1 : 0 < N [finType of 'I_d]. Proof. by rewrite N_ord; exact: INR_gt0. Qed.

Lemma apart_incoherent x : apart x -> incoherent (drawn x) mu.
Proof.
move=> /forallP h; split=> [i|i j ij]; last by have /forallP/(_ j)/implyP/(_ ij)/RlebP := h i.
by rewrite dot_key // sdot_self /Rdiv Rinv_r //; exact: Rgt_not_eq.
Qed.

(* each ordered pair is bad with small probability *)
Lemma pair_odds (b : R) i j : b ^ 2 = 1 -> i != j ->
  \rsum_(x : draw) ind (~~ Rleb (b * dot (drawn x i) (drawn x j)) mu)
    <= N draw * exp (- (INR d * mu ^ 2 / 2)).
Proof.
move=> b1 ij; have S0 : 0 < N [finType of {ffun 'I_d -> bool}].
  by rewrite /N card_ffun card_bool; apply: INR_gt0; rewrite expn_gt0.
apply: (Rmult_le_reg_l _ _ _ S0); rewrite -(sum_redraw _ i).
have -> : N [finType of {ffun 'I_d -> bool}] * (N draw * exp (- (INR d * mu ^ 2 / 2)))
        = N draw * (N [finType of {ffun 'I_d -> bool}] * exp (- (N [finType of 'I_d] * mu ^ 2 / 2))).
  by rewrite N_ord; have e (x y z : R) : x * (y * z) = y * (x * z) by [ring]; exact: e.
rewrite -rsum_const; apply: rsum_le => x _; apply: Rle_trans (tail mu0 (x j) b1).
apply: rsum_le => s _; rewrite /drawn redraw_at redraw_other 1?eq_sym // dot_key //.
case: (boolP (Rleb _ mu)) => [_|/RlebP h]; first exact: (proj1 (ind_01 _)).
case: (boolP (Rleb _ (mu * _))) => [/RlebP h'|_]; last lra; exfalso; apply: h.
have -> : b * (sdot s (x j) / N [finType of 'I_d]) = b * sdot s (x j) / N [finType of 'I_d] by rewrite /Rdiv;
  ring.
exact: Rdiv_le_l.
Qed.

(* pairs i < j: half of all ordered pairs *)
Lemma pairs_count : \rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (i < j)%nat = INR T * (INR T - 1) / 2.
Proof.
have sym : \rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (j < i)%nat = \rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (i <
  j)%nat.
  by rewrite exchange_big.
have all : \rsum_(i : 'I_T) \rsum_(j : 'I_T) (ind (i < j)%nat + ind (j < i)%nat) = INR T * (INR T - 1).
  rewrite -(N_ord T) -rsum_const; apply: eq_bigr => i _.
  rewrite -(N_others (A := [finType of 'I_T]) i) -sum_ind; apply: eq_bigr => j _.
  have -> : (j != i) = (j != i :> nat) by [].
  by rewrite /ind; case: ltngtP => _ /=; ring.
have split2 : \rsum_(i : 'I_T) \rsum_(j : 'I_T) (ind (i < j)%nat + ind (j < i)%nat) =
  \rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (i < j)%nat + \rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (j < i)%nat.
  by rewrite -big_split; apply: eq_bigr => i _; rewrite big_split.
by move: all; rewrite split2 sym; lra.
Qed.

(* if a draw is bad only where some pair i < j is, the odds of all pairs add up.  Sketch: 1 (bad) is at most
   the sum over pairs i < j of 1 (hit), which is summed over all draws pair by pair; there are T (T - 1) / 2
   such pairs. *)
Lemma union_odds (bad : pred draw) (hit : draw -> 'I_T -> 'I_T -> bool) (e : R) :
  (forall x, bad x -> exists i j : 'I_T, (i < j)%nat /\ hit x i j) ->
  (forall i j : 'I_T, i != j -> \rsum_x ind (hit x i j) <= N draw * e) ->
  INR #|[pred x | bad x]| <= INR T * (INR T - 1) / 2 * e * N draw.
Proof.
move=> hb hp; rewrite -sum_ind.
apply: Rle_trans (_ : \rsum_x \rsum_(i : 'I_T) \rsum_(j : 'I_T) (ind (i < j)%nat * ind (hit x i j)) <= _).
  apply: rsum_le => x _; have t0 (i j : 'I_T) : 0 <= ind (i < j)%nat * ind (hit x i j).
    by have := ind_01 (i < j)%nat; have := ind_01 (hit x i j); nra.
  case: (boolP (bad x)) => [/hb [i [j [ij hij]]]|_] /=; last first.
    by apply: rsum_ge0 => i _; apply: rsum_ge0 => j _; exact: t0.
  have h1 := rsum_term (f := fun l : 'I_T => ind (i < l)%nat * ind (hit x i l)) j (t0 i).
  have h2 : \rsum_(l : 'I_T) (ind (i < l)%nat * ind (hit x i l))
    <= \rsum_(k : 'I_T) \rsum_(l : 'I_T) (ind (k < l)%nat * ind (hit x k l)).
    apply: (rsum_term (f := fun k : 'I_T => \rsum_(l : 'I_T) (ind (k < l)%nat * ind (hit x k l)))) => k.
    by apply: rsum_ge0 => l _; exact: t0.
  by apply: Rle_trans h2; apply: Rle_trans h1; rewrite ij hij /=; lra.
rewrite -pairs_count exchange_big /=.
have -> : (\rsum_(i : 'I_T) \rsum_(j : 'I_T) ind (i < j)%nat) * e * N draw
        = \rsum_(i : 'I_T) \rsum_(j : 'I_T) (ind (i < j)%nat * (N draw * e)).
  rewrite Rmult_assoc (Rmult_comm e) big_distrl /=; apply: eq_bigr => i _; by rewrite big_distrl.
apply: rsum_le => i _; rewrite exchange_big /=; apply: rsum_le => j _; rewrite rsum_distr.
case: (ltnP i j) => ij; last by rewrite /= !Rmult_0_l; lra.
by rewrite /= !Rmult_1_l; apply: hp; rewrite neq_ltn ij.
Qed.

(* one-sided: T keys fail with probability at most T (T - 1) / 2 e^(- d mu^2 / 2) *)
Theorem random_keys : INR #|[pred x | ~~ apart x]| <= failure_odds * N draw.
Proof.
apply: (@union_odds _ (fun x i j => ~~ Rleb (1 * dot (drawn x i) (drawn x j)) mu)) => [x|i j ij].
  rewrite negb_forall => /existsP [i]; rewrite negb_forall => /existsP [j];
    rewrite negb_imply => /andP [ij h].
  have : i != j :> nat by []. rewrite neq_ltn => /orP [l|l]; first by exists i, j; rewrite Rmult_1_l.
  by exists j, i; rewrite Rmult_1_l dot_sym.
by apply: pair_odds => //; ring.
Qed.

(* two-sided: twice that.  Sketch: |p| > mu is p > mu or - p > mu, two tails for each pair. *)
Theorem random_keys_both : INR #|[pred x | ~~ apart_both x]| <= 2 * failure_odds * N draw.
Proof.
have -> : 2 * failure_odds * N draw = INR T * (INR T - 1) / 2 * (2 * exp (- (INR d * mu ^ 2 / 2))) * N draw.
  by rewrite /failure_odds; field.
apply: (@union_odds _ (fun x i j => ~~ Rleb (Rabs (dot (drawn x i) (drawn x j))) mu)) => [x|i j ij].
  rewrite negb_forall => /existsP [i]; rewrite negb_forall => /existsP [j];
    rewrite negb_imply => /andP [ij h].
  have : i != j :> nat by []. rewrite neq_ltn => /orP [l|l]; first by exists i, j.
  by exists j, i; rewrite dot_sym.
have up := @pair_odds 1 i j ltac:(ring) ij; have down := @pair_odds (-1) i j ltac:(ring) ij.
apply: Rle_trans (_ : _ <= \rsum_(x : draw) (ind (~~ Rleb (1 * dot (drawn x i) (drawn x j)) mu)
                                         + ind (~~ Rleb (-1 * dot (drawn x i) (drawn x j)) mu))) _;
                                           last first.
  rewrite big_split /=; apply: Rle_trans (Rplus_le_compat _ _ _ _ up down) _.
  by have e (n x : R) : n * x + n * x = n * (2 * x) by [ring]; exact: (Req_le _ _ (e _ _)).
apply: rsum_le => x _; set p := dot _ _.
have i1 := ind_01 (~~ Rleb (1 * p) mu); have i2 := ind_01 (~~ Rleb (-1 * p) mu).
case: (boolP (Rleb (Rabs p) mu)) => [_|/RlebP h] /=; first lra.
case: (boolP (Rleb (1 * p) mu)) i1 i2 => [/RlebP h1|_] i1 i2 /=; last lra.
case: (boolP (Rleb (-1 * p) mu)) i1 i2 => [/RlebP h2|_] i1 i2 /=; last lra.
by exfalso; apply: h; apply: Rabs_le; lra.
Qed.

(* a function that is at most a in the mean over all draws is at most a / (1 - odds) for some draw that is
   good.  Sketch: otherwise f is above a / (1 - odds) on all good draws, which are at least (1 - odds) of
   all, so that its mean is above a. *)
Lemma good_draw (f : draw -> R) (a : R) : failure_odds < 1 -> (forall x, 0 <= f x) ->
  \rsum_x f x <= a * N draw -> exists x, apart x /\ f x <= a / (1 - failure_odds).
Proof.
move=> p1 f0 hf; case: (boolP [exists x, apart x && Rleb (f x) (a / (1 - failure_odds))]).
  by move=> /existsP [x /andP [hx /RlebP h]]; exists x.
rewrite negb_exists => /forallP no; exfalso; set y := a / (1 - failure_odds) in no.
have X1 : 1 <= N draw by apply: (@N_ge1 draw [ffun _ => [ffun _ => true]]).
have good : (1 - failure_odds) * N draw <= INR #|[pred x | apart x]|.
  have := random_keys; rewrite -!sum_ind => h.
  have -> : \rsum_x ind (apart x) = N draw + - \rsum_x ind (~~ apart x).
    have -> : N draw = \rsum_(x : draw) (ind (apart x) + ind (~~ apart x)).
      by rewrite -[LHS]Rmult_1_r -rsum_const; apply: eq_bigr => x _; case: (apart x) => /=; ring.
    by rewrite big_split /=; ring.
  by lra.
have far x : apart x -> y < f x.
  by move=> hx; have := no x; rewrite hx /= => /RlebP/Rnot_le_lt.
have cnt : 0 < INR #|[pred x | apart x]| by nra.
have [x0 hx0] : exists x, apart x.
  case: (pickP apart) => [x hx|none]; first by exists x.
  by move: cnt; rewrite eq_card0 /=; [lra|move=> x; rewrite inE none].
have lt : INR #|[pred x | apart x]| * y < \rsum_(x | apart x) f x.
  have y0 : 0 < \rsum_(x | apart x) (f x + - y).
    rewrite (bigD1 x0) //=; apply: Rplus_lt_le_0_compat; first by have := far _ hx0; lra.
    by apply: rsum_ge0 => x /andP [/far hx _]; lra.
  move: y0; rewrite big_split /= rsum_const_card.
  by have e (n s : R) : 0 < s + n * - y -> n * y < s by [lra]; exact: e.
have le : \rsum_(x | apart x) f x <= \rsum_x f x.
  rewrite [X in _ <= X](bigID apart) /=; rewrite -[X in X <= _]Rplus_0_r; apply: Rplus_le_compat_l.
  by apply: rsum_ge0 => x _; exact: f0.
have ay : a = (1 - failure_odds) * y by rewrite /y; field; lra.
have y0 : 0 <= y.
  have a0 : 0 <= a * N draw by apply: Rle_trans hf; exact: rsum_ge0.
  have {}a0 : 0 <= a by apply: Rnot_lt_le => h; nra.
  by apply: Rdiv_le_r; lra.
have := Rmult_le_compat_r _ _ _ y0 good; nra.
Qed.
End Draw.

(* ---------- the theorem with random keys ------------------------------------------------------------ *)
Section RandomHeadline.
Variables (T n2 d h : nat) (mu eta delta : R).
Notation draw := (draw (T + n2) d).
(* the first T vectors of a draw are the cached keys, the others are Bob's *)
Definition drawn_cached (x : draw) (i : 'I_T) : 'I_d -> R := drawn x (lshift n2 i).
Definition drawn_own (x : draw) (o : 'I_n2) : 'I_d -> R := drawn x (rshift T o).
Notation odds := (failure_odds (T + n2) d mu).
Notation lam := (lambda_relative (INR T + INR n2) mu eta).

Hypotheses (d0 : (0 < d)%nat) (T0 : (0 < T)%nat) (hmu : 0 < mu < 1) (he : 0 <= eta < 1).

Lemma good_draw_keys x : apart mu x ->
  incoherent (drawn_cached x) mu /\ forall i o, dot (drawn_cached x i) (drawn_own x o) <= mu.
Proof.
move=> /(apart_incoherent d0) [h1 h2]; split=> [|i o]; last by apply: h2; rewrite eq_lrshift.
by split=> [i|i j ij]; [exact: h1|apply: h2; rewrite eq_lshift].
Qed.

(* almost every draw serves every cache *)
Theorem random_keys_headline : 0 <= delta <= 1/2 ->
  exists good : pred draw, INR #|[pred x | ~~ good x]| <= odds * N draw /\
    forall x, good x -> forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
      (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct_in_mean (drawn_cached x) (drawn_own x) lam ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
move=> hd; exists (apart mu); split=> [|x /good_draw_keys [hK hB] W S compress answer W0 hc].
  by apply: random_keys d0 _; lra.
exact: relative_with T0 hmu he hd _ _ _ _ _ _ hK hB W0 hc.
Qed.

(* and it is enough that a cache, told the draw, is right in the mean over the draws as well *)
Theorem random_keys_average (W S : finType) (compress : draw -> W -> ('I_T -> 'I_h -> R) -> S)
    (answer : draw -> W -> S -> ('I_d -> R) -> 'I_h -> R) :
  odds < 1 -> 0 <= delta <= (1 - odds) / 2 -> 0 < N W ->
  \rsum_(x : draw) \rsum_(b : {ffun 'I_T * 'I_h -> bool}) \rsum_(i : 'I_T) \rsum_(c : 'I_h)
     failed (drawn_cached x) (drawn_own x) lam ind (approx eta) (compress x) (answer x) b i c
    <= delta * (N W * N [finType of {ffun 'I_T * 'I_h -> bool}] * (INR T * INR h)) * N draw ->
  (1 - H2 (delta / (1 - odds))) * (INR T * INR h) <= log2 (N S).
Proof.
move=> p1 hd W0 hc; have mu0 : 0 <= mu by lra.
have [|x [/good_draw_keys [hK hB] hx]] := good_draw d0 mu0 p1 _ hc.
  move=> x; apply: rsum_ge0 => b _; apply: rsum_ge0 => i _; apply: rsum_ge0 => c _; exact: pos_INR.
have hd' : 0 <= delta / (1 - odds) <= 1/2 by split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
apply: (relative_with T0 hmu he hd' hK hB W0 (compress := compress x) (answer := answer x)).
apply: Rle_trans hx _; rewrite !N_ord; have e (a b p : R) : a * b / p = a / p * b by rewrite /Rdiv; ring.
exact: Req_le (e _ _ _).
Qed.
End RandomHeadline.
