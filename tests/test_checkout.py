"""The folders beside the library: an experiment that runs and can fail, a figure that draws."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import frontier as experiment
from experiments import table
from experiments.__main__ import EXPERIMENTS
from experiments.__main__ import main as run_experiments
from lowerbound.core.oracle.rounding import rounding_bound
from paper_figures.__main__ import main as draw_figures


@pytest.mark.slow
def test_a_small_frontier_experiment_runs_and_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Definition: the experiment ends with a sentence, its table carries its spec, the figure reads the table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment, "SPEC", {**experiment.SPEC, "trials": 1, "caches": ["exact", "golay", "recompute"]})
    assert draw_figures(["frontier"]) == 2
    assert run_experiments(["frontier"]) == 0
    assert "frontier: supported" in capsys.readouterr().out
    assert table.load("frontier")["provenance"]["spec"]["models"] == ["var-d16"]
    assert draw_figures(["frontier", "--out", "figures"]) == 0
    assert draw_figures(["--out", "figures"]) == 2, "the other tables are missing here"


@pytest.mark.slow
def test_a_frontier_that_is_too_far_refutes_the_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Non-vacuity: with a stricter claim the same experiment says refuted."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment, "SPEC", {**experiment.SPEC, "trials": 1, "caches": ["hamming"]})
    monkeypatch.setattr(experiment, "CLAIMED_FACTOR", 1.01)
    assert experiment.run() == "refuted"


@pytest.mark.parametrize("name", ["anatomy", "windows"])
def test_quick_experiments_are_supported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what is claimed is found, each time."""
    monkeypatch.chdir(tmp_path)
    assert EXPERIMENTS[name].run() == "supported"
    assert table.load(name)["outcome"] == "supported"


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name",
    [
        "budgets",
        "coresets",
        "dimension",
        "errors",
        "maps",
        "phase",
        "probes",
        "replay",
        "scaling",
        "threshold",
        "tilt_chains",
    ],
)
def test_experiments_are_supported(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: the same of those that take up to a minute."""
    monkeypatch.chdir(tmp_path)
    assert EXPERIMENTS[name].run() == "supported"


@pytest.mark.parametrize("main", [run_experiments, draw_figures])
def test_unknown_names(main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input: exit code 2 and the list."""
    assert main(["frontire"]) == 2
    assert "must be one of" in (told := capsys.readouterr().err)
    assert "frontier, " in told


def test_the_margin_of_a_verdict_is_above_rounding() -> None:
    """Law: at the largest geometry of the catalogue, rounding stays far below any threshold's margin."""
    assert rounding_bound(d=128, n_tokens=160371, max_logit=100.0, max_value=1.0) < 1e-8
