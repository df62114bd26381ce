"""How the name of a cache shows that it means foreign code that is no `lowerbound.Cache`: a program, or an adapter."""

from __future__ import annotations

PREFIX = "exec:"
"""A name that begins so is the command line of a program."""
KINDS = ("transformers", "cache", "kvpress", "codec", "patch")


def is_wrapped(target: str) -> bool:
    """Whether a target has the form "KIND:MODULE:NAME", with one of KINDS; an adapter then plays what it names."""
    return target.count(":") >= 2 and target.partition(":")[0] in KINDS


def is_program(target: str) -> bool:
    """Whether a target is the command line of a program, "exec:COMMAND"."""
    return target.startswith(PREFIX)
