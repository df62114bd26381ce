"""`python -m benchmarks [NAME...] [--page]`: run benchmarks, and print each figure beside a peer or a limit.

A benchmark is a module with `rows`, with `notes`, or both. With `--page` the printed text replaces the sections of
these benchmarks in docs/performance.md, with the machine's name.
"""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from types import ModuleType

from benchmarks import (
    audit,
    certificates,
    delsarte,
    device,
    figures,
    games,
    oracle,
    peers,
    profiles,
    replay,
    start,
    structures,
    suite,
    sweeps,
    var,
)
from benchmarks.timing import HEADER, LOOPS, REFERENCE_PACE_S, pace_s
from experiments.table import load

BENCHMARKS: dict[str, ModuleType] = {
    "start": start,
    "oracle": oracle,
    "games": games,
    "peers": peers,
    "certificates": certificates,
    "delsarte": delsarte,
    "var": var,
    "replay": replay,
    "structures": structures,
    "sweeps": sweeps,
    "audit": audit,
    "figures": figures,
    "suite": suite,
    "device": device,
    "profiles": profiles,
}
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def machine() -> str:
    """Processor, number of processors, system and versions, in one line."""
    import numpy as np

    names = [line.partition(":")[2].strip() for line in _lines(Path("/proc/cpuinfo")) if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{processor}, {cores} processors, {platform.system()}, {versions}"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


@dataclass(frozen=True)
class Printed:
    """The output of one benchmark: rows of a table, lines below it, and the machine's pace before and after it."""

    rows: list[str]
    notes: list[str]
    paces_s: tuple[float, float]


def printed(name: str) -> Printed:
    """Run a benchmark, and print each row as it comes."""
    module = BENCHMARKS[name]
    print(f"\n{name}\n", flush=True)
    before_s = pace_s()
    rows: list[str] = []
    notes: list[str] = []
    for row in module.rows() if hasattr(module, "rows") else ():
        if not rows:
            print(HEADER)
        rows.append(str(row))
        print(row, flush=True)
    for note in module.notes() if hasattr(module, "notes") else ():
        notes.append(note)
        print(note, flush=True)
    return Printed(rows, notes, (before_s, pace_s()))


def sections(text: str) -> dict[str, str]:
    """The sections of a page by their headings; a section's text does not include its heading."""
    return {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in text.split("\n## ")[1:]}


def section(name: str, told: Printed) -> str:
    """The section of one benchmark: its docstring, the machine, its pace and the day, and then its output."""
    pace = "{:.2f} s before and {:.2f} s after".format(*told.paces_s)
    steps = f"{LOOPS:,} steps on each processor at once took {pace}"
    parts = [(BENCHMARKS[name].__doc__ or name).strip(), ""]
    parts += [f"Measured on {machine()}; {steps}; {date.today().isoformat()}."]
    parts += ["", HEADER, *told.rows] if told.rows else []
    parts += ["", "```", *told.notes, "```"] if told.notes else []
    return "\n".join(parts)


def page(told: dict[str, Printed], before: str) -> str:
    """The whole page: sections of the benchmarks just run, and earlier sections of those that were not run."""
    known = sections(before) | {name: section(name, one) for name, one in told.items()} | growth()
    parts = [
        "# Performance",
        "",
        "<!-- Made by `make bench`; do not edit. -->",
        "",
        "Every figure stands beside a peer that was measured in the same run, in turn, so that a busy machine slows",
        "both, or beside a limit; medians with their range. No test asserts any of them.",
        "",
        f"A limit in seconds is for two quiet processors, which take {LOOPS:,} empty steps each, at the same time, in",
        f"at most {REFERENCE_PACE_S} s. The steps are timed before and after every run that has such a limit. If they",
        "took longer both times, the limit is longer in proportion to the quicker one, and its row says so.",
    ]
    for name in (*BENCHMARKS, "growth"):
        if name in known:
            parts += ["", f"## {name}", "", known[name]]
    return "\n".join([*parts, ""])


def growth() -> dict[str, str]:
    """The section on the experiment `growth`, if its table exists; if not, a page keeps the section that it has."""
    try:
        found = load("growth")
    except FileNotFoundError:
        return {}
    told = f"`python -m experiments growth`, {found['outcome']}: {found['sentence']}."
    picture = "![Seconds and memory of a game against tokens, dimension, caches and lemmas](growth.png)"
    return {"growth": f"{told}\n\n{picture}"}


def main(words: list[str]) -> int:
    """Run the named benchmarks, or all if none is named; with --page, renew their sections of the page."""
    with_page = "--page" in words
    names = [word for word in words if word != "--page"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: benchmark must be one of {', '.join(BENCHMARKS)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    told: dict[str, Printed] = {}
    for name in names or BENCHMARKS:
        told[name] = printed(name)
        if with_page:
            PAGE.write_text(page(told, "\n".join(_lines(PAGE))), encoding="utf-8")
    if with_page:
        print(f"{PAGE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
