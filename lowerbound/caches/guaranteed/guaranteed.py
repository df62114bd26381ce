"""Caches whose every answer is proved to be within eta of the exact one: the upper bounds on memory."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.caches.guaranteed.lattice_tokens import LatticeTokens


class GuaranteedZ(LatticeTokens):
    """Keys rounded to a cubic grid, values to cells that are narrow at 0 and 1, and tokens stored as a multiset.

    Idea: rounding keys by |k - k^| <= r moves the log-odds of any two tokens by at most 2 lambda r. Value cells of half
    width eta - beta h(|2v - 1|)^2 (`ceiling.value_cells`) leave exactly the room for this, so every answer is within
    eta. A key is rotated by public coins, rounded to a grid point in a thin shell around the unit sphere, and coded
    coordinate by coordinate under the exact odds, differences of two Beta laws (`ceiling.shell_code`). The order of
    tokens is not stored. Bits: 16 and ceil(log2 C(L + n - 1, n)) + n q, where N = (points of the shell) (cells^d) is
    the number of words, q the largest integer with 8 n 2^q <= N, and L = ceil(N / 2^q): 0.1 n more than
    log2 (N^n / n!). Broken by: keys of norm other than 1, values outside [0, 1], and queries whose logits exceed the
    multiplier lambda for which it was made.
    """

    plays: ClassVar[str] = "z"
    reference: ClassVar[str] = "upper side of the sup-error bounds (ceiling.achieved), keys on Z^d"


class GuaranteedE8(LatticeTokens):
    """As `guaranteed-z`, with keys on copies of E8: half a bit less per dimension, for the same promise.

    Idea: E8 has cells of volume 1 and covering radius 1 in R^8, where cubes of volume 1 have radius sqrt 2. If 8 does
    not divide d, keys are padded with zeros. Bits: 16 and ceil(log2 C(L + n - 1, n)) + n q, with N, q and L as for
    `guaranteed-z`; if d is just above a multiple of 8, up to 7 padded dimensions cost bits too. Broken by: what breaks
    `guaranteed-z`.
    """

    plays: ClassVar[str] = "e8"
    reference: ClassVar[str] = "upper side of the sup-error bounds, keys on E8: Conway and Sloane, chapters 4 and 20"


class GuaranteedA(LatticeTokens):
    """As `guaranteed-z`, with keys on A_d*, in many dimensions the thinnest lattice covering that is known.

    Idea: A_d* has covering radius sqrt(d (d + 2) / (12 (d + 1))) at cell volume 1 / sqrt(d + 1): 0.73 bit less per
    dimension than cubes at d = 64, and finding the nearest point takes one sort. It is the cheapest cache here with a
    deterministic proof: 81.1 % of fp16 at eta = 1/1000 and lambda = 100 on VAR-256. Bits: 16 and
    ceil(log2 C(L + n - 1, n)) + n q, with N, q and L as for `guaranteed-z`. Broken by: what breaks `guaranteed-z`.
    """

    plays: ClassVar[str] = "a"
    reference: ClassVar[str] = "upper side of the sup-error bounds, keys on A_n*: Conway and Sloane, chapters 4 and 20"
