"""Benchmarks: limits at the machine's pace, and a page that loses no section."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks import __main__ as benchmarks
from benchmarks import timing


@pytest.mark.parametrize(
    ("paces_s", "times"),
    [((0.1, 0.2), 1.0), ((0.1, 0.9), 1.0), ((0.25, 0.9), 1.0), ((0.5, 0.9), 2.0), ((0.75, 0.5), 2.0)],
)
def test_a_limit_grows_with_the_quicker_pace_alone(paces_s: tuple[float, ...], times: float) -> None:
    """Known values: a limit is never shorter than on a quiet machine, and one slow moment does not lengthen it."""
    assert timing.stretch(paces_s) == times


def test_each_measurement_has_the_limit_of_its_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: the limit of each measurement is that of the paces just before and after it, and the row says so."""
    paces: Iterator[float] = iter([0.5, 0.75, 0.25])
    monkeypatch.setattr(timing, "pace_s", lambda tries: next(paces))
    row = timing.against("what", "size", [lambda: 3.0, lambda: 3.0], 2.0)
    assert row.ratios == (3.0 / 4.0, 3.0 / 2.0)
    assert (row.peer_s, row.peer) == (3.0, "the limit of 2.00 s, at this pace")


def test_a_quiet_machine_has_plain_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: where nothing is slow, the limit is the promised one, and its row says no more."""
    monkeypatch.setattr(timing, "pace_s", lambda tries: 0.2)
    row = timing.against("what", "size", [lambda: 1.0], 2.0)
    assert (row.ratios, row.peer_s, row.peer) == ((0.5,), 2.0, "the limit")


def test_a_page_keeps_what_was_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: sections that were not run stay word for word, that of the experiment `growth` among them."""
    monkeypatch.setattr(benchmarks, "growth", dict)
    before = "# Performance\n\n## start\n\nold start\n\n## growth\n\nold growth\n"
    after = benchmarks.sections(benchmarks.page({"games": benchmarks.Printed(["row"], [], (0.2, 0.2))}, before))
    assert list(after) == ["start", "games", "growth"]
    assert (after["start"], after["growth"]) == ("old start", "old growth")
    assert "row" in after["games"]
