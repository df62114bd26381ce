"""Known values and differentials: floors of every kind, to the bit, against the theory and against plain floats."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lowerbound.certify.certified import certified
from lowerbound.core.keys.steiner import Steiner
from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.rules.separated import check_separated
from tests.certify.design.optimised import optimised
from tests.kernel.examples import REJECTED, VERIFIED, ask
from tests.kernel.floors import FLOORS, PROVED, STEPS_BITS, proved_over_a_lattice

Json = Any
SPHERE = json.loads((Path(__file__).parents[2] / "tables" / "sphere_designs.json").read_text(encoding="utf-8"))
"""Parameters of the known values of Theorems D and E, found by the float search that came with their proofs."""
VAR256 = [[side, side] for side in (1, 2, 3, 4, 5, 6, 8, 10, 13, 16)]


def var256(theorem: str, lemma: str, bits: int, eta: str) -> Json:
    """A claim about one head of a VAR model of 256 pixels."""
    return {
        "theorem": theorem,
        "lemmas": [lemma],
        "computation_model": "R1",
        "model": "var-d16",
        "maps": VAR256,
        "context": 0,
        "d": 64,
        "rule": "l2norm",
        "multiplier": "100",
        "guarantee": "additive",
        "eta": eta,
        "delta": "0",
        "bits": bits,
    }


def assert_most_bits(kind: str, claim: Json, payload: Json) -> None:
    """The claim is verified, and one bit more is rejected."""
    verdict = ask(kind, claim, payload)
    assert verdict.outcome is VERIFIED, verdict.reason
    assert ask(kind, {**claim, "bits": claim["bits"] + 1}, payload).outcome is REJECTED


@pytest.mark.parametrize("name", FLOORS)
def test_the_kernel_agrees_with_plain_floats(name: str) -> None:
    """Differential: the most bits that the kernel verifies are those of the formulas in floats, step sums apart."""
    kind, claim, payload = FLOORS[name]
    assert claim["bits"] == int(PROVED[kind](claim, payload)) - STEPS_BITS.get(name, 0)
    assert_most_bits(kind, claim, payload)


@pytest.mark.parametrize("name", ["collisions", "cliques", "lattice cliques"])
def test_one_own_token_is_reference_enough(name: str) -> None:
    """Law: random and lattice keys force as many bits where the last map is one token, and the float formulas agree."""
    kind, claim, payload = FLOORS[name]
    alone = {**claim, "maps": [*claim["maps"][:-1], [1, 1]]}
    assert claim["bits"] == int(PROVED[kind](alone, payload))
    assert_most_bits(kind, alone, payload)


@pytest.mark.parametrize(
    ("eta", "rho_squared", "gamma", "levels", "bits"),
    [
        # The parameters are those of the first certificates of Theorem C', found before this package had a search.
        ("1/100", "497911/1000000", "949613/1000000", (50, 163), 315899),
        ("1/1000", "464889/1000000", "911389/1000000", (500, 1524), 477105),
    ],
)
def test_known_zoom_floors(eta: str, rho_squared: str, gamma: str, levels: tuple[int, int], bits: int) -> None:
    """Known value: Theorem C' with the 500 addresses in R^10 at 1/2, var-256."""
    payload = {
        "precision": 128,
        "addresses": {"rows": Steiner().keys(424, 10).rows.tolist()},
        "address_dimension": 10,
        "coherence": "1/2",
        "rho_squared": rho_squared,
        "gamma": gamma,
        "multiplier": "100",
        "value_levels": levels[0],
        "key_levels": levels[1],
    }
    assert_most_bits("keys_and_values_floor", var256("C'", "zoom", bits, eta), payload)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "bits"),
    [("D 1/100", 417402), ("D 1/1000", 590729), ("E grid 1/100", 443607), ("E grid 1/1000", 617371)],
)
def test_known_sphere_floors(name: str, bits: int) -> None:
    """Known value: Theorems D and E on a grid, var-256, by the parameters of their first certificates."""
    told = SPHERE[name]
    payload = {
        "precision": 192,
        "mu_0": told["mu0"],
        "slack": told["A"],
        "tau": told["tau"],
        "chain": told["chain"],
        "levels": told["L"],
    }
    eta = name.split()[-1]
    if name[0] == "D":
        assert_most_bits("collision_floor", var256("D", "collision", bits, eta), payload)
    else:
        payload |= {"theta_0": told["theta0"], "values": "grid"}
        assert_most_bits("clique_floor", var256("E", "clique", bits, eta), payload)


@pytest.mark.parametrize(("eta", "first", "bits"), [("1/100", 449228, 449249), ("1/1000", 623421, 623444)])
def test_known_shared_floors(eta: str, first: int, bits: int) -> None:
    """Known value: Theorem E with a shared budget, by the parameters of its first certificates.

    The first checker asked for A twice and for two signs at once. Asking once gives T log2 A + log2(g / g') = 23.2 bits
    more, g = 1 - p - 1/A and g' = g (1 - 1/A); one sign instead of two costs 2.2 bits at 1/100 and 0.006 at 1/1000.
    """
    told = SPHERE[f"E shared {eta}"]
    payload = {
        "precision": 192,
        "mu_0": told["mu0"],
        "slack": told["A"],
        "tau": told["tau"],
        "theta_0": told["theta0"],
        "chain": told["chain"],
        "values": "shared",
        "levels": 0,
    }
    assert bits - first in (21, 23)
    assert_most_bits("clique_floor", var256("E", "clique", bits, eta), payload)


@pytest.mark.parametrize("seed", range(3))
def test_separation_by_long_integers(seed: int) -> None:
    """Differential: packed products accept exactly the coherence that the definition gives, for rows of one norm."""
    rows = Steiner().keys(60 + seed, 10).rows.tolist()
    check_separated({"rows": rows}, len(rows), 10, Fraction(1, 2))
    with pytest.raises(Rejected, match="cosine over"):
        check_separated({"rows": rows}, len(rows), 10, Fraction(1, 2) - Fraction(1, 10**9))
    rows[seed] = rows[seed + 1]
    with pytest.raises(Rejected, match="cosine over"):
        check_separated({"rows": rows}, len(rows), 10, Fraction(99, 100))


def test_separation_of_rows_of_unequal_norm() -> None:
    """Law: the bound of optimised keys, which allows for its least norm, is accepted; less is not."""
    keys, bound = optimised(30, 4, rounds=60)
    check_separated({"rows": keys.rows.tolist()}, 30, 4, bound)
    with pytest.raises(Rejected, match="cosine over"):
        check_separated({"rows": keys.rows.tolist()}, 30, 4, bound - Fraction(1, 500))


@pytest.mark.parametrize(("eta", "bits"), [("1/10", 229762), ("1/100", 406193), ("1/1000", 580969)])
def test_known_lattice_floors(eta: str, bits: int) -> None:
    """Known value and differential: Theorem E1, var-256, the most bits of a design by balls and by plain floats.

    The crude grid that came with the proof (hundredths of mu, thousandths of the tilt) gives 228750, 405938 and 580753.
    """
    found = certified("var-d16", eta=eta, delta="0", theorem="E1")
    assert found is not None
    claim, payload = found.sealed.statement["claim"], found.sealed.certificate["payload"]
    assert claim["bits"] == bits == int(proved_over_a_lattice(claim, payload))
    assert_most_bits("lattice_clique_floor", claim, payload)
    part, scale = payload["diameter"]
    forged = {**payload, "diameter": [part, scale + scale // 10**6]}
    assert ask("lattice_clique_floor", claim, forged).outcome is REJECTED
    assert proved_over_a_lattice(claim, forged) == -1
