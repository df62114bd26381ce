"""The check of a trace: its outputs against softmax attention of its own queries, keys and values.

Outputs may differ from attention by an allowance, derived row by row for one softmax over all logits in the trace's
`dtype` of unit roundoff u, whose sums, in any order, are carried in at least float32 (unit roundoff a, equal to u for
32 and 64 bits). With S = factor |q| max |k| and gamma(n) = n a / (1 - n a):

* A logit is off by at most e = (gamma(d + 2) + 5 u)(1 + 8 u) S + 6 u: its d products and the factor; inputs rounded to
  the type (2 u S), the logit stored in it (u S), the peak subtracted, which is at most 2 S away (2 u S, of which 16-bit
  storage has one); an exponential good to 4 u, stored, and the rounding of its argument near 0.
* So weights w become proportional to w exp(t), |t| <= e. As the sum of w (v - o) is 0, the output moves by at most
  exp(e) (exp(e) - 1) sum w |v - o|, and that sum is at most the deviation sqrt(sum w v^2 - o^2).
* Sums of T terms, numerator and denominator, values and weights and outputs stored in the type: another
  (gamma(2 T + 2) + 5 u) exp(2 e) sum w |v|. What is too small for the type vanishes: (T + 1) tiny max |v|.

Flash attention rescales besides; its traces are checked by the same allowance, which is then a convention.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.threads import one_thread
from lowerbound.var.trace.file import ROUNDOFF, Trace

FloatArray = NDArray[np.float64]

TINY = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 2.0**-1074}
LARGEST_LOG = 300.0
"""The cap on the error e of a logit, so that exp(2 e) is finite."""
SLACK = 1 + 1e-9
"""A factor for the rounding of the allowance itself, which is computed in float64."""


@dataclass(frozen=True)
class HeadCheck:
    """One head of one layer and branch.

    Parameters
    ----------
    error : float
        The largest |o - attention(q, k, v)|.
    allowed : float
        The largest allowance of an entry.
    excess : float
        The largest quotient of error and allowance; above 1, the outputs are not those of attention.
    undecided : float
        Share of rows whose allowance is at least the spread of the values, so that no output could refute them.
    """

    layer: int
    head: int
    branch: str
    error: float
    allowed: float
    excess: float
    undecided: float

    @property
    def verdict(self) -> str:
        """One of "refuted", "undecided" (if all rows are undecided) and "agrees"."""
        if self.excess > 1:
            return "refuted"
        return "undecided" if self.undecided == 1 else "agrees"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**asdict(self), "verdict": self.verdict}


def check_layer(trace: Trace, number: int) -> list[HeadCheck]:
    """Every head of one layer, branch after branch.

    Contract: outputs of attention that was computed in the trace's type, as the module says, are never refuted. Outputs
    with an entry that is off by more than its allowance are refuted.
    """
    layer = trace.layer(number)
    found = []
    for branch, name in enumerate(trace.branches):
        for head in range(trace.n_heads):
            q, k, v, o = (part[branch, head] for part in (layer.queries, layer.keys, layer.values, layer.outputs))
            with one_thread():
                found.append(HeadCheck(number, head, name, *_compare(trace, q, k, v, o)))
    return found


def verdict_of(checks: Sequence[HeadCheck]) -> str:
    """One word for all: "refuted" if any head is, else "undecided" if any is, else "agrees"."""
    said = {check.verdict for check in checks}
    return next(word for word in ("refuted", "undecided", "agrees") if word in said)


def _compare(
    trace: Trace, queries: FloatArray, keys: FloatArray, values: FloatArray, outputs: FloatArray
) -> tuple[float, float, float, float]:
    error = allowed = excess = 0.0
    undecided = 0
    spread = float(values.max() - values.min())
    for scale in range(trace.schedule.n_scales):
        rows = trace.schedule.rows_of(scale)
        truth, allowance = attention_with_allowance(trace, queries[rows], keys[: rows.stop], values[: rows.stop])
        away = np.abs(outputs[rows] - truth)
        error, allowed = max(error, float(away.max())), max(allowed, float(allowance.max()))
        quotient = np.divide(away, allowance, out=np.where(away > 0, np.inf, 0.0), where=allowance > 0)
        excess = max(excess, float(quotient.max()))
        undecided += int((allowance.max(axis=1) >= spread).sum()) if spread else 0
    return error, allowed, excess, undecided / len(queries)


def attention_with_allowance(
    trace: Trace, queries: FloatArray, keys: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Outputs, and how far each entry computed in the trace's type may be from them; shape (m, d) both."""
    n_tokens, d = keys.shape
    u = ROUNDOFF[trace.dtype]
    a = min(u, ROUNDOFF["float32"])
    weights = attention_weights(queries, keys, rule=trace.logits)
    truth: FloatArray = weights @ values
    size = float(np.abs(values).max())
    longest = float(np.sqrt(np.vecdot(keys, keys).max()))
    logits = trace.logits.factor(d) * np.sqrt(np.vecdot(queries, queries)) * longest * SLACK
    e = np.minimum((_gamma(d + 2, a) + 5 * u) * (1 + 8 * u) * logits + 6 * u, LARGEST_LOG)[:, None]

    ours = rounding_bound(d=d, n_tokens=n_tokens, max_logit=float(logits.max()), max_value=size)
    variance = weights @ values**2 - truth**2
    deviation = np.sqrt(np.maximum(variance, 0) + (n_tokens + 8) * ROUNDOFF["float64"] * 4 * size**2)
    moved = np.exp(e) * np.expm1(e) * deviation
    summed = (_gamma(2 * n_tokens + 2, a) + 5 * u) * np.exp(2 * e) * (weights @ np.abs(values))
    allowance: FloatArray = (moved + summed) * SLACK + (n_tokens + 1) * TINY[trace.dtype] * size + ours
    return truth, allowance


def _gamma(n: int, a: float) -> float:
    return n * a / (1 - n * a)
