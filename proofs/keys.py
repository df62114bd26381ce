"""Keys: they exist in dimension 2 ln T / mu^2, and explicit ones are better; shells of lattices need no comparing."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lowerbound.core.keys.family import Keys
from lowerbound.core.keys.kerdock import Kerdock
from lowerbound.core.keys.trace import Trace2
from lowerbound.prove.claims import cover_claim
from lowerbound.prove.expression import Opaque, variable
from lowerbound.prove.lemma import ByCoq, ByKernel, Lemma, Use

X = variable("x")
COSH = (Opaque().exp(X) + Opaque().exp(-X)) / 2
HOEFFDING = Lemma(
    id="hoeffding",
    words="cosh x <= exp(x^2 / 2).",
    range="all reals",
    formula=r"\cosh x \le e^{x^2 / 2}",
    discharges=(
        ByCoq("cosh_le_exp_square", ("(exp x + exp (- x)) / 2 <= exp (x ^ 2 / 2)",)),
        ByKernel("cover", cover_claim(Opaque().exp(X**2 / 2) - COSH, {"x": (Fraction(1, 2), Fraction(6))})),
    ),
)

GREEDY = Lemma(
    id="greedy_keys",
    words="T unit vectors of R^d with mutual inner products at most mu exist whenever T - 1 < exp(d mu^2 / 2).",
    range="all T, d; all mu in (0, 1)",
    formula=r"T - 1 < e^{d \mu^2 / 2} \;\Rightarrow\; \exists k_1, \ldots, k_T \in R^d: \; |k_i| = 1, \; \langle "
    r"k_i, k_j \rangle \le \mu \; (i \ne j)",
    discharges=(ByCoq("greedy_keys_exist", ("INR T.-1 < exp (INR d * mu ^ 2 / 2)", "incoherent K mu")),),
    uses=(Use("hoeffding"),),
)


def sign_rows(keys: Keys) -> dict[str, Any]:
    """Sign rows as hexadecimal words; bit 1 is -1."""
    bits = (keys.rows < 0).astype(int).tolist()
    width = -(-keys.rows.shape[1] // 4)
    return {"rows": [format(int("".join(map(str, row)), 2), f"0{width}x") for row in bits]}


EXPLICIT = Lemma(
    id="explicit_keys",
    words="680 Kerdock vectors of R^64 have coherence 1/8: they are the keys of a VAR-256 head, Bob's own tokens "
    "included. 424 trace vectors of R^32 have coherence 1/4: they are the addresses of such a head.",
    range="finite list: (680, 64, 1/8), (424, 32, 1/4)",
    discharges=(
        ByKernel("keys", {"n": 680, "d": 64, "coherence": "1/8"}, find=lambda: sign_rows(Kerdock().keys(680, 64))),
        ByKernel("keys", {"n": 424, "d": 32, "coherence": "1/4"}, find=lambda: sign_rows(Trace2().keys(424, 32))),
    ),
)

SHELL = Lemma(
    id="code_shell",
    words="Take the integer vectors that are, modulo 2, words of a binary linear code, and whose entries add up to a "
    "multiple of 4. Where every word of the code but 0 has at least w ones, different vectors of one squared norm N "
    "have a cosine of at most 1 - m / (2 N), m being the least of 8 and w. So a shell of such a lattice is a set of "
    "addresses whose pairs nobody needs to compare.",
    range="all lengths, codes that are closed under sums, w >= 0; all N >= 1; all real m <= 8 and m <= w",
    formula=r"x \bmod 2, \, y \bmod 2 \in C, \; 4 \mid \sum_c x_c, \sum_c y_c, \; |x|^2 = |y|^2 = N, \; x \ne y "
    r"\;\Rightarrow\; \langle x, y \rangle \le N - \frac{m}{2}",
    discharges=(
        ByCoq(
            "code_shell",
            (
                "(forall u v, C u -> C v -> C [ffun j => u j (+) v j])",
                "(forall u j, C u -> u j -> (w <= #|[pred i | u i]|)%nat)",
                "(forall i, C [ffun j => Z.odd (x i j)])",
                r"(forall i, exists k, \rsum_j IZR (x i j) = IZR (4 * k))",
                "(forall i j, i != j -> exists c, x i c <> x j c)",
                r"(forall i, \rsum_j (IZR (x i j) * IZR (x i j)) = IZR s) -> m <= 8 -> m <= INR w",
                "incoherent (fun i c => IZR (x i c) / sqrt (IZR s)) (1 - m / (2 * IZR s))",
            ),
        ),
    ),
)

LEMMAS = (HOEFFDING, GREEDY, EXPLICIT, SHELL)
