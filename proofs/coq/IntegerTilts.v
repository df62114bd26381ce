(* Theorem E with a chain of tilts and rational parameters: its conditions are decided by computation with
   intervals, and its count of words by integers. *)
From LowerBound Require Export IntegerCliques.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Local Notation number z := (rational one z 1).
Local Notation whole n := (rational one (Z.of_nat n) 1).

(* ---------- natural numbers as integers -------------------------------------------------------------- *)
Lemma of_nat_add a b : Z.of_nat (a + b)%nat = (Z.of_nat a + Z.of_nat b)%Z.
Proof. exact: Nat2Z.inj_add. Qed.
Lemma of_nat_mul a b : Z.of_nat (a * b)%nat = (Z.of_nat a * Z.of_nat b)%Z.
Proof. exact: Nat2Z.inj_mul. Qed.
Lemma of_nat_expn a b : Z.of_nat (expn a b) = (Z.of_nat a ^ Z.of_nat b)%Z.
Proof. by elim: b => // b IH; rewrite expnS of_nat_mul IH Nat2Z.inj_succ Z.pow_succ_r //; lia. Qed.

(* ---------- a chain ---------------------------------------------------------------------------------- *)
(* a tilt: its cosine, the cosine of near keys and the pull of its query, over a denominator;  the caps of
   near keys, over m';  the radius that it leaves, over m *)
Record tilt := Tilt { its_cosine : Z; its_near : Z; its_pull : Z; its_cap : Z; its_reach : Z }.

Section Chain.
Variables (n : nat) (none : tilt).
(* reach_of r ts l, cap_of ts l: what the theorem calls reaches l and caps l;  r: the radius before the
   chain *)
Definition reach_of (r : Z) (ts : seq tilt) (l : nat) : Z :=
  if l is l'.+1 then its_reach (nth none ts l') else r.
Definition cap_of (ts : seq tilt) (l : nat) : Z := its_cap (nth none ts l).
(* shut_weight r ts: the sum of caps^(2 n) reaches^n over all tilts *)
Fixpoint shut_weight (r : Z) (ts : seq tilt) : Z :=
  if ts is a :: ts' then ((its_cap a * its_cap a * r) ^ Z.of_nat n + shut_weight (its_reach a) ts')%Z
  else 0%Z.

Lemma reach_last r ts : reach_of r ts (size ts) = last r [seq its_reach a | a <- ts].
Proof.
elim: ts r => // a ts IH r; rewrite [last _ _]/= -IH [size _]/= [LHS]/=.
by case: (size ts).
Qed.

(* no_negatives ts: no cap and no radius is negative *)
Definition no_negatives (ts : seq tilt) : bool :=
  all (fun a => (0 <=? its_cap a) && (0 <=? its_reach a))%Z ts.

Lemma last_ge0 r ts : (0 <= r)%Z -> no_negatives ts -> (0 <= last r [seq its_reach a | a <- ts])%Z.
Proof. by elim: ts r => // a ts IH r _ /andP[/andP[_ /Z.leb_le a0]]; exact: IH. Qed.

Lemma shut_weightP r ts : (0 <= r)%Z -> no_negatives ts ->
  Z.of_nat (\sum_(l < size ts) expn (Z.to_nat (cap_of ts l)) (2 * n) * expn (Z.to_nat (reach_of r ts l)) n)
    = shut_weight r ts.
Proof.
elim: ts r => [|a ts IH] r r0; first by rewrite big_ord0.
case/andP=> /andP[/Z.leb_le c0 /Z.leb_le a0] h.
rewrite [size _]/= big_ord_recl of_nat_add of_nat_mul !of_nat_expn.
rewrite !Z2Nat.id // [shut_weight _ _]/= !Z.pow_mul_l; congr (_ + _)%Z.
  by rewrite mul2n -addnn of_nat_add Z.pow_add_r //; exact: Nat2Z.is_nonneg.
rewrite -IH //; congr Z.of_nat; apply: eq_bigr => l _.
by rewrite /cap_of /=; case: l => -[|l].
Qed.
End Chain.

(* ---------- a design --------------------------------------------------------------------------------- *)
Section Design.
(* T tokens, n2 own tokens, n + 1 key coordinates, h value channels of L levels; queries of norm lam *)
Variables (T n2 n h L : nat) (lam : Z).
(* eta, mu, C, tau: quotients;  q: the denominator of all cosines of the chain;  m, m': those of its radii and
   caps;  r0: the radius of the first tilt, over m;  k/m: the mean radius that the theorem counts with;
   k'/m': caps of cosine mu;  one word in g is used;  M0: steps of the lattice *)
Variables (eta mu C tau : Z * Z) (q m m' r0 : Z) (ts : seq tilt) (k k' g M0 bits : Z).

(* a tilt of the chain: s, c2, chord and own are the intervals of apart eta, tilt_cos, sqrt (2 - 2 c2) and ln
   of the number of own tokens *)
Definition tilt_fits (s c2 chord own : option (Z * Z)) (a : tilt) : bool := (
  let t := whole T in let l := number lam in let u := rational one mu.1 mu.2 in
  let c := rational one (its_cosine a) q in let v := rational one (its_near a) q in
  let p := rational one (its_pull a) q in
  let rim := (v - p * u) / isqrt one (number 1%Z - number 2%Z * p * c + p * p) in
  let rest := (t - number 1%Z) * iexp one 20 (l * (v + number 2%Z * chord - c)) in
  [&& [&& 0 <? its_cap a, 0 <? its_reach a, 0 <=? its_cosine a, its_cosine a <? q & 0 <=? its_pull a]%Z,
      [&& u * c <= v, number 0%Z <= rim & rim <= number 1%Z],
      own + s / number 2%Z <= l * (number 1%Z + c - chord),
      small_fits n M0 m (its_reach a) ((number 1%Z - c2 + (s + rest) / l) / isine c)
    & cap_fits n M0 m' (its_cap a) (isine rim)])%interval_scope.

Definition tilts_design : bool := reading_design T n2 n L lam eta mu C tau (fun s c2 =>
  let chord := isqrt one (number 2%Z - number 2%Z * c2)%interval_scope in
  [&& [&& 0 <? q, 0 <? m, 0 <? m', 0 <? r0, 0 <? k, 0 <? k', 2 <? g & 0 <? M0]%Z,
      small_fits n M0 m r0 chord && cap_fits n M0 m' k' (isine (rational one mu.1 mu.2)),
      all (tilt_fits s c2 chord (iln one 32 (whole n2))) ts,
      [&& g * (Z.of_nat T * Z.of_nat T) * k' ^ Z.of_nat n <=? m' ^ Z.of_nat n
        & g * (last r0 [seq its_reach a | a <- ts] ^ Z.of_nat n * m' ^ Z.of_nat (2 * n)
               + Z.of_nat T * Z.of_nat T * shut_weight n r0 ts)
          <=? (g - 2) * (k ^ Z.of_nat n * m' ^ Z.of_nat (2 * n))]%Z
    & bits_fit T n h L m k (iln one 32 (number g) / iln one 32 (number 2))%interval_scope bits]).

Hypothesis ok : tilts_design.
Notation ratio p := (IZR p.1 / IZR p.2).
Notation c2 := (tilt_cos (IZR lam) (ratio eta) (ratio C) (ratio tau)).
Notation chord := (sqrt (2 - 2 * c2)).
Notation none := (Tilt 0 0 0 0 0).
Notation cosine l := (IZR (its_cosine (nth none ts l)) / IZR q).
Notation near_cosine l := (IZR (its_near (nth none ts l)) / IZR q).
Notation pull l := (IZR (its_pull (nth none ts l)) / IZR q).
Notation rim_cosine l :=
  ((near_cosine l - pull l * ratio mu) / sqrt (1 - 2 * pull l * cosine l + pull l * pull l)).

(* what the design says of tilt l, in real numbers *)
Lemma tilt_fitsP (M : nat) s_ c_ l : IZR M0 <= INR M -> 0 < IZR M0 -> 0 < IZR q -> 0 < IZR m -> 0 < IZR m' ->
  within one s_ (apart (ratio eta)) -> within one c_ c2 ->
  tilt_fits s_ c_ (isqrt one (number 2 - number 2 * c_)%interval_scope) (iln one 32 (whole n2))
    (nth none ts l) ->
  let rest := (N [finType of 'I_T] - 1) * exp (IZR lam * (near_cosine l + 2 * chord - cosine l)) in
  let radius := (1 - c2 + (apart (ratio eta) + rest) / IZR lam) / sine (cosine l) in
  let side := sqrt (N [finType of 'I_n]) in let its := nth none ts l in
  [/\ [/\ 0 < IZR (its_cap its), 0 < IZR (its_reach its), 0 <= pull l & 0 <= rim_cosine l <= 1],
      [/\ 0 <= cosine l < 1, ratio mu * cosine l <= near_cosine l
        & ln (N [finType of 'I_n2]) + apart (ratio eta) / 2 <= IZR lam * (1 + cosine l - chord)],
      INR (Z.to_nat m) * ((INR M * radius + side) / INR (Z.to_nat (its_reach its))) + INR (Z.to_nat m) * side
        <= INR M
    & INR (Z.to_nat m') * (INR M * sine (rim_cosine l) / INR (Z.to_nat (its_cap its)))
        + INR (Z.to_nat m') * side <= INR M].
Proof.
move=> fine M00 q0 m0 m'0 hs hi h0 rest radius side its; move: h0; rewrite /tilt_fits; cbv beta zeta.
case/and5P=> /and5P[/Z.ltb_lt/IZR_lt p0 /Z.ltb_lt/IZR_lt r_0 /Z.leb_le/IZR_le c0 /Z.ltb_lt/IZR_lt c1 a0].
move: a0 => /Z.leb_le/IZR_le a0 /and3P[h1 h6 h7] h3 h4 h5.
have hchord : within one (isqrt one (number 2 - number 2 * c_)%interval_scope) chord by repeat enclose_step.
have hc : within one (rational one (its_cosine its) q) (cosine l) := within_rational one _ _.
have hv : within one (rational one (its_near its) q) (near_cosine l) := within_rational one _ _.
have hu : within one (rational one mu.1 mu.2) (ratio mu) := within_rational one _ _.
set pi := rational one (its_pull its) q in h6 h7 h5 *; set ci := rational one (its_cosine its) q in hc *.
have hp : within one pi (pull l) := within_rational one _ _.
have hrim : within one ((rational one (its_near its) q - pi * rational one mu.1 mu.2)
    / isqrt one (number 1%Z - number 2%Z * pi * ci + pi * pi))%interval_scope (rim_cosine l).
  by repeat enclose_step.
split.
- split=> //; first by apply: Rdiv_le_r; lra.
  by split; [apply: (at_mostP one_gt0 h6 _ hrim)|apply: (at_mostP one_gt0 h7 hrim)]; exact: within_integer.
- split.
  + by split; [apply: Rdiv_le_r|apply: (Rmult_lt_reg_r (IZR q)) => //; rewrite /Rdiv Rmult_assoc Rinv_l]; lra.
  + by apply: (at_mostP one_gt0 h1) => //; exact: (within_mul one_gt0).
  apply: (at_mostP one_gt0 h3); first by repeat enclose_step.
  by move: (isqrt _ _) hchord => j hj; repeat enclose_step.
- apply: (small_fitsP _ m0 r_0 M00 fine h4); have hsine := within_sine hc; rewrite /radius /rest.
  by move: (isine _) (isqrt _ _) hsine hchord => j j' hj hj'; repeat enclose_step.
exact: (cap_fitsP (within_sine hrim) m'0 p0 M00 fine h5).
Qed.

(* Theorem E with a chain of tilts, for a design, on every lattice that is fine enough: one cache of many
   streams, and of one. *)
Theorem floors_of_tilts_design (M : nat) (eta' : R) (Str : finType) : IZR M0 <= INR M -> eta' <= ratio eta ->
  lattice_floors T n2 n h L M (IZR lam) (ratio mu) eta' Str (IZR bits).
Proof.
move=> fine le W S compress answer W0 state hmass hvalue; have [/and4P[T0 n20 n0 L0] l0] := design_signs ok.
have [he hmu hrest hinj hC] := design_cosines ok; have [htau hg hreach hc2 hL] := design_tilt ok.
have pos z : (0 <? z)%Z -> 0 < IZR z by move/Z.ltb_lt/IZR_lt.
have gt0 z : 0 < IZR z -> (0 < Z.to_nat z)%nat by move=> /lt_IZR ?; apply/ltP; lia.
have [si [ci [/and5P[signs /andP[hm hfit] chain hcount hb] hs hi]]] := design_more ok.
case/andP: hcount => /Z.leb_le hq /Z.leb_le hk; case/and5P: signs.
move=> /pos q0 /pos m0 /pos m'0 /pos r00 /and4P[/pos k0 /pos k'0 /Z.ltb_lt g2 /pos M00].
have hchord : within one (isqrt one (number 2 - number 2 * ci)%interval_scope) chord by repeat enclose_step.
have weaken a o : near eta' a o -> near (ratio eta) a o by move=> /RlebP ?; apply/RlebP; lra.
have MM : (0 < M)%nat by apply/ltP/Reals.RIneq.INR_lt; rewrite [INR 0]/=; lra.
have fits l (lK : (l < size ts)%nat) := tilt_fitsP fine M00 q0 m0 m'0 hs hi (all_nthP none chain l lK).
have nonneg z : 0 < IZR z -> (0 <= z)%Z by move=> /lt_IZR/Z.lt_le_incl.
have gg : (0 <= g)%Z by lia.
have g2' : (2 < Z.to_nat g)%nat by apply/ltP; lia.
have hlost : within one (iln one 32 (number g) / iln one 32 (number 2))%interval_scope
    (log2 (INR (Z.to_nat g))).
  by rewrite /log2 INR_to_nat; [repeat enclose_step|apply: IZR_lt; lia].
have := Rmult_le_compat_l _ _ _ (N_ge0 Str) (bits_fitP T0 m0 k0 hlost hb).
move=> hbits; apply: Rle_trans hbits _.
have keys_match := coarse_matched (Ch := [finType of 'I_h]) (Ordinal T0) (Ordinal n20) (Ordinal n0) l0 he
  htau hg hreach hc2 hmu hrest hinj hC.
apply: (clique_tilts_streams (compress := compress) (answer := answer) (Ordinal T0) (Ordinal n20)
  (Ordinal n0) (K := size ts)
  (cosines := fun l => cosine l) (nears := fun l => near_cosine l) (pulls := fun l => pull l)
  (reaches := fun l => Z.to_nat (reach_of none r0 ts l)) (caps := fun l => Z.to_nat (cap_of none ts l))
  MM l0 he (proj1 hmu) hC keys_match htau hg hreach hc2 hL L0 (gt0 _ m0) (gt0 _ m'0) (gt0 _ k0)
  (gt0 _ k'0) _ W0
  (fun w x gx s q r q1 r1 => weaken _ _ (hmass w x gx s q r q1 r1))
  (fun w x gx s y i c gy => weaken _ _ (hvalue w x gx s y i c gy)) _ g2').
- exact: (cap_fitsP (within_sine (within_rational one mu.1 mu.2)) m'0 k'0 M00 fine hfit).
- by move=> l lK; have [_ ? _ _] := fits l lK.
- case=> [_|l lK]; first by split; [exact: gt0|exact: (small_fitsP hchord m0 r00 M00 fine hm)].
  by have [[_ r1 _ _] _ f _] := fits l lK; split; first exact: gt0.
- by move=> l lK; have [[p0 _ a0 hr] _ _ f] := fits l lK; split=> //; exact: gt0.
- apply/leP/Nat2Z.inj_le; rewrite !of_nat_mul !of_nat_expn !card_ord !Z2Nat.id //; exact: nonneg.
have signs : no_negatives ts.
  apply: sub_all chain => a; rewrite /tilt_fits; cbv beta zeta.
  case/and5P=> /and5P[/Z.ltb_lt ? /Z.ltb_lt ? _ _ _] *.
  by apply/andP; split; apply/Z.leb_le; lia.
have r0_ := nonneg _ r00; have last0 := last_ge0 r0_ signs.
apply/leP/Nat2Z.inj_le; rewrite !of_nat_mul of_nat_add !of_nat_mul !of_nat_expn !card_ord.
rewrite reach_last shut_weightP //.
rewrite [Z.of_nat (_ - _)]Nat2Z.inj_sub; last by apply/leP; exact: ltnW.
by rewrite !Z2Nat.id //; exact: nonneg.
Qed.

Corollary floor_of_tilts_design (M : nat) (eta' : R) : IZR M0 <= INR M -> eta' <= ratio eta ->
  lattice_floor T n2 n h L M (IZR lam) (ratio mu) eta' (IZR bits).
Proof. by move=> fine le; apply: floor_of_floors; exact: floors_of_tilts_design. Qed.
End Design.
