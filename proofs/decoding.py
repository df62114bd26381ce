r"""Decoding: thresholds exist exactly when the bands of neighbouring levels are apart.

Relative error, values 0 and 1: a threshold separates o^ <= (1 + eta) tau from o^ >= (1 - eta)(1 - tau) if and only if
2 tau < 1 - eta. Additive error: levels more than 2 (eta + tau) apart have one. Geometric levels under relative error:
the ratio (1 + eta)/(1 - eta) (1 + 2 tau / v) is enough. Range: all reals in the stated intervals.
"""

from __future__ import annotations

import z3

STATEMENT = "(1 + eta) tau < (1 - eta)(1 - tau)  <=>  2 tau < 1 - eta"


def obligations() -> dict[str, tuple[list[z3.BoolRef], z3.BoolRef]]:
    """Each obligation: its hypotheses and its goal."""
    eta, tau, low, high, beta = z3.Reals("eta tau low high beta")
    ranges = [eta >= 0, eta < 1, tau >= 0, tau <= 1]
    bands_apart = (1 + eta) * tau < (1 - eta) * (1 - tau)
    return {
        "binary, if": ([*ranges, 2 * tau < 1 - eta], bands_apart),
        "binary, only if": ([*ranges, bands_apart], 2 * tau < 1 - eta),
        "additive": ([*ranges, high - low > 2 * (eta + tau)], low + tau + eta < high - tau - eta),
        "geometric": (
            [*ranges, low > 0, beta * (1 - eta) * low > (1 + eta) * (low + 2 * tau)],
            (1 + eta) * (low + tau) < (1 - eta) * (beta * low - tau),
        ),
    }
