"""The laws of the cache interface: every cache's test inherits them, and fills in what the cache says of itself.

A law that does not hold of a cache is named in its `not_applicable` with the reason, and skipped with it. Of caches
that share an implementation and differ in a parameter, a desk tries the laws of one, and CI of all.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from lowerbound.core.bits import EncodedState, state_bits
from lowerbound.core.cache import COUNT_BITS, Cache, FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.grid import Grid
from lowerbound.core.keys.family import Keys
from lowerbound.core.oracle.attention import attention
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CorruptState, InvalidArgument
from lowerbound.game.index import draw_symbols
from lowerbound.game.reduction import Reduction, plan_reduction
from tests.contracts.playing import PLACES, SMALL, at_last_scale, give, holding, public, states_of, tokens
from tests.marks import first_now, tries

RULES: dict[str, Rule] = {"scaled": Scaled(), "l2norm-10": L2Norm(10.0), "l2norm-100": L2Norm(100.0)}
MIDDLE = "l2norm-10"
KINDS = [MIDDLE, "hard-family", *(rule for rule in RULES if rule != MIDDLE)]
LARGEST = "var-256"
BUDGETS = (Fraction(1, 50), Fraction(1, 3), None, Fraction(1))
ONE_TOKEN = ScaleSchedule.square([1, 2])
ONE_SCALE = ScaleSchedule.square([4])
TINY = Fraction(1, 50)


def tried(*more: str) -> list[Any]:
    """The kinds of places as cases: the first at a desk, the second before a merge, and all in CI."""
    return [*first_now(KINDS[:2]), *first_now([*KINDS[2:], *more], 0, n_slow=0)]


@cache
def small_reduction() -> Reduction:
    """A hard family of 21 cached tokens in R^16."""
    return plan_reduction(Geometry("small", SMALL, 16, codebook_size=16))


def public_levels(place: Public) -> Public:
    """The same place where keys, drawn by public coins, and the levels 0 and 1 are public."""
    rows = np.random.default_rng(7).integers(-1000, 1000, (place.schedule.n_tokens, place.d)) * 2 + 1
    grid = Grid.binary("relative", Fraction(1, 100), Fraction(1, 100))
    return replace(place, keys=Keys("drawn", rows), grid=grid)


def public_rows(place: Public, symbols: NDArray[Any]) -> FloatArray:
    """Keys, values and queries of all tokens where keys are public and values are the levels of `symbols`."""
    assert place.keys is not None
    assert place.grid is not None
    keys = place.keys.unit
    values = np.concatenate([place.grid.level_array[symbols], np.zeros((len(keys) - len(symbols), place.d))])
    queries = keys if isinstance(place.rule, L2Norm) else keys * 10 * place.d
    return np.stack([keys, values, queries])


class CacheLaws(ABC):
    """The laws of one cache. A subclass is named Test..., and says what stands below; nothing is said twice."""

    cache: ClassVar[type[Cache]]
    """The class."""
    exact_at: ClassVar[Fraction | None] = Fraction(1)
    """The budget at which answers are those of attention over all tokens; None is the default budget."""
    uses_coins: ClassVar[bool] = False
    """Whether public coins enter the state."""
    counts_tokens: ClassVar[bool] = False
    """Whether a budget below one token is refused, as by a cache that keeps whole tokens."""
    needs_public_levels: ClassVar[bool] = False
    """Whether it can be played only where keys and levels are public."""
    answers_apart: ClassVar[bool] = True
    """Whether each answer depends on its own query alone."""
    header_bits: ClassVar[int] = COUNT_BITS
    """What stands before the fields of the formula: the number of tokens seen."""
    reaches_overflow: ClassVar[bool] = False
    """Whether a state may hold float64 entries whose products overflow, so that not every state can be asked."""
    rule_enters: ClassVar[bool] = False
    """Whether logits enter the state as numbers, so that the largest place is played under every rule."""
    not_applicable: ClassVar[Mapping[str, str]] = {}
    """The name of a law -> why it does not hold."""

    @abstractmethod
    def bits(self, n: int, place: Public) -> int:
        """The closed form of the docstring, after n tokens: header and padding not counted."""

    def entry_error(self, place: Public, rows: FloatArray) -> float:
        """How far, at `exact_at`, an entry of a restored key or value may lie from the float16 number that it was."""
        return 0.0

    def public(
        self,
        schedule: ScaleSchedule,
        d: int,
        budget: Fraction | None = None,
        *,
        rule: Rule | None = None,
        seed: int = 0,
    ) -> Public:
        """What is public, where the cache can be played."""
        return public(schedule, d, budget, rule=rule, seed=seed)

    def tokens(self, place: Public, seed: int = 0, *, halves: bool = False) -> FloatArray:
        """Keys, values and queries that the cache can be given, shape (3, n, d)."""
        return tokens(place, seed, halves=halves)

    def hard_family(self, budget: Fraction | None = None, trial: int = 0) -> tuple[Public, FloatArray]:
        """What is public of the game's own instance, and the rows that Alice and Bob feed to the cache."""
        reduction = small_reduction()
        place = reduction.public(budget)
        rows = public_rows(place, draw_symbols(PrivateSeed(0), trial, n_levels=2, shape=reduction.shape))
        rows[2] = reduction.queries
        return place, rows

    def budget_at(self, place: Public) -> Fraction:
        """The budget in force."""
        return place.budget or self.cache.default_budget or Fraction(1)

    def whole_tokens(self, place: Public) -> int:
        """floor(budget T): whole tokens in the budget."""
        return math.floor(self.budget_at(place) * place.schedule.n_tokens_cached)

    @pytest.fixture(autouse=True)
    def _applies(self, request: pytest.FixtureRequest) -> None:
        reason = self.not_applicable.get(request.node.originalname)
        if reason is not None:
            pytest.skip(reason)

    def budgets(self) -> list[Fraction | None]:
        """The budgets at which most laws are tried: below a token where that is allowed, to the whole."""
        if self.cache.default_budget is None:
            return [None]
        return [b for b in BUDGETS if b != TINY or not self.counts_tokens]

    def playings(self, kind: str) -> Iterator[tuple[str, Public, FloatArray, list[bytes]]]:
        """The largest place, or all others under one rule, or the hard family, with the states after its scales."""
        names = (
            ["small"] if kind == "hard-family" else [name for name in PLACES if (name == LARGEST) == (kind == LARGEST)]
        )
        if kind != MIDDLE and kind in RULES and self.rule_enters:
            names.append(LARGEST)
        for name in names:
            for budget in [None, TINY] if name == "oblong" and None is not self.cache.default_budget else [None]:
                yield name, *playing(type(self), MIDDLE if kind == LARGEST else kind, name, budget)

    # Bytes are all that is remembered.

    @pytest.mark.parametrize("kind", tried(LARGEST))
    def test_a_settled_cache_answers_as_its_copy(self, kind: str) -> None:
        """Law: after encode(), live cache and decode(encode()) answer alike, bit for bit, after every scale.

        The live cache is one object for all scales, and is asked before it is encoded; the copies are fresh ones.
        """
        for name, place, rows, states in self.playings(kind):
            live, queries = self.cache(place), rows[2, -9:]
            for scale, state in enumerate(states):
                give(live, rows, scale)
                live.attend(queries[:1])
                assert live.encode() == state, (name, scale)
                answers, copied = live.attend(queries), holding(self.cache, place, state).attend(queries)
                assert answers.shape == (len(queries), place.d)
                assert np.isfinite(answers).all()
                assert np.array_equal(answers, copied), (name, scale)

    def test_answers_stand_alone(self) -> None:
        """Law: asked together, or one by one in another order of the same object, queries get the same answers.

        A cache that cannot promise it says so, and is given a fresh state for every run.
        """
        assert self.cache.is_asked_at_once() == self.answers_apart
        place, rows = self.hard_family()
        cache, own = at_last_scale(self.cache, place, rows)
        queries = np.concatenate([rows[2, own], rows[2, :5]])
        together = cache.attend(queries)
        alone = np.concatenate([cache.attend(queries[n : n + 1]) for n in reversed(range(len(queries)))])[::-1]
        change = float(np.abs(together - alone).max())
        if self.answers_apart:
            assert change <= rounding(place, rows) * max(1.0, float(np.abs(together).max()))
        else:
            assert change > 0.1

    @pytest.mark.parametrize("kind", tried(LARGEST))
    def test_encoding_again_changes_nothing(self, kind: str) -> None:
        """Law: decode then encode gives the same bytes, twice: no cache pays, or gains, by being asked again."""
        for name, place, _, states in self.playings(kind):
            for state in states:
                copy = holding(self.cache, place, state)
                assert copy.encode() == copy.encode() == state, name

    def test_decoding_forgets_what_was_there(self) -> None:
        """Law: a used cache that decodes a state answers, and encodes, as a fresh one."""
        place, rows = self.hard_family()
        states = states_of(self.cache, place, rows)
        used, _ = at_last_scale(self.cache, place, rows)
        for state in states:
            used.decode(state)
            assert np.array_equal(used.attend(rows[2, :9]), holding(self.cache, place, state).attend(rows[2, :9]))
            assert used.encode() == state
            give(used, rows, place.schedule.n_scales - 1)

    def test_the_same_instance_gives_the_same_bytes(self) -> None:
        """Law: public coins and the instance determine the message; coins change it only where the cache draws some."""
        bare, normal = self._small()
        small = normal if self.needs_public_levels else normal / 8
        coins_matter = False
        for place, rows in (self.hard_family(), (bare, normal), (bare, small)):
            states = states_of(self.cache, place, rows)
            assert states == states_of(self.cache, place, rows)
            coins_matter |= states != states_of(self.cache, replace(place, seed=place.seed + 1), rows)
        assert coins_matter == self.uses_coins

    def test_arguments_are_not_changed(self) -> None:
        """Law: append and attend leave the caller's arrays alone."""
        place, rows = self.hard_family()
        cache, part = self.cache(place), place.schedule.rows_of(0)
        arrays = rows[:, part].copy()
        cache.append(arrays[0], arrays[1], 0, arrays[2])
        cache.attend(arrays[2])
        cache.encode()
        cache.attend(arrays[2])
        assert np.array_equal(arrays, rows[:, part])

    def test_queries_are_the_keys_where_none_arrive(self) -> None:
        """Definition: without queries, Q = K."""
        for place, rows in (self.hard_family(), self._small()):
            told, untold = self.cache(place), self.cache(place)
            for scale in range(place.schedule.n_scales - 1):
                keys, values, _ = rows[:, place.schedule.rows_of(scale)]
                told.append(keys, values, scale, keys)
                untold.append(keys, values, scale)
                assert told.encode() == untold.encode()

    # What is measured.

    @pytest.mark.parametrize("name", first_now(PLACES, 3))
    def test_bits_are_the_closed_form(self, name: str) -> None:
        """Closed form: what the docstring says, after every scale and at every budget, to the bit."""
        for budget in [budget for budget in self.budgets() if budget != TINY or name != LARGEST]:
            place, _, states = playing(type(self), MIDDLE, name, budget)
            for scale, state in enumerate(states):
                wanted = self.header_bits + self.bits(place.schedule.rows_of(scale).stop, place)
                assert written_bits(state) == wanted, (budget, scale)

    @pytest.mark.parametrize("kind", tried(LARGEST))
    def test_the_ledger_adds_up(self, kind: str) -> None:
        """Law: every bit of a state is booked under one item, and the judge charges 64 more for its length."""
        for _, _, _, states in self.playings(kind):
            for state in states:
                ledger = state.ledger if isinstance(state, EncodedState) else {"payload": 8 * len(state)}
                assert sum(ledger.values()) == 8 * len(state) == state_bits(state) - 64

    def test_the_length_does_not_depend_on_the_values(self) -> None:
        """Law: these caches write states of fixed length, so that no information hides in it, zero rows included."""
        for budget in self.budgets():
            if not self.needs_public_levels:
                place, rows = self._small(budget)
                states = [states_of(self.cache, place, rows * factor) for factor in (0, 1, 100)]
                assert len({tuple(map(len, found)) for found in states}) == 1
            lengths = {tuple(map(len, states_of(self.cache, *self.hard_family(budget, trial)))) for trial in range(3)}
            assert len(lengths) == 1

    @pytest.mark.parametrize("kind", tried(LARGEST))
    def test_states_never_shrink(self, kind: str) -> None:
        """Law: beside tokens that wait for a group of their own to fill, a state never shrinks while scales arrive."""
        for name, _, _, states in self.playings(kind):
            waiting = [s.ledger.get("residual_window", 0) if isinstance(s, EncodedState) else 0 for s in states]
            settled = [8 * len(state) - wait for state, wait in zip(states, waiting, strict=True)]
            assert settled == sorted(settled), name

    def test_a_larger_budget_is_no_smaller_state(self) -> None:
        """Law: bits are monotone in the nominal budget."""
        if self.cache.default_budget is None:
            pytest.skip("the method has no budget")
        lengths = [len(states_of(self.cache, *self._small(budget))[-1]) for budget in self._ladder()]
        assert lengths == sorted(lengths)

    def test_a_larger_budget_keeps_what_a_smaller_one_kept(self) -> None:
        """Law: among tokens that arrive together, the sets of those that are kept are nested."""
        if self.cache.default_budget is None:
            pytest.skip("the method has no budget")
        kept: set[bytes] = set()
        for budget in self._ladder():
            place, rows = self._small(budget)
            part = slice(0, place.schedule.n_tokens_cached)
            cache: Any = self.cache(place)
            cache.append(rows[0, part], rows[1, part], 0, rows[2, part])
            cache.encode()
            found = {key.astype(np.float16).tobytes() for key in cache.keys}
            assert kept <= found, budget
            kept = found

    def test_a_larger_budget_restores_no_worse(self) -> None:
        """Law: the squared error of all restored keys and values falls from budget 1/8 to 1/4, 1/2 and 1."""
        if self.cache.default_budget is None:
            pytest.skip("the method has no budget")
        errors = []
        for budget in (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(1)):
            place, rows = self._small(budget)
            cache: Any = holding(self.cache, place, states_of(self.cache, place, rows)[-1])
            restored = (cache.old_keys, cache.old_values) if hasattr(cache, "old_keys") else (cache.keys, cache.values)
            errors.append(float(np.square(np.stack(restored) - rows[:2, : place.schedule.n_tokens_cached]).sum()))
        assert errors == sorted(errors, reverse=True)

    # What is answered exactly.

    @pytest.mark.parametrize("name", ["small", "oblong", "uneven"])
    def test_the_whole_budget_is_exact(self, name: str) -> None:
        """Degenerate case: at `exact_at`, answers are those of attention over all float16 tokens.

        Logits move by at most delta = factor |q| |k^ - k|, weights by a factor within exp(+-2 delta), and so an answer
        by at most expm1(2 delta) max|v| + max|v^ - v|, beside rounding.
        """
        place = self.public(*PLACES[name], self.exact_at)
        rows = self.tokens(place, halves=True)
        cache, own = at_last_scale(self.cache, place, rows)
        wanted = attention(rows[2, own], rows[0], rows[1], rule=place.rule)
        entry = self.entry_error(place, rows)
        length = float(np.linalg.norm(rows[2, own], axis=1).max())
        delta = place.rule.factor(place.d) * length * entry * math.sqrt(place.d)
        tolerance = math.expm1(2 * delta) * float(np.abs(rows[1]).max()) + entry + rounding(place, rows)
        assert np.abs(cache.attend(rows[2, own]) - wanted).max() <= tolerance

    @pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
    def test_a_scale_is_attended_to_before_anything_is_lost(self, rule: Rule) -> None:
        """Definition: a scale of 16 tokens is answered exactly by a cache of one token, until encode()."""
        budget = Fraction(1, 16) if self.cache.default_budget is not None else None
        place = self.public(ScaleSchedule.square([4, 8]), 16, budget, rule=rule)
        rows = self.tokens(place)
        cache = self.cache(place)
        give(cache, rows, 0)
        wanted = attention(rows[2], rows[0, :16], rows[1, :16], rule=rule)
        assert np.abs(cache.attend(rows[2]) - wanted).max() <= rounding(place, rows)

    def test_own_tokens_take_part_in_the_softmax(self) -> None:
        """Definition: what is appended at the last scale is attended to at once, exactly."""
        place, rows = self.hard_family()
        last = place.schedule.n_scales - 1
        own = place.schedule.rows_of(last)
        rows[1, own] = 0.75
        cache, _ = at_last_scale(self.cache, place, rows)
        answers = cache.attend(rows[2, own])
        assert np.abs(answers - 0.75).max() <= 0.75 * float(small_reduction().leakage) + 1e-9

    # The smallest inputs.

    def test_nothing_is_answered_with_zeros(self) -> None:
        """Degenerate case: a cache that was given nothing answers 0, of the asked shape, and so does its copy."""
        place, rows = self._small()
        cache = self.cache(place)
        for count in (0, 1, 5):
            assert np.array_equal(cache.attend(rows[2, :count]), np.zeros((count, place.d)))
        state = cache.encode()
        copy = holding(self.cache, place, state)
        assert np.array_equal(copy.attend(rows[2]), np.zeros_like(rows[2]))
        assert written_bits(state) == self.header_bits + self.bits(0, place)

    def test_the_state_of_nothing_is_a_beginning(self) -> None:
        """Degenerate case: a cache encoded before the first token goes on as one that was not."""
        place, rows = self.hard_family()
        cache = holding(self.cache, place, self.cache(place).encode())
        give(cache, rows, 0)
        assert cache.encode() == states_of(self.cache, place, rows)[0]

    def test_no_rows_change_nothing(self) -> None:
        """Degenerate case: appending no rows, to nothing, a state or a fresh scale, changes no answer and no byte."""
        place, rows = self._small()
        states = states_of(self.cache, place, rows)
        for state, wanted in ((None, states[0]), (states[0], states[1])):
            cache, none = holding(self.cache, place, state), np.zeros((0, place.d))
            scale = 0 if state is None else 1
            before = cache.attend(rows[2, :5])
            cache.append(none, none, scale, none)
            assert np.array_equal(cache.attend(rows[2, :5]), before)
            give(cache, rows, scale)
            before = cache.attend(rows[2, :5])
            cache.append(none, none, scale, none)
            assert np.array_equal(cache.attend(rows[2, :5]), before)
            assert cache.encode() == wanted

    @pytest.mark.parametrize("d", [1, 2, 4])
    def test_one_token(self, d: int) -> None:
        """Degenerate case: one token is cached: settled, and of the stated length, in one dimension too."""
        for budget in [None] if self.cache.default_budget is None else [Fraction(1, 3), Fraction(1)]:
            if self.counts_tokens and budget != 1:
                continue
            place = self.public(ONE_TOKEN, d, budget)
            rows = self.tokens(place)
            live, states = self.cache(place), states_of(self.cache, place, rows, 2)
            for scale, state in enumerate(states):
                give(live, rows, scale)
                assert live.encode() == state
                assert np.array_equal(live.attend(rows[2]), holding(self.cache, place, state).attend(rows[2]))
                wanted = self.header_bits + self.bits(place.schedule.rows_of(scale).stop, place)
                assert written_bits(state) == wanted

    def test_a_single_scale(self) -> None:
        """Degenerate case: nothing is cached before a single scale, which is answered exactly, and has a state."""
        for budget in self.budgets():
            place = self.public(ONE_SCALE, 16, budget)
            rows = self.tokens(place)
            cache = self.cache(place)
            give(cache, rows, 0)
            wanted = attention(rows[2], rows[0], rows[1], rule=place.rule)
            assert np.abs(cache.attend(rows[2]) - wanted).max() <= rounding(place, rows)
            state = cache.encode()
            assert written_bits(state) == self.header_bits + self.bits(16, place)
            assert np.isfinite(cache.attend(rows[2])).all()
            assert np.array_equal(cache.attend(rows[2]), holding(self.cache, place, state).attend(rows[2]))

    # What is refused.

    @pytest.mark.parametrize("kind", tried(LARGEST))
    def test_corrupt_states_are_refused(self, kind: str) -> None:
        """Bad input: a byte more, a byte less, an absurd count: CorruptState, never an index error or an answer."""
        for _, place, _, states in self.playings(kind):
            for state in (states[0], *states[-2:]):
                forgeries = {
                    state + b"\0",
                    state[:-1],
                    b"",
                    state[:1],
                    b"\xff" * len(state),
                    b"\xff" * (len(state) + 1),
                }
                for forgery in forgeries - {bytes(state)}:
                    with pytest.raises(CorruptState):
                        holding(self.cache, place, forgery)

    def test_arbitrary_bytes_never_crash(self) -> None:
        """Fuzz: any bytes, or a state with a few bytes altered, are refused, or answer and are encoded as they are."""
        place, rows = self.hard_family()
        state = states_of(self.cache, place, rows)[-1]

        def decode(data: bytes) -> None:
            try:
                cache = holding(self.cache, place, data)
            except CorruptState:
                return
            assert cache.encode() == data
            if not self.reaches_overflow:
                answers = cache.attend(rows[2, :2])
                assert answers.shape == (2, place.d)
                assert np.isfinite(answers).all()

        @settings(max_examples=tries(25))
        @given(data=st.binary(max_size=200))
        def anything(data: bytes) -> None:
            decode(data)

        @settings(max_examples=tries(50))
        @given(
            changes=st.lists(st.tuples(st.integers(0, max(0, len(state) - 1)), st.integers(0, 255)), max_size=6),
            length=st.integers(0, len(state)) | st.just(len(state)),
            tail=st.just(b"") | st.binary(max_size=3),
        )
        def nearly_a_state(changes: list[tuple[int, int]], length: int, tail: bytes) -> None:
            data = bytearray(state)
            for position, byte in changes if data else []:
                data[position] = byte
            decode(bytes(data[:length]) + tail)

        anything()
        nearly_a_state()

    @pytest.mark.long
    def test_no_altered_bit_is_read_as_another_state(self) -> None:
        """Forgery: each bit of a state's first and last bytes, and of thirty others; refused, or encoded as it is."""
        place, rows = self.hard_family()
        state = bytes(states_of(self.cache, place, rows)[-1])
        others = np.random.default_rng(1).integers(0, max(1, len(state)), 30).tolist()
        for position in {*range(24), *others, *range(len(state) - 12, len(state))} & set(range(len(state))):
            for bit in range(8):
                data = bytearray(state)
                data[position] ^= 1 << bit
                with suppress(CorruptState):
                    assert holding(self.cache, place, bytes(data)).encode() == data, (position, bit)

    def test_wrong_shapes_are_refused(self) -> None:
        """Bad input: rows of another length, another number of values than keys, or no numbers: one typed sentence."""
        place, rows = self.hard_family()
        keys, values, queries = rows[:, place.schedule.rows_of(0)]
        long, nan = np.ones((len(keys), place.d + 1)), np.full_like(keys, np.nan)
        for arrays in (
            (long, values, queries),
            (keys, long, queries),
            (keys, values, long),
            (keys, np.concatenate([values, values]), queries),
            (keys[0], values, queries),
            (nan, values, queries),
            (keys, nan, queries),
        ):
            with pytest.raises(InvalidArgument, match=r"must (have|be)"):
                self.cache(place).append(arrays[0], arrays[1], 0, arrays[2])

    def test_budgets_outside_the_whole_are_refused(self) -> None:
        """Bad input: a budget is a fraction in (0, 1]."""
        for budget in (Fraction(0), Fraction(-1, 2), Fraction(3, 2)):
            with pytest.raises(InvalidArgument, match="budget must lie in"):
                self.hard_family(budget)

    def test_a_budget_below_one_token(self) -> None:
        """Bad input: caches that keep whole tokens name the nearest budget; all others are played."""
        place, rows = self.hard_family(TINY)
        if not self.counts_tokens:
            assert states_of(self.cache, place, rows)
            return
        with pytest.raises(InvalidArgument, match="nearest valid choice is 1/21"):
            states_of(self.cache, place, rows)

    def test_public_levels_are_asked_for(self) -> None:
        """Bad input: a code of public symbols cannot be made where keys and levels are not public; others need none."""
        bare = public(SMALL, 16)
        if not self.needs_public_levels:
            assert self.cache(bare)
            return
        with pytest.raises(InvalidArgument, match="must be played"):
            self.cache(bare)

    def test_a_claimed_ratio_is_a_number(self) -> None:
        """Definition: compression by the method's own accounting is a positive rational, or is not claimed."""
        for budget in self.budgets():
            for schedule, d in (PLACES["small"], PLACES["oblong"], (ONE_TOKEN, 1), (ONE_SCALE, 16)):
                if self.counts_tokens and schedule is ONE_TOKEN and budget != 1:
                    continue
                ratio = self.cache(self.public(schedule, d, budget)).claimed_ratio
                assert ratio is None or (isinstance(ratio, Fraction) and ratio > 0)

    @pytest.mark.parametrize("kind", tried())
    def test_no_method_claims_less_than_it_achieves(self, kind: str) -> None:
        """Law: claimed compression is at least the measured compression of the whole message, at every budget.

        Every method with a budget claims a number, except where the budget is the size of a class of values.
        """
        for budget in self.budgets():
            for name in ["small"] if kind == "hard-family" else [name for name in PLACES if name != LARGEST]:
                place, _, states = playing(type(self), kind, name, budget)
                message = states[place.schedule.n_scales - 2]
                claimed = holding(self.cache, place, message).claimed_ratio
                if claimed is None:
                    assert not self.cache.budget_meaning or self.cache.family == "structured"
                    continue
                streams = math.prod(getattr(self.cache, "shape", (1, 1)))
                fp16 = 2 * 16 * place.d * place.schedule.n_tokens_cached * streams
                assert claimed >= Fraction(fp16, state_bits(message)), (name, budget)

    def test_facts_are_stated(self) -> None:
        """Definition: every cache states its family, reference and idea; a budget has a meaning and a default."""
        facts = self.cache.facts()
        assert facts.family != "user"
        assert facts.reference
        assert facts.idea
        assert bool(facts.budget_meaning) == (facts.default_budget is not None)

    def _small(self, budget: Fraction | None = None) -> tuple[Public, FloatArray]:
        place = self.public(*PLACES["small"], budget)
        return place, self.tokens(place, seed=1)

    def _ladder(self) -> list[Fraction]:
        """Budgets from one token, or one bit, to the whole."""
        tokens_of = {Fraction(n, 21) for n in range(1, 22, 2)}
        return sorted(tokens_of | {Fraction(n, 16) for n in (1, 2, 3, 4, 8, 16)})


def written_bits(state: bytes) -> int:
    """The bits of a state, padding to whole bytes not counted."""
    return 8 * len(state) - (state.ledger.get("padding", 0) if isinstance(state, EncodedState) else 0)


def rounding(place: Public, rows: FloatArray) -> float:
    """Twice what attention in float64 may be off, on these rows: the cache and the oracle."""
    keys, values, queries = rows
    largest = float(np.linalg.norm(queries, axis=1).max() * np.linalg.norm(keys, axis=1).max())
    logit = place.rule.factor(place.d) * (1.0 if isinstance(place.rule, L2Norm) else largest)
    return 2 * rounding_bound(
        d=place.d, n_tokens=len(keys), max_logit=logit, max_value=max(1.0, float(np.abs(values).max()))
    )


@lru_cache(maxsize=64)
def playing(
    laws: type[CacheLaws], kind: str, name: str, budget: Fraction | None
) -> tuple[Public, FloatArray, list[bytes]]:
    """One instance of a cache's laws, and the state after every scale: the last one too, but on the largest place."""
    suite = laws()
    if kind == "hard-family":
        place, rows = suite.hard_family(budget)
    else:
        place = suite.public(*PLACES[name], budget, rule=RULES[kind])
        rows = suite.tokens(place)
    n_scales = place.schedule.n_scales - (name == LARGEST)
    return place, rows, states_of(suite.cache, place, rows, n_scales)


class CodedLaws(CacheLaws):
    """The laws of caches that know the public keys and levels: they are given symbols of those, and nothing else."""

    needs_public_levels = True
    exact_at: ClassVar[Fraction | None] = None

    def public(
        self,
        schedule: ScaleSchedule,
        d: int,
        budget: Fraction | None = None,
        *,
        rule: Rule | None = None,
        seed: int = 0,
    ) -> Public:
        return public_levels(super().public(schedule, d, budget, rule=rule, seed=seed))

    def tokens(self, place: Public, seed: int = 0, *, halves: bool = False) -> FloatArray:
        symbols = Coins(seed, "symbols").bits(place.schedule.n_tokens * place.d).reshape(-1, place.d)
        return public_rows(place, symbols)


class MergingLaws(CacheLaws):
    """Fewer tokens, each for several."""

    not_applicable: ClassVar = {
        "test_a_larger_budget_keeps_what_a_smaller_one_kept": "stored tokens stand for several, and are no token's own",
        "test_a_larger_budget_restores_no_worse": "stored tokens stand for several, and none is restored",
    }
