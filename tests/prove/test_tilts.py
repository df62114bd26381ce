"""Coq's designs of chains (TiltInstances.v, Llama.v), judged again: conditions in Arb balls, the count in integers."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from math import factorial
from pathlib import Path
from typing import Any

import pytest
from flint import arb, fmpq

from experiments.tilt_chains import CLAIMED, ETAS, Search, Tilt, head_at
from lowerbound.certify.design.target import Target
from lowerbound.core.decoder import paged
from lowerbound.core.geometry import Geometry
from lowerbound.core.scalars import precision
from tests.prove.designs import log2, numbers, sine, turn

SOURCES = tuple(
    Path(__file__).parent.parent.parent / "proofs" / "coq" / name for name in ("TiltInstances.v", "Llama.v")
)
DESIGN = re.compile(r"tilts_design ([\d\s(),]+)\[::([\w\s;]+)\]([\d\s]+)\)%Z")
HEAD = ("T", "n2", "n", "h", "L", "lam", "eta", "mu", "C", "tau", "q", "m", "m1", "r0")
TAIL = ("k", "k1", "g", "M", "bits")


def told() -> str:
    """The text of the files."""
    return "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)


def designs() -> list[dict[str, Any]]:
    """Every design of the files: its sizes, quotients, tilts and bits, by name."""
    found = []
    for head, chain, tail in DESIGN.findall(told()):
        tilts = [Tilt(*map(int, re.findall(r"\d+", one))) for one in chain.split(";")]
        named = dict(zip(HEAD + TAIL, numbers(head) + numbers(tail), strict=True))
        found.append({**named, "tilts": tilts})
    return found


def holds(design: dict[str, Any]) -> bool:
    """Whether all hypotheses of clique_tilts hold at a design, and its bits are at most those of the theorem."""
    T, n2, n, h, L, lam = (design[name] for name in HEAD[:6])
    eta, mu, first, tau = (arb(design[name]) for name in HEAD[6:10])
    q, m, m1, r0, tilts = (design[name] for name in (*HEAD[10:], "tilts"))
    k, k1, g, M, bits = (design[name] for name in TAIL)
    s = 2 * ((1 + 2 * eta) / (1 - 2 * eta)).log()
    c0 = 1 - (s + arb(T).log()) / lam
    missing = (T - 1) * (s - lam * (1 - turn(c0, mu))).exp()
    c1 = 1 - (s - (1 - missing).log()) / lam
    turned = first + (s + (1 + tau).log()) / lam
    c2 = turn(first, turned)
    leak = (T - 1) * (lam * (turn(c2, mu) - c2)).exp() + n2 * (-lam * (1 + c2)).exp()
    chord, side = (2 - 2 * c2).sqrt(), arb(n).sqrt()
    conditions = [
        mu <= c0,
        missing < 1,
        mu < 2 * c1 * c1 - 1,
        mu <= first,
        first <= c1,
        (T - 1) * (lam * (turn(first, mu) - first)).exp() <= tau,
        turned <= 1,
        arb(n2).log() + s / 2 <= lam * (1 + first),
        first <= 2 * c2 * c2 - 1,
        2 * (eta + leak) * (L - 1) < 1,
        m * ((M * chord + side) / r0 + side) <= M,
        m1 * (M * sine(mu) / k1 + side) <= M,
        g > 2 and g * T**2 * k1**n <= m1**n,
    ]
    reach, shut = r0, 0
    for tilt in tilts:
        cosine, near, pull = (arb(fmpq(each, q)) for each in (tilt.cosine, tilt.near, tilt.pull))
        rim = (near - pull * mu) / (1 - 2 * pull * cosine + pull**2).sqrt()
        rest = (T - 1) * (lam * (near + 2 * chord - cosine)).exp()
        radius = (1 - c2 + (s + rest) / lam) / sine(cosine)
        conditions += [
            0 <= tilt.cosine < q,
            mu * cosine <= near,
            tilt.pull >= 0,
            rim >= 0,
            rim <= 1,
            arb(n2).log() + s / 2 <= lam * (1 + cosine - chord),
            m * ((M * radius + side) / tilt.reach + side) <= M,
            m1 * (M * sine(rim) / tilt.cap + side) <= M,
        ]
        shut += tilt.cap ** (2 * n) * reach**n
        reach = tilt.reach
    conditions += [
        g * (reach**n * m1 ** (2 * n) + T**2 * shut) <= (g - 2) * k**n * m1 ** (2 * n),
        bits <= T * (n * log2(arb(fmpq(2 * m, k))) + h * log2(arb(L))) - log2(arb(factorial(T))) - log2(arb(g)),
    ]
    return all(conditions)


@pytest.mark.parametrize("eta", ETAS, ids=str)
def test_the_designs_of_coq_are_found(eta: Fraction) -> None:
    """Known value: `python -m experiments tilt_chains` searches the designs that Coq decides, number by number."""
    head = head_at(eta)
    assert Search.of(head).chain(CLAIMED).coq(head) in " ".join(told().split())


def test_the_design_of_a_language_model_is_found() -> None:
    """Known value: the same search finds the design of one head of Llama 3.1 8B with 8192 cached tokens."""
    head = Target(Geometry("one head", paged(8192), 128), Fraction(1, 100), Fraction(0))
    assert Search.of(head, Fraction(53, 100)).chain(CLAIMED).coq(head) in " ".join(told().split())


@precision(128)
def test_every_design_of_coq_holds_in_balls() -> None:
    """Differential: Arb, which shares no code with Coq's intervals, confirms each condition of each design."""
    found = designs()
    assert [(design["T"], design["bits"]) for design in found] == [
        (424, 258943),
        (424, 439510),
        (424, 615982),
        (424, 791355),
        (8192, 17193231),
    ]
    assert all(map(holds, found))


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("bits", lambda value: value + 100),
        ("k", lambda value: value - 1),
        ("r0", lambda value: value - 1),
        ("k1", lambda value: value - 1),
        ("g", lambda value: value + 1),
        ("L", lambda value: value + 2),
        ("M", lambda value: value // 2**14),
        ("tilts", lambda value: [*value[:5], *value[6:]]),
    ],
)
@precision(128)
def test_a_changed_design_does_not_hold(name: str, change: Any) -> None:
    """Forgery: one number of a design made better by a little, or a tilt left out, breaks a condition."""
    design = next(design for design in designs() if design["bits"] == 615982)
    assert holds(design)
    assert not holds({**design, name: change(design[name])})


@pytest.mark.parametrize("index", [0, 7, 15])
@pytest.mark.parametrize(
    "change",
    [{"cap": -1}, {"reach": -1}, {"near": -6}, {"near": 6}, {"cosine": 12}, {"pull": 99}],
    ids=str,
)
@precision(128)
def test_a_changed_tilt_does_not_hold(index: int, change: dict[str, int]) -> None:
    """Forgery: a smaller cap, a smaller reach, keys that are nearer or farther, or a lower tilt breaks a condition."""
    design = next(design for design in designs() if design["bits"] == 615982)
    changed = list(design["tilts"])
    changed[index] = replace(changed[index], **{key: getattr(changed[index], key) + by for key, by in change.items()})
    assert not holds({**design, "tilts": changed})
