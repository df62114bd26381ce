"""Forgery: large documents of every shape are judged within a second; a time limit ends a check wherever it is."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lowerbound.certify import timed
from lowerbound.certify.timed import check_within
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.kernel.codec import MOST_BYTES, canonical
from lowerbound.kernel.document import write_document
from tests.kernel.alone import judged_alone
from tests.marks import first_now
from tests.test_cli import Run

N = MOST_BYTES
MOST_S = 3.0


def sealed(kind: str, claim: Any, payload: Any, name: str = "n") -> bytes:
    """A document of this kind, bound and sealed."""
    statement = {"id": name, "kind": kind, "claim": claim}
    proves = hashlib.sha256(canonical(statement)).hexdigest()
    return write_document(statement, {"kind": kind, "proves": proves, "payload": payload})


LONG = "x" * (N - 1000)
RATE = "460138222745/9007199254740992"
"""The rate over which no error among 27136 is refuted at confidence 1/2 (`core.statistics.clopper_pearson`)."""
TRANSCRIPT = {
    "cache": "x",
    "model": "x",
    "budget": None,
    "setting": {"game": "values", "family": {}},
    "tokens": 424,
    "parts": [{"name": "values", "levels": 2, "columns": 64, "errors": 0}],
    "floor_bits": 27114,
    "confidence": "1/2",
    "instance_commitment": PrivateSeed(0).commitment,
}
PLAYED = {
    "precision": 128,
    "asked": ["0" * 6784],
    "answered": ["0" * 6784],
    "rates": [["0", RATE]],
    "instance_seed": PrivateSeed(0).opening,
}
SHAPES: dict[str, Callable[[], bytes]] = {
    "brackets": lambda: b"[" * N,
    "objects in objects": lambda: b'{"a":' * (N // 5),
    "deep as it may": lambda: (b"[" * 63 + b"]" * 63 + b",") * 10**4,
    "one string": lambda: b'"' + b"x" * (N - 2) + b'"',
    "a string without end": lambda: b'"' + b"x" * (N - 1),
    "escapes": lambda: b'"' + b"\\u0041" * ((N - 2) // 6) + b'"',
    "escaped quotation marks": lambda: b'"' + b'\\"' * ((N - 2) // 2) + b'"',
    "quotation marks": lambda: b'"' * N,
    "as many quotation marks as may be": lambda: b"[" + b'"\\\\"' * (2**21 - 1) + b"]",
    "small objects": lambda: b"[" + b"{}," * ((N - 4) // 3) + b"{}]",
    "small lists, as many as may be": lambda: b"[" + b"[]," * (2**19 - 2) + b"[]]",
    "small strings, as many as may be": lambda: b"[" + b'"",' * (2**20 - 5) + b'""]',
    "small integers": lambda: b"[" + b"1," * ((N - 4) // 2) + b"1]",
    "keys": lambda: b"{" + b",".join(b'"%d":1' % i for i in range(900_000)) + b"}",
    "keys, as many as may be": lambda: sealed("cover", {f"x{i}": 1 for i in range(349_000)}, {}),
    "digits": lambda: b"9" * N,
    "long integers": lambda: b"[" + (b"9" * 4096 + b",") * (N // 4097 - 1) + b"1]",
    "long integers, as many as may be": lambda: sealed("cover", [10**4090 + i for i in range(255)], {}),
    "a float": lambda: b"1." + b"9" * (N - 2),
    "blanks": lambda: b" " * (N - 2) + b"{}",
    "noise": lambda: os.urandom(N),
    "zeros": lambda: bytes(N),
    "minus signs": lambda: b"-" * N,
    "letters of four bytes": lambda: b'"' + "\U0001f600".encode() * ((N - 2) // 4) + b'"',
    "a long id": lambda: sealed("witness", {}, {}, LONG),
    "a long kind": lambda: sealed(LONG[: N // 2 - 1000], {}, {}),
    "a long payload": lambda: sealed("witness", {}, {"x": LONG}),
    "a long message": lambda: sealed(
        "transcript",
        {**TRANSCRIPT, "message_bits": 64 + 4 * 2**23},
        {**PLAYED, "message": "0" * 2**23},
    ),
}


@pytest.mark.long
def test_large_documents_are_judged_within_a_second(tmp_path: Path, refused: Callable[[str, int], None]) -> None:
    """Forgery: 16 MiB of one shape after the other; none is VERIFIED, and none takes a second of an idle processor.

    A busy or slow one gets MOST_S, which is still far below what a shape that is not read in one pass would take.
    """
    documents = {name: made() for name, made in SHAPES.items()}
    assert max(map(len, documents.values())) <= N
    for name, (seconds, outcome, reason) in judged_alone(documents, tmp_path).items():
        assert seconds < MOST_S, name
        assert outcome == ("CONSISTENT" if name == "a long message" else "REJECTED"), name
        assert "the judge failed" not in reason
        assert len(reason) < 400
        refused("large document", 1)


@pytest.mark.parametrize("words", [("check", "-"), ("check", "large.json")])
def test_too_large_a_document_is_not_read(words: tuple[str, ...], tmp_path: Path) -> None:
    """Bad input: standard input without end, and a file of a terabyte, are refused at once, exit code 2."""
    with (tmp_path / "large.json").open("wb") as file:
        file.truncate(2**40)
    with open("/dev/zero", "rb") as zeros:
        found = subprocess.run(
            [sys.executable, "-m", "lowerbound", *words],
            stdin=zeros,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    assert found.returncode == 2
    assert found.stderr.startswith("error: FILE must have at most 16777216 bytes")


@pytest.mark.parametrize("limit", first_now(["0", "nan", "-1", "inf", "1e8"], 2))
def test_time_limits_that_are_none(run_command: Run, tmp_path: Path, limit: str) -> None:
    """Bad input: exit code 2, one sentence."""
    (tmp_path / "d.json").write_bytes(b"{}")
    found = run_command("check", "d.json", f"--time-limit={limit}")
    assert found.returncode == 2
    assert found.stderr.startswith("error: --time-limit must be > 0 seconds")


def test_a_check_ends_at_its_time_limit(run_command: Run, tmp_path: Path) -> None:
    """Law: the word is UNDECIDED, exit code 3, with a sentence that says what to do."""
    (tmp_path / "d.json").write_bytes(b"{}")
    found = run_command("check", "d.json", "--time-limit", "0.001")
    assert (found.returncode, found.stderr) == (3, "")
    assert found.stdout == "document: not judged within 0.001 s; a larger --time-limit may let it\nUNDECIDED\n"


IN_C = "import flint; flint.fmpz(3) ** (2**34)"
"""One call of a library of C that takes minutes and that no signal handler of Python's interrupts."""


@pytest.mark.slow
def test_a_call_of_c_is_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: a judge that is inside of a library is killed; one that dies has decided nothing."""
    monkeypatch.setattr(timed, "PATIENCE_S", 0.2)
    for program, reason in ((IN_C, "not judged within 1 s"), ("import os; os.abort()", "ended with status -6")):
        monkeypatch.setattr(timed, "START", program)
        start = time.monotonic()
        found = check_within(b"{}", 1)
        assert time.monotonic() - start < 5
        assert found["verdict"] == "UNDECIDED"
        assert reason in found["reason"]


def test_an_interrupted_check_leaves_nothing_behind() -> None:
    """Law: SIGTERM ends the judge's process with the command."""
    program = (
        "import sys; from lowerbound.certify import timed; timed.START = 'import time; time.sleep(1000)'\n"
        "from lowerbound.cli import main; sys.argv = ['lowerbound', 'check', '-']; main()"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
    children: list[str] = []
    deadline = time.monotonic() + 20
    while not children and time.monotonic() < deadline:
        time.sleep(0.1)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text(encoding="ascii").split()
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 128 + signal.SIGTERM
    assert children
    assert not any(Path(f"/proc/{child}").exists() for child in children)
