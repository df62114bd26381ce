(* Softmax attention over the reals, and what an output says when one token, or two, dominate. *)
From LowerBound Require Export Prelude.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- definitions ---------------------------------------------------------- *)
(* dot u v: inner product *)
Definition dot (Crd : finType) (u v : Crd -> R) : R := \rsum_c (u c * v c).
(* scale a u: the vector a u *)
Definition scale (Crd : finType) (a : R) (u : Crd -> R) : Crd -> R := fun c => a * u c.
(* softmax_mean l v: mean of the values v with weights proportional to exp l *)
Definition softmax_mean (J : finType) (l v : J -> R) : R :=
  (\rsum_j (exp (l j) * v j)) / (\rsum_j exp (l j)).
(* attention q K V c: channel c of the attention output of query q over keys K and values V *)
Definition attention (Tok Crd Ch : finType) (q : Crd -> R) (K : Tok -> Crd -> R) (V : Tok -> Ch -> R)
    (c : Ch) : R := softmax_mean (fun j => dot q (K j)) (fun j => V j c).
(* incoherent K mu: unit keys whose mutual inner products are at most mu *)
Definition incoherent (Tok Crd : finType) (K : Tok -> Crd -> R) (mu : R) : Prop :=
  (forall i, dot (K i) (K i) = 1) /\ (forall i j, i != j -> dot (K i) (K j) <= mu).
(* leak n lam mu: bound on the softmax weight of the other n - 1 tokens, relative to the wanted one *)
Definition leak (n lam mu : R) : R := (n - 1) * exp (- lam * (1 - mu)).

Section Dot.
Variable Crd : finType.
Implicit Types u v : Crd -> R.
Lemma dot_scale a u v : dot (scale a u) v = a * dot u v.
Proof. by rewrite /dot -rsum_distr; apply: eq_bigr => c _; rewrite /scale; ring. Qed.
Lemma dot_sym u v : dot u v = dot v u.
Proof. by apply: eq_bigr => c _; ring. Qed.
Lemma dot_scale_r a u v : dot u (scale a v) = a * dot u v.
Proof. by rewrite dot_sym dot_scale dot_sym. Qed.
Lemma dot0 v : dot (fun _ => 0) v = 0.
Proof. by rewrite /dot big1 // => c _; ring. Qed.
(* a query along coordinate p reads that coordinate *)
Lemma dot_pick (p : Crd) (g : R) v : dot (fun c => if c == p then g else 0) v = g * v p.
Proof. by rewrite /dot (bigD1 p) //= eqxx big1 ?Rplus0r // => j /negbTE ->; ring. Qed.
End Dot.

Lemma softmax_ge0 (J : finType) (l v : J -> R) (i : J) : (forall j, 0 <= v j) -> 0 <= softmax_mean l v.
Proof.
move=> v0; apply: Rmult_le_pos.
  by apply: rsum_ge0 => j _; apply: Rmult_le_pos => //; exact/Rlt_le/exp_pos.
apply/Rlt_le/Rinv_0_lt_compat; apply: Rlt_le_trans (exp_pos (l i)) _.
by apply: (rsum_term (f := fun j => exp (l j))) => j; exact/Rlt_le/exp_pos.
Qed.

(* ---------- one dominant token ------------------------------------------------------- *)
Section OneToken.
Variables (J : finType) (l v : J -> R) (i : J).
Hypothesis v01 : forall j, 0 <= v j <= 1.

(* logits at most b: the others weigh at most (|J| - 1) e^b *)
Lemma rest_mass b : (forall j, j != i -> l j <= b) -> \rsum_(j | j != i) exp (l j) <= (N J - 1) * exp b.
Proof.
by move=> h; rewrite -(N_others i) -rsum_const_card; apply: rsum_le => j /h; exact: exp_mono.
Qed.

Lemma rest_value_le (P : pred J) : 0 <= \rsum_(j | P j) (exp (l j) * v j) <= \rsum_(j | P j) exp (l j).
Proof.
have e0 j := exp_pos (l j); split.
  by apply: rsum_ge0 => j _; have := v01 j; have := e0 j; nra.
by apply: rsum_le => j _; have := v01 j; have := e0 j; nra.
Qed.

Variable t : R.
Hypothesis rest : \rsum_(j | j != i) exp (l j) <= t * exp (l i).

Lemma rest_ge0 : 0 <= t.
Proof. by have := exp_pos (l i); have := rsum_exp_ge0 (predC1 i) l; move: rest => /= r; nra. Qed.

(* the output determines the value of the dominant token up to t *)
Theorem softmax_gap : v i / (1 + t) <= softmax_mean l v <= (v i + t) / (1 + t).
Proof.
have t0 := rest_ge0; have [b0 bs] := rest_value_le (predC1 i).
rewrite /softmax_mean (bigD1 i) //= [\rsum_j exp (l j)](bigD1 i) //=.
have e0 := exp_pos (l i); have [vi0 vi1] := v01 i.
have s0 : 0 <= \rsum_(j | j != i) exp (l j) by exact: rsum_exp_ge0.
move: rest e0 s0 b0 bs => /=; set s := \rsum_(j | _) exp _; set b := \rsum_(j | _) (_ * _).
set e := exp (l i) => hr e0 s0 b0 bs; have p : 0 < (e + s) * (1 + t) by apply: Rmult_lt_0_compat; lra.
have e1 (y : R) : y / (1 + t) * ((e + s) * (1 + t)) = y * (e + s) by field; lra.
have e2 : (e * v i + b) / (e + s) * ((e + s) * (1 + t)) = (e * v i + b) * (1 + t) by field; lra.
have h1 : 0 <= v i * (t * e - s) by apply: Rmult_le_pos; lra.
have h2 : 0 <= (1 - v i) * (t * e - s) by apply: Rmult_le_pos; lra.
have h3 : 0 <= t * b by apply: Rmult_le_pos.
have h4 : 0 <= t * (s - b) by apply: Rmult_le_pos; lra.
by split; apply: (Rmult_le_reg_r _ _ _ p); rewrite e1 e2; lra.
Qed.
End OneToken.

(* the same as an additive error *)
Lemma gap_near (a t u : R) : 0 <= a <= 1 -> 0 <= t ->
  a / (1 + t) <= u <= (a + t) / (1 + t) -> Rabs (u - a) <= t.
Proof.
move=> [a0 a1] t0 [h1 h2]; have : (a + t) / (1 + t) <= a + t by apply: Rdiv_le_l; nra.
have : a - t <= a / (1 + t) by apply: Rdiv_le_r; nra.
by move=> h3 h4; apply: Rabs_le; lra.
Qed.

(* query lam u: token i has inner product 1 with u, all others at most mu *)
Lemma attention_gap (Tok Crd Ch : finType) (K : Tok -> Crd -> R) (V : Tok -> Ch -> R) (u : Crd -> R)
    (lam mu : R) i c (t := leak (N Tok) lam mu) :
  0 <= lam -> dot u (K i) = 1 -> (forall j, j != i -> dot u (K j) <= mu) -> (forall j, 0 <= V j c <= 1) ->
  0 <= t /\ V i c / (1 + t) <= attention (scale lam u) K V c <= (V i c + t) / (1 + t).
Proof.
move=> l0 hi hj hV; pose l j := dot (scale lam u) (K j).
have rest : \rsum_(j | j != i) exp (l j) <= t * exp (l i).
  have -> : t * exp (l i) = (N Tok - 1) * exp (lam * mu).
    by rewrite /l dot_scale hi /t /leak Rmult_assoc -exp_plus; congr (_ * exp _); ring.
  by apply: rest_mass => j ji; rewrite /l dot_scale; apply: Rmult_le_compat_l => //; exact: hj.
by split; [exact: rest_ge0 rest|exact: (softmax_gap hV rest)].
Qed.

(* ---------- two dominant tokens: the logistic function --------------------------------- *)
(* logistic: the logistic function;  logit: its inverse *)
Definition logistic (z : R) : R := / (1 + exp (- z)).
Definition logit (s : R) : R := ln (s / (1 - s)).

Lemma logistic_logit s : 0 < s < 1 -> logistic (logit s) = s.
Proof.
move=> [s0 s1]; rewrite /logistic /logit exp_Ropp exp_ln; first by field; lra.
by apply: Rdiv_lt_0_compat; lra.
Qed.

Lemma logit_logistic z : logit (logistic z) = z.
Proof.
have e0 := exp_pos z; rewrite /logit /logistic exp_Ropp -[RHS]ln_exp; congr ln.
by field; lra.
Qed.

Lemma logistic_01 z : 0 < logistic z < 1.
Proof.
have e0 := exp_pos (- z); rewrite /logistic; split; first by apply: Rinv_0_lt_compat; lra.
by rewrite -Rinv_1; apply: Rinv_lt_contravar; lra.
Qed.

Lemma logistic_spread c : 0 < c -> 0 < logistic c - logistic (- c).
Proof.
move=> c0; have h : exp (- c) < exp c by apply: exp_increasing; lra.
have e0 := exp_pos (- c); rewrite /logistic Ropp_involutive.
by have : / (1 + exp c) < / (1 + exp (- c)) by [apply: Rinv_lt_contravar; nra]; lra.
Qed.

Lemma logit_mono s s' : 0 < s -> s <= s' -> s' < 1 -> logit s <= logit s'.
Proof.
move=> s0 ss s1; apply: ln_le; first by apply: Rdiv_lt_0_compat; lra.
apply: Rdiv_le_l; first lra.
have -> : s' / (1 - s') * (1 - s) = s' * (1 - s) / (1 - s') by field; lra.
by apply: Rdiv_le_r; nra.
Qed.

Lemma logit_range c s : logistic (- c) <= s <= logistic c -> - c <= logit s <= c.
Proof.
move=> [h1 h2]; have [l0 _] := logistic_01 (- c); have [_ u1] := logistic_01 c.
split; first by rewrite -[X in X <= _]logit_logistic; apply: logit_mono; lra.
by rewrite -[X in _ <= X]logit_logistic; apply: logit_mono; lra.
Qed.

Section TwoTokens.
Variables (J : finType) (l v : J -> R) (i k : J) (t : R).
Hypotheses (v01 : forall j, 0 <= v j <= 1) (ik : k != i) (vi : v i = 1) (vk : v k = 0).
Hypothesis rest : \rsum_(j | (j != i) && (j != k)) exp (l j) <= t * exp (l k).

(* token i of value 1 against token k of value 0: the logistic function of the difference of their logits *)
Theorem softmax_two : Rabs (softmax_mean l v - logistic (l i - l k)) <= t.
Proof.
have [b0 bs] := rest_value_le l v01 (fun j => (j != i) && (j != k)).
rewrite /softmax_mean (bigD1 i) //= (bigD1 k) //= vi vk.
have -> : \rsum_j exp (l j) = exp (l i) + (exp (l k) + \rsum_(j | (j != i) && (j != k)) exp (l j)).
  by rewrite (bigD1 i) //= (bigD1 k).
have e0 := exp_pos (l i); have f0 := exp_pos (l k).
have -> : logistic (l i - l k) = exp (l i) / (exp (l i) + exp (l k)).
  have -> : exp (l k) = exp (l i) * exp (- (l i - l k)) by rewrite -exp_plus; congr exp; ring.
  by rewrite /logistic; field; have := exp_pos (- (l i - l k)); split; nra.
move: rest e0 f0 b0 bs; set s := \rsum_(j | _) exp _; set b := \rsum_(j | _) (_ * _).
set e := exp (l i); set f := exp (l k) => hs e0 f0 b0 bs.
have -> : (e * 1 + (f * 0 + b)) / (e + (f + s)) - e / (e + f)
          = (b * f - e * (s - b)) / ((e + f) * (e + (f + s))) by field; split; nra.
have p : 0 < (e + f) * (e + (f + s)) by apply: Rmult_lt_0_compat; lra.
have t0 : 0 <= t by apply: Rnot_lt_le => h; have : t * f < 0 by [nra]; lra.
have hh : (e + f) * s <= t * ((e + f) * (e + (f + s))).
  have : (e + f) * s <= (e + f) * (t * f) by apply: Rmult_le_compat_l; lra.
  have : 0 <= t * ((e + f) * (e + s)) by apply: Rmult_le_pos => //; apply: Rmult_le_pos; lra.
  by have -> : t * ((e + f) * (e + (f + s))) = (e + f) * (t * f) + t * ((e + f) * (e + s)) by [ring]; lra.
have h1 : 0 <= b * f by nra.
have h2 : 0 <= e * (s - b) by nra.
have h3 : b * f <= s * f by nra.
have h4 : e * (s - b) <= e * s by nra.
by apply: Rabs_le; split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
Qed.
End TwoTokens.
