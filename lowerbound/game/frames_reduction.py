"""Theorem F' as a game: Alice writes a word into the frame of every token and symbols into its values; Bob reads all.

To read values, Bob asks with a token's address, and all his own tokens have the fill vector as key. To read the letter
y_l of a token, he asks with cos(phi) b + sin(phi) f_l, or with the other sign once he knows that the letter is
negative. All his own tokens are then copies of one key of value 0, which together weigh as much as a cached token with
a stated letter. Value coordinate 0 of every cached token is 1, so output coordinate 0 says on which side the letter is.

A query is shut if the other tokens add too much to the weight of the token that is asked for; then a letter may be
misread, however good the cache is. That is rare, and errors of this kind are counted like all others.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.oracle.rounding import UNIT_ROUNDOFF, rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.reading import logit
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.frames import FloatArray, FramesDesign
from lowerbound.game.hard_family import HardFamily, Run
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.tally import Alphabet, Part

ANSWER_SLACK = 2.0**-40
"""By how much the intervals of allowed answers are widened, for the float errors of Bob's own arithmetic."""


def frames_rounding(geometry: Geometry, multiplier: Fraction) -> Fraction:
    """An upper bound on the distance of float64 answers from exact attention over the exact tokens of the family.

    Derivation, with unit roundoff u, to first order; the constants leave room for the second order. An address has
    relative errors of at most 2u. A reflected vector v - 2 w <w, v> / <w, w>, with w = e_0 - b, |w|^2 > 1/2 and |v| <=
    1, is off by at most (4 d + 40) u: d u |w| |v| for the product, (d + 2) u for the squared norm, and the errors of b,
    which move w by 2u. A query is made of two such vectors, and stretching it adds 5u. The fill, or a rule that
    normalizes, moves a key or a query by another (d + 3) u. So a logit is off by at most e = (11 d + 150) u lambda,
    and a softmax mean of values in [0, 1] moves by at most tanh(e / 2) <= e / 2. Values and thresholds are rounded once
    each: 4u in total. The float64 oracle adds `rounding_bound`.
    """
    u, largest = UNIT_ROUNDOFF, float(multiplier) * (1 + 2.0**-40)
    oracle = rounding_bound(d=geometry.d, n_tokens=geometry.schedule.n_tokens, max_logit=largest, max_value=1.0)
    moved = Fraction(11 * geometry.d + 150) * u * multiplier / 2 + 4 * u
    return (Fraction(oracle) if math.isfinite(oracle) else Fraction(1)) + moved


@dataclass(frozen=True)
class FramesReduction(HardFamily):
    """The hard family of words in frames and secret values.

    Contract: from a cache whose every answer is within `design.eta` of exact attention, or of float64 attention, Bob
    recovers every symbol whose queries are open; the chance that a query is shut is part of `design`'s proof. A design
    whose letters are too close for float64 raises ImpossibleReduction. Bob reads a letter ceil(log2 L) times at most.
    Source: Theorem F' at delta = 0.

    The symbols of a token have d - 1 columns of values, then p = d - 2 columns of letters.
    """

    game: ClassVar[str] = "frames"

    design: FramesDesign
    seed: int = 0
    geometry: Geometry = field(init=False)
    multiplier: Fraction = field(init=False)
    rounding: Fraction = field(init=False)
    grid: Grid = field(init=False)

    def __post_init__(self) -> None:
        design = self.design
        rounding = frames_rounding(design.geometry, design.multiplier)
        design.prove(rounding)
        levels = tuple(Fraction(a, design.n_levels_values - 1) for a in range(design.n_levels_values))
        own = design.n_own * math.exp(-float(design.multiplier * design.number("c0")) * (1 - 2.0**-40))
        leak = design.number("value_tau") / 2 + Fraction(own) * (1 + Fraction(1, 2**40))
        if leak > design.number("value_tau"):
            raise ImpossibleReduction(
                f"Bob's tokens must weigh at most tau_V / 2 beside the token whose value he reads, got {own:.3g}; "
                "the nearest possible number of own tokens is smaller"
            )
        longest = self._numbers["height"] ** 2 + (abs(self.design.letters[0]) + self._numbers["step"]) ** 2
        if longest >= 1:
            raise ImpossibleReduction(
                f"a reference must be a unit key for every letter, got the squared length {longest:.3g}; "
                "the nearest possible number of own tokens is smaller"
            )
        for name, value in (
            ("geometry", design.geometry),
            ("multiplier", design.multiplier),
            ("rounding", rounding),
            ("grid", Grid.through_middles(levels, "additive", design.eta, leak + rounding)),
        ):
            object.__setattr__(self, name, value)

    @property
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The two kinds of symbols: those written into values and those written into keys."""
        design = self.design
        return (
            Alphabet("values", design.n_levels_values, self.geometry.d - 1),
            Alphabet("keys", design.n_letters, design.p),
        )

    def tally(self, wrong: list[NDArray[np.bool_]], confidence: Fraction) -> tuple[list[Part], Fraction]:
        """As for every family, less log2 of the share of letter sequences that are words, once a token."""
        parts, floor = super().tally(wrong, confidence)
        return parts, max(Fraction(0), floor - self.shape[0] * self.design.words_left_out_bits)

    @cached_property
    def _numbers(self) -> dict[str, float]:
        """The real numbers of the design, as floats."""
        design = self.design
        return {
            "cosine": float(design.cosine),
            "sine": float(design.sine),
            "c0": float(design.number("c0")),
            "step": float(design.number("step")),
            "slope": float(design.multiplier * design.sine),
            "blur": math.log1p(design.number("tau")),
            "height": float(design.number("c0")) - math.log(design.n_own) / float(design.multiplier * design.cosine),
        }

    @cached_property
    def queries(self) -> FloatArray:
        """The query that reads each cached token's value: its address, stretched as the rule asks, shape (T, d)."""
        return np.pad(self.design.addresses * self.geometry.query_length(self.multiplier), ((0, 0), (0, 1)))

    def _in_frames(self, addresses: FloatArray, heights: FloatArray | float, words: FloatArray) -> FloatArray:
        """heights b + sum_l words_l f_l for addresses b, as vectors of R^(d-1): a reflection of (heights, words)."""
        vectors = np.concatenate([np.broadcast_to(heights, words.shape[:-1])[..., None], words], axis=-1)
        mirror = -addresses
        mirror[..., 0] += 1
        along = (mirror * vectors).sum(axis=-1, keepdims=True) / (mirror * mirror).sum(axis=-1, keepdims=True)
        return np.asarray(vectors - 2 * along * mirror)

    def draw(self, instances: PrivateSeed, trial: int) -> Symbols:
        """Uniform value symbols and words: the letters of a token are drawn again until they fit a unit key."""
        values, keys = self.alphabets
        rows = self.shape[0]
        drawn = draw_symbols(
            instances, trial, n_levels=values.n_levels, shape=(rows, values.n_columns), kind=values.name
        )
        words = np.zeros((rows, keys.n_columns), dtype=np.int64)
        left, tries = np.arange(rows), 0
        while len(left):
            kind = f"{keys.name}/try {tries}"
            words[left] = draw_symbols(instances, trial, n_levels=keys.n_levels, shape=words[left].shape, kind=kind)
            left, tries = left[~self.design.fits(words[left])], tries + 1
        return np.concatenate([drawn, words], axis=1)

    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """Keys that hold the words, and values: a constant 1, then the levels of the value symbols."""
        values, words = np.split(symbols, [self.geometry.d - 1], axis=1)
        addresses = np.tile(self.design.addresses, (self.n_heads, 1))
        keys = self._in_frames(addresses, self._numbers["c0"], self.design.letters[words])
        spelt = np.concatenate([np.ones((len(values), 1)), self.grid.level_array[values]], axis=1)
        return self.by_head(_filled(keys)), self.by_head(spelt)

    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: he reads all values, block by block, and then the words, token by token."""
        fill = np.zeros((self.design.n_own, self.geometry.d))
        fill[:, -1] = 1
        own_keys = self.for_all_heads(fill)
        values = []
        for block in QueryBlocks(self.schedule, most):
            queries = self.for_all_heads(self.queries[block.start : block.stop])
            outputs = yield Run(own_keys, np.zeros(own_keys.shape), queries)
            values.append(self.grid.decode(outputs[..., 1:]))
        words = []
        for token in range(self.schedule.n_tokens_cached):
            words.append((yield from self._word(token)))
        found = np.concatenate([np.concatenate(values, axis=2), np.stack(words, axis=2)], axis=3)
        return found.reshape(self.shape)

    def _word(self, token: int) -> Generator[Run, FloatArray, Symbols]:
        """The letters of a token, by reads that halve the candidates low..high of each, and most often do better.

        The threshold lies between the two middle candidates, at first at 0. Where it is below 0, so are all candidates,
        and the query has the other sign: then the mirrored letter -y is compared with the mirrored threshold. An open
        query's leak raises the logit of the token by at most b = ln(1 + tau), if the letter is not negative in the
        direction that is asked for; the reference is raised by b / 2. So a comparison with 1/2 is right, and the
        answer, which is right within eta, bounds the letter from both sides. From below it does so only if the letter
        is known not to be negative, or is found to be above the threshold.
        """
        step, slope, blur = (self._numbers[name] for name in ("step", "slope", "blur"))
        middle_of_all = (self.design.n_letters - 1) / 2
        slack = float(self.design.eta + 2 * self.rounding) + ANSWER_SLACK
        low = np.zeros((*self.stack, self.design.p), dtype=np.int64)
        high = np.full(low.shape, self.design.n_letters - 1)
        while (low < high).any():
            middle = (low + high) // 2
            threshold = step * (middle + 0.5 - middle_of_all)
            sign = np.where(threshold < -step / 4, -1.0, 1.0)
            place = np.abs(threshold) + blur / (2 * slope)
            outputs = yield from self._against(token, sign, place)
            beyond = outputs > 0.5
            known = beyond | (low > middle_of_all) | (high < middle_of_all)
            least = np.where(known, place + (logit(outputs - slack) - blur) / slope, -np.inf)
            largest = place + logit(outputs + slack) / slope
            lowest = np.where(sign > 0, least, -largest) / step + middle_of_all
            highest = np.where(sign > 0, largest, -least) / step + middle_of_all
            above = beyond == (sign > 0)
            open_ = low < high
            bottom, top = np.where(above, middle + 1, low), np.where(above, high, middle)
            low = np.where(open_, np.clip(np.ceil(lowest), bottom, top), low).astype(np.int64)
            high = np.where(open_, np.clip(np.floor(highest), low, top), high).astype(np.int64)
        return low

    def _against(self, token: int, sign: FloatArray, place: FloatArray) -> Generator[Run, FloatArray, FloatArray]:
        """Output coordinate 0 for a query in each direction of a token's frame, of this sign, the reference at `place`.

        All arrays have the shape (n_layers, n_heads, p). A run has at most T_N queries, and one reference key for all
        of them: its letter in the direction of a query is the query's place. Fewer directions share a run if such a
        key would be longer than 1.
        """
        numbers, length = self._numbers, self.geometry.query_length(self.multiplier)
        address = np.broadcast_to(self.design.addresses[token], (*self.stack, self.geometry.d - 1)).copy()
        height = numbers["height"]
        answers = np.zeros(place.shape)
        start, most = 0, self.design.p
        while start < most:
            stop = min(most, start + self.design.n_own)
            while stop - start > 1 and (place[..., start:stop] ** 2).sum(axis=-1).max() > 1 - height**2:
                stop = start + (stop - start) // 2
            letters = np.zeros(place.shape)
            letters[..., start:stop] = (sign * place)[..., start:stop]
            reference = _filled(self._in_frames(address, height, letters))
            own_keys = np.broadcast_to(reference[:, :, None, :], (*self.stack, self.design.n_own, self.geometry.d))
            sides = numbers["sine"] * sign[..., start:stop, None] * np.eye(most)[start:stop]
            queries = self._in_frames(np.repeat(address[:, :, None, :], stop - start, axis=2), numbers["cosine"], sides)
            padded = np.concatenate([queries * length, np.zeros((*queries.shape[:-1], 1))], axis=-1)
            outputs = yield Run(own_keys, np.zeros(own_keys.shape), padded)
            answers[..., start:stop] = outputs[..., 0]
            start = stop
        return answers

    def stacked(self, stack: tuple[int, int]) -> FramesReduction:
        """The same family for `stack` = (layers, heads per layer)."""
        return replace(self, design=replace(self.design, geometry=replace(self.geometry, stack=stack)))

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""
        return {"design": self.design.to_json(), "seed": self.seed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FramesReduction:
        """The family that `to_json` described."""
        return cls(FramesDesign.from_json(data["design"]), data["seed"])


def _filled(vectors: FloatArray) -> FloatArray:
    """The vectors with a last coordinate that makes the norm 1."""
    fill = np.sqrt(np.maximum(0.0, 1 - (vectors * vectors).sum(axis=-1, keepdims=True)))
    return np.concatenate([vectors, fill], axis=-1)
