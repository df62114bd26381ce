"""Designs that Coq's files state, read back, and the functions of their conditions in balls."""

from __future__ import annotations

import re
from typing import Any

from flint import arb, fmpq


def numbers(text: str) -> list[Any]:
    """Integers, and pairs as quotients."""
    items = re.findall(r"\([\d, ]+\)|\d+", text)
    return [fmpq(*map(int, re.findall(r"\d+", item))) if "(" in item else int(item) for item in items]


def sine(x: arb) -> arb:
    """The sine of an angle in [0, pi] with this cosine."""
    return (1 - x * x).sqrt()


def turn(x: arb, y: arb) -> arb:
    """The cosine of the difference of two angles, from theirs."""
    return x * y + sine(x) * sine(y)


def log2(x: arb) -> arb:
    """The binary logarithm."""
    return x.log() / arb(2).log()
