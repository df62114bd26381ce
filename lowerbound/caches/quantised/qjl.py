"""QJL: store the signs of a random sketch of every key, and quantize values per token."""

from __future__ import annotations

from fractions import Fraction
from typing import ClassVar

from lowerbound.caches.quantised.sketched_keys import SketchedKeys


class QJL(SketchedKeys):
    """The sign bits of a random sketch estimate every logit without bias.

    Idea: with S a public m x d sketch, <q, k> is estimated by c |k| / m <S q, sign(S k)>. Each group of g = min(32, d)
    tokens has o = max(1, floor(d / 16)) outlier channels, for which the estimate is made separately, from m / 2 signs.
    The answer is the softmax of the estimates; values are stored in 2-bit codes, in groups of g channels. The rows of S
    are orthogonal in blocks of d, as in the reference code, and c is the exact constant for such rows (the reference
    code keeps sqrt(pi / 2), too large by a factor of about 1 + 1 / (4 d)). Bits: G o ceil(log2 d) + G g (m +
    max(1, floor(m / 2)) + 2 d + 32 + 32 ceil(d / g)) + 32 d (n mod g) for n tokens that fill G = floor(n / g) groups.
    Broken by: logits larger than sqrt(m). Reference code differs: it keeps the newest 128 tokens in float16, this class
    at most g - 1. Its m = 256, and m / 2 = 128 for outliers, at d = 128 are the default here: 2 d and d.
    """

    orthogonal: ClassVar[bool] = True


class QJLGaussian(SketchedKeys):
    """QJL with a sketch of independent Gaussian entries, as in the theorem of the paper.

    Idea: as qjl. The estimate is unbiased with c = sqrt(pi / 2); each of its two parts (outlier channels and the
    others) has variance (pi / 2 |q|^2 |k|^2 - <q, k>^2) / m, for its own q, k and m. Bits: those of qjl. Broken by: as
    qjl. The default is m = 4 d, which the reference code uses in the first layers.
    """

    orthogonal: ClassVar[bool] = False
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
