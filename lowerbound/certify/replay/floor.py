"""Model R2's floor: the exact error below which the last scale's outputs determine the ids, and its certificate.

Each scale k <= N - 2 is read from rows of scale k + 1. Codes are signs, so eta_k = 1/(2 F_k kappa_k), with F_k the
largest content of scale k + 1 and kappa_k the gain of the left inverse. Below the least eta_k all ids are needed, and
they are enough. Above it some ids are frozen (made public), until the others can be read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
from flint import fmpq, fmpq_mat

from lowerbound.certify.design.values import described
from lowerbound.certify.replay.amplification import (
    Amplification,
    fraction,
    kept_columns,
    least,
    passed,
    row_sums,
    square,
)
from lowerbound.certify.replay.facts import facts_of, modes_of
from lowerbound.certify.sealed import Sealed, sealed
from lowerbound.certify.theorems import REPLAY
from lowerbound.core.keys.choice import best_family, find_family
from lowerbound.core.keys.family import KeyFamily, Keys
from lowerbound.core.models import Model
from lowerbound.core.pyramid.resampling import INFINITY, VAR, FloatArray, Resampling
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.core.scalars import Rational, counted, floor_float, plainly, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, Undecided, invalid
from lowerbound.kernel.rules.replay import GAMES

SWAMP = 10**9
"""B, the ratio of the public part of a row to its content."""
PRECISION_BITS = 256
CODES = ("kerdock", "trace")
DIGITS = 9
CLEARLY = 1e-9
"""A relative margin on float64 limits, so that rounding cannot admit a choice that breaks a threshold."""

Kept = tuple[tuple[int, ...], tuple[int, ...]]
"""Rows and columns of a map whose tokens are free; all others are frozen, and public."""


@dataclass(frozen=True)
class ScaleReading:
    """How the ids of one scale are read from rows of the next: the kept ids and the left inverse of each axis."""

    kept: Kept
    inverses: tuple[Amplification, Amplification] | None

    @property
    def n_ids(self) -> int:
        """The number of ids that are kept, that is, not frozen."""
        return len(self.kept[0]) * len(self.kept[1])

    @property
    def n_rows(self) -> int:
        """The number of rows of the next scale that are read."""
        return len(self.inverses[0].rows) * len(self.inverses[1].rows) if self.inverses else 0

    @property
    def kappa(self) -> Fraction | None:
        """The gain of the left inverse; None where nothing is kept."""
        return self.inverses[0].kappa * self.inverses[1].kappa if self.inverses else None


@dataclass(frozen=True)
class ReplayPlan:
    """Which rows the last scale reads, and the exact error up to which they determine the ids.

    Contract: `thresholds[k]` is eta_k, exactly, or None for a scale whose ids are all frozen; the rows that are read
    are at most `n_heads` times the tokens of the last scale.
    """

    schedule: ScaleSchedule
    resampling: Resampling
    n_heads: int
    scales: tuple[ScaleReading, ...]

    @property
    def n_ids(self) -> int:
        """The number of ids that are determined."""
        return sum(scale.n_ids for scale in self.scales)

    @property
    def n_rows(self) -> int:
        """The number of rows that are read, over all scales."""
        return sum(scale.n_rows for scale in self.scales)

    @cached_property
    def largest_contents(self) -> tuple[Fraction, ...]:
        """F_k: the largest |content| of scale k + 1 that the ids of scales up to k can make."""
        found = []
        for k in range(len(self.scales)):
            sums = [_absolute_sums(self, axis, k) for axis in (0, 1)]
            found.append(fraction(max((sums[0] * sums[1].transpose()).entries())))
        return tuple(found)

    @cached_property
    def thresholds(self) -> tuple[Fraction | None, ...]:
        """eta_k of every scale that is read."""
        return tuple(
            None if scale.kappa is None else 1 / (2 * content * scale.kappa)
            for scale, content in zip(self.scales, self.largest_contents, strict=True)
        )

    @property
    def threshold(self) -> Fraction:
        """eta_0, the least of all; 1/2 if nothing is kept."""
        return min((eta for eta in self.thresholds if eta is not None), default=Fraction(1, 2))

    @property
    def binding(self) -> int | None:
        """The scale whose threshold is the least, from 0; None if nothing is kept."""
        known = [k for k, eta in enumerate(self.thresholds) if eta == self.threshold]
        return known[0] if known else None


def _absolute_sums(plan: ReplayPlan, axis: int, k: int) -> fmpq_mat:
    """Entry (i, j): the sum of |weights| with which line i of scale k + 1 takes in the kept ids of scale j."""
    columns = [
        _absolute(plan.resampling, _sides(plan.schedule, axis, k + 1, j), scale.kept[axis])
        for j, scale in enumerate(plan.scales[: k + 1])
    ]
    return fmpq_mat(len(columns), len(columns[0]), [x for column in columns for x in column]).transpose()


@lru_cache(maxsize=4096)
def _absolute(resampling: Resampling, sides: tuple[int, int, int], kept: tuple[int, ...]) -> tuple[fmpq, ...]:
    whole = passed(resampling, *sides)
    return tuple(row_sums(kept_columns(whole, kept))) if kept else (fmpq(0),) * whole.nrows()


def _sides(schedule: ScaleSchedule, axis: int, scale: int, earlier: int) -> tuple[int, int, int]:
    shapes = schedule.shapes
    return shapes[earlier][axis], shapes[scale][axis], shapes[-1][axis]


@lru_cache(maxsize=4096)
def _inverse(
    resampling: Resampling, sides: tuple[int, int, int], kept: tuple[int, ...], *, few_rows: bool
) -> Amplification:
    matrix = kept_columns(passed(resampling, *sides), kept)
    return square(matrix) if few_rows else min(least(matrix), square(matrix), key=lambda one: one.kappa)


def reading(schedule: ScaleSchedule, resampling: Resampling, scale: int, kept: Kept, *, few_rows: bool) -> ScaleReading:
    """How the kept ids of a scale, from 0, are read.

    With `few_rows` as many rows are read as there are ids; otherwise whichever rows amplify noise least.

    Contract: as that of `amplification.square` and `amplification.least`, whose errors it raises.
    """
    if not kept[0] or not kept[1]:
        return ScaleReading(((), ()), None)
    one, other = (
        _inverse(resampling, _sides(schedule, axis, scale + 1, scale), kept[axis], few_rows=few_rows) for axis in (0, 1)
    )
    return ScaleReading(kept, (one, other))


def whole(schedule: ScaleSchedule) -> tuple[Kept, ...]:
    """Nothing frozen: all rows and columns of all scales but the last two."""
    return tuple((tuple(range(shape[0])), tuple(range(shape[1]))) for shape in schedule.shapes[:-2])


def plan_replay(
    schedule: ScaleSchedule,
    resampling: Resampling,
    *,
    n_heads: int | None = None,
    kept: tuple[Kept, ...] | None = None,
    few_rows: bool = False,
) -> ReplayPlan:
    """Rows to read, so that the threshold is large.

    Contract: every scale is read from as many rows as it has ids. Unless `few_rows`, the scale with the least threshold
    is then read from more rows, again and again, as long as the queries of the last scale suffice. Without `n_heads`,
    the plan takes the least number of heads that suffices for the first step. Too few queries, maps that are not flat,
    or fewer than three maps raise ImpossibleReduction.
    """
    if schedule.n_scales < 3 or any(len(shape) != 2 for shape in schedule.shapes):
        raise ImpossibleReduction("a replay floor needs three flat maps or more, for ids are read from the next scale")
    chosen = kept or whole(schedule)
    scales = [reading(schedule, resampling, k, each, few_rows=True) for k, each in enumerate(chosen)]
    n_last = schedule.map_size(schedule.n_scales - 1)
    if n_heads is None:
        n_heads = max(1, -(-sum(scale.n_rows for scale in scales) // n_last))
    plan = ReplayPlan(schedule, resampling, n_heads, tuple(scales))
    n_queries = n_heads * n_last
    if plan.n_rows > n_queries:
        raise ImpossibleReduction(
            f"{counted(plan.n_rows, 'row')} must be read, by {counted(n_queries, 'query', 'queries')} of "
            f"{counted(n_heads, 'head')}; the nearest number of heads that suffices is {-(-plan.n_rows // n_last)}"
        )
    improved = {k for k in range(len(scales)) if few_rows}
    while (k := plan.binding) is not None and k not in improved:
        improved.add(k)
        other = reading(schedule, resampling, k, chosen[k], few_rows=False)
        candidate = replace(plan, scales=(*plan.scales[:k], other, *plan.scales[k + 1 :]))
        if candidate.n_rows > n_queries or candidate.scales[k] == plan.scales[k]:
            break
        plan = candidate
    return plan


@dataclass(frozen=True)
class CertifiedReplay:
    """A floor of model R2, verified by the kernel: bits at an error, of the whole state and of the cache alone."""

    bits: int
    eta: Fraction
    sealed: Sealed

    @property
    def reason(self) -> str:
        """The kernel's sentence."""
        return self.sealed.verdict.reason

    def document(self) -> bytes:
        """The file of this floor."""
        return self.sealed.document()


def resampling_of(model: Model) -> Resampling | None:
    """The resampling that makes first-layer inputs from ids, or None unless they are sums of enlarged codes."""
    modes = modes_of(model)
    return next((known for known in (VAR, INFINITY) if modes == (known.up, known.down)), None)


def id_bits_of(model: Model) -> int:
    """The bits of an id: log2 of the codebook's size, which is read as the set of all sign vectors of that length."""
    assert model.codebook_size is not None
    return model.codebook_size.bit_length() - 1


def certify_replay(
    model: Model, plan: ReplayPlan, *, eta: Rational | None = None, delta: Rational = 0
) -> CertifiedReplay:
    """The certificate that at this error the ids of the plan are needed; eta is just below the threshold if not given.

    Contract: the result is VERIFIED by the kernel. An eta that is not below the threshold raises InvalidArgument; a
    certificate that the kernel does not verify raises Undecided, with the kernel's reason.
    """
    threshold = plan.threshold
    error = rational(eta, name="eta") if eta is not None else Fraction(int(threshold * 10**DIGITS), 10**DIGITS)
    failure = rational(delta, name="delta")
    if not 0 <= error < threshold:
        most = plainly(floor_float(threshold))
        raise invalid("eta", f"lie in [0, {most}), where the rows determine the ids", str(error))
    if not 0 <= failure < 1:
        raise invalid("delta", "lie in [0, 1)", str(failure))
    claim = claim_of(model, eta=error, delta=failure, bits=_bits(plan.n_ids * id_bits_of(model), failure))
    found = sealed(f"{model.name}: theorem R2", REPLAY.rule, claim, payload_of(model, plan))
    if not found.is_verified:
        raise Undecided(f"the replay floor of {model.name} is not verified: {found.verdict.reason}")
    return CertifiedReplay(claim["bits"], error, found)


def claim_of(model: Model, *, eta: Fraction, delta: Fraction, bits: int) -> dict[str, Any]:
    """What a certificate claims of a network of this model's sizes, with a free table of positions."""
    if modes_of(model) is None:
        raise invalid("MODEL", "belong to the family VAR, or to Infinity with 32 bits an id", model.name)
    return {
        "theorem": REPLAY.name,
        "lemmas": list(REPLAY.lemmas),
        "computation_model": "R2",
        "games": list(GAMES),
        "model": model.name,
        **facts_of(model, "replay_floor"),
        "positions": "a table",
        "multiplier": str(MULTIPLIER_CAP),
        "eta": str(eta),
        "delta": str(delta),
        "bits": bits,
    }


def payload_of(model: Model, plan: ReplayPlan) -> dict[str, Any]:
    """The proof: addresses for the rows of one head, and the support of every row of the left inverses."""
    found = keys_of(model, plan)
    return {
        "precision": PRECISION_BITS,
        "heads": plan.n_heads,
        "addresses": found.described,
        "coherence": str(found.coherence),
        "swamp": str(SWAMP),
        "scales": [[_axis_json(scale, axis) for axis in (0, 1)] for scale in plan.scales],
    }


@dataclass(frozen=True)
class Addresses:
    """Separated keys for the rows of one head, and one more for all other rows; `described` is what the judge reads."""

    keys: Keys
    coherence: Fraction
    described: dict[str, Any]


@lru_cache(maxsize=64)
def addresses(n_keys: int, d: int) -> Addresses:
    """n keys of R^d: the words of a code if one is large enough, because its document is short, else the best family.

    Contract: as that of `best_family`, whose errors it raises.
    """
    fitting = [family for family in map(find_family, CODES) if family.capacity(d) >= n_keys]
    for family in fitting:
        keys = family.keys(n_keys, d)
        told = described(keys.rows)
        if "basis" in told:
            return Addresses(keys, _coherence(family, keys), told)
    family = best_family(n_keys, d)
    keys = family.keys(n_keys, d)
    return Addresses(keys, _coherence(family, keys), described(keys.rows))


def _coherence(family: KeyFamily, keys: Keys) -> Fraction:
    bound = family.coherence_bound(*keys.rows.shape)
    return max(Fraction(0), keys.coherence if bound is None else bound)


def keys_of(model: Model, plan: ReplayPlan) -> Addresses:
    """The addresses that a plan needs in every head: one per row that the head reads, and one for all other rows."""
    n_last = plan.schedule.map_size(plan.schedule.n_scales - 1)
    return addresses(min(plan.n_rows, n_last) + 1, model.head_dim)


def _bits(id_bits: int, failure: Fraction) -> int:
    """The largest integer b with 2^b <= 2^id_bits (1 - failure)."""
    lost = 0
    while Fraction(1, 2**lost) > 1 - failure:
        lost += 1
    return max(0, id_bits - lost)


def _axis_json(scale: ScaleReading, axis: int) -> dict[str, Any]:
    if scale.inverses is None:
        return {"kept": [], "supports": []}
    supports = scale.inverses[axis].supports
    listed = supports[:1] if len(set(supports)) == 1 else supports
    return {"kept": list(scale.kept[axis]), "supports": [list(support) for support in listed]}


def thinned(shape: tuple[int, ...]) -> Iterator[Kept]:
    """Sub-lattices of a map that may stay free: all of it, every s-th row and column around the middle, or nothing."""
    seen = set()
    for step in range(1, max(shape) + 1):
        kept = _every(shape[0], step), _every(shape[1], step)
        if kept not in seen:
            seen.add(kept)
            yield kept
    yield (), ()


def _every(side: int, step: int) -> tuple[int, ...]:
    return tuple(range((side - 1) % step // 2, side, step))


LARGEST_STEP = 5


@lru_cache(maxsize=64)
def _choices(schedule: ScaleSchedule, resampling: Resampling) -> tuple[tuple[ScaleReading, ...], ...]:
    found = []
    for k in range(schedule.n_scales - 2):
        tried = [kept for step, kept in enumerate(thinned(schedule.shapes[k])) if step < LARGEST_STEP or not kept[0]]
        readings = [reading(schedule, resampling, k, kept, few_rows=False) for kept in tried]
        found.append(tuple(sorted(readings, key=lambda scale: -scale.n_ids)))
    return tuple(found)


def surviving(schedule: ScaleSchedule, resampling: Resampling, eta: Rational, *, gap: Rational = 2) -> ReplayPlan:
    """The plan that keeps the most ids which are still determined at this error, however many heads it takes.

    `gap` is the least distance of two codes, whose entries lie in [-1, 1]: 2 for signs.

    Contract: eta is below gap/2 times every threshold of the plan, exactly. The plan is the best of the sub-lattices
    tried, not of all sets of ids.
    """
    relative = rational(eta, name="eta") * 2 / rational(gap, name="gap")
    choices = _choices(schedule, resampling)
    sums = [[_float_sums(schedule, resampling, k, choice) for choice in each] for k, each in enumerate(choices)]
    before = list(accumulate((max(choice.n_ids for choice in each) for each in choices), initial=0))
    best: tuple[int, tuple[int, ...]] = (-1, ())

    def descend(k: int, contents: list[FloatArray], allowed: list[float], n_ids: int, chosen: tuple[int, ...]) -> None:
        """Choose for scale k - 1, given the choices for later scales: most ids first, and no threshold may break."""
        nonlocal best
        if n_ids + before[k] <= best[0]:
            return
        if k == 0:
            best = n_ids, chosen
            return
        for place, choice in enumerate(choices[k - 1]):
            more = [one + other for one, other in zip(contents, sums[k - 1][place][k - 1 :], strict=True)]
            limits = [_allowed(choice, relative), *allowed]
            if all(float(content.max()) <= limit for content, limit in zip(more, limits, strict=True)):
                wider = [np.zeros(schedule.shapes[k - 1]), *more]
                descend(k - 1, wider, limits, n_ids + choice.n_ids, (place, *chosen))

    descend(len(choices), [np.zeros(schedule.shapes[len(choices)])], [], 0, ())
    scales = tuple(each[place] for each, place in zip(choices, best[1], strict=True))
    n_heads = max(1, -(-sum(scale.n_rows for scale in scales) // schedule.map_size(schedule.n_scales - 1)))
    plan = ReplayPlan(schedule, resampling, n_heads, scales)
    assert not plan.n_ids or relative < plan.threshold
    return plan


def _allowed(choice: ScaleReading, eta: Fraction) -> float:
    """The largest content of the next scale with which a scale is still read, lowered by CLEARLY."""
    return float("inf") if choice.kappa is None or not eta else (1 - CLEARLY) / float(2 * choice.kappa * eta)


def _float_sums(schedule: ScaleSchedule, resampling: Resampling, k: int, choice: ScaleReading) -> list[FloatArray]:
    """For every scale but the first and the last: the sums of |weights| of the kept ids of scale k, in float64."""
    sums = []
    for q in range(1, schedule.n_scales - 1):
        lines = (_absolute(resampling, _sides(schedule, axis, q, k), choice.kept[axis]) for axis in (0, 1))
        sums.append(np.outer(*(np.array([int(x.p) / int(x.q) for x in line]) for line in lines)))
    return sums
