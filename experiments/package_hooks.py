"""Hooks for packages whose caches are not fed or read as transformers feeds and reads one; none alters a package.

A hook is named in `packages.json`. Each class or function here calls what its package offers to everybody.
"""

from __future__ import annotations

from typing import Any

from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign

Rows = tuple[Tensor, Tensor]
"""Keys and values, (1, n_heads, tokens, d) each."""


def discard_views(cache: Any) -> None:
    """flashcodec-kv: drop the decoded rows that a FlashCodecCache memoises, by its own `discard_view`.

    The layers also hold what the last `update` returned, which is let go.
    """
    for layer in cache.layers:
        for stream in (layer._key_stream, layer._value_stream):
            stream.discard_view()
        layer.keys = layer.values = None


def reassign_tiers(cache: Any) -> None:
    """fade-kv: move tokens to the tiers of their age, as its generation loop does every 64 tokens."""
    foreign("fade.policy").reassign_tiers_by_position(cache, len(cache))


def compact_blocks(cache: Any, layer: int) -> Rows:
    """kvquant-plus-plus: the keys and values that its own attention reads, since its `update` returns none."""
    torch = foreign("torch")
    keys, values = zip(*cache.layers[layer].iter_kv_blocks(), strict=True)
    return torch.cat(keys, dim=2), torch.cat(values, dim=2)


class SequenceCodec:
    """kvcodec: its SeqCodec takes and gives rows without the batch's axis, in float32."""

    def __init__(self) -> None:
        self.codec = foreign("kvcodec").SeqCodec()

    def encode(self, keys: Tensor, values: Tensor) -> Any:
        """One scale, compressed."""
        return self.codec.compress(keys[0], values[0])

    def decode(self, part: Any) -> Rows:
        """The keys and values of one scale."""
        keys, values = self.codec.decompress(part)
        return keys[None], values[None]


class AsymmetricCodec:
    """polykv-llm: its AsymmetricKVCompressor has a pair of methods for keys and another one for values, for float32."""

    def __init__(self, config: Any) -> None:
        self.codec = foreign("polykv.compress").AsymmetricKVCompressor(config.head_dim)

    def encode(self, keys: Tensor, values: Tensor) -> Any:
        """One scale, compressed."""
        return self.codec.compress_k(keys.float()), self.codec.compress_v(values.float())

    def decode(self, part: Any) -> Rows:
        """The keys and values of one scale."""
        keys, values = part
        return self.codec.decompress_k(*keys), self.codec.decompress_v(*values)


class ResidualCodec:
    """turboquant-torch: its TurboQuantKVCache decodes keys and values by a method each."""

    def __init__(self, config: Any, residual_length: int = 128) -> None:
        cache = foreign("turboquant.kv_cache").TurboQuantKVCache
        self.codec = cache(config.head_dim, residual_length=residual_length)

    def encode(self, keys: Tensor, values: Tensor) -> Any:
        """One scale, compressed."""
        return self.codec.compress(keys, values)

    def decode(self, part: Any) -> Rows:
        """The keys and values of one scale."""
        return self.codec.decompress_keys(part), self.codec.decompress_values(part)


class TieredLayers:
    """ttkv: a TieredKVCache for each layer; every token has the same retention, 0, since no model scores it."""

    def __init__(self, n_layers: int, n_heads: int, d: int) -> None:
        ttkv = foreign("ttkv")
        config = ttkv.CacheConfig(hidden_dim=n_heads * d, num_heads=n_heads, head_dim=d)
        self.layers = [ttkv.TieredKVCache(config) for _ in range(n_layers)]

    def update(self, keys: Tensor, values: Tensor, layer: int) -> Rows:
        """Add one scale, and return the keys and values as the package compresses them."""
        torch, cache, count = foreign("torch"), self.layers[layer], keys.shape[2]
        positions = torch.arange(cache.total_tokens, cache.total_tokens + count)
        cache.add(keys, values, torch.zeros(1, count), positions[None])
        found = cache.get_compressed_cache()
        return found[0], found[1]


class GatedLayers:
    """sam-gate: a QuantizedKVCache for each layer, every head in its int4."""

    def __init__(self, n_layers: int, n_heads: int) -> None:
        gate, torch = foreign("sam_gate.kv_cache"), foreign("torch")
        kinds = dict.fromkeys(range(n_heads), "int4")
        self.layers = [gate.QuantizedKVCache(kinds, n_heads, torch.float16) for _ in range(n_layers)]

    def update(self, keys: Tensor, values: Tensor, layer: int) -> Rows:
        """Store one scale, and return the keys and values that the package reconstructs."""
        self.layers[layer].store(keys, values)
        found: Rows = self.layers[layer].reconstruct_for_attn()
        return found
