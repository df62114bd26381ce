"""Theorem E by the finite route: keys of a lattice, one tilt, values on a grid, checked by Coq from end to end."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LATTICE = Lemma(
    id="clique_lattice",
    words="Theorem E on a lattice, with one tilt, at delta = 0: n = d - 1 coordinates of every key are multiples of "
    "1/M, the last one fills it to unit norm, and keys have mutual inner products at most mu; h coordinates of every "
    "value are on a grid of L levels. A cache that is right within eta on all mass questions (any query, one reference "
    "for all of Bob's tokens, the constant channel) and all value questions (a key as query) needs T (n log2(2 m/k) + "
    "h log2 L) - log2 T! - 1 bits: keys of one token in one state are within k/m of each other. T (n log2(2 M + 1) + h "
    "log2 L) bits are enough.",
    range="all T, T_N, n, h, L, M, m, k, m', k' >= 1; all real lambda > 0, eta in [0, 1/2), mu, C, tau that meet its "
    "inequalities; delta = 0; all algorithms with public coins",
    formula=r"\log_2 |S| \ge T \left(n \log_2 \frac{2 m}{k} + h \log_2 L\right) - \log_2 T! - 1",
    discharges=(
        ByCoq(
            "clique_lattice",
            (
                "let words := coherent_words Tok J Ch M L mu in",
                "0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1",
                "mu <= C <= c1",
                "C + (s + ln (1 + tau)) / lam <= 1",
                "ln (N Own) + s / 2 <= lam * (1 + C)",
                "C <= 2 * (c2 * c2) - 1",
                "2 * (eta + leak) * (INR L - 1) < 1",
                "INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M",
                "(2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat",
                "INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M",
                "T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1 <= bits a",
            ),
        ),
        ByCoq(
            "clique_lattice_norms",
            (
                "key i (Some j) = / INR M * (INR ((x i).1 j) - INR M)",
                "incoherent key mu",
                "dot mass.1.1 mass.1.1 = lam * lam",
                "dot (value i c).1.1 (value i c).1.1 = lam * lam",
            ),
        ),
        ByCoq(
            "clique_lattice_store",
            ("bits a = N Tok * (N J * log2 (2 * INR M + 1) + N Ch * log2 (INR L))",),
        ),
    ),
    uses=(Use("softmax_gap"),),
)

VAR256 = Lemma(
    id="var256_cliques",
    words="Theorem E on a lattice at VAR-256 (T = 424, T_N = 256, d = 64, lambda = 100): 229559 bits are needed at eta "
    "= 0.1, 405933 at 0.01 and 580576 at 0.001, on every lattice of at least 2^24 steps to 1, and 755036 at 0.0001 "
    "from 2^28 steps on: 26.4, 46.7, 66.8 and 86.9 % of the fp16 cache. Nothing is assumed but the correctness of the "
    "cache: every condition is decided by Coq's kernel with intervals of integers.",
    range="one head; all eta at most the given ones, all M at least the given ones, delta = 0; all algorithms with "
    "public coins",
    formula=r"\log_2 |S| \ge 229559, \; 405933, \; 580576, \; 755036 \quad (\eta = 10^{-1}, 10^{-2}, 10^{-3}, "
    r"10^{-4}; \; \delta = 0)",
    discharges=(
        ByCoq("var256_cliques_1000", ("16777216 <= INR M", "eta <= 1/1000", "580576 <= bits a")),
        ByCoq(
            "var256_cliques",
            (
                "eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (29/50) eta 229559",
                "eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (29/50) eta 405933",
                "eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (29/50) eta 580576",
                "eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (29/50) eta 755036",
            ),
        ),
    ),
    uses=(Use("clique_lattice"),),
)

HEADS = Lemma(
    id="heads_cliques",
    words="The same for one head of Infinity at one megapixel (T = 6425, T_N = 4096, d = 128): 12521241 bits at eta = "
    "0.01 and 17867214 at 0.001, 47.5 and 67.8 % of the fp16 cache; and for a small model of the sides 1, 2, 3, 4, 6, "
    "8 (T = 66, T_N = 64, d = 32): 30559 and 43870 bits, 45.2 and 64.9 %.",
    range="two heads; lambda = 100, all eta at most the given ones, all M >= 2^24, delta = 0; all algorithms with "
    "public coins",
    formula=r"\log_2 |S| \ge 12521241, \; 17867214 \quad \text{and} \quad 30559, \; 43870 \quad (\eta = 10^{-2}, "
    r"10^{-3}; \; \delta = 0)",
    discharges=(
        ByCoq(
            "infinity1m_cliques",
            (
                "lattice_floor 6425 4096 127 127 50 M 100 (1/2) eta 12521241",
                "lattice_floor 6425 4096 127 127 500 M 100 (1/2) eta 17867214",
            ),
        ),
        ByCoq(
            "small_cliques",
            (
                "lattice_floor 66 64 31 31 50 M 100 (67/100) eta 30559",
                "lattice_floor 66 64 31 31 500 M 100 (67/100) eta 43870",
            ),
        ),
    ),
    uses=(Use("clique_lattice"),),
)

LEMMAS = (LATTICE, VAR256, HEADS)
