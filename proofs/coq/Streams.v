(* Many streams, one state: layers and heads whose words are independent add their floors, whatever the
   cache shares between them. *)
From LowerBound Require Export Values.
From Coq Require Import FunctionalExtensionality.
Set Implicit Arguments. Unset Strict Implicit. Unset Printing Implicit Defensive.
Open Scope R_scope.

Section Streams.
(* stream s has symbols I s with alphabets A s i, and inputs, queries and answers of its own *)
Variables (Str : finType) (I : Str -> finType) (A : forall s, I s -> finType) (Inp Qry Out : Str -> Type).
Variables (good : forall s, Inp s -> Qry s -> Out s -> bool).
Variables (inst : forall s, {dffun forall i : I s, A i} -> Inp s) (qry : forall s, I s -> Qry s).
(* place: a symbol of a stream;  words: one word for all streams together;  part x s: the word of stream s *)
Definition place : finType := [finType of {s : Str & I s}].
Definition letter (p : place) : finType := A (tagged p).
Notation words := {dffun forall p : place, letter p}.
Definition part (x : words) (s : Str) : {dffun forall i : I s, A i} := [ffun i => x (Tagged I i)].

(* the algorithm: it sees the inputs of all streams at once, and answers queries of any stream *)
Variables (W S : finType) (compress : W -> (forall s, Inp s) -> S) (answer : W -> S -> forall s, Qry s ->
  Out s).
(* stream_failures x i: the number of coins under which query i of stream s is answered badly *)
Definition stream_failures (x : words) s (i : I s) : R :=
  INR #|[pred w | ~~ good (inst (part x s)) (qry i) (answer w (compress w (fun s => inst (part x s))) (qry
    i))]|.

(* the floors of the streams add up *)
Theorem streams_lower_bound (x0 : words) (delta : forall s, I s -> R) :
  (forall s, separated (good (s := s)) (inst (s := s)) (qry (s := s))) -> 0 < N W ->
  (forall s (i : I s), 0 <= delta s i <= 1 - / N (A i)) ->
  (forall s (i : I s), \rsum_(x : words) stream_failures x i <= delta s i * (N W * N [finType of words])) ->
  \rsum_(s : Str) \rsum_(i : I s) fano (N (A i)) (delta s i) <= log2 (N S).
Proof.
move=> sep W0 hd hc; rewrite (sig_big_dep xpredT (fun _ => xpredT) (fun s i => fano (N (A i)) (delta s i)))
  /=.
pose seen w st (p : place) (x : words) :=
  good (inst (part x (tag p))) (qry (tagged p)) (answer w st (qry (tagged p))).
pose dec w st : words := [ffun p => if [pick x | seen w st p x] is Some x then x p else x0 p].
apply: (index_lower_bound (A := letter) x0 (enc := fun w x => compress w (fun s => inst (part x s)))
         (dec := dec) (delta := fun p => delta (tag p) (tagged p)) W0) => [[s i]|[s i]] //=; first exact: hd.
apply: Rle_trans (hc s i); rewrite exchange_big /=; apply: rsum_le => x _.
rewrite /stream_failures -sum_ind; apply: rsum_le => w _; rewrite /wrong ffunE.
case hx : (good _ _ _) => /=; last by case: (_ != _) => /=; lra.
case: pickP => [y hy|/(_ x)]; last by rewrite /seen /= hx.
have := sep s _ _ i _ hx hy; rewrite !ffunE => ->; rewrite eqxx /=; lra.
Qed.
End Streams.

(* ---------- attention: layers and heads with their own keys, shapes and error rates ----------------- *)
Section Heads.
Variables (Str : finType) (Tok Own Crd Ch A : Str -> finType).
Variables (K : forall s, Tok s -> Crd s -> R) (B : forall s, Own s -> Crd s -> R) (mu lam delta : Str -> R).
(* entry s: a token and a channel of stream s;  lev s: the numbers that its symbols are written as;  good s:
   what is accepted as an answer *)
Definition entry (s : Str) : finType := [finType of Tok s * Ch s].
Variables (lev : forall s, A s -> R) (good : Str -> R -> R -> bool).
Notation words := {dffun forall p : {s : Str & entry s}, A (tag p)}.
(* stream_levels x s: the values of stream s in the word x of all streams *)
Definition stream_levels (x : words) s (i : Tok s) (c : Ch s) : R := lev (x (Tagged entry (i, c))).
Variables (W S : finType) (compress : W -> (forall s, Tok s -> Ch s -> R) -> S)
  (answer : W -> S -> forall s, (Crd s -> R) -> Ch s -> R).

(* streams_good: channel c of query lambda K_i of stream s is answered well, except for a share delta s of all
   coins and words *)
Definition streams_good : Prop := forall s (i : Tok s) (c : Ch s), let q := scale (lam s) (K i) in
  \rsum_(x : words) INR #|[pred w | ~~ good s
      (attention_own q (K (s := s)) (B (s := s)) (stream_levels x (s := s)) c)
      (answer w (compress w (stream_levels x)) q c)]| <= delta s * (N W * N [finType of words]).

Hypotheses (hK : forall s, incoherent (K (s := s)) (mu s))
  (hB : forall s i o, dot (K (s := s) i) (B o) <= mu s) (lam0 : forall s, 0 <= lam s) (W0 : 0 < N W).
Notation tau s := (leak (N (Tok s) + N (Own s)) (lam s) (mu s)).

(* if in each stream the readings of two different levels, each blurred by tau, have no good answer in common
   Sketch: in each stream a good answer at token i and channel c tells the symbol of the entry (i, c); then
   streams_lower_bound. *)
Theorem streams_values (x0 : words) :
  (forall s (a : A s), 0 <= lev a <= 1) ->
  (forall s (a b : A s) u v o, 0 <= tau s ->
     lev a / (1 + tau s) <= u <= (lev a + tau s) / (1 + tau s) ->
     lev b / (1 + tau s) <= v <= (lev b + tau s) / (1 + tau s) -> good s u o -> good s v o -> a = b) ->
  (forall s, 0 <= delta s <= 1 - / N (A s)) -> streams_good ->
  \rsum_(s : Str) (fano (N (A s)) (delta s) * (N (Tok s) * N (Ch s))) <= log2 (N S).
Proof.
move=> l01 sep hd hc.
pose goods s (V : Tok s -> Ch s -> R) (q : (Crd s -> R) * Ch s) o :=
  good s (attention_own q.1 (K (s := s)) (B (s := s)) V q.2) o.
pose inst s (y : {dffun forall _ : entry s, A s}) (i : Tok s) (c : Ch s) := lev (y (i, c)).
have := @streams_lower_bound Str entry (fun s _ => A s) (fun s => Tok s -> Ch s -> R)
  (fun s => (Crd s -> R) * Ch s)%type (fun _ => R) goods inst (fun s ic => (scale (lam s) (K ic.1), ic.2))
  W S compress (fun w st s q => answer w st q.1 q.2) x0 (fun s _ => delta s).
under eq_bigr => s _ do rewrite rsum_const N_prod Rmult_comm.
have part_values (x : words) s :
  inst s (@part _ _ (fun s _ => A s) x s) = stream_levels x (s := s).
  apply: functional_extensionality => i; apply: functional_extensionality => c.
  by rewrite /inst ffunE.
apply=> // [s x y [i c] o|s [i c]].
  have gap z := attention_own_gap (@hK s) (@hB s) (lam0 s) (V := inst s z) i (c := c) (fun j => l01 s _).
  exact: (sep _ _ _ _ _ o (proj1 (gap x)) (proj2 (gap x)) (proj2 (gap y))).
apply: Rle_trans (hc s i c); apply: rsum_le => x _; apply: Req_le.
have all : (fun s => inst s (@part _ _ (fun s _ => A s) x s)) = stream_levels x.
  by apply: functional_extensionality_dep => t; exact: part_values.
by rewrite /stream_failures; congr INR; apply: eq_card => w; rewrite !inE all part_values.
Qed.
End Heads.

Section Binary.
Variables (Str : finType) (Tok Own Crd Ch : Str -> finType).
Variables (K : forall s, Tok s -> Crd s -> R) (B : forall s, Own s -> Crd s -> R).
Variables (mu lam eta delta : Str -> R).
Variables (W S : finType) (compress : W -> (forall s, Tok s -> Ch s -> R) -> S)
  (answer : W -> S -> forall s, (Crd s -> R) -> Ch s -> R).

(* streams_correct: the same for values 0 and 1 and relative errors eta s *)
Definition streams_correct : Prop := streams_good (A := fun _ => bool_finType) K B lam delta (fun _ => ind)
  (fun s => approx (eta s)) compress answer.

Theorem heads_lower_bound :
  (forall s, incoherent (K (s := s)) (mu s)) -> (forall s i o, dot (K (s := s) i) (B o) <= mu s) ->
  (forall s, 0 <= lam s) -> (forall s, 0 <= eta s < 1) ->
  (forall s, (1 + eta s) * leak (N (Tok s) + N (Own s)) (lam s) (mu s) < 1 - eta s) ->
  (forall s, 0 <= delta s <= 1/2) -> 0 < N W -> streams_correct ->
  \rsum_(s : Str) ((1 - H2 (delta s)) * (N (Tok s) * N (Ch s))) <= log2 (N S).
Proof.
move=> hK hB l0 he gap hd W0 hc; under eq_bigr => s _ do rewrite -fano_binary -N_bool.
apply: (@streams_values Str Tok Own Crd Ch (fun _ => bool_finType) K B mu lam delta (fun _ => ind)
  (fun s => approx (eta s)) W S compress answer hK hB l0 W0 [ffun _ => true] _ _ _ hc) => [s|s a b u v o|s].
- exact: ind_01.
- exact: (binary_apart (he s) (gap s)).
by rewrite N_bool; have := hd s; lra.
Qed.
End Binary.

(* The same for values on a grid: L s equidistant levels of step more than 2 (eta + tau), tau the leak. *)
Theorem heads_additive (Str : finType) (Tok Own Crd Ch : Str -> finType)
    (K : forall s, Tok s -> Crd s -> R) (B : forall s, Own s -> Crd s -> R) (mu lam eta delta : Str -> R)
    (L : Str -> nat) (W S : finType) (compress : W -> (forall s, Tok s -> Ch s -> R) -> S)
    (answer : W -> S -> forall s, (Crd s -> R) -> Ch s -> R) :
  (forall s, incoherent (K s) (mu s)) -> (forall s i o, dot (K s i) (B s o) <= mu s) ->
  (forall s, 0 <= lam s) -> (forall s, (0 < L s)%nat) ->
  (forall s, 2 * (eta s + leak (N (Tok s) + N (Own s)) (lam s) (mu s)) * (INR (L s) - 1) < 1) ->
  (forall s, 0 <= delta s <= 1 - / INR (L s)) -> 0 < N W ->
  streams_good (A := fun s => [finType of 'I_(L s)]) K B lam delta (fun s => @grid (L s))
    (fun s => near (eta s)) compress answer ->
  \rsum_(s : Str) (fano (INR (L s)) (delta s) * (N (Tok s) * N (Ch s))) <= log2 (N S).
Proof.
move=> hK hB l0 L0 step hd W0 hc; under eq_bigr => s _ do rewrite -(N_ord (L s)).
apply: (@streams_values Str Tok Own Crd Ch (fun s => [finType of 'I_(L s)]) K B mu lam delta
  (fun s => @grid (L s)) (fun s => near (eta s)) W S compress answer hK hB l0 W0
  [ffun p => Ordinal (L0 (tag p))] _ _ _ hc) => [s|s a b u v o|s].
- exact: grid_01.
- exact: (grid_apart (step s)).
by rewrite N_ord.
Qed.

(* G streams (say, layers times heads) of T tokens and h channels, with public greedy keys *)
Theorem streams_headline (G T n2 d h : nat) (mu eta delta : R) :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  0 <= eta < 1 -> 0 <= delta <= 1/2 ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_G -> 'I_n2 -> 'I_d -> R, (forall s i o, dot (K i) (B s o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_G -> 'I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> 'I_G -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      @streams_correct _ (fun _ => [finType of 'I_T]) (fun _ => [finType of 'I_n2]) (fun _ =>
        [finType of 'I_d])
        (fun _ => [finType of 'I_h]) (fun _ => K) B (fun _ => lambda_relative (INR T + INR n2) mu eta)
        (fun _ => eta) (fun _ => delta) W S compress answer ->
      INR G * ((1 - H2 delta) * (INR T * INR h)) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT he hd; have [K hK] := greedy_keys_exist d0 hmu hT.
exists K; split=> // B hB W S compress answer W0 hc; rewrite -(N_ord G) -(N_ord T) -(N_ord h) -rsum_const.
have [l0 gap] := lambda_relative_works (tokens_ge1 n2 T0) (proj2 hmu) he.
apply: (heads_lower_bound (mu := fun _ => mu) _ hB _ _ _ _ W0 hc) => // _; by rewrite !N_ord.
Qed.

(* grid_streams_good: the answers of G streams of one shape, with values on a grid of L levels, are within
   eta, except for a share delta *)
Definition grid_streams_good (G T n2 d h L : nat) (K : 'I_T -> 'I_d -> R) (B : 'I_G -> 'I_n2 -> 'I_d -> R)
    (lam eta delta : R) (W S : finType) (compress : W -> ('I_G -> 'I_T -> 'I_h -> R) -> S)
    (answer : W -> S -> 'I_G -> ('I_d -> R) -> 'I_h -> R) : Prop :=
  @streams_good _ (fun _ => [finType of 'I_T]) (fun _ => [finType of 'I_n2]) (fun _ => [finType of 'I_d])
    (fun _ => [finType of 'I_h]) (fun _ => [finType of 'I_L]) (fun _ => K) B (fun _ => lam) (fun _ => delta)
    (fun _ => @grid L) (fun _ => near eta) W S compress answer.

(* the same for values on a grid: G T h log2 L bits, if each read leaks at most tau *)
Section Grid.
Variables (G T n2 d h L : nat) (mu lam tau eta delta : R).
Hypotheses (l0 : 0 <= lam) (leaks : (INR T + INR n2 - 1) * exp (- lam * (1 - mu)) <= tau) (L0 : (0 < L)%nat)
  (step : 2 * (eta + tau) * (INR L - 1) < 1) (hd : 0 <= delta <= 1 - / INR L).

Theorem streams_additive (K : 'I_T -> 'I_d -> R) (B : 'I_G -> 'I_n2 -> 'I_d -> R) (W S : finType)
    (compress : W -> ('I_G -> 'I_T -> 'I_h -> R) -> S) (answer : W -> S -> 'I_G -> ('I_d -> R) -> 'I_h -> R) :
  incoherent K mu -> (forall s i o, dot (K i) (B s o) <= mu) -> 0 < N W ->
  grid_streams_good L K B lam eta delta compress answer ->
  INR G * (fano (INR L) delta * (INR T * INR h)) <= log2 (N S).
Proof.
move=> hK hB W0 hc; rewrite -(N_ord G) -(N_ord T) -(N_ord h) -rsum_const.
apply: (heads_additive (mu := fun _ => mu) (L := fun _ => L) _ hB _ _ _ _ W0 hc) => // _; rewrite !N_ord.
apply: Rle_lt_trans step; apply: Rmult_le_compat_r; first by have := INR_ge1 L0; lra.
by apply: Rmult_le_compat_l; [lra|apply: Rplus_le_compat_l].
Qed.

Theorem streams_additive_headline :
  (0 < d)%nat -> (0 < T)%nat -> 0 < mu < 1 -> INR T.-1 < exp (INR d * mu ^ 2 / 2) ->
  exists K : 'I_T -> 'I_d -> R, incoherent K mu /\
    forall B : 'I_G -> 'I_n2 -> 'I_d -> R, (forall s i o, dot (K i) (B s o) <= mu) ->
    forall (W S : finType) (compress : W -> ('I_G -> 'I_T -> 'I_h -> R) -> S)
           (answer : W -> S -> 'I_G -> ('I_d -> R) -> 'I_h -> R), 0 < N W ->
      grid_streams_good L K B lam eta delta compress answer ->
      INR G * (fano (INR L) delta * (INR T * INR h)) <= log2 (N S).
Proof.
move=> d0 T0 hmu hT; have [K hK] := greedy_keys_exist d0 hmu hT.
by exists K; split=> // B hB W S compress answer W0; exact: streams_additive hK hB W0.
Qed.
End Grid.

(* Independence is needed: streams that repeat one word are answered from one copy of its T h bits. *)
Theorem repeated_streams (Str Tok Own Crd Ch : finType) (K : Tok -> Crd -> R) (B : Own -> Crd ->
  R) (lam eta : R) :
  0 <= eta < 1 ->
  exists (compress : (Str -> Tok -> Ch -> R) -> {ffun Tok * Ch -> bool})
         (answer : {ffun Tok * Ch -> bool} -> Str -> (Crd -> R) -> Ch -> R),
    (forall (x : {ffun Tok * Ch -> bool}) s i c, approx eta (attention_own (scale lam (K i)) K B (levels ind
      x) c)
       (answer (compress (fun _ => levels ind x)) s (scale lam (K i)) c))
    /\ log2 (N [finType of {ffun Tok * Ch -> bool}]) = N Tok * N Ch.
Proof.
move=> he; exists (fun V => [ffun ic => [exists s, Rleb 1 (V s ic.1 ic.2)]]),
  (fun x _ q => attention_own q K B (levels ind x)).
split=> [x s i c|]; last by rewrite log2_bits N_prod.
have -> : [ffun ic => [exists s : Str, Rleb 1 (levels ind x ic.1 ic.2)]] = x.
  apply/ffunP => -[j a]; rewrite ffunE /levels /= Rleb_ind; case: (x (j, a)); first by apply/existsP;
    exists s.
  by apply/existsP => -[].
apply: approx_self => //; apply: (softmax_ge0 _ (inl i)) => -[j|j] /=; last lra.
exact: (proj1 (ind_01 _)).
Qed.
