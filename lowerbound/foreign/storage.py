"""Storages of tensors and arrays: whose memory a tensor sees, how it does, and what sees bytes so again."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np


def owner_of(rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The array whose memory an array is a view of; the array itself if that is no array."""
    while isinstance(rows.base, np.ndarray):
        rows = rows.base
    return rows


def storage_bytes(value: Any) -> bytes:
    """All bytes of the storage of a tensor, or of the array that owns an array's memory."""
    if isinstance(value, np.ndarray):
        return owner_of(value).tobytes()
    storage = value.detach().untyped_storage()
    return ctypes.string_at(storage.data_ptr(), storage.nbytes()) if storage.nbytes() else b""


def digest_of(content: bytes) -> bytes:
    """A short name of a content."""
    return blake2b(content, digest_size=16).digest()


def view_of(rows: Any) -> tuple[int, tuple[Any, ...], int]:
    """Where a tensor's storage lies, how the tensor sees it, and how many bytes it sees."""
    if isinstance(rows, np.ndarray):
        owner = owner_of(rows)
        start = owner.__array_interface__["data"][0]
        offset = rows.__array_interface__["data"][0] - start
        return start, ("array", rows.dtype.str, offset, rows.shape, rows.strides), rows.nbytes
    what = "parameter" if type(rows).__name__ == "Parameter" else "tensor"
    view = (what, str(rows.dtype).removeprefix("torch."), rows.storage_offset(), tuple(rows.shape), rows.stride())
    where = rows.untyped_storage().data_ptr() or id(rows)
    return where, view, rows.numel() * rows.element_size()


def seen_as(
    torch: Any, buffer: bytearray, what: str, dtype: str, offset: int, shape: Sequence[int], stride: Any
) -> Any:
    """The tensor or array that sees a buffer so; a tensor without a stride is contiguous and sees all of it."""
    if what == "array":
        return (
            np.ndarray(shape, np.dtype(dtype), buffer, offset, stride) if buffer else np.zeros(shape, np.dtype(dtype))
        )
    kind = getattr(torch, dtype)
    if not buffer:
        rows = torch.zeros(tuple(shape), dtype=kind)
    else:
        whole = len(buffer) // kind.itemsize * kind.itemsize  # a storage may end with a part of a number
        flat = torch.frombuffer(buffer, dtype=torch.uint8)[:whole].view(kind)
        rows = flat.reshape(tuple(shape)) if stride is None else flat.as_strided(tuple(shape), tuple(stride), offset)
    return torch.nn.Parameter(rows, requires_grad=False) if what == "parameter" else rows


def numbers_of(torch: Any, rows: Any) -> Any:
    """The numbers of a tensor as an array; formats that NumPy lacks as unsigned integers of their width."""
    rows = rows.detach().contiguous()
    try:
        return rows.numpy()
    except TypeError:
        return rows.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[rows.element_size()]).numpy()


def is_integer(rows: Any) -> bool:
    """Whether a tensor or an array of NumPy may hold codes: a tensor of floats does not, an array is asked later."""
    return isinstance(rows, np.ndarray) or not (rows.dtype.is_floating_point or rows.dtype.is_complex)


def format_of(torch: Any, dtype: str) -> np.dtype[Any]:
    """NumPy's format of a tensor's numbers, as `numbers_of` gives them."""
    found: np.dtype[Any] = numbers_of(torch, torch.zeros(1, dtype=getattr(torch, dtype))).dtype
    return found
