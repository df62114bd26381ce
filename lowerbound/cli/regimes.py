"""Regimes: how many keys a dimension holds, and so how far the floor reaches when heads are narrow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.options import JsonOption, complete_model, print_json
from lowerbound.errors import InvalidArgument

COHERENCES = ("1/16", "1/8", "1/4", "1/3", "1/2")


def dimension(
    d: Annotated[int | None, typer.Option("--d", min=2, help="Head dimension.")] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="MODEL", help="Instead: a model's head.", autocompletion=complete_model),
    ] = None,
    mu: Annotated[
        list[str] | None, typer.Option("--mu", metavar="X", help="Coherence, such as 1/8; may be given several times.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="The certificate of one --mu, for `check`.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """How many keys of a coherence a dimension holds: made here, and at most, certified."""
    from lowerbound.certify.dimension import needed, room
    from lowerbound.core.models import find_model

    if (d is None) == (model is None):
        raise InvalidArgument("dimension must get one of --d and --model")
    if out is not None and len(mu or []) != 1:
        raise InvalidArgument("-o writes the certificate of exactly one --mu")
    subject = None if model is None else find_model(model)
    width = subject.head_dim if subject is not None else d
    assert width is not None
    rooms = [room(width, each) for each in mu or COHERENCES]
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
        print(f"certificate: {out.stat().st_size:,} bytes in {out}")
