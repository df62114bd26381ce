"""The structure table: for every prior, its class, the floor of that class, and a played cache that meets the floor."""

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
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import Rational, ball, floor_float, precision, rational, upper_fraction
from lowerbound.errors import ImpossibleReduction, LowerBoundError, invalid
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, Row, duels
from lowerbound.game.structured import StructuredReduction, plan_structured

TRIALS = 4


@dataclass(frozen=True)
class StructureRow:
    """One prior on one head: the bits that it forces, the bits that a played cache kept, and the lemma.

    All bits are per head. `size_bits` is log2 of the number of members of the class, which is the floor at error 0.
    `floor_bits` is the floor when a symbol is misread with probability `delta`. `all_bits` = T d is log2 of the number
    of all 0/1 matrices, and `share` is `size_bits / all_bits`. `scheme_bits` is the size of the state of the cache
    `scheme`, played in the game restricted to the class, and `ratio` is `scheme_bits / size_bits`. `errors` counts the
    symbols that Bob misread there. `played_floor_bits` is the smallest floor over the interval of error rates that
    these errors allow. `attention_leak` is certainly >= the softmax weight that any query of the game puts on keys for
    which it does not ask: all instances are sparse in attention. If the maps have no such class, or eta is too large,
    `reason` says so, and every measured field is None.
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

    Contract: the queries are the keys, and a logit is the multiplier times an inner product. Equal keys count as one
    key. The Gram matrix is exact, and each distinct inner product has one Arb ball. Rows of different norms raise
    InvalidArgument.
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
    instances: PrivateSeed | None = None,
) -> Iterator[StructureRow]:
    """Yield one row per prior; its game is played when the row is requested.

    Contract: raises AccountingError if a cache is below the floor of its class, and UnknownName for an unknown prior. A
    prior whose class these maps lack, or whose symbols eta makes unreadable, gives a row with a `reason`.
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
        (played,) = duels(family, [entry], trials=trials, isolation=isolation, instances=instances)
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
