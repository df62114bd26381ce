"""A statement and its certificate as one file: canonical JSON, sealed by its digest."""

from __future__ import annotations

import json
from typing import Any

from lowerbound.kernel.codec import Rejected, decode, digest, fields, shown

Json = Any


def write_document(statement: Json, certificate: Json) -> bytes:
    """The one file that says so: sorted keys, no spaces, ASCII, a digest of the rest, a newline at the end.

    Contract: `read_document` returns the same two objects, of dict, list, str, int, bool and None alone.
    """
    sealed = {"statement": statement, "certificate": certificate}
    whole = {**sealed, "digest": digest(sealed)}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii") + b"\n"


def read_document(data: bytes) -> tuple[Json, Json]:
    """The statement and the certificate of a document.

    Contract: raises Rejected for any bytes that `write_document` does not write, so that no byte can be changed
    unless its digest is made anew. Whether the certificate proves the statement is for the judge to say.
    """
    statement, certificate, seal = fields(decode(data), "the document", "statement", "certificate", "digest")
    made = digest({"statement": statement, "certificate": certificate})
    if seal != made:
        raise Rejected(f"the document's digest is {made}, not {shown(seal)}")
    if data != write_document(statement, certificate):
        raise Rejected("the document must be in canonical form: sorted keys, no spaces, ASCII, one newline at the end")
    return statement, certificate
