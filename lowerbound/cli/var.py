"""The VAR pipeline: caches in a simulated network, ranks of its pyramid, free keys and values, and sums of floors."""

from __future__ import annotations

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from lowerbound.cli.options import (
    BudgetOption,
    IsolationOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    complete_cache,
    one_model,
    print_json,
    progress,
    working,
)
from lowerbound.core.kinds import at_budgets
from lowerbound.errors import printable
from lowerbound.report.terminal import say

DEFAULT_SIMULATED = "tiny"
LARGEST_MAP = 1024
"""The largest number of tokens of a map for which exact elimination takes minutes at most."""


class PrecisionName(StrEnum):
    """The number formats in which the network computes."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"


def complete_simulated(incomplete: str) -> list[str]:
    """The names of models that can be simulated and that begin with `incomplete`."""
    from lowerbound.core.models import models
    from lowerbound.var.simulator.network import FAMILIES, SMALL
    from lowerbound.var.simulator.weights import DIGITS

    known = [*SMALL, *(model for model in models() if model.family in FAMILIES and model.codebook_size is not None)]
    return [name for name in (DIGITS, *(model.name for model in known)) if name.startswith(incomplete)]


_SIMULATED = (
    "digits, which is trained; a FILE.safetensors of weights; or, with random weights, tiny, tiny-infinity, or a model "
    f"of the VAR or Infinity family; default: {DEFAULT_SIMULATED}."
)
SimulatedArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help=_SIMULATED, autocompletion=complete_simulated, show_default=False),
]
SimulatedOption = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help=_SIMULATED, autocompletion=complete_simulated, show_default=False),
]


def simulate(
    cache: Annotated[
        str,
        typer.Option(
            "--cache",
            metavar="NAME",
            help="A cache, as in `play`; NAME@F gives a budget.",
            autocompletion=complete_cache,
        ),
    ],
    model: SimulatedArgument = None,
    named: SimulatedOption = None,
    budget: BudgetOption = None,
    seed: SeedOption = 0,
    condition: Annotated[int, typer.Option("--condition", min=0, help="Class, or random text, of the image.")] = 0,
    guidance: Annotated[float, typer.Option("--guidance", metavar="X", help="Strength of guidance.")] = 1.5,
    top_k: Annotated[int, typer.Option("--top-k", help="Draw among the k likeliest; 0: all.")] = 0,
    top_p: Annotated[
        str, typer.Option("--top-p", metavar="X", help="Draw among the likeliest of sum p; 0: all.")
    ] = "0",
    free_running: Annotated[
        bool, typer.Option("--free-running", help="Go on with the ids that the cache's run draws itself.")
    ] = False,
    precision: Annotated[PrecisionName, typer.Option("--precision", help="Of the network.")] = PrecisionName.FLOAT32,
    isolation: IsolationOption = None,
    as_json: JsonOption = False,
) -> None:
    """Generate an image with a cache in a network, of random or trained weights.

    The result stands beside that of the full cache and the floor.
    """
    from lowerbound.core.scalars import rational
    from lowerbound.game.channel import Isolation
    from lowerbound.var.simulator.sampling import Sampling
    from lowerbound.var.simulator.simulate import simulate as run

    ((name, share),) = at_budgets([cache], [budget])
    with working(f"an image with the full cache, and with {printable(name)}"):
        row = run(
            one_model(model, named, DEFAULT_SIMULATED),
            name,
            budget=None if share is None else rational(share, name="budget"),
            seed=seed,
            sampling=Sampling(seed, guidance, top_k, rational(top_p, name="top-p")),
            condition=condition,
            free_running=free_running,
            precision=precision.value,
            isolation=None if isolation is None else Isolation(isolation.value),
        ).to_json()
    if as_json:
        print_json(row)
        return
    from lowerbound.report.pipeline import simulation_text

    say(simulation_text(row))


def ranks(
    model: SimulatedArgument = None,
    named: SimulatedOption = None,
    phi: Annotated[
        bool, typer.Option("--phi", help="With random rational kernels of phi; default: phi is the identity.")
    ] = False,
    scales: Annotated[
        int | None, typer.Option("--scales", metavar="N", min=1, help="Only the first N scales; default: all.")
    ] = None,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Exact ranks of the map from token ids to each scale's input.

    A rank is the number of dimensions in which the ids can vary that input, over the rationals.
    """
    from lowerbound.core.pyramid.ranks import PHI_RATIO, ChannelPyramid, random_kernels
    from lowerbound.core.pyramid.resampling import OF_FAMILY
    from lowerbound.core.scalars import counted
    from lowerbound.errors import InvalidArgument, invalid
    from lowerbound.var.simulator.affine import N_SAMPLES, value_space
    from lowerbound.var.simulator.weights import source_of

    source = source_of(one_model(model, named, DEFAULT_SIMULATED))
    found, subject = source.model, source.model.name
    if phi and not found.phi_kernels:
        raise InvalidArgument(
            f"phi must be asked of a model of the VAR family that has one, got {subject} of {found.family}"
        )
    if phi and found.phi_ratio != PHI_RATIO:
        raise invalid("MODEL", f"have a phi of the ratio {PHI_RATIO} for exact ranks", str(found.phi_ratio))
    schedule = found.schedule
    sizes = [schedule.map_size(k) for k in range(schedule.n_scales)]
    last = schedule.n_scales if scales is None else scales
    possible = sum(size <= LARGEST_MAP for size in sizes)
    if last > schedule.n_scales:
        raise invalid("scales", f"be at most {schedule.n_scales}", last, nearest=schedule.n_scales)
    if last > possible:
        raise invalid(
            "scales", f"end at a map of at most {LARGEST_MAP} tokens to be eliminated exactly", last, nearest=possible
        )
    kernels = random_kernels(seed, found.phi_kernels or 0) if phi else None
    pyramid = ChannelPyramid(schedule, OF_FAMILY[found.family], kernels)
    rows = []
    with progress(last) as advance:
        for scale in range(1, last + 1):
            advance(f"scale {scale}")
            rows.append(asdict(pyramid.reach(scale)))
    with working("values of the first layer"):
        network = source.network(seed=seed, n_layers=1)
        space = {**value_space(network, seed=seed).to_json(), "samples": N_SAMPLES}
    injective = rows[-1]["joint_rank"] == rows[-1]["n_earlier"]
    if as_json:
        told = {
            "model": subject,
            "phi": phi,
            "seed": seed,
            "scales": rows,
            "injective": injective,
            "first_layer": space,
        }
        print_json(told)
        return
    from lowerbound.report.pipeline import ranks_table, value_space_text
    from lowerbound.report.terminal import console

    console().print(ranks_table(subject, "random kernels of phi" if phi else "phi the identity", rows))
    how = "injective" if injective else "not injective"
    codes = counted(rows[-1]["n_earlier"], "code")
    say(f"\nThe map from all {codes} before scale {last} to these inputs is {how}.")
    say(value_space_text(space))


def realise(
    model: SimulatedArgument = None,
    named: SimulatedOption = None,
    branches: Annotated[int, typer.Option("--branches", help="CFG branches whose keys and values are free.")] = 1,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Solve for weights that give prescribed keys and values.

    With these W_K and W_V, every head caches the keys and values asked of it, in one forward pass.
    """
    from lowerbound.var.simulator.network import threads_for
    from lowerbound.var.simulator.realise import random_ids, refuse_unless_realisable
    from lowerbound.var.simulator.realise import realise as solve
    from lowerbound.var.simulator.weights import source_of

    source = source_of(one_model(model, named, DEFAULT_SIMULATED))
    found = source.model
    refuse_unless_realisable(found, branches)
    with working("W_K and W_V, layer by layer, and a forward pass"), threads_for(found):
        network = source.network(seed=seed, precision="float64")
        answer = solve(network, random_ids(network, seed), branches=branches, seed=seed).to_json()
    if as_json:
        print_json(answer)
        return
    from lowerbound.report.pipeline import realisation_text

    say(realisation_text(answer))


def sums(model: ModelArgument = None, named: ModelOption = None, as_json: JsonOption = False) -> None:
    """Show how the floors of heads add up for MODEL, and why.

    The table lists the layers, heads and branches that count in each computation model.
    """
    from lowerbound.core.sums import sums as known
    from lowerbound.var.simulator.weights import model_of

    about = model_of(one_model(model, named))
    subject, rows = about.name, [found.to_json() for found in known(about)]
    if as_json:
        print_json({"model": subject, "sums": rows})
        return
    from lowerbound.report.pipeline import sums_table
    from lowerbound.report.terminal import console

    console().print(sums_table(subject, rows))
