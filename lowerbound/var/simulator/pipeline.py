"""Generation scale by scale: inputs from f_hat, blocks over the cache, ids from logits, ids into f_hat."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.scalars import counted
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import invalid
from lowerbound.var.simulator.block import softmax_attention
from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.sampling import Sampling

Array = NDArray[Any]
Ids = NDArray[np.int64]


class Remembering(ABC):
    """The memory behind a network's layers: it takes in the rows of a scale and answers over all scales so far.

    Contract: within a scale, `attend` is called once for each layer, in order; `end_scale` follows every scale but the
    last.
    """

    @abstractmethod
    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        """The attention outputs for the rows of one scale; all arrays have shape (branches, heads, n, d)."""

    @abstractmethod
    def end_scale(self, scale: int) -> None:
        """End a scale: forget everything about it that the memory will not keep."""


@dataclass(eq=False)
class FullCache(Remembering):
    """Keeps all keys and values in the network's precision; per layer they grow to shape (branches, heads, t, d)."""

    keys: dict[int, Array] = field(default_factory=dict)
    values: dict[int, Array] = field(default_factory=dict)

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        if scale:
            keys = np.concatenate([self.keys[layer], keys], axis=2)
            values = np.concatenate([self.values[layer], values], axis=2)
        self.keys[layer], self.values[layer] = keys, values
        return softmax_attention(queries, keys, values)

    def end_scale(self, scale: int) -> None:
        """Nothing is forgotten."""


@dataclass(frozen=True, eq=False)
class Generation:
    """The result of a run.

    Parameters
    ----------
    ids : per scale, (tokens, decisions)
        The ids that were drawn, even if the run used `given` ids in their place.
    logits : per scale, (tokens, decisions, alternatives), guided
    f_hat : array
        The finished map, before the decoder.
    """

    ids: tuple[Ids, ...]
    logits: tuple[Array, ...]
    f_hat: Array


def guidance_at(network: Network, sampling: Sampling, scale: int) -> float:
    """t in (1 + t) conditional - t unconditional: in VAR it grows linearly over the scales, in Infinity it is fixed."""
    if network.model.family == "Infinity":
        return sampling.guidance
    return sampling.guidance * scale / max(1, network.schedule.n_scales - 1)


def check_ids(network: Network, ids: Sequence[Ids]) -> None:
    """Raise InvalidArgument unless there is one array of ids per scale, of that scale's size, with ids in range."""
    decisions, alternatives = network.tokens.n_choices
    if len(ids) != network.schedule.n_scales:
        raise invalid("ids", f"have one array for each of {counted(network.schedule.n_scales, 'scale')}", len(ids))
    for scale, some in enumerate(ids):
        shape = network.schedule.map_size(scale), decisions
        if some.shape != shape:
            raise invalid(f"ids of scale {scale}", f"have shape {shape}", some.shape)
        if some.min() < 0 or some.max() >= alternatives:
            raise invalid(f"ids of scale {scale}", f"lie in [0, {alternatives - 1}]", (some.min(), some.max()))


def generate(
    network: Network,
    memory: Remembering,
    *,
    condition: int = 0,
    sampling: Sampling | None = None,
    given: Sequence[Ids] | None = None,
) -> Generation:
    """Generate one image.

    Contract: deterministic in its arguments. With `given`, those ids replace the ones drawn, so that the inputs of
    every scale come from them, whatever the memory answers; unusable ids raise InvalidArgument.
    """
    rule = sampling or Sampling()
    if given is not None:
        check_ids(network, given)
    branches = network.branches(condition)
    modulations = network.modulations(branches)
    f_hat = network.tokens.empty()
    ids, logits = [], []
    last = network.schedule.n_scales - 1
    for scale in range(last + 1):
        x = network.inputs(scale, branches, f_hat)
        rotate = network.rotate(network.schedule.rows_of(scale))
        for layer, (block, modulation) in enumerate(zip(network.blocks, modulations, strict=True)):
            x = block(x, modulation, partial(memory.attend, layer, scale), rotate)
        if scale < last:
            memory.end_scale(scale)
        conditional, unconditional = network.logits(x, branches)
        t = guidance_at(network, rule, scale)
        logits.append(conditional + x.dtype.type(t) * (conditional - unconditional))
        ids.append(rule.draw(logits[-1], scale))
        f_hat = f_hat + network.tokens.contribution(ids[-1] if given is None else given[scale], scale)
    return Generation(tuple(ids), tuple(logits), f_hat)


def all_inputs(network: Network, branches: Array, ids: Sequence[Ids]) -> Array:
    """x of all scales at once, (branches, tokens, width), from the ids of all scales but the last."""
    f_hat = network.tokens.empty()
    rows = []
    for scale in range(network.schedule.n_scales):
        rows.append(network.inputs(scale, branches, f_hat))
        if scale + 1 < network.schedule.n_scales:
            f_hat = f_hat + network.tokens.contribution(ids[scale], scale)
    return np.concatenate(rows, axis=1)


def block_causal(schedule: ScaleSchedule, queries: Array, keys: Array, values: Array) -> Array:
    """Attention of a whole generation at once, (..., tokens, d): a token sees its own scale and all earlier ones.

    Contract: one softmax over all tokens, with logits of later scales at -inf.
    """
    scales = np.array([schedule.scale_of(token) for token in range(schedule.n_tokens)])
    logits = queries @ np.swapaxes(keys, -1, -2)
    logits[..., scales[:, None] < scales] = -np.inf
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    outputs: Array = weights @ values
    return outputs
