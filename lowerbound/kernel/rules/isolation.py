"""How often the other tokens add too much to a read: Chernoff bounds for words of independent letters in frames."""

from __future__ import annotations

from collections import Counter

from flint import arb

from lowerbound.kernel.rules.addresses import Class
from lowerbound.kernel.rules.floor import require

ROUNDS = 5
"""Steps of Newton's method that choose the exponent of a Chernoff bound; every exponent gives a bound."""


class Reads:
    """The chance that a query is shut, as a mean over `n_reads` tokens and directions: a Chernoff bound a class."""

    def __init__(
        self, classes: Counter[Class], length: int, n_reads: int, multiplier: arb, c_0: arb, growth: arb, density: arb
    ) -> None:
        self.multiplier, self.c_0, self.growth, self.density = multiplier, c_0, growth, density
        unit = 1 / arb(length).sqrt()
        self.classes = []
        for (product, il, jl, i0, j0), count in classes.items():
            g, entry, other, first, last = arb(product) / length, il * unit, jl * unit, i0 * unit, j0 * unit
            own, his = entry / (1 - first), other / (1 - last)
            across, back = other + own * (last - g), entry + his * (first - g)
            both = 1 - his * other - own * entry + own * his * (1 - first - last + g)
            self.classes.append((g, across, back, both, count))
        self.reads = n_reads

    def shut(self, cosine: arb, sine: arb, height: arb) -> arb:
        """An upper bound for the query cos b_i + sin f_il, at which the others may weigh exp(lambda height)."""
        total = arb(0)
        for g, across, back, both, count in self.classes:
            along, xi = cosine * g + sine * across, cosine * back + sine * both
            rest, drop, edge = 1 - along**2 - xi**2, height - self.c_0 * along, xi * self.growth
            if not drop > 0:
                total += count
                continue
            t = self._exponent(drop, rest, edge)
            u = t * edge  # the mean of exp(u x) for x uniform on [-1, 1] is the first, and at most the second
            mean = (u.exp() - (-u).exp()) / (2 * u) if abs(u) > 1 else (u**2 / 6).exp()
            bound = (t * t * self.growth**2 * rest / 6 - t * drop).exp() * mean
            total += count * bound.min(arb(1))
        return self.density * total / self.reads

    def _exponent(self, drop: arb, rest: arb, edge: arb) -> arb:
        """Nearly the best t in (0, lambda]: any is sound."""
        drop, edge, curve = drop.mid(), abs(edge).mid(), (self.growth**2 * rest / 3).mid()
        t = (drop / (curve + edge**2 / 3)).mid()
        for _ in range(ROUNDS):
            u = t * edge
            if u < 1:
                break
            coth = u.coth()
            t = (t - (t * curve + edge * (coth - 1 / u) - drop) / (curve + edge**2 * (1 / u**2 - coth**2 + 1))).mid()
        return t if 0 < t < self.multiplier else self.multiplier


class Coherent:
    """The same from the largest inner products alone, with one Chernoff bound for all pairs of tokens.

    `second` is the mean of a squared letter, and must be a sub-Gaussian constant of the letters, as on an even grid.
    """

    def __init__(self, reads: Reads, n_tokens: int, second: arb) -> None:
        self.reads, self.others, self.second = reads, n_tokens - 1, second
        self.between = self.beside = arb(0)
        for g, across, _, _, count in reads.classes:
            if count:
                self.between, self.beside = self.between.max(g), self.beside.max(abs(across))

    def shut(self, cosine: arb, sine: arb, height: arb) -> arb:
        """An upper bound for the query cos b_i + sin f_il, at which the others may weigh exp(lambda height)."""
        c_0, coherence = self.reads.c_0, cosine * self.between + abs(sine) * self.beside
        drop, spread = height - c_0 * coherence, self.second * (1 - coherence**2)
        require(arb(0), drop, "the coherence leaves room for a read")
        t = (drop / spread).mid()
        t = t if t < self.reads.multiplier else self.reads.multiplier
        require(t * self.second * coherence, c_0, "t m mu < c_0")
        return self.reads.density * self.others * (t**2 * spread / 2 - t * drop).exp()
