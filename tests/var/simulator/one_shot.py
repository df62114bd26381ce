"""A whole generation in one pass, without a cache: what scale-by-scale generation must agree with."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.pipeline import Array, Ids, all_inputs, block_causal, check_ids


def one_shot(network: Network, ids: Sequence[Ids], *, condition: int = 0) -> Array:
    """Logits of all scales from given ids, without a cache: (branches, tokens, decisions, alternatives)."""
    check_ids(network, ids)
    branches = network.branches(condition)
    x = all_inputs(network, branches, ids)
    rotate = network.rotate(slice(None))
    for block, modulation in zip(network.blocks, network.modulations(branches), strict=True):
        x = block(x, modulation, partial(block_causal, network.schedule), rotate)
    return network.logits(x, branches)
