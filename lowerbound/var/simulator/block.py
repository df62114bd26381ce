"""One transformer block of VAR and Infinity, for all CFG branches of one scale at once.

Adaptive layer norms take their gains and shifts from the condition alone, so that they are computed once per image.
Attention is passed in by the caller: a block makes queries, keys and values, and the caller's cache answers them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.threads import blocks, each, n_threads

Array = NDArray[Any]
Attend = Callable[[Array, Array, Array], Array]
"""From queries, keys and values of one scale, (branches, heads, n, d) each, to outputs of that shape."""

NORM_EPS = 1e-6
UNIT_EPS = 1e-12
MAX_LOG_MULTIPLIER = float(np.log(100.0))


@dataclass(frozen=True, eq=False)
class Linear:
    """x -> x W^T + b, weight of shape (outputs, inputs)."""

    weight: Array
    bias: Array

    def __call__(self, rows: Array) -> Array:
        out: Array = rows @ self.weight.T
        out += self.bias
        return out


@dataclass(frozen=True, eq=False)
class Modulation:
    """Gains of both residual branches, and scales and shifts of their norms, each (branches, 1, width)."""

    attention_gain: Array
    ffn_gain: Array
    attention_scale: Array
    ffn_scale: Array
    attention_shift: Array
    ffn_shift: Array


@dataclass(frozen=True, eq=False)
class Block:
    """Weights of one block.

    Parameters
    ----------
    qkv : array, shape (3 width, width)
        Queries, keys, values, each head after head; keys have no bias.
    query_bias, value_bias : array, shape (width,)
    log_multipliers : array, shape (heads,)
        A head's queries have norm exp(min(s, ln 100)).
    projection, widen, narrow : Linear
        The map after attention, and the two maps of the feed-forward net.
    modulation : Linear or array
        From the condition to six rows of `width` numbers; where layers share that map, this layer's own (6, width)
        offsets.
    """

    qkv: Array
    query_bias: Array
    value_bias: Array
    log_multipliers: Array
    projection: Linear
    widen: Linear
    narrow: Linear
    modulation: Linear | Array

    @property
    def n_heads(self) -> int:
        """The number of heads of the layer."""
        return len(self.log_multipliers)

    def modulated_by(self, condition: Array, shared: Linear | None) -> Modulation:
        """Gains, scales and shifts under conditions (branches, width)."""
        if isinstance(self.modulation, Linear):
            rows = self.modulation(silu(condition)).reshape(len(condition), 6, 1, -1)
        else:
            assert shared is not None
            rows = shared(silu(condition)).reshape(len(condition), 6, 1, -1) + self.modulation[:, None]
        return Modulation(*(rows[:, part] for part in range(6)))

    def attention_input(self, x: Array, modulation: Modulation) -> Array:
        """The modulated norm of x, (branches, n, width), of which queries, keys and values are linear functions."""
        return modulated(x, modulation.attention_scale, modulation.attention_shift)

    def qkv_of(self, normed: Array, rotate: Callable[[Array], Array] | None = None) -> tuple[Array, Array, Array]:
        """Queries of norm at most 100, unit keys, and values, as they are cached; (branches, heads, n, d) each."""
        branches, n, width = normed.shape
        flat = normed.reshape(-1, width) @ self.qkv.T
        parts = flat.reshape(branches, n, 3, self.n_heads, -1).transpose(2, 0, 3, 1, 4)
        own = (self.n_heads, 1, width // self.n_heads)
        queries = unit(parts[0] + self.query_bias.reshape(own))
        queries *= np.exp(np.minimum(self.log_multipliers, queries.dtype.type(MAX_LOG_MULTIPLIER)))[:, None, None]
        keys = unit(parts[1])
        values = parts[2] + self.value_bias.reshape(own)
        if rotate is not None:
            queries, keys = rotate(queries), rotate(keys)
        return queries, keys, values

    def __call__(
        self, x: Array, modulation: Modulation, attend: Attend, rotate: Callable[[Array], Array] | None = None
    ) -> Array:
        """The block's output for inputs (branches, n, width) of one scale."""
        branches, n, width = x.shape
        heads = attend(*self.qkv_of(self.attention_input(x, modulation), rotate))
        joined = heads.transpose(0, 2, 1, 3).reshape(-1, width)
        x = x + modulation.attention_gain * self.projection(joined).reshape(x.shape)
        normed = modulated(x, modulation.ffn_scale, modulation.ffn_shift).reshape(branches * n, width)
        x += modulation.ffn_gain * self.narrow(gelu(self.widen(normed))).reshape(x.shape)
        return x


def normed(x: Array) -> Array:
    """Layer norm of the last axis, without weights."""
    centred: Array = x - x.mean(axis=-1, keepdims=True)
    variance = np.vecdot(centred, centred)[..., None] / x.dtype.type(x.shape[-1])
    centred /= np.sqrt(variance + x.dtype.type(NORM_EPS))
    return centred


def modulated(x: Array, scale: Array, shift: Array) -> Array:
    """Adaptive layer norm: a norm, scaled by 1 + scale and shifted."""
    out = normed(x)
    out *= 1 + scale
    out += shift
    return out


def unit(rows: Array) -> Array:
    """Rows divided by their norms, or by 1e-12 where they are shorter."""
    norms = np.sqrt(np.vecdot(rows, rows))[..., None]
    scaled: Array = rows / np.maximum(norms, rows.dtype.type(UNIT_EPS))
    return scaled


def silu(x: Array) -> Array:
    """x times its logistic function."""
    out: Array = x / (1 + np.exp(-x))
    return out


GELU_SLICE = 2**16
"""Entries per slice in `gelu`: few enough that a slice stays in a core's cache while several passes go over it."""


def gelu(x: Array) -> Array:
    """GELU by its tanh formula, in place."""
    flat = x.reshape(-1)
    assert np.shares_memory(flat, x)
    factor, cubic, half, one = (x.dtype.type(c) for c in (np.sqrt(2 / np.pi), 0.044715, 0.5, 1.0))

    def work(rows: slice) -> None:
        part = flat[rows]
        inner = part * part
        inner *= cubic
        inner += one
        inner *= part
        inner *= factor
        np.tanh(inner, out=inner)
        inner += one
        inner *= half
        part *= inner

    each(work, blocks(flat.size, GELU_SLICE), threads=_threads(flat.size))
    return x


def softmax_attention(queries: Array, keys: Array, values: Array) -> Array:
    """Softmax attention with logits <q, k>, of (..., m, d) queries over (..., t, d) keys and (..., t, d) values."""
    # One head at a time: its (m, t) weights are a small array that its thread reuses, where those of all heads and
    # branches together would not stay in a cache. Heads run in parallel, because NumPy releases the interpreter lock.
    outputs = np.empty((*queries.shape[:-1], values.shape[-1]), dtype=queries.dtype)

    def work(head: tuple[int, ...]) -> None:
        weights = queries[head] @ keys[head].T
        weights -= weights.max(axis=-1, keepdims=True)
        np.exp(weights, out=weights)
        np.matmul(weights, values[head], out=outputs[head])
        outputs[head] /= weights.sum(axis=-1, keepdims=True)

    each(work, np.ndindex(outputs.shape[:-2]), threads=_threads(outputs.size // outputs.shape[-1] * keys.shape[-2]))
    return outputs


WORTH_THREADS = 2**20
"""The number of entries from which on threads save more time than they cost."""


def _threads(count: int) -> int:
    return n_threads() if count >= WORTH_THREADS else 1
