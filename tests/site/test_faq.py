"""The nine questions: each has a command, and what stands below it is what the command prints now."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.test_cli import Run

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
QUESTIONS = [tuple(section.split("\n", 1)) for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]]
TRANSCRIPT = re.compile(r"^```console\n\$ lowerbound ([^\n]*)\n(.*?)\n```$", re.DOTALL | re.MULTILINE)


def test_nine_questions_have_an_answer_and_a_transcript_each() -> None:
    """Definition: nine questions, each with prose before its one command."""
    assert len(QUESTIONS) == 9
    for question, answer in QUESTIONS:
        assert question.endswith("?")
        assert len(TRANSCRIPT.findall(answer)) == 1, question
        assert len(answer.split("```")[0].split()) > 20, question


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("question", "answer"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_transcripts_are_what_the_commands_print(run_command: Run, question: str, answer: str) -> None:
    """Known value: the command of each question, run now, prints what stands there."""
    ((command, told),) = TRANSCRIPT.findall(answer)
    words = shlex.split(command)
    if words[0] == "verify":
        if "coq:" in told and shutil.which("coqc") is None:
            pytest.skip("coqc is not installed: what only Coq proves is open here")
        words += ["--proofs", str(ROOT / "proofs")]
    printed = run_command(*words).stdout.rstrip()
    assert "\n".join(line.rstrip() for line in printed.splitlines()) == told
