"""Laws of possible claims: the three words, their order in the ratio, and the pages that are made of them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from experiments import claims, tightness
from lowerbound.certify.possible import Word, possible
from lowerbound.core.models import find_model, models
from lowerbound.report.floors import possible_text
from tests.marks import first_now
from tests.test_cli import Run, json_of

VAR = find_model("var-d16")


@pytest.mark.parametrize(
    ("ratio", "word"), [("1.6", "POSSIBLE"), ("1.8", "OPEN"), ("2", "IMPOSSIBLE"), ("10", "IMPOSSIBLE")]
)
def test_words(ratio: str, word: str) -> None:
    """Known value: VAR-d16 at eta = 0.01, delta = 0: possible at 60.5 % of fp16, impossible below 51.7 %."""
    assert possible(VAR, ratio=ratio, eta="0.01").word == Word(word)


@pytest.mark.slow
def test_words_follow_from_the_numbers() -> None:
    """Law: possible exactly if the cache fits, impossible exactly if the floor does not, by more than a bit."""
    answer = possible(VAR, ratio=2, eta="0.02", delta="0.01")
    assert answer.floor is not None
    plain = VAR.head_cache_bits
    at_cache = possible(VAR, ratio=Fraction(plain, answer.achieved.bits), eta="0.02", delta="0.01")
    below_cache = possible(VAR, ratio=Fraction(plain, answer.achieved.bits - 1), eta="0.02", delta="0.01")
    at_floor = possible(VAR, ratio=Fraction(plain, answer.floor.bits - 1), eta="0.02", delta="0.01")
    below_floor = possible(VAR, ratio=Fraction(plain, answer.floor.bits - 2), eta="0.02", delta="0.01")
    assert [each.word for each in (at_cache, below_cache, at_floor, below_floor)] == [
        Word.POSSIBLE, Word.OPEN, Word.OPEN, Word.IMPOSSIBLE,
    ]  # fmt: skip


@pytest.mark.slow
def test_the_command(run_command: Run, tmp_path: Path) -> None:
    """Definition: words, exit codes, a certificate that checks and a picture."""
    told = run_command(
        "possible", "--model", "var-d30", "--ratio", "10", "--eta", "0.05", "--delta", "0.1",
        "--certificate", str(tmp_path / "c.json"), "--picture", str(tmp_path / "p.png"),
    )  # fmt: skip
    assert told.returncode == 1
    assert told.stdout.splitlines()[-1] == "IMPOSSIBLE"
    assert "machine-checked" in told.stdout
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    assert json_of(run_command("check", str(tmp_path / "c.json"), "--json"))["verdict"] == "VERIFIED"
    assert run_command("possible", "--ratio", "1.1", "--eta", "0.01").returncode == 0
    assert run_command("possible", "--ratio", "1.8", "--eta", "0.01").returncode == 3


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    first_now(
        [
            (("--ratio", "0"), "ratio must be > 0"),
            (("--ratio", "x"), "ratio must be a number"),
            (("--ratio", "2", "--eta", "0.5"), "eta must lie strictly"),
            (("--ratio", "2", "--delta", "0.5"), "delta must lie in"),
            (("--ratio", "2", "--model", "var-d33"), "did you mean"),
            (("--ratio", "2", "--picture", "p.gif"), "end in .pdf"),
        ],
    ),
)
def test_bad_input(run_command: Run, arguments: tuple[str, ...], sentence: str) -> None:
    """Bad input: one sentence and exit code 2."""
    result = run_command("possible", *arguments)
    assert result.returncode == 2
    assert sentence in result.stderr


def test_the_page_of_floors_tells_of_every_model() -> None:
    """Law: docs/floors.md has a line for every model of the catalogue, and no floor there is above its cache."""
    page = tightness.PAGE.read_text(encoding="utf-8")
    assert all(f"| `{model.name}` |" in page for model in models())
    assert "proved on paper, not machine-checked" in page


@pytest.mark.slow
def test_a_cache_under_a_floor_refutes() -> None:
    """Forgery: the claim of tightness is refuted by a cheaper cache, and by a wider gap."""
    row = tightness.row_of(VAR, Fraction(1, 1000), Fraction(0))
    assert tightness.verdict([row]) == "supported"
    assert tightness.verdict([{**row, "achieved": 0.7}]) == "refuted"
    assert tightness.verdict([{**row, "ratio_proved": 1.2}]) == "refuted"
    assert tightness.verdict([]) == "refuted"


def test_the_gap_adds_up() -> None:
    """Known value: at eta = 1/1000 the gap of VAR-256 is 190 bits per token, and its causes are its sum."""
    gap = tightness.gap_of(VAR, Fraction(1, 1000))
    total = gap.pop("total")
    assert total == pytest.approx(190, abs=1)
    assert sum(gap.values()) == pytest.approx(total)


@pytest.mark.slow
def test_claims_are_refuted_by_a_cache() -> None:
    """Forgery: a proved cache that is small enough turns a published ratio into a possible one."""
    answers = {("var-d30", claims.TENTH, Fraction(0)): possible(VAR, ratio=1, eta="0.1")}
    assert claims.verdict(answers) == "supported"
    key = ("var-d30", claims.TENTH, Fraction(0))
    cheap = possible(VAR, ratio=1, eta="0.49")
    forged = {**answers, key: replace(cheap, achieved=replace(cheap.achieved, n_tokens=1))}
    assert claims.verdict(forged) == "refuted"


@pytest.mark.slow
def test_the_text_promises_no_more_than_is_proved() -> None:
    """Known values: 868,352 bits of fp16 over 525,605 that suffice, and over 449,249 that are forced (1.9329 times)."""
    answer = possible(find_model("var-d30"), ratio=10, eta="0.01").to_json()
    assert (answer["cache_bits"], answer["achieved"]["bits"], answer["floor"]["bits"]) == (868352, 525605, 449249)
    assert possible_text(answer).splitlines()[-1].endswith("compressed 1.65 times, and not more than 1.94 times")
    told = {**answer, "largest_possible_ratio": 1.659, "no_ratio_above": 1.931}
    assert possible_text(told).splitlines()[-1].endswith("compressed 1.65 times, and not more than 1.94 times")
