"""How near a trace comes to the floor's hard instances, which have sharp queries, separated keys, and full-rank values.

All statistics are of one head, over the T tokens cached before the last scale and the queries of the last scale.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.threads import one_thread
from lowerbound.errors import InvalidArgument
from lowerbound.var.trace.check import exponent_of
from lowerbound.var.trace.file import RecordedLayer, Trace

FloatArray = NDArray[np.float64]

MASS = 0.9


@dataclass(frozen=True)
class HeadFacts:
    """Statistics of one head of one layer and branch.

    Parameters
    ----------
    multiplier : float
        Effective lambda: the largest logit that its queries could ask, factor * max |q| * max |k|.
    coherence : float
        mu: the largest cosine of two cached keys.
    gap : float
        lambda (1 - mu): by how much the logit of a query along a key certainly exceeds all others.
    addressable : float
        Share of cached keys that would get at least half the weight of such a query.
    rank_keys, rank_values : float
        Effective ranks: exp of the entropy of the normalized singular values.
    entropy_bits : float
        Entropy of the weights of a query, on average over the queries of the last scale.
    keys_for_mass : float
        How many keys hold 90 % of the weight of a query, on average.
    """

    layer: int
    head: int
    branch: str
    multiplier: float
    coherence: float
    gap: float
    addressable: float
    rank_keys: float
    rank_values: float
    entropy_bits: float
    keys_for_mass: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def inspect_layer(trace: Trace, number: int) -> list[HeadFacts]:
    """Every head of one layer, branch after branch; InvalidArgument where fewer than two tokens are cached."""
    if trace.schedule.n_tokens_cached < 2:
        raise InvalidArgument(f"trace must cache at least two tokens, got {trace.schedule.n_tokens_cached}")
    layer = trace.layer(number)
    with one_thread():
        return [
            _facts(trace, layer, number, head, branch)
            for branch in range(trace.n_branches)
            for head in range(trace.n_heads)
        ]


def _facts(trace: Trace, layer: RecordedLayer, number: int, head: int, branch: int) -> HeadFacts:
    cached = trace.schedule.n_tokens_cached
    read = trace.key_head_of(head)
    queries, all_keys = layer.queries[branch, head], layer.keys[branch, read]
    keys, values = all_keys[:cached], layer.values[branch, read][:cached]
    lengths = np.sqrt(np.vecdot(keys, keys))
    longest_query = float(np.sqrt(np.vecdot(queries, queries).max()))
    multiplier = trace.logits.factor(trace.d) * longest_query * float(lengths.max())
    units = keys / np.where(lengths > 0, lengths, 1)[:, None]
    cosines = np.clip(units @ units.T, -1, 1)
    np.fill_diagonal(cosines, -1)
    coherence = float(cosines.max())
    others = np.exp(multiplier * (cosines - 1))
    np.fill_diagonal(others, 0)
    weights = attention_weights(queries[cached:], all_keys, rule=trace.logits)
    return HeadFacts(
        layer=number,
        head=head,
        branch=trace.branches[branch],
        multiplier=multiplier,
        coherence=coherence,
        gap=multiplier * (1 - coherence),
        addressable=float((others.sum(axis=1) <= 1).mean()),
        rank_keys=effective_rank(keys),
        rank_values=effective_rank(values),
        entropy_bits=float(
            -np.where(weights > 0, weights * np.log2(np.maximum(weights, 1e-300)), 0).sum(axis=1).mean()
        ),
        keys_for_mass=float(_keys_for(weights, MASS).mean()),
    )


def effective_rank(rows: FloatArray) -> float:
    """exp of the entropy of the singular values over their sum; 0 for rows of zeros.

    Contract: between 1 and the rank; n equal singular values give n.
    """
    # The rank does not depend on the scale; a power of two keeps the squares of large rows finite.
    singular = np.linalg.svd(np.ldexp(rows, -exponent_of(rows)), compute_uv=False)
    total = float(singular.sum())
    if total == 0:
        return 0.0
    shares = singular[singular > 0] / total
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _keys_for(weights: FloatArray, mass: float) -> NDArray[np.int64]:
    """The fewest keys whose weights sum to at least `mass`, for every query."""
    sums = np.cumsum(-np.sort(-weights, axis=1), axis=1)
    counts: NDArray[np.int64] = np.minimum((sums < mass).sum(axis=1) + 1, weights.shape[1])
    return counts
