"""Theorem D: two independent random instances rarely share a state. Proved on paper, not in Coq."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import fields, integer
from lowerbound.kernel.rules.floor import ball, compared, read_floor, require, working_precision
from lowerbound.kernel.rules.matching import match, read_chain
from lowerbound.kernel.rules.sphere import tail
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"D": ("collision",)}
MOST_LEVELS = 2**20


def check(claim: Any, payload: Any) -> Verdict:
    """Whether two random instances collide as rarely as claimed.

    Contract: VERIFIED only if, for keys uniform on the sphere and d - 1 value coordinates uniform on L levels,
    (L - 1) (2 eta + 2 blur) < 1 and the bits are at most T ((d - 1) log2 L - log2(A nu)) - log2 T! + log2 g, where
    nu bounds the mean measure of the cap of directions and angles in which a matched key may lie.
    Source: docs/cliques.md, Theorem D.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "mu_0", "slack", "tau", "chain", "levels")
    bits, coherence, slack, tau, tilts, count = fields(payload, "the payload", *names)
    levels = integer(count, "the levels", 2, MOST_LEVELS)
    with working_precision(bits):
        chain = read_chain(tilts)
        found = match(floor, coherence, slack, tau, chain[0], chain)
        n, d, multiplier = floor.n_tokens, floor.d, ball(floor.multiplier)
        require((levels - 1) * (2 * ball(floor.eta) + 2 * found.blur), arb(1), "(L - 1) (2 eta + 2 blur) < 1")
        angles = []
        for tilt in chain:
            require(tilt.cos() + found.gap / multiplier, arb(1), "cos(theta) + (s + ln(1 + tau)) / lambda < 1")
            angles.append(tilt - (tilt.cos() + found.gap / multiplier).acos())
        measure = tail(angles[-1].cos(), d)
        for angle, higher in zip(angles, chain[1:], strict=False):
            measure += tail(angle.cos(), d) * found.closed(higher, floor)
        ln2 = arb(2).log()
        proved = n * ((d - 1) * arb(levels).log() - (found.slack * measure).log()) - arb(n + 1).lgamma()
        return compared((proved + found.good.log()) / ln2, floor)
