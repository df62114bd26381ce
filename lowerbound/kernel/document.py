"""A statement and its certificate as one file: canonical JSON, sealed by its digest."""

from __future__ import annotations

import hashlib
from typing import Any

from lowerbound.kernel.codec import Rejected, canonical, decode, fields, shown

Json = Any


def write_document(statement: Json, certificate: Json) -> bytes:
    """The bytes of the file that holds both: sorted keys, no spaces, ASCII, a digest of the rest, a final newline.

    Contract: `read_document` returns the same two objects, of dict, list, str, int, bool and None alone.
    """
    return _written(statement, certificate)[0]


def _written(statement: Json, certificate: Json) -> tuple[bytes, str]:
    """The file and its digest; each part is put into canonical form once, for that is most of the work."""
    proof, claimed = canonical(certificate), canonical(statement)
    seal = hashlib.sha256(b'{"certificate":%b,"statement":%b}' % (proof, claimed)).hexdigest()
    return b'{"certificate":%b,"digest":"%b","statement":%b}\n' % (proof, seal.encode("ascii"), claimed), seal


def read_document(data: bytes) -> tuple[Json, Json]:
    """The statement and the certificate of a document.

    Contract: raises Rejected for bytes that `write_document` does not write, so that a changed byte is noticed unless
    the digest is recomputed. Whether the certificate proves the statement is decided by the judge, not here.
    """
    statement, certificate, seal = fields(decode(data), "the document", "statement", "certificate", "digest")
    whole, made = _written(statement, certificate)
    if seal != made:
        raise Rejected(f"the document's digest is {made}, not {shown(seal)}")
    if data != whole:
        raise Rejected("the document must be in canonical form: sorted keys, no spaces, ASCII, one newline at the end")
    return statement, certificate
