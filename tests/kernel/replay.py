"""Small statements of models R2 and R3, and a second opinion on each, from docs/replay.md.

The second opinions, the theorem in plain floats and a count of all prefixes, share no code with the kernel; the weights
of resampling are those of the pipeline.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.core.pyramid.resampling import floats
from tests.kernel.floors import vectors

Json = Any

FIVE_IDS: tuple[Json, Json] = (
    {
        "theorem": "R2",
        "lemmas": ["public_weights"],
        "computation_model": "R2",
        "games": ["whole state", "cache alone"],
        "model": "five ids",
        "maps": [[1, 1], [2, 2], [3, 3], [4, 4]],
        "resampling": {"up": "bicubic", "down": "area"},
        "width": 21,
        "heads": 1,
        "d": 8,
        "channels": 3,
        "id_bits": 3,
        "positions": "a table",
        "rule": "l2norm",
        "multiplier": "100",
        "eta": "19/100",
        "delta": "1/2",
        "bits": 14,
    },
    {
        "precision": 128,
        "heads": 1,
        "addresses": {"rows": [[int(i == j) for j in range(8)] for i in range(6)]},
        "coherence": "0",
        "swamp": "1000",
        "scales": [
            [{"kept": [0], "supports": [[0]]}, {"kept": [0], "supports": [[1]]}],
            [{"kept": [0, 1], "supports": [[0, 2]]}, {"kept": [0, 1], "supports": [[0, 2], [0, 2]]}],
        ],
    },
)
"""Ids of three bits in maps of sides 1 and 2, read from five rows: 15 bits, one less where half of the blocks fail."""


UNSEEN: tuple[Json, Json] = (
    {
        "theorem": "R3",
        "lemmas": ["f_hat_fibres"],
        "computation_model": "R3",
        "model": "fourteen ids",
        "maps": [[1, 1], [2, 2], [3, 3], [3, 3], [3, 3]],
        "up": "bicubic",
        "codebook": {"kind": "levels", "levels": 2, "channels": 4},
        "fibre": 81,
    },
    {
        "basis": [
            [0, 0, 288, -288, 0, 0, -169, -338, 169, 0, -169, 338, 169, 0],
            [25, 0, 0, 288, 288, 0, 0, 0, -169, -169, -169, -338, -338, -338],
            [4850, 0, 24192, 24480, -34272, 0, -18421, -36842, -18590, -8450, 1690, -37180, 1521, 40222],
        ]
    },
)
"""Fourteen ids of three scales are summed up in nine cells: three prefixes a channel share one f_hat at most."""


def holds_replay(claim: Json, payload: Json) -> bool:
    """By the theorem's inequalities in floats; the example is far from every limit of the kernel."""
    maps, modes = claim["maps"], claim["resampling"]
    plan = payload["scales"]
    down, up = modes["down"], modes["up"]

    def passed(axis: int, q: int, k: int) -> Any:
        last = maps[-1][axis]
        return floats(down, last, maps[q][axis]) @ floats(up, maps[k][axis], last)

    kept = [[list(axis["kept"]) for axis in scale] for scale in plan]
    n_rows = sum(height * width for height, width in maps)
    mu = float(Fraction(payload["coherence"]))
    tau = (n_rows - 1) * math.exp(-float(Fraction(claim["multiplier"])) * (1 - mu))
    bend = (1 - float(Fraction(payload["swamp"])) ** -2) ** 1.5
    n_reads, fine = 0, len(plan) == len(maps) - 2
    for k, scale in enumerate(plan):
        gain, rows = 1.0, []
        for axis in (0, 1):
            matrix = passed(axis, k + 1, k)[:, kept[k][axis]]
            n = matrix.shape[1]
            supports = scale[axis]["supports"] * (n if len(scale[axis]["supports"]) == 1 else 1)
            rows.append(len({row for support in supports for row in support}))
            sums = [
                np.abs(np.linalg.solve(matrix[support].T, np.eye(n)[p])).sum() for p, support in enumerate(supports)
            ]
            gain *= max(sums, default=0.0)
        n_reads += rows[0] * rows[1]
        content = sum(
            np.outer(*(np.abs(passed(axis, k + 1, j)[:, kept[j][axis]]).sum(1) for axis in (0, 1)))
            for j in range(k + 1)
        ).max()
        fine &= 2 * content * gain * (float(Fraction(claim["eta"])) + tau) < bend
    n_last, heads = maps[-1][0] * maps[-1][1], payload["heads"]
    fine &= heads <= claim["heads"] and n_reads <= heads * n_last
    fine &= 2 + claim["channels"] + 2 * claim["d"] * heads <= claim["width"]
    fine &= claim["id_bits"] <= min(claim["channels"], claim["d"]) and float(Fraction(payload["swamp"])) > 1
    addresses = np.array(vectors(payload["addresses"]), float)
    fine &= len(addresses) > min(n_reads, n_last) and addresses.shape[1] == claim["d"]
    units = addresses / np.linalg.norm(addresses, axis=1, keepdims=True)
    others = units @ units.T - 2 * np.eye(len(units))  # a row beside itself does not count
    fine &= bool((others <= mu + 1e-12).all()) and 0 <= mu < 1
    count = sum(len(one) * len(other) for one, other in kept)
    bits = count * claim["id_bits"] + math.log2(1 - float(Fraction(claim["delta"])))
    return bool(fine) and claim["bits"] <= bits + 1e-9


def holds_fibre(claim: Json, payload: Json) -> bool:
    """By all prefixes: the largest number of words of levels that are enlarged to one map, a channel at a time."""
    maps, codebook = claim["maps"], claim["codebook"]
    seen, last = maps[:-2], maps[-1]
    whole = np.hstack([np.kron(*(floats(claim["up"], shape[axis], last[axis]) for axis in (0, 1))) for shape in seen])
    n = whole.shape[1]
    levels = codebook["levels"] if codebook["kind"] == "levels" else len(seen)
    assert levels**n <= 2**22, "too many prefixes to count"
    words = np.arange(levels**n)[:, None] // levels ** np.arange(n) % levels
    symbols = [words] if codebook["kind"] == "levels" else [words == symbol for symbol in range(levels)]
    sums = np.hstack([symbol @ whole.T for symbol in symbols])
    _, counts = np.unique(np.rint(sums * 2**30).astype(np.int64), axis=0, return_counts=True)
    power = codebook["channels"] if codebook["kind"] == "levels" else 1
    return bool(claim["fibre"] == int(counts.max()) ** power and all(len(row) == n for row in payload["basis"]))
