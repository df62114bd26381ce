(* Almost every codebook has entries that are independent over the rationals: chosen one after the other, each
   may be any real number outside a countable set. *)
From Coq Require Import QArith Qreals.
From LowerBound Require Export Fibres.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- almost every codebook has independent entries ----------------------------------------------- *)
(* one more entry may be any number outside a countable set *)
Section Extend.
Variables (m : nat) (e : 'I_m -> R).
Definition extend (y : R) (i : 'I_m.+1) : R := if unlift ord_max i is Some j then e j else y.
(* a list of triples (sign, numerator, denominator - 1) as the coefficients of a combination of e *)
Definition coefficient_of (l : seq (bool * nat * nat)) (j : 'I_m) : Q :=
  let t := nth (false, 0%nat, 0%nat) l j in
  ((if t.1.1 then - Z.of_nat t.1.2 else Z.of_nat t.1.2)%Z # Pos.of_succ_nat t.2)%Q.
Definition combination (k : nat) : R :=
  if @unpickle [countType of seq (bool * nat * nat)] k is Some l then
    \rsum_j (Q2R (coefficient_of l j) * e j) else 0.

Lemma coefficients_found (c : 'I_m -> Q) : exists l, forall j, coefficient_of l j = c j.
Proof.
pose code (q : Q) := ((Qnum q <? 0)%Z, Z.to_nat (Z.abs (Qnum q)), (Pos.to_nat (Qden q)).-1).
exists [seq code (c j) | j <- enum 'I_m] => j;
  rewrite /coefficient_of (nth_map j) ?size_enum_ord // nth_ord_enum /=.
case: (c j) => num den /=; rewrite Z2Nat.id; last exact: Z.abs_nonneg.
have -> : Pos.of_succ_nat (Pos.to_nat den).-1 = den.
  by rewrite -[RHS]Pos2Nat.id; case: (Pos.to_nat den) (Pos2Nat.is_pos den) => [|d] h;
    [inversion h|rewrite Pos.of_nat_succ].
by case: Z.ltb_spec => h; congr Qmake; lia.
Qed.

(* Sketch: If the new entry had a coefficient b other than 0, it would be a rational combination of the old
   ones, which is on the list. *)
Theorem independent_extends : rationally_independent e ->
  forall y, (forall k, combination k <> y) -> rationally_independent (extend y).
Proof.
move=> he y hy c; rewrite big_ord_recr /= => hc.
have last_y : extend y ord_max = y by rewrite /extend unlift_none.
have old j : extend y (widen_ord (leqnSn m) j) = e j.
  rewrite /extend (_ : widen_ord _ j = lift ord_max j) ?liftK //; apply: val_inj => /=.
  by rewrite /bump leqNgt ltn_ord.
move: hc; rewrite last_y; under eq_bigr => j _ do rewrite old.
set b := c ord_max => hc.
have b0 : Q2R b = 0.
  case: (Req_dec (Q2R b) 0) => // nb; exfalso.
  have [l hl] := coefficients_found (fun j => - c (widen_ord (leqnSn m) j) / b)%Q.
  have nb' : ~ (b == 0)%Q by move/Qeq_eqR; rewrite {2}/Q2R /= Rmult_0_l.
  apply: (hy (pickle l)); rewrite /combination pickleK; apply: (Rmult_eq_reg_l (Q2R b)) => //.
  rewrite -rsum_distr (eq_bigr (fun j => - (Q2R (c (widen_ord (leqnSn m) j)) * e j))) => [|j _].
    by rewrite rsum_opp; move: hc; set s := \rsum_i _ => hc; lra.
  by rewrite hl Q2R_div // Q2R_opp; field.
move: hc; rewrite b0 Rmult_0_l Rplus_0_r => /he h i.
case: (unliftP ord_max i) => [j ->|->] //; have := h j.
by rewrite (_ : widen_ord _ j = lift ord_max j) //; apply: val_inj; rewrite /= /bump leqNgt ltn_ord.
Qed.
End Extend.

(* a sequence of reals does not hit all of them: nested intervals *)
Section Missed.
Variable f : nat -> R.
Fixpoint nested (k : nat) : R * R :=
  if k is k'.+1 then
    let (a, b) := nested k' in
    if Rle_dec (f k') ((a + b) / 2) then ((a + 3 * b) / 4, b) else (a, (3 * a + b) / 4)
  else (0, 1).

Lemma nested_lt k : (nested k).1 < (nested k).2.
Proof. by elim: k => [|k] /=; [lra|case: (nested k) => a b /= h; case: Rle_dec => _ /=; lra]. Qed.

Lemma nested_in k : (nested k).1 <= (nested k.+1).1 /\ (nested k.+1).2 <= (nested k).2.
Proof. by have := nested_lt k; rewrite /=; case: (nested k) => a b /= h; case: Rle_dec => _ /=; lra. Qed.

Lemma nested_misses k : f k < (nested k.+1).1 \/ (nested k.+1).2 < f k.
Proof.
by have := nested_lt k; rewrite /=; case: (nested k) => a b /= h; case: Rle_dec => hk /=; [left|right]; lra.
Qed.

Lemma nested_mono k j : (nested k).1 <= (nested (k + j)).1 /\ (nested (k + j)).2 <= (nested k).2.
Proof. by elim: j => [|j IH]; rewrite ?addn0 ?addnS; [lra|have := nested_in (k + j); lra]. Qed.

Lemma nested_cross j k : (nested j).1 <= (nested k).2.
Proof.
case: (leqP j k) => [/subnKC <-|/ltnW/subnKC <-].
  by have := nested_mono j (k - j); have := nested_lt (j + (k - j)); lra.
by have := nested_mono k (j - k); have := nested_lt (k + (j - k)); lra.
Qed.

Lemma missed : exists y, forall k, f k <> y.
Proof.
have [||y [up least]] := completeness (fun x => exists k, x = (nested k).1).
- by exists (nested 0).2 => _ [k ->]; exact: nested_cross.
- by exists (nested 0).1, 0%nat.
exists y => k e; have ya : (nested k.+1).1 <= y by apply: up; exists k.+1.
have yb : y <= (nested k.+1).2 by apply: least => _ [j ->]; exact: nested_cross.
by have := nested_misses k; rewrite e; lra.
Qed.
End Missed.

(* so there are independent entries in any number *)
Theorem independent_exist (m : nat) : exists e : 'I_m -> R, rationally_independent e.
Proof.
elim: m => [|m [e he]]; first by exists (fun _ => 0) => c _ [].
by have [y hy] := missed (combination e); exists (extend e y); exact: independent_extends.
Qed.
