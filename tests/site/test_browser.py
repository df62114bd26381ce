"""The site in a real browser, from files, without a network: everything loads, leads somewhere and can be reached."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag

import pytest

from lowerbound.certify.certified import certified
from lowerbound.certify.floors import Floor, floor
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.models import find_model
from lowerbound.prove.book import load_book
from lowerbound.report.site.proof_page import anchor
from tests.site.searched import close, nearly, numbers_in

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = shutil.which("chromium")
PHONE, DESKTOP = (375, 812), (1440, 1000)
pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1800),  # the first test builds the site
    pytest.mark.skipif(CHROMIUM is None, reason="needs chromium: apt-get install chromium brings it on Debian"),
]
for extra in ("sphinx", "furo", "myst_parser", "latex2mathml", "playwright"):
    if find_spec(extra) is None:
        pytest.skip("needs playwright: the extras docs and browser are not installed", allow_module_level=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make site` builds it: a warning is an error."""
    place: Path = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "--keep-going", "-j", "auto", "-d", str(place / "doctrees"), "docs", str(place / "html")]
    run = subprocess.run(
        [sys.executable, "-m", "sphinx", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return place / "html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


class Reader:
    """A page in an offline context; every complaint of the browser is kept."""

    def __init__(self, browser: Any, size: tuple[int, int] = DESKTOP, scheme: str = "light") -> None:
        self.context = browser.new_context(
            offline=True, viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
        )
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("request", lambda request: self.asked.add(request.url))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, path: Path, fragment: str = "") -> Any:
        self.page.goto(f"{path.as_uri()}{fragment}")
        return self.page

    def close(self) -> None:
        self.context.close()


@pytest.fixture
def reader(browser: Any) -> Iterator[Reader]:
    one = Reader(browser)
    yield one
    one.close()


def kinds_of_pages(site: Path) -> list[Path]:
    """Every page; of sources one of each language is enough, and of modules the ten longest."""
    sources = [site / "generated" / "source" / name for name in ("theorem.html", "Index.html")]
    shown = [site / "_modules" / "lowerbound" / "core" / "bounds.html"]
    modules = sorted((site / "generated" / "api" / "modules").glob("*.html"), key=lambda page: page.stat().st_size)
    found = [p for p in site.rglob("*.html") if not {"_modules", "source", "modules"} & set(p.parts)]
    return sorted([*found, *sources, *shown, *modules[-10:]])


def test_every_page_loads_without_a_complaint_and_without_a_network(site: Path, reader: Reader) -> None:
    """Law: no failed request, no console error, and no request that is not a file of the site."""
    pages = kinds_of_pages(site)
    assert len(pages) > 25
    for path in pages:
        reader.open(path)
        assert not reader.complaints, (path, reader.complaints)
    outside = {url for url in reader.asked if not url.startswith(site.as_uri())}
    assert not {url for url in outside if not url.startswith("data:")}


def test_every_link_inside_the_site_leads_somewhere(site: Path, reader: Reader) -> None:
    """Law: each link of each kind of page is a file of the site, and its fragment an element of it."""
    identifiers: dict[Path, set[str]] = {}

    def ids(path: Path) -> set[str]:
        if path not in identifiers:
            identifiers[path] = set(re.findall(r'\bid="([^"]+)"', path.read_text(encoding="utf-8")))
        return identifiers[path]

    checked = 0
    for path in kinds_of_pages(site):
        for link in reader.open(path).evaluate(
            "[...document.querySelectorAll('a[href]')].map(a => a.href.baseVal ?? a.href)"
        ):
            if link.startswith("#"):
                link = path.as_uri() + link
            if link.startswith(("http://", "https://")):
                continue
            target, fragment = urldefrag(link)
            place = Path(unquote(target.removeprefix("file://")))
            assert place.is_file(), (path, link)
            if fragment and place.name != "explorer.html":
                assert unquote(fragment) in ids(place), (path, link)
            checked += 1
    assert checked > 2000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_scrolls_sideways_on_a_phone(site: Path, browser: Any, scheme: str) -> None:
    """Law: at 375 pixels every page is as wide as the screen; what is wider scrolls in a frame of its own."""
    phone = Reader(browser, PHONE, scheme)
    for path in kinds_of_pages(site):
        width = phone.open(path).evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE[0], path
    phone.close()


def luminance(colour: str) -> float:
    """Relative luminance of a CSS rgb colour, as WCAG 2 defines it."""
    channels = [int(c) / 255 for c in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_the_definition() -> None:
    """Known value: black on white is 21, a colour on itself 1."""
    assert contrast("rgb(0, 0, 0)", "rgb(255, 255, 255)") == pytest.approx(21)
    assert contrast("rgb(9, 99, 199)", "rgb(9, 99, 199)") == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_graph_and_the_explorer_can_be_read_in_light_and_dark(site: Path, browser: Any, scheme: str) -> None:
    """Law: text has a contrast of 4.5 with what it stands on, in both schemes, and the schemes differ."""
    here = Reader(browser, DESKTOP, scheme)
    page = here.open(site / "generated" / "proof.html")
    boxes = page.evaluate(
        "[...document.querySelectorAll('svg.proof-graph .node')].map(n => [n.dataset.id, "
        "getComputedStyle(n.querySelector('text')).fill, getComputedStyle(n.querySelector('rect')).fill])"
    )
    assert boxes
    for lemma, ink, ground in boxes:
        assert contrast(ink, ground) >= 4.5, (lemma, ink, ground)
    page = here.open(site / "explorer.html")
    ink, soft, ground = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.querySelector('p.soft')).color, "
        "getComputedStyle(document.body).backgroundColor]"
    )
    assert min(contrast(ink, ground), contrast(soft, ground)) >= 4.5
    assert (luminance(ground) > 0.5) == (scheme == "light")
    here.close()


def test_every_lemma_of_the_graph_opens_its_section(site: Path, reader: Reader) -> None:
    """Law: clicking a box goes to a section that is headed by its lemma; every lemma of the book has a box."""
    page = reader.open(site / "generated" / "proof.html")
    lemmas = page.evaluate("[...document.querySelectorAll('.whole .node')].map(n => n.dataset.id)")
    assert sorted(lemmas) == sorted(lemma.id for lemma in load_book(ROOT / "proofs").lemmas)
    for lemma in lemmas:
        page.locator(f".whole .node[data-id='{lemma}']").click()
        assert page.evaluate("location.hash") == f"#{anchor(lemma)}"
        headed = page.evaluate(
            "id => { const t = document.getElementById(id); return (t.closest('section') ?? t).querySelector('h3')"
            ".firstChild.textContent }",
            anchor(lemma),
        )
        assert headed == lemma
    assert not reader.complaints


def test_the_graph_is_reached_and_opened_by_keyboard(site: Path, reader: Reader) -> None:
    """Law: Tab goes from box to box, what a box rests on is marked when it has the focus, and Enter opens it."""
    page = reader.open(site / "generated" / "proof.html")
    count = page.evaluate("document.querySelectorAll('.whole .node').length")
    page.locator(".graph-frame:has(.whole)").focus()
    reached = []
    for _ in range(count):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.id"))
    assert len(set(reached)) == count
    page.locator(".whole .node[data-id='kv_cache_lower_bound']").focus()
    marked = set(page.evaluate("[...document.querySelectorAll('.whole .node.on')].map(n => n.dataset.id)"))
    graph = load_book(ROOT / "proofs").graph()
    assert {"kv_cache_lower_bound", *graph.predecessors("kv_cache_lower_bound")} <= marked < set(graph)
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#kv-cache-lower-bound"


def test_the_page_of_the_proof_shows_no_tex(site: Path, reader: Reader) -> None:
    """Law: formulas are MathML elements with a size, and no text outside code has a backslash."""
    page = reader.open(site / "generated" / "proof.html")
    assert page.evaluate("document.querySelectorAll('math').length") > 10
    assert page.evaluate("[...document.querySelectorAll('math')].every(m => m.getBoundingClientRect().width > 5)")
    for path in (site / "generated" / "proof.html", site / "theorem.html", site / "index.html"):
        told = reader.open(path).evaluate(
            "(() => { const a = document.querySelector('article').cloneNode(true);"
            "a.querySelectorAll('pre, code').forEach(e => e.remove()); return a.textContent })()"
        )
        assert "\\" not in told, told[max(0, told.find("\\") - 40) : told.find("\\") + 40]


def shown_bits(page: Any) -> dict[str, str]:
    """The rows of the explorer's table: what is shown as bits per head."""
    found: dict[str, str] = page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#floors tr[data-row]')].map(tr => "
        "[tr.dataset.row, tr.querySelector('td.bits')?.textContent ?? 'nothing']))"
    )
    return found


def test_the_explorer_answers_with_the_librarys_numbers(site: Path, reader: Reader) -> None:
    """Differential: whatever model, error and failure probability are chosen, floors are those of `certified`."""
    page = reader.open(site / "explorer.html")
    for name, eta, delta in (
        ("var-d16", "1/100", "0"),
        ("infinity-2b-0.06m", "1/1000", "0"),
        ("var-d30", "1/10", "1/100"),
    ):
        page.select_option("#model", name)
        page.select_option("#eta", eta)
        page.select_option("#delta", delta)
        shown = shown_bits(page)
        for theorem in THEOREMS:
            found = certified(find_model(name), eta=Fraction(eta), delta=Fraction(delta), theorem=theorem)
            now = nearly({theorem: None if found is None else found.bits})
            assert {theorem: bits_of(shown[theorem])} == now, (name, eta, delta)
        assert shown["fp16"] == f"{find_model(name).head_cache_bits:,}"
        assert page.evaluate("location.hash").startswith(f"#model={name}")
    assert not reader.complaints


def bits_of(shown: str) -> int | None:
    """The number of bits that the explorer shows, or None for nothing."""
    return None if shown == "nothing" else int(shown.replace(",", ""))


def megabytes(bits: float) -> str:
    """Bits as the explorer shows the lower bound of a whole cache: rounded down."""
    return f"{bits // 800_000 / 10:,.1f}".removesuffix(".0") + " MB"


@pytest.mark.parametrize(
    ("name", "context", "eta", "delta"),
    [
        ("llama-3.2-1b", 8192, "1/100", "0"),
        ("gemma-3-4b", 4096, "1/1000", "1/100"),
        ("deepseek-v3", 1024, "1/10", "0"),
    ],
)
def test_the_explorer_takes_language_models(
    site: Path, reader: Reader, name: str, context: int, eta: str, delta: str
) -> None:
    """Differential: floors of a head, of each kind of layer and of the whole cache are those of `floor`; what is enough
    with public weights and every note stand beside them, and the address leads back."""
    page = reader.open(site / "explorer.html")
    for control, value in (("model", name), ("context", str(context)), ("eta", eta), ("delta", delta)):
        page.select_option(f"#{control}", value)
    now = floor(name, context=context, eta=eta, failure_prob=delta)
    assert now.placed is not None
    shown, answer, layers = (
        shown_bits(page),
        page.locator("#answer").inner_text(),
        page.locator("#shares").inner_text(),
    )
    known = {one.theorem.name: one.bits for one in now.certified}
    assert {key: bits_of(shown[key]) for key in THEOREMS} == nearly({key: known.get(key) for key in THEOREMS})
    assert f"at {context:,} tokens" in answer
    assert megabytes(now.total(Floor.checked_bits)) in answer
    assert any(told == close(now.total(Floor.proved_bits) / 8e6, 0.1) for told in numbers_in(answer))
    assert f"{now.total_cache_bits:,} bits" in page.locator("tr[data-row='fp16']").inner_html()
    for part, _ in now.parts:
        for bits in (part.cache_bits, part.checked_bits()):
            assert f"{bits:,}" in layers
        assert any(told == close(part.proved_bits()) for told in numbers_in(layers))
    assert now.models["R2"].says in page.locator("#outside").inner_text()
    notes = page.locator("#notes").inner_text().casefold()
    assert all(note.casefold() in notes for note in now.placed.notes)
    address = page.evaluate("location.hash")
    page.goto("about:blank")
    page = reader.open(site / "explorer.html", address)
    assert page.locator("#answer").inner_text() == answer
    page.select_option("#model", "var-d16")
    assert not page.locator("#layers").is_visible()
    assert not page.locator("#context").is_visible()
    assert "context" not in page.evaluate("location.hash")
    assert not reader.complaints


def test_every_language_model_can_be_shown(site: Path, browser: Any) -> None:
    """Law: each model at each context and error is shown without a complaint, by a page as wide as a phone."""
    phone = Reader(browser, PHONE, "dark")
    page = phone.open(site / "explorer.html")
    shown = page.evaluate(
        "data.languages.flatMap(one => Object.keys(one.at).map(context => { for (const eta of "
        "data.errors.language.etas) { location.hash = ''; model.value = one.name; "
        "model.dispatchEvent(new Event('change')); el('context').value = context; el('eta').value = eta; "
        "el('context').dispatchEvent(new Event('change')); if (/NaN|undefined|null/.test(document.body.innerText)) "
        "return [one.name, context, eta, 'a hole'] } "
        "return [one.name, context, '', document.documentElement.scrollWidth] }))"
    )
    assert len(shown) > 250
    assert not [told for told in shown if told[3] != PHONE[0]]
    assert not phone.complaints
    phone.close()


def test_the_explorer_opens_where_its_address_says(site: Path, reader: Reader) -> None:
    """Law: model, error and failure probability can be linked to; nonsense falls back to the first choice."""
    page = reader.open(site / "explorer.html", "#model=var-d30&eta=1%2F1000&delta=1%2F10")
    assert page.evaluate("[model.value, eta.value, delta.value]") == ["var-d30", "1/1000", "1/10"]
    page.goto("about:blank")
    page = reader.open(site / "explorer.html", "#model=nothing&eta=7")
    assert page.evaluate("[model.value, eta.value]") == ["var-d16", "1/100"]
    assert not reader.complaints


def test_ledgers_are_shown_by_mouse_and_by_keyboard(site: Path, reader: Reader) -> None:
    """Law: the arrow keys go from game to game, and each shows its row's ledger as it is stored."""
    page = reader.open(site / "explorer.html")
    rows = json.loads((ROOT / "docs" / "explorer.json").read_text(encoding="utf-8"))["games"][numbers_key()]
    known = {row["cache"]: row for row in rows if row["budget"] is None}
    page.locator("#games .dot[tabindex='0']").focus()
    names = set()
    for _ in range(12):
        page.keyboard.press("ArrowRight")
        names.add(page.locator("#ledger h3").inner_text())
    assert len(names) > 6
    page.select_option("#cache", "golay")
    told = page.locator("#ledger").inner_text()
    for part, bits in known["golay"]["ledger"].items():
        assert re.search(rf"{part.replace('_', ' ')}\s+{bits:,} bits", told), (part, told)
    assert f"{known['golay']['state_bits']:,} bits" in told
    page.select_option("#cache", "exact")
    page.locator("#games .dot[aria-label^='exact:']").hover(force=True)
    assert page.locator("#ledger h3").inner_text() == "exact"


def test_marks_stand_where_the_axes_say(site: Path, reader: Reader) -> None:
    """Law: the mark of a game lies between the labels of the powers of ten about its bits per symbol, and right of
    the label of an error that is not larger than its own."""
    page = reader.open(site / "explorer.html")
    labels = page.evaluate(
        "[...document.querySelectorAll('#games .axis')].map(a => [...a.querySelectorAll('text')].slice(0, -1)"
        ".map(t => { const b = t.getBoundingClientRect();"
        " return [Number(t.textContent.replaceAll(',', '')), b.x + b.width / 2, b.y + b.height / 2] }))"
    )
    errors, powers = labels
    marks = page.evaluate(
        "[...document.querySelectorAll('#games .dot')].map(d => { const b = d.querySelector('.mark')"
        ".getBoundingClientRect(); return [d.row.state_bits / d.row.symbols, d.row.error, b.x + b.width / 2,"
        " b.y + b.height / 2] })"
    )
    assert len(errors) == 6
    assert len(powers) >= 5
    slack = 4  # pixels: a polygon's box is not centred on its point, nor a label on its line
    for bits, error, x, y in marks:
        assert all(y < height + slack for power, _, height in powers if power <= bits)
        assert all(y > height - slack for power, _, height in powers if power >= bits)
        assert all(x > place - slack for told, place, _ in errors if told <= error)
        assert all(x < place + slack for told, place, _ in errors if told >= error)


def test_families_can_be_hidden(site: Path, reader: Reader) -> None:
    """Law: as many marks stand in the picture as rows of the families that are ticked."""
    page = reader.open(site / "explorer.html")
    before = page.locator("#games .dot").count()
    page.locator("#families input[value='third-party']").uncheck()
    after = page.locator("#games .dot").count()
    rows = json.loads((ROOT / "docs" / "explorer.json").read_text(encoding="utf-8"))["games"][numbers_key()]
    assert before == len(rows)
    assert after == sum(row["family"] != "third-party" for row in rows)
    page.select_option("#model", "infinity-20b-1m")
    assert "No games on this geometry" in page.locator("#games").inner_text()


def numbers_key() -> str:
    """The geometry of the model that the explorer opens with."""
    from lowerbound.report.site.explorer_floors import geometry_of

    return geometry_of(find_model("var-d16"))
