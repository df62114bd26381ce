(* Theorem F for delta > 0 (frames with failures).  The positions of a letter form 2^B blocks of L
   levels.  A letter is read as B binary digits of its block, highest first, and its level.  Told the
   digits that he knows already, Bob asks one question for each: on which side of a gap between two
   blocks, or which level around the centre of the block. *)
From LowerBound Require Export FrameFloor.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- binary digits ---------------------------------------------------------------------- *)
(* digit s n: binary digit s of n;  cut s n: the least number with the digits of n above s, digit s equal
   to 1 *)
Definition digit (s n : nat) : bool := odd (n %/ expn 2 s).
Definition cut (s n : nat) : nat := ((n %/ expn 2 s.+1).*2.+1 * expn 2 s)%nat.

Lemma digit_cut s n : digit s n = (cut s n <= n)%nat.
Proof.
rewrite /cut /digit -leq_divRL ?expn_gt0 // expnS mulnC divnMA divn2.
set q := (_ %/ _)%nat; have := odd_double_half q; case: (odd q) => e; rewrite -[X in (_ <= X)%nat]e.
  by rewrite add1n leqnn.
by rewrite add0n ltnn.
Qed.

Lemma cut_range s B n : (s < B)%nat -> (n < expn 2 B)%nat -> (0 < cut s n < expn 2 B)%nat.
Proof.
move=> sB nB; rewrite /cut muln_gt0 expn_gt0 /=; set q := (n %/ _)%nat.
have qB : (q < expn 2 (B - s.+1))%nat by rewrite ltn_divLR ?expn_gt0 // -expnD subnK.
have -> : expn 2 B = (expn 2 (B - s.+1) * 2 * expn 2 s)%nat by rewrite -expnSr -expnD addSnnS subnK.
by rewrite ltn_pmul2r ?expn_gt0 // muln2 ltn_Sdouble.
Qed.

(* numbers below 2^B with the same digits from k on agree after division by 2^k *)
Lemma same_digits B k m n : (m < expn 2 B)%nat -> (n < expn 2 B)%nat ->
  (forall s, (k <= s < B)%nat -> digit s m = digit s n) -> (m %/ expn 2 k = n %/ expn 2 k)%nat.
Proof.
move=> mB nB; have [j] := ubnP (B - k); elim: j k => // j IH k; rewrite ltnS => kj h.
case: (leqP B k) => [Bk|kB].
  by rewrite !divn_small //; apply: leq_trans (leq_pexp2l _ Bk).
have e : (m %/ expn 2 k.+1 = n %/ expn 2 k.+1)%nat.
  apply: IH => [|s /andP[ks sB]]; last by apply: h; rewrite sB ltnW.
  by apply: leq_trans kj; rewrite subnS prednK ?subn_gt0.
have := h k; rewrite leqnn kB /digit => /(_ isT) ok.
rewrite -[LHS]odd_double_half -[RHS]odd_double_half ok; congr (_ + _.*2)%nat.
by move: e; rewrite !expnS ![(2 * _)%nat]mulnC !divnMA !divn2.
Qed.

(* the leak raises a logistic output by at most tau / 4 *)
Lemma logistic_leak w tau : 0 <= tau -> logistic (w + ln (1 + tau)) <= logistic w + tau / 4.
Proof.
move=> t0; have e (x : R) : logistic x = exp x / (exp x + 1) by rewrite -exp_0 -logistic_ratio Rminus_0_r.
rewrite !e exp_plus exp_ln; last lra.
set y := exp w; have y0 : 0 < y by exact: exp_pos.
have yt : 0 < y * (1 + tau) + 1 by nra.
apply: Rdiv_le_l => //; have -> : (y / (y + 1) + tau / 4) * (y * (1 + tau) + 1)
  = y * (1 + tau) + tau / 4 * ((y - 1) ^ 2 + y * tau * (y + 1)) / (y + 1) by field; lra.
have : 0 <= tau / 4 * ((y - 1) ^ 2 + y * tau * (y + 1)) / (y + 1); last lra.
apply: Rdiv_le_r; first lra.
rewrite Rmult_0_l; apply: Rmult_le_pos; first lra.
by apply: Rplus_le_le_0_compat; [exact: pow2_ge_0|apply: Rmult_le_pos; [apply: Rmult_le_pos; lra|lra]].
Qed.

Section Failures.
Variables (Tok Own Pay Ch A : finType).
Notation D := [finType of option Pay].
Notation Crd := [finType of D + unit].
Variables (b : Tok -> D -> R) (c0 : R) (LV L B : nat) (v : A -> R) (block : A -> nat) (level : A -> 'I_L).
Variables (below above centre : nat -> R).
Variables (lam cs sn low tau tauV eta mu1 mu2 P m tK tV delta : R).
Notation U := [finType of {ffun Pay -> A}].
Notation token := (frame_token Pay Ch c0 LV v).
Notation family := (frame_family Tok Pay Ch c0 LV v).
Notation inst := (frame_instance b (Ch := Ch) (c0 := c0) (LV := LV) (v := v)).
Notation out x Q := (frame_output (Own := Own) (inst x) Q).
Notation letter x i l := (payload_of x i l).
Notation shut_from := (token_logit c0 lam cs sn (- low)).
Notation Qry := ((Crd -> R) * (Own -> Crd -> R) * option Ch)%type.
Implicit Types x y : family.

(* side t: blocks from 2^(B-1) on are read towards the frame vector, the others away from it *)
Definition side (t : nat) : R := if (expn 2 B.-1 <= t)%nat then 1 else -1.
(* cut_question i l t: is the letter in block t or above?  level_question i l k: which level in block k? *)
Definition cut_question i l t : Qry :=
  payload_question Own Ch b lam cs sn i l (side t)
    (threshold c0 lam cs sn tau (side t * ((below t + above t) / 2))).
Definition level_question i l k : Qry :=
  payload_question Own Ch b lam cs sn i l (side k) (token_logit c0 lam cs sn (side k * centre k)).

(* block_symbols x: the word of INDEX: values, digits of blocks, levels *)
Notation I := [finType of Tok * Ch + (Tok * Pay * 'I_B + Tok * Pay)].
Definition block_alphabet (ix : I) : finType :=
  match ix with inl _ => [finType of 'I_LV] | inr (inl _) => bool_finType
  | inr (inr _) => [finType of 'I_L] end.
Notation X := {dffun forall ix, block_alphabet ix}.
Definition block_symbols x : X :=
  [ffun ix => match ix return block_alphabet ix with
              | inl (i, c) => (x i).2 c
              | inr (inl (i, l, s)) => digit s (block (letter x i l))
              | inr (inr (i, l)) => level (letter x i l) end].
(* rank: values, then digits from the highest to the lowest, then levels *)
Definition block_rank (ix : I) : nat :=
  match ix with inl _ => 0%nat | inr (inl (_, s)) => (B - s)%nat | inr (inr _) => B.+1 end.
(* similar u i l k: a letter with the digits of the word u from k on *)
Definition similar (u : X) i l k : option A :=
  [pick a | [forall s : 'I_B, (k <= s)%nat ==> (digit s (block a) == u (inr (inl (i, l, s))))]].
Definition block_question (u : X) (ix : I) : Qry :=
  match ix with
  | inl (i, c) => value_question Own b lam i c
  | inr (inl (i, l, s)) => cut_question i l (if similar u i l s.+1 is Some a then cut s (block a) else 1%nat)
  | inr (inr (i, l)) => level_question i l (if similar u i l 0 is Some a then block a else 0%nat)
  end.
(* open x ix: the query of symbol ix is isolated *)
Definition open x (ix : I) : bool :=
  match ix with
  | inl (i, _) => isolated b (scale lam (b i)) x i (tauV / 2) (lam * c0)
  | inr (inl (i, l, s)) => isolated b (tilt b lam cs sn i l (side (cut s (block (letter x i l))))) x i tau
    shut_from
  | inr (inr (i, l)) => isolated b (tilt b lam cs sn i l (side (block (letter x i l)))) x i tau shut_from
  end.

Hypotheses (blockB : forall a, (block a < expn 2 B)%nat)
  (letter_inj : forall a a', block a = block a' -> level a = level a' -> a = a').

Lemma block_symbols_inj : injective block_symbols.
Proof.
move=> x y e; have {}e ix : block_symbols x ix = block_symbols y ix by rewrite e.
apply/ffunP => i; apply: injective_projections; last first.
  by apply/ffunP => c; have := e (inl (i, c)); rewrite !ffunE.
apply: val_inj; apply/ffunP => l; apply: letter_inj; last by have := e (inr (inr (i, l))); rewrite !ffunE.
have := @same_digits B 0 _ _ (blockB (letter x i l)) (blockB (letter y i l)); rewrite !divn1; apply=> s /= sB.
by have := e (inr (inl (i, l, Ordinal sB))); rewrite !ffunE.
Qed.

(* a letter with the digits of x from k on lies in the same run of 2^k blocks *)
Lemma similar_run x i l k a : similar (block_symbols x) i l k = Some a ->
  (block a %/ expn 2 k = block (letter x i l) %/ expn 2 k)%nat.
Proof.
rewrite /similar; case: pickP => // a' /forallP h [<-]; apply: (same_digits (B := B)) => // s /andP[ks sB].
by have := h (Ordinal sB); rewrite ks ffunE => /eqP.
Qed.

Lemma similar_some x i l k : exists a, similar (block_symbols x) i l k = Some a.
Proof.
rewrite /similar; case: pickP => [a _|/(_ (letter x i l)) /forallP[] s]; first by exists a.
by rewrite ffunE eqxx implybT.
Qed.

Lemma question_digit x i l s : block_question (block_symbols x) (inr (inl (i, l, s)))
  = cut_question i l (cut s (block (letter x i l))).
Proof. by rewrite /=; have [a e] := similar_some x i l s.+1; rewrite e /cut (similar_run e). Qed.

Lemma question_level x i l : block_question (block_symbols x) (inr (inr (i, l)))
  = level_question i l (block (letter x i l)).
Proof. by rewrite /=; have [a e] := similar_some x i l 0; rewrite e; have := similar_run e;
  rewrite !divn1 => ->. Qed.

(* the question for a symbol depends on symbols of lower rank only *)
Lemma question_told (u u' : X) ix : agree block_rank ix u u' -> block_question u ix = block_question u' ix.
Proof.
case: ix => [[i c] //|[[[i l] s]|[i l]]] /agreeP h /=.
  suff -> : similar u i l s.+1 = similar u' i l s.+1 by [].
  rewrite /similar; apply: eq_pick => a; apply: eq_forallb => s'; case: (leqP s.+1 s') => //= ss.
  by rewrite h //= ltn_sub2l //; exact: leq_trans ss (ltnW (ltn_ord s')).
suff -> : similar u i l 0 = similar u' i l 0 by [].
rewrite /similar; apply: eq_pick => a; apply: eq_forallb => s'.
by rewrite h //= ltnS leq_subr.
Qed.

Lemma side_square t : side t ^ 2 = 1. Proof. by rewrite /side; case: ifP => _; ring. Qed.

Hypotheses (b1 : forall i, dot (b i) (b i) = 1) (b0 : forall i, b i None < 1)
  (lam0 : 0 < lam) (cs0 : 0 <= cs) (sn0 : 0 < sn) (circle : cs ^ 2 + sn ^ 2 = 1)
  (tau0 : 0 < tau) (he : 0 <= eta < 1/2) (O0 : (0 < #|Own|)%nat).
(* blocks below t lie below the gap, the others above it;  gaps are wide, and not further in than - low *)
Hypotheses (gap_below : forall a t, (0 < t < expn 2 B)%nat -> (block a < t)%nat -> v a <= below t)
  (gap_above : forall a t, (0 < t < expn 2 B)%nat -> (t <= block a)%nat -> above t <= v a)
  (gap_wide : forall t, (0 < t < expn 2 B)%nat -> spacing eta tau < lam * sn * (above t - below t))
  (gap_far : forall t, (0 < t < expn 2 B)%nat ->
    - low <= (if (expn 2 B.-1 <= t)%nat then below t else - above t))
  (letter_far : forall a, - low <= side (block a) * v a).
(* levels of a block lead to outputs that are more than 2 eta + tau / 4 apart *)
Hypothesis level_apart : forall a a', block a = block a' -> level a != level a' ->
  let w a := logistic (lam * sn * (v a - centre (block a))) in 2 * eta + tau / 4 < Rabs (w a - w a').
Hypotheses (step_V : 2 * (eta + tauV) * (INR LV - 1) < 1)
  (own_far : N Own * exp (- lam) <= tauV / 2 * exp (lam * c0)).

Lemma token_logit_mono r s : r <= s -> token_logit c0 lam cs sn r <= token_logit c0 lam cs sn s.
Proof. by move=> rs; rewrite /token_logit; apply: Rmult_le_compat_l; [lra|nra]. Qed.

(* The lower block, in the direction of the side, is below the gap, and its query must be open. *)
Lemma digit_apart x y i l t o (Q := cut_question i l t) : (0 < t < expn 2 B)%nat ->
  isolated b (tilt b lam cs sn i l (side t)) x i tau shut_from ->
  isolated b (tilt b lam cs sn i l (side t)) y i tau shut_from ->
  (block (letter x i l) < t)%nat -> (t <= block (letter y i l))%nat ->
  near eta (out x Q) o -> near eta (out y Q) o -> False.
Proof.
move=> tB ix iy xt ty; have hx := gap_below tB xt; have hy := gap_above tB ty; have hw := gap_wide tB.
have hf := token_logit_mono (gap_far tB); have e2 := side_square t.
move: ix iy e2; rewrite /Q /cut_question /side; case: ifP hf => _ hf ix iy e2.
  move=> ox oy; apply: (threshold_apart (g := above t - below t) b1 b0 lam0 circle O0 e2 _ he hw ix _ sn0
    _ _ ox oy);
    try lra.
  by have -> : 1 * ((below t + above t) / 2) - (above t - below t) / 2 = below t by field.
move=> ox oy; apply: (threshold_apart (g := above t - below t) b1 b0 lam0 circle O0 e2 _ he hw iy _ sn0
  _ _ oy ox);
  try lra.
by have -> : -1 * ((below t + above t) / 2) - (above t - below t) / 2 = - above t by field.
Qed.

(* Around the centre the output is the logistic level of the letter, raised by at most tau / 4. *)
Lemma level_reading x i l (k := block (letter x i l))
    (w := logistic (side k * (lam * sn * (v (letter x i l) - centre k)))) :
  isolated b (tilt b lam cs sn i l (side k)) x i tau shut_from ->
  w <= out x (level_question i l k) <= w + tau / 4.
Proof.
move=> iso; have e2 := side_square k; rewrite /level_question; set z := token_logit _ _ _ _ _.
have ez : token_logit c0 lam cs sn (side k * v (letter x i l)) - z
  = side k * (lam * sn * (v (letter x i l) - centre k)).
  by rewrite /z /token_logit; ring.
split; first by rewrite /w -ez; exact: payload_ge.
apply: Rle_trans (payload_le b1 b0 lam0 circle O0 z e2 (Rlt_le _ _ tau0) iso (Rle_refl _) _) _.
  by apply: token_logit_mono; exact: letter_far.
have -> (r : R) : token_logit c0 lam cs sn (side k * v (letter x i l)) + r - z
  = side k * (lam * sn * (v (letter x i l) - centre k)) + r by rewrite -ez; ring.
by apply: logistic_leak; lra.
Qed.

Lemma logistic_opp r : logistic (- r) = 1 - logistic r.
Proof. by rewrite /logistic Ropp_involutive exp_Ropp; have := exp_pos r => e0; field; lra. Qed.

(* An answer that is acceptable for two members which agree on lower ranks has one symbol.  The question
   is the same for both.  Different digits lie on different sides of its gap; different levels lead to
   outputs too far apart. *)
Lemma block_separated x y ix o : open x ix -> open y ix ->
  agree block_rank ix (block_symbols x) (block_symbols y) ->
  near eta (out x (block_question (block_symbols x) ix)) o ->
  near eta (out y (block_question (block_symbols x) ix)) o -> block_symbols x ix = block_symbols y ix.
Proof.
move=> ox oy ag gx; rewrite (question_told ag); rewrite (question_told ag) in gx.
case: ix ox oy ag gx => [[i c]|[[[i l] s]|[i l]]] ox oy ag.
- move=> gx gy; rewrite !ffunE; apply/eqP/negPn/negP => ne.
  apply: (Rlt_irrefl (2 * (eta + tauV))); apply: Rlt_le_trans (grid_step step_V ne) _.
  exact: apart_near (value_reading b1 b0 c own_far ox) (value_reading b1 b0 c own_far oy) gx gy.
- have e : cut s (block (letter x i l)) = cut s (block (letter y i l)).
    rewrite /cut; congr (_.*2.+1 * _)%nat; apply: (same_digits (B := B)) => // s' /andP[ss sB].
    have /agreeP/(_ (inr (inl (i, l, Ordinal sB)))) := ag; rewrite !ffunE /=; apply.
    by rewrite ltn_sub2l //; exact: leq_trans ss (ltnW sB).
  rewrite question_digit => gx gy; rewrite /open e in ox; rewrite /open in oy; rewrite !ffunE !digit_cut e.
  move: (cut_range (ltn_ord s) (blockB (letter y i l))) ox oy gx gy; set t := cut _ _ => tB ox oy gx gy.
  case: (leqP t (block (letter x i l))) => hx; case: (leqP t (block (letter y i l))) => hy //.
    by case: (digit_apart tB oy ox hy hx gy gx).
  by case: (digit_apart tB ox oy hx hy gx gy).
have e : block (letter x i l) = block (letter y i l).
  have := @same_digits B 0 _ _ (blockB (letter x i l)) (blockB (letter y i l)); rewrite !divn1;
    apply=> s /= sB.
  have /agreeP/(_ (inr (inl (i, l, Ordinal sB)))) := ag; rewrite !ffunE /=; apply.
  by rewrite ltnS leq_subr.
rewrite question_level -e => gx gy; rewrite !ffunE; apply/eqP/negPn/negP => ne.
have rx := level_reading ox; have ry := level_reading oy; rewrite -e in ry.
have := level_apart e ne; rewrite /= -e; set k := block _ in rx ry gx gy *.
have := near_apart gx gy; move: rx ry; set ux := out x _; set uy := out y _ => rx ry h; apply: Rle_not_lt.
have {h} h := Rabs_between h; move: rx ry; rewrite /side; case: ifP => _.
  by rewrite !Rmult_1_l => rx ry; apply: Rabs_le; lra.
have en (r : R) : -1 * r = - r by ring.
by rewrite !en !logistic_opp => rx ry; apply: Rabs_le; lra.
Qed.

(* ---------- the floor ------------------------------------------------------------------------------ *)
Notation pK := (isolation (N Tok) P tK m c0 (cs * mu1 + sn * mu2) ((shut_from + ln tau) / lam)).
Notation pV := (isolation (N Tok) P tV m c0 mu1 ((lam * c0 + ln (tauV / 2)) / lam)).
Hypotheses (coherence : forall i j, i != j -> dot (b i) (b j) <= mu1)
  (frame_coherence : forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2).
Hypotheses (m0 : 0 <= m) (v_moment : subgaussian v m) (tauV0 : 0 < tauV) (L0 : (0 < L)%nat)
  (NA : N A = 2 ^ B * INR L).
Hypotheses (P1 : 1 <= P) (V0 : (0 < LV)%nat) (dense : N U <= P * N (frame_word Pay c0 v)).
Hypotheses (tK1 : 0 < tK <= lam) (tV1 : 0 < tV <= lam) (mK : tK * m * (cs * mu1 + sn * mu2) <= c0)
  (mV : tV * m * mu1 <= c0).
Hypotheses (hB : 0 <= delta + pK <= 1/2) (hL : delta + pK <= 1 - / INR L)
  (hV : 0 <= delta + pV <= 1 - / INR LV).

(* A query is shut with probability at most pK, even if its side depends on the letters of the token that is
   read: the two sides have probabilities that add up to 1. *)
Lemma open_often (ix : I) :
  \rsum_(x : family) ind (~~ open x ix) <= (if ix is inl _ then pV else pK) * N family.
Proof.
have P0 : 0 <= P by lra.
have A0 : 0 < N A by rewrite NA; apply: Rmult_lt_0_compat; [apply: pow_lt; lra|exact: INR_gt0].
have U0 : 0 < N U by rewrite N_ffun; exact: pow_lt.
have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
have t0 : 0 < N token by exact: (token_gt0 Ch U0 dense V0).
rewrite -(mean_mul f0) Rmult_comm; apply: Rmult_le_compat_r; first lra.
have tilted i l (up : token -> bool) : mean (fun x : family =>
    ind (~~ isolated b (tilt b lam cs sn i l (if up (x i) then 1 else -1)) x i tau shut_from)) <= pK.
  have e1 : (1 : R) ^ 2 = 1 by ring. have e2 : (-1 : R) ^ 2 = 1 by ring.
  have sm (F : token -> R) e : e ^ 2 = 1 -> (forall s, 0 <= F s) ->
      mean (fun x : family => F (x i) * ind (~~ isolated b (tilt b lam cs sn i l e) x i tau shut_from))
        <= mean F * pK.
    move=> ee F0; exact: (shut_tilt b1 b0 lam0 m0 v_moment P0 U0 dense V0 coherence frame_coherence cs0 sn0
      circle i l _ ee tau0 tK1 mK F0).
  have s1 := sm (fun s => ind (up s)) 1 e1 (fun s => proj1 (ind_01 _)).
  have s2 := sm (fun s => ind (~~ up s)) (-1) e2 (fun s => proj1 (ind_01 _)).
  have e : mean (fun s => ind (up s)) + mean (fun s => ind (~~ up s)) = 1.
    by rewrite -mean_add -[RHS](mean_const t0); apply: mean_ext => s; case: (up s); rewrite /ind /=; ring.
  have -> : pK = mean (fun s => ind (up s)) * pK + mean (fun s => ind (~~ up s)) * pK.
    by rewrite -Rmult_plus_distr_r e; ring.
  apply: Rle_trans (Rplus_le_compat _ _ _ _ s1 s2); rewrite -mean_add; apply: mean_le => x.
  by case: (up (x i)); rewrite /ind /=; lra.
case: ix => [[i c]|[[[i l] s]|[i l]]].
- have tV0 : 0 < tauV / 2 by lra.
  exact: (shut_value Ch b1 b0 lam0 m0 v_moment P0 U0 dense V0 coherence i (lam * c0) tV0 tV1 mV).
- exact: (tilted i l (fun s' => expn 2 B.-1 <= cut s (block (val s'.1 l)))%nat).
exact: (tilted i l (fun s' => expn 2 B.-1 <= block (val s'.1 l))%nat).
Qed.

(* Theorem F.  Every question fails with probability at most delta over the coins, on every instance.  INDEX
   with told symbols: all words have LV^h (2^B L)^p choices a token, of which 1 / P are in the family. *)
Theorem frames_with_failures (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R)
      -> S)
    (answer : W -> S -> Qry -> R) : 0 < N W ->
  let failed x Q := INR #|[pred w | ~~ near eta (out x Q) (answer w (compress w (inst x)) Q)]| in
  (forall x i c, failed x (value_question Own b lam i c) <= delta * N W) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (cut_question i l t) <= delta * N W) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level_question i l k) <= delta * N W) ->
  N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK))
           + N Ch * fano (INR LV) (delta + pV) - log2 P) <= log2 (N S).
Proof.
move=> W0 failed hv hc hl.
have A0 : 0 < N A by rewrite NA; apply: Rmult_lt_0_compat; [apply: pow_lt; lra|exact: INR_gt0].
have U0 : 0 < N U by rewrite N_ffun; exact: pow_lt.
have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
have /card_gt0P[x0 _] : (0 < #|family|)%nat.
  by rewrite lt0n; apply/eqP => e; move: f0; rewrite /N e /=; exact: Rlt_irrefl.
pose shut (ix : I) : R := if ix is inl _ then pV else pK.
have := @told_reads_lower_bound _ block_alphabet family x0 block_symbols W S _ _ _
  (fun inp Q => near eta (frame_output inp Q) : R -> bool) inst compress answer open shut
  block_symbols_inj W0 open_often block_rank block_question (fun _ => delta) question_told block_separated.
have -> : \rsum_(ix : I) fano (N (block_alphabet ix)) (delta + shut ix)
   = N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK)) +
     N Ch * fano (INR LV) (delta + pV)).
  rewrite !big_sumType /= !rsum_const !N_prod !N_ord N_bool.
  have e (x y f k g q u : R) : x * y * f + (x * k * q * g + x * k * u)
    = x * (k * (q * g + u) + y * f) by ring.
  exact: e.
have := family_density (Tok := Tok) (Ch := Ch) (words := N_words block_alphabet) U0 dense V0.
have -> : N_words block_alphabet = (N U * INR LV ^ #|Ch|) ^ #|Tok|.
  rewrite card_words !big_sumType /= !rprod_const !N_ord N_bool !card_prod card_ord N_ffun NA.
  have e (x y z : R) (n j p q : nat) : x ^ (n * j) * (y ^ (n * p * q) * z ^ (n * p))
    = ((y ^ q * z) ^ p * x ^ j) ^ n.
    rewrite !Rpow_mult_distr -!pow_mult Rmult_comm; congr (_ * _ * _); congr (_ ^ _); rewrite -!multE; ring.
  exact: e.
move=> /(_ erefl P1) fd hb; apply: Rle_trans (_ : _ <= _) (hb _ _); first by lra.
  move=> y [[i c]|[[[i l] s]|[i l]]] Q; rewrite {}/Q.
  - exact: hv.
  - by rewrite question_digit; apply: hc; exact: cut_range.
  by rewrite question_level; exact: hl.
case=> [a|[a|a]]; rewrite /= ?N_ord ?N_bool //; lra.
Qed.
End Failures.
