"""Laws of the state's bytes and of random streams: what is written is read, and every bit is booked once."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.bits import BitReader, BitWriter, code_type, state_bits
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState, InvalidArgument


@given(
    st.lists(st.integers(0, 1), max_size=70),
    st.integers(1, 62).flatmap(lambda w: st.tuples(st.just(w), st.lists(st.integers(0, 2**w - 1), max_size=20))),
    st.lists(st.floats(-100, 100, width=16), max_size=20),
    st.sampled_from([16, 32, 64]),
)
def test_fields_round_trip(bits: list[int], words: tuple[int, list[int]], floats: list[float], float_bits: int) -> None:
    """Law: reading what was written gives it back, and the ledger adds up to the bytes."""
    width, values = words
    writer = BitWriter()
    writer.bits("payload", bits)
    writer.uints("indices", values, width=width)
    writer.floats("scales", floats, width=float_bits)
    state = writer.encoded()
    assert sum(state.ledger.values()) == 8 * len(state)
    assert state_bits(state) == 8 * len(state) + 64
    reader = BitReader(state)
    assert reader.bits(len(bits)).tolist() == bits
    assert reader.uints(len(values), width=width).tolist() == values
    assert reader.floats(len(floats), width=float_bits).tolist() == floats
    reader.end()


@pytest.mark.parametrize("width", [*range(1, 18), 31, 32, 33, 62])
def test_codes_are_integers_in_the_shortest_type(width: int) -> None:
    """Differential: codes and integers are written and read alike; codes have the shortest type that holds them all."""
    values = np.random.default_rng(width).integers(0, 2**width, 37)
    kind = code_type(width)
    assert kind == np.min_scalar_type(2**width - 1)
    states = []
    for words in (values, values.astype(kind)):
        writer = BitWriter()
        writer.uints("payload", words, width=width)
        states.append(writer.encoded())
    assert states[0] == states[1]
    codes = BitReader(states[0]).codes(37, width=width)
    assert codes.dtype == kind
    assert codes.tolist() == BitReader(states[0]).uints(37, width=width).tolist() == values.tolist()


def test_every_half_is_finite_or_refused() -> None:
    """Differential: of all 65,536 words of float16, those are refused that are no finite numbers."""
    words = np.arange(2**16, dtype="<u2")
    finite = np.isfinite(words.view("<f2"))
    for word, is_finite in zip(words, finite, strict=True):
        reader = BitReader(word.tobytes())
        if is_finite:
            reader.floats(1, width=16)
        else:
            with pytest.raises(CorruptState, match="finite"):
                reader.floats(1, width=16)
    assert np.count_nonzero(~finite) == 2 * 2**10


def test_a_bit_costs_a_bit() -> None:
    """Known value: 1001 bits are 126 bytes, 7 of the bits padding."""
    writer = BitWriter()
    writer.bits("payload", np.ones(1001))
    state = writer.encoded()
    assert len(state) == 126
    assert state.ledger == {"payload": 1001, "padding": 7}


@pytest.mark.parametrize(
    "write",
    [
        lambda w: w.uints("payload", [4], width=2),
        lambda w: w.uints("payload", [-1], width=2),
        lambda w: w.uints("payload", [0], width=63),
        lambda w: w.floats("payload", [1e6], width=16),
        lambda w: w.floats("payload", [np.nan], width=32),
        lambda w: w.bits("colour", [1]),
    ],
)
def test_what_does_not_fit_is_refused(write: Callable[[BitWriter], None]) -> None:
    """Bad input: nothing is truncated silently."""
    with pytest.raises(InvalidArgument, match="must"):
        write(BitWriter())


@pytest.mark.parametrize(
    "read",
    [
        lambda: BitReader(b"").bits(1),
        lambda: BitReader(b"\x01").bits(7),
        lambda: BitReader(b"\x00\x00").floats(2, width=16),
        lambda: BitReader(np.float32(np.nan).tobytes()).floats(1, width=32),
        lambda: BitReader(b"\x00").end(),
    ],
)
def test_corrupt_bytes_are_refused(read: Callable[[], object]) -> None:
    """Bad input: too short, too long, dirty padding, NaN."""
    with pytest.raises(CorruptState, match="must"):
        read()


def test_streams_are_the_stated_function_of_seed_and_purpose() -> None:
    """Definition: SHAKE-256 of "lowerbound/seed/purpose"."""
    assert Coins(7, "a").bytes(16) == hashlib.shake_256(b"lowerbound/7/a").digest(16)


def test_streams_do_not_depend_on_order_or_process() -> None:
    """Law: a fresh interpreter, drawing in another order, gets the same values."""
    program = (
        "from lowerbound.core.coins import Coins;"
        "Coins(3, 'other').bits(100);"
        "print(Coins(3, 'symbols').below(50, 20).tolist())"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert there.strip() == str(Coins(3, "symbols").below(50, 20).tolist())


@given(st.integers(2, 1000), st.integers(0, 200))
def test_below_stays_below_and_is_a_prefix(n_levels: int, count: int) -> None:
    """Law: values lie in [0, L), and asking for more repeats the beginning."""
    values = Coins(1, "x").below(n_levels, count)
    assert len(values) == count
    assert ((values >= 0) & (values < n_levels)).all()
    assert (Coins(1, "x").below(n_levels, count + 50)[:count] == values).all()


def test_below_is_uniform() -> None:
    """Statistics: 60000 draws from 6 levels; each count within 6 standard deviations (false alarm < 1e-7)."""
    counts = np.bincount(Coins(0, "uniform").below(6, 60000), minlength=6)
    assert np.abs(counts - 10000).max() < 6 * np.sqrt(60000 / 6 * 5 / 6)


@pytest.mark.parametrize("seed", [-1, 1.0, True])
def test_bad_seeds_are_refused(seed: Any) -> None:
    """Bad input: seeds are integers >= 0."""
    with pytest.raises(InvalidArgument, match="seed must"):
        Coins(seed, "x")
