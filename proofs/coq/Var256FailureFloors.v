(* Theorem F for delta = 1/100 and one head of VAR at 256 pixels, at three errors. *)
From LowerBound Require Export Var256FrameFailures.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* eta = 1/10: 8 blocks of 3 letters, 5 levels of values *)
Theorem var256_frames_with_failures_10 (L LV : nat) : L = 3%nat -> LV = 5%nat ->
  let inst := var256_blocks (7633/10000) LV (expn 2 3 * L) (1397309/125000000) in
  let side := var256_side (7633/10000) L 3 (225/353) (272/353) (1397309/125000000) (1/85) in
  let level := var256_level (7633/10000) L 3 (225/353) (272/353) (1397309/125000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 3)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 3)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/10) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 3)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 3)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    167100 <= log2 (N S)].
Proof.
move=> eL eLV inst side level; have iL : INR L = 3 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 5 by rewrite eLV INR_IZR_INZ.
have iK : INR (expn 2 3 * L) = 24 by rewrite mult_INR INR_expn iL INR_IZR_INZ /=; lra.
have L0 : (0 < L)%nat by rewrite eL.
have iB : INR 3 = 3 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/10)) / (1 - 2 * (1/10))) <= 405465109/1000000000.
  have -> : (1 + 2 * (1/10)) / (1 - 2 * (1/10)) = 3 / 2 by field.
  by apply: (@ln_at_most 30 405465109 1000000000 3 2); [vm_cast_no_check (erefl true)|lra].
have hE : 38457273/25000000 <= exp (100 * (272/353) * (1397309/125000000) / 2).
  by apply: (@exp_up 30 23754253 55156250 38457273 25000000); [vm_cast_no_check (erefl true)|lra|lra].
have hF : / (153829093/100000000) <= exp (- (100 * (272/353) * (1397309/125000000) * (3 - 2) / 2)).
  by apply: (@exp_up 30 (- 23754253) 55156250 100000000 153829093);
    [vm_cast_no_check (erefl true)|lra|lra].
have hx : / (1/85) <= exp (11107/2500).
  by apply: (@exp_up 30 11107 2500 85 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/50) / 2) <= exp (47/10).
  by apply: (@exp_up 30 47 10 100 1); [vm_cast_no_check (erefl true)|lra|lra].
have hA : 2489 <= exp (391/50).
  by apply: (@exp_up 30 391 50 2489 1); [vm_cast_no_check (erefl true)|lra|lra].
have hB : 93901 <= exp (229/20).
  by apply: (@exp_up 30 229 20 93901 1); [vm_cast_no_check (erefl true)|lra|lra].
have hC : 493856 <= exp (1311/100).
  by apply: (@exp_up 30 1311 100 493856 1); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / (6/5)) * 423 / (1/1000000) <= exp 35.
  by apply: (@exp_up 30 35 1 775500000 1); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 84/53 <= log2 3 by apply: (@log2_reachesP 3 84 53); vm_cast_no_check (erefl true).
have lV : 202/87 <= log2 5 by apply: (@log2_reachesP 5 202 87); vm_cast_no_check (erefl true).
have lP : log2 (1 + / (6/5)) <= 7/8.
  by apply: (@log2_up 11 6 7 8); [vm_cast_no_check (erefl true)|lra].
have hu2 : log2 (/ (1/100 + 2 * (1/238))) <= 415/72.
  by apply: (@log2_up 11900 219 415 72); [vm_cast_no_check (erefl true)|lra].
have hu : log2 (/ (1/100 + (1/238))) <= 178/29.
  by apply: (@log2_up 11900 169 178 29); [vm_cast_no_check (erefl true)|lra].
have huV : log2 (/ (1/100 + (1/1000000))) <= 485/73.
  by apply: (@log2_up 1000000 10001 485 73); [vm_cast_no_check (erefl true)|lra].
have hw : log2 (3 - 1) <= 1/1.
  by apply: (@log2_up 2 1 1 1); [vm_cast_no_check (erefl true)|lra].
have hwV : log2 (5 - 1) <= 2/1.
  by apply: (@log2_up 4 1 2 1); [vm_cast_no_check (erefl true)|lra].
have sides := @side_cases (225/353) (272/353) (15899/100000) (6433/10000) (7141/50000) (41693/50000)
  (3123/50000) (32783/50000) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)
  ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra).
apply: (@var256_failures_floor L LV 3 L0 3 5 24 3 (1/10) (1/100) (7633/10000) (225/353) (272/353)
  (1397309/125000000) (1/85) (1/50) (6/5) (115183/2500000) (405465109/1000000000) (38457273/25000000)
  (153829093/100000000) (11107/2500) (47/10) (747/10) (15899/100000) (6433/10000) (391/50)
  (1558179/50000000000) (7141/50000) (41693/50000) (229/20) (1593171/2500000000000) (3123/50000)
  (32783/50000) (1311/100) (308203/2000000000000) (1/238) 35 (1/1000000) (84/53) (202/87) (415/72) (178/29)
  (485/73) (1/1) (2/1) (7/8) 167100 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by split; lra | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/100: 16 blocks of 14 letters, 50 levels of values *)
Theorem var256_frames_with_failures_100 (L LV : nat) : L = 14%nat -> LV = 50%nat ->
  let inst := var256_blocks (1563/2000) LV (expn 2 4 * L) (287021/250000000) in
  let side := var256_side (1563/2000) L 4 (455/697) (528/697) (287021/250000000) (1/770) in
  let level := var256_level (1563/2000) L 4 (455/697) (528/697) (287021/250000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 4)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 4)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/100) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 4)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 4)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    338900 <= log2 (N S)].
Proof.
move=> eL eLV inst side level; have iL : INR L = 14 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 50 by rewrite eLV INR_IZR_INZ.
have iK : INR (expn 2 4 * L) = 224 by rewrite mult_INR INR_expn iL INR_IZR_INZ /=; lra.
have L0 : (0 < L)%nat by rewrite eL.
have iB : INR 4 = 4 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/100)) / (1 - 2 * (1/100))) <= 8001067/200000000.
  have -> : (1 + 2 * (1/100)) / (1 - 2 * (1/100)) = 51 / 49 by field.
  by apply: (@ln_at_most 30 8001067 200000000 51 49); [vm_cast_no_check (erefl true)|lra].
have hE : 13055561/12500000 <= exp (100 * (528/697) * (287021/250000000) / 2).
  by apply: (@exp_up 30 9471693 217812500 13055561 12500000); [vm_cast_no_check (erefl true)|lra|lra].
have hF : / (84255127/50000000) <= exp (- (100 * (528/697) * (287021/250000000) * (14 - 2) / 2)).
  by apply: (@exp_up 30 (- 28415079) 54453125 50000000 84255127);
    [vm_cast_no_check (erefl true)|lra|lra].
have hx : / (1/770) <= exp (13293/2000).
  by apply: (@exp_up 30 13293 2000 770 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/5000) / 2) <= exp (93/10).
  by apply: (@exp_up 30 93 10 10000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hA : 7044 <= exp (443/50).
  by apply: (@exp_up 30 443 50 7044 1); [vm_cast_no_check (erefl true)|lra|lra].
have hB : 351512 <= exp (1277/100).
  by apply: (@exp_up 30 1277 100 351512 1); [vm_cast_no_check (erefl true)|lra|lra].
have hC : 2676440 <= exp (74/5).
  by apply: (@exp_up 30 74 5 2676440 1); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / (3/2)) * 423 / (1/1000000) <= exp 35.
  by apply: (@exp_up 30 35 1 705000000 1); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 415/109 <= log2 14 by apply: (@log2_reachesP 14 415 109); vm_cast_no_check (erefl true).
have lV : 412/73 <= log2 50 by apply: (@log2_reachesP 50 412 73); vm_cast_no_check (erefl true).
have lP : log2 (1 + / (3/2)) <= 87/118.
  by apply: (@log2_up 5 3 87 118); [vm_cast_no_check (erefl true)|lra].
have hu2 : log2 (/ (1/100 + 2 * (1/764))) <= 675/107.
  by apply: (@log2_up 19100 241 675 107); [vm_cast_no_check (erefl true)|lra].
have hu : log2 (/ (1/100 + (1/764))) <= 97/15.
  by apply: (@log2_up 4775 54 97 15); [vm_cast_no_check (erefl true)|lra].
have huV : log2 (/ (1/100 + (1/1000000))) <= 485/73.
  by apply: (@log2_up 1000000 10001 485 73); [vm_cast_no_check (erefl true)|lra].
have hw : log2 (14 - 1) <= 433/117.
  by apply: (@log2_up 13 1 433 117); [vm_cast_no_check (erefl true)|lra].
have hwV : log2 (50 - 1) <= 73/13.
  by apply: (@log2_up 49 1 73 13); [vm_cast_no_check (erefl true)|lra].
have sides := @side_cases (455/697) (528/697) (7923/50000) (31441/50000) (2851/20000) (41143/50000)
  (1503/25000) (64141/100000) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)
  ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra).
apply: (@var256_failures_floor L LV 4 L0 14 50 224 4 (1/100) (1/100) (1563/2000) (455/697) (528/697)
  (287021/250000000) (1/770) (1/5000) (3/2) (237683/5000000) (8001067/200000000) (13055561/12500000)
  (84255127/50000000) (13293/2000) (93/10) (803/10) (7923/50000) (31441/50000) (443/50) (273311/25000000000)
  (2851/20000) (41143/50000) (1277/100) (1674159/10000000000000) (1503/25000) (64141/100000) (74/5)
  (2820783/100000000000000) (1/764) 35 (1/1000000) (415/109) (412/73) (675/107) (97/15) (485/73) (433/117)
  (73/13) (87/118) 338900 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by split; lra | by rewrite !INR_IZR_INZ /=; lra].
Qed.

(* eta = 1/1000: 32 blocks of 69 letters, 500 levels of values *)
Theorem var256_frames_with_failures_1000 (L LV : nat) : L = 69%nat -> LV = 500%nat ->
  let inst := var256_blocks (1991/2500) LV (expn 2 5 * L) (111839/1000000000) in
  let side := var256_side (1991/2500) L 5 (65/97) (72/97) (111839/1000000000) (1/7000) in
  let level := var256_level (1991/2500) L 5 (65/97) (72/97) (111839/1000000000) in
  [/\ forall x i, dot ((inst x).1 i) ((inst x).1 i) = 1, forall i c, unit_question 100 (var256_value i c),
      (forall i l t, (0 < t < expn 2 5)%nat -> unit_question 100 (side i l t)) /\
      (forall i l k, (k < expn 2 5)%nat -> unit_question 100 (level i l k)) &
  forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> _ -> R), 0 < N W ->
    let failed x Q :=
      INR #|[pred w | ~~ near (1/1000) (frame_output (inst x) Q) (answer w (compress w (inst x)) Q)]| in
    (forall x i c, failed x (var256_value i c) <= 1/100 * N W) ->
    (forall x i l t, (0 < t < expn 2 5)%nat -> failed x (side i l t) <= 1/100 * N W) ->
    (forall x i l k, (k < expn 2 5)%nat -> failed x (level i l k) <= 1/100 * N W) ->
    511600 <= log2 (N S)].
Proof.
move=> eL eLV inst side level; have iL : INR L = 69 by rewrite eL INR_IZR_INZ.
have iLV : INR LV = 500 by rewrite eLV INR_IZR_INZ.
have iK : INR (expn 2 5 * L) = 2208 by rewrite mult_INR INR_expn iL INR_IZR_INZ /=; lra.
have L0 : (0 < L)%nat by rewrite eL.
have iB : INR 5 = 5 by rewrite INR_IZR_INZ.
have hsp : ln ((1 + 2 * (1/1000)) / (1 - 2 * (1/1000))) <= 2000003/500000000.
  have -> : (1 + 2 * (1/1000)) / (1 - 2 * (1/1000)) = 501 / 499 by field.
  by apply: (@ln_at_most 30 2000003 500000000 501 499); [vm_cast_no_check (erefl true)|lra].
have hE : 20083187/20000000 <= exp (100 * (72/97) * (111839/1000000000) / 2).
  by apply: (@exp_up 30 1006551 242500000 20083187 20000000); [vm_cast_no_check (erefl true)|lra|lra].
have hF : / (33015411/25000000) <= exp (- (100 * (72/97) * (111839/1000000000) * (69 - 2) / 2)).
  by apply: (@exp_up 30 (- 67438917) 242500000 25000000 33015411);
    [vm_cast_no_check (erefl true)|lra|lra].
have hx : / (1/7000) <= exp (44269/5000).
  by apply: (@exp_up 30 44269 5000 7000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hxV : / ((1/500000) / 2) <= exp (139/10).
  by apply: (@exp_up 30 139 10 1000000 1); [vm_cast_no_check (erefl true)|lra|lra].
have hA : 16317 <= exp (97/10).
  by apply: (@exp_up 30 97 10 16317 1); [vm_cast_no_check (erefl true)|lra|lra].
have hB : 965112 <= exp (689/50).
  by apply: (@exp_up 30 689 50 965112 1); [vm_cast_no_check (erefl true)|lra|lra].
have hC : 11640400 <= exp (1627/100).
  by apply: (@exp_up 30 1627 100 11640400 1); [vm_cast_no_check (erefl true)|lra|lra].
have hV : (1 + / 2) * 423 / (1/1000000) <= exp 33.
  by apply: (@exp_up 30 33 1 634500000 1); [vm_cast_no_check (erefl true)|lra|lra].
have lK : 507/83 <= log2 69 by apply: (@log2_reachesP 69 507 83); vm_cast_no_check (erefl true).
have lV : 260/29 <= log2 500 by apply: (@log2_reachesP 500 260 29); vm_cast_no_check (erefl true).
have lP : log2 (1 + / 2) <= 55/94.
  by apply: (@log2_up 3 2 55 94); [vm_cast_no_check (erefl true)|lra].
have hu2 : log2 (/ (1/100 + 2 * (1/1972))) <= 722/111.
  by apply: (@log2_up 49300 543 722 111); [vm_cast_no_check (erefl true)|lra].
have hu : log2 (/ (1/100 + (1/1972))) <= 769/117.
  by apply: (@log2_up 24650 259 769 117); [vm_cast_no_check (erefl true)|lra].
have huV : log2 (/ (1/100 + (1/1000000))) <= 485/73.
  by apply: (@log2_up 1000000 10001 485 73); [vm_cast_no_check (erefl true)|lra].
have hw : log2 (69 - 1) <= 487/80.
  by apply: (@log2_up 68 1 487 80); [vm_cast_no_check (erefl true)|lra].
have hwV : log2 (500 - 1) <= 242/27.
  by apply: (@log2_up 499 1 242 27); [vm_cast_no_check (erefl true)|lra].
have sides := @side_cases (65/97) (72/97) (493/3125) (61193/100000) (7109/50000) (40493/50000) (5741/100000)
  (31239/50000) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra) ltac:(lra)
  ltac:(lra) ltac:(lra) ltac:(lra).
apply: (@var256_failures_floor L LV 5 L0 69 500 2208 5 (1/1000) (1/100) (1991/2500) (65/97) (72/97)
  (111839/1000000000) (1/7000) (1/500000) 2 (31633/625000) (2000003/500000000) (20083187/20000000)
  (33015411/25000000) (44269/5000) (139/10) (426/5) (493/3125) (61193/100000) (97/10) (4760209/1000000000000)
  (7109/50000) (40493/50000) (689/50) (1520269/25000000000000) (5741/100000) (31239/50000) (1627/100)
  (3267707/500000000000000) (1/1972) 33 (1/1000000) (507/83) (260/29) (722/111) (769/117) (485/73) (487/80)
  (242/27) (55/94) 511600 iL iLV iK iB).
all: first [assumption | lra | exact: erefl | by split; lra | by rewrite !INR_IZR_INZ /=; lra].
Qed.
