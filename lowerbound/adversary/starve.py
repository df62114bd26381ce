"""Starvation: no token's query attends to the target, so that caches with attention scores drop it; then ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.strategy import Attack, axis, one_against_all, targets


class Starve(Attack):
    """As `Gap`, but every token's query points away from the target's key.

    Breaks caches that keep the tokens to which queries attend, because the adversary chooses the queries too.
    """

    name: ClassVar[str] = "starve"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        away = np.tile(-axis(box.terms), (box.terms.schedule.n_tokens, 1))
        for target in targets(box.terms):
            yield one_against_all(box.terms, target, away)
