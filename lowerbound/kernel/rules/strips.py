"""Theorem G: what a state leaves open of a random key lies in strips, at any rate of wrong answers. Proved on paper.

The payload holds the numbers of the reads of one token; `strip_reads` bounds what each of them tells or leaves open.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.rules.floor import FloorClaim, ball, compared, read_floor, working_precision
from lowerbound.kernel.rules.strip_noise import Noise, narrowed
from lowerbound.kernel.rules.strip_reads import StripReads, log2_sphere
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"G": ("strips",)}
MOST_LEVELS = 8
MOST_CLASSES = 2**32
MOST_BITS = 512
MOST_WORK = 2**18
"""Reads, times bits, times the dimension (at least 128): what means over the sphere cost."""
NUMBERS = ("c_0", "w_0", "x_0", "tau_c", "tau_f", "tau_v", "radius", "cut", "a", "theta")
OF_CELLS = ("radius", "theta")
"""The numbers that only cells have; they are 0 where noise narrows a key down."""
ENTRIES, READS = {"cells": 2, "noise": 4}, {"cells": 1, "noise": 4}
"""Per way of narrowing: the numbers of a level, and what a level costs, in reads."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether states leave as little of keys and values open as claimed.

    Contract: with n = d - 1, VERIFIED only if the bits are at most T (I_0 + log |S^(n-1)| - narrowed - h + (d - 1) V),
    in base 2: I_0 is what a state knows of y_i at least, `narrowed` what it leaves open at most of the cells of omega_i
    (n sum_j cost_j), or of omega_i plus noise beyond the noise; h what it leaves open of omega_i after that at most, V
    what it knows of a value at least. Step sums bound the integrals. Refused unless the rates d_0, d_v, pi and those of
    cells are below 1/2, theta > 0, what is left is within 1/2, Gamma < lambda rho_1, widths decrease, and the reference
    reaches every height.
    Source: docs/strips.md, Theorem G.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "narrowing", "levels", "classes", *NUMBERS)
    bits, kind, steps, count, *numbers = fields(payload, "the payload", *names)
    if typed(kind, str, "the narrowing") not in ENTRIES:
        raise Rejected(f"the narrowing must be 'cells' or 'noise', got {shown(kind)}")
    levels, classes = _read_levels(steps, kind), integer(count, "the classes", 1, MOST_CLASSES)
    exact = {name: rational(value, name) for name, value in zip(NUMBERS, numbers, strict=True)}
    _check_ranges(floor, exact, kind)
    work = (READS[kind] * len(levels) + 3) * integer(bits, "the precision", 53, MOST_BITS) * max(floor.d, 128)
    if work > MOST_WORK:
        raise Rejected(f"{len(levels)} levels at {bits} bits in R^{floor.d} exceed the limit of work")
    with working_precision(bits):
        token = StripReads(floor, **{name: ball(number) for name, number in exact.items()})
        known = token.axis() + (floor.d - 1) * token.value() + log2_sphere(floor.d - 1)
        if kind == "cells":
            left = (floor.d - 1) * token.cells([(gain, width) for gain, width in levels])
            left += token.across(token.radius, *token.last_cell(ball(levels[-1][1])), classes)
        else:
            left, radius = narrowed(token, [Noise(*map(ball, level)) for level in levels], classes)
            left += token.across(radius, radius**2, arb(0), classes)
        return compared(floor.n_tokens * (known - left), floor)


def _read_levels(value: Any, kind: str) -> list[list[Fraction]]:
    if not 1 <= len(typed(value, list, "the levels")) <= MOST_LEVELS:
        raise Rejected(f"there must be 1 to {MOST_LEVELS} levels, got {len(value)}")
    if any(len(typed(level, list, "a level")) != ENTRIES[kind] for level in value):
        raise Rejected(f"a level of {kind} must have {ENTRIES[kind]} numbers")
    levels = [[rational(number, "a level") for number in level] for level in value]
    if any(number <= 0 for level in levels for number in level):
        raise Rejected("the numbers of levels must be positive")
    if kind == "cells" and any(wide[1] <= narrow[1] for wide, narrow in pairwise(levels)):
        raise Rejected("widths of levels must decrease")
    return levels


def _check_ranges(floor: FloorClaim, exact: dict[str, Fraction], kind: str) -> None:
    if floor.guarantee != "additive" or not 0 < 4 * floor.eta < 1 or floor.d < 4:
        raise Rejected("theorem G speaks of an additive error in (0, 1/4) and of keys in R^d with d >= 4")
    for name, number in exact.items():
        if kind == "noise" and name in OF_CELLS:
            if number != 0:
                raise Rejected(f"{name} must be 0 where noise narrows a key down")
        elif number <= 0:
            raise Rejected(f"{name} must be positive")
    if exact["c_0"] + exact["w_0"] >= 1 or exact["x_0"] >= 1 or 2 * exact["radius"] >= 1:
        raise Rejected("c_0 + w_0 and x_0 must be below 1, and the radius below 1/2")
    if 2 * floor.eta + max(exact["tau_c"], 2 * exact["tau_v"]) >= 1:
        raise Rejected("2 eta + tau_c and 2 eta + 2 tau_v must be below 1")
