"""Forgeries of the proof book, one for each field of each lemma, each file, and each sentence that Coq prints."""

from __future__ import annotations

import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from lowerbound.prove.book import Book, load_book
from lowerbound.prove.coq import Compiled, CoqFolder, Told
from lowerbound.prove.expression import Relation
from lowerbound.prove.lemma import ByComputation, ByCoq, ByKernel, BySolvers, Cited, Discharge, Evidence, Lemma, Use
from lowerbound.prove.released import changes, coq_differences, differences, digest, files, sentence, theorems_of
from lowerbound.prove.verify import LemmaReport, Report

PROOFS = Path(__file__).parent.parent.parent / "proofs"
Refused = Callable[[str, int], None]
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def book() -> Book:
    return load_book(PROOFS)


def other(value: Any) -> Iterator[Any]:
    """Values of the same type that say something else."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, -value - 1)
        case str():
            yield from (
                value + " ",
                value.replace("all", "some"),
                "True" if len(value) < 40 else value[: len(value) // 2],
            )
        case dict():
            for key in value:
                yield {name: each for name, each in value.items() if name != key}
                for new in other(value[key]):
                    yield {**value, key: new}
        case list() | tuple():
            for place in range(min(len(value), 3)):
                yield [*value[:place], *value[place + 1 :]]
                for new in other(value[place]):
                    yield [*value[:place], new, *value[place + 1 :]]
        case None:
            yield 1


def other_relations(relation: Relation) -> Iterator[Relation]:
    """The relation with its two sides exchanged, and with a side moved by one."""
    yield replace(relation, left=relation.right, right=relation.left)
    yield replace(relation, left=relation.left + 1)


def other_discharges(discharge: Discharge) -> Iterator[Discharge]:
    """Each field of a discharge changed or emptied."""
    match discharge:
        case BySolvers(statement, needed):
            for name, relation in statement.hypotheses.items():
                rest = {key: each for key, each in statement.hypotheses.items() if key != name}
                yield replace(discharge, statement=replace(statement, hypotheses=rest))
                for new in other_relations(relation):
                    hypotheses = {**statement.hypotheses, name: new}
                    yield replace(discharge, statement=replace(statement, hypotheses=hypotheses))
            for goal in other_relations(statement.goal):
                yield replace(discharge, statement=replace(statement, goal=goal))
            for place in range(len(needed)):
                yield replace(discharge, needed=needed[:place] + needed[place + 1 :])
        case ByKernel(kind, claim):
            yield replace(discharge, kind=kind + "s")
            for new in other(dict(claim)):
                yield replace(discharge, claim=new)
        case ByCoq(theorem, reads):
            yield replace(discharge, theorem=theorem + "_")
            for place in range(len(reads)):
                yield replace(discharge, reads=reads[:place] + reads[place + 1 :])
                for text in other(reads[place]):
                    yield replace(discharge, reads=(*reads[:place], text, *reads[place + 1 :]))
        case ByComputation():
            yield Cited("a computation")
        case Cited(reference):
            yield Cited(reference + ".")
            yield ByComputation(lambda: Evidence("", "", 1))


def forged(lemma: Lemma) -> Iterator[Lemma]:
    """The lemma with each of its fields changed, one at a time, in every way of the above."""
    for name in ("words", "range", "model", "formula"):
        for text in other(getattr(lemma, name)):
            yield replace(lemma, **{name: text})
    yield replace(lemma, id=lemma.id + "_", words=lemma.words)
    yield replace(lemma, uses=(*lemma.uses, Use(lemma.id)))
    for place, use in enumerate(lemma.uses):
        yield replace(lemma, uses=lemma.uses[:place] + lemma.uses[place + 1 :])
        yield replace(lemma, uses=(*lemma.uses[:place], replace(use, lemma=use.lemma + "_"), *lemma.uses[place + 1 :]))
        for key, value in use.values.items():
            moved = replace(use, values={**use.values, key: value + 1})
            yield replace(lemma, uses=(*lemma.uses[:place], moved, *lemma.uses[place + 1 :]))
    for place, discharge in enumerate(lemma.discharges):
        rest = (*lemma.discharges[:place], *lemma.discharges[place + 1 :])
        yield replace(lemma, discharges=rest)
        for new in other_discharges(discharge):
            yield replace(lemma, discharges=(*lemma.discharges[:place], new, *lemma.discharges[place + 1 :]))


def test_every_field_of_a_lemma_has_a_forger() -> None:
    """Law: what `forged` changes is all that a lemma is made of."""
    assert {field.name for field in fields(Lemma)} == {"id", "words", "range", "model", "formula", "uses", "discharges"}


@pytest.mark.slow
def test_no_field_of_a_lemma_can_change(book: Book, refused: Refused) -> None:
    """Forgery: a book in which one field of one lemma differs is not the released one, whatever its checks say."""
    tried = 0
    honest = {lemma.id: digest(sentence(lemma)) for lemma in book.lemmas}
    assert differences("lemmas", honest) == ()
    for lemma in book.lemmas:
        rest = {name: told for name, told in honest.items() if name != lemma.id}
        for new in forged(lemma):
            if new == lemma:
                continue
            assert differences("lemmas", {**rest, new.id: digest(sentence(new))}), (lemma.id, new)
            tried += 1
    assert tried > 1000
    refused("book, a field of a lemma", tried)


def test_a_difference_is_never_verified(book: Book) -> None:
    """Law: with any difference the word is CHANGED, for the whole and for a part, though every check passed."""
    entries = tuple(LemmaReport(lemma, (), "proved", (), ()) for lemma in book.lemmas)
    for complete in (True, False):
        report = Report(entries, entries[-1], complete)
        assert report.word == ("VERIFIED" if complete else "PROVED")
        assert replace(report, changes=("one",)).word == "CHANGED"
        assert replace(report, changes=("one",)).exit_code == 3


SHADOWS = ("theorem/__init__.py", "theorem/__init__.pyc", "theorem.cpython-311-x86_64-linux-gnu.so", "theorem.abi3.so")
"""What Python would import in place of theorem.py."""


ONE_LEMMA = """from lowerbound.prove.lemma import Cited, Lemma
THEOREM = "{}"
LEMMAS = (Lemma(id=THEOREM, words="w", range="r", discharges=(Cited("c"),)),)
"""


def test_bytecode_beside_a_source_is_not_executed(tmp_path: Path, refused: Refused) -> None:
    """Forgery: __pycache__ holds other code, stamped with the source's time and size, which Python would believe."""
    source = tmp_path / "__init__.py"
    source.write_text(ONE_LEMMA.format("honest"))
    stamp = source.stat()
    source.write_text(ONE_LEMMA.format("forged"))
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    py_compile.compile(str(source), doraise=True)
    source.write_text(ONE_LEMMA.format("honest"))
    os.utime(source, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    as_python_does = subprocess.run(
        [sys.executable, "-c", f"import {tmp_path.name} as book; print(book.THEOREM)"],
        cwd=tmp_path.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert as_python_does.stdout == "forged\n"
    assert load_book(tmp_path).theorem == "honest"
    refused("book, a file", 1)


@pytest.mark.slow
def test_a_changed_book_that_nobody_named_is_not_executed(tmp_path: Path, run_command: Command) -> None:
    """Forgery: a book in the current directory that prints the word itself and leaves; it is not run."""
    place = tmp_path / "proofs"
    shutil.copytree(PROOFS, place, ignore=shutil.ignore_patterns("*.vo*", "*.glob", ".*.aux", "__pycache__"))
    theorem = place / "theorem.py"
    theorem.write_text("import os\nprint('VERIFIED', flush=True)\nos._exit(0)\n" + theorem.read_text())
    ran = run_command("verify")
    assert (ran.returncode, ran.stdout) == (3, "CHANGED\n")
    assert "nothing of it was executed" in ran.stderr
    assert "file theorem.py is not the released one" in ran.stderr


@pytest.mark.slow
def test_no_file_of_the_book_can_change(tmp_path: Path, refused: Refused) -> None:
    """Forgery: one byte changed in, one line taken from, or one file added to or taken from the folder."""
    place = tmp_path / "proofs"
    shutil.copytree(PROOFS, place, ignore=shutil.ignore_patterns("*.vo*", "*.glob", ".*.aux", "__pycache__"))
    assert changes(place) == ()
    tried = 0
    for name in files(place):
        path, honest = place / name, (place / name).read_bytes()
        middle = len(honest) // 2
        flipped = honest[:middle] + bytes([honest[middle] ^ 1]) + honest[middle + 1 :]
        for data in (flipped, honest[:-1], honest.partition(b"\n")[2], b""):
            path.write_bytes(data)
            assert changes(place), (name, len(data))
            tried += 1
        path.unlink()
        assert changes(place), name
        path.write_bytes(honest)
        tried += 1
    for name in ("another.py", "coq/Another.v", "certificates/another.json", *SHADOWS):
        added = place / name
        added.parent.mkdir(exist_ok=True)
        added.write_text("")
        assert changes(place), added
        added.unlink()
        tried += 1
    assert changes(place) == ()
    refused("book, a file", tried)


@dataclass(frozen=True)
class Lying(Compiled):
    """A compiled folder of which Coq prints something else."""

    says: Told

    def told(self, theorems: Any) -> Told:
        return self.says


def weakened(text: str) -> Iterator[str]:
    """What Coq might print of a weaker theorem, or of another definition."""
    yield "True"
    yield text.replace("Rdefinitions.Rle", "Rdefinitions.Rge", 1)
    yield text.replace("RbaseSymbolsImpl.Rmult", "RbaseSymbolsImpl.Rplus", 1)
    yield f"forall _ : False, {text}"
    yield text.replace("Values.correct", "Theorems.correct", 1)


@pytest.mark.long
@pytest.mark.usefixtures("needs_coq")
@pytest.mark.timeout(1800)
def test_no_statement_of_coq_can_change(book: Book, refused: Refused) -> None:
    """Forgery: Coq prints a weaker statement of one theorem, or another definition of what it speaks of."""
    honest = CoqFolder(PROOFS / "coq").compiled()
    theorems = theorems_of(book)
    told = honest.told(theorems)
    tried = 0
    for part in ("statements", "definitions"):
        texts: Mapping[str, str] = getattr(told, part)
        for name, text in texts.items():
            for new in weakened(text):
                if new == text:
                    continue
                says = replace(told, **{part: {**texts, name: new}})
                assert coq_differences(Lying(honest.place, honest.modules, honest.summary, True, says), theorems), name
                tried += 1
        assert coq_differences(Lying(honest.place, honest.modules, honest.summary, True, told), theorems) == ()
    refused("Coq, a statement or a definition", tried)
