"""Geometry: what the bound needs to know of an attention head, in one place; models, traces and games all have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Protocol

from lowerbound.core.formats import FP16_BITS
from lowerbound.core.rules import MULTIPLIER_CAP, L2Norm, Rule, RuleName, Scaled
from lowerbound.core.scalars import Rational, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument, invalid

LARGEST_STACK = 4096
"""Layers, and heads per layer."""
LARGEST_STATED_CAP = 2**16
"""The largest |logit| that may be stated for a rule without a cap of its own."""

CAPS = {"soft-cap": Fraction(50), "qk-clip": MULTIPLIER_CAP}
"""Caps with a name: Gemma 2's configurations bend logits at 50, and Kimi K2's training clipped them at 100
(arXiv:2507.20534, section 2.1), where VAR and Infinity clamp their multipliers too."""


def stated_cap(value: Rational, rule: RuleName) -> Fraction:
    """The largest |logit| that was stated for a rule: a number, or a name of CAPS.

    Contract: lies in (0, 100] for the l2norm rule, whose models clamp at 100, and in (0, 65536] for others; anything
    else raises InvalidArgument.
    """
    known = CAPS.get(value) if isinstance(value, str) else None
    if known is None:
        try:
            known = rational(value, name="cap")
        except InvalidArgument:
            raise invalid("cap", f"be a number > 0 or one of {', '.join(CAPS)}", value) from None
    most = MULTIPLIER_CAP if rule == "l2norm" else Fraction(LARGEST_STATED_CAP)
    if not 0 < known <= most:
        raise invalid("cap", f"lie in (0, {most}] under the rule {rule}", str(known), nearest=str(most))
    return known


class HasGeometry(Protocol):
    """Something with heads of one geometry, such as a model of the catalogue or a recorded trace."""

    @property
    def geometry(self) -> Geometry: ...


@dataclass(frozen=True)
class Geometry:
    """One attention head: the maps that its last scale attends to, its dimension and its attention rule.

    Contract: at least one token is cached before the last scale, or ImpossibleReduction is raised; a dimension or a
    stack that is no positive integer raises InvalidArgument.

    Parameters
    ----------
    name : str
        What tables call it.
    schedule : ScaleSchedule
        The maps that the last scale attends to, its own last.
    d : int
        Head dimension, of keys and of values.
    rule_name : "l2norm" (unit queries and keys, multiplier capped at 100), "1/sqrt(d)" or "0.25/sqrt(d)"
    codebook_size : int or None
        Values of one token id, where they are known.
    stack : (layers, heads per layer), or None
        How many such heads a game plays, each with values of its own. None plays one head, or the stack that the
        cache asks for if its heads or layers share something.
    logit_cap : Fraction or None
        The largest |logit| between unit vectors, where it is stated; see `stated_cap`.
    """

    name: str
    schedule: ScaleSchedule
    d: int
    rule_name: RuleName = "l2norm"
    codebook_size: int | None = None
    stack: tuple[int, int] | None = None
    logit_cap: Fraction | None = None

    def __post_init__(self) -> None:
        if self.stack is not None and not all(isinstance(n, int) and 1 <= n <= LARGEST_STACK for n in self.stack):
            raise invalid("layers and heads", f"be integers in [1, {LARGEST_STACK}]", self.stack)
        if isinstance(self.d, bool) or not isinstance(self.d, int) or self.d < 1:
            raise invalid("d", "be an integer >= 1", self.d)
        if self.schedule.n_tokens_cached < 1:
            raise ImpossibleReduction(
                "schedule must cache at least one token before its last scale, got one scale; "
                "the nearest possible schedule has two"
            )

    @classmethod
    def of(cls, place: HasGeometry) -> Geometry:
        """The geometry of a model's heads, or of a trace's."""
        return place.geometry

    @property
    def geometry(self) -> Geometry:
        """Itself, so that a geometry can stand wherever a model can."""
        return self

    @property
    def n_tokens(self) -> int:
        """All tokens that the last scale attends to, its own included."""
        return self.schedule.n_tokens

    @property
    def n_tokens_cached(self) -> int:
        """T: the tokens whose keys and values the last scale reads from the cache."""
        return self.schedule.n_tokens_cached

    @property
    def n_own(self) -> int:
        """T_N: the tokens of the last scale itself."""
        return self.n_tokens - self.n_tokens_cached

    @property
    def cache_bits(self) -> int:
        """fp16 bits of the cached keys and values of one head."""
        return 2 * self.n_tokens_cached * self.d * FP16_BITS

    @property
    def multiplier_cap(self) -> Fraction | None:
        """The largest |logit| that is stated or that the rule allows between unit vectors, or None."""
        return MULTIPLIER_CAP if self.logit_cap is None and self.rule_name == "l2norm" else self.logit_cap

    @property
    def largest_logit(self) -> Fraction:
        """The largest |logit| between unit vectors of which floors speak: the cap, or 100 where there is none."""
        return MULTIPLIER_CAP if self.logit_cap is None else self.logit_cap

    def capped(self, cap: Rational) -> Geometry:
        """The same head with a stated cap; errors as `stated_cap`."""
        return replace(self, logit_cap=stated_cap(cap, self.rule_name))

    def rule(self, multiplier: Fraction) -> Rule:
        """The attention rule, with this multiplier if it has one."""
        match self.rule_name:
            case "l2norm":
                return L2Norm(float(multiplier))
            case "0.25/sqrt(d)":
                return Scaled(0.25 / self.d**0.5)
            case "1/sqrt(d)":
                return Scaled()

    def query_length(self, multiplier: Fraction) -> float:
        """The norm of a query whose logit with a unit key in its direction is `multiplier`."""
        rule = self.rule(multiplier)
        return float(multiplier) / rule.factor(self.d) if isinstance(rule, Scaled) else 1.0

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; `from_json` is its inverse."""
        said = {} if self.logit_cap is None else {"logit_cap": str(self.logit_cap)}
        return {
            "name": self.name,
            "shapes": [list(shape) for shape in self.schedule.shapes],
            "n_context": self.schedule.n_context,
            "d": self.d,
            "rule": self.rule_name,
            "codebook_size": self.codebook_size,
            "stack": self.stack,
            **said,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Geometry:
        """The geometry that `to_json` described."""
        schedule = ScaleSchedule(tuple(tuple(shape) for shape in data["shapes"]), data["n_context"])
        stack = None if data["stack"] is None else tuple(data["stack"])
        cap = Fraction(data["logit_cap"]) if "logit_cap" in data else None
        return cls(data["name"], schedule, data["d"], data["rule"], data["codebook_size"], stack, cap)
