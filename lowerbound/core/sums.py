"""Which lower bounds (floors) add up over layers, heads and CFG branches, in which computation model, and why.

A lower bound is about one stream: the keys and values of one head in one layer and branch. The lower bounds of several
streams add up if their values can be chosen freely and independently, because one message then carries the symbols of
all streams. In computation model R1, streams are free by assumption; whether the layers of one network can produce
independent streams depends on dimensions. In model R2 the only secret is the token ids, and every stream is a function
of them, so lower bounds do not add up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lowerbound.core.models import Model


@dataclass(frozen=True)
class Sum:
    """The number of times that the lower bound (floor) of one head counts for a whole model.

    Contract: in the named computation model and under the conditions in `why`, a cache of all streams needs at least
    `streams` times the lower bound of one head.

    Parameters
    ----------
    assumption : str
        The assumption, in a few words.
    layers, kv_heads, branches : int
        The numbers of layers, key-value heads and branches that count; their product is `streams`. Query heads that
        share keys and values share one stream.
    why : str
        The reason, in one sentence.
    """

    computation_model: str
    assumption: str
    layers: int
    kv_heads: int
    branches: int
    why: str

    @property
    def streams(self) -> int:
        """The number of independent streams (K, V)."""
        return self.layers * self.kv_heads * self.branches

    def bits(self, head_bits: float) -> float:
        """The lower bound (floor) in bits of all streams together, from that of one head."""
        return self.streams * head_bits

    def to_json(self) -> dict[str, Any]:
        """The sum as plain JSON values."""
        return {
            "computation_model": self.computation_model,
            "assumption": self.assumption,
            "streams": self.streams,
            "layers": self.layers,
            "kv_heads": self.kv_heads,
            "branches": self.branches,
            "why": self.why,
        }


def independent_streams(model: Model) -> Sum:
    """The sum in R1 if all streams are assumed independent: those of every layer, key-value head and branch."""
    shared = model.n_heads // model.n_kv_heads
    heads = f"; {shared} query heads share one pair of keys and values and count once" if shared > 1 else ""
    return Sum(
        "R1",
        "independent streams",
        model.n_layers,
        model.n_kv_heads,
        model.cfg_branches,
        "R1 takes the streams of all layers, heads and branches as free and independent, so that one message "
        f"carries the symbols of all of them{heads}",
    )


def realised_branches(model: Model) -> int:
    """The number of CFG branches in which one network can make keys and values free at once, in all layers and heads.

    Keys and values of a layer are linear in the modulated rows of its input, one row per token and branch. Rows of a
    layer norm lie in a hyperplane of R^width, so at most width - 1 of them can be independent.
    """
    return min(model.cfg_branches, (model.width - 1) // model.n_tokens)


def first_free_layer(model: Model) -> int:
    """The number of the first layer, from 0, whose input rows can be linearly independent.

    If tokens have no position vectors of their own, the input rows of layer 0 depend only on content and level. They
    then span a few dozen dimensions, for any width. From layer 1 on, attention makes rows of different tokens differ.
    (Observed in the simulator, for both families that it runs.)
    """
    return 0 if model.adds_positions else 1


def realised_streams(model: Model) -> Sum:
    """The sum in R1 over the streams that one network of this width makes free at once; there may be none.

    Contract: it counts all layers from `first_free_layer` on, and the largest number b of branches with
    b n_tokens <= width - 1, where n_tokens includes the last scale. In these layers, W_K and W_V can be solved for any
    unit keys and any values if the input rows are independent, which holds for almost all weights.
    (`lowerbound var realise` solves for W_K and W_V and measures the result.)
    """
    branches, layers = realised_branches(model), model.n_layers - first_free_layer(model)
    free, rows = model.width - 1, model.n_tokens
    but_first = "every layer but the first, where tokens have no position vectors of their own,"
    where = "every layer" if layers == model.n_layers else but_first
    if not branches:
        why = (
            f"{rows} rows > {free} = width - 1: no choice of W_K and W_V makes all keys and values of a layer free, so "
            "that streams must be assumed independent"
        )
    elif branches == model.cfg_branches:
        times = f"{branches} x " if branches > 1 else ""
        why = f"{times}{rows} rows <= {free} = width - 1: W_K and W_V of {where} make all its streams free at once"
    else:
        why = (
            f"{rows} rows <= {free} = width - 1 < {branches + 1} x {rows}: W_K and W_V of {where} make the streams of "
            f"{'one branch' if branches == 1 else f'{branches} branches'} free at once, and the rest is then determined"
        )
    return Sum("R1", "one network, free weights", layers, model.n_kv_heads, branches, why)


def public_weights(model: Model) -> Sum:
    """The sum in R2: all streams together count once, because each is a function of the same token ids."""
    return Sum(
        "R2",
        "public weights",
        1,
        1,
        1,
        f"with public weights all {model.n_streams} streams are functions of one secret, the token ids: floors do not "
        "add up, and no sum of R1 floors binds a cache that knows the weights",
    )


def sums(model: Model) -> tuple[Sum, ...]:
    """All sums of a model: R1 with independent streams by assumption, R1 in one network, and R2."""
    return independent_streams(model), realised_streams(model), public_weights(model)
