"""Truth: the closed form of a state that does not grow, and the papers' recurrences read aloud, token by token.

ABC and LESS.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.abc import ABCCluster, ABCCompressive, ABCLinformer, ABCMlp, ABCMlpSeparate, ABCRandom, ABCWindow
from lowerbound.caches.less import LESSFeatures, LESSFitted, LESSRandom
from lowerbound.caches.restored import RestoredTokens
from lowerbound.core.attention import L2Norm, Rule, Scaled, attention
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import Public
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import Geometry, plan_reduction

ABC_CLASSES = [ABCMlp, ABCLinformer, ABCCluster, ABCRandom, ABCCompressive, ABCWindow]
LESS_CLASSES = [LESSRandom, LESSFeatures, LESSFitted]
VAR256 = [1, 2, 3, 4, 5, 6, 8, 10, 13, 16]
PLACES = [([1, 2, 4, 8], 16), (VAR256, 64), ([1, 2, 3, 5], 12)]


def public(
    sides: list[int], d: int, *, budget: Fraction | None = None, seed: int = 0, rule: Rule | None = None
) -> Public:
    return Public(ScaleSchedule.square(sides), d, rule or Scaled(), seed, budget)


def rows(place: Public, seed: int = 1) -> np.ndarray:
    """Random keys and values of all cached tokens."""
    return np.random.default_rng(seed).standard_normal((2, place.schedule.n_tokens_cached, place.d))


def play(cache_class: type[RestoredTokens], place: Public, seed: int = 1) -> tuple[list[EncodedState], RestoredTokens]:
    """The state after each cached scale, from random keys and values, and the last cache."""
    keys, values = rows(place, seed)
    states: list[EncodedState] = []
    for scale in range(place.schedule.n_scales - 1):
        cache = cache_class(place)
        if states:
            cache.decode(states[-1])
        tokens = place.schedule.rows_of(scale)
        cache.append(keys[tokens], values[tokens], scale)
        states.append(cache.encode())
    return states, cache


@pytest.mark.parametrize(("sides", "d"), PLACES)
def test_bits_are_the_closed_form(sides: list[int], d: int) -> None:
    """Known values: 32 S (2 d + 1), and B (32 d + 32) + 32 R (d + 1), whatever the number of tokens."""
    place = public(sides, d)
    slots, kept = place.schedule.n_tokens_cached // 8, max(2, place.schedule.n_tokens_cached // 20)
    for cache_class in ABC_CLASSES:
        assert {8 * len(state) for state in play(cache_class, place)[0]} == {32 * slots * (2 * d + 1) + 32}
    assert 8 * len(play(ABCMlpSeparate, place)[0][-1]) == 32 * slots * (2 * d + 2) + 32
    for cache_class in LESS_CLASSES:
        assert 8 * len(play(cache_class, place)[0][-1]) == kept * (32 * d + 32) + 32 * 8 * (d + 1) + 32


@pytest.mark.parametrize("cache_class", [*ABC_CLASSES, ABCMlpSeparate, *LESS_CLASSES])
@pytest.mark.parametrize("rule", [Scaled(), L2Norm(10.0), L2Norm(100.0)])
@pytest.mark.parametrize(("sides", "d"), PLACES)
def test_laws(cache_class: type[RestoredTokens], rule: Rule, sides: list[int], d: int) -> None:
    """Laws: settled; finite; encoding again changes nothing; corrupt states are refused."""
    place = public(sides, d, rule=rule)
    states, cache = play(cache_class, place)
    queries = np.random.default_rng(5).standard_normal((9, d))
    copy = cache_class(place)
    copy.decode(states[-1])
    assert np.array_equal(cache.attend(queries), copy.attend(queries))
    assert np.isfinite(copy.attend(queries)).all()
    for state in states:
        again = cache_class(place)
        again.decode(state)
        assert again.encode() == state
    for forgery in (states[-1] + b"\0", states[-1][:-1], b"", b"\xff" * len(states[-1])):
        with pytest.raises(CorruptState):
            cache_class(place).decode(forgery)


def test_slots_with_impossible_weights_are_refused() -> None:
    """Bad input: a negative normaliser, and slots that are full before any token came."""
    place = public([1, 2, 4, 8], 16)
    state, _ = play(ABCMlp, place)
    with pytest.raises(CorruptState, match="weights"):
        ABCMlp(place).decode(state[-1][:-4] + np.float32(-1).tobytes())
    with pytest.raises(CorruptState, match="weights"):
        ABCMlp(place).decode(b"\0\0\0\0" + state[-1][4:])


@pytest.mark.parametrize("cache_class", [ABCCompressive, ABCWindow])
def test_one_slot_a_token_is_exact(cache_class: type[RestoredTokens]) -> None:
    """Degenerate case: S = n slots and one-hot control make the full cache, in float32."""
    place = public([1, 2, 4, 8], 16, budget=Fraction(1))
    keys, values = rows(place)
    queries = np.random.default_rng(2).standard_normal((5, 16))
    _, cache = play(cache_class, place)
    assert np.allclose(cache.attend(queries), attention(queries, keys, values, rule=Scaled()), atol=1e-6)


@pytest.mark.parametrize("cache_class", [ABCMlp, ABCLinformer, ABCCluster, ABCRandom, ABCCompressive])
def test_abc_is_its_recurrence(cache_class: type[ABCMlp]) -> None:
    """Known value: N += alpha, K~ <- (K~ N_old + alpha k) / N, V~ alike, token by token; output V~^T softmax(K~ q)."""
    place = public([1, 2, 4, 8], 16, budget=Fraction(1, 4))
    keys, values = rows(place)
    _, cache = play(cache_class, place)
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
    place = public([1, 2, 4, 8], 16, budget=Fraction(1, 4))
    both = rows(place)
    _, cache = play(ABCMlpSeparate, place)
    weights = ABCMlpSeparate(place).controls(both, np.arange(21))
    assert not np.allclose(weights[0], weights[1])
    assert np.allclose(cache.old_keys, (weights[0] / weights[0].sum(axis=0)).T @ both[0], atol=1e-6)
    assert np.allclose(cache.old_values, (weights[1] / weights[1].sum(axis=0)).T @ both[1], atol=1e-6)


def test_abc_window_is_a_sliding_window() -> None:
    """Known value: the newest S tokens, and nothing else."""
    place = public([1, 2, 4, 8], 16, budget=Fraction(1, 3))
    keys, values = rows(place)
    queries = np.random.default_rng(2).standard_normal((5, 16))
    _, cache = play(ABCWindow, place)
    assert np.allclose(cache.attend(queries), attention(queries, keys[-7:], values[-7:], rule=Scaled()), atol=1e-6)


def test_abc_compressive_pools_means() -> None:
    """Known value: slot s is the mean of tokens 3 s, 3 s + 1, 3 s + 2."""
    place = public([1, 2, 4, 8], 16, budget=Fraction(1, 3))
    _, values = rows(place)
    _, cache = play(ABCCompressive, place)
    assert np.allclose(cache.old_values, values.reshape(7, 3, 16).mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("cache_class", LESS_CLASSES)
def test_the_recurrence_is_the_masked_parallel_form(cache_class: type[LESSRandom]) -> None:
    """Known value: (sum_evicted phi(q) psi(k) v + sum_kept e^<q,k> v) over the same without v, in one formula."""
    place = public([1, 2, 3, 4, 5, 8], 16, budget=Fraction(1, 5))
    keys, values = rows(place)
    keys, values = keys.astype(np.float16).astype(np.float64), values.astype(np.float16).astype(np.float64)
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
    place = public(VAR256, 64)
    _, cache = play(LESSRandom, place)
    queries = np.random.default_rng(2).standard_normal((6, 64))
    plain = attention(queries, cache.old_keys, cache.old_values, rule=Scaled())
    assert np.abs(cache.attend(queries) - plain).max() < 1e-5


def test_positive_features_are_unbiased() -> None:
    """Law: over 3000 seeds the mean of phi(q)^T psi(k) is within 4.5 standard errors of e^<q,k>."""
    generator = np.random.default_rng(0)
    queries, keys = 0.6 * generator.standard_normal((2, 3, 4))
    found = []
    for seed in range(3000):
        cache = LESSFeatures(public([1, 2, 3], 4, seed=seed))
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
        cache = cache_class(public([1, 2, 4, 8], 16))
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
        ("less:LESSFeatures", "1/2", Fraction(1, 4)),
    ],
)
def test_in_the_game(target: str, budget: str | None, error: Fraction) -> None:
    """Measured: on VAR-256 these states answer as windows of what they kept, and as coins elsewhere."""
    reduction = plan_reduction(Geometry.of(find_model("var-d16")))
    row = duel(reduction, f"lowerbound.caches.{target}", budget=budget, isolation=Isolation.NONE)
    assert row.verdict == "above the floor"
    assert row.error_low <= float(error) <= row.error_high
