"""Known values: covering codes and the exact optimum of INDEX, beside the bound 1 - H2."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.core.bounds import is_above
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.game.codes import CoveringCode, golay, hamming, majority_of_three
from lowerbound.game.index import draw_symbols, exact_optimum

CODES = [majority_of_three(), hamming(), golay()]


@pytest.mark.parametrize(
    ("code", "rate", "error"),
    [
        (majority_of_three(), Fraction(1, 3), Fraction(1, 4)),
        (hamming(), Fraction(4, 7), Fraction(1, 8)),
        (golay(), Fraction(12, 23), Fraction(sum(j * math.comb(23, j) for j in range(4)), 2048 * 23)),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_rate_and_error(code: CoveringCode, rate: Fraction, error: Fraction) -> None:
    """Known values: 1/3 at 1/4, 4/7 at 1/8, 12/23 at 0.1240234375."""
    assert (code.rate, code.error) == (rate, error)
    assert golay().error == Fraction("0.1240234375")


@pytest.mark.parametrize("code", CODES[:2], ids=lambda code: code.name)
def test_quantise_finds_a_nearest_codeword(code: CoveringCode) -> None:
    """Differential: against a search over all codewords, for every block."""
    n, k = code.n_block_bits, code.n_message_bits
    blocks = np.array(list(itertools.product([0, 1], repeat=n)))
    words = code.codewords(np.array(list(itertools.product([0, 1], repeat=k))))
    best = (blocks[:, None, :] ^ words).sum(axis=2).min(axis=1)
    found = (code.codewords(code.quantise(blocks)) ^ blocks).sum(axis=1)
    assert (found == best).all()
    assert Fraction(int(best.sum()), blocks.size) == code.error


def test_golay_is_perfect() -> None:
    """Known value: minimum distance 7, and every block within 3 of a codeword."""
    code = golay()
    words = code.codewords(np.array(list(itertools.product([0, 1], repeat=12))))
    weights = words.sum(axis=1)
    assert np.unique(weights).tolist() == [0, 7, 8, 11, 12, 15, 16, 23]
    blocks = draw_symbols(PrivateSeed(0), 0, n_levels=2, shape=(500, 23))
    assert (code.codewords(code.quantise(blocks)) ^ blocks).sum(axis=1).max() <= 3


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
def test_codes_are_above_the_floor(code: CoveringCode) -> None:
    """Law: no protocol lies under m (1 - H2(error))."""
    assert is_above(code.n_message_bits, code.n_block_bits, 2, code.error, code.error)
    assert not is_above(code.n_message_bits, 2 * code.n_block_bits, 2, code.error, code.error)


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_every_protocol_of_tiny_size_is_above_the_floor(m: int) -> None:
    """Exhaustive: the exact optimum over all protocols on m <= 4 bits and up to 8 messages, never under the floor."""
    previous = Fraction(1)
    for exponent in range(m + 1):
        n_messages = min(2**exponent, 8)
        error = exact_optimum(m, n_messages)
        assert error <= previous
        previous = error
        if n_messages == 2**exponent:
            assert is_above(exponent, m, 2, error, error)
    assert exact_optimum(m, 1) == Fraction(1, 2)
    assert m > 3 or exact_optimum(m, 2**m) == 0


def test_majority_is_optimal_for_three_bits() -> None:
    """Known value: with one bit of message, 1/4 is the least error on three bits."""
    assert exact_optimum(3, 2) == majority_of_three().error


@pytest.mark.parametrize(
    "call", [lambda: exact_optimum(5, 2), lambda: exact_optimum(2, 5), lambda: exact_optimum(2, 0)]
)
def test_sizes_that_cannot_be_enumerated_are_refused(call: Callable[[], object]) -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match="must lie in"):
        call()


def test_blocks_of_the_wrong_length_are_refused() -> None:
    """Bad input: one sentence."""
    with pytest.raises(InvalidArgument, match="blocks must"):
        hamming().quantise(np.zeros((2, 6)))
