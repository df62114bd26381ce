"""The private seed: what its commitment binds, what its text hides, and what it refuses."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from lowerbound.core.coins import Coins
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument


@pytest.mark.secret
def test_fresh_seeds_differ_and_hide() -> None:
    """Law: two fresh seeds are never equal, and no text of one shows its value."""
    one, other = PrivateSeed.fresh(), PrivateSeed.fresh()
    assert one != other
    assert one.commitment != other.commitment
    assert str(one.value) not in f"{one!r} {one}"
    assert one.opening not in f"{one!r} {one}"


def test_the_commitment_is_what_it_says() -> None:
    """Definition: the SHA-256 of the words and the opening, so that anybody can check it without this package."""
    assert PrivateSeed(255).opening == "0xff"
    assert PrivateSeed(255).commitment == hashlib.sha256(b"lowerbound instance 0xff").hexdigest()


def test_the_opening_is_read_back() -> None:
    """Law: parse inverts opening, and reads decimal numbers too."""
    for seed in (PrivateSeed(0), PrivateSeed(2**256 - 1), PrivateSeed.fresh()):
        assert PrivateSeed.parse(seed.opening) == seed
        assert PrivateSeed.parse(str(seed.value)) == seed
    assert np.array_equal(PrivateSeed(7).coins("a").bits(64), Coins(7, "a").bits(64))


def test_parts_are_their_own() -> None:
    """Law: derived seeds depend on the seed and on the label, and on nothing else."""
    seed = PrivateSeed(5)
    assert seed.derived("a") == PrivateSeed(5).derived("a")
    assert len({seed, seed.derived("a"), seed.derived("b"), PrivateSeed(6).derived("a")}) == 4


@pytest.mark.parametrize("text", ["", "-1", "0x", "seven", "1.5", "9" * 81, str(2**256), "1e3", "0b2"])
def test_other_texts_are_refused(text: str) -> None:
    """Bad input: one sentence about the instance seed."""
    with pytest.raises(InvalidArgument, match="instance seed"):
        PrivateSeed.parse(text)


@pytest.mark.parametrize("value", [-1, 2**256, True, 1.0])
def test_other_values_are_refused(value: int) -> None:
    """Bad input: no number outside [0, 2^256), no bool and no float."""
    with pytest.raises(InvalidArgument, match="instance seed"):
        PrivateSeed(value)
