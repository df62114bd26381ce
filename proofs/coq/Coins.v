(* Any coins and any code: biased or continuous public coins, messages of variable length. A good outcome of
   the coins exists, so coins can be fixed; and the counting behind INDEX works for any lengths that satisfy
   Kraft's inequality. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- expectations ------------------------------------------------------------------- *)
(* expectation F E: F is a class of functions of the coins W, any type, closed under sums and multiples and
   with all constants; on F the functional E is linear, monotone and normalised.  For a probability space F
   are the integrable functions and E is the integral: discrete, biased or continuous. *)
Definition expectation (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) : Prop :=
  [/\ forall a, F (fun _ => a), forall a f, F f -> F (fun w => a * f w),
      forall f g, F f -> F g -> F (fun w => f w + g w) &
  [/\ E (fun _ => 1) = 1, forall a f, F f -> E (fun w => a * f w) = a * E f,
      forall f g, F f -> F g -> E (fun w => f w + g w) = E f + E g
    & forall f g, F f -> F g -> (forall w, f w <= g w) -> E f <= E g]].
(* every f: all functions of finitely many coins;  weighted p: their expectation under the weights p *)
Definition every (W : finType) (f : W -> R) : Prop := True.
Definition weighted (W : finType) (p : W -> R) (f : W -> R) : R := \rsum_w (p w * f w).

Lemma weighted_expectation (W : finType) (p : W -> R) :
  (forall w, 0 <= p w) -> \rsum_w p w = 1 -> expectation (@every W) (weighted p).
Proof.
move=> p0 p1; rewrite /weighted; split=> //; split=> [|a f _|f g _ _|f g _ _ h].
- by rewrite -[RHS]p1; apply: eq_bigr => w _; ring.
- by rewrite -rsum_distr; apply: eq_bigr => w _; ring.
- by rewrite -big_split; apply: eq_bigr => w _ /=; ring.
by apply: rsum_le => w _; apply: Rmult_le_compat_l.
Qed.

Section Expectation.
Variables (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R).
Hypothesis hE : expectation F E.

Lemma F_sum (J : Type) (f : J -> W -> R) (s : seq J) :
  (forall j, F (f j)) -> F (fun w => \big[Rplus/0]_(j <- s) f j w).
Proof.
case: hE => Fc _ Fa _ hf; elim: s => [|j s hs].
  have <- : (fun _ : W => 0) = (fun w => \big[Rplus/0]_(j <- [::]) f j w); last exact: Fc.
  by apply: FunctionalExtensionality.functional_extensionality => w; rewrite big_nil.
have <- : (fun w => f j w + \big[Rplus/0]_(k <- s) f k w) = (fun w => \big[Rplus/0]_(k <- j :: s) f k w).
  by apply: FunctionalExtensionality.functional_extensionality => w; rewrite big_cons.
exact: Fa.
Qed.

Lemma E_const a : E (fun _ => a) = a.
Proof.
case: hE => Fc _ _ [E1 Es _ _]; rewrite -[RHS]Rmult_1_r -E1 -(Es a _ (Fc 1)); congr E.
by apply: FunctionalExtensionality.functional_extensionality => w; rewrite Rmult_1_r.
Qed.

Lemma E_sum (J : finType) (f : J -> W -> R) : (forall j, F (f j)) ->
  E (fun w => \rsum_j f j w) = \rsum_j E (f j).
Proof.
move=> hf; case: hE => _ _ _ [_ _ Ea _].
suff h (s : seq J) : E (fun w => \big[Rplus/0]_(j <- s) f j w) = \big[Rplus/0]_(j <- s) E (f j) by exact: h.
elim: s => [|j s IH].
  rewrite big_nil -[RHS](E_const 0); congr E.
  by apply: FunctionalExtensionality.functional_extensionality => w; rewrite big_nil.
rewrite big_cons -IH -Ea //; last exact: F_sum.
by congr E; apply: FunctionalExtensionality.functional_extensionality => w; rewrite big_cons.
Qed.

(* some outcome is hardly above the mean *)
Lemma good_outcome f a eps : F f -> E f <= a -> 0 < eps -> exists w, f w <= a + eps.
Proof.
move=> bf hf e0; case: (Classical_Prop.classic (exists w, f w <= a + eps)) => // no; exfalso.
case: hE => Fc _ _ [_ _ _ Em]; have : E (fun _ => a + eps) <= E f.
  by apply: Em bf _; [exact: Fc|move=> w; apply: Rnot_lt_le => h; apply: no; exists w; lra].
by rewrite E_const; lra.
Qed.
End Expectation.

(* ---------- any coins, any code -------------------------------------------------------------------- *)
Section AnyCode.
Variables (I : finType) (A : I -> finType) (Inp Qry Out : Type).
Notation X := {dffun forall i, A i}.
Variables (good : Inp -> Qry -> Out -> bool) (inst : X -> Inp) (qry : I -> Qry).
(* coins W of expectation E; messages M of length len, in nats *)
Variables (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) (M : eqType) (len : M -> R) (Z : R).
Variables (compress : W -> Inp -> M) (answer : W -> M -> Qry -> Out).
Notation msg w x := (compress w (inst x)).
(* bad w x i: query i on instance x is answered badly under coins w *)
Definition bad (w : W) (x : X) (i : I) : bool := ~~ good (inst x) (qry i) (answer w (msg w x) (qry i)).

Hypotheses (sep : separated good inst qry) (hE : expectation F E) (len0 : forall m, 0 <= len m).
(* Kraft's inequality, up to the factor Z, for the messages that occur under the same coins *)
Hypothesis kraft : forall w (s : seq M), uniq s -> (forall m, m \in s -> exists x, m = msg w x) ->
  \big[Rplus/0]_(m <- s) exp (- len m) <= Z.

(* Fixed coins.  Each message is represented by one word that has it; then INDEX applies without coins. *)
Lemma fixed_coins (x0 : X) (delta : I -> R) (m : R) w (cost := fun i => - ln (best_weight (N (A i)) (delta
  i))) :
  (forall i, 0 <= delta i <= 1 - / N (A i)) -> (forall i x, delta i = 0 -> ~~ bad w x i) ->
  \rsum_(x : X) (len (msg w x) + \rsum_i (cost i * ind (bad w x i)))
    <= (m + \rsum_i (delta i * cost i)) * N_words A ->
  (\rsum_i fano (N (A i)) (delta i)) * ln 2 <= m + ln Z.
Proof.
move=> hd hz herr; pose rep (x : X) : X := odflt x [pick y | msg w y == msg w x].
have repE x : msg w (rep x) = msg w x by rewrite /rep; case: pickP => [y /eqP|].
have rep_eq x y : msg w x = msg w y -> rep x = rep y.
  move=> e; rewrite /rep e; case: pickP => // none; by have := none y; rewrite eqxx.
pose S := [finType of {x : X | rep x == x}].
have repK x : rep (rep x) == rep x by apply/eqP/rep_eq; exact: repE.
pose enc (_ : unit) (x : X) : S := exist _ (rep x) (repK x).
pose dec (_ : unit) (s : S) : X := [ffun i =>
  if [pick x | good (inst x) (qry i) (answer w (msg w (val s)) (qry i))] is Some x then x i else x0 i].
have wrong_bad x i : wrong enc dec tt x i <= ind (bad w x i).
  rewrite /wrong /bad ffunE /= repE; case hx: (good _ _ _) => /=; last by case: (_ != _) => /=; lra.
  case: pickP => [y hy|/(_ x)]; last by rewrite hx.
  by rewrite (sep hx hy) eqxx /=; lra.
have u1 : N unit_finType = 1 by rewrite /N card_unit.
apply: (@index_lengths I A x0 unit_finType S enc dec delta (fun _ s => len (msg w (val s))) Z m) => //.
- by rewrite u1; lra.
- move=> i d0 [] x; have := wrong_bad x i; have := hz i x d0; rewrite /wrong => /negbTE -> /=.
  by case: eqP => //= _; lra.
- move=> _; rewrite -(big_map (fun s : S => msg w (val s)) xpredT (fun m => exp (- len m))).
  apply: (kraft (w := w)).
    rewrite map_inj_uniq ?index_enum_uniq // => s t /rep_eq.
    by rewrite (eqP (valP s)) (eqP (valP t)) => /val_inj.
  by move=> a /mapP [s _ ->]; exists (val s).
rewrite u1 Rmult_1_l (big_pred1 tt) => [|[]] //; apply: Rle_trans herr; apply: rsum_le => x _.
rewrite /= repE; apply: Rplus_le_compat_l; apply: rsum_le => i _; apply: Rmult_le_compat_l;
  last exact: wrong_bad.
by have [] := best_weight_facts (N_ge1 (x0 i)) (hd i).
Qed.

(* Mean length m nats, over coins and words; error delta i at query i.  Sketch: the mean over the coins of
   length plus weighted errors is at most a number a, so for every eps some coins stay below a + eps.  A
   query that must never fail gets a weight so large that it does not fail under these coins.  Then let eps
   tend to 0. *)
Theorem any_code (x0 : X) (delta : I -> R) (m : R) :
  (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  (forall x, F (fun w => len (msg w x))) -> (forall x i, F (fun w => ind (bad w x i))) ->
  (forall i, \rsum_(x : X) E (fun w => ind (bad w x i)) <= delta i * N_words A) ->
  \rsum_(x : X) E (fun w => len (msg w x)) <= m * N_words A ->
  (\rsum_i fano (N (A i)) (delta i)) * ln 2 <= m + ln Z.
Proof.
move=> hd hb hF hc hm; pose cost i := - ln (best_weight (N (A i)) (delta i)).
have cost0 i : 0 <= cost i by have [] := best_weight_facts (N_ge1 (x0 i)) (hd i).
have X0 : 0 < N_words A by exact: words_gt0.
pose t := (m + \rsum_i (delta i * cost i)) * N_words A.
pose zero i := if Req_EM_T (delta i) 0 then true else false.
have zeroP i : zero i -> delta i = 0 by rewrite /zero; case: Req_EM_T.
have [_ Fs Fa [_ Es Ea _]] := hE.
have bx w x i : 0 <= ind (bad w x i) by exact: (proj1 (ind_01 _)).
(* weight of an error that must not happen *)
pose big := Rmax t 0 + 2.
have big2 : t + 2 <= big /\ 2 <= big by rewrite /big; have := Rmax_l t 0; have := Rmax_r t 0; lra.
pose weight i := cost i + big * ind (zero i).
pose f w := \rsum_(x : X) (len (msg w x) + \rsum_i (weight i * ind (bad w x i))).
have bw x i : F (fun w => weight i * ind (bad w x i)) by exact: Fs.
have bi x : F (fun w => \rsum_i (weight i * ind (bad w x i))) by exact: (F_sum hE).
have bs x : F (fun w => len (msg w x) + \rsum_i (weight i * ind (bad w x i))) by exact: Fa.
have bf : F f by exact: (F_sum hE).
have hf : E f <= t.
  rewrite /f (E_sum hE) //; under eq_bigr => x _ do rewrite (Ea _ _ (hb x) (bi x)) (E_sum hE (bw x)).
  rewrite big_split /= /t Rmult_plus_distr_r; apply: Rplus_le_compat => //.
  rewrite exchange_big /= Rmult_comm -rsum_distr; apply: rsum_le => i _.
  under eq_bigr => x _ do rewrite (Es _ _ (hF x i)).
  rewrite rsum_distr; have h0 : 0 <= \rsum_(x : X) E (fun w => ind (bad w x i)).
    apply: rsum_ge0 => x _; rewrite -(E_const hE 0); have [Fc _ _ [_ _ _ Eg]] := hE.
    by apply: Eg => //; exact: Fc.
  have := Rmult_le_compat_l _ _ _ (cost0 i) (hc i); rewrite /weight.
  case z: (zero i); rewrite /=; last by rewrite Rmult_0_r Rplus_0_r; lra.
  by have := hc i; rewrite (zeroP i z) Rmult_0_l => h1; have -> : \rsum_(x : X) E (fun w => ind (bad w x i))
    = 0; lra.
apply: Rnot_lt_le => lt; set rate := _ * ln 2 in lt.
pose eps := Rmin 1 ((rate - (m + ln Z)) / 2 * N_words A).
have e0 : 0 < eps by apply: Rmin_glb_lt; [lra|apply: Rmult_lt_0_compat; lra].
have [w hw] := good_outcome hE bf hf e0.
have e1 : eps <= 1 by exact: Rmin_l.
have term0 w' x : 0 <= len (msg w' x) + \rsum_i (weight i * ind (bad w' x i)).
  have h : 0 <= \rsum_i (weight i * ind (bad w' x i)).
    apply: rsum_ge0 => i _; apply: Rmult_le_pos => //.
    by rewrite /weight; have := ind_01 (zero i); have := cost0 i; nra.
  by have := len0 (msg w' x); lra.
have never i x : delta i = 0 -> ~~ bad w x i.
  move=> di; apply/negP => hbad.
  have h1 := rsum_term (f := fun x => len (msg w x) + \rsum_i (weight i * ind (bad w x i))) x (term0 w).
  have h2 : weight i * ind (bad w x i) <= \rsum_i (weight i * ind (bad w x i)).
    apply: (rsum_term (f := fun i => weight i * ind (bad w x i))) => j; apply: Rmult_le_pos => //.
    by rewrite /weight; have := ind_01 (zero j); have := cost0 j; nra.
  have zi : zero i = true by rewrite /zero; case: Req_EM_T.
  move: h1 h2; rewrite -/(f w) {2}/weight zi hbad /=; have := len0 (msg w x); have := cost0 i; lra.
have := @fixed_coins x0 delta (m + eps / N_words A) w hd never.
have small : eps / N_words A <= (rate - (m + ln Z)) / 2 by apply: Rdiv_le_l => //; exact: Rmin_r.
have pre : \rsum_(x : X) (len (msg w x) + \rsum_i (cost i * ind (bad w x i)))
    <= (m + eps / N_words A + \rsum_i (delta i * cost i)) * N_words A.
  have -> : (m + eps / N_words A + \rsum_i (delta i * cost i)) * N_words A = t + eps by rewrite /t; field;
    lra.
  apply: Rle_trans hw; apply: rsum_le => x _; apply: Rplus_le_compat_l; apply: rsum_le => i _.
  apply: Rmult_le_compat_r => //; rewrite /weight; have := ind_01 (zero i); nra.
by move=> /(_ pre); rewrite -/rate; lra.
Qed.
End AnyCode.

(* ---------- codes ------------------------------------------------------------------------------------ *)
(* one fixed length *)
Lemma kraft_fixed (S : finType) (s : seq S) : uniq s -> \big[Rplus/0]_(m <- s) exp (- 0) <= N S.
Proof.
move=> us; rewrite Ropp_0 exp_0.
have -> : \big[Rplus/0]_(m <- s) 1 = INR (size s).
  by elim: s {us} => [|m s IH]; rewrite ?big_nil // big_cons IH -[size (m :: s)]/((size s).+1) S_INR; ring.
by apply: INR_le; rewrite -(card_uniqP us); exact: max_card.
Qed.

(* share m: 2^(- length), the share of infinite bit strings that begin with m *)
Definition share (m : seq bool) : R := (/ 2) ^ size m.
Definition shares (s : seq (seq bool)) : R := \big[Rplus/0]_(m <- s) share m.
(* after b s: what follows the first bit b in the strings of s that begin with it *)
Definition after (b : bool) (s : seq (seq bool)) : seq (seq bool) :=
  [seq behead m | m <- s & ohead m == Some b].

Lemma mem_after b s m : (m \in after b s) = ((b :: m) \in s).
Proof.
apply/mapP/idP => [[[|c l]]|h]; rewrite ?mem_filter //=; last by exists (b :: m);
  rewrite // mem_filter h eqxx.
by case: eqP => //= -[->] hl ->.
Qed.

Lemma uniq_after b s : uniq s -> uniq (after b s).
Proof.
move=> us; rewrite map_inj_in_uniq ?filter_uniq // => -[|c l] [|c' l']; rewrite !mem_filter //=.
by case: eqP => // -[->] _; case: eqP => // -[->] _ ->.
Qed.

(* the shares of the strings, split by their first bits *)
Lemma shares_split s : uniq s ->
  shares s = ind ([::] \in s) + / 2 * shares (after true s) + / 2 * shares (after false s).
Proof.
have add m t : shares (m :: t) = share m + shares t by rewrite /shares big_cons.
elim: s => [|m s IH] /=; first by move=> _; rewrite /shares /after !big_nil /=; ring.
move=> /andP [ms us]; rewrite add IH // in_cons.
case: m ms => [|b l] ms.
  by rewrite /after /= -/(after true s) -/(after false s) (negbTE ms) /=; rewrite {1}/share /=; ring.
by rewrite /after /=; case: b ms => ms; rewrite /= -/(after true s) -/(after false s) add /share /=; ring.
Qed.

Lemma sizes_after b s n : (forall m, m \in s -> (size m <= n.+1)%nat) ->
  forall m, m \in after b s -> (size m <= n)%nat.
Proof. by move=> h m; rewrite mem_after => /h. Qed.

(* Kraft: no string is the beginning of another.  Sketch: by induction on the greatest length; the empty
   string is alone, and otherwise the strings split by their first bits, with half the share each. *)
Lemma kraft_prefix (s : seq (seq bool)) : uniq s ->
  (forall a b, a \in s -> b \in s -> prefix a b -> a = b) -> shares s <= 1.
Proof.
have [n hn] : exists n, forall m, m \in s -> (size m <= n)%nat.
  elim: s => [|a s [n hn]]; first by exists 0%nat.
  exists (maxn (size a) n) => m; rewrite in_cons => /orP [/eqP ->|/hn h]; first exact: leq_maxl.
  exact: leq_trans h (leq_maxr _ _).
have empty s' : [::] \in s' -> uniq s' -> (forall a b, a \in s' -> b \in s' -> prefix a b -> a = b) ->
  shares s' = 1.
  move=> h0 us hp; have all0 m : m \in s' -> m = [::] by move=> /(hp _ _ h0) /(_ (prefix0s m)).
  rewrite /shares (big_rem [::]) //= big_seq big1 => [|m]; first by rewrite /share /=; ring.
  by rewrite mem_rem_uniq // inE => /andP [/negP n0 /all0 e]; case: n0; rewrite e.
elim: n s hn => [|n IH] s hn us hp.
  case: (boolP ([::] \in s)) => [h|h]; first by rewrite empty //; exact: Rle_refl.
  case: s hn us hp h => [|a s] hn us hp h; first by rewrite /shares big_nil; lra.
  by exfalso; have := hn a (mem_head _ _); rewrite leqn0 size_eq0 => /eqP e; move: h; rewrite e mem_head.
case: (boolP ([::] \in s)) => [h|h]; first by rewrite empty //; exact: Rle_refl.
rewrite shares_split // (negbTE h) /=.
have hb b : shares (after b s) <= 1.
  apply: IH; [exact: sizes_after hn|exact: uniq_after|move=> a c; rewrite !mem_after => ha hc p].
  by have := hp _ _ ha hc; rewrite prefix_cons eqxx p => /(_ isT) [].
by have := hb true; have := hb false; lra.
Qed.

(* strings of at most B bits: at most 2^k of length k, so B + 1 in all *)
Lemma kraft_bounded (B : nat) (s : seq (seq bool)) : uniq s -> (forall m, m \in s -> (size m <= B)%nat) ->
  shares s <= INR B + 1.
Proof.
elim: B s => [|B IH] s us hs; rewrite shares_split //; have := ind_01 ([::] \in s).
  have e b : after b s = [::].
    case E : (after b s) => [|m t] //; exfalso.
    by have : m \in after b s by [rewrite E mem_head]; rewrite mem_after => /hs.
  by rewrite !e /shares big_nil /=; lra.
have hb b : shares (after b s) <= INR B + 1 by apply: IH; [exact: uniq_after|exact: sizes_after hs].
by have := hb true; have := hb false; rewrite S_INR; lra.
Qed.

Lemma share_exp m : exp (- (INR (size m) * ln 2)) = share m.
Proof. by rewrite Ropp_mult_distr_r exp_INR exp_Ropp exp_ln //; lra. Qed.

(* ---------- INDEX-like games with any coins ----------------------------------------- *)
Section Games.
Variables (I : finType) (A : I -> finType) (Inp Qry Out : Type).
Notation X := {dffun forall i, A i}.
Variables (good : Inp -> Qry -> Out -> bool) (inst : X -> Inp) (qry : I -> Qry) (x0 : X).
Variables (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) (delta : I -> R).
Hypotheses (sep : separated good inst qry) (hE : expectation F E) (hd : forall i,
  0 <= delta i <= 1 - / N (A i)).

(* rarely_bad: query i is answered badly with probability delta i in the mean over words *)
Definition rarely_bad (M : Type) (compress : W -> Inp -> M) (answer : W -> M -> Qry -> Out) : Prop :=
  let b w x i := ind (~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))) in
  (forall x i, F (fun w => b w x i)) /\
  forall i, \rsum_(x : X) E (fun w => b w x i) <= delta i * N_words A.
(* mean_length m: the mean length over coins and words is at most m bits *)
Definition mean_length (msg : W -> X -> seq bool) (m : R) : Prop :=
  (forall x, F (fun w => INR (size (msg w x)))) /\
  \rsum_(x : X) E (fun w => INR (size (msg w x))) <= m * N_words A.

(* finitely many states *)
Theorem coins_lower_bound (S : finType) (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) :
  rarely_bad compress answer -> \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> [hF hc]; apply: (Rmult_le_reg_r (ln 2)); first exact: ln2_gt0.
rewrite log2_ln -[X in _ <= X]Rplus_0_l.
apply: (any_code (compress := compress) (answer := answer) sep hE (len := fun _ : S => 0) _ _ x0 hd _ hF hc)
  => [m|w s us _|x|].
- exact: Rle_refl.
- exact: kraft_fixed.
- by case: hE => Fc _ _ _; exact: Fc.
rewrite (eq_bigr (fun _ => 0)) => [|x _]; last exact: (E_const hE).
by rewrite big1 // Rmult_0_l; exact: Rle_refl.
Qed.

(* messages of variable length *)
Section Lengths.
Variables (compress : W -> Inp -> seq bool) (answer : W -> seq bool -> Qry -> Out) (m : R).
Notation msg := (fun w x => compress w (inst x)).
Hypotheses (hc : rarely_bad compress answer) (hm : mean_length msg m).

Lemma length_lower_bound (Z : R) :
  (forall w (s : seq (seq bool)), uniq s -> (forall a, a \in s -> exists x, a = compress w (inst x)) ->
     shares s <= Z) ->
  \rsum_i fano (N (A i)) (delta i) <= m + log2 Z.
Proof.
move=> hk; have l2 := ln2_gt0; apply: (Rmult_le_reg_r (ln 2)) => //.
rewrite Rmult_plus_distr_r log2_ln; have [_ Fs _ [_ Es _ _]] := hE; have [Fm mean] := hm; have [hF hb] := hc.
have swap x : (fun w => ln 2 * INR (size (msg w x))) = (fun w => INR (size (msg w x)) * ln 2).
  by apply: FunctionalExtensionality.functional_extensionality => w; rewrite Rmult_comm.
apply: (any_code (compress := compress) (answer := answer) sep hE (len := fun a => INR (size a) * ln 2)
  _ _ x0 hd _ hF hb) => [a|w s us hs|x|].
- by apply: Rmult_le_pos; [exact: pos_INR|exact: Rlt_le].
- by under eq_bigr => a _ do rewrite share_exp; exact: hk us hs.
- by rewrite -swap; exact: Fs.
apply: Rle_trans (_ : \rsum_(x : X) (ln 2 * E (fun w => INR (size (msg w x)))) <= _).
  by apply: rsum_le => x _; rewrite -Es // swap; exact: Rle_refl.
rewrite rsum_distr; apply: Rle_trans (Rmult_le_compat_l _ _ _ (Rlt_le _ _ l2) mean) _.
by apply: Req_le; ring.
Qed.

(* prefix-free: under the same coins no message is the beginning of another; then the mean length pays in
   full *)
Theorem prefix_free_lower_bound :
  (forall w x y, prefix (msg w x) (msg w y) -> msg w x = msg w y) ->
  \rsum_i fano (N (A i)) (delta i) <= m.
Proof.
move=> hp; have -> : m = m + log2 1 by rewrite /log2 ln_1 /Rdiv; ring.
apply: length_lower_bound => w s us hs; apply: kraft_prefix => // a b /hs [x ->] /hs [y ->]; exact: hp.
Qed.

(* messages of at most L bits: the length may tell log2 (L + 1) bits more, and no more *)
Theorem variable_length_lower_bound (L : nat) : (forall w x, (size (msg w x) <= L)%nat) ->
  \rsum_i fano (N (A i)) (delta i) <= m + log2 (INR L + 1).
Proof.
by move=> short; apply: length_lower_bound => w s us hs; apply: kraft_bounded => // a /hs [x ->].
Qed.
End Lengths.
End Games.

(* ---------- attention --------------------------------------------------------------- *)
Section Attention.
Variables (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam eta : R).
Hypotheses (hK : incoherent K mu) (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam) (he : 0 <= eta <
  1)
  (gap : (1 + eta) * leak (N Tok + N Own) lam mu < 1 - eta).
Notation good := (fun V q => approx eta (attention_own q.1 K B V q.2)).
Notation ask := (fun ic => (scale lam (K ic.1), ic.2)).
Notation words := {ffun Tok * Ch -> bool}.

(* a good answer at token i and channel c tells the bit x (i, c) *)
Lemma relative_separated : separated (A := fun _ : Tok * Ch => bool_finType) good (@levels Tok Ch _ ind) ask.
Proof.
move=> x y [i c] o /= gx gy.
have gap' z := attention_own_gap hK hB lam0 (V := levels ind z) i (c := c) (fun j => ind_01 _).
have [t0 [x1 x2]] := gap' x; have [_ [y1 y2]] := gap' y; rewrite /levels in x1 x2 y1 y2.
case: (x (i, c)) (y (i, c)) x1 x2 y1 y2 => [] [] //= x1 x2 y1 y2; exfalso.
  by move: y2; rewrite Rplus_0_l => y2; have := approx_apart he t0 y2 x1 gy gx; lra.
by move: x2; rewrite Rplus_0_l => x2; have := approx_apart he t0 x2 y1 gx gy; lra.
Qed.

Variables (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R) (delta : R).
Hypotheses (hE : expectation F E) (hd : 0 <= delta <= 1/2).
(* correct_with: under the expectation E of the coins each answer is bad with probability at most delta *)
Definition correct_with (M : Type) (compress : W -> (Tok -> Ch -> R) -> M)
    (answer : W -> M -> (Crd -> R) -> Ch -> R) : Prop := forall (x : words) i c,
  let q := scale lam (K i) in
  let b w := ind (~~ approx eta (attention_own q K B (levels ind x) c)
                       (answer w (compress w (levels ind x)) q c)) in
  F b /\ E b <= delta.

Let x0 : {dffun forall ic : Tok * Ch, bool} := [ffun _ => true].

Let half (ic : Tok * Ch) : 0 <= delta <= 1 - / N bool_finType. Proof. by rewrite N_bool; lra. Qed.

Let rate : \rsum_(ic : Tok * Ch) fano (N bool_finType) delta = (1 - H2 delta) * (N Tok * N Ch).
Proof. by rewrite rsum_const N_bool fano_binary N_prod Rmult_comm. Qed.

Let rare (M : Type) (compress : W -> (Tok -> Ch -> R) -> M) (answer : W -> M -> (Crd -> R) -> Ch -> R) :
  correct_with compress answer ->
  rarely_bad (A := fun _ : Tok * Ch => bool_finType) good (@levels Tok Ch _ ind) ask F E (fun _ => delta)
    compress (fun w s q => answer w s q.1 q.2).
Proof.
move=> hc; split=> [x [i c]|[i c]]; first exact: (proj1 (hc x i c)).
rewrite Rmult_comm -rsum_const; apply: rsum_le => x _; exact: (proj2 (hc x i c)).
Qed.

Theorem attention_any_coins (S : finType) (compress : W -> (Tok -> Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) -> Ch -> R) :
  correct_with compress answer -> (1 - H2 delta) * (N Tok * N Ch) <= log2 (N S).
Proof. by move=> /rare hc; rewrite -rate; exact: (coins_lower_bound x0 relative_separated hE half hc). Qed.

Section Messages.
Variables (compress : W -> (Tok -> Ch -> R) -> seq bool) (answer : W -> seq bool -> (Crd -> R) -> Ch ->
  R) (m : R).
Notation msg := (fun w (x : words) => compress w (levels ind x)).
Hypotheses (hc : correct_with compress answer) (hm : mean_length (A := fun _ : Tok * Ch => bool_finType) F E
  msg m).

Theorem attention_prefix_free :
  (forall w x y, prefix (msg w x) (msg w y) -> msg w x = msg w y) -> (1 - H2 delta) * (N Tok * N Ch) <= m.
Proof.
by rewrite -rate; exact: (prefix_free_lower_bound x0 relative_separated hE half (rare hc) hm).
Qed.

Theorem attention_variable_length (L : nat) : (forall w x, (size (msg w x) <= L)%nat) ->
  (1 - H2 delta) * (N Tok * N Ch) <= m + log2 (INR L + 1).
Proof.
by rewrite -rate; exact: (variable_length_lower_bound x0 relative_separated hE half (rare hc) hm).
Qed.
End Messages.
End Attention.

(* the headline under any coins, for states and for messages *)
Theorem relative_headline_any_coins (T n2 d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_n2 -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R), expectation F E ->
    (forall (S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
       (answer : W -> S -> ('I_d -> R) -> 'I_h -> R),
       correct_with K B (lambda_relative (INR T + INR n2) mu eta) eta F E delta compress answer ->
       (1 - H2 delta) * (INR T * INR h) <= log2 (N S)) /\
    (forall (compress : W -> ('I_T -> 'I_h -> R) -> seq bool)
       (answer : W -> seq bool -> ('I_d -> R) -> 'I_h -> R) (m : R),
       let msg w (x : {ffun 'I_T * 'I_h -> bool}) := compress w (levels ind x) in
       correct_with K B (lambda_relative (INR T + INR n2) mu eta) eta F E delta compress answer ->
       (forall x, F (fun w => INR (size (msg w x)))) ->
       \rsum_(x : {ffun 'I_T * 'I_h -> bool}) E (fun w => INR (size (msg w x)))
         <= m * N [finType of {ffun 'I_T * 'I_h -> bool}] ->
       ((forall w x y, prefix (msg w x) (msg w y) -> msg w x = msg w y) ->
          (1 - H2 delta) * (INR T * INR h) <= m) /\
       (forall L : nat, (forall w x, (size (msg w x) <= L)%nat) ->
          (1 - H2 delta) * (INR T * INR h) <= m + log2 (INR L + 1))).
Proof.
move=> d0 T0 hmu hT he hd; have [K hK] := greedy_keys_exist d0 hmu hT.
have [l0 gap] := lambda_relative_works (tokens_ge1 n2 T0) (proj2 hmu) he.
exists K; split=> // B hB W F E hE; rewrite -(N_ord T) -(N_ord n2) in gap l0 *; rewrite -(N_ord h).
split=> [S compress answer hc|compress answer m msg hc Fm hm].
  exact: (attention_any_coins hK hB l0 he gap hE hd hc).
split=> [hp|L short]; first exact: (attention_prefix_free hK hB l0 he gap hE hd hc (conj Fm hm) hp).
exact: (attention_variable_length hK hB l0 he gap hE hd hc (conj Fm hm) short).
Qed.
