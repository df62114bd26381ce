(* Theorem E with a chain of tilts for one head of VAR at 256 pixels: d = 64, so 63 free key coordinates, and
   63 channels of values beside the constant one; queries have norm 100.  Every condition is decided by
   computation.  What is computed is eta, the coherence mu, the cosine of the first tilt, tau; the
   denominators of cosines, radii and caps, and the first radius; twelve more tilts, each with its cosine,
   that of near keys, their caps, and the radius that it leaves; the mean radius, the caps of cosine mu, g;
   steps of the lattice; bits. *)
From LowerBound Require Export IntegerTilts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Instances.
(* the lattice has at least 2^40 steps to 1;  424 cached tokens, 256 tokens of the last scale; fp16 takes
   868352 bits *)
Variables (M : nat) (eta : R).
Hypothesis fine : 1099511627776 <= INR M.

Theorem var256_tilts_10 : eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (3/5) eta 257086.
Proof.
have ok : (tilts_design 424 256 63 63 5 100 (1, 10) (3, 5) (937, 1000) (30614572, 1000000000)
  1000 100000 10000 2492
  [:: Tilt 928 790 6132 2428; Tilt 923 784 6208 2336; Tilt 916 776 6308 2227; Tilt 907 766 6429 2110;
      Tilt 895 752 6592 1973; Tilt 878 734 6792 1831; Tilt 856 710 7043 1684; Tilt 826 678 7351 1535;
      Tilt 789 638 7701 1399; Tilt 745 592 8060 1284; Tilt 695 540 8417 1187; Tilt 639 482 8762 1107]
  1169 8001 7 1099511627776 257086)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_100 : eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (3/5) eta 438329.
Proof.
have ok : (tilts_design 424 256 63 63 50 100 (1, 100) (3, 5) (946, 1000) (2853248, 1000000000)
  1000 1000000 10000 2566
  [:: Tilt 936 820 5724 2467; Tilt 929 812 5837 2330; Tilt 919 800 6001 2160; Tilt 904 784 6208 1981;
      Tilt 884 762 6476 1795; Tilt 859 734 6792 1621; Tilt 827 700 7142 1468; Tilt 789 660 7513 1337;
      Tilt 747 616 7878 1231; Tilt 702 568 8231 1144; Tilt 653 518 8554 1074; Tilt 605 468 8838 1019]
  1060 8001 7 1099511627776 438329)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_1000 : eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (3/5) eta 612292.
Proof.
have ok : (tilts_design 424 256 63 63 500 100 (1, 1000) (3, 5) (954, 1000) (295130, 1000000000)
  1000 10000000 10000 2769
  [:: Tilt 945 812 5837 2677; Tilt 941 808 5892 2587; Tilt 938 804 5947 2505; Tilt 933 798 6027 2395;
      Tilt 926 790 6132 2268; Tilt 915 778 6283 2109; Tilt 899 760 6500 1922; Tilt 874 732 6814 1710;
      Tilt 839 694 7200 1513; Tilt 792 644 7651 1339; Tilt 733 582 8132 1195; Tilt 660 506 8626 1078]
  1161 8001 7 1099511627776 612292)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_10000 : eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (3/5) eta 784208.
Proof.
have ok : (tilts_design 424 256 63 63 5000 100 (1, 10000) (3, 5) (961, 1000) (34702, 1000000000)
  1000 100000000 10000 3021
  [:: Tilt 953 800 6001 2962; Tilt 952 798 6027 2901; Tilt 950 796 6053 2844; Tilt 948 794 6080 2790;
      Tilt 945 790 6132 2690; Tilt 942 786 6183 2599; Tilt 937 780 6258 2478; Tilt 926 768 6405 2276;
      Tilt 909 748 6637 2025; Tilt 878 714 7002 1740; Tilt 824 656 7548 1452; Tilt 735 562 8272 1201]
  1341 8001 7 1099511627776 784208)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.
End Instances.
