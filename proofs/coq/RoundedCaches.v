(* A cache that rounds keys and values has finitely many states, and is right within any error for all unit
   keys, all values in [0, 1] and all queries of a norm: what floors for all real caches ask can be met. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- rounding --------------------------------------------------------------------------------- *)
Lemma whole_part (n : nat) (y : R) : 0 <= y <= INR n -> exists k : 'I_n.+1, INR k <= y <= INR k + 1.
Proof.
elim: n => [|n IH] hy; first by exists ord0; move: hy; rewrite /=; lra.
case: (Rle_dec y (INR n)) => h; last by exists (inord n); rewrite inordK //; move: hy; rewrite S_INR; lra.
by have [k hk] := IH ltac:(lra); exists (widen_ord (leqnSn _) k).
Qed.

(* mark G k: number k of G + 1 points from -1 to 1;  code G x: a point that is next to x *)
Definition mark (G : nat) (k : 'I_G.+1) : R := -1 + 2 * INR k / INR G.
Definition code (G : nat) (x : R) : 'I_G.+1 :=
  odflt ord0 [pick k : 'I_G.+1 | Rleb (Rabs (x - mark k)) (2 / INR G)].

Lemma mark_code (G : nat) (x : R) : (0 < G)%nat -> -1 <= x <= 1 -> Rabs (x - mark (code G x)) <= 2 / INR G.
Proof.
move=> /INR_gt0 G0 hx; rewrite /code; case: pickP => [k /RlebP //|none].
have [|k [h1 h2]] := @whole_part G ((x + 1) * INR G / 2); first by split; nra.
have := none k => /negbT/RlebP[]; rewrite /mark; apply: Rabs_le.
have e (y : R) : y = y * INR G / INR G by field; lra.
have -> : x - (-1 + 2 * INR k / INR G) = ((x + 1) * INR G / 2 - INR k) * (2 / INR G) by field; lra.
have p : 0 < 2 / INR G by apply: Rdiv_lt_0_compat; lra.
by split; nra.
Qed.

(* ---------- outputs of nearly equal logits and values ------------------------------------------------ *)
Section Near.
Variables (J : finType) (i0 : J).

Lemma total_gt0 (l : J -> R) : 0 < \rsum_j exp (l j).
Proof. by have := rsum_term i0 (fun j => Rlt_le _ _ (exp_pos (l j))); have := exp_pos (l i0); lra. Qed.

Lemma softmax_le1 (l v : J -> R) : (forall j, v j <= 1) -> softmax_mean l v <= 1.
Proof.
move=> hv; apply: Rdiv_le_l; first exact: total_gt0.
by rewrite Rmult_1_l; apply: rsum_le => j _; have := hv j; have := exp_pos (l j); nra.
Qed.

(* Sketch: weights and their total change by factors of at most exp e, so an output by exp (2 e). *)
Lemma softmax_logits (l l' v : J -> R) e : 0 <= e -> (forall j, 0 <= v j <= 1) ->
  (forall j, l j <= l' j + e) -> (forall j, l' j <= l j + e) ->
  softmax_mean l v - softmax_mean l' v <= exp (2 * e) - 1.
Proof.
move=> e0 hv h h'; have Z := total_gt0 l; have Z' := total_gt0 l'; have E0 := exp_pos e.
have E1 : 1 <= exp e by rewrite -exp_0; exact: exp_mono.
have top : \rsum_j (exp (l j) * v j) <= exp e * \rsum_j (exp (l' j) * v j).
  rewrite -rsum_distr; apply: rsum_le => j _; rewrite -Rmult_assoc -exp_plus.
  by apply: Rmult_le_compat_r; [case: (hv j)|apply: exp_mono; have := h j; lra].
have low : \rsum_j exp (l' j) <= exp e * \rsum_j exp (l j).
  by rewrite -rsum_distr; apply: rsum_le => j _; rewrite -exp_plus; apply: exp_mono; have := h' j; lra.
have s1 : softmax_mean l' v <= 1 by apply: softmax_le1 => j; case: (hv j).
have s0 : 0 <= softmax_mean l' v by apply: (softmax_ge0 _ i0) => j; case: (hv j).
have e2 : exp (2 * e) = exp e * exp e by rewrite -exp_plus; congr exp; ring.
have p : 0 <= (exp e * exp e - 1) * (1 - softmax_mean l' v) by apply: Rmult_le_pos; nra.
suff : softmax_mean l v <= exp e * exp e * softmax_mean l' v by rewrite e2; move: p; lra.
apply: Rdiv_le_l => //; apply: Rle_trans top _; rewrite /softmax_mean in s0 *.
set A := \rsum_j (exp (l' j) * v j) in s0 *; set z' := \rsum_j exp (l' j) in Z' low s0 *.
have -> : exp e * A = exp e * (A / z') * z' by field; lra.
have -> (x : R) : exp e * exp e * (A / z') * x = exp e * (A / z') * (exp e * x) by ring.
by apply: Rmult_le_compat_l => //; apply: Rmult_le_pos; lra.
Qed.

Lemma softmax_values (l v v' : J -> R) f : (forall j, Rabs (v j - v' j) <= f) ->
  Rabs (softmax_mean l v - softmax_mean l v') <= f.
Proof.
move=> hv; have Z := total_gt0 l.
have -> : softmax_mean l v - softmax_mean l v' = (\rsum_j (exp (l j) * (v j - v' j))) / \rsum_j exp (l j).
  rewrite /softmax_mean; under [X in _ = X / _]eq_bigr => j _ do
    (have -> : exp (l j) * (v j - v' j) = exp (l j) * v j + - (exp (l j) * v' j) by ring).
  by rewrite big_split /= rsum_opp; field; lra.
apply: Rabs_le; split; [apply: Rdiv_le_r|apply: Rdiv_le_l] => //; rewrite -rsum_distr; apply: rsum_le => j _;
  have := Rabs_between (hv j); have := exp_pos (l j); nra.
Qed.

Lemma softmax_near_inputs (l l' v v' : J -> R) e f : 0 <= e -> (forall j, 0 <= v j <= 1) ->
  (forall j, Rabs (l j - l' j) <= e) -> (forall j, Rabs (v j - v' j) <= f) ->
  Rabs (softmax_mean l v - softmax_mean l' v') <= exp (2 * e) - 1 + f.
Proof.
move=> e0 hv hl hf.
have a1 : softmax_mean l v - softmax_mean l' v <= exp (2 * e) - 1.
  by apply: softmax_logits => // j; have := Rabs_between (hl j); lra.
have a2 : softmax_mean l' v - softmax_mean l v <= exp (2 * e) - 1.
  by apply: softmax_logits => // j; have := Rabs_between (hl j); lra.
by have := Rabs_between (softmax_values l' hf); move=> b; apply: Rabs_le; lra.
Qed.
End Near.

(* ---------- the cache -------------------------------------------------------------------------------- *)
(* a query of norm lam has nearly equal products with nearly equal keys *)
Lemma dot_near (Crd : finType) (q k k' : Crd -> R) lam r : 0 <= lam -> dot q q = lam * lam ->
  (forall c, Rabs (k c - k' c) <= r) -> Rabs (dot q k - dot q k') <= N Crd * (lam * r).
Proof.
move=> l0 q1 hk; have sq c : Rabs (q c) <= lam.
  have h := rsum_term c (fun c => Rle_0_sqr (q c)); rewrite /Rsqr -/(dot q q) q1 in h.
  by apply: Rabs_le; split; nra.
have -> : dot q k - dot q k' = \rsum_c (q c * (k c - k' c)).
  rewrite /dot; under [RHS]eq_bigr => c _ do
    (have -> : q c * (k c - k' c) = q c * k c + - (q c * k' c) by ring).
  by rewrite big_split /= rsum_opp.
have b c : - (lam * r) <= q c * (k c - k' c) <= lam * r.
  by have := Rabs_between (sq c); have := Rabs_between (hk c); split; nra.
by rewrite -rsum_const; apply: Rabs_le; split; rewrite -?rsum_opp; apply: rsum_le => c _; have := b c; lra.
Qed.

(* Sketch: marks so close that logits change by e with exp (2 e) - 1 = eta / 2, and values by eta / 2. *)
Theorem rounded_cache (Str Tok Own Crd Ch : finType) (lam eta : R) : Tok -> 0 <= lam -> 0 < eta ->
  exists (S : finType) (compress : unit -> (Str -> Tok -> Crd -> R) * (Str -> Tok -> Ch -> R) -> S)
    (answer : unit -> S -> Str -> (Crd -> R) -> (Own -> Crd -> R) -> Ch -> R),
  forall w K V, (forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1) ->
  forall s q b c, dot q q = lam * lam ->
  near eta (attention_own q (K s) b (V s) c) (answer w (compress w (K, V)) s q b c).
Proof.
move=> i0 l0 e0; pose e := ln (1 + eta / 2) / 2.
have ee : exp (2 * e) = 1 + eta / 2 by rewrite /e; have -> : 2 * (ln (1 + eta / 2) / 2) = ln (1 + eta / 2)
  by [field]; rewrite exp_ln; lra.
have e1 : 0 < e by have : 0 < ln (1 + eta / 2) by [rewrite -ln_1; apply: ln_increasing; lra]; rewrite /e; lra.
have D0 := N_ge0 Crd; pose D := N Crd * lam + 1; have D1 : 1 <= D by rewrite /D; nra.
pose r := Rmin (eta / 2) (e / D); have eD : 0 < e / D by apply: Rdiv_lt_0_compat; lra.
have r0 : 0 < r by apply: Rmin_glb_lt; lra.
have [|G hG] := @archimedes (2 / r); first by apply/Rlt_le/Rdiv_lt_0_compat; lra.
have G1 : 0 < INR G by have : 0 < 2 / r by [apply: Rdiv_lt_0_compat; lra]; lra.
have G0 : (0 < G)%nat by apply/ltP/Reals.RIneq.INR_lt.
have small : 2 / INR G <= r.
  apply: Rdiv_le_l => //; rewrite Rmult_comm; apply/Rlt_le; apply: (Rmult_lt_reg_r (/ r)).
    exact: Rinv_0_lt_compat.
  by rewrite Rmult_assoc Rinv_r; rewrite /Rdiv in hG; lra.
pose keys (x : {ffun Str * Tok * Crd -> 'I_G.+1}) s i c := mark (x (s, i, c)).
pose values (x : {ffun Str * Tok * Ch -> 'I_G.+1}) s i c := mark (x (s, i, c)).
exists [finType of {ffun Str * Tok * Crd -> 'I_G.+1} * {ffun Str * Tok * Ch -> 'I_G.+1}].
exists (fun _ KV => ([ffun p => code G (KV.1 p.1.1 p.1.2 p.2)], [ffun p => code G (KV.2 p.1.1 p.1.2 p.2)])).
exists (fun _ st s q b c => attention_own q (keys st.1 s) b (values st.2 s) c) => w K V K1 V1 s q b c q1.
have key i j : Rabs (K s i j - keys [ffun p => code G (K p.1.1 p.1.2 p.2)] s i j) <= r.
  rewrite /keys ffunE; apply: Rle_trans (mark_code G0 _) small.
  have := rsum_term j (fun j => Rle_0_sqr (K s i j)); rewrite /Rsqr -/(dot (K s i) (K s i)) K1 => h.
  by split; nra.
have value i : Rabs (V s i c - values [ffun p => code G (V p.1.1 p.1.2 p.2)] s i c) <= r.
  by rewrite /values ffunE; apply: Rle_trans (mark_code G0 _) small; have := V1 s i c; lra.
have := @softmax_near_inputs _ (inl i0 : Tok + Own) (fun j => dot q (join (K s) b j)) (fun j => dot q (join
  (keys [ffun p => code G (K p.1.1 p.1.2 p.2)] s) b j)) (fun j => join (V s) (fun _ _ => 0) j c)
  (fun j => join (values [ffun p => code G (V p.1.1 p.1.2 p.2)] s) (fun _ _ => 0) j c) e r.
move=> h; apply/RlebP; rewrite Rabs_minus_sym; apply: Rle_trans (h _ _ _ _) _.
- lra.
- by case=> [i|o] /=; [exact: V1|lra].
- case=> [i|o] /=; last by rewrite Rminus_diag_eq // Rabs_R0; lra.
  apply: Rle_trans (dot_near l0 q1 (key i)) _; have rD : r <= e / D by exact: Rmin_r.
  have : r * D <= e / D * D by apply: Rmult_le_compat_r; lra.
  have -> : e / D * D = e by field; lra.
  by rewrite /D; lra.
- by case=> [i|o] /=; [exact: value|rewrite Rminus_diag_eq // Rabs_R0; lra].
by rewrite ee; have : r <= eta / 2 by [exact: Rmin_l]; lra.
Qed.
