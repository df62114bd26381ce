"""How much a left inverse amplifies noise: linear programs propose it in floats, and rational arithmetic decides.

For a matrix a of full column rank, kappa(a) = max over p of min{ |l|_1 : l^T a = e_p^T } is the least sup-norm gain of
any left inverse, and 1/kappa = min{ |a h| : |h| = 1 }, both in the sup norm. Of a Kronecker product it is the product.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations, islice
from math import comb

import numpy as np
from flint import fmpq, fmpq_mat

from lowerbound.certify.kept import proposed
from lowerbound.core.pyramid.resampling import FloatArray, Resampling, exact
from lowerbound.core.scalars import counted
from lowerbound.errors import ImpossibleReduction

MOST_SUBSETS = 20_000
"""Up to this many square subsets of rows are all tried; if there are more, a greedy choice is improved by exchanges."""
MOST_GREEDY_ROWS = 48
CLEARLY = 1e-9
WRONG = 1e-6
LARGEST_DENOMINATOR = 10**5
TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


@dataclass(frozen=True)
class Amplification:
    """A left inverse of one axis and its exact gain.

    `supports[p]` lists the matrix rows that row p of the left inverse uses; they determine that row. `kappa` is the
    largest sum of absolute values in a row of the left inverse. `is_least` says that an exact vector h proves that no
    left inverse has a smaller kappa; `h` is then that vector: |a h| <= 1 while |h| = kappa.
    """

    kappa: Fraction
    supports: tuple[tuple[int, ...], ...]
    is_least: bool
    h: tuple[Fraction, ...] | None

    @property
    def rows(self) -> tuple[int, ...]:
        """Every row that is used."""
        return tuple(sorted(set().union(*self.supports)))


def floats_of(matrix: fmpq_mat) -> FloatArray:
    """The matrix in float64."""
    entries = [int(x.p) / int(x.q) for x in matrix.entries()]
    return np.array(entries).reshape(matrix.nrows(), matrix.ncols())


@lru_cache(maxsize=1024)
def passed(resampling: Resampling, n: int, n_next: int, n_last: int) -> fmpq_mat:
    """The exact matrix of one axis that enlarges n codes to n_last cells and reduces these to n_next cells."""
    return exact(resampling.down, n_last, n_next) * exact(resampling.up, n, n_last)


def left_inverse(matrix: fmpq_mat, supports: tuple[tuple[int, ...], ...]) -> fmpq_mat:
    """The left inverse whose row p lies on supports[p]; rows that do not determine it raise ImpossibleReduction."""
    n = matrix.ncols()
    inverse = fmpq_mat(n, matrix.nrows())
    solved: dict[tuple[int, ...], fmpq_mat] = {}
    for p, support in enumerate(supports):
        if support not in solved:
            solved[support] = _inverse(matrix, support)
        for place, row in enumerate(support):
            inverse[p, row] = solved[support][p, place]
    return inverse


def _inverse(matrix: fmpq_mat, support: tuple[int, ...]) -> fmpq_mat:
    n = matrix.ncols()
    if len(support) == n:
        try:
            return fmpq_mat(n, n, [matrix[row, column] for row in support for column in range(n)]).inv()
        except ZeroDivisionError:
            pass
    raise ImpossibleReduction(f"rows {list(support)} do not determine {n} codes")


def fraction(value: fmpq) -> Fraction:
    """The same number as a Fraction."""
    return Fraction(int(value.p), int(value.q))


def row_sums(matrix: fmpq_mat) -> list[fmpq]:
    """The sum of absolute values of every row."""
    n = matrix.ncols()
    entries = matrix.entries()
    return [sum((abs(x) for x in entries[i * n : i * n + n]), fmpq(0)) for i in range(matrix.nrows())]


def least(matrix: fmpq_mat) -> Amplification:
    """The left inverse with the least gain that linear programs find, over all rows.

    Contract: kappa is the exact gain of a left inverse; if `is_least`, no left inverse has a smaller gain. A matrix
    without full column rank raises ImpossibleReduction.
    """
    question = {"rows": matrix.nrows(), "entries": [str(x) for x in matrix.entries()]}
    found: Amplification = proposed(
        "a left inverse of least gain", question, lambda: _least(matrix), lambda told: _amplified(matrix, *told)
    )
    return found


def _amplified(matrix: fmpq_mat, listed: list[list[int]], candidates: list[list[str]]) -> Amplification:
    """The exact gain of the left inverse on these supports, with the first vector h that proves it the least."""
    supports = tuple(map(tuple, listed))
    sums = row_sums(left_inverse(matrix, supports))
    p = max(range(matrix.ncols()), key=lambda q: sums[q])
    for entries in candidates:
        h = fmpq_mat(matrix.ncols(), 1, [fmpq(*map(int, entry.split("/"))) for entry in entries])
        if h[p, 0] == sums[p] and all(abs(x) <= 1 for x in (matrix * h).entries()):
            return Amplification(fraction(sums[p]), supports, True, tuple(map(fraction, h.entries())))
    return Amplification(fraction(sums[p]), supports, False, None)


def _least(matrix: fmpq_mat) -> tuple[list[list[int]], list[list[str]]]:
    """Supports that linear programs find, and vectors h of which one may prove that no gain is less."""
    from scipy.optimize import linprog

    a = floats_of(matrix)
    n_rows, n = a.shape
    if n > n_rows or np.linalg.matrix_rank(a) < n:
        raise ImpossibleReduction(f"{counted(n_rows, 'row')} cannot determine {counted(n, 'code')}")
    supports, proposals = [], []
    for p in range(n):
        # max h_p subject to |a h| <= 1; the multipliers of its constraints are the row l
        both, ones = np.vstack([a, -a]), np.ones(2 * n_rows)
        best = linprog(-np.eye(n)[p], both, ones, bounds=(None, None), method="highs-ds", options=TOLERANCES)
        weights = best.ineqlin.marginals[n_rows:] - best.ineqlin.marginals[:n_rows]
        reach = a @ best.x
        tight = np.flatnonzero(np.abs(reach) > 1 - CLEARLY)
        order = tight[np.argsort(-np.abs(weights[tight]), kind="stable")]
        supports.append(_independent(a, [int(row) for row in order]))
        proposals.append((best.x, {row: int(np.sign(reach[row])) for row in supports[-1]}))
    sums = row_sums(left_inverse(matrix, tuple(supports)))
    p = max(range(n), key=lambda q: sums[q])
    near, signs = proposals[p]
    candidates = (_solved(matrix, supports[p], signs), _rounded(near))
    return [list(support) for support in supports], [[str(x) for x in h.entries()] for h in candidates]


def _independent(a: FloatArray, order: list[int]) -> tuple[int, ...]:
    """Independent rows that span all columns, taken in this order first and then, if needed, from the other rows."""
    chosen: list[int] = []
    basis = np.zeros((0, a.shape[1]))
    for row in [*order, *(row for row in range(len(a)) if row not in set(order))]:
        left = a[row] - basis.T @ (basis @ a[row])
        left -= basis.T @ (basis @ left)
        if np.linalg.norm(left) > CLEARLY * np.linalg.norm(a[row]):
            chosen.append(row)
            basis = np.vstack([basis, left / np.linalg.norm(left)])
        if len(chosen) == a.shape[1]:
            break
    return tuple(sorted(chosen))


def _solved(matrix: fmpq_mat, support: tuple[int, ...], signs: dict[int, int]) -> fmpq_mat:
    """The h with a h = the signs on the support."""
    n = matrix.ncols()
    part = fmpq_mat(n, n, [matrix[row, column] for row in support for column in range(n)])
    return part.solve(fmpq_mat(n, 1, [signs[row] for row in support]))


def _rounded(near: FloatArray) -> fmpq_mat:
    """The nearest rationals to these floats with a denominator of at most LARGEST_DENOMINATOR, as a column."""
    simple = [Fraction(float(x)).limit_denominator(LARGEST_DENOMINATOR) for x in near]
    return fmpq_mat(len(simple), 1, [fmpq(x.numerator, x.denominator) for x in simple])


def square(matrix: fmpq_mat) -> Amplification:
    """The left inverse with the least gain that the search finds among those on as many rows as columns.

    Contract: all ids use the same rows, and kappa is exact for them. With at most MOST_SUBSETS choices of rows, the
    choice is the best of all, up to rounding in floats.
    """
    n_rows, n = matrix.nrows(), matrix.ncols()
    if n > n_rows:
        raise ImpossibleReduction(f"{counted(n_rows, 'row')} cannot determine {counted(n, 'code')}")
    question = {"rows": n_rows, "entries": [str(x) for x in matrix.entries()]}
    found: Amplification = proposed(
        "the rows of a left inverse",
        question,
        lambda: list(_square(floats_of(matrix))),
        lambda rows: _amplified(matrix, [rows] * n, []),
    )
    return found


def _square(a: FloatArray) -> tuple[int, ...]:
    n_rows, n = a.shape
    if comb(n_rows, n) <= MOST_SUBSETS:
        return _best_of_all(a)
    starts = [_pivots(a), *([_greedy(a)] if n_rows <= MOST_GREEDY_ROWS else [])]
    ends = [_improved(a, start) for start in starts]
    return ends[_first_least(np.array([gain for gain, _ in ends]))][1]


def _gains(parts: FloatArray) -> FloatArray:
    """For each matrix the largest absolute row sum of its pseudo-inverse; infinite if that is no left inverse."""
    inverses = np.linalg.pinv(parts)
    wrong = np.abs(inverses @ parts - np.eye(parts.shape[2])).max((1, 2)) > WRONG
    gains: FloatArray = np.where(wrong, np.inf, np.abs(inverses).sum(2).max(1))
    return gains


def _first_least(gains: FloatArray) -> int:
    """The first of the places whose gain is clearly no more than any other.

    A row and its mirror image have equal gains, and rounding, which is not the same on every processor, would choose.
    """
    return int(np.flatnonzero(gains <= gains.min() * (1 + CLEARLY))[0])


def _best_of_all(a: FloatArray) -> tuple[int, ...]:
    best, rows = np.inf, tuple(range(a.shape[1]))
    subsets = combinations(range(len(a)), a.shape[1])
    while block := list(islice(subsets, 2048)):
        gains = _gains(a[np.array(block)])
        if gains.min() < best * (1 - CLEARLY):
            best, rows = float(gains.min()), block[_first_least(gains)]
    return rows


def _greedy(a: FloatArray) -> list[int]:
    """Leave out one row after the other, each time the row without which the gain is smallest."""
    rows = list(range(len(a)))
    while len(rows) > a.shape[1]:
        fewer = [[row for row in rows if row != out] for out in rows]
        gains = _gains(a[np.array(fewer)])
        rows = fewer[_first_least(gains)]
    return rows


def _pivots(a: FloatArray) -> list[int]:
    """The rows that elimination with pivoting takes first: always independent, if the matrix has full rank."""
    from scipy.linalg import qr

    earlier_is_longer = 1 - CLEARLY * np.arange(len(a))  # of rows of one length the first, not what rounding prefers
    _, _, order = qr(a.T * earlier_is_longer, mode="economic", pivoting=True)
    return sorted(int(row) for row in order[: a.shape[1]])


def _improved(a: FloatArray, rows: list[int]) -> tuple[float, tuple[int, ...]]:
    """Exchange one row for another as long as that lowers the gain; return the final gain and rows.

    With X the inverse and t = a_new X, exchanging row i for a new one changes X by -X_i (t - e_i) / t_i.
    """
    n = a.shape[1]
    while True:
        inverse = np.linalg.pinv(a[rows])
        gain = float(_gains(a[np.array([rows])])[0])
        best, exchange = gain, None
        for new in (row for row in range(len(a)) if row not in set(rows)):
            t = a[new] @ inverse
            out = np.flatnonzero(np.abs(t) > WRONG)
            steps = (t - np.eye(n)[out]) / t[out, None]
            gains = np.abs(inverse - inverse.T[out][:, :, None] * steps[:, None, :]).sum(2).max(1)
            if gains.min() < best * (1 - CLEARLY):
                best, exchange = float(gains.min()), (int(out[_first_least(gains)]), new)
        if exchange is None:
            return gain, tuple(rows)
        rows = sorted([*(row for place, row in enumerate(rows) if place != exchange[0]), exchange[1]])


def kept_columns(matrix: fmpq_mat, kept: tuple[int, ...]) -> fmpq_mat:
    """The matrix with these columns alone."""
    return fmpq_mat(matrix.nrows(), len(kept), [matrix[i, j] for i in range(matrix.nrows()) for j in kept])
