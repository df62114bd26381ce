"""How much is tried: of many cases of one kind, or examples, a suite tries the first, and CI all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest


def first_now(cases: Iterable[Any], n_quick: int = 1, then: pytest.MarkDecorator = pytest.mark.slow) -> list[Any]:
    """The first cases as they are, and each other one marked as slow, or as `then` says."""
    rest = iter(cases)
    now = list(islice(rest, n_quick))
    later = (case if isinstance(case, tuple) else (case,) for case in rest)
    return [*now, *(pytest.param(*case, marks=then) for case in later)]


def tries(n_examples: int) -> int:
    """How many examples hypothesis draws: all of them in CI, and else the first third."""
    return n_examples if "CI" in os.environ else -(-n_examples // 3)
