"""Truth: what docs/var.md prints is what the commands and functions give."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest

from lowerbound.core.models import find_model
from lowerbound.core.pyramid.ranks import ChannelPyramid, random_kernels
from lowerbound.core.pyramid.resampling import VAR
from lowerbound.core.sums import sums
from lowerbound.var.simulator.simulate import simulate

PAGE = (Path(__file__).parents[3] / "docs" / "var.md").read_text(encoding="utf-8")
RUNS = re.findall(r"^\| `([\w-]+)(?:@(\S+))?` \| ([\d,]+) \| (\S+) \| (\d+) % \|$", PAGE, re.MULTILINE)


def row(name: str) -> list[int]:
    """The numbers of the line that begins so."""
    (line,) = [line for line in PAGE.splitlines() if line.startswith(f"| {name}")]
    return [int(cell) for cell in line.split("|")[2:-1]]


def test_there_are_runs() -> None:
    """Definition: the page's table is read, all of it."""
    assert len(RUNS) == 6


@pytest.mark.parametrize(("cache", "budget", "state", "error", "ids"), RUNS)
def test_runs(cache: str, budget: str, state: str, error: str, ids: str) -> None:
    """Differential: a row against the run; bytes exactly, errors as far as another BLAS may move them."""
    found = simulate("tiny", cache, budget=Fraction(budget) if budget else None)
    assert f"{found.state_bytes:,}" == state
    assert found.logit_error_last == pytest.approx(float(error), rel=0.1)
    assert 100 * found.ids_differ_last == pytest.approx(float(ids), abs=6)


def test_ranks_of_the_page() -> None:
    """Differential: the table's first columns, and its last line where it is nothing but a count, against the ranks."""
    schedule = find_model("var-d16").schedule
    plain, smooth = ChannelPyramid(schedule, VAR), ChannelPyramid(schedule, VAR, random_kernels(0))
    scales = range(2, 7)
    assert row("rank, φ the identity")[:5] == [plain.reach(scale).rank for scale in scales]
    assert row("rank, random rational φ")[:5] == [smooth.reach(scale).rank for scale in scales]
    assert row("all inputs up to here, jointly")[:5] == [plain.joint_rank(scale) for scale in scales]
    assert row("tokens") == [schedule.map_size(scale - 1) for scale in range(2, 11)]


def test_sums_of_the_page() -> None:
    """Differential: streams of VAR-d16 against the derivation."""
    told = re.findall(r"^\| R[12], [^|]+\| (\d+) \|", PAGE, re.MULTILINE)
    assert [int(count) for count in told] == [known.streams for known in sums(find_model("var-d16"))]
