"""Lower bounds (floors) for a head or a model: the bits every cache must keep, by theorem and who checked it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any

from lowerbound.certify.certified import Certified, certified, target_of, tried
from lowerbound.certify.design.target import Target
from lowerbound.certify.refusal import refused
from lowerbound.certify.replay.games import ModelAnswer, answer_of_r2, answer_of_r3
from lowerbound.certify.theorems import CHECKED, PROVED, THEOREMS, Status
from lowerbound.core.bounds import INDEX_FLOOR, SYMBOL_FLOOR, additive_levels
from lowerbound.core.decoder import Placed, called, own_name, paged
from lowerbound.core.geometry import Geometry, HasGeometry
from lowerbound.core.models import Model, capped, find_place
from lowerbound.core.scalars import Rational, counted, rational
from lowerbound.core.sums import Sum, sums
from lowerbound.errors import InvalidArgument, Undecided, invalid
from lowerbound.game.reduction import Reduction, plan_reduction

R1 = "R1: layer black box (the cache sees one head's q, k, v stream; K and V are free reals)"


@dataclass(frozen=True)
class Floor:
    """The bits that every cache must keep, for one head and for all heads, in each computation model separately.

    Contract: `paper_bits` holds for relative eta below 1 and `values_bits` for additive eta, both for mean error
    `delta` over the positions, and both are rounded down. `certified` holds the floors that the kernel has verified,
    one for each theorem that forces a bit at this error. Properties that take seconds are computed at first use.

    Parameters
    ----------
    geometry : Geometry
        The head.
    model : Model or None
        The model of the catalogue to which the head belongs. If it is None, `streams` counts the heads of the
        geometry's stack, and computation models R2 and R3 are left out.
    eta, delta : Fraction
        Error of an answer, and its failure probability.
    plan : Reduction
        The hard instances behind `paper_bits` and `values_bits`: keys, multiplier, leakage.
    values_levels : int
        The number of levels of a value that Bob can separate at this error.
    placed : Placed or None
        The decoder to which the head belongs, at its context length; its layers may cache different numbers of tokens.
    """

    geometry: Geometry
    model: Model | None
    eta: Fraction
    delta: Fraction
    plan: Reduction
    paper_bits: float
    values_levels: int
    values_bits: float
    placed: Placed | None = None

    @property
    def cache_bits(self) -> int:
        """The bits of fp16 keys and values of one head."""
        return self.geometry.cache_bits

    @property
    def streams(self) -> int:
        """The number of (K, V) pairs, taken as independent: heads of all layers and branches."""
        if self.model is not None:
            return self.model.n_streams
        if self.placed is not None:
            return self.placed.n_streams
        layers, heads = self.geometry.stack or (1, 1)
        return layers * heads

    @cached_property
    def certified(self) -> tuple[Certified, ...]:
        """The verified floor of each theorem that forces a bit, in the order of THEOREMS."""
        return tuple(one for one in self._designed.values() if isinstance(one, Certified))

    @property
    def left_out(self) -> dict[str, str]:
        """Theorems of which no certificate was made, such as one of more than 16 MiB, with the reason."""
        return {name: str(one) for name, one in self._designed.items() if isinstance(one, Undecided)}

    @property
    def passed_over(self) -> dict[str, str]:
        """Those of `left_out` that promise more bits than the best floor, or than the best machine-checked one."""
        found = self._tried(CHECKED) | self._tried(*PROVED)
        return {name: str(one) for name, one in found.items() if isinstance(one, Undecided)}

    @cached_property
    def refused(self) -> dict[str, str]:
        """Theorems that say nothing of this head at these errors: why, and the nearest place at which they do."""
        found = {name: refused(theorem, self._target) for name, theorem in THEOREMS.items()}
        return {name: why for name, why in found.items() if why is not None}

    @cached_property
    def _designed(self) -> dict[str, Certified | Undecided | None]:
        found: dict[str, Certified | Undecided | None] = {}
        for name in THEOREMS:
            try:
                found[name] = certified(self.geometry, eta=self.eta, delta=self.delta, theorem=name)
            except Undecided as undecided:
                found[name] = undecided
        return found

    @cached_property
    def parts(self) -> tuple[tuple[Floor, int], ...]:
        """Heads that cache alike: the floor of one, and how many there are. Layers of a decoder may differ."""
        if self.placed is None:
            return ((self, self.streams),)
        terms: dict[str, Any] = {"eta": self.eta, "failure_prob": self.delta}
        others = [floor(share.geometry, **terms) for share in self.placed.shares[1:]]
        counts = [share.streams * self.placed.decoder.branches for share in self.placed.shares]
        return tuple(zip([self, *others], counts, strict=True))

    def total(self, bits_of: Callable[[Floor], float]) -> float:
        """The sum over all heads of a number of bits of one head."""
        return sum(bits_of(part) * count for part, count in self.parts)

    @property
    def total_cache_bits(self) -> int:
        """The fp16 bits of the whole cache."""
        return self.cache_bits * self.streams if self.placed is None else self.placed.cache_bits

    @property
    def sums(self) -> tuple[Sum, ...]:
        """How many times the floor of one head counts for the model, under each assumption."""
        return () if self.model is None else sums(self.model)

    def strongest(self, *statuses: Status) -> Certified | None:
        """The additive floor with the most bits among theorems of these statuses, or None; weaker ones are not made."""
        found = [one for one in self._tried(*statuses).values() if isinstance(one, Certified)]
        return max(found, key=lambda one: one.bits, default=None)

    def _tried(self, *statuses: Status) -> dict[str, Certified | Undecided]:
        return tried(self._target, statuses)

    @property
    def _target(self) -> Target:
        return target_of(self.geometry, eta=self.eta, delta=self.delta)

    @property
    def checked(self) -> Certified | None:
        """The best floor whose proof a machine has checked."""
        return self.strongest(CHECKED)

    @property
    def proved(self) -> Certified | None:
        """The best floor that is proved, by a machine or on paper."""
        return self.strongest(*PROVED)

    def checked_bits(self) -> int:
        """The bits of the best machine-checked floor of one head; 0 where there is none."""
        return 0 if self.checked is None else self.checked.bits

    def proved_bits(self) -> int:
        """The bits of the best proved floor of one head; 0 where there is none."""
        return 0 if self.proved is None else self.proved.bits

    @cached_property
    def models(self) -> dict[str, ModelAnswer]:
        """The bits needed in each computation model; those of different models are never compared or added."""
        bits = max(0 if self.proved is None else self.proved.bits, self.values_bits)
        first = ModelAnswer(
            f"K and V are free reals: at least {bits:,.0f} bits per head at these eta and delta, the table above; "
            f"{counted(self.streams, 'head')} if streams are independent",
            {"bits_of_one_head": bits, "streams": self.streams},
        )
        if self.placed is not None:
            return {"R1": first, **ids_enough(self.placed)}
        return (
            {"R1": first}
            if self.model is None
            else {"R1": first, "R2": answer_of_r2(self.model), "R3": answer_of_r3(self.model)}
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        place, model = self.geometry, self.model
        head: dict[str, Any] = {
            "cache_bits": self.cache_bits,
            "paper_bits": self.paper_bits,
            "values_bits": self.values_bits,
            "values_levels": self.values_levels,
            "values_fraction_of_cache": self.values_bits / self.cache_bits,
        }
        total: dict[str, Any] = {
            "streams": self.streams,
            "cache_bits": self.total_cache_bits,
            "cache_bytes": self.total_cache_bits // 8,
            "paper_bits": self.total(lambda one: one.paper_bits),
            "values_bits": self.total(lambda one: one.values_bits),
            "free_kv_realisable": None if model is None else model.free_kv_realisable,
        }
        chosen = (("keys_and_values", Floor.checked_bits), ("strongest_proved", Floor.proved_bits))
        for (key, bits_of), best in zip(chosen, (self.checked, self.proved), strict=True):
            head[f"{key}_bits"] = None if best is None else best.bits
            head[f"{key}_theorem"] = None if best is None else best.theorem.name
            head[f"{key}_by"] = None if best is None else best.proof
            head[f"{key}_fraction_of_cache"] = None if best is None else best.bits / self.cache_bits
            total[f"{key}_bits"] = None if best is None else int(self.total(bits_of))
        head["theorems"] = [
            {
                "theorem": one.theorem.name,
                "bits": one.bits,
                "fraction_of_cache": one.bits / self.cache_bits,
                "status": one.status,
                "lemmas": list(one.lemmas),
            }
            for one in self.certified
        ]
        return {
            "model": place.name,
            "n_tokens": place.n_tokens if model is None else model.n_tokens,
            "n_tokens_cached": place.n_tokens_cached,
            "d": place.d,
            "n_heads": None if model is None else model.n_heads,
            "n_kv_heads": None if model is None else model.n_kv_heads,
            "n_layers": None if model is None else model.n_layers,
            "cfg_branches": None if model is None else model.cfg_branches,
            "rule": place.rule_name,
            "eta": float(self.eta),
            "delta": float(self.delta),
            "keys": self.plan.keys.family,
            "coherence": str(self.plan.coherence),
            "lambda": float(self.plan.multiplier),
            "leakage": float(self.plan.leakage),
            "replay_bits": None if model is None else model.replay_bits,
            "per_head": head,
            "total": total,
            "sums": [known.to_json() for known in self.sums],
            "computation_model": R1,
            "source": None if model is None else model.source,
            "logit_cap": str(place.largest_logit),
            "left_out": self.left_out,
            "refused": self.refused,
            "shares": [] if self.placed is None else [share.to_json() for share in self.placed.shares],
            "notes": [] if self.placed is None else self.placed.notes,
            "models": {name: answer.to_json() for name, answer in self.models.items()},
        }


def floor(
    place: HasGeometry | str | None = None,
    *,
    tokens: int | None = None,
    d: int | None = None,
    context: int | None = None,
    cap: Rational | None = None,
    eta: Rational = "0.01",
    failure_prob: Rational = "0",
) -> Floor:
    """The lower bounds (floors) on every cache of a model or of a head.

    Contract: as `Floor`; every certified floor is VERIFIED by the kernel. An unknown model name raises UnknownName with
    the nearest names.
    Paper: Theorem 1.1 of arXiv:2503.14881 with its constant (Theorem A); Theorem B.

    Parameters
    ----------
    place : a model of the catalogues, its name, a geometry, or None for a head of `tokens` cached tokens in R^d
    tokens, d : int or None
        A head of one's own, with one own token, in place of `place`.
    context : int or None
        The cached tokens of a language model that is named.
    cap : rational, a name of `core.rules.CAPS`, or None
        The largest |logit| between unit vectors, stated in place of the head's own.
    eta : rational in [0, 1/2)
    failure_prob : rational in [0, 1/2]

    Raises
    ------
    InvalidArgument
        If eta or failure_prob lies outside its range.
    ImpossibleReduction
        If Bob cannot separate even two levels of a value with any keys of this dimension.
    """
    subject = capped(_subject(place, tokens, d, context), cap)
    geometry, model = subject.geometry, subject if isinstance(subject, Model) else None
    error, delta = rational(eta, name="eta"), rational(failure_prob, name="delta")
    if not 0 <= error < Fraction(1, 2):
        raise invalid("eta", "lie in [0, 1/2): at 1/2 two values in [0, 1] cannot be told apart", str(error))
    if not 0 <= delta <= Fraction(1, 2):
        # At 1/2 itself no theorem forces a bit through a certificate, so a smaller value is offered.
        raise invalid("delta", "lie in [0, 1/2]", str(delta), nearest="0.49" if delta > 0 else "0")
    plan = plan_reduction(geometry, eta=error, guarantee="additive", n_levels=None)
    levels = additive_levels(error, plan.leakage + plan.rounding)
    paper_bits = max(0.0, INDEX_FLOOR.at_least(plan.n_symbols, delta))
    return Floor(
        geometry=geometry,
        model=model,
        eta=error,
        delta=delta,
        plan=plan,
        paper_bits=paper_bits,
        values_levels=levels,
        values_bits=max(paper_bits, SYMBOL_FLOOR.at_least(plan.n_symbols, levels, delta)),
        placed=subject if isinstance(subject, Placed) else None,
    )


def _subject(place: HasGeometry | str | None, tokens: int | None, d: int | None, context: int | None) -> HasGeometry:
    if place is None:
        if tokens is None or d is None:
            raise InvalidArgument("floor must be given a place, or tokens and d")
        return Geometry(called(own_name(d), tokens), paged(tokens), d)
    if tokens is not None or d is not None:
        raise InvalidArgument("tokens and d must be left out with a place")
    if isinstance(place, str):
        return find_place(place, context)
    if context is not None:
        raise InvalidArgument("context must be left out with a place that is no name")
    return place


def ids_enough(placed: Placed) -> dict[str, ModelAnswer]:
    """What is enough with public weights: the token ids, from which the cache is computed again.

    Contract: the answer of model R2, or none where the vocabulary is not known.
    """
    if placed.decoder.vocabulary is None:
        return {}
    each, tokens = math.log2(placed.decoder.vocabulary), f"{placed.context:,} tokens"
    bits = each * placed.context
    return {
        "R2": ModelAnswer(
            f"public weights: {bits:,.0f} bits are enough for all layers, the ids of {tokens} at {each:.2f} bits each "
            f"(vocabulary {placed.decoder.vocabulary:,}), paid for by computing the cache again; no floor is proved",
            {"bits": None, "enough_bits": bits},
        )
    }
