"""The terminal: foreign text is shown and not obeyed, and a stream that nobody reads is no refutation."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

from lowerbound.errors import printable_lines

if TYPE_CHECKING:
    from rich.console import Console

BROKEN_PIPE_EXIT_CODE = 128 + signal.SIGPIPE
WIDTH_WITHOUT_TERMINAL = 132
LEAST_WIDTH, MOST_WIDTH = 20, 10_000


class Shown:
    """A text stream through which nothing reaches a terminal but printable characters and line feeds.

    Contract: `write` passes on `printable_lines` of the text. Where nobody reads the stream any more, standard output
    ends the program with status 141, as SIGPIPE would. Standard error (`lossy`) is silent from then on, and so it is
    after any other failure: a sentence that cannot be told changes no exit code. Everything else is the stream's.
    """

    def __init__(self, stream: TextIO, *, lossy: bool) -> None:
        self.unfiltered = stream
        self._lossy = lossy

    def __getattr__(self, name: str) -> Any:
        return getattr(self.unfiltered, name)

    def write(self, text: str) -> int:
        with self._guarded():
            self.unfiltered.write(printable_lines(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._guarded():
            self.unfiltered.flush()

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            # What is still buffered would fail again when Python ends, and set the exit code to 120.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.unfiltered.fileno())
            if self._lossy:
                return
            if error.errno == errno.EPIPE:
                sys.exit(BROKEN_PIPE_EXIT_CODE)
            raise


@contextmanager
def shown_streams() -> Iterator[None]:
    """A context in which standard output and error are `Shown`, and flushed at its end.

    Contract: a standard stream that was closed is /dev/null, so that no file that is opened later takes its place.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            setattr(sys, name, os.fdopen(number, "w" if number else "r", closefd=False))
    before = sys.stdout, sys.stderr
    streams = [Shown(sys.stdout, lossy=False), Shown(sys.stderr, lossy=True)]
    sys.stdout, sys.stderr = (cast(TextIO, stream) for stream in streams)
    try:
        yield
    finally:
        try:
            for stream in streams:
                stream.flush()
        finally:
            sys.stdout, sys.stderr = before


def say(text: str = "") -> None:
    """Print lines, those that are wider than the terminal, or than $COLUMNS, folded between words.

    Contract: every word stays whole; a folded line goes on indented as deep as it began, and four characters more. What
    is piped without $COLUMNS is not folded.
    """
    if sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    else:
        width = width_without_terminal() if os.environ.get("COLUMNS", "").isdigit() else MOST_WIDTH
    print("\n".join(folded for line in text.split("\n") for folded in folds(line, width)))


def folds(line: str, width: int) -> list[str]:
    """A line as lines of at most `width` characters, where words allow it."""
    if len(line) <= width:
        return [line]
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(
        line,
        width,
        initial_indent=indent,
        subsequent_indent=indent + " " * 4,
        drop_whitespace=True,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )


def width_without_terminal() -> int:
    """The width of output that is no terminal's: that of the variable COLUMNS, if it is a number from 20 on."""
    said = os.environ.get("COLUMNS", "")
    if not (said.isascii() and said.isdigit()):
        return WIDTH_WITHOUT_TERMINAL
    return min(max(LEAST_WIDTH, int(said[:9])), MOST_WIDTH)


def console(*, stderr: bool = False) -> Console:
    """The console on standard output or error; if that is no terminal, its width is $COLUMNS, or 132 characters.

    Contract: the texts of cells, titles and descriptions are no markup, and are shown as `Shown` does: on a terminal,
    only the console's own styles are obeyed.
    """
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    class ShownConsole(Console):
        """A console whose renderables bring no escapes of their own."""

        def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterator[Segment]:
            for part in super().render(renderable, options):
                yield part if part.control else Segment(printable_lines(part.text), part.style)

    stream = sys.stderr if stderr else sys.stdout
    is_looked_at = stream.isatty()
    return ShownConsole(
        file=stream.unfiltered if isinstance(stream, Shown) and is_looked_at else stream,
        width=None if is_looked_at else width_without_terminal(),
        highlight=False,
        markup=False,
        emoji=False,
    )
