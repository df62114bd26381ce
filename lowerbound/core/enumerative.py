"""Enumerative coding (Cover 1973): each member of a finite class is written as its rank in the class.

That takes ceil(log2 |class|) bits. A class is a product of finite sets: ranges of integers, or sparse words.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState, invalid

FEW = 32
"""Digits that are joined or parted one after another; longer numbers are halved."""


@dataclass(frozen=True)
class SparseWords:
    """The words of `length` letters in 0..n_letters of which at most `most` letters are nonzero.

    Contract: `rank` is a bijection from these words onto 0..size - 1, and `word` is its inverse; other words and ranks
    raise InvalidArgument. Words are ordered by their number of nonzero letters, then by their support (combinatorial
    number system), then by their letters.
    """

    length: int
    most: int
    n_letters: int = 1

    def __post_init__(self) -> None:
        if not (0 <= self.most <= self.length and self.n_letters >= 1):
            raise invalid("sparse words", "have 0 <= most <= length and letters", (self.length, self.most))

    @cached_property
    def _starts(self) -> list[int]:
        """The rank of the first word with w nonzero letters, for w = 0..most, and then `size`."""
        starts = [0]
        for weight in range(self.most + 1):
            starts.append(starts[-1] + math.comb(self.length, weight) * self.n_letters**weight)
        return starts

    @property
    def size(self) -> int:
        """The number of words: the sum over w <= most of C(length, w) n_letters^w."""
        return self._starts[-1]

    def rank(self, word: Sequence[int]) -> int:
        """The rank of a word, in 0..size - 1."""
        support = [place for place, letter in enumerate(word) if letter]
        if len(word) != self.length or len(support) > self.most:
            raise invalid("word", f"have {self.length} letters, at most {self.most} of them not 0", len(support))
        place = sum(math.comb(at, count + 1) for count, at in enumerate(support))
        for at in support:
            if not 1 <= word[at] <= self.n_letters:
                raise invalid("letter", f"lie in [0, {self.n_letters}]", word[at])
            place = place * self.n_letters + word[at] - 1
        return self._starts[len(support)] + place

    def word(self, rank: int) -> list[int]:
        """The word that has this rank."""
        if not 0 <= rank < self.size:
            raise invalid("rank", f"lie in [0, {self.size})", rank)
        weight = bisect_right(self._starts, rank) - 1
        place, letters = rank - self._starts[weight], []
        for _ in range(weight):
            place, letter = divmod(place, self.n_letters)
            letters.append(letter + 1)
        word = [0] * self.length
        for count, letter in zip(range(weight, 0, -1), letters, strict=True):
            column = _binomials(self.length, count)
            at = bisect_right(column, place) - 1
            place -= column[at]
            word[at] = letter
        return word


@lru_cache(maxsize=1024)
def _binomials(length: int, count: int) -> list[int]:
    """C(at, count) for at = 0, 1, ..., length - 1."""
    return [math.comb(at, count) for at in range(length)]


@dataclass(frozen=True)
class Range:
    """A block of `count` consecutive symbols of a word, each in [0, n_levels)."""

    n_levels: int
    count: int


@dataclass(frozen=True)
class ProductCode:
    """A code that writes one word, the symbols of all `ranges` in order, as a single integer.

    Contract: `write` and `read` are inverse to each other; `write` writes exactly `bits` = ceil(log2 size) bits of
    payload and raises InvalidArgument for a symbol outside its range; `read` raises CorruptState for a number that
    `write` cannot write.
    """

    ranges: tuple[Range, ...]

    @cached_property
    def size(self) -> int:
        """The number of words."""
        return math.prod(one.n_levels**one.count for one in self.ranges)

    @property
    def bits(self) -> int:
        """The length of a written word in bits: ceil(log2 size)."""
        return (self.size - 1).bit_length()

    def write(self, writer: BitWriter, symbols: Sequence[int]) -> None:
        """Write the rank of the word `symbols` as payload."""
        rank, given = 0, iter(symbols)
        for one in self.ranges:
            rank = rank * one.n_levels**one.count + _joined(one.n_levels, [next(given) for _ in range(one.count)])
        text = format(rank, f"0{self.bits}b") if self.bits else ""
        writer.bits("payload", [int(letter) for letter in text])

    def read(self, reader: BitReader) -> list[int]:
        """Read a rank, and return the word that has it."""
        rank = int("".join(map(str, reader.bits(self.bits))) or "0", 2)
        if rank >= self.size:
            raise CorruptState("state must hold the number of a member of its class, got one beyond the last")
        found: list[list[int]] = []
        for one in reversed(self.ranges):
            rank, part = divmod(rank, one.n_levels**one.count)
            found.append(_parted(part, one.n_levels, one.count))
        return [symbol for part in reversed(found) for symbol in part]


def _joined(n_levels: int, digits: Sequence[int]) -> int:
    """The integer with these base-n_levels digits, most significant first."""
    # Splitting the digits into halves leaves only a few multiplications of long integers.
    if len(digits) <= FEW:
        number = 0
        for digit in digits:
            if not 0 <= digit < n_levels:
                raise invalid("symbol", f"lie in [0, {n_levels})", digit)
            number = number * n_levels + digit
        return number
    half = len(digits) // 2
    low = digits[half:]
    shift: int = n_levels ** len(low)
    return _joined(n_levels, digits[:half]) * shift + _joined(n_levels, low)


def _parted(number: int, n_levels: int, count: int) -> list[int]:
    """The `count` base-n_levels digits of a number, most significant first: the inverse of `_joined`."""
    if count <= FEW:
        digits = [0] * count
        for place in reversed(range(count)):
            number, digits[place] = divmod(number, n_levels)
        return digits
    low = count - count // 2
    high, rest = divmod(number, n_levels**low)
    return _parted(high, n_levels, count // 2) + _parted(rest, n_levels, low)
