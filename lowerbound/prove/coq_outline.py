"""The outline of Coq files: where each theorem is stated, and what each proof mentions, by Coq's .glob files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lowerbound.prove.coq_program import LOGICAL_NAME

FORMAT = "outline-1"
"""Under which name an outline is kept beside the object files."""
_STATED = ("prf", "def", "thm")


@dataclass(frozen=True)
class Outline:
    """What the .glob files of some modules say; full names are such as "Theorems.index_binary"."""

    homes: Mapping[str, tuple[str, ...]]
    """Each theorem's name -> the modules that state a theorem of that name."""
    starts: Mapping[str, int]
    """Full name -> the byte of the module's source at which the last thing of that name is stated."""
    references: Mapping[str, frozenset[str]]
    """Full name of a theorem or definition -> the full names of what it mentions of these modules."""

    @staticmethod
    def read(place: Path, modules: Sequence[str]) -> Outline:
        """The outline of the modules whose .glob files lie in this folder."""
        homes: dict[str, list[str]] = {}
        starts: dict[str, int] = {}
        mentioned: dict[str, set[str]] = {}
        own = f" {LOGICAL_NAME}."
        for module in modules:
            current: set[str] | None = None
            for line in (place / f"{module}.glob").read_text(encoding="utf-8").splitlines():
                if line[:1] == "R":
                    if own in line and current is not None:
                        _, home, _, name, *_ = line.split()
                        if home.startswith(own[1:]):
                            current.add(f"{home.removeprefix(own[1:])}.{name}")
                    continue
                words = line.split()
                if words[2:3] == ["<>"] and len(words) == 4:
                    starts[f"{module}.{words[3]}"] = int(words[1].partition(":")[0])
                    if words[0] in ("prf", "thm"):
                        homes.setdefault(words[3], []).append(module)
                if words and words[0] in _STATED:
                    current = mentioned.setdefault(f"{module}.{words[3]}", set())
        return Outline(
            {name: tuple(found) for name, found in homes.items()},
            starts,
            {name: frozenset(found) for name, found in mentioned.items()},
        )

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        references = {name: sorted(found) for name, found in self.references.items()}
        return {"homes": self.homes, "starts": self.starts, "references": references}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> Outline:
        """The outline that `to_json` told."""
        homes = {name: tuple(found) for name, found in kept["homes"].items()}
        return Outline(homes, kept["starts"], {name: frozenset(found) for name, found in kept["references"].items()})

    def closure(self, theorem: str) -> frozenset[str]:
        """A theorem, by its full name, and everything of these modules on which its proof rests: names alone."""
        seen, todo = {theorem}, [theorem]
        while todo:
            for reference in self.references.get(todo.pop(), frozenset()):
                if reference not in seen:
                    seen.add(reference)
                    todo.append(reference)
        return frozenset(name.partition(".")[2] for name in seen)
