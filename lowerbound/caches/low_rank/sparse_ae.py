"""Sparse auto-encoder: an encoder whose l1,1-projected weights lose whole latent channels, and a linear decoder."""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import ClassVar

import numpy as np

from lowerbound.caches.low_rank.l11 import bilevel_l11, euclidean_l11
from lowerbound.caches.quantised.restored import RestoredTokens
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins


class _SparseAE(RestoredTokens):
    """Template: `p` latent numbers a row; a final class says how the encoder's weights are projected.

    The dense encoder is a public Gaussian d x d matrix W. It is projected on the l1,1 ball of radius budget |W|_{1,1};
    the zeros are frozen and the other weights return to their initial values, as double descent does; columns
    (latent channels) without weights are gone. The decoder is the pseudo-inverse: the best linear one for isotropic
    rows. Weights are projected, as in the paper, and not codes: the surviving channels are then public, and no
    information hides in their number.
    """

    family: ClassVar[str] = "low-rank"
    reference: ClassVar[str] = "Gille et al. 2022, arXiv:2209.04448"
    budget_meaning: ClassVar[str] = "radius of the l1,1 ball over the l1,1 norm of the dense encoder"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 50)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        d = public.d
        dense = Coins(public.seed, f"sparse auto-encoder {d}").generator().standard_normal((d, d))
        sparse = np.where(self.project(dense, float(self.budget) * float(np.abs(dense).sum())) != 0, dense, 0.0)
        self.encoder: FloatArray = sparse[:, np.abs(sparse).sum(axis=0) > 0]
        self.decoder = np.asarray(np.linalg.pinv(self.encoder), dtype=np.float64)
        self._codes: FloatArray = np.zeros((2, 0, self.encoder.shape[1]))

    @property
    def claimed_ratio(self) -> Fraction | None:
        """d latent channels, of which p survive."""
        return Fraction(self.public.d, self.encoder.shape[1])

    @abstractmethod
    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        """The weights, on the ball."""

    def write(self, writer: BitWriter) -> None:
        fresh = np.stack([self.new_keys, self.new_values]) @ self.encoder
        writer.floats("payload", np.concatenate([self._codes, fresh], axis=1), width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        shape = 2, self.n_old, self.encoder.shape[1]
        self._codes = reader.floats(int(np.prod(shape)), width=FP16_BITS).reshape(shape)
        self.old_keys, self.old_values = self._codes @ self.decoder


class SparseAEBilevel(_SparseAE):
    """The projection that the reference code applies, column norms first: it removes whole latent channels.

    Bits: 2 T p 16, p the surviving channels. Broken by: any value outside their span.
    """

    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        return bilevel_l11(weights, radius)


class SparseAEEuclidean(_SparseAE):
    """The Euclidean projection on the same ball: as sparse, but few channels vanish, and memory hardly shrinks.

    Bits: 2 T p 16, p the surviving channels. Broken by: any value outside their span.
    """

    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        return euclidean_l11(weights, radius)
