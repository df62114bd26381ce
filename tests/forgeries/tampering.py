"""Tampering by machine: every field of a valid document of every kind is changed in several ways, and sealed anew.

`make forgeries` runs `python -m tests.forgeries.tampering`, which prints one line a kind: how many documents were
tried, refused, and accepted because what they say is still true. What is true is decided by a second opinion that
shares no code with the kernel.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from itertools import product
from typing import Any
from unittest.mock import patch

from flint import arb, ctx

from lowerbound.certify.certified import certified
from lowerbound.certify.check import check
from lowerbound.certify.given_keys import certified_on
from lowerbound.certify.replay.fibres import certify_fibre
from lowerbound.certify.replay.games import replay
from lowerbound.core.models import find_model
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.rules import sphere, strip_noise, strip_reads
from lowerbound.kernel.verdict import Outcome, Verdict
from tests.certify.test_transcript import written
from tests.certify.test_witness import document as witness_of
from tests.forgeries.test_certificates import HOLDS
from tests.game.test_recorded import HEAD, KEYS
from tests.kernel.examples import ACCEPTED, EXAMPLES, changed, places, signed, stated

Json = Any
MOST_PLACES = 60
"""Places of a part of a document that are changed; of longer parts a sample, with a fixed seed."""


def mutations(value: Json, sibling: Json, foreign: Json) -> Iterator[Json]:
    """Other values for a place: sign, one more, one less, wrong type, huge, empty, NaN, a sibling's, another kind's."""
    if type(value) is bool:
        yield from (not value, int(value), "true", None)
    elif type(value) is int:
        yield from (-value, value + 1, value - 1, 2 * value, 2**70, str(value), float_text(value), None, [value])
    elif type(value) is str:
        yield from ("", "NaN", value + "0", value[::-1], 0, None, [value], "9" * 40)
        try:
            number = Fraction(value)
        except (ValueError, ZeroDivisionError):
            pass
        else:
            yield from (str(-number), str(number + 1), str(number / 2), f"{value}/0", f"{number.numerator * 2}/7")
    elif type(value) is list:
        yield from ([], value[::-1], value + value[-1:], value[:-1], {}, None)
    elif type(value) is dict:
        yield from ({}, [], None, {**value, "more": 1})
    else:
        yield from (0, "", "1/2", False)
    yield from (sibling, foreign)


def float_text(value: int) -> str:
    """A number as a reader of floats would write it."""
    return f"{value}.0"


def same(one: Json, other: Json) -> bool:
    """Whether two values are the same, type by type: 1 is not true."""
    return type(one) is type(other) and repr(one) == repr(other)


def tampered(claim: Json, payload: Json, foreign: Json, seed: int) -> Iterator[tuple[Json, Json]]:
    """Claims and payloads that differ from the given pair in one place."""
    rng = random.Random(seed)
    for inside, part in (("claim", claim), ("payload", payload)):
        spots = list(places(part))
        if len(spots) > MOST_PLACES:
            spots = [spot for spot in spots if len(spot) == 1] + rng.sample(spots, MOST_PLACES)
        for spot in spots:
            holder = part
            for step in spot[:-1]:
                holder = holder[step]
            old = holder[spot[-1]]
            siblings = list(holder.values()) if isinstance(holder, dict) else holder
            sibling = siblings[(siblings.index(old) + 1) % len(siblings)]
            for new in mutations(old, sibling, foreign):
                if not same(old, new):
                    other = changed(part, spot, new)
                    yield (other, payload) if inside == "claim" else (claim, other)


def number(expression: Json, values: dict[str, float]) -> float:
    """An expression of a claim, in floats."""
    if isinstance(expression, str):
        return values[expression] if expression in values else float(Fraction(expression))
    head, *rest = expression
    if head == "^":
        return float(number(rest[0], values) ** rest[1])
    inside = [number(each, values) for each in rest]
    table: dict[str, Callable[[], float]] = {
        "+": lambda: sum(inside),
        "*": lambda: math.prod(inside),
        "-": lambda: inside[0] - inside[1],
        "/": lambda: inside[0] / inside[1],
        "exp": lambda: math.exp(inside[0]),
        "log": lambda: math.log(inside[0]),
    }
    return table[head]()


def is_positive(claim: Json, _: Json) -> bool:
    """Whether the goal of a cover is positive at all points of a grid on its box."""
    box = {name: [float(Fraction(end)) for end in ends] for name, ends in claim["variables"].items()}
    grids = [[low + (high - low) * k / 20 for k in range(21)] for low, high in box.values()]
    return all(number(claim["goal"], dict(zip(box, point, strict=True))) > -1e-12 for point in product(*grids))


def still_true(kind: str, claim: Json, payload: Json) -> bool:
    """The second opinion on a claim; what it cannot read, it does not confirm."""
    try:
        return (is_positive if kind == "cover" else HOLDS[kind])(claim, payload)
    except Exception:
        return False


def _seed(claim: Json) -> Json:
    """The public seed that a transcript's claim names, if it is of the form of one."""
    try:
        return claim["setting"]["family"]["seed"]
    except (KeyError, TypeError):
        return None


def says_no_more(old: Json, new: Json) -> bool:
    """Whether a claim says what the old one says, or less: fewer bits, at the same or a smaller error.

    A game of caches and keys that use no public coins is the same under any public seed.
    """
    if old.keys() != new.keys():
        return False
    if "setting" in old and type(_seed(new)) is int and _seed(new) >= 0:
        new = changed(new, ("setting", "family", "seed"), _seed(old))
    free = {"bits", "eta", "delta", "multiplier", "floor_bits", "confidence"} & old.keys()
    if any(not same(old[key], new[key]) for key in old.keys() - free):
        return False
    return all(Fraction(new[key]) <= Fraction(old[key]) for key in free - {"multiplier"}) and (
        "multiplier" not in free or Fraction(new["multiplier"]) >= Fraction(old["multiplier"])
    )


@dataclass
class Count:
    """What became of the documents of one kind; `believed` are false ones that were accepted, and must stay empty."""

    tried: int = 0
    refused: int = 0
    still_true: int = 0
    believed: list[tuple[Json, Json]] = field(default_factory=list)

    def add(self, accepted: bool, true: Callable[[], bool], pair: tuple[Json, Json]) -> None:
        """One more document."""
        self.tried += 1
        if not accepted:
            self.refused += 1
        elif true():
            self.still_true += 1
        else:
            self.believed.append(pair)


def resealed(kind: str, claim: Json, payload: Json) -> bytes:
    """The document of a forged pair, its digests made anew."""
    statement = stated(kind, claim)
    return write_document(statement, signed(statement, payload))


@contextmanager
def remembered_tails() -> Iterator[None]:
    """Tails of the sphere are computed once for each ball: a thousand forgeries of one document ask for the same ones.

    A ball is known by its exact middle and radius, so that the kernel gets the very numbers that it would make.
    """
    known: dict[Any, arb] = {}

    def tail(t: arb, d: int) -> arb:
        if not t.is_finite():
            return computed(t, d)
        key = (t.mid().man_exp(), t.rad().man_exp(), d, ctx.prec)
        if key not in known:
            known[key] = computed(t, d)
        return known[key]

    computed, modules = sphere.tail, (sphere, strip_reads, strip_noise)
    with ExitStack() as patched:
        for module in modules:
            patched.enter_context(patch.object(module, "tail", tail))
        yield


def judged(name: str) -> Count:
    """Tampering with an example of the kernel's, judged by the kernel alone."""
    with remembered_tails():
        return _judged(name)


def _judged(name: str) -> Count:
    kind, claim, payload = EXAMPLES[name]
    others = sorted(EXAMPLES)
    foreign = EXAMPLES[others[(others.index(name) + 1) % len(others)]][1]
    count = Count()
    for pair in tampered(claim, payload, foreign, seed=0):
        _, verdict = judge_document(resealed(kind, *pair))
        assert "the judge failed" not in verdict.reason, (name, pair, verdict.reason)

        def true(pair: tuple[Json, Json] = pair) -> bool:
            return still_true(kind, *pair)

        count.add(verdict.outcome in ACCEPTED, true, pair)
    return count


MODEL = "var-d16"


@cache
def genuine() -> dict[str, bytes]:
    """Floors of a model of the catalogue, a transcript of a game on one, and a witness against a cache."""
    found = {f"theorem {name}": certified(MODEL, eta="1/100", delta="1/1000", theorem=name) for name in "ABC"}
    found["theorem B on given keys"] = certified_on(KEYS, HEAD, eta="1/100", delta="1/1000")
    model = find_model(MODEL)
    return {
        **{name: floor.document() for name, floor in found.items() if floor is not None},
        "theorem R2": replay(model, delta="1/8").certified.document(),
        "theorem R3": certify_fibre(model, "signs").document(),
        "a transcript": written("window", "1/4"),
        "a witness": witness_of("streaming"),
    }


def checked(name: str) -> Count:
    """Tampering with the claim of a genuine document, checked as `lowerbound check` does: no false one is VERIFIED."""
    statement, certificate = read_document(genuine()[name])
    claim, payload = statement["claim"], certificate["payload"]
    count = Count()
    for new, _ in tampered(claim, {}, "var-d36-512", seed=0):
        verdict: Verdict = check(resealed(statement["kind"], new, payload)).verdict
        assert "the judge failed" not in verdict.reason, (name, new, verdict.reason)

        def true(new: Json = new) -> bool:
            return says_no_more(claim, new) or still_true(statement["kind"], new, payload)

        count.add(verdict.outcome is Outcome.VERIFIED, true, (new, {}))
    return count


def main() -> int:
    """Print one line a document, and the sum; 1 if a false one was accepted."""
    total = Count()
    for label, one in [*((name, judged) for name in EXAMPLES), *((name, checked) for name in genuine())]:
        count = one(label)
        print(f"{label:20} {count.tried:5} tried {count.refused:5} refused {count.still_true:4} still true")
        total.tried, total.refused = total.tried + count.tried, total.refused + count.refused
        total.still_true += count.still_true
        total.believed += count.believed
        for pair in count.believed:
            print(f"  FALSE AND ACCEPTED: {str(pair)[:400]}")
    print(f"{'all':20} {total.tried:5} tried {total.refused:5} refused {total.still_true:4} still true")
    return 1 if total.believed else 0


if __name__ == "__main__":
    sys.exit(main())
