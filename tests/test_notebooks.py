"""Law: notebooks run as they stand, convert to equal bytes, hold tested answers, and be_bob answers in a browser."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from lowerbound.cli import main
from lowerbound.cli.notebooks import NOTEBOOK_NAME, Notebook, notebook_folder, notebooks_in, to_ipynb
from lowerbound.errors import InvalidArgument
from tests.browsers import chromium
from tests.marks import first_now

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "notebooks"
BOOKS = notebooks_in(FOLDER)
APP = FOLDER / "be_bob.py"
MOST_CPU_S = 20.0
"""Twice what the slowest takes on a slow machine: a limit for what grows, and no measurement."""
each_book = pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.name)
some_books = pytest.mark.parametrize("book", first_now(BOOKS, 3, n_slow=0), ids=lambda book: book.name)


def cells_of(book: Notebook, *, with_answers: bool = True) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads(to_ipynb(book, with_answers=with_answers))["cells"]
    return cells


def run(arguments: list[str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={**os.environ, "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


def test_every_file_is_a_notebook_or_the_app() -> None:
    """Law: nothing else lies in the folder, and notebooks are numbered from 1."""
    assert {path.name for path in FOLDER.glob("*.py")} == {APP.name, *(book.path.name for book in BOOKS)}
    assert [int(book.name[:2]) for book in BOOKS] == list(range(1, 10))
    assert not list(FOLDER.glob("*.ipynb")), "the .py files are the only source"
    for book in BOOKS:
        assert book.title.startswith(f"{int(book.name[:2])}. ")


@pytest.mark.slow
@some_books
def test_it_runs(book: Notebook) -> None:
    """Law: `python NAME.py` succeeds from the checkout, without a warning, and its own assertions hold."""
    before = os.times()
    result = run(["-W", "error", str(book.path)], ROOT)
    after = os.times()
    assert result.returncode == 0, result.stderr[-2000:]
    assert after.children_user - before.children_user < MOST_CPU_S


@each_book
def test_it_teaches(book: Notebook) -> None:
    """Law: a definition comes first, something is asserted before a plot, "what if" is asked, answers are tested."""
    cells = cells_of(book)
    text = ["".join(cell["source"]) for cell in cells]
    kinds = [cell["cell_type"] for cell in cells]
    definition = next(n for n, source in enumerate(text) if re.search(r"\*\*(Definition|The theorem)", source))
    plot = next(n for n, source in enumerate(text) if "plt.subplots" in source)
    assert definition < kinds.index("code")
    assert any("assert " in source for source in text[:plot])
    assert any("What if" in source or "Door" in source for source in text)
    answers = [n for n, cell in enumerate(cells) if "answer" in cell["metadata"].get("tags", [])]
    assert len(answers) >= 2
    for number, n in enumerate(answers, start=1):
        assert text[n - 1] == f"### Answer {number}"
        assert f"**{number}.**" in text[n - 2]
        assert kinds[n] == "code"
        assert "assert " in text[n + 1], "the cell after an answer tests it"


@each_book
def test_formulas_are_closed(book: Notebook) -> None:
    """Law: dollars come in pairs, and no formula has a blank line in it."""
    for cell in cells_of(book):
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"]).replace("$$", "\0")
            assert source.count("\0") % 2 == 0
            assert all(part.count("$") % 2 == 0 for part in source.split("\n\n"))


def test_the_reduction_has_thirty_lines_and_numpy_alone() -> None:
    """Truth: notebook 2 keeps its word: 30 lines, and no import of this package before the last section."""
    cells = cells_of(BOOKS[1])
    (short,) = [cell for cell in cells if "thirty" in cell["metadata"].get("tags", [])]
    lines = [line for line in "".join(short["source"]).splitlines() if line.strip()]
    assert len(lines) <= 30
    text = BOOKS[1].path.read_text(encoding="utf-8")
    before, _, _ = text.partition("# ## The same, from the library")
    assert "lowerbound" not in before
    assert set(re.findall(r"^(?:import|from) (\w+)", before, re.MULTILINE)) <= {"numpy", "itertools", "matplotlib"}


@each_book
def test_conversion_is_deterministic(book: Notebook) -> None:
    """Law: equal sources give equal bytes; the result is valid, has no outputs, and identifiers without chance."""
    import nbformat

    data = to_ipynb(book)
    assert data == to_ipynb(book)
    read = nbformat.reads(data.decode(), as_version=4)
    nbformat.validate(read)
    assert [cell["id"] for cell in read.cells] == [f"{book.name[:40]}-{n:03}" for n in range(len(read.cells))]
    assert all(not cell.outputs for cell in read.cells if cell.cell_type == "code")
    assert read.metadata.kernelspec.name == "python3"


@each_book
def test_without_answers_something_is_left_to_do(book: Notebook) -> None:
    """Metamorphic: emptying the answers changes those cells alone."""
    full, bare = cells_of(book), cells_of(book, with_answers=False)
    for with_answer, without in zip(full, bare, strict=True):
        if "answer" in with_answer["metadata"].get("tags", []):
            assert with_answer["metadata"]["jupyter"] == {"source_hidden": True}
            assert "".join(without["source"]).startswith("# Your answer")
        else:
            assert with_answer == without


def test_the_checkout_is_found_from_below(tmp_path: Path) -> None:
    """Known value: from the checkout and any folder in it; elsewhere one sentence."""
    assert notebook_folder(ROOT) == notebook_folder(ROOT / "tests" / "core") == FOLDER
    (tmp_path / "notebooks").mkdir()
    with pytest.raises(InvalidArgument, match="inside a checkout of lowerbound"):
        notebook_folder(tmp_path)


def test_a_file_without_a_title_is_refused(tmp_path: Path) -> None:
    """Forgery: a numbered file that does not begin with a title and a paragraph."""
    (tmp_path / "01_nothing.py").write_text("# %%\nprint()\n", encoding="utf-8")
    (tmp_path / "no_number.py").write_text("", encoding="utf-8")
    assert NOTEBOOK_NAME.fullmatch("no_number.py") is None
    with pytest.raises(InvalidArgument, match="must begin with a cell of text"):
        notebooks_in(tmp_path)


def in_this_process(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, output and talk of `lowerbound notebooks WORDS`."""
    argv, sys.argv = sys.argv, ["lowerbound", "notebooks", *words]
    try:
        main()
        code = 0
    except SystemExit as leaving:
        code = int(leaving.code or 0)
    finally:
        sys.argv = argv
    return code, *capsys.readouterr()


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Law: it lists, converts, keeps a file that somebody has changed, and refuses in one sentence with code 2."""
    monkeypatch.chdir(FOLDER)
    code, listed, _ = in_this_process(capsys)
    assert (code, listed.splitlines()) == (0, [f"{book.name}: {book.about}" for book in BOOKS])

    out = tmp_path / "new" / "folder"
    code, told, _ = in_this_process(capsys, "2", "03_nearly_orthogonal_keys", "--to", "ipynb", "--out", str(out))
    assert code == 0
    assert told.splitlines() == [str(out / f"{book.name}.ipynb") for book in BOOKS[1:3]]
    file = out / f"{BOOKS[1].name}.ipynb"
    assert file.read_bytes() == to_ipynb(BOOKS[1])

    again = ["2", "--to", "ipynb", "--out", str(out)]
    assert in_this_process(capsys, *again)[0] == 0, "equal bytes are no loss"
    file.write_text("a teacher's own", encoding="utf-8")
    code, _, why = in_this_process(capsys, *again)
    assert code == 2
    assert "--force replaces it" in why
    assert file.read_text(encoding="utf-8") == "a teacher's own"
    assert in_this_process(capsys, *again, "--force")[0] == 0
    assert file.read_bytes() == to_ipynb(BOOKS[1])

    for words, sentence in (
        (["02_a_cash_is_a_message"], "did you mean 02_a_cache_is_a_message"),
        (["--out", str(out)], "must come with --to ipynb"),
        (["--to", "ipynb", "--out", str(file)], "must name a folder"),
    ):
        code, _, why = in_this_process(capsys, *words)
        assert code == 2
        assert why.startswith("error: ")
        assert sentence in why
    monkeypatch.chdir(tmp_path)
    code, _, why = in_this_process(capsys)
    assert code == 2
    assert "inside a checkout of lowerbound" in why


def test_json_is_one_object() -> None:
    """Law: --json prints one object, from a real process."""
    result = run(["-m", "lowerbound", "notebooks", "7", "--json"], ROOT)
    (row,) = json.loads(result.stdout)["notebooks"]
    assert (row["name"], row["title"], row["file"]) == (BOOKS[6].name, BOOKS[6].title, None)


def test_jupytext_may_be_missing(tmp_path: Path) -> None:
    """Law: without the extra, converting says which one to install."""
    hide = (
        "import sys; sys.modules['jupytext'] = None; from lowerbound.cli import main; sys.argv = sys.argv[1:]; main()"
    )
    refused = run(["-c", hide, "lowerbound", "notebooks", "--to", "ipynb", "--out", str(tmp_path)], ROOT)
    assert refused.returncode == 2
    assert "pip install 'lowerbound[teach]'" in refused.stderr
    assert not list(tmp_path.iterdir())


def test_the_page_lists_them() -> None:
    """Law: docs/notebooks.md has every notebook with its title and sentence, in order, and the app."""
    page = (ROOT / "docs" / "notebooks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(.+)\]\(\.\./notebooks/(.+)\.py\) \| (.+) \|$", page, re.MULTILINE)
    assert rows == [(book.title, book.name, book.about) for book in BOOKS]
    assert "notebooks/be_bob.py" in page


@pytest.mark.slow
@pytest.mark.parametrize("book", first_now(BOOKS, 2, n_slow=0), ids=lambda book: book.name)
def test_jupyter_executes_it(book: Notebook) -> None:
    """Law: in a real kernel, in the folder of notebooks, every cell runs, and what draws shows a picture."""
    import nbformat
    from nbclient import NotebookClient

    read = nbformat.reads(to_ipynb(book).decode(), as_version=4)
    NotebookClient(read, timeout=240, resources={"metadata": {"path": str(FOLDER)}}).execute()
    pictures = 0
    for cell in read.cells:
        if cell.cell_type == "code":
            shown = sum("image/png" in output.get("data", {}) for output in cell.outputs)
            assert shown == cell.source.count("plt.subplots")
            assert not any(output.get("name") == "stderr" for output in cell.outputs), cell.outputs
            told = [output["data"].get("text/plain", "") for output in cell.outputs if "data" in output]
            assert all(text.startswith("<Figure") for text in told), "the value of a last line is no text for readers"
            pictures += shown
    assert pictures >= 1


@pytest.mark.slow
@some_books
def test_the_tests_of_answers_can_fail(book: Notebook, tmp_path: Path) -> None:
    """Forgery: the cells that Jupyter executes with their answers fail, for want of a name, without them."""
    script = tmp_path / "script.py"
    cells = cells_of(book, with_answers=False)
    script.write_text("\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"), "utf-8")
    result = run([str(script)], ROOT)
    assert result.returncode == 1
    assert (
        "NameError" in result.stderr
        or "must name an importable module" in result.stderr
        or "class of module" in result.stderr
    )


@pytest.mark.slow
def test_the_app_is_sound_and_runs() -> None:
    """Law: marimo finds nothing to warn of, and the app runs once as a plain program."""
    checked = run(["-m", "marimo", "check", "--strict", str(APP)], ROOT)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    result = run(["-W", "error", str(APP)], ROOT)
    assert result.returncode == 0, result.stderr[-2000:]


@contextmanager
def served() -> Iterator[str]:
    """The app, served on the loopback interface."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["-m", "marimo", "run", "--headless", "--host", "127.0.0.1", "--port", str(port), str(APP)]
    server = subprocess.Popen([sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(timeout=20)


def is_complaint(said: Any) -> bool:
    """Whether a page complains: not of a slow machine, on which it has not used a picture after a few seconds."""
    return said.type in ("error", "warning") and "was preloaded using link preload but not used" not in said.text


@pytest.mark.long
def test_be_bob_in_a_browser(tmp_path: Path) -> None:
    """Law: in a real browser that reaches this machine alone, sliders change the answer, and nothing complains."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    problems: list[str] = []
    loopback_only = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox", loopback_only])
        page = browser.new_page(viewport={"width": 1000, "height": 1300})
        page.on("console", lambda said: problems.append(said.text) if is_complaint(said) else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on("request", lambda asked: None if "127.0.0.1" in asked.url else problems.append(f"left: {asked.url}"))
        page.goto(address)
        page.get_by_text("Guess first").wait_for()
        page.get_by_text("are read right").first.wait_for(timeout=60_000)

        def told(pattern: str) -> float:
            found = re.search(pattern, page.inner_text("body"))
            assert found is not None, page.inner_text("body")
            return float(found[1])

        def press(slider: int, key: str, times: int = 1) -> None:
            page.get_by_role("slider").nth(slider).focus()
            for _ in range(times):
                page.keyboard.press(key)

        budget, multiplier, token = 0, 1, 6
        right = told(r"([\d.]+)\s% are read right")
        assert told(r"floor, (\d+) bits") <= told(r"message, (\d+) bits")
        page.screenshot(path=tmp_path / "first.png")

        press(budget, "End")
        page.get_by_text("100.0 % are read right").wait_for()
        assert right < 100
        assert min(abs(told(r"The cache answers (\d\.\d+)") - bit) for bit in (0, 1)) < 0.1
        press(token, "ArrowRight")
        page.get_by_text("Orange: token 1,").wait_for()
        press(multiplier, "Home")
        page.get_by_text("no threshold is promised to work").wait_for()
        page.get_by_role("radio", name="1").click()
        page.get_by_text("Alice's bit is").wait_for()
        page.get_by_role("combobox").first.select_option("exact")
        page.get_by_text("message, 432 bits").wait_for()
        page.screenshot(path=tmp_path / "last.png")
        browser.close()
    assert problems == []
    assert min((tmp_path / name).stat().st_size for name in ("first.png", "last.png")) > 20_000


PHONE = (390, 844)
OUT_OF_REACH = """width => [...document.querySelectorAll('input, select, [role=slider], [role=radio], svg[role=img]')]
    .map(one => one.getBoundingClientRect()).filter(box => box.width && (box.left < 0 || box.right > width)).length"""


@pytest.mark.long
def test_be_bob_on_a_phone() -> None:
    """Law: at 390 pixels nothing is wider than the screen, every control can be touched, and the game ends: a cache
    that keeps everything is asked for a bit, a guess is made, and Alice's bit and the score are told."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with served() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": PHONE[0], "height": PHONE[1]}, has_touch=True)
        page = context.new_page()
        page.goto(address)
        page.get_by_text("Guess first").wait_for(timeout=60_000)

        def fits() -> None:
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]
            assert page.evaluate(OUT_OF_REACH, PHONE[0]) == 0

        fits()
        page.get_by_role("combobox").first.select_option("exact")
        page.get_by_text("100.0 % are read right").wait_for()
        token = page.get_by_role("slider").nth(6)
        token.scroll_into_view_if_needed()
        token.focus()
        page.keyboard.press("End")
        page.get_by_text("Orange: token 20,").wait_for()
        said = re.search(r"The cache answers (\d\.\d+)", page.inner_text("body"))
        assert said is not None
        bit = "1" if float(said[1]) > 0.5 else "0"
        page.get_by_role("radio", name=bit).tap()
        page.get_by_text(f"Alice's bit is {bit}: you are right.").wait_for()
        fits()
        page.get_by_role("slider").nth(3).focus()
        page.keyboard.press("Home")  # fewer maps: a game anew
        page.get_by_text("Grey: the 1 cached token").wait_for()
        fits()
        browser.close()
