"""Model R2: gains, thresholds and certificates, against their definitions and known values."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest
from flint import fmpq, fmpq_mat
from scipy.optimize import linprog

from lowerbound.certify.check import check
from lowerbound.certify.floors import floor
from lowerbound.certify.replay.amplification import (
    _square,
    floats_of,
    least,
    left_inverse,
    passed,
    row_sums,
    square,
)
from lowerbound.certify.replay.floor import certify_replay, plan_replay, resampling_of, surviving, thinned
from lowerbound.certify.replay.games import answer_of_r2, answer_of_r3, fibre_answer, replay
from lowerbound.core.models import find_model
from lowerbound.core.pyramid.resampling import INFINITY, VAR, Mode, exact
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.rules import pyramid
from lowerbound.kernel.verdict import Outcome
from lowerbound.var.replay.codebooks import codebook, random, signs

D16 = find_model("var-d16")

KNOWN = [
    ("var-d16", 3060, 3.631320647e-3),
    ("var-d36-512", 7680, 1.746248313e-3),
    ("infinity-2b-0.06m", 3872, 2.440508383e-2),
    ("infinity-2b-0.25m", 29472, 5.335114733e-3),
    ("var-d30-1024", 36612, 1.084794372e-3),
    ("infinity-2b-1m", 131872, 3.879947251e-3),
]
"""Bits and eta_0 with as many rows as ids, found by another program in exact rationals."""


@pytest.mark.parametrize(("n", "n_next", "n_last"), [(3, 4, 16), (4, 5, 16), (5, 6, 16), (10, 13, 16), (18, 24, 32)])
def test_the_least_gain_is_the_linear_program_s(n: int, n_next: int, n_last: int) -> None:
    """Definition: kappa = max_p min |l|_1 over l^T a = e_p; a vector h shows exactly that nothing is less."""
    matrix = passed(VAR, n, n_next, n_last)
    found, a = least(matrix), floats_of(matrix)
    both = np.hstack([a.T, -a.T])
    gains = [linprog(np.ones(2 * n_next), A_eq=both, b_eq=np.eye(n)[p]).fun for p in range(n)]
    assert float(found.kappa) == pytest.approx(max(gains), rel=1e-7)
    assert found.is_least
    assert found.h is not None
    h = fmpq_mat(n, 1, [fmpq(x.numerator, x.denominator) for x in found.h])
    assert max(map(abs, found.h)) == found.kappa
    assert max(abs(x) for x in (matrix * h).entries()) <= 1
    inverse = left_inverse(matrix, found.supports)
    assert inverse * matrix == fmpq_mat(n, n, [int(i == j) for i in range(n) for j in range(n)])
    assert max(row_sums(inverse)) == fmpq(found.kappa.numerator, found.kappa.denominator)


def test_the_gain_of_a_kronecker_product_is_the_product() -> None:
    """Law: kappa(a (x) b) = kappa(a) kappa(b), by the linear program of the whole product."""
    one, other = passed(VAR, 3, 4, 16), passed(INFINITY, 2, 4, 16)
    product = np.kron(floats_of(one), floats_of(other))
    both = np.hstack([product.T, -product.T])
    gains = [linprog(np.ones(2 * len(product)), A_eq=both, b_eq=np.eye(6)[p]).fun for p in range(6)]
    assert max(gains) == pytest.approx(float(least(one).kappa * least(other).kappa), rel=1e-7)


@pytest.mark.parametrize(("n", "n_next"), [(4, 5), (6, 8), (5, 6)])
def test_square_rows_are_the_best_of_all(n: int, n_next: int) -> None:
    """Differential: every square subset, inverted by numpy."""
    a = floats_of(passed(VAR, n, n_next, 16))
    gains = [np.abs(np.linalg.inv(a[list(rows)])).sum(1).max() for rows in combinations(range(n_next), n)]
    assert float(square(passed(VAR, n, n_next, 16)).kappa) == pytest.approx(min(gains), rel=1e-9)


@pytest.mark.parametrize(("n", "n_next", "n_last"), [(3, 4, 16), (5, 6, 16), (8, 10, 16), (9, 13, 32), (18, 24, 32)])
def test_rounding_does_not_choose_the_rows(n: int, n_next: int, n_last: int) -> None:
    """Metamorphic: rows and their mirror images have equal gains, and no processor's rounding chooses among them."""
    a, rng = floats_of(passed(VAR, n, n_next, n_last)), np.random.default_rng(0)
    rounded = [a * (1 + 2.0**-50 * rng.uniform(-1, 1, a.shape)) for _ in range(5)]
    assert {_square(each) for each in rounded} == {_square(a)}


def test_too_few_rows() -> None:
    """Definition: two rows do not determine three codes, nor do equal rows two."""
    with pytest.raises(ImpossibleReduction, match="2 rows cannot determine 3 codes"):
        least(fmpq_mat(2, 3, [1, 0, 0, 0, 1, 0]))
    with pytest.raises(ImpossibleReduction, match="cannot determine 2 codes"):
        least(fmpq_mat(2, 2, [1, 1, 1, 1]))
    with pytest.raises(ImpossibleReduction, match="do not determine 2 codes"):
        left_inverse(fmpq_mat(2, 2, [1, 1, 1, 1]), ((0, 1), (0, 1)))


@pytest.mark.parametrize(
    ("name", "bits", "threshold"),
    [*KNOWN[:3], *(pytest.param(*large, marks=pytest.mark.slow) for large in KNOWN[3:])],
)
def test_known_thresholds(name: str, bits: int, threshold: float) -> None:
    """Known value: eta_0 and bits of every schedule, the certificate verified anew by the kernel alone."""
    model = find_model(name)
    found = replay(model, few_rows=True)
    assert float(found.threshold) == pytest.approx(threshold, rel=1e-8)
    assert (found.certified.bits, found.ceiling_bits, found.is_exact) == (bits, bits, True)
    checked = check(found.certified.document())
    assert checked.verdict.outcome is Outcome.VERIFIED
    assert (checked.bits, checked.lemmas) == (bits, ("public_weights",))
    told = re.search(r"least threshold of a scale is 1/([0-9.]+)$", checked.verdict.reason)
    assert told is not None
    assert 0 <= Fraction(told[1]) - 1 / found.threshold <= Fraction(1, 100)


def test_the_scales_of_var_256() -> None:
    """Known value: kappa and F of every scale."""
    plan = plan_replay(D16.schedule, VAR, few_rows=True)
    kappas = [1, 1, 4.006797, 3.093978, 13.250699, 4.100822, 6.644597, 12.762501]
    contents = [1, 2.092202, 3.477276, 4.582092, 6.228758, 7.831525, 8.977094, 10.788713]
    assert [float(scale.kappa or 0) for scale in plan.scales] == pytest.approx(kappas, abs=1e-6)
    assert [float(content) for content in plan.largest_contents] == pytest.approx(contents, abs=1e-6)
    assert plan.binding == 7
    assert plan.n_rows == plan.n_ids == 255


def test_more_rows_raise_the_threshold() -> None:
    """Law: with queries to spare the binding scale is read from more rows; never more than there are queries."""
    model = find_model("var-d36-512")
    few, more = (plan_replay(model.schedule, VAR, few_rows=few_rows) for few_rows in (True, False))
    assert few.threshold < more.threshold == pytest.approx(2.0828181e-3, rel=1e-6)
    assert few.n_rows == 640 < more.n_rows <= 1024
    # VAR-256 gains nothing: ten rows of scale 9 already amplify as little as all thirteen.
    assert plan_replay(D16.schedule, VAR, n_heads=2).threshold == plan_replay(D16.schedule, VAR).threshold
    assert least(passed(VAR, 10, 13, 16)).kappa == square(passed(VAR, 10, 13, 16)).kappa


def test_the_kernel_rejects_what_lies_above_the_threshold() -> None:
    """Forgery: the claim of an eta over eta_0, of one bit more, of another model, of a network with fewer columns."""
    plan = plan_replay(D16.schedule, VAR)
    statement, certificate = read_document(certify_replay(D16, plan).document())

    def verdict(**changes: object) -> str:
        forged = {**statement, "claim": {**statement["claim"], **changes}}
        document = write_document(forged, {**certificate, "proves": digest(forged)})
        found = check(document).verdict
        assert found.outcome is Outcome.REJECTED
        return found.reason

    above = Fraction(int(plan.threshold * 10**12) + 1, 10**12)
    assert "it must hold that (eta + tau)^2 < eta_8^2" in verdict(eta=str(above))
    assert "fewer than the claimed 3061" in verdict(bits=3061)
    assert "var-d20 has the width 1280" in verdict(model="var-d20")
    assert "is not a model of the catalogue" in verdict(model="var-d17")
    assert "var-d16 has the width 1024" in verdict(width=1025)
    assert "exceed the width 161" in verdict(width=161)


def test_errors_between_blocks_cost_their_logarithm() -> None:
    """Known value: a block that is wrong half of the time costs one bit, three quarters two, almost always three."""
    plan = plan_replay(D16.schedule, VAR)
    bits = {delta: certify_replay(D16, plan, delta=delta).bits for delta in ("0", "1/1000", "1/2", "3/4", "4/5")}
    assert bits == {"0": 3060, "1/1000": 3059, "1/2": 3059, "3/4": 3058, "4/5": 3057}
    with pytest.raises(InvalidArgument, match="delta must lie in"):
        certify_replay(D16, plan, delta=1)
    with pytest.raises(InvalidArgument, match="eta must lie in"):
        certify_replay(D16, plan, eta="0.004")


@pytest.mark.parametrize(
    ("eta", "bits"), [("0.003", 3060), ("0.005", 2940), ("0.01", 2100), ("0.03", 1176), ("0.1", 444), ("0.45", 60)]
)
def test_bits_that_survive(eta: str, bits: int) -> None:
    """Known value: bits of the binary codebook at larger errors; the kernel verifies each."""
    found = replay(D16, eta=eta)
    assert found.certified.bits == bits
    assert json.loads(json.dumps(found.to_json("state")))["exact"] is (bits == 3060)


def test_what_survives_is_the_best_of_all_choices() -> None:
    """Differential: every choice of sub-lattices of a small schedule, by exact thresholds."""
    schedule, eta = ScaleSchedule.square((1, 2, 3, 4, 5)), Fraction(1, 20)
    best = 0
    options = [list(thinned(shape)) for shape in schedule.shapes[:-2]]
    for first in options[0]:
        for second in options[1]:
            for third in options[2]:
                plan = plan_replay(schedule, VAR, kept=(first, second, third), n_heads=2)
                if eta < plan.threshold:
                    best = max(best, plan.n_ids)
    found = surviving(schedule, VAR, eta)
    assert best == found.n_ids
    assert eta < found.threshold


@pytest.mark.slow
def test_what_cannot_be_planned() -> None:
    """Definition: too few queries, too few maps, and families that theorem R2 does not treat."""
    with pytest.raises(ImpossibleReduction, match="that suffices is 2"):
        plan_replay(find_model("infinity-2b-1m").schedule, INFINITY, n_heads=1, few_rows=True)
    with pytest.raises(ImpossibleReduction, match="three flat maps or more"):
        plan_replay(ScaleSchedule.square((1, 2)), VAR)
    with pytest.raises(InvalidArgument, match="belong to the family VAR"):
        replay(find_model("flexvar-d16"))
    assert resampling_of(find_model("infinity-8b-1m")) is None


def test_the_kernel_resamples_as_the_pipeline_does() -> None:
    """Differential: two programs for the same rational matrices."""
    told: dict[Mode, list[tuple[int, int]]] = {
        "area": [(16, 13), (64, 48), (16, 5), (7, 7)],
        "bicubic": [(13, 16), (1, 16), (36, 64), (5, 5)],
        "bilinear": [(1, 16), (48, 64), (64, 40), (9, 9)],
    }
    for mode, sizes in told.items():
        for n_in, n_out in sizes:
            assert pyramid.resampling(mode, n_in, n_out) == exact(mode, n_in, n_out)


def test_codebooks() -> None:
    """Definition: entries reach 1 in every channel and no further; gaps by all pairs; packing keeps its distance."""
    for name in ("gaussian", "sphere", "uniform"):
        book = random(name, 6, channels=5)
        assert np.abs(book.codes).max(axis=0) == pytest.approx(np.ones(5))
        distances = [np.abs(x - y).max() for x, y in combinations(book.codes, 2)]
        assert book.gap == pytest.approx(min(distances))
        packed = book.packed(0.5)
        assert packed.gap >= 0.5
        assert packed.size < book.size
        assert book.nearest(book.codes).tolist() == list(range(64))
        assert np.abs(book.neighbour(3) - book.codes[3]).max() == pytest.approx(
            min(np.abs(x - book.codes[3]).max() for k, x in enumerate(book.codes) if k != 3)
        )
    assert signs(4, channels=6).gap == 2
    assert signs(4, channels=6).nearest(0.1 * signs(4, channels=6).codes).tolist() == list(range(16))
    with pytest.raises(InvalidArgument, match="did you mean gaussian"):
        codebook("gausian")


def test_three_models_are_never_mixed() -> None:
    """Definition: R1 speaks of a head, R2 and R3 of the image, and where nothing is settled nothing is claimed."""
    told = floor(D16, eta="0.01", failure_prob="0.1")
    found = told.to_json()["models"]
    assert found["R1"]["bits_of_one_head"] == max(told.values_bits, told.proved.bits if told.proved else 0)
    assert found["R1"]["streams"] == 512
    assert (found["R2"]["bits"], found["R2"]["ceiling_bits"]) == (3060, 3060)
    assert "1/275.4 of the range" in found["R2"]["says"]
    assert (found["R3"]["bits"], round(found["R3"]["log2_fibre"], 1)) == (16, 15.3)
    other = find_model("flexvar-d16")
    assert answer_of_r2(other).numbers["bits"] is answer_of_r3(other).numbers["bits"] is None
    assert "table of positions" in answer_of_r2(find_model("infinity-2b-0.06m")).says
    assert fibre_answer(find_model("infinity-2b-0.06m"), "signs")["bits"] is None
