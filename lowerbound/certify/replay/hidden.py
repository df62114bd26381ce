"""Where the numbers of `proofs/coq/Var256Fibres.v` come from: equations of f_hat that are nearly integral.

A change of ids that f_hat does not show solves linear equations with rational coefficients. A combination of them whose
coefficients are integers, up to a remainder that is less than 1 on all short vectors, is 0 on them in its integer part:
that is one more equation. One such combination for each vector of a reduced basis of the dual lattice makes short
vectors constant on every map. Nothing here is trusted: Coq computes the remainders again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from flint import fmpq, fmpq_mat, fmpz_mat

from lowerbound.certify.replay.amplification import fraction
from lowerbound.certify.replay.fibres import saturated_kernel
from lowerbound.core.pyramid.resampling import exact

UNIT = 2**17
"""All bicubic weights from the sides of VAR-256 to 16 are integers over this."""
SCALE = 2**16
"""The combinations are rounded to integers over this."""
PRECISION = 2**60
SLACK = 2**400

Parity = tuple[int, int]
"""1 for maps that are even along an axis, -1 for odd ones."""


def _reach(side: int, parity: int) -> list[int]:
    """The places of the first half of an axis; the middle one counts for even maps alone."""
    return [place for place in range(side) if 2 * place < side - (parity == -1)]


def _folded(side: int, full: int, parity: int) -> list[dict[int, int]]:
    """For each cell of the first half, the weight times UNIT of each place, with the mirror image of the place."""
    rows = []
    table = exact("bicubic", side, full).table()
    for line in table[: full // 2]:
        weights = [int(weight * UNIT) for weight in line]
        rows.append(
            {
                place: weights[place] + (parity * weights[side - 1 - place] if 2 * place != side - 1 else 0)
                for place in _reach(side, parity)
            }
        )
    return rows


def equations(sides: tuple[int, ...], full: int, parity: Parity) -> fmpz_mat:
    """The equations of a change of this parity, one row per cell of a quarter of f_hat, times UNIT^2.

    Unknowns are the entries of a quarter of each map. Of changes that are even along both axes, the first unknown is
    the sum of the first entries of all maps, and these are subtracted from the others.
    """
    half = full // 2
    columns: list[list[int]] = []
    if parity == (1, 1):
        columns.append([UNIT**2] * half**2)
    for side in sides:
        down, across = (_folded(side, full, sign) for sign in parity)
        for p in _reach(side, parity[0]):
            for q in _reach(side, parity[1]):
                if parity != (1, 1) or (p, q) != (0, 0):
                    columns.append([down[i][p] * across[j][q] for i in range(half) for j in range(half)])
    return fmpz_mat(len(columns), half**2, [x for column in columns for x in column]).transpose()


def nearly_integral(sides: tuple[int, ...], full: int, parity: Parity) -> list[list[int]]:
    """One combination of the equations, in coefficients over SCALE, for each vector of a reduced dual basis.

    Contract: deterministic; what is claimed of the combinations is judged by Coq, not here.
    """
    system = equations(sides, full, parity)
    hidden = saturated_kernel(system)
    visible = saturated_kernel(hidden)
    rank, n = hidden.nrows(), hidden.ncols()
    dual = fmpq_mat(hidden * hidden.transpose()).inv() * fmpq_mat(hidden)
    rounded = fmpz_mat(rank, n, [int(entry * SLACK) for entry in dual.entries()])
    _, change = rounded.lll(True)
    short = fmpq_mat(change) * dual
    integers = change * _right_inverse(hidden)
    basis, whole = fmpq_mat(visible), fmpq_mat(system)
    solve = (basis * whole.transpose() * whole * basis.transpose()).inv() * basis
    reduced = _reducer(visible)
    found = []
    for row in range(rank):
        nearest = reduced([int(integers[row, j]) for j in range(n)])
        wanted = fmpq_mat(n, 1, [short[row, j] - nearest[j] for j in range(n)])
        exact_ones = whole * (basis.transpose() * (solve * wanted)) * fmpq(UNIT**2)
        found.append([_rounded(fraction(x) * SCALE) for x in exact_ones.entries()])
    return found


def _rounded(value: Fraction) -> int:
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _right_inverse(basis: fmpz_mat) -> fmpz_mat:
    """Integer rows, one per row of a saturated basis, with product 1 with it and 0 with the other rows."""
    rank, n = basis.nrows(), basis.ncols()
    table = basis.table()
    beside = [[*(int(table[j][i]) for j in range(rank)), *(int(i == k) for k in range(n))] for i in range(n)]
    form = fmpz_mat(n, rank + n, [x for row in beside for x in row]).hnf()
    return fmpz_mat(rank, n, [form[i, rank + j] for i in range(rank) for j in range(n)])


def _reducer(lattice: fmpz_mat) -> Callable[[list[int]], list[int]]:
    """Babai's rounding to the nearest plane, repeated until it changes nothing: a vector minus one of the lattice."""
    rows = [[int(x) for x in row] for row in lattice.table()]
    planes: list[tuple[list[Fraction], Fraction]] = []
    for row in rows:
        rest = [Fraction(x) for x in row]
        for plane, square in planes:
            share = _coarse(_product(row, plane) / square)
            rest = [_coarse(x - share * y) for x, y in zip(rest, plane, strict=True)]
        planes.append((rest, _product(rest, rest)))

    def reduced(vector: list[int]) -> list[int]:
        moved = True
        while moved:
            moved = False
            for row, (plane, square) in zip(reversed(rows), reversed(planes), strict=True):
                if times := _rounded(_product(vector, plane) / square):
                    vector = [x - times * y for x, y in zip(vector, row, strict=True)]
                    moved = True
        return vector

    return reduced


def _product(one: Sequence[int | Fraction], other: Sequence[Fraction]) -> Fraction:
    return sum((x * y for x, y in zip(one, other, strict=True)), Fraction(0))


def _coarse(value: Fraction) -> Fraction:
    return Fraction(int(value * PRECISION), PRECISION)
