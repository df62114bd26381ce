(* Values: the keys are public, the values are the secret, and each entry of each cached value must be stored.
   Bob's own last-scale tokens sit inside the softmax; keys and lambda are fixed before the algorithm. *)
From LowerBound Require Export Separation Keys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- what is asked of a cache ------------------------------------------------ *)
Section Cache.
Variables (Tok Own Crd Ch : finType).
(* join f g: one list of cached tokens (f) and Bob's own tokens (g) *)
Definition join (Y : Type) (f : Tok -> Y) (g : Own -> Y) (j : Tok + Own) : Y :=
  match j with inl i => f i | inr o => g o end.
(* attention_own q K B V: attention over cached tokens (keys K, values V) and own tokens (keys B, value 0) *)
Definition attention_own (q : Crd -> R) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (V : Tok -> Ch -> R)
    (c : Ch) : R := attention q (join K B) (join V (fun _ _ => 0)) c.

Variables (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R).
Variables (A : finType) (lev : A -> R) (good : R -> R -> bool).
(* levels x: the values that spell the word x, symbol a being written as the number lev a *)
Definition levels (x : {ffun Tok * Ch -> A}) : Tok -> Ch -> R := fun i c => lev (x (i, c)).

Variables (W S : finType) (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R).
(* failed x i c: the number of coins under which channel c of query lambda K_i is answered badly on word x *)
Definition failed (x : {ffun Tok * Ch -> A}) i c : R :=
  INR #|[pred w | ~~ good (attention_own (scale lam (K i)) K B (levels x) c)
                     (answer w (compress w (levels x)) (scale lam (K i)) c)]|.
(* correct: each answer is good with probability 1 - delta; asked only for words of levels and for the
   queries lambda K_i, because no finite state can be right for all real values *)
Definition correct (delta : R) : Prop := forall x i c, failed x i c <= delta * N W.
(* correct_in_mean: the same for a random word, token and channel *)
Definition correct_in_mean (delta : R) : Prop :=
  \rsum_(x : {ffun Tok * Ch -> A}) \rsum_(i : Tok) \rsum_(c : Ch) failed x i c
    <= delta * (N W * N [finType of {ffun Tok * Ch -> A}] * (N Tok * N Ch)).

Lemma correct_mean delta : correct delta -> correct_in_mean delta.
Proof.
move=> hc; apply: Rle_trans (_ : _ <= \rsum_(x : {ffun Tok * Ch -> A}) \rsum_(i : Tok)
                                         \rsum_(c : Ch) (delta * N W)) _.
  by apply: rsum_le => x _; apply: rsum_le => i _; apply: rsum_le => c _; exact: hc.
rewrite !rsum_const; have e (d w x t h : R) : x * (t * (h * (d * w))) = d * (w * x * (t * h)) by ring.
by apply: Req_le; exact: e.
Qed.

(* ---------- any levels, any notion of accuracy ------------------------------------------ *)
Variables (mu : R).
Hypotheses (hK : incoherent K mu) (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam).
Notation tau := (leak (N Tok + N Own) lam mu).

Lemma attention_own_gap (V : Tok -> Ch -> R) i c : (forall j, 0 <= V j c <= 1) ->
  0 <= tau /\ V i c / (1 + tau) <= attention_own (scale lam (K i)) K B V c <= (V i c + tau) / (1 + tau).
Proof.
move=> hV; rewrite -N_sum; apply: (attention_gap (K := join K B) (V := join V (fun _ _ => 0)) (i := inl i))
  => //.
- exact: (proj1 hK).
- case=> [j|o] ji /=; last exact: hB.
  by apply: (proj2 hK); apply: contraNN ji => /eqP ->.
by case=> [j|o] /=; [exact: hV|lra].
Qed.

(* if the readings of two different levels, each blurred by tau, have no good answer in common *)
Theorem values_lower_bound (a0 : A) delta :
  (forall a, 0 <= lev a <= 1) ->
  (forall a b u v o, 0 <= tau ->
     lev a / (1 + tau) <= u <= (lev a + tau) / (1 + tau) ->
     lev b / (1 + tau) <= v <= (lev b + tau) / (1 + tau) -> good u o -> good v o -> a = b) ->
  0 <= delta <= 1 - / N A -> 0 < N W -> correct_in_mean delta ->
  fano (N A) delta * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> l01 sep hd W0 hc; rewrite Rmult_comm -N_prod.
apply: (@separation_mean _ A W S (Tok -> Ch -> R) ((Crd -> R) * Ch) R
   (fun V q => good (attention_own q.1 K B V q.2)) levels
   (fun ic => (scale lam (K ic.1), ic.2)) compress (fun w s q => answer w s q.1 q.2) a0 delta _ W0 hd)
   => [x y [i c] o|].
  have gap z := attention_own_gap (V := levels z) i (c := c) (fun j => l01 _).
  exact: (sep _ _ _ _ o (proj1 (gap x)) (proj2 (gap x)) (proj2 (gap y))).
apply: Rle_trans (Rle_trans _ _ _ hc _).
  by apply: rsum_le => x _; rewrite pair_big /=; apply: Req_le; apply: eq_bigr => -[i c].
rewrite N_prod; have e (d w x p : R) : d * (w * x * p) = d * p * (w * x) by ring.
by apply: Req_le; exact: e.
Qed.
End Cache.

(* without own tokens this is plain attention over the cache *)
Lemma attention_own_empty (Tok Own Crd Ch : finType) (q : Crd -> R) (K : Tok -> Crd -> R)
  (B : Own -> Crd -> R)
    (V : Tok -> Ch -> R) c : #|Own| = 0%nat -> attention_own q K B V c = attention q K V c.
Proof.
move=> own0; have drop (f : Tok + Own -> R) : \rsum_j f j = \rsum_i f (inl i).
  by rewrite big_sumType /= [X in _ + X]big1 ?Rplus_0_r // => o; case: (fintype0 o).
by rewrite /attention_own /attention /softmax_mean !drop.
Qed.

(* ---------- given keys: relative and additive error -------------------------------------- *)
(* grid L: L equidistant levels from 0 to 1;  powers vmin beta L: the levels vmin beta^a *)
Definition grid (L : nat) (a : 'I_L) : R := INR a / (INR L - 1).
Definition powers (vmin beta : R) (L : nat) (a : 'I_L) : R := vmin * beta ^ a.

Lemma grid_01 L (a : 'I_L) : 0 <= grid a <= 1.
Proof.
have aL := INR_lt (ltn_ord a); have a0 := pos_INR a; case: (Req_dec (INR L - 1) 0) => h.
  by have a00 : INR a = 0 by [lra]; rewrite /grid a00 /Rdiv Rmult_0_l; lra.
by split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
Qed.

Lemma grid_step L (a b : 'I_L) (s : R) : s * (INR L - 1) < 1 -> a != b -> s < Rabs (grid a - grid b).
Proof.
wlog ab : a b / (b < a)%nat => [hw hs ne|hs _].
  have : a != b :> nat by []. rewrite neq_ltn => /orP[l|l]; last exact: hw.
  by rewrite Rabs_minus_sym; apply: hw => //; rewrite eq_sym.
have h := INR_lt ab; have aL := INR_lt (ltn_ord a); have b0 := pos_INR b.
apply: Rlt_le_trans (Rle_abs _); have -> : grid a - grid b = (INR a - INR b) / (INR L - 1).
  by rewrite /grid; field; lra.
by apply: Rdiv_lt_r; lra.
Qed.

Lemma grid_inj L : injective (@grid L).
Proof.
move=> a b e; apply/eqP/negPn/negP => ne.
have z : 0 * (INR L - 1) < 1 by rewrite Rmult_0_l; lra.
by have := grid_step z ne; rewrite e /Rminus Rplus_opp_r Rabs_R0; lra.
Qed.

(* readings of two different levels, each blurred by t, have no good answer in common: bits and a relative
   error, levels of a grid and an additive error *)
Lemma binary_apart eta t (a b : bool) u v o : 0 <= eta < 1 -> (1 + eta) * t < 1 - eta -> 0 <= t ->
  ind a / (1 + t) <= u <= (ind a + t) / (1 + t) -> ind b / (1 + t) <= v <= (ind b + t) / (1 + t) ->
  approx eta u o -> approx eta v o -> a = b.
Proof.
move=> he gap t0; case: a b => [] [] //= [h1 h2] [h3 h4] gu gv; exfalso; [move: h4|move: h2];
  rewrite Rplus_0_l => h.
  by have := approx_apart he t0 h h1 gv gu; lra.
by have := approx_apart he t0 h h3 gu gv; lra.
Qed.

Lemma grid_apart L eta t (a b : 'I_L) u v o : 2 * (eta + t) * (INR L - 1) < 1 -> 0 <= t ->
  grid a / (1 + t) <= u <= (grid a + t) / (1 + t) -> grid b / (1 + t) <= v <= (grid b + t) / (1 + t) ->
  near eta u o -> near eta v o -> a = b.
Proof.
move=> step t0 /(gap_near (grid_01 a) t0) hu /(gap_near (grid_01 b) t0) hv gu gv.
apply/eqP/negPn/negP => /(grid_step step); have := near_apart gu gv.
have -> : grid a - grid b = (u - v) + ((v - grid b) + - (u - grid a)) by ring.
have t1 := Rabs_triang (u - v) ((v - grid b) + - (u - grid a)).
by have := Rabs_triang (v - grid b) (- (u - grid a)); rewrite Rabs_Ropp; lra.
Qed.

Section GivenKeys.
Variables (Tok Own Crd Ch W S : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam eta delta : R).
Variables (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R).
Hypotheses (hK : incoherent K mu) (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam) (W0 : 0 < N W).
Notation tau := (leak (N Tok + N Own) lam mu).

(* relative error eta < 1: one bit per entry *)
Theorem relative_given_keys :
  0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1/2 ->
  correct_in_mean K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> he gap hd hc; rewrite -fano_binary -N_bool.
apply: (values_lower_bound hK hB lam0 true _ _ _ W0 hc); [exact: ind_01| |by rewrite N_bool; lra].
by move=> a b u v o; exact: binary_apart.
Qed.

(* relative error, L geometric levels: log2 L bits per entry *)
Theorem geometric_given_keys (L : nat) (vmin beta : R) :
  (0 < L)%nat -> 0 < vmin -> 1 <= beta -> vmin * beta ^ L.-1 <= 1 -> 0 <= eta < 1 ->
  (1 + eta) * (vmin + tau) < (1 - eta) * (beta * vmin) ->
  0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (@powers vmin beta L) (approx eta) compress answer delta ->
  fano (INR L) delta * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> L0 v0 b1 top he gap; rewrite -N_ord => hd hc; have [e0 e1] := he.
have bp n : 1 <= beta ^ n by apply: pow_R1_Rle.
have bm m n : (m <= n)%nat -> beta ^ m <= beta ^ n by move=> /leP h; exact: Rle_pow.
apply: (values_lower_bound hK hB lam0 (Ordinal L0) _ _ hd W0 hc) => [a|a b u v o t0].
  have := bp a; have : (a <= L.-1)%nat by rewrite -ltnS prednK.
  move/bm; rewrite /powers => h1 h2; split; first by nra.
  by apply: Rle_trans top; apply: Rmult_le_compat_l; lra.
suff far (c d : 'I_L) x y : (c < d)%nat -> x <= (powers vmin beta c + tau) / (1 + tau) ->
    powers vmin beta d / (1 + tau) <= y -> approx eta x o -> approx eta y o -> False.
  move=> [ul uu] [vl vu] gu gv; apply/val_inj/eqP; case: ltngtP => // ab; exfalso.
    exact: (far a b u v).
  exact: (far b a v u).
move=> cd hx hy gx gy; have h := approx_apart he t0 hx hy gx gy.
have step : beta * powers vmin beta c <= powers vmin beta d.
  rewrite /powers; have := bm _ _ cd; rewrite [beta ^ c.+1]/= => h'.
  by have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ v0) h'; lra.
have low : vmin <= powers vmin beta c by rewrite /powers; have := bp c; nra.
have h6 : (1 - eta) * (beta * powers vmin beta c) <= (1 - eta) * powers vmin beta d.
  by apply: Rmult_le_compat_l; lra.
have pos : 0 < (1 - eta) * beta - (1 + eta).
  have g' : 0 <= (1 + eta) * tau by apply: Rmult_le_pos; lra.
  by apply: (Rmult_lt_reg_r vmin) => //; lra.
have h7 : ((1 - eta) * beta - (1 + eta)) * vmin <= ((1 - eta) * beta - (1 + eta)) * powers vmin beta c.
  by apply: Rmult_le_compat_l; lra.
by lra.
Qed.

(* additive error eta, L equidistant levels of step more than 2 (eta + tau) *)
Theorem additive_given_keys (L : nat) :
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (@grid L) (near eta) compress answer delta ->
  fano (INR L) delta * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> L0 step; rewrite -N_ord => hd hc.
apply: (values_lower_bound hK hB lam0 (Ordinal L0) (@grid_01 L) _ hd W0 hc).
by move=> a b u v o; exact: grid_apart.
Qed.
End GivenKeys.

(* ---------- lambda: how sharp the softmax must be ------------------------------------------- *)
(* lambda_relative: for n tokens and relative error eta;  lambda_additive: for n tokens and leak tau *)
Definition lambda_relative (n mu eta : R) : R := ln (n * (1 + eta) / (1 - eta)) / (1 - mu).
Definition lambda_additive (n mu tau : R) : R := ln (n / tau) / (1 - mu).

Lemma leak_ln (n y mu : R) : 0 < y -> mu < 1 -> leak n (ln y / (1 - mu)) mu = (n - 1) / y.
Proof.
move=> y0 m1; rewrite /leak; have -> : - (ln y / (1 - mu)) * (1 - mu) = - ln y by field; lra.
by rewrite exp_Ropp exp_ln.
Qed.

Lemma lambda_ge0 (y mu : R) : 1 <= y -> mu < 1 -> 0 <= ln y / (1 - mu).
Proof. by move=> y1 m1; apply: Rdiv_le_r; [lra|rewrite Rmult_0_l; exact: ln_ge0]. Qed.

Lemma lambda_relative_works (n mu eta : R) (lam := lambda_relative n mu eta) :
  1 <= n -> mu < 1 -> 0 <= eta < 1 -> 0 <= lam /\ (1 + eta) * leak n lam mu < 1 - eta.
Proof.
move=> n1 m1 [e0 e1]; have y1 : 1 <= n * (1 + eta) / (1 - eta) by apply: Rdiv_le_r; nra.
split; first exact: lambda_ge0.
rewrite /lam /lambda_relative leak_ln //; last lra.
have -> : (1 + eta) * ((n - 1) / (n * (1 + eta) / (1 - eta))) = (1 - eta) - (1 - eta) * / n by field; lra.
by have : 0 < / n by [apply: Rinv_0_lt_compat; lra]; nra.
Qed.

Lemma lambda_additive_works (n mu tau : R) (lam := lambda_additive n mu tau) :
  1 <= n -> mu < 1 -> 0 < tau <= 1 -> 0 <= lam /\ leak n lam mu <= tau.
Proof.
move=> n1 m1 [t0 t1]; have y1 : 1 <= n / tau by apply: Rdiv_le_r; lra.
split; first exact: lambda_ge0.
rewrite /lam /lambda_additive leak_ln //; last lra.
have -> : (n - 1) / (n / tau) = tau - tau * / n by field; lra.
by have : 0 < / n by [apply: Rinv_0_lt_compat; lra]; nra.
Qed.

(* ---------- headlines: keys exist; then Bob's keys; then the algorithm -------------------------- *)
Section Headlines.
Variables (T n2 d h : nat) (mu eta delta : R).
Hypotheses (d0 : (0 < d)%nat) (T0 : (0 < T)%nat) (hmu : 0 < mu < 1)
  (hT : INR T.-1 < exp (INR d * mu ^ 2 / 2)).

Lemma tokens_ge1 : 1 <= INR T + INR n2.
Proof. by have := INR_ge1 T0; have := pos_INR n2; lra. Qed.

Section Relative.
Hypotheses (he : 0 <= eta < 1) (hd : 0 <= delta <= 1/2).

Lemma relative_with (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R) (W S : finType)
    (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R) :
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 < N W ->
  correct_in_mean K B (lambda_relative (INR T + INR n2) mu eta) ind (approx eta) compress answer delta ->
  (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
move=> hK hB W0 hc; have [l0 gap] := lambda_relative_works tokens_ge1 (proj2 hmu) he.
have := relative_given_keys hK hB l0 W0 he _ hd hc; rewrite !N_ord; exact.
Qed.

(* (1 - H2 delta) T h bits, for relative error eta < 1 and failure probability delta *)
Theorem relative_headline :
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B (lambda_relative (INR T + INR n2) mu eta) ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
have [K hK] := greedy_keys_exist d0 hmu hT; exists K; split=> // B hB W S compress answer W0 hc.
exact: relative_with hK hB W0 (correct_mean hc).
Qed.
End Relative.

(* additive error eta, L levels: T h (log2 L - H2 delta - delta log2 (L - 1)) bits *)
Section Additive.
Variables (L : nat) (tau : R).
Hypotheses (L0 : (0 < L)%nat) (ht : 0 < tau <= 1) (e0 : 0 <= eta) (step : 2 * (eta + tau) * (INR L - 1) < 1)
  (hd : 0 <= delta <= 1 - / INR L).

Lemma additive_with (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R) (W S : finType)
    (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d -> R) -> 'I_h -> R) :
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 < N W ->
  correct_in_mean K B (lambda_additive (INR T + INR n2) mu tau) (@grid L) (near eta) compress answer delta ->
  fano (INR L) delta * (INR T * INR h) <= log2 (N S).
Proof.
move=> hK hB W0 hc; have [l0 lt] := lambda_additive_works tokens_ge1 (proj2 hmu) ht.
have := additive_given_keys hK hB l0 W0 L0 _ hd hc; rewrite !N_ord; apply.
by apply: Rle_lt_trans step; apply: Rmult_le_compat_r; have := INR_ge1 L0; lra.
Qed.

Theorem additive_headline :
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B (lambda_additive (INR T + INR n2) mu tau) (@grid L) (near eta) compress answer delta ->
      fano (INR L) delta * (INR T * INR h) <= log2 (N S).
Proof.
have [K hK] := greedy_keys_exist d0 hmu hT; exists K; split=> // B hB W S compress answer W0 hc.
exact: additive_with hK hB W0 (correct_mean hc).
Qed.
End Additive.
End Headlines.

(* the same with no own tokens: plain attention over the cache *)
Theorem relative_headline_cache_only (T d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 -> let lam := lambda_relative (INR T) mu eta in
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      (forall (x : {ffun 'I_T * 'I_h -> bool}) i c, let V := fun i c => ind (x (i, c)) in
         INR #|[pred w | ~~ approx eta (attention (scale lam (K i)) K V c)
                            (answer w (compress w V) (scale lam (K i)) c)]| <= delta * N W) ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT he hd lam; have [K [hK hL]] := relative_headline 0 h d0 T0 hmu hT he hd.
exists K; split=> // W S compress answer W0 hc; pose B (o : 'I_0) : 'I_d -> R := fun _ => 0.
apply: (hL B _ W S compress answer W0) => [i []//|x i c]; rewrite /failed Rplus_0_r.
by rewrite attention_own_empty ?card_ord //; exact: hc.
Qed.

(* the same with Bob's own keys unit vectors of one incoherent family with the cached keys *)
Theorem relative_headline_unit_own (T n2 d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR (T + n2).-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R),
    incoherent K mu /\ incoherent B mu /\ (forall i o, dot (K i) (B o) <= mu) /\
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B (lambda_relative (INR T + INR n2) mu eta) ind (approx eta) compress answer delta ->
      (1 - H2 delta) * (INR T * INR h) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT he hd; have [F [F1 F2]] := greedy_keys_exist d0 hmu hT.
pose K (i : 'I_T) := F (lshift n2 i); pose B (o : 'I_n2) := F (rshift T o).
have hK : incoherent K mu by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_lshift].
have hBB : incoherent B mu by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_rshift].
have hB i o : dot (K i) (B o) <= mu by apply: F2; rewrite eq_lrshift.
exists K, B; split=> //; split=> //; split=> // W S compress answer W0 hc.
exact: relative_with hmu he hd _ _ _ _ _ _ hK hB W0 (correct_mean hc).
Qed.

(* The theorems are not vacuous: a cache that stores the symbols is correct with delta = 0. *)
Theorem store_values (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R)
    (lev : A -> R) (good : R -> R -> bool) (a0 : A) : injective lev ->
  (forall q (x : {ffun Tok * Ch -> A}) c,
     good (attention_own q K B (levels lev x) c) (attention_own q K B (levels lev x) c)) ->
  exists (compress : unit -> (Tok -> Ch -> R) -> [finType of {ffun Tok * Ch -> A}])
         (answer : unit -> {ffun Tok * Ch -> A} -> (Crd -> R) -> Ch -> R),
    correct (W := unit_finType) K B lam lev good compress answer 0.
Proof.
move=> inj hg.
exists (fun _ V => [ffun ic => odflt a0 [pick a | Req_EM_T (lev a) (V ic.1 ic.2)]]),
       (fun _ s q => attention_own q K B (levels lev s)) => x i c.
rewrite Rmult_0_l; apply: Req_le; rewrite /failed eq_card0 // => w; rewrite inE; apply/negbTE/negPn.
suff -> : [ffun ic => odflt a0 [pick a | Req_EM_T (lev a) (levels lev x ic.1 ic.2)]] = x by [].
apply/ffunP => -[j b]; rewrite ffunE /=; case: pickP => [a|/(_ (x (j, b)))] /=; case: Req_EM_T => // e _.
exact: inj.
Qed.
