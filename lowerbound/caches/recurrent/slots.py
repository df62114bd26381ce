"""Template: a fixed number of slots, each a weighted mean of tokens; a control sets the weights."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_pairs
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState

LARGEST_CONTROL = 30.0
"""Control logits are clipped to [-30, 30], so that sums of their exponentials fit in float32."""


class Slots(RestoredTokens):
    """Template: S slots, each a key K~, a value V~ and a total weight N; a final class sets each token's weights.

    A token with weights alpha >= 0, one per slot, adds alpha to N and updates K~ and V~, which are the means of all
    tokens so weighted. The answer is softmax attention over the slots with N > 0. Slots are updated once per scale,
    with the same result as token by token. Bits: 32 S (2 d + 1), for any number of tokens.
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
        """S: the number of slots, budget T rounded down, at least 1."""
        return max(1, int(self.budget * self.public.schedule.n_tokens_cached))

    @property
    def counted_bits(self) -> int:
        """The slots, each as a pair in float16."""
        return bits_of_pairs(self.public, self.n_slots)

    @abstractmethod
    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        """alpha >= 0, shape (n, S): the weight with which each token enters each slot."""

    def controls(self, rows: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        """The weights, shape (n_controls, n, S): one control for keys and values, or one for each."""
        return self.control(rows[0], positions)[None]

    def update(self, rows: FloatArray, positions: NDArray[np.int64]) -> None:
        """Add tokens to the slots; `rows` has shape (2, n, d), keys first and values second."""
        weights = self.controls(rows, positions)
        mass = self._mass + weights.sum(axis=1)
        total = np.where(mass > 0, mass, 1.0)
        self._slots = (self._slots * self._mass[:, :, None] + weights.swapaxes(1, 2) @ rows) / total[:, :, None]
        self._mass = mass

    def one_hot(self, slots: NDArray[np.int64]) -> FloatArray:
        """Weights, shape (n, S): 1 for each token's slot, and 0 elsewhere."""
        weights = np.zeros((len(slots), self.n_slots))
        weights[np.arange(len(slots)), slots] = 1.0
        return weights

    def exponential(self, rows: FloatArray, purpose: str) -> FloatArray:
        """exp(W x) for every row x; W is drawn by public coins, with the variance of Xavier's initialization."""
        weights = self.coins(purpose, self.public.d, self.n_slots) * np.sqrt(2 / (self.public.d + self.n_slots))
        alpha: FloatArray = np.exp(np.clip(rows @ weights, -LARGEST_CONTROL, LARGEST_CONTROL))
        return alpha

    def coins(self, purpose: str, *shape: int) -> FloatArray:
        """Standard normal numbers from public coins, one stream for each purpose and shape."""
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
