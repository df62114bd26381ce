"""Symmetric alphabets for the letters of a word: an even grid, or blocks of levels that one read shows evenly."""

from __future__ import annotations

from dataclasses import dataclass

from flint import arb, ctx

from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.rules.floor import require

MOST_LETTERS = 2**18
MOST_DIGITS = 16
MOST_LETTER_BITS = 2**25


@dataclass(frozen=True)
class Letters:
    """The symmetric set of letters: its size, its least and largest positive letter, mean and variance of the squares.

    The k-th positive letter is at most `growth` (2 k - 1) / size.
    """

    size: int
    low: arb
    top: arb
    second: arb
    variance: arb
    growth: arb


def grid(levels: int, step: arb) -> Letters:
    """The letters +-h/2, +-3h/2, ..., +-(L - 1) h/2."""
    if levels % 2:
        raise Rejected(f"the number of letters must be even, got {levels}")
    second, variance = step**2 * (levels**2 - 1) / 12, step**4 * ((levels**2 - 1) * (levels**2 - 4)) / 180
    return Letters(levels, step / 2, step * (levels - 1) / 2, second, variance, step * levels / 2)


def least_rise(levels: int, step: arb) -> arb:
    """The least difference of outputs of neighbouring levels, `step` logits apart, read against their middle."""
    half = step / 2
    return half.sinh() / ((step * (levels - 2) / 2).cosh() + half.cosh())


def blocks(levels: int, digits: int, kappa: arb, gap: arb, slope: arb) -> Letters:
    """2^digits blocks of `levels` letters: within a block, one read against its centre shows levels kappa apart."""
    size = levels << digits
    if size > MOST_LETTERS or size * ctx.prec > MOST_LETTER_BITS:
        raise Rejected(f"{size} letters at {ctx.prec} bits exceed the limit of {MOST_LETTERS} letters or of work")
    require(kappa * (levels - 1), arb(1), "kappa (L - 1) < 1")
    shown = [(1 + kappa * (2 * k - levels + 1)) / 2 for k in range(levels)]
    logits = [(y / (1 - y)).log() for y in shown]
    period = logits[-1] - logits[0] + gap
    starts = [gap / 2 - logits[0] + block * period for block in range(1 << digits - 1)]
    positive = [(start + logit) / slope for start in starts for logit in logits]
    growth = second = fourth = arb(0)
    for k, letter in enumerate(positive):
        growth = growth.max(size * letter / (2 * k + 1))
        square = letter * letter
        second += square
        fourth += square * square
    second, fourth = second * 2 / size, fourth * 2 / size
    return Letters(size, positive[0], positive[-1], second, fourth - second**2, growth)
