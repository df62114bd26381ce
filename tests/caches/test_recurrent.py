"""Truth: the papers' recurrences read aloud, token by token, and the laws.

ABC and LESS.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.recurrent.abc import (
    ABCCluster,
    ABCCompressive,
    ABCLinformer,
    ABCMlp,
    ABCMlpSeparate,
    ABCRandom,
    ABCWindow,
)
from lowerbound.caches.recurrent.less import LESSFitted, LESSRandom
from lowerbound.caches.recurrent.less_features import LESSFeatures
from lowerbound.core.cache import Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rules import Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction
from lowerbound.game.verdict import KEEPS
from tests.contracts.laws import CacheLaws
from tests.contracts.playing import SMALL, VAR_256, cached_pairs, public, remembering, states_of, tokens

LESS_CLASSES = [LESSRandom, LESSFeatures, LESSFitted]
NESTED = "test_a_larger_budget_keeps_what_a_smaller_one_kept"
RESTORED = "test_a_larger_budget_restores_no_worse"
EXACT = "test_the_whole_budget_is_exact"


class ABCLaws(CacheLaws):
    """S slots from the beginning."""

    rule_enters = True
    controls: ClassVar[int] = 1
    not_applicable: ClassVar = {
        NESTED: "slots are kept, and no tokens",
        RESTORED: "slots stand for no single token",
    }

    def bits(self, n: int, place: Public) -> int:
        return 32 * max(1, self.whole_tokens(place)) * (2 * place.d + self.controls)


class MixedLaws(ABCLaws):
    """By public coins, tokens share slots at every budget."""

    uses_coins = True
    not_applicable: ClassVar = ABCLaws.not_applicable | {EXACT: "some slot holds a mixture of tokens at every budget"}


class TestABCMlp(MixedLaws):
    cache = ABCMlp


@pytest.mark.slow
class TestABCMlpSeparate(MixedLaws):
    cache = ABCMlpSeparate
    controls = 2


@pytest.mark.slow
class TestABCLinformer(MixedLaws):
    cache = ABCLinformer


class TestABCCluster(MixedLaws):
    cache = ABCCluster


@pytest.mark.slow
class TestABCRandom(MixedLaws):
    cache = ABCRandom


class TestABCCompressive(ABCLaws):
    cache = ABCCompressive


@pytest.mark.slow
class TestABCWindow(ABCLaws):
    cache = ABCWindow


class LESSLaws(CacheLaws):
    """Kept pairs with their scores, and once something was evicted eight features."""

    uses_coins = True
    rule_enters = True
    not_applicable: ClassVar = {
        NESTED: "what is kept is H2O's; features stand for all other tokens",
        RESTORED: "evicted tokens are folded into features that stand for no single one",
        "test_a_larger_budget_is_no_smaller_state": "where nothing is evicted, the features are not written",
    }

    def bits(self, n: int, place: Public) -> int:
        kept = max(2, self.whole_tokens(place))
        return min(n, kept) * (32 * place.d + 32) + (n > kept) * 32 * 8 * (place.d + 1)


class TestLESSRandom(LESSLaws):
    cache = LESSRandom


@pytest.mark.slow
class TestLESSFeatures(LESSLaws):
    cache = LESSFeatures


@pytest.mark.slow
class TestLESSFitted(LESSLaws):
    cache = LESSFitted


def test_slots_with_impossible_weights_are_refused() -> None:
    """Bad input: a negative normaliser, and slots that are full before any token came."""
    place = public(SMALL, 16)
    state = states_of(ABCMlp, place, tokens(place))
    with pytest.raises(CorruptState, match="weights"):
        ABCMlp(place).decode(state[-1][:-4] + np.float32(-1).tobytes())
    with pytest.raises(CorruptState, match="weights"):
        ABCMlp(place).decode(b"\0\0\0\0" + state[-1][4:])


@pytest.mark.parametrize("cache_class", [ABCMlp, ABCLinformer, ABCCluster, ABCRandom, ABCCompressive])
def test_abc_is_its_recurrence(cache_class: type[ABCMlp]) -> None:
    """Known value: N += alpha, K~ <- (K~ N_old + alpha k) / N, V~ alike, token by token; output V~^T softmax(K~ q)."""
    place = public(SMALL, 16, Fraction(1, 4))
    keys, values = cached_pairs(place)
    cache = remembering(cache_class, place)
    n_slots = 5
    mass, slot_keys, slot_values = np.zeros(n_slots), np.zeros((n_slots, 16)), np.zeros((n_slots, 16))
    for i, (key, value) in enumerate(zip(keys, values, strict=True)):
        alpha = cache_class(place).control(key[None], np.array([i]))[0]
        for j in range(n_slots):
            if alpha[j] > 0:
                total = mass[j] + alpha[j]
                slot_keys[j] = (slot_keys[j] * mass[j] + alpha[j] * key) / total
                slot_values[j] = (slot_values[j] * mass[j] + alpha[j] * value) / total
                mass[j] = total
    query = np.random.default_rng(2).standard_normal(16)
    filled = mass > 0
    weights = np.exp(slot_keys[filled] @ query / 4)
    wanted = weights @ slot_values[filled] / weights.sum()
    assert np.allclose(cache.attend(query[None])[0], wanted, atol=1e-6)


def test_separate_controls_are_two_recurrences() -> None:
    """Known value: K~ is the mean of keys weighted by exp(W k), V~ that of values weighted by exp(W' v)."""
    place = public(SMALL, 16, Fraction(1, 4))
    both = cached_pairs(place)
    cache = remembering(ABCMlpSeparate, place)
    weights = ABCMlpSeparate(place).controls(both, np.arange(21))
    assert not np.allclose(weights[0], weights[1])
    assert np.allclose(cache.old_keys, (weights[0] / weights[0].sum(axis=0)).T @ both[0], atol=1e-6)
    assert np.allclose(cache.old_values, (weights[1] / weights[1].sum(axis=0)).T @ both[1], atol=1e-6)


def test_abc_window_is_a_sliding_window() -> None:
    """Known value: the newest S tokens, and nothing else."""
    place = public(SMALL, 16, Fraction(1, 3))
    keys, values = cached_pairs(place)
    queries = np.random.default_rng(2).standard_normal((5, 16))
    cache = remembering(ABCWindow, place)
    assert np.allclose(cache.attend(queries), attention(queries, keys[-7:], values[-7:], rule=Scaled()), atol=1e-6)


def test_abc_compressive_pools_means() -> None:
    """Known value: slot s is the mean of tokens 3 s, 3 s + 1, 3 s + 2."""
    place = public(SMALL, 16, Fraction(1, 3))
    _, values = cached_pairs(place)
    cache = remembering(ABCCompressive, place)
    assert np.allclose(cache.old_values, values.reshape(7, 3, 16).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("cache_class", LESS_CLASSES)
def test_the_recurrence_is_the_masked_parallel_form(cache_class: type[LESSRandom]) -> None:
    """Known value: (sum_evicted phi(q) psi(k) v + sum_kept e^<q,k> v) over the same without v, in one formula."""
    place = public(ScaleSchedule.square([1, 2, 3, 4, 5, 8]), 16, Fraction(1, 5))
    keys, values = cached_pairs(place)
    cache = cache_class(place)
    for scale in range(5):
        tokens = place.schedule.rows_of(scale)
        cache.append(keys[tokens], values[tokens], scale)
        cache.encode()
    kept = (keys[:, None] == cache.old_keys[None]).all(axis=2).any(axis=1)
    assert kept.sum() == 11
    assert kept[-5:].all()
    queries = np.random.default_rng(2).standard_normal((6, 16))
    scaled = queries / 4
    kernel = np.exp(cache.log_phi(scaled)) @ np.exp(cache.log_psi(keys)).T
    weights = np.where(kept, np.exp(scaled @ keys.T), kernel)
    wanted = weights @ values / weights.sum(axis=1, keepdims=True)
    assert np.allclose(cache.attend(queries), wanted, rtol=1e-5, atol=1e-6)


def test_untrained_less_is_nearly_plain_eviction() -> None:
    """Known value: at the initial scale 1e-4 the folded state weighs nothing beside the kept pairs."""
    place = public(VAR_256, 64)
    cache = remembering(LESSRandom, place)
    queries = np.random.default_rng(2).standard_normal((6, 64))
    plain = attention(queries, cache.old_keys, cache.old_values, rule=Scaled())
    assert np.abs(cache.attend(queries) - plain).max() < 1e-5


def test_positive_features_are_unbiased() -> None:
    """Law: over 3000 seeds the mean of phi(q)^T psi(k) is within 4.5 standard errors of e^<q,k>."""
    generator = np.random.default_rng(0)
    queries, keys = 0.6 * generator.standard_normal((2, 3, 4))
    found = []
    for seed in range(3000):
        cache = LESSFeatures(public(ScaleSchedule.square([1, 2, 3]), 4, seed=seed))
        scaled = queries * cache.public.rule.factor(4)
        found.append(np.exp(cache.log_phi(scaled)) @ np.exp(cache.log_psi(keys)).T)
    truth = np.exp(queries @ keys.T / 2)
    assert (np.abs(np.mean(found, axis=0) - truth) <= 4.5 * np.std(found, axis=0) / math.sqrt(3000)).all()


def test_fitted_kernels_come_nearer_than_random_ones() -> None:
    """Law: on fresh random data the ridge fit has a smaller error than untrained kernels, and than predicting 0."""
    generator = np.random.default_rng(9)
    queries, keys = generator.standard_normal((2, 200, 16))
    truth = np.exp(queries @ keys.T / 4)
    error = {}
    for cache_class in (LESSRandom, LESSFitted):
        cache = cache_class(public(SMALL, 16))
        kernel = np.exp(cache.log_phi(queries / 4)) @ np.exp(cache.log_psi(keys)).T
        error[cache_class] = float(((kernel - truth) ** 2).sum() / (truth**2).sum())
    assert error[LESSFitted] < 0.9 < error[LESSRandom]


@pytest.mark.parametrize(
    ("target", "budget", "error"),
    [
        ("abc:ABCWindow", None, Fraction(424 - 53, 2 * 424)),
        ("abc:ABCWindow", "1", 0),
        ("abc:ABCCompressive", "1", 0),
        ("abc:ABCMlp", None, Fraction(1, 2)),
        ("abc:ABCLinformer", "1", Fraction(1, 2)),
        ("less:LESSRandom", None, Fraction(424 - 21, 2 * 424)),
        ("less_features:LESSFeatures", "1/2", Fraction(1, 4)),
    ],
)
def test_in_the_game(target: str, budget: str | None, error: Fraction) -> None:
    """Measured: on VAR-256 these states answer as windows of what they kept, and as coins elsewhere."""
    reduction = plan_reduction(Geometry.of(find_model("var-d16")))
    row = duel(reduction, f"lowerbound.caches.recurrent.{target}", budget=budget, isolation=Isolation.NONE)
    assert (row.verdict == KEEPS) == (row.errors == 0)
    assert row.error_low <= float(error) <= row.error_high
