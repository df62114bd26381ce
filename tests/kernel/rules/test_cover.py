"""Laws: bisection trees cover, holes do not; known inequalities hold, and false ones are refuted or stay open."""

from __future__ import annotations

import random
import time
from fractions import Fraction
from typing import Any

import pytest
from flint import ctx
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.kernel.rules.cover import MOST_LEAVES
from tests.kernel.examples import EXAMPLES, REJECTED, UNDECIDED, VERIFIED, ask, intervals

Box = dict[str, tuple[Fraction, Fraction]]


def written(box: Box) -> Any:
    """A box as claims write it."""
    return {name: [str(low), str(high)] for name, (low, high) in box.items()}


def bisected(box: Box, n_cuts: int, rng: random.Random) -> list[Box]:
    """The leaves of a random tree of cuts."""
    leaves = [box]
    for _ in range(n_cuts):
        leaf = leaves.pop(rng.randrange(len(leaves)))
        name = rng.choice(list(box))
        low, high = leaf[name]
        middle = low + (high - low) * Fraction(rng.randint(1, 6), 7)
        leaves += [{**leaf, name: (low, middle)}, {**leaf, name: (middle, high)}]
    return leaves


def unit(n_axes: int) -> Box:
    """A box with ends that are not round."""
    return {f"x{j}": (Fraction(-1, 3), Fraction(j + 1, 7)) for j in range(n_axes)}


def cover_of(box: Box, leaves: list[Box], goal: Any = "1") -> Any:
    """The verdict on goal > 0 over the box."""
    claim = {"variables": written(box), "goal": goal}
    return ask("cover", claim, {"precision": 53, "leaves": [written(leaf) for leaf in leaves]})


@given(st.integers(1, 4), st.integers(0, 40), st.randoms(use_true_random=False))
def test_bisection_trees_cover_and_holes_do_not(n_axes: int, n_cuts: int, rng: random.Random) -> None:
    """Law: the leaves of any tree are accepted, in any order, with extra leaves; without one leaf they are not."""
    box = unit(n_axes)
    leaves = bisected(box, n_cuts, rng)
    rng.shuffle(leaves)
    assert cover_of(box, leaves).outcome is VERIFIED
    assert cover_of(box, [*leaves, *bisected(box, 3, rng)]).outcome is VERIFIED
    lost = leaves.pop()
    verdict = cover_of(box, leaves)
    assert verdict.outcome is REJECTED
    assert "gap" in verdict.reason
    shrunk = {name: (low, high - (high - low) / 2**60) for name, (low, high) in lost.items()}
    assert "gap" in cover_of(box, [*leaves, shrunk]).reason


def test_leaves_need_not_form_a_tree() -> None:
    """Known value: the pinwheel has no cut that misses every leaf, and covers."""
    third = [Fraction(j, 3) for j in range(4)]
    box = {"x": (third[0], third[3]), "y": (third[0], third[3])}
    corners = [((0, 2), (0, 1)), ((2, 3), (0, 2)), ((1, 3), (2, 3)), ((0, 1), (1, 3)), ((1, 2), (1, 2))]
    leaves = [{"x": (third[a], third[b]), "y": (third[c], third[d])} for (a, b), (c, d) in corners]
    assert cover_of(box, leaves).outcome is VERIFIED
    for j in range(5):
        assert "gap" in cover_of(box, leaves[:j] + leaves[j + 1 :]).reason


def test_points_and_flat_boxes() -> None:
    """Definition: a point is a box, a flat leaf covers a flat box and no other, and no leaf covers no box."""
    point = {"x": (Fraction(1), Fraction(1))}
    flat = {"x": (Fraction(1), Fraction(1)), "y": (Fraction(0), Fraction(1))}
    assert cover_of(point, [point]).outcome is VERIFIED
    halves = [{**flat, "y": (Fraction(j, 2), Fraction(j + 1, 2))} for j in range(2)]
    assert cover_of(flat, halves).outcome is VERIFIED
    assert "gap" in cover_of(flat, halves[1:]).reason
    assert "gap" in cover_of(flat, [{**flat, "y": (end, end)} for end in flat["y"]]).reason
    assert "gap" in cover_of(point, []).reason
    assert cover_of({}, [{}]).outcome is VERIFIED
    assert "gap" in cover_of({}, []).reason


@pytest.mark.parametrize(
    ("goal", "outcome", "word"),
    [
        ("x", VERIFIED, "positive"),
        (["-", ["exp", "x"], ["+", "1", "x"]], VERIFIED, "positive"),
        (["-", "x", ["log", ["+", "1", "x"]]], VERIFIED, "positive"),
        (["/", "1", ["^", "x", 3]], VERIFIED, "positive"),
        (["^", ["exp", "x"], 0], VERIFIED, "positive"),
        (["^", ["-", "x", "3/2"], 2], UNDECIDED, "not certainly positive"),
        (["-", "x", "1"], UNDECIDED, "not certainly positive"),
        (["exp", ["log", ["-", "x", "1"]]], UNDECIDED, "argument of a log"),
        (["log", "-1"], UNDECIDED, "argument of a log"),
        (["/", "1", ["^", ["-", "x", "3/2"], 2]], UNDECIDED, "divisor"),
        (["/", "1", "0"], UNDECIDED, "divisor"),
        (["^", ["/", "1", "0"], 0], UNDECIDED, "divisor"),
        (["^", ["log", "-1"], 0], UNDECIDED, "argument of a log"),
        (["exp", ["exp", ["^", "1000", 20]]], UNDECIDED, "not certainly positive"),
        (["-", "0", "x"], REJECTED, "certainly not positive"),
        ("0", REJECTED, "certainly not positive"),
        (["-", "x", "x"], UNDECIDED, "not certainly positive"),
        ("z", REJECTED, "unknown variable"),
    ],
)
def test_goals_on_an_interval(goal: Any, outcome: Any, word: str) -> None:
    """Definition: on [1, 2] in 32 leaves: true and strict, open at an end, undefined, or false."""
    marks = [str(1 + Fraction(j, 32)) for j in range(33)]
    claim = {"variables": {"x": ["1", "2"]}, "goal": goal}
    verdict = ask("cover", claim, {"precision": 64, "leaves": intervals("x", marks)})
    assert verdict.outcome is outcome
    assert word in verdict.reason


def test_a_refuted_leaf_is_named() -> None:
    """Definition: x > 1/2 fails on the first leaf, however open the others are."""
    claim = {"variables": {"x": ["0", "1"]}, "goal": ["-", "x", "1/2"]}
    verdict = ask("cover", claim, {"precision": 64, "leaves": intervals("x", ["0", "1/4", "1"])[::-1]})
    assert verdict.outcome is REJECTED
    assert "x in [0, 1/4]" in verdict.reason


def test_too_little_precision_is_undecided() -> None:
    """Known value: e exceeds its first 30 decimals; 64 bits do not show it, 128 do."""
    claim = {"variables": {}, "goal": ["-", ["exp", "1"], "2718281828459045235360287471352/1" + "0" * 30]}
    before = ctx.prec
    for bits, outcome in ((64, UNDECIDED), (128, VERIFIED), (4096, VERIFIED)):
        assert ask("cover", claim, {"precision": bits, "leaves": [{}]}).outcome is outcome
    assert ctx.prec == before


@pytest.mark.parametrize("n_axes", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4))])
def test_many_leaves_are_quick(n_axes: int) -> None:
    """Resources: 5000 leaves of a random tree are checked in seconds; one more is refused."""
    box = unit(n_axes)
    leaves = bisected(box, MOST_LEAVES - 1, random.Random(0))
    start = time.monotonic()
    assert cover_of(box, leaves).outcome is VERIFIED
    assert time.monotonic() - start < 10
    assert "at most" in cover_of(box, [*leaves, box]).reason


def test_the_work_is_limited() -> None:
    """Resources: huge programs on many leaves are refused before they run."""
    _, claim, payload = EXAMPLES["entropy"]
    goal = claim["goal"]
    for _ in range(20):
        goal = ["^", goal, 256]
    wide = {"variables": claim["variables"], "goal": ["+", *[goal] * 100]}
    assert "limit" in ask("cover", wide, {**payload, "precision": 4096}).reason
    five = {f"x{j}": ["0", "1"] for j in range(5)}
    assert "4 axes" in ask("cover", {"variables": five, "goal": "1"}, {"precision": 53, "leaves": [five]}).reason


def test_a_ball_that_touches_zero_is_open() -> None:
    """Known value: over [0, 1] the ball of x + 2^-30 is 1/2 + 2^-30 with exactly that radius: not certainly positive.

    The radius of the hull of 0 and 1 is 1/2 rounded up to 30 bits, 1/2 + 2^-30.
    """
    box = {"x": (Fraction(0), Fraction(1))}
    for addend, outcome in ((Fraction(1, 2**30), UNDECIDED), (Fraction(1, 2**29), VERIFIED)):
        assert cover_of(box, [box], ["+", "x", str(addend)]).outcome is outcome
