"""An audit: somebody else's cache is weighed, played, attacked and compared with what is proved, in one go."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.adversary.outcome import Broken
from lowerbound.adversary.search import attack
from lowerbound.caches.registry import target_of
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.certify.possible import possible
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.kinds import is_program, is_wrapped, with_budget
from lowerbound.core.models import find_geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.time_limit import check_time_limit
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid
from lowerbound.foreign.adapter import STACK
from lowerbound.foreign.defendant import Defendant, distribution_of
from lowerbound.foreign.holding import Balance, Tokens, balance
from lowerbound.foreign.outcome import Audit, Weighed, fp16_bytes
from lowerbound.foreign.verdict import Claim
from lowerbound.game.channel import Isolation, refuse_here, strongest
from lowerbound.game.duel import Contender, Row, contest, describe
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.hearing import Hearings
from lowerbound.game.question import Terms
from lowerbound.game.reduction import plan_reduction
from lowerbound.var.simulator.drawn import Measured, Studio
from lowerbound.var.simulator.weights import source_of

OTHER_DIMENSIONS = (64, 128, 32, 16, 8, 4, 2)
"""Head dimensions that are tried, in this order, with a method that refuses the model's own."""
LONG = Geometry("prompt", ScaleSchedule(((1, 4096), *[(1, 1)] * 17)), 128, stack=(2, 1))
"""A prompt of 4096 tokens and 16 steps in R^128: methods that keep a window show there what they come to."""
LONG_S = 30.0
"""Seconds for the long prompt; a method that needs more is not weighed there."""
ATTACK_S = 8.0
CLASSES = (3, 5, 8)
"""The digits that the trained network draws under the cache."""
TIME_LIMIT_S = 120.0


def audit(
    target: str | Defendant,
    *,
    init: dict[str, Any] | None = None,
    after: str | None = None,
    read: str | None = None,
    claim: Rational | None = None,
    model: HasGeometry | str = "var-d16",
    eta: Rational = "0.01",
    seed: int = 0,
    instances: PrivateSeed | None = None,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    attack_s: float = ATTACK_S,
    on_step: Callable[[str], None] = lambda _: None,
    on_refusal: Callable[[LowerBoundError], None] = lambda _: None,
) -> Audit:
    """Weigh, play and attack a cache, and compare it with its claim and with what is proved.

    Contract: all that is measured crosses from a process of the cache; nothing of it is imported here. A method that
    refuses the model's head dimension is played at another, which the audit names. Unusable arguments and a target that
    cannot be imported raise InvalidArgument. A cache that breaks its contract, is late, or refuses every dimension does
    not raise: what it could not do is among the reasons, and it is `refused` if no game was played.

    Parameters
    ----------
    target : str or Defendant
        "KIND:MODULE:NAME", or whatever `play` takes.
    claim : rational or None
        The compression of the fp16 cache that somebody claims; None takes the object's own meter, if it has one.
    eta : rational in (0, 1/2)
        The additive error that every answer must keep, for values in [0, 1].
    on_step, on_refusal : callables
        Told what is done next, and each error by which the cache refused something.
    """
    error = rational(eta, name="eta")
    if not 0 < error < Fraction(1, 2):
        raise invalid("eta", "lie strictly between 0 and 1/2", str(eta))
    check_time_limit(time_limit_s)
    stated = None if claim is None else Claim.of(claim, "--claim")
    run = _Run(
        error,
        seed,
        instances or PrivateSeed.fresh(),
        strongest() if isolation is None else isolation,
        time_limit_s,
        attack_s,
        on_step,
        on_refusal,
    )
    defendant = _defendant(target, init, after, read)
    found = run.of_object(defendant, find_geometry(model)) if isinstance(defendant, Defendant) else None
    if found is None:
        assert isinstance(defendant, str)
        found = run.of_cache(defendant, find_geometry(model))
    claimed = stated or _own_claim(found)
    told = replace(found, claim=claimed, refusals=tuple(dict.fromkeys(run.refusals)))
    told = replace(told, pictures=run.pictures(_name(defendant)))
    asked = told.held_ratio if claimed is None else claimed.ratio
    if asked is None or told.bits is None:
        return told
    on_step("asking what is proved")
    return replace(told, answer=possible(told.geometry, ratio=asked, eta=error))


def _name(defendant: Defendant | str) -> str:
    return defendant.text if isinstance(defendant, Defendant) else defendant


def _own_claim(found: Audit) -> Claim | None:
    """What the object's own meter says, or what a cache of this package's interface counts."""
    if found.weighed is not None and found.weighed.holding.own_ratio is not None:
        return Claim.of(found.weighed.holding.own_ratio, "its own meter")
    if found.bits is not None and found.bits.claimed_ratio is not None:
        return Claim.of(Fraction(found.bits.claimed_ratio), "its own count")
    return None


@dataclass(frozen=True)
class _Run:
    """The terms of one audit, and what was refused so far."""

    eta: Fraction
    seed: int
    instances: PrivateSeed
    isolation: Isolation
    time_limit_s: float
    attack_s: float
    on_step: Callable[[str], None]
    on_refusal: Callable[[LowerBoundError], None]
    refusals: list[str] = field(default_factory=list)

    def of_object(self, defendant: Defendant, head: Geometry) -> Audit:
        """A foreign object: weighed, attacked, and then played, with a message that is packed in the second game."""
        if self.isolation is Isolation.NONE:
            refuse_here([defendant.text])
        self.on_step("starting the package")
        with balance(defendant, self.isolation, self.time_limit_s) as scales:
            self.on_step("weighing")
            head, weighed = self._first_weighed(scales, head)
            if weighed is None:
                return Audit(**_who(defendant), geometry=head, eta=self.eta)
            self.on_step("weighing a long prompt")
            long = self._weighed(scales, LONG, min(LONG_S, self.time_limit_s), self.refusals)
            broken = self._broken(defendant.text, head, answering=scales)
            facts = scales.facts
        # No process of the package is alive while its games are played.
        entries = [Contender(text, None, defendant.name, facts) for text in (defendant.text, _packed(defendant))]
        bits, codes = self._games(head, STACK, entries)
        return Audit(
            **_who(defendant),
            geometry=head,
            eta=self.eta,
            weighed=weighed,
            long=long,
            bits=bits,
            codes=codes,
            broken=broken,
        )

    def of_cache(self, name: str, head: Geometry) -> Audit:
        """A cache of this package's interface, whose state is its message: attacked and played."""
        base, _, share = with_budget(name)
        target, budget = target_of(base), share or None
        facts = describe(target, self.isolation, self.time_limit_s)
        broken = self._broken(base, head, budget=budget)
        bits, codes = self._games(head, None, [Contender(target, budget, name, facts)] * 2)
        return Audit(**_who(name), geometry=head, eta=self.eta, bits=bits, codes=codes, broken=broken)

    def pictures(self, name: str) -> Measured | str:
        """What the cache does to the pictures of the trained network, or the reason why it draws none.

        The digits are a courtesy: what fails here is no refusal of the audit.
        """
        self.on_step("drawing digits")
        cache, at, share = with_budget(name)
        try:
            budget = rational(share, name="budget") if at else None
            studio = Studio(source_of("digits").network(), classes=CLASSES, pictures=len(CLASSES), seed=self.seed)
            return studio.measured(cache, budget=budget, isolation=self.isolation)
        except LowerBoundError as error:
            return str(error)

    def _refused(self, error: LowerBoundError, sentence: str, among: list[str]) -> None:
        self.on_refusal(error)
        among.append(sentence)

    def _games(
        self, head: Geometry, stack: tuple[int, int] | None, entries: list[Contender]
    ) -> tuple[Row | None, Row | None]:
        """The rows of bits at rest, and of keys and values; None where the cache failed."""
        self.on_step("playing bits at rest, and keys and values")
        families: list[HardFamily] = [
            plan_reduction(head, eta=self.eta, guarantee="additive", seed=self.seed),
            payload_game(head, "C", eta=self.eta, seed=self.seed),
        ]
        if stack is not None:
            families = [family.stacked(stack) for family in families]
        terms: dict[str, Any] = {"isolation": self.isolation, "time_limit_s": self.time_limit_s}
        outcomes = contest(list(zip(families, entries, strict=True)), instances=self.instances, **terms)
        rows: list[Row | None] = []
        for outcome in outcomes:
            if isinstance(outcome, LowerBoundError):
                self._refused(outcome, str(outcome), self.refusals)
            rows.append(None if isinstance(outcome, LowerBoundError) else outcome)
        return rows[0], rows[1]

    def _first_weighed(self, scales: Balance, head: Geometry) -> tuple[Geometry, Weighed | None]:
        """The first place, of the model's own dimension and OTHER_DIMENSIONS, that the method does not refuse.

        A method that gives the same reason for two dimensions does not refuse the dimension, and no other one is tried.
        """
        said: list[str] = []
        for d in dict.fromkeys((head.d, *OTHER_DIMENSIONS)):
            name = head.name if d == head.d else f"{head.name}, d = {d}"
            place = replace(head, d=d, name=name, stack=STACK)
            found = self._weighed(scales, place, self.time_limit_s, said)
            if found is not None:
                self.refusals.extend(said)
                return replace(place, stack=None), found
            if len(said) > 1 and said[-1].partition(": ")[2] == said[-2].partition(": ")[2]:
                said.pop()
                break
        self.refusals.extend(said)
        return head, None

    def _weighed(self, scales: Balance, place: Geometry, time_limit_s: float, refusals: list[str]) -> Weighed | None:
        stack = place.stack or STACK
        rule = place.rule(MULTIPLIER_CAP)
        terms = Terms(place.schedule, place.d, rule, "additive", self.eta, seed=self.seed, stack=stack)
        try:
            holding = scales.weigh(terms, tokens_of(place, stack, self.instances), time_limit_s)
        except LowerBoundError as error:
            self._refused(error, f"at {place.n_tokens_cached} tokens of R^{place.d}: {error}", refusals)
            return None
        return Weighed(place, holding, fp16_bytes(place, stack[0] * stack[1]))

    def _broken(self, name: str, head: Geometry, **more: Any) -> Broken | None:
        """What the adversary breaks: first on small heads, and then on the model's own."""
        if not self.attack_s:
            return None
        self.on_step("attacking")
        terms: dict[str, Any] = {"eta": self.eta, "guarantee": "additive", "seed": self.seed, **more}
        terms |= {"instances": self.instances, "isolation": self.isolation, "time_limit_s": self.attack_s}
        with closing(Hearings(target_of(name), isolation=self.isolation)) as fresh:
            for geometry in (None, head):
                try:
                    found = attack(name, geometry=geometry, fresh=fresh, **terms)
                except LowerBoundError as error:
                    self._refused(error, f"attack: {error}", self.refusals)
                    continue
                if isinstance(found, Broken):
                    return found
        return None


def _packed(defendant: Defendant) -> str:
    return replace(defendant, packed=True).text


def _defendant(
    target: str | Defendant, init: dict[str, Any] | None, after: str | None, read: str | None
) -> Defendant | str:
    """The target with its options; a name that is no KIND:MODULE:NAME takes none."""
    if isinstance(target, Defendant) or is_wrapped(target):
        found = target if isinstance(target, Defendant) else Defendant.parse(target)
        options: dict[str, Any] = {"init": init, "after": after, "read": read}
        return replace(found, **{name: value for name, value in options.items() if value is not None})
    if target.count(":") >= 2 and not is_program(target):
        Defendant.parse(target)  # which says what the kinds are
    if init is not None or after is not None or read is not None:
        raise InvalidArgument(
            f"--init, --after and --read must be left out for {target!r}, which is no KIND:MODULE:NAME"
        )
    return target


def _who(defendant: Defendant | str) -> dict[str, Any]:
    if isinstance(defendant, Defendant):
        known = distribution_of(defendant.package)
        return {
            "target": defendant.text,
            "package": known[0] if known else defendant.package,
            "version": known[1] if known else None,
        }
    module = target_of(defendant.partition("@")[0]).partition(":")[0]
    package = "a program" if module == "exec" else module.partition(".")[0]
    known = distribution_of(package)
    return {"target": defendant, "package": known[0] if known else package, "version": known[1] if known else None}


def tokens_of(place: Geometry, stack: tuple[int, int], drawn: PrivateSeed) -> Tokens:
    """Random tokens of a stack: unit keys and queries in all directions, values uniform in [0, 1]."""
    shape = (*stack, place.n_tokens, place.d)
    coins = drawn.coins(f"weighing {place.n_tokens} {place.d}").generator()
    keys, queries = (rows / np.linalg.norm(rows, axis=-1, keepdims=True) for rows in coins.standard_normal((2, *shape)))
    return Tokens(keys, coins.random(shape), queries)
