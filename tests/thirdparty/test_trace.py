"""Differential: a torch stand-in for the official attention, listened to, and what torch itself computed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lowerbound.var.trace.check import check_layer, verdict_of
from lowerbound.var.trace.record import recorder
from tests.thirdparty.playing import MARKS, MISSING

torch = pytest.importorskip("torch", reason=MISSING)
F = torch.nn.functional
pytestmark = MARKS

SIDES, LAYERS, HEADS, D = (1, 2, 3, 4), 2, 3, 16
L2NORM, PLAIN = 1.0, 0.25 / D**0.5


def slow_attn(query: Any, key: Any, value: Any, scale: float, attn_mask: Any = None, dropout_p: float = 0.0) -> Any:
    """The official function's formula, in torch's words."""
    logits = query.mul(scale) @ key.transpose(-2, -1)
    return F.dropout(logits.softmax(dim=-1), p=dropout_p) @ value


def image(module: Any, dtype: Any, scale: float) -> Any:
    """An image of random rows, both branches, scale by scale and layer by layer; the last keys of each layer."""
    random = torch.Generator().manual_seed(0)
    past: list[list[Any]] = [[] for _ in range(LAYERS)]
    for side in SIDES:
        for layer in range(LAYERS):
            q, k, v = torch.randn((3, 2, HEADS, side**2, D), generator=random, dtype=torch.float64)
            if scale == L2NORM:
                q, k = 8 * F.normalize(q, dim=-1), F.normalize(k, dim=-1)
            past[layer].append((k.to(dtype), v.to(dtype)))
            keys, values = (torch.cat([row[part] for row in past[layer]], dim=2) for part in (0, 1))
            module.slow_attn(query=q.to(dtype), key=keys, value=values, scale=scale, attn_mask=None, dropout_p=0.0)
    return [torch.cat([row[0] for row in rows], dim=2) for rows in past]


@pytest.mark.parametrize("scale", [L2NORM, PLAIN])
@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "bfloat16"])
def test_torch(tmp_path: Path, dtype: str, scale: float) -> None:
    """Differential: recorded keys are torch's to the bit, its outputs agree, and without a bit of their sign do not."""
    module = SimpleNamespace(slow_attn=slow_attn)
    with recorder(module) as listening:
        keys = image(module, getattr(torch, dtype), scale)
    found = listening.write(tmp_path / "a", SIDES, model="stand-in")
    assert (found.dtype, found.rule) == (dtype, "l2norm" if scale == L2NORM else "0.25/sqrt(d)")
    checks = [check for layer in range(LAYERS) for check in check_layer(found, layer)]
    assert verdict_of(checks) == "agrees"
    for layer in range(LAYERS):
        np.testing.assert_array_equal(found.layer(layer).keys, keys[layer].double().numpy())
    for number, (q, k, v, o) in enumerate(listening.calls):
        listening.calls[number] = (q, k, v, -o)
    forged = listening.write(tmp_path / "b", SIDES, model="stand-in")
    assert {check.verdict for check in check_layer(forged, 0)} == {"refuted"}
