"""A tilted read: a query beside a key shows how far the key lies from another one. For balls, floats and arrays.

Angles are given by their cosines. The symbols are those of Theorem E1: T tokens whose keys have cosines at most mu,
logits of at most lambda between unit vectors, and a query of cosine C with the key from which it is tilted.
"""

from __future__ import annotations

from typing import Any

from lowerbound.core.bounds import Arithmetic


def turn(x: Any, y: Any) -> Any:
    """The cosine of the difference of two angles in [0, pi/2] that have the cosines x and y."""
    return x * y + ((1 - x * x) * (1 - y * y)) ** 0.5


def apart(a: Arithmetic, eta: Any) -> Any:
    """s = 4 artanh(2 eta): log odds that far apart give answers more than 2 eta apart."""
    return 2 * a.log((1 + 2 * eta) / (1 - 2 * eta))


def others(a: Arithmetic, n_cached: Any, multiplier: Any, mu: Any, cosine: Any) -> Any:
    """The most that the other keys weigh, relative to a key of this cosine with the query."""
    return (n_cached - 1) * a.exp(multiplier * (turn(cosine, mu) - cosine))
