"""Theorem F: payloads along frames, one set of dimensions for addresses and payloads, at all sizes and at VAR-256."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

SUBSET = Lemma(
    id="index_subset",
    words="INDEX on a family of words that need not be all words: the bound is that of all words, less the log-density "
    "of the family. Bob may be told the symbols of lower rank before he decodes a symbol.",
    range="all finite alphabets, families, ranks, coins, states; every mean delta_i in [0, 1 - 1/L_i]",
    formula=r"\log_2 |S| \ge \sum_i \text{fano}(L_i, \delta_i) - \log_2 \frac{\prod_i L_i}{|Y|}",
    discharges=(
        ByCoq(
            "index_subset",
            (
                "(rank j < rank i)%nat -> u j = v j",
                r"\rsum_i fano (N (A i)) (delta i) - log2 (N [finType of {dffun forall i, A i}] / N Y) <= log2 (N S)",
            ),
        ),
    ),
)

FRAMES = Lemma(
    id="frames",
    words="Theorem F at delta = 0: a key is a public address of coherence mu1, a payload of p letters on a grid of L "
    "points along the frame of the address, of coherence mu2, and a coordinate that fills it up to norm 1; h values "
    "lie on L_V levels. Every cache then needs T (p fano(L, 3/2 pK) + h fano(L_V, pV) - log2(1 + 1/z)) bits: 3/2 pK "
    "and pV bound how often the queries of a symbol are shut by the other cached tokens, and 1/(1 + 1/z) bounds the "
    "density of the payloads that fit into the sphere. Correctness is asked on T p L + T h explicit questions.",
    range="all T, n2, p, h, even L, L_V; all real lambda, eta, mu1, mu2 and parameters in their ranges; delta = 0",
    formula=r"\log_2 |S| \ge T \left(p \, \text{fano}(L, \frac{3}{2} p_K) + h \, \text{fano}(L_V, p_V) - \log_2(1 "
    r"+ \frac{1}{z})\right)",
    discharges=(
        ByCoq(
            "frames",
            (
                "N Pay * m + sqrt (z * (N Pay * (h ^ 4 * (INR L ^ 2 - 1) * (INR L ^ 2 - 4) / 180))) <= 1 - c0 ^ 2",
                "2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h",
                "2 * (eta + tauV) * (INR LV - 1) < 1",
                "N Own * exp (- lam) <= tauV / 2 * exp (lam * c0)",
                "0 < tK <= lam -> 0 < tV <= lam -> tK * m * muK <= c0 -> tV * m * mu1 <= c0",
                "N Tok * (N Pay * fano (INR L) (3/2 * pK) + N Ch * fano (INR LV) pV - log2 (1 + / z)) <= bits alg",
            ),
        ),
        ByCoq(
            "frames_norms",
            (
                "ln (N Own) <= lam",
                "(h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2",
                "dot ((inst x).1 i) ((inst x).1 i) = 1",
                "let Q := payload i l a in dot Q.1.1 Q.1.1 = lam ^ 2",
            ),
        ),
    ),
    uses=(Use("index_subset"), Use("softmax_gap")),
)

FAILURES = Lemma(
    id="frames_with_failures",
    words="Theorem F for delta > 0: the letters form 2^B blocks of L levels, and a letter is read as B binary digits "
    "of its block, highest first, and its level. Told the digits that he knows already, Bob asks one question for "
    "each, so that every cache whose answers to these questions fail with probability at most delta needs T (p (B "
    "fano(2) + fano(L)) + h fano(L_V) - log2(1 + 1/z)) bits, with the errors delta + pK and delta + pV.",
    range="all T, n2, p, h, B, L, L_V; all positions of letters with their moments; all real lambda, eta, delta, mu1, "
    "mu2 and parameters in their ranges; all algorithms with public coins",
    formula=r"\log_2 |S| \ge T \left(p (B \, \text{fano}(2, q) + \text{fano}(L, q)) + (d - 1) \, \text{fano}(L_V, "
    r"\delta + p_V) - \log_2(1 + \frac{1}{z})\right)",
    discharges=(
        ByCoq(
            "frames_with_failures",
            (
                "2 * eta + tau / 4 < Rabs (w a - w a')",
                "(forall x i l t, (0 < t < expn 2 B)%nat -> failed x (side i l t) <= delta * N (coins alg))",
                "N Tok * (N Pay * (INR B * fano 2 (delta + pK) + fano (INR L) (delta + pK)) "
                "+ N Ch * fano (INR LV) (delta + pV) - log2 (1 + / z)) <= bits alg",
            ),
        ),
        ByCoq(
            "frames_with_failures_norms",
            (
                "let unit Q := dot Q.1.1 Q.1.1 = lam ^ 2 /\\ forall o, dot (Q.1.2 o) (Q.1.2 o) = 1 in",
                "forall i l t, (0 < t < expn 2 B)%nat -> unit (side i l t)",
            ),
        ),
    ),
    uses=(Use("index_subset"), Use("softmax_gap")),
)

MEETINGS = Lemma(
    id="frames_with_meetings",
    words="Theorem F for delta > 0 with sums over the other tokens in place of their worst coherence: token j closes a "
    "tilted query of token i at most as often as an exponential moment says, in which letter l of token j keeps its "
    "own moment. If the two sides of a letter's query are shut with probability at most 2 pM together, then every "
    "cache whose answers fail with probability at most delta needs T (p (fano(2) + (B - 1) fano(2) + fano(L)) + h "
    "fano(L_V) - log2(1 + 1/z)) bits: the highest digit with the error delta + 2 pM, the others and the levels with "
    "delta + pM, the values with delta + pV. Every letter has an opposite one, so that each side is asked for half of "
    "all words.",
    range="all T, n2, p, h, B >= 1, L, L_V; all positions of letters with opposites and with their moments; all real "
    "lambda, eta, delta, mu1 and parameters in their ranges; all algorithms with public coins",
    formula=r"\log_2 |S| \ge T \left(p (\text{fano}(2, \delta + 2 p_M) + (B - 1) \, \text{fano}(2, \delta + p_M) + "
    r"\text{fano}(L, \delta + p_M)) + (d - 1) \, \text{fano}(L_V, \delta + p_V) - \log_2(1 + \frac{1}{z})\right)",
    discharges=(
        ByCoq(
            "frames_with_meetings",
            (
                "exp (- tK * ((a0 + ln tau) / lam - c0 * g) + tK ^ 2 * m * (1 - g ^ 2 - xi ^ 2) / 2)",
                "upper (block (opp a)) = ~~ upper (block a)",
                "N Tok * (N Pay * (fano 2 (delta + 2 * pM) + (INR B - 1) * fano 2 (delta + pM) "
                "+ fano (INR L) (delta + pM)) + N Ch * fano (INR LV) (delta + pV) - log2 (1 + / z)) <= bits alg",
            ),
        ),
    ),
    uses=(Use("index_subset"), Use("softmax_gap")),
)

VAR256 = Lemma(
    id="var256_frames",
    words="Theorem F on one head of VAR-256, with 424 addresses in R^63 and lambda = 100, Kerdock words that begin "
    "with three zeros, less these zeros. At delta = 0 a cache needs 178200 bits at eta = 1/10, 353400 at 1/100, and "
    "527900 at 1/1000, which is 20.5 %, 40.6 % and 60.7 % of the fp16 cache. The addresses' Gram matrix and every "
    "number are computed by Coq's kernel.",
    range="three cases: T = 424, T_N = 256, d = 64, lambda = 100, eta = 1/10, 1/100, 1/1000, delta = 0",
    formula=r"\log_2 |S| \ge 178200, \; 353400, \; 527900 \quad (\eta = 10^{-1}, 10^{-2}, 10^{-3}; \; \delta = 0)",
    discharges=(
        ByCoq("var256_frames_10", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "178200 <= bits alg")),
        ByCoq("var256_frames_100", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "353400 <= bits alg")),
        ByCoq("var256_frames_1000", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "527900 <= bits alg")),
    ),
    uses=(Use("frames"),),
)

VAR256_FAILURES = Lemma(
    id="var256_frames_with_failures",
    words="The same with failures: a cache whose answers fail with probability at most 1/100 needs 167100 bits at eta "
    "= 1/10, 338900 at 1/100, and 511600 at 1/1000, which is 19.2 %, 39.0 % and 58.9 % of the fp16 cache. At most 136 "
    "of the other addresses stand in the way of a read, which is counted for every address and every direction.",
    range="three cases: T = 424, T_N = 256, d = 64, lambda = 100, eta = 1/10, 1/100, 1/1000, delta = 1/100",
    formula=r"\log_2 |S| \ge 167100, \; 338900, \; 511600 \quad (\eta = 10^{-1}, 10^{-2}, 10^{-3}; \; \delta = "
    r"1/100)",
    discharges=(
        ByCoq(
            "var256_frames_with_failures_10", ("failed x (side i l t) <= 1/100 * N (coins alg)", "167100 <= bits alg")
        ),
        ByCoq(
            "var256_frames_with_failures_100", ("failed x (side i l t) <= 1/100 * N (coins alg)", "338900 <= bits alg")
        ),
        ByCoq(
            "var256_frames_with_failures_1000", ("failed x (side i l t) <= 1/100 * N (coins alg)", "511600 <= bits alg")
        ),
    ),
    uses=(Use("frames_with_meetings"),),
)

LEMMAS = (SUBSET, FRAMES, FAILURES, MEETINGS, VAR256, VAR256_FAILURES)
