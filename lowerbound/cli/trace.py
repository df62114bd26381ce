"""Traces: record one, inspect it, check it, play caches on it, and compare it with the worst case."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import (
    BudgetsOption,
    IsolationName,
    IsolationOption,
    JsonOption,
    SeedOption,
    complete_cache,
    one_model,
    print_json,
    progress,
    working,
)
from lowerbound.cli.var import DEFAULT_SIMULATED, PrecisionName, SimulatedOption
from lowerbound.core.kinds import at_budgets
from lowerbound.report.terminal import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from lowerbound.errors import LowerBoundError
    from lowerbound.game.channel import Isolation
    from lowerbound.var.trace.file import Trace
    from lowerbound.var.trace.play import Asked, Point


class ImageName(StrEnum):
    """The sources of the token ids of a recorded image."""

    RANDOM = "random"
    GRADIENT = "gradient"
    TEXTURE = "texture"
    EDGES = "edges"


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A trace: a safetensors file.")]
LayerOption = Annotated[
    int | None, typer.Option("--layer", min=0, help="One layer, from 0, head by head; default: all layers.")
]


def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the trace is written.")],
    model: SimulatedOption = None,
    image: Annotated[
        ImageName, typer.Option("--image", help="random: ids that the network draws; else a made image, quantised.")
    ] = ImageName.RANDOM,
    seed: SeedOption = 0,
    condition: Annotated[int, typer.Option("--condition", min=0, help="Class, or random text, of the image.")] = 0,
    guidance: Annotated[float, typer.Option("--guidance", metavar="X", help="Strength of guidance.")] = 1.5,
    precision: Annotated[PrecisionName, typer.Option("--precision", help="Of the network.")] = PrecisionName.FLOAT32,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Record the attention of one image in a network, of random or trained weights.

    The file holds q, k, v and outputs of every layer, head and branch.
    The page docs/traces.md explains how to record the official VAR code.
    """
    from lowerbound.var.trace.record import record as run

    with working("an image, and its attention"):
        found = run(
            file,
            model=one_model(None, model, DEFAULT_SIMULATED),
            image=image.value,
            seed=seed,
            condition=condition,
            guidance=guidance,
            precision=precision.value,
            overwrite=force,
        )
    if as_json:
        print_json({**_facts_of(found.trace), "missed": found.missed, "file_bytes": file.stat().st_size})
        return
    from lowerbound.report.trace import recorded_text

    say(recorded_text(found))


def inspect(file: FileArgument, layer: LayerOption = None, as_json: JsonOption = False) -> None:
    """Measure lambda, key coherence, ranks and sparsity of every head."""
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.inspect import inspect_layer

    trace = read_trace(file)
    rows = _measured(trace, layer, inspect_layer)
    if as_json:
        print_json({**_facts_of(trace), "heads": [row.to_json() for row in rows]})
        return
    from lowerbound.report.terminal import console
    from lowerbound.report.trace import facts_table, trace_text

    say(trace_text(trace))
    console().print(facts_table(trace, rows, by_head=layer is not None))


def keys(file: FileArgument, layer: LayerOption = None, as_json: JsonOption = False) -> None:
    """Measure which cached tokens a query could address among the recorded keys.

    A token is addressable at lambda if a query along its key gives it more than half of the weight of all keys.
    `play --keys FILE --layer L --head H` plays caches on these keys, and `certify` bounds the memory that they force.
    """
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.keys import keys_of_layer

    trace = read_trace(file)
    rows = _measured(trace, layer, keys_of_layer)
    if as_json:
        print_json({**_facts_of(trace), "heads": [row.to_json() for row in rows]})
        return
    from lowerbound.report.terminal import console
    from lowerbound.report.trace import keys_table, trace_text

    say(trace_text(trace))
    console().print(keys_table(trace, rows))


def check(file: FileArgument, layer: LayerOption = None, as_json: JsonOption = False) -> None:
    """Recompute attention and compare it with the recorded outputs.

    Every output must equal softmax attention of q, k, v within a rounding bound derived for the file's precision.

    Exit code 1 if an output is refuted, 3 if no row of some head can be decided at this precision.
    """
    from lowerbound.core.scalars import counted
    from lowerbound.var.trace.check import check_layer, verdict_of
    from lowerbound.var.trace.file import read_trace

    trace = read_trace(file)
    numbers = _layers(trace, layer)
    checks = []
    with progress(len(numbers)) as begin:
        for number in numbers:
            begin(f"layer {number}")
            checks += check_layer(trace, number)
    verdict = verdict_of(checks)
    if as_json:
        print_json({**_facts_of(trace), "verdict": verdict, "heads": [row.to_json() for row in checks]})
    else:
        from lowerbound.report.terminal import console
        from lowerbound.report.trace import checks_table, trace_text

        say(trace_text(trace))
        console().print(checks_table(trace, checks))
        print(f"{counted(len(checks), 'head')}: {verdict}")
    raise typer.Exit({"agrees": 0, "refuted": 1, "undecided": 3}[verdict])


def play(
    file: FileArgument,
    caches: Annotated[
        list[str],
        typer.Argument(metavar="CACHE...", help="As in `play`; NAME@F gives a budget.", autocompletion=complete_cache),
    ],
    budgets: BudgetsOption = None,
    seed: SeedOption = 0,
    isolation: IsolationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play caches on the trace: bytes of state, and errors.

    Each cache serves as the KV cache of the traced network; errors are those of the last scale's answers.
    """
    from lowerbound.errors import LowerBoundError
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.play import check_cached
    from lowerbound.var.trace.play import play as run

    with working("the trace, and what each cache says of itself"):
        trace = read_trace(file)
        level = _level(isolation)
        asked = _asked(caches, budgets, level)
        check_cached(trace)
    rows = []
    refusals: dict[Asked, LowerBoundError] = {}
    with progress(len(asked)) as begin:
        for each in asked:
            begin(each[0])
            try:
                rows.append(run(trace, *each, seed=seed, isolation=level))
            except LowerBoundError as error:
                refusals[each] = error
    if as_json:
        told = {"rows": [row.to_json() for row in rows], "failures": _failures(refusals)}
        print_json({**_facts_of(trace), **told})
    elif rows:
        from lowerbound.report.terminal import console
        from lowerbound.report.trace import NEVER_PROVED, played_table, trace_text

        say(trace_text(trace))
        console().print(played_table(trace, rows))
        say(NEVER_PROVED)
    _end_refused(refusals)


def compare(
    file: FileArgument,
    caches: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CACHE]...",
            help="As in `play`; default: quantisers, evictions and a low rank at several budgets.",
            autocompletion=complete_cache,
        ),
    ] = None,
    budgets: BudgetsOption = None,
    etas: Annotated[
        list[str] | None,
        typer.Option(
            "--eta",
            metavar="X",
            help="Error: additive, in units of the range of values, or a list; default: 0.1,0.01,0.001.",
        ),
    ] = None,
    layer: LayerOption = None,
    heads: Annotated[
        list[str] | None, typer.Option("--head", metavar="N", help="One head, from 0, or a list: 0,3; default: all.")
    ] = None,
    seed: SeedOption = 0,
    isolation: IsolationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what caches need on this image with the worst case.

    The table shows, head by head, the bits of caches on this image beside the certified lower bound (floor).
    Errors are in units of the range of a head's values, as those of floors are for values in [0, 1].
    """
    from lowerbound.errors import InvalidArgument, invalid
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.play import (
        DEFAULT_CACHES,
        DEFAULT_ETAS,
        check_one_headed,
        compare_layer,
        distances,
        floors,
        label,
        without,
    )

    trace = read_trace(file)
    numbers = _layers(trace, layer)
    asked_heads = listed(heads, "--head")
    for head in asked_heads:
        if not head.isdecimal() or int(head) >= trace.n_heads:
            raise invalid("--head", f"be an integer in [0, {trace.n_heads - 1}]", head, nearest=trace.n_heads - 1)
    chosen = [int(head) for head in asked_heads] or list(range(trace.n_heads))
    if budgets and not caches:
        raise InvalidArgument("--budget must come with a cache, got none; the default ones have budgets of their own")
    with working("what each cache says of itself, and floors of the worst case"):
        level = _level(isolation)
        asked = _asked(caches or [label(*each) for each in DEFAULT_CACHES], budgets, level)
        check_one_headed(asked, level)
        worst = floors(trace, listed(etas, "--eta") or DEFAULT_ETAS)
    points: list[Point] = []
    refusals: dict[Asked, LowerBoundError] = {}
    with progress(len(numbers) * len(asked)) as begin:
        for number in numbers:
            points += compare_layer(
                trace, number, asked, heads=chosen, seed=seed, on_play=begin, refusals=refusals, isolation=level
            )
    points = without(points, refusals, level)
    rows = distances(points, worst)
    if as_json:
        told = {"floors": [floor.to_json() for floor in worst], "distances": [row.to_json() for row in rows]}
        told |= {"points": [point.to_json() for point in points], "failures": _failures(refusals)}
        print_json({**_facts_of(trace), **told})
    elif points:
        from lowerbound.report.terminal import console
        from lowerbound.report.trace import distance_text, distances_table, floors_text, points_table, trace_text

        say(trace_text(trace))
        console().print(points_table(trace, points))
        say(f"\n{floors_text(trace, worst)}\n")
        console().print(distances_table(trace, rows, by_head=layer is not None))
        say(distance_text(rows))
    _end_refused(refusals)


def _layers(trace: Trace, layer: int | None) -> Sequence[int]:
    from lowerbound.errors import invalid

    if layer is None:
        return range(trace.n_layers)
    if layer >= trace.n_layers:
        raise invalid("--layer", f"lie in [0, {trace.n_layers - 1}]", layer, nearest=trace.n_layers - 1)
    return [layer]


def _measured(trace: Trace, layer: int | None, measure: Callable[[Trace, int], Sequence[Any]]) -> list[Any]:
    """What is measured of each head, layer by layer, beside a progress bar."""
    rows: list[Any] = []
    numbers = _layers(trace, layer)
    with progress(len(numbers)) as begin:
        for number in numbers:
            begin(f"layer {number}")
            rows += measure(trace, number)
    return rows


def _level(isolation: IsolationName | None) -> Isolation:
    from lowerbound.game.channel import Isolation, strongest

    return strongest() if isolation is None else Isolation(isolation.value)


def _asked(caches: Sequence[str], budgets: Sequence[str] | None, level: Isolation) -> list[Asked]:
    """Caches with their budgets; raises for an unknown name or a budget out of range before anything is played."""
    from lowerbound.core.scalars import rational
    from lowerbound.errors import invalid
    from lowerbound.var.trace.play import facts_of

    games = at_budgets(caches, listed(budgets, "--budget") or [None])
    asked = [(name, None if share is None else rational(share, name="budget")) for name, share in games]
    for name, budget in asked:
        facts_of(name, level)
        if budget is not None and not 0 < budget <= 1:
            raise invalid("budget", "lie in (0, 1], a fraction of the whole", str(budget))
    return asked


def _failures(refusals: Mapping[Asked, LowerBoundError]) -> list[dict[str, str]]:
    """The caches that have no row, and why, for JSON."""
    return [
        {"cache": name, "kind": type(error).__name__, "message": str(error)} for (name, _), error in refusals.items()
    ]


def _end_refused(refusals: Mapping[Asked, LowerBoundError]) -> None:
    """Tell the errors on standard error, and end the command with the highest of their exit codes."""
    for error in refusals.values():
        print(f"error: {error}", file=sys.stderr)
    if refusals:
        raise typer.Exit(max(error.exit_code for error in refusals.values()))


def _facts_of(trace: Trace) -> dict[str, object]:
    """The file, sizes and metadata of a trace, for JSON."""
    return {
        "file": str(trace.path),
        "schedule": str(trace.schedule),
        "n_tokens": trace.schedule.n_tokens,
        "n_tokens_cached": trace.schedule.n_tokens_cached,
        "layers": trace.n_layers,
        "heads_per_layer": trace.n_heads,
        "shared_heads": [list(heads) for heads in trace.streams if len(heads) > 1],
        "prompt_tokens": trace.schedule.n_context,
        "d": trace.d,
        "metadata": dict(trace.metadata),
    }
