"""The games of models R2 and R3 for one model: bits that are needed, bits that are enough, and when both are equal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

from lowerbound.certify.replay.fibres import certify_fibre, fibre_codebook
from lowerbound.certify.replay.floor import (
    CertifiedReplay,
    ReplayPlan,
    certify_replay,
    id_bits_of,
    plan_replay,
    resampling_of,
    surviving,
)
from lowerbound.certify.theorems import REPLAY
from lowerbound.core.models import Model
from lowerbound.core.scalars import Rational, rational
from lowerbound.errors import ImpossibleReduction, Undecided, invalid

Game = Literal["state", "cache"]
GAMES: dict[Game, str] = {
    "state": "everything that the sampler keeps: the compressed cache and f_hat, or whatever replaces them",
    "cache": "what the compressor of keys and values keeps; it answers from its bits and the query, without f_hat",
}
"""By game: what the message holds."""
UNTREATED = "no floor: theorem R2 treats the family VAR, and Infinity with 32 bits an id"
MOST_IDS_AT_ONCE = 300
"""The number of ids up to which the lattice is found in about a second, so that `floor` may wait for it."""


@dataclass(frozen=True)
class Replay:
    """The bits that are needed at an error, and the bits that are enough.

    Contract: `certified` is verified by the kernel; `threshold` is eta_0 of all ids, exactly, for these heads and rows.
    With no ids frozen and delta = 0, `certified.bits` equals `ceiling_bits`: the need is exactly that.
    """

    model: Model
    delta: Fraction
    plan: ReplayPlan
    threshold: Fraction
    certified: CertifiedReplay

    @property
    def ceiling_bits(self) -> int:
        """Bits of all ids of r_1..r_(N-2): keep them, and run the network again."""
        return self.model.n_replay_tokens * id_bits_of(self.model)

    @property
    def is_exact(self) -> bool:
        """Whether the ceiling equals the floor."""
        return self.certified.bits == self.ceiling_bits

    def to_json(self, game: Game) -> dict[str, Any]:
        """Plain JSON values."""
        shapes = self.plan.schedule.shapes
        return {
            "game": game,
            "message": GAMES[game],
            "computation_model": "R2",
            "model": self.model.name,
            "eta": float(self.certified.eta),
            "delta": float(self.delta),
            "bits": self.certified.bits,
            "ceiling_bits": self.ceiling_bits,
            "exact": self.is_exact,
            "threshold": float(self.threshold),
            "threshold_exact": str(self.threshold),
            "id_bits": id_bits_of(self.model),
            "ids": self.plan.n_ids,
            "rows_read": self.plan.n_rows,
            "heads": self.plan.n_heads,
            "scales": [
                {
                    "scale": k + 1,
                    "map": list(shapes[k]),
                    "read_from": list(shapes[k + 1]),
                    "ids": scale.n_ids,
                    "rows_read": scale.n_rows,
                    "kappa": None if scale.kappa is None else float(scale.kappa),
                    "kappa_is_least": None if scale.inverses is None else all(one.is_least for one in scale.inverses),
                    "largest_content": float(content),
                    "threshold": None if eta is None else float(eta),
                }
                for k, (scale, content, eta) in enumerate(
                    zip(self.plan.scales, self.plan.largest_contents, self.plan.thresholds, strict=True)
                )
            ],
            "positions": "a table" if self.model.family == "VAR" else "a table; released models rotate keys instead",
            "proof": f"certificate verified by the kernel; theorem {REPLAY.name} {REPLAY.proof(self.delta)} "
            "(docs/replay.md)",
            "fp16_cache_bits": 8 * self.model.cache_bytes,
        }


def replay(
    model: Model,
    *,
    eta: Rational | None = None,
    delta: Rational = 0,
    n_heads: int | None = None,
    few_rows: bool = False,
) -> Replay:
    """The bits needed at an error: those of all ids below the threshold, and above it those of ids still determined.

    Without `eta` the error is just below the threshold. Families that theorem R2 does not treat raise InvalidArgument;
    otherwise the errors are those of `plan_replay` and `certify_replay`.
    """
    resampling = resampling_of(model)
    if resampling is None:
        raise invalid(
            "MODEL", "belong to the family VAR, or to Infinity with 32 bits an id", model.name, nearest="var-d16"
        )
    if n_heads is not None and not 1 <= n_heads <= model.n_heads:
        nearest = min(max(n_heads, 1), model.n_heads)
        raise invalid("heads", f"lie in [1, {model.n_heads}] for {model.name}", n_heads, nearest=nearest)
    plan = plan_replay(model.schedule, resampling, n_heads=n_heads, few_rows=few_rows)
    threshold = plan.threshold
    if eta is not None:
        error = rational(eta, name="eta")
        if not 0 <= error < Fraction(1, 2):
            raise invalid("eta", "lie in [0, 1/2): at 1/2 of the range no sign is told", str(error))
        if error >= threshold:
            plan = surviving(model.schedule, resampling, error)
    return Replay(
        model, rational(delta, name="delta"), plan, threshold, certify_replay(model, plan, eta=eta, delta=delta)
    )


@dataclass(frozen=True)
class ModelAnswer:
    """What is known in one computation model: a sentence, and the numbers behind it as plain JSON values.

    Contract: `bits` among the numbers is what is needed, or None where nothing is claimed.
    """

    says: str
    numbers: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**self.numbers, "says": self.says}


def answer_of_r2(model: Model) -> ModelAnswer:
    """Model R2, public weights: the bits of the token ids of a whole image, where theorem R2 treats the family."""
    ceiling = model.replay_bits
    enough = "the codebook is not known" if ceiling is None else f"keeping the ids, {ceiling:,g} bits, is enough"
    if resampling_of(model) is None:
        return ModelAnswer(
            f"weights are public: {enough}; {UNTREATED}", {"bits": None, "ceiling_bits": ceiling, "threshold": None}
        )
    try:
        found = replay(model)
    except (Undecided, ImpossibleReduction) as error:
        return ModelAnswer(
            f"weights are public: {enough}; no floor is claimed: {error}",
            {"bits": None, "ceiling_bits": ceiling, "threshold": None},
        )
    table = "" if model.family == "VAR" else ", for a table of positions in place of rotation"
    below = f"1/{math.ceil(10 / found.threshold) / 10:,.1f}"
    return ModelAnswer(
        f"weights are public: exactly {found.certified.bits:,} bits for the whole image at every eta < {below} "
        f"of the range, delta = 0{table}; nothing is claimed above",
        {
            "bits": found.certified.bits,
            "ceiling_bits": found.ceiling_bits,
            "threshold": float(found.threshold),
        },
    )


def answer_of_r3(model: Model) -> ModelAnswer:
    """Model R3, public weights and f_hat known too: the bits of the token ids that share one f_hat."""
    open_answer: dict[str, Any] = {"bits": None, "log2_fibre": None}
    n_ids = model.n_replay_tokens
    if resampling_of(model) is None:
        return ModelAnswer("f_hat is known too: open", open_answer)
    if n_ids > MOST_IDS_AT_ONCE:
        hint = f"open here; `lowerbound var f-hat {model.name}` looks for it"
        return ModelAnswer(f"f_hat is known too: {hint}", open_answer)
    try:
        found = certify_fibre(model, "generic")
    except (Undecided, ImpossibleReduction):
        return ModelAnswer("f_hat is known too: open, its unseen maps may be short", open_answer)
    return ModelAnswer(
        f"f_hat is known too: exactly log2 {found.fibre:,} = {found.log2_fibre:.1f}, so {found.bits} bits, for "
        "almost every codebook",
        {"bits": found.bits, "log2_fibre": found.log2_fibre},
    )


def fibre_answer(model: Model, kind: str) -> dict[str, Any]:
    """The game of model R3, as plain JSON values; if it is open, `bits` is None and `reason` says why.

    Errors are those of `fibre_codebook` and `certify_fibre`, except that Undecided becomes an answer.
    """
    if resampling_of(model) is None:
        raise invalid(
            "MODEL", "belong to the family VAR, or to Infinity with 32 bits an id", model.name, nearest="var-d16"
        )
    codebook = fibre_codebook(kind, id_bits_of(model))
    told: dict[str, Any] = {
        "game": "f-hat",
        "message": "whatever is kept; f_hat and r_(N-1) are known for free",
        "computation_model": "R3",
        "model": model.name,
        "ids": model.n_replay_tokens,
        "codebook": codebook.to_json(),
        "ceiling_bits": model.n_replay_tokens * id_bits_of(model),
    }
    least = codebook.fibre_of_constants(model.schedule.n_scales - 2)
    try:
        found = certify_fibre(model, kind)
    except Undecided as reason:
        at_least = {"at_least_bits": (least - 1).bit_length()}
        return {
            **told,
            "bits": None,
            "log2_fibre": None,
            "fibre": None,
            "rank": None,
            **at_least,
            "reason": str(reason),
        }
    return {
        **told,
        "bits": found.bits,
        "log2_fibre": found.log2_fibre,
        "fibre": str(found.fibre),
        "rank": found.rank,
        "at_least_bits": found.bits,
        "reason": found.reason,
    }
