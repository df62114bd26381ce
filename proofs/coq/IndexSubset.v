(* INDEX on words that need not form a product: a family of words costs its log-density once.
   The decoder of a symbol may be told the symbols of lower rank, and the questions he asks may depend on
   them. *)
From LowerBound Require Export Index.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* exchange p q: the map that exchanges p and q *)
Definition exchange (T : eqType) (p q a : T) : T := if a == p then q else if a == q then p else a.

Lemma exchange_inj (T : eqType) (p q : T) : injective (exchange p q).
Proof.
suff K : involutive (exchange p q) by exact: inv_inj.
move=> a; rewrite /exchange; case: (eqVneq a p) => [->|ap].
  by rewrite eqxx; case: eqVneq.
by case: (eqVneq a q) => [->|aq]; [rewrite eqxx|rewrite (negbTE ap) (negbTE aq)].
Qed.

Lemma exchange_eq (T : eqType) (p q a : T) : (exchange p q a == q) = (a == p).
Proof.
rewrite /exchange; case: (eqVneq a p) => [_|ap]; first by rewrite eqxx.
by case: (eqVneq a q) => [aq|/negbTE ->] //; rewrite -aq eq_sym (negbTE ap).
Qed.

(* a sum over the image of an injection is at most the sum over everything *)
Lemma sum_injective_le (X Y : finType) (y0 : Y) (f : Y -> X) (F : X -> R) :
  injective f -> (forall x, 0 <= F x) -> \rsum_(y : Y) F (f y) <= \rsum_(x : X) F x.
Proof.
move=> inj F0; rewrite (bigID (fun x => x \in codom f)) /= -[X in X <= _]Rplus_0_r.
apply: Rplus_le_compat; last exact: rsum_ge0.
apply: Req_le; pose g x := if [pick y | f y == x] is Some y then y else y0.
have fK y : g (f y) = y by rewrite /g; case: pickP => [z /eqP /inj //|/(_ y)]; rewrite eqxx.
rewrite (reindex_onto f g) /= => [|x /codomP[y ->]]; last by rewrite fK.
by apply: eq_bigl => y; rewrite fK eqxx codom_f.
Qed.

Section Subset.
Variables (I : finType) (A : I -> finType).
Notation X := {dffun forall i, A i}.
(* Y: the family;  sym y: the word of its member y *)
Variables (Y : finType) (y0 : Y) (sym : Y -> X) (W S : finType).
Hypothesis sym_inj : injective sym.
(* agree i x x': x and x' have the same symbols of rank lower than that of i *)
Variable rank : I -> nat.
Definition agree (i : I) (x x' : X) : bool := [forall j, (rank j < rank i)%nat ==> (x j == x' j)].

Lemma agreeP i (x x' : X) : reflect (forall j, (rank j < rank i)%nat -> x j = x' j) (agree i x x').
Proof.
apply: (iffP forallP) => h j; first by move=> ji; have := h j; rewrite ji => /eqP.
by apply/implyP => ji; apply/eqP; exact: h.
Qed.

(* W coins, S messages;  dec w s x i: symbol i as decoded when the symbols of x of lower rank are known *)
Variables (enc : W -> Y -> S) (dec : W -> S -> X -> X).
Hypothesis told : forall w s (x x' : X) i, agree i x x' -> dec w s x i = dec w s x' i.
(* miss w y i: 1 if symbol i of member y is decoded wrongly under coins w *)
Definition miss (w : W) (y : Y) (i : I) : R := ind (sym y i != dec w (enc w y) (sym y) i).

Lemma family_gt0 : 0 < N Y. Proof. exact: Rlt_le_trans Rlt_0_1 (N_ge1 y0). Qed.

Lemma miss_ge0 w y i : 0 <= miss w y i. Proof. exact: (proj1 (ind_01 _)). Qed.

Lemma never_miss i : \rsum_(w : W) \rsum_(y : Y) miss w y i <= 0 ->
  forall w y, sym y i = dec w (enc w y) (sym y) i.
Proof.
move=> h w y; have g u : 0 <= \rsum_(v : Y) miss u v i by apply: rsum_ge0 => v _; exact: miss_ge0.
have h1 := rsum_term (f := fun v => miss w v i) y (fun v => miss_ge0 w v i).
have h2 := rsum_term (f := fun u => \rsum_(v : Y) miss u v i) w g.
have {h h1 h2 g} : miss w y i <= 0 by move: h h1 h2 => /=; lra.
by rewrite /miss /ind; case: eqP => //= _; lra.
Qed.

(* error_word w s x: the word that has the symbol of y0 exactly where x is decoded rightly.  It determines
   x. *)
Definition error_word (w : W) (s : S) (x : X) : X := [ffun i => exchange (dec w s x i) (sym y0 i) (x i)].

Lemma error_word_inj w s : injective (error_word w s).
Proof.
move=> x x' e; apply/ffunP => i; have [n] := ubnP (rank i); elim: n i => // n IH i; rewrite ltnS => lt.
have h : agree i x x' by apply/agreeP => j ji; apply: IH; exact: leq_trans ji lt.
by have := congr1 (fun z : X => z i) e; rewrite !ffunE (told w s h); exact: exchange_inj.
Qed.

(* Any weights, as in Index.v.  Under coins w and state s the members are injected into the error words, and
   the weight of an error word is the product of the weights of its errors. *)
Theorem subset_weights (g : I -> R) (t : R) :
  0 < N W -> (forall i, 0 <= g i) ->
  (forall i, g i = 0 -> forall w y, sym y i = dec w (enc w y) (sym y) i) ->
  \rsum_(w : W) \rsum_(y : Y) \rsum_i (- ln (g i) * miss w y i) <= t * (N W * N Y) ->
  N Y * exp (- t) <= N S * \rprod_i (1 + (N (A i) - 1) * g i).
Proof.
move=> W0 g0 gz herr.
pose F (x : X) := \rprod_i (if x i != sym y0 i then g i else 1).
pose P w y := F (error_word w (enc w y) (sym y)).
pose D w y := \rsum_i (- ln (g i) * miss w y i).
have F0 x : 0 <= F x by apply: rprod_ge0 => i; case: ifP => // _; lra.
have PD w y : P w y = exp (- D w y).
  rewrite -rsum_opp exp_rsum; apply: eq_bigr => i _; rewrite ffunE exchange_eq /miss /ind.
  case: eqP => [_|ne]; rewrite /= ?Rmult_0_r ?Ropp_0 ?exp_0 //.
  rewrite Rmult_1_r Ropp_involutive exp_ln //.
  by case: (g0 i) => // e; case: ne; exact: gz.
have up w : \rsum_(y : Y) P w y <= N S * \rprod_i (1 + (N (A i) - 1) * g i).
  rewrite -rsum_const -(sum_of_weights (sym y0) g (sym y0)).
  apply: Rle_trans (_ : _ <= \rsum_(s : S) \rsum_(y : Y) F (error_word w s (sym y))) _; last first.
    apply: rsum_le => s _; apply: (sum_injective_le y0) => //.
    exact: (inj_comp (@error_word_inj w s) sym_inj).
  rewrite exchange_big /=; apply: rsum_le => y _.
  exact: (@rsum_term S (fun s => F (error_word w s (sym y))) (enc w y)).
have lo w y : exp (- t) * (1 + t) + (- exp (- t)) * D w y <= P w y.
  rewrite PD; have -> : - D w y = - t + (t - D w y) by ring.
  by rewrite exp_plus; have := exp_ineq1_le (t - D w y); have := exp_pos (- t); nra.
have hs : \rsum_(w : W) \rsum_(y : Y) P w y <= N W * (N S * \rprod_i (1 + (N (A i) - 1) * g i)).
  by rewrite -rsum_const; apply: rsum_le => w _; apply: up.
have hl : \rsum_(w : W) \rsum_(y : Y) (exp (- t) * (1 + t) + (- exp (- t)) * D w y)
          <= \rsum_(w : W) \rsum_(y : Y) P w y.
  by apply: rsum_le => w _; apply: rsum_le => y _; apply: lo.
apply: (Rmult_le_reg_l (N W)) => //; apply: Rle_trans hs; apply: Rle_trans hl.
under [Z in _ <= Z]eq_bigr => w _ do rewrite big_split /= rsum_const rsum_distr.
rewrite big_split /= rsum_const rsum_distr.
have : exp (- t) * (\rsum_w \rsum_y D w y) <= exp (- t) * (t * (N W * N Y)).
  by apply: Rmult_le_compat_l; [exact/Rlt_le/exp_pos|exact: herr].
set E := \rsum_w _; set U := exp (- t) * E => hU.
have -> : - exp (- t) * E = - U by rewrite /U; ring.
have -> : N W * (N Y * exp (- t))
  = N W * (N Y * (exp (- t) * (1 + t))) - exp (- t) * (t * (N W * N Y)) by ring.
lra.
Qed.

(* Every symbol with its own error, averaged over coins and members: the best weights, and logarithms. *)
Theorem index_subset (delta : I -> R) :
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall i, \rsum_(w : W) \rsum_(y : Y) miss w y i <= delta i * (N W * N Y)) ->
  \rsum_i fano (N (A i)) (delta i) - log2 (N_words A / N Y) <= log2 (N S).
Proof.
move=> W0 hd herr; pose cost i := - ln (best_weight (N (A i)) (delta i)).
pose t := \rsum_i (delta i * cost i).
have A1 i : 1 <= N (A i) by exact: N_ge1 (sym y0 i).
have gf i := best_weight_facts (A1 i) (hd i).
have g0 i : 0 <= best_weight (N (A i)) (delta i) by have [[]] := gf i.
have gz i : best_weight (N (A i)) (delta i) = 0 -> forall w y, sym y i = dec w (enc w y) (sym y) i.
  move=> h; apply: never_miss; case: (gf i) => _ /(_ h) di _ _ _.
  by have := herr i; rewrite di Rmult_0_l.
have herr' : \rsum_(w : W) \rsum_(y : Y) \rsum_i (cost i * miss w y i) <= t * (N W * N Y).
  under eq_bigr => w _ do rewrite exchange_big /=.
  rewrite exchange_big /= Rmult_comm -rsum_distr; apply: rsum_le => i _.
  have a0 : 0 <= cost i by case: (gf i).
  have := Rmult_le_compat_l _ _ _ a0 (herr i); rewrite -rsum_distr.
  under eq_bigr => w _ do rewrite -rsum_distr.
  by move=> h; apply: Rle_trans h _; apply: Req_le; ring.
have := subset_weights W0 g0 gz herr'.
rewrite (eq_bigr (fun i => / (1 - delta i))) => [h|i _]; last by case: (gf i).
have pd i : 0 < 1 - delta i by have [[]] := gf i; lra.
have ip i : 0 < / (1 - delta i) by apply: Rinv_0_lt_compat.
have Y0 := family_gt0; have pp := rprod_gt0 ip.
have S0 : 0 < N S.
  by have := exp_pos (- t) => e0; apply: (Rmult_lt_reg_r (\rprod_i / (1 - delta i))) => //; rewrite Rmult_0_l;
    nra.
have {h} : ln (N Y * exp (- t)) <= ln (N S * \rprod_i / (1 - delta i)).
  by apply: ln_le => //; apply: Rmult_lt_0_compat => //; exact: exp_pos.
rewrite !ln_mult //; last exact: exp_pos.
have Ap i : 0 < N (A i) by have := A1 i; lra.
have X0 := words_gt0 (sym y0).
rewrite ln_exp ln_rprod // => h.
apply: (Rmult_le_reg_r (ln 2)); first exact: ln2_gt0.
rewrite Rmult_minus_distr_r !log2_ln ln_mult ?ln_Rinv //; last exact: Rinv_0_lt_compat.
rewrite card_words ln_rprod // Rmult_comm -rsum_distr.
rewrite (eq_bigr (fun i => ln (N (A i)) + - (delta i * cost i) + - ln (/ (1 - delta i)))); last first.
  by move=> i _; rewrite Rmult_comm fano_bits; case: (gf i) => _ _ _ _ <-; rewrite ln_Rinv // /cost; ring.
by rewrite !big_split /= !rsum_opp -/t; lra.
Qed.
End Subset.

(* ---------- reads ------------------------------------------------------------------------- *)
Section Reads.
Variables (I : finType) (A : I -> finType) (Y : finType) (y0 : Y) (sym : Y -> {dffun forall i, A i})
  (W S : finType).
Variables (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool) (inst : Y -> Inp).
Variables (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out).
(* ok y i: symbol i of member y can be read;  shut i: how often it cannot *)
Variables (ok : Y -> I -> bool) (shut : I -> R).
Hypotheses (inj : injective sym) (W0 : 0 < N W).
Hypothesis often : forall i, \rsum_(y : Y) ind (~~ ok y i) <= shut i * N Y.

(* Without failures Bob takes any member with his state that can be read; fam: the queries that may be
   asked. *)
Theorem reads_lower_bound (fam : Qry -> Prop) :
  (forall x y i, ok x i -> ok y i -> sym x i != sym y i ->
     exists q, fam q /\ forall o, good (inst x) q o -> good (inst y) q o -> False) ->
  (forall w y q, fam q -> good (inst y) q (answer w (compress w (inst y)) q)) ->
  (forall i, 0 <= shut i <= 1 - / N (A i)) ->
  \rsum_i fano (N (A i)) (shut i) - log2 (N_words A / N Y) <= log2 (N S).
Proof.
move=> sep hc hd; pose enc w y := compress w (inst y).
pose dec (w : W) (s : S) (_ : {dffun forall i, A i}) : {dffun forall i, A i} :=
  [ffun i => if [pick z | ok z i && (enc w z == s)] is Some z then sym z i else sym y0 i].
apply: (index_subset y0 inj (rank := fun _ => 0%nat) (enc := enc) (dec := dec)) => // i.
apply: Rle_trans (_ : _ <= \rsum_(w : W) \rsum_(y : Y) ind (~~ ok y i)) _; last first.
  by rewrite rsum_const; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ W0) (often i); lra.
apply: rsum_le => w _; apply: rsum_le => y _; rewrite /miss ffunE.
case oy: (ok y i); last exact: (proj2 (ind_01 _)).
case: pickP => [z /andP[oz /eqP e]|/(_ y)]; last by rewrite oy eqxx.
rewrite /ind ifN; first exact: Rle_refl.
apply/negP => /(sep _ _ _ oy oz)[q [fq]] /(_ (answer w (enc w y) q)).
by apply; [exact: hc|rewrite -e; exact: hc].
Qed.

(* With failures Bob asks one question for each symbol.  It may depend on the symbols of lower rank, which he
   is told: he takes any member that agrees with them, can be read and accepts the answer. *)
Theorem told_reads_lower_bound (rank : I -> nat) (qry : {dffun forall i, A i} -> I -> Qry) (delta : I -> R) :
  (forall (x x' : {dffun forall i, A i}) i, agree rank i x x' -> qry x i = qry x' i) ->
  (forall x y i o, ok x i -> ok y i -> agree rank i (sym x) (sym y) ->
     good (inst x) (qry (sym x) i) o -> good (inst y) (qry (sym x) i) o -> sym x i = sym y i) ->
  (forall y i, let q := qry (sym y) i in
     INR #|[pred w | ~~ good (inst y) q (answer w (compress w (inst y)) q)]| <= delta i * N W) ->
  (forall i, 0 <= delta i + shut i <= 1 - / N (A i)) ->
  \rsum_i fano (N (A i)) (delta i + shut i) - log2 (N_words A / N Y) <= log2 (N S).
Proof.
move=> hq sep hc hd; pose enc w y := compress w (inst y).
pose fits w s x i z := [&& ok z i, agree rank i x (sym z) & good (inst z) (qry x i) (answer w s (qry x i))].
pose dec (w : W) (s : S) (x : {dffun forall i, A i}) : {dffun forall i, A i} :=
  [ffun i => if [pick z | fits w s x i z] is Some z then sym z i else sym y0 i].
apply: (index_subset y0 inj (rank := rank) (enc := enc) (dec := dec)) => [w s x x' i xx|//|//|i].
  rewrite !ffunE (eq_pick (Q := fits w s x' i)) // => z; rewrite /fits (hq _ _ _ xx); congr [&& _, _ & _].
  by move/agreeP: xx => xx; apply/agreeP/agreeP => h j ji; rewrite -h // xx.
apply: Rle_trans (_ : _ <= \rsum_(w : W) \rsum_(y : Y) (ind (~~ ok y i) +
    ind (~~ good (inst y) (qry (sym y) i) (answer w (enc w y) (qry (sym y) i))))) _.
  apply: rsum_le => w _; apply: rsum_le => y _; rewrite /miss ffunE.
  case oy: (ok y i); last by case: (_ != _); case: (good _ _ _); rewrite /ind /=; lra.
  case gy: (good _ _ _); last by case: (_ != _); rewrite /ind /=; lra.
  case: pickP => [z /and3P[oz az gz]|/(_ y)].
    by rewrite (sep _ _ _ _ oy oz az gy gz) eqxx /ind /=; lra.
  by rewrite /fits oy gy (_ : agree _ _ _ _) //; apply/agreeP.
under eq_bigr => w _ do rewrite big_split /=.
rewrite big_split /= rsum_const [X in _ + X]exchange_big /=.
apply: Rle_trans (_ : _ <= N W * (shut i * N Y) + \rsum_(y : Y) (delta i * N W)) _; last first.
  by rewrite rsum_const; apply: Req_le; ring.
apply: Rplus_le_compat; first by apply: Rmult_le_compat_l; [lra|exact: often].
by apply: rsum_le => y _; rewrite sum_ind; exact: hc.
Qed.
End Reads.
