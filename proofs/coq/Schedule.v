(* Token counts: what T becomes for a schedule of scales, and why the last cached scale must be large. *)
From LowerBound Require Export Online.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- counts --------------------------------------------------------------------------- *)
(* VAR at 256 pixels: sides 1, 2, 3, 4, 5, 6, 8, 10, 13 are cached before the last scale of side 16 *)
Lemma var256_tokens : \sum_(p <- [:: 1; 2; 3; 4; 5; 6; 8; 10; 13]%nat) (p * p) = 424%nat.
Proof. by rewrite unlock. Qed.

(* squares r k: tokens of scale k when its side is r^k; geometric_tokens r M: tokens of the scales before M *)
Definition squares (r k : nat) : nat := expn (expn r k) 2.
Definition geometric_tokens (r M : nat) : nat := before (squares r) M.

(* (r^2 - 1) T + 1 = n^2 where n = r^M is the side of the last scale *)
Lemma geometric_sum (r M : nat) : (0 < r)%nat ->
  S ((expn r 2).-1 * geometric_tokens r M)%nat = expn (expn r M) 2.
Proof.
move=> r0; rewrite /geometric_tokens; elim: M => [|M IH]; first by rewrite /before big_ord0 muln0 expn0.
have p : (0 < expn r 2)%nat by rewrite expn_gt0 r0.
rewrite beforeS mulnDr -addSn IH -mulSn prednK //.
by rewrite (expnS r M) expnMn.
Qed.

Lemma geometric_tokens_real (r M : nat) : (2 <= r)%nat ->
  INR (geometric_tokens r M) = (INR (expn r M) ^ 2 - 1) / (INR r ^ 2 - 1).
Proof.
move=> r2; have r0 : (0 < r)%nat by apply: leq_trans r2.
have rr : 2 <= INR r by apply: (INR_le (m := 2)).
rewrite -!INR_square -(geometric_sum M r0) S_INR mult_INR.
have -> : INR (expn r 2).-1 = INR r ^ 2 - 1.
  rewrite -INR_square; have : (0 < expn r 2)%nat by rewrite expn_gt0 r0.
  by case: (expn r 2) => // m _; rewrite S_INR [_.-1]/=; ring.
by rewrite INR_square; field; nra.
Qed.

Lemma geometric_tokens_gt0 (r M : nat) : (0 < M)%nat -> (0 < geometric_tokens r M)%nat.
Proof. by rewrite /geometric_tokens /before; case: M => // k _; rewrite big_ord_recl /squares expn0 exp1n.
Qed.

(* ---------- geometric schedules: (n^2 - 1) / (r^2 - 1) tokens ------------------------------------ *)
Theorem geometric_headline (r M d h : nat) (mu eta delta : R) :
  (2 <= r)%nat -> (0 < M)%nat -> (0 < d)%nat -> 0 < mu < 1 ->
  let T := geometric_tokens r M in let n := expn r M in
  INR T.-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_(expn n 2) -> 'I_d -> R, (forall i o, dot (K i) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      correct K B (lambda_relative (INR T + INR (expn n 2)) mu eta) ind (approx eta) compress answer delta ->
      (1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= log2 (N S).
Proof.
move=> r2 M0 d0 hmu T n hT he hd; rewrite -(geometric_tokens_real M r2).
exact: relative_headline d0 (geometric_tokens_gt0 r M0) hmu hT he hd.
Qed.

Theorem geometric_online (r M d h : nat) (mu eta delta : R) :
  let T_ := squares r in let n := expn r M in
  (2 <= r)%nat -> (0 < M)%nat -> (0 < d)%nat -> 0 < mu < 1 ->
  INR (before T_ M).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall (answer : W -> St M -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ M) -> 'I_d -> R),
      (forall n o, (n < before T_ M)%nat -> dot (F n) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ M t)) B
        (lambda_relative (INR (before T_ M) + INR (T_ M)) mu eta) eta delta ->
      (1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= log2 (N (St M)).
Proof.
move=> T_ n r2 M0 d0 hmu hT he hd; have [F [F1 F2]] := online_headline h d0 hmu hT he hd.
exists F; split=> // W St a W0 answer B hB hc; rewrite -(geometric_tokens_real M r2).
exact: F2 W0 M answer B (leqnn M) (geometric_tokens_gt0 r M0) hB hc.
Qed.

(* ---------- any schedule: c n^2 tokens in the last cached scale give (1 - H2 delta) c n^2 h bits ------- *)
Theorem square_online (T_ : nat -> nat) (M d h : nat) (c n mu eta delta : R) :
  (0 < d)%nat -> (0 < T_ M)%nat -> c * n ^ 2 <= INR (T_ M) -> 0 < mu < 1 ->
  INR (before T_ M.+1).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M.+1) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall (answer : W -> St M.+1 -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ M.+1) -> 'I_d -> R),
      (forall m o, (m < before T_ M.+1)%nat -> dot (F m) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ M.+1 t)) B
        (lambda_relative (INR (before T_ M.+1) + INR (T_ M.+1)) mu eta) eta delta ->
      (1 - H2 delta) * (c * n ^ 2 * INR h) <= log2 (N (St M.+1)).
Proof.
move=> d0 T0 hT hmu hs he hd; have h2 : 0 <= 1 - H2 delta by have := @H2_le1 delta; lra.
have [F [hK hF]] := online_headline h d0 hmu hs he hd.
exists F; split=> // W St a W0 answer B hB hc.
have e : (T_ M <= before T_ M.+1)%nat by rewrite beforeS leq_addl.
apply: Rle_trans (hF W St a W0 M.+1 answer B (leqnn _) (leq_trans T0 e) hB hc).
apply: Rmult_le_compat_l => //; apply: Rmult_le_compat_r; first exact: pos_INR.
by apply: Rle_trans hT _; exact: INR_le.
Qed.

(* ---------- the schedule (1, n) --------------------------------------------------------------- *)
(* One cached token and n^2 own tokens: h bits are enough, so no bound c n^2 h can hold before the last
   scale. *)
Theorem small_scale_counterexample (d h : nat) (c : R) : (0 < h)%nat -> 0 < c ->
  exists n0 : nat, forall n, (n0 <= n)%nat ->
  forall (K : 'I_1 -> 'I_d -> R) (B : 'I_(expn n 2) -> 'I_d -> R) (lam eta : R), 0 <= eta < 1 ->
  exists (S : finType) (compress : unit -> ('I_1 -> 'I_h -> R) -> S)
         (answer : unit -> S -> ('I_d -> R) -> 'I_h -> R),
    correct (W := unit_finType) K B lam ind (approx eta) compress answer 0 /\
    log2 (N S) = INR h /\ log2 (N S) < c * (INR n ^ 2 * INR h).
Proof.
move=> h0 c0; have h1 := INR_gt0 h0; have i0 := Rinv_0_lt_compat _ c0.
have [n0 hn0] := archimedes (Rlt_le _ _ i0); exists n0 => n nn K B lam eta he.
have [| |compress [answer hc]] := @store_values [finType of 'I_1] [finType of 'I_(expn n 2)]
   [finType of 'I_d] [finType of 'I_h] bool_finType K B lam ind (approx eta) true.
- by move=> [] [] //= h2; exfalso; lra.
- move=> q x ch; apply: approx_self => //; apply: (softmax_ge0 _ (inl ord0)) => -[j|o] /=; last lra.
  exact: (proj1 (ind_01 _)).
exists [finType of {ffun 'I_1 * 'I_h -> bool}], compress, answer.
rewrite log2_bits N_prod !N_ord Rmult_1_l; split=> //; split=> //.
have ic : / c < INR n by apply: Rlt_le_trans hn0 _; exact: INR_le.
have n1 : 1 <= INR n by apply: INR_ge1; case: (n) ic => //=; lra.
have : 1 < c * INR n by have := Rmult_lt_compat_l c _ _ c0 ic; rewrite Rinv_r; lra.
have : c * INR n <= c * INR n ^ 2 by apply: Rmult_le_compat_l; [lra|rewrite /=; nra].
by nra.
Qed.
