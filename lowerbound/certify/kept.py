"""Proposals of earlier runs: what was searched for once is read again, while question and program are the same.

Nothing that is kept is believed. A proposal, such as the numbers of a design or the basis of a lattice, is what the
kernel judges, or exact arithmetic checks, anew in every process, whoever wrote it. A forged one can cost a floor bits,
and cannot give it any. The folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

Json = Any
Made = TypeVar("Made")
MOST_BYTES = 2**19
"""A larger proposal is not kept: it takes longer to read than to find."""
MOST_PROGRAMS = 8
"""Programs whose proposals are kept side by side, such as those of checkouts that are worked on."""
LIBRARIES = {"numpy": "version.py", "scipy": "version.py", "flint": "__init__.py"}
"""The libraries on whose floats and bases a search depends, and the file of each that tells its version."""

_read: list[str] = []


def read_again() -> list[str]:
    """The names of the proposals that this process has read of earlier runs, in order."""
    return list(_read)


def proposed(name: str, question: Json, search: Callable[[], Json], make: Callable[[Json], Made]) -> Made:
    """What `make` makes of what `search` finds, or of what it found in an earlier run for the same question.

    Contract: the same in both cases, if nobody else writes to the folder. A file that cannot be read or written, and
    one of which `make` can make nothing, is as if it were not there.

    Parameters
    ----------
    name : str
        What is proposed, for people.
    question : plain JSON values
        Everything that the search depends on, beside the sources of this package and LIBRARIES.
    search : function that returns plain JSON values
    make : function that checks exactly whatever it is not the kernel's to check
    """
    asked = json.dumps([name, question], sort_keys=True)
    file = f"{hashlib.sha256(asked.encode()).hexdigest()}.json"
    with suppress(Exception):
        told = json.loads((folder() / file).read_bytes())
        if told["asked"] == asked:
            made = make(told["found"])
            _read.append(name)
            return made
    found = search()
    data = json.dumps({"asked": asked, "found": found}).encode()
    if len(data) <= MOST_BYTES:
        with suppress(OSError, RuntimeError):
            _keep(folder(), file, data)
    return make(found)


def folder() -> Path:
    """Where the proposals of this program lie: in $XDG_CACHE_HOME/lowerbound/proposals, or in ~/.cache/lowerbound.

    Contract: RuntimeError where the user has no home.
    """
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "lowerbound" / "proposals" / digest()


def _keep(place: Path, file: str, data: bytes) -> None:
    """Write a file at once, or not at all; a folder that is begun takes the place of the oldest of MOST_PROGRAMS."""
    if not place.is_dir():
        place.mkdir(parents=True, exist_ok=True)
        # A clock may give folders of one moment the same time, so the new one is not among those to choose from.
        others = sorted(set(place.parent.iterdir()) - {place}, key=lambda each: each.stat().st_mtime)
        for old in others[: -(MOST_PROGRAMS - 1)]:
            shutil.rmtree(old, ignore_errors=True)
    unfinished = place / f"{file}.{os.getpid()}"
    unfinished.write_bytes(data)
    unfinished.replace(place / file)


@lru_cache(maxsize=1)
def digest() -> str:
    """The name of this program: it changes with every source of the package, and with the versions of LIBRARIES.

    A source that changed is told by its size and its time, as Python tells that a compiled file is out of date.
    """
    sources = [*map(_version_file, LIBRARIES)]
    for place, _, names in os.walk(Path(__file__).parent.parent):
        sources += [Path(place, name) for name in names if name.endswith(".py")]
    facts = [(str(path), known.st_size, known.st_mtime_ns) for path in sources for known in [path.stat()]]
    return hashlib.sha256(json.dumps(sorted(facts)).encode()).hexdigest()


def _version_file(library: str) -> Path:
    found = find_spec(library)
    assert found is not None
    assert found.origin is not None
    return Path(found.origin).with_name(LIBRARIES[library])
