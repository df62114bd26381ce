"""Coins and codes: public coins of any distribution, and messages whose length is free."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

ANY = "(1 - H2 delta) * (INR T * INR h) <= "

LEMMAS = (
    Lemma(
        id="any_coins",
        words="The floors hold for public coins of any distribution. It is enough that failures have an expectation "
        "that is linear, monotone and normalized: the integral of any probability space is one, discrete or "
        "continuous, and so is, in particular, the mean under weights p_w >= 0 of sum 1.",
        range="all sets of coins, finite or not; all finite alphabets and states; all real errors",
        formula=r"p_w \ge 0, \; \sum_w p_w = 1: \quad \sum_w p_w P[\text{failure} \mid w] \le \delta "
        r"\;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T h",
        discharges=(
            ByCoq("weighted_expectation", (r"let E (f : W -> R) := \rsum_w (p w * f w) in",)),
            ByCoq(
                "coins_lower_bound",
                ("expectation F E ->", r"\rsum_i fano (N (A i)) (delta i) <= log2 (N S)"),
            ),
            ByCoq(
                "relative_headline_any_coins",
                ("(W : Type) (F : (W -> R) -> Prop) (E : (W -> R) -> R), expectation F E ->", ANY + "log2 (N S)"),
            ),
        ),
        uses=(Use("index_lengths"), Use("softmax_gap")),
    ),
    Lemma(
        id="variable_length",
        words="Messages may vary in length. Let m be their mean length over coins and words. If under the same coins "
        "no message is the beginning of another, m is at least the floor. In any case, if no message is longer than L "
        "bits, m is at least the floor less log2(L + 1).",
        range="all sets of coins, finite or not; all finite alphabets; all L; all real errors",
        formula=r"E[\text{length}] \ge B - \log_2(L + 1), \qquad E[\text{length}] \ge B \; \text{ for prefix-free "
        r"messages}",
        discharges=(
            ByCoq(
                "variable_length_lower_bound",
                (
                    r"prefix (msg w x) (msg w y) -> msg w x = msg w y) -> \rsum_i fano (N (A i)) (delta i) <= m)",
                    "(size (msg w x) <= L)%nat",
                    r"\rsum_i fano (N (A i)) (delta i) <= m + log2 (INR L + 1)",
                ),
            ),
            ByCoq("relative_headline_any_coins", (ANY + "m)", ANY + "m + log2 (INR L + 1)")),
        ),
        uses=(Use("any_coins"),),
    ),
)
