"""Random bits: an instance of the hard family, with a query for every token; the worst answer counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.strategy import Attack, ask_for, distinct_keys, own_tokens_silent
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.game.question import Terms, TokenRows

TRIALS = 4


class RandomBits(Attack):
    """Random bits as values, distinct keys, and a query for every cached token.

    Breaks caches that store fewer bits than the lower bound (floor) at their promised error. If keys and value levels
    are public, the tokens have those.
    """

    name: ClassVar[str] = "random bits"
    frees_keys: ClassVar[bool] = False

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        for trial in range(TRIALS):
            yield bits_on(box.terms, box.instances, trial)


def bits_on(terms: Terms, instances: PrivateSeed, trial: int) -> Instance:
    """An instance with random bits as values; in model R2, bits that the public network computes from random ids."""
    shape = terms.schedule.n_tokens_cached, terms.d
    if terms.key_family is not None and (network := terms.reduction.network) is not None:
        return with_bits(terms, instances, network.symbols(network.draw_ids(instances, trial)), trial)
    bits = instances.coins(f"attack/bits {trial}").bits(shape[0] * shape[1])
    return with_bits(terms, instances, bits.reshape(shape).astype(np.int64), trial)


def with_bits(terms: Terms, instances: PrivateSeed, bits: NDArray[np.int64], turn: int = 0) -> Instance:
    """An instance with these bits as the cached tokens' values, public keys if there are any, and a query per token."""
    n_cached = terms.schedule.n_tokens_cached
    public = terms.reduction if terms.key_family is not None else None
    keys = distinct_keys(terms, instances, turn) if public is None else public.keys.unit
    values = np.zeros_like(keys)
    values[:n_cached] = bits if public is None else public.grid.level_array[bits]
    queries = ask_for(terms, keys) if public is None else public.queries
    return Instance(terms, TokenRows(keys, own_tokens_silent(terms, values), keys), queries[:n_cached])
