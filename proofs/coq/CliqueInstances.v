(* Theorem E at the sizes of real heads.  A head of dimension d has d - 1 free key coordinates, and d - 1 channels of
   values beside the constant one; queries have norm 100.  All conditions are decided by computation.
   Each design is eta, the coherence mu, the cosine of the tilt, tau; m, k, m', k'; steps of the lattice; bits. *)
From LowerBound Require Export IntegerCliques.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Instances.
Variables (M : nat) (eta : R).
Hypothesis fine : 16777216 <= INR M.   (* 2^24 *)

(* VAR at 256 pixels: 424 cached tokens, 256 tokens of the last scale, d = 64; fp16 takes 868352 bits *)
Theorem var256_cliques_10 : eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (29/50) eta 229559.
Proof.
have ok : clique_design 424 256 63 63 5 100 (1, 10) (29, 50) (233, 250) (14075411, 500000000)
  335 8 65 53 16777216 229559 by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem var256_cliques_100 : eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (29/50) eta 405933.
Proof.
have ok : clique_design 424 256 63 63 50 100 (1, 100) (29, 50) (471, 500) (1038273, 500000000)
  407 1 65 53 16777216 405933 by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem var256_cliques_1000 : eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (29/50) eta 580576.
Proof.
have ok : clique_design 424 256 63 63 500 100 (1, 1000) (29, 50) (19, 20) (110623, 500000000)
  3782 1 65 53 16777216 580576 by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.
End Instances.
