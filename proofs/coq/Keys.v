(* Exponentially many nearly orthogonal unit keys exist, chosen greedily (Gilbert-Varshamov). *)
From LowerBound Require Export Softmax.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- Hoeffding's constant: cosh x <= exp (x^2 / 2) -------------------------- *)
(* No calculus: a crude bound is sharp near 0, and doubling the argument carries it outwards. *)
Lemma exp_mul_opp y : exp y * exp (- y) = 1.
Proof. by rewrite -exp_plus Rplus_opp_r exp_0. Qed.

Lemma cosh_opp x : cosh (- x) = cosh x.
Proof. by rewrite /cosh Ropp_involutive Rplus_comm. Qed.

Lemma exp_double y : exp (2 * y) = exp y * exp y.
Proof. by rewrite -exp_plus; congr exp; ring. Qed.

Lemma cosh_double y : cosh (2 * y) = 2 * (cosh y) ^ 2 - 1.
Proof.
rewrite /cosh; have -> : - (2 * y) = 2 * - y by ring.
have h := exp_mul_opp y; rewrite !exp_double.
have -> : 2 * ((exp y + exp (- y)) / 2) ^ 2 - 1
  = (exp y * exp y + exp (-y) * exp (-y)) / 2 + (exp y * exp (-y) - 1) by field.
by rewrite h; field.
Qed.

Lemma cosh_ge1 y : 1 <= cosh y.
Proof.
rewrite /cosh; have h := exp_mul_opp y; have a := exp_pos y; have b := exp_pos (-y).
have := pow2_ge_0 (exp y - exp (-y)); move: h a b; set u := exp y; set v := exp _ => h a b sq.
have e : (u + v) * (u + v) = (u - v) ^ 2 + 4 * (u * v) by ring.
rewrite h in e; apply: Rnot_lt_le => lt; have {}lt : u + v < 2 by lra.
have : (u + v) * (u + v) < 2 * 2 by nra.
by move: sq; lra.
Qed.

(* crude, but with the right constant as y -> 0 *)
Lemma cosh_crude y : 0 <= y -> cosh y <= exp (y ^ 2 * exp y / 2).
Proof.
move=> y0; pose u := y / 2; have u0 : 0 <= u by rewrite /u; lra.
have yu : y = 2 * u by rewrite /u; field.
pose s := (exp u - exp (- u)) / 2.
have hc : cosh y = 1 + 2 * s ^ 2.
  rewrite yu cosh_double /cosh /s; have h := exp_mul_opp u.
  have -> : 2 * ((exp u + exp (- u)) / 2) ^ 2 - 1
     = 2 * ((exp u - exp (- u)) / 2) ^ 2 + (2 * (exp u * exp (-u)) - 1) by field.
  by rewrite h; field.
have s0 : 0 <= s by have : exp (- u) <= exp u by [apply: exp_mono; lra]; rewrite /s; lra.
have su : s <= u * exp u.
  have h : exp (-u) = exp u * exp (- (2 * u)) by rewrite -exp_plus; congr exp; ring.
  by rewrite /s h; have := exp_ineq1_le (- (2 * u)); have := exp_pos u; nra.
rewrite hc; apply: Rle_trans (exp_ineq1_le _); apply: Rplus_le_compat_l.
have -> : y ^ 2 * exp y / 2 = 2 * (u * exp u) ^ 2 by rewrite yu exp_double; field.
by have : s ^ 2 <= (u * exp u) ^ 2 by [apply: pow_incr]; lra.
Qed.

Lemma cosh_step c y : cosh y <= exp (y ^ 2 * c / 2) -> cosh (2 * y) <= exp ((2 * y) ^ 2 * c / 2).
Proof.
move=> h; have g1 := cosh_ge1 y; set E := exp _ in h.
have -> : (2 * y) ^ 2 * c / 2 = 2 * (2 * (y ^ 2 * c / 2)) by field.
rewrite cosh_double !exp_double -/E.
have h2 : (cosh y) ^ 2 <= E ^ 2 by apply: pow_incr; lra.
by have := pow2_ge_0 (E * E - 1); lra.
Qed.

Lemma cosh_scaled n y : 0 <= y -> cosh (2 ^ n * y) <= exp ((2 ^ n * y) ^ 2 * exp y / 2).
Proof.
move=> y0; elim: n => [|n IH]; first by rewrite /= Rmult_1_l; apply: cosh_crude.
by rewrite [2 ^ n.+1]/= Rmult_assoc; apply: cosh_step.
Qed.

(* Sketch: `cosh_scaled` bounds cosh x by exp (x^2 e^y / 2) for x = 2^n y, so with y as small as wished.
   Were the claim false, by a factor 1 + e in the exponent, a y with e^y < 1 + e would refute it. *)
Theorem cosh_le_exp_square x : cosh x <= exp (x ^ 2 / 2).
Proof.
wlog x0 : x / 0 <= x => [hw|].
  case: (Rle_dec 0 x) => h; first exact: hw.
  have e : x ^ 2 = (- x) ^ 2 by ring.
  by rewrite -cosh_opp e; apply: hw; lra.
case: (Req_dec x 0) => [->|xn]; first by rewrite /cosh Ropp_0 exp_0 /= Rmult_0_l /Rdiv Rmult_0_l exp_0; lra.
have xp : 0 < x ^ 2 by nra.
have lnc : exp (ln (cosh x)) = cosh x by apply: exp_ln; have := cosh_ge1 x; lra.
apply: Rnot_lt_le => hlt.
have l1 : x ^ 2 / 2 < ln (cosh x) by apply: exp_lt_inv; rewrite lnc.
(* if the claim failed by a factor 1 + e in the exponent, y = x / 2^n with e^y < 1 + e refutes it *)
pose e := ln (cosh x) / (x ^ 2 / 2) - 1.
have e0 : 0 < e by have : 1 < ln (cosh x) / (x ^ 2 / 2) by [apply: Rdiv_lt_r; lra]; rewrite /e; lra.
have eE : ln (cosh x) = x ^ 2 * (1 + e) / 2 by rewrite /e; field; lra.
have le0 : 0 < ln (1 + e) by rewrite -ln_1; apply: ln_increasing; lra.
have [n hn] : exists n : nat, x / ln (1 + e) < 2 ^ n.
  have [|n hn] := archimedes (x := x / ln (1 + e)); first by apply/Rlt_le/Rdiv_lt_0_compat; lra.
  exists n; apply: Rlt_le_trans hn _; elim: n => [|n IH]; first by rewrite /=; lra.
  by rewrite S_INR [2 ^ _]/=; have : 1 <= 2 ^ n by [apply: pow_R1_Rle; lra]; lra.
have p2 : 0 < 2 ^ n by apply: pow_lt; lra.
pose y := x / 2 ^ n; have y0 : 0 <= y by apply: Rlt_le; apply: Rdiv_lt_0_compat; lra.
have xy : x = 2 ^ n * y by rewrite /y; field; lra.
have yl : y < ln (1 + e).
  apply: (Rmult_lt_reg_r (2 ^ n)) => //; rewrite /y /Rdiv Rmult_assoc Rinv_l ?Rmult_1_r; last lra.
  by move: hn => /(Rmult_lt_compat_r _ _ _ le0); rewrite /Rdiv Rmult_assoc Rinv_l; lra.
have ey : exp y < 1 + e by rewrite -(exp_ln (1 + e)); [exact: exp_increasing|lra].
have := cosh_scaled n y0; rewrite -xy -{1}lnc => /Rle_not_lt; apply.
by apply: exp_increasing; rewrite eE; nra.
Qed.

(* ---------- greedy choice among sign vectors --------------------------------------- *)
Section Greedy.
Variables (Crd : finType).
Notation Signs := {ffun Crd -> bool}.
(* sg: a bit as a sign;  sdot: inner product of two sign vectors *)
Definition sg (b : bool) : R := if b then 1 else -1.
Definition sdot (s t : Signs) : R := \rsum_c (sg (s c) * sg (t c)).
(* small th s t: the inner product is at most th *)
Definition small (th : R) (s t : Signs) : bool := Rleb (sdot s t) th.

Lemma sdot_sym s t : sdot s t = sdot t s.
Proof. by rewrite /sdot; apply: eq_bigr => c _; ring. Qed.

Lemma sdot_self s : sdot s s = N Crd.
Proof.
rewrite -[RHS]Rmult_1_r -rsum_const; apply: eq_bigr => c _.
by rewrite /sg; case: (s c); ring.
Qed.

(* the moment generating function of a random sign vector *)
Lemma sum_exp_sdot (a : R) (t : Signs) : \rsum_(s : Signs) exp (a * sdot s t) = (2 * cosh a) ^ #|Crd|.
Proof.
pose F (c : Crd) (b : bool) := exp (a * (sg b * sg (t c))).
transitivity (\rsum_(x : Signs) \rprod_c F c (x c)).
  by apply: eq_bigr => x _; rewrite /sdot -rsum_distr exp_rsum.
rewrite -(bigA_distr_bigA F) -rprod_const; apply: eq_bigr => c _.
have -> : 2 * cosh a = exp a + exp (- a) by rewrite /cosh; field.
rewrite big_bool /F /sg; case: (t c) => /=; last rewrite Rplus_comm.
  by congr (exp _ + exp _); ring.
by congr (exp _ + exp _); ring.
Qed.

(* n vectors rule out at most n (2 cosh a)^d e^(-a th) sign vectors: less than 2^d, so one is left *)
Lemma greedy_step (a th : R) (s : seq Signs) : 0 <= a ->
  INR (size s) * (cosh a) ^ #|Crd| < exp (a * th) -> exists t, all (small th t) s.
Proof.
move=> a0 hlt; case hb: [exists t, all (small th t) s]; first exact/existsP.
exfalso; move/negbT: hb; rewrite negb_exists => /forallP hb.
have p2 : 0 < 2 ^ #|Crd| by apply: pow_lt; lra.
suff : 2 ^ #|Crd| * exp (a * th) <= 2 ^ #|Crd| * (INR (size s) * cosh a ^ #|Crd|).
  by move/(Rmult_le_reg_l _ _ _ p2); lra.
have -> : 2 ^ #|Crd| * exp (a * th) = \rsum_(t : Signs) exp (a * th).
  by rewrite rsum_const /N card_ffun card_bool INR_expn.
apply: Rle_trans (_ : _ <= \rsum_(t : Signs) \big[Rplus/0]_(u <- s) exp (a * sdot t u)) _.
  apply: rsum_le => t _; have /allPn [u us hu] := hb t.
  rewrite (big_rem u) //= -[X in X <= _]Rplus_0_r; apply: Rplus_le_compat.
    have /RlebP/Rnot_le_lt h := hu.
    by apply/exp_mono/Rmult_le_compat_l; lra.
  by elim/big_ind: _ => [|x z|v _]; [lra|lra|exact/Rlt_le/exp_pos].
rewrite exchange_big /= (eq_bigr (fun _ => (2 * cosh a) ^ #|Crd|)); last by move=> u _; exact: sum_exp_sdot.
rewrite Rpow_mult_distr; apply: Req_le; elim: s {hlt hb} => [|u s IH]; first by rewrite big_nil /=; ring.
have e (p q n : R) : p * q + p * (n * q) = p * ((n + 1) * q) by ring.
by rewrite big_cons IH -[size (u :: s)]/((size s).+1) S_INR; exact: e.
Qed.

Lemma greedy (a th : R) (n : nat) : 0 <= a -> INR n * (cosh a) ^ #|Crd| < exp (a * th) ->
  exists s : seq Signs, size s = n.+1 /\ pairwise (small th) s.
Proof.
move=> a0; have c0 : 0 < cosh a ^ #|Crd| by apply: pow_lt; have := cosh_ge1 a; lra.
elim: n => [|n IH] hlt.
  by have [|t _] := @greedy_step a th [::] a0; [exact: hlt|exists [:: t]].
have [|s [sz pw]] := IH; first by move: hlt; rewrite S_INR; lra.
have [|t ht] := @greedy_step a th s a0; first by rewrite sz.
by exists (t :: s); rewrite /= sz ht.
Qed.

(* key s: the unit vector of signs s *)
Definition key (s : Signs) : Crd -> R := fun c => sg (s c) / sqrt (N Crd).

Lemma dot_key s t : 0 < N Crd -> dot (key s) (key t) = sdot s t / N Crd.
Proof.
move=> d0; rewrite /dot /key /sdot [RHS]Rmult_comm -rsum_distr; apply: eq_bigr => c _.
have h := sqrt_sqrt _ (Rlt_le _ _ d0); have p := sqrt_lt_R0 _ d0.
by rewrite -{3}h; field; lra.
Qed.
End Greedy.

(* Chernoff form: any a >= 0 may be used *)
Theorem greedy_keys_chernoff (T d : nat) (a mu : R) : (0 < d)%nat -> 0 <= a ->
  INR T.-1 * cosh a ^ d < exp (a * (mu * INR d)) -> exists K : 'I_T -> 'I_d -> R, incoherent K mu.
Proof.
move=> d0 a0 h; have [|s [sz pw]] := @greedy [finType of 'I_d] a (mu * INR d) T.-1 a0;
  first by rewrite card_ord.
have d1 : 0 < N [finType of 'I_d] by rewrite N_ord; exact: INR_gt0.
pose x0 : {ffun 'I_d -> bool} := [ffun _ => true].
exists (fun i => key (nth x0 s i)); split=> [i|i j ij].
  by rewrite dot_key // sdot_self /Rdiv Rinv_r //; exact: Rgt_not_eq.
rewrite dot_key //; apply: Rdiv_le_l => //; rewrite N_ord.
have hT (k : 'I_T) : (k < size s)%nat by rewrite sz; apply: leq_trans (ltn_ord k) (leqSpred T).
have w u v : (u < v)%nat -> (v < size s)%nat -> sdot (nth x0 s u) (nth x0 s v) <= mu * INR d.
  move=> uv vs; apply/RlebP; move/(pairwiseP x0): pw; apply => //; rewrite inE.
  exact: ltn_trans uv vs.
have : i != j :> nat by [].
rewrite neq_ltn => /orP [l|l]; first exact: w.
by rewrite sdot_sym; exact: w.
Qed.

(* T unit keys of coherence mu fit into dimension d > 2 ln (T - 1) / mu^2 *)
Theorem greedy_keys_exist (T d : nat) (mu : R) : (0 < d)%nat -> 0 < mu < 1 ->
  INR T.-1 < exp (INR d * mu ^ 2 / 2) -> exists K : 'I_T -> 'I_d -> R, incoherent K mu.
Proof.
move=> d0 [m0 m1] hT; apply: (greedy_keys_chernoff (a := mu) d0); first lra.
have hc : cosh mu ^ d <= exp (INR d * mu ^ 2 / 2).
  have -> : INR d * mu ^ 2 / 2 = INR d * (mu ^ 2 / 2) by field.
  rewrite exp_INR; apply: pow_incr; split; last exact: cosh_le_exp_square.
  by have := cosh_ge1 mu; lra.
have c0 : 0 < cosh mu ^ d by apply: pow_lt; have := cosh_ge1 mu; lra.
have -> : mu * (mu * INR d) = INR d * mu ^ 2 / 2 + INR d * mu ^ 2 / 2 by field.
rewrite exp_plus; have T0 := pos_INR T.-1; apply: Rle_lt_trans (Rmult_le_compat_l _ _ _ T0 hc) _.
by apply: Rmult_lt_compat_r => //; exact: exp_pos.
Qed.
