"""Quantization cells for values in [0, 1] under a promised error eta, and the change of weights that eta still allows.

A token is stored with a value v^ near v and a key near k. Let w_j be the true softmax weights and w_j exp(c_j) the
weights of the stored keys; both sum to 1, so the c_j have both signs. Let w = `log_odds` bound the move of all
log-odds: max c - min c <= w. Then the answer moves by at most
sum w_j |v_j - v^_j| + |sum w_j (exp(c_j) - 1) v^_j|, and each class below proves that this is at most eta. The proofs
allow further tokens that are stored exactly, such as those of the newest scale.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import Arithmetic, Formula
from lowerbound.core.scalars import lower_fraction
from lowerbound.errors import invalid

CENTRE_UNIT = Fraction(1, 2**44)
"""Centers of cells are multiples of CENTRE_UNIT, so they are exact in float64."""


def _move(a: Arithmetic, eps: Any) -> Any:
    return (1 - a.exp(-eps)) / (1 + a.exp(-eps))


SOFTMAX_MOVE = Formula(
    "largest move of a softmax mean",
    "tanh(eps/2): how far a softmax mean of values in [0, 1] moves when no logit moves by more than eps. For W the "
    "weight of a set of tokens, log W/(1 - W) moves by at most 2 eps, and values are best 0 and 1, so the move is at "
    "most sup_y sigma(y + 2 eps) - sigma(y) = 2 sigma(eps) - 1. Attained: value 1 on tokens of weight sigma(-eps) "
    "whose logits rise by eps, value 0 on the others, whose logits fall by eps",
    "design notes of the upper side; elementary",
    (r"\varepsilon",),
    _move,
)


def _uniform_log_odds(a: Arithmetic, eta: Any, half: Any) -> Any:
    left = (eta - half) / (1 - 2 * half)
    return 2 * a.log((1 + left) / (1 - left))


def _curved_log_odds(a: Arithmetic, beta: Any) -> Any:
    return a.log(1 + 4 * beta)


UNIFORM_LOG_ODDS = Formula(
    "log-odds beside uniform cells",
    "the move w of log-odds at which half + (1 - 2 half) tanh(w/4) = eta",
    "SOFTMAX_MOVE with w = 2 eps",
    (r"\eta", "h"),
    _uniform_log_odds,
)
CURVED_LOG_ODDS = Formula(
    "log-odds beside curved cells",
    "the move w of log-odds at which exp(w) - 1 = 4 beta",
    "CurvedCells",
    (r"\beta",),
    _curved_log_odds,
)


@dataclass(frozen=True)
class ValueCells(ABC):
    """A finite set of cells that cover [0, 1]; a value is stored as the center of a cell that contains it.

    Contract: the constructor proves, in exact rationals, that the cells cover [0, 1], or raises InvalidArgument: for
    every float in [0, 1], `nearest` gives a cell whose center c is within `half_width(c)` of it. If log-odds between
    tokens move by at most `log_odds`, answers move by at most eta (each subclass proves this).

    Parameters
    ----------
    eta : Fraction in (0, 1/2)
    centres : tuple of Fraction, increasing, in [0, 1], exact in float64
    """

    eta: Fraction
    centres: tuple[Fraction, ...]

    @abstractmethod
    def half_width(self, value: Fraction) -> Fraction:
        """The half width of the cell with this center: how far a value may be from the center as which it is stored."""

    @property
    @abstractmethod
    def log_odds(self) -> Fraction:
        """w, a rational that is certainly <= the move of log-odds that eta allows in addition to the error of cells."""

    def __post_init__(self) -> None:
        if not 0 < self.eta < Fraction(1, 2):
            raise invalid("eta", "lie strictly between 0 and 1/2", self.eta)
        if not self.centres or not all(below < above for below, above in pairwise(self.centres)):
            raise invalid("centres", "increase", self.centres)
        if self.centres[0] < 0 or self.centres[-1] > 1 or any(Fraction(float(c)) != c for c in self.centres):
            raise invalid("centres", "be floats in [0, 1]", self.centres)
        ends = [(c - self.half_width(c), c + self.half_width(c)) for c in self.centres]
        if ends[0][0] > 0 or ends[-1][1] < 1:
            raise invalid("cells", "cover 0 and 1", (ends[0][0], ends[-1][1]))
        for edge, (_, below), (above, _) in zip(self.edges.tolist(), ends[:-1], ends[1:], strict=True):
            if not above <= Fraction(edge) <= below:
                raise invalid("cells", "cover the edge between neighbours", (float(below), float(above)))

    @property
    def n_cells(self) -> int:
        """The number of cells."""
        return len(self.centres)

    @cached_property
    def centre_array(self) -> NDArray[np.float64]:
        """The exact centers as floats, shape (n_cells,)."""
        return np.array([float(c) for c in self.centres])

    @cached_property
    def edges(self) -> NDArray[np.float64]:
        """The boundaries between neighboring cells, in increasing order, shape (n_cells - 1,)."""
        half = [self.half_width(c) for c in self.centres]
        pairs = zip(pairwise(self.centres), pairwise(half), strict=True)
        return np.array([float((a + u + b - v) / 2) for (a, b), (u, v) in pairs])

    def nearest(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """For each value, the number of a cell that contains it; values outside [0, 1] are first clipped to it."""
        return np.searchsorted(self.edges, np.clip(values, 0, 1))


@dataclass(frozen=True)
class UniformCells(ValueCells):
    """n cells of equal width.

    Proof of the error, with half the half width. Centers lie in [half, 1 - half], so the second term is at most
    (1 - 2 half) tanh(w/4) by SOFTMAX_MOVE with w = 2 eps, and the first term is at most half. A token that is stored
    exactly may have a value v outside [half, 1 - half], but it contributes nothing to the first term. Moving v into
    that interval changes the second term by at most half times the change of its weight, which is
    w_j (exp(w) - 1) <= w_j since w <= log 2.
    """

    n: int

    @classmethod
    def fit(cls, eta: Fraction, n: int) -> UniformCells:
        """n cells of half width 1/(2 n), plus one CENTRE_UNIT for rounding the centers."""
        centres = tuple(round(Fraction(2 * j + 1, 2 * n) / CENTRE_UNIT) * CENTRE_UNIT for j in range(n))
        return cls(eta, centres, n)

    def half_width(self, value: Fraction) -> Fraction:
        return Fraction(1, 2 * self.n) + CENTRE_UNIT

    @property
    def log_odds(self) -> Fraction:
        half = self.half_width(Fraction(1, 2))
        if half >= self.eta:
            raise invalid("n", "be above 1 / (2 eta)", self.n)
        most = lower_fraction(CURVED_LOG_ODDS.enclosure(Fraction(1, 4)))
        return min(most, lower_fraction(UNIFORM_LOG_ODDS.enclosure(self.eta, half)))


@dataclass(frozen=True)
class CurvedCells(ValueCells):
    """Cells of half width eta - g(v) with g(v) = beta h(|2 v - 1|)^2 and h(x) = R/2 + x/(2 R): wide in the middle.

    Values near 0 or 1 have the largest effect when weights change, so there most of eta is reserved for the keys. R is
    21/25.

    Proof that sum w_j (exp(c_j) - 1) v_j <= sum w_j g(v_j) for values v_j in [0, 1]. Since g is symmetric under
    v <-> 1 - v, the same bound then holds from below. The left side is linear in p_j = exp(c_j) - 1, where p_j is in
    [A, B] and sum w_j p_j = 0. So a maximum has p_j in {A, B} for all but one token, and this token may be split in
    two. Let W be the weight of the tokens with p_j = B, and let m+ and m- be the mean values of the tokens with p_j = B
    and p_j = A. With kappa = B - A, B = kappa (1 - W) and A = -kappa W, the left side is
    kappa W (1 - W) (m+ - m-), and 1 + B <= exp(w) (1 + A) gives kappa <= exp(w) - 1 = 4 beta. g is convex, so the right
    side is at least W g(m+) + (1 - W) g(m-) >= W (1 - W) (sqrt g(m+) + sqrt g(m-))^2 by Cauchy-Schwarz. Finally,
    h(x) + h(x') = R + (x + x')/(2 R) >= sqrt(2 (x + x')) with x + x' >= 2 (m+ - m-) makes this at least
    W (1 - W) 4 beta (m+ - m-). A token that is stored exactly needs only g(v) <= eta; the constructor checks it at
    v = 1, where g is largest.
    """

    beta: Fraction
    R: ClassVar[Fraction] = Fraction(21, 25)

    def __post_init__(self) -> None:
        check_beta(self.eta, self.beta)
        super().__post_init__()

    def half_width(self, value: Fraction) -> Fraction:
        return self.eta - spent_on_keys(self.beta, value)

    @property
    def log_odds(self) -> Fraction:
        return lower_fraction(CURVED_LOG_ODDS.enclosure(self.beta))

    @classmethod
    def fit(cls, eta: Fraction, beta: Fraction) -> CurvedCells:
        """The smallest number of cells that these widths allow, up to rounding of each center by a few CENTRE_UNIT."""
        check_beta(eta, beta)
        upper, centred = min((right_centres(eta, beta, centred) for centred in (True, False)), key=_count)
        grains = [*(2**44 - grain for grain in reversed(upper)), *([2**43] if centred else []), *upper]
        return cls(eta, tuple(grain * CENTRE_UNIT for grain in grains), beta)


def spent_on_keys(beta: Fraction, value: Fraction) -> Fraction:
    """g(v) of `CurvedCells`: the part of eta that is reserved for the keys at value v."""
    h = (CurvedCells.R + abs(2 * value - 1) / CurvedCells.R) / 2
    return beta * h * h


def check_beta(eta: Fraction, beta: Fraction) -> None:
    """Raise InvalidArgument unless beta > 0 and g(1) < eta; then every cell has positive width."""
    most = eta / spent_on_keys(Fraction(1), Fraction(1))
    if not 0 < beta < most:
        raise invalid("beta", f"be > 0 and below {float(most):.6g}", beta)


def _count(found: tuple[list[int], bool]) -> int:
    return 2 * len(found[0]) + found[1]


def cells_needed(eta: Fraction, beta: Fraction) -> int:
    """The number of cells that `CurvedCells.fit` makes, computed in floats without a proof that they cover [0, 1]."""
    return min(_count(right_centres(eta, beta, centred)) for centred in (True, False))


def right_centres(eta: Fraction, beta: Fraction, centred: bool) -> tuple[list[int], bool]:
    """The centers above 1/2 of cells that are symmetric about 1/2, in units of 2^-44, and `centred` again.

    1/2 is a center if `centred`, else an edge. Each center is the largest v with v - half_width(v) <= the edge before
    it (a quadratic inequality), minus two units. Computed in floats; the constructor of `CurvedCells` proves coverage.
    """
    e, r2 = float(eta), float(CurvedCells.R) ** 2
    k = float(beta) / (4 * r2)
    edge = 0.5 + e - k * r2 * r2 if centred else 0.5
    found: list[int] = []
    while edge < 1:
        rest = edge + e - (1 - r2) / 2
        y = 4 * rest / (1 + math.sqrt(1 + 16 * k * rest))
        grain = min(int((1 + y - r2) / 2 * 2**44) - 2, 2**44)
        centre = grain / 2**44
        found.append(grain)
        edge = centre + e - k * (r2 + 2 * centre - 1) ** 2
    return found, centred
