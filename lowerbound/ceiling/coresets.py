"""How few tokens are enough while logits are small: two coresets, each with a proof of its error.

Keys and queries are of norm 1, values lie in [0, 1], logit = multiplier <q, k>; both errors are additive, and hold for
the cached tokens together with any others that are kept exactly.

Cover. If every key moves by at most r, every logit moves by at most e = multiplier r, and a softmax mean of values in
[0, 1] by at most tanh(e / 2). Tokens of one key are one token of their mean value and a weight, exactly. So one row for
all keys within r of its own is enough, r = (2 / multiplier) atanh(eta), for every query and every coin.

Sample. Of T tokens m are drawn without replacement, by coins that query and tokens do not know, each with weight T / m.
Let w_i = exp(logit_i), W their sum over all tokens, o the exact output. The sampled output exceeds o + eta only if the
weighted sum of y_i = w_i (v_i - o - eta) over the sample, and over what is exact, exceeds 0, where its mean is -eta W.
The y_i of the T tokens lie in an interval of length e^multiplier, and their squares add up to at most
e^multiplier W (1/4 + eta^2), as the softmax variance of v is at most 1/4. Bernstein's inequality, which holds without
replacement too (Hoeffding 1963, theorem 4), and W >= T e^-multiplier leave for that a probability of at most
exp(-m eta^2 / (e^(2 multiplier) (1/2 + 2 eta^2 + 2 eta / 3))); as much for o - eta.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from lowerbound.core.scalars import Rational, ball, lower_fraction, precision, rational, upper_fraction
from lowerbound.errors import invalid

PRECISION_BITS = 128
UNIT = Fraction(1, 2**23)
"""Twice what float32 loses of a number up to 1: of a key, which turns when it is normalised again, or of a value."""


def sample_size(multiplier: Rational, eta: Rational, failure_prob: Rational) -> int:
    """m: so many tokens answer one coordinate of one query within eta, but for the failure probability.

    Contract: an integer >= 1, rounded up; multiplier < 0, eta outside (0, 1/2) or a probability outside (0, 1) raise
    InvalidArgument.
    """
    largest, error, chance = _checked(multiplier, eta), rational(eta, name="eta"), rational(failure_prob, name="delta")
    if not 0 < chance < 1:
        raise invalid("delta", "lie in (0, 1)", str(failure_prob))
    with precision(PRECISION_BITS):
        spread = ball(Fraction(1, 2) + 2 * error**2 + 2 * error / 3) / ball(error) ** 2
        return ceil(upper_fraction(ball(2 / chance).log() * ball(2 * largest).exp() * spread))


def cover_radius(multiplier: Rational, eta: Rational) -> Fraction:
    """r: keys that move by at most r move no answer by more than eta; at most 2, the diameter, where all will do.

    Contract: tanh(multiplier r / 2) <= eta, rounded down; multiplier < 0 or eta outside (0, 1/2) raise InvalidArgument.
    """
    largest, error = _checked(multiplier, eta), rational(eta, name="eta")
    if largest == 0:
        return Fraction(2)
    with precision(PRECISION_BITS):
        return min(Fraction(2), lower_fraction(ball((1 + error) / (1 - error)).log() / ball(largest)))


def spare(multiplier: Rational, roundings: int) -> Fraction:
    """What float32 may add to an error when keys are rounded once and values so many times."""
    return (rational(multiplier, name="multiplier") + roundings) * UNIT


def _checked(multiplier: Rational, eta: Rational) -> Fraction:
    largest, error = rational(multiplier, name="multiplier"), rational(eta, name="eta")
    if largest < 0:
        raise invalid("multiplier", "be >= 0", str(multiplier), nearest=0)
    if not 0 < error < Fraction(1, 2):
        raise invalid("eta", "lie in (0, 1/2)", str(eta))
    return largest
