"""A model's config.json, as Hugging Face writes it, read as the hostile file that it may be: no code, no download."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lowerbound.core.decoder import MOST_HEADS, MOST_LAYERS, MOST_TOKENS, LanguageModel
from lowerbound.core.scalars import counted
from lowerbound.errors import InvalidArgument, quoted

LARGEST_FILE_BYTES = 2**20
KNOWN = (
    *("llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "gemma", "gemma2", "gemma3_text"),
    *("phi", "phi3", "gpt2", "gpt_oss", "gpt_neox", "deepseek_v2", "deepseek_v3", "smollm3", "olmo", "olmo2", "falcon"),
    *("cohere", "cohere2", "granite", "starcoder2", "stablelm", "opt", "gptj", "gpt_neo", "llama4_text", "glm4"),
)
"""Architectures whose fields are read as their names say; of others it is told that they were assumed to be alike."""
ENCODERS = ("bert", "roberta", "distilbert", "electra", "deberta", "deberta-v2", "albert", "modernbert", "vit", "clip")
"""Architectures without a cache, unless their configuration says that they decode."""
_INNER = ("text_config", "llm_config", "language_config")
_FULL = ("full_attention", "global", "global_attention", "full")

Layers = Annotated[int, Field(ge=1, le=MOST_LAYERS)]
Heads = Annotated[int, Field(ge=1, le=MOST_HEADS)]
Width = Annotated[int, Field(ge=1, le=2**24)]
Tokens = Annotated[int, Field(ge=1, le=MOST_TOKENS)]


class _Fields(BaseModel):
    """The fields that are read; every other field of the file is left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    model_type: Annotated[str, Field(max_length=100)] = ""
    num_hidden_layers: Layers | None = None
    n_layer: Layers | None = None
    num_attention_heads: Heads | None = None
    n_head: Heads | None = None
    num_key_value_heads: Heads | None = None
    multi_query: bool | None = None
    head_dim: Heads | None = None
    hidden_size: Width | None = None
    n_embd: Width | None = None
    vocab_size: Tokens | None = None
    max_position_embeddings: Tokens | None = None
    n_positions: Tokens | None = None
    sliding_window: Tokens | None = None
    use_sliding_window: bool | None = None
    max_window_layers: Annotated[int, Field(ge=0, le=MOST_LAYERS)] | None = None
    layer_types: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=MOST_LAYERS)] | None = None
    sliding_window_pattern: Layers | None = None
    kv_lora_rank: Heads | None = None
    qk_rope_head_dim: Heads | None = None
    qk_nope_head_dim: Heads | None = None
    v_head_dim: Heads | None = None
    is_encoder_decoder: bool = False
    is_decoder: bool | None = None
    use_cache: bool | None = None


def decoder_of(path: str | Path, *, name: str | None = None) -> LanguageModel:
    """The decoder that a config.json describes.

    Contract: a file that is missing, too large, no JSON object, or lacks what a cache's size needs raises
    InvalidArgument with the field; what was assumed in place of a field that is absent is among the decoder's notes.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(
            f"--config must name a file that can be read, got {str(path)!r}: {error.strerror}"
        ) from None
    if len(data) > LARGEST_FILE_BYTES:
        raise InvalidArgument(f"--config must name a file of at most {LARGEST_FILE_BYTES} bytes, got a larger one")
    try:
        table = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(f"--config must name a JSON file, and {str(path)!r} is none: {error}") from None
    return decoder_in(table, name or (file.parent.name if file.name == "config.json" else file.stem) or "a model")


def decoder_in(table: Any, name: str) -> LanguageModel:
    """The decoder that the object of a config.json describes."""
    if not isinstance(table, dict):
        raise InvalidArgument(f"a configuration must be a JSON object, got {quoted(table)}")
    notes: list[str] = []
    inner = next((key for key in _INNER if isinstance(table.get(key), dict)), None)
    if inner is not None:
        notes.append(f"read from {inner}; the other parts of the model cache nothing that is counted here")
        table = {**table[inner], "model_type": table[inner].get("model_type", table.get("model_type", ""))}
    try:
        told = _Fields.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"])) or "it"
        raise InvalidArgument(
            f"{field} of the configuration must be valid: {first['msg']}, got {quoted(first['input'])}"
        ) from None
    if told.is_encoder_decoder:
        raise InvalidArgument("the configuration must be a decoder's, got an encoder with a decoder")
    if told.model_type in ENCODERS and not told.is_decoder:
        raise InvalidArgument(f"the configuration must be a decoder's with a cache, got encoder {told.model_type!r}")
    layers = _needed("num_hidden_layers", told.num_hidden_layers, told.n_layer)
    heads = _needed("num_attention_heads", told.num_attention_heads, told.n_head)
    if told.model_type not in KNOWN:
        called = repr(told.model_type) if told.model_type else "without a name"
        notes.append(f"architecture {called} is not known here: fields are read as their names say")
    rank = told.kv_lora_rank
    head_dim = told.head_dim
    if rank is not None:
        head_dim = told.v_head_dim or told.qk_nope_head_dim or head_dim
    if head_dim is None:
        width = _needed("head_dim or hidden_size", told.hidden_size, told.n_embd)
        if width % heads:
            rule = f"be a multiple of the {counted(heads, 'head')} where head_dim is absent"
            raise InvalidArgument(f"hidden_size must {rule}, got {width}")
        head_dim = width // heads
        notes.append(f"head_dim = hidden_size / heads = {head_dim}")
    kv_heads = told.num_key_value_heads or (1 if told.multi_query else heads)
    if told.num_key_value_heads is None and rank is None:
        notes.append(f"num_key_value_heads is absent: {kv_heads} assumed")
    window, n_global = _windows(told, layers, notes)
    return LanguageModel(
        name=name,
        layers=layers,
        heads=heads,
        kv_heads=heads if rank is not None else kv_heads,
        head_dim=head_dim,
        window=window,
        global_layers=n_global,
        latent_rank=rank,
        latent_rope=told.qk_rope_head_dim if rank is not None else None,
        vocabulary=told.vocab_size,
        longest=told.max_position_embeddings or told.n_positions,
        source="a configuration",
        notes=tuple(notes),
    )


def _windows(told: _Fields, layers: int, notes: list[str]) -> tuple[int | None, int | None]:
    """(the sliding window, the layers that attend to all tokens); (None, None) where there is no window."""
    if told.sliding_window is None or told.use_sliding_window is False:
        return None, None
    if told.layer_types is not None:
        if len(told.layer_types) != layers:
            raise InvalidArgument(f"layer_types must name {counted(layers, 'layer')}, got {len(told.layer_types)}")
        return told.sliding_window, sum(kind in _FULL for kind in told.layer_types)
    if told.sliding_window_pattern is not None:
        return told.sliding_window, layers // told.sliding_window_pattern
    if told.use_sliding_window and told.max_window_layers is not None:
        return told.sliding_window, min(layers, told.max_window_layers)
    if told.model_type == "gemma2":
        notes.append("every second layer attends to all tokens, as the architecture has it")
        return told.sliding_window, layers // 2
    notes.append("all layers have the sliding window, since no field tells them apart")
    return told.sliding_window, 0


def _needed(name: str, *found: int | None) -> int:
    value = next((each for each in found if each is not None), None)
    if value is None:
        raise InvalidArgument(f"the configuration must have {name}, and does not")
    return value
