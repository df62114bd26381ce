"""How many keys fit: sharp codes meet their bounds exactly, and no side contradicts the other."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.certify.check import check
from lowerbound.certify.design.delsarte import Dual, delsarte
from lowerbound.certify.dimension import covering_keys, greedy_keys, needed, room
from lowerbound.core.bounds import welch
from lowerbound.core.keys.golay import LeechRoots, golay_words
from lowerbound.errors import InvalidArgument
from lowerbound.kernel.rules.spherical import gegenbauer
from lowerbound.kernel.verdict import Outcome
from lowerbound.report.site.sessions import TRANSCRIPT, printed
from tests.kernel.examples import ask
from tests.marks import first_now
from tests.test_cli import Run


@pytest.mark.parametrize(
    ("d", "mu", "most"),
    first_now(
        [
            (8, "1/2", 240),
            (7, "1/3", 56),
            (22, "1/6", 275),
            (3, "1/2", 13),
            (4, "1/2", 25),
            (5, "0", 10),
            (9, "-1/9", 10),
            (9, "-1/4", 5),
            (24, "1/2", 196560),
            (23, "1/3", 4600),
        ],
        8,
    ),
)
def test_known_bounds(d: int, mu: str, most: int) -> None:
    """Known value: roots of E8 and vectors of Leech, sharp codes (Levenshtein 1979), kissing numbers' linear program
    (Odlyzko and Sloane 1979), the cross-polytope and the simplex."""
    assert delsarte(d, mu).most == most


@pytest.mark.parametrize(
    ("d", "mu"), first_now([(8, "1/2"), (9, "-1/9"), (9, "-1/4"), (5, "0"), (64, "0"), (24, "1/2")], 5)
)
def test_both_sides_meet(d: int, mu: str) -> None:
    """Known value: kissing numbers in R^8 and R^24, simplices and cross-polytopes: as many exist as are possible."""
    found = room(d, mu)
    assert found.at_least == found.at_most


@pytest.mark.parametrize(
    ("d", "mu"),
    first_now([(16, "1/4"), (64, "1/8"), (128, "1/2"), (3, "99/100"), (32, "1/4"), (64, "1/2"), (64, "3/4")], 4),
)
def test_both_sides_agree(d: int, mu: str) -> None:
    """Law: what exists does not exceed what is certified to be possible."""
    found = room(d, mu)
    assert found.at_most is not None
    assert found.greedy <= found.at_least <= found.at_most
    assert found.document is not None
    told = check(found.document)
    assert told.verdict.outcome is Outcome.VERIFIED
    assert told.kind == "keys_at_most"


@pytest.mark.slow
def test_levenshtein_bounds() -> None:
    """Known value: his closed forms of degrees 2 and 3 on [-1/d, 0] and [0, (sqrt(d + 3) - 1) / (d + 2)]."""
    for d in (5, 17, 64):
        for s in (Fraction(-1, d + 3), Fraction(-1, 2 * d)):
            assert delsarte(d, s).bound <= 2 * d * (1 - s) / (1 - d * s)
        for s in (Fraction(1, 2 * d), Fraction(1, d)):
            assert delsarte(d, s).bound <= d * (1 - s) * (2 + (d + 1) * s) / (1 - d * s * s) * (1 + Fraction(1, 10**9))


def test_caps_that_cover() -> None:
    """Known value: in R^3 a cap of inner products above mu measures (1 - mu) / 2, in R^2 arccos(mu) / pi."""
    assert covering_keys(3, Fraction(7, 8)) == 16
    assert covering_keys(3, Fraction(99, 100)) == 200
    assert covering_keys(2, Fraction(7, 8)) == 7
    assert covering_keys(64, Fraction(0)) == 2


@pytest.mark.slow
def test_vectors_of_leech() -> None:
    """Definition: 196560 distinct lattice vectors of norm 32; differences have norm >= 32, so products are <= 16.

    Rows are Leech's if, for one parity m, every entry is m modulo 2, entries are m modulo 4 outside a Golay word, and
    all add up to 4 m modulo 8 (Conway and Sloane, chapter 4, section 11).
    """
    family = LeechRoots()
    rows = family.keys(family.capacity(24), 24).rows
    assert len({row.tobytes() for row in rows.astype(np.int8)}) == len(rows) == 196560
    assert ((rows**2).sum(axis=1) == 32).all()
    parity = rows[:, :1] % 2
    assert (rows % 2 == parity).all()
    assert (rows.sum(axis=1) % 8 == 4 * parity[:, 0]).all()
    words = {word.tobytes() for word in golay_words().astype(np.int8)}
    assert {word.tobytes() for word in ((rows - parity) // 2 % 2).astype(np.int8)} <= words
    some = rows[np.random.default_rng(0).choice(len(rows), 2000, replace=False)]
    assert int((some @ rows[::50].T).max()) == 32
    assert set(np.unique(some @ rows[::50].T)) <= {-32, -16, -8, 0, 8, 16, 32}


@pytest.mark.slow
@given(st.integers(3, 12), st.integers(2, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=15)
def test_no_code_is_larger(d: int, n: int, seed: int) -> None:
    """Law: random unit vectors of whatever coherence they have are no more than the bound at it."""
    rows = np.random.default_rng(seed).standard_normal((n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gram = rows @ rows.T - 2 * np.eye(n)
    mu = Fraction(float(gram.max())) + Fraction(1, 10**9)
    if mu < Fraction(3, 4):
        assert delsarte(d, mu).most >= n


def test_gegenbauer_polynomials() -> None:
    """Known value: dimension 3 gives Legendre's, dimension 4 the second kind's over k + 1; all are 1 at 1."""
    assert [str(p) for p in gegenbauer(3)[:4]] == ["1", "x", "3/2*x^2 + (-1/2)", "5/2*x^3 + (-3/2)*x"]
    assert str(gegenbauer(4)[2]) == "4/3*x^2 + (-1/3)"
    assert all(p(1) == 1 for p in gegenbauer(64))


def claimed(dual: Dual, **changes: object) -> Outcome:
    """The judge's word on a dual with other parts."""
    payload = dual.payload()
    claim = dual.claim()
    return ask(
        "keys_at_most",
        {**claim, **{k: v for k, v in changes.items() if k in claim}},
        {**payload, **{k: v for k, v in changes.items() if k in payload}},
    ).outcome


def test_forgeries() -> None:
    """Forgery: a smaller bound, another dimension, a larger coherence, a negative coefficient, marks out of order."""
    dual = delsarte(8, "1/2")
    assert claimed(dual) is Outcome.VERIFIED
    assert claimed(dual, n_max=241) is Outcome.VERIFIED
    first, *others = dual.payload()["coefficients"]
    for change in (
        {"n_max": 239},
        {"d": 9},
        {"coherence": "51/100"},
        {"coefficients": [first, *others[:-1], "-1"]},
        {"coefficients": ["0", *others]},
        {"double_roots": ["-1/2", "1/3"]},
        {"double_roots": ["-1/2", "0", "0"]},
        {"marks": ["0", "-1/4"]},
        {"marks": ["3/4"]},
    ):
        assert claimed(dual, **change) is Outcome.REJECTED, change
    lowered = delsarte(64, "1/8")
    assert claimed(lowered) is Outcome.VERIFIED
    assert claimed(lowered, coherence="1/7") is Outcome.REJECTED
    assert claimed(lowered, d=65) is Outcome.REJECTED


def test_what_the_model_needs() -> None:
    """Law: the coherence that is certainly impossible is below that which is made, and not far below Welch's bound."""
    found = needed(680, 64)
    assert found.impossible is not None
    assert found.impossible < found.made == Fraction(1, 8)
    assert float(welch(680, 64)) > float(found.impossible) > 0.05
    assert greedy_keys(64, Fraction(1, 2)) == 2981
    with pytest.raises(InvalidArgument, match="coherence must lie"):
        room(8, 1)
    with pytest.raises(InvalidArgument, match="d must be an integer >= 2"):
        room(1, "1/2")


@pytest.mark.slow
def test_the_command(run_command: Run, tmp_path: Path) -> None:
    """Definition: a table, a certificate that checks, and one sentence for what cannot be asked."""
    told = run_command("dimension", "--d", "8", "--mu", "1/2", "-o", str(tmp_path / "k.json"))
    assert told.returncode == 0
    assert "240" in told.stdout
    assert run_command("check", str(tmp_path / "k.json")).stdout.rstrip().endswith("VERIFIED")
    neither = run_command("dimension")
    assert neither.returncode == 2
    assert "one of --d and --model" in neither.stderr


REGIMES = Path(__file__).parent.parent.parent / "docs" / "regimes.md"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    first_now(
        ["phase --model var-d36-512", "dimension --d 64", "time --model var-d36-512 --instance-seed 0"],
        n_slow=0,
    ),
)
def test_the_page_tells_what_is_printed(command: str) -> None:
    """Known values: the transcripts of docs/regimes.md, printed now."""
    told = dict(TRANSCRIPT.findall(REGIMES.read_text(encoding="utf-8")))
    assert told[command] == printed(command, REGIMES.parent)
