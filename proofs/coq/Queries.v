(* All queries of one last scale at once: one set of own tokens for a whole block of queries, for values and
   for payloads, and the total reading time of many queries. *)
From LowerBound Require Export Payload Time.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- values: one run answers a block of queries --------------------------------- *)
(* A run is one last scale.  In run r own token o asks for token ask r o; own keys are B in every run.
   place i is a run and an own token that ask for token i.  If T <= n2, one run asks for everything. *)
Section ValueBlocks.
Variables (Tok Own Crd Ch : finType) (Run : Type) (ask : Run -> Own -> Tok) (place : Tok -> Run * Own).
Variables (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (lam mu : R).
Variables (A : finType) (lev : A -> R) (good : R -> R -> bool) (W S : finType).
(* block r: all queries of run r;  the answer sees them together *)
Definition block (r : Run) (o : Own) : Crd -> R := scale lam (K (ask r o)).
Variables (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Own -> Crd -> R) -> Own -> Ch -> R).
(* block_failed x r o c: the number of coins under which run r answers own token o badly in channel c *)
Definition block_failed (x : {ffun Tok * Ch -> A}) r o c : R :=
  INR #|[pred w | ~~ good (attention_own (block r o) K B (levels lev x) c)
                     (answer w (compress w (levels lev x)) (block r) o c)]|.
(* block_correct_in_mean: MULTI-INDEX, failures averaged over words, tokens and channels *)
Definition block_correct_in_mean (delta : R) : Prop :=
  \rsum_(x : {ffun Tok * Ch -> A}) \rsum_(i : Tok) \rsum_(c : Ch) block_failed x (place i).1 (place i).2 c
    <= delta * (N W * N [finType of {ffun Tok * Ch -> A}] * (N Tok * N Ch)).

Hypotheses (hp : forall i, ask (place i).1 (place i).2 = i) (hK : incoherent K mu)
  (hB : forall i o, dot (K i) (B o) <= mu) (lam0 : 0 <= lam) (W0 : 0 < N W).
Notation tau := (leak (N Tok + N Own) lam mu).

Theorem block_values (a0 : A) delta :
  (forall a, 0 <= lev a <= 1) ->
  (forall a b u v o, 0 <= tau ->
     lev a / (1 + tau) <= u <= (lev a + tau) / (1 + tau) ->
     lev b / (1 + tau) <= v <= (lev b + tau) / (1 + tau) -> good u o -> good v o -> a = b) ->
  0 <= delta <= 1 - / N A -> block_correct_in_mean delta ->
  fano (N A) delta * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> l01 sep hd hc; rewrite Rmult_comm -N_prod.
apply: (@separation_mean _ A W S (Tok -> Ch -> R) ((Own -> Crd -> R) * Own * Ch) R
   (fun V q => good (attention_own (q.1.1 q.1.2) K B V q.2)) (levels lev)
   (fun ic => (block (place ic.1).1, (place ic.1).2, ic.2)) compress (fun w s q => answer w s q.1.1 q.1.2 q.2)
   a0 delta _ W0 hd) => [x y [i c] o|].
  rewrite /= /block hp => gx gy.
  have gap z := attention_own_gap (V := levels lev z) hK hB lam0 i (c := c) (fun j => l01 _).
  exact: (sep _ _ _ _ o (proj1 (gap x)) (proj2 (gap x)) (proj2 (gap y))).
apply: Rle_trans (Rle_trans _ _ _ hc _).
  by apply: rsum_le => x _; rewrite pair_big /=; apply: Req_le; apply: eq_bigr => -[i c].
rewrite N_prod; have e (d w x p : R) : d * (w * x * p) = d * p * (w * x) by ring.
by apply: Req_le; exact: e.
Qed.
End ValueBlocks.

(* relative error eta < 1: one bit per entry, with one set of own tokens for all queries of a run *)
Theorem block_relative (Tok Own Crd Ch : finType) (Run : Type) (ask : Run -> Own -> Tok)
  (place : Tok -> Run * Own)
    (K : Tok -> Crd -> R) (B : Own -> Crd -> R) (mu lam eta delta : R) (W S : finType)
    (compress : W -> (Tok -> Ch -> R) -> S) (answer : W -> S -> (Own -> Crd -> R) -> Own -> Ch -> R) :
  (forall i, ask (place i).1 (place i).2 = i) -> incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) ->
  0 <= lam -> 0 <= eta < 1 -> (1 + eta) * leak (N Tok + N Own) lam mu < 1 - eta -> 0 <= delta <= 1/2 ->
    0 < N W ->
  block_correct_in_mean ask place K B lam ind (approx eta) compress answer delta ->
  (1 - H2 delta) * (N Tok * N Ch) <= log2 (N S).
Proof.
move=> hp hK hB l0 he gap hd W0 hc; rewrite -fano_binary -N_bool.
apply: (block_values hp hK hB l0 W0 true _ _ _ hc); [exact: ind_01| |by rewrite N_bool; lra].
move=> [] [] //= u v o t0 [h1 h2] [h3 h4] gu gv; exfalso; [move: h4|move: h2]; rewrite Rplus_0_l => h.
  by have := approx_apart he t0 h h1 gv gu; lra.
by have := approx_apart he t0 h h3 gu gv; lra.
Qed.

(* ---------- Theorem C with one set of own tokens for a whole run -------------------------- *)
Section FixedOwn.
Variables (Tok Own Adr Pay Ch : finType) (Run : Type) (refs : Run -> Own -> Tok) (place : Tok -> Run * Own).
Notation Adr1 := [finType of Adr + unit].
Notation Crd := [finType of Adr1 + Pay + unit].
(* pad a f: one more address coordinate;  cached keys have 0 there, own keys fill it up to norm 1 *)
Definition pad (a : Adr -> R) (f : R) : Adr1 -> R := fun k => if k is inl x then a x else f.

Lemma dot_pad a f a' f' : dot (pad a f) (pad a' f') = dot a a' + f * f'.
Proof.
by rewrite /dot big_sumType /=; congr (_ + _); rewrite (bigD1 tt) //= big1 ?Rplus_0_r //; case.
Qed.

Variables (A : Tok -> Adr -> R) (mu ca cp : R).
(* padded: the addresses of the cached tokens *)
Definition padded (i : Tok) : Adr1 -> R := pad (A i) 0.

Lemma padded_incoherent : incoherent A mu -> incoherent padded mu.
Proof.
move=> [h1 h2]; split=> [i|i j ij]; rewrite /padded dot_pad Rmult_0_l Rplus_0_r; first exact: h1.
exact: h2.
Qed.

Variables (LV LK : nat) (lv : 'I_LV -> R) (y : 'I_LK -> R).
Notation I := [finType of Tok * Ch + Tok * Pay].
Notation X := {dffun forall i : I, @alphabet Tok Pay Ch LV LK i}.
Notation inst := (@instance Tok Adr1 Pay Ch padded ca cp LV LK lv y).
Notation skey := (@stored_key Tok Adr1 Pay Ch padded ca cp LV LK y).
Notation sval := (@stored_value Tok Pay Ch LV LK lv).

Variables (sv sp g f : R).
(* own_key i: the reference token of token i; own_keys r: all own tokens of run r, the same for all its
   questions *)
Definition own_key (i : Tok) : Crd -> R := vec (pad (scale ca (A i)) (sqrt (1 - ca * ca))) (fun _ => 0) 0.
Definition own_keys (r : Run) (o : Own) : Crd -> R := own_key (refs r o).
(* run_question: a value query turns away from the own tokens by - f; a payload query reads against its
   reference *)
Definition run_question (ix : I) : (Crd -> R) * (Own -> Crd -> R) * option Ch :=
  match ix with
  | inl (i, c) => (vec (pad (scale sv (A i)) (- f)) (fun _ => 0) 0, own_keys (place i).1, Some c)
  | inr (i, p) => (vec (pad (scale sp (A i)) 0) (fun p' => if p' == p then g else 0) 0, own_keys (place i).1,
    None)
  end.

Hypotheses (hp : forall i, refs (place i).1 (place i).2 = i) (refs_inj : forall r, injective (refs r)).
Hypotheses (hA : incoherent A mu) (ca0 : 0 <= ca) (sv0 : 0 <= sv) (sp0 : 0 <= sp)
  (cp0 : 0 <= cp) (g0 : 0 <= g) (f0 : 0 <= f) (turn : sv * ca * (1 - mu) <= f * sqrt (1 - ca * ca))
  (lv01 : forall a, 0 <= lv a <= 1) (y1 : forall a, -1 <= y a <= 1).
Notation tauV := (tau_values Tok Own mu ca sv).
Notation tauK := (tau_payload Tok Own mu ca cp sp g).

Lemma address_le i j : i != j -> dot (A i) (A j) <= mu. Proof. exact: (proj2 hA). Qed.

(* logits of a query with address s a_i, padding h and payload part pay *)
Lemma run_logit_stored s h pay (x : X) i j : dot (vec (pad (scale s (A i)) h) pay 0) (skey x j) =
  s * ca * dot (A i) (A j) + dot pay (payload cp y x j).
Proof. by rewrite dot_vec dot_scale_r /padded dot_pad dot_scale; ring. Qed.

Lemma run_logit_own s h pay i j : dot (vec (pad (scale s (A i)) h) pay 0) (own_key j) =
  s * ca * dot (A i) (A j) + h * sqrt (1 - ca * ca).
Proof. by rewrite /own_key dot_vec dot_pad dot_scale dot_scale_r [dot pay _]dot_sym dot0; ring. Qed.

(* Sketch: the query is the address of token i. Every other logit, of cached or own tokens, is lower by a
   factor 1 - mu, so their mass is at most tauV times that of i, and the output is that close to the value.
   *)
Lemma run_value_reading x i c :
  Rabs (output (inst x) (run_question (inl (i, c))) - lv (value_symbol x i c)) <= tauV.
Proof.
have b0 : 0 <= sv * ca by nra.
pose l j := dot (run_question (inl (i, c))).1.1 (join (skey x) (own_keys (place i).1) j).
pose v j := join (sval x) (fun (_ : Own) _ => 0) j (Some c).
have v01 j : 0 <= v j <= 1 by case: j => [j|o] /=; [exact: lv01|rewrite /v /=; lra].
have rest : \rsum_(j | j != inl i) exp (l j) <= tauV * exp (l (inl i)).
  have -> : tauV * exp (l (inl i)) = (N Tok + N Own - 1) * exp (sv * ca * mu).
    rewrite /l [join _ _ _]/= run_logit_stored dot0 (proj1 hA) /tau_values /leak Rmult_assoc -exp_plus.
    by congr (_ * exp _); ring.
  rewrite -N_sum; apply: rest_mass => -[j|o] ji; rewrite /l [join _ _ _]/=.
    rewrite run_logit_stored dot0 Rplus_0_r; apply: Rmult_le_compat_l => //.
    by apply: address_le; apply: contraNN ji => /eqP ->.
  rewrite /own_keys run_logit_own; case: (altP (i =P refs (place i).1 o)) => [<-|ne];
    first by rewrite (proj1 hA); lra.
  have := Rmult_le_compat_l _ _ _ b0 (address_le ne).
  by have := Rmult_le_pos _ _ f0 (sqrt_pos (1 - ca * ca)); lra.
exact: (gap_near (v01 (inl i)) (rest_ge0 rest) (softmax_gap v01 rest)).
Qed.

(* Sketch: the query weighs token i against the one own token that has i's address, so that the output is
   the logistic of their difference in logits, which is the payload; the mass of all other tokens is at most
   tauK of the reference's. *)
Lemma run_payload_reading x i p :
  Rabs (output (inst x) (run_question (inr (i, p))) - logistic (g * cp * y (payload_symbol x i p))) <= tauK.
Proof.
have b0 : 0 <= sp * ca by nra.
have c0 : 0 <= g * cp by nra.
pose k := (place i).2; pose l j := dot (run_question (inr (i, p))).1.1 (join (skey x) (own_keys (place i).1)
  j).
have lj j : l (inl j) = sp * ca * dot (A i) (A j) + g * cp * y (payload_symbol x j p).
  by rewrite /l [join _ _ _]/= run_logit_stored dot_pick /payload; ring.
have lo o : l (inr o) = sp * ca * dot (A i) (A (refs (place i).1 o)).
  by rewrite /l [join _ _ _]/= /own_keys run_logit_own; ring.
have li : l (inl i) = sp * ca + g * cp * y (payload_symbol x i p) by rewrite lj (proj1 hA) Rmult_1_r.
have lk : l (inr k) = sp * ca by rewrite lo hp (proj1 hA) Rmult_1_r.
have -> : g * cp * y (payload_symbol x i p) = l (inl i) - l (inr k) by rewrite li lk; ring.
apply: (softmax_two (l := l) (v := fun j => join (sval x) (fun _ _ => 0) j None)) => //.
  by case=> [j|o] /=; lra.
rewrite lk /tau_payload Rmult_assoc -exp_plus.
have -> : g * cp - sp * ca * (1 - mu) + sp * ca = sp * ca * mu + g * cp by ring.
apply: Rle_trans (_ : _ <= \rsum_(j | (j != inl i) && (j != inr k)) exp (sp * ca * mu + g * cp)) _.
  apply: rsum_le => -[j|o] /andP[ji jr]; apply: exp_mono.
    rewrite lj; apply: Rplus_le_compat.
      by apply: Rmult_le_compat_l => //; apply: address_le; apply: contraNN ji => /eqP ->.
    by have [_ y2] := y1 (payload_symbol x j p); nra.
  rewrite lo; have ne : i != refs (place i).1 o.
    by apply: contraNN jr => /eqP e; rewrite -(refs_inj (etrans (hp i) e)).
  by have := Rmult_le_compat_l _ _ _ b0 (address_le ne); lra.
rewrite rsum_const_card; apply: Rmult_le_compat_r; first exact/Rlt_le/exp_pos.
by rewrite -N_sum; exact/INR_le/max_card.
Qed.

(* keys and values of one instance, with one set of own tokens in every run *)
Theorem run_keys_and_values (W S : finType)
    (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  (forall a b, a != b -> 2 * (eta + tauV) < Rabs (lv a - lv b)) ->
  (forall a b, a != b -> 2 * (eta + tauK) < Rabs (logistic (g * cp * y a) - logistic (g * cp * y b))) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) inst run_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
move=> V0 K0 sepV sepK; apply: symbols_lower_bound => // u v [[i c]|[i p]] o gu gv; apply/eqP/negPn/negP.
  move/sepV => ne; apply: (Rlt_irrefl (2 * (eta + tauV))); apply: (Rlt_le_trans _ _ _ ne).
  exact: apart_near (run_value_reading u i c) (run_value_reading v i c) gu gv.
move/sepK => ne; apply: (Rlt_irrefl (2 * (eta + tauK))); apply: (Rlt_le_trans _ _ _ ne).
exact: apart_near (run_payload_reading u i p) (run_payload_reading v i p) gu gv.
Qed.
End FixedOwn.

(* ---------- explicit parameters ------------------------------------------------------------------ *)
(* turning mu rho: how far a value query turns away from the own tokens, relative to its address part *)
Definition turning (mu rho : R) : R := address_scale rho * (1 - mu) / rho.
(* tau_run: leak of a value query of norm lambda among n tokens *)
Definition tau_run (n mu rho lam : R) : R := leak n (query_scale lam (turning mu rho) * address_scale rho) mu.

Section RunC.
Variables (Tok Own Adr Pay Ch : finType) (Run : Type) (refs : Run -> Own -> Tok) (place : Tok -> Run * Own).
Variables (A : Tok -> Adr -> R) (mu rho lam gam : R) (LV LK : nat).
Notation Crd := [finType of (Adr + unit) + Pay + unit].
Notation c := (payload_logit (N Pay) rho lam gam).
Notation tauV := (tau_run (N Tok + N Own) mu rho lam).
Notation tauK := (tau_C (N Tok + N Own) (N Pay) mu rho lam gam).
Notation sv := (query_scale lam (turning mu rho)).
(* run_C_instance, run_C_question: the instances of Theorem C with padded addresses, and the questions of a
   run *)
Definition run_C_instance := @C_instance Tok [finType of Adr + unit] Pay Ch (padded A) rho lam gam LV LK.
Definition run_C_question := @run_question Tok Own Adr Pay Ch Run refs place A (address_scale rho)
  sv (query_scale lam gam) (gam * query_scale lam gam) (turning mu rho * sv).

Hypotheses (hp : forall i, refs (place i).1 (place i).2 = i) (refs_inj : forall r, injective (refs r)).
Hypotheses (hA : incoherent A mu) (mu01 : 0 <= mu <= 1) (rho01 : 0 < rho <= 1)
  (lam0 : 0 < lam) (gam0 : 0 < gam) (P0 : 0 < N Pay).

Lemma address_fill : sqrt (1 - address_scale rho * address_scale rho) = rho.
Proof.
have -> : 1 - address_scale rho * address_scale rho = rho * rho by rewrite /address_scale sqrt_sqrt; nra.
by apply: sqrt_square; lra.
Qed.

Lemma query_scale_facts k : 0 <= k ->
  0 < query_scale lam k /\ query_scale lam k * query_scale lam k * (1 + k * k) = lam * lam.
Proof.
move=> k0; have s0 : 0 < sqrt (1 + k * k) by apply: sqrt_lt_R0; nra.
split; first by apply: Rdiv_lt_0_compat; lra.
have s2 : sqrt (1 + k * k) * sqrt (1 + k * k) = 1 + k * k by apply: sqrt_sqrt; nra.
by rewrite -s2 /query_scale; field; lra.
Qed.

Lemma turning_ge0 : 0 <= turning mu rho.
Proof. by apply: Rdiv_le_r; [lra|rewrite Rmult_0_l; apply: Rmult_le_pos; [exact: sqrt_pos|lra]]. Qed.

(* cached keys and own keys are unit vectors, queries have norm lambda *)
Lemma run_C_norms :
  [/\ forall x i, dot ((run_C_instance x).1 i) ((run_C_instance x).1 i) = 1,
      forall ix, dot (run_C_question ix).1.1 (run_C_question ix).1.1 = lam * lam
    & forall ix o, dot ((run_C_question ix).1.2 o) ((run_C_question ix).1.2 o) = 1].
Proof.
have [A1 _] := hA; split.
- by move=> x i; exact: (C_keys_unit (padded_incoherent hA) rho01 lam0 gam0 P0).
- case=> -[i b] /=; rewrite dot_vec dot_pad dot_scale dot_scale_r A1.
    by rewrite dot0; have [_ <-] := query_scale_facts turning_ge0; ring.
  by rewrite dot_pick eqxx; have [_ <-] := query_scale_facts (Rlt_le _ _ gam0); ring.
have own1 i : dot (@own_key _ _ Pay A (address_scale rho) i) (@own_key _ _ Pay A (address_scale rho) i) = 1.
  rewrite /own_key dot_vec dot_pad dot_scale dot_scale_r A1 dot0 address_fill /address_scale.
  have e : sqrt (1 - rho * rho) * sqrt (1 - rho * rho) = 1 - rho * rho by apply: sqrt_sqrt; nra.
  by lra.
by move=> [[i b]|[i b]] o; exact: own1.
Qed.

(* Theorem C with one set of own tokens for all questions of a run *)
Theorem theorem_C_run (W S : finType) (compress : W -> (Tok -> Crd -> R) * (Tok -> option Ch -> R) -> S)
    (answer : W -> S -> (Crd -> R) * (Own -> Crd -> R) * option Ch -> R) (eta dV dK : R) :
  (0 < LV)%nat -> (0 < LK)%nat ->
  2 * (eta + tauV) * (INR LV - 1) < 1 ->
  2 * (eta + tauK) * (INR LK - 1) < logistic c - logistic (- c) ->
  0 <= dV <= 1 - / INR LV -> 0 <= dK <= 1 - / INR LK -> 0 < N W ->
  correct_on_average (fun inp q => near eta (output inp q)) run_C_instance run_C_question compress answer
    (fun i => if i is inl _ then dV else dK) ->
  N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= log2 (N S).
Proof.
have [ca cp [sp0 _] c0] := C_signs rho01 lam0 gam0 P0.
have [sv0 _] := query_scale_facts turning_ge0; have k0 := turning_ge0.
move=> V0 K0 stepV stepK hV hK W0 hc.
apply: (@run_keys_and_values Tok Own Adr Pay Ch Run refs place A mu (address_scale rho)
  (payload_scale (N Pay) rho)
  LV LK (@grid LV) (@payload_level c LK) sv (query_scale lam gam) (gam * query_scale lam gam)
    (turning mu rho * sv)
  hp refs_inj hA ca (Rlt_le _ _ sv0) (Rlt_le _ _ sp0) (Rlt_le _ _ cp) _ _ _ _ _
  W S compress answer eta dV dK V0 K0 _ _ hV hK W0 hc).
- by nra.
- by nra.
- rewrite address_fill /turning; apply: Req_le; field; lra.
- exact: grid_01.
- by move=> a; exact: payload_level_range.
- by move=> a b; exact: grid_step.
by move=> a b; rewrite -/c !logistic_payload_level //; exact: logistic_level_step.
Qed.
End RunC.

(* ---------- the total reading time of many queries ------------------------------------------- *)
Section TotalTime.
Variables (Qry Tok Crd W : finType) (u : Qry -> Crd -> R) (e : Qry -> Tok -> Tok -> Crd -> R)
  (mu lam eta delta : R).
Notation Row := ((Crd -> R) * R)%type.
(* arranged q i b: the row of query q (key u q, value b) lies at place i; row j has key e q i j and value 0 *)
Definition arranged q (i : Tok) (b : bool) (j : Tok) : Row := if j == i then (u q, ind b) else (e q i j, 0).
Hypotheses (u1 : forall q, dot (u q) (u q) = 1) (eu : forall q i j, j != i -> dot (u q) (e q i j) <= mu)
  (lam0 : 0 <= lam) (he : 0 <= eta < 1) (gap : (1 + eta) * leak (N Tok) lam mu < 1 - eta).
(* P q w: the rows that query q reads under coins w, chosen without looking at them *)
Variables (P : Qry -> W -> {set Tok}) (ans : Qry -> W -> (Tok -> Row) -> R).
Definition arranged_correct : Prop := forall q i b,
  INR #|[pred w | ~~ approx eta (read_out (u q) lam (arranged q i b)) (ans q w (arranged q i b))]| <= delta *
    N W.

Lemma arranged_gap q i b (t := leak (N Tok) lam mu) :
  0 <= t /\ ind b / (1 + t) <= read_out (u q) lam (arranged q i b) <= (ind b + t) / (1 + t).
Proof.
have hi : arranged q i b i = (u q, ind b) by rewrite /arranged eqxx.
have -> : ind b = (fun j (_ : unit) => (arranged q i b j).2) i tt by rewrite /= hi.
apply: (attention_gap (K := fun j => (arranged q i b j).1)) => //; first by rewrite hi; exact: u1.
  by move=> j ji; rewrite /arranged (negbTE ji); exact: eu.
by move=> j; rewrite /arranged; case: eqP => _; [exact: ind_01|rewrite /=; lra].
Qed.

(* rows read by all queries together, in the mean over the coins: at least Q (1 - 2 delta) T,
   if a row that two queries read is counted twice *)
Theorem total_time : (forall q, nonadaptive (P q) (ans q)) -> arranged_correct ->
  N Qry * ((1 - 2 * delta) * N Tok) * N W <= \rsum_(w : W) \rsum_(q : Qry) INR #|P q w|.
Proof.
move=> na hc; pose bad q i b w := ~~ approx eta (read_out (u q) lam (arranged q i b))
  (ans q w (arranged q i b)).
have key q w i : 1 <= ind (i \in P q w) + (ind (bad q i true w) + ind (bad q i false w)).
  case: (boolP (i \in P q w)) => [_|iP] /=.
    by have := ind_01 (bad q i true w); have := ind_01 (bad q i false w); lra.
  have same : ans q w (arranged q i true) = ans q w (arranged q i false).
    by apply: na => j jP; rewrite /arranged; case: eqP => // ji; rewrite -ji jP in iP.
  case b1 : (bad q i true w); case b2 : (bad q i false w); rewrite /=; try lra; exfalso.
  move/negbFE: b1; move/negbFE: b2; rewrite same => g2 g1.
  have [t0 [k1 _]] := arranged_gap q i true; have [_ [_ k2]] := arranged_gap q i false.
  by have := approx_apart he t0 k2 k1 g2 g1; rewrite /=; lra.
have each q : (1 - 2 * delta) * N Tok * N W <= \rsum_(w : W) INR #|P q w|.
  have : \rsum_(w : W) \rsum_(i : Tok) 1
      <= \rsum_(w : W) \rsum_(i : Tok) (ind (i \in P q w) + (ind (bad q i true w) + ind (bad q i false w))).
    by apply: rsum_le => w _; apply: rsum_le => i _; exact: key.
  under [X in _ <= X]eq_bigr => w _ do rewrite big_split /= sum_ind.
  rewrite big_split /= [X in _ <= _ + X]exchange_big /= !rsum_const => h.
  have hb : \rsum_(i : Tok) \rsum_(w : W) (ind (bad q i true w) + ind (bad q i false w))
      <= \rsum_(i : Tok) (2 * delta * N W).
    apply: rsum_le => i _; rewrite big_split /= !sum_ind.
    by have := hc q i true; have := hc q i false; rewrite /bad; lra.
  rewrite rsum_const in hb.
  have -> : \rsum_(w : W) INR #|P q w| = \rsum_(w : W) INR #|[pred i | i \in P q w]| by apply: eq_bigr.
  lra.
rewrite exchange_big /= Rmult_assoc -rsum_const; apply: rsum_le => q _; exact: each.
Qed.
End TotalTime.

(* one cache for all queries: T incoherent keys, query q asks for key of q, and that row changes places with
   row i *)
Theorem total_time_one_cache (Qry Tok Crd W : finType) (K : Tok -> Crd -> R) (goal : Qry -> Tok)
  (mu lam eta delta : R)
    (P : Qry -> W -> {set Tok}) (ans : Qry -> W -> (Tok -> (Crd -> R) * R) -> R) :
  let u q := K (goal q) in let e q i j := if j == goal q then K i else K j in
  incoherent K mu -> 0 <= lam -> 0 <= eta < 1 -> (1 + eta) * leak (N Tok) lam mu < 1 - eta ->
  (forall q, nonadaptive (P q) (ans q)) -> arranged_correct u e lam eta delta ans ->
  N Qry * ((1 - 2 * delta) * N Tok) * N W <= \rsum_(w : W) \rsum_(q : Qry) INR #|P q w|.
Proof.
move=> u e [K1 K2] l0 he gap; apply: (total_time (mu := mu)) => // [q|q i j ji]; first exact: K1.
rewrite /u /e; case: (altP (j =P goal q)) => [jq|jq].
  by apply: K2; rewrite -jq.
by apply: K2; rewrite eq_sym.
Qed.
