"""Coq's second kernel: `coqchk` reads every object file again, and lists what the development rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from lowerbound.prove.coq_program import LOGICAL_NAME, PROCESSES, CoqRejected, run

AUDIT = ("coqchk", "-o", "-bytecode-compiler", "yes", "-R", ".", LOGICAL_NAME)
THEORY = re.compile(r"Theory: Set is predicative")
SECTIONS = (
    "Axioms",
    "Constants/Inductives relying on type-in-type",
    "Constants/Inductives relying on unsafe (co)fixpoints",
    "Inductives whose positivity is assumed",
)
"""What coqchk reports. All of them but the first must be empty."""


@dataclass(frozen=True)
class AuditPart:
    """What one process reports: the libraries that it checked, those that it took as they are, and its summary."""

    checked: frozenset[str]
    admitted: frozenset[str]
    summary: Mapping[str, frozenset[str]]

    def listed(self, section: str) -> frozenset[str]:
        """What a section lists of the libraries that were checked.

        Of an admitted one coqchk lists also what a module hides behind its type, since it does not read how it is made;
        whoever checks that library lists what is assumed there.
        """
        return frozenset(name for name in self.summary[section] if not self._is_admitted(name))

    def _is_admitted(self, name: str) -> bool:
        while name and name not in self.checked | self.admitted:
            name = name.rpartition(".")[0]
        return name in self.admitted


def audited(place: Path, modules: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """The sections of the summary of a folder's modules and of every library that they rest on.

    Contract: two processes share the work. One checks the first half of the modules, listed in build order, and all
    that they rest on; the other checks each module of the second half, and admits what it rests on. What was admitted
    and not checked is checked at last, with all that it rests on.
    """
    wanted = [f"{LOGICAL_NAME}.{module}" for module in modules]
    middle = (len(wanted) + 1) // 2
    alone = list(chain.from_iterable(("-norec", name) for name in wanted[middle:]))
    with ThreadPoolExecutor(PROCESSES) as pool:
        parts = list(pool.map(partial(_audit, place), [words for words in (wanted[:middle], alone) if words]))
    rest = _unchecked(parts, wanted)
    return joined([*parts, _audit(place, sorted(rest))] if rest else parts, wanted)


def _audit(place: Path, words: Sequence[str]) -> AuditPart:
    return read_part(run(*AUDIT, *words, cwd=place))


def _unchecked(parts: Sequence[AuditPart], wanted: Sequence[str]) -> frozenset[str]:
    asked = frozenset(wanted).union(*(part.admitted for part in parts))
    return asked.difference(*(part.checked for part in parts))


def joined(parts: Sequence[AuditPart], wanted: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """What several processes list together, or CoqRejected if a library, wanted or admitted, was checked by none."""
    if rest := _unchecked(parts, wanted):
        raise CoqRejected(f"coqchk must check every library, and left out {', '.join(sorted(rest))[:200]}")
    return {section: frozenset[str]().union(*(part.listed(section) for part in parts)) for section in SECTIONS}


def read_part(text: str) -> AuditPart:
    """What a process reports, read; its log names each library that it checks or admits."""
    told = re.findall(r"^(Checking|Admitting) library: (\S+)$", text, re.MULTILINE)
    checked, admitted = (frozenset(name for verb, name in told if verb == each) for each in ("Checking", "Admitting"))
    return AuditPart(checked, admitted, read_summary(text))


def read_summary(text: str) -> Mapping[str, frozenset[str]]:
    """The sections of coqchk's summary, name -> what it lists.

    Contract: every line is understood and every section of SECTIONS is there, or CoqRejected is raised.
    """
    found: dict[str, frozenset[str]] = {}
    _, heading, body = text.partition("CONTEXT SUMMARY\n===============\n")
    if not heading:
        raise CoqRejected(f"coqchk must end with a summary, got {text.strip()[-200:]!r}")
    for paragraph in re.split(r"^\* ", body.strip(), flags=re.MULTILINE)[1:]:
        first, *rest = (line.strip() for line in paragraph.strip().splitlines())
        name, colon, nothing = first.rpartition(":")
        if THEORY.fullmatch(first) and not rest:
            continue
        if nothing.strip() == "<none>" and not rest:
            found[name] = frozenset()
        elif colon and not nothing.strip() and rest:
            found[name] = frozenset(rest)
        else:
            raise CoqRejected(f"coqchk says what is not understood: {paragraph.strip()[:200]!r}")
    if set(found) != set(SECTIONS):
        raise CoqRejected(f"coqchk must report {', '.join(SECTIONS)}, got {', '.join(found) or 'nothing'}")
    return found
