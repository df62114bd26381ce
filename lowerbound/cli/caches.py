"""The known caches: their list, a description of one, and a cache to start from."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lowerbound.cli.grammar import show_traceback
from lowerbound.cli.options import JsonOption, complete_cache, print_json, progress, working
from lowerbound.errors import LowerBoundError, printable


def caches(
    describe: Annotated[
        str | None,
        typer.Option(
            "--describe",
            metavar="NAME",
            help="Describe one cache: idea, formula, bits, what breaks it.",
            autocompletion=complete_cache,
        ),
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print a cache to start from: save it as mine.py.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """List the caches that can be played by name."""
    if template:
        _print_template(as_json)
    elif describe is not None:
        _print_description(describe, as_json)
    else:
        _print_known(as_json)


def _print_known(as_json: bool) -> None:
    """The known caches; one of another package that cannot be asked costs its own row alone."""
    from lowerbound.caches.registry import known_caches
    from lowerbound.game.channel import strongest
    from lowerbound.game.duel import describe

    listed, failures, known = [], [], known_caches()
    with progress(len(known)) as begin:
        for name, target in known.items():
            begin(name)
            try:
                facts = describe(target, strongest())
            except LowerBoundError as error:
                failures.append((name, error))
                continue
            listed.append(
                {
                    "name": name,
                    "family": facts.family,
                    "is_kv_cache": facts.is_kv_cache,
                    "reference": facts.reference,
                    "budget": facts.budget_meaning or None,
                    "default_budget": facts.default_budget,
                    "computation_model": facts.computation_model,
                    "idea": facts.idea,
                }
            )
    if as_json:
        told = [{"cache": name, "kind": type(each).__name__, "message": str(each)} for name, each in failures]
        print_json({"caches": listed, "failures": told})
    else:
        from lowerbound.report.table import caches_table
        from lowerbound.report.terminal import console

        console().print(caches_table(listed))
    for name, refusal in failures:
        show_traceback(refusal)
        print(f"error: {name}: {refusal}", file=sys.stderr)
    if failures:
        raise typer.Exit(max(refusal.exit_code for _, refusal in failures))


def _print_template(as_json: bool) -> None:
    from lowerbound.caches.description import template

    if as_json:
        print_json({"template": template()})
    else:
        print(template(), end="")


def _print_description(name: str, as_json: bool) -> None:
    from lowerbound.caches.description import description

    with working(f"{printable(name)} is asked what it says of itself"):
        told = description(name)
    if as_json:
        print_json(told)
        return
    from lowerbound.report.table import description_text

    print(description_text(told))
