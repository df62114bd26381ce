(* Short vectors of a lattice that a binary code makes: how far apart those of one length are.  Addresses of
   Theorem C are such vectors, and nobody compares their pairs. *)
From Coq Require Import ZArith Lia.
From LowerBound Require Export Keys.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Shell.
Variables (J : finType) (C : pred {ffun J -> bool}) (w : nat).
(* parity x: the vector modulo 2 *)
Definition parity (x : J -> Z) : {ffun J -> bool} := [ffun j => Z.odd (x j)].
(* in_lattice x: modulo 2 the vector is a word of C, and 4 divides the sum of its entries *)
Definition in_lattice (x : J -> Z) : Prop := C (parity x) /\ exists k, \rsum_j IZR (x j) = IZR (4 * k).
(* C is linear, and its words are 0 or have at least w letters 1 *)
Hypothesis linear : forall u v, C u -> C v -> C [ffun j => u j (+) v j].
Hypothesis weight : forall u j, C u -> u j -> (w <= #|[pred i | u i]|)%nat.

Lemma IZR_sum (f : J -> Z) : exists s, \rsum_j IZR (f j) = IZR s.
Proof.
elim/big_ind: _ => [|a b [s ->] [t ->]|j _]; first by exists 0%Z.
  by exists (s + t)%Z; rewrite plus_IZR.
by exists (f j).
Qed.

Lemma square_ge1 a : a <> 0%Z -> 1 <= IZR a * IZR a.
Proof. by move=> h; rewrite -mult_IZR; apply: IZR_le; nia. Qed.

(* Sketch.  If an entry is odd, at least w are, and each adds 1 or more to the squared norm.  Otherwise the
   vector is 2 t, and the sum of the entries of t is even.  So is the sum of their squares, which is positive:
   it is at least 2, and the squared norm at least 8. *)
Lemma lattice_norm (x : J -> Z) m : in_lattice x -> (exists j, x j <> 0%Z) -> m <= 8 -> m <= INR w ->
  m <= \rsum_j (IZR (x j) * IZR (x j)).
Proof.
move=> [Cx [k hk]] [i xi] m8 mw; have sq0 a : 0 <= IZR a * IZR a by nra.
case: (pickP (fun j => Z.odd (x j))) => [j oj|even].
  have hw : (w <= #|[pred i | Z.odd (x i)]|)%nat.
    have -> : #|[pred i | Z.odd (x i)]| = #|[pred i | parity x i]| by apply: eq_card => c; rewrite !inE ffunE.
    by apply: (weight (j := j)) => //; rewrite ffunE.
  apply: Rle_trans mw _; apply: Rle_trans (le_INR _ _ (leP hw)) _.
  rewrite -sum_ind; apply: rsum_le => c _; rewrite /ind; case o: (Z.odd (x c)) => //.
  by apply: square_ge1 => e; rewrite e in o.
pose t j := (x j / 2)%Z.
have xt j : x j = (2 * t j)%Z by have := Zdiv2_odd_eqn (x j); rewrite even Z.div2_div /t; lia.
have [s hs] := IZR_sum (fun j => (t j * (t j - 1) / 2)%Z).
have half a : (a * (a - 1) = 2 * (a * (a - 1) / 2))%Z.
  have [b [->|->]] : exists b, a = (2 * b)%Z \/ a = (2 * b + 1)%Z.
  - by exists (a / 2)%Z; have := Z.div_mod a 2; have := Z.mod_pos_bound a 2; lia.
  - by have -> : (2 * b * (2 * b - 1) = b * (2 * b - 1) * 2)%Z by [ring]; rewrite Z.div_mul //; ring.
  by have -> : ((2 * b + 1) * (2 * b + 1 - 1) = (2 * b + 1) * b * 2)%Z by [ring]; rewrite Z.div_mul //; ring.
have norm : \rsum_j (IZR (x j) * IZR (x j)) = 8 * (IZR s + IZR k).
  have e j : IZR (x j) * IZR (x j) = 8 * IZR (t j * (t j - 1) / 2) + 2 * IZR (x j).
    have h : (t j * t j = 2 * (t j * (t j - 1) / 2) + t j)%Z by have := half (t j); lia.
    have -> : IZR (x j) * IZR (x j) = 4 * IZR (t j * t j) by rewrite xt !mult_IZR; ring.
    by rewrite h xt plus_IZR !mult_IZR; ring.
  by rewrite (eq_bigr _ (fun j _ => e j)) big_split /= !rsum_distr hs hk mult_IZR; ring.
have pos : 1 <= \rsum_j (IZR (x j) * IZR (x j)).
  apply: Rle_trans (square_ge1 xi) _.
  by apply: (rsum_term (f := fun j => IZR (x j) * IZR (x j))) => j; exact: sq0.
move: pos; rewrite norm -plus_IZR => pos; have h : (0 < s + k)%Z by apply: lt_IZR; lra.
by have := IZR_le 1 (s + k) ltac:(lia); lra.
Qed.

Lemma in_lattice_sub x y : in_lattice x -> in_lattice y -> in_lattice (fun j => x j - y j)%Z.
Proof.
move=> [Cx [k hk]] [Cy [l hl]]; split.
  have -> : parity (fun j => x j - y j)%Z = [ffun j => parity x j (+) parity y j].
    by apply/ffunP=> j; rewrite !ffunE Z.odd_sub; case: Z.odd; case: Z.odd.
  exact: linear.
exists (k - l)%Z; rewrite mult_IZR minus_IZR (eq_bigr (fun j => IZR (x j) + (-1) * IZR (y j))); last first.
  by move=> j _; rewrite minus_IZR; ring.
by rewrite big_split rsum_distr hk hl !mult_IZR /=; ring.
Qed.

End Shell.

(* Different vectors of the lattice that have one squared norm s are unit keys, divided by its root, whose
   inner products are at most 1 - m / (2 s).
   Sketch.  The difference of two is a vector of the lattice, so that its squared norm, 2 s - 2 <x, y>, is at
   least m. *)
Theorem code_shell (Tok J : finType) (C : pred {ffun J -> bool}) (w : nat) (x : Tok -> J -> Z) (s : Z)
    (m : R) :
  (forall u v, C u -> C v -> C [ffun j => u j (+) v j]) ->
  (forall u j, C u -> u j -> (w <= #|[pred i | u i]|)%nat) ->
  (forall i, C [ffun j => Z.odd (x i j)]) -> (forall i, exists k, \rsum_j IZR (x i j) = IZR (4 * k)) ->
  (forall i j, i != j -> exists c, x i c <> x j c) ->
  (0 < s)%Z -> (forall i, \rsum_j (IZR (x i j) * IZR (x i j)) = IZR s) -> m <= 8 -> m <= INR w ->
  incoherent (fun i c => IZR (x i c) / sqrt (IZR s)) (1 - m / (2 * IZR s)).
Proof.
move=> linear weight hC h4 hd /IZR_lt s0 hs m8 mw.
have q0 := sqrt_lt_R0 _ s0; have q2 := sqrt_sqrt _ (Rlt_le _ _ s0).
have unscaled i j : dot (fun c => IZR (x i c) / sqrt (IZR s)) (fun c => IZR (x j c) / sqrt (IZR s))
    = dot (fun c => IZR (x i c)) (fun c => IZR (x j c)) / IZR s.
  rewrite /dot [RHS]Rmult_comm -rsum_distr; apply: eq_bigr => c _.
  by rewrite -[X in / X * _]q2; field; lra.
split=> [i|i j ij]; rewrite unscaled; first by rewrite /dot hs /Rdiv Rinv_r; lra.
have hx k : in_lattice C (x k) by split; [exact: hC|exact: h4].
have d0 : exists c, (x i c - x j c)%Z <> 0%Z by have [c hc] := hd i j ij; exists c; lia.
have := lattice_norm weight (in_lattice_sub linear (hx i) (hx j)) d0 m8 mw.
have -> : \rsum_c (IZR (x i c - x j c) * IZR (x i c - x j c))
    = 2 * IZR s + (-2) * dot (fun c => IZR (x i c)) (fun c => IZR (x j c)).
  have two : 2 * IZR s = \rsum_c (IZR (x i c) * IZR (x i c)) + \rsum_c (IZR (x j c) * IZR (x j c)).
    by rewrite !hs; ring.
  by rewrite two /dot -rsum_distr -!big_split /=; apply: eq_bigr => c _; rewrite minus_IZR; ring.
move=> h; apply: Rdiv_le_l => //; have -> : (1 - m / (2 * IZR s)) * IZR s = IZR s - m / 2 by field; lra.
by lra.
Qed.
