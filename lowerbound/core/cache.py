"""The interface that the theorem quantifies over: an algorithm that answers attention queries from its bytes.

Each scale makes these calls, in Alice's process and in Bob's:

    cache = SomeCache(public)       # a fresh cache, which knows only what is public
    cache.decode(state)             # the bytes are all it knows of earlier scales (not called at the first scale)
    cache.append(keys, values, scale, queries)
    outputs = cache.attend(queries) # attention over all remembered tokens and those of the current scale
    state = cache.encode()          # the bytes are all that it remembers from now on

The caller measures the length of `state`. A cache should forget tokens in `encode`: if it forgets in `append`, the
tokens are gone before the queries of the same scale.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter, EncodedState
from lowerbound.core.grid import Grid
from lowerbound.core.keys.family import Keys
from lowerbound.core.network import PublicNetwork
from lowerbound.core.oracle.heads import Question, answers
from lowerbound.core.rules import Rule
from lowerbound.core.scalars import counted
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument, invalid

FloatArray = NDArray[np.float64]
Entry = TypeVar("Entry", bound=np.generic)
ComputationModel = Literal["R1", "R2"]

NO_KV_CACHES = frozenset({"code", "structured", "control", "recompute"})
"""Families whose members are no KV caches. Codes keep the game's own symbols, whose keys and levels are public; a
control keeps nothing, and recomputation token ids. They show where floors are met."""


@dataclass(frozen=True)
class Public:
    """Everything that a cache may know before it sees a token.

    Contract: a budget outside (0, 1] raises InvalidArgument.

    Parameters
    ----------
    schedule : ScaleSchedule
        The maps that the last scale attends to; the map of the last scale itself comes last.
    d : int
        Head dimension, of keys and of values.
    rule : Rule
        How a logit is computed.
    seed : int
        The seed of the public coins; it is fixed before the instance is drawn.
    budget : Fraction in (0, 1], or None
        The nominal budget, in the method's own meaning; None means the method's default.
    keys : Keys or None
        The keys of all tokens, if they are public (as in the hard family of values).
    grid : Grid or None
        The levels of values, if values are drawn from public levels.
    network : PublicNetwork or None
        The public weights, in computation model R2.
    n_layers, n_heads : int
        The number of layers, and of heads per layer, that a `LayeredCache` serves; a `Cache` serves one head.
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
    """The statements of a cache class about itself, as plain text. The judge learns nothing else about foreign code."""

    family: str
    reference: str
    idea: str
    budget_meaning: str
    default_budget: str | None
    computation_model: ComputationModel
    stack: tuple[int, int] | None
    text: str = ""

    @property
    def is_kv_cache(self) -> bool:
        """Whether this is a cache of keys and values: it is not if its family is one of NO_KV_CACHES."""
        return self.family not in NO_KV_CACHES


class Memory(ABC):
    """Base class of everything that the game can play: a `Cache` of one head, or a `LayeredCache` of many.

    Contract: after `encode`, it answers as a fresh instance that has decoded the returned bytes; `decode` of bytes that
    `encode` cannot return raises CorruptState.

    A class states its family, its reference and the meaning of its nominal budget. If its heads or layers share
    something, it also states `stack`, the default number of (layers, heads per layer) that it is played on. It never
    states its size, which is measured. With `answers_apart` it promises that each answer depends on its own query
    alone; then one decoded state is asked many questions, where a last map of one token would need one state for each.
    """

    family: ClassVar[str] = "user"
    reference: ClassVar[str] = ""
    budget_meaning: ClassVar[str] = ""
    default_budget: ClassVar[Fraction | None] = None
    computation_model: ClassVar[ComputationModel] = "R1"
    stack: ClassVar[tuple[int, int] | None] = None
    answers_apart: ClassVar[bool] = False

    def __init__(self, public: Public) -> None:
        self.public = public

    @classmethod
    def is_asked_at_once(cls) -> bool:
        """Whether each answer depends on its own query alone, and not on what else was asked, together or before.

        A class that defines `attend` says so by `answers_apart`. A class that defines `attend` anew says it anew.
        """
        for each in cls.__mro__:
            if "answers_apart" in vars(each):
                return bool(vars(each)["answers_apart"])
            if "attend" in vars(each):
                return False
        return False

    @classmethod
    def facts(cls) -> CacheFacts:
        """The statements of the class, collected from its class attributes and its docstring."""
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
        """The nominal budget: the public one, else the default of the class, else 1."""
        return self.public.budget or self.default_budget or Fraction(1)

    @property
    def told_budget(self) -> Fraction | None:
        """The nominal budget in force, as a row tells it (`told_at`)."""
        return self.told_at(self.public.budget)

    @classmethod
    def told_at(cls, budget: Fraction | None) -> Fraction | None:
        """The nominal budget that a row tells: the one that was asked for, else the default of the class.

        It is None for a method without a nominal budget, and for a method whose default only it knows.
        """
        return (budget or cls.default_budget) if cls.budget_meaning else None

    @property
    def n_streams(self) -> int:
        """The number of heads, over all layers, whose keys and values this object remembers."""
        return 1

    @property
    def counted_bits(self) -> Fraction | int | None:
        """The bits of the state before the last scale, as the method itself counts them; None if it counts none.

        Contract: at most the bits of that state, so that no method claims less than it achieves. A method counts kept
        tokens or code bits after rounding, and may leave out scores, scales and indices. Where the data decide how many
        tokens are kept, the tokens that the object holds are counted.
        """
        return None

    @property
    def claimed_ratio(self) -> Fraction | None:
        """The compression ratio relative to fp16 keys and values that the method itself would report.

        Contract: at least the measured ratio; None for a method that counts no bits, and where nothing is cached.
        """
        counted = self.counted_bits
        fp16 = self.n_streams * bits_of_pairs(self.public, self.public.schedule.n_tokens_cached)
        return Fraction(fp16) / counted if counted and fp16 else None

    @abstractmethod
    def encode(self) -> bytes:
        """Forget everything but the returned bytes."""

    @abstractmethod
    def decode(self, data: bytes) -> None:
        """Restore the state that `encode` wrote as `data`."""


class Cache(Memory):
    """A KV cache of one head.

    Contract: that of `Memory`; `attend` returns finite numbers of shape (m, d).
    """

    @abstractmethod
    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        """Receive the (n, d) keys and values of one scale; `queries`, where given, are those of the same n tokens."""

    @abstractmethod
    def attend(self, queries: FloatArray) -> FloatArray:
        """Answer (m, d) queries over all remembered tokens and those of the current scale."""


class SoftmaxCache(Cache):
    """Template for a cache that answers by softmax attention over the rows of its `question`.

    Because the rows are known, one call can compute the answers of many such caches.
    """

    answers_apart: ClassVar[bool] = True

    @abstractmethod
    def question(self, queries: FloatArray) -> Question:
        """The attention that answers (m, d) queries: the queries with the keys and values that they attend to."""

    def attend(self, queries: FloatArray) -> FloatArray:
        (answer,) = answers([self.question(queries)])
        return answer


class CountedState(Memory):
    """Template for a cache whose state is the number of tokens seen, in 32 bits, followed by what `write` writes.

    Contract: after `encode`, the cache holds exactly what `read` restores from the bytes that `write` wrote; `decode`
    raises CorruptState for a number of tokens above the schedule's. `n_old` tokens were seen before the last `encode`
    or `decode`; a final class adds the tokens of each `append` to `n_new`.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.n_old = 0
        self.n_new = 0

    @property
    def n_seen(self) -> int:
        """The number of tokens seen so far, whether or not they are still stored."""
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
            raise CorruptState(
                f"state must speak of at most {counted(self.public.schedule.n_tokens, 'token')}, got {n_seen}"
            )
        self.n_old, self.n_new = n_seen, 0
        self.read(reader)
        reader.end()

    @abstractmethod
    def write(self, writer: BitWriter) -> None:
        """Write everything that the cache will remember."""

    @abstractmethod
    def read(self, reader: BitReader) -> None:
        """Restore what `write` wrote, and nothing else. When it is called, `n_old` is set and `n_new` is 0."""


class StoredTokens(CountedState, SoftmaxCache):
    """Template for a cache that stores keys and values of some tokens and answers by plain softmax over them.

    A final class defines `write`, which decides what is stored and in which format, and `read`, which restores it.
    `keys` and `values` hold one row per stored token, in token order.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.keys: FloatArray = np.zeros((0, public.d))
        self.values: FloatArray = np.zeros((0, public.d))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        self.keys, self.values = appended(self.keys, keys), appended(self.values, values)
        self.n_new += len(keys)

    def question(self, queries: FloatArray) -> Question:
        return Question(queries, self.keys, self.values, self.public.rule)


def appended(old: NDArray[Entry], new: NDArray[Entry]) -> NDArray[Entry]:
    """The old rows and then the new ones; if one of them is empty, the other itself, since copies cost page faults.

    A cache changes no rows that it was given, and whoever appends rows leaves them as they are.
    """
    if not len(old) or not len(new):
        return old if len(old) else new
    return np.concatenate([old, new])


def check_pairs(public: Public, keys: FloatArray, values: FloatArray, queries: FloatArray | None = None) -> None:
    """Check the arrays of one `append`.

    Contract: raises InvalidArgument unless keys and values have one shape, and keys, values and queries all have finite
    rows of length d. Arrays may have shape (n, d), for one head, or (n_heads, n, d).
    """
    for name, rows in (("keys", keys), ("values", values), ("queries", queries)):
        if rows is None:
            continue
        if rows.ndim < 2 or rows.shape[-1] != public.d:
            raise invalid(name, f"have rows of length d = {public.d}", rows.shape)
        with np.errstate(over="ignore", invalid="ignore"):
            total = rows.sum()
        if not np.isfinite(total) and not np.isfinite(rows).all():  # the sum of finite rows may overflow
            raise invalid(name, "be finite", "NaN or infinity")
    if keys.shape != values.shape:
        raise invalid("keys and values", "have one shape", (keys.shape, values.shape))


COUNT_BITS = 32
"""Width in bits of the number of tokens seen so far, with which the state of a `CountedState` begins."""


def bits_of_pairs(public: Public, n_tokens: int) -> int:
    """The bits of the keys and values of so many tokens of one head, in fp16."""
    return 2 * FP16_BITS * public.d * n_tokens


def bits_of_codes(public: Public, code_bits: int) -> int:
    """The bits of codes for the keys and values of all cached tokens of one head, without scales."""
    return 2 * code_bits * public.d * public.schedule.n_tokens_cached


def tokens_within(budget: Fraction, n_tokens: int) -> int:
    """The number of whole tokens that a nominal budget keeps: floor(budget * n_tokens).

    Contract: an exact integer >= 1; a budget below one token raises InvalidArgument. If n_tokens is 0 (a schedule of
    one scale), the result is 0 for every budget.
    """
    count = int(budget * n_tokens)
    if count < 1 and n_tokens:
        raise InvalidArgument(
            f"budget must keep at least one of {counted(n_tokens, 'token')}, got {budget}; "
            f"the nearest valid choice is {Fraction(1, n_tokens)}"
        )
    return count
