(* Online caches: the state is updated scale by scale, and after every scale it pays for all tokens so far.
   A sliding window pays for the tokens that are still visible, and no more. *)
From LowerBound Require Export Values.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

(* ---------- online algorithms ------------------------------------------------------------ *)
(* online W St Chunk: an algorithm with coins W whose state after k chunks lies in St k *)
Record online (W : finType) (St : nat -> finType) (Chunk : Type) :=
  Online { init : W -> St 0%nat; update : forall k, W -> St k -> Chunk -> St k.+1 }.

(* run: the state after k chunks *)
Fixpoint run W St Chunk (a : online W St Chunk) (w : W) (chunks : nat -> Chunk) (k : nat) : St k :=
  if k is k'.+1 then update a w (run a w chunks k') (chunks k') else init a w.

Lemma run_causal W St Chunk (a : online W St Chunk) w (f g : nat -> Chunk) k :
  (forall j, (j < k)%nat -> f j = g j) -> run a w f k = run a w g k.
Proof.
by elim: k => //= k IH h; rewrite (h k) // IH // => j jk; apply: h; exact: ltnW.
Qed.

(* ---------- scales ---------------------------------------------------------------------------- *)
Section Scales.
Variables (T_ : nat -> nat).                                       (* T_ j tokens in scale j *)
(* before k: number of tokens cached before scale k *)
Definition before (k : nat) : nat := (\sum_(j < k) T_ j)%nat.
(* token k: the tokens of the scales before k, as pairs (scale, place) *)
Definition token (k : nat) : finType := [finType of {j : 'I_k & 'I_(T_ j)}].
(* position t: place of a token in the whole sequence *)
Definition position k (t : token k) : nat := (before (tag t) + tagged t)%nat.

Lemma card_tokens k : N (token k) = INR (before k).
Proof.
rewrite /N card_tagged sumnE big_map big_enum /before /=; congr INR.
by apply: eq_bigr => j _; rewrite card_ord.
Qed.

Lemma beforeS k : before k.+1 = (before k + T_ k)%nat.
Proof. by rewrite /before big_ord_recr. Qed.

Lemma before_mono i j : (i <= j)%nat -> (before i <= before j)%nat.
Proof.
elim: j => [|j IH]; first by rewrite leqn0 => /eqP ->.
by rewrite leq_eqVlt => /orP[/eqP -> //|/IH h]; rewrite beforeS; apply: leq_trans h (leq_addr _ _).
Qed.

Lemma before_lt i j : (i < j)%nat -> (before i + T_ i <= before j)%nat.
Proof. by rewrite -beforeS; exact: before_mono. Qed.

Lemma position_lt_scale k (t : token k) m : (tag t < m)%nat -> (position t < before m)%nat.
Proof. by move=> /before_lt h; apply: leq_trans h; rewrite ltn_add2l ltn_ord. Qed.

Lemma position_lt k (t : token k) : (position t < before k)%nat.
Proof. exact: position_lt_scale (ltn_ord (tag t)). Qed.

Lemma position_mono k (u v : token k) : (tag u < tag v)%nat -> (position u < position v)%nat.
Proof. by move=> /position_lt_scale h; apply: leq_trans h (leq_addr _ _). Qed.

Lemma position_inj k : injective (@position k).
Proof.
move=> u v e; case: (ltngtP (tag u) (tag v)) => [/position_mono|/position_mono|]; rewrite ?e ?ltnn //.
case: u v e => [i s] [j t]; rewrite /position /= => e /val_inj ij.
by case: _ / ij in t e *; have /val_inj -> : s = t :> nat by apply/eqP; rewrite -(eqn_add2l (before i)) e.
Qed.

(* ---------- the state after every scale ------------------------------------------------------------ *)
Variables (Crd Ch : finType).
Notation Row := ((Crd -> R) * (Ch -> R))%type.                       (* a key and a value *)
(* stream K V: the chunks that deliver keys K and values V scale by scale *)
Definition stream k (K : token k -> Crd -> R) (V : token k -> Ch -> R) (j : nat) : seq Row :=
  if insub j is Some j' then [seq (K (Tagged _ t), V (Tagged _ t)) | t <- enum 'I_(T_ (j' : 'I_k))] else [::].

(* correct_at k: the state before scale k answers the queries of scale k up to relative error eta *)
Definition correct_at (W : finType) (St : nat -> finType) (a : online W St (seq Row)) k (Own : finType)
    (answer : W -> St k -> (Crd -> R) -> Ch -> R) (K : token k -> Crd -> R) (B : Own -> Crd -> R)
    (lam eta delta : R) : Prop :=
  correct K B lam ind (approx eta) (fun w V => run a w (stream K V) k) answer delta.

Theorem online_lower_bound (W : finType) (St : nat -> finType) (a : online W St (seq Row)) k (Own : finType)
    (answer : W -> St k -> (Crd -> R) -> Ch -> R) (K : token k -> Crd -> R) (B : Own -> Crd -> R)
    (mu lam eta delta : R) :
  incoherent K mu -> (forall i o, dot (K i) (B o) <= mu) -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * leak (INR (before k) + N Own) lam mu < 1 - eta -> 0 <= delta <= 1/2 -> 0 < N W ->
  correct_at a answer K B lam eta delta ->
  (1 - H2 delta) * (INR (before k) * N Ch) <= log2 (N (St k)).
Proof.
rewrite -card_tokens => hK hB l0 he gap hd W0 hc.
exact: (relative_given_keys hK hB l0 W0 he gap hd (correct_mean hc)).
Qed.
End Scales.

(* one public list F of keys for the whole generation; the state before every scale k <= M pays *)
Theorem online_headline (T_ : nat -> nat) (M d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> 0 < mu < 1 -> INR (before T_ M).-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists F : nat -> 'I_d -> R,
    incoherent (fun n : 'I_(before T_ M) => F n) mu /\
    forall (W : finType) (St : nat -> finType) (a : online W St (seq (('I_d -> R) * ('I_h -> R)))), 0 < N W ->
    forall k (answer : W -> St k -> ('I_d -> R) -> 'I_h -> R) (B : 'I_(T_ k) -> 'I_d -> R),
      (k <= M)%nat -> (0 < before T_ k)%nat ->
      (forall n o, (n < before T_ M)%nat -> dot (F n) (B o) <= mu) ->
      correct_at a answer (fun t => F (@position T_ k t)) B
        (lambda_relative (INR (before T_ k) + INR (T_ k)) mu eta) eta delta ->
      (1 - H2 delta) * (INR (before T_ k) * INR h) <= log2 (N (St k)).
Proof.
move=> d0 [m0 m1] hT he hd; have [G [G1 G2]] := greedy_keys_exist d0 (conj m0 m1) hT.
pose F n : 'I_d -> R := if insub n is Some i then G i else fun _ => 0.
have FE n (hn : (n < before T_ M)%nat) : F n = G (Ordinal hn) by rewrite /F insubT.
have FG (i : 'I_(before T_ M)) : F i = G i by rewrite /F valK.
exists F; split=> [|W St a W0 k answer B kM k0 hB hc].
  by split=> [i|i j ij]; rewrite !FG; [exact: G1|exact: G2].
have lt (t : token T_ k) : (@position T_ k t < before T_ M)%nat.
  exact: leq_trans (@position_lt T_ k t) (before_mono T_ kM).
have hK : incoherent (fun t => F (@position T_ k t)) mu.
  split=> [t|t u tu]; rewrite (FE _ (lt t)); first exact: G1.
  rewrite (FE _ (lt u)); apply: G2; apply: contraNN tu => /eqP[e].
  by apply/eqP; exact: position_inj e.
have [|l0 gap] := @lambda_relative_works (INR (before T_ k) + INR (T_ k)) mu eta _ m1 he.
  by have := INR_ge1 k0; have := pos_INR (T_ k); lra.
have := online_lower_bound hK _ l0 he _ hd W0 hc; rewrite !N_ord; apply=> // t o.
exact: hB.
Qed.

(* The online bound is met: keep one bit for each entry that has been seen. *)
Section KeepBits.
Variables (T_ : nat -> nat) (Crd Ch : finType).
Notation Row := ((Crd -> R) * (Ch -> R))%type.
(* bits_seen k: one bit for each token before scale k and each channel *)
Definition bits_seen (k : nat) : finType := [finType of {ffun 'I_(before T_ k) * Ch -> bool}].
(* bit_of chunk p c: the bit in channel c of row p of a chunk *)
Definition bit_of (chunk : seq Row) (p : nat) (c : Ch) : bool :=
  Rleb 1 ((nth (fun _ => 0, fun _ => 0) chunk p).2 c).
(* bit_cache: keeps the bits it has and appends those of the new chunk *)
Definition bit_cache : online unit_finType bits_seen (seq Row) :=
  @Online unit_finType bits_seen (seq Row) (fun _ => [ffun _ => false])
    (fun k _ s chunk => [ffun pc : 'I_(before T_ k.+1) * Ch =>
       if insub (val pc.1) is Some p' then s (p', pc.2) else bit_of chunk (pc.1 - before T_ k) pc.2]).
(* bits_read s: the values that the kept bits spell *)
Definition bits_read k (s : bits_seen k) (t : token T_ k) (c : Ch) : R :=
  ind (s (Ordinal (position_lt t), c)).

(* Sketch: induction on the scales that have passed. A bit of an earlier scale is kept; a bit of this scale
   is the one that the stream brings at its place. *)
Lemma bit_cache_run k (K : token T_ k -> Crd -> R) (x : {ffun token T_ k * Ch -> bool}) u m
  (p : 'I_(before T_ m)) c
    (t : token T_ k) : val p = position t ->
  run bit_cache u (stream K (levels ind x)) m (p, c) = x (t, c).
Proof.
elim: m p => [|m IH] p pt.
  by exfalso; have := ltn_ord p; case: (nat_of_ord p) => [|q]; rewrite /before big_ord0.
rewrite /= ffunE /=; case: insubP => [p' _ e|]; first by apply: IH; rewrite e.
rewrite -leqNgt => mp; have tm : tag t = m :> nat.
  have pm : (position t < before T_ m.+1)%nat by rewrite -pt; exact: ltn_ord.
  have {mp}pt' : (before T_ m <= position t)%nat by rewrite -pt.
  case: (ltngtP (tag t) m) => // h; exfalso.
    by have := leq_trans (position_lt_scale h) pt'; rewrite ltnn.
  by have := leq_trans pm (before_mono T_ h); rewrite ltnNge /position leq_addr.
case: t pt tm {IH mp} => j i pt /= jm; have ej : insub m = Some j :> option 'I_k by rewrite -jm valK.
have -> : (p - before T_ m)%nat = i by rewrite [nat_of_ord p]pt -jm addKn.
rewrite /bit_of /stream ej.
rewrite (nth_map i) ?size_enum_ord // nth_ord_enum /levels /=.
exact: Rleb_ind.
Qed.

Theorem online_upper_bound k (Own : finType) (K : token T_ k -> Crd -> R) (B : Own -> Crd -> R)
  (lam eta : R) :
  0 <= eta < 1 ->
  correct_at bit_cache (fun _ s q => attention_own q K B (bits_read s)) K B lam eta 0
  /\ log2 (N (bits_seen k)) = INR (before T_ k) * N Ch.
Proof.
move=> he; split=> [x i c|]; last by rewrite log2_bits N_prod N_ord.
rewrite Rmult_0_l; apply: Req_le; rewrite /failed eq_card0 // => u; rewrite inE; apply/negbTE/negPn.
set o := attention_own _ _ _ _ _.
suff -> : attention_own (scale lam (K i)) K B (bits_read (run bit_cache u (stream K (levels ind x)) k)) c = o.
  apply: approx_self => //; rewrite /o /attention_own /attention.
  apply: (softmax_ge0 _ (inl i)) => -[j|j] /=; last lra.
  exact: (proj1 (ind_01 _)).
rewrite /o /attention_own /attention /softmax_mean; congr (_ / _); apply: eq_bigr => -[j|j] _ //=.
by congr (_ * _); rewrite /bits_read (@bit_cache_run k K x u k (Ordinal (position_lt j)) c j).
Qed.
End KeepBits.

(* ---------- sliding window: only the last w rows are visible ------------------------------------------- *)
Section Window.
Variables (w : nat) (Crd Ch : finType) (F : nat -> Crd -> R) (lam eta : R).   (* F n: public key of row n *)
(* live t f: the last w entries of f before time t *)
Definition live (Y : Type) (t : nat) (f : nat -> Y) (i : 'I_w) : Y := f (t - w + i)%nat.
(* attention_live: attention over the live rows *)
Definition attention_live (t : nat) (q : Crd -> R) (V : nat -> Ch -> R) (c : Ch) : R :=
  attention q (live t F) (live t V) c.
(* window_correct: at time t, on every stream of 0/1 rows, queries at live rows are answered well *)
Definition window_correct (W : finType) (St : nat -> finType) (a : online W St (Ch -> R)) (t : nat)
    (answer : W -> St t -> (Crd -> R) -> Ch -> R) (delta : R) : Prop :=
  forall (b : nat -> Ch -> bool) (i : 'I_w) c, let V := fun n c => ind (b n c) in
    INR #|[pred u | ~~ approx eta (attention_live t (scale lam (live t F i)) V c)
                       (answer u (run a u V t) (scale lam (live t F i)) c)]| <= delta * N W.

(* Sketch: whatever came before the window, let the values in the window be the instance and all others 0.
   The cache after step t is then a one-way message about w tokens, and `relative_given_keys` applies to the
   live keys. *)
Theorem window_lower_bound (W : finType) (St : nat -> finType) (a : online W St (Ch -> R)) (t : nat)
    (answer : W -> St t -> (Crd -> R) -> Ch -> R) (mu delta : R) :
  (w <= t)%nat -> incoherent (live t F) mu -> 0 <= lam -> 0 <= eta < 1 ->
  (1 + eta) * leak (INR w) lam mu < 1 - eta -> 0 <= delta <= 1/2 -> 0 < N W ->
  window_correct a answer delta ->
  (1 - H2 delta) * (INR w * N Ch) <= log2 (N (St t)).
Proof.
move=> wt hK l0 he gap hd W0 hc; pose B (o : void) : Crd -> R := fun _ => 0.
pose V_ (V : 'I_w -> Ch -> R) (n : nat) (c : Ch) : R :=
  if insub (n - (t - w))%nat is Some i then V i c else 0.
have gap0 : (1 + eta) * leak (N [finType of 'I_w] + N void_finType) lam mu < 1 - eta.
  by rewrite N_ord /N card_void Rplus_0_r.
have hB : forall i o, dot (live t F i) (B o) <= mu by move=> i [].
rewrite -(N_ord w); apply: (relative_given_keys hK hB l0 W0 he gap0 hd
   (compress := fun u V => run a u (V_ V) t) (answer := answer)).
apply: correct_mean => x i c; rewrite /failed.
pose b n c := if insub (n - (t - w))%nat is Some j then x (j : 'I_w, c) else false.
have VE : V_ (levels ind x) = fun n c => ind (b n c).
  by do 2!apply: FunctionalExtensionality.functional_extensionality => ?; rewrite /V_ /b /levels;
    case: insubP.
have := hc b i c; rewrite VE.
suff -> : attention_own (scale lam (live t F i)) (live t F) B (levels ind x) c
        = attention_live t (scale lam (live t F i)) (fun n c => ind (b n c)) c by [].
rewrite attention_own_empty ?card_void // /attention_live /attention /softmax_mean; congr (_ / _).
by apply: eq_bigr => j _; congr (_ * _); rewrite /live /b /levels addKn (valK j).
Qed.

(* matching cache: keep the w * h live bits, shift at every step *)
Definition shift_cache : online unit_finType (fun _ => [finType of {ffun 'I_w * Ch -> bool}]) (Ch -> R) :=
  @Online unit_finType (fun _ => [finType of {ffun 'I_w * Ch -> bool}]) (Ch -> R) (fun _ => [ffun _ => false])
    (fun _ _ s v => [ffun ic : 'I_w * Ch => if insub ic.1.+1 is Some i' then s (i', ic.2)
      else Rleb 1 (v ic.2)]).

Lemma shift_cache_run u (b : nat -> Ch -> bool) k (i : 'I_w) c : (w <= k + i)%nat ->
  run shift_cache u (fun n c => ind (b n c)) k (i, c) = b (k + i - w)%nat c.
Proof.
elim: k i => [|k IH] i; first by rewrite add0n leqNgt ltn_ord.
move=> h; rewrite /= ffunE /=; case: insubP => [j _ ej|].
  by rewrite IH ej addnS -addSn.
rewrite -leqNgt Rleb_ind => wi; have ew : i.+1 = w by apply/eqP; rewrite eqn_leq wi ltn_ord.
by have -> : (k.+1 + i - w)%nat = k by rewrite addSnnS ew addnK.
Qed.

Theorem window_upper_bound (t : nat) : (w <= t)%nat -> 0 <= eta < 1 ->
  window_correct shift_cache (t := t) (fun _ s q => attention q (live t F) (fun i c => ind (s (i, c)))) 0
  /\ log2 (N [finType of {ffun 'I_w * Ch -> bool}]) = INR w * N Ch.
Proof.
move=> wt he; split=> [b i c V|]; last by rewrite log2_bits N_prod N_ord.
rewrite Rmult_0_l; apply: Req_le; rewrite eq_card0 // => u; rewrite inE; apply/negbTE/negPn.
set o := attention_live _ _ _ _.
suff -> : attention (scale lam (live t F i)) (live t F) (fun i c => ind (run shift_cache u V t (i, c))) c = o.
  apply: approx_self => //; rewrite /o /attention_live /attention.
  by apply: (softmax_ge0 _ i) => j; exact: (proj1 (ind_01 _)).
rewrite /o /attention_live /attention /softmax_mean; congr (_ / _); apply: eq_bigr => j _; congr (_ * _).
by rewrite shift_cache_run /live /V ?addnBAC //; apply: leq_trans wt (leq_addr _ _).
Qed.
End Window.
