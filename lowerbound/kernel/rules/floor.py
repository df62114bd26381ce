"""The claim of every floor certificate: a head, an error, and a number of bits that every cache of that head needs.

Theorems differ in the payload that proves the claim; the claim has the same form, so that floors can be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import Any

from flint import arb, ctx, fmpq

from lowerbound.errors import Undecided
from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_SCALES = 4096
MOST_SIDE = 2**16
MOST_TOKENS = 2**20
LARGEST_MULTIPLIER = {"l2norm": 100, "1/sqrt(d)": 2**16, "0.25/sqrt(d)": 2**16}
"""Per rule: what the model's own code allows, and elsewhere the largest cap on |logit| that a claim may state."""


@dataclass(frozen=True)
class FloorClaim:
    """A claim, parsed and checked for form.

    `n_tokens` tokens are cached before the last scale, which has `n_own` tokens. `multiplier` is the largest logit
    between unit vectors that a query may ask for. `eta` is the error, additive or relative as `guarantee` says, `delta`
    the failure probability of an answer, and `bits` the claimed bits of one head.
    """

    theorem: str
    n_tokens: int
    n_own: int
    d: int
    multiplier: Fraction
    guarantee: str
    eta: Fraction
    delta: Fraction
    bits: int


Lemmas = Mapping[str, tuple[str, ...]]
"""The lemmas in the proof book on which each theorem rests, by the theorem's letter."""


def read_floor(claim: Any, theorems: Lemmas, with_failures: Lemmas | None = None) -> FloorClaim:
    """The parsed claim; raises Rejected unless it is about one of these theorems and names the theorem's lemmas.

    A theorem of `with_failures` rests on the lemmas named there if delta > 0.
    """
    names = ("theorem", "lemmas", "computation_model", "model", "maps", "context", "d")
    terms = ("rule", "multiplier", "guarantee", "eta", "delta", "bits")
    theorem, lemmas, world, model, maps, context, d, rule, cap, guarantee, eta, delta, bits = fields(
        claim, "the claim", *names, *terms
    )
    if typed(theorem, str, "the theorem") not in theorems:
        raise Rejected(f"the theorem must be one of {', '.join(theorems)}, got {shown(theorem)}")
    if world != "R1":
        raise Rejected(f"the computation model must be R1, got {shown(world)}")
    if guarantee not in ("additive", "relative"):
        raise Rejected(f"the guarantee must be additive or relative, got {shown(guarantee)}")
    if typed(rule, str, "the rule") not in LARGEST_MULTIPLIER:
        raise Rejected(f"the rule must be one of {', '.join(LARGEST_MULTIPLIER)}, got {shown(rule)}")
    if not 1 <= len(typed(model, str, "the model")) <= 200:
        raise Rejected("the model must have a name of at most 200 characters")
    multiplier = rational(cap, "the multiplier")
    if not 0 < multiplier <= LARGEST_MULTIPLIER[rule]:
        raise Rejected(f"the multiplier must lie in (0, {LARGEST_MULTIPLIER[rule]}], got {shown(cap)}")
    error, failure = rational(eta, "eta"), rational(delta, "delta")
    if not 0 <= error < 1 or not 0 <= failure < Fraction(1, 2):
        raise Rejected(f"eta must lie in [0, 1) and delta in [0, 1/2), got {shown(eta)} and {shown(delta)}")
    rests = (with_failures or {}).get(theorem, theorems[theorem]) if failure else theorems[theorem]
    if lemmas != list(rests):
        raise Rejected(f"theorem {theorem} rests on {', '.join(rests)} at this delta, not on {shown(lemmas)}")
    *cached, own = _sizes(maps)
    n_tokens = integer(context, "the context", 0, MOST_TOKENS) + sum(cached)
    if not 2 <= n_tokens <= MOST_TOKENS or own > MOST_TOKENS:
        raise Rejected(f"there must be 2 to {MOST_TOKENS} cached tokens, got {n_tokens}, and as many own ones at most")
    return FloorClaim(
        theorem=theorem,
        n_tokens=n_tokens,
        n_own=own,
        d=integer(d, "d", 2, 4096),
        multiplier=multiplier,
        guarantee=guarantee,
        eta=error,
        delta=failure,
        bits=integer(bits, "the bits", 0, 2**50),
    )


def _sizes(maps: Any) -> list[int]:
    if not 1 <= len(typed(maps, list, "the maps")) <= MOST_SCALES:
        raise Rejected(f"there must be 1 to {MOST_SCALES} maps, got {len(maps)}")
    for sides in maps:
        if len(typed(sides, list, "a map")) not in (2, 3):
            raise Rejected(f"a map must have two or three sides, got {shown(sides)}")
    return [prod(integer(side, "a side", 1, MOST_SIDE) for side in sides) for sides in maps]


def ball(value: Fraction | int) -> arb:
    """An exact number as a ball."""
    exact = Fraction(value)
    return arb(fmpq(exact.numerator, exact.denominator))


@contextmanager
def working_precision(value: Any) -> Iterator[None]:
    """A context in which balls have this many bits; the number is part of the payload, so it is checked."""
    bits = integer(value, "the precision", 53, 4096)
    before, ctx.prec = ctx.prec, bits
    try:
        yield
    finally:
        ctx.prec = before


def require(left: arb, right: arb, what: str) -> None:
    """Go on only if left < right for certain: Rejected if certainly not, Undecided if the balls overlap."""
    if left < right:
        return
    if left >= right:
        raise Rejected(f"it must hold that {what}, and it does not")
    raise Undecided(f"whether {what}")


def logistic(x: arb) -> arb:
    """The weight of a token whose logit is x over that of the one other token."""
    return 1 / (1 + (-x).exp())


def fano(levels: int, delta: Fraction | arb) -> arb:
    """Fano's inequality: bits that are known about a uniform symbol if a guess errs with probability delta."""
    ln2 = arb(2).log()
    known = arb(levels).log() / ln2
    if delta == 0:
        return known
    p = ball(delta) if isinstance(delta, Fraction) else delta
    wrong = -(p * p.log() + (1 - p) * (1 - p).log()) / ln2
    return known - wrong - p * arb(levels - 1).log() / ln2


def check_error(levels: int, floor: FloorClaim) -> None:
    """Raise Rejected unless delta <= 1 - 1/L, which Fano's inequality requires."""
    if floor.delta > 1 - Fraction(1, levels):
        raise Rejected(f"delta must be at most 1 - 1/L, got {floor.delta} for L = {levels}")


def compared(bits: arb, floor: FloorClaim) -> Verdict:
    """VERIFIED if the proved bits are certainly at least the claimed ones."""
    if bits >= arb(floor.bits):
        return Verdict(Outcome.VERIFIED, f"theorem {floor.theorem} forces {floor.bits} bits per head")
    if bits < arb(floor.bits):
        raise Rejected(f"the certificate proves fewer than the claimed {floor.bits} bits")
    raise Undecided(f"whether the bits are at least {floor.bits}")
