"""The Coq half of the book: it must compile, rest on the axioms of the reals alone, and state what lemmas quote."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lowerbound.errors import InvalidArgument, LowerBoundError

AXIOMS = frozenset(
    {
        "ClassicalDedekindReals.sig_not_dec",
        "ClassicalDedekindReals.sig_forall_dec",
        "FunctionalExtensionality.functional_extensionality_dep",
        "Classical_Prop.classic",
    }
)
"""What Coq's standard library assumes of the real numbers; nothing else may appear."""

BUILD_LIMIT_S = 600
LOGICAL_NAME = "LowerBound"
_STATEMENT = re.compile(r"^(?:Theorem|Lemma|Corollary)\s+(\w+)(.*?)^Proof\.", re.DOTALL | re.MULTILINE)
_ESCAPE = re.compile(r"\b(Admitted|admit|Axiom|Axioms|Parameter|Parameters|Conjecture|Unset Guard Checking)\b")
_COMMENT = re.compile(r"\(\*.*?\*\)", re.DOTALL)


class CoqMissing(LowerBoundError):
    """A Coq program is not installed, or did not finish in time: what only Coq proves stays open."""

    exit_code = 3


class CoqRejected(LowerBoundError):
    """A file does not compile, escapes the kernel, or rests on an axiom that is not one of the reals."""


@dataclass(frozen=True)
class CoqFolder:
    """A folder of Coq files, listed in build order by its `_CoqProject`; only instances come after `Theorems.v`.

    Contract: `build` compiles stale files in that order; `assumptions` are exactly those that Coq prints. Both raise
    CoqMissing without coqc, and CoqRejected when Coq or the check of the text rejects a file.
    """

    directory: Path

    @cached_property
    def files(self) -> tuple[Path, ...]:
        """The .v files, in the order in which they build."""
        project = self.directory / "_CoqProject"
        if not project.is_file():
            raise InvalidArgument(f"Coq folder must hold a _CoqProject, got {self.directory}")
        names = [line.strip() for line in project.read_text(encoding="utf-8").splitlines()]
        return tuple(self.directory / name for name in names if name.endswith(".v"))

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        if shutil.which(command[0]) is None:
            raise CoqMissing(
                f"{command[0]} is not installed (Debian: apt-get install coq libcoq-mathcomp-ssreflect); "
                "what only Coq proves stays open"
            )
        try:
            run = subprocess.run(
                command, cwd=cwd or self.directory, capture_output=True, text=True, timeout=BUILD_LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise CoqMissing(f"{command[0]} did not finish within {BUILD_LIMIT_S} s") from None
        if run.returncode:
            raise CoqRejected(f"{' '.join(command[-1:])} is rejected: {(run.stderr or run.stdout).strip()[:400]}")
        return run.stdout + run.stderr

    def check_text(self) -> None:
        """Raise CoqRejected if a file escapes the kernel in words: Admitted, an axiom, a parameter."""
        for path in self.files:
            text = _COMMENT.sub(" ", path.read_text(encoding="utf-8"))
            if (found := _ESCAPE.search(text)) is not None:
                raise CoqRejected(f"{path.name} must prove everything, got {found.group(0)}")

    def build(self) -> int:
        """Compile the first file that is newer than its object file and all files after it; return their number."""
        self.check_text()
        stale, compiled = False, 0
        for path in self.files:
            built = path.with_suffix(".vo")
            stale = stale or not built.exists() or built.stat().st_mtime < path.stat().st_mtime
            if stale:
                self._run("coqc", "-R", ".", LOGICAL_NAME, "-w", "none", path.name)
                compiled += 1
        return compiled

    def assumptions(self, theorems: Mapping[str, str]) -> frozenset[str]:
        """What the theorems (name -> module) rest on together, as `Print Assumptions` says it."""
        modules = " ".join(sorted(set(theorems.values())))
        terms = ", ".join(f"@{module}.{name}" for name, module in theorems.items())
        lines = [f"From {LOGICAL_NAME} Require {modules}.", f"Definition audited := ({terms}, tt)."]
        source = "\n".join([*lines, "Print Assumptions audited.", ""])
        with tempfile.TemporaryDirectory() as place:
            audit = Path(place) / "Audit.v"
            audit.write_text(source, encoding="utf-8")
            out = self._run(
                "coqc", "-R", str(self.directory.resolve()), LOGICAL_NAME, "-w", "none", str(audit), cwd=Path(place)
            )
        if "Closed under the global context" in out:
            return frozenset()
        return frozenset(re.findall(r"^([\w.]+)(?:\s*:|$)", out.partition("Axioms:")[2], re.MULTILINE))

    def check_assumptions(self, theorems: Mapping[str, str]) -> None:
        """Raise CoqRejected unless the theorems rest on the axioms of the reals alone."""
        extra = self.assumptions(theorems) - AXIOMS
        if extra:
            raise CoqRejected(
                f"theorems must rest on the axioms of the reals alone, got also {', '.join(sorted(extra))}"
            )

    @cached_property
    def statements(self) -> Mapping[str, tuple[str, str]]:
        """Every theorem's module and statement, white space folded; later files win."""
        found: dict[str, tuple[str, str]] = {}
        for path in self.files:
            text = _COMMENT.sub(" ", path.read_text(encoding="utf-8"))
            for name, statement in _STATEMENT.findall(text):
                found[name] = path.stem, " ".join(statement.split())
        return found

    @cached_property
    def references(self) -> Mapping[tuple[str, str], frozenset[tuple[str, str]]]:
        """For each (module, theorem), those that its statement or proof mentions, as the .glob files list them."""
        mentioned: dict[tuple[str, str], set[tuple[str, str]]] = {}
        for path in self.files:
            current: tuple[str, str] | None = None
            for line in path.with_suffix(".glob").read_text(encoding="utf-8").splitlines():
                words = line.split()
                if words and words[0] in ("prf", "def", "thm"):
                    current = path.stem, words[3]
                    mentioned.setdefault(current, set())
                elif line.startswith("R") and current is not None and words[1].startswith(f"{LOGICAL_NAME}."):
                    mentioned[current].add((words[1].removeprefix(f"{LOGICAL_NAME}."), words[3]))
        return {key: frozenset(value) for key, value in mentioned.items()}

    def closure(self, theorem: str) -> frozenset[str]:
        """The theorem and the names of everything in this folder on which its proof rests."""
        start = self.statements[theorem][0], theorem
        seen, todo = {start}, [start]
        while todo:
            for reference in self.references.get(todo.pop(), frozenset()):
                if reference not in seen:
                    seen.add(reference)
                    todo.append(reference)
        return frozenset(name for _, name in seen)

    def recheck(self) -> frozenset[str]:
        """The axioms that coqchk finds: an independent kernel reads every object file again.

        Contract: names without their library's path; a file that coqchk does not accept raises CoqRejected.
        """
        modules = [f"{LOGICAL_NAME}.{path.stem}" for path in self.files]
        out = self._run("coqchk", "-o", "-bytecode-compiler", "yes", "-R", ".", LOGICAL_NAME, *modules)
        listed = out.partition("* Axioms:")[2].partition("\n* ")[0]
        return frozenset(line.strip().rpartition(".")[2] for line in listed.splitlines() if line.strip())
