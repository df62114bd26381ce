"""Keys: they exist in dimension 2 ln T / mu^2, and explicit ones are better."""

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

LEMMAS = (HOEFFDING, GREEDY, EXPLICIT)
