"""What the process of a cache replies, read as the hostile input that it is.

Whatever code made a cache may write any bytes in place of a reply. Everything in a reply is therefore compared with one
schema before anything is done with it: exact keys, exact types, and limits on length, nesting, digits and time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any, get_args

from lowerbound.core.bits import Item
from lowerbound.core.cache import CacheFacts, ComputationModel
from lowerbound.core.geometry import LARGEST_STACK
from lowerbound.core.scalars import counted
from lowerbound.errors import REPORTABLE, CacheContractBroken, LowerBoundError, printable, printable_lines
from lowerbound.game.wire import Frames, Role
from lowerbound.kernel import codec
from lowerbound.kernel.codec import Rejected, integer, shown, typed

Json = Any

MOST_HEADER_BYTES = 2**20
LONGEST_MESSAGE = 2**10
"""Characters of the sentence of an error that crosses."""
LONGEST_TRACEBACK = 2**14
"""Characters of a traceback that cross, its last ones; nobody sees them without --debug."""
LONGEST_LINE = 2**12
"""Characters of a statement of a class, such as its reference or the meaning of its budget."""
LONGEST_FAMILY = 40
LONGEST_RATIO = 400
"""Characters of a claimed ratio: a float's exact fraction fits."""
LARGEST_RATIO = 10**15
LONGEST_BUDGET = 40
LONGEST_TEXT = 2**14
MOST_BITS = 2**40
"""The largest number of bits in a ledger."""


@dataclass(frozen=True)
class Reply:
    """The reply of one party for one game.

    `seconds` is the time that the party claims for it, which is at most the time that the judge measured. Bob's reply
    has no claimed ratio and no ledger. `ledger` is that of the longest message, or None if no BitWriter wrote it.
    """

    seconds: float
    frames: Frames
    claimed_ratio: Fraction | None = None
    ledger: dict[str, int] | None = None


def replies(
    role: Role, frames: Sequence[bytes], counts: Sequence[int], measured_s: float
) -> list[Reply | LowerBoundError]:
    """The replies of one party for several games, in order, each with as many frames as `counts` says.

    Contract: where the party reported an error of a game, that error takes the place of the reply. Frames that the
    schema does not allow, or that are too few or too many, raise CacheContractBroken. `measured_s` is the time that the
    judge measured for all games.
    """
    given = iter(frames)
    found: list[Reply | LowerBoundError] = []
    with kept(role):
        for count in counts:
            header = _next(given)
            table = typed(_read(header), dict, "a header")
            if "failure" in table:
                (told,) = codec.fields(table, "a header", "failure")
                found.append(raised(told))
                continue
            names = ("nanoseconds", "claimed_ratio", "ledger") if role == "alice" else ("nanoseconds",)
            nanoseconds, *rest = codec.fields(table, "a header", *names)
            seconds = integer(nanoseconds, "the nanoseconds", 0, int(measured_s * 10**9)) / 10**9
            own = [_next(given) for _ in range(count)]
            found.append(Reply(seconds, own, *_claims(*rest)) if rest else Reply(seconds, own))
        _no_more(given)
    return found


def only(role: Role, frames: Sequence[bytes]) -> bytes:
    """The frame of a reply that is one frame; any other number of them raises CacheContractBroken."""
    given = iter(frames)
    with kept(role):
        frame = _next(given)
        _no_more(given)
    return frame


def stated(frame: bytes) -> CacheFacts:
    """The statements of a class about itself.

    Contract: every text is printable, and all but `text` are one line; the default budget lies in (0, 1], and the stack
    is two positive integers with a product of at most LARGEST_STACK. Anything else raises CacheContractBroken.
    """
    names = [field.name for field in fields(CacheFacts)]
    with kept("describe"):
        facts = dict(zip(names, codec.fields(_read(frame), "the facts", *names), strict=True))
        lines = {
            name: _line(facts[name], f"the {name.replace('_', ' ')}", LONGEST_LINE)
            for name in ("reference", "idea", "budget_meaning")
        }
        family = _line(facts["family"], "the family", LONGEST_FAMILY)
        text = typed(facts["text"], str, "the text")
        if len(text) > LONGEST_TEXT:
            raise Rejected(f"the text must have at most {LONGEST_TEXT} characters, got {len(text)}")
        model = typed(facts["computation_model"], str, "the computation model")
        if model not in get_args(ComputationModel):
            raise Rejected(
                f"the computation model must be one of {', '.join(get_args(ComputationModel))}, got {shown(model)}"
            )
        if facts["default_budget"] is not None:
            share = _fraction(facts["default_budget"], "the default budget", LONGEST_BUDGET)
            if not 0 < share <= 1:
                raise Rejected(f"the default budget must lie in (0, 1], got {share}")
        return CacheFacts(
            family=family,
            **lines,
            default_budget=facts["default_budget"],
            computation_model=next(known for known in get_args(ComputationModel) if known == model),
            stack=None if facts["stack"] is None else _stack(facts["stack"]),
            text=printable_lines(text),
        )


def raised(failure: Json) -> LowerBoundError:
    """The error that `party.failure` described, as an instance of its class; the party's traceback is a note to it.

    Contract: a class that is not in REPORTABLE, and anything that is no such description, raises Rejected.
    """
    kind, message, told = codec.fields(failure, "a failure", "kind", "message", "traceback")
    kinds = {each.__name__: each for each in REPORTABLE}
    if typed(kind, str, "the kind of an error") not in kinds:
        raise Rejected(f"the error must be one that a cache may raise, got {shown(kind)}")
    for text, what, most in ((message, "message", LONGEST_MESSAGE), (told, "traceback", LONGEST_TRACEBACK)):
        if len(typed(text, str, f"the {what}")) > most:
            raise Rejected(f"the {what} of an error must have at most {most} characters, got {len(text)}")
    error = kinds[kind](printable(message))
    error.add_note(f"In the process of the cache:\n{printable_lines(told)}")
    return error


@contextmanager
def kept(role: Role) -> Iterator[None]:
    """A context in which Rejected becomes CacheContractBroken: the reply of this party breaks the protocol."""
    try:
        yield
    except Rejected as error:
        raise CacheContractBroken(f"the cache must let {role}'s process keep to the protocol, but {error}") from None


def opened(frame: bytes) -> LowerBoundError | None:
    """The error that the first frame of a whole reply describes, or None; anything else raises Rejected."""
    failure = _read(frame)
    return None if failure is None else raised(failure)


def _read(frame: bytes) -> Json:
    if len(frame) > MOST_HEADER_BYTES:
        raise Rejected(f"a header must have at most {MOST_HEADER_BYTES} bytes, got {len(frame)}")
    return codec.decode(frame)


def _next(frames: Iterator[bytes]) -> bytes:
    try:
        return next(frames)
    except StopIteration:
        raise Rejected("the reply lacks a frame") from None


def _no_more(frames: Iterable[bytes]) -> None:
    surplus = sum(1 for _ in frames)
    if surplus:
        raise Rejected(f"the reply has {counted(surplus, 'frame')} too many")


def _claims(ratio: Json, ledger: Json) -> tuple[Fraction | None, dict[str, int] | None]:
    claimed = None if ratio is None else _fraction(ratio, "the claimed ratio", LONGEST_RATIO)
    if claimed is not None and not Fraction(1, LARGEST_RATIO) <= claimed <= LARGEST_RATIO:
        raise Rejected(f"the claimed ratio must lie in [1/{LARGEST_RATIO}, {LARGEST_RATIO}], got {shown(ratio)}")
    if ledger is None:
        return claimed, None
    for item, bits in typed(ledger, dict, "the ledger").items():
        if item not in get_args(Item):
            raise Rejected(f"an item of the ledger must be one of {', '.join(get_args(Item))}, got {shown(item)}")
        integer(bits, f"the {item} of the ledger", 0, MOST_BITS)
    return claimed, ledger


def _fraction(text: Json, what: str, most: int) -> Fraction:
    if len(typed(text, str, what)) > most:
        raise Rejected(f"{what} must have at most {most} characters, got {len(text)}")
    return codec.rational(text, what)


def _line(text: Json, what: str, most: int) -> str:
    if len(typed(text, str, what)) > most:
        raise Rejected(f"{what} must have at most {most} characters, got {len(text)}")
    return printable(text)


def _stack(pair: Json) -> tuple[int, int]:
    if len(typed(pair, list, "the stack")) != 2:
        raise Rejected(f"the stack must be two integers, layers and heads per layer, got {shown(pair)}")
    layers, heads = (integer(each, "a number of the stack", 1, LARGEST_STACK) for each in pair)
    if layers * heads > LARGEST_STACK:
        raise Rejected(
            f"the stack must have at most {LARGEST_STACK} heads in all, got {counted(layers, 'layer')} x "
            f"{counted(heads, 'head')}"
        )
    return layers, heads
