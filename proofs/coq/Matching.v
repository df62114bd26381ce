(* Two instances that no question tells apart have keys that match.  Steps 0 to 2 of docs/cliques.md. *)
From LowerBound Require Export Zoom Angles.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- step 0: the reference ------------------------------------------------------------------ *)
(* apart eta: 4 artanh (2 eta) *)
Definition apart (eta : R) : R := 2 * ln ((1 + 2 * eta) / (1 - 2 * eta)).
(* mass q K: the sum of the weights of all tokens *)
Definition mass (Tok Crd : finType) (q : Crd -> R) (K : Tok -> Crd -> R) : R := \rsum_j exp (dot q (K j)).

Lemma logistic_mono x y : x < y -> logistic x < logistic y.
Proof.
move=> h; have ex := exp_pos (- x); have ey := exp_pos (- y).
have : exp (- y) < exp (- x) by apply: exp_increasing; lra.
by move=> hh; rewrite /logistic; apply: Rinv_lt_contravar; nra.
Qed.

Lemma apart_ge0 eta : 0 <= eta < 1/2 -> 0 <= apart eta.
Proof.
move=> h; suff : 0 <= ln ((1 + 2 * eta) / (1 - 2 * eta)) by rewrite /apart; lra.
by apply: ln_ge0; apply: Rdiv_le_r; lra.
Qed.

(* Logits on different sides of an interval of length apart eta have outputs more than 2 eta apart. *)
Lemma logistic_gap eta x y : 0 <= eta < 1/2 -> apart eta / 2 <= x -> y < - (apart eta / 2) ->
  2 * eta < logistic x - logistic y.
Proof.
move=> he hx hy; pose D := apart eta / 2.
have : logistic y < logistic (- D) by apply: logistic_mono.
have : logistic D <= logistic x by case: hx => [/logistic_mono/Rlt_le|<-] //; exact: Rle_refl.
suff : logistic D - logistic (- D) = 2 * eta by lra.
set r := (1 + 2 * eta) / (1 - 2 * eta); have r0 : 0 < r by apply: Rdiv_lt_0_compat; lra.
have eD : exp D = r by rewrite /D /apart -/r -[RHS](exp_ln r r0); congr exp; field.
have -> : logistic D = exp D / (exp D + exp 0) by rewrite -logistic_ratio Rminus_0_r.
have -> : logistic (- D) = exp 0 / (exp 0 + exp D) by rewrite -logistic_ratio Rminus_0_l.
by rewrite exp_0 eD /r; field; lra.
Qed.

Section Matching.
Variables (Tok Own Crd Ch : finType) (t0 : Tok) (o0 : Own) (a b : Crd) (lam eta : R).
Implicit Types q r u : Crd -> R.
Implicit Types K : Tok -> Crd -> R.
Implicit Types V : Tok -> Ch -> R.
Notation s := (apart eta).

Lemma mass_gt0 q K : 0 < mass q K.
Proof.
apply: Rlt_le_trans (exp_pos (dot q (K t0))) _.
by apply: (rsum_term (f := fun j => exp (dot q (K j)))) => j; exact/Rlt_le/exp_pos.
Qed.

(* All own tokens are copies of r, and the channel is constant: the output compares the mass with the copies.
   *)
Lemma reference_reading q K r V ch : (forall i, V i ch = 1) ->
  attention_own q K (fun _ : Own => r) V ch = logistic (ln (mass q K) - (ln (N Own) + dot q r)).
Proof.
move=> hV; have n1 := N_ge1 o0; have m0 := mass_gt0 q K.
rewrite logistic_ratio exp_ln // exp_plus exp_ln; last lra.
rewrite /attention_own /attention /softmax_mean !big_sumType /=; congr (_ / (_ + _)).
  rewrite [X in _ + X]big1 => [|o _]; last by rewrite Rmult_0_r.
  by rewrite Rplus_0_r; apply: eq_bigr => j _; rewrite hV Rmult_1_r.
by rewrite rsum_const.
Qed.

(* alike K K': no query of norm lam and no reference tell the two lists of keys apart *)
Definition alike K K' : Prop := forall q r V ch, norm2 q = 1 -> norm2 r = 1 -> (forall i, V i ch = 1) ->
  Rabs (attention_own (scale lam q) K (fun _ : Own => r) V ch
        - attention_own (scale lam q) K' (fun _ : Own => r) V ch) <= 2 * eta.

Hypotheses (he : 0 <= eta < 1/2) (l0 : 0 < lam) (ch : Ch) (ab : a != b).

(* Two instances that have acceptable answers in common are alike, whatever their other values. *)
Lemma alike_of_answers K K' V V' (ans : (Crd -> R) -> (Crd -> R) -> R) (c : Ch) :
  (forall i, V i c = 1) -> (forall i, V' i c = 1) ->
  (forall q r, norm2 q = 1 -> norm2 r = 1 ->
     near eta (attention_own (scale lam q) K (fun _ : Own => r) V c) (ans q r)) ->
  (forall q r, norm2 q = 1 -> norm2 r = 1 ->
     near eta (attention_own (scale lam q) K' (fun _ : Own => r) V' c) (ans q r)) -> alike K K'.
Proof.
move=> hV hV' h h' q r U c' q1 r1 hU; rewrite !reference_reading //.
by have := near_apart (h q r q1 r1) (h' q r q1 r1); rewrite !reference_reading.
Qed.

(* a reference of any logit within lam of ln N Own: a unit vector at the right angle from q *)
Lemma reference_exists q z : norm2 q = 1 -> - lam + ln (N Own) <= z <= lam + ln (N Own) ->
  exists r, norm2 r = 1 /\ ln (N Own) + lam * dot q r = z.
Proof.
move=> q1 hz; have [u [u1 uq]] := orthogonal ab q1; pose x := (z - ln (N Own)) / lam.
have x1 : -1 <= x <= 1 by split; [apply: Rdiv_le_r|apply: Rdiv_le_l]; lra.
exists (mix x q (sine x) u); rewrite dot_mix !dot_mix_r q1 u1 uq [dot q u]dot_sym uq; split.
  by have := sine_sqr x1; lra.
by rewrite /x; field; lra.
Qed.

(* If K and K' are alike, the mass of K' is at most a factor e^s below any lower bound of the mass of K, in
   reach of the references. *)
Lemma mass_lower K K' q v : alike K K' -> norm2 q = 1 ->
  - lam + ln (N Own) + s / 2 <= v <= lam -> v <= ln (mass (scale lam q) K) ->
  v - s <= ln (mass (scale lam q) K').
Proof.
move=> hK q1 hv hm; have s0 := apart_ge0 he.
have n0 : 0 <= ln (N Own) by apply: ln_ge0; exact: N_ge1 o0.
have [r [r1 hr]] := @reference_exists q (v - s / 2) q1 ltac:(lra); apply: Rnot_lt_le => h.
have := hK q r (fun _ _ => 1) ch q1 r1 (fun _ => erefl); rewrite !reference_reading // dot_scale hr.
move: hm h; set m := ln (mass _ K); set m' := ln (mass _ K') => hm h.
have g := @logistic_gap eta (m - (v - s / 2)) (m' - (v - s / 2)) he ltac:(lra) ltac:(lra).
set x := logistic _ in g *; set y := logistic _ in g *.
by have := Rle_abs (x - y); lra.
Qed.

(* ---------- step 1: keys match ---------------------------------------------------------------------- *)
Lemma mass_key q K i : dot q (K i) <= ln (mass q K).
Proof.
rewrite -[X in X <= _]ln_exp; apply: ln_le; first exact: exp_pos.
by apply: (rsum_term (f := fun j => exp (dot q (K j)))) => j; exact/Rlt_le/exp_pos.
Qed.

(* The largest logit is at least ln mass - ln T: otherwise T weights would add up to less than the mass. *)
Lemma mass_max q K : exists j, ln (mass q K) - ln (N Tok) <= dot q (K j).
Proof.
have n1 := N_ge1 t0; have m0 := mass_gt0 q K; pose x := ln (mass q K) - ln (N Tok).
case: (boolP [exists j, Rleb x (dot q (K j))]) => [/existsP[j /RlebP h]|]; first by exists j.
rewrite negb_exists => /forallP h; exfalso.
have lt j : dot q (K j) < x by apply: Rnot_le_lt => /RlebP hj; have := h j; rewrite hj.
have ex : N Tok * exp x = mass q K.
  by rewrite /x /Rminus exp_plus exp_Ropp !exp_ln; [field| |]; lra.
have : mass q K < N Tok * exp x; last by lra.
rewrite -rsum_const /mass [X in X < _](bigD1 t0) //= [X in _ < X](bigD1 t0) //=.
apply: Rplus_lt_le_compat; first by apply: exp_increasing; exact: lt.
by apply: rsum_le => j _; apply: exp_mono; exact/Rlt_le/lt.
Qed.

(* the tokens but one weigh at most (T - 1) e^x *)
Lemma mass_upper q K j x : (forall l, l != j -> dot q (K l) <= x) ->
  mass q K <= exp (dot q (K j)) + (N Tok - 1) * exp x.
Proof.
move=> h; rewrite /mass (bigD1 j) //=; apply: Rplus_le_compat_l.
exact: (rest_mass (l := fun l => dot q (K l))).
Qed.

(* coarse_cos: the cosine 1 - (s + ln T) / lam of a first, coarse match *)
Definition coarse_cos : R := 1 - (s + ln (N Tok)) / lam.

(* At the query K i some key of K' has a cosine of at least coarse_cos. *)
Lemma coarse_match K K' i : alike K K' -> norm2 (K i) = 1 -> - lam + ln (N Own) + s / 2 <= lam ->
  exists j, lam - s <= ln (mass (scale lam (K i)) K') /\ coarse_cos <= dot (K i) (K' j).
Proof.
move=> hK k1 reach.
have h : lam - s <= ln (mass (scale lam (K i)) K').
  apply: (@mass_lower K) => //; first lra.
  by have := mass_key (scale lam (K i)) K i; rewrite dot_scale k1; lra.
have [j hj] := mass_max (scale lam (K i)) K'; exists j; split=> //.
rewrite dot_scale in hj.
have -> : coarse_cos = (lam - s - ln (N Tok)) / lam by rewrite /coarse_cos; field; lra.
by apply: Rdiv_le_l; lra.
Qed.

(* All keys of a coherent list but one are far from a direction near that one. *)
Lemma others_far K j l mu c u :
  incoherent K mu -> norm2 u = 1 -> l != j -> 0 <= mu <= c -> c <= dot u (K j) -> dot u (K l) <= turn c mu.
Proof.
move=> [k1 hmu] u1 lj mc hc; have x1 := dot_unit u1 (k1 j).
have y1 := dot_unit (k1 j) (k1 l); have jl : j != l by rewrite eq_sym.
have [_ h] := unit_triangle u1 (k1 j) (k1 l); apply: Rle_trans h _.
by have m := hmu _ _ jl; apply: turn_le; lra.
Qed.

(* match_leak mu: weight of the other keys, relative to e^(lam - s);  match_cos mu: cosine of a match *)
Definition match_leak (mu : R) : R := (N Tok - 1) * exp (s - lam * (1 - turn coarse_cos mu)).
Definition match_cos (mu : R) : R := 1 - (s - ln (1 - match_leak mu)) / lam.

(* the same where the cosine c of the coarse match is any other *)
Definition leak_beyond (c mu : R) : R := (N Tok - 1) * exp (s - lam * (1 - turn c mu)).
Definition cos_beyond (c mu : R) : R := 1 - (s - ln (1 - leak_beyond c mu)) / lam.

(* A coarse match of cosine c is one of cosine cos_beyond c.
   Sketch.  All keys of K' but j are far from it, hence from K i, and weigh at most leak_beyond e^(lam - s)
   there; but the mass of K' is at least e^(lam - s), so key j has the rest. *)
Lemma finer_match K K' mu c i j : norm2 (K i) = 1 -> incoherent K' mu ->
  lam - s <= ln (mass (scale lam (K i)) K') -> 0 <= mu <= c -> c <= dot (K i) (K' j) ->
  leak_beyond c mu < 1 -> cos_beyond c mu <= dot (K i) (K' j).
Proof.
move=> k1 inc' h mc hj leak1.
have far l : l != j -> dot (scale lam (K i)) (K' l) <= lam * turn c mu.
  move=> lj; rewrite dot_scale; apply: Rmult_le_compat_l; first lra.
  exact: (others_far inc' k1 lj mc hj).
have := mass_upper far; rewrite dot_scale => up.
have m0 := mass_gt0 (scale lam (K i)) K'.
have lo : exp (lam - s) <= mass (scale lam (K i)) K' by rewrite -[X in _ <= X](exp_ln _ m0); exact: exp_mono.
have e : (N Tok - 1) * exp (lam * turn c mu) = leak_beyond c mu * exp (lam - s).
  by rewrite /leak_beyond Rmult_assoc -exp_plus; congr (_ * exp _); ring.
rewrite e in up; set d := dot (K i) (K' j) in up *.
have p : 0 < 1 - leak_beyond c mu by lra.
have {}up : exp (ln (1 - leak_beyond c mu) + (lam - s)) <= exp (lam * d) by rewrite exp_plus exp_ln; lra.
have {}up : ln (1 - leak_beyond c mu) + (lam - s) <= lam * d.
  by apply: Rnot_lt_le => /exp_increasing; lra.
have -> : cos_beyond c mu = (ln (1 - leak_beyond c mu) + (lam - s)) / lam by rewrite /cos_beyond; field; lra.
by apply: Rdiv_le_l; lra.
Qed.

(* Every key of K has a partner in K' at a cosine of at least match_cos. *)
Theorem keys_match K K' mu i : alike K K' -> incoherent K mu -> incoherent K' mu ->
  0 <= mu <= coarse_cos -> match_leak mu < 1 -> - lam + ln (N Own) + s / 2 <= lam ->
  exists j, match_cos mu <= dot (K i) (K' j).
Proof.
move=> hK [k1 hmu] inc' mc leak1 reach.
have [j [h hj]] := coarse_match hK (k1 i) reach; exists j.
exact: (finer_match (k1 i) inc' h mc hj leak1).
Qed.

(* ---------- step 1 again: few keys match ------------------------------------------------------------- *)
(* edge_cos: keys of smaller cosines weigh less than half of e^(lam - s), all T of them together;  few mu: no
   more keys of mutual cosines mu have so large a cosine with one direction;  few_cos: what the best of them
   then has at least *)
Definition edge_cos : R := 1 - (s + ln (2 * N Tok)) / lam.
Definition few (mu : R) : R := (1 - mu) / (edge_cos * edge_cos - mu).
Definition few_cos (mu : R) : R := 1 - (s + ln (2 * few mu)) / lam.

(* Keys of a set A that have a cosine of at least e with a unit vector are few.
   Sketch.  Their sum v has <u, v> >= m e, and |v|^2 <= m + m (m - 1) mu; by Cauchy and Schwarz, m^2 e^2 is at
   most that. *)
Lemma few_keys K mu u e (A : pred Tok) : incoherent K mu -> norm2 u = 1 -> 0 <= e -> mu < e * e -> mu <= 1 ->
  (forall j, A j -> e <= dot u (K j)) -> INR #|[pred j | A j]| <= (1 - mu) / (e * e - mu).
Proof.
move=> [k1 hmu] u1 e0 hmue mu1 hA; set m := INR _; have m0 : 0 <= m by exact: pos_INR.
pose v c := \rsum_(j | A j) K j c.
have sum_dot w : dot w v = \rsum_(j | A j) dot w (K j).
  by rewrite /dot exchange_big /=; apply: eq_bigr => c _; rewrite /v big_distrr.
have lo : m * e <= dot u v.
  by rewrite sum_dot /m -rsum_const_card; apply: rsum_le => j /hA.
have vv : norm2 v <= m * (1 + (m - 1) * mu).
  have -> : norm2 v = \rsum_(j | A j) \rsum_(l | A l) dot (K j) (K l).
    rewrite sum_dot; apply: eq_bigr => j _; rewrite dot_sym; exact: sum_dot.
  rewrite /m -rsum_const_card; apply: rsum_le => j Aj; rewrite (bigD1 j) //= k1.
  apply: Rplus_le_compat_l; apply: Rle_trans (_ : _ <= \rsum_(l | A l && (l != j)) mu) _.
    by apply: rsum_le => l /andP[_ lj]; apply: hmu; rewrite eq_sym.
  rewrite rsum_const_card; apply: Req_le; congr (_ * _).
  have -> : #|[pred j0 | A j0]| = #|[pred l | A l && (l != j)]|.+1.
    by rewrite (cardD1 j) inE Aj add1n; congr _.+1; apply: eq_card => l; rewrite !inE andbC.
  by rewrite S_INR; lra.
have cs := cauchy u v; rewrite u1 in cs.
case: (Req_dec m 0) => [z|mn]; first by rewrite z; apply: Rdiv_le_r; lra.
apply: Rdiv_le_r; first lra.
have sq : m * e * (m * e) <= dot u v * dot u v by have : 0 <= m * e by [nra]; nra.
have {}sq : m * (m * (e * e)) <= m * (1 + (m - 1) * mu) by lra.
have := Rmult_le_reg_l m _ _ ltac:(lra) sq; lra.
Qed.

(* At the query K i some key of K' has a cosine of at least few_cos.
   Sketch.  Keys beyond the edge weigh together at most half of e^(lam - s), which K' weighs; the others are
   at most few.  If each of them weighed less than e^(lam - s) / (2 few), the half would be missing. *)
Lemma few_match K K' mu i : alike K K' -> norm2 (K i) = 1 -> incoherent K' mu ->
  - lam + ln (N Own) + s / 2 <= lam -> 0 <= edge_cos -> mu < edge_cos * edge_cos -> mu <= 1 ->
  exists j, lam - s <= ln (mass (scale lam (K i)) K') /\ few_cos mu <= dot (K i) (K' j).
Proof.
move=> hK k1 inc' reach e0 hmue mu1; have [_ [h _]] := coarse_match hK k1 reach.
have n1 := N_ge1 t0; pose A j := Rleb edge_cos (dot (K i) (K' j)); pose w j := exp (lam * dot (K i) (K' j)).
have hA j : A j -> edge_cos <= dot (K i) (K' j) by move/RlebP.
have hf := few_keys inc' k1 e0 hmue mu1 hA; rewrite -/(few mu) in hf.
have m0 := mass_gt0 (scale lam (K i)) K'; have E0 := exp_pos (lam - s).
have lo : exp (lam - s) <= mass (scale lam (K i)) K' by rewrite -[X in _ <= X](exp_ln _ m0); exact: exp_mono.
have half : N Tok * exp (lam * edge_cos) = exp (lam - s) / 2.
  have -> : lam * edge_cos = lam - s + - ln (2 * N Tok) by rewrite /edge_cos; field; lra.
  by rewrite exp_plus exp_Ropp exp_ln; [field|]; lra.
have parts : mass (scale lam (K i)) K' = \rsum_(j | A j) w j + \rsum_(j | ~~ A j) w j.
  by rewrite /mass (bigID A) /=; congr (_ + _); apply: eq_bigr => j _; rewrite dot_scale.
have far : \rsum_(j | ~~ A j) w j <= exp (lam - s) / 2.
  rewrite -half -rsum_const [X in _ <= X](bigID A) /=.
  have : 0 <= \rsum_(j | A j) exp (lam * edge_cos) by apply: rsum_ge0 => j _; exact/Rlt_le/exp_pos.
  have : \rsum_(j | ~~ A j) w j <= \rsum_(j | ~~ A j) exp (lam * edge_cos); last by lra.
  by apply: rsum_le => j /RlebP/Rnot_le_lt hj; apply/exp_mono/Rmult_le_compat_l; lra.
have [j1 Aj1] : exists j, A j.
  case: (pickP A) => [j Aj|none]; first by exists j.
  by move: parts; rewrite (big_pred0 _ _ _ _ none) => parts; lra.
have f1 : 1 <= few mu.
  apply: Rle_trans hf; rewrite -[1]/(INR 1); apply/le_INR/leP; rewrite (cardD1 j1) inE Aj1 add1n.
  exact: ltn0Sn.
have x0 : exp (lam * few_cos mu) = exp (lam - s) / (2 * few mu).
  have -> : lam * few_cos mu = lam - s + - ln (2 * few mu) by rewrite /few_cos; field; lra.
  by rewrite exp_plus exp_Ropp exp_ln //; lra.
case: (boolP [exists j, Rleb (few_cos mu) (dot (K i) (K' j))]) => [/existsP[j /RlebP hj]|]; first by exists j.
rewrite negb_exists => /forallP no; exfalso.
have below j : w j < exp (lam * few_cos mu).
  apply/exp_increasing/Rmult_lt_compat_l; first lra.
  by apply: Rnot_le_lt => /RlebP hj; have := no j; rewrite hj.
have near : \rsum_(j | A j) w j < INR #|[pred j | A j]| * exp (lam * few_cos mu).
  rewrite -rsum_const_card [X in X < _](bigD1 j1) // [X in _ < X](bigD1 j1) //=.
  by apply: Rplus_lt_le_compat; [exact: below|apply: rsum_le => j _; exact/Rlt_le/below].
have x1 : INR #|[pred j | A j]| * exp (lam * few_cos mu) <= exp (lam - s) / 2.
  rewrite x0; apply: Rle_trans (_ : few mu * (exp (lam - s) / (2 * few mu)) <= _).
    by apply: Rmult_le_compat_r => //; apply: Rdiv_le_r; lra.
  by apply: Req_le; field; lra.
by lra.
Qed.

(* Every key of K has a partner in K' at a cosine of at least cos_beyond (few_cos mu). *)
Theorem few_keys_match K K' mu i : alike K K' -> incoherent K mu -> incoherent K' mu ->
  0 <= edge_cos -> mu < edge_cos * edge_cos -> mu <= 1 -> 0 <= mu <= few_cos mu ->
  leak_beyond (few_cos mu) mu < 1 -> - lam + ln (N Own) + s / 2 <= lam ->
  exists j, cos_beyond (few_cos mu) mu <= dot (K i) (K' j).
Proof.
move=> hK [k1 hmu] inc' e0 hmue mu1 mc leak1 reach.
have [j [h hj]] := few_match hK (k1 i) inc' reach e0 hmue mu1; exists j.
exact: (finer_match (k1 i) inc' h mc hj leak1).
Qed.

(* Different keys have different partners: two keys with one partner would be within twice the angle. *)
Lemma partners_differ K K' mu c i i' j : incoherent K mu -> norm2 (K' j) = 1 -> 0 <= c ->
  mu < 2 * (c * c) - 1 -> c <= dot (K i) (K' j) -> c <= dot (K i') (K' j) -> i = i'.
Proof.
move=> [k1 hmu] k'1 c0 hc hi hi'; apply/eqP/negPn/negP => /hmu m; rewrite dot_sym in hi'.
by have := double_angle (k1 i) k'1 (k1 i') c0 hi hi'; lra.
Qed.

(* Partners at a cosine at which no two keys share one are a bijection. *)
Lemma partners_bijective K K' mu c : incoherent K mu -> incoherent K' mu -> 0 <= c -> mu < 2 * (c * c) - 1 ->
  (forall i, exists j, c <= dot (K i) (K' j)) ->
  exists f : Tok -> Tok, bijective f /\ forall i, c <= dot (K i) (K' (f i)).
Proof.
move=> inc inc' c0 hc hK.
have ex i : exists j, Rleb c (dot (K i) (K' j)) by have [j h] := hK i; exists j; apply/RlebP.
pose g i := xchoose (ex i).
have hg i : c <= dot (K i) (K' (g i)) by apply/RlebP; exact: (xchooseP (ex i)).
have inj : injective g.
  by move=> i i' e; apply: (partners_differ inc (proj1 inc' (g i)) c0 hc (hg i)); rewrite e; exact: hg.
by exists g; split=> //; exact: injF_bij inj.
Qed.

(* matched c: alike and coherent instances have keys that are one to one, at cosines of at least c *)
Definition matched (mu c : R) : Prop := forall K K', alike K K' -> incoherent K mu -> incoherent K' mu ->
  exists f : Tok -> Tok, bijective f /\ forall i, c <= dot (K i) (K' (f i)).

Theorem matching mu : 0 <= mu <= coarse_cos -> match_leak mu < 1 -> - lam + ln (N Own) + s / 2 <= lam ->
  0 <= match_cos mu -> mu < 2 * (match_cos mu * match_cos mu) - 1 -> matched mu (match_cos mu).
Proof.
move=> mc leak1 reach c0 hc K K' hK inc inc'; apply: (partners_bijective inc inc' c0 hc) => i.
exact: keys_match hK inc inc' mc leak1 reach.
Qed.

Theorem few_matching mu : 0 <= edge_cos -> mu < edge_cos * edge_cos -> mu <= 1 -> 0 <= mu <= few_cos mu ->
  leak_beyond (few_cos mu) mu < 1 -> - lam + ln (N Own) + s / 2 <= lam ->
  0 <= cos_beyond (few_cos mu) mu ->
  mu < 2 * (cos_beyond (few_cos mu) mu * cos_beyond (few_cos mu) mu) - 1 ->
  matched mu (cos_beyond (few_cos mu) mu).
Proof.
move=> e0 hmue mu1 mc leak1 reach c0 hc K K' hK inc inc'; apply: (partners_bijective inc inc' c0 hc) => i.
exact: few_keys_match hK inc inc' e0 hmue mu1 mc leak1 reach.
Qed.

(* ---------- step 2: a tilt brings them closer ---------------------------------------------------------- *)
(* C: cosine of the tilt theta;  tilt_cos: cosine of a2 = theta - arccos (C + (s + ln (1 + tau)) / lam) *)
Definition tilt_cos (C tau : R) : R := turn C (C + (s + ln (1 + tau)) / lam).
(* tilt_leak: weight of the other keys at a query of cosine C with one key, relative to that key *)
Definition tilt_leak (C mu : R) : R := (N Tok - 1) * exp (lam * (turn C mu - C)).

(* A query that comes near no key of K' but one says where the matching key of K is: its logit there is larger
   by at most s + ln (1 + tau).
   Sketch.  The logit at K i, less s, is at most ln mass of K', and this is at most the logit at K' i' plus ln
   (1 + tau), tau being the weight of the other keys relative to K' i'. *)
Theorem open_query K K' q i i' c x tau : alike K K' -> norm2 q = 1 -> norm2 (K i) = 1 ->
  c <= dot q (K i) -> c <= dot q (K' i') -> (forall l, l != i' -> dot q (K' l) <= x) ->
  (N Tok - 1) * exp (lam * (x - c)) <= tau -> - lam + ln (N Own) + s / 2 <= lam * c ->
  dot q (K i) - dot q (K' i') <= (s + ln (1 + tau)) / lam.
Proof.
move=> hK q1 k1 hi hi' hx htau reach; have [_ y1] := dot_unit q1 k1.
have tau0 : 0 <= tau.
  by apply: Rle_trans htau; apply: Rmult_le_pos; [have := N_ge1 t0; lra|exact/Rlt_le/exp_pos].
have lo : lam * dot q (K i) - s <= ln (mass (scale lam q) K').
  apply: (@mass_lower K) => //; first by split; nra.
  by have := mass_key (scale lam q) K i; rewrite dot_scale.
have far l : l != i' -> dot (scale lam q) (K' l) <= lam * x.
  by move=> li; rewrite dot_scale; apply: Rmult_le_compat_l; [lra|exact: hx].
have up : ln (mass (scale lam q) K') <= lam * dot q (K' i') + ln (1 + tau).
  have E0 := exp_pos (lam * dot q (K' i')).
  have -> : lam * dot q (K' i') + ln (1 + tau) = ln (exp (lam * dot q (K' i')) * (1 + tau)).
    by rewrite ln_mult ?ln_exp; lra.
  apply: ln_le; first exact: mass_gt0.
  have := mass_upper far; rewrite dot_scale.
  have -> : (N Tok - 1) * exp (lam * x) = (N Tok - 1) * exp (lam * (x - c)) * exp (lam * c).
    by rewrite Rmult_assoc -exp_plus; congr (_ * exp _); ring.
  have h : exp (lam * c) <= exp (lam * dot q (K' i')) by apply: exp_mono; apply: Rmult_le_compat_l; lra.
  have : (N Tok - 1) * exp (lam * (x - c)) * exp (lam * c) <= tau * exp (lam * dot q (K' i')).
    apply: Rle_trans (_ : tau * exp (lam * c) <= _); last exact: Rmult_le_compat_l.
    by apply: Rmult_le_compat_r => //; exact/Rlt_le/exp_pos.
  by lra.
by apply: Rdiv_le_r => //; lra.
Qed.

(* Keys of alike instances within the angle of the tilt are within a2.
   Sketch.  On the great circle of K i and K' j take the query q at the angle theta from K' j, on the side of
   K i. Then lam <q, K i> - s is at most ln mass of K', which is at most lam C + ln (1 + tau).  So q and K i,
   whose angle is theta minus that of the two keys, have a cosine of at most C + (s + ln (1 + tau)) / lam. *)
Theorem tilt K K' mu C tau i j : alike K K' -> norm2 (K i) = 1 -> incoherent K' mu ->
  0 <= mu <= C -> C <= dot (K i) (K' j) -> tilt_leak C mu <= tau -> C + (s + ln (1 + tau)) / lam <= 1 ->
  - lam + ln (N Own) + s / 2 <= lam * C -> tilt_cos C tau <= dot (K i) (K' j).
Proof.
move=> hK k1 inc' mC hC htau g1 reach; have [k'1 _] := inc'.
have x1 := dot_unit k1 (k'1 j); set x := dot (K i) (K' j) in hC x1 *.
have s0 := apart_ge0 he; have tau0 : 0 <= tilt_leak C mu.
  by apply: Rmult_le_pos; [have := N_ge1 t0; lra|exact/Rlt_le/exp_pos].
have lt0 : 0 <= ln (1 + tau) by apply: ln_ge0; lra.
set g := C + (s + ln (1 + tau)) / lam in g1; have gC : C <= g.
  by have : 0 <= (s + ln (1 + tau)) / lam by [apply: Rdiv_le_r; lra]; rewrite /g; lra.
case: (Req_dec x 1) => [-> |xn]; first by rewrite /tilt_cos -/g; apply: turn_le1; lra.
have [q [q1 qj qi]] := @tilted Crd (K i) (K' j) C k1 (k'1 j) ltac:(lra) xn ltac:(rewrite -/x; lra).
rewrite -/x in qi.
have y1 : C <= turn C x.
  have h := @sine_mono C x ltac:(lra); have X0 := sine_ge0 x; have Xs := sine_sqr x1.
  have : C * (1 - x) <= sine C * sine x by nra.
  by rewrite /turn; lra.
have yle : turn C x <= 1 by apply: turn_le1; lra.
have far l : l != j -> dot q (K' l) <= turn C mu.
  by move=> lj; apply: (others_far inc' q1 lj mC); rewrite qj; lra.
have yg : turn C x <= g.
  have := open_query hK q1 k1 _ _ far htau reach; rewrite qi qj /g => h.
  by have := h y1 (Rle_refl C); lra.
rewrite -[X in _ <= X](@turn_turn C x); try lra.
by apply: (@turn_mono_r C (turn C x) g); lra.
Qed.
End Matching.
