"""Small files of weights, whole or damaged, whose names and shapes are typed here once more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.tensors import write_tensors

Tensors = dict[str, NDArray[Any]]

GEOMETRY: dict[str, Any] = {
    "name": "toy",
    "sides": [1, 2, 3],
    "layers": 2,
    "heads": 2,
    "head_dim": 4,
    "codebook_size": 16,
    "channels": 4,
    "phi_kernels": 4,
    "phi_ratio": "1/4",
    "shared_modulation": False,
    "classes": 3,
    "encoder": [[1, 5, 2], [5, 4, 1]],
    "decoder": [[4, 5, 1], [5, 1, 2]],
}


def tensors(*, shared: bool = False, seed: int = 0) -> Tensors:
    """Normal numbers, float32, for every tensor of GEOMETRY: width 8, 14 tokens."""
    draw = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "pos_start": (1, 1, 8),
        "pos_1LC": (1, 14, 8),
        "lvl_embed.weight": (3, 8),
        "class_emb.weight": (4, 8),
        "word_embed.weight": (8, 4),
        "word_embed.bias": (8,),
        "head_nm.ada_lin.1.weight": (16, 8),
        "head_nm.ada_lin.1.bias": (16,),
        "head.weight": (16, 8),
        "head.bias": (16,),
        "quantize.embedding.weight": (16, 4),
        "picture.encode.0.weight": (5, 1, 3, 3),
        "picture.encode.0.bias": (5,),
        "picture.encode.1.weight": (4, 5, 3, 3),
        "picture.encode.1.bias": (4,),
        "picture.decode.0.weight": (5, 4, 3, 3),
        "picture.decode.0.bias": (5,),
        "picture.decode.1.weight": (1, 5, 3, 3),
        "picture.decode.1.bias": (1,),
    }
    for number in range(4):
        shapes[f"quantize.quant_resi.qresi_ls.{number}.weight"] = 4, 4, 3, 3
        shapes[f"quantize.quant_resi.qresi_ls.{number}.bias"] = (4,)
    for number in range(2):
        block = f"blocks.{number}"
        shapes |= {
            f"{block}.attn.mat_qkv.weight": (24, 8),
            f"{block}.attn.q_bias": (8,),
            f"{block}.attn.v_bias": (8,),
            f"{block}.attn.scale_mul_1H11": (1, 2, 1, 1),
            f"{block}.attn.proj.weight": (8, 8),
            f"{block}.attn.proj.bias": (8,),
            f"{block}.ffn.fc1.weight": (32, 8),
            f"{block}.ffn.fc1.bias": (32,),
            f"{block}.ffn.fc2.weight": (8, 32),
            f"{block}.ffn.fc2.bias": (8,),
        }
        if shared:
            shapes[f"{block}.ada_gss"] = 1, 1, 6, 8
        else:
            shapes[f"{block}.ada_lin.1.weight"], shapes[f"{block}.ada_lin.1.bias"] = (48, 8), (48,)
    if shared:
        shapes["shared_ada_lin.1.weight"], shapes["shared_ada_lin.1.bias"] = (48, 8), (48,)
    return {name: draw.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}


def write(path: Path, numbers: Tensors, **changes: Any) -> Path:
    """A file of these numbers, whose geometry is GEOMETRY but for the changes."""
    write_tensors(path, numbers, {"geometry": json.dumps({**GEOMETRY, **changes})})
    return path
