"""Forgery, generated: whatever field of a valid document is changed, no false document is accepted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.forgeries.tampering import checked, genuine, judged
from tests.kernel.examples import EXAMPLES, LARGE
from tests.marks import first_now

FEWEST = 30
"""Each kind has at least so many changed documents, so that the suite cannot become empty unseen."""


@pytest.mark.parametrize(
    "name",
    [
        *first_now((name for name in EXAMPLES if name not in LARGE), 12),
        *first_now(sorted(LARGE), n_slow=0),
    ],
)
def test_tampering_with_an_example(name: str, refused: Callable[[str, int], None]) -> None:
    """Forgery: signs, sizes, types, neighbors and NaN in each place; accepted only if a second opinion confirms it."""
    count = judged(name)
    assert not count.believed, str(count.believed[0])[:2000]
    assert count.tried >= FEWEST
    assert count.refused >= count.tried * 3 // 4
    refused(f"document, {EXAMPLES[name][0]}", count.refused)


FLOORS = ["theorem A", "theorem B", "theorem B on given keys", "theorem C", "theorem R2", "theorem R3"]


@pytest.mark.long
@pytest.mark.parametrize("name", [*FLOORS, "a transcript", "a witness"])
def test_tampering_with_what_is_said_of_a_model_or_a_cache(name: str, refused: Callable[[str, int], None]) -> None:
    """Forgery: each field of the claim, under both digests; accepted only if it says no more, or is true by floats."""
    assert name in genuine()
    count = checked(name)
    assert not count.believed, str(count.believed[0])[:2000]
    assert count.tried >= 4 * FEWEST
    assert count.refused >= count.tried * 2 // 3
    refused("document, claims of a model or a cache", count.refused)
