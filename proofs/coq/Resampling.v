(* How VAR resamples maps, in exact rationals: bicubic up to full size, area down to the size of a scale.  For
   square maps the hypotheses of Theorem R2 become one computation. *)
From Coq Require Import QArith Qabs Qreals.
From LowerBound Require Export Pyramid.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the weights --------------------------------------------------------------------------------- *)
(* cubic: Keys's cubic convolution with a = -3/4, at a distance x *)
Definition cubic (x : Q) : Q :=
  (if Qle_bool x 1 then 1 + x * x * ((5 # 4) * x - (9 # 4)) else - (3 # 4) * (x - 1) * (x - 2) * (x - 2))%Q.
(* bicubic n m i p: the weight of cell p of n in cell i of m; cells beyond the border are the border's cell *)
Definition bicubic (n m i p : nat) : Q :=
  let twice := ((2 * Z.of_nat i + 1) * Z.of_nat n - Z.of_nat m)%Z in
  let left := (twice / (2 * Z.of_nat m))%Z in
  let x := (inject_Z (twice mod (2 * Z.of_nat m)) / inject_Z (2 * Z.of_nat m))%Q in
  foldr (fun t s => let place := Z.max 0 (Z.min (left + t) (Z.of_nat n - 1)) in
                    if (place =? Z.of_nat p)%Z then (cubic (Qabs (x - inject_Z t)) + s)%Q else s)
    0%Q [:: -1; 0; 1; 2]%Z.
(* area n m i c: the weight of cell c of n in the mean of the cells that cell i of m touches *)
Definition area (n m i c : nat) : Q :=
  let first := ((n * i) %/ m)%nat in let after := ((n * i.+1 + m.-1) %/ m)%nat in
  if (first <= c < after)%nat then (/ inject_Z (Z.of_nat (after - first)))%Q else 0%Q.

(* ---------- sums and tables of rationals ---------------------------------------------------------------- *)
Definition qsum (n : nat) (f : nat -> Q) : Q := foldr (fun i s => Qred (f i + s)) 0%Q (iota 0 n).
Definition table (n m : nat) (f : nat -> nat -> Q) : seq (seq Q) :=
  [seq [seq f i p | p <- iota 0 m] | i <- iota 0 n].
Definition entry (t : seq (seq Q)) (i p : nat) : Q := nth 0%Q (nth [::] t i) p.

Lemma qsumE n f : Q2R (qsum n f) = \rsum_(i < n) Q2R (f i).
Proof.
rewrite -(big_mkord xpredT (fun i => Q2R (f i))) /index_iota subn0 /qsum.
elim: (iota 0 n) => [|i l IH]; first by rewrite big_nil /Q2R /= Rmult_0_l.
set g := fun (i : nat) (s : Q) => _ in IH *; rewrite big_cons -IH.
by have -> : foldr g 0%Q (i :: l) = Qred (f i + foldr g 0%Q l) by [];
  rewrite (Qeq_eqR _ _ (Qred_correct _)) Q2R_plus.
Qed.

Lemma entry_table n m f i p : (i < n)%nat -> (p < m)%nat -> entry (table n m f) i p = f i p.
Proof.
move=> hi hp; rewrite /entry /table (nth_map 0%nat) ?size_iota // (nth_map 0%nat) ?size_iota //.
by rewrite !nth_iota.
Qed.

Lemma Q2R_abs a : Q2R (Qabs a) = Rabs (Q2R a).
Proof.
have half : Q2R 0 = 0 by rewrite /Q2R /= Rmult_0_l.
apply: (@Qabs_case a (fun x => Q2R x = Rabs (Q2R a))) => /Qle_Rle; rewrite half => h.
  by rewrite Rabs_pos_eq.
by rewrite Q2R_opp Rabs_left1.
Qed.

Lemma eq_qsum n f g : (forall i, (i < n)%nat -> f i = g i) -> qsum n f = qsum n g.
Proof.
move=> h; rewrite /qsum; have : forall i, i \in iota 0 n -> f i = g i by move=> i; rewrite mem_iota => /h.
elim: (iota 0 n) => //= i l IH hl; rewrite hl ?inE ?eqxx // IH // => j jl.
by apply: hl; rewrite inE jl orbT.
Qed.

(* solve n rows: the solution X of A X = B, where every row is one of A (n entries) followed by one of B *)
Fixpoint solve_rows (n : nat) (rows : seq (seq Q)) : seq (seq Q) :=
  if n is n'.+1 then
    let k := find (fun r => ~~ Qeq_bool (head 0%Q r) 0) rows in
    let pivot := let r := nth [::] rows k in [seq Qred (x / head 0%Q r) | x <- behead r] in
    let minus r := [seq Qred (x.1 - head 0%Q r * x.2) | x <- zip (behead r) pivot] in
    let rest := solve_rows n' [seq minus r | r <- take k rows ++ drop k.+1 rows] in
    let first := foldl (fun s cr => [seq Qred (x.1 - cr.1 * x.2) | x <- zip s cr.2])
      (drop n' pivot) (zip (take n' pivot) rest) in
    first :: rest
  else [::].
(* inverse_of n a: the inverse of a square table (no proof rests on its being one: the product is computed) *)
Definition inverse_of (n : nat) (a : seq (seq Q)) : seq (seq Q) :=
  solve_rows n [seq r.1 ++ [seq if r.2 == j then 1%Q else 0%Q | j <- iota 0 n] | r <- zip a (iota 0 n)].

(* ---------- square pyramids ----------------------------------------------------------------------------- *)
Section Square.
(* n scales of ids; lines k: the lines of scale k + 1 that are read *)
Variables (sides : seq nat) (n : nat) (lines : nat -> seq nat).
Variables (kappa F : nat -> Q) (eta tau bend : Q).
Definition square_side (k : nat) : nat := nth 0%nat sides k.
(* passed k j i p: from cell p of scale j over full size to cell i of scale k, along one axis *)
Definition passed (k j i p : nat) : Q :=
  let full := last 0%nat sides in
  qsum full (fun c => area full (square_side k) i c * bicubic (square_side j) full c p)%Q.
Definition read_line (k i : nat) : nat := nth 0%nat (lines k) i.
Definition read_table (k : nat) : seq (seq Q) :=
  table (square_side k) (square_side k) (fun i p => passed k.+1 k (read_line k i) p).
Definition inverse_table (k : nat) : seq (seq Q) := inverse_of (square_side k) (read_table k).

(* scale_checks k: the lines of scale k + 1 are distinct; the inverse is one; its row sums, the contents, and
   all together are small enough *)
Definition scale_checks (k : nat) : bool :=
  let s := square_side k in let s' := square_side k.+1 in
  let a := read_table k in let b := inverse_table k in
  let sums := [seq [seq qsum (square_side j) (fun p => Qabs (passed k.+1 j i p)) | j <- iota 0 k.+1]
    | i <- iota 0 s'] in
  [&& [&& size (lines k) == s, uniq (lines k) & all (fun i => i < s')%nat (lines k)],
      all (fun p => all (fun q => Qeq_bool (qsum s (fun i => entry b p i * entry a i q))
        (if p == q then 1 else 0))
                        (iota 0 s)) (iota 0 s),
      all (fun p => Qle_bool (qsum s (fun i => Qabs (entry b p i))) (kappa k)) (iota 0 s),
      all (fun x => all (fun y => Qle_bool (qsum k.+1 (fun j => entry sums x j * entry sums y j)) (F k))
        (iota 0 s'))
          (iota 0 s')
    & ~~ Qle_bool (F k) 0 && ~~ Qle_bool bend (2 * F k * (kappa k * kappa k) * (eta + tau))]%Q.

Hypothesis checked : forall k, (k < n)%nat -> scale_checks k.
Notation real_pass := (fun (_ : bool) k j i p => Q2R (passed k j i p)).
Notation real_inverse := (fun (_ : bool) k p i => Q2R (entry (inverse_table k) p i)).

Lemma ord_iota m (i : 'I_m) : (i : nat) \in iota 0 m.
Proof. by rewrite mem_iota /= add0n ltn_ord. Qed.

Lemma Q2R_ind (b : bool) : Q2R (if b then 1%Q else 0%Q) = ind b.
Proof. by case: b; rewrite /Q2R /ind /=; field. Qed.

Lemma square_line_lt (x : bool) (k : 'I_n) (i : 'I_(square_side k)) : (read_line k i < square_side k.+1)%nat.
Proof.
have /and5P[/and3P[/eqP size_k _ /allP h] _ _ _ _] := checked (ltn_ord k).
by apply: h; apply: mem_nth; rewrite size_k.
Qed.

Lemma square_line_inj (x : bool) (k : 'I_n) (i j : 'I_(square_side k)) :
  read_line k i = read_line k j -> i = j.
Proof.
have /and5P[/and3P[/eqP size_k uniq_k _] _ _ _ _] := checked (ltn_ord k).
by move/eqP; rewrite /read_line nth_uniq ?size_k // => /eqP/val_inj.
Qed.

Lemma square_inverts (x : bool) (k : 'I_n) (p q : 'I_(square_side k)) :
  \rsum_(i < square_side k) (real_inverse x k p i * real_pass x k.+1 k (read_line k i) q) = ind (p == q).
Proof.
have /and5P[_ /allP h _ _ _] := checked (ltn_ord k).
have /allP h' := h _ (ord_iota p); have /Qeq_bool_eq/Qeq_eqR := h' _ (ord_iota q).
rewrite Q2R_ind qsumE => <-; apply: eq_bigr => i _; rewrite Q2R_mult; congr (_ * _).
by rewrite entry_table.
Qed.

Lemma square_row_sums (x : bool) (k : 'I_n) (p : 'I_(square_side k)) :
  \rsum_(i < square_side k) Rabs (real_inverse x k p i) <= Q2R (kappa k).
Proof.
have /and5P[_ _ /allP h _ _] := checked (ltn_ord k).
have /Qle_bool_iff/Qle_Rle := h _ (ord_iota p).
by rewrite qsumE; under eq_bigr => i _ do rewrite Q2R_abs.
Qed.

Lemma Q2R_gt a b : ~~ Qle_bool a b -> Q2R b < Q2R a.
Proof. by move/negP => h; apply: Qlt_Rlt; apply: Qnot_le_lt => /Qle_bool_iff. Qed.

Lemma square_F0 (k : 'I_n) : 0 < Q2R (F k).
Proof.
have /and5P[_ _ _ _ /andP[/Q2R_gt h _]] := checked (ltn_ord k).
by move: h; rewrite {1}/Q2R /= Rmult_0_l.
Qed.

Lemma square_contents (k : 'I_n) (x y : 'I_(square_side k.+1)) :
  \rsum_(j < k.+1) ((\rsum_(p < square_side j) Rabs (real_pass true k.+1 j x p)) *
                    (\rsum_(q < square_side j) Rabs (real_pass false k.+1 j y q))) <= Q2R (F k).
Proof.
have /and5P[_ _ _ /allP h _] := checked (ltn_ord k).
have /allP h' := h _ (ord_iota x); have /Qle_bool_iff/Qle_Rle := h' _ (ord_iota y).
rewrite qsumE => le; apply: Rle_trans le; apply: Req_le; apply: eq_bigr => j _; rewrite Q2R_mult.
have sums z : (z < square_side k.+1)%nat ->
    Q2R (entry [seq [seq qsum (square_side j) (fun p => Qabs (passed k.+1 j i p)) | j <- iota 0 k.+1]
               | i <- iota 0 (square_side k.+1)] z j)
                 = \rsum_(p < square_side j) Rabs (Q2R (passed k.+1 j z p)).
  move=> hz; rewrite (@entry_table _ _ (fun i j => qsum (square_side j) (fun p => Qabs (passed k.+1 j i p))))
    //.
  by rewrite qsumE; apply: eq_bigr => p _; rewrite Q2R_abs.
by rewrite !sums.
Qed.

Lemma square_narrow (k : 'I_n) :
  2 * Q2R (F k) * (Q2R (kappa k) * Q2R (kappa k)) * (Q2R eta + Q2R tau) < Q2R bend.
Proof.
have /and5P[_ _ _ _ /andP[_ /Q2R_gt]] := checked (ltn_ord k).
have two : Q2R 2 = 2 by rewrite /Q2R /=; field.
by rewrite !(Q2R_mult, Q2R_plus) two.
Qed.
End Square.
