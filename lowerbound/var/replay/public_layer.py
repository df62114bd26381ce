"""The public weights of Theorem R2 as a one-layer network of the simulator: its last scale's outputs determine the ids.

docs/replay.md proves what is built here. Position rows hold addresses in blocks of their own, so that keys and queries
are public. The word embedding writes the content into the block from which values are read. Separated addresses make
the softmax select a single row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lowerbound.certify.replay.floor import ReplayPlan, keys_of, whole
from lowerbound.core.coins import Coins
from lowerbound.core.models import Model
from lowerbound.core.pyramid.resampling import FloatArray, floats
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import counted
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.var.replay.codebooks import Codebook
from lowerbound.var.simulator.block import NORM_EPS, Block, Linear, softmax_attention
from lowerbound.var.simulator.network import Network, Origin
from lowerbound.var.simulator.pipeline import all_inputs
from lowerbound.var.simulator.tokens import VectorTokens

Ids = NDArray[np.int64]
SLACK = 1e-9
NumberFormat = Literal["float64", "float32", "float16", "bfloat16", "int8", "int7", "int6", "int4"]
SWAMP = 100.0
"""B, the ratio of the public part of a row to its content, for layers in float64."""


@dataclass(frozen=True)
class Seen:
    """The outputs that Bob receives, with the range and the leak by which errors are judged.

    Parameters
    ----------
    outputs : array, shape (rows read, channels)
        Outputs of the queries of the last scale, in the order of the rows that they read.
    value_range : float
        max V - min V over all rows and channels of a head, for the head in which it is largest.
    leak : float
        The largest |output - value of the row that is read|.
    """

    outputs: FloatArray
    value_range: float
    leak: float


@dataclass(frozen=True, eq=False)
class PublicLayer:
    """A network whose first layer reveals the ids of all scales but the last two, and the facts needed to decode them.

    Contract: ids are arrays (h w, 1) of row numbers of the codebook, one array per scale. `seen` is a function of the
    ids and of the rounding alone.

    Parameters
    ----------
    network : Network
        One layer, float64, whatever the depth of the model.
    rows : array, shape (rows read,)
        Token numbers of the rows that the plan's left inverses use, scale after scale.
    contents : tuple of float
        F of every scale from the second on: the largest content.
    """

    network: Network
    plan: ReplayPlan
    codebook: Codebook
    swamp: float
    rows: Ids
    contents: tuple[float, ...]

    @cached_property
    def n_channels(self) -> int:
        """Channels of a code."""
        return int(self.codebook.codes.shape[1])

    def draw_ids(self, seed: int) -> list[Ids]:
        """Uniform ids of all scales but the last."""
        sizes = [self.plan.schedule.map_size(k) for k in range(self.plan.schedule.n_scales - 1)]
        drawn = Coins(seed, "var/replay/ids").below(self.codebook.size, sum(sizes))
        return [part[:, None] for part in np.split(drawn, np.cumsum(sizes)[:-1])]

    def seen(self, ids: Sequence[Ids], *, rounding: NumberFormat = "float64") -> Seen:
        """The last scale's outputs for these ids, which include those of r_{N-1}.

        With a float rounding, inputs, their norms, queries, keys, values and outputs are all rounded; "int8" and the
        other integer formats quantize the values alone, uniformly over their range.
        """
        if rounding not in get_args(NumberFormat):
            raise invalid("rounding", f"be one of {', '.join(get_args(NumberFormat))}", rounding)
        network, schedule = self.network, self.plan.schedule
        branch = network.branches(0)[:1]
        (block,), (modulation,) = network.blocks, network.modulations(branch)
        number, whole_range = _ROUNDINGS[rounding]
        x = number(all_inputs(network, branch, ids))
        queries, keys, values = block.qkv_of(number(block.attention_input(x, modulation)))
        queries, keys, values = number(queries), number(keys), whole_range(number(values))
        last = queries[0, : self.plan.n_heads, schedule.rows_of(schedule.n_scales - 1)]
        outputs = number(softmax_attention(last, keys[0, : self.plan.n_heads], values[0, : self.plan.n_heads]))
        told = outputs.reshape(-1, outputs.shape[-1])[: len(self.rows), : self.n_channels]
        heads = np.arange(len(self.rows)) // schedule.map_size(schedule.n_scales - 1)
        meant = values[0, heads, self.rows, : self.n_channels]
        ranges = np.ptp(values[0, : self.plan.n_heads], axis=(1, 2))
        return Seen(told, float(ranges.max()), float(np.abs(told - meant).max()))


def rows_read(plan: ReplayPlan) -> Ids:
    """Token numbers of the rows that are read, scale after scale, row-major in each."""
    read = []
    for k, scale in enumerate(plan.scales):
        if scale.inverses is not None:
            height, width = (np.array(inverse.rows) for inverse in scale.inverses)
            cells = height[:, None] * plan.schedule.shapes[k + 1][1] + width
            read.append(plan.schedule.prefix_tokens(k + 1) + cells.ravel())
    return np.concatenate(read)


def public_layer(
    model: Model, plan: ReplayPlan, codebook: Codebook, *, swamp: float = SWAMP, seed: int = 0
) -> PublicLayer:
    """The network, for a plan that keeps all ids.

    Contract: equal arguments give equal weights. A layer too narrow for the blocks, or a plan with frozen ids, raises
    ImpossibleReduction.
    """
    n_heads, d, width = plan.n_heads, model.head_dim, model.width
    channels = codebook.codes.shape[1]
    if tuple(scale.kept for scale in plan.scales) != whole(plan.schedule):
        raise ImpossibleReduction("a public layer needs a plan that keeps all ids, for it has no frozen ones")
    n_vectors = channels + 2 * d * n_heads + 1
    if n_vectors + 1 > width or n_heads > model.n_heads or channels > d:
        raise ImpossibleReduction(
            f"{counted(n_heads, 'head')} of {d} and {counted(channels, 'channel')} need a width of {n_vectors + 1}, "
            f"{model.name} has {width}"
        )
    draw = Coins(seed, "var/replay/basis").generator()
    ones = np.ones((width, 1))
    basis = np.linalg.qr(np.hstack([ones, draw.standard_normal((width, n_vectors))]))[0][:, 1:].T
    content, addresses, level = np.split(basis, [channels, channels + 2 * d * n_heads])
    key_blocks, query_blocks = addresses.reshape(2, n_heads, d, width)

    schedule = plan.schedule
    n_last, rows = schedule.map_size(schedule.n_scales - 1), rows_read(plan)
    book = keys_of(model, plan).keys.unit
    parking = book[min(len(rows), n_last)]
    keys = np.tile(parking, (n_heads, schedule.n_tokens, 1))
    queries = keys.copy()
    for read, row in enumerate(rows):
        head, place = divmod(read, n_last)
        keys[head, row] = book[place]
        queries[head, schedule.n_tokens - n_last + place] = book[place]
    levels = draw.standard_normal((schedule.n_scales, 1)) * level
    contents = (*(float(content) for content in plan.largest_contents), _last_content(plan))
    sizes = np.array([1.0, *contents])[[schedule.scale_of(token) for token in range(schedule.n_tokens)]]
    lengths = np.sqrt(
        channels * (swamp * sizes) ** 2
        - width * NORM_EPS
        - (levels**2).sum(axis=1)[[schedule.scale_of(token) for token in range(schedule.n_tokens)]]
    )
    directions = (
        np.einsum("htd,hdw->tw", keys, key_blocks) + np.einsum("htd,hdw->tw", queries, query_blocks)
    ) / np.sqrt(2 * n_heads)
    gain = np.sqrt(channels) * swamp / np.sqrt(width)
    qkv = np.zeros((3, model.n_heads, d, width))
    qkv[0, :n_heads], qkv[1, :n_heads], qkv[2, :n_heads, :channels] = query_blocks, key_blocks, gain * content
    network = Network(
        model=replace(model, n_layers=1),
        origin=Origin("Theorem R2", f"the public layer of Theorem R2, seed {seed}"),
        tokens=VectorTokens(schedule, codebook.codes, _centre_taps(channels), np.zeros((4, channels)), 0.5),
        conditions=np.zeros((2, width)),
        start=np.zeros((schedule.tokens_at(0), width)),
        levels=levels,
        positions=lengths[:, None] * directions,
        word=Linear(np.ascontiguousarray(content.T), np.zeros(width)),
        shared=_nothing(6 * width, width),
        blocks=(_block(model, qkv.reshape(3 * width, width)),),
        before_head=_nothing(2 * width, width),
        head=_nothing(codebook.size, width),
    )
    return PublicLayer(network, plan, codebook, swamp, rows, contents)


def _last_content(plan: ReplayPlan) -> float:
    """A bound on the content of the last scale, whose rows are not read: slightly more than the sum over scales."""
    shapes, bound = plan.schedule.shapes, 0.0
    for shape in shapes[:-1]:
        height, width = (
            np.abs(floats(plan.resampling.up, shape[axis], shapes[-1][axis])).sum(axis=1).max() for axis in (0, 1)
        )
        bound += float(height * width)
    return bound * (1 + SLACK)


def _centre_taps(channels: int) -> FloatArray:
    """Kernels that copy their input, so that phi is the identity."""
    kernels = np.zeros((4, channels, channels, 3, 3))
    kernels[:, np.arange(channels), np.arange(channels), 1, 1] = 1
    return kernels


def _nothing(outputs: int, inputs: int) -> Linear:
    return Linear(np.zeros((outputs, inputs)), np.zeros(outputs))


def _block(model: Model, qkv: FloatArray) -> Block:
    width = model.width
    return Block(
        qkv=qkv,
        query_bias=np.zeros(width),
        value_bias=np.zeros(width),
        log_multipliers=np.full(model.n_heads, np.log(float(MULTIPLIER_CAP))),
        projection=_nothing(width, width),
        widen=_nothing(width, width),
        narrow=_nothing(width, width),
        modulation=np.zeros((6, width)),
    )


def _same(array: FloatArray) -> FloatArray:
    return array


def _through(kind: Any) -> Callable[[FloatArray], FloatArray]:
    def rounded(array: FloatArray) -> FloatArray:
        return array.astype(kind).astype(np.float64)

    return rounded


def _bfloat16(array: FloatArray) -> FloatArray:
    """To the nearest number of eight significant bits, ties to even."""
    words = array.astype(np.float32).view(np.uint32).astype(np.int64)
    rounded = (words + 0x7FFF + (words >> 16 & 1)) & 0xFFFF0000
    return rounded.astype(np.uint32).view(np.float32).astype(np.float64)


def _levels(n_bits: int) -> Callable[[FloatArray], FloatArray]:
    """A rounding to 2^n_bits equidistant levels between the least and the largest entry of an array."""

    def quantised(array: FloatArray) -> FloatArray:
        low, step = array.min(), np.ptp(array) / (2**n_bits - 1)
        levels: FloatArray = np.rint((array - low) / step) * step + low
        return levels

    return quantised


Rounder = Callable[[FloatArray], FloatArray]
_ROUNDINGS: dict[str, tuple[Rounder, Rounder]] = {
    "float64": (_same, _same),
    "float32": (_through(np.float32), _same),
    "float16": (_through(np.float16), _same),
    "bfloat16": (_bfloat16, _same),
    **{f"int{n_bits}": (_same, _levels(n_bits)) for n_bits in (8, 7, 6, 4)},
}
"""By format: the rounding of every number, and the additional rounding of values."""
