"""Theorem F: floors from frames, for caches that are never wrong and for caches that may fail."""

from __future__ import annotations

from lowerbound.prove.lemma import Cited, Lemma

ON_PAPER = "docs/frames.md, proved on paper, not machine-checked"

LEMMAS = (
    Lemma(
        id="frames",
        words="Theorem F at delta = 0 (frames): token i has a public unit address and a public orthonormal frame of "
        "the p = d - 2 directions beside it. Its key has the component c_0 along the address and a letter of an even "
        "grid of L letters along each direction of the frame; its values have L_V levels each. Where the "
        "inequalities of its certificate hold, every cache that is never wrong needs T (p F(L, 3/2 p_K) + (d - 1) "
        "F(L_V, p_V) - log2(1 + 1/z)) bits, where F(L, q) = log2 L - H2(q) - q log2(L - 1): p_K and p_V bound, by the "
        "coherence of addresses and frames, the chance that the other tokens weigh too much in a read, and at least 1 "
        "/ (1 + 1/z) of all words fit into a unit key.",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), delta = 0; real keys and values",
        discharges=(Cited(ON_PAPER),),
    ),
    Lemma(
        id="frames_with_failures",
        words="Theorem F at delta > 0 (frames): the letters of a grid form 2^B runs of L levels, and Bob is told the "
        "earlier symbols of an instance when he reads the next, so that he asks one question for each: B digits of "
        "the run, and the level. Where the inequalities of its certificate hold, every cache whose answer to each "
        "question is right with probability 1 - delta needs T (p (B F(2, q) + F(L, q)) + (d - 1) F(L_V, delta + p_V) "
        "- log2(1 + 1/z)) bits, q = delta + p_K; the rest as in Theorem F at delta = 0.",
        range="all T, T_N, d >= 3, lambda; additive eta in [0, 1/2), 0 < delta < 1/2; real keys and values",
        discharges=(Cited(ON_PAPER),),
    ),
)
