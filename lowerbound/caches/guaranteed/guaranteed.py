"""Caches whose every answer is proved to be within eta of the truth: the upper side of the bounds on sup error."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from lowerbound.caches.guaranteed.lattice_tokens import LatticeTokens


class GuaranteedZ(LatticeTokens):
    """Keys rounded to a cubic grid, values to cells that are narrow at 0 and 1, tokens as a multiset.

    Idea: |k - k^| <= r moves a log-odds of two tokens by at most 2 lambda r, and cells of half width
    eta - beta h(|2v - 1|)^2 leave exactly that room, so every answer is within eta. A key, rotated by public coins, is
    told coordinate by coordinate as a point of a thin shell, whose law is a difference of Beta laws. Bits: 16 and
    ceil(log2 C(L + n - 1, n)) + n q, where N = (points of the shell) (cells^d) words, q the largest integer with
    8 n 2^q <= N, and L = ceil(N / 2^q): 0.1 n more than log2 (N^n / n!). Broken by: keys of other norms than 1, values
    outside [0, 1], and queries above the multiplier that it was made for.
    """

    plays: ClassVar[str] = "guaranteed-z"
    reference: ClassVar[str] = "upper side of the sup-error bounds (ceiling.achieved), keys on Z^d"


class GuaranteedE8(LatticeTokens):
    """As `guaranteed-z`, with keys on copies of E8: half a bit a dimension less, for the same promise.

    Idea: E8 covers R^8 with cells of volume 1 at radius 1, where cubes need sqrt 2. A dimension that 8 does not divide
    is filled with zeros. Bits: 16 and ceil(log2 C(L + n - 1, n)) + n q, with N, q and L as for `guaranteed-z`.
    Broken by: what breaks `guaranteed-z`; a d just above a multiple of 8, which pays for up to 7 dimensions of nothing.
    """

    plays: ClassVar[str] = "guaranteed-e8"
    reference: ClassVar[str] = "upper side of the sup-error bounds, keys on E8: Conway and Sloane, chapters 4 and 20"


class GuaranteedA(LatticeTokens):
    """As `guaranteed-z`, with keys on A_d*, the thinnest lattice covering known in many dimensions.

    Idea: covering radius sqrt(d (d + 2) / (12 (d + 1))) at volume 1 / sqrt(d + 1): 0.73 bit a dimension less than cubes
    at d = 64, and the nearest point costs a sort. It is the cheapest proved cache here that asks for no luck: 81.1 % of
    fp16 at eta = 1/1000 and lambda = 100 on VAR-256. Bits: 16 and ceil(log2 C(L + n - 1, n)) + n q, with N, q and L as
    for `guaranteed-z`. Broken by: what breaks `guaranteed-z`.
    """

    plays: ClassVar[str] = "guaranteed-a"
    reference: ClassVar[str] = "upper side of the sup-error bounds, keys on A_n*: Conway and Sloane, chapters 4 and 20"


class GuaranteedDithered(LatticeTokens):
    """As `guaranteed-z`, on a coarser grid that public coins have shifted: right with probability 99 % a query.

    Idea: with a uniform shift the error of a key is uniform in a cube, whatever the key, and a query that does not know
    the shift meets only its variance: spacing (w / 2 lambda) sqrt(6 / log(2 T / delta)), delta = 1/100, instead of
    w / (lambda sqrt d). Bits: 16 and ceil(log2 C(L + n - 1, n)) + n q, with N, q and L as for `guaranteed-z`.
    Broken by: queries that are chosen after the coins are drawn, and what breaks `guaranteed-z`.
    """

    plays: ClassVar[str] = "guaranteed-dithered"
    failure_prob: ClassVar[Fraction] = Fraction(1, 100)
    reference: ClassVar[str] = "upper side of the sup-error bounds; subtractive dither: Schuchman 1964"
