(* Structured values.  If the row of each cached value comes from a public class of rows, a token costs log2
   of the size of the class, less what errors spare: s-sparse rows, sparse or signed sums of a public basis,
   values constant on blocks of tokens.  Each floor is met by a state that stores the number of the row. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Lemma log2_words (J A : finType) (a0 : A) : log2 (N [finType of {ffun J -> A}]) = N J * log2 (N A).
Proof.
have l2 := ln2_gt0; have A1 := N_ge1 a0.
by rewrite /log2 /N card_ffun INR_expn ln_pow -/(N A); [rewrite -/(N J); field; lra|lra].
Qed.

Section Classes.
Variables (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam : R).
Variables (A : finType) (row : A -> Ch -> R) (good : R -> R -> bool).
(* rows x: the values that spell the word x, one symbol a token *)
Definition rows (x : {ffun Tok -> A}) : Tok -> Ch -> R := fun i c => row (x i) c.
(* good_row: all channels of an answer are good *)
Definition good_row (V : Tok -> Ch -> R) (q : Crd -> R) (o : Ch -> R) : bool :=
  [forall c, good (attention_own q K B V c) (o c)].
Variables (W S : finType) (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R).
(* rows_correct: in the mean over words and tokens, a whole row is answered well with probability 1 - delta *)
Definition rows_correct (delta : R) : Prop :=
  \rsum_(x : {ffun Tok -> A}) \rsum_(i : Tok)
     INR #|[pred w | ~~ good_row (rows x) (scale lam (K i)) (answer w (compress w (rows x)) (scale lam (K
       i)))]|
    <= delta * N Tok * (N W * N [finType of {ffun Tok -> A}]).

Hypotheses (hK : incoherent K mu) (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam)
  (row01 : forall a c, 0 <= row a c <= 1).
Notation tau := (leak (N Tok + N Own) lam mu).

(* told_apart a b: in some channel no answer is good for a reading of row a and for one of row b *)
Definition told_apart (a b : A) : Prop := exists c, forall u v o, 0 <= tau ->
  row a c / (1 + tau) <= u <= (row a c + tau) / (1 + tau) ->
  row b c / (1 + tau) <= v <= (row b c + tau) / (1 + tau) -> good u o -> good v o -> False.

Theorem classes_lower_bound (a0 : A) (delta : R) :
  (forall a b, a != b -> told_apart a b) -> 0 <= delta <= 1 - / N A -> 0 < N W -> rows_correct delta ->
  N Tok * fano (N A) delta <= log2 (N S).
Proof.
move=> apart hd W0 hc.
apply: (@separation_mean _ A W S _ _ _ good_row rows (fun i => scale lam (K i)) compress answer a0 delta _ W0
  hd hc).
move=> x y i o /forallP gx /forallP gy; apply/eqP/negPn/negP => /apart [c].
have gap z := attention_own_gap hK hB lam0 (V := rows z) i (c := c) (fun j => row01 _ _).
have [t0 hx] := gap x; have [_ hy] := gap y => h.
exact: (h _ _ _ t0 hx hy (gx c) (gy c)).
Qed.
End Classes.

(* it is met by a state that stores the symbols *)
Theorem classes_upper_bound (Tok Own Crd Ch A : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : R)
    (row : A -> Ch -> R) (good : R -> R -> bool) (a0 : A) :
  (forall a b, a != b -> exists c, row a c <> row b c) ->
  (forall (x : {ffun Tok -> A}) q c, let o := attention_own q K B (rows row x) c in good o o) ->
  exists (compress : unit -> (Tok -> Ch -> R) -> [finType of {ffun Tok -> A}])
         (answer : unit -> {ffun Tok -> A} -> (Crd -> R) -> Ch -> R),
    rows_correct K B lam row good compress answer 0 /\ log2 (N [finType of {ffun Tok ->
      A}]) = N Tok * log2 (N A).
Proof.
move=> inj hg; pose same a (v : Ch -> R) : bool := [forall c, if Req_EM_T (row a c) (v c) then true else
  false].
have sameP a b : same a (row b) = (a == b).
  apply/forallP/eqP => [h|-> c]; last by case: Req_EM_T.
  by apply/eqP/negPn/negP => /inj [c]; have := h c; case: Req_EM_T.
exists (fun _ V => [ffun i => odflt a0 [pick a | same a (V i)]]), (fun _ s q => attention_own q K B (rows row
  s)).
split; last exact: log2_words a0.
rewrite /rows_correct !Rmult_0_l; apply: Req_le; rewrite big1 // => x _; rewrite big1 // => i _.
rewrite eq_card0 // => w; rewrite inE; apply/negbTE/negPn/forallP => c.
suff -> : [ffun j => odflt a0 [pick a | same a (rows row x j)]] = x by exact: hg.
apply/ffunP => j; rewrite ffunE; case: pickP => [a|/(_ (x j))]; rewrite sameP; first by move/eqP.
by rewrite eqxx.
Qed.

(* ---------- which rows are told apart ----------------------------------------------- *)
Section Apart.
Variables (Tok Own Ch A : finType) (mu lam : R) (row : A -> Ch -> R) (eta : R).
Notation tau := (leak (N Tok + N Own) lam mu).

(* additive error: some channel differs by more than 2 (eta + tau) *)
Lemma additive_apart a b : (forall a c, 0 <= row a c <= 1) ->
  (exists c, 2 * (eta + tau) < Rabs (row a c - row b c)) -> told_apart Tok Own mu lam row (near eta) a b.
Proof.
move=> r01 [c far]; exists c => u v o t0 /(gap_near (r01 a c) t0) hu /(gap_near (r01 b c) t0) hv gu gv.
have := near_apart gu gv; have t1 := Rabs_triang (u - v) ((v - row b c) + - (u - row a c)).
have := Rabs_triang (v - row b c) (- (u - row a c)); rewrite Rabs_Ropp; move: far.
have -> : row a c - row b c = (u - v) + ((v - row b c) + - (u - row a c)) by ring.
by lra.
Qed.

(* relative error and rows of 0 and 1: some bit differs *)
Lemma relative_apart (bit : A -> Ch -> bool) a b : 0 <= eta < 1 -> (1 + eta) * tau < 1 - eta ->
  (exists c, bit a c != bit b c) -> told_apart Tok Own mu lam (fun a c => ind (bit a c)) (approx eta) a b.
Proof.
move=> he gap [c ne]; exists c => u v o t0 [u1 u2] [v1 v2] gu gv.
case: (bit a c) (bit b c) ne u1 u2 v1 v2 => [] [] //= _ u1 u2 v1 v2.
  by move: v2; rewrite Rplus_0_l => v2; have := approx_apart he t0 v2 u1 gv gu; lra.
by move: u2; rewrite Rplus_0_l => u2; have := approx_apart he t0 u2 v1 gu gv; lra.
Qed.
End Apart.

(* Sums of a public basis: coefficients that are read by functionals of absolute sum 1 show in some channel.
   *)
Section Basis.
Variables (J Ch A : finType) (basis dual : J -> Ch -> R) (coef : A -> J -> R).
Hypotheses (biorthogonal : forall j k, dot (dual j) (basis k) = ind (j == k))
  (dual1 : forall j, \rsum_c Rabs (dual j c) <= 1) (basis1 : forall j c, Rabs (basis j c) <= 1)
  (coef1 : forall a, \rsum_j Rabs (coef a j) <= 1/2).
(* basis_row a: 1/2 plus the sum of the basis with the coefficients of a, in [0, 1] *)
Definition basis_row (a : A) (c : Ch) : R := 1/2 + \rsum_j (coef a j * basis j c).

Lemma Rabs_sum (I : finType) (f : I -> R) : Rabs (\rsum_j f j) <= \rsum_j Rabs (f j).
Proof.
elim/big_ind2: _ => [|a b c d h1 h2|j _]; [by rewrite Rabs_R0; lra| |by lra].
by apply: Rle_trans (Rabs_triang _ _) _; lra.
Qed.

Lemma basis_row_01 a c : 0 <= basis_row a c <= 1.
Proof.
suff /Rabs_between h : Rabs (\rsum_j (coef a j * basis j c)) <= 1/2 by rewrite /basis_row; lra.
apply: Rle_trans (Rabs_sum _) _; apply: Rle_trans (coef1 a); apply: rsum_le => j _.
by rewrite Rabs_mult; have := basis1 j c; have := Rabs_pos (coef a j); nra.
Qed.

Lemma dual_reads a b j : \rsum_c (dual j c * (basis_row a c - basis_row b c)) = coef a j - coef b j.
Proof.
have lin (f : J -> R) : \rsum_c (dual j c * \rsum_k (f k * basis k c)) = f j.
  transitivity (\rsum_k (f k * dot (dual j) (basis k))).
    rewrite /dot; under [RHS]eq_bigr => k _ do rewrite -rsum_distr.
    rewrite [RHS]exchange_big /=; apply: eq_bigr => c _; rewrite -rsum_distr; apply: eq_bigr => k _; ring.
  rewrite (bigD1 j) //= biorthogonal eqxx big1 => [|k kj]; first by rewrite /=; ring.
  by rewrite biorthogonal eq_sym (negbTE kj) /=; ring.
rewrite -[in RHS](lin (coef a)) -[in RHS](lin (coef b)) /Rminus -rsum_opp -big_split /=.
by apply: eq_bigr => c _; rewrite /basis_row; ring.
Qed.

Lemma basis_apart a b (g : R) : (exists j, g < Rabs (coef a j - coef b j)) ->
  exists c, g < Rabs (basis_row a c - basis_row b c).
Proof.
move=> [j far]; case: (boolP [exists c, ~~ Rleb (Rabs (basis_row a c - basis_row b c)) g]) =>
  [/existsP [c /RlebP h]|].
  by exists c; apply: Rnot_le_lt.
rewrite negb_exists => /forallP h; exfalso; move: far; rewrite -dual_reads.
have le c : Rabs (basis_row a c - basis_row b c) <= g by apply/RlebP; have := h c; rewrite negbK.
have : Rabs (\rsum_c (dual j c * (basis_row a c - basis_row b c))) <= \rsum_c (Rabs (dual j c) * g).
  apply: Rle_trans (Rabs_sum _) _; apply: rsum_le => c _; rewrite Rabs_mult.
  by apply: Rmult_le_compat_l; [exact: Rabs_pos|exact: le].
case: (pickP (xpredT : pred Ch)) => [c0 _|none]; last first.
  by move=> _ _; have := biorthogonal j j; rewrite /dot big_pred0 // eqxx /=; lra.
have g0 : 0 <= g by apply: Rle_trans (le c0); exact: Rabs_pos.
under [X in _ <= X]eq_bigr => c _ do rewrite Rmult_comm.
by rewrite rsum_distr; have := dual1 j; nra.
Qed.
End Basis.

(* ---------- counting ---------------------------------------------------------------- *)
(* sparse L s: words of levels 0 .. L with at most s letters that are not 0 *)
Definition sparse (J : finType) (L s : nat) : finType :=
  [finType of {f : {ffun J -> 'I_L.+1} | (#|[pred j | f j != ord0]| <= s)%nat}].

(* sum over the sets of at most s elements, by their size *)
Lemma sum_small_sets (J : finType) (s : nat) (F : nat -> nat) :
  (\sum_(D : {set J} | (#|D| <= s)%nat) F #|D| = \sum_(w < s.+1) 'C(#|J|, w) * F w)%nat.
Proof.
rewrite (partition_big (fun D : {set J} => inord #|D| : 'I_s.+1) xpredT) //=; apply: eq_bigr => w _.
rewrite (eq_bigl (fun D : {set J} => #|D| == w)) => [|D]; last first.
  apply/andP/eqP => [[le /eqP <-]|e]; first by rewrite inordK.
  by rewrite e -ltnS ltn_ord; split=> //; apply/eqP/val_inj; rewrite /= inordK.
rewrite (eq_bigr (fun _ => F w)) => [|D /eqP -> //]; rewrite sum_nat_const; congr muln.
by rewrite -card_draws; apply: eq_card => D; rewrite !inE.
Qed.

(* Sketch: sort the functions by the set of places where they are not 0. For a set of w places there are L^w
   of them, and C(#|J|, w) sets have w places. *)
Lemma card_sparse (J : finType) (L s : nat) : #|sparse J L s| = (\sum_(w < s.+1) 'C(#|J|, w) * expn L w)%nat.
Proof.
rewrite card_sig -sum1_card -(sum_small_sets J s (expn L)).
rewrite (partition_big (fun f : {ffun J -> 'I_L.+1} => [set j | f j != ord0]) (fun D => (#|D| <= s)%nat)) /=;
  last first.
  by move=> f; rewrite inE cardsE.
apply: eq_bigr => D hD; rewrite sum1dep_card.
have e : #|[pred a : 'I_L.+1 | a != ord0]| = L by rewrite (eq_card (_ : _ =i predC1 ord0)) // cardC1 card_ord.
rewrite -[X in expn X _]e -(card_pffun_on ord0 (mem D)) cardsE; apply: eq_card => f; rewrite inE.
apply/andP/pffun_onP => [[_ /eqP <-]|[sup img]]; first split.
- by apply/subsetP => j; rewrite !inE.
- by move=> a /imageP [j]; rewrite !inE => h ->.
have {}e : [set j | f j != ord0] = D.
  apply/setP => j; rewrite inE; apply/idP/idP => h; first by apply: (subsetP sup); rewrite inE.
  by have := img (f j); rewrite image_f //= inE => /(_ isT).
by rewrite e eqxx inE; split=> //; rewrite -[X in (X <= s)%nat]cardsE e.
Qed.

(* ---------- floors of classes ------------------------------------------------------- *)
Section Floors.
Variables (Tok Own Crd Ch W S : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam eta delta : R).
Variables (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Crd -> R) -> Ch -> R).
Hypotheses (hK : incoherent K mu) (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam) (W0 : 0 < N W).
Notation tau := (leak (N Tok + N Own) lam mu).

(* rows of 0 and 1 with exactly s ones: log2 of binomial (h, s) a token *)
Theorem sparse_bits_lower_bound (s : nat) (row := fun (a : {a : {set Ch} | #|a| == s}) c => ind (c \in val
  a)) :
  (s <= #|Ch|)%nat -> 0 <= eta < 1 -> (1 + eta) * tau < 1 - eta -> 0 <= delta <= 1 - / INR 'C(#|Ch|, s) ->
  rows_correct K B lam row (approx eta) compress answer delta ->
  N Tok * fano (INR 'C(#|Ch|, s)) delta <= log2 (N S).
Proof.
move=> hs he gap hd hc.
have e : N [finType of {a : {set Ch} | #|a| == s}] = INR 'C(#|Ch|, s).
  by rewrite /N card_sig -card_draws; congr INR; apply: eq_card => a; rewrite !inE.
rewrite -e in hd *.
have a0 : {a : {set Ch} | #|a| == s}.
  have : (0 < #|[finType of {a : {set Ch} | #|a| == s}]|)%nat.
    by apply/ltP/RIneq.INR_lt; rewrite -/(N _) e; apply: INR_gt0; rewrite bin_gt0.
  by rewrite cardE; case: (enum _) => // a t _; exact: a.
apply: (classes_lower_bound hK hB lam0 (row := row) _ a0 _ hd W0 hc) => [a c|a b ab]; first exact: ind_01.
apply: (@relative_apart _ _ _ _ _ _ _ (fun (a : {a : {set Ch} | #|a| == s}) c => c \in val a) a b he gap).
case: (boolP [exists c, (c \in val a) != (c \in val b)]) => [/existsP [c h]|]; first by exists c.
rewrite negb_exists => /forallP h; case/negP: ab; apply/eqP/val_inj/setP => c.
by have := h c; rewrite negbK => /eqP.
Qed.

(* sums of at most s rows of a public basis, each with one of L factors 1/L, 2/L, ..., 1 and all over 2 s *)
Section Sums.
Variables (J : finType) (basis dual : J -> Ch -> R).
Hypotheses (biorthogonal : forall j k, dot (dual j) (basis k) = ind (j == k))
  (dual1 : forall j, \rsum_c Rabs (dual j c) <= 1) (basis1 : forall j c, Rabs (basis j c) <= 1).

(* Sketch: coefficients are whole multiples of 1 / (2 s L), so that two rows differ by that much in some
   coefficient, hence in some channel; their number is card_sparse. *)
Theorem sparse_sums_lower_bound (L s : nat) (n := INR (\sum_(w < s.+1) 'C(#|J|, w) * expn L w)%nat)
    (coef := fun (a : sparse J L s) j => INR (val a j) / (2 * INR s * INR L)) :
  (0 < L)%nat -> (0 < s)%nat -> 2 * (eta + tau) < 1 / (2 * INR s * INR L) -> 0 <= delta <= 1 - / n ->
  rows_correct K B lam (basis_row basis coef) (near eta) compress answer delta ->
  N Tok * fano n delta <= log2 (N S).
Proof.
move=> L0 s0 step; have Lr := INR_gt0 L0; have sr := INR_gt0 s0.
have q0 : 0 < 2 * INR s * INR L by apply: Rmult_lt_0_compat; lra.
have nE : N (sparse J L s) = n by rewrite /N card_sparse.
rewrite -nE => hd hc; have a0 : sparse J L s.
  exists [ffun _ => ord0]; rewrite eq_card0 // => j; by rewrite inE ffunE eqxx.
have coef1 a : \rsum_j Rabs (coef a j) <= 1/2.
  apply: Rle_trans (_ : \rsum_j (/ (2 * INR s) * ind (val a j != ord0)) <= _).
    apply: rsum_le => j _; rewrite Rabs_pos_eq; last by apply: Rmult_le_pos;
      [exact: pos_INR|exact/Rlt_le/Rinv_0_lt_compat].
    rewrite /coef; case: eqP => [->|_] /=; first by rewrite /Rdiv Rmult_0_l; lra.
    apply: Rdiv_le_l => //; have -> : / (2 * INR s) * 1 * (2 * INR s * INR L) = INR L by field; lra.
    by apply: INR_le; rewrite -ltnS.
  rewrite rsum_distr sum_ind; apply: (Rmult_le_reg_l (2 * INR s)); first lra.
  rewrite -Rmult_assoc Rinv_r ?Rmult_1_l; last lra.
  have -> : 2 * INR s * (1/2) = INR s by field.
  by apply: INR_le; exact: (valP a).
apply: (classes_lower_bound hK hB lam0 (row := basis_row basis coef) _ a0 _ hd W0 hc) => [a c|a b ab].
  exact: basis_row_01.
apply: additive_apart; first by move=> a' c; exact: basis_row_01.
apply: (basis_apart biorthogonal dual1).
case: (boolP [exists j, val a j != val b j]) => [/existsP [j ne]|]; last first.
  rewrite negb_exists => /forallP h; case/negP: ab; apply/eqP/val_inj/ffunP => j.
  by have := h j; rewrite negbK => /eqP.
exists j; apply: Rlt_le_trans step _; rewrite /coef -Rdiv_minus_distr {2}/Rdiv Rabs_mult.
rewrite (Rabs_pos_eq (/ _)); last exact/Rlt_le/Rinv_0_lt_compat.
apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
have gap1 (x y : R) : x + 1 <= y -> 1 <= y - x by lra.
have : val a j != val b j :> nat by []. rewrite neq_ltn => /orP [l|l]; last first.
  by apply: Rle_trans (Rle_abs _); apply: (gap1 _ _ (INR_lt l)).
by rewrite Rabs_minus_sym; apply: Rle_trans (Rle_abs _); apply: (gap1 _ _ (INR_lt l)).
Qed.

(* sums of r public rows with signs, all over 2 r: r bits a token.  Sketch: two rows differ by 2 / (2 r) in
   some coefficient, hence in some channel. *)
Theorem signed_sums_lower_bound (coef := fun (a : {ffun J -> bool}) j => sg (a j) / (2 * N J)) :
  0 < N J -> 2 * (eta + tau) < 1 / N J -> 0 <= delta <= 1 - / 2 ^ #|J| ->
  rows_correct K B lam (basis_row basis coef) (near eta) compress answer delta ->
  N Tok * fano (2 ^ #|J|) delta <= log2 (N S).
Proof.
move=> r0 step; have nE : N [finType of {ffun J -> bool}] = 2 ^ #|J| by rewrite /N card_ffun card_bool
  INR_expn.
rewrite -nE => hd hc.
have sg1 b : Rabs (sg b) = 1 by case: b; rewrite /sg; [rewrite Rabs_pos_eq|rewrite Rabs_left]; lra.
have i0 : 0 < / (2 * N J) by apply: Rinv_0_lt_compat; lra.
have coef1 a : \rsum_j Rabs (coef a j) <= 1/2.
  rewrite (eq_bigr (fun _ => / (2 * N J))) => [|j _]; last by rewrite Rabs_mult sg1 Rmult_1_l Rabs_pos_eq;
    lra.
  by rewrite rsum_const; apply: Req_le; field; lra.
apply: (classes_lower_bound hK hB lam0 (row := basis_row basis coef) _ [ffun _ => true] _ hd W0 hc) =>
  [a c|a b ab].
  exact: basis_row_01.
apply: additive_apart; first by move=> a' c; exact: basis_row_01.
apply: (basis_apart biorthogonal dual1).
case: (boolP [exists j, a j != b j]) => [/existsP [j ne]|]; last first.
  rewrite negb_exists => /forallP h; case/negP: ab; apply/eqP/ffunP => j.
  by have := h j; rewrite negbK => /eqP.
exists j; apply: Rlt_le_trans step _; rewrite /coef -Rdiv_minus_distr {2}/Rdiv Rabs_mult.
have -> : Rabs (sg (a j) - sg (b j)) = 2.
  by case: (a j) (b j) ne => [] [] //= _; rewrite /sg; [rewrite Rabs_pos_eq|rewrite Rabs_left]; lra.
by rewrite Rabs_pos_eq; [apply: Req_le; field; lra|lra].
Qed.
End Sums.
End Floors.
