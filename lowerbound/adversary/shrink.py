"""The shrinker: remove tokens and dimensions and simplify numbers, while the promise stays certainly broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from lowerbound.adversary.black_box import BlackBox, OutOfTime
from lowerbound.adversary.instance import Instance, Violation
from lowerbound.core.schedule import ScaleSchedule, Shape
from lowerbound.errors import TimeLimitExceeded
from lowerbound.game.question import FloatArray, TokenRows

ENOUGH = 10.0
"""A shrunk violation must keep an error of ENOUGH times eta, or, if that is less, half of its excess over eta."""
FRACTION_BITS = (0, 1, 2, 4, 8)
MOST_ENTRIES = 256
"""If there are more than this many keys' entries, only whole rows are simplified, not single entries."""
ENTRIES = {"keys": (1.0, -1.0), "values": (0.0, 1.0), "queries": (0.0, 1.0, -1.0)}
"""The numbers tried for whole rows: on the first axis with 0 elsewhere, or, for values, in every coordinate."""
PARTS = tuple(ENTRIES)

Move = Callable[[Violation], Instance | None]
"""A way to simplify an instance; it returns None if it does not apply."""


def shrunk(box: BlackBox, found: Violation, *, shrinks_places: bool = True) -> Violation:
    """A simpler certain violation, or the same one if none is found before the box's deadline.

    Contract: every step lowers `cost`, is fair, and stays certain. The error stays at least ENOUGH times eta, or at
    least eta plus half of the original excess over eta, whichever is less. Maps and dimension change only if
    `shrinks_places`.
    """
    best, costs, least = found, cost(found.instance), min((1 + found.ratio) / 2, ENOUGH)
    improved = True
    try:
        while improved:
            improved = False
            for move in moves(best, shrinks_places):
                candidate = move(best)
                if candidate is None or (candidate_costs := cost(candidate)) >= costs:
                    continue
                tried = box.try_on(candidate)
                if tried is not None and tried.certain and tried.ratio >= least:
                    best, costs, improved = tried, candidate_costs, True
    except (OutOfTime, TimeLimitExceeded):
        pass
    return best


def cost(instance: Instance) -> tuple[int, int, int]:
    """(tokens, dimensions, cost of the entries), compared in this order; 0, 1, -1 and short numbers cost little."""
    tokens = instance.tokens
    arrays = (tokens.keys, tokens.values, tokens.queries, instance.queries)
    return len(tokens.keys), instance.terms.d, sum(map(_cost_of_entries, arrays))


def _cost_of_entries(rows: FloatArray) -> int:
    others = rows[(rows != 0) & (np.abs(rows) != 1)]
    mantissas = (np.abs(np.frexp(others)[0]) * 2.0**53).astype(np.int64)
    odd = mantissas // (mantissas & -mantissas)
    lengths = 4 + np.log2(np.maximum(odd, 1)).astype(np.int64)
    return int(2 * np.count_nonzero(rows == 1) + 3 * np.count_nonzero(rows == -1) + lengths.sum())


def moves(found: Violation, shrinks_places: bool) -> Iterator[Move]:
    """The moves to try, those that remove most first. Each is applied to the result of the moves before it."""
    instance = found.instance
    n_tokens, d = instance.tokens.keys.shape
    if instance.terms.key_family is not None:
        for row in range(n_tokens):
            for column in range(d):
                yield partial(_with_entry, "values", row, column, None)
        return
    if shrinks_places:
        for scale in range(instance.terms.schedule.n_scales):
            yield partial(_without_scale, scale)
        for row in reversed(range(n_tokens)):
            yield partial(_without_token, row)
        for column in reversed(range(d)):
            yield partial(_without_dimension, column)
    yield _one_column
    yield _one_entry_asked
    for rows in _spans(n_tokens):
        for name in PARTS:
            for entry in ENTRIES[name]:
                yield partial(_with_rows, name, rows, entry)
    if n_tokens * d <= MOST_ENTRIES:
        for name in (*PARTS, "query"):
            for row in range(1 if name == "query" else n_tokens):
                for column in range(d):
                    for bits in (None, *FRACTION_BITS):
                        yield partial(_with_entry, name, row, column, bits)


def _spans(n_tokens: int) -> Iterator[slice]:
    """Slices of rows: all rows, then halves, quarters, and so on, down to single rows."""
    size = n_tokens
    while True:
        for start in range(0, n_tokens, size):
            yield slice(start, start + size)
        if size == 1:
            return
        size = -(-size // 2)


def _without_scale(scale: int, found: Violation) -> Instance | None:
    schedule = found.instance.terms.schedule
    if not 2 < schedule.n_scales > scale or schedule.n_context:
        return None
    shapes = (*schedule.shapes[:scale], *schedule.shapes[scale + 1 :])
    return _without(found.instance, schedule.rows_of(scale), shapes)


def _without_token(row: int, found: Violation) -> Instance | None:
    schedule = found.instance.terms.schedule
    if row >= schedule.n_tokens or schedule.n_context:
        return None
    scale = schedule.scale_of(row)
    n_left = schedule.tokens_at(scale) - 1
    if not n_left:
        return None
    line: Shape = (1, n_left) if len(schedule.shapes[scale]) == 2 else (1, 1, n_left)
    shapes = (*schedule.shapes[:scale], line, *schedule.shapes[scale + 1 :])
    return _without(found.instance, slice(row, row + 1), shapes)


def _without(instance: Instance, rows: slice, shapes: tuple[Shape, ...]) -> Instance:
    parts = (np.delete(getattr(instance.tokens, name), rows, axis=0) for name in PARTS)
    return Instance(replace(instance.terms, schedule=ScaleSchedule(shapes)), TokenRows(*parts), instance.queries)


def _without_dimension(column: int, found: Violation) -> Instance | None:
    instance = found.instance
    if not 1 < instance.terms.d > column:
        return None
    parts = (np.delete(getattr(instance.tokens, name), column, axis=1) for name in PARTS)
    terms = replace(instance.terms, d=instance.terms.d - 1)
    return Instance(terms, TokenRows(*parts), np.delete(instance.queries, column, axis=1))


def _one_column(found: Violation) -> Instance:
    """The same instance with values 0 in all coordinates except the one whose answer was wrong."""
    values = np.zeros_like(found.instance.tokens.values)
    values[:, found.coordinate] = found.instance.tokens.values[:, found.coordinate]
    return _with_part("values", values, found.instance)


def _one_entry_asked(found: Violation) -> Instance:
    """The same instance with only the query's largest entry, and 0 elsewhere."""
    query = np.zeros_like(found.instance.queries)
    place = int(np.abs(found.instance.queries[0]).argmax())
    query[0, place] = found.instance.queries[0, place]
    return Instance(found.instance.terms, found.instance.tokens, query)


def _with_rows(name: str, rows: slice, entry: float, found: Violation) -> Instance:
    """The same instance with some rows simplified: `entry` on the first axis, or, for values, in every coordinate."""
    changed = getattr(found.instance.tokens, name).copy()
    if name == "values":
        changed[rows] = entry
    else:
        changed[rows] = 0.0
        changed[rows, 0] = entry
    return _with_part(name, changed, found.instance)


def _with_entry(name: str, row: int, column: int, bits: int | None, found: Violation) -> Instance | None:
    """The same instance with one entry set to 0, or rounded to `bits` binary digits after the point."""
    instance = found.instance
    changed: FloatArray = (instance.queries if name == "query" else getattr(instance.tokens, name)).copy()
    if row >= len(changed) or column >= instance.terms.d or changed[row, column] == 0:
        return None
    changed[row, column] = 0.0 if bits is None else np.rint(changed[row, column] * 2**bits) / 2**bits
    if name == "query":
        return Instance(instance.terms, instance.tokens, changed)
    return _with_part(name, changed, instance)


def _with_part(name: str, rows: FloatArray, instance: Instance) -> Instance:
    parts = {part: getattr(instance.tokens, part) for part in PARTS} | {name: rows}
    return Instance(instance.terms, TokenRows(**parts), instance.queries)
