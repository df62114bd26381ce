"""State bytes with an itemized ledger, which counts the bits of a cache's state by kind of field.

Fields are written one after another, each padded to whole bytes. Names, shapes and formats of fields are public, so
they are not stored: they cost no bits and cannot carry information.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lowerbound.core.formats import FP16_BITS as FP16_BITS
from lowerbound.core.formats import FP32_BITS as FP32_BITS
from lowerbound.errors import CorruptState, invalid

Item = Literal["payload", "indices", "scores", "scales", "residual_window", "padding", "length_prefix"]
Ledger = dict[Item, int]
LENGTH_PREFIX_BITS = 64
Codes = NDArray[np.unsignedinteger[Any]]
"""Many small numbers, in the shortest type that holds them: what moves memory costs more time than what computes."""
_SHIFTS = {width: np.arange(8 - width, -1, -width, dtype=np.uint8) for width in (2, 4)}
"""For widths of which whole numbers fit in a byte: where each number stands, the first at the top."""
_IN_A_BYTE = {
    width: np.ascontiguousarray(np.arange(256, dtype=np.uint8)[:, None] >> shifts & np.uint8(2**width - 1))
    .view(f"u{len(shifts)}")
    .ravel()
    for width, shifts in _SHIFTS.items()
}
"""For the same widths: the numbers of each byte, a byte each, as one word."""
_FLOAT_FORMATS: dict[int, np.dtype[np.floating[Any]]] = {64: np.dtype("<f8"), 32: np.dtype("<f4"), 16: np.dtype("<f2")}


class EncodedState(bytes):
    """State bytes, together with the ledger of the `BitWriter` that wrote them."""

    ledger: Ledger

    def __new__(cls, data: bytes, ledger: Mapping[Item, int]) -> EncodedState:
        self = super().__new__(cls, data)
        self.ledger = dict(ledger)
        return self


def state_bits(data: bytes) -> int:
    """The bits that a state counts: 8 * len(data), plus 64 for a length prefix, which makes the code prefix-free."""
    return 8 * len(data) + LENGTH_PREFIX_BITS


class BitWriter:
    """Writes the fields of a state and counts their bits in a ledger.

    Contract: `encoded()` returns exactly the fields written, in order, and a ledger whose items add up to
    8 * len(encoded()); values that do not fit their field raise InvalidArgument.
    """

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._ledger: Ledger = {}

    def _add(self, item: Item, chunk: bytes, used_bits: int) -> None:
        if item not in get_args(Item):
            raise invalid("item", f"be one of {', '.join(get_args(Item))}", item)
        self._chunks.append(chunk)
        self._ledger[item] = self._ledger.get(item, 0) + used_bits
        padding = 8 * len(chunk) - used_bits
        if padding:
            self._ledger["padding"] = self._ledger.get("padding", 0) + padding

    def bits(self, item: Item, bits: ArrayLike) -> None:
        """Write entries that are 0 or 1, with one bit per entry."""
        flat = np.asarray(bits, dtype=np.uint8).ravel()
        self._add(item, np.packbits(flat).tobytes(), flat.size)

    def uints(self, item: Item, values: ArrayLike, *, width: int) -> None:
        """Write integers in [0, 2**width), with `width` <= 62 bits per integer, most significant bit first."""
        flat = np.asarray(values).ravel()
        if flat.dtype.kind != "u":
            flat = flat.astype(np.int64, copy=False)
        if not 0 <= width <= 62:
            raise invalid("width", "lie in [0, 62]", width)
        if flat.size and not (flat.min() >= 0 and flat.max() < 2**width):
            raise invalid("values", f"lie in [0, 2**{width})", (int(flat.min()), int(flat.max())))
        if width in _SHIFTS:
            packed = np.zeros(-(-flat.size * width // 8), dtype=np.uint8)
            for place, shift in enumerate(_SHIFTS[width]):
                digits = flat[place :: len(_SHIFTS[width])].astype(np.uint8, copy=False)
                packed[: digits.size] |= digits << shift
            self._add(item, packed.tobytes(), width * flat.size)
            return
        word = _word(width)
        words = flat.astype(f">u{word // 8}")
        if width == word:
            self._add(item, words.tobytes(), width * flat.size)
        else:
            self.bits(item, np.unpackbits(words.view(np.uint8)).reshape(-1, word)[:, word - width :])

    def floats(self, item: Item, values: ArrayLike, *, width: int) -> None:
        """Write floats in the IEEE format of `width` bits (16, 32 or 64)."""
        flat = np.asarray(values, dtype=np.float64).ravel()
        with np.errstate(over="ignore"):
            rounded = flat.astype(_FLOAT_FORMATS[width])
        if not _are_finite(rounded):
            raise invalid("values", f"be finite in float{width}", float(flat[~np.isfinite(rounded)][0]))
        self._add(item, rounded.tobytes(), width * flat.size)

    def encoded(self) -> EncodedState:
        """The state: all bytes written so far, with their ledger."""
        return EncodedState(b"".join(self._chunks), self._ledger)


def _are_finite(values: NDArray[np.floating[Any]]) -> bool:
    """Whether no value is NaN or infinite.

    Arithmetic in float16 is slow, so its words are compared: of either sign, words from infinity on are no numbers.
    """
    if values.dtype.itemsize != 2 or not values.size:
        return bool(np.isfinite(values).all())
    infinity = 0x7C00
    return bool(values.view("<i2").max() < infinity and values.view("<u2").max() < 0x8000 + infinity)


def code_type(width: int) -> np.dtype[np.unsignedinteger[Any]]:
    """The shortest unsigned type that holds integers of `width` <= 62 bits."""
    return np.dtype(f"u{_word(width) // 8}")


def _word(width: int) -> int:
    """The size in bits of the shortest machine word (8, 16, 32 or 64 bits) that holds an integer of `width` bits."""
    return next(bits for bits in (8, 16, 32, 64) if width <= bits)


class BitReader:
    """Reads back what a BitWriter wrote.

    Contract: reading the fields in the order in which they were written returns the values written (floats as rounded
    to their format); bytes that are too short, too long or padded with ones raise CorruptState.
    """

    def __init__(self, data: bytes) -> None:
        self._data = bytes(data)
        self._position = 0

    def _take(self, n_bytes: int) -> bytes:
        chunk = self._data[self._position : self._position + n_bytes]
        if n_bytes < 0 or len(chunk) != n_bytes:
            raise CorruptState(
                f"state must hold {n_bytes} more bytes at byte {self._position}, got {len(chunk)} "
                f"(length {len(self._data)})"
            )
        self._position += n_bytes
        return chunk

    def bits(self, count: int) -> NDArray[np.uint8]:
        """Read `count` entries that are 0 or 1."""
        unpacked = np.unpackbits(np.frombuffer(self._take((count + 7) // 8), dtype=np.uint8))
        self._check_padding(unpacked[count:])
        return unpacked[:count]

    def _check_padding(self, padding: NDArray[np.uint8]) -> None:
        if padding.any():
            raise CorruptState(f"state must be padded with zeros before byte {self._position}, got ones")

    def uints(self, count: int, *, width: int) -> NDArray[np.int64]:
        """Read `count` integers of `width` <= 62 bits each."""
        return self.codes(count, width=width).astype(np.int64)

    def codes(self, count: int, *, width: int) -> Codes:
        """Read `count` integers of `width` bits each, in the type of `code_type`, which wraps around in arithmetic."""
        if width in _IN_A_BYTE:
            data = np.frombuffer(self._take((count * width + 7) // 8), dtype=np.uint8)
            digits = _IN_A_BYTE[width].take(data).view(np.uint8)
            self._check_padding(digits[count:])
            return digits[:count]
        word = _word(width)
        if width == word:
            words = np.frombuffer(self._take(count * width // 8), dtype=f">u{word // 8}")
        else:
            table = np.zeros((count, word), dtype=np.uint8)
            table[:, word - width :] = self.bits(count * width).reshape(count, width)
            words = np.packbits(table).view(f">u{word // 8}")
        return words.astype(code_type(width))

    def floats(self, count: int, *, width: int) -> NDArray[np.float64]:
        """Read `count` floats of `width` bits each; NaN or infinity raises CorruptState."""
        values = np.frombuffer(self._take(count * width // 8), dtype=_FLOAT_FORMATS[width])
        if not _are_finite(values):
            raise CorruptState("state must hold finite floats, got NaN or infinity")
        widened: NDArray[np.float64] = values.astype(np.float64)
        return widened

    def end(self) -> None:
        """Raise CorruptState unless every byte was read."""
        left = len(self._data) - self._position
        if left:
            raise CorruptState(f"state must end after byte {self._position}, got {left} bytes more")
