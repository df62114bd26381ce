"""The adversary: runs all attacks on a list of places until an answer certainly breaks the promise, then shrinks it.

A place is a schedule of maps and a head dimension. Places come smallest first, because a violation on a small place is
found quickly and is easy to read.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import replace
from fractions import Fraction
from typing import Any

from lowerbound.adversary.between_levels import BetweenLevels
from lowerbound.adversary.black_box import BlackBox, OutOfTime
from lowerbound.adversary.collision import Collision
from lowerbound.adversary.gap import Gap
from lowerbound.adversary.instance import Instance, Violation, worst
from lowerbound.adversary.nullspace import NullSpace
from lowerbound.adversary.outcome import Broken, NotBroken, Trial, called
from lowerbound.adversary.places import as_told, ladder, whole
from lowerbound.adversary.random_bits import RandomBits, bits_on
from lowerbound.adversary.response import Census, Response
from lowerbound.adversary.shrink import shrunk
from lowerbound.adversary.starve import Starve
from lowerbound.adversary.strategy import Attack
from lowerbound.adversary.subset_sums import SubsetSums
from lowerbound.caches.registry import target_of
from lowerbound.core.cache import CacheFacts, Public
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.grid import Guarantee
from lowerbound.core.loading import load_cache
from lowerbound.core.models import find_geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import MULTIPLIER_CAP, L2Norm
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import one_thread
from lowerbound.core.time_limit import check_time_limit
from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError, invalid
from lowerbound.game.channel import Isolation, alarm, strongest
from lowerbound.game.hearing import HEARING_S, Hearings
from lowerbound.game.question import Terms
from lowerbound.game.respondent import Respondent, RespondentHere, respondent
from lowerbound.kernel.rules.witness import MOST_NUMBERS

ROUNDS: tuple[tuple[Attack, ...], ...] = (
    (Gap(), Starve(), NullSpace(), Census(), Collision(), RandomBits()),
    (SubsetSums(), BetweenLevels(), Response()),
)
"""Two rounds over all places: first attacks on caches that drop or mix tokens, then on caches that round them.

If the first round breaks the cache at any place, the second round is not run. Without a place of one's own, the first
round is run once more at the size of a model, on caches that keep what is small.
"""

CONTROL = "full-fp16"
"""The cache that every violation is put beside: it forgets nothing, and rounds as models do."""
TIME_LIMIT_S = 30.0
SHRINK_S = 5.0


def attack(
    name: str,
    *,
    geometry: HasGeometry | str | None = None,
    budget: Rational | None = None,
    eta: Rational = Fraction(1, 100),
    guarantee: Guarantee = "relative",
    seed: int = 0,
    instances: PrivateSeed | None = None,
    hidden: Sequence[str] = (),
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    on_try: Callable[[str], None] = lambda _: None,
    answering: Respondent | None = None,
    fresh: Hearings | None = None,
) -> Broken | NotBroken:
    """Search for tokens and a query on which a cache certainly breaks its promise.

    Contract: returns Broken only if the cache's answer, given in a fresh process, violates the promise for every exact
    output within the derived rounding bound. Returns NotBroken otherwise, which is no proof. Unusable arguments raise
    InvalidArgument. A cache that fails on every instance, or in the fresh process, raises its own error; a cache that
    never answers raises TimeLimitExceeded.
    During the search a cache of this package runs in this process, and any other in a process of its own, at the level
    of `isolation`; without isolation it runs in this one too.

    Parameters
    ----------
    name : str
        A registered name, "package.module:Class" or "exec:COMMAND".
    geometry : a model, its name, a geometry, or None
        The head to attack; its maps and dimension are not shrunk. None tries a list of small heads, the smallest first,
        under the rule of VAR, and then one of a model's size.
    budget, seed
        As in `Public`; the budget is ignored if the method has none.
    eta : rational in (0, 1)
    instances : PrivateSeed or None
        What the tokens are drawn from where an attack draws them; no process of the cache is told it. None takes a
        fresh one.
    time_limit_s : float
        For the search alone, and for each answer; shrinking takes at most 5 seconds more.
    hidden : sequence of str
        Files that a sandbox does not show to the cache.
    answering : Respondent or None
        Who answers during the search, if somebody does already; None starts a respondent at `isolation`.
    fresh : Hearings or None
        Where a violation is confirmed, if a process was started for it already; None starts one at `isolation`.
    """
    level = strongest() if isolation is None else isolation
    exact_eta = rational(eta, name="eta")
    if not 0 < exact_eta < 1:
        raise invalid("eta", "lie in (0, 1)", str(eta))
    if guarantee not in ("relative", "additive"):
        raise invalid("guarantee", "be 'relative' or 'additive'", guarantee)
    check_time_limit(time_limit_s)
    target, drawn = target_of(name), instances or PrivateSeed.fresh()
    asked = respondent(target, level, time_limit_s, hidden) if answering is None else nullcontext(answering)
    limits: dict[str, Any] = {"isolation": level, "time_limit_s": HEARING_S, "hidden": hidden}
    confirming = closing(Hearings(target, **limits)) if fresh is None else nullcontext(fresh)
    with one_thread(), confirming as hearings, asked as cache:
        head = None if geometry is None else find_geometry(geometry)
        base = _base(cache.facts, head, budget, exact_eta, guarantee, seed)
        places, largest = (ladder(base), [whole(base)]) if geometry is None else ([base], [])
        search = _Search(name, cache, hearings, time_limit_s, on_try, drawn, shrinks_places=geometry is None)
        with alarm("answer", time_limit_s + SHRINK_S + HEARING_S):
            return search.run(places, largest)


def _base(
    facts: CacheFacts,
    geometry: Geometry | None,
    budget: Rational | None,
    eta: Fraction,
    guarantee: Guarantee,
    seed: int,
) -> Terms:
    """The terms at the given head, or, without one, those that every place of the ladder shares."""
    in_force = facts.default_budget if budget is None else budget
    share = None if in_force is None else rational(in_force, name="budget")
    base = Terms(
        schedule=ScaleSchedule(((1, 1), (1, 1))) if geometry is None else geometry.schedule,
        d=1 if geometry is None else geometry.d,
        rule=L2Norm() if geometry is None else geometry.rule(MULTIPLIER_CAP),
        guarantee=guarantee,
        eta=eta,
        budget=share if facts.budget_meaning else None,
        seed=seed,
        stack=(None if geometry is None else geometry.stack) or facts.stack or (1, 1),
    )
    Public(base.schedule, base.d, base.rule, budget=share)
    n_numbers = 3 * base.schedule.n_tokens * base.d
    if n_numbers > MOST_NUMBERS:
        raise invalid("the place", f"have at most {MOST_NUMBERS} numbers, as a witness may", n_numbers)
    return base


class _Search:
    """One search: in each round, all places in order, and at each place the round's attacks in order."""

    def __init__(
        self,
        name: str,
        cache: Respondent,
        hearings: Hearings,
        time_limit_s: float,
        on_try: Callable[[str], None],
        instances: PrivateSeed,
        *,
        shrinks_places: bool,
    ) -> None:
        self.name, self.cache, self.hearings, self.on_try = name, cache, hearings, on_try
        self.instances, self.shrinks_places = instances, shrinks_places
        self.time_limit_s = time_limit_s
        self.start = self.deadline = time.perf_counter()
        self.tried: list[Trial] = []
        self.refusal: LowerBoundError | None = None

    def run(self, places: list[Terms], largest: list[Terms]) -> Broken | NotBroken:
        """Search until a violation is confirmed, everything was tried, or the time is over; the largest places last."""
        played = [terms for place in places if (terms := self.told(place)) is not None]
        self.start = time.perf_counter()
        self.deadline = self.start + self.time_limit_s
        in_time = True
        for terms, strategy in self.tries(played, largest):
            if in_time and not (terms.key_family is not None and strategy.frees_keys):
                found, in_time = self.with_attack(strategy, terms)
                if found is not None:
                    return found
        if self.refusal is not None and not any(trial.asked > trial.failed for trial in self.tried):
            raise self.refusal
        seconds = time.perf_counter() - self.start
        return NotBroken(self.name, places[-1], seconds, in_time, tuple(self.tried), self.instances)

    def tries(self, played: list[Terms], largest: list[Terms]) -> Iterator[tuple[Terms, Attack]]:
        """Every place with every attack; whether the largest can be played is asked when their turn comes."""
        yield from ((terms, strategy) for round_ in ROUNDS for terms in played for strategy in round_)
        for place in largest:
            if time.perf_counter() < self.deadline and (terms := self.told(place)) is not None:
                yield from ((terms, strategy) for strategy in ROUNDS[0])

    def told(self, place: Terms) -> Terms | None:
        """The terms on which the cache can be played at this place, or None; then a trial records the reason."""
        try:
            terms = as_told(self.cache, place)
            BlackBox(self.cache, terms, math.inf).state_and_answers(bits_on(terms, self.instances, 0))
            return terms
        except (InvalidArgument, CacheContractBroken) as error:
            self.refusal = error
            self.tried.append(Trial("-", called(place), 0, 0, None, 0.0, f"not played: {error}"))
            return None

    def with_attack(self, strategy: Attack, terms: Terms) -> tuple[Broken | None, bool]:
        """What one attack finds at one place, or None, and whether the attack ended before the deadline."""
        self.on_try(f"{strategy.name} on {called(terms)}")
        box, began = BlackBox(self.cache, terms, self.deadline, self.instances), time.perf_counter()
        in_time, note, certain = True, "", None
        try:
            certain = next(
                (found for found in map(box.try_on, strategy.instances(box)) if found and found.certain), None
            )
        except OutOfTime:
            in_time, note = False, "out of time"
        except (CacheContractBroken, InvalidArgument) as error:
            box.failed, box.failure = box.failed + 1, error
        if box.failure is not None:
            self.refusal, note = box.failure, note or f"failed: {box.failure}"
        elif in_time and not box.asked:
            note = "nothing to try here"
        seconds = time.perf_counter() - began
        broken = None if certain is None else self.brought_home(strategy, certain)
        if certain is not None and broken is None:
            note = "a fresh process keeps the promise where this one breaks it"
        ratio = None if box.worst is None else box.worst.ratio
        self.tried.append(Trial(strategy.name, called(terms), box.asked, box.failed, ratio, seconds, note))
        return (None if broken is None else replace(broken, tried=tuple(self.tried))), in_time

    def brought_home(self, strategy: Attack, found: Violation) -> Broken | None:
        """The violation, shrunk and confirmed by a fresh process; if that fails, the unshrunk violation; else None."""
        seconds = time.perf_counter() - self.start
        patient = BlackBox(self.cache, found.instance.terms, time.perf_counter() + SHRINK_S)
        for violation in (shrunk(patient, found, shrinks_places=self.shrinks_places), found):
            confirmed = self.confirmed(violation.instance)
            if confirmed is not None and confirmed.certain:
                total = time.perf_counter() - self.start
                control = self.control(confirmed.instance)
                return Broken(self.name, strategy.name, confirmed, found, seconds, total, (), self.instances, control)
        return None

    def control(self, instance: Instance) -> float:
        """The error / eta of a cache of fp16 keys and values on an instance."""
        plain = RespondentHere(load_cache(target_of(CONTROL)))
        terms = replace(instance.terms, budget=None)
        found = worst(instance, plain.state_and_answers(terms, instance.tokens, instance.queries)[1])
        return 0.0 if found is None else found.ratio

    def confirmed(self, instance: Instance) -> Violation | None:
        """The worst answer that the cache gives in a fresh process to the instance's first query."""
        answers = self.hearings.heard(instance.terms, instance.tokens, instance.queries[0])
        return worst(instance, answers[:, :, None, :])
