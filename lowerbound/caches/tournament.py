"""A tournament: many games, several at a time, with their outcomes reported in the order of the request.

Games are grouped into heats. All games of one heat share one pair of processes (Alice's and Bob's), because starting
two Python processes and importing a library takes far longer than one game. Sharing is safe only among caches that may
trust one another: this package's own, or the adapters of one library. Every other cache gets its own pair.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from functools import partial
from itertools import groupby
from types import MappingProxyType

from lowerbound.caches.registry import ADAPTERS, target_of
from lowerbound.core.cache import CacheFacts
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import LowerBoundError
from lowerbound.game.channel import OWN_CACHES, Isolation, end_parties
from lowerbound.game.duel import Contender, Row, describe, duels
from lowerbound.game.hard_family import HardFamily

Outcome = Row | LowerBoundError

STANDARD_BUDGETS = (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2))
"""The budgets at which a method with a nominal budget is played by default; 2, 4 and 8 of 16 bits for a quantizer."""

LARGEST_HEAT = 24
"""At most this many adapters of one library share one pair of processes, so that each pair loads the library once."""
OWN_HEAT = 16
"""At most this many games of this package's own caches share one pair of processes: starting a pair takes ten times as
long as playing one such game of at most SOON_READ symbols."""
SOON_READ = 2**15
"""Games with more symbols are shared out among the processors, in as many pairs of processes."""


def at_standard_budgets(names: Sequence[str], isolation: Isolation) -> list[tuple[str, Fraction | None]]:
    """(name, budget) for every name and standard budget; a method without a nominal budget appears once, with None."""
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
    instances: PrivateSeed | None = None,
    sample: int | None = None,
    facts: Mapping[str, CacheFacts] = MappingProxyType({}),
    on_wait: Callable[[str], None],
) -> Generator[tuple[str, Outcome], None, None]:
    """Yields (name, outcome) for each requested game, in order; closing the generator ends all parties.

    Contract: an outcome is the row that `duel` returns or the error that it raises. `on_wait` is called with each name
    before its outcome is awaited. As many heats run at a time as the machine has processors, each heat in its own
    processes; without isolation, heats run one after another in this process.
    """
    targets = [target_of(name) for name, _ in games]
    known = zip(targets, games, strict=True)
    entries = [Contender(target, budget, name, facts.get(target)) for target, (name, budget) in known]
    long = reduction.n_symbols * trials > SOON_READ
    heats = [list(heat) for heat in _heats(entries, pairs=(os.cpu_count() or 1) if long else 1)]
    play = partial(
        duels,
        reduction,
        trials=trials,
        isolation=isolation,
        time_limit_s=time_limit_s,
        instances=instances,
        sample=sample,
    )
    if isolation is Isolation.NONE:
        for heat in heats:
            yield from _told(heat, partial(play, heat), on_wait)
        return
    pool = ThreadPoolExecutor(max_workers=os.cpu_count())
    try:
        # Long heats start first, so that none is left to run alone at the end; outcomes are still reported in order.
        slowest_first = sorted(range(len(heats)), key=lambda number: -len(heats[number]))
        running: dict[int, Future[list[Outcome]]] = {n: pool.submit(play, heats[n]) for n in slowest_first}
        for number, heat in enumerate(heats):
            yield from _told(heat, running[number].result, on_wait)
    except (KeyboardInterrupt, GeneratorExit):
        end_parties()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _told(
    heat: Sequence[Contender], outcomes: Callable[[], Sequence[Outcome]], on_wait: Callable[[str], None]
) -> Iterator[tuple[str, Outcome]]:
    """(name, outcome) for each game of a heat; the heat is awaited once, under its first game's name."""
    names = [_name(entry) for entry in heat]
    on_wait(names[0])
    for number, outcome in enumerate(outcomes()):
        if number:
            on_wait(names[number])
        yield names[number], outcome


def _name(entry: Contender) -> str:
    return entry.label or entry.cache


def _heats(entries: Sequence[Contender], pairs: int) -> Iterator[list[Contender]]:
    """Groups of consecutive entries that may share processes: at most LARGEST_HEAT, or OWN_HEAT in at least `pairs`."""
    for key, together in groupby(enumerate(entries), key=_library):
        alike = [entry for _, entry in together]
        own = min(OWN_HEAT, -(-len(alike) // pairs))
        size = own if key == OWN_CACHES else LARGEST_HEAT if isinstance(key, str) else 1
        yield from (alike[start : start + size] for start in range(0, len(alike), size))


def _library(numbered: tuple[int, Contender]) -> str | int:
    """The key by which entries are grouped: a library's prefix, OWN_CACHES, or the entry's own, unique number."""
    number, entry = numbered
    library = next((prefix for prefix, library in ADAPTERS.items() if entry.cache in library.classes.values()), None)
    return library or (OWN_CACHES if entry.cache.startswith(OWN_CACHES) else number)
