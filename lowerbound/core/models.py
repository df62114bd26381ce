"""The catalog of models: the geometry and cache of every next-scale model with a KV cache, and raster-order models.

models.csv stores only facts that were read in a repository, with their source; every count is computed from them.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache, cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from lowerbound.core.decoder import LanguageModel, Placed, from_row
from lowerbound.core.geometry import Geometry, HasGeometry, stated_cap
from lowerbound.core.rules import RuleName
from lowerbound.core.scalars import Rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, unknown

MODELS, LANGUAGE_MODELS = "models.csv", "language_models.csv"
_RULES: dict[str, RuleName] = {"l2norm": "l2norm", "1/sqrt(d)": "1/sqrt(d)", "0.25/sqrt(d)": "0.25/sqrt(d)"}


@dataclass(frozen=True)
class Model:
    """One released model or configuration.

    Contract: every count is exact and derived from the stored fields. Bytes are per image, for all CFG branches
    together.

    Parameters
    ----------
    schedule : ScaleSchedule
        All token maps that are generated, and the number of cached prompt tokens.
    visible_scales : tuple of int, or None
        Scales whose keys the last scale attends to besides its own; None means all of them.
    rule : "l2norm" (unit q and k, learned multiplier capped at 100), "1/sqrt(d)" or "0.25/sqrt(d)"
    codebook_size : int or None
        The number of values of a token id; None if the repository does not state it.
    code_channels : int or None
        The channels of f_hat, over which the codes of ids are spread; None for families whose tokens were not read.
    phi_kernels : int or None
        The number of convolutions that smooth the enlarged codes, which scales share by their ticks; 0 if none does.
    phi_ratio : Fraction or None
        phi is 1 - ratio of a map, and ratio of its convolution; None without kernels.
    shared_modulation : bool or None
        Whether one map from the condition serves the adaptive layer norms of all blocks.
    n_classes : int or None
        The number of classes that a condition is chosen from; None where it is a text.
    pair_bytes_as_coded : int
        Bytes of one cached (K, V) entry pair in the reference code: 4, or 6 if keys stay float32.
    logit_cap : Fraction or None
        The largest |logit| between unit vectors, where it is stated beside the catalog's facts.
    """

    name: str
    family: str
    variant: str
    status: str
    schedule: ScaleSchedule
    visible_scales: tuple[int, ...] | None
    n_layers: int
    width: int
    n_heads: int
    n_kv_heads: int
    head_dim: int
    cfg_branches: int
    rule: RuleName
    normalisation: str
    codebook_size: int | None
    code_channels: int | None
    phi_kernels: int | None
    phi_ratio: Fraction | None
    shared_modulation: bool | None
    n_classes: int | None
    pair_bytes_as_coded: int
    position: str
    mask: str
    source: str
    note: str
    logit_cap: Fraction | None = None

    @staticmethod
    def from_config(path: str | Path, *, context: int | None = None) -> Placed:
        """The language model of a Hugging Face config.json, at a context length; errors as `decoder_of`."""
        from lowerbound.core.configuration import decoder_of

        return decoder_of(path).at(context)

    @cached_property
    def visible_schedule(self) -> ScaleSchedule:
        """The maps that the last scale attends to, with its own map last, and the prompt tokens."""
        if self.visible_scales is None:
            return self.schedule
        kept = (*self.visible_scales, self.schedule.n_scales - 1)
        return ScaleSchedule(tuple(self.schedule.shapes[k] for k in kept), self.schedule.n_context)

    @cached_property
    def geometry(self) -> Geometry:
        """One head of the model, with the maps that its last scale sees."""
        return Geometry(
            self.name, self.visible_schedule, self.head_dim, self.rule, self.codebook_size, logit_cap=self.logit_cap
        )

    def capped(self, cap: Rational) -> Model:
        """The same model with a stated cap on |logit|; errors as `stated_cap`."""
        return replace(self, logit_cap=stated_cap(cap, self.rule))

    @property
    def n_tokens(self) -> int:
        """The number of all tokens of the generation, prompt tokens included."""
        return self.schedule.n_tokens

    @property
    def n_tokens_cached(self) -> int:
        """T, the number of tokens whose keys and values the last scale reads from the cache."""
        return self.geometry.n_tokens_cached

    @property
    def n_streams(self) -> int:
        """The number of (K, V) streams: key-value heads x layers x CFG branches."""
        return self.n_kv_heads * self.n_layers * self.cfg_branches

    @property
    def head_cache_bits(self) -> int:
        """The bits of the cached keys and values of one head before the last scale, in fp16."""
        return self.geometry.cache_bits

    @property
    def cache_bytes(self) -> int:
        """The bytes of the cache before the last scale, in fp16. The one-way message stands in for this cache."""
        return self.head_cache_bits * self.n_streams // 8

    @property
    def cache_bytes_at_end(self) -> int:
        """The bytes of the cache after the last scale was appended, in fp16."""
        return 2 * self.visible_schedule.n_tokens * self.head_dim * 2 * self.n_streams

    @property
    def cache_bytes_as_coded(self) -> int:
        """The bytes of the cache after the last scale was appended, in the number formats of the reference code."""
        return self.visible_schedule.n_tokens * self.head_dim * self.pair_bytes_as_coded * self.n_streams

    @property
    def n_replay_tokens(self) -> int:
        """The number of token ids that influence the cache before the last scale: ids of all maps but the last two."""
        return sum(self.schedule.map_size(k) for k in range(self.schedule.n_scales - 2))

    @property
    def replay_bits(self) -> int | float | None:
        """The upper bound in computation model R2: log2(codebook_size) bits for each of the `n_replay_tokens` ids.

        It is None if the codebook size is unknown. The condition (class or prompt) is not counted.
        """
        if self.codebook_size is None:
            return None
        exact = self.codebook_size.bit_length() - 1
        if self.codebook_size == 2**exact:
            return exact * self.n_replay_tokens
        return math.log2(self.codebook_size) * self.n_replay_tokens

    @property
    def adds_positions(self) -> bool:
        """Whether a learned position vector, different for every token, is added to each token's input."""
        return self.position.startswith("abs learned")

    @property
    def free_kv_realisable(self) -> bool:
        """Whether W_K and W_V can make all layers and heads cache arbitrary unit keys and values, in one CFG branch.

        This needs independent input rows for all n_tokens tokens. At most width - 1 rows can be independent, and rows
        of tokens with position vectors of their own are.
        """
        return self.adds_positions and self.schedule.n_tokens <= self.width - 1

    def to_json(self) -> dict[str, Any]:
        """The stored facts and the counts, as plain JSON values."""
        return {
            "name": self.name,
            "family": self.family,
            "variant": self.variant,
            "status": self.status,
            "schedule": str(self.schedule),
            "n_scales": self.schedule.n_scales,
            "n_context": self.schedule.n_context,
            "n_tokens": self.n_tokens,
            "n_tokens_cached": self.n_tokens_cached,
            "n_layers": self.n_layers,
            "width": self.width,
            "n_heads": self.n_heads,
            "n_kv_heads": self.n_kv_heads,
            "head_dim": self.head_dim,
            "cfg_branches": self.cfg_branches,
            "rule": self.rule,
            "normalisation": self.normalisation,
            "cache_bytes": self.cache_bytes,
            "cache_bytes_at_end": self.cache_bytes_at_end,
            "cache_bytes_as_coded": self.cache_bytes_as_coded,
            "codebook_size": self.codebook_size,
            "code_channels": self.code_channels,
            "phi_kernels": self.phi_kernels,
            "phi_ratio": None if self.phi_ratio is None else str(self.phi_ratio),
            "shared_modulation": self.shared_modulation,
            "n_classes": self.n_classes,
            "replay_bits": self.replay_bits,
            "source": self.source,
            "note": self.note,
        }


def _schedule(text: str, n_context: int) -> ScaleSchedule:
    if "*" in text:
        repeats, shape = text.split("*")
        text = " ".join([shape] * int(repeats))
    return ScaleSchedule.parse(text, n_context=n_context)


_YES_OR_NO = {"yes": True, "no": False, "": None}


def _stated(row: Mapping[str, str], column: str) -> int | None:
    """The number in a column, or None where the repository was not read for it or does not say."""
    return int(row[column]) if row[column] else None


@lru_cache
def _rows(table: str) -> dict[str, dict[str, str]]:
    """The rows of a table of this folder, by the names of models."""
    text = (resources.files("lowerbound.core") / table).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    found = {row["name"]: row for row in rows}
    assert len(found) == len(rows), f"a name stands twice in {table}"
    return found


@cache
def _model(name: str) -> Model:
    """The model of a row of models.csv, made when it is asked for."""
    row = _rows(MODELS)[name]
    return Model(
        name=row["name"],
        family=row["family"],
        variant=row["variant"],
        status=row["status"],
        schedule=_schedule(row["schedule"], int(row["context"])),
        visible_scales=tuple(map(int, row["visible_scales"].split())) if row["visible_scales"] else None,
        n_layers=int(row["layers"]),
        width=int(row["width"]),
        n_heads=int(row["heads"]),
        n_kv_heads=int(row["kv_heads"]),
        head_dim=int(row["head_dim"]),
        cfg_branches=int(row["cfg_branches"]),
        rule=_RULES[row["rule"]],
        normalisation=row["normalisation"],
        codebook_size=_stated(row, "codebook_size"),
        code_channels=_stated(row, "code_channels"),
        phi_kernels=_stated(row, "phi_kernels"),
        phi_ratio=Fraction(row["phi_ratio"]) if row["phi_ratio"] else None,
        shared_modulation=_YES_OR_NO[row["shared_modulation"]],
        n_classes=_stated(row, "classes"),
        pair_bytes_as_coded=int(row["pair_bytes_as_coded"]),
        position=row["position"],
        mask=row["mask"],
        source=row["source"],
        note=row["note"],
    )


@lru_cache
def models() -> tuple[Model, ...]:
    """All models of the catalog, in the order of models.csv."""
    return tuple(map(_model, _rows(MODELS)))


@lru_cache
def decoders() -> tuple[LanguageModel, ...]:
    """All language models of the catalog, in the order of language_models.csv."""
    return tuple(map(_decoder, _rows(LANGUAGE_MODELS)))


@cache
def _decoder(name: str) -> LanguageModel:
    return from_row(_rows(LANGUAGE_MODELS)[name])


def find_place(name: str, context: int | None = None) -> Model | Placed:
    """The model called `name`: an image model, or a language model with so many cached tokens.

    Contract: raises UnknownName with the nearest names of both catalogs, and InvalidArgument for a context length that
    is given with an image model, whose schedule is its own.
    """
    if name in _rows(LANGUAGE_MODELS):
        return _decoder(name).at(context)
    if context is not None:
        raise InvalidArgument(f"--context must be left out with {name!r}, which is no language model of the catalog")
    if name in _rows(MODELS):
        return _model(name)
    raise unknown("model", name, [*_rows(MODELS), *_rows(LANGUAGE_MODELS)])


def find_geometry(place: HasGeometry | str) -> Geometry:
    """The geometry of a head: that of a model, of a model's name, or the one given.

    Contract: a name that is no model's raises UnknownName with the nearest names.
    """
    return find_place(place).geometry if isinstance(place, str) else place.geometry


def capped(place: HasGeometry, cap: Rational | None) -> HasGeometry:
    """The same place with a stated cap on |logit|, or itself if there is none; errors as `stated_cap`."""
    if cap is None:
        return place
    return place.capped(cap) if isinstance(place, Model | Placed) else place.geometry.capped(cap)


def find_model(name: str) -> Model:
    """The model called `name`.

    Contract: returns the one model of that name, or raises UnknownName with the nearest names.
    """
    if name in _rows(MODELS):
        return _model(name)
    raise unknown("model", name, _rows(MODELS))
