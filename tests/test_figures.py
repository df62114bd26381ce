"""Figures: they show what is in their tables, in the same bytes each time, and nothing is cut off."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from experiments.__main__ import EXPERIMENTS
from lowerbound.cli.options import FIGURE_ENDINGS
from lowerbound.errors import InvalidArgument
from lowerbound.report import figure
from lowerbound.report.figure import budgets_text, save_all
from paper_figures import __main__ as command
from paper_figures import (
    anatomy,
    coresets,
    digits_training,
    dimension,
    frontier,
    growth,
    hero,
    maps,
    phase,
    pictures,
    probes,
    proof,
    scaling,
    structures,
    threshold,
    tightness,
    tightness_bytes,
)
from tests.marks import first_now

ROOT = Path(__file__).parent.parent
FLOORS = {"A": 0.01, "B": 0.2, "C": 0.3, "C'": 0.35, "F": 0.4, "F'": 0.41, "G": 0.42, "E1": 0.43, "D": 0.45, "E": 0.5}


def point(cache: str, error: float, bits: float, family: str = "eviction", model: str = "R1") -> dict[str, Any]:
    """A row of a game."""
    return {
        "cache": cache,
        "family": family,
        "budget": None,
        "computation_model": model,
        "geometry": "g",
        "symbols": 10,
        "error": error,
        "error_low": error,
        "error_high": error,
        "bits_per_symbol": bits,
    }


TABLES: dict[str, list[dict[str, Any]]] = {
    "hero": [
        *(
            {
                "kind": "bracket",
                "model": model,
                "tokens": 424,
                "d": 64,
                "eta": eta,
                "checked": 0.469,
                "proved": proved,
                "enough": 0.601,
            }
            for model, proved in (("var-d16", 0.52), ("llama", 0.469))
            for eta in ("1/10", "1/100")
        ),
        {"kind": "paper", "name": "KIVI", "claim": 0.1875},
        {"kind": "package", "name": "small", "claim": 0.2, "holds": 0.25},
        {"kind": "package", "name": "large", "claim": 0.25, "holds": 5.02},
    ],
    "frontier": [*(point(f"c{n}", n / 40, 20.0 - n) for n in range(16)), point("re", 0.0, 0.1, "recompute", "R2")],
    "tightness": [
        {"model": "var-d16", "eta": eta, "delta": delta, "floors": FLOORS, "achieved": 0.6, "cache": "guaranteed-a"}
        for eta in (0.001, 0.01, 0.05, 0.1)
        for delta in (0.0, 0.01)
    ],
    "threshold": [
        {
            "family": family,
            "tokens": tokens,
            "d": 10,
            "d_of_seeds": [9, 10, 12],
            "welch": 3,
            "greedy": 14,
            "union": 25,
        }
        for family in ("gaussian", "signs", "greedy")
        for tokens in (64, 256)
    ],
    "phase": [
        {"kind": "border", "d": 64, "tokens": 16, "floor_from": 3.0, "sampled_to": None, "covered_to": 0.1},
        {"kind": "border", "d": 64, "tokens": 4096, "floor_from": 9.0, "sampled_to": 0.5, "covered_to": 0.1},
        {"kind": "played", "d": 64, "tokens": 4096, "lambda": 0.25, "wrong": 0, "of": 100},
        {"kind": "model", "d": 64, "tokens": 424},
    ],
    "scaling": [
        {
            "kind": kind,
            "n": n,
            "d": 64,
            "bits": 64 * n * n,
            "lambda_times_gap": 2.0 * n,
            "fits": {f"{name} n": [2.0, 0.1] for name in ("geometric", "linear", "var")}
            | {"geometric d": [1.0, 0.1], "lambda": [2.0, 0.1]},
        }
        for kind in ("geometric", "linear", "var")
        for n in (4, 8, 16)
    ],
    "anatomy": [
        {
            "maps": [[1, 1], [2, 2], [1, 1]],
            "bits": [[1], [0], [1], [1], [0]],
            "read": [[1], [0], [1], [1], [0]],
            "message": [0, 1, 1, 0, 1, 1, 0, 0] * 3,
            "gram": [[1.0] * 6] * 6,
            "weights": [0.0, 0.0, 0.9, 0.05, 0.05, 0.0],
            "outputs": [0.9, 0.1, 0.9, 0.95, 0.0],
            "token": 2,
            "coordinate": 0,
            "coherence": "1/4",
            "leakage": 0.2,
            "threshold": 0.5,
        }
    ],
    "maps": [
        {
            "kind": "witness",
            "cache": "window",
            "maps": [[1, 1], [2, 2], [1, 1]],
            "truth": [0.25, 0.25, 0.125, 0.125, 0.125, 0.125],
            "weights": [0, 0, 0, 0.25, 0.25, 0.5],
            "values": [1.0, 0, 0, 0, 0, 0],
            "answer": 0.0,
            "exact": 0.25,
            "eta": 0.01,
        },
        {"kind": "known", "cache": "attention", "maps": [[1, 1], [2, 2], [1, 1]], "weights": [1.0] * 5},
        {
            "kind": "known",
            "cache": "window",
            "maps": [[1, 1], [2, 2], [1, 1]],
            "weights": [0, 0, 0, 1.0, 1.0],
            "known": 2,
        },
    ],
    "dimension": [
        {
            "d": d,
            "tokens": 64,
            "coherence": 0.875,
            "clusters": [d, d + 1],
            "state_bits": [900 * d, 910 * d],
            "at_most": most,
            "at_least": d,
            "floor_bits": d * d,
            "models": ["var-d16"] if d == 16 else [],
        }
        for d, most in ((2, 12), (3, 57), (16, None))
    ],
    "coresets": [
        *({"cache": "window", "lambda": factor, "worst": factor / 4} for factor in (0.25, 2.0)),
        *(
            {"cache": "sampled", "lambda": factor, "worst": 0.03, "rows": rows, "tokens": 64}
            for factor, rows in ((0.25, 20), (2.0, 64))
        ),
    ],
    "probes": [
        *(
            {
                "model": "var-d16",
                "reader": reader,
                "is_adaptive": adaptive,
                "tokens": 64,
                "looks": looks,
                "error": error,
            }
            for reader, adaptive, looks, error in (
                ("fixed places", False, 0.0, 0.5),
                ("fixed places", False, 32.0, 0.25),
                ("scan", False, 64.0, 0.0),
                ("binary tree", True, 6.0, 0.0),
            )
        ),
        {"model": "var-d16", "cache": "full", "bits": 1, "bob_seconds": 1.0},
    ],
    "growth": [
        *(
            {"kind": kind, "tokens": tokens, "d": d, "seconds": tokens / 1e4, "memory_bytes": 1e3 * tokens}
            for kind, tokens, d in (
                ("game", 256, 64),
                ("game", 1024, 64),
                ("game", 1024, 128),
                ("largest", 4096, 128),
                ("decoding", 512, 64),
                ("decoding", 2048, 64),
                ("decoding", 8192, 128),
            )
        ),
        *({"kind": kind, "count": count, "seconds": count / 9} for kind in ("caches", "lemmas") for count in (4, 8)),
        {
            "kind": "extrapolated",
            "lines": {
                d: {"tokens": [256.0, 160371.0], "seconds": [0.03, 60.0], "memory_bytes": [2e5, 2e8]}
                for d in ("64", "128")
            },
            "widths": {"64": 0.1, "128": 0.2},
            "video_tokens": 160371,
            "video_seconds": 60.0,
            "video_bytes": 2e8,
        },
    ],
    "digits": [
        {"stage": "var", "step": 50, "nats": 3.0},
        *(
            {
                "stage": "heads",
                "step": step,
                "layers": [
                    {
                        "multipliers": [4.0 + step / 1000, 4.0],
                        "coherence": [0.9, 0.9],
                        "addressable": [step / 6000, 0.0],
                    }
                ]
                * 4,
            }
            for step in (0, 1500, 3000)
        ),
    ],
    "pictures": [
        *(
            {
                "cache": cache,
                "budget": budget,
                "state_bytes": size,
                "secret_ids": 30,
                "ids_unreadable": wrong,
                "image_error": error,
                "forced_image_error": error / 2,
            }
            for cache, budget, size, wrong, error in (
                ("random", None, 128, 30.0, 0.05),
                ("h2o", "1/8", 12864, 27.0, 0.01),
                ("kivi", "1/8", 67072, 0.0, 0.0016),
                ("kivi", "3/4", 90000, 1.0, 0.0001),
                ("full-fp16", None, 112832, 0.0, 0.0),
            )
        ),
        {
            "facts": {
                "cache_bytes": 112640,
                "checked": ["E1", 51198.0],
                "replay_bits": 180,
                "other_seed_error": 0.055,
            }
        },
    ],
    "structures": [
        {
            "prior": prior,
            "matching": matching,
            "errors": errors,
            "bits": bits,
            "class_bits": share * 100,
            "all_bits": 100,
        }
        for prior, share in (("sparse-coefficients", 0.25), ("locality", 1.0))
        for matching, errors, bits in ((True, 0, 104), (False, 0, 3200), (False, 3, 60))
    ],
    "proof": [
        {
            "id": name,
            "status": status,
            "checked_by": by,
            "everywhere": True,
            "main": name == "b",
            "left": left,
            "middle": 30.0,
            "arrows": arrows,
        }
        for name, status, by, left, arrows in (
            ("a", "proved", ["coq"], 8.0, {}),
            ("b", "on paper", [], 180.0, {"a": [[140.0, 30.0], [180.0, 30.0]]}),
        )
    ],
}


QUICK = ("anatomy", "frontier")
EVERY = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in command.FIGURES]


def test_commands_know_the_endings_of_figures() -> None:
    """Definition: the endings that commands accept before they work are those that the drawing module writes."""
    assert set(FIGURE_ENDINGS) == set(figure._METADATA)


@pytest.mark.slow
@pytest.mark.parametrize("name", first_now(command.FIGURES, 2, n_slow=0))
def test_figures_are_deterministic(name: str, tmp_path: Path) -> None:
    """Law: drawn twice, a figure is the same PDF, SVG and PNG, byte for byte."""
    module = command.FIGURES[name]
    first = save_all(module.build(TABLES[module.TABLE]), tmp_path / "one")
    second = save_all(module.build(TABLES[module.TABLE]), tmp_path / "two")
    assert [path.suffix for path in first] == [".pdf", ".svg", ".png"]
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()


def drawn(axes: Any) -> list[tuple[list[float], list[float]]]:
    """The points of every line of some axes."""
    return [([float(x) for x in line.get_xdata()], [float(y) for y in line.get_ydata()]) for line in axes.lines]


def test_points_are_those_of_the_tables() -> None:
    """Definition: what a table says is where its marks are."""
    (axes,) = threshold.build(TABLES["threshold"]).axes
    assert ([64.0, 256.0], [3.0, 3.0]) in drawn(axes)
    assert ([64.0, 256.0], [25.0, 25.0]) in drawn(axes)
    (axes,) = phase.build(TABLES["phase"]).axes
    assert ([16.0, 4096.0], [3.0, 9.0]) in drawn(axes)
    assert ([16.0, 4096.0], [0.1, 0.5]) in drawn(axes)
    assert ([4096.0], [0.25]) in drawn(axes)
    keys, memory = dimension.build(TABLES["dimension"]).axes
    assert ([2.0, 3.0], [12.0, 57.0]) in drawn(keys)
    assert ([3.0, 3.0], [2700.0, 2730.0]) in drawn(memory)
    (axes,) = coresets.build(TABLES["coresets"]).axes
    assert ([0.25, 2.0], [0.0625, 0.5]) in drawn(axes)
    assert ([0.25], [0.03]) in drawn(axes)
    (axes,) = probes.build(TABLES["probes"]).axes
    assert ([0.0, 32.0], [0.5, 0.25]) in drawn(axes)
    assert ([6.0], [0.0]) in drawn(axes)
    time, memory, width, _ = growth.build(TABLES["growth"]).axes
    assert ([256.0, 1024.0], [0.0256, 0.1024]) in drawn(time)
    assert ([4096.0], [4.096e6 / 2**20]) in drawn(memory)
    assert ([512.0, 2048.0], [0.0512, 0.2048]) in drawn(time)
    assert ([8192.0], [0.8192]) in drawn(time)
    assert ([64.0, 128.0], [0.1024, 0.1024]) in drawn(width)
    (axes,) = structures.build(TABLES["structures"]).axes
    assert ([1.04, 1.04], [2.0, 1.0]) in drawn(axes)
    by_n = scaling.build(TABLES["scaling"]).axes[0]
    assert ([4.0, 8.0, 16.0], [1024.0, 4096.0, 16384.0]) in drawn(by_n)
    multipliers, shares = digits_training.build(TABLES["digits"]).axes
    assert ([0.0, 1500.0, 3000.0], [4.0, 5.5, 7.0]) in drawn(multipliers)
    assert ([0.0, 1500.0, 3000.0], [0.0, 25.0, 50.0]) in drawn(shares)
    assert all(([1000.0, 1000.0], [0.0, 1.0]) in drawn(axes) for axes in (multipliers, shares))
    near, far, near_errors, far_errors = pictures.build(TABLES["pictures"]).axes
    assert ([128.0], [30.0]) in drawn(near)
    assert ([12864.0], [27.0]) in drawn(far)
    assert ([22.5, 22.5], [0.0, 1.0]) in drawn(near)
    assert ([51198.0, 51198.0], [0.0, 1.0]) in drawn(far_errors)
    assert ([128.0, 128.0], [0.05, 0.025]) in drawn(near_errors)
    assert ([90000.0, 90000.0], [0.0001, 0.00005]) not in drawn(far_errors), "only named caches show forced runs"
    picture = anatomy.build(TABLES["anatomy"])
    reading = picture.axes[5]
    titles = {axes.get_title(loc="left") for axes in picture.axes}
    assert any("24 bits" in title for title in titles)
    assert any("5 x 1 bits are read" in title for title in titles)
    assert ([0.0, 2.0, 3.0], [0.9, 0.9, 0.95]) in drawn(reading)


def test_the_first_picture_says_no_more_than_its_table() -> None:
    """Definition: bars end where the table says; what is forced is told rounded down, what is enough up."""
    models, packages, *_ = hero.build(TABLES["hero"]).axes
    bars = [bar for bar in models.patches if isinstance(bar, Rectangle)]
    assert {round(bar.get_x() + bar.get_width(), 6) for bar in bars} == {46.9, 52.0, 60.1, 100.0}
    forced = [bar.get_facecolor() for bar in bars if round(bar.get_width(), 6) == 46.9]
    assert forced == [to_rgba(hero.CHECKED)] * 4
    assert sum(to_rgba(hero.CHECKED)[:3]) < sum(to_rgba(hero.ON_PAPER)[:3])
    texts = [text.get_text() for text in models.texts]
    assert texts.count("46 %") == texts.count("61 %") == 4
    assert "KIVI: 19 %" in texts
    assert any(xs == [18.75, 18.75] for xs, _ in drawn(models))
    assert any(xs == [20.0, 25.0] for xs, _ in drawn(packages))
    assert any(xs == [25.0, float(hero.END)] for xs, _ in drawn(packages))
    assert "502 %" in {text.get_text() for text in packages.texts}


def test_shares_become_bytes() -> None:
    """Known value: half of VAR-d16's 55.57 MB is the floor of this table, and 0.6 of them are enough."""
    (axes,) = tightness_bytes.build(TABLES["tightness"]).axes
    heights = [ys[0] for _, ys in drawn(axes)]
    assert heights == pytest.approx([0.43 * 55.574528, 0.5 * 55.574528, 0.6 * 55.574528, 55.574528])


@pytest.mark.slow
def test_only_what_nothing_beats_is_named() -> None:
    """Law: of many caches, those on the front are named, and each model has a front of its own."""
    (axes,) = frontier.build(TABLES["frontier"]).axes
    names = {text.get_text() for text in axes.texts}
    assert {"c0", "c15", "re"} <= names
    beaten = [*TABLES["frontier"], point("beaten", 0.3, 30.0)]
    (axes,) = frontier.build(beaten).axes
    assert "beaten" not in {text.get_text() for text in axes.texts}


def test_no_cache_of_the_pictures_is_left_out() -> None:
    """Bad input: a state that lies on neither piece of the axis of bytes is named, and nothing is drawn."""
    *caches, facts = TABLES["pictures"]
    with pytest.raises(InvalidArgument, match="got h2o@1/8"):
        pictures.build([*({**row, "state_bytes": 3000} if row["cache"] == "h2o" else row for row in caches), facts])


@pytest.mark.slow
def test_the_released_log_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: training is drawn from the log that comes with the checkout, whatever lies in results/."""
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    first, *_ = command.draw("digits_training", tmp_path / "out", pages=False)
    assert first == tmp_path / "out" / "digits_training.pdf"


@pytest.mark.slow
def test_titles_tell_what_is_known() -> None:
    """Definition: the number of tokens that a cache knows stands over its pyramid."""
    picture = maps.build(TABLES["maps"])
    titles = {axes.get_title(loc="left") for axes in picture.axes}
    assert {"window knows 2 of 5", "attention answers 0.2500", "window answers 0.0000"} <= titles
    difference = next(axes for axes in picture.axes if "difference" in axes.get_title(loc="left"))
    arrays = [image.get_array() for image in difference.images]
    shown = [array.ravel().tolist() for array in arrays if array is not None]
    assert shown == [[-0.25], [-0.25, -0.125, 0.125, 0.125], [0.375]]
    labels = {text.get_text() for text in proof.build(TABLES["proof"]).axes[0].texts}
    assert {"a", "b"} <= labels
    assert len(tightness.build(TABLES["tightness"]).axes) == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_cut_off(name: str) -> None:
    """Law: every title, label, legend and note of a figure lies inside it."""
    figure = command.FIGURES[name].build(TABLES[command.FIGURES[name].TABLE])
    canvas: Any = FigureCanvasAgg(figure)
    canvas.draw()
    words = [text for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        words += [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        words += [] if axes.get_legend() is None else axes.get_legend().get_texts()
    assert any(word.get_text() for word in words)
    width, height = canvas.get_width_height()
    for word in words:
        box = word.get_window_extent(canvas.get_renderer())
        if word.get_text().strip():
            assert box.x0 >= -1, word.get_text()
            assert box.y0 >= -1, word.get_text()
            assert box.x1 <= width + 1, word.get_text()
            assert box.y1 <= height + 1, word.get_text()


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`lowerbound figures`, there."""
    return subprocess.run(
        [sys.executable, "-m", "lowerbound", "figures", *words], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_the_command(tmp_path: Path) -> None:
    """Bad input: outside a checkout, and a name that is none, one sentence each and exit code 2."""
    outside = run(tmp_path)
    assert outside.returncode == 2
    assert "are drawn in a checkout" in outside.stderr
    unknown = run(ROOT / "tests", "frontire")
    assert unknown.returncode == 2
    assert "figure must be one of" in unknown.stderr


def test_arrows_of_the_proof_begin_and_end_at_boxes() -> None:
    """Law: an arrow leaves the right side of one box and ends at the left side of another, at its middle."""
    (axes,) = proof.build(TABLES["proof"]).axes
    boxes = [patch for patch in axes.patches if isinstance(patch, FancyBboxPatch)]
    arrow: Any = next(patch for patch in axes.patches if isinstance(patch, FancyArrowPatch))
    first, last = (arrow._path_original.vertices[place] for place in (0, -1))
    assert tuple(first) in {(box.get_x() + box.get_width(), box.get_y() + box.get_height() / 2) for box in boxes}
    assert tuple(last) in {(box.get_x(), box.get_y() + box.get_height() / 2) for box in boxes}


def test_figures_have_the_names_of_their_experiments() -> None:
    """Law: a figure is called like the experiment whose table it draws, or that and a further word."""
    for name, module in command.FIGURES.items():
        assert name == module.TABLE or name.startswith(f"{module.TABLE}_"), name
        assert module.TABLE in EXPERIMENTS, name
        assert module.__name__ == f"paper_figures.{name}"


@pytest.mark.slow
def test_only_pages_touches_the_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: without --pages only the folder of results is written; with it, the picture on the pages is renewed too."""
    pages, results = tmp_path / "docs", tmp_path / "results"
    monkeypatch.setattr(command, "PAGES", pages)
    monkeypatch.setattr(command, "RESULTS", results)
    results.mkdir()
    (results / "anatomy.json").write_text(json.dumps({"rows": TABLES["anatomy"]}), encoding="utf-8")
    assert command.main(["anatomy"]) == 0
    assert not pages.exists()
    assert len(list((results / "figures").iterdir())) == 3
    assert command.main(["anatomy", "--pages"]) == 0
    assert [path.name for path in pages.iterdir()] == ["anatomy.png"]


def test_missing_tables_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Bad input: one command that makes every table that is missing, once, before anything is drawn."""
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    assert command.main(["tightness", "maps", "tightness_bytes"]) == 2
    assert capsys.readouterr().err.endswith("make it with: python -m experiments tightness maps\n")
    assert command.main(["maps"]) == 2
    assert "python -m experiments maps" in capsys.readouterr().err
    (tmp_path / "maps.json").write_text(json.dumps({"rows": TABLES["maps"]}), encoding="utf-8")
    assert command.main(["maps", "--out", str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["maps.pdf", "maps.png", "maps.svg"]


def test_a_table_of_another_version_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    """Bad input: a table of the proof without the places of its lemmas is named, and the command that renews it."""
    monkeypatch.setattr(command, "RESULTS", tmp_path)
    old = [{name: value for name, value in row.items() if name != "left"} for row in TABLES["proof"]]
    (tmp_path / "proof.json").write_text(json.dumps({"rows": old}), encoding="utf-8")
    assert command.main(["proof"]) == 2
    told = capsys.readouterr().err
    assert "is of another version, for it lacks 'left'" in told
    assert told.endswith("make it anew with: python -m experiments proof\n")
    assert not (tmp_path / "figures").exists()


def test_a_mark_tells_the_budgets_that_were_played() -> None:
    """Definition: the least and the largest budget of a cache's rows, whatever their errors; one, or none."""
    rows = [{"budget": budget} for budget in ("1/4", "1/2", "3/16", "1/4")]
    assert budgets_text(rows) == ", budgets 3/16 to 1/2"
    assert budgets_text(rows[3:]) == " 1/4"
    assert budgets_text([{"budget": None}]) == ""
