"""Designs of floors from values alone, with public keys: Theorem A (two levels) and Theorem B (as many as possible)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from lowerbound.certify.design.target import MOST_LEVELS, PRECISION_BITS, Design, NoInstance, Target, below, fano_bits
from lowerbound.core.keys.choice import best_family, made_keys
from lowerbound.core.keys.family import IntRows
from lowerbound.errors import ImpossibleReduction
from lowerbound.kernel.rules.separated import MOST_WORDS

HALF = Fraction(1, 2)


def values_design(target: Target) -> Design:
    """The design of Theorem B: each value has as many levels as Bob can separate with the best public keys."""
    return _values(target, "B")


def paper_design(target: Target) -> Design:
    """The design of Theorem A: one bit per value, relative error."""
    return _values(target, "A")


def _values(target: Target, theorem: str) -> Design:
    n_keys = target.n_tokens + target.n_own
    try:
        keys, mu = _public_keys(n_keys, target.d)
    except ImpossibleReduction as impossible:
        reason, _, nearest = str(impossible).partition("; ")
        raise NoInstance(reason, nearest) from None
    tau = (n_keys - 1) * np.exp(-float(target.multiplier) * (1 - float(mu)))
    if theorem == "A":
        levels = 2 if 2 * tau * (1 + 1e-9) < 1 - float(target.eta) else 0
    else:
        levels = int(min(MOST_LEVELS, 1 + below(1 / (2 * (float(target.eta) + tau)))))
    if levels < 2:
        raise NoInstance(
            f"answers do not tell two levels of a value apart where the other {n_keys - 1:,} keys, of coherence "
            f"{float(mu):.3f}, may weigh {tau:.2g} of a read",
            "smaller errors are nearer to one that does" if tau < HALF else "fewer tokens are nearer to one that does",
        )
    payload = {
        "precision": PRECISION_BITS,
        "keys": keys,
        "coherence": str(max(mu, Fraction(0))),
        "multiplier": str(target.multiplier),
        "levels": levels,
    }
    bits = target.n_tokens * target.d * float(fano_bits(levels, float(target.delta)))
    return Design(bits, payload)


@lru_cache(maxsize=8)
def _public_keys(n: int, d: int) -> tuple[dict[str, Any], Fraction]:
    """The best public keys of n tokens in R^d, as the kernel reads them, and their coherence; errors as best_family."""
    family = best_family(n, d)
    bound, keys = family.coherence_bound(n, d), made_keys(family.name, n, d, 0)
    return described(keys.rows), keys.coherence if bound is None else bound


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
