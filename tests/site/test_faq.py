"""The nine questions: each has a command, and what stands below it is what the command prints now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lowerbound import __version__
from lowerbound.report.site.sessions import TRANSCRIPT, printed, refreshed
from tests.marks import first_now

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
QUESTIONS = [tuple(section.split("\n", 1)) for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]]


def test_nine_questions_have_an_answer_and_a_transcript_each() -> None:
    """Definition: nine questions, each with prose before its one command."""
    assert len(QUESTIONS) == 9
    for question, answer in QUESTIONS:
        assert question.endswith("?")
        assert len(TRANSCRIPT.findall(answer)) == 1, question
        assert len(answer.split("```")[0].split()) > 20, question


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("question", "answer"), first_now(QUESTIONS, 2, n_slow=0), ids=[question for question, _ in QUESTIONS]
)
def test_transcripts_are_what_the_commands_print(request: pytest.FixtureRequest, question: str, answer: str) -> None:
    """Known value: the command of each question, run now, prints what stands there."""
    ((command, told),) = TRANSCRIPT.findall(answer)
    if "coq:" in told:
        request.getfixturevalue("needs_coq")
    assert printed(command, ROOT) == told, "python -m lowerbound.report.site faq"


def test_a_stale_transcript_is_written_anew() -> None:
    """Forgery: a page with another output, or with none, gets the command's own, and the rest of it stays."""
    stale = "before\n\n```console\n$ lowerbound --version\n{}```\n\nafter\n"
    fresh = refreshed(stale.format("lies\n"), ROOT)
    assert fresh == refreshed(stale.format(""), ROOT) == refreshed(fresh, ROOT)
    assert fresh.startswith("before\n\n```console\n$ lowerbound --version\n")
    assert "lies" not in fresh
    assert __version__ in fresh
    assert fresh.endswith("\n```\n\nafter\n")
