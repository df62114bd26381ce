(* The frame family.  A cached key is a public address b_i, a secret payload along the frame of b_i, and a
   coordinate that fills it up to norm 1; addresses and payloads share all dimensions but the last.  A query
   has no last coordinate: it points to an address, or is tilted from it towards a frame vector or away from
   it. *)
From LowerBound Require Export Frames Means Zoom.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Family.
Variables (Tok Own Pay Ch A : finType).
Notation D := [finType of option Pay].
Notation Crd := [finType of D + unit].
(* b: addresses, in R^D;  c0: length of the address part of a key;  LV: levels of values;  v: positions of
   payloads *)
Variables (b : Tok -> D -> R) (c0 : R) (LV : nat) (v : A -> R).

(* lift a f: the vector a with last coordinate f *)
Definition lift (a : D -> R) (f : R) : Crd -> R := fun k => if k is inl x then a x else f.

Lemma dot_lift a f a' f' : dot (lift a f) (lift a' f') = dot a a' + f * f'.
Proof. by rewrite /dot big_sumType /=; congr (_ + _); rewrite (bigD1 tt) //= big1 ?Rplus_0_r //; case. Qed.

(* accepted u: the payload u fits into the sphere;  frame_word: the accepted payloads;  frame_token: the
   secrets of one token, a payload and values;  frame_family: the instances *)
Definition accepted (u : {ffun Pay -> A}) : bool := Rleb (\rsum_l v (u l) ^ 2) (1 - c0 ^ 2).
Definition frame_word : finType := [finType of {u | accepted u}].
Definition frame_token : finType := [finType of frame_word * {ffun Ch -> 'I_LV}].
Definition frame_family : finType := [finType of {ffun Tok -> frame_token}].
Implicit Types x y : frame_family.

(* payload_of x i l: the letter of token i in dimension l *)
Definition payload_of x (i : Tok) (l : Pay) : A := val (x i).1 l.
(* direction i u: address plus payload;  frame_key x i: the cached key;  frame_value x i: the cached values *)
Definition direction i (u : {ffun Pay -> A}) : D -> R :=
  fun k => c0 * b i k + \rsum_l v (u l) * frame (b i) l k.
Definition frame_key x i : Crd -> R :=
  lift (direction i (val (x i).1)) (sqrt (1 - c0 ^ 2 - \rsum_l v (payload_of x i l) ^ 2)).
Definition frame_value x i (c : option Ch) : R := if c is Some c' then grid ((x i).2 c') else 1.
Definition frame_instance x := (frame_key x, frame_value x).

Hypotheses (b1 : forall i, dot (b i) (b i) = 1) (b0 : forall i, b i None < 1).

(* the logit of any direction *)
Lemma dot_direction q i u : dot q (direction i u) =
  c0 * dot q (b i) + \rsum_l (dot (frame (b i) l) q * v (u l)).
Proof.
rewrite /dot /direction -rsum_distr.
under [X in _ = _ + X]eq_bigr => l _ do rewrite Rmult_comm -rsum_distr.
rewrite exchange_big -big_split /=; apply: eq_bigr => k _.
have -> : \rsum_l (v (u l) * (frame (b i) l k * q k)) = q k * \rsum_l v (u l) * frame (b i) l k.
  by rewrite -rsum_distr; apply: eq_bigr => l _; ring.
by ring.
Qed.

Lemma address_direction i u : dot (b i) (direction i u) = c0.
Proof. by rewrite dot_direction b1 big1 => [|l _]; rewrite ?frame_address //; ring. Qed.

Lemma frame_direction i l u : dot (frame (b i) l) (direction i u) = v (u l).
Proof.
rewrite dot_direction frame_address // (bigD1 l) //= frame_orthonormal // eqxx big1 /=; first ring.
by move=> m /negbTE ml; rewrite frame_orthonormal // ml /=; ring.
Qed.

Lemma direction_norm i u : dot (direction i u) (direction i u) = c0 ^ 2 + \rsum_l v (u l) ^ 2.
Proof.
rewrite dot_direction dot_sym address_direction; congr (_ + _); first ring.
by apply: eq_bigr => l _; rewrite frame_direction; ring.
Qed.

Lemma frame_key_unit x i : dot (frame_key x i) (frame_key x i) = 1.
Proof.
have /RlebP h : accepted (val (x i).1) := valP _.
rewrite /frame_key dot_lift direction_norm /payload_of; move: h; set s := \rsum_l _ => h.
by rewrite sqrt_sqrt; lra.
Qed.

(* ---------- the questions -------------------------------------------------------------- *)
Variables (lam cs sn : R).
(* tilt i l e: from b_i towards frame vector l (e = 1), or away from it (e = - 1) *)
Definition tilt i l (e : R) : D -> R := fun k => lam * (cs * b i k + e * sn * frame (b i) l k).
(* copies q r: own tokens that all have one key, whose inner product with q is r *)
Definition copies (q : D -> R) (r : R) : Own -> Crd -> R :=
  fun _ => lift (scale (r / lam ^ 2) q) (sqrt (1 - (r / lam) ^ 2)).
(* payload_question i l e z: a tilted query, channel 1; the own tokens are copies that together weigh e^z
   value_question i c: query lambda b_i, channel c; the own tokens have the key - b_i *)
Definition payload_question i l e z : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  (lift (tilt i l e) 0, copies (tilt i l e) (z - ln (N Own)), None).
Definition value_question i (c : Ch) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  (lift (scale lam (b i)) 0, fun _ => lift (scale (-1) (b i)) 0, Some c).
(* frame_output: softmax attention over the cached tokens and Bob's own tokens, whose values are 0 *)
Definition frame_output (KV : (Tok -> Crd -> R) * (Tok -> option Ch -> R))
    (Q : (Crd -> R) * (Own -> Crd -> R) * option Ch) : R := attention_own Q.1.1 KV.1 Q.1.2 KV.2 Q.2.
(* unit_question Q: the query has norm lambda, and Bob's own keys are unit vectors *)
Definition unit_question (Q : (Crd -> R) * (Own -> Crd -> R) * option Ch) : Prop :=
  dot Q.1.1 Q.1.1 = lam ^ 2 /\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1.

Hypotheses (lam0 : 0 < lam) (circle : cs ^ 2 + sn ^ 2 = 1) (O0 : (0 < #|Own|)%nat).

Lemma dot_tilt u i l e : dot u (tilt i l e) = lam * (cs * dot u (b i) + e * sn * dot u (frame (b i) l)).
Proof.
rewrite /dot -!rsum_distr -big_split -rsum_distr /=; apply: eq_bigr => k _; rewrite /tilt; ring.
Qed.

Lemma tilt_norm i l e : e ^ 2 = 1 -> dot (tilt i l e) (tilt i l e) = lam ^ 2.
Proof.
move=> e2; rewrite dot_tilt dot_sym dot_tilt [dot (tilt _ _ _) _]dot_sym dot_tilt b1
  frame_orthonormal // eqxx.
rewrite frame_address // dot_sym frame_address // /ind.
have -> : lam * (cs * (lam * (cs * 1 + e * sn * 0)) + e * sn * (lam * (cs * 0 + e * sn * 1)))
  = lam ^ 2 * (cs ^ 2 + e ^ 2 * sn ^ 2) by ring.
by rewrite e2 Rmult_1_l circle; ring.
Qed.

Lemma value_question_unit i c : unit_question (value_question i c).
Proof. by split=> [|o] /=; rewrite dot_lift dot_scale dot_scale_r b1; ring. Qed.

Lemma payload_question_unit i l e z : e ^ 2 = 1 -> - lam <= z - ln (N Own) <= lam ->
  unit_question (payload_question i l e z).
Proof.
move=> e2 [r1 r2]; have q2 := tilt_norm i l e2; split=> [|o].
  by rewrite /= dot_lift q2; ring.
set r := z - _ in r1 r2 *; have h : (r / lam) ^ 2 <= 1.
  have h1 : -1 <= r / lam by apply: Rdiv_le_r; lra.
  have h2 : r / lam <= 1 by apply: Rdiv_le_l; lra.
  by nra.
rewrite /= /copies -/r dot_lift dot_scale dot_scale_r q2 sqrt_sqrt; last lra.
by field; lra.
Qed.

(* ---------- the answers ---------------------------------------------------------------- *)
(* own_logit q x j: the logit of cached token j;  others q x i: the weight of all tokens but i *)
Definition own_logit (q : D -> R) x j : R := dot q (direction j (val (x j).1)).
Definition others (q : D -> R) x i : R := \rsum_(j | j != i) exp (own_logit q x j).
(* isolated q x i t a: the other cached tokens weigh at most t e^a *)
Definition isolated (q : D -> R) x i (t a : R) : bool := Rleb (others q x i) (t * exp a).
(* token_logit y: the logit of the token that is read, if its payload lies at y in the direction of the
   tilt *)
Definition token_logit (y : R) : R := lam * (cs * c0 + sn * y).

Lemma logit_lift q x j : dot (lift q 0) (frame_key x j) = own_logit q x j.
Proof. by rewrite /frame_key /own_logit dot_lift Rmult_0_l Rplus_0_r. Qed.

Lemma tilt_logit x i l e : own_logit (tilt i l e) x i = token_logit (e * v (payload_of x i l)).
Proof.
rewrite /own_logit dot_sym dot_tilt ![dot (direction _ _) _]dot_sym address_direction frame_direction.
by rewrite /token_logit /payload_of; set y := v _; ring.
Qed.

Lemma others_ge0 q x i : 0 <= others q x i. Proof. exact: rsum_exp_ge0. Qed.

Lemma logistic_mono s t : s <= t -> logistic s <= logistic t.
Proof.
move=> st; have e : exp (- t) <= exp (- s) by apply: exp_mono; lra.
by rewrite /logistic; apply: Rinv_le_contravar; have := exp_pos (- t); lra.
Qed.

(* Channel 1 is the weight of the cache against the weight e^z of the copies: a logistic function of the logit
   of token i, which the other tokens can only raise ... *)
Lemma payload_ratio x i l e z (M := exp (token_logit (e * v (payload_of x i l))) + others (tilt i l e) x i) :
  e ^ 2 = 1 ->
  frame_output (frame_instance x) (payload_question i l e z) = M / (M + exp z).
Proof.
move=> e2; have n0 : 0 < N Own by exact: INR_gt0.
have -> : M = \rsum_j exp (own_logit (tilt i l e) x j) by rewrite /M (bigD1 i) //= tilt_logit.
rewrite /frame_output /attention_own /attention /softmax_mean !big_sumType /=.
rewrite [X in (_ + X) / _]big1 => [|o _]; last by rewrite Rmult_0_r.
rewrite Rplus_0_r; congr (_ / (_ + _)).
- by apply: eq_bigr => j _; rewrite Rmult_1_r logit_lift.
- by apply: eq_bigr => j _; rewrite logit_lift.
have -> : exp z = N Own * exp (z - ln (N Own)) by rewrite /Rminus exp_plus exp_Ropp exp_ln //; field; lra.
rewrite -rsum_const; apply: eq_bigr => o _; rewrite /copies dot_lift dot_scale_r tilt_norm //.
by congr exp; field; lra.
Qed.

Lemma payload_ge x i l e z : e ^ 2 = 1 ->
  logistic (token_logit (e * v (payload_of x i l)) - z)
    <= frame_output (frame_instance x) (payload_question i l e z).
Proof.
move=> e2; rewrite payload_ratio // logistic_ratio; have o0 := others_ge0 (tilt i l e) x i.
by apply: ratio_mono; [exact: exp_pos|lra|exact: exp_pos].
Qed.

(* ... and by at most ln (1 + tau) if the query is isolated at a level that the token reaches *)
Lemma payload_le x i l e z tau r a : e ^ 2 = 1 -> 0 <= tau -> isolated (tilt i l e) x i tau a ->
  token_logit (e * v (payload_of x i l)) <= r -> a <= r ->
  frame_output (frame_instance x) (payload_question i l e z) <= logistic (r + ln (1 + tau) - z).
Proof.
move=> e2 t0 /RlebP iso oy ay; rewrite payload_ratio // logistic_ratio.
have o0 := others_ge0 (tilt i l e) x i; have w0 := exp_pos (token_logit (e * v (payload_of x i l))).
apply: ratio_mono; [lra| |exact: exp_pos]; rewrite exp_plus exp_ln; last lra.
have := exp_mono oy; have := Rmult_le_compat_l _ _ _ t0 (exp_mono ay); lra.
Qed.

(* Two instances on opposite sides of a gap around t are told apart by copies of that weight, if the gap is
   more than the spacing in logits, and the query is isolated at the lower side of the gap or below it. *)
Definition threshold (tau t : R) : R := token_logit t + ln (1 + tau) / 2.
(* Sketch: x lies below the gap, so its output is at most logistic (- D/2), D the logit of the gap less the
   blur; y lies above it, so its output is at least logistic (D/2). These are more than 2 eta apart. *)
Lemma threshold_apart x y i l e t g tau eta a : e ^ 2 = 1 -> 0 <= tau -> 0 <= eta < 1/2 ->
  spacing eta tau < lam * sn * g -> isolated (tilt i l e) x i tau a -> a <= token_logit (t - g / 2) ->
  0 < sn -> e * v (payload_of x i l) <= t - g / 2 -> t + g / 2 <= e * v (payload_of y i l) ->
  forall o, let Q := payload_question i l e (threshold tau t) in
    near eta (frame_output (frame_instance x) Q) o -> near eta (frame_output (frame_instance y) Q) o -> False.
Proof.
move=> e2 t0 he step iso al s0 hx hy o Q gx gy; rewrite /spacing in step.
have k0 : 0 < lam * sn by exact: Rmult_lt_0_compat.
have tm u w : u <= w -> token_logit u <= token_logit w.
  by move=> uw; rewrite /token_logit; apply: Rmult_le_compat_l; [lra|nra].
have ux := payload_le (threshold tau t) e2 t0 iso (tm _ _ hx) al.
have ly := Rle_trans _ _ _ (logistic_mono (Rplus_le_compat_r (- threshold tau t) _ _ (tm _ _ hy)))
  (payload_ge y i l (threshold tau t) e2).
pose Dg := lam * sn * g - ln (1 + tau).
have apt := logistic_apart he (D := Dg) ltac:(rewrite /Dg; lra).
have eu : token_logit (t - g / 2) + ln (1 + tau) - threshold tau t = - (Dg / 2).
  by rewrite /threshold /token_logit /Dg; field.
have el : token_logit (t + g / 2) + - threshold tau t = Dg / 2 by rewrite /threshold /token_logit /Dg; field.
rewrite eu in ux; rewrite el in ly; have := near_apart gy gx; rewrite -/Q in ux ly.
by have := Rle_abs (frame_output (frame_instance y) Q - frame_output (frame_instance x) Q); lra.
Qed.

(* a value is read up to tau *)
Lemma value_reading x i c tau : N Own * exp (- lam) <= tau / 2 * exp (lam * c0) ->
  isolated (scale lam (b i)) x i (tau / 2) (lam * c0) ->
  Rabs (frame_output (frame_instance x) (value_question i c) - grid ((x i).2 c)) <= tau.
Proof.
move=> far /RlebP iso; pose Q := value_question i c.
pose l j := dot Q.1.1 (join (frame_key x) Q.1.2 j).
pose w j := join (frame_value x) (fun (_ : Own) _ => 0) j (Some c).
have w01 j : 0 <= w j <= 1 by case: j => [j|o]; rewrite /w /=; [exact: grid_01|lra].
have lj j : l (inl j) = own_logit (scale lam (b i)) x j by rewrite /l /= logit_lift.
have li : l (inl i) = lam * c0 by rewrite lj /own_logit dot_scale address_direction.
have lo o : l (inr o) = - lam by rewrite /l /= dot_lift dot_scale dot_scale_r b1; ring.
have rest : \rsum_(j | j != inl i) exp (l j) <= tau * exp (l (inl i)).
  rewrite big_sumType li; apply: Rle_trans (_ : _ <= tau / 2 * exp (lam * c0) + tau / 2 * exp (lam * c0)) _;
    last lra.
  apply: Rplus_le_compat.
    by apply: Rle_trans iso; apply: Req_le; apply: eq_bigr => j _; rewrite lj.
  by apply: Rle_trans far; rewrite -rsum_const; apply: Req_le; apply: eq_big => // o _; rewrite lo.
exact: (gap_near (w01 (inl i)) (rest_ge0 rest) (softmax_gap w01 rest)).
Qed.
End Family.
