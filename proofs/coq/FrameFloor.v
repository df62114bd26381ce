(* Theorem F at delta = 0 (frames): the payloads of all dimensions but two and the values must both be stored,
   up to the letters whose queries are shut and the log-density of the accepted payloads. *)
From LowerBound Require Export IndexSubset FrameLeak.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* the density of the accepted payloads, by Cantelli's inequality for the sum of the squared letters *)
Lemma moments_dense (Pay A : finType) (v : A -> R) (c0 m2 m4 z : R) : 0 < N A -> 0 < z ->
  mean (fun a => v a ^ 2) = m2 -> mean (fun a => (v a ^ 2) ^ 2) = m4 ->
  N Pay * m2 + sqrt (z * (N Pay * (m4 - m2 ^ 2))) <= 1 - c0 ^ 2 ->
  N [finType of {ffun Pay -> A}] <= (1 + / z) * N (frame_word Pay c0 v).
Proof.
move=> A0 z0 h2 h4; set U := [finType of {ffun Pay -> A}]; set th := _ + _ => hz.
have U0 : 0 < N U by rewrite N_ffun; exact: pow_lt.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have hd := @cantelli_sum Pay A (fun k => v k ^ 2) _ _ z A0 z0 h2 h4; rewrite -/th in hd.
have hm : mean (fun u : U => ind (Rleb (\rsum_i v (u i) ^ 2) th)) <= N (frame_word Pay c0 v) / N U.
  rewrite /mean; apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
  have -> : N (frame_word Pay c0 v) = \rsum_(u : U) ind (accepted c0 v u) by rewrite sum_ind /N card_sig.
  apply: rsum_le => u _; rewrite /accepted; case: RlebP => h1; last exact: (proj1 (ind_01 _)).
  by case: RlebP => h; [exact: Rle_refl|case: h; exact: Rle_trans h1 hz].
have := Rmult_le_compat_r (N U * (1 + / z)) _ _ ltac:(nra) (Rle_trans _ _ _ hd hm).
have -> : / (1 + / z) * (N U * (1 + / z)) = N U by field; split; nra.
by have -> : N (frame_word Pay c0 v) / N U * (N U * (1 + / z)) = (1 + / z) * N (frame_word Pay c0 v)
  by field; split; lra.
Qed.

Section Floor.
Variables (Tok Own Pay Ch A : finType).
Notation D := [finType of option Pay].
Notation Crd := [finType of D + unit].
Variables (b : Tok -> D -> R) (c0 : R) (LV : nat) (v : A -> R).
Variables (lam cs sn h tau tauV eta mu1 mu2 P m tK tV : R).
Notation U := [finType of {ffun Pay -> A}].
Notation token := (frame_token Pay Ch c0 LV v).
Notation family := (frame_family Tok Pay Ch c0 LV v).
Notation inst := (frame_instance b (Ch := Ch) (c0 := c0) (LV := LV) (v := v)).
Notation out x Q := (frame_output (Own := Own) (inst x) Q).
Notation letter x i l := (v (payload_of x i l)).
Notation shut_from := (token_logit c0 lam cs sn (- (h / 2))).
Implicit Types x y : family.

(* letter_question i l a: is the payload, in the direction of the sign of letter a, at least as far out as
   a? *)
Definition letter_sign (a : A) : R := if Rleb 0 (v a) then 1 else -1.
Definition letter_question i l a : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  payload_question Own Ch b lam cs sn i l (letter_sign a)
    (threshold c0 lam cs sn tau (letter_sign a * v a - h / 2)).

(* frame_symbols x: the word of INDEX *)
Definition frame_alphabet (ix : Tok * Ch + Tok * Pay) : finType :=
  if ix is inl _ then [finType of 'I_LV] else A.
Definition frame_symbols x : {dffun forall ix, frame_alphabet ix} :=
  [ffun ix => match ix return frame_alphabet ix with
              | inl (i, c) => (x i).2 c | inr (i, l) => payload_of x i l end].

Lemma frame_symbols_inj : injective frame_symbols.
Proof.
move=> x y /ffunP e; apply/ffunP => i; apply: injective_projections.
  by apply: val_inj; apply/ffunP => l; have := e (inr (i, l)); rewrite !ffunE.
by apply/ffunP => c; have := e (inl (i, c)); rewrite !ffunE.
Qed.

(* A payload question is a unit question if its copies weigh as much as a token at r >= 0, or a little more:
   the logit of a token is at most lambda, by Cauchy and Schwarz, and the copies together weigh at least 1, so
   that one of them need not be below - lambda. *)
Lemma payload_unit i l e r s : (forall i, dot (b i) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 <= c0 -> 0 <= tau -> 0 <= eta < 1/2 ->
  spacing eta tau < lam * sn * h -> (0 < #|Own|)%nat -> ln (N Own) <= lam -> e ^ 2 = 1 ->
  0 <= r -> (r + h / 2) ^ 2 <= 1 - c0 ^ 2 -> 0 <= s <= ln (1 + tau) / 2 ->
  unit_question lam (payload_question Own Ch b lam cs sn i l e (token_logit c0 lam cs sn r + s)).
Proof.
move=> b1 b0 l0 cs0 sn0 circle c00 t0 he step O0 lO e2 r0 fits s0.
have n0 : 0 <= ln (N Own) by apply: ln_ge0; exact: INR_ge1.
have le0 : 0 <= ln ((1 + 2 * eta) / (1 - 2 * eta)) by apply: ln_ge0; apply: Rdiv_le_r; lra.
rewrite /spacing in step; apply: payload_question_unit => //; set u := cs * c0 + sn * (r + h / 2).
have u1 : u <= 1.
  have eu : u ^ 2 + (cs * (r + h / 2) - sn * c0) ^ 2 = (cs ^ 2 + sn ^ 2) * (c0 ^ 2 + (r + h / 2) ^ 2).
    by rewrite /u; ring.
  rewrite circle in eu; have := pow2_ge_0 (cs * (r + h / 2) - sn * c0) => h1.
  by apply: Rnot_lt_le => lt; nra.
have p0 : 0 <= token_logit c0 lam cs sn r.
  by apply: Rmult_le_pos; [lra|apply: Rplus_le_le_0_compat; apply: Rmult_le_pos; lra].
have er : token_logit c0 lam cs sn r = lam * u - lam * sn * h / 2 by rewrite /u /token_logit; field.
by have : lam * u <= lam * 1 by [apply: Rmult_le_compat_l; lra]; lra.
Qed.

Lemma letter_question_unit i l a : (forall i, dot (b i) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 <= c0 -> 0 <= tau -> 0 <= eta < 1/2 ->
  spacing eta tau < lam * sn * h -> (0 < #|Own|)%nat -> ln (N Own) <= lam ->
  h / 2 <= Rabs (v a) -> v a ^ 2 <= 1 - c0 ^ 2 -> unit_question lam (letter_question i l a).
Proof.
move=> b1 b0 l0 cs0 sn0 circle c00 t0 he step O0 lO va fits.
have lt0 : 0 <= ln (1 + tau) by apply: ln_ge0; lra.
have e2 : letter_sign a ^ 2 = 1 by rewrite /letter_sign; case: RlebP => _; ring.
have ra : letter_sign a * v a = Rabs (v a).
  by rewrite /letter_sign; case: RlebP => h0; [rewrite Rabs_right|rewrite Rabs_left1]; lra.
apply: payload_unit => //; rewrite ?ra; try lra.
by have -> : Rabs (v a) - h / 2 + h / 2 = Rabs (v a) by [ring]; rewrite pow2_abs.
Qed.

(* readable x ix: the queries that symbol ix needs are open, towards its frame vector, and away from it for a
   negative letter *)
Definition readable x (ix : Tok * Ch + Tok * Pay) : bool :=
  match ix with
  | inl (i, _) => isolated b (scale lam (b i)) x i (tauV / 2) (lam * c0)
  | inr (i, l) => isolated b (tilt b lam cs sn i l 1) x i tau shut_from
      && (Rleb 0 (letter x i l) || isolated b (tilt b lam cs sn i l (-1)) x i tau shut_from)
  end.

Hypotheses (b1 : forall i, dot (b i) (b i) = 1) (b0 : forall i, b i None < 1)
  (lam0 : 0 < lam) (cs0 : 0 <= cs) (sn0 : 0 < sn) (circle : cs ^ 2 + sn ^ 2 = 1)
  (h0 : 0 < h) (tau0 : 0 < tau) (he : 0 <= eta < 1/2) (O0 : (0 < #|Own|)%nat).
Hypotheses (v_apart : forall a a', a != a' -> h <= Rabs (v a - v a')) (v_gap : forall a, h / 2 <= Rabs (v a)).
Hypotheses (step : spacing eta tau < lam * sn * h) (step_V : 2 * (eta + tauV) * (INR LV - 1) < 1)
  (own_far : N Own * exp (- lam) <= tauV / 2 * exp (lam * c0)).
(* told_apart x y: one of the questions has no answer that is within eta for both *)
Notation told_apart x y := (exists Q, ((exists i c, Q = value_question Own b lam i c) \/
    (exists i l a, Q = letter_question i l a)) /\
  forall o, near eta (out x Q) o -> near eta (out y Q) o -> False).

(* If y has the larger letter and it is positive, the letter of y is asked for, towards the frame vector.  If
   both are negative, the letter of x is asked for, away from it: x is further out. *)
Lemma payload_apart x y i l : readable x (inr (i, l)) -> readable y (inr (i, l)) ->
  letter x i l + h <= letter y i l -> told_apart x y.
Proof.
move=> /andP[px _] /andP[_ my] d; have [gx gy] := (v_gap (payload_of x i l), v_gap (payload_of y i l)).
have e1 : (1 : R) ^ 2 = 1 by ring. have e2 : (-1 : R) ^ 2 = 1 by ring.
have low r : - (h / 2) <= r -> shut_from <= token_logit c0 lam cs sn r.
  by move=> hr; rewrite /token_logit; apply: Rmult_le_compat_l; [lra|nra].
case: (RlebP 0 (letter y i l)) my => [y0 _|yn /= my].
  exists (letter_question i l (payload_of y i l)); split; first by right; exists i, l, (payload_of y i l).
  have -> : letter_question i l (payload_of y i l)
      = payload_question Own Ch b lam cs sn i l 1 (threshold c0 lam cs sn tau (letter y i l - h / 2)).
    by rewrite /letter_question /letter_sign; case: RlebP => // _;
      congr (payload_question _ _ _ _ _ _ _ _ _ (threshold _ _ _ _ _ _)); ring.
  have yh : h / 2 <= letter y i l by move: gy; rewrite Rabs_right; lra.
  by move=> o; apply: (threshold_apart (g := h) b1 b0 lam0 circle O0 e1 _ he step px) => //;
    [lra|apply: low; lra|lra|lra].
exists (letter_question i l (payload_of x i l)); split; first by right; exists i, l, (payload_of x i l).
have -> : letter_question i l (payload_of x i l)
    = payload_question Own Ch b lam cs sn i l (-1) (threshold c0 lam cs sn tau (- letter x i l - h / 2)).
  rewrite /letter_question /letter_sign; case: RlebP => [hx|_]; first by exfalso; lra.
  by congr (payload_question _ _ _ _ _ _ _ _ _ (threshold _ _ _ _ _ _)); ring.
have yh : letter y i l <= - (h / 2) by move: gy; rewrite Rabs_left1; lra.
move=> o ox oy; apply: (threshold_apart (g := h) b1 b0 lam0 circle O0 e2 _ he step my _ sn0 _ _ oy ox);
  try lra.
by apply: low; lra.
Qed.

(* readable symbols that differ are told apart *)
Lemma readable_apart x y ix : readable x ix -> readable y ix -> frame_symbols x ix != frame_symbols y ix ->
  told_apart x y.
Proof.
case: ix => -[i c] rx ry; rewrite /frame_symbols !ffunE => ne.
  exists (value_question Own b lam i c); split; first by left; exists i, c.
  move=> o gx gy; apply: (Rlt_irrefl (2 * (eta + tauV))); apply: Rlt_le_trans (grid_step step_V ne) _.
  exact: apart_near (value_reading b1 b0 c own_far rx) (value_reading b1 b0 c own_far ry) gx gy.
have d := v_apart ne; case: (Rle_dec (letter x i c) (letter y i c)) => le.
  by apply: payload_apart rx ry _; move: d; rewrite Rabs_minus_sym Rabs_right; lra.
have [|Q [lQ hQ]] := payload_apart ry rx; first by move: d; rewrite Rabs_right; lra.
by exists Q; split=> // o ox oy; exact: hQ oy ox.
Qed.

(* ---------- the floor ----------------------------------------------------------------------------- *)
(* shut_K, shut_V: bounds on how often a tilted query, or a value query, is shut *)
Definition shut_K : R := isolation (N Tok) P tK m c0 (cs * mu1 + sn * mu2) ((shut_from + ln tau) / lam).
Definition shut_V : R := isolation (N Tok) P tV m c0 mu1 ((lam * c0 + ln (tauV / 2)) / lam).
Hypotheses (coherence : forall i j, i != j -> dot (b i) (b j) <= mu1)
  (frame_coherence : forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2).
Hypotheses (v_sym : exists opp : A -> A, involutive opp /\ forall a, v (opp a) = - v a)
  (m0 : 0 <= m) (v_moment : subgaussian v m) (tauV0 : 0 < tauV).
Hypotheses (P1 : 1 <= P) (A0 : 0 < N A) (V0 : (0 < LV)%nat) (dense : N U <= P * N (frame_word Pay c0 v)).
Hypotheses (tK1 : 0 < tK <= lam) (tV1 : 0 < tV <= lam) (mK : tK * m * (cs * mu1 + sn * mu2) <= c0)
  (mV : tV * m * mu1 <= c0).
Hypotheses (hK : 0 <= 3/2 * shut_K <= 1 - / N A) (hV : 0 <= shut_V <= 1 - / INR LV).

Lemma payloads_gt0 : 0 < N U. Proof. by rewrite N_ffun; exact: pow_lt. Qed.

(* Symbols whose queries are shut are rare.  The query towards a frame vector is always needed, the other one
   for negative letters only, which is half of them: pK + pK / 2. *)
Lemma readable_often (ix : Tok * Ch + Tok * Pay) :
  \rsum_(x : family) ind (~~ readable x ix) <= (if ix is inl _ then shut_V else 3/2 * shut_K) * N family.
Proof.
have P0 : 0 <= P by lra.
have U0 := payloads_gt0; have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
have t0 : 0 < N token by exact: (token_gt0 Ch U0 dense V0).
rewrite -(mean_mul f0) Rmult_comm; apply: Rmult_le_compat_r; first lra.
have vn a : v a <> 0 by move=> e; have := v_gap a; rewrite e Rabs_R0; lra.
case: ix => -[i c].
  have tV0 : 0 < tauV / 2 by lra.
  exact: (shut_value Ch b1 b0 lam0 m0 v_moment P0 U0 dense V0 coherence i (lam * c0) tV0 tV1 mV).
have e1 : (1 : R) ^ 2 = 1 by ring. have e2 : (-1 : R) ^ 2 = 1 by ring.
have sm (F : token -> R) e : e ^ 2 = 1 -> (forall s, 0 <= F s) ->
    mean (fun x : family => F (x i) * ind (~~ isolated b (tilt b lam cs sn i c e) x i tau shut_from))
      <= mean F * shut_K.
  move=> ee F0; exact: (shut_tilt b1 b0 lam0 m0 v_moment P0 U0 dense V0 coherence frame_coherence
    cs0 sn0 circle
    i c _ ee tau0 tK1 mK F0).
have s1 := sm (fun _ => 1) 1 e1 (fun _ => Rle_0_1).
pose neg (s : token) := ind (~~ Rleb 0 (v (val s.1 c))).
have s2 := sm neg (-1) e2 (fun s => proj1 (ind_01 _)).
rewrite mean_const // in s1; rewrite (negative_half Ch U0 dense V0 c v_sym vn) in s2.
apply: Rle_trans (_ : _ <= 1 * shut_K + / 2 * shut_K) _; last lra.
apply: Rle_trans (Rplus_le_compat _ _ _ _ s1 s2); rewrite -mean_add; apply: mean_le => x.
rewrite /readable /neg /payload_of; case: (isolated _ _ _ _ _ _); case: (Rleb 0 _);
  case: (isolated _ _ _ _ _ _);
  rewrite /ind /=; lra.
Qed.

(* Every answer to a value question or a letter question is within eta, for all instances.  INDEX on the
   family: all words have LV^h |A|^p choices a token, of which 1 / P are in the family. *)
Theorem frames_general (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) : 0 < N W ->
  (forall w x i c, let Q := value_question Own b lam i c in
     near eta (out x Q) (answer w (compress w (inst x)) Q)) ->
  (forall w x i l a, let Q := letter_question i l a in near eta (out x Q) (answer w (compress w (inst x)) Q))
    ->
  N Tok * (N Pay * fano (N A) (3/2 * shut_K) + N Ch * fano (INR LV) shut_V - log2 P) <= log2 (N S).
Proof.
move=> W0 hv hk; have U0 := payloads_gt0; have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
have /card_gt0P[x0 _] : (0 < #|family|)%nat.
  by rewrite lt0n; apply/eqP => e; move: f0; rewrite /N e /=; exact: Rlt_irrefl.
pose shut (ix : Tok * Ch + Tok * Pay) : R := if ix is inl _ then shut_V else 3/2 * shut_K.
have := @reads_lower_bound _ frame_alphabet family x0 frame_symbols W S _ _ _
  (fun inp Q => near eta (frame_output inp Q) : R -> bool) inst compress answer readable shut
  frame_symbols_inj W0 readable_often (fun Q => (exists i c, Q = value_question Own b lam i c) \/
    (exists i l a, Q = letter_question i l a)) readable_apart.
have -> : \rsum_(ix : [finType of Tok * Ch + Tok * Pay]) fano (N (frame_alphabet ix)) (shut ix)
   = N Tok * (N Pay * fano (N A) (3/2 * shut_K) + N Ch * fano (INR LV) shut_V).
  rewrite big_sumType /= !rsum_const !N_prod !N_ord.
  have e (x y f k g : R) : x * y * f + x * k * g = x * (k * g + y * f) by ring.
  exact: e.
have := family_density (Tok := Tok) (Ch := Ch) (words := N_words frame_alphabet) U0 dense V0.
have -> : N_words frame_alphabet = (N U * INR LV ^ #|Ch|) ^ #|Tok|.
  rewrite card_words big_sumType /= !rprod_const !N_ord !card_prod N_ffun Rpow_mult_distr -!pow_mult.
  by rewrite ![muln #|Tok| _]mulnC Rmult_comm.
move=> /(_ erefl P1) fd hb; have {}hb := hb _ _; apply: Rle_trans (_ : _ <= _) (hb _ _); first by lra.
  by move=> w x Q [[i [c ->]]|[i [l [a ->]]]]; [exact: hv|exact: hk].
by case=> a; rewrite /= ?N_ord.
Qed.
End Floor.

(* ---------- Theorem F0 ------------------------------------------------------------------------------ *)
(* Payloads on a grid of L points (L even) of spacing h: its variance m is also its sub-Gaussian constant, and
   its fourth moment is known.  mu1, mu2 bound the coherence of the addresses and of the frames.  Sizes have
   names, which instances give as numbers. *)
Theorem frames (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (L LV : nat)
    (T n p ch l lv lam eta c0 cs sn h tau tauV mu1 mu2 z tK tV : R) :
  N Tok = T -> N Own = n -> N Pay = p -> N Ch = ch -> INR L = l -> INR LV = lv ->
  let m := h ^ 2 * (l ^ 2 - 1) / 12 in
  let muK := cs * mu1 + sn * mu2 in
  let a0 := lam * (cs * c0 + sn * - (h / 2)) in
  let pK := isolation T (1 + / z) tK m c0 muK ((a0 + ln tau) / lam) in
  let pV := isolation T (1 + / z) tV m c0 mu1 ((lam * c0 + ln (tauV / 2)) / lam) in
  let inst := @frame_instance Tok Pay Ch _ b c0 LV (@symmetric_grid L h) in
  let value := @value_question Tok Own Pay Ch b lam in
  let payload := @letter_question Tok Own Pay Ch _ b c0 (@symmetric_grid L h) lam cs sn h tau in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  (forall i j, i != j -> dot (b i : [finType of option Pay] -> R) (b j) <= mu1) ->
  (forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 < tau -> 0 < tauV ->
  (0 < L)%nat -> ~~ odd L -> (0 < LV)%nat -> (0 < #|Own|)%nat ->
  0 < z -> p * m + sqrt (z * (p * (h ^ 4 * (l ^ 2 - 1) * (l ^ 2 - 4) / 180))) <= 1 - c0 ^ 2 ->
  spacing eta tau < lam * sn * h -> 2 * (eta + tauV) * (lv - 1) < 1 ->
  n * exp (- lam) <= tauV / 2 * exp (lam * c0) ->
  0 < tK <= lam -> 0 < tV <= lam -> tK * m * muK <= c0 -> tV * m * mu1 <= c0 ->
  0 <= 3/2 * pK <= 1 - / l -> 0 <= pV <= 1 - / lv ->
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
  (forall w x i c, near eta (frame_output (inst x) (value i c)) (answer w (compress w (inst x)) (value i c)))
    ->
  (forall w x i l a,
     near eta (frame_output (inst x) (payload i l a)) (answer w (compress w (inst x)) (payload i l a))) ->
  T * (p * fano l (3/2 * pK) + ch * fano lv pV - log2 (1 + / z)) <= log2 (N S).
Proof.
move=> <- <- <- <- <- <- m muK a0 pK pV inst value payload b1 b0 hc hf l0 he cs0 sn0 circle h0 t0 tV0 L0 ev V0
  O0 z0 hz step sV far tK1 tV1 mK mV hK hV W S compress answer W0 hv hk.
have iz : 0 < / z by exact: Rinv_0_lt_compat.
have P1 : 1 <= 1 + / z by lra.
have m0 : 0 <= m.
  have h1 := INR_ge1 L0; apply: Rmult_le_pos; last lra.
  by apply: Rmult_le_pos; [exact: pow2_ge_0|nra].
have A0 : 0 < N [finType of 'I_L] by rewrite N_ord; exact: INR_gt0.
have dense : N [finType of {ffun Pay -> 'I_L}] <= (1 + / z) * N (frame_word Pay c0 (@symmetric_grid L h)).
  apply: (moments_dense A0 z0 (grid_square h L0) (grid_fourth h L0)); apply: Rle_trans hz; apply: Req_le.
  by congr (_ + sqrt (_ * (_ * _))); field.
have sym : exists opp : 'I_L -> 'I_L, involutive opp /\ forall a,
  symmetric_grid h (opp a) = - symmetric_grid h a.
  by exists (@rev_ord L); split; [exact: rev_ordK|move=> a; exact: grid_opp].
have := @frames_general Tok Own Pay Ch _ b c0 LV (@symmetric_grid L h) lam cs sn h tau tauV eta mu1 mu2
  (1 + / z) m
  tK tV b1 b0 l0 cs0 sn0 circle h0 t0 he O0 (grid_apart h0) (grid_gap ev h0) step sV far hc hf sym m0
  (symmetric_grid_subgaussian h L0) tV0 P1 A0 V0 dense tK1 tV1 mK mV.
by rewrite N_ord => /(_ hK hV W S compress answer W0 hv hk).
Qed.

(* All keys are unit vectors, and all questions unit questions, if the outermost letter fits into the
   sphere. *)
Theorem frames_norms (Tok Own Pay Ch : finType) (b : Tok -> option Pay -> R) (L LV : nat)
    (lam eta c0 cs sn h tau : R) :
  let inst := @frame_instance Tok Pay Ch _ b c0 LV (@symmetric_grid L h) in
  let value := @value_question Tok Own Pay Ch b lam in
  let payload := @letter_question Tok Own Pay Ch _ b c0 (@symmetric_grid L h) lam cs sn h tau in
  (forall i, dot (b i : [finType of option Pay] -> R) (b i) = 1) -> (forall i, b i None < 1) ->
  0 < lam -> 0 <= eta < 1/2 -> 0 <= c0 -> 0 <= cs -> 0 < sn -> cs ^ 2 + sn ^ 2 = 1 -> 0 < h -> 0 <= tau ->
  ~~ odd L -> (0 < #|Own|)%nat -> ln (N Own) <= lam -> spacing eta tau < lam * sn * h ->
  (h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2 ->
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question lam (value i c)
    & forall i l a, unit_question lam (payload i l a)].
Proof.
move=> inst value payload b1 b0 l0 he c00 cs0 sn0 circle h0 t0 ev O0 lO step fits; split=> [x i|i c|i l a].
- exact: frame_key_unit.
- exact: value_question_unit.
apply: (letter_question_unit Ch i l b1 b0 l0 cs0 sn0 circle c00 t0 he step O0 lO (grid_gap ev h0 a)).
apply: Rle_trans fits; apply: pow_maj_Rabs; rewrite /symmetric_grid.
have a0 := pos_INR a; have a1 := INR_lt (ltn_ord a).
by apply: Rabs_le; split; nra.
Qed.
