"""The designs of proofs/coq/CliqueInstances.v, judged a second time, in Arb balls: what Coq decides with integers."""

from __future__ import annotations

import re
from math import factorial
from pathlib import Path
from typing import Any

import pytest
from flint import arb, fmpq

from lowerbound.core.scalars import precision
from tests.prove.designs import log2, numbers, sine, turn

SOURCE = Path(__file__).parent.parent.parent / "proofs" / "coq" / "CliqueInstances.v"
DESIGN = re.compile(r"clique_design ([\d\s(),]+)\)%Z")
NAMES = ("T", "n2", "n", "h", "L", "lam", "eta", "mu", "C", "tau", "m", "k", "m1", "k1", "M", "bits")


def designs() -> list[dict[str, Any]]:
    """Every design of the file: its sizes, quotients and bits, by name."""
    found = []
    for text in DESIGN.findall(SOURCE.read_text(encoding="utf-8")):
        found.append(dict(zip(NAMES, numbers(text), strict=True)))
    return found


def holds(design: dict[str, Any]) -> bool:
    """Whether all hypotheses of clique_lattice hold at a design, and its bits are at most those of the theorem."""
    T, n2, n, h, L, lam = (design[name] for name in NAMES[:6])
    eta, mu, tilt, tau = (arb(design[name]) for name in NAMES[6:10])
    m, k, m1, k1, M, bits = (design[name] for name in NAMES[10:])

    s = 2 * ((1 + 2 * eta) / (1 - 2 * eta)).log()
    c0 = 1 - (s + arb(T).log()) / lam
    rest = (T - 1) * (s - lam * (1 - turn(c0, mu))).exp()
    c1 = 1 - (s - (1 - rest).log()) / lam
    g = tilt + (s + (1 + tau).log()) / lam
    c2 = turn(tilt, g)
    leak = (T - 1) * (lam * (turn(c2, mu) - c2)).exp() + n2 * (-lam * (1 + c2)).exp()
    side = arb(n).sqrt()
    floor = T * (n * log2(arb(fmpq(2 * m, k))) + h * log2(arb(L))) - log2(arb(factorial(T))) - 1
    return all(
        (
            mu <= c0,
            rest < 1,
            mu < 2 * c1 * c1 - 1,
            mu <= tilt,
            tilt <= c1,
            (T - 1) * (lam * (turn(tilt, mu) - tilt)).exp() <= tau,
            g <= 1,
            arb(n2).log() + s / 2 <= lam * (1 + tilt),
            tilt <= 2 * c2 * c2 - 1,
            2 * (eta + leak) * (L - 1) < 1,
            m * ((M * (2 - 2 * c2).sqrt() + side) / k + side) <= M,
            m1 * (M * sine(mu) / k1 + side) <= M,
            2 * T**2 * k1**n <= m1**n,
            bits <= floor,
        )
    )


@precision(128)
def test_every_design_of_coq_holds_in_balls() -> None:
    """Differential: Arb, which shares no code with Coq's intervals, confirms each condition of each design."""
    found = designs()
    assert [(design["T"], design["bits"]) for design in found] == [
        (424, 229559),
        (424, 405933),
        (424, 580576),
        (424, 755036),
        (6425, 12521241),
        (6425, 17867214),
        (66, 30559),
        (66, 43870),
    ]
    assert all(map(holds, found))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bits", lambda value: value + 100),
        ("m", lambda value: value + value // 100),
        ("L", lambda value: value + 2),
        ("M", lambda value: value // 16),
        ("k1", lambda value: value + 1),
        ("tau", lambda value: value * fmpq(99, 100)),
        ("mu", lambda value: value * fmpq(9, 10)),
    ],
)
@precision(128)
def test_a_changed_design_does_not_hold(name: str, change: Any) -> None:
    """Forgery: one number of a design made better by a little breaks a condition."""
    design = next(design for design in designs() if design["bits"] == 580576)
    assert holds(design)
    assert not holds({**design, name: change(design[name])})
