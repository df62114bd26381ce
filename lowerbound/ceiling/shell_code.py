"""An interval code that writes lattice points near the unit sphere, each with a tail, as words below a given bound.

The code writes the integers of a point one after the other, like an arithmetic coder, each with its probability under a
uniform point of the shell. Let a point be uniform in the shell |y|^2 in [A, B] of R^n, and let s be the sum of squares
of its first i coordinates. Given these, coordinate i + 1 is distributed like a coordinate in the shell [A - s, B - s]
of R^(n - i), which is a difference of two Beta distributions. Each integer narrows the interval of words in proportion
to its probability; the tail selects a word of the last interval. Since the point is uniform, the last intervals of all
points are about equally long. So a bound on the number of points is nearly a bound on the words; the rest is the
difference between the probability of a cell and the density at its middle. For n - i >= 3 the density decreases with
the distance from 0, so an integer never gets less than half of its share. A random rotation makes the rare places rare
for every key.

Encoder and decoder evaluate the same floats one entry at a time (+, -, *, /, sqrt, betainc), in an order that does not
depend on the other tokens, and divide intervals in integer arithmetic. So the decoder recovers what the encoder wrote,
bit for bit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import betainc, betaincinv

from lowerbound.ceiling.lattices import FloatArray, IntArray, Lattice
from lowerbound.errors import CorruptState, invalid

ODDS_BITS = 62
"""Probabilities ("odds") are integers in units of 2^-62."""
NOISE = 2.0**-46
"""An upper bound on the rounding error of a difference of two values of betainc."""


class ShellCode:
    """A code for pairs of a tail and a point spacing * (p + shift) near the unit sphere, where p is in the lattice.

    Contract: if `encode(z, tails, n_words)` finds words below n_words, `decode` of them returns the integers z of the
    points and the tails. Different pairs have different words. A word that `encode` cannot return raises CorruptState,
    and a spacing too fine for probabilities in 62 bits raises InvalidArgument.

    Parameters
    ----------
    lattice : Lattice
    spacing, reach : float
        In key space: the length of one unit of the lattice, and the largest distance of a point from the unit sphere.
    shift : array, shape (n,) or (m, n)
        The translation of the lattice, in units of the lattice; with m rows, row j is that of the j-th pair.
    n_tails : int
        Tails lie in [0, n_tails).
    """

    def __init__(self, lattice: Lattice, spacing: float, reach: float, shift: FloatArray, n_tails: int) -> None:
        self.lattice, self.n_tails = lattice, n_tails
        self.shifts = np.atleast_2d(shift)
        self._inner, self._outer = (max(0.0, 1 - reach) / spacing) ** 2, ((1 + reach) / spacing) ** 2
        self._edge = math.sqrt(self._outer)
        self._counts = np.ceil(2 * self._edge / lattice.steps).astype(np.int64) + 3
        gaps = 1 - (self._inner / self._outer) ** (np.arange(lattice.n, 0, -1) / 2)
        least = np.ceil(2.0**ODDS_BITS * NOISE / gaps)
        if float((self._counts * least).max()) > 2.0 ** (ODDS_BITS - 1):
            raise invalid("spacing", "be coarse enough for odds in 62 bits", spacing)
        self._least = least.astype(np.int64)
        # Each integer gets a least probability, so that rounding cannot make one impossible. The rest of 2^62, `_law`,
        # is divided by the distribution of the shell; its float is rounded down, so that sums cannot exceed 2^62.
        self._law = np.nextafter((2**ODDS_BITS - self._counts * self._least).astype(np.float64), 0)

    def encode(self, integers: IntArray, tails: Sequence[int], n_words: int) -> list[int] | None:
        """The word of each pair of a row of integers and its tail; None if some pair has no word below n_words."""
        low, room = [0] * len(integers), [n_words] * len(integers)
        squares = np.zeros(len(integers))
        for i in range(self.lattice.n):
            start, first = self._place(i, integers)
            z = integers[:, i]
            below, above = (self._odds(i, start, first, squares, cut).tolist() for cut in (z, z + 1))
            ends = [(r * b >> ODDS_BITS, r * a >> ODDS_BITS) for r, b, a in zip(room, below, above, strict=True)]
            low = [x + b for x, (b, _) in zip(low, ends, strict=True)]
            room = [a - b for b, a in ends]
            squares += (start + self.lattice.steps[i] * z) ** 2
        if any(r < self.n_tails for r in room):
            return None
        return [x + tail for x, tail in zip(low, tails, strict=True)]

    def decode(self, words: Sequence[int], n_words: int) -> tuple[IntArray, list[int]]:
        """The integers, shape (m, n), and the tails that `encode` turned into these words."""
        left, room = list(words), [n_words] * len(words)
        integers = np.zeros((len(words), self.lattice.n), dtype=np.int64)
        squares = np.zeros(len(words))
        for i in range(self.lattice.n):
            start, first = self._place(i, integers)
            # r * cut >> 62 <= x if and only if cut <= slot.
            slots = [((x + 1 << ODDS_BITS) - 1) // r for x, r in zip(left, room, strict=True)]
            z, below, above = self._find(i, start, first, squares, np.array(slots, dtype=np.int64))
            cells = zip(room, below.tolist(), above.tolist(), strict=True)
            ends = [(r * b >> ODDS_BITS, r * a >> ODDS_BITS) for r, b, a in cells]
            left = [x - b for x, (b, _) in zip(left, ends, strict=True)]
            room = [a - b for b, a in ends]
            if any(x >= r for x, r in zip(left, room, strict=True)):
                raise CorruptState("state must hold words that lie in a cell")
            integers[:, i] = z
            squares += (start + self.lattice.steps[i] * z) ** 2
        if any(x >= self.n_tails for x in left) or any(r < self.n_tails for r in room):
            raise CorruptState("state must hold words of points near the sphere")
        return integers, left

    def _place(self, i: int, integers: IntArray) -> tuple[FloatArray, IntArray]:
        """start_i, shifted, and the smallest integer with nonzero probability at coordinate i, for every row."""
        start = self.lattice.start(i, integers[:, :i]) + self.shifts[: len(integers), i]
        return start, np.floor((-self._edge - start) / self.lattice.steps[i]).astype(np.int64)

    def _odds(self, i: int, start: FloatArray, first: IntArray, squares: FloatArray, cut: IntArray) -> IntArray:
        """The total probability, in units of 2^-62, of all integers below `cut` at coordinate i, for every row."""
        m = self.lattice.n - i
        edge = start + self.lattice.steps[i] * (cut - 0.5)
        outer = np.sqrt(np.maximum(self._outer - squares, 1.0))
        inner = np.sqrt(np.maximum(self._inner - squares, 0.0))
        ratio = _power(inner / outer, m)
        hollow = ratio * _share(edge, np.where(inner > 0, inner, 1.0), m)
        share = (_share(edge, outer, m) - hollow) / (1 - ratio)
        odds: IntArray = (share * self._law[i]).astype(np.int64) + (cut - first) * self._least[i]
        return odds

    def _find(
        self, i: int, start: FloatArray, first: IntArray, squares: FloatArray, slots: IntArray
    ) -> tuple[IntArray, IntArray, IntArray]:
        """For each slot in [0, 2^62), the integer whose interval contains it, and both ends of that interval."""
        # Each step of the search calls betainc, which is most of the cost of decoding, so the search starts from a
        # close guess instead of from the whole range.
        low, high = first.copy(), first + self._counts[i]
        below, above = np.zeros_like(slots), np.full_like(slots, int(self._law[i]) + self._counts[i] * self._least[i])
        probe = np.clip(self._guess(i, start, squares, slots), low + 1, high - 1)
        upward, found = np.zeros(len(slots), dtype=bool), np.zeros(len(slots), dtype=bool)
        width = 0
        while len(open_ := np.flatnonzero(high - low > 1)):
            # First try the guess, then move away from it in steps that double until the slot is passed, then bisect.
            odds = self._odds(i, start[open_], first[open_], squares[open_], probe[open_])
            under = odds <= slots[open_]
            if width:
                found[open_] |= under != upward[open_]
            else:
                upward = under
            low[open_[under]], below[open_[under]] = probe[open_[under]], odds[under]
            high[open_[~under]], above[open_[~under]] = probe[open_[~under]], odds[~under]
            width = max(1, 2 * width)
            away = np.minimum(np.maximum(np.where(upward, low + width, high - width), low + 1), high - 1)
            probe = np.where(found, (low + high) // 2, away)
        return low, below, above

    def _guess(self, i: int, start: FloatArray, squares: FloatArray, slots: IntArray) -> IntArray:
        """An integer near the one that `_find` looks for, from the inverse of a simpler distribution function.

        It is that of a coordinate on the sphere in the middle of the shell; in dimension 1 it is that of the shell.
        """
        m, share = self.lattice.n - i, slots / 2**ODDS_BITS
        outer, inner = np.maximum(self._outer - squares, 1.0), np.maximum(self._inner - squares, 0.0)
        if m == 1:
            side = np.abs(2 * share - 1)
            place = np.sign(share - 0.5) * (np.sqrt(inner) + side * (np.sqrt(outer) - np.sqrt(inner)))
        else:
            place = np.sqrt((outer + inner) / 2) * (2 * betaincinv((m - 1) / 2, (m - 1) / 2, share) - 1)
        near: IntArray = np.rint((place - start) / self.lattice.steps[i]).astype(np.int64)
        return near


def _share(edge: FloatArray, radius: FloatArray, m: int) -> FloatArray:
    """The fraction of the volume of the m-ball of this radius where the first coordinate is below `edge`."""
    found: FloatArray = betainc((m + 1) / 2, (m + 1) / 2, np.minimum(np.maximum((1 + edge / radius) / 2, 0.0), 1.0))
    return found


def _power(base: FloatArray, exponent: int) -> FloatArray:
    """base ** exponent for an integer exponent, by repeated squaring."""
    # NumPy's own power may give different floats at different places of an array, and encoder and decoder must agree.
    result = np.ones_like(base)
    while exponent:
        if exponent & 1:
            result = result * base
        base, exponent = base * base, exponent >> 1
    return result
