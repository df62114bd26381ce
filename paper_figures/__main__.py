"""`python -m paper_figures [NAME...] [--out DIR] [--pages]`: draw figures from the tables of experiments."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

from lowerbound.report.figure import save, save_all
from paper_figures import (
    anatomy,
    coresets,
    digits_training,
    dimension,
    frontier,
    growth,
    hero,
    maps,
    phase,
    pictures,
    probes,
    proof,
    scaling,
    structures,
    threshold,
    tightness,
    tightness_bytes,
)

FIGURES: dict[str, ModuleType] = {
    "anatomy": anatomy,
    "coresets": coresets,
    "dimension": dimension,
    "frontier": frontier,
    "growth": growth,
    "hero": hero,
    "maps": maps,
    "phase": phase,
    "pictures": pictures,
    "probes": probes,
    "proof": proof,
    "scaling": scaling,
    "structures": structures,
    "threshold": threshold,
    "tightness": tightness,
    "tightness_bytes": tightness_bytes,
    "digits_training": digits_training,
}
"""A figure has the name of the experiment whose table it draws, with a further word where one table has two figures."""
RESULTS = Path("results")
LOGS = Path(__file__).parent.parent / "experiments"
RELEASED = ("digits",)
"""Tables that come with the checkout, because making them takes torch: those of `LOGS` are drawn."""
PAGES = Path(__file__).parent.parent / "docs"
ON_PAGES = tuple(name for name in FIGURES if name not in ("proof", "scaling", "threshold", "tightness_bytes"))
"""Figures that the README and the pages show; `--pages` renews those pictures."""


def table_of(name: str) -> Path:
    """The file of the table that a figure draws: a result of this checkout, or a log that was released with it."""
    table = f"{FIGURES[name].TABLE}.json"
    return (LOGS if FIGURES[name].TABLE in RELEASED else RESULTS) / table


def draw(name: str, place: Path, *, pages: bool) -> list[Path]:
    """One figure as PDF, SVG and PNG in a folder; where `pages` is true, also the picture that pages show."""
    figure = FIGURES[name].build(json.loads(table_of(name).read_text(encoding="utf-8"))["rows"])
    paths = save_all(figure, place / name)
    return [*paths, save(figure, PAGES / f"{name}.png")] if pages and name in ON_PAGES else paths


def main(words: list[str]) -> int:
    """Draw the named figures, or all of them if none is named.

    Contract: 0, or 2 with one sentence for an unknown name or option, one that is given twice, or tables that are
    missing, before anything is drawn; or for a table of another version, when its turn comes. No file of the checkout
    is touched without `--pages`.
    """
    place, pages = RESULTS / "figures", "--pages" in words
    if pages:
        words = [word for at, word in enumerate(words) if word != "--pages" or at != words.index("--pages")]
    if "--out" in words:
        at = words.index("--out")
        if at + 1 == len(words) or words[at + 1].startswith("--"):
            return _refused("--out must be followed by a folder")
        place = Path(words[at + 1])
        words = words[:at] + words[at + 2 :]
    for word in words:
        if word in ("--out", "--pages"):
            return _refused(f"{word} must be given at most once")
        if word.startswith("-"):
            return _refused(f"option must be --out DIR or --pages, got {word!r}")
        if word not in FIGURES:
            return _refused(f"figure must be one of {', '.join(FIGURES)}, got {word!r}")
        if words.count(word) > 1:
            return _refused(f"figure must be named once, got {word!r} {words.count(word)} times")
    names = words or list(FIGURES)
    if missing := list(dict.fromkeys(FIGURES[name].TABLE for name in names if not table_of(name).is_file())):
        tables = f"the table {missing[0]}" if len(missing) == 1 else f"{len(missing)} tables"
        return _refused(f"{RESULTS} lacks {tables}; make it with: python -m experiments {' '.join(missing)}")
    for name in names:
        try:
            drawn = draw(name, place, pages=pages)
        except KeyError as lacking:
            again = f"make it anew with: python -m experiments {FIGURES[name].TABLE}"
            return _refused(f"{table_of(name)} is of another version, for it lacks {lacking}; {again}")
        for path in drawn:
            print(path)
    return 0


def _refused(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
