"""Differential: the published methods in our NumPy against the real third-party code, on random and hostile tensors.

Where they differ by design, the test states the difference and compares what must be equal.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.eviction.eviction import best
from lowerbound.caches.eviction.snapkv import SnapKV, pooled
from lowerbound.caches.eviction.streaming import StreamingLLM
from lowerbound.caches.eviction.tova import TOVA
from lowerbound.caches.layers.pyramidkv import layer_budgets
from lowerbound.caches.quantised.restored import GroupQuantiser
from lowerbound.caches.recurrent.abc import ABCMlp
from lowerbound.caches.thirdparty.fla import naive_abc
from lowerbound.caches.thirdparty.identity_llama import IdentityLlama
from lowerbound.caches.thirdparty.kvpress.pressed import standing_layer
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.layered import LayeredCache
from lowerbound.core.oracle.attention import attention, attention_mass
from lowerbound.core.rules import L2Norm, Rule, Scaled
from tests.thirdparty.playing import MARKS, MISSING, adapter, answers, give, public, tokens

torch = pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

SINGLE = 2e-5
HOSTILE = ("random", "long keys", "one-hot", "equal keys", "ties")


def instance(kind: str, n: int, d: int = 16, seed: int = 0) -> FloatArray:
    """Keys, values and queries of one head, in float16, shape (3, n, d)."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((3, n, d))
    match kind:
        case "long keys":
            rows[0] *= 30
        case "one-hot":
            rows[0] = 8 * np.eye(d)[rng.integers(d, size=n)]
        case "equal keys":
            rows[0] = rows[0, :1]
        case "ties":
            rows[0] = rows[0, rng.integers(3, size=n)]
    return rows.astype(np.float16).astype(np.float64)


def kept_by(name: str, rows: FloatArray, budget: Fraction, rule: Rule | None = None) -> tuple[Public, FloatArray]:
    """What is public, and the (2, kept, d) pairs that an adapter keeps of tokens that arrive in one scale."""
    place = public(budget=budget, rule=rule)
    cache: Any = adapter(name)(place)
    cache.append(0, rows[0, None], rows[1, None], 0, rows[2, None])
    cache.encode()
    return place, cache.old[0][0].double().numpy()


def tokens_of(rows: FloatArray, kept: FloatArray) -> list[int]:
    """Which tokens were kept: values are all distinct."""
    return [next(t for t, value in enumerate(rows[1]) if np.array_equal(value, found)) for found in kept[1]]


def are_best(scores: FloatArray, chosen: list[int], tolerance: float = 1e-6) -> bool:
    """Whether no token that was left out scores higher than one that was chosen, up to float32."""
    others = np.delete(scores, chosen)
    return not len(others) or not len(chosen) or bool(scores[chosen].min() >= others.max() - tolerance)


def scale_by_scale(place: Public, name: str, ours: Any, rows: FloatArray) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The pairs that an adapter and a NumPy cache of one head hold after each scale."""
    theirs: Any = adapter(name)(place)
    mine = ours(replace(place))
    for scale in range(place.schedule.n_scales - 1):
        part = place.schedule.rows_of(scale)
        give(theirs, rows, scale)
        keys, values, queries = rows[:, 0, 0, part]
        mine.append(keys, values, scale, queries)
        theirs.encode()
        mine.encode()
        yield theirs.old[0][0].double().numpy(), np.stack([mine.keys, mine.values])


@pytest.mark.parametrize("rule", [Scaled(), L2Norm(10.0), Scaled(0.7)], ids=str)
@pytest.mark.parametrize("name", ["kvpress:StreamingLLMPress", "llama:StreamingLLMPress"])
def test_streaming_keeps_what_ours_keeps(name: str, rule: Rule) -> None:
    """Differential: sinks and newest tokens, after every scale and at every budget: the same rows in the same order."""
    for count in (1, 2, 3, 7, 8, 10, 20):
        place = public(rule=rule, budget=Fraction(count, 21))
        rows = tokens(place, count)
        if isinstance(rule, L2Norm):
            rows[0] /= np.linalg.norm(rows[0], axis=-1, keepdims=True)
        for theirs, mine in scale_by_scale(place, name, StreamingLLM, rows):
            assert np.allclose(theirs, mine, atol=1e-3, rtol=0)
            assert np.array_equal(theirs[1], mine[1])


@pytest.mark.parametrize("kind", HOSTILE)
def test_streaming_reads_no_key(kind: str) -> None:
    """Differential: ties and equal keys change nothing."""
    rows = instance(kind, 21)
    _, kept = kept_by("kvpress:StreamingLLMPress", rows, Fraction(10, 21))
    assert tokens_of(rows, kept) == [*range(4), *range(15, 21)]


@pytest.mark.parametrize("count", [3, 8, 10, 17])
def test_snapkv_in_a_model_keeps_what_ours_keeps(count: int) -> None:
    """Differential: the model's own attention, not masked within the window: SnapKV's rows, after every scale.

    kvpress wants the scale longer than the window, so the window is one shorter where it would be the whole scale.
    """
    place = public(budget=Fraction(count, 21))
    for seed in range(5):
        for theirs, mine in scale_by_scale(place, "llama:SnapKVPress", SnapKV, tokens(place, seed)):
            assert np.array_equal(theirs, mine)


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("count", [2, 8, 10])
def test_snapkv_on_tensors_masks_its_window_causally(kind: str, count: int) -> None:
    """Differential: query i of the window sees keys up to its own; votes, smoothing and choice are as ours."""
    rows, window = instance(kind, 21), count // 2
    _, kept = kept_by("kvpress:SnapKVPress", rows, Fraction(count, 21))
    votes = np.zeros(21 - window)
    for last in range(21 - window, 21):
        votes += attention_mass(rows[2, last : last + 1], rows[0, : last + 1], rule=Scaled())[: 21 - window] / window
    chosen = tokens_of(rows, kept)
    assert chosen[-window:] == list(range(21 - window, 21))
    assert are_best(pooled(votes), chosen[:-window])


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["kvpress:TOVAPress", "llama:TOVAPress"])
def test_tova_forces_the_last_token(name: str, kind: str) -> None:
    """Differential: the last token stays, and B - 1 others as ours scores them; ours lets the last compete."""
    rows = instance(kind, 21, seed=1)
    _, kept = kept_by(name, rows, Fraction(10, 21))
    chosen = tokens_of(rows, kept)
    mass = attention_mass(rows[2, -1:], rows[0], rule=Scaled())
    assert chosen[-1] == 20
    assert are_best(mass[:20], chosen[:-1])
    ours = TOVA(public(budget=Fraction(10, 21)))
    ours.append(rows[0], rows[1], 0, rows[2])
    ours.encode()
    own = tokens_of(rows, np.stack([ours.keys, ours.values]))
    assert 20 not in own or kind in ("equal keys", "ties", "one-hot") or own == chosen


def test_tova_chooses_for_all_heads_of_a_layer() -> None:
    """Differential: the mean over heads of the last query's row, so all heads keep the same tokens."""
    place = public((1, 3))
    rows = tokens(place)[:, 0, :, :21]
    cache: Any = adapter("kvpress:TOVAPress")(place)
    cache.append(0, rows[0], rows[1], 0, rows[2])
    cache.encode()
    chosen = [tokens_of(rows[:, head], cache.old[0][head].double().numpy()) for head in range(3)]
    mean = np.mean([attention_mass(rows[2, h, -1:], rows[0, h], rule=Scaled()) for h in range(3)], axis=0)
    assert chosen == [[*best(mean[:20], 9).tolist(), 20]] * 3


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize("name", ["kvpress:ObservedAttentionPress", "llama:ObservedAttentionPress"])
def test_observed_attention_is_heavy_hitters_per_query(name: str, kind: str) -> None:
    """Differential: H2O's score of token j, the sum of its weights, over the n - j queries that saw it causally."""
    rows = instance(kind, 21, seed=2)
    _, kept = kept_by(name, rows, Fraction(10, 21))
    scores = attention_mass(rows[2], rows[0], rule=Scaled()) / np.arange(21, 0, -1)
    assert are_best(scores, tokens_of(rows, kept), 1e-5)


@pytest.mark.parametrize("kind", ["random", "long keys"])
def test_observed_attention_scores_are_attention_mass(kind: str) -> None:
    """Differential: the press's scores, times n - j, are what H2O adds to its own after the same scale."""
    import kvpress

    rows = instance(kind, 21)
    keys, _, queries = torch.tensor(rows)
    weights = (queries @ keys.mT / 4).softmax(-1)[None, None]
    module = standing_layer(torch, n_heads=1, d=16, layer=0, n_layers=1)
    scores = kvpress.ObservedAttentionPress().score(module, None, keys[None, None], None, weights, {})[0, 0].numpy()
    mass = attention_mass(rows[2], rows[0], rule=Scaled())
    assert np.allclose(scores * np.arange(21, 0, -1), mass, atol=1e-12)


@pytest.mark.parametrize("n_layers", [2, 3, 4, 16])
@pytest.mark.parametrize("capacity", [40, 100, 173])
def test_pyramid_budgets_differ_by_the_window_and_truncation(n_layers: int, capacity: int) -> None:
    """Differential: our C = B + w gives layer l kvpress's tokens and w more, but for an integer step: at most l more.

    The published code adds the window to a layer's budget and truncates its step; kvpress counts the window in and
    rounds at the end, and has no uniform branch for short inputs.
    """
    import kvpress

    window = 2
    for n in (2 * capacity, 2 * capacity + 3, 5 * capacity):
        press = kvpress.PyramidKVPress(compression_ratio=1 - (capacity + 1e-3) / n, window_size=window)
        theirs = [
            press.get_layer_budget(standing_layer(torch, n_heads=1, d=16, layer=layer, n_layers=n_layers), n)
            for layer in range(n_layers)
        ]
        ours = layer_budgets(capacity + window, window, n, n_layers)
        for layer, (mine, yours) in enumerate(zip(ours, theirs, strict=True)):
            assert -3 <= mine - window - yours <= layer + 1
        assert abs(sum(theirs) - n_layers * capacity) <= n_layers / 2


@pytest.mark.parametrize("kind", [*HOSTILE, "large values"])
def test_the_identity_llama_is_attention(kind: str) -> None:
    """Differential: a LlamaForCausalLM with our weights answers as the oracle, in two layers and two scales."""
    place = public((2, 3))
    rows = np.stack([[instance(kind, 21, seed=3 * k + h) for h in range(3)] for k in range(2)]).transpose(2, 0, 1, 3, 4)
    if kind == "large values":
        rows[1] *= 100
    first, second = (torch.tensor(rows[:, :, :, part]).float() for part in (slice(0, 9), slice(9, 21)))
    llama = IdentityLlama(2, 3, 16)
    cache = llama.new_cache([torch.zeros(2, 3, 0, 16)] * 2)
    early = llama.run(cache, first[2], first[:2], 0).double().numpy()
    late = llama.run(cache, second[2], second[:2], 9).double().numpy()
    largest = max(1.0, float(np.abs(rows[1]).max()))
    logits = float(np.linalg.norm(rows[0], axis=-1).max() * np.linalg.norm(rows[2], axis=-1).max() / 4)
    for layer in range(place.n_layers):
        for head in range(place.n_heads):
            keys, values, queries = rows[:, layer, head]
            bound = max(1.0, logits / 8) * largest * 1e-5
            assert (
                np.abs(early[layer, head] - attention(queries[:9], keys[:9], values[:9], rule=Scaled())).max() < bound
            )
            assert np.abs(late[layer, head] - attention(queries[9:], keys, values, rule=Scaled())).max() < bound
    assert torch.equal(cache.layers[1].keys, torch.cat([first[0], second[0]], dim=2)[1:] + 0.0)


@pytest.mark.parametrize("press", ["KnormPress", "KeyDiffPress", "LagKVPress", "CURPress", "TOVAPress"])
def test_tensors_and_model_keep_the_same(press: str) -> None:
    """Differential: the two routes to one press leave the same states, after every scale of a 2 x 2 stack."""
    place = public((2, 2))
    rows = tokens(place)
    routes = [adapter(f"{route}:{press}")(place) for route in ("kvpress", "llama")]
    for scale in range(3):
        for cache in routes:
            give(cache, rows, scale)
        assert routes[0].encode() == routes[1].encode()


@pytest.mark.parametrize("bits", [2, 4])
@pytest.mark.parametrize("kind", HOSTILE)
def test_quanto_codes_a_token_as_kivi_codes_a_value(kind: str, bits: int) -> None:
    """Differential: in float32, groups of d entries of one token: our minimum, step, codes and restored entries."""
    rows = instance(kind, 21)[0]
    cache: Any = adapter("transformers:QuantoQuantizedCache")(public(budget=Fraction(bits, 16)))
    made = cache._ready()
    restored = made._quantize(torch.tensor(rows).float()[None, None], axis=0).dequantize()[0, 0].numpy()
    quantiser = GroupQuantiser(bits, 16)
    ends = quantiser.ends(rows)
    ours = quantiser.restore(quantiser.codes(rows, ends), ends)
    step = (ends[:, 0, 1] - ends[:, 0, 0])[:, None] / (2**bits - 1)
    at_a_tie = np.abs(np.abs(rows - ours) - step / 2) <= 1e-5 * step
    assert (np.abs(restored - ours) <= 1e-5 * np.abs(rows).max() + at_a_tie * step).all()


def test_hqq_without_fitting_codes_as_kivi() -> None:
    """Differential: `optimize=False`, groups along rows: our codes and restored entries; fitting moves zeros alone."""
    from hqq.core.quantize import Quantizer

    rows = instance("random", 20)[0]
    terms: dict[str, Any] = {"nbits": 4, "group_size": 16, "axis": 1, "device": "cpu"}
    packed, meta = Quantizer.quantize(torch.tensor(rows), optimize=False, **terms)
    restored = Quantizer.dequantize(packed, {**meta, "compute_dtype": torch.float64}).numpy()
    quantiser = GroupQuantiser(4, 16)
    ends = quantiser.ends(rows)
    assert np.allclose(restored, quantiser.restore(quantiser.codes(rows, ends), ends), atol=1e-5)
    _, fitted = Quantizer.quantize(torch.tensor(rows), **terms)
    assert torch.equal(fitted["scale"], meta["scale"])
    assert 0 < float((fitted["zero"] - meta["zero"]).abs().max()) < 1


@pytest.mark.parametrize("kind", ["random", "one-hot", "equal keys", "ties"])
def test_fla_slots_are_the_slots_of_abc(kind: str) -> None:
    """Differential: fla's recurrence, scale by scale, and our running means: slots, weights and answers."""
    rows = instance(kind, 85)
    place = public()
    theirs: Any = adapter("fla:ABC")(place)
    ours = ABCMlp(place)
    for scale in range(3):
        part = place.schedule.rows_of(scale)
        theirs.append(0, *rows[:2, None, part], scale)
        ours.append(rows[0, part], rows[1, part], scale)
        asked = rows[2, :9]
        assert np.allclose(theirs.attend(0, asked[None])[0], ours.attend(asked), atol=SINGLE)
        theirs.encode()
        ours.encode()
        slots = theirs.old[0][0].double().numpy()
        assert np.allclose(slots, [ours.old_keys, ours.old_values], atol=SINGLE * 8)
        assert np.allclose(theirs._mass[0, 0].exp().double().numpy(), ours._mass[0], rtol=1e-4)


def test_the_two_references_of_fla_agree() -> None:
    """Differential: token by token, and by cumulative sums; and the last answer is attention over the final slots."""
    rows, control = instance("random", 30), np.random.default_rng(4).standard_normal((30, 6))
    given = [torch.tensor(part, dtype=torch.float32)[None, None] for part in (rows[2], rows[0], rows[1], control)]
    recurrent, (keys, values) = naive_abc().naive_recurrent_abc(*given, output_final_state=True)
    summed, _ = naive_abc().naive_cumsum_abc(*given)
    assert float((recurrent - summed).abs().max()) < 1e-5
    slots = keys[0, 0].T.double().numpy(), values[0, 0].double().numpy()
    weights = np.exp(control)[:, :, None]
    assert np.allclose(slots[1], (weights * rows[1][:, None]).sum(0) / weights.sum(0), atol=1e-5)
    last = attention(rows[2, -1:], np.ascontiguousarray(slots[0]), slots[1], rule=Scaled())
    assert np.allclose(recurrent[0, 0, -1].numpy(), last[0], atol=1e-5)


@pytest.mark.parametrize("name", ["kvpress:KnormPress", "llama:KnormPress", "transformers:DynamicCache"])
@pytest.mark.parametrize("rule", [Scaled(), Scaled(0.7), L2Norm(100.0)], ids=str)
@pytest.mark.parametrize("kind", HOSTILE)
def test_their_attention_is_ours(name: str, rule: Rule, kind: str) -> None:
    """Differential: torch's attention, and the model's, with the rule folded into the queries, against the oracle."""
    rows = instance(kind, 21)
    place = public(rule=rule, budget=Fraction(1) if name != "transformers:DynamicCache" else None)
    cache: LayeredCache = adapter(name)(place)
    cache.append(0, rows[0, None], rows[1, None], 0, rows[2, None])
    found = answers(cache, rows[2, None, None])[0, 0]
    largest = (
        100.0
        if isinstance(rule, L2Norm)
        else place.rule.factor(16)
        * float(np.linalg.norm(rows[0], axis=1).max() * np.linalg.norm(rows[2], axis=1).max())
    )
    error = np.abs(found - attention(rows[2], rows[0], rows[1], rule=rule)).max()
    assert error < 16 * 2**-24 * (largest + 1) * float(np.abs(rows[1]).max())


def test_the_bisected_ratio_and_ours_choose_alike() -> None:
    """Differential: DecodingPress keeps the keys of smallest norm, and as many as it is told, whatever its ratio."""
    import kvpress

    rows = torch.tensor(instance("random", 50)).float()[:, None, None]
    module = standing_layer(torch, n_heads=1, d=16, layer=0, n_layers=1)
    decoding = kvpress.DecodingPress(base_press=kvpress.KnormPress(), target_size=20)
    keys, _ = decoding.compress(module, None, rows[0], rows[1], None, {})
    norms = rows[0, 0, 0].norm(dim=-1).sort().values
    assert torch.equal(keys[0, 0].norm(dim=-1).sort().values, norms[:20])
