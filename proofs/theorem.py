"""The theorem with its constants, its form for schedules, and why it needs a hypothesis on the schedule."""

from __future__ import annotations

import sympy

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.prove.lemma import ByCoq, Lemma, Use, computation


def closed_form_of_the_geometric_sum() -> int:
    """sympy's sum, multiplied out, equals the closed form; and both equal the schedule's own count for small sizes."""
    r, n, k = sympy.symbols("r n k", positive=True, integer=True)
    total = sympy.summation(r ** (2 * k), (k, 0, n - 1))
    assert (
        sympy.simplify(total * (r**2 - 1) - (r ** (2 * n) - 1)) == 0
        or sympy.simplify(total.args[-1][0] * (r**2 - 1) - (r ** (2 * n) - 1)) == 0
    ), total
    cases = [(base, scales) for base in range(2, 6) for scales in range(2, 6)]
    for base, scales in cases:
        cached = ScaleSchedule.geometric(base, scales).n_tokens_cached
        assert cached * (base**2 - 1) == base ** (2 * (scales - 1)) - 1, (base, scales)
    assert ScaleSchedule.square([1, 2, 3, 4, 5, 6, 8, 10, 13, 16]).n_tokens_cached == 424
    return len(cases) + 2


SCHEDULE_SUMS_WORDS = (
    "Sides 1, r, ..., r^(N-1) = n cache (n^2 - 1)/(r^2 - 1) tokens before the last scale; VAR at 256 pixels caches 424."
)
SCHEDULE_SUMS_RANGE = "all r >= 2 and N; one schedule"

LEMMAS = (
    Lemma(
        id="kv_cache_lower_bound",
        words="Let T tokens be cached, let the last scale have n2 tokens of its own, and let values have h channels. "
        "If T - 1 < exp(d mu^2 / 2), there are public unit keys such that at lambda = ln((T + n2)(1 + eta)/(1 - "
        "eta))/(1 - mu) every cache with relative error eta < 1 and failure probability delta <= 1/2 needs (1 - "
        "H2(delta)) T h bits.",
        range="all T, n2, d, h; all real mu in (0, 1), eta in [0, 1), delta in [0, 1/2]; all algorithms with public "
        "coins",
        formula=r"T - 1 < e^{d \mu^2 / 2}, \; \lambda = \frac{1}{1 - \mu} \ln \frac{(T + T_N)(1 + \eta)}{1 - \eta} "
        r"\;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T h",
        discharges=(
            ByCoq(
                "relative_headline",
                (
                    "let lam := ln ((INR T + INR n2) * (1 + eta) / (1 - eta)) / (1 - mu) in",
                    "INR T.-1 < exp (INR d * mu ^ 2 / 2)",
                    "correct K B lam ind (approx eta) (compress a) (answer a) delta",
                    "(1 - H2 delta) * (INR T * INR h) <= bits a",
                ),
            ),
        ),
        uses=(Use("relative_values"), Use("greedy_keys")),
    ),
    Lemma(
        id="kv_cache_levels",
        words="On the keys of kv_cache_lower_bound, under additive error eta and with values on L levels, 2 (eta + "
        "tau)(L - 1) < 1, every cache needs (log2 L - H2(delta) - delta log2(L - 1)) T h bits.",
        range="all T, n2, d, h, L; all real mu, eta, tau, delta in their ranges; all algorithms with public coins",
        formula=r"2 (\eta + \tau)(L - 1) < 1 \;\Rightarrow\; \log_2 |S| \ge (\log_2 L - H_2(\delta) - \delta "
        r"\log_2(L - 1)) T h",
        discharges=(
            ByCoq(
                "additive_headline",
                ("(log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (INR T * INR h) <= bits a",),
            ),
        ),
        uses=(Use("additive_values"), Use("greedy_keys")),
    ),
    Lemma(
        id="kv_cache_average",
        words="For the bound of kv_cache_lower_bound it is enough that the mean failure rate over coins, words, tokens "
        "and channels is at most delta.",
        range="all T, n2, d, h; all real mu, eta, delta in their ranges; all algorithms with public coins",
        formula=r"E_{r, x, i, c} [\text{failure}] \le \delta \;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T h",
        discharges=(
            ByCoq(
                "relative_headline_average",
                ("correct_in_mean K B lam ind (approx eta) (compress a) (answer a) delta",),
            ),
        ),
        uses=(Use("relative_values"), Use("greedy_keys")),
    ),
    Lemma(
        id="kv_cache_random_keys",
        words="The T cached keys and Bob's n2 own keys may be drawn at random, as scaled sign vectors. With "
        "probability at least 1 - p, p = (T + n2)(T + n2 - 1)/2 exp(-d mu^2 / 2), the draw serves every cache as in "
        "kv_cache_average. A cache that is told the draw, and whose mean failure rate over draws, coins, words, tokens "
        "and channels is at most delta, needs (1 - H2(delta/(1 - p))) T h bits.",
        range="all T, n2, d, h; all real mu in (0, 1), eta in [0, 1), delta in [0, (1 - p)/2]; all algorithms with "
        "public coins",
        formula=r"p = \frac{(T + T_N)(T + T_N - 1)}{2} e^{-d \mu^2 / 2}: \quad \log_2 |S| \ge \left(1 - "
        r"H_2\left(\frac{\delta}{1 - p}\right)\right) T h",
        discharges=(
            ByCoq(
                "random_keys_headline",
                (
                    "let odds := n * (n - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)) in",
                    "INR #|[pred x | ~~ good x]| <= odds * N",
                    "(1 - H2 delta) * (INR T * INR h) <= bits a",
                ),
            ),
            ByCoq(
                "random_keys_average",
                (
                    "odds < 1",
                    "0 <= delta <= (1 - odds) / 2",
                    "(1 - H2 (delta / (1 - odds))) * (INR T * INR h) <= bits a",
                ),
            ),
        ),
        uses=(Use("relative_values"), Use("random_keys")),
    ),
    Lemma(
        id="kv_cache_constants",
        words="With numbers for constants: if d >= 8 ln(T + n2), there are unit keys for all T + n2 tokens, with inner "
        "products at most 1/2, such that at every lambda >= 2 ln(3 (T + n2)) every cache with relative error at most "
        "1/2 and failure probability at most 0.11 needs T h/2 bits.",
        range="all T, n2, d >= 1; all h; all real lambda, eta, delta in their ranges; all algorithms with public coins",
        formula=r"d \ge 8 \ln(T + T_N), \; \lambda \ge 2 \ln(3 (T + T_N)), \; \eta \le 1/2, \; \delta \le 0.11 "
        r"\;\Rightarrow\; \log_2 |S| \ge \frac{T h}{2}",
        discharges=(
            ByCoq(
                "universal_lower_bound",
                (
                    "8 * ln (INR T + INR n2) <= INR d",
                    "2 * ln (3 * (INR T + INR n2)) <= lam",
                    "0 <= eta <= 1/2",
                    "delta <= 11/100",
                    "INR T * INR h / 2 <= bits a",
                ),
            ),
            ByCoq("half_bit_left", ("- (11/100) * log2 (11/100) - (1 - 11/100) * log2 (1 - 11/100) <= 1/2",)),
        ),
        uses=(Use("relative_values"), Use("greedy_keys")),
    ),
    Lemma(
        id="kv_cache_square_constants",
        words="d >= 24 ln n implies n^2 d/8 bits: for square maps whose sides grow up to n, the side before the last "
        "at least n/2, values of d channels, any lambda >= 10 ln n, relative error at most 1/2 and failure probability "
        "at most 0.11.",
        range="all such schedules, all d; all real lambda, eta, delta in their ranges; all public-coin algorithms",
        formula=r"d \ge 24 \ln n, \; \lambda \ge 10 \ln n, \; \eta \le 1/2, \; \delta \le 0.11 \;\Rightarrow\; "
        r"\log_2 |S| \ge \frac{n^2 d}{8}",
        discharges=(
            ByCoq(
                "growing_lower_bound",
                (
                    "(n <= 2 * side M.-1)%nat",
                    "24 * ln (INR n) <= INR d",
                    "10 * ln (INR n) <= lam",
                    "0 <= eta <= 1/2",
                    "delta <= 11/100",
                    "INR n ^ 2 * INR d / 8 <= bits a",
                ),
            ),
        ),
        uses=(Use("kv_cache_constants"),),
    ),
    Lemma(
        id="schedule_sums",
        words=SCHEDULE_SUMS_WORDS,
        range=SCHEDULE_SUMS_RANGE,
        formula=r"\sum_{k < N} r^{2 (k - 1)} = \frac{n^2 - 1}{r^2 - 1}, \quad n = r^{N - 1}",
        discharges=(
            ByCoq("geometric_tokens_real", ("(INR (expn r M) ^ 2 - 1) / (INR r ^ 2 - 1)",)),
            computation(SCHEDULE_SUMS_WORDS, SCHEDULE_SUMS_RANGE, closed_form_of_the_geometric_sum),
        ),
    ),
    Lemma(
        id="kv_cache_geometric",
        words="For the geometric schedule every such cache needs (1 - H2(delta)) (n^2 - 1)/(r^2 - 1) h bits before its "
        "last scale.",
        range="all r >= 2, N, d, h; all real mu, eta, delta in their ranges; all algorithms with public coins",
        formula=r"\log_2 |S| \ge (1 - H_2(\delta)) \frac{n^2 - 1}{r^2 - 1} h",
        discharges=(
            ByCoq("geometric_headline", ("(1 - H2 delta) * ((INR n ^ 2 - 1) / (INR r ^ 2 - 1) * INR h) <= bits a",)),
        ),
        uses=(Use("kv_cache_lower_bound"), Use("schedule_sums")),
    ),
    Lemma(
        id="last_scale_needed",
        words="For the schedule (1, n) only one token is cached, and h bits are enough. For every c > 0 that is below "
        "c n^2 h once n is large, so that the square form needs its hypothesis on the schedule.",
        range="all d, h; all real c > 0; all keys, lambda, eta in [0, 1)",
        formula=r"\text{schedule } (1, n): \; \log_2 |S| = h < c n^2 h \; \text{ for large } n",
        discharges=(ByCoq("small_scale_counterexample", ("bits a < c * (INR n ^ 2 * INR h)",)),),
    ),
)
