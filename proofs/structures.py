"""Structure priors: how many members each class has, and that they lie so far apart that Bob tells them apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np

from lowerbound.certify.structures import attention_leak
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model, models
from lowerbound.core.priors.basis import basis, order_of
from lowerbound.core.priors.columns import LiveColumnsPrior
from lowerbound.core.priors.groups import BlocksPrior, ClustersPrior
from lowerbound.core.priors.plain import (
    ScaleWindowPrior,
    SparseAttentionPrior,
    SpatialLocalityPrior,
    TokenWindowPrior,
    cells_above,
)
from lowerbound.core.priors.prior import IntArray, Prior
from lowerbound.core.priors.pyramid import PyramidDetailPrior
from lowerbound.core.priors.rows import LowRankPrior, SparseCoefficientsPrior, SparseRowsPrior
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.structured import plan_structured
from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import ByKernel, BySolvers, Lemma, Statement, Use, computation

ONE, TWO, FIVE = (ScaleSchedule.square(sides) for sides in ([1, 1], [1, 1, 1], [1, 2, 2]))
OBLONG = ScaleSchedule.parse("1x1 1x2 2x2", n_context=1)


def readings(prior: Prior, word: tuple[int, ...]) -> IntArray:
    """What attention without leakage reads of a member: integers, over (levels - 1) times the lcm of tokens per key."""
    values = prior.values(np.array(word))
    levels = prior.n_value_levels - 1
    entries = (values * levels).astype(np.int64)
    assert (entries == values * levels).all(), "an entry is no level"
    sizes = np.bincount(prior.key_of)
    sums = np.zeros((len(sizes), prior.d), dtype=np.int64)
    np.add.at(sums, prior.key_of, entries)
    return sums * (math.lcm(*sizes.tolist()) // sizes)[:, None]


def told_apart(*priors: Prior) -> Callable[[], int]:
    """A check that enumerates these classes: their sizes are as counted, and members are pairwise 2 margin apart."""

    def members_lie_apart() -> int:
        pairs = 0
        for prior in priors:
            words = list(product(*(range(g.n_levels) for g in prior.groups for _ in range(g.count))))
            assert len(words) == prior.size
            members = np.stack([readings(prior, word).ravel() for word in words])
            unit = (prior.n_value_levels - 1) * math.lcm(*np.bincount(prior.key_of).tolist())
            for place in range(len(members) - 1):
                nearest = int(np.abs(members[place + 1 :] - members[place]).max(axis=1).min())
                assert Fraction(nearest, unit) >= 2 * prior.margin, (prior.name, words[place])
                pairs += len(members) - 1 - place
        return pairs

    return members_lie_apart


def basis_rows_are_read() -> int:
    """In integers B B^T = m I, and each row has sum of |entries| m; then |<B_j, e>| <= m max |e|, by Hoelder."""
    # Floats multiply far faster than integers, and here exactly: every partial sum is an integer of at most 1024.
    dimensions = [*(2**k for k in range(11)), 6, 12, 96, 100, 104, 112, 120]
    for d in dimensions:
        rows, order = basis(d), order_of(d)
        assert np.abs(rows).max() == 1, d
        exact = rows.astype(np.float64)
        assert (exact @ exact.T == order * np.eye(d)).all(), d
        assert (np.abs(rows).sum(axis=1) == order).all(), d
    return len(dimensions)


def every_cell_is_above_a_query() -> int:
    """On all squares h <= n <= 40, and on every pyramid of the catalogue, every cached cell is above some query."""
    cases = 0
    for n in range(1, 41):
        for h in range(1, n + 1):
            above = cells_above(ScaleSchedule.square([h, n]), 1, 0)
            assert set(above.tolist()) == set(range(h * h)), (h, n)
            cases += 1
    for model in models():
        prior = SpatialLocalityPrior.of(model.visible_schedule, model.head_dim)
        seen = np.zeros(prior.n_tokens, dtype=bool)
        for run in prior.runs():
            seen[run] = True
        assert seen.all(), model.name
        cases += 1
    return cases


def rows_of_attention_are_one_hot() -> int:
    """On VAR-256's instance at lambda = 100, every row puts all but 10^-30 of its weight on one token: Arb balls."""
    model = find_model("var-d16")
    family = plan_structured(Geometry.of(model), SparseAttentionPrior)
    leak = attention_leak(family.keys, family.prior.n_tokens, family.multiplier)
    assert leak < Fraction(1, 10**30), leak
    assert family.multiplier == 100
    return family.prior.n_tokens


CELL, CELLS, QUERIES, QUERY = variables("i h n p")
COVER = Statement(
    {
        "at or after the corner": CELL * QUERIES <= QUERY * CELLS,
        "the first such query": QUERY * CELLS < CELL * QUERIES + CELLS,
        "the last map is no coarser": CELLS <= QUERIES,
    },
    QUERY * CELLS < (CELL + 1) * QUERIES,
)

PUBLIC_BASIS_WORDS = (
    "Sylvester's matrix of order m, repeated along the diagonal, has orthogonal rows with m entries +-1. So if "
    "every entry of x is off by at most e, then so is every coefficient m^-1 <B_j, x>."
)
PUBLIC_BASIS_RANGE = "finite list: orders 1 to 1024, and the head dimensions of the catalogue that are no power of two"

BASIS = Lemma(
    id="public_basis",
    words=PUBLIC_BASIS_WORDS,
    range=PUBLIC_BASIS_RANGE,
    discharges=(computation(PUBLIC_BASIS_WORDS, PUBLIC_BASIS_RANGE, basis_rows_are_read),),
)

COVERED = Lemma(
    id="locality_covers",
    words="If query p is the first with p h >= i n, then it lies before the end of cell i. So each of the h cells of a "
    "side is above one of n >= h queries.",
    range="all reals",
    discharges=(
        BySolvers(COVER, needed=("the first such query", "the last map is no coarser")),
        ByKernel("handelman", polynomial_claim(COVER)),
    ),
)


def _prior(kind: type[Prior], words: str, range_: str, check: Callable[[], int], *uses: str) -> Lemma:
    used = tuple(Use(lemma) for lemma in ("classes_of_values", *uses))
    return Lemma(id=kind.lemma, words=words, range=range_, discharges=(computation(words, range_, check),), uses=used)


ALL = "finite list of small classes, each enumerated; the closed form for all sizes is the product of its groups"

LEMMAS = (
    BASIS,
    COVERED,
    _prior(
        TokenWindowPrior,
        "If queries see only the last W cached tokens, the class has 2^(W d) members, and any two of them differ by 1 "
        "in some entry.",
        ALL,
        told_apart(TokenWindowPrior(FIVE, 2, 2), TokenWindowPrior(FIVE, 1, 5), TokenWindowPrior(OBLONG, 2, 3)),
        "additive_values",
    ),
    _prior(
        ScaleWindowPrior,
        "If queries see only the last maps, the class has 2^(W d) members, where W is the number of tokens of those "
        "maps.",
        ALL,
        told_apart(ScaleWindowPrior(FIVE, 2, 1), ScaleWindowPrior(OBLONG, 2, 1), ScaleWindowPrior(OBLONG, 1, 2)),
        "additive_values",
    ),
    _prior(
        SpatialLocalityPrior,
        "If each query sees only the cell above its own on every map, every cached token is still seen by some query, "
        "so that the class has all 2^(T d) members: locality alone does not lower the floor.",
        "finite list: sides h <= n <= 40, and the pyramid of every model of the catalogue",
        every_cell_is_above_a_query,
        "locality_covers",
    ),
    _prior(
        SparseAttentionPrior,
        "The hard instance has attention rows with all but 10^-30 of their weight on one token, and 2^(T d) members: "
        "sparse attention alone does not lower the floor.",
        "one case: VAR-256's keys, d = 64, lambda = 100",
        rows_of_attention_are_one_hot,
        "softmax_gap",
    ),
    _prior(
        SparseRowsPrior,
        "There are sum_(w <= s) C(d, w) rows of the form 1/2 + (1/2s) times a sum of at most s rows of a public basis, "
        "and any two of them differ by at least 1/(2s) in some entry.",
        ALL,
        told_apart(
            SparseRowsPrior(TWO, 4, 2),
            SparseRowsPrior(ONE, 8, 2),
            SparseRowsPrior(ONE, 6, 4),
            SparseRowsPrior(FIVE, 2, 1),
        ),
        "public_basis",
    ),
    _prior(
        SparseCoefficientsPrior,
        "If each of the at most s rows of the public basis has a factor 1/A, 2/A, ..., or 1, there are sum_(w <= s) "
        "C(d, w) A^w rows, and any two of them differ by at least 1/(2sA) in some entry.",
        ALL,
        told_apart(
            SparseCoefficientsPrior(ONE, 4, 2, 1),
            SparseCoefficientsPrior(ONE, 6, 2, 2),
            SparseCoefficientsPrior(TWO, 2, 1, 2),
        ),
        "public_basis",
    ),
    _prior(
        LowRankPrior,
        "There are 2^r rows of the form 1/2 + (1/2r) times a sum of r public rows with signs, and any two of them "
        "differ by at least 1/(2r) in some entry.",
        ALL,
        told_apart(LowRankPrior(TWO, 4, 4), LowRankPrior(FIVE, 4, 2), LowRankPrior(ONE, 8, 8)),
        "public_basis",
    ),
    _prior(
        LiveColumnsPrior,
        "There are C(d, c) 2^((T-1) c) matrices of 0 and 1 with c live columns, all of which the first row marks by 1.",
        ALL,
        told_apart(LiveColumnsPrior(TWO, 4, 2), LiveColumnsPrior(FIVE, 3, 2), LiveColumnsPrior(TWO, 6, 3)),
    ),
    _prior(
        BlocksPrior,
        "There are 2^(B d) matrices of 0 and 1 that are constant on each of B blocks of cells.",
        ALL,
        told_apart(
            BlocksPrior(FIVE, 3, 2), BlocksPrior(OBLONG, 2, 2), BlocksPrior(ScaleSchedule.square([1, 3, 3]), 2, 2)
        ),
    ),
    _prior(
        ClustersPrior,
        "If n_j tokens share key j, attention reads only the mean of their values. The readings of all 0/1 values "
        "number prod_j (n_j + 1)^d, and any two of them are at least 1/max n_j apart.",
        ALL,
        told_apart(ClustersPrior(FIVE, 2, 2), ClustersPrior(FIVE, 1, 3), ClustersPrior(OBLONG, 2, 2)),
    ),
    _prior(
        PyramidDetailPrior,
        "There are prod_k (sum_(w <= s_k) C(m_k, w))^d matrices of 0 and 1 in which each channel differs from the map "
        "before in at most s_k of the m_k cells of map k.",
        ALL,
        told_apart(PyramidDetailPrior(FIVE, 2, 64), PyramidDetailPrior(FIVE, 1, 2), PyramidDetailPrior(OBLONG, 2, 64)),
    ),
)
