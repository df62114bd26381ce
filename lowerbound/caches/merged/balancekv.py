"""BalanceKV: halve the tokens repeatedly, by random walks that keep the two halves similar."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.eviction.eviction import IndexArray
from lowerbound.caches.merged.balanced_walk import survivors_of, walk
from lowerbound.caches.merged.weighted import WeightedTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, bits_of_pairs
from lowerbound.core.coins import Coins
from lowerbound.core.threads import blocks

LARGEST_EXPONENT = 300.0


class BalanceKV(WeightedTokens):
    """Sinks and newest tokens stay unchanged; of the others, one in 2^h stays, chosen by h self-balancing walks.

    Idea: in blocks of 128 tokens, a sign is drawn for each token in turn, biased against the sign of similar earlier
    tokens; similarity is G_ij = exp(<k_i - mean, k_j - mean> / sqrt(d)) (<v_i, v_j> + 0.025). Let token c be the first
    at which one sign has half of the block. Up to c, tokens of that sign are dropped and tokens of the other sign stay
    with weight 2; after c, all tokens stay with weight 1. After h halvings a value is stored times its weight over 2^h,
    and its logits get h log 2 added. Bits: 32 d (2 p + floor(m / 2^h) + m mod 2^h), m = n - 2 p, for
    p sinks and p newest tokens, and 32 d n while n < 2 p; tokens that do not yet fill a group of 2^h wait uncompressed.
    Broken by: a query for any one token; the promise is relative to |softmax|_2 |V|_F, which is vacuous for it.
    Reference code differs: it compresses a prompt once. Here tokens are halved when they leave the recent window, in
    multiples of 2^h, and are not changed again. 32 sinks and 32 recent tokens as in the reference, fewer where fewer
    than 416 tokens are cached. The paper's theory, which uses merge and reduce, was not checked.
    """

    family: ClassVar[str] = "sampling"
    reference: ClassVar[str] = "Han et al. 2025, arXiv:2502.07861"
    budget_meaning: ClassVar[str] = (
        "2^-h for h halvings, rounded up to such a power; sinks and recent tokens come on top"
    )
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
    PROTECTED: ClassVar[int] = 32
    BLOCK: ClassVar[int] = 128
    GAMMA: ClassVar[float] = 4.0
    TEMPERATURE: ClassVar[float] = 1.0
    BETA: ClassVar[float] = 0.0
    VALUE_OFFSET: ClassVar[float] = 0.025 + 1e-8

    @property
    def halvings(self) -> int:
        """h: the number of halvings; h = floor(log2(1 / budget))."""
        return int(1 / self.budget).bit_length() - 1

    @property
    def protected(self) -> int:
        """p: the number of sinks, and of newest tokens, that are kept unchanged."""
        return min(self.PROTECTED, max(1, self.public.schedule.n_tokens_cached // 13))

    @property
    def counted_bits(self) -> Fraction:
        return Fraction(bits_of_pairs(self.public, self.public.schedule.n_tokens_cached), 2**self.halvings)

    def _parts(self, n_seen: int) -> tuple[int, int, int]:
        """How many of `n_seen` tokens are (sinks, kept after compression, newest tokens not yet compressed)."""
        sinks = min(n_seen, self.protected)
        middle = max(0, n_seen - sinks - self.protected)
        compressed = middle >> self.halvings
        return sinks, compressed, n_seen - sinks - (compressed << self.halvings)

    def write(self, writer: BitWriter) -> None:
        sinks, _, newest = self._parts(self.n_seen)
        tail = len(self.keys) - newest
        n_old = sinks + np.count_nonzero(self.log_weights)
        kept, weights = self._halved(np.arange(n_old, tail))
        old = slice(sinks, n_old)
        values = np.concatenate([self.values[old], self.values[kept] * weights[:, None] / 2**self.halvings])
        writer.floats("payload", np.concatenate([self.keys[:sinks], self.values[:sinks]]), width=FP16_BITS)
        writer.floats("payload", np.concatenate([self.keys[old], self.keys[kept], values]), width=FP16_BITS)
        writer.floats("residual_window", np.concatenate([self.keys[tail:], self.values[tail:]]), width=FP16_BITS)

    def _halved(self, rows: IndexArray) -> tuple[IndexArray, FloatArray]:
        """The rows that survive all halvings, and the weight of each."""
        weights = np.ones(len(rows))
        for turn in range(self.halvings):
            coins = Coins(self.public.seed, f"balancekv/{self.n_seen} tokens/turn {turn}").generator()
            signs = self._signs(self.keys[rows], self.values[rows] * weights[:, None], coins.random(len(rows)))
            halves = [(block.start, *survivors_of(signs[block])) for block in blocks(len(rows), self.BLOCK)]
            chosen = np.concatenate([np.zeros(0, dtype=np.int64), *(start + kept for start, kept, _ in halves)])
            rows = rows[chosen]
            weights = weights[chosen] * np.concatenate([np.zeros(0), *(factors for *_, factors in halves)])
        return rows, weights

    def _signs(self, keys: FloatArray, values: FloatArray, coins: FloatArray) -> FloatArray:
        """The signs of the walks on all whole blocks, run at the same time, and of the walk on the remainder."""
        whole = len(keys) - len(keys) % self.BLOCK
        signs = [np.zeros(0)]
        for part, size in ((slice(whole), self.BLOCK), (slice(whole, None), len(keys) - whole)):
            if len(coins[part]):
                kernel = self.kernel(*(rows[part].reshape(-1, size, self.public.d) for rows in (keys, values)))
                signs.append(walk(kernel, coins[part].reshape(-1, size), self.GAMMA).ravel())
        return np.concatenate(signs)

    def kernel(self, keys: FloatArray, values: FloatArray) -> FloatArray:
        """G, shape (..., n, n): the similarities of (..., n, d) keys and values that the walk balances."""
        centred = keys - keys.mean(axis=-2, keepdims=True)
        exponent = self.TEMPERATURE * (centred @ centred.swapaxes(-1, -2)) / math.sqrt(keys.shape[-1]) - self.BETA
        similarity: FloatArray = np.exp(np.minimum(exponent, LARGEST_EXPONENT)) * (
            values @ values.swapaxes(-1, -2) + self.VALUE_OFFSET
        )
        return similarity

    def read(self, reader: BitReader) -> None:
        parts = [
            reader.floats(2 * count * self.public.d, width=FP16_BITS).reshape(2, count, self.public.d)
            for count in self._parts(self.n_seen)
        ]
        self.keys, self.values = np.concatenate(parts, axis=1)
        bias = self.halvings * math.log(2)
        self.log_weights = np.repeat([0.0, bias, 0.0], [part.shape[1] for part in parts])
