(* Own weights: keys of any kind, natural ones too.  All that is known of them is that the query along the key
   of a token gives that token a weight of at least 1 - tau in the softmax over all tokens. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section OwnWeights.
Variables (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam tau : R).
(* mass i: what all tokens, cached and own, weigh under the query lambda K_i, before they are normalised *)
Definition mass (i : Tok) : R := \rsum_(j : Tok + Own) exp (dot (scale lam (K i)) (join K B j)).
(* own_weight i: the share of token i in it *)
Definition own_weight (i : Tok) : R := exp (dot (scale lam (K i)) (K i)) / mass i.
Lemma own_weight_sum i : own_weight i = exp (lam * dot (K i) (K i))
  / (\rsum_j exp (lam * dot (K i) (K j)) + \rsum_o exp (lam * dot (K i) (B o))).
Proof.
rewrite /own_weight /mass dot_scale big_sumType /=.
by congr (_ / (_ + _)); apply: eq_bigr => j _; rewrite dot_scale.
Qed.

Hypothesis heavy : forall i, 1 - tau <= own_weight i.

Lemma mass_split i : mass i =
  exp (dot (scale lam (K i)) (K i)) + \rsum_(j | j != inl i) exp (dot (scale lam (K i)) (join K B j)).
Proof. by rewrite /mass (bigD1 (inl i)). Qed.

(* Sketch: with t the mass of the others over that of token i, softmax_gap puts the output between V / (1 + t)
   and (V + t) / (1 + t), which is at most t / (1 + t) away from V; and that is 1 minus the own weight. *)
Lemma own_weight_near (V : Tok -> Ch -> R) i c : (forall j, 0 <= V j c <= 1) ->
  Rabs (attention_own (scale lam (K i)) K B V c - V i c) <= tau.
Proof.
move=> hV; have hw := heavy i; have sp := mass_split i.
pose l (j : Tok + Own) := dot (scale lam (K i)) (join K B j).
pose e := exp (l (inl i)); pose r := \rsum_(j | j != inl i) exp (l j); pose t := r / e.
have e0 : 0 < e by exact: exp_pos.
have r0 : 0 <= r by apply: rsum_ge0 => j _; apply/Rlt_le/exp_pos.
have t0 : 0 <= t by apply: Rdiv_le_r; lra.
have te : t * e = r by rewrite /t; field; lra.
have near_tau : t / (1 + t) <= tau.
  have m0 : 0 < e + r by lra.
  have -> : t / (1 + t) = 1 - e / (e + r) by rewrite -te; field; nra.
  by move: hw; rewrite /own_weight sp -/(l (inl i)) -/e -/r; lra.
have v01 (j : Tok + Own) : 0 <= join V (fun _ _ => 0) j c <= 1 by case: j => [j|o] /=; [exact: hV|lra].
have rest : \rsum_(j | j != inl i) exp (l j) <= t * exp (l (inl i)) by apply: Req_le.
pose u := attention_own (scale lam (K i)) K B V c; rewrite -/u.
have [low high] : V i c / (1 + t) <= u <= (V i c + t) / (1 + t) := softmax_gap v01 rest.
have [v0 v1] := hV i.
have a1 : (V i c + t) / (1 + t) - V i c <= t / (1 + t).
  have -> : (V i c + t) / (1 + t) - V i c = t / (1 + t) - V i c * (t / (1 + t)) by field; lra.
  by have : 0 <= V i c * (t / (1 + t)) by [apply: Rmult_le_pos => //; apply: Rdiv_le_r; lra]; lra.
have a2 : V i c - V i c / (1 + t) <= t / (1 + t).
  have -> : V i c - V i c / (1 + t) = V i c * (t / (1 + t)) by field; lra.
  have u0 : 0 <= t / (1 + t) by apply: Rdiv_le_r; lra.
  by have := Rmult_le_compat_r _ _ _ u0 v1; lra.
by apply: Rabs_le; lra.
Qed.

(* Sketch: outputs of instances that differ at a token are more than 2 eta apart, as two levels are more than
   2 (eta + tau) apart and each output is within tau of its level; so no answer is good for both. *)
Theorem additive_given_own_weights (W S : finType) (compress : W -> (Tok -> Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) -> Ch -> R) (L : nat) (eta delta : R) : 0 < N W ->
  (0 < L)%nat -> 2 * (eta + tau) * (INR L - 1) < 1 -> 0 <= delta <= 1 - / INR L ->
  correct_in_mean K B lam (@grid L) (near eta) compress answer delta ->
  fano (INR L) delta * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> W0 L0 step; rewrite -N_ord => hd hc; rewrite Rmult_comm -N_prod.
apply: (@separation_mean _ [finType of 'I_L] W S (Tok -> Ch -> R) ((Crd -> R) * Ch) R
   (fun V q => near eta (attention_own q.1 K B V q.2)) (levels (@grid L))
   (fun ic => (scale lam (K ic.1), ic.2)) compress (fun w s q => answer w s q.1 q.2) (Ordinal L0) delta _ W0
   hd) => [x y [i c] o /= gx gy|].
  have hx := own_weight_near (V := levels (@grid L) x) i (c := c) (fun j => grid_01 _).
  have hy := own_weight_near (V := levels (@grid L) y) i (c := c) (fun j => grid_01 _).
  apply/eqP/negPn/negP => /(grid_step step); have := near_apart gx gy; move: hx hy.
  set u := attention_own _ _ _ _ _; set v := attention_own _ _ _ _ _; rewrite /levels.
  set a := grid _; set b := grid _ => hx hy uv.
  have -> : a - b = (u - v) + ((v - b) + - (u - a)) by ring.
  have t1 := Rabs_triang (u - v) ((v - b) + - (u - a)).
  by have := Rabs_triang (v - b) (- (u - a)); rewrite Rabs_Ropp; lra.
apply: Rle_trans (Rle_trans _ _ _ hc _).
  by apply: rsum_le => x _; rewrite pair_big /=; apply: Req_le; apply: eq_bigr => -[i c].
rewrite N_prod; have e (d w x p : R) : d * (w * x * p) = d * p * (w * x) by ring.
by apply: Req_le; exact: e.
Qed.
End OwnWeights.
