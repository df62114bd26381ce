"""Decoding: thresholds exist exactly when the bands of allowed answers of neighboring levels are apart."""

from __future__ import annotations

from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import ByKernel, BySolvers, Lemma, Statement

ETA, TAU, LOW, HIGH, RATIO = variables("eta tau low high beta")
RANGES = {"eta from below": ETA >= 0, "eta from above": ETA < 1, "tau from below": TAU >= 0, "tau from above": TAU <= 1}
BANDS_APART = (1 + ETA) * TAU < (1 - ETA) * (1 - TAU)

BINARY = Lemma(
    id="decoding_bit",
    words="With leak tau and relative error eta, every allowed answer for value 0 is below every allowed answer for "
    "value 1 if 2 tau < 1 - eta.",
    range="all reals",
    discharges=(
        BySolvers(Statement({"gap": 2 * TAU < 1 - ETA}, BANDS_APART), needed=("gap",)),
        ByKernel("handelman", polynomial_claim(Statement({"gap": 2 * TAU < 1 - ETA}, BANDS_APART))),
    ),
)

BINARY_ONLY_IF = Lemma(
    id="decoding_bit_converse",
    words="The converse of decoding_bit: with leak tau and relative error eta, the allowed answers for the values 0 "
    "and 1 are apart only if 2 tau < 1 - eta.",
    range="all reals",
    discharges=(
        BySolvers(Statement({"bands apart": BANDS_APART}, 2 * TAU < 1 - ETA), needed=("bands apart",)),
        ByKernel("handelman", polynomial_claim(Statement({"bands apart": BANDS_APART}, 2 * TAU < 1 - ETA))),
    ),
)

ADDITIVE_STATEMENT = Statement({"step": HIGH - LOW > 2 * (ETA + TAU)}, LOW + TAU + ETA < HIGH - TAU - ETA)
ADDITIVE = Lemma(
    id="decoding_additive",
    words="With leak tau and additive error eta, two levels that are more than 2 (eta + tau) apart can be told apart.",
    range="all reals",
    discharges=(
        BySolvers(ADDITIVE_STATEMENT, needed=("step",)),
        ByKernel("handelman", polynomial_claim(ADDITIVE_STATEMENT)),
    ),
)

GEOMETRIC_STATEMENT = Statement(
    {
        "eta from below": ETA >= 0,
        "tau from below": TAU >= 0,
        "ratio": RATIO * (1 - ETA) * LOW > (1 + ETA) * (LOW + 2 * TAU),
    },
    (1 + ETA) * (LOW + TAU) < (1 - ETA) * (RATIO * LOW - TAU),
)
GEOMETRIC = Lemma(
    id="decoding_geometric",
    words="With leak tau and relative error eta, levels v and beta v can be told apart if beta > (1+eta)/(1-eta) (1 + "
    "2 tau/v).",
    range="all reals",
    discharges=(
        BySolvers(GEOMETRIC_STATEMENT, needed=("eta from below", "tau from below", "ratio")),
        ByKernel("handelman", polynomial_claim(GEOMETRIC_STATEMENT)),
    ),
)

LEMMAS = (BINARY, BINARY_ONLY_IF, ADDITIVE, GEOMETRIC)
