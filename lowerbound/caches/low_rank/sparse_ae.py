"""Sparse auto-encoder: projecting the encoder's weights removes latent channels; the decoder is linear."""

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
    """Template: `p` latent numbers per row; a final class chooses how the encoder's weights are projected.

    The dense encoder is a public Gaussian d x d matrix W. It is projected onto the l1,1 ball of radius budget
    |W|_{1,1}; weights that become zero stay zero, and the others return to their initial values, as in the paper's
    double descent. Columns (latent channels) without nonzero weights are removed; p remain. The decoder is the
    pseudo-inverse, the best linear decoder for isotropic rows. As in the paper, the weights are projected and not the
    latent codes; so the surviving channels are public, and which ones survive carries no information.
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
    def counted_bits(self) -> int:
        """p latent numbers for each row: of d latent channels, p survive."""
        n_latent = int(self.encoder.shape[1])
        return 2 * FP16_BITS * self.public.schedule.n_tokens_cached * n_latent

    @abstractmethod
    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        """The weights, projected onto the l1,1 ball of this radius."""

    def write(self, writer: BitWriter) -> None:
        fresh = np.stack([self.new_keys, self.new_values]) @ self.encoder
        writer.floats("payload", np.concatenate([self._codes, fresh], axis=1), width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        shape = 2, self.n_old, self.encoder.shape[1]
        self._codes = reader.floats(int(np.prod(shape)), width=FP16_BITS).reshape(shape)
        self.old_keys, self.old_values = self._codes @ self.decoder


class SparseAEBilevel(_SparseAE):
    """The bi-level projection of the reference code (column norms first), which removes whole latent channels.

    Idea: a latent channel without weights need not be stored. Bits: 2 T p 16, p the number of surviving channels.
    Broken by: any value outside their span.
    """

    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        return bilevel_l11(weights, radius)


class SparseAEEuclidean(_SparseAE):
    """The Euclidean projection onto the same ball: as many zeros, but few empty channels, so memory hardly shrinks.

    Idea: the control for `sparse-ae`. Bits: 2 T p 16, p the number of surviving channels. Broken by: any value outside
    their span.
    """

    def project(self, weights: FloatArray, radius: float) -> FloatArray:
        return euclidean_l11(weights, radius)
