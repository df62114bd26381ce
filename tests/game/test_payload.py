"""Known values, laws and forgeries of the designs of Theorems C and C': what is proved before a symbol is written."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.certify.design.addresses import books
from lowerbound.certify.design.target import Target
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.bounds import BALLS
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.keys.steiner import Steiner
from lowerbound.core.keys.trace import Trace2
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.reading import KINDS, FloatArithmetic, Kind, key_room, key_step, reading
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game.payload import PayloadDesign
from lowerbound.game.payload_plan import plan_payload
from lowerbound.game.payload_reduction import PayloadReduction
from tests.marks import first_now

D16 = Geometry.of(find_model("var-d16"))
FP16_BITS = 868352
ADDRESSES = Path(__file__).parent.parent / "tables" / "addresses_424_7.json"
"""424 vectors optimised on the sphere of R^7 and rounded to multiples of 1/4096, one-sided coherence 0.71054."""


def trace_design() -> PayloadDesign:
    """Theorem C with the GF(32) trace keys: rho^2 = 1/2, and gamma so that c = 3."""
    gamma = Fraction("0.2472257")
    return PayloadDesign(
        D16,
        Trace2().keys(424, 32),
        Fraction(1, 4),
        Fraction(1, 2),
        gamma,
        Fraction(100),
        50,
        46,
        "C",
        Fraction(1, 100),
    )


def optimised_design() -> PayloadDesign:
    """Theorem C at eta = 1/100 with optimised addresses."""
    rows = np.array(json.loads(ADDRESSES.read_text(encoding="utf-8")), dtype=np.int64)
    return PayloadDesign(
        geometry=D16,
        addresses=Keys("optimised", rows),
        coherence=Fraction(71054, 100000),
        rho_squared=Fraction(233729, 500000),
        gamma=Fraction(529473, 1000000),
        multiplier=Fraction(100),
        n_levels_values=50,
        n_levels_keys=49,
        kind="C",
        eta=Fraction(1, 100),
    )


def zoom_design(eta: str, rho_squared: str, gamma: str, n_values: int, n_keys: int) -> PayloadDesign:
    """Theorem C' with the 500 vectors of S(3, 4, 10)."""
    return PayloadDesign(
        geometry=D16,
        addresses=Steiner().keys(424, 10),
        coherence=Fraction(1, 2),
        rho_squared=Fraction(rho_squared),
        gamma=Fraction(gamma),
        multiplier=Fraction(100),
        n_levels_values=n_values,
        n_levels_keys=n_keys,
        kind="C'",
        eta=Fraction(eta),
    )


ZOOM_100 = ("1/100", "482373/1000000", "1002059/1000000", 50, 163)
ZOOM_1000 = ("1/1000", "233729/500000", "227499/250000", 500, 1524)


@pytest.mark.parametrize(
    ("design", "bits"),
    [
        (trace_design(), 223360.4),
        (optimised_design(), 284074.4),
        (zoom_design(*ZOOM_100), 315899.3),
        (zoom_design(*ZOOM_1000), 477105.0),
    ],
    ids=["trace", "optimised", "zoom-100", "zoom-1000"],
)
def test_known_designs_of_the_reference_model(design: PayloadDesign, bits: float) -> None:
    """Known value: bits per head of VAR-d16, from designs that were certified by a checker that shares no code."""
    assert round(design.floor_bits, 1) == bits
    assert design.floor_bits < FP16_BITS


def test_the_trace_design_in_numbers() -> None:
    """Known value: c = 3 to six digits, the leak of a payload read is under 1e-17, and 25.72 % of the fp16 cache."""
    design = trace_design()
    assert abs(float(design.at_hand.payload.mid()) - 3) < 1e-6
    assert float(design.at_hand.key_leak.upper()) < 1e-17
    assert round(design.floor_bits / FP16_BITS, 4) == 0.2572
    assert replace(design, failure_prob=Fraction(1, 10)).floor_bits / FP16_BITS == pytest.approx(0.2101, abs=5e-5)


def test_errors_cost_a_zoom_more() -> None:
    """Law: with failing answers a payload of C' is wrong for any of its ceil(log2 L_K) rounds, one of C for one."""
    zoom, single = zoom_design(*ZOOM_100), trace_design()
    assert (zoom.most_rounds, single.most_rounds) == (8, 1)
    assert replace(zoom, n_levels_keys=128).most_rounds == 7
    assert replace(zoom, n_levels_keys=129).most_rounds == 8
    rate = Fraction(1, 100)
    lost = [design.floor_bits - replace(design, failure_prob=rate).floor_bits for design in (zoom, single)]
    assert lost[0] > 3 * lost[1] > 0
    assert replace(zoom, failure_prob=Fraction(1, 8)).floor_bits > 0


@pytest.mark.parametrize(
    ("design", "change", "inequality"),
    [
        (trace_design(), {"n_levels_values": 51}, r"value levels apart, \(L_V - 1\)\(2 eta \+ 2 tau_v\) < 1"),
        (trace_design(), {"n_levels_keys": 47}, r"key levels apart, .* < tanh\(c/2\)"),
        (trace_design(), {"gamma": Fraction(24, 100)}, "key levels apart"),
        (trace_design(), {"coherence": Fraction(1, 4) - Fraction(1, 10**6)}, "coherence at most mu"),
        (trace_design(), {"multiplier": Fraction(101)}, "0 < lambda <= 100"),
        (trace_design(), {"multiplier": Fraction(8), "gamma": Fraction(2)}, "reference in reach, ln T_N"),
        (trace_design(), {"eta": Fraction(11, 1000)}, "value levels apart"),
        (trace_design(), {"eta": Fraction(1, 2)}, "0 <= eta < 1/2"),
        (trace_design(), {"rho_squared": Fraction(1)}, r"0 < rho\^2 < 1"),
        (trace_design(), {"gamma": Fraction(0)}, "gamma > 0"),
        (trace_design(), {"kind": "D"}, "kind is one of"),
        (trace_design(), {"n_levels_keys": 1}, "L_K >= 2"),
        (trace_design(), {"spread": 30}, "spread >= p - 1 = 31"),
        (trace_design(), {"failure_prob": Fraction(2, 3)}, "0 <= delta <= 1/2"),
        (trace_design(), {"addresses": Trace2().keys(423, 32)}, "one address for each of T = 424"),
        (trace_design(), {"addresses": Trace2().keys(424, 64)}, "1 <= d_a <= d - 2 = 62"),
        (trace_design(), {"addresses": Keys("twice", Trace2().keys(212, 32).rows.repeat(2, axis=0))}, "coherence"),
        (optimised_design(), {"coherence": Fraction(71053, 100000)}, "coherence at most mu"),
        (optimised_design(), {"n_levels_keys": 50}, "key levels apart"),
        (zoom_design(*ZOOM_100), {"n_levels_keys": 164}, r"key levels apart, .*atanh\(2 eta\).* < 2 c"),
        (zoom_design(*ZOOM_1000), {"n_levels_keys": 1525}, "key levels apart"),
        (zoom_design(*ZOOM_100), {"kind": "C"}, "key levels apart"),
    ],
)
def test_a_false_design_is_refused_by_the_name_of_its_inequality(
    design: PayloadDesign, change: dict[str, Any], inequality: str
) -> None:
    """Forgery: one parameter of a proved design changed, so that one inequality is false."""
    with pytest.raises(ImpossibleReduction, match=inequality):
        replace(design, **change)


def test_a_design_without_room_for_rounding_is_proved_but_not_played() -> None:
    """Law: the game asks for the same inequalities at eta + rounding, and says which one fails."""
    eta = Fraction(1, 100) - Fraction(1, 10**13)
    tight = replace(trace_design(), n_levels_values=51, n_levels_keys=40, eta=eta)
    with pytest.raises(ImpossibleReduction, match=r"value levels apart, .* and rounding 5"):
        PayloadReduction(tight)
    assert PayloadReduction(replace(tight, eta=eta - Fraction(1, 10**10))).rounding < Fraction(1, 10**11)


def test_json_round_trip() -> None:
    """Law: what crosses to the parties rebuilds the same design and the same family."""
    design = replace(optimised_design(), failure_prob=Fraction(1, 7))
    again = PayloadDesign.from_json(json.loads(json.dumps(design.to_json())))
    assert again.to_json() == design.to_json()
    assert again.floor_bits == design.floor_bits
    family = PayloadReduction(design, seed=5)
    twin = PayloadReduction.from_json(json.loads(json.dumps(family.to_json())))
    assert np.array_equal(twin.draw(PrivateSeed(0), 0), family.draw(PrivateSeed(0), 0))
    assert all(
        np.array_equal(a, b)
        for a, b in zip(
            twin.tokens(twin.draw(PrivateSeed(0), 0)), family.tokens(family.draw(PrivateSeed(0), 0)), strict=True
        )
    )


@pytest.mark.parametrize("kind", ["C", "C'"])
def test_floats_and_balls_read_one_formula(kind: Kind) -> None:
    """Differential: the search's floats lie at the proof's balls, and both at the formulas written out by hand."""
    design = replace(zoom_design(*ZOOM_100), n_levels_keys=2, kind=kind)
    found = reading(
        FloatArithmetic(), design.kind, n_cached=424, n_own=256, spread=54, mu=0.5, multiplier=100.0,
        rho_squared=float(design.rho_squared), gamma=float(design.gamma),
    )  # fmt: skip
    rho, gamma = math.sqrt(design.rho_squared), float(design.gamma)
    top, stretch = 100 * math.sqrt(1 - rho * rho), math.sqrt(1 + gamma * gamma)
    c = 100 * gamma * rho / (math.sqrt(54) * stretch)
    by_hand = {
        "reference": top / stretch,
        "payload": c,
        "gap": top / 2 / stretch,
        "value_leak": 423 * math.exp(-top / 2) + 256 * math.exp(-top),
        "key_leak": 423 * math.exp((1 if kind == "C" else 2) * c - top / 2 / stretch),
    }
    for name, value in by_hand.items():
        assert getattr(found, name) == pytest.approx(value, rel=1e-12)
        assert float(getattr(design.at_hand, name).mid()) == pytest.approx(value, rel=1e-12)
    room = math.tanh(c / 2) if kind == "C" else 2 * c
    step = 0.02 + by_hand["key_leak"] if kind == "C" else 4 * math.atanh(0.02) + math.log1p(by_hand["key_leak"])
    assert float(key_room(BALLS, design.kind, design.at_hand.payload).mid()) == pytest.approx(room, rel=1e-12)
    assert key_step(FloatArithmetic(), design.kind, 0.01, found.key_leak) == pytest.approx(step, rel=1e-12)


def test_the_planned_designs_of_the_reference_model() -> None:
    """Known value: payloads that may leave nothing to fill (Payload.v) buy a little more than the designs above."""
    zoom = plan_payload(D16, kind="C'")
    assert (zoom.addresses.family, zoom.d_a, zoom.spread, zoom.n_levels_keys) == ("steiner", 10, 53, 164)
    assert round(zoom.floor_bits, 1) == 316097.6
    assert round(plan_payload(D16, kind="C'", eta="1/1000").floor_bits, 1) == 477295.9
    assert trace_design().floor_bits < plan_payload(D16).floor_bits < optimised_design().floor_bits


@pytest.mark.parametrize("model", first_now(["var-d16", "var-d36-512"]))
@pytest.mark.parametrize("eta", ["1/100", "1/1000"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_played_is_what_is_certified(model: str, eta: str, kind: Kind) -> None:
    """Differential: with the optimiser's addresses, the played design has its levels, and its bits."""
    place = Geometry.of(find_model(model))
    known = [(Keys(book.family.name, book.rows), book.coherence) for book in books(place.n_tokens_cached)]
    played = plan_payload(place, eta=eta, kind=kind, addresses=known)
    certified = THEOREMS[kind].design(Target(place, Fraction(eta), Fraction(0)))
    assert certified is not None
    assert certified.payload["value_levels"] == played.n_levels_values
    assert certified.payload["key_levels"] == played.n_levels_keys
    assert played.floor_bits == pytest.approx(certified.bits, rel=1e-12)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"eta": "1/2"}, "eta must lie in"),
        ({"eta": "499999/1000000"}, "eta must leave two levels"),
        ({"multiplier": 3}, "eta must leave two levels"),
        ({"multiplier": 0}, "lambda must be > 0"),
        ({"multiplier": 101}, "0 < lambda <= 100"),
        ({"kind": "zoom"}, "kind must be one of"),
        ({"eta": 0.01}, "eta must be an int"),
        ({"failure_prob": "3/4"}, "0 <= delta <= 1/2"),
    ],
)
def test_impossible_plans_are_refused(options: dict[str, Any], reason: str) -> None:
    """Bad input: the reason."""
    with pytest.raises(InvalidArgument, match=reason):
        plan_payload(D16, **options)


def test_a_plan_needs_room_for_addresses() -> None:
    """Bad input: too few dimensions for T addresses and a payload."""
    with pytest.raises(ImpossibleReduction, match=r"424 addresses must fit in R\^7"):
        plan_payload(replace(D16, d=9))
    tiny = plan_payload(Geometry("tiny", ScaleSchedule.square([1, 2]), 5), kind="C'")
    assert (tiny.n_cached, tiny.n_own, tiny.d_a + tiny.p) == (1, 4, 5)
