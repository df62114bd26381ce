"""Bob's side of Theorem R2: ids from outputs of the last scale, decoded scale by scale, and the worst known noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound.certify.replay.amplification import floats_of, kept_columns, left_inverse, passed
from lowerbound.certify.replay.floor import id_bits_of, plan_replay
from lowerbound.core.coins import Coins
from lowerbound.core.models import Model
from lowerbound.core.pyramid.resampling import VAR, FloatArray
from lowerbound.errors import invalid
from lowerbound.var.replay.codebooks import codebook as make_codebook
from lowerbound.var.replay.public_layer import SWAMP, NumberFormat, PublicLayer, public_layer

Ids = NDArray[np.int64]
Noise = Literal["none", "random", "aligned"]


@dataclass(frozen=True, eq=False)
class Decoder:
    """Bob, who knows the public layer, and neither ids nor f_hat.

    Contract: for the sign codebook, `decode` returns the right ids whenever every output is within eta times the range
    of values and eta is under the plan's threshold, up to the bend of the layer norm and rounding in float64. For other
    codebooks the threshold is multiplied by gap / 2.
    """

    layer: PublicLayer

    @cached_property
    def _inverses(self) -> list[tuple[FloatArray, FloatArray]]:
        """The left inverse of each scale and axis, with columns only for the rows that are read."""
        plan, found = self.layer.plan, []
        shapes = plan.schedule.shapes
        for k, scale in enumerate(plan.scales):
            assert scale.inverses is not None
            axes = []
            for axis in (0, 1):
                one = scale.inverses[axis]
                whole = passed(plan.resampling, shapes[k][axis], shapes[k + 1][axis], shapes[-1][axis])
                inverse = floats_of(left_inverse(kept_columns(whole, scale.kept[axis]), one.supports))
                axes.append(inverse[:, list(one.rows)])
            found.append((axes[0], axes[1]))
        return found

    def _split(self, outputs: FloatArray) -> list[FloatArray]:
        """Outputs by scale, (rows, columns, channels)."""
        plan = self.layer.plan
        parts = np.split(outputs, np.cumsum([scale.n_rows for scale in plan.scales])[:-1])
        return [
            part.reshape(inverses[0].shape[1], inverses[1].shape[1], -1)
            for part, inverses in zip(parts, self._inverses, strict=True)
        ]

    def contents(self, scale: int, values: FloatArray) -> FloatArray:
        """The contents of rows of `scale + 1`: values are clipped to their box, and the layer norm is undone."""
        box = np.sqrt(self.layer.n_channels) * self.layer.swamp
        w = np.clip(values / box, -1 / box, 1 / box)
        size = box * self.layer.contents[scale]
        found: FloatArray = size * w / np.sqrt(1 - (w**2).sum(axis=-1, keepdims=True))
        return found

    def decode(self, outputs: FloatArray) -> list[Ids]:
        """The ids of all scales but the last two, from outputs (rows read, channels)."""
        tokens, plan, found = self.layer.network.tokens, self.layer.plan, []
        f_hat = tokens.empty()
        for k, values in enumerate(self._split(outputs)):
            inverse = plan.scales[k].inverses
            assert inverse is not None
            after = plan.schedule.shapes[k + 1]
            known = tokens.reduced(f_hat, k + 1).reshape(*after, -1)[np.ix_(inverse[0].rows, inverse[1].rows)]
            rest = self.contents(k, values) - known
            codes = np.einsum("pi,ijc,qj->pqc", self._inverses[k][0], rest, self._inverses[k][1])
            found.append(self.layer.codebook.nearest(codes.reshape(-1, codes.shape[-1]))[:, None])
            f_hat = f_hat + tokens.contribution(found[-1], k)
        return found

    def aligned(self, ids: Sequence[Ids]) -> FloatArray:
        """Signs of a noise that pushes one id of every scale, the one that amplifies noise most, toward another code.

        Shape (rows read, channels); entries that do not push that id are zero.
        """
        codebook, pushed = self.layer.codebook, []
        for k, (down, across) in enumerate(self._inverses):
            p, q = (int(np.abs(inverse).sum(axis=1).argmax()) for inverse in (down, across))
            one = int(ids[k][p * len(across) + q, 0])
            direction = np.sign(codebook.neighbour(one) - codebook.codes[one])
            pushed.append(np.outer(np.sign(down[p]), np.sign(across[q])).ravel()[:, None] * direction)
        return np.concatenate(pushed)


@dataclass(frozen=True)
class Round:
    """The result of all trials with one noise: `wrong` has the number of wrong ids of each scale over all trials.

    `n_ids` is the number of ids decoded in all trials together.
    """

    eta: float
    noise: Noise
    trials: int
    wrong: tuple[int, ...]
    n_ids: int
    leak: float
    value_range: float

    @property
    def error(self) -> float:
        """The fraction of ids that were wrong."""
        return sum(self.wrong) / self.n_ids

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "eta": self.eta,
            "noise": self.noise,
            "trials": self.trials,
            "n_ids": self.n_ids,
            "wrong_by_scale": list(self.wrong),
            "error": self.error,
            "leak": self.leak,
            "value_range": self.value_range,
        }


def play(
    layer: PublicLayer,
    etas: Sequence[float],
    noise: Noise,
    *,
    trials: int = 1,
    seed: int = 0,
    rounding: NumberFormat = "float64",
) -> list[Round]:
    """Play: draw ids, compute the last scale's outputs, move entries by eta times the range of values, and decode.

    Contract: equal arguments give equal rounds.
    """
    decoder = Decoder(layer)
    n_scales = len(layer.plan.scales)
    wrong = np.zeros((len(etas), n_scales), dtype=np.int64)
    leak = value_range = 0.0
    for trial in range(trials):
        ids = layer.draw_ids(seed + trial)
        seen = layer.seen(ids, rounding=rounding)
        leak, value_range = max(leak, seen.leak), max(value_range, seen.value_range)
        pushes = _signs(decoder, ids, noise, seen.outputs.shape, seed + trial)
        for row, eta in enumerate(etas):
            found = decoder.decode(seen.outputs + eta * seen.value_range * pushes)
            wrong[row] += [int((found[k] != ids[k]).sum()) for k in range(n_scales)]
    n_ids = trials * layer.plan.n_ids
    return [
        Round(eta, noise, trials, tuple(int(x) for x in wrong[row]), n_ids, leak, value_range)
        for row, eta in enumerate(etas)
    ]


def _signs(decoder: Decoder, ids: Sequence[Ids], noise: Noise, shape: tuple[int, ...], seed: int) -> FloatArray:
    if noise == "aligned":
        return decoder.aligned(ids)
    if noise == "random":
        n_rows, n_channels = shape
        coins = Coins(seed, "var/replay/noise").bits(n_rows * n_channels).reshape(shape)
        random: FloatArray = 2 * coins.astype(np.float64) - 1
        return random
    return np.zeros(shape)


SWAMP_OF_ROUNDED = 4.0
"""The swamp for rounded layers. With few bits a content must not drown in the public part; the price of this smaller
swamp is a stronger bend of the layer norm, which lowers the promised error."""
LARGEST_SWAMP = 1e6
"""Beyond this float64 loses so many digits of a content in the public parts that rounding decides what Bob reads."""


def demonstrate(
    model: Model,
    *,
    etas: Sequence[float] | None,
    around: Sequence[float],
    codebook: str,
    noise: Noise,
    rounding: NumberFormat,
    swamp: float | None,
    trials: int,
    seed: int,
) -> dict[str, Any]:
    """Build the public layer of a model, play, and compare with what was promised; plain JSON values.

    `promised_below` is the error below which Bob is promised to read all ids: gap / 2 times the threshold times the
    bend (1 - B^-2)^(3/2). Without `etas` the noise is that promise times each of `around`. `refuted` says that Bob
    erred below it in float64; other roundings get no promise.
    """
    if model.family != "VAR":
        raise invalid("MODEL", "belong to the family VAR for Bob to read it", model.name, nearest="var-d16")
    if etas is not None and min(etas, default=0) < 0:
        raise invalid("eta", "be at least 0", min(etas))
    plan = plan_replay(model.schedule, VAR)
    book = make_codebook(codebook, id_bits_of(model), seed=seed)
    strength = swamp if swamp is not None else SWAMP if rounding == "float64" else SWAMP_OF_ROUNDED
    if not 1 < strength <= LARGEST_SWAMP:
        nearest = f"{LARGEST_SWAMP:g}" if strength > 1 else None
        raise invalid("swamp", f"be over 1 and at most {LARGEST_SWAMP:g}", strength, nearest=nearest)
    layer = public_layer(model, plan, book, swamp=strength, seed=seed)
    promised = book.gap / 2 * float(plan.threshold) * (1 - strength**-2) ** 1.5
    sizes = [promised * factor for factor in around] if etas is None else list(etas)
    if noise == "none":
        sizes = [0.0]
    rounds = play(layer, sizes, noise, trials=trials, seed=seed, rounding=rounding)
    exact = rounding == "float64"
    return {
        "model": model.name,
        "computation_model": "R2",
        "codebook": book.name,
        "codes": book.size,
        "gap": book.gap,
        "noise": noise,
        "rounding": rounding,
        "swamp": strength,
        "trials": trials,
        "seed": seed,
        "ids": plan.n_ids,
        "rows_read": plan.n_rows,
        "threshold": float(plan.threshold),
        "promised_below": promised,
        "leak": rounds[0].leak,
        "value_range": rounds[0].value_range,
        "rounds": [{**one.to_json(), "promised": one.eta < promised and exact} for one in rounds],
        "refuted": any(one.eta < promised and exact and sum(one.wrong) for one in rounds),
    }
