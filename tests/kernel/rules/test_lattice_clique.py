"""Forgeries and known values of the rule of Theorem E1: each inequality fails somewhere, and Coq decides as it does."""

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


@pytest.mark.parametrize(
    ("head", "eta", "mu", "tilt", "levels", "steps", "diameter", "cap", "bits"),
    [
        # proofs/coq/CliqueInstances.v: conditions decided by Coq's kernel with intervals of integers
        ((424, 256, 64), "1/10", "29/50", "233/250", 5, 2**24, [8, 335], [53, 65], 229559),
        ((424, 256, 64), "1/100", "29/50", "471/500", 50, 2**24, [1, 407], [53, 65], 405933),
        ((424, 256, 64), "1/1000", "29/50", "19/20", 500, 2**24, [1, 3782], [53, 65], 580576),
        ((424, 256, 64), "1/10000", "29/50", "239/250", 5000, 2**28, [1, 34978], [53, 65], 755036),
        ((6425, 4096, 128), "1/100", "1/2", "93/100", 50, 2**24, [2, 885], [110, 127], 12521241),
        ((6425, 4096, 128), "1/1000", "1/2", "469/500", 500, 2**24, [1, 4151], [110, 127], 17867214),
        ((66, 64, 32), "1/100", "67/100", "239/250", 50, 2**24, [2, 697], [50, 67], 30559),
        ((66, 64, 32), "1/1000", "67/100", "241/250", 500, 2**24, [1, 3167], [50, 67], 43870),
    ],
)
def test_what_coq_decides_is_verified(
    head: tuple[int, int, int],
    eta: str,
    mu: str,
    tilt: str,
    levels: int,
    steps: int,
    diameter: list[int],
    cap: list[int],
    bits: int,
) -> None:
    """Known value: at parameters of closed theorems the rule proves their bits, and at most one in 10^4 more.

    Coq bounds the logarithms of its bits by integers, and the rule by balls, hence the difference.
    """
    n, own, d = head
    claim = {**claim_of("E1", "clique_lattice", bits=bits, d=d, eta=eta), "maps": [[1, n], [1, own]]}
    payload = {
        "precision": 128, "mu": mu, "tilt": tilt, "steps": steps, "diameter": diameter, "levels": levels, "cap": cap,
    }  # fmt: skip
    assert ask("lattice_clique_floor", claim, payload).outcome is VERIFIED
    assert bits <= proved_over_a_lattice(claim, payload) < bits * (1 + 1e-4) + 6
    over = ask("lattice_clique_floor", {**claim, "bits": bits + bits // 10**4 + 6}, payload)
    assert over.outcome is REJECTED
