"""NVIDIA kvpress on raw tensors: every press that needs no download, one class for each, called as kvpress calls it.

A press is a function of an attention layer's tensors; it is given ours, through an attention layer whose projections
pick queries and keys out of the hidden states and whose rotary embedding is the identity. Where a press has settings,
they are kvpress's defaults, made smaller where the budget or the newest scale is smaller than they are.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar, Literal

import numpy as np

from lowerbound.caches.thirdparty.torch_tokens import (
    KeptTokens,
    Tensor,
    TorchTokens,
    foreign,
    in_token_order,
    places,
)
from lowerbound.core.bits import BitReader, BitWriter
from lowerbound.core.cache import Public
from lowerbound.errors import CorruptState, InvalidArgument, invalid

SINKS = 4
WINDOW = 32
PADDING_SCORE = -1e30
"""The score of rows that stand where a shorter head has no token: below every score, and finite."""

PYRAMID_MARGIN = 1e-3
"""Tokens added to the budget of a pyramid, so that rounding does not push its least layer under the window."""


def ratio_that_keeps(count: int, n_tokens: int) -> float:
    """A compression ratio r with int(n_tokens (1 - r)) = count.

    Contract: exact for 1 <= count < n_tokens < 2^40. The naive 1 - count / n_tokens loses a token to rounding now and
    then, since kvpress truncates; this one aims between two whole numbers.
    """
    return 1 - (count + 0.5) / n_tokens


def standing_layer(torch: Any, *, n_heads: int, d: int, layer: int, n_layers: int) -> SimpleNamespace:
    """What presses ask of a model's attention layer, for hidden states that hold (query, key) head by head."""

    def part(which: int) -> Any:
        def project(hidden: Tensor) -> Tensor:
            return hidden.view(*hidden.shape[:2], n_heads, 2, d)[:, :, :, which].flatten(2)

        return project

    config = SimpleNamespace(
        num_attention_heads=n_heads,
        num_key_value_heads=n_heads,
        num_hidden_layers=n_layers,
        head_dim=d,
        hidden_size=n_heads * d,
        _attn_implementation="sdpa",
    )
    return SimpleNamespace(
        config=config,
        head_dim=d,
        layer_idx=layer,
        num_key_value_groups=1,
        scaling=d**-0.5,
        q_proj=part(0),
        k_proj=part(1),
        o_proj=SimpleNamespace(weight=torch.eye(n_heads * d)),
        rotary_emb=lambda rows, positions: unrotated(torch, positions.shape[-1], d),
        masked_key_indices=None,
    )


def unrotated(torch: Any, length: int, d: int) -> tuple[Tensor, Tensor]:
    """The rotary embedding that does nothing: cosines 1, sines 0."""
    return torch.ones(1, length, d), torch.zeros(1, length, d)


class _Pressed(KeptTokens):
    """Template: after each scale, every crowded layer passes through the press that a final class makes in `press`.

    `sees` says which tokens' queries the press is given: the newest scale's, or one for every stored token, where the
    key of a remembered token stands for its query, which is gone. Public coins seed the press. Bits, for L layers of
    H heads that see n tokens: 32 + 32 L H d min(n, B), unless the class says otherwise.
    """

    sees: ClassVar[Literal["new", "all"]] = "all"
    observes_attention: ClassVar[bool] = False

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kvpress = foreign("kvpress")

    @abstractmethod
    def press(self, kvpress: Any, n_queries: int) -> Any:
        """The press, given how many queries it will see of the newest scale."""

    @property
    def sinks(self) -> int:
        """First tokens that a press protects: 4, and at most half of B."""
        return min(SINKS, self.capacity // 2)

    def window(self, n_queries: int, largest: int = WINDOW) -> int:
        """Newest tokens that a press observes: `largest`, and at most half of B and the newest scale."""
        return max(1, min(largest, self.capacity // 2, n_queries))

    def ratio(self, n_stored: int) -> float:
        """The compression ratio under which the press keeps B of the stored tokens."""
        return ratio_that_keeps(self.capacity, n_stored)

    def compressed(self, layer: int) -> list[Tensor]:
        stored = self.torch.stack(self.heads(layer), dim=1)
        kept = self._pressed(layer, stored)
        return [stored[:, head, in_token_order(stored[:, head], kept[:, head])] for head in range(self.public.n_heads)]

    def _pressed(self, layer: int, stored: Tensor) -> Tensor:
        """What the press makes of the (2, n_heads, n, d) rows of a layer, in its own order."""
        press = self.press(self._kvpress, int(self.new_queries[layer].shape[1]))
        press.compression_ratio = self.ratio(int(stored.shape[2]))
        return self.run(press, layer, stored, self.new_queries[layer])

    def run(self, press: Any, layer: int, stored: Tensor, queries: Tensor) -> Tensor:
        """`press.compress` on copies of the (2, H, n, d) rows, with (H, m, d) queries, at public coins."""
        with self.torch.random.fork_rng(devices=[]):
            self.torch.manual_seed(self.public.seed)
            return self.torch.cat(press.compress(*self.arguments(layer, stored, queries)))

    def arguments(self, layer: int, stored: Tensor, queries: Tensor) -> tuple[Any, ...]:
        """module, hidden_states, keys, values, attentions and kwargs, as a model's hook would pass them."""
        n_heads, _, d = stored.shape[1:]
        module = standing_layer(self.torch, n_heads=n_heads, d=d, layer=layer, n_layers=self.public.n_layers)
        keys = stored[0]
        hidden = self._hidden_states(keys, queries)
        attentions = (queries @ keys.mT / d**0.5).softmax(-1)[None] if self.observes_attention else None
        context = {
            "hidden_states": hidden,
            "position_embeddings": unrotated(self.torch, int(hidden.shape[1]), d),
        }
        return module, hidden, keys[None].clone(), stored[1][None].clone(), attentions, context

    def _hidden_states(self, keys: Tensor, queries: Tensor) -> Tensor:
        n_heads, n_queries, d = queries.shape
        if n_queries != self.n_new:
            raise invalid("queries", "be one a token where attention decides who stays", n_queries, nearest=self.n_new)
        own_keys = keys if self.sees == "all" else keys[:, keys.shape[1] - n_queries :]
        if self.sees == "all":
            queries = self.torch.cat([keys[:, : keys.shape[1] - n_queries], queries], dim=1)
        return self.torch.stack([queries, own_keys], dim=2).permute(1, 0, 2, 3).reshape(1, -1, n_heads * 2 * d)


class KnormPress(_Pressed):
    """The keys of smallest norm stay.

    Idea: keys of small norm attract attention in trained models; no query is read. Bits: 32 + 32 L H d min(n, B).
    Broken by: keys of one length, as here: then rounding noise, or the order of a sort, decides.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KnormPress; Devoto et al. 2024, arXiv:2406.11430"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KnormPress()


class RandomPress(_Pressed):
    """Public coins say who stays.

    Idea: the baseline that every score must beat; the seed is public. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for any token that the coins dropped.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, RandomPress"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.RandomPress(seed=self.public.seed)


class StreamingLLMPress(_Pressed):
    """The first tokens and the newest ones stay.

    Idea: attention sinks. Four sinks, and at most half of B. Bits: 32 + 32 L H d min(n, B). Broken by: a query for any
    token in the gap, which is known beforehand.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, StreamingLLMPress; Xiao et al. 2023, arXiv:2309.17453"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.StreamingLLMPress(n_sink=self.sinks)


class SnapKVPress(_Pressed):
    """The window's queries vote, votes are smoothed over neighbours, and the winners and the window stay.

    Idea: w = min(32, B / 2, newest scale) queries, masked causally within the window; votes averaged over 5 tokens.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that the window did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, SnapKVPress; Li et al. 2024, arXiv:2404.14469"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.SnapKVPress(window_size=self.window(n_queries))


class TOVAPress(_Pressed):
    """Whatever the newest query attends to least is dropped, in all heads alike.

    Idea: the last token's softmax row, averaged over the heads of the layer, decides; the last token stays. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for any token that the last query did not want.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, TOVAPress; Oren et al. 2024, arXiv:2401.06104"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.TOVAPress()


class ObservedAttentionPress(_Pressed):
    """The tokens with the most attention per query that could see them stay.

    Idea: sums of attention weights over the newest scale's queries, each divided by the causal count n - j of token j.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for any token that these queries did not single out.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ObservedAttentionPress; related to H2O, arXiv:2306.14048"
    observes_attention: ClassVar[bool] = True

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ObservedAttentionPress()


class ExpectedAttentionPress(_Pressed):
    """The tokens that a Gaussian query, fitted to the newest queries, is expected to attend to stay.

    Idea: exp(k mu / sqrt d + k' C k / 2 d), weighted by the value's norm; the first tokens stay. Bits:
    32 + 32 L H d min(n, B). Broken by: a query unlike the earlier ones.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ExpectedAttentionPress; Devoto et al. 2025, arXiv:2510.00636"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ExpectedAttentionPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class CapPress(_Pressed):
    """The tokens whose values span the most, weighted by likeness to the mean query, stay.

    Idea: leverage scores of the values in a log-determinant capacity. Bits: 32 + 32 L H d min(n, B). Broken by: a query
    for a token whose value resembles the others'.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CapPress; arXiv:2604.25975"
    sees: ClassVar[Literal["new", "all"]] = "new"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CapPress(n_future_positions=1, n_sink=min(self.sinks, n_queries - 1))


class KeyDiffPress(_Pressed):
    """The keys least like the mean key stay.

    Idea: cosine similarity with the mean direction. Bits: 32 + 32 L H d min(n, B). Broken by: a query for a key near
    the mean, and keys that are all as far from it.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, KeyDiffPress; Park et al. 2025, arXiv:2504.15364"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.KeyDiffPress()


class LagKVPress(_Pressed):
    """Tokens that stand out against the next block of tokens stay.

    Idea: keys and values, normalised by the next block's range, are ranked by their spread within their block; sinks
    and the last blocks stay. Blocks of 128 tokens, and at most B / 8. Bits: 32 + 32 L H d min(n, B). Broken by: a query
    for any token with an ordinary key and value.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LagKVPress; Liang et al. 2025, arXiv:2504.04704"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LagKVPress(n_sink=self.sinks, lag_size=max(2, min(128, self.capacity // 8)))


class CURPress(_Pressed):
    """The tokens with the largest key norm times value norm, within windows of 16, stay.

    Idea: approximate leverage scores of a CUR decomposition; sinks stay. Bits: 32 + 32 L H d min(n, B). Broken by: a
    query for a token whose value is small.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CURPress; Sengupta et al. 2025, arXiv:2509.15038"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CURPress(num_sinks=self.sinks)


class LeverageScorePress(_Pressed):
    """The keys of largest leverage, in a public random sketch, stay.

    Idea: a key that the others cannot express must be kept. Made for one pass over a prompt; applied to what is stored
    after every scale. Bits: 32 + 32 L H d min(n, B). Broken by: keys in general position, which all have one leverage.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, LeverageScorePress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.LeverageScorePress()


class NonCausalAttnPress(_Pressed):
    """The tokens that all tokens of their chunk attend to, without a causal mask, stay.

    Idea: softmax of unscaled products within chunks of 256, summed over queries, weighted by the value's norm,
    smoothed over 3 neighbours. The keys of remembered tokens stand for their queries. Bits: 32 + 32 L H d min(n, B).
    Broken by: a query for a token that the others do not want.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, NonCausalAttnPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.NonCausalAttnPress()


class CompactorPress(_Pressed):
    """Leverage scores and non-causal attention, blended; the first and the last tokens stay.

    Idea: as LeverageScorePress and NonCausalAttnPress, both standardised; 8 first and 4 last tokens, at most B / 2 and
    B / 4. Bits: 32 + 32 L H d min(n, B). Broken by: as those two.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CompactorPress; Chari and Van Durme 2025, arXiv:2507.08143"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CompactorPress(
            sink_size_start=min(8, self.capacity // 2), sink_size_end=min(4, self.capacity // 4)
        )


class CriticalKVPress(_Pressed):
    """SnapKV's choice for half of the budget, then its votes times the norm of the projected value.

    Idea: bound the change of the layer's output, which grows with |W v|_1; W is the identity here. Bits:
    32 + 32 L H d min(n, B). Broken by: a query for a token with a small value and few votes.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))


class BlockPress(_Pressed):
    """KeyDiff block by block: B tokens stay of those and the next 128, and so on.

    Idea: the iteration of the KeyDiff paper, whose memory never exceeds B + 128 tokens. Bits: 32 + 32 L H d min(n, B).
    Broken by: as KeyDiffPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, BlockPress(KeyDiffPress); Park et al. 2025, arXiv:2504.15364"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.BlockPress(press=kvpress.KeyDiffPress())


class EntropyGatedChunkKVPress(_Pressed):
    """Whole chunks of 10 stay if their votes are even, the best 4 tokens of a chunk if they are not.

    Idea: SnapKV's votes, summed over heads; a chunk with one important token need not be whole. Exactly B tokens stay.
    Bits: 32 + 32 L H d min(n, B). Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, EntropyGatedChunkKVPress(SnapKVPress); after arXiv:2502.00299"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.EntropyGatedChunkKVPress(press=kvpress.SnapKVPress(window_size=self.window(n_queries)))


class ChunkKVPress(_Pressed):
    """Whole chunks of tokens stay or go.

    Idea: SnapKV's votes, averaged over chunks of c = min(20, B) tokens and summed over heads; floor(B / c) chunks stay,
    so at most B tokens. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers. Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ChunkKVPress(SnapKVPress); Liu et al. 2025, arXiv:2502.00299"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    @property
    def chunk(self) -> int:
        """c."""
        return min(20, self.capacity)

    def press(self, kvpress: Any, n_queries: int) -> Any:
        votes = kvpress.SnapKVPress(window_size=self.window(n_queries))
        return kvpress.ChunkKVPress(press=votes, chunk_length=self.chunk)

    def ratio(self, n_stored: int) -> float:
        n_chunks = -(-n_stored // self.chunk)
        return ratio_that_keeps(self.capacity // self.chunk, n_chunks)


class ChunkPress(_Pressed):
    """The same fraction of every chunk of tokens stays, chosen within the chunk.

    Idea: KeyDiff scores, chunk by chunk, so that no stretch of tokens is emptied. Chunks of c = 64 tokens, or more
    where B is less than the number of chunks; a chunk of m tokens keeps max(1, floor(m f)), with the largest f that
    keeps at most B. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers. Broken by: as KeyDiffPress.
    Reference code differs: chunks of 1024, longer than these caches.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ChunkPress(KeyDiffPress); after FINCH, Corallo and Papotti 2024"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    @property
    def chunk(self) -> int:
        """c."""
        return max(64, -(-self.public.schedule.n_tokens // self.capacity))

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.ChunkPress(press=kvpress.KeyDiffPress(), chunk_length=self.chunk)

    def ratio(self, n_stored: int) -> float:
        lengths = [min(self.chunk, n_stored - start) for start in range(0, n_stored, self.chunk)]
        fractions = sorted({(count + 0.5) / length for length in lengths for count in range(length)}, reverse=True)
        return next(
            1 - fraction
            for fraction in fractions
            if sum(max(1, int(length * fraction)) for length in lengths) <= self.capacity
        )


class MergingPress(_Pressed):
    """SnapKV's choice; the value of every dropped token is mixed into that of the most similar kept key.

    Idea: merge instead of evict; weights are the cosine times the share of the value's norm, keys stay as they are.
    Bits: 32 + 32 L H d min(n, B). Broken by: a query for a merged token, and for the one it was merged into.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, MergingPress(SnapKVPress); after D2O, arXiv:2406.13035"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.MergingPress(press=kvpress.SnapKVPress(window_size=self.window(n_queries)))

    def compressed(self, layer: int) -> list[Tensor]:
        stored = self.torch.stack(self.heads(layer), dim=1)
        merged = self._pressed(layer, stored)
        chooser = self.press(self._kvpress, int(self.new_queries[layer].shape[1])).press
        chooser.compression_ratio = self.ratio(int(stored.shape[2]))
        chosen = self.run(chooser, layer, stored, self.new_queries[layer])
        orders = [np.argsort(places(stored[:, head], chosen[:, head])) for head in range(self.public.n_heads)]
        return [merged[:, head, order.copy()] for head, order in enumerate(orders)]


class PyramidKVPress(_Pressed):
    """SnapKV with more tokens in the lower layers and fewer in the higher ones.

    Idea: attention spreads in low layers and settles in high ones; budgets fall linearly from 2 B - B / 20 to B / 20
    tokens, or from all of them, and average B. Steepness min(20, B), window min(8, B / steepness), so that the pyramid
    is one at small budgets too; a layer is asked for its budget with all tokens seen. Bits: 32 + 32 L + 32 H d times
    the tokens kept, summed over layers. Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, PyramidKVPress; Cai et al. 2024, arXiv:2406.02069"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the layers"
    stack: ClassVar[tuple[int, int] | None] = (4, 1)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    def __init__(self, public: Public) -> None:
        if public.n_layers < 2:
            raise InvalidArgument(
                f"PyramidKVPress must have at least 2 layers to divide its budget among, got {public.n_layers}: "
                "with one, kvpress gives it nearly twice the budget"
            )
        super().__init__(public)

    def crowded(self, layer: int) -> bool:
        return self.n_new > 0 and self.n_seen > self.capacity

    def ratio(self, n_stored: int) -> float:
        return 1 - (self.capacity + PYRAMID_MARGIN) / self.n_seen

    def press(self, kvpress: Any, n_queries: int) -> Any:
        n_seen = self.n_seen

        class OverAllSeen(kvpress.PyramidKVPress):  # type: ignore[misc]
            def get_layer_budget(self, module: Any, q_len: int) -> int:
                return min(q_len, int(super().get_layer_budget(module, n_seen)))

        steepness = min(20, self.capacity)
        window = max(1, min(8, self.capacity // steepness))
        return OverAllSeen(window_size=min(window, n_queries), beta=steepness)


class AdaKVPress(_Pressed):
    """SnapKV with one budget for all heads of a layer: the best pairs of all heads stay.

    Idea: heads that concentrate need fewer tokens; each keeps at least a fifth of B. kvpress only marks the pairs that
    its attention will ignore and keeps their bytes; here they are dropped, head by head. Bits:
    32 + 32 L H + 32 L H d min(n, B). Broken by: as SnapKVPress.
    Reference code differs: kvpress compresses a prompt once; a layer whose heads hold different numbers of tokens is
    scored head by head, and rows that no token fills get the lowest score.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, AdaKVPress(SnapKVPress); Feng et al. 2024, arXiv:2407.11550"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept, on average over the heads of a layer"
    stack: ClassVar[tuple[int, int] | None] = (1, 2)
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "heads"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.AdaKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))

    def compressed(self, layer: int) -> list[Tensor]:
        heads = self.heads(layer)
        length = max(int(rows.shape[1]) for rows in heads)
        padded = self.torch.ones(2, len(heads), length, self.public.d)
        for head, rows in enumerate(heads):
            padded[:, head, : rows.shape[1]] = rows
        dropped = self._marked(layer, heads, padded)
        return [rows[:, ~dropped[head, : rows.shape[1]]] for head, rows in enumerate(heads)]

    def _marked(self, layer: int, heads: list[Tensor], padded: Tensor) -> Tensor:
        """Which (head, place) pairs the press marks as ignored."""
        queries = self.new_queries[layer]
        press = self.press(self._kvpress, int(queries.shape[1]))
        by_head = [self.arguments(layer, rows[:, None], queries[head : head + 1]) for head, rows in enumerate(heads)]
        press.press = _head_by_head(self._kvpress, press.press, by_head, int(padded.shape[2]))
        press.compression_ratio = self.ratio(int(padded.shape[2]))
        module = standing_layer(
            self.torch, n_heads=len(heads), d=self.public.d, layer=layer, n_layers=self.public.n_layers
        )
        press.compress(module, None, padded[0][None], padded[1][None], None, {})
        dropped = self.torch.zeros(padded.shape[1:3], dtype=self.torch.bool)
        _, head_places, token_places = module.masked_key_indices
        dropped[head_places, token_places] = True
        return dropped


class CriticalAdaKVPress(AdaKVPress):
    """AdaKV's budgets, filled as CriticalKV fills them.

    Idea: each head's budget comes from the votes of all heads, and its second half goes to votes times the norm of the
    projected value; W is the identity here. Bits: 32 + 32 L H + 32 L H d min(n, B). Broken by: as CriticalKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, CriticalAdaKVPress(SnapKVPress); Feng et al. 2025, arXiv:2502.03805"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.CriticalAdaKVPress(kvpress.SnapKVPress(window_size=self.window(n_queries)))


def _head_by_head(kvpress: Any, scorer: Any, by_head: list[tuple[Any, ...]], length: int) -> Any:
    """A ScorerPress that gives every head the scores of `scorer` on its own rows, and PADDING_SCORE beyond them."""
    torch = foreign("torch")

    class HeadByHead(kvpress.ScorerPress):  # type: ignore[misc]
        def score(self, *ignored: Any) -> Tensor:
            scores = torch.full((1, len(by_head), length), PADDING_SCORE)
            for head, arguments in enumerate(by_head):
                found = scorer.score(*arguments)[0, 0]
                scores[0, head, : len(found)] = found
            return scores

    return HeadByHead()


class ThinKPress(TorchTokens):
    """All tokens stay; the key channels that the newest queries use least go.

    Idea: channels are scored by the mean squares of queries times those of keys, after every scale; kvpress sets the
    others to zero and keeps their bytes, here only the s = d - floor(d (1 - budget)) channels that survive are stored,
    behind a mask of d bits a head. A channel that once was dropped stays zero for the tokens of that time. Bits:
    32 + L H (8 ceil(d / 8) + 16 n (s + d)). Broken by: keys that differ in the dropped channels.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ThinKPress; Xu et al. 2024, arXiv:2407.21018"
    budget_meaning: ClassVar[str] = "fraction of key channels kept, rounded up; values stay whole"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._kvpress = foreign("kvpress")
        self.n_channels = max(1, public.d - int(public.d * (1 - self.budget)))
        self._masks = [[self._first_channels() for _ in range(public.n_heads)] for _ in range(public.n_layers)]

    @property
    def claimed_ratio(self) -> Fraction | None:
        return 2 / (1 + self.budget)

    def _first_channels(self) -> Tensor:
        return self.torch.arange(self.public.d) < self.n_channels

    def _surviving(self, layer: int) -> Tensor:
        """Which channels of each head survive, (n_heads, d): the press's zeroes on keys that have none."""
        public, queries = self.public, self.new_queries[layer]
        module = standing_layer(self.torch, n_heads=public.n_heads, d=public.d, layer=layer, n_layers=public.n_layers)
        hidden = self.torch.stack([queries, queries], dim=2).permute(1, 0, 2, 3).flatten(1)[None]
        context = {"hidden_states": hidden, "position_embeddings": unrotated(self.torch, hidden.shape[1], public.d)}
        press = self._kvpress.ThinKPress(
            key_channel_compression_ratio=(public.d - self.n_channels + 0.5) / public.d, window_size=WINDOW
        )
        keys = self.torch.stack([self.rows_of(layer, head)[0] for head in range(public.n_heads)])
        witness = self.torch.where(keys == 0, self.torch.finfo(keys.dtype).tiny, keys)[None]
        pruned, _ = press.compress(module, hidden, witness, witness, None, context)
        surviving: Tensor = (pruned[0] != 0).all(dim=1)
        return surviving

    def write(self, writer: BitWriter) -> None:
        for layer, masks in enumerate(self._masks):
            prunes = self.n_new > 0 and self.n_channels < self.public.d
            surviving = self._surviving(layer) if prunes else self.torch.stack(masks)
            for head, mask in enumerate(surviving):
                keys, values = self.rows_of(layer, head)
                writer.bits("indices", mask.numpy())
                self.write_rows(writer, keys[:, mask])
                self.write_rows(writer, values)

    def read(self, reader: BitReader) -> None:
        n, d = self.n_old, self.public.d
        for layer, masks in enumerate(self._masks):
            for head in range(self.public.n_heads):
                mask = self.torch.tensor(reader.bits(d)) > 0
                if int(mask.sum()) != self.n_channels:
                    raise CorruptState(f"state must keep {self.n_channels} channels a head, got {int(mask.sum())}")
                masks[head] = mask
                keys = self.torch.zeros(n, d)
                keys[:, mask] = self.read_rows(reader, n, self.n_channels)
                self.old[layer][head] = self.torch.stack([keys, self.read_rows(reader, n, d)])
