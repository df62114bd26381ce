"""Differential: three implementations of one formula, on two array libraries, within the derived rounding bound."""

from __future__ import annotations

import math
import tracemalloc
import warnings
from fractions import Fraction

import array_api_strict
import numpy as np
import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from lowerbound.core.oracle.attention import (
    WORTH_BLOCKS,
    attention,
    attention_by_peaks,
    attention_mass,
    block_causal_attention,
    check_question,
)
from lowerbound.core.oracle.bounded import KEYS_PER_BLOCK, QUERIES_PER_BLOCK
from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import n_threads
from lowerbound.errors import InvalidArgument
from tests.core.oracle.naive import attention_naive
from tests.marks import first_now

RULES: list[Rule] = [Scaled(), L2Norm(100.0), Scaled(3.0), L2Norm(4.0)]


def sample(seed: int, m: int, t: int, d: int, h: int, spread: float = 1.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(m, d)) * spread, rng.normal(size=(t, d)) * spread, rng.uniform(-1, 1, size=(t, h))


def logit_bound(rule: Rule, queries: np.ndarray, keys: np.ndarray) -> float:
    """Largest sum of absolute products in a logit, rounded up."""
    if isinstance(rule, L2Norm):
        return rule.multiplier * (1 + 1e-12)
    return float(rule.factor(queries.shape[1]) * (np.abs(queries) @ np.abs(keys).T).max()) * (1 + 1e-12)


def distance(ball: arb, number: float) -> float:
    """An upper bound on |x - number| for every x of the ball."""
    return float(abs(ball - arb(number)).upper())


@pytest.mark.parametrize("rule", first_now(RULES, 2), ids=str)
@given(seed=st.integers(0, 10**6), t=st.integers(1, 40), d=st.integers(1, 12), block=st.integers(1, 50))
def test_the_oracle_lies_within_its_bound_of_the_enclosure(rule: Rule, seed: int, t: int, d: int, block: int) -> None:
    """Differential: both paths are within rounding_bound of the Arb ball in every entry, for any block size."""
    queries, keys, values = sample(seed, 2, t, d, 3)
    bound = rounding_bound(
        d=d, n_tokens=t, max_logit=logit_bound(rule, queries, keys), max_value=1.0, keys_per_block=block
    )
    assert bound < 1e-9
    many = np.tile(queries, (WORTH_BLOCKS // t + 1, 1))
    fast, slow = (
        attention(many, keys, values, rule=rule),
        attention(queries, keys, values, rule=rule, keys_per_block=block),
    )
    for outputs in (fast[:2], slow):
        for query, row in zip(queries, outputs, strict=True):
            truth = attention_ball(query, keys.tolist(), values.tolist(), rule=rule)
            for enclosure, number in zip(truth, row, strict=True):
                assert distance(enclosure, float(number)) <= bound


@pytest.mark.parametrize("rule", [Scaled(), Scaled(5.0), L2Norm(100.0)], ids=str)
@pytest.mark.parametrize(("m", "t"), [(2**16, 1), (300, KEYS_PER_BLOCK), (2 * QUERIES_PER_BLOCK + 7, 600), (1200, 999)])
def test_streams_and_peaks_agree(rule: Rule, m: int, t: int) -> None:
    """Differential: blocks and threads of the fast path against running peaks, within both bounds, at block borders."""
    queries, keys, values = sample(11, m, t, 16, 5)
    bound = rounding_bound(d=16, n_tokens=t, max_logit=logit_bound(rule, queries, keys), max_value=1.0)
    slow = attention_by_peaks(queries, keys, values, rule=rule, keys_per_block=4096)
    assert np.abs(attention(queries, keys, values, rule=rule) - slow).max() <= 2 * bound


@pytest.mark.parametrize("length", [17.0, 18.0])
def test_the_border_between_the_paths(length: float) -> None:
    """Law: at logits just under 300 and just over, weights neither overflow nor vanish where they count."""
    keys = np.array([[length, 0.0], [-length, 0.0], [0.0, length]])
    queries = np.tile(keys, (WORTH_BLOCKS // 9 + 1, 1))
    outputs = attention(queries, keys, np.eye(3), rule=Scaled(1.0))
    assert np.abs(outputs - np.tile(np.eye(3), (len(queries) // 3, 1))).max() < 1e-100


def test_threads_are_those_of_the_linear_algebra() -> None:
    """Definition: attention takes as many threads as BLAS may, and leaves the limit as it was."""
    before = n_threads()
    with threadpool_limits(1):
        assert n_threads() == 1
    attention(*sample(12, 1200, 1031, 16, 5), rule=Scaled())
    assert n_threads() == before


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_naive_twin_agrees(rule: Rule) -> None:
    """Differential: plain Python and the streamed oracle, within twice the bound."""
    queries, keys, values = sample(1, 5, 33, 8, 4)
    bound = rounding_bound(d=8, n_tokens=33, max_logit=logit_bound(rule, queries, keys), max_value=1.0)
    naive = np.array(attention_naive(queries.tolist(), keys.tolist(), values.tolist(), rule=rule))
    assert np.abs(naive - attention(queries, keys, values, rule=rule)).max() <= 2 * bound


@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("device", ["CPU_DEVICE", "device1"])
@pytest.mark.parametrize(("m", "t"), [(3, 20), (300, 230)])
def test_the_array_api_strict_library_gives_the_same(rule: Rule, m: int, t: int, device: str) -> None:
    """Differential: a library that offers the array API and nothing more, on a device that no other array is on."""
    arrays = sample(2, m, t, 6, 2)
    place = array_api_strict.Device(device)
    strict = [array_api_strict.asarray(array.tolist(), device=place) for array in arrays]
    bound = rounding_bound(d=6, n_tokens=t, max_logit=logit_bound(rule, *arrays[:2]), max_value=1.0, keys_per_block=7)
    outputs = attention(*strict, rule=rule, keys_per_block=7)
    reference = attention(*arrays, rule=rule)
    assert isinstance(outputs, array_api_strict.asarray(0.0).__class__)
    assert outputs.device == place
    outputs = outputs.to_device(array_api_strict.Device("CPU_DEVICE"))
    assert np.abs(np.asarray(outputs) - reference).max() <= 2 * bound
    mass = attention_mass(strict[0], strict[1], rule=rule)
    assert mass.device == place
    assert abs(float(array_api_strict.sum(mass)) - m) < 1e-9 * m


def test_extreme_logits_do_not_overflow() -> None:
    """Known value: with logits of +-10^6 the largest key takes everything."""
    keys = np.array([[1.0], [-1.0]])
    outputs = attention(np.array([[1e6]]), keys, np.array([[7.0], [5.0]]), rule=Scaled(1.0))
    assert outputs[0, 0] == 7.0


@pytest.mark.parametrize("t", first_now([9, 300]))
@pytest.mark.parametrize(("stretch", "shrink"), [(1e200, 1e-200), (1e-170, 1e170), (1e-310, 1e300)])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_the_longest_and_shortest_rows(rule: Rule, stretch: float, shrink: float, t: int) -> None:
    """Differential: rows whose squares overflow or vanish, against an enclosure of the truth, and without a warning."""
    queries, keys, values = sample(13, 300, t, 4, 2)
    queries, keys = queries * stretch, keys * shrink
    bound = rounding_bound(d=4, n_tokens=t, max_logit=100.0, max_value=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        outputs = attention(queries, keys, values, rule=rule)
    for query, output in list(zip(queries, outputs, strict=True))[:3]:
        truth = attention_ball(query, keys.tolist(), values.tolist(), rule=rule, precision_bits=4096)
        assert all(distance(ball, float(x)) <= bound for ball, x in zip(truth, output, strict=True))


def test_a_row_is_made_a_unit_whatever_is_beside_it() -> None:
    """Metamorphic: rows of zeros, very long and very short ones change no bit of the others, and are units or zero.

    An entry of a unit row is off by at most (d / 2 + 5) roundoffs: of two divisions, a root, and a sum of d squares.
    """
    rows, *_ = sample(15, 40, 1, 6, 1)
    beside = np.concatenate([np.zeros((1, 6)), rows, rows * 1e250, rows * 1e-250, np.full((1, 6), 5e-324)])
    units = unit_rows(beside)
    assert np.array_equal(units[1:41], unit_rows(rows))
    assert not units[0].any()
    both = 2 * (6 / 2 + 5) * 2.0**-53
    assert np.abs(np.linalg.norm(units[1:], axis=1) - 1).max() <= both
    assert np.abs(units[1:121].reshape(3, 40, 6) - unit_rows(rows)).max() <= both


@pytest.mark.parametrize("t", [9, 300])
def test_large_values_are_averaged(t: int) -> None:
    """Metamorphic: values times a power of two give outputs times it, up to the largest that float64 has."""
    queries, keys, values = sample(14, 300, t, 4, 2)
    values = 1 - np.abs(values) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain = attention(queries, keys, values, rule=Scaled())
        large = attention(queries, keys, values * 2.0**1023, rule=Scaled())
    bound = rounding_bound(d=4, n_tokens=t, max_logit=logit_bound(Scaled(), queries, keys), max_value=1.0)
    assert np.abs(large / 2.0**1023 - plain).max() <= 2 * bound


def test_logits_that_overflow_are_refused() -> None:
    """Bad input: finite rows whose inner products are not; weights of minus infinity alone are zero."""
    with pytest.raises(InvalidArgument, match="logits under 2"):
        attention(np.full((2, 1), 1e200), np.full((3, 1), 1e200), np.ones((3, 1)), rule=Scaled())
    outputs = attention(np.full((2, 1), 1e200), np.array([[-1e200], [1.0]]), np.array([[5.0], [7.0]]), rule=Scaled())
    assert (outputs == 7.0).all()


def test_scaled_default_is_one_over_root_d() -> None:
    """Definition: the paper's scale."""
    queries, keys, values = sample(3, 2, 9, 16, 2)
    assert np.array_equal(
        attention(queries, keys, values, rule=Scaled()), attention(queries, keys, values, rule=Scaled(0.25))
    )


def test_l2norm_ignores_lengths() -> None:
    """Metamorphic: stretching queries and keys changes nothing under the l2 rule, beyond rounding."""
    queries, keys, values = sample(4, 3, 30, 8, 2)
    plain = attention(queries, keys, values, rule=L2Norm(20.0))
    stretched = attention(queries * 5.0, keys * np.arange(1, 31)[:, None], values, rule=L2Norm(20.0))
    assert np.abs(plain - stretched).max() <= 2 * rounding_bound(d=8, n_tokens=30, max_logit=20.0, max_value=1.0)


def test_permuting_tokens_changes_nothing() -> None:
    """Metamorphic: a softmax is a set function of its tokens, up to rounding."""
    queries, keys, values = sample(5, 3, 64, 8, 2)
    order = np.random.default_rng(0).permutation(64)
    bound = rounding_bound(d=8, n_tokens=64, max_logit=logit_bound(Scaled(), queries, keys), max_value=1.0)
    assert (
        np.abs(
            attention(queries, keys, values, rule=Scaled())
            - attention(queries, keys[order], values[order], rule=Scaled())
        ).max()
        <= 2 * bound
    )


def test_block_causal_is_scale_by_scale() -> None:
    """Definition: queries of scale k see exactly the keys of scales 0..k, their own included."""
    schedule = ScaleSchedule(((1, 1), (1, 2), (2, 2)))
    queries, keys, values = sample(6, 7, 7, 4, 3)
    outputs = block_causal_attention(queries, keys, values, schedule, rule=Scaled())
    for token in range(7):
        visible = schedule.prefix_tokens(schedule.scale_of(token)) + schedule.tokens_at(schedule.scale_of(token))
        alone = attention(queries[token : token + 1], keys[:visible], values[:visible], rule=Scaled())
        assert np.abs(outputs[token] - alone[0]).max() < 1e-14
    changed = values.copy()
    changed[3:] += 1.0
    again = block_causal_attention(queries, keys, changed, schedule, rule=Scaled())
    assert np.array_equal(again[:3], outputs[:3])


def test_mass_is_the_sum_of_weights() -> None:
    """Differential: attention_mass equals attention over indicator values, summed over queries."""
    queries, keys, _ = sample(7, 130, 40, 8, 1)
    weights = attention(queries, keys, np.eye(40), rule=L2Norm(30.0))
    assert np.abs(attention_mass(queries, keys, rule=L2Norm(30.0)) - weights.sum(axis=0)).max() < 1e-10


def test_memory_does_not_grow_with_the_number_of_keys() -> None:
    """Law: beyond input and output, memory is a block, not m x t."""
    queries, keys, values = sample(8, 64, 200_000, 4, 1)
    tracemalloc.start()
    attention(queries, keys, values, rule=Scaled())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Six doubles a cell of a 64 x 4096 block, and room for the interpreter; m x t doubles would be 102 MB.
    assert peak < 6 * 64 * 4096 * 8


@pytest.mark.parametrize(
    ("queries", "keys", "values", "rule"),
    [
        (np.ones((2, 3)), np.ones((4, 5)), np.ones((4, 1)), Scaled()),
        (np.ones((2, 3)), np.ones((4, 3)), np.ones((5, 1)), Scaled()),
        (np.ones(3), np.ones((4, 3)), np.ones((4, 1)), Scaled()),
        (np.ones((2, 3)), np.ones((0, 3)), np.ones((0, 1)), Scaled()),
        (np.full((2, 3), np.nan), np.ones((4, 3)), np.ones((4, 1)), Scaled()),
        (np.ones((2, 3)), np.full((4, 3), np.inf), np.ones((4, 1)), L2Norm(1.0)),
        (np.array([[np.inf, -np.inf, 0.0]]), np.ones((4, 3)), np.ones((4, 1)), L2Norm(1.0)),
        (np.ones((2, 3)), np.ones((4, 3)), np.full((4, 1), -np.inf), L2Norm(1.0)),
        (np.ones((2, 3), dtype=np.float32), np.ones((4, 3)), np.ones((4, 1)), Scaled()),
        (np.ones((2, 3)), np.ones((4, 3), dtype=np.int64), np.ones((4, 1)), Scaled()),
    ],
)
def test_bad_arrays_are_refused(queries: np.ndarray, keys: np.ndarray, values: np.ndarray, rule: Rule) -> None:
    """Bad input: shapes, dtypes, NaN, infinity and emptiness each give one sentence."""
    with pytest.raises(InvalidArgument, match="must"):
        attention(queries, keys, values, rule=rule)


def test_values_whose_sum_overflows_are_finite() -> None:
    """Law: whether arrays are finite is asked of their entries, and not of any sum of them."""
    values = np.full((4, 1), 1e308)
    assert (attention(np.ones((2, 3)), np.ones((4, 3)), values / 8, rule=Scaled()) == 1e308 / 8).all()
    check_question(np.ones((2, 3)), np.ones((4, 3)), values)


@pytest.mark.parametrize("multiplier", [0.0, -1.0, 100.1, math.nan, math.inf])
def test_multipliers_outside_the_cap_are_refused(multiplier: float) -> None:
    """Bad input: lambda in (0, 100]."""
    with pytest.raises(InvalidArgument, match="multiplier must lie in"):
        L2Norm(multiplier)


def test_the_bound_is_infinite_when_it_says_nothing() -> None:
    """Law: no finite claim without a proof."""
    for largest in (1e15, 1e300, math.inf):
        assert rounding_bound(d=64, n_tokens=10, max_logit=largest, max_value=1.0) == math.inf


def test_the_ball_is_an_enclosure_of_an_exact_value() -> None:
    """Known value: two equal keys, values 0 and 1, give exactly 1/2; the ball contains it and is narrow."""
    (enclosure,) = attention_ball([1.0, 2.0], [[1.0, 1.0], [1.0, 1.0]], [[0.0], [1.0]], rule=Scaled())
    assert enclosure.contains(arb(1) / 2)
    assert float(enclosure.rad()) < 1e-30
    assert Fraction(1, 2) == Fraction(float(enclosure.mid()))
