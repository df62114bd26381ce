"""Notebooks: list the teaching notebooks of a checkout, and convert them for Jupyter."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from lowerbound.cli.options import JsonOption, print_json
from lowerbound.errors import InvalidArgument, invalid, unknown

TITLE = re.compile(r"# %% \[markdown\]\n# # (?P<title>.+)\n#\n(?P<first>(?:# .+\n)+)")
"""A notebook begins with a cell of text: its title, and a paragraph whose first sentence says what it is about."""

NOTEBOOK_NAME = re.compile(r"\d\d_\w+\.py")
ANSWER = "answer"
YOUR_TURN = "# Your answer goes here; the next cell tests it."
KERNEL = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class TargetName(StrEnum):
    """The formats to which a notebook can be converted."""

    IPYNB = "ipynb"


@dataclass(frozen=True)
class Notebook:
    """One file of the folder `notebooks`: Python with cells marked by `# %%`."""

    path: Path
    title: str
    about: str

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def notebooks_in(folder: Path) -> list[Notebook]:
    """The notebooks of a folder, in reading order.

    Contract: every file named NN_NAME.py is one. Its title and the first sentence of its text come from its first cell,
    and a file without them raises InvalidArgument.
    """
    found = []
    for path in sorted(path for path in folder.glob("*.py") if NOTEBOOK_NAME.fullmatch(path.name)):
        head = TITLE.match(path.read_text(encoding="utf-8"))
        if head is None:
            raise InvalidArgument(f"{path} must begin with a cell of text that has a title and a paragraph")
        paragraph = " ".join(line.removeprefix("# ") for line in head["first"].splitlines())
        found.append(Notebook(path, head["title"], re.split(r"(?<=[.!?]) ", paragraph)[0]))
    return found


def notebook_folder(here: Path) -> Path:
    """The folder `notebooks` of the checkout that `here` lies in; InvalidArgument elsewhere."""
    for place in (here, *here.parents):
        if (place / "notebooks").is_dir() and (place / "lowerbound" / "cli" / "notebooks.py").is_file():
            return place / "notebooks"
    raise InvalidArgument(
        f"notebooks must be asked for inside a checkout of lowerbound, whose folder 'notebooks' holds them, got {here}"
    )


def to_ipynb(notebook: Notebook, *, with_answers: bool = True) -> bytes:
    """The notebook for Jupyter.

    Contract: equal sources give equal bytes. Cells tagged as answers are folded; without answers they are empty, and
    the cells after them, which test them, stay.
    """
    import jupytext
    import nbformat

    book: Any = jupytext.reads(notebook.path.read_text(encoding="utf-8"), fmt="py:percent")
    book.metadata = nbformat.from_dict(KERNEL)
    book.nbformat, book.nbformat_minor = 4, 5
    for number, cell in enumerate(book.cells):
        cell["id"] = f"{notebook.name[:40]}-{number:03}"
        if ANSWER in cell.metadata.get("tags", []):
            if with_answers:
                cell.metadata["jupyter"] = {"source_hidden": True}
            else:
                cell.source = YOUR_TURN
    nbformat.validate(book)
    return f"{nbformat.writes(book, version=nbformat.NO_CONVERT)}\n".encode()


def _chosen(names: list[str], books: list[Notebook]) -> list[Notebook]:
    wanted = []
    for name in names:
        plain = name.removesuffix(".py")
        found = [book for book in books if plain in (book.name, book.name[:2], book.name[:2].lstrip("0"))]
        if not found:
            raise unknown("notebook", name, (book.name for book in books))
        wanted += found
    return [book for book in books if not names or book in wanted]


def notebooks(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Names or numbers; default: all of them.")
    ] = None,
    to: Annotated[TargetName | None, typer.Option("--to", help="Convert to this format; without it, list.")] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Where files go; default: here.")] = None,
    answers: Annotated[bool, typer.Option(help="Keep the answers to the exercises.")] = True,
    force: Annotated[bool, typer.Option("--force", help="Replace files that have been changed.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List the teaching notebooks of the checkout, or convert them for Jupyter."""
    if to is None and (out is not None or force or not answers):
        raise InvalidArgument("--out, --force and --no-answers must come with --to ipynb, got no --to")
    chosen = _chosen(names or [], notebooks_in(notebook_folder(Path.cwd())))
    written = {} if to is None else _convert(chosen, Path.cwd() if out is None else out, answers, force)
    if as_json:
        rows = [
            {
                "name": book.name,
                "title": book.title,
                "about": book.about,
                "source": str(book.path),
                "file": None if to is None else str(written[book.name]),
            }
            for book in chosen
        ]
        print_json({"notebooks": rows})
        return
    for book in chosen:
        print(f"{book.name}: {book.about}" if to is None else written[book.name])
    if to is None:
        print(
            "\n`python NAME.py` runs one; `lowerbound notebooks --to ipynb` converts them for Jupyter", file=sys.stderr
        )


def _convert(books: list[Notebook], folder: Path, with_answers: bool, force: bool) -> dict[str, Path]:
    try:
        converted = {book.name: to_ipynb(book, with_answers=with_answers) for book in books}
    except ModuleNotFoundError as error:
        raise InvalidArgument(
            f"--to ipynb needs {error.name}, which is not installed; pip install 'lowerbound[teach]' brings it"
        ) from None
    if folder.exists() and not folder.is_dir():
        raise invalid("--out", "name a folder", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    written = {name: folder / f"{name}.ipynb" for name in converted}
    for name, path in written.items():
        if path.exists() and not force and path.read_bytes() != converted[name]:
            raise InvalidArgument(
                f"{path} is there already, with other contents, and was left as it is; --force replaces it"
            )
    for name, data in converted.items():
        written[name].write_bytes(data)
    return written
