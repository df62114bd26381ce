"""Many vectors that attention can tell apart: their pairwise cosines stay under a number, checked in integers.

Two forms. Integer rows: one product of long integers gives the inner products of a row with all rows. Sign vectors that
are the words of a few cosets of a binary linear code: the weights of the code's words and of the sums of two coset
leaders with them give all distances.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from math import isqrt
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, shown, typed

MOST_ROWS = 2**16
MOST_ENTRIES = 2**20
LARGEST_ENTRY = 2**16
MOST_WORDS = 2**23
MOST_DIMENSION = 22


def check_separated(value: Any, n: int, width: int, coherence: Fraction) -> None:
    """Raise Rejected unless the value describes at least n vectors of this width with cosines <= coherence.

    Contract: returns only if there are n nonzero vectors in R^width, any two of which have <u, v> <= coherence |u| |v|;
    the coherence lies in [0, 1).
    """
    if not 0 <= coherence < 1:
        raise Rejected(f"the coherence must lie in [0, 1), got {coherence}")
    table = typed(value, dict, "the vectors")
    if "rows" in table:
        (rows,) = fields(table, "the vectors", "rows")
        _check_rows(rows, n, width, coherence)
    else:
        length, basis, cosets = fields(table, "the vectors", "length", "basis", "cosets")
        _check_signs(integer(length, "the length", 1, width), basis, cosets, n, coherence)


def _check_rows(value: Any, n: int, width: int, coherence: Fraction) -> None:
    listed = typed(value, list, "the rows")
    if not n <= len(listed) <= MOST_ROWS or len(listed) * width > MOST_ENTRIES:
        raise Rejected(f"there must be {n} to {MOST_ROWS} rows and {MOST_ENTRIES} entries, got {len(listed)} rows")
    rows = []
    for row in listed:
        if len(typed(row, list, "a row")) != width:
            raise Rejected(f"a row must have the length {width}, got {len(row)}")
        rows.append([integer(entry, "an entry", -LARGEST_ENTRY, LARGEST_ENTRY) for entry in row])
    norms = [sum(entry * entry for entry in row) for row in rows]
    if min(norms) == 0:
        raise Rejected("a row must not be zero")
    # Lane j of a long integer holds 2^(bits - 1) + limit - <row, row_j>, with 2^(bits - 1) over twice every norm: its
    # highest bit is set exactly if <row, row_j> <= limit.
    n_bytes = (2 * max(norms)).bit_length() // 8 + 1
    bits = 8 * n_bytes
    ones = int.from_bytes((1).to_bytes(n_bytes, "little") * len(rows), "little")
    highest = ones << bits - 1
    columns = [_lanes([row[k] for row in rows], n_bytes, ones) for k in range(width)]
    for i, (row, norm) in enumerate(zip(rows, norms, strict=True)):
        limit = isqrt(coherence.numerator**2 * norm * min(norms) // coherence.denominator**2)
        products = sum(entry * column for entry, column in zip(row, columns, strict=True))
        below = (highest + ones * limit - products) & highest
        if below | 1 << bits * i + bits - 1 != highest:
            raise Rejected(f"row {i} has a cosine over {coherence} with another row")


def _lanes(entries: list[int], n_bytes: int, ones: int) -> int:
    """The integer whose lane j (of n_bytes bytes) holds entry j: sum_j entry_j 2^(8 n_bytes j), of either sign."""
    shift = max(0, -min(entries))
    return int.from_bytes(b"".join((x + shift).to_bytes(n_bytes, "little") for x in entries), "little") - shift * ones


def _word(value: Any, length: int) -> int:
    if type(value) is not str or not re.fullmatch(r"[0-9a-f]+", value) or len(value) != -(-length // 4):
        raise Rejected(f"a word of {length} bits must have {-(-length // 4)} hex digits, got {shown(value)}")
    word = int(value, 16)
    if word >> length:
        raise Rejected(f"a word must have {length} bits, got {shown(value)}")
    return word


def _span(basis: list[int]) -> Iterator[int]:
    """Every sum of basis words; Gray code order changes one basis word at a time, so that each costs one XOR."""
    word = 0
    yield word
    for count in range(1, 1 << len(basis)):
        word ^= basis[(count & -count).bit_length() - 1]
        yield word


def _check_signs(length: int, basis: Any, cosets: Any, n: int, coherence: Fraction) -> None:
    words = [_word(each, length) for each in typed(basis, list, "the basis")]
    leaders = [_word(each, length) for each in typed(cosets, list, "the cosets")]
    n_pairs = len(leaders) * (len(leaders) + 1) // 2
    if len(words) > MOST_DIMENSION or n_pairs << len(words) > MOST_WORDS:
        raise Rejected(f"the code exceeds the limit of {MOST_WORDS} words")
    if not n <= len(leaders) << len(words):
        raise Rejected(f"there must be {n} words, got {len(leaders) << len(words)}")
    # <u, v> = length - 2 distance <= coherence * length
    least = -(-(1 - coherence) * length // 2)
    shifts = {left ^ right for k, left in enumerate(leaders) for right in leaders[:k]}
    for count, word in enumerate(_span(words)):
        if count and word.bit_count() < least:
            raise Rejected(f"two words of a coset have a cosine over {coherence}")
        for shift in shifts:
            if (word ^ shift).bit_count() < least:
                raise Rejected(f"words of two cosets have a cosine over {coherence}")
