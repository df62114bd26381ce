"""Truth: pictures under a cache are those of the network, and what is measured of them is what was lost."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.report.pictures import SHADES, blocks, drawn_text
from lowerbound.sweep.spec import spec_of
from lowerbound.sweep.units import Job, run_unit
from lowerbound.var.replay.pictured import pictured
from lowerbound.var.simulator.drawn import Beside, Studio
from lowerbound.var.simulator.network import SMALL, random_network
from lowerbound.var.simulator.pipeline import FullCache, generate
from lowerbound.var.simulator.weights import source_of


@pytest.fixture(scope="module")
def studio() -> Studio:
    """Two digits of the built-in network."""
    return Studio(source_of("digits").network(precision="float64"), classes=[3, 7], pictures=2, seed=5)


def test_exact_keys_and_values_change_nothing(studio: Studio) -> None:
    """Known value: a cache that keeps float64 draws the same pictures from the same ids, forced and free."""
    found = studio.measured("full", isolation=Isolation.NONE)
    assert found.agreement == found.forced_agreement == 1
    assert found.image_error == found.forced_image_error == 0
    assert found.trace_error_worst < 1e-12
    assert found.forced_logit_error < 1e-12


@pytest.mark.slow
def test_eviction_loses_more_than_fp16(studio: Studio) -> None:
    """Law: a cache that drops seven eighths of the tokens answers worse than fp16 in every measure."""
    good = studio.measured("full-fp16", isolation=Isolation.NONE)
    bad = studio.measured("h2o", budget=Fraction(1, 8), isolation=Isolation.NONE)
    assert bad.budget == "1/8"
    assert bad.state_bytes < good.state_bytes
    assert bad.trace_error > good.trace_error
    assert bad.forced_logit_error > good.forced_logit_error
    assert bad.agreement < good.agreement
    assert bad.image_error > good.image_error


def test_errors_are_those_of_the_answers(studio: Studio) -> None:
    """Differential: `Beside` answers as the full cache does, and tells errors that are recomputed from both answers."""
    network = studio.network
    with studio.plugged("window", Isolation.NONE) as plug:
        beside = Beside(studio.memory(plug, Fraction(1, 4)), network.model.n_layers)
        run = studio.run(0, beside, forced=True)
    assert all(np.array_equal(a, b) for a, b in zip(run.logits, studio.whole[0].logits, strict=True))
    errors = beside.relative_errors
    branches, heads = network.model.cfg_branches, network.model.n_heads
    assert errors.shape == (network.model.n_layers, branches, heads, network.model.n_tokens)
    assert not errors[..., 0].any()
    assert errors.max() > 0.01


def test_pictures_are_decoded_f_hats(studio: Studio) -> None:
    """Definition: each picture is the decoder's of the f_hat of a run with its own class and seed."""
    for number, condition in enumerate((3, 7)):
        run = generate(studio.network, FullCache(), condition=condition, sampling=studio.samplings[number])
        assert np.array_equal(studio.network.decode(run.f_hat), studio.pictures[number])


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({"classes": [10]}, "class must lie in"), ({"pictures": 0}, "pictures must be"), ({"pictures": 1001}, "pictures")],
)
def test_other_pictures_are_refused(given: dict[str, Any], sentence: str) -> None:
    """Forgery: a class that the network does not have, and too few or too many pictures."""
    with pytest.raises(InvalidArgument, match=sentence):
        Studio(source_of("digits").network(), **{"classes": [0], "pictures": 1, **given})


def test_a_network_without_a_decoder_draws_nothing() -> None:
    """Bad input: random weights have no decoder, and the sentence names a network that has one."""
    with pytest.raises(InvalidArgument, match="the nearest valid choice is digits"):
        Studio(random_network(SMALL[0]), classes=[0], pictures=1)


def test_blocks_have_the_shade_of_two_pixels() -> None:
    """Known value: black, white and half of both, two rows of pixels a line, an odd last row padded with white."""
    picture = np.array([[[1.0, 0.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]])
    assert blocks(picture) == ["█ ▒", "▒  "]
    assert len(SHADES) == 5


def test_text_fits_its_width(studio: Studio) -> None:
    """Law: no line of pictures is wider than the terminal that it was made for."""
    rows = [studio.full, studio.drawn("kivi", budget=Fraction(1, 8), isolation=Isolation.NONE)]
    for width in (30, 60, 200):
        pictures = [line for line in drawn_text(rows, width).splitlines() if set(line) <= set(SHADES)]
        assert max(map(len, pictures)) <= width


def test_a_unit_is_the_row(studio: Studio) -> None:
    """Differential: a unit of a sweep has the row that `pictured` gives, with the digest of the weights."""
    table = {"name": "x", "kind": "draw", "caches": ["full-fp16"], "pictures": 1, "read": 0, "isolation": "none"}
    (unit,) = spec_of(table).units()
    found = run_unit(Job(unit, PrivateSeed(0)))
    row = pictured("digits", "full-fp16", pictures=1, read=0, isolation=Isolation.NONE).to_json()
    assert found.row == json.loads(json.dumps(row))
    assert unit["weights"] == row["weights"] == studio.network.origin.digest


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"networks": ["tiny"]}, "decoder"),
        ({"networks": ["nosuch"]}, "not known"),
        ({"models": ["var-d16"]}, "models"),
        ({"pictures": 2, "read": 3}, "read must be at most pictures"),
    ],
)
def test_other_sweeps_of_pictures_are_refused(change: dict[str, Any], sentence: str) -> None:
    """Bad input: networks without a decoder, unknown ones, places of games, and more pictures read than drawn."""
    with pytest.raises(InvalidArgument) as refused:
        spec_of({"name": "x", "kind": "draw", "caches": ["full"], **change})
    assert sentence in str(refused.value)


@pytest.mark.slow
def test_the_command_draws(run_command: Any, tmp_path: Path) -> None:
    """Bad input: networks without a decoder, unknown ones, places of games, more pictures read than drawn."""
    file = tmp_path / "grid.png"
    words = ("var", "draw", "--cache", "kivi@1/8", "--class", "3", "--pictures", "2", "--isolation", "none")
    done = run_command(*words, "-o", str(file), "--json")
    told = json.loads(done.stdout)
    assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert [row["cache"] for row in told["rows"]] == ["full cache", "kivi"]
    assert told["classes"] == [3, 3]
    refused = run_command(*words, "-o", str(tmp_path / "grid.gif"))
    assert refused.returncode == 2
    assert "end in .pdf, .png or .svg" in refused.stderr
