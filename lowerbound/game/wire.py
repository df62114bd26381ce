"""The format of everything that passes between processes: length-prefixed frames of bytes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import IO, Literal

import numpy as np

Role = Literal["alice", "bob", "describe", "answer"]
Frames = list[bytes]

SYMBOL_TYPE = np.dtype("<u8")
"""The data type of one symbol or token id in a frame."""

MOST_REPLY_BYTES = 2**31
"""The largest size of a reply, which the judge holds in memory."""

_CHUNK_BYTES = 2**20
_LENGTH = struct.Struct("<Q")


def write_frames(stream: IO[bytes], frames: Sequence[bytes]) -> None:
    """Write frames, each preceded by its length in 8 bytes, little-endian."""
    for frame in frames:
        stream.write(_LENGTH.pack(len(frame)))
        stream.write(frame)
    stream.flush()


def read_frames(stream: IO[bytes], *, most_frames: float = math.inf, most_bytes: float = math.inf) -> Frames:
    """Read frames until the stream ends.

    Contract: a truncated frame, more than `most_frames` frames, or frames of more than `most_bytes` bytes in all raise
    ValueError, before the frame that is too many or too long is read. Memory grows with the bytes that arrive, not with
    a length that is announced.
    """
    frames: Frames = []
    left = most_bytes
    while header := stream.read(_LENGTH.size):
        if len(header) != _LENGTH.size:
            raise ValueError("a frame's length is cut off")
        (length,) = _LENGTH.unpack(header)
        if len(frames) >= most_frames:
            raise ValueError(f"there are more than {most_frames} frames")
        if length > left:
            raise ValueError(f"a frame of {length} bytes is longer than the {left} bytes that may follow")
        left -= length
        frames.append(_exactly(stream, length))
    return frames


def _exactly(stream: IO[bytes], length: int) -> bytes:
    if length <= _CHUNK_BYTES:
        frame = stream.read(length)
    else:
        found = bytearray()
        while len(found) < length and (chunk := stream.read(min(_CHUNK_BYTES, length - len(found)))):
            found += chunk
        frame = bytes(found)
    if len(frame) != length:
        raise ValueError("a frame is cut off")
    return frame
