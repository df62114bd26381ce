"""Theorem E by the finite route: keys of a lattice, one tilt or a chain of them, values on a grid, checked by Coq."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LATTICE = Lemma(
    id="clique_lattice",
    words="Theorem E on a lattice, with one tilt, at delta = 0: n = d - 1 coordinates of every key are multiples of "
    "1/M, the last one fills it to unit norm, and keys have mutual inner products at most mu; h coordinates of every "
    "value are on a grid of L levels. A cache that is right within eta on all mass questions (any query, one reference "
    "for all of Bob's tokens, the constant channel) and all value questions (a key as query) needs T (n log2(2 m/k) + "
    "h log2 L) - log2 T! - 1 bits: keys of one token in one state are within k/m of each other. T (n log2(2 M + 1) + h "
    "log2 L) bits are enough. One cache of many streams, of this shape each, needs so many bits for every stream. The "
    "first match of two keys needs a weight that T keys have, or the few of mutual cosines mu that are near one key.",
    range="all T, T_N, n, h, L, M, m, k, m', k' >= 1; all real lambda > 0, eta in [0, 1/2), mu, C, tau that meet its "
    "inequalities; delta = 0; all algorithms with public coins",
    formula=r"\log_2 |S| \ge T \left(n \log_2 \frac{2 m}{k} + h \log_2 L\right) - \log_2 T! - 1",
    discharges=(
        ByCoq(
            "clique_lattice",
            (
                "let words := coherent_words Tok J Ch M L mu in",
                "let c0 := 1 - (s + ln T) / lam in",
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
            "clique_lattice_streams",
            ("N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1) <= bits a",),
        ),
        ByCoq(
            "clique_lattice_few",
            (
                "let edge := 1 - (s + ln (2 * T)) / lam in let few := (1 - mu) / (edge * edge - mu) in",
                "let c0 := 1 - (s + ln (2 * few)) / lam in",
                "0 <= edge -> mu < edge * edge -> 0 <= mu <= c0 -> rest < 1 -> mu < 2 * (c1 * c1) - 1",
                "T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1 <= bits a",
            ),
        ),
        ByCoq(
            "clique_lattice_few_streams",
            ("N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) - 1) <= bits a",),
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
    uses=(Use("softmax_gap"), Use("streams_cliques")),
)

TILTS = Lemma(
    id="clique_tilts",
    words="Theorem E on a lattice, with a chain of tilts, at delta = 0. Keys, values, questions and cache are those of "
    "the one tilt. K further tilts, as steep as one likes, bound the keys of a token wherever they are open: where of "
    "the two queries that lean from a key towards a direction and away from it, one comes near no other key. Two keys "
    "are then at most radius l + 1 apart in that direction. Keys that are near a query, and coherent with the key it "
    "leans from, lie in a cap; so both queries are blocked in a part T^2 (cap l / m')^(2 n) of all words or less, "
    "whatever the direction. With k/m a mean radius, in the n-th powers, the cache needs T (n log2(2 m/k) + h log2 L) "
    "- log2 T! - log2 g bits, where one word in g is used; and one cache of many streams so many for every stream.",
    range="all T, T_N, n, h, L, M, m, k, m', k' >= 1, g >= 3, K >= 0; all real lambda > 0, eta in [0, 1/2), mu, C, tau "
    "and all cosines that meet its inequalities; delta = 0; all algorithms with public coins",
    formula=r"\log_2 |S| \ge T \left(n \log_2 \frac{2 m}{k} + h \log_2 L\right) - \log_2 T! - \log_2 g",
    discharges=(
        ByCoq(
            "clique_tilts",
            (
                "let words := coherent_words Tok J Ch M L mu in",
                "let chord := sqrt (2 - 2 * c2) in",
                "let rest l := (T - 1) * exp (lam * (near_cosine l + 2 * chord - cosine l)) in",
                "let radius l := if l is l'.+1 then (1 - c2 + (s + rest l') / lam) / sine (cosine l') else chord in",
                "let rim l := (near_cosine l - pull l * mu) / sqrt (1 - 2 * pull l * cosine l + pull l * pull l) in",
                "0 <= cosine l < 1, mu * cosine l <= near_cosine l",
                "ln (N Own) + s / 2 <= lam * (1 + cosine l - chord)",
                "INR m * ((INR M * radius l + sqrt n) / INR (reach l)) + INR m * sqrt n <= INR M",
                "0 <= pull l, 0 <= rim l <= 1",
                "INR m' * (INR M * sine (rim l) / INR (cap l)) + INR m' * sqrt n <= INR M",
                "(g * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|)%nat",
                "expn #|Tok| 2 * \\sum_(l < K) expn (cap l) (2 * #|J|) * expn (reach l) #|J|)",
                "<= (g - 2) * (expn k #|J| * expn m' (2 * #|J|))",
                "- log2 (INR #|Tok|`!) - log2 (INR g) <= bits a",
            ),
        ),
        ByCoq(
            "clique_tilts_streams",
            (
                "N Str * (T * (n * log2 (2 * INR m / INR k) + N Ch * log2 (INR L)) - log2 (INR #|Tok|`!) "
                "- log2 (INR g)) <= bits a",
            ),
        ),
    ),
    uses=(Use("softmax_gap"), Use("streams_cliques")),
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

VAR256_TILTS = Lemma(
    id="var256_tilts",
    words="Theorem E on a lattice with a first tilt and sixteen more, at VAR-256 (T = 424, T_N = 256, d = 64, lambda = "
    "100) on every lattice of at least 2^40 steps to 1: 258943 bits are needed at eta = 0.1, 439510 at 0.01, 615982 at "
    "0.001 and 791355 at 0.0001: 29.8, 50.6, 70.9 and 91.1 % of the fp16 cache. Nothing is assumed but the correctness "
    "of the cache: every condition is decided by Coq's kernel, with intervals of integers and powers of integers.",
    range="one head; all eta at most the given ones, all M >= 2^40, delta = 0; all algorithms with public coins",
    formula=r"\log_2 |S| \ge 258943, \; 439510, \; 615982, \; 791355 \quad (\eta = 10^{-1}, 10^{-2}, 10^{-3}, "
    r"10^{-4}; \; \delta = 0)",
    discharges=(
        ByCoq("var256_tilts_1000", ("1099511627776 <= INR M", "eta <= 1/1000", "615982 <= bits a")),
        ByCoq(
            "var256_tilts",
            (
                "eta <= 1/10 -> lattice_floor 424 256 63 63 5 M 100 (3/5) eta 258943",
                "eta <= 1/100 -> lattice_floor 424 256 63 63 50 M 100 (3/5) eta 439510",
                "eta <= 1/1000 -> lattice_floor 424 256 63 63 500 M 100 (3/5) eta 615982",
                "eta <= 1/10000 -> lattice_floor 424 256 63 63 5000 M 100 (3/5) eta 791355",
            ),
        ),
    ),
    uses=(Use("clique_tilts"),),
)

LEMMAS = (LATTICE, TILTS, VAR256, HEADS, VAR256_TILTS)
