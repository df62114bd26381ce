"""Replay: the bits of token ids that must be kept when weights are public, in three games, and the decoding of ids."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import (
    MOST_TRIALS,
    CertificateOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    one_model,
    print_json,
    working,
)
from lowerbound.report.terminal import say

if TYPE_CHECKING:
    from lowerbound.certify.replay.games import Game

JUST_BELOW, JUST_ABOVE = 0.99, 1.1


class CodebookName(StrEnum):
    """The codebooks of the public layer."""

    BINARY = "binary"
    GAUSSIAN = "gaussian"
    SPHERE = "sphere"
    UNIFORM = "uniform"


class FibreKind(StrEnum):
    """The codebooks for which fibers of f_hat (ids that give one f_hat) are counted."""

    GENERIC = "generic"
    SIGNS = "signs"
    GRID = "grid"


class NoiseName(StrEnum):
    """The noise that is added to every output."""

    ALIGNED = "aligned"
    RANDOM = "random"
    NONE = "none"


class RoundingName(StrEnum):
    """The number format of the layer; an integer format applies to the values alone."""

    FLOAT64 = "float64"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    INT8 = "int8"
    INT7 = "int7"
    INT6 = "int6"
    INT4 = "int4"


EtaOption = Annotated[
    str | None,
    typer.Option(
        "--eta",
        metavar="X",
        help="Error of outputs: additive, in units of the range of values; default: just below eta_0.",
    ),
]
DeltaOption = Annotated[str, typer.Option("--delta", metavar="X", help="Failure probability of the whole block.")]
HeadsOption = Annotated[
    int | None, typer.Option("--heads", min=1, help="Heads whose queries read; default: as few as suffice.")
]
FewRowsOption = Annotated[bool, typer.Option("--few-rows", help="Read as many rows as there are ids, no more.")]


def state(
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: EtaOption = None,
    delta: DeltaOption = "0",
    heads: HeadsOption = None,
    few_rows: FewRowsOption = False,
    out: CertificateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Model R2, whole state: bits that the sampler must keep.

    The state is everything that is kept before the last scale, f_hat included.
    """
    _replay("state", one_model(model, named), eta, delta, heads, few_rows, out, as_json)


def cache(
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: EtaOption = None,
    delta: DeltaOption = "0",
    heads: HeadsOption = None,
    few_rows: FewRowsOption = False,
    out: CertificateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Model R2, cache alone: bits needed to answer without f_hat.

    They are the bits of compressed keys and values.
    """
    _replay("cache", one_model(model, named), eta, delta, heads, few_rows, out, as_json)


def _replay(
    game: Game,
    model: str,
    eta: str | None,
    delta: str,
    heads: int | None,
    few_rows: bool,
    out: Path | None,
    as_json: bool,
) -> None:
    from lowerbound.certify.replay.games import replay
    from lowerbound.var.simulator.weights import model_of

    with working("left inverses, and a certificate"):
        found = replay(model_of(model), eta=eta, delta=delta, n_heads=heads, few_rows=few_rows)
    if out is not None:
        out.write_bytes(found.certified.document())
    told = {**found.to_json(game), "file": None if out is None else str(out)}
    if as_json:
        print_json(told)
        return
    from lowerbound.report.replay import replay_text

    say(replay_text(told))


def f_hat(
    model: ModelArgument = None,
    named: ModelOption = None,
    codebook: Annotated[FibreKind, typer.Option("--codebook", help="Which codebook.")] = FibreKind.GENERIC,
    out: CertificateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Model R3: bits that are needed even if f_hat is known.

    They come from integer changes of the id maps that f_hat does not show: several prefixes share one f_hat.
    """
    from lowerbound.certify.replay.fibres import certify_fibre
    from lowerbound.certify.replay.games import fibre_answer
    from lowerbound.var.simulator.weights import model_of

    subject = model_of(one_model(model, named))
    with working("short vectors of the kernel, and a certificate"):
        told: dict[str, Any] = fibre_answer(subject, codebook.value)
        if out is not None and told["bits"] is not None:
            out.write_bytes(certify_fibre(subject, codebook.value).document())
    told["file"] = str(out) if out is not None and told["bits"] is not None else None
    if as_json:
        print_json(told)
    else:
        from lowerbound.report.replay import fibre_text

        say(fibre_text(told))
    if told["bits"] is None:
        raise typer.Exit(3)


def decode(
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: Annotated[
        list[str] | None,
        typer.Option("--eta", metavar="X", help="Size of the noise, or a list: a,b; default: around the promise."),
    ] = None,
    codebook: Annotated[CodebookName, typer.Option("--codebook", help="Which codebook.")] = CodebookName.BINARY,
    noise: Annotated[NoiseName, typer.Option("--noise", help="What is added to outputs.")] = NoiseName.ALIGNED,
    rounding: Annotated[
        RoundingName, typer.Option("--rounding", help="Of the whole layer; intN: of values alone.")
    ] = RoundingName.FLOAT64,
    swamp: Annotated[
        float | None, typer.Option("--swamp", help="Size of public parts over content; default: 100, 4 if rounded.")
    ] = None,
    trials: Annotated[int, typer.Option("--trials", min=1, max=MOST_TRIALS, help="Random prefixes.")] = 1,
    seed: SeedOption = 0,
    as_json: JsonOption = False,
) -> None:
    """Decode all token ids of MODEL from noisy outputs.

    The outputs are those of the last scale in a network with public weights.
    """
    from lowerbound.core.scalars import rational
    from lowerbound.var.replay.prefix_decoding import demonstrate
    from lowerbound.var.simulator.weights import model_of

    etas = None if eta is None else [float(rational(one, name="eta")) for one in listed(eta, "--eta")]
    with working("a network with public weights, and Bob, who decodes"):
        told = demonstrate(
            model_of(one_model(model, named)),
            etas=etas,
            around=(JUST_BELOW, JUST_ABOVE),
            codebook=codebook.value,
            noise=noise.value,
            rounding=rounding.value,
            swamp=swamp,
            trials=trials,
            seed=seed,
        )
    if as_json:
        print_json(told)
    else:
        from lowerbound.report.replay import decode_text

        say(decode_text(told))
    if told["refuted"]:
        raise typer.Exit(1)
