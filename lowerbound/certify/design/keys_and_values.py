"""Designs of floors from keys and values (Theorem C, C'): a key is an address and a secret, which queries then read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from lowerbound.certify.design.addresses import AddressBook, books
from lowerbound.certify.design.target import (
    MOST_LEVELS,
    PRECISION_BITS,
    Design,
    FloatArray,
    NoInstance,
    Target,
    below,
    bits_of,
    fano_bits,
    refuse_failures,
)

GRID = 120
"""The number of points per axis of the first grid over (rho^2, gamma)."""
MILLIONTHS = 10**6


def single_read_design(target: Target) -> Design:
    """The design of Theorem C: Bob reads every symbol once, against one reference token; any delta."""
    return _designed(target, zoom=False)


def zoom_design(target: Target) -> Design:
    """The design of Theorem C': Bob reads a symbol again with a better reference token; delta = 0 only."""
    refuse_failures(target)
    return _designed(target, zoom=True)


def single_read_room(target: Target) -> None:
    """Raise NoInstance unless a coarse look finds an instance of Theorem C."""
    _room(target, zoom=False)


def zoom_room(target: Target) -> None:
    """Raise NoInstance unless a coarse look finds an instance of Theorem C'."""
    refuse_failures(target)
    _room(target, zoom=True)


def _room(target: Target, *, zoom: bool) -> None:
    offered = [book for book in books(target.n_tokens) if book.d_a <= target.d - 2]
    if not offered:
        raise NoInstance(f"no set of addresses has {target.n_tokens:,} of them in R^{max(target.d - 2, 0)}")
    if not any(_levels(target, book, *_grid(), zoom=zoom)[0].any() for book in offered):
        raise NoInstance(
            f"no key with one of {target.n_tokens:,} addresses is read well enough for two levels a symbol"
        )


def _designed(target: Target, *, zoom: bool) -> Design:
    _room(target, zoom=zoom)
    best = max((_tuned(target, book, zoom=zoom) for book in books(target.n_tokens)), key=bits_of, default=None)
    if best is None:
        raise NoInstance("numbers of six digits leave no instance")
    return best


def _grid() -> tuple[FloatArray, FloatArray]:
    """The first grid over (rho^2, gamma)."""
    shares, tilts = np.meshgrid(np.linspace(0.02, 0.97, GRID), np.geomspace(0.03, 2.5, GRID))
    return shares, tilts


def _tuned(target: Target, book: AddressBook, *, zoom: bool) -> Design | None:
    """The design with the best rho^2 and gamma (multiples of 1e-6) for a book: a grid, then a local search."""
    if book.d_a > target.d - 2:
        return None
    shares, tilts = _grid()
    found = _levels(target, book, shares, tilts, zoom=zoom)[0]
    place = np.unravel_index(int(found.argmax()), found.shape)
    best, share, tilt = float(found[place]), float(shares[place]), float(tilts[place])
    step = 0.02
    while step > 1e-5:
        near_shares, near_tilts = np.meshgrid(
            share + step * np.arange(-3, 4) / 3, tilt * (1 + step * np.arange(-3, 4) / 3)
        )
        found = _levels(target, book, near_shares, near_tilts, zoom=zoom)[0]
        place = np.unravel_index(int(found.argmax()), found.shape)
        if found[place] > best:
            best, share, tilt = float(found[place]), float(near_shares[place]), float(near_tilts[place])
        else:
            step /= 2
    rho_squared, gamma = Fraction(round(share * MILLIONTHS), MILLIONTHS), Fraction(round(tilt * MILLIONTHS), MILLIONTHS)
    bits, value_levels, key_levels = (
        float(x[0]) for x in _levels(target, book, np.array([float(rho_squared)]), np.array([float(gamma)]), zoom=zoom)
    )
    if bits <= 0:
        return None
    payload = {
        "precision": PRECISION_BITS,
        "addresses": book.described(),
        "address_dimension": book.d_a,
        "coherence": str(book.coherence),
        "rho_squared": str(rho_squared),
        "gamma": str(gamma),
        "multiplier": str(target.multiplier),
        "value_levels": int(value_levels),
        "key_levels": int(key_levels),
    }
    return Design(bits, payload)


def _levels(
    target: Target, book: AddressBook, shares: FloatArray, tilts: FloatArray, *, zoom: bool
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The bits per head, value levels and key levels at each (rho^2, gamma); 0 bits where a condition fails."""
    n, own, d, p = target.n_tokens, target.n_own, target.d, target.d - book.d_a - 1
    lam, eta, far = float(target.multiplier), float(target.eta), 1 - float(book.coherence)
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
    delta = float(target.delta)
    inside &= (value_levels >= 2) & (key_levels >= 2) & (delta <= 1 - 1 / np.maximum(key_levels, 1))
    bits = n * (
        (d - 1) * fano_bits(np.maximum(value_levels, 2), delta) + p * fano_bits(np.maximum(key_levels, 2), delta)
    )
    return np.where(inside, bits, 0.0), value_levels, key_levels
