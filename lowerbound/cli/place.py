"""The place that a command is about: a model of the catalogs, a config.json, or a head and a stack of one's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from lowerbound.cli.options import LARGEST_D, geometry_of, one_model, place_called
from lowerbound.errors import InvalidArgument

if TYPE_CHECKING:
    from lowerbound.core.geometry import Geometry, HasGeometry


class OwnRule(StrEnum):
    """How a logit is computed at a place of one's own."""

    L2NORM = "l2norm"
    SCALED = "scaled"


@dataclass(frozen=True)
class Place:
    """What was typed of a place; None is what was not typed."""

    model: str | None = None
    named: str | None = None
    schedule: str | None = None
    d: int | None = None
    layers: int | None = None
    heads: int | None = None
    tokens: int | None = None
    own: int | None = None
    kv_heads: int | None = None
    branches: int | None = None
    rule: OwnRule | None = None
    cap: str | None = None
    config: Path | None = None
    context: int | None = None

    @property
    def is_given(self) -> bool:
        """Whether anything was typed."""
        return any(getattr(self, field.name) is not None for field in fields(self))

    def found(self) -> HasGeometry:
        """The place, with the cap that was stated.

        Contract: options that speak of different kinds of places are refused in one sentence. With --tokens and --d it
        is a head of one's own, and with --heads or --layers a stack of them; with --config a decoder; else a model,
        with the maps, dimension or stack that were typed in place of its own.
        """
        from lowerbound.core.models import capped

        return capped(self._uncapped(), self.cap)

    def _uncapped(self) -> HasGeometry:
        if self.config is not None:
            self._alone("--config", "context", "config", "branches", "cap")
            return self._configured(self.config)
        if self.tokens is not None:
            self._alone("--tokens", "tokens", "own", "d", "layers", "heads", "kv_heads", "branches", "rule", "cap")
            return self._typed(self.tokens)
        for name in ("own", "kv_heads", "branches", "rule"):
            if getattr(self, name) is not None:
                option = f"--{name.replace('_', '-')}"
                raise InvalidArgument(f"{option} must be given with --tokens, which says how many are cached")
        return self._catalogued()

    def _alone(self, what: str, *allowed: str) -> None:
        for field in fields(self):
            if field.name not in allowed and getattr(self, field.name) is not None:
                word = "MODEL" if field.name in ("model", "named") else f"--{field.name.replace('_', '-')}"
                raise InvalidArgument(f"{word} must be left out with {what}, got {str(getattr(self, field.name))!r}")

    def _configured(self, config: Path) -> HasGeometry:
        from dataclasses import replace

        from lowerbound.core.configuration import decoder_of

        return replace(decoder_of(config), branches=self.branches or 1).at(self.context)

    def _typed(self, tokens: int) -> HasGeometry:
        from lowerbound.core.decoder import own_decoder

        if self.d is None:
            raise InvalidArgument("--tokens must be given with --d, the head dimension")
        shape = {name: getattr(self, name) for name in ("heads", "kv_heads", "layers", "branches", "rule")}
        return own_decoder(self.d, **shape).at(tokens, self.own or 1)

    def _catalogued(self) -> HasGeometry:
        name = one_model(self.model, self.named)
        if all(value is None for value in (self.schedule, self.d, self.layers, self.heads)):
            return place_called(name, self.context)
        return geometry_of(name, self.schedule, self.d, self.layers, self.heads, self.context)


_OPTIONS: dict[str, tuple[Any, str]] = {
    "schedule": (str, "Maps of your own, such as '1x1 2x2 4x4', instead of MODEL's."),
    "tokens": (int, "A head of your own with this many cached tokens; needs --d."),
    "d": (int, "Head dimension."),
    "own": (int, "Tokens of the last map, which ask; default: 1, as language models generate."),
    "layers": (int, "Number of layers."),
    "heads": (int, "Query heads per layer."),
    "kv_heads": (int, "Key-value heads per layer; default: as many as query heads."),
    "branches": (int, "Number of branches: 2 with classifier-free guidance."),
    "rule": (OwnRule, "How logits are computed; default: l2norm."),
    "cap": (
        str,
        "Largest |logit| of a query: a number, soft-cap (50) or qk-clip (100, the default).",
    ),
    "config": (Path, "A decoder's config.json, as Hugging Face writes it; nothing is downloaded."),
    "context": (int, "Cached tokens of a language model; default: 8192, or its longest."),
}
_METAVARS = {"schedule": "MAPS", "tokens": "T", "d": "D", "config": "FILE", "context": "N", "cap": "X"}


def option_of(name: str) -> Any:
    """The annotation of one option of a place."""
    kind, words = _OPTIONS[name]
    limits: dict[str, Any] = {"min": 1} if kind is int else {}
    if name == "d":
        limits["max"] = LARGEST_D
    if name in _METAVARS:
        limits["metavar"] = _METAVARS[name]
    return Annotated[kind | None, typer.Option(f"--{name.replace('_', '-')}", help=words, **limits)]


def at_a_place(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose parameter `place` is made of the options of a place, which its signature then has in its stead.

    Options of a place that the command has already stay as they are, and are passed to it and to the place.
    """
    hints = get_type_hints(command, include_extras=True)
    signature = inspect.signature(command)
    own = signature.replace(
        parameters=[
            each.replace(annotation=hints[each.name]) for each in signature.parameters.values() if each.name != "place"
        ]
    )
    known = {field.name for field in fields(Place)}

    def run(*places: Any, **given: Any) -> None:
        given |= own.bind_partial(*places).arguments
        place = Place(**{name: value for name, value in given.items() if name in known})
        command(**{name: value for name, value in given.items() if name in own.parameters}, place=place)

    options = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=option_of(name))
        for name in _OPTIONS
        if name not in own.parameters
    ]
    run.__name__, run.__doc__, run.__module__ = command.__name__, command.__doc__, command.__module__
    annotated = [*own.parameters.values(), *options]
    vars(run)["__signature__"] = own.replace(parameters=annotated)
    run.__annotations__ = {**{each.name: each.annotation for each in annotated}, "return": None}
    return run


def stacked(place: Place, layers: int | None, heads: int | None) -> Geometry:
    """The head of a place, with the stack that a game was asked to play: of so many layers and heads a layer."""
    from dataclasses import replace

    if place.tokens is None and place.config is None:
        return place.found().geometry
    head = replace(place, layers=None, heads=None).found().geometry
    return head if layers is None and heads is None else replace(head, stack=(layers or 1, heads or 1))
