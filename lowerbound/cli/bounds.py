"""The bound: the floor of a model, one bit through the reduction, the catalogue, and all of it as a demonstration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from lowerbound.cli.games import at_budgets, play_all
from lowerbound.cli.options import (
    DEFAULT_MODEL,
    DeltaOption,
    DimensionOption,
    EtaOption,
    GuaranteeName,
    GuaranteeOption,
    JsonOption,
    KeysOption,
    LambdaOption,
    LevelsOption,
    ModelArgument,
    ModelOption,
    ScheduleOption,
    SeedOption,
    plan_of,
    print_json,
)

DEMO_DIRECTORY = Path("results/demo")
DEMO_CACHES = (
    *("full", "full-fp32", "full-fp16", "uniform", "uniform@1/16"),
    *(f"{name}@{share}" for name in ("window", "h2o") for share in ("1/4", "1/2", "3/4")),
    *("window-scales", "exact", "hamming", "golay", "majority", "random", "recompute"),
)


def floor(
    model: ModelArgument,
    eta: EtaOption = "0.01",
    delta: DeltaOption = "0.1",
    as_json: JsonOption = False,
) -> None:
    """How many bits any cache must keep for MODEL."""
    from lowerbound.certify.floors import floor as compute
    from lowerbound.certify.replay.games import three_models
    from lowerbound.core.models import find_model

    subject = find_model(model)
    result = compute(subject, eta=eta, failure_prob=delta)
    result["models"] = three_models(subject, result)
    if as_json:
        print_json(result)
    else:
        print_floor(result)


def print_floor(result: dict[str, Any]) -> None:
    """The floor as a text."""
    from lowerbound.report.table import floor_text

    print(floor_text(result))


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
    from lowerbound.game.story import narrate

    plan = plan_of(model, schedule, d, eta, guarantee, levels, multiplier, keys, seed)
    transcript = narrate(plan, token=token, coordinate=coordinate)
    if as_json:
        print_json(transcript.to_json())
        return
    for step, what in transcript.lines():
        print(f"{step:>16}  {what}")


def models(as_json: JsonOption = False) -> None:
    """The catalogue of models with a KV cache."""
    from lowerbound.core.models import models as catalogue

    if as_json:
        print_json({"models": [model.to_json() for model in catalogue()]})
        return
    from lowerbound.report.table import console, models_table

    console().print(models_table(catalogue()))


def demo(
    model: ModelOption = DEFAULT_MODEL,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIRECTORY", help="Where rows and picture go.", file_okay=False)
    ] = DEMO_DIRECTORY,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """A floor, one reduction, every cache, one picture."""
    from lowerbound.certify.floors import floor as compute
    from lowerbound.certify.replay.games import three_models
    from lowerbound.core.models import find_model
    from lowerbound.game.story import narrate
    from lowerbound.report.table import console, duel_table

    subject = find_model(model)
    bound = compute(subject)
    bound["models"] = three_models(subject, bound)
    plan = plan_of(model, None, None, "0.01", GuaranteeName.RELATIVE, 2, None, None, seed)
    transcript = narrate(plan)
    if not as_json:
        print("1. The floor\n")
        print_floor(bound)
        print("\n2. One bit through the house\n")
        for step, what in transcript.lines():
            print(f"{step:>16}  {what}")
        print("\n3. Every cache against the floor\n", flush=True)
    rows, failures = play_all(plan, at_budgets(DEMO_CACHES, [None]), trials=1, isolation=None, time_limit=120.0)
    data = [row.to_json() for row in rows]
    out.mkdir(parents=True, exist_ok=True)
    (out / "rows.json").write_text(json.dumps({"rows": data}, indent=2) + "\n", encoding="utf-8")
    from lowerbound.report.figure import frontier, save

    picture = save(frontier(data), out / "frontier.png")
    save(frontier(data), out / "frontier.svg")
    if as_json:
        print_json({"floor": bound, "reduce": transcript.to_json(), "rows": data, "figure": str(picture)})
    else:
        console().print(duel_table(rows))
        print(f"\nThe picture: {picture}\nThe rows:    {out / 'rows.json'}")
    if failures:
        raise typer.Exit(max(error.exit_code for _, error in failures))
