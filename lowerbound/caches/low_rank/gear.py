"""GEAR: a quantised backbone, a low-rank piece of what it misses, and the few largest entries as they are."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from lowerbound.caches.low_rank.mended import MendedBlocks


class GEAR(MendedBlocks):
    """Quantise to 2 bits, then mend: rank r of the error, and the 2 % largest and smallest entries exactly.

    Idea: a block of n_b = min(64, d) tokens; keys a channel, values a token in groups of 64; s = max(1, 1 % of the
    vector) outliers a side, held out at the vector's mean; rank r = budget d of the residual. Bits: for a full block
    2 n_b d 2 + 32 (d + n_b ceil(d / 64)) + 2 s_K d (16 + log2 n_b) + 2 s_V n_b (16 + log2 d) + 2 r (n_b + d) 16, with
    logarithms rounded up; for a waiting token 32 d. Broken by: residuals that are not of low rank, as of random values,
    but 2 bits a value already store Omega(T d) bits. Reference code differs: outliers are picked over all heads
    flattened, here in one head; rank 4 for the prompt and 2 later, here one rank, 4 at d = 64; it orthogonalises in
    the last power round only, here in each (the same span); tokens over a multiple of the group stay in float16, here
    they wait.
    """


class GEARL(MendedBlocks):
    """GEAR without the sparse part: backbone and low rank alone.

    Bits: for a full block 2 n_b d 2 + 32 (d + n_b ceil(d / 64)) + 2 r (n_b + d) 16. Broken by: as GEAR.
    """

    outlier_fraction: ClassVar[Fraction] = Fraction(0)


class GEARKCVT(MendedBlocks):
    """GEAR over 4-bit codes with one group a vector: keys a channel, values a token.

    Bits: for a full block of n_b = min(20, d) 2 n_b d 4 + 32 (d + n_b) + outliers and low rank as GEAR. Broken by: as
    GEAR. The rank is bounded by the short block.
    """

    code_bits: ClassVar[int] = 4
    largest_block: ClassVar[int] = 20
    largest_group: ClassVar[int | None] = None
