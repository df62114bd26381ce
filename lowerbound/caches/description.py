"""What a cache states about itself, and the text of the template from which a user writes a new cache."""

from __future__ import annotations

import shlex
from importlib.machinery import ModuleSpec, PathFinder
from importlib.resources import files
from typing import Any

from lowerbound.caches.registry import target_of
from lowerbound.core.kinds import PREFIX, is_program
from lowerbound.game.channel import module_path, strongest
from lowerbound.game.duel import describe


def template() -> str:
    """The text of caches/template.py, a complete cache; saved as mine.py, it is played as mine:Mine."""
    return (files("lowerbound.caches") / "template.py").read_text(encoding="utf-8")


def description(name: str) -> dict[str, Any]:
    """What a cache states about itself, the file of its class and the command that plays it, as plain JSON values.

    Contract: code from outside this package is imported in a separate process. A name that leads to no cache raises
    UnknownName or InvalidArgument.
    """
    target = target_of(name)
    facts = describe(target, strongest())
    return {
        "name": name,
        "target": target,
        "file": file_of(target),
        "family": facts.family,
        "is_kv_cache": facts.is_kv_cache,
        "reference": facts.reference,
        "computation_model": facts.computation_model,
        "budget": facts.budget_meaning or None,
        "default_budget": facts.default_budget,
        "stack": facts.stack,
        "idea": facts.idea,
        "text": facts.text,
        "play": _how_to_play(name, facts.default_budget),
    }


def file_of(target: str) -> str | None:
    """The file of a target's module or program, or None if there is no such file; no code of the target is run."""
    if is_program(target):
        return shlex.split(target.removeprefix(PREFIX))[0]
    spec: ModuleSpec | None = None
    path, parents = module_path([target]), ""
    for part in target.partition(":")[0].split("."):
        spec = PathFinder.find_spec(f"{parents}{part}", path)
        if spec is None:
            return None
        path, parents = spec.submodule_search_locations or [], f"{parents}{part}."
    return None if spec is None else spec.origin


def _how_to_play(name: str, default_budget: str | None) -> str:
    if is_program(name):
        return f"lowerbound play --exec {shlex.quote(name.removeprefix(PREFIX))}"
    return f"lowerbound play {shlex.quote(name if default_budget is None else f'{name}@{default_budget}')}"
