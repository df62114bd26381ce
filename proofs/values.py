"""Values: on given keys, every cache that answers within eta needs at least the floor's bits."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

FLOOR = "(1 - H2 delta) * (N Tok * N Ch) <= bits a"
OWN_WEIGHT = (
    r"1 - tau <= exp (lam * dot (K i) (K i)) / "
    r"(\rsum_j exp (lam * dot (K i) (K j)) + \rsum_o exp (lam * dot (K i) (B o)))"
)
LEVELS = "(log2 (INR L) - H2 delta - delta * log2 (INR L - 1)) * (N Tok * N Ch) <= bits a"

LEMMAS = (
    Lemma(
        id="relative_values",
        words="On unit keys of coherence mu, with Bob's own tokens in the softmax: if (1 + eta) tau < 1 - eta, a cache "
        "that answers on 0/1 values with relative error eta and mean failure rate delta needs (1 - H2(delta)) bits per "
        "entry.",
        range="all token sets, dimensions, channels, coins, states; all real keys, mu, lambda, eta, delta",
        formula=r"(1 + \eta) \tau < 1 - \eta \;\Rightarrow\; \log_2 |S| \ge (1 - H_2(\delta)) T h, \quad \tau = (T "
        r"+ T_N) e^{-\lambda (1 - \mu)}",
        discharges=(ByCoq("relative_given_keys", ("(1 + eta) * tau < 1 - eta", FLOOR)),),
        uses=(Use("separation"), Use("softmax_gap")),
    ),
    Lemma(
        id="additive_values",
        words="If values have L equidistant levels whose step is more than 2 (eta + tau), a cache with additive error "
        "eta and mean failure rate delta needs log2 L - H2(delta) - delta log2(L-1) bits per entry.",
        range="all token sets, dimensions, channels, coins, states, L; all real keys, mu, lambda, eta, delta",
        formula=r"2 (\eta + \tau)(L - 1) < 1 \;\Rightarrow\; \log_2 |S| \ge (\log_2 L - H_2(\delta) - \delta "
        r"\log_2(L - 1)) T h",
        discharges=(ByCoq("additive_given_keys", ("2 * (eta + tau) * (INR L - 1) < 1", LEVELS)),),
        uses=(Use("separation"), Use("softmax_gap")),
    ),
    Lemma(
        id="given_keys_values",
        words="On keys of any kind, natural ones too: if the query along the key of a token gives it a weight of at "
        "least 1 - tau among all tokens, cached and own, and values have L equidistant levels whose step is more than "
        "2 (eta + tau), a cache with additive error eta and mean failure rate delta needs log2 L - H2(delta) - delta "
        "log2(L-1) bits per entry.",
        range="all token sets, dimensions, channels, coins, states, L; all real keys, lambda, tau, eta, delta",
        formula=r"\forall i: \frac{e^{\lambda \langle k_i, k_i \rangle}}{\sum_j e^{\lambda \langle k_i, k_j \rangle}} "
        r"\ge 1 - \tau, \; 2 (\eta + \tau)(L - 1) < 1 \;\Rightarrow\; \log_2 |S| \ge (\log_2 L - H_2(\delta) - "
        r"\delta \log_2(L - 1)) T h",
        discharges=(ByCoq("additive_given_own_weights", ("2 * (eta + tau) * (INR L - 1) < 1", OWN_WEIGHT, LEVELS)),),
        uses=(Use("separation"), Use("softmax_gap")),
    ),
    Lemma(
        id="geometric_values",
        words="Under relative error, L geometric levels that are far enough apart need log2 L - H2(delta) - delta "
        "log2(L-1) bits per entry as well.",
        range="all token sets, dimensions, channels, coins, states, L; all real keys, mu, lambda, eta, delta",
        formula=r"\log_2 |S| \ge (\log_2 L - H_2(\delta) - \delta \log_2(L - 1)) T h",
        discharges=(ByCoq("geometric_given_keys", ("(1 + eta) * (vmin + tau) < (1 - eta) * (beta * vmin)", LEVELS)),),
        uses=(Use("separation"), Use("softmax_gap")),
    ),
    Lemma(
        id="not_vacuous",
        words="A state that stores the symbols is correct with delta = 0: the hypotheses can be met.",
        range="all token sets, channels and injective levels",
        formula=r"\log_2 |S| = T h \log_2 L, \quad \delta = 0",
        discharges=(ByCoq("store_values", ("correct K B lam lev good (compress a) (answer a) 0",)),),
    ),
)
