"""Images that the project makes, and their token ids by residual quantization.

An image is three channels at the size of the last map. No encoder is used: a random linear map lifts the three channels
into the code's, at CONTRAST times a code's deviation. Then VAR's own multi-scale quantization runs with the network's
codebook: at every scale, the part that f_hat still misses is averaged down, every token takes the nearest code (bits:
the signs), and its contribution is subtracted. A random phi and codebook approximate less well than trained ones;
`Encoded.missed` measures the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.errors import unknown
from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.tokens import BitTokens

Array = NDArray[Any]
FloatArray = NDArray[np.float64]
Ids = NDArray[np.int64]

N_COLOURS = 3
CONTRAST = 2
"""Standard deviation of a lifted image, in units of a code's: of 1/2 to 8, the one that random codebooks miss least."""


def gradient(height: int, width: int, seed: int) -> FloatArray:
    """A linear ramp in each color, (3, height, width), in a direction drawn from the seed."""
    angles = 2 * np.pi * _random(seed, "gradient").random(N_COLOURS)
    rows, columns = _places(height, width)
    return np.stack([np.cos(a) * rows + np.sin(a) * columns for a in angles])


def texture(height: int, width: int, seed: int) -> FloatArray:
    """Three plane waves in each color, with two to eight periods across the image."""
    random = _random(seed, "texture")
    rows, columns = _places(height, width)
    waves = np.zeros((N_COLOURS, height, width))
    for colour in range(N_COLOURS):
        for _ in range(3):
            angle, phase, periods = 2 * np.pi * random.random(), 2 * np.pi * random.random(), 2 + 6 * random.random()
            along = np.cos(angle) * rows + np.sin(angle) * columns
            waves[colour] += np.cos(np.pi * periods * along + phase)
    return waves


def edges(height: int, width: int, seed: int) -> FloatArray:
    """Six rectangles, each of one color, over a plain background."""
    random = _random(seed, "edges")
    rows, columns = _places(height, width)
    image = np.tile(random.standard_normal((N_COLOURS, 1, 1)), (1, height, width))
    for _ in range(6):
        top, bottom = np.sort(2 * random.random(2) - 1)
        left, right = np.sort(2 * random.random(2) - 1)
        inside = (rows >= top) & (rows <= bottom) & (columns >= left) & (columns <= right)
        image[:, inside] = random.standard_normal((N_COLOURS, 1))
    return image


IMAGES: dict[str, Callable[[int, int, int], FloatArray]] = {"gradient": gradient, "texture": texture, "edges": edges}
"""From each name to the function of (height, width, seed) that makes the image."""


@dataclass(frozen=True, eq=False)
class Encoded:
    """An image as ids.

    Parameters
    ----------
    ids : per scale, (tokens, decisions)
    target : array, of the shape of f_hat
        The image, lifted.
    missed : float
        |target - f_hat| / |target|, Euclidean, once the ids of all scales are in.
    """

    ids: tuple[Ids, ...]
    target: Array
    missed: float


def encode_image(network: Network, name: str, *, seed: int = 0) -> Encoded:
    """The ids of one of IMAGES in a network.

    Contract: deterministic; every id is the nearest code to what is missing at its scale. Other names raise
    UnknownName.
    """
    if name not in IMAGES:
        raise unknown("image", name, ("random", *IMAGES))
    tokens = network.tokens
    empty = tokens.empty()
    channels, height, width = empty.shape
    image = IMAGES[name](height, width, seed)
    image = image - image.mean(axis=(1, 2), keepdims=True)
    lifted = np.tensordot(_random(seed, "lift").standard_normal((channels, N_COLOURS)), image, axes=1)
    deviation = CONTRAST * (channels**-0.5 if isinstance(tokens, BitTokens) else 1.0)
    target = (lifted * (deviation / lifted.std())).astype(empty.dtype)
    ids, f_hat = tokens.quantised(target)
    return Encoded(ids, target, float(np.linalg.norm(target - f_hat) / np.linalg.norm(target)))


def _places(height: int, width: int) -> tuple[FloatArray, FloatArray]:
    """Rows and columns of all cells, in [-1, 1]."""
    rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return rows, columns


def _random(seed: int, purpose: str) -> np.random.Generator:
    return Coins(seed, f"var/images/{purpose}").generator()
