"""Truth: docs/write_a_cache.md, run block by block in an empty directory, prints what the page says that it prints.

`python tests/test_tutorial.py` writes what it prints now into the page, to be read before it is kept.
"""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "write_a_cache.md"
BLOCK = re.compile(r"^```(console|python|toml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"# (\w+\.py)(, at its end|, as it is|)\n")
SAME = doctest.NORMALIZE_WHITESPACE


def console(block: str, here: Path) -> str:
    """Run the lines that begin with "$ ", and return the block with what they print now."""
    told = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        result = subprocess.run(
            ["/bin/sh", "-c", line.removeprefix("$ ")],
            cwd=here,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": str(here / "site"),
                "NO_COLOR": "1",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        told.append(f"{line}\n{result.stdout}".replace(str(here), "/home/you"))
    return "".join(told)


def other(language: str, block: str, here: Path) -> None:
    """Save a block under the name in its first line, or run it; a table of entry points is installed."""
    if language == "toml":
        (points,) = tomllib.loads(block)["project"]["entry-points"].items()
        info = here / "site" / "mine-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n", encoding="utf-8")
        lines = [f"[{points[0]}]", *(f"{name} = {target}" for name, target in points[1].items())]
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return
    named = FILE.match(block)
    if named is None:
        exec(compile(block, str(PAGE), "exec"), {})  # noqa: S102 - the page's own code
        return
    file, code = here / named[1], block[named.end() :]
    if named[2] == ", as it is":
        assert file.read_text(encoding="utf-8") == code
    elif named[2]:
        file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{code}", encoding="utf-8")
    else:
        file.write_text(code, encoding="utf-8")


def without_level(text: str) -> str:
    """The isolation depends on the machine."""
    return re.sub(r"isolation (sandbox|process)", "isolation ...", text)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_block_does_what_the_page_shows(tmp_path: Path) -> None:
    """Truth: commands print the page's output, files play, statements hold; the isolation is the machine's own."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert {"console", "python", "toml"} == {language for language, _ in blocks}
    for language, block in blocks:
        if language == "console":
            found, shown = without_level(console(block, tmp_path)), without_level(block)
            assert doctest.OutputChecker().check_output(shown, found, SAME), found
        else:
            other(language, block, tmp_path)


def test_the_page_points_at_things_that_exist() -> None:
    """Truth: every path and link of the page leads somewhere, and its line of the registry is there."""
    text = PAGE.read_text(encoding="utf-8")
    for place in re.findall(r"`((?:lowerbound|tests)/[\w/.]+)`", text):
        assert (ROOT / place).exists(), place
    for link in re.findall(r"\]\(([\w./]+)\)", text):
        assert (PAGE.parent / link).exists(), link
    (line,) = re.findall(r'^    "window": .*$', text, re.MULTILINE)
    assert line in (ROOT / "lowerbound" / "caches" / "registry.py").read_text(encoding="utf-8").splitlines()


def refreshed(text: str, here: Path) -> str:
    """The page with what its commands print now."""

    def fill(block: re.Match[str]) -> str:
        if block[1] != "console":
            other(block[1], block[2], here)
            return block[0]
        told = "\n".join(line.rstrip() for line in console(block[2], here).splitlines())
        return f"```console\n{told}\n```"

    return BLOCK.sub(fill, text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
