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

Dithered keys (public coins; failure probability delta for each query) need not be near their point in every direction.
A key is stored as a point of spacing * (Z^d + u), where u is uniform in a cube and the same for all tokens. The error E
of each key is then spacing times a uniform point of the cube, whatever the key is. So for a query q that does not
depend on u, P(|<q, E>| > t) <= 2 exp(-6 t^2 / spacing^2): a uniform variable is sub-Gaussian with its own variance 1/12
(sinh(x/2)/(x/2) <= exp(x^2/24), term by term), as in Hoeffding's proof. By a union bound over T tokens, which need not
be independent, every |multiplier <q, E>| is at most w / 2 with probability 1 - delta, for all d outputs of the query at
once. In low dimension this grid would be finer than the one that needs no coins, and then the latter is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from typing import Literal

from flint import arb

from lowerbound.ceiling.lattices import BLOCK, DualRoots, Gosset, Integers, Lattice
from lowerbound.ceiling.multisets import MultisetCode
from lowerbound.ceiling.value_cells import CurvedCells, UniformCells, ValueCells, cells_needed
from lowerbound.core.cache import COUNT_BITS
from lowerbound.core.scalars import Rational, ball, precision, rational, upper_fraction
from lowerbound.errors import invalid, unknown

Profile = Literal["curved", "uniform"]

WIDENING_BITS = 16
"""Width in bits of a header field of a played state: by how many bits its words are wider than words below N.

The field stands between the number of tokens and the words.
"""
PRECISION_BITS = 256
LEAST_ETA = Fraction(1, 10**5)
"""Cells of values are listed one by one, about 1 / (2 eta) of them, for each of SHARES: half a minute at this error."""
SPACING_BITS = 24
ROOM = 1 + Fraction(1, 2**26)
"""Safety factor on the spacing: float64 errs by about 1e-15 when it plays, on distances above 1e-6."""
SHARES = tuple(Fraction(k, 50) for k in range(26, 40))
"""The values of beta / eta that are tried. The best one is near 0.70 for small eta, and near 0.62 at eta = 1/10."""


@lru_cache(maxsize=1024)
def points_at_most(lattice: Lattice, spacing: Fraction) -> int:
    """An upper bound on the number of points of spacing * (lattice + shift) that are nearest to some unit vector.

    Contract: for every shift, an integer >= the number of points within the covering radius of the unit sphere; it is
    at least 1.
    """
    with precision(PRECISION_BITS):
        half, reach = ball(Fraction(lattice.n, 2)), ball(spacing) * ball(lattice.covering_squared).sqrt()
        inner = 1 - 2 * reach if 2 * reach < 1 else arb(0)
        unit_ball = arb.pi() ** half / (half + 1).gamma()
        cell = ball(spacing) ** lattice.n * ball(lattice.volume_squared).sqrt()
        shell = unit_ball * ((1 + 2 * reach) ** lattice.n - inner**lattice.n)
        return max(1, math.floor(upper_fraction(shell / cell)))


@dataclass(frozen=True)
class Achieved:
    """A cache of T tokens of one head whose answers are within eta of exact attention, and its size in bits.

    Contract: for unit keys and queries, values in [0, 1] and logit = multiplier <q, k>, every answer over the T tokens,
    together with any further tokens that are stored exactly, is within eta of exact attention. This holds always if
    failure_prob = 0, and otherwise with probability at least 1 - failure_prob over public coins on which the query does
    not depend. The constructor proves, in exact rationals, that the spacing is fine enough for the cells, or raises
    InvalidArgument. `bits` is an integer >= log2 of the number of states.

    Parameters
    ----------
    code : str
        The name of the code, one of LATTICES.
    n_tokens, d : int
        T, and the head dimension.
    multiplier, eta, failure_prob : Fraction
    lattice : Lattice
        A lattice of dimension d, or of the next multiple of 8 for blocks of E8 (keys are then padded with zeros).
    spacing : Fraction
        The length in key space of one unit of the lattice.
    cells : ValueCells
        The cells of each value.
    """

    code: str
    n_tokens: int
    d: int
    multiplier: Fraction
    eta: Fraction
    failure_prob: Fraction
    lattice: Lattice
    spacing: Fraction
    cells: ValueCells

    def __post_init__(self) -> None:
        if self.n_tokens < 1:
            raise invalid("n_tokens", "be >= 1", self.n_tokens)
        if self.failure_prob and not (self.code == DITHERED and 0 < self.failure_prob < 1):
            raise invalid("failure_prob", f"be 0, or in (0, 1) for {DITHERED}", self.failure_prob)
        if self.cells.eta > self.eta:
            raise invalid("cells", f"promise an error of at most {self.eta}", self.cells.eta)
        if not lattice_fits(self.code, self.lattice, self.d):
            raise invalid("lattice", f"be that of {self.code} for d = {self.d}", self.lattice)
        step = self.multiplier * self.spacing * ROOM
        if step <= 0 or step**2 * self._needed_squared > self.cells.log_odds**2:
            raise invalid("spacing", "be > 0, and leave log-odds within what the cells allow", self.spacing)

    @property
    def _needed_squared(self) -> Fraction:
        """The least (w / (multiplier * spacing))^2 that suffices, where w is the move of log-odds that cells allow."""
        return log_odds_squared(self.lattice, self.n_tokens, self.failure_prob)

    @cached_property
    def n_points(self) -> int:
        """An upper bound on the number of lattice points as which a key may be stored."""
        return points_at_most(self.lattice, self.spacing)

    @cached_property
    def n_words(self) -> int:
        """N, an upper bound on the number of words (key point and value cells) as which a token may be stored."""
        return self.n_points * int(self.cells.n_cells**self.d)

    @cached_property
    def bits(self) -> int:
        """log2 ((N + T)^T / T!), rounded up: the bits of a fixed-length code of the state that exists."""
        with precision(PRECISION_BITS):
            count = arb(self.n_tokens)
            nats = count * arb(self.n_words + self.n_tokens).log() - (count + 1).lgamma()
            return math.ceil(upper_fraction(nats / arb(2).log()))

    @property
    def played_bits(self) -> int:
        """The bits of the state that the registered cache writes if every word is below N, without padding to bytes."""
        return COUNT_BITS + WIDENING_BITS + MultisetCode(self.n_tokens, self.n_words).bits

    @property
    def bits_per_token(self) -> Fraction:
        """`bits` divided by T."""
        return Fraction(self.bits, self.n_tokens)


LATTICES: dict[str, type[Lattice]] = {"z": Integers, "e8": Gosset, "a": DualRoots, "dithered": Integers}
"""The lattice family of each code, by the code's name."""
DITHERED = "dithered"


def lattice_of(code: str, d: int) -> Lattice:
    """The lattice in which this code stores keys of R^d; UnknownName for other codes."""
    if code not in LATTICES:
        raise unknown("code", code, LATTICES)
    family = LATTICES[code]
    return family(d + -d % BLOCK if family is Gosset else d)


def lattice_fits(code: str, lattice: Lattice, d: int) -> bool:
    """Whether `lattice` is the lattice in which this code stores keys of R^d; UnknownName for other codes."""
    return lattice_of(code, d) == lattice


def log_odds_squared(lattice: Lattice, n_tokens: int, failure_prob: Fraction) -> Fraction:
    """The square of the largest move of the log-odds between two tokens, in units of multiplier * spacing; rounded up.

    Without coins (failure_prob = 0) it is (2 covering radius)^2. With coins it is the smaller of that and
    4 log(2 T / delta) / 6.
    """
    surely = 4 * lattice.covering_squared
    if failure_prob == 0:
        return surely
    with precision(PRECISION_BITS):
        return min(surely, upper_fraction(ball(2 * n_tokens / failure_prob).log()) * 2 / 3)


def achieved(
    code: str,
    n_tokens: int,
    d: int,
    *,
    multiplier: Rational,
    eta: Rational,
    failure_prob: Rational = 0,
    profile: Profile = "curved",
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
    profile : "curved" or "uniform"
        The kind of value cells. Uniform cells cost about 0.65 bits more per (key, value) entry pair.
    """
    factor, error, delta = rational(multiplier), rational(eta, name="eta"), rational(failure_prob, name="failure_prob")
    if n_tokens < 1 or d < 1:
        raise invalid("n_tokens and d", "be >= 1", (n_tokens, d))
    if factor <= 0:
        raise invalid("multiplier", "be > 0", factor)
    if not LEAST_ETA <= error < Fraction(1, 2):
        nearest = LEAST_ETA if error < LEAST_ETA else "0.49"
        raise invalid("eta", f"lie in [{LEAST_ETA}, 1/2), where a cache can be made", str(error), nearest=nearest)
    if not (0 < delta < 1 if code == DITHERED else delta == 0):
        raise invalid("failure_prob", f"be {'in (0, 1)' if code == DITHERED else '0'} for {code}", delta)
    return _achieved(code, n_tokens, d, factor, error, delta, profile)


@lru_cache(maxsize=256)
def _achieved(
    code: str, n_tokens: int, d: int, multiplier: Fraction, eta: Fraction, failure_prob: Fraction, profile: Profile
) -> Achieved:
    lattice = lattice_of(code, d)
    needed = log_odds_squared(lattice, n_tokens, failure_prob)

    def rough_bits(log_odds: float, n_cells: int) -> float:
        """The bits per token in floats, for comparison only: which parameters are cheapest needs no proof."""
        spacing = log_odds / float(multiplier) / math.sqrt(needed)
        reach = 2 * spacing * math.sqrt(lattice.covering_squared)
        hollow = lattice.n * (math.log1p(-reach) - math.log1p(reach)) if reach < 1 else -math.inf
        shell = lattice.n * math.log1p(reach) + math.log(-math.expm1(hollow))
        return d * math.log2(n_cells) + (shell - lattice.n * math.log(spacing)) / math.log(2)

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
    spacing = _rounded_down(float(cells.log_odds) / float(multiplier) / math.sqrt(needed))
    return Achieved(code, n_tokens, d, multiplier, eta, failure_prob, lattice, spacing, cells)


def _rounded_down(value: float) -> Fraction:
    """A number with 24 significant bits that is smaller than `value` by 1 to 2 units of its last place."""
    mantissa, exponent = math.frexp(value)
    return Fraction(int(mantissa * 2**SPACING_BITS) - 1) * Fraction(2) ** (exponent - SPACING_BITS)


def cheapest(n_tokens: int, d: int, *, multiplier: Rational, eta: Rational, failure_prob: Rational = 0) -> Achieved:
    """The cheapest of the codes for T tokens of a head of dimension d; `bits` counts a proved fixed-length code.

    Contract: `achieved` of the code with the fewest `bits`. The dithered code is considered only if failure_prob > 0,
    and its promise is weaker (see the module). At failure_prob = 0, `bits` is the numerator of the tightness ratio.
    """
    delta = rational(failure_prob, name="failure_prob")
    found = [
        achieved(code, n_tokens, d, multiplier=multiplier, eta=eta, failure_prob=delta if code == DITHERED else 0)
        for code in LATTICES
        if code != DITHERED or delta > 0
    ]
    return min(found, key=lambda each: each.bits)
