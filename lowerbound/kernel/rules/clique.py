"""Theorem E: instances that share a state form a small clique, by Brunn and Minkowski. Proved on paper, not in Coq."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown
from lowerbound.kernel.rules.floor import FloorClaim, ball, compared, logistic, read_floor, require, working_precision
from lowerbound.kernel.rules.matching import Matching, leak, match, read_chain
from lowerbound.kernel.rules.sphere import log_ball_volume
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"E": ("clique",)}
MOST_LEVELS = 2**20
MOST_SHARED_BITS = 1024
SHELLS, CELLS = 200, 64
"""Steps in t and in v of the step function by which `_shared_width` bounds its integral."""
FARTHEST_MIX = 9
"""The largest log-odds at which a mixed read weighs the token against the reference."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether cliques of indistinguishable instances are as small as claimed.

    Contract: keys are uniform on the sphere. Let A_i be the set of a clique's keys of token i, projected along the key
    of a coherent member. The differences A_i - A_i lie in a star body whose mean volume is at most V_{d-1} E, so
    vol(A_i) <= 2^{-(d-1)} A V_{d-1} E. VERIFIED only if the bits are at most
    T (G - log(A E J)) - log T! + log g, in base 2, G = log(2^{d-1} |S^{d-1}| cos(a_2) / V_{d-1}). The factor J counts
    the values: it is L^{-(d-1)} on a grid of L levels ("grid", with (L - 1) (2 eta + 2 blur) < 1), or the integral of
    the width that is left for a value when its key uses part of the error ("shared").
    Source: docs/cliques.md, Theorem E.
    """
    floor = read_floor(claim, LEMMAS)
    names = ("precision", "mu_0", "slack", "tau", "theta_0", "chain", "values", "levels")
    bits, coherence, slack, tau, first, tilts, kind, count = fields(payload, "the payload", *names)
    if kind not in ("grid", "shared"):
        raise Rejected(f"the values must be 'grid' or 'shared', got {shown(kind)}")
    levels = integer(count, "the levels", 2, MOST_LEVELS) if kind == "grid" else integer(count, "the levels", 0, 0)
    if kind == "shared":
        integer(bits, "the precision", 53, MOST_SHARED_BITS)
    with working_precision(bits):
        chain = read_chain(tilts)
        found = match(floor, coherence, slack, tau, ball(rational(first, "theta_0")), chain)
        n, d, multiplier = floor.n_tokens, floor.d, ball(floor.multiplier)
        require(leak(chain[0], found.apart, floor), found.limit, "the first tilt of the chain is always open")
        radii = [found.radius(tilt, multiplier) for tilt in chain]
        volume = radii[-1] ** (d - 1)
        for radius, higher in zip(radii, chain[1:], strict=False):
            volume += radius ** (d - 1) * found.closed(higher, floor)
        if kind == "grid":
            require((levels - 1) * (2 * ball(floor.eta) + 2 * found.blur), arb(1), "(L - 1) (2 eta + 2 blur) < 1")
            values = -(d - 1) * arb(levels).log()
        else:
            values = _shared_width(found, floor).log()
        sphere = log_ball_volume(d) + arb(d).log() + found.near.cos().log()
        token = (d - 1) * arb(2).log() + sphere - log_ball_volume(d - 1) - (found.slack * volume).log() - values
        return compared((n * token - arb(n + 1).lgamma() + found.good.log()) / arb(2).log(), floor)


def _shared_width(found: Matching, floor: FloorClaim) -> arb:
    """An upper bound on the integral over t in [0, 1] of (d - 1) t^{d-2} (mean over v of m(t, v))^{d-1}.

    m(t, v) bounds the difference dv of two values of a token, one of them v, whose keys are t times the radius apart in
    an open direction. A read of weight W against a reference whose value is 0 shows W |dv| + (W' - W) v, which is at
    most 2 eta + 2 tau; W' is W with a logit that is t gap higher. Each step takes both arguments at its lower end.
    """
    d, eta = floor.d, ball(floor.eta)
    tau = (found.gap - 4 * (2 * eta).atanh()).exp() - 1
    full = 2 * eta + 2 * found.blur
    total = arb(0)
    for shell in range(SHELLS):
        change = found.gap * shell / SHELLS
        if 2 * shell < SHELLS:  # the inner half weighs 2^(1 - d), whatever its widths
            widths = CELLS * full
        else:
            widths = sum((_width(arb(cell) / CELLS - full, change, eta, tau, full) for cell in range(CELLS)), arb(0))
        step = (arb(shell + 1) / SHELLS) ** (d - 1) - (arb(shell) / SHELLS) ** (d - 1)
        total += step * (widths / CELLS) ** (d - 1)
    return total


def _width(amplitude: arb, change: arb, eta: arb, tau: arb, full: arb) -> arb:
    """An upper bound on the difference of two values that no read separates, from a pure read and from one mixed read.

    Any weight of the mix is sound; this one is near the best.
    """
    if not (amplitude > 0 and amplitude * change > 2 * eta):
        return full
    weight = (2 * eta / (amplitude * change)).sqrt().mid()
    odds = (weight / (1 - weight)).log().mid()
    if not 0 < odds < FARTHEST_MIX:
        return full
    mixed = logistic(odds)
    up, down = logistic(odds + change) - mixed, mixed - logistic(odds - change)
    width = (2 * eta + 2 * tau - amplitude * up.min(down)) / mixed
    if width <= 0:
        return arb(0)
    return width.abs_upper() if width < full else full
