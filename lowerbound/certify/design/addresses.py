"""Address books: T well-separated directions in few dimensions, so that the other coordinates of a key hold a secret.

Addresses of fewer dimensions leave more coordinates for secrets, and a smaller coherence allows secrets with more
levels. Which book is best depends on T, d, eta and lambda, so a design tries them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Any

from lowerbound.certify.design.values import described
from lowerbound.core.keys.family import IntRows, KeyFamily, coherence
from lowerbound.core.keys.golay import GolayShell, LeechSection, SecondGolayShell
from lowerbound.core.keys.kerdock import Kerdock
from lowerbound.core.keys.random import GreedySigns
from lowerbound.core.keys.shells import E7DualShell, E8Roots, E8Shell, E8ThirdShell
from lowerbound.core.keys.steiner import Steiner
from lowerbound.core.keys.trace import Trace2


@dataclass(frozen=True)
class AddressBook:
    """The first n addresses of a family in R^d_a, and a proved upper bound on their one-sided coherence."""

    family: KeyFamily
    n: int
    d_a: int
    coherence: Fraction

    @cached_property
    def rows(self) -> IntRows:
        """The addresses, as integer rows of any norm."""
        return self.family.keys(self.n, self.d_a).rows

    def described(self) -> dict[str, Any]:
        """A form that the kernel accepts: of a shell its code, with no address written; else a code or the rows."""
        if isinstance(self.family, GolayShell):
            return self.family.shell(self.d_a).described()
        is_proved = self.family.coherence_bound(self.n, self.d_a) is not None
        return described(self.rows) if is_proved else {"rows": self.rows.tolist()}


FAMILIES: tuple[tuple[KeyFamily, tuple[int, ...]], ...] = (
    (E7DualShell(), (7,)),
    (E8Roots(), (8,)),
    (E8Shell(), (8,)),
    (E8ThirdShell(), (8,)),
    (Steiner(), (10, 12, 14, 16)),
    (LeechSection(), (16, 17, 18, 19, 20, 21, 22, 24)),
    (SecondGolayShell(), (16, 17, 18, 19, 20, 21, 22, 24)),
    (Kerdock(), (16,)),
    (Trace2(), (16, 32)),
    (GreedySigns(), (20,)),
)
"""The families that are tried, each with its dimensions d_a; their coherence is proved, or measured for few rows."""

LARGEST_MEASURED = 2**12
"""The largest number of addresses whose coherence is measured exactly if their family proves no bound."""


@lru_cache
def books(n: int) -> tuple[AddressBook, ...]:
    """The books with n addresses that no other book dominates.

    Contract: `coherence` is proved by the family, or measured exactly on these rows, or 0. A book is left out if
    another one has at most its dimension and at most its coherence.
    """
    found = []
    for family, dimensions in FAMILIES:
        for d_a in dimensions:
            if family.capacity(d_a) < n:
                continue
            bound = family.coherence_bound(n, d_a)
            if bound is None and n > LARGEST_MEASURED:
                continue
            measured = coherence(family.keys(n, d_a).rows) if bound is None else bound
            found.append(AddressBook(family, n, d_a, max(measured, Fraction(0))))
    found.sort(key=lambda book: (book.d_a, book.coherence))
    return tuple(
        book for place, book in enumerate(found) if all(book.coherence < shorter.coherence for shorter in found[:place])
    )
