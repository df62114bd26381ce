"""The explorer's numbers are the library's, and its page holds all of them and asks for nothing else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from lowerbound.certify.floors import Floor, floor
from lowerbound.certify.theorems import CHECKED, PROVED, THEOREMS, Status, floors_with
from lowerbound.core.models import decoders, find_model, models
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.report.site import explorer_data as numbers
from lowerbound.report.site import explorer_languages as languages
from lowerbound.report.site.explorer import embedded, page
from lowerbound.report.site.explorer_floors import Errors, first_heads, floors_of, geometry_of, grid
from tests.marks import first_now
from tests.site.searched import close, nearly

ROOT = Path(__file__).parent.parent.parent
DATA: dict[str, Any] = json.loads((ROOT / "docs" / "explorer.json").read_text(encoding="utf-8"))


def test_the_grid_is_whole() -> None:
    """Definition: every geometry of both catalogues, every error, every failure probability, and nothing else."""
    images, heads = first_heads(models()), languages.language_heads()
    assert set(DATA["floors"]) == {*images, *heads}
    for key, by_eta in DATA["floors"].items():
        errors = numbers.ERRORS if key in images else languages.ERRORS
        assert list(by_eta) == list(map(str, errors.etas))
        assert all(list(by_delta) == list(map(str, errors.deltas)) for by_delta in by_eta.values())


def test_what_is_known_is_not_computed_again() -> None:
    """Law: the floors of a whole file stay as they are, and nothing is computed."""

    def never(name: str) -> None:
        raise AssertionError(name)

    assert numbers.floors(DATA["floors"], never) == DATA["floors"]


@pytest.mark.slow
def test_floors_of_language_models_are_those_of_the_library_now() -> None:
    """Differential: the line of a window of gpt-oss at one error, computed anew by the way that fills the file."""
    head = languages.language_heads()["127,1,64"]
    errors = Errors((Fraction(1, 100),), languages.ERRORS.deltas)
    now = grid({"127,1,64": head}, errors, lambda _: None)["127,1,64"]["1/100"]
    assert DATA["floors"]["127,1,64"]["1/100"] == {delta: nearly(bits) for delta, bits in now.items()}


@pytest.mark.slow
def test_floors_are_those_of_the_library_now() -> None:
    """Differential: two points of the first model, one of them never wrong, computed anew."""
    model = find_model("var-d16")
    for eta, delta in ((Fraction(1, 1000), Fraction(0)), (Fraction(1, 30), Fraction(1, 10))):
        assert DATA["floors"][geometry_of(model)][str(eta)][str(delta)] == nearly(floors_of(model, eta, delta))


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    first_now(
        ["llamagen-b-256", "var-d36-512", "hart-0.7b-1024", "infinity-2b-1m", "sar3d-text-d16"],
        n_slow=0,
    ),
)
def test_floors_of_other_models_too(name: str) -> None:
    """Differential: as above, at two points that a fixed seed draws."""
    model, draw = find_model(name), random.Random(name)
    for _ in range(2):
        eta, delta = draw.choice(numbers.ERRORS.etas), draw.choice(numbers.ERRORS.deltas)
        assert DATA["floors"][geometry_of(model)][str(eta)][str(delta)] == nearly(floors_of(model, eta, delta))


def best(share: Mapping[str, Any], eta: str, delta: str, *statuses: Status) -> int:
    """The bits of the best stored floor of a head with one of these statuses."""
    bits = DATA["floors"][share["geometry"]][eta][delta]
    return max(bits[name] or 0 for name in floors_with(*statuses, delta=Fraction(delta)))


@pytest.mark.parametrize(
    ("name", "context", "eta", "delta"),
    [
        pytest.param("gpt-oss-20b", 1024, "1/100", "0", marks=pytest.mark.slow),
        pytest.param("deepseek-v2-lite", 1024, "1/1000", "1/100", marks=pytest.mark.long),
        pytest.param("gemma-3-1b", 4096, "1/10", "0", marks=pytest.mark.long),
        pytest.param("gemma-3-12b", 32768, "1/100", "1/100", marks=pytest.mark.long),
        pytest.param("llama-3.1-8b", 8192, "1/1000", "0", marks=pytest.mark.long),
    ],
)
def test_language_models_have_the_librarys_totals(name: str, context: int, eta: str, delta: str) -> None:
    """Differential: floors over all layers are those of `lowerbound.floor`, and so are fp16 cache, heads and notes."""
    model = next(one for one in embedded(DATA)["languages"] if one["name"] == name)
    told, now = model["at"][str(context)], floor(name, context=context, eta=eta, failure_prob=delta)
    assert now.placed is not None
    for statuses, bits_of in (((CHECKED,), Floor.checked_bits), (PROVED, Floor.proved_bits)):
        added = sum(share["streams"] * best(share, eta, delta, *statuses) for share in told["shares"])
        total = now.total(bits_of)
        assert added == (total if statuses == (CHECKED,) else close(total))
    assert (told["total_bits"], told["streams"]) == (now.total_cache_bits, now.streams)
    assert model["notes"] == now.placed.notes
    assert told["ids"] == now.models["R2"].says
    left_out = DATA["floors"][told["shares"][0]["geometry"]][eta][delta].get("left_out", {})
    assert {n: why.partition(" is not verified: ")[2] for n, why in now.left_out.items()} == left_out


def test_every_language_model_is_shown_where_it_can_be() -> None:
    """Law: each model of the catalogue has its usual context, and none beyond its positions; notes are the same at all
    of them; and at every error each layer has a floor that a machine has checked."""
    shown = embedded(DATA)["languages"]
    assert [one["name"] for one in shown] == [decoder.name for decoder in decoders()]
    for one, decoder in zip(shown, decoders(), strict=True):
        contexts = list(map(int, one["at"]))
        assert one["family"]
        assert decoder.at().context in contexts
        assert max(contexts) <= (decoder.longest or max(contexts))
        for context in contexts:
            assert decoder.at(context).notes == one["notes"]
            for eta in map(str, languages.ERRORS.etas):
                for delta in map(str, languages.ERRORS.deltas):
                    assert all(best(share, eta, delta, CHECKED) for share in one["at"][str(context)]["shares"])


def test_what_is_left_out_has_a_reason() -> None:
    """Law: a theorem that is left out has no floor, and its reason is a text that the page can show."""
    left_out = [
        (bits[name], why)
        for by_eta in DATA["floors"].values()
        for by_delta in by_eta.values()
        for bits in by_delta.values()
        for name, why in bits.get("left_out", {}).items()
    ]
    assert left_out
    assert all(floor is None and why for floor, why in left_out)


def test_the_page_is_smaller_than_a_megabyte() -> None:
    """Law: the explorer stays small enough to be sent."""
    assert len(page(DATA).encode()) < 10**6


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
    stored = {(row["cache"], row["budget"]): row for row in DATA["games"][geometry_of(model)]}
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
    for row in DATA["games"][geometry_of(find_model("var-d16"))]:
        stack = "" if row["heads"] == 1 else f" ({row['layers']}x{row['heads'] // row['layers']})"
        start = f"| `{row['cache']}`{stack} | {row['budget'] or '-'} | {row['state_bits'] / 8:,.0f} |"
        lines = [line for line in told.replace(" (not a KV cache)", "").splitlines() if line.startswith(start)]
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
