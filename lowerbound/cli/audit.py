"""The audit: anybody's cache, unmodified, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from lowerbound.cli.grammar import show_traceback
from lowerbound.cli.options import (
    DEFAULT_ETA,
    EtaOption,
    InstanceSeedOption,
    IsolationOption,
    JsonOption,
    ModelOption,
    SeedOption,
    can_write,
    instances_of,
    print_json,
    progress,
)
from lowerbound.cli.place import Place, at_a_place
from lowerbound.errors import InvalidArgument, LowerBoundError

InitOption = Annotated[
    str | None,
    typer.Option(
        "--init",
        metavar="JSON",
        help='Keyword arguments of the constructor; "{config}" in it stands for a model\'s configuration.',
    ),
]
AfterOption = Annotated[
    str | None, typer.Option("--after", metavar="MODULE:FUNCTION", help="Called with the object after every scale.")
]
ReadOption = Annotated[
    str | None,
    typer.Option(
        "--read", metavar="MODULE:FUNCTION", help="Called with the object and a layer; returns its keys and values."
    ),
]


@at_a_place
def audit(
    place: Place,
    target: Annotated[
        str | None,
        typer.Argument(
            metavar="TARGET",
            help="transformers:MODULE:CLASS, cache:MODULE:EXPRESSION, kvpress:MODULE:CLASS, "
            "codec:MODULE:ENCODE,DECODE, patch:MODULE:FUNCTION, or whatever `play` takes.",
        ),
    ] = None,
    init: InitOption = None,
    after: AfterOption = None,
    read: ReadOption = None,
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype", metavar="FORMAT", help="Of the rows handed over: float16 (default), bfloat16, float32."
        ),
    ] = None,
    claim: Annotated[
        str | None,
        typer.Option("--claim", metavar="X", help="The compression of fp16 that is claimed; default: its own meter."),
    ] = None,
    named: ModelOption = None,
    eta: EtaOption = DEFAULT_ETA,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    isolation: IsolationOption = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For each step of the cache's process.")
    ] = 120.0,
    attack_time: Annotated[
        float, typer.Option("--attack-time", metavar="SECONDS", min=0, help="For each attack; 0 attacks nothing.")
    ] = 8.0,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where a witness goes.", callback=can_write)
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write the report as one HTML file.", callback=can_write),
    ] = None,
    badge: Annotated[
        Path | None,
        typer.Option("--badge", metavar="FILE", help="Write the verdict as an SVG badge.", callback=can_write),
    ] = None,
    installed: Annotated[
        bool, typer.Option("--all-installed", help="Audit what every installed package offers, as a table.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Audit a cache: what it claims, holds and sends, and what it breaks.

    Exit code 0 if it keeps its promise, 1 if not, 2 if it cannot be played.
    """
    from lowerbound.core.kinds import is_wrapped
    from lowerbound.foreign.audit import audit as run
    from lowerbound.foreign.defendant import Defendant
    from lowerbound.foreign.outcome import witness_of
    from lowerbound.foreign.verdict import Finding
    from lowerbound.game.channel import Isolation

    geometry = place.found().geometry
    terms: dict[str, Any] = {
        "model": geometry,
        "eta": eta,
        "seed": seed,
        "instances": instances_of(instance_seed),
        "isolation": None if isolation is None else Isolation(isolation.value),
        "time_limit_s": time_limit,
        "attack_s": attack_time,
        "on_refusal": show_traceback,
    }
    if installed:
        if target is not None or html is not None or badge is not None or out is not None:
            raise InvalidArgument("--all-installed must be given alone, or with --json")
        _all_installed(terms, as_json)
        return
    if target is None:
        raise InvalidArgument("audit must name one target, such as transformers:MODULE:CLASS, got none")
    defendant = (
        Defendant.parse(target).with_options(init=init, after=after, read=read, dtype=dtype)
        if is_wrapped(target)
        else target
    )
    if not is_wrapped(target) and (init or after or read or dtype):
        raise InvalidArgument(
            f"--init, --after and --read must be left out for {target!r}, which is no KIND:MODULE:NAME"
        )
    with progress(0) as watch:
        found = run(defendant, claim=claim, on_step=watch, **terms)
    document = witness_of(found)
    if out is not None and document is not None:
        out.write_bytes(document)
    told = found.to_json(str(out) if out is not None and document is not None else None)
    if html is not None:
        from lowerbound.report.audit_page import page

        html.write_text(page(told), encoding="utf-8")
    if badge is not None:
        from lowerbound.report.audit import badge as drawn

        badge.write_text(drawn(told), encoding="utf-8")
    if as_json:
        print_json(told)
    else:
        from lowerbound.report.audit import audit_text

        audit_text(told)
    raise typer.Exit({Finding.KEEPS: 0, Finding.REFUSED: 2}.get(found.verdict, 1))


def _all_installed(terms: dict[str, Any], as_json: bool) -> None:
    from lowerbound.foreign.audit import audit as run
    from lowerbound.foreign.installed import offered
    from lowerbound.foreign.verdict import Finding
    from lowerbound.report.audit import audit_table, skipped_text
    from lowerbound.report.terminal import console

    targets, skipped = offered()
    found = []
    with progress(len(targets)) as watch:
        for target in targets:
            watch(target.name)
            try:
                found.append(run(target, **terms).to_json())
            except LowerBoundError as error:
                show_traceback(error)
                skipped[target.name] = str(error)
    if as_json:
        print_json({"audits": found, "skipped": skipped})
    elif found:
        console().print(audit_table(found))
    if not as_json:
        print(skipped_text(targets, skipped))
    raise typer.Exit(0 if all(each["verdict"] == Finding.KEEPS for each in found) else 1)
