"""Where a theorem says nothing it says why in one sentence, and the nearest place it names is possible."""

from __future__ import annotations

import re

import pytest

from lowerbound.certify.certified import certified
from lowerbound.certify.check import check
from lowerbound.certify.floors import floor
from lowerbound.certify.possible import possible
from lowerbound.certify.refusal import refusal
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.decoder import Placed, own_decoder
from lowerbound.errors import InvalidArgument
from lowerbound.kernel.verdict import Outcome
from lowerbound.report.floors import possible_text
from tests.test_cli import Run

LONG = 131072
QUICK = ("C", "C'", "E1", "D", "E")
"""Theorems whose certificates of long contexts are searched and made within a second."""


WHEN = {"1/100": [pytest.mark.slow], "1/10": [pytest.mark.long], "1/1000": [pytest.mark.long]}


def head(n: int, own: int = 1, d: int = 128) -> Placed:
    """A head of one's own."""
    return own_decoder(d).at(n, own)


def numbers(sentence: str, what: str) -> int:
    """The nearest possible number of cached or own tokens that a sentence names."""
    found = re.search(rf"the nearest possible number of {what} tokens is ([\d,]+)", sentence)
    assert found is not None, sentence
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize(
    ("theorem", "own", "delta", "eta"),
    [
        pytest.param(name, own, delta, eta, marks=WHEN[eta] if eta != "1/100" or name not in QUICK else [])
        for name in THEOREMS
        for own in (1, 4096)
        for delta in ("0", "1/100")
        for eta in ("1/10", "1/100", "1/1000")
    ],
)
def test_long_contexts(theorem: str, own: int, delta: str, eta: str) -> None:
    """Law: at 131,072 tokens a theorem has a certificate that is checked, or a sentence that says why it has none."""
    place = head(LONG, own)
    found = certified(place, eta=eta, delta=delta, theorem=theorem)
    why = refusal(place, eta=eta, delta=delta, theorem=theorem)
    assert (found is None) == (why is not None)
    if found is None:
        assert str(why).startswith(f"theorem {theorem} does not bound own head in R^128 at 131,072 at eta = ")
        assert "nearest" in str(why) or "nearer" in str(why)
        assert "\n" not in str(why)
        return
    told = check(found.document())
    assert told.verdict.outcome is Outcome.VERIFIED, told.verdict.reason
    assert told.bits == found.bits
    assert len(found.document()) < 50_000


@pytest.mark.parametrize(
    ("theorem", "own", "percent"),
    [("C", 1, 32.11), ("C'", 1, 33.80), ("D", 1, 45.51), ("E", 1, 49.22), ("E", 4096, 49.22)],
)
def test_shares_of_a_long_context(theorem: str, own: int, percent: float) -> None:
    """Known value: at least these percentages of fp16 at 131,072 tokens in R^128, eta 1/100, always right."""
    found = certified(head(LONG, own), eta="1/100", delta=0, theorem=theorem)
    assert found is not None
    assert 100 * found.bits / head(LONG, own).geometry.cache_bits >= percent


@pytest.mark.parametrize(
    ("theorem", "n", "d", "what"),
    [("E1", LONG, 32, "cached"), ("E1", 8192, 32, "cached"), ("C'", 300000, 20, "cached"), ("E", 2**19, 24, "cached")],
)
def test_the_nearest_number_of_tokens_is_possible(theorem: str, n: int, d: int, what: str) -> None:
    """Law: at the number that a sentence names there is a certificate, and with one token more there is none."""
    why = refusal(head(n, d=d), eta="1/100", delta=0, theorem=theorem)
    nearest = numbers(str(why), what)
    assert nearest < n
    assert certified(head(nearest, d=d), eta="1/100", delta=0, theorem=theorem) is not None
    assert certified(head(nearest + 1, d=d), eta="1/100", delta=0, theorem=theorem) is None


@pytest.mark.parametrize("theorem", ["C", "C'"])
def test_the_nearest_number_of_own_tokens_is_possible(theorem: str) -> None:
    """Law: where own tokens are too many for small logits, as many as a sentence names are possible, and no more."""
    why = refusal(head(4, 2**17).capped(8), eta="1/100", delta=0, theorem=theorem)
    nearest = numbers(str(why), "own")
    assert certified(head(4, nearest).capped(8), eta="1/100", delta=0, theorem=theorem) is not None
    assert certified(head(4, nearest + 1).capped(8), eta="1/100", delta=0, theorem=theorem) is None


@pytest.mark.parametrize(
    ("theorem", "n", "eta", "delta", "words"),
    [
        ("C'", 400, "1/100", "1/100", "proved for delta = 0 alone; the nearest possible delta is 0"),
        ("E", 400, "0", "0", r"it speaks of an eta in \(0, 1/2\)"),
        ("G", 400, "1/3", "0", r"an eta in \(0, 1/4\)"),
        (
            "D",
            1,
            "1/100",
            "0",
            "one cached token has no other beside it; the nearest possible number of cached tokens is 2",
        ),
        ("B", 400, "1/100", "1/2", "wrong half of the time says nothing; the nearest possible delta is 0.49"),
        ("B", 400, "1/2", "0", "answers do not tell two levels of a value apart"),
    ],
)
def test_reasons(theorem: str, n: int, eta: str, delta: str, words: str) -> None:
    """Definition: the sentence names what is out of range, and what would be within."""
    why = refusal(head(n), eta=eta, delta=delta, theorem=theorem)
    assert re.search(words, str(why)), why


def test_a_theorem_with_an_instance_is_not_refused() -> None:
    """Law: no sentence where there is a certificate, and none about a theorem that nobody stated."""
    assert refusal(head(400), eta="1/100", delta=0, theorem="E") is None
    with pytest.raises(InvalidArgument, match="not known"):
        refusal(head(400), eta="1/100", delta=0, theorem="Z")


@pytest.mark.slow
def test_no_row_is_missing_without_a_word() -> None:
    """Law: every theorem of a floor is certified, left out or refused, and `possible` tells the refusals too."""
    found = floor(head(20, d=16), eta="1/100", failure_prob="1/100")
    told = {one.theorem.name for one in found.certified}
    assert told | found.left_out.keys() | found.refused.keys() == THEOREMS.keys()
    assert not told & found.refused.keys()
    assert {"C'", "E1", "D", "E"} <= found.refused.keys()
    assert found.to_json()["refused"] == found.refused
    answer = possible(head(20, d=16), ratio=2, eta="1/100", delta="1/100")
    assert answer.to_json()["refused"] == found.refused
    sentence = (
        "Theorems C', E1, D, E do not bound own head in R^16 at 20 at eta = 0.01, delta = 0.01: proved for delta = 0"
    )
    assert sentence in possible_text(answer.to_json())


def test_the_command_line_refuses_in_one_sentence(run_command: Run) -> None:
    """Bad input: `certify` says why and what is nearest, with exit code 2; `floor` says it and goes on."""
    place = ("--tokens", "20", "--d", "16", "--delta", "0.01")
    result = run_command("certify", *place, "--theorem", "E")
    assert result.returncode == 2
    assert "proved for delta = 0 alone; the nearest possible delta is 0" in result.stderr
    assert "Theorems C', E1, D, E do not bound" in run_command("floor", *place).stdout
