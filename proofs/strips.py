"""Theorem G (strips): its statement, on paper, and what a machine can check of its steps."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, product

from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import BySolvers, Cited, Lemma, Statement, Use, computation

WEIGHT, OTHERS, LEAK = variables("w l t")
READ = (WEIGHT + OTHERS) * (1 + WEIGHT) / (1 + WEIGHT + OTHERS)
CLEAN = WEIGHT
"""What is read, and what is read without others, both times 1 + w."""
HYPOTHESES = {"weight": WEIGHT > 0, "others": OTHERS >= 0, "leak": OTHERS <= LEAK}

ABOVE = Lemma(
    id="reference_read_above",
    words="Against a reference of weight 1 and value 0, a token of weight w and value 1 among others of value 1 and of "
    "total weight l <= t is read as at most w / (1 + w) + t.",
    range="all reals",
    discharges=(BySolvers(Statement(HYPOTHESES, READ <= CLEAN + LEAK * (1 + WEIGHT)), needed=("others", "leak")),),
)

BELOW = Lemma(
    id="reference_read_below",
    words="Against a reference of weight 1 and value 0, a token of weight w and value 1 among others of value 1 is "
    "read as at least w / (1 + w).",
    range="all reals",
    discharges=(BySolvers(Statement(HYPOTHESES, CLEAN <= READ), needed=("others",)),),
)

Point = tuple[Fraction, Fraction]

OCTAGON: tuple[tuple[int, int], ...] = ((3, 1), (1, 3), (-1, 3), (-3, 1), (-3, -1), (-1, -3), (1, -3), (3, -1))
DIRECTIONS: tuple[tuple[int, int], ...] = ((1, 0), (1, 1), (1, 2), (2, -1))
SHIFTS = tuple(Fraction(k, 2) for k in range(-4, 5))


def _cut(polygon: list[Point], direction: tuple[int, int], height: Fraction) -> list[Point]:
    """The part of a convex polygon where the product with a direction is at most a height."""
    kept: list[Point] = []
    over = [direction[0] * x + direction[1] * y - height for x, y in polygon]
    for k, here in enumerate(polygon):
        before = polygon[k - 1]
        if over[k] * over[k - 1] < 0:
            share = over[k - 1] / (over[k - 1] - over[k])
            kept.append((before[0] + share * (here[0] - before[0]), before[1] + share * (here[1] - before[1])))
        if over[k] <= 0:
            kept.append(here)
    return kept


def _area_within(directions: tuple[tuple[int, int], ...], shifts: tuple[Fraction, ...]) -> Fraction:
    """The area of the octagon inside the strips |<u, x> - c| <= 1."""
    polygon = [(Fraction(x), Fraction(y)) for x, y in OCTAGON]
    for (x, y), shift in zip(directions, shifts, strict=True):
        polygon = _cut(_cut(polygon, (x, y), shift + 1), (-x, -y), 1 - shift)
    corners = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum((one[0] * two[1] - one[1] * two[0] for one, two in corners), Fraction(0))) / 2


def centred_strips_hold_most() -> int:
    """Exact areas: of all shifts on a grid none leaves more of the octagon inside one, two or three strips than 0."""
    cases = 0
    for count, shifts in ((1, SHIFTS), (2, SHIFTS), (3, SHIFTS[::4])):
        for directions in combinations(DIRECTIONS, count):
            most = _area_within(directions, (Fraction(0),) * count)
            for moved in product(shifts, repeat=count):
                assert _area_within(directions, moved) <= most, (directions, moved)
                cases += 1
    return cases


CENTRED_WORDS = (
    "Of a symmetric octagon, the part inside up to three strips of given directions and widths is largest when all of "
    "them are centred. This is the step of Theorem G that rests on the Prekopa-Leindler inequality, in the plane."
)
CENTRED_RANGE = "finite list: one octagon, four directions, up to three strips, shifts on a grid"

CENTRED = Lemma(
    id="centred_strips",
    words=CENTRED_WORDS,
    range=CENTRED_RANGE,
    discharges=(computation(CENTRED_WORDS, CENTRED_RANGE, centred_strips_hold_most),),
)

STRIPS = Lemma(
    id="strips",
    words="Theorem G (strips): public coins give each token a random frame, so that keys are independent and uniform "
    "on the unit sphere, and Bob reads a key's part along its frame, then cells or the key plus noise, which narrow "
    "the rest down, then strips in random directions across what is left, then the values. Each read is misled with "
    "probability at most delta plus that of a leak. By the Prekopa-Leindler inequality centred strips leave the most "
    "open, and by Gibbs' inequality a rate of errors costs once per key. Where the inequalities of its certificate "
    "hold, every cache needs T (I_0 + log2 |S^(d-2)| - narrowed - h + (d - 1) V) bits: I_0 and V bound what a state "
    "knows of the first part and of a value, `narrowed` what it leaves open of the cells, or of the key plus noise "
    "beyond the noise, and h what it leaves open after that.",
    range="all T, T_N, d >= 4, lambda; additive eta in (0, 1/4), every delta at which the rates of error stay below "
    "1/2; real keys and values; answers measurable in the question",
    discharges=(Cited("docs/strips.md, proved on paper, not machine-checked"),),
    uses=(Use("reference_read_above"), Use("reference_read_below")),
)

LEMMAS = (ABOVE, BELOW, CENTRED, STRIPS)
