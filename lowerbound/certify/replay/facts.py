"""The maps, sizes and resampling that documents of R2 and R3 claim of a model, compared with the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lowerbound.core.models import Model, models

MODES = {"VAR": ("bicubic", "area"), "Infinity": ("bilinear", "bilinear")}
"""For each family whose maps are sums of enlarged codes: the modes by which maps are enlarged and reduced."""
BIT_CHANNELS = 32
"""Bits per id of Infinity, one channel per bit; models with another number of bits pack them in another way."""


def modes_of(model: Model) -> tuple[str, str] | None:
    """The modes that make first-layer inputs from ids, or None for a model whose inputs are no sums of flat maps."""
    if any(len(shape) != 2 for shape in model.schedule.shapes) or model.visible_scales is not None:
        return None
    if model.codebook_size is None or (model.family == "Infinity" and model.codebook_size != 2**BIT_CHANNELS):
        return None
    return MODES.get(model.family)


def facts_of(model: Model, kind: str) -> dict[str, Any]:
    """The fields that a document of this kind must claim about a model."""
    up, down = modes_of(model) or (None, None)
    maps = [list(shape) for shape in model.schedule.shapes]
    if kind == "f_hat_fibre":
        return {"maps": maps, "up": up}
    return {
        "maps": maps,
        "resampling": {"up": up, "down": down},
        "channels": model.code_channels,
        "width": model.width,
        "heads": model.n_kv_heads,
        "d": model.head_dim,
        "id_bits": None if model.codebook_size is None else model.codebook_size.bit_length() - 1,
        "rule": model.rule,
    }


def bits_of(kind: str, claim: Mapping[str, Any]) -> int:
    """The bits that a verified claim forces on the state of a whole image."""
    return int(claim["bits"]) if kind == "replay_floor" else (int(claim["fibre"]) - 1).bit_length()


def strange_model(kind: str, claim: Mapping[str, Any]) -> str | None:
    """Why a verified claim is not about the model that it names, or None.

    Contract: None only if every field that describes the model equals the catalogue's, the codebook has as many codes
    as the model's, and the claimed bits are at most those of all ids that influence the cache.
    """
    for model in models():
        if model.name == claim["model"]:
            for name, value in facts_of(model, kind).items():
                if claim[name] != value:
                    return f"{model.name} has the {name.replace('_', ' ')} {value}, and the claim says {claim[name]}"
            return _strange_codebook(model, kind, claim) or _more_than_the_ids(model, kind, claim)
    return f"{claim['model']!r} is not a model of the catalogue"


def _strange_codebook(model: Model, kind: str, claim: Mapping[str, Any]) -> str | None:
    """Why a codebook of levels is not one of the model's size; a generic codebook may have any."""
    if kind != "f_hat_fibre" or claim["codebook"]["kind"] == "generic":
        return None
    levels, channels = claim["codebook"]["levels"], claim["codebook"]["channels"]
    if model.codebook_size == levels**channels:
        return None
    return f"{model.name} has {model.codebook_size} codes, and {levels} levels in {channels} channels are other ones"


def _more_than_the_ids(model: Model, kind: str, claim: Mapping[str, Any]) -> str | None:
    """Why the claimed bits cannot be forced by the ids of r_1 .. r_(N-2), which are all that the state depends on."""
    if model.codebook_size is None:
        return f"the number of codes of {model.name} is not known"
    held = (model.codebook_size**model.n_replay_tokens - 1).bit_length()
    bits = bits_of(kind, claim)
    return f"all ids of {model.name} hold {held} bits, and the claim says {bits}" if bits > held else None
