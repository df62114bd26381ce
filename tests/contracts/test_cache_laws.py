"""Laws of the cache interface, written once and run on every registered cache."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.caches.registry import CACHES, find_cache
from lowerbound.core.bits import state_bits
from lowerbound.core.cache import Cache, Public
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import Reduction

NAMES = list(CACHES)
pytestmark = pytest.mark.parametrize("name", NAMES)


def fitting(reduction: Reduction, name: str) -> Reduction:
    """The reduction in the cache's own model of computation."""
    return reduction if find_cache(name).computation_model == "R1" else reduction.in_model_r2()


def symbols_of(reduction: Reduction, trial: int = 0) -> Symbols:
    """An instance: free symbols in model R1, the network's values in model R2."""
    if reduction.network is not None:
        return reduction.network.symbols(reduction.network.draw_ids(reduction.seed, trial))
    return draw_symbols(reduction.seed, trial, n_levels=2, shape=reduction.shape)


def protocol(reduction: Reduction, name: str, budget: Fraction | None = None) -> CacheProtocol:
    cache_class, public = find_cache(name), reduction.public(budget)
    return CacheProtocol(reduction, lambda: cache_class(public))


def decoded(reduction: Reduction, name: str, state: bytes, budget: Fraction | None = None) -> Cache:
    cache = find_cache(name)(reduction.public(budget))
    cache.decode(state)
    return cache


def test_a_settled_cache_answers_as_its_copy(small: Reduction, name: str) -> None:
    """Law: after encode(), the live cache and decode(encode()) give the same answers, after every scale."""
    reduction = fitting(small, name)
    assert protocol(reduction, name).states(symbols_of(reduction), check_settled=True)


def test_encoding_again_changes_nothing(small: Reduction, name: str) -> None:
    """Law: decode then encode gives the same bytes: no cache pays, or gains, by being asked twice."""
    reduction = fitting(small, name)
    for state in protocol(reduction, name).states(symbols_of(reduction)):
        assert decoded(reduction, name, state).encode() == state


def test_the_same_instance_gives_the_same_bytes(small: Reduction, name: str) -> None:
    """Law: public coins and the instance determine the message."""
    reduction = fitting(small, name)
    symbols = symbols_of(reduction)
    assert protocol(reduction, name).states(symbols) == protocol(reduction, name).states(symbols)


def test_the_length_does_not_depend_on_the_values(small: Reduction, name: str) -> None:
    """Law: these caches write fixed-length states, so that no information hides in the length."""
    reduction = fitting(small, name)
    lengths = {tuple(map(len, protocol(reduction, name).states(symbols_of(reduction, trial)))) for trial in range(4)}
    assert len(lengths) == 1


def test_the_ledger_adds_up(small: Reduction, name: str) -> None:
    """Law: every bit of the state is booked under one item."""
    reduction = fitting(small, name)
    for state in protocol(reduction, name).states(symbols_of(reduction)):
        ledger = getattr(state, "ledger", {"payload": 8 * len(state)})
        assert sum(ledger.values()) == 8 * len(state) == state_bits(state) - 64


def test_states_grow_only_with_what_is_stored(small: Reduction, name: str) -> None:
    """Law: a state never shrinks while scales arrive: the last one is the peak."""
    reduction = fitting(small, name)
    lengths = list(map(len, protocol(reduction, name).states(symbols_of(reduction))))
    assert all(before <= after for before, after in pairwise(lengths))


def test_arguments_are_not_changed(small: Reduction, name: str) -> None:
    """Law: append and attend leave the caller's arrays alone."""
    reduction = fitting(small, name)
    cache = find_cache(name)(reduction.public())
    rows = reduction.schedule.rows_of(0)
    arrays = (
        reduction.keys.unit[rows].copy(),
        reduction.values(symbols_of(reduction))[rows].copy(),
        reduction.queries[rows].copy(),
    )
    before = [array.copy() for array in arrays]
    cache.append(arrays[0], arrays[1], 0, arrays[2])
    cache.attend(arrays[2])
    cache.encode()
    assert all(np.array_equal(array, copy) for array, copy in zip(arrays, before, strict=True))


def test_corrupt_states_are_refused(small: Reduction, name: str) -> None:
    """Bad input: a byte more, a byte less, an absurd count: CorruptState, never an index error or a wrong answer."""
    reduction = fitting(small, name)
    state = protocol(reduction, name).alice(symbols_of(reduction))
    forgeries = [state + b"\x00", b"\xff" * (len(state) + 1)]
    if state:
        forgeries += [state[:-1], b"", b"\xff" * len(state), state[:1]]
    for forgery in forgeries:
        if forgery == state:
            continue
        with pytest.raises(CorruptState):
            decoded(reduction, name, forgery)


@settings(max_examples=25)
@given(data=st.binary(max_size=200))
def test_arbitrary_bytes_never_crash(small: Reduction, name: str, data: bytes) -> None:
    """Fuzz: any bytes either decode, and then the cache answers, or raise CorruptState."""
    reduction = fitting(small, name)
    try:
        cache = decoded(reduction, name, data)
    except CorruptState:
        return
    outputs = cache.attend(reduction.queries[:2]) if not isinstance(cache, find_cache("recompute")) else None
    assert outputs is None or outputs.shape == (2, reduction.geometry.d)


def test_own_tokens_take_part_in_the_softmax(small: Reduction, name: str) -> None:
    """Definition: what is appended at the last scale is attended to at once, exactly."""
    if name == "random":
        return  # the silent cache answers with coins, whatever it is told
    reduction = fitting(small, name)
    last = reduction.schedule.n_scales - 1
    rows = reduction.schedule.rows_of(last)
    cache = decoded(reduction, name, protocol(reduction, name).alice(symbols_of(reduction)))
    own = np.full((rows.stop - rows.start, reduction.geometry.d), 0.75)
    cache.append(reduction.keys.unit[rows], own, last, reduction.queries[rows])
    outputs = cache.attend(reduction.queries[rows])
    assert np.abs(outputs - 0.75).max() <= 0.75 * float(reduction.leakage) + 1e-9


def test_budgets_outside_the_whole_are_refused(small: Reduction, name: str) -> None:
    """Bad input: a budget is a fraction in (0, 1]."""
    assert find_cache(name)
    for budget in (Fraction(0), Fraction(-1, 2), Fraction(3, 2)):
        with pytest.raises(InvalidArgument, match="budget must lie in"):
            small.public(budget)


def test_a_budget_below_one_token_is_refused(small: Reduction, name: str) -> None:
    """Bad input: caches that keep whole tokens name the nearest budget."""
    if find_cache(name).family not in ("window", "eviction"):
        assert protocol(fitting(small, name), name, Fraction(1, 50)).alice(symbols_of(fitting(small, name))) is not None
        return
    with pytest.raises(InvalidArgument, match="nearest valid choice is 1/21"):
        protocol(small, name, Fraction(1, 50)).alice(symbols_of(small))


def test_facts_are_stated(small: Reduction, name: str) -> None:
    """Definition: every cache names its family, its reference and its idea; a budget has a meaning and a default."""
    facts = find_cache(name).facts()
    assert facts.family != "user"
    assert facts.reference
    assert facts.idea
    assert bool(facts.budget_meaning) == (facts.default_budget is not None)
    assert isinstance(small.public(), Public)


def test_coded_caches_need_the_hard_family(small: Reduction, name: str) -> None:
    """Bad input: a code of public symbols cannot be made where keys and levels are not public."""
    bare = replace(small.public(), keys=None, grid=None)
    if find_cache(name).family in ("code", "recompute"):
        with pytest.raises(InvalidArgument, match="must be played"):
            find_cache(name)(bare)
    else:
        assert find_cache(name)(bare)
