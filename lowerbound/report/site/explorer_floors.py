"""Floors of one head on a grid of errors, by geometry: models whose heads cache alike share a row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lowerbound.caches.registry import cache_of
from lowerbound.ceiling.achieved import cheapest
from lowerbound.certify.certified import LOGIT_CAP, certified
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.threads import one_thread
from lowerbound.errors import Undecided

Floors = dict[str, Any]
"""The bits of each theorem, of the cheapest proved cache, and its name, at one error and failure probability."""


@dataclass(frozen=True)
class Errors:
    """The errors and the failure probabilities at which floors are computed: each of one with each of the other."""

    etas: tuple[Fraction, ...]
    deltas: tuple[Fraction, ...]


def geometry_of(place: HasGeometry) -> str:
    """The numbers on which the floors of one head depend: tokens cached, tokens of the last map, head dimension."""
    head = place.geometry
    return f"{head.n_tokens_cached},{head.n_own},{head.d}"


def floors_of(place: HasGeometry, eta: Fraction, delta: Fraction) -> Floors:
    """Bits per head: the certified floor of each theorem (None if it gives none), and the cheapest proved cache.

    Contract: every floor is VERIFIED by the kernel. A theorem of whose design no certificate can be made has None, and
    a reason in `left_out`, which is there only then; other errors are those of `certified`.
    """
    head = place.geometry
    bits: dict[str, Any] = {}
    left_out: dict[str, str] = {}
    for name in THEOREMS:
        try:
            found = certified(head, eta=eta, delta=delta, theorem=name)
        except Undecided as undecided:
            found, left_out[name] = None, str(undecided).partition(" is not verified: ")[2]
        bits[name] = None if found is None else found.bits
    best = cheapest(head.n_tokens_cached, head.d, multiplier=LOGIT_CAP, eta=eta, failure_prob=delta)
    reasons = {"left_out": left_out} if left_out else {}
    return {**bits, "cache": best.bits, "cache_name": cache_of(best), **reasons}


def first_heads(places: Sequence[HasGeometry]) -> dict[str, Geometry]:
    """By geometry, the head of the first of these places that has it."""
    return {geometry_of(place): place.geometry for place in reversed(places)}


def grid(heads: Mapping[str, Geometry], errors: Errors, watch: Callable[[str], None]) -> dict[str, Any]:
    """The table geometry -> eta -> delta -> floors of these heads, computed on all processors."""
    table: dict[str, Any] = {key: {} for key in heads}
    with ProcessPoolExecutor() as pool:
        largest_first = sorted(heads, key=lambda key: -heads[key].n_tokens_cached)
        running = {
            (key, eta): pool.submit(line, heads[key], eta, errors.deltas)
            for key in largest_first
            for eta in errors.etas
        }
        for (key, eta), found in running.items():
            table[key][str(eta)] = found.result()
            watch(f"floors of {heads[key].name} at eta = {eta}")
    return table


def line(head: Geometry, eta: Fraction, deltas: Sequence[Fraction]) -> dict[str, Floors]:
    """The table delta -> floors of one head at one error."""
    with one_thread():  # the searches multiply small matrices, and other processes search at the same time
        return {str(delta): floors_of(head, eta, delta) for delta in deltas}
