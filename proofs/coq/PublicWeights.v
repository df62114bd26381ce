(* Theorem R2: such weights exist for every width that has room for the blocks, and for pyramids of maps the
   hypotheses are finite identities on one axis at a time. *)
From LowerBound Require Export FirstLayer.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section PublicWeights.
Variables (C : nat) (Head Crd Ch Cod Bit Id Tok Own Slot Read : finType).
Notation X := {ffun Id * Bit -> bool}.
Notation Row := [finType of Tok + Own].
Variables (spot : Bit -> Cod) (home : Bit -> Ch) (own : Slot -> Own) (row : Read -> Tok)
  (place : Read -> Head * Slot).
Variables (book : option Slot -> Crd -> R) (A : Row -> Id -> R) (frozen : Row -> Cod -> R) (F : Row -> R).
Variables (lam eps mu B eta : R) (level : Id -> nat) (l : Id -> Read -> R).
Hypotheses (spot_inj : injective spot) (home_inj : injective home) (own_inj : injective own).
Hypotheses (row_inj : injective row) (place_inj : injective place) (hbook : incoherent book mu).
Hypotheses (bits : (0 < #|Bit|)%nat) (width : (#|Cod| + 2 * (#|Head| * #|Crd|) < C)%nat).
Hypotheses (eps0 : 0 <= eps) (B1 : 1 < B) (lam0 : 0 <= lam) (eta0 : 0 <= eta).
Hypotheses (F0 : forall s, 0 < F s) (hF : forall s, \rsum_i Rabs (A s i) <= F s).
Notation tau := (leak (N Tok + N Own) lam mu).
Notation bend := (sqrt (1 - / (B * B))).
Hypothesis reads : forall i i', (level i <= level i')%nat ->
  \rsum_r (l i r * A (inl (row r)) i') = ind (i == i').
Hypothesis narrow : forall i,
  \rsum_r (Rabs (l i r) * (2 * F (inl (row r)) * (eta + tau) / (bend * bend * bend))) < 1.

(* the word embedding may be so large that eps does not matter *)
Lemma loud : exists sigma, 0 < sigma /\
  forall s, N [finType of 'I_C] * eps < (gain Bit B * F s * sigma) * (gain Bit B * F s * sigma).
Proof.
have g0 : 0 < gain Bit B by apply: gain_gt0 => //; exact: INR_gt0.
have c0 : 0 <= N [finType of 'I_C] * eps by apply: Rmult_le_pos => //; exact: N_ge0.
have p s : 0 < (gain Bit B * F s) * (gain Bit B * F s).
  by have h := Rmult_lt_0_compat _ _ g0 (F0 s); exact: Rmult_lt_0_compat.
pose t s := N [finType of 'I_C] * eps / ((gain Bit B * F s) * (gain Bit B * F s)).
have t0 s : 0 <= t s by apply: Rdiv_le_r; rewrite ?Rmult_0_l.
exists (1 + \rsum_s t s); have T0 : 0 <= \rsum_s t s by exact: rsum_ge0.
split=> [|s]; first lra.
have ts := rsum_term s t0; move: T0 ts; set T := \rsum_s t s => T0 ts.
have -> : N [finType of 'I_C] * eps = (gain Bit B * F s) * (gain Bit B * F s) * t s by rewrite /t; field;
  have := p s; nra.
have -> : gain Bit B * F s * (1 + T) * (gain Bit B * F s * (1 + T))
  = (gain Bit B * F s) * (gain Bit B * F s) * ((1 + T) * (1 + T)) by ring.
by apply: Rmult_lt_compat_l => //; nra.
Qed.

(* Sketch: Blocks exist, the word embedding is made loud, and the weights of FirstLayer.v have all properties.
   *)
Theorem public_weights :
  exists (word : Cod -> 'I_C -> R) (position : Tok + Own -> 'I_C -> R)
    (lay : layer [finType of 'I_C] Head Crd Ch),
  (forall h, multiplier lay h = lam) /\
  let z (x : X) s :=
  layer_norm eps (input_row word position (fun s c => content spot A x s c + frozen s c) s) in
  forall (J : finType) (into : J -> Tok + Own), injective into -> (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (W S : finType) (compress : W -> X -> S) (answer : W -> S -> Own -> Head -> Ch -> R) (delta : R),
        0 < N W -> delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
        N Id * N Bit - log2 (/ (1 - delta)) <= log2 (N S)
    & exists (S : finType) (compress : X -> S) (answer : S -> Own -> Head -> Ch -> R),
        (forall x, good x (answer (compress x))) /\ log2 (N S) = N Id * N Bit].
Proof.
have [sigma [sigma0 room]] := loud.
have [q hq] : exists q : [finType of Cod + (Head * Crd + Head * Crd)] -> 'I_C -> R, blocks q.
  by apply: blocks_exist; rewrite !card_sum !card_prod addnn -mul2n.
have b0 : 0 < N Bit by exact: INR_gt0.
have w0 : 0 < N [finType of 'I_C] by rewrite N_ord; apply: INR_gt0; exact: leq_ltn_trans width.
exists (word (Wid := [finType of 'I_C]) q sigma), (table_row Bit own row place book frozen q eps B sigma F).
exists (public_layer spot home q lam B); split=> // z J into into_inj covers good.
split.
- exact: (outputs_determine spot_inj home_inj own_inj row_inj place_inj hbook hq b0 w0 B1 sigma0 F0 hF room
    into_inj covers lam0 eta0 reads narrow).
- exact: (layer_replay_floor spot_inj home_inj own_inj row_inj place_inj hbook hq b0 w0 B1 sigma0 F0 hF room
    into_inj covers lam0 eta0 reads narrow).
exists [finType of X], (fun x => x).
exists (fun x p h c => head_output (public_layer spot home q lam B) h (z x (inr p)) (fun j =>
  z x (into j)) c).
split; last by rewrite log2_bits N_prod.
exact: truth_good.
Qed.
End PublicWeights.
