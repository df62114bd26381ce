"""Formulas as MathML, written into the page: no fonts, no scripts, no network."""

from __future__ import annotations

import re

from lowerbound.errors import InvalidArgument

ALIGNED = re.compile(r"\\(begin|end)\{aligned\}")
LEAKS = re.compile(r"\\|[{}]|<m[ion][^>]*>&(amp;)?<")


def to_mathml(formula: str, *, block: bool = False) -> str:
    """A LaTeX formula as a MathML element.

    Contract: the result has no TeX left in it. The converter copies commands that it does not know, so a backslash, a
    brace or an alignment mark in the output raises InvalidArgument.
    """
    from latex2mathml.converter import convert

    known = ALIGNED.sub(r"\\\1{align*}", formula.strip())
    element: str = convert(known, display="block" if block else "inline")
    shown = re.sub(r"<mo[^>]*>&#x0007[BD];</mo>", "", element)
    if (leak := LEAKS.search(shown)) is not None:
        raise InvalidArgument(f"a formula must use commands that MathML knows, got {leak.group(0)!r} left of {formula}")
    return element
