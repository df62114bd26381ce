"""The reduction, abstractly: answers that cannot serve two different symbols turn any algorithm into an INDEX
protocol."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LEMMA = Lemma(
    id="separation",
    words="For any inputs, queries, answers and acceptance test: if an answer acceptable for x and for y at "
    "query i forces "
    "x_i = y_i, an algorithm that is acceptable with probability 1 - delta_i needs the INDEX bound in bits of state.",
    range="all finite index sets, alphabets, coins, states; all input, query and answer types",
    discharges=(
        ByCoq("separation_lower_bound", (r"\rsum_i fano (N (A i)) (delta i) <= log2 (N S)",)),
        ByCoq("separation_mean", ("N I * fano (N A) delta <= log2 (N S)",)),
        ByCoq("separation_average", (r"\rsum_i fano (N (A i)) (delta i) <= log2 (N S)",)),
    ),
    uses=(Use("index_bound"),),
)
