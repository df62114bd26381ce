"""The highest floor for a head: parameters of Theorems A, B, C, C', D and E, proposed in floating point.

Nothing here decides: a proposal is a payload for the judge, and the bits are what it is expected to verify.
"""

from __future__ import annotations

from lowerbound.certify.design.cliques import clique_design, collision_design
from lowerbound.certify.design.head import Design, Head, Search
from lowerbound.certify.design.keys_and_values import single_read_design, zoom_design
from lowerbound.certify.design.values import paper_design, values_design
from lowerbound.errors import InvalidArgument

DESIGNS: dict[str, Search] = {
    "A": paper_design,
    "B": values_design,
    "C": single_read_design,
    "C'": zoom_design,
    "D": collision_design,
    "E": clique_design,
}
"""How each theorem is made to yield the most, in the order of strength at delta = 0."""


def design(theorem: str, head: Head) -> Design | None:
    """The best proposal of one theorem, or None where it says nothing about such a head and error."""
    if theorem not in DESIGNS:
        raise InvalidArgument(f"theorem must be one of {', '.join(DESIGNS)}, got {theorem!r}")
    found = DESIGNS[theorem](head)
    return found if found is not None and found.bits > 0 else None
