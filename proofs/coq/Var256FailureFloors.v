(* Theorem F for delta = 1/100 and one head of VAR at 256 pixels, at three errors. *)
From LowerBound Require Export Var256FrameFailures.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* eta = 1/10: 8 blocks of 2 letters, 5 levels of values *)
Theorem var256_frames_with_failures_10 :
  let inst := var256_blocks (79/100) 5 (expn 2 3 * 2) (12107/1000000) in
  let side := var256_side (79/100) 2 3 (120/169) (119/169) (12107/1000000) (1/75) in
  let level := var256_level (79/100) 2 3 (120/169) (119/169) (12107/1000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 3)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 3)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/10) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 3)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 3)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    155900 <= log2 (N S)].
Proof.
move=> inst side level; have iL : INR 2 = 2 by rewrite INR_IZR_INZ.
have iLV : INR 5 = 5 by rewrite INR_IZR_INZ.
have iK : INR (expn 2 3 * 2) = 16 by rewrite mult_INR INR_expn !INR_IZR_INZ /=; lra.
have iB : INR 3 = 3 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/10)) / (1 - 2 * (1/10))) <= 1267081/3125000.
  have -> : (1 + 2 * (1/10)) / (1 - 2 * (1/10)) = 3 / 2 by field.
  by apply: (@ln_at_most 30 1267081 3125000 3 2);
    [vm_cast_no_check (erefl true)|lra].
have hx : / (1/75) <= exp (1727/400).
  by apply: (@exp_up 30 1727 400 75 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((1/50) / 2) <= exp (47/10).
  by apply: (@exp_up 30 47 10 100 1); [vm_cast_no_check (erefl true)|field|field].
have hK : (1 + / 32) * 423 / (1/20000) <= exp (483/25).
  by apply: (@exp_up 30 483 25 8724375 1);
    [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 32) * 423 / (1/1000000) <= exp (47/1).
  by apply: (@exp_up 30 47 1 436218750 1);
    [vm_cast_no_check (erefl true)|field|field].
have lK : 1/1 <= log2 2 by apply: (@log2_reachesP 2 1 1); vm_cast_no_check (erefl true).
have lV : 65/28 <= log2 5 by apply: (@log2_reachesP 5 65 28); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 32) <= 1/22.
  by apply: (@log2_up 33 32 1 22); [vm_cast_no_check (erefl true)|field].
have hu : log2 (/ (1/100 + (1/20000))) <= 239/36.
  by apply: (@log2_up 20000 201 239 36); [vm_cast_no_check (erefl true)|field].
have huV : log2 (/ (1/100 + (1/1000000))) <= 206/31.
  by apply: (@log2_up 1000000 10001 206 31); [vm_cast_no_check (erefl true)|field].
have hw : log2 (2 - 1) <= 0/1.
  by apply: (@log2_up 1 1 0 1); [vm_cast_no_check (erefl true)|field].
have hwV : log2 (5 - 1) <= 2/1.
  by apply: (@log2_up 4 1 2 1); [vm_cast_no_check (erefl true)|field].
apply: (@var256_failures_floor 2 5 3 erefl 2 5 16 3 (1/10) (1/100) (79/100) (120/169) (119/169)
  (12107/1000000)
  (1/75) (1/50) 32 (61681/500000) (1267081/3125000) (1727/400)
  (47/10) 100 (483/25) (47/1) (1/20000) (1/1000000)
  (1/1) (65/28) (239/36) (206/31) (0/1) (2/1) (1/22) 155900 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/100: 16 blocks of 12 letters, 50 levels of values *)
Theorem var256_frames_with_failures_100 :
  let inst := var256_blocks (1627/2000) 50 (expn 2 4 * 12) (12367/10000000) in
  let side := var256_side (1627/2000) 12 4 (21/29) (20/29) (12367/10000000) (1/750) in
  let level := var256_level (1627/2000) 12 4 (21/29) (20/29) (12367/10000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 4)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 4)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/100) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 4)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 4)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    333600 <= log2 (N S)].
Proof.
move=> inst side level; have iL : INR 12 = 12 by rewrite INR_IZR_INZ.
have iLV : INR 50 = 50 by rewrite INR_IZR_INZ.
have iK : INR (expn 2 4 * 12) = 192 by rewrite mult_INR INR_expn !INR_IZR_INZ /=; lra.
have iB : INR 4 = 4 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/100)) / (1 - 2 * (1/100))) <= 8001083/200000000.
  have -> : (1 + 2 * (1/100)) / (1 - 2 * (1/100)) = 51 / 49 by field.
  by apply: (@ln_at_most 30 8001083 200000000 51 49);
    [vm_cast_no_check (erefl true)|lra].
have hx : / (1/750) <= exp (66201/10000).
  by apply: (@exp_up 30 66201 10000 750 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((1/5000) / 2) <= exp (93/10).
  by apply: (@exp_up 30 93 10 10000 1); [vm_cast_no_check (erefl true)|field|field].
have hK : (1 + / 2) * 423 / (1/950) <= exp (267/20).
  by apply: (@exp_up 30 267 20 602775 1);
    [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 2) * 423 / (1/1000000) <= exp (37/1).
  by apply: (@exp_up 30 37 1 634500000 1);
    [vm_cast_no_check (erefl true)|field|field].
have lK : 190/53 <= log2 12 by apply: (@log2_reachesP 12 190 53); vm_cast_no_check (erefl true).
have lV : 79/14 <= log2 50 by apply: (@log2_reachesP 50 79 14); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 2) <= 10/17.
  by apply: (@log2_up 3 2 10 17); [vm_cast_no_check (erefl true)|field].
have hu : log2 (/ (1/100 + (1/950))) <= 13/2.
  by apply: (@log2_up 1900 21 13 2); [vm_cast_no_check (erefl true)|field].
have huV : log2 (/ (1/100 + (1/1000000))) <= 206/31.
  by apply: (@log2_up 1000000 10001 206 31); [vm_cast_no_check (erefl true)|field].
have hw : log2 (12 - 1) <= 45/13.
  by apply: (@log2_up 11 1 45 13); [vm_cast_no_check (erefl true)|field].
have hwV : log2 (50 - 1) <= 73/13.
  by apply: (@log2_up 49 1 73 13); [vm_cast_no_check (erefl true)|field].
apply: (@var256_failures_floor 12 50 4 erefl 12 50 192 4 (1/100) (1/100) (1627/2000) (21/29) (20/29)
  (12367/10000000)
  (1/750) (1/5000) 2 (46793/1000000) (8001083/200000000) (66201/10000)
  (93/10) (387/5) (267/20) (37/1) (1/950) (1/1000000)
  (190/53) (79/14) (13/2) (206/31) (45/13) (73/13) (10/17) 333600 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/1000: 16 blocks of 113 letters, 500 levels of values *)
Theorem var256_frames_with_failures_1000 :
  let inst := var256_blocks (517/625) 500 (expn 2 4 * 113) (63439/500000000) in
  let side := var256_side (517/625) 113 4 (663/905) (616/905) (63439/500000000) (1/7500) in
  let level := var256_level (517/625) 113 4 (663/905) (616/905) (63439/500000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 4)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 4)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/1000) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 4)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 4)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    505800 <= log2 (N S)].
Proof.
move=> inst side level; have iL : INR 113 = 113 by rewrite INR_IZR_INZ.
have iLV : INR 500 = 500 by rewrite INR_IZR_INZ.
have iK : INR (expn 2 4 * 113) = 1808 by rewrite mult_INR INR_expn !INR_IZR_INZ /=; lra.
have iB : INR 4 = 4 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/1000)) / (1 - 2 * (1/1000))) <= 2000007/500000000.
  have -> : (1 + 2 * (1/1000)) / (1 - 2 * (1/1000)) = 501 / 499 by field.
  by apply: (@ln_at_most 30 2000007 500000000 501 499);
    [vm_cast_no_check (erefl true)|lra].
have hx : / (1/7500) <= exp (89227/10000).
  by apply: (@exp_up 30 89227 10000 7500 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((1/500000) / 2) <= exp (139/10).
  by apply: (@exp_up 30 139 10 1000000 1); [vm_cast_no_check (erefl true)|field|field].
have hK : (1 + / 2) * 423 / (1/1200) <= exp (68/5).
  by apply: (@exp_up 30 68 5 761400 1);
    [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 2) * 423 / (1/1000000) <= exp (35/1).
  by apply: (@exp_up 30 35 1 634500000 1);
    [vm_cast_no_check (erefl true)|field|field].
have lK : 341/50 <= log2 113 by apply: (@log2_reachesP 113 341 50); vm_cast_no_check (erefl true).
have lV : 260/29 <= log2 500 by apply: (@log2_reachesP 500 260 29); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 2) <= 10/17.
  by apply: (@log2_up 3 2 10 17); [vm_cast_no_check (erefl true)|field].
have hu : log2 (/ (1/100 + (1/1200))) <= 111/17.
  by apply: (@log2_up 1200 13 111 17); [vm_cast_no_check (erefl true)|field].
have huV : log2 (/ (1/100 + (1/1000000))) <= 206/31.
  by apply: (@log2_up 1000000 10001 206 31); [vm_cast_no_check (erefl true)|field].
have hw : log2 (113 - 1) <= 177/26.
  by apply: (@log2_up 112 1 177 26); [vm_cast_no_check (erefl true)|field].
have hwV : log2 (500 - 1) <= 242/27.
  by apply: (@log2_up 499 1 242 27); [vm_cast_no_check (erefl true)|field].
apply: (@var256_failures_floor 113 500 4 erefl 113 500 1808 4 (1/1000) (1/100) (517/625) (663/905) (616/905)
  (63439/500000000)
  (1/7500) (1/500000) 2 (43677/1000000) (2000007/500000000) (89227/10000)
  (139/10) (803/10) (68/5) (35/1) (1/1200) (1/1000000)
  (341/50) (260/29) (111/17) (206/31) (177/26) (242/27) (10/17) 505800 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.
