(* Theorem E with a chain of tilts for one head of VAR at 256 pixels: d = 64, so 63 free key coordinates, and
   63 channels of values beside the constant one; queries have norm 100.  Every condition is decided by
   computation.  What is computed is eta, the coherence mu, the cosine of the first tilt, tau; the
   denominators of cosines, radii and caps, and the first radius; sixteen more tilts, each with its cosine,
   that of near keys and the pull, their caps, and the radius that it leaves; the mean radius, the caps of
   cosine mu, g; steps of the lattice; bits. *)
From LowerBound Require Export IntegerTilts.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Instances.
(* the lattice has at least 2^40 steps to 1;  424 cached tokens, 256 tokens of the last scale; fp16 takes
   868352 bits *)
Variables (M : nat) (eta : R).
Hypothesis fine : 1099511627776 <= INR M.

Theorem var256_tilts_10 : eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (3/5) eta 258943.
Proof.
have ok : (tilts_design 424 256 63 63 5 100 (1, 10) (3, 5) (937, 1000) (30614572, 1000000000)
  1000 100000 10000 2492
  [:: Tilt 914 770 468 5846 2160; Tilt 900 754 367 6317 1997; Tilt 888 742 282 6581 1893;
      Tilt 876 730 193 6786 1805; Tilt 864 718 102 6949 1729; Tilt 850 704 0 7103 1652;
      Tilt 834 686 0 7277 1568; Tilt 814 666 0 7460 1490; Tilt 794 644 0 7651 1417;
      Tilt 772 620 0 7847 1349; Tilt 746 594 0 8045 1288; Tilt 720 566 0 8245 1232;
      Tilt 694 538 0 8430 1184; Tilt 666 510 0 8602 1143; Tilt 638 480 0 8773 1105;
      Tilt 608 450 0 8931 1072]
  1114 8001 7 1099511627776 258943)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_100 : eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (3/5) eta 439510.
Proof.
have ok : (tilts_design 424 256 63 63 50 100 (1, 100) (3, 5) (946, 1000) (2853248, 1000000000)
  1000 1000000 10000 2566
  [:: Tilt 912 786 489 5488 2017; Tilt 890 764 348 6210 1815; Tilt 872 746 227 6580 1690;
      Tilt 854 728 101 6844 1590; Tilt 834 708 0 7063 1500; Tilt 814 686 0 7277 1417;
      Tilt 792 662 0 7496 1343; Tilt 768 638 0 7701 1280; Tilt 744 612 0 7909 1222;
      Tilt 718 586 0 8104 1174; Tilt 696 562 0 8272 1134; Tilt 672 538 0 8430 1100;
      Tilt 650 514 0 8578 1069; Tilt 626 490 0 8718 1042; Tilt 604 466 0 8848 1018;
      Tilt 580 442 0 8971 996]
  1028 8001 7 1099511627776 439510)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_1000 : eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (3/5) eta 615982.
Proof.
have ok : (tilts_design 424 256 63 63 500 100 (1, 1000) (3, 5) (954, 1000) (295130, 1000000000)
  1000 10000000 10000 2769
  [:: Tilt 924 782 539 5346 2173; Tilt 906 762 414 6114 1950; Tilt 890 748 307 6479 1823;
      Tilt 878 734 215 6728 1725; Tilt 864 720 110 6926 1640; Tilt 848 704 0 7103 1558;
      Tilt 832 686 0 7277 1480; Tilt 812 666 0 7460 1407; Tilt 792 644 0 7651 1339;
      Tilt 768 620 0 7847 1276; Tilt 744 594 0 8045 1219; Tilt 718 566 0 8245 1167;
      Tilt 690 538 0 8430 1122; Tilt 662 508 0 8614 1081; Tilt 632 478 0 8784 1045;
      Tilt 604 448 0 8941 1014]
  1055 8001 7 1099511627776 615982)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.

Theorem var256_tilts_10000 : eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (3/5) eta 791355.
Proof.
have ok : (tilts_design 424 256 63 63 5000 100 (1, 10000) (3, 5) (961, 1000) (34702, 1000000000)
  1000 100000000 10000 3021
  [:: Tilt 938 772 593 5252 2386; Tilt 924 758 493 5971 2163; Tilt 912 748 409 6328 2031;
      Tilt 904 738 343 6563 1935; Tilt 896 730 281 6726 1863; Tilt 886 722 208 6866 1796;
      Tilt 878 712 136 7003 1728; Tilt 866 700 34 7141 1654; Tilt 852 686 0 7277 1580;
      Tilt 836 668 0 7442 1499; Tilt 814 646 0 7634 1416; Tilt 790 620 0 7847 1335;
      Tilt 760 588 0 8089 1255; Tilt 726 552 0 8339 1182; Tilt 688 512 0 8590 1117;
      Tilt 644 468 0 8838 1060]
  1114 8001 7 1099511627776 791355)%Z.
  by vm_cast_no_check (erefl true).
exact: (floor_of_tilts_design ok fine).
Qed.
End Instances.
