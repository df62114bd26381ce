"""INDEX: a message from which every symbol can be read, with mean error delta, has Fano's rate of bits per symbol."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma

LEMMA = Lemma(
    id="index_bound",
    words="For any public-coin one-way protocol, any alphabets and errors 0 <= delta_i <= 1 - 1/L_i on average over "
    "words and coins, the message has at least sum_i (log2 L_i - H2(delta_i) - delta_i log2(L_i - 1)) bits.",
    range="all finite index sets, alphabets, coins and states; all real delta",
    formula=r"\log_2 |S| \ge \sum_i \left(\log_2 L_i - H_2(\delta_i) - \delta_i \log_2(L_i - 1)\right), \quad 0 "
    r"\le \delta_i \le 1 - 1/L_i",
    discharges=(
        ByCoq(
            "index_lower_bound",
            (
                "0 <= delta i <= 1 - / N (A i)",
                r"\rsum_i (log2 (N (A i)) - H2 (delta i) - delta i * log2 (N (A i) - 1)) <= log2 (N S)",
            ),
        ),
        ByCoq("index_mean", ("N I * (log2 (N A) - H2 delta - delta * log2 (N A - 1)) <= log2 (N S)",)),
    ),
)
