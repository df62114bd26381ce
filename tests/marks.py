"""How much is tried: of many cases of one kind, or examples, a suite tries the first, and CI all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from typing import Any

import pytest


def first_now(cases: Iterable[Any], n_quick: int = 1, n_slow: int | None = None) -> list[Any]:
    """The first cases as they are, the next `n_slow` marked as slow, and the others as long; None is all as slow."""
    rest = iter(cases)
    found = list(islice(rest, n_quick))
    for k, case in enumerate(rest):
        mark = pytest.mark.slow if n_slow is None or k < n_slow else pytest.mark.long
        found.append(pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=mark))
    return found


def tries(n_examples: int) -> int:
    """How many examples hypothesis draws: all of them in CI, and else the first third."""
    return n_examples if "CI" in os.environ else -(-n_examples // 3)
