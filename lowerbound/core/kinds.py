"""The kinds of foreign code that is no `lowerbound.Cache`, and how a name shows that it means such code."""

from __future__ import annotations

KINDS = ("transformers", "cache", "kvpress", "codec", "patch")


def is_wrapped(target: str) -> bool:
    """Whether a target has the form "KIND:MODULE:NAME", with one of KINDS; an adapter then plays what it names."""
    return target.count(":") >= 2 and target.partition(":")[0] in KINDS
