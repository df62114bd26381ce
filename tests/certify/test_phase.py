"""Where the floor bites and where coresets are smaller: borders by hand, and both sides kept apart."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.ceiling.coresets import cover_radius, sample_size
from lowerbound.certify.dimension import packed_keys, room
from lowerbound.certify.phase import balls_at_most, phase
from lowerbound.errors import InvalidArgument
from tests.test_cli import Run

ETA, DELTA = Fraction(1, 10), Fraction(1, 100)


def test_borders_by_hand() -> None:
    """Known value: 680 Kerdock keys leak 2/5 at ln(679 / 0.4) / (7/8); 310.9 e^(2 lambda) rows stay under 424."""
    found = phase(424, 64, in_sight=680, eta=ETA, delta=DELTA)
    assert found.floor_from is not None
    assert found.sampled_to is not None
    assert (found.coherence, found.keys) == (Fraction(1, 8), "kerdock")
    assert float(found.floor_from) == pytest.approx(math.log(679 / 0.4) / 0.875, rel=1e-9)
    at_zero = math.log(200) * (1 / 2 + 1 / 50 + 1 / 15) * 100
    assert float(found.sampled_to) == pytest.approx(math.log(423 / at_zero) / 2, abs=2**-12)


def test_the_circle() -> None:
    """Known value: on the circle 423 balls have angles of more than 2 pi / 424 between them; caps know it, too."""
    found = phase(424, 2, eta=ETA, delta=DELTA)
    assert found.floor_from is None
    assert found.covered_to is not None
    radius = float(cover_radius(found.covered_to, ETA))
    assert radius == pytest.approx(2 * math.sin(math.pi / 424), rel=1e-2)
    assert packed_keys(2, Fraction(0)) == 4
    assert packed_keys(3, Fraction(1, 2)) == 14


def test_simplices_are_few_balls() -> None:
    """Known value: balls further apart than sqrt(2 + 2/d) are at most d, by Rankin; at the diameter there is one."""
    assert balls_at_most(64, Fraction(3, 2)) == 9
    assert balls_at_most(64, Fraction(2)) == 2
    assert balls_at_most(64, Fraction(21, 10)) == 1
    assert balls_at_most(64, Fraction(1414213562, 10**9)) in (128, 129)


@pytest.mark.slow
@given(st.sampled_from([2, 3, 5, 8, 16, 33, 64]), st.integers(2, 100_000), st.sampled_from(["1/4", "1/10", "1/50"]))
@settings(max_examples=6)
def test_no_point_is_on_both_sides(d: int, tokens: int, eta: str) -> None:
    """Law: under the coreset's border it keeps fewer rows than tokens, over the floor's none is proved to."""
    found = phase(tokens, d, eta=eta, delta=DELTA)
    if found.coreset_to is not None:
        assert min(found.rows(found.coreset_to).values()) < tokens
        assert found.side(found.coreset_to) == "possible"
    if found.floor_from is not None:
        assert found.coreset_to is None or found.coreset_to < found.floor_from
        assert set(found.rows(found.floor_from).values()) == {tokens}
        assert found.side(found.floor_from) == "forced"
    if found.sampled_to is not None:
        assert sample_size(found.sampled_to + Fraction(1, 2**12), Fraction(eta), DELTA) >= tokens


@pytest.mark.slow
@given(st.integers(2, 32), st.fractions(-1, 1).filter(lambda mu: -1 < mu < 0.9))
@settings(max_examples=15)
def test_caps_agree_with_what_exists(d: int, mu: Fraction) -> None:
    """Law: caps that do not overlap are no fewer than the keys that exist."""
    assert packed_keys(d, mu) >= room(d, mu).at_least


def test_bad_input() -> None:
    """Bad input: one sentence each."""
    for changes, word in (
        ({"eta": "1/2"}, "eta must lie"),
        ({"delta": 0}, "delta must lie"),
        ({"tokens": 1}, "tokens must be an integer >= 2"),
        ({"d": 1}, "d must be an integer >= 2"),
        ({"in_sight": 3}, "in_sight must be at least"),
    ):
        arguments: dict[str, Any] = {"tokens": 16, "d": 8, "eta": ETA, "delta": DELTA, **changes}
        with pytest.raises(InvalidArgument, match=word):
            phase(**arguments)


@pytest.mark.slow
def test_the_commands(run_command: Run) -> None:
    """Definition: borders as a table and as JSON; looks of readers; one sentence for what cannot be asked."""
    told = json.loads(run_command("phase", "--model", "var-d16", "--lambda", "4", "--json").stdout)
    assert (told["tokens"], told["d"], told["keys"]) == (424, 64, "kerdock")
    assert told["multipliers"] == [{"lambda": 4.0, "rows": {"sampled": 424, "covered": 424}, "side": "open"}]
    shown = run_command("phase", "--d", "3", "--tokens", "65536", "--lambda", "10").stdout
    assert "a coreset is smaller" in shown
    assert "no lambda up to 1000 forces" in shown
    for words, word in (
        ((), "either --model"),
        (("--d", "3"), "either --model"),
        (("--model", "var-d16", "--lambda", "-1"), "lambda must lie in [0, 1000]"),
    ):
        refused = run_command("phase", *words)
        assert (refused.returncode, refused.stdout) == (2, "")
        assert word in refused.stderr
    readers = json.loads(run_command("time", "--questions", "20", "--json").stdout)["readers"]
    scan = next(reader for reader in readers if reader["reader"] == "scan")
    assert (scan["looks"], scan["error"], scan["least_looks"]) == (424.0, 0.0, 424.0)
    assert all(reader["error"] == 0 and reader["looks"] < 12 for reader in readers if reader["is_adaptive"])
    assert "hash table       2.0" in run_command("time", "--questions", "20").stdout
