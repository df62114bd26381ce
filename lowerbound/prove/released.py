"""The released book: digests of its files, its sentences and edges, and of what Coq prints of its theorems.

The record lies in the library, not beside the book: whoever can write to the folder of proofs cannot change it.
`python -m proofs` renews it, and a reviewer then sees in its lines what has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from lowerbound.prove.book import Book
from lowerbound.prove.coq import Compiled
from lowerbound.prove.lemma import ByComputation, ByCoq, ByKernel, BySolvers, Cited, Discharge, Lemma
from lowerbound.prove.readers import to_text

RECORD = "released.json"
"""Beside this file."""
OBJECTS = frozenset({".vo", ".vok", ".vos", ".glob"})
"""What coqc writes beside its sources. It is not looked at: all sources are compiled in another folder."""
Record = Mapping[str, Mapping[str, str]]
PARTS = ("files", "lemmas", "statements", "definitions")


@lru_cache
def released() -> Record:
    """The record: each of PARTS is a mapping from names to digests."""
    text = (resources.files("lowerbound.prove") / RECORD).read_text(encoding="utf-8")
    record: Record = json.loads(text)
    return record


def digest(text: str | bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def files(directory: Path) -> dict[str, str]:
    """The digest of every file of a book, by its path in the folder.

    Contract: a file is left out only if nothing imports, compiles or reads it: hidden files, Python's __pycache__ (see
    `load_book`) and OBJECTS in coq/. A package, an extension module or bytecode that would be imported in place of a
    source is a new file.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        name = path.relative_to(directory)
        hidden = any(part.startswith(".") or part == "__pycache__" for part in name.parts)
        if path.is_file() and not hidden and not (name.parts[0] == "coq" and path.suffix in OBJECTS):
            found[name.as_posix()] = digest(path.read_bytes())
    return found


def _told(discharge: Discharge) -> Any:
    """What a discharge asks for, without the functions that do it: their text is in the digests of files."""
    match discharge:
        case BySolvers(statement, needed):
            hypotheses = {name: to_text(relation) for name, relation in statement.hypotheses.items()}
            return ["solvers", hypotheses, to_text(statement.goal), list(needed)]
        case ByKernel(kind, claim):
            return ["kernel", kind, dict(claim)]
        case ByCoq(theorem, reads):
            return ["coq", theorem, list(reads)]
        case ByComputation():
            return ["computation", discharge.check.__name__]
        case Cited(reference):
            return ["cited", reference]


def sentence(lemma: Lemma) -> str:
    """Everything that a lemma says: words, range, model, formula, what it uses and how, and who must check it."""
    uses = [[use.lemma, {name: str(value) for name, value in use.values.items()}] for use in lemma.uses]
    texts = [lemma.words, lemma.range, lemma.model, lemma.formula]
    told = [*texts, uses, [_told(discharge) for discharge in lemma.discharges]]
    return json.dumps(told, sort_keys=True, default=str)


def theorems_of(book: Book) -> list[str]:
    """The Coq theorems that the book asks for, each once."""
    asked = (discharge for lemma in book.lemmas for discharge in lemma.discharges if isinstance(discharge, ByCoq))
    return list(dict.fromkeys(discharge.theorem for discharge in asked))


def record(book: Book, compiled: Compiled) -> Record:
    """The record of this book, whose Coq files are compiled."""
    told = compiled.told(theorems_of(book))
    return {
        "files": files(book.directory),
        "lemmas": {lemma.id: digest(sentence(lemma)) for lemma in book.lemmas},
        "statements": {name: digest(text) for name, text in told.statements.items()},
        "definitions": {name: digest(text) for name, text in told.definitions.items()},
    }


def changes(directory: Path) -> tuple[str, ...]:
    """In which files a folder differs from the released book, one sentence each; nothing of it is executed."""
    return differences("files", files(directory))


def differences(part: str, now: Mapping[str, str]) -> tuple[str, ...]:
    """What is changed, new or missing in one of PARTS against the released book, one sentence each."""
    then, kind = released()[part], part.removesuffix("s")
    changed = [name for name in now if name in then and now[name] != then[name]]
    return (
        *(f"{kind} {name} is not the released one" for name in changed),
        *(f"{kind} {name} is new" for name in now if name not in then),
        *(f"{kind} {name} is missing" for name in then if name not in now),
    )


def coq_differences(compiled: Compiled, theorems: Iterable[str]) -> tuple[str, ...]:
    """In which statements, or definitions that these use, some theorems differ from those of the released book."""
    told, then = compiled.told(theorems), released()
    found = []
    for part, now in (("statements", told.statements), ("definitions", told.definitions)):
        found += [
            f"{part.removesuffix('s')} {name} is {'not the released one' if name in then[part] else 'new'}"
            for name, text in now.items()
            if then[part].get(name) != digest(text)
        ]
    return tuple(found)
