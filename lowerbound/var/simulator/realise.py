"""Free keys and values in a real forward pass: W_K and W_V solved for any unit keys and any values, layer by layer.

The paper's lower bound takes K and V as free. In a network they are linear in the modulated rows of a layer's input,
so that for one token sequence they can be anything as long as those rows are linearly independent; rows of a layer
norm lie in a hyperplane, which leaves room for width - 1. Layers are solved in their order: the input of a layer
depends on the layers before it only. Where tokens have no position vectors of their own, as in Infinity, the first
layer sees content and level alone, too few dimensions, and is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.models import Model
from lowerbound.core.sums import first_free_layer, realised_branches, realised_streams
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.var.simulator.block import Block, unit
from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.pipeline import Ids, all_inputs, block_causal

Array = NDArray[Any]
UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class Realisation:
    """Keys and values that a network was made to cache, and how near it came.

    Parameters
    ----------
    layers : tuple of int
        Numbers, from 1, of the layers that were solved.
    branches : int
        CFG branches whose keys and values are free, the conditional one first.
    key_error, value_error : float
        Largest difference of any entry, over all layers, heads and tokens; keys are compared after normalization.
    condition : float
        Largest condition number of the rows that W_K and W_V were solved on.
    expected_error : float
        What float64 explains: see `expected_error`.
    """

    model: str
    layers: tuple[int, ...]
    n_heads: int
    n_tokens: int
    branches: int
    streams: int
    key_error: float
    value_error: float
    condition: float
    expected_error: float
    why: str

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def refuse_unless_realisable(model: Model, branches: int) -> None:
    """Raise ImpossibleReduction if a layer has more rows than can be linearly independent."""
    if not 1 <= branches <= model.cfg_branches:
        raise invalid("branches", f"lie in [1, {model.cfg_branches}]", branches)
    if branches > realised_branches(model):
        rows = f"{branches} x {model.n_tokens}" if branches > 1 else str(model.n_tokens)
        nearest = "; one branch is possible" if realised_branches(model) else ""
        raise ImpossibleReduction(
            f"free keys and values need no more rows than width - 1 = {model.width - 1}, got {rows} of {model.name}; "
            f"rows of a layer norm lie in a hyperplane, and more cannot be independent{nearest}"
        )


def targets(model: Model, seed: int, layer: int, branches: int) -> tuple[Array, Array]:
    """Random unit keys and values +-1 of one layer, each of shape (branches * tokens, heads, d)."""
    shape = branches * model.n_tokens, model.n_heads, model.head_dim
    keys = unit(Coins(seed, f"var/realise/keys/layer {layer}").generator().standard_normal(shape))
    signs = Coins(seed, f"var/realise/values/layer {layer}").bits(int(np.prod(shape))).reshape(shape)
    return keys, 2.0 * signs - 1.0


def solved(block: Block, rows: Array, keys: Array, values: Array) -> tuple[Block, float]:
    """The block whose W_K and W_V send rows (m, width) to these keys and values, and the rows' condition number.

    The solution of least norm, by a QR decomposition of the rows as columns; queries keep their weights.
    """
    width = rows.shape[1]
    orthonormal, triangle = scipy.linalg.qr(rows.T, mode="economic")
    singular = scipy.linalg.svdvals(triangle)
    wanted = np.concatenate([keys.reshape(-1, width), values.reshape(-1, width) - block.value_bias], axis=1)
    solution = orthonormal @ scipy.linalg.solve_triangular(triangle, wanted, trans="T")
    qkv = np.concatenate([block.qkv[:width], solution.T])
    return replace(block, qkv=qkv), float(singular[0] / singular[-1])


def expected_error(condition: float, n_rows: int) -> float:
    """How far keys and values may lie from their targets in float64, up to a factor of the algorithm.

    Let the m rows have singular values s_1 >= ... >= s_m. A backward stable solution w of a column t solves
    (A + E) w = t with |E| <= p u s_1, u the unit roundoff and p of the size of a low power of m; multiplying A by w
    rounds as much again. So |A w - t| <= 2 p u s_1 |w|, and |w| <= |t| / (s_m - |E|), and |t| <= sqrt(m), entries being
    at most 1 in size: at most about 2 p u (s_1 / s_m) sqrt(m). This function leaves 2 p out, because worst cases of p
    are far from what is measured. Normalising a key that is nearly a unit row adds nothing of this size. Layers do not
    add up: each is solved on the very input that it then meets.
    """
    return UNIT_ROUNDOFF * condition * float(np.sqrt(n_rows))


def random_ids(network: Network, seed: int) -> list[Ids]:
    """Uniform ids of every scale: one fixed token sequence."""
    decisions, alternatives = network.tokens.n_choices
    sizes = [network.schedule.map_size(scale) for scale in range(network.schedule.n_scales)]
    return [
        Coins(seed, f"var/realise/ids/scale {scale}").below(alternatives, n * decisions).reshape(n, decisions)
        for scale, n in enumerate(sizes)
    ]


def realise(network: Network, ids: list[Ids], *, branches: int = 1, seed: int = 0, condition: int = 0) -> Realisation:
    """Make all heads of every layer that can be solved cache random unit keys and random signs, on one token sequence.

    Contract: all weights of the forward pass but W_K and W_V are those of `network`. Errors are measured in a second
    forward pass of the whole changed network, on keys before they are rotated. Networks must be in float64; too many
    tokens for the width raise ImpossibleReduction.
    """
    model = network.model
    refuse_unless_realisable(model, branches)
    if network.dtype != np.float64:
        raise invalid("precision", "be float64 to solve weights in", str(network.dtype), nearest="float64")
    conditions: list[float] = []
    changed: list[Block] = []

    first = first_free_layer(model)

    def solve(layer: int, block: Block, rows: Array) -> Block:
        if layer < first:
            changed.append(block)
            return block
        found, number = solved(block, rows, *targets(model, seed, layer, branches))
        conditions.append(number)
        changed.append(found)
        return found

    _forward(network, ids, branches, condition, solve)
    made = replace(network, blocks=tuple(changed))
    errors: list[list[float]] = []

    def compare(layer: int, block: Block, rows: Array) -> Block:
        if layer < first:
            return block
        keys, values = targets(model, seed, layer, branches)
        _, got_keys, got_values = block.qkv_of(rows[None])
        pairs = ((got_keys, keys), (got_values, values))
        errors.append([float(np.abs(got[0].transpose(1, 0, 2) - wanted).max()) for got, wanted in pairs])
        return block

    _forward(made, ids, branches, condition, compare)
    worst = max(conditions)
    return Realisation(
        model=model.name,
        layers=tuple(range(first + 1, model.n_layers + 1)),
        n_heads=model.n_heads,
        n_tokens=model.n_tokens,
        branches=branches,
        streams=(model.n_layers - first) * model.n_kv_heads * branches,
        key_error=max(error[0] for error in errors),
        value_error=max(error[1] for error in errors),
        condition=worst,
        expected_error=expected_error(worst, branches * model.n_tokens),
        why=realised_streams(model).why,
    )


Look = Callable[[int, Block, Array], Block]


def _forward(network: Network, ids: list[Ids], branches: int, condition: int, look: Look) -> None:
    """Pass all tokens through all blocks; `look` gets each layer's number, block and rows, and may change the block.

    The rows are those of the free branches, as queries, keys and values are computed from them.
    """
    vectors = network.branches(condition)
    x = all_inputs(network, vectors, ids)
    rotate = network.rotate(slice(None))
    for layer, (block, modulation) in enumerate(zip(network.blocks, network.modulations(vectors), strict=True)):
        rows = block.attention_input(x, modulation)[:branches].reshape(-1, x.shape[-1])
        x = look(layer, block, rows)(x, modulation, partial(block_causal, network.schedule), rotate)
