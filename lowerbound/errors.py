"""One family of errors: each message is one sentence that quotes the argument, the rule and the value.

`exit_code` is what the command line returns: 1 refuted, 2 unusable arguments, 3 not decided.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar


class LowerBoundError(Exception):
    """Anything that this package refuses, finds broken or could not decide."""

    exit_code: ClassVar[int] = 1


class InvalidArgument(LowerBoundError, ValueError):
    """An argument breaks a stated rule."""

    exit_code = 2


class UnknownName(InvalidArgument):
    """A name that nobody registered; the message offers the nearest ones."""


class ImpossibleReduction(InvalidArgument):
    """The requested instance cannot carry one bit; the message says why, and what is nearest."""


class IsolationUnavailable(InvalidArgument):
    """The machine cannot give the isolation level that was asked for."""


class CacheContractBroken(LowerBoundError):
    """A cache raised, returned a wrong shape or NaN, or changed its answer after decode(encode())."""


class CorruptState(LowerBoundError, ValueError):
    """State bytes that no encoder of this cache writes."""


class AccountingError(LowerBoundError):
    """A measured point under the proved floor: memory escaped the bytes that were counted."""


class TimeLimitExceeded(LowerBoundError):
    """A party did not answer within its time limit; nothing is known about the cache."""

    exit_code = 3


class Undecided(LowerBoundError):
    """A comparison of enclosures stayed open at the highest precision."""

    exit_code = 3


ALL = (
    LowerBoundError,
    InvalidArgument,
    UnknownName,
    ImpossibleReduction,
    IsolationUnavailable,
    CacheContractBroken,
    CorruptState,
    AccountingError,
    TimeLimitExceeded,
    Undecided,
)
"""Every error that may cross from another process, by its class name."""


def invalid(argument: str, rule: str, value: Any, *, nearest: Any = None) -> InvalidArgument:
    """The sentence "<argument> must <rule>, got <value>; the nearest valid choice is <nearest>"."""
    tail = "" if nearest is None else f"; the nearest valid choice is {nearest}"
    return InvalidArgument(f"{argument} must {rule}, got {value!r}{tail}")


def unknown(kind: str, name: str, known: Iterable[str]) -> UnknownName:
    """The sentence for a name that is not known, with up to three near ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    listed = names if len(names) <= 12 else [*names[:12], "..."]
    advice = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(listed)}"
    return UnknownName(f"{kind} {name!r} is not known; {advice}")
