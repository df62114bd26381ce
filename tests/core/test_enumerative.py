"""Truth here: ranks of sparse words and of products are bijections, by enumeration; a rank that is none is refused."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.enumerative import ProductCode, Range, SparseWords
from lowerbound.errors import CorruptState, InvalidArgument

SMALL = [(n, s, letters) for n in range(6) for s in range(n + 1) for letters in (1, 2, 3)]


def test_sparse_words_are_numbered() -> None:
    """Law: rank is a bijection onto 0..size - 1 with inverse word, and size is the number of words; all small cases."""
    for length, most, letters in SMALL:
        words = SparseWords(length, most, letters)
        every = [w for w in product(range(letters + 1), repeat=length) if sum(map(bool, w)) <= most]
        assert words.size == len(every)
        assert sorted(map(words.rank, every)) == list(range(words.size))
        assert all(tuple(words.word(words.rank(word))) == word for word in every)


def test_known_sizes() -> None:
    """Known values: C(64, <= 4) = 679121; C(13, 3) of exactly three in thirteen; 2^m words in all."""
    assert SparseWords(64, 4).size == 679121 == sum(math.comb(64, w) for w in range(5))
    assert SparseWords(13, 3).size - SparseWords(13, 2).size == 286
    assert SparseWords(20, 20).size == 2**20


@pytest.mark.parametrize(
    "call",
    [
        lambda: SparseWords(3, 4),
        lambda: SparseWords(3, 1).rank([1, 1, 0]),
        lambda: SparseWords(3, 1).rank([1, 0]),
        lambda: SparseWords(3, 1).rank([2, 0, 0]),
        lambda: SparseWords(3, 1).word(4),
        lambda: SparseWords(3, 1).word(-1),
        lambda: ProductCode((Range(3, 1),)).write(BitWriter(), [3]),
    ],
)
def test_what_is_no_word_is_refused(call: Callable[[], object]) -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match="must"):
        call()


@given(
    ranges=st.lists(st.tuples(st.integers(1, 60), st.integers(0, 90)), max_size=4),
    seed=st.integers(0, 2**32 - 1),
)
def test_products_are_written_and_read(ranges: list[tuple[int, int]], seed: int) -> None:
    """Law: what is written is read, in exactly ceil(log2 size) bits."""
    code = ProductCode(tuple(Range(*one) for one in ranges))
    draw = np.random.default_rng(seed)
    word = [int(draw.integers(one.n_levels)) for one in code.ranges for _ in range(one.count)]
    writer = BitWriter()
    code.write(writer, word)
    state = writer.encoded()
    assert state.ledger.get("payload", 0) == code.bits
    assert 2**code.bits >= code.size > 2 ** (code.bits - 1) or code.size == 1
    reader = BitReader(state)
    assert code.read(reader) == word
    reader.end()


def test_a_number_beyond_the_last_is_refused() -> None:
    """Forgery: 7 ternary digits have 2187 words in 12 bits; number 2187 is none."""
    writer = BitWriter()
    writer.bits("payload", [int(bit) for bit in format(2187, "012b")])
    with pytest.raises(CorruptState, match="beyond the last"):
        ProductCode((Range(3, 7),)).read(BitReader(writer.encoded()))
