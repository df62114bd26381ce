"""Presses that choose tokens within chunks of consecutive tokens, or choose whole chunks."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from lowerbound.caches.thirdparty.kvpress.pressed import Pressed, ratio_that_keeps


class BlockPress(Pressed):
    """KeyDiff in blocks: of the B tokens kept so far and the next 128, B tokens stay, and so on.

    Idea: the iteration of the KeyDiff paper, which never holds more than B + 128 tokens. Bits: 32 + 32 L H d min(n, B).
    Broken by: as KeyDiffPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, BlockPress(KeyDiffPress); Park et al. 2025, arXiv:2504.15364"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.BlockPress(press=kvpress.KeyDiffPress())


class EntropyGatedChunkKVPress(Pressed):
    """Chunks of 10 tokens with evenly spread votes stay whole; of chunks with uneven votes, the best 4 tokens stay.

    Idea: SnapKV's votes, summed over heads; a chunk with one important token need not stay whole. Exactly B tokens
    stay. Bits: 32 + 32 L H d min(n, B). Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, EntropyGatedChunkKVPress(SnapKVPress); after arXiv:2502.00299"

    def press(self, kvpress: Any, n_queries: int) -> Any:
        return kvpress.EntropyGatedChunkKVPress(press=kvpress.SnapKVPress(window_size=self.window(n_queries)))


class ChunkKVPress(Pressed):
    """Chunks of tokens are kept or dropped whole.

    Idea: SnapKV's votes, averaged over chunks of c = min(20, B) tokens and summed over heads. The best floor(B / c)
    chunks stay, so at most B tokens. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers.
    Broken by: as SnapKVPress.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ChunkKVPress(SnapKVPress); Liu et al. 2025, arXiv:2502.00299"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    @property
    def chunk(self) -> int:
        """c: tokens per chunk."""
        return min(20, self.capacity)

    def press(self, kvpress: Any, n_queries: int) -> Any:
        votes = kvpress.SnapKVPress(window_size=self.window(n_queries))
        return kvpress.ChunkKVPress(press=votes, chunk_length=self.chunk)

    def ratio(self, n_stored: int) -> float:
        n_chunks = -(-n_stored // self.chunk)
        return ratio_that_keeps(self.capacity // self.chunk, n_chunks)


class ChunkPress(Pressed):
    """The same fraction of every chunk of tokens stays, chosen within the chunk.

    Idea: tokens are ranked by KeyDiff within each chunk, so that no chunk is dropped entirely. A chunk has c = 64
    tokens, or more if B is less than the number of chunks. A chunk of m tokens keeps max(1, floor(m f)) tokens, with
    the largest f that keeps at most B in all. Bits: 32 + 32 L + 32 H d times the tokens kept, summed over layers.
    Broken by: as KeyDiffPress.
    Reference code differs: its chunks have 1024 tokens, more than these caches hold.
    """

    reference: ClassVar[str] = "kvpress 0.5.5, ChunkPress(KeyDiffPress); after FINCH, Corallo and Papotti 2024"
    counted: ClassVar[Literal["nothing", "layers", "heads"]] = "layers"

    @property
    def chunk(self) -> int:
        """c: tokens per chunk."""
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
