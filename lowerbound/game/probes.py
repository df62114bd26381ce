"""Time: how many cached rows a reader has to look at, counted where they are read.

Rows lie in an order that nobody told the reader, so that where the wanted one is can only be found by looking. A reader
that fixes its places before it looks finds it with the share of rows that it reads, and otherwise guesses (lemma
`time`: it is right with probability 1 - delta only if it reads (1 - 2 delta) T rows in the mean). A reader that goes on
from what it has read escapes: two looks in a hash table, a few more behind hyperplanes or down a tree.
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
from lowerbound.errors import invalid
from lowerbound.game.reduction import Reduction

FloatArray = NDArray[np.float64]
Key = bytes


@dataclass
class Rows:
    """Rows that count how often they are read.

    Contract: every row of keys and values that leaves is counted in `looks`, and so is every entry of an index that a
    reader has made while rows came in, and reads later.
    """

    keys: FloatArray
    values: FloatArray
    looks: int = 0

    def __len__(self) -> int:
        return len(self.keys)

    def read(self, places: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Rows of these places; each costs one look."""
        self.looks += len(places)
        return self.keys[places], self.values[places]

    def look(self) -> None:
        """One look at something else, such as an entry of an index."""
        self.looks += 1


class RowReader(ABC):
    """A way to answer one query from rows that cost a look each."""

    name: ClassVar[str]
    is_adaptive: ClassVar[bool]

    def prepare(self, keys: FloatArray) -> None:  # noqa: B027
        """What may be built while rows come in, for nothing; reading it later costs looks."""

    @abstractmethod
    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        """The attention output, or a guess at it, shape (d,)."""


@dataclass
class FixedPlaces(RowReader):
    """Read a fixed number of places, drawn before anything is seen; attend to those."""

    count: int
    name: ClassVar[str] = "fixed places"
    is_adaptive: ClassVar[bool] = False

    def answer(self, rows: Rows, query: FloatArray, coins: np.random.Generator, reduction: Reduction) -> FloatArray:
        places = coins.permutation(len(rows))[: self.count]
        keys, values = rows.read(places)
        # Who has not seen the row can do no better than guess, and cannot know it without having seen it.
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
    """Look a query's direction up in a table of all directions, then read the one row."""

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
    """Attend to the rows on the query's side of public random hyperplanes: what finds near keys too, in more looks."""

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
    """Go down a binary tree on the order of directions, a look at every node, then read the one row."""

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
    """A row's direction, rounded so that its multiples agree."""
    return np.rint(row / np.sqrt(row @ row) * 2**20).astype("<i8").tobytes()


@dataclass(frozen=True)
class Probed:
    """What a reader did on a hard family: looks a question in the mean, and the share of bits that it misread."""

    reader: str
    is_adaptive: bool
    tokens: int
    looks: float
    error: float
    questions: int

    @property
    def least_looks(self) -> float:
        """(1 - 2 delta) T at the measured error: what a reader that does not look first reads at least."""
        return max(0.0, (1 - 2 * self.error) * self.tokens)


def least_looks(n_tokens: int, failure_prob: Fraction) -> int:
    """The looks that a reader needs which fixes its places first: (1 - 2 delta) T, rounded up (lemma `time`)."""
    if not 0 <= failure_prob <= Fraction(1, 2):
        raise invalid("delta", "lie in [0, 1/2]", str(failure_prob))
    return ceil((1 - 2 * failure_prob) * n_tokens)


def probe(reader: RowReader, reduction: Reduction, *, questions: int = 200, seed: int = 0) -> Probed:
    """Ask a reader for bits of random tokens, each time with all rows in a fresh secret order.

    Contract: `looks` counts every row and every entry of an index that was read for an answer.
    """
    if questions < 1:
        raise invalid("questions", "be an integer >= 1", questions)
    coins = Coins(seed, f"probes/{reader.name}").generator()
    looks = wrong = 0
    shape = n_tokens, d = reduction.schedule.n_tokens_cached, reduction.geometry.d
    for trial in range(questions):
        bits = reduction.draw(trial).reshape(-1)[: n_tokens * d].reshape(shape)
        order = coins.permutation(n_tokens)
        rows = Rows(reduction.keys.unit[:n_tokens][order], reduction.values(bits).reshape(-1, d)[:n_tokens][order])
        reader.prepare(rows.keys)
        token = int(coins.integers(n_tokens))
        output = reader.answer(rows, reduction.queries[token], coins, reduction)
        read = reduction.grid.decode(output)
        wrong += int((read != bits[token]).sum())
        looks += rows.looks
    return Probed(reader.name, reader.is_adaptive, n_tokens, looks / questions, wrong / (questions * d), questions)
