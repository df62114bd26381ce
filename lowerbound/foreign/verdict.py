"""The verdict on a foreign cache: one word, and sentences that a person can act on."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import invalid
from lowerbound.foreign.ledger import Entry, Holding

LEAST_SHARE = Fraction(1, 20)
"""The share of what is held above which an oddity of the ledger is worth a sentence."""


class Finding(StrEnum):
    """What an audit comes to. The first word of this list that applies is the verdict."""

    REFUSED = "refused"
    MISSTATES = "misstates"
    MISREADS = "misreads"
    BREAKS = "breaks"
    IMPOSSIBLE = "impossible"
    KEEPS = "keeps"


@dataclass(frozen=True)
class Claim:
    """A compression ratio that somebody states, and the unit of its last digit.

    Contract: a claim is kept by a ratio that rounds to it or to more: a claim of 3.2 by 3.15 and above.
    """

    ratio: Fraction
    unit: Fraction
    said_by: str

    @classmethod
    def of(cls, stated: Rational, said_by: str) -> Claim:
        """The claim of a text such as "3.2"; of a number that is no text, the last of its digits counts.

        Contract: raises InvalidArgument unless the ratio is > 0 and finite.
        """
        ratio = rational(stated, name="--claim")
        if ratio <= 0:
            raise invalid("--claim", "be a ratio > 0, such as 3.2", stated)
        text = str(stated) if not isinstance(stated, Fraction) else ""
        if re.fullmatch(r"\d+(\.\d+)?", text):
            exponent = Decimal(text).as_tuple().exponent
            return cls(ratio, Fraction(10) ** int(exponent), said_by)
        return cls(ratio, Fraction(1, 100), said_by)

    def is_kept_by(self, ratio: Fraction) -> bool:
        """Whether a measured ratio rounds to the claim, in the claim's own digits, or to more."""
        return ratio >= self.ratio - self.unit / 2

    def __str__(self) -> str:
        return times(self.ratio)


def times(ratio: Fraction | float) -> str:
    """A ratio as a sentence says it: two digits after the point, and an x."""
    return f"{math.floor(100 * Fraction(ratio)) / 100:.2f}x"


def merged(entries: Sequence[Entry]) -> list[tuple[str, int]]:
    """Paths with numbers in brackets replaced by a star, and the bytes of all entries of such a path, largest first."""
    sums: dict[str, int] = {}
    for entry in entries:
        path = re.sub(r"\[\d+\]", "[*]", entry.path) or "(structure)"
        sums[path] = sums.get(path, 0) + entry.bytes
    return sorted(sums.items(), key=lambda item: -item[1])


def oddities(holding: Holding) -> list[str]:
    """Sentences on what a ledger shows beside the compressed rows: copies, wide codes, spare room, state elsewhere."""
    least = LEAST_SHARE * holding.held_bytes
    kinds = (
        ("the original", "original rows are kept in {}"),
        ("full precision", "decoded rows are kept in full precision in {}"),
        ("its values need", "integers are wider than their values in {}"),
        ("what is used", "a storage is larger than what is used of it in {}"),
        ("does not travel", "state is kept outside the object, on a class, in a module or in a closure: {}"),
    )
    found = []
    for word, sentence in kinds:
        noted = holding.noted(word)
        if sum(entry.bytes for entry in noted) > least or (word == "does not travel" and noted):
            paths = [path for path, _ in merged(noted)][:4]
            found.append(sentence.format(", ".join(f"`{path}`" for path in paths)))
    if holding.grown_bytes > least:
        found.append(f"it holds {holding.grown_bytes:,} bytes more once it has answered")
    found += [f"what hangs in it cannot be seen into: {each}" for each in holding.strange[:4]]
    return found
