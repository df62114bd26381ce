"""A sample of the questions of a game: Bob is asked for some symbols instead of all.

INDEX asks for one symbol at a position that only Bob knows. A whole game asks for every position, which takes time in
proportion to the square of the number of tokens. A random sample of positions, which Alice does not know, gives an
exact interval for the error rate of the same whole game.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import invalid

Positions = NDArray[np.int64]
MOST_QUESTIONS = 2**20
"""The most questions of one sample, which are told to Bob as a list."""


@dataclass(frozen=True)
class Sample:
    """A number of questions per trial, in place of one for every symbol.

    Contract: `positions` are `n_questions` independent uniform positions in a matrix of symbols, with repetitions. So
    the number of wrong answers is binomial with the error rate of the whole game on this instance, and the interval of
    Clopper and Pearson for that rate is exact. A number outside [1, 2^20] raises InvalidArgument.
    """

    n_questions: int

    def __post_init__(self) -> None:
        count = self.n_questions
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_QUESTIONS:
            raise invalid("sample", f"be an integer in [1, {MOST_QUESTIONS}]", count)

    def positions(self, instances: PrivateSeed, trial: int, shape: tuple[int, int]) -> Positions:
        """The questions of one trial: positions in the flattened matrix of symbols of this shape, unknown to Alice."""
        rows, columns = (
            instances.coins(f"questions/{kind}/trial {trial}").below(size, self.n_questions)
            for kind, size in zip(("rows", "columns"), shape, strict=True)
        )
        return rows * shape[1] + columns
