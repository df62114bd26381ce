"""Theorems C and C' as a game: Alice writes symbols into keys and values, and Bob reads all of them by attention.

To read values, Bob queries with a token's address, as in Theorem B. All his own tokens then have the fill vector as
key, so their logit is 0.

To read a payload coordinate, Bob compares it with a reference. All his own tokens are then copies of one key with the
address he asks for and with value 0, and together they weigh as much as one cached token of payload x_0. Value
coordinate 0 of every cached token is 1, so output coordinate 0 is the logistic function of c (x - x_0).
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from flint import arb
from numpy.typing import NDArray

from lowerbound.core.bounds import BALLS
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.oracle.rounding import UNIT_ROUNDOFF, rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.reading import key_room, logit
from lowerbound.core.scalars import ball, precision, upper_fraction
from lowerbound.game.hard_family import FloatArray, HardFamily, Run
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.multi_index import QueryBlocks
from lowerbound.game.payload import READING_PRECISION_BITS, PayloadDesign
from lowerbound.game.tally import Alphabet

ANSWER_SLACK = 2.0**-40
"""By how much `_zoom` widens the intervals of allowed answers, in addition to another `rounding`.

It ensures that float errors in `_zoom` exclude no level. Moving an answer by w moves its logit by at least 4 w. The
errors of places, logits and their sum are about 100 u in total, plus 10 u c <= 10 u lambda, which is less than one
`rounding`.
"""


def payload_rounding(geometry: Geometry, multiplier: Fraction) -> Fraction:
    """An upper bound on the distance of float64 answers from exact attention over the exact tokens of the family.

    Derivation, with unit roundoff u, to first order; the constants leave room for the second order. Entries of keys
    have a relative error of at most 6u: address a (2u) times top (u) times the reference's factor (u), with two
    products (2u); payload entries have less. The fill makes the squared norm 1 up to the (d + 3) u of its own
    computation, so a rule that normalizes keys moves every entry by another (d + 3) u / 2. Entries of queries have a
    relative error of at most 4u, and normalizing or stretching a query adds 5u. The reference's place x_0 is computed
    to within 6u, which moves its logit by at most 6u c, and c <= lambda. So each logit is off by at most
    e = (d/2 + 32) u lambda, because |q_1 k_1| + ... <= lambda for exact vectors, and a softmax mean of values in [0, 1]
    moves by at most tanh(e/2) <= e/2. Values, levels and thresholds are rounded once each: 4u in total. The float64
    oracle adds `rounding_bound`.
    """
    u, logit = UNIT_ROUNDOFF, float(multiplier) * (1 + 2.0**-40)
    oracle = rounding_bound(d=geometry.d, n_tokens=geometry.schedule.n_tokens, max_logit=logit, max_value=1.0)
    moved = (Fraction(geometry.d, 2) + 32) * u * multiplier / 2 + 4 * u
    return (Fraction(oracle) if math.isfinite(oracle) else Fraction(1)) + moved


@dataclass(frozen=True)
class PayloadReduction(HardFamily):
    """The hard family of secret keys and secret values.

    Contract: from a cache whose every answer is within `design.eta` of exact attention, or of float64 attention, Bob
    recovers every symbol; a design whose levels are too close for that raises ImpossibleReduction. Bob asks for each
    payload once (C) or at most ceil(log2 L_K) times (C').
    Source: Theorems C and C'.

    The symbols of a token have d - 1 columns of values, then p - 1 columns of payloads.
    """

    game: ClassVar[str] = "keys and values"

    design: PayloadDesign
    seed: int = 0
    geometry: Geometry = field(init=False)
    multiplier: Fraction = field(init=False)
    rounding: Fraction = field(init=False)
    grid: Grid = field(init=False)

    def __post_init__(self) -> None:
        design = self.design
        rounding = payload_rounding(design.geometry, design.multiplier)
        design.prove(rounding)
        levels = tuple(Fraction(a, design.n_levels_values - 1) for a in range(design.n_levels_values))
        blur = upper_fraction(design.at_hand.value_leak) + rounding
        for name, value in (
            ("geometry", design.geometry),
            ("multiplier", design.multiplier),
            ("rounding", rounding),
            ("grid", Grid.through_middles(levels, "additive", design.eta, blur)),
        ):
            object.__setattr__(self, name, value)

    @property
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The two kinds of symbols: those written into values and those written into keys."""
        design = self.design
        return (
            Alphabet("values", design.n_levels_values, self.geometry.d - 1),
            Alphabet("keys", design.n_levels_keys, design.p - 1),
        )

    @cached_property
    def _numbers(self) -> dict[str, float]:
        """The real numbers of the design, each computed as a ball and rounded to a float."""
        design, found = self.design, self.design.at_hand
        with precision(READING_PRECISION_BITS):
            rho_squared, gamma = ball(design.rho_squared), ball(design.gamma)
            stretch = (1 + gamma * gamma).sqrt()
            exact = {
                "top": (1 - rho_squared).sqrt(),
                "payload_scale": (rho_squared / design.spread).sqrt(),
                "c": found.payload,
                "blur": (1 + found.key_leak).log(),
                "reference": 1 - ball(design.n_own).log() / found.reference,
                "address_share": 1 / stretch,
                "payload_share": gamma / stretch,
            }
            return {name: float(value.mid()) for name, value in exact.items()}

    @cached_property
    def _outputs(self) -> list[arb]:
        """Theorem C: the output of one read for each payload level, without leakage.

        They form a uniform grid from logistic(-c) to logistic(c).
        """
        design = self.design
        with precision(READING_PRECISION_BITS):
            c = design.at_hand.payload
            room = key_room(BALLS, "C", c)
            lowest = 1 / (1 + c.exp())
            return [lowest + room * a / (design.n_levels_keys - 1) for a in range(design.n_levels_keys)]

    @cached_property
    def payload_levels(self) -> FloatArray:
        """The payload x of each level, shape (L_K,), increasing from -1 to 1."""
        if self.design.kind == "C'":
            return self._place(np.arange(self.design.n_levels_keys))
        with precision(READING_PRECISION_BITS):
            c = self.design.at_hand.payload
            levels = [float(((y / (1 - y)).log() / c).mid()) for y in self._outputs]
        return np.array([min(max(level, -1.0), 1.0) for level in levels])

    def _place(self, number: NDArray[Any]) -> FloatArray:
        """The payload x of level `number` in Theorem C'; a fractional number gives a payload between two levels."""
        most = self.design.n_levels_keys - 1
        places: FloatArray = (2 * number - most) / most
        return places

    @cached_property
    def payload_thresholds(self) -> FloatArray:
        """Theorem C: the midpoints between the output intervals of neighboring levels, shape (L_K - 1,)."""
        with precision(READING_PRECISION_BITS):
            leak = self.design.at_hand.key_leak
            between = [(low + leak + high) / 2 for low, high in zip(self._outputs, self._outputs[1:], strict=False)]
            return np.array([float(threshold.mid()) for threshold in between])

    @cached_property
    def queries(self) -> FloatArray:
        """The query that reads each cached token's value: its address, scaled so that the rule gives the right logit.

        The shape is (T, d).
        """
        length = self.geometry.query_length(self.multiplier)
        return np.pad(self.design.addresses.unit * length, ((0, 0), (0, self.design.p)))

    def payload_queries(self, token: int) -> FloatArray:
        """The queries that read the payload of a token, one per payload coordinate, shape (p - 1, d).

        Each combines the address of the token with the unit vector of the coordinate.
        """
        design, numbers = self.design, self._numbers
        length = self.geometry.query_length(self.multiplier)
        queries = np.zeros((design.p - 1, self.geometry.d))
        queries[:, : design.d_a] = design.addresses.unit[token] * numbers["address_share"]
        queries[:, design.d_a : -1] = np.eye(design.p - 1) * numbers["payload_share"]
        return queries * length

    def _unit_keys(self, addresses: FloatArray, payloads: FloatArray) -> FloatArray:
        """Keys with this address part and these payloads x, whose last coordinate makes the norm 1."""
        rows = np.concatenate([addresses, payloads * self._numbers["payload_scale"]], axis=-1)
        fill = np.sqrt(np.maximum(0.0, 1 - (rows * rows).sum(axis=-1, keepdims=True)))
        return np.concatenate([rows, fill], axis=-1)

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
        """Keys that encode the payload symbols, and values: a constant 1, then the levels of the value symbols."""
        values, payloads = np.split(symbols, [self.geometry.d - 1], axis=1)
        addresses = np.tile(self.design.addresses.unit * self._numbers["top"], (self.n_heads, 1))
        keys = self._unit_keys(addresses, self.payload_levels[payloads])
        spelt = np.concatenate([np.ones((len(values), 1)), self.grid.level_array[values]], axis=1)
        return self.by_head(keys), self.by_head(spelt)

    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: he reads all values, block by block, and then the payloads, token by token."""
        fill = np.zeros((self.design.n_own, self.geometry.d))
        fill[:, -1] = 1
        own_keys = self.for_all_heads(fill)
        values = []
        for block in QueryBlocks(self.schedule, most):
            queries = self.for_all_heads(self.queries[block.start : block.stop])
            outputs = yield Run(own_keys, np.zeros(own_keys.shape), queries)
            values.append(self.grid.decode(outputs[..., 1:]))
        payloads = []
        for token in range(self.schedule.n_tokens_cached):
            read = self._read_once if self.design.kind == "C" else self._zoom
            payloads.append((yield from read(token, most or self.design.n_own)))
        found = np.concatenate([np.concatenate(values, axis=2), np.stack(payloads, axis=2)], axis=3)
        return found.reshape(self.shape)

    def _read_once(self, token: int, most: int) -> Generator[Run, FloatArray, Symbols]:
        """Theorem C: the payload levels of a token, each from one read against the reference of payload 0."""
        outputs = yield from self._against(token, np.zeros((*self.stack, self.design.p - 1)), most)
        return np.searchsorted(self.payload_thresholds, outputs, side="right")

    def _zoom(self, token: int, most: int) -> Generator[Run, FloatArray, Symbols]:
        """Theorem C': the payload levels of a token, by repeated reads that halve the candidates of each coordinate.

        The candidates of a coordinate are the levels low..high. Leakage raises the logit z of a level by up to
        b = ln(1 + tau). The reference z_0 is half way between the two middle candidates m and m + 1, plus b/2. Then
        levels up to m give an answer of at most logistic(-(s - b)/2) + eta < 1/2, and the others of at least
        logistic((s - b)/2) - eta > 1/2, because the spacing s exceeds 4 atanh(2 eta) + b. So comparing the answer with
        1/2 removes half of the candidates (rounded up or down), and one is left after at most ceil(log2 L_K) rounds.
        The answer itself, which is right within eta, removes more: two or three rounds usually suffice.
        """
        design, c, blur = self.design, self._numbers["c"], self._numbers["blur"]
        most = design.n_levels_keys - 1
        slack = float(design.eta + 2 * self.rounding) + ANSWER_SLACK
        low = np.zeros((*self.stack, design.p - 1), dtype=np.int64)
        high = np.full(low.shape, most)
        while (low < high).any():
            middle = (low + high) // 2
            places = np.clip(self._place(middle + 0.5) + blur / (2 * c), -1.0, 1.0)
            outputs = yield from self._against(token, places, most)
            least = (places + (logit(outputs - slack) - blur) / c + 1) * most / 2
            largest = (places + logit(outputs + slack) / c + 1) * most / 2
            above = outputs > 0.5
            open_ = low < high
            bottom = np.where(above, middle + 1, low)
            top = np.where(above, high, middle)
            low = np.where(open_, np.clip(np.ceil(least), bottom, top), low).astype(np.int64)
            high = np.where(open_, np.clip(np.floor(largest), low, top), high).astype(np.int64)
        return low

    def _against(self, token: int, places: FloatArray, most: int) -> Generator[Run, FloatArray, FloatArray]:
        """Output coordinate 0 for every payload query of a token, with Bob's references at the payloads `places`.

        Outputs and places have shape (n_layers, n_heads, p - 1). Queries are sent in blocks of at most `most`, which is
        T_N where the last scale has one query per token.
        """
        design, numbers = self.design, self._numbers
        address = design.addresses.unit[token] * (numbers["reference"] * numbers["top"])
        reference = self._unit_keys(np.broadcast_to(address, (*self.stack, design.d_a)), places)
        own_keys = np.broadcast_to(reference[:, :, None, :], (*self.stack, design.n_own, self.geometry.d))
        outputs = []
        for queries in _blocks(self.payload_queries(token), most):
            answers = yield Run(own_keys, np.zeros(own_keys.shape), self.for_all_heads(queries))
            outputs.append(answers[..., 0])
        return np.concatenate(outputs, axis=2)

    def stacked(self, stack: tuple[int, int]) -> PayloadReduction:
        """The same family for `stack` = (layers, heads per layer)."""
        return replace(self, design=replace(self.design, geometry=replace(self.geometry, stack=stack)))

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""
        return {"design": self.design.to_json(), "seed": self.seed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> PayloadReduction:
        """The family that `to_json` described."""
        return cls(PayloadDesign.from_json(data["design"]), data["seed"])


def _blocks(queries: FloatArray, size: int) -> Iterator[FloatArray]:
    for start in range(0, len(queries), size):
        yield queries[start : start + size]
