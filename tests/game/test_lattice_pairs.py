"""Laws, known values and forgeries of the game of lattice keys: pairs just outside the body are told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import arb

from experiments.lattice_pairs import exact
from lowerbound.caches.registry import play, target_of
from lowerbound.certify.check import check
from lowerbound.certify.design.lattice_game import lattice_game
from lowerbound.certify.transcript import transcript
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import RuleName
from lowerbound.core.scalars import ball, precision
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender
from lowerbound.game.lattice_pairs import LatticePairs
from lowerbound.game.protocol import CacheProtocol
from lowerbound.kernel.verdict import Outcome
from tests.game.test_keys_and_values import PUSHES, Pushed
from tests.test_cli import Run, json_of

SMALL = Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)
D16 = Geometry.of(find_model("var-d16"))


@pytest.fixture(scope="module")
def small() -> LatticePairs:
    """21 cached tokens in R^16, eta 1/100."""
    return lattice_game(SMALL, eta="1/100")


def misread(family: LatticePairs, push: str, by: Fraction) -> tuple[int, int]:
    """(values, keys) that Bob misreads of a cache that is off by `by`, each way of `push`."""
    public = family.public()
    protocol = CacheProtocol(family, lambda: Pushed(public, PUSHES[push], float(by)))
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    wrong = protocol.bob(protocol.alice(symbols)) != symbols
    return int(wrong[:, :-1].sum()), int(wrong[:, -1].sum())


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize("rule", ["l2norm", "1/sqrt(d)"])
def test_every_symbol_is_read_under_the_worst_allowed_error(rule: RuleName, push: str) -> None:
    """Law: answers that are off by exactly eta, in any of the bad directions, cost no symbol; off by 3/2 eta, some."""
    family = lattice_game(replace(SMALL, rule_name=rule), eta="1/100")
    assert misread(family, push, family.eta) == (0, 0)
    values, keys = misread(family, push, family.eta * 3 / 2)
    assert values > 0
    assert keys > 0


def test_the_points_are_what_the_theorem_asks_for(small: LatticePairs) -> None:
    """Definition: in exact integers and balls, pairs are apart, inside the ball, and coherent whichever are taken."""
    widest = Fraction(5, 4) * small.distance
    for one, other in small.pairs:
        assert float(small.distance) * (1 - 1e-9) <= np.linalg.norm(one - other) <= float(widest)
    with precision(160):
        lifts = [[arb(z) for z in point] for pair in small.points for point in pair]
        steps, mu = arb(small.steps), ball(small.coherence)
        for one, other in small.points:
            assert sum(z * z for z in one) < small.steps**2 > sum(z * z for z in other)
            assert sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) >= (small.distance * small.steps) ** 2
        heights = [(steps**2 - sum((z * z for z in point), arb(0))).sqrt() for point in lifts]
        for i, lift in enumerate(lifts):
            for j in range(i - i % 2):
                flat = sum((a * b for a, b in zip(lift, lifts[j], strict=True)), arb(0))
                assert (flat + heights[i] * heights[j]) / steps**2 <= mu


def test_pairs_do_not_depend_on_the_process(small: LatticePairs) -> None:
    """Law: what crosses to the parties rebuilds the same points; another seed gives others; symbols are private."""
    again = LatticePairs.from_json(json.loads(json.dumps(small.to_json())))
    assert again.points == small.points
    assert again.to_json() == small.to_json()
    other = replace(small, seed=1)
    assert other.points != small.points
    assert np.array_equal(other.draw(PrivateSeed(0), 0), small.draw(PrivateSeed(0), 0))


def test_exact_outputs_differ_by_more_than_two_eta(small: LatticePairs) -> None:
    """Differential: softmax in Arb over the exact lifts; floats lie within the derived rounding of it."""
    symbols = small.symbols_of(small.draw(PrivateSeed(3), 0))
    with precision(160):
        lam, steps = ball(small.multiplier), arb(small.steps)
        for token in (0, 7, 20):
            run, outputs = small.question(token), []
            for which in (0, 1):
                symbols[token, -1] = which
                logits = []
                for pair, name in zip(small.points, symbols[:, -1], strict=True):
                    flat = [arb(z) / steps for z in pair[name]]
                    height = (1 - sum((z * z for z in flat), arb(0))).sqrt()
                    key = [*flat, height]
                    query = [arb(float(x)) for x in run.queries[0, 0, 0]]
                    norm = sum((x * x for x in query), arb(0)).sqrt()
                    logits.append(lam * sum((a * b for a, b in zip(key, query, strict=True)), arb(0)) / norm)
                own = [arb(float(x)) for x in run.keys[0, 0, 0]]
                length = sum((x * x for x in own), arb(0)).sqrt()
                cosine = sum((a * b for a, b in zip(own, query, strict=True)), arb(0)) / (length * norm)
                mass = sum((logit.exp() for logit in logits), arb(0))
                output = mass / (mass + small.geometry.n_own * (lam * cosine).exp())
                assert abs(output - arb(float(exact(small, symbols, run)[0, 0]))) < ball(small.rounding)
                outputs.append(output)
            assert outputs[1] - outputs[0] > 2 * ball(small.eta)
            assert outputs[0] < arb(0.5) < outputs[1]


@pytest.mark.parametrize(
    ("change", "inequality"),
    [
        ({"distance": Fraction(3, 10)}, "pairs nearer than the tilt"),
        ({"eta": Fraction(11, 1000)}, "pairs that are apart"),
        ({"multiplier": Fraction(95)}, "pairs that are apart"),
        ({"multiplier": Fraction(101)}, "0 < lambda <= 100"),
        (
            {
                "geometry": Geometry("one picture", ScaleSchedule(((1, 2), (256, 256))), 16),
                "multiplier": Fraction(3),
                "eta": Fraction(1, 10**6),
                "coherence": Fraction(0),
                "tilt": Fraction(9, 10),
                "distance": Fraction(3, 10),
            },
            "a reference that reaches down",
        ),
        ({"tilt": Fraction(1)}, "0 <= mu < C < 1"),
        ({"coherence": Fraction(99, 100)}, "0 <= mu < C < 1"),
        ({"eta": Fraction(1, 2)}, "below 1/2"),
        ({"steps": 3}, "power of two"),
        ({"steps": 2**49}, "power of two"),
        ({"n_levels_values": 51}, "cannot be told apart"),
        ({"n_levels_values": 2**30}, "2 <= L <= 4096"),
        ({"geometry": replace(SMALL, d=2)}, "d >= 3"),
    ],
)
def test_a_false_game_is_refused_by_the_name_of_its_inequality(
    small: LatticePairs, change: dict[str, Any], inequality: str
) -> None:
    """Forgery: one parameter of a proved game changed, so that one inequality is false."""
    with pytest.raises(ImpossibleReduction, match=inequality):
        replace(small, **change)


def test_nearer_pairs_are_refused(small: LatticePairs) -> None:
    """Law: the pairs are farther apart than the theorem's k/m, and a game of nearer ones is refused."""
    assert small.distance > diameter(SMALL)
    for share in (Fraction(1, 2), Fraction(95, 100)):
        with pytest.raises(ImpossibleReduction, match="pairs that are apart"):
            replace(small, distance=small.distance * share)


def diameter(place: Geometry) -> Fraction:
    """k/m of the strongest instance at eta 1/100."""
    from lowerbound.certify.certified import certified

    found = certified(place, eta="1/100", delta="0", theorem="E1")
    assert found is not None
    return Fraction(*found.sealed.certificate["payload"]["diameter"])


@pytest.mark.slow
def test_keys_that_do_not_fit_are_refused(small: LatticePairs) -> None:
    """Bad input: keys that must be nearly orthogonal, or pairs on a coarse lattice, do not fit."""
    for impossible in (replace(small, coherence=Fraction(1, 100)), replace(small, steps=2**10)):
        with pytest.raises(
            ImpossibleReduction, match=r"keys must have cosines of at most 0\.\d+ over .* steps to a unit"
        ):
            _ = impossible.points


@pytest.mark.slow
def test_rows_of_the_reference_model() -> None:
    """Known value: fp16 misreads nothing at 1/100; a window of a quarter keeps a quarter of both kinds of symbols."""
    family = lattice_game(D16, eta="1/100")
    half = play(family, "full-fp16", isolation=Isolation.NONE)
    assert [(part.name, part.levels, part.errors) for part in half.parts] == [("values", 50, 0), ("keys", 2, 0)]
    assert half.symbols == 424 * 64
    assert half.state_bits == 868352 + 32 + 64
    row = play(family, "window", budget="1/4", isolation=Isolation.NONE)
    for part in row.parts:
        assert part.error_low <= 0.75 * (1 - 1 / part.levels) <= part.error_high


@pytest.mark.slow
def test_a_transcript_is_played_again() -> None:
    """Definition: a game of lattice keys is written down, and the same game gives the same bytes and answers."""
    played, document = transcript(
        lattice_game(D16, eta="1/100"), Contender(target_of("kivi"), "1/4", "kivi"), isolation=Isolation.NONE
    )
    told = check(document)
    assert told.verdict.outcome is Outcome.VERIFIED, told.verdict.reason
    assert sum(part.errors for part in played.row.parts) > 0


def test_several_heads_have_symbols_of_their_own(small: LatticePairs) -> None:
    """Law: a stack of heads shares the public points, and has its own symbols."""
    row = play(small.stacked((2, 3)), "full-fp32", isolation=Isolation.NONE)
    assert (row.errors, row.heads, row.symbols) == (0, 6, 6 * small.n_symbols)


@pytest.mark.slow
def test_the_command_tells_the_floor_of_the_whole_family(run_command: Run) -> None:
    """Definition: `play --keys-and-values cliques` shows the symbols' floor in its rows, and Theorem E1's below."""
    told = json_of(
        run_command(
            "play", "full-fp16", "--keys-and-values", "cliques", "--schedule", "1x1 2x2 4x4", "--d", "8",
            "--eta", "0.01", "--isolation", "none", "--json",
        )
    )  # fmt: skip
    assert told["whole_family"]["theorem"] == "E1"
    assert told["whole_family"]["bits"] > told["rows"][0]["floor_bits"]


def test_heads_without_a_game_are_refused() -> None:
    """Bad input: too few dimensions, too small a multiplier, an error beyond 1/2: one sentence."""
    for place, terms in ((replace(SMALL, d=2), {}), (SMALL, {"multiplier": 5}), (SMALL, {"multiplier": 0})):
        with pytest.raises(ImpossibleReduction, match="Theorem E1 has no instance"):
            lattice_game(place, eta="1/100", **terms)
    with pytest.raises(ImpossibleReduction, match="Theorem E1 has no instance"):
        lattice_game(SMALL, eta="1/2")
