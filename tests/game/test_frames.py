"""Laws and forgeries of the game of Theorem F': what its keys are, and every letter read under the worst error."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from math import log2
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import play
from lowerbound.certify.design.frames_game import frames_game
from lowerbound.certify.transcript import replayed, transcript
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import RuleName
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender
from lowerbound.game.frames_reduction import FramesReduction
from lowerbound.kernel.verdict import Outcome
from tests.game.test_keys_and_values import PUSHES, answered, misread
from tests.marks import first_now

SMALL = Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)


@pytest.fixture(scope="module")
def family() -> FramesReduction:
    """21 cached tokens in R^16 at eta = 1/100."""
    return frames_game(SMALL, eta="1/100")


@pytest.mark.parametrize("push", first_now(PUSHES, 2))
@pytest.mark.parametrize("rule", first_now(["l2norm", "1/sqrt(d)"]))
def test_every_letter_is_read_under_the_worst_allowed_error(rule: RuleName, push: str) -> None:
    """Law: answers that are off by exactly eta, in any of the bad directions, cost nothing; off by 3/2 eta, much."""
    family = frames_game(replace(SMALL, rule_name=rule), eta="1/100")
    assert misread(family, PUSHES[push], family.design.eta) == (0, 0)
    assert min(misread(family, PUSHES[push], family.design.eta * 3 / 2)) > 100


@pytest.mark.slow
@pytest.mark.parametrize("eta", ["1/10", "1/1000"])
def test_the_reference_model(eta: str) -> None:
    """Law: all values of VAR-d16, and all letters but a few that are shut, are read, a quarter of the tokens under each
    direction of error."""
    from lowerbound.core.models import find_model

    family = frames_game(Geometry.of(find_model("var-d16")), eta=eta)
    values, letters = misread(family, None, family.design.eta)
    assert values == 0
    assert letters <= 5


def test_keys_hold_the_words(family: FramesReduction) -> None:
    """Definition: keys are unit vectors, c_0 along the address, y_l along the image of e_l under the reflection."""
    symbols = family.draw(PrivateSeed(3), 0)
    keys, values = (array[0, 0] for array in family.tokens(symbols))
    assert np.allclose((keys**2).sum(axis=1), 1, atol=1e-14)
    assert np.array_equal(values[:, 0], np.ones(len(values)))
    letters = family.design.letters[symbols[:, family.geometry.d - 1 :]]
    first = np.eye(family.geometry.d - 1)[0]
    for address, key, word in zip(family.design.addresses, keys, letters, strict=True):
        mirror = first - address
        frame = np.eye(len(first)) - 2 * np.outer(mirror, mirror) / (mirror @ mirror)
        assert np.allclose(frame[0], address, atol=1e-14)
        assert np.allclose(frame @ key[:-1], [float(family.design.number("c0")), *word], atol=1e-13)


def test_words_are_drawn_until_they_fit(family: FramesReduction) -> None:
    """Law: every drawn word fits a unit key, all letters occur, and the promised share of sequences are words."""
    design = family.design
    words = np.concatenate([family.draw(PrivateSeed(5), trial)[:, family.geometry.d - 1 :] for trial in range(200)])
    assert design.fits(words).all()
    assert set(np.unique(words)) == set(range(design.n_letters))
    assert ((design.letters[words] ** 2).sum(axis=1) <= 1 - float(design.number("c0")) ** 2 + 1e-12).all()
    sequences = np.random.default_rng(0).integers(0, design.n_letters, (20000, design.p))
    z = float(design.number("spread"))
    assert 1 / (1 + 1 / z) <= design.fits(sequences).mean() < 1
    longest = np.full((1, design.p), design.n_letters - 1)
    assert not design.fits(longest).any()


def test_bob_reads_a_letter_no_more_often_than_he_may(family: FramesReduction) -> None:
    """Law: with noise for answers he stops after ceil(log2 L) rounds, and his keys and queries have their lengths."""
    rng = np.random.default_rng(1)
    runs, _ = answered(family, lambda run: rng.random(run.queries.shape))
    rounds = -(-family.design.p // family.design.n_own) * (family.design.n_letters - 1).bit_length()
    n_values = -(-family.schedule.n_tokens_cached // family.design.n_own)
    assert len(runs) <= n_values + family.schedule.n_tokens_cached * rounds
    length = family.geometry.query_length(family.multiplier)
    for run in runs:
        assert np.allclose((run.keys**2).sum(axis=-1), 1, atol=1e-12)
        assert np.allclose((run.queries**2).sum(axis=-1), length**2, rtol=1e-12)


def test_few_own_tokens_are_enough() -> None:
    """Law: with two tokens of his own, Bob reads the frame of a token two directions at a time."""
    family = frames_game(Geometry("few", ScaleSchedule(((1, 1), (2, 2), (1, 2))), 12), eta="1/100")
    assert misread(family, PUSHES["towards half"], family.design.eta) == (0, 0)


def test_heads_have_words_of_their_own() -> None:
    """Law: four heads in two layers are read as one is."""
    family = frames_game(replace(SMALL, stack=(2, 2)), eta="1/100")
    assert family.shape == (84, 29)
    assert misread(family, PUSHES["coins"], family.design.eta) == (0, 0)


def test_the_row_and_its_floor(family: FramesReduction) -> None:
    """Definition: a row's floor is below log2 of the number of instances, and its parts add up to a little more."""
    row = play(family, "full-fp16", isolation=Isolation.NONE, instances=PrivateSeed(0))
    assert [part.errors for part in row.parts] == [0, 0]
    design, n = family.design, family.schedule.n_tokens_cached
    instances = n * (15 * log2(design.n_levels_values) + 14 * log2(design.n_letters))
    parts = sum(part.floor_bits for part in row.parts)
    assert row.floor_bits < row.state_bits
    assert row.floor_bits == pytest.approx(parts - n * log2(1 + 1 / float(design.number("spread"))), abs=1e-6)
    assert row.floor_bits < instances
    assert row.computation_model == "R1"


def test_json_round_trip(family: FramesReduction) -> None:
    """Law: a family is what its JSON says."""
    again = FramesReduction.from_json(json.loads(json.dumps(family.to_json())))
    assert again == family
    assert np.array_equal(again.draw(PrivateSeed(1), 0), family.draw(PrivateSeed(1), 0))
    assert not np.array_equal(again.draw(PrivateSeed(2), 0), family.draw(PrivateSeed(1), 0))


@pytest.mark.parametrize(
    ("change", "inequality"),
    [
        ({"step": "1/1000"}, "lambda sin"),
        ({"c0": "99/100"}, "m_2"),
        ({"value_levels": 52}, "tau_V"),
        ({"levels": 301}, "even"),
        ({"addresses": {"length": 15, "basis": [], "blocks": [["0000", 0]]}}, "21 addresses"),
    ],
)
def test_designs_that_cannot_be_read(family: FramesReduction, change: dict[str, Any], inequality: str) -> None:
    """Forgery: a design is what the kernel accepts, and the reason names the inequality."""
    with pytest.raises(ImpossibleReduction, match=inequality):
        replace(family.design, payload={**family.design.payload, **change})


def test_letters_too_close_for_floats(family: FramesReduction) -> None:
    """Law: a design that holds at eta alone, and not at eta and what float64 adds, is not played."""
    wide, holds = family.design.number("step"), family.design
    narrow = wide * (1 - Fraction(1, 10**7))
    for _ in range(30):
        middle = (wide + narrow) / 2
        try:
            holds = replace(family.design, payload={**family.design.payload, "step": str(middle)})
            wide = middle
        except ImpossibleReduction:
            narrow = middle
    with pytest.raises(ImpossibleReduction, match="lambda sin"):
        FramesReduction(holds)


def test_games_of_frames_are_not_written_down(family: FramesReduction) -> None:
    """Bad input: a transcript's floor is a sum over symbols, and that of frames is less."""
    with pytest.raises(InvalidArgument, match="whose words leave some out"):
        transcript(family, Contender("lowerbound.caches.controls.full:Full64"), isolation=Isolation.NONE)


def test_written_games_of_frames_are_refused(family: FramesReduction) -> None:
    """Forgery: a file that says it is a game of frames is no game here, whatever floor it claims."""
    setting = {"game": family.game, "family": family.to_json()}
    verdict = replayed({"cache": "full", "model": "var-d16", "setting": setting}, {})
    assert verdict.outcome is Outcome.REJECTED
    assert "whose words leave some out" in verdict.reason


@pytest.mark.parametrize(("eta", "d", "sentence"), [("1/2", 16, "eta must lie"), ("1/100", 3, "frames must exist")])
def test_no_frames(eta: str, d: int, sentence: str) -> None:
    """Bad input: errors that leave nothing to read, and heads with too few dimensions."""
    with pytest.raises(ImpossibleReduction, match=sentence):
        frames_game(replace(SMALL, d=d), eta=eta)
