"""Texts of the pipeline's commands: a cache in the network, ranks of a pyramid, free keys and values, sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lowerbound.core.scalars import counted
from lowerbound.report.fitted import Fitted


def bytes_text(count: float) -> str:
    """A number of bytes in decimal units (kB, MB, GB), as floors are reported."""
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= size:
            return f"{count / size:,.3f} {unit}"
    return f"{count:,.0f} B"


def simulation_text(row: Mapping[str, Any]) -> str:
    """One run: the state beside the floors, and the effect of the cache on logits and ids."""
    name = row["cache"] if row["budget"] is None else f"{row['cache']} at {row['budget']}"
    realised = row["realised_floor_bytes"]
    lines = [
        f"{row['model']}, {_weights(row)}, {row['precision']}: one image with {name}",
        "",
        f"{'state before the last scale':44}{bytes_text(row['state_bytes']):>14}   all layers, heads and branches",
        f"{'the same keys and values in fp16':44}{bytes_text(row['full_cache_bytes']):>14}   "
        f"{row['state_bytes'] / row['full_cache_bytes']:.1%} of it kept",
        f"{'floor, model R1, independent streams':44}{bytes_text(row['floor_bytes']):>14}   "
        f"eta = {row['eta']:g}, delta = {row['delta']:g}, values",
        f"{'floor, model R1, streams free at once here':44}{bytes_text(realised) if realised else 'none':>14}",
    ]
    if row["replay_bytes"] is not None:
        lines.append(f"{'model R2: the ids that give all of it again':44}{bytes_text(row['replay_bytes']):>14}")
    lines += [
        f"{'f_hat, which the sampler keeps beside it':44}{bytes_text(row['f_hat_bytes']):>14}",
        "",
        f"{'':30}{'all scales':>14}{'last scale':>14}",
        f"{'error of logits, relative':30}{row['logit_error']:>14.3g}{row['logit_error_last']:>14.3g}",
        f"{'ids drawn differently':30}{row['ids_differ']:>14.2%}{row['ids_differ_last']:>14.2%}",
        "",
        f"{row['seconds']:.2f} s, and {row['seconds_full']:.2f} s with the full cache. "
        + (
            "The run went on with its own ids, so that errors add up over scales."
            if row["free_running"]
            else "Every scale got the full run's ids: its error is that of its own attention."
        ),
        "The floor binds caches that answer any keys and values within eta; a state below it gives no such guarantee.",
    ]
    return "\n".join(lines)


def _weights(row: Mapping[str, Any]) -> str:
    """Where weights and draws come from."""
    if row["weights"] == f"random weights, seed {row['seed']}":
        return f"random weights and draws of seed {row['seed']}"
    return f"weights {shortened(row['weights'])}, draws of seed {row['seed']}"


def shortened(digest: str) -> str:
    """A digest of weights by its first digits, which tell files apart."""
    kind, _, digits = digest.partition(":")
    return f"{kind}:{digits[:DIGITS_TOLD]}..." if len(digits) > DIGITS_TOLD else digest


DIGITS_TOLD = 12


def ranks_table(model: str, phi: str, rows: Sequence[Mapping[str, Any]]) -> Fitted:
    """A table of ranks with one line per scale."""
    table = Fitted(
        title=f"{model}, one channel, {phi}: dimensions that earlier ids reach, exactly",
        caption="rank: of the input of the scale; alone: from the ids of the scale before; joint: of the inputs of all "
        "scales up to this one",
    )
    for column in ("scale", "tokens", "earlier ids", "rank", "alone", "f_hat", "joint"):
        table.add_column(column, justify="right")
    for row in rows:
        keys = ("scale", "n_tokens", "n_earlier", "rank", "rank_of_last", "f_hat_rank", "joint_rank")
        table.add_row(*(f"{row[key]:,}" for key in keys))
    return table


def value_space_text(space: Mapping[str, Any]) -> str:
    """The dimension of first-layer values in a sentence."""
    dimension, content = space["dimension"], space["content_dim"]
    return (
        "Values of one token in a head of the first layer span an affine space of dimension exactly "
        f"{dimension} = min({space['head_dim']}, {content} + 1):\ncontent, and one for the layer norm. Singular values "
        f"{dimension} and {dimension + 1} of {space['samples']} contents: {space['kept']:.2g} and {space['next']:.2g}."
    )


def realisation_text(found: Mapping[str, Any]) -> str:
    """The result of solving for free keys and values, in a few lines."""
    layers = found["layers"]
    return "\n".join(
        [
            f"{found['model']}: W_K and W_V solved in layers {layers[0]} to {layers[-1]} of "
            f"{counted(found['n_heads'], 'head')}, "
            f"{found['n_tokens']} tokens, {counted(found['branches'], 'CFG branch', 'CFG branches')}: "
            f"{counted(found['streams'], 'free stream')} at once.",
            "",
            f"{'keys: distance from the unit rows asked for':48}{found['key_error']:>10.2g}",
            f"{'values: distance from the signs asked for':48}{found['value_error']:>10.2g}",
            f"{'what float64 explains, up to a small factor':48}{found['expected_error']:>10.2g}   "
            f"= 2^-53 x {found['condition']:.3g} x sqrt({found['branches'] * found['n_tokens']})",
            "",
            "Distances are the largest of any entry, in a forward pass of the changed network; the number in the",
            "middle is the largest condition number of a layer's rows. Layers do not add up: each has its own input.",
            f"Why it can be: {found['why']}.",
        ]
    )


def sums_table(model: str, rows: Sequence[Mapping[str, Any]]) -> Fitted:
    """A table of how many streams count, with one line per assumption."""
    table = Fitted(title=f"{model}: how often the floor of one head counts")
    for column in ("model", "streams", "layers", "kv heads", "branches"):
        table.add_column(column, justify="left" if column == "model" else "right", no_wrap=True)
    table.add_column("why", overflow="fold")
    for row in rows:
        counts = (row["streams"], row["layers"], row["kv_heads"], row["branches"])
        table.add_row(
            f"{row['computation_model']}, {row['assumption']}", *(f"{count:,}" for count in counts), row["why"]
        )
    return table
