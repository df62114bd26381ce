"""Time: how many cached rows a reader must look at to answer one query, counted at each look.

Rows are in a random order that the reader does not know, so it must search for the row it needs. A reader that chooses
its places before it looks finds the row with probability (rows read) / T, and otherwise guesses. By lemma `time`, it is
right with probability 1 - delta only if it reads (1 - 2 delta) T rows on average. An adaptive reader, whose next look
depends on what it has read, escapes this bound: a hash table needs two looks, hyperplanes or a tree a few more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.coins import Coins
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import invalid
from lowerbound.game.reduction import Reduction

FloatArray = NDArray[np.float64]
Key = bytes


@dataclass
class Rows:
    """Cached rows that count how often a reader looks at them.

    Contract: `read` counts one look per returned row of keys and values. A reader must call `look` once for each entry
    of its index that it reads.
    """

    keys: FloatArray
    values: FloatArray
    looks: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, places: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """The keys and values at these places; each place costs one look."""
        self.looks += len(places)
        return self.keys[places], self.values[places]

    def look(self) -> None:
        """Count one look at something other than a row, such as an entry of an index."""
        self.looks += 1


class RowReader(ABC):
    """A strategy that answers one query from rows, where each row that it reads costs one look."""

    name: ClassVar[str]
    is_adaptive: ClassVar[bool]

    def prepare(self, keys: FloatArray) -> None:  # noqa: B027
        """Build an index of the keys when rows arrive. Building it is free; reading it later costs looks."""

    @abstractmethod
    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        """The attention output for the query, or a guess of it, shape (d,)."""


@dataclass
class FixedPlaces(RowReader):
    """Read `count` random places, chosen before any row is seen, and attend to the rows there."""

    count: int
    name: ClassVar[str] = "fixed places"
    is_adaptive: ClassVar[bool] = False

    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        places = coins.permutation(len(rows))[: self.count]
        keys, values = rows.read(places)
        # The row that the query asks for has cosine 1 with it, and every other row at most the coherence. If no row
        # that was read is above the middle, the reader has missed it, and a guess is as good as any answer.
        cosine = keys @ query / np.sqrt(query @ query)
        if not len(keys) or float(cosine.max()) < (1 + float(reduction.coherence)) / 2:
            guess: FloatArray = np.asarray(coins.integers(0, 2, rows.values.shape[1]), dtype=np.float64)
            return guess
        found: FloatArray = attention(query[None], keys, values, rule=reduction.rule)[0]
        return found


class Scan(FixedPlaces):
    """Read every row."""

    name: ClassVar[str] = "scan"

    def __init__(self) -> None:
        super().__init__(2**62)


@dataclass
class HashTable(RowReader):
    """Look up the direction of the query in a hash table of all key directions, then read the one row found there."""

    name: ClassVar[str] = "hash table"
    is_adaptive: ClassVar[bool] = True
    table: dict[Key, int] = field(default_factory=dict)

    def prepare(self, keys: FloatArray) -> None:
        self.table = {_direction(key): place for place, key in enumerate(keys)}

    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        rows.look()
        place = self.table.get(_direction(query))
        if place is None:
            return np.full(rows.values.shape[1], 0.5)
        _, values = rows.read(np.array([place]))
        found: FloatArray = values[0]
        return found


@dataclass
class Hyperplanes(RowReader):
    """Attend to the rows on the same side as the query of all of `n_planes` public random hyperplanes.

    Unlike a hash table it also finds keys that are only near the query, at the cost of more looks.
    """

    n_planes: int
    name: ClassVar[str] = "hyperplanes"
    is_adaptive: ClassVar[bool] = True
    buckets: dict[Key, list[int]] = field(default_factory=dict)

    def prepare(self, keys: FloatArray) -> None:
        self.buckets = {}
        for place, key in enumerate(keys):
            self.buckets.setdefault(self._side(key), []).append(place)

    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        rows.look()
        places = self.buckets.get(self._side(query), [])
        keys, values = rows.read(np.array(places, dtype=np.int64))
        if not places:
            return np.full(rows.values.shape[1], 0.5)
        found: FloatArray = attention(query[None], keys, values, rule=reduction.rule)[0]
        return found

    def _side(self, row: FloatArray) -> Key:
        planes = Coins(0, "probes/planes").generator().standard_normal((self.n_planes, len(row)))
        return (planes @ row > 0).tobytes()


@dataclass
class Tree(RowReader):
    """Search the direction of the query in a binary tree of sorted key directions, then read the one row found there.

    Each visited node costs one look.
    """

    name: ClassVar[str] = "binary tree"
    is_adaptive: ClassVar[bool] = True
    nodes: list[tuple[Key, int]] = field(default_factory=list)

    def prepare(self, keys: FloatArray) -> None:
        self.nodes = sorted((_direction(key), place) for place, key in enumerate(keys))

    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        wanted, low, high = _direction(query), 0, len(self.nodes)
        while low < high:
            middle = (low + high) // 2
            rows.look()
            found, place = self.nodes[middle]
            if found == wanted:
                _, values = rows.read(np.array([place]))
                answer: FloatArray = values[0]
                return answer
            low, high = (middle + 1, high) if found < wanted else (low, middle)
        return np.full(rows.values.shape[1], 0.5)


def _direction(row: FloatArray) -> Key:
    """A byte string for the direction of a row, rounded so that all positive multiples of the row share it."""
    return np.rint(row / np.sqrt(row @ row) * 2**20).astype("<i8").tobytes()


@dataclass(frozen=True)
class Probed:
    """The result of a reader on a hard family: its mean looks per question (`looks`) and its fraction of wrong bits."""

    reader: str
    is_adaptive: bool
    tokens: int
    looks: float
    error: float
    questions: int

    @property
    def least_looks(self) -> float:
        """(1 - 2 delta) T at the measured error delta: the least mean number of looks of a non-adaptive reader."""
        return max(0.0, (1 - 2 * self.error) * self.tokens)


def least_looks(n_tokens: int, failure_prob: Fraction) -> int:
    """The least number of looks of a non-adaptive reader: (1 - 2 delta) T, rounded up (lemma `time`).

    Contract: failure_prob = delta outside [0, 1/2] raises InvalidArgument.
    """
    if not 0 <= failure_prob <= Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2]", str(failure_prob))
    return ceil((1 - 2 * failure_prob) * n_tokens)


def probe(
    reader: RowReader, reduction: Reduction, *, questions: int = 200, instances: PrivateSeed | None = None
) -> Probed:
    """Ask a reader for all bits of one random token, `questions` times, each time with rows in a fresh random order.

    Contract: `looks` is the mean number, per question, of rows and index entries that were read; questions < 1 raises
    InvalidArgument. Rows, order and questions are drawn from `instances`; None takes a fresh private seed.
    """
    if questions < 1:
        raise invalid("questions", "be an integer >= 1", questions)
    drawn_from = PrivateSeed.fresh() if instances is None else instances
    coins = drawn_from.coins(f"probes/{reader.name}").generator()
    looks = wrong = 0
    shape = n_tokens, d = reduction.schedule.n_tokens_cached, reduction.geometry.d
    for trial in range(questions):
        bits = reduction.draw(drawn_from, trial).reshape(-1)[: n_tokens * d].reshape(shape)
        order = coins.permutation(n_tokens)
        rows = Rows(reduction.keys.unit[:n_tokens][order], reduction.values(bits).reshape(-1, d)[:n_tokens][order])
        reader.prepare(rows.keys)
        token = int(coins.integers(n_tokens))
        output = reader.answer(rows, reduction.queries[token], coins, reduction)
        read = reduction.grid.decode(output)
        wrong += int((read != bits[token]).sum())
        looks += rows.looks
    return Probed(reader.name, reader.is_adaptive, n_tokens, looks / questions, wrong / (questions * d), questions)
