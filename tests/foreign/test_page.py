"""Truth: the page and the badge of an audit hold its numbers, ask for nothing, and obey no text of a package."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from lowerbound.report.audit import COLOURS, audit_table, audit_text, badge, bars
from lowerbound.report.audit_page import command, page
from tests.browsers import chromium

TOLD: dict[str, Any] = {
    "target": "transformers:some_package:Cache",
    "package": "some-package",
    "version": "1.2",
    "claimed_ratio": 4.0,
    "claimed_by": "--claim",
    "own_ratio": 3.5,
    "fp16_bytes": 434176,
    "held_bytes": 217088,
    "held_ratio": 2.0,
    "sent_bytes": 217000,
    "sent_ratio": 2.0008,
    "packed_ratio": 2.5,
    "error": 0.25,
    "keys_error": 0.5,
    "verdict": "misstates",
    "reasons": [
        "claims 4.00x, holds 2.00x (original rows are kept in `layers[*].keys`)",
        "misreads 25 % of bits at rest",
    ],
    "ledger": [
        {
            "path": "layers[0].keys",
            "dtype": "torch.float16",
            "shape": [1, 2],
            "bytes": 217088,
            "kind": "tensor",
            "note": "x",
        }
    ],
    "long": {"tokens": 4112, "d": 128, "fp16_bytes": 8, "held_bytes": 4, "held_ratio": 2.0},
    "pictures": {
        "pictures": 3,
        "agreement": 0.7,
        "image_error": 0.0075,
        "trace_error": 0.026,
        "trace_error_worst": 0.21,
    },
    "pictures_refused": None,
    "witness": {
        "tokens": 2,
        "d": 1,
        "attack": "gap",
        "answer": 0.0,
        "exact": 0.7,
        "error_over_eta": 70.0,
        "file": None,
        "rows": {
            "keys": [[1.0], [1.0]],
            "values": [[0.0], [1.0]],
            "queries": [[1.0], [1.0]],
            "asked": [1.0],
            "coordinate": 0,
        },
    },
    "eta": 0.01,
    "geometry": {"model": "var-d16", "tokens": 424, "d": 64, "layers": 2, "heads": 4, "schedule": "1x1 2x2"},
    "proved": {
        "floor": {"bits": 449249, "theorem": "E", "proof": "proved on paper, not machine-checked"},
        "machine_checked_floor": {"bits": 406193, "theorem": "E1", "proof": "machine-checked"},
        "achieved": {"bits": 525605, "cache": "guaranteed-a"},
        "largest_possible_ratio": 1.652,
    },
}


def test_the_page_is_one_file_with_the_numbers() -> None:
    """Law: nothing is loaded from anywhere, no mark of the template is left, and the numbers are those of the audit."""
    text = page(TOLD)
    assert not re.search(r"""(src|href)=|@import|url\(|<script""", text)
    assert "<!--" not in text
    for number in (
        "434,176",
        "217,088",
        "108,544",
        "203,096",
        "4x, as stated",
        "25 %",
        "50 %",
        "layers[0].keys",
        "70 eta",
    ):
        assert number in text, number
    assert command(TOLD) == "lowerbound audit 'transformers:some_package:Cache' --claim 4 --eta 0.01"


@pytest.mark.parametrize("field", ["target", "package", "version"])
def test_texts_are_escaped(field: str) -> None:
    """Forgery: a name that is a tag is shown, on the page and on the badge."""
    hostile = "<script>alert(1)</script>\"'"
    for text in (page({**TOLD, field: hostile, "reasons": [hostile]}), badge({**TOLD, field: hostile})):
        assert "<script>" not in text
    entry = {**TOLD["ledger"][0], "path": hostile, "note": hostile, "dtype": hostile}
    assert "<script>" not in page({**TOLD, "ledger": [entry]})


def test_bars_are_in_bytes() -> None:
    """Known value: fp16 over the claim, and the floors of a head times four heads over eight."""
    sizes = {name: size for name, size, _ in bars(TOLD)}
    assert sizes == {
        "fp16": 434176,
        "claimed": 108544,
        "held": 217088,
        "sent": 217000,
        "packed": 173670.4,
        "floor": 406193 / 2,
        "on paper": 449249 / 2,
    }


@pytest.mark.parametrize("verdict", sorted(COLOURS))
def test_every_verdict_has_a_badge(verdict: str) -> None:
    """Law: a badge is an SVG with the package, what it holds, and the verdict."""
    drawn = badge({**TOLD, "verdict": verdict})
    assert drawn.startswith("<svg xmlns=")
    assert "some-package" in drawn
    assert f"holds 2.00x, {verdict}" in drawn


def test_an_audit_that_was_refused_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Definition: without a game there are no bars, and the reason is the story."""
    nothing = dict.fromkeys(["fp16_bytes", "held_bytes", "held_ratio", "sent_bytes", "sent_ratio", "packed_ratio"])
    place = {**TOLD["geometry"], "layers": None, "heads": None}
    refused = {
        **TOLD,
        **nothing,
        "claimed_ratio": None,
        "error": None,
        "keys_error": None,
        "long": None,
        "witness": None,
    }
    refused |= {
        "proved": None,
        "ledger": [],
        "verdict": "refused",
        "reasons": ["it raised ValueError"],
        "geometry": place,
    }
    audit_text(refused)
    told = capsys.readouterr().out
    assert "it raised ValueError" in told
    assert told.endswith("REFUSED\n")
    assert "it raised ValueError" in page(refused)


def test_the_terminal_has_the_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    """Law: the text of an audit has what the page has, and the verdict last."""
    audit_text(TOLD)
    told = capsys.readouterr().out
    for words in ("434,176", "claims 4.00x, holds 2.00x", "25 % of bits", "50 % of symbols in keys", "70 % of ids"):
        assert words in told
    assert "layers[0].keys" in told
    assert told.endswith("MISSTATES\n")
    assert audit_table([TOLD]).row_count == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_a_phone(scheme: Any, tmp_path: Path) -> None:
    """Law: at 390 pixels the page is as wide as the screen, whatever the length of names; its table scrolls inside."""
    executable = chromium()
    from playwright.sync_api import sync_playwright

    path = "layers[0].self_attention.past_key_value." * 4 + "keys"
    told = {
        **TOLD,
        "target": f"transformers:{'a_long_name.' * 9}module:Cache",
        "reasons": [f"original rows are kept in `{path}`"],
        "ledger": [{**TOLD["ledger"][0], "path": path, "note": "the rows as they came " * 3}],
    }
    file = tmp_path / "audit.html"
    file.write_text(page(told), encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        phone = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
        phone.goto(file.as_uri())
        assert phone.evaluate("document.documentElement.scrollWidth") == 390
        browser.close()
