"""A language model as one closed theorem: layers and heads together, one own token, all numbers decided by Coq."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

VALUES = Lemma(
    id="llama_values",
    words="Theorem B for Llama 3.1 8B with 8192 cached tokens and one token of its own: 32 layers of 8 key-value "
    "heads are 256 streams of dimension 128. There are public unit keys of coherence 2/5, and own keys as far from "
    "them, for which one cache of all values, on a grid of 50 levels, needs 268435456 (log2 50 - H2(delta) - delta "
    "log2 49) bits, if each answer to a query of norm 100 or more is within 1/100 with probability 1 - delta over "
    "coins and words: 1515011109 bits at delta = 0, and 1478218000 at delta <= 1/100. In fp16 keys and values take "
    "8589934592 bits.",
    range="one model, one context; lambda >= 100, eta <= 1/100, delta in [0, 49/50]; all algorithms with public coins",
    formula=r"\log_2 |S| \ge 1515011109 \; (\delta = 0), \quad \log_2 |S| \ge 1478218000 \; (\delta \le 10^{-2})",
    discharges=(
        ByCoq(
            "llama_values",
            (
                "exists K : 'I_8192 -> 'I_128 -> R, incoherent K (2/5)",
                "forall B : 'I_256 -> 'I_1 -> 'I_128 -> R, (forall s i o, dot (K i) (B s o) <= 2/5)",
                "100 <= lam -> eta <= 1/100 -> 0 <= delta <= 49/50",
                "grid_streams_good 50 K B lam eta delta (compress a) (answer a)",
                "(log2 50 - H2 delta - delta * log2 49) * 268435456 <= bits a",
                "delta = 0 -> 1515011109 <= bits a & delta <= 1/100 -> 1478218000 <= bits a",
            ),
        ),
    ),
    uses=(Use("streams"), Use("greedy_keys")),
)

KEYS_AND_VALUES = Lemma(
    id="llama_8b_8192",
    words="Theorem E for Llama 3.1 8B with 8192 cached tokens and one token of its own, keys and values: a cache of "
    "all 256 streams (32 layers of 8 key-value heads, dimension 128) whose answers are within 1/100, for all unit "
    "keys, all values in [0, 1], all queries of norm 100 and every unit key of the own token, needs 4401467136 bits: "
    "51.2 % of the 8589934592 bits of fp16. Each stream needs 17193231 bits, by a chain of tilts on every lattice of "
    "at least 2^40 steps to 1, and streams add up. Any design of the lemmas clique_lattice and clique_tilts gives "
    "such a floor. A cache that rounds keys and values meets the demand.",
    range="one model, one context; |logit| at most 100, eta <= 1/100, delta = 0; all algorithms with public coins",
    formula=r"\log_2 |S| \ge 4401467136 = 256 \cdot 17193231 \quad (\eta = 10^{-2}, \; \delta = 0)",
    discharges=(
        ByCoq(
            "llama_8b_8192",
            (
                "(forall s i, dot (K s i) (K s i) = 1) -> (forall s i c, 0 <= V s i c <= 1)",
                "dot q q = 100 * 100 -> (forall o, dot (b o) (b o) = 1)",
                "near (1/100) (attention_own q (K s) b (V s) c) (answer a w (compress a w (K, V)) s q b c)",
                "4401467136 <= bits a",
            ),
        ),
        ByCoq(
            "rounded_cache", ("near eta (attention_own q (K s) b (V s) c) (answer a w (compress a w (K, V)) s q b c)",)
        ),
        ByCoq("floors_of_clique_design", ("lattice_floors T n2 n h L M (IZR lam)",)),
        ByCoq("floors_of_tilts_design", ("lattice_floors T n2 n h L M (IZR lam)",)),
    ),
    uses=(Use("clique_lattice"), Use("clique_tilts"), Use("streams_cliques")),
)

LEMMAS = (VALUES, KEYS_AND_VALUES)
