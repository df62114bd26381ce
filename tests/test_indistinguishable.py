"""Law and forgery: pairs outside the body of Theorem E are told apart, pairs inside are not; a smaller body fails."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from experiments.indistinguishable import Body, coherent_keys, key_gap, played, unit, verdict
from lowerbound.certify.design.cliques import clique_shared_design
from lowerbound.certify.design.target import Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule


def test_pairs_outside_are_told_apart() -> None:
    """Law: a small run at two errors supports the claim, and pairs well inside stay together under the same query."""
    rng = np.random.default_rng(1)
    rows = [played(eta, rng, keys=6, pairs=6) for eta in (Fraction(1, 100), Fraction(1, 1000))]
    assert verdict(rows) == "supported"
    assert all(row["inside_together"] == row["keys"] for row in rows)


def test_a_smaller_body_is_refuted() -> None:
    """Forgery: with half of the gap, pairs just outside the body stay together."""
    head = Geometry("sixty tokens", ScaleSchedule.parse("1x60 8x8"), 32)
    target = Target(head, Fraction(1, 100), Fraction(0))
    design = clique_shared_design(target)
    body = Body.of(target, design)
    rng = np.random.default_rng(2)
    keys = coherent_keys(rng, 60, 32, float(Fraction(design.payload["mu_0"])))
    tangent = rng.normal(size=32)
    direction = unit(tangent - (tangent @ keys[0]) * keys[0])
    assert key_gap(body, keys, 0, direction, 1.001) > 1
    assert key_gap(replace(body, gap=body.gap / 2), keys, 0, direction, 1.001) < 1
    rows = [{"least_key_gap": 0.9, "least_joint_gap": 1.1}]
    assert verdict(rows) == "refuted"
