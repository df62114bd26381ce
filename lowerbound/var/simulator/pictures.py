"""From pictures to features, and from f_hat to pictures: stacks of 3 x 3 convolutions, if a network has them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.var.simulator.block import silu
from lowerbound.var.simulator.tokens import convolved

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Convolution:
    """A 3 x 3 convolution over a border of zeros.

    Parameters
    ----------
    weight : array, shape (outputs, inputs, 3, 3)
    bias : array, shape (outputs,)
    enlarge : int
        How often each cell of a map is repeated along both axes first.
    stride : int
        The result is computed at every stride-th place, from the first on.
    """

    weight: Array
    bias: Array
    enlarge: int = 1
    stride: int = 1

    def __call__(self, maps: Array) -> Array:
        """Maps (inputs, h, w) to maps (outputs, ...)."""
        large = np.repeat(np.repeat(maps, self.enlarge, axis=1), self.enlarge, axis=2)
        return convolved(large, self.weight, self.bias, stride=self.stride)


@dataclass(frozen=True, eq=False)
class Convolutions:
    """Convolutions, with SiLU between two of them."""

    layers: tuple[Convolution, ...]

    def __call__(self, maps: Array) -> Array:
        """Maps (channels, h, w) through all layers."""
        first, *others = self.layers
        maps = first(maps)
        for layer in others:
            maps = layer(silu(maps))
        return maps

    @property
    def input_channels(self) -> int:
        """Channels of the maps that are taken."""
        return int(self.layers[0].weight.shape[1])

    @property
    def shrinks(self) -> int:
        """The factor by which the sides of a map shrink."""
        return math.prod(layer.stride for layer in self.layers)
