"""Packages that compress KV caches, as others published them: which, in which version, what each says, how it is made.

`packages.json` states facts alone. `python -m experiments.packages FOLDER` installs every one into a folder of its own,
since several bring a module of the same name, without dependencies, since most would pull a second torch, and from
wheels alone, since those run no code when they are installed. A folder, and those of what its package needs, are put on
PYTHONPATH for one package at a time. An installation fails if the list quotes what a package does not say.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from lowerbound.errors import InvalidArgument, invalid

LIST = Path(__file__).with_name("packages.json")
METADATA = "METADATA"
"""The name in the list for a distribution's own metadata, whose text is the package's README."""
NUMBER_BITS = {"fp16": 16, "fp32": 32}
"""The formats of which packages claim to be a fraction."""


@dataclass(frozen=True)
class Package:
    """One package and the cache in it that is audited.

    Parameters
    ----------
    name, version : str
        Of the distribution on PyPI.
    target : str
        The cache as `lowerbound audit` names it, whether it can be played here or not: the audit tells.
    needs : mapping
        Versions of the distributions beyond torch, transformers, kvpress, numpy and scipy that it imports.
    claim : str or None
        The least compression that the words in `says` promise of this cache, as a decimal; None if they give no number.
    says : str
        Words of the package, unchanged but for white space.
    says_where : str
        The file that has the words, relative to the package's folder, or METADATA.
    of : "fp16" or "fp32"
        The format that the claim compares with.
    init, after, read, dtype
        Options of the target.
    simulates, simulates_where : str
        Words of the package by which its cache does not hold what it compresses, and the file that has them.
    """

    name: str
    version: str
    target: str
    needs: Mapping[str, str]
    claim: str | None
    says: str
    says_where: str
    of: str = "fp16"
    init: Mapping[str, Any] = field(default_factory=dict)
    after: str | None = None
    read: str | None = None
    dtype: str = "float16"
    simulates: str | None = None
    simulates_where: str | None = None

    def __post_init__(self) -> None:
        if self.of not in NUMBER_BITS:
            raise invalid("of", f"be one of {', '.join(NUMBER_BITS)}", self.of, nearest="fp16")
        if (self.simulates is None) != (self.simulates_where is None):
            raise invalid("simulates_where", f"be told of {self.name} exactly if simulates is", self.simulates_where)
        if self.claim is not None and Fraction(self.claim) < 1:
            raise invalid("claim", "be at least 1", self.claim)

    @property
    def claimed_of_fp16(self) -> Fraction | None:
        """The claimed compression, if float16 is what is compressed."""
        return None if self.claim is None else Fraction(self.claim) * NUMBER_BITS["fp16"] / NUMBER_BITS[self.of]

    @property
    def quotes(self) -> list[tuple[str, str]]:
        """The words of the package that the list quotes, each with its file."""
        told = [(self.says, self.says_where), (self.simulates, self.simulates_where)]
        return [(words, file) for words, file in told if words is not None and file is not None]

    def folders(self, root: Path) -> list[Path]:
        """What goes on PYTHONPATH: the folder of the package, then those of what it needs."""
        return [folder_of(root, name, version) for name, version in [(self.name, self.version), *self.needs.items()]]


def packages(path: Path = LIST) -> tuple[Package, ...]:
    """The list.

    Contract: raises InvalidArgument if a row has a field that Package lacks, or a name stands twice.
    """
    known, found = {each.name for each in fields(Package)}, []
    for row in json.loads(path.read_text(encoding="utf-8")):
        if odd := sorted(set(row) - known):
            raise invalid(f"a field of {row.get('name')}", f"be one of {', '.join(sorted(known))}", odd[0])
        found.append(Package(**row))
    names = [each.name for each in found]
    if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
        raise InvalidArgument(f"a package must be listed once, got {twice[0]!r} {names.count(twice[0])} times")
    return tuple(found)


def folder_of(root: Path, name: str, version: str) -> Path:
    """Where a distribution is installed."""
    return root / f"{name}-{version}"


def misquoted(package: Package, root: Path) -> list[str]:
    """The quotes that the installed package does not have, up to white space; a missing file has none."""
    folder = folder_of(root, package.name, package.version)
    return [words for words, file in package.quotes if _plain(words) not in _plain(_text(folder, file))]


def _text(folder: Path, file: str) -> str:
    paths = folder.glob("*.dist-info/METADATA") if file == METADATA else [folder / file]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


def _plain(text: str) -> str:
    return " ".join(text.split())


def install(root: Path, listed: Sequence[Package]) -> None:
    """Install what is listed and what it needs; what is there already stays.

    Contract: raises InvalidArgument if a package is quoted wrongly. A folder appears whole or not at all.
    """
    root.mkdir(parents=True, exist_ok=True)
    pins = dict.fromkeys(pin for each in listed for pin in [(each.name, each.version), *each.needs.items()])
    for name, version in pins:
        folder = folder_of(root, name, version)
        if folder.is_dir():
            continue
        unfinished = folder.with_name(f"unfinished-{os.getpid()}-{folder.name}")
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--no-compile"]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(unfinished), f"{name}=={version}"]
        subprocess.run(command, check=True)
        unfinished.rename(folder)
    for each in listed:
        for words in misquoted(each, root):
            raise InvalidArgument(f"packages.json must quote {each.name} {each.version}, which does not say {words!r}")


def main(arguments: Sequence[str]) -> int:
    """Install the list into the folder that is named."""
    if len(arguments) != 1:
        print("error: python -m experiments.packages must name one folder", file=sys.stderr)
        return 2
    try:
        listed = packages()
        install(Path(arguments[0]), listed)
    except InvalidArgument as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"{len(listed)} packages are in {arguments[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
