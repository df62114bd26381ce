"""Laws and known values of the experiment on lattice pairs: equal states, and answers that are then wrong."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from experiments.lattice_pairs import CACHES, PAIRS, played, rows_of, verdict
from lowerbound.certify.design.lattice_game import lattice_game
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule


def test_equal_states_are_found_in_caches_below_the_floor() -> None:
    """Law and known value: tokens outside a window leave its state as it is, and fp16 sees every pair."""
    (window, half) = rows_of(Fraction(1, 100), [("window", "1/4"), ("full-fp16", None)], 6)
    assert window["state_bits"] < window["floor_bits"] == 406193 < half["state_bits"]
    assert window["one_state"] == window["wrong"] > 0
    assert window["worst_error_over_eta"] > 50
    assert half["one_state"] == half["wrong"] == 0
    assert verdict([window, half]) == "supported"
    assert verdict([{**window, "wrong": 0}, half]) == "refuted"
    assert verdict([window, {**half, "least_difference_over_2_eta": 0.9}]) == "refuted"


def test_one_state_means_one_answer() -> None:
    """Law: a cache that keeps nothing has one state, and is off by at least eta on one list of each pair."""
    small = lattice_game(Geometry("small", ScaleSchedule.square([1, 2, 4]), 8), eta="1/100")
    row = played(small, "random", None, [0, 2, 4])
    assert row["one_state"] == row["wrong"] == 3
    assert row["worst_error_over_eta"] >= 1


@pytest.mark.slow
def test_the_page_tells_the_experiment() -> None:
    """Known value: each row of the table in docs/cliques.md, played again; the floor in its sentence too."""
    text = (Path(__file__).parent.parent / "docs" / "cliques.md").read_text(encoding="utf-8")
    rows = rows_of(Fraction(1, 100), CACHES, PAIRS)
    assert f"Of {PAIRS} tokens of VAR-256 at η = 1/100, where E1 forces {rows[0]['floor_bits']:,} bits:" in text
    for row in rows:
        name = row["cache"] if row["budget"] is None else f"{row['cache']}@{row['budget']}"
        start = f"| `{name}` | {row['state_bits']:,} | {row['one_state']} | {row['wrong']} | "
        worst = float(text.split(start)[1].split(" |")[0])
        assert abs(worst - row["worst_error_over_eta"]) < 0.03 * worst + 0.005
