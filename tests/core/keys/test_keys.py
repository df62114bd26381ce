"""Known values and definitions: coherence of every key family, exactly, beside the bounds of the literature.

The (kv) numbers are those of the coding literature (Gold, Kasami, Kerdock), recomputed here from integer Gram matrices.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.bounds import UNION_BOUND, WELCH_SQUARED, welch
from lowerbound.core.keys.choice import KEY_FAMILIES, best_family, find_family, keys_for
from lowerbound.core.keys.family import Keys, coherence
from lowerbound.core.keys.field import BinaryField
from lowerbound.core.keys.kerdock import Kerdock, kerdock_rows
from lowerbound.core.keys.random import GaussianJL, GreedySigns, RandomSigns
from lowerbound.core.keys.steiner import Steiner, quadruples, sqs10
from lowerbound.core.keys.trace import Kasami, Trace2, TraceCode
from lowerbound.core.models import find_model, models
from lowerbound.errors import ImpossibleReduction, InvalidArgument, UnknownName


@pytest.mark.parametrize(
    ("family", "n", "d", "expected"),
    [
        (Trace2(), 1024, 32, Fraction(1, 4)),
        (Trace2(), 4096, 64, Fraction(1, 4)),
        pytest.param(Trace2(), 16384, 128, Fraction(1, 8), marks=pytest.mark.slow),
        (Kasami(), 12000, 64, Fraction(1, 4)),
        (Kerdock(), 2048, 64, Fraction(1, 8)),
        (Kerdock(), 2112, 64, Fraction(1, 8)),
        (Kerdock(), 4224, 64, Fraction(1, 8)),
        (Kerdock(), 128, 16, Fraction(1, 4)),
        (Steiner(), 500, 10, Fraction(1, 2)),
        (Steiner(), 1260, 14, Fraction(1, 2)),
        (Steiner(), 424, 40, Fraction(1, 2)),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_known_coherence(family: Kerdock, n: int, d: int, expected: Fraction) -> None:
    """Known value: the exact one-sided coherence of the explicit families."""
    keys = family.keys(n, d)
    assert keys.coherence == expected
    assert family.coherence_bound(n, d) == expected
    assert keys.rows.shape == (n, d)


def test_kerdock_products_are_zero_or_eight() -> None:
    """Known value: off-diagonal products of the 2048 sign vectors lie in {0, +-8}, and of all 2112 too."""
    rows = kerdock_rows(6)
    gram = rows @ rows.T
    np.fill_diagonal(gram, 0)
    assert set(np.unique(gram)) == {-8, 0, 8}
    assert set(np.unique(rows[:2048])) == {-1, 1}
    assert ((rows * rows).sum(axis=1) == 64).all()


def test_quadruple_systems() -> None:
    """Definition: three points of ten lie in exactly one block of S(3, 4, 10), three of any d in at most one."""
    assert len(sqs10()) == 30
    assert all(sum(set(three) <= set(block) for block in sqs10()) == 1 for three in combinations(range(10), 3))
    for d in range(4, 17):
        blocks = quadruples(d)
        assert all(len(set(one) & set(other)) <= 2 for one, other in combinations(blocks, 2))
    assert {d: Steiner().capacity(d) for d in (3, 4, 10, 14, 16)} == {3: 0, 4: 24, 10: 500, 14: 1260, 16: 2272}


@pytest.mark.slow
@pytest.mark.parametrize("m", [3, 4, 5, 6, 7])
def test_the_walsh_transform_gives_the_gram_maximum(m: int) -> None:
    """Differential: the structured bound of a whole trace code equals the Gram matrix's largest |entry|."""
    code = TraceCode(m, (3,))
    rows = 1 - 2 * code.bits(np.arange(min(code.size, 4096)))
    gram = np.abs(rows @ rows.T)
    np.fill_diagonal(gram, 0)
    assert gram.max() == code.largest_sum()
    assert code.largest_sum() == 2 ** ((m + 1) // 2 if m % 2 else (m + 2) // 2)


def test_weil_bound_holds_where_both_are_known() -> None:
    """Law: exact character sums never exceed Weil's bound."""
    for m in (5, 6, 7):
        code = TraceCode(m, (3, 5))
        assert code.largest_sum() <= code.weil_bound


@given(
    st.integers(2, 12).flatmap(
        lambda d: st.lists(st.lists(st.integers(-9, 9), min_size=d, max_size=d), min_size=2, max_size=9)
    )
)
def test_coherence_is_a_tight_upper_bound(table: list[list[int]]) -> None:
    """Differential: against a loop over all pairs in exact rationals; at most 2^-32 above."""
    rows = np.array(table, dtype=np.int64)
    if (rows == 0).all(axis=1).any():
        with pytest.raises(InvalidArgument, match="nonzero"):
            coherence(rows)
        return
    found = coherence(rows)
    step = Fraction(1, 2**32)

    def at_least(bound: Fraction, product: int, squares: int) -> bool:
        """bound >= product / sqrt(squares), decided in integers."""
        if product <= 0:
            return bound >= 0 or bound * bound * squares <= product * product
        return bound >= 0 and bound * bound * squares >= product * product

    pairs = [(i, j) for i in range(len(rows)) for j in range(i)]
    facts = [(int(rows[i] @ rows[j]), int(rows[i] @ rows[i]) * int(rows[j] @ rows[j])) for i, j in pairs]
    assert all(at_least(found, *fact) for fact in facts)
    if found > -1:
        assert not all(at_least(found - step - Fraction(1, 2**60), *fact) for fact in facts)


def test_gaussian_keys_are_measured_not_promised() -> None:
    """Law: no certified bound for samples; the measured one agrees with floating point."""
    keys = GaussianJL().keys(424, 64)
    gram = keys.unit @ keys.unit.T
    np.fill_diagonal(gram, -1)
    assert 0 <= keys.coherence - Fraction(float(gram.max())) <= Fraction(1, 2**30)
    assert GaussianJL().coherence_bound(424, 64) is None
    assert keys.coherence > keys.welch


@pytest.mark.parametrize(("n", "d"), [(200, 64), (200, 128), (200, 256), (1025, 32), (2049, 16)])
def test_long_rows_are_measured_too(n: int, d: int) -> None:
    """Differential: squared norms whose products exceed 64 bits, and a last block of one row, against floats."""
    keys = find_family("gaussian").keys(n, d)
    gram = keys.unit @ keys.unit.T
    np.fill_diagonal(gram, -1)
    assert abs(float(keys.coherence) - gram.max()) < 2**-20


def test_random_signs_sit_near_their_expected_coherence() -> None:
    """Known value: at T = 424, d = 64 sampled sets lie near 0.56, while the union bound at 1/2 is 30.08: useless."""
    coherences = [RandomSigns().keys(424, 64, seed=seed).coherence for seed in range(5)]
    assert all(Fraction(1, 2) <= mu <= Fraction(5, 8) for mu in coherences)
    assert round(float(UNION_BOUND.enclosure(424, 64, Fraction(1, 2)).mid()), 2) == 30.08


def test_greedy_signs_keep_their_promise() -> None:
    """Known value: 424 keys of coherence <= 1/2 exist in R^49, where a union bound would ask for R^97."""
    keys = GreedySigns(Fraction(1, 2)).keys(424, 49)
    assert keys.coherence <= Fraction(1, 2)
    with pytest.raises(ImpossibleReduction, match="larger coherence"):
        GreedySigns(Fraction(1, 8)).keys(424, 16)
    with pytest.raises(ImpossibleReduction, match="nearest possible number"):
        GreedySigns().keys(9, 3)


def test_welch() -> None:
    """Known value: 0.1153 at T = 424, d = 64; the integer square root and the formula agree."""
    assert round(float(welch(424, 64)), 4) == 0.1153
    assert 0 <= float(WELCH_SQUARED.enclosure(424, 64).mid()) - float(welch(424, 64)) ** 2 < 1e-10
    assert welch(64, 64) == 0


@given(st.sampled_from([family.name for family in KEY_FAMILIES]), st.integers(2, 60), st.integers(8, 40))
def test_no_family_beats_welch(name: str, n: int, d: int) -> None:
    """Law: the two-sided coherence of any n unit vectors is at least Welch's bound."""
    family = find_family(name)
    if family.capacity(d) < n:
        return
    rows = family.keys(n, d).rows
    gram = np.abs(rows @ rows.T).astype(float)
    norms = np.sqrt(np.diag(gram))
    gram /= norms[:, None] * norms
    np.fill_diagonal(gram, 0)
    assert gram.max() >= float(welch(n, d)) - 1e-9


def test_every_model_has_certified_keys() -> None:
    """Law: the best family holds a key a token, with a proved coherence that leaves room under the multiplier cap."""
    for model in models():
        place = model.visible_schedule.n_tokens, model.head_dim
        bound = best_family(*place).coherence_bound(*place)
        assert bound is not None
        assert bound <= Fraction(1, 4)


def test_keys_for_the_reference_model() -> None:
    """Known value: VAR-d16 gets 680 Kerdock keys of coherence exactly 1/8."""
    keys = keys_for(find_model("var-d16"))
    assert (keys.family, keys.rows.shape, keys.coherence) == ("kerdock", (680, 64), Fraction(1, 8))
    assert np.abs((keys.unit * keys.unit).sum(axis=1) - 1).max() == 0


def test_best_family_refuses_more_keys_than_signs() -> None:
    """Bad input: the reason, and the nearest dimension."""
    with pytest.raises(ImpossibleReduction, match="nearest possible head dimension is 4"):
        best_family(9, 3)
    assert best_family(6, 3).name == "orthoplex"
    assert best_family(8, 3).name == "greedy"


def test_the_same_seed_gives_the_same_keys() -> None:
    """Law: keys are a function of (family, n, d, seed)."""
    for family in KEY_FAMILIES:
        first, again = (family.keys(20, 64, seed=3) for _ in range(2))
        assert np.array_equal(first.rows, again.rows)
        assert isinstance(first, Keys)


def test_unknown_family() -> None:
    """Bad input: did you mean."""
    with pytest.raises(UnknownName, match="kerdock"):
        find_family("kerdok")


@pytest.mark.parametrize("m", range(2, 9))
def test_field_laws(m: int) -> None:
    """Law: GF(2^m) is a field (nonzero elements have inverses), and its trace is additive and onto."""
    field = BinaryField(m)
    elements = np.arange(field.order)
    nonzero = elements[1:]
    inverses = field.power(nonzero, field.order - 2)
    assert (field.multiply(nonzero, inverses) == 1).all()
    left, right = np.meshgrid(elements, elements)
    products = field.multiply(left, right)
    assert (products == products.T).all()
    assert (field.multiply(left, right ^ 1) == products ^ left).all()
    assert (field.trace[left ^ right] == field.trace[left] ^ field.trace[right]).all()
    assert set(field.trace.tolist()) == {0, 1}
