(* Binary words by arithmetic in GF(2^m): the Kerdock set and the trace code. *)
From mathcomp Require Import all_ssreflect.
Require Import NArith.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.

(* GF(2^m) modulo the polynomial f: bit k of an element is its coefficient of x^k *)
Section Field.
Variables (m : nat) (f : N).
(* gf_times_x a: x a; f is added if x a has degree m *)
Definition gf_times_x (a : N) : N := let b := N.double a in N.min b (N.lxor b f).
Fixpoint gf_times_bits (k : nat) (a b : N) : N :=
  if k is k'.+1 then N.lxor (if N.odd b then a else 0%num) (gf_times_x (gf_times_bits k' a (N.div2 b)))
    else 0%num.
Definition gf_times (a b : N) : N := gf_times_bits m a b.
Definition gf_square (a : N) : N := gf_times a a.
(* gf_trace a: a + a^2 + a^4 + ... + a^(2^(m-1)), an element of GF(2) *)
Definition gf_trace (a : N) : bool := N.odd (foldr N.lxor 0%num (traject gf_square a m)).
End Field.

(* linear_form y p: the sum in GF(2) of the products of the bits of y and p *)
Fixpoint odd_ones (p : positive) : bool := match p with xH => true | xO q => odd_ones q | xI q => ~~ odd_ones
  q end.
Definition linear_form (y p : N) : bool := if N.land y p is Npos q then odd_ones q else false.

(* kerdock m f: the Kerdock set of R^(2^(m+1)), m odd.  The point (x, x0) of GF(2^m) x GF(2) is the number
   p = 2^m x0 + x; word 2^(m+1) a + y has the letter Q_a(p) + linear_form y p at p, where
   Q_a(x, x0) = tr(x0 a x + sum_(1 <= i <= (m-1)/2) (a x)^(2^i + 1)) *)
Definition kerdock (m : nat) (f : N) (word : nat) : nat -> bool :=
  let q := N.shiftl 1 (N.of_nat m) in
  let (a, y) := N.div_eucl (N.of_nat word) (2 * q) in
  fun letter =>
    let p := N.of_nat letter in
    let (x0, x) := N.div_eucl p q in
    let ax := gf_times m f a x in
    let form := foldr N.lxor (if N.odd x0 then ax else 0%num)
      [seq gf_times m f ax (iter i (gf_square m f) ax) | i <- iota 1 (m.-1 %/ 2)] in
    gf_trace m f form (+) linear_form y p.

(* kerdock_zeros m f i: word i among the words of the Kerdock set that begin with three letters 0. Letter 0
   is 0 in every word; each form Q_a has 2^(m-1) words whose letters 1 and 2 are 0 too, since these choose
   the two lowest bits of y. *)
Definition kerdock_zeros (m : nat) (f : N) (i : nat) : nat -> bool :=
  let a := ((i %/ expn 2 m.-1) * expn 2 m.+1)%nat in
  kerdock m f (a + i %% expn 2 m.-1 * 4 + kerdock m f a 2 * 2 + kerdock m f a 1)%nat.

(* trace_code m f: the trace code of R^(2^m); word 2^m b + a has the letter tr(a x + b x^3) at x *)
Definition trace_code (m : nat) (f : N) (word : nat) : nat -> bool :=
  let q := N.shiftl 1 (N.of_nat m) in
  let (b, a) := N.div_eucl (N.of_nat word) q in
  fun letter =>
    let x := N.of_nat letter in
    gf_trace m f (N.lxor (gf_times m f a x) (gf_times m f b (gf_times m f x (gf_square m f x)))).
