"""Which floors add up: over layers, heads and branches, in which computation model, and why.

A floor speaks of one stream of keys and values. Floors of several streams add up when their values can be chosen
freely and independently of each other, because then one message carries all of their symbols at once. In model R1
streams are free by assumption; whether a network's own layers can make them so is a question of dimension. In model
R2 there is one secret, the token ids, and every stream is a function of it: nothing adds up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lowerbound.core.models import Model


@dataclass(frozen=True)
class Sum:
    """How often the floor of one head counts for a model.

    Contract: a cache of all streams needs at least `streams` times the floor of one head, in the named computation
    model, under what `why` says.

    Parameters
    ----------
    assumption : str
        What is taken for granted, in a few words.
    layers, kv_heads, branches : int
        Their product is `streams`: query heads that share keys and values share their stream.
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
        """Independent pairs (K, V)."""
        return self.layers * self.kv_heads * self.branches

    def bits(self, head_bits: float) -> float:
        """The floor of all streams together."""
        return self.streams * head_bits

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
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
    """R1, all streams declared independent: every layer, every head of keys and values, every branch."""
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
    """How many CFG branches one network can give free keys and values at once, in every layer and head.

    A layer's keys and values are linear in the modulated rows of its input: one row a token and a branch. Rows of a
    layer norm lie in a hyperplane of the width, so that at most width - 1 can be asked to be independent.
    """
    return min(model.cfg_branches, (model.width - 1) // model.n_tokens)


def first_free_layer(model: Model) -> int:
    """The first layer, from 0, whose rows are told apart enough to be independent.

    Where tokens have no position vectors of their own, the rows of the first layer are functions of content and level
    alone, and lie in a few dozen dimensions whatever the width; from the second on, attention tells them apart. (Seen
    in the simulator, in both families that it runs.)
    """
    return 0 if model.adds_positions else 1


def realised_streams(model: Model) -> Sum:
    """R1, streams that one network of this width makes free at once, whatever is assumed of the rest: maybe none.

    Contract: with b branches, b T <= width - 1 for T all tokens, the last scale's too, and layers from
    `first_free_layer` on. W_K and W_V of these layers are then solved for any keys of norm 1 and any values, given that
    rows are independent, as they are for almost all weights (`lowerbound var realise` solves, and measures).
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
    """R2: all streams together count once, because each is a function of the same token ids."""
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
    """What is known of this model: R1 by assumption, R1 in one network, R2."""
    return independent_streams(model), realised_streams(model), public_weights(model)
