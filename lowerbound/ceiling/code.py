"""What every proved code says of itself: the promise that it keeps, and the bits that a state takes."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache

from flint import arb

from lowerbound.ceiling.lattices import Lattice
from lowerbound.core.scalars import ball, precision, upper_fraction
from lowerbound.errors import invalid

WIDENING_BITS = 16
"""Width in bits of a header field of a played state: by how many bits its words are wider than words below N.

The field stands between the number of tokens and the words.
"""
PRECISION_BITS = 256
SPACING_BITS = 24
ROOM = 1 + Fraction(1, 2**26)
"""Safety factor on the spacing: float64 errs by about 1e-15 when it plays, on distances above 1e-6."""


@lru_cache(maxsize=1024)
def points_at_most(lattice: Lattice, spacing: Fraction) -> int:
    """An upper bound on the number of points of spacing * (lattice + shift) that are nearest to some unit vector.

    Contract: for every shift, an integer >= the number of points within the covering radius of the unit sphere; it is
    at least 1. Such a point has its cell within twice the covering radius of the sphere, and cells do not overlap.
    """
    with precision(PRECISION_BITS):
        half, reach = ball(Fraction(lattice.n, 2)), ball(spacing) * ball(lattice.covering_squared).sqrt()
        inner = 1 - 2 * reach if 2 * reach < 1 else arb(0)
        unit_ball = arb.pi() ** half / (half + 1).gamma()
        cell = ball(spacing) ** lattice.n * ball(lattice.volume_squared).sqrt()
        shell = unit_ball * ((1 + 2 * reach) ** lattice.n - inner**lattice.n)
        return max(1, math.floor(upper_fraction(shell / cell)))


def log_points(n: int, reach: float, spacing: float) -> float:
    """ln of `points_at_most` but for a constant, in floats: which parameters are cheapest needs no proof.

    `reach` is twice the covering radius times the spacing.
    """
    hollow = n * (math.log1p(-reach) - math.log1p(reach)) if reach < 1 else -math.inf
    return n * math.log1p(reach) + math.log(-math.expm1(hollow)) - n * math.log(spacing)


def rounded_below(value: float) -> Fraction:
    """A number with 24 significant bits that is smaller than `value` by 1 to 2 units of its last place."""
    mantissa, exponent = math.frexp(value)
    return Fraction(int(mantissa * 2**SPACING_BITS) - 1) * Fraction(2) ** (exponent - SPACING_BITS)


@dataclass(frozen=True)
class Achieved(ABC):
    """A cache of T tokens of one head whose answers are within eta of exact attention, and its size in bits.

    Contract: for unit keys, queries of norm at most 1, values in [0, 1] and logit = multiplier <q, k>, every answer
    over the T tokens, together with any further tokens that are stored exactly, is within eta of exact attention. This
    holds always if failure_prob = 0. Otherwise it holds for each coordinate of the answer to each query with
    probability at least 1 - failure_prob over public coins, on which tokens and query do not depend. The constructor of
    each subclass proves this, or raises InvalidArgument. `bits` is an integer >= log2 of the number of states.

    Parameters
    ----------
    code : str
        The name of the code.
    n_tokens, d : int
        T, and the head dimension.
    multiplier, eta, failure_prob : Fraction
    lattice : Lattice
        The lattice in whose points keys are stored.
    spacing : Fraction
        The length in key space of one unit of the lattice.
    """

    code: str
    n_tokens: int
    d: int
    multiplier: Fraction
    eta: Fraction
    failure_prob: Fraction
    lattice: Lattice
    spacing: Fraction

    def __post_init__(self) -> None:
        if self.n_tokens < 1:
            raise invalid("n_tokens", "be >= 1", self.n_tokens)
        if self.spacing <= 0:
            raise invalid("spacing", "be > 0", self.spacing)

    @property
    @abstractmethod
    def n_cells(self) -> int:
        """The number of cells of each value."""

    @property
    @abstractmethod
    def bits(self) -> int:
        """The bits of a fixed-length code of the state that exists."""

    @property
    @abstractmethod
    def played_bits(self) -> int:
        """The bits of the state that the registered cache writes if every word is below N, without padding to bytes."""

    @cached_property
    def n_points(self) -> int:
        """An upper bound on the number of lattice points as which a key may be stored."""
        return points_at_most(self.lattice, self.spacing)

    @cached_property
    def n_words(self) -> int:
        """N, an upper bound on the number of words (key point and value cells) as which a token may be stored."""
        return self.n_points * int(self.n_cells**self.d)

    @property
    def bits_per_token(self) -> Fraction:
        """`bits` divided by T."""
        return Fraction(self.bits, self.n_tokens)
