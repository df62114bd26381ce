"""The grammar of the command line: no typed option is ignored, and help lists commands by chapter with examples."""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from typer import BadParameter
from typer.core import TyperCommand, TyperGroup, TyperOption

from lowerbound.errors import InvalidArgument, printable_lines

LONGEST_SENTENCE = 200
"""The largest number of characters of a command's short help, which is wrapped and never cut."""


DEBUG = "LOWERBOUND_DEBUG"
"""The environment variable that --debug sets to 1."""


def debugging(wanted: bool) -> None:
    """The callback of --debug: from now on an error is shown with its traceback."""
    if wanted:
        os.environ[DEBUG] = "1"


def show_traceback(error: BaseException) -> None:
    """The traceback of an error on standard error, where --debug or LOWERBOUND_DEBUG=1 asks for it."""
    if os.environ.get(DEBUG) == "1":
        print(printable_lines("".join(traceback.format_exception(error))), end="", file=sys.stderr)


def _lazily(parameters: list[Any]) -> list[Any]:
    """The parameters of a command, which from now on convert only what is not yet of their type.

    Contract: nothing typed, a default, and text for a parameter that takes text stay as they are, and text for a path
    is one; everything else is converted, or refused, as typer does it. For its first conversion typer loads pydantic,
    which takes longer than many a command.
    """
    for each in parameters:
        if "process_value" not in vars(each):
            vars(each)["process_value"] = partial(_processed, each, each.process_value)
    return parameters


def _processed(parameter: Any, convert: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    known: Any = getattr(parameter, "type_descriptor", None)  # of newer versions of typer alone
    wanted = getattr(known, "annotation", None)
    is_path = wanted is Path and known.parameter_info.file_okay  # what must be a folder is left to typer
    texts = (value,) if is_path or wanted is str else value if wanted == list[str] else ()
    is_text = bool(texts) and all(isinstance(each, str) and each.isascii() for each in texts)
    is_default = value is parameter.default and isinstance(wanted, type) and isinstance(value, wanted)
    if (value is None and parameter.required) or not (value is None or is_default or is_text):
        try:
            return convert(context, value)
        except BadParameter as wrong:
            if value is None:  # a missing argument, which typer names
                raise
            raise InvalidArgument(f"{parameter.opts[0]} {_refusal(wrong.message, value)}") from wrong
    value = Path(value) if is_text and is_path else value
    return value if parameter.callback is None else parameter.callback(context, parameter, value)


def _refusal(message: str, value: Any) -> str:
    """What a value must be, and what was typed, out of typer's sentence on a value that it does not take."""
    told, _, choices = message.removeprefix("Value error, ").partition(" is not one of ")
    if choices:
        return f"must be one of {choices.rstrip('.')}, got {value!r}"
    if not told.startswith("Input should be "):
        return f"cannot be used: {told.rstrip('.')}"
    rule = told.removeprefix("Input should be ").partition(", unable to parse")[0]
    return f"must be {rule.replace('valid integer', 'whole number').replace('valid number', 'number')}, got {value!r}"


class StrictCommand(TyperCommand):
    """A command that rejects an option given twice, unless the option takes a list, and that knows --debug.

    Contract: as its base class, which silently keeps the last of two values; here that raises InvalidArgument.
    """

    def get_params(self, ctx: Any) -> list[Any]:
        return _lazily(super().get_params(ctx))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # --debug belongs to the program, but whoever has just read of it in an error types it at the end of the line.
        options = args[: args.index("--")] if "--" in args else args
        debugging("--debug" in options)
        args = [word for word in options if word != "--debug"] + args[len(options) :]
        # The parser of click overwrites the first of two values; only its list of options in the order typed has both.
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        single = [one for one in order if isinstance(one, TyperOption) and not (one.multiple or one.is_flag)]
        for option, count in Counter(single).items():
            if count > 1:
                raise InvalidArgument(f"{option.opts[0]} must be given at most once, got it {count} times")
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class Chapter:
    """Commands that answer one kind of question, with two examples as they are typed."""

    title: str
    commands: tuple[TyperCommand | TyperGroup, ...]
    examples: tuple[str, str]


class StrictGroup(TyperGroup):
    """A command that has commands of its own."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _lazily(super().get_params(ctx))


class ChapteredGroup(StrictGroup):
    """A group whose commands are those of its chapters, by which its help lists them."""

    chapters: tuple[Chapter, ...] = ()

    def __init__(self, **terms: Any) -> None:
        super().__init__(**terms)
        for command in (each for chapter in self.chapters for each in chapter.commands):
            self.add_command(command)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for chapter in self.chapters:
            with formatter.section(chapter.title):
                told = [(str(each.name), each.get_short_help_str(LONGEST_SENTENCE)) for each in chapter.commands]
                formatter.write_dl(told)
                formatter.write_paragraph()
                with formatter.indentation():
                    for example in chapter.examples:
                        formatter.write_text(f"$ {ctx.info_name} {example}")


def listed(given: Sequence[str] | None, what: str) -> list[str]:
    """The members of a list option, in order and once each: `--mu 1/8,1/4` and `--mu 1/8 --mu 1/4` mean the same.

    Contract: every member is nonempty text without blanks around it, or InvalidArgument is raised.
    """
    members = [member.strip() for text in given or () for member in text.split(",")]
    if not all(members):
        raise InvalidArgument(
            f"{what} must be a list such as 'a,b' without empty members, got {','.join(given or ())!r}"
        )
    return list(dict.fromkeys(members))
