"""What the name of a cache shows: a program, foreign code with an adapter, or a class, and a budget of its own."""

from __future__ import annotations

from collections.abc import Sequence

PREFIX = "exec:"
"""A name that begins so is the command line of a program."""
KINDS = ("transformers", "cache", "kvpress", "codec", "patch")


def is_wrapped(target: str) -> bool:
    """Whether a target has the form "KIND:MODULE:NAME", with one of KINDS; an adapter then plays what it names."""
    return target.count(":") >= 2 and target.partition(":")[0] in KINDS


def is_program(target: str) -> bool:
    """Whether a target is the command line of a program, "exec:COMMAND"."""
    return target.startswith(PREFIX)


def with_budget(name: str) -> tuple[str, str, str]:
    """(cache, "@" or nothing, its own budget) of NAME or NAME@F; a program and KIND:MODULE:NAME are whole names."""
    return (name, "", "") if is_program(name) or is_wrapped(name) else name.partition("@")


def at_budgets(names: Sequence[str], budgets: Sequence[str | None]) -> list[tuple[str, str | None]]:
    """Every name with every budget; NAME@F is paired with its own budget F alone."""
    games: list[tuple[str, str | None]] = []
    for name in names:
        base, at, own = with_budget(name)
        games += [(base, own)] if at else [(base, budget) for budget in budgets]
    return games
