"""Cliques of lattice keys: how many instances may share a state, counted in integers."""

from __future__ import annotations

from lowerbound.prove.lemma import Cited, Lemma

LEMMA = Lemma(
    id="clique_lattice",
    words="Theorem E1 (clique count): keys are the unit vectors over the integer points of a ball, any T of them that "
    "are coherent, value coordinate 0 is constant, and the others are on a grid of L levels. Instances that share a "
    "state are indistinguishable, so that a tilted read brings their matched keys within k/m of each other and their "
    "values are equal. By the discrete Brunn-Minkowski inequality the ball has (2 m/k)^(d-1) times as many points as a "
    "set of that diameter. Where the inequalities of its certificate hold, every cache needs T (d - 1) (log2(2 m/k) + "
    "log2 L) - log2 T! - 1 bits.",
    range="all T, T_N, d >= 2, lambda, M, m, k, L; additive eta in [0, 1/2), delta = 0; keys over a lattice",
    discharges=(Cited("docs/cliques.md, proved on paper, not machine-checked"),),
)
