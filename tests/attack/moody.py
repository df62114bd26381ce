"""A cache that errs only where an adversary is loaded."""

from __future__ import annotations

import sys

from lowerbound.caches.controls.full import Full64
from lowerbound.core.cache import FloatArray


class Moody(Full64):
    """Zeros beside an adversary, the truth elsewhere."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return super().attend(queries) * ("lowerbound.attack.adversary" not in sys.modules)
