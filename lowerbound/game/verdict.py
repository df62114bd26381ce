"""What a row says in words: whether a cache kept its promise in one game, and at what price."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from lowerbound.ceiling.achieved import LEAST_ETA, cheapest
from lowerbound.core.bits import LENGTH_PREFIX_BITS
from lowerbound.core.scalars import percent, plainly, rounded_down
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.tally import Part

KEEPS = "keeps its promise"
OUTSIDE_R1 = "outside R1"


def enough_bits(played: HardFamily) -> int | None:
    """The bits of the longest message of the cheapest cache with a proved error, for the promise of this game.

    The promise: unit keys, logits of at most the family's multiplier, values in [0, 1], and every answer within the
    grid's eta. The count is that of the code as it is played, one state per head, with their length prefixes. None if
    no such cache is proved: eta is relative, or outside [1/100000, 1/2).
    """
    grid, geometry = played.grid, played.geometry
    if grid.guarantee != "additive" or not LEAST_ETA <= grid.eta < Fraction(1, 2):
        return None
    found = cheapest(geometry.n_tokens_cached, geometry.d, multiplier=played.multiplier, eta=grid.eta)
    return played.n_heads * (8 * -(-found.played_bits // 8) + LENGTH_PREFIX_BITS)


def verdict(
    played: HardFamily, parts: Sequence[Part], used_bits: int, enough: int | None, n_sampled: int | None = None
) -> str:
    """The verdict on a cache that sent `used_bits` bits and with which Bob misread what `parts` count.

    Contract: a cache of model R1 keeps its promise only if Bob misread nothing. If he misread anything, some answer was
    off by more than eta, by the contract of `HardFamily`, and the share is that of the worst kind of symbols. It is
    wasteful only if it misread nothing, and sent more bits than the cheapest proved cache needs for the same promise.
    A sample of `n_sampled` questions without an error shows neither, and is told as what it is.
    """
    if played.computation_model != "R1":
        return OUTSIDE_R1
    worst = max(parts, key=lambda part: part.error)
    if worst.errors:
        of = f" of {worst.name}" if len(parts) > 1 else ""
        return f"misreads {percent(worst.error)}{of}: breaks eta = {plainly(100 * played.grid.eta)} %"
    if n_sampled is not None:
        return f"no error in a sample of {n_sampled:,} of {played.n_symbols:,} questions"
    if enough is not None and used_bits > enough:
        return f"wasteful: {rounded_down(Fraction(used_bits, enough), 2)}x what is proved enough"
    return KEEPS
