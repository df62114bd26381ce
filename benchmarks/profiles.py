"""Where the time of four commands goes: each function of this package with its share, if it does more than call others.

Games are played in this process here, so that the profiler sees them. Profiles showed these costs, which have been
removed: two processes for each game of `play --all` (this package's caches now share parties in groups of eight: 80 s
became 18 s, and `demo` 12 s became 7 s); a search of installed packages for each name of a cache; keys computed by both
parties; SubGen's and BalanceKV's loops over tokens; and the same weights computed for each trial. The remaining work is
necessary: `verify` waits for Coq to print what the theorem rests on and counts lattices in exact integers, `certify`
encloses a Gaussian integral in Arb balls, `play --all` ranks members of large classes in long integers (structured
caches) and codes lattice points (guaranteed caches), and every state is decoded twice, after `encode` and by the next
scale, because it must survive as its bytes.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lowerbound.cli import app

COMMANDS = (
    ("demo",),
    ("play", "--all", "--model", "var-d16", "--isolation", "none"),
    ("verify",),
    ("certify", "var-d16", "--theorem", "E", "-o", "{folder}/c.json"),
)
LEAST_SHARE, MOST_SHARE = 0.05, 0.95
PASSED_ON = 0.85
MOST = 8
OURS = ("lowerbound", "proofs")
HOME = Path(__file__).parent.parent


def notes() -> Iterator[str]:
    """For each command, its name and then the functions with the largest shares of its time."""
    if not find_spec("pyinstrument"):
        yield "pyinstrument is not installed: pip install 'lowerbound[bench]'"
        return
    from pyinstrument import Profiler

    for words in COMMANDS:
        with tempfile.TemporaryDirectory() as folder, Profiler(interval=0.002) as profiler:
            _run([word.format(folder=folder) for word in words], folder)
        assert profiler.last_session is not None
        root: Any = profiler.last_session.root_frame()
        yield f"{' '.join(words).format(folder='.')}: {root.time:.1f} s"
        for name, seconds in _shares(root).most_common(MOST):
            yield f"  {seconds / root.time:>4.0%}  {name}"


def _run(words: list[str], folder: str) -> None:
    place = HOME if words[0] == "verify" else Path(folder)
    with contextlib.chdir(place), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            app(words)
        except SystemExit as end:
            if end.code:
                raise RuntimeError(f"{' '.join(words)} ended with {end.code}") from None


def _shares(root: Any) -> Counter[str]:
    """Seconds inside each function of this package that takes enough of the time and does not merely call another."""
    found: Counter[str] = Counter()

    def visit(frame: Any, inside: frozenset[str]) -> None:
        module = _module(frame)
        name = f"{module}.{frame.function}"
        if module is not None and name not in inside:
            most = max((child.time for child in frame.children if _module(child) is not None), default=0.0)
            if most < PASSED_ON * frame.time:
                found[name] += frame.time
            inside |= {name}
        for child in frame.children:
            visit(child, inside)

    visit(root, frozenset())
    return Counter(
        {name: seconds for name, seconds in found.items() if LEAST_SHARE <= seconds / root.time <= MOST_SHARE}
    )


def _module(frame: Any) -> str | None:
    """The module of a frame of this package, or None for any other frame."""
    path = Path(frame.file_path or "")
    if not path.is_relative_to(HOME) or path.relative_to(HOME).parts[0] not in OURS:
        return None
    return ".".join(path.relative_to(HOME).with_suffix("").parts)
