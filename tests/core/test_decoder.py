"""Truth: what a decoder caches is counted as its configuration says, and the heads that count are free."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.certify.floors import floor
from lowerbound.core.configuration import LARGEST_FILE_BYTES, decoder_in, decoder_of
from lowerbound.core.decoder import MOST_TOKENS, PAGE, PAGES_AT_MOST, LanguageModel, paged
from lowerbound.errors import InvalidArgument

LLAMA: dict[str, Any] = {
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
}


@given(st.integers(1, 200 * PAGE), st.integers(1, 300))
def test_pages_hold_every_token(n_cached: int, n_own: int) -> None:
    """Law: T tokens are cached in at most PAGES_AT_MOST pages, as short as that allows; the last map is generated."""
    schedule = paged(n_cached, n_own)
    assert schedule.n_tokens_cached == n_cached
    assert schedule.n_tokens == n_cached + n_own
    pages = [schedule.tokens_at(scale) for scale in range(schedule.n_scales - 1)]
    assert len(pages) <= PAGES_AT_MOST
    assert max(pages) <= PAGE or (max(pages) % PAGE == 0 and n_cached > (max(pages) - PAGE) * PAGES_AT_MOST)
    assert len(set(pages[:-1])) <= 1


@pytest.mark.parametrize(("n_cached", "n_own"), [(0, 1), (-1, 1), (1, 0), (MOST_TOKENS + 1, 1), (True, 1)])
def test_other_counts_are_refused(n_cached: int, n_own: int) -> None:
    """Forgery: counts outside their range."""
    with pytest.raises(InvalidArgument, match="tokens must be an integer"):
        paged(n_cached, n_own)


def test_shared_heads_count_once() -> None:
    """Known value: 32 layers of 8 key-value heads in R^128 cache 128 KiB a token in fp16, by hand."""
    placed = decoder_in(LLAMA, "llama").at(8192)
    assert placed.n_streams == 256
    assert placed.cache_bits == 8192 * 32 * 2 * 8 * 128 * 16 == 8192 * 128 * 1024 * 8
    assert placed.geometry.n_tokens_cached == 8192
    assert placed.geometry.n_own == 1
    assert any("4 query heads share" in note for note in placed.notes)


def test_a_window_caches_one_token_less_than_it_sees() -> None:
    """Known value: of 34 layers every sixth sees all tokens, the others 1,023 before their own."""
    table = {
        **LLAMA,
        "num_hidden_layers": 34,
        "sliding_window": 1024,
        "sliding_window_pattern": 6,
        "model_type": "gemma3_text",
    }
    placed = decoder_in({"model_type": "gemma3", "text_config": table}, "gemma").at(4096)
    told = [(share.layers, share.geometry.n_tokens_cached) for share in placed.shares]
    assert told == [(5, 4096), (29, 1023)]
    assert decoder_in({**table, "layer_types": ["full_attention"] * 4 + ["sliding_attention"] * 30}, "x").n_global == 4
    assert decoder_in({**table, "use_sliding_window": False}, "x").window is None


def test_latent_attention_frees_what_its_rank_allows() -> None:
    """Known value: rank 512 frees two heads of dimension 128, and 576 numbers a token are cached in a layer."""
    table = {**LLAMA, "model_type": "deepseek_v3", "kv_lora_rank": 512, "qk_rope_head_dim": 64, "v_head_dim": 128}
    placed = decoder_in(table, "mla").at(1000)
    assert placed.shares[0].heads == 2
    assert placed.cache_bits == 32 * 576 * 1000 * 16
    with pytest.raises(InvalidArgument, match="at least 2 d = 256"):
        decoder_in({**table, "kv_lora_rank": 255}, "mla").at(10)


@pytest.mark.slow
def test_floors_of_a_decoder_add_over_its_layers() -> None:
    """Law: the total is the sum over the layers' own heads, and never above the whole cache."""
    small = LanguageModel("small", 3, 4, 2, 32, window=65, global_layers=1, vocabulary=1000)
    found = floor(small.at(128), eta="0.05")
    whole, windowed = (share.geometry for share in small.at(128).shares)
    assert (whole.n_tokens_cached, windowed.n_tokens_cached) == (128, 64)
    told = found.to_json()
    parts = 2 * floor(whole, eta="0.05").checked_bits() + 4 * floor(windowed, eta="0.05").checked_bits()
    assert told["total"]["keys_and_values_bits"] == parts
    assert parts <= found.total_cache_bits == (128 + 2 * 64) * 2 * 2 * 32 * 16
    assert told["models"]["R2"]["bits"] is None
    assert [share["layers"] for share in told["shares"]] == [1, 2]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"num_attention_heads": None}, "must have num_attention_heads"),
        ({"num_hidden_layers": "32"}, "num_hidden_layers of the configuration must be valid"),
        ({"num_hidden_layers": 10**12}, "num_hidden_layers of the configuration must be valid"),
        ({"num_hidden_layers": 32.5}, "num_hidden_layers"),
        ({"num_key_value_heads": 5}, "kv_heads must divide the 32 heads, got 5; the nearest valid choice is 4"),
        ({"hidden_size": 4100}, "hidden_size must be a multiple of the 32 heads"),
        ({"hidden_size": None}, "must have head_dim or hidden_size"),
        ({"is_encoder_decoder": True}, "got an encoder with a decoder"),
        ({"model_type": "bert"}, "got encoder 'bert'"),
        ({"sliding_window": 8, "layer_types": ["full_attention"]}, "layer_types must name 32 layers, got 1"),
        ({"kv_lora_rank": 512}, "latent attention must have a rank and a rotary dimension"),
        ({"head_dim": 0}, "head_dim of the configuration must be valid"),
        ({"head_dim": -8}, "head_dim of the configuration must be valid"),
    ],
)
def test_bad_configurations_are_refused(changed: dict[str, Any], words: str) -> None:
    """Forgery: each lacks or falsifies one field, and one sentence names it."""
    table = {name: value for name, value in {**LLAMA, **changed}.items() if value is not None}
    with pytest.raises(InvalidArgument) as told:
        decoder_in(table, "x")
    assert words in str(told.value)


def test_what_was_assumed_is_told() -> None:
    """Definition: an unknown architecture and absent fields are read as their names say, and the notes say so."""
    found = decoder_in({"model_type": "new", "n_layer": 2, "n_head": 4, "n_embd": 64}, "x")
    assert (found.layers, found.heads, found.kv_heads, found.head_dim) == (2, 4, 4, 16)
    assert any("architecture 'new' is not known here" in note for note in found.notes)
    assert any("num_key_value_heads is absent: 4 assumed" in note for note in found.notes)
    assert "9,000 tokens are more than the model's 131,072" not in str(decoder_in(LLAMA, "x").at(9000).notes)
    assert any("200,000 tokens are more than" in note for note in decoder_in(LLAMA, "x").at(200_000).notes)


def test_files_are_hostile(tmp_path: Path) -> None:
    """Forgery: a file that is missing, too large, no JSON, too deep, or no object is refused in one sentence."""
    file = tmp_path / "config.json"
    with pytest.raises(InvalidArgument, match="file that can be read"):
        decoder_of(file)
    for text in (b" " * (LARGEST_FILE_BYTES + 1), b"{", b"[" * 10**5, b"\xff\xfe"):
        file.write_bytes(text)
        with pytest.raises(InvalidArgument, match="--config must name"):
            decoder_of(file)
    for text in (b"[]", b"3", b"null"):
        file.write_bytes(text)
        with pytest.raises(InvalidArgument, match="must be a JSON object"):
            decoder_of(file)
    file.write_text(json.dumps(LLAMA), encoding="utf-8")
    assert decoder_of(file).name == tmp_path.name
