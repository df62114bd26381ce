"""Question: how many tilts does Theorem E want when it is counted on a lattice, and how steep?

Claim that could be refuted: at VAR-256 a chain of sixteen further tilts forces three points of the fp16 cache more than
one tilt, at every error of the table of docs/cliques.md, and sixteen more force less than a tenth of a point on top.
The numbers of the first chain are those of a design that Coq decides (proofs/coq/TiltInstances.v). Cost: ten seconds.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.table import Outcome, save
from lowerbound.certify.design.target import FloatArray, Target
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.reading import FloatArithmetic
from lowerbound.core.tilt import apart, others, turn

IntArray = NDArray[np.int64]

FLOATS = FloatArithmetic()
MODEL = "var-d16"
ETAS = tuple(map(Fraction, ("1/10", "1/100", "1/1000", "1/10000")))
COHERENCE = Fraction(3, 5)
LENGTHS = (1, 2, 4, 8, 16, 32)
CLAIMED = 16
COSINES, CAPS = 1000, 10**4
"""The denominators of all cosines, and of caps."""
STEPS = 2**40
GRID = 2
"""The numerators of cosines that are tried are multiples of this."""
MARGIN = 1 + 1e-12
"""Integers that bound a float are rounded up from so many times the float."""


@dataclass(frozen=True)
class Tilt:
    """Numerators of a tilt: cosine, near cosine and pull over COSINES, the cap over CAPS, the radius that it leaves."""

    cosine: int
    near: int
    pull: int
    cap: int
    reach: int


@dataclass(frozen=True)
class Chain:
    """A design of the lemma clique_tilts, in the symbols of its statement, and the bits of one head that it forces."""

    eta: Fraction
    coherence: Fraction
    levels: int
    first: int
    tau: int
    radii: int
    reach: int
    tilts: tuple[Tilt, ...]
    mean: int
    cap: int
    g: int
    bits: int

    def coq(self, head: Target) -> str:
        """The arguments of tilts_design in proofs/coq/IntegerTilts.v."""
        n, eta = head.d - 1, f"({self.eta.numerator}, {self.eta.denominator})"
        mu = f"({self.coherence.numerator}, {self.coherence.denominator})"
        tilts = "; ".join(f"Tilt {tilt.cosine} {tilt.near} {tilt.pull} {tilt.cap} {tilt.reach}" for tilt in self.tilts)
        return (
            f"tilts_design {head.n_tokens} {head.n_own} {n} {n} {self.levels} {head.multiplier} {eta} {mu} "
            f"({self.first}, {COSINES}) ({self.tau}, {10**9}) {COSINES} {self.radii} {CAPS} {self.reach} [:: {tilts}] "
            f"{self.mean} {self.cap} {self.g} {STEPS} {self.bits}"
        )


@dataclass(frozen=True)
class Search:
    """The first tilt of a head at an error, and the further ones of which no other is both steeper and open as often.

    Arrays have one entry for each of these, from the least radius to the largest: cosines, near cosines, pulls, the
    radii in units of the ball, and the logs of the bounds on how often each is shut.
    """

    head: Target
    coherence: Fraction
    first: int
    tau: float
    near: float
    chord: float
    cosines: IntArray
    nears: IntArray
    pulls: IntArray
    radii: FloatArray
    shut: FloatArray

    @classmethod
    def of(cls, head: Target, coherence: Fraction = COHERENCE) -> Search:
        n, tokens, lam, mu = head.d - 1, head.n_tokens, float(head.multiplier), float(coherence)
        spread = float(apart(FLOATS, float(head.eta)))
        firsts = np.arange(int(mu * COSINES) + 1, COSINES) / COSINES
        tau = others(FLOATS, tokens, lam, mu, firsts)
        turned = firsts + (spread + np.log1p(tau)) / lam
        close = np.where(turned < 1, turn(firsts, np.minimum(turned, 1)), 0)
        best = int(np.where(firsts < 2 * close * close - 1, close, 0).argmax())
        chord = float(np.sqrt(2 - 2 * close[best]))

        grid = np.arange(100, COSINES, GRID)
        cosines, nears = (axis.ravel() for axis in np.meshgrid(grid, grid))
        told = (nears < cosines) & (mu * cosines <= nears)
        cosines, nears = cosines[told], nears[told]
        c, v = cosines / COSINES, nears / COSINES
        rest = (tokens - 1) * np.exp(np.minimum(lam * (v + 2 * chord - c), 50))
        radii = (1 - close[best] + (spread + rest) / lam) / np.sqrt(1 - c**2)
        pulls = np.maximum(0, np.rint(COSINES * (c * v - mu) / np.maximum(v - c * mu, 1e-3))).astype(int)
        rims = _rim(c, v, pulls / COSINES, mu)
        shut = np.minimum(0, 2 * np.log(tokens) + n * np.log1p(-np.minimum(rims**2, 1 - 1e-12)))
        order = np.lexsort((shut, radii))
        order = order[(rims[order] < 1) & (radii[order] < chord)]
        least = np.minimum.accumulate(shut[order])
        order = order[np.concatenate([[True], least[1:] < least[:-1]])]
        return cls(
            head,
            coherence,
            round(firsts[best] * COSINES),
            float(tau[best]),
            float(close[best]),
            chord,
            *(array[order] for array in (cosines, nears, pulls, radii, shut)),
        )

    def best(self, length: int) -> list[int]:
        """The indices of at most so many tilts, from the first, with the least mean of n-th powers of radii."""
        weights = (self.radii / self.chord) ** (self.head.d - 1)
        shut = np.exp(self.shut)
        totals, nexts = [weights], [np.full(len(weights), -1)]
        for _ in range(length - 1):
            through = np.where(np.tri(len(weights), k=-1), weights[:, None] * shut + totals[-1], np.inf)
            step, longer = through.argmin(axis=1), through.min(axis=1)
            totals.append(np.minimum(weights, longer))
            nexts.append(np.where(longer < weights, step, -1))
        at, found = int((shut + totals[-1]).argmin()), []
        for chosen in reversed(nexts):
            found.append(at)
            at = int(chosen[at])
            if at < 0:
                break
        return found

    def chain(self, length: int) -> Chain:
        """The design with the best chain of at most so many tilts, all numbers rounded to the safe side."""
        head, eta, mu = self.head, float(self.head.eta), float(self.coherence)
        n, lam, tokens = head.d - 1, float(head.multiplier), head.n_tokens
        levels, radii = round(1 / (2 * eta)), round(10**4 / eta)
        side = np.sqrt(n) / STEPS

        def reached(radius: float) -> int:
            return int(np.ceil(radii * (radius + side) / (1 - radii * side) * MARGIN))

        def cap(cosine: float) -> int:
            return int(np.ceil(CAPS * np.sqrt(1 - cosine**2) / (1 - CAPS * side) * MARGIN))

        first = reach = reached(self.chord)
        tilts, total = [], 0
        spread = float(apart(FLOATS, eta))
        for i in self.best(length):
            cosine, near, pull = (int(array[i]) for array in (self.cosines, self.nears, self.pulls))
            rim = float(_rim(cosine / COSINES, near / COSINES, pull / COSINES, mu))
            rest = (tokens - 1) * np.exp(lam * ((near - cosine) / COSINES + 2 * self.chord))
            left = (1 - self.near + (spread + rest) / lam) / np.sqrt(1 - (cosine / COSINES) ** 2)
            tilt = Tilt(cosine, near, pull, cap(rim), reached(left))
            total += tokens**2 * tilt.cap ** (2 * n) * reach**n
            tilts.append(tilt)
            reach = tilt.reach
        total += reach**n * CAPS ** (2 * n)
        coherent = cap(mu)
        most = CAPS**n // (tokens**2 * coherent**n)
        designs = []
        for g in range(3, min(most, 64) + 1):
            mean = int(reach * (total / (reach**n * CAPS ** (2 * n)) * g / (g - 2)) ** (1 / n)) - 1
            while g * total > (g - 2) * CAPS ** (2 * n) * mean**n:
                mean += 1
            token = n * np.log2(2 * radii / mean * levels)
            order = ((tokens + 1) * np.log(tokens) - tokens + 1) / np.log(2)
            bits = int(tokens * token - order - np.log2(g) - 1e-6)
            tau = int(np.ceil(self.tau * 10**9 * (1 + 1e-9) + 1))
            shape = (levels, self.first, tau, radii, first, tuple(tilts), mean, coherent, g, bits)
            designs.append(Chain(head.eta, self.coherence, *shape))
        return max(designs, key=lambda design: design.bits)


def _rim(cosine: Any, near: Any, pull: Any, coherence: float) -> Any:
    """The least cosine with the pulled query of a coherent key that is near the query."""
    return (near - pull * coherence) / np.sqrt(1 - 2 * pull * cosine + pull**2)


def head_at(eta: Fraction) -> Target:
    """One head of VAR-256 at an error."""
    return Target(Geometry.of(find_model(MODEL)), eta, Fraction(0))


def run() -> Outcome:
    """Search chains of several lengths at every eta, write results/tilt_chains.json, print one sentence."""
    rows = []
    supported = True
    for eta in ETAS:
        head = head_at(eta)
        search, fp16 = Search.of(head), head.geometry.cache_bits
        one = THEOREMS["E1"].design(head)
        assert one is not None
        chains = {length: search.chain(length) for length in LENGTHS}
        told = chains[CLAIMED]
        supported &= told.bits >= one.bits + 0.03 * fp16 and chains[max(LENGTHS)].bits < told.bits + 0.001 * fp16
        rows += [
            {
                "eta": str(eta),
                "tilts": length,
                "bits": chain.bits,
                "share": chain.bits / fp16,
                "one_tilt": one.bits / fp16,
                "coq": chain.coq(head),
                "chain": [asdict(tilt) for tilt in chain.tilts],
            }
            for length, chain in chains.items()
        ]
    shares = ", ".join(f"{row['share']:.4f}" for row in rows if row["tilts"] == CLAIMED)
    return save(
        "tilt_chains",
        {"model": MODEL, "etas": [str(eta) for eta in ETAS], "mu": str(COHERENCE), "steps": STEPS},
        rows,
        "supported" if supported else "refuted",
        f"with {CLAIMED} further tilts the counted Theorem E forces {shares} of the fp16 cache at eta = "
        f"{', '.join(str(eta) for eta in ETAS)}",
    )
