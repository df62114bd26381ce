(* Theorem E with a chain of tilts and rational parameters: its conditions are decided by computation with
   intervals, and its count of words by integers. *)
From LowerBound Require Export IntegerCliques Tilts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Local Notation number z := (rational one z 1).
Local Notation whole n := (rational one (Z.of_nat n) 1).

(* ---------- natural numbers as integers --------------------------------------------------------------------- *)
Lemma of_nat_add a b : Z.of_nat (a + b)%nat = (Z.of_nat a + Z.of_nat b)%Z.
Proof. exact: Nat2Z.inj_add. Qed.
Lemma of_nat_mul a b : Z.of_nat (a * b)%nat = (Z.of_nat a * Z.of_nat b)%Z.
Proof. exact: Nat2Z.inj_mul. Qed.
Lemma of_nat_expn a b : Z.of_nat (expn a b) = (Z.of_nat a ^ Z.of_nat b)%Z.
Proof. by elim: b => // b IH; rewrite expnS of_nat_mul IH Nat2Z.inj_succ Z.pow_succ_r //; lia. Qed.

(* ---------- a chain ---------------------------------------------------------------------------------------- *)
(* a tilt: its cosine and the cosine of near keys, over a denominator;  caps of the latter, over m';  the radius
   that it leaves, over m *)
Record tilt := Tilt { its_cosine : Z; its_near : Z; its_cap : Z; its_reach : Z }.

Section Chain.
Variables (n : nat) (none : tilt).
(* reach_of r ts l, cap_of ts l: what the theorem calls reaches l and caps l;  r is the radius before all tilts *)
Definition reach_of (r : Z) (ts : seq tilt) (l : nat) : Z :=
  if l is l'.+1 then its_reach (nth none ts l') else r.
Definition cap_of (ts : seq tilt) (l : nat) : Z := its_cap (nth none ts l).
(* shut_weight r ts: the sum of caps^(2 n) reaches^n over all tilts *)
Fixpoint shut_weight (r : Z) (ts : seq tilt) : Z :=
  if ts is a :: ts' then (its_cap a ^ Z.of_nat (2 * n) * r ^ Z.of_nat n + shut_weight (its_reach a) ts')%Z
  else 0%Z.

Lemma reach_last r ts : reach_of r ts (size ts) = last r [seq its_reach a | a <- ts].
Proof.
elim: ts r => // a ts IH r; rewrite [last _ _]/= -IH [size _]/= [LHS]/=.
by case: (size ts).
Qed.

Lemma shut_weightP r ts : (0 <= r)%Z -> all (fun a => (0 <=? its_cap a) && (0 <=? its_reach a))%Z ts ->
  Z.of_nat (\sum_(l < size ts) expn (Z.to_nat (cap_of ts l)) (2 * n) * expn (Z.to_nat (reach_of r ts l)) n)
    = shut_weight r ts.
Proof.
elim: ts r => [|a ts IH] r r0; first by rewrite big_ord0.
case/andP=> /andP[/Z.leb_le c0 /Z.leb_le a0] h; rewrite [size _]/= big_ord_recl of_nat_add of_nat_mul !of_nat_expn.
rewrite !Z2Nat.id //=; congr (_ + _)%Z; rewrite -IH //; congr Z.of_nat; apply: eq_bigr => l _.
by rewrite /cap_of /=; case: l => -[|l].
Qed.
End Chain.
