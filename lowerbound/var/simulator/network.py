"""A network with public weights: which models the simulator runs, and random weights for them.

Infinity is simulated without its text: without the text encoder, the cross-attention to the text in every block, and
the pooling that makes the condition. A condition is a random vector instead, and guidance acts on the logits alone. Of
VAR only the official decoder is left out, which turns f_hat into pixels and reads no cache.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.models import Model, models
from lowerbound.core.pyramid.ranks import N_TICKS
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.threads import one_thread
from lowerbound.errors import InvalidArgument, invalid, unknown
from lowerbound.var.simulator.block import Block, Linear, Modulation, modulated, silu
from lowerbound.var.simulator.pictures import Convolutions
from lowerbound.var.simulator.rotary import rotation
from lowerbound.var.simulator.tokens import BitTokens, Ids, ImageTokens, VectorTokens

Array = NDArray[Any]
Precision = Literal["float32", "float64"]

FAMILIES = ("VAR", "Infinity")
N_CONDITIONS = 1000
"""The number of random vectors that stand for texts of Infinity."""
VAR_CHANNELS = 32
"""Channels of VAR's codebook, of which the small models are."""


def small_model(
    name: str,
    sides: Sequence[int],
    *,
    heads: int,
    d: int,
    codebook_size: int,
    layers: int = 3,
    channels: int = VAR_CHANNELS,
    phi_kernels: int = N_TICKS,
    phi_ratio: Fraction = Fraction(1, 2),
    shared_modulation: bool = False,
    n_classes: int = 1000,
    status: str = "made up, for tests and for play",
    source: str = "lowerbound/var/simulator/network.py",
) -> Model:
    """A model of the VAR family with square maps and a geometry of one's own.

    Contract: the model can be simulated, with random weights or with those of a file. Counts below 1 (kernels: below
    0), a codebook of one code, or a ratio outside [0, 1] raise InvalidArgument.
    """
    counts = {"heads": heads, "d": d, "layers": layers, "channels": channels, "n_classes": n_classes}
    for label, count in counts.items():
        if count < 1:
            raise invalid(label, "be an integer >= 1", count, nearest=1)
    if codebook_size < 2:
        raise invalid("codebook_size", "be an integer >= 2", codebook_size, nearest=2)
    if phi_kernels < 0:
        raise invalid("phi_kernels", "be an integer >= 0", phi_kernels, nearest=0)
    if not 0 <= phi_ratio <= 1:
        raise invalid("phi_ratio", "lie in [0, 1]", str(phi_ratio), nearest=0 if phi_ratio < 0 else 1)
    return Model(
        name=name,
        family="VAR",
        variant=name,
        status=status,
        schedule=ScaleSchedule.square(tuple(sides)),
        visible_scales=None,
        n_layers=layers,
        width=heads * d,
        n_heads=heads,
        n_kv_heads=heads,
        head_dim=d,
        cfg_branches=2,
        rule="l2norm",
        normalisation="l2norm(q)*exp(min(s,ln100)), l2norm(k)",
        codebook_size=codebook_size,
        code_channels=channels,
        phi_kernels=phi_kernels,
        phi_ratio=phi_ratio,
        shared_modulation=shared_modulation,
        n_classes=n_classes,
        pair_bytes_as_coded=6,
        position="abs learned + level emb",
        mask="none at inference (KV cache)",
        source=source,
        note="",
    )


TINY = small_model("tiny", (1, 2, 3, 4, 6), heads=4, d=32, codebook_size=256)
SMALL = (
    TINY,
    replace(
        TINY,
        name="tiny-infinity",
        family="Infinity",
        variant="tiny-infinity",
        schedule=ScaleSchedule.square((1, 2, 4, 6)),
        codebook_size=2**8,
        code_channels=8,
        phi_kernels=0,
        phi_ratio=None,
        shared_modulation=True,
        n_classes=None,
        position="2D RoPE",
    ),
)
"""Made-up models of both families, each of which runs in a second."""


def model_called(name: str) -> Model:
    """The model of that name, one of SMALL or of the catalogue; UnknownName, with the nearest names, for any other."""
    known = {model.name: model for model in (*SMALL, *models())}
    if name not in known:
        raise unknown("model", name, known)
    return known[name]


def simulated(name: str) -> Model:
    """The model of that name, one of SMALL or of the catalogue.

    Contract: the forward pass of the returned model is implemented here. Other catalogued models raise InvalidArgument
    with the reason, and unknown names raise UnknownName.
    """
    model = model_called(name)
    if model.family not in FAMILIES:
        raise InvalidArgument(
            f"model must be of the VAR or Infinity family to be simulated, got {name} of {model.family}; "
            "the nearest valid choice is var-d16"
        )
    if model.codebook_size is None or model.code_channels is None:
        raise InvalidArgument(f"model must have a known codebook to be simulated, got {name}, which does not say")
    return model


@dataclass(frozen=True)
class Origin:
    """Where weights come from: their name, and "sha256:..." of their file or the seed that they were drawn from."""

    name: str
    digest: str

    @property
    def is_file(self) -> bool:
        """Whether the weights were read from a file."""
        return self.digest.startswith(FILE_DIGEST)


FILE_DIGEST = "sha256:"


@dataclass(frozen=True, eq=False)
class Network:
    """Everything public about a network.

    Parameters
    ----------
    origin : Origin
        Where the weights come from.
    conditions : array, shape (conditions + 1, width)
        A class's or a text's vector; the last one stands for no condition.
    start : array, shape (tokens of the first scale, width)
    levels : array, shape (scales, width)
    positions : array, shape (tokens, width), or None where positions enter by rotation
    word : Linear
        From contents to inputs.
    shared : Linear or None
        From the condition to six rows that all blocks share.
    before_head, head : Linear
        From the condition to the scale and shift of the last norm; from there to logits.
    encoder, decoder : Convolutions or None
        From pictures to what is quantized, and from f_hat to pictures.
    """

    model: Model
    origin: Origin
    tokens: ImageTokens
    conditions: Array
    start: Array
    levels: Array
    positions: Array | None
    word: Linear
    shared: Linear | None
    blocks: tuple[Block, ...]
    before_head: Linear
    head: Linear
    encoder: Convolutions | None = None
    decoder: Convolutions | None = None

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of every weight and every activation."""
        kind: np.dtype[Any] = self.word.weight.dtype
        return kind

    @property
    def schedule(self) -> ScaleSchedule:
        """The maps that are generated."""
        return self.model.schedule

    def branches(self, condition: int) -> Array:
        """The vectors of a condition and of no condition, (2, width): the two branches of guidance."""
        if not 0 <= condition < len(self.conditions) - 1:
            raise invalid("condition", f"lie in [0, {len(self.conditions) - 2}]", condition)
        return self.conditions[[condition, -1]]

    def modulations(self, branches: Array) -> list[Modulation]:
        """Gains, scales and shifts of every block."""
        return [block.modulated_by(branches, self.shared) for block in self.blocks]

    def inputs(self, scale: int, branches: Array, f_hat: Array | None) -> Array:
        """x of one scale, (branches, n, width): the first from the condition, later ones from f_hat alone."""
        if scale == 0:
            content = branches[:, None] + self.start
        else:
            assert f_hat is not None
            one = self.word(self.tokens.reduced(f_hat, scale))
            content = np.broadcast_to(one, (len(branches), *one.shape))
        place = self.levels[scale]
        if self.positions is not None:
            place = place + self.positions[self.schedule.rows_of(scale)]
        x: Array = content + place
        return x

    @cached_property
    def _rotation(self) -> tuple[Array, Array] | None:
        if self.positions is not None:
            return None
        cosines, sines = rotation(self.schedule, self.model.head_dim)
        return cosines.astype(self.dtype), sines.astype(self.dtype)

    def rotate(self, rows: slice) -> Callable[[Array], Array] | None:
        """How queries and keys of some tokens are rotated, or None where positions are added to inputs."""
        if self._rotation is None:
            return None
        cosines, sines = (table[rows] for table in self._rotation)

        def apply(heads: Array) -> Array:
            even, odd = heads[..., 0::2], heads[..., 1::2]
            turned = np.stack([cosines * even - sines * odd, sines * even + cosines * odd], axis=-1)
            return turned.reshape(heads.shape)

        return apply

    def logits(self, x: Array, branches: Array) -> Array:
        """Logits of the last block's output, (branches, n, decisions, alternatives)."""
        rows = self.before_head(silu(branches)).reshape(len(branches), 2, 1, -1)
        out = self.head(modulated(x, rows[:, 0], rows[:, 1]).reshape(-1, x.shape[-1]))
        return out.reshape(*x.shape[:2], *self.tokens.n_choices)

    def encode(self, picture: Array) -> tuple[Ids, ...]:
        """The ids of a picture (channels, h, w) with values in [0, 1]: one array (tokens, decisions) per scale.

        Contract: raises InvalidArgument if the network has no encoder, or the picture another shape or other values.
        """
        if self.encoder is None:
            raise InvalidArgument(f"network must have an encoder to take pictures, got {self.origin.name} without one")
        height, width = self.schedule.shapes[-1][-2:]
        shape = self.encoder.input_channels, height * self.encoder.shrinks, width * self.encoder.shrinks
        if picture.shape != shape:
            raise invalid("picture", f"have the shape {shape}", picture.shape)
        if not (picture.min() >= 0 and picture.max() <= 1):
            raise invalid("picture", "have values in [0, 1]", (float(picture.min()), float(picture.max())))
        ids, _ = self.tokens.quantised(self.encoder(2 * picture.astype(self.dtype) - 1))
        return ids

    def decode(self, f_hat: Array) -> Array:
        """The picture of an f_hat, (channels, h, w), clipped to [0, 1].

        Contract: raises InvalidArgument if the network has no decoder, or f_hat another shape.
        """
        if self.decoder is None:
            raise InvalidArgument(f"network must have a decoder to draw pictures, got {self.origin.name} without one")
        shape = self.tokens.empty().shape
        if f_hat.shape != shape:
            raise invalid("f_hat", f"have the shape {shape}", f_hat.shape)
        picture: Array = np.clip((self.decoder(f_hat.astype(self.dtype)) + 1) / 2, 0, 1)
        return picture


LOGIT_SPREAD = 2.0
"""About the standard deviation of a normed row's logits: some ids are much likelier than most. Guidance adds to it."""
LEAST_MULTIPLIER, LARGEST_MULTIPLIER = 4.0, 200.0
"""The range of multipliers before the cap of 100, so that the cap acts on some heads; 4 is where training starts."""
SMALL_BIAS = 0.1


def random_network(model: Model, *, seed: int = 0, precision: Precision = "float32") -> Network:
    """Public weights drawn from a seed.

    They are scaled so that every sub-layer acts on its output as much as in a trained network: none vanishes, and none
    grows without limit. Matrices are normal of variance 1 / inputs; those that end a residual branch are divided by
    sqrt(2 layers), and the head's is multiplied by LOGIT_SPREAD. Conditions, start, levels and positions are normal of
    variance 1/3 each, contents of variance about 1. Gains are around 1, scales and shifts around 0, with deviation 1/2.
    Multipliers are log-uniform between 4 and 200, capped at 100. Biases are normal of deviation 0.1. Codes are normal
    of variance 1, and phi's kernels of variance 1/(9 channels). (The official initialization has gains of 1e-5, with
    which a network hardly acts.)

    Contract: equal arguments give equal weights on one version of NumPy. Weights that this machine's memory cannot hold
    raise InvalidArgument.
    """
    if precision not in get_args(Precision):
        raise invalid("precision", "be float32 or float64", precision)
    width, kind = model.width, np.dtype(precision)
    check_memory(model, n_weights(model), kind)

    def normal(purpose: str, *shape: int, deviation: float = 1.0) -> Array:
        drawn: Array = Coins(seed, f"var/weights/{purpose}").generator().standard_normal(shape, dtype=precision)
        drawn *= deviation
        return drawn

    def linear(purpose: str, outputs: int, inputs: int, gain: float = 1.0) -> Linear:
        weight = normal(f"{purpose}/weight", outputs, inputs, deviation=gain * inputs**-0.5)
        return Linear(weight, normal(f"{purpose}/bias", outputs, deviation=SMALL_BIAS))

    def six(purpose: str) -> Linear:
        return _around(linear(purpose, 6 * width, width, gain=0.5 / silu_deviation), np.repeat([1.0, 0.0], [2, 4]))

    def block(number: int) -> Block:
        own, ending = f"block {number}", (2 * model.n_layers) ** -0.5
        logs = Coins(seed, f"var/weights/{own}/multipliers").generator().random(model.n_heads)
        low, high = np.log(LEAST_MULTIPLIER), np.log(LARGEST_MULTIPLIER)
        return Block(
            qkv=normal(f"{own}/qkv", 3 * width, width, deviation=width**-0.5),
            query_bias=normal(f"{own}/query bias", width, deviation=SMALL_BIAS),
            value_bias=normal(f"{own}/value bias", width, deviation=SMALL_BIAS),
            log_multipliers=(low + (high - low) * logs).astype(kind),
            projection=linear(f"{own}/projection", width, width, gain=ending),
            widen=linear(f"{own}/widen", ffn_width(model), width),
            narrow=linear(f"{own}/narrow", width, ffn_width(model), gain=ending),
            modulation=normal(f"{own}/offsets", 6, width, deviation=0.25) if shared else six(f"{own}/modulation"),
        )

    shared, third = bool(model.shared_modulation), 3**-0.5
    silu_deviation = 0.5 * third
    return Network(
        model=model,
        origin=Origin("random", f"random weights, seed {seed}"),
        tokens=_tokens(model, normal, kind),
        conditions=normal("conditions", (model.n_classes or N_CONDITIONS) + 1, width, deviation=third),
        start=normal("start", model.schedule.tokens_at(0), width, deviation=third),
        levels=normal("levels", model.schedule.n_scales, width, deviation=third),
        positions=normal("positions", model.n_tokens, width, deviation=third) if model.family == "VAR" else None,
        word=linear("word", width, _content_dim(model)),
        shared=six("shared modulation") if shared else None,
        blocks=tuple(block(number) for number in range(model.n_layers)),
        before_head=linear("before head", 2 * width, width, gain=0.5 / silu_deviation),
        head=linear("head", _n_logits(model), width, gain=LOGIT_SPREAD),
    )


def n_weights(model: Model) -> int:
    """The number of weights in the matrices of all blocks, which are nearly all weights of the network."""
    own = 0 if model.shared_modulation else 6 * model.width
    return model.n_layers * model.width * (4 * model.width + 2 * ffn_width(model) + own)


SMALL_NETWORK = 2**22
"""In a network of fewer weights than this, a matrix product is over before a second thread has woken up."""


def threads_for(model: Model) -> AbstractContextManager[object]:
    """A context that limits BLAS to one thread for a small network, and leaves it all threads for a large one."""
    return nullcontext() if n_weights(model) >= SMALL_NETWORK else one_thread()


def check_memory(model: Model, count: int, kind: np.dtype[Any]) -> None:
    """Raise InvalidArgument if this machine's memory cannot hold so many weights of a type."""
    needed, there = count * kind.itemsize, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise InvalidArgument(
            f"model must have weights that fit in {there / 1e9:.1f} GB of memory, got {needed / 1e9:.1f} GB of "
            f"{model.name} in {kind}"
        )


def _around(linear: Linear, centres: Array) -> Linear:
    """The same map, with the biases of its outputs shifted: each of `len(centres)` equal parts by its own center."""
    rows = np.repeat(centres, len(linear.bias) // len(centres)).astype(linear.bias.dtype)
    return Linear(linear.weight, linear.bias + rows)


def ffn_width(model: Model) -> int:
    """The hidden width of the feed-forward net: four times the width, which Infinity rounds to a multiple of 256."""
    return round(4 * model.width / 256) * 256 if model.family == "Infinity" else 4 * model.width


def _n_bits(model: Model) -> int:
    assert model.codebook_size is not None
    return model.codebook_size.bit_length() - 1


def _content_dim(model: Model) -> int:
    assert model.code_channels is not None
    return model.code_channels if model.family == "VAR" else _n_bits(model)


def _n_logits(model: Model) -> int:
    assert model.codebook_size is not None
    return model.codebook_size if model.family == "VAR" else 2 * _n_bits(model)


def _tokens(model: Model, normal: Callable[..., Array], kind: np.dtype[Any]) -> ImageTokens:
    channels = model.code_channels
    assert channels is not None
    if model.family == "Infinity":
        bits = _n_bits(model)
        return BitTokens(model.schedule, n_bits=bits, patch=math.isqrt(bits // channels), dtype=kind)
    assert model.phi_kernels is not None
    square = channels, channels, 3, 3
    return VectorTokens(
        model.schedule,
        codebook=normal("codebook", _n_logits(model), channels),
        kernels=normal("phi/kernels", model.phi_kernels, *square, deviation=(9 * channels) ** -0.5),
        biases=normal("phi/biases", model.phi_kernels, channels, deviation=SMALL_BIAS),
        ratio=float(model.phi_ratio or 0),
    )
