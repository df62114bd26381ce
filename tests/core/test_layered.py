"""Truth here: a stack of heads is its heads, one after another: their bytes, their answers, the sum of their bits."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import cached_property

import numpy as np
import pytest

from lowerbound.caches.eviction.h2o import H2O
from lowerbound.caches.registry import find_cache, play
from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import Memory, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.layered import LENGTH_BITS, PerHead
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, ImpossibleReduction, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.index import draw_symbols
from lowerbound.game.protocol import CacheProtocol, stack_of
from lowerbound.game.reduction import Reduction, plan_reduction

STACK = (3, 2)


def tall(reduction: Reduction) -> Reduction:
    return reduction.stacked(STACK)


def filled(public: Public, heads: int, layers: int, seed: int = 0) -> PerHead:
    """H2O for every head, after one scale of random tokens."""
    cache = PerHead([H2O(public) for _ in range(heads * layers)], layers)
    rows = np.random.default_rng(seed).standard_normal((3, layers, heads, 16, public.d))
    for layer in range(layers):
        cache.append(layer, rows[0, layer], rows[1, layer], 2, rows[2, layer])
    return cache


def test_a_state_is_the_heads_states_and_their_lengths(small: Reduction) -> None:
    """Definition: k heads cost k states and k - 1 lengths, and one head costs its own state."""
    public = small.public()
    alone = H2O(public)
    rows = np.random.default_rng(0).standard_normal((3, 16, public.d))
    alone.append(rows[0], rows[1], 2, rows[2])
    one = filled(public, 1, 1).encode()
    many = filled(public, 2, 3).encode()
    assert one == alone.encode()
    assert isinstance(many, EncodedState)
    assert 8 * len(many) == 6 * 8 * len(one) + 5 * LENGTH_BITS == sum(many.ledger.values())
    assert many.ledger["length_prefix"] == 5 * LENGTH_BITS


SAID = [name for name, thing in vars(Memory).items() if isinstance(thing, (property, cached_property))]


@pytest.mark.parametrize("budget", [None, Fraction(1, 3)])
@pytest.mark.parametrize("name", ["h2o", "kivi", "turboquant", "window-scales", "full-fp16", "gear", "subgen"])
def test_a_stack_says_what_its_heads_say(name: str, budget: Fraction | None) -> None:
    """Law: every statement of an instance about itself survives the wrapper; sizes are summed over the heads."""
    public = Public(ScaleSchedule.square([1, 2, 4, 8]), 16, Scaled(), budget=budget)
    alone, stack = find_cache(name)(public), stack_of(lambda: find_cache(name)(public), (3, 2))
    assert {"budget", "told_budget", "claimed_ratio", "counted_bits", "n_streams"} == set(SAID)
    for said in ("budget", "told_budget", "claimed_ratio"):
        assert getattr(stack, said) == getattr(alone, said), said
    assert stack.n_streams == 6 * alone.n_streams
    assert stack.counted_bits == (None if alone.counted_bits is None else 6 * alone.counted_bits)


def test_every_head_answers_for_itself(small: Reduction) -> None:
    """Differential: after decode(encode()) every head answers as a cache of its own that saw the same tokens."""
    public = small.public()
    cache = filled(public, 2, 3, seed=7)
    copy = PerHead([H2O(public) for _ in range(6)], 3)
    copy.decode(cache.encode())
    rows = np.random.default_rng(7).standard_normal((3, 3, 2, 16, public.d))
    queries = np.random.default_rng(8).standard_normal((2, 5, public.d))
    for layer in range(3):
        for head in range(2):
            alone = H2O(public)
            alone.append(rows[0, layer, head], rows[1, layer, head], 2, rows[2, layer, head])
            alone.encode()
            assert np.array_equal(copy.attend(layer, queries)[head], alone.attend(queries[head]))


def test_corrupt_stacks_are_refused(small: Reduction) -> None:
    """Bad input: a byte more or less, a length beyond the end, nothing at all."""
    public = small.public()
    state = filled(public, 2, 1).encode()
    for forgery in (state + b"\0", state[:-1], b"", state[:5], b"\xff" * len(state), b"\x01" + state[1:]):
        with pytest.raises(CorruptState):
            PerHead([H2O(public), H2O(public)], 1).decode(forgery)


def test_a_stack_plays_for_all_its_symbols(small: Reduction) -> None:
    """Law: six heads are six times the symbols, six times the floor, and six states with their lengths."""
    one = play(small, "full-fp16", isolation=Isolation.NONE)
    six = play(tall(small), "full-fp16", isolation=Isolation.NONE)
    assert (six.layers, six.heads, six.symbols, six.errors) == (3, 6, 6 * one.symbols, 0)
    assert six.state_bits - 64 == 6 * (one.state_bits - 64) + 5 * LENGTH_BITS
    assert six.measured_ratio == pytest.approx(32 * six.symbols / six.state_bits)
    assert six.floor_bits > 6 * one.floor_bits  # more symbols narrow the interval of the error


def test_heads_hold_values_of_their_own(small: Reduction) -> None:
    """Definition: the first head's symbols are those of the one-head instance, and no two heads share theirs."""
    instance = tall(small)
    symbols = draw_symbols(PrivateSeed(instance.seed), 0, n_levels=2, shape=instance.shape)
    alone = draw_symbols(PrivateSeed(small.seed), 0, n_levels=2, shape=small.shape)
    heads = symbols.reshape(6, *small.shape)
    assert np.array_equal(heads[0], alone)
    assert len({head.tobytes() for head in heads}) == 6
    protocol = CacheProtocol(instance, lambda: H2O(instance.public(Fraction(1))))
    assert np.array_equal(protocol.bob(protocol.alice(symbols)), symbols)


def test_heads_ask_ever_more_for_a_few_older_tokens(small: Reduction) -> None:
    """Law: the first head's tokens ask for themselves, the last head's mostly for others, and none for the future."""
    place = plan_reduction(Geometry("mid", ScaleSchedule.square([1, 2, 4, 8, 16, 4]), 32)).stacked((4, 2))
    scale = 4
    rows = place.schedule.rows_of(scale)
    asked = place.asked_at(scale)
    assert asked.shape == (4, 2, 256, 32)
    own = (asked == place.queries[rows]).all(axis=-1).mean(axis=-1).ravel()
    assert own[0] == 1.0
    assert own == pytest.approx([1 - head / 8 for head in range(8)], abs=0.1)
    visible = {row.tobytes() for row in place.queries[: rows.stop]}
    assert all(row.tobytes() in visible for row in asked.reshape(-1, 32))
    assert np.array_equal(asked, place.asked_at(scale))


def test_the_stack_survives_the_wall(small: Reduction) -> None:
    """Law: to_json and from_json keep the stack, and with it queries and shape."""
    copy = Reduction.from_json(tall(small).to_json())
    assert copy.stack == STACK
    assert copy.shape == tall(small).shape
    assert np.array_equal(copy.asked_at(2), tall(small).asked_at(2))
    assert small.geometry.stack is None


@pytest.mark.parametrize("stack", [(0, 1), (1, 0), (5000, 1), (1, 2.5)])
def test_stacks_out_of_range_are_refused(small_geometry: Geometry, stack: tuple[int, int]) -> None:
    """Bad input: layers and heads are whole numbers of a size that a model has."""
    with pytest.raises(InvalidArgument, match="layers and heads"):
        replace(small_geometry, stack=stack)


def test_token_ids_make_one_head(small: Reduction) -> None:
    """Bad input: model R2's one sequence of token ids is no input for independent heads."""
    with pytest.raises(ImpossibleReduction, match="one head"):
        tall(small).in_model_r2()
