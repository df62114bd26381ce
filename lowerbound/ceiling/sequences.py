"""A code for sequences of words in a fixed number of bits: the words of a block are the digits of one number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lowerbound.ceiling.multisets import bits_of_integers, integers_of_bits
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState, invalid

BLOCK_ITEMS = 64
"""One number for all words would waste less than a bit, and its digits would take time quadratic in their count."""


@dataclass(frozen=True)
class SequenceCode:
    """A code for sequences of `n_items` words in [0, n_words).

    Contract: `read` returns the words that `write` wrote, in their order, and raises CorruptState for bits that `write`
    cannot write. `bits` is less than n_items log2(n_words) + n_items / 64 + 1. n_items < 0 or n_words < 1 raise
    InvalidArgument.
    """

    n_items: int
    n_words: int

    def __post_init__(self) -> None:
        if self.n_items < 0 or self.n_words < 1:
            raise invalid("a sequence", "have at least 0 items out of at least 1 word", (self.n_items, self.n_words))

    @property
    def bits(self) -> int:
        """The number of bits of a written sequence."""
        return sum(width for _, width in self._blocks())

    def write(self, writer: BitWriter, words: Sequence[int]) -> None:
        """Write the words as one payload field, one block after the other."""
        fields, left = [np.zeros(0, dtype=np.uint8)], list(words)
        for count, width in self._blocks():
            number = 0
            for word in left[:count]:
                number = number * self.n_words + word
            fields.append(bits_of_integers([number], width))
            left = left[count:]
        writer.bits("payload", np.concatenate(fields))

    def read(self, reader: BitReader) -> list[int]:
        """Read back the words that `write` wrote."""
        field = reader.bits(self.bits)
        words: list[int] = []
        for count, width in self._blocks():
            (number,) = integers_of_bits(field[:width], 1)
            field = field[width:]
            block = []
            for _ in range(count):
                number, word = divmod(number, self.n_words)
                block.append(word)
            if number:
                raise CorruptState(f"state must hold blocks of {count} words of the alphabet")
            words += reversed(block)
        return words

    def _blocks(self) -> Iterator[tuple[int, int]]:
        """(number of words, number of bits) of each block."""
        for start in range(0, self.n_items, BLOCK_ITEMS):
            count = min(BLOCK_ITEMS, self.n_items - start)
            yield count, int(self.n_words**count - 1).bit_length()
