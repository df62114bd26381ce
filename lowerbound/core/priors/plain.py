"""Priors on which tokens attention may look at.

Windows reduce the number of tokens that must be remembered; locality and sparse attention do not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar, Self

import numpy as np

from lowerbound.core.priors.prior import FloatArray, Group, IntArray, Prior, bits_of, no_such
from lowerbound.core.schedule import ScaleSchedule


@dataclass(frozen=True)
class _LastTokens(Prior):
    """Template: the last `width` cached tokens have free bits as values; all earlier tokens have value 0."""

    @property
    def width(self) -> int:
        """W, the number of tokens that queries look at."""
        return self.n_tokens

    @property
    def groups(self) -> tuple[Group, ...]:
        return (Group("values", 2, self.width * self.d),)

    def values(self, symbols: IntArray) -> FloatArray:
        rows = np.zeros((self.n_tokens, self.d))
        rows[self.n_tokens - self.width :] = symbols.reshape(self.width, self.d)
        return rows

    def symbols(self, values: FloatArray) -> IntArray:
        return bits_of(values[self.n_tokens - self.width :]).ravel()


@dataclass(frozen=True)
class TokenWindowPrior(_LastTokens):
    """Queries look at the last W cached tokens only, so the class has W d bits, whatever T is."""

    name: ClassVar[str] = "token-window"
    lemma: ClassVar[str] = "prior_token_window"

    n_seen: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, -(-schedule.n_tokens_cached // 2))

    @property
    def width(self) -> int:
        return self.n_seen

    @property
    def definition(self) -> str:
        return f"queries see the last W = {self.width} of {self.n_tokens} cached tokens; values 0 or 1"

    @property
    def budget(self) -> Fraction:
        return Fraction(self.width, self.n_tokens)


@dataclass(frozen=True)
class ScaleWindowPrior(_LastTokens):
    """Queries look at the last `n_maps` cached maps only."""

    name: ClassVar[str] = "scale-window"
    lemma: ClassVar[str] = "prior_scale_window"

    n_maps: int

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d, max(1, (schedule.n_scales - 1) // 4))

    @property
    def width(self) -> int:
        return sum(self.schedule.tokens_at(k) for k in range(self.schedule.n_scales - 1)[-self.n_maps :])

    @property
    def definition(self) -> str:
        return f"queries see the last {self.n_maps} cached maps, {self.width} of {self.n_tokens} tokens; values 0 or 1"

    @property
    def budget(self) -> Fraction:
        return Fraction(self.width, self.n_tokens)


@dataclass(frozen=True)
class SpatialLocalityPrior(_LastTokens):
    """Each query looks, on every cached map, only at the cell above its own; yet all cells are above some query.

    Along one axis, let a cached map have h cells and the last map n >= h. Query p is below cell floor(p h / n). So cell
    i is above query p = ceil(i n / h), because then i <= p h / n < i + 1.
    """

    name: ClassVar[str] = "locality"
    lemma: ClassVar[str] = "prior_locality"
    helps: ClassVar[bool] = False

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        last = schedule.shapes[-1]
        for shape in schedule.shapes:
            if any(coarse > fine for coarse, fine in zip(shape, last, strict=True)):
                raise no_such(cls.name, f"the map {shape} has a longer side than the last one, {last}")
        return cls(schedule, d)

    @property
    def definition(self) -> str:
        return "a query of the last map sees, on each cached map, the one cell above its own; values 0 or 1"

    def runs(self) -> Iterator[IntArray]:
        """The cached tokens that each run asks for: first all prompt tokens, in blocks of at most T_N.

        Then, for each cached map, one run in which every query of the last map asks for the cell above it.
        """
        if self.schedule.n_context:
            size = self.schedule.tokens_at(self.schedule.n_scales - 1)
            for start in range(0, self.schedule.n_context, size):
                yield np.arange(start, min(start + size, self.schedule.n_context))
        for scale in range(self.schedule.n_scales - 1):
            yield cells_above(self.schedule, self.schedule.n_scales - 1, scale)


def cells_above(schedule: ScaleSchedule, scale: int, coarse: int) -> IntArray:
    """For each cell of the map of `scale`, in token order, the token of map `coarse` that covers its first corner."""
    fine_shape, shape = schedule.shapes[scale], schedule.shapes[coarse]
    places = np.indices(fine_shape).reshape(len(fine_shape), -1)
    above = [place * side // fine for place, side, fine in zip(places, shape, fine_shape, strict=True)]
    first = schedule.rows_of(coarse).stop - schedule.map_size(coarse)
    found: IntArray = first + np.ravel_multi_index(above, shape).astype(np.int64)
    return found


@dataclass(frozen=True)
class SparseAttentionPrior(_LastTokens):
    """Every attention row is one-hot up to the leakage tau. The hard instance already is, so no bit is saved."""

    name: ClassVar[str] = "sparse-attention"
    lemma: ClassVar[str] = "prior_sparse_attention"
    helps: ClassVar[bool] = False

    @classmethod
    def of(cls, schedule: ScaleSchedule, d: int) -> Self:
        return cls(schedule, d)

    @property
    def definition(self) -> str:
        return "every attention row puts 1 - tau of its weight on one token; values 0 or 1"
