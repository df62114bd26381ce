"""The highest floor for a head: parameters of Theorems A, B, C, C', D and E, proposed in floating point.

Nothing here decides: a proposal is a payload for the judge, and the bits are what it is expected to verify.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import betainc, gammaln

from lowerbound.attack.addresses import Book, books
from lowerbound.core.keys.choice import best_family
from lowerbound.core.keys.family import IntRows
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.kernel.separated import MOST_WORDS

FloatArray = NDArray[np.float64]

PRECISION_BITS = 128
SPHERE_PRECISION_BITS = 192
GRID = 120
"""Points an axis of the first look at (rho^2, gamma)."""
MILLIONTHS = 10**6
MOST_LEVELS = 2**20


@dataclass(frozen=True)
class Head:
    """What a floor is about: T cached tokens and T_N own ones in R^d, logits up to `multiplier`, and the errors.

    `eta` is additive for values in [0, 1]; `delta` is the failure probability of an answer.
    """

    n_tokens: int
    n_own: int
    d: int
    multiplier: Fraction
    eta: Fraction
    delta: Fraction


@dataclass(frozen=True)
class Design:
    """A certificate's kind and payload, and the bits a head that it should prove."""

    theorem: str
    kind: str
    bits: float
    payload: dict[str, Any]


Search = Callable[[Head], Design | None]


def fano_bits(levels: FloatArray | float, delta: float) -> Any:
    """Bits of a symbol known with error delta; not below 0."""
    entropy = -(delta * np.log2(delta) + (1 - delta) * np.log2(1 - delta)) if delta else 0.0
    wrong = delta * np.log2(np.maximum(np.asarray(levels, float) - 1, 1.0)) if delta else 0.0
    return np.maximum(0.0, np.log2(levels) - entropy - wrong)


def below(value: Any) -> Any:
    """The largest whole number certainly under a float that may be rounded."""
    return np.floor(np.asarray(value) * (1 - 1e-11))


# ---------------------------------------------------------------------------------------------- values: A and B


def values_design(head: Head) -> Design | None:
    """Theorem B: as many levels of each value as public keys of the best family keep apart."""
    return _values(head, "B")


def paper_design(head: Head) -> Design | None:
    """Theorem A: one bit a value, relative error."""
    return _values(head, "A")


def _values(head: Head, theorem: str) -> Design | None:
    n_keys = head.n_tokens + head.n_own
    try:
        family = best_family(n_keys, head.d)
        bound = family.coherence_bound(n_keys, head.d)
        keys = family.keys(n_keys, head.d)
    except ImpossibleReduction:
        return None
    mu = keys.coherence if bound is None else bound
    tau = (n_keys - 1) * np.exp(-float(head.multiplier) * (1 - float(mu)))
    if theorem == "A":
        levels = 2 if 2 * tau * (1 + 1e-9) < 1 - float(head.eta) else 0
    else:
        levels = int(min(MOST_LEVELS, 1 + below(1 / (2 * (float(head.eta) + tau)))))
    if levels < 2 or head.delta > 1 - Fraction(1, levels):
        return None
    payload = {
        "precision": PRECISION_BITS,
        "keys": described(keys.rows),
        "coherence": str(max(mu, Fraction(0))),
        "multiplier": str(head.multiplier),
        "levels": levels,
    }
    bits = head.n_tokens * head.d * float(fano_bits(levels, float(head.delta)))
    return Design(theorem, "values_floor", bits, payload)


def described(rows: IntRows) -> dict[str, Any]:
    """The rows as the judge reads them: as words of a few cosets of the affine functions, of a linear code, or entries.

    Contract: the description holds at least these rows; it is a code where the rows are signs, padded by zeros, and
    the judge can walk through that code. Kerdock sets and trace codes are unions of cosets of the affine functions, or
    linear, so that the whole description has the family's coherence.
    """
    length = int(np.nonzero(rows.any(axis=0))[0][-1]) + 1
    if (np.abs(rows[:, :length]) != 1).any():
        return {"rows": rows.tolist()}
    words = [int.from_bytes(np.packbits(row).tobytes(), "big") >> -length % 8 for row in rows[:, :length] < 0]
    affine = _basis(_affine(length))
    leaders = sorted({_reduced(word, affine) for word in words})
    if len(leaders) * (len(leaders) + 1) // 2 << len(affine) <= MOST_WORDS:
        return _code(length, affine, leaders)
    span = _basis(word ^ words[0] for word in words)
    return _code(length, span, words[:1]) if len(span) <= LARGEST_SPAN else {"rows": rows.tolist()}


def _code(length: int, basis: list[int], leaders: list[int]) -> dict[str, Any]:
    digits = -(-length // 4)
    return {
        "length": length,
        "basis": [f"{word:0{digits}x}" for word in basis],
        "cosets": [f"{word:0{digits}x}" for word in leaders],
    }


LARGEST_SPAN = 22


def _basis(words: Iterator[int]) -> list[int]:
    """A basis of the binary span, highest bits apart."""
    basis: list[int] = []
    for word in words:
        rest = _reduced(word, basis)
        if rest:
            basis.append(rest)
            if len(basis) > LARGEST_SPAN:
                break
    return basis


def _reduced(word: int, basis: list[int]) -> int:
    for known in basis:
        word = min(word, word ^ known)
    return word


def _affine(length: int) -> Iterator[int]:
    """The constant and the coordinate functions on 0..length-1."""
    yield (1 << length) - 1
    for bit in range((length - 1).bit_length()):
        yield sum(1 << place for place in range(length) if place >> bit & 1)


# ---------------------------------------------------------------------------------------- keys and values: C, C'


def single_read_design(head: Head) -> Design | None:
    """Theorem C: every symbol is read once, against one reference; any delta."""
    return max((_tuned(head, book, zoom=False) for book in books(head.n_tokens)), key=_bits_of, default=None)


def zoom_design(head: Head) -> Design | None:
    """Theorem C': Bob asks again with a better reference; delta = 0."""
    if head.delta:
        return None
    return max((_tuned(head, book, zoom=True) for book in books(head.n_tokens)), key=_bits_of, default=None)


def _bits_of(design: Design | None) -> float:
    return -1.0 if design is None else design.bits


def _tuned(head: Head, book: Book, *, zoom: bool) -> Design | None:
    """The best rho^2 and gamma for a book, in millionths: a grid, then ever smaller steps around the best."""
    if book.d_a > head.d - 2:
        return None
    shares, tilts = np.meshgrid(np.linspace(0.02, 0.97, GRID), np.geomspace(0.03, 2.5, GRID))
    found = _levels(head, book, shares, tilts, zoom=zoom)[0]
    place = np.unravel_index(int(found.argmax()), found.shape)
    best, share, tilt = float(found[place]), float(shares[place]), float(tilts[place])
    step = 0.02
    while step > 1e-5:
        near_shares, near_tilts = np.meshgrid(
            share + step * np.arange(-3, 4) / 3, tilt * (1 + step * np.arange(-3, 4) / 3)
        )
        found = _levels(head, book, near_shares, near_tilts, zoom=zoom)[0]
        place = np.unravel_index(int(found.argmax()), found.shape)
        if found[place] > best:
            best, share, tilt = float(found[place]), float(near_shares[place]), float(near_tilts[place])
        else:
            step /= 2
    rho_squared, gamma = Fraction(round(share * MILLIONTHS), MILLIONTHS), Fraction(round(tilt * MILLIONTHS), MILLIONTHS)
    bits, value_levels, key_levels = (
        float(x[0]) for x in _levels(head, book, np.array([float(rho_squared)]), np.array([float(gamma)]), zoom=zoom)
    )
    if bits <= 0:
        return None
    payload = {
        "precision": PRECISION_BITS,
        "addresses": described(book.rows),
        "address_dimension": book.d_a,
        "coherence": str(book.coherence),
        "rho_squared": str(rho_squared),
        "gamma": str(gamma),
        "multiplier": str(head.multiplier),
        "value_levels": int(value_levels),
        "key_levels": int(key_levels),
    }
    return Design("C'" if zoom else "C", "keys_and_values_floor", bits, payload)


def _levels(
    head: Head, book: Book, shares: FloatArray, tilts: FloatArray, *, zoom: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Bits, value levels and key levels for each (rho^2, gamma); 0 bits where a condition fails."""
    n, own, d, p = head.n_tokens, head.n_own, head.d, head.d - book.d_a - 1
    lam, eta, far = float(head.multiplier), float(head.eta), 1 - float(book.coherence)
    inside = (shares > 0) & (shares < 1) & (tilts > 0)
    shares, tilts = np.where(inside, shares, 0.5), np.where(inside, tilts, 1.0)
    address, slope = np.sqrt(1 - shares), lam / np.sqrt(1 + tilts**2)
    c = tilts * slope * np.sqrt(shares / p)
    tau_values = (n + own - 1) * np.exp(-lam * address * far)
    with np.errstate(over="ignore", divide="ignore"):
        if zoom:
            tau = (n - 1) * np.exp(np.minimum(2 * c - slope * address * far, 700.0))
            key_levels = 1 + below(2 * c / (4 * np.arctanh(2 * eta) + np.log1p(tau)))
            inside &= c + np.log(own) < c * np.sqrt(p) * (1 - 1e-9)
        else:
            tau = (n - 1) * np.exp(np.minimum(c - slope * address * far, 700.0))
            key_levels = 1 + below(np.tanh(c / 2) / (2 * eta + tau))
            inside &= np.log(own) < c * np.sqrt(p) * (1 - 1e-9)
        value_levels = 1 + below(1 / (2 * (eta + tau_values)))
    value_levels, key_levels = np.minimum(value_levels, MOST_LEVELS), np.minimum(key_levels, MOST_LEVELS)
    delta = float(head.delta)
    inside &= (value_levels >= 2) & (key_levels >= 2) & (delta <= 1 - 1 / np.maximum(key_levels, 1))
    bits = n * (
        (d - 1) * fano_bits(np.maximum(value_levels, 2), delta) + p * fano_bits(np.maximum(key_levels, 2), delta)
    )
    return np.where(inside, bits, 0.0), value_levels, key_levels


# ------------------------------------------------------------------------------------------ cliques: D and E

SLACK = Fraction(103, 100)
INCOHERENT_SHARE = 0.02
LEAKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""tau as a share of s: how much of the error budget is given to the other tokens."""
TILT_STEP = np.radians(0.5)
STEEPEST = np.radians(80.5)


def _tail(heights: FloatArray | float, d: int) -> FloatArray:
    heights = np.asarray(heights, float)
    half = 0.5 * betainc((d - 1) / 2, 0.5, np.maximum(0.0, 1 - heights * heights))
    return np.asarray(np.where(heights >= 0, half, 1 - half))


def _log_cap(angles: FloatArray, d: int) -> FloatArray:
    a, x = (d - 1) / 2, np.sin(angles) ** 2
    small = a * np.log(x) - np.log(2 * a) - (gammaln(a) + gammaln(0.5) - gammaln(a + 0.5))
    return np.asarray(np.where(x > 1e-3, np.log(np.maximum(0.5 * betainc(a, 0.5, x), 1e-300)), small))


def _mean_weight(tilt: float, limit: float, d: int, multiplier: float) -> float:
    top = np.cos(tilt) + np.log(limit) / multiplier
    if top - 0.6 <= -0.9:
        return 1.0
    heights = top - np.linspace(0, 0.6, 121)
    tails = _tail(heights, d)
    weights = np.exp(multiplier * (heights - np.cos(tilt))) / limit
    return float(tails[0] + (np.diff(tails) * weights[:-1]).sum() + weights[-1])


@dataclass(frozen=True)
class _Tilts:
    """One choice of tau: the tilts from which a chain is picked, and what matching makes of it."""

    coherence: Fraction
    tau: float
    first: float
    near: float
    gap: float
    tilts: FloatArray
    closed: FloatArray


def _tilts(head: Head, coherence: Fraction, share: float, *, from_limit: bool) -> _Tilts | None:
    n, d, lam = head.n_tokens, head.d, float(head.multiplier)
    spread = 4 * np.arctanh(2 * float(head.eta))
    tau, apart = share * spread, np.arccos(float(coherence))
    gap = spread + np.log1p(tau)

    def leak(tilt: float, level: float) -> float:
        return float(np.log(n) + lam * (np.cos(apart - tilt) - np.cos(tilt)) - np.log(level))

    lowest = 0.02
    if not tau < 1 or leak(lowest, tau) > 0:
        return None
    first = float(brentq(leak, lowest, apart, args=(tau,))) - 1e-4
    if np.cos(first) + gap / lam >= 1:
        return None
    near = first - np.arccos(np.cos(first) + gap / lam)
    limit = tau * np.exp(-2 * lam * near)
    start = first
    if from_limit:
        if leak(lowest, limit) > 0:
            return None
        start = float(brentq(leak, lowest, apart, args=(limit,))) - 1e-4
    tilts = np.concatenate([[start], np.arange(start + 2 * TILT_STEP, STEEPEST, TILT_STEP)])
    tilts = tilts[np.cos(tilts) + gap / lam < 1]
    if not len(tilts) or not near > 0 or 3 * near >= apart:
        return None
    same = (n - 1) * np.exp(-2 * lam * np.cos(tilts) * (1 - float(coherence))) / limit**2
    closed = np.array([((n - 1) * _mean_weight(float(tilt), limit, d, lam)) ** 2 for tilt in tilts]) + same
    return _Tilts(coherence, tau, first, float(near), float(gap), tilts, closed)


def _cheapest_chain(log_costs: FloatArray, closed: FloatArray) -> tuple[float, list[int]]:
    """The chain 0 = m_0 < m_1 < ... that minimises cost[last] + sum cost[m_i] closed[m_{i+1}]; its log, and itself."""
    base = log_costs.min()
    costs = np.exp(log_costs - base)
    totals, previous = np.zeros(len(costs)), [-1] * len(costs)
    for m in range(1, len(costs)):
        through = totals[:m] + costs[:m] * closed[m]
        previous[m] = int(np.argmin(through))
        totals[m] = through[previous[m]]
    last = int(np.argmin(totals + costs))
    chain = [last]
    while previous[chain[-1]] >= 0:
        chain.append(previous[chain[-1]])
    return float(base + np.log((totals + costs)[last])), chain[::-1]


def _proposals(head: Head, *, from_limit: bool) -> Iterator[_Tilts]:
    if head.delta or head.d < 3 or not 0 < head.eta < Fraction(1, 2):
        return

    def incoherent(height: float) -> float:
        return float(head.n_tokens * (head.n_tokens - 1) / 2 * _tail(height, head.d)) - INCOHERENT_SHARE

    if incoherent(0.001) < 0 or incoherent(0.999) > 0:
        return
    coherence = Fraction(int(np.ceil(1000 * brentq(incoherent, 0.001, 0.999))), 1000)
    if coherence >= 1:
        return
    for share in LEAKS:
        tilts = _tilts(head, coherence, share, from_limit=from_limit)
        if tilts is not None:
            yield tilts


def _value_levels(head: Head) -> int:
    return int(min(MOST_LEVELS, 1 + np.floor((1 - 1e-6) / (2 * float(head.eta))))) if head.eta else MOST_LEVELS


def _written(tilts: _Tilts, chain: list[int]) -> dict[str, Any]:
    return {
        "precision": SPHERE_PRECISION_BITS,
        "mu_0": str(tilts.coherence),
        "slack": str(SLACK),
        "tau": str(Fraction(f"{tilts.tau:.6g}")),
        "chain": [str(Fraction(f"{tilts.tilts[m]:.5f}")) for m in chain],
    }


def _common_bits(head: Head, tilts: _Tilts) -> float:
    """log2 g - log2 T!, in bits."""
    incoherent = head.n_tokens * (head.n_tokens - 1) / 2 * float(_tail(float(tilts.coherence), head.d))
    good = 1 - incoherent - 1 / float(SLACK)
    return float(np.log2(good) - gammaln(head.n_tokens + 1) / np.log(2)) if good > 0 else -np.inf


def collision_design(head: Head) -> Design | None:
    """Theorem D: random instances rarely share a state; delta = 0."""
    best: Design | None = None
    levels = _value_levels(head)
    for tilts in _proposals(head, from_limit=False):
        angles = tilts.tilts - np.arccos(np.cos(tilts.tilts) + tilts.gap / float(head.multiplier))
        log_measure, chain = _cheapest_chain(_log_cap(angles, head.d), tilts.closed)
        token = (head.d - 1) * np.log2(levels) - (np.log(float(SLACK)) + log_measure) / np.log(2)
        bits = head.n_tokens * token + _common_bits(head, tilts)
        if levels >= 2 and bits > _bits_of(best):
            best = Design("D", "collision_floor", bits, {**_written(tilts, chain), "levels": levels})
    return best


def clique_design(head: Head) -> Design | None:
    """Theorem E with the better of its two accounts of the values; delta = 0."""
    return max((clique_grid_design(head), clique_shared_design(head)), key=_bits_of)


def clique_grid_design(head: Head) -> Design | None:
    """Theorem E, values on a grid."""
    return _clique(head, "grid")


def clique_shared_design(head: Head) -> Design | None:
    """Theorem E, values uniform, which share the error with their keys."""
    return _clique(head, "shared")


def _log_ball(n: int) -> float:
    return float(n / 2 * np.log(np.pi) - gammaln(n / 2 + 1))


def _clique(head: Head, values: str) -> Design | None:
    best: Design | None = None
    d, lam = head.d, float(head.multiplier)
    levels = _value_levels(head)
    if values == "grid" and levels < 2:
        return None
    for tilts in _proposals(head, from_limit=True):
        steepness = np.sin(tilts.tilts) - np.cos(tilts.tilts) * np.tan(tilts.near)
        if steepness[0] <= 0:
            continue
        log_volume, chain = _cheapest_chain((d - 1) * np.log(tilts.gap / (lam * steepness)), tilts.closed)
        geometry = (d - 1) * np.log(2) + _log_ball(d) + np.log(d) + np.log(np.cos(tilts.near)) - _log_ball(d - 1)
        log_values = -(d - 1) * np.log(levels) if values == "grid" else _log_shared_width(head, tilts)
        token = (geometry - np.log(float(SLACK)) - log_volume - log_values) / np.log(2)
        bits = head.n_tokens * token + _common_bits(head, tilts)
        if bits > _bits_of(best):
            payload = {
                **_written(tilts, chain),
                "theta_0": str(Fraction(f"{tilts.first:.5f}")),
                "values": values,
                "levels": levels if values == "grid" else 0,
            }
            best = Design("E", "clique_floor", bits, payload)
    return best


def _log_shared_width(head: Head, tilts: _Tilts) -> float:
    """log of the integral that the judge bounds, by the same steps."""
    shells, cells, eta, d = 200, 64, float(head.eta), head.d
    times = np.arange(shells + 1) / shells
    amplitude, change = np.meshgrid(np.arange(cells) / cells - 2 * eta, tilts.gap * times[:-1])
    product = np.maximum(amplitude * change, 1e-300)
    weight = np.sqrt(2 * eta / product)
    mixes = (weight < 1 - 1e-9) & (amplitude > 0)
    weight = np.where(mixes, weight, 0.75)
    odds = np.log(weight / (1 - weight))
    mixes &= (odds > 0) & (odds < 9)

    def logistic(x: FloatArray) -> FloatArray:
        return np.asarray(1 / (1 + np.exp(-x)))

    moved = np.minimum(logistic(odds + change) - weight, weight - logistic(odds - change))
    widths = np.clip((2 * eta + 2 * tilts.tau - amplitude * moved) / weight, 0, 2 * eta)
    mean = np.where(mixes, widths, 2 * eta).mean(axis=1)
    steps = times[1:] ** (d - 1) - times[:-1] ** (d - 1)
    return float(np.log((steps * (mean / (2 * eta)) ** (d - 1)).sum()) + (d - 1) * np.log(2 * eta))


# --------------------------------------------------------------------------------------------------- all of them

DESIGNS: dict[str, Search] = {
    "A": paper_design,
    "B": values_design,
    "C": single_read_design,
    "C'": zoom_design,
    "D": collision_design,
    "E": clique_design,
}
"""How each theorem is made to yield the most, in the order of strength at delta = 0."""


def design(theorem: str, head: Head) -> Design | None:
    """The best proposal of one theorem, or None where it says nothing about such a head and error."""
    if theorem not in DESIGNS:
        raise InvalidArgument(f"theorem must be one of {', '.join(DESIGNS)}, got {theorem!r}")
    found = DESIGNS[theorem](head)
    return found if found is not None and found.bits > 0 else None
