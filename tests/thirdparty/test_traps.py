"""Traps: what third-party code does that a careless adapter would mismeasure, and what the adapter does instead."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.thirdparty.kvpress.key_scores import KnormPress
from lowerbound.caches.thirdparty.kvpress.layer_budgets import PyramidKVPress
from lowerbound.caches.thirdparty.kvpress.pressed import ratio_that_keeps, standing_layer
from lowerbound.caches.thirdparty.torch_tokens import in_token_order, places
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument
from tests.thirdparty.playing import MARKS, MISSING, adapter, give, holding, public, states_of, tokens

torch = pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

QUANTISED = {"HQQQuantizedLayer": "QuantizedCache", "QuantoQuantizedLayer": "QuantoQuantizedCache"}
GATHERED = (
    "KnormPress",
    "StreamingLLMPress",
    "SnapKVPress",
    "TOVAPress",
    "KeyDiffPress",
    "BlockPress",
    "CompactorPress",
)


def normal(*shape: int, seed: int = 0) -> Any:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def crowded(name: str, n_tokens: int = 21) -> Any:
    """A cache of one head that holds `n_tokens` new tokens, more than its 10."""
    cache = adapter(f"kvpress:{name}")(public())
    keys, values, queries = tokens(public())[:, 0, :, :n_tokens]
    cache.append(0, keys, values, 0, queries)
    return cache


@pytest.mark.parametrize("layer", QUANTISED)
def test_the_first_update_returns_the_originals(layer: str) -> None:
    """Trap: a quantised layer returns what it was given at first, so that an attack on the answer alone passes."""
    from transformers import cache_utils

    adapter(f"transformers:{QUANTISED[layer]}")(public())  # the adapter also keeps quanto from compiling C++
    made = getattr(cache_utils, layer)(nbits=4, q_group_size=16, residual_length=1)
    keys, values = normal(1, 2, 9, 16), normal(1, 2, 9, 16, seed=1)
    returned, _ = made.update(keys, values)
    assert torch.equal(returned, keys)
    restored, _ = made.update(keys[:, :, :0], values[:, :, :0])
    assert 0.01 < float((restored - keys).abs().max()) < 1
    cache = adapter(f"transformers:{QUANTISED[layer]}")(public((1, 2)))
    cache.append(0, keys[0].double().numpy(), values[0].double().numpy(), 0)
    cache.encode()
    held = torch.stack(cache.old[0], dim=1)
    assert 0.01 < float((held[0] - keys[0]).abs().max()) < 1


@pytest.mark.parametrize("layer", QUANTISED)
def test_the_newest_scale_stays_in_full_precision(layer: str) -> None:
    """Trap: from the second update on, new tokens wait unquantised; the adapter flushes, and no float row is stored."""
    from transformers import cache_utils

    adapter(f"transformers:{QUANTISED[layer]}")(public())
    made = getattr(cache_utils, layer)(nbits=4, q_group_size=16, residual_length=1)
    for n, seed in ((4, 0), (16, 1)):
        made.update(normal(1, 1, n, 16, seed=seed), normal(1, 1, n, 16, seed=seed))
    assert torch.equal(made.keys, normal(1, 1, 16, 16, seed=1))
    made.update(made.keys[:, :, :0], made.values[:, :, :0])
    assert made.keys.numel() == 0
    place = public()
    state = states_of(adapter(f"transformers:{QUANTISED[layer]}"), place, tokens(place))[-1]
    assert state.ledger.get("residual_window", 0) == 0
    assert 8 * len(state) < 21 * 2 * 16 * 7


def test_a_group_of_hqq_mixes_tokens() -> None:
    """Trap: with axis 0 a group is a column of the folded tensor: one token's outlier coarsens other tokens."""
    from transformers import cache_utils

    rows = normal(1, 1, 8, 16)
    loud = rows.clone()
    loud[0, 0, 0] *= 50
    moved = []
    for keys in (rows, loud):
        made = cache_utils.HQQQuantizedLayer(nbits=4, q_group_size=16)
        made.update(keys, keys)
        moved.append((made._dequantize(made._quantized_keys) - keys)[0, 0, 1:].abs().max())
    assert moved[1] > 5 * moved[0]


def test_a_single_group_of_quanto_has_a_scale_an_entry() -> None:
    """Trap: one token of one head is kept exactly, in scales that nobody counts; the adapter's state counts them."""
    cache = adapter("transformers:QuantoQuantizedCache")(public())
    keys = np.random.default_rng(0).standard_normal((1, 1, 16)).astype(np.float16).astype(np.float64)
    cache.append(0, keys, keys, 0)
    state = cache.encode()
    assert np.array_equal(cache.old[0][0][0].numpy(), keys[0])
    assert state.ledger["scales"] == 2 * 16 * 32


@pytest.mark.parametrize("name", ["AdaKVPress", "CriticalAdaKVPress"])
def test_a_mask_keeps_every_byte(name: str) -> None:
    """Trap: AdaKV returns all keys and marks pairs to ignore; the adapter's state holds B pairs a head, not n."""
    import kvpress

    module = standing_layer(torch, n_heads=2, d=16, layer=0, n_layers=1)
    rows, context = normal(1, 2, 40, 16), {"position_embeddings": (torch.ones(1, 40, 16), torch.zeros(1, 40, 16))}
    press = getattr(kvpress, name)(kvpress.SnapKVPress(compression_ratio=0.5, window_size=4))
    keys, _ = press.compress(module, normal(1, 40, 64), rows, rows, None, context)
    assert keys.shape == rows.shape
    assert len(module.masked_key_indices[0]) == 2 * 20
    place = public((1, 2))
    cache = holding(adapter(f"kvpress:{name}"), place, states_of(adapter(f"kvpress:{name}"), place, tokens(place))[-1])
    counts = [int(rows.shape[1]) for rows in cache.old[0]]
    assert sum(counts) == 2 * 10
    assert min(counts) >= 2


def test_a_zeroed_channel_keeps_its_bytes() -> None:
    """Trap: ThinK sets channels to zero in place, in tensors as large as before; the adapter stores what survives."""
    import kvpress

    module = standing_layer(torch, n_heads=1, d=16, layer=0, n_layers=1)
    rows, hidden = normal(1, 1, 40, 16), normal(1, 40, 32)
    given = rows.clone()
    context = {"hidden_states": hidden, "position_embeddings": (torch.ones(1, 40, 16), torch.zeros(1, 40, 16))}
    pruned, _ = kvpress.ThinKPress(key_channel_compression_ratio=0.5).compress(
        module, hidden, given, rows, None, context
    )
    assert pruned.shape == rows.shape
    assert pruned is given
    assert int((pruned[0, 0] == 0).all(dim=0).sum()) == 8
    place = public()
    state = states_of(adapter("kvpress:ThinKPress"), place, tokens(place))[-1]
    assert 8 * len(state) == 32 + 16 + 21 * (8 + 16) * 16


@pytest.mark.parametrize("name", GATHERED)
def test_the_order_of_kept_tokens_could_carry_bits(name: str) -> None:
    """Trap: these presses return tokens by score, which can tell log2(10!) = 21 bits more; a state has token order."""
    cache = crowded(name)
    stored = torch.stack(cache.heads(0), dim=1)
    order = places(stored[:, 0], cache._pressed(0, stored)[:, 0])
    assert order != sorted(order)
    cache.encode()
    assert torch.equal(cache.old[0][0], stored[:, 0, sorted(order)].half().float())
    assert math.log2(math.factorial(10)) > 21


def test_the_state_does_not_depend_on_the_order_returned() -> None:
    """Law: any order of the kept rows leads to the same places, equal rows and signed zeros included."""
    stored = normal(2, 12, 4).round()
    stored[:, 5] = stored[:, 2]
    stored[:, 7] = 0
    kept = stored[:, [9, 2, 5, 7, 0]]
    kept[:, 3] *= -1
    for shuffle in range(5):
        order = torch.randperm(5, generator=torch.Generator().manual_seed(shuffle))
        assert in_token_order(stored, kept[:, order]) == [0, 2, 5, 7, 9]


def test_rows_that_never_arrived_have_no_place() -> None:
    """Bad input: a changed row, or one kept twice, is refused: it would be information from elsewhere."""
    stored = normal(2, 6, 4)
    for kept in (stored[:, :2] + 1, stored[:, [1, 1]]):
        with pytest.raises(InvalidArgument, match="each once"):
            places(stored, kept)


def test_a_naive_ratio_loses_a_token() -> None:
    """Trap: kvpress truncates, so that 1 - B / n keeps 1 of 6 instead of 2; the adapter's ratio keeps B, always."""
    from kvpress.utils import compute_n_kept

    assert compute_n_kept(6, 1 - 2 / 6) == 1
    pairs = [(count, n) for n in range(2, 300) for count in range(1, n)]
    assert sum(compute_n_kept(n, 1 - count / n) != count for count, n in pairs) > len(pairs) // 10
    assert all(compute_n_kept(n, ratio_that_keeps(count, n)) == count for count, n in pairs)


def test_the_search_of_a_decoding_press_loses_none() -> None:
    """Known value: DecodingPress looks for the ratio by bisection, and finds it for every n < 150."""
    import kvpress

    press = kvpress.DecodingPress(base_press=kvpress.KnormPress(), target_size=1)
    for n in range(2, 150):
        for count in range(1, n):
            assert int(n * (1 - press._find_target_compression_ratio(n, count))) == count


def test_a_decoding_press_leaves_a_prompt_alone() -> None:
    """Trap: what starts at position 0 passes for a prompt and stays whole; the adapter counts positions from 1."""
    import kvpress

    from lowerbound.caches.thirdparty.identity_llama import IdentityLlama

    llama, rows, queries = IdentityLlama(1, 1, 16), normal(2, 1, 1, 20, 16), normal(1, 1, 20, 16)
    for n_seen, kept in ((-1, 20), (0, 6)):
        press = kvpress.DecodingPress(base_press=kvpress.KnormPress(), compression_interval=1, target_size=6)
        cache = llama.new_cache([rows[:, 0, :, :0]])
        llama.run(cache, queries, rows, n_seen, press)
        assert cache.get_seq_length() == kept


def test_only_what_comes_first_is_a_prompt() -> None:
    """Trap: a wrapper that treats a prompt in its own way sees none unless positions start at 0; its adapter's do."""
    maps = ScaleSchedule.square([4, 2, 4])
    place = public(schedule=maps)
    rows = tokens(place)
    both, by_mean, by_norm = (
        states_of(adapter(f"llama:{name}"), place, rows)
        for name in ("PrefillDecodingPress", "KeyDiffPress", "KnormPress")
    )
    assert both[0] == by_mean[0] != by_norm[0]
    norm_after_mean = holding(adapter("llama:KnormPress"), place, by_mean[0])
    give(norm_after_mean, rows, 1)
    assert both[1] == norm_after_mean.encode() != by_mean[1]


def test_a_window_of_w_keeps_one_token_less() -> None:
    """Trap: DynamicSlidingWindowLayer(W) keeps W - 1 rows, and all of them for W = 1; the adapter keeps exactly B."""
    from transformers.cache_utils import DynamicSlidingWindowLayer

    for window, kept in ((8, 7), (2, 1), (1, 12)):
        layer = DynamicSlidingWindowLayer(sliding_window=window)
        for _ in range(3):
            layer.update(normal(1, 1, 4, 16), normal(1, 1, 4, 16))
        assert layer.keys.shape[2] == kept
    for count in (1, 2, 10):
        place = public(budget=Fraction(count, 21))
        name = "transformers:SlidingWindowCache"
        cache = holding(adapter(name), place, states_of(adapter(name), place, tokens(place))[-1])
        assert cache.old[0][0].shape[1] == count


def test_unit_keys_tie_in_knorm() -> None:
    """Trap: under L2Norm all norms are 1 up to rounding, which then decides who stays, the same way every time."""
    place = public(rule=L2Norm(10.0))
    cache = KnormPress(place)
    give(cache, tokens(place), 2)
    norms = cache.heads(0)[0][0].norm(dim=1)
    assert float(norms.max() - norms.min()) < 1e-6
    assert cache.encode() == states_of_once(KnormPress(place), tokens(place))
    assert cache.old[0][0].shape[1] == 10


def states_of_once(cache: Any, rows: Any) -> bytes:
    """The state of a cache that was given scale 2 alone."""
    give(cache, rows, 2)
    return bytes(cache.encode())


def test_equal_norms_leave_the_choice_to_a_sort() -> None:
    """Trap: keys of exactly one norm score alike; B of them stay, whichever the sort puts first."""
    cache = KnormPress(public())
    signs = np.random.default_rng(0).choice([-0.25, 0.25], (1, 21, 16))
    cache.append(0, signs, np.arange(21.0)[None, :, None] * np.ones(16), 0)
    assert len(set(cache.heads(0)[0][0].norm(dim=1).tolist())) == 1
    cache.encode()
    kept = cache.old[0][0][1, :, 0].tolist()
    assert kept == sorted(set(kept))
    assert len(kept) == 10


def test_one_layer_is_no_pyramid() -> None:
    """Trap: with one layer kvpress keeps nearly twice the budget; the adapter wants two, which share it exactly."""
    import kvpress

    module = standing_layer(torch, n_heads=1, d=16, layer=0, n_layers=1)
    press = kvpress.PyramidKVPress(compression_ratio=1 - 40 / 200, window_size=1, beta=20)
    assert press.get_layer_budget(module, 200) == 78
    with pytest.raises(InvalidArgument, match="at least 2 layers"):
        PyramidKVPress(public())
    place = public((2, 1))
    cache = holding(PyramidKVPress, place, states_of(PyramidKVPress, place, tokens(place))[-1])
    assert [int(heads[0].shape[1]) for heads in cache.old] == [19, 1]


def test_a_pyramid_is_not_lost_to_rounding() -> None:
    """Trap: kvpress wants 40 / 20 >= 2 in floats, gets 1.99..., and gives all layers 40; the adapter stays above it."""
    import kvpress

    module = standing_layer(torch, n_heads=1, d=16, layer=0, n_layers=2)
    press = kvpress.PyramidKVPress(compression_ratio=1 - 40 / 200, window_size=2, beta=20)
    assert press.get_layer_budget(module, 200) == 40
    schedule = ScaleSchedule.square([1, 2, 14, 2])
    for count in (40, 60, 61, 99, 100):
        place = public((3, 1), schedule=schedule, budget=Fraction(count, 201))
        cache = holding(PyramidKVPress, place, states_of(PyramidKVPress, place, tokens(place))[-1])
        kept = [int(heads[0].shape[1]) for heads in cache.old]
        assert kept[0] > count > kept[2]
        assert abs(sum(kept) - 3 * count) <= 1


def test_whole_chunks_fit_the_budget_or_leave_it_unused() -> None:
    """Known value: ChunkKV keeps floor(10 / 10) = 1 of the 3 chunks of 21 tokens, the last of which is one token."""
    for seed in range(4):
        place = public()
        rows = tokens(place, seed)
        cache = holding(
            adapter("kvpress:ChunkKVPress"), place, states_of(adapter("kvpress:ChunkKVPress"), place, rows)[-1]
        )
        assert cache.old[0][0].shape[1] in (1, 10)


def test_a_second_call_forgets_the_weights_of_the_first() -> None:
    """Trap: fla's recurrence weighs an initial state as one token, so that two calls differ from one; not here."""
    from lowerbound.caches.thirdparty.fla import naive_abc

    rows, control = normal(3, 1, 1, 12, 16), normal(1, 1, 12, 5, seed=1)
    run = naive_abc().naive_recurrent_abc
    _, whole = run(*rows, control, output_final_state=True)
    _, half = run(*rows[:, :, :, :6], control[:, :, :6], output_final_state=True)
    _, twice = run(*rows[:, :, :, 6:], control[:, :, 6:], initial_state=half, output_final_state=True)
    assert float((twice[0] - whole[0]).abs().max()) > 0.1
    place = public()
    parts, once = adapter("fla:ABC")(place), adapter("fla:ABC")(place)
    sequence = tokens(place)[:, 0, :, :21]
    for part in (slice(0, 4), slice(4, 21)):
        parts.append(0, sequence[0, :, part], sequence[1, :, part], 0)
        parts.encode()
    once.append(0, sequence[0], sequence[1], 0)
    once.encode()
    assert float((parts.old[0][0] - once.old[0][0]).abs().max()) < 1e-5


def test_what_does_not_fit_the_package_is_refused() -> None:
    """Bad input: an odd dimension where rotary embeddings turn keys; codes that do not fill bytes."""
    for name in ("llama:KnormPress", "kvpress:KeyRerotationPress", "kvpress:FinchPress"):
        with pytest.raises(InvalidArgument, match=r"d must be even.* got 15; the nearest valid choice is 16"):
            adapter(name)(public(d=15))
    with pytest.raises(InvalidArgument, match=r"fills bytes with 2-bit codes.* choice is 24"):
        adapter("transformers:QuantizedCache")(public(d=18, budget=Fraction(1, 8)))
    cache = adapter("llama:SnapKVPress")(public(budget=Fraction(1, 21)))
    key, value = tokens(public())[:2, 0, :, :1]
    cache.append(0, key, value, 0)
    cache.encode()
    cache.append(0, key, value, 1)
    with pytest.raises(InvalidArgument, match="newest scale must have more tokens"):
        cache.encode()
