"""Known values and laws of designs: the fractions of the cache that are forced, and that the judge verifies each."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from lowerbound.certify.certified import certificate_of, certified, strongest, target_of
from lowerbound.certify.design.addresses import FAMILIES, books
from lowerbound.certify.design.strips import strips_cells_design, strips_noise_design
from lowerbound.certify.design.values import described
from lowerbound.certify.theorems import CHECKED, CONJECTURE, ON_PAPER, THEOREMS
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import KeyFamily, coherence
from lowerbound.core.keys.kerdock import Kerdock
from lowerbound.core.keys.trace import Trace2
from lowerbound.core.models import Model, find_model, models
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from lowerbound.kernel.rules.separated import check_separated
from tests.marks import first_now

VAR = find_model("var-d16")


@pytest.mark.parametrize(
    ("theorem", "eta", "delta", "percent"),
    [
        ("C", "0.01", "0", 32.7),
        ("C", "0.001", "0", 51.8),
        ("C", "0.01", "0.01", 31.5),
        ("C", "0.001", "0.01", 50.5),
        ("C'", "0.01", "0", 36.0),
        ("C'", "0.001", "0", 54.5),
        ("E1", "0.1", "0", 26.4),
        ("E1", "0.01", "0", 46.7),
        ("E1", "0.001", "0", 66.9),
        ("E1", "0.0001", "0", 86.9),
        ("D", "0.01", "0", 48.0),
        ("D", "0.001", "0", 68.0),
        ("E", "0.01", "0", 51.7),
        ("E", "0.001", "0", 71.7),
        *first_now(
            [
                ("G", "0.01", "0", 44.4),
                ("G", "0.01", "0.01", 41.8),
                ("G", "0.001", "0.01", 63.2),
                ("G", "0.01", "0.1", 34.9),
            ],
            0,
        ),
    ],
)
def test_forced_fractions(theorem: str, eta: str, delta: str, percent: float) -> None:
    """Known value: at least these percentages of the fp16 cache of VAR-d16, each a verified certificate."""
    found = certified(VAR, eta=eta, delta=delta, theorem=theorem)
    assert found is not None
    assert 100 * found.bits / VAR.head_cache_bits >= percent


def test_single_read_known_value() -> None:
    """Known value: Theorem C at 1/100 forces 284074 bits, here with explicit addresses."""
    found = certified(VAR, eta="0.01", delta="0", theorem="C")
    assert found is not None
    assert found.bits == 284074


@pytest.mark.parametrize(
    ("theorem", "model", "eta", "delta", "bits"),
    [
        ("F", "var-d16", "0.01", "0", 350800),
        ("F", "var-d16", "0.001", "0", 525200),
        ("F", "var-d16", "0.01", "0.01", 333600),
        ("F", "var-d16", "0.001", "0.01", 505800),
        ("F'", "var-d16", "0.01", "0", 356206),
        ("F'", "var-d16", "0.001", "0", 530422),
        ("F'", "var-d16", "0.01", "0.01", 338268),
        ("F'", "var-d16", "0.001", "0.01", 510615),
        ("F'", "var-d36-512", "0.01", "0", 1018057),
        ("F'", "var-d36-512", "0.001", "0", 1517861),
    ],
)
def test_frames_known_values(theorem: str, model: str, eta: str, delta: str, bits: int) -> None:
    """Known value: F forces the bits of its first instances in Coq, and F' those of the program of its proof."""
    found = certified(model, eta=eta, delta=delta, theorem=theorem)
    assert found is not None
    assert bits <= found.bits <= bits * 1.005


@pytest.mark.parametrize("theorem", ["C'", "D", "E", "E1"])
def test_theorems_of_no_error_say_nothing_with_error(theorem: str) -> None:
    """Law: a theorem for delta = 0 is never stretched to delta > 0."""
    assert certified(VAR, eta="0.01", delta="0.01", theorem=theorem) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("eta", "delta", "bits"),
    [("1/100", "0", 376027), ("1/1000", "0", 568147), ("1/100", "1/100", 351956), ("1/1000", "1/100", 542363)],
)
def test_strips_known_values(eta: str, delta: str, bits: int) -> None:
    """Known value: cells reach the bits of Theorem G's first certificates, of a search of an hour; noise has more."""
    target = target_of(VAR, eta=eta, delta=delta)
    cells, noise = strips_cells_design(target), strips_noise_design(target)
    assert cells is not None
    assert noise is not None
    assert bits <= cells.bits < noise.bits
    for design in (cells, noise):
        assert certificate_of(THEOREMS["G"], target, design).bits == int(design.bits)


@pytest.mark.slow
def test_strips_of_a_long_context() -> None:
    """Known value: 131072 tokens of dimension 128, beyond every model of the catalogue."""
    long = Geometry("long", ScaleSchedule(((256, 512), (16, 16))), 128)
    found = certified(long, eta="1/100", delta="1/100", theorem="G")
    assert found is not None
    assert found.bits >= 0.415 * long.cache_bits


def test_the_strongest_floor_is_that_of_most_bits() -> None:
    """Law: at delta > 0 the order of THEOREMS decides nothing: the later D and E say nothing there, and G the most."""
    paper = (CHECKED, ON_PAPER, CONJECTURE)
    assert list(THEOREMS).index("G") < list(THEOREMS).index("E")
    right, wrong = (strongest(VAR, eta="0.01", delta=delta, statuses=paper) for delta in ("0", "0.01"))
    assert right is not None
    assert wrong is not None
    assert (right.theorem.name, wrong.theorem.name) == ("E", "G")


def test_unknown_theorems() -> None:
    """Bad input: the name of a theorem that nobody stated."""
    with pytest.raises(InvalidArgument, match="not known"):
        certified(VAR, eta="0.01", delta="0", theorem="Z")


@pytest.mark.parametrize("eta", ["0", "0.49"])
@pytest.mark.parametrize("theorem", list(THEOREMS))
def test_extreme_errors(theorem: str, eta: str) -> None:
    """Law: at eta = 0 and next to 1/2 a theorem yields a verified certificate or says nothing."""
    found = certified(VAR, eta=eta, delta="0", theorem=theorem)
    assert found is None or found.bits > 0


@pytest.mark.slow
@pytest.mark.parametrize("model", first_now(models(), 15, n_slow=0), ids=lambda model: model.name)
def test_every_model_has_its_line(model: Model) -> None:
    """Law: every model of the catalogue has a certified floor above that of values alone, at delta = 0 and 0.01."""
    for delta in ("0", "0.01"):
        best = strongest(model, eta="0.01", delta=delta, statuses=("machine-checked",))
        values = certified(model, eta="0.01", delta=delta, theorem="B")
        assert best is not None
        assert values is not None
        assert best.bits > values.bits


@pytest.mark.parametrize("theorem", first_now(["C", "F", "F'"]))
def test_floors_fall_with_eta_and_delta(theorem: str) -> None:
    """Law: more error never forces more bits."""
    bits = [
        [certified(VAR, eta=eta, delta=delta, theorem=theorem) for eta in ("0.001", "0.01", "0.1")]
        for delta in ("0", "0.01", "0.1")
    ]
    table = np.array([[each.bits for each in row if each is not None] for row in bits])
    assert table.shape == (3, 3)
    assert (np.diff(table, axis=0) < 0).all()
    assert (np.diff(table, axis=1) < 0).all()


@pytest.mark.parametrize("n", first_now([256, 5, 424]))
def test_books_are_as_separated_as_they_say(n: int) -> None:
    """Law: a book's coherence bounds the exact one of its rows, and no shorter book is as good."""
    found = books(n)
    assert [book.d_a for book in found] == sorted({book.d_a for book in found})
    assert all(later.coherence < earlier.coherence for earlier, later in pairwise(found))
    for book in found:
        assert len(book.rows) == n
        assert coherence(book.rows) <= book.coherence


@pytest.mark.parametrize(("family", "dimensions"), FAMILIES, ids=lambda value: getattr(value, "name", ""))
def test_families_reach_their_bounds(family: KeyFamily, dimensions: tuple[int, ...]) -> None:
    """Differential: the whole family, or its first 700, has the coherence that it proves, measured exactly."""
    d = dimensions[0]
    n = min(family.capacity(d), 700)
    bound = family.coherence_bound(n, d)
    assert bound is None or coherence(family.keys(n, d).rows) <= bound


def test_shells_are_whole() -> None:
    """Known value: sizes of shells and sections, by Conway and Sloane's theta series and kissing numbers."""
    sizes = {family.name: family.capacity(dimensions[0]) for family, dimensions in FAMILIES}
    assert sizes["e7-dual-shell"] == 576
    assert (sizes["e8-roots"], sizes["e8-second-shell"], sizes["e8-third-shell"]) == (240, 2160, 6720)
    leech = next(family for family, _ in FAMILIES if family.name == "leech-section")
    assert [leech.capacity(d) for d in (15, 16, 19, 20, 21)] == [0, 4320, 10668, 17400, 27720]


@pytest.mark.parametrize(("family", "n", "d"), [(Trace2(), 300, 32), (Kerdock(), 120, 16), (Kerdock(), 600, 64)])
def test_descriptions_hold_the_rows(family: KeyFamily, n: int, d: int) -> None:
    """Law: what the judge is given for sign keys is a code, and it is accepted at the family's coherence alone."""
    rows = family.keys(n, d).rows
    told = described(rows)
    assert "basis" in told
    bound = family.coherence_bound(n, d)
    assert bound is not None
    check_separated(told, n, d, bound)
    with pytest.raises(Exception, match="cosine"):
        check_separated(told, n, d, bound - Fraction(1, 10**6))
