(* Theorem F0 for one head of VAR at 256 pixels, at three errors. *)
From LowerBound Require Export Var256Frames.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* eta = 1/10: 20 letters of payload, 5 levels of values *)
Theorem var256_frames_10 :
  let inst := var256_instance (81/100) 5 20 (11807/1000000) in let letter := var256_letter (81/100) 20
    (4815/6737) (4712/6737) (11807/1000000) (1/68) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/10) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/10) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    175200 <= log2 (N S)].
Proof.
move=> inst letter; have iL : INR 20 = 20 by rewrite INR_IZR_INZ.
have iLV : INR 5 = 5 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/10)) / (1 - 2 * (1/10))) <= 405466/1000000.
  have -> : (1 + 2 * (1/10)) / (1 - 2 * (1/10)) = 12 / 8 by field.
  by apply: (@ln_at_most 30 405466 1000000 12 8); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/68) <= exp (42196/10000).
  by apply: (@exp_up 30 42196 10000 68 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((2/100) / 2) <= exp (47/10).
  by apply: (@exp_up 30 47 10 100 1); [vm_cast_no_check (erefl true)|field|field].
have hK : 3/2 * (1 + / 3) * 423 * 2 ^ 11 <= exp (1438/100).
  by apply: (@exp_up 30 1438 100 1732608 1); [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 3) * 423 * 2 ^ 30 <= exp (40/1).
  by apply: (@exp_up 30 40 1 605590388736 1); [vm_cast_no_check (erefl true)|field|field].
have lK : 121/28 <= log2 20 by apply: (@log2_reachesP 20 121 28); vm_cast_no_check (erefl true).
have lV : 65/28 <= log2 5 by apply: (@log2_reachesP 5 65 28); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 3) <= 5/12.
  by apply: (@log2_up 4 3 5 12); [vm_cast_no_check (erefl true)|field].
apply: (@var256_frames_floor 20 5 11 30 20 5 (1/10) (81/100) (4815/6737) (4712/6737) (11807/1000000) (1/68)
  (2/100) 3 (5633/100000)
  (405466/1000000) (42196/10000) (47/10) (808/10) (1438/100) (40/1) (121/28) (65/28)
  (5/12) 175200 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/100: 202 letters of payload, 50 levels of values *)
Theorem var256_frames_100 :
  let inst := var256_instance (811/1000) 50 202 (5909/5000000) in let letter := var256_letter (811/1000) 202
    (21/29) (20/29) (5909/5000000) (1/680) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/100) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/100) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    350800 <= log2 (N S)].
Proof.
move=> inst letter; have iL : INR 202 = 202 by rewrite INR_IZR_INZ.
have iLV : INR 50 = 50 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/100)) / (1 - 2 * (1/100))) <= 400054/10000000.
  have -> : (1 + 2 * (1/100)) / (1 - 2 * (1/100)) = 102 / 98 by field.
  by apply: (@ln_at_most 30 400054 10000000 102 98); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/680) <= exp (65221/10000).
  by apply: (@exp_up 30 65221 10000 680 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((2/10000) / 2) <= exp (93/10).
  by apply: (@exp_up 30 93 10 10000 1); [vm_cast_no_check (erefl true)|field|field].
have hK : 3/2 * (1 + / 2) * 423 * 2 ^ 9 <= exp (1318/100).
  by apply: (@exp_up 30 1318 100 487296 1); [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 2) * 423 * 2 ^ 30 <= exp (36/1).
  by apply: (@exp_up 30 36 1 681289187328 1); [vm_cast_no_check (erefl true)|field|field].
have lK : 291/38 <= log2 202 by apply: (@log2_reachesP 202 291 38); vm_cast_no_check (erefl true).
have lV : 79/14 <= log2 50 by apply: (@log2_reachesP 50 79 14); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 2) <= 10/17.
  by apply: (@log2_up 3 2 10 17); [vm_cast_no_check (erefl true)|field].
apply: (@var256_frames_floor 202 50 9 30 202 50 (1/100) (811/1000) (21/29) (20/29) (5909/5000000) (1/680)
  (2/10000) 2 (473/10000)
  (400054/10000000) (65221/10000) (93/10) (767/10) (1318/100) (36/1) (291/38) (79/14)
  (10/17) 350800 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/1000: 1940 letters of payload, 500 levels of values *)
Theorem var256_frames_1000 :
  let inst := var256_instance (822/1000) 500 1940 (11979/100000000) in let letter := var256_letter (822/1000)
    1940 (663/905) (616/905) (11979/100000000) (1/6600) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      forall i l a, unit_question 100 (letter i l a) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    (forall w x i c, near (1/1000) (frame_output (inst x) (var256_value i c))
                       (answer w (compress w (inst x)) (var256_value i c))) ->
    (forall w x i l a, near (1/1000) (frame_output (inst x) (letter i l a))
                         (answer w (compress w (inst x)) (letter i l a))) ->
    525200 <= log2 (N S)].
Proof.
move=> inst letter; have iL : INR 1940 = 1940 by rewrite INR_IZR_INZ.
have iLV : INR 500 = 500 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/1000)) / (1 - 2 * (1/1000))) <= 40000054/10000000000.
  have -> : (1 + 2 * (1/1000)) / (1 - 2 * (1/1000)) = 1002 / 998 by field.
  by apply: (@ln_at_most 30 40000054 10000000000 1002 998); [vm_cast_no_check (erefl true)|lra].
have hx : / (1/6600) <= exp (87949/10000).
  by apply: (@exp_up 30 87949 10000 6600 1); [vm_cast_no_check (erefl true)|field|field].
have hxV : / ((2/1000000) / 2) <= exp (139/10).
  by apply: (@exp_up 30 139 10 1000000 1); [vm_cast_no_check (erefl true)|field|field].
have hK : 3/2 * (1 + / 2) * 423 * 2 ^ 9 <= exp (1315/100).
  by apply: (@exp_up 30 1315 100 487296 1); [vm_cast_no_check (erefl true)|field|field].
have hV : (1 + / 2) * 423 * 2 ^ 30 <= exp (34/1).
  by apply: (@exp_up 30 34 1 681289187328 1); [vm_cast_no_check (erefl true)|field|field].
have lK : 557/51 <= log2 1940 by apply: (@log2_reachesP 1940 557 51); vm_cast_no_check (erefl true).
have lV : 260/29 <= log2 500 by apply: (@log2_reachesP 500 260 29); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 2) <= 10/17.
  by apply: (@log2_up 3 2 10 17); [vm_cast_no_check (erefl true)|field].
apply: (@var256_frames_floor 1940 500 9 30 1940 500 (1/1000) (822/1000) (663/905) (616/905) (11979/100000000)
  (1/6600) (2/1000000) 2 (4483/100000)
  (40000054/10000000000) (87949/10000) (139/10) (784/10) (1315/100) (34/1) (557/51) (260/29)
  (10/17) 525200 iL iLV).
all: first [assumption | lra | exact: erefl | by rewrite !INR_IZR_INZ /=; lra].
Qed.

