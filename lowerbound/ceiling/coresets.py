"""How few tokens suffice when logits are small: two coresets, each with a proof of its error.

Keys and queries have norm 1, values lie in [0, 1], and logit = multiplier <q, k>. Both errors are additive, and they
hold for the cached tokens together with any further tokens that are stored exactly.

Cover. If every key moves by at most r, every logit moves by at most e = multiplier r, and a softmax mean of values in
[0, 1] moves by at most tanh(e / 2). Several tokens with the same key act exactly like one token that has their mean
value and their total weight. So one row can replace all tokens whose keys are within r of its key, with
r = (2 / multiplier) atanh(eta). This holds for every query and uses no coins.

Sample. Draw m of T tokens without replacement, by coins that are independent of query and tokens, and give each the
weight T / m. Let w_i = exp(logit_i), W their sum over all tokens, and o the exact output. The sampled output exceeds
o + eta only if the weighted sum of y_i = w_i (v_i - o - eta), over the sample and the exact tokens, exceeds 0; the mean
of this sum is -eta W. The y_i of the T tokens lie in an interval of length e^multiplier, and their squares add up to at
most e^multiplier W (1/4 + eta^2), because the softmax variance of v is at most 1/4. By Bernstein's inequality, which
also holds without replacement (Hoeffding 1963, theorem 4), and by W >= T e^-multiplier, the probability of this is at
most exp(-m eta^2 / (e^(2 multiplier) (1/2 + 2 eta^2 + 2 eta / 3))). The same holds for outputs below o - eta.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from lowerbound.core.scalars import Rational, ball, lower_fraction, precision, rational, upper_fraction
from lowerbound.errors import invalid

PRECISION_BITS = 128
UNIT = Fraction(1, 2**23)
"""Twice the float32 rounding error of a number up to 1: of a value, or of a key entry before it is normalized again."""


def sample_size(multiplier: Rational, eta: Rational, failure_prob: Rational) -> int:
    """The sample size m for which one output coordinate of one query is within eta, except with `failure_prob`.

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
    """The radius r such that moving every key by at most r moves no answer by more than eta.

    Contract: the largest r <= 2 with tanh(multiplier r / 2) <= eta, rounded down; 2 is the diameter of the sphere.
    multiplier < 0 or eta outside (0, 1/2) raise InvalidArgument.
    """
    largest, error = _checked(multiplier, eta), rational(eta, name="eta")
    if largest == 0:
        return Fraction(2)
    with precision(PRECISION_BITS):
        return min(Fraction(2), lower_fraction(ball((1 + error) / (1 - error)).log() / ball(largest)))


def spare(multiplier: Rational, roundings: int) -> Fraction:
    """The error that float32 adds to an answer when keys are rounded once and values are rounded `roundings` times."""
    return (rational(multiplier, name="multiplier") + roundings) * UNIT


def _checked(multiplier: Rational, eta: Rational) -> Fraction:
    largest, error = rational(multiplier, name="multiplier"), rational(eta, name="eta")
    if largest < 0:
        raise invalid("multiplier", "be >= 0", str(multiplier), nearest=0)
    if not 0 < error < Fraction(1, 2):
        raise invalid("eta", "lie in (0, 1/2)", str(eta))
    return largest
