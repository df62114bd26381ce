(* Theorem E with one tilt, on a lattice of keys.  A state is a clique of instances that no question tells
   apart, and a clique is small: under one labelling of the tokens its keys are close, and its values equal.
   *)
From LowerBound Require Export Matching LatticeKeys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- a count of states, in bits ----------------------------------------------------------------- *)
Lemma some_words (Tok J Ch : finType) (M L g G : nat) : (0 < L)%nat ->
  (#|ball_words Tok J Ch M L| <= g * G)%nat -> (0 < G)%nat.
Proof.
move=> L0; have : (0 < #|ball_words Tok J Ch M L|)%nat.
  by rewrite card_ball_words expn_gt0 muln_gt0 ball_gt0 expn_gt0 L0.
by move=> w0 /(leq_trans w0); rewrite muln_gt0 => /andP[].
Qed.

(* A set of G words, one in g of all, of which a state serves at most T! (k^n ball / (2 m)^n)^T: the number of
   points in the ball cancels.
   Sketch.  In logarithms, G is at least T log2 (ball L^h) - log2 g; subtract T log2 (k^n ball) and add T n
   log2 (2 m); what is left is T (n log2 (2 m / k) + h log2 L). *)
Lemma lattice_price (Tok J Ch : finType) (M L m k g G : nat) : (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat ->
  (0 < g)%nat -> (#|ball_words Tok J Ch M L| <= g * G)%nat ->
  N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g)
    <= log2 (INR G) + N Tok * log2 (INR (expn (2 * m) #|J|)) - log2 (INR #|Tok|`!)
       - N Tok * log2 (INR (expn k #|J| * #|ball J M|)).
Proof.
move=> L0 m0 k0 g0 hG; have l2 := ln2_gt0; have b0 := ball_gt0 J M; have G0 := some_words L0 hG.
have w0 : (0 < #|ball_words Tok J Ch M L|)%nat.
  by rewrite card_ball_words expn_gt0 muln_gt0 b0 expn_gt0 L0.
move: hG w0; rewrite card_ball_words; move: #|ball J M| b0 => b b0 hG w0; have bR := INR_gt0 b0.
have LR : 0 < INR (expn L #|Ch|) by apply: INR_gt0; rewrite expn_gt0 L0.
have mR := INR_gt0 m0; have kR := INR_gt0 k0; have e2 : INR 2 = 2 by [].
have eb : log2 (INR (b * expn L #|Ch|)) = log2 (INR b) + N Ch * log2 (INR L).
  by rewrite mult_INR -log2_expn /log2 ln_mult //; field; lra.
have hh := ln_le (INR_gt0 w0) (INR_le hG); rewrite mult_INR ln_mult in hh; try exact: INR_gt0.
have h2 : log2 (INR (expn (b * expn L #|Ch|) #|Tok|)) <= log2 (INR g) + log2 (INR G).
  have -> : log2 (INR g) + log2 (INR G) = (ln (INR g) + ln (INR G)) / ln 2 by rewrite /log2; field; lra.
  by apply: Rmult_le_compat_r => //; exact/Rlt_le/Rinv_0_lt_compat.
have kn : 0 < INR (expn k #|J|) by apply: INR_gt0; rewrite expn_gt0 k0.
have ek : log2 (INR (expn k #|J| * b)) = N J * log2 (INR k) + log2 (INR b).
  by rewrite mult_INR -log2_expn /log2 ln_mult //; field; lra.
have em : log2 (2 * INR m / INR k) = log2 (INR (2 * m)) - log2 (INR k).
  rewrite mult_INR e2 /log2 /Rdiv ln_mult ?ln_Rinv //; [by field; lra|nra|exact: Rinv_0_lt_compat].
rewrite log2_expn eb in h2; rewrite ek log2_expn em.
change (INR #|Tok|) with (N Tok) in h2; change (INR #|J|) with (N J).
move: h2; move: (log2 (INR (2 * m))) (log2 (INR L)) (log2 (INR b)) (log2 (INR g)) (log2 (INR k)).
move: (log2 (INR #|Tok|`!)) (log2 (INR G)) (N Tok) (N J) (N Ch).
by move=> f x nj nt nc x1 x2 x3 x4 x5 h2; lra.
Qed.

Lemma lattice_bits (Tok J Ch : finType) (M L m k g G s : nat) : (0 < L)%nat -> (0 < m)%nat -> (0 < k)%nat ->
  (0 < g)%nat -> (#|ball_words Tok J Ch M L| <= g * G)%nat ->
  (G * expn (expn (2 * m) #|J|) #|Tok| <= s * (#|Tok|`! * expn (expn k #|J| * #|ball J M|) #|Tok|))%nat ->
  N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - log2 (INR g)
    <= log2 (INR s).
Proof.
move=> L0 m0 k0 g0 hG hs; apply: Rle_trans (lattice_price L0 m0 k0 g0 hG) _.
by apply: bits_of_count hs; [exact: some_words hG|rewrite expn_gt0 muln_gt0 m0].
Qed.

Lemma log2_2 : log2 (INR 2) = 1.
Proof. by rewrite /log2 [INR 2]/= /Rdiv Rinv_r //; exact/Rgt_not_eq/ln2_gt0. Qed.

Section Cliques.
Variables (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (M L : nat) (lam eta mu C tau c1 : R).
Notation Sym := [finType of {ffun J -> 'I_(M + M).+1} * {ffun Ch -> 'I_L}].
Notation Word := {ffun Tok -> Sym}.
Notation good := (coherent_words Tok J Ch M L mu).
Notation c2 := (tilt_cos lam eta C tau).
Notation s := (apart eta).
(* clean_leak c: leak, relative to the key that is read, at a query of cosine at least c with it *)
Definition clean_leak (c : R) : R :=
  (N Tok - 1) * exp (lam * (turn c mu - c)) + N Own * exp (- (lam * (1 + c))).

Hypotheses (M0 : (0 < M)%nat) (l0 : 0 < lam).

(* A value question at a cosine of at least c with key i has the value of token i as its answer, up to the
   leak.
   Sketch.  All other keys are far from the query, and the own keys opposite to it: their weights add up to at
   most clean_leak times that of key i. *)
Lemma value_near (x : Word) i ch c (q : option J -> R) : x \in good -> norm2 q = 1 -> 0 <= mu <= c ->
  c <= dot q (lattice_keys x i) ->
  Rabs (lattice_output (lattice_instance x) (scale lam q, (fun _ : Own => scale (-1) q), Some ch)
        - grid ((x i).2 ch)) <= clean_leak c.
Proof.
move=> Gx q1 mc hc; have inc := coherent_incoherent M0 Gx.
have T1 : 0 <= N Tok - 1 by have := N_ge1 i; lra.
have c0 : 0 <= clean_leak c.
  have := exp_pos (lam * (turn c mu - c)); have := exp_pos (- (lam * (1 + c))); have := N_ge0 Own.
  by rewrite /clean_leak; nra.
apply: gap_near => //; first exact: grid_01.
pose l := fun j : Tok + Own => dot (scale lam q) (join (lattice_keys x) (fun _ : Own => scale (-1) q) j).
pose v j := join (lattice_values x) (fun (_ : Own) _ => 0) j (Some ch).
apply: (@softmax_gap _ l v (inl i)) => [[j|o]|] /=.
- exact: grid_01.
- lra.
rewrite big_mkcond big_sumType /=.
have -> : \rsum_(j : Tok) (if inl j != inl i :> Tok + Own then exp (l (inl j)) else 0)
    = \rsum_(j | j != i) exp (l (inl j)) by rewrite [RHS]big_mkcond.
have -> : \rsum_(o : Own) exp (l (inr o)) = N Own * exp (- lam).
  rewrite -rsum_const; apply: eq_bigr => o _; congr exp.
  by rewrite /l /= dot_scale dot_scale_r q1; ring.
have h1 : \rsum_(j | j != i) exp (l (inl j)) <= (N Tok - 1) * exp (lam * turn c mu).
  apply: rest_mass => j ji; rewrite /l /= dot_scale; apply: Rmult_le_compat_l; first lra.
  exact: (others_far inc q1 ji mc hc).
have h2 : exp (lam * c) <= exp (l (inl i)).
  by apply: exp_mono; rewrite /l /= dot_scale; apply: Rmult_le_compat_l; lra.
apply: Rle_trans (_ : _ <= clean_leak c * exp (lam * c)) _; last by apply: Rmult_le_compat_l.
have -> : clean_leak c * exp (lam * c) = (N Tok - 1) * exp (lam * turn c mu) + N Own * exp (- lam).
  rewrite /clean_leak Rmult_plus_distr_r !Rmult_assoc -!exp_plus.
  by congr (_ * exp _ + _ * exp _); ring.
by lra.
Qed.

(* c1: a cosine at which keys match *)
Hypotheses (he : 0 <= eta < 1/2) (mu0 : 0 <= mu) (hC : mu <= C <= c1)
  (hmatch : matched Tok Own (option_finType J) (option_finType Ch) lam eta mu c1)
  (htau : tilt_leak Tok lam C mu <= tau) (hg : C + (s + ln (1 + tau)) / lam <= 1)
  (hreach : ln (N Own) + s / 2 <= lam * (1 + C)) (hc2 : C <= 2 * (c2 * c2) - 1)
  (hL : 2 * (eta + clean_leak c2) * (INR L - 1) < 1).
(* one state for every instance, and answers to all mass questions and value questions *)
Variables (S : finType) (st : Word -> S)
  (ans : S -> (option J -> R) * (Own -> option J -> R) * option Ch -> R).
Hypotheses
  (mass_right : forall x q r, x \in good -> norm2 q = 1 -> norm2 r = 1 ->
     near eta (lattice_output (lattice_instance x) (mass_question Own Ch lam q r))
              (ans (st x) (mass_question Own Ch lam q r)))
  (value_right : forall x y i c, x \in good -> y \in good ->
     near eta (lattice_output (lattice_instance x) (value_question Own lam y i c))
              (ans (st x) (value_question Own lam y i c))).

(* what the conditions say of c2, and of the reach of the references *)
Lemma tilt_facts : 0 <= c2 <= 1 /\ mu <= c2 /\ - lam + ln (N Own) + s / 2 <= lam.
Proof.
have s0 := apart_ge0 he; have T1 : 0 <= N Tok - 1 by have := N_ge1 t0; lra.
have t1 : 0 <= tau by apply: Rle_trans htau; apply: Rmult_le_pos => //; exact/Rlt_le/exp_pos.
have lt1 := @ln_ge0 (1 + tau) ltac:(lra).
have g0 : 0 <= (s + ln (1 + tau)) / lam by apply: Rdiv_le_r; lra.
have c20 : 0 <= c2 by apply: turn_ge0; lra.
have c21 : c2 <= 1 by apply: turn_le1; lra.
have C1 : C <= 1 by nra.
by split=> //; split; nra.
Qed.

(* Two good words of one state are alike. *)
Lemma state_alike x y : x \in good -> y \in good -> st x = st y ->
  alike Own (option_finType Ch) lam eta (lattice_keys x) (lattice_keys y).
Proof.
move=> Gx Gy e; apply: (@alike_of_answers _ _ _ _ t0 o0 lam eta _ _ (lattice_values x) (lattice_values y)
  (fun q r => ans (st x) (mass_question Own Ch lam q r)) None) => // q r q1 r1; first exact: mass_right.
by rewrite e; exact: mass_right.
Qed.

(* Keys of good words of one state that are within the angle of the tilt are within a2. *)
Lemma state_close x y i j : x \in good -> y \in good -> st x = st y ->
  C <= dot (lattice_keys x i) (lattice_keys y j) -> c2 <= dot (lattice_keys x i) (lattice_keys y j).
Proof.
move=> Gx Gy e h; have [k1 _] := coherent_incoherent M0 Gx; have ab : None != Some j0 :> option J by [].
have mC : 0 <= mu <= C by lra.
have reach : - lam + ln (N Own) + s / 2 <= lam * C by lra.
exact: (tilt t0 o0 he l0 None ab (state_alike Gx Gy e) (k1 i) (coherent_incoherent M0 Gy) mC h htau hg reach).
Qed.

(* Two symbols that good words y and z of one state have at token j, both matched with a key of a third, have
   close points and equal values. *)
Lemma state_symbols x y z i j : x \in good -> y \in good -> z \in good -> st y = st x -> st z = st x ->
  c2 <= dot (lattice_keys x i) (lattice_keys y j) -> c2 <= dot (lattice_keys x i) (lattice_keys z j) ->
  c2 <= dot (lattice_keys y j) (lattice_keys z j) /\ (y j).2 = (z j).2.
Proof.
move=> Gx Gy Gz ey ez hy hz; have [[c20 c21] [mc _]] := tilt_facts.
have [x1 _] := coherent_incoherent M0 Gx; have [y1 _] := coherent_incoherent M0 Gy.
have [z1 _] := coherent_incoherent M0 Gz; have e : st y = st z by rewrite ey ez.
have d : c2 <= dot (lattice_keys y j) (lattice_keys z j).
  apply: state_close => //; apply: Rle_trans hc2 _; rewrite dot_sym in hy.
  exact: (double_angle (y1 j) (x1 i) (z1 j) c20 hy hz).
split=> //; apply/ffunP => c; apply/eqP/negPn/negP => ne; have mu2 : 0 <= mu <= c2 by lra.
have ry := @value_near y j c c2 (lattice_keys y j) Gy (y1 j) mu2 ltac:(rewrite y1; lra).
have rz := value_near c Gz (y1 j) mu2 d; have gy := value_right j c Gy Gy; have gz := value_right j c Gz Gy.
rewrite -e in gz; have := apart_near ry rz gy gz.
by have := grid_step hL ne; lra.
Qed.

(* close x y f: every key of x is within a2 of the key of y that f labels alike *)
Definition close (x y : Word) (f : {ffun Tok -> Tok}) : bool :=
  [forall i, Rleb c2 (dot (lattice_keys x i) (lattice_keys y (f i)))].
(* points G x f i: the points that words of G, of the state of x and close to x under f, have for token i *)
Definition points (G : {set Word}) (x : Word) (f : {ffun Tok -> Tok}) (i : Tok) :
  {set {ffun J -> 'I_(M + M).+1}} := [set (a : Sym).1 | a in symbols (members G st close x f) (f i)].

Lemma pointsP (G : {set Word}) x f i p : p \in points G x f i ->
  exists y, [/\ y \in G, st y = st x, forall j, c2 <= dot (lattice_keys x j) (lattice_keys y (f j))
               & p = (y (f i)).1].
Proof.
move=> /imsetP[_ /imsetP[y hy ->] ->]; exists y; move: hy; rewrite inE => /and3P[Gy /eqP e /forallP h].
by split=> // j; exact/RlebP.
Qed.

(* A state serves at most T! B words, if words of one labelling have at most B lists of points.
   Sketch.  Match every word of a state with one word x of it (Matching.v).  Under one labelling the symbols
   of a token have equal values: there are no more of them than points. *)
Theorem state_count (G : {set Word}) (B : nat) (a : S) : {subset G <= good} ->
  (forall x (f : {ffun Tok -> Tok}), x \in G -> injective f -> (\prod_i #|points G x f i| <= B)%nat) ->
  (#|[set x in G | st x == a]| <= #|Tok|`! * B)%nat.
Proof.
move=> Ggood hB; have [[c20 _] [mc reach]] := tilt_facts; have ab : None != Some j0 :> option J by [].
apply: (@words_of_state _ _ _ _ st close) => [x y /Ggood Gx /Ggood Gy e|x f Gx inj].
  have [f [/bij_inj inj h]] := hmatch (state_alike Gx Gy e) (coherent_incoherent M0 Gx)
    (coherent_incoherent M0 Gy).
  exists (finfun f); split; first by move=> i i'; rewrite !ffunE => /inj.
  by apply/forallP => i; apply/RlebP; rewrite ffunE; apply: state_close => //; apply: Rle_trans (h i); lra.
apply: leq_trans (hB x f Gx inj); apply: leq_prod => i _; rewrite [#|points _ _ _ _|]card_in_imset //.
move=> u v /imsetP[y hy ->] /imsetP[z hz ->]; move: hy hz; rewrite !inE.
move=> /and3P[/Ggood Gy /eqP ey /forallP/(_ i)/RlebP hy] /and3P[/Ggood Gz /eqP ez /forallP/(_ i)/RlebP hz].
have [_] := state_symbols (Ggood _ Gx) Gy Gz ey ez hy hz.
by case: (y _) (z _) => [a1 a2] [b1 b2] /= -> ->.
Qed.

(* Points of one token are within M sqrt (2 - 2 c2) of each other. *)
Lemma points_near (G : {set Word}) x f i u v : {subset G <= good} -> x \in good ->
  u \in points G x f i -> v \in points G x f i ->
  norm2 (fun j => INR (u j) - INR (v j)) <= (INR M * sqrt (2 - 2 * c2)) * (INR M * sqrt (2 - 2 * c2)).
Proof.
move=> Ggood Gx /pointsP[y [/Ggood Gy ey hy ->]] /pointsP[z [/Ggood Gz ez hz ->]].
have ball w l : w \in good -> (w l).1 \in ball J M by rewrite inE => /andP[/forallP].
have [d _] := state_symbols Gx Gy Gz ey ez (hy i) (hz i).
by apply: (lattice_key_near M0 _ _ d); exact: ball.
Qed.

Variables (m k : nat).
Hypotheses (m0 : (0 < m)%nat) (k0 : (0 < k)%nat)
  (hm : INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt (N J)) / INR k) + INR m * sqrt (N J) <= INR M).

(* The good words of a state are few: at most T! (k^n ball / (2 m)^n)^T, because by the lattice form of the
   Brunn-Minkowski inequality a token has at most (k / 2 m)^n times as many points as the ball. *)
Theorem clique_size (a : S) : (#|[set x in good | st x == a]| * expn (expn (2 * m) #|J|) #|Tok|
  <= #|Tok|`! * expn (expn k #|J| * #|ball J M|) #|Tok|)%nat.
Proof.
pose D := expn (2 * m) #|J|; pose P := (expn k #|J| * #|ball J M|)%nat; pose B := (P %/ D)%nat.
have D0 : (0 < D)%nat by rewrite expn_gt0 muln_gt0 m0.
have cnt : (#|[set x in good | st x == a]| <= #|Tok|`! * expn B #|Tok|)%nat.
  apply: state_count => // x f Gx inj; rewrite -prod_nat_const; apply: leq_prod => i _.
  rewrite leq_divRL // mulnC.
  apply: (small_diameter (r := INR M * sqrt (2 - 2 * c2))) => // [|u v hu hv]; last exact: points_near hu hv.
  by apply: Rmult_le_pos; [exact: pos_INR|exact: sqrt_pos].
apply: (@leq_trans (#|Tok|`! * expn B #|Tok| * expn D #|Tok|)); first by rewrite leq_mul2r cnt orbT.
rewrite -mulnA leq_mul2l -expnMn; apply/orP; right.
by rewrite leq_exp2r ?leq_trunc_div //; apply/card_gt0P; exists t0.
Qed.

(* m', k': a spherical cap of cosine mu has at most (k'/m')^n of the keys *)
Variables (m' k' : nat).
Hypotheses (L0 : (0 < L)%nat) (m'0 : (0 < m')%nat) (k'0 : (0 < k')%nat)
  (hfit : INR m' * (INR M * sine mu / INR k') + INR m' * sqrt (N J) <= INR M)
  (hq : (2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat).

(* Half of all words are good. *)
Lemma half_good : (#|ball_words Tok J Ch M L| <= 2 * #|good|)%nat.
Proof.
have mu01 : 0 <= mu <= 1 by have [[_ c21] [mc _]] := tilt_facts; lra.
by have := most_coherent Ch L M0 mu01 m'0 k'0 hfit hq; rewrite {1}mul2n -addnn leq_add2r.
Qed.

Theorem clique_lattice :
  N Tok * (N J * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1 <= log2 (N S).
Proof. by rewrite -log2_2; exact: lattice_bits half_good (words_of_states clique_size). Qed.
End Cliques.

(* ---------- two ways to match keys ------------------------------------------------------------------- *)
Section Matched.
Variables (Tok Own J Ch : finType) (t0 : Tok) (o0 : Own) (j0 : J) (lam eta mu C tau : R).
Notation s := (apart eta).
Notation c2 := (tilt_cos lam eta C tau).
Hypotheses (l0 : 0 < lam) (he : 0 <= eta < 1/2) (htau : tilt_leak Tok lam C mu <= tau)
  (hg : C + (s + ln (1 + tau)) / lam <= 1) (hreach : ln (N Own) + s / 2 <= lam * (1 + C))
  (hc2 : C <= 2 * (c2 * c2) - 1).

(* by ln T *)
Lemma coarse_matched : 0 <= mu <= coarse_cos Tok lam eta -> match_leak Tok lam eta mu < 1 ->
  mu < 2 * (match_cos Tok lam eta mu * match_cos Tok lam eta mu) - 1 -> mu <= C <= match_cos Tok lam eta mu ->
  matched Tok Own (option_finType J) (option_finType Ch) lam eta mu (match_cos Tok lam eta mu).
Proof.
move=> hmu hleak hinj hC; have [_ [_ reach]] := tilt_facts t0 l0 he (proj1 hmu) hC htau hg hreach hc2.
have ab : None != Some j0 :> option J by [].
apply: (@matching _ _ _ _ t0 o0 None (Some j0)) => //; [exact: None|lra].
Qed.

(* by how few keys of mutual cosines mu are near one key *)
Lemma few_matched : 0 <= edge_cos Tok lam eta -> mu < edge_cos Tok lam eta * edge_cos Tok lam eta ->
  0 <= mu <= few_cos Tok lam eta mu -> leak_beyond Tok lam eta (few_cos Tok lam eta mu) mu < 1 ->
  mu < 2 * (cos_beyond Tok lam eta (few_cos Tok lam eta mu) mu
            * cos_beyond Tok lam eta (few_cos Tok lam eta mu) mu) - 1 ->
  mu <= C <= cos_beyond Tok lam eta (few_cos Tok lam eta mu) mu ->
  matched Tok Own (option_finType J) (option_finType Ch) lam eta mu
    (cos_beyond Tok lam eta (few_cos Tok lam eta mu) mu).
Proof.
move=> e0 hmue hmu hleak hinj hC.
have [[_ c21] [mc reach]] := tilt_facts t0 l0 he (proj1 hmu) hC htau hg hreach hc2.
have ab : None != Some j0 :> option J by [].
apply: (@few_matching _ _ _ _ t0 o0 None (Some j0)) => //; [exact: None|lra|lra].
Qed.
End Matched.

(* ---------- the questions can be answered ------------------------------------------------------------- *)
Section Store.
Variables (Tok Own J Ch : finType) (M L : nat).
Notation Word := {ffun Tok -> [finType of {ffun J -> 'I_(M + M).+1} * {ffun Ch -> 'I_L}]}.

(* A cache that keeps the word answers every question exactly.
   Sketch.  Keys and values determine the word: a point is read off its key, a level off its value.  So
   looking for a word with the given keys and values finds it. *)
Theorem store_word (eta : R) : (0 < M)%nat -> (0 < L)%nat -> 0 <= eta ->
  exists (compress : unit -> (Tok -> option J -> R) * (Tok -> option Ch -> R) -> Word)
    (answer : unit -> Word -> (option J -> R) * (Own -> option J -> R) * option Ch -> R),
    (forall w (x : Word) q, near eta (lattice_output (lattice_instance x) q)
                                     (answer w (compress w (lattice_instance x)) q)) /\
    log2 (N [finType of Word]) = N Tok * (N J * log2 (2 * INR M + 1) + N Ch * log2 (INR L)).
Proof.
move=> M0 L0 e0; have M1 := INR_gt0 M0; have L1 := INR_gt0 L0; have l2 := ln2_gt0.
pose same (KV : (Tok -> option J -> R) * (Tok -> option Ch -> R)) (x : Word) :=
  [forall i, [forall j, Rleb (Rabs (KV.1 i (Some j) - lattice_keys x i (Some j))) 0] &&
             [forall c, Rleb (Rabs (KV.2 i (Some c) - lattice_values x i (Some c))) 0]].
pose x0 : Word := [ffun _ => ([ffun _ => ord0], [ffun _ => Ordinal L0])].
have zero a b : Rleb (Rabs (a - b)) 0 -> a = b by move=> /RlebP/Rabs_between; lra.
have self a : Rleb (Rabs (a - a)) 0 by apply/RlebP; rewrite Rminus_diag_eq // Rabs_R0; exact: Rle_refl.
exists (fun _ KV => odflt x0 [pick x | same KV x]), (fun _ x q => lattice_output (lattice_instance x) q).
split=> [w x q|].
  suff -> : odflt x0 [pick y | same (lattice_instance x) y] = x by exact: near_self.
  case: pickP => [y /forallP h|/(_ x)/negP[]] /=; last first.
    by apply/forallP => i; apply/andP; split; apply/forallP => ?; exact: self.
  apply/ffunP => i; have /andP[/forallP hk /forallP hv] := h i.
  have e1 : (y i).1 = (x i).1.
    apply/ffunP => j; apply/val_inj/INR_eq; have := zero _ _ (hk j); rewrite /= /from => e.
    by have := Rmult_eq_reg_l _ _ _ e (Rinv_neq_0_compat _ (Rgt_not_eq _ _ M1)); lra.
  have e2 : (y i).2 = (x i).2 by apply/ffunP => c; have := zero _ _ (hv c) => /= /grid_inj.
  by move: e1 e2; case: (y i) (x i) => [a b] [c d] /= -> ->.
rewrite /N card_ffun card_prod !card_ffun !card_ord.
rewrite log2_expn /log2 mult_INR ln_mult; try by apply: INR_gt0; rewrite expn_gt0 ?L0.
have -> : ln (INR (expn (M + M).+1 #|J|)) = INR #|J| * ln (2 * INR M + 1).
  by rewrite INR_expn ln_pow ?S_INR ?plus_INR; [congr (_ * ln _); ring|have := pos_INR M; lra].
by rewrite INR_expn ln_pow //; field; lra.
Qed.
End Store.
