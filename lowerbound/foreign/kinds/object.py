"""Objects that are fed as transformers feeds a cache: update(keys, values, layer, more) returns all keys and values."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import lru_cache
from types import FunctionType, MethodType, SimpleNamespace
from typing import Any

from lowerbound.caches.thirdparty.torch_tokens import Tensor, foreign
from lowerbound.core.cache import Public
from lowerbound.errors import CacheContractBroken, InvalidArgument
from lowerbound.foreign.adapter import Adapted, found_in
from lowerbound.foreign.defendant import Defendant

CONFIG = "{config}"
"""The text in --init that stands for the configuration of a model with the game's shapes."""


def config_of(public: Public) -> Any:
    """The configuration of a language model with the layers, heads and dimension of a game; no weights are made."""
    try:
        transformers = foreign("transformers")
    except InvalidArgument:
        return SimpleNamespace(**_shapes(public))
    return transformers.LlamaConfig(**_shapes(public), vocab_size=2, intermediate_size=1)


def _shapes(public: Public) -> dict[str, int]:
    return {
        "num_hidden_layers": public.n_layers,
        "num_attention_heads": public.n_heads,
        "num_key_value_heads": public.n_heads,
        "head_dim": public.d,
        "hidden_size": public.n_heads * public.d,
        "max_position_embeddings": max(2048, public.schedule.n_tokens),
    }


def filled(init: Any, public: Public) -> Any:
    """The keyword arguments of --init, with the model's configuration in place of "{config}"."""
    if init == CONFIG:
        return config_of(public)
    if isinstance(init, Mapping):
        return {name: filled(value, public) for name, value in init.items()}
    return [filled(value, public) for value in init] if isinstance(init, list) else init


def constructed(maker: Any, target: Defendant, public: Public) -> Any:
    """The object that a class or function makes from --init.

    Contract: a required parameter called `config` that --init leaves out gets the model's configuration. Any other
    required parameter that is left out, and any that the signature lacks, raises InvalidArgument with the signature.
    """
    given = filled(dict(target.init), public)
    try:
        signature = inspect.signature(maker)
    except (TypeError, ValueError):
        return maker(**given)
    required = [
        name
        for name, each in signature.parameters.items()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)
    ]
    if "config" in required:
        given.setdefault("config", config_of(public))
    missing = [name for name in required if name not in given]
    if missing:
        raise InvalidArgument(
            f"{target.name} must be given {', '.join(missing)} by --init, "
            f"since its signature is {told(target, signature)}"
        )
    try:
        signature.bind(**given)
    except TypeError as error:
        raise InvalidArgument(
            f"--init must fit the signature {told(target, signature)}, and does not: {error}"
        ) from None
    return maker(**given)


def told(target: Defendant, signature: inspect.Signature) -> str:
    """A signature as a sentence quotes it: names and defaults, without annotations."""
    plain = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
    return f"{target.names}{signature.replace(parameters=plain, return_annotation=signature.empty)}"[:300]


class AdaptedObject(Adapted):
    """A transformers.Cache or one of its layers, or any object with such an `update`."""

    @classmethod
    def checked(cls, target: Defendant) -> str:
        """The first line of what the class says of itself; the name must be that of something that can be called."""
        found = found_in(target.module, target.names)
        if not callable(found):
            raise InvalidArgument(f"{target.name} must be a class or a function, got {type(found).__name__}")
        return first_line(found)

    def made(self) -> Any:
        return self._in_layers(
            lambda: constructed(found_in(self.target.module, self.target.names), self.target, self.public)
        )

    def _in_layers(self, make: Any) -> Any:
        thing = make()
        update = getattr(thing, "update", None)
        if update is None:
            offered = [name for name in dir(thing) if name[0] != "_" and callable(getattr(thing, name, None))]
            raise InvalidArgument(
                f"{self.target.name} must make an object with a method update(keys, values, layer, ...), and "
                f"{type(thing).__name__} offers {', '.join(offered[:12]) or 'no method'}; codec:MODULE:ENCODE,DECODE "
                "plays a pair of functions"
            )
        if _is_layer(update):
            return Layers([thing, *(make() for _ in range(self.public.n_layers - 1))])
        return thing

    def put(self, thing: Any, layer: int, keys: Tensor, values: Tensor, queries: Tensor, n_before: int) -> Any:
        places = {"cache_position": self.torch.arange(n_before, n_before + keys.shape[2])}
        more = (places,) if _takes_more(thing.update) else ()
        return thing.update(keys.clone(), values.clone(), layer, *more)

    def held_rows(self, thing: Any, layer: int, returned: Any) -> tuple[Tensor, Tensor]:
        if isinstance(returned, (tuple, list)) and len(returned) >= 2:
            return returned[0], returned[1]
        layers = getattr(thing, "layers", None)
        if layers is not None and hasattr(layers[layer], "keys") and hasattr(layers[layer], "values"):
            return layers[layer].keys, layers[layer].values
        raise CacheContractBroken(
            f"{self.target.name}: update must return keys and values, got {type(returned).__name__}; "
            "--read MODULE:FUNCTION says how to read them"
        )


class AdaptedExpression(AdaptedObject):
    """An object that a Python expression makes; the expression is evaluated in the party's process alone."""

    @classmethod
    def checked(cls, target: Defendant) -> str:
        found_in(target.module, "__name__")
        try:
            compile(target.names, "<expression>", "eval")
        except (SyntaxError, ValueError) as error:
            raise InvalidArgument(f"{target.name} must hold a Python expression, and does not: {error}") from None
        if target.init:
            raise InvalidArgument(
                "--init must be left out with cache:MODULE:EXPRESSION, whose expression has arguments"
            )
        return ""

    def made(self) -> Any:
        from importlib import import_module

        public = self.public
        names = _Names(import_module(self.target.module))
        names |= {"torch": self.torch, "config": config_of(public)}
        names |= {"n_layers": public.n_layers, "n_heads": public.n_heads, "d": public.d}
        return self._in_layers(lambda: eval(self.target.names, names))  # noqa: S307 (in the party alone)


class _Names(dict[str, Any]):
    """The names of a module, with those that it makes when they are asked for."""

    def __init__(self, module: Any) -> None:
        super().__init__(vars(module))
        self._module = module

    def __missing__(self, name: str) -> Any:
        try:
            return getattr(self._module, name)
        except AttributeError:
            raise KeyError(name) from None


class Layers:
    """A stack of cache layers of transformers, each fed on its own."""

    def __init__(self, layers: list[Any]) -> None:
        self.layers = layers

    def update(self, keys: Tensor, values: Tensor, layer: int, more: Any = None) -> Any:
        """Feed one layer."""
        return self.layers[layer].update(keys, values, more)


def _is_layer(update: Any) -> bool:
    """Whether an `update` has no parameter for the number of the layer."""
    try:
        names = list(inspect.signature(update).parameters)
    except (TypeError, ValueError):
        return False
    return len(names) >= 2 and not any("layer" in name for name in names) and (len(names) == 2 or "kwargs" in names[2])


def _takes_more(update: Any) -> bool:
    """Whether an `update` takes a fourth argument by position."""
    if isinstance(update, MethodType) and isinstance(update.__func__, FunctionType):
        # A bound method is new each time; its function, whose first argument is the object, is not.
        return _takes(update.__func__, 1 + 4)
    return _takes.__wrapped__(update, 4)


@lru_cache(maxsize=32)
def _takes(update: Any, n_arguments: int) -> bool:
    """Whether a function takes so many arguments by position; a signature is slow to read."""
    try:
        kinds = [each.kind for each in inspect.signature(update).parameters.values()]
    except (TypeError, ValueError):
        return True
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return inspect.Parameter.VAR_POSITIONAL in kinds or sum(kind in positional for kind in kinds) >= n_arguments


def first_line(found: Any) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(found) or "").strip().partition("\n")[0]
