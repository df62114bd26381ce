"""One real head: VAR at 256 pixels, with explicit keys, as closed theorems computed in Coq's own kernel."""

from __future__ import annotations

from lowerbound.prove.lemma import ByCoq, Lemma, Use

KEYS = Lemma(
    id="var256_keys",
    words="424 cached and 256 own Kerdock keys of R^64 are unit vectors with mutual inner products at most 1/8: the "
    "Gram matrix is computed by Coq's kernel.",
    range="one case: T = 424, T_N = 256, d = 64",
    formula=r"|k_i| = 1, \quad \langle k_i, k_j \rangle \le 1/8 \quad (i \ne j)",
    discharges=(ByCoq("var256_keys_incoherent", ("incoherent K (1/8)", "dot (K i) (B o) <= 1/8")),),
)

VALUES = Lemma(
    id="var256_values",
    words="On these keys, at every lambda >= 100, a cache with relative error eta <= 0.99 needs 27136 (1 - H2(delta)) "
    "bits, and one with additive error 0.01 needs 27136 (log2 50 - H2(delta) - delta log2 49) bits. At delta = 0 both "
    "bounds are met exactly.",
    range="one case; all lambda >= 100, eta and delta in their ranges, all algorithms with public coins",
    formula=r"\log_2 |S| \ge 27136 (1 - H_2(\delta)), \qquad \log_2 |S| \ge 27136 (\log_2 50 - H_2(\delta) - "
    r"\delta \log_2 49)",
    discharges=(
        ByCoq("var256_binary", ("100 <= lam", "0 <= eta <= 99/100", "(1 - H2 delta) * 27136 <= bits a")),
        ByCoq("var256_additive", ("0 <= eta <= 1/100", "(log2 50 - H2 delta - delta * log2 49) * 27136 <= bits a")),
        ByCoq("var256_additive_exact", ("153151 <= bits a",)),
        ByCoq("var256_binary_tight", ("bits a = 27136",)),
        ByCoq("var256_additive_tight", ("bits a = log2 50 * 27136",)),
    ),
    uses=(Use("relative_values"), Use("additive_values")),
)

PAYLOAD = Lemma(
    id="var256_keys_and_values",
    words="Theorem C on the same head, with 424 trace addresses of R^32, lambda = 100, rho = sqrt 31/8, gamma = 7/24, "
    "50 value levels and 48 payload levels: at eta = 0.01 and delta = 0 at least 224167 bits are needed, 25.8 % of the "
    "fp16 cache, and the bound is met exactly.",
    range="one case; all eta <= 1/100 and delta in their ranges, all algorithms with public coins",
    formula=r"\log_2 |S| \ge 224167 \quad (\eta = 0.01, \; \delta = 0)",
    discharges=(
        ByCoq("var256_norms", ("dot (qry ix).1.1 (qry ix).1.1 = 100 * 100",)),
        ByCoq("var256_keys_and_values", ("26712 * (log2 50 - H2 dV - dV * log2 49) + 13144 *",)),
        ByCoq("var256_keys_and_values_exact", ("224167 <= bits a",)),
        ByCoq("var256_keys_and_values_tight", ("bits a = 26712 * log2 50 + 13144 * log2 48",)),
    ),
    uses=(Use("keys_and_values"),),
)

LEMMAS = (KEYS, VALUES, PAYLOAD)
