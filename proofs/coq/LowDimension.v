(* Low dimension: when T keys do not fit, as many tokens as fit carry the secret and the others share a pad
   key. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* floor x: the largest natural number that is at most x, for x >= 0 *)
Definition floor (x : R) : nat := Z.to_nat (Int_part x).
(* capacity d mu: how many keys of coherence mu surely fit into dimension d *)
Definition capacity (d : nat) (mu : R) : nat := floor (exp (INR d * mu ^ 2 / 2)).

Lemma floor_le x : 0 <= x -> INR (floor x) <= x.
Proof.
move=> x0; have [h1 h2] := base_Int_part x; rewrite /floor INR_IZR_INZ.
case: (Z.le_gt_cases 0 (Int_part x)) => z; first by rewrite Z2Nat.id.
have -> : Z.to_nat (Int_part x) = 0%nat by case: (Int_part x) z.
by rewrite /=.
Qed.

Section Padded.
Variables (T n2 A d h : nat) (AT : (A <= T)%nat).
(* the first A of the T tokens are active *)
Definition active (i : 'I_A) : 'I_T := widen_ord AT i.
(* pad_key: the unit vector along the last coordinate;  with_last u x: u followed by x *)
Definition with_last (u : 'I_d -> R) (x : R) (c : 'I_d.+1) : R := if unlift ord_max c is Some c' then u c'
  else x.
Definition pad_key : 'I_d.+1 -> R := with_last (fun _ => 0) 1.
(* padded_keys F: key (F i, 0) for active tokens, the pad key for the others *)
Definition padded_keys (F : 'I_A -> 'I_d -> R) (j : 'I_T) : 'I_d.+1 -> R :=
  if insub (val j) is Some i then with_last (F i) 0 else pad_key.
(* padded_values x: the bits of x for active tokens, 0 for the others *)
Definition padded_values (x : {ffun 'I_A * 'I_h -> bool}) (j : 'I_T) (c : 'I_h) : R :=
  if insub (val j) is Some i then ind (x (i, c)) else 0.

(* correct_active: queries at active tokens are answered well, on all bits of active tokens *)
Definition correct_active (K : 'I_T -> 'I_d.+1 -> R) (B : 'I_n2 -> 'I_d.+1 -> R) (lam eta : R) (W S : finType)
    (compress : W -> ('I_T -> 'I_h -> R) -> S) (answer : W -> S -> ('I_d.+1 -> R) -> 'I_h -> R)
      (delta : R) : Prop :=
  forall (x : {ffun 'I_A * 'I_h -> bool}) (i : 'I_A) (c : 'I_h), let q := scale lam (K (active i)) in
    INR #|[pred w | ~~ approx eta (attention_own q K B (padded_values x) c)
                       (answer w (compress w (padded_values x)) q c)]| <= delta * N W.

Lemma dot_with_last u x v y : dot (with_last u x) (with_last v y) = dot u v + x * y.
Proof.
rewrite /dot big_ord_recr /=; congr (_ + _); last by rewrite /with_last unlift_none.
apply: eq_bigr => c _; have -> : widen_ord (leqnSn d) c = lift ord_max c.
  by apply: val_inj; rewrite /= /bump leqNgt ltn_ord add0n.
by rewrite /with_last liftK.
Qed.

Lemma active_insub (i : 'I_A) : insub (val (active i)) = Some i.
Proof. by rewrite /= valK. Qed.

Lemma padded_active F i : padded_keys F (active i) = with_last (F i) 0.
Proof. by rewrite /padded_keys active_insub. Qed.

Lemma padded_unit F mu j : incoherent F mu -> dot (padded_keys F j) (padded_keys F j) = 1.
Proof.
move=> [F1 _]; rewrite /padded_keys /pad_key; case: insubP => [i _ _|_]; rewrite dot_with_last ?F1 ?dot0;
  ring.
Qed.

Lemma padded_apart F mu i j : incoherent F mu -> 0 <= mu -> j != active i ->
  dot (padded_keys F (active i)) (padded_keys F j) <= mu.
Proof.
move=> [_ F2] mu0 ji; rewrite padded_active /padded_keys /pad_key; case: insubP => [k _ kj|_].
  rewrite dot_with_last Rmult_0_l Rplus_0_r; apply: F2; apply: contraNN ji => /eqP ->.
  by apply/eqP/val_inj; rewrite /= kj.
by rewrite dot_with_last dot_sym dot0; lra.
Qed.

(* Sketch: an active token's key is read through a gap of 1 - mu over all others, so its answer lies between
   x / (1 + t) and (x + t) / (1 + t), t the leak; two words that differ in an active symbol then share no
   answer within eta, and the separation bound counts the active symbols. *)
Theorem padded_lower_bound (F : 'I_A -> 'I_d -> R) (B : 'I_n2 -> 'I_d.+1 -> R) (mu lam eta delta : R)
    (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
    (answer : W -> S -> ('I_d.+1 -> R) -> 'I_h -> R) :
  incoherent F mu -> 0 <= mu -> (forall i o, dot (padded_keys F (active i)) (B o) <= mu) -> 0 <= lam ->
  0 <= eta < 1 -> (1 + eta) * leak (INR T + INR n2) lam mu < 1 - eta -> 0 <= delta <= 1/2 -> 0 < N W ->
  correct_active (padded_keys F) B lam eta compress answer delta ->
  (1 - H2 delta) * (INR A * INR h) <= log2 (N S).
Proof.
move=> hF mu0 hB l0 he gap hd W0 hc; pose K := padded_keys F.
have reading (x : {ffun 'I_A * 'I_h -> bool}) i c (t := leak (INR T + INR n2) lam mu) : 0 <= t /\
    ind (x (i, c)) / (1 + t) <= attention_own (scale lam (K (active i))) K B (padded_values x) c
      <= (ind (x (i, c)) + t) / (1 + t).
  have -> : ind (x (i, c)) = join (padded_values x) (fun (_ : 'I_n2) _ => 0) (inl (active i)) c.
    by rewrite /= /padded_values active_insub.
  rewrite /t -(N_ord T) -(N_ord n2) -N_sum; apply: (attention_gap (K := join K B)) => //.
  - exact: padded_unit hF.
  - by case=> [j|o] ji /=; [apply: padded_apart hF mu0 _; apply: contraNN ji => /eqP ->|exact: hB].
  case=> [j|o] /=; last lra.
  by rewrite /padded_values; case: insubP => [k _ _|_]; [exact: ind_01|lra].
have -> : (1 - H2 delta) * (INR A * INR h) = \rsum_(ic : 'I_A * 'I_h) fano (N bool_finType) delta.
  by rewrite rsum_const N_bool fano_binary N_prod !N_ord Rmult_comm.
apply: (@separation_lower_bound _ (fun _ => bool_finType) W S ('I_T -> 'I_h -> R) (('I_d.+1 -> R) * 'I_h) R
   (fun V q => approx eta (attention_own q.1 K B V q.2)) padded_values
   (fun ic => (scale lam (K (active ic.1)), ic.2)) compress (fun w s q => answer w s q.1 q.2)
   [ffun _ => true] (fun _ => delta)) => // [x y [i c] o /= gx gy|_|x [i c]].
- have [t0 [x1 x2]] := reading x i c; have [_ [y1 y2]] := reading y i c.
  case: (x (i, c)) (y (i, c)) x1 x2 y1 y2 => [] [] //= x1 x2 y1 y2; exfalso.
    by move: y2; rewrite Rplus_0_l => y2; have := approx_apart he t0 y2 x1 gy gx; lra.
  by move: x2; rewrite Rplus_0_l => x2; have := approx_apart he t0 x2 y1 gx gy; lra.
- by rewrite N_bool; lra.
exact: hc.
Qed.
End Padded.

(* T tokens in dimension d + 1: min (T, capacity) of them pay *)
Theorem low_dimension_headline (T n2 d h : nat) (mu eta delta : R) (A := minn T (capacity d mu)) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> 0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d.+1 -> R, (forall j, dot (K j) (K j) = 1) /\
    forall B : 'I_n2 -> 'I_d.+1 -> R,
      (forall i o, dot (K (active (geq_minl T (capacity d mu)) i)) (B o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> ('I_d.+1 -> R) -> 'I_h -> R), 0 < N W ->
      correct_active (geq_minl T (capacity d mu)) K B (lambda_relative (INR T + INR n2) mu eta) eta
        compress answer delta ->
      (1 - H2 delta) * (INR A * INR h) <= log2 (N S).
Proof.
move=> d0 T0 hmu he hd; have e0 := exp_pos (INR d * mu ^ 2 / 2).
have hA : INR A.-1 < exp (INR d * mu ^ 2 / 2).
  have AC : INR A <= exp (INR d * mu ^ 2 / 2).
    by apply: Rle_trans (floor_le (Rlt_le _ _ e0)); apply: INR_le; exact: geq_minr.
  case: A AC => [|n] //=; rewrite -?/(INR n.+1) ?S_INR; lra.
have [F hF] := greedy_keys_exist d0 hmu hA.
exists (padded_keys F); split=> [j|B hB W S compress answer W0 hc]; first exact: padded_unit hF.
have n1 : 1 <= INR T + INR n2 by exact: tokens_ge1.
have [l0 gap] := lambda_relative_works n1 (proj2 hmu) he.
by apply: (padded_lower_bound hF _ hB l0 he gap hd W0 hc); lra.
Qed.
