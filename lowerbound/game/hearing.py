"""Asking a cache one query in a fresh process, so that anybody can repeat what a recorded counterexample claims."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

from lowerbound.core.threads import one_thread
from lowerbound.core.time_limit import check_time_limit
from lowerbound.game.channel import Isolation, alarm
from lowerbound.game.question import FloatArray, Terms, TokenRows
from lowerbound.game.respondent import LiveRespondent, Respondent, respondent

HEARING_S = 60.0
"""Seconds for a process to start, to load its cache and to answer."""


class Hearings:
    """Fresh processes in which a cache answers one query each; one starts ahead, so that nobody waits for it.

    Contract: no process hears two queries, and before its query it knows no more than the class to load. Without
    isolation this process answers. `close` leaves no process behind. A time limit that no clock can be set to raises
    InvalidArgument.
    """

    def __init__(
        self, target: str, *, isolation: Isolation, time_limit_s: float = HEARING_S, hidden: Sequence[str] = ()
    ) -> None:
        check_time_limit(time_limit_s)
        self._target, self._isolation, self._time_limit_s, self._hidden = target, isolation, time_limit_s, hidden
        self._ahead = None if isolation is Isolation.NONE else self._started()

    def heard(self, terms: Terms, tokens: TokenRows, query: FloatArray) -> FloatArray:
        """The answers of all heads of the cache to one query of length d, shape (layers, heads, d).

        Contract: one process passes all scales through the cache's bytes and asks the query. It raises what a live
        respondent raises, and CacheContractBroken for an answer of another size or of numbers that are not finite.
        """
        with self._fresh() as cache:
            answers: FloatArray = cache.state_and_answers(terms, tokens, query[None])[1][:, :, 0]
        return answers

    def close(self) -> None:
        """End the process that was started ahead, if it was not asked."""
        if self._ahead is not None:
            self._ahead.end()

    @contextmanager
    def _fresh(self) -> Iterator[Respondent]:
        if self._isolation is Isolation.NONE:
            here = respondent(self._target, self._isolation, self._time_limit_s)
            with alarm("answer", self._time_limit_s), one_thread(), here as cache:
                yield cache
            return
        process, self._ahead = self._ahead or self._started(), None
        try:
            yield process
        finally:
            process.end()

    def _started(self) -> LiveRespondent:
        limit_s = self._time_limit_s
        return LiveRespondent(self._target, self._isolation, limit_s, self._hidden, loading_limit_s=limit_s)


def heard(
    target: str, terms: Terms, tokens: TokenRows, query: FloatArray, *, isolation: Isolation, time_limit_s: float
) -> FloatArray:
    """What one fresh process of the cache "package.module:Class" answers, as `Hearings.heard` says."""
    with closing(Hearings(target, isolation=isolation, time_limit_s=time_limit_s)) as hearings:
        return hearings.heard(terms, tokens, query)
