"""Theorem G, the other way to narrow a key down: Bob is told omega plus noise, and pays for what it leaves open.

X_j = omega + e_j, e_j uniform in a ball of radius s_j, independent of all else. Reads in random directions confine X_j
to strips with soft edges, the profile min(1, t^2 / kappa^2): a rate of errors costs once a level, not a coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from flint import arb

from lowerbound.kernel.rules.floor import require
from lowerbound.kernel.rules.sphere import log_ball_volume, tail
from lowerbound.kernel.rules.strip_reads import OFFSETS, SHELLS, StripReads, log2, log2_sphere


@dataclass(frozen=True)
class Noise:
    """One level: how steep its reads are (Gamma at the first level, the height x later), kappa, s and Gibbs' weight."""

    steepness: arb
    edge: arb
    spread: arb
    weight: arb


def narrowed(reads: StripReads, levels: list[Noise], classes: int) -> tuple[arb, arb]:
    """What the state leaves open of X_1, ..., X_J beyond their noise, in bits, and the radius R_J around the last."""
    n, m, first = reads.floor.d - 1, reads.floor.d - 2, levels[0]
    slope = first.steepness / (reads.cap * reads.rho(reads.c_0 + reads.w_0))
    require(slope, arb(1), "Gamma_1 < lambda rho_1")
    rate = reads.wrong(reads.c_0 * reads.rho(slope), reads.tau_c)
    rate += _blurred(reads, n, first, first.steepness, first.steepness, arb(0))
    left, radius = _left(n, first, 1 + first.spread, rate), first.spread
    for level in levels[1:]:
        reach = radius + level.spread
        require(reach, arb(1), "R_(j-1) + s_j < 1")
        require(level.steepness, arb(1), "x_j < 1")
        longest, steep = reads.rho(reads.c_0), reads.cap * reads.rho(level.steepness)
        bend = level.steepness * longest**2 * (1 - reads.rho(radius))
        blur = reads.cap * bend / (2 * classes)
        rate = reads.wrong(level.steepness - bend, reads.tau_c)
        rate += _blurred(reads, m, level, steep * longest * radius, steep * reads.rho(reads.c_0 + reads.w_0), blur)
        left += _left(m, level, reach, rate) + log2(arb(classes))
        radius = level.spread / reads.rho(reach)
    return left, radius


def _blurred(reads: StripReads, dimension: int, level: Noise, farthest: arb, slope: arb, blur: arb) -> arb:
    """The mean of min(1, t^2 / kappa^2) that noise and the length of a read's interval cause, at most.

    `farthest` is the largest change of a logit, at a direction's end, and `slope` the least change per unit of length.
    """
    ends = [arb(k + 1) / OFFSETS for k in range(OFFSETS)]
    tails = [2 * tail(end, dimension) for end in (arb(0), *ends)]
    edge, total = level.edge, arb(0)
    for k, end in enumerate(ends):
        length = reads.interval(arb(1), farthest * end + blur, 2 * slope * edge)
        total += (tails[k] - tails[k + 1]) * arb(min(((length / 2 + blur) / slope).abs_upper(), edge.abs_upper())) ** 2
    return (level.spread**2 / (dimension + 2) + total) / edge**2


def _left(dimension: int, level: Noise, reach: arb, rate: arb) -> arb:
    """What the state leaves open of omega + e, minus the entropy of e, by Gibbs' inequality, in bits."""
    end = reach / level.edge
    require(arb(1) / 4, end, "an edge is less than four times the reach")
    require(end, arb(2) ** 20, "an edge is at least a millionth of the reach")
    marks = [((4 * end).log() * k / SHELLS).exp() / 4 for k in range(SHELLS + 1)]
    total = marks[0] ** dimension / dimension
    for near, far in pairwise(marks):
        weight = (-level.weight * _profile(near, dimension)).exp()
        total += (far**dimension - near**dimension) / dimension * weight
    volume = log2_sphere(dimension) + log2(total) + dimension * log2(level.edge / level.spread)
    return volume + (level.weight * rate - log_ball_volume(dimension)) / arb(2).log()


def _profile(t: arb, dimension: int) -> arb:
    """At most E min(1, (t x)^2), x a coordinate of a uniform unit vector."""
    if not t > 1:  # the mean increases with t, so that the least t of a ball about 1 bounds it
        return t.lower() ** 2 / dimension
    beyond, further = tail(1 / t, dimension), tail(1 / t, dimension + 2)  # x^2 is integrated by parts
    inside = arb(1) / dimension - 2 * beyond + 2 * (dimension - 1) * further / dimension
    return 2 * beyond + t * t * inside
