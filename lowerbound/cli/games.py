"""Games: play caches against the floor, and tell of the caches that there are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import (
    DEFAULT_ETA,
    BudgetsOption,
    DimensionOption,
    GuaranteedEtaOption,
    GuaranteeName,
    GuaranteeOption,
    HeadsOption,
    IsolationName,
    IsolationOption,
    JsonOption,
    KeysOption,
    LambdaOption,
    LayersOption,
    LevelsOption,
    ModelOption,
    ScheduleOption,
    SeedOption,
    complete_cache,
    geometry_of,
    one_model,
    plan_of,
    print_json,
    progress,
)
from lowerbound.errors import AccountingError, InvalidArgument, LowerBoundError, invalid

if TYPE_CHECKING:
    from lowerbound.core.reading import Kind
    from lowerbound.game.duel import Row
    from lowerbound.game.hard_family import HardFamily


class TheoremName(StrEnum):
    """How payloads in keys are read."""

    C = "C"
    ZOOM = "zoom"

    @property
    def kind(self) -> Kind:
        """Its letter in the game."""
        return "C" if self is TheoremName.C else "C'"


def play(
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CACHE...",
            help="Names of `lowerbound caches`, or package.module:Class; NAME@F gives one its own budget.",
            autocompletion=complete_cache,
        ),
    ] = None,
    programs: Annotated[
        list[str] | None,
        typer.Option("--exec", metavar="COMMAND", help="A cache in any language; the protocol is in docs/programs.md."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Play every cache, at several budgets.")] = False,
    model: ModelOption = None,
    budgets: BudgetsOption = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Independent instances.")] = 1,
    eta: GuaranteedEtaOption = DEFAULT_ETA,
    keys_and_values: Annotated[
        TheoremName | None,
        typer.Option(
            "--keys-and-values",
            help="Keys carry symbols too, read once (Theorem C) or until sure (C', zoom); eta is then additive.",
        ),
    ] = None,
    guarantee: GuaranteeOption = GuaranteeName.ADDITIVE,
    levels: LevelsOption = 2,
    multiplier: LambdaOption = None,
    keys: KeysOption = None,
    schedule: ScheduleOption = None,
    d: DimensionOption = None,
    layers: LayersOption = None,
    heads: HeadsOption = None,
    seed: SeedOption = 0,
    isolation: IsolationOption = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For each of Alice and Bob.")
    ] = 120.0,
    transcript: Annotated[
        Path | None,
        typer.Option("--transcript", metavar="FILE", help="Write down one game of one cache, for `check`."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play caches against the floor: memory, error."""
    from lowerbound.caches.registry import CACHES, adapters_at_hand

    chosen = [*(names or []), *(f"exec:{command}" for command in programs or [])]
    if not chosen and not everything:
        raise InvalidArgument("play must name at least one cache, got none; `lowerbound caches` lists them")
    all_names: list[str] = []
    if everything:
        adapters, missing = adapters_at_hand()
        all_names = [*CACHES, *adapters]
        if missing:
            print(
                f"left out, not installed: {', '.join(missing)}; pip install 'lowerbound[thirdparty]'", file=sys.stderr
            )
    subject = one_model(None, model)
    plan: HardFamily
    if keys_and_values is None:
        plan = plan_of(subject, schedule, d, eta, guarantee, levels, multiplier, keys, seed, layers, heads)
    else:
        from lowerbound.certify.design.payload_game import payload_game

        _refuse_given(context, "guarantee", "levels", "keys")
        place = geometry_of(subject, schedule, d, layers, heads)
        plan = payload_game(place, keys_and_values.kind, eta=eta, multiplier=multiplier, seed=seed)
    import_from_here()
    shares = listed(budgets, "--budget")
    if transcript is not None:
        _write_down(plan, chosen, shares, transcript, everything or trials > 1, isolation, time_limit, as_json)
        return
    rows, failures = play_all(
        plan,
        at_budgets([*chosen, *all_names], shares) if shares else at_budgets(chosen, [None]),
        trials=trials,
        isolation=isolation,
        time_limit=time_limit,
        at_standard_budgets=() if shares else all_names,
    )
    if as_json:
        print_json(
            {
                "rows": [row.to_json() for row in rows],
                "failures": [
                    {"cache": name, "kind": type(error).__name__, "message": str(error)} for name, error in failures
                ],
            }
        )
    elif rows:
        from lowerbound.report.table import console, duel_table

        console().print(duel_table(rows))
    if failures:
        raise typer.Exit(max(error.exit_code for _, error in failures))


def _refuse_given(context: typer.Context, *names: str) -> None:
    """Options that a design of keys and values settles itself."""
    for name in names:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            raise InvalidArgument(f"--{name} must be left out with --keys-and-values, whose design settles it")


def _write_down(
    plan: HardFamily,
    names: Sequence[str],
    shares: Sequence[str],
    path: Path,
    several: bool,
    isolation: IsolationName | None,
    time_limit: float,
    as_json: bool,
) -> None:
    from lowerbound.caches.registry import target_of
    from lowerbound.certify.transcript import transcript
    from lowerbound.game.channel import Isolation
    from lowerbound.game.duel import Contender
    from lowerbound.report.table import console, duel_table

    if several or len(names) != 1 or len(shares) > 1:
        raise InvalidArgument("--transcript must be given with one cache, one budget and one trial")
    ((name, share),) = at_budgets(names, shares or [None])
    played, document = transcript(
        plan,
        Contender(target_of(name), share, name),
        isolation=None if isolation is None else Isolation(isolation.value),
        time_limit_s=time_limit,
    )
    path.write_bytes(document)
    if as_json:
        print_json({"row": played.row.to_json(), "file": str(path), "bytes": len(document)})
        return
    console().print(duel_table([played.row]))
    print(f"transcript: {len(document):,} bytes in {path}")


def import_from_here() -> None:
    """Let package.module:Class name a module of the current directory, after everything installed."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)


def at_budgets(names: Sequence[str], budgets: Sequence[str | None]) -> list[tuple[str, str | None]]:
    """Every name with every budget; NAME@F with its own."""
    games: list[tuple[str, str | None]] = []
    for name in names:
        base, at, own = (name, "", "") if name.startswith("exec:") else name.partition("@")
        games += [(base, own)] if at else [(base, budget) for budget in budgets]
    return games


def play_all(
    plan: HardFamily,
    games: Sequence[tuple[str, str | None]],
    *,
    trials: int,
    isolation: IsolationName | None,
    time_limit: float,
    at_standard_budgets: Sequence[str] = (),
) -> tuple[list[Row], list[tuple[str, LowerBoundError]]]:
    """Rows of the caches that could be played, and what became of the others; an accounting error ends the game."""
    from lowerbound.caches import tournament
    from lowerbound.caches.registry import target_of
    from lowerbound.core.scalars import rational
    from lowerbound.game.channel import Isolation, strongest
    from lowerbound.game.duel import describe

    if not time_limit > 0:
        raise invalid("--time-limit", "be > 0 seconds", time_limit)
    level = strongest() if isolation is None else Isolation(isolation.value)
    asked = [(name, None if share is None else rational(share, name="budget")) for name, share in games]
    for name, share in asked:
        plan.public(share)
        describe(target_of(name), level, time_limit)
    asked += tournament.at_standard_budgets(at_standard_budgets, level)
    rows: list[Row] = []
    failures: list[tuple[str, LowerBoundError]] = []
    with progress(len(asked)) as advance:
        played = tournament.tournament(
            plan, asked, trials=trials, isolation=level, time_limit_s=time_limit, on_wait=advance
        )
        for name, outcome in played:
            if not isinstance(outcome, LowerBoundError):
                rows.append(outcome)
                continue
            failures.append((name, outcome))
            print(f"error: {outcome}", file=sys.stderr)
            if isinstance(outcome, AccountingError):
                played.close()
                break
    return rows, failures


def caches(
    describe: Annotated[
        str | None,
        typer.Option(
            "--describe",
            metavar="NAME",
            help="Tell one cache: idea, formula, bits, what breaks it.",
            autocompletion=complete_cache,
        ),
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Print a cache to start from: save it as mine.py.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """The caches that can be played by name."""
    from lowerbound.caches.registry import find_cache, known_caches

    if template:
        _print_template(as_json)
        return
    if describe is not None:
        _print_description(describe, as_json)
        return

    listed = []
    for name in known_caches():
        facts = find_cache(name).facts()
        listed.append(
            {
                "name": name,
                "family": facts.family,
                "reference": facts.reference,
                "budget": facts.budget_meaning or None,
                "default_budget": facts.default_budget,
                "computation_model": facts.computation_model,
                "idea": facts.idea,
            }
        )
    if as_json:
        print_json({"caches": listed})
        return
    from lowerbound.report.table import caches_table, console

    console().print(caches_table(listed))


def _print_template(as_json: bool) -> None:
    from lowerbound.caches.description import template

    if as_json:
        print_json({"template": template()})
    else:
        print(template(), end="")


def _print_description(name: str, as_json: bool) -> None:
    from lowerbound.caches.description import description

    import_from_here()
    told = description(name)
    if as_json:
        print_json(told)
        return
    from lowerbound.report.table import description_text

    print(description_text(told))
