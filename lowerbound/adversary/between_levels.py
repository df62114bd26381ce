"""Between levels: values that lie between the levels of a quantizer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.strategy import Attack, ask_for, distinct_keys
from lowerbound.game.question import TokenRows

LEVELS = 256
TURNS = 32


class BetweenLevels(Attack):
    """Value rows with entries 0 and 1, so that codes must span the whole range, and multiples of 1/256 in between.

    Breaks quantizers whose step exceeds 2 eta: a value halfway between two levels is half a step from either.
    """

    name: ClassVar[str] = "between levels"

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        terms = box.terms
        if terms.d < 3:
            return
        keys = distinct_keys(terms, box.instances)
        per_turn = len(keys) * (terms.d - 2)
        for turn in range(min(TURNS, -(-LEVELS // per_turn))):
            # 89 is odd, hence coprime to 256: all levels occur, in shuffled order, before any level occurs again.
            levels = 89 * np.arange(turn * per_turn, (turn + 1) * per_turn) % LEVELS
            ends = np.tile([0.0, 1.0], (len(keys), 1))
            values = np.concatenate([ends, levels.reshape(len(keys), -1) / LEVELS], axis=1)
            yield Instance(terms, TokenRows(keys, values, keys), ask_for(terms, keys))
