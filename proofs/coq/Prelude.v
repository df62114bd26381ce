(* Finite sums and products of real numbers, and the elementary facts that every other file uses. *)
From mathcomp Require Export all_ssreflect.
Require Export Reals Lra Psatz.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- sums and products over finite types --------------------------- *)
(* These declarations let the generic big-operator lemmas work on R. *)
Lemma RplusA : associative Rplus. Proof. by move=> a b c; ring. Qed.
Lemma RplusC : commutative Rplus. Proof. by move=> a b; ring. Qed.
Lemma RmultA : associative Rmult. Proof. by move=> a b c; ring. Qed.
Lemma RmultC : commutative Rmult. Proof. by move=> a b; ring. Qed.
Lemma Rplus0l : left_id 0 Rplus. Proof. by move=> a; ring. Qed.
Lemma Rplus0r : right_id 0 Rplus. Proof. by move=> a; ring. Qed.
Lemma Rmult1l : left_id 1 Rmult. Proof. by move=> a; ring. Qed.
Lemma Rmult1r : right_id 1 Rmult. Proof. by move=> a; ring. Qed.
Lemma Rmult0l : left_zero 0 Rmult. Proof. by move=> a; ring. Qed.
Lemma Rmult0r : right_zero 0 Rmult. Proof. by move=> a; ring. Qed.
Lemma RmultDl : left_distributive Rmult Rplus. Proof. by move=> a b c; ring. Qed.
Lemma RmultDr : right_distributive Rmult Rplus. Proof. by move=> a b c; ring. Qed.
Canonical Rplus_law := Monoid.Law RplusA Rplus0l Rplus0r.
Canonical Rplus_com := Monoid.ComLaw RplusC.
Canonical Rmult_law := Monoid.Law RmultA Rmult1l Rmult1r.
Canonical Rmult_com := Monoid.ComLaw RmultC.
Canonical Rmult_mul := Monoid.MulLaw Rmult0l Rmult0r.
Canonical Rplus_add := Monoid.AddLaw RmultDl RmultDr.

Notation "\rsum_ i F" := (\big[Rplus/0]_i F) (at level 41, F at level 41, i at level 0).
Notation "\rsum_ ( i : A ) F" := (\big[Rplus/0]_(i : A) F) (at level 41, F at level 41, i at level 50).
Notation "\rsum_ ( i | P ) F" := (\big[Rplus/0]_(i | P) F) (at level 41, F at level 41, i at level 50).
Notation "\rprod_ i F" := (\big[Rmult/1]_i F) (at level 36, F at level 36, i at level 0).
Notation "\rprod_ ( i : A ) F" := (\big[Rmult/1]_(i : A) F) (at level 36, F at level 36, i at level 50).

(* N A: the number of elements of A, as a real number *)
Definition N (A : finType) : R := INR #|A|.
(* ind b: 1 if b holds, 0 otherwise *)
Definition ind (b : bool) : R := if b then 1 else 0.
(* Rleb x y: the truth value of x <= y *)
Definition Rleb (x y : R) : bool := if Rle_dec x y then true else false.
(* log2: logarithm to base 2 *)
Definition log2 (x : R) : R := ln x / ln 2.

Lemma RlebP x y : reflect (x <= y) (Rleb x y).
Proof. by rewrite /Rleb; case: Rle_dec => h; constructor. Qed.

Lemma ind_01 b : 0 <= ind b <= 1. Proof. by case: b => /=; lra. Qed.

Lemma Rleb_ind b : Rleb 1 (ind b) = b.
Proof. by case: b; [apply/RlebP; rewrite /=; lra|apply/negbTE/RlebP; rewrite /=; lra]. Qed.

(* ---------- sums ----------------------------------------------------------- *)
Section Sums.
Variables (A : finType) (P : pred A).
Implicit Types f g : A -> R.

Lemma rsum_le f g : (forall i, P i -> (f i <= g i)%R) -> \rsum_(i | P i) f i <= \rsum_(i | P i) g i.
Proof. move=> h; by elim/big_ind2: _ => [|a b c d|i /h //]; lra. Qed.

Lemma rsum_ge0 f : (forall i, P i -> 0 <= f i) -> 0 <= \rsum_(i | P i) f i.
Proof. by move=> h; elim/big_ind: _ => //; [lra|move=> a b; lra]. Qed.

Lemma rsum_distr a f : \rsum_(i | P i) (a * f i) = a * \rsum_(i | P i) f i.
Proof. by rewrite big_distrr. Qed.

Lemma rsum_opp f : \rsum_(i | P i) (- f i) = - \rsum_(i | P i) f i.
Proof. by apply/esym/(big_morph Ropp) => [x y|]; ring. Qed.

Lemma rsum_const_card a : \rsum_(i | P i) a = INR #|[pred i | P i]| * a.
Proof.
rewrite big_const; elim: #|_| => [|n IH]; first by rewrite /=; ring.
by rewrite iterS IH S_INR; ring.
Qed.
End Sums.

Lemma rsum_const (A : finType) (a : R) : \rsum_(i : A) a = N A * a.
Proof. by rewrite rsum_const_card. Qed.

Lemma sum_ind (A : finType) (p : pred A) : \rsum_i ind (p i) = INR #|[pred i | p i]|.
Proof. by rewrite /ind -big_mkcond rsum_const_card; ring. Qed.

(* one nonnegative term is at most the sum *)
Lemma rsum_term (A : finType) (f : A -> R) (i : A) : (forall j, 0 <= f j) -> f i <= \rsum_j f j.
Proof.
move=> h; rewrite (bigD1 i) //=.
by have : 0 <= \rsum_(j | j != i) f j by [exact: rsum_ge0]; lra.
Qed.

Lemma rsum_exp_ge0 (A : finType) (P : pred A) (l : A -> R) : 0 <= \rsum_(i | P i) exp (l i).
Proof. by apply: rsum_ge0 => i _; exact/Rlt_le/exp_pos. Qed.

(* ---------- products -------------------------------------------------------- *)
Lemma rprod_const (A : finType) (a : R) : \rprod_(i : A) a = a ^ #|A|.
Proof. by rewrite big_const; elim: #|A| => [|n IH] //=; rewrite IH. Qed.

Lemma rprod_gt0 (A : finType) (f : A -> R) : (forall i, 0 < f i) -> 0 < \rprod_i f i.
Proof. by move=> h; elim/big_ind: _ => //; [lra|move=> a b; nra]. Qed.

Lemma rprod_ge0 (A : finType) (f : A -> R) : (forall i, 0 <= f i) -> 0 <= \rprod_i f i.
Proof. by move=> h; elim/big_ind: _ => //; [lra|move=> a b; nra]. Qed.

Lemma exp_rsum (A : finType) (f : A -> R) : exp (\rsum_i f i) = \rprod_i exp (f i).
Proof. by apply: (big_morph exp); [exact: exp_plus|exact: exp_0]. Qed.

Lemma ln_rprod (A : finType) (f : A -> R) :
  (forall i, 0 < f i) -> ln (\rprod_i f i) = \rsum_i ln (f i).
Proof.
move=> h; apply: exp_inv; rewrite exp_ln; last exact: rprod_gt0.
by rewrite exp_rsum; apply: eq_bigr => i _; rewrite exp_ln.
Qed.

(* ---------- exp, ln, log2 ------------------------------------------------------ *)
Lemma exp_mono x y : x <= y -> exp x <= exp y.
Proof. by case=> [/exp_increasing/Rlt_le|->] //; apply: Rle_refl. Qed.

Lemma ln_le x y : 0 < x -> x <= y -> ln x <= ln y.
Proof. by move=> x0 [/(ln_increasing _ _ x0)/Rlt_le|->] //; apply: Rle_refl. Qed.

Lemma ln_ge0 x : 1 <= x -> 0 <= ln x.
Proof. by move=> h; rewrite -ln_1; apply: ln_le; lra. Qed.

(* in this library ln is 0 outside its domain *)
Lemma ln_nonpos x : x <= 0 -> ln x = 0.
Proof. by move=> h; rewrite /ln; case: Rlt_dec => // h'; exfalso; lra. Qed.

Lemma ln2_gt0 : 0 < ln 2. Proof. by rewrite -ln_1; apply: ln_increasing; lra. Qed.

Lemma log2_ln x : log2 x * ln 2 = ln x.
Proof. by have := ln2_gt0; rewrite /log2 => l2; field; lra. Qed.

Lemma exp_INR (n : nat) (x : R) : exp (INR n * x) = exp x ^ n.
Proof.
elim: n => [|n IH]; first by rewrite /= Rmult_0_l exp_0.
by rewrite [_ ^ n.+1]/= -IH -exp_plus S_INR; congr exp; ring.
Qed.

(* ---------- division and whole numbers ------------------------------------------ *)
(* the two directions of "multiply by the denominator" *)
Lemma Rdiv_le_l a b c : 0 < b -> a <= c * b -> a / b <= c.
Proof. by move=> b0 h; apply: (Rmult_le_reg_r b) => //; rewrite /Rdiv Rmult_assoc Rinv_l; lra. Qed.

Lemma Rdiv_le_r a b c : 0 < b -> c * b <= a -> c <= a / b.
Proof. by move=> b0 h; apply: (Rmult_le_reg_r b) => //; rewrite /Rdiv Rmult_assoc Rinv_l; lra. Qed.

Lemma Rdiv_lt_r a b c : 0 < b -> c * b < a -> c < a / b.
Proof. by move=> b0 h; apply: (Rmult_lt_reg_r b) => //; rewrite /Rdiv Rmult_assoc Rinv_l; lra. Qed.

Lemma INR_gt0 (n : nat) : (0 < n)%nat -> 0 < INR n. Proof. by move=> h; apply/lt_0_INR/ltP. Qed.
Lemma INR_ge1 (n : nat) : (0 < n)%nat -> 1 <= INR n. Proof. by move=> h; apply: (le_INR 1); apply/leP. Qed.
Lemma INR_le (m n : nat) : (m <= n)%nat -> INR m <= INR n. Proof. by move=> h; apply/le_INR/leP. Qed.
Lemma INR_lt (m n : nat) : (m < n)%nat -> INR m + 1 <= INR n. Proof. by rewrite -S_INR => /INR_le. Qed.

Lemma INR_expn (m n : nat) : INR (expn m n) = INR m ^ n.
Proof. by elim: n => // n IH; rewrite expnS mult_INR IH. Qed.

Lemma INR_square (m : nat) : INR (expn m 2) = INR m ^ 2. Proof. exact: INR_expn. Qed.

Lemma INR_prod (A : finType) (n : A -> nat) : INR (\prod_i n i)%nat = \rprod_i INR (n i).
Proof. by apply: (big_morph INR) => // a b; rewrite mult_INR. Qed.

Lemma Rabs_between x t : Rabs x <= t -> - t <= x <= t.
Proof. by have := Rle_abs x; have := Rle_abs (- x); rewrite Rabs_Ropp; lra. Qed.

(* every real number is below some natural number *)
Lemma archimedes (x : R) : 0 <= x -> exists n : nat, x < INR n.
Proof.
move=> x0; have [u _] := archimed x.
have z : (0 <= up x)%Z by apply: le_IZR; lra.
by exists (Z.to_nat (up x)); rewrite INR_IZR_INZ Z2Nat.id //; lra.
Qed.

(* ---------- cardinals -------------------------------------------------------------- *)
Lemma N_ord n : N [finType of 'I_n] = INR n. Proof. by rewrite /N card_ord. Qed.
Lemma N_bool : N bool_finType = 2. Proof. by rewrite /N card_bool. Qed.
Lemma N_ge0 (A : finType) : 0 <= N A. Proof. exact: pos_INR. Qed.
Lemma N_ge1 (A : finType) (a : A) : 1 <= N A. Proof. by apply/INR_ge1/card_gt0P; exists a. Qed.
Lemma N_prod (A B : finType) : N [finType of A * B] = N A * N B.
Proof. by rewrite /N card_prod mult_INR. Qed.
Lemma N_sum (A B : finType) : N [finType of A + B] = N A + N B.
Proof. by rewrite /N card_sum plus_INR. Qed.

Lemma N_others (A : finType) (i : A) : INR #|[pred j | j != i]| = N A - 1.
Proof.
rewrite (eq_card (_ : _ =i predC1 i)) // cardC1 /N.
have : (0 < #|A|)%nat by apply/card_gt0P; exists i.
by case: #|A| => // n _; rewrite S_INR /=; ring.
Qed.

(* J bits are J bits *)
Lemma log2_bits (J : finType) : log2 (N [finType of {ffun J -> bool}]) = N J.
Proof.
have l2 := ln2_gt0; have e : INR 2 = 2 by [].
by rewrite /log2 /N card_ffun card_bool INR_expn e ln_pow; [field|]; lra.
Qed.

(* ---------- what a list of theorems assumes ------------------------------------------- *)
(* mention a: nothing, but it depends on all that a depends on.  A list of such is checked faster than a tuple
   of theorems, whose type repeats all statements. *)
Definition mention (X : Type) (a : X) : unit := tt.
