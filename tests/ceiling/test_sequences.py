"""Truth: words come back in their order, in the proved number of bits, and other bits are refused."""

from __future__ import annotations

import math

import pytest

from lowerbound.ceiling.sequences import SequenceCode
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState, InvalidArgument


@pytest.mark.parametrize(("n_items", "n_words"), [(0, 5), (1, 1), (3, 1), (64, 3), (65, 10**40), (200, 2**70 + 1)])
def test_words_come_back(n_items: int, n_words: int) -> None:
    """Law: read after write is the identity, on the first and last word too; bits are as few as promised."""
    code = SequenceCode(n_items, n_words)
    words = [(7919 * i**9) % n_words for i in range(n_items)]
    for case in (words, [n_words - 1] * n_items, [0] * n_items):
        writer = BitWriter()
        code.write(writer, case)
        state = writer.encoded()
        assert 8 * len(state) - code.bits in range(8)
        assert code.read(BitReader(state)) == case
    assert code.bits <= n_items * math.log2(n_words) + n_items / 64 + 1


def test_numbers_beyond_the_alphabet_are_refused() -> None:
    """Forgery: 3^64 is no power of two, so that some numbers of a block stand for no words."""
    code = SequenceCode(64, 3)
    with pytest.raises(CorruptState, match="blocks of 64 words"):
        code.read(BitReader((2**code.bits - 1 << -code.bits % 8).to_bytes(-(-code.bits // 8), "big")))


def test_bad_input() -> None:
    """Bad input: one sentence."""
    for n_items, n_words in ((-1, 2), (2, 0)):
        with pytest.raises(InvalidArgument, match="a sequence must have at least 0 items"):
            SequenceCode(n_items, n_words)
