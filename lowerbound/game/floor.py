"""The floor of a model: how many bits any cache must keep, for one head and for all, each with its model's name."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lowerbound.core.bounds import INDEX_FLOOR, SYMBOL_FLOOR, additive_levels
from lowerbound.core.models import Model
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.sums import sums
from lowerbound.errors import invalid
from lowerbound.game.reduction import Geometry, plan_reduction

R1 = "R1: layer black box (the cache sees one head's q, k, v stream; K and V are free reals)"


def floor(model: Model, *, eta: Rational = "0.01", failure_prob: Rational = "0.1") -> dict[str, Any]:
    """The floor of every cache for `model` in computation model R1, and R2's replay ceiling beside it.

    Contract: `paper_bits` holds for relative(eta) with any eta < 1, `values_bits` for additive(eta), both for mean
    error `failure_prob` over the positions; each is rounded down, and certain. Plain JSON values.
    Paper: Theorem 1.1 with its constant (Theorem A); Theorem B.

    Raises
    ------
    InvalidArgument
        If eta is not in [0, 1/2) or failure_prob not in [0, 1/2].
    """
    eta, delta = rational(eta, name="eta"), rational(failure_prob, name="delta")
    if not 0 <= eta < Fraction(1, 2):
        raise invalid("eta", "lie in [0, 1/2): at 1/2 two values in [0, 1] cannot be told apart", str(eta))
    if not 0 <= delta <= Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2]", str(delta), nearest="1/2" if delta > 0 else "0")
    plan = plan_reduction(Geometry.of(model), eta=eta, guarantee="additive", n_levels=None)
    levels = additive_levels(eta, plan.leakage + plan.rounding)
    n_symbols = plan.n_symbols
    paper_bits = max(0.0, INDEX_FLOOR.at_least(n_symbols, delta))
    values_bits = max(paper_bits, SYMBOL_FLOOR.at_least(n_symbols, levels, delta))
    per_head = {
        "cache_bits": model.head_cache_bits,
        "paper_bits": paper_bits,
        "values_bits": values_bits,
        "values_levels": levels,
        "values_fraction_of_cache": values_bits / model.head_cache_bits,
    }
    streams = model.n_streams
    return {
        "model": model.name,
        "n_tokens": model.n_tokens,
        "n_tokens_cached": model.n_tokens_cached,
        "d": model.head_dim,
        "n_heads": model.n_heads,
        "n_kv_heads": model.n_kv_heads,
        "n_layers": model.n_layers,
        "cfg_branches": model.cfg_branches,
        "rule": model.rule,
        "eta": float(eta),
        "delta": float(delta),
        "keys": plan.keys.family,
        "coherence": str(plan.coherence),
        "lambda": float(plan.multiplier),
        "leakage": float(plan.leakage),
        "replay_bits": model.replay_bits,
        "per_head": per_head,
        "total": {
            "streams": streams,
            "cache_bits": model.head_cache_bits * streams,
            "cache_bytes": model.cache_bytes,
            "paper_bits": paper_bits * streams,
            "values_bits": values_bits * streams,
            "free_kv_realisable": model.free_kv_realisable,
        },
        "sums": [known.to_json() for known in sums(model)],
        "computation_model": R1,
        "source": model.source,
    }
