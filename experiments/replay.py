"""Question: with public weights, how many bits of ids survive an error of eta, and does Bob really read them?

Claims that could be refuted, for each of four codebooks of 4096 codes (all signs in 12 channels; Gaussian, spherical
and uniform codes in 32 channels, one draw each): below gap / 2 times the exact threshold Bob reads every id, under the
worst noise that the decoder knows. The binary codebook fails first at 1.1 times the threshold, in scale 8. All ids
survive float16, bfloat16 and int8. The bits never grow with eta. The bits at larger eta are floors, from ids that are
frozen outside sub-lattices, and for random codebooks from a packed sub-codebook. Cost: two minutes.
"""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any, get_args

from experiments.table import Outcome, save
from lowerbound.certify.replay.floor import plan_replay, surviving
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.resampling import VAR
from lowerbound.var.replay.codebooks import NAMES, Codebook, codebook
from lowerbound.var.replay.prefix_decoding import SWAMP_OF_ROUNDED, play
from lowerbound.var.replay.public_layer import NumberFormat, public_layer

SPEC: dict[str, Any] = {
    "model": "var-d16",
    "seed": 0,
    "trials": 3,
    "etas": [*("0.0001", "0.0003", "0.0005", "0.001", "0.002", "0.003", "0.005"), "0.01", "0.02", "0.03", "0.1", "0.3"],
    "gaps": [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3],
    "around": [0.5, 0.99, 1.1, 2, 4],
    "surviving_roundings": ["float32", "float16", "bfloat16", "int8"],
}


def bits_at(eta: str, books: list[tuple[Fraction, int]]) -> float:
    """The most bits that survive, over sub-codebooks (gap, size)."""
    model = find_model(SPEC["model"])
    return max(surviving(model.schedule, VAR, eta, gap=gap).n_ids * math.log2(size) for gap, size in books)


def sub_codebooks(book: Codebook) -> list[tuple[Fraction, int]]:
    """The size of the codebook and of its sub-codebooks at larger gaps; each gap is a rational below the true one."""
    found = [(book.gap, book.size)]
    if book.name != "binary":
        packed = [book.packed(gap) for gap in SPEC["gaps"] if gap > book.gap]
        found += [(part.gap, part.size) for part in packed if part.size > 1]
    return [(Fraction(math.floor(gap * 2**40), 2**40), size) for gap, size in found]


def run() -> Outcome:
    """Play each codebook, and count the bits that survive."""
    model = find_model(SPEC["model"])
    plan = plan_replay(model.schedule, VAR)
    rows: list[dict[str, Any]] = []
    wrong, told = [], []
    for name in NAMES:
        book = codebook(name, seed=SPEC["seed"])
        layer = public_layer(model, plan, book, seed=SPEC["seed"])
        promised = book.gap / 2 * float(plan.threshold) * (1 - layer.swamp**-2) ** 1.5
        sizes = [promised * factor for factor in SPEC["around"]]
        for noise in ("aligned", "random"):
            rounds = play(layer, sizes, noise, trials=SPEC["trials"], seed=SPEC["seed"])
            rows += [{"kind": "decoding", "codebook": name, "promised": promised, **one.to_json()} for one in rounds]
            wrong += [
                f"{name}: {sum(one.wrong)} ids wrong at {one.eta:.3g}"
                for one in rounds
                if one.eta < promised and one.error
            ]
            if name == "binary" and noise == "aligned" and not (sum(rounds[2].wrong[:7]) == 0 < rounds[2].wrong[7]):
                wrong.append("binary: at 1.1 times the threshold scale 8 was not the first to fail")
        books = sub_codebooks(book)
        bits = [bits_at(eta, books) for eta in SPEC["etas"]]
        rows += [
            {"kind": "bits", "codebook": name, "gap": book.gap, "eta": eta, "bits": count}
            for eta, count in zip(SPEC["etas"], bits, strict=True)
        ]
        if any(more < fewer for more, fewer in pairwise(bits)):
            wrong.append(f"{name}: more bits at a larger eta")
        told.append(f"{name} {promised:.3g}")
    loud = public_layer(model, plan, codebook("binary"), swamp=SWAMP_OF_ROUNDED, seed=SPEC["seed"])
    for rounding in get_args(NumberFormat):
        (one,) = play(loud, [0.0], "none", trials=SPEC["trials"], seed=SPEC["seed"], rounding=rounding)
        rows.append({"kind": "rounding", "rounding": rounding, **one.to_json()})
        if rounding in SPEC["surviving_roundings"] and one.error:
            wrong.append(f"{rounding}: {sum(one.wrong)} ids wrong")
    sentence = (
        f"all {plan.n_ids} ids are read below eta = {', '.join(told)} under the worst noise, and in "
        f"{', '.join(SPEC['surviving_roundings'])}; the binary codebook fails first above, in scale 8"
    )
    return save("replay", SPEC, rows, "refuted" if wrong else "supported", "; ".join(wrong) or sentence)
