(* Theorem R2 for VAR at 256 pixels: 255 ids of 12 bits, read from 255 rows by 255 of the 256 tokens of the
   last scale.  Resampling, left inverses, addresses and the leak are all decided by computation. *)
From Coq Require Import QArith Qreals.
From LowerBound Require Export Resampling Var256.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Definition var256_sides : seq nat := [:: 1; 2; 3; 4; 5; 6; 8; 10; 13; 16]%nat.
(* lines of scale k + 1 from which scale k is read, on both axes *)
Definition var256_lines (k : nat) : seq nat := nth [::] [:: [:: 0]; [:: 0; 2]; [:: 0; 1; 3]; [:: 0; 1; 3; 4];
  [:: 0; 1; 2; 4; 5]; [:: 0; 1; 3; 4; 6; 7]; [:: 0; 1; 3; 4; 5; 6; 8; 9];
  [:: 0; 1; 3; 4; 5; 7; 8; 9; 11; 12]]%nat k.
(* bounds of the gains of one axis, and of the contents of scale k + 1, in millionths *)
Definition var256_kappa (k : nat) : Q := (nth 0%Z
  [:: 1000000; 1000000; 2001700; 1759000; 3640200; 2025100; 2577800; 3572465]%Z k # 1000000)%Q.
Definition var256_content (k : nat) : Q := (nth 0%Z
  [:: 1000000; 2092300; 3477300; 4582200; 6228800; 7831600; 8977200; 10788734]%Z k # 1000000)%Q.
Definition var256_eta : Q := (3631 # 1000000)%Q.
Definition var256_tau : Q := (1 # 1180591620717411303424)%Q.      (* 2^-70 *)
Definition var256_bend : Q := (999999999999999997 # 1000000000000000000)%Q.

Lemma var256_scales : all (scale_checks var256_sides var256_lines var256_kappa var256_content
  var256_eta var256_tau var256_bend) (iota 0 8).
Proof. by vm_cast_no_check (erefl true). Qed.

Lemma var256_checked k : (k < 8)%nat -> scale_checks var256_sides var256_lines var256_kappa var256_content
  var256_eta var256_tau var256_bend k.
Proof. by move=> hk; have /allP := var256_scales; apply; rewrite mem_iota. Qed.

(* the address of slot i is word i of the Kerdock set; all rows that are not read share word 255 *)
Definition var256_address (s : option 'I_255) (c : 'I_64) : R :=
  (if kerdock 5 37 (if s is Some i then i else 255%nat) c then -1 else 1) / 8.

Lemma var256_addresses : incoherent var256_address (1/8).
Proof.
pose f (s : option 'I_255) : 'I_(424 + 256) :=
  if s is Some i then widen_ord (isT : (255 <= 424 + 256)%nat) i else Ordinal (isT : (255 < 424 + 256)%nat).
have f_inj : injective f.
  move=> [i|] [j|] // /(congr1 val) /=; first by move/val_inj => ->.
    by move=> e; have := ltn_ord i; rewrite e ltnn.
  by move=> e; have := ltn_ord j; rewrite -e ltnn.
have fE s : var256_address s = (fun c : 'I_64 => sign_key (kerdock 5 37) 8 (f s) c) by case: s.
have -> : 1/8 = IZR 8 / IZR 64 by field.
split=> [s|s t ne]; rewrite !fE; first exact: (proj1 var256_keys).
by apply: (proj2 var256_keys); rewrite (eqtype.inj_eq f_inj).
Qed.

Lemma var256_n_rows : n_rows 8 (fun _ => square_side var256_sides) = 680%nat.
Proof. by rewrite /n_rows !big_ord_recr big_ord0. Qed.

Lemma var256_n_ids : (\sum_(k < 8) square_side var256_sides k * square_side var256_sides k)%nat = 255%nat.
Proof. by rewrite !big_ord_recr big_ord0. Qed.

Lemma var256_bend_le : Q2R var256_bend <=
  sqrt (1 - / (10^9 * 10^9)) * sqrt (1 - / (10^9 * 10^9)) * sqrt (1 - / (10^9 * 10^9)).
Proof.
have -> : Q2R var256_bend = 1 - 3 * / (10^9 * 10^9) by rewrite /Q2R /=; field.
have b0 : 0 <= / (10^9 * 10^9) <= 1/8.
  by split; [apply/Rlt_le/Rinv_0_lt_compat; lra|apply: (Rmult_le_reg_r (10^9 * 10^9));
    [lra|rewrite Rinv_l; lra]].
move: (/ (10^9 * 10^9)) b0 => b [b0 b1]; have s2 := sqrt_sqrt (1 - b) ltac:(lra).
have s0 := sqrt_pos (1 - b); have s1 : sqrt (1 - b) <= 1 by rewrite -[X in _ <= X]sqrt_1;
  apply: sqrt_le_1_alt; lra.
by move: s2 s0 s1; set s := sqrt _ => s2 s0 s1; have : 1 - b <= s by [nra]; nra.
Qed.

Notation side := (fun _ : bool => square_side var256_sides).
(* Id, Cached, Last: ids of the scales of sides 1, ..., 10; rows of the scales of sides 1, ..., 13; rows of
   side 16 *)
Definition var256_id : finType := scale_id 8%nat side.
Definition var256_cached : finType := scale_cached 8%nat side.
Definition var256_last : finType := scale_last 8%nat side.
(* var256_weight s i: what the id i, a cell of its map, adds to row s: bicubic to 16 x 16, then area to the
   row's map *)
Definition var256_weight : var256_cached + var256_last -> var256_id -> R :=
  scale_weight (fun (_ : bool) k j i p => Q2R (passed var256_sides k j i p)).

(* Any width of more than 160 will do: 32 channels, and two blocks of 64 for one head. *)
(* Sketch: The computed checks are the hypotheses of pyramid_weights; what remains are the leak and the number
   of ids. *)
Theorem var256_public_weights (C : nat) (eps eta : R) (frozen : var256_cached + var256_last -> 'I_32 -> R) :
  (160 < C)%nat -> 0 <= eps -> 0 <= eta <= 3631 / 1000000 ->
  exists (word : 'I_32 -> 'I_C -> R) (position : var256_cached + var256_last -> 'I_C -> R)
         (lay : layer [finType of 'I_C] [finType of 'I_1] [finType of 'I_64] [finType of 'I_64]),
  (forall h, multiplier lay h = 100) /\
  let spot := widen_ord (isT : (12 <= 32)%nat) in
  let z (x : {ffun var256_id * 'I_12 -> bool}) s :=
  layer_norm eps (input_row word position (fun s c => content spot var256_weight x s c + frozen s c) s) in
  forall (J : finType) (into : J -> var256_cached + var256_last), injective into ->
    (forall t, exists j, into j = inl t) ->
  let good x o := outputs_good lay (fun j => z x (into j)) (fun p => z x (inr p)) eta o in
  [/\ forall x y o, good x o -> good y o -> x = y,
      forall (W S : finType) (compress : W -> _ -> S) (answer : W -> S -> var256_last -> 'I_1 -> 'I_64 -> R)
        (delta : R),
        0 < N W -> delta < 1 ->
        (forall x, INR #|[pred w | ~~ good x (answer w (compress w x))]| <= delta * N W) ->
        3060 - log2 (/ (1 - delta)) <= log2 (N S)
    & exists (S : finType) (compress : _ -> S) (answer : S -> var256_last -> 'I_1 -> 'I_64 -> R),
        (forall x, good x (answer (compress x))) /\ log2 (N S) = 3060].
Proof.
move=> hC eps0 [eta0 eta1].
have home_inj : injective (widen_ord (isT : (12 <= 64)%nat)) by move=> i j /(congr1 val) /= /val_inj.
have spot_inj : injective (widen_ord (isT : (12 <= 32)%nat)) by move=> i j /(congr1 val) /= /val_inj.
have B1 : 1 < 10^9 by lra.
have ids : N var256_id * N [finType of 'I_12] = 3060.
  by rewrite scale_ids var256_n_ids N_ord !INR_IZR_INZ -mult_IZR.
have tau_le : (INR (n_rows 8%nat side) - 1) * exp (- 100 * (1 - 1/8)) <= Q2R var256_tau.
  have := certificate_leak var256_leak_100 (Rle_refl 100).
  rewrite /leak !N_ord -plus_INR var256_n_rows (_ : IZR 8 / IZR 64 = 1/8); last by field.
  have -> : (2 ^ 70 = 1180591620717411303424)%Z by [].
  by move=> h; apply: Rle_trans h _; apply: Req_le; rewrite /Q2R.
have tau0 : 0 <= (INR (n_rows 8%nat side) - 1) * exp (- 100 * (1 - 1/8)).
  apply: Rmult_le_pos; last exact/Rlt_le/exp_pos.
  by rewrite var256_n_rows; have := @INR_ge1 680 isT; lra.
have kappa0 (k : 'I_8) : 0 <= Q2R (var256_kappa k).
  have /allP/(_ _ (ord_iota k))/Qle_bool_iff/Qle_Rle : all (fun k => Qle_bool 0 (var256_kappa k))
    (iota 0 8) by [].
  by rewrite {1}/Q2R /= Rmult_0_l.
rewrite -ids; apply: (pyramid_weights (side := side) (kept := side) (count := side)
  (pass := fun _ k j i p => Q2R (passed var256_sides k j i p)) (line := fun _ => read_line var256_lines)
  (inverse := fun _ k p i => Q2R (entry (inverse_table var256_sides var256_lines k) p i))
  (kappa := fun _ k => Q2R (var256_kappa k)) (F := fun k => Q2R (var256_content k)) (C := C) (H := 1)
  (S := 255) (mu := 1/8) (B := 10^9) (eta := eta)
  (square_line_lt var256_checked) (square_line_inj var256_checked) (square_inverts var256_checked)
  (square_row_sums var256_checked) (square_F0 var256_checked) (square_contents var256_checked)
  frozen spot_inj home_inj var256_addresses _ _ _ _ eps0 B1 _ eta0 _ _) => //.
- by rewrite card_ord.
- by rewrite !card_ord.
- by rewrite mul1n var256_n_ids.
- lra.
- by rewrite var256_n_rows.
move=> k; apply: Rlt_le_trans var256_bend_le; apply: Rle_lt_trans (square_narrow var256_checked k).
have f0 := square_F0 var256_checked k; have k0 := kappa0 k.
apply: Rmult_le_compat_l; first by apply: Rmult_le_pos; [lra|exact: Rmult_le_pos].
exact: Rplus_le_compat.
Qed.
