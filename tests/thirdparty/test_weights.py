"""Differential: files of weights against torch: networks of the official names, the trained one, and its training."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments import digits
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.var import load
from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.pipeline import FullCache, generate, guidance_at
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.weights import built_in
from tests.thirdparty.playing import MARKS, MISSING
from tests.var.simulator.one_shot import one_shot

torch = pytest.importorskip("torch", reason=MISSING)
F, nn = torch.nn.functional, torch.nn
pytestmark = MARKS

SIDES, LAYERS, HEADS, WIDTH, CODES, CHANNELS, CLASSES = (1, 2, 3, 5), 3, 2, 16, 32, 6, 7
GEOMETRY: dict[str, Any] = {
    "name": "official",
    "sides": list(SIDES),
    "layers": LAYERS,
    "heads": HEADS,
    "head_dim": WIDTH // HEADS,
    "codebook_size": CODES,
    "channels": CHANNELS,
    "phi_kernels": 4,
    "phi_ratio": "1/2",
    "classes": CLASSES,
    "encoder": [],
    "decoder": [],
}
RELATIVE = 1e-12
"""How far logits may be apart, over the largest one. A logit passes LAYERS layers of a dozen sums of at most 4 WIDTH
terms, each good to that many times 2^-53, and a softmax whose logits, up to 100, multiply what came before: at most
about 12 x 64 x 100 x 2^-53 = 1e-11 if all errors had one sign, and near 1e-13 if they do not."""


def module(**parts: Any) -> Any:
    """A module of parts; tensors become parameters."""
    made = nn.Module()
    for name, part in parts.items():
        if isinstance(part, torch.Tensor):
            made.register_parameter(name, nn.Parameter(part))
        else:
            made.add_module(name, part)
    return made


def attention() -> Any:
    """Self-attention as the official code names it."""
    made = module(
        mat_qkv=nn.Linear(WIDTH, 3 * WIDTH, bias=False),
        q_bias=torch.randn(WIDTH),
        v_bias=torch.randn(WIDTH),
        scale_mul_1H11=torch.full((1, HEADS, 1, 1), 4.0).log() + torch.randn(1, HEADS, 1, 1),
        proj=nn.Linear(WIDTH, WIDTH),
    )
    made.register_buffer("zero_k_bias", torch.zeros(WIDTH))
    return made


def transformer(shared: bool) -> Any:
    """A VAR of the official names and shapes, masks included."""
    n_tokens = sum(side**2 for side in SIDES)

    def block() -> Any:
        parts = {
            "attn": attention(),
            "ffn": module(fc1=nn.Linear(WIDTH, 4 * WIDTH), fc2=nn.Linear(4 * WIDTH, WIDTH)),
        }
        own = torch.randn(1, 1, 6, WIDTH) if shared else nn.Sequential(nn.SiLU(), nn.Linear(WIDTH, 6 * WIDTH))
        return module(**parts, **{"ada_gss" if shared else "ada_lin": own})

    made = module(
        word_embed=nn.Linear(CHANNELS, WIDTH),
        class_emb=nn.Embedding(CLASSES + 1, WIDTH),
        pos_start=torch.randn(1, 1, WIDTH),
        pos_1LC=torch.randn(1, n_tokens, WIDTH),
        lvl_embed=nn.Embedding(len(SIDES), WIDTH),
        blocks=nn.ModuleList([block() for _ in range(LAYERS)]),
        head_nm=module(ada_lin=nn.Sequential(nn.SiLU(), nn.Linear(WIDTH, 2 * WIDTH))),
        head=nn.Linear(WIDTH, CODES),
    )
    if shared:
        made.add_module("shared_ada_lin", nn.Sequential(nn.SiLU(), nn.Linear(WIDTH, 6 * WIDTH)))
    levels = torch.repeat_interleave(torch.arange(len(SIDES)), torch.tensor([side**2 for side in SIDES]))
    made.register_buffer("lvl_1L", levels[None])
    mask = torch.where(levels[:, None] >= levels, 0.0, -torch.inf)
    made.register_buffer("attn_bias_for_masking", mask[None, None])
    return made.double()


def quantizer() -> Any:
    """The tokenizer's part that the transformer reads, of the official names, and a stand-in for its encoder."""
    phis = nn.ModuleList([nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1) for _ in range(4)])
    quantize = module(embedding=nn.Embedding(CODES, CHANNELS), quant_resi=module(qresi_ls=phis))
    quantize.register_buffer("ema_vocab_hit_SV", torch.zeros(len(SIDES), CODES))
    return module(quantize=quantize, quant_conv=nn.Conv2d(CHANNELS, CHANNELS, 3)).double()


class Written:
    """The transformer in torch's words, over the modules above."""

    def __init__(self, var: Any, vae: Any) -> None:
        self.var, self.quantize = var, vae.quantize

    def contribution(self, ids: Any, scale: int) -> Any:
        """What ids (h w,) add to f_hat."""
        side, last = SIDES[scale], SIDES[-1]
        codes = self.quantize.embedding(ids).T.reshape(1, -1, side, side)
        large = F.interpolate(codes, size=(last, last), mode="bicubic")
        place = scale / (len(SIDES) - 1)
        phi = self.quantize.quant_resi.qresi_ls[int(np.argmin(np.abs(np.linspace(1 / 12, 11 / 12, 4) - place)))]
        return 0.5 * large + 0.5 * phi(large)

    def inputs(self, classes: Any, ids: list[Any]) -> Any:
        """x of all tokens, for each class."""
        f_hat: Any = 0
        rows = [self.var.class_emb(classes)[:, None] + self.var.pos_start]
        for scale, side in enumerate(SIDES[1:]):
            f_hat = f_hat + self.contribution(ids[scale], scale)
            content = F.interpolate(f_hat, size=(side, side), mode="area").flatten(2).mT
            rows.append(self.var.word_embed(content).expand(len(classes), -1, -1))
        return torch.cat(rows, dim=1) + self.var.lvl_embed(self.var.lvl_1L) + self.var.pos_1LC

    def passed(self, x: Any, classes: Any, past: list[list[Any]] | None) -> Any:
        """Logits of some tokens: over a growing cache, or of all tokens under the mask."""
        condition = self.var.class_emb(classes)
        for number, block in enumerate(self.var.blocks):
            if hasattr(block, "ada_gss"):
                six = self.var.shared_ada_lin(condition).view(-1, 1, 6, WIDTH) + block.ada_gss
            else:
                six = block.ada_lin(condition).view(-1, 1, 6, WIDTH)
            gain1, gain2, scale1, scale2, shift1, shift2 = six.unbind(2)
            attn = block.attn
            bias = torch.cat([attn.q_bias, attn.zero_k_bias, attn.v_bias])
            qkv = F.linear(F.layer_norm(x, (WIDTH,), eps=1e-6) * (1 + scale1) + shift1, attn.mat_qkv.weight, bias)
            q, k, v = qkv.view(*x.shape[:2], 3, HEADS, -1).permute(2, 0, 3, 1, 4)
            q = F.normalize(q, dim=-1) * attn.scale_mul_1H11.clamp_max(math.log(100)).exp()
            k = F.normalize(k, dim=-1)
            if past is not None:
                k, v = (torch.cat([*old, new], dim=2) for old, new in zip(past[number], (k, v), strict=True))
                past[number] = [[k], [v]]
            mask = None if past is not None else self.var.attn_bias_for_masking
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=1.0)
            x = x + gain1 * attn.proj(out.transpose(1, 2).flatten(2))
            wide = F.gelu(
                block.ffn.fc1(F.layer_norm(x, (WIDTH,), eps=1e-6) * (1 + scale2) + shift2), approximate="tanh"
            )
            x = x + gain2 * block.ffn.fc2(wide)
        scale, shift = self.var.head_nm.ada_lin(condition).view(-1, 1, 2, WIDTH).unbind(2)
        return self.var.head(F.layer_norm(x, (WIDTH,), eps=1e-6) * (1 + scale) + shift)


@pytest.mark.parametrize("shared", [False, True])
def test_official_names(tmp_path: Path, shared: bool) -> None:
    """Differential: a network of the official names and shapes, saved from torch: logits at once and over a cache."""
    from safetensors.torch import save_file

    torch.manual_seed(int(shared))
    var, vae = transformer(shared), quantizer()
    tensors = {name: array.contiguous() for name, array in {**var.state_dict(), **vae.state_dict()}.items()}
    file = tmp_path / "official.safetensors"
    save_file(tensors, file, metadata={"geometry": json.dumps({**GEOMETRY, "shared_modulation": shared})})
    network, sampling = load(file, precision="float64"), Sampling(3)
    made = generate(network, FullCache(), condition=4, sampling=sampling)

    written, classes = Written(var, vae), torch.tensor([4, CLASSES])
    ids = [torch.tensor(some[:, 0]) for some in made.ids]
    past: list[list[Any]] = [[[], []] for _ in range(LAYERS)]
    with torch.no_grad():
        x = written.inputs(classes, ids)
        at_once = written.passed(x, classes, None)
        parts = [written.passed(x[:, network.schedule.rows_of(k)], classes, past) for k in range(len(SIDES))]
        f_hat = sum(written.contribution(some, scale) for scale, some in enumerate(ids))
    expected = at_once.numpy()
    assert agree(one_shot(network, made.ids, condition=4)[:, :, 0], expected)
    for scale, part in enumerate(parts):
        t = guidance_at(network, sampling, scale)
        assert agree(made.logits[scale][:, 0], ((1 + t) * part[0] - t * part[1]).numpy())
    assert agree(made.f_hat, f_hat[0].numpy())


def agree(ours: Any, expected: Any) -> bool:
    """Whether no entry is off by more than RELATIVE of the largest one."""
    return bool(np.abs(ours - expected).max() <= RELATIVE * np.abs(expected).max())


@lru_cache(maxsize=1)
def trained() -> tuple[Network, dict[str, Any]]:
    """The network `digits` in float64, and its tensors in torch."""
    from safetensors.torch import load_file

    return load(built_in(), precision="float64"), {name: part.double() for name, part in load_file(built_in()).items()}


def test_digits_at_once_and_over_a_cache() -> None:
    """Differential: the trained network's logits, with the ids of an image of its own, as its training has them."""
    from experiments.digits_training import contents_of, var_logits

    network, weights = trained()
    recipe, sampling = digits.recipe(), Sampling(1)
    made = generate(network, FullCache(), condition=3, sampling=sampling)
    ids = [torch.tensor(some.T) for some in made.ids]
    with torch.no_grad():
        contents = contents_of(recipe, weights, ids).expand(2, -1, -1)
        logits = var_logits(recipe, weights, torch.tensor([3, recipe.classes]), contents).numpy()
    assert agree(one_shot(network, made.ids, condition=3)[:, :, 0], logits)
    for scale, ours in enumerate(made.logits):
        rows, t = network.schedule.rows_of(scale), guidance_at(network, sampling, scale)
        assert agree(ours[:, 0], (1 + t) * logits[0, rows] - t * logits[1, rows])


def test_pictures_of_digits() -> None:
    """Differential: the encoder's ids equal torch's, and the decoder's pictures are its, on pictures of all classes."""
    from experiments.digits_training import decoded, encoded, quantised

    network, weights = trained()
    for number in range(10):
        drawn = network.decode(generate(network, FullCache(), condition=number, sampling=Sampling(number)).f_hat)
        with torch.no_grad():
            ids, so_far, _ = quantised(digits.recipe(), weights, encoded(weights, torch.tensor(2 * drawn - 1)[None]))
            picture = decoded(weights, so_far[-1])[0].numpy()
        found = network.encode(drawn)
        assert [some.tolist() for some in found] == [some.T.tolist() for some in ids]
        parts = [network.tokens.contribution(some, scale) for scale, some in enumerate(found)]
        assert np.abs(network.decode(np.sum(parts, axis=0)) - np.clip((picture + 1) / 2, 0, 1)).max() < RELATIVE * 10


@pytest.mark.slow
@pytest.mark.slow
def test_a_short_training() -> None:
    """Law: within 30 steps of each stage losses fall, and a second training gives the same weights to the bit."""
    from experiments.digits_training import SIDE, Images, train

    draw = torch.Generator().manual_seed(0)
    places = torch.arange(SIDE)
    bars = (places - torch.randint(4, 24, (200, 1), generator=draw)).abs() < 3
    pixels = torch.where(bars[:, None, :, None] & torch.ones(SIDE, dtype=torch.bool), 1.0, -1.0)
    images = Images(pixels, torch.arange(200) // 20)
    short = replace(
        digits.recipe(),
        tokenizer={"steps": 30, "batch": 16, "rate": 2e-3},
        prefixes={"steps": 30, "batch": 16, "rate": 1.5e-3},
        var=[{"steps": 30, "batch": 16, "rate": 4e-3, "multipliers_times": 20}],
        logged_every=10,
        heads_every=30,
    )
    logs: list[list[dict[str, Any]]] = [[], []]
    first, second = (train(short, images, log.append) for log in logs)
    assert all(np.array_equal(first[name], second[name]) for name in first)
    for stage, key in (("tokenizer", "mse"), ("var", "nats")):
        losses = [row[key] for row in logs[0] if row["stage"] == stage]
        assert losses[-1] < losses[0]
    assert Fraction(digits.SPEC["phi_ratio"]) == short.phi_ratio
    assert ScaleSchedule.square(short.sides).n_tokens == short.n_tokens
