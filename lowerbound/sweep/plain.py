"""Plain values: all that a store takes and gives is bounded JSON whose text no terminal obeys, whoever wrote it."""

from __future__ import annotations

import json
import math
from typing import Any

LAYOUT = "\n\t"
"""What a text of several lines, such as a witness, keeps."""
LONGEST_REASON = 2000
DEEPEST = 50


def escaped(text: str, kept: str = "") -> str:
    r"""A text with its unprintable characters written as escapes: a lone surrogate, say, or a terminal's command.

    Contract: every character of the result is printable or in `kept`; a text of such characters is its own result.

    Examples
    --------
    >>> escaped("a\x1b[2Jb\ud800\n")
    'a\\x1b[2Jb\\ud800\\n'
    """
    if text.isprintable():
        return text
    return "".join(
        sign if sign.isprintable() or sign in kept else sign.encode("unicode_escape").decode() for sign in text
    )


def reason_of(error: BaseException) -> str:
    """The class and the message of an error as one line of printable text; not even a hostile error raises here."""
    try:
        told = f"{type(error).__name__}: {error}"
    except (Exception, SystemExit):
        told = f"{type(error).__name__}, whose message cannot be read"
    return escaped(told[:LONGEST_REASON])


def plain(value: Any, depth: int = 0) -> Any:
    """A value in the types of JSON, with its text escaped.

    Contract: what JSON cannot say (NaN, a set, an array), and a value nested deeper than DEEPEST, raises ValueError.
    """
    if depth > DEEPEST:
        raise ValueError(f"a value is nested deeper than {DEEPEST}")
    match value:
        case None | bool() | int():
            return value
        case str():
            return escaped(value, LAYOUT)
        case float() if math.isfinite(value):
            return value
        case dict():
            return {escaped(str(key)): plain(part, depth + 1) for key, part in value.items()}
        case list() | tuple():
            return [plain(part, depth + 1) for part in value]
    raise ValueError(f"{escaped(repr(value)[:40])} of type {type(value).__name__} is no value of JSON")


def parsed(text: object) -> dict[str, Any]:
    """The plain JSON object in a text that anybody may have written; ValueError or RecursionError for anything else."""
    if not isinstance(text, str | bytes):
        raise ValueError(f"text was expected, got {type(text).__name__}")
    table = plain(json.loads(text))
    if not isinstance(table, dict):
        raise ValueError(f"a JSON object was expected, got {str(table)[:40]!r}")
    return table
