"""ABC: attention with bounded-memory control; seven rules for how much of a token enters each slot."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.recurrent.slots import LARGEST_CONTROL, Slots
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins
from lowerbound.core.rows import unit_rows


class ABCMlp(Slots):
    """A token's key decides how much of the token enters each slot.

    Idea: a token enters the slots with weights alpha = exp(W k), for K and V alike. W is public and random; in the
    paper it is learned and applied to the layer's input x, for which k stands in here. Bits: 32 S (2 d + 1). Broken by:
    any two tokens, because every slot holds a mixture of all tokens.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.exponential(keys, "mlp")


class ABCMlpSeparate(Slots):
    """ABCMlp with separate weights for keys (computed from k) and for values (computed from v), as in later code.

    Idea: as abc-mlp, with two random matrices. Bits: 32 S (2 d + 2). Broken by: as abc-mlp; moreover, a slot's key and
    its value are means over different weights, so they no longer belong together.
    """

    n_controls: ClassVar[int] = 2

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.exponential(keys, "mlp")

    def controls(self, rows: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return np.stack([self.control(rows[0], positions), self.exponential(rows[1], "mlp of values")])


class ABCLinformer(Slots):
    """The weight of a token depends only on its position.

    Idea: alpha = exp(row of a public random matrix that has one row per position). Linformer's learned matrix has both
    signs; the exponential makes weights positive, because the slots are normalized by their sum. Bits: 32 S (2 d + 1).
    Broken by: as abc-mlp.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        logits = self.coins("linformer", self.public.schedule.n_tokens, self.n_slots)[positions]
        alpha: FloatArray = np.exp(np.clip(logits, -LARGEST_CONTROL, LARGEST_CONTROL))
        return alpha


class ABCCluster(Slots):
    """Each token enters the one slot whose centroid has the largest inner product with its key.

    Idea: the S centroids are public random directions (the paper fits them to data). Bits: 32 S (2 d + 1). Broken by:
    two tokens with the same nearest centroid.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        centroids = unit_rows(self.coins("cluster", self.n_slots, self.public.d))
        return self.one_hot((keys @ centroids.T).argmax(axis=1))


class ABCRandom(Slots):
    """Each token enters one slot, drawn uniformly by public coins.

    Idea: average the tokens of each slot. Bits: 32 S (2 d + 1). Broken by: two tokens in one slot.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        stream = Coins(self.public.seed, f"abc random {self.n_slots}")
        return self.one_hot(stream.below(self.n_slots, self.public.schedule.n_tokens)[positions])


class ABCCompressive(Slots):
    """Consecutive tokens share a slot: mean pooling.

    Idea: token i enters slot floor(i / c), with c = ceil(T / S). Bits: 32 S (2 d + 1). Broken by: two tokens of one
    slot, such as two neighbors.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        pooled = max(1, -(-self.public.schedule.n_tokens_cached // self.n_slots))
        return self.one_hot(np.minimum(positions // pooled, self.n_slots - 1))


class ABCWindow(Slots):
    """First in, first out: token i overwrites slot i mod S, which makes a sliding window.

    Idea: the slot's previous token is dropped. Bits: 32 S (2 d + 1). Broken by: a query for any older token.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.one_hot(positions % self.n_slots)

    def update(self, rows: FloatArray, positions: NDArray[np.int64]) -> None:
        newest = slice(max(0, len(positions) - self.n_slots), None)
        slots = positions[newest] % self.n_slots
        self._slots[:, slots] = rows[:, newest]
        self._mass[:, slots] = 1.0
