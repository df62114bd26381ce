"""Rows as plain flat dicts, which any library of tables takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Telling(Protocol):
    """Something that tells itself as JSON values, such as a row of a game, a floor, an audit or an answer."""

    def to_json(self) -> dict[str, Any]: ...


def rows_to_frame(rows: Iterable[Telling | Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One flat dict per row; the keys of nested objects are joined by dots, and lists stay as they are.

    Contract: the values are those of `to_json`; `pandas.DataFrame(rows_to_frame(rows))` has a column for each key.
    """
    return [_flat(row if isinstance(row, Mapping) else row.to_json()) for row in rows]


def _flat(told: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in told.items():
        if isinstance(value, Mapping) and value:
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
