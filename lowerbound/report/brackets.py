"""Texts of what is forced and what is enough: a model's bytes at several errors, and published ratios beside them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lowerbound.certify.possible import Bracket
from lowerbound.certify.published_ratios import PublishedRatio
from lowerbound.core.models import Model
from lowerbound.core.scalars import counted, percent, plainly, rounded_down, rounded_up
from lowerbound.core.sums import realised_streams
from lowerbound.game.duel import Row
from lowerbound.report.floors import COQ_ALONE
from lowerbound.report.table import label


def brackets_text(model: Model, brackets: Sequence[Bracket]) -> str:
    """The megabytes of all heads that are forced, that are enough, and that fp16 takes; a line for each error.

    What is forced is rounded down, and what is enough up.
    """
    head, streams = model.geometry, model.n_streams
    total_mb, plain = Fraction(streams, 8 * 10**6), head.cache_bits
    proofs = ", ".join(dict.fromkeys(f"Theorem {one.forced.theorem.name}, {one.forced.proof}" for one in brackets))
    lines = [
        f"{model.name}: {counted(head.n_tokens_cached, 'token')} cached before the last scale, d = {head.d}, "
        f"{counted(streams, 'stream')} (heads x layers x CFG branches).",
        "Every answer is to be within eta of the exact one, always (additive, values in [0, 1], |logit| <= "
        f"{plainly(head.largest_logit)}; model R1).",
        "",
        f"{'eta':>8}{'every cache keeps':>26}{'a proved cache needs':>26}{'fp16 cache':>16}",
    ]
    for one in brackets:
        least, most = one.forced.bits, one.enough.bits
        forced = f"{rounded_down(least * total_mb, 3)} MB{rounded_down(Fraction(100 * least, plain), 1):>7} %"
        enough = f"{rounded_up(most * total_mb, 3)} MB{rounded_up(Fraction(100 * most, plain), 1):>7} %"
        lines.append(f"{plainly(one.eta):>8}{forced:>26}{enough:>26}{rounded_up(plain * total_mb, 3):>13} MB")
    return "\n".join(
        [
            *lines,
            "",
            f"Who says so: {proofs}; the proved caches are fixed-length codes that exist.",
            *(
                COQ_ALONE[name]
                for name in dict.fromkeys(one.forced.theorem.name for one in brackets)
                if name in COQ_ALONE
            ),
            f"The sums assume {counted(streams, 'independent stream')}; free at once in one network: "
            f"{realised_streams(model).streams}.",
        ]
    )


def misreading_text(rows: Sequence[Row]) -> str:
    """What the caches that compress fp16 misread of each kind of symbols: the least and the largest share of them."""
    compressed = [row for row in rows if row.measured_ratio > 1]
    if not compressed:
        return ""
    told = []
    for number, part in enumerate(compressed[0].parts):
        shares = [row.parts[number].error for row in compressed]
        told.append(f"{percent(min(shares))} to {percent(max(shares))} of {part.name}")
    one = len(compressed) == 1
    who = (
        "The one that is smaller than fp16 misreads"
        if one
        else f"The {len(compressed)} that are smaller than fp16 misread"
    )
    return f"{who} {' and '.join(told)}."


def too_short_text(one: Bracket, rows: Sequence[Row]) -> str:
    """The KV caches that misread nothing in a game, with messages so short that they must misread elsewhere."""
    short = [
        label(row)
        for row in rows
        if row.is_kv_cache and not row.errors and row.state_bits < one.forced.bits * row.heads
    ]
    if not short:
        return ""
    return (
        f"With secret keys and logits up to {plainly(one.geometry.largest_logit)}, Theorem {one.forced.theorem.name} "
        f"({one.forced.proof}) forces {one.forced.bits:,} bits per head at eta = {plainly(one.eta)}: a cache whose "
        f"messages are all as short as those of {', '.join(short)} "
        "breaks its promise on some instance, though on none that was played here."
    )


def ratios_text(ratios: Sequence[PublishedRatio], brackets: Sequence[Bracket]) -> str:
    """Published ratios, and at each error whether they are possible for the head of the brackets."""
    lines = [f"{'system':32}{'ratio':>6}" + "".join(f"{'eta = ' + plainly(one.eta):>14}" for one in brackets)]
    lines += [
        f"{ratio.system:32}{float(ratio.ratio):>6.2f}" + "".join(f"{one.word(ratio.ratio):>14}" for one in brackets)
        for ratio in ratios
    ]
    return "\n".join(lines)
