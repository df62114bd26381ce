"""Inequalities with exp and log on a box: the leaves cover the box, and on each an Arb ball is positive."""

from __future__ import annotations

import operator
from bisect import bisect_left, bisect_right
from fractions import Fraction
from typing import Any

from flint import arb

from lowerbound.errors import Undecided
from lowerbound.kernel.codec import Rejected, fields, integer, is_identifier, rational, shown, typed
from lowerbound.kernel.expression import Arithmetic, Program, read_expression, run
from lowerbound.kernel.rules.floor import ball, working_precision
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_AXES = 4
MOST_LEAVES = 5000
MOST_VISITS = 2**19
MOST_BIT_OPERATIONS = 2**27
BITS_AT_ONCE = 128
"""An operation costs as much as this many bits more, however small its precision."""

Box = dict[str, tuple[Fraction, Fraction]]
Cell = tuple[tuple[int, int], ...]
"""A box by the ranks of its ends among all ends on each axis: comparing small integers is faster than rationals."""


def _read_box(value: Any, what: str) -> Box:
    box = {}
    for name, ends in typed(value, dict, what).items():
        if not is_identifier(name) or len(typed(ends, list, "an interval")) != 2:
            raise Rejected(f"{what} must give two ends to each identifier, got {shown(name)}: {shown(ends)}")
        box[name] = rational(ends[0], "an end"), rational(ends[1], "an end")
        if box[name][0] > box[name][1]:
            raise Rejected(f"an interval must not be reversed, got {shown(ends)}")
    return box


def _named(box: Box) -> str:
    return ", ".join(f"{name} in [{low}, {high}]" for name, (low, high) in box.items()) or "the only point"


def _best_cut(cell: Cell, leaves: list[Cell]) -> tuple[int, int]:
    """The axis and the cut on it for which the fuller side has the fewest leaves; any cut would be sound."""
    choices = []
    for axis, (low, high) in enumerate(cell):
        lows, highs = sorted(leaf[axis][0] for leaf in leaves), sorted(leaf[axis][1] for leaf in leaves)
        for cut in {end for end in (*lows, *highs) if low < end < high}:
            fuller = max(bisect_left(lows, cut), len(leaves) - bisect_right(highs, cut))
            choices.append((fuller, axis, cut))
    return min(choices)[1:]


def _gap(box: Cell, leaves: list[Cell]) -> Cell | None:
    """A part of the box that no leaf covers, or None: cells are cut at ends of leaves until a leaf contains each cell.

    A leaf is a candidate for a cell if it meets the cell's interior on every axis; where the box is a point, it does.
    """
    visits = 0
    pending = [(box, leaves)]
    while pending:
        cell, candidates = pending.pop()
        visits += len(candidates) + 1
        if visits > MOST_VISITS:
            raise Rejected(f"the cover exceeds the limit of {MOST_VISITS} visits")
        near = [
            leaf
            for leaf in candidates
            if all(a == b or (low < b and a < high) for (a, b), (low, high) in zip(cell, leaf, strict=True))
        ]
        if not near:
            return cell
        if any(all(low <= a and b <= high for (a, b), (low, high) in zip(cell, leaf, strict=True)) for leaf in near):
            continue
        axis, cut = _best_cut(cell, near)
        for half in ((cell[axis][0], cut), (cut, cell[axis][1])):
            pending.append(((*cell[:axis], half, *cell[axis + 1 :]), near))
    return None


def _check_cover(box: Box, leaves: list[Box]) -> None:
    for leaf in leaves:
        fields(leaf, "a leaf", *box)
        if not all(box[name][0] <= leaf[name][0] and leaf[name][1] <= box[name][1] for name in box):
            raise Rejected(f"a leaf lies outside the box: {_named(leaf)}")
    marks = {name: sorted({end for each in (box, *leaves) for end in each[name]}) for name in box}
    ranks = {name: {end: rank for rank, end in enumerate(ends)} for name, ends in marks.items()}
    cells = [tuple((ranks[name][each[name][0]], ranks[name][each[name][1]]) for name in box) for each in (box, *leaves)]
    gap = _gap(cells[0], cells[1:])
    if gap is not None:
        where = {name: (marks[name][a], marks[name][b]) for name, (a, b) in zip(box, gap, strict=True)}
        raise Rejected(f"the leaves leave a gap at {_named(where)}")


def _divide(left: arb, right: arb) -> arb:
    if not (right > 0 or right < 0):
        raise Undecided("a divisor is not certainly apart from zero")
    return left / right


def _log(argument: arb) -> arb:
    if not argument > 0:
        raise Undecided("the argument of a log is not certainly positive")
    return argument.log()


_OPERATIONS: Arithmetic = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _divide,
    "exp": arb.exp,
    "log": _log,
}


def _open_question(program: Program, leaf: Box) -> str | None:
    """None if the goal is certainly positive on the leaf, else what is undecided; Rejected if it certainly is not."""
    balls = {name: ball(low).union(ball(high)) for name, (low, high) in leaf.items()}
    arithmetic: Arithmetic = {"number": ball, "variable": balls.__getitem__, **_OPERATIONS}
    try:
        value = run(program, arithmetic)
    except Undecided as question:
        return f"{question} on {_named(leaf)}"
    if value <= 0:
        raise Rejected(f"the goal is certainly not positive on {_named(leaf)}")
    return None if value > 0 and value.is_finite() else f"the goal is not certainly positive on {_named(leaf)}"


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the leaves cover the box, in exact rationals, and the goal's ball is positive on each.

    Contract: VERIFIED only if the goal is defined and > 0 at every point of the closed box. UNDECIDED if a ball is too
    wide at this precision; REJECTED if there is a gap, or a leaf on which the goal is certainly not positive.
    """
    variables, goal = fields(claim, "the claim", "variables", "goal")
    box = _read_box(variables, "the box")
    if len(box) > MOST_AXES:
        raise Rejected(f"a box must have at most {MOST_AXES} axes, got {len(box)}")
    program = read_expression(goal, box)
    precision, entries = fields(payload, "the payload", "precision", "leaves")
    bits = integer(precision, "the precision", 53, 4096)
    if len(typed(entries, list, "the leaves")) > MOST_LEAVES:
        raise Rejected(f"a cover must have at most {MOST_LEAVES} leaves, got {len(entries)}")
    n_operations = sum(argument if symbol == "^" else 1 for symbol, argument in program)
    if n_operations * len(entries) * (bits + BITS_AT_ONCE) > MOST_BIT_OPERATIONS:
        raise Rejected(f"the evaluation exceeds the limit of {MOST_BIT_OPERATIONS} bit operations")
    leaves = [_read_box(entry, "a leaf") for entry in entries]
    _check_cover(box, leaves)
    with working_precision(bits):
        questions = [question for leaf in leaves if (question := _open_question(program, leaf)) is not None]
    if questions:
        return Verdict(Outcome.UNDECIDED, f"{len(questions)} leaves are open: {questions[0]}")
    return Verdict(Outcome.VERIFIED, f"the goal is positive on each of {len(leaves)} leaves, which cover the box")
