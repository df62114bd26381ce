(* The whole attention layer of VAR: input rows, projections, l2-normalised queries and keys, one multiplier
   per head. Rows that are linearly independent can be made to cache any unit keys and any values, so the
   bound for a head holds inside the layer, and every head pays. *)
From LowerBound Require Export Values.
From Coq Require Import FunctionalExtensionality.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the layer ---------------------------------------------------------------- *)
Section Layer.
Variables (Wid Head Crd Ch : finType).      (* coordinates of rows, heads, coordinates of keys, channels *)
(* matvec M x: the product of the matrix M and the row x *)
Definition matvec (Out : finType) (M : Out -> Wid -> R) (x : Wid -> R) : Out -> R := fun r => dot (M r) x.
(* unit_of u: u / |u| *)
Definition unit_of (u : Crd -> R) : Crd -> R := scale (/ sqrt (dot u u)) u.
(* layer: the projections W_Q, W_K, W_V of every head, and its multiplier lambda (biases are 0) *)
Record layer := Layer
  { WQ : Head -> Crd -> Wid -> R; WK : Head -> Crd -> Wid -> R; WV : Head -> Ch -> Wid -> R;
    multiplier : Head -> R }.
(* query, key, value: what head h makes of the input row x *)
Definition query (l : layer) h (x : Wid -> R) : Crd -> R := unit_of (matvec (WQ l h) x).
Definition key (l : layer) h (x : Wid -> R) : Crd -> R := unit_of (matvec (WK l h) x).
Definition value (l : layer) h (x : Wid -> R) : Ch -> R := matvec (WV l h) x.
(* layer_logit: lambda <q / |q|, k / |k|> *)
Definition layer_logit (l : layer) h (x y : Wid -> R) : R := multiplier l h * dot (query l h x) (key l h y).

Variables (Tok Own : finType).
(* layer_output l x y o h c: channel c of head h for token o of the last scale; x are the input rows of the
   cached tokens, y those of the last scale, and the softmax runs over all of them *)
Definition layer_output (l : layer) (x : Tok -> Wid -> R) (y : Own -> Wid -> R) (o : Own) h c : R :=
  softmax_mean (fun j => layer_logit l h (y o) (join x y j)) (fun j => value l h (join x y j) c).

(* head_stream: query, key and value of every token in every head, which is all that a cache algorithm sees *)
Definition head_stream (T : finType) : Type := T -> Head -> (Crd -> R) * (Crd -> R) * (Ch -> R).
Definition layer_stream (T : finType) (l : layer) (x : T -> Wid -> R) : head_stream T :=
  fun t h => (scale (multiplier l h) (query l h (x t)), key l h (x t), value l h (x t)).

(* the bridge: if the last scale has value 0, a head of the layer is the attention of Values.v,
   with the query lambda q / |q| and the keys k / |k| *)
Lemma layer_is_attention_own (l : layer) x y o h c : (forall o', value l h (y o') c = 0) ->
  layer_output l x y o h c =
  attention_own (scale (multiplier l h) (query l h (y o))) (fun t => key l h (x t)) (fun o' => key l h (y o'))
    (fun t => value l h (x t)) c.
Proof.
move=> v0; rewrite /layer_output /attention_own /attention /softmax_mean; congr (_ / _).
  by apply: eq_bigr => -[t|o'] _; rewrite /layer_logit dot_scale /join ?v0.
by apply: eq_bigr => -[t|o'] _; rewrite /layer_logit dot_scale.
Qed.

Lemma unit_of_unit u : dot u u = 1 -> unit_of u = u.
Proof.
by move=> u1; apply: functional_extensionality => c; rewrite /unit_of /scale u1 sqrt_1 Rinv_1 Rmult_1_l.
Qed.

(* ---------- the bound for a layer that caches public keys and secret bits ------------------- *)
Notation Bits := {ffun Tok * (Head * Ch) -> bool}.
Variables (Run : Type) (ask : Run -> Own -> Tok) (place : Tok -> Run * Own).
Variables (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : Head -> R).
Variables (x : Tok -> Wid -> R) (y : Run -> Own -> Wid -> R).
(* realises l V: on the rows x the layer caches the keys K and the values V; in run r the last scale y r
   asks for the tokens ask r, with own keys B and own values 0 *)
Definition realises (l : layer) (V : Tok -> Head -> Ch -> R) : Prop :=
  [/\ forall h, multiplier l h = lam h, forall h t, key l h (x t) = K t, forall h t, value l h (x t) = V t h
    & forall r h o, [/\ query l h (y r o) = K (ask r o), key l h (y r o) = B o &
        value l h (y r o) = fun _ => 0]].

(* spell b: the values that spell the bits b, one bit for each token, head and channel *)
Definition spell (b : Bits) (t : Tok) (h : Head) (c : Ch) : R := ind (b (t, (h, c))).

Variables (lay : Bits -> layer) (W S : finType) (eta mu : R).
Variables (compress : W -> head_stream Tok -> S)
  (answer : W -> S -> head_stream Own -> Own -> Head -> Ch -> R).
(* layer_correct: in every run, every output entry is good with probability 1 - delta *)
Definition layer_correct (delta : R) : Prop := forall b r o h c,
  INR #|[pred w | ~~ approx eta (layer_output (lay b) x (y r) o h c)
     (answer w (compress w (layer_stream (lay b) x)) (layer_stream (lay b) (y r)) o h c)]| <= delta * N W.

(* Sketch: what the last scale adds to the stream is public, so an answer of the layer is an answer of
   attention with public own tokens. Two bit maps that differ at (token, head, channel) have outputs that no
   answer within eta serves both (the gap), and the separation bound counts the bits. *)
Theorem layer_lower_bound (delta : R) :
  (forall b, realises (lay b) (spell b)) -> (forall t, ask (place t).1 (place t).2 = t) ->
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> (forall h, 0 < lam h <= 100) -> 0 <= eta < 1 ->
  (forall h, (1 + eta) * leak (N Tok + N Own) (lam h) mu < 1 - eta) -> 0 <= delta <= 1/2 -> 0 < N W ->
  layer_correct delta -> (1 - H2 delta) * (N Tok * (N Head * N Ch)) <= log2 (N S).
Proof.
move=> real hp hK hB hl he gap hd W0 hc.
(* the stream of the last scale is public *)
pose own r : head_stream Own := fun o h => (scale (lam h) (K (ask r o)), B o, fun _ => 0).
have ownE b r : layer_stream (lay b) (y r) = own r.
  apply: functional_extensionality => o; apply: functional_extensionality => h.
  by have [h1 _ _ /(_ r h o) [h2 h3 h4]] := real b; rewrite /layer_stream h1 h2 h3 h4.
have outE b t h c : layer_output (lay b) x (y (place t).1) (place t).2 h c
    = attention_own (scale (lam h) (K t)) K B (fun t => spell b t h) c.
  have [h1 h2 h3 h4] := real b; rewrite layer_is_attention_own => [|o];
    last by have [_ _ ->] := h4 (place t).1 h o.
  rewrite h1; have [-> _ _] := h4 (place t).1 h (place t).2; rewrite hp.
  congr (attention_own _ _ _ _ _); apply: functional_extensionality => j; rewrite ?h2 ?h3 //.
  by have [_ -> _] := h4 (place t).1 h j.
rewrite -fano_binary -N_bool Rmult_comm -!N_prod.
have -> : N [finType of Tok * (Head * Ch)] * fano (N bool_finType) delta
  = \rsum_(i : Tok * (Head * Ch)) fano (N bool_finType) delta by rewrite rsum_const.
have := (@separation_lower_bound [finType of Tok * (Head * Ch)] (fun _ => bool_finType) W S Bits
   (head_stream Own * (Tok * (Head * Ch))) R
   (fun b q => approx eta (layer_output (lay b) x (y (place q.2.1).1) (place q.2.1).2 q.2.2.1 q.2.2.2))
   (fun b => b) (fun i => (own (place i.1).1, i)) (fun w b => compress w (layer_stream (lay b) x))
   (fun w s q => answer w s q.1 (place q.2.1).2 q.2.2.1 q.2.2.2) [ffun _ => true] (fun _ => delta));
     apply => //.
- move=> b b' [t [h c]] o /=; rewrite !outE => g g'.
  have V01 (z : Bits) j : 0 <= spell z j h c <= 1 by exact: ind_01.
  have [t0 r1] := attention_own_gap (V := fun t => spell b t h) hK hB (Rlt_le _ _ (proj1 (hl h))) t (V01 b).
  have [_ r2] := attention_own_gap (V := fun t => spell b' t h) hK hB (Rlt_le _ _ (proj1 (hl h))) t (V01 b').
  move: r1 r2 g g' (gap h); rewrite /spell.
  case: (b _) (b' _) => [] [] //= [a1 a2] [a3 a4] g g' gp; exfalso.
    by rewrite Rplus_0_l in a4; have := approx_apart he t0 a4 a1 g' g; lra.
  by rewrite Rplus_0_l in a2; have := approx_apart he t0 a2 a3 g g'; lra.
- by move=> _; rewrite N_bool; lra.
by move=> b [t [h c]]; rewrite /failures /= -(ownE b); exact: hc.
Qed.
End Layer.

(* ---------- independent rows realise everything -------------------------------------------- *)
Section Realise.
Variables (Wid J : finType).
(* independent rows: each row has a vector that sees this row and no other (linear independence, in dual
   form) *)
Definition independent (rows : J -> Wid -> R) : Prop :=
  exists D : J -> Wid -> R, forall i j, dot (D i) (rows j) = ind (i == j).

(* one-hot rows, at different places, are independent *)
Lemma one_hot_independent (pos : J -> Wid) : injective pos -> independent (fun j w => ind (w == pos j)).
Proof.
move=> inj; exists (fun j w => ind (w == pos j)) => i j.
rewrite -(eqtype.inj_eq inj) eq_sym -[RHS]Rmult_1_l -(dot_pick (pos j) 1 (fun w => ind (w == pos i))) dot_sym.
by apply: eq_bigr => w _; rewrite /ind.
Qed.

Lemma matvec_add (Out : finType) (M : Out -> Wid -> R) u v r :
  matvec M (fun w => u w + v w) r = matvec M u r + matvec M v r.
Proof. by rewrite /matvec /dot -big_split; apply: eq_bigr => w _ /=; ring. Qed.

Lemma matvec_sum (Out I : finType) (M : Out -> Wid -> R) (a : I -> R) (v : I -> Wid -> R) r :
  matvec M (fun w => \rsum_i (a i * v i w)) r = \rsum_i (a i * matvec M (v i) r).
Proof.
rewrite /matvec /dot; under eq_bigr => w _ do rewrite -rsum_distr.
rewrite exchange_big /=; apply: eq_bigr => i _; rewrite -rsum_distr.
by apply: eq_bigr => w _; ring.
Qed.

(* solve D image: the matrix that sends row j to image j *)
Definition solve (Out : finType) (D : J -> Wid -> R) (image : J -> Out -> R) : Out -> Wid -> R :=
  fun r w => \rsum_j (image j r * D j w).

Lemma solve_rows (Out : finType) (D rows : J -> Wid -> R) (image : J -> Out -> R) j :
  (forall i j, dot (D i) (rows j) = ind (i == j)) -> matvec (solve D image) (rows j) = image j.
Proof.
move=> hD; apply: functional_extensionality => r; rewrite /matvec dot_sym.
rewrite -/(matvec (fun _ : unit => rows j) (solve D image r) tt) matvec_sum.
rewrite (bigD1 j) //= big1 => [|i ij]; rewrite /matvec dot_sym hD ?eqxx ?(negbTE ij) /=; ring.
Qed.
End Realise.

Section RealiseLayer.
Variables (Wid Head Crd Ch Tok Own : finType).
(* rows: one row for each cached token, one for each token of the last scale, one for each coordinate of a
   query *)
Variable rows : Tok + (Own + Crd) -> Wid -> R.
Variables (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam : Head -> R).
(* last_row o u: the row of token o of the last scale that asks for the unit vector u *)
Definition last_row (o : Own) (u : Crd -> R) (w : Wid) : R :=
  rows (inr (inl o)) w + \rsum_(a : Crd) (u a * rows (inr (inr a)) w).

(* W_Q and W_K are fixed and public; W_V caches any values that are wanted.
   The tokens of the last scale may ask for any cached keys, without a change of the weights. *)
Theorem layer_realisable (mu : R) : independent rows -> incoherent K mu -> (forall o, dot (B o) (B o) = 1) ->
  exists (wq wk : Head -> Crd -> Wid -> R) (wv : (Tok -> Head -> Ch -> R) -> Head -> Ch -> Wid -> R),
  forall (V : Tok -> Head -> Ch -> R) (Run : Type) (ask : Run -> Own -> Tok),
    realises ask K B lam (fun t => rows (inl t)) (fun r o => last_row o (K (ask r o)))
      (Layer wq wk (wv V) lam) V.
Proof.
move=> [D hD] [K1 _] B1.
pose Q := solve D (fun j (c : Crd) => if j is inr (inr a) then ind (c == a) else 0).
pose M := solve D (fun j => match j with inl t => K t | inr (inl o) => B o | _ => fun _ => 0 end).
pose P (V : Tok -> Head -> Ch -> R) h := solve D (fun j => if j is inl t then V t h else fun _ => 0).
exists (fun _ => Q), (fun _ => M), P => V Run ask.
have hQ j : matvec Q (rows j) = (fun c => if j is inr (inr a) then ind (c == a) else 0) by exact: solve_rows.
have hM j : matvec M (rows j) = match j with inl t => K t | inr (inl o) => B o | _ => fun _ => 0 end.
  exact: (solve_rows (fun j => match j with inl t => K t | inr (inl o) => B o | _ => fun _ => 0 end) j hD).
have hP h j : matvec (P V h) (rows j) = if j is inl t then V t h else fun _ => 0.
  exact: (solve_rows (fun j => if j is inl t then V t h else fun _ => 0) j hD).
have lastE (Out : finType) (A : Out -> Wid -> R) o u :
    matvec A (last_row o u) = fun r => matvec A (rows (inr (inl o))) r
      + \rsum_a (u a * matvec A (rows (inr (inr a))) r).
  by apply: functional_extensionality => r; rewrite /last_row matvec_add matvec_sum.
split=> //.
- by move=> h t; rewrite /key /= hM unit_of_unit.
- by move=> h t; rewrite /value /= hP.
move=> r h o; split.
- rewrite /query /= lastE.
  have -> : (fun c => matvec Q (rows (inr (inl o))) c + \rsum_a (K (ask r o) a * matvec Q (rows (inr (inr a)))
    c))
            = K (ask r o); last by rewrite unit_of_unit.
  apply: functional_extensionality => c; rewrite hQ Rplus_0_l (bigD1 c) //= big1 => [|a ac]; rewrite hQ.
    by rewrite eqxx /=; ring.
  by rewrite eq_sym (negbTE ac) /=; ring.
- rewrite /key /= lastE.
  have -> : (fun c => matvec M (rows (inr (inl o))) c + \rsum_a (K (ask r o) a * matvec M (rows (inr (inr a)))
    c))
            = B o; last by rewrite unit_of_unit.
  by apply: functional_extensionality => c; rewrite hM big1 ?Rplus_0_r // => a _; rewrite hM; ring.
rewrite /value /= lastE; apply: functional_extensionality => c.
by rewrite hP big1 ?Rplus_0_r // => a _; rewrite hP; ring.
Qed.
End RealiseLayer.

(* ---------- headline ------------------------------------------------------------------------- *)
(* Rows of width C >= T + n2 + d: public W_Q and W_K, and for every word b a W_V that caches its bits in all
   heads. Every cache for the layer that is right up to relative error eta keeps (1 - H2 delta) T (H h) bits.
   Every multiplier lies between ln ((T + n2) (1 + eta) / (1 - eta)) / (1 - mu) and 100. *)
Theorem layer_headline (T n2 d h H C : nat) (mu eta delta : R) (lam : 'I_H -> R) :
  (0 < d)%nat -> (0 < T)%nat -> (0 < n2)%nat -> (T + n2 + d <= C)%nat -> 0 < mu < 1 ->
  INR (T + n2).-1 < exp (INR d * mu ^ 2 / 2) -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  (forall a, lambda_relative (INR T + INR n2) mu eta <= lam a <= 100) ->
  exists (K : 'I_T -> 'I_d -> R) (B : 'I_n2 -> 'I_d -> R) (x : 'I_T -> 'I_C -> R)
    (last : 'I_n2 -> ('I_d -> R) -> 'I_C -> R) (wq wk : 'I_H -> 'I_d -> 'I_C -> R)
    (wv : {ffun 'I_T * ('I_H * 'I_h) -> bool} -> 'I_H -> 'I_h -> 'I_C -> R),
  let lay b := Layer wq wk (wv b) lam in
  incoherent K mu /\
  forall (Run : Type) (ask : Run -> 'I_n2 -> 'I_T) (place : 'I_T -> Run * 'I_n2),
    let y r o := last o (K (ask r o)) in
    (forall t, ask (place t).1 (place t).2 = t) ->
    (forall b, realises ask K B lam x y (lay b) (spell b)) /\
    forall (W S : finType) (compress : W -> head_stream _ _ _ _ -> S)
        (answer : W -> S -> head_stream _ _ _ _ -> 'I_n2 -> 'I_H -> 'I_h -> R),
      0 < N W -> layer_correct x y lay eta compress answer delta ->
      (1 - H2 delta) * (INR T * (INR H * INR h)) <= log2 (N S).
Proof.
move=> d0 T0 n0 hC hmu hT he hd hlam; have [F [F1 F2]] := greedy_keys_exist d0 hmu hT.
pose K (i : 'I_T) := F (lshift n2 i); pose B (o : 'I_n2) := F (rshift T o).
have hK : incoherent K mu by split=> [i|i j ij]; [exact: F1|apply: F2; rewrite eq_lshift].
have hB i o : dot (K i) (B o) <= mu by apply: F2; rewrite eq_lrshift.
have hJ : (#|[finType of 'I_T + ('I_n2 + 'I_d)]| <= C)%nat by rewrite !card_sum !card_ord addnA.
pose pos (j : [finType of 'I_T + ('I_n2 + 'I_d)]) : 'I_C := widen_ord hJ (enum_rank j).
have pos_inj : injective pos by move=> i j /(congr1 val) /= /val_inj /enum_rank_inj.
pose rows := fun j w => ind (w == pos j).
have [wq [wk [wv real]]] := @layer_realisable [finType of 'I_C] [finType of 'I_H] _ [finType of 'I_h]
  _ _ rows K B lam mu
  (one_hot_independent pos_inj) hK (fun o => F1 _).
exists K, B, (fun t => rows (inl t)), (last_row rows), wq, wk, (fun b => wv (spell b)) => lay.
split=> // Run ask place y hp; split=> [b|W S compress answer W0 hc]; first exact: real.
have n1 : 2 <= INR T + INR n2 by have := INR_ge1 T0; have := INR_ge1 n0; lra.
have [_ gap] := lambda_relative_works (ltac:(lra) : 1 <= INR T + INR n2) (proj2 hmu) he.
rewrite -(N_ord T) -(N_ord H) -(N_ord h).
apply: (layer_lower_bound (fun b => real (spell b) _ ask) hp hK hB _ he _ hd W0 hc) => a;
  have [la lb] := hlam a.
  split=> //; apply: Rlt_le_trans la; apply: Rdiv_lt_0_compat; last lra.
  by rewrite -ln_1; apply: ln_increasing; [lra|apply: Rdiv_lt_r; nra].
rewrite !N_ord; apply: Rle_lt_trans gap; apply: Rmult_le_compat_l; first lra.
apply: Rmult_le_compat_l; first lra.
by apply: exp_mono; rewrite !Ropp_mult_distr_l_reverse; apply: Ropp_le_contravar; apply: Rmult_le_compat_r;
  lra.
Qed.
