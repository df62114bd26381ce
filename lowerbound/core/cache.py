"""The interface that the theorem quantifies over: an algorithm that answers attention queries from its bytes.

A scale passes like this, at Alice's and at Bob's alike:

    cache = SomeCache(public)       # knows what is public, and nothing else
    cache.decode(state)             # all it remembers of earlier scales (not called before the first one)
    cache.append(keys, values, scale, queries)
    outputs = cache.attend(queries) # everything remembered, and the current scale
    state = cache.encode()          # all it will remember

The state is measured from outside. Forget in `encode`: a cache that forgets in `append` forgets before it is asked.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import BitReader, BitWriter, EncodedState
from lowerbound.core.grid import Grid
from lowerbound.core.keys.family import Keys
from lowerbound.core.network import PublicNetwork
from lowerbound.core.oracle.heads import Question, answers
from lowerbound.core.rules import Rule
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument, invalid

FloatArray = NDArray[np.float64]
ComputationModel = Literal["R1", "R2", "R3"]


@dataclass(frozen=True)
class Public:
    """Everything that a cache may know before it sees a token.

    Parameters
    ----------
    schedule : ScaleSchedule
        The maps that the last scale attends to, its own last.
    d : int
        Head dimension, of keys and of values.
    rule : Rule
        How a logit is computed.
    seed : int
        Public coins, drawn before the instance.
    budget : Fraction in (0, 1], or None
        The method's own nominal budget; None means the method's default.
    keys : Keys or None
        Where the keys of all tokens are public (as in the hard family), those keys.
    grid : Grid or None
        Where values are drawn from public levels, those levels.
    network : PublicNetwork or None
        In model R2, the public weights.
    n_layers, n_heads : int
        How many layers, and heads a layer, a `LayeredCache` serves; a `Cache` serves one head.
    """

    schedule: ScaleSchedule
    d: int
    rule: Rule
    seed: int = 0
    budget: Fraction | None = None
    keys: Keys | None = None
    grid: Grid | None = None
    network: PublicNetwork | None = None
    n_layers: int = 1
    n_heads: int = 1

    def __post_init__(self) -> None:
        if self.budget is not None and not 0 < self.budget <= 1:
            nearest = "1" if self.budget > 1 else "any positive fraction"
            raise invalid("budget", "lie in (0, 1], a fraction of the whole", str(self.budget), nearest=nearest)


@dataclass(frozen=True)
class CacheFacts:
    """What a cache class states about itself, as plain text: all that the judge knows of foreign code."""

    family: str
    reference: str
    idea: str
    budget_meaning: str
    default_budget: str | None
    computation_model: ComputationModel
    stack: tuple[int, int] | None
    text: str = ""


class Memory(ABC):
    """What the game can play: it answers attention queries from bytes. Either a `Cache` or a `LayeredCache`.

    Contract: after `encode`, it answers as a fresh one that has decoded the returned bytes; `decode` of bytes that
    `encode` cannot return raises CorruptState.

    A class states its family, its reference and what its nominal budget means, and, where its heads or layers share
    something, the stack of (layers, heads) that it is played on unless another is asked for. It never states its size.
    """

    family: ClassVar[str] = "user"
    reference: ClassVar[str] = ""
    budget_meaning: ClassVar[str] = ""
    default_budget: ClassVar[Fraction | None] = None
    computation_model: ClassVar[ComputationModel] = "R1"
    stack: ClassVar[tuple[int, int] | None] = None

    def __init__(self, public: Public) -> None:
        self.public = public

    @classmethod
    def facts(cls) -> CacheFacts:
        """What the class states."""
        return CacheFacts(
            family=cls.family,
            reference=cls.reference,
            idea=(cls.__doc__ or "").strip().partition("\n")[0],
            budget_meaning=cls.budget_meaning,
            default_budget=None if cls.default_budget is None else str(cls.default_budget),
            computation_model=cls.computation_model,
            stack=cls.stack,
            text=inspect.cleandoc(cls.__doc__ or ""),
        )

    @cached_property
    def budget(self) -> Fraction:
        """The nominal budget in force; 1 for methods that have none."""
        return self.public.budget or self.default_budget or Fraction(1)

    @property
    def claimed_ratio(self) -> Fraction | None:
        """Compression of fp16 keys and values by the method's own accounting: 1 / budget where it has a budget.

        None where the method claims none.
        """
        return 1 / self.budget if self.budget_meaning else None

    @abstractmethod
    def encode(self) -> bytes:
        """Forget down to the returned bytes."""

    @abstractmethod
    def decode(self, data: bytes) -> None:
        """Remember what those bytes say."""


class Cache(Memory):
    """A KV cache of one head.

    Contract: that of `Memory`; `attend` returns finite numbers of shape (m, d).
    """

    @abstractmethod
    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        """Take in the (n, d) keys and values of one scale; `queries` are those of the same tokens."""

    @abstractmethod
    def attend(self, queries: FloatArray) -> FloatArray:
        """Answer (m, d) queries over everything remembered and the current scale."""


class SoftmaxCache(Cache):
    """Template: a cache that answers by softmax attention over rows which it names, so that many are asked at once."""

    @abstractmethod
    def question(self, queries: FloatArray) -> Question:
        """What (m, d) queries ask, over which keys and values."""

    def attend(self, queries: FloatArray) -> FloatArray:
        (answer,) = answers([self.question(queries)])
        return answer


class CountedState(Memory):
    """Template: a state is the number of tokens seen, in 32 bits, and what a final class writes of them.

    Contract: `encode` settles: what lives on is what `read` made of what `write` wrote. `n_old` tokens were seen before
    the last `encode` or `decode`, and `append` counts `n_new` since.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.n_old = 0
        self.n_new = 0

    @property
    def n_seen(self) -> int:
        """Tokens seen, remembered or not."""
        return self.n_old + self.n_new

    def encode(self) -> EncodedState:
        writer = BitWriter()
        writer.uints("indices", [self.n_seen], width=COUNT_BITS)
        self.write(writer)
        state = writer.encoded()
        self.decode(state)
        return state

    def decode(self, data: bytes) -> None:
        reader = BitReader(data)
        (n_seen,) = map(int, reader.uints(1, width=COUNT_BITS))
        if n_seen > self.public.schedule.n_tokens:
            raise CorruptState(f"state must speak of at most {self.public.schedule.n_tokens} tokens, got {n_seen}")
        self.n_old, self.n_new = n_seen, 0
        self.read(reader)
        reader.end()

    @abstractmethod
    def write(self, writer: BitWriter) -> None:
        """Write what will be remembered."""

    @abstractmethod
    def read(self, reader: BitReader) -> None:
        """Remember what `write` wrote, and nothing else; `n_old` is known, and nothing is new."""


class StoredTokens(CountedState, SoftmaxCache):
    """Template: a cache that stores some tokens' keys and values, and answers by plain softmax over them.

    A final class says in `write` what it keeps and how, and in `read` how that is read back; everything else is
    here. `keys`, `values`, `scores` and `positions` hold one row a stored token, in token order.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.keys: FloatArray = np.zeros((0, public.d))
        self.values: FloatArray = np.zeros((0, public.d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        self.keys = np.concatenate([self.keys, keys])
        self.values = np.concatenate([self.values, values])
        self.n_new += len(keys)

    def question(self, queries: FloatArray) -> Question:
        return Question(queries, self.keys, self.values, self.public.rule)


def check_pairs(public: Public, keys: FloatArray, values: FloatArray, queries: FloatArray | None = None) -> None:
    """Raise InvalidArgument unless keys and values are n rows in R^d each, and queries rows in R^d, all finite.

    Arrays of one head are (n, d); arrays of several heads, (n_heads, n, d), are checked as one.
    """
    for name, rows in (("keys", keys), ("values", values), ("queries", queries)):
        if rows is None:
            continue
        if rows.ndim < 2 or rows.shape[-1] != public.d:
            raise invalid(name, f"have rows of length d = {public.d}", rows.shape)
        if not np.isfinite(rows).all():
            raise invalid(name, "be finite", "NaN or infinity")
    if keys.shape != values.shape:
        raise invalid("keys and values", "have one shape", (keys.shape, values.shape))


COUNT_BITS = 32
"""The number of tokens seen so far, written at the head of a state."""


def tokens_within(budget: Fraction, n_tokens: int) -> int:
    """floor(budget * n_tokens): how many whole tokens a nominal budget keeps.

    Contract: an exact integer >= 1, or InvalidArgument when the budget is less than one token; 0 where n_tokens is 0,
    as in a schedule of one scale: of nothing, every budget keeps nothing.
    """
    count = int(budget * n_tokens)
    if count < 1 and n_tokens:
        raise InvalidArgument(
            f"budget must keep at least one of {n_tokens} tokens, got {budget}; "
            f"the nearest valid choice is {Fraction(1, n_tokens)}"
        )
    return count
