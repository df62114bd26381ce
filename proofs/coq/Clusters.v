(* Clustered keys: what a cache of counts achieves, and why no cache does better.  If the keys lie in few
   clusters of small radius, one counter for each cluster and channel answers all queries; if they coincide
   within clusters and clusters are incoherent, no cache needs fewer bits.  This is the upper side below
   dimension ln T. *)
From LowerBound Require Export LowDimension.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- Cauchy and Schwarz ------------------------------------------------------------------ *)
Lemma dot_square (Crd : finType) (u v : Crd -> R) : dot u v * dot u v <= dot u u * dot v v.
Proof.
have quad t : 0 <= dot u u * (t * t) + 2 * t * dot u v + dot v v.
  have -> : dot u u * (t * t) + 2 * t * dot u v + dot v v = \rsum_c ((t * u c + v c) * (t * u c + v c)).
    rewrite /dot Rmult_comm -!rsum_distr -!big_split; apply: eq_bigr => c _ /=; ring.
  by apply: rsum_ge0 => c _; exact: Rle_0_sqr.
have u0 : 0 <= dot u u by apply: rsum_ge0 => c _; exact: Rle_0_sqr.
case: u0 => [u0|u0].
  have := quad (- (dot u v / dot u u)); set p := dot u v; set a := dot u u; set b := dot v v => h.
  have e : a * (- (p / a) * - (p / a)) + 2 * - (p / a) * p + b = b - p * p / a by field; rewrite /a; lra.
  rewrite e in h; have a0 : 0 < a by exact: u0.
  have : p * p / a <= b by lra.
  by move=> le; have := Rmult_le_compat_l a _ _ (Rlt_le _ _ a0) le;
    have -> : a * (p * p / a) = p * p by [field; lra].
rewrite -u0 Rmult_0_l; have z c : u c = 0.
  have := rsum_term (f := fun c => u c * u c) c (fun c => Rle_0_sqr (u c)); rewrite -/(dot u u) -u0; nra.
by rewrite /dot big1 ?Rmult_0_l; [exact: Rle_refl|move=> c _; rewrite z; ring].
Qed.

(* |<q, k> - <q, c>| <= lambda r for |q| <= lambda and |k - c| <= r *)
Lemma dot_near (Crd : finType) (q k c : Crd -> R) (lam r : R) : 0 <= lam -> 0 <= r -> dot q q <= lam * lam ->
  dot (fun a => k a - c a) (fun a => k a - c a) <= r * r -> Rabs (dot q k - dot q c) <= lam * r.
Proof.
move=> l0 r0 hq hk; have -> : dot q k - dot q c = dot q (fun a => k a - c a).
  by rewrite /dot /Rminus -rsum_opp -big_split; apply: eq_bigr => a _ /=; ring.
set d := dot q _; have lr : 0 <= lam * r by apply: Rmult_le_pos.
have dd : d * d <= (lam * r) * (lam * r).
  apply: Rle_trans (dot_square _ _) _; have -> : lam * r * (lam * r) = (lam * lam) * (r * r) by ring.
  by apply: Rmult_le_compat => //; apply: rsum_ge0 => a _; exact: Rle_0_sqr.
by apply: Rabs_le; split; apply: Rnot_lt_le => h; nra.
Qed.

(* ---------- counters ------------------------------------------------------------------------------ *)
Section Counters.
Variables (Tok Own Crd Ch Clu : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R).
(* cl i: the cluster of token i;  C k: the center of cluster k.  Keys, clusters and centers are public *)
Variables (cl : Tok -> Clu) (C : Clu -> Crd -> R).
(* members k: number of tokens in cluster k;  ones x k c: how many of them have a 1 in channel c *)
Definition members (k : Clu) : nat := #|[pred i | cl i == k]|.
Definition ones (b : Tok -> Ch -> bool) (k : Clu) (c : Ch) : nat := #|[pred i | (cl i == k) && b i c]|.
(* counters: a number from 0 to members k for each cluster k and channel *)
Definition counters : finType := [finType of {dffun forall kc : Clu * Ch, 'I_(members kc.1).+1}].

Lemma ones_le b k c : (ones b k c < (members k).+1)%nat.
Proof. by rewrite ltnS; apply/subset_leq_card/subsetP => i; rewrite !inE => /andP []. Qed.

(* compress_counts: counts the values that are at least 1;  answer_counts: attention with all keys moved to
   their centers *)
Definition compress_counts (V : Tok -> Ch -> R) : counters :=
  [ffun kc : Clu * Ch => Ordinal (ones_le (fun i c => Rleb 1 (V i c)) kc.1 kc.2)].
Definition answer_counts (s : counters) (q : Crd -> R) (c : Ch) : R :=
  (\rsum_k (exp (dot q (C k)) * INR (s (k, c))))
  / (\rsum_k (exp (dot q (C k)) * INR (members k)) + \rsum_o exp (dot q (B o))).

Lemma log2_counters : log2 (N counters) = N Ch * \rsum_k log2 (INR (members k) + 1).
Proof.
have -> : N counters = N_words (fun kc : Clu * Ch => [finType of 'I_(members kc.1).+1]) by [].
rewrite /log2 card_words ln_rprod => [|kc]; last by rewrite N_ord S_INR; have := pos_INR (members kc.1); lra.
rewrite -(pair_big xpredT xpredT (fun k (c : Ch) => ln (N [finType of 'I_(members k).+1]))) /=.
under eq_bigr => k _ do rewrite rsum_const N_ord S_INR.
by rewrite -rsum_distr /Rdiv big_distrl /=; apply: eq_bigr => k _; ring.
Qed.

(* a sum over tokens, cluster by cluster *)
Lemma sum_clusters (f : Clu -> R) (b : Tok -> bool) :
  \rsum_(i : Tok) (f (cl i) * ind (b i)) = \rsum_k (f k * INR #|[pred i | (cl i == k) && b i]|).
Proof.
rewrite (partition_big cl xpredT) //=; apply: eq_bigr => k _; rewrite -sum_ind -rsum_distr.
rewrite [RHS](bigID (fun i => cl i == k)) /= [X in _ + X]big1 ?Rplus_0_r => [|i /negbTE ->]; last first.
  by rewrite /= Rmult_0_r.
by apply: eq_bigr => i /eqP ->; rewrite eqxx.
Qed.

(* Counters answer every query for which centers give the logits of their clusters up to eps.  Sketch:
   moving a key to its center changes each weight by a factor between e^(- eps) and e^eps, so numerator and
   denominator too, and the quotient by e^(2 eps) at most. *)
Theorem counters_answer (eps eta : R) (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) (c : Ch) (i0 : Tok) :
  0 <= eta < 1 -> exp (2 * eps) <= 1 + eta -> (forall i, Rabs (dot q (K i) - dot q (C (cl i))) <= eps) ->
  approx eta (attention_own q K B (levels ind x) c) (answer_counts (compress_counts (levels ind x)) q c).
Proof.
move=> he hE near; pose E := exp eps.
have eps0 : 0 <= eps by apply: Rle_trans (near i0); exact: Rabs_pos.
have E1 : 1 <= E by rewrite -exp_0; exact: exp_mono.
have EE : E * E <= 1 + eta by rewrite -exp_plus; have -> : eps + eps = 2 * eps by ring.
pose moved i := exp (dot q (C (cl i))); pose true_ i := exp (dot q (K i)).
have e0 i : 0 < true_ i by exact: exp_pos.
have m0 i : 0 < moved i by exact: exp_pos.
have up i : moved i <= E * true_ i.
  by rewrite -exp_plus; apply: exp_mono; have := Rabs_between (near i); lra.
have down i : true_ i <= E * moved i.
  by rewrite -exp_plus; apply: exp_mono; have := Rabs_between (near i); lra.
pose own := \rsum_o exp (dot q (B o)); have own0 : 0 <= own by exact: rsum_exp_ge0.
have -> : answer_counts (compress_counts (levels ind x)) q c
        = (\rsum_i (moved i * ind (x (i, c)))) / (\rsum_i moved i + own).
  rewrite /answer_counts; congr (_ / (_ + _)).
    rewrite (sum_clusters (fun k => exp (dot q (C k)))); apply: eq_bigr => k _; rewrite ffunE /= /ones.
    by congr (_ * INR _); apply: eq_card => i; rewrite !inE /levels Rleb_ind.
  transitivity (\rsum_i (moved i * ind true)); last by apply: eq_bigr => i _; rewrite /= Rmult_1_r.
  rewrite (sum_clusters (fun k => exp (dot q (C k))) (fun _ => true)); apply: eq_bigr => k _.
  by congr (_ * INR _); apply: eq_card => i; rewrite !inE andbT.
have -> : attention_own q K B (levels ind x) c
        = (\rsum_i (true_ i * ind (x (i, c)))) / (\rsum_i true_ i + own).
  rewrite /attention_own /attention /softmax_mean !big_sumType /=; congr (_ / _).
  by rewrite [X in _ + X]big1 ?Rplus_0_r // => o _; rewrite Rmult_0_r.
set a := \rsum_i (true_ i * _); set d := \rsum_i true_ i + own.
set a' := \rsum_i (moved i * _); set d' := \rsum_i moved i + own.
have a0 : 0 <= a by apply: rsum_ge0 => i _; apply: Rmult_le_pos; [exact: Rlt_le|exact: (proj1 (ind_01 _))].
have pos (f : Tok -> R) : (forall i, 0 < f i) -> 0 < \rsum_i f i + own.
  move=> f0; have := rsum_term (f := f) i0 (fun i => Rlt_le _ _ (f0 i)); have := f0 i0; lra.
have d0 : 0 < d by exact: pos. have d0' : 0 < d' by exact: pos.
have sum_le (f g h : Tok -> R) : (forall i, f i <= E * g i) -> (forall i, 0 <= h i) ->
    \rsum_i (f i * h i) <= E * \rsum_i (g i * h i).
  by move=> fg h0; rewrite -rsum_distr; apply: rsum_le => i _; have := fg i; have := h0 i; nra.
have h0 i : 0 <= ind (x (i, c)) by exact: (proj1 (ind_01 _)).
have aa : a' <= E * a by exact: sum_le. have aa' : a <= E * a' by exact: sum_le.
have dd : d' <= E * d.
  by rewrite /d' /d Rmult_plus_distr_l; apply: Rplus_le_compat; [rewrite -rsum_distr; apply: rsum_le|nra].
have dd' : d <= E * d'.
  by rewrite /d' /d Rmult_plus_distr_l; apply: Rplus_le_compat; [rewrite -rsum_distr; apply: rsum_le|nra].
have b0 : 0 <= a' by nra.
apply/andP; split; apply/RlebP.
  apply: Rdiv_le_r => //; have -> : (1 - eta) * (a / d) * d' = (1 - eta) * (a * d') / d by field; lra.
  apply: Rdiv_le_l => //.
  have h1 : a * d' <= (E * a') * (E * d) by apply: Rmult_le_compat => //; lra.
  have h2 : 0 <= a' * d by apply: Rmult_le_pos; lra.
  have h3 : (1 - eta) * (a * d') <= (1 - eta) * (E * E) * (a' * d).
    have -> : (1 - eta) * (E * E) * (a' * d) = (1 - eta) * ((E * a') * (E * d)) by ring.
    by apply: Rmult_le_compat_l; lra.
  have h4 : (1 - eta) * (E * E) <= 1 by nra.
  by nra.
apply: Rdiv_le_l => //; have -> : (1 + eta) * (a / d) * d' = (1 + eta) * (a * d') / d by field; lra.
apply: Rdiv_le_r => //.
have h1 : a' * d <= (E * a) * (E * d') by apply: Rmult_le_compat => //; lra.
have h2 : 0 <= a * d' by apply: Rmult_le_pos; lra.
have : (E * a) * (E * d') = (E * E) * (a * d') by ring.
by nra.
Qed.
End Counters.

(* Clusters of radius r and queries of norm at most lambda: e^(2 lambda r) <= 1 + eta is enough. *)
Theorem clusters_upper_bound (Tok Own Crd Ch Clu : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R)
    (cl : Tok -> Clu) (C : Clu -> Crd -> R) (lam r eta : R) :
  0 <= lam -> 0 <= r -> 0 <= eta < 1 -> exp (2 * (lam * r)) <= 1 + eta ->
  (forall i, let e a := K i a - C (cl i) a in dot e e <= r * r) ->
  exists (S : finType) (compress : (Tok -> Ch -> R) -> S) (answer : S -> (Crd -> R) -> Ch -> R),
    (forall (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
       approx eta (attention_own q K B (levels ind x) c) (answer (compress (levels ind x)) q c)) /\
    log2 (N S) = N Ch * \rsum_k log2 (INR #|[pred i | cl i == k]| + 1).
Proof.
move=> l0 r0 he hE hr; exists (counters Ch cl), (@compress_counts Tok Ch Clu cl), (answer_counts B C).
split=> [x q c i0 hq|]; last exact: log2_counters.
by apply: (@counters_answer Tok Own Crd Ch Clu K B cl C _ eta x q c i0 he hE) => i; exact: dot_near hq (hr i).
Qed.

(* Clusters as an algorithm finds them that opens a new one whenever no center is within r: centers are
   keys, pairwise more than r apart, and every key is within r of one.  Sketch: a largest set of keys that
   are more than r apart; a key that is not within r of one could join. *)
Lemma greedy_centers (Tok Crd : finType) (K : Tok -> Crd -> R) (r : R)
    (gap := fun i j => let e a := K i a - K j a in dot e e) : 0 <= r ->
  exists Z : {set Tok}, (forall i j, i \in Z -> j \in Z -> i != j -> r * r < gap i j) /\
    (forall i, exists2 j, j \in Z & gap i j <= r * r).
Proof.
move=> r0; pose apart (Z : {set Tok}) :=
  [forall i, forall j, [&& i \in Z, j \in Z & i != j] ==> ~~ Rleb (gap i j) (r * r)].
have sym i j : gap i j = gap j i by apply: eq_bigr => a _; ring.
have apart0 : apart set0 by apply/forallP => i; apply/forallP => j; rewrite inE.
have [Z /maxsetP [hZ maxZ] _] := maxset_exists apart0.
have far i j : i \in Z -> j \in Z -> i != j -> r * r < gap i j.
  move=> iZ jZ ij; move/forallP/(_ i)/forallP/(_ j): hZ; rewrite iZ jZ ij /= => /RlebP.
  exact: Rnot_le_lt.
exists Z; split=> // i; case: (boolP [exists j, (j \in Z) && Rleb (gap i j) (r * r)]).
  by move=> /existsP [j /andP [jZ /RlebP h]]; exists j.
rewrite negb_exists => /forallP no; exists i; last first.
  by rewrite /gap /dot big1 => [|a _]; [apply: Rmult_le_pos|ring].
suff <- : i |: Z = Z by rewrite setU11.
apply: maxZ (subsetUr _ _); apply/forallP => k; apply/forallP => l; apply/implyP => /and3P [].
rewrite !inE => /orP [/eqP ->|kZ] /orP [/eqP ->|lZ] kl.
- by rewrite eqxx in kl.
- by have := no l; rewrite lZ.
- by have := no k; rewrite kZ /= sym.
by apply/RlebP => h; have := far _ _ kZ lZ kl; lra.
Qed.

(* ... so m h log2 (T + 1) bits are enough for m such centers.  Sketch: counters for the clusters of such
   centers; tokens that are no center have no members. *)
Theorem greedy_clusters (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam r eta : R)
    (gap := fun i j => let e a := K i a - K j a in dot e e) :
  0 <= lam -> 0 <= r -> 0 <= eta < 1 -> exp (2 * (lam * r)) <= 1 + eta ->
  exists (Z : {set Tok}) (S : finType) (compress : (Tok -> Ch -> R) -> S) (answer : S -> (Crd -> R) -> Ch ->
    R),
    [/\ forall i j, i \in Z -> j \in Z -> i != j -> r * r < gap i j,
        forall (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
          approx eta (attention_own q K B (levels ind x) c) (answer (compress (levels ind x)) q c)
      & log2 (N S) <= INR #|Z| * (N Ch * log2 (N Tok + 1))].
Proof.
move=> l0 r0 he hE; have [Z [far near]] := greedy_centers K r0.
pose center i : Tok := if [pick j | (j \in Z) && Rleb (gap i j) (r * r)] is Some j then j else i.
have hc i : center i \in Z /\ gap i (center i) <= r * r.
  rewrite /center; case: pickP => [j /andP [jZ /RlebP h] //|no]; have [j jZ h] := near i.
  by have := no j; rewrite jZ /=; move/RlebP: h => ->.
have [S [compress [answer [ok size]]]] := @clusters_upper_bound Tok Own Crd Ch Tok K B center K lam r eta l0
  r0 he hE
  (fun i => proj2 (hc i)).
exists Z, S, compress, answer; split=> //; rewrite size; have l2 := ln2_gt0.
have -> : INR #|Z| * (N Ch * log2 (N Tok + 1)) = N Ch * (INR #|Z| * log2 (N Tok + 1)) by ring.
apply: Rmult_le_compat_l; first exact: N_ge0.
rewrite -(rsum_const_card (mem Z)) big_mkcond [X in _ <= X]big_mkcond; apply: rsum_le => k _ /=.
case: ifP => [_|/negbT kZ].
  apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
  apply: ln_le; first by apply: Rplus_le_lt_0_compat; [exact: pos_INR|lra].
  by apply: Rplus_le_compat_r; apply: INR_le; exact: max_card.
rewrite eq_card0 => [|i]; first by rewrite /= Rplus_0_l /log2 ln_1 /Rdiv Rmult_0_l; exact: Rle_refl.
by rewrite !inE; apply/negbTE; apply: contraNN kZ => /eqP <-; exact: (proj1 (hc i)).
Qed.

(* ---------- no cache needs fewer bits ----------------------------------------------------------------- *)
(* tokens of equal logit that outweigh the others: the output is their mean value, up to t.  Sketch:
   numerator and denominator are split into the group and the rest; the rest weighs at most t times one
   token of the group. *)
Lemma group_reading (J : finType) (l v : J -> R) (G : pred J) (g t : R) (n := INR #|[pred j | G j]|) :
  (forall j, 0 <= v j <= 1) -> 0 < n -> (forall j, G j -> l j = g) ->
  \rsum_(j | ~~ G j) exp (l j) <= t * exp g -> 1 <= n ->
  Rabs (softmax_mean l v - (\rsum_(j | G j) v j) / n) <= t.
Proof.
move=> v01 n0 hg rest n1; have e0 := exp_pos g.
rewrite /softmax_mean (bigID G) /= [X in _ / X](bigID G) /=.
have -> : \rsum_(j | G j) (exp (l j) * v j) = exp g * \rsum_(j | G j) v j.
  by rewrite -rsum_distr; apply: eq_bigr => j /hg ->.
have -> : \rsum_(j | G j) exp (l j) = n * exp g.
  by rewrite -rsum_const_card; apply: eq_bigr => j /hg ->.
have [b0 bs] := rest_value_le l v01 (fun j => ~~ G j).
have s0 : 0 <= \rsum_(j | G j) v j by apply: rsum_ge0 => j _; have := v01 j; lra.
have s1 : \rsum_(j | G j) v j <= n.
  rewrite -[n]Rmult_1_r -rsum_const_card; apply: rsum_le => j _; have := v01 j; lra.
move: rest b0 bs s0 s1; set r := \rsum_(j | ~~ _) exp _; set b := \rsum_(j | ~~ _) _;
  set s := \rsum_(j | G j) _.
set e := exp g in e0 *; move=> rest b0 bs s0 s1.
have ne : 0 < n * e by apply: Rmult_lt_0_compat.
have d0 : 0 < n * e + r by lra.
have -> : (e * s + b) / (n * e + r) - s / n = (b * n - r * s) / (n * (n * e + r)) by field; lra.
have p0 : 0 < n * (n * e + r) by apply: Rmult_lt_0_compat.
have t0 : 0 <= t by apply: Rnot_lt_le => h; nra.
have top : r * n <= t * (n * (n * e + r)).
  have h1 : r * n <= t * e * n by apply: Rmult_le_compat_r; lra.
  have h2 : e <= n * e + r by nra.
  have h3 : t * e * n <= t * (n * (n * e + r)).
    have -> : t * e * n = t * (n * e) by ring.
    by apply: Rmult_le_compat_l => //; apply: Rmult_le_compat_l; lra.
  lra.
have h1 : b * n <= r * n by apply: Rmult_le_compat_r; lra.
have h2 : r * s <= r * n by apply: Rmult_le_compat_l; lra.
have h3 : 0 <= b * n by apply: Rmult_le_pos; lra.
have h4 : 0 <= r * s by apply: Rmult_le_pos; lra.
by apply: Rabs_le; split; [apply: Rdiv_le_r => //; lra|apply: Rdiv_le_l => //; lra].
Qed.

Section Together.
Variables (Tok Own Crd Ch Clu : finType) (B : Own -> Crd -> R) (cl : Tok -> Clu) (C : Clu -> Crd ->
  R) (mu lam : R).
Hypotheses (hC : incoherent C mu) (hB : forall k o, dot (C k) (B o) <= mu) (lam0 : 0 <= lam)
  (full : forall k, (0 < members cl k)%nat).
Notation K := (fun i => C (cl i)).
Notation letters := (fun kc : Clu * Ch => [finType of 'I_(members cl kc.1).+1]).
Notation words := {dffun forall kc : Clu * Ch, 'I_(members cl kc.1).+1}.
Notation tau := ((N Tok + N Own) * exp (- lam * (1 - mu))).
(* rank i: the place of token i in its cluster;  staircase x: the first x (k, c) tokens of cluster k have a
   1 in channel c *)
Definition rank (i : Tok) : nat := index i (enum [pred j | cl j == cl i]).
Definition staircase (x : words) (i : Tok) (c : Ch) : R := ind (rank i < x (cl i, c))%nat.

Lemma count_staircase (x : words) k c : \rsum_(i | cl i == k) staircase x i c = INR (x (k, c)).
Proof.
set s := enum [pred j | cl j == k]; have le : (x (k, c) <= size s)%nat by rewrite -cardE -ltnS.
rewrite (eq_bigr (fun i => ind (i \in take (x (k, c)) s))) => [|i /eqP e]; last first.
  by rewrite /staircase /rank e in_take // mem_enum inE e.
rewrite big_mkcond (eq_bigr (fun i => ind (i \in take (x (k, c)) s))) => [|i _]; last first.
  case: ifP => // ne; case h: (i \in _) => //; move: (mem_take h); by rewrite mem_enum inE ne.
rewrite sum_ind; congr INR; have /card_uniqP e : uniq (take (x (k, c)) s) by apply: take_uniq;
  exact: enum_uniq.
by rewrite -[RHS](size_takel le) -e; apply: eq_card => i; rewrite inE.
Qed.

(* a query at the center of cluster k reads the mean of the cluster, up to tau *)
Lemma cluster_reading (V : Tok -> Ch -> R) k c : (forall j, 0 <= V j c <= 1) ->
  Rabs (attention_own (scale lam (C k)) K B V c - (\rsum_(i | cl i == k) V i c) / INR (members cl k)) <= tau.
Proof.
move=> V01; pose G (j : Tok + Own) := if j is inl i then cl i == k else false.
have cardG : INR #|[pred j | G j]| = INR (members cl k).
  rewrite -!sum_ind big_sumType /= [X in _ + X]big1 ?Rplus_0_r //.
have := @group_reading [finType of Tok + Own] (fun j => dot (scale lam (C k)) (join K B j))
  (fun j => join V (fun _ _ => 0) j c) G lam tau.
rewrite cardG; have -> : \rsum_(j | G j) join V (fun _ _ => 0) j c = \rsum_(i | cl i == k) V i c.
  by rewrite big_mkcond big_sumType /= [X in _ + X]big1 ?Rplus_0_r // -big_mkcond.
apply; [by case=> [i|o] /=; [exact: V01|lra]|exact: INR_gt0| | |exact: INR_ge1].
  by case=> [i|o] //= /eqP ->; rewrite dot_scale (proj1 hC); ring.
have -> : tau * exp lam = (N Tok + N Own) * exp (lam * mu).
  by rewrite Rmult_assoc -exp_plus; congr (_ * exp _); ring.
rewrite -N_sum -rsum_const big_mkcond; apply: rsum_le => j _; have e0 := exp_pos (lam * mu).
case: ifP => [nG|_]; last lra; apply: exp_mono; rewrite dot_scale; apply: Rmult_le_compat_l => //.
case: j nG => [i|o] /= h; last exact: hB.
by apply: (proj2 hC); rewrite eq_sym.
Qed.

(* additive error eta: clusters of n_k tokens cost fano (n_k + 1) bits a channel, if 2 (eta + tau) n_k < 1.
   Sketch: the query at a center reads x (k, c) / n_k up to tau, and different counts differ by 1 / n_k. *)
Theorem clusters_lower_bound (W S : finType) (compress : W -> (Tok -> Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) -> Ch -> R) (eta : R) (delta : Clu -> R) :
  (forall k, 2 * (eta + tau) * INR (members cl k) < 1) ->
  (forall k, 0 <= delta k <= 1 - / (INR (members cl k) + 1)) -> 0 < N W ->
  (forall (x : words) k c, INR #|[pred w | ~~ near eta (attention_own (scale lam (C k)) K B (staircase x) c)
     (answer w (compress w (staircase x)) (scale lam (C k)) c)]| <= delta k * N W) ->
  N Ch * (\rsum_k fano (INR (members cl k) + 1) (delta k)) <= log2 (N S).
Proof.
move=> step hd W0 hc.
have Nk k : N [finType of 'I_(members cl k).+1] = INR (members cl k) + 1 by rewrite N_ord S_INR.
have -> : N Ch * (\rsum_k fano (INR (members cl k) + 1) (delta k))
        = \rsum_(kc : Clu * Ch) fano (N (letters kc)) (delta kc.1).
  rewrite -(pair_big xpredT xpredT (fun k (c : Ch) => fano (N [finType of 'I_(members cl k).+1]) (delta k)))
    /=.
  by rewrite -rsum_distr; apply: eq_bigr => k _; rewrite rsum_const Nk.
apply: (@separation_lower_bound _ letters W S (Tok -> Ch -> R) ((Crd -> R) * Ch) R
   (fun V q => near eta (attention_own q.1 K B V q.2)) staircase (fun kc => (scale lam (C kc.1), kc.2))
   compress (fun w s q => answer w s q.1 q.2) [ffun _ => ord0] (fun kc => delta kc.1)) => //.
- move=> x y [k c] o /= gx gy; apply/eqP/negPn/negP => ne.
  have s01 z j : 0 <= staircase z j c <= 1 by exact: ind_01.
  have := near_apart gx gy; have rx := cluster_reading k (s01 x); have ry := cluster_reading k (s01 y).
  rewrite !count_staircase in rx ry; move: rx ry; set u := attention_own _ _ _ _ _;
    set v := attention_own _ _ _ _ _.
  set n := INR (members cl k); set p := INR (x (k, c)); set q := INR (y (k, c)) => rx ry uv.
  have n0 : 0 < n by exact: INR_gt0.
  have far : 1 <= Rabs (p - q).
    have : x (k, c) != y (k, c) :> nat by []. rewrite neq_ltn => /orP [l|l].
      by rewrite Rabs_minus_sym; apply: Rle_trans (Rle_abs _); have h := INR_lt l; rewrite -/p -/q in h; lra.
    by apply: Rle_trans (Rle_abs _); have h := INR_lt l; rewrite -/p -/q in h; lra.
  have close : Rabs (p / n - q / n) <= 2 * (eta + tau).
    have -> : p / n - q / n = (u - v) + ((v - q / n) + - (u - p / n)) by ring.
    have t1 := Rabs_triang (u - v) ((v - q / n) + - (u - p / n)).
    by have := Rabs_triang (v - q / n) (- (u - p / n)); rewrite Rabs_Ropp; lra.
  have e : Rabs (p - q) = Rabs (p / n - q / n) * n.
    rewrite -{3}(Rabs_pos_eq n) -?Rabs_mult; last exact: Rlt_le.
    by congr Rabs; field; lra.
  by have := step k; rewrite -/n; have := Rmult_le_compat_r _ _ _ (Rlt_le _ _ n0) close; lra.
- by move=> [k c] /=; rewrite Nk.
by move=> x [k c]; exact: hc.
Qed.
End Together.

(* ---------- any keys in low dimension: a grid of clusters --------------------------- *)
(* cell G x: the number of the interval of length 2 / G of [-1, 1] in which x lies;  middle G a: its middle *)
Definition cell (G : nat) (x : R) : 'I_G.+1 := inord (minn (floor ((x + 1) / 2 * INR G.+1)) G).
Definition middle (G : nat) (a : 'I_G.+1) : R := -1 + (2 * INR a + 1) / INR G.+1.

(* Sketch: with y = G (x + 1) / 2 the number of the cell is the floor of y, so y is within 1/2 of its
   middle. *)
Lemma cell_near G x : -1 <= x <= 1 -> Rabs (x - middle (cell G x)) <= / INR G.+1.
Proof.
move=> hx; have g0 : 0 < INR G.+1 by exact: INR_gt0.
set y := (x + 1) / 2 * INR G.+1; have y0 : 0 <= y by apply: Rmult_le_pos; lra.
have yG : y <= INR G + 1 by rewrite -S_INR /y; nra.
have far : INR (cell G x) <= y <= INR (cell G x) + 1.
  rewrite /cell inordK ?ltnS ?geq_minr // -/y /minn.
  have [h1 h2] := base_Int_part y; have le := floor_le y0.
  have lt : y < INR (floor y) + 1.
    have z : (0 <= Int_part y)%Z by apply: Zlt_succ_le; apply: lt_IZR; rewrite succ_IZR; lra.
    by rewrite /floor INR_IZR_INZ Z2Nat.id //; lra.
  case: ltnP => h; first lra.
  by have := INR_le h; lra.
have -> : x - middle (cell G x) = (2 * (y - INR (cell G x)) - 1) * / INR G.+1.
  by rewrite /middle /y; field; lra.
rewrite Rabs_mult (Rabs_pos_eq (/ _)); last exact/Rlt_le/Rinv_0_lt_compat.
rewrite -[X in _ <= X]Rmult_1_l; apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
by apply: Rabs_le; lra.
Qed.

(* Keys with entries in [-1, 1], queries of norm at most lambda, relative error 1/2: with G >= 6 lambda sqrt
   d, at most G^d h log2 (T + 1) bits.  Sketch: cells of a grid as clusters, of radius sqrt d / G, so that
   lambda r <= 1/6 and e^(1/3) <= 3/2. *)
Theorem grid_upper_bound (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd ->
  R) (lam : R) (G : nat) :
  (forall i c, -1 <= K i c <= 1) -> 0 <= lam -> 6 * lam * sqrt (N Crd) <= INR G.+1 ->
  exists (S : finType) (compress : (Tok -> Ch -> R) -> S) (answer : S -> (Crd -> R) -> Ch -> R),
    (forall (x : {ffun Tok * Ch -> bool}) (q : Crd -> R) c, Tok -> dot q q <= lam * lam ->
       approx (1/2) (attention_own q K B (levels ind x) c) (answer (compress (levels ind x)) q c)) /\
    log2 (N S) <= INR G.+1 ^ #|Crd| * (N Ch * log2 (N Tok + 1)).
Proof.
move=> hK l0 hG; have g0 : 0 < INR G.+1 by exact: INR_gt0.
have d0 := sqrt_pos (N Crd); set r := sqrt (N Crd) / INR G.+1.
have r0 : 0 <= r by apply: Rmult_le_pos => //; exact/Rlt_le/Rinv_0_lt_compat.
have [||S [compress [answer [ok size]]]] := @clusters_upper_bound Tok Own Crd Ch [finType of {ffun Crd ->
  'I_G.+1}] K B
  (fun i => [ffun c => cell G (K i c)]) (fun k c => middle (k c)) lam r (1/2) l0 r0 ltac:(lra).
- have lr : 2 * (lam * r) <= 1/3.
    have -> : 2 * (lam * r) = 6 * lam * sqrt (N Crd) / INR G.+1 * (1/3) by rewrite /r; field; lra.
    have : 6 * lam * sqrt (N Crd) / INR G.+1 <= 1 by apply: Rdiv_le_l; lra.
    lra.
  apply: Rle_trans (exp_mono lr) _; apply: Rnot_lt_le => h; have := exp_le_3.
  have -> : exp 1 = exp (1/3) * (exp (1/3) * exp (1/3)) by rewrite -!exp_plus; congr exp; field.
  nra.
- move=> i /=; have -> : r * r = \rsum_(c : Crd) (/ INR G.+1 * / INR G.+1).
    by rewrite rsum_const -[X in _ = X * _](sqrt_sqrt _ (N_ge0 Crd)) /r; field; lra.
  apply: rsum_le => c _; rewrite ffunE; have h := Rabs_between (cell_near G (hK i c)).
  have ig : 0 < / INR G.+1 by apply: Rinv_0_lt_compat.
  nra.
exists S, compress, answer; split=> //; rewrite size; have l2 := ln2_gt0.
have -> : INR G.+1 ^ #|Crd| * (N Ch * log2 (N Tok + 1)) = N Ch * (INR G.+1 ^ #|Crd| * log2 (N Tok + 1)) by
  ring.
apply: Rmult_le_compat_l; first exact: N_ge0.
have -> : INR G.+1 ^ #|Crd| = N [finType of {ffun Crd -> 'I_G.+1}] by rewrite /N card_ffun card_ord INR_expn.
rewrite -rsum_const; apply: rsum_le => k _; apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
apply: ln_le; first by apply: Rplus_le_lt_0_compat; [exact: pos_INR|lra].
by apply: Rplus_le_compat_r; apply: INR_le; exact: max_card.
Qed.
