"""Template: old tokens are kept as integers, of a lattice point and of value cells, and written as one word each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.caches.quantised.rotated_codebook import rotation
from lowerbound.ceiling.code import WIDENING_BITS, Achieved
from lowerbound.ceiling.shell_code import ShellCode
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.rows import unit_rows
from lowerbound.errors import CorruptState, InvalidArgument

WIDENINGS = (0, *(2**j for j in range(WIDENING_BITS)))
"""How many bits words may be longer than the proved bound. The least number at which every token has a word is used,
and is written at the head of the state."""


class WordTokens(RestoredTokens):
    """Template: `lowerbound.ceiling.achieved` computes how fine keys and values must be rounded.

    The promised error eta is the public grid's error (at most 1/4), or 1/100 without a public grid. The multiplier is
    the rule's under L2Norm; under other rules it is 100, and scale |q||k| must not exceed it. The promise is for unit
    keys and values in [0, 1]. Other keys are normalized (a zero key becomes a unit vector) and other values clipped
    when they are encoded. Old tokens are kept as integers and are never rounded again, so errors do not add up over
    scales. A final class says how words are written together, and what a token's coins are.
    """

    family: ClassVar[str] = "guaranteed"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.terms = self.promised(public)
        lattice = self.terms.lattice
        self._rotation = rotation(public.seed, lattice.n, "guaranteed rotation")
        self._shifts = self.key_shifts(public)
        self._code = ShellCode(
            lattice,
            float(self.terms.spacing),
            float(self.terms.spacing) * float(lattice.covering_squared) ** 0.5,
            self._shifts,
            self.terms.n_cells**public.d,
        )
        self._points = np.zeros((0, lattice.n), dtype=np.int64)
        self._cells = np.zeros((0, public.d), dtype=np.int64)

    @classmethod
    @abstractmethod
    def promised(cls, public: Public) -> Achieved:
        """The parameters that are proved sufficient, given what is public."""

    @abstractmethod
    def key_shifts(self, public: Public) -> FloatArray:
        """The translation of the lattice for each place, in its units; shape (T, n), or (1, n) if all are alike."""

    @abstractmethod
    def cells_of(self, values: FloatArray) -> NDArray[np.int64]:
        """The numbers of the cells of `new_values`, clipped to [0, 1]."""

    @abstractmethod
    def values_of(self, cells: NDArray[np.int64]) -> FloatArray:
        """The values as which the cells of all old tokens are decoded."""

    @abstractmethod
    def write_words(self, writer: BitWriter, words: list[int], n_words: int) -> None:
        """Write one word below `n_words` for each token seen."""

    @abstractmethod
    def read_words(self, reader: BitReader, n_words: int) -> list[int]:
        """Read back what `write_words` wrote for `n_old` tokens."""

    def write(self, writer: BitWriter) -> None:
        points = np.concatenate([self._points, self._nearest(self.new_keys)])
        cells = np.concatenate([self._cells, self.cells_of(np.clip(self.new_values, 0, 1))])
        widening, words = self._words(points, _number(cells, self.terms.n_cells))
        writer.uints("indices", [widening], width=WIDENING_BITS)
        self.write_words(writer, words, self.terms.n_words << widening)

    def read(self, reader: BitReader) -> None:
        (widening,) = map(int, reader.uints(1, width=WIDENING_BITS))
        n_words = self.terms.n_words << widening
        self._points, values = self._code.decode(self.read_words(reader, n_words), n_words)
        if widening and widening != self._words(self._points, values)[0]:
            raise CorruptState(f"state must hold words as narrow as they can be, got {widening} bits more")
        self._cells = _digits(values, self.terms.n_cells, self.public.d)
        points = self.terms.lattice.points(self._points) + self._shifts[: self.n_old]
        self.old_keys = (points * float(self.terms.spacing) @ self._rotation)[:, : self.public.d]
        self.old_values = self.values_of(self._cells)

    def _nearest(self, keys: FloatArray) -> NDArray[np.int64]:
        units = unit_rows(keys)
        units[~keys.any(axis=1), 0] = 1
        padded = np.pad(units, ((0, 0), (0, self.terms.lattice.n - self.public.d)))
        shifts = self._shifts if len(self._shifts) == 1 else self._shifts[self.n_old : self.n_seen]
        return self.terms.lattice.nearest(padded @ self._rotation.T / float(self.terms.spacing) - shifts)

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
