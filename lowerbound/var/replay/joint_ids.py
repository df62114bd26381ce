"""All secret ids of a picture at once, from the network's own answers at the last scale.

Ids enter the network as codes, rows of the codebook, which are points of R^channels. The reader forgets that, and
looks for any points whose answers come nearest to those it heard: by Gauss-Newton steps with Levenberg's damping, the
derivatives by differences of whole forward passes. Then each point becomes the nearest code, and each id in turn the
alternative that is nearest in its answers, until none changes. Nothing is known of the secret but the weights, the
class, the queries, and the ids of the last two maps.

A picture whose ids are all read this way is read from answers alone. A picture that is not shows nothing: another
reader might.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import InvalidArgument
from lowerbound.var.replay.natural_ids import IdReader
from lowerbound.var.simulator.pipeline import Ids
from lowerbound.var.simulator.tokens import VectorTokens

Array = NDArray[Any]

MOST_STEPS, MOST_SWEEPS, MOST_TRIES = 16, 3, 8
DIFFERENCE = 1e-4
"""The step of a difference, in units of codes; float64 answers are smooth at this scale."""
DAMPING, EASED, TIGHTENED = 1e-2, 0.2, 4.0
LEAST_GAIN = 1e-3
"""The share of the residual by which a step has to lower it to be followed by another."""
BATCH = 64
"""Forward passes at once."""


@dataclass(frozen=True, eq=False)
class JointReading:
    """The ids that were read, and how many of each secret map are wrong."""

    ids: tuple[Ids, ...]
    wrong: tuple[int, ...]
    residual: float


class JointReader:
    """A reader of all secret ids of one picture.

    Contract: raises InvalidArgument unless the network computes in float64 and its ids are rows of a codebook.
    """

    def __init__(self, reader: IdReader) -> None:
        network = reader.network
        if not isinstance(network.tokens, VectorTokens) or network.dtype != np.float64:
            raise InvalidArgument("model must have a codebook and compute in float64 for joint reading")
        self._reader, self._tokens = reader, network.tokens
        self._sizes = [network.schedule.map_size(scale) for scale in range(network.schedule.n_scales - 2)]
        self._channels = network.tokens.content_dim
        self._still = [self._spread(np.zeros((size, self._channels)), scale) for scale, size in enumerate(self._sizes)]
        self._moves = [self._moves_of(scale) for scale in range(len(self._sizes))]

    def read(self, answers: Array, begin: Callable[[str], None] = lambda _: None) -> JointReading:
        """The ids whose answers are nearest to these, as far as the search finds them; `begin` is told of each step."""
        points = self._solved(answers.reshape(-1), begin)
        ids = [self._tokens.nearest(part) for part in self._split(points)]
        ids, residual = self._polished(ids, answers, begin)
        drawn = self._reader.ids
        wrong = tuple(int((ids[scale] != drawn[scale]).sum()) for scale in range(len(self._sizes)))
        return JointReading(tuple(ids), wrong, residual)

    def _split(self, points: Array) -> list[Array]:
        """Points of all secret ids as one array (ids, channels) per map."""
        rows = points.reshape(-1, self._channels)
        return np.split(rows, np.cumsum(self._sizes)[:-1])

    def _spread(self, codes: Array, scale: int) -> Array:
        height, width = self._tokens.schedule.shapes[scale][-2:]
        return self._tokens.spread(codes.T.reshape(self._channels, height, width), scale)

    def _moves_of(self, scale: int) -> Array:
        """What a unit step of each coordinate of each code of a map adds to f_hat: (ids x channels, *f_hat)."""
        count = self._sizes[scale] * self._channels
        units = np.eye(count).reshape(count, self._sizes[scale], self._channels)
        return np.stack([self._spread(unit, scale) - self._still[scale] for unit in units])

    def _answers(self, points: Array) -> Array:
        """Answers of several sets of points, one row each."""
        found = []
        for start in range(0, len(points), BATCH):
            variants = [
                [
                    still + np.tensordot(part.reshape(-1), moves, axes=1)
                    for still, moves, part in zip(self._still, self._moves, self._split(some), strict=True)
                ]
                + [self._tokens.empty()]
                for some in points[start : start + BATCH]
            ]
            found.append(self._reader.answers_at(variants).reshape(len(variants), -1))
        return np.concatenate(found)

    def _solved(self, wanted: Array, begin: Callable[[str], None]) -> Array:
        points = np.tile(self._tokens.codebook.mean(axis=0), sum(self._sizes))
        now = self._answers(points[None])[0]
        damping, residual = DAMPING, float(((now - wanted) ** 2).sum())
        for step in range(MOST_STEPS):
            begin(f"step {step + 1}, residual {residual:.2g}")
            slopes = (self._answers(points + DIFFERENCE * np.eye(len(points))) - now) / DIFFERENCE
            normal, right = slopes @ slopes.T, slopes @ (wanted - now)
            before = residual
            for _ in range(MOST_TRIES):
                moved = points + np.linalg.solve(normal + damping * np.diag(np.diag(normal) + DIFFERENCE**2), right)
                there = self._answers(moved[None])[0]
                if (away := float(((there - wanted) ** 2).sum())) < residual:
                    points, now, residual, damping = moved, there, away, damping * EASED
                    break
                damping *= TIGHTENED
            if residual > (1 - LEAST_GAIN) * before:
                break
        return points

    def _polished(self, ids: list[Ids], answers: Array, begin: Callable[[str], None]) -> tuple[list[Ids], float]:
        """Ids after each has become the alternative that is nearest, until none changes."""
        residual = float("inf")
        fixed = list(self._reader.ids[len(ids) :])
        for sweep in range(MOST_SWEEPS):
            begin(f"sweep {sweep + 1}")
            changed = False
            for secret in self._reader.secrets:
                variants = []
                for number in range(self._reader.n_alternatives):
                    variant = [part.copy() for part in ids]
                    variant[secret.scale][secret.token, 0] = number
                    variants.append([*variant, *fixed])
                found = ((self._reader.answers_of(variants) - answers) ** 2).sum(axis=(1, 2, 3, 4))
                best, residual = int(found.argmin()), float(found.min())
                changed |= best != int(ids[secret.scale][secret.token, 0])
                ids[secret.scale][secret.token, 0] = best
            if not changed:
                break
        return ids, residual
