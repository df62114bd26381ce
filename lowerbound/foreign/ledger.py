"""What a foreign object holds, item by item, as its process tells it and the judge reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

from lowerbound.errors import printable
from lowerbound.kernel import codec
from lowerbound.kernel.codec import Rejected, integer, typed

Kind = str
KINDS = ("tensor", "array", "bytes", "text", "number", "structure")
LONGEST_TEXT = 400
MOST_ENTRIES = 4096
MOST_BYTES = 2**50
LARGEST_RATIO = 10**9
LARGEST_ERROR_PPM = 10**15


@dataclass(frozen=True)
class Entry:
    """One thing that is held: where it hangs, its format, how many bytes it occupies, and what is odd about it."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    kind: Kind
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "shape": list(self.shape)}


@dataclass(frozen=True)
class Holding:
    """What an object holds after the cached scales, beyond its public twin.

    Parameters
    ----------
    entries : the ledger; its bytes add up to `held_bytes`
    grown_bytes : int
        What a copy holds in addition, once it has answered.
    strange : things that no walk sees into, such as a generator
    elsewhere : what hangs on classes, modules and closures, and so does not travel
    own_ratio : the compression that the object itself reports, or None
    live_error_ppm : the worst answer of the object in the process where it grew up, beside exact attention, in
        millionths of the range of values
    """

    entries: tuple[Entry, ...]
    grown_bytes: int
    strange: tuple[str, ...]
    elsewhere: tuple[str, ...]
    own_ratio: Fraction | None
    live_error_ppm: int

    @property
    def held_bytes(self) -> int:
        """Every byte of the ledger."""
        return sum(entry.bytes for entry in self.entries)

    def noted(self, word: str) -> list[Entry]:
        """The entries whose note has a word."""
        return [entry for entry in self.entries if word in entry.note]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, of which `read` is the inverse."""
        return {
            "entries": [entry.to_json() for entry in self.entries],
            "grown_bytes": self.grown_bytes,
            "strange": list(self.strange),
            "elsewhere": list(self.elsewhere),
            "own_ratio": None if self.own_ratio is None else str(self.own_ratio),
            "live_error_ppm": self.live_error_ppm,
        }


def read(frame: bytes) -> Holding:
    """The holding that a process described; Rejected for anything else."""
    names = ("entries", "grown_bytes", "strange", "elsewhere", "own_ratio", "live_error_ppm")
    entries, grown, strange, elsewhere, ratio, live = codec.fields(codec.decode(frame), "a holding", *names)
    if len(typed(entries, list, "the ledger")) > MOST_ENTRIES:
        raise Rejected(f"a ledger must have at most {MOST_ENTRIES} entries, got {len(entries)}")
    return Holding(
        tuple(map(_entry, entries)),
        integer(grown, "the bytes of growth", 0, MOST_BYTES),
        _texts(strange, "what is strange"),
        _texts(elsewhere, "what is elsewhere"),
        None if ratio is None else _ratio(ratio),
        integer(live, "the error of live answers", 0, LARGEST_ERROR_PPM),
    )


def _entry(told: Any) -> Entry:
    path, dtype, shape, size, kind, note = codec.fields(
        told, "an entry of the ledger", "path", "dtype", "shape", "bytes", "kind", "note"
    )
    if typed(kind, str, "the kind") not in KINDS:
        raise Rejected(f"the kind of an entry must be one of {', '.join(KINDS)}, got {codec.shown(kind)}")
    sides = typed(shape, list, "the shape")
    if len(sides) > 64:
        raise Rejected(f"a shape must have at most 64 sides, got {len(sides)}")
    return Entry(
        _text(path, "the path"),
        _text(dtype, "the format"),
        tuple(integer(side, "a side", 0, MOST_BYTES) for side in sides),
        integer(size, "the bytes of an entry", 0, MOST_BYTES),
        kind,
        _text(note, "the note"),
    )


def _text(value: Any, what: str) -> str:
    if len(typed(value, str, what)) > LONGEST_TEXT:
        raise Rejected(f"{what} must have at most {LONGEST_TEXT} characters, got {len(value)}")
    return printable(value)


def _texts(value: Any, what: str) -> tuple[str, ...]:
    listed: Sequence[Any] = typed(value, list, what)
    if len(listed) > MOST_ENTRIES:
        raise Rejected(f"{what} must have at most {MOST_ENTRIES} members, got {len(listed)}")
    return tuple(_text(each, what) for each in listed)


def _ratio(value: Any) -> Fraction:
    found = codec.rational(value, "the object's own ratio")
    if not 0 < found <= LARGEST_RATIO:
        raise Rejected(f"the object's own ratio must lie in (0, {LARGEST_RATIO}], got {codec.shown(value)}")
    return found
