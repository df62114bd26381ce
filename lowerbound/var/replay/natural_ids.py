"""Ids from a network's own answers: which id of a small map was drawn, told from the answers of the last scale.

The weights, the class, the last two maps' inputs and all ids but one are known, and so are the queries: they are those
that the network asks itself. The ids of all maps but the last two are the secret; those of the last two never enter a
cached key or value. A reader computes the answers of every candidate in the exact network, and takes the one whose
answers are nearest, by least squares over all layers and heads of the conditional branch.

What this shows: how many ids a cache still tells apart where everything else is known. It bounds no cache's bits: that
would need all combinations of ids, and a reader who knows how the cache forgets might read more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import InvalidArgument
from lowerbound.var.simulator.network import Network, threads_for
from lowerbound.var.simulator.pipeline import Ids, Remembering, block_causal, check_ids

Array = NDArray[Any]


@dataclass(frozen=True)
class SecretId:
    """One id of the secret: a token of a map."""

    scale: int
    token: int


class Listening(Remembering):
    """A memory that passes everything on to another, and keeps the conditional branch's answers at the last scale."""

    def __init__(self, memory: Remembering, n_layers: int, last: int) -> None:
        self._memory, self._last = memory, last
        self._heard: list[Array | None] = [None] * n_layers

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        found = self._memory.attend(layer, scale, queries, keys, values)
        if scale == self._last:
            self._heard[layer] = found[0]
        return found

    def end_scale(self, scale: int) -> None:
        self._memory.end_scale(scale)

    @property
    def answers(self) -> Array:
        """Shape (layers, heads, tokens of the last scale, d)."""
        return np.stack([part for part in self._heard if part is not None])


class IdReader:
    """The answers of the last scale for every candidate of every secret id of one picture, in the exact network.

    `network` and `ids` are those that it was made with.

    Contract: for the ids that were drawn, `answers_of` is what the network computes through the full cache, up to
    rounding. A network whose tokens have several decisions raises InvalidArgument, and so do unusable ids.
    """

    def __init__(self, network: Network, ids: Sequence[Ids], condition: int) -> None:
        check_ids(network, ids)
        decisions, self.n_alternatives = network.tokens.n_choices
        if decisions != 1:
            raise InvalidArgument(f"model must have one id a token for its ids to be read, got {decisions} decisions")
        self.network, self.ids = network, tuple(ids)
        self._condition = network.branches(condition)[:1]
        schedule = network.schedule
        self.secrets = tuple(
            SecretId(scale, token)
            for scale in range(schedule.n_scales - 2)
            for token in range(schedule.map_size(scale))
        )
        self._answers: dict[SecretId, Array] = {}

    def answers_of(self, variants: Sequence[Sequence[Ids]]) -> Array:
        """Answers (variants, layers, heads, tokens of the last scale, d); the last scale has its drawn inputs."""
        tokens = self.network.tokens
        return self.answers_at(
            [[tokens.contribution(part, scale) for scale, part in enumerate(ids)] for ids in variants]
        )

    def answers_at(self, variants: Sequence[Sequence[Array]]) -> Array:
        """The same from what each scale adds to f_hat, of which the last two scales' do not count."""
        network, n_scales = self.network, self.network.schedule.n_scales
        rows = np.stack([self._inputs(parts) for parts in variants])
        branches = np.repeat(self._condition, len(rows), axis=0)
        last = network.schedule.rows_of(n_scales - 1)
        rotate = network.rotate(slice(0, network.schedule.n_tokens))
        heard: list[Array] = []

        def attend(queries: Array, keys: Array, values: Array) -> Array:
            found = block_causal(network.schedule, queries, keys, values)
            heard.append(found[:, :, last])
            return found

        with threads_for(network.model):
            for block, modulation in zip(network.blocks, network.modulations(branches), strict=True):
                rows = block(rows, modulation, attend, rotate)
        return np.stack(heard, axis=1)

    def _inputs(self, parts: Sequence[Array]) -> Array:
        """The input rows of all scales, (tokens, width), of which the last scale's are those of the drawn ids."""
        network, f_hat, rows = self.network, self.network.tokens.empty(), []
        for scale in range(network.schedule.n_scales - 1):
            rows.append(network.inputs(scale, self._condition, f_hat)[0])
            f_hat = f_hat + parts[scale]
        return np.concatenate([*rows, self._last_inputs])

    @cached_property
    def _last_inputs(self) -> Array:
        network, drawn = self.network, self.network.tokens.empty()
        for scale, part in enumerate(self.ids[:-1]):
            drawn = drawn + network.tokens.contribution(part, scale)
        found: Array = network.inputs(network.schedule.n_scales - 1, self._condition, drawn)[0]
        return found

    def with_id(self, secret: SecretId, number: int) -> list[Ids]:
        """The drawn ids with another one in one place."""
        changed = [part.copy() for part in self.ids]
        changed[secret.scale][secret.token, 0] = number
        return changed

    def candidates(self, secret: SecretId) -> Array:
        """Answers of all alternatives of one id, (alternatives, layers, heads, tokens of the last scale, d)."""
        if secret not in self._answers:
            variants = [self.with_id(secret, number) for number in range(self.n_alternatives)]
            self._answers[secret] = self.answers_of(variants)
        return self._answers[secret]

    def read(self, secret: SecretId, answers: Array) -> int:
        """The alternative whose answers are nearest, by least squares."""
        return int(((self.candidates(secret) - answers) ** 2).sum(axis=(1, 2, 3, 4)).argmin())

    def wrong(self, answers: Array) -> int:
        """How many of the secret ids are misread from these answers, all others known."""
        drawn = (int(self.ids[secret.scale][secret.token, 0]) for secret in self.secrets)
        return sum(self.read(secret, answers) != own for secret, own in zip(self.secrets, drawn, strict=True))

    def separation(self, secret: SecretId, ranges: Array, etas: Sequence[float]) -> Separation:
        """How far apart the alternatives of one id are, if all others are known.

        Parameters
        ----------
        ranges : array, shape (layers, heads)
            The range of the values of each head, the unit of the distances.
        """
        found = self.candidates(secret) / ranges[:, :, None, None]
        flat = found.reshape(len(found), -1)
        distances = np.stack([np.abs(flat - row).max(axis=1) for row in flat])
        least = float(distances[~np.eye(len(distances), dtype=bool)].min())
        return Separation(secret, least, tuple(_packed(distances > 2 * eta) for eta in etas))


@dataclass(frozen=True)
class Separation:
    """Alternatives of one id: the least distance of two of them, and, per error, a number that are all told apart.

    Two alternatives are told apart at eta if some entry of an answer differs by more than 2 eta, so that no answer is
    within eta of both. `apart` counts a set of alternatives of which each two are.
    """

    secret: SecretId
    least: float
    apart: tuple[int, ...]


def _packed(apart: NDArray[np.bool_]) -> int:
    """The size of a set in which each two are apart, built by adding whatever is apart from all before."""
    chosen: list[int] = []
    for number in range(len(apart)):
        if all(apart[number, other] for other in chosen):
            chosen.append(number)
    return len(chosen)


def value_ranges(values: Sequence[Array]) -> Array:
    """The range of the values of each head of the conditional branch, (layers, heads), from (branches, heads, T, d)."""
    parts = np.stack([part[0] for part in values])
    found: Array = parts.max(axis=(-2, -1)) - parts.min(axis=(-2, -1))
    return found
