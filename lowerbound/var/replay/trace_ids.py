"""The ids of a recorded image, read from the answers of its last scale: with the full cache, and with others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.errors import InvalidArgument
from lowerbound.var.replay.natural_ids import IdReader, Listening, value_ranges
from lowerbound.var.simulator.network import Network
from lowerbound.var.simulator.pipeline import FullCache, Ids, Remembering, generate
from lowerbound.var.trace.file import Trace

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class TraceIds:
    """The ids of a recorded image, ready to be read: the network, its full run, and the candidates' answers.

    Contract: `of` raises InvalidArgument unless the trace has ids, a class, and the digest of the network's weights.
    """

    network: Network
    ids: tuple[Ids, ...]
    condition: int
    reader: IdReader
    ranges: Array

    @classmethod
    def of(cls, trace: Trace, network: Network) -> TraceIds:
        """The ids of a trace that this network recorded."""
        if trace.weights != network.origin.digest:
            raise InvalidArgument(
                f"trace {trace.path.name} must be of the weights {network.origin.digest}, got one of {trace.weights}"
            )
        ids, condition = trace.ids, trace.metadata.get("condition", "")
        if ids is None or not condition.isdigit():
            raise InvalidArgument(
                f"trace {trace.path.name} must have the ids and the class of its image; `lowerbound trace record` "
                "writes both"
            )
        sizes = [network.schedule.map_size(scale) for scale in range(network.schedule.n_scales)]
        maps = tuple(np.split(ids[:, None], np.cumsum(sizes)[:-1]))
        full = FullCache()
        generate(network, full, condition=int(condition), given=maps)
        ranges = value_ranges([full.values[layer] for layer in range(network.model.n_layers)])
        return cls(network, maps, int(condition), IdReader(network, maps, int(condition)), ranges)

    def answers(self, memory: Remembering) -> Array:
        """The conditional branch's answers at the last scale, through a memory, with the recorded ids."""
        heard = Listening(memory, self.network.model.n_layers, self.network.schedule.n_scales - 1)
        generate(self.network, heard, condition=self.condition, given=self.ids)
        return heard.answers

    def wrong_by_map(self, answers: Array) -> list[int]:
        """How many ids of each secret map are misread from those answers, each with all others known."""
        counts = [0] * (self.network.schedule.n_scales - 2)
        for secret in self.reader.secrets:
            drawn = int(self.ids[secret.scale][secret.token, 0])
            counts[secret.scale] += self.reader.read(secret, answers) != drawn
        return counts


@dataclass(frozen=True)
class Unreadable:
    """How many ids of each secret map are misread under a cache: each alone, and all together if that was tried."""

    cache: str
    alone: list[int]
    together: list[int] | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"cache": self.cache, "unreadable": self.alone, "unreadable_together": self.together}
