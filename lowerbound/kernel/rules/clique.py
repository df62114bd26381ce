"""Theorem E: instances that share a state form a small clique, by Brunn and Minkowski. Proved on paper, not in Coq."""

from __future__ import annotations

from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown
from lowerbound.kernel.rules.floor import FloorClaim, ball, compared, read_floor, require, working_precision
from lowerbound.kernel.rules.matching import Matching, leak, match, read_chain
from lowerbound.kernel.rules.sphere import log_ball_volume
from lowerbound.kernel.verdict import Verdict

LEMMAS = {"E": ("clique",)}
MOST_LEVELS = 2**20
MOST_SHARED_BITS = 1024
SHELLS, CELLS = 200, 64
"""Steps in t and in v of the step function by which `_shared_width` bounds its integral."""
LARGEST_ODDS = 8103
"""Of the token against the reference in a mixed read; below e^9."""


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
    d, allowed = floor.d, 2 * ball(floor.eta)
    loose = allowed + 2 * ((found.gap - 4 * allowed.atanh()).exp() - 1)
    full = allowed + 2 * found.blur
    amplitudes = [arb(cell) / CELLS - full for cell in range(CELLS)]
    total = arb(0)
    for shell in range(SHELLS):
        change = found.gap * shell / SHELLS
        if 2 * shell < SHELLS:  # the inner half weighs 2^(1 - d), whatever its widths
            widths = CELLS * full
        else:
            grown = change.exp() - 1
            mixes = [(each, allowed / (each * change)) for each in amplitudes if each > 0]
            narrower = (_width(each, square.sqrt().mid(), grown, loose, full) for each, square in mixes)
            widths = sum(narrower, (CELLS - len(mixes)) * full)
        step = (arb(shell + 1) / SHELLS) ** (d - 1) - (arb(shell) / SHELLS) ** (d - 1)
        total += step * (widths / CELLS) ** (d - 1)
    return total


def _width(amplitude: arb, weight: arb, grown: arb, loose: arb, full: arb) -> arb:
    """An upper bound on the difference of two values that no pure read separates, nor one in which W is this weight.

    Any weight is sound. From 1/2 on, W' - W = W (1 - W) (e^c - 1) / (1 + W (e^c - 1)) is least for a higher logit.
    """
    if not (2 * weight > 1 and weight < LARGEST_ODDS * (1 - weight)):
        return full
    width = loose / weight - amplitude * grown * (1 - weight) / (1 + weight * grown)
    if width <= 0:
        return arb(0)
    return width.abs_upper() if width < full else full
