"""Strict JSON: what the judge is willing to read, and the digest that names a statement.

All input comes from outside and is distrusted: data that breaks a rule raises Rejected with a one-sentence reason.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

from lowerbound.errors import LowerBoundError

MOST_BYTES = 2**24
MOST_VALUES = 2**20
DEEPEST_NESTING = 64
MOST_DIGITS = 4096
MOST_SQUARED_DIGITS = 2**32
"""The sum of the squared numbers of digits over all integers of a document: the time to read and write them."""
MOST_QUOTES = 2**22

_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)
"""Matches a whole string, an opening or a closing bracket; possessive quantifiers keep it from scanning text twice."""
_STEP = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}
_RATIONAL = re.compile(rf"-?[0-9]{{1,{MOST_DIGITS}}}(?:/[0-9]{{1,{MOST_DIGITS}}})?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NAME_OF: dict[type, str] = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}

Kind = TypeVar("Kind")


class Rejected(LowerBoundError):
    """Data that breaks a rule of the format, or a certificate that does not prove its claim."""


def shown(value: Any) -> str:
    """The text by which a reason quotes a value: at most 60 characters."""
    large = type(value) is int and value.bit_length() > MOST_DIGITS
    quoted = f"an integer of {value.bit_length()} bits" if large else repr(value)
    return quoted if len(quoted) <= 60 else quoted[:57] + "..."


def _check_nesting(data: bytes) -> None:
    depth = 0
    for mark in _MARK.finditer(data):
        depth += _STEP.get(mark[0], 0)
        if depth > DEEPEST_NESTING:
            raise Rejected(f"a document must have a nesting of at most {DEEPEST_NESTING}")


def _integers() -> Callable[[str], int]:
    """A reader of the integers of one document, which counts their digits."""
    left = MOST_SQUARED_DIGITS

    def read(digits: str) -> int:
        nonlocal left
        if len(digits) > MOST_DIGITS:
            raise Rejected(f"an integer must have at most {MOST_DIGITS} digits, got {len(digits)}")
        left -= len(digits) ** 2
        if left < 0:
            raise Rejected(f"the squared numbers of digits must add up to at most {MOST_SQUARED_DIGITS}")
        return int(digits)

    return read


def _no_float(number: str) -> Any:
    raise Rejected(f"numbers must be integers or rational text, got the float {shown(number)}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for name, value in pairs:
        if name in content:
            raise Rejected(f"an object has the duplicate key {shown(name)}")
        content[name] = value
    return content


def decode(data: bytes) -> Any:
    """The Python value of a strict JSON document.

    Contract: the value consists of dict, list, str, int, bool and None alone. Raises Rejected for data that is not
    bytes, is over 16 MiB, may have over 2^20 values (a member of an object counts as three) or 2^22 quotation marks, is
    nested deeper than 64, or is not UTF-8 or not JSON, and for a duplicate key, a float, NaN, Infinity, an integer of
    over 4096 digits or too many long ones.
    """
    if not isinstance(data, bytes):
        raise Rejected(f"a document must be bytes, got {type(data).__name__}")
    if len(data) > MOST_BYTES:
        raise Rejected(f"a document must have a size of at most {MOST_BYTES} bytes, got {len(data)}")
    if data.count(b",") + data.count(b"[") + data.count(b"{") + 2 * data.count(b":") > MOST_VALUES:
        raise Rejected(
            f"a document must have at most {MOST_VALUES} commas, opening brackets and, counted twice, colons"
        )
    if data.count(b'"') > MOST_QUOTES:
        raise Rejected(f"a document must have at most {MOST_QUOTES} quotation marks")
    _check_nesting(data)
    reader = json.JSONDecoder(
        object_pairs_hook=_object, parse_int=_integers(), parse_float=_no_float, parse_constant=_no_float
    )
    try:
        return reader.decode(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise Rejected("a document must be UTF-8") from None
    except json.JSONDecodeError as error:
        raise Rejected(f"a document must be JSON: {error.msg} at position {error.pos}") from None


def canonical(value: Any) -> bytes:
    """The one way to write plain JSON values: sorted keys, no spaces, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def digest(value: Any) -> str:
    """The name of a statement: SHA-256, in hex, of its canonical form."""
    return hashlib.sha256(canonical(value)).hexdigest()


def typed(value: Any, kind: type[Kind], what: str) -> Kind:
    """The value, if it has exactly this type (dict, list, str or bool); raises Rejected otherwise."""
    if type(value) is not kind:
        raise Rejected(f"{what} must be {_NAME_OF[kind]}, got {shown(value)}")
    return value


def fields(value: Any, what: str, *names: str) -> list[Any]:
    """The values of an object, in the order of `names`; raises Rejected unless its keys are exactly these."""
    table = typed(value, dict, what)
    for name in table:
        if name not in names:
            raise Rejected(f"{what} has the unknown key {shown(name)}")
    for name in names:
        if name not in table:
            raise Rejected(f"{what} lacks the key {name!r}")
    return [table[name] for name in names]


def integer(value: Any, what: str, lowest: int, highest: int) -> int:
    """The value, if it is an integer in [lowest, highest]; JSON's true is not an integer. Raises Rejected otherwise."""
    if type(value) is not int or not lowest <= value <= highest:
        raise Rejected(f"{what} must be an integer in [{lowest}, {highest}], got {shown(value)}")
    return value


def read_word(value: Any, length: int) -> int:
    """The binary word of this many letters that hex digits spell; raises Rejected otherwise."""
    n_digits = -(-length // 4)
    if type(value) is not str or not re.fullmatch(f"[0-9a-f]{{{n_digits}}}", value) or int(value, 16) >> length:
        raise Rejected(f"a word of {length} bits must have {n_digits} hex digits, got {shown(value)}")
    return int(value, 16)


def is_identifier(value: Any) -> bool:
    """Whether a value can name a variable."""
    return type(value) is str and _IDENTIFIER.fullmatch(value) is not None


def rational(value: Any, what: str) -> Fraction:
    """The exact number that text such as "3" or "-1/7" denotes."""
    if type(value) is not str or not _RATIONAL.fullmatch(value):
        raise Rejected(f"{what} must be rational text such as '-1/7', got {shown(value)}")
    numerator, _, denominator = value.partition("/")
    if denominator and int(denominator) == 0:
        raise Rejected(f"{what} must not have a zero denominator, got {shown(value)}")
    return Fraction(int(numerator), int(denominator or "1"))
