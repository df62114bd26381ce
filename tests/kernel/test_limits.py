"""Definition: every limit of the kernel, from both of its sides, and the smallest cases that a rule must get right."""

from __future__ import annotations

from itertools import pairwise

import pytest

from lowerbound.kernel.rules import cover, keys
from lowerbound.kernel.rules.handelman import MOST_COEFFICIENT_BITS
from tests.kernel.examples import REJECTED, UNDECIDED, VERIFIED, Json, ask, inequality


@pytest.mark.parametrize(
    ("rows", "claim", "accepted"),
    [
        ([[1], [-1]], {"n": 2, "d": 1, "coherence": "-1"}, True),
        ([[1]], {"n": 1, "d": 1, "coherence": "-1"}, True),
        ([[2**63, 0], [0, 2**63]], {"n": 2, "d": 2, "coherence": "0"}, True),
        ([[-(2**63), 0], [0, 2**63]], {"n": 2, "d": 2, "coherence": "0"}, True),
        ([[2**63 + 1, 0], [0, 2**63 + 1]], {"n": 2, "d": 2, "coherence": "0"}, False),
        ([[-(2**63) - 1]], {"n": 1, "d": 1, "coherence": "-1"}, False),
    ],
)
def test_entries_of_keys(rows: Json, claim: Json, accepted: bool) -> None:
    """Definition: one dimension is allowed; entries reach 2^63 in size and no further."""
    assert ask("keys", claim, {"rows": rows}).outcome is (VERIFIED if accepted else REJECTED)


@pytest.mark.parametrize(("limit", "accepted"), [(8, True), (7, False)])
def test_the_gram_limit_counts_n_n_d(monkeypatch: pytest.MonkeyPatch, limit: int, accepted: bool) -> None:
    """Definition: n n d products are allowed, not one less."""
    monkeypatch.setattr(keys, "MOST_PRODUCTS", limit)
    claim = {"n": 2, "d": 2, "coherence": "0"}
    verdict = ask("keys", claim, {"rows": [[1, 0], [0, 1]]})
    assert verdict.outcome is (VERIFIED if accepted else REJECTED)


@pytest.mark.parametrize("goal", ["x", ["^", "x", 2], ["*", "3", "x"]])
def test_one_variable_is_not_a_constant(goal: Json) -> None:
    """Forgery: in one variable, 1 is not a certificate of x >= 0."""
    claim = {"variables": ["x"], "hypotheses": {}, "goal": inequality(goal)}
    assert ask("handelman", claim, {"terms": [{"coefficient": "1", "powers": {}}]}).outcome is REJECTED


@pytest.mark.parametrize(("bits", "accepted"), [(MOST_COEFFICIENT_BITS, True), (MOST_COEFFICIENT_BITS + 1, False)])
def test_coefficients_have_a_longest_length(bits: int, accepted: bool) -> None:
    """Definition: a coefficient of 2^13 bits is read, one bit more is not."""
    number = str(2 ** (bits - 1))
    claim = {
        "variables": ["x"],
        "hypotheses": {"h": inequality("x")},
        "goal": inequality(["*", number, "x"]),
    }
    verdict = ask("handelman", claim, {"terms": [{"coefficient": number, "powers": {"h": 1}}]})
    assert verdict.outcome is (VERIFIED if accepted else REJECTED)


@pytest.mark.parametrize(("m", "messages", "accepted"), [(2, 4, True), (2, 5, False), (3, 8, True), (3, 9, False)])
def test_there_are_at_most_as_many_messages_as_words(m: int, messages: int, accepted: bool) -> None:
    """Definition: 2^m messages name every word, and more are no protocol of this kind."""
    verdict = ask("index_optimum", {"m": m, "messages": messages, "error": "0"}, {})
    assert verdict.outcome is (VERIFIED if accepted else REJECTED)


def test_a_ball_that_touches_zero_is_not_positive() -> None:
    """Definition: x > 0 is false at the end of [0, 1], and at the point 0."""
    claim = {"variables": {"x": ["0", "1"]}, "goal": "x"}
    payload = {"precision": 64, "leaves": [{"x": ["0", "1"]}]}
    assert ask("cover", claim, payload).outcome is UNDECIDED
    claim = {"variables": {"x": ["0", "0"]}, "goal": "x"}
    assert ask("cover", claim, {"precision": 64, "leaves": [{"x": ["0", "0"]}]}).outcome is REJECTED


@pytest.mark.parametrize(("visits", "accepted"), [(2**10, True), (3, False)])
def test_the_cover_counts_its_visits(monkeypatch: pytest.MonkeyPatch, visits: int, accepted: bool) -> None:
    """Definition: a cover that takes more visits than the limit is refused, however the visits are spread."""
    monkeypatch.setattr(cover, "MOST_VISITS", visits)
    marks = [f"{place}/8" for place in range(9)]
    leaves = [{"x": [low, high]} for low, high in pairwise(marks)]
    claim = {"variables": {"x": ["0", "1"]}, "goal": ["+", "x", "1"]}
    verdict = ask("cover", claim, {"precision": 64, "leaves": leaves})
    assert verdict.outcome is (VERIFIED if accepted else REJECTED)


@pytest.mark.parametrize("leaf", [["-1", "1"], ["0", "2"], ["-1", "2"]])
def test_leaves_stay_inside_the_box_on_either_side(leaf: Json) -> None:
    """Definition: a leaf that reaches out of the box, on the left or on the right, is refused."""
    claim = {"variables": {"x": ["0", "1"]}, "goal": ["+", "x", "3"]}
    assert ask("cover", claim, {"precision": 64, "leaves": [{"x": leaf}]}).outcome is REJECTED
    assert ask("cover", claim, {"precision": 64, "leaves": [{"x": ["0", "1"]}]}).outcome is VERIFIED
