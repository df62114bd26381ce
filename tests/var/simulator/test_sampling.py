"""Drawing ids: filters by their definition, draws by their frequencies."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.errors import InvalidArgument
from lowerbound.var.simulator.sampling import Sampling, among_the_first, in_the_nucleus, probabilities

LOGITS = st.lists(st.integers(-5, 5), min_size=2, max_size=12).map(lambda some: np.array(some, dtype=np.float64))


@given(LOGITS, st.integers(1, 14))
def test_top_k_keeps_the_largest_and_ties(logits: np.ndarray, k: int) -> None:
    """Definition: what is kept is at least the k-th largest; everything else is impossible."""
    kept = np.isfinite(among_the_first(logits, k))
    least = sorted(logits)[-min(k, len(logits))]
    assert np.array_equal(kept, logits >= least)


@given(LOGITS, st.integers(1, 19))
def test_top_p_drops_the_tail(logits: np.ndarray, twentieths: int) -> None:
    """Definition: dropped alternatives sum to at most 1 - p, and one more would not; the likeliest always stays."""
    p = twentieths / 20
    kept = np.isfinite(in_the_nucleus(logits, p))
    shares = probabilities(logits)
    assert kept[np.argmax(logits)] or np.isclose(shares[kept].max(), shares.max())
    assert shares[~kept].sum() <= 1 - p + 1e-12
    if kept.sum() > 1:
        assert shares[~kept].sum() + shares[kept].min() > 1 - p - 1e-12
    assert not kept.all() or shares.min() > 1 - p - 1e-12


def test_frequencies_are_probabilities() -> None:
    """Definition: of many equal tokens, each alternative is drawn as often as its probability says."""
    logits = np.log(np.array([0.1, 0.2, 0.3, 0.4]))
    ids = Sampling(seed=0).draw(np.broadcast_to(logits, (20000, 1, 4)), 0)
    assert ids.shape == (20000, 1)
    assert np.abs(np.bincount(ids[:, 0], minlength=4) / 20000 - [0.1, 0.2, 0.3, 0.4]).max() < 0.015


@given(st.integers(0, 2**31), st.integers(1, 3))
def test_impossible_alternatives_are_never_drawn(seed: int, k: int) -> None:
    """Law: with top-k, only the k largest of distinct logits come."""
    logits = np.broadcast_to(np.array([3.0, -1.0, 2.0, 0.5, 1.0]), (50, 1, 5))
    assert set(Sampling(seed=seed, top_k=k).draw(logits, 1).ravel()) <= set([0, 2, 4][:k])


def test_near_logits_draw_near_ids() -> None:
    """Metamorphic: two runs share random numbers, so that a small change of logits changes few ids."""
    rng = np.random.default_rng(0)
    logits = rng.standard_normal((2000, 1, 16))
    moved = logits + 0.01 * rng.standard_normal(logits.shape)
    sampling = Sampling(seed=5, top_p=Fraction(9, 10))
    assert (sampling.draw(logits, 0) != sampling.draw(moved, 0)).mean() < 0.05
    assert (sampling.draw(logits, 0) != sampling.draw(logits, 1)).mean() > 0.5


@pytest.mark.parametrize(
    ("terms", "sentence"),
    [
        ({"guidance": -1.0}, "guidance must be a finite number >= 0, got -1.0"),
        ({"top_k": -1}, "top_k must be an integer >= 0"),
        ({"top_p": Fraction(3, 2)}, "top_p must lie in .*nearest valid choice is 1"),
    ],
)
def test_unusable_samplings(terms: dict[str, Any], sentence: str) -> None:
    """Bad input: argument, rule and value."""
    with pytest.raises(InvalidArgument, match=sentence):
        Sampling(**terms)
