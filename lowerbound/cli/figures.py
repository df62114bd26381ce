"""Figures: draw the figures of a checkout from the tables of its experiments."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from lowerbound.errors import DEFECT_EXIT_CODE, InvalidArgument


def figures(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Which; default: all of them.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where they go; default: results/figures.")
    ] = None,
    pages: Annotated[bool, typer.Option("--pages", help="Renew the pictures of docs as well.")] = False,
) -> None:
    """Draw figures from the tables of `python -m experiments`, as PDF, SVG and PNG."""
    here = Path.cwd()
    home = next(
        (folder for folder in (here, *here.parents) if (folder / "paper_figures" / "__main__.py").is_file()), None
    )
    if home is None:
        raise InvalidArgument(
            f"figures are drawn in a checkout, which has the folder paper_figures; {here} is not in one"
        )
    words = [*(names or []), *(["--out", str(here / out)] if out else []), *(["--pages"] if pages else [])]
    drawn = subprocess.run([sys.executable, "-m", "paper_figures", *words], cwd=home, check=False).returncode
    raise typer.Exit(drawn if drawn in (0, InvalidArgument.exit_code) else DEFECT_EXIT_CODE)
