"""Caches in the network: full precision changes nothing, less changes something, and bytes are what was sent."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

import numpy as np
import pytest

from lowerbound.caches.controls.full import Full64
from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import FloatArray
from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError, UnknownName
from lowerbound.var.simulator.network import random_network, simulated
from lowerbound.var.simulator.pipeline import FullCache, generate
from lowerbound.var.simulator.plugged import PluggedCache, terms_of
from lowerbound.var.simulator.simulate import simulate
from tests.marks import first_now


@pytest.mark.parametrize("name", ["tiny", "tiny-infinity"])
def test_full_precision_changes_nothing(name: str) -> None:
    """Differential: a cache that stores float64 against the network's own memory: equal ids, logits to rounding."""
    row = simulate(name, "full", precision="float64", free_running=True)
    assert row.logit_error < 1e-13
    assert row.ids_differ == 0
    model = simulated(name)
    heads = model.n_layers * model.n_heads
    state = 4 + 2 * model.n_tokens_cached * model.head_dim * 8
    assert row.state_bytes == model.cfg_branches * (heads * (state + 8) - 8 + 8)
    assert row.budget is None


def test_errors_grow_as_memory_shrinks() -> None:
    """Law: of full precisions, fewer bytes mean a larger error; a window of one token is worst."""
    rows = [simulate("tiny", name) for name in ("full", "full-fp32", "full-fp16", "uniform")]
    rows.append(simulate("tiny", "window", budget=Fraction(1, 30)))
    assert [row.state_bytes for row in rows] == sorted([row.state_bytes for row in rows], reverse=True)
    errors = [row.logit_error for row in rows[1:]]
    assert errors == sorted(errors)
    assert rows[-1].ids_differ > rows[2].ids_differ == 0
    assert rows[-1].budget == "1/30"


def test_a_run_tells_the_budget_in_force() -> None:
    """Definition: without a budget the class's default is played and told; a cache without budgets has none to tell."""
    assert [simulate("tiny", name).budget for name in ("h2o", "kivi", "pyramidkv")] == ["1/2", "1/8", "1/2"]
    assert simulate("tiny", "full", budget=Fraction(1, 4)).budget is None


def test_each_scale_shows_its_own_error() -> None:
    """Definition: with the full run's ids given, the cached run's inputs are the full run's, and the first scale is
    exact, since nothing was forgotten before it."""
    model = simulated("tiny")
    network = random_network(model, precision="float64")
    whole = generate(network, FullCache())
    terms = terms_of(model, budget=Fraction(1, 4), seed=0)
    memory = PluggedCache(find_cache("h2o"), terms.public, model.cfg_branches)
    cached = generate(network, memory, given=whole.ids)
    errors = [float(np.abs(a - b).max()) for a, b in zip(whole.logits, cached.logits, strict=True)]
    assert errors[0] < 1e-12
    assert errors[-1] > 1e-3
    assert np.array_equal(whole.f_hat, cached.f_hat)


STRUCTURED = tuple(name for name in CACHES if find_cache(name).family == "structured")
NEEDS_PUBLIC_KEYS = ("exact", "majority", "hamming", "golay", "recompute", *STRUCTURED)
"""They speak of public keys, levels or weights, of which a trained layer has none."""


@pytest.mark.slow
@pytest.mark.parametrize("name", first_now([name for name in CACHES if name not in NEEDS_PUBLIC_KEYS], 15, n_slow=0))
def test_every_cache_plugs_in(name: str) -> None:
    """Law: every registered cache that needs nothing public serves as the network's memory."""
    row = simulate("tiny-infinity", name)
    assert row.state_bytes > 0
    assert np.isfinite(row.logit_error)


@pytest.mark.parametrize("name", NEEDS_PUBLIC_KEYS)
def test_others_say_what_they_need(name: str) -> None:
    """Bad input: a cache of the hard family is refused in one sentence."""
    with pytest.raises(InvalidArgument, match="must be played"):
        simulate("tiny", name)


class Forgetful(Full64):
    """A cache whose bytes say nothing."""

    text: ClassVar[str] = ""

    def encode(self) -> EncodedState:
        super().encode()
        return EncodedState(b"", {})


class Shy(Full64):
    """A cache that answers NaN."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return np.full(queries.shape, np.nan)


@pytest.mark.parametrize(
    ("target", "error", "sentence"),
    first_now(
        [
            (f"{__name__}:Forgetful", CacheContractBroken, "must decode what it encoded"),
            (f"{__name__}:Shy", CacheContractBroken, "must return finite numbers"),
            ("h20", UnknownName, "did you mean h2o"),
        ],
        1,
    ),
)
def test_caches_that_cannot_serve(target: str, error: type[LowerBoundError], sentence: str) -> None:
    """Forgery and bad input: what lies outside the bytes is lost, and every refusal is one sentence."""
    with pytest.raises(error, match=sentence):
        simulate("tiny", target)
