"""QJL: the signs of a random sketch of every key, and values quantised token by token."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from lowerbound.caches.quantised.sketched_keys import SketchedKeys


class QJL(SketchedKeys):
    """The sign bits of a random sketch estimate every logit without bias.

    Idea: with S a public m x d sketch, <q, k> is estimated by c |k| / m <S q, sign(S k)>, once for d / 16 outlier
    channels a group of g = min(32, d) tokens (m / 2 signs) and once for the others; softmax of the estimates;
    values in 2-bit codes, groups of g channels. Here the rows of S are orthogonal in blocks of d, as in the
    reference code, and c is the exact constant for them (the code keeps sqrt(pi / 2), which is 1 + 1 / (4 d) too
    large). Bits: G o ceil(log2 d) + G g (m + floor(m / 2) + 2 d + 32 + 32 ceil(d / g)) + 32 d (n mod g) for n
    tokens, of which G = floor(n / g) groups are full, and o = max(1, floor(d / 16)). Broken by: logits larger than
    sqrt(m). Reference code differs: 128 newest tokens wait where here at most g - 1; its m = 256 and m / 2 at d =
    128 are the default, 2 d and d.
    """

    orthogonal: ClassVar[bool] = True


class QJLGaussian(SketchedKeys):
    """QJL with an unstructured Gaussian sketch, as the theorem of the paper has it.

    Bits: those of QJL. Unbiased with c = sqrt(pi / 2); variance (pi / 2 |q|^2 |k|^2 - <q, k>^2) / m a part. Broken by:
    as QJL. The default is m = 4 d, which the reference code gives to the first layers.
    """

    orthogonal: ClassVar[bool] = False
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
