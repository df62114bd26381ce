"""Template: unit keys rounded to a lattice, values rounded to cells, tokens as a multiset; answers within eta."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.caches.quantised.rotated_codebook import rotation
from lowerbound.ceiling.achieved import WIDENING_BITS, Achieved, achieved
from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.ceiling.promise import promise
from lowerbound.ceiling.shell_code import ShellCode
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.rules import unit_rows
from lowerbound.errors import CorruptState, InvalidArgument

WIDENINGS = (0, *(2**j for j in range(WIDENING_BITS)))
"""How many bits words may be longer than the proved bound. The least number at which every token has a word is used,
and is written at the head of the state."""


def cache_of(found: Achieved) -> str:
    """The registered name of the cache that plays a proved code."""
    return f"guaranteed-{found.code}"


class LatticeTokens(RestoredTokens):
    """Template: a final class names the lattice; `lowerbound.ceiling.achieved` computes how fine it must be.

    The promised error eta is the public grid's error (at most 1/4), or 1/100 without a public grid. The multiplier is
    the rule's under L2Norm; under other rules it is 100, and scale |q||k| must not exceed it. The promise is for unit
    keys and values in [0, 1]. Other keys are normalized (a zero key becomes a unit vector) and other values clipped
    when they are encoded. Old tokens are kept as integers and are never rounded again, so errors do not add up over
    scales. Their order is not kept.
    """

    family: ClassVar[str] = "guaranteed"
    plays: ClassVar[str]
    failure_prob: ClassVar[Fraction] = Fraction(0)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.terms = self.promised(public)
        lattice, spacing = self.terms.lattice, float(self.terms.spacing)
        self._rotation = rotation(public.seed, lattice.n, "guaranteed rotation")
        self._shift = np.zeros(lattice.n)
        if self.failure_prob:
            self._shift = Coins(public.seed, "guaranteed dither").generator().random(lattice.n)
        self._n_tails = self.terms.cells.n_cells**public.d
        reach = spacing * math.sqrt(lattice.covering_squared)
        self._code = ShellCode(lattice, spacing, reach, self._shift, self._n_tails)
        self._points = np.zeros((0, lattice.n), dtype=np.int64)
        self._cells = np.zeros((0, public.d), dtype=np.int64)

    @classmethod
    def promised(cls, public: Public) -> Achieved:
        """The parameters that `ceiling.achieved` proves sufficient, given what is public."""
        multiplier, eta = promise(public)
        return achieved(
            cls.plays,
            max(1, public.schedule.n_tokens_cached),
            public.d,
            multiplier=multiplier,
            eta=eta,
            failure_prob=cls.failure_prob,
        )

    def write(self, writer: BitWriter) -> None:
        points = np.concatenate([self._points, self._nearest(self.new_keys)])
        cells = np.concatenate([self._cells, self.terms.cells.nearest(self.new_values)])
        widening, words = self._words(points, _number(cells, self.terms.cells.n_cells))
        writer.uints("indices", [widening], width=WIDENING_BITS)
        MultisetCode(self.n_seen, self.terms.n_words << widening).write(writer, words)

    def read(self, reader: BitReader) -> None:
        (widening,) = map(int, reader.uints(1, width=WIDENING_BITS))
        n_words = self.terms.n_words << widening
        words = MultisetCode(self.n_old, n_words).read(reader)
        self._points, values = self._code.decode(words, n_words)
        if widening and widening != self._words(self._points, values)[0]:
            raise CorruptState(f"state must hold words as narrow as they can be, got {widening} bits more")
        self._cells = _digits(values, self.terms.cells.n_cells, self.public.d)
        rotated = (self.terms.lattice.points(self._points) + self._shift) * float(self.terms.spacing)
        self.old_keys = (rotated @ self._rotation)[:, : self.public.d]
        self.old_values = self.terms.cells.centre_array[self._cells]

    def _nearest(self, keys: FloatArray) -> NDArray[np.int64]:
        units = unit_rows(keys)
        units[~keys.any(axis=1), 0] = 1
        padded = np.pad(units, ((0, 0), (0, self.terms.lattice.n - self.public.d)))
        return self.terms.lattice.nearest(padded @ self._rotation.T / float(self.terms.spacing) - self._shift)

    def _words(self, points: NDArray[np.int64], values: Sequence[int]) -> tuple[int, list[int]]:
        for widening in WIDENINGS:
            words = self._code.encode(points, values, self.terms.n_words << widening)
            if words is not None:
                return widening, words
        raise InvalidArgument(f"keys must have words of at most {WIDENINGS[-1]} bits more than proved, got longer ones")


def _number(digits: NDArray[np.int64], base: int) -> list[int]:
    """The integer whose digits in this base are the row, for each row."""
    found = [0] * len(digits)
    for column in digits.T.tolist():
        found = [base * number + digit for number, digit in zip(found, column, strict=True)]
    return found


def _digits(numbers: Sequence[int], base: int, length: int) -> NDArray[np.int64]:
    """The inverse of `_number`: the `length` digits of each integer in this base."""
    rows = np.zeros((len(numbers), length), dtype=np.int64)
    for place in reversed(range(length)):
        rows[:, place] = [number % base for number in numbers]
        numbers = [number // base for number in numbers]
    return rows
