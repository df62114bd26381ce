"""Forgeries: two tokens at small multipliers, where the rule of Theorem E1 fails at one inequality after another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kernel.examples import REJECTED, VERIFIED, ask
from tests.kernel.floors import claim_of, proved_over_a_lattice

Json = Any


def two_tokens(claim: Json, payload: Json) -> tuple[Json, Json]:
    """A claim about two cached tokens and one own one, and its payload, with these places changed."""
    whole = {**claim_of("E1", "clique_lattice", bits=1, d=500, eta="1/1000000"), "maps": [[1, 2], [1, 1]], **claim}
    parts = {
        "precision": 128,
        "mu": "1/8",
        "tilt": "4/5",
        "steps": 2**40,
        "diameter": [1, 30],
        "levels": 2,
        "cap": [2**10 - 7, 2**10],
    }
    return whole, {**parts, **payload}


def test_two_tokens_have_a_floor() -> None:
    """Definition: at a multiplier of 20 the rule accepts what plain floats accept."""
    claim, payload = two_tokens({"multiplier": "20"}, {})
    assert proved_over_a_lattice(claim, payload) >= 1
    assert ask("lattice_clique_floor", claim, payload).outcome is VERIFIED


@pytest.mark.parametrize(
    ("claim", "payload", "reason"),
    [
        ({"multiplier": "1/2"}, {}, "mu < 1 - (s + ln T) / lambda"),
        ({"multiplier": "1", "eta": "1/4"}, {}, "mu < 1 - (s + ln T) / lambda"),
        ({"multiplier": "2"}, {}, "bijection"),
        ({"multiplier": "3"}, {"tilt": "19/20"}, "tilt < c1"),
        ({"multiplier": "15/2", "maps": [[1, 2], [1024, 1024]]}, {}, "reaches down"),
        ({"multiplier": "20"}, {"diameter": [1, 10**5]}, "m ((M"),
        ({"multiplier": "20", "eta": "1/10"}, {"tilt": "19/20"}, "2 c2^2 - 1|tilt < c1"),
        ({"multiplier": "20"}, {"levels": 2**20}, "(L - 1) < 1"),
        ({"multiplier": "20"}, {"cap": [2**10 - 9, 2**10]}, "sqrt(1 - mu^2)"),
        ({"multiplier": "20"}, {"cap": [2**10 - 1, 2**10]}, "2 T^2"),
        ({"multiplier": "20", "delta": "1/1000"}, {}, "delta = 0"),
        ({"multiplier": "20", "eta": "1/2"}, {}, "[0, 1/2)"),
        ({"multiplier": "20", "theorem": "E", "lemmas": ["clique"]}, {}, "theorem must be one of E1"),
    ],
)
def test_each_inequality_is_asked_for(claim: Json, payload: Json, reason: str) -> None:
    """Forgery: one number changed, so that one inequality is false; plain floats refuse it too."""
    whole, parts = two_tokens(claim, payload)
    verdict = ask("lattice_clique_floor", whole, parts)
    assert verdict.outcome is REJECTED
    assert any(words in verdict.reason for words in reason.split("|")), verdict.reason
    if whole["theorem"] == "E1" and whole["eta"] != "1/2":
        assert proved_over_a_lattice(whole, parts) == -1
