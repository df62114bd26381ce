"""A cache to start from: change `write` and `read`, then `lowerbound play mine:Mine`."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public, StoredTokens, bits_of_pairs


class Mine(StoredTokens):
    """Every c-th token, in float16.

    Idea: neighbours resemble each other; token j is kept if j mod c = 0, with c = ceil(1 / budget). Bits:
    32 d ceil(n / c) for n tokens. Broken by: a query for any token between two kept ones.
    """

    family: ClassVar[str] = "user"
    reference: ClassVar[str] = "the paper, with its arXiv number"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, rounded down to 1/c"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        """Know what is public: schedule, d, rule, seed, budget; `self.budget` is the budget in force."""
        super().__init__(public)
        self.stride = math.ceil(1 / self.budget)

    @property
    def counted_bits(self) -> int:
        """Claim: the pairs that are kept before the last scale, in float16, and nothing else."""
        return bits_of_pairs(self.public, math.ceil(self.public.schedule.n_tokens_cached / self.stride))

    def write(self, writer: BitWriter) -> None:
        """Forget: `keys` and `values` hold a row for what `read` set, then one for each token that came since."""
        old = np.arange(0, self.n_old, self.stride)
        positions = np.concatenate([old, np.arange(self.n_old, self.n_seen)])
        kept = positions % self.stride == 0
        writer.floats("payload", self.keys[kept], width=FP16_BITS)
        writer.floats("payload", self.values[kept], width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        """Remember: set `keys` and `values` from what `write` wrote; `n_old` tokens came so far."""
        kept, d = math.ceil(self.n_old / self.stride), self.public.d
        self.keys = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
        self.values = reader.floats(kept * d, width=FP16_BITS).reshape(kept, d)
