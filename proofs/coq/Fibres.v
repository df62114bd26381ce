(* Model R3: f_hat is known for free.  What must be kept is the number of an element of the largest set of
   prefixes with one f_hat.  If short integer vectors that f_hat does not show are constant on every scale,
   that set is counted. *)
From Coq Require Import QArith Qreals.
From LowerBound Require Export Replay.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- side information ---------------------------------------------------------------------------- *)
Section SideInformation.
Variables (X P : finType) (side : X -> P -> R).
(* one_side F: all words of F have the same side information *)
Definition one_side (F : {set X}) : Prop := forall x y, x \in F -> y \in F -> side x =1 side y.
Variables (Out : Type) (good : X -> Out -> bool).

(* the words of F alone need log2 |F| bits, though the side information comes for free *)
Theorem side_lower_bound (F : {set X}) (W S : finType) (compress : W -> X -> S)
    (answer : W -> S -> (P -> R) -> Out) (delta : R) (x0 : X) :
  x0 \in F -> (forall x, x \in F -> side x = side x0) -> (forall x y o, good x o -> good y o -> x = y) ->
  0 < N W -> delta < 1 ->
  (forall x, x \in F -> INR #|[pred w | ~~ good x (answer w (compress w x) (side x))]| <= delta * N W) ->
  log2 (INR #|F|) - log2 (/ (1 - delta)) <= log2 (N S).
Proof.
move=> hx0 hF sep W0 d1 hc; pose T := [finType of {x | x \in F}].
pose t0 : {dffun forall _ : unit, T} := [ffun=> exist _ x0 hx0].
have := @replay_lower_bound [finType of unit] (fun=> T) t0 W S Out (fun t o => good (val (t tt)) o)
  (fun w t => compress w (val (t tt))) (fun w s => answer w s (side x0)) delta _ W0 d1.
have -> : \rsum_(i : unit) log2 (N T) = log2 (INR #|F|) by rewrite rsum_const /N card_unit card_sig Rmult_1_l.
move=> h; apply: h => [t t' o g g'|t].
  by apply/ffunP => -[]; apply: val_inj; exact: sep g g'.
by have h' := hc _ (valP (t tt)); rewrite hF in h'; last exact: valP.
Qed.

Definition Reqb (a b : R) : bool := if Req_EM_T a b then true else false.
Lemma ReqbP a b : reflect (a = b) (Reqb a b).
Proof. by rewrite /Reqb; case: Req_EM_T => h; constructor. Qed.

(* ... and the number of the word in its set is enough *)
Theorem side_upper_bound (x0 : X) (M : nat) (truth : X -> Out) : (forall x, good x (truth x)) ->
  (forall F, one_side F -> (#|F| <= M)%nat) ->
  exists (compress : X -> 'I_M) (answer : 'I_M -> (P -> R) -> Out), forall x,
    good x (answer (compress x) (side x)).
Proof.
move=> hgood hM; pose A (f : P -> R) := [set y | [forall p, Reqb (side y p) (f p)]].
have self x : x \in A (side x) by rewrite inE; apply/forallP => p; apply/ReqbP.
have place x : (index x (enum (A (side x))) < M)%nat.
  apply: leq_trans (hM (A (side x)) _); first by rewrite cardE index_mem mem_enum.
  move=> y z; rewrite !inE => /forallP hy /forallP hz p.
  by have /ReqbP -> := hy p; have /ReqbP -> := hz p.
exists (fun x => Ordinal (place x)).
exists (fun s f => truth (nth x0 (enum (A f)) s)) => x /=.
by rewrite nth_index ?mem_enum.
Qed.
End SideInformation.

(* ---------- maps that are enlarged and added up --------------------------------------------------------- *)
Lemma Q2R_Z (z : Z) : Q2R (inject_Z z) = IZR z.
Proof. by rewrite /Q2R /= Rinv_1 Rmult_1_r. Qed.

(* qtotal f: the sum of rationals *)
Definition qtotal (T : finType) (f : T -> Q) : Q := foldr (fun i s => (f i + s)%Q) 0%Q (enum T).
Lemma qtotalE (T : finType) (f : T -> Q) : Q2R (qtotal f) = \rsum_i Q2R (f i).
Proof.
rewrite /qtotal -big_enum /=; elim: (enum T) => [|i l IH]; first by rewrite big_nil /Q2R /= Rmult_0_l.
by rewrite big_cons -IH -Q2R_plus.
Qed.

(* rationally_independent e: no rational combination of the numbers e is 0 but the trivial one *)
Definition rationally_independent (V : finType) (e : V -> R) : Prop :=
  forall c : V -> Q, \rsum_v (Q2R (c v) * e v) = 0 -> forall v, Q2R (c v) = 0.

Section Maps.
(* n scales with maps of any shapes, each with a first place; enlarge cell i: the weight of id i in a cell of
   f_hat *)
Variables (n : nat) (Place : 'I_n -> finType) (first : forall k, Place k) (Cell : finType).
Notation Id := [finType of {k : 'I_n & Place k}].
Variable enlarge : Cell -> Id -> Q.
Notation at_ k p := (Tagged Place (p : Place k)).
(* f_hat: the maps of the codes E, enlarged and added up, in every cell and channel *)
Definition f_hat (V Chan : finType) (E : V -> Chan -> R) (r : {ffun Id -> V}) (pc : Cell * Chan) : R :=
  \rsum_i (Q2R (enlarge pc.1 i) * E (r i) pc.2).
(* hidden z: f_hat does not show the integer vector z *)
Definition hidden (z : Id -> Z) : Prop := forall cell, \rsum_i (Q2R (enlarge cell i) * IZR (z i)) = 0.
(* short_is_constant b: hidden vectors with entries up to b are constant on every scale *)
Definition short_is_constant (b : Z) : Prop :=
  forall z : Id -> Z, hidden z -> (forall i, (Z.abs (z i) <= b)%Z) ->
  forall (k : 'I_n) (p q : Place k), z (at_ k p) = z (at_ k q).
(* a constant is enlarged to itself *)
Hypothesis constants : forall cell (k : 'I_n), \rsum_(p : Place k) Q2R (enlarge cell (at_ k p)) = 1.

Lemma rsum_scales (f : forall k : 'I_n, Place k -> R) :
  \rsum_(i : {k : 'I_n & Place k}) f (tag i) (tagged i) = \rsum_(k : 'I_n) \rsum_(p : Place k) f k p.
Proof. by rewrite (sig_big_dep (fun _ => true) (fun _ _ => true) (fun k p => f k p)). Qed.

Lemma constant_sum cell (d : 'I_n -> R) : \rsum_(i : Id) (Q2R (enlarge cell i) * d (tag i)) = \rsum_k d k.
Proof.
transitivity (\rsum_(i : Id) (Q2R (enlarge cell (at_ (tag i) (tagged i))) * d (tag i))).
  by apply: eq_bigr => -[k p] _.
rewrite (rsum_scales (fun k p => Q2R (enlarge cell (at_ k p)) * d k)); apply: eq_bigr => k _.
transitivity (d k * \rsum_(p : Place k) Q2R (enlarge cell (at_ k p))); last by rewrite constants Rmult_1_r.
by rewrite -rsum_distr; apply: eq_bigr => p _; rewrite Rmult_comm.
Qed.

(* a hidden vector that is constant on every scale has constants of sum 0 *)
Lemma hidden_constants (c0 : Cell) (z : Id -> Z) : hidden z ->
  (forall (k : 'I_n) (p q : Place k), z (at_ k p) = z (at_ k q)) -> \rsum_k IZR (z (at_ k (first k))) = 0.
Proof.
move=> hz hk; rewrite -(constant_sum c0) -[RHS](hz c0); apply: eq_bigr => -[k p] _ /=.
by rewrite (hk k (first k) p).
Qed.

Lemma constant_word (V : finType) (r : {ffun Id -> V}) :
  (forall k (p q : Place k), r (at_ k p) = r (at_ k q)) ->
  forall i, r i = r (at_ (tag i) (first (tag i))).
Proof. by move=> h [k p]; exact: h. Qed.

(* ---------- codebooks with independent entries ---------------------------------------------------------- *)
Section Independent.
Variables (V Chan : finType) (E : V -> Chan -> R) (c : Chan).
Hypotheses (cell : Cell) (hE : rationally_independent (E ^~ c)) (short : short_is_constant 1).
(* change r s v: 1 where r alone has the symbol v, -1 where s alone has it *)
Definition change (r s : {ffun Id -> V}) (v : V) (i : Id) : Z :=
  ((if r i == v then 1 else 0) - (if s i == v then 1 else 0))%Z.

Lemma change_R r s v i : IZR (change r s v i) = ind (r i == v) - ind (s i == v).
Proof. by rewrite /change minus_IZR; case: (r i == v); case: (s i == v). Qed.

(* Sketch: A channel of f_hat is the sum over symbols v of E v times the enlarged indicator of v; two of them
   differ by rational multiples of the numbers E v, so that all these multiples are 0. *)
Lemma change_hidden r s v : f_hat E r =1 f_hat E s -> hidden (change r s v).
Proof.
move=> hrs cl; have pick_E (t : {ffun Id -> V}) i : E (t i) c = \rsum_v (ind (t i == v) * E v c).
  by rewrite (bigD1 (t i)) //= eqxx big1 => [|u /negbTE];
    [rewrite /=; ring|rewrite eq_sym => ->; rewrite /=; ring].
have e (t : {ffun Id -> V}) : f_hat E t (cl, c)
  = \rsum_v ((\rsum_i (Q2R (enlarge cl i) * ind (t i == v))) * E v c).
  transitivity (\rsum_i \rsum_v (Q2R (enlarge cl i) * ind (t i == v) * E v c)).
    by apply: eq_bigr => i _ /=; rewrite pick_E -rsum_distr; apply: eq_bigr => u _; rewrite Rmult_assoc.
  rewrite exchange_big /=; apply: eq_bigr => u _; rewrite [RHS]Rmult_comm -rsum_distr.
  by apply: eq_bigr => i _; exact: Rmult_comm.
pose q v := qtotal (fun i => (enlarge cl i * inject_Z (change r s v i))%Q).
have qE u : Q2R (q u) = \rsum_i (Q2R (enlarge cl i) * IZR (change r s u i)).
  by rewrite qtotalE; apply: eq_bigr => i _; rewrite Q2R_mult Q2R_Z.
rewrite -qE; apply: hE.
have -> : \rsum_u (Q2R (q u) * E u c) = f_hat E r (cl, c) - f_hat E s (cl, c).
  rewrite !e /Rminus -rsum_opp -big_split; apply: eq_bigr => u _ /=; rewrite qE.
  have -> : \rsum_i (Q2R (enlarge cl i) * IZR (change r s u i)) =
     \rsum_i (Q2R (enlarge cl i) * ind (r i == u)) + - \rsum_i (Q2R (enlarge cl i) * ind (s i == u)).
    rewrite -rsum_opp -big_split; apply: eq_bigr => i _ /=; rewrite change_R.
    have sub (a b d : R) : a * (b - d) = a * b + - (a * d) by ring.
    exact: sub.
  have sub (a b d : R) : (a + - b) * d = a * d + - (b * d) by ring.
  exact: sub.
by rewrite hrs; ring.
Qed.

Lemma change_constant r s v : f_hat E r =1 f_hat E s ->
  forall (k : 'I_n) (p q : Place k), change r s v (at_ k p) = change r s v (at_ k q).
Proof.
move=> h; apply: short (change_hidden v h) _ => i.
by rewrite /change; case: (r i == v); case: (s i == v).
Qed.

(* on every scale the maps agree, or both are constant *)
Lemma agree_or_constant r s (k : 'I_n) : f_hat E r =1 f_hat E s ->
  r (at_ k (first k)) = s (at_ k (first k)) -> forall p : Place k, r (at_ k p) = s (at_ k p).
Proof.
move=> h e p; have := change_constant (r (at_ k p)) h p (first k); rewrite /change eqxx e.
by case: (s _ =P r (at_ k p)) => // _; case: (_ == _).
Qed.

Definition first_symbols (r : {ffun Id -> V}) : seq V := [seq r (at_ k (first k)) | k <- enum 'I_n].

Lemma first_symbols_perm r s : f_hat E r =1 f_hat E s -> perm_eq (first_symbols r) (first_symbols s).
Proof.
move=> h; apply/allP => v _ /=; apply/eqP/INR_eq.
have e (t : {ffun Id -> V}) : INR (count_mem v (first_symbols t)) = \rsum_k ind (t (at_ k (first k)) == v).
  rewrite sum_ind count_map -sum1_card -sum1_count big_enum_cond /=; congr INR; exact: eq_bigl.
have := hidden_constants cell (change_hidden v h) (change_constant v h).
rewrite !e; under eq_bigr => k _ do rewrite change_R.
by rewrite /Rminus big_split /= rsum_opp => /Rminus_diag_uniq.
Qed.

(* Sketch: Members of the set are told apart by the symbols at the first places, and these are a rearrangement
   of one word. *)
Theorem independent_fibre (F : {set {ffun Id -> V}}) : one_side (f_hat E) F -> (#|F| <= n`!)%nat.
Proof.
move=> hF; case: (set_0Vmem F) => [->|[s hs]]; first by rewrite cards0.
have [k0|] := posnP n.
  apply: leq_trans (_ : 1 <= _)%nat; last exact: fact_gt0.
  apply/card_le1_eqP => x y _ _; apply/ffunP => -[k p].
  by exfalso; move: (ltn_ord k); rewrite {2}k0.
move=> n0; have v0 := s (at_ (Ordinal n0) (first (Ordinal n0))).
pose all_words := [seq [seq nth v0 (first_symbols s) i | i <- l] | l <- permutations (iota 0 n)].
have size_s : size (first_symbols s) = n by rewrite size_map size_enum_ord.
have -> : n`! = size all_words by rewrite size_map size_permutations ?iota_uniq // size_iota.
rewrite cardE -(size_map first_symbols); apply: uniq_leq_size.
  rewrite map_inj_in_uniq ?enum_uniq // => x y; rewrite !mem_enum => hx hy e.
  apply/ffunP => -[k p]; apply: (agree_or_constant (hF _ _ hx hy)).
  have := congr1 (fun l => nth v0 l k) e; rewrite !(nth_map k) -?enumT ?size_enum_ord ?ltn_ord //.
  by rewrite nth_ord_enum.
move=> w /mapP [x]; rewrite mem_enum => hx ->.
have /(perm_iotaP v0) [l hl ->] := first_symbols_perm (hF _ _ hx hs).
by apply: map_f; rewrite mem_permutations -[X in iota 0 X]size_s.
Qed.
End Independent.

(* different constants in any order: all n! are attained *)
Theorem permuted_constants (V Chan : finType) (E : V -> Chan -> R) : (n <= #|V|)%nat ->
  exists F : {set {ffun Id -> V}}, one_side (f_hat E) F /\ #|F| = n`!.
Proof.
move=> hV; pose g (k : 'I_n) : V := enum_val (widen_ord hV k).
have g_inj : injective g by move=> i j /enum_val_inj /(congr1 val) /= /val_inj.
pose r (t : {ffun 'I_n -> 'I_n}) : {ffun Id -> V} := [ffun i => g (t (tag i))].
exists (r @: [set t : {ffun 'I_n -> 'I_n} | injectiveb t]); split.
  move=> _ _ /imsetP[t + ->] /imsetP[t' + ->]; rewrite !inE => /injectiveP ht /injectiveP ht' [cl ch].
  have e (u : {ffun 'I_n -> 'I_n}) : injective u -> f_hat E (r u) (cl, ch) = \rsum_k E (g k) ch.
    move=> hu; rewrite [RHS](reindex_inj hu) -(constant_sum cl); apply: eq_bigr => i _ /=.
    by rewrite ffunE.
  by rewrite !e.
rewrite card_in_imset; first by rewrite card_inj_ffuns card_ord ffactnn.
move=> t t' _ _ /ffunP h; apply/ffunP => k; have := h (at_ k (first k)); rewrite !ffunE => /g_inj.
exact.
Qed.

(* ---------- grids of equidistant levels ----------------------------------------------------------------- *)
Section Levels.
Variables (Chan : finType) (L : nat) (alpha beta : Chan -> R).
Notation V := [finType of {ffun Chan -> 'I_L}].
(* grid_code: channel c of a code is alpha c + beta c a, at level a *)
Definition grid_code (v : V) (c : Chan) : R := alpha c + beta c * INR (v c).
(* words_of_sum s: the words of n levels whose sum is s; most_words: the largest number of words of one sum *)
Definition words_of_sum (s : nat) : nat := #|[pred w : {ffun 'I_n -> 'I_L} | (\sum_k w k == s)%nat]|.
Definition most_words : nat := (\max_(s < (n * L).+1) words_of_sum s)%nat.

Lemma sum_levels_lt (w : {ffun 'I_n -> 'I_L}) : ((\sum_k w k) < (n * L).+1)%nat.
Proof.
rewrite ltnS -[n in (n * L)%nat]card_ord -sum_nat_const; apply: leq_sum => k _.
exact/ltnW/ltn_ord.
Qed.

Lemma words_le s : (words_of_sum s <= most_words)%nat.
Proof.
case: (ltnP s (n * L).+1) => hs; first exact: (leq_bigmax (Ordinal hs)).
rewrite /words_of_sum eq_card0 // => w; rewrite !inE; apply/negbTE.
by rewrite neq_ltn (leq_trans (sum_levels_lt w) hs).
Qed.

Section Bound.
Hypotheses (cell : Cell) (beta0 : forall c, beta c <> 0) (short : short_is_constant (Z.of_nat L.-1)).
Definition step (r s : {ffun Id -> V}) (c : Chan) (i : Id) : Z := (Z.of_nat (r i c) - Z.of_nat (s i c))%Z.

Lemma step_hidden r s c : f_hat grid_code r =1 f_hat grid_code s -> hidden (step r s c).
Proof.
move=> h cl; apply: (Rmult_eq_reg_l (beta c)) => //; rewrite Rmult_0_r -rsum_distr.
transitivity (f_hat grid_code r (cl, c) - f_hat grid_code s (cl, c)); last by rewrite h; ring.
rewrite /f_hat /Rminus -rsum_opp -big_split; apply: eq_bigr => i _ /=.
rewrite /step minus_IZR -!INR_IZR_INZ /grid_code.
have e (b u x y a : R) : b * (u * (x - y)) = u * (a + b * x) + - (u * (a + b * y)) by ring.
exact: e.
Qed.

Lemma step_constant r s c : f_hat grid_code r =1 f_hat grid_code s ->
  forall (k : 'I_n) (p q : Place k), step r s c (at_ k p) = step r s c (at_ k q).
Proof.
move=> h; apply: short (step_hidden c h) _ => i; rewrite /step.
have le (a : 'I_L) : (0 <= Z.of_nat a <= Z.of_nat L.-1)%Z.
  by have /ltP := ltn_ord a; lia.
by have := le (r i c); have := le (s i c); case: (Z.abs_spec (Z.of_nat (r i c) - Z.of_nat (s i c))); lia.
Qed.

Definition first_levels (r : {ffun Id -> V}) : {ffun Chan -> {ffun 'I_n -> 'I_L}} :=
  [ffun c => [ffun k => r (at_ k (first k)) c]].

(* Sketch: Members of the set are told apart by the levels at the first places, which in each channel form
   words of one sum. *)
Theorem grid_fibre (F : {set {ffun Id -> V}}) : one_side (f_hat grid_code) F ->
  (#|F| <= expn most_words #|Chan|)%nat.
Proof.
move=> hF; case: (set_0Vmem F) => [->|[s hs]]; first by rewrite cards0.
pose A c := [pred w : {ffun 'I_n -> 'I_L} | (\sum_k w k == \sum_k first_levels s c k)%nat].
apply: (@leq_trans #|finfun.family A|); last first.
  rewrite card_family [#|Chan|]cardE /image_mem; elim: (enum Chan) => [|c l IH] //.
  by rewrite [size _]/= expnS /=; apply: leq_mul IH; exact: words_le.
rewrite -(@card_in_imset _ _ first_levels F) => [|x y hx hy /ffunP e].
  apply: subset_leq_card; apply/subsetP => _ /imsetP[r hr ->]; apply/familyP => c; rewrite inE.
  have h := hF _ _ hr hs; have := hidden_constants cell (step_hidden c h) (step_constant c h).
  have -> : \rsum_k IZR (step r s c (at_ k (first k)))
      = INR (\sum_k first_levels r c k) - INR (\sum_k first_levels s c k).
    have sumE (t : {ffun Id -> V}) : INR (\sum_k first_levels t c k) = \rsum_k INR (t (at_ k (first k)) c).
      rewrite (big_morph INR plus_INR (erefl : INR 0 = 0)); apply: eq_bigr => k _.
      by rewrite /first_levels !ffunE.
    rewrite !sumE /Rminus -rsum_opp -big_split; apply: eq_bigr => k _ /=.
    by rewrite /step minus_IZR -!INR_IZR_INZ.
  by move/Rminus_diag_uniq/INR_eq => ->.
apply/ffunP => -[k p]; apply/ffunP => c; apply/val_inj/Nat2Z.inj.
have same (a b d : Z) : (a - b = d - d -> a = b)%Z by lia.
have := step_constant c (hF _ _ hx hy) p (first k); rewrite /step.
by have := e c => /ffunP/(_ k); rewrite !ffunE => -> /same.
Qed.
End Bound.

(* constant maps attain the bound *)
(* Sketch: Constant maps that spell words of the most frequent sum. *)
Theorem constant_grid : exists F : {set {ffun Id -> V}}, one_side (f_hat grid_code) F /\
  #|F| = expn most_words #|Chan|.
Proof.
have [s hs] : exists s, words_of_sum s = most_words.
  have [|s e] := @eq_bigmax _ (fun s : 'I_(n * L).+1 => words_of_sum s); first by rewrite card_ord.
  by exists s.
pose A (c : Chan) := [pred w : {ffun 'I_n -> 'I_L} | (\sum_k w k == s)%nat].
pose r (t : {ffun Chan -> {ffun 'I_n -> 'I_L}}) : {ffun Id -> V} := [ffun i => [ffun c => t c (tag i)]].
exists (r @: [set t | t \in finfun.family A]); split.
  move=> _ _ /imsetP[t + ->] /imsetP[t' + ->]; rewrite !inE => /familyP ht /familyP ht' [cl c].
  have e (u : {ffun Chan -> {ffun 'I_n -> 'I_L}}) : u c \in A c ->
      f_hat grid_code (r u) (cl, c) = INR n * alpha c + beta c * INR s.
    rewrite inE => /eqP us; transitivity (\rsum_k (alpha c + beta c * INR (u c k))).
      rewrite -(constant_sum cl); apply: eq_bigr => i _ /=.
      by rewrite /grid_code !ffunE.
    rewrite big_split /= rsum_const N_ord rsum_distr -us.
    by rewrite (big_morph INR plus_INR (erefl : INR 0 = 0)).
  by rewrite !e.
rewrite card_in_imset; last first.
  move=> t t' _ _ /ffunP h; apply/ffunP => c; apply/ffunP => k.
  by have := h (at_ k (first k)); rewrite !ffunE => /ffunP/(_ c); rewrite !ffunE.
rewrite cardsE card_family /image_mem (eq_map (f2 := fun=> most_words)) => [|c]; last by rewrite -hs.
by rewrite [#|Chan|]cardE; elim: (enum Chan) => // c l IH; rewrite [size _]/= expnS /= IH.
Qed.
End Levels.
End Maps.
