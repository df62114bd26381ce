"""The exceptions of this package: each message is one sentence that quotes the argument, the rule and the value.

`exit_code` is the exit status of the command line: 1 for a refuted claim, 2 for unusable arguments, 3 for a question
that was not decided. An exception that is not of this family is a defect of this package, and has the status 4.
"""

from __future__ import annotations

import difflib
import os
import sys
import traceback
from collections.abc import Iterable
from typing import Any, ClassVar

DEFECT_EXIT_CODE = 4
"""The exit status after an exception that this package did not raise on purpose."""

LONGEST_VALUE = 60
"""Characters of a value that an error quotes; of a longer one, the beginning and the length are told."""


class LowerBoundError(Exception):
    """Base class of every error that this package raises on purpose.

    Contract: its text is one printable line, whatever foreign text it quotes.
    """

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return printable(super().__str__())


class InvalidArgument(LowerBoundError, ValueError):
    """An argument breaks a stated rule."""

    exit_code = 2


class UnknownName(InvalidArgument):
    """A name that is not registered; the message offers the nearest registered names."""


class ImpossibleReduction(InvalidArgument):
    """The requested instance cannot encode the symbols; the message gives the reason and the nearest valid value."""


class IsolationUnavailable(InvalidArgument):
    """The machine cannot give the isolation level that was asked for."""


class CacheContractBroken(LowerBoundError):
    """A cache raised an exception, returned a wrong shape or NaN, or answered differently after decode(encode())."""


class CorruptState(LowerBoundError, ValueError):
    """State bytes that the encoder of this cache cannot produce."""


class AccountingError(LowerBoundError):
    """A measured size below the proved lower bound (floor): some memory was not in the bytes that were counted."""


class TimeLimitExceeded(LowerBoundError):
    """A party did not answer within its time limit, so the run says nothing about the cache."""

    exit_code = 3


class Undecided(LowerBoundError):
    """Two interval enclosures still overlap at the highest precision, so their comparison has no answer."""

    exit_code = 3


REPORTABLE = (InvalidArgument, UnknownName, ImpossibleReduction, CacheContractBroken, CorruptState)
"""Every error class that a cache's process may report. The others are for the judge alone to raise: whether a row is
under the floor, late, or not decided."""


def printable(text: str) -> str:
    """A text as one line that a terminal shows and does not obey.

    Contract: every character of the result is printable, and printable characters are unchanged; any other one (a line
    break, an escape, a C1 control, a bidirectional override, a lone surrogate) is written as Python's escape for it.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)


def printable_lines(text: str) -> str:
    """A text whose lines are `printable`, each by itself; its line feeds stay."""
    return "\n".join(map(printable, text.split("\n")))


def quoted(value: Any) -> str:
    """A value as an error quotes it.

    Contract: its repr, if that has at most 60 characters; else the first 60 of them, and how many there are.
    """
    try:
        told = repr(value)
    except ValueError:  # Python prints no integer of more than 4300 digits
        return "a number of more than 4300 digits"
    return told if len(told) <= LONGEST_VALUE else f"{told[:LONGEST_VALUE]}... ({len(told):,} characters)"


def raised_at(error: BaseException) -> str:
    """Where foreign code raised an error, as " (mine.py:12)": the file relative to the import path, and the line.

    Contract: the innermost line outside this package, Python's library and installed packages; if there is none, the
    innermost one of an installed package; without that, the empty text.
    """
    import sysconfig

    paths = sysconfig.get_paths()
    python, installed = (
        tuple(paths[name] + os.sep for name in names) for names in (("stdlib", "platstdlib"), ("purelib", "platlib"))
    )
    here = os.path.dirname(os.path.abspath(__file__)) + os.sep
    places = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
    foreign = [each for each in places if each[0][:1] != "<" and not each[0].startswith(here)]
    own = [each for each in foreign if not each[0].startswith((*python, *installed))]
    chosen = own or [each for each in foreign if each[0].startswith(installed)]
    if not chosen:
        return ""
    file, line = chosen[-1]
    roots = [root for entry in sys.path if file.startswith(root := os.path.join(os.path.abspath(entry), ""))]
    return f" ({file[max(map(len, roots), default=0) :]}:{line})"


def invalid(argument: str, rule: str, value: Any, *, nearest: Any = None) -> InvalidArgument:
    """The error that says "<argument> must <rule>, got <value>; the nearest valid choice is <nearest>"."""
    tail = "" if nearest is None else f"; the nearest valid choice is {nearest}"
    return InvalidArgument(f"{argument} must {rule}, got {quoted(value)}{tail}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The error for an unregistered name; its message offers up to three similar names, or lists the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = names if len(names) <= 12 else [*names[:12], "..."]
    advice = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(listed)}"
    return UnknownName(f"{kind} {quoted(name)} is not known; {advice}")
