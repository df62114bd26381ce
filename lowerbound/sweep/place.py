"""The places of a sweep: heads of any size, language models and decoders, as the plain values that units hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lowerbound.core.configuration import decoder_of
from lowerbound.core.decoder import LanguageModel, Placed, own_decoder
from lowerbound.core.models import capped, find_model, find_place
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument

if TYPE_CHECKING:
    from lowerbound.core.geometry import HasGeometry

Count = Annotated[int, Field(ge=1)]


class Size(BaseModel):
    """A head of any size: maps such as "1x1 2x2 4x4", a head dimension, and a catalogued model whose rule it has."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
    schedule: Annotated[str, Field(max_length=4000)]
    d: Annotated[int, Field(ge=1, le=2**16)]
    rule_of: str = "var-d16"

    @field_validator("schedule")
    @classmethod
    def _is_a_schedule(cls, text: str) -> str:
        ScaleSchedule.parse(text)
        return text

    @field_validator("rule_of")
    @classmethod
    def _is_a_model(cls, name: str) -> str:
        return find_model(name).name


class Head(BaseModel):
    """A language model at a context length, a decoder's config.json, or a head and a stack of one's own.

    Contract: exactly one of `model`, `config` and `tokens` is given, with the fields that belong to it; the words and
    limits are those of the command line's options.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    model: str | None = None
    config: str | None = None
    context: Count | None = None
    tokens: Count | None = None
    d: Count | None = None
    own: Count | None = None
    heads: Count | None = None
    kv_heads: Count | None = None
    layers: Count | None = None
    branches: Count | None = None
    rule: Literal["l2norm", "scaled"] | None = None
    cap: Annotated[str, Field(max_length=64)] | None = None

    @model_validator(mode="after")
    def _is_a_place(self) -> Head:
        self.placed()
        return self

    def placed(self) -> Placed:
        """The place; errors as those of the command line."""
        kinds = {
            "model": {"context", "cap"},
            "config": {"context", "branches", "cap"},
            "tokens": {"d", "own", "heads", "kv_heads", "layers", "branches", "rule", "cap"},
        }
        typed = {name for name in type(self).model_fields if getattr(self, name) is not None}
        chosen = sorted(typed & set(kinds))
        if len(chosen) != 1:
            raise InvalidArgument(
                f"a head must have exactly one of model, config and tokens, got {', '.join(chosen) or 'none'}"
            )
        if strange := sorted(typed - kinds[chosen[0]] - set(chosen)):
            raise InvalidArgument(f"{strange[0]} must be left out of a head with {chosen[0]}")
        found = capped(self._uncapped(), self.cap)
        if not isinstance(found, Placed):
            raise InvalidArgument(f"model of a head must be a language model, got {self.model!r}: models takes it")
        return found

    def _uncapped(self) -> HasGeometry:
        if self.model is not None:
            return find_place(self.model, self.context)
        if self.config is not None:
            return replace(decoder_of(self.config), branches=self.branches or 1).at(self.context)
        if self.tokens is None or self.d is None:
            raise InvalidArgument("tokens must be given with d, the head dimension")
        shape = {name: getattr(self, name) for name in ("heads", "kv_heads", "layers", "branches", "rule")}
        return own_decoder(self.d, **shape).at(self.tokens, self.own or 1)

    def unit(self) -> dict[str, Any]:
        """What a unit says of this place: the decoder itself, so that no file is read again."""
        placed = self.placed()
        return {"decoder": placed.decoder.to_json(), "context": placed.context, "own": placed.own}


def place_of_unit(place: dict[str, Any]) -> HasGeometry:
    """The model, head or decoder that a unit names."""
    if "decoder" in place:
        return LanguageModel.from_json(place["decoder"]).at(place["context"], place["own"])
    if "model" in place:
        return find_place(place["model"])
    return replace(
        find_model(place["rule_of"]).geometry,
        name=f"{place['schedule']} in R^{place['d']}",
        schedule=ScaleSchedule.parse(place["schedule"]),
        d=place["d"],
    )
