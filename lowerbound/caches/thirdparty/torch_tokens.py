"""Templates for caches whose work is done by third-party torch code."""

from __future__ import annotations

import importlib
import math
from abc import abstractmethod
from collections import defaultdict, deque
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, ClassVar, Literal

import numpy as np

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter, EncodedState
from lowerbound.core.cache import COUNT_BITS, FloatArray, Public, bits_of_pairs, tokens_within
from lowerbound.core.layered import LayeredCache
from lowerbound.core.scalars import counted
from lowerbound.errors import CorruptState, InvalidArgument, invalid

Tensor = Any
"""A torch.Tensor: torch is imported when a cache is made, never before."""


def foreign(name: str) -> Any:
    """The module called `name` of an optional package.

    Contract: returns the module, or raises an InvalidArgument that says how to install the missing package.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise InvalidArgument(
            f"a third-party cache must find package {name!r}, and it cannot be imported ({error}); "
            "install it with: pip install 'lowerbound[thirdparty]'"
        ) from error


def refuse_odd(d: int) -> None:
    """Raise InvalidArgument unless rotary embeddings can turn the coordinates of keys in pairs."""
    if d % 2:
        raise invalid("d", "be even, since rotary embeddings turn pairs of coordinates", d, nearest=d + 1)


def asked_as(torch: Any, public: Public, queries: FloatArray) -> Tensor:
    """Queries q' in float32 such that <q', k> / sqrt(d) is the public rule's logit of a cached key k."""
    factor = public.rule.factor(public.d) * math.sqrt(public.d)
    return torch.tensor(public.rule.directions(queries) * factor, dtype=torch.float32)


def answered(torch: Any, asked: Tensor, keys: Tensor, values: Tensor) -> FloatArray:
    """Torch's attention of one head's (m, d) queries over (n, d) keys and values; zeros where there are none."""
    if not keys.shape[0]:
        return np.zeros(tuple(asked.shape))
    attention = torch.nn.functional.scaled_dot_product_attention
    outputs: FloatArray = attention(asked[None, None], keys[None, None], values[None, None])[0, 0].double().numpy()
    return outputs


class TorchTokens(LayeredCache):
    """Template: old rows come from the state, new rows are exact, and torch's attention answers over both.

    Third-party code divides logits by sqrt(d). To obtain the logits of the public rule from it, queries are multiplied
    in advance, q' = factor(d) sqrt(d) q, and under L2Norm keys become unit rows when they arrive. All numbers are
    float32, on one thread. `old[layer][head]` is a (2, n, d) tensor of keys and values, `new_rows[layer]` is
    (2, n_heads, n, d), and `new_queries[layer]` is (n_heads, m, d). A final class writes in `write` what it remembers
    of the old and new rows, and sets `old` from it in `read`.
    """

    family: ClassVar[str] = "third-party"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.torch = foreign("torch")
        self.torch.set_num_threads(1)
        self.n_old = 0
        self.old: list[list[Tensor]] = [
            [self.torch.zeros(2, 0, public.d) for _ in range(public.n_heads)] for _ in range(public.n_layers)
        ]
        self.new_rows: list[Tensor]
        self.new_queries: list[Tensor]
        self._nothing_new()

    def _nothing_new(self) -> None:
        heads, d = self.public.n_heads, self.public.d
        self.new_rows = [self.torch.zeros(2, heads, 0, d) for _ in range(self.public.n_layers)]
        self.new_queries = [self.torch.zeros(heads, 0, d) for _ in range(self.public.n_layers)]

    @property
    def n_new(self) -> int:
        """How many tokens arrived after the last `encode`."""
        return int(self.new_rows[0].shape[2])

    @property
    def n_seen(self) -> int:
        """All tokens seen: old ones, whether remembered or forgotten, and new ones."""
        return self.n_old + self.n_new

    def asked(self, queries: FloatArray) -> Tensor:
        """Queries q' such that <q', k> / sqrt(d) is the public rule's logit of a cached key k."""
        return asked_as(self.torch, self.public, queries)

    def append(
        self, layer: int, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None
    ) -> None:
        cached = self.public.rule.directions(keys)
        rows = self.torch.tensor(np.stack([cached, values]), dtype=self.torch.float32)
        asked = self.asked(keys if queries is None else queries)
        self.new_rows[layer] = self.torch.cat([self.new_rows[layer], rows], dim=2)
        self.new_queries[layer] = self.torch.cat([self.new_queries[layer], asked], dim=1)

    def rows_of(self, layer: int, head: int) -> Tensor:
        """All keys and values that a head attends to, old and new, shape (2, n, d)."""
        return self.torch.cat([self.old[layer][head], self.new_rows[layer][:, head]], dim=1)

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        asked = self.asked(queries)
        return [self._answer(asked[head], self.rows_of(layer, head)) for head in range(self.public.n_heads)]

    def _answer(self, asked: Tensor, rows: Tensor) -> FloatArray:
        return answered(self.torch, asked, rows[0], rows[1])

    def encode(self) -> EncodedState:
        writer = BitWriter()
        writer.uints("indices", [self.n_seen], width=COUNT_BITS)
        with self.torch.no_grad():
            self.write(writer)
        state = writer.encoded()
        self.decode(state)
        return state

    def decode(self, data: bytes) -> None:
        reader = BitReader(data)
        (n_old,) = reader.uints(1, width=COUNT_BITS)
        if n_old > self.public.schedule.n_tokens:
            raise CorruptState(
                f"state must speak of at most {counted(self.public.schedule.n_tokens, 'token')}, got {int(n_old)}"
            )
        self.n_old = int(n_old)
        self._nothing_new()
        with self.torch.no_grad():
            self.read(reader)
        reader.end()

    @abstractmethod
    def write(self, writer: BitWriter) -> None:
        """Write what is remembered of `old` and of what is new."""

    @abstractmethod
    def read(self, reader: BitReader) -> None:
        """Set `old` from what `write` wrote; `n_old` is known, and nothing is new."""

    def write_rows(self, writer: BitWriter, rows: Tensor) -> None:
        """Write a tensor of numbers in float16."""
        writer.floats("payload", rows.double().numpy(), width=FP16_BITS)

    def read_rows(self, reader: BitReader, *shape: int) -> Tensor:
        """Read back what `write_rows` wrote."""
        numbers = reader.floats(math.prod(shape), width=FP16_BITS).reshape(shape)
        return self.torch.tensor(numbers, dtype=self.torch.float32)


class KeptTokens(TorchTokens):
    """Template: third-party code chooses the tokens that stay; they are stored unchanged, in float16 and token order.

    Every head keeps B tokens, or all if it has fewer. The order in which third-party code returns the kept tokens could
    carry log2(B!) bits per head, so tokens are sorted before they are stored. A final class returns in `compressed`
    what stays of a layer that holds more than B tokens per head. `counted` says which counts of kept tokens must be
    stored, 32 bits each: "nothing" if they follow from the number of tokens seen, else one per layer or one per head.
    """

    budget_meaning: ClassVar[str] = "fraction of cached tokens kept"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "nothing"

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.capacity = tokens_within(self.budget, public.schedule.n_tokens_cached)

    @property
    def counted_bits(self) -> int | None:
        """The tokens that are held, in float16: third-party code may decide how many a head keeps."""
        return sum(bits_of_pairs(self.public, int(rows.shape[1])) for heads in self.old for rows in heads)

    def n_stored(self, layer: int) -> int:
        """How many tokens the heads of a layer hold, summed over the heads."""
        return sum(int(rows.shape[1]) for rows in self.old[layer]) + self.n_new * self.public.n_heads

    def crowded(self, layer: int) -> bool:
        """Whether a layer holds more than B tokens per head, so that some must go."""
        return self.n_new > 0 and self.n_stored(layer) > self.capacity * self.public.n_heads

    def heads(self, layer: int) -> list[Tensor]:
        """The keys and values of every head of a layer, each of shape (2, n, d)."""
        return [self.rows_of(layer, head) for head in range(self.public.n_heads)]

    @abstractmethod
    def compressed(self, layer: int) -> list[Tensor]:
        """The rows that stay in each head of a crowded layer, each of shape (2, kept, d), in token order."""

    def write(self, writer: BitWriter) -> None:
        kept = [
            self.compressed(layer) if self.crowded(layer) else self.heads(layer)
            for layer in range(self.public.n_layers)
        ]
        counts = [[int(rows.shape[1]) for rows in heads] for heads in kept]
        if self.counted != "nothing":
            told = [number for heads in counts for number in (heads if self.counted == "heads" else heads[:1])]
            writer.uints("indices", told, width=COUNT_BITS)
        for heads in kept:
            for rows in heads:
                self.write_rows(writer, rows)

    def read(self, reader: BitReader) -> None:
        for layer, counts in enumerate(self._read_counts(reader)):
            self.old[layer] = [self.read_rows(reader, 2, count, self.public.d) for count in counts]

    def _read_counts(self, reader: BitReader) -> list[list[int]]:
        n_layers, n_heads = self.public.n_layers, self.public.n_heads
        if self.counted == "nothing":
            return [[min(self.n_old, self.capacity)] * n_heads] * n_layers
        told = reader.uints(n_layers * (n_heads if self.counted == "heads" else 1), width=COUNT_BITS)
        if told.max() > self.n_old or (told.min() == 0) != (self.n_old == 0):
            raise CorruptState(
                f"state must keep between 1 and {counted(self.n_old, 'token')} per head, got {told.tolist()}"
            )
        counts = told.reshape(n_layers, -1)
        return [[int(count) for count in np.resize(row, n_heads)] for row in counts]


def in_token_order(stored: Tensor, kept: Tensor) -> list[int]:
    """The places of the kept rows among the stored rows, in ascending order.

    Contract: `kept`, shape (2, k, d), must consist of rows of `stored`, shape (2, n, d), each at most as often as it
    occurs there. Returns k distinct places; among equal rows the oldest are taken. Other rows raise InvalidArgument.
    """
    return sorted(places(stored, kept))


def places(stored: Tensor, kept: Tensor) -> list[int]:
    """The places of the kept rows as in `in_token_order`, but in the order in which `kept` lists the rows."""
    waiting: dict[bytes, deque[int]] = defaultdict(deque)
    for place, row in enumerate(_as_bytes(stored)):
        waiting[row].append(place)
    found = []
    for row in _as_bytes(kept):
        if not waiting[row]:
            raise InvalidArgument("kept rows must be stored rows, unchanged and each once, got another row")
        found.append(waiting[row].popleft())
    return found


def _as_bytes(rows: Tensor) -> Sequence[bytes]:
    """Each (key, value) row as bytes; adding 0 turns -0 into 0, so that equal rows have equal bytes."""
    return [row.tobytes() for row in np.concatenate([*rows.numpy()], axis=1) + np.float32(0)]
