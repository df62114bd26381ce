"""One cache on one network with a decoder, as a row: what it does to pictures, to answers, and to reading ids."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from lowerbound.errors import invalid
from lowerbound.game.channel import Isolation
from lowerbound.var.replay.natural_ids import IdReader, Listening
from lowerbound.var.simulator.drawn import Measured, Studio
from lowerbound.var.simulator.weights import source_of


@dataclass(frozen=True)
class Pictured:
    """What a cache does to a network's pictures, and how many secret ids its answers no longer tell.

    Parameters
    ----------
    measured : Measured
        Means over all pictures.
    secret_ids : int
        Ids of all maps but the last two, of one picture.
    ids_unreadable : float or None
        How many of them are misread, each with all others known; a mean over the first pictures, None if none is read.
    """

    network: str
    weights: str
    seed: int
    measured: Measured
    secret_ids: int
    ids_unreadable: float | None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        told = {"network": self.network, "weights": self.weights, "seed": self.seed}
        return {
            **told,
            **self.measured.to_json(),
            "secret_ids": self.secret_ids,
            "ids_unreadable": self.ids_unreadable,
        }


def pictured(
    network: str,
    cache: str,
    *,
    budget: Fraction | None = None,
    pictures: int = 10,
    read: int = 1,
    seed: int = 0,
    isolation: Isolation | None = None,
) -> Pictured:
    """The row of a cache.

    Contract: picture i is of class i modulo the network's classes; the ids of the first `read` pictures are read. A
    network without a decoder, more pictures read than drawn, and whatever `simulate` refuses raise InvalidArgument.

    Parameters
    ----------
    network : "digits", or a file of weights with a decoder
    """
    if not 0 <= read <= pictures:
        raise invalid("read", f"lie in [0, {pictures}], the pictures that are drawn", read)
    studio = _studio(network, pictures, seed)
    found = studio.measured(cache, budget=budget, isolation=isolation)
    last = studio.network.schedule.n_scales - 1
    wrong = []
    with studio.plugged(cache, isolation) as plug:
        for number in range(read):
            heard = Listening(studio.memory(plug, budget), studio.network.model.n_layers, last)
            studio.run(number, heard, forced=True)
            wrong.append(_reader(network, pictures, seed, number).wrong(heard.answers))
    origin = studio.network.origin
    secret = studio.network.model.n_replay_tokens
    return Pictured(origin.name, origin.digest, seed, found, secret, float(np.mean(wrong)) if wrong else None)


@lru_cache(maxsize=2)
def _studio(network: str, pictures: int, seed: int) -> Studio:
    """The full runs that all caches are compared with."""
    found = source_of(network).network()
    return Studio(found, classes=range(len(found.conditions) - 1), pictures=pictures, seed=seed)


@lru_cache(maxsize=4)
def _reader(network: str, pictures: int, seed: int, number: int) -> IdReader:
    studio = _studio(network, pictures, seed)
    return IdReader(studio.network, studio.whole[number].ids, studio.conditions[number])
