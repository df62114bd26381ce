"""Forgery: small documents that ask for much work; each is refused within a second, before the work begins."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

from lowerbound.kernel.document import write_document
from tests.kernel.alone import judged_alone
from tests.kernel.examples import EXAMPLES, REJECTED, changed, signed, stated
from tests.kernel.floors import digest_of

Json = Any
LONG = str(Fraction(10**2040 + 7, 10**2041 + 9))
"""A rational of some four thousand digits."""


def with_changes(name: str, claim: dict[Any, Json], payload: dict[Any, Json]) -> bytes:
    """The example with these places changed, bound and sealed anew."""
    kind, old_claim, old_payload = EXAMPLES[name]
    for path, new in claim.items():
        old_claim = changed(old_claim, path, new)
    for path, new in payload.items():
        old_payload = changed(old_payload, path, new)
    statement = stated(kind, old_claim)
    return write_document(statement, signed(statement, old_payload))


def tilts(n: int) -> list[str]:
    return [str(Fraction(3, 10) + Fraction(k, 10**4)) for k in range(n)]


def independent(n: int, length: int) -> list[str]:
    """n pseudo-random words of this length in hex; the last bits make them independent."""
    digits = -(-length // 4)
    return [f"{random.Random(k).getrandbits(length - n) << n | 1 << k:0{digits}x}" for k in range(n)]


HEAVY: dict[str, tuple[str, dict[Any, Json], dict[Any, Json]]] = {
    "bits of a shift": ("ids", {("bits",): 2**33}, {}),
    "a shift the other way": ("ids", {("d",): 4096, ("channels",): 4096, ("id_bits",): 3, ("bits",): 2**40}, {}),
    "tilts at a precision": ("collisions", {}, {("chain",): tilts(256), ("precision",): 4096}),
    "tilts of cliques": ("cliques", {}, {("chain",): tilts(97), ("precision",): 192}),
    "tilts in a dimension": ("collisions", {("d",): 4096}, {("chain",): tilts(2)}),
    "reads at a precision": (
        "strips",
        {},
        {("precision",): 512, ("levels",): [["39/10", f"1/{5 + k}"] for k in range(7)] + [["20", "147/10000"]]},
    ),
    "reads in a dimension": ("strips", {("d",): 4096}, {}),
    "noise at a precision": ("strips in noise", {}, {("precision",): 256}),
    "noise without end": (
        "strips in noise",
        {},
        {("levels",): [["163/50", "807/10000", "9" * 40, "79/2"], ["821/1000", "43/2500", "47/2500", "179/5"]]},
    ),
    "edges without width": (
        "strips in noise",
        {},
        {("levels",): [["163/50", f"1/{10**19}", "851/10000", "79/2"], ["821/1000", "43/2500", "47/2500", "179/5"]]},
    ),
    "classes without number": ("strips", {}, {("classes",): 10**4000}),
    "numbers of many digits": ("strips", {}, {("a",): LONG, ("theta",): LONG, ("radius",): f"1/{10**4000}"}),
    "values shared at a precision": (
        "cliques",
        {},
        {("values",): "shared", ("levels",): 0, ("precision",): 4096},
    ),
    "words of many blocks": (
        "frames",
        {("maps",): [[1024, 1024], [1, 1]], ("d",): 64},
        {
            ("levels",): 2,
            ("addresses",): {"length": 63, "basis": independent(20, 63), "blocks": [["0" * 16, 12]] * 256},
        },
    ),
    "words of many bits": (
        "frames",
        {("maps",): [[1024, 512], [1, 1]], ("d",): 4096},
        {
            ("levels",): 2,
            ("addresses",): {"length": 4095, "basis": independent(19, 4095), "blocks": [["0" * 1024, 19]]},
        },
    ),
    "classes at a precision": (
        "frames",
        {("maps",): [[64, 64], [1, 1]], ("d",): 4096},
        {
            ("levels",): 2,
            ("precision",): 4096,
            ("addresses",): {"length": 4095, "basis": independent(12, 4095), "blocks": [["0" * 1024, 12]]},
        },
    ),
    "letters without number": ("frames with failures", {}, {("digits",): 16, ("levels",): 40}),
    "letters at a precision": ("frames with failures", {}, {("digits",): 16, ("levels",): 4, ("precision",): 256}),
    "powers of a cap": (
        "lattice cliques",
        {("d",): 4096},
        {("cap",): [2**64 - 1, 2**64], ("precision",): 4096, ("mu",): LONG, ("tilt",): "99/100"},
    ),
    "rows beside rows": (
        "keys read once",
        {("d",): 20},
        {
            ("address_dimension",): 16,
            ("addresses",): {"rows": [[(i * j) % 2048 + 1 for j in range(16)] for i in range(20000)]},
        },
    ),
    "weights of many keys": (
        "given keys",
        {("maps",): [[60, 60], [1, 1]], ("keys",): digest_of([[k, 1, 1, 1] for k in range(3601)])},
        {("rows",): [[k, 1, 1, 1] for k in range(3601)], ("asked",): list(range(3600))},
    ),
    "weights at a precision": ("given keys", {}, {("precision",): 4096, ("multiplier",): LONG, ("levels",): 2**20}),
    "cosets of many digits": (
        "levels of a value",
        {("d",): 4096},
        {("keys",): {"length": 4096, "basis": [], "cosets": [format(k, "01024x") for k in range(400)]}},
    ),
    "a code of many words": (
        "levels of a value",
        {},
        {("keys",): {"length": 16, "basis": [format(1 << k % 16, "04x") for k in range(22)], "cosets": ["0000"]}},
    ),
    "signs of many keys": (
        "sign keys",
        {("n",): 4096, ("d",): 64},
        {("rows",): [format(k, "016x") for k in range(4096)]},
    ),
    "a long code": (
        "majority",
        {("length",): 256, ("dimension",): 240},
        {("parity",): [[(i >> j) & 1 for j in range(16)] for i in range(240)]},
    ),
    "leaves at a precision": (
        "entropy",
        {},
        {("precision",): 4096, ("leaves",): [{"p": ["1/100", "1/10"]}] * 4096},
    ),
    "variables without number": ("handelman", {("variables",): [f"x{k}" for k in range(10**5)]}, {}),
    "coefficients of many digits": (
        "handelman",
        {("goal", "expression"): ["^", ["+", "x", "y", LONG[:1200]], 200]},
        {},
    ),
    "a tail at a precision": ("transcript", {}, {("precision",): 4096}),
    "tokens of a witness": ("witness", {("shapes",): [[4096, 1024], [1, 1]]}, {("precision",): 4096}),
    "a norm of many digits": (
        "witness",
        {("d",): 1024, ("shapes",): [[1, 1], [1, 1]]},
        {
            ("precision",): 4096,
            ("query",): [f"1/{10**800 + k}" for k in range(1024)],
            **{(part,): [[["1"] * 1024]] * 2 for part in ("keys", "values", "queries")},
        },
    ),
    "marks of many digits": (
        "keys_at_most",
        {},
        {("marks",): [str(Fraction(k, 10**600) - 1) for k in range(1, 2000)]},
    ),
    "weights of many digits": ("keys_at_most", {}, {("coefficients",): [LONG] * 65}),
    "denominators without common factors": (
        "keys_at_most",
        {},
        {("coefficients",): [f"1/{3**1300 + k}" for k in range(65)], ("double_roots",): []},
    ),
    "cells of a map": ("fibre", {("maps",): [[16, 32], [16, 32], [64, 64], [64, 64]]}, {}),
    "levels to a power": (
        "fibre",
        {("codebook",): {"kind": "levels", "levels": 3, "channels": 4096}},
        {},
    ),
    "many large maps": ("ids", {("maps",): [[128, 128]] * 16}, {}),
    "values beyond number": ("sign keys", {}, {("rows",): [[]] * 2**20}),
}


QUICK = {"a norm of many digits", "marks of many digits"}
"""These look heavy and need not be: they are answered as fast as the others are refused."""


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[float, str, str]]:
    """(processor seconds, outcome, reason) of each."""
    return judged_alone({name: with_changes(*HEAVY[name]) for name in HEAVY}, tmp_path_factory.mktemp("heavy"))


@pytest.mark.parametrize("name", HEAVY)
def test_too_much_work_is_refused_at_once(name: str, judged: dict[str, tuple[float, str, str]]) -> None:
    """Forgery: sizes that multiply are counted before they are computed with."""
    seconds, outcome, reason = judged[name]
    assert seconds < 1
    assert outcome == REJECTED.name or name in QUICK
    assert "the judge failed" not in reason, reason
