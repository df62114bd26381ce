(* INDEX: a message from which every symbol can be recovered must be long.
   Public coins, average error, any alphabets; no mutual information is needed. *)
From LowerBound Require Export Prelude.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- words with one alphabet per index ------------------------------- *)
Section Words.
Variables (I : finType) (A : I -> finType).
Notation X := {dffun forall i, A i}.

(* N_words: the number of words, as a real number *)
Definition N_words : R := N [finType of X].

Lemma rsum_const_words (c : R) : \rsum_(x : X) c = N_words * c.
Proof. exact: rsum_const. Qed.

Lemma card_words : N_words = \rprod_i N (A i).
Proof.
by rewrite /N_words /N -INR_prod card_dep_ffun; congr INR; rewrite /image_mem enumT foldrE big_map.
Qed.

(* a product of sums, one sum per letter, is a sum over words *)
Lemma prod_sum_words (x0 : X) (F : forall i, A i -> R) :
  \rprod_i (\rsum_(a : A i) F i a) = \rsum_(x : X) \rprod_i F i (x i).
Proof.
pose cast i (j : {i : I & A i}) : A i := tagged_as (Tagged A (x0 i)) j.
have cK i (a : A i) : cast i (Tagged A a) = a by rewrite /cast tagged_asE.
transitivity (\rprod_i \rsum_(j | tag j == i) F i (cast i j)).
  apply: eq_bigr => i _; rewrite (reindex_onto (fun a => Tagged A a) (cast i)) /=.
    by apply: eq_big => [a|a _]; rewrite cK ?eqxx.
  by case=> k a /= /eqP e; case: _ / e in a *; rewrite cK.
rewrite (bigA_distr_big_dep (fun i j => tag j == i) (fun i j => F i (cast i j))).
rewrite (reindex_onto (fun x : X => [ffun i => Tagged A (x i)])
                      (fun f => [ffun i => cast i (f i)] : X)) /=.
  apply: eq_big => [x|x _]; last by apply: eq_bigr => i _; rewrite ffunE cK.
  have -> : ([ffun i => Tagged A (x i)] \in finfun.family (fun i (j : {i : I & A i}) => tag j == i)) = true.
    by apply/familyP => i; rewrite ffunE; exact: eqxx.
  rewrite andTb; apply: (introT eqP).
  by apply/ffunP => i; rewrite !ffunE cK.
move=> f /familyP hf; apply/ffunP => i; rewrite !ffunE.
have := hf i; case: (f i) => k a /eqP /= e.
by case: _ / e in a *; rewrite cK.
Qed.
End Words.

(* ---------- entropy and Fano's rate ------------------------------------------- *)
(* H2: entropy of a coin of bias p, in bits; H2n: the same in nats *)
Definition H2 (p : R) : R := - p * log2 p - (1 - p) * log2 (1 - p).
Definition H2n (p : R) : R := - p * ln p - (1 - p) * ln (1 - p).
(* fano L delta: bits needed per symbol of an alphabet of size L known with error delta *)
Definition fano (L delta : R) : R := log2 L - H2 delta - delta * log2 (L - 1).
Definition fano_nat (L delta : R) : R := ln L - H2n delta - delta * ln (L - 1).

Lemma H2_0 : H2 0 = 0.
Proof. by rewrite /H2 /log2 Rminus_0_r ln_1 (ln_nonpos (Rle_refl 0)) /Rdiv; ring. Qed.

(* no error: the whole symbol *)
Lemma fano_exact L : fano L 0 = log2 L.
Proof. by rewrite /fano H2_0; ring. Qed.

(* one bit: the usual 1 - H2 *)
Lemma fano_binary delta : fano 2 delta = 1 - H2 delta.
Proof.
have l2 := ln2_gt0; rewrite /fano; have -> : 2 - 1 = 1 by ring.
by rewrite /log2 ln_1 /Rdiv Rinv_r; lra.
Qed.

(* a coin has at most one bit of entropy: H2 p - 1 = sum over both sides of p log2 (1 / (2 p)), and ln x <= x
   - 1 *)
Lemma side_ge p : 0 <= p -> - p * ln p <= p * ln 2 + 1/2 - p.
Proof.
case=> [p0|<-]; last by lra.
have e := exp_ineq1_le (ln (/ (2 * p))); rewrite exp_ln in e; last by apply: Rinv_0_lt_compat; lra.
rewrite ln_Rinv ?ln_mult in e; try lra.
have : p * (1 + - (ln 2 + ln p)) <= p * / (2 * p) by apply: Rmult_le_compat_l; lra.
have -> : p * / (2 * p) = 1/2 by field; lra.
by lra.
Qed.

Lemma H2_le1 p : 0 <= p <= 1 -> H2 p <= 1.
Proof.
move=> [p0 p1]; have l2 := ln2_gt0; have a := side_ge p0; have b : 0 <= 1 - p by lra.
have {b} b := side_ge b; apply: (Rmult_le_reg_r (ln 2)) => //.
have -> : H2 p * ln 2 = - p * ln p + - (1 - p) * ln (1 - p) by rewrite /H2 /log2; field; lra.
by lra.
Qed.

Lemma fano_bits L delta : fano L delta * ln 2 = fano_nat L delta.
Proof. by have l2 := ln2_gt0; rewrite /fano /fano_nat /H2 /H2n /log2; field; lra. Qed.

(* the weight of a wrong symbol that makes the bound below sharpest *)
Definition best_weight (L delta : R) : R := delta / ((1 - delta) * (L - 1)).

(* Sketch: delta = 0 is a case apart, in which the weight is 0. Otherwise L > 1, and delta <= 1 - 1/L says
   that the weight is at most 1, so that its logarithm is not positive; the two equations are algebra. *)
Lemma best_weight_facts L delta : 1 <= L -> 0 <= delta <= 1 - / L ->
  [/\ delta < 1 /\ 0 <= best_weight L delta, best_weight L delta = 0 -> delta = 0,
      0 <= - ln (best_weight L delta), 1 + (L - 1) * best_weight L delta = / (1 - delta)
    & ln L - delta * - ln (best_weight L delta) + ln (1 - delta) = fano_nat L delta].
Proof.
move=> L1 [d0 dL]; have iL : 0 < / L by apply: Rinv_0_lt_compat; lra.
have d1 : delta < 1 by lra.
case: d0 => [d0|d0]; last first.
  rewrite /best_weight -d0 /Rdiv Rmult_0_l (ln_nonpos (Rle_refl 0)) Rminus_0_r ln_1 Rinv_1.
  split=> //; try lra.
  by rewrite /fano_nat /H2n Rminus_0_r ln_1; ring.
have Lp : 0 < L - 1.
  by apply: Rnot_le_lt => h; have e : L = 1 by [lra]; move: dL; rewrite e Rinv_1; lra.
have dp : 0 < 1 - delta by lra.
have den : 0 < (1 - delta) * (L - 1) by nra.
have gp : 0 < best_weight L delta by exact: Rdiv_lt_0_compat.
have g1 : best_weight L delta <= 1.
  apply: Rdiv_le_l => //; have : delta * L <= (1 - / L) * L by apply: Rmult_le_compat_r; lra.
  have -> : (1 - / L) * L = L - 1 by field; lra.
  nra.
split=> //; try lra.
- by have := ln_le gp g1; rewrite ln_1; lra.
- by rewrite /best_weight; field; lra.
rewrite /fano_nat /H2n {1}/best_weight /Rdiv ln_mult //; last exact: Rinv_0_lt_compat.
by rewrite ln_Rinv // ln_mult //; ring.
Qed.

(* ---------- the bound ------------------------------------------------------------- *)
Section Index.
Variables (I : finType) (A : I -> finType).
Notation X := {dffun forall i, A i}.
Variables (x0 : X).                                              (* the alphabets are not empty *)
Variables (W S : finType) (enc : W -> X -> S) (dec : W -> S -> X).   (* W coins, S messages *)
(* wrong w x i: 1 if symbol i of x is decoded wrongly under coins w *)
Definition wrong (w : W) (x : X) (i : I) : R := ind (x i != dec w (enc w x) i).

Lemma wrong_ge0 w x i : 0 <= wrong w x i. Proof. exact: (proj1 (ind_01 _)). Qed.

Lemma never_wrong i : \rsum_(w : W) \rsum_(x : X) wrong w x i <= 0 ->
  forall w (x : X), x i = dec w (enc w x) i.
Proof.
move=> h w x; have g u : 0 <= \rsum_(v : X) wrong u v i by apply: rsum_ge0 => v _; exact: wrong_ge0.
have h1 := rsum_term (f := fun v => wrong w v i) x (fun v => wrong_ge0 w v i).
have h2 := rsum_term (f := fun u => \rsum_(v : X) wrong u v i) w g.
have {h h1 h2 g} : wrong w x i <= 0 by move: h h1 h2 => /=; lra.
by rewrite /wrong /ind; case: eqP => //= _; lra.
Qed.

(* weigh a word by g i for each symbol in which it differs from y *)
Lemma sum_of_weights (g : I -> R) (y : X) :
  \rsum_(x : X) \rprod_i (if x i != y i then g i else 1) = \rprod_i (1 + (N (A i) - 1) * g i).
Proof.
rewrite -(prod_sum_words x0 (fun i a => if a != y i then g i else 1)).
apply: eq_bigr => i _; rewrite (bigD1 (y i)) //= eqxx /=; congr (1 + _).
by rewrite (eq_bigr (fun _ => g i)) => [|a ->]; rewrite ?rsum_const_card ?N_others.
Qed.

(* Any weights, and any lengths of messages (in nats) with sum of e^(- length) at most Z under all coins: a
   message accounts for at most the total weight around its decoding times e^(- length), and what the true
   word gets is at least the exponential of minus its mean cost and length (e^u >= 1 + u). g i = 0 is
   allowed where no error is ever made. *)
Theorem index_weights (g : I -> R) (len : W -> S -> R) (Z t : R) :
  0 < N W -> (forall i, 0 <= g i) ->
  (forall i, g i = 0 -> forall w (x : X), x i = dec w (enc w x) i) ->
  (forall w, \rsum_(s : S) exp (- len w s) <= Z) ->
  \rsum_(w : W) \rsum_(x : X) (len w (enc w x) + \rsum_i (- ln (g i) * wrong w x i)) <= t * (N W * N_words A)
    ->
  N_words A * exp (- t) <= Z * \rprod_i (1 + (N (A i) - 1) * g i).
Proof.
move=> W0 g0 gz hZ herr; set NX := N_words A in herr *.
pose Q w y (x : X) := \rprod_i (if x i != dec w y i then g i else 1).
pose P w (x : X) := exp (- len w (enc w x)) * Q w (enc w x) x.
pose D w (x : X) := len w (enc w x) + \rsum_i (- ln (g i) * wrong w x i).
have Q0 w y x : 0 <= Q w y x by apply: rprod_ge0 => i; case: ifP => // _; lra.
have PD w x : P w x = exp (- D w x).
  rewrite Ropp_plus_distr exp_plus -rsum_opp exp_rsum; congr (_ * _); apply: eq_bigr => i _;
    rewrite /wrong /ind.
  case: eqP => [_|ne]; rewrite /= ?Rmult_0_r ?Ropp_0 ?exp_0 //.
  rewrite Rmult_1_r Ropp_involutive exp_ln //.
  by case: (g0 i) => // e; case: ne; exact: gz.
have G0 : 0 <= \rprod_i (1 + (N (A i) - 1) * g i).
  by apply: rprod_ge0 => i; have := N_ge1 (x0 i); have := g0 i; nra.
have up w : \rsum_(x : X) P w x <= Z * \rprod_i (1 + (N (A i) - 1) * g i).
  apply: Rle_trans (Rmult_le_compat_r _ _ _ G0 (hZ w)); rewrite big_distrl /=.
  under [V in _ <= V]eq_bigr => s _ do rewrite -(sum_of_weights g (dec w s)) -rsum_distr.
  rewrite exchange_big /=; apply: rsum_le => x _.
  apply: (@rsum_term S (fun s => exp (- len w s) * Q w s x) (enc w x)) => s.
  by apply: Rmult_le_pos => //; exact/Rlt_le/exp_pos.
have lo w x : exp (- t) * (1 + t) + (- exp (- t)) * D w x <= P w x.
  rewrite PD; have -> : - D w x = - t + (t - D w x) by ring.
  by rewrite exp_plus; have := exp_ineq1_le (t - D w x); have := exp_pos (- t); nra.
have hs : \rsum_(w : W) \rsum_(x : X) P w x <= N W * (Z * \rprod_i (1 + (N (A i) - 1) * g i)).
  by rewrite -rsum_const; apply: rsum_le => w _; apply: up.
have hl : \rsum_(w : W) \rsum_(x : X) (exp (- t) * (1 + t) + (- exp (- t)) * D w x)
          <= \rsum_(w : W) \rsum_(x : X) P w x.
  by apply: rsum_le => w _; apply: rsum_le => x _; apply: lo.
apply: (Rmult_le_reg_l (N W)) => //; apply: Rle_trans hs; apply: Rle_trans hl.
under [V in _ <= V]eq_bigr => w _ do rewrite big_split /= rsum_const_words rsum_distr.
rewrite big_split /= rsum_const rsum_distr -/NX.
have : exp (- t) * (\rsum_w \rsum_x D w x) <= exp (- t) * (t * (N W * NX)).
  by apply: Rmult_le_compat_l; [exact/Rlt_le/exp_pos|exact: herr].
set E := \rsum_w _; set U := exp (- t) * E => hU.
have -> : - exp (- t) * E = - U by rewrite /U; ring.
have -> : N W * (NX * exp (- t)) = N W * (NX * (exp (- t) * (1 + t))) - exp (- t) * (t * (N W * NX)) by ring.
lra.
Qed.

Lemma words_gt0 : 0 < N_words A. Proof. exact: Rlt_le_trans Rlt_0_1 (N_ge1 x0). Qed.

(* the best weights, and logarithms of both sides: messages of mean length m nats.  Sketch: index_weights at
   the best weights; then best_weight_facts term by term. *)
Lemma index_lengths (delta : I -> R) (cost := fun i => - ln (best_weight (N (A i)) (delta i)))
    (len : W -> S -> R) (Z m : R) :
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, delta i = 0 -> forall w (x : X), x i = dec w (enc w x) i) ->
  (forall w, \rsum_(s : S) exp (- len w s) <= Z) ->
  \rsum_(w : W) \rsum_(x : X) (len w (enc w x) + \rsum_i (cost i * wrong w x i))
     <= (m + \rsum_i (delta i * cost i)) * (N W * N_words A) ->
  (\rsum_i fano (N (A i)) (delta i)) * ln 2 <= m + ln Z.
Proof.
rewrite {}/cost => W0 hd hz hZ; set t := \rsum_i (delta i * _) => herr.
have A1 i : 1 <= N (A i) by exact: N_ge1 (x0 i).
have gf i := best_weight_facts (A1 i) (hd i).
have g0 i : 0 <= best_weight (N (A i)) (delta i) by have [[]] := gf i.
have gz i : best_weight (N (A i)) (delta i) = 0 -> forall w (x : X), x i = dec w (enc w x) i.
  by move=> h; apply: hz; case: (gf i) => _ /(_ h).
have := index_weights W0 g0 gz hZ herr.
rewrite (eq_bigr (fun i => / (1 - delta i))) => [h|i _]; last by case: (gf i).
have pd i : 0 < 1 - delta i by have [[]] := gf i; lra.
have ip i : 0 < / (1 - delta i) by apply: Rinv_0_lt_compat.
have X0 := words_gt0; have pp := rprod_gt0 ip.
have Z0 : 0 < Z.
  have e0 := exp_pos (- (m + t)); apply: (Rmult_lt_reg_r (\rprod_i / (1 - delta i))) => //.
  by rewrite Rmult_0_l; nra.
have {h} : ln (N_words A * exp (- (m + t))) <= ln (Z * \rprod_i / (1 - delta i)).
  by apply: ln_le => //; apply: Rmult_lt_0_compat => //; exact: exp_pos.
rewrite !ln_mult //; last exact: exp_pos.
have Ap i : 0 < N (A i) by have := A1 i; lra.
rewrite ln_exp card_words !ln_rprod // => h.
rewrite Rmult_comm -rsum_distr.
rewrite (eq_bigr (fun i => ln (N (A i)) + - (delta i * - ln (best_weight (N (A i)) (delta i)))
     + - ln (/ (1 - delta i)))); last first.
  by move=> i _; rewrite Rmult_comm fano_bits; case: (gf i) => _ _ _ _ <-; rewrite ln_Rinv //; ring.
by rewrite !big_split /= !rsum_opp -/t; lra.
Qed.

(* one fixed length: all messages weigh the same *)
Lemma index_best_weights (delta : I -> R) (cost := fun i => - ln (best_weight (N (A i)) (delta i))) :
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, delta i = 0 -> forall w (x : X), x i = dec w (enc w x) i) ->
  \rsum_(w : W) \rsum_(x : X) \rsum_i (cost i * wrong w x i)
     <= (\rsum_i (delta i * cost i)) * (N W * N_words A) ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> W0 hd hz herr; apply: (Rmult_le_reg_r (ln 2)); first exact: ln2_gt0.
rewrite log2_ln -[X in _ <= X]Rplus_0_l; apply: (@index_lengths delta (fun _ _ => 0)) => // [w|].
  by rewrite Ropp_0 exp_0 rsum_const Rmult_1_r; exact: Rle_refl.
rewrite Rplus_0_l; apply: Rle_trans herr; apply: rsum_le => w _; apply: rsum_le => x _.
by rewrite Rplus_0_l; exact: Rle_refl.
Qed.

(* every index has its own alphabet and its own error, averaged over coins and words *)
Theorem index_lower_bound (delta : I -> R) :
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(w : W) \rsum_(x : X) wrong w x i <= delta i * (N W * N_words A)) ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> W0 hd herr; apply: (index_best_weights W0 hd) => [i di|].
  by apply: never_wrong; have := herr i; rewrite di Rmult_0_l.
under eq_bigr => w _ do rewrite exchange_big /=.
rewrite exchange_big /= Rmult_comm -rsum_distr; apply: rsum_le => i _.
have [_ _ a0 _ _] := best_weight_facts (N_ge1 (x0 i)) (hd i).
have := Rmult_le_compat_l _ _ _ a0 (herr i); rewrite -rsum_distr.
under eq_bigr => w _ do rewrite -rsum_distr.
by move=> h; apply: Rle_trans h _; apply: Req_le; ring.
Qed.
End Index.

(* ---------- one alphabet for all indices --------------------------------------------- *)
Section OneAlphabet.
Variables (I A W S : finType) (a0 : A).
Variables (enc : W -> {ffun I -> A} -> S) (dec : W -> S -> {ffun I -> A}).

(* only the mean error over coins, words and indices is bounded *)
Theorem index_mean (delta : R) :
  0 < N W -> 0 <= delta <= 1 - / N A ->
  \rsum_(w : W) \rsum_(x : {ffun I -> A}) \rsum_i ind (x i != dec w (enc w x) i)
      <= delta * N I * (N W * N [finType of {ffun I -> A}]) ->
  N I * fano (N A) delta <= log2 (N S).
Proof.
move=> W0 hd herr; rewrite -rsum_const.
have [_ _ a1 _ _] := best_weight_facts (N_ge1 a0) hd; set a := - ln _ in a1.
apply: (@index_best_weights I (fun _ => A) [ffun _ => a0] W S enc dec (fun _ => delta)) => // [i d0|].
  apply: never_wrong; move: herr; rewrite d0 !Rmult_0_l => herr.
  apply: Rle_trans herr; apply: rsum_le => w _; apply: rsum_le => x _.
  by apply: (rsum_term (f := wrong enc dec w x)) => j; exact: wrong_ge0.
rewrite rsum_const -/a; under eq_bigr => w _ do under eq_bigr => x _ do rewrite rsum_distr.
under eq_bigr => w _ do rewrite rsum_distr.
rewrite rsum_distr; apply: Rle_trans (Rmult_le_compat_l _ _ _ a1 herr) _.
have e (u v x y z : R) : u * (v * x * (y * z)) = x * (v * u) * (y * z) by ring.
by apply: Req_le; exact: e.
Qed.

(* no errors: every symbol costs its full log2 *)
Corollary index_exact : 0 < N W -> (forall w x, dec w (enc w x) = x) -> N I * log2 (N A) <= log2 (N S).
Proof.
move=> W0 h; rewrite -[log2 (N A)]fano_exact; apply: index_mean => //.
  have A1 := N_ge1 a0; have : / N A <= / 1 by apply: Rinv_le_contravar; lra.
  by rewrite Rinv_1; lra.
rewrite !Rmult_0_l; apply: Req_le; rewrite big1 // => w _; rewrite big1 // => x _.
by rewrite big1 // => i _; rewrite h eqxx.
Qed.
End OneAlphabet.

(* m bits with mean error delta cost (1 - H2 delta) m bits *)
Corollary index_binary (I W S : finType) (enc : W -> {ffun I -> bool} -> S) (dec : W -> S -> {ffun I -> bool})
    (delta : R) :
  0 < N W -> 0 <= delta <= 1/2 ->
  \rsum_(w : W) \rsum_(x : {ffun I -> bool}) \rsum_i ind (x i != dec w (enc w x) i)
      <= delta * N I * (N W * N [finType of {ffun I -> bool}]) ->
  (1 - H2 delta) * N I <= log2 (N S).
Proof.
move=> W0 hd herr; rewrite -fano_binary -N_bool Rmult_comm.
by apply: (index_mean true W0 _ herr); rewrite N_bool; lra.
Qed.
