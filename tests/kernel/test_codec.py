"""Definitions: strict JSON reads what it must, refuses the rest, and names documents by their canonical form."""

from __future__ import annotations

import hashlib
import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.kernel.codec import (
    DEEPEST_NESTING,
    MOST_BYTES,
    Rejected,
    decode,
    digest,
    fields,
    integer,
    is_identifier,
    rational,
    shown,
    typed,
)

documents = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(documents)
def test_every_document_is_read_back(document: Any) -> None:
    """Law: decode inverts JSON text, however it is spaced; the digest is that of the canonical form."""
    for text in (json.dumps(document), json.dumps(document, indent=3, ensure_ascii=False)):
        try:
            data = text.encode()
        except UnicodeEncodeError:
            continue
        assert decode(data) == document
        assert digest(decode(data)) == digest(document)
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"))
    assert digest(document) == hashlib.sha256(canonical.encode()).hexdigest()


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[1,]", "JSON"),
        (b"[1] 2", "JSON"),
        (b"\xef\xbb\xbf[1]", "JSON"),
        (b'"\xff"', "UTF-8"),
        ("[1]".encode("utf-16"), "UTF-8"),
        (b"[1.0]", "float"),
        (b"[1e3]", "float"),
        (b"[NaN]", "float"),
        (b"[-Infinity]", "float"),
        (b'{"a":1,"a":1}', "duplicate key"),
        (b'[{"a":{"b":1,"b":2}}]', "duplicate key"),
        (b"[" * 100000, "nesting"),
        (b'{"a":' * 100000, "nesting"),
        (b"[" * 65 + b"]" * 65, "nesting"),
        (b'["]]]]]"' + b",[" * 64 + b"]" * 65, "nesting"),
        (b'["\\"]]]' + b'"' + b",[" * 64 + b"]" * 65, "nesting"),
        (b"9" * 4097, "digits"),
        (b"1" * (MOST_BYTES + 1), "size"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_the_rest_is_refused(data: bytes, word: str) -> None:
    """Bad input: the reason names what is wrong."""
    with pytest.raises(Rejected, match=word):
        decode(data)


def test_limits_are_inclusive() -> None:
    """Known value: 64 levels, 4096 digits, and brackets inside strings do not count."""
    assert decode(b"[" * DEEPEST_NESTING + b"]" * DEEPEST_NESTING) is not None
    assert decode(b"9" * 4096) == 10**4096 - 1
    assert decode(b'"' + b"[" * 1000 + b'\\"' + b"{" * 1000 + b'"') == "[" * 1000 + '"' + "{" * 1000


def test_a_long_unfinished_string_is_read_once() -> None:
    """Regression: many escaped quotes without an end take linear time."""
    with pytest.raises(Rejected, match="JSON"):
        decode(b'"' + b'\\"' * 4_000_000)


def test_only_bytes_are_documents() -> None:
    """Bad input: text is not bytes."""
    with pytest.raises(Rejected, match="bytes"):
        decode("[]")  # type: ignore[arg-type]


@given(st.fractions())
def test_rational_text_is_exact(value: Fraction) -> None:
    """Law: str of a Fraction is rational text, and means that Fraction."""
    assert rational(str(value), "x") == value


@pytest.mark.parametrize(
    "text", ["", "1/", "/2", "1/-2", "+1", " 1", "1 ", "0.5", "1e3", "1_0", "٣", "1/0", "0/00", 1, None]
)
def test_other_text_is_not_rational(text: Any) -> None:
    """Bad input: one form alone is allowed, so that nobody reads a number differently."""
    with pytest.raises(Rejected, match=r"^x must"):
        rational(text, "x")


def test_true_is_not_one() -> None:
    """Known value: JSON's true is Python's 1, but not here; and one is not true."""
    with pytest.raises(Rejected, match="integer"):
        integer(True, "x", 0, 2)
    with pytest.raises(Rejected, match="integer"):
        integer(3, "x", 0, 2)
    with pytest.raises(Rejected, match="true or false"):
        typed(1, bool, "x")
    assert integer(2, "x", 0, 2) == 2
    assert typed(False, bool, "x") is False


def test_objects_have_exactly_their_keys() -> None:
    """Definition: no key more, no key less, values in the order asked for."""
    assert fields({"b": 1, "a": 2}, "x", "a", "b") == [2, 1]
    with pytest.raises(Rejected, match="unknown key 'c'"):
        fields({"a": 1, "c": 1}, "x", "a")
    with pytest.raises(Rejected, match="lacks the key 'b'"):
        fields({"a": 1}, "x", "a", "b")
    with pytest.raises(Rejected, match="object"):
        fields([], "x")


def test_names_of_variables() -> None:
    """Definition: letters, digits and underscores, no digit first."""
    assert all(map(is_identifier, ["x", "_", "x1", "eta"]))
    assert not any(map(is_identifier, ["", "1x", "x y", "é", "x\n", 1, None]))


@given(st.text() | st.integers() | st.lists(st.text()))
def test_quotes_are_short(value: Any) -> None:
    """Law: reasons stay readable."""
    assert len(shown(value)) <= 60
    assert math.isfinite(len(shown([value] * 1000)))
