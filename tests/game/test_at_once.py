"""Truth: asked at once or in blocks, a cache that says so gives the same answers, and no other is asked at once."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.eviction.window import TokenWindow
from lowerbound.caches.registry import find_cache
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game import protocol as home
from lowerbound.game.hard_family import HardFamily, Run
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import plan_reduction
from tests.marks import first_now

HEAD = Geometry("a decoder", paged(60), 16)


def families() -> list[HardFamily]:
    """The games of bits and of keys and values on a head with one own token, on two layers of one head."""
    bits: HardFamily = plan_reduction(HEAD, eta=Fraction(1, 20), guarantee="additive")
    return [bits.stacked((2, 1)), payload_game(HEAD, "C", eta=Fraction(1, 20)).stacked((2, 1))]


def readings(family: HardFamily, name: str, monkeypatch: pytest.MonkeyPatch, *, most: int) -> tuple[Any, list[int]]:
    """(Bob's symbols, the queries of each of his runs) of a cache that gets so many queries at once."""
    cache = find_cache(name)
    protocol = CacheProtocol(family, lambda: cache(family.public(Fraction(1, 2) if cache.budget_meaning else None)))
    symbols = family.symbols_of(family.draw(PrivateSeed.parse("9"), 0))
    sizes: list[int] = []
    original = home._append

    def counted(cache: Any, scale: int, keys: Any, values: Any, queries: Any) -> None:
        if scale == family.schedule.n_scales - 1:
            sizes.append(queries.shape[2])
        original(cache, scale, keys, values, queries)

    message = protocol.states(symbols)[-1]
    monkeypatch.setattr(home, "QUERIES_AT_ONCE", most)
    monkeypatch.setattr(home, "_append", counted)
    return protocol.bob(message), sizes


@pytest.mark.parametrize("number", first_now([0, 1]))
@pytest.mark.parametrize(
    "name",
    first_now(
        ["prefixkv", "h2o", "abc-mlp", "full-fp16", "kivi", "subgen", "balancekv", "less-fitted", "window-sum"], 1, 4
    ),
)
def test_at_once_is_as_in_blocks(number: int, name: str) -> None:
    """Metamorphic: how many queries a cache that answers apart gets at once changes no symbol of Bob's."""
    found = []
    for most in (1, 7, 4096):
        with pytest.MonkeyPatch.context() as patch:
            symbols, sizes = readings(families()[number], name, patch, most=most)
            assert max(sizes) <= most
            found.append(symbols)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


def test_other_caches_get_one_query_an_own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: a cache whose answers may depend on what else is asked gets T_N queries a run, each time afresh."""
    _, sizes = readings(families()[0], "random", monkeypatch, most=4096)
    assert set(sizes) == {1}
    assert len(sizes) == HEAD.n_tokens_cached


class Counting(TokenWindow):
    """Answers better the more often it was asked, and inherits what TokenWindow says of its answers."""

    def attend(self, queries: np.ndarray) -> np.ndarray:
        self.asked = getattr(self, "asked", 0) + len(queries)
        return super().attend(queries) * self.asked


class Honest(Counting):
    """Says itself that it is what it is not: the word of a class is taken."""

    answers_apart = True


def test_a_class_that_answers_anew_says_it_anew() -> None:
    """Definition: a class that defines `attend` is asked at once only if it says so itself, whatever it inherits."""
    assert TokenWindow.is_asked_at_once()
    assert not Counting.is_asked_at_once()
    assert Honest.is_asked_at_once()


def test_runs_have_the_queries_that_were_asked_for() -> None:
    """Law: the blocks cover all tokens once, in order, whatever their size; without one they have T_N tokens."""
    for most, size in ((None, 1), (7, 7), (100, 60)):
        blocks = list(QueryBlocks(HEAD.schedule, most))
        assert [token for block in blocks for token in block] == list(range(60))
        assert max(map(len, blocks)) == size
    first = next(families()[0].reading(25))
    assert isinstance(first, Run)
    assert first.queries.shape == (2, 1, 25, 16)
