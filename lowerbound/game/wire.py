"""The format of everything that passes between processes: length-prefixed frames of bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import IO, Literal

import numpy as np

Role = Literal["alice", "bob", "describe", "answer"]
Frames = list[bytes]

SYMBOL_TYPE = np.dtype("<u8")
"""The data type of one symbol or token id in a frame."""

_LENGTH = struct.Struct("<Q")


def write_frames(stream: IO[bytes], frames: Sequence[bytes]) -> None:
    """Write frames, each preceded by its length in 8 bytes, little-endian."""
    for frame in frames:
        stream.write(_LENGTH.pack(len(frame)))
        stream.write(frame)
    stream.flush()


def read_frames(stream: IO[bytes]) -> Frames:
    """Read frames until the stream ends; a truncated frame raises ValueError."""
    frames = []
    while header := stream.read(_LENGTH.size):
        if len(header) != _LENGTH.size:
            raise ValueError("a frame's length is cut off")
        (length,) = _LENGTH.unpack(header)
        frame = stream.read(length)
        if len(frame) != length:
            raise ValueError("a frame is cut off")
        frames.append(frame)
    return frames
