"""The name of somebody else's cache, as a person types it, and the options that say how it is made and read.

    transformers:MODULE:NAME          a transformers.Cache, one of its layers, or a function that returns one
    cache:MODULE:EXPRESSION           a Python expression over the module's names and config, n_layers, n_heads, d
    kvpress:MODULE:CLASS              a press of kvpress
    codec:MODULE:ENCODE,DECODE        a pair of functions, or two methods CLASS.ENCODE,CLASS.DECODE of one object
    patch:MODULE:FUNCTION             a function that alters a small model, or the cache in it, in place

Options follow as `#` and one JSON object. This file only reads names: nothing of a package is imported here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import metadata
from typing import Any

from lowerbound.core.kinds import KINDS, is_wrapped
from lowerbound.errors import InvalidArgument, invalid, quoted

LONGEST_TARGET = 4096
"""Characters of a target with its options."""
DTYPES = ("float16", "bfloat16", "float32")
_OPTIONS = ("init", "after", "read", "dtype", "packed")
_PLACE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_DOTTED = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_SHAPES = {
    "transformers": "transformers:MODULE:CLASS_OR_FUNCTION",
    "cache": "cache:MODULE:EXPRESSION",
    "kvpress": "kvpress:MODULE:CLASS",
    "codec": "codec:MODULE:ENCODE,DECODE",
    "patch": "patch:MODULE:FUNCTION",
}


@dataclass(frozen=True)
class Defendant:
    """One foreign cache and how it is played.

    Contract: `Defendant.parse(one.text) == one`; a text or an option that breaks the grammar raises InvalidArgument.

    Parameters
    ----------
    kind : one of KINDS
    module : str
        The dotted name of the module.
    names : str
        What follows the module: a name, an expression, or two names with a comma.
    init : mapping
        Keyword arguments of the constructor; the text "{config}" in it stands for a model's configuration.
    after : "MODULE:FUNCTION" or None
        Called with the object after every scale.
    read : "MODULE:FUNCTION" or None
        Called with the object and a layer; returns the keys and values that queries attend to.
    dtype : str
        The format in which keys and values are handed over.
    packed : bool
        Whether the message writes integers with the bits that their values need in place of those of their format.
    """

    kind: str
    module: str
    names: str
    init: Mapping[str, Any] = field(default_factory=dict)
    after: str | None = None
    read: str | None = None
    dtype: str = "float16"
    packed: bool = False

    def __post_init__(self) -> None:
        shape = _SHAPES[self.kind]
        if not _DOTTED.fullmatch(self.module):
            raise InvalidArgument(f"a target must be {shape}, got module {self.module!r}")
        parts = self.names.split(",") if self.kind == "codec" else [self.names]
        if self.kind != "cache" and not all(_DOTTED.fullmatch(part) for part in parts):
            raise InvalidArgument(f"a target must be {shape}, got name {self.names!r}")
        if self.kind == "codec" and len(parts) != 2:
            raise InvalidArgument(f"a target must be {shape}, got {len(parts)} names in {self.names!r}")
        if not self.names.strip():
            raise InvalidArgument(f"a target must be {shape}, got no name")
        if not isinstance(self.init, Mapping) or not all(isinstance(name, str) for name in self.init):
            raise invalid("--init", "be a JSON object of keyword arguments", self.init)
        for option, place in (("after", self.after), ("read", self.read)):
            if place is not None and not (isinstance(place, str) and _PLACE.fullmatch(place)):
                raise invalid(f"--{option}", "be MODULE:FUNCTION", place)
        if self.dtype not in DTYPES:
            raise invalid("dtype", f"be one of {', '.join(DTYPES)}", self.dtype, nearest=DTYPES[0])
        if not isinstance(self.packed, bool):
            raise invalid("packed", "be true or false", self.packed)
        if len(self.text) > LONGEST_TARGET:
            raise invalid("a target", f"have at most {LONGEST_TARGET} characters", len(self.text))

    @property
    def text(self) -> str:
        """The target in one line, with the options that differ from their defaults."""
        options: dict[str, Any] = {}
        if self.init:
            options["init"] = dict(self.init)
        options |= {name: told for name in ("after", "read") if (told := getattr(self, name)) is not None}
        if self.dtype != DTYPES[0]:
            options["dtype"] = self.dtype
        if self.packed:
            options["packed"] = True
        told = json.dumps(options, sort_keys=True, separators=(",", ":")) if options else ""
        return f"{self.kind}:{self.module}:{self.names}" + (told and f"#{told}")

    @property
    def name(self) -> str:
        """The target without its options."""
        return f"{self.kind}:{self.module}:{self.names}"

    @property
    def package(self) -> str:
        """The top-level name of the module."""
        return self.module.partition(".")[0]

    @classmethod
    def parse(cls, text: str) -> Defendant:
        """The target of a text.

        Contract: raises InvalidArgument for a text of another form, and for options that are no JSON object of
        `init`, `after`, `read`, `dtype` and `packed`.
        """
        if not is_wrapped(text):
            raise InvalidArgument(
                f"a target must be KIND:MODULE:NAME with a kind of {', '.join(KINDS)}, got {text[:80]!r}"
            )
        kind, module, rest = text.split(":", 2)
        names, mark, told = rest.rpartition("#{")
        if not mark:
            return cls(kind, module, rest)
        options = _object("{" + told, "the options after #")
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise invalid("an option after #", f"be one of {', '.join(_OPTIONS)}", unknown[0])
        return cls(kind, module, names, **options)

    def with_options(
        self, *, init: str | None = None, after: str | None = None, read: str | None = None, dtype: str | None = None
    ) -> Defendant:
        """The target with options as a command line has them, of which `init` is a JSON text; None changes nothing."""
        changed: dict[str, Any] = {"after": after, "read": read, "dtype": dtype}
        if init is not None:
            changed["init"] = _object(init, "--init")
        return replace(self, **{name: value for name, value in changed.items() if value is not None})


def _object(text: str, what: str) -> dict[str, Any]:
    if len(text) > LONGEST_TARGET:
        raise invalid(what, f"have at most {LONGEST_TARGET} characters", len(text))
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument(
            f'{what} must be a JSON object, such as {{"bits": 4}}, got {quoted(text)}: {error}'
        ) from None
    if not isinstance(found, dict):
        raise invalid(what, 'be a JSON object, such as {"bits": 4}', found)
    return found


def distribution_of(package: str) -> tuple[str, str] | None:
    """(name, version) of the installed distribution that brings a top-level package; None if none says so."""
    for name in metadata.packages_distributions().get(package, ()):
        return name, metadata.version(name)
    return None
