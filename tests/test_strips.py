"""Law and forgery: the reads of Theorem G go wrong as rarely as its proof claims; smaller claims are refuted."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from experiments.centred_strips import mass, planar_strips, refined_strips
from experiments.strips import HEAD, Plan, played, verdict
from experiments.tally import Tally
from lowerbound.certify.design.target import Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule
from tests.marks import first_now


def plan_of(narrowing: str) -> Plan:
    """The plan of the experiment's head."""
    n, own, d = HEAD
    head = Geometry("one head", ScaleSchedule(((1, n), (1, own))), d)
    return Plan.of(Target(head, Fraction(1, 100), Fraction(1, 100)), narrowing)


@pytest.mark.parametrize("narrowing", first_now(["cells", "noise"]))
def test_claims_of_the_reads_hold(narrowing: str) -> None:
    """Law: a small run supports every claim, and each was seen."""
    rows = played(Fraction(1, 1000), Fraction(1, 100), narrowing, np.random.default_rng(1), instances=25)
    assert verdict(rows) == "supported"
    assert all(row["n"] for row in rows)
    assert {row["kind"] for row in rows} == {"rate", "mean", "most"}


def test_centred_strips_hold_most() -> None:
    """Law: in the plane, exactly, and in three dimensions on two grids, no shift does better than none."""
    rng = np.random.default_rng(2)
    assert all(tally.holds for tally in (planar_strips(rng, 3), *refined_strips(rng, 3, 8000)))


def test_the_mass_of_strips_is_a_known_area() -> None:
    """Known value: a strip across the middle of the regular 24-gon, of area 12 sin(pi / 12), at a = 0 and a = ln 2."""
    directions, shifts = np.array([[1.0, 0.0]]), np.zeros(1)
    whole = 12 * np.sin(np.pi / 12)
    assert mass(directions, shifts, 0.1, 0.0) == pytest.approx(whole, rel=1e-12)
    assert mass(directions, shifts, 5.0, np.log(2)) == pytest.approx(2 * whole, rel=1e-12)


def test_smaller_claims_are_refuted() -> None:
    """Forgery: rates, means and largest values that exceed their claim are seen, and the plan is what they rest on."""
    assert not Tally("rate", "rate", 0.01, [1.0] * 20 + [0.0] * 180).holds
    assert Tally("rate", "rate", 0.01, [1.0] * 2 + [0.0] * 198).holds
    assert not Tally("mean", "mean", 1.0, [1.1, 1.2] * 50).holds
    assert not Tally("most", "most", 0.0, [0.0, 1e-6]).holds
    assert not Tally("rate", "rate", 1.0).holds
    plan = plan_of("cells")
    honest = plan.tallies()
    narrow = replace(plan, levels=((plan.levels[0][0], plan.levels[0][1] / 2), *plan.levels[1:])).tallies()
    assert narrow["log2 list at level 1"].claimed > honest["log2 list at level 1"].claimed
    noisy = plan_of("noise")
    steepness, edge, spread, weight = noisy.levels[1]
    quiet = replace(noisy, levels=(noisy.levels[0], (steepness, edge, 2 * spread, weight)))
    assert quiet.profile(1) > noisy.profile(1)
    assert verdict([Tally("list", "mean", 0.01, [0.1, 0.2] * 50).to_json()]) == "refuted"


@pytest.mark.slow
@pytest.mark.parametrize("narrowing", ["cells", "noise"])
@pytest.mark.parametrize(("eta", "delta"), first_now([("1/100", "1/100"), ("1/1000", "0")], n_slow=0))
def test_claims_hold_on_many_instances(eta: str, delta: str, narrowing: str) -> None:
    """Law: the same on three hundred instances."""
    rows = played(Fraction(eta), Fraction(delta), narrowing, np.random.default_rng(3), instances=300)
    assert verdict(rows) == "supported", [row for row in rows if not row["holds"]]
