"""Documents: what is written is read back, and no other bytes are."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.document import read_document, write_document

DOCUMENT = write_document({"id": "a", "kind": "keys", "claim": {"n": 2}}, {"payload": ["é", None, True, -3]})


def test_a_document_is_read_back() -> None:
    """Law: read_document inverts write_document, and the form is the canonical one."""
    statement, certificate = read_document(DOCUMENT)
    assert statement == {"id": "a", "kind": "keys", "claim": {"n": 2}}
    assert certificate == {"payload": ["é", None, True, -3]}
    assert write_document(statement, certificate) == DOCUMENT
    assert DOCUMENT.isascii()
    assert DOCUMENT.count(b"\n") == 1


@given(st.integers(0, len(DOCUMENT) - 1), st.integers(0, 255))
def test_any_changed_byte_is_rejected(place: int, byte: int) -> None:
    """Forgery: one byte replaced, wherever it is."""
    changed = DOCUMENT[:place] + bytes([byte]) + DOCUMENT[place + 1 :]
    if changed != DOCUMENT:
        with pytest.raises(Rejected):
            read_document(changed)


@pytest.mark.parametrize(
    ("forged", "word"),
    [
        (DOCUMENT[:-1], "canonical"),
        (DOCUMENT + b"\n", "canonical"),
        (json.dumps(json.loads(DOCUMENT)).encode(), "canonical"),
        (DOCUMENT.replace(b'"n":2', b'"n":3'), "digest"),
        (DOCUMENT.replace(b'"n":2', b'"n":2.0'), "float"),
        (b"{}", "lacks the key"),
        (b"", "JSON"),
    ],
)
def test_other_forms_are_rejected(forged: bytes, word: str) -> None:
    """Forgery: the same content in another form, or other content under the old digest."""
    with pytest.raises(Rejected, match=word):
        read_document(forged)
