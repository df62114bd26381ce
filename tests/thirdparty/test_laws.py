"""Laws of the cache interface, on every adapter and on stacks of one head and of two layers of two heads."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from lowerbound.caches.thirdparty.torch_tokens import TorchTokens
from lowerbound.core.bits import EncodedState, state_bits
from lowerbound.core.cache import COUNT_BITS, FloatArray, Public
from lowerbound.core.oracle.attention import attention
from lowerbound.core.rows import unit_rows
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.errors import CorruptState, InvalidArgument
from tests.marks import first_now
from tests.thirdparty.playing import (
    MARKS,
    MISSING,
    NAMES,
    PLAYED,
    WITH_PROMPT,
    adapter,
    answers,
    cases,
    give,
    holding,
    public,
    stacks_of,
    states_of,
    tokens,
)

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

RULES: dict[str, Rule] = {"scaled": Scaled(), "l2norm-10": L2Norm(10.0)}
SINGLE = 2e-5
"""Attention in float32 against float64, for logits and values of a few units."""
DIVIDED = {"kvpress:PyramidKVPress": (19, 1), "kvpress:PerLayerCompressionPress": (15, 5)}
"""What two layers keep of 21 tokens, 10 on average."""
OPEN_ENDED = {"kvpress:SimLayerKVPress", "kvpress:DMSPress"}
"""What the tokens deserve, not a budget, decides how many stay."""
COUNTED_BY_LAYER = {
    "kvpress:ChunkKVPress",
    "kvpress:ChunkPress",
    "kvpress:SimLayerKVPress",
    "kvpress:KVComposePress",
    *DIVIDED,
}
COUNTED_BY_HEAD = {"kvpress:AdaKVPress", "kvpress:CriticalAdaKVPress", "kvpress:DMSPress", "kvpress:KVzipPress"}
CHANNELS = {"kvpress:ThinKPress", "kvpress:ComposedPress"}
MERGED = {"kvpress:MergingPress", "kvpress:CAMPress"}
QUANTISED = {"transformers:QuantizedCache", "transformers:QuantoQuantizedCache"}
ALL_TOKENS = {"transformers:DynamicCache", "transformers:StaticCache", "kvpress:ThinKPress", *QUANTISED}
WITHOUT_CHOICE = {"transformers:DynamicCache", "transformers:StaticCache", "fla:ABC", *QUANTISED}
COINS = {"kvpress:RandomPress", "kvpress:CAMPress", "llama:RandomPress", "fla:ABC"}
SKETCHED = {"kvpress:LeverageScorePress", "kvpress:CompactorPress"}
"""Coins draw a sketch of 48 columns, which in R^16 changes the scores by rounding alone."""


@cache
def played(name: str, stack: tuple[int, int], rule: str = "scaled") -> tuple[Public, FloatArray, list[EncodedState]]:
    place = public(stack, rule=RULES[rule])
    rows = tokens(place)
    return place, rows, states_of(adapter(name), place, rows)


def oracle(place: Public, queries: FloatArray, keys: FloatArray, values: FloatArray) -> FloatArray:
    """What all heads should answer, by the house's own attention."""
    return np.array(
        [
            [attention(*head, rule=place.rule) for head in zip(*layer, strict=True)]
            for layer in zip(queries, keys, values, strict=True)
        ]
    )


def held(cache: TorchTokens) -> list[FloatArray]:
    """Keys and values that each head remembers."""
    return [rows.double().numpy() for heads in cache.old for rows in heads]


@pytest.mark.parametrize("rule", first_now(RULES))
@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_a_settled_cache_answers_as_its_copy(name: str, stack: tuple[int, int], rule: str) -> None:
    """Law: one live cache for all scales, asked before it is encoded, answers bit for bit as fresh decoded copies."""
    place, rows, states = played(name, stack, rule)
    live, asked = adapter(name)(place), rows[2, :, :, -9:]
    for scale, state in enumerate(states):
        give(live, rows, scale)
        answers(live, asked)
        assert live.encode() == state
        found = answers(live, asked)
        assert found.shape == asked.shape
        assert np.isfinite(found).all()
        assert np.array_equal(found, answers(holding(adapter(name), place, state), asked))


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_encoding_again_changes_nothing(name: str, stack: tuple[int, int]) -> None:
    """Law: decode then encode gives the same bytes, twice, and a cache that saw nothing can be encoded."""
    place, _, states = played(name, stack)
    for state in (adapter(name)(place).encode(), *states):
        copy = holding(adapter(name), place, state)
        assert copy.encode() == copy.encode() == state


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_decoding_forgets_what_was_there(name: str, stack: tuple[int, int]) -> None:
    """Law: a used cache that decodes a state answers, and encodes, as a fresh one."""
    place, rows, states = played(name, stack)
    used = holding(adapter(name), place, states[-1])
    give(used, rows, place.schedule.n_scales - 1)
    for state in states:
        used.decode(state)
        assert np.array_equal(
            answers(used, rows[2, :, :, :3]), answers(holding(adapter(name), place, state), rows[2, :, :, :3])
        )
        assert used.encode() == state


@pytest.mark.parametrize("name", cases(NAMES))
def test_the_same_instance_gives_the_same_bytes(name: str) -> None:
    """Law: instance and public coins determine the state; other coins change it only where the press draws some."""
    place, rows, states = played(name, stacks_of(name)[-1])
    assert states == states_of(adapter(name), place, rows)
    others = states_of(adapter(name), public(stacks_of(name)[-1], seed=1), rows)
    assert name in SKETCHED or (states != others) == (name in COINS)


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_bits_are_the_closed_form(name: str, stack: tuple[int, int]) -> None:
    """Closed form: what the docstring says, at the default budget, after 1, 5 and 21 tokens, to the bit."""
    place, _, states = played(name, stack)
    for n, state in zip((1, 5, 21), states, strict=True):
        padding = state.ledger.get("padding", 0) if isinstance(state, EncodedState) else 0
        assert 8 * len(state) - padding == COUNT_BITS + bits_of(name, place, n, state)


def bits_of(name: str, place: Public, n: int, state: bytes) -> int:
    """The closed form without the 32 bits of the number seen; T = 21, d = 16, B = 10."""
    stack, d, kept = place.n_layers * place.n_heads, place.d, min(n, 10)
    if name == "transformers:DynamicCache":
        return stack * 32 * d * n
    if name == "transformers:StaticCache":
        return stack * 32 * d * 85
    if name in QUANTISED:
        groups = place.n_heads * n
        if name == "transformers:QuantizedCache":
            return place.n_layers * 2 * groups * (4 * d + 32)
        return place.n_layers * 2 * (8 * d * -(-groups * 4 // 8) + 32 * (groups if groups > 1 else d))
    if name in CHANNELS:
        return stack * (d + 16 * (n if name == "kvpress:ThinKPress" else kept) * (8 + d))
    if name == "fla:ABC":
        return stack * 32 * 2 * (2 * d + 1)
    if name == "llama:CompressionRatioDecodingPress":
        return stack * 32 * d * max(1, n // 2)
    if name in COUNTED_BY_LAYER | {"kvpress:DMSPress"}:
        n_counts = place.n_layers * (place.n_heads if name in COUNTED_BY_HEAD else 1)
        counts = [int.from_bytes(state[4 * k + 4 : 4 * k + 8]) for k in range(n_counts)]
        if name in DIVIDED and place.n_layers == 2:
            assert tuple(counts) == ((kept, kept) if n <= 10 else DIVIDED[name])
        elif name in OPEN_ENDED:
            assert all(kept <= count <= n for count in counts)
        else:
            assert sum(counts) <= place.n_layers * kept
        assert name != "kvpress:ChunkPress" or all(count == kept for count in counts)
        if name in COUNTED_BY_HEAD:
            return 32 * stack + 32 * d * sum(counts)
        return place.n_layers * 32 + place.n_heads * 32 * d * sum(counts)
    return (32 * stack if name in COUNTED_BY_HEAD else 0) + stack * 32 * d * kept


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_the_length_does_not_depend_on_the_values(name: str, stack: tuple[int, int]) -> None:
    """Law: information does not hide in the length of a state, zero values included."""
    place, rows, states = played(name, stack)
    for factor in (0.0, 100.0):
        other = rows.copy()
        other[1] *= factor
        assert list(map(len, states_of(adapter(name), place, other))) == list(map(len, states))


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_the_ledger_adds_up(name: str, stack: tuple[int, int]) -> None:
    """Law: every bit of a state is booked under one item."""
    for state in played(name, stack)[2]:
        assert isinstance(state, EncodedState)
        assert sum(state.ledger.values()) == 8 * len(state)


@pytest.mark.parametrize("name", cases(name for name in NAMES if name != "kvpress:ChunkKVPress"))
def test_states_never_shrink(name: str) -> None:
    """Law: a state never shrinks; but for ChunkKV, whose last chunk may be shorter than the one that it replaces."""
    _, _, states = played(name, stacks_of(name)[-1])
    assert all(len(before) <= len(after) for before, after in pairwise(states))


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_corrupt_states_are_refused(name: str, stack: tuple[int, int]) -> None:
    """Bad input: a byte more, a byte less, nothing, one byte, an absurd count: CorruptState, and no answer."""
    place, _, states = played(name, stack)
    for state in states:
        forgeries = {
            state + b"\0",
            state[:-1],
            b"",
            state[:1],
            b"\xff" * len(state),
            b"\xff" * (len(state) + 1),
            (22 + 64).to_bytes(4) + state[4:],
        }
        for forgery in forgeries:
            with pytest.raises(CorruptState):
                holding(adapter(name), place, forgery)


@pytest.mark.parametrize("name", cases(NAMES))
def test_nearly_a_state_never_crashes(name: str) -> None:
    """Fuzz: a state with a few bytes replaced is refused, or answers finite numbers and is encoded as it is."""
    place, rows, states = played(name, stacks_of(name)[-1])
    rng = np.random.default_rng(5)
    for _ in range(40):
        data = bytearray(states[-1])
        for position in rng.integers(0, len(data), rng.integers(1, 6)):
            data[position] = rng.integers(256)
        try:
            cache = holding(adapter(name), place, bytes(data))
        except CorruptState:
            continue
        assert np.isfinite(answers(cache, rows[2, :, :, :2])).all()
        assert cache.encode() == bytes(data)


@pytest.mark.parametrize("name", cases(NAMES))
def test_arguments_are_not_changed(name: str) -> None:
    """Law: append, attend and encode leave the caller's arrays alone."""
    place, rows, states = played(name, stacks_of(name)[-1])
    cache, part = holding(adapter(name), place, states[-2]), place.schedule.rows_of(2)
    arrays = keys, values, queries = rows[:, :, :, part].copy()
    for layer in range(place.n_layers):
        cache.append(layer, keys[layer], values[layer], 2, queries[layer])
        cache.attend(layer, queries[layer])
    cache.encode()
    answers(cache, arrays[2])
    assert np.array_equal(arrays, rows[:, :, :, part])


@pytest.mark.parametrize("name", cases(NAMES))
def test_queries_are_the_keys_where_none_arrive(name: str) -> None:
    """Definition: without queries, Q = K."""
    place, rows, _ = played(name, stacks_of(name)[0])
    told, untold = adapter(name)(place), adapter(name)(place)
    for scale in range(3):
        for layer in range(place.n_layers):
            keys, values, _ = rows[:, layer, :, place.schedule.rows_of(scale)]
            told.append(layer, keys, values, scale, keys)
            untold.append(layer, keys, values, scale)
        assert told.encode() == untold.encode()


@pytest.mark.parametrize("rule", first_now(RULES))
@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_the_newest_scale_is_attended_to_exactly(name: str, stack: tuple[int, int], rule: str) -> None:
    """Differential: before encode(), answers are the oracle's over what is remembered and the whole newest scale."""
    place, rows, states = played(name, stack, rule)
    fresh = adapter(name)(place)
    give(fresh, rows, 2)
    part = place.schedule.rows_of(2)
    asked = rows[2, :, :, :7]
    assert np.abs(answers(fresh, asked) - oracle(place, asked, *rows[:2, :, :, part])).max() < SINGLE
    cache = holding(adapter(name), place, states[-1])
    remembered, part = held(cache), place.schedule.rows_of(3)
    give(cache, rows, 3)
    found, exact = answers(cache, asked).reshape(-1, 7, place.d), Scaled(place.rule.factor(place.d))
    for number, rows_of_head in enumerate(remembered):
        layer, head = divmod(number, place.n_heads)
        query, new = asked[layer, head], rows[0, layer, head, part]
        if isinstance(place.rule, L2Norm):
            query, new = unit_rows(query), unit_rows(new)
        keys = np.concatenate([rows_of_head[0], new])
        values = np.concatenate([rows_of_head[1], rows[1, layer, head, part]])
        assert np.abs(found[number] - attention(query, keys, values, rule=exact)).max() < SINGLE


@pytest.mark.parametrize("rule", first_now(RULES))
@pytest.mark.parametrize(("name", "stack"), [case for case in PLAYED if case.values[0] not in QUANTISED | {"fla:ABC"}])
def test_the_whole_budget_is_exact(name: str, stack: tuple[int, int], rule: str) -> None:
    """Law: at budget 1 answers are attention over all tokens, up to float16 rows (unit keys round), in float32."""
    place = public(stack, rule=RULES[rule], budget=Fraction(1))
    rows = tokens(place)
    cache = holding(adapter(name), place, states_of(adapter(name), place, rows)[-1])
    asked = rows[2, :, :, :9]
    error = np.abs(answers(cache, asked) - oracle(place, asked, *rows[:2, :, :, :21])).max()
    assert error < (SINGLE if rule == "scaled" else 2 * 10 * 2**-11 * 4)


@pytest.mark.parametrize(
    "name", cases(sorted(set(NAMES) - ALL_TOKENS - CHANNELS - COUNTED_BY_LAYER - MERGED - OPEN_ENDED - {"fla:ABC"}))
)
def test_kept_rows_are_stored_rows_in_token_order(name: str) -> None:
    """Law: every kept pair is a pair that arrived, and kept pairs stand in token order; B of them a head on average."""
    place, rows, states = played(name, (2, 2))
    kept = held(holding(adapter(name), place, states[-1]))
    for number, pairs in enumerate(kept):
        layer, head = divmod(number, place.n_heads)
        arrived = np.concatenate([rows[0, layer, head, :21], rows[1, layer, head, :21]], axis=1)
        stored = [pair.tobytes() for pair in arrived]
        order = [stored.index(np.concatenate([key, value]).tobytes()) for key, value in zip(*pairs, strict=True)]
        assert order == sorted(set(order))
    assert sum(pairs.shape[1] for pairs in kept) == 4 * 10


@pytest.mark.parametrize(("name", "stack"), PLAYED)
def test_the_claim_is_the_method_s_own_accounting(name: str, stack: tuple[int, int]) -> None:
    """Definition: fp16 bits over those of the 10 of 21 tokens that stay, of their channels, codes or slots.

    Law: it is at least the measured compression of the whole message.
    """
    place, _, states = played(name, stack)
    message = states[-1]
    claimed = holding(adapter(name), place, message).claimed_ratio
    fp16 = stack[0] * stack[1] * 32 * place.d * 21
    wanted = {
        "transformers:DynamicCache": Fraction(1),
        "transformers:StaticCache": Fraction(1),
        "transformers:QuantizedCache": Fraction(4),
        "transformers:QuantoQuantizedCache": Fraction(4),
        "fla:ABC": Fraction(21, 2),
        "kvpress:ThinKPress": Fraction(4, 3),
        "kvpress:ComposedPress": Fraction(21 * 4, 10 * 3),
        "kvpress:DMSPress": None,
    }
    if name in COUNTED_BY_LAYER:
        assert claimed == Fraction(fp16, message.ledger["payload"])
    else:
        assert claimed == wanted.get(name, Fraction(21, 10))
    assert claimed is None or claimed >= Fraction(fp16, state_bits(message))


@pytest.mark.parametrize("name", cases(NAMES))
@pytest.mark.parametrize("budget", [Fraction(1, 30), Fraction(1, 7), Fraction(3, 4)])
def test_prompts_and_other_budgets_are_played(name: str, budget: Fraction) -> None:
    """Law: a prompt longer than the budget, scales that fill it and one token a head are all played."""
    place = public(stacks_of(name)[-1], schedule=WITH_PROMPT, d=16, budget=budget)
    rows = tokens(place)
    states = states_of(adapter(name), place, rows)
    assert np.isfinite(answers(holding(adapter(name), place, states[-1]), rows[2, :, :, :3])).all()


@pytest.mark.parametrize("name", cases(sorted(set(NAMES) - ALL_TOKENS - {"fla:ABC"})))
def test_a_budget_below_one_token_is_refused(name: str) -> None:
    """Bad input: caches that keep whole tokens name the nearest budget."""
    with pytest.raises(InvalidArgument, match="nearest valid choice is 1/21"):
        adapter(name)(public(stacks_of(name)[0], budget=Fraction(1, 50)))


@pytest.mark.parametrize("name", cases(sorted(set(NAMES) - WITHOUT_CHOICE - CHANNELS)))
def test_more_queries_than_tokens_cannot_choose(name: str) -> None:
    """Law: any number of queries is answered; but the newest scale is forgotten only with one query a token."""
    place, rows, states = played(name, stacks_of(name)[-1])
    cache = holding(adapter(name), place, states[-1])
    for layer in range(place.n_layers):
        cache.append(layer, rows[0, layer, :, :12], rows[1, layer, :, :12], 3, rows[2, layer, :, :3])
    assert answers(cache, rows[2, :, :, :30]).shape == (*rows.shape[1:3], 30, place.d)
    if name != "transformers:SlidingWindowCache":
        with pytest.raises(InvalidArgument, match="queries must be one a token"):
            cache.encode()
