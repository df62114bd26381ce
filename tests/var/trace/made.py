"""Traces of random attention with free shapes, rules, types and values, written to files that tests throw away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from lowerbound.core.schedule import ScaleSchedule
from lowerbound.var.trace.file import K_STAGE

Array = NDArray[Any]
MAPS = "1x1 2x2 3x3"


def attention_of(schedule: ScaleSchedule, q: Array, k: Array, v: Array, factor: float) -> Array:
    """Outputs of every query over the keys of its own scale and of earlier ones; heads of q share those of k and v."""
    group = q.shape[1] // k.shape[1]
    k, v = np.repeat(k, group, axis=1), np.repeat(v, group, axis=1)
    outputs = np.empty_like(q)
    for scale in range(schedule.n_scales):
        rows = schedule.rows_of(scale)
        logits = factor * q[:, :, rows] @ k[:, :, : rows.stop].swapaxes(-1, -2)
        weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
        outputs[:, :, rows] = weights / weights.sum(axis=-1, keepdims=True) @ v[:, :, : rows.stop]
    return outputs


def made(
    path: Path,
    maps: str = MAPS,
    *,
    layers: int = 1,
    heads: int = 2,
    key_heads: int | None = None,
    d: int = 8,
    unit_keys: bool = False,
    dtype: str = "float64",
    stored: str | None = None,
    context: int = 0,
    change: Callable[[Array, Array, Array], tuple[Array, Array, Array]] = lambda q, k, v: (q, k, v),
    outputs: Callable[[Array], Array] = lambda o: o,
    about: Mapping[str, str] | None = None,
) -> Path:
    """A trace whose outputs are attention in float64 of its queries, keys and values.

    `change` is applied to queries, keys and values before attention, `outputs` to what attention gives; all arrays are
    then rounded to the type `stored`. With `unit_keys` the rule is l2norm, else 1/sqrt(d).
    """
    schedule = ScaleSchedule.parse(maps, n_context=context)
    draw = np.random.default_rng(7)
    tensors: dict[str, Array] = {"patch_hw": np.array(schedule.shapes, dtype=np.int64)}
    for layer in range(layers):
        q, k, v = (draw.standard_normal((1, n, schedule.n_tokens, d)) for n in (heads, *2 * [key_heads or heads]))
        if unit_keys:
            k /= np.linalg.norm(k, axis=-1, keepdims=True)
        q, k, v = change(q, k, v)
        o = outputs(attention_of(schedule, q, k, v, 1.0 if unit_keys else d**-0.5))
        for name, rows in zip("qkvo", (q, k, v, o), strict=True):
            tensors[f"layer.{layer}.{name}"] = np.ascontiguousarray(rows.astype(stored or "float64"))
    strings = {"logit_rule": "l2norm" if unit_keys else "1/sqrt(d)", "k_stage": K_STAGE, "branches": "cond"}
    if context:
        strings["context"] = str(context)
    save_file(tensors, path, metadata={**strings, "dtype": dtype, **(about or {})})
    return path


def repeated(q: Array, k: Array, v: Array) -> tuple[Array, Array, Array]:
    """Heads 0 and 1, 2 and 3, ... with the same keys and values."""
    return q, np.repeat(k[:, ::2], 2, axis=1), np.repeat(v[:, ::2], 2, axis=1)
