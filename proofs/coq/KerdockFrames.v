(* Addresses for frames: Kerdock vectors with one letter deleted.  Their inner products are decided by
   computation, from both sides, and the entries are flat, so that the frames of different addresses are
   nearly orthogonal too. *)
From LowerBound Require Export Frames IntegerKeys Kerdock.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- addresses --------------------------------------------------------------------------- *)
Section TwoSided.
Variables (d : nat) (bit : nat -> nat -> bool) (r : R).
(* balanced n D: every two of the words 0, ..., n - 1 differ in at least D places and agree in at least D
   places *)
Definition balanced (n D : nat) : bool :=
  pairwise (fun u v => differ u v D && differ u (map negb v) D)
    [seq [seq bit i c | c <- iota 0 d] | i <- iota 0 n].
Hypotheses (r0 : 0 < r) (r2 : r * r = INR d).
Notation key := (sign_key (d := d) bit r).

(* The inner product is 1 - 2/d times the number of places that differ, and the places that agree are the
   rest. *)
Lemma balanced_incoherent (n D : nat) (i j : 'I_n) : balanced n D -> i != j ->
  Rabs (dot (key i) (key j)) <= (INR d - 2 * INR D) / INR d.
Proof.
have d0 : 0 < INR d by rewrite -r2; exact: Rmult_lt_0_compat.
move=> hp; wlog ij : i j / (i < j)%nat => [hw ne|_].
  case: (ltngtP i j) => [l|l|/val_inj e]; first exact: hw.
    by rewrite dot_sym; apply: hw; rewrite // eq_sym.
  by rewrite e eqxx in ne.
have /(pairwiseP [::])/(_ i j) := hp; rewrite !inE !size_map !size_iota !ltn_ord.
rewrite !(nth_map 0%nat) ?size_iota // !nth_iota // !add0n => /(_ isT isT ij) /andP[].
move=> /differP; rewrite !size_map size_iota => /(_ erefl) h1.
move=> /differP; rewrite !size_map size_iota => /(_ erefl) h2.
have c1 (l : seq nat) : count (fun p => p.1 (+) p.2) (zip [seq bit i c | c <- l] [seq bit j c | c <- l])
    = count (fun c => bit i c (+) bit j c) l by elim: l => //= c l ->.
have c2 (l : seq nat) : count (fun p => p.1 (+) p.2) (zip [seq bit i c | c <- l]
    (map negb [seq bit j c | c <- l]))
    = count (fun c => ~~ (bit i c (+) bit j c)) l.
  by elim: l => //= c l ->; rewrite addbN.
rewrite c1 in h1; rewrite c2 in h2.
have tot := count_predC (fun c => bit i c (+) bit j c) (iota 0 d); rewrite size_iota in tot.
have h2' : (D <= count (predC (fun c => bit i c (+) bit j c)) (iota 0 d))%nat by [].
move: h1 h2' tot; set x := count _ _; set y := count _ _ => /INR_le h1 /INR_le h3 tot.
have {}tot : INR x + INR y = INR d by rewrite -plus_INR -tot.
rewrite dot_sign_key //; have -> : #|[pred c : 'I_d | bit i c (+) bit j c]| = x.
  have e : iota 0 d = index_iota 0 d by rewrite /index_iota subn0.
  by rewrite /x e -sum1_count big_mkord sum1_card.
have -> : 1 - 2 * INR x / INR d = (INR d - 2 * INR x) / INR d by field; lra.
rewrite /Rdiv Rabs_mult [Rabs (/ _)]Rabs_right; last by apply/Rle_ge/Rlt_le/Rinv_0_lt_compat.
apply: Rmult_le_compat_r; first exact/Rlt_le/Rinv_0_lt_compat.
by apply: Rabs_le; lra.
Qed.
End TwoSided.

(* var256_address i: letters 0, ..., 62 of Kerdock word i, over sqrt 63; letter 0 is coordinate 0 of the
   frames *)
Definition var256_address (i : 'I_424) (c : option 'I_62) : R :=
  (if kerdock 5 37 i (if c is Some l then l.+1 else 0%nat) then -1 else 1) / sqrt 63.

Lemma var256_balanced : balanced 63 (kerdock 5 37) 424 27.
Proof. by vm_cast_no_check (erefl true). Qed.

(* unit vectors of coherence at most 9/63 = 1/7, whose frames have coherence at most .165 *)
Lemma var256_frames_incoherent : let b : 'I_424 -> [finType of option 'I_62] -> R := var256_address in
  [/\ forall i, dot (b i) (b i) = 1, forall i, b i None < 1, forall i j, i != j -> dot (b i) (b j) <= 1/7
    & forall i j l, i != j -> Rabs (dot (frame (b i) l) (b j)) <= 165/1000].
Proof.
move=> b; have s0 : 0 < sqrt 63 by apply: sqrt_lt_R0; lra.
have i63 : INR 63 = 63 by rewrite INR_IZR_INZ.
have s2 : sqrt 63 * sqrt 63 = INR 63 by rewrite i63 sqrt_sqrt; lra.
have be : / sqrt 63 <= 126/1000.
  apply: (Rmult_le_reg_r (sqrt 63)) => //; rewrite Rinv_l; last lra.
  by apply: Rnot_lt_le => h; have : (126/1000 * sqrt 63) * (126/1000 * sqrt 63) < 1 * 1 by [nra];
    rewrite i63 in s2; nra.
have ab i c : Rabs (b i c) <= 126/1000.
  rewrite /b /var256_address /Rdiv Rabs_mult [Rabs (/ _)]Rabs_right;
    last by apply/Rle_ge/Rlt_le/Rinv_0_lt_compat.
  by case: (kerdock _ _ _ _); rewrite ?Rabs_Ropp Rabs_R1; lra.
have dk i j : dot (b i) (b j)
    = dot (sign_key (d := 63) (kerdock 5 37) (sqrt 63) i) (sign_key (d := 63) (kerdock 5 37) (sqrt 63) j).
  by rewrite dot_option; symmetry; rewrite /dot big_ord_recl; congr (_ + _).
have u1 i : dot (b i) (b i) = 1.
  by rewrite dk dot_sign_key // eq_card0 => [|c]; [rewrite i63 [INR 0]/=; field|rewrite !inE addbb].
have co i j : i != j -> Rabs (dot (b i) (b j)) <= 1/7.
  move=> ij; rewrite dk; have := balanced_incoherent s0 s2 var256_balanced ij.
  by have -> : (INR 63 - 2 * INR 27) / INR 63 = 1 / 7 by rewrite !INR_IZR_INZ /=; field.
split=> //.
- by move=> i; have := Rabs_between (ab i None); lra.
- by move=> i j /co /Rabs_between; lra.
move=> i j l ij; have be1 : 126/1000 < 1 by lra.
by apply: Rle_trans (frame_coherence_flat l be1 (ab j) (ab i) (co _ _ ij) (u1 i)) _; lra.
Qed.
