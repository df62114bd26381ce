"""Designs of Theorem B on given keys: which tokens are asked for, and how many levels their values have.

Nothing is free here but this choice. The keys of all tokens are given, and each cached token has an own weight under
the query along its key. More levels need heavier tokens: the design takes the heaviest n tokens, with all levels that
the lightest of them allows, for the n that gives most bits.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lowerbound.certify.design.target import MOST_LEVELS, PRECISION_BITS, Design, Target, below, fano_bits
from lowerbound.core.keys.family import Keys
from lowerbound.core.keys.recorded import leakages
from lowerbound.errors import ImpossibleReduction
from lowerbound.kernel.codec import digest


def name_of(named: str) -> str:
    """How a claim calls given keys with this digest: nothing else is known of them."""
    return f"given keys {named[:16]}"


def given_keys_design(target: Target, keys: Keys) -> Design | None:
    """The design with most bits on keys of all tokens of the target, or None if no token can be read.

    Contract: rows of the payload are those of `keys`, and the claim's `keys` is their digest. A target whose rule is
    not l2norm raises ImpossibleReduction: elsewhere logits depend on the norms of keys.
    """
    if target.geometry.rule_name != "l2norm":
        raise ImpossibleReduction(
            f"a floor on given keys speaks of the l2norm rule, got {target.geometry.rule_name} of "
            f"{target.geometry.name}"
        )
    if target.n_tokens < 2 or target.delta >= Fraction(1, 2):
        return None
    leaks = leakages(keys, target.n_tokens, target.multiplier)
    order = sorted(range(target.n_tokens), key=leaks.__getitem__)
    taus = np.array([float(leaks[token]) for token in order])
    levels = np.minimum(MOST_LEVELS, 1 + below(1 / (2 * (float(target.eta) + taus))))
    useful = (levels >= 2) & (float(target.delta) <= 1 - 1 / np.maximum(levels, 1))
    counts = np.arange(1, target.n_tokens + 1)
    bits = np.where(useful, counts * target.d * fano_bits(np.maximum(levels, 2), float(target.delta)), 0.0)
    best = int(bits.argmax())
    if not bits[best] >= 1:
        return None
    rows = keys.rows.tolist()
    payload = {
        "precision": PRECISION_BITS,
        "rows": rows,
        "asked": sorted(order[: best + 1]),
        "multiplier": str(target.multiplier),
        "levels": int(levels[best]),
    }
    return Design(float(bits[best]), payload, {"keys": digest(rows)})
