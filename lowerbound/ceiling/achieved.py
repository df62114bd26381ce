"""The upper bound: caches that keep every answer within eta, and a proved count of the bits that suffice for them.

A unit key is stored as a lattice point at distance at most r, each value in [0, 1] as the number of a cell that
contains it, and the tokens as a multiset. With logit = multiplier <q, k> and |q| <= 1, the log-odds between two tokens
move by at most 2 multiplier r, and `value_cells` proves that answers then move by at most eta.

`bits` is the length of a *fixed-length code that exists*. A lattice point within r of the sphere has its cell within
2 r of the sphere, so there are at most vol{1 - 2 r <= |y| <= 1 + 2 r} / vol(cell) such points. A token is one of
N = points * cells^d words, and a state is one of at most (N + T)^T / T! multisets. A coder that ranks these multisets
is possible but slow. The caches that use these codes write `played_bits`, which is larger by at most 0.1 bit per token
and a header. It is not proved that their coder finds a word below N for every token. If it finds none, the
words of that state are made wider, and the state records by how many bits (`lowerbound.ceiling.shell_code`).

With public coins and a failure probability, `lowerbound.ceiling.dithered` needs fewer bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from flint import arb

from lowerbound.ceiling.code import PRECISION_BITS, ROOM, WIDENING_BITS, Achieved, log_points, rounded_below
from lowerbound.ceiling.dithered import DITHERED, Dithered
from lowerbound.ceiling.lattices import BLOCK, DualRoots, Gosset, Integers, Lattice
from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.ceiling.value_cells import CurvedCells, UniformCells, ValueCells, cells_needed
from lowerbound.core.cache import COUNT_BITS
from lowerbound.core.scalars import Rational, precision, rational, upper_fraction
from lowerbound.errors import invalid, unknown

Profile = Literal["curved", "uniform"]

LEAST_ETA = Fraction(1, 10**5)
"""Cells of values are listed one by one, about 1 / (2 eta) of them, for each of SHARES: half a minute at this error."""
SHARES = tuple(Fraction(k, 50) for k in range(26, 40))
"""The values of beta / eta that are tried. The best one is near 0.70 for small eta, and near 0.62 at eta = 1/10."""


@dataclass(frozen=True)
class Rounded(Achieved):
    """The codes without coins: a key is stored as a nearest lattice point, a value as a cell, the tokens as a multiset.

    Contract: that of `Achieved`, with failure_prob = 0. The constructor proves, in exact rationals, that the spacing is
    fine enough for the cells, or raises InvalidArgument.

    Parameters
    ----------
    code : str
        One of LATTICES.
    lattice : Lattice
        A lattice of dimension d, or of the next multiple of 8 for blocks of E8 (keys are then padded with zeros).
    cells : ValueCells
        The cells of each value.
    """

    cells: ValueCells

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.failure_prob:
            raise invalid("failure_prob", f"be 0 for {self.code}", self.failure_prob)
        if self.cells.eta > self.eta:
            raise invalid("cells", f"promise an error of at most {self.eta}", self.cells.eta)
        if lattice_of(self.code, self.d) != self.lattice:
            raise invalid("lattice", f"be that of {self.code} for d = {self.d}", self.lattice)
        # No log-odds between two tokens moves by more than 2 multiplier r.
        move_squared = 4 * self.lattice.covering_squared * (self.multiplier * self.spacing * ROOM) ** 2
        if move_squared > self.cells.log_odds**2:
            raise invalid("spacing", "leave log-odds within what the cells allow", self.spacing)

    @property
    def n_cells(self) -> int:
        return self.cells.n_cells

    @property
    def bits(self) -> int:
        """log2 ((N + T)^T / T!), rounded up: the bits of a fixed-length code of the state that exists."""
        with precision(PRECISION_BITS):
            count = arb(self.n_tokens)
            nats = count * arb(self.n_words + self.n_tokens).log() - (count + 1).lgamma()
            return math.ceil(upper_fraction(nats / arb(2).log()))

    @property
    def played_bits(self) -> int:
        return COUNT_BITS + WIDENING_BITS + MultisetCode(self.n_tokens, self.n_words).bits


LATTICES: dict[str, type[Lattice]] = {"z": Integers, "e8": Gosset, "a": DualRoots}
"""The lattice family of each code without coins, by the code's name."""
CODES = (*LATTICES, DITHERED)
"""The names of all codes."""


def lattice_of(code: str, d: int) -> Lattice:
    """The lattice in which this code stores keys of R^d; UnknownName for other codes."""
    if code not in LATTICES:
        raise unknown("code", code, LATTICES)
    family = LATTICES[code]
    return family(d + -d % BLOCK if family is Gosset else d)


def achieved(
    code: str,
    n_tokens: int,
    d: int,
    *,
    multiplier: Rational,
    eta: Rational,
    failure_prob: Rational = 0,
) -> Achieved:
    """The parameters of one of the codes that need the fewest bits, among those that are tried.

    Contract: an `Achieved` for these arguments. `failure_prob` must be in (0, 1) for the dithered code and 0 for the
    others; this and every other argument outside its range raise InvalidArgument, and unknown codes UnknownName.

    Parameters
    ----------
    multiplier : Rational > 0
        The cap on |q| |k| times the softmax scale.
    eta : Rational in [LEAST_ETA, 1/2)
        At 1/2 and above, nothing needs to be stored.
    """
    if code not in CODES:
        raise unknown("code", code, CODES)
    delta = rational(failure_prob, name="failure_prob")
    if code != DITHERED:
        if delta:
            raise invalid("failure_prob", f"be 0 for {code}", str(delta), nearest=0)
        return rounded(code, n_tokens, d, multiplier=multiplier, eta=eta)
    factor, error = _checked(n_tokens, d, multiplier, eta)
    return Dithered.fit(n_tokens, d, multiplier=factor, eta=error, failure_prob=delta)


def rounded(
    code: str, n_tokens: int, d: int, *, multiplier: Rational, eta: Rational, profile: Profile = "curved"
) -> Rounded:
    """`achieved` of one of the codes without coins.

    Parameters
    ----------
    profile : "curved" or "uniform"
        The kind of value cells. Uniform cells cost about 0.65 bits more per (key, value) entry pair.
    """
    factor, error = _checked(n_tokens, d, multiplier, eta)
    return _rounded(code, n_tokens, d, factor, error, profile)


def _checked(n_tokens: int, d: int, multiplier: Rational, eta: Rational) -> tuple[Fraction, Fraction]:
    factor, error = rational(multiplier), rational(eta, name="eta")
    if n_tokens < 1 or d < 1:
        raise invalid("n_tokens and d", "be >= 1", (n_tokens, d))
    if factor <= 0:
        raise invalid("multiplier", "be > 0", factor)
    if not LEAST_ETA <= error < Fraction(1, 2):
        nearest = LEAST_ETA if error < LEAST_ETA else "0.49"
        raise invalid("eta", f"lie in [{LEAST_ETA}, 1/2), where a cache can be made", str(error), nearest=nearest)
    return factor, error


@lru_cache(maxsize=256)
def _rounded(code: str, n_tokens: int, d: int, multiplier: Fraction, eta: Fraction, profile: Profile) -> Rounded:
    lattice = lattice_of(code, d)
    reach = 2 * math.sqrt(lattice.covering_squared)

    def rough_bits(log_odds: float, n_cells: int) -> float:
        """The bits per token in floats, for comparison only: which parameters are cheapest needs no proof."""
        spacing = log_odds / float(multiplier) / reach
        return d * math.log2(n_cells) + log_points(lattice.n, reach * spacing, spacing) / math.log(2)

    if profile == "curved":
        betas = [share * eta for share in SHARES]
        best = min(betas, key=lambda beta: rough_bits(math.log1p(4 * float(beta)), cells_needed(eta, beta)))
        cells: ValueCells = CurvedCells.fit(eta, best)
    else:
        least = math.floor(1 / (2 * eta)) + 1
        counts = sorted({*range(least, least + 12), *(least * k // 20 for k in range(21, 80))})
        moves = {n: float((eta - Fraction(1, 2 * n)) / (1 - Fraction(1, n))) for n in counts if n > 1}
        fewest = min(moves, key=lambda n: rough_bits(min(4 * math.atanh(moves[n]), math.log(2)), n))
        cells = UniformCells.fit(eta, fewest)
    spacing = rounded_below(float(cells.log_odds) / float(multiplier) / reach)
    return Rounded(code, n_tokens, d, multiplier, eta, Fraction(0), lattice, spacing, cells)


def cheapest(n_tokens: int, d: int, *, multiplier: Rational, eta: Rational, failure_prob: Rational = 0) -> Achieved:
    """The cheapest of the codes for T tokens of a head of dimension d; `bits` counts a proved fixed-length code.

    Contract: `achieved` of the code with the fewest `bits`. The dithered code is considered only if failure_prob > 0,
    and its promise is weaker (see the module). At failure_prob = 0, `bits` is the numerator of the tightness ratio.
    """
    delta = rational(failure_prob, name="failure_prob")
    found = [
        achieved(code, n_tokens, d, multiplier=multiplier, eta=eta, failure_prob=delta if code == DITHERED else 0)
        for code in CODES
        if code != DITHERED or delta > 0
    ]
    return min(found, key=lambda each: each.bits)
