"""A statement and its certificate as one file: canonical JSON, sealed by its digest."""

from __future__ import annotations

from typing import Any

from lowerbound.kernel.codec import Rejected, canonical, decode, digest, fields, shown

Json = Any


def write_document(statement: Json, certificate: Json) -> bytes:
    """The bytes of the file that holds both: sorted keys, no spaces, ASCII, a digest of the rest, a final newline.

    Contract: `read_document` returns the same two objects, of dict, list, str, int, bool and None alone.
    """
    sealed = {"statement": statement, "certificate": certificate}
    return canonical({**sealed, "digest": digest(sealed)}) + b"\n"


def read_document(data: bytes) -> tuple[Json, Json]:
    """The statement and the certificate of a document.

    Contract: raises Rejected for bytes that `write_document` does not write, so that a changed byte is noticed unless
    the digest is recomputed. Whether the certificate proves the statement is decided by the judge, not here.
    """
    statement, certificate, seal = fields(decode(data), "the document", "statement", "certificate", "digest")
    made = digest({"statement": statement, "certificate": certificate})
    if seal != made:
        raise Rejected(f"the document's digest is {made}, not {shown(seal)}")
    if data != write_document(statement, certificate):
        raise Rejected("the document must be in canonical form: sorted keys, no spaces, ASCII, one newline at the end")
    return statement, certificate
