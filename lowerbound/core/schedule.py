"""The schedule of token maps, which says at which scale, row and column each token lies.

Scales are numbered from 0 here; the paper numbers them from 1. A shape is (height, width), or
(frames, height, width) for video.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from math import prod

from lowerbound.core.scalars import counted
from lowerbound.errors import InvalidArgument, invalid, quoted

Shape = tuple[int, int] | tuple[int, int, int]


def _positive_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


@dataclass(frozen=True)
class ScaleSchedule:
    """The token maps of one generation, coarse to fine, preceded by `n_context` prompt tokens.

    Contract: for every tuple of shapes with positive sides, counts are exact integers, and `locate` and `token`
    are inverse to each other; any other tuple raises InvalidArgument.
    Paper: the sequence (h_k, w_k), k = 1..K [arXiv:2503.14881].

    Parameters
    ----------
    shapes : tuple of (height, width) or (frames, height, width)
        One entry per scale; all sides >= 1.
    n_context : int
        Number of prompt tokens (a text prefix). They are cached together with scale 0 and precede every map.
    """

    shapes: tuple[Shape, ...]
    n_context: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.shapes, tuple) or not self.shapes:
            raise invalid("shapes", "be a non-empty tuple of (height, width)", self.shapes)
        for shape in self.shapes:
            if not isinstance(shape, tuple) or len(shape) not in (2, 3):
                raise invalid("every shape", "be (height, width) or (frames, height, width)", shape)
            if not all(_positive_int(side) for side in shape):
                raise invalid("every side of a scale", "be an integer >= 1", shape)
        if len({len(shape) for shape in self.shapes}) != 1:
            raise invalid("shapes", "be all pairs or all triples", self.shapes)
        if isinstance(self.n_context, bool) or not isinstance(self.n_context, int) or self.n_context < 0:
            raise invalid("n_context", "be an integer >= 0", self.n_context)

    @classmethod
    def square(cls, sides: Iterable[int]) -> ScaleSchedule:
        """The schedule whose maps are squares of the given sides, such as 1, 2, 3, 4, 5, 6, 8, 10, 13, 16."""
        return cls(tuple((side, side) for side in sides))

    @classmethod
    def geometric(cls, base: int, n_scales: int) -> ScaleSchedule:
        """The schedule of square maps with sides base**0, base**1, ..., base**(n_scales - 1)."""
        if not _positive_int(n_scales):
            raise invalid("n_scales", "be an integer >= 1", n_scales)
        return cls.square(base**k for k in range(n_scales))

    @classmethod
    def parse(cls, text: str, *, n_context: int = 0) -> ScaleSchedule:
        """The schedule written as "1x1 2x2 4x4"; commas also separate maps, and "4" means "4x4".

        Contract: other text raises InvalidArgument.
        """
        shapes: list[Shape] = []
        for word in text.replace(",", " ").split():
            try:
                sides = tuple(int(side) for side in word.split("x"))
            except ValueError:
                raise InvalidArgument(
                    f"schedule {quoted(text)} must list maps such as 4x4, got {quoted(word)}"
                ) from None
            match sides:
                case (side,):
                    shapes.append((side, side))
                case (height, width):
                    shapes.append((height, width))
                case (frames, height, width):
                    shapes.append((frames, height, width))
                case _:
                    raise InvalidArgument(f"schedule {quoted(text)} must list maps such as 4x4, got {quoted(word)}")
        return cls(tuple(shapes), n_context)

    def __str__(self) -> str:
        return " ".join("x".join(map(str, shape)) for shape in self.shapes)

    @property
    def n_scales(self) -> int:
        """The number of token maps."""
        return len(self.shapes)

    @cached_property
    def _ends(self) -> tuple[int, ...]:
        return tuple(accumulate(self.tokens_at(k) for k in range(self.n_scales)))

    def _check_scale(self, scale: int) -> None:
        if isinstance(scale, bool) or not isinstance(scale, int) or not 0 <= scale < self.n_scales:
            raise invalid("scale", f"be an integer in [0, {self.n_scales - 1}]", scale)

    def map_size(self, scale: int) -> int:
        """The number of cells of the map of `scale`: h_k w_k. Prompt tokens are not counted."""
        self._check_scale(scale)
        return prod(self.shapes[scale])

    def tokens_at(self, scale: int) -> int:
        """The number of tokens that enter the cache with `scale`: its map, plus the prompt tokens if scale is 0."""
        return self.map_size(scale) + (self.n_context if scale == 0 else 0)

    def prefix_tokens(self, scale: int) -> int:
        """The number of tokens in the cache before `scale` runs."""
        self._check_scale(scale)
        return self._ends[scale - 1] if scale else 0

    @property
    def n_tokens(self) -> int:
        """The number of all tokens of the generation, prompt tokens included."""
        return self._ends[-1]

    @property
    def n_tokens_cached(self) -> int:
        """T, the number of tokens cached before the last scale. The one-way message stands in for these tokens."""
        return self.prefix_tokens(self.n_scales - 1)

    def rows_of(self, scale: int) -> slice:
        """The slice of token numbers that enter the cache with `scale`."""
        start = self.prefix_tokens(scale)
        return slice(start, start + self.tokens_at(scale))

    def scale_of(self, token: int) -> int:
        """The scale with which `token` enters the cache."""
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < self.n_tokens:
            raise invalid("token", f"be an integer in [0, {self.n_tokens - 1}]", token)
        return bisect_right(self._ends, token)

    def locate(self, token: int) -> tuple[int, ...]:
        """(scale, row, column) of a token, or (scale, frame, row, column) for video; inverse of `token`."""
        scale = self.scale_of(token)
        cell = token - self.prefix_tokens(scale) - (self.n_context if scale == 0 else 0)
        if cell < 0:
            raise invalid("token", f"lie on a map, at {self.n_context} or later", token, nearest=self.n_context)
        *frames, _, width = self.shapes[scale]
        row, column = divmod(cell, width)
        if frames:
            frame, row = divmod(row, self.shapes[scale][1])
            return scale, frame, row, column
        return scale, row, column

    def token(self, scale: int, *place: int) -> int:
        """The token at (row, column), or (frame, row, column) for video, of `scale`; inverse of `locate`."""
        self._check_scale(scale)
        shape = self.shapes[scale]
        if len(place) != len(shape):
            raise invalid("place", f"have {counted(len(shape), 'coordinate')} at scale {scale}", place)
        cell = 0
        for index, side in zip(place, shape, strict=True):
            if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index < side:
                raise invalid("place", f"lie inside the map {'x'.join(map(str, shape))}", place)
            cell = cell * side + index
        return self.prefix_tokens(scale) + (self.n_context if scale == 0 else 0) + cell
