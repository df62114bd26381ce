"""Experiments: each can be refuted, tells so, and leaves a table that says what it was made from."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from experiments import __main__ as command
from experiments import (
    anatomy,
    budgets,
    dithered,
    errors,
    frontier,
    hero,
    maps,
    phase,
    recompute,
    scaling,
    table,
    threshold,
    windows,
)
from lowerbound.sweep.store import Store

SMALL_SCALING = {"geometric": [2, 4, 8], "linear": [3, 4, 5], "var": [[1, 2, 3], [1, 2, 3, 4], [1, 2, 3, 4, 5]]}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables go to a folder of the test."""
    monkeypatch.chdir(tmp_path)


def spec(monkeypatch: pytest.MonkeyPatch, module: Any, **changes: Any) -> None:
    """Run a smaller or a wrong experiment."""
    for name, value in changes.items():
        assert name in module.SPEC
        monkeypatch.setitem(module.SPEC, name, value)


def sentence(name: str) -> str:
    """How it ended."""
    return str(table.load(name)["sentence"])


def test_every_experiment_says_what_could_refute_it_and_what_it_costs() -> None:
    """Law: question, claim and cost stand in the first lines of every experiment."""
    for name, module in command.EXPERIMENTS.items():
        words = str(module.__doc__)
        assert words.startswith("Question:"), name
        assert "Claim" in words, name
        assert "Cost:" in words, name


def test_unknown_experiments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input: one sentence with the names that exist, and exit code 2."""
    assert command.main(["frontire"]) == 2
    assert "experiment must be one of anatomy" in capsys.readouterr().err


def test_tables_tell_their_specification() -> None:
    """Definition: a table has the rows, the outcome, the sentence, and the specification they come from."""
    assert anatomy.run() == "supported"
    told = json.loads(Path("results/anatomy.json").read_text(encoding="utf-8"))
    assert told["provenance"]["spec"] == anatomy.SPEC
    assert told["outcome"] == "supported"
    assert "all 720 bits" in told["sentence"]
    (row,) = told["rows"]
    assert row["read"] == row["bits"]
    assert len(row["message"]) >= 720


def test_a_lossy_message_refutes_the_anatomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Metamorphic: the same game through a code that loses bits is not called supported."""
    spec(monkeypatch, anatomy, cache="golay")
    assert anatomy.run() == "refuted"


def test_slopes_of_a_power_law() -> None:
    """Known value: y = 3 x^2 has slope 2 on logarithms, and no interval."""
    xs = [math.log(n) for n in (1, 2, 4, 8)]
    assert scaling.slope(xs, [math.log(3) + 2 * x for x in xs]) == pytest.approx((2, 0), abs=1e-12)


def test_scaling_is_exact_and_can_be_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: bits are T d and a constant; a wrong exponent is refuted."""
    spec(monkeypatch, scaling, **SMALL_SCALING, dimensions=[16, 32, 64])
    assert scaling.run() == "supported"
    assert "T d + 96 bits" in sentence("scaling")
    spec(monkeypatch, scaling, expected={**scaling.SPEC["expected"], "linear n": 2, "geometric n": 1})
    assert scaling.run() == "refuted"
    assert "geometric n: slope" in sentence("scaling")


def test_tokens_in_closed_form() -> None:
    """Known values of shared sums: 1 + 4 + 16 + 64 = 85, and 1 + 4 + 9 = 14."""
    assert scaling.tokens_of({"kind": "geometric", "n": 8}) == 85
    assert scaling.tokens_of({"kind": "linear", "n": 3}) == 14


@pytest.mark.slow
def test_the_phase_diagram_is_played_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: nothing errs at the border, coresets keep their promise; rows that break it, or keep everything, refute."""
    spec(monkeypatch, phase, tokens=[15, 1023], dimensions=[16, 64], sides=[4], queries=8)
    monkeypatch.setitem(phase.SPEC, "played", [["sampled", 64, 0.25, 1024, True], ["covered", 16, 0.1, 512, False]])
    assert phase.run() == "supported"
    rows = [row for row in table.load("phase")["rows"] if row["kind"] == "played"]
    assert all(row["rows"] < row["tokens"] and row["wrong"] == 0 for row in rows)
    (sampled, covered) = rows
    assert not phase.exceptions({**sampled, "wrong": sampled["of"] // 100})
    assert phase.exceptions({**sampled, "wrong": sampled["of"] // 50})
    assert phase.exceptions({**covered, "wrong": 1})
    assert phase.exceptions({**covered, "rows": 512})
    monkeypatch.setitem(phase.SPEC, "played", [["covered", 64, 30.0, 64, False]])
    assert phase.run() == "refuted"
    assert "keeps all rows" in sentence("phase")


def test_recomputation_trades_bits_for_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: every mixture of ids and values gives every symbol back, and the ids alone are log2 V bits each."""
    spec(monkeypatch, recompute, models=["var-d16"], repeats=1, correlation=-1.0)
    assert recompute.run() == "supported"
    rows = table.load("recompute")["rows"]
    assert [row["misread"] for row in rows] == [0] * 10
    assert rows[0]["bits"] == 3060 + 4 + 16 + 64
    assert rows[-1]["rows_replayed"] == 0
    spec(monkeypatch, recompute, correlation=2.0)
    assert recompute.run() == "undecided"


def test_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the floor is that of the visible tokens; a code that must be closer than it can be refutes."""
    spec(monkeypatch, windows, windows=[1, 2])
    assert windows.run() == "supported"
    rows = [row for row in table.load("windows")["rows"] if row["structure"] == "scales"]
    assert sorted({row["tokens"] for row in rows}) == [169, 269]
    monkeypatch.setattr(windows, "CLOSE", 1.0)
    assert windows.run() == "refuted"


@pytest.mark.slow
def test_thresholds_are_above_welch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the least dimension lies between Welch's bound and the proved one; an impossible constancy refutes."""
    spec(monkeypatch, threshold, sides=[8, 11], families=["signs", "greedy"], seeds=[0])
    assert threshold.run() == "supported"
    for row in table.load("threshold")["rows"]:
        assert row["welch"] <= row["d"] <= row["union"]
        assert row["errors_there"] == 0
    spec(monkeypatch, threshold, steady=0.0)
    assert threshold.run() == "refuted"


@pytest.mark.slow
def test_floors_of_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: who reads everything has more bits than the floor; a floor that grew faster would refute."""
    spec(monkeypatch, errors, etas=["1/50", "1/100"], etas_of_c=["1/10"], caches=[["full-fp16", None]])
    assert errors.run() == "supported"
    rows = table.load("errors")["rows"]
    assert [row["theorem"] for row in rows] == ["B", "B", "C"]
    assert all(row["keeps"] and row["bits"] > row["floor_bits"] for row in rows)
    spec(monkeypatch, errors, slack=-1.0)
    assert errors.run() == "refuted"


def test_budgets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what a method claims stands beside what crossed; fewer bytes than a claim refute."""
    monkeypatch.setattr(budgets, "CACHES", {"h2o": "", "kivi": ""})
    spec(monkeypatch, budgets, budgets=["1/4"])
    assert budgets.run() == "supported"
    rows = table.load("budgets")["rows"]
    assert [row["cache"] for row in rows] == ["h2o", "kivi"]
    assert all(row["over_claim"] == pytest.approx(row["measured"] / row["claimed"]) for row in rows)
    monkeypatch.setattr(budgets, "LEAST", 100.0)
    monkeypatch.setattr(budgets, "CACHES", {"window-scales": ""})
    spec(monkeypatch, budgets, budgets=["1/2"])
    assert budgets.run() == "refuted"


@pytest.mark.slow
def test_a_second_frontier_plays_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: rows that the store has are not played again; the table is the same; a closer code would refute."""
    spec(monkeypatch, frontier, caches=["exact", "golay", "window@1/4"], trials=1)
    assert frontier.run() == "supported"
    first = table.load("frontier")
    with Store(table.RESULTS / "store.sqlite") as store:
        attempts = [row.seconds for row in store.results()]
    assert len(attempts) == 3
    assert frontier.run() == "supported"
    assert table.load("frontier") == first
    with Store(table.RESULTS / "store.sqlite") as store:
        assert [row.seconds for row in store.results()] == attempts
    monkeypatch.setattr(frontier, "CLAIMED_FACTOR", 1.1)
    assert frontier.run() == "refuted"
    assert "golay" in sentence("frontier")


@pytest.mark.slow
def test_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the witness's weights give its answer; a cache that knows most tokens refutes."""
    spec(monkeypatch, maps, caches=["snapkv"])
    assert maps.run() == "supported"
    witness, attention, cache = table.load("maps")["rows"]
    assert witness["explained"] == pytest.approx(witness["answer"], abs=1e-9)
    assert abs(witness["answer"] - witness["exact"]) > witness["eta"] * witness["exact"]
    assert len(attention["weights"]) == 130
    assert cache["known"] < 65
    spec(monkeypatch, maps, half=0.0)
    assert maps.run() == "refuted"


def test_dithered_questions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: climbed questions fail no more often than delta; at a spacing 2.5 times the proved one they do."""
    spec(monkeypatch, dithered, etas=["1/100"], deltas=["1/100"], starts=["two tokens"], coins=8000, moves=20)
    spec(monkeypatch, dithered, coins_to_climb=2000)
    assert dithered.run() == "supported"
    (row,) = table.load("dithered")["rows"]
    assert row["high"] <= 0.01
    assert 0.7 <= row["quantile_over_eta"] <= 1
    spec(monkeypatch, dithered, coarser=2.5)
    assert dithered.run() == "refuted"
    assert "two tokens at eta = 1/100 fails with rate above" in sentence("dithered")


@pytest.mark.long
@pytest.mark.parametrize("delta", ["1/10", "1/1000"])
def test_dithered_questions_at_every_start(monkeypatch: pytest.MonkeyPatch, delta: str) -> None:
    """Law: the same from every start and at another delta, with coins enough that the interval lies below delta."""
    spec(monkeypatch, dithered, etas=["1/4", "1/100"], deltas=[delta], coins=60_000, moves=90)
    assert dithered.run() == "supported"
    assert all(row["high"] <= float(Fraction(delta)) for row in table.load("dithered")["rows"])


def test_a_claim_over_a_floor_refutes_the_hero() -> None:
    """Forgery: papers under the floor support the claim, one over it refutes it, and an empty table shows nothing."""
    floor = {"kind": "bracket", "model": "m", "eta": "1/100", "checked": 0.47, "proved": 0.5, "enough": 0.6}
    papers = hero.papers()
    assert {row["name"]: row["claim"] for row in papers}["KIVI"] == 3 / 16
    assert hero.verdict([floor, *papers]) == "supported"
    assert hero.verdict([floor, *papers, {"kind": "paper", "name": "x", "claim": 0.48}]) == "refuted"
    assert hero.verdict([{**floor, "checked": 0.2}, *papers]) == "refuted"
    assert hero.verdict(papers) == hero.verdict([floor]) == "refuted"


def test_packages_are_told_at_their_longer_measurement() -> None:
    """Definition: a package holds what the long run found, where there is one; without a claim it is left out."""
    listed = {"turbokv 0.1.0": {"held_ratio": 1.79, "long": {"held_ratio": 4.0}}, "kvcrush 0.1.0": {"held_ratio": 2.0}}
    rows = hero.audited({**listed, "polykv-llm 0.1.0": {"held_ratio": 1.0}})
    assert {row["name"]: row["holds"] for row in rows} == {"turbokv": 0.25, "kvcrush": 0.5}
