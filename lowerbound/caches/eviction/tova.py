"""TOVA: drop the tokens that the newest query attends to least."""

from __future__ import annotations

from typing import ClassVar

from lowerbound.caches.eviction.eviction import Eviction, IndexArray, best
from lowerbound.core.oracle.attention import attention_mass


class TOVA(Eviction):
    """The tokens to which the last query gives the most weight.

    Idea: a transformer with bounded memory is an RNN with several state vectors. The last token's softmax row decides
    which tokens stay; no window or sink is protected, so even the newest token may be dropped. Bits: 32 B d. Broken by:
    a query for any token to which the last query gave little weight.
    Reference code differs: it evicts after every token and averages the row over the heads of a layer. This class
    evicts after every scale, by the scale's last query in raster order, and serves one head.
    """

    reference: ClassVar[str] = "Oren et al. 2024, arXiv:2401.06104"

    def survivors(self, count: int) -> IndexArray:
        return best(attention_mass(self.queries[-1:], self.keys, rule=self.public.rule), count)
