"""The command line: parse, call, print, exit code.

Exit codes: 0 done, 1 refuted (a cache broke its contract, or a point fell under the floor), 2 unusable arguments,
3 not decided (a time limit). Results go to standard output, talk to standard error; `--json` prints one object.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from lowerbound import __version__
from lowerbound.errors import AccountingError, InvalidArgument, LowerBoundError, invalid, unknown

if TYPE_CHECKING:
    from lowerbound.game.duel import Row
    from lowerbound.game.reduction import Geometry, Reduction

app = typer.Typer(
    name="lowerbound",
    help="The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

DEFAULT_MODEL = "var-d16"
DEMO_DIRECTORY = Path("results/demo")
DEMO_CACHES = (
    *("full", "full-fp32", "full-fp16", "uniform", "uniform@1/16"),
    *(f"{name}@{share}" for name in ("window", "h2o") for share in ("1/4", "1/2", "3/4")),
    *("window-scales", "exact", "hamming", "golay", "majority", "random", "recompute"),
)


class GuaranteeName(StrEnum):
    """How a cache's error is stated."""

    RELATIVE = "relative"
    ADDITIVE = "additive"


class IsolationName(StrEnum):
    """How strongly Alice and Bob are kept apart."""

    SANDBOX = "sandbox"
    PROCESS = "process"
    NONE = "none"


def _complete_model(incomplete: str) -> list[str]:
    from lowerbound.core.models import models

    return [model.name for model in models() if model.name.startswith(incomplete)]


def _complete_cache(incomplete: str) -> list[str]:
    from lowerbound.caches.registry import known_caches

    return [name for name in known_caches() if name.startswith(incomplete)]


def _complete_keys(incomplete: str) -> list[str]:
    from lowerbound.core.keys.choice import KEY_FAMILIES

    return [family.name for family in KEY_FAMILIES if family.name.startswith(incomplete)]


ModelArgument = Annotated[
    str,
    typer.Argument(metavar="MODEL", help="A model of `lowerbound models`.", autocompletion=_complete_model),
]
ModelOption = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="Geometry to play on.", autocompletion=_complete_model)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
EtaOption = Annotated[str, typer.Option("--eta", metavar="X", help="Error of the cache's answers, such as 0.01.")]
DeltaOption = Annotated[str, typer.Option("--delta", metavar="X", help="Failure probability of an answer.")]
SeedOption = Annotated[int, typer.Option("--seed", min=0, help="Public coins and instance.")]
GuaranteeOption = Annotated[GuaranteeName, typer.Option("--guarantee", help="How eta is meant.")]
LambdaOption = Annotated[
    str | None,
    typer.Option("--lambda", metavar="X", help="Logit of a query with its own key; default: from eta."),
]
LevelsOption = Annotated[int, typer.Option("--levels", min=2, help="Size of the alphabet of values.")]
KeysOption = Annotated[
    str | None,
    typer.Option("--keys", metavar="FAMILY", help="Key family; default: the best.", autocompletion=_complete_keys),
]
ScheduleOption = Annotated[
    str | None,
    typer.Option("--schedule", metavar="MAPS", help="Own maps, such as '1x1 2x2 4x4', instead of MODEL's."),
]
LayersOption = Annotated[
    int | None, typer.Option("--layers", min=1, help="Layers, each with heads of its own; default: as the cache needs.")
]
HeadsOption = Annotated[int | None, typer.Option("--heads", min=1, help="Heads a layer; default: as the cache needs.")]
DimensionOption = Annotated[int | None, typer.Option("--d", min=1, help="Own head dimension instead of MODEL's.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"lowerbound {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured."""


def _print_json(data: Any) -> None:
    print(json.dumps(data, indent=2, allow_nan=False))


def _geometry(
    model: str, schedule: str | None, d: int | None, layers: int | None = None, heads: int | None = None
) -> Geometry:
    from dataclasses import replace

    from lowerbound.core.models import find_model
    from lowerbound.core.schedule import ScaleSchedule
    from lowerbound.game.reduction import Geometry

    place = Geometry.of(find_model(model))
    if schedule is not None:
        place = replace(place, name=f"own maps ({model}'s rule)", schedule=ScaleSchedule.parse(schedule))
    if d is not None:
        place = replace(place, name=f"{place.name} in R^{d}", d=d)
    if layers is not None or heads is not None:
        place = replace(place, stack=(layers or 1, heads or 1))
    return place


@app.command()
def floor(
    model: ModelArgument,
    eta: EtaOption = "0.01",
    delta: DeltaOption = "0.1",
    as_json: JsonOption = False,
) -> None:
    """How many bits any cache must keep for MODEL."""
    from lowerbound.core.models import find_model
    from lowerbound.game.floor import floor as compute

    result = compute(find_model(model), eta=eta, failure_prob=delta)
    if as_json:
        _print_json(result)
    else:
        _print_floor(result)


def _print_floor(result: dict[str, Any]) -> None:
    from lowerbound.report.table import floor_text

    print(floor_text(result))


@app.command()
def reduce(
    model: ModelArgument = DEFAULT_MODEL,
    token: Annotated[int | None, typer.Option("--token", help="Which cached token Bob asks for.")] = None,
    coordinate: Annotated[int | None, typer.Option("--coordinate", help="Which coordinate.")] = None,
    eta: EtaOption = "0.01",
    guarantee: GuaranteeOption = GuaranteeName.RELATIVE,
    levels: LevelsOption = 2,
    multiplier: LambdaOption = None,
    keys: KeysOption = None,
    schedule: ScheduleOption = None,
    d: DimensionOption = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Follow one bit through one instance, step by step."""
    from lowerbound.game.transcript import narrate

    plan = _plan(model, schedule, d, eta, guarantee, levels, multiplier, keys, seed)
    transcript = narrate(plan, token=token, coordinate=coordinate)
    if as_json:
        _print_json(transcript.to_json())
        return
    for step, what in transcript.lines():
        print(f"{step:>16}  {what}")


def _plan(
    model: str,
    schedule: str | None,
    d: int | None,
    eta: str,
    guarantee: GuaranteeName,
    levels: int,
    multiplier: str | None,
    keys: str | None,
    seed: int,
    layers: int | None = None,
    heads: int | None = None,
) -> Reduction:
    from lowerbound.game.reduction import plan_reduction

    return plan_reduction(
        _geometry(model, schedule, d, layers, heads),
        eta=eta,
        guarantee=guarantee.value,
        n_levels=levels,
        multiplier=multiplier,
        key_family=keys,
        seed=seed,
    )


@app.command()
def play(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="CACHE...",
            help="Names of `lowerbound caches`, or package.module:Class; NAME@F gives one its own budget.",
            autocompletion=_complete_cache,
        ),
    ] = None,
    programs: Annotated[
        list[str] | None,
        typer.Option("--exec", metavar="COMMAND", help="A cache in any language; the protocol is in docs/programs.md."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Play every cache, at several budgets.")] = False,
    model: ModelOption = DEFAULT_MODEL,
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="F", help="The methods' own nominal budget in (0, 1], or several: 1/4,1/2."),
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, help="Independent instances.")] = 1,
    eta: EtaOption = "0.01",
    guarantee: GuaranteeOption = GuaranteeName.RELATIVE,
    levels: LevelsOption = 2,
    multiplier: LambdaOption = None,
    keys: KeysOption = None,
    schedule: ScheduleOption = None,
    d: DimensionOption = None,
    layers: LayersOption = None,
    heads: HeadsOption = None,
    seed: SeedOption = 0,
    isolation: Annotated[
        IsolationName | None,
        typer.Option("--isolation", help="Default: the strongest that this machine gives."),
    ] = None,
    time_limit: Annotated[
        float, typer.Option("--time-limit", metavar="SECONDS", help="For each of Alice and Bob.")
    ] = 120.0,
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
    plan = _plan(model, schedule, d, eta, guarantee, levels, multiplier, keys, seed, layers, heads)
    _import_from_here()
    budgets = [None] if budget is None else [share.strip() for share in budget.split(",")]
    rows, failures = _play_all(
        plan,
        _at_budgets(chosen if budget is None else [*chosen, *all_names], budgets),
        trials=trials,
        isolation=isolation,
        time_limit=time_limit,
        at_standard_budgets=all_names if budget is None else (),
    )
    if as_json:
        _print_json(
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


def _import_from_here() -> None:
    """Let package.module:Class name a module of the current directory, after everything installed."""
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)


def _at_budgets(names: Sequence[str], budgets: Sequence[str | None]) -> list[tuple[str, str | None]]:
    """Every name with every budget; NAME@F with its own."""
    games: list[tuple[str, str | None]] = []
    for name in names:
        base, at, own = (name, "", "") if name.startswith("exec:") else name.partition("@")
        games += [(base, own)] if at else [(base, budget) for budget in budgets]
    return games


def _play_all(
    plan: Reduction,
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
    with _progress(len(asked)) as advance:
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


class _progress:
    """A progress bar on standard error, when somebody is looking; without a known total it only names the work."""

    def __init__(self, total: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=total or None)
        self._started = 0

    def __enter__(self) -> Callable[[str], None]:
        self._bar.start()
        return self._begin

    def _begin(self, name: str) -> None:
        self._bar.update(self._task, description=name, completed=self._started)
        self._started += 1

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


@app.command()
def caches(
    describe: Annotated[
        str | None,
        typer.Option(
            "--describe",
            metavar="NAME",
            help="Tell one cache: idea, formula, bits, what breaks it.",
            autocompletion=_complete_cache,
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
        _print_json({"caches": listed})
        return
    from lowerbound.report.table import caches_table, console

    console().print(caches_table(listed))


def _print_template(as_json: bool) -> None:
    from lowerbound.caches.description import template

    if as_json:
        _print_json({"template": template()})
    else:
        print(template(), end="")


def _print_description(name: str, as_json: bool) -> None:
    from lowerbound.caches.description import description

    _import_from_here()
    told = description(name)
    if as_json:
        _print_json(told)
        return
    from lowerbound.report.table import description_text

    print(description_text(told))


@app.command()
def models(as_json: JsonOption = False) -> None:
    """The catalogue of models with a KV cache."""
    from lowerbound.core.models import models as catalogue

    if as_json:
        _print_json({"models": [model.to_json() for model in catalogue()]})
        return
    from lowerbound.report.table import console, models_table

    console().print(models_table(catalogue()))


@app.command()
def demo(
    model: ModelOption = DEFAULT_MODEL,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIRECTORY", help="Where rows and picture go.", file_okay=False)
    ] = DEMO_DIRECTORY,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """A floor, one reduction, every cache, one picture."""
    from lowerbound.core.models import find_model
    from lowerbound.game.floor import floor as compute
    from lowerbound.game.transcript import narrate
    from lowerbound.report.table import console, duel_table

    bound = compute(find_model(model))
    plan = _plan(model, None, None, "0.01", GuaranteeName.RELATIVE, 2, None, None, seed)
    transcript = narrate(plan)
    if not as_json:
        print("1. The floor\n")
        _print_floor(bound)
        print("\n2. One bit through the house\n")
        for step, what in transcript.lines():
            print(f"{step:>16}  {what}")
        print("\n3. Every cache against the floor\n", flush=True)
    rows, failures = _play_all(plan, _at_budgets(DEMO_CACHES, [None]), trials=1, isolation=None, time_limit=120.0)
    data = [row.to_json() for row in rows]
    out.mkdir(parents=True, exist_ok=True)
    (out / "rows.json").write_text(json.dumps({"rows": data}, indent=2) + "\n", encoding="utf-8")
    from lowerbound.report.figure import frontier, save

    picture = save(frontier(data), out / "frontier.png")
    save(frontier(data), out / "frontier.svg")
    if as_json:
        _print_json({"floor": bound, "reduce": transcript.to_json(), "rows": data, "figure": str(picture)})
    else:
        console().print(duel_table(rows))
        print(f"\nThe picture: {picture}\nThe rows:    {out / 'rows.json'}")
    if failures:
        raise typer.Exit(max(error.exit_code for _, error in failures))


@app.command()
def verify(
    proofs: Annotated[Path, typer.Option("--proofs", metavar="FOLDER", help="The proof book.")] = Path("proofs"),
    lemma: Annotated[
        list[str] | None, typer.Option("--lemma", metavar="ID", help="Only this lemma and what it rests on.")
    ] = None,
    backend: Annotated[
        list[str] | None, typer.Option("--backend", metavar="NAME", help="Only z3, cvc5, kernel, coq or computation.")
    ] = None,
    explain: Annotated[
        str | None, typer.Option("--explain", metavar="ID", help="Tell one lemma: statement, checks, what it rests on.")
    ] = None,
    certificates: Annotated[
        Path | None, typer.Option("--certificates", metavar="FILE", help="Judge a bundle of certificates, no book.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check the proof: who checked what, and on what it rests."""
    if certificates is not None:
        _judge_bundle(certificates, as_json)
    from lowerbound.prove.book import load_book
    from lowerbound.prove.verify import BACKENDS
    from lowerbound.prove.verify import verify as run

    for name in backend or []:
        if name not in BACKENDS:
            raise unknown("backend", name, BACKENDS)
    book = load_book(proofs)
    if explain is not None:
        book.find(explain)
    with _progress(0) as watch:
        report = run(book, only=[*(lemma or []), *([explain] if explain else [])], backends=backend or [], watch=watch)
    if as_json:
        _print_json(report.to_json())
    elif explain is not None:
        from lowerbound.prove.blueprint import explanation

        print(explanation(book, next(entry for entry in report.entries if entry.lemma.id == explain)))
    else:
        from lowerbound.report.table import console, proof_table

        console().print(proof_table(report))
        for entry in report.entries:
            for check in entry.checks:
                if check.outcome != "verified":
                    print(f"{entry.lemma.id}: {check.checker}: {check.reason}", file=sys.stderr)
        print(f"{report.theorem.lemma.id} is {report.theorem.status}; it rests on:")
        for assumption in report.theorem.assumptions or ("nothing that was checked",):
            print(f"  {assumption}")
        print(report.word)
    raise typer.Exit(report.exit_code)


def _judge_bundle(path: Path, as_json: bool) -> NoReturn:
    from lowerbound.kernel.judge import judge_file
    from lowerbound.kernel.verdict import Outcome

    if not path.is_file():
        raise InvalidArgument(f"--certificates must name a file with a bundle of certificates, got {str(path)!r}")
    verdicts = judge_file(path)
    outcomes = {verdict.outcome for verdict in verdicts.values()}
    if outcomes == {Outcome.VERIFIED}:
        word, code = "VERIFIED", 0
    elif Outcome.REJECTED in outcomes:
        word, code = "NOT VERIFIED", 1
    else:
        word, code = "UNDECIDED", 3
    if as_json:
        listed = [{"id": name, "verdict": str(v.outcome), "reason": v.reason} for name, v in verdicts.items()]
        _print_json({"verdict": word, "statements": listed})
    else:
        for name, verdict in verdicts.items():
            print(f"{verdict.outcome:10} {name}: {verdict.reason}")
        print(word)
    raise typer.Exit(code)


def _fail(sentence: str, exit_code: int) -> NoReturn:
    print(f"error: {sentence}", file=sys.stderr)
    sys.exit(exit_code)


def main() -> None:
    """Run the command line; an error of this package becomes one sentence and its exit code."""
    try:
        app()
    except LowerBoundError as error:
        _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(141)
    except OSError as error:
        _fail(f"the file system refused: {error}", 2)
