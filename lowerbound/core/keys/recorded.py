"""Recorded keys: rows of floats as exact integers, and what the others take of a query along one of them.

A family of keys is designed so that one number, its coherence, bounds what all other keys take together. Natural keys
crowd in some directions and leave others free, so that this number says little of most of them. Here the weight of the
others is therefore summed for each key by itself.
"""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from flint import arb, fmpz_mat
from numpy.typing import NDArray

from lowerbound.core.keys.family import Keys
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import Scaled
from lowerbound.core.scalars import ball, precision, upper_fraction
from lowerbound.errors import invalid

FloatArray = NDArray[np.float64]

RECORDED = "recorded"
LONGEST_ENTRY_BITS = 256
"""The kernel reads entries of up to so many bits, and rows of natural keys have entries of far fewer."""
PRECISION_BITS = 128


def exact_keys(rows: FloatArray) -> Keys:
    """Keys whose directions are exactly those of the rows.

    Contract: row i is a row of Python integers, the i-th row of floats times the power of two that makes its entries
    integers, not all of them even. A row that is zero, not finite, or has an integer of more than LONGEST_ENTRY_BITS
    bits raises InvalidArgument.

    Parameters
    ----------
    rows : array, shape (n, d)
    """
    exact = np.empty(rows.shape, dtype=object)
    for place, row in enumerate(rows.tolist()):
        if not any(row) or not np.isfinite(row).all():
            raise invalid(f"key {place}", "be finite and not zero", row[:4])
        ratios = [entry.as_integer_ratio() for entry in row]
        denominator = max(below for _, below in ratios)  # every one of them is a power of two
        entries = [above * (denominator // below) for above, below in ratios]
        shift = min((entry & -entry).bit_length() - 1 for entry in entries if entry)
        exact[place] = [entry >> shift for entry in entries]
        longest = max(entry.bit_length() for entry in exact[place])
        if longest > LONGEST_ENTRY_BITS:
            raise invalid(
                f"key {place}", f"have entries that {LONGEST_ENTRY_BITS} bits hold exactly", f"{longest} bits"
            )
    return Keys(RECORDED, exact)


def leakages(keys: Keys, n_asked: int, multiplier: Fraction) -> list[Fraction]:
    """For each of the first `n_asked` keys, the softmax weight that a query along it puts on all other keys.

    Contract: every number is a rational certainly >= that weight, and above it by at most 2^-64; the logit of two keys
    is the multiplier times their cosine. The Gram matrix is exact. Keys may have any norms, and equal directions count
    as often as they occur.
    """
    rows = fmpz_mat(keys.rows.tolist())
    products = fmpz_mat(keys.rows[:n_asked].tolist()) * rows.transpose()
    found = []
    with precision(PRECISION_BITS):
        scale, one = ball(multiplier), arb(1)
        roots = [arb(sum(entry * entry for entry in row)).rsqrt() for row in keys.rows.tolist()]
        for asked in range(n_asked):
            others = arb(0)
            for beside, root in enumerate(roots):
                if beside != asked:
                    others += (scale * (arb(products[asked, beside]) * roots[asked] * root - one)).exp()
            found.append(upper_fraction(others / (one + others)))
    return found


def own_weights(rows: FloatArray, n_asked: int, multiplier: float) -> FloatArray:
    """The weight that a query along each of the first `n_asked` rows gives to its own row, in floats, shape (n_asked,).

    Contract: of the softmax over all rows by the oracle, where a logit is the multiplier times a cosine: 1 minus the
    numbers of `leakages`, up to rounding.
    """
    unit = unit_rows(rows)
    weights: FloatArray = attention_weights(multiplier * unit[:n_asked], unit, rule=Scaled(1.0))
    return weights.diagonal().copy()
