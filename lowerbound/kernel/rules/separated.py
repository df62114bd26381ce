"""Many vectors that attention can tell apart: their pairwise cosines stay under a number, checked in integers.

Integer rows: one product of long integers gives the inner products of a row with all rows. Sign vectors that are the
words of a few cosets of a binary linear code: the weights of the code's words and of the sums of two coset leaders with
them give all distances. Or a shell, all vectors of one norm in the lattice that a binary linear code makes, which are
counted; how far apart they are is the lemma `code_shell` of the proof book.
"""

from __future__ import annotations

import itertools
from collections import Counter
from fractions import Fraction
from math import isqrt
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, read_word, shown, typed

MOST_ROWS = 2**16
MOST_ENTRIES = 2**20
LARGEST_ENTRY = 2**16
MOST_WORDS = 2**21
MOST_DIMENSION = 20
MOST_SHIFT_BITS = 2**24
MOST_SHELL = 32
"""The longest vectors of a shell, and their largest squared norm."""
MOST_PRODUCT_BYTES = 2**34
BLOCKS = 16


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
    elif "norm" in table:
        length, basis, norm = fields(table, "the vectors", "length", "basis", "norm")
        _check_shell(length, basis, norm, n, width, coherence)
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
    if sum(map(bool, itertools.chain.from_iterable(rows))) * len(rows) * n_bytes > MOST_PRODUCT_BYTES:
        raise Rejected(f"{len(rows)} rows of {width} entries exceed the limit of work")
    if len(set(norms)) * coherence.denominator.bit_length() > MOST_SHIFT_BITS:
        raise Rejected("a coherence of so many digits is not compared with rows of so many norms")
    lift = max(0, -min(map(min, rows)))
    ones = int.from_bytes((1).to_bytes(n_bytes, "little") * len(rows), "little")
    highest = ones << bits - 1
    square, least = coherence**2, min(norms)
    limits = {norm: isqrt(square.numerator * norm * least // square.denominator) for norm in set(norms)}
    columns = [b"".join((row[k] + lift).to_bytes(n_bytes, "little") for row in rows) for k in range(width)]
    step = -(-len(rows) // BLOCKS)
    for start in range(0, len(rows), step):  # each block meets the rows from its own first on
        lanes = [int.from_bytes(column[n_bytes * start :], "little") for column in columns]
        ones, highest = ones & (1 << bits * (len(rows) - start)) - 1, highest & (1 << bits * (len(rows) - start)) - 1
        for i, row in enumerate(rows[start : start + step]):
            below = highest + ones * (limits[norms[start + i]] + lift * sum(row))
            for entry, lane in zip(row, lanes, strict=True):
                if entry == -1:
                    below += lane
                elif entry:
                    below -= lane if entry == 1 else entry * lane
            if below & highest | 1 << bits * i + bits - 1 != highest:
                raise Rejected(f"row {start + i} has a cosine over {shown(str(coherence))} with another row")


def _span(basis: list[int]) -> list[int]:
    """Every sum of basis words, first the empty one."""
    words = [0]
    for each in basis:
        words += [word ^ each for word in words]
    return words


def _check_signs(length: int, basis: Any, cosets: Any, n: int, coherence: Fraction) -> None:
    words = [read_word(each, length) for each in typed(basis, list, "the basis")]
    leaders = [read_word(each, length) for each in typed(cosets, list, "the cosets")]
    n_pairs = len(leaders) * (len(leaders) + 1) // 2
    many = len(words) > MOST_DIMENSION or n_pairs << len(words) > MOST_WORDS
    if many or n_pairs * length > MOST_SHIFT_BITS:
        raise Rejected(f"the code exceeds the limit of {MOST_WORDS} words")
    if not n <= len(leaders) << len(words):
        raise Rejected(f"there must be {n} words, got {len(leaders) << len(words)}")
    # <u, v> = length - 2 distance <= coherence * length
    least = -(-(1 - coherence) * length // 2)
    shifts = {left ^ right for k, left in enumerate(leaders) for right in leaders[:k]}
    span = _span(words)
    if min(map(int.bit_count, span[1:]), default=length) < least:
        raise Rejected(f"two words of a coset have a cosine over {coherence}")
    if any(min(map(int.bit_count, map(shift.__xor__, span))) < least for shift in shifts):
        raise Rejected(f"words of two cosets have a cosine over {coherence}")


def _check_shell(size: Any, basis: Any, square: Any, n: int, width: int, coherence: Fraction) -> None:
    length = integer(size, "the length", 1, min(width, MOST_SHELL))
    norm = integer(square, "the squared norm", 1, MOST_SHELL)
    words = [read_word(each, length) for each in typed(basis, list, "the basis")]
    if len(words) > MOST_DIMENSION:
        raise Rejected(f"the code exceeds the limit of {1 << MOST_DIMENSION} words")
    weights = Counter(word.bit_count() for word in _span(words))
    if weights[0] > 1:
        raise Rejected("the basis of a shell must be independent")
    # The difference of two vectors has a squared norm of at least 8, or the least weight of the code.
    if 2 * norm * (1 - coherence) > min((8, *filter(None, weights))):
        raise Rejected(f"vectors of a shell may have a cosine over {coherence}")
    found = sum(many * _n_vectors(length, weight, norm) for weight, many in weights.items())
    if found < n:
        raise Rejected(f"there must be {n} vectors, got {found}")


def _n_vectors(length: int, n_odd: int, norm: int) -> int:
    """How many integer vectors of this squared norm are odd in the first places alone, with a sum that 4 divides."""
    ways = Counter({(0, 0): 1})
    for place in range(length):
        longer: Counter[tuple[int, int]] = Counter()
        for (square, total), many in ways.items():
            most = isqrt(norm - square)
            for entry in range(-most, most + 1):
                if entry % 2 == (place < n_odd):
                    longer[square + entry * entry, (total + entry) % 4] += many
        ways = longer
    return ways[norm, 0]
