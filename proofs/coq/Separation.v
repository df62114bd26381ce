(* The reduction: if every acceptable answer to query i betrays symbol i of the instance,
   then the state of the algorithm is a message for INDEX. *)
From LowerBound Require Export Index.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- the algorithm --------------------------------------------------------- *)
(* algorithm: public coins, at least one of them, each equally likely; finitely many states; it compresses the
   input to a state, and answers from the state and the query *)
Record algorithm (Inp Qry Out : Type) := Algorithm {
  coins : finType; states : finType; some_coins : 0 < N coins;
  compress : coins -> Inp -> states; answer : coins -> states -> Qry -> Out }.
Arguments coins {Inp Qry Out} a : rename.
Arguments states {Inp Qry Out} a : rename.
Arguments some_coins {Inp Qry Out} a : rename.
Arguments compress {Inp Qry Out} a _ _ : rename.
Arguments answer {Inp Qry Out} a _ _ _ : rename.
(* bits a: the memory of algorithm a, in bits of a fixed length *)
Definition bits Inp Qry Out (a : algorithm Inp Qry Out) : R := log2 (N (states a)).

Lemma one_coin : 0 < N unit_finType.
Proof. by rewrite /N card_unit /=; lra. Qed.
(* without_coins: an algorithm that tosses no coin *)
Definition without_coins (S : finType) Inp Qry Out (f : unit -> Inp -> S) (g : unit -> S -> Qry -> Out) :
  algorithm Inp Qry Out := Algorithm one_coin f g.

(* ---------- any input, query and answer type, any acceptance test ----------------- *)
Section Separation.
Variables (I : finType) (A : I -> finType) (W S : finType) (Inp Qry Out : Type).
Notation X := {dffun forall i, A i}.
(* good inp q o: o is an acceptable answer to query q on input inp *)
Variables (good : Inp -> Qry -> Out -> bool) (inst : X -> Inp) (qry : I -> Qry).
(* the algorithm: it compresses the input to a state, and answers from the state and the query *)
Variables (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out).

(* failures x i: the number of coins under which query i on instance x is answered badly *)
Definition failures (x : X) (i : I) : R :=
  INR #|[pred w | ~~ good (inst x) (qry i) (answer w (compress w (inst x)) (qry i))]|.
(* correct_on delta: query i fails with probability at most delta i, on every instance of the family *)
Definition correct_on (delta : I -> R) : Prop := forall x i, failures x i <= delta i * N W.
(* correct_on_average: the same, averaged over the instances *)
Definition correct_on_average (delta : I -> R) : Prop :=
  forall i, \rsum_(x : X) failures x i <= delta i * (N W * N_words A).
(* separated: an answer that is acceptable for x and for y at query i forces x i = y i *)
Definition separated : Prop := forall x y i o,
  good (inst x) (qry i) o -> good (inst y) (qry i) o -> x i = y i.

(* Bob answers the query himself and looks for an instance that accepts his answer. *)
Lemma decoder (x0 : X) : separated -> exists dec : W -> S -> X, forall x i,
  \rsum_(w : W) wrong (fun w x => compress w (inst x)) dec w x i <= failures x i.
Proof.
move=> sep; exists (fun w s => [ffun i =>
  if [pick x | good (inst x) (qry i) (answer w s (qry i))] is Some x then x i else x0 i]) => x i.
rewrite /failures -sum_ind; apply: rsum_le => w _.
rewrite /wrong ffunE; case hx: (good _ _ _) => /=; last by case: (_ != _) => /=; lra.
case: pickP => [y hy|/(_ x)]; last by rewrite hx.
by rewrite (sep _ _ _ _ hx hy) eqxx /=; lra.
Qed.

Theorem separation_average (x0 : X) (delta : I -> R) :
  separated -> 0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) -> correct_on_average delta ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> sep W0 hd hc; have [dec hdec] := decoder x0 sep.
apply: (index_lower_bound x0 (enc := fun w x => compress w (inst x)) (dec := dec)) => // i.
apply: Rle_trans (hc i); rewrite exchange_big /=.
by apply: rsum_le => x _; exact: hdec.
Qed.

Lemma correct_average delta : correct_on delta -> correct_on_average delta.
Proof.
move=> hc i; apply: Rle_trans (_ : _ <= \rsum_(x : X) (delta i * N W)) _; first by apply: rsum_le => x _.
by rewrite rsum_const_words; apply: Req_le; ring.
Qed.

Theorem separation_lower_bound (x0 : X) (delta : I -> R) :
  separated -> 0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) -> correct_on delta ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof. by move=> sep W0 hd /correct_average; exact: separation_average. Qed.
End Separation.

(* one alphabet: only the mean failure rate over instances and queries matters *)
Theorem separation_mean (I A W S : finType) (Inp Qry Out : Type) (good : Inp -> Qry -> Out -> bool)
    (inst : {ffun I -> A} -> Inp) (qry : I -> Qry) (compress : W -> Inp -> S) (answer : W -> S -> Qry -> Out)
    (a0 : A) (delta : R) :
  separated (A := fun _ => A) good inst qry -> 0 < N W -> 0 <= delta <= 1 - / N A ->
  \rsum_(x : {ffun I -> A}) \rsum_i failures (A := fun _ => A) good inst qry compress answer x i
     <= delta * N I * (N W * N [finType of {ffun I -> A}]) ->
  N I * fano (N A) delta <= log2 (N S).
Proof.
move=> sep W0 hd hc; have [dec hdec] := decoder compress answer [ffun _ => a0] sep.
apply: (index_mean a0 (enc := fun w x => compress w (inst x)) (dec := dec) W0 hd).
apply: Rle_trans hc; rewrite exchange_big /=; apply: rsum_le => x _.
by rewrite exchange_big /=; apply: rsum_le => i _; exact: hdec.
Qed.

(* ---------- two notions of accuracy ---------------------------------------------------- *)
(* near eta a o: o is within eta of a;  approx eta a o: o is within the factors 1 - eta and 1 + eta of a *)
Definition near (eta a o : R) : bool := Rleb (Rabs (o - a)) eta.
Definition approx (eta a o : R) : bool := Rleb ((1 - eta) * a) o && Rleb o ((1 + eta) * a).

Lemma near_apart eta a b o : near eta a o -> near eta b o -> Rabs (a - b) <= 2 * eta.
Proof.
move=> /RlebP h1 /RlebP h2; have -> : a - b = (o - b) + - (o - a) by ring.
by have := Rabs_triang (o - b) (- (o - a)); rewrite Rabs_Ropp; lra.
Qed.

(* outputs that share an answer of relative error eta overlap after the factors 1 - eta and 1 + eta *)
Lemma approx_overlap eta u v o : approx eta u o -> approx eta v o -> (1 - eta) * v <= (1 + eta) * u.
Proof. by move=> /andP[_ /RlebP h1] /andP[/RlebP h2 _]; lra. Qed.

(* the same for the extreme readings of two levels a and b that are blurred by t *)
Lemma approx_apart eta t a b u v o : 0 <= eta < 1 -> 0 <= t ->
  u <= a / (1 + t) -> b / (1 + t) <= v -> approx eta u o -> approx eta v o ->
  (1 - eta) * b <= (1 + eta) * a.
Proof.
move=> [e0 e1] t0 hu hv gu gv; have h := approx_overlap gu gv.
have h3 := Rmult_le_compat_l (1 + eta) _ _ ltac:(lra) hu.
have h4 := Rmult_le_compat_l (1 - eta) _ _ ltac:(lra) hv.
have h5 : (1 - eta) * b * / (1 + t) <= (1 + eta) * a * / (1 + t) by rewrite /Rdiv in h3 h4; lra.
by apply: Rmult_le_reg_r h5; apply: Rinv_0_lt_compat; lra.
Qed.

Lemma near_self eta a : 0 <= eta -> near eta a a.
Proof. by move=> e0; apply/RlebP; rewrite /Rminus Rplus_opp_r Rabs_R0. Qed.

Lemma approx_self eta a : 0 <= eta < 1 -> 0 <= a -> approx eta a a.
Proof. by move=> he a0; apply/andP; split; apply/RlebP; nra. Qed.

(* outputs more than 2 eta apart cannot share an answer of additive error eta *)
Corollary levels_lower_bound (I W S : finType) (A : I -> finType) (Inp Qry : Type)
    (out : Inp -> Qry -> R) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (compress : W -> Inp -> S) (answer : W -> S -> Qry -> R)
    (x0 : {dffun forall i, A i}) (eta : R) (delta : I -> R) :
  (forall (x y : {dffun forall i, A i}) i,
     x i != y i -> 2 * eta < Rabs (out (inst x) (qry i) - out (inst y) (qry i))) ->
  0 < N W -> (forall i, 0 <= delta i <= 1 - / N (A i)) ->
  correct_on (fun inp q => near eta (out inp q)) inst qry compress answer delta ->
  \rsum_i fano (N (A i)) (delta i) <= log2 (N S).
Proof.
move=> h; apply: (separation_lower_bound x0) => x y i o hx hy; apply/eqP/negPn/negP => /h.
by have := near_apart hx hy; lra.
Qed.

(* The bound is not vacuous: a state that stores the symbols is correct with delta = 0. *)
Lemma store_symbols_correct (I : finType) (A : I -> finType) (Inp Qry Out : Type)
    (good : Inp -> Qry -> Out -> bool) (inst : {dffun forall i, A i} -> Inp) (qry : I -> Qry)
    (read : Inp -> {dffun forall i, A i}) (truth : Inp -> Qry -> Out) :
  (forall x, read (inst x) = x) -> (forall x i, good (inst x) (qry i) (truth (inst x) (qry i))) ->
  correct_on (W := unit_finType) good inst qry (fun _ => read) (fun _ s => truth (inst s)) (fun _ => 0).
Proof.
move=> hr hg x i; rewrite Rmult_0_l /failures hr; apply: Req_le.
by rewrite eq_card0 // => w; rewrite inE hg.
Qed.
