"""The rule for witnesses: what it verifies, to the last bit, what it leaves open, and every field forged."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.oracle.enclosure import attention_ball
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.scalars import lower_fraction, upper_fraction
from lowerbound.kernel.rules import witness
from tests.kernel.examples import FORGOTTEN, REJECTED, UNDECIDED, VERIFIED, Json, ask, changed

CLAIM, PAYLOAD = FORGOTTEN


def halves(answer: Fraction, **claim: Json) -> tuple[Json, Json]:
    """Two cached tokens of value 1 and two others of value 0, all with one key: the truth is exactly 1/2."""
    new_claim = {**CLAIM, "shapes": [[1, 3], [1, 1]], **claim}
    payload = {
        **PAYLOAD,
        "keys": [[["1"]] * 3, [["1"]]],
        "values": [[["1"], ["1"], ["0"]], [["0"]]],
        "queries": [[["0"]] * 3, [["0"]]],
        "answer": str(answer),
    }
    return new_claim, payload


@pytest.mark.parametrize(
    "rule", [CLAIM["rule"], {"name": "scaled", "squared_scale": "1"}], ids=lambda rule: rule["name"]
)
@pytest.mark.parametrize(("guarantee", "eta"), [("additive", "1/4"), ("relative", "1/2")])
@pytest.mark.parametrize("side", [1, -1])
def test_the_limit_itself_is_kept(rule: Json, guarantee: str, eta: str, side: int) -> None:
    """Known value: of a truth of exactly 1/2, an answer at exactly a quarter's distance keeps it, 2^-60 more does not.

    Weights that are equal are equal balls, and need not cancel: the limit itself may stay open, and is never VERIFIED.
    """
    terms = {"rule": rule, "guarantee": guarantee, "eta": eta}
    at, over = Fraction(1, 2) + side * Fraction(1, 4), Fraction(1, 2) + side * (Fraction(1, 4) + Fraction(1, 2**60))
    assert ask("witness", *halves(at, **terms)).outcome is not VERIFIED
    assert ask("witness", *halves(at - side * Fraction(1, 2**60), **terms)).outcome is REJECTED
    claim, payload = halves(over, **terms)
    assert ask("witness", claim, payload).outcome is VERIFIED
    assert ask("witness", claim, {**payload, "precision": 53}).outcome is UNDECIDED


@given(st.data())
def test_the_truth_is_that_of_core(data: st.DataObject) -> None:
    """Differential: just outside the promise around the balls of core is VERIFIED, just inside is REJECTED."""
    d = data.draw(st.integers(1, 3))
    numbers = st.fractions(-2, 2, max_denominator=8)
    rows = [data.draw(st.lists(numbers, min_size=d, max_size=d)) for _ in range(4)]
    values = [data.draw(st.lists(st.fractions(0, 1, max_denominator=8), min_size=d, max_size=d)) for _ in range(3)]
    binary = [[Fraction(round(x * 8), 8) for x in row] for row in rows]
    levels = [[Fraction(round(x * 8), 8) for x in row] for row in values]
    rules: list[tuple[dict[str, str], Rule]] = [
        ({"name": "l2norm", "multiplier": "5/2"}, L2Norm(2.5)),
        ({"name": "scaled", "squared_scale": f"1/{d}"}, Scaled()),
        ({"name": "scaled", "squared_scale": "9/4"}, Scaled(1.5)),
    ]
    named, rule = data.draw(st.sampled_from(rules))
    truth = attention_ball(
        [float(x) for x in binary[0]],
        [[float(x) for x in row] for row in binary[1:]],
        [[float(x) for x in row] for row in levels],
        rule=rule,
        precision_bits=256,
    )[d - 1]
    eta, inch = Fraction(1, 8), Fraction(1, 10**20)
    claim = {**CLAIM, "d": d, "rule": named, "guarantee": "additive", "eta": str(eta)}

    def written(matrix: list[list[Fraction]]) -> list[Json]:
        lines = [[str(x) for x in row] for row in matrix]
        return [lines[:2], lines[2:]]

    payload = {
        **PAYLOAD,
        "keys": written(binary[1:]),
        "values": written(levels),
        "queries": written(binary[1:]),
        "query": [str(x) for x in binary[0]],
        "coordinate": d - 1,
    }
    for answer, outcome in (
        (upper_fraction(truth) + eta + inch, VERIFIED),
        (lower_fraction(truth) + eta - inch, REJECTED),
        (lower_fraction(truth) - eta - inch, VERIFIED),
        (upper_fraction(truth) - eta + inch, REJECTED),
    ):
        assert ask("witness", claim, {**payload, "answer": str(answer)}).outcome is outcome


def test_zero_rows_have_logit_zero() -> None:
    """Definition: under l2norm a zero key, or a zero query, weighs e^0."""
    claim, payload = halves(Fraction(1))
    zero = {**payload, "keys": [[["0"]] * 3, [["0"]]]}
    assert ask("witness", claim, zero).outcome is VERIFIED
    assert ask("witness", claim, {**zero, "answer": "1/2"}).outcome is REJECTED
    assert ask("witness", claim, {**payload, "query": ["0"], "answer": "1/2"}).outcome is REJECTED


def test_lengths_count_under_the_scaled_rule_alone() -> None:
    """Definition: a longer query sharpens scaled attention, and leaves cosines as they are."""
    scaled = {**CLAIM, "rule": {"name": "scaled", "squared_scale": "1"}, "guarantee": "additive", "eta": "1/4"}
    payload = {**PAYLOAD, "answer": "1"}
    assert ask("witness", scaled, {**payload, "query": ["1/10"]}).outcome is VERIFIED
    assert ask("witness", scaled, {**payload, "query": ["10"]}).outcome is REJECTED
    normed = {**scaled, "rule": CLAIM["rule"]}
    for length in ("1/10", "10"):
        assert ask("witness", normed, {**payload, "query": [length]}).outcome is REJECTED


FORGERIES: list[tuple[str, tuple[str | int, ...], Any, str]] = [
    ("claim", ("guarantee",), "absolute", "guarantee must"),
    ("claim", ("guarantee",), None, "guarantee must"),
    ("claim", ("eta",), "1", "eta must lie"),
    ("claim", ("eta",), "-1/100", "eta must lie"),
    ("claim", ("eta",), "0.01", "eta must be rational"),
    ("claim", ("rule",), "l2norm", "rule must be an object"),
    ("claim", ("rule", "name"), "cosine", "'l2norm' or 'scaled'"),
    ("claim", ("rule", "name"), "scaled", "unknown key"),
    ("claim", ("rule", "multiplier"), "101", "(0, 100]"),
    ("claim", ("rule", "multiplier"), "0", "(0, 100]"),
    ("claim", ("rule",), {"name": "scaled", "squared_scale": "0"}, "squared scale must be positive"),
    ("claim", ("rule",), {"name": "scaled", "squared_scale": "-1"}, "squared scale must be positive"),
    ("claim", ("d",), 0, "d must"),
    ("claim", ("d",), True, "d must"),
    ("claim", ("d",), 2, "2 entries"),
    ("claim", ("shapes",), [[1, 2]], "between 2 and"),
    ("claim", ("shapes",), [[1, 1]] * 65, "between 2 and"),
    ("claim", ("shapes",), "1x2 1x1", "shapes must be a list"),
    ("claim", ("shapes", 0), [2], "two or three sides"),
    ("claim", ("shapes", 0), [1, 2, 1, 1], "two or three sides"),
    ("claim", ("shapes", 0, 1), 0, "a side must"),
    ("claim", ("shapes", 0, 1), 1, "between 1 and 1 rows, got 2"),
    ("claim", ("shapes", 0, 1), 3, "certainly outside"),
    ("claim", ("context",), 1, "certainly outside"),
    ("claim", ("context",), -1, "context must"),
    ("claim", ("cache",), "", "between 1 and"),
    ("claim", ("cache",), "x" * 401, "between 1 and"),
    ("claim", ("cache",), 7, "cache must be a string"),
    ("claim", ("budget",), "0", "budget must lie"),
    ("claim", ("budget",), "5/4", "budget must lie"),
    ("claim", ("budget",), 1, "budget must be rational"),
    ("claim", ("keys",), "", "family of keys"),
    ("claim", ("keys",), False, "family of keys"),
    ("claim", ("network",), 0, "network must be"),
    ("claim", ("seed",), -1, "seed must"),
    ("claim", ("seed",), "0", "seed must"),
    ("claim", ("layers",), 0, "layers must"),
    ("claim", ("heads",), 4097, "heads must"),
    ("claim", ("heads",), 4096, "certainly outside"),
    ("payload", ("precision",), 52, "precision must"),
    ("payload", ("precision",), 4097, "precision must"),
    ("payload", ("keys",), {}, "keys must be a list"),
    ("payload", ("keys", 0), [], "between 1 and 2 rows"),
    ("payload", ("keys", 0), [["-1"]], "certainly outside"),
    ("payload", ("keys", 0), [["1"], ["-1"], ["-1"]], "between 1 and 2 rows"),
    ("payload", ("keys", 0, 0), [], "1 entries"),
    ("payload", ("keys", 0, 0, 0), "nan", "rational text"),
    ("payload", ("keys", 0, 0, 0), 1, "rational text"),
    ("payload", ("keys", 0, 0, 0), "1/0", "zero denominator"),
    ("payload", ("keys", 0, 0, 0), "-1", "certainly outside"),
    ("payload", ("values",), [[["1"], ["0"]]], "2 scales"),
    ("payload", ("values", 0, 0, 0), "2", "values must lie"),
    ("payload", ("values", 0, 0, 0), "-1/2", "values must lie"),
    ("payload", ("values", 0, 0, 0), "0", "certainly keeps"),
    ("payload", ("queries", 0, 0, 0), "x", "rational text"),
    ("payload", ("queries",), [[], []], "between 1 and 2 rows"),
    ("payload", ("query",), [], "1 entries"),
    ("payload", ("query", 0), None, "rational text"),
    ("payload", ("layer",), 1, "layer must"),
    ("payload", ("head",), -1, "head must"),
    ("payload", ("coordinate",), 1, "coordinate must"),
    ("payload", ("answer",), "1", "certainly keeps"),
    ("payload", ("answer",), 0, "rational text"),
]


@pytest.mark.parametrize(("where", "path", "new", "word"), FORGERIES, ids=lambda value: str(value)[:24])
def test_forged_fields(where: str, path: tuple[Any, ...], new: Json, word: str) -> None:
    """Forgery: every field that says something else is rejected for it, or is another true violation."""
    claim = changed(CLAIM, path, new) if where == "claim" else CLAIM
    payload = changed(PAYLOAD, path, new) if where == "payload" else PAYLOAD
    verdict = ask("witness", claim, payload)
    assert verdict.outcome is (VERIFIED if "certainly outside" in word else REJECTED)
    assert word in verdict.reason


@pytest.mark.parametrize(
    ("limit", "least"),
    [
        ("MOST_NUMBERS", 9),
        ("MOST_BIT_OPERATIONS", (4 * 3 + sum(map(len, PAYLOAD["keys"]))) * (128 + 128)),
        ("MOST_DIMENSIONS", 1),
        ("MOST_SCALES", 2),
        ("MOST_SIDE", 2),
    ],
)
def test_limits_from_both_sides(monkeypatch: pytest.MonkeyPatch, limit: str, least: int) -> None:
    """Definition: three tokens in R^1, with these rows of keys, need so much, and not one less."""
    monkeypatch.setattr(witness, limit, least)
    assert ask("witness", CLAIM, PAYLOAD).outcome is VERIFIED
    monkeypatch.setattr(witness, limit, least - 1)
    assert ask("witness", CLAIM, PAYLOAD).outcome is REJECTED


def test_a_scale_repeats_its_last_row() -> None:
    """Definition: rows that are left out are the last one again, and the verdict is that of all rows written out."""
    claim, payload = halves(Fraction(3, 4), guarantee="additive", eta="1/8")
    short = {
        **payload,
        "keys": [[["1"]], [["1"]]],
        "values": [[["1"], ["1"], ["0"]], [["0"]]],
        "queries": [[["0"]]] * 2,
    }
    assert ask("witness", claim, payload).outcome is VERIFIED
    assert ask("witness", claim, short).outcome is VERIFIED
    assert ask("witness", claim, {**short, "answer": "1/2"}).outcome is REJECTED
    more = {**short, "values": [[["1"], ["1"]], [["0"]]]}
    assert ask("witness", claim, more).outcome is REJECTED
    assert ask("witness", claim, {**more, "answer": "1/2"}).outcome is VERIFIED


def test_there_are_only_so_many_heads() -> None:
    """Definition: 4096 heads in all layers together, and not one more."""
    assert ask("witness", {**CLAIM, "layers": 64, "heads": 64}, PAYLOAD).outcome is VERIFIED
    verdict = ask("witness", {**CLAIM, "layers": 64, "heads": 65}, PAYLOAD)
    assert verdict.outcome is REJECTED
    assert "4160" in verdict.reason


def test_an_overflow_is_left_open() -> None:
    """Definition: logits that no ball can hold prove nothing."""
    scaled = {**CLAIM, "rule": {"name": "scaled", "squared_scale": "1"}}
    huge = {**PAYLOAD, "query": ["1" + "0" * 4000]}
    assert ask("witness", scaled, huge).outcome is UNDECIDED


@pytest.mark.parametrize("guarantee", ["additive", "relative"])
@pytest.mark.parametrize(
    "rule", [CLAIM["rule"], {"name": "scaled", "squared_scale": "1"}], ids=lambda rule: rule["name"]
)
def test_rounding_breaks_no_promise(guarantee: str, rule: Json) -> None:
    """Forgery: under eta = 0 a lossless cache is off by its last bit, and that is no witness; a thousandth is."""
    terms = {"guarantee": guarantee, "eta": "0", "rule": rule}
    claim, payload = halves(Fraction(1, 2) + Fraction(1, 2**52), **terms)
    verdict = ask("witness", claim, {**payload, "precision": 256})
    assert verdict.outcome is REJECTED, verdict.reason
    assert ask("witness", *halves(Fraction(501, 1000), **terms)).outcome is VERIFIED
