"""Structures: which priors lower the floor, by how much, and the caches that meet the lowered floor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import (
    DEFAULT_DELTA,
    DEFAULT_ETA,
    MOST_TRIALS,
    DeltaOption,
    EtaOption,
    InstanceSeedOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    instances_of,
    print_json,
    progress,
    working,
)
from lowerbound.cli.place import Place, at_a_place
from lowerbound.errors import InvalidArgument, printable
from lowerbound.report.terminal import say


def complete_prior(incomplete: str) -> list[str]:
    """The names of priors that begin with `incomplete`."""
    from lowerbound.core.priors.table import PRIORS

    return [name for name in PRIORS if name.startswith(incomplete)]


@at_a_place
def structures(
    place: Place,
    model: ModelArgument = None,
    named: ModelOption = None,
    priors: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", metavar="NAME", help="One prior, or a list: a,b; default: all.", autocompletion=complete_prior
        ),
    ] = None,
    eta: EtaOption = DEFAULT_ETA,
    delta: DeltaOption = DEFAULT_DELTA,
    trials: Annotated[
        int, typer.Option("--trials", min=1, max=MOST_TRIALS, help="Independent members of each class.")
    ] = 4,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    trace: Annotated[
        Path | None,
        typer.Option("--trace", metavar="FILE", help="Instead: which priors one head of a recorded trace obeys."),
    ] = None,
    layer: Annotated[int, typer.Option("--layer", min=0, help="Of the trace, from 0.")] = 0,
    head: Annotated[int, typer.Option("--head", min=0, help="Of that layer, from 0.")] = 0,
    tolerance: Annotated[
        str, typer.Option("--tolerance", metavar="X", help="How far a trace may miss a class, in units of its range.")
    ] = "0.01",
    as_json: JsonOption = False,
) -> None:
    """Show which structure of values or attention lowers the lower bound (floor), and a cache that meets it.

    Errors are additive, for values in [0, 1]; delta is the probability that a symbol of the class is misread.
    """
    if trace is not None:
        if place.is_given:
            raise InvalidArgument(
                "options of a place must be left out with --trace, whose heads have places of their own"
            )
        _of_trace(trace, layer, head, tolerance, as_json)
        return
    from lowerbound.certify.structures import StructureRow, structure_rows
    from lowerbound.core.priors.table import PRIORS, find_prior

    instances = instances_of(instance_seed)
    names = listed(priors, "--prior") or list(PRIORS)
    for name in names:
        find_prior(name)
    geometry = place.found().geometry
    rows: list[StructureRow] = []
    with progress(len(names)) as begin:
        for name in names:
            begin(name)
            rows += structure_rows(
                geometry, [name], eta=eta, delta=delta, seed=seed, trials=trials, instances=instances
            )
    if as_json:
        print_json({"model": geometry.name, "eta": eta, "delta": delta, "rows": [row.to_json() for row in rows]})
        return
    from lowerbound.report.structures import structures_table, structures_text
    from lowerbound.report.terminal import console

    console().print(structures_table(rows, geometry.name, eta))
    say(structures_text(rows))


def _of_trace(file: Path, layer: int, head: int, tolerance: str, as_json: bool) -> None:
    """Print which priors the keys and values of one head obey, and the floor of each such class."""
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.obeyed import obeyed

    with working("the priors of one head"):
        found = read_trace(file)
        keys, values = found.head(layer, head)
        asking = found.layer(layer).queries[0, head][found.schedule.rows_of(found.schedule.n_scales - 1)]
        rows = obeyed(found.schedule, keys, values, tolerance=tolerance, queries=asking, rule=found.logits)
    if as_json:
        told = [row.to_json() for row in rows]
        print_json({"trace": str(file), "layer": layer, "head": head, "tolerance": tolerance, "rows": told})
        return
    from lowerbound.report.structures import obedience_table
    from lowerbound.report.terminal import console

    console().print(obedience_table(rows, f"{printable(file.name)}, layer {layer}, head {head}", tolerance))
    say("A prior that holds here is a fact about this head of this image: empirical, never proved of any other.")
