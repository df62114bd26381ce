"""Regimes: what remains of the floor when heads are narrow, when logits are small, and when time is counted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import (
    LARGEST_D,
    MOST_TRIALS,
    DeltaOption,
    EtaOption,
    InstanceSeedOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    can_write,
    complete_model,
    instances_of,
    one_model,
    print_json,
    progress,
    working,
)
from lowerbound.errors import InvalidArgument, printable

OwnModelArgument = Annotated[
    str | None,
    typer.Argument(metavar="[MODEL]", help="A model of `lowerbound models`.", autocompletion=complete_model),
]
OwnModelOption = Annotated[
    str | None,
    typer.Option("--model", metavar="MODEL", help="A model of `lowerbound models`.", autocompletion=complete_model),
]
COHERENCES = ("1/16", "1/8", "1/4", "1/3", "1/2")


def dimension(
    model: OwnModelArgument = None,
    named: OwnModelOption = None,
    d: Annotated[
        int | None, typer.Option("--d", min=2, max=LARGEST_D, help="A head dimension, instead of MODEL.")
    ] = None,
    mu: Annotated[
        list[str] | None, typer.Option("--mu", metavar="X", help="Coherence, such as 1/8, or a list: 1/8,1/4.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="FILE", help="The certificate of one --mu, for `check`.", callback=can_write
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Bound how many unit keys of a given coherence fit in R^d: by construction, and by a certificate."""
    from lowerbound.certify.dimension import needed, room
    from lowerbound.core.models import find_model

    chosen = None if (model or named) is None else one_model(model, named)
    if (d is None) == (chosen is None):
        raise InvalidArgument("dimension must get one of --d and --model")
    coherences = listed(mu, "--mu")
    if out is not None and len(coherences) != 1:
        raise InvalidArgument("-o writes the certificate of exactly one --mu")
    subject = None if chosen is None else find_model(chosen)
    width = subject.head_dim if subject is not None else d
    assert width is not None
    with working(f"keys in R^{width}: constructions, and a certificate for each coherence"):
        rooms = [room(width, each) for each in coherences or COHERENCES]
        wanted = None if subject is None else needed(subject.visible_schedule.n_tokens, width)
    if out is not None:
        if rooms[0].document is None:
            raise InvalidArgument(f"nothing is certified at this coherence: {rooms[0].reason}")
        out.write_bytes(rooms[0].document)
    if as_json:
        print_json(
            {
                "d": width,
                "rooms": [found.to_json() for found in rooms],
                "model": None if subject is None else subject.name,
                "needed": None if wanted is None else wanted.to_json(),
            }
        )
        return
    print(f"unit keys in R^{width}, by the largest inner product of any two")
    print(f"{'coherence':>10}{'exist, at least':>18}  {'made by':12}{'at most, certified':>20}")
    for found in rooms:
        most = "-" if found.at_most is None else f"{found.at_most:,}"
        print(f"{found.coherence!s:>10}{found.at_least:>18,}  {found.made_by:12}{most:>20}")
    if wanted is not None and subject is not None:
        print(f"{subject.name} has {wanted.n:,} tokens in the last scale's sight:")
        print(f"  made here: coherence {wanted.made} ({wanted.made_by} keys)")
        if wanted.impossible is not None:
            print(f"  impossible: coherence {wanted.impossible} or less, certified")
    if out is not None:
        print(f"certificate: {out.stat().st_size:,} bytes in {printable(str(out))}")


def phase(
    model: OwnModelArgument = None,
    named: OwnModelOption = None,
    d: Annotated[
        int | None, typer.Option("--d", min=2, max=LARGEST_D, help="A head dimension, instead of MODEL.")
    ] = None,
    tokens: Annotated[
        int | None, typer.Option("--tokens", min=2, max=10**15, help="With --d: the number of cached tokens.")
    ] = None,
    multiplier: Annotated[
        list[str] | None,
        typer.Option("--lambda", metavar="X", help="Largest logit, or a list: 1,10,100."),
    ] = None,
    eta: EtaOption = "0.1",
    delta: DeltaOption = "0.01",
    as_json: JsonOption = False,
) -> None:
    """Find the logits from which caches need T d bits, and those up to which a proved coreset is smaller.

    Errors are additive, for values in [0, 1]. The coresets are the caches `sampled` and `covered`.
    """
    from lowerbound.certify.phase import LARGEST
    from lowerbound.certify.phase import phase as borders
    from lowerbound.core.models import find_model
    from lowerbound.core.scalars import rational
    from lowerbound.errors import invalid

    chosen = None if (model or named) is None else one_model(model, named)
    if (chosen is None) == (d is None and tokens is None) or (d is None) != (tokens is None):
        raise InvalidArgument("phase must get either --model, or --d and --tokens")
    multipliers = listed(multiplier, "--lambda") or DEFAULT_MULTIPLIERS
    asked = [rational(each, name="lambda") for each in multipliers]
    for given, largest in zip(multipliers, asked, strict=True):
        if not 0 <= largest <= LARGEST:
            raise invalid("lambda", f"lie in [0, {LARGEST}]", given, nearest=0 if largest < 0 else LARGEST)
    with working("both borders"):
        if chosen is not None:
            head = find_model(chosen)
            found = borders(
                head.n_tokens_cached, head.head_dim, in_sight=head.visible_schedule.n_tokens, eta=eta, delta=delta
            )
        else:
            assert d is not None
            assert tokens is not None
            found = borders(tokens, d, eta=eta, delta=delta)
        sides = [(float(each), found.rows(each), found.side(each)) for each in asked]
    if as_json:
        at_each = [{"lambda": at, "rows": rows, "side": side} for at, rows, side in sides]
        print_json({"model": chosen, **found.to_json(), "multipliers": at_each})
        return
    print(f"{found.tokens:,} cached tokens in R^{found.d}, additive eta = {eta}, delta = {delta}, logits up to lambda")
    if found.floor_from is None:
        print(f"  {found.tokens:,} keys are too near each other here: no lambda up to 1000 forces T d bits")
    else:
        print(
            f"  from lambda = {float(found.floor_from):.3f} every cache needs (1 - H2(delta)) T d bits: "
            f"{found.in_sight:,} keys of coherence {float(found.coherence):.4g} exist ({found.keys})"
        )
    for name, to in (("sampled", found.sampled_to), ("covered", found.covered_to)):
        told = "at no lambda" if to is None else f"up to lambda = {float(to):.3f}"
        print(f"  `{name}` keeps fewer rows than tokens {told}")
    print(f"{'lambda':>8}{'sampled':>12}{'covered':>12}")
    for at, rows, side in sides:
        print(f"{at:>8g}{rows['sampled']:>12,}{rows['covered']:>12,}  {SIDES[side]}")


SIDES = {"forced": "T d bits are forced", "possible": "a coreset is smaller", "open": "neither is proved"}
DEFAULT_MULTIPLIERS = ("0.1", "1", "4", "10", "100")


def time(
    model: ModelArgument = None,
    named: ModelOption = None,
    questions: Annotated[
        int, typer.Option("--questions", min=1, max=MOST_TRIALS, help="Number of queries that each reader is asked.")
    ] = 200,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count the cached rows that a reader looks at per query, for non-adaptive and adaptive readers."""
    from math import ceil, log2, sqrt

    from lowerbound.core.models import find_geometry
    from lowerbound.core.scalars import counted
    from lowerbound.game.probes import FixedPlaces, HashTable, Hyperplanes, RowReader, Scan, Tree, probe
    from lowerbound.game.reduction import plan_reduction

    subject = one_model(model, named)
    instances = instances_of(instance_seed)
    with working("keys"):
        plan = plan_reduction(find_geometry(subject), seed=seed)
    n_tokens = plan.schedule.n_tokens_cached
    fixed: list[RowReader] = [FixedPlaces(n_tokens * share // 4) for share in (0, 1, 2, 3)]
    adaptive: list[RowReader] = [HashTable(), Hyperplanes(ceil(log2(n_tokens))), Tree()]
    readers = (*fixed, Scan(), *adaptive)
    rows = []
    with progress(len(readers)) as begin:
        for reader in readers:
            begin(reader.name)
            rows.append(probe(reader, plan, questions=questions, instances=instances))
    if as_json:
        told = [{**vars(row), "least_looks": None if row.is_adaptive else row.least_looks} for row in rows]
        print_json({"model": subject, "tokens": n_tokens, "readers": told})
        return
    rows_told = counted(n_tokens, "cached row")
    print(f"{rows_told} of {subject} in an unknown order; mean number of looks per question")
    print(f"{'reader':>14}{'looks':>10}{'bits misread':>14}{'(1 - 2 error) T':>17}")
    for row in rows:
        least = "-" if row.is_adaptive else f"{row.least_looks:.1f}"
        print(f"{row.reader:>14}{row.looks:>10,.1f}{row.error:>14.4f}{least:>17}")
    deviation = n_tokens / sqrt(questions)
    print("readers that fix their places first need the last column (lemma `time`); the others escape")
    print(
        f"(the last column is measured on {counted(questions, 'question')}: its standard deviation is at most "
        f"{deviation:.0f})"
    )
