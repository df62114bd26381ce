"""Gaps: put a distinguished token at each place in turn, and ask for it; some place may have been dropped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.strategy import Attack, one_against_all, targets


class Gap(Attack):
    """One token of value 1 among tokens of value 0, at each place in turn; every token's query is its own key.

    Breaks windows and attention sinks, whose gap is known beforehand, and other caches that keep only some tokens.
    """

    name: ClassVar[str] = "gap"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for target in targets(box.terms):
            yield one_against_all(box.terms, target)
