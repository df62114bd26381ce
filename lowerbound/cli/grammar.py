"""The grammar of the command line: nothing that was typed is dropped, and help comes in groups with examples."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from typer.core import TyperCommand, TyperGroup, TyperOption

from lowerbound.errors import InvalidArgument

LONGEST_SENTENCE = 200
"""Characters of a command's one line of help, which is wrapped and never cut."""


class StrictCommand(TyperCommand):
    """A command that refuses an option that is given twice, unless it takes a list.

    Contract: as its base class, but where that would keep the last of two values in silence, InvalidArgument is raised.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        # The parser of click overwrites a value that it has; only the order of what it met still shows the first one.
        _, _, order = self.make_parser(ctx).parse_args(list(args))
        single = [one for one in order if isinstance(one, TyperOption) and not (one.multiple or one.is_flag)]
        for option, count in Counter(single).items():
            if count > 1:
                raise InvalidArgument(f"{option.opts[0]} must be given at most once, got it {count} times")
        return super().parse_args(ctx, args)


@dataclass(frozen=True)
class Chapter:
    """Commands that answer one kind of question, and how two of them are typed."""

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
