"""Gaps: whatever stands at a place that the cache has dropped, ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from lowerbound.attack.black_box import BlackBox
from lowerbound.attack.instance import Instance
from lowerbound.attack.strategy import Attack, one_against_all, targets


class Gap(Attack):
    """A token of value 1 among tokens of value 0, placed everywhere in turn; every token asks for itself.

    Breaks windows and sinks, whose gap is known beforehand, and whoever keeps fewer tokens than come.
    """

    name: ClassVar[str] = "gap"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for target in targets(box.terms):
            yield one_against_all(box.terms, target)
