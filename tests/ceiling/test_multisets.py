"""Truth: every multiset of small alphabets, the number of multisets, and forged pairs."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.errors import CorruptState, InvalidArgument


@pytest.mark.parametrize(("n_items", "n_words"), [(0, 5), (1, 1), (1, 100), (2, 90), (3, 20), (4, 9), (6, 4)])
def test_all_multisets(n_items: int, n_words: int) -> None:
    """Law: encode and decode are inverse, ranks and tails fill their ranges and no more."""
    code = MultisetCode(n_items, n_words)
    seen = set()
    for words in itertools.combinations_with_replacement(range(n_words), n_items):
        rank, tails = code.encode(words)
        assert 0 <= rank < code.n_ranks
        assert all(0 <= tail < 2**code.tail_bits for tail in tails)
        assert code.decode(rank, tails) == list(words)
        seen.add((rank, *tails))
    assert len(seen) == math.comb(n_words + n_items - 1, n_items)
    assert {rank for rank, *_ in seen} == set(range(code.n_ranks))


@pytest.mark.parametrize(("n_items", "word_bits"), [(1, 200), (21, 60), (424, 1660)])
def test_the_order_is_saved(n_items: int, word_bits: int) -> None:
    """Closed form: at most log2 of the number of multisets, plus 0.1 bit an item and 1; written and read back."""
    draw = random.Random(0)
    n_words = draw.getrandbits(word_bits) | 1 << word_bits - 1
    code = MultisetCode(n_items, n_words)
    least = math.log2(n_words) * n_items - math.lgamma(n_items + 1) / math.log(2)
    assert least - 1e-6 * least <= code.bits <= least + 0.1 * n_items + 1
    words = [draw.randrange(n_words) for _ in range(n_items)]
    writer = BitWriter()
    code.write(writer, words)
    state = writer.encoded()
    assert 8 * len(state) - state.ledger.get("padding", 0) == code.bits
    reader = BitReader(state)
    assert code.read(reader) == sorted(words)
    reader.end()


def test_forged_pairs_are_refused() -> None:
    """Forgery: a rank too many, tails out of order within one bucket, a word outside the alphabet."""
    code = MultisetCode(2, 100)
    assert (code.tail_bits, code.n_buckets) == (2, 25)
    with pytest.raises(CorruptState, match="a rank below"):
        code.decode(code.n_ranks, [0, 0])
    rank, tails = code.encode([40, 41])
    with pytest.raises(CorruptState, match="increasing"):
        code.decode(rank, tails[::-1])
    outside = MultisetCode(2, 98)
    rank, _ = code.encode([3, 99])
    assert outside.n_buckets == code.n_buckets
    with pytest.raises(CorruptState, match="increasing words of the alphabet"):
        outside.decode(rank, [3, 3])
    with pytest.raises(InvalidArgument, match="a multiset must"):
        MultisetCode(1, 0)
