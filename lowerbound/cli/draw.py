"""Pictures under caches: what a trained network draws when its cache forgets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.options import (
    CachesOption,
    IsolationOption,
    JsonOption,
    SeedOption,
    can_draw,
    print_json,
    progress,
)

DEFAULT_NETWORK = "digits"
MOST_PICTURES = 100


def draw(
    caches: CachesOption = None,
    network: Annotated[
        str, typer.Option("--model", metavar="NAME|FILE", help="digits, or a file of weights with a decoder.")
    ] = DEFAULT_NETWORK,
    classes: Annotated[
        list[int] | None, typer.Option("--class", metavar="N", help="Class of the pictures; default: all, in turn.")
    ] = None,
    pictures: Annotated[int, typer.Option("--pictures", min=1, max=MOST_PICTURES, help="Pictures per cache.")] = 8,
    seed: SeedOption = 0,
    guidance: Annotated[float, typer.Option("--guidance", metavar="X", help="Strength of guidance.")] = 1.5,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where the grid goes, .png, .svg or .pdf.", callback=can_draw),
    ] = None,
    isolation: IsolationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Draw pictures with the full cache, and the same pictures under each other cache.

    All runs share weights, classes and random numbers, and run freely: a wrong id of a small map changes all larger
    ones. The class enters beside the cache, so that a picture of the right class shows nothing about a cache.
    """
    from lowerbound.core.kinds import at_budgets
    from lowerbound.core.scalars import rational
    from lowerbound.game.channel import Isolation
    from lowerbound.var.simulator.drawn import Studio
    from lowerbound.var.simulator.sampling import Sampling
    from lowerbound.var.simulator.weights import source_of

    named = at_budgets(caches or ["kivi@1/8", "uniform@1/8", "h2o@1/4"], [None])
    found = source_of(network).network()
    level = None if isolation is None else Isolation(isolation.value)
    with progress(1 + pictures * len(named)) as begin:
        begin("full cache")
        studio = Studio(
            found,
            classes=classes or range(len(found.conditions) - 1),
            pictures=pictures,
            seed=seed,
            sampling=Sampling(seed, guidance),
        )
        rows = [studio.full]
        for name, share in named:
            budget = None if share is None else rational(share, name="budget")
            rows.append(studio.drawn(name, budget=budget, isolation=level, begin=begin))
    if out is not None:
        from lowerbound.report.figure import save
        from lowerbound.report.pictures import drawn_figure

        save(drawn_figure(rows, f"{found.origin.name}: the same random numbers under each cache"), out)
    if as_json:
        told = {"model": found.origin.name, "weights": found.origin.digest, "seed": seed, "classes": studio.conditions}
        print_json({**told, "rows": [row.to_json() for row in rows], "file": None if out is None else str(out)})
        return
    from lowerbound.report.pictures import drawn_text
    from lowerbound.report.terminal import console

    print(drawn_text(rows, console().width))
    if out is not None:
        print(f"written: {out}")
