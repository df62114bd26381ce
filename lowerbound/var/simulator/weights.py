"""Networks whose weights lie in a safetensors file, under the names that the official VAR code gives them.

The file's metadata say which network it is: `geometry`, a JSON object with the keys of GEOMETRY, or `model`, the name
of a VAR of the catalog. Tensors have the names and shapes of the official state dictionaries, of the transformer and of
the tokenizer's `quantize`, side by side; docs/weights.md lists them. Pictures need two stacks of convolutions that are
this project's own, `picture.encode.N` and `picture.decode.N`; the official encoder and decoder are skipped.
"""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.models import Model
from lowerbound.core.scalars import counted
from lowerbound.core.tensors import STORED, TensorFile, open_tensors
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid
from lowerbound.var.simulator.block import Block, Linear
from lowerbound.var.simulator.network import (
    FILE_DIGEST,
    Network,
    Origin,
    Precision,
    check_memory,
    ffn_width,
    model_called,
    random_network,
    simulated,
    small_model,
)
from lowerbound.var.simulator.pictures import Convolution, Convolutions
from lowerbound.var.simulator.tokens import VectorTokens

Array = NDArray[Any]
Shape = tuple[int, ...]

DIGITS, DIGITS_PACKAGE = "digits", "lowerbound_digits"
"""The trained network that comes with this package, and the package of its weights, a wheel of its own."""
SUFFIX = ".safetensors"
WHAT = "weights"

MOST_SIDES, MOST_SIDE, MOST_COUNT, MOST_LAYERS = 64, 256, 2**17, 256
MOST_CHARACTERS = 10_000
"""Characters of one entry of the metadata."""

GEOMETRY = {
    "name": str,
    "sides": list,
    "layers": int,
    "heads": int,
    "head_dim": int,
    "codebook_size": int,
    "channels": int,
    "phi_kernels": int,
    "phi_ratio": str,
    "shared_modulation": bool,
    "classes": int,
    "encoder": list,
    "decoder": list,
}
"""The keys of a geometry. Sides are those of the square maps; the ratio of phi is a fraction, such as "1/2". Encoder
and decoder are lists of convolutions, [inputs, outputs, factor] each: the factor by which a convolution of the encoder
reduces a map, and by which one of the decoder repeats its cells first. Lists are empty where a network has none."""

SKIPPED = ("lvl_1L", "attn_bias_for_masking", "quantize.ema_vocab_hit_SV")
SKIPPED_PARTS = ("encoder.", "decoder.", "quant_conv.", "post_quant_conv.")
"""Tensors and parts of official files that are no weights of a network here: masks, counts, and the autoencoder."""


@dataclass(frozen=True)
class WeightLayout:
    """The network that a file says it holds, and the shapes of the convolutions of its pictures."""

    model: Model
    encoder: tuple[tuple[int, int, int], ...]
    decoder: tuple[tuple[int, int, int], ...]

    def shapes(self) -> dict[str, Shape]:
        """The name and shape of every tensor that the file must have."""
        model, width = self.model, self.model.width
        assert model.codebook_size is not None
        assert model.code_channels is not None
        assert model.n_classes is not None
        assert model.phi_kernels is not None
        channels = model.code_channels
        shapes: dict[str, Shape] = {
            "pos_start": (1, model.schedule.tokens_at(0), width),
            "pos_1LC": (1, model.n_tokens, width),
            "lvl_embed.weight": (model.schedule.n_scales, width),
            "class_emb.weight": (model.n_classes + 1, width),
            "quantize.embedding.weight": (model.codebook_size, channels),
            **_linear("word_embed", width, channels),
            **_linear("head_nm.ada_lin.1", 2 * width, width),
            **_linear("head", model.codebook_size, width),
        }
        if model.shared_modulation:
            shapes |= _linear("shared_ada_lin.1", 6 * width, width)
        for number in range(model.n_layers):
            shapes |= self._block(f"blocks.{number}")
        for number in range(model.phi_kernels):
            shapes |= _convolution(phi_name(model.phi_kernels, number), channels, channels)
        for name, layers in (("encode", self.encoder), ("decode", self.decoder)):
            for number, (inputs, outputs, _) in enumerate(layers):
                shapes |= _convolution(f"picture.{name}.{number}", inputs, outputs)
        return shapes

    def _block(self, block: str) -> dict[str, Shape]:
        width, hidden = self.model.width, ffn_width(self.model)
        modulation: dict[str, Shape] = (
            {f"{block}.ada_gss": (1, 1, 6, width)}
            if self.model.shared_modulation
            else _linear(f"{block}.ada_lin.1", 6 * width, width)
        )
        return {
            f"{block}.attn.mat_qkv.weight": (3 * width, width),
            f"{block}.attn.q_bias": (width,),
            f"{block}.attn.v_bias": (width,),
            f"{block}.attn.scale_mul_1H11": (1, self.model.n_heads, 1, 1),
            **_linear(f"{block}.attn.proj", width, width),
            **_linear(f"{block}.ffn.fc1", hidden, width),
            **_linear(f"{block}.ffn.fc2", width, hidden),
            **modulation,
        }


def phi_name(n_kernels: int, number: int) -> str:
    """The official name of one of so many convolutions of phi."""
    return "quantize.quant_resi.qresi" if n_kernels == 1 else f"quantize.quant_resi.qresi_ls.{number}"


def _linear(name: str, outputs: int, inputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}


def _convolution(name: str, inputs: int, outputs: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs, 3, 3), f"{name}.bias": (outputs,)}


@dataclass(frozen=True, eq=False)
class Source:
    """Where a network comes from: a file whose header was checked, or the seed of random weights."""

    model: Model
    file: TensorFile | None = None
    layout: WeightLayout | None = None

    @property
    def has_decoder(self) -> bool:
        """Whether its network draws pictures."""
        return self.layout is not None and bool(self.layout.decoder)

    @property
    def digest(self) -> str | None:
        """The digest of the file; None for random weights."""
        return None if self.file is None else f"{FILE_DIGEST}{self.file.digest}"

    def network(self, *, seed: int = 0, precision: Precision = "float32", n_layers: int | None = None) -> Network:
        """The network, of its first `n_layers` layers alone if they are given.

        Contract: the seed acts on random weights alone. Weights that are not finite raise InvalidArgument, which names
        the tensor.
        """
        if precision not in get_args(Precision):
            raise invalid("precision", "be float32 or float64", precision)
        model = self.model if n_layers is None else replace(self.model, n_layers=n_layers)
        if self.file is None or self.layout is None:
            return random_network(model, seed=seed, precision=precision)
        return _assembled(self.file, replace(self.layout, model=model), np.dtype(precision))


def load(path: str | Path, *, precision: Precision = "float32") -> Network:
    """The network of a file.

    Contract: the file's names, types and shapes are those of the geometry that it states, its numbers are finite, and
    every number is used, or InvalidArgument is raised, in one sentence that names the tensor. Nothing in the file is
    ever run.
    """
    return _source_of_file(Path(path)).network(precision=precision)


def source_of(name: str) -> Source:
    """The source of the network called `name`: a weights file, DIGITS, or random weights of a model.

    Contract: a name that ends in ".safetensors" is a file's. Unknown names raise UnknownName, models that are not
    simulated, and files that are no weights, InvalidArgument; no weight is read yet.
    """
    if name.endswith(SUFFIX):
        return _source_of_file(Path(name))
    if name == DIGITS:
        return _source_of_file(built_in())
    return Source(simulated(name))


def model_of(name: str) -> Model:
    """The model called `name`, whether it can be simulated or not: as in `source_of`, or of the catalog."""
    return source_of(name).model if name == DIGITS or name.endswith(SUFFIX) else model_called(name)


def built_in() -> Path:
    """The file of DIGITS: that of the installed package lowerbound_digits, or of the checkout that this module lies in.

    Contract: raises InvalidArgument where there is neither. Nothing of the package is run.
    """
    found = importlib.util.find_spec(DIGITS_PACKAGE)
    installed = [] if found is None else [Path(place) for place in found.submodule_search_locations or ()]
    for folder in (*installed, Path(__file__).parents[3] / DIGITS / DIGITS_PACKAGE):
        if (file := folder / f"{DIGITS}{SUFFIX}").is_file():
            return file
    raise InvalidArgument(
        f"model {DIGITS} must have its weights, which are the package lowerbound-digits: pip install ./digits in a "
        "checkout of lowerbound"
    )


def _source_of_file(path: Path) -> Source:
    file = open_tensors(path, WHAT)
    layout = _layout(file)
    _check_tensors(file, layout.shapes())
    return Source(layout.model, file, layout)


def _layout(file: TensorFile) -> WeightLayout:
    for key, text in file.metadata.items():
        if len(key) + len(text) > MOST_CHARACTERS:
            raise file.bad(f"have metadata of at most {MOST_CHARACTERS} characters", (key + text)[:40])
    stated = [key for key in ("geometry", "model") if key in file.metadata]
    if len(stated) != 1:
        raise file.bad("have either geometry or model in its metadata", stated)
    if stated == ["model"]:
        return WeightLayout(_catalogued(file, file.metadata["model"]), (), ())
    try:
        facts = json.loads(file.metadata["geometry"])
    except (ValueError, RecursionError):
        raise file.bad("have a geometry in JSON", file.metadata["geometry"][:40]) from None
    if not isinstance(facts, dict) or facts.keys() != GEOMETRY.keys():
        raise file.bad(f"have a geometry with the keys {', '.join(GEOMETRY)}", sorted(facts)[:20] if facts else facts)
    for key, kind in GEOMETRY.items():
        if type(facts[key]) is not kind:
            raise file.bad(f"have a geometry with {key} of type {kind.__name__}", facts[key])
    return _own_layout(file, facts)


def _catalogued(file: TensorFile, name: str) -> Model:
    """The VAR of the catalog that metadata name."""
    try:
        model = simulated(name)
    except InvalidArgument:
        raise file.bad("have a geometry in its metadata, or the name of a model of the VAR family", name) from None
    if model.family != "VAR":
        raise file.bad("be of the VAR family, whose names of tensors are known", name)
    return model


def _own_layout(file: TensorFile, facts: Mapping[str, Any]) -> WeightLayout:
    """The layout of a geometry whose keys and types are right."""
    name, sides = facts["name"], facts["sides"]
    if not (name.isprintable() and 0 < len(name) <= 60):
        raise file.bad("have a name of 1 to 60 printable characters", name)
    if not (1 < len(sides) <= MOST_SIDES and all(type(side) is int and 0 < side <= MOST_SIDE for side in sides)):
        raise file.bad(f"have 2 to {MOST_SIDES} sides of maps, integers in [1, {MOST_SIDE}]", sides)
    if max(sides) > sides[-1]:
        raise file.bad("have maps of which none is larger than the last", sides)
    for key in ("heads", "head_dim", "codebook_size", "channels", "phi_kernels", "classes"):
        if not 0 <= facts[key] <= MOST_COUNT:
            raise file.bad(f"have {key} in [0, {MOST_COUNT}]", facts[key])
    if not 1 <= facts["layers"] <= MOST_LAYERS:
        raise file.bad(f"have layers in [1, {MOST_LAYERS}]", facts["layers"])
    try:
        model = small_model(
            name,
            sides,
            heads=facts["heads"],
            d=facts["head_dim"],
            layers=facts["layers"],
            codebook_size=facts["codebook_size"],
            channels=facts["channels"],
            phi_kernels=facts["phi_kernels"],
            phi_ratio=_ratio(file, facts["phi_ratio"]),
            shared_modulation=facts["shared_modulation"],
            n_classes=facts["classes"],
            status="weights of a file",
            source=file.path.name,
        )
    except LowerBoundError as error:
        raise InvalidArgument(f"{WHAT} {file.path.name} must state a geometry that exists: {error}") from None
    encoder, decoder = (_stack(file, name, facts[name]) for name in ("encoder", "decoder"))
    for stack, end, which in ((encoder, -1, 1), (decoder, 0, 0)):
        if stack and stack[end][which] != model.code_channels:
            raise file.bad(f"have convolutions that meet the code's {model.code_channels} channels", stack[end])
    return WeightLayout(model, encoder, decoder)


def _ratio(file: TensorFile, text: str) -> Fraction:
    try:
        return Fraction(text[:20])
    except (ValueError, ZeroDivisionError):
        raise file.bad('have a phi_ratio that is a fraction, such as "1/2"', text[:20]) from None


def _stack(file: TensorFile, name: str, layers: Sequence[Any]) -> tuple[tuple[int, int, int], ...]:
    """The convolutions of an encoder or decoder, each of which takes what the one before gives."""
    found: list[tuple[int, int, int]] = []
    for layer in layers[: MOST_LAYERS + 1]:
        right = isinstance(layer, list) and len(layer) == 3 and all(type(n) is int and n > 0 for n in layer)
        if not right or max(layer) > MOST_COUNT or layer[2] > MOST_SIDE:
            raise file.bad(f"have convolutions [inputs, outputs, factor] in its {name}, integers >= 1", layer)
        inputs, outputs, factor = layer
        if found and found[-1][1] != inputs:
            raise file.bad(f"have convolutions in its {name} that take what the one before gives", layer)
        found.append((inputs, outputs, factor))
    if len(found) > MOST_LAYERS:
        raise file.bad(f"have at most {MOST_LAYERS} convolutions in its {name}", len(layers))
    return tuple(found)


def _check_tensors(file: TensorFile, wanted: Mapping[str, Shape]) -> None:
    """Raise InvalidArgument unless the file has these tensors, and no other ones but official ones that are skipped."""
    given = {name: stored for name, stored in file.shapes.items() if not _is_skipped(name)}
    zeros = {name.replace("q_bias", "zero_k_bias") for name in wanted if name.endswith(".attn.q_bias")}
    for name in wanted:
        if name not in given:
            raise file.bad(f"have the tensor {name}, as its geometry says", counted(len(given), "other"))
    for name, (kind, shape) in given.items():
        if name in zeros and kind in STORED:
            if file.numbers(name).any():
                raise file.bad(f"have zeros in {name}, for keys have no bias", "other numbers")
        elif name not in wanted:
            raise file.bad("have no tensor that its geometry does not have", name)
        elif kind not in STORED:
            raise file.bad(f"have {name} of type {', '.join(STORED)}", kind)
        elif shape != wanted[name]:
            raise file.bad(f"have {name} of shape {wanted[name]}", shape)


def _is_skipped(name: str) -> bool:
    return name in SKIPPED or name.startswith(SKIPPED_PARTS)


def _assembled(file: TensorFile, layout: WeightLayout, kind: np.dtype[Any]) -> Network:
    """The network of a file that has been checked."""
    model = layout.model
    check_memory(model, sum(map(math.prod, layout.shapes().values())), kind)

    def numbers(name: str) -> Array:
        return file.numbers(name, kind)

    def linear(name: str) -> Linear:
        return Linear(numbers(f"{name}.weight"), numbers(f"{name}.bias"))

    n_kernels, ratio = model.phi_kernels or 0, float(model.phi_ratio or 0)
    phis = [phi_name(n_kernels, number) for number in range(n_kernels)]
    codebook = numbers("quantize.embedding.weight")
    channels = codebook.shape[1]
    tokens = VectorTokens(
        model.schedule,
        codebook=codebook,
        kernels=np.array([numbers(f"{phi}.weight") for phi in phis], kind).reshape(-1, channels, channels, 3, 3),
        biases=np.array([numbers(f"{phi}.bias") for phi in phis], kind).reshape(-1, channels),
        ratio=ratio,
    )
    return Network(
        model=model,
        origin=Origin(model.name, f"{FILE_DIGEST}{file.digest}"),
        tokens=tokens,
        conditions=numbers("class_emb.weight"),
        start=numbers("pos_start")[0],
        levels=numbers("lvl_embed.weight"),
        positions=numbers("pos_1LC")[0],
        word=linear("word_embed"),
        shared=linear("shared_ada_lin.1") if model.shared_modulation else None,
        blocks=tuple(_block(f"blocks.{number}", model, numbers, linear) for number in range(model.n_layers)),
        before_head=linear("head_nm.ada_lin.1"),
        head=linear("head"),
        encoder=_convolutions("encode", layout.encoder, numbers),
        decoder=_convolutions("decode", layout.decoder, numbers),
    )


def _block(name: str, model: Model, numbers: Callable[[str], Array], linear: Callable[[str], Linear]) -> Block:
    return Block(
        qkv=numbers(f"{name}.attn.mat_qkv.weight"),
        query_bias=numbers(f"{name}.attn.q_bias"),
        value_bias=numbers(f"{name}.attn.v_bias"),
        log_multipliers=numbers(f"{name}.attn.scale_mul_1H11").reshape(-1),
        projection=linear(f"{name}.attn.proj"),
        widen=linear(f"{name}.ffn.fc1"),
        narrow=linear(f"{name}.ffn.fc2"),
        modulation=numbers(f"{name}.ada_gss")[0, 0] if model.shared_modulation else linear(f"{name}.ada_lin.1"),
    )


def _convolutions(
    name: str, layers: Sequence[tuple[int, int, int]], numbers: Callable[[str], Array]
) -> Convolutions | None:
    """The encoder or the decoder, if there is one."""
    found = []
    for number, (_, _, factor) in enumerate(layers):
        weight, bias = numbers(f"picture.{name}.{number}.weight"), numbers(f"picture.{name}.{number}.bias")
        reduces = name == "encode"
        found.append(Convolution(weight, bias, enlarge=1 if reduces else factor, stride=factor if reduces else 1))
    return Convolutions(tuple(found)) if found else None
