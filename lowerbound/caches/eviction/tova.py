"""TOVA: whatever the newest query attends to least is dropped."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, best
from lowerbound.core.oracle.attention import attention_mass


class TOVA(Eviction):
    """The tokens to which the last query gives the most weight.

    Idea: a transformer that forgets is an RNN with several states; the last token's softmax row decides who stays,
    without window or sinks, and the newest token may be dropped too. Bits: 32 B d. Broken by: a query for any token
    that the last query did not want.
    Reference code differs: one token a step, and the row averaged over the heads of a layer; here one scale a step,
    its last query in raster order decides, and there is one head.
    """

    reference: ClassVar[str] = "Oren et al. 2024, arXiv:2401.06104"

    def survivors(self, count: int) -> IndexArray:
        return best(attention_mass(self.queries[-1:], self.keys, rule=self.public.rule), count)
