"""The dimension of the space of a token's first-layer values: that of its content, plus one for the layer norm.

Before the norm a token is x = p + W c, with p from its place and c its content. The norm subtracts the mean and divides
by a number, so that a value is W_V b + (u + U c) / r(c), r(c) = sqrt(var(x) + eps). Up to the shift by the bias this is
a point of the space that u and the columns of U span, so that the head's width cannot add a dimension.

Floats are rationals: u, U and r(c)^2 of a network are computed without rounding, and the rank of [u U] is exact. That
values really reach all of these dimensions is decided by a ball that excludes zero.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from flint import arb, fmpq, fmpq_mat
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.pyramid.ranks import beside, independent_columns, rank
from lowerbound.core.scalars import HIGHEST_PRECISION_BITS, precision
from lowerbound.core.threads import one_thread
from lowerbound.errors import Undecided, invalid
from lowerbound.var.simulator.block import NORM_EPS
from lowerbound.var.simulator.network import Network

Array = NDArray[Any]
N_SAMPLES = 500
"""The number of contents whose singular values are reported beside the exact dimension."""


@dataclass(frozen=True)
class ValueSpace:
    """The affine space of one token's values in the first layer, over all ids that reach it.

    Parameters
    ----------
    dimension : int
        Exact: dimension + 1 values of the network are affinely independent, and no more can be.
    content_dim, head_dim : int
        The dimension is at most min(head_dim, content_dim + 1).
    kept, next : float
        The singular values of rank `dimension` and `dimension` + 1 of the values of N_SAMPLES contents, in float64.
    """

    token: int
    head: int
    content_dim: int
    head_dim: int
    dimension: int
    kept: float
    next: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def exact_matrix(array: Array) -> fmpq_mat:
    """A matrix of floats as a matrix of rationals, without rounding."""
    rows, columns = np.atleast_2d(array).shape
    return fmpq_mat(rows, columns, [fmpq(*float(x).as_integer_ratio()) for x in array.ravel()])


def contents(network: Network, token: int, count: int, seed: int) -> Array:
    """Contents of a token of the second scale for `count` random ids, without repeats: (up to count, content_dim)."""
    rows = network.schedule.rows_of(1)
    if not rows.start <= token < rows.stop:
        raise invalid("token", f"be one of the second scale, {rows.start} to {rows.stop - 1}", token)
    decisions, alternatives = network.tokens.n_choices
    shape = count, network.schedule.map_size(0), decisions
    ids = Coins(seed, "var/affine/ids").below(alternatives, int(np.prod(shape))).reshape(shape)
    with one_thread():
        found = [network.tokens.reduced(network.tokens.contribution(some, 0), 1)[token - rows.start] for some in ids]
    _, first = np.unique(np.array(found), axis=0, return_index=True)
    different: Array = np.array(found)[np.sort(first)]
    return different


def value_space(network: Network, *, token: int | None = None, head: int = 0, seed: int = 0) -> ValueSpace:
    """The exact dimension of a token's values in one head of the first layer, conditional branch of condition 0.

    Contract: `dimension` is certain; Undecided where no precision separates a determinant from zero. A token outside
    the second scale, or a head that is not there, raises InvalidArgument.
    """
    if not 0 <= head < network.model.n_heads:
        raise invalid("head", f"lie in [0, {network.model.n_heads - 1}]", head)
    place = network.schedule.rows_of(1).start if token is None else token
    sampled = contents(network, place, N_SAMPLES, seed)
    d, width = network.model.head_dim, network.model.width
    branches = network.branches(0)
    modulation = network.modulations(branches)[0]
    rows = slice(2 * width + head * d, 2 * width + (head + 1) * d)
    own = [network.word.bias, network.levels[1]]
    if network.positions is not None:
        own.append(network.positions[place])
    lone = sum((exact_matrix(part[:, None]) for part in own), fmpq_mat(width, 1))
    words = _centred(beside([lone, exact_matrix(network.word.weight)]))
    gains = exact_matrix(1 + modulation.attention_scale[0]).entries()
    scaled = [words[row, column] * gains[row] for row in range(width) for column in range(words.ncols())]
    spanned = exact_matrix(network.blocks[0].qkv[rows]) * fmpq_mat(width, words.ncols(), scaled)
    dimension = rank(spanned)
    eps = fmpq(*float(network.dtype.type(NORM_EPS)).as_integer_ratio())
    _check_reached(spanned, words, exact_matrix(sampled[: 2 * dimension + 2]), dimension, eps)
    singular = _singular_values(
        network, sampled, sum(part.astype(np.float64) for part in own), modulation.attention_scale[0], rows
    )
    return ValueSpace(
        token=place,
        head=head,
        content_dim=network.tokens.content_dim,
        head_dim=d,
        dimension=dimension,
        kept=float(singular[dimension - 1]),
        next=float(singular[dimension]) if dimension < len(singular) else 0.0,
    )


def _centred(columns: fmpq_mat) -> fmpq_mat:
    """Columns minus their means, which is the first step of a layer norm."""
    n = columns.nrows()
    means = fmpq_mat(1, n, [fmpq(1, n)] * n) * columns
    return columns - fmpq_mat(n, 1, [1] * n) * means


def _check_reached(spanned: fmpq_mat, words: fmpq_mat, codes: fmpq_mat, dimension: int, eps: fmpq) -> None:
    """Raise Undecided unless dimension + 1 of these contents give affinely independent values.

    Point i is m_i / r_i with m_i = [u U] (1, c_i). Points are affinely independent if and only if the rows (r_i, m_i)
    are independent; for m_i, `dimension` coordinates that determine the others suffice. Choose `dimension` independent
    m_i, and write one further m as their combination sum l_i m_i. The rows are then independent if and only if the r of
    that further point differs from sum l_i r_i.
    """
    n = codes.nrows()
    lifted = beside([fmpq_mat(n, 1, [1] * n), codes]).transpose()
    points = (spanned * lifted).transpose()
    chosen = independent_columns(spanned.transpose())
    m = fmpq_mat(n, len(chosen), [points[i, j] for i in range(n) for j in chosen])
    top = independent_columns(m.transpose())
    others = [i for i in range(n) if i not in set(top)]
    if not (len(chosen) == len(top) == dimension and others):
        raise Undecided(f"the values of {n} contents do not span {dimension} dimensions: try another seed")
    left = others[0]
    basis = fmpq_mat(dimension, dimension, [m[i, j] for i in top for j in range(dimension)])
    combination = basis.transpose().solve(fmpq_mat(dimension, 1, [m[left, j] for j in range(dimension)])).entries()
    squares = _mean_squares(words * lifted)
    bits = 128
    while bits <= HIGHEST_PRECISION_BITS:
        with precision(bits):
            roots = [arb(square + eps).sqrt() for square in squares]
            total = roots[left] - sum((arb(x) * roots[i] for x, i in zip(combination, top, strict=True)), arb(0))
            if not total.contains(0):
                return
        bits *= 2
    raise Undecided(f"{HIGHEST_PRECISION_BITS} bits do not tell a determinant of square roots from zero")


def _mean_squares(columns: fmpq_mat) -> list[fmpq]:
    """The mean square of every column, computed over one common denominator because sums of fractions are slow."""
    integers, denominator = columns.numer_denom()
    height, numbers = integers.nrows(), integers.transpose().entries()
    starts = range(0, len(numbers), height)
    return [fmpq(sum(x * x for x in numbers[i : i + height]), denominator**2 * height) for i in starts]


def _singular_values(network: Network, sampled: Array, lone: Array, scale: Array, rows: slice) -> Array:
    """Singular values of the matrix of sampled contents' values minus their mean, in float64."""
    x = lone + sampled.astype(np.float64) @ network.word.weight.T.astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    x /= np.sqrt((x**2).mean(axis=1, keepdims=True) + NORM_EPS)
    values = (x * (1 + scale.astype(np.float64))) @ network.blocks[0].qkv[rows].T.astype(np.float64)
    singular: Array = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
    return singular
