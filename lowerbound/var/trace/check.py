"""The check of a trace: its outputs against softmax attention of its own queries, keys and values.

Outputs may differ from attention by an allowance, derived row by row for one softmax over all logits. u is the unit
roundoff, and m the smallest positive number, of the coarsest type in which attention was computed (`dtype`) or q, k, v
and o are stored. Sums, in any order, are carried in at least float32 (unit roundoff a, equal to u for 32 and 64 bits).
With S = factor |q| max |k|, M = factor sqrt(d) (|q| + max |k| + m sqrt(d)) m and gamma(n) = n a / (1 - n a):

* A logit is off by at most e = (gamma(d + 2) + 5 u)(1 + 8 u) S + 6 u + M: its d products and the factor; inputs
  rounded to the type (2 u S, and M for entries too small for u, each off by less than m), the logit stored in it (u S),
  the peak subtracted, which is at most 2 S away (2 u S, of which 16-bit storage has one); an exponential good to 4 u,
  stored, and the rounding of its argument near 0.
* So weights w become proportional to w exp(t), |t| <= e. As the sum of w (v - o) is 0, the output moves by at most
  exp(e) (exp(e) - 1) sum w |v - o|, and that sum is at most the deviation sqrt(sum w v^2 - o^2).
* Sums of T terms, numerator and denominator, values and weights and outputs stored in the type: another
  (gamma(2 T + 2) + 5 u) exp(2 e) sum w |v|. What is too small for the type vanishes: (T + 1) m max |v| by weights, and
  2 m by values and outputs.

Values are first divided by a power of two, which commutes with attention and keeps their squares finite. Rows of prompt
tokens are not checked, because models differ in how prompt tokens attend to each other.

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
        """Plain JSON values; numbers beyond all floats become None."""
        told = {name: None if value in (np.inf, -np.inf) else value for name, value in asdict(self).items()}
        return {**told, "verdict": self.verdict}


def check_layer(trace: Trace, number: int) -> list[HeadCheck]:
    """Every head of one layer, branch after branch.

    Contract: outputs of attention that was computed and stored in the trace's types, as the module says, are never
    refuted. Outputs with an entry that is off by more than its allowance are refuted, except in rows of prompt tokens.
    """
    layer = trace.layer(number)
    found = []
    for branch, name in enumerate(trace.branches):
        for head in range(trace.n_heads):
            read = trace.key_head_of(head)
            q, o = layer.queries[branch, head], layer.outputs[branch, head]
            k, v = layer.keys[branch, read], layer.values[branch, read]
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
    exponent = exponent_of(values)
    spread = float(np.ptp(np.ldexp(values, -exponent)))
    n_prompts = trace.schedule.n_context
    for scale in range(trace.schedule.n_scales):
        rows = trace.schedule.rows_of(scale)
        asked = slice(max(rows.start, n_prompts), rows.stop)
        truth, allowance = _in_units(trace, queries[asked], keys[: rows.stop], values[: rows.stop], exponent)
        with np.errstate(over="ignore"):  # An output far beyond all values is infinitely far away.
            away = np.abs(np.ldexp(outputs[asked], -exponent) - truth)
            quotient = np.divide(away, allowance, out=np.where(away > 0, np.inf, 0.0), where=allowance > 0)
        error, allowed = max(error, float(away.max())), max(allowed, float(allowance.max()))
        excess = max(excess, float(quotient.max()))
        undecided += int((allowance.max(axis=1) >= spread).sum()) if spread else 0
    with np.errstate(over="ignore"):
        error, allowed = (float(np.ldexp(number, exponent)) for number in (error, allowed))
    return error, allowed, excess, undecided / (len(queries) - n_prompts)


def exponent_of(values: FloatArray) -> int:
    """The power of two that brings the largest |value| into [1/2, 1); 0 if all values are 0."""
    return int(np.frexp(np.abs(values).max(initial=0.0))[1])


def attention_with_allowance(
    trace: Trace, queries: FloatArray, keys: FloatArray, values: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Outputs, and how far each entry computed and stored in the trace's types may be from them; shape (m, d) both."""
    exponent = exponent_of(values)
    truth, allowance = _in_units(trace, queries, keys, values, exponent)
    return np.ldexp(truth, exponent), np.ldexp(allowance, exponent)


def _in_units(
    trace: Trace, queries: FloatArray, keys: FloatArray, values: FloatArray, exponent: int
) -> tuple[FloatArray, FloatArray]:
    """As `attention_with_allowance`, both in units of 2^exponent."""
    n_tokens, d = keys.shape
    values = np.ldexp(values, -exponent)
    u, smallest = trace.roundoff, trace.tiny
    a = min(u, ROUNDOFF["float32"])
    weights = attention_weights(queries, keys, rule=trace.logits)
    truth: FloatArray = weights @ values
    size = float(np.abs(values).max())
    longest = float(np.sqrt(np.vecdot(keys, keys).max()))
    lengths = np.sqrt(np.vecdot(queries, queries))
    logits = trace.logits.factor(d) * lengths * longest * SLACK
    lost = trace.logits.factor(d) * d**0.5 * (lengths + longest + smallest * d**0.5) * smallest * SLACK
    e = np.minimum((_gamma(d + 2, a) + 5 * u) * (1 + 8 * u) * logits + 6 * u + lost, LARGEST_LOG)[:, None]

    ours = rounding_bound(d=d, n_tokens=n_tokens, max_logit=float(logits.max()), max_value=size)
    variance = weights @ values**2 - truth**2
    deviation = np.sqrt(np.maximum(variance, 0) + (n_tokens + 8) * ROUNDOFF["float64"] * 4 * size**2)
    moved = np.exp(e) * np.expm1(e) * deviation
    summed = (_gamma(2 * n_tokens + 2, a) + 5 * u) * np.exp(2 * e) * (weights @ np.abs(values))
    with np.errstate(over="ignore"):
        vanished = (n_tokens + 1) * smallest * size + 2 * float(np.ldexp(smallest, -exponent))
    allowance: FloatArray = (moved + summed) * SLACK + vanished + ours
    return truth, allowance


def _gamma(n: int, a: float) -> float:
    return n * a / (1 - n * a)
