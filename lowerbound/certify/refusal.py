"""Why a theorem says nothing of a head, in one sentence, and the nearest heads of which it says something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from lowerbound.certify.certified import target_of
from lowerbound.certify.design.target import Target
from lowerbound.certify.theorems import THEOREMS, Theorem
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import HasGeometry
from lowerbound.core.scalars import Rational, plainly
from lowerbound.errors import unknown

FARTHER = "smaller errors and larger logits are nearer to one that does"


def refusal(place: HasGeometry | str, *, eta: Rational, delta: Rational, theorem: str) -> str | None:
    """Why `certified` finds no certificate of a theorem for a head, or None if there is an instance.

    Contract: one sentence with the reason and the nearest numbers of cached and of own tokens at which the theorem has
    an instance that forces a bit, where fewer tokens help. Errors are those of `certified`.
    """
    if theorem not in THEOREMS:
        raise unknown("theorem", theorem, THEOREMS)
    return refused(THEOREMS[theorem], target_of(place, eta=eta, delta=delta))


def refused(theorem: Theorem, target: Target) -> str | None:
    """The same for a target."""
    why = theorem.refusal(target)
    if why is None:
        return None
    where = f"{target.geometry.name} at eta = {plainly(target.eta)}, delta = {plainly(target.delta)}"
    return f"theorem {theorem.name} does not bound {where}: {why}; {why.nearest or _nearest(theorem, target)}"


def _nearest(theorem: Theorem, target: Target) -> str:
    """What to ask for instead: fewer cached or own tokens, if the theorem has an instance there."""
    if theorem.room is None:
        return FARTHER

    def cached(n: int) -> Target:
        return _with_tokens(target, n, target.n_own)

    def own(n: int) -> Target:
        return _with_tokens(target, target.n_tokens, n)

    found = []
    for what, count, at in (("cached", target.n_tokens, cached), ("own", target.n_own, own)):
        fewer = _fewer(theorem, at, count)
        if fewer is not None and theorem.refusal(at(fewer)) is None:
            found.append(f"the nearest possible number of {what} tokens is {fewer:,}")
    return " or ".join(found) or FARTHER


def _with_tokens(target: Target, n_cached: int, n_own: int) -> Target:
    """The target with other numbers of tokens, as one block and a last map."""
    return replace(target, geometry=replace(target.geometry, schedule=paged(n_cached, n_own)))


def _fewer(theorem: Theorem, at: Callable[[int], Target], too_many: int) -> int | None:
    """The largest number of tokens with room below one without, if halving the number meets one with room; else None.

    Between the two, there is taken to be room up to some number.
    """
    low, high = too_many // 2, too_many
    while low and not theorem.has_room(at(low)):
        low, high = low // 2, low
    if not low:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if theorem.has_room(at(middle)) else (low, middle)
    return low
