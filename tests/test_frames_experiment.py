"""Law and forgery: letters in frames are read under the worst error; letters too close together are not."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from experiments.frames import Frames, played_on, reflected, verdict
from lowerbound.certify.design.frames import frames_by_classes_design
from lowerbound.certify.design.target import Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule
from tests.marks import first_now

HEAD = Geometry("eighty tokens", ScaleSchedule.parse("1x80 8x8"), 32)


def frames_at(delta: str) -> Frames:
    """The best design for eighty tokens at eta = 1/100."""
    target = Target(HEAD, Fraction(1, 100), Fraction(delta))
    return Frames(target, frames_by_classes_design(target).payload)


@pytest.mark.parametrize("delta", first_now(["1/100", "0"]))
def test_letters_are_read(delta: str) -> None:
    """Law: a small run supports the claim at both kinds of delta."""
    row = played_on(frames_at(delta), np.random.default_rng(1), instances=2, reads=150)
    assert (row["reads"], row["wrong"]) == (300, 0)
    assert verdict([row]) == "supported"


@pytest.mark.parametrize(("delta", "name"), first_now([("0", "step"), ("1/100", "kappa"), ("1/100", "gap")]))
def test_letters_too_close_are_misread(delta: str, name: str) -> None:
    """Forgery: with letters at nine tenths of their distance, pushed answers mislead, and the claim is refuted."""
    frames = frames_at(delta)
    closer = Frames(frames.target, {**frames.payload, name: str(Fraction(frames.payload[name]) * Fraction(9, 10))})
    row = played_on(closer, np.random.default_rng(1), instances=2, reads=150)
    assert row["wrong"] > 30
    assert verdict([row]) == "refuted"


def test_too_many_words_are_promised() -> None:
    """Forgery: a share of words that is not reached refutes."""
    row = played_on(frames_at("0"), np.random.default_rng(1), instances=2, reads=10)
    assert verdict([{**row, "promised_share": 1.0}]) == "refuted"
    assert verdict([{**row, "shut": 9}]) == "refuted"


def test_the_reflection_exchanges_its_ends() -> None:
    """Definition: e_0 and the address change places, and lengths stay."""
    address = frames_at("0").addresses[3]
    first = np.eye(len(address))[0]
    assert np.allclose(reflected(address, first), address)
    assert np.allclose(reflected(address, address), first)
