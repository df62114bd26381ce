"""One symbol of one instance, followed step by step: how Alice's input enters the cache and how Bob reads it back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import counted, lower_fraction, upper_fraction
from lowerbound.errors import Undecided, invalid
from lowerbound.game.reduction import Reduction


@dataclass(frozen=True)
class Story:
    """The record of one symbol. `weight`, `leakage` and `output` are measured; `leakage_bound` is proved.

    `leakage_by` says how the bound is computed. `output_low` and `output_high` enclose the exact output, and `margin`
    is the distance from this enclosure to the nearest threshold. `bit` is Alice's symbol and `decoded` is Bob's answer;
    both are level numbers if there are more than two levels.
    """

    model: str
    seed: int
    instance_seed: str
    n_symbols: int
    token: int
    place: tuple[int, ...] | None
    coordinate: int
    bit: int
    level: float
    keys: str
    coherence: str
    welch: float
    eta: float
    guarantee: str
    multiplier: float
    weight: float
    leakage: float
    leakage_bound: float
    leakage_by: str
    output: float
    output_low: float
    output_high: float
    rounding_bound: float
    threshold: float
    margin: float
    decoded: int
    n_tokens_cached: int
    n_own_tokens: int
    d: int

    def to_json(self) -> dict[str, Any]:
        """The record as plain JSON values; `multiplier` is called "lambda", as in the paper."""
        data = asdict(self)
        data["lambda"] = data.pop("multiplier")
        return data

    def lines(self) -> list[tuple[str, str]]:
        """The record in words, as pairs (step, what happens)."""
        where = "prompt token" if self.place is None else f"scale, row, column = {self.place}"
        return [
            ("instance", f"{self.model}: {counted(self.n_tokens_cached, 'cached token')}, d = {self.d}, one head"),
            ("Alice's input", f"{self.n_symbols} fair symbols x, instance seed {self.instance_seed}"),
            ("Bob's question", f"coordinate {self.coordinate} of token {self.token} ({where})"),
            ("symbol", f"x = {self.bit}, so value {self.level:g} enters the cache there"),
            ("keys", f"{self.keys} family, one-sided coherence {self.coherence} (Welch: {self.welch:.4f})"),
            ("query", f"the token's own key, logit lambda = {self.multiplier:.4f} with itself"),
            (
                "competition",
                f"{counted(self.n_tokens_cached - 1, 'cached token')} and {self.n_own_tokens} of Bob's own, value 0",
            ),
            ("weight", f"{self.weight:.10f} of the softmax on the token asked for"),
            (
                "leakage",
                f"{self.leakage:.6g}, proved <= {self.leakage_bound:.6g} = {self.leakage_by}",
            ),
            (
                "output",
                f"{self.output:.12f}, exact value in [{self.output_low:.12f}, {self.output_high:.12f}]",
            ),
            (
                "rounding",
                f"float64 is off by {abs(self.output - self.output_low):.1e}, proved <= {self.rounding_bound:.1e}",
            ),
            (
                "threshold",
                f"{self.threshold:.6f} with {self.guarantee} eta = {self.eta:g}; margin {self.margin:.6f}",
            ),
            ("Bob's answer", f"{self.decoded}: {'right' if self.decoded == self.bit else 'WRONG'}"),
        ]


def narrate(
    reduction: Reduction,
    *,
    token: int | None = None,
    coordinate: int | None = None,
    instances: PrivateSeed | None = None,
) -> Story:
    """Play one position of a reduction against exact attention, and record every step.

    Contract: the symbol is decoded from an enclosure of the exact output, so `decoded` is certain; if the enclosure
    contains a threshold, Undecided is raised. The symbols are drawn from `instances`, and so are `token` and
    `coordinate` if they are None; out of range they raise InvalidArgument, as a token without symbols does. Without
    `instances`, a fresh private seed is taken.
    """
    n_cached, d, asked = reduction.schedule.n_tokens_cached, reduction.geometry.d, list(reduction.asked)
    drawn_from = PrivateSeed.fresh() if instances is None else instances
    position = int(drawn_from.coins("bob's question").below(len(asked) * d, 1)[0])
    token = _inside("token", asked[position // d] if token is None else token, n_cached)
    if token not in asked:
        nearest = min(asked, key=lambda one: abs(one - token))
        raise invalid("token", "be one that can be read, which has symbols", token, nearest=nearest)
    row = asked.index(token)
    coordinate = _inside("coordinate", position % d if coordinate is None else coordinate, d)
    grid = reduction.grid
    symbols = reduction.draw(drawn_from, 0)
    n_all = reduction.schedule.n_tokens
    values = np.zeros((n_all, 2))
    values[:n_cached, 0] = reduction.values(symbols)[:n_cached, coordinate]
    values[token, 1] = 1.0
    keys, query = reduction.keys.unit, reduction.queries[token]
    output, weight = (float(x) for x in attention(query[None, :], keys, values, rule=reduction.rule)[0])
    exact, exact_weight = attention_ball(query.tolist(), keys.tolist(), values.tolist(), rule=reduction.rule)
    low, high = float(lower_fraction(exact)), float(upper_fraction(exact))
    at_low, decoded = (int(level) for level in grid.decode(np.array([low, high])))
    if at_low != decoded:
        raise Undecided(f"the exact output lies between {low} and {high}, on both sides of a threshold")
    distances = [abs(float(threshold) - end) for threshold in grid.thresholds for end in (low, high)]
    nearest = int(np.argmin(distances)) // 2
    in_map = token >= reduction.schedule.n_context
    return Story(
        model=reduction.geometry.name,
        seed=reduction.seed,
        instance_seed=drawn_from.opening,
        n_symbols=reduction.n_symbols,
        token=token,
        place=reduction.schedule.locate(token) if in_map else None,
        coordinate=coordinate,
        bit=int(symbols[row, coordinate]),
        level=float(grid.level_array[symbols[row, coordinate]]),
        keys=reduction.keys.family,
        coherence=str(reduction.coherence),
        welch=float(reduction.keys.welch),
        eta=float(grid.eta),
        guarantee=grid.guarantee,
        multiplier=float(reduction.multiplier),
        weight=weight,
        leakage=float((1 - exact_weight).mid()),
        leakage_bound=float(reduction.leakage),
        leakage_by=reduction.leakage_by,
        output=output,
        output_low=low,
        output_high=high,
        rounding_bound=float(reduction.rounding),
        threshold=float(grid.thresholds[nearest]),
        margin=min(distances),
        decoded=decoded,
        n_tokens_cached=n_cached,
        n_own_tokens=n_all - n_cached,
        d=d,
    )


def _inside(name: str, index: int, count: int) -> int:
    if not 0 <= index < count:
        raise invalid(name, f"lie in [0, {count - 1}]", index, nearest=min(max(index, 0), count - 1))
    return index
