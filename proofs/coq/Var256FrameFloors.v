(* Theorem F0 for one head of VAR at 256 pixels, at three errors. *)
From LowerBound Require Export Var256Frames.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* eta = 1/10: 22 letters of payload, 5 levels of values *)
Theorem var256_frames_10 (L LV : nat) : L = 22%nat -> LV = 5%nat ->
  let inst := var256_instance (3927/5000) LV L (1141103/100000000) in
  let letter := var256_letter_question (3927/5000) L (20/29) (21/29) (1141103/100000000) (1/65) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/10) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/10) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    178200 <= log2 (N S)].
Proof.
move=> eL eLV inst letter; have iL : INR L = 22 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 5 by rewrite eLV INR_IZR_INZ.
have even : ~~ odd L by rewrite eL.
have hsp : ln ((1 + 2 * (1/10)) / (1 - 2 * (1/10))) <= 405465109/1000000000.
  have -> : (1 + 2 * (1/10)) / (1 - 2 * (1/10)) = 3 / 2 by field.
  by apply: (@ln_at_most 30 405465109 1000000000 3 2); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/65) <= exp (8349/2000).
  by apply: (@exp_up 30 8349 2000 65 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/50) / 2) <= exp (47/10).
  by apply: (@exp_up 30 47 10 100 1); [vm_cast_no_check (erefl true)|lra|lra].
have hK : 3/2 * (1 + / (5/2)) * 423 * 2 ^ 9 <= exp (1309/100).
  by apply: (@exp_up 30 1309 100 2274048 5); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / (5/2)) * 423 * 2 ^ 30 <= exp 41.
  by apply: (@exp_up 30 41 1 3179349540864 5); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 437/98 <= log2 22 by apply: (@log2_reachesP 22 437 98); vm_cast_no_check (erefl true).
have lV : 202/87 <= log2 5 by apply: (@log2_reachesP 5 202 87); vm_cast_no_check (erefl true).
have lP : log2 (1 + / (5/2)) <= 50/103.
  by apply: (@log2_up 7 5 50 103); [vm_cast_no_check (erefl true)|lra].
apply: (@var256_frames_floor L LV 9 30 22 5 (1/10) (3927/5000) (20/29) (21/29) (1141103/100000000) (1/65)
  (1/50) (5/2) (5819/100000) (405465109/1000000000) (8349/2000) (47/10) (717/10) (1309/100) 41 (437/98)
  (202/87) (50/103) 178200 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/100: 216 letters of payload, 50 levels of values *)
Theorem var256_frames_100 (L LV : nat) : L = 216%nat -> LV = 50%nat ->
  let inst := var256_instance (7909/10000) LV L (57377/50000000) in
  let letter := var256_letter_question (7909/10000) L (119/169) (120/169) (57377/50000000) (1/680) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/100) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/100) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    353400 <= log2 (N S)].
Proof.
move=> eL eLV inst letter; have iL : INR L = 216 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 50 by rewrite eLV INR_IZR_INZ.
have even : ~~ odd L by rewrite eL.
have hsp : ln ((1 + 2 * (1/100)) / (1 - 2 * (1/100))) <= 8001067/200000000.
  have -> : (1 + 2 * (1/100)) / (1 - 2 * (1/100)) = 51 / 49 by field.
  by apply: (@ln_at_most 30 8001067 200000000 51 49); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/680) <= exp (32611/5000).
  by apply: (@exp_up 30 32611 5000 680 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/5000) / 2) <= exp (93/10).
  by apply: (@exp_up 30 93 10 10000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hK : 3/2 * (1 + / (5/2)) * 423 * 2 ^ 9 <= exp (653/50).
  by apply: (@exp_up 30 653 50 2274048 5); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / (5/2)) * 423 * 2 ^ 30 <= exp 37.
  by apply: (@exp_up 30 37 1 3179349540864 5); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 411/53 <= log2 216 by apply: (@log2_reachesP 216 411 53); vm_cast_no_check (erefl true).
have lV : 412/73 <= log2 50 by apply: (@log2_reachesP 50 412 73); vm_cast_no_check (erefl true).
have lP : log2 (1 + / (5/2)) <= 50/103.
  by apply: (@log2_up 7 5 50 103); [vm_cast_no_check (erefl true)|lra].
apply: (@var256_frames_floor L LV 9 30 216 50 (1/100) (7909/10000) (119/169) (120/169) (57377/50000000)
  (1/680) (1/5000) (5/2) (2851/50000) (8001067/200000000) (32611/5000) (93/10) (362/5) (653/50) 37 (411/53)
  (412/73) (50/103) 353400 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/1000: 2088 letters of payload, 500 levels of values *)
Theorem var256_frames_1000 (L LV : nat) : L = 2088%nat -> LV = 500%nat ->
  let inst := var256_instance (2021/2500) LV L (11619/100000000) in
  let letter := var256_letter_question (2021/2500) L (403/565) (396/565) (11619/100000000) (1/7000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/1000) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/1000) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    527900 <= log2 (N S)].
Proof.
move=> eL eLV inst letter; have iL : INR L = 2088 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 500 by rewrite eLV INR_IZR_INZ.
have even : ~~ odd L by rewrite eL.
have hsp : ln ((1 + 2 * (1/1000)) / (1 - 2 * (1/1000))) <= 2000003/500000000.
  have -> : (1 + 2 * (1/1000)) / (1 - 2 * (1/1000)) = 501 / 499 by field.
  by apply: (@ln_at_most 30 2000003 500000000 501 499); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/7000) <= exp (44269/5000).
  by apply: (@exp_up 30 44269 5000 7000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/500000) / 2) <= exp (139/10).
  by apply: (@exp_up 30 139 10 1000000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hK : 3/2 * (1 + / (3/2)) * 423 * 2 ^ 9 <= exp (1321/100).
  by apply: (@exp_up 30 1321 100 541440 1); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / (3/2)) * 423 * 2 ^ 30 <= exp 35.
  by apply: (@exp_up 30 35 1 756987985920 1); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 397/36 <= log2 2088 by apply: (@log2_reachesP 2088 397 36); vm_cast_no_check (erefl true).
have lV : 260/29 <= log2 500 by apply: (@log2_reachesP 500 260 29); vm_cast_no_check (erefl true).
have lP : log2 (1 + / (3/2)) <= 87/118.
  by apply: (@log2_up 5 3 87 118); [vm_cast_no_check (erefl true)|lra].
apply: (@var256_frames_floor L LV 9 30 2088 500 (1/1000) (2021/2500) (403/565) (396/565) (11619/100000000)
  (1/7000) (1/500000) (3/2) (529/12500) (2000003/500000000) (44269/5000) (139/10) (372/5) (1321/100) 35
  (397/36) (260/29) (87/118) 527900 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.
