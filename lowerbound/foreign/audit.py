"""An audit: somebody else's cache is weighed, played, attacked and compared with what is proved, in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.attack.adversary import Broken, attack
from lowerbound.attack.instance import Violation
from lowerbound.caches.registry import target_of
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.certify.possible import FIXED_LENGTH_SLACK, Answer, possible
from lowerbound.certify.witness import witness
from lowerbound.core.bits import FP16_BITS
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.kinds import is_wrapped
from lowerbound.core.models import find_geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.time_limit import check_time_limit
from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError, TimeLimitExceeded, invalid
from lowerbound.foreign.defendant import Defendant, distribution_of
from lowerbound.foreign.holding import Balance, Tokens, balance
from lowerbound.foreign.ledger import Holding
from lowerbound.foreign.verdict import Claim, Finding, oddities, percent, times
from lowerbound.game.channel import Isolation, refuse_here, strongest
from lowerbound.game.duel import Contender, Row, contest, describe
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.question import Terms
from lowerbound.game.reduction import plan_reduction

STACK = (2, 2)
OTHER_DIMENSIONS = (64, 128, 32, 16, 8, 4, 2)
"""Head dimensions that are tried, in this order, with a method that refuses the model's own."""
LONG = Geometry("prompt", ScaleSchedule(((1, 4096), *[(1, 1)] * 17)), 128, stack=(2, 1))
"""A prompt of 4096 tokens and 16 steps in R^128: methods that keep a window show there what they come to."""
LONG_S = 30.0
"""Seconds for the long prompt; a method that needs more is not weighed there."""
ATTACK_S = 8.0
MOST_NUMBERS = 64
"""A broken instance with at most this many key entries is told whole."""
TIME_LIMIT_S = 120.0
NEAR_PPM = 50_000
"""An object whose answers are this near (in millionths) answers well where it grew up."""
FAR = 0.2
"""An object that misreads this share of bits elsewhere does not answer well there."""


@dataclass(frozen=True)
class Weighed:
    """What was held at one place, beside the fp16 keys and values of the same tokens."""

    geometry: Geometry
    holding: Holding
    fp16_bytes: int

    @property
    def ratio(self) -> Fraction:
        """fp16 bytes over held bytes."""
        return Fraction(self.fp16_bytes, max(1, self.holding.held_bytes))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, without the ledger."""
        return {
            "tokens": self.geometry.n_tokens_cached,
            "d": self.geometry.d,
            "fp16_bytes": self.fp16_bytes,
            "held_bytes": self.holding.held_bytes,
            "held_ratio": float(self.ratio),
        }


@dataclass(frozen=True)
class Audit:
    """Everything that an audit found.

    Parameters
    ----------
    weighed, long : what is held at the audit's place and at the long one; None for a cache of this package's interface,
        whose state is its message, and where the method refused the place
    bits, codes : the rows of the 0/1 game and of the game of keys and values; the second has a packed message
    answer : what is proved about the ratio claimed, or, without a claim, about the one held
    """

    target: str
    package: str
    version: str | None
    geometry: Geometry
    eta: Fraction
    claim: Claim | None
    weighed: Weighed | None
    long: Weighed | None
    bits: Row | None
    codes: Row | None
    answer: Answer | None
    broken: Broken | None
    refusals: tuple[str, ...]

    @property
    def fp16_bytes(self) -> int | None:
        """The bytes of the keys and values of the cached tokens of all heads in fp16."""
        return None if self.bits is None else _fp16_bytes(self.geometry, (self.bits.layers, self.bits.heads))

    @property
    def sent_bytes(self) -> int | None:
        """The bytes of the message of the 0/1 game."""
        return None if self.bits is None else self.bits.state_bits // 8

    def ratio_of(self, size: int | None) -> Fraction | None:
        """The compression of the fp16 cache that a size means."""
        return None if size is None or self.fp16_bytes is None else Fraction(self.fp16_bytes, max(1, size))

    @property
    def packed_ratio(self) -> Fraction | None:
        """The compression of the message whose integers take the bits that their values need."""
        return None if self.codes is None else self.ratio_of(self.codes.state_bits // 8)

    @property
    def held_ratio(self) -> Fraction | None:
        """The best ratio held at any place, or, without a ledger, the one sent."""
        held = [each.ratio for each in (self.weighed, self.long) if each is not None]
        return max(held) if held else self.ratio_of(self.sent_bytes)

    @property
    def error(self) -> float | None:
        """The share of the bits at rest that Bob misreads."""
        return None if self.bits is None else self.bits.error

    @property
    def keys_error(self) -> float | None:
        """The share of the symbols in keys that Bob misreads."""
        if self.codes is None:
            return None
        return next(part.error for part in self.codes.parts if part.name == "keys")

    @property
    def findings(self) -> list[tuple[Finding, str]]:
        """All that speaks for a word, in the order of the words."""
        found: list[tuple[Finding, str]] = [(Finding.REFUSED, each) for each in self.refusals if self.bits is None]
        held = self.held_ratio
        if self.claim is not None and held is not None and not self.claim.is_kept_by(held):
            why = "; ".join(oddities(self.weighed.holding)) if self.weighed is not None else ""
            says = "claims" if self.claim.said_by == "--claim" else f"{self.claim.said_by} says"
            said = f"{says} {self.claim}, holds {times(held)}" + (f" ({why})" if why else "")
            found.append((Finding.MISSTATES, said))
        if self.error:
            found.append((Finding.MISREADS, f"misreads {percent(self.error)} of bits at rest{self._only_elsewhere}"))
        if self.codes is not None and self.codes.errors:
            wrong = " and ".join(f"{percent(part.error)} of {part.name}" for part in self.codes.parts if part.errors)
            found.append((Finding.BREAKS, f"breaks eta = {float(self.eta):g}: misreads {wrong} on a fine grid"))
        if self.broken is not None:
            found.append((Finding.BREAKS, _broken_sentence(self.broken)))
        if self.claim is not None and self.answer is not None and self.answer.word == "IMPOSSIBLE":
            found.append((Finding.IMPOSSIBLE, _impossible_sentence(self.answer)))
        return found

    @property
    def _only_elsewhere(self) -> str:
        """A clause for an object that answers well where it grew up, and not where its message was read."""
        live = None if self.weighed is None else self.weighed.holding.live_error_ppm
        if live is None or not self.error or live > NEAR_PPM or self.error < FAR:
            return ""
        return (
            f", rebuilt in another process, while in its own its answers are within {live / 1e6:.2g}: "
            "it keeps state where no message carries it"
        )

    @property
    def verdict(self) -> Finding:
        """The first word that applies."""
        return self.findings[0][0] if self.findings else Finding.KEEPS

    @property
    def reasons(self) -> list[str]:
        """The findings as sentences, then what else is worth knowing."""
        reasons = [sentence for _, sentence in self.findings]
        if self.claim is not None and self.held_ratio is not None and self.claim.is_kept_by(self.held_ratio):
            reasons.append(f"holds its claim of {self.claim}: {times(self.held_ratio)}")
        if self.weighed is not None and not any(word is Finding.MISSTATES for word, _ in self.findings):
            reasons += oddities(self.weighed.holding)
        if self.claim is not None and self.answer is not None and self.answer.word == "POSSIBLE":
            told = self.answer.to_json()["achieved"]["cache"]
            reasons.append(f"possible: a proved cache ({told}) does {times(self.answer.ratio)} at this error")
        if self.bits is not None:
            reasons += self.refusals
        return reasons

    def to_json(self, witness_file: str | None = None) -> dict[str, Any]:
        """The audit as one object of plain JSON values."""
        held = None if self.weighed is None else self.weighed.holding
        ratios = {"sent_ratio": self.ratio_of(self.sent_bytes), "packed_ratio": self.packed_ratio}
        own = None if held is None else held.own_ratio
        return {
            "target": self.target,
            "package": self.package,
            "version": self.version,
            "claimed_ratio": None if self.claim is None else float(self.claim.ratio),
            "claimed_by": None if self.claim is None else self.claim.said_by,
            "own_ratio": None if own is None else float(own),
            "fp16_bytes": self.fp16_bytes,
            "held_bytes": None if held is None else held.held_bytes,
            "held_ratio": None if self.weighed is None else float(self.weighed.ratio),
            "sent_bytes": self.sent_bytes,
            **{name: None if ratio is None else float(ratio) for name, ratio in ratios.items()},
            "error": self.error,
            "keys_error": self.keys_error,
            "verdict": str(self.verdict),
            "reasons": self.reasons,
            "ledger": [] if held is None else [entry.to_json() for entry in held.entries],
            "long": None if self.long is None else self.long.to_json(),
            "witness": _witness_json(self.broken, witness_file),
            "eta": float(self.eta),
            "geometry": {
                "model": self.geometry.name,
                "tokens": self.geometry.n_tokens_cached,
                "d": self.geometry.d,
                "layers": None if self.bits is None else self.bits.layers,
                "heads": None if self.bits is None else self.bits.heads,
                "schedule": str(self.geometry.schedule),
            },
            "proved": None if self.answer is None else self.answer.to_json(),
        }


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
) -> Audit:
    """Weigh, play and attack a cache, and compare it with its claim and with what is proved.

    Contract: all that is measured crosses from a process of the cache; nothing of it is imported here. A method that
    refuses the model's head dimension is played at another, which the audit names. Unusable arguments, a target that
    cannot be imported and one that refuses every dimension raise InvalidArgument; a cache that breaks its contract does
    not raise: it is `refused`, and the sentence is among the reasons.

    Parameters
    ----------
    target : str or Defendant
        "KIND:MODULE:NAME", or whatever `play` takes.
    claim : rational or None
        The compression of the fp16 cache that somebody claims; None takes the object's own meter, if it has one.
    eta : rational in (0, 1/2)
        The additive error that every answer must keep, for values in [0, 1].
    """
    error = rational(eta, name="eta")
    if not 0 < error < Fraction(1, 2):
        raise invalid("eta", "lie strictly between 0 and 1/2", str(eta))
    check_time_limit(time_limit_s)
    stated = None if claim is None else Claim.of(claim, "--claim")
    level = strongest() if isolation is None else isolation
    defendant = _defendant(target, init, after, read)
    if isinstance(defendant, Defendant) and level is Isolation.NONE:
        refuse_here([defendant.text])
    drawn = instances or PrivateSeed.fresh()
    head = find_geometry(model)
    terms: dict[str, Any] = {"isolation": level, "time_limit_s": time_limit_s, "instances": drawn}
    refusals: list[str] = []
    weighed = long = broken = budget = None
    foes: dict[str, Any] = {"eta": error, "guarantee": "additive", "seed": seed, "instances": drawn, "isolation": level}
    if isinstance(defendant, Defendant):
        on_step("starting the package")
        with balance(defendant, level, time_limit_s) as scales:
            facts = scales.facts
            on_step("weighing")
            head, weighed = _first_weighed(scales, head, drawn, error, seed, time_limit_s, refusals)
            on_step("weighing a long prompt")
            long = None if weighed is None else _weighed(scales, LONG, drawn, error, seed, LONG_S, refusals)
            if weighed is None:
                return _refused(defendant, head, error, stated, refusals)
            if attack_s > 0:
                on_step("attacking")
                broken = _broken(defendant.text, head, attack_s, refusals, {**foes, "answering": scales})
        if stated is None and weighed.holding.own_ratio is not None:
            stated = Claim.of(weighed.holding.own_ratio, "its own meter")
        entries = [defendant.text, replace(defendant, packed=True).text]
        label, stack = defendant.name, STACK
    else:
        name, _, share = (defendant, "", "") if defendant.startswith("exec:") else defendant.partition("@")
        budget = share or None
        label, stack, entries = defendant, None, [target_of(name)] * 2
        facts = describe(entries[0], level, time_limit_s)
        if attack_s > 0:
            on_step("attacking")
            broken = _broken(name, head, attack_s, refusals, {**foes, "budget": budget})
    on_step("playing bits at rest, and keys and values")
    families: list[HardFamily] = [
        plan_reduction(head, eta=error, guarantee="additive", seed=seed),
        payload_game(head, "C", eta=error, seed=seed),
    ]
    if stack is not None:
        families = [family.stacked(stack) for family in families]
    contenders = [Contender(entry, budget, label, facts) for entry in entries]
    played = contest(list(zip(families, contenders, strict=True)), **terms)
    rows = [None if isinstance(row, LowerBoundError) else row for row in played]
    refusals += [str(error) for error in played if isinstance(error, LowerBoundError)]
    bits, codes = rows
    if stated is None and bits is not None and bits.claimed_ratio is not None:
        stated = Claim.of(Fraction(bits.claimed_ratio), "its own count")
    found = Audit(
        **_who(defendant),
        geometry=head,
        eta=error,
        claim=stated,
        weighed=weighed,
        long=long,
        bits=bits,
        codes=codes,
        answer=None,
        broken=broken,
        refusals=tuple(dict.fromkeys(refusals)),
    )
    on_step("asking what is proved")
    asked = found.held_ratio if stated is None else stated.ratio
    return found if asked is None else replace(found, answer=possible(head, ratio=asked, eta=error))


def _defendant(
    target: str | Defendant, init: dict[str, Any] | None, after: str | None, read: str | None
) -> Defendant | str:
    """The target with its options; a name that is no KIND:MODULE:NAME takes none."""
    if isinstance(target, Defendant) or is_wrapped(target):
        found = target if isinstance(target, Defendant) else Defendant.parse(target)
        options: dict[str, Any] = {"init": init, "after": after, "read": read}
        return replace(found, **{name: value for name, value in options.items() if value is not None})
    if target.count(":") >= 2 and not target.startswith("exec:"):
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


def _refused(defendant: Defendant, head: Geometry, eta: Fraction, claim: Claim | None, refusals: list[str]) -> Audit:
    nothing: dict[str, Any] = dict.fromkeys(("weighed", "long", "bits", "codes", "answer", "broken"))
    return Audit(
        **_who(defendant), geometry=head, eta=eta, claim=claim, refusals=tuple(dict.fromkeys(refusals)), **nothing
    )


def _first_weighed(
    scales: Balance,
    head: Geometry,
    drawn: PrivateSeed,
    eta: Fraction,
    seed: int,
    time_limit_s: float,
    refusals: list[str],
) -> tuple[Geometry, Weighed | None]:
    """The first place, of the model's own dimension and OTHER_DIMENSIONS, that the method does not refuse.

    A method that gives the same reason for two dimensions does not refuse the dimension, and no other one is tried.
    """
    said: list[str] = []
    for d in dict.fromkeys((head.d, *OTHER_DIMENSIONS)):
        name = head.name if d == head.d else f"{head.name}, d = {d}"
        place = replace(head, d=d, name=name, stack=STACK)
        found = _weighed(scales, place, drawn, eta, seed, time_limit_s, said)
        if found is not None:
            refusals += said
            return replace(place, stack=None), found
        if len(said) > 1 and said[-1].partition(": ")[2] == said[-2].partition(": ")[2]:
            said.pop()
            break
    refusals += said
    return head, None


def _weighed(
    scales: Balance,
    place: Geometry,
    drawn: PrivateSeed,
    eta: Fraction,
    seed: int,
    time_limit_s: float,
    refusals: list[str],
) -> Weighed | None:
    stack = place.stack or STACK
    terms = Terms(place.schedule, place.d, place.rule(MULTIPLIER_CAP), "additive", eta, seed=seed, stack=stack)
    try:
        holding = scales.weigh(terms, tokens_of(place, stack, drawn), time_limit_s)
    except (CacheContractBroken, InvalidArgument, TimeLimitExceeded) as error:
        refusals.append(f"at {place.n_tokens_cached} tokens of R^{place.d}: {error}")
        return None
    return Weighed(place, holding, _fp16_bytes(place, _heads(stack)))


def tokens_of(place: Geometry, stack: tuple[int, int], drawn: PrivateSeed) -> Tokens:
    """Random tokens of a stack: unit keys and queries in all directions, values uniform in [0, 1]."""
    shape = (*stack, place.n_tokens, place.d)
    coins = drawn.coins(f"weighing {place.n_tokens} {place.d}").generator()
    keys, queries = (rows / np.linalg.norm(rows, axis=-1, keepdims=True) for rows in coins.standard_normal((2, *shape)))
    return Tokens(keys, coins.random(shape), queries)


def _heads(stack: tuple[int, int]) -> tuple[int, int]:
    return stack[0], stack[0] * stack[1]


def _fp16_bytes(place: Geometry, stack: tuple[int, int]) -> int:
    _, heads = stack
    return 2 * FP16_BITS // 8 * place.n_tokens_cached * place.d * heads


def _broken(name: str, head: Geometry, attack_s: float, refusals: list[str], terms: Mapping[str, Any]) -> Broken | None:
    """What the adversary breaks: first on small heads, and then on the model's own."""
    for geometry in (None, head):
        try:
            found = attack(name, geometry=geometry, time_limit_s=attack_s, **terms)
        except LowerBoundError as error:
            refusals.append(f"attack: {error}")
            continue
        if isinstance(found, Broken):
            return found
    return None


def _broken_sentence(broken: Broken) -> str:
    found, eta = broken.violation, float(broken.terms.eta)
    tokens = len(found.instance.tokens.keys)
    return f"breaks eta = {eta:g} on {tokens} tokens: an answer is off by {found.ratio:.3g} eta"


def _impossible_sentence(answer: Answer) -> str:
    """Why no cache keeps the claim: by the best machine-checked floor, where that is enough, else by the best one."""
    assert answer.floor is not None
    checked = answer.checked
    floor = checked if checked is not None and checked.bits > answer.budget_bits + FIXED_LENGTH_SLACK else answer.floor
    most = Fraction(answer.geometry.cache_bits, floor.bits)
    return (
        f"no cache can: at eta = {float(answer.eta):g} every cache of model R1 keeps at least {floor.bits:,} bits of a "
        f"head, so {times(most)} at most (Theorem {floor.theorem.name}, {floor.proof}); the claim is "
        f"{times(answer.ratio)}"
    )


def _witness_json(broken: Broken | None, file: str | None) -> dict[str, Any] | None:
    if broken is None:
        return None
    found = broken.violation
    return {
        "tokens": len(found.instance.tokens.keys),
        "d": found.instance.terms.d,
        "attack": broken.attack,
        "answer": found.answer,
        "exact": found.exact,
        "error_over_eta": found.ratio,
        "file": file,
        "rows": _small_rows(found),
    }


def _small_rows(found: Violation) -> dict[str, Any] | None:
    """The tokens of a violation and the query, if they are few."""
    tokens = found.instance.tokens
    if tokens.keys.size > MOST_NUMBERS:
        return None
    rows = {name: getattr(tokens, name).tolist() for name in ("keys", "values", "queries")}
    return {**rows, "asked": found.instance.queries[0].tolist(), "coordinate": found.coordinate}


def witness_of(audited: Audit) -> bytes | None:
    """The witness document of a broken promise, for `check`; None if nothing was broken."""
    return None if audited.broken is None else witness(audited.broken.cache, audited.broken.violation)
