(* Theorem E at the sizes of real heads.  A head of dimension d has d - 1 free key coordinates, and d - 1
   channels of values beside the constant one; queries have norm 100.  Every condition is decided by
   computation.  What is computed is eta, the coherence mu, the cosine of the tilt, tau; m, k, m', k'; steps
   of the lattice; bits. *)
From LowerBound Require Export IntegerCliques.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Instances.
(* the lattice has at least 2^24 steps, or 2^28, to 1 *)
Variables (M : nat) (eta : R).
Hypothesis fine : 16777216 <= INR M.

(* VAR at 256 pixels: 424 cached tokens, 256 tokens of the last scale, d = 64; fp16 takes 868352 bits. *)
Theorem var256_cliques_10 : eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (29/50) eta 229559.
Proof.
have ok : (clique_design 424 256 63 63 5 100 (1, 10) (29, 50) (233, 250) (14075411, 500000000) 335 8 65 53
  16777216 229559)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem var256_cliques_100 : eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (29/50) eta 405933.
Proof.
have ok : (clique_design 424 256 63 63 50 100 (1, 100) (29, 50) (471, 500) (1038273, 500000000) 407 1 65 53
  16777216 405933)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem var256_cliques_1000 : eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (29/50) eta 580576.
Proof.
have ok : (clique_design 424 256 63 63 500 100 (1, 1000) (29, 50) (19, 20) (110623, 500000000) 3782 1 65 53
  16777216 580576)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem var256_cliques_10000 : 268435456 <= INR M -> eta <= 1/10000 ->
  lattice_floor 424 256 63 63 5000 M 100 (29/50) eta 755036.
Proof.
move=> fine'.
have ok : (clique_design 424 256 63 63 5000 100 (1, 10000) (29, 50) (239, 250) (3693, 100000000) 34978 1 65
  53 268435456 755036)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine').
Qed.

(* Infinity at one megapixel: 6425 cached tokens, 4096 tokens of the last scale, d = 128; fp16 takes 26316800
   bits. *)
Theorem infinity1m_cliques_100 : eta <= 1/100 -> lattice_floor 6425 4096 127 127 50 M 100 (1/2) eta 12521241.
Proof.
have ok : (clique_design 6425 4096 127 127 50 100 (1, 100) (1, 2) (93, 100) (1368881, 500000000) 885 2 127
  110 16777216 12521241)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem infinity1m_cliques_1000 : eta <= 1/1000 ->
  lattice_floor 6425 4096 127 127 500 M 100 (1/2) eta 17867214.
Proof.
have ok : (clique_design 6425 4096 127 127 500 100 (1, 1000) (1, 2) (469, 500) (149853, 500000000) 4151 1
  127 110 16777216 17867214)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

(* A small model: 66 cached tokens, 64 tokens of the last scale, d = 32; fp16 takes 67584 bits. *)
Theorem small_cliques_100 : eta <= 1/100 -> lattice_floor 66 64 31 31 50 M 100 (67/100) eta 30559.
Proof.
have ok : (clique_design 66 64 31 31 50 100 (1, 100) (67, 100) (239, 250) (3715613, 1000000000) 697 2 67 50
  16777216 30559)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.

Theorem small_cliques_1000 : eta <= 1/1000 -> lattice_floor 66 64 31 31 500 M 100 (67/100) eta 43870.
Proof.
have ok : (clique_design 66 64 31 31 500 100 (1, 1000) (67, 100) (241, 250) (185731, 500000000) 3167 1 67
  50 16777216 43870)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_clique_design ok fine).
Qed.
End Instances.
