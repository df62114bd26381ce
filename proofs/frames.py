"""Theorem F: payloads along frames, one set of dimensions for addresses and payloads, at all sizes and at VAR-256."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Cited, Lemma, Use

ON_PAPER = "docs/frames.md, proved on paper, not machine-checked"

<<<<<<< HEAD
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
                "(rank j < rank i)%N -> u j = v j",
                r"\rsum_i fano (N (A i)) (delta i) - log2 (N [finType of {dffun forall i, A i}] / N Y) <= log2 (N S)",
            ),
        ),
=======
LEMMAS = (
    Lemma(
        id="frames",
        words="Theorem F at delta = 0 (frames): token i has a public unit address and a public orthonormal frame of "
        "the p = d - 2 directions beside it. Its key has the component c_0 along the address and a letter of an even "
        "grid of L letters along each direction of the frame; its values have L_V levels each. Where the "
        "inequalities of its certificate hold, every cache that is never wrong needs T (p F(L, 3/2 p_K) + (d - 1) "
        "F(L_V, p_V) - log2(1 + 1/z)) bits, where F(L, q) = log2 L - H2(q) - q log2(L - 1): p_K and p_V bound, by the "
        "coherence of addresses and frames, the chance that the other tokens weigh too much in a read, and at least 1 "
        "/ (1 + 1/z) of all words fit into a unit key.",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), delta = 0; real keys and values",
        discharges=(Cited(ON_PAPER),),
    ),
    Lemma(
        id="frames_with_failures",
        words="Theorem F at delta > 0 (frames): the letters of a grid form 2^B runs of L levels, and Bob is told the "
        "earlier symbols of an instance when he reads the next, so that he asks one question for each: B digits of "
        "the run, and the level. Where the inequalities of its certificate hold, every cache whose answer to each "
        "question is right with probability 1 - delta needs T (p (B F(2, q) + F(L, q)) + (d - 1) F(L_V, delta + p_V) "
        "- log2(1 + 1/z)) bits, q = delta + p_K; the rest as in Theorem F at delta = 0.",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), 0 < delta < 1/2; real keys and values",
        discharges=(Cited(ON_PAPER),),
>>>>>>> help-certf
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
                "2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h",
                "N Tok * (N Pay * fano (INR L) (3 / 2 * pK) + N Ch * fano (INR LV) pV - log2 (1 + / z)) <= log2 (N S)",
            ),
        ),
        ByCoq(
            "frames_norms",
            (
                "dot ((inst x).1 i) ((inst x).1 i) = 1",
                "let Q := payload i l a in dot Q.1.1 Q.1.1 = lam ^ 2",
            ),
        ),
    ),
    uses=(Use("index_subset"), Use("softmax_gap")),
)

VAR256 = Lemma(
    id="var256_frames",
    words="Theorem F on one head of VAR-256, with 424 Kerdock addresses of R^63 and lambda = 100: at delta = 0 a cache "
    "needs 175200 bits at eta = 1/10, 350800 at 1/100, and 525200 at 1/1000, which is 20.1 %, 40.3 % and 60.4 % of the "
    "fp16 cache. The addresses' Gram matrix and every number are computed by Coq's kernel.",
    range="three cases: T = 424, T_N = 256, d = 64, lambda = 100, eta = 1/10, 1/100, 1/1000, delta = 0",
    formula=r"\log_2 |S| \ge 175200, \; 350800, \; 525200 \quad (\eta = 10^{-1}, 10^{-2}, 10^{-3}; \; \delta = 0)",
    discharges=(
        ByCoq("var256_frames_10", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "175200 <= log2 (N S)")),
        ByCoq("var256_frames_100", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "350800 <= log2 (N S)")),
        ByCoq("var256_frames_1000", ("dot ((inst x).1 i) ((inst x).1 i) = 1", "525200 <= log2 (N S)")),
    ),
    uses=(Use("frames"),),
)

BY_CLASSES = Lemma(
    id="frames_by_classes",
    words="Theorem F at delta = 0 (frames): token i has a public unit address and a public orthonormal frame of "
    "the p = d - 2 directions beside it. Its key has the component c_0 along the address and a letter of an even "
    "grid of L letters along each direction of the frame; its values have L_V levels each. Where the "
    "inequalities of its certificate hold, every cache that is never wrong needs T (p F(L, p_+ + p_- / 2) + (d - "
    "1) F(L_V, p_V) - log2(1 + 1/z)) bits, where F(L, q) = log2 L - H2(q) - q log2(L - 1): p_+, p_- and p_V bound "
    "the chance that the other tokens weigh too much in a read, and at least 1 / (1 + 1/z) of all words fit into "
    "a unit key.",
    range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), delta = 0; real keys and values",
    formula=r"\log_2 |S| \ge T \left(p \, \text{fano}(L, p_+ + \frac{p_-}{2}) + (d - 1) \, \text{fano}(L_V, p_V) - "
    r"\log_2(1 + \frac{1}{z})\right)",
    discharges=(Cited(ON_PAPER),),
)

WITH_FAILURES = Lemma(
    id="frames_with_failures",
    words="Theorem F at delta > 0 (frames): the letters form 2^B blocks of L levels, and Bob is told the earlier "
    "symbols of an instance when he reads the next, so that he asks one question for each: B digits of the block, "
    "and the level. Where the inequalities of its certificate hold, every cache whose answer to each question is "
    "right with probability 1 - delta needs T (p (B F(2, q) + F(L, q)) + (d - 1) F(L_V, delta + p_V) - log2(1 + "
    "1/z)) bits, q = delta + max(p_+, p_-); letters as in Theorem F at delta = 0.",
    range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), 0 < delta < 1/2; real keys and values",
    formula=r"\log_2 |S| \ge T \left(p (B \, \text{fano}(2, q) + \text{fano}(L, q)) + (d - 1) \, \text{fano}(L_V, "
    r"\delta + p_V) - \log_2(1 + \frac{1}{z})\right)",
    discharges=(Cited(ON_PAPER),),
)

LEMMAS = (SUBSET, FRAMES, VAR256, BY_CLASSES, WITH_FAILURES)
