(* Theorem E with rational parameters: its conditions are decided by computation with intervals. *)
From LowerBound Require Export Interval CliqueStreams.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ln n! is at most the integral of ln from 1 to n, plus ln n *)
Lemma ln_factorial n : (0 < n)%nat -> ln (INR n`!) <= (INR n + 1) * ln (INR n) - INR n + 1.
Proof.
elim: n => // -[_ _|n IH _]; first by rewrite factS fact0 muln1 /= ln_1; lra.
have {}IH := IH erefl; have n0 : 0 < INR n.+1 by exact: INR_gt0.
have m0 : 0 < INR n.+2 by exact: INR_gt0.
rewrite factS mult_INR ln_mult //; last by apply: INR_gt0; exact: fact_gt0.
have e : INR n.+2 = INR n.+1 + 1 by rewrite [INR n.+2]S_INR.
have q0 : 0 < INR n.+1 / INR n.+2 by exact: Rdiv_lt_0_compat.
have := exp_ineq1_le (ln (INR n.+1 / INR n.+2)); rewrite exp_ln // [ln (_ / _)]ln_mult //.
  2: exact: Rinv_0_lt_compat.
rewrite ln_Rinv // => h; have {}h : INR n.+2 * (ln (INR n.+1) - ln (INR n.+2) + 1) <= INR n.+1.
  apply: Rle_trans (_ : INR n.+2 * (INR n.+1 / INR n.+2) <= _); first by apply: Rmult_le_compat_l; lra.
  by apply: Req_le; field; lra.
move: (INR n.+2) (INR n.+1) (ln (INR n.+1)) (ln (INR n.+2)) (ln (INR n.+1`!)) e h IH => a b c d f e h IH.
nra.
Qed.

(* ---------- the conditions, in intervals ----------------------------------------------------------- *)
(* one: what stands for 1 *)
Definition one : Z := 2 ^ 96.
Lemma one_gt0 : (0 < one)%Z. Proof. by []. Qed.
(* number z, whole n: the interval of an integer, of a natural number *)
Local Notation number z := (rational one z 1).
Local Notation whole n := (rational one (Z.of_nat n) 1).
Declare Scope interval_scope.
Delimit Scope interval_scope with interval_scope.
Notation "i + j" := (iadd i j) : interval_scope.
Notation "i - j" := (isub i j) : interval_scope.
Notation "i * j" := (imul one i j) : interval_scope.
Notation "i / j" := (idiv one i j) : interval_scope.
Notation "i <= j" := (at_most i j) : interval_scope.
Notation "i < j" := (less i j) : interval_scope.
Section Enclosures.
Open Scope interval_scope.
Notation interval := (option (Z * Z)).
Implicit Types e t own l u c v s : interval.
(* the functions of Angles.v, Matching.v and Cliques.v: t, own and l stand for the number of tokens and of
   own tokens and lam; e, u, c and v for eta, mu, the cosine of the tilt and tau *)
Definition isine c := isqrt one (number 1%Z - c * c).
Definition iturn c u := c * u + isine c * isine u.
Definition iapart e :=
  number 2%Z * iln one 32 ((number 1%Z + number 2%Z * e) / (number 1%Z - number 2%Z * e)).
Definition icoarse_cos t l s := number 1%Z - (s + iln one 32 t) / l.
Definition imatch_leak t l s u :=
  (t - number 1%Z) * iexp one 32 (s - l * (number 1%Z - iturn (icoarse_cos t l s) u)).
Definition imatch_cos t l s u := number 1%Z - (s - iln one 32 (number 1%Z - imatch_leak t l s u)) / l.
Definition itilted l s c v := c + (s + iln one 32 (number 1%Z + v)) / l.
Definition itilt_leak t l c u := (t - number 1%Z) * iexp one 32 (l * (iturn c u - c)).
Definition iclean_leak t own l u c := itilt_leak t l c u + own * iexp one 32 (iopp (l * (number 1%Z + c))).
End Enclosures.

(* ---------- these intervals enclose ------------------------------------------------- *)
Lemma within_card z : within one (whole z) (N [finType of 'I_z]).
Proof. by rewrite N_ord INR_IZR_INZ; exact: within_integer. Qed.

Lemma within_nat z : within one (whole z) (INR z).
Proof. by rewrite INR_IZR_INZ; exact: within_integer. Qed.

(* A number lies in the interval that is computed in the same way. *)
Ltac enclose_step := lazymatch goal with
  | |- within _ (rational _ (Z.of_nat _) 1) (N _) => exact: within_card
  | |- within _ (rational _ (Z.of_nat _) 1) _ => exact: within_nat
  | |- within _ (rational _ _ 1) _ => exact: within_integer
  | |- within _ (rational _ _ _) _ => exact: within_rational
  | |- within _ (iadd ?i ?j) (?x + ?y) => refine (@within_add one i j x y _ _)
  | |- within _ (isub ?i ?j) (?x - ?y) => refine (@within_sub one i j x y _ _)
  | |- within _ (iopp ?i) (- ?x) => refine (@within_opp one i x _)
  | |- within _ (imul _ ?i ?j) (?x * ?y) => refine (@within_mul one one_gt0 i j x y _ _)
  | |- within _ (idiv _ ?i ?j) (?x / ?y) => refine (@within_div one one_gt0 i j x y _ _)
  | |- within _ (isqrt _ ?i) (sqrt ?x) => refine (@within_root one one_gt0 i x _)
  | |- within _ (iexp _ ?k ?i) (exp ?x) => refine (@within_exp one k one_gt0 i x _)
  | |- within _ (iln _ ?k ?i) (ln ?x) => refine (@within_ln one k one_gt0 i x _)
  | _ => assumption
  end.

Lemma within_sine i x : within one i x -> within one (isine i) (sine x).
Proof. by move=> hi; rewrite /isine /sine; repeat enclose_step. Qed.

Lemma within_turn i j x y : within one i x -> within one j y -> within one (iturn i j) (turn x y).
Proof.
move=> hi hj; apply: within_add; first exact: (within_mul one_gt0).
by apply: (within_mul one_gt0); exact: within_sine.
Qed.

Lemma within_apart i x : within one i x -> within one (iapart i) (apart x).
Proof. by move=> hi; rewrite /iapart /apart; repeat enclose_step. Qed.

Section Within.
Variables (Tok Own : finType) (lam eta mu C tau : R) (t own l u c v s : option (Z * Z)).
Notation inside := (within one).
Hypotheses (ht : inside t (N Tok)) (ho : inside own (N Own)) (hl : inside l lam) (hs : inside s (apart eta))
  (hu : inside u mu) (hc : inside c C).

Lemma within_coarse_cos : inside (icoarse_cos t l s) (coarse_cos Tok lam eta).
Proof. by rewrite /icoarse_cos /coarse_cos; repeat enclose_step. Qed.

Lemma within_match_leak : inside (imatch_leak t l s u) (match_leak Tok lam eta mu).
Proof.
have h0 := within_turn within_coarse_cos hu; rewrite /imatch_leak /match_leak.
by move: (iturn _ _) h0 => i h0; repeat enclose_step.
Qed.

Lemma within_match_cos : inside (imatch_cos t l s u) (match_cos Tok lam eta mu).
Proof.
have h0 := within_match_leak; rewrite /imatch_cos /match_cos.
by move: (imatch_leak _ _ _ _) h0 => i h0; repeat enclose_step.
Qed.

Lemma within_tilted : inside v tau -> inside (itilted l s c v) (C + (apart eta + ln (1 + tau)) / lam).
Proof. by move=> hv; rewrite /itilted; repeat enclose_step. Qed.

Lemma within_tilt_leak : inside (itilt_leak t l c u) (tilt_leak Tok lam C mu).
Proof.
have h0 := within_turn hc hu; rewrite /itilt_leak /tilt_leak.
by move: (iturn _ _) h0 => i h0; repeat enclose_step.
Qed.

Lemma within_clean_leak : inside (iclean_leak t own l u c) (clean_leak Tok Own lam mu C).
Proof.
have h0 := within_tilt_leak; rewrite /iclean_leak /clean_leak -/(tilt_leak Tok lam C mu).
by move: (itilt_leak _ _ _ _) h0 => i h0; repeat enclose_step.
Qed.
End Within.

Lemma INR_to_nat z : 0 < IZR z -> INR (Z.to_nat z) = IZR z.
Proof. by move=> /lt_IZR z0; rewrite INR_IZR_INZ Z2Nat.id //; lia. Qed.

(* ---------- reading the keys of a clique ------------------------------------------------------------- *)
Section Reading.
(* T tokens, n2 own tokens, n + 1 key coordinates, value channels of L levels; queries of norm lam;  eta, mu,
   C, tau: quotients;  more s c2: further conditions, on the intervals of apart eta and of tilt_cos *)
Variables (T n2 n L : nat) (lam : Z) (eta mu C tau : Z * Z) (more : option (Z * Z) -> option (Z * Z) -> bool).
Definition reading_design : bool := (
  let t := whole T in let own := whole n2 in let l := number lam in
  let e := rational one eta.1 eta.2 in let u := rational one mu.1 mu.2 in
  let c := rational one C.1 C.2 in let v := rational one tau.1 tau.2 in
  let s := iapart e in let c1 := imatch_cos t l s u in let g := itilted l s c v in let c2 := iturn c g in
  [&& [&& 0 < T, 0 < n2, 0 < n & 0 < L]%nat && (0 <? lam)%Z,
      [&& number 0%Z <= e, number 2%Z * e < number 1%Z, number 0%Z <= u, u <= icoarse_cos t l s
        & imatch_leak t l s u < number 1%Z],
      [&& u < number 2%Z * (c1 * c1) - number 1%Z, u <= c, c <= c1 & itilt_leak t l c u <= v],
      [&& g <= number 1%Z, iln one 32 own + s / number 2%Z <= l * (number 1%Z + c),
          c <= number 2%Z * (c2 * c2) - number 1%Z
        & number 2%Z * (e + iclean_leak t own l u c2) * (whole L - number 1%Z) < number 1%Z] & more s c2])
  %interval_scope.

Hypothesis ok : reading_design.
Notation Tok := [finType of 'I_T].
Notation Own := [finType of 'I_n2].
Notation ratio p := (IZR p.1 / IZR p.2).
Notation R_eta := (ratio eta).
Notation R_mu := (ratio mu).
Notation R_C := (ratio C).
Notation R_tau := (ratio tau).
Notation R_lam := (IZR lam).
Notation c0 := (coarse_cos Tok R_lam R_eta).
Notation c1 := (match_cos Tok R_lam R_eta R_mu).
Notation c2 := (tilt_cos R_lam R_eta R_C R_tau).
Notation s := (apart R_eta).

(* the intervals of the design *)
Notation t := (whole T).
Notation l := (number lam).
Notation e := (rational one eta.1 eta.2).
Notation u := (rational one mu.1 mu.2).
Notation c := (rational one C.1 C.2).
Notation v := (rational one tau.1 tau.2).
Let inside_s : within one (iapart e) s := within_apart (within_rational one _ _).
Let inside_l : within one l R_lam := within_integer one lam.
Let inside_u : within one u R_mu := within_rational one _ _.
Let inside_c : within one c R_C := within_rational one _ _.
Let inside_v : within one v R_tau := within_rational one _ _.
Let inside_t : within one t (N Tok) := within_card T.
Let inside_c1 : within one (imatch_cos t l (iapart e) u) c1 :=
  within_match_cos inside_t inside_l inside_s inside_u.
Let inside_g := within_tilted inside_l inside_s inside_c inside_v.
Let inside_c2 : within one (iturn c (itilted l (iapart e) c v)) c2 := within_turn inside_c inside_g.

(* ---------- what the design says, in real numbers ------------------------------------------------------ *)
Lemma design_signs : [&& 0 < T, 0 < n2, 0 < n & 0 < L]%nat /\ 0 < R_lam.
Proof. by move: ok; rewrite /reading_design => /andP[/andP[h /Z.ltb_lt/IZR_lt l0] _]. Qed.

Lemma design_cosines : [/\ 0 <= R_eta < 1/2, 0 <= R_mu <= c0, match_leak Tok R_lam R_eta R_mu < 1,
  R_mu < 2 * (c1 * c1) - 1 & R_mu <= R_C <= c1].
Proof.
move: ok; rewrite /reading_design; cbv beta zeta.
case/and5P=> _ /and5P[h1 h2 h3 h4 h5] /and4P[h6 h7 h8 _] _ _.
have f1 : 0 <= R_eta by apply: (at_mostP one_gt0 h1); repeat enclose_step.
have f2 : 2 * R_eta < 1 by apply: (lessP one_gt0 h2); repeat enclose_step.
have f3 : 0 <= R_mu by apply: (at_mostP one_gt0 h3); repeat enclose_step.
have f4 := at_mostP one_gt0 h4 inside_u (within_coarse_cos inside_t inside_l inside_s).
have f5 := lessP one_gt0 h5 (within_match_leak inside_t inside_l inside_s inside_u) (within_integer one 1).
have f6 := at_mostP one_gt0 h7 inside_u inside_c; have f7 := at_mostP one_gt0 h8 inside_c inside_c1.
split=> //; [lra|apply: (lessP one_gt0 h6 inside_u)]; have hi := inside_c1.
by move: (imatch_cos _ _ _ _) hi => i hi; repeat enclose_step.
Qed.

Lemma design_tilt : [/\ tilt_leak Tok R_lam R_C R_mu <= R_tau, R_C + (s + ln (1 + R_tau)) / R_lam <= 1,
  ln (N Own) + s / 2 <= R_lam * (1 + R_C), R_C <= 2 * (c2 * c2) - 1
  & 2 * (R_eta + clean_leak Tok Own R_lam R_mu c2) * (INR L - 1) < 1].
Proof.
move: ok; rewrite /reading_design; cbv beta zeta.
case/and5P=> _ _ /and4P[_ _ _ h1] /and4P[h2 h3 h4 h5] _; have [hs hi] := (inside_s, inside_c2).
have hl := within_clean_leak inside_t (within_card n2) inside_l inside_u inside_c2.
split.
- exact: (at_mostP one_gt0 h1 (within_tilt_leak inside_t inside_l inside_u inside_c) inside_v).
- exact: (at_mostP one_gt0 h2 inside_g (within_integer one 1)).
- by apply: (at_mostP one_gt0 h3); move: (iapart _) hs => i hs; repeat enclose_step.
- by apply: (at_mostP one_gt0 h4 inside_c); move: (iturn _ _) hi => i hi; repeat enclose_step.
by apply: (lessP one_gt0 h5); move: (iclean_leak _ _ _ _ _) hl => i hl; repeat enclose_step.
Qed.

(* the further conditions hold for intervals around apart eta and tilt_cos *)
Lemma design_more : exists si ci, [/\ more si ci, within one si s & within one ci c2].
Proof.
move: ok; rewrite /reading_design; cbv beta zeta => /and5P[_ _ _ _ h].
by exists (iapart e), (iturn c (itilted l (iapart e) c v)); split.
Qed.
End Reading.

(* ---------- the lattice and the bits ----------------------------------------------------------------- *)
Section Lattice.
(* sets of a diameter of r M (caps of radius r M) hold a part (k/m)^n of the ball, for M >= M0 steps *)
Variables (M n : nat) (M0 m k : Z) (i : option (Z * Z)) (r : R).
Definition small_fits : bool := (
  let side := isqrt one (whole n) in
  number m * (side / number k) + number m * side <= number M0 * (number 1%Z - number m * (i / number k)))
  %interval_scope.
Definition cap_fits : bool := (
  number m * isqrt one (whole n) <= number M0 * (number 1%Z - number m * (i / number k)))%interval_scope.

Hypotheses (hi : within one i r) (m0 : 0 < IZR m) (k0 : 0 < IZR k) (M00 : 0 < IZR M0)
  (fine : IZR M0 <= INR M).
Notation side := (sqrt (N [finType of 'I_n])).

(* a condition of the form a <= M (1 - x) with a >= 0: 1 - x is not negative, and M may grow *)
Let larger a b : 0 <= a -> a <= IZR M0 * b -> a <= INR M * b.
Proof.
move=> a0 ab; have b0 : 0 <= b by apply: (Rmult_le_reg_l (IZR M0)) => //; lra.
by apply: Rle_trans ab _; apply: Rmult_le_compat_r.
Qed.

Lemma small_fitsP : small_fits ->
  INR (Z.to_nat m) * ((INR M * r + side) / INR (Z.to_nat k)) + INR (Z.to_nat m) * side <= INR M.
Proof.
move=> h; rewrite !INR_to_nat //; have s0 := sqrt_pos (N [finType of 'I_n]).
have f : IZR m * (side / IZR k) + IZR m * side <= IZR M0 * (1 - IZR m * (r / IZR k)).
  by apply: (at_mostP one_gt0 h); repeat enclose_step.
have p1 : 0 <= IZR m * (side / IZR k) by apply: Rmult_le_pos; [lra|apply: Rdiv_le_r; lra].
have p2 : 0 <= IZR m * side by apply: Rmult_le_pos; lra.
have {}f := larger (Rplus_le_le_0_compat _ _ p1 p2) f.
have -> : IZR m * ((INR M * r + side) / IZR k) = INR M * (IZR m * (r / IZR k)) + IZR m * (side / IZR k).
  by field; lra.
by lra.
Qed.

Lemma cap_fitsP : cap_fits ->
  INR (Z.to_nat m) * (INR M * r / INR (Z.to_nat k)) + INR (Z.to_nat m) * side <= INR M.
Proof.
move=> h; rewrite !INR_to_nat //; have s0 := sqrt_pos (N [finType of 'I_n]).
have f : IZR m * side <= IZR M0 * (1 - IZR m * (r / IZR k)).
  by apply: (at_mostP one_gt0 h); repeat enclose_step.
have {}f := larger (Rmult_le_pos _ _ (Rlt_le _ _ m0) s0) f.
have -> : IZR m * (INR M * r / IZR k) = INR M * (IZR m * (r / IZR k)) by field; lra.
by lra.
Qed.
End Lattice.

(* bits_fit T n h L m k lost bits: T (n log2 (2 m / k) + h log2 L) - log2 T!, less what is lost, are so many
   bits; log2 T! is replaced by an upper bound *)
Definition bits_fit (T n h L : nat) (m k : Z) (lost : option (Z * Z)) (bits : Z) : bool := (
  let t := whole T in let ln2 := iln one 32 (number 2%Z) in let lnt := iln one 32 t in
  number bits <= t * (whole n * (iln one 32 (number 2%Z * number m / number k) / ln2)
                      + whole h * (iln one 32 (whole L) / ln2))
                 - ((t + number 1%Z) * lnt - t + number 1%Z) / ln2 - lost)%interval_scope.

Lemma bits_fitP T n h L m k lost bits w : (0 < T)%nat -> 0 < IZR m -> 0 < IZR k -> within one lost w ->
  bits_fit T n h L m k lost bits ->
  IZR bits <= N [finType of 'I_T] * (N [finType of 'I_n] * log2 (2 * INR (Z.to_nat m) / INR (Z.to_nat k))
    + N [finType of 'I_h] * log2 (INR L)) - log2 (INR #|[finType of 'I_T]|`!) - w.
Proof.
move=> T0 m0 k0 hw hb; set t := N [finType of 'I_T].
have fact : log2 (INR #|[finType of 'I_T]|`!) <= ((t + 1) * ln t - t + 1) / ln 2.
  rewrite /t card_ord N_ord; apply: Rmult_le_compat_r; last exact: (ln_factorial T0).
  exact/Rlt_le/Rinv_0_lt_compat/ln2_gt0.
rewrite !INR_to_nat //; apply: Rle_trans (_ : _ <= t * (N [finType of 'I_n] * log2 (2 * IZR m / IZR k)
  + N [finType of 'I_h] * log2 (INR L)) - ((t + 1) * ln t - t + 1) / ln 2 - w) _; last lra.
by apply: (at_mostP one_gt0 hb); rewrite /log2 /t; repeat enclose_step.
Qed.

(* ---------- a design with one tilt --------------------------------------------------------------------- *)
Section Design.
(* h value channels;  a clique's keys are within k/m, caps of cosine mu hold a part (k'/m')^n of the keys,
   both on every lattice of M0 steps to 1, or more *)
Variables (T n2 n h L : nat) (lam : Z) (eta mu C tau : Z * Z) (m k m' k' M0 bits : Z).
Definition clique_design : bool := reading_design T n2 n L lam eta mu C tau (fun _ c2 =>
  [&& [&& 0 <? m, 0 <? k, 0 <? m', 0 <? k' & 0 <? M0]%Z,
      small_fits n M0 m k (isqrt one (number 2%Z - number 2%Z * c2)%interval_scope),
      cap_fits n M0 m' k' (isine (rational one mu.1 mu.2)),
      (2 * (Z.of_nat T * Z.of_nat T) * k' ^ Z.of_nat n <=? m' ^ Z.of_nat n)%Z &
      bits_fit T n h L m k (number 1) bits]).

Hypothesis ok : clique_design.
Notation Tok := [finType of 'I_T].
Notation ratio p := (IZR p.1 / IZR p.2).

(* Theorem E for a design, on every lattice that is fine enough: one cache of many streams, and of one. *)
Theorem floors_of_clique_design (M : nat) (eta' : R) (Str : finType) : IZR M0 <= INR M -> eta' <= ratio eta ->
  lattice_floors T n2 n h L M (IZR lam) (ratio mu) eta' Str (IZR bits).
Proof.
move=> fine le W S compress answer W0 state hmass hvalue; have [/and4P[T0 n20 n0 L0] l0] := design_signs ok.
have [he hmu hrest hinj hC] := design_cosines ok; have [htau hg hreach hc2 hL] := design_tilt ok.
have pos z : (0 <? z)%Z -> 0 < IZR z by move/Z.ltb_lt/IZR_lt.
have [si [ci [/and5P[/and5P[/pos m0 /pos k0 /pos m'0 /pos k'0 /pos M00] hm hfit /Z.leb_le hq hb] _ hi]]] :=
  design_more ok.
have gt0 z : 0 < IZR z -> (0 < Z.to_nat z)%nat by move=> /lt_IZR ?; apply/ltP; lia.
have MM : (0 < M)%nat by apply/ltP/Reals.RIneq.INR_lt; rewrite [INR 0]/=; lra.
have weaken a o : near eta' a o -> near (ratio eta) a o by move=> /RlebP ?; apply/RlebP; lra.
have := Rmult_le_compat_l _ _ _ (N_ge0 Str) (bits_fitP T0 m0 k0 (within_integer one 1) hb).
move=> hbits; apply: Rle_trans hbits _.
have keys_match := coarse_matched (Ch := [finType of 'I_h]) (Ordinal T0) (Ordinal n20) (Ordinal n0) l0 he
  htau hg hreach hc2 hmu hrest hinj hC.
apply: (clique_lattice_streams (compress := compress) (answer := answer) (Ordinal T0) (Ordinal n20)
  (Ordinal n0) MM l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL L0 (gt0 _ m0) (gt0 _ m'0) (gt0 _ k0)
  (gt0 _ k'0) _ W0
  (fun w x gx s q r q1 r1 => weaken _ _ (hmass w x gx s q r q1 r1))
  (fun w x gx s y i c gy => weaken _ _ (hvalue w x gx s y i c gy))).
- exact: (cap_fitsP (within_sine (within_rational one mu.1 mu.2)) m'0 k'0 M00 fine hfit).
- by apply: (small_fitsP _ m0 k0 M00 fine hm); move: hi => hi; repeat enclose_step.
rewrite !card_ord; apply/leP/Reals.RIneq.INR_le.
rewrite !mult_INR !INR_expn !INR_to_nat // [INR T]INR_IZR_INZ !pow_IZR.
by rewrite -[INR 2]/(IZR 2) -!mult_IZR; exact: (IZR_le _ _ hq).
Qed.

Corollary floor_of_clique_design (M : nat) (eta' : R) : IZR M0 <= INR M -> eta' <= ratio eta ->
  lattice_floor T n2 n h L M (IZR lam) (ratio mu) eta' (IZR bits).
Proof. by move=> fine le; apply: floor_of_floors; exact: floors_of_clique_design. Qed.
End Design.
