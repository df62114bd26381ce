"""Texts of the commands on traces: the file, its heads, its check, caches on it, its distance from the worst case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from statistics import median

from lowerbound.core.scalars import counted, rounded_down, rounded_up
from lowerbound.errors import printable
from lowerbound.game.recorded import RecordedReduction
from lowerbound.report.fitted import Fitted
from lowerbound.report.pipeline import bytes_text, shortened
from lowerbound.var.trace.check import HeadCheck
from lowerbound.var.trace.file import Trace
from lowerbound.var.trace.inspect import HeadFacts
from lowerbound.var.trace.keys import MULTIPLIERS, KeyFacts, RecordedHead, by_map
from lowerbound.var.trace.play import Distance, HeadFloor, PlayedTrace, Point, label
from lowerbound.var.trace.record import Recorded

MEDIANS = "median [least, most] of heads and branches"
NEVER_PROVED = "Empirical, never proved: it is what these caches needed on this one image."
MOST_SHARED = 4
"""The number of groups of heads that are listed."""


def trace_text(trace: Trace) -> str:
    """A trace in two lines, and in a third one the heads that share keys and values, if there are any."""
    schedule = trace.schedule
    prompts = f", {schedule.n_context} of them of the prompt" if schedule.n_context else ""
    lines = [
        f"{trace.path.name}: {trace.model_name}, image {trace.metadata.get('image', 'unknown')}, "
        f"{counted(trace.n_layers, 'layer')} x {counted(trace.n_heads, 'head')} x "
        f"{counted(trace.n_branches, 'branch', 'branches')}, d = {trace.d}",
        f"{counted(schedule.n_tokens, 'token')} ({schedule.n_tokens_cached} before the last scale{prompts}) of maps "
        f"{schedule}; logits {trace.rule}, computed in {_types(trace)}",
    ]
    shared = [heads for heads in trace.streams if len(heads) > 1]
    if shared:
        told = [f"heads {_listed(heads)} share keys and values" for heads in shared[:MOST_SHARED]]
        more = [counted(len(shared) - MOST_SHARED, "more such group")] if len(shared) > MOST_SHARED else []
        lines.append(
            f"{'; '.join([*told, *more])}: {counted(len(trace.streams), 'stream')} per layer, each counted once"
        )
    return "\n".join(map(printable, lines))


def _weights(trace: Trace) -> str:
    """The weights in words: random ones by their seed, those of a file by name and digest."""
    told = trace.weights
    return (
        told
        if told.startswith("random")
        else f"the weights {trace.metadata.get('weights', 'of a file')} ({shortened(told)})"
    )


def _types(trace: Trace) -> str:
    """The type in which attention was computed, and those in which it is stored, if they are others."""
    return trace.dtype if trace.stored == (trace.dtype,) else f"{trace.dtype}, stored in {' and '.join(trace.stored)}"


def _listed(heads: Sequence[int]) -> str:
    """Two or more numbers in words: 0 and 1; 0 to 3; 0, 2 and 5."""
    if len(heads) > 2 and heads[-1] - heads[0] == len(heads) - 1:
        return f"{heads[0]} to {heads[-1]}"
    return f"{', '.join(map(str, heads[:-1]))} and {heads[-1]}"


def recorded_text(recorded: Recorded) -> str:
    """The recorded trace, where its ids come from, and the size of its file."""
    weights = f"The network has {_weights(recorded.trace)}"
    if recorded.missed is None:
        what = f"{weights}; it drew its own ids."
    else:
        what = (
            f"{weights}; its ids are\nan image of {recorded.image}, quantised with its "
            f"codebook, which misses {recorded.missed:.0%} of the image (Euclidean)."
        )
    size = bytes_text(recorded.trace.path.stat().st_size)
    return f"{trace_text(recorded.trace)}\n{what} Written: {size}."


def facts_table(trace: Trace, facts: Sequence[HeadFacts], *, by_head: bool) -> Fitted:
    """One line per layer with the median, least and largest value over its heads; or one line per head."""
    table = Fitted(
        title=f"{printable(trace.path.name)}: {'heads' if by_head else MEDIANS}",
        caption="lambda: largest logit that queries can ask; mu: largest cosine of two cached keys; addressable: share "
        "of keys that get half the weight of a query along them; ranks: effective, of the cached rows; entropy: of the "
        "weights of a query of the last scale; 90 %: keys that hold as much of them",
    )
    columns: dict[str, Callable[[HeadFacts], float]] = {
        "lambda": lambda row: row.multiplier,
        "mu": lambda row: row.coherence,
        "lambda (1 - mu)": lambda row: row.gap,
        "addressable": lambda row: row.addressable,
        "rank K": lambda row: row.rank_keys,
        "rank V": lambda row: row.rank_values,
        "entropy, bits": lambda row: row.entropy_bits,
        "keys for 90 %": lambda row: row.keys_for_mass,
    }
    names = ("layer", "head", "branch") if by_head else ("layer",)
    for column in (*names, *columns):
        table.add_column(column, justify="left" if column == "branch" else "right", overflow="fold")
    if by_head:
        for row in facts:
            table.add_row(str(row.layer), str(row.head), row.branch, *(_short(of(row)) for of in columns.values()))
        return table
    for layer in dict.fromkeys(row.layer for row in facts):
        own = [row for row in facts if row.layer == layer]
        table.add_row(str(layer), *(_spread([of(row) for row in own], "\n") for of in columns.values()))
    return table


def keys_table(trace: Trace, rows: Sequence[KeyFacts]) -> Fitted:
    """One line per head: its own lambda, and how many of its cached tokens can be addressed at several lambdas."""
    table = Fitted(
        title=f"{printable(trace.path.name)}: cached tokens that can be addressed by their recorded keys, of "
        f"{trace.schedule.n_tokens_cached}",
        caption="lambda: of the head's own queries, learned; mu, mean cosine: largest and mean cosine of a cached key "
        "with any other key; the other columns: tokens that get more than half of the weight of a query along their "
        "key, at lambda = 5, 20, 50, 100 and at the head's own; own weight: the least share of a token, and the "
        f"median, at lambda = {MULTIPLIERS[-1]}",
    )
    for column in ("layer", "head", "branch", "lambda", "mu", "mean cosine", *map(str, MULTIPLIERS), "own", "least"):
        table.add_column(column, justify="left" if column == "branch" else "right", overflow="fold")
    table.add_column("median", justify="right")
    for row in rows:
        place = (str(row.layer), str(row.head), row.branch)
        counts = [*(reading.addressable for reading in row.readings), row.at_learned.addressable]
        measured = (row.learned, row.coherence, row.mean_cosine)
        weights = (row.readings[-1].least, row.readings[-1].median)
        table.add_row(*place, *map(_short, measured), *map(str, counts), *(rounded_down(x, 3) for x in weights))
    return table


def keys_text(head: RecordedHead, plan: RecordedReduction) -> str:
    """The recorded keys of a game: own weights at several lambdas, the learned one marked, and the tokens asked for."""
    facts, schedule = head.facts, plan.schedule
    sizes = [schedule.tokens_at(scale) for scale in range(schedule.n_scales - 1)]
    readings = sorted([*facts.readings, facts.at_learned], key=lambda reading: reading.multiplier)
    lines = [
        f"recorded keys, {head.geometry.name} ({head.trace.path.name}): largest cosine of a cached key "
        f"{facts.coherence:.4f}, mean {facts.mean_cosine:.4f}",
        *(
            f"  lambda {_short(reading.multiplier)}{' (learned)' if reading is facts.at_learned else ''}: "
            f"{reading.addressable} of {facts.cached} cached tokens addressable ({_of_maps(reading.maps, sizes)}), "
            f"own weight at least {rounded_down(reading.least, 4)}, median {rounded_down(reading.median, 4)}"
            for reading in readings
        ),
        f"played at lambda {_short(float(plan.multiplier))}, {counted(plan.grid.n_levels, 'level')}: "
        f"{len(plan.readable)} of {facts.cached} tokens can be read "
        f"({_of_maps(by_map(schedule, plan.readable), sizes)}), "
        f"others take at most {rounded_up(plan.leakage, 6)} of the weight",
    ]
    left = facts.cached - len(plan.readable)
    if left:
        lines.append(f"not readable, so not asked for, and of the public value 0: {counted(left, 'token')}")
    return "\n".join(map(printable, lines))


def _of_maps(counts: Sequence[int], sizes: Sequence[int]) -> str:
    return "maps " + " ".join(f"{count}/{size}" for count, size in zip(counts, sizes, strict=True))


def checks_table(trace: Trace, checks: Sequence[HeadCheck]) -> Fitted:
    """One line per layer: the worst of its heads."""
    table = Fitted(
        title=f"{printable(trace.path.name)}: outputs against attention of its own q, k, v",
        caption=f"allowed: derived for {_types(trace)}, entry by entry; of it: the largest quotient, above 1 refutes; "
        "undecided rows: those whose allowance is no smaller than the spread of the values",
    )
    for column in ("layer", "largest error", "largest allowed", "of it", "undecided rows", "verdict"):
        table.add_column(column, justify="left" if column == "verdict" else "right")
    for layer in dict.fromkeys(check.layer for check in checks):
        own = [check for check in checks if check.layer == layer]
        worst = max(own, key=lambda check: check.excess)
        counts = Counter(check.verdict for check in own)
        said = ", ".join(f"{verdict} {count}/{len(own)}" for verdict, count in sorted(counts.items()))
        table.add_row(
            str(layer),
            f"{max(check.error for check in own):.3g}",
            f"{max(check.allowed for check in own):.3g}",
            f"{worst.excess:.3g}",
            f"{sum(check.undecided for check in own) / len(own):.1%}",
            said if len(counts) > 1 else next(iter(counts)),
        )
    return table


def played_table(trace: Trace, rows: Sequence[PlayedTrace]) -> Fitted:
    """One line per cache: its bytes, and its errors on the last scale."""
    table = Fitted(
        title=f"{printable(trace.path.name)}: caches on the trace",
        caption="state: measured, before the last scale, all layers, heads and branches, with 16 bytes each for the "
        "range of values; errors of the last scale's answers over that range",
    )
    for column in ("cache", "state", "of fp16", "mean error", "worst error", "where"):
        table.add_column(column, justify="left" if column in ("cache", "where") else "right")
    for row in rows:
        table.add_row(
            label(row.cache, row.budget),
            bytes_text(row.state_bytes),
            f"{row.state_bytes / row.fp16_bytes:.1%}",
            f"{row.mean_error:.3g}",
            f"{row.worst_error:.3g}",
            f"layer {row.worst_layer}, head {row.worst_head}, {row.worst_branch}",
        )
    return table


def points_table(trace: Trace, points: Sequence[Point]) -> Fitted:
    """The measured rate and distortion of every cache, over the heads that were played."""
    fp16 = trace.geometry.cache_bits
    table = Fitted(
        title=f"{printable(trace.path.name)}: rate and distortion, each head alone; {MEDIANS}",
        caption=f"bits of one head's state, 128 for the range of its values included (fp16: {fp16:,}); errors over "
        "that range",
    )
    for column in ("cache", "bits", "of fp16", "mean error", "worst error"):
        table.add_column(column, justify="left" if column == "cache" else "right")
    for name in dict.fromkeys(label(point.cache, point.budget) for point in points):
        own = [point for point in points if label(point.cache, point.budget) == name]
        bits = median(point.bits for point in own)
        table.add_row(
            name,
            f"{bits:,.0f}",
            f"{bits / fp16:.1%}",
            _scale([point.mean_error for point in own]),
            _scale([point.worst_error for point in own]),
        )
    return table


def floors_text(trace: Trace, told: Sequence[HeadFloor]) -> str:
    """The worst case of one head, with one line per error."""
    cached, fp16 = trace.schedule.n_tokens_cached, trace.geometry.cache_bits
    lines = [
        f"The worst case of one head of T = {cached}, d = {trace.d}, |logit| <= 100 ({fp16:,} bits in fp16), answers "
        "never off by more than eta:"
    ]
    for floor in told:
        forced = "no theorem speaks" if floor.bits is None else f"{floor.bits:,} bits forced"
        by = "" if floor.bits is None else f" (Theorem {floor.theorem}, {floor.proof})"
        lines.append(f"  eta = {floor.eta:8} {forced}{by}; {floor.achieved_bits:,} proved to suffice")
    return "\n".join(lines)


def distances_table(trace: Trace, rows: Sequence[Distance], *, by_head: bool) -> Fitted:
    """Bits that sufficed on this image beside the floor: one line per layer and error, or per head and error."""
    table = Fitted(
        title=f"{printable(trace.path.name)}: bits that sufficed here, beside the floor of the worst case",
        caption="here: the smallest state of the caches played whose worst answer on this trace is within eta; "
        "x floor: below 1, easier than the worst case" + ("" if by_head else f"; {MEDIANS}"),
    )
    names = ("layer", "head", "branch", "eta") if by_head else ("layer", "eta")
    for column in (*names, "floor", "here", "x floor", "by", *(() if by_head else ("heads below",))):
        table.add_column(column, justify="left" if column in ("by", "branch") else "right", overflow="fold")
    if by_head:
        for row in rows:
            table.add_row(
                str(row.layer),
                str(row.head),
                row.branch,
                row.eta,
                _count(row.floor_bits),
                _count(row.played_bits),
                "-" if row.ratio is None else f"{row.ratio:.2f}",
                row.cache or "none played",
            )
        return table
    for layer, eta in dict.fromkeys((row.layer, row.eta) for row in rows):
        own = [row for row in rows if (row.layer, row.eta) == (layer, eta)]
        bits = [row.played_bits for row in own if row.played_bits is not None]
        ratios = [row.ratio for row in own if row.ratio is not None]
        caches = Counter(row.cache or "none played" for row in own)
        table.add_row(
            str(layer),
            eta,
            _count(own[0].floor_bits),
            f"{median(bits):,.0f}" if bits else "-",
            _spread(ratios) if ratios else "-",
            ", ".join(f"{name} x{count}" for name, count in caches.most_common(2)),
            f"{sum(ratio < 1 for ratio in ratios)}/{len(own)}",
        )
    return table


def distance_text(rows: Sequence[Distance]) -> str:
    """The answer in a few lines: how far is this image from the worst case?"""
    lines = []
    for eta in dict.fromkeys(row.eta for row in rows):
        own = [row for row in rows if row.eta == eta]
        ratios = [row.ratio for row in own if row.ratio is not None]
        missing = len(own) - len(ratios)
        said = f"median {median(ratios):.2f} times the floor, {sum(r < 1 for r in ratios)} below it" if ratios else ""
        none = f"{missing} with no such cache or no floor" if missing else ""
        lines.append(f"eta = {eta}: {'; '.join(filter(None, (said, none)))} (of {counted(len(own), 'head')})")
    return "\n".join(
        [
            *lines,
            f"{NEVER_PROVED} The floor is about the worst case:",
            "a head below it contradicts nothing, and says that this image asked less than the worst one would.",
        ]
    )


def _count(bits: int | None) -> str:
    return "-" if bits is None else f"{bits:,}"


def _short(value: float) -> str:
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def _scale(values: Sequence[float]) -> str:
    """The median, least and largest of some errors, in few digits because they spread over powers of ten."""
    return f"{median(values):.2g} [{min(values):.1g}, {max(values):.1g}]"


def _spread(values: Sequence[float], between: str = " ") -> str:
    least, most = min(values), max(values)
    return f"{_short(median(values))}{between}[{_short(least)}, {_short(most)}]"
