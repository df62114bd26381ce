"""Truth here: each law fails on a cache that was made to break it, and on the sound one that it was made from holds."""

from __future__ import annotations

import inspect
from itertools import count
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.eviction.window import TokenWindow
from lowerbound.core.bits import BitReader, BitWriter, EncodedState
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.rules import Scaled
from tests.contracts.laws import CacheLaws

calls = count()


class SoundLaws(CacheLaws):
    """Those of a window of tokens."""

    cache = TokenWindow
    counts_tokens = True

    def bits(self, n: int, place: Public) -> int:
        return 32 * min(n, self.whole_tokens(place)) * place.d


class Remembers(TokenWindow):
    """Answers from what it has not written."""

    def encode(self) -> EncodedState:
        keys, values = self.keys, self.values
        state = super().encode()
        self.keys, self.values = keys, values
        return state


class ForgetsEarly(TokenWindow):
    """Forgets in append, before it is asked."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale)
        self.keys, self.values = self.keys[-self.capacity :], self.values[-self.capacity :]


class Drifts(TokenWindow):
    """Loses a little whenever it is encoded."""

    def write(self, writer: BitWriter) -> None:
        self.values = self.values * 0.75
        super().write(writer)


class Mutates(TokenWindow):
    """Normalises the caller's array."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale)
        keys *= 0.5


class Counts(TokenWindow):
    """Writes a number of calls where the coins should be."""

    def encode(self) -> EncodedState:
        state = super().encode()
        return EncodedState(state + bytes([next(calls) % 256]), state.ledger)

    def decode(self, data: bytes) -> None:
        super().decode(data[:-1])


class Draws(TokenWindow):
    """Uses coins, and says nothing of it."""

    def write(self, writer: BitWriter) -> None:
        self.values = self.values + Coins(self.public.seed, "noise").generator().random() * (self.n_seen <= 1)
        super().write(writer)


class Lengthens(TokenWindow):
    """A value of zero costs a byte less."""

    def encode(self) -> EncodedState:
        more = b"" if not self.values.any() or set(np.unique(self.values)) <= {0.0, 1.0} else b"\0"
        state = super().encode()
        return EncodedState(state + more, state.ledger)


class Misbooks(TokenWindow):
    """Books half of the payload."""

    def encode(self) -> EncodedState:
        state = super().encode()
        return EncodedState(state, {**state.ledger, "payload": state.ledger["payload"] // 2})


class Pads(TokenWindow):
    """Ends with a word that no formula speaks of."""

    def write(self, writer: BitWriter) -> None:
        super().write(writer)
        writer.uints("payload", [0], width=32)

    def read(self, reader: BitReader) -> None:
        super().read(reader)
        reader.uints(1, width=32)


class TakesMore(TokenWindow):
    """Reads what it needs, and does not look further."""

    def decode(self, data: bytes) -> None:
        n_kept = min(int.from_bytes(data[:4], "big"), self.capacity)
        super().decode(data[: 4 + 4 * n_kept * self.public.d])


class IgnoresQueries(TokenWindow):
    """Without queries it stores other keys."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys if queries is not None else -keys, values, scale)


class Clings(TokenWindow):
    """Once it has been used, a decoded state is not all that it answers from."""

    used = False

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        super().append(keys, values, scale)
        self.used = True

    def decode(self, data: bytes) -> None:
        super().decode(data)
        self.values = self.values * (0.5 if self.used else 1)


class Deaf(TokenWindow):
    """Does not look at the last scale."""

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        if scale < self.public.schedule.n_scales - 1:
            super().append(keys, values, scale)


class Wastes(TokenWindow):
    """The smaller its budget, the more it keeps."""

    @property
    def capacity(self) -> int:
        return 1 + self.public.schedule.n_tokens_cached - super().capacity


class Invents(TokenWindow):
    """Answers 1 where it knows nothing."""

    def attend(self, queries: FloatArray) -> FloatArray:
        return super().attend(queries) if len(self.keys) else np.ones((len(queries), self.public.d))


class Nameless(TokenWindow):
    """States no reference."""

    reference = ""


class Modest(TokenWindow):
    """Counts every pair twice, and so claims half of the compression that it achieves."""

    @property
    def counted_bits(self) -> int:
        return 2 * super().counted_bits


class Tires(TokenWindow):
    """Answers less the more it was asked, and says that its answers stand alone."""

    answers_apart = True

    def attend(self, queries: FloatArray) -> FloatArray:
        self.asked = getattr(self, "asked", 0) + len(queries)
        return super().attend(queries) / self.asked


BROKEN = [
    (Tires, "test_answers_stand_alone"),
    (Remembers, "test_a_settled_cache_answers_as_its_copy"),
    (ForgetsEarly, "test_a_scale_is_attended_to_before_anything_is_lost"),
    (Drifts, "test_encoding_again_changes_nothing"),
    (Mutates, "test_arguments_are_not_changed"),
    (Counts, "test_the_same_instance_gives_the_same_bytes"),
    (Draws, "test_the_same_instance_gives_the_same_bytes"),
    (Lengthens, "test_the_length_does_not_depend_on_the_values"),
    (Misbooks, "test_the_ledger_adds_up"),
    (Pads, "test_bits_are_the_closed_form"),
    (TakesMore, "test_corrupt_states_are_refused"),
    (TakesMore, "test_arbitrary_bytes_never_crash"),
    (IgnoresQueries, "test_queries_are_the_keys_where_none_arrive"),
    (Clings, "test_decoding_forgets_what_was_there"),
    (Wastes, "test_a_larger_budget_is_no_smaller_state"),
    (Wastes, "test_a_larger_budget_keeps_what_a_smaller_one_kept"),
    (Wastes, "test_the_whole_budget_is_exact"),
    (Deaf, "test_own_tokens_take_part_in_the_softmax"),
    (Invents, "test_nothing_is_answered_with_zeros"),
    (Modest, "test_no_method_claims_less_than_it_achieves"),
    (Nameless, "test_facts_are_stated"),
]


def obey(suite: CacheLaws, law: str) -> None:
    """Run one law of a suite, at the first of its parameters."""
    first: dict[str, Any] = {"kind": "scaled", "name": "small", "rule": Scaled()}
    method = getattr(suite, law)
    method(**{name: first[name] for name in inspect.signature(method).parameters})


@pytest.mark.parametrize(("broken", "law"), BROKEN, ids=lambda thing: getattr(thing, "__name__", thing))
def test_a_law_fails_where_it_is_broken(broken: type[TokenWindow], law: str) -> None:
    """Forgery: one small breach, and the law that names it."""
    obey(SoundLaws(), law)
    with pytest.raises((AssertionError, pytest.fail.Exception, ExceptionGroup, ValueError)):
        obey(type("BrokenLaws", (SoundLaws,), {"cache": broken})(), law)
