"""Truth: what an object's process says of it is read by one schema, and everything else is refused."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import Any

import pytest

from lowerbound.foreign.ledger import MOST_BYTES, MOST_ENTRIES, Entry, Holding, read
from lowerbound.kernel.codec import Rejected

ENTRY = Entry("layers[0].keys", "torch.float16", (1, 2, 424, 64), 108544, "tensor", "the original keys")
HOLDING = Holding(
    (ENTRY, Entry("", "deflated pickle", (), 80, "structure")), 3, ("a: generator",), (), Fraction(7, 2), 12
)


def encoded(told: Any) -> bytes:
    """A reply as a process writes it."""
    return json.dumps(told).encode()


def test_a_holding_is_read_as_it_is_written() -> None:
    """Law: read inverts to_json; held bytes are the sum of the ledger."""
    assert read(encoded(HOLDING.to_json())) == HOLDING
    assert HOLDING.held_bytes == 108544 + 80
    assert HOLDING.noted("original") == [ENTRY]


def forged() -> list[Any]:
    """One forgery for each field and each limit."""
    whole = HOLDING.to_json()
    entry = whole["entries"][0]
    texts = [
        {**whole, "entries": [{**entry, name: value}]}
        for name in ("path", "dtype", "note", "kind")
        for value in (3, None)
    ]
    numbers = [{**whole, "entries": [{**entry, "bytes": size}]} for size in (-1, MOST_BYTES + 1, True, "8", [8])] + [
        {**whole, name: value} for name in ("grown_bytes", "live_error_ppm") for value in (-1, "0", None, True)
    ]
    shapes = [{**whole, "entries": [{**entry, "shape": shape}]} for shape in ([-1], ["8"], 8, [1] * 65, [[1]])]
    others = [
        {**whole, "entries": [entry] * (MOST_ENTRIES + 1)},
        {**whole, "entries": [{**entry, "path": "x" * 401}]},
        {**whole, "entries": [{**entry, "kind": "free"}]},
        {**whole, "entries": [{**entry, "more": 1}]},
        {**whole, "entries": {"0": entry}},
        {**whole, "strange": ["x" * 401]},
        {**whole, "strange": "x"},
        {**whole, "own_ratio": "0"},
        {**whole, "own_ratio": "-3"},
        {**whole, "own_ratio": "10000000000"},
        {**whole, "own_ratio": "1e3"},
        {name: value for name, value in whole.items() if name != "strange"},
        [],
    ]
    return [*texts, *numbers, *shapes, *others]


@pytest.mark.parametrize("told", forged())
def test_forgeries_are_refused(told: Any) -> None:
    """Forgery: a field of another type or beyond its limit is refused, whoever wrote it."""
    with pytest.raises(Rejected):
        read(encoded(told))


def test_a_text_of_the_process_is_shown_and_not_obeyed() -> None:
    """Forgery: an escape in a path comes out as its code."""
    told = HOLDING.to_json()
    told["entries"][0]["path"] = "\x1b[2Jkeys"
    assert "\x1b" not in read(encoded(told)).entries[0].path
