(* Theorem C: keys and values of one and the same instance must both be stored.
   A key carries a public address and a secret payload; a reference token of Bob's reads the payload. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* cached: what a cache of keys and values sees;  asked: a query, Bob's own keys, and the channel to read *)
Definition cached (Tok Crd Ch : Type) : Type := ((Tok -> Crd -> R) * (Tok -> option Ch -> R))%type.
Definition asked (Own Crd Ch : Type) : Type := ((Crd -> R) * (Own -> Crd -> R) * option Ch)%type.

(* ---------- the instance: keys [ca * address; cp * payload; fill] ------------------------ *)
Section KeysAndValues.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own).
Notation Crd := [finType of Adr + Pay + unit].
(* vec a p f: the vector with address part a, payload part p and last coordinate f *)
Definition vec (a : Adr -> R) (p : Pay -> R) (f : R) : Crd -> R :=
  fun k => match k with inl (inl x) => a x | inl (inr y) => p y | inr _ => f end.

Lemma dot_vec a p f a' p' f' : dot (vec a p f) (vec a' p' f') = dot a a' + dot p p' + f * f'.
Proof.
rewrite /dot big_sumType big_sumType /=; congr (_ + _).
by rewrite (bigD1 tt) //= big1 ?Rplus_0_r //; case.
Qed.

Variables (A : Tok -> Adr -> R) (mu ca cp : R).              (* public addresses and scales *)
Variables (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R).  (* levels of values and of payloads *)
Notation I := [finType of Tok * Ch + Tok * Pay].
(* alphabet: LV symbols for each (token, channel), LK symbols for each (token, payload coordinate) *)
Definition alphabet (i : I) : finType :=
  match i with inl _ => [finType of 'I_LV] | inr _ => [finType of 'I_LK] end.
Notation X := {dffun forall i : I, alphabet i}.
(* value_symbol, payload_symbol: the two kinds of symbols of a word *)
Definition value_symbol (x : X) i c : 'I_LV := x (inl (i, c)).
Definition payload_symbol (x : X) i p : 'I_LK := x (inr (i, p)).
(* payload, stored_key: payload and whole key of token i; the last coordinate fills it up to norm 1 *)
Definition payload (x : X) i : Pay -> R := fun p => cp * y (payload_symbol x i p).
Definition stored_key (x : X) i : Crd -> R :=
  vec (scale ca (A i)) (payload x i) (sqrt (1 - ca * ca - dot (payload x i) (payload x i))).
(* stored_value: channel None is the constant 1, the other channels spell the value symbols *)
Definition stored_value (x : X) i (c : option Ch) : R := if c is Some c' then lv (value_symbol x i c') else 1.
(* instance: what is put into the cache *)
Definition instance (x : X) := (stored_key x, stored_value x).

(* whatever is asked: if every question betrays its symbol, all symbols must be stored *)
Lemma symbols_lower_bound (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool) (inst : X -> Inp)
  (qry : I -> Qry)
    (W S : finType) (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out) (dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat -> separated good inst qry ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average good inst qry compress answer (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 sep hV hK W0 hc.
pose x0 : X := [ffun i => match i return alphabet i with inl _ => Ordinal V0 | inr _ => Ordinal K0 end].
have <- : \rsum_(i : I) fano (N (alphabet i)) (if i is inl _ then dV else dK)
   = N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK).
  rewrite big_sumType /= !rsum_const !N_prod !N_ord.
  have e (a b c d f : R) : a * b * c + a * d * f = a * (b * c + d * f) by ring.
  exact: e.
by apply: (separation_average x0 sep W0 _ hc); case=> a; rewrite N_ord.
Qed.

(* ---------- the questions ------------------------------------------------------------------ *)
Variables (sv sp g : R).
(* fill_key: an own token with logit 0; ref_key i: an own token with the address of token i, without
   payload *)
Definition fill_key : Crd -> R := vec (fun _ => 0) (fun _ => 0) 1.
Definition ref_key i : Crd -> R := vec (scale ca (A i)) (fun _ => 0) (sqrt (1 - ca * ca)).
(* question: query, keys of Bob's own tokens, channel.  Value symbols are read with [sv a_i; 0; 0],
   payload symbols with [sp a_i; g e_p; 0] against the reference token. *)
Definition question (ix : I) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  match ix with
  | inl (i, c) => (vec (scale sv (A i)) (fun _ => 0) 0, fun _ => fill_key, Some c)
  | inr (i, p) => (vec (scale sp (A i)) (fun p' => if p' == p then g else 0) 0,
                   fun o => if o == ref then ref_key i else fill_key, None)
  end.
(* output: softmax attention over the cached tokens and Bob's own tokens, whose values are 0 *)
Definition output (KV : (Tok -> Crd -> R) * (Tok -> option Ch -> R))
    (q : (Crd -> R) * (Own -> Crd -> R) * option Ch) : R := attention_own q.1.1 KV.1 q.1.2 KV.2 q.2.

Hypotheses (hA : incoherent A mu) (mu0 : 0 <= mu) (ca0 : 0 <= ca) (sv0 : 0 <= sv) (sp0 : 0 <= sp)
  (cp0 : 0 <= cp) (g0 : 0 <= g) (lv01 : forall a, 0 <= lv a <= 1) (y1 : forall a, -1 <= y a <= 1).

Lemma stored_key_unit x i : ca * ca + N Pay * (cp * cp) <= 1 -> dot (stored_key x i) (stored_key x i) = 1.
Proof.
move=> h; rewrite /stored_key dot_vec dot_scale dot_scale_r (proj1 hA) sqrt_sqrt; first ring.
have : dot (payload x i) (payload x i) <= N Pay * (cp * cp); last lra.
rewrite /dot -rsum_const; apply: rsum_le => p _; rewrite /payload.
have [a b] := y1 (payload_symbol x i p); set z := y _ in a b *; have : z * z <= 1 by nra.
by have := Rle_0_sqr cp; rewrite /Rsqr => c2; nra.
Qed.

Lemma value_logit x i c j :
  dot (question (inl (i, c))).1.1 (stored_key x j) = sv * ca * dot (A i) (A j).
Proof. by rewrite /= dot_vec dot_scale dot_scale_r dot0; ring. Qed.

Lemma payload_logit_of x i p j :
  dot (question (inr (i, p))).1.1 (stored_key x j) = sp * ca * dot (A i) (A j)
    + g * cp * y (payload_symbol x j p).
Proof. by rewrite /= dot_vec dot_scale dot_scale_r dot_pick /payload; ring. Qed.

Lemma fill_logit a p : dot (vec a p 0) fill_key = 0.
Proof. by rewrite /fill_key dot_vec dot_sym dot0 dot_sym dot0; ring. Qed.

Lemma ref_logit i p : dot (question (inr (i, p))).1.1 (ref_key i) = sp * ca.
Proof. by rewrite /= dot_vec dot_scale dot_scale_r (proj1 hA) dot_pick; ring. Qed.

(* tau_values, tau_payload: leaks of the two kinds of readings *)
Definition tau_values : R := leak (N Tok + N Own) (sv * ca) mu.
Definition tau_payload : R := (N Tok + N Own) * exp (g * cp - sp * ca * (1 - mu)).

(* a value question returns the level of its symbol *)
Lemma value_reading x i c :
  Rabs (output (instance x) (question (inl (i, c))) - lv (value_symbol x i c)) <= tau_values.
Proof.
have b0 : 0 <= sv * ca by nra.
pose l j := dot (question (inl (i, c))).1.1 (join (stored_key x) (fun _ : Own => fill_key) j).
pose v j := join (stored_value x) (fun (_ : Own) _ => 0) j (Some c).
have v01 j : 0 <= v j <= 1 by case: j => [j|o] /=; [exact: lv01|rewrite /v /=; lra].
have rest : \rsum_(j | j != inl i) exp (l j) <= tau_values * exp (l (inl i)).
  have -> : tau_values * exp (l (inl i)) = (N Tok + N Own - 1) * exp (sv * ca * mu).
    rewrite /l [join _ _ _]/= value_logit (proj1 hA) /tau_values /leak Rmult_assoc -exp_plus.
    by congr (_ * exp _); ring.
  rewrite -N_sum; apply: rest_mass => -[j|o] ji; rewrite /l [join _ _ _]/=.
    rewrite value_logit; apply: Rmult_le_compat_l => //.
    by apply: (proj2 hA); apply: contraNN ji => /eqP ->.
  by rewrite [_.1.1]/= fill_logit; exact: Rmult_le_pos.
exact: (gap_near (v01 (inl i)) (rest_ge0 rest) (softmax_gap v01 rest)).
Qed.

(* a payload question returns the logistic function of its level: the token against the reference token *)
Lemma payload_reading x i p :
  Rabs (output (instance x) (question (inr (i, p))) - logistic (g * cp * y (payload_symbol x i p)))
    <= tau_payload.
Proof.
have b0 : 0 <= sp * ca by nra.
have c0 : 0 <= g * cp by nra.
pose q := (question (inr (i, p))).1.1.
pose l j := dot q (join (stored_key x) (question (inr (i, p))).1.2 j).
have li : l (inl i) = sp * ca + g * cp * y (payload_symbol x i p).
  by rewrite /l /q /join payload_logit_of (proj1 hA) Rmult_1_r.
have lk : l (inr ref) = sp * ca by rewrite /l /join [_.1.2 _]/= eqxx ref_logit.
have -> : g * cp * y (payload_symbol x i p) = l (inl i) - l (inr ref) by rewrite li lk; ring.
apply: (softmax_two (l := l) (v := fun j => join (stored_value x) (fun _ _ => 0) j None)) => //.
  by case=> [j|o] /=; lra.
rewrite lk /tau_payload Rmult_assoc -exp_plus.
have -> : g * cp - sp * ca * (1 - mu) + sp * ca = sp * ca * mu + g * cp by ring.
apply: Rle_trans (_ : _ <= \rsum_(j | (j != inl i) && (j != inr ref)) exp (sp * ca * mu + g * cp)) _.
  apply: rsum_le => -[j|o] /andP[ji jr]; apply: exp_mono.
    rewrite /l /q /join payload_logit_of; apply: Rplus_le_compat.
      by apply: Rmult_le_compat_l => //; apply: (proj2 hA); apply: contraNN ji => /eqP ->.
    by have [_ y2] := y1 (payload_symbol x j p); nra.
  rewrite /l /q /join [_.1.2 _]/=; have -> : (o == ref) = false.
    by apply/negbTE; apply: contraNN jr => /eqP ->.
  by rewrite fill_logit; apply: Rplus_le_le_0_compat => //; exact: Rmult_le_pos.
rewrite rsum_const_card; apply: Rmult_le_compat_r; first exact/Rlt_le/exp_pos.
by rewrite -N_sum; exact/INR_le/max_card.
Qed.

(* ---------- any levels, scales and notion of accuracy ---------------------------------------- *)
(* Failures need only be bounded on average over the instances. *)
Section Bound.
Variables (good : R -> R -> bool) (W S : finType).
Variables (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
  (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (dV dK : R).

Theorem keys_and_values_any :
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b u v o, Rabs (u - lv a) <= tau_values -> Rabs (v - lv b) <= tau_values ->
     good u o -> good v o -> a = b) ->
  (forall a b u v o, Rabs (u - logistic (g * cp * y a)) <= tau_payload ->
     Rabs (v - logistic (g * cp * y b)) <= tau_payload -> good u o -> good v o -> a = b) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => good (output inp q)) instance question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 sepV sepK; apply: symbols_lower_bound => // u v [[i c]|[i p]] o gu gv.
  exact: (sepV _ _ _ _ _ (value_reading u i c) (value_reading v i c) gu gv).
exact: (sepK _ _ _ _ _ (payload_reading u i p) (payload_reading v i p) gu gv).
Qed.
End Bound.

(* additive error eta: levels further apart than 2 (eta + leak); failures averaged over the instances *)
Lemma apart_near eta t (a b u v o : R) : Rabs (u - a) <= t -> Rabs (v - b) <= t ->
  near eta u o -> near eta v o -> Rabs (a - b) <= 2 * (eta + t).
Proof.
move=> h1 h2 gu gv; have h3 := near_apart gu gv.
have -> : a - b = u - v + (v - b + - (u - a)) by ring.
have t1 := Rabs_triang (u - v) (v - b + - (u - a)).
by have := Rabs_triang (v - b) (- (u - a)); rewrite Rabs_Ropp; lra.
Qed.

Theorem keys_and_values_lower_bound (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b, a != b -> 2 * (eta + tau_values) < Rabs (lv a - lv b)) ->
  (forall a b, a != b -> 2 * (eta + tau_payload) < Rabs (logistic (g * cp * y a) - logistic (g * cp * y b)))
    ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) instance question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 sepV sepK; apply: keys_and_values_any => // a b u v o hu hv gu gv;
  apply/eqP/negPn/negP; [move/sepV|move/sepK]; have := apart_near hu hv gu gv; lra.
Qed.
End KeysAndValues.

(* ---------- explicit parameters rho, lambda, gamma, and grids of levels ------------------------------- *)
(* address_scale, payload_scale: a key is [address_scale a; payload_scale y; fill], p payload coordinates *)
Definition address_scale (rho : R) : R := sqrt (1 - rho * rho).
Definition payload_scale (p rho : R) : R := rho / sqrt p.
(* query_scale: a payload query is lambda [a; gamma e_p; 0] / sqrt (1 + gamma^2), of norm lambda *)
Definition query_scale (lam gam : R) : R := lam / sqrt (1 + gam * gam).
(* payload_logit: payload logits lie between - payload_logit and payload_logit *)
Definition payload_logit (p rho lam gam : R) : R := gam * query_scale lam gam * payload_scale p rho.
(* tau_C: leak of n tokens in all *)
Definition tau_C (n p mu rho lam gam : R) : R :=
  n * exp (payload_logit p rho lam gam - query_scale lam gam * address_scale rho * (1 - mu)).
(* logistic_level: a grid from logistic (- c) to logistic c;  payload_level: the levels that map to it *)
Definition logistic_level (c : R) (L : nat) (a : 'I_L) : R := logistic (- c) + grid a *
  (logistic c - logistic (- c)).
Definition payload_level (c : R) (L : nat) (a : 'I_L) : R := logit (logistic_level c a) / c.

Lemma logistic_level_range c L (a : 'I_L) : 0 < c -> logistic (- c) <= logistic_level c a <= logistic c.
Proof. by move=> /logistic_spread; have := grid_01 a; rewrite /logistic_level; nra. Qed.

Lemma payload_level_range c L (a : 'I_L) : 0 < c -> -1 <= payload_level c a <= 1.
Proof.
move=> c0; have [h1 h2] := logit_range (logistic_level_range a c0).
by split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
Qed.

Lemma logistic_payload_level c L (a : 'I_L) : 0 < c -> logistic (c * payload_level c a) = logistic_level c a.
Proof.
move=> c0; have -> : c * payload_level c a = logit (logistic_level c a) by rewrite /payload_level; field; lra.
have [l0 _] := logistic_01 (- c); have [_ u1] := logistic_01 c; have h := logistic_level_range a c0.
by apply: logistic_logit; lra.
Qed.

Lemma logistic_level_step c L (s : R) (a b : 'I_L) : 0 < c -> s * (INR L - 1) < logistic c - logistic (- c) ->
  a != b -> s < Rabs (logistic_level c a - logistic_level c b).
Proof.
move=> /logistic_spread s0 step ne.
have -> : logistic_level c a - logistic_level c b = (grid a - grid b) * (logistic c - logistic (- c)).
  by rewrite /logistic_level; ring.
rewrite Rabs_mult (Rabs_pos_eq (logistic c - _)); last lra.
set D := logistic c - logistic (- c) in step s0 *; have -> : s = s / D * D by field; lra.
apply: Rmult_lt_compat_r => //; apply: grid_step ne.
have -> : s / D * (INR L - 1) = s * (INR L - 1) / D by field; lra.
by apply: (Rmult_lt_reg_r D) => //; rewrite /Rdiv Rmult_assoc Rinv_l; lra.
Qed.

Section TheoremC.
Variables (Tok Own Adr Pay Ch : finType) (ref : Own) (A : Tok -> Adr -> R).
Variables (mu rho lam gam : R) (LV LK : nat).
Notation Crd := [finType of Adr + Pay + unit].
Notation c := (payload_logit (N Pay) rho lam gam).
Notation tau := (tau_C (N Tok + N Own) (N Pay) mu rho lam gam).
(* C_instance, C_question: the instances and the questions of Theorem C *)
Definition C_instance := @instance Tok Adr Pay Ch A (address_scale rho) (payload_scale (N Pay) rho) LV LK
  (@grid LV) (@payload_level c LK).
Definition C_question := @question Tok Own Adr Pay Ch ref A (address_scale rho) lam
  (query_scale lam gam) (gam * query_scale lam gam).

Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

Lemma C_signs : [/\ 0 <= address_scale rho, 0 < payload_scale (N Pay) rho, 0 < query_scale lam gam <= lam &
  0 < c].
Proof.
have cp : 0 < payload_scale (N Pay) rho by apply: Rdiv_lt_0_compat; [lra|exact: sqrt_lt_R0].
have g1 : 1 <= sqrt (1 + gam * gam) by rewrite -[X in X <= _]sqrt_1; apply: sqrt_le_1; nra.
have sp : 0 < query_scale lam gam by apply: Rdiv_lt_0_compat; lra.
split=> //; first exact: sqrt_pos; first by split=> //; apply: Rdiv_le_l; nra.
by apply: Rmult_lt_0_compat => //; apply: Rmult_lt_0_compat.
Qed.

Lemma C_keys_unit x i : dot ((C_instance x).1 i) ((C_instance x).1 i) = 1.
Proof.
have [_ cp _ c0] := C_signs.
apply: (stored_key_unit (mu := mu)) => //; first by move=> a; exact: payload_level_range.
have sP : 0 < sqrt (N Pay) by exact: sqrt_lt_R0.
have -> : N Pay * (payload_scale (N Pay) rho * payload_scale (N Pay) rho) = rho * rho.
  by rewrite /payload_scale -{1}(sqrt_sqrt _ (Rlt_le _ _ P0)); field; lra.
by rewrite /address_scale sqrt_sqrt; nra.
Qed.

Lemma C_queries_norm ix : dot (C_question ix).1.1 (C_question ix).1.1 = lam * lam.
Proof.
case: ix => [[i ch]|[i p]] /=; rewrite dot_vec dot_scale dot_scale_r (proj1 hA).
  by rewrite dot0; ring.
rewrite dot_pick eqxx /query_scale; set s := sqrt (1 + gam * gam).
have s2 : s * s = 1 + gam * gam by apply: sqrt_sqrt; nra.
have s0 : 0 < s by apply: sqrt_lt_R0; nra.
have -> : lam / s * (lam / s * 1) + gam * (lam / s) * (gam * (lam / s)) + 0 * 0
  = lam * lam * (1 + gam * gam) / (s * s) by field; lra.
by rewrite s2; field; nra.
Qed.

Lemma C_own_unit ix o : dot ((C_question ix).1.2 o) ((C_question ix).1.2 o) = 1.
Proof.
have f1 : dot (@fill_key Adr Pay) (@fill_key Adr Pay) = 1 by rewrite /fill_key dot_vec !dot0; ring.
case: ix => [[i ch]|[i p]] //=; case: eqP => // _.
have r2 : address_scale rho * address_scale rho = 1 - rho * rho by apply: sqrt_sqrt; nra.
by rewrite /ref_key dot_vec dot_scale dot_scale_r (proj1 hA) dot0 sqrt_sqrt; [ring|nra].
Qed.

(* value questions leak less than payload questions *)
Lemma C_tau_values : tau_values Tok Own mu (address_scale rho) lam <= tau.
Proof.
have [ca cp [sp0 spl] c0] := C_signs; have n1 : 1 <= N Own by exact: (N_ge1 ref).
have n0 := N_ge0 Tok; apply: Rmult_le_compat; [lra|exact/Rlt_le/exp_pos|lra|].
apply: exp_mono; have h : 0 <= address_scale rho * (1 - mu) by apply: Rmult_le_pos; lra.
by have := Rmult_le_compat_r _ _ _ h spl; lra.
Qed.

Theorem theorem_C_average (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 ->
  2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) C_instance C_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
have [ca cp [sp0 spl] c0] := C_signs.
move=> V0 K0 e0 stepV stepK hV hK W0 hc.
have tV := C_tau_values.
apply: (@keys_and_values_lower_bound Tok Own Adr Pay Ch ref A mu (address_scale rho)
  (payload_scale (N Pay) rho) LV LK
  (@grid LV) (@payload_level c LK) lam (query_scale lam gam) (gam * query_scale lam gam)
  _ _ _ _ _ _ _ _ _ W S compress answer eta) => //; try lra.
- by nra.
- exact: grid_01.
- by move=> a; exact: payload_level_range.
- move=> a b ne; apply: grid_step => //; apply: Rle_lt_trans stepV.
  by apply: Rmult_le_compat_r; [have := INR_ge1 V0|]; lra.
by move=> a b; rewrite -/c !logistic_payload_level //; exact: logistic_level_step.
Qed.

(* the same when every instance is answered well *)
Theorem theorem_C (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  2 * (eta + tau) * (INR LV - 1) < 1 ->
  2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on (fun inp q => near eta (output inp q)) C_instance C_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 e0 stepV stepK hV hK W0 /correct_average hc.
exact: theorem_C_average V0 K0 e0 stepV stepK hV hK W0 hc.
Qed.

(* tight: storing the symbols is correct, and at delta = 0 it needs exactly the bound *)
Theorem theorem_C_tight (eta : R) : (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  exists (S : finType) (compress : unit -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : unit -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R),
    correct_on (W := unit_finType) (fun inp q => near eta (output inp q)) C_instance C_question compress
      answer
      (fun _ => 0)
    /\ log2 (N S) = N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)).
Proof.
move=> V0 K0 e0; have [_ cp _ c0] := C_signs.
pose X := {dffun forall i : [finType of Tok * Ch + Tok * Pay], @alphabet Tok Pay Ch LV LK i}.
pose read (inp : (Tok -> Crd -> R) * (Tok -> option Ch -> R)) : X :=
  [ffun ix => match ix return @alphabet Tok Pay Ch LV LK ix with
   | inl (i, ch) => odflt (Ordinal V0) [pick a : 'I_LV | Req_EM_T (@grid LV a) (inp.2 i (Some ch))]
   | inr (i, p) => odflt (Ordinal K0)
       [pick a : 'I_LK | Req_EM_T (payload_scale (N Pay) rho * payload_level c a) (inp.1 i (inl (inr p)))]
   end].
exists [finType of X], (fun _ => read), (fun _ s => output (C_instance s)); split.
  apply: (@store_symbols_correct _ _ _ _ _ (fun inp q => near eta (output inp q)) C_instance C_question read
            (@output Tok Own Adr Pay Ch)) => [x|x i]; last exact: near_self.
  apply/ffunP => -[[i ch]|[i p]]; rewrite ffunE /=.
    case: pickP => [a|/(_ (x (inl (i, ch))))] /=; case: Req_EM_T => // e _.
    exact: grid_inj.
  case: pickP => [a|/(_ (x (inr (i, p))))] /=; case: Req_EM_T => // e _.
  apply: (@grid_inj LK); have e1 := Rmult_eq_reg_l _ _ _ e (Rgt_not_eq _ _ cp).
  have := logistic_payload_level a c0; rewrite e1 logistic_payload_level // /logistic_level => e2.
  have s0 := logistic_spread c0; rewrite /payload_symbol in e2.
  apply: (Rmult_eq_reg_r (logistic c - logistic (- c))); last lra.
  exact: (Rplus_eq_reg_l (logistic (- c)) _ _ (esym e2)).
rewrite /log2 -/(N_words _) card_words ln_rprod; last by case=> a; rewrite N_ord; exact: INR_gt0.
rewrite big_sumType /= !rsum_const !N_prod !N_ord; have l2 := ln2_gt0.
have e (a b k d f : R) : (a * b * k + a * d * f) / ln 2 = a * (b * (k / ln 2) + d * (f / ln 2)) by field; lra.
exact: e.
Qed.
End TheoremC.

(* ---------- with greedy addresses ------------------------------------------------------------- *)
Theorem theorem_C_headline (T n2 da p h LV LK : nat) (mu rho lam gam eta dV dK : R) :
  (0 < da)%nat -> (0 < p)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR da * mu ^ 2 / 2) ->
  0 < rho <= 1 -> 0 < lam -> 0 < gam -> (0 < LV)%nat -> (0 < LK)%nat -> 0 <= eta ->
  let c := payload_logit (INR p) rho lam gam in
  let tau := tau_C (INR T + INR n2.+1) (INR p) mu rho lam gam in
  2 * (eta + tau) * (INR LV - 1) < 1 ->
  2 * (eta + tau) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK ->
  exists A : 'I_T -> 'I_da -> R,
    let inst := @C_instance _ _ [finType of 'I_p] [finType of 'I_h] A rho lam gam LV LK in
    let qry := @C_question _ [finType of 'I_n2.+1] _ [finType of 'I_p] _ ord0 A rho lam gam in
    [/\ incoherent A mu, (forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1),
        (forall ix, dot (qry ix).1.1 (qry ix).1.1 = lam * lam),
        (forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1) &
    forall (W S : finType) compress (answer : W -> S -> _ -> R), 0 < N W ->
      correct_on (fun inp q => near eta (output inp q)) inst qry compress answer
        (fun i => if i is inl _ then dV else dK) ->
      INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= log2 (N S)].
Proof.
move=> da0 p0 hmu hT hrho lam0 gam0 V0 K0 e0 c tau hV hK hdV hdK.
have [A hA] := greedy_keys_exist da0 hmu hT.
have P0 : 0 < N [finType of 'I_p] by rewrite N_ord; exact: INR_gt0.
exists A => inst qry; split=> //.
- by move=> x i; apply: (C_keys_unit hA).
- by move=> ix; exact: (C_queries_norm _ _ _ _ hA).
- by move=> ix o; exact: (C_own_unit _ _ _ hA hrho).
move=> W S compress answer W0 hc; have mu01 : 0 <= mu <= 1 by lra.
rewrite {}/tau {}/c -(N_ord T) -(N_ord p) -(N_ord n2.+1) in hV hK; rewrite -(N_ord T) -(N_ord p) -(N_ord h).
exact: (theorem_C hA mu01 hrho lam0 gam0 P0 V0 K0 e0 hV hK hdV hdK W0 hc).
Qed.
