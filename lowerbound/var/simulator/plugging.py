"""Caches by name as a network's KV cache: this package's own in this process, a foreign one in a live party.

The network, the trace and everything that is printed stay with the judge. Queries, keys and values go to the party one
layer at a time, answers come back, and so do the states at the end of every scale, whose bytes are counted here.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np

from lowerbound.caches.registry import target_of
from lowerbound.core.cache import Memory
from lowerbound.core.loading import load_cache
from lowerbound.core.program import floats, programs_end_here
from lowerbound.core.scalars import counted, rational
from lowerbound.core.threads import one_thread
from lowerbound.core.time_limit import TIME_LIMIT_S
from lowerbound.errors import CacheContractBroken, InvalidArgument
from lowerbound.game.channel import OWN_CACHES, Isolation, module_path, party_path_here, refuse_here, strongest
from lowerbound.game.live import LiveParty, serve
from lowerbound.game.question import Terms, numbers_in
from lowerbound.game.wire import Frames
from lowerbound.var.simulator.plugged import Array, Plugged, PluggedCache

LONGEST_REPLY_BYTES = 2**33
LONGEST_BUDGET = 300
"""Characters."""


class Plug(ABC):
    """A cache class that can be plugged into networks."""

    @abstractmethod
    def into(self, terms: Terms, n_branches: int) -> Plugged:
        """A new memory under these terms; a class without a nominal budget is told none, so that its label tells all.

        Contract: what was plugged before must not be used any more.
        """


@contextmanager
def plug(cache: str, isolation: Isolation | None = None) -> Iterator[Plug]:
    """The plug of a cache "NAME", "package.module:Class" or "exec:COMMAND"; None takes the strongest isolation."""
    target, level = target_of(cache), strongest() if isolation is None else isolation
    if target.startswith(OWN_CACHES):
        yield PlugHere(load_cache(target))
    elif level is Isolation.NONE:
        refuse_here([target])
        with party_path_here(module_path([target])), programs_end_here():
            yield PlugHere(load_cache(target))
    else:
        party = LiveParty(f"{__name__}:main", {"cache": target}, isolation=level)
        try:
            _ask(party, 0, {"load": target})
            yield LivePlug(party)
        finally:
            party.end()


class PlugHere(Plug):
    """A cache class of this process."""

    def __init__(self, kind: type[Memory]) -> None:
        self._kind = kind

    def into(self, terms: Terms, n_branches: int) -> PluggedCache:
        told = terms if self._kind.budget_meaning else replace(terms, budget=None)
        return PluggedCache(self._kind, told.public, n_branches)


class LivePlug(Plug):
    """A cache class that a live party has loaded."""

    def __init__(self, party: LiveParty) -> None:
        self._party = party

    def into(self, terms: Terms, n_branches: int) -> LivePlugged:
        return LivePlugged(self._party, terms, n_branches)


class LivePlugged(Plugged):
    """A memory whose caches live in a party.

    Contract: that of `PluggedCache`, with which it shares the code; and every reply comes within TIME_LIMIT_S.
    """

    def __init__(self, party: LiveParty, terms: Terms, n_branches: int) -> None:
        self._party, self._n_branches = party, n_branches
        self._states: list[bytes] = []
        (told,) = _ask(party, 1, {"into": terms.to_json(), "branches": n_branches})
        self._told_budget = _budget(told)

    @property
    def states(self) -> list[bytes]:
        return self._states

    @property
    def told_budget(self) -> str | None:
        return self._told_budget

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        rows = (queries, keys, values)
        place = {"attend": layer, "scale": scale, "shapes": [part.shape for part in rows]}
        (answers,) = _ask(self._party, 1, place, *map(floats, rows))
        return numbers_in(answers, queries.shape).astype(values.dtype)

    def end_scale(self, scale: int) -> None:
        self._states = _ask(self._party, self._n_branches, {"end_scale": scale})


def _ask(party: LiveParty, count: int, request: dict[str, Any], *frames: bytes) -> Frames:
    message = [json.dumps(request).encode(), *frames]
    reply = party.ask(message, time_limit_s=TIME_LIMIT_S, longest=LONGEST_REPLY_BYTES)
    if len(reply) != count:
        raise CacheContractBroken(f"the cache's process must reply with {counted(count, 'frame')}, got {len(reply)}")
    return reply


def _budget(told: bytes) -> str | None:
    """The budget in force that a party tells, as rows do; CacheContractBroken for anything else."""
    if told == b"":
        return None
    try:
        return str(rational(told[:LONGEST_BUDGET].decode(), name="budget"))
    except (InvalidArgument, UnicodeDecodeError):
        raise CacheContractBroken("the cache's process must tell its budget, and tells something else") from None


def main() -> None:
    """The program of a live plug's process."""
    plugs: list[PlugHere] = []
    memory: PluggedCache | None = None

    def reply_to(request: Frames) -> Frames:
        nonlocal memory
        asked, *frames = json.loads(request[0]), *request[1:]
        if "load" in asked:
            plugs.append(PlugHere(load_cache(asked["load"])))
            return []
        if "into" in asked:
            memory = plugs[0].into(Terms.from_json(asked["into"]), asked["branches"])
            return [(memory.told_budget or "").encode()]
        assert memory is not None
        if "attend" in asked:
            rows = [numbers_in(frame, tuple(shape)) for frame, shape in zip(frames, asked["shapes"], strict=True)]
            return [floats(np.asarray(memory.attend(asked["attend"], asked["scale"], *rows)))]
        memory.end_scale(asked["end_scale"])
        return memory.states

    with one_thread():
        serve(reply_to)
