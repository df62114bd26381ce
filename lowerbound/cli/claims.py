"""Claims: whether a compression ratio is possible as a worst-case guarantee."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lowerbound.cli.options import (
    DEFAULT_DELTA,
    DEFAULT_ETA,
    DeltaOption,
    EtaOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    can_draw,
    can_write,
    print_json,
    working,
)
from lowerbound.cli.place import Place, at_a_place
from lowerbound.report.terminal import say


@at_a_place
def possible(
    place: Place,
    ratio: Annotated[str, typer.Option("--ratio", metavar="X", help="Compression of the fp16 cache, such as 10.")],
    model: ModelArgument = None,
    named: ModelOption = None,
    eta: EtaOption = DEFAULT_ETA,
    delta: DeltaOption = DEFAULT_DELTA,
    certificate: Annotated[
        Path | None,
        typer.Option("--certificate", metavar="FILE", help="Where the floor's certificate goes.", callback=can_write),
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option(
            "--picture", metavar="FILE", help="Where the picture goes, .png, .svg or .pdf.", callback=can_draw
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Is this compression possible as a worst-case guarantee? POSSIBLE, IMPOSSIBLE or OPEN."""
    subject = place.found()
    from lowerbound.certify.possible import Word
    from lowerbound.certify.possible import possible as answer

    with working("the strongest floor, and the cheapest proved cache"):
        found = answer(subject, ratio=ratio, eta=eta, delta=delta)
        if certificate is not None and found.floor is not None:
            certificate.write_bytes(found.floor.document())
        if picture is not None:
            from lowerbound.report.figure import claim_picture, save

            save(claim_picture(found.to_json()), picture)
    if as_json:
        from lowerbound.certify.kept import read_again

        print_json({**found.to_json(), "read_again": read_again()})
    else:
        from lowerbound.core.decoder import Placed
        from lowerbound.report.floors import possible_text

        say(possible_text(found.to_json(), notes=subject.notes if isinstance(subject, Placed) else ()))
        print(found.word)
    raise typer.Exit({Word.POSSIBLE: 0, Word.IMPOSSIBLE: 1, Word.OPEN: 3}[found.word])
