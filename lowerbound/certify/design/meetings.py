"""How the frames of tokens meet, in floats: the classes that the kernel counts, and the Chernoff bounds on them."""

from __future__ import annotations

import math

import numpy as np

from lowerbound.kernel.rules.addresses import AddressCode

ROUNDS = 3
"""Steps of Newton's method towards the best exponent of each class."""


class Meetings:
    """How often the frames of two addresses meet in each way: arrays with an entry for each class.

    `between` and `beside` are the largest inner products of two addresses, and of an address with a frame.
    """

    def __init__(self, addresses: AddressCode, n: int, width: int) -> None:
        self.addresses = addresses
        counted = addresses.classes(width)
        table = np.array([(*key, count) for key, count in counted.items() if count], float)
        self.weight = table[:, 5] / (n * (width - 1))
        self.g = table[:, 0] / addresses.length
        entry, other, first, last = table[:, 1:5].T / math.sqrt(addresses.length)
        own, his = entry / (1 - first), other / (1 - last)
        self.across, self.back = other + own * (last - self.g), entry + his * (first - self.g)
        self.both = 1 - his * other - own * entry + own * his * (1 - first - last + self.g)
        self.between, self.beside = max(0.0, self.g.max()), np.abs(self.across).max()

    def shut(self, cosine: float, sine: float, height: float, c_0: float, growth: float, multiplier: float) -> float:
        """The mean of the Chernoff bounds on the weight of the other tokens, without the factor 1 + 1/z."""
        along = cosine * self.g + sine * self.across
        edge = np.abs(cosine * self.back + sine * self.both) * growth
        curve = growth**2 / 3 * np.maximum(0.0, 1 - along**2 - (edge / growth) ** 2)
        drop = height - c_0 * along
        t = np.clip(drop / np.maximum(curve + edge**2 / 3, 1e-12), 1e-9, multiplier)
        for _ in range(ROUNDS):
            u = np.maximum(t * edge, 1.0)
            coth = 1 / np.tanh(u)
            step = t * curve + edge * (coth - 1 / u) - drop
            step /= np.maximum(curve + edge**2 * (1 / u**2 - coth**2 + 1), 1e-12)
            t = np.where(t * edge < 1, t, np.clip(t - step, 1e-9, multiplier))
        u = np.maximum(t * edge, 1.0)
        mean = np.where(t * edge < 1, (t * edge) ** 2 / 6, u + np.log1p(-np.exp(-2 * u)) - np.log(2 * u))
        exponent = np.where(drop > 0, t * t * curve / 2 - t * drop + mean, 0.0)
        return float((self.weight * np.exp(np.minimum(exponent, 0.0))).sum())
