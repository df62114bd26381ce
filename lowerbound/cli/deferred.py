"""Commands that are imported when they are typed: until then a command is a name, a place and a sentence.

Lists of commands, completion and typing errors need no more than that, so that none of them waits for the other
commands' options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand

from lowerbound.cli.grammar import StrictCommand, StrictGroup


class Deferred(TyperCommand):
    """A command of which only the name is known, and the sentence by which lists tell it.

    Contract: typed, it is the command that its function's signature and docstring make, and nothing is imported before.
    The sentence is the docstring's first one; a test holds the two together.

    Parameters
    ----------
    name : str
        The command as it is typed.
    module : str
        The file of this folder that holds the function.
    sentence : str
    function : str or None
        The function's name, where it is not that of the command.
    """

    def __init__(self, name: str, module: str, sentence: str, *, function: str | None = None) -> None:
        super().__init__(name, short_help=sentence)
        self._module, self._function = f"lowerbound.cli.{module}", function or name.replace("-", "_")

    @cached_property
    def function(self) -> Callable[..., None]:
        """The function, whose module is imported now."""
        found: Callable[..., None] = getattr(import_module(self._module), self._function)
        return found

    @cached_property
    def command(self) -> Any:
        """The command that typer makes of the function."""
        alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
        alone.command(self.name, cls=StrictCommand)(self.function)
        return typer.main.get_command(alone)

    def make_context(self, *words: Any, **terms: Any) -> Any:
        """The context of the function's command, which then is run, asked for help or completed in its stead."""
        return self.command.make_context(*words, **terms)


def group(name: str, sentence: str, commands: Sequence[Deferred]) -> StrictGroup:
    """A command that has commands of its own, which it lists in this order."""
    return StrictGroup(name=name, help=sentence, commands=list(commands), no_args_is_help=True, rich_markup_mode=None)
