"""Whoever answers for a cache class: the class itself in this process, or a live party that has it.

The adversary and others ask a respondent, so that they never hold a foreign class. The live party runs this package's
own `RespondentHere`, and both hear the same questions in the same words.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from typing import ClassVar

from lowerbound.core.cache import CacheFacts, Memory
from lowerbound.core.loading import load_cache
from lowerbound.core.program import floats, programs_end_here
from lowerbound.core.scalars import counted
from lowerbound.core.threads import one_thread
from lowerbound.core.time_limit import TIME_LIMIT_S
from lowerbound.errors import CacheContractBroken
from lowerbound.game.channel import OWN_CACHES, Isolation, module_path, party_path_here, refuse_here
from lowerbound.game.live import LiveParty, serve
from lowerbound.game.protocol import guarded
from lowerbound.game.question import FloatArray, Terms, TokenRows, answers_of, numbers_in, state_of
from lowerbound.game.reply import stated
from lowerbound.game.wire import Frames

LONGEST_REPLY_BYTES = 2**28
MOST_TERMS = 64


class Respondent(ABC):
    """A cache class that can be asked.

    Contract: what the class says is told as it is; a class that breaks its contract raises CacheContractBroken, and one
    that refuses the terms raises InvalidArgument.
    """

    @property
    @abstractmethod
    def facts(self) -> CacheFacts:
        """The statements of the class about itself."""

    @abstractmethod
    def make(self, terms: Terms) -> None:
        """Make one cache under these terms, and let it go."""

    @abstractmethod
    def state_and_answers(self, terms: Terms, tokens: TokenRows, queries: FloatArray) -> tuple[bytes, FloatArray]:
        """The state after the last cached scale, and all heads' answers to (m, d) queries: (layers, heads, m, d)."""


class RespondentHere(Respondent):
    """A cache class in this process."""

    def __init__(self, cache: type[Memory]) -> None:
        self._cache = cache

    @property
    def facts(self) -> CacheFacts:
        return self._cache.facts()

    def make(self, terms: Terms) -> None:
        public = terms.public
        guarded("its constructor", lambda: self._cache(public))

    def state_and_answers(self, terms: Terms, tokens: TokenRows, queries: FloatArray) -> tuple[bytes, FloatArray]:
        def made() -> Memory:
            return self._cache(terms.public)

        state = state_of(made, terms, tokens)
        return state, answers_of(made, terms, state, tokens, queries)


class LiveRespondent(Respondent):
    """A cache class in a live party: the target "package.module:Class" or "exec:COMMAND".

    Contract: a process starts and loads the class while nobody waits for it. Every reply comes within `time_limit_s`,
    or TimeLimitExceeded is raised; what the class states of itself is awaited for `loading_limit_s`. A process that
    dies or replies nonsense raises CacheContractBroken, and a new process gets the next request. `end` leaves no
    process behind.
    """

    program: ClassVar[str] = f"{__name__}:main"
    """The function that the party's process runs."""

    def __init__(
        self,
        target: str,
        isolation: Isolation,
        time_limit_s: float,
        hidden: Sequence[str] = (),
        *,
        loading_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._target, self._isolation, self._hidden = target, isolation, hidden
        self._time_limit_s, self._loading_limit_s = time_limit_s, loading_limit_s
        self._facts: CacheFacts | None = None
        self._party, self._has_loaded = self._started(), False

    def _started(self) -> LiveParty:
        party = LiveParty(self.program, {"cache": self._target}, isolation=self._isolation, hidden=self._hidden)
        party.begin([b"facts", self._target.encode()])
        return party

    def _load(self) -> CacheFacts:
        """Wait until the process, or a new one if it has ended, has loaded the class; what the first of them stated."""
        if self._party.ended:
            self._party, self._has_loaded = self._started(), False
        if self._facts is None or not self._has_loaded:
            try:
                reply = self._party.finish(time_limit_s=self._loading_limit_s, longest=LONGEST_REPLY_BYTES)
                (told,) = _exactly(1, reply)
                self._facts, self._has_loaded = self._facts or stated(told), True
            except BaseException:
                self._party.end()
                raise
        return self._facts

    @property
    def facts(self) -> CacheFacts:
        return self._load() if self._facts is None else self._facts

    def make(self, terms: Terms) -> None:
        self.asked(0, [b"make", text_of(terms)])

    def state_and_answers(self, terms: Terms, tokens: TokenRows, queries: FloatArray) -> tuple[bytes, FloatArray]:
        rows = (tokens.keys, tokens.values, tokens.queries, queries)
        state, answers = self.asked(2, [b"answer", text_of(terms), *map(floats, rows)])
        return state, numbers_in(answers, (*terms.stack, *queries.shape))

    def asked(self, count: int, request: Frames, time_limit_s: float | None = None) -> Frames:
        """The reply to a request, so many frames, within a time limit of its own or that of all requests."""
        self._load()
        limit_s = self._time_limit_s if time_limit_s is None else time_limit_s
        return _exactly(count, self._party.ask(request, time_limit_s=limit_s, longest=LONGEST_REPLY_BYTES))

    def end(self) -> None:
        """End the process."""
        self._party.end()


@contextmanager
def respondent(
    target: str, isolation: Isolation, time_limit_s: float, hidden: Sequence[str] = ()
) -> Iterator[Respondent]:
    """Whoever answers for a target: in this process for this package's own caches and without isolation, else apart.

    A sandbox shows the one apart none of the files in `hidden`.
    """
    if target.startswith(OWN_CACHES):
        yield RespondentHere(load_cache(target))
    elif isolation is Isolation.NONE:
        refuse_here([target])
        with party_path_here(module_path([target])), programs_end_here():
            yield RespondentHere(load_cache(target))
    else:
        apart = LiveRespondent(target, isolation, time_limit_s, hidden)
        try:
            yield apart
        finally:
            apart.end()


class Replies:
    """What a live respondent's process replies to each request; `cache` is the class that it answers for."""

    def __init__(self) -> None:
        self.cache: type[Memory]

    def __call__(self, request: Frames) -> Frames:
        what, *rest = request
        if what == b"facts":
            self.cache = load_cache(rest[0].decode())
            return [json.dumps(asdict(RespondentHere(self.cache).facts)).encode()]
        terms, here = terms_in(rest[0]), RespondentHere(self.cache)
        if what == b"make":
            here.make(terms)
            return []
        *rows, queries = (numbers_in(frame, (-1, terms.d)) for frame in rest[1:])
        state, answers = here.state_and_answers(terms, TokenRows(*rows), queries)
        return [bytes(state), floats(answers)]


def main() -> None:
    """The program of a live respondent's process."""
    with one_thread():
        serve(Replies())


@lru_cache(maxsize=MOST_TERMS)
def text_of(terms: Terms) -> bytes:
    """The terms as a request has them."""
    return json.dumps(terms.to_json()).encode()


@lru_cache(maxsize=MOST_TERMS)
def terms_in(text: bytes) -> Terms:
    """The terms of a request."""
    return Terms.from_json(json.loads(text))


def _exactly(count: int, frames: Frames) -> Frames:
    if len(frames) != count:
        raise CacheContractBroken(f"the cache's process must reply with {counted(count, 'frame')}, got {len(frames)}")
    return frames
