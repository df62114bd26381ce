"""Exports: the rows of a store as a table, the same bytes whatever engine made them and in whatever order."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from lowerbound.errors import InvalidArgument, printable, unknown
from lowerbound.sweep.store import Stored
from lowerbound.sweep.units import canonical

Format = Literal["csv", "jsonl", "parquet"]
FORMATS: tuple[Format, ...] = ("csv", "jsonl", "parquet")
FIRST = ("key", "outcome", "reason")
COMPUTED = ("=", "+", "-", "@", "\t", "\r")
"""The characters with which text begins that spreadsheets take for a formula."""
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?(/[0-9]+)?")


def flat(stored: Stored, *, attempts: bool = False) -> dict[str, Any]:
    """One row of a table: the unit's settings as unit.*, the result's parts as row.*.

    Nested tables become dotted names; lists become canonical JSON. `attempts` adds seconds, engine and environment.
    """
    row: dict[str, Any] = {"key": stored.key, "outcome": stored.outcome, "reason": stored.reason}
    row |= {f"unit.{name}": _cell(value) for name, value in sorted(_flattened(stored.unit))}
    row |= {f"row.{name}": _cell(value) for name, value in sorted(_flattened(stored.row or {}))}
    if attempts:
        row |= {"attempt.seconds": stored.seconds, "attempt.engine": stored.engine}
        row |= {f"attempt.{name}": _cell(value) for name, value in sorted(stored.environment.items())}
    return row


def _flattened(table: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from ((f"{name}.{inner}", part) for inner, part in _flattened(value))
        else:
            yield name, value


def _cell(value: Any) -> Any:
    return canonical(value) if isinstance(value, list | tuple) else value


def exported(rows: Iterable[Stored], kind: Format, *, attempts: bool = False) -> bytes:
    """The bytes of an export.

    Contract: equal rows give equal bytes. Parquet needs the extra `parquet`; a kind not in FORMATS raises UnknownName.
    """
    if kind not in FORMATS:
        raise unknown("format", kind, FORMATS)
    if kind == "jsonl":
        told = (
            {"key": s.key, "unit": s.unit, "outcome": s.outcome, "reason": s.reason, "row": s.row}
            | ({"seconds": s.seconds, "engine": s.engine, "environment": s.environment} if attempts else {})
            for s in rows
        )
        return "".join(f"{canonical(line)}\n" for line in told).encode()
    table = [flat(stored, attempts=attempts) for stored in rows]
    names = [*FIRST, *sorted({name for row in table for name in row} - set(FIRST))]
    return _parquet(table, names) if kind == "parquet" else _csv(table, names)


def _csv(table: list[dict[str, Any]], names: list[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _as_text(value) for name, value in row.items()} for row in table)
    return text.getvalue().encode()


def _as_text(value: Any) -> Any:
    """A cell that a spreadsheet takes for what it is: text that it would compute gets a quotation mark in front.

    Contract: text is `printable`; numbers, and text that writes one, such as "-1/2", are unchanged.
    """
    if not isinstance(value, str):
        return value
    quote = "'" if value.startswith(COMPUTED) and not NUMBER.fullmatch(value) else ""
    return quote + printable(value)


def _parquet(table: list[dict[str, Any]], names: list[str]) -> bytes:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise InvalidArgument("parquet needs pyarrow: pip install 'lowerbound[parquet]'") from None
    columns = {name: pyarrow.array(_of_one_type([row.get(name) for row in table])) for name in names}
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    return bytes(sink.getvalue().to_pybytes())


def _of_one_type(values: list[Any]) -> list[Any]:
    """A column in one type, as Parquet needs it: numbers stay numbers, and a mixed column becomes canonical JSON."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return [None if value is None else float(value) for value in values]
    small = all(abs(value) < 2**63 for value in values if isinstance(value, int))
    if len(kinds) <= 1 and small:
        return values
    return [None if value is None else canonical(value) for value in values]


def differences(left: Iterable[Stored], right: Iterable[Stored]) -> list[tuple[str, str]]:
    """Keys on which two stores disagree, each with the reason: "only left", "only right", or the fields that differ."""
    one, other = ({stored.key: stored for stored in rows} for rows in (left, right))
    told = []
    for key in sorted({*one, *other}):
        if key not in other:
            told.append((key, "only left"))
        elif key not in one:
            told.append((key, "only right"))
        else:
            a, b = flat(one[key]), flat(other[key])
            names = sorted(name for name in {*a, *b} if a.get(name) != b.get(name))
            if names:
                told.append((key, ", ".join(names)))
    return told
