"""From a head to the layer that a model runs: projections, normalization, the cap, all queries of the last scale."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LEMMAS = (
    Lemma(
        id="attention_layer",
        words="A whole VAR attention layer of width C >= T + n2 + d, with W_Q, W_K, W_V, normalized queries and keys, "
        "and multipliers in [ln((T + n2)(1 + eta)/(1 - eta))/(1 - mu), 100], realizes the hard family in all its H "
        "heads at once, and every cache for it needs (1 - H2(delta)) T H h bits.",
        range="all T, n2, d, h, H, C; all real mu, eta, delta in their ranges; all algorithms with public coins",
        formula=r"C \ge T + T_N + d, \; \lambda_h \in \left[\frac{1}{1 - \mu} \ln \frac{(T + T_N)(1 + \eta)}{1 - "
        r"\eta}, 100\right] \;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T H h",
        discharges=(
            ByCoq(
                "layer_headline",
                ("<= lam a <= 100", "(1 - H2 delta) * (INR T * (INR H * INR h)) <= bits a"),
            ),
        ),
        uses=(Use("separation"), Use("greedy_keys")),
    ),
    Lemma(
        id="multi_index",
        words="The queries of the last scale are asked as one block, with the same own tokens in every run. As in "
        "MULTI-INDEX, the bound (1 - H2(delta)) T h then holds at the mean failure rate delta over coins, words, "
        "tokens and channels.",
        range="all token sets, blocks, channels; all real keys, mu, lambda, eta, delta in their ranges",
        formula=r"E_{r, x, i, c} [\text{failure}] \le \delta \;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T h",
        discharges=(ByCoq("block_relative", ("(1 - H2 delta) * (N Tok * N Ch) <= bits a",)),),
        uses=(Use("separation"), Use("softmax_gap")),
    ),
    Lemma(
        id="keys_and_values_in_one_run",
        words="Theorem C also holds with one fixed set of own tokens that contains the references for all queries of a "
        "block at once.",
        range="as Theorem C, all blocks",
        formula=r"\log_2 |S| \ge T (h \, \text{fano}(L_V, \delta_V) + p \, \text{fano}(L_K, \delta_K))",
        discharges=(
            ByCoq("theorem_C_run", ("N Tok * (N Ch * fano (INR LV) dV + N Pay * fano (INR LK) dK) <= bits a",)),
        ),
        uses=(Use("separation"), Use("softmax_two")),
    ),
    Lemma(
        id="zoom",
        words="Theorem C' (zoom), delta = 0: two payload levels in [-c, c] that are more than 2 ln((1 + 2 eta)/(1 - 2 "
        "eta)) + ln(1 + tau) apart are told apart by a reference between them, so that T (h log2 L_V + p log2 L_K) "
        "bits are needed.",
        range="all T, n2, d_a, p, h, L_V, L_K; all real mu, rho, lambda, gamma, eta in their ranges",
        formula=r"|y_a - y_b| > 2 \ln \frac{1 + 2 \eta}{1 - 2 \eta} + \ln(1 + \tau) \;\Rightarrow\; \log_2 |S| \ge "
        r"T (h \log_2 L_V + p \log_2 L_K), \quad \delta = 0",
        discharges=(
            ByCoq(
                "theorem_C_zoom",
                (
                    "(2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau)) * (INR LK - 1) < 2 * c",
                    "N Tok * (N Ch * log2 (INR LV) + N Pay * log2 (INR LK)) <= bits a",
                ),
            ),
            ByCoq(
                "theorem_C_zoom_norms",
                (
                    "dot ((inst x).1 i) ((inst x).1 i) = 1",
                    "dot (zoom i p a b).1.1 (zoom i p a b).1.1 = lam * lam",
                    "c + ln (N Own) <= c * sqrt (N Pay) ->",
                    "dot ((zoom i p a b).1.2 o) ((zoom i p a b).1.2 o) = 1",
                ),
            ),
            ByCoq(
                "theorem_C_zoom_headline",
                (
                    "INR T.-1 < exp (INR da * mu ^ 2 / 2)",
                    "exists A : 'I_T -> 'I_da -> R,",
                    "INR T * (INR h * log2 (INR LV) + INR p * log2 (INR LK)) <= bits a",
                ),
            ),
        ),
        uses=(Use("softmax_gap"), Use("greedy_keys")),
    ),
    Lemma(
        id="total_time",
        words="A reader that for each of Q queries chooses the rows it reads before it looks at any of them, and "
        "answers each query correctly with probability 1 - delta, reads at least Q (1 - 2 delta) T rows in total on "
        "average.",
        range="all Q, T, d, coins; all real mu, lambda, eta, delta in their ranges",
        formula=r"E[\text{rows read}] \ge Q (1 - 2 \delta) T",
        discharges=(
            ByCoq(
                "total_time_one_cache", (r"N Qry * ((1 - 2 * delta) * N Tok) * N W <= \rsum_(w : W) \rsum_(q : Qry)",)
            ),
        ),
        uses=(Use("softmax_gap"),),
    ),
    Lemma(
        id="flat_logits",
        words="Without the gap between logits a smaller cache exists: at lambda = 0 a cache of h log2(T + 1) bits is "
        "correct with delta = 0.",
        range="all T, n2, d, h; all keys, all real eta in [0, 1)",
        formula=r"\lambda = 0: \quad \log_2 |S| = h \log_2(T + 1)",
        discharges=(ByCoq("flat_logits", ("bits a = N Ch * log2 (N Tok + 1)",)),),
    ),
)
