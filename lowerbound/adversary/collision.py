"""Collisions: two lists of bits with the same state differ in some bit, and the cache misreads it in one of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.adversary.black_box import BlackBox
from lowerbound.adversary.instance import Instance
from lowerbound.adversary.random_bits import with_bits
from lowerbound.adversary.strategy import Attack
from lowerbound.core.private_seed import PrivateSeed

MOST_BITS = 512
MOST_WORDS = 256
MOST_FLIPS = 3
Bits = NDArray[np.int64]


class Collision(Attack):
    """Lists of bits at growing Hamming distance from a random one, at most 256 lists, until two have equal state bytes.

    Breaks covering codes, and every cache that has fewer states than there are lists. If the lists have at most 3 bits,
    all of them are tried.
    """

    name: ClassVar[str] = "collision"
    frees_keys: ClassVar[bool] = False

    def instances(self, box: BlackBox) -> Iterator[Instance]:
        terms = box.terms
        n_bits = terms.schedule.n_tokens_cached * terms.d
        if n_bits > MOST_BITS or terms.network:
            return
        seen: dict[bytes, Instance] = {}
        for word in words(n_bits, box.instances):
            instance = with_bits(terms, box.instances, word.reshape(-1, terms.d))
            state, _ = box.state_and_answers(instance)
            if state in seen:
                yield seen[state]
                yield instance
            else:
                seen[state] = instance


def words(n_bits: int, instances: PrivateSeed) -> Iterator[Bits]:
    """Distinct words of `n_bits` bits: a random one and those at distance 1, 2 and 3 from it, at most MOST_WORDS."""
    centre = instances.coins(f"attack/words {n_bits}").bits(n_bits).astype(np.int64)
    count = 0
    for n_flips in range(min(MOST_FLIPS, n_bits) + 1):
        for places in combinations(range(n_bits), n_flips):
            word = centre.copy()
            word[list(places)] ^= 1
            yield word
            count += 1
            if count == MOST_WORDS:
                return
