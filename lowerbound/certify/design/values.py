"""Designs of floors from values alone, with public keys: Theorem A (two levels) and Theorem B (as many as possible)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.certify.design.target import MOST_LEVELS, PRECISION_BITS, Design, Target, below, fano_bits
from lowerbound.core.keys.choice import best_family
from lowerbound.core.keys.family import IntRows
from lowerbound.errors import ImpossibleReduction
from lowerbound.kernel.rules.separated import MOST_WORDS


def values_design(target: Target) -> Design | None:
    """The design of Theorem B, or None: each value has as many levels as Bob can separate with the best public keys."""
    return _values(target, "B")


def paper_design(target: Target) -> Design | None:
    """The design of Theorem A, or None: one bit per value, relative error."""
    return _values(target, "A")


def _values(target: Target, theorem: str) -> Design | None:
    n_keys = target.n_tokens + target.n_own
    try:
        family = best_family(n_keys, target.d)
        bound = family.coherence_bound(n_keys, target.d)
        keys = family.keys(n_keys, target.d)
    except ImpossibleReduction:
        return None
    mu = keys.coherence if bound is None else bound
    tau = (n_keys - 1) * np.exp(-float(target.multiplier) * (1 - float(mu)))
    if theorem == "A":
        levels = 2 if 2 * tau * (1 + 1e-9) < 1 - float(target.eta) else 0
    else:
        levels = int(min(MOST_LEVELS, 1 + below(1 / (2 * (float(target.eta) + tau)))))
    if levels < 2 or target.delta > 1 - Fraction(1, levels):
        return None
    payload = {
        "precision": PRECISION_BITS,
        "keys": described(keys.rows),
        "coherence": str(max(mu, Fraction(0))),
        "multiplier": str(target.multiplier),
        "levels": levels,
    }
    bits = target.n_tokens * target.d * float(fano_bits(levels, float(target.delta)))
    return Design(bits, payload)


def described(rows: IntRows) -> dict[str, Any]:
    """The rows in a form that the kernel accepts: cosets of the affine functions, a coset of a linear code, or entries.

    Contract: the description contains at least these rows. It is a code if all entries are signs, up to zeros at the
    end, and the code is small enough for the kernel to go through its words. Kerdock sets are unions of cosets of the
    affine functions, and trace codes are linear, so the whole description has the family's coherence.
    """
    length = int(np.nonzero(rows.any(axis=0))[0][-1]) + 1
    if (np.abs(rows[:, :length]) != 1).any():
        return {"rows": rows.tolist()}
    words = [int.from_bytes(np.packbits(row).tobytes(), "big") >> -length % 8 for row in rows[:, :length] < 0]
    affine = _basis(_affine(length))
    leaders = sorted({_reduced(word, affine) for word in words})
    if len(leaders) * (len(leaders) + 1) // 2 << len(affine) <= MOST_WORDS:
        return _code(length, affine, leaders)
    span = _basis(word ^ words[0] for word in words)
    return _code(length, span, words[:1]) if len(span) <= LARGEST_SPAN else {"rows": rows.tolist()}


def _code(length: int, basis: list[int], leaders: list[int]) -> dict[str, Any]:
    digits = -(-length // 4)
    return {
        "length": length,
        "basis": [f"{word:0{digits}x}" for word in basis],
        "cosets": [f"{word:0{digits}x}" for word in leaders],
    }


LARGEST_SPAN = 22


def _basis(words: Iterator[int]) -> list[int]:
    """A basis of the binary span, in which no two words have the same highest bit; at most LARGEST_SPAN + 1 words."""
    basis: list[int] = []
    for word in words:
        rest = _reduced(word, basis)
        if rest:
            basis.append(rest)
            if len(basis) > LARGEST_SPAN:
                break
    return basis


def _reduced(word: int, basis: list[int]) -> int:
    for known in basis:
        word = min(word, word ^ known)
    return word


def _affine(length: int) -> Iterator[int]:
    """The constant 1 and the binary digits of 0..length-1, each function as a word of `length` bits."""
    yield (1 << length) - 1
    for bit in range((length - 1).bit_length()):
        yield sum(1 << place for place in range(length) if place >> bit & 1)
