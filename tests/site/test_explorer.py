"""The explorer's numbers are the library's, and its page holds all of them and asks for nothing else."""

from __future__ import annotations

import json
import random
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.models import find_model, models
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.report.site import explorer_data as numbers
from lowerbound.report.site.explorer import embedded, page

ROOT = Path(__file__).parent.parent.parent
DATA: dict[str, Any] = json.loads((ROOT / "docs" / "explorer.json").read_text(encoding="utf-8"))


def test_the_grid_is_whole() -> None:
    """Definition: every geometry of the catalogue, every error, every failure probability, and nothing else."""
    assert set(DATA["floors"]) == {numbers.geometry_of(model) for model in models()}
    for by_eta in DATA["floors"].values():
        assert list(by_eta) == list(map(str, numbers.ETAS))
        assert all(list(by_delta) == list(map(str, numbers.DELTAS)) for by_delta in by_eta.values())


def test_floors_are_those_of_the_library_now() -> None:
    """Differential: two points of the first model, one of them never wrong, computed anew."""
    model = find_model("var-d16")
    for eta, delta in ((Fraction(1, 1000), Fraction(0)), (Fraction(1, 30), Fraction(1, 10))):
        assert DATA["floors"][numbers.geometry_of(model)][str(eta)][str(delta)] == numbers.floors_of(model, eta, delta)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["var-d36-512", "hart-0.7b-1024", "infinity-2b-1m", "llamagen-b-256", "sar3d-text-d16"]
)
def test_floors_of_other_models_too(name: str) -> None:
    """Differential: as above, at two points that a fixed seed draws."""
    model, draw = find_model(name), random.Random(name)
    for _ in range(2):
        eta, delta = draw.choice(numbers.ETAS), draw.choice(numbers.DELTAS)
        assert DATA["floors"][numbers.geometry_of(model)][str(eta)][str(delta)] == numbers.floors_of(model, eta, delta)


def test_floors_lie_under_the_proved_caches() -> None:
    """Law: no floor is above what a proved cache needs, for any model, error or failure probability."""
    for by_eta in DATA["floors"].values():
        for by_delta in by_eta.values():
            for bits in by_delta.values():
                assert max(bits.get(name) or 0 for name in THEOREMS) <= bits["cache"]


@pytest.mark.parametrize("name", ["var-d16", "infinity-2b-0.06m"])
def test_games_are_played_again(name: str) -> None:
    """Differential: some deterministic rows, played now, have the bytes, the errors and the ledger that are stored;
    rates and floors may differ by rounding."""
    model = find_model(name)
    stored = {(row["cache"], row["budget"]): row for row in DATA["games"][numbers.geometry_of(model)]}
    for row in numbers.games(model, ["exact", "golay", "window"], Isolation.NONE):
        for key, told in stored[row["cache"], row["budget"]].items():
            if key != "isolation":
                assert row[key] == (pytest.approx(told, rel=1e-12) if isinstance(told, float) else told), key


def test_rows_of_model_r1_lie_on_or_above_the_floor() -> None:
    """Law: no stored point of model R1 is under its floor."""
    rows = [row for games in DATA["games"].values() for row in games if row["computation_model"] == "R1"]
    assert len(rows) > 300
    assert all(row["state_bits"] >= row["floor_bits"] for row in rows)


def test_the_rows_are_those_of_the_page_of_games() -> None:
    """Law: every state and error that the explorer shows of VAR-256 stands on docs/caches.md too."""
    told = (ROOT / "docs" / "caches.md").read_text(encoding="utf-8")
    for row in DATA["games"][numbers.geometry_of(find_model("var-d16"))]:
        stack = "" if row["heads"] == 1 else f" ({row['layers']}x{row['heads'] // row['layers']})"
        start = f"| `{row['cache']}`{stack} | {row['budget'] or '-'} | {row['state_bits'] / 8:,.0f} |"
        lines = [line for line in told.splitlines() if line.startswith(start)]
        assert lines, start
        assert f"| {row['error']:.4f} |" in lines[0]


def test_the_page_is_one_file_with_its_data() -> None:
    """Law: nothing is loaded from anywhere, and the data inside is what was embedded, whatever it contains."""
    hostile = {**DATA, "games": {"</script><b>": []}}
    text = page(hostile)
    assert not re.search(r"""(src|href)=["'](?!index\.html)|@import|url\(""", text)
    inside = text.split('id="data">')[1].split("</script>")[0]
    assert json.loads(inside) == embedded(hostile)


def test_every_line_has_a_colour_and_dashes_of_its_own() -> None:
    """Law: the page names a colour and a pattern of dashes for each theorem and the proved cache, no pattern twice."""
    text = page(DATA)
    for table in ("COLOURS", "DASHES"):
        written = re.search(rf"const {table} = \{{(.*?)\}};", text, re.DOTALL)
        assert written is not None
        entries = re.findall(r'("[^"]+"|\w+): ("[^"]*")', written.group(1))
        assert {name.strip('"') for name, _ in entries} == {*THEOREMS, "cache"}
        if table == "DASHES":
            dashes = [value for name, value in entries if name != "cache"]
            assert len(set(dashes)) == len(dashes)


def test_the_table_of_games_must_be_there(tmp_path: Path) -> None:
    """Law: without the rows of `make table` there is a sentence, and no file."""
    with pytest.raises(InvalidArgument, match="the explorer must find the rows of `make table`"):
        numbers.compute(tmp_path / "none.json")
