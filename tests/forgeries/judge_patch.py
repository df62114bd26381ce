"""A module that, wherever it is imported beside the judge, teaches the judge to see no errors."""

from __future__ import annotations

import sys

from lowerbound.caches.controls.silent import Silent

if "lowerbound.game.duel" in sys.modules:
    sys.modules["lowerbound.game.duel"].misread = (  # type: ignore[attr-defined]
        lambda symbols, _: [one < 0 for one in symbols]
    )


class Honest(Silent):
    """Sends nothing, knows nothing; its module did the work."""
