"""ABC: attention with bounded memory; seven ways to say how much of a token enters which slot."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.caches.recurrent.slots import LARGEST_CONTROL, Slots
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins
from lowerbound.core.rules import unit_rows


class ABCMlp(Slots):
    """Each token decides from its own content how much of it goes where.

    Idea: alpha = exp(W k), W public and random (it is learned in the paper, from the layer's input x, for which k
    stands here), for K and V alike. Bits: 32 S (2 d + 1). Broken by: two tokens, since every slot holds a mixture
    of all.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.exponential(keys, "mlp")


class ABCMlpSeparate(Slots):
    """ABCMlp with one control for keys, from k, and another for values, from v, as later code has it.

    Bits: 32 S (2 d + 2). Broken by: as ABCMlp; and a slot's value no longer belongs to its key.
    """

    n_controls: ClassVar[int] = 2

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.exponential(keys, "mlp")

    def controls(self, rows: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return np.stack([self.control(rows[0], positions), self.exponential(rows[1], "mlp of values")])


class ABCLinformer(Slots):
    """The weight of a token depends on its position alone.

    Idea: alpha = exp(a public random matrix, one row a position); the learned matrix of Linformer is signed, and here
    made positive for the normaliser. Bits: 32 S (2 d + 1). Broken by: as ABCMlp.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        logits = self.coins("linformer", self.public.schedule.n_tokens, self.n_slots)[positions]
        alpha: FloatArray = np.exp(np.clip(logits, -LARGEST_CONTROL, LARGEST_CONTROL))
        return alpha


class ABCCluster(Slots):
    """Each token goes to the slot whose centroid is nearest in direction.

    Idea: one-hot of the nearest of S public random directions (the paper fits centroids; these know no data). Bits: 32
    S (2 d + 1). Broken by: two tokens with one nearest centroid.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        centroids = unit_rows(self.coins("cluster", self.n_slots, self.public.d))
        return self.one_hot((keys @ centroids.T).argmax(axis=1))


class ABCRandom(Slots):
    """Each token goes to a slot drawn by public coins.

    Idea: one-hot of a uniform slot. Bits: 32 S (2 d + 1). Broken by: two tokens in one slot.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        stream = Coins(self.public.seed, f"abc random {self.n_slots}")
        return self.one_hot(stream.below(self.n_slots, self.public.schedule.n_tokens)[positions])


class ABCCompressive(Slots):
    """Consecutive tokens share a slot: mean pooling.

    Idea: with c = ceil(T / S), slot floor(i / c). Bits: 32 S (2 d + 1). Broken by: two neighbours.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        pooled = max(1, -(-self.public.schedule.n_tokens_cached // self.n_slots))
        return self.one_hot(np.minimum(positions // pooled, self.n_slots - 1))


class ABCWindow(Slots):
    """First in, first out: token i overwrites slot i mod S, which makes a sliding window.

    Idea: one-hot of i mod S; what was there is forgotten. Bits: 32 S (2 d + 1). Broken by: a query for any older token.
    """

    def control(self, keys: FloatArray, positions: NDArray[np.int64]) -> FloatArray:
        return self.one_hot(positions % self.n_slots)

    def update(self, rows: FloatArray, positions: NDArray[np.int64]) -> None:
        newest = slice(max(0, len(positions) - self.n_slots), None)
        slots = positions[newest] % self.n_slots
        self._slots[:, slots] = rows[:, newest]
        self._mass[:, slots] = 1.0
