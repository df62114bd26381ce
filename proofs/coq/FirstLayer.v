(* Public weights of the first layer: word embedding, table of positions, layer norm, projections,
   l2-normalised queries and keys.  Addresses stand in blocks of their own, so that queries and keys are
   public; values are the contents that token ids write into a row.  The outputs of the last scale then
   determine the ids. *)
From LowerBound Require Export VarLayer Prefix LayerNorm.
From Coq Require Import FunctionalExtensionality.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- ids, codes, contents and input rows --------------------------------------------------------- *)
Section Inputs.
Variables (Wid Cod Bit Id Row : finType) (spot : Bit -> Cod).
Notation X := {ffun Id * Bit -> bool}.
(* code x i c: entry c of the code of id i: bit b as a sign in channel spot b, and 0 in all other channels *)
Definition code (x : X) (i : Id) (c : Cod) : R :=
  if [pick b | spot b == c] is Some b then sign (x (i, b)) else 0.
(* content A x s c: what the ids add to channel c of row s, with the weights A s i *)
Definition content (A : Row -> Id -> R) (x : X) (s : Row) (c : Cod) : R := \rsum_i (A s i * code x i c).
(* input_row: a content goes through the word embedding, and the row of the table of positions is added *)
Definition input_row (word : Cod -> Wid -> R) (pos : Row -> Wid -> R) (f : Row -> Cod -> R) (s : Row)
    (w : Wid) : R :=
  \rsum_c (f s c * word c w) + pos s w.
End Inputs.

(* ---------- what is asked of the answers ---------------------------------------------------------------- *)
Section Answers.
Variables (Wid Head Crd Ch J Own : finType).
(* spread v: max v - min v, over all rows and channels *)
Definition spread (v : J -> Ch -> R) : R :=
  \big[Rmax/0]_(p : (J * Ch) * (J * Ch)) (v p.1.1 p.1.2 - v p.2.1 p.2.2).
(* head_output: head h of the layer for a token with the row y; the softmax runs over the rows z *)
Definition head_output (l : layer Wid Head Crd Ch) (h : Head) (y : Wid -> R) (z : J -> Wid -> R)
    (c : Ch) : R :=
  softmax_mean (fun j => layer_logit l h y (z j)) (fun j => value l h (z j) c).
(* outputs_good: every entry of every output of the last scale is within eta (max V - min V) *)
Definition outputs_good (l : layer Wid Head Crd Ch) (z : J -> Wid -> R) (y : Own -> Wid -> R) (eta : R)
    (o : Own -> Head -> Ch -> R) : bool :=
  [forall p : Own, [forall h : Head, [forall c : Ch,
     near (eta * spread (fun j => value l h (z j))) (head_output l h (y p) z c) (o p h c)]]].

Lemma spread_le (v : J -> Ch -> R) (b : R) : (forall j c, Rabs (v j c) <= b) -> 0 <= b -> spread v <= 2 * b.
Proof.
move=> hv b0; rewrite /spread; elim/big_ind: _ => [|x y hx hy|[[j c] [j' c']] _ /=]; [lra|exact: Rmax_lub|].
by have := Rabs_between (hv j c); have := Rabs_between (hv j' c'); lra.
Qed.

(* values between -1 and 1, one row whose key is the query, all others at most mu: the output is its value *)
Lemma softmax_reads (l v : J -> R) (i : J) (t : R) : (forall j, Rabs (v j) <= 1) ->
  \rsum_(j | j != i) exp (l j) <= t * exp (l i) -> Rabs (softmax_mean l v - v i) <= 2 * t.
Proof.
move=> hv rest; have v01 j : 0 <= (v j + 1) / 2 <= 1 by have := Rabs_between (hv j); lra.
have t0 := rest_ge0 rest.
have := gap_near (v01 i) t0 (softmax_gap v01 rest).
have -> : softmax_mean l (fun j => (v j + 1) / 2) = (softmax_mean l v + 1) / 2.
  have e0 : 0 < \rsum_j exp (l j).
    apply: Rlt_le_trans (exp_pos (l i)) _.
    by apply: (rsum_term (f := fun j => exp (l j))) => j; exact/Rlt_le/exp_pos.
  rewrite /softmax_mean; have -> : \rsum_j (exp (l j) * ((v j + 1) / 2))
      = / 2 * (\rsum_j (exp (l j) * v j) + \rsum_j exp (l j)).
    by rewrite -big_split -rsum_distr; apply: eq_bigr => j _ /=; field.
  by field; lra.
by move=> /Rabs_between h; apply: Rabs_le; lra.
Qed.
End Answers.

(* the sum over all channels of what stands at the spots *)
Lemma sum_spots (Bit Cod : finType) (spot : Bit -> Cod) (g : Bit -> R) : injective spot ->
  \rsum_c (if [pick b | spot b == c] is Some b then g b else 0) = \rsum_b g b.
Proof.
move=> inj; transitivity (\rsum_b \rsum_c (if c == spot b then g b else 0)); last first.
  apply: eq_bigr => b _; rewrite (bigD1 (spot b)) //= eqxx big1 ?Rplus_0_r // => c.
  by move=> /negbTE ->.
rewrite exchange_big /=; apply: eq_bigr => c _; case: pickP => [b /eqP <-|none].
  rewrite (bigD1 b) //= eqxx big1 ?Rplus_0_r // => b' ne.
  by rewrite (eqtype.inj_eq inj) eq_sym (negbTE ne).
by rewrite big1 // => b _; rewrite eq_sym none.
Qed.

Lemma pick_spot (Bit Cod : finType) (spot : Bit -> Cod) b :
  injective spot -> [pick b' | spot b' == spot b] = Some b.
Proof. by move=> inj; case: pickP => [b' /eqP /inj -> //|/(_ b)]; rewrite eqxx. Qed.

(* clip s: the nearest number between - s and s; it does not move away from a number in between *)
Definition clip (s y : R) : R := Rmax (- s) (Rmin s y).
Lemma clip_box s y : 0 <= s -> Rabs (clip s y) <= s.
Proof.
by move=> s0; apply: Rabs_le; rewrite /clip /Rmin; case: Rle_dec => h1; rewrite /Rmax; case: Rle_dec => h2;
  lra.
Qed.
Lemma clip_near s y w : Rabs w <= s -> Rabs (clip s y - w) <= Rabs (y - w).
Proof.
move=> /Rabs_between hw; have := Rle_abs (y - w); have := Rle_abs (- (y - w)); rewrite Rabs_Ropp.
by rewrite /clip /Rmin; case: Rle_dec => h1; rewrite /Rmax; case: Rle_dec => h2 h3 h4; apply: Rabs_le; lra.
Qed.

(* ---------- the weights --------------------------------------------------------------------------------- *)
Section Weights.
Variables (Wid Head Crd Ch Cod Bit Id Tok Own Slot Read : finType).
Notation X := {ffun Id * Bit -> bool}.
Notation Row := [finType of Tok + Own].
Notation Block := [finType of Cod + (Head * Crd + Head * Crd)].
(* bit b of an id stands in channel spot b of its code, and is read in channel home b of a head *)
Variables (spot : Bit -> Cod) (home : Bit -> Ch).
(* read r: head (place r).1 reads row r with address (place r).2, in token own (place r).2 of the last map *)
Variables (own : Slot -> Own) (row : Read -> Tok) (place : Read -> Head * Slot).
Variables (book : option Slot -> Crd -> R) (A : Row -> Id -> R) (frozen : Row -> Cod -> R).
Variables (q : Block -> Wid -> R) (lam eps mu B sigma : R) (F : Row -> R).

(* every row that is read has an address of its own as key; all other rows share one more *)
Definition key_slot (h : Head) (s : Row) : option Slot :=
  if s is inl t then omap (fun r => (place r).2) [pick r | (row r == t) && ((place r).1 == h)] else None.
Definition query_slot (s : Row) : option Slot := if s is inr o then [pick a | own a == o] else None.

Definition gain : R := sqrt (N Bit) * B.
(* public_length s: the length of the public part of row s, for one head and one of its two blocks *)
Definition public_length (s : Row) : R :=
  sqrt (((gain * F s * sigma) * (gain * F s * sigma) - N Wid * eps) / (2 * N Head)).
Definition public_part (s : Row) (e : Head * Crd + Head * Crd) : R :=
  public_length s * match e with inl a => book (key_slot a.1 s) a.2 | inr a => book (query_slot s) a.2 end.

Definition word (c : Cod) (w : Wid) : R := sigma * q (inl c) w.
Definition table_row (s : Row) (w : Wid) : R :=
  \rsum_e (public_part s e * q (inr e) w) - \rsum_c (frozen s c * word c w).
Definition public_layer : layer Wid Head Crd Ch := Layer
  (fun h a => q (inr (inr (h, a)))) (fun h a => q (inr (inl (h, a))))
  (fun _ c => if [pick b | home b == c] is Some b then scale (gain / sqrt (N Wid))
    (q (inl (spot b))) else fun _ => 0)
  (fun _ => lam).
Definition normed_row (x : X) (s : Row) : Wid -> R :=
  layer_norm eps (input_row word table_row (fun s c => content spot A x s c + frozen s c) s).

Hypotheses (spot_inj : injective spot) (home_inj : injective home) (own_inj : injective own).
Hypotheses (row_inj : injective row) (place_inj : injective place) (hbook : incoherent book mu).
Hypotheses (hq : blocks q) (b0 : 0 < N Bit) (w0 : 0 < N Wid) (B1 : 1 < B) (sigma0 : 0 < sigma).
Hypotheses (F0 : forall s, 0 < F s) (hF : forall s, \rsum_i Rabs (A s i) <= F s).
Hypothesis room : forall s, N Wid * eps < (gain * F s * sigma) * (gain * F s * sigma).

(* level_sum: the content of row s in the channel of bit b *)
Definition level_sum (x : X) (s : Row) (b : Bit) : R := \rsum_i (A s i * sign (x (i, b))).
Definition coefficient (x : X) (s : Row) (e : Block) : R :=
  match e with inl c => sigma * content spot A x s c | inr e => public_part s e end.

Lemma normed_rowE x s : normed_row x s = layer_norm eps (combine q (coefficient x s)).
Proof.
rewrite /normed_row; congr layer_norm; apply: functional_extensionality => w.
rewrite /input_row /table_row /combine [RHS]big_sumType /= /word.
have -> : \rsum_c ((content spot A x s c + frozen s c) * (sigma * q (inl c) w))
  = \rsum_c (sigma * content spot A x s c * q (inl c) w) + \rsum_c (frozen s c * (sigma * q (inl c) w)).
  by rewrite -big_split; apply: eq_bigr => c _ /=; move: (content _ _ _ _ _) => a; ring.
have e (a b c : R) : a + b + (c - b) = a + c by ring.
exact: e.
Qed.

Lemma content_spot x s b : content spot A x s (spot b) = level_sum x s b.
Proof. by apply: eq_bigr => i _; rewrite /code pick_spot. Qed.

Lemma content_square x s : \rsum_c (content spot A x s c * content spot A x s c)
    = square_norm (level_sum x s).
Proof.
rewrite /square_norm -(sum_spots (fun b => level_sum x s b * level_sum x s b) spot_inj).
apply: eq_bigr => c _; case: pickP => [b /eqP <-|none]; first by rewrite content_spot.
rewrite /content big1 ?Rmult_0_l // => i _; rewrite /code; case: pickP => [b|_]; first by rewrite none.
by rewrite Rmult_0_r.
Qed.

Lemma level_sum_le x s b : Rabs (level_sum x s b) <= F s.
Proof.
apply: Rle_trans (Rabs_rsum _) _; apply: Rle_trans (hF s); apply: rsum_le => i _; rewrite Rabs_mult.
by rewrite /sign; case: (x _); rewrite ?Rabs_Ropp Rabs_R1 Rmult_1_r; apply: Rle_refl.
Qed.

Lemma gain_gt0 : 0 < gain.
Proof. by apply: Rmult_lt_0_compat; [exact: sqrt_lt_R0|lra]. Qed.

(* share: the content as a part of the public length;  shrunk: what the layer norm leaves of it *)
Definition share (x : X) (s : Row) (b : Bit) : R := level_sum x s b / (gain * F s).
Definition shrunk (x : X) (s : Row) (b : Bit) : R := share x s b / sqrt (1 + square_norm (share x s)).

Lemma square_norm_ge0 (T : finType) (u : T -> R) : 0 <= square_norm u.
Proof. by apply: rsum_ge0 => c _; nra. Qed.

Lemma share_square x s :
  square_norm (level_sum x s) = (gain * F s) * (gain * F s) * square_norm (share x s).
Proof.
have g0 := gain_gt0; have f0 := F0 s; rewrite /square_norm -rsum_distr; apply: eq_bigr => b _; rewrite /share.
by field; lra.
Qed.

Lemma public_square (h : Head) s : 2 * N Head * (public_length s * public_length s)
  = (gain * F s * sigma) * (gain * F s * sigma) - N Wid * eps /\ 0 < public_length s.
Proof.
have h1 := N_ge1 h; have r0 := room s.
have p0 : 0 < ((gain * F s * sigma) * (gain * F s * sigma) - N Wid * eps) / (2 * N Head).
  by apply: Rdiv_lt_0_compat; lra.
by rewrite /public_length sqrt_sqrt; last lra; split; [field; lra|exact: sqrt_lt_R0].
Qed.

Lemma public_part_square s : \rsum_e (public_part s e * public_part s e)
    = 2 * N Head * (public_length s * public_length s).
Proof.
have one (g : Head -> option Slot) :
    \rsum_(a : Head * Crd) (public_length s * book (g a.1) a.2 * (public_length s * book (g a.1) a.2))
    = N Head * (public_length s * public_length s).
  rewrite -(pair_bigA _ (fun h a => public_length s * book (g h) a * (public_length s * book (g h) a))) /=
    -rsum_const.
  apply: eq_bigr => h _; transitivity (public_length s * public_length s * dot (book (g h)) (book (g h))).
    by rewrite /dot -rsum_distr; apply: eq_bigr => a _; ring.
  by rewrite (proj1 hbook); ring.
by rewrite big_sumType /= (one (fun h => key_slot h s)) (one (fun _ => query_slot s)); ring.
Qed.

(* the layer norm divides row s by one positive number *)
Definition divisor (x : X) (s : Row) : R :=
  gain * F s * sigma * sqrt (1 + square_norm (share x s)) / sqrt (N Wid).

Lemma divisor_gt0 x s : 0 < divisor x s.
Proof.
have g0 := gain_gt0; have f0 := F0 s; have u0 := square_norm_ge0 (share x s).
apply: Rdiv_lt_0_compat; last exact: sqrt_lt_R0.
by apply: Rmult_lt_0_compat; [apply: Rmult_lt_0_compat => //; exact: Rmult_lt_0_compat|
  apply: sqrt_lt_R0; lra].
Qed.

(* Sketch: layer norm divides by the root of the squared norm over the width; the blocks are orthonormal of
   mean 0, so that public part and content add their squares, and the root is the divisor. *)
Lemma dot_normed (h : Head) x s e : dot (q e) (normed_row x s) = coefficient x s e / divisor x s.
Proof.
rewrite normed_rowE dot_layer_norm //; congr (_ / _).
rewrite -[RHS]sqrt_square; last exact/Rlt_le/divisor_gt0.
congr sqrt; rewrite big_sumType /= public_part_square (proj1 (public_square h s)).
have -> : \rsum_c (sigma * content spot A x s c * (sigma * content spot A x s c))
    = sigma * sigma * square_norm (level_sum x s).
  by rewrite -content_square -rsum_distr; apply: eq_bigr => c _; ring.
have u0 := square_norm_ge0 (share x s).
rewrite share_square /divisor; set S := square_norm _ in u0 *; set g := gain * F s.
have r2 : sqrt (1 + S) * sqrt (1 + S) = 1 + S by apply: sqrt_sqrt; lra.
have k2 : sqrt (N Wid) * sqrt (N Wid) = N Wid by apply: sqrt_sqrt; lra.
have k0 := sqrt_lt_R0 _ w0.
have -> : g * sigma * sqrt (1 + S) / sqrt (N Wid) * (g * sigma * sqrt (1 + S) / sqrt (N Wid))
    = (g * sigma) * (g * sigma) * (sqrt (1 + S) * sqrt (1 + S)) / (sqrt (N Wid) * sqrt (N Wid)) by field; lra.
by rewrite r2 k2; field; lra.
Qed.

Lemma unit_of_multiple (a : R) (u : Crd -> R) : 0 < a -> dot u u = 1 -> unit_of (fun c => a * u c) = u.
Proof.
move=> a0 u1; apply: functional_extensionality => c; rewrite /unit_of -/(scale a u) dot_scale dot_scale_r u1.
rewrite Rmult_1_r sqrt_square; last lra.
by rewrite /scale; field; lra.
Qed.

(* keys and queries are public *)
Lemma public_key h x s : key public_layer h (normed_row x s) = book (key_slot h s).
Proof.
have d0 := divisor_gt0 x s; have [_ l0] := public_square h s.
rewrite /key -[RHS](@unit_of_multiple (public_length s / divisor x s)).
- congr unit_of; apply: functional_extensionality => a.
  by rewrite /matvec /= (dot_normed h) /= /public_part /= /Rdiv; ring.
- exact: Rdiv_lt_0_compat.
exact: (proj1 hbook).
Qed.

Lemma public_query h x s : query public_layer h (normed_row x s) = book (query_slot s).
Proof.
have d0 := divisor_gt0 x s; have [_ l0] := public_square h s.
rewrite /query -[RHS](@unit_of_multiple (public_length s / divisor x s)).
- congr unit_of; apply: functional_extensionality => a.
  by rewrite /matvec /= (dot_normed h) /= /public_part /= /Rdiv; ring.
- exact: Rdiv_lt_0_compat.
exact: (proj1 hbook).
Qed.

(* values are the contents, shrunk by the layer norm *)
Lemma public_value h x s b : value public_layer h (normed_row x s) (home b) = gain * shrunk x s b.
Proof.
have d0 := divisor_gt0 x s; have g0 := gain_gt0; have f0 := F0 s; have k0 := sqrt_lt_R0 _ w0.
rewrite /value /matvec /= pick_spot // dot_scale (dot_normed h) /= content_spot /shrunk /share /divisor.
have := square_norm_ge0 (share x s); rewrite /share; set S := square_norm _ => S0.
have r0 : 0 < sqrt (1 + S) by apply: sqrt_lt_R0; lra.
by field; lra.
Qed.

Lemma public_value0 h x s c : (forall b, home b != c) -> value public_layer h (normed_row x s) c = 0.
Proof.
move=> none; rewrite /value /matvec /=; case: pickP => [b /eqP e|_]; last exact: dot0.
by have := none b; rewrite e eqxx.
Qed.

Lemma gain_square : N Bit * (/ gain * / gain) = / (B * B).
Proof.
have n2 := sqrt_sqrt _ (Rlt_le _ _ b0); have n0 := sqrt_lt_R0 _ b0; rewrite /gain -{1}n2.
by field; lra.
Qed.

Lemma shrunk_le x s b : Rabs (shrunk x s b) <= / gain.
Proof.
have g0 := gain_gt0; have f0 := F0 s; have u0 := square_norm_ge0 (share x s).
have r1 : 1 <= sqrt (1 + square_norm (share x s)).
  by rewrite -{1}sqrt_1; apply: sqrt_le_1_alt; lra.
have u1 : Rabs (share x s b) <= / gain.
  have gf : 0 < gain * F s by exact: Rmult_lt_0_compat.
  rewrite /share /Rdiv Rabs_mult (Rabs_pos_eq (/ _)); last exact/Rlt_le/Rinv_0_lt_compat.
  apply: Rdiv_le_l => //; have -> : / gain * (gain * F s) = F s by field; lra.
  exact: level_sum_le.
rewrite /shrunk /Rdiv Rabs_mult (Rabs_pos_eq (/ _)); last by apply/Rlt_le/Rinv_0_lt_compat; lra.
by apply: Rdiv_le_l; [lra|have := Rabs_pos (share x s b); nra].
Qed.

Lemma value_le h x s c : Rabs (value public_layer h (normed_row x s) c) <= 1.
Proof.
have g0 := gain_gt0; case: (pickP (fun b => home b == c)) => [b /eqP <-|none].
  rewrite public_value Rabs_mult (Rabs_pos_eq gain); last lra.
  apply: Rle_trans (Rmult_le_compat_l _ _ _ _ (shrunk_le x s b)) _; first lra.
  by rewrite Rinv_r; lra.
by rewrite public_value0 => [|b]; [rewrite Rabs_R0; lra|rewrite none].
Qed.

(* the inverse of the layer norm *)
Definition grown (F : R) (w : Bit -> R) (b : Bit) : R := gain * F * (w b / sqrt (1 - square_norm w)).

Lemma grown_shrunk x s b : grown (F s) (shrunk x s) b = level_sum x s b.
Proof.
have g0 := gain_gt0; have f0 := F0 s; have u0 := square_norm_ge0 (share x s).
rewrite /grown; set r := sqrt (1 + square_norm (share x s)).
have r0 : 0 < r by apply: sqrt_lt_R0; lra.
have r2 : r * r = 1 + square_norm (share x s) by apply: sqrt_sqrt; lra.
have -> : 1 - square_norm (shrunk x s) = / r * / r.
  have -> : square_norm (shrunk x s) = / r * / r * square_norm (share x s).
    by rewrite /square_norm -rsum_distr; apply: eq_bigr => i _; rewrite /shrunk -/r; field; lra.
  have -> : square_norm (share x s) = r * r - 1 by lra.
  by field; lra.
rewrite sqrt_square; last exact/Rlt_le/Rinv_0_lt_compat.
by rewrite /shrunk -/r /share; field; lra.
Qed.

(* ---------- what the last scale reads ------------------------------------------------------------------- *)
(* the softmax runs over all rows, or over the cached rows alone *)
Variables (J : finType) (into : J -> Row).
Hypotheses (into_inj : injective into) (into_cached : forall t, exists j, into j = inl t) (lam0 : 0 <= lam).
Notation tau := (leak (N Tok + N Own) lam mu).

Lemma key_slot_read r : key_slot (place r).1 (inl (row r)) = Some (place r).2.
Proof.
rewrite /key_slot; case: pickP => [r' /andP[/eqP /row_inj -> _] //|/(_ r)].
by rewrite !eqxx.
Qed.

Lemma key_slot_other r s : s != inl (row r) -> key_slot (place r).1 s != Some (place r).2.
Proof.
case: s => [t|o] // ne; rewrite /key_slot; case: pickP => [r' /andP[/eqP e1 /eqP e2]|] //=.
apply: contraNneq ne => -[e3]; have e : place r' = place r by apply: injective_projections.
by rewrite -e1 (place_inj e).
Qed.

Lemma rows_le : N J <= N Tok + N Own.
Proof. by rewrite -N_sum; apply: INR_le; exact: leq_card into_inj. Qed.

(* Sketch: the query of the slot has lambda as its logit with its own row, and at most lambda mu with every
   other; so all other rows together weigh at most tau of it, and the softmax reads its value. *)
Lemma row_is_read x r b :
  Rabs (head_output public_layer (place r).1 (normed_row x (inr (own (place r).2)))
          (fun j => normed_row x (into j)) (home b) - gain * shrunk x (inl (row r)) b) <= 2 * tau.
Proof.
have [j hj] := into_cached (row r).
rewrite -(public_value (place r).1) -hj; apply: softmax_reads => [j'|]; first exact: value_le.
have logit j' : layer_logit public_layer (place r).1 (normed_row x (inr (own (place r).2)))
  (normed_row x (into j'))
    = lam * dot (book (Some (place r).2)) (book (key_slot (place r).1 (into j'))).
  by rewrite /layer_logit public_query public_key /query_slot pick_spot.
have -> : tau * exp (layer_logit public_layer (place r).1 (normed_row x (inr (own (place r).2)))
                       (normed_row x (into j))) = (N Tok + N Own - 1) * exp (lam * mu).
  rewrite logit hj key_slot_read (proj1 hbook) /leak Rmult_assoc -exp_plus.
  by congr (_ * exp _); ring.
apply: Rle_trans (_ : _ <= (N J - 1) * exp (lam * mu)) _.
  apply: rest_mass => j' ne; rewrite logit; apply: Rmult_le_compat_l => //.
  apply: (proj2 hbook); rewrite eq_sym; apply: key_slot_other.
  by apply: contraNneq ne => e; apply/eqP/into_inj; rewrite e hj.
by apply: Rmult_le_compat_r; [exact/Rlt_le/exp_pos|have := rows_le; lra].
Qed.

Variables (eta : R) (level : Id -> nat) (l : Id -> Read -> R).
Hypothesis eta0 : 0 <= eta.
Notation bend := (sqrt (1 - / (B * B))).
(* blur r: how well the content of the row that r reads is known *)
Definition blur (r : Read) : R := 2 * F (inl (row r)) * (eta + tau) / (bend * bend * bend).
(* Bob's reading: clip the answers, and undo the layer norm *)
Definition reading (o : Own -> Head -> Ch -> R) (rb : Read * Bit) : R :=
  grown (F (inl (row rb.1)))
    (fun b => clip (/ gain) (o (own (place rb.1).2) (place rb.1).1 (home b) / gain)) rb.2.
Definition good (x : X) (o : Own -> Head -> Ch -> R) : bool :=
  outputs_good public_layer (fun j => normed_row x (into j)) (fun p => normed_row x (inr p)) eta o.

(* Sketch: An answer is within 2 (eta + tau) of the value of its row, and clipping moves it nearer; the
   inverse of the layer norm then moves this error by the factor of unnormalise. *)
Lemma good_reading x o r b : good x o -> Rabs (reading o (r, b) - level_sum x (inl (row r)) b) <= blur r.
Proof.
move=> hgood; have g0 := gain_gt0; have f0 := F0 (inl (row r)).
have ig : 0 < / gain by exact: Rinv_0_lt_compat.
have bb : 1 < B * B by nra.
have b1 : / (B * B) < 1 by rewrite -Rinv_1; apply: Rinv_lt_contravar; lra.
rewrite -(grown_shrunk x (inl (row r)) b) /reading /grown /=; set s := inl (row r) in f0 *.
set w := fun b => clip _ _.
have near_v b' : Rabs (w b' - shrunk x s b') <= 2 * (eta + tau) / gain.
  apply: Rle_trans (clip_near _ (shrunk_le x s b')) _.
  set y := o _ _ _; have -> : y / gain - shrunk x s b' = (y - gain * shrunk x s b') / gain by field; lra.
  rewrite /Rdiv Rabs_mult (Rabs_pos_eq (/ gain)); last lra.
  apply: Rmult_le_compat_r; first lra.
  have h1 := row_is_read x r b'.
  move/forallP/(_ (own (place r).2))/forallP/(_ (place r).1)/forallP/(_ (home b'))/RlebP: hgood.
  rewrite -/y; set out := head_output _ _ _ _ _ in h1 *; set sp := spread _ => h2.
  have sp2 : sp <= 2 * 1 by apply: spread_le; [move=> j c; exact: value_le|lra].
  have -> : y - gain * shrunk x s b' = (y - out) + (out - gain * shrunk x s b') by ring.
  have h3 : eta * sp <= eta * (2 * 1) by apply: Rmult_le_compat_l.
  apply: Rle_trans (Rabs_triang _ _) _; move: h1 h2; set t := leak _ _ _; set a := Rabs _; set c := Rabs _;
    lra.
have := @unnormalise Bit w (shrunk x s) (/ gain) (/ (B * B)) (2 * (eta + tau) / gain) (Rlt_le _ _ ig)
  (Req_le _ _ gain_square) b1 (fun b => clip_box _ (Rlt_le _ _ ig)) (shrunk_le x s) near_v b.
have r0 : 0 < bend by apply: sqrt_lt_R0; lra.
move=> h; set w1 := w b / _ in h *; set w2 := shrunk x s b / _ in h *.
have -> : gain * F s * w1 - gain * F s * w2 = gain * F s * (w1 - w2) by ring.
have gf : 0 < gain * F s by exact: Rmult_lt_0_compat.
rewrite Rabs_mult (Rabs_pos_eq (gain * F s)); last lra.
apply: Rle_trans (Rmult_le_compat_l _ _ _ (Rlt_le _ _ gf) h) _.
by apply: Req_le; rewrite /blur -/s; field; lra.
Qed.

Hypothesis reads : forall i i', (level i <= level i')%nat ->
  \rsum_r (l i r * A (inl (row r)) i') = ind (i == i').
Hypothesis narrow : forall i, \rsum_r (Rabs (l i r) * blur r) < 1.

Definition reader (ib : Id * Bit) (rb : Read * Bit) : R := if ib.2 == rb.2 then l ib.1 rb.1 else 0.

Lemma reader_sum (ib : Id * Bit) (f : R -> R) (g : Read -> Bit -> R) : f 0 = 0 ->
  \rsum_rb (f (reader ib rb) * g rb.1 rb.2) = \rsum_r (f (l ib.1 r) * g r ib.2).
Proof.
move=> f0; rewrite -(pair_bigA _ (fun r b => f (reader ib (r, b)) * g r b)) /=.
apply: eq_bigr => r _; rewrite (bigD1 ib.2) //= /reader /= eqxx big1 ?Rplus_0_r // => b ne.
by rewrite eq_sym (negbTE ne) f0 Rmult_0_l.
Qed.

(* Sketch: the sum over rows of l times the difference of contents is, id by id, the sum over rows of l A
   times the difference of signs. Ids of lower levels agree; among the others l is a left inverse, so that
   only id i is left. *)
Lemma reader_reads (x y : X) (ib : Id * Bit) :
  (forall ib' : Id * Bit, (level ib'.1 < level ib.1)%nat -> x ib' = y ib') ->
  \rsum_rb (reader ib rb * (level_sum x (inl (row rb.1)) rb.2 - level_sum y (inl (row rb.1)) rb.2))
    = sign (x ib) - sign (y ib).
Proof.
case: ib => i b agree; rewrite (reader_sum (i, b) (f := fun a => a)
  (fun r b => level_sum x (inl (row r)) b - level_sum y (inl (row r)) b)) //=.
pose d i' := sign (x (i', b)) - sign (y (i', b)).
transitivity (\rsum_i' ((\rsum_r (l i r * A (inl (row r)) i')) * d i')).
  transitivity (\rsum_r \rsum_i' (l i r * (A (inl (row r)) i' * d i'))).
    apply: eq_bigr => r _; rewrite rsum_distr; congr (_ * _).
    rewrite /level_sum /Rminus -rsum_opp -big_split; apply: eq_bigr => i' _ /=.
    have e (a u v : R) : a * u + - (a * v) = a * (u - v) by ring.
    exact: e.
  rewrite exchange_big /=; apply: eq_bigr => i' _; rewrite Rmult_comm -rsum_distr; apply: eq_bigr => r _.
  have e (a u v : R) : a * (u * v) = v * (a * u) by ring.
  exact: e.
rewrite (bigD1 i) //= reads // eqxx big1 => [|i' ne]; first by rewrite /d /=; ring.
case: (leqP (level i) (level i')) => hi; first by rewrite reads // eq_sym (negbTE ne) /=; ring.
by rewrite /d agree // /Rminus Rplus_opp_r Rmult_0_r.
Qed.

Lemma reader_narrow (ib : Id * Bit) : \rsum_rb (Rabs (reader ib rb) * blur rb.1) < 1.
Proof. by rewrite (reader_sum ib (fun r _ => blur r) Rabs_R0); exact: narrow. Qed.

Theorem outputs_determine (x y : X) (o : Own -> Head -> Ch -> R) : good x o -> good y o -> x = y.
Proof.
move=> hx hy.
by apply: (prefix_decoding (level := fun ib : Id * Bit => level ib.1) reader_reads reader_narrow
  (o := reading o))
  => -[r b]; exact: good_reading.
Qed.

Theorem layer_replay_floor (W S : finType) (compress : W -> X -> S)
    (answer : W -> S -> Own -> Head -> Ch -> R) (delta : R) :
  0 < N W -> delta < 1 ->
  (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
  N Id * N Bit - log2 (/ (1 - delta)) <= log2 (N S).
Proof.
move=> W0 d1 hc; rewrite -N_prod.
by apply: (prefix_lower_bound (level := fun ib : Id * Bit => level ib.1) reader_reads reader_narrow
  (read := reading)
  _ W0 d1 hc) => x o hx [r b]; exact: good_reading.
Qed.

(* the truth is good: keeping the ids is enough *)
Lemma truth_good x :
  good x (fun p h c => head_output public_layer h (normed_row x (inr p)) (fun j => normed_row x (into j)) c).
Proof.
apply/forallP => p; apply/forallP => h; apply/forallP => c; apply: near_self; apply: Rmult_le_pos => //.
rewrite /spread; elim/big_rec: _ => [|jc y _ hy]; first lra.
by apply: Rle_trans hy (Rmax_r _ _).
Qed.
End Weights.
