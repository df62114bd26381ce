"""From logits to ids: guidance by two branches, top-k, top-p, and draws that two runs can share."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.errors import invalid

Array = NDArray[Any]
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Sampling:
    """The settings by which ids are drawn.

    Contract: equal samplings and equal logits give equal ids; the uniform number behind an id depends on seed, scale
    and place alone, so that two runs whose logits are near draw mostly the same ids.

    Parameters
    ----------
    seed : int
        The seed of the draws.
    guidance : float >= 0
        Strength of classifier-free guidance; 0 uses the conditional branch alone.
    top_k : int >= 0
        Keep the k largest logits, and all that tie with the last; 0 keeps all.
    top_p : rational in [0, 1]
        Keep the largest probabilities that sum to p; 0 keeps all.
    """

    seed: int = 0
    guidance: float = 1.5
    top_k: int = 0
    top_p: Fraction = Fraction(0)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.guidance) and self.guidance >= 0):
            raise invalid("guidance", "be a finite number >= 0", self.guidance, nearest=0)
        if self.top_k < 0:
            raise invalid("top_k", "be an integer >= 0", self.top_k, nearest=0)
        if not 0 <= self.top_p <= 1:
            raise invalid("top_p", "lie in [0, 1]", str(self.top_p), nearest=0 if self.top_p < 0 else 1)

    def draw(self, logits: Array, scale: int) -> Ids:
        """One id per token, of shape (tokens, decisions), from logits (tokens, decisions, alternatives)."""
        kept = in_the_nucleus(among_the_first(logits.astype(np.float64), self.top_k), float(self.top_p))
        uniforms = Coins(self.seed, f"var/draw/scale {scale}").generator().random(logits.shape[:-1])
        cumulative = np.cumsum(probabilities(kept), axis=-1)
        beyond = cumulative <= uniforms[..., None] * cumulative[..., -1:]
        ids: Ids = np.minimum(beyond.sum(axis=-1), _last_kept(kept)).astype(np.int64)
        return ids


def _last_kept(logits: Array) -> Array:
    """The last alternative of positive probability, to which a draw that rounds to 1 is limited."""
    last: Array = logits.shape[-1] - 1 - np.argmax(np.isfinite(logits)[..., ::-1], axis=-1)
    return last


def probabilities(logits: Array) -> Array:
    """Softmax over the last axis; a logit of -inf has probability 0."""
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Array = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def among_the_first(logits: Array, top_k: int) -> Array:
    """Logits with all but the k largest, and their ties, at -inf; 0 changes nothing."""
    if top_k == 0 or top_k >= logits.shape[-1]:
        return logits
    least = np.partition(logits, -top_k, axis=-1)[..., -top_k : logits.shape[-1] - top_k + 1]
    return np.where(logits < least, -np.inf, logits)


def in_the_nucleus(logits: Array, top_p: float) -> Array:
    """Logits with the least likely alternatives of total probability <= 1 - p at -inf; 0 changes nothing."""
    if top_p == 0:
        return logits
    order = np.argsort(logits, axis=-1, kind="stable")
    tail = np.cumsum(probabilities(np.take_along_axis(logits, order, axis=-1)), axis=-1) <= 1 - top_p
    tail[..., -1] = False
    removed = np.zeros_like(tail)
    np.put_along_axis(removed, order, tail, axis=-1)
    return np.where(removed, -np.inf, logits)
