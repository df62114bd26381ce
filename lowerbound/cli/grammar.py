"""The grammar of the command line: no typed option is ignored, and help lists commands by chapter with examples."""

from __future__ import annotations

import os
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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


class StrictCommand(TyperCommand):
    """A command that rejects an option given twice, unless the option takes a list, and that knows --debug.

    Contract: as its base class, which silently keeps the last of two values; here that raises InvalidArgument.
    """

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
    commands: tuple[str, ...]
    examples: tuple[str, str]


class ChapteredGroup(TyperGroup):
    """A group whose help lists its commands by chapter; commands of no chapter come last."""

    chapters: tuple[Chapter, ...] = ()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        told: set[str] = set()
        for chapter in self.chapters:
            told |= set(chapter.commands)
            with formatter.section(chapter.title):
                formatter.write_dl(list(self._rows(ctx, chapter.commands)))
                formatter.write_paragraph()
                with formatter.indentation():
                    for example in chapter.examples:
                        formatter.write_text(f"$ {ctx.info_name} {example}")
        rest = list(self._rows(ctx, [name for name in self.list_commands(ctx) if name not in told]))
        if rest:
            with formatter.section("More"):
                formatter.write_dl(rest)

    def _rows(self, ctx: Any, names: Iterable[str]) -> Iterable[tuple[str, str]]:
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                yield name, command.get_short_help_str(LONGEST_SENTENCE)


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
