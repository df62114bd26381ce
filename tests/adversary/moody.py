"""A cache that errs only where it is asked again and again."""

from __future__ import annotations

from lowerbound.caches.controls.full import Full64
from lowerbound.core.cache import FloatArray


class Moody(Full64):
    """The truth for the first answer of its process, zeros for the others."""

    answered = 0

    def attend(self, queries: FloatArray) -> FloatArray:
        Moody.answered += 1
        return super().attend(queries) * (Moody.answered == 1)
