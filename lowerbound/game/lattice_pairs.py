"""Theorem E1 as a game: keys over lattice points, in pairs that lie just too far apart to share a state.

Every token has a public pair of lattice points, and its key is the unit vector over one of them; all keys are coherent
whichever are taken. Two such keys are farther from each other than two keys of one clique can be. So the theorem's
question tells them apart: a query on their great circle, tilted away from both, against a reference in the middle.
Values are on a grid, and are read with the key that was found.

The theorem counts what states may stand for over all lists of lattice keys, which no sequence of reads recovers. Of
that family this game plays T choices between two keys, and all values.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from math import isqrt
from typing import Any, ClassVar

import numpy as np
from flint import arb

from lowerbound.core.bounds import BALLS
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import MOST_LEVELS, Grid
from lowerbound.core.oracle.rounding import UNIT_ROUNDOFF, rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.reading import FloatArithmetic
from lowerbound.core.scalars import ball, certainly_less, decide, plainly, precision, rational, upper_fraction
from lowerbound.core.tilt import apart, others, turn
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.hard_family import FloatArray, HardFamily, Run
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.tally import Alphabet

PRECISION_BITS = 128
MOST_STEPS = 2**48
"""M at most: coordinates of points are then exact in float64."""
WIDEST = Fraction(5, 4)
"""Two keys of a pair are at most so many times `distance` apart."""
MOST_DRAWS = 4096
"""Draws of one token's pair before the coherence counts as out of reach."""
COHERENCE_MARGIN = 1e-12
"""More than float64 errs in a cosine of two lifts, for d up to 4096: about d + 4 units of 1.2e-16, each under 1."""


def pair_rounding(geometry: Geometry, multiplier: Fraction) -> Fraction:
    """An upper bound on the distance of float64 answers from exact attention over the exact keys of the family.

    Derivation, with unit roundoff u, to first order; the constants leave room for the second order. Coordinates of
    lattice points are exact over a power of two; the height over a point is the root of an exact integer, off by at
    most 2u. A direction between two keys is computed from their exact difference, to within (d + 8) u, and so are
    queries and references; a rule that normalizes keys and queries moves every entry by another (d + 3) u. So each
    logit is off by at most (2 d + 64) u lambda, and a softmax mean of values in [0, 1] moves by half of that. Values,
    levels and thresholds are rounded once each: 4u in total. The float64 oracle adds `rounding_bound`.
    """
    u, logit = UNIT_ROUNDOFF, float(multiplier) * (1 + 2.0**-40)
    oracle = rounding_bound(d=geometry.d, n_tokens=geometry.schedule.n_tokens, max_logit=logit, max_value=1.0)
    return Fraction(oracle) + (2 * geometry.d + 64) * u * multiplier / 2 + 4 * u


@dataclass(frozen=True)
class LatticePairs(HardFamily):
    """The hard family of lattice keys in pairs, and of values on a grid.

    Contract: from a cache whose every answer is within `eta` of exact attention, or of float64 attention, Bob recovers
    every symbol: which key of its pair a token has by one question, and then its value. The constructor proves in Arb
    balls that the question separates the two, or raises ImpossibleReduction, which names the inequality that is false.
    Source: the step `tilt` of Theorem E1 (docs/cliques.md).

    The symbols of a token have d - 1 columns of values, then one column that names the key.

    Parameters
    ----------
    coherence : Fraction in [0, 1)
        mu, an upper bound on the cosine of two keys of different tokens.
    tilt : Fraction in (mu, 1)
        C, the cosine of the query with the farther key of a pair.
    distance : Fraction in (0, 1)
        The least distance of the two points of a pair, in units; two keys of one clique are nearer.
    steps : int
        M, the lattice steps to a unit; a power of two, at most 2^48.
    n_levels_values : int >= 2
        L, the number of levels of a value.
    """

    game: ClassVar[str] = "lattice keys"

    geometry: Geometry
    eta: Fraction
    coherence: Fraction
    tilt: Fraction
    distance: Fraction
    steps: int
    n_levels_values: int
    multiplier: Fraction
    seed: int = 0
    rounding: Fraction = field(init=False)
    grid: Grid = field(init=False)

    def __post_init__(self) -> None:
        steps, cap = self.steps, self.geometry.multiplier_cap
        for holds, rule, got in (
            (self.geometry.d >= 3, "d >= 3", self.geometry.d),
            (0 <= self.coherence < self.tilt < 1, "0 <= mu < C < 1", (str(self.coherence), str(self.tilt))),
            (0 < self.distance < 1, "0 < distance < 1", str(self.distance)),
            (0 < steps <= MOST_STEPS and steps & (steps - 1) == 0, "steps = a power of two, at most 2^48", steps),
            (2 <= self.n_levels_values <= MOST_LEVELS, f"2 <= L <= {MOST_LEVELS}", self.n_levels_values),
            (self.multiplier > 0 and (cap is None or self.multiplier <= cap), f"0 < lambda <= {cap}", self.multiplier),
        ):
            if not holds:
                raise ImpossibleReduction(f"a game of lattice keys must have {rule}, got {got}")
        rounding = pair_rounding(self.geometry, self.multiplier)
        if not 2 * (self.eta + rounding) < 1:
            raise ImpossibleReduction(f"eta + rounding must be below 1/2, got {plainly(self.eta + rounding)}")
        object.__setattr__(self, "rounding", rounding)
        self._prove()
        levels = tuple(Fraction(a, self.n_levels_values - 1) for a in range(self.n_levels_values))
        with precision(PRECISION_BITS):
            lam, n_own = ball(self.multiplier), self.geometry.n_own
            leak = others(BALLS, self.geometry.n_tokens_cached, lam, ball(self.coherence), ball(1))
            blur = upper_fraction(leak + n_own * (-lam).exp()) + rounding
        object.__setattr__(self, "grid", Grid.through_middles(levels, "additive", self.eta, blur))

    def _prove(self) -> None:
        """Prove that one question separates every pair, and that the reference reaches down to it.

        It reaches up: a pair that is apart has ln(1 + tau) < lambda (1 - C), so the middle lies below lambda.
        """
        n, n_own = self.geometry.n_tokens_cached, self.geometry.n_own

        def read() -> tuple[arb, arb, arb]:
            lam, tilt = ball(self.multiplier), ball(self.tilt)
            return lam, tilt, (1 + others(BALLS, n, lam, ball(self.coherence), tilt)).log()

        def separate() -> tuple[arb, arb]:
            lam, tilt, blur = read()
            rise = turn(tilt, 1 - ball(self.distance) ** 2 / 2) - tilt
            return apart(BALLS, ball(self.eta + self.rounding)), lam * rise - blur

        def beside() -> tuple[arb, arb]:
            return ball(self.tilt), 1 - ball(WIDEST * self.distance) ** 2 / 2

        def down() -> tuple[arb, arb]:
            lam, tilt, _ = read()
            return ball(n_own).log(), lam * (1 + tilt)

        self._require("pairs that are apart, 4 artanh(2 eta) < lambda (turn(C, cos a) - C) - ln(1 + tau)", separate)
        self._require("pairs nearer than the tilt", beside)
        self._require("a reference that reaches down, ln T_N < lambda (1 + C)", down)

    def _require(self, inequality: str, sides: Callable[[], tuple[arb, arb]]) -> None:
        if not decide(lambda: certainly_less(*sides()), what=f"whether a game of lattice keys has {inequality}"):
            left, right = (float(side.mid()) for side in sides())
            raise ImpossibleReduction(
                f"a game of lattice keys must have {inequality}, got {left:.9g} against {right:.9g} at eta "
                f"{plainly(self.eta)} and rounding {float(self.rounding):.3g}"
            )

    @property
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The two kinds of symbols: levels of values, and which key of its pair a token has."""
        return Alphabet("values", self.n_levels_values, self.geometry.d - 1), Alphabet("keys", 2, 1)

    @cached_property
    def points(self) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
        """The public pair of lattice points of each token, each of d - 1 integers, drawn from the public coins.

        Contract: the points of a pair are at least `distance` apart, and keys of different tokens have cosines of at
        most `coherence`; if no such pair is found in MOST_DRAWS draws, ImpossibleReduction.
        """
        pairs: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
        keys = np.empty((2 * self.geometry.n_tokens_cached, self.geometry.d))
        for token in range(self.geometry.n_tokens_cached):
            for draw in range(MOST_DRAWS):
                pair = self._pair(Coins(self.seed, f"lattice/token {token}/draw {draw}"))
                if pair is None:
                    continue
                both = np.array([self._lift(point) for point in pair])
                if not token or (keys[: 2 * token] @ both.T).max() <= float(self.coherence) - COHERENCE_MARGIN:
                    break
            else:
                raise ImpossibleReduction(
                    f"keys must have cosines of at most {float(self.coherence):.6g} over {self.steps} steps to a unit, "
                    f"but no pair of keys for token {token} was found in {MOST_DRAWS} draws; the nearest possible game "
                    "has fewer tokens or a finer lattice"
                )
            assert pair is not None
            pairs.append(pair)
            keys[2 * token : 2 * token + 2] = both
        return tuple(pairs)

    def _pair(self, coins: Coins) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
        """Two lattice points in exact integers, the second beside the first; None if they are too near the rim.

        Contract: they are at least `distance` apart, and their keys at most WIDEST times that.
        """
        d, steps = self.geometry.d, self.steps
        drawn = [int(x) - 2**30 for x in coins.below(2**31, 2 * d - 1)]
        length = isqrt(sum(x * x for x in drawn[:d])) + 1
        point = [x * steps // length for x in drawn[: d - 1]]
        square, product = sum(z * z for z in point), sum(z * w for z, w in zip(point, drawn[d:], strict=True))
        beside = [w * square - z * product for z, w in zip(point, drawn[d:], strict=True)]
        step = -(-self.distance.numerator * steps // self.distance.denominator) + d
        length = isqrt(sum(x * x for x in beside)) + 1
        moved = [x * step // length for x in beside]
        flat, second = sum(x * x for x in moved), [z + x for z, x in zip(point, moved, strict=True)]
        heights = [steps**2 - square, steps**2 - sum(z * z for z in second)]
        if heights[0] < 4 * step**2 or heights[1] <= 0 or flat < (self.distance * steps) ** 2:
            return None
        fall = Fraction(heights[0] - heights[1], sum(map(isqrt, heights)))  # at least the difference of the two roots
        if flat + fall**2 > (WIDEST * self.distance * steps) ** 2:
            return None
        return tuple(point), tuple(second)

    def _lift(self, point: tuple[int, ...]) -> FloatArray:
        """The unit vector over a lattice point, shape (d,)."""
        height = self.steps**2 - sum(z * z for z in point)
        return np.array([*(z / self.steps for z in point), float(height) ** 0.5 / self.steps])

    @cached_property
    def pairs(self) -> FloatArray:
        """Both keys of each token, shape (T, 2, d)."""
        return np.array([[self._lift(point) for point in pair] for pair in self.points])

    @cached_property
    def _directions(self) -> tuple[FloatArray, FloatArray]:
        """The unit vectors at each key 0 toward its key 1, shape (T, d), and the lengths of the chords, shape (T,)."""
        points = np.array(self.points, dtype=object)
        flat = (points[:, 1] - points[:, 0]).astype(float) / self.steps
        heights = self.pairs[:, :, -1]
        fall = -(flat * (self.pairs[:, 0, :-1] + self.pairs[:, 1, :-1])).sum(axis=1) / heights.sum(axis=1)
        chord = np.concatenate([flat, fall[:, None]], axis=1)
        squares = (chord * chord).sum(axis=1)
        tangent = chord + squares[:, None] / 2 * self.pairs[:, 0]
        return tangent / np.linalg.norm(tangent, axis=1, keepdims=True), np.sqrt(squares)

    @cached_property
    def queries(self) -> FloatArray:
        """The public queries of generation: the first key of each pair, at the rule's length, shape (T, d)."""
        return self.pairs[:, 0] * self.geometry.query_length(self.multiplier)

    def draw(self, instances: PrivateSeed, trial: int) -> Symbols:
        """Independent uniform symbols, with separate coins for values and for keys."""
        return np.concatenate(
            [
                draw_symbols(
                    instances, trial, n_levels=kind.n_levels, shape=(self.shape[0], kind.n_columns), kind=kind.name
                )
                for kind in self.alphabets
            ],
            axis=1,
        )

    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """The keys that the last column names, and values: a constant 1, then the levels of the value symbols."""
        token = np.tile(np.arange(self.geometry.n_tokens_cached), self.n_heads)
        values = np.concatenate([np.ones((len(symbols), 1)), self.grid.level_array[symbols[:, :-1]]], axis=1)
        return self.by_head(self.pairs[token, symbols[:, -1]]), self.by_head(values)

    def question(self, token: int) -> Run:
        """The run that tells the two keys of a token apart: output 0 is above 1/2 for the second key.

        The query has cosine C with key 0 and is nearer to key 1. Bob's tokens are copies of one reference with value 0,
        whose logit, all copies together, is halfway between what either key gives.
        """
        tangents, chords = self._directions
        lam, tilt, n_own = float(self.multiplier), float(self.tilt), self.geometry.n_own
        key, tangent, cosine = self.pairs[token, 0], tangents[token], 1 - chords[token] ** 2 / 2
        sine = np.sqrt(1 - tilt * tilt)
        query, beside = tilt * key + sine * tangent, sine * key - tilt * tangent
        blur = np.log1p(others(FloatArithmetic(), self.geometry.n_tokens_cached, lam, float(self.coherence), tilt))
        middle = (lam * turn(tilt, cosine) + lam * tilt + blur) / 2
        share = (middle - np.log(n_own)) / lam
        reference = np.broadcast_to(share * query + np.sqrt(1 - share * share) * beside, (n_own, self.geometry.d))
        own = self.for_all_heads(reference)
        asked = query[None] * self.geometry.query_length(self.multiplier)
        return Run(own, np.zeros(own.shape), self.for_all_heads(asked))

    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: which key each token has, one question each, and then all values, block by block."""
        named = []
        for token in range(self.geometry.n_tokens_cached):
            outputs = yield self.question(token)
            named.append(outputs[..., 0, 0] > 0.5)
        keys = np.stack(named, axis=2).astype(np.int64)
        aside = np.zeros((self.geometry.n_own, self.geometry.d))
        aside[:, -1] = -1
        own = self.for_all_heads(aside)
        values, length = [], self.geometry.query_length(self.multiplier)
        for block in QueryBlocks(self.schedule, most):
            tokens = np.arange(block.start, block.stop)
            outputs = yield Run(own, np.zeros(own.shape), self.pairs[tokens, keys[..., tokens]] * length)
            values.append(self.grid.decode(outputs[..., 1:]))
        return np.concatenate([np.concatenate(values, axis=2), keys[..., None]], axis=3).reshape(self.shape)

    def stacked(self, stack: tuple[int, int]) -> LatticePairs:
        """The same family for `stack` = (layers, heads per layer); all heads have the same pairs."""
        return replace(self, geometry=replace(self.geometry, stack=stack))

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""
        return {
            "geometry": self.geometry.to_json(),
            "eta": str(self.eta),
            "coherence": str(self.coherence),
            "tilt": str(self.tilt),
            "distance": str(self.distance),
            "steps": self.steps,
            "n_levels_values": self.n_levels_values,
            "multiplier": str(self.multiplier),
            "seed": self.seed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LatticePairs:
        """The family that `to_json` described; its constructor proves it again."""
        return cls(
            geometry=Geometry.from_json(data["geometry"]),
            eta=rational(data["eta"], name="eta"),
            coherence=rational(data["coherence"], name="coherence"),
            tilt=rational(data["tilt"], name="tilt"),
            distance=rational(data["distance"], name="distance"),
            steps=data["steps"],
            n_levels_values=data["n_levels_values"],
            multiplier=rational(data["multiplier"], name="multiplier"),
            seed=data["seed"],
        )
