"""LESS with positive random features, which need no training."""

from __future__ import annotations

import math

from lowerbound.caches.recurrent.folded import FoldedEvictions
from lowerbound.core.cache import FloatArray
from lowerbound.core.coins import Coins


class LESSFeatures(FoldedEvictions):
    """Evicted pairs enter the state through positive random features, which estimate e^<q,k> without bias.

    Idea: psi_r(x) = phi_r(x) = exp(<w_r, x> - |x|^2 / 2) / sqrt(R) with public Gaussian w_r; the square root of the
    logit's scale factor multiplies q, and again k. It is our untrained stand-in for LESS: phi(q)^T psi(k) is
    unbiased, with a variance that grows like e^{logit}. Bits: B (32 d + 32), plus 32 R (d + 1) once tokens were
    evicted. Broken by: a query for any evicted token.
    """

    def _log_features(self, rows: FloatArray) -> FloatArray:
        stream = Coins(self.public.seed, f"less features {self.public.d} {self.n_features}")
        directions = stream.generator().standard_normal((self.public.d, self.n_features))
        squares = (rows * rows).sum(axis=1, keepdims=True)
        log_features: FloatArray = rows @ directions - squares / 2 - math.log(self.n_features) / 2
        return log_features

    def log_phi(self, queries: FloatArray) -> FloatArray:
        return self._log_features(queries / math.sqrt(self.public.rule.factor(self.public.d)))

    def log_psi(self, keys: FloatArray) -> FloatArray:
        return self._log_features(keys * math.sqrt(self.public.rule.factor(self.public.d)))
