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
Hypotheses (tauV0 : 0 < tauV) (L0 : (0 < L)%nat) (NA : N A = 2 ^ B * INR L) (P1 : 1 <= P) (V0 : (0 < LV)%nat)
  (dense : N U <= P * N (frame_word Pay c0 v)).

Lemma words_gt0 : 0 < N U.
Proof.
by rewrite N_ffun NA; apply: pow_lt; apply: Rmult_lt_0_compat; [apply: pow_lt; lra|exact: INR_gt0].
Qed.

(* Every question fails with probability at most delta over the coins, on every instance, and the query of
   symbol ix is shut with probability at most shut ix.  INDEX with told symbols: all words have
   LV^h (2^B L)^p choices a token, of which 1 / P are in the family. *)
Theorem frames_with_shut_queries (shut : I -> R) (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S) (answer : W -> S -> Qry -> R) :
  (forall ix, \rsum_(x : family) ind (~~ open x ix) <= shut ix * N family) ->
  (forall ix, 0 <= delta + shut ix <= 1 - / N (block_alphabet ix)) -> 0 < N W ->
  let failed x Q := INR #|[pred w | ~~ near eta (out x Q) (answer w (compress w (inst x)) Q)]| in
  (forall x i c, failed x (value_question Own b lam i c) <= delta * N W) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (cut_question i l t) <= delta * N W) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level_question i l k) <= delta * N W) ->
  \rsum_(ix : I) fano (N (block_alphabet ix)) (delta + shut ix) - N Tok * log2 P <= log2 (N S).
Proof.
move=> often rate W0 failed hv hc hl; have U0 := words_gt0.
have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
have /card_gt0P[x0 _] : (0 < #|family|)%nat.
  by rewrite lt0n; apply/eqP => e; move: f0; rewrite /N e /=; exact: Rlt_irrefl.
have := @told_reads_lower_bound _ block_alphabet family x0 block_symbols W S _ _ _
  (fun inp Q => near eta (frame_output inp Q) : R -> bool) inst compress answer open shut
  block_symbols_inj W0 often block_rank block_question (fun _ => delta) question_told block_separated.
have := family_density (Tok := Tok) (Ch := Ch) (words := N_words block_alphabet) U0 dense V0.
have -> : N_words block_alphabet = (N U * INR LV ^ #|Ch|) ^ #|Tok|.
  rewrite card_words !big_sumType /= !rprod_const !N_ord N_bool !card_prod card_ord N_ffun NA.
  have e (x y z : R) (n j p q : nat) : x ^ (n * j) * (y ^ (n * p * q) * z ^ (n * p))
    = ((y ^ q * z) ^ p * x ^ j) ^ n.
    rewrite !Rpow_mult_distr -!pow_mult Rmult_comm; congr (_ * _ * _); congr (_ ^ _); rewrite -!multE; ring.
  exact: e.
move=> /(_ erefl P1) fd hb; apply: Rle_trans (_ : _ <= _) (hb _ rate).
  by apply: Rplus_le_compat_l; exact: Ropp_le_contravar.
move=> y [[i c]|[[[i l] s]|[i l]]] Q; rewrite {}/Q.
- exact: hv.
- by rewrite question_digit; apply: hc; exact: cut_range.
by rewrite question_level; exact: hl.
Qed.

(* the probability that a value query is shut, and that a tilted query is, by the worst coherence *)
Notation pK := (isolation (N Tok) P tK m c0 (cs * mu1 + sn * mu2) ((shut_from + ln tau) / lam)).
Notation pV := (isolation (N Tok) P tV m c0 mu1 ((lam * c0 + ln (tauV / 2)) / lam)).
Hypothesis coherence : forall i j, i != j -> dot (b i) (b j) <= mu1.
Hypotheses (m0 : 0 <= m) (v_moment : subgaussian v m) (tK1 : 0 < tK <= lam) (tV1 : 0 < tV <= lam)
  (mV : tV * m * mu1 <= c0).
Hypothesis hV : 0 <= delta + pV <= 1 - / INR LV.

(* A tilted query whose side depends on the letters of the token that is read is shut as often as the queries
   of the two sides are, in proportion. *)
Lemma side_shut i l (up : token -> bool) (pe : R -> R) :
  (forall e (F : token -> R), e ^ 2 = 1 -> (forall s, 0 <= F s) ->
     mean (fun x : family => F (x i) * ind (~~ isolated b (tilt b lam cs sn i l e) x i tau shut_from))
       <= mean F * pe e) ->
  mean (fun x : family =>
      ind (~~ isolated b (tilt b lam cs sn i l (if up (x i) then 1 else -1)) x i tau shut_from))
    <= mean (fun s => ind (up s)) * pe 1 + (1 - mean (fun s => ind (up s))) * pe (-1).
Proof.
move=> sm; have t0 : 0 < N token by exact: (token_gt0 Ch words_gt0 dense V0).
have e1 : (1 : R) ^ 2 = 1 by ring. have e2 : (-1 : R) ^ 2 = 1 by ring.
have s1 := sm 1 (fun s => ind (up s)) e1 (fun s => proj1 (ind_01 _)).
have s2 := sm (-1) (fun s => ind (~~ up s)) e2 (fun s => proj1 (ind_01 _)).
have -> : 1 - mean (fun s => ind (up s)) = mean (fun s => ind (~~ up s)).
  have <- : mean (fun s => ind (up s)) + mean (fun s => ind (~~ up s)) = 1; last by ring.
  by rewrite -mean_add -[RHS](mean_const t0); apply: mean_ext => s; case: (up s); rewrite /ind /=; ring.
apply: Rle_trans (Rplus_le_compat _ _ _ _ s1 s2); rewrite -mean_add; apply: mean_le => x.
by case: (up (x i)); rewrite /ind /=; lra.
Qed.

(* the symbols of one kind all have the same bound, but for the highest digit *)
Lemma open_often (pT pD pL : R) :
  (forall i l s, mean (fun x : family => ind (~~ open x (inr (inl (i, l, s)))))
     <= if s.+1 == B then pT else pD) ->
  (forall i l, mean (fun x : family => ind (~~ open x (inr (inr (i, l))))) <= pL) -> forall ix,
  \rsum_(x : family) ind (~~ open x ix) <= N family * (match ix with inl _ => pV
    | inr (inl q) => if q.2.+1 == B then pT else pD | inr (inr _) => pL end).
Proof.
move=> hD hL ix; have U0 := words_gt0; have P0 : 0 <= P by lra.
have f0 : 0 < N family by exact: (frames_gt0 Tok Ch U0 dense V0).
rewrite -(mean_mul f0); apply: Rmult_le_compat_l; first lra.
case: ix => [[i c]|[[[i l] s]|[i l]]]; [|exact: hD|exact: hL].
have tV0 : 0 < tauV / 2 by lra.
exact: (shut_value Ch b1 b0 lam0 m0 v_moment P0 U0 dense V0 coherence i (lam * c0) tV0 tV1 mV).
Qed.

(* Theorem F, by the worst coherence: a query is shut with probability at most pK, whatever its side. *)
Theorem frames_with_failures (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R)
      -> S)
    (answer : W -> S -> Qry -> R) :
  (forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= mu2) -> tK * m * (cs * mu1 + sn * mu2) <= c0 ->
  0 <= delta + pK <= 1/2 -> delta + pK <= 1 - / INR L -> 0 < N W ->
  let failed x Q := INR #|[pred w | ~~ near eta (out x Q) (answer w (compress w (inst x)) Q)]| in
  (forall x i c, failed x (value_question Own b lam i c) <= delta * N W) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (cut_question i l t) <= delta * N W) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level_question i l k) <= delta * N W) ->
  N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK))
           + N Ch * fano (INR LV) (delta + pV) - log2 P) <= log2 (N S).
Proof.
move=> frame_coherence mK hB hL W0 failed hv hc hl; have P0 : 0 <= P by lra.
have tilted i l (up : token -> bool) : mean (fun x : family =>
    ind (~~ isolated b (tilt b lam cs sn i l (if up (x i) then 1 else -1)) x i tau shut_from)) <= pK.
  apply: Rle_trans (@side_shut i l up (fun _ => pK) _) _ => [e F e2 F0|]; last by apply: Req_le; ring.
  exact: (shut_tilt b1 b0 lam0 m0 v_moment P0 words_gt0 dense V0 coherence frame_coherence cs0 sn0
    circle i l _ e2 tau0 tK1 mK F0).
have := @frames_with_shut_queries (fun ix => if ix is inl _ then pV else pK) W S compress answer _ _ W0
  hv hc hl.
have -> : \rsum_(ix : I) fano (N (block_alphabet ix)) (delta + (if ix is inl _ then pV else pK))
   = N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK)) +
     N Ch * fano (INR LV) (delta + pV)).
  rewrite !big_sumType /= !rsum_const !N_prod !N_ord N_bool.
  have e (x y f k g q u : R) : x * y * f + (x * k * q * g + x * k * u)
    = x * (k * (q * g + u) + y * f) by ring.
  exact: e.
move=> hb; apply: Rle_trans (_ : _ <= _) (hb _ _); first by lra.
  move=> ix; rewrite [X in _ <= X]Rmult_comm.
  apply: Rle_trans (@open_often pK pK pK _ _ ix) _ => [i l s|i l|].
  - rewrite if_same; exact: (tilted i l (fun s' => expn 2 B.-1 <= cut s (block (val s'.1 l)))%nat).
  - exact: (tilted i l (fun s' => expn 2 B.-1 <= block (val s'.1 l))%nat).
  by case: ix => [a|[[a s]|a]]; rewrite ?if_same; exact: Rle_refl.
case=> [a|[a|a]]; rewrite /= ?N_ord ?N_bool //; lra.
Qed.

(* ---------- the floor from sums over the other tokens --------------------------------------------------- *)
(* meets i l e j: how often token j closes the query of token i that is tilted towards frame vector l (e = 1),
   or away from it; letter l of token j keeps its own moment *)
Definition meets i l (e : R) j : R := meeting c0 v m tK ((shut_from + ln tau) / lam)
  (cs * dot (b i) (b j) + e * sn * dot (frame (b i) l) (b j))
  (cs * dot (frame (b j) l) (b i) + e * sn * dot (frame (b j) l) (frame (b i) l)).

Lemma meets_ge0 i l e j : 0 <= meets i l e j.
Proof.
by apply: Rmult_le_pos; [exact/Rlt_le/exp_pos|apply: mean_ge0 => a; exact/Rlt_le/exp_pos].
Qed.

Lemma shut_meets i l e (F : token -> R) : e ^ 2 = 1 -> (forall s, 0 <= F s) ->
  mean (fun x : family => F (x i) * ind (~~ isolated b (tilt b lam cs sn i l e) x i tau shut_from))
    <= mean F * (P * \rsum_(j | j != i) meets i l e j).
Proof.
move=> e2 F0; have P0 : 0 <= P by lra.
apply: (shut_sum lam0 P0 words_gt0 dense V0 tau0 tK1) => // j ji.
have q2 : dot (tilt b lam cs sn i l e) (tilt b lam cs sn i l e) = lam ^ 2 by exact: tilt_norm.
apply: Rle_trans (meeting_moment c0 b1 b0 lam0 v_moment j l _ _ q2) _; apply: Req_le; rewrite /meets.
by congr (meeting _ _ _ _ _ _ _); rewrite ?[dot (tilt _ _ _ _ _ _ _) _]dot_sym dot_tilt
  ?[dot (b j) _]dot_sym; field; lra.
Qed.

(* the highest digit is read towards the frame vector, and all others on the side of the letter *)
Lemma side_of_cut s n : (n < expn 2 B)%nat -> (s < B)%nat ->
  (expn 2 B.-1 <= cut s n)%nat = if s.+1 == B then true else (expn 2 B.-1 <= n)%nat.
Proof.
move=> nB sB; have [c0' cB] := andP (cut_range sB nB).
have e : (cut s n %/ expn 2 s.+1 = n %/ expn 2 s.+1)%nat.
  by rewrite /cut; set q := (n %/ _)%nat; rewrite expnS divnMr ?expn_gt0 // divn2 /= uphalf_double.
case: eqP => [sB1|sB1].
  by rewrite /cut -sB1 /= leq_pmull.
have le : (s.+1 <= B.-1)%nat by rewrite ltn_predRL ltn_neqAle; apply/andP; split=> //; exact/eqP.
have up k : (expn 2 B.-1 <= k)%nat = (0 < (k %/ expn 2 s.+1) %/ expn 2 (B.-1 - s.+1))%nat.
  by rewrite -divnMA -expnD subnKC // divn_gt0 ?expn_gt0.
by rewrite !up e.
Qed.

(* Theorem F, by sums over the other tokens.  The two queries of a letter are shut with probability at most
   2 pM together, and half of all words are read on either side; but the highest digit is read on one side. *)
Theorem frames_with_meetings (pM : R) (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S) (answer : W -> S -> Qry -> R) :
  (forall i l, P * (\rsum_(j | j != i) meets i l 1 j + \rsum_(j | j != i) meets i l (-1) j) <= 2 * pM) ->
  (exists opp : A -> A, involutive opp /\ forall a, v (opp a) = - v a /\
     (expn 2 B.-1 <= block (opp a))%nat = ~~ (expn 2 B.-1 <= block a)%nat) ->
  (0 < B)%nat -> 0 <= delta -> delta + 2 * pM <= 1/2 -> delta + pM <= 1 - / INR L -> 0 < N W ->
  let failed x Q := INR #|[pred w | ~~ near eta (out x Q) (answer w (compress w (inst x)) Q)]| in
  (forall x i c, failed x (value_question Own b lam i c) <= delta * N W) ->
  (forall x i l t, (0 < t < expn 2 B)%nat -> failed x (cut_question i l t) <= delta * N W) ->
  (forall x i l k, (k < expn 2 B)%nat -> failed x (level_question i l k) <= delta * N W) ->
  N Tok * (N Pay * (fano 2 (delta + 2 * pM) + (INR B - 1) * fano 2 (delta + pM) + fano (INR L) (delta + pM))
           + N Ch * fano (INR LV) (delta + pV) - log2 P) <= log2 (N S).
Proof.
move=> hM [opp [oK ov]] B0 d0 hB hL W0 failed hv hc hl; have P0 : 0 <= P by lra.
pose pe i l e := P * \rsum_(j | j != i) meets i l e j.
have sh i l e (F : token -> R) : e ^ 2 = 1 -> (forall s, 0 <= F s) -> mean (fun x : family =>
    F (x i) * ind (~~ isolated b (tilt b lam cs sn i l e) x i tau shut_from)) <= mean F * pe i l e.
  exact: shut_meets.
have pe0 i l e : 0 <= pe i l e by apply: Rmult_le_pos => //; apply: rsum_ge0 => j _; exact: meets_ge0.
have pe2 i l : pe i l 1 + pe i l (-1) <= 2 * pM by rewrite /pe -Rmult_plus_distr_l; exact: hM.
have pM0 (i : Tok) (l : Pay) : 0 <= pM by have := pe2 i l; have := pe0 i l 1; have := pe0 i l (-1); lra.
(* digits but the highest, and levels *)
have halves i l (up : token -> bool) : (forall s, up s = (expn 2 B.-1 <= block (val s.1 l))%nat) ->
    mean (fun x : family =>
      ind (~~ isolated b (tilt b lam cs sn i l (if up (x i) then 1 else -1)) x i tau shut_from)) <= pM.
  move=> hup; apply: Rle_trans (@side_shut i l up (pe i l) (sh i l)) _.
  have -> : mean (fun s => ind (up s)) = / 2.
    rewrite -(half_up Ch words_gt0 dense V0 (up := fun a => (expn 2 B.-1 <= block a)%nat) l).
      by apply: mean_ext => s; rewrite hup.
    by exists opp.
  by have := pe2 i l; lra.
have := @frames_with_shut_queries (fun ix => match ix with inl _ => pV
  | inr (inl q) => if q.2.+1 == B then 2 * pM else pM | inr (inr _) => pM end) W S compress answer _ _ W0
  hv hc hl.
have digits : \rsum_(q : Tok * Pay * 'I_B) fano 2 (delta + (if q.2.+1 == B then 2 * pM else pM))
    = N Tok * N Pay * (fano 2 (delta + 2 * pM) + (INR B - 1) * fano 2 (delta + pM)).
  rewrite -(pair_bigA _ (fun (_ : Tok * Pay) (s : 'I_B) =>
    fano 2 (delta + (if s.+1 == B then 2 * pM else pM)))).
  have top : (B.-1 < B)%nat by rewrite prednK.
  rewrite rsum_const N_prod (bigD1 (Ordinal top)) //= prednK // eqxx; congr (_ * (_ + _)).
  rewrite -N_ord -(N_others (Ordinal top)) -rsum_const_card; apply: eq_bigr => s /eqP ns.
  by case: eqP => // e; case: ns; apply: val_inj; exact: (congr1 predn e).
have -> : \rsum_(ix : I) fano (N (block_alphabet ix)) (delta + match ix with inl _ => pV
    | inr (inl q) => if q.2.+1 == B then 2 * pM else pM | inr (inr _) => pM end)
   = N Tok * (N Pay * (fano 2 (delta + 2 * pM) + (INR B - 1) * fano 2 (delta + pM)
       + fano (INR L) (delta + pM)) + N Ch * fano (INR LV) (delta + pV)).
  rewrite !big_sumType /= !rsum_const N_bool digits !N_prod !N_ord.
  have e (x y f k g u : R) : x * y * f + (x * k * g + x * k * u) = x * (k * (g + u) + y * f) by ring.
  exact: e.
move=> hb; apply: Rle_trans (_ : _ <= _) (hb _ _); first by lra.
  move=> ix; rewrite [X in _ <= X]Rmult_comm; apply: (@open_often (2 * pM) pM pM) => i l.
    move=> s; have [sB aB] := (ltn_ord s, fun x : family => blockB (letter x i l)); case: eqP => sB1.
      have := sh i l 1 (fun _ => 1) (pow1 2) (fun _ => Rle_0_1).
      rewrite mean_const ?Rmult_1_l; last exact: (token_gt0 Ch words_gt0 dense V0).
      move=> h; apply: Rle_trans (_ : _ <= pe i l 1) _; last by have := pe2 i l; have := pe0 i l (-1); lra.
      apply: Rle_trans h; apply: mean_le => x; rewrite Rmult_1_l /open /side side_of_cut //.
      by rewrite (introT eqP sB1); exact: Rle_refl.
    apply: (halves i l (fun s' => expn 2 B.-1 <= cut s (block (val s'.1 l)))%nat) => s'.
    by rewrite side_of_cut //; move/eqP: sB1 => /negbTE ->.
  exact: (halves i l (fun s' => expn 2 B.-1 <= block (val s'.1 l))%nat).
have p0 := pM0; case=> [a|[[[i l] s]|[i l]]]; rewrite /= ?N_ord ?N_bool //; have := pM0 i l.
  by case: ifP => _; lra.
by lra.
Qed.
End Failures.
