"""Definitions: a verdict, a statement beside its certificate, and a bundle of both; and the laws of the room."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lowerbound.kernel
from lowerbound.kernel.judge import RULES, judge, judge_file
from lowerbound.kernel.verdict import Outcome, Verdict
from tests.kernel.examples import ACCEPTED, EXAMPLES, REJECTED, UNDECIDED, VERIFIED, packed, signed, stated

CONSISTENT = Outcome.CONSISTENT
FILES = sorted(Path(lowerbound.kernel.__path__[0]).glob("*.py"))
STATEMENTS = {name: {**stated(kind, claim), "id": name} for name, (kind, claim, _) in EXAMPLES.items()}
CERTIFICATES = {name: signed(STATEMENTS[name], payload) for name, (_, _, payload) in EXAMPLES.items()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_are_verified(name: str) -> None:
    """Definition: the examples from which the forgeries start are valid."""
    verdict = judge(packed(STATEMENTS[name]), packed(CERTIFICATES[name]))
    assert verdict.outcome is (CONSISTENT if name == "transcript" else VERIFIED), verdict.reason


def test_every_kind_has_an_example() -> None:
    """Law: no rule without an example, hence without forgeries."""
    assert {kind for kind, _, _ in EXAMPLES.values()} == set(RULES)


def test_a_verdict_is_not_a_truth_value() -> None:
    """Law: nobody writes `if verdict`."""
    for outcome in Outcome:
        with pytest.raises(TypeError, match="truth value"):
            bool(Verdict(outcome, "why"))


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_noise_is_rejected(statement: bytes, certificate: bytes) -> None:
    """Law: the judge never raises."""
    assert judge(statement, certificate).outcome is REJECTED


@pytest.mark.parametrize("value", [None, 1, "text", [], bytearray(b"{}")])
def test_only_bytes_are_judged(value: Any) -> None:
    """Bad input: other objects are rejected, not raised about."""
    assert "bytes" in judge(value, value).reason


def write(path: Path, statements: Any, certificates: Any) -> Path:
    file = path / "bundle.json"
    file.write_bytes(packed({"statements": statements, "certificates": certificates}))
    return file


def test_a_bundle_gives_every_verdict(tmp_path: Path) -> None:
    """Definition: each statement meets its own certificate, in any order."""
    file = write(tmp_path, list(STATEMENTS.values()), list(CERTIFICATES.values())[::-1])
    verdicts = judge_file(file)
    assert list(verdicts) == list(STATEMENTS)
    assert {verdict.outcome for verdict in verdicts.values()} == set(ACCEPTED)


def test_statements_without_their_certificate_are_rejected(tmp_path: Path) -> None:
    """Definition: none, two, or one that proves something else; the others are not touched."""
    certificates = [CERTIFICATES["hamming"], CERTIFICATES["index"], CERTIFICATES["index"]]
    verdicts = judge_file(write(tmp_path, list(STATEMENTS.values()), certificates))
    assert verdicts["majority"] == Verdict(REJECTED, "no certificate")
    assert verdicts["index"] == Verdict(REJECTED, "more than one certificate")
    assert verdicts["hamming"].outcome is VERIFIED


def test_an_open_statement_stays_open(tmp_path: Path) -> None:
    """Definition: a bundle keeps the third answer."""
    statement = stated("cover", {"variables": {"x": ["0", "1"]}, "goal": "x"})
    payload = {"precision": 64, "leaves": [{"x": ["0", "1"]}]}
    (verdict,) = judge_file(write(tmp_path, [statement], [signed(statement, payload)])).values()
    assert verdict.outcome is UNDECIDED


@pytest.mark.parametrize(
    ("statements", "certificates", "word"),
    [
        ([], [], "must hold statements"),
        ([STATEMENTS["index"]] * 2, [], "no id twice"),
        ([1], [], "object"),
        ([{}], [], "an id"),
        ({}, [], "list"),
        ([STATEMENTS["index"]], [1], "object"),
        ([STATEMENTS["index"]], {}, "list"),
    ],
)
def test_a_malformed_bundle_is_rejected(tmp_path: Path, statements: Any, certificates: Any, word: str) -> None:
    """Bad input: one rejection under the path, never an empty answer."""
    file = write(tmp_path, statements, certificates)
    ((name, verdict),) = judge_file(file).items()
    assert (name, verdict.outcome) == (str(file), REJECTED)
    assert word in verdict.reason


def test_a_bundle_that_cannot_be_read_is_rejected(tmp_path: Path) -> None:
    """Bad input: no such file, a folder, bytes that are not JSON, a path that is none."""
    noise = tmp_path / "noise"
    noise.write_bytes(b"\xff")
    for path in (tmp_path / "none", tmp_path, noise, "a\0b"):
        assert [verdict.outcome for verdict in judge_file(path).values()] == [REJECTED]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_room_is_dull(path: Path) -> None:
    """Law: standard library, flint and errors alone; no float, no assert; every public function says what it does."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Assert)
        assert not (isinstance(node, ast.Constant) and isinstance(node.value, float))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lowerbound"):
            assert node.module == "lowerbound.errors" or (node.module or "").startswith("lowerbound.kernel")
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{path.stem}: {node.name}"


def test_the_room_is_small() -> None:
    """Law: lines that are not blank: under 600 for judge and format, under 160 for each kind of certificate."""
    lengths = {p.stem: sum(map(bool, map(str.strip, p.read_text(encoding="utf-8").splitlines()))) for p in FILES}
    assert sum(lengths[name] for name in ("judge", "codec", "verdict", "expression")) < 600
    assert max(lengths.values()) < 160
