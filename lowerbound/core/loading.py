"""Loading a cache class from a target: "package.module:Class", "exec:COMMAND", or "KIND:MODULE:NAME"."""

from __future__ import annotations

import importlib

from lowerbound.core.cache import Memory
from lowerbound.core.kinds import PREFIX, is_program, is_wrapped
from lowerbound.errors import InvalidArgument, raised_at, unknown

ADAPTERS = "lowerbound.foreign.kinds"
"""The module with the function `adapter`. It stands above this one and is found by name, as every cache class is."""


def load_cache(target: str) -> type[Memory]:
    """The cache class that "package.module:Class" names, the one that plays the program of "exec:COMMAND", or the
    adapter to "KIND:MODULE:NAME".

    Contract: returns a concrete subclass of Memory. It raises InvalidArgument if the module cannot be imported or the
    name is not that of a concrete cache class, and UnknownName, with the nearest names, if the module lacks the name.
    """
    if is_program(target):
        from lowerbound.core.program import program_cache

        return program_cache(target.removeprefix(PREFIX))
    if is_wrapped(target):
        adapted: type[Memory] = importlib.import_module(ADAPTERS).adapter(target)
        return adapted
    module_name, _, class_name = target.partition(":")
    if module_name.endswith(".py"):
        raise InvalidArgument(
            f"cache {target!r} must name a module, not a file; did you mean {_as_module(module_name)}:{class_name}?"
        )
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:
        raise InvalidArgument(
            f"cache {target!r} must name an importable module, got {type(error).__name__}: {error}{raised_at(error)}"
        ) from error
    found = getattr(module, class_name, None)
    if found is None:
        raise unknown(f"class of module {module_name}", class_name, [n for n in dir(module) if n[0] != "_"])
    if not (isinstance(found, type) and issubclass(found, Memory)):
        raise InvalidArgument(
            f"cache {target!r} must name a subclass of lowerbound.Cache, got {type(found).__name__} {class_name}"
        )
    missing = sorted(found.__abstractmethods__)
    if missing:
        raise InvalidArgument(f"cache {target!r} must define {', '.join(missing)}, and does not")
    return found


def _as_module(file: str) -> str:
    """The module that a file is when Python runs in the folder that its path starts from, or in the file's own."""
    parts = file.removesuffix(".py").split("/")
    return ".".join(parts) if all(map(str.isidentifier, parts)) else parts[-1]
