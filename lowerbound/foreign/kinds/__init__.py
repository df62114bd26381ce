"""How foreign code is made, fed and read, by its kind."""

from __future__ import annotations

from functools import lru_cache

from lowerbound.caches.thirdparty.torch_tokens import foreign
from lowerbound.foreign.adapter import Adapted
from lowerbound.foreign.defendant import Defendant, distribution_of
from lowerbound.foreign.kinds.codec import AdaptedCodec
from lowerbound.foreign.kinds.object import AdaptedExpression, AdaptedObject
from lowerbound.foreign.kinds.patch import AdaptedPatch
from lowerbound.foreign.kinds.press import AdaptedPress

ADAPTERS: dict[str, type[Adapted]] = {
    "transformers": AdaptedObject,
    "cache": AdaptedExpression,
    "kvpress": AdaptedPress,
    "codec": AdaptedCodec,
    "patch": AdaptedPatch,
}
"""The adapter of each kind of target."""


@lru_cache(maxsize=64)
def adapter(text: str) -> type[Adapted]:
    """The cache class that plays a target.

    Contract: a module that is not installed, a name that it lacks and a target of another form raise InvalidArgument;
    the class of a text is made once.
    """
    target = Defendant.parse(text)
    base = ADAPTERS[target.kind]
    foreign("torch")
    idea = base.checked(target)
    known = distribution_of(target.package)
    reference = " ".join(known) if known else target.module
    return type(
        base.__name__, (base,), {"target": target, "reference": reference, "__doc__": idea or target.name, "_twins": {}}
    )
