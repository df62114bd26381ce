"""Definitions and forgeries of transcripts: what was played is written down, checked, and cannot be improved."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import target_of
from lowerbound.certify.check import check
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.certify.transcript import spelt, transcript
from lowerbound.core.bounds import floor_in_interval
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, duel
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome
from tests.marks import first_now
from tests.test_cli import Run

VAR = plan_reduction(find_model("infinity-layer12-0.06m").geometry)
"""One head of a model of the catalogue: transcripts of it can be played again."""


@cache
def written(name: str, budget: str | None = None) -> bytes:
    """The transcript of a game on VAR."""
    return transcript(VAR, Contender(target_of(name), budget, name), isolation=Isolation.NONE)[1]


@pytest.mark.parametrize(
    ("name", "budget"), [("full-fp16", None), ("window", "1/4"), ("golay", None), ("random", None)]
)
def test_a_game_is_written_down(small: Reduction, name: str, budget: str | None) -> None:
    """Differential: the transcript has the bits and errors of the duel; on maps of no model it is CONSISTENT alone."""
    entry = Contender(target_of(name), budget, name)
    played, document = transcript(small, entry, isolation=Isolation.NONE)
    row = duel(small, target_of(name), label=name, budget=budget, isolation=Isolation.NONE)
    checked = check(document)
    assert checked.verdict.outcome is Outcome.CONSISTENT, checked.verdict.reason
    assert "not a model of the catalogue" in checked.verdict.reason
    assert checked.to_json()["verdict"] == "CONSISTENT"
    assert checked.claim["message_bits"] == row.state_bits == played.row.state_bits
    assert (
        sum(part["errors"] for part in checked.claim["parts"])
        == row.errors
        == int((played.asked != played.answered).sum())
    )
    assert checked.claim["floor_bits"] == int(row.floor_bits)


@pytest.mark.parametrize(
    ("name", "budget"), first_now([("full-fp16", None), ("window", "1/4"), ("golay", None), ("random", None)])
)
def test_a_game_is_played_again(name: str, budget: str | None) -> None:
    """Law: a registered cache on a model of the catalogue gives the same bytes and answers, and then it is VERIFIED."""
    verdict = check(written(name, budget)).verdict
    assert verdict.outcome is Outcome.VERIFIED, verdict.reason
    assert "playing again" in verdict.reason
    assert judge_document(written(name, budget))[1].outcome is Outcome.CONSISTENT


@pytest.mark.slow
@pytest.mark.parametrize("terms", [{"guarantee": "additive", "n_levels": None}, {"n_levels": 4}])
def test_games_with_more_levels_are_played_again(terms: dict[str, Any]) -> None:
    """Law: what is planned from the setting is what was played, for levels at equal distances and at equal ratios."""
    plan = plan_reduction(VAR.geometry, seed=3, **terms)
    _, document = transcript(plan, Contender(target_of("window"), "1/4", "window"), isolation=Isolation.NONE)
    assert check(document).verdict.outcome is Outcome.VERIFIED


def test_a_game_in_another_model_is_not_written_down() -> None:
    """Bad input: a transcript speaks of the floor of R1, and `recompute` is played in R2."""
    with pytest.raises(InvalidArgument, match="must be of a game in model R1, got R2"):
        written("recompute")


@pytest.mark.slow
def test_a_game_of_keys_and_values_is_played_again() -> None:
    """Law: a design that proves itself is read from the setting."""
    plan = payload_game(VAR.geometry, "C", eta="1/100", seed=0)
    _, document = transcript(plan, Contender(target_of("window"), "1/4", "window"), isolation=Isolation.NONE)
    assert check(document).verdict.outcome is Outcome.VERIFIED


def forged(data: bytes, claim: dict[str, Any], payload: dict[str, Any]) -> bytes:
    """The transcript with these fields replaced, bound and sealed anew."""
    statement, certificate = read_document(data)
    statement = {**statement, "claim": {**statement["claim"], **claim}}
    return write_document(
        statement,
        {"kind": "transcript", "proves": digest(statement), "payload": {**certificate["payload"], **payload}},
    )


def test_a_message_that_no_cache_sent() -> None:
    """Forgery: H2O at a hundredth of the budget, without an error, by a message of zeros long enough for the floor."""
    sealed = json.loads(written("full-fp16"))
    payload = sealed["certificate"]["payload"]
    told = {"cache": "h2o", "budget": "1/100"}
    document = forged(written("full-fp16"), told, {"message": "0" * len(payload["message"])})
    assert judge_document(document)[1].outcome is Outcome.CONSISTENT
    verdict = check(document).verdict
    assert verdict.outcome is Outcome.REJECTED
    assert "playing again" in verdict.reason


@pytest.mark.parametrize(
    ("claim", "payload"),
    [
        ({"floor_bits": 0}, {}),
        ({"floor_bits": 0}, {"rates": [["0", "1"]]}),
        ({"floor_bits": 0, "confidence": "1/2"}, {"rates": [["0", "1"]]}),
        ({"confidence": "999/1000"}, {}),
    ],
)
def test_the_floor_is_computed(claim: dict[str, Any], payload: dict[str, Any]) -> None:
    """Forgery: a game as it was played, with a floor, a confidence or rates that say less than its errors do."""
    document = forged(written("full-fp16"), claim, payload)
    assert judge_document(document)[1].outcome is Outcome.REJECTED
    assert check(document).verdict.outcome is Outcome.REJECTED


def test_an_empty_message_has_no_floor() -> None:
    """Forgery: a full cache's game with an empty message, every rate allowed and a floor of 0 is another game."""
    nothing = {"message_bits": 64, "floor_bits": 0}
    document = forged(written("full-fp16"), nothing, {"message": "", "rates": [["0", "1"]]})
    assert "ends where" in judge_document(document)[1].reason
    assert check(document).verdict.outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    ("claim", "word"),
    [
        ({"cache": "exec:true"}, "not registered"),
        ({"cache": "os:path"}, "not registered"),
        ({"model": "gpt-5"}, "not a model"),
    ],
)
def test_what_cannot_be_played_again_is_said(claim: dict[str, Any], word: str) -> None:
    """Forgery: a document chooses neither what code runs nor which models there are."""
    verdict = check(forged(written("window", "1/4"), claim, {})).verdict
    assert verdict.outcome is Outcome.CONSISTENT
    assert word in verdict.reason


def test_the_setting_is_the_models() -> None:
    """Forgery: other maps, other thresholds, another game under the name of a model."""
    setting = json.loads(written("window", "1/4"))["statement"]["claim"]["setting"]
    family = setting["family"]
    for new in (
        {**family, "geometry": {**family["geometry"], "d": 64}},
        {**family, "grid": {**family["grid"], "thresholds": ["1/3"]}},
        {**family, "multiplier": "101"},
        {**family, "leakage": "0"},
        {**family, "keys": "nobody's"},
        {},
    ):
        forgery = forged(written("window", "1/4"), {"setting": {**setting, "family": new}}, {})
        assert check(forgery).verdict.outcome is Outcome.REJECTED
    other = forged(written("window", "1/4"), {"setting": {**setting, "game": "chess"}}, {})
    assert check(other).verdict.outcome is Outcome.REJECTED


@pytest.mark.secret
def test_the_symbols_are_drawn_from_the_seed_that_is_opened() -> None:
    """Forgery: symbols that somebody chose, another seed, another commitment; whoever the cache is."""
    _, honest = transcript(VAR, Contender(target_of("window"), "1/4", "window"), isolation=Isolation.NONE)
    payload = json.loads(honest)["certificate"]["payload"]
    assert check(honest).verdict.outcome is Outcome.VERIFIED
    other = PrivateSeed.fresh()
    assert "opens the commitment" in judge_document(forged(honest, {}, {"instance_seed": other.opening}))[1].reason
    for name in ("window", "mine:Mine"):
        told = {"cache": name, "instance_commitment": other.commitment}
        document = forged(honest, told, {"instance_seed": other.opening})
        assert judge_document(document)[1].outcome is Outcome.CONSISTENT
        verdict = check(document).verdict
        assert verdict.outcome is Outcome.REJECTED
        assert "the seed of the instance draws" in verdict.reason
    for seed in ("0x00", "255", "0XFF", "0x", f"0x1{'0' * 64}", 255, None):
        forgery = forged(honest, {}, {**payload, "instance_seed": seed})
        assert "instance" in judge_document(forgery)[1].reason


@pytest.mark.slow
def test_a_better_answer_is_another_game() -> None:
    """Forgery: one answer corrected, or fewer bits claimed, signed and sealed anew."""
    payload = json.loads(written("window", "1/4"))["certificate"]["payload"]
    corrected = forged(written("window", "1/4"), {}, {"answered": payload["asked"]})
    assert "wrong in 0 places" in check(corrected).verdict.reason
    parts = json.loads(written("window", "1/4"))["statement"]["claim"]["parts"]
    low, high = clopper_pearson(0, VAR.n_symbols, confidence=CONFIDENCE)
    least = math.floor(floor_in_interval(VAR.n_symbols, 2, low, high))
    perfect = {"parts": [{**part, "errors": 0} for part in parts], "floor_bits": least}
    told = forged(written("window", "1/4"), perfect, {"answered": payload["asked"], "rates": [[str(low), str(high)]]})
    assert judge_document(told)[1].outcome is Outcome.CONSISTENT
    assert "answered" in check(told).verdict.reason
    assert check(told).verdict.outcome is Outcome.REJECTED
    assert check(forged(written("window", "1/4"), {"message_bits": 64}, {})).verdict.outcome is Outcome.REJECTED


def test_symbols_are_spelt_in_their_bits() -> None:
    """Definition: row by row, the width of the largest symbol, zeros at the end."""
    assert spelt(np.array([[1, 0], [1, 1]]), 2) == "b"
    assert spelt(np.array([[2], [0], [1]]), 3) == "84"
    assert spelt(np.array([[9]]), 10) == "9"
    assert spelt(np.array([[16]]), 17) == "80"


@pytest.mark.slow
def test_the_command(run_command: Run, tmp_path: Path) -> None:
    """Definition: play --transcript writes what check verifies; several caches are refused."""
    path = str(tmp_path / "t.json")
    where = ("--schedule", "1x1 2x2 4x4", "--d", "16", "--isolation", "none")
    assert run_command("play", "h2o", "--budget", "1/2", *where, "--transcript", path).returncode == 0
    told = run_command("check", path)
    assert (told.stdout.splitlines()[-1], told.returncode) == ("CONSISTENT", 3)
    assert json.loads(run_command("check", path, "--json").stdout)["verdict"] == "CONSISTENT"
    own = ("--model", "infinity-layer12-0.06m", "--isolation", "none")
    assert run_command("play", "h2o", "--budget", "1/2", *own, "--transcript", path).returncode == 0
    assert run_command("check", path).stdout.splitlines()[-1] == "VERIFIED"
    refused = run_command("play", "h2o", "full", *where, "--transcript", path)
    assert refused.returncode == 2
    assert "one cache, one budget, one trial and no --sample" in refused.stderr
