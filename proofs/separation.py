"""The reduction in the abstract: if no answer serves two different symbols, any algorithm is an INDEX protocol."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

LEMMA = Lemma(
    id="separation",
    words="Inputs, queries, answers and the test for acceptable answers are arbitrary. If an answer that is acceptable "
    "for both x and y at query i forces x_i = y_i, then an algorithm whose answer at query i is acceptable with "
    "probability 1 - delta_i needs at least the INDEX bound in bits of state.",
    range="all finite index sets, alphabets, coins, states; all input, query and answer types",
    formula=r"(\text{good}(x, q_i, o) \wedge \text{good}(y, q_i, o) \Rightarrow x_i = y_i) \;\Rightarrow\; \log_2 "
    r"|S| \ge \sum_i \text{fano}(L_i, \delta_i)",
    discharges=(
        ByCoq("separation_lower_bound", (r"\rsum_i fano (N (A i)) (delta i) <= bits a",)),
        ByCoq("separation_mean", ("N I * fano (N A) delta <= bits a",)),
        ByCoq("separation_average", (r"\rsum_i fano (N (A i)) (delta i) <= bits a",)),
    ),
    uses=(Use("index_bound"),),
)
