"""Hearings: whoever is asked once answers in a process of its own."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, TimeLimitExceeded
from lowerbound.game.channel import Isolation
from lowerbound.game.hearing import Hearings
from lowerbound.game.question import Terms, TokenRows

TERMS = Terms(ScaleSchedule.square([1, 2]), 4, L2Norm())
QUERY = np.ones(4)


def tokens() -> TokenRows:
    """Rows with values far from 0."""
    rows = np.random.default_rng(0).random((5, 4)) + 1
    return TokenRows(rows, rows, rows)


def children() -> set[str]:
    """The processes that this one has started and that have not ended."""
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return {child for each in lists for child in each.read_text(encoding="ascii").split()}


def test_no_process_hears_two_queries() -> None:
    """Law: a cache that errs from its process's second answer on tells the truth each time, and no process is left."""
    before = children()
    hearings = Hearings("tests.adversary.moody:Moody", isolation=Isolation.PROCESS, time_limit_s=20)
    with closing(hearings):
        assert len(children() - before) == 1
        first, second = (hearings.heard(TERMS, tokens(), QUERY) for _ in range(2))
        assert np.array_equal(first, second)
        assert first.min() > 1
        assert children() == before


def test_nobody_is_left_who_was_not_asked() -> None:
    """Law: a process that was started ahead ends with the hearings, and a limit that is none starts none."""
    before = children()
    with closing(Hearings("tests.adversary.moody:Moody", isolation=Isolation.PROCESS, time_limit_s=20)):
        assert children() != before
    assert children() == before
    with pytest.raises(InvalidArgument, match="time limit"):
        Hearings("tests.adversary.moody:Moody", isolation=Isolation.PROCESS, time_limit_s=0)
    assert children() == before


def test_a_hearing_is_limited_in_time() -> None:
    """Law: a cache that never answers costs the time limit and leaves no process."""
    before = children()
    hearings = Hearings("tests.adversary.unruly:Sleeps", isolation=Isolation.PROCESS, time_limit_s=1)
    with closing(hearings), pytest.raises(TimeLimitExceeded, match="within 1 s"):
        hearings.heard(TERMS, tokens(), QUERY)
    assert children() == before
