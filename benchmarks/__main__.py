"""`python -m benchmarks [NAME...] [--page]`: run benchmarks, and print each figure beside what is promised.

With `--page` what was printed becomes docs/performance.md, with the machine's name.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import sys
from datetime import date
from itertools import groupby
from pathlib import Path
from types import ModuleType
from typing import TextIO

from benchmarks import certificates, delsarte, device, figures, games, oracle, replay, structures, sweeps, var

BENCHMARKS: dict[str, ModuleType] = {
    "oracle": oracle,
    "games": games,
    "certificates": certificates,
    "delsarte": delsarte,
    "var": var,
    "replay": replay,
    "structures": structures,
    "sweeps": sweeps,
    "figures": figures,
    "device": device,
}
PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


class _Both(io.StringIO):
    """What is printed is shown, and kept."""

    def __init__(self, shown: TextIO) -> None:
        super().__init__()
        self.shown = shown

    def write(self, text: str) -> int:
        self.shown.write(text)
        self.shown.flush()
        return super().write(text)


def machine() -> str:
    """Processor, number of processors, system and versions, in one line."""
    import numpy as np

    names = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    return f"{processor}, {cores} processors, {platform.system()}, {versions}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def page(printed: dict[str, str]) -> str:
    """The page of what was printed."""
    parts = [
        "# Performance",
        "",
        "Made by `python -m benchmarks --page`; do not edit. Every figure stands beside a peer or a limit that was",
        "measured in the same run, run by run in turn, so that a busy machine slows both; medians with their range. No",
        "test asserts any of them.",
        "",
        f"Machine: {machine()}; {date.today().isoformat()}.",
    ]
    for name, text in printed.items():
        title = (BENCHMARKS[name].__doc__ or name).splitlines()[0]
        lines = text.strip().splitlines()
        parts += ["", f"## {name}", "", title, ""]
        for is_table, group in groupby(lines, key=lambda line: line.startswith("|")):
            part = [line for line in group if line]
            if part:
                parts += [*part, ""] if is_table else ["```", *part, "```", ""]
    return "\n".join([*parts, ""])


def main(words: list[str]) -> int:
    """Run the named benchmarks, all of them without a name."""
    with_page = "--page" in words
    names = [word for word in words if word != "--page"]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: benchmark must be one of {', '.join(BENCHMARKS)}, got {unknown[0]!r}", file=sys.stderr)
        return 2
    printed: dict[str, str] = {}
    for name in names or BENCHMARKS:
        kept = _Both(sys.stdout)
        with contextlib.redirect_stdout(kept):
            BENCHMARKS[name].run()
        printed[name] = kept.getvalue()
    if with_page:
        PAGE.write_text(page(printed), encoding="utf-8")
        print(f"{PAGE}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
