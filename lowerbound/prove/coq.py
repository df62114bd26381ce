"""The Coq half of the book: compiled from its sources alone, audited by Coq's second kernel, and read as Coq prints it.

Nothing here looks for words in a source. The .v files are compiled in a folder of this program's own, with its own
flags; `coqchk` then reads every object file again and lists what the development rests on; statements and definitions
are what `Check` and `Print` say with every notation off. A line that is not understood is a rejection.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from graphlib import TopologicalSorter
from itertools import islice
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

from lowerbound.errors import InvalidArgument, LowerBoundError, unknown
from lowerbound.prove.coq_outline import FORMAT, Outline
from lowerbound.prove.coq_program import LOGICAL_NAME, PROCESSES, CoqRejected, run
from lowerbound.prove.coqchk import AUDIT, SECTIONS, audited

AXIOMS = frozenset(
    {
        "Coq.Reals.ClassicalDedekindReals.sig_not_dec",
        "Coq.Reals.ClassicalDedekindReals.sig_forall_dec",
        "Coq.Logic.FunctionalExtensionality.functional_extensionality_dep",
        "Coq.Logic.Classical_Prop.classic",
    }
)
"""What Coq's standard library assumes of the real numbers, by full name; nothing else may appear."""

COMPILE = ("coqc", "-q", "-R", ".", LOGICAL_NAME, "-w", "none")
AS_PRINTED = "Set Printing All. Set Printing Width 1000000. Set Printing Depth 1000000."
AS_READ = "Unset Printing Implicit Defensive. Set Printing Width 100. Set Printing Depth 1000000."
_QUALIFIED = re.compile(r"[A-Za-z_][\w']*(?:\.[A-Za-z_][\w']*)+")
_PIECE = re.compile(r'\(\*|\*\)|"|[^(*"]+|.', re.DOTALL)
"""Of a Coq source: a mark of a comment, one of a string, and what stands between marks."""
SUMMARY = "summary.json"


def without_comments(text: str) -> str:
    """A Coq source with every comment blanked, byte for byte as long: comments nest, and strings hide their marks."""
    out, depth, in_string = [], 0, False
    for found in _PIECE.finditer(text):
        piece, was_within = found[0], depth > 0
        if piece == '"':
            in_string = not in_string
        elif piece == "(*" and not in_string:
            depth += 1
        elif piece == "*)" and not in_string:
            depth = max(0, depth - 1)
        within = was_within or depth > 0
        out.append("\n".join(" " * len(line.encode()) for line in piece.split("\n")) if within else piece)
    return "".join(out)


@dataclass(frozen=True)
class Told:
    """What Coq prints: the statement of each theorem, and each definition that gives these statements their meaning."""

    statements: Mapping[str, str]
    definitions: Mapping[str, str]


@dataclass(frozen=True)
class Compiled:
    """A folder of object files made from the sources of a `CoqFolder`, and what coqchk says of them all."""

    place: Path
    modules: tuple[str, ...]
    summary: Mapping[str, frozenset[str]]
    is_kept: bool
    """Whether all of it is the result of an earlier run of the same sources."""

    @property
    def axioms(self) -> frozenset[str]:
        """Full names of all axioms that any file rests on."""
        return self.summary["Axioms"]

    def check(self) -> None:
        """Raise CoqRejected unless the development rests on the axioms of the reals alone, and on no unsafe flag."""
        extra = self.axioms - AXIOMS
        if extra:
            raise CoqRejected(
                f"Coq files must rest on the axioms of the reals alone, got also {', '.join(sorted(extra))}"
            )
        for section in SECTIONS[1:]:
            if self.summary[section]:
                listed = ", ".join(sorted(self.summary[section]))
                raise CoqRejected(f"Coq files must have no {section[0].lower()}{section[1:]}, got {listed}")

    @cached_property
    def outline(self) -> Outline:
        """Where each theorem is stated, and what each proof mentions.

        Contract: kept beside the object files, as in `told`, since .glob files have millions of bytes.
        """
        return Outline.from_json(self._kept(FORMAT, (), lambda: Outline.read(self.place, self.modules).to_json()))

    def full_name(self, theorem: str) -> str:
        """The theorem with the last module that states one of this name, such as "Theorems.index_binary".

        Contract: UnknownName, with the nearest names, where no module does.
        """
        homes = self.outline.homes
        if theorem not in homes:
            raise unknown("Coq theorem", theorem, homes)
        return f"{homes[theorem][-1]}.{theorem}"

    def source(self, theorem: str) -> str:
        """The theorem as its source writes it, white space folded: what a reader sees, and no proof rests on.

        Contract: the text from the place that Coq's .glob file names to the next "Proof", comments left out.
        """
        module, _, name = self.full_name(theorem).partition(".")
        statement = self._plain(module)[self._start(theorem) :].decode().partition("\nProof")[0]
        return " ".join(statement.removeprefix(name).split())

    def line(self, theorem: str) -> int:
        """The line of its file on which the theorem's statement begins, counted from 1."""
        module = self.full_name(theorem).partition(".")[0]
        return (self.place / f"{module}.v").read_bytes()[: self._start(theorem)].count(b"\n") + 1

    def _start(self, theorem: str) -> int:
        return self.outline.starts[self.full_name(theorem)]

    def _plain(self, module: str) -> bytes:
        """A module's source without comments, byte for byte as long."""
        if module not in self._plains:
            self._plains[module] = without_comments((self.place / f"{module}.v").read_text(encoding="utf-8")).encode()
        return self._plains[module]

    @cached_property
    def _plains(self) -> dict[str, bytes]:
        """Those that were asked for."""
        return {}

    def closure(self, theorem: str) -> frozenset[str]:
        """The theorem and the names of everything in this folder on which its proof rests."""
        if theorem not in self._closures:
            self._closures[theorem] = self.outline.closure(self.full_name(theorem))
        return self._closures[theorem]

    @cached_property
    def _closures(self) -> dict[str, frozenset[str]]:
        """Those that were asked for."""
        return {}

    def printed(self, questions: Mapping[str, str]) -> dict[str, str]:
        """What Coq prints in answer to each question, such as "Check @Theorems.index_binary", by the question's key.

        Contract: nothing is imported, so that every name of these files is printed with its module; notations are off,
        and white space is folded.
        """
        told = self._asked(f"From {LOGICAL_NAME} Require {' '.join(self.modules)}. {AS_PRINTED}", questions)
        return {key: " ".join(answer.split()) for key, answer in told.items()}

    def readable(self, theorems: Iterable[str]) -> dict[str, str]:
        """What Coq prints of theorems (names without module) for a reader: with notations, in lines of 100 characters.

        Contract: kept beside the object files, as in `told`. No check reads it; `told` holds what checks compare.
        """
        names = sorted({self.full_name(theorem) for theorem in theorems})
        opened = f"From {LOGICAL_NAME} Require Import {' '.join(self.modules)}. Open Scope R_scope. {AS_READ}"
        asked = {name: f"Check {LOGICAL_NAME}.{name}" for name in names}
        kept = self._kept("readable", names, lambda: self._asked_at_once(opened, asked))
        return {name.partition(".")[2]: _without_name(kept[name]) for name in names}

    def _asked(self, opening: str, questions: Mapping[str, str]) -> dict[str, str]:
        lines = [opening, *(f'Redirect "{number}" {asked}.' for number, asked in enumerate(questions.values()))]
        with tempfile.TemporaryDirectory() as folder:
            here = Path(folder)
            (here / "Asked.v").write_text("\n".join([*lines, ""]), encoding="utf-8")
            run(*COMPILE[:2], "-R", str(self.place), LOGICAL_NAME, "-w", "none", "Asked.v", cwd=here)
            answers = [(here / f"{number}.out").read_text(encoding="utf-8") for number in range(len(questions))]
        return dict(zip(questions, answers, strict=True))

    def _asked_at_once(self, opening: str, questions: Mapping[str, str]) -> dict[str, str]:
        """The same, by PROCESSES at once: with notations, a statement about frames takes ten seconds to print."""
        shares = [dict(islice(questions.items(), start, None, PROCESSES)) for start in range(PROCESSES)]
        with ThreadPoolExecutor(PROCESSES) as pool:
            told = pool.map(partial(self._asked, opening), shares)
            return {name: answer for share in told for name, answer in share.items()}

    def statements(self, theorems: Iterable[str]) -> dict[str, str]:
        """What Coq says that these theorems (full names) state, every notation off and every argument shown."""
        asked = {name: f"Check @{LOGICAL_NAME}.{name}" for name in theorems}
        return {name: text.partition(" : ")[2] for name, text in self.printed(asked).items()}

    def definitions(self, texts: Iterable[str]) -> dict[str, str]:
        """All that the texts mean beyond Coq's own libraries: each definition of these files that a text mentions, or
        that such a definition mentions, as Coq prints it. Of a lemma whose proof is opaque this is its statement.
        """
        known: dict[str, str] = {}
        todo = self._mentioned(texts)
        while todo:
            lemmas = {name for name in todo if name.partition(".")[2] in self.outline.homes}
            told = self.printed({name: f"About {LOGICAL_NAME}.{name}" for name in sorted(lemmas)})
            opaque = {name for name, text in told.items() if f"{name} is opaque" in text}
            asked = {name: f"Print {LOGICAL_NAME}.{name}" for name in sorted(todo - opaque)}
            known |= {name: told[name] for name in opaque} | self.printed(asked)
            todo = self._mentioned(known.values()) - known.keys()
        return known

    def told(self, theorems: Iterable[str]) -> Told:
        """The statements of these theorems (names without module), and every definition that they use.

        Contract: kept beside the object files, which stand for these very sources, so that Coq is asked once.
        """
        names = sorted({self.full_name(theorem) for theorem in theorems})

        def ask() -> list[dict[str, str]]:
            statements = self.statements(names)
            return [statements, self.definitions(statements.values())]

        return Told(*self._kept("told", names, ask))

    def _kept(self, what: str, names: Sequence[str], ask: Callable[[], Any]) -> Any:
        kept = self.place / f"{what}-{hashlib.sha256(' '.join(names).encode()).hexdigest()[:16]}.json"
        if not kept.is_file():
            unfinished = kept.with_suffix(f".{os.getpid()}")
            unfinished.write_text(json.dumps(ask()), encoding="utf-8")
            unfinished.replace(kept)
        return json.loads(kept.read_text(encoding="utf-8"))

    def _mentioned(self, texts: Iterable[str]) -> set[str]:
        own = set(self.modules)
        names = (match[0] for text in texts for match in _QUALIFIED.finditer(text))
        parts = (name.removeprefix(f"{LOGICAL_NAME}.").split(".") for name in names)
        return {".".join(part[:2]) for part in parts if part[0] in own}


@dataclass(frozen=True)
class CoqFolder:
    """A folder of Coq sources, listed in build order by its `_CoqProject`; nothing else of that file is read."""

    directory: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The .v files, in the order in which they build."""
        project = self.directory / "_CoqProject"
        if not project.is_file():
            raise InvalidArgument(f"Coq folder must hold a _CoqProject, got {self.directory}")
        names = [line.strip() for line in project.read_text(encoding="utf-8").splitlines()]
        listed = [name for name in names if name.endswith(".v")]
        if not all(re.fullmatch(r"[A-Za-z]\w*\.v", name) for name in listed):
            raise InvalidArgument(f"_CoqProject must list files of its own folder, got {', '.join(listed)[:200]}")
        return tuple(self.directory / name for name in listed)

    @cached_property
    def digest(self) -> str:
        """The name under which results are kept: it changes with the sources, the commands and Coq's version."""
        version = run("coqc", "--version", cwd=self.directory)
        contents = [[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in self.files]
        return hashlib.sha256(json.dumps([version, COMPILE, AUDIT, contents]).encode()).hexdigest()

    def is_compiled(self) -> bool:
        """Whether `compiled` finds a kept result of these sources, and so takes seconds."""
        with _kept() as root:
            return (root / self.digest / SUMMARY).is_file()

    def compiled(self, *, afresh: bool = False) -> Compiled:
        """The object files of these sources, and coqchk's summary of them.

        Contract: made from copies of the sources, in a folder outside `directory`, by COMPILE and AUDIT. A result is
        kept under `digest`, and used again unless `afresh`.
        """
        modules = tuple(path.stem for path in self.files)
        with _kept() as root, _locked(root / f"{self.digest}.lock"):
            place = root / self.digest
            is_kept = not afresh and (place / SUMMARY).is_file()
            if not is_kept:
                shutil.rmtree(place, ignore_errors=True)
                place.mkdir()
                for path in self.files:
                    (place / path.name).write_bytes(path.read_bytes())
                _compile(place, [path.name for path in self.files])
                found = {name: sorted(listed) for name, listed in audited(place, modules).items()}
                (place / SUMMARY).write_text(json.dumps(found), encoding="utf-8")
            kept = json.loads((place / SUMMARY).read_text(encoding="utf-8"))
            if set(kept) != set(SECTIONS):
                raise CoqRejected(f"what was kept of coqchk must have {', '.join(SECTIONS)}, got {', '.join(kept)}")
            summary = {name: frozenset(listed) for name, listed in kept.items()}
        return Compiled(place, modules, summary, is_kept)


def _compile(place: Path, names: Sequence[str]) -> None:
    """Compile sources in this folder, PROCESSES at once, each after those that it requires."""
    sorter = TopologicalSorter(_required(run("coqdep", "-R", ".", LOGICAL_NAME, *names, cwd=place), names))
    sorter.prepare()
    with ThreadPoolExecutor(PROCESSES) as pool:
        running: dict[Future[str], str] = {}
        while sorter.is_active():
            for name in sorter.get_ready():
                running[pool.submit(run, *COMPILE, name, cwd=place)] = name
            ended, _ = wait(running, return_when=FIRST_COMPLETED)
            for each in ended:
                name = running.pop(each)
                try:
                    each.result()
                except LowerBoundError:
                    pool.shutdown(cancel_futures=True)
                    raise
                sorter.done(name)


def _required(text: str, names: Sequence[str]) -> dict[str, list[str]]:
    """For each source, the others that must be compiled before it, as coqdep prints them."""
    needs: dict[str, list[str]] = {name: [] for name in names}
    for line in text.splitlines():
        targets, colon, sources = line.partition(": ")
        name = targets.partition(".vo")[0] + ".v"
        if colon and name in needs and f"{name}o" in targets.split():
            needs[name] = [each[:-1] for each in sources.split() if each.endswith(".vo") and each[:-1] in needs]
    return needs


def _without_name(answer: str) -> str:
    """What Check prints, without "name :" before it and the indentation that this made."""
    first, _, rest = answer.partition(":")[2].strip().partition("\n")
    return "\n".join([first, *indent(dedent(rest), "  ").splitlines()])


@contextmanager
def _kept() -> Iterator[Path]:
    """The folder in which compiled sources are kept: $XDG_CACHE_HOME/lowerbound/coq, or ~/.cache/lowerbound/coq."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lowerbound" / "coq"
    root.mkdir(parents=True, exist_ok=True)
    yield root


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time compiles the same sources; the others wait, and find them done."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
