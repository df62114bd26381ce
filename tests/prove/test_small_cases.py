"""Small cases of lemmas that Coq proves for all sizes, counted afresh: a statement that is misread shows here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations, product

import numpy as np
import pytest
from flint import arb

from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.scalars import ball, precision


@pytest.mark.parametrize(("n", "d"), [(2, 4), (2, 6), (3, 4), (4, 3)])
def test_few_draws_of_random_signs_are_bad(n: int, d: int) -> None:
    """Differential: all draws counted, the share of bad ones is at most n (n - 1)/2 exp(-d mu^2 / 2), or twice that."""
    signs = [np.array(row) for row in product((-1, 1), repeat=d)]
    bad = np.zeros((2, d + 1), dtype=np.int64)
    for draw in product(signs, repeat=n):
        inner = [int(a @ b) for a, b in combinations(draw, 2)]
        for threshold in range(d + 1):  # mu = threshold / d
            bad[:, threshold] += (max(inner) > threshold, max(map(abs, inner)) > threshold)
    with precision(64):
        for threshold in range(d + 1):
            bound = n * (n - 1) * (-ball(Fraction(threshold**2, 2 * d))).exp() / 2
            for sides, count in enumerate(bad[:, threshold], start=1):
                assert ball(Fraction(int(count), 2 ** (n * d))) <= sides * bound, (threshold, sides)
    assert bad[0, 0] > 0


@pytest.mark.parametrize("name", ["var-d16", "var-d36-512"])
def test_real_heads_have_room_for_the_constants(name: str) -> None:
    """Known value: d = 64 >= 8 ln(T + n2) for 680 and 2240 tokens, and 2 ln(3 (T + n2)) is below VAR's cap of 100."""
    model = find_model(name)
    n = model.schedule.n_tokens
    with precision(64):
        assert 8 * ball(n).log() < model.head_dim == 64
        assert 2 * (3 * ball(n)).log() < 100
    assert n in (680, 2240)
    assert Geometry.of(model).multiplier_cap == 100


def test_half_a_bit_is_left() -> None:
    """Known value: H2(0.11) is below 1/2, and H2(0.1101) above; so 0.11 cannot be raised to 0.1101."""
    with precision(128):

        def entropy(p: arb) -> arb:
            return -(p * p.log() + (1 - p) * (1 - p).log()) / ball(2).log()

        assert entropy(ball(Fraction(11, 100))) < ball(Fraction(1, 2)) < entropy(ball(Fraction(1101, 10000)))


def test_points_of_the_circle() -> None:
    """Definition: the circle of radius 25 has 20 integer points, each with one or two others above 530/625, none above
    600/625.
    """
    points = [(x, y) for x in range(-25, 26) for y in range(-25, 26) if x * x + y * y == 625]
    assert len(points) == 20
    for x, y in points:
        inner = sorted(x * u + y * v for u, v in points)
        assert inner[-1] == 625
        assert 530 < inner[-2] <= 600
        assert inner[-4] <= 530


def prefix_free(words: tuple[str, ...]) -> bool:
    """Whether no word is the beginning of another."""
    return all(not b.startswith(a) for a in words for b in words if a is not b)


def codes(n_words: int, longest: int) -> Iterator[tuple[str, ...]]:
    """All sets of that many different bit strings of at most `longest` bits."""
    strings = ["".join(bits) for size in range(longest + 1) for bits in product("01", repeat=size)]
    return combinations(strings, n_words)


def test_mean_lengths_of_small_codes() -> None:
    """Law: over all codes for two secret bits, prefix-free ones have mean length 2 or more, and the best has 2; others
    save log2(longest + 1) at most, and some save more than nothing.
    """
    means: dict[bool, set[Fraction]] = {True: set(), False: set()}
    for words in codes(4, 3):
        mean, longest = Fraction(sum(map(len, words)), 4), max(map(len, words))
        means[prefix_free(words)].add(mean)
        assert (2**mean.numerator) * (longest + 1) ** mean.denominator >= 2 ** (2 * mean.denominator)
    assert min(means[True]) == 2
    assert min(means[False]) == 1


def test_counters_of_clusters_answer_every_query() -> None:
    """Law: keys within r of their centers, |q| <= lambda: counters answer within the factor exp(2 lambda r) on all
    words of bits, and their number is the product of n_k + 1.
    """
    rng = np.random.default_rng(0)
    clusters, radius, multiplier = np.array([0, 0, 0, 1, 1]), 0.05, 3.0
    centers = rng.standard_normal((2, 4))
    away = rng.standard_normal((5, 4))
    keys = centers[clusters] + radius * away / np.linalg.norm(away, axis=1, keepdims=True)
    own = rng.standard_normal((3, 4))
    queries = rng.standard_normal((20, 4))
    queries *= multiplier / np.linalg.norm(queries, axis=1, keepdims=True)
    factor, seen = math.exp(2 * multiplier * radius), set()
    for word in product((0, 1), repeat=5):
        ones = np.bincount(clusters, weights=word, minlength=2)
        seen.add(tuple(ones))
        for q in queries:
            weights, around = np.exp(keys @ q), np.exp(own @ q).sum()
            moved = np.exp(centers @ q)
            truth = weights @ np.array(word) / (weights.sum() + around)
            answer = moved @ ones / (moved @ np.bincount(clusters) + around)
            assert truth / factor <= answer <= truth * factor
    assert len(seen) == (3 + 1) * (2 + 1)
