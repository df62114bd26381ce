"""Transcripts: one game of one cache as a document, with every symbol, the message and every answer."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.certify.sealed import sealed
from lowerbound.core.bounds import floor_in_interval
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import AccountingError
from lowerbound.game.duel import Contender, PlayedGame, play_once
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.index import Symbols

PRECISION_BITS = 128


def transcript(family: HardFamily, entry: Contender, **terms: Any) -> tuple[PlayedGame, bytes]:
    """Play one trial; return the game and its transcript.

    Contract: the kernel's verdict on the document is VERIFIED. `terms` are the keyword arguments of `play_once`, and
    errors are those of `duel`.
    """
    played = play_once(family, entry, **terms)
    row = played.row
    tail = 1 - (1 - CONFIDENCE) / len(played.alphabets)
    ends = np.cumsum([alphabet.n_columns for alphabet in played.alphabets])[:-1]
    asked, answered = (np.split(symbols, ends, axis=1) for symbols in (played.asked, played.answered))
    parts, rates, floor = [], [], Fraction(0)
    for alphabet, given, heard in zip(played.alphabets, asked, answered, strict=True):
        errors = int((given != heard).sum())
        low, high = clopper_pearson(errors, given.size, confidence=tail)
        floor += floor_in_interval(given.size, alphabet.n_levels, low, high)
        parts.append(
            {
                "name": alphabet.name,
                "levels": alphabet.n_levels,
                "columns": alphabet.n_columns,
                "errors": errors,
            }
        )
        rates.append([str(low), str(high)])
    levels = [alphabet.n_levels for alphabet in played.alphabets]
    claim = {
        "cache": row.cache,
        "budget": row.budget,
        "model": row.geometry,
        "tokens": len(played.asked),
        "parts": parts,
        "message_bits": row.state_bits,
        "floor_bits": math.floor(floor),
        "confidence": str(CONFIDENCE),
    }
    payload = {
        "precision": PRECISION_BITS,
        "asked": [spelt(given, count) for given, count in zip(asked, levels, strict=True)],
        "answered": [spelt(heard, count) for heard, count in zip(answered, levels, strict=True)],
        "message": played.message.hex(),
        "rates": rates,
    }
    found = sealed(f"{row.cache} on {row.geometry}", "transcript", claim, payload)
    if not found.is_verified:
        raise AccountingError(f"the transcript of {row.cache} must be verified, and is not: {found.verdict.reason}")
    return played, found.document()


def spelt(symbols: Symbols, levels: int) -> str:
    """Symbols in hex, row by row, each in as many bits as level `levels` - 1 has; zeros fill the last digit."""
    width = (levels - 1).bit_length()
    bits = symbols.ravel()[:, None] >> np.arange(width - 1, -1, -1) & 1
    digits = -(-bits.size // 4)
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()[:digits]
