(* The gap condition is needed.  With lambda = 0 all logits are equal, the output is a plain mean,
   and a cache of h log2 (T + 1) bits is correct for 0/1 values. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Flat.
Variables (Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd -> R).

(* equal logits: the number of ones, over the number of tokens *)
Lemma flat_output (u : Crd -> R) (b : Tok -> Ch -> bool) c :
  attention_own (scale 0 u) K B (fun i c => ind (b i c)) c = INR #|[pred i | b i c]| / (N Tok + N Own).
Proof.
have flat v : exp (dot (scale 0 u) v) = 1 by rewrite dot_scale Rmult_0_l exp_0.
rewrite /attention_own /attention /softmax_mean; congr (_ / _); last first.
  by under eq_bigr => j _ do rewrite flat; rewrite rsum_const N_sum Rmult_1_r.
under eq_bigr => j _ do rewrite flat Rmult_1_l.
by rewrite big_sumType /= [X in _ + X]big1 // Rplus_0_r sum_ind.
Qed.

(* one counter from 0 to T for each channel *)
Theorem flat_logits (eta : R) : 0 <= eta < 1 ->
  exists (compress : unit -> (Tok -> Ch -> R) -> [finType of {ffun Ch -> 'I_#|Tok|.+1}])
         (answer : unit -> {ffun Ch -> 'I_#|Tok|.+1} -> (Crd -> R) -> Ch -> R),
    correct (W := unit_finType) K B 0 ind (approx eta) compress answer 0
    /\ log2 (N [finType of {ffun Ch -> 'I_#|Tok|.+1}]) = N Ch * log2 (N Tok + 1).
Proof.
move=> he; exists (fun _ V => [ffun c => inord #|[pred i | Rleb 1 (V i c)]|]),
  (fun _ (s : {ffun Ch -> 'I_#|Tok|.+1}) _ c => INR (s c) / (N Tok + N Own)).
split=> [x i c|].
  rewrite Rmult_0_l; apply: Req_le; rewrite /failed eq_card0 // => w; rewrite inE; apply/negbTE/negPn.
  rewrite ffunE inordK ?ltnS ?max_card // (flat_output (K i) (fun i c => x (i, c))).
  have -> : #|[pred j | Rleb 1 (levels ind x j c)]| = #|[pred j | x (j, c)]|.
    by apply: eq_card => j; rewrite !inE /levels Rleb_ind.
  have n0 : 0 < N Tok + N Own by have := N_ge1 i; have := N_ge0 Own; lra.
  by apply: approx_self => //; apply: Rmult_le_pos; [exact: pos_INR|exact/Rlt_le/Rinv_0_lt_compat].
have n0 := N_ge0 Tok; rewrite /log2 {1}/N card_ffun card_ord INR_expn S_INR -/(N Tok) ln_pow; last lra.
by rewrite -/(N Ch) /Rdiv; ring.
Qed.
End Flat.
