"""Structures: which prior lowers the floor, by how much, and the cache that then meets it."""

from __future__ import annotations

from typing import Annotated

import typer

from lowerbound.cli.options import (
    DEFAULT_MODEL,
    DeltaOption,
    DimensionOption,
    EtaOption,
    JsonOption,
    ModelOption,
    ScheduleOption,
    SeedOption,
    geometry_of,
    print_json,
    progress,
)


def complete_prior(incomplete: str) -> list[str]:
    """Priors whose names begin so."""
    from lowerbound.core.priors.table import PRIORS

    return [name for name in PRIORS if name.startswith(incomplete)]


def structures(
    priors: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", metavar="NAME", help="One prior, or several; default: all.", autocompletion=complete_prior
        ),
    ] = None,
    model: ModelOption = DEFAULT_MODEL,
    eta: EtaOption = "0.01",
    delta: DeltaOption = "0.1",
    trials: Annotated[int, typer.Option("--trials", min=1, help="Independent members of each class.")] = 4,
    schedule: ScheduleOption = None,
    d: DimensionOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Which structure of values or attention lowers the floor, and the cache that meets it.

    Errors are additive, for values in [0, 1]; delta is the probability that a symbol of the class is misread.
    """
    from lowerbound.certify.structures import StructureRow, structure_rows
    from lowerbound.core.priors.table import PRIORS, find_prior

    names = list(dict.fromkeys(priors or PRIORS))
    for name in names:
        find_prior(name)
    geometry = geometry_of(model, schedule, d)
    rows: list[StructureRow] = []
    with progress(len(names)) as begin:
        for name in names:
            begin(name)
            rows += structure_rows(geometry, [name], eta=eta, delta=delta, seed=seed, trials=trials)
    if as_json:
        print_json({"model": geometry.name, "eta": eta, "delta": delta, "rows": [row.to_json() for row in rows]})
        return
    from lowerbound.report.structures import structures_table, structures_text
    from lowerbound.report.table import console

    console().print(structures_table(rows, geometry.name, eta))
    print(structures_text(rows))
