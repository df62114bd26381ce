"""The search for a design of Theorem C or C' with explicit addresses; floats find it, and its constructor proves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import MOST_LEVELS
from lowerbound.core.keys.choice import KEY_FAMILIES
from lowerbound.core.keys.family import Keys
from lowerbound.core.reading import KINDS, FloatArithmetic, Kind, key_room, key_step, reading, value_step
from lowerbound.core.scalars import Rational, plainly, rational
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.game.payload import PayloadDesign
from lowerbound.game.payload_reduction import payload_rounding

FloatArray = NDArray[np.float64]

Addresses = tuple[Keys, Fraction]
"""Keys that serve as addresses, and a proved upper bound on their one-sided coherence."""

FLOAT_MARGIN = 1 - 1e-9
"""Factor by which the float search shrinks its bounds, so that the exact proof confirms every level that it counts."""

MILLIONTHS = 10**6
FIRST_STEP, LAST_STEP = 0.02, 1e-5


def plan_payload(
    geometry: Geometry,
    *,
    eta: Rational = Fraction(1, 100),
    kind: Kind = "C",
    multiplier: Rational | None = None,
    failure_prob: Rational = 0,
    addresses: Iterable[Addresses] = (),
) -> PayloadDesign:
    """The best design that a small search finds, with addresses from the certified key families or from `addresses`.

    Contract: returns a proved design that can be played in float64, the same for the same arguments. It raises
    ImpossibleReduction if no T addresses fit in R^(d - 2), or if eta leaves fewer than two levels; other invalid
    arguments raise InvalidArgument. A better design may exist. Alphabets have at most 4096 levels.

    Parameters
    ----------
    eta : rational in [0, 1/2)
        Additive error of an answer.
    multiplier : rational or None
        lambda; None takes the largest |logit| of the head, which is 100 if no cap is stated.
    addresses : pairs of keys and a bound on their one-sided coherence
        Further sets of addresses. Sets with fewer than T addresses, or in more than d - 2 dimensions, are ignored.
    """
    eta, delta = rational(eta, name="eta"), rational(failure_prob, name="delta")
    if kind not in KINDS:
        raise invalid("kind", f"be one of {KINDS}", kind)
    if not 0 <= eta < Fraction(1, 2):
        raise ImpossibleReduction(f"eta must lie in [0, 1/2), got {eta}; the nearest possible value is below 1/2")
    chosen = geometry.largest_logit if multiplier is None else rational(multiplier, name="lambda")
    if chosen <= 0:
        raise invalid("lambda", "be > 0", str(chosen), nearest=str(geometry.largest_logit))
    blurred = float(eta + payload_rounding(geometry, chosen))
    n_cached = geometry.schedule.n_tokens_cached
    books = [*address_books(geometry), *addresses]
    searches = [
        (_Search(geometry, kind, d_a, float(mu), float(chosen), blurred), keys, mu)
        for keys, mu in books
        if (d_a := keys.rows.shape[1]) <= geometry.d - 2 and len(keys.rows) >= n_cached
    ]
    if not searches:
        raise ImpossibleReduction(
            f"{n_cached} addresses must fit in R^{max(geometry.d - 2, 0)}, but no certified key family holds as many; "
            "the nearest possible head dimension is larger"
        )
    found = [(*search.best(), search, keys, mu) for search, keys, mu in searches]
    bits, rho_squared, gamma, search, keys, mu = max(found, key=lambda one: one[0])
    if not bits > 0:
        raise ImpossibleReduction(
            f"eta must leave two levels of values and of payloads, got {plainly(eta)} with lambda {float(chosen):g}; "
            "the nearest possible value is smaller"
        )
    n_values, n_keys = search.levels(np.array(rho_squared), np.array(gamma))
    return PayloadDesign(
        geometry=geometry,
        addresses=Keys(keys.family, keys.rows[:n_cached]),
        coherence=mu,
        rho_squared=_millionths(rho_squared),
        gamma=_millionths(gamma),
        multiplier=chosen,
        n_levels_values=int(n_values),
        n_levels_keys=int(n_keys),
        kind=kind,
        eta=eta,
        failure_prob=delta,
        spread=search.spread,
    )


def address_books(geometry: Geometry) -> Iterator[Addresses]:
    """T addresses in R^(d_a) and their proved coherence bound, for d_a = 1 .. d - 2 in increasing order.

    Addresses are yielded only if their bound is smaller than all bounds before.
    """
    n_cached, least = geometry.schedule.n_tokens_cached, Fraction(1)
    for d_a in range(1, geometry.d - 1):
        for family in KEY_FAMILIES:
            if family.capacity(d_a) < n_cached:
                continue
            mu = family.coherence_bound(n_cached, d_a)
            if mu is not None and mu < least:
                least = mu
                yield family.keys(n_cached, d_a), mu


def _millionths(value: float) -> Fraction:
    return Fraction(round(value * MILLIONTHS), MILLIONTHS)


class _Search:
    """The float search for (rho^2, gamma), for one choice of addresses."""

    def __init__(self, geometry: Geometry, kind: Kind, d_a: int, mu: float, multiplier: float, eta: float) -> None:
        self.spread = geometry.d - d_a - 1
        self._kind, self._eta, self._d = kind, eta, geometry.d
        self._terms: dict[str, Any] = {
            "n_cached": geometry.schedule.n_tokens_cached,
            "n_own": geometry.schedule.tokens_at(geometry.schedule.n_scales - 1),
            "spread": self.spread,
            "mu": mu,
            "multiplier": multiplier,
        }

    def levels(self, rho_squared: FloatArray, gamma: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The numbers of levels (L_V, L_K); both are 0 where Bob's tokens cannot weigh as much as one reference."""
        floats = FloatArithmetic()
        found = reading(floats, self._kind, rho_squared=rho_squared, gamma=gamma, **self._terms)
        values = FLOAT_MARGIN / value_step(self._eta, found.value_leak)
        step = key_step(floats, self._kind, self._eta, found.key_leak)
        keys = FLOAT_MARGIN * key_room(floats, self._kind, found.payload) / step
        within = found.reference * FLOAT_MARGIN > np.log(self._terms["n_own"])
        capped = (np.minimum(MOST_LEVELS, np.floor(1 + count)) for count in (values, keys))
        n_values, n_keys = (np.where(within, count, 0.0) for count in capped)
        return n_values, n_keys

    def bits(self, rho_squared: FloatArray, gamma: FloatArray) -> FloatArray:
        """Bits per token at error 0; they are 0 where values or payloads have fewer than two levels."""
        n_values, n_keys = self.levels(rho_squared, gamma)
        both = (n_values >= 2) & (n_keys >= 2)
        bits = (self._d - 1) * np.log2(np.maximum(n_values, 1)) + self.spread * np.log2(np.maximum(n_keys, 1))
        return np.where(both, bits, 0.0)

    def best(self) -> tuple[float, float, float]:
        """The best (bits, rho^2, gamma) found, with rho^2 and gamma rounded to millionths.

        The search takes the best point of a grid, and then moves to better neighbors at smaller and smaller distances.
        """
        shares, tilts = np.meshgrid(np.linspace(0.02, 0.9, 60), np.geomspace(0.03, 2, 80), indexing="ij")
        table = self.bits(shares, tilts)
        place = np.unravel_index(int(table.argmax()), table.shape)
        best = (float(table[place]), float(shares[place]), float(tilts[place]))
        step = FIRST_STEP
        while step > LAST_STEP:
            _, share, tilt = best
            shares, tilts = np.meshgrid(
                np.clip([share - step, share, share + step], 0.001, 0.999),
                [tilt * (1 - step), tilt, tilt * (1 + step)],
                indexing="ij",
            )
            table = self.bits(shares, tilts)
            place = np.unravel_index(int(table.argmax()), table.shape)
            if table[place] > best[0]:
                best = (float(table[place]), float(shares[place]), float(tilts[place]))
            else:
                step /= 2
        share, tilt = (float(_millionths(value)) for value in best[1:])
        return float(self.bits(np.array(share), np.array(tilt))), share, tilt
