"""Truth here: classes of priors are as large as said, and members are told apart at the margin, and not beyond."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

from lowerbound.core.coins import Coins
from lowerbound.core.models import Model, find_model, models
from lowerbound.core.priors.basis import basis, order_of
from lowerbound.core.priors.columns import LiveColumnsPrior, Supports
from lowerbound.core.priors.groups import BlocksPrior, ClustersPrior, block_of
from lowerbound.core.priors.plain import ScaleWindowPrior, SpatialLocalityPrior, TokenWindowPrior, cells_above
from lowerbound.core.priors.prior import FloatArray, IntArray, Prior
from lowerbound.core.priors.pyramid import PyramidDetailPrior
from lowerbound.core.priors.rows import LowRankPrior, SparseCoefficientsPrior, SparseRowsPrior
from lowerbound.core.priors.table import PRIORS, find_prior, prior_from_json, prior_to_json
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument, UnknownName

TINY = ScaleSchedule.square([1, 2, 3])
VAR = find_model("var-d16").visible_schedule
WITH_PROMPT = ScaleSchedule.parse("1x1 2x3 4x5 6x8", n_context=3)
VIDEO = ScaleSchedule.parse("1x1x1 1x2x2 2x3x4 2x5x6")
PLACES = {"tiny": (TINY, 4), "var": (VAR, 64), "prompt": (WITH_PROMPT, 6), "video": (VIDEO, 12)}
CASES = [(name, place) for name in PRIORS for place in PLACES]


def drawn(prior: Prior, trial: int = 0) -> IntArray:
    """A uniform word."""
    parts = [Coins(trial, group.name).below(group.n_levels, group.count) for group in prior.groups]
    return np.concatenate(parts)


def read_by_attention(prior: Prior, values: FloatArray) -> FloatArray:
    """What a query for each token reads when nothing leaks: the mean of the tokens with its key."""
    sums = np.zeros((int(prior.key_of.max()) + 1, prior.d))
    np.add.at(sums, prior.key_of, values)
    rows: FloatArray = (sums / np.bincount(prior.key_of)[:, None])[prior.key_of]
    return rows


@pytest.mark.parametrize(("name", "place"), CASES)
def test_members_are_read_at_the_margin(name: str, place: str) -> None:
    """Law: a word survives values off by anything below the margin, entry by entry, and values lie in [0, 1]."""
    prior = find_prior(name).of(*PLACES[place])
    coins = np.random.default_rng(1)
    for trial in range(3):
        word = drawn(prior, trial)
        values = prior.values(word)
        assert values.shape == (prior.n_tokens, prior.d)
        assert values.min() >= 0
        assert values.max() <= 1
        grid = values * (prior.n_value_levels - 1)
        assert np.abs(grid - np.rint(grid)).max() < 1e-9
        read = read_by_attention(prior, values)
        off = float(prior.margin) * (1 - 1e-9) * coins.choice([-1.0, 1.0], values.shape)
        assert np.array_equal(prior.symbols(read), word)
        assert np.array_equal(prior.symbols(read + off), word)


@pytest.mark.parametrize(
    "prior",
    [
        SparseRowsPrior(VAR, 64, 4),
        SparseCoefficientsPrior(VAR, 64, 4),
        ClustersPrior(VAR, 64, 27),
        PyramidDetailPrior(VAR, 64, 64),
        TokenWindowPrior(VAR, 64, 212),
    ],
    ids=lambda prior: prior.name,
)
def test_the_margin_is_sharp(prior: Prior) -> None:
    """Law: values off by a thousandth more than the margin can be read as another word."""
    word = drawn(prior)
    read = read_by_attention(prior, prior.values(word))
    off = float(prior.margin) * 1.001
    rows = basis(prior.d) if isinstance(prior, SparseRowsPrior | SparseCoefficientsPrior) else np.ones((1, prior.d))
    assert any(not np.array_equal(prior.symbols(read + sign * off * row), word) for row in rows for sign in (1, -1))


@pytest.mark.parametrize(
    ("prior", "size"),
    [
        (TokenWindowPrior(TINY, 2, 3), 2**6),
        (ScaleWindowPrior(TINY, 2, 1), 2**8),
        (SpatialLocalityPrior(TINY, 2), 2**10),
        (SparseRowsPrior(ScaleSchedule.square([1, 1, 1]), 4, 2), (1 + 4 + 6) ** 2),
        (SparseCoefficientsPrior(ScaleSchedule.square([1, 1]), 4, 2, 1), 1 + 4 * 2 + 6 * 4),
        (LowRankPrior(TINY, 4, 2), 2**10),
        (LiveColumnsPrior(ScaleSchedule.square([1, 2, 2]), 4, 2), 6 * 2**8),
        (BlocksPrior(TINY, 2, 2), 2**4),
        (ClustersPrior(TINY, 2, 2), 4**2 * 3**2),
        (PyramidDetailPrior(TINY, 1, 4), 2 * (1 + 4)),
    ],
    ids=lambda value: value.name if isinstance(value, Prior) else str(value),
)
def test_sizes_by_enumeration(prior: Prior, size: int) -> None:
    """Definition: the size is the number of different matrices, counted one by one."""
    words = [range(group.n_levels) for group in prior.groups for _ in range(group.count)]
    members = {read_by_attention(prior, prior.values(np.array(word))).tobytes() for word in product(*words)}
    assert len(members) == size == prior.size
    assert prior.size_bits == pytest.approx(math.log2(size))


def test_known_floors_of_var() -> None:
    """Known values: log2 of the classes on VAR-256, d = 64, by the closed forms; W d for windows; T d for locality."""
    bits = {name: PRIORS[name].of(VAR, 64).size_bits for name in PRIORS}
    assert bits["token-window"] == 212 * 64
    assert bits["scale-window"] == (100 + 169) * 64
    assert bits["locality"] == bits["sparse-attention"] == 424 * 64
    assert bits["sparse"] == pytest.approx(424 * math.log2(679121))
    letters = sum(math.comb(64, w) * 4**w for w in range(5))
    assert bits["sparse-coefficients"] == pytest.approx(424 * math.log2(letters))
    assert bits["rank"] == 424 * 8
    assert bits["columns"] == pytest.approx(math.log2(math.comb(64, 7)) + 423 * 7)
    assert bits["blocks"] == 64 * sum(math.ceil(h / 2) ** 2 for h in (1, 2, 3, 4, 5, 6, 8, 10, 13)) == 7552
    assert bits["clusters"] == pytest.approx(64 * (19 * math.log2(17) + 8 * math.log2(16)))


def test_the_floor_falls_with_the_error() -> None:
    """Law: Fano's floor is log2 of the size at error 0, falls with the error, and is 0 where a guess is as good."""
    for name in PRIORS:
        prior = find_prior(name).of(VAR, 64)
        floors = [prior.floor_bits(Fraction(delta)) for delta in ("0", "1/100", "1/10", "1/4")]
        assert floors == sorted(floors, reverse=True)
        assert floors[0] == pytest.approx(math.log2(prior.size))
        assert prior.floor_bits(Fraction(1)) == 0
        by_hand = sum(
            group.count
            * (
                math.log2(group.n_levels)
                + 0.1 * math.log2(0.1)
                + 0.9 * math.log2(0.9)
                - (0.1 * math.log2(group.n_levels - 1) if group.n_levels > 2 else 0)
            )
            for group in prior.groups
        )
        assert floors[2] == pytest.approx(by_hand)


@pytest.mark.parametrize("model", [m for m in models() if m.n_tokens < 3000], ids=lambda model: model.name)
def test_locality_spares_no_token(model: Model) -> None:
    """Law: on every model's own pyramid, the cells above the queries of the last map are all cached tokens."""
    prior = SpatialLocalityPrior.of(model.visible_schedule, model.head_dim)
    asked = np.concatenate(list(prior.runs()))
    assert np.array_equal(np.unique(asked), np.arange(prior.n_tokens))
    assert prior.size == 2 ** (prior.n_tokens * prior.d)


def test_cells_above_cover() -> None:
    """Known value: queries of a map of 3 x 3 look at the cells 0 0 1 / 0 0 1 / 2 2 3 of a map of 2 x 2."""
    above = cells_above(TINY, 2, 1) - TINY.rows_of(1).start
    assert above.tolist() == [0, 0, 1, 0, 0, 1, 2, 2, 3]


@pytest.mark.parametrize("d", [1, 2, 6, 12, 64, 96, 100, 128])
def test_the_basis_is_orthogonal(d: int) -> None:
    """Law: B B^T = m I, and each row has m entries +-1 and zeros else, m the largest power of two in d."""
    rows = basis(d)
    assert np.array_equal(rows @ rows.T, order_of(d) * np.eye(d, dtype=np.int64))
    assert (np.abs(rows).sum(axis=1) == order_of(d)).all()
    assert set(np.unique(rows)) <= {-1, 0, 1}


def test_supports_are_numbered() -> None:
    """Law: sets of two of five columns are numbered from 0 to 9."""
    supports = Supports(5, 2)
    every = [[i, j] for i in range(5) for j in range(i + 1, 5)]
    assert sorted(map(supports.rank, every)) == list(range(10))
    assert [supports.columns(supports.rank(one)) for one in every] == every


def test_blocks_of_a_video() -> None:
    """Known value: blocks stay inside a frame and a map, and a prompt token is alone."""
    assert block_of(WITH_PROMPT, 2)[:10].tolist() == [0, 1, 2, 3, 4, 4, 5, 4, 4, 5]
    frames = block_of(VIDEO, 2)[VIDEO.rows_of(2)]
    assert len(set(frames[:12])) == len(set(frames[12:])) == 4
    assert not set(frames[:12]) & set(frames[12:])


@pytest.mark.parametrize("name", PRIORS)
def test_priors_cross_the_wall(name: str) -> None:
    """Law: from_json(to_json) is the same class."""
    prior = find_prior(name).of(VAR, 64)
    assert prior_from_json(prior_to_json(prior), VAR, 64) == prior


def test_bad_input() -> None:
    """Bad input: names that are none, errors outside [0, 1], maps without such a class."""
    with pytest.raises(UnknownName, match="did you mean sparse"):
        find_prior("sparce")
    with pytest.raises(InvalidArgument, match="delta must lie"):
        TokenWindowPrior(TINY, 2, 3).floor_bits(Fraction(2))
    with pytest.raises(ImpossibleReduction, match="longer side than the last"):
        SpatialLocalityPrior.of(ScaleSchedule.square([1, 4, 2]), 8)
    with pytest.raises(ImpossibleReduction, match="nothing else is cached"):
        LiveColumnsPrior.of(ScaleSchedule.square([1, 2]), 8)
