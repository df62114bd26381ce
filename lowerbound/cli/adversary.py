"""The adversary: search for tokens on which a cache breaks its promise, and write them down as a witness."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.options import (
    DEFAULT_ETA,
    BudgetOption,
    GuaranteedEtaOption,
    GuaranteeName,
    GuaranteeOption,
    HeadsOption,
    InstanceSeedOption,
    IsolationOption,
    JsonOption,
    LayersOption,
    SeedOption,
    can_write,
    complete_cache,
    complete_model,
    print_json,
    progress,
)
from lowerbound.cli.place import Place, at_a_place, stacked
from lowerbound.core.kinds import with_budget
from lowerbound.errors import InvalidArgument, printable
from lowerbound.report.terminal import say


@at_a_place
def attack(
    place: Place,
    cache: Annotated[
        str,
        typer.Argument(
            metavar="CACHE",
            help="A name of `lowerbound caches`, package.module:Class or exec:COMMAND; NAME@F gives it its budget.",
            autocompletion=complete_cache,
        ),
    ],
    named: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="MODEL",
            help="Attack on one head of MODEL; default: the smallest place that breaks.",
            autocompletion=complete_model,
        ),
    ] = None,
    budget: BudgetOption = None,
    eta: GuaranteedEtaOption = DEFAULT_ETA,
    guarantee: GuaranteeOption = GuaranteeName.ADDITIVE,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where the witness goes.", callback=can_write)
    ] = None,
    layers: LayersOption = None,
    heads: HeadsOption = None,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    isolation: IsolationOption = None,
    time_limit: Annotated[float, typer.Option("--time-limit", metavar="SECONDS", help="For the search.")] = 30.0,
    as_json: JsonOption = False,
) -> None:
    """Attack CACHE: search for tokens on which its answers break its error guarantee.

    Exit code 1 if there are such tokens, 0 if none were found.
    """
    from lowerbound.caches.registry import target_of
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.game.channel import Isolation, strongest
    from lowerbound.game.hearing import Hearings

    name, at, share = with_budget(cache)
    if at and budget is not None:
        raise InvalidArgument(f"the budget must be given once, got {share!r} in the name and {budget!r}")
    geometry = stacked(place, layers, heads) if place.is_given else None
    level = strongest() if isolation is None else Isolation(isolation.value)
    hearings = Hearings(target_of(name), isolation=level)
    with closing(hearings), progress(0) as watch:
        # What follows is imported while the process starts in which a violation will be confirmed.
        from lowerbound.adversary.outcome import Broken
        from lowerbound.adversary.search import attack as run
        from lowerbound.certify.witness import witness
        from lowerbound.report.attacks import attack_table, broken_text, not_broken_text, seed_text
        from lowerbound.report.terminal import console

        outcome = run(
            name,
            geometry=geometry,
            budget=share if at else budget,
            eta=eta,
            guarantee=guarantee.value,
            seed=seed,
            instances=None if instance_seed is None else PrivateSeed.parse(instance_seed),
            isolation=level,
            time_limit_s=time_limit,
            on_try=watch,
            fresh=hearings,
        )
    if not isinstance(outcome, Broken):
        if as_json:
            print_json({**outcome.to_json(), "bytes": None, "file": None})
        else:
            say(not_broken_text(outcome))
            say(seed_text(outcome))
            console().print(attack_table(outcome))
            print("NOT BROKEN")
        return
    document = witness(name, outcome.violation)
    if out is not None:
        out.write_bytes(document)
    if as_json:
        print_json({**outcome.to_json(), "bytes": len(document), "file": None if out is None else str(out)})
        raise typer.Exit(1)
    say(broken_text(outcome))
    say(seed_text(outcome))
    print(f"witness: {len(document):,} bytes" + ("; -o FILE keeps it" if out is None else f" in {printable(str(out))}"))
    console().print(attack_table(outcome))
    print("BROKEN")
    raise typer.Exit(1)
