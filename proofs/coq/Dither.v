(* Subtractive dither from b public bits a coordinate: the rounding error is sub-Gaussian with its own
   variance. *)
From LowerBound Require Export Keys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* dither b h k: the k-th of 2^b points, evenly spaced and symmetric, in an interval of length h around 0 *)
Definition dither (b : nat) (h : R) (k : nat) : R := h * ((2 * INR k + 1) / (2 * 2 ^ b) - / 2).

(* the lower half of the points are the points for b - 1 bits and length h / 2, moved down by h / 4 ... *)
Lemma dither_low b h k : dither b.+1 h k = - (h / 4) + dither b (h / 2) k.
Proof. by rewrite /dither /=; field; apply: pow_nonzero; lra. Qed.
(* ... and the upper half are the same points, moved up by h / 4 *)
Lemma dither_high b h k : dither b.+1 h (expn 2 b + k) = h / 4 + dither b (h / 2) k.
Proof.
have e : INR (expn 2 b) = 2 ^ b by rewrite INR_expn.
by rewrite /dither plus_INR e /=; field; apply: pow_nonzero; lra.
Qed.

(* The mean of exp (t e) over the 2^b points e is at most exp (t^2 h^2 / 24): the variance h^2 / 12 of a
   uniform variable is a proxy for all its exponential moments. Induction on b: the highest bit contributes
   the factor cosh (t h / 4) <= exp (t^2 h^2 / 32), and the others, on half of the length, exp (t^2 h^2 /
   96). *)
Theorem dither_moment b t h :
  \rsum_(k : 'I_(expn 2 b)) exp (t * dither b h k) <= INR (expn 2 b) * exp (t ^ 2 * h ^ 2 / 24).
Proof.
elim: b h => [|b IH] h.
  rewrite expn0 big_ord_recl big_ord0 Rplus0r /dither /=.
  have -> : t * (h * ((2 * 0 + 1) / (2 * 1) - / 2)) = 0 by field.
  by rewrite Rmult1l; apply: exp_mono; have := pow2_ge_0 (t * h); rewrite /=; nra.
have e : expn 2 b.+1 = (expn 2 b + expn 2 b)%nat by rewrite expnS mul2n addnn.
rewrite e big_split_ord /= plus_INR.
set M := INR (expn 2 b); set S := \rsum_(k : 'I_(expn 2 b)) exp (t * dither b (h / 2) k).
have -> : \rsum_(k : 'I_(expn 2 b)) exp (t * dither b.+1 h k) = exp (- (t * h / 4)) * S.
  rewrite /S -rsum_distr; apply: eq_bigr => k _; rewrite dither_low -exp_plus.
  by congr exp; field.
have -> : \rsum_(k : 'I_(expn 2 b)) exp (t * dither b.+1 h (expn 2 b + k)) = exp (t * h / 4) * S.
  rewrite /S -rsum_distr; apply: eq_bigr => k _; rewrite dither_high -exp_plus.
  by congr exp; field.
have hc := cosh_le_exp_square (t * h / 4); rewrite /cosh in hc.
have hS : S <= M * exp (t ^ 2 * (h / 2) ^ 2 / 24) by exact: IH.
have -> : (M + M) * exp (t ^ 2 * h ^ 2 / 24)
    = 2 * exp ((t * h / 4) ^ 2 / 2) * (M * exp (t ^ 2 * (h / 2) ^ 2 / 24)).
  have -> : t ^ 2 * h ^ 2 / 24 = (t * h / 4) ^ 2 / 2 + t ^ 2 * (h / 2) ^ 2 / 24 by field.
  by rewrite exp_plus; ring.
have S0 : 0 <= S by exact: rsum_exp_ge0.
have c0 := exp_pos (t * h / 4); have c1 := exp_pos (- (t * h / 4)).
have -> : exp (- (t * h / 4)) * S + exp (t * h / 4) * S = (exp (t * h / 4) + exp (- (t * h / 4))) * S by ring.
by apply: Rmult_le_compat => //; lra.
Qed.

(* The error of a logit: dithers of their own for each coordinate, seen along q. Its proxy is |q|^2 h^2 / 12,
   in whatever direction q points and however many coordinates there are. *)
Theorem dither_logit (Crd : finType) b t h (q : Crd -> R) :
  \rsum_(u : {ffun Crd -> 'I_(expn 2 b)}) exp (t * dot q (fun c => dither b h (u c)))
    <= N [finType of {ffun Crd -> 'I_(expn 2 b)}] * exp (t ^ 2 * h ^ 2 * dot q q / 24).
Proof.
have -> : \rsum_(u : {ffun Crd -> 'I_(expn 2 b)}) exp (t * dot q (fun c => dither b h (u c)))
    = \rprod_c \rsum_(k : 'I_(expn 2 b)) exp (t * q c * dither b h k).
  rewrite bigA_distr_bigA; apply: eq_bigr => u _; rewrite /dot -rsum_distr exp_rsum.
  by apply: eq_bigr => c _ /=; congr exp; rewrite Rmult_assoc.
have -> : N [finType of {ffun Crd -> 'I_(expn 2 b)}] * exp (t ^ 2 * h ^ 2 * dot q q / 24)
    = \rprod_(c : Crd) (INR (expn 2 b) * exp ((t * q c) ^ 2 * h ^ 2 / 24)).
  rewrite big_split /= rprod_const -exp_rsum /N card_ffun card_ord INR_expn; congr (_ * exp _).
  have -> : t ^ 2 * h ^ 2 * dot q q / 24 = t ^ 2 * h ^ 2 / 24 * dot q q by field.
  by rewrite /dot -rsum_distr; apply: eq_bigr => c _; field.
set L := \rprod_c _; set U := \rprod_(c : Crd) _; suff : 0 <= L <= U by case.
rewrite /L /U; elim/big_ind2: _; first lra.
  by move=> x1 x2 y1 y2 [a0 a1] [b0 b1]; split; [apply: Rmult_le_pos | apply: Rmult_le_compat].
by move=> c _; split; [exact: rsum_exp_ge0 | exact: dither_moment].
Qed.
