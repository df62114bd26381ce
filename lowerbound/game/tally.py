"""Bob's errors for each kind of symbols, and the lower bound (floor) in bits that each kind implies at this error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bounds import floor_in_interval
from lowerbound.core.scalars import counted, floor_float
from lowerbound.core.statistics import clopper_pearson
from lowerbound.errors import CacheContractBroken
from lowerbound.game.index import Symbols
from lowerbound.game.wire import SYMBOL_TYPE, Frames


@dataclass(frozen=True)
class Alphabet:
    """One kind of Alice's symbols: `n_columns` columns of symbols, each symbol with `n_levels` levels.

    A row of symbols has these columns for each alphabet; usually it belongs to one cached token.
    """

    name: str
    n_levels: int
    n_columns: int


@dataclass(frozen=True)
class Part:
    """The result for one kind of symbols.

    `symbols` is the number of symbols per trial, and `errors` the number of symbols that Bob got wrong in all trials.
    `floor_bits` is the smallest lower bound (floor) over all error rates in [error_low, error_high].
    """

    name: str
    levels: int
    symbols: int
    errors: int
    error: float
    error_low: float
    error_high: float
    floor_bits: float


def misread(symbols: Sequence[Symbols], answers: Frames) -> list[NDArray[np.bool_]]:
    """For each trial, a boolean array, of the shape of the symbols asked for, that marks those that Bob got wrong.

    Contract: a wrong number of answers, or an answer of a wrong length, raises CacheContractBroken.
    """
    if len(answers) != len(symbols):
        raise CacheContractBroken(f"Bob must answer {counted(len(symbols), 'trial')}, got {len(answers)}")
    wrong = []
    for wanted, frame in zip(symbols, answers, strict=True):
        if len(frame) != wanted.size * SYMBOL_TYPE.itemsize:
            raise CacheContractBroken(f"Bob must name {counted(wanted.size, 'symbol')}, got {len(frame)} bytes")
        wrong.append(np.frombuffer(frame, dtype=SYMBOL_TYPE).astype(np.int64).reshape(wanted.shape) != wanted)
    return wrong


def sampled_tally(
    alphabet: Alphabet, n_symbols: int, wrong: Sequence[NDArray[np.bool_]], confidence: Fraction
) -> tuple[Part, Fraction]:
    """The result for the only kind of symbols, `n_symbols` per trial, from a sample of them, and its lower bound.

    Contract: that of `tally`; the entries of `wrong` are those of uniform positions, drawn with repetitions.
    """
    return _part(alphabet, n_symbols, np.concatenate(wrong), confidence)


def tally(
    alphabets: Sequence[Alphabet], wrong: list[NDArray[np.bool_]], confidence: Fraction
) -> tuple[list[Part], Fraction]:
    """The result for each kind of symbols, and a proved lower bound (floor) in bits: the sum over all kinds.

    Contract: with probability at least `confidence`, all error intervals contain their true rates; the allowed failure
    probability 1 - confidence is divided equally among the kinds. `wrong` has one matrix per trial, whose columns are
    those of the alphabets in order.
    """
    shared = 1 - (1 - confidence) / len(alphabets)
    ends = np.cumsum([alphabet.n_columns for alphabet in alphabets])[:-1]
    parts, proved = [], Fraction(0)
    for alphabet, *columns in zip(alphabets, *(np.split(trial, ends, axis=1) for trial in wrong), strict=True):
        part, floor = _part(alphabet, columns[0].size, np.array(columns), shared)
        proved += floor
        parts.append(part)
    return parts, proved


def _part(alphabet: Alphabet, n_symbols: int, wrong: NDArray[np.bool_], confidence: Fraction) -> tuple[Part, Fraction]:
    """The result for one kind of symbols, `n_symbols` per trial, from the errors of all answers, and its floor."""
    errors = int(wrong.sum())
    low, high = clopper_pearson(errors, wrong.size, confidence=confidence)
    floor = floor_in_interval(n_symbols, alphabet.n_levels, low, high)
    part = Part(
        name=alphabet.name,
        levels=alphabet.n_levels,
        symbols=n_symbols,
        errors=errors,
        error=errors / wrong.size,
        error_low=float(low),
        error_high=float(high),
        floor_bits=floor_float(floor),
    )
    return part, floor
