"""Reading safetensors files of others: a header with types and shapes, and numbers, checked before they are used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from safetensors import SafetensorError, safe_open

from lowerbound.errors import InvalidArgument, invalid

Array = NDArray[Any]
Shapes = dict[str, tuple[str, tuple[int, ...]]]

STORED = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}
"""The types of real numbers, as the header calls them."""
MOST_FILE_BYTES = 2**36
MOST_HEADER_BYTES = 2**22
ALIGNED_BYTES = 8
"""Headers are padded to a multiple of this, as the format asks."""
DIGESTED_BYTES = 2**24
"""How much of a file is hashed at a time."""


@dataclass(frozen=True, eq=False)
class TensorFile:
    """A safetensors file whose header was read; numbers are read when they are asked for, and nothing is ever run.

    Parameters
    ----------
    what : str
        What the file is said to be, as errors call it.
    shapes : dict
        From each tensor's name to its type and shape.
    """

    what: str
    path: Path
    shapes: Shapes
    metadata: Mapping[str, str]

    def bad(self, rule: str, value: Any) -> InvalidArgument:
        """The error of a file that breaks a rule."""
        return bad_file(self.what, self.path, rule, value)

    def numbers(self, name: str, dtype: DTypeLike = np.float64) -> Array:
        """A tensor of real numbers in `dtype`; InvalidArgument if an entry is not finite in it."""
        return numbers_of(self.what, self.path, name, dtype)

    @property
    def digest(self) -> str:
        """The SHA-256 of the whole file."""
        total = hashlib.sha256()
        with self.path.open("rb") as file:
            while part := file.read(DIGESTED_BYTES):
                total.update(part)
        return total.hexdigest()


def bad_file(what: str, path: Path, rule: str, value: Any) -> InvalidArgument:
    """The error "<what> <file's name> must <rule>, got <value>"."""
    return invalid(f"{what} {path.name}", rule, value)


def open_tensors(path: Path, what: str) -> TensorFile:
    """The header of a safetensors file.

    Contract: the sizes of file and header are checked before anything is read; whatever is no such file raises
    InvalidArgument in one sentence.
    """
    if not path.is_file():
        problem = "no file" if path.exists() else "missing"
        raise InvalidArgument(f"{what} must be a file, got {path}, which is {problem}")
    size = path.stat().st_size
    if not 8 < size <= MOST_FILE_BYTES:
        raise bad_file(what, path, f"be a safetensors file of 9 to {MOST_FILE_BYTES} bytes", size)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
    if length > min(MOST_HEADER_BYTES, size - 8):
        rule = f"be a safetensors file, with a header of at most {MOST_HEADER_BYTES} bytes"
        raise bad_file(what, path, rule, length)
    try:
        with safe_open(path, framework="numpy") as file:
            slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 (it is no mapping)
            shapes = {name: (found.get_dtype(), tuple(found.get_shape())) for name, found in slices.items()}
            metadata = dict(file.metadata() or {})
    except (SafetensorError, UnicodeDecodeError) as error:
        raise bad_file(what, path, "be a safetensors file", str(error)) from None
    return TensorFile(what, path, shapes, metadata)


def write_tensors(path: Path, tensors: Mapping[str, Array], metadata: Mapping[str, str]) -> None:
    """A safetensors file of real numbers.

    Contract: equal arguments give equal bytes, whatever the order of their entries; tensors that are not float16,
    float32 or float64 raise InvalidArgument. (The library's own writer orders metadata differently at each run.)
    """
    kinds = {np.dtype(name): kind for kind, name in STORED.items() if kind != "BF16"}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))}
    start = 0
    for name, array in sorted(tensors.items()):
        if array.dtype not in kinds:
            raise invalid(f"tensor {name}", "be of type float16, float32 or float64", str(array.dtype))
        places = [start, start + array.nbytes]
        header[name] = {"dtype": kinds[array.dtype], "shape": list(array.shape), "data_offsets": places}
        start = places[1]
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % ALIGNED_BYTES)
    parts = [
        np.ascontiguousarray(array, array.dtype.newbyteorder("<")).tobytes() for _, array in sorted(tensors.items())
    ]
    path.write_bytes(b"".join([len(text).to_bytes(8, "little"), text, *parts]))


def numbers_of(what: str, path: Path, name: str, dtype: DTypeLike = np.float64) -> Array:
    """One tensor in `dtype`; raises InvalidArgument if an entry is not finite in it, or the file is not whole."""
    try:
        with safe_open(path, framework="numpy") as file:
            kind = file.get_slice(name).get_dtype()
            array = _bfloat16(path, name) if kind == "BF16" else file.get_tensor(name)
    except SafetensorError as error:
        raise bad_file(what, path, "be a whole safetensors file", str(error)) from None
    with np.errstate(over="ignore"):
        numbers = np.asarray(array, dtype=dtype)
    if not np.isfinite(numbers).all():
        raise bad_file(what, path, f"have finite numbers in {name}", "NaN or infinity")
    return numbers


def _bfloat16(path: Path, name: str) -> Array:
    """A bfloat16 tensor as float32. NumPy lacks the type, whose bits are the upper half of a float32's."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        place = json.loads(file.read(length))[name]
        start, end = place["data_offsets"]
        file.seek(8 + length + start)
        halves = np.frombuffer(file.read(end - start), dtype="<u2").astype(np.uint32)
    floats: Array = (halves << np.uint32(16)).view(np.float32).reshape(place["shape"])
    return floats
