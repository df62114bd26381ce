"""Model R2: with public weights the last scale's outputs determine the ids, so that the state must hold them all."""

from __future__ import annotations

from fractions import Fraction
from functools import partial
from typing import Any

from lowerbound.certify.replay.fibres import certify_fibre
from lowerbound.certify.replay.floor import claim_of, payload_of, plan_replay, resampling_of
from lowerbound.core.models import find_model
from lowerbound.prove.claims import polynomial_claim
from lowerbound.prove.expression import variables
from lowerbound.prove.lemma import ByCoq, ByKernel, BySolvers, Lemma, Statement, Use, computation

STATES, WORDS, RIGHT, FAILED = variables("S M R d")

COUNTING = Statement(
    hypotheses={
        "each state is decoded to one word": RIGHT <= STATES,
        "few words are decoded wrongly": WORDS - RIGHT <= FAILED * WORDS,
    },
    goal=(1 - FAILED) * WORDS <= STATES,
)

CERTIFIED = (
    ("var-d16", Fraction(3631, 10**6), 3060),
    ("var-d36-512", Fraction(1746, 10**6), 7680),
    ("var-d30-1024", Fraction(1084, 10**6), 36612),
    ("infinity-2b-0.06m", Fraction(244, 10**4), 3872),
    ("infinity-2b-0.25m", Fraction(5335, 10**6), 29472),
    ("infinity-2b-1m", Fraction(3879, 10**6), 131872),
)
"""Model, error eta and bits of each certificate; each reads as many rows as there are ids."""


def payload(model: str) -> dict[str, Any]:
    """The payload for a model, computed anew: the rows that are read, and their left inverses."""
    subject = find_model(model)
    resampling = resampling_of(subject)
    assert resampling is not None
    return payload_of(subject, plan_replay(subject.schedule, resampling, few_rows=True))


FIBRES = {"generic": 40320, "signs": 70**12, "grid": 4445808368374733991645184}
"""The largest number of prefixes of VAR-256 that share one f_hat, for three codebooks of 4096 codes."""


def fibres() -> int:
    """Find the lattice, let the kernel judge the fibre of each codebook, and compare it with FIBRES."""
    for kind, fibre in FIBRES.items():
        found = certify_fibre(find_model("var-d16"), kind)
        assert (found.fibre, found.rank) == (fibre, 42), kind
    return len(FIBRES)


F_HAT_LATTICE_WORDS = (
    "The changes of ids that f_hat does not show: the integer kernel of [U_1 .. U_8] of VAR-256 has 42 "
    "dimensions, and all of its vectors with entries up to 63 are constant on each scale. The largest sets of "
    "prefixes that differ by such constants have 8!, C(8,4)^12 and 4445808368374733991645184 elements for a "
    "generic codebook, all signs, and a grid of 64 x 64."
)
F_HAT_LATTICE_RANGE = "one schedule, three codebooks, phi the identity"

LEMMAS = (
    Lemma(
        id="replay_counting",
        words="The counting step: a message from which a reader guesses one of M equally likely words, and fails with "
        "probability delta over words and public coins, has at least log2 M - log2(1/(1 - delta)) bits. For fixed "
        "coins each of the S states is decoded to one word, so at most S words are decoded correctly.",
        range="all finite sets of ids, coins and states; all real delta < 1",
        discharges=(
            BySolvers(COUNTING, needed=("each state is decoded to one word", "few words are decoded wrongly")),
            ByKernel("handelman", polynomial_claim(COUNTING)),
            ByCoq("replay_lower_bound", (r"\rsum_i log2 (N (V i)) - log2 (/ (1 - delta)) <= bits a",)),
        ),
        model="R2",
    ),
    Lemma(
        id="prefix_decoding",
        words="Ids are made of signs, each of which belongs to a level. Once all lower levels are known, a left "
        "inverse l reads bit i from the contents. If sum_j |l_ij| e_j < 1 for every bit i, then contents known up to "
        "errors e_j determine all bits: what lower levels add is subtracted exactly, so that no error propagates "
        "upward. So a message needs at least as many bits as there are signs, minus log2(1/(1 - delta)).",
        range="all finite sets of bits, levels, rows, coins and states; all real contents, l, e, delta < 1",
        formula=r"\sum_j |l_{ij}| e_j < 1 \;\Rightarrow\; \log_2 |S| \ge \sum_i 1 - \log_2 \frac{1}{1 - \delta}",
        discharges=(
            ByCoq("prefix_decoding", (r"\rsum_j (Rabs (l i j) * e j) < 1", "Rabs (o j - content y j) <= e j", "x = y")),
            ByCoq("prefix_lower_bound", ("N I - log2 (/ (1 - delta)) <= bits a",)),
        ),
        uses=(Use("replay_counting"),),
        model="R2",
    ),
    Lemma(
        id="layer_norm",
        words="If a token is a content u beside a larger public part, its layer norm leaves w = u / sqrt(1 + |u|^2) of "
        "u. In a box whose corners have |w|^2 <= b, the inverse map w / sqrt(1 - |w|^2) amplifies errors by at most (1 "
        "- b)^(-3/2) in the sup norm.",
        range="all finite sets of channels; all real w, w', t, 0 <= b < 1",
        formula=r"\left| \frac{w_c}{\sqrt{1 - |w|^2}} - \frac{w'_c}{\sqrt{1 - |w'|^2}} \right| \le \frac{t}{(1 - "
        r"b)^{3/2}}, \quad |w_c - w'_c| \le t, \; |w|^2, |w'|^2 \le b < 1",
        discharges=(ByCoq("unnormalise", ("t / (sqrt (1 - b) * sqrt (1 - b) * sqrt (1 - b))",)),),
        model="R2",
    ),
    Lemma(
        id="replay_thresholds",
        words="On the maps of VAR and Infinity, rows that fit into the queries of the last scale have left inverses "
        "with 2 F_k kappa_k (eta + tau) (1 - B^-2)^(-3/2) < 1 at every scale: at eta = 0.003631 for VAR-256 (3060 "
        "bits), 0.001746 for VAR-512 (7680), 0.001084 for VAR-1024 (36612); at 0.0244, 0.005335 and 0.003879 for "
        "Infinity at 0.06M, 0.25M and 1M pixels (3872, 29472, 131872). F_k and kappa_k are exact rationals; the leak "
        "tau is enclosed in a ball.",
        range=f"finite list: {', '.join(model for model, _, _ in CERTIFIED)}",
        discharges=tuple(
            ByKernel(
                "replay_floor",
                claim_of(find_model(model), eta=eta, delta=Fraction(0), bits=bits),
                find=partial(payload, model),
            )
            for model, eta, bits in CERTIFIED
        ),
        model="R2",
    ),
    Lemma(
        id="public_weights",
        words="Theorem R2: there are public weights of the first layer, with addresses as keys, ids as signs, and "
        "lambda = 100, for which last-scale outputs within eta (max V - min V) determine all ids of r_1..r_(N-2), for "
        "every eta below the threshold of their certificate. So the whole state needs at least the bits of these ids "
        "minus log2(1/(1 - delta)), and so does the cache alone if it answers without f_hat; at delta = 0 keeping the "
        "ids is enough.",
        range="all schedules and sizes of layers whose certificate is verified; all algorithms with public coins",
        formula=r"\log_2 |S| \ge \sum_i \log_2 |V_i| - \log_2 \frac{1}{1 - \delta}",
        discharges=(
            ByCoq("blocks_exist", ("(#|E| < C)%nat", "dot (q e) (q e') = ind (e == e')", "\\rsum_w q e w = 0")),
            ByCoq(
                "public_weights",
                (
                    "layer_norm eps (input_row word position (fun s c => content spot A x s c + frozen s c) s)",
                    "good x o -> good y o -> x = y",
                    "N Id * N Bit - log2 (/ (1 - delta)) <= bits a",
                    "(forall w x, good x (answer a w (compress a w x) tt)) /\\ bits a = N Id * N Bit",
                ),
            ),
            ByCoq(
                "pyramid_weights",
                (
                    "inverse x k p i * pass x k.+1 k (line x k i) q) = ind (p == q)",
                    "2 * F k * (kappa true k * kappa false k) * (eta + tau) < bend * bend * bend",
                    "N (scale_id n kept) * N Bit - log2 (/ (1 - delta)) <= bits a",
                ),
            ),
        ),
        uses=(Use("softmax_gap"), Use("prefix_decoding"), Use("layer_norm"), Use("replay_thresholds")),
        model="R2",
    ),
    Lemma(
        id="var256_replay",
        words="Theorem R2 for VAR at 256 pixels, with nothing left to check outside Coq: bicubic and area resampling, "
        "left inverses, contents, 256 Kerdock addresses and the leak at lambda = 100 are computed by Coq's kernel. At "
        "every eta <= 0.003631 the 255 ids of 12 bits are determined, 3060 - log2(1/(1 - delta)) bits are needed, and "
        "3060 are enough.",
        range="one case: the maps of VAR-256, width over 160, all eps >= 0; all algorithms with public coins",
        formula=r"3060 - \log_2 \frac{1}{1 - \delta} \le \log_2 |S|, \quad \eta \le 0.003631",
        discharges=(
            ByCoq(
                "var256_public_weights",
                (
                    "0 <= eta <= 3631 / 1000000",
                    "forall h, multiplier lay h = 100",
                    "good x o -> good y o -> x = y",
                    "3060 - log2 (/ (1 - delta)) <= bits a",
                    "bits a = 3060",
                ),
            ),
        ),
        uses=(Use("public_weights"),),
        model="R2",
    ),
    Lemma(
        id="f_hat_lattice",
        words=F_HAT_LATTICE_WORDS,
        range=F_HAT_LATTICE_RANGE,
        discharges=(computation(F_HAT_LATTICE_WORDS, F_HAT_LATTICE_RANGE, fibres),),
        model="R3",
    ),
    Lemma(
        id="f_hat_fibres",
        words="Theorem R3: if f_hat and r_(N-1) are known for free, and a good answer determines the ids, the bits "
        "that are needed, and enough, are exactly log2 of the size of the largest set of prefixes that share one "
        "f_hat, rounded up. Where the certificate of the lattice is verified, the prefixes of such a set differ by "
        "constant maps whose sum is 0, and its size is (N - 2)! for a codebook whose entries in some channel are "
        "independent over the rationals, and for L levels in c channels the c-th power of the largest number of words "
        "of N - 2 levels that have the same sum. Almost every codebook has independent entries: to independent ones "
        "every number outside a countable set may be added.",
        range="all schedules whose certificate is verified; independent entries, all signs, grids; exact arithmetic",
        formula=r"\log_2 |S| \ge \log_2 \max_f |\{x : \hat f(x) = f\}| - \log_2 \frac{1}{1 - \delta}",
        discharges=(
            ByCoq("side_exact", ("log2 (INR M) - log2 (/ (1 - delta)) <= bits a", "bits a = log2 (INR M)")),
            ByCoq("independent_fibre", ("(Z.abs (z i) <= 1)%Z", "(#|F| <= n`!)%nat")),
            ByCoq("permuted_constants", ("(n <= #|V|)%nat", "#|F| = n`!")),
            ByCoq("independent_extends", ("exists f : nat -> R, forall y, (forall k, f k <> y)",)),
            ByCoq("grid_fibre", ("(Z.abs (z i) <= Z.of_nat L.-1)%Z", "(#|F| <= expn M #|Chan|)%nat")),
            ByCoq("constant_grid", ("#|F| = expn M #|Chan|",)),
        ),
        uses=(Use("f_hat_lattice"), Use("replay_counting")),
        model="R3",
    ),
    Lemma(
        id="var256_f_hat",
        words="Theorem R3 for VAR at 256 pixels, with nothing left to check outside Coq: integer changes of the ids, "
        "of at most 63, that f_hat does not show are constant on every map. With f_hat for free, log2 of 8!, of 70^12 "
        "and of 4445808368374733991645184 bits are needed up to log2(1/(1 - delta)), and so many states are enough, "
        "for independent entries, for 12 signs, and for a grid of 64 x 64.",
        range="one case: the maps of VAR-256, phi the identity; all codebooks of the three kinds, all algorithms with "
        "public coins",
        formula=r"\log_2 |S| \ge \log_2 8!, \qquad \log_2 |S| \ge 12 \log_2 70",
        discharges=(
            ByCoq("var256_short", ("(Z.abs (z i) <= 63)%Z", "z (Tagged var256_place p) = z (Tagged var256_place q)")),
            ByCoq(
                "var256_f_hat_independent",
                ("(8 <= #|V|)%nat", "log2 40320 - log2 (/ (1 - delta)) <= bits a", "bits a = log2 40320"),
            ),
            ByCoq("var256_f_hat_signs", ("log2 (70 ^ 12) - log2 (/ (1 - delta)) <= bits a", "bits a = log2 (70 ^ 12)")),
            ByCoq(
                "var256_f_hat_grid",
                (
                    "log2 4445808368374733991645184 - log2 (/ (1 - delta)) <= bits a",
                    "bits a = log2 4445808368374733991645184",
                ),
            ),
        ),
        uses=(Use("f_hat_fibres"),),
        model="R3",
    ),
)
