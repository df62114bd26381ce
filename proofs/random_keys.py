"""Random keys: what a union bound gives, what greedy keys give, and the tails behind the Gaussian map."""

from __future__ import annotations

from fractions import Fraction

from lowerbound.core.bounds import UNION_BOUND
from lowerbound.core.scalars import ball, precision
from lowerbound.prove.claims import cover_claim
from lowerbound.prove.expression import Expression, Opaque
from lowerbound.prove.lemma import ByCoq, ByKernel, Lemma, Use, computation

ONE = Opaque().number(1)


def union_bound(n: int, d: int, mu: Fraction) -> Expression:
    """n (n - 1)/2 exp(-d mu^2 / 2), the library's formula."""
    expression: Expression = UNION_BOUND.body(Opaque(), *(Opaque().number(x) for x in (n, d, mu)))
    return expression


DRAWN = Lemma(
    id="random_keys",
    words="Draw T vectors of d signs each, all 2^(T d) draws equally likely, and divide them by sqrt(d). All draws but "
    "a fraction of at most T (T - 1)/2 exp(-d mu^2 / 2) are unit keys with mutual inner products at most mu; in "
    "absolute value, all but twice that fraction.",
    range="all T, d >= 1; all real mu >= 0",
    formula=r"P(\max_{i \ne j} \langle k_i, k_j \rangle > \mu) \le \frac{T (T - 1)}{2} e^{-d \mu^2 / 2}",
    discharges=(
        ByCoq(
            "random_keys",
            (
                "dot (key x i) (key x i) = 1",
                "(i != j) ==> Rleb (dot (key x i) (key x j)) mu",
                "<= INR T * (INR T - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)) "
                "* N [finType of {ffun 'I_T -> {ffun 'I_d -> bool}}]",
            ),
        ),
        ByCoq(
            "random_keys_both",
            (
                "(i != j) ==> Rleb (Rabs (dot (key x i) (key x j))) mu",
                "<= 2 * (INR T * (INR T - 1) / 2 * exp (- (INR d * mu ^ 2 / 2)))",
            ),
        ),
    ),
    uses=(Use("hoeffding"),),
)

UNION = Lemma(
    id="union_bound_keys",
    words="For T = 424 and mu = 1/2 the union bound for random signs is below 1 in dimension 92 and above 1 in "
    "dimension 91.",
    range="finite list: d = 91, 92",
    discharges=(
        ByKernel("cover", cover_claim(ONE - union_bound(424, 92, Fraction(1, 2)), {})),
        ByKernel("cover", cover_claim(union_bound(424, 91, Fraction(1, 2)) - 1, {})),
    ),
    uses=(Use("random_keys"),),
)

GREEDY = Lemma(
    id="greedy_dimension",
    words="For T = 424 and mu = 1/2 greedy keys exist in dimension 49, about half of the dimension that the union "
    "bound requires.",
    range="one case",
    discharges=(ByKernel("cover", cover_claim(Opaque().exp(Opaque().number(Fraction(49, 8))) - 423, {})),),
    uses=(Use("greedy_keys"),),
)


def chi_square_tails() -> int:
    """Arb's chi-square tails lie below exp(-d (e - ln(1 + e))/2), and exp(-d (-e - ln(1 - e))/2) for the lower one."""
    cases = [(d, Fraction(k, 8)) for d in (16, 32, 64, 128) for k in (1, 2, 4, 6)]
    with precision(128):
        for d, e in cases:
            shape, one = ball(Fraction(d, 2)), ball(1)
            upper = (ball(d * (1 + e) / 2)).gamma_upper(shape, regularized=1)
            lower = (ball(d * (1 - e) / 2)).gamma_lower(shape, regularized=1)
            assert upper < (-ball(Fraction(d, 2)) * (ball(e) - (one + ball(e)).log())).exp(), (d, e)
            assert lower < (-ball(Fraction(d, 2)) * (-ball(e) - (one - ball(e)).log())).exp(), (d, e)
    return 2 * len(cases)


def the_tail_is_the_binomial_of_its_integers() -> int:
    """The argument order of the incomplete gamma function, pinned: for even d the tail is a finite Poisson sum."""
    with precision(128):
        for d, x in ((2, 3), (6, 5), (10, 20)):
            half = ball(Fraction(x, 2))
            terms, term = ball(0), ball(1)
            for k in range(d // 2):
                terms += term
                term = term * half / (k + 1)
            assert (half.gamma_upper(ball(Fraction(d, 2)), regularized=1) - terms * (-half).exp()).contains(0)
    return 3


GAUSSIAN_NORMS_WORDS = (
    "Images g/sqrt(d) of the paper's Gaussian map have squared norms in (1 - e, 1 + e), except with probability "
    "exp(-d (e - ln(1 + e))/2) above and exp(-d (-e - ln(1 - e))/2) below."
)
GAUSSIAN_NORMS_RANGE = "finite list: d in {16, 32, 64, 128}, e in {1/8, 1/4, 1/2, 3/4}"

GAUSSIAN = Lemma(
    id="gaussian_norms",
    words=GAUSSIAN_NORMS_WORDS,
    range=GAUSSIAN_NORMS_RANGE,
    discharges=(
        computation(GAUSSIAN_NORMS_WORDS, GAUSSIAN_NORMS_RANGE, chi_square_tails),
        computation(GAUSSIAN_NORMS_WORDS, GAUSSIAN_NORMS_RANGE, the_tail_is_the_binomial_of_its_integers),
    ),
)

LEMMAS = (DRAWN, UNION, GREEDY, GAUSSIAN)
