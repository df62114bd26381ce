"""Theorem R2: with public weights, the last scale's outputs determine the token ids, so that the state must hold them.

Only a few numbers that describe the public weights enter here. Rows that are read have separated keys, so that an
output is the value of one row, up to a leak. Values are the pyramid's content, linear up to the layer norm. Ids are
sign vectors, decoded one scale after the other: what earlier scales add is subtracted exactly, so that no error
propagates from one scale to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.rules.floor import ball, require, working_precision
from lowerbound.kernel.rules.pyramid import Pyramid, read_maps, read_mode
from lowerbound.kernel.rules.separated import check_separated
from lowerbound.kernel.verdict import Outcome, Verdict

LEMMAS: tuple[str, ...] = ("public_weights",)
GAMES = ("whole state", "cache alone")
MOST_WORK = 2**24
MOST_SPARE_BITS = 2**14
LARGEST_MULTIPLIER = 100
"""The cap on the multiplier of the official code."""


@dataclass(frozen=True)
class LayerClaim:
    """What a claim says of the network: its pyramid, its sizes, and how its ids are written."""

    pyramid: Pyramid
    width: int
    n_heads: int
    d: int
    n_channels: int
    id_bits: int


@dataclass(frozen=True)
class AxisReading:
    """One axis of a scale: the places whose ids are kept (not frozen), and the support of each left-inverse row."""

    kept: tuple[int, ...]
    supports: tuple[tuple[int, ...], ...]

    @property
    def n_rows(self) -> int:
        """The number of lines of the next scale that are read."""
        return len(set().union(*self.supports))


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the last scale's outputs, each within eta of the range of values, determine the ids that are kept.

    Contract: VERIFIED only if for every scale k <= N - 2 with ids that are not frozen the content of some rows of scale
    k + 1 has a left inverse with row sums <= kappa_k, so that 2 F_k kappa_k (eta + tau) (1 - B^-2)^(-3/2) < 1, with F_k
    the largest content of scale k + 1 and tau the leak; the rows fit into the queries of the last scale, the weights
    into the layer; and the bits are at most m id_bits - log2(1 / (1 - delta)), m the number of ids that are not frozen.
    A left inverse is the Kronecker product of one left inverse per axis, each with row p solved on its own support.
    """
    layer, eta, delta, multiplier, bits = _read(claim)
    names = ("precision", "heads", "addresses", "coherence", "swamp", "scales")
    precision, heads, addresses, bound, swamp, listed = fields(payload, "the payload", *names)
    used, strength = integer(heads, "the heads", 1, layer.n_heads), rational(swamp, "the swamp")
    if 2 + layer.n_channels + 2 * layer.d * used > layer.width:
        raise Rejected(f"{used} heads of {layer.d} and {layer.n_channels} channels exceed the width {layer.width}")
    if not strength > 1:
        raise Rejected(f"the swamp must be over 1, got {shown(swamp)}")
    pyramid, scales = layer.pyramid, _read_scales(listed, layer.pyramid)
    n_last = pyramid.maps[-1][0] * pyramid.maps[-1][1]
    n_reads = sum(one.n_rows * other.n_rows for one, other in scales)
    if n_reads > used * n_last:
        raise Rejected(f"{n_reads} rows are read, and {used} heads have only {used * n_last} queries")
    coherence = rational(bound, "the coherence")
    check_separated(addresses, min(n_reads, n_last) + 1, layer.d, coherence)
    n_rows = sum(height * width for height, width in pyramid.maps)
    kept = [(one.kept, other.kept) for one, other in scales]
    thresholds = []
    with working_precision(precision):
        tau = (n_rows - 1) * (-ball(multiplier) * (1 - ball(coherence))).exp()
        bend = (1 - 1 / ball(strength) ** 2) ** 3
        for k, axes in enumerate(scales):
            if not all(axis.kept for axis in axes):
                continue
            threshold = 1 / (2 * pyramid.largest_content(kept, k))
            for place, axis in enumerate(axes):
                threshold /= pyramid.amplification(place, k, axis.kept, axis.supports)
            thresholds.append(threshold)
            what = f"(eta + tau)^2 < eta_{k + 1}^2 (1 - B^-2)^3 at eta_{k + 1} = {_near(threshold)}"
            require(((ball(eta) + tau) / ball(threshold)) ** 2, bend, what)
    count = sum(len(one) * len(other) for one, other in kept)
    spare = count * layer.id_bits - bits  # 2^spare beyond every denominator that can be read does not matter
    if spare < 0 or (1 - delta) * 2 ** min(spare, MOST_SPARE_BITS) < 1:
        raise Rejected(f"{count} ids of {layer.id_bits} bits force fewer than the claimed {bits} bits")
    least = f"; the least threshold of a scale is {_near(min(thresholds))}" if thresholds else ""
    return Verdict(Outcome.VERIFIED, f"theorem R2 forces {bits} bits, for {count} ids in {n_reads} rows{least}")


def _near(value: Fraction) -> str:
    """The value as "1/x", x rounded up to two decimals, so that the text is never more than the value."""
    hundredths = -(-100 * value.denominator // value.numerator)
    return f"1/{hundredths // 100}.{hundredths % 100:02}"


def _read(claim: Any) -> tuple[LayerClaim, Fraction, Fraction, Fraction, int]:
    names = ("theorem", "lemmas", "computation_model", "games", "model", "maps", "resampling", "width", "heads", "d")
    terms = ("channels", "id_bits", "positions", "rule", "multiplier", "eta", "delta", "bits")
    values = dict(zip((*names, *terms), fields(claim, "the claim", *names, *terms), strict=True))
    fixed = {
        "theorem": "R2",
        "lemmas": list(LEMMAS),
        "computation_model": "R2",
        "games": list(GAMES),
        "positions": "a table",
        "rule": "l2norm",
    }
    for name, wanted in fixed.items():
        if type(values[name]) is not type(wanted) or values[name] != wanted:
            raise Rejected(f"the {name.replace('_', ' ')} must be {wanted}, got {shown(values[name])}")
    if not 1 <= len(typed(values["model"], str, "the model")) <= 200:
        raise Rejected("the model must have a name of at most 200 characters")
    up, down = fields(values["resampling"], "the resampling", "up", "down")
    multiplier, eta, delta = (rational(values[name], f"the {name}") for name in ("multiplier", "eta", "delta"))
    if not 0 < multiplier <= LARGEST_MULTIPLIER:
        raise Rejected(f"the multiplier must lie in (0, {LARGEST_MULTIPLIER}], got {multiplier}")
    if not 0 <= eta < 1 or not 0 <= delta < 1:
        raise Rejected(f"eta and delta must lie in [0, 1), got {shown(values['eta'])} and {shown(values['delta'])}")
    n_channels, d = (integer(values[name], f"the {name}", 1, 4096) for name in ("channels", "d"))
    layer = LayerClaim(
        pyramid=Pyramid(read_maps(values["maps"], 3), read_mode(up), read_mode(down)),
        width=integer(values["width"], "the width", 1, 2**20),
        n_heads=integer(values["heads"], "the heads", 1, 4096),
        d=d,
        n_channels=n_channels,
        id_bits=integer(values["id_bits"], "the id bits", 1, min(n_channels, d)),
    )
    return layer, eta, delta, multiplier, integer(values["bits"], "the bits", 0, 2**40)


def _read_scales(value: Any, pyramid: Pyramid) -> list[tuple[AxisReading, AxisReading]]:
    n_scales = len(pyramid.maps) - 2
    if len(typed(value, list, "the scales")) != n_scales:
        raise Rejected(f"there must be {n_scales} scales, got {len(value)}")
    scales, work = [], 0
    for k, scale in enumerate(value):
        if len(typed(scale, list, "a scale")) != 2:
            raise Rejected(f"a scale must have two axes, got {shown(scale)}")
        axes = []
        for axis, entry in enumerate(scale):
            mine, rows = fields(entry, "an axis", "kept", "supports")
            kept = _places(mine, pyramid.maps[k][axis], "the kept ids")
            axes.append(AxisReading(kept, _supports(rows, pyramid.maps[k + 1][axis], len(kept))))
            work += len(kept) ** 3 * len(set(axes[-1].supports))
        scales.append((axes[0], axes[1]))
    if work > MOST_WORK:
        raise Rejected(f"the left inverses exceed the limit of {MOST_WORK} steps")
    return scales


def _places(value: Any, side: int, what: str) -> tuple[int, ...]:
    places = tuple(integer(place, "a place", 0, side - 1) for place in typed(value, list, what))
    if sorted(set(places)) != list(places):
        raise Rejected(f"{what} must increase, got {shown(value)}")
    return places


def _supports(value: Any, side: int, n: int) -> tuple[tuple[int, ...], ...]:
    """One support per kept id; a single listed support is used for all of them."""
    listed = typed(value, list, "the supports")
    if len(listed) not in ({1, n} if n else {0}):
        raise Rejected(f"there must be one support, or {n}, got {len(listed)}")
    supports = tuple(_places(each, side, "a support") for each in listed)
    if any(len(support) != n for support in supports):
        raise Rejected(f"a support must have as many rows as ids, {n}")
    return supports * n if len(supports) == 1 else supports
