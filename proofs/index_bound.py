"""INDEX: a message from which every symbol can be read, with mean error delta, has Fano's rate of bits per symbol."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LENGTHS = Lemma(
    id="index_lengths",
    words="The count behind INDEX, for messages of any lengths: if for all coins the sum of exp(-length) over the "
    "messages is at most Z, and the mean over words and coins of the length plus c_i for each wrong symbol i is at "
    "most m + sum_i delta_i c_i, where c_i = ln((1 - delta_i)(L_i - 1)/delta_i), then (m + ln Z)/ln 2 is at least "
    "sum_i (log2 L_i - H2(delta_i) - delta_i log2(L_i - 1)).",
    range="all finite index sets, alphabets, coins and states; all real lengths, Z, m, delta",
    formula=r"\frac{m + \ln Z}{\ln 2} \ge \sum_i \left(\log_2 L_i - H_2(\delta_i) - \delta_i \log_2(L_i - 1)\right)",
    discharges=(
        ByCoq(
            "index_lengths",
            (
                r"(forall w, \rsum_s exp (- len w s) <= Z)",
                "let cost i := - ln (delta i / ((1 - delta i) * (N (A i) - 1))) in",
                r"(\rsum_i (log2 (N (A i)) - H2 (delta i) - delta i * log2 (N (A i) - 1))) * ln 2 <= m + ln Z",
            ),
        ),
    ),
)

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
    uses=(Use("index_lengths"),),
)

LEMMAS = (LENGTHS, LEMMA)
