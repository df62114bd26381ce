"""One question to a cache: tokens pass through its bytes scale by scale, and then it answers queries.

`Terms` holds everything public about the question, in exact numbers. `TokenRows` holds the rows that are appended at
all scales.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.cache import Memory, Public
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Guarantee
from lowerbound.core.rules import L2Norm, Rule, RuleName, Scaled
from lowerbound.core.scalars import counted
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, InvalidArgument, invalid
from lowerbound.game.protocol import call, numbers, stack_of
from lowerbound.game.reduction import Reduction, plan_reduction

FloatArray = NDArray[np.float64]

CODEBOOK_SIZE = 2
"""The codebook size of the public network of model R2: ids of one bit fit in any head dimension."""


@dataclass(frozen=True)
class Terms:
    """Everything public about a question to a cache, and the error guarantee that the cache is held to.

    Contract: `from_json(to_json())` gives equal terms. With `key_family`, keys and the value levels 0 and 1 are public,
    as in the hard family of `plan_reduction` for these terms; with `network`, values come from its public network.

    Parameters
    ----------
    schedule : ScaleSchedule
        At least two scales; the last one's tokens are appended before the query, and are never encoded.
    d : int
        Head dimension.
    rule : Rule
        How a logit is computed.
    guarantee, eta
        The guarantee: |answer - exact| <= eta (additive) or <= eta |exact| (relative), for values in [0, 1].
    budget, seed
        As in `Public`.
    stack : (layers, heads per layer)
        Every head of every layer gets the same tokens.
    key_family : str or None
        The family of the public keys, or None if keys are not public.
    network : bool
        Whether values come from the public network of computation model R2.
    """

    schedule: ScaleSchedule
    d: int
    rule: Rule
    guarantee: Guarantee = "relative"
    eta: Fraction = Fraction(1, 100)
    budget: Fraction | None = None
    seed: int = 0
    stack: tuple[int, int] = (1, 1)
    key_family: str | None = None
    network: bool = False

    @cached_property
    def reduction(self) -> Reduction:
        """The hard family of these terms; ImpossibleReduction if there is none."""
        geometry = Geometry(str(self.schedule), self.schedule, self.d, self._rule_name(), CODEBOOK_SIZE, self.stack)
        plan = plan_reduction(
            geometry,
            eta=self.eta,
            guarantee=self.guarantee,
            multiplier=Fraction(self.rule.multiplier) if isinstance(self.rule, L2Norm) else None,
            key_family=self.key_family,
            seed=self.seed,
        )
        return plan.in_model_r2() if self.network else plan

    def _rule_name(self) -> RuleName:
        if isinstance(self.rule, L2Norm):
            return "l2norm"
        if self.rule.scale is None:
            return "1/sqrt(d)"
        if self.rule.scale == 0.25 / self.d**0.5:
            return "0.25/sqrt(d)"
        raise invalid("scale", "be that of a model where keys are public", self.rule.scale)

    @cached_property
    def public(self) -> Public:
        """What the cache may know before it sees a token."""
        if self.key_family is not None:
            return self.reduction.public(self.budget)
        layers, heads = self.stack
        return Public(self.schedule, self.d, self.rule, self.seed, self.budget, n_layers=layers, n_heads=heads)

    def to_json(self) -> dict[str, Any]:
        """The terms as plain JSON values, with every number exact."""
        rule = (
            {"name": "l2norm", "multiplier": str(Fraction(self.rule.multiplier))}
            if isinstance(self.rule, L2Norm)
            else {"name": "scaled", "squared_scale": str(_squared(self.rule, self.d))}
        )
        return {
            "guarantee": self.guarantee,
            "eta": str(self.eta),
            "rule": rule,
            "d": self.d,
            "shapes": [list(shape) for shape in self.schedule.shapes],
            "context": self.schedule.n_context,
            "budget": None if self.budget is None else str(self.budget),
            "keys": self.key_family,
            "network": self.network,
            "seed": self.seed,
            "layers": self.stack[0],
            "heads": self.stack[1],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Terms:
        """The terms that `to_json` described; a rule whose parameter is not exactly a float raises InvalidArgument."""
        return cls(
            schedule=ScaleSchedule(tuple(tuple(shape) for shape in data["shapes"]), data["context"]),
            d=data["d"],
            rule=_rule(data["rule"], data["d"]),
            guarantee=data["guarantee"],
            eta=Fraction(data["eta"]),
            budget=None if data["budget"] is None else Fraction(data["budget"]),
            seed=data["seed"],
            stack=(data["layers"], data["heads"]),
            key_family=data["keys"],
            network=data["network"],
        )


def _squared(rule: Scaled, d: int) -> Fraction:
    return Fraction(1, d) if rule.scale is None else Fraction(rule.scale) ** 2


def _rule(data: Mapping[str, str], d: int) -> Rule:
    if data["name"] == "l2norm":
        return L2Norm(exact_float(Fraction(data["multiplier"]), "multiplier"))
    square = Fraction(data["squared_scale"])
    if square == Fraction(1, d):
        return Scaled()
    root = Fraction(math.isqrt(square.numerator), math.isqrt(square.denominator))
    if root**2 != square:
        raise invalid("squared scale", "be 1/d or the square of a binary fraction", data["squared_scale"])
    return Scaled(exact_float(root, "scale"))


def exact_float(value: Fraction, what: str) -> float:
    """The float that equals this rational; InvalidArgument if no finite float does."""
    try:
        near = float(value)
    except OverflowError:
        near = math.inf
    if not math.isfinite(near) or Fraction(near) != value:
        raise InvalidArgument(f"{what} must be a finite binary float, got {str(value)[:60]}")
    return near


@dataclass(frozen=True, eq=False)
class TokenRows:
    """Keys, values and queries of all tokens of a schedule: float64, one row per token, shape (n_tokens, d) each."""

    keys: FloatArray
    values: FloatArray
    queries: FloatArray

    def at(self, rows: slice) -> TokenRows:
        """The keys, values and queries of a slice of the tokens."""
        return TokenRows(self.keys[rows], self.values[rows], self.queries[rows])


MakeCache = Callable[[], Memory]


def state_of(make_cache: MakeCache, terms: Terms, tokens: TokenRows) -> bytes:
    """The state of a cache after the tokens of all scales but the last.

    Contract: a fresh cache is made for every scale, and it gets earlier scales only as decoded bytes. A cache that
    breaks its contract raises CacheContractBroken.
    """
    state: bytes | None = None
    for scale in range(terms.schedule.n_scales - 1):
        cache = _holding(make_cache, terms, state, tokens, scale)
        state = call(cache, "encode")
        if not isinstance(state, bytes):
            raise CacheContractBroken(f"{cache.name}.encode must return bytes, got {type(state).__name__}")
    assert state is not None
    return bytes(state)


def answers_of(make_cache: MakeCache, terms: Terms, state: bytes, tokens: TokenRows, queries: FloatArray) -> FloatArray:
    """The answers of all heads to (m, d) queries, shape (layers, heads, m, d), from a state and the last scale.

    Contract: a fresh cache decodes the state and appends the last scale; one that breaks its contract raises
    CacheContractBroken.
    """
    last = terms.schedule.n_scales - 1
    cache = _holding(make_cache, terms, state, tokens, last)
    asked = _for_all_heads(terms, queries)
    answers = []
    for layer in range(terms.stack[0]):
        found = call(cache, "attend", layer, asked)
        if len(found) != len(asked):
            raise CacheContractBroken(
                f"{cache.name}.attend must answer {counted(len(asked), 'head')}, got {len(found)}"
            )
        answers.append([numbers(cache, head, queries.shape) for head in found])
    return np.array(answers)


def _holding(make_cache: MakeCache, terms: Terms, state: bytes | None, tokens: TokenRows, scale: int) -> Any:
    cache = stack_of(make_cache, terms.stack)
    if state is not None:
        call(cache, "decode", state)
    own = tokens.at(terms.schedule.rows_of(scale))
    keys, values, queries = (_for_all_heads(terms, rows) for rows in (own.keys, own.values, own.queries))
    for layer in range(terms.stack[0]):
        call(cache, "append", layer, keys, values, scale, queries)
    return cache


def numbers_in(frame: bytes, shape: tuple[int, ...]) -> FloatArray:
    """The float64 numbers that another process sent, little-endian, in this shape; -1 stands for as many as there are.

    Contract: another count, and a number that is not finite, raise CacheContractBroken.
    """
    try:
        found = np.frombuffer(frame, dtype="<f8").astype(np.float64).reshape(shape)
    except ValueError:
        wanted = " x ".join(map(str, shape))
        raise CacheContractBroken(f"an answer must have {wanted} numbers, got {len(frame)} bytes") from None
    if not np.isfinite(found).all():
        raise CacheContractBroken("an answer must have finite numbers, got NaN or infinity")
    return found


def _for_all_heads(terms: Terms, rows: FloatArray) -> FloatArray:
    return np.broadcast_to(rows, (terms.stack[1], *rows.shape))
