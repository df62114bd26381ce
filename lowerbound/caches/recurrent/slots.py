"""Template: a fixed number of slots, each a weighted mean of the tokens that the control gives to it."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState

LARGEST_CONTROL = 30.0
"""Control logits are clipped to it, so that sums of their exponentials fit in float32."""


class Slots(RestoredTokens):
    """Template: S slots (K~, V~, N); a final class says with which weights a token enters them.

    Token i with weights alpha_i >= 0 updates N += alpha_i and K~ to the mean so weighted, V~ alike; the answer is
    softmax attention over the slots that hold something. Slots are updated scale by scale, which equals token by
    token. Bits: 32 S (2 d + 1), whatever n is.
    """

    family: ClassVar[str] = "recurrent"
    budget_meaning: ClassVar[str] = "slots over cached tokens, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)
    reference: ClassVar[str] = "Peng et al. 2021, arXiv:2110.02488"
    n_controls: ClassVar[int] = 1

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._slots: FloatArray = np.zeros((2, self.n_slots, public.d))
        self._mass: FloatArray = np.zeros((self.n_controls, self.n_slots))

    @property
    def n_slots(self) -> int:
        """S."""
        return max(1, int(self.budget * self.public.schedule.n_tokens_cached))

    @abstractmethod
    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        """alpha >= 0, shape (n, S): with what weight each token enters each slot."""

    def controls(self, rows: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        """The weights of keys and values, shape (n_controls, n, S); one control of the keys serves both."""
        return self.control(rows[0], positions)[None]

    def update(self, rows: FloatArray, positions: NDArray[np.int64]) -> None:
        """Let (2, n, d) keys and values enter the slots."""
        weights = self.controls(rows, positions)
        mass = self._mass + weights.sum(axis=1)
        total = np.where(mass > 0, mass, 1.0)
        self._slots = (self._slots * self._mass[:, :, None] + weights.swapaxes(1, 2) @ rows) / total[:, :, None]
        self._mass = mass

    def one_hot(self, slots: NDArray[np.int64]) -> FloatArray:
        """Weight 1 for one slot a token."""
        weights = np.zeros((len(slots), self.n_slots))
        weights[np.arange(len(slots)), slots] = 1.0
        return weights

    def exponential(self, rows: FloatArray, purpose: str) -> FloatArray:
        """exp(W x) for every row x, W of public coins with Xavier's variance."""
        weights = self.coins(purpose, self.public.d, self.n_slots) * np.sqrt(2 / (self.public.d + self.n_slots))
        alpha: FloatArray = np.exp(np.clip(rows @ weights, -LARGEST_CONTROL, LARGEST_CONTROL))
        return alpha

    def coins(self, purpose: str, *shape: int) -> FloatArray:
        """Standard normal public coins."""
        return Coins(self.public.seed, f"abc {purpose} {shape}").generator().standard_normal(shape)

    def write(self, writer: BitWriter) -> None:
        if len(self.new_keys):
            self.update(np.stack([self.new_keys, self.new_values]), np.arange(self.n_old, self.n_seen))
        writer.floats("payload", self._slots, width=FP32_BITS)
        writer.floats("scores", self._mass, width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        shape = 2, self.n_slots, self.public.d
        self._slots = reader.floats(int(np.prod(shape)), width=FP32_BITS).reshape(shape)
        self._mass = reader.floats(self.n_controls * self.n_slots, width=FP32_BITS).reshape(-1, self.n_slots)
        if self._mass.min() < 0 or self._mass.any() != (self.n_old > 0):
            raise CorruptState(f"state must hold weights >= 0, some of them > 0 iff tokens were seen ({self.n_old})")
        self.old_keys, self.old_values = self._slots[:, self._mass.max(axis=0) > 0]
