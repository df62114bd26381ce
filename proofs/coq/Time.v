(* Time: a reader that chooses its rows without looking must read almost all of them. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section NonAdaptive.
Variables (Tok Crd W : finType) (u : Crd -> R) (e : Tok -> Crd -> R) (mu lam eta delta : R).
Notation Row := ((Crd -> R) * R)%type.                                (* a key and a value *)
(* hidden i b: one relevant row (key u, value b) at place i among irrelevant rows (keys e j, value 0) *)
Definition hidden (i : Tok) (b : bool) (j : Tok) : Row := if j == i then (u, ind b) else (e j, 0).
(* read_out: the attention output of the query lambda u *)
Definition read_out (rows : Tok -> Row) : R :=
  attention (scale lam u) (fun j => (rows j).1) (fun j (_ : unit) => (rows j).2) tt.

Hypotheses (u1 : dot u u = 1) (eu : forall j, dot u (e j) <= mu) (lam0 : 0 <= lam) (he : 0 <= eta < 1)
  (gap : (1 + eta) * leak (N Tok) lam mu < 1 - eta).

Lemma hidden_gap i b (t := leak (N Tok) lam mu) :
  0 <= t /\ ind b / (1 + t) <= read_out (hidden i b) <= (ind b + t) / (1 + t).
Proof.
have hi : hidden i b i = (u, ind b) by rewrite /hidden eqxx.
have -> : ind b = (fun j (_ : unit) => (hidden i b j).2) i tt by rewrite /= hi.
apply: (attention_gap (K := fun j => (hidden i b j).1)) => //; first by rewrite hi.
  by move=> j ji; rewrite /hidden (negbTE ji); exact: eu.
by move=> j; rewrite /hidden; case: eqP => _ /=; [exact: ind_01|lra].
Qed.

(* P w: the rows that are read under coins w;  ans: the answer from all rows *)
Variables (P : W -> {set Tok}) (ans : W -> (Tok -> Row) -> R).
(* nonadaptive: the answer depends on the rows in P w alone, and P w does not depend on the rows *)
Definition nonadaptive : Prop := forall w f g, (forall j, j \in P w -> f j = g j) -> ans w f = ans w g.
(* time_correct: wherever the relevant row hides, the answer is good with probability 1 - delta *)
Definition time_correct : Prop := forall i b,
  INR #|[pred w | ~~ approx eta (read_out (hidden i b)) (ans w (hidden i b))]| <= delta * N W.

(* the mean number of rows read is at least (1 - 2 delta) T *)
Theorem nonadaptive_time : nonadaptive -> time_correct ->
  (1 - 2 * delta) * N Tok * N W <= \rsum_(w : W) INR #|P w|.
Proof.
move=> na hc; pose bad i b w := ~~ approx eta (read_out (hidden i b)) (ans w (hidden i b)).
(* a reader that misses place i gives one answer for both bits, so it is wrong for one of them *)
have key w i : ind (i \notin P w) <= ind (bad i true w) + ind (bad i false w).
  case: (boolP (i \in P w)) => [_|iP] /=.
    by have := ind_01 (bad i true w); have := ind_01 (bad i false w); lra.
  have same : ans w (hidden i true) = ans w (hidden i false).
    by apply: na => j jP; rewrite /hidden; case: eqP => // ji; rewrite -ji jP in iP.
  case b1 : (bad i true w); case b2 : (bad i false w); rewrite /=; try lra; exfalso.
  move/negbFE: b1; move/negbFE: b2; rewrite same => g2 g1.
  have [t0 [k1 _]] := hidden_gap i true; have [_ [_ k2]] := hidden_gap i false.
  by have := approx_apart he t0 k2 k1 g2 g1; rewrite /=; lra.
have missed : \rsum_(w : W) \rsum_(i : Tok) ind (i \notin P w) <= 2 * delta * N Tok * N W.
  apply: Rle_trans (_ : _ <= \rsum_(w : W) \rsum_(i : Tok) (ind (bad i true w) + ind (bad i false w))) _.
    by apply: rsum_le => w _; apply: rsum_le => i _; exact: key.
  rewrite exchange_big /=; apply: Rle_trans (_ : _ <= \rsum_(i : Tok) (2 * delta * N W)) _; last first.
    by rewrite rsum_const; apply: Req_le; ring.
  apply: rsum_le => i _; rewrite big_split /= !sum_ind.
  by have := hc i true; have := hc i false; rewrite /bad; lra.
have split_w w : \rsum_(i : Tok) ind (i \notin P w) = N Tok + - INR #|P w|.
  rewrite sum_ind; have -> : N Tok = INR #|P w| + INR #|[pred i | i \notin P w]|.
    by rewrite /N -(cardC (mem (P w))) plus_INR; congr (_ + INR _).
  have e0 (a b : R) : b = a + b + - a by ring.
  exact: e0.
move: missed; rewrite (eq_bigr _ (fun w _ => split_w w)) big_split /= rsum_const rsum_opp; lra.
Qed.

(* the worst case over the coins *)
Corollary nonadaptive_time_max (p : nat) : 0 < N W -> nonadaptive -> time_correct ->
  (forall w, (#|P w| <= p)%nat) -> (1 - 2 * delta) * N Tok <= INR p.
Proof.
move=> W0 na hc hp; apply: (Rmult_le_reg_r (N W)) => //.
apply: Rle_trans (nonadaptive_time na hc) _; rewrite Rmult_comm -rsum_const.
by apply: rsum_le => w _; exact: INR_le.
Qed.
End NonAdaptive.
