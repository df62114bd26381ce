"""`python -m paper_figures [NAME...] [--out DIR]`: draw figures from the tables of `python -m experiments`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import ModuleType

from lowerbound.report.figure import save, save_all
from paper_figures import (
    anatomy,
    coresets,
    dimension,
    forbidden,
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
    thresholds,
    tightness,
    training,
)

FIGURES: dict[str, ModuleType] = {
    "anatomy": anatomy,
    "coresets": coresets,
    "dimension": dimension,
    "forbidden": forbidden,
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
    "thresholds": thresholds,
    "tightness": tightness,
    "training": training,
}
RESULTS = Path("results")
LOGS = Path(__file__).parent.parent / "experiments"
RELEASED = ("digits",)
"""Tables that come with the checkout, because making them takes torch: those of `LOGS` are drawn."""
PAGES = Path(__file__).parent.parent / "docs"
ON_PAGES = tuple(name for name in FIGURES if name not in ("forbidden", "proof", "scaling", "thresholds"))
"""Figures that the README and the pages show; drawing them without --out renews those pictures."""


def draw(name: str, place: Path | None) -> list[Path]:
    """One figure as PDF, SVG and PNG; FileNotFoundError where its table is missing."""
    module = FIGURES[name]
    folder = LOGS if module.TABLE in RELEASED else RESULTS
    rows = json.loads((folder / f"{module.TABLE}.json").read_text(encoding="utf-8"))["rows"]
    figure = module.build(rows)
    paths = save_all(figure, (place or RESULTS / "figures") / name)
    return [*paths, save(figure, PAGES / f"{name}.png")] if place is None and name in ON_PAGES else paths


def main(words: list[str]) -> int:
    """Draw the named figures, or all of them if none is named.

    Contract: 0, or 2 with one sentence for an unknown name or option, or one that is given twice, before anything is
    drawn; 2 where a table is missing.
    """
    place = None
    if "--out" in words:
        at = words.index("--out")
        if at + 1 == len(words) or words[at + 1].startswith("--"):
            return _refused("--out must be followed by a folder")
        place = Path(words[at + 1])
        words = words[:at] + words[at + 2 :]
    for word in words:
        if word == "--out":
            return _refused("--out must be given at most once")
        if word.startswith("-"):
            return _refused(f"option must be --out DIR, got {word!r}")
        if word not in FIGURES:
            return _refused(f"figure must be one of {', '.join(FIGURES)}, got {word!r}")
        if words.count(word) > 1:
            return _refused(f"figure must be named once, got {word!r} {words.count(word)} times")
    for name in words or FIGURES:
        try:
            for path in draw(name, place):
                print(path)
        except FileNotFoundError as missing:
            table = FIGURES[name].TABLE
            print(f"error: run `python -m experiments {table}` first: {missing.filename} is missing", file=sys.stderr)
            return 2
    return 0


def _refused(sentence: str) -> int:
    print(f"error: {sentence}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
