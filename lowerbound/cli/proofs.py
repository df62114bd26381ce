"""The proof: each lemma's status and checkers, and the assumptions of the whole."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from lowerbound.cli.grammar import listed
from lowerbound.cli.options import JsonOption, print_json, progress
from lowerbound.errors import InvalidArgument, printable, unknown

BOOK = Path("proofs")
"""Where the proof book is looked for: in the current directory."""


def verify(
    proofs: Annotated[
        Path | None,
        typer.Option(
            "--proofs",
            metavar="FOLDER",
            help="A proof book, whose Python files are executed; what is not the released one is CHANGED at best, "
            "never VERIFIED. Default: proofs in the current directory, if it is the released one.",
        ),
    ] = None,
    lemma: Annotated[
        list[str] | None,
        typer.Option("--lemma", metavar="ID", help="Only these lemmas, as a list: a,b, and what they rest on."),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", metavar="NAME", help="Only these of z3, cvc5, kernel, coq, computation."),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option("--explain", metavar="ID", help="Explain one lemma: statement, checks, what it rests on."),
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option("--certificates", metavar="FILE", help="Judge a bundle of certificates instead of a proof book."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Compile and audit the Coq files again, and ignore results of earlier runs."),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the proof: for each lemma, who checked it and on what it rests.

    Exit code 0 if the last word is VERIFIED, or PROVED for --lemma and --explain; 1 if it is NOT VERIFIED or REFUTED;
    3 if it is UNDECIDED, OPEN or CHANGED (it is not the released book: with --proofs every check passed, and without
    it nothing was executed).
    """
    if certificates is not None:
        _judge_bundle(certificates, as_json)
    if proofs is None and not BOOK.is_dir():
        raise InvalidArgument(
            "the proof book is the folder proofs/ of a checkout of lowerbound, and the current directory, "
            f"{Path.cwd()}, has none: a wheel does not bring it, so clone the repository; --proofs FOLDER names another"
        )
    from lowerbound.prove.book import load_book
    from lowerbound.prove.verify import BACKENDS
    from lowerbound.prove.verify import verify as run

    lemmas, backends = listed(lemma, "--lemma"), listed(backend, "--backend")
    for name in backends:
        if name not in BACKENDS:
            raise unknown("backend", name, BACKENDS)
    if proofs is None:
        _only_the_released_one(as_json)
    book = load_book(BOOK if proofs is None else proofs)
    if explain is not None:
        book.find(explain)
    with progress(0) as watch:
        report = run(
            book, only=[*lemmas, *([explain] if explain else [])], backends=backends, strict=strict, watch=watch
        )
    if as_json:
        print_json(report.to_json())
    elif explain is not None:
        from lowerbound.prove.blueprint import explanation

        print(explanation(book, next(entry for entry in report.entries if entry.lemma.id == explain)))
    else:
        from lowerbound.report.table import proof_table
        from lowerbound.report.terminal import console

        console().print(proof_table(report))
        for entry in report.entries:
            for check in entry.checks:
                if check.outcome != "verified":
                    print(f"{entry.lemma.id}: {check.checker}: {check.reason}", file=sys.stderr)
        for change in report.changes:
            print(change, file=sys.stderr)
        print(f"{report.theorem.lemma.id} is {report.theorem.status}; it rests on:")
        for assumption in report.theorem.assumptions or ("nothing that was checked",):
            print(f"  {assumption}")
        if report.coq_is_kept:
            print("Coq compiled and audited these very sources in an earlier run; --strict starts anew")
        print(report.verdict)
    raise typer.Exit(report.exit_code)


def _only_the_released_one(as_json: bool) -> None:
    """Execute nothing of a book that nobody named and that is not the released one."""
    from lowerbound.prove.released import changes

    found = changes(BOOK)
    if not found:
        return
    print(
        f"{BOOK.resolve()} is not the released book, and nothing of it was executed; --proofs {BOOK} executes its "
        "Python files and runs every check",
        file=sys.stderr,
    )
    if as_json:
        print_json({"verdict": "CHANGED", "changes": list(found)})
    else:
        for change in found:
            print(change, file=sys.stderr)
        print("CHANGED")
    raise typer.Exit(3)


def _judge_bundle(path: Path, as_json: bool) -> NoReturn:
    from lowerbound.kernel.judge import judge_file
    from lowerbound.kernel.verdict import Outcome

    if not path.is_file():
        raise InvalidArgument(f"--certificates must name a file with a bundle of certificates, got {str(path)!r}")
    verdicts = judge_file(path)
    outcomes = {verdict.outcome for verdict in verdicts.values()}
    if outcomes == {Outcome.VERIFIED}:
        word, code = "VERIFIED", 0
    elif Outcome.REJECTED in outcomes:
        word, code = "NOT VERIFIED", 1
    else:
        word, code = "UNDECIDED", 3
    if as_json:
        listed = [{"id": name, "verdict": str(v.outcome), "reason": v.reason} for name, v in verdicts.items()]
        print_json({"verdict": word, "statements": listed})
    else:
        for name, verdict in verdicts.items():
            print(f"{verdict.outcome:10} {printable(name)}: {printable(verdict.reason)}")
        print(word)
    raise typer.Exit(code)
