"""The results of the games of models R2 and R3, in tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from lowerbound.certify.theorems import FIBRES
from lowerbound.core.scalars import counted


def _map(sides: Sequence[int]) -> str:
    return "x".join(map(str, sides))


def inverse_text(threshold: float) -> str:
    """A threshold as 1/x with x rounded up to one decimal, so that the text never exceeds the threshold."""
    return f"1/{math.ceil(10 / threshold) / 10:,.1f}"


def replay_text(told: Mapping[str, Any]) -> str:
    """The bits needed beside the bits that are enough, and the threshold of every scale."""
    game = "whole state" if told["game"] == "state" else "cache alone"
    lines = [
        f"{told['model']}, the game of the {game}; model R2: weights are public, ids are not",
        f"the message: {told['message']}",
        f"the promise: outputs of the last scale within eta of the range of values; positions: {told['positions']}",
        "",
        f"{'scale':>5}  {'read from':>9}{'ids kept':>10}{'rows':>7}{'kappa':>10}{'F':>9}{'eta':>12}",
    ]
    for row in told["scales"]:
        shown = f"{row['scale']:>5}  {_map(row['read_from']):>9}{row['ids']:>10,}{row['rows_read']:>7,}"
        if row["kappa"] is None:
            lines.append(f"{shown}{'-':>10}{row['largest_content']:>9.3f}{'frozen':>12}")
        else:
            lines.append(f"{shown}{row['kappa']:>10.3f}{row['largest_content']:>9.3f}{row['threshold']:>12.4e}")
    wrong = "" if told["delta"] == 0 else f", the block wrong with probability {told['delta']:g}"
    lines += [
        "",
        f"{'needed':10}{told['bits']:>16,} bits  at eta = {told['eta']:.6g}{wrong}; {told['ids']:,} ids of "
        f"{told['id_bits']} bits, {counted(told['rows_read'], 'row')} of {counted(told['heads'], 'head')}",
        f"{'enough':10}{told['ceiling_bits']:>16,} bits  keep the ids, run the network again",
        f"{'fp16 cache':10}{told['fp16_cache_bits']:>16,} bits  all layers, heads and branches",
        "",
    ]
    if told["exact"]:
        lines.append(f"EXACT: what is enough is needed, at every eta < {inverse_text(told['threshold'])}.")
    elif told["delta"] > 0 and told["eta"] < told["threshold"]:
        lines.append("All ids are determined; the failure probability lowers the floor.")
    else:
        lines.append(
            f"All ids are determined below eta = {inverse_text(told['threshold'])}; from there on this is a floor that "
            "no ceiling is known to meet."
        )
    lines.append(told["proof"] + ".")
    return "\n".join(lines)


def fibre_text(told: Mapping[str, Any]) -> str:
    """The result of the game of model R3, in which f_hat is known."""
    codebook = told["codebook"]
    which = (
        "almost every codebook"
        if codebook["kind"] == "generic"
        else (f"{codebook['levels']} levels in {counted(codebook['channels'], 'channel')}")
    )
    lines = [
        f"{told['model']}, the game of f_hat; model R3: weights are public, and f_hat and r_(N-1) are known for free",
        f"{told['ids']:,} ids of r_1..r_(N-2), {which}, phi the identity, exact arithmetic",
        "",
    ]
    if told["bits"] is None:
        lines += [
            f"{'needed':10}{told['at_least_bits']:>8,} bits  at least: prefixes of constant maps share one f_hat",
            f"{'enough':10}{told['ceiling_bits']:>8,} bits  keep the ids",
            "",
            f"OPEN: {told['reason']}.",
        ]
        return "\n".join(lines)
    count = int(told["fibre"])
    shown = f"{count:,}" if count < 10**12 else f"2^{told['log2_fibre']:.2f}"
    without = f"{told['ceiling_bits']:,} bits without f_hat"
    lines += [
        f"{'unseen':10}{told['rank']:>8,} dimensions of integer maps; those with short entries are constants",
        f"{'fibre':10}{shown:>8} prefixes share one f_hat at most",
        f"{'needed':10}{told['bits']:>8,} bits  = log2 of that, {told['log2_fibre']:.2f}, rounded up; {without}",
        "",
        "EXACT: to know f_hat is almost to know the ids.",
        f"lattice judged by the kernel; theorem {FIBRES.name} {FIBRES.proof(Fraction(0))} (docs/replay.md).",
    ]
    return "\n".join(lines)


def decode_text(told: Mapping[str, Any]) -> str:
    """The number of ids that Bob misread at each error."""
    promise = "and nothing is promised to a layer that is rounded"
    if told["rounding"] == "float64":
        promise = f"so that every eta < {told['promised_below']:.6g} is promised"
    lines = [
        f"{told['model']}, {told['codebook']} codebook of {told['codes']:,} codes, {told['rounding']}: Bob reads "
        f"{counted(told['ids'], 'id')} from {counted(told['rows_read'], 'output')} of the last scale",
        f"codes {told['gap']:.3f} apart, {promise}; noise "
        f"{told['noise']}, {counted(told['trials'], 'trial')}; leak {told['leak']:.1e}, range "
        f"{told['value_range']:.3f}",
        "",
        f"{'eta':>11}{'promised':>10}{'wrong ids':>11}{'error':>9}  at scales",
    ]
    for row in told["rounds"]:
        hit = ", ".join(str(k + 1) for k, count in enumerate(row["wrong_by_scale"]) if count) or "none"
        lines.append(
            f"{row['eta']:>11.4e}{'yes' if row['promised'] else 'no':>10}{sum(row['wrong_by_scale']):>11,}"
            f"{row['error']:>9.4f}  {hit}"
        )
    return "\n".join(lines)
