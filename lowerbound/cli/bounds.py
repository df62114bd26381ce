"""The bound: the floor of a model, one bit followed through the reduction, and the catalogue."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lowerbound.cli.options import (
    DEFAULT_DELTA,
    DEFAULT_ETA,
    DeltaOption,
    EtaOption,
    GuaranteedEtaOption,
    GuaranteeName,
    GuaranteeOption,
    InstanceSeedOption,
    JsonOption,
    KeysOption,
    LambdaOption,
    LevelsOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    instances_of,
    plan_at,
    print_json,
    working,
)
from lowerbound.cli.place import Place, at_a_place
from lowerbound.cli.recorded import KeysBranchOption, KeysHeadOption, KeysLayerOption, head_of, plan_on, told_of


@at_a_place
def floor(
    place: Place,
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: EtaOption = DEFAULT_ETA,
    delta: DeltaOption = DEFAULT_DELTA,
    as_json: JsonOption = False,
) -> None:
    """Compute lower bounds (floors) for MODEL: the bits that every cache must keep."""
    subject = place.found()
    from lowerbound.certify.floors import floor as compute

    with working("floors: an instance for each theorem, and its certificate"):
        found = compute(subject, eta=eta, failure_prob=delta)
    if as_json:
        from lowerbound.certify.kept import read_again

        print_json({**found.to_json(), "read_again": read_again()})
        return
    from lowerbound.report.floors import floor_text
    from lowerbound.report.terminal import say

    say(floor_text(found))


@at_a_place
def reduce(
    place: Place,
    model: ModelArgument = None,
    named: ModelOption = None,
    token: Annotated[int | None, typer.Option("--token", help="Which cached token Bob asks for.")] = None,
    coordinate: Annotated[int | None, typer.Option("--coordinate", help="Which coordinate of its value.")] = None,
    eta: GuaranteedEtaOption = DEFAULT_ETA,
    guarantee: GuaranteeOption = GuaranteeName.ADDITIVE,
    levels: LevelsOption = 2,
    multiplier: LambdaOption = None,
    keys: KeysOption = None,
    layer: KeysLayerOption = None,
    head: KeysHeadOption = None,
    branch: KeysBranchOption = None,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = "0",
    as_json: JsonOption = False,
) -> None:
    """Follow one bit from Alice to Bob through one hard instance."""
    from lowerbound.game.story import narrate

    told: dict[str, Any] = {}
    with working("keys, an instance, and one bit of it"):
        found = head_of(keys, layer, head, branch)
        if found is None:
            plan = plan_at(place.found(), eta, guarantee, levels, multiplier, keys, seed)
        else:
            plan = recorded = plan_on(found, place, eta, guarantee, levels, multiplier, seed)
            told = {"recorded_keys": told_of(found, recorded)}
        story = narrate(plan, token=token, coordinate=coordinate, instances=instances_of(instance_seed))
    if as_json:
        print_json(story.to_json() | told)
        return
    if found is not None:
        from lowerbound.report.trace import keys_text

        print(f"{keys_text(found, recorded)}\n")
    for step, what in story.lines():
        print(f"{step:>16}  {what}")


def models(as_json: JsonOption = False) -> None:
    """List the models of the catalogues and their KV caches: image models, then language models."""
    from lowerbound.core.models import decoders
    from lowerbound.core.models import models as catalogue

    if as_json:
        language = [decoder.at().to_json() for decoder in decoders()]
        print_json({"models": [model.to_json() for model in catalogue()], "language_models": language})
        return
    with working("sizes of every model"):
        from lowerbound.report.table import decoders_table, models_table

        tables = models_table(catalogue()), decoders_table(decoders())
    from lowerbound.report.terminal import console

    for table in tables:
        console().print(table)
