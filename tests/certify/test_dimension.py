"""How many keys fit: sharp codes meet their bounds exactly, and no side contradicts the other."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lowerbound.attack.delsarte import Dual, delsarte
from lowerbound.certify.check import check
from lowerbound.certify.dimension import greedy_keys, needed, room
from lowerbound.core.bounds import welch
from lowerbound.errors import InvalidArgument
from lowerbound.kernel.spherical import gegenbauer
from lowerbound.kernel.verdict import Outcome
from tests.kernel.examples import ask
from tests.test_cli import Run


@pytest.mark.parametrize(
    ("d", "mu", "most"),
    [
        (8, "1/2", 240),
        (24, "1/2", 196560),
        (7, "1/3", 56),
        (23, "1/3", 4600),
        (22, "1/6", 275),
        (3, "1/2", 13),
        (4, "1/2", 25),
        (5, "0", 10),
        (9, "-1/9", 10),
    ],
)
def test_known_bounds(d: int, mu: str, most: int) -> None:
    """Known value: roots of E8 and vectors of Leech, sharp codes (Levenshtein 1979), kissing numbers' linear program
    (Odlyzko and Sloane 1979), the cross-polytope and the simplex."""
    assert delsarte(d, mu).most == most


@pytest.mark.parametrize(("d", "mu"), [(8, "1/2"), (16, "1/4"), (64, "1/8"), (32, "1/4"), (64, "1/4")])
def test_both_sides_agree(d: int, mu: str) -> None:
    """Law: what exists does not exceed what is certified to be possible."""
    found = room(d, mu)
    assert found.at_most is not None
    assert found.greedy <= found.at_least <= found.at_most
    assert found.document is not None
    told = check(found.document)
    assert told.verdict.outcome is Outcome.VERIFIED
    assert told.kind == "keys_at_most"


@given(st.integers(3, 12), st.integers(2, 40), st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_no_code_is_larger(d: int, n: int, seed: int) -> None:
    """Law: random unit vectors of whatever coherence they have are no more than the bound at it."""
    rows = np.random.default_rng(seed).standard_normal((n, d))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gram = rows @ rows.T - 2 * np.eye(n)
    mu = Fraction(float(gram.max())) + Fraction(1, 10**9)
    if mu < Fraction(6, 10):
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


def test_the_command(run_command: Run, tmp_path: Path) -> None:
    """Definition: a table, a certificate that checks, and one sentence for what cannot be asked."""
    told = run_command("dimension", "--d", "8", "--mu", "1/2", "-o", str(tmp_path / "k.json"))
    assert told.returncode == 0
    assert "240" in told.stdout
    assert run_command("check", str(tmp_path / "k.json")).stdout.rstrip().endswith("VERIFIED")
    neither = run_command("dimension")
    assert neither.returncode == 2
    assert "one of --d and --model" in neither.stderr


def test_the_page_tells_what_is_printed(run_command: Run) -> None:
    """Known value: the transcript of docs/regimes.md, printed now."""
    page = (Path(__file__).parent.parent.parent / "docs" / "regimes.md").read_text(encoding="utf-8")
    told = run_command("dimension", "--d", "64").stdout.rstrip()
    assert f"```console\n$ lowerbound dimension --d 64\n{told}\n```" in page
