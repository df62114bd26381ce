"""Differential: the simulator against torch: its resampling, and whole small networks written here in torch's words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lowerbound.core.pyramid.resampling import Mode, resampled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.var.simulator.network import Network, random_network, simulated
from lowerbound.var.simulator.pipeline import FullCache, generate, guidance_at
from lowerbound.var.simulator.sampling import Sampling, among_the_first, in_the_nucleus, probabilities
from lowerbound.var.simulator.tokens import VectorTokens
from tests.thirdparty.playing import MARKS, MISSING

torch = pytest.importorskip("torch", reason=MISSING)
F = torch.nn.functional
pytestmark = MARKS


def tensor(array: Any) -> Any:
    """A float64 tensor."""
    return torch.tensor(np.asarray(array, dtype=np.float64))


UP = [((n, n), (16, 16)) for n in (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)]
ODD = [((3, 5), (48, 80)), ((2, 4), (21, 36)), ((13, 13), (64, 64)), ((48, 80), (7, 11))]


@pytest.mark.parametrize("mode", ["bicubic", "bilinear", "area"])
@pytest.mark.parametrize(("small", "large"), [*UP, *((b, a) for a, b in UP), *ODD])
def test_interpolation(mode: Mode, small: tuple[int, int], large: tuple[int, int]) -> None:
    """Differential: 1e-14 in float64, up and down, square and not; torch rounds the places of long sides themselves."""
    maps = np.random.default_rng(0).standard_normal((2, 3, *small))
    expected = F.interpolate(torch.tensor(maps), size=large, mode=mode).numpy()
    allowed = max(1e-14, 2 * np.finfo(np.float64).eps * max(*small, *large))
    assert np.abs(resampled(mode, maps, large) - expected).max() < allowed


def block_in_torch(block: Any, x: Any, condition: Any, shared: Any, rope: Any, past: list[Any]) -> Any:
    """One block over its growing cache."""
    if shared is None:
        six = F.linear(F.silu(condition), tensor(block.modulation.weight), tensor(block.modulation.bias))
    else:
        six = F.linear(F.silu(condition), tensor(shared.weight), tensor(shared.bias))
    six = six.view(len(condition), 6, 1, -1)
    if shared is not None:
        six = six + tensor(block.modulation)[None, :, None]
    gain1, gain2, scale1, scale2, shift1, shift2 = six.unbind(1)
    width, heads = x.shape[-1], len(block.log_multipliers)
    bias = torch.cat([tensor(block.query_bias), torch.zeros(width, dtype=torch.float64), tensor(block.value_bias)])
    norm = F.layer_norm(x, (width,), eps=1e-6) * (1 + scale1) + shift1
    qkv = F.linear(norm, tensor(block.qkv), bias).view(*x.shape[:2], 3, heads, -1)
    q, k, v = (part.transpose(1, 2) for part in qkv.unbind(2))
    q = F.normalize(q, dim=-1) * tensor(block.log_multipliers).clamp_max(math.log(100)).exp().view(1, -1, 1, 1)
    k = F.normalize(k, dim=-1)
    if rope is not None:
        q, k = (
            torch.view_as_real(torch.view_as_complex(t.reshape(*t.shape[:-1], -1, 2)) * rope).flatten(-2)
            for t in (q, k)
        )
    if past:
        k, v = torch.cat([past[0], k], dim=2), torch.cat([past[1], v], dim=2)
    past[:] = [k, v]
    out = F.scaled_dot_product_attention(q, k, v, scale=1.0).transpose(1, 2).reshape(x.shape)
    x = x + gain1 * F.linear(out, tensor(block.projection.weight), tensor(block.projection.bias))
    hidden = F.layer_norm(x, (width,), eps=1e-6) * (1 + scale2) + shift2
    hidden = F.gelu(F.linear(hidden, tensor(block.widen.weight), tensor(block.widen.bias)), approximate="tanh")
    return x + gain2 * F.linear(hidden, tensor(block.narrow.weight), tensor(block.narrow.bias))


def rope_of(schedule: ScaleSchedule, scale: int, d: int) -> Any:
    """Unit complex numbers of a scale's tokens, from places on the grid of 64 x 64."""
    *_, height, width = schedule.shapes[scale]
    places = torch.stack(
        torch.meshgrid(torch.arange(height) * (64 / height), torch.arange(width) * (64 / width), indexing="ij")
    )
    frequencies = 1 / 10000 ** (torch.arange(0, d // 2, 2, dtype=torch.float64) / (d // 2))
    angles = torch.cat([places.round()[axis].flatten()[:, None] * frequencies for axis in (0, 1)], dim=1)
    return torch.polar(torch.ones_like(angles), angles)


def generated_in_torch(network: Network, condition: int, ids: Any, sampling: Sampling) -> tuple[list[Any], Any]:
    """Guided logits of every scale and the finished f_hat, ids given; the whole pipeline again, in torch."""
    infinity, schedule = network.model.family == "Infinity", network.schedule
    n_scales, tokens = schedule.n_scales, network.tokens
    branches = tensor(network.conditions[[condition, len(network.conditions) - 1]])
    x = branches[:, None] + tensor(network.start)[None]
    past: list[list[Any]] = [[] for _ in network.blocks]
    f_hat: Any = 0
    logits = []
    for scale, (*_, height, width) in enumerate(schedule.shapes):
        x = x + tensor(network.levels)[scale]
        if network.positions is not None:
            x = x + tensor(network.positions)[schedule.rows_of(scale)]
        rope = rope_of(schedule, scale, network.model.head_dim) if infinity else None
        for block, kept in zip(network.blocks, past, strict=True):
            x = block_in_torch(block, x, branches, network.shared, rope, kept)
        scale_, shift = (
            F.linear(F.silu(branches), tensor(network.before_head.weight), tensor(network.before_head.bias))
            .view(2, 2, 1, -1)
            .unbind(1)
        )
        x = F.layer_norm(x, (x.shape[-1],), eps=1e-6) * (1 + scale_) + shift
        both = F.linear(x, tensor(network.head.weight), tensor(network.head.bias))
        t = sampling.guidance * (1 if infinity else scale / (n_scales - 1))
        logits.append(((1 + t) * both[0] - t * both[1]).view(height * width, *tokens.n_choices))
        some = torch.tensor(ids[scale])
        if infinity:
            codes = ((2 * some - 1).double() / math.sqrt(tokens.n_choices[0])).T.reshape(1, -1, height, width)
            f_hat = f_hat + F.interpolate(codes[:, :, None], size=(1, *schedule.shapes[-1]), mode="trilinear")[:, :, 0]
        else:
            assert isinstance(tokens, VectorTokens)
            codes = F.embedding(some[:, 0], tensor(tokens.codebook)).T.reshape(1, -1, height, width)
            large = F.interpolate(codes, size=schedule.shapes[-1], mode="bicubic")
            ticks = np.linspace(1 / 12, 11 / 12, 4)
            tick = int(np.argmin(np.abs(ticks - scale / (n_scales - 1))))
            convolved = F.conv2d(large, tensor(tokens.kernels[tick]), tensor(tokens.biases[tick]), padding=1)
            f_hat = f_hat + large * 0.5 + convolved * 0.5
        if scale + 1 < n_scales:
            small = schedule.shapes[scale + 1]
            if infinity:
                reduced = F.interpolate(f_hat[:, :, None], size=(1, *small), mode="trilinear")[:, :, 0]
            else:
                reduced = F.interpolate(f_hat, size=small, mode="area")
            content = reduced.flatten(2).transpose(1, 2)
            x = F.linear(content, tensor(network.word.weight), tensor(network.word.bias)).repeat(2, 1, 1)
    return logits, f_hat[0]


@pytest.mark.parametrize("name", ["tiny", "tiny-infinity"])
def test_a_whole_network(name: str) -> None:
    """Differential: an image of a small network, logits of every scale and f_hat, against the pipeline in torch."""
    network = random_network(simulated(name), seed=1, precision="float64")
    sampling = Sampling(seed=2)
    made = generate(network, FullCache(), condition=7, sampling=sampling)
    logits, f_hat = generated_in_torch(network, 7, made.ids, sampling)
    for scale, expected in enumerate(logits):
        assert np.abs(made.logits[scale] - expected.numpy()).max() < 1e-12, guidance_at(network, sampling, scale)
    assert np.abs(made.f_hat - f_hat.numpy()).max() < 1e-13


@pytest.mark.parametrize("patched", [1, 2])
def test_patches_are_shuffled_as_in_torch(patched: int) -> None:
    """Differential: bits of a token into 2 x 2 places, and back, against pixel_shuffle and pixel_unshuffle."""
    from lowerbound.var.simulator.tokens import BitTokens

    schedule = ScaleSchedule.parse("1x1 2x3 4x5")
    tokens = BitTokens(schedule, n_bits=12, patch=patched, dtype=np.dtype(np.float64))
    bits = np.random.default_rng(0).integers(2, size=(6, 12))
    rows = tensor((2 * bits - 1) / math.sqrt(12 // patched**2))
    maps = F.pixel_shuffle(rows.T.reshape(1, 12, 2, 3), patched)
    assert np.array_equal(tokens.codes(bits, 1), maps[0].numpy())
    large = F.interpolate(maps, size=(4 * patched, 5 * patched), mode="bilinear")
    assert np.abs(tokens.contribution(bits, 1) - large[0].numpy()).max() < 1e-14
    small = F.interpolate(large, size=(2 * patched, 3 * patched), mode="bilinear")
    expected = F.pixel_unshuffle(small, patched)[0].flatten(1).T.numpy()
    assert np.abs(tokens.reduced(large[0].numpy(), 1) - expected).max() < 1e-14


@pytest.mark.parametrize(("top_k", "top_p"), [(0, 0.0), (5, 0.0), (0, 0.7), (9, 0.9)])
def test_filters(top_k: int, top_p: float) -> None:
    """Differential: probabilities after top-k and top-p against sorting and masking in torch."""
    logits = np.random.default_rng(3).standard_normal((40, 16)) * 2
    kept = torch.tensor(logits)
    if top_k:
        kept = kept.masked_fill(kept < kept.topk(top_k, dim=-1).values[:, -1:], -torch.inf)
    if top_p:
        ordered, order = kept.sort(dim=-1)
        tail = ordered.softmax(-1).cumsum(-1) <= 1 - top_p
        tail[:, -1] = False
        kept = kept.masked_fill(torch.zeros_like(tail).scatter(1, order, tail), -torch.inf)
    ours = probabilities(in_the_nucleus(among_the_first(logits, top_k), top_p))
    assert np.abs(ours - kept.softmax(-1).numpy()).max() < 1e-14
