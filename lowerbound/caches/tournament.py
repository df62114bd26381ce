"""Many games: each in parties of its own, several at a time, in the order in which they were asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import groupby

from lowerbound.caches.registry import ADAPTERS, target_of
from lowerbound.errors import LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import OWN_CACHES, Contender, Row, describe, duels
from lowerbound.game.hard_family import HardFamily

Outcome = Row | LowerBoundError

STANDARD_BUDGETS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))
"""Where every method that has a nominal budget is played when none is asked for: 2, 4 and 8 bits of 16, say."""

LARGEST_HEAT = 24
"""Adapters of one library that share their parties, so that the library is loaded once for them."""
OWN_HEAT = 8
"""Games of this package's own caches that share theirs: starting two processes takes ten times as long as a game."""


def at_standard_budgets(names: Sequence[str], isolation: Isolation) -> list[tuple[str, Fraction | None]]:
    """Every name with each standard budget; a method without a nominal budget once."""
    games: list[tuple[str, Fraction | None]] = []
    for name in names:
        has_budget = describe(target_of(name), isolation).budget_meaning
        games += [(name, budget) for budget in STANDARD_BUDGETS] if has_budget else [(name, None)]
    return games


def tournament(
    reduction: HardFamily,
    games: Sequence[tuple[str, Fraction | None]],
    *,
    trials: int,
    isolation: Isolation,
    time_limit_s: float,
    on_wait: Callable[[str], None],
) -> Generator[tuple[str, Outcome], None, None]:
    """The outcome of each (name, budget), in order; closing the generator calls off what has not begun.

    Contract: an outcome is what `duel` returns or raises. `on_wait` is told each name that is waited for. As many heats
    run as the machine has processors, each in processes of its own; without isolation, one by one.
    """
    entries = [Contender(target_of(name), budget, name) for name, budget in games]
    heats = [list(heat) for heat in _heats(entries)]
    play = partial(_play, reduction, trials=trials, isolation=isolation, time_limit_s=time_limit_s)
    if isolation is Isolation.NONE:
        for heat in heats:
            yield from _told(heat, partial(play, heat), on_wait)
        return
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        slowest_first = sorted(range(len(heats)), key=lambda number: -len(heats[number]))
        running: dict[int, Future[list[Outcome]]] = {n: pool.submit(play, heats[n]) for n in slowest_first}
        for number, heat in enumerate(heats):
            yield from _told(heat, running[number].result, on_wait)
    finally:
        pool.shutdown(cancel_futures=True)


def _told(
    heat: Sequence[Contender], outcomes: Callable[[], Sequence[Outcome]], on_wait: Callable[[str], None]
) -> Iterator[tuple[str, Outcome]]:
    """The outcomes of a heat by name; its first game is waited for, and the others come with it."""
    names = [_name(entry) for entry in heat]
    on_wait(names[0])
    for number, outcome in enumerate(outcomes()):
        if number:
            on_wait(names[number])
        yield names[number], outcome


def _name(entry: Contender) -> str:
    return entry.label or entry.cache


def _heats(entries: Sequence[Contender]) -> Iterator[list[Contender]]:
    """Consecutive adapters of one library together, a few of our own caches together, every other entry alone."""
    for key, together in groupby(enumerate(entries), key=_library):
        alike = [entry for _, entry in together]
        size = OWN_HEAT if key == OWN_CACHES else LARGEST_HEAT if isinstance(key, str) else 1
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _library(numbered: tuple[int, Contender]) -> str | int:
    """What an entry may share its parties with: the name of a library, or its own number."""
    number, entry = numbered
    library = next((prefix for prefix, library in ADAPTERS.items() if entry.cache in library.classes.values()), None)
    return library or (OWN_CACHES if entry.cache.startswith(OWN_CACHES) else number)


def _play(
    reduction: HardFamily, heat: Sequence[Contender], *, trials: int, isolation: Isolation, time_limit_s: float
) -> list[Outcome]:
    """A heat together; where a party of it ends early or late, each game alone, so that only who is to blame pays."""
    alone = partial(_play, reduction, trials=trials, isolation=isolation, time_limit_s=time_limit_s)
    try:
        return duels(reduction, heat, trials=trials, isolation=isolation, time_limit_s=time_limit_s)
    except LowerBoundError as error:
        return [error] if len(heat) == 1 else [outcome for entry in heat for outcome in alone([entry])]
