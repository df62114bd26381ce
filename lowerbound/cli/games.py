"""Games: play caches against the lower bound (floor), to measure memory and error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.grammar import listed, show_traceback
from lowerbound.cli.options import (
    DEFAULT_ETA,
    MOST_TRIALS,
    BudgetsOption,
    GuaranteedEtaOption,
    GuaranteeName,
    GuaranteeOption,
    HeadsOption,
    InstanceSeedOption,
    IsolationName,
    IsolationOption,
    JsonOption,
    KeysOption,
    LambdaOption,
    LayersOption,
    LevelsOption,
    ModelOption,
    SeedOption,
    can_write,
    complete_cache,
    instances_of,
    plan_at,
    print_json,
    progress,
    working,
)
from lowerbound.cli.place import Place, at_a_place, stacked
from lowerbound.cli.recorded import KeysBranchOption, KeysHeadOption, KeysLayerOption, head_of, plan_on, told_of
from lowerbound.core.kinds import at_budgets
from lowerbound.errors import AccountingError, InvalidArgument, LowerBoundError, printable

if TYPE_CHECKING:
    from fractions import Fraction

    from lowerbound.certify.certified import Certified
    from lowerbound.core.cache import CacheFacts
    from lowerbound.core.geometry import Geometry
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.game.duel import Row
    from lowerbound.game.hard_family import HardFamily
    from lowerbound.game.recorded import RecordedReduction
    from lowerbound.var.trace.keys import RecordedHead


class TheoremName(StrEnum):
    """The games in which keys are secret too."""

    C = "C"
    ZOOM = "zoom"
    FRAMES = "frames"
    CLIQUES = "cliques"

    def game(self, place: Geometry, *, eta: str, multiplier: str | None, seed: int) -> HardFamily:
        """The game of the theorem on a head."""
        from lowerbound.certify.design.frames_game import frames_game
        from lowerbound.certify.design.lattice_game import lattice_game
        from lowerbound.certify.design.payload_game import payload_game

        match self:
            case TheoremName.C:
                return payload_game(place, "C", eta=eta, multiplier=multiplier, seed=seed)
            case TheoremName.ZOOM:
                return payload_game(place, "C'", eta=eta, multiplier=multiplier, seed=seed)
            case TheoremName.FRAMES:
                return frames_game(place, eta=eta, multiplier=multiplier, seed=seed)
            case TheoremName.CLIQUES:
                return lattice_game(place, eta=eta, multiplier=multiplier, seed=seed)

    def floor(self, plan: HardFamily) -> Certified | None:
        """The floor of one head on the whole family, of which the game plays a part; None where it plays all of it."""
        from fractions import Fraction

        from lowerbound.certify.certified import certificate_of
        from lowerbound.certify.design.target import Target
        from lowerbound.certify.theorems import THEOREMS

        if self is not TheoremName.CLIQUES:
            return None
        theorem = THEOREMS["E1"]
        target = Target(plan.geometry, plan.grid.eta, Fraction(0), plan.multiplier)
        design = theorem.design(target)
        return None if design is None else certificate_of(theorem, target, design)


@at_a_place
def play(
    place: Place,
    asked: typer.Context,
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
    named: ModelOption = None,
    budgets: BudgetsOption = None,
    trials: Annotated[int, typer.Option("--trials", min=1, max=MOST_TRIALS, help="Independent instances.")] = 1,
    sample: Annotated[
        int | None,
        typer.Option(
            "--sample",
            metavar="N",
            help="Ask Bob for N values at random places instead of all, for long contexts; the interval of the error "
            "is exact for the whole game. For values alone.",
        ),
    ] = None,
    eta: GuaranteedEtaOption = DEFAULT_ETA,
    keys_and_values: Annotated[
        TheoremName | None,
        typer.Option(
            "--keys-and-values",
            help="Keys carry symbols too, read once (Theorem C), until sure (C', zoom), in frames (F'), or have no "
            "address (E1, cliques: two lattice keys per token, too far apart to share a state); eta is then additive.",
        ),
    ] = None,
    guarantee: GuaranteeOption = GuaranteeName.ADDITIVE,
    levels: LevelsOption = 2,
    multiplier: LambdaOption = None,
    keys: KeysOption = None,
    layer: KeysLayerOption = None,
    head: KeysHeadOption = None,
    branch: KeysBranchOption = None,
    layers: LayersOption = None,
    heads: HeadsOption = None,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    isolation: IsolationOption = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For each of Alice and Bob.")
    ] = 120.0,
    transcript: Annotated[
        Path | None,
        typer.Option(
            "--transcript", metavar="FILE", help="Write down one game of one cache, for `check`.", callback=can_write
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Play caches against the lower bound (floor): measure memory and error."""
    from lowerbound.caches.registry import CACHES, adapters_at_hand
    from lowerbound.core.scalars import rational
    from lowerbound.game.sample import Sample

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
    instances = instances_of(instance_seed)
    if sample is not None:
        Sample(sample)  # refused here, before a game is planned
    plan: HardFamily
    recorded: tuple[RecordedHead, RecordedReduction] | None = None
    with working("the game is planned"):
        if keys_and_values is not None:
            _refuse_given(asked, "guarantee", "levels", "keys", "layer", "head", "branch")
            plan = keys_and_values.game(stacked(place, layers, heads), eta=eta, multiplier=multiplier, seed=seed)
        elif (found := head_of(keys, layer, head, branch)) is not None:
            plan = planned = plan_on(found, place, eta, guarantee, levels, multiplier, seed)
            recorded = found, planned
        else:
            plan = plan_at(stacked(place, layers, heads), eta, guarantee, levels, multiplier, keys, seed)
    shares = listed(budgets, "--budget")
    for share in shares:
        plan.public(rational(share, name="budget"))
    if transcript is not None:
        _write_down(
            plan,
            chosen,
            shares,
            transcript,
            everything or trials > 1 or sample is not None,
            isolation,
            time_limit,
            instances,
            as_json,
        )
        return
    rows, failures = play_all(
        plan,
        at_budgets([*chosen, *all_names], shares) if shares else at_budgets(chosen, [None]),
        trials=trials,
        isolation=isolation,
        time_limit=time_limit,
        instances=instances,
        sample=sample,
        at_standard_budgets=() if shares else all_names,
    )
    with working("the floor of the whole family"):
        forced = None if keys_and_values is None else keys_and_values.floor(plan)
    if as_json:
        told: dict[str, Any] = {
            "rows": [row.to_json() for row in rows],
            "failures": [
                {"cache": name, "kind": type(error).__name__, "message": str(error)} for name, error in failures
            ],
        }
        if forced is not None:
            told["whole_family"] = {"theorem": forced.theorem.name, "bits": forced.bits, "proof": forced.proof}
        if recorded is not None:
            told["recorded_keys"] = told_of(*recorded)
        print_json(told)
    elif rows:
        from lowerbound.report.table import duel_table
        from lowerbound.report.terminal import console

        if recorded is not None:
            from lowerbound.report.trace import keys_text

            print(f"{keys_text(*recorded)}\n")
        console().print(duel_table(rows))
        if forced is not None:
            from lowerbound.report.floors import whole_family_text

            print(whole_family_text(forced, rows))
    if failures:
        raise typer.Exit(max(error.exit_code for _, error in failures))


def _refuse_given(context: typer.Context, *names: str) -> None:
    """Raise InvalidArgument if one of these options was typed: with --keys-and-values, the design sets them."""
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
    instances: PrivateSeed | None,
    as_json: bool,
) -> None:
    from lowerbound.caches.registry import target_of
    from lowerbound.certify.transcript import transcript
    from lowerbound.game.channel import Isolation
    from lowerbound.game.duel import Contender
    from lowerbound.report.table import duel_table
    from lowerbound.report.terminal import console

    if several or len(names) != 1 or len(shares) > 1:
        raise InvalidArgument("--transcript must be given with one cache, one budget, one trial and no --sample")
    ((name, share),) = at_budgets(names, shares or [None])
    with working(f"{printable(name)} plays, and the game is written down"):
        played, document = transcript(
            plan,
            Contender(target_of(name), share, name),
            isolation=None if isolation is None else Isolation(isolation.value),
            time_limit_s=time_limit,
            instances=instances,
        )
    path.write_bytes(document)
    if as_json:
        print_json({"row": played.row.to_json(), "file": str(path), "bytes": len(document)})
        return
    console().print(duel_table([played.row]))
    print(f"transcript: {len(document):,} bytes in {printable(str(path))}")


def play_all(
    plan: HardFamily,
    games: Sequence[tuple[str, str | None]],
    *,
    trials: int,
    isolation: IsolationName | None,
    time_limit: float,
    instances: PrivateSeed | None = None,
    sample: int | None = None,
    at_standard_budgets: Sequence[str] = (),
) -> tuple[list[Row], list[tuple[str, LowerBoundError]]]:
    """The rows of the caches that were played, and the errors of the others; an AccountingError ends the tournament.

    Contract: a cache that cannot be played costs its own row alone. Its error is printed as soon as it is known, with
    the name of the cache in front if there are several.
    """
    from lowerbound.caches import tournament
    from lowerbound.caches.registry import target_of
    from lowerbound.core.scalars import rational
    from lowerbound.core.time_limit import check_time_limit
    from lowerbound.game.channel import Isolation, strongest
    from lowerbound.game.duel import describe

    check_time_limit(time_limit, "--time-limit")
    level = strongest() if isolation is None else Isolation(isolation.value)
    alone = len(games) + len(at_standard_budgets) == 1
    facts: dict[str, CacheFacts] = {}
    asked: list[tuple[str, Fraction | None]] = []
    rows: list[Row] = []
    failures: list[tuple[str, LowerBoundError]] = []

    def refuse(name: str, error: LowerBoundError) -> None:
        failures.append((name, error))
        show_traceback(error)
        print(f"error: {error}" if alone else f"error: {printable(name)}: {error}", file=sys.stderr)

    for name, share in games:
        try:
            budget = None if share is None else rational(share, name="budget")
            plan.public(budget)
            facts[target_of(name)] = describe(target_of(name), level, time_limit)
            asked.append((name, budget))
        except LowerBoundError as error:
            refuse(name, error)
    for name in at_standard_budgets:
        try:
            asked += tournament.at_standard_budgets([name], level)
        except LowerBoundError as error:
            refuse(name, error)
    terms: dict[str, Any] = {
        "trials": trials,
        "isolation": level,
        "time_limit_s": time_limit,
        "instances": instances,
        "sample": sample,
        "facts": facts,
    }
    with (
        progress(len(asked)) as advance,
        closing(tournament.tournament(plan, asked, on_wait=advance, **terms)) as played,
    ):
        for name, outcome in played:
            if not isinstance(outcome, LowerBoundError):
                rows.append(outcome)
                continue
            refuse(name, outcome)
            if isinstance(outcome, AccountingError):
                break
    return rows, failures
