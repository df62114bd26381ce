"""Template: a stored token may stand for several; the logarithm of its weight is added to its logits."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from lowerbound.core.cache import FloatArray, Public, StoredTokens
from lowerbound.core.oracle.attention import attention_logits
from lowerbound.core.rules import Rule

QUERIES_PER_BLOCK = 256


class WeightedTokens(StoredTokens):
    """Template: `log_weights` holds one number per stored token, added to all its logits; a new token has weight 1."""

    answers_apart: ClassVar[bool] = True

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.log_weights: FloatArray = np.zeros(0)

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale, queries)
        self.log_weights = np.concatenate([self.log_weights, np.zeros(len(keys))])

    def attend(self, queries: FloatArray) -> FloatArray:
        return weighted_attention(queries, self.keys, self.values, self.log_weights, rule=self.public.rule)


def weighted_attention(
    queries: FloatArray, keys: FloatArray, values: FloatArray, log_weights: FloatArray, *, rule: Rule
) -> FloatArray:
    """Softmax attention in which key j counts exp(log_weights[j]) times; without any key, all outputs are 0.

    Contract: finite (m, h) outputs, each in the convex hull of the values, up to rounding.
    """
    outputs = np.zeros((len(queries), values.shape[1]))
    if not len(keys):
        return outputs
    for start in range(0, len(queries), QUERIES_PER_BLOCK):
        rows = slice(start, start + QUERIES_PER_BLOCK)
        biased = attention_logits(queries[rows], keys, rule=rule) + log_weights
        weights = np.exp(biased - biased.max(axis=1, keepdims=True))
        outputs[rows] = weights @ values / weights.sum(axis=1, keepdims=True)
    return outputs
