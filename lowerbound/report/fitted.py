"""Tables that fit their terminal: one that is too wide becomes several narrow ones, or records of lines.

Nothing is cut: short cells are never folded, and a column of longer ones is at least as wide as their longest word.
Only a word that is wider than the terminal goes on in the next line.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

PADDING = 2
"""Spaces beside the text of a cell."""
SHORT, LONG = 16, 40
"""A cell of at most SHORT characters is not folded; one of more than LONG is a sentence."""
READABLE = 24
"""Characters that a column of sentences is not narrower than."""


class Fitted(Table):
    """A table of texts that is shown in parts, or as records, where it does not fit.

    Contract: at every width the words of each cell that fit into a line are in the output, whole and in order. A table
    of numbers becomes several, each with the first column; a table with sentences, or with two columns that are too
    wide together, becomes records.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts = _parts(self.columns, options.max_width)
        if parts is None:
            yield from self._records(options.max_width)
            return
        if self.title:
            yield Text(str(self.title), style="bold")
        for part in parts:
            shown = Table()
            for column, width in zip(part, _widths(part, options.max_width), strict=True):
                shown.add_column(str(column.header), justify=column.justify, width=width)
            for row in zip(*map(_texts, part), strict=True):
                shown.add_row(*row)
            yield shown
        if self.caption:
            yield Text(str(self.caption), style="dim")

    def _records(self, width: int) -> Iterable[Segment]:
        """The title, the rows as blocks of "column  text" lines, and the caption."""
        names = [str(column.header) for column in self.columns]
        label = max(map(cell_len, names)) + PADDING
        lines = [*_wrapped(str(self.title), width), ""] if self.title else []
        for row in zip(*map(_texts, self.columns), strict=True):
            for name, text in zip(names, row, strict=True):
                longest = max(map(cell_len, text.split()), default=0)
                if label + longest <= width:
                    first, *others = _wrapped(text, width - label) or [""]
                    lines.append(f"{name:{label}}{first}".rstrip())
                    lines += [" " * label + other for other in others]
                else:
                    lines += [name, *("  " + line for line in _wrapped(text, width - 2))]
            lines.append("")
        lines += _wrapped(str(self.caption), width) if self.caption else []
        yield Segment("\n".join(lines).rstrip("\n") + "\n")


def _parts(columns: Sequence[Column], width: int) -> list[list[Column]] | None:
    """Columns in groups that fit, each begun by the first column; None if records are better."""
    needed = [_needed(column) for column in columns]
    if sum(needed) <= _room(len(columns), width):
        return [list(columns)]
    sentences = any(cell_len(text) > LONG for column in columns for text in _texts(column))
    if sentences or any(needed[0] + need > _room(2, width) for need in needed[1:]):
        return None
    fewest = _filled(columns, width)
    return next(parts for room in range(width + 1) if len(parts := _filled(columns, room)) == len(fewest))


def _filled(columns: Sequence[Column], width: int) -> list[list[Column]]:
    """Columns in groups, each begun by the first column and filled as long as it fits; one more column always does."""
    first, *others = columns
    parts: list[list[Column]] = []
    for column in others:
        if not parts or sum(map(_needed, [*parts[-1], column])) > _room(len(parts[-1]) + 1, width):
            parts.append([first])
        parts[-1].append(column)
    return parts


def _room(n_columns: int, width: int) -> int:
    """Characters that so many columns have for their texts."""
    return width - (PADDING + 1) * n_columns - 1


def _texts(column: Column) -> list[str]:
    """The cells of a column below its header."""
    return [str(cell) for cell in column.cells]


def _needed(column: Column) -> int:
    texts = [str(column.header), *_texts(column)]
    words = max(cell_len(word) for text in texts for word in text.split() or [""])
    short = max((cell_len(text) for text in texts if cell_len(text) <= SHORT), default=0)
    least = READABLE if any(cell_len(text) > LONG for text in texts) else SHORT
    whole = max(map(cell_len, texts))
    return whole if column.no_wrap else max(words, short, min(whole, least))


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """What each column needs, and of what is left as much as the narrower ones want."""
    wanted = [max(map(cell_len, [str(column.header), *_texts(column)])) for column in columns]
    widths, room = list(map(_needed, columns)), _room(len(columns), width)
    while sum(widths) < room and widths != wanted:
        grown = min((width, place) for place, width in enumerate(widths) if width < wanted[place])[1]
        widths[grown] += 1
    return widths


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(width, 1), break_on_hyphens=False)
