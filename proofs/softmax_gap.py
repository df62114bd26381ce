"""Softmax gap: if all other keys together weigh at most t times the key asked for, its value is read up to t."""

from __future__ import annotations

from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import ByCoq, ByKernel, BySolvers, Lemma, Statement

WEIGHT, REST, SHARE, LEAK, VALUE = variables("w r s t v")
OUTPUT = (WEIGHT * VALUE + SHARE) / (WEIGHT + REST)
HYPOTHESES = {
    "weight": WEIGHT > 0,
    "leak": LEAK >= 0,
    "rest": REST >= 0,
    "gap": REST <= LEAK * WEIGHT,
    "share from below": SHARE >= 0,
    "share from above": SHARE <= REST,
    "value from below": VALUE >= 0,
    "value from above": VALUE <= 1,
}

AT_MOST = Lemma(
    id="softmax_gap_above",
    words="A token of weight w > 0 and value v among others of total weight r <= t w and values in [0, 1] is read as "
    "at most v + t.",
    range="all reals",
    discharges=(
        BySolvers(
            Statement(HYPOTHESES, OUTPUT <= VALUE + LEAK),
            needed=("gap", "share from above", "value from below"),
        ),
        ByKernel("handelman", polynomial_claim(Statement(HYPOTHESES, OUTPUT <= VALUE + LEAK))),
    ),
)

AT_LEAST = Lemma(
    id="softmax_gap_below",
    words="A token of weight w > 0 and value v among others of total weight r <= t w and values in [0, 1] is read as "
    "at least v - t.",
    range="all reals",
    discharges=(
        BySolvers(
            Statement(HYPOTHESES, VALUE - LEAK <= OUTPUT),
            needed=("gap", "share from below", "value from above"),
        ),
        ByKernel("handelman", polynomial_claim(Statement(HYPOTHESES, VALUE - LEAK <= OUTPUT))),
    ),
)

LEMMA = Lemma(
    id="softmax_gap",
    words="If all other tokens together weigh at most t times token i, the attention output lies in [v_i/(1+t), "
    "(v_i+t)/(1+t)].",
    range="all finite token sets, all real logits, all values in [0, 1]",
    formula=r"\sum_{j \ne i} e^{l_j} \le t e^{l_i} \;\Rightarrow\; \frac{v_i}{1 + t} \le o \le \frac{v_i + t}{1 + t}",
    discharges=(
        ByCoq(
            "softmax_gap",
            (r"\rsum_(j | j != i) exp (l j) <= t * exp (l i)", "v i / (1 + t) <=", "<= (v i + t) / (1 + t)"),
        ),
    ),
)

TWO_TOKENS = Lemma(
    id="softmax_two",
    words="A query that weighs a token of value 1 against a token of value 0 reads the logistic function of the "
    "difference of their logits, up to the weight t of all other tokens relative to the second of the two. This is how "
    "a payload in a key is read.",
    range="all finite token sets, all real logits, all values in [0, 1]",
    formula=r"v_i = 1, \; v_r = 0, \; \sum_{j \ne i, r} e^{l_j} \le t e^{l_r} \;\Rightarrow\; |o - \sigma(l_i - "
    r"l_r)| \le t",
    discharges=(ByCoq("softmax_two", (r"<= t * exp (l k)", "/ (1 + exp (- (l i - l k)))) <= t")),),
)
