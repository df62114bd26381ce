"""The reduction from INDEX: symbols become tokens, the state of the cache becomes the message, and attention reads it.

Alice writes her symbols into the value rows of the cached tokens; every token has a public unit key. Bob queries with
the key of the token that he wants. Among n keys of one-sided coherence mu, that key gets a softmax weight of at least
1 - tau, with tau = (n - 1) exp(-lambda (1 - mu)), so the output is close to its value row. Bob's own tokens of the last
scale have keys of the same family and value 0.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import LEAKAGE, MULTIPLIER
from lowerbound.core.cache import ComputationModel, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid, Guarantee
from lowerbound.core.keys.choice import best_family, find_family, made_keys
from lowerbound.core.keys.family import Keys
from lowerbound.core.network import PublicNetwork
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import ball, floor_float, plainly, rational, upper_fraction
from lowerbound.core.threads import blocks
from lowerbound.errors import ImpossibleReduction, invalid
from lowerbound.game.hard_family import FloatArray, HardFamily, Run
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.sample import Positions, Sample
from lowerbound.game.tally import Alphabet, Part, tally

NEAREST_SLACK = Fraction(1, 100)
"""Since 2 tau < 1 - eta is strict, the smallest lambda that is proposed keeps tau below its limit by this fraction."""

UNCAPPED_LEAKAGE = Fraction(1, 2**40)
"""The leakage tau at which lambda is chosen for more than two levels, if the rule does not cap lambda."""


@dataclass(frozen=True)
class Reduction(HardFamily):
    """The hard family of secret values under public keys; it contains everything except Alice's symbols.

    Contract: for symbols x, `keys`, `values(x)` and `queries` define a token sequence. From a cache that keeps the
    grid's guarantee on this sequence, Bob recovers every symbol: `grid.decode` of its answers is x.

    Parameters
    ----------
    multiplier : Fraction
        lambda, the logit of a query with its own key.
    leakage : Fraction
        tau, an upper bound on the softmax weight of all keys other than the one that the query asks for.
    rounding : Fraction
        An upper bound on the distance of float64 attention from exact attention on this family.
    network : PublicNetwork or None
        In computation model R2, the public network that computes the values from token ids.
    """

    game: ClassVar[str] = "values"

    geometry: Geometry
    keys: Keys
    coherence: Fraction
    multiplier: Fraction
    leakage: Fraction
    rounding: Fraction
    grid: Grid
    seed: int
    network: PublicNetwork | None = None

    @property
    def alphabets(self) -> tuple[Alphabet, ...]:
        """The only kind of symbols: those written into values."""
        return (Alphabet("values", self.grid.n_levels, self.geometry.d),)

    @property
    def computation_model(self) -> ComputationModel:
        """R2 if a public network computes the values, else R1."""
        return "R1" if self.network is None else "R2"

    def tally(self, wrong: list[NDArray[np.bool_]], confidence: Fraction) -> tuple[list[Part], Fraction]:
        """The result per kind of symbols, and the floor; in model R2, that of the token ids (`places_of_ids`).

        In R2 the symbols depend on each other, and only the bits of ids count. Each of these is one symbol plus a
        public function of earlier ids. So by the chain rule, errors at a rate p among these symbols leave at most H2(p)
        bits unknown of each bit of an id.
        """
        network = self.network
        if network is None:
            return super().tally(wrong, confidence)
        read = [errors[network.places_of_ids] for errors in wrong]
        kinds = (Alphabet("ids", 2, network.id_bits),)
        parts, proved = tally(kinds, read, confidence)
        unused = upper_fraction(network.n_ids * (network.id_bits - ball(network.codebook_size).log() / ball(2).log()))
        return parts, max(Fraction(0), proved - max(Fraction(0), unused))

    @cached_property
    def queries(self) -> FloatArray:
        """One query per token, shape (n_tokens, d): its key, scaled so that its logit with the key is lambda."""
        return self.keys.unit * self.geometry.query_length(self.multiplier)

    @property
    def asked(self) -> Sequence[int]:
        """The cached tokens that carry symbols, in the order of their rows of symbols: all of them."""
        return range(self.schedule.n_tokens_cached)

    @property
    def leakage_by(self) -> str:
        """How the leakage is bounded, for readers."""
        return "(n - 1) exp(-lambda (1 - mu))"

    def stacked(self, stack: tuple[int, int]) -> Self:
        """The same family for `stack` = (layers, heads per layer)."""
        return replace(self, geometry=replace(self.geometry, stack=stack))

    def draw(self, instances: PrivateSeed, trial: int) -> Symbols:
        """Alice's private input of a trial: symbols (model R1) or token ids (model R2)."""
        if self.network is not None:
            return self.network.draw_ids(instances, trial)
        return draw_symbols(instances, trial, n_levels=self.grid.n_levels, shape=self.shape)

    def symbols_of(self, given: Symbols) -> Symbols:
        """The symbols of a private input; in model R2 the public network computes them from the token ids."""
        return super().symbols_of(given) if self.network is None else self.network.symbols(given)

    def values(self, symbols: Symbols) -> FloatArray:
        """The value rows that encode these symbols, one value entry per symbol."""
        return self.grid.level_array[symbols]

    def tokens(self, symbols: Symbols) -> tuple[FloatArray, FloatArray]:
        """The public keys, and the values that encode the symbols."""
        keys = self.keys.unit[: self.schedule.n_tokens_cached]
        return self.for_all_heads(keys), self.by_head(self.values(symbols))

    def reading(self, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """Bob's part: he queries with every key, block by block. His own tokens have keys of the family and value 0."""
        symbols = yield from self._symbols_of(np.array(self.asked), most)
        return symbols.reshape(self.shape)

    def reading_of(self, positions: Positions, most: int | None = None) -> Generator[Run, FloatArray, Symbols]:
        """`reading` for the symbols at these positions alone: every head is asked for each of their tokens once."""
        rows, columns = np.divmod(positions, self.geometry.d)
        heads, numbers = np.divmod(rows, len(self.asked))
        tokens, places = np.unique(np.array(self.asked)[numbers], return_inverse=True)
        symbols = yield from self._symbols_of(tokens, most)
        return symbols.reshape(self.n_heads, len(tokens), -1)[heads, places, columns]

    def questions(self, sample: Sample, instances: PrivateSeed, trial: int) -> Positions:
        """The positions of a sample of one trial's questions; in model R2, ImpossibleReduction."""
        if self.network is not None:
            raise self._not_sampled()
        return sample.positions(instances, trial, self.shape)

    def _symbols_of(self, tokens: NDArray[np.int64], most: int | None) -> Generator[Run, FloatArray, Symbols]:
        """The symbols of these tokens in every head, shape (n_layers, n_heads, tokens, d)."""
        last = self.schedule.n_scales - 1
        own_keys = self.for_all_heads(self.keys.unit[self.schedule.rows_of(last)])
        own_values = np.zeros(own_keys.shape)
        answers = []
        for some in blocks(len(tokens), most or self.schedule.tokens_at(last)):
            outputs = yield Run(own_keys, own_values, self.for_all_heads(self.queries[tokens[some]]))
            answers.append(self.grid.decode(outputs))
        return np.concatenate(answers, axis=2)

    @property
    def thresholds(self) -> FloatArray | None:
        """The thresholds of the grid, since `reading` decodes each answer by them and uses nothing else of it."""
        return self.grid.threshold_array

    def public(self, budget: Fraction | None = None) -> Public:
        """What a cache may know before it sees a token, which includes keys and value levels."""
        return replace(super().public(budget), keys=self.keys, network=self.network)

    def to_json(self) -> dict[str, Any]:
        """The public configuration as plain JSON values; `from_json` is its inverse."""
        return {
            "geometry": self.geometry.to_json(),
            "keys": self.keys.family,
            "coherence": str(self.coherence),
            "multiplier": str(self.multiplier),
            "leakage": str(self.leakage),
            "rounding": str(self.rounding),
            "grid": {
                "levels": [str(level) for level in self.grid.levels],
                "thresholds": [str(threshold) for threshold in self.grid.thresholds],
                "guarantee": self.grid.guarantee,
                "eta": str(self.grid.eta),
                "leakage": str(self.grid.leakage),
            },
            "seed": self.seed,
            "with_network": self.network is not None,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Reduction:
        """The reduction that `to_json` described."""
        given = cls.fields_of(data)
        place = given["geometry"]
        return cls(**given, keys=made_keys(data["keys"], place.schedule.n_tokens, place.d, given["seed"]))

    @staticmethod
    def fields_of(data: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of the reduction that `to_json` described, all but the keys."""
        geometry, grid, seed = Geometry.from_json(data["geometry"]), data["grid"], data["seed"]
        return {
            "geometry": geometry,
            "coherence": Fraction(data["coherence"]),
            "multiplier": Fraction(data["multiplier"]),
            "leakage": Fraction(data["leakage"]),
            "rounding": Fraction(data["rounding"]),
            "grid": Grid(
                tuple(map(Fraction, grid["levels"])),
                tuple(map(Fraction, grid["thresholds"])),
                grid["guarantee"],
                Fraction(grid["eta"]),
                Fraction(grid["leakage"]),
            ),
            "seed": seed,
            "network": _network(geometry, seed) if data["with_network"] else None,
        }

    def in_model_r2(self) -> Reduction:
        """The same family, except that a public network computes the values from private token ids.

        Contract: ImpossibleReduction unless there are two value levels, one head and a known codebook size.
        """
        if self.grid.n_levels != 2:
            raise ImpossibleReduction(f"model R2 is played with 2 value levels, got {self.grid.n_levels}")
        if self.n_heads != 1:
            raise ImpossibleReduction(
                f"model R2 is played on one head, since one set of token ids makes them all, got {self.n_heads}; "
                "the nearest possible stack is one layer of one head"
            )
        return replace(self, network=_network(self.geometry, self.seed))


def _network(geometry: Geometry, seed: int) -> PublicNetwork:
    if geometry.codebook_size is None:
        raise ImpossibleReduction(
            f"model R2 needs the codebook size of {geometry.name}, and its repository does not state it"
        )
    return PublicNetwork(geometry.schedule, geometry.d, geometry.codebook_size, seed)


def plan_reduction(
    geometry: Geometry,
    *,
    eta: Fraction | int | str = Fraction(1, 100),
    guarantee: Guarantee = "relative",
    n_levels: int | None = 2,
    smallest_level: Fraction | None = None,
    multiplier: Fraction | int | str | None = None,
    key_family: str | None = None,
    seed: int = 0,
) -> Reduction:
    """The hard family of secret values for a head, an error eta and a number of levels.

    Contract: returns a reduction whose grid provably decodes. It raises ImpossibleReduction, with the reason and the
    nearest possible value, if eta >= 1 (additive: 1/2), if 2 (tau + rho) >= 1 - eta (additive: 1 - 2 eta) with the
    rounding rho of float64, if the dimension holds too few keys, if lambda exceeds the cap, or if n_levels levels do
    not fit; other invalid arguments raise InvalidArgument.
    Paper: proof of Theorem 1.1 [arXiv:2503.14881]; constants of Theorems A and B.

    Parameters
    ----------
    eta : rational in [0, 1)
        Error of the cache, in the sense of `guarantee`.
    n_levels : int or None
        Number of levels; None takes the largest number that decodes. Two levels are 0 and 1 (Theorem A).
    smallest_level : Fraction or None
        Under a relative guarantee with more than two levels: no level is below this value, and the levels are the
        powers 1, 1/ratio, 1/ratio^2, ... None means 1/1024.
    multiplier : rational or None
        lambda. For two levels, None takes the lambda at which tau is half of its limit; if that exceeds the cap, it
        takes the cap. For more levels, None takes the cap, or the lambda of leakage UNCAPPED_LEAKAGE without a cap.
    key_family : str or None
        The name of a key family; None takes the certified family of smallest coherence (`best_family`).
    """
    eta = rational(eta, name="eta")
    if not 0 <= eta < 1:
        raise ImpossibleReduction(
            f"eta must lie in [0, 1), got {eta}: at eta = 1 an output of 0 is always allowed; the nearest possible "
            "value is any rational below 1"
        )
    if guarantee not in ("relative", "additive"):
        raise invalid("guarantee", "be 'relative' or 'additive'", guarantee)
    if n_levels is not None and n_levels < 2:
        raise invalid("levels", "be at least 2", n_levels, nearest=2)
    schedule, d = geometry.schedule, geometry.d
    n_keys = schedule.n_tokens
    family = best_family(n_keys, d) if key_family is None else find_family(key_family)
    keys = made_keys(family.name, n_keys, d, seed)
    bound = family.coherence_bound(n_keys, d)
    mu = keys.coherence if bound is None else bound
    if mu >= 1:
        raise ImpossibleReduction(
            f"{n_keys} {family.name} keys in R^{d} must be distinct, but two of them coincide; "
            f"the nearest possible head dimension is larger than {d}"
        )
    cap = geometry.multiplier_cap
    room = 1 - eta if guarantee == "relative" else 1 - 2 * eta
    if room <= 0:
        raise ImpossibleReduction(
            f"eta must be below 1/2 under an additive guarantee, got {eta}: two levels in [0, 1] overlap; "
            "the nearest possible value is any rational below 1/2"
        )
    needed = MULTIPLIER.at_most(n_keys, room / 2 * (1 - NEAREST_SLACK), mu)
    if multiplier is not None:
        chosen = rational(multiplier, name="lambda")
        if chosen <= 0:
            raise invalid("lambda", "be > 0", str(chosen), nearest=f"{float(needed):.4f}")
    elif n_levels == 2:
        comfortable = MULTIPLIER.at_most(n_keys, room / 4, mu)
        chosen = comfortable if cap is None else max(needed, min(comfortable, cap))
    elif cap is not None:
        chosen = cap
    else:
        chosen = MULTIPLIER.at_most(n_keys, UNCAPPED_LEAKAGE, mu)
    if cap is not None and chosen > cap:
        what = f"lambda {float(chosen):.4f}" if multiplier is not None else f"the least lambda, {float(chosen):.4f},"
        raise ImpossibleReduction(
            f"{what} must not exceed the cap {cap} of the {geometry.rule_name} rule "
            f"({n_keys} keys of coherence {mu} in R^{d}); the nearest possible value is {cap}"
            + ("" if needed <= cap else f", which leaks too much: take fewer than {n_keys} tokens or d above {d}")
        )
    chosen = Fraction(float(chosen))
    leakage = LEAKAGE.at_most(n_keys, chosen, mu)
    rounding = Fraction(rounding_bound(d=d, n_tokens=n_keys, max_logit=float(chosen), max_value=1.0))
    blur = leakage + rounding
    if 2 * blur >= room:
        gap = "1 - eta" if guarantee == "relative" else "1 - 2 eta"
        if 4 * rounding < room:
            nearest = f"lambda is {float(needed):.4f}"
        else:
            nearest = (
                f"eta is about {plainly(floor_float((1 - 64 * rounding) / (1 if guarantee == 'relative' else 2)))}"
            )
        raise ImpossibleReduction(
            f"lambda {float(chosen):.4f} leaks tau = {float(leakage):.4g}, and float64 rounds by up to "
            f"rho = {float(rounding):.4g}, so that 2 (tau + rho) >= {gap} = {float(room):.4g} and no threshold "
            f"separates 0 from 1; the nearest possible {nearest}"
        )
    return Reduction(
        geometry=geometry,
        keys=keys,
        coherence=mu,
        multiplier=chosen,
        leakage=leakage,
        rounding=rounding,
        grid=_grid(guarantee, eta, blur, n_levels, smallest_level),
        seed=seed,
    )


def _grid(guarantee: Guarantee, eta: Fraction, blur: Fraction, n_levels: int | None, smallest: Fraction | None) -> Grid:
    if n_levels == 2:
        return Grid.binary(guarantee, eta, blur)
    if guarantee == "additive":
        return Grid.additive(eta, blur, n_levels)
    grid = Grid.geometric(eta, blur, Fraction(1, 1024) if smallest is None else smallest)
    if n_levels is None:
        return grid
    if n_levels > grid.n_levels:
        raise ImpossibleReduction(
            f"levels must be at most {grid.n_levels} at relative eta {float(eta):.6g}, got {n_levels}; "
            f"the nearest possible value is {grid.n_levels}"
        )
    return Grid.through_middles(grid.levels[-n_levels:], "relative", eta, blur)
