"""INDEX on bits: a message from which m bits are read with mean error delta has at least (1 - H2(delta)) m bits."""

from __future__ import annotations

from lowerbound.core.bounds import is_above
from lowerbound.game.index import exact_optimum
from lowerbound.prove.lemma import ByCoq, ByKernel, Lemma, Use, computation


def every_tiny_protocol() -> int:
    """No protocol on m <= 4 bits with 2^b <= 8 messages lies under the bound, by enumeration of all of them."""
    cases = [(m, bits) for m in range(1, 5) for bits in range(min(m, 3) + 1)]
    for m, bits in cases:
        error = exact_optimum(m, 2**bits)
        assert is_above(bits, m, 2, error, error), f"m = {m}, {bits} bits, error {error}"
    return len(cases)


WORDS = (
    "A message from which m uniform bits are read with error rate delta <= 1/2, on average over coins, words and "
    "positions, has at least (1 - H2(delta)) m bits."
)
RANGE = "all m, coins and states; all real delta in [0, 1/2]"

LEMMA = Lemma(
    id="index_binary",
    words=WORDS,
    range=RANGE,
    formula=r"\log_2 |S| \ge (1 - H_2(\delta)) m, \quad 0 \le \delta \le 1/2",
    discharges=(
        ByCoq("index_binary", ("0 <= delta <= 1/2", "(1 - H2 delta) * N I <= log2 (N S)")),
        ByKernel("index_optimum", {"m": 1, "messages": 1, "error": "1/2"}),
        ByKernel("index_optimum", {"m": 3, "messages": 2, "error": "1/4"}),
        ByKernel("index_optimum", {"m": 4, "messages": 8, "error": "1/8"}),
        computation(WORDS, RANGE, every_tiny_protocol),
    ),
    uses=(Use("index_bound"),),
)
