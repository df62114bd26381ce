"""Known values: the tables of docs/cliques.md and docs/related.md are what the package certifies now."""

from __future__ import annotations

import re
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from experiments.tilt_chains import CLAIMED, Search, head_at
from lowerbound.certify.certified import certificate_of, certified
from lowerbound.certify.design import cliques, lattice_cliques
from lowerbound.certify.design.target import Design, NoInstance, Target
from lowerbound.certify.floors import floor
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.schedule import ScaleSchedule

DOCS = Path(__file__).parent.parent / "docs"
D16 = Geometry.of(find_model("var-d16"))


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with this cell and has the next ones, without head and rule."""
    text = (DOCS / page).read_text(encoding="utf-8")
    table = text[text.index(first) :].split("\n\n")[0]
    return [[cell.strip(" *") for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]


def percent(bits: float | None, head: Geometry, digits: int = 2) -> str:
    """A share of the fp16 cache, rounded down."""
    assert bits is not None
    return f"{np.floor(10 ** (digits + 2) * bits / head.cache_bits) / 10**digits:.{digits}f}"


def floor_of(theorem: str, head: Geometry, eta: str) -> int:
    """The certified bits of one head at delta = 0."""
    found = certified(head, eta=eta, delta="0", theorem=theorem)
    assert found is not None
    return found.bits


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=row[0], marks=[] if row[0] == "1/100" else [pytest.mark.slow])
        for row in rows("cliques.md", "| η | E, shared budget |")
    ],
)
def test_what_the_finite_route_loses(monkeypatch: pytest.MonkeyPatch, row: list[str]) -> None:
    """Known value: E shared, on a grid, with one tilt, E1, C' and the chain, in percent, for each eta of the table."""
    target = Target(D16, Fraction(row[0]), Fraction(0))
    assert row[1] == percent(cliques.clique_shared_design(target).bits, D16)
    assert row[2] == percent(cliques.clique_grid_design(target).bits, D16)
    assert row[4] == percent(floor_of("E1", D16, row[0]), D16)
    assert row[5] == percent(floor_of("C'", D16, row[0]), D16)
    assert row[6] == percent(Search.of(head_at(target.eta)).chain(CLAIMED).bits, D16)
    monkeypatch.setattr(cliques, "_cheapest_chain", lambda costs, closed: (float(costs[0]), [0]))
    assert row[3] == percent(cliques.clique_grid_design(target).bits, D16)


def test_what_the_lattice_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Known value: the best verified floor over few lattice steps; denominators up to the lattice are tried."""
    table = rows("cliques.md", "| η | M = 2^10 |")
    powers = (10, 12, 14, 16, 20, 24, 60)
    for row in table:
        target, previous = Target(D16, Fraction(row[0]), Fraction(0)), 0
        for told, power in zip(row[1:], powers, strict=True):
            best: Design | None = None
            monkeypatch.setattr(lattice_cliques, "STEPS", 2**power)
            for cap in (4, 6, 8, 10, 12, 14, 16, 20):
                for part in (0, 2, 4, 6, 8, 12, 16):
                    if cap + 3 >= power:
                        continue
                    monkeypatch.setattr(lattice_cliques, "CAP", 2**cap)
                    monkeypatch.setattr(lattice_cliques, "PART", 2**part)
                    with suppress(NoInstance):
                        found = lattice_cliques.lattice_clique_design(target)
                        best = found if best is None or found.bits > best.bits else best
            assert best is not None
            verified = certificate_of(THEOREMS["E1"], target, best)
            assert verified.sealed.certificate["payload"]["steps"] == 2**power
            assert told == percent(verified.bits, D16, 1)
            assert verified.bits >= previous
            previous = verified.bits


def test_where_it_says_nothing() -> None:
    """Known value: crowded keys have no floor, and 131,072 tokens in R^128 have the shares of the page."""

    def head(n: int, d: int) -> Geometry:
        return Geometry("tokens", ScaleSchedule(((2, n // 2), (1, 1))), d)

    for eta in ("1/10", "1/100", "1/1000"):
        assert certified(head(8192, 32), eta=eta, delta="0", theorem="E1") is None
    long = head(131072, 128)
    told = [percent(floor_of(theorem, long, "1/100"), long, 1) for theorem in ("E1", "E")]
    page = re.sub(r"\s+", " ", (DOCS / "cliques.md").read_text(encoding="utf-8"))
    assert f"η = 1/100 it is {told[0]} %, and E's is {told[1]} %" in page


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(
            row,
            id="-".join(row[:3]),
            marks=[] if int(row[0]) < 1024 else [pytest.mark.slow if int(row[0]) == 1024 else pytest.mark.long],
        )
        for row in rows("related.md", "| T | d | η | B")
    ],
)
def test_numbers_beside_related_work(row: list[str]) -> None:
    """Known value: floors of one own token; addresses for 4096 tokens take a while to find."""
    n, d, eta, *told = row
    head = Geometry("text", ScaleSchedule(((1, int(n)), (1, 1))), int(d))
    assert told == [percent(floor_of(theorem, head, eta), head) for theorem in ("B", "C'", "E1", "E")]


def test_sentences_beside_related_work() -> None:
    """Known value: the shares and bits that the text of docs/related.md tells of VAR-256."""
    text = re.sub(r"\s+", " ", (DOCS / "related.md").read_text(encoding="utf-8"))
    for eta in ("1/100", "1/1000"):
        assert f"{percent(floor_of('E1', D16, eta), D16)} % at {eta}" in text
    assert f"{floor('var-d16').paper_bits:,.0f} bits per head of VAR-256 at a relative error of 1 %" in text
