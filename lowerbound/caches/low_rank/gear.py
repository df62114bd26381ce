"""GEAR: a quantized backbone, a low-rank correction of its error, and the few largest entries unquantized."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from lowerbound.caches.low_rank.mended import MendedBlocks


class GEAR(MendedBlocks):
    """Quantize to 2 bits, then correct: a rank-r approximation of the error, and 2 % of the entries in float16.

    Idea: tokens are compressed in blocks of n_b = min(64, d). Keys are quantized per channel, values per token in
    groups of 64 channels. Of each such vector, the s = max(1, 1 %) largest and the s smallest entries are outliers:
    they are stored in float16, and replaced by the vector's mean before quantization. The quantization error is
    approximated by a matrix of rank r = budget d. Bits: for a full block 2 n_b d 2 + 32 (d + n_b ceil(d / 64)) +
    2 s_K d (16 + log2 n_b) + 2 s_V n_b (16 + log2 d) + 2 r (n_b + d) 16, with logarithms rounded up; for a token that
    waits for its block to fill, 32 d. Broken by: errors that are not of low rank, as with random values; but 2 bits per
    value already store Omega(T d) bits. Reference code differs: it picks outliers over all heads flattened, this class
    in one head; it uses rank 4 for the prompt and 2 later, this class one rank, 4 at d = 64; it orthogonalizes in the
    last power round only, this class in each (the span is the same); it leaves the tokens beyond a multiple of the
    group in float16 for good, this class until their block fills.
    """


class GEARL(MendedBlocks):
    """GEAR without outliers: only the quantized backbone and the low-rank correction.

    Idea: as gear. Bits: for a full block 2 n_b d 2 + 32 (d + n_b ceil(d / 64)) + 2 r (n_b + d) 16. Broken by: as GEAR.
    """

    outlier_fraction: ClassVar[Fraction] = Fraction(0)


class GEARKCVT(MendedBlocks):
    """GEAR over 4-bit codes with one group per vector: keys per channel, values per token.

    Idea: as gear. Bits: for a full block of n_b = min(20, d) tokens 2 n_b d 4 + 32 (d + n_b) + outliers and low rank as
    in gear. Broken by: as gear. The rank is at most n_b.
    """

    code_bits: ClassVar[int] = 4
    largest_block: ClassVar[int] = 20
    largest_group: ClassVar[int | None] = None
