"""Truth here: answers in float32 are within the derived bound, and are read by thresholds as those in float64."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from lowerbound.core.coins import Coins
from lowerbound.core.oracle import by_threshold as single
from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.bounded import LARGEST_SINGLE_LOGIT, bounded_attention
from lowerbound.core.oracle.by_threshold import deciding_attention
from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.oracle.rounding import (
    EXPONENTIAL_ROUNDOFFS,
    SINGLE_UNIT_ROUNDOFF,
    rounding_bound,
    single_rounding_bound,
)
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.errors import InvalidArgument

RULES = [Scaled(0.5), L2Norm(12.0)]


def rows(
    purpose: str, m: int = 300, t: int = 700, d: int = 16, h: int = 24
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Queries, keys and values in [0, 1]."""
    coins = Coins(0, purpose).generator()
    return coins.standard_normal((m, d)), coins.standard_normal((t, d)), coins.random((t, h))


def test_the_exponential_is_as_good_as_assumed() -> None:
    """Known value: over a million arguments of both signs, float32's exponential is within 8 unit roundoffs."""
    points = np.linspace(-LARGEST_SINGLE_LOGIT, LARGEST_SINGLE_LOGIT, 2**20).astype(np.float32)
    found, exact = np.exp(points).astype(np.float64), np.exp(points.astype(np.float64))
    assert np.abs(found / exact - 1).max() <= EXPONENTIAL_ROUNDOFFS * float(SINGLE_UNIT_ROUNDOFF)


def test_single_precision_is_within_its_bound() -> None:
    """Differential: float32 against Arb balls, on queries of length up to the largest logit."""
    queries, keys, values = rows("bound", m=4, t=300, h=3)
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    for length in (1.0, 10.0, LARGEST_SINGLE_LOGIT):
        scaled = queries * length / np.linalg.norm(queries, axis=1, keepdims=True)
        low = [array.astype(np.float32) for array in (scaled, keys, values)]
        found = bounded_attention(low[0], low[1].__getitem__, low[2], len(keys))
        assert found.dtype == np.float32
        bound = single_rounding_bound(d=16, n_tokens=300, max_logit=length, max_value=1.0)
        for query, answer in zip(scaled, found, strict=True):
            truth = attention_ball(query, keys.tolist(), values.tolist(), rule=Scaled(1.0))
            for ball, entry in zip(truth, answer, strict=True):
                assert abs(float(ball.mid()) - float(entry)) <= bound
        assert bound > 1e3 * rounding_bound(d=16, n_tokens=300, max_logit=length, max_value=1.0)


@pytest.mark.parametrize("rule", RULES, ids=["scaled", "l2norm"])
@pytest.mark.parametrize("spread", [1.0, 30.0])
def test_answers_are_read_as_those_of_float64(rule: Rule, spread: float) -> None:
    """Differential: the same symbols for thresholds anywhere; one exactly on an answer, it is read in float64."""
    queries, keys, values = rows("read", m=300)
    queries[::2] = keys[:150] * spread / 10
    exact = attention(queries, keys, values, rule=rule)
    longest = [float(np.linalg.norm(array, axis=1).max()) for array in (queries, keys)]
    largest = 12.0 if isinstance(rule, L2Norm) else 0.5 * longest[0] * longest[1]
    double = rounding_bound(d=16, n_tokens=700, max_logit=largest, max_value=1.0)
    for thresholds in ([0.5], [0.2, 0.45, 0.5, 0.55], [float(exact[7, 3])], [float(np.nextafter(exact[8, 1], 1))]):
        borders = np.array(thresholds)
        found = deciding_attention(queries, keys, values, rule=rule, thresholds=borders)
        same = np.searchsorted(borders, found, side="right") == np.searchsorted(borders, exact, side="right")
        assert (same | (np.abs(found - exact) <= 2 * double)).all()
        assert (~same).sum() <= 1


def test_single_precision_is_used_where_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: double is asked for the undecided rows alone; for all where a few tell so, or logits are large."""
    asked: list[int] = []

    def counted(queries: np.ndarray, *others: np.ndarray, rule: Rule) -> np.ndarray:
        asked.append(len(queries))
        answers: np.ndarray = attention(queries, *others, rule=rule)
        return answers

    monkeypatch.setattr(single, "attention", counted)
    queries, keys, values = rows("decides", m=600)
    exact = attention(queries, keys, values, rule=L2Norm(12.0))
    apart = np.sort(exact.ravel())
    for rule, thresholds, wanted in (
        (L2Norm(12.0), [-1.0], []),
        (L2Norm(12.0), apart[:1], [1]),
        (L2Norm(12.0), apart[::20], [600]),
        (L2Norm(41.0), [-1.0], [600]),
    ):
        asked.clear()
        deciding_attention(queries, keys, values, rule=rule, thresholds=np.array(thresholds))
        assert asked == wanted


@pytest.mark.parametrize("unit", [1e-42, 1e-12, 1e19, 1e39, 1e300])
def test_values_that_float32_cannot_hold_are_read_in_float64(unit: float) -> None:
    """Differential: the same symbols in any unit of values, and no warning."""
    queries, keys, values = rows("unit", m=300)
    exact = attention(queries, keys, values * unit, rule=L2Norm(12.0))
    borders = np.array([0.45, 0.5, 0.55]) * unit
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = deciding_attention(queries, keys, values * unit, rule=L2Norm(12.0), thresholds=borders)
    assert np.array_equal(np.searchsorted(borders, found), np.searchsorted(borders, exact))


def test_bad_input_is_not_decided() -> None:
    """Bad input: NaN in keys, and values of another length, are refused before anything is rounded."""
    queries, keys, values = rows("bad")
    with pytest.raises(InvalidArgument, match="values must have shape"):
        deciding_attention(queries, keys, values[1:], rule=L2Norm(12.0), thresholds=np.array([0.5]))
    keys[3, 3] = np.nan
    with pytest.raises(InvalidArgument, match="keys must be finite"):
        deciding_attention(queries, keys, values, rule=L2Norm(12.0), thresholds=np.array([0.5]))
