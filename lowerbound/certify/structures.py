"""The structure table: for every prior its class, the floor of it, and a cache that meets the floor, played."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from flint import arb

from lowerbound.caches.coded.schemes import scheme_of
from lowerbound.caches.registry import target_of
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.priors.prior import Prior
from lowerbound.core.priors.table import PRIORS, find_prior, prior_to_json
from lowerbound.core.scalars import Rational, ball, floor_float, precision, rational, upper_fraction
from lowerbound.errors import ImpossibleReduction, LowerBoundError, invalid
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, Row, duels
from lowerbound.game.structured import StructuredReduction, plan_structured

TRIALS = 4


@dataclass(frozen=True)
class StructureRow:
    """One prior on one head: what is forced, what is enough, and who says so.

    Bits are of one head. `size_bits` is log2 of the class, the floor at error 0; `floor_bits` that at error `delta` a
    symbol; `all_bits` log2 of all 0/1 matrices, T d, so that `share` says how much the prior spares. `scheme_bits` is
    the state of the cache that was played in the game restricted to the class, `errors` how many symbols Bob misread
    there, `played_floor_bits` the floor of the whole interval of error rates that this allows, and `ratio` is
    scheme_bits / size_bits. `attention_leak` is certainly >= the softmax weight that any query of the game puts on keys
    that it does not ask for: the instances are sparse in attention, whatever else they are. Where the maps have no such
    class, or eta is too large, `reason` says so and all that would be measured is None.
    """

    prior: str
    lemma: str
    helps: bool
    definition: str | None
    parameters: dict[str, int | str]
    tokens: int
    d: int
    all_bits: int
    size_bits: float | None
    share: float | None
    delta: float
    floor_bits: float | None
    scheme: str
    budget: str | None
    scheme_bits: int | None
    ratio: float | None
    errors: int | None
    symbols: int | None
    played_floor_bits: float | None
    attention_leak: float | None
    reason: str | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def attention_leak(keys: Keys, n_asked: int, multiplier: Fraction) -> Fraction:
    """A rational certainly >= the weight that a query for one of the first `n_asked` keys puts on all other keys.

    Contract: queries are the keys, logits multiplier times their inner products; equal keys count as one. Exact Gram
    matrix, one Arb ball a different inner product; rows of several lengths raise InvalidArgument.
    """
    rows = keys.rows
    squares = (rows * rows).sum(axis=1)
    if not (squares == squares[0]).all():
        raise invalid("keys", "have one length", sorted(set(squares.tolist()))[:2])
    most = Fraction(0)
    with precision(128):
        weights: dict[int, arb] = {}
        seen: set[tuple[tuple[int, int], ...]] = set()
        for row in np.unique(rows[:n_asked], axis=0):
            products, counts = np.unique(rows @ row, return_counts=True)
            counted = tuple(zip(products.tolist(), counts.tolist(), strict=True))
            if counted in seen:
                continue
            seen.add(counted)
            for product in products.tolist():
                if product not in weights:
                    weights[product] = (ball(multiplier) * ball(Fraction(product, int(squares[0])) - 1)).exp()
            own = dict(counted)[int(squares[0])]
            others = sum((weights[g] * count for g, count in counted if g != int(squares[0])), arb(0))
            most = max(most, upper_fraction(others / (others + own)))
    return most


def structure_rows(
    geometry: Geometry,
    names: Iterable[str] = tuple(PRIORS),
    *,
    eta: Rational = Fraction(1, 100),
    delta: Rational = Fraction(1, 10),
    seed: int = 0,
    trials: int = TRIALS,
    isolation: Isolation | None = None,
) -> Iterator[StructureRow]:
    """One row a prior, each played as it is asked for.

    Contract: AccountingError when a cache would lie under the floor of its class; UnknownName for a prior that there
    is not; a prior that these maps do not have, or that eta hides, is a row that says so.
    """
    error, allowed = rational(eta, name="eta"), rational(delta, name="delta")
    if not 0 <= error < Fraction(1, 2):
        raise invalid("eta", "lie in [0, 1/2): at 1/2 two values in [0, 1] cannot be told apart", str(error))
    if not 0 <= allowed <= Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2]", str(allowed), nearest="1/2" if allowed > 0 else "0")
    for kind in [find_prior(name) for name in names]:
        try:
            family = plan_structured(geometry, kind, eta=error, seed=seed)
        except ImpossibleReduction as why:
            yield _without(geometry, kind, allowed, str(why))
            continue
        entry = Contender(target_of(scheme_of(kind)), family.prior.budget, scheme_of(kind))
        (played,) = duels(family, [entry], trials=trials, isolation=isolation)
        if isinstance(played, LowerBoundError):
            raise played
        yield _row(family, played, allowed)


def _row(family: StructuredReduction, played: Row, delta: Fraction) -> StructureRow:
    prior = family.prior
    all_bits = prior.n_tokens * prior.d
    leak = attention_leak(family.keys, prior.n_tokens, family.multiplier)
    return StructureRow(
        prior=prior.name,
        lemma=prior.lemma,
        helps=prior.helps,
        definition=prior.definition,
        parameters=prior_to_json(prior)["parameters"],
        tokens=prior.n_tokens,
        d=prior.d,
        all_bits=all_bits,
        size_bits=prior.size_bits,
        share=prior.size_bits / all_bits,
        delta=float(delta),
        floor_bits=prior.floor_bits(delta),
        scheme=scheme_of(prior),
        budget=played.budget,
        scheme_bits=played.state_bits,
        ratio=played.state_bits / prior.size_bits,
        errors=played.errors,
        symbols=played.symbols * played.trials,
        played_floor_bits=played.floor_bits,
        attention_leak=-floor_float(-leak),
        reason=None,
    )


def _without(geometry: Geometry, kind: type[Prior], delta: Fraction, reason: str) -> StructureRow:
    tokens, d = geometry.schedule.n_tokens_cached, geometry.d
    return StructureRow(
        prior=kind.name,
        lemma=kind.lemma,
        helps=kind.helps,
        definition=None,
        parameters={},
        tokens=tokens,
        d=d,
        all_bits=tokens * d,
        size_bits=None,
        share=None,
        delta=float(delta),
        floor_bits=None,
        scheme=scheme_of(kind),
        budget=None,
        scheme_bits=None,
        ratio=None,
        errors=None,
        symbols=None,
        played_floor_bits=None,
        attention_leak=None,
        reason=reason,
    )
