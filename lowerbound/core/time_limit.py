"""Time limits: which ones a clock can be set to, and what a party of a game is given."""

from __future__ import annotations

from lowerbound.errors import invalid

TIME_LIMIT_S = 120.0
"""What each party of a game has by default, and for each answer where it lives on."""
LONGEST_TIME_LIMIT_S = 10**7
"""116 days."""


def check_time_limit(seconds: float, name: str = "time limit") -> None:
    """Raise InvalidArgument unless a time limit is positive and one that a clock can be set to."""
    if not 0 < seconds <= LONGEST_TIME_LIMIT_S:
        nearest = f"{LONGEST_TIME_LIMIT_S:,}" if seconds > 0 else None
        raise invalid(name, f"be > 0 seconds and at most {LONGEST_TIME_LIMIT_S:,}", seconds, nearest=nearest)
