"""Beyond the paper: keys and values, real entries, every scale, windows, low dimension, time, and public weights."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Cited, Lemma, Use

ON_PAPER = "docs/cliques.md, proved on paper, not machine-checked"
FRAMES = "docs/frames.md, proved on paper, not machine-checked"
REAL_ENTRIES = "all T, T_N, d >= 3, lambda; additive eta in (0, 1/2), delta = 0; real keys and values"

LEMMAS = (
    Lemma(
        id="keys_and_values",
        words="Theorem C: keys hold addresses of coherence mu and p payload symbols of L_K levels each, and values "
        "hold h symbols of L_V levels each. Every cache then needs T (h fano(L_V) + p fano(L_K)) bits, where fano(L) = "
        "log2 L - H2(delta) - delta log2(L - 1) at the error rate delta of symbols of that kind: both halves of the "
        "cache are incompressible.",
        range="all T, n2, d_a, p, h, L_V, L_K; all real mu, rho, lambda, gamma, eta, delta in their ranges",
        formula=r"\log_2 |S| \ge T (h \, \text{fano}(L_V, \delta_V) + p \, \text{fano}(L_K, \delta_K))",
        discharges=(
            ByCoq(
                "theorem_C_headline",
                ("INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= bits a",),
            ),
            ByCoq("theorem_C", ("N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a",)),
            ByCoq("theorem_C_average", ("N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a",)),
            ByCoq("theorem_C_norms", ("dot k k = 1", "dot q q = lam * lam", "dot b b = 1")),
        ),
        uses=(Use("separation"), Use("softmax_two"), Use("greedy_keys")),
    ),
    Lemma(
        id="keys_and_values_sharp",
        words="Theorem C with a sharper read of payloads: all n2 own tokens are copies of one reference token, whose "
        "logit is lowered by ln n2 so that together they weigh as much as one token. A payload's leak tau can then "
        "only raise an output, so that payload levels 2 eta + tau apart can be distinguished, where Theorem C requires "
        "2 (eta + tau).",
        range="all T, n2, d_a, p, h, L_V, L_K; all real mu, rho, lambda, gamma, eta, delta in their ranges",
        formula=r"(2 \eta + \tau)(L_K - 1) < \sigma(c) - \sigma(-c) \;\Rightarrow\; \log_2 |S| \ge T (h \, "
        r"\text{fano}(L_V, \delta_V) + p \, \text{fano}(L_K, \delta_K))",
        discharges=(
            ByCoq(
                "theorem_C_sharp",
                (
                    "let tau := (N Tok - 1) * exp (c - lam' * ca * (1 - mu)) in",
                    "2 * (eta + tauV) * (INR LV - 1) < 1",
                    "(2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c)",
                    "N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a",
                ),
            ),
            ByCoq(
                "theorem_C_sharp_norms",
                (
                    "dot ((inst x).1 i) ((inst x).1 i) = 1",
                    "dot (qry ix).1.1 (qry ix).1.1 = lam * lam",
                    "ln (N Own) <= c * sqrt (N Pay) -> forall ix o, dot ((qry ix).1.2 o) ((qry ix).1.2 o) = 1",
                ),
            ),
            ByCoq(
                "theorem_C_sharp_headline",
                (
                    "INR T.-1 < exp (INR da * mu ^ 2 / 2)",
                    "exists A : 'I_T -> 'I_da -> R,",
                    "INR T * (INR h * fano (INR LV) dV + INR p * fano (INR LK) dK) <= bits a",
                ),
            ),
        ),
        uses=(Use("separation"), Use("softmax_gap"), Use("greedy_keys")),
    ),
    Lemma(
        id="keys_and_values_tight",
        words="At delta = 0 the bound of Theorem C is met exactly by a cache that stores the symbols.",
        range="as Theorem C",
        formula=r"\log_2 |S| = T (h \log_2 L_V + p \log_2 L_K), \quad \delta = 0",
        discharges=(ByCoq("theorem_C_tight", ("bits a = N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK))",)),),
    ),
    Lemma(
        id="frames_by_classes",
        words="Theorem F' at delta = 0: Theorem F, but the chances p_+, p_- and p_V that a query is shut are means of "
        "Chernoff bounds over all tokens and directions. Addresses are sign vectors, and how two of them and their "
        "frames meet depends on one integer and four signs; a certificate's checker counts each case exactly. Every "
        "cache that is never wrong needs T (p F(L, p_+ + p_- / 2) + (d - 1) F(L_V, p_V) - log2(1 + 1/z)) bits.",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), delta = 0; real keys and values",
        formula=r"\log_2 |S| \ge T \left(p \, \text{fano}(L, p_+ + \frac{p_-}{2}) + (d - 1) \, \text{fano}(L_V, "
        r"p_V) - \log_2(1 + \frac{1}{z})\right)",
        discharges=(Cited(FRAMES),),
    ),
    Lemma(
        id="frames_by_classes_with_failures",
        words="Theorem F' at delta > 0: with the same counts, and 2^B blocks of L levels each that one read shows "
        "evenly, every cache whose answer to each question is right with probability 1 - delta needs T (p (B F(2, q) "
        "+ F(L, q)) + (d - 1) F(L_V, delta + p_V) - log2(1 + 1/z)) bits, q = delta + max(p_+, p_-).",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), 0 < delta < 1/2; real keys and values",
        formula=r"\log_2 |S| \ge T \left(p (B \, \text{fano}(2, q) + \text{fano}(L, q)) + (d - 1) \, "
        r"\text{fano}(L_V, \delta + p_V) - \log_2(1 + \frac{1}{z})\right)",
        discharges=(Cited(FRAMES),),
    ),
    Lemma(
        id="collision",
        words="Theorem D (collision): keys are independent and uniform on the unit sphere, value coordinate 0 is "
        "constant, and the others are uniform on L levels. Two instances that share a state are indistinguishable: no "
        "admissible query separates their outputs by more than 2 eta. Two independent instances are rarely "
        "indistinguishable, so where the inequalities of its certificate hold, every cache needs T ((d - 1) log2 L - "
        "log2(A nu)) - log2 T! + log2 g bits: nu bounds the mean measure of the cap in which a matched key may lie, A "
        "is Markov's factor, and g the probability of a good instance.",
        range=REAL_ENTRIES,
        formula=r"\log_2 |S| \ge T ((d - 1) \log_2 L - \log_2(A \nu)) - \log_2 T! + \log_2 g",
        discharges=(Cited(ON_PAPER),),
    ),
    Lemma(
        id="clique",
        words="Theorem E (clique volume): all instances that share a state are pairwise indistinguishable, so that "
        "they form a clique. In a clique through a good instance the keys of token i project to a set A_i whose "
        "differences lie in a star body. By the Brunn-Minkowski inequality vol(A_i) is at most 2^-(d-1) times the "
        "body's volume, which gives d - 1 bits per token more than Theorem D. Where the inequalities of its "
        "certificate hold, every cache needs T ((d - 1) log2 L - log2(A 2^-(d-1) V E / (|S^(d-1)| cos a_2))) - log2 T! "
        "+ log2 g bits, and more if keys and values share the error: V is the volume of the unit ball of dimension d - "
        "1, E bounds the mean of the body's radius to the power d - 1, a_2 is the angle between matched keys; A and g "
        "are as in Theorem D.",
        range=REAL_ENTRIES,
        formula=r"\log_2 |S| \ge T \left((d - 1) \log_2 L - \log_2 \frac{A \, 2^{-(d-1)} V E}{|S^{d-1}| \cos "
        r"a_2}\right) - \log_2 T! + \log_2 g",
        discharges=(Cited(ON_PAPER),),
    ),
    Lemma(
        id="every_scale",
        words="One public list of keys serves the whole generation: before every scale k the state of every online "
        "algorithm needs (1 - H2(delta)) T_k h bits, where T_k is the number of tokens before scale k.",
        range="all schedules, scales, d, h; all online algorithms with public coins",
        formula=r"\log_2 |S_k| \ge (1 - H_2(\delta)) T_k h \quad \text{for every scale } k",
        discharges=(ByCoq("online_headline", ("(1 - H2 delta) * (INR (before T_ k) * INR h) <= log2 (N (St k))",)),),
        uses=(Use("relative_values"),),
    ),
    Lemma(
        id="square_form",
        words="If the last cached scale has at least c n^2 tokens, the state before the last scale needs (1 - "
        "H2(delta)) c n^2 h bits.",
        range="all schedules, d, h; all real c, n, mu, eta, delta in their ranges",
        formula=r"T \ge c n^2 \;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) c n^2 h",
        discharges=(
            ByCoq(
                "square_online",
                ("c * n ^ 2 <= INR (T_ M)", "(1 - H2 delta) * (c * n ^ 2 * INR h) <= log2 (N (St M.+1))"),
            ),
        ),
        uses=(Use("every_scale"),),
    ),
    Lemma(
        id="window",
        words="A cache that answers over a sliding window of the last w rows needs (1 - H2(delta)) w h bits at every "
        "time; at delta = 0, w h bits are enough.",
        range="all w, h, times t >= w; all online algorithms with public coins",
        formula=r"(1 - H_2(\delta)) w h \le \log_2 |S_t|, \quad t \ge w",
        discharges=(
            ByCoq("window_lower_bound", ("(1 - H2 delta) * (INR w * N Ch) <= log2 (N (St t))",)),
            ByCoq("window_upper_bound", ("= INR w * N Ch",)),
        ),
        uses=(Use("relative_values"),),
    ),
    Lemma(
        id="low_dimension",
        words="For every d, A = min(T, floor(exp(d mu^2 / 2))) of the T tokens can be given unit keys of R^(d+1) with "
        "inner products at most mu, and a cache that answers for these A tokens needs (1 - H2(delta)) A h bits.",
        range="all T, n2, d, h; all real mu, eta, delta in their ranges; all algorithms with public coins",
        formula=r"A = \min(T, \lfloor e^{d \mu^2 / 2} \rfloor): \quad \log_2 |S| \ge (1 - H_2(\delta)) A h \quad "
        r"\text{in } R^{d + 1}",
        discharges=(ByCoq("low_dimension_headline", ("(1 - H2 delta) * (INR A * INR h) <= bits a",)),),
        uses=(Use("separation"),),
    ),
    Lemma(
        id="low_dimension_constants",
        words="Below dimension ln T the floor grows exponentially in the dimension D, at relative error at most 1/2 "
        "and failure probability at most 0.11. Sign vectors give unit keys that cost min(T, exp(D mu^2 / 2)) h/7 bits, "
        "for every D >= 2 and mu < 1, at lambda >= ln(3 (T + n2))/(1 - mu). Words over 20 points of the circle give "
        "keys that cost min(T, exp(D)) h/12 bits, for every odd D >= 3, at lambda >= 80 ln(3 (T + n2)).",
        range="all T, n2, h, D in their ranges; all real mu in (0, 1), lambda, eta, delta in their ranges; all "
        "algorithms with public coins",
        formula=r"\log_2 |S| \ge \min(T, e^{D \mu^2 / 2}) \frac{h}{7}, \qquad \log_2 |S| \ge \min(T, e^D) "
        r"\frac{h}{12}",
        discharges=(
            ByCoq(
                "low_dimension_numbers",
                (
                    "ln (3 * (INR T + INR n2)) / (1 - mu) <= lam",
                    "delta <= 11/100",
                    "Rmin (INR T) (exp (INR d.+1 * mu ^ 2 / 2)) * INR h / 7 <= bits a",
                ),
            ),
            ByCoq("circle_keys_exist", ("INR T.-1 < exp (INR (m * 2))", "incoherent K (79/80)")),
            ByCoq(
                "circle_low_dimension",
                (
                    "80 * ln (3 * (INR T + INR n2)) <= lam",
                    "delta <= 11/100",
                    "Rmin (INR T) (exp (INR (m * 2).+1)) * INR h / 12 <= bits a",
                ),
            ),
        ),
        uses=(Use("separation"), Use("greedy_keys")),
    ),
    Lemma(
        id="clusters",
        words="What clustering achieves, and that no cache does better. Keys within r of the public centers of "
        "clusters of n_k tokens, queries of norm at most lambda, exp(2 lambda r) <= 1 + eta: one counter per cluster "
        "and channel, h sum_k log2(n_k + 1) bits in all, answers every query on every word of bits within relative "
        "error eta. Such centers always exist, pairwise more than r apart; for m of them m h log2(T + 1) bits are "
        "enough. If keys coincide within clusters, the centers have coherence mu, and 2 (eta + tau) n_k < 1, "
        "additive error eta takes h sum_k log2(n_k + 1) bits at delta = 0, and Fano's rate of it at delta > 0.",
        range="all finite sets of tokens, clusters, channels; all real keys, centers, lambda, r, mu, eta, delta",
        formula=r"\log_2 |S| = h \sum_k \log_2(n_k + 1)",
        discharges=(
            ByCoq(
                "clusters_upper_bound",
                (
                    "exp (2 * (lam * r)) <= 1 + eta",
                    r"bits a = N Ch * \rsum_k log2 (INR #|[pred i | cl i == k]| + 1)",
                ),
            ),
            ByCoq(
                "greedy_clusters",
                (
                    r"forall i j, i \in Z -> j \in Z -> i != j -> r * r < gap i j",
                    "bits a <= INR #|Z| * (N Ch * log2 (N Tok + 1))",
                ),
            ),
            ByCoq(
                "clusters_lower_bound",
                (
                    "let n k := #|[pred i | cl i == k]| in",
                    "2 * (eta + tau) * INR (n k) < 1",
                    r"N Ch * (\rsum_k fano (INR (n k) + 1) (delta k)) <= bits a",
                ),
            ),
        ),
        uses=(Use("separation"),),
    ),
    Lemma(
        id="low_dimension_ceiling",
        words="In low dimension few bits are enough, however many tokens there are: if keys have entries in [-1, 1] "
        "and queries have norm at most lambda, G^d h log2(T + 1) bits reach relative error 1/2 on all words of bits, "
        "for any positive whole number G >= 6 lambda sqrt(d).",
        range="all finite sets of tokens, own tokens and channels, d; all real keys in [-1, 1], lambda >= 0",
        formula=r"\log_2 |S| \le G^d h \log_2(T + 1), \quad G \ge 6 \lambda \sqrt{d}",
        discharges=(
            ByCoq(
                "grid_upper_bound",
                (
                    "6 * lam * sqrt (N Crd) <= INR G.+1",
                    "bits a <= INR G.+1 ^ #|Crd| * (N Ch * log2 (N Tok + 1))",
                ),
            ),
        ),
        uses=(Use("clusters"),),
    ),
    Lemma(
        id="streams",
        words="Layers and heads add up: if one state serves several attention streams, each with its own keys, shape, "
        "lambda, error and failure probability, and with independent values, it needs the sum of (1 - H2(delta)) T h "
        "over the streams, or the sum of T h fano(L) for values on L levels and additive errors. The same holds for "
        "any families of inputs whose good answers tell symbols. If all streams repeat one word, T h bits serve them "
        "all: independence is needed.",
        range="all finite sets of streams, tokens, channels; all real keys, mu, lambda, eta, delta; all algorithms "
        "with public coins; one fixed length",
        formula=r"\log_2 |S| \ge \sum_s (1 - H_2(\delta_s)) T_s h_s",
        discharges=(
            ByCoq("heads_lower_bound", ("((1 - H2 (delta s)) * (N (Tok s) * N (Ch s))) <= bits a",)),
            ByCoq("streams_lower_bound", ("fano (N (A s i)) (delta s i) <= bits a",)),
            ByCoq("streams_headline", ("INR G * ((1 - H2 delta) * (INR T * INR h)) <= bits a",)),
            ByCoq("heads_additive", ("(fano (INR (L s)) (delta s) * (N (Tok s) * N (Ch s))) <= bits a",)),
            ByCoq("streams_additive_headline", ("INR G * (fano (INR L) delta * (INR T * INR h)) <= bits a",)),
            ByCoq(
                "repeated_streams",
                (
                    "answer a w (compress a w (fun _ => levels ind x)) s (scale lam (K i)) c",
                    "bits a = N Tok * N Ch",
                ),
            ),
        ),
        uses=(Use("index_bound"), Use("softmax_gap")),
    ),
    Lemma(
        id="streams_cliques",
        words="Floors that count cliques add up over layers and heads: if in each stream the words of a family G that "
        "one table of answers serves are at most C/D in number, then one state for all streams needs the sum of "
        "log2(#G D / C). The parts that the words of one state have in a stream are served by the answers of that "
        "state, so these words lie in a product of cliques.",
        range="all finite sets of streams and words; all families, inputs, questions and notions of a right answer; "
        "delta = 0; all algorithms with public coins",
        formula=r"\log_2 |S| \ge \sum_s \log_2 \frac{|G_s| D_s}{C_s}",
        discharges=(
            ByCoq(
                "streams_cliques",
                (
                    "(forall x q, x \\in Q -> right s x q (table q)) -> (#|Q| * D s <= C s)%nat",
                    "(log2 (INR #|G s|) + log2 (INR (D s)) - log2 (INR (C s))) <= bits a",
                ),
            ),
        ),
    ),
    Lemma(
        id="time",
        words="A reader that chooses the rows it reads before it looks at any of them, and answers correctly with "
        "probability 1 - delta, reads at least (1 - 2 delta) T rows on average.",
        range="all T, d, coins; all real mu, lambda, eta, delta in their ranges",
        formula=r"E[\text{rows read}] \ge (1 - 2 \delta) T",
        discharges=(ByCoq("nonadaptive_time", ("(1 - 2 * delta) * N Tok * N W <=",)),),
        uses=(Use("softmax_gap"),),
    ),
    Lemma(
        id="replay",
        words="With public weights: if a cache's answers determine all token ids, its state has at least the bits of "
        "these ids. For VAR-256 these are 3060 bits.",
        range="all finite sets of ids; one schedule",
        formula=r"\log_2 |S| \ge \sum_i \log_2 |V_i|",
        discharges=(
            ByCoq("replay_exact", (r"\rsum_i log2 (N (V i)) <= bits a",)),
            ByCoq("var256_replay", ("= 3060",)),
        ),
        model="R2",
    ),
)
