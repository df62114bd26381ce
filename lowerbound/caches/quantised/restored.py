"""Templates for quantizers: the newest scale is exact, older tokens are restored from codes, each coded once."""

from __future__ import annotations

import math
from abc import abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter, Codes, code_type
from lowerbound.core.cache import CountedState, FloatArray, Public, SoftmaxCache, appended, check_pairs
from lowerbound.core.oracle.heads import Question
from lowerbound.core.rules import Scaled
from lowerbound.errors import CorruptState


class RestoredTokens(CountedState, SoftmaxCache):
    """Template: answers by softmax over the old rows, restored from the state, and the new rows, which are exact.

    Under the rule L2Norm, keys are normalized when they arrive, as models normalize them before caching. A restored key
    is not normalized again, so that an unbiased estimate of a logit stays unbiased. A final class adds the new rows to
    what it already stores in `write`, and sets `old_keys` and `old_values` from the state in `read`.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.old_keys: FloatArray = np.zeros((0, public.d))
        self.old_values: FloatArray = np.zeros((0, public.d))
        self.new_keys: FloatArray = np.zeros((0, public.d))
        self.new_values: FloatArray = np.zeros((0, public.d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        self.new_keys = appended(self.new_keys, self.public.rule.directions(keys))
        self.new_values = appended(self.new_values, values)
        self.n_new += len(keys)

    @property
    def keys(self) -> FloatArray:
        """The keys of all tokens: the restored ones, then the exact ones."""
        return appended(self.old_keys, self.new_keys)

    @property
    def values(self) -> FloatArray:
        """The values of all tokens: the restored ones, then the exact ones."""
        return appended(self.old_values, self.new_values)

    def question(self, queries: FloatArray) -> Question:
        return Question(self.public.rule.scaled(queries), self.keys, self.values, Scaled(1.0))

    def decode(self, data: bytes) -> None:
        self.new_keys = self.new_values = np.zeros((0, self.public.d))
        super().decode(data)

    @abstractmethod
    def write(self, writer: BitWriter) -> None:
        """Write what is stored of the `n_old` old tokens, extended by `new_keys` and `new_values`."""

    @abstractmethod
    def read(self, reader: BitReader) -> None:
        """Set `old_keys` and `old_values` from what `write` wrote."""


class GroupQuantiser:
    """Asymmetric round-to-nearest codes along the last axis, in groups of `group` entries (the last may be shorter).

    A group stores its minimum and maximum in float16; entry = low + (high - low) code / (2^bits - 1).
    """

    def __init__(self, bits: int, group: int) -> None:
        self.bits, self.group = bits, group

    def n_groups(self, length: int) -> int:
        """The number of groups in a vector of this length."""
        return -(-length // self.group)

    def no_codes(self, *shape: int) -> Codes:
        """The codes of no rows: shape (0, *shape), in the type that codes have."""
        return np.zeros((0, *shape), dtype=code_type(self.bits))

    def ends(self, rows: FloatArray) -> FloatArray:
        """The minimum and maximum of every group, rounded to float16; shape (..., n_groups, 2)."""
        if rows.shape[-1] % self.group:
            edges = np.arange(0, rows.shape[-1], self.group)
            low, high = np.minimum.reduceat(rows, edges, axis=-1), np.maximum.reduceat(rows, edges, axis=-1)
        else:
            low, high = self._in_groups(rows).min(axis=-1), self._in_groups(rows).max(axis=-1)
        with np.errstate(over="ignore"):
            return np.stack([low, high], axis=-1).astype(np.float16).astype(np.float64)

    def codes(self, rows: FloatArray, ends: FloatArray) -> Codes:
        """The code of every entry, given the ends of its group."""
        low, span = self._spread(ends, rows.shape[-1])
        top = 2**self.bits - 1
        scaled = self._in_groups(rows) - low
        scaled /= np.where(span > 0, span, 1.0)
        scaled *= top
        codes: Codes = np.clip(np.rint(scaled, out=scaled), 0, top, out=scaled).astype(code_type(self.bits))
        return codes.reshape(rows.shape)

    def restore(self, codes: Codes, ends: FloatArray) -> FloatArray:
        """The entries that the codes and the ends of their groups represent."""
        low, span = self._spread(ends, codes.shape[-1])
        restored: FloatArray = span * self._in_groups(codes)
        restored /= 2**self.bits - 1
        restored += low
        return restored.reshape(codes.shape)

    def read_ends(self, reader: BitReader, shape: tuple[int, ...]) -> FloatArray:
        """Read back the ends of groups, shape (*shape, 2); a maximum below its minimum raises CorruptState."""
        ends = reader.floats(2 * math.prod(shape), width=FP16_BITS).reshape(*shape, 2)
        if (ends[..., 0] > ends[..., 1]).any():
            raise CorruptState("state must hold groups whose minimum is at most their maximum")
        return ends

    def _in_groups(self, rows: NDArray[Any]) -> NDArray[Any]:
        """The entries with an axis of groups, if all groups are whole; NumPy then spreads a group's ends by itself."""
        length = rows.shape[-1]
        return rows if length % self.group else rows.reshape(*rows.shape[:-1], length // self.group, self.group)

    def _spread(self, ends: FloatArray, length: int) -> tuple[FloatArray, FloatArray]:
        is_whole = length % self.group == 0
        wide = ends[..., None, :] if is_whole else np.repeat(ends, self.group, axis=-2)[..., :length, :]
        return wide[..., 0], wide[..., 1] - wide[..., 0]
