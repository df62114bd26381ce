(* How often a query is shut: in the mean over the family the other cached tokens outweigh the token that is
   read only rarely, by a truncated Chernoff bound, with the worst coherence of the addresses or token by
   token. *)
From LowerBound Require Export FrameFamily Grids.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the truncated Chernoff bound ------------------------------------------------ *)
(* if a sum of exponentials exceeds 1, so does the sum of their powers with exponents in [0, 1] *)
Lemma sum_powers (J : finType) (P : pred J) (w th : J -> R) : (forall j, P j -> 0 <= th j <= 1) ->
  ind (~~ Rleb (\rsum_(j | P j) exp (w j)) 1) <= \rsum_(j | P j) exp (th j * w j).
Proof.
move=> h; case: RlebP => hs; rewrite [ind _]/=; first exact: rsum_exp_ge0.
case: (boolP [exists j, P j && Rleb 0 (w j)]) => [/existsP[j /andP[Pj /RlebP wj]]|].
  rewrite (bigD1 j) //=; have [t0 t1] := h j Pj.
  have : 1 <= exp (th j * w j) by rewrite -exp_0; apply: exp_mono; nra.
  by have := rsum_exp_ge0 (fun k => P k && (k != j)) (fun j => th j * w j); lra.
rewrite negb_exists => /forallP hn; apply: Rle_trans (Rlt_le _ _ (Rnot_le_lt _ _ hs)) _.
apply: rsum_le => j Pj; have [t0 t1] := h j Pj; apply: exp_mono.
by have := hn j; rewrite Pj /= => /RlebP; nra.
Qed.

(* The same relative to a level, e^(l j) against tau e^a: divide by tau e^a. *)
Lemma sum_powers_above (J : finType) (P : pred J) (l th : J -> R) (a tau : R) :
  0 < tau -> (forall j, P j -> 0 <= th j <= 1) ->
  ind (~~ Rleb (\rsum_(j | P j) exp (l j)) (tau * exp a)) <= \rsum_(j | P j) exp (th j * (l j - a - ln tau)).
Proof.
move=> t0 h; apply: Rle_trans (sum_powers (fun j => l j - a - ln tau) h).
have e : \rsum_(j | P j) exp (l j - a - ln tau) = / (tau * exp a) * \rsum_(j | P j) exp (l j).
  rewrite -rsum_distr; apply: eq_bigr => j _; have e0 := exp_pos a.
  rewrite /Rminus !exp_plus !exp_Ropp exp_ln // Rinv_mult_distr; lra.
have p : 0 < tau * exp a by apply: Rmult_lt_0_compat => //; exact: exp_pos.
rewrite e; case: RlebP => h1; first exact: (proj1 (ind_01 _)).
case: RlebP => h2; rewrite /=; last lra.
exfalso; apply: h1; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ p) h2.
by rewrite -Rmult_assoc Rinv_r; lra.
Qed.

(* isolation n P t m c0 mu y: bound on how often another token, of n, passes the logit lambda y, at slope t,
   if letters are sub-Gaussian of constant m, payloads have density 1 / P, and the query's coherence is mu *)
Definition isolation (n P t m c0 mu y : R) : R :=
  P * ((n - 1) * exp (- t * (y - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2) / 2)).

Section Isolation.
Variables (Tok Pay Ch A : finType).
Notation D := [finType of option Pay].
Variables (b : Tok -> D -> R) (c0 : R) (LV : nat) (v : A -> R) (P m lam : R).
Notation U := [finType of {ffun Pay -> A}].
Notation word := (frame_word Pay c0 v).
Notation token := (frame_token Pay Ch c0 LV v).
Notation family := (frame_family Tok Pay Ch c0 LV v).
Hypotheses (b1 : forall i, dot (b i) (b i) = 1) (b0 : forall i, b i None < 1) (lam0 : 0 < lam)
  (m0 : 0 <= m) (v_moment : subgaussian v m) (P0 : 0 <= P) (U0 : 0 < N U) (dense : N U <= P * N word)
  (V0 : (0 < LV)%nat).

Lemma word_gt0 : 0 < N word.
Proof. by case: (N_ge0 word) => // e; move: dense; rewrite -e; lra. Qed.

Lemma N_values : N [finType of {ffun Ch -> 'I_LV}] = INR LV ^ #|Ch|. Proof. by rewrite N_ffun N_ord. Qed.

Lemma values_gt0 : 0 < N [finType of {ffun Ch -> 'I_LV}].
Proof. by rewrite N_values; apply: pow_lt; exact: INR_gt0. Qed.

Lemma token_gt0 : 0 < N token.
Proof. by rewrite N_prod; apply: Rmult_lt_0_compat; [exact: word_gt0|exact: values_gt0]. Qed.

Lemma frames_gt0 : 0 < N family.
Proof. by rewrite N_ffun; apply: pow_lt; exact: token_gt0. Qed.

(* The exponential moment of a logit over all payloads is a factor for the address, at g = <q, b_j> / lambda,
   and a linear form in the letters, whose coefficients have the square norm t^2 (1 - g^2) by Parseval. *)
Lemma logit_mean (q : D -> R) j a t :
  mean (fun u : U => exp (t / lam * (dot q (direction b c0 v j u) - a)))
  = exp (t * (c0 * (dot q (b j) / lam) - a / lam))
    * mean (fun u : U => exp (\rsum_l (t * (dot (frame (b j) l) q / lam) * v (u l)))).
Proof.
rewrite -mean_scale; apply: mean_ext => u; rewrite -exp_plus; congr exp; rewrite dot_direction.
have -> : \rsum_l (t * (dot (frame (b j) l) q / lam) * v (u l))
    = t / lam * \rsum_l (dot (frame (b j) l) q * v (u l)).
  by rewrite -rsum_distr; apply: eq_bigr => l _; field; lra.
by set s := \rsum_l _; set g := dot q _; field; lra.
Qed.

Lemma letters_norm (q : D -> R) j t : dot q q = lam ^ 2 ->
  \rsum_l (t * (dot (frame (b j) l) q / lam)) ^ 2 = t ^ 2 * (1 - (dot q (b j) / lam) ^ 2).
Proof.
move=> q2; have := frame_parseval (b1 j) (b0 j) q; rewrite q2 [dot (b j) q]dot_sym.
have -> : \rsum_l (t * (dot (frame (b j) l) q / lam)) ^ 2 = (t / lam) ^ 2 * \rsum_l dot (frame (b j) l) q ^ 2.
  by rewrite -rsum_distr; apply: eq_bigr => l _; field; lra.
set S := \rsum_l _ => hp; have -> : S = lam ^ 2 - dot q (b j) ^ 2 by lra.
by field; lra.
Qed.

(* For a query of norm lambda and coherence at most mu, the exponent t c0 g + t^2 m (1 - g^2) / 2 increases
   in g as long as t m g <= c0. *)
Lemma address_exponent (g mu t y r : R) : g <= mu -> 0 < t -> t * m * mu <= c0 ->
  t * (c0 * g - y) + t ^ 2 * (1 - g ^ 2 - r) * m / 2
    <= - t * (y - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2 - r) / 2.
Proof.
move=> gmu t0 tm.
have e : - t * (y - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2 - r) / 2
       - (t * (c0 * g - y) + t ^ 2 * (1 - g ^ 2 - r) * m / 2)
       = t * ((mu - g) * (c0 - t * m * (mu + g) / 2)) by field.
have k : t * m * (mu + g) / 2 <= t * m * mu by have : 0 <= t * m by [nra]; nra.
have : 0 <= t * ((mu - g) * (c0 - t * m * (mu + g) / 2)).
  by apply: Rmult_le_pos; [lra|apply: Rmult_le_pos; lra].
lra.
Qed.

Lemma logit_moment (q : D -> R) j a mu t : dot q q = lam ^ 2 -> dot q (b j) <= lam * mu ->
  0 < t -> t * m * mu <= c0 ->
  mean (fun u : U => exp (t / lam * (dot q (direction b c0 v j u) - a)))
    <= exp (- t * (a / lam - c0 * mu) + t ^ 2 * m * (1 - mu ^ 2) / 2).
Proof.
move=> q2 qb t0 tm; have gmu : dot q (b j) / lam <= mu by apply: Rdiv_le_l; lra.
have := @subgaussian_form Pay _ v m (fun l => t * (dot (frame (b j) l) q / lam)) v_moment.
rewrite logit_mean letters_norm // => hm.
apply: Rle_trans (Rmult_le_compat_l _ _ _ (Rlt_le _ _ (exp_pos _)) hm) _; rewrite -exp_plus; apply: exp_mono.
by have := address_exponent (a / lam) 0 gmu t0 tm; rewrite !Rminus_0_r.
Qed.

(* meeting t y g xi: the same moment for a query of coherence g with the address and xi with frame vector l,
   whose letter keeps its own moment: other letters have the square norm 1 - g^2 - xi^2. *)
Definition meeting (t y g xi : R) : R :=
  exp (- t * (y - c0 * g) + t ^ 2 * m * (1 - g ^ 2 - xi ^ 2) / 2) * mean (fun k => exp (t * xi * v k)).

Lemma meeting_moment (q : D -> R) j l a t : dot q q = lam ^ 2 ->
  mean (fun u : U => exp (t / lam * (dot q (direction b c0 v j u) - a)))
    <= meeting t (a / lam) (dot q (b j) / lam) (dot (frame (b j) l) q / lam).
Proof.
move=> q2; rewrite /meeting; set g := dot q _ / lam; set xi := dot (frame _ _) _ / lam.
have := @subgaussian_form_apart Pay _ v m (fun k => t * (dot (frame (b j) k) q / lam)) l v_moment.
rewrite logit_mean letters_norm // -/g -/xi => hm.
apply: Rle_trans (Rmult_le_compat_l _ _ _ (Rlt_le _ _ (exp_pos _)) hm) _; apply: Req_le.
rewrite [X in exp _ * X]Rmult_comm -Rmult_assoc -exp_plus; congr (exp _ * _); field; lra.
Qed.

(* A query of token i is shut with small probability, whatever is known of token i: F is any weight of its
   secrets. The indicator is at most a sum over the other tokens j; x_i and x_j are independent, and the mean
   over accepted payloads is at most P times the mean over all payloads, which is at most E j. *)
Lemma shut_sum (q : D -> R) (F : token -> R) i a tau t (E : Tok -> R) : 0 < tau -> 0 < t <= lam ->
  (forall j, j != i ->
     mean (fun u : U => exp (t / lam * (dot q (direction b c0 v j u) - (a + ln tau)))) <= E j) ->
  (forall s, 0 <= F s) ->
  mean (fun x : family => F (x i) * ind (~~ isolated b q x i tau a)) <= mean F * (P * \rsum_(j | j != i) E j).
Proof.
move=> tau0 [t0 tl] hE F0; pose th := t / lam.
have th01 : 0 <= th <= 1 by split; [apply: Rdiv_le_r; lra|apply: Rdiv_le_l; lra].
pose G j (s : token) := exp (th * (dot q (direction b c0 v j (val s.1)) - a - ln tau)).
have F1 : 0 <= mean F by exact: mean_ge0.
apply: Rle_trans (_ : _ <= mean (fun x : family => \rsum_(j | j != i) (F (x i) * G j (x j)))) _.
  apply: mean_le => x; rewrite rsum_distr; apply: Rmult_le_compat_l => //.
  exact: (sum_powers_above (P := predC1 i) (own_logit b q x) (th := fun _ => th) a tau0 (fun _ _ => th01)).
rewrite (mean_sum (predC1 i) (fun j (x : family) => F (x i) * G j (x j))) -!rsum_distr.
apply: rsum_le => j ji; rewrite mean_coord2 //; [|exact: token_gt0|by rewrite eq_sym].
apply: Rmult_le_compat_l => //.
pose f (u : U) := exp (th * (dot q (direction b c0 v j u) - a - ln tau)).
rewrite (mean_fst (fun w : word => f (val w))); last exact: values_gt0.
apply: Rle_trans (mean_subset (f := f) _ U0 dense) _; first by move=> u; exact/Rlt_le/exp_pos.
apply: Rmult_le_compat_l => //; apply: Rle_trans (hE j ji); apply: Req_le; apply: mean_ext => u.
by rewrite /f; congr (exp (_ * _)); ring.
Qed.

Lemma shut_mean (q : D -> R) (F : token -> R) i a tau mu t : dot q q = lam ^ 2 ->
  (forall j, j != i -> dot q (b j) <= lam * mu) -> 0 < tau -> 0 < t <= lam -> t * m * mu <= c0 ->
  (forall s, 0 <= F s) ->
  mean (fun x : family => F (x i) * ind (~~ isolated b q x i tau a))
    <= mean F * isolation (N Tok) P t m c0 mu ((a + ln tau) / lam).
Proof.
move=> q2 qb tau0 t0 tm F0; rewrite /isolation -(N_others i) -rsum_const_card.
by apply: (shut_sum tau0 t0) => // j ji; apply: logit_moment => //; [exact: qb|lra].
Qed.

(* the log-density of the family, among all words of M symbols of payload and LV^h of values a token *)
Lemma family_density (words : R) : words = (N U * INR LV ^ #|Ch|) ^ #|Tok| -> 1 <= P ->
  log2 (words / N family) <= N Tok * log2 P.
Proof.
move=> -> P1; have f0 := frames_gt0; have l2 := ln2_gt0; have v0 := values_gt0; rewrite N_values in v0.
have t0 := token_gt0; have w0 : 0 < (N U * INR LV ^ #|Ch|) ^ #|Tok|.
  by apply: pow_lt; exact: Rmult_lt_0_compat.
have le : (N U * INR LV ^ #|Ch|) ^ #|Tok| / N family <= P ^ #|Tok|.
  apply: Rdiv_le_l => //; rewrite [N family]N_ffun -Rpow_mult_distr; apply: pow_incr; split.
    by apply: Rmult_le_pos; lra.
  by rewrite N_prod N_values -Rmult_assoc; apply: Rmult_le_compat_r; lra.
apply: Rle_trans (_ : _ <= log2 (P ^ #|Tok|)) _.
  apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
  by apply: ln_le le; exact: Rdiv_lt_0_compat.
by rewrite /log2 ln_pow; [apply: Req_le; rewrite /N; field|]; lra.
Qed.

(* ---------- the two kinds of queries ---------------------------------------------------------- *)
Variables (cs sn mu1 mu2 : R).
Hypotheses (coherence : forall i j, i != j -> dot (b i) (b j) <= mu1)
  (frame_coherence : forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2)
  (cs0 : 0 <= cs) (sn0 : 0 < sn) (circle : cs ^ 2 + sn ^ 2 = 1).

(* tilted queries are nearly orthogonal to the other addresses *)
Lemma tilt_coherence i l e j : e ^ 2 = 1 -> j != i ->
  dot (tilt b lam cs sn i l e) (b j) <= lam * (cs * mu1 + sn * mu2).
Proof.
move=> e2 ji; rewrite dot_sym dot_tilt; apply: Rmult_le_compat_l; first lra.
have ij : i != j by rewrite eq_sym.
have h1 := coherence ij; have h2 := Rabs_between (frame_coherence l ij).
rewrite dot_sym [dot (b j) (frame _ _)]dot_sym; set g := dot (frame _ _) _ in h2 *.
have : e * g <= mu2.
  have [->|->] : e = 1 \/ e = -1; [|lra|lra].
  by have : (e - 1) * (e + 1) = 0 by [lra]; case/Rmult_integral; [left|right]; lra.
move=> h3; have := Rmult_le_compat_l _ _ _ (Rlt_le _ _ sn0) h3.
by have := Rmult_le_compat_l _ _ _ cs0 h1; lra.
Qed.

Lemma shut_tilt (F : token -> R) i l e a tau t (mu := cs * mu1 + sn * mu2) : e ^ 2 = 1 -> 0 < tau ->
  0 < t <= lam -> t * m * mu <= c0 -> (forall s, 0 <= F s) ->
  mean (fun x : family => F (x i) * ind (~~ isolated b (tilt b lam cs sn i l e) x i tau a))
    <= mean F * isolation (N Tok) P t m c0 mu ((a + ln tau) / lam).
Proof. by move=> e2 t0 tl tm F0;
  apply: shut_mean => // [|j ji]; [exact: tilt_norm|exact: tilt_coherence]. Qed.

Lemma shut_value i a tau t : 0 < tau -> 0 < t <= lam -> t * m * mu1 <= c0 ->
  mean (fun x : family => ind (~~ isolated b (scale lam (b i)) x i tau a))
    <= isolation (N Tok) P t m c0 mu1 ((a + ln tau) / lam).
Proof.
move=> t0 tl tm; have q2 : dot (scale lam (b i)) (scale lam (b i)) = lam ^ 2.
  by rewrite dot_scale dot_scale_r b1; ring.
have qb j : j != i -> dot (scale lam (b i)) (b j) <= lam * mu1.
  by move=> ji; rewrite dot_scale; apply: Rmult_le_compat_l; [lra|apply: coherence; rewrite eq_sym].
have := shut_mean (F := fun _ => 1) a q2 qb t0 tl tm (fun _ => Rle_0_1).
rewrite mean_const ?Rmult_1_l; last exact: token_gt0.
by apply: Rle_trans; apply: mean_le => x; rewrite Rmult_1_l; exact: Rle_refl.
Qed.

(* Sketch: changing the sign of letter l maps accepted words onto accepted words, and those with up onto those
   without; so half of all words have a letter l that is up. *)
Lemma half_up (up : A -> bool) l :
  (exists opp : A -> A, involutive opp /\ forall a, v (opp a) = - v a /\ up (opp a) = ~~ up a) ->
  mean (fun s : token => ind (up (val s.1 l))) = / 2.
Proof.
move=> [opp [oK ov]]; pose f (u : U) := ind (up (u l)).
rewrite (mean_fst (fun w : word => f (val w))); last exact: values_gt0.
pose flip (u : U) : U := [ffun k => if k == l then opp (u k) else u k].
have flipK : involutive flip by move=> u; apply/ffunP => k; rewrite !ffunE; case: eqP => // _; exact: oK.
have acc u : accepted c0 v (flip u) = accepted c0 v u.
  have e (r : R) : (- r) ^ 2 = r ^ 2 by ring.
  rewrite /accepted; congr (Rleb _ _); apply: eq_bigr => k _; rewrite ffunE; case: eqP => // _.
  by rewrite (proj1 (ov _)); exact: e.
have hw := word_gt0; rewrite /mean rsum_sub; set S := \rsum_(u | _) _.
have hS : S = \rsum_(u | accepted c0 v (u : U)) 1 - S.
  transitivity (\rsum_(u | accepted c0 v u) (1 + - f u)); last first.
    by rewrite big_split rsum_opp /Rminus /S.
  rewrite /S (reindex_inj (inv_inj flipK)) (eq_bigl (accepted c0 v)) //; apply: eq_bigr => u _.
  by rewrite /f ffunE eqxx (proj2 (ov _)); case: (up _); rewrite /ind /=; ring.
have hN : \rsum_(u | accepted c0 v (u : U)) 1 = N word.
  by rewrite rsum_const_card /N card_sig Rmult_1_r.
by rewrite hN in hS; apply: (Rmult_eq_reg_r (N word)); [rewrite /Rdiv Rmult_assoc Rinv_l|]; lra.
Qed.

(* A payload letter is negative in half of the words. *)
Lemma negative_half l : (exists opp : A -> A, involutive opp /\ forall a, v (opp a) = - v a) ->
  (forall a, v a <> 0) -> mean (fun s : token => ind (~~ Rleb 0 (v (val s.1 l)))) = / 2.
Proof.
move=> [opp [oK ov]] v0; apply: (@half_up (fun a => ~~ Rleb 0 (v a))); exists opp; split=> // a.
split; first exact: ov.
rewrite ov; case: RlebP => h1; case: RlebP => h2 //=; last lra.
by case: (v0 a); lra.
Qed.
End Isolation.
