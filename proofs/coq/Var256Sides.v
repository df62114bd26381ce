(* How far a query of one address of VAR-256, tilted to either side of its frame, meets another address: what
   the floors for delta > 0 sum over the other tokens. *)
From LowerBound Require Export KerdockFrames.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* near_opposite i j l: words i and j are 28 places apart, and differ at l *)
Definition near_opposite (i j : 'I_cached256) (l : 'I_letters256) : bool :=
  [&& apart 61 var256_letter i j == 28%nat, (l < 61)%nat & var256_letter j l != var256_letter i l].

Lemma near_opposite_few (i : 'I_cached256) (l : 'I_letters256) :
  (#|[pred j | near_opposite i j l]| <= 136)%nat.
Proof.
case: (ltnP l 61) => hl; last by rewrite eq_card0 // => j; rewrite inE /near_opposite ltnNge hl andbF.
apply: leq_trans (spread_few i var256_spread hl); rewrite leq_eqVlt; apply/orP; left; apply/eqP.
by apply: eq_card => j; rewrite !inE /near_opposite hl.
Qed.

(* within cs sn mu x y e G X: of two addresses with the inner product mu and the entries x and y at l, the
   query of the first that is tilted by the cosine cs and the sine e sn towards its frame vector l has an
   inner product of at most G with the second, and of at least X, in absolute value, with frame vector l of
   the second *)
Definition within (cs sn mu x y e G X : R) : Prop := cs * mu + e * sn * (y - x * mu) <= G /\
  X <= Rabs (cs * (x - y * mu) + e * sn * (1 - x ^ 2 - y ^ 2 + x * y * (1 + mu))).

(* two_sided: of the two sides of a query, one is within GA, XA and the other within GC, XC, if another word
   is near and opposite; else one is within GB, XB, or GC, XC, and the other within GC, XC *)
Definition two_sided (cs sn GA XA GB XB GC XC : R) : Prop :=
  forall (i j : 'I_cached256) (l : 'I_letters256), i != j ->
  let w := within cs sn (dot (var256_address' i) (var256_address' j)) (var256_address' i (Some l))
    (var256_address' j (Some l)) in
  if near_opposite i j l then w 1 GA XA /\ w (-1) GC XC \/ w (-1) GA XA /\ w 1 GC XC
  else w 1 GB XB /\ w (-1) GC XC \/ w (-1) GB XB /\ w 1 GC XC \/ w 1 GC XC /\ w (-1) GC XC.

Section Sides.
Variables (cs sn GA XA GB XB GC XC : R).
Notation within := (within cs sn).
Notation r0 := (1280368/10000000).
Notation r1 := (1280369/10000000).
Hypotheses (cs0 : 0 <= cs) (sn0 : 0 < sn) (steep : sn <= 2 * cs)
  (hGA : cs * (5/61) + sn * r1 * (66/61) <= GA) (hXA : XA <= sn * (1 - 2/61 - 66/3721) - cs * r1 * (66/61))
  (hGB : cs * (5/61) + sn * r1 * (56/61) <= GB) (hXB : XB <= sn * (1 - 2/61 + 66/3721) + cs * r0 * (56/61))
  (hGC : cs * (5/61) <= GC) (hGC' : - cs * (3/61) + sn * r1 * (58/61) <= GC)
  (hXC : XC <= sn * (1 - 2/61 - 58/3721) - cs * r1 * (58/61))
  (hXC' : XC <= sn * (1 - 2/61 + 50/3721) - cs * r1 * (72/61)).
Notation r := r61.

(* the inner products of the query are linear in cs, sn, cs r and sn r, as r^2 = 1/61 *)
Lemma products : [/\ sn * r ^ 2 = sn * / 61, sn * r0 <= sn * r <= sn * r1 & cs * r0 <= cs * r <= cs * r1].
Proof.
by have [[b0 b1] ->] := r61_bounds; split=> //; split; apply: Rmult_le_compat_l; lra.
Qed.

Lemma within_of mu x y e G X (xi := cs * (x - y * mu) + e * sn * (1 - x ^ 2 - y ^ 2 + x * y * (1 + mu))) :
  cs * mu + e * sn * (y - x * mu) <= G -> X <= xi \/ X <= - xi -> within mu x y e G X.
Proof.
by move=> h hx; split=> //; case: hx => hx; [|rewrite -Rabs_Ropp]; apply: Rle_trans hx (Rle_abs _).
Qed.

(* to exchange the signs of both entries and of the tilt changes nothing *)
Lemma within_opp mu x y e G X : within mu x y e G X -> within mu (- x) (- y) (- e) G X.
Proof.
rewrite /within => -[h1 h2]; split; first by apply: Rle_trans h1; apply: Req_le; ring.
apply: Rle_trans h2 _; rewrite -Rabs_Ropp; apply: Req_le; congr Rabs; ring.
Qed.

Lemma side_opposite : within (5/61) r (- r) 1 GC XC /\ within (5/61) r (- r) (-1) GA XA.
Proof.
have [e2 hq hp] := products.
by split; apply: within_of; first [lra|left; lra|right; lra].
Qed.

Lemma side_far mu : mu = - 3/61 \/ mu = - 11/61 ->
  within mu r (- r) 1 GC XC /\ within mu r (- r) (-1) GC XC.
Proof.
have [e2 hq hp] := products.
by case=> ->; split; apply: within_of; first [lra|left; lra|right; lra].
Qed.

Lemma side_same mu : mu = 5/61 \/ mu = - 3/61 \/ mu = - 11/61 ->
  within mu r r 1 GB XB /\ within mu r r (-1) GC XC.
Proof.
have [e2 hq hp] := products.
by case=> [|[|]] ->; split; apply: within_of; first [lra|left; lra|right; lra].
Qed.

Lemma side_none mu e : mu <= 5/61 -> e = 1 \/ e = -1 -> within mu 0 0 e GC XC.
Proof.
have [e2 hq hp] := products; move=> hmu he; have hm := Rmult_le_compat_l _ _ _ cs0 hmu.
by case: he => ->; apply: within_of; first [lra|left; lra|right; lra].
Qed.

(* the two sides of a query of token i, against token j *)
Lemma side_cases : two_sided cs sn GA XA GB XB GC XC.
Proof.
move=> i j l ij; rewrite /near_opposite !var256_entry; have hm := var256_products ij.
have o1 : - (1) = -1 by []. have o2 : - (-1) = 1 by ring.
case: (ltnP l 61) => hl; last first.
  rewrite andbF; right; right.
  have mu5 : dot (var256_address' i) (var256_address' j) <= 5/61 by case: hm => [[_ ->]|[_ [->|->]]]; lra.
  by split; apply: side_none => //; [left|right].
have opp mu x y G X : within mu x y 1 G X -> within mu (- x) (- y) (-1) G X by move/within_opp.
have opp' mu x y G X : within mu x y (-1) G X -> within mu (- x) (- y) 1 G X by move/within_opp; rewrite o2.
have rr (x : R) : - - x = x by ring.
have [s1 s2] : within (dot (var256_address' i) (var256_address' j)) r r 1 GB XB /\
    within (dot (var256_address' i) (var256_address' j)) r r (-1) GC XC.
  by apply: side_same; case: hm => [[_ ->]|[_ hm]]; [left|right].
case: (var256_letter i l); case: (var256_letter j l); rewrite ?eqxx ?andbF ?andbT.
- by right; left; split; [exact: opp|exact: opp'].
- case: hm => [[-> ->]|[/negbTE -> /side_far[f1 f2]]]; rewrite ?eqxx -[X in within _ _ X]rr.
    by left; have [f1 f2] := side_opposite; split; [exact: opp'|exact: opp].
  by right; right; split; [exact: opp'|exact: opp].
- case: hm => [[-> ->]|[/negbTE -> /side_far[f1 f2]]]; first by right; have [f1 f2] := side_opposite.
  by right; right.
by left.
Qed.
End Sides.
