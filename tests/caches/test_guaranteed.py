"""Truth: the promised error under attacks that know everything, the proved bits as bytes, and the laws of caches.

The laws of all four are slow together, so that A_d*, the cheapest, stands for them in the default suite.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar

import numpy as np
import pytest

from lowerbound.caches.guaranteed.dithered import GuaranteedDithered
from lowerbound.caches.guaranteed.guaranteed import GuaranteedA, GuaranteedE8, GuaranteedZ
from lowerbound.caches.guaranteed.lattice_tokens import LatticeTokens
from lowerbound.caches.guaranteed.word_tokens import WordTokens
from lowerbound.caches.registry import cache_of, find_cache
from lowerbound.ceiling.achieved import Rounded
from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.core.bits import BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.grid import Grid
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm
from lowerbound.errors import CorruptState
from tests.contracts.laws import CacheLaws, rounding, written_bits
from tests.contracts.playing import SMALL, VAR_256, at_once, holding, public, states_of
from tests.marks import first_now

EXACT = "test_the_whole_budget_is_exact"
SURE: list[type[LatticeTokens]] = [GuaranteedZ, GuaranteedE8, GuaranteedA]
ALL: list[type[WordTokens]] = [*SURE, GuaranteedDithered]
ETAS = [Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000)]


class GuaranteedLaws(CacheLaws):
    """Within a promised error of attention over unit keys and values in [0, 1]; there is no budget."""

    cache: ClassVar[type[WordTokens]]
    uses_coins = True
    header_bits = 48
    not_applicable: ClassVar = {EXACT: "answers are within eta, and for unit keys and values in [0, 1] alone"}

    def bits(self, n: int, place: Public) -> int:
        return closed_form(n, self.cache.promised(place).n_words)


def closed_form(n: int, n_words: int) -> int:
    """ceil(log2 C(L + n - 1, n)) + n q, by a product of quotients that are all exact."""
    q = 0
    while 0 < 8 * n * 2 ** (q + 1) <= n_words:
        q += 1
    buckets, ranks = -(-n_words // 2**q), 1
    for i in range(n):
        ranks = ranks * (buckets + i) // (i + 1)
    return (ranks - 1).bit_length() + n * q


def in_order(n: int, n_words: int) -> int:
    """The bits of n words in blocks of 64, each one number: the binary digits of the largest number of each block."""
    blocks = [64] * (n // 64) + [n % 64] * (n % 64 > 0)
    return sum(len(f"{n_words**count - 1:b}") for count in blocks)


@pytest.mark.slow
class TestGuaranteedZ(GuaranteedLaws):
    cache = GuaranteedZ


@pytest.mark.slow
class TestGuaranteedE8(GuaranteedLaws):
    cache = GuaranteedE8


@pytest.mark.slow
class TestGuaranteedA(GuaranteedLaws):
    cache = GuaranteedA


@pytest.mark.slow
class TestGuaranteedDithered(GuaranteedLaws):
    cache = GuaranteedDithered

    def bits(self, n: int, place: Public) -> int:
        return in_order(n, self.cache.promised(place).n_words)


def promising(eta: Fraction, seed: int = 0) -> Public:
    """A place of 21 cached tokens in R^16 at multiplier 100, where the caches promise eta."""
    place = public(SMALL, 16, rule=L2Norm(100.0), seed=seed)
    return replace(place, grid=Grid.binary("additive", eta, Fraction(0)))


def pairs(place: Public, seed: int = 0) -> tuple[FloatArray, FloatArray]:
    """Unit keys of the cached tokens, near enough to each other to share queries, and values, half of them 0 or 1."""
    rng = np.random.default_rng(seed)
    shape = place.schedule.n_tokens_cached, place.d
    keys, values = unit_rows(rng.normal(size=shape)), rng.random(shape)
    values[:, ::2] = rng.integers(0, 2, values[:, ::2].shape)
    return keys, values


def worst_error(cache_class: type[WordTokens], place: Public, keys: FloatArray, values: FloatArray) -> float:
    """The largest error over queries that know every key and every error of it.

    Between two tokens, balanced, and leaning to where their errors differ most; and beside one token, leaning to its
    error, where the newest scale has an exact copy of its key whose value is 0 or 1.
    """
    state = at_once(cache_class, place, keys, values).encode()
    cache = holding(cache_class, place, state)
    off = keys - cache.old_keys[(keys @ cache.old_keys.T).argmax(axis=1)]
    i, j = np.nonzero(~np.eye(len(keys), dtype=bool))
    between, apart, pull = unit_rows(keys[i] + keys[j]), keys[i] - keys[j], off[i] - off[j]
    pull = unit_rows(pull - (pull * between).sum(axis=1, keepdims=True) * between)
    worst = 0.0
    for lean in (0.5, 0.8, 1.0):
        queries = unit_rows(between + lean * pull)
        share = (queries * apart).sum(axis=1, keepdims=True) / (apart * apart).sum(axis=1, keepdims=True)
        queries -= share * apart
        truth = attention(queries, keys, values, rule=place.rule)
        worst = max(worst, float(np.abs(cache.attend(queries) - truth).max()))
    aside = unit_rows(off - (off * keys).sum(axis=1, keepdims=True) * keys)
    for own in (0.0, 1.0):
        for token in range(len(keys) // 2):
            key, value = keys[token : token + 1], np.full((1, place.d), own)
            live = holding(cache_class, place, state)
            live.append(key, value, place.schedule.n_scales - 1)
            queries = np.concatenate([unit_rows(key + lean * aside[token]) for lean in (-0.9, 0.9)])
            truth = attention(queries, np.concatenate([keys, key]), np.concatenate([values, value]), rule=place.rule)
            worst = max(worst, float(np.abs(live.attend(queries) - truth).max()))
    return worst


@pytest.mark.parametrize("eta", first_now(ETAS), ids=str)
@pytest.mark.parametrize("cache_class", SURE)
def test_no_query_errs_by_more_than_promised(cache_class: type[LatticeTokens], eta: Fraction) -> None:
    """Law: attacks that know all errors stay within eta and rounding; they reach half of it: no idle promise."""
    place = promising(eta)
    keys, values = pairs(place)
    worst = worst_error(cache_class, place, keys, values)
    assert float(eta) / 2 <= worst <= float(eta) + rounding(place, np.stack([keys, values, keys]))


@pytest.mark.parametrize("eta", first_now(ETAS), ids=str)
def test_dithered_answers_hold_for_queries_that_do_not_know_the_coins(eta: Fraction) -> None:
    """Measured: over five draws of coins, at most 1 % of 33600 entries near keys err by more than eta."""
    wrong, count = 0, 0
    for seed in range(5):
        place = promising(eta, seed)
        keys, values = pairs(place)
        cache = at_once(GuaranteedDithered, place, keys, values)
        aside = np.random.default_rng(seed).normal(size=(20, *keys.shape)) / 4
        queries = unit_rows((keys + 0.9 * aside).reshape(-1, place.d))
        errors = np.abs(cache.attend(queries) - attention(queries, keys, values, rule=place.rule))
        wrong, count = wrong + int((errors > float(eta)).sum()), count + errors.size
    assert wrong <= count / 100


@pytest.mark.parametrize("cache_class", SURE)
def test_keys_are_as_near_as_the_covering_radius(cache_class: type[LatticeTokens]) -> None:
    """Law: |k - k^| <= r, and values within the half width of their cell, in a dimension that 8 does not divide too."""
    for d in (1, 6, 16):
        place = replace(promising(Fraction(1, 100)), d=d)
        keys, values = pairs(place)
        cache = at_once(cache_class, place, keys, values)
        terms = cache.terms
        radius = float(terms.spacing) * float(terms.lattice.covering_squared) ** 0.5
        nearest = ((keys[:, None] - cache.old_keys[None]) ** 2).sum(axis=2).min(axis=1)
        assert nearest.max() <= (radius * (1 + 2**-26)) ** 2
        widest = float(terms.cells.half_width(Fraction(1, 2)))
        assert (
            np.abs(np.sort(values.ravel())[:, None] - np.sort(cache.old_values.ravel())).min(axis=1) <= widest
        ).all()


@pytest.mark.parametrize("d", first_now([6, 1, 64]))
def test_dithered_errors_are_uniform_and_in_order(d: int) -> None:
    """Definition: errors of keys and values lie in their cells, fill them evenly, and tokens keep their places.

    A uniform variable on [-1/2, 1/2] has mean 0 and variance 1/12, and so have all errors together, to five standard
    deviations; values at 0, 1/2 and 1 have their errors evenly too, and some decode outside [0, 1].
    """
    place = replace(promising(Fraction(1, 100)), d=d, schedule=VAR_256)
    keys, values = pairs(place)
    values[::3], values[1::3] = np.rint(values[::3]), 0.5
    cache = at_once(GuaranteedDithered, place, keys, values)
    turned = (cache.old_keys - keys) @ cache._rotation.T / float(cache.terms.spacing)
    for errors in (
        turned,
        (cache.old_values - values) * cache.terms.steps,
        (cache.old_values[1::3] - 0.5) * cache.terms.steps,
    ):
        assert np.abs(errors).max() <= 0.5 + 1e-9
        room = 5 / errors.size**0.5
        assert abs(errors.mean()) <= room * (1 / 12) ** 0.5
        assert abs((errors**2).mean() - 1 / 12) <= room * (1 / 180) ** 0.5
    assert cache.old_values.min() < 0
    assert cache.old_values.max() > 1


@pytest.mark.parametrize(
    "cache_class", [GuaranteedA, *(pytest.param(c, marks=pytest.mark.slow) for c in ALL if c != GuaranteedA)]
)
def test_a_state_is_what_is_proved(cache_class: type[WordTokens]) -> None:
    """Known value: on VAR-256 at eta = 1/1000, a state is the proved count, at most 0.1 bit a token, and 48 bits."""
    place = replace(promising(Fraction(1, 1000)), schedule=VAR_256, d=64)
    state = at_once(cache_class, place, *pairs(place)).encode()
    terms = cache_class.promised(place)
    length = in_order if cache_class is GuaranteedDithered else closed_form
    assert written_bits(state) == terms.played_bits == 48 + length(424, terms.n_words)
    assert terms.bits <= terms.played_bits <= terms.bits + 49 + 42.4
    assert find_cache(cache_of(terms)) is cache_class
    per_token = {"z": 1707.0, "e8": 1675.0, "a": 1660.0, "dithered": 1542.1}
    assert round(float(terms.bits_per_token), 1) == per_token[terms.code]


@pytest.mark.parametrize("cache_class", first_now(ALL))
def test_old_tokens_are_not_rounded_again(cache_class: type[WordTokens]) -> None:
    """Law: scale by scale or at once, the same state: no error grows. Without coins, no order is kept."""
    place = promising(Fraction(1, 100))
    keys, values = pairs(place)
    whole = at_once(cache_class, place, keys, values).encode()
    rows = np.pad(np.stack([keys, values, keys]), ((0, 0), (0, 64), (0, 0)))
    assert states_of(cache_class, place, rows)[-1] == whole
    turned = at_once(cache_class, place, keys[::-1], values[::-1]).encode()
    assert (turned == whole) == (cache_class is not GuaranteedDithered)


@pytest.mark.slow
def test_a_fresh_process_answers_alike() -> None:
    """Law: bytes are all that crosses: another process decodes, answers and encodes bit for bit as this one."""
    place = promising(Fraction(1, 1000))
    keys, values = pairs(place)
    cache = at_once(GuaranteedA, place, keys, values)
    program = """
import sys, json
import numpy as np
from tests.caches.test_guaranteed import ETAS, GuaranteedA, holding, pairs, promising
place = promising(ETAS[2])
cache = holding(GuaranteedA, place, bytes.fromhex(sys.stdin.read()))
print(json.dumps([cache.attend(pairs(place)[0]).tobytes().hex(), cache.encode().hex()]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], input=cache.encode().hex(), capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [cache.attend(keys).tobytes().hex(), cache.encode().hex()]


class Narrow(Rounded):
    """Terms that give words three bits less than are proved to do."""

    @property
    def n_words(self) -> int:
        """N / 8."""
        return super().n_words >> 3


class TooNarrow(GuaranteedA):
    """A cache on those terms."""

    @classmethod
    def promised(cls, public: Public) -> Rounded:
        return Narrow(**vars_of(GuaranteedA.promised(public)))


def vars_of(terms: Rounded) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Rounded.__dataclass_fields__}


def test_words_that_do_not_fit_widen_the_state() -> None:
    """Law: where words below the bound are missing, the state says so, pays for it, and is no wider than it must be.

    Bits 32 to 48 say by how many bits words are wider. An eighth of the words is too few, and so is a quarter; a half
    is what the coder is made for, but not for every token: the next width that is tried is 4.
    """
    place = promising(Fraction(1, 100))
    keys, values = pairs(place)
    cache = at_once(TooNarrow, place, keys, values)
    state = cache.encode()
    widening = int.from_bytes(state[4:6], "big")
    assert widening == 4
    assert written_bits(state) == 48 + closed_form(21, cache.terms.n_words << 4)
    plain = at_once(GuaranteedA, place, keys, values)
    assert np.array_equal(np.sort(cache.old_keys, axis=0), np.sort(plain.old_keys, axis=0))
    with pytest.raises(CorruptState):
        holding(TooNarrow, place, state[:5] + b"\x02" + state[6:])
    words = plain._code.encode(plain._points, [0] * 21, plain.terms.n_words << 8)
    assert words is not None
    writer = BitWriter()
    writer.uints("indices", [21], width=32)
    writer.uints("indices", [8], width=16)
    MultisetCode(21, plain.terms.n_words << 8).write(writer, words)
    with pytest.raises(CorruptState, match="as narrow as they can be"):
        holding(GuaranteedA, place, writer.encoded())


def test_extreme_tokens() -> None:
    """Degenerate case: equal keys, opposite keys, axes of the rotated space, zero keys, values outside [0, 1]."""
    place = promising(Fraction(1, 100))
    for cache_class in ALL:
        rotation = cache_class(place)._rotation
        zero = np.zeros(16)
        keys = np.stack([rotation[0], rotation[0], -rotation[0], *rotation[:5], rotation[15], zero, zero])
        values = np.linspace(-1, 2, keys.size).reshape(keys.shape)
        cache = at_once(cache_class, place, keys, values)
        state = cache.encode()
        assert holding(cache_class, place, state).encode() == state
        beyond = 1 / 2 / cache.terms.steps if isinstance(cache, GuaranteedDithered) else 0.0
        assert -beyond <= cache.old_values.min() <= cache.old_values.max() <= 1 + beyond
        lengths = np.linalg.norm(cache.old_keys, axis=1)
        assert np.abs(lengths - 1).max() <= float(cache.terms.spacing) * 4


@pytest.mark.slow
def test_a_dither_that_is_known_protects_nobody() -> None:
    """Counter-example: in R^64 queries that know the coins make a dithered cache err by more than eta."""
    place = replace(promising(Fraction(1, 1000)), d=64)
    assert worst_error(GuaranteedDithered, place, *pairs(place)) > 1 / 1000
