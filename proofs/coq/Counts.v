(* The bits of model R3 from the size of the largest fibre, and how many words of levels have a given sum. *)
From Coq Require Import FunctionalExtensionality ZArith.
From LowerBound Require Export Fibres.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- needed and enough --------------------------------------------------------------------------- *)
Theorem side_exact (X P : finType) (side : X -> P -> R) (Out : Type) (good : X -> Out -> bool)
    (truth : X -> Out) (M : nat) (F : {set X}) :
  (forall x y o, good x o -> good y o -> x = y) -> (forall x, good x (truth x)) ->
  one_side side F -> #|F| = M -> (0 < M)%nat -> (forall G, one_side side G -> (#|G| <= M)%nat) ->
  (forall (W S : finType) (compress : W -> X -> S) (answer : W -> S -> (P -> R) -> Out) (delta : R),
     0 < N W -> delta < 1 ->
     (forall x, INR #|[pred w | ~~ good x (answer w (compress w x) (side x))]| <= delta * N W) ->
     log2 (INR M) - log2 (/ (1 - delta)) <= log2 (N S)) /\
  exists (compress : X -> 'I_M) (answer : 'I_M -> (P -> R) -> Out), forall x,
    good x (answer (compress x) (side x)).
Proof.
move=> sep hgood hF cardF M0 hM; have [x0 hx0] : exists x0, x0 \in F by apply/card_gt0P; rewrite cardF.
split=> [W S compress answer delta W0 d1 hc|]; last exact: side_upper_bound x0 _ _ hgood hM.
rewrite -cardF; apply: (@side_lower_bound X P side Out good F W S compress answer delta x0) => // x hx.
by apply: functional_extensionality => p; exact: hF.
Qed.

(* ---------- words of a given sum ------------------------------------------------------------------------ *)
Section Words.
Variable L : nat.
(* Sketch: Words of n + 1 levels are a first level and a word of n levels. *)
Lemma words_step n s : words_of_sum n.+1 L s = (\sum_(a < L | (a <= s)%nat) words_of_sum n L (s - a))%nat.
Proof.
pose h (aw : 'I_L * {ffun 'I_n -> 'I_L}) : {ffun 'I_n.+1 -> 'I_L} :=
  [ffun k => if unlift ord0 k is Some j then aw.2 j else aw.1].
pose g (w : {ffun 'I_n.+1 -> 'I_L}) : 'I_L * {ffun 'I_n -> 'I_L} := (w ord0, [ffun j => w (lift ord0 j)]).
have hK : cancel h g.
  move=> [a w]; rewrite /g /h /= ffunE unlift_none; congr pair; apply/ffunP => j.
  by rewrite !ffunE liftK.
have gK : cancel g h.
  move=> w; apply/ffunP => k; rewrite /h /g ffunE /=; case: unliftP => [j ->|->] //.
  by rewrite ffunE.
rewrite /words_of_sum -sum1_card (reindex h); last exact: onW_bij (Bijective hK gK).
transitivity (\sum_(a < L) \sum_(w : {ffun 'I_n -> 'I_L} | a + \sum_k w k == s) 1)%nat.
  rewrite pair_big_dep /=; apply: eq_bigl => -[a w]; rewrite inE big_ord_recl /h !ffunE unlift_none /=.
  by under eq_bigr => k _ do rewrite ffunE liftK.
rewrite [RHS]big_mkcond; apply: eq_bigr => a _; case: leqP => [le|lt].
  rewrite -sum1_card; apply: eq_bigl => w; rewrite inE.
  by rewrite -(eqn_add2l a (\sum_k w k)) subnKC.
by rewrite big1 // => w /eqP e; move: lt; rewrite -e ltnNge leq_addr.
Qed.

Lemma words_none s : words_of_sum 0 L s = (s == 0%nat).
Proof.
rewrite /words_of_sum; case: eqP => [->|ne] /=.
  have -> : #|[pred w : {ffun 'I_0 -> 'I_L} | (\sum_k w k == 0)%nat]| = #|{: {ffun 'I_0 -> 'I_L}}|.
    by apply: eq_card => w; rewrite !inE big_ord0.
  by rewrite card_ffun !card_ord.
by apply: eq_card0 => w; rewrite !inE big_ord0 eq_sym; apply/negbTE/eqP.
Qed.

(* power n: the coefficients of (1 + x + ... + x^(L-1))^n *)
Definition times_levels (p : seq Z) : seq Z :=
  [seq foldr Z.add 0%Z [seq nth 0%Z p (s - a) | a <- iota 0 L & (a <= s)%nat] | s <- iota 0 (size p + L)].
Definition power (n : nat) : seq Z := ssrnat.iter n times_levels [:: 1%Z].

(* Sketch: induction on the number of letters. The last letter a leaves words of sum s - a, as a coefficient
   of the product by 1 + x + ... + x^(L-1) does; beyond its length every term of the list is 0. *)
Lemma words_power n s : Z.of_nat (words_of_sum n L s) = nth 0%Z (power n) s.
Proof.
elim: n s => [|n IH] s; first by rewrite words_none; case: s => [|[|s]].
rewrite words_step /power iterS -/(power n) /times_levels.
have -> : Z.of_nat (\sum_(a < L | (a <= s)%nat) words_of_sum n L (s - a))
    = foldr Z.add 0%Z [seq nth 0%Z (power n) (s - a) | a <- iota 0 L & (a <= s)%nat].
  rewrite -(big_mkord (fun a => (a <= s)%nat) (fun a => words_of_sum n L (s - a))) /index_iota subn0.
  elim: (iota 0 L) => [|a l IHl]; first by rewrite big_nil.
  rewrite big_cons /=; case: leqP => _ /=; last exact: IHl.
  by rewrite Nat2Z.inj_add IH IHl.
case: (ltnP s (size (power n) + L)) => hs; first by rewrite (nth_map 0%nat) ?size_iota // nth_iota.
rewrite [RHS]nth_default ?size_map ?size_iota //.
have -> : [seq nth 0%Z (power n) (s - a) | a <- iota 0 L & (a <= s)%nat]
  = [seq 0%Z | a <- iota 0 L & (a <= s)%nat].
  apply/eq_in_map => a; rewrite mem_filter mem_iota add0n => /andP[le /andP[_ aL]].
  by rewrite nth_default // leq_subRL //; apply: leq_trans hs; rewrite addnC leq_add2l ltnW.
by elim: [seq _ <- _ | _] => //= a l ->.
Qed.

(* most_is n M: M is the largest coefficient *)
Definition most_is (n : nat) (M : Z) : bool :=
  let p := power n in all (fun s => nth 0%Z p s <=? M)%Z (iota 0 (n * L).+1) &&
                      has (fun s => nth 0%Z p s =? M)%Z (iota 0 (n * L).+1).

Lemma most_isP n M : most_is n M -> Z.of_nat (most_words n L) = M.
Proof.
case/andP=> /allP below /hasP[s hs /Z.eqb_eq e].
have le : (M <= Z.of_nat (most_words n L))%Z by rewrite -e -words_power; apply/inj_le/leP; exact: words_le.
have [|t et] := @eq_bigmax _ (fun s : 'I_(n * L).+1 => words_of_sum n L s); first by rewrite card_ord.
have := below t; rewrite mem_iota ltn_ord /= => /(_ isT)/Z.leb_le.
have {}et : most_words n L = words_of_sum n L t := et.
by rewrite -words_power -et => ge; exact: Z.le_antisymm.
Qed.
End Words.
