"""`lowerbound var state|cache|f-hat|decode` and the three lines of `floor`, as a user meets them; docs/replay.md."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from lowerbound.certify.replay.games import replay
from lowerbound.cli import main
from lowerbound.core.models import find_model
from tests.marks import first_now

Say = Callable[..., tuple[int, str, str]]
PAGE = (Path(__file__).parents[3] / "docs" / "replay.md").read_text(encoding="utf-8")


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """The command in this process: (exit code, standard output, standard error)."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["lowerbound", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return run


@pytest.mark.parametrize("command", re.findall(r"^\$ lowerbound (.*)$", PAGE, re.MULTILINE))
def test_the_page_shows_what_is_printed(command: str, say: Say) -> None:
    """Truth: each transcript of docs/replay.md is the command's output; the leak, a rounding error, aside."""
    shown = PAGE.partition(f"$ lowerbound {command}\n")[2].partition("```")[0]
    code, out, _ = say(*command.split())
    assert code == 0
    aside = re.compile(r"leak \S+,")
    assert aside.sub("", out) == aside.sub("", shown)


@pytest.mark.parametrize(("eta", "bits"), re.findall(r"^\| (0\.\d+) \| (\d+) \| \d+ \|", PAGE, re.MULTILINE))
def test_the_page_s_bits_of_signs(eta: str, bits: str) -> None:
    """Truth: the table's first column, certified anew."""
    assert replay(find_model("var-d16"), eta=eta).certified.bits == int(bits)


@pytest.mark.parametrize("game", first_now(["cache", "state"]))
def test_games_of_model_r2(game: str, say: Say, tmp_path: Path) -> None:
    """Definition: one object of JSON under its game's own name; the certificate is one for `check`."""
    file = tmp_path / "replay.json"
    code, out, _ = say("var", game, "var-d16", "--eta", "0.01", "-o", str(file), "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["game"], told["computation_model"], told["bits"], told["ceiling_bits"]) == (game, "R2", 2100, 3060)
    assert told["exact"] is False
    assert all(f"`{key}`" in PAGE for key in (*told, *told["scales"][0]))
    code, out, _ = say("check", str(file))
    assert (code, out.splitlines()[-1]) == (0, "VERIFIED")
    assert "model R2" in out
    other = json.loads(say("var", game, "var-d16", "--delta", "1/2", "--json")[1])
    assert (other["bits"], other["exact"]) == (3059, False)
    words = say("var", game, "var-d16", "--eta", "0.01")[1]
    assert "no ceiling is known to meet" in words


def test_the_game_of_f_hat(say: Say, tmp_path: Path) -> None:
    """Definition: exactly 16 bits for VAR-256, open (exit code 3) for Infinity's maps."""
    file = tmp_path / "fibre.json"
    code, out, _ = say("var", "f-hat", "var-d16", "-o", str(file), "--json")
    told = json.loads(out)
    assert (code, told["bits"], told["fibre"], told["computation_model"]) == (0, 16, "40320", "R3")
    assert all(f"`{key}`" in PAGE for key in told)
    assert say("check", str(file))[0] == 0
    code, out, _ = say("var", "f-hat", "infinity-2b-0.06m")
    assert code == 3
    assert "OPEN" in out
    code, out, _ = say("var", "f-hat", "infinity-2b-0.06m", "--json", "-o", str(tmp_path / "none.json"))
    assert (code, json.loads(out)["bits"], json.loads(out)["file"]) == (3, None, None)
    assert not (tmp_path / "none.json").exists()


@pytest.mark.slow
def test_decode(say: Say) -> None:
    """Definition: one object of JSON, its keys on the page; exit code 0 while no promise is broken."""
    code, out, _ = say("var", "decode", "--json", "--noise", "random")
    told = json.loads(out)
    assert (code, told["refuted"], told["ids"]) == (0, False, 255)
    assert all(f"`{key}`" in PAGE for key in (*told, *told["rounds"][0]))
    assert [one["promised"] for one in told["rounds"]] == [True, False]


def test_floor_has_a_line_for_each_model(say: Say) -> None:
    """Definition: R1, R2 and R3, each once, in words and in JSON."""
    code, out, _ = say("floor", "var-d16")
    assert code == 0
    lines = [line for line in out.splitlines() if re.match(r"R\d ", line)]
    assert [line[:2] for line in lines] == ["R1", "R2", "R3"]
    assert "exactly 3,060 bits" in lines[1]
    assert "nothing is claimed above" in lines[1]
    assert "15.3, so 16 bits" in lines[2]
    told = json.loads(say("floor", "var-d16", "--json")[1])["models"]
    assert (told["R2"]["bits"], told["R3"]["bits"]) == (3060, 16)
    assert all(f"`{key}`" in PAGE for entry in told.values() for key in entry)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("state", "var-d61"), "did you mean"),
        (("state", "flexvar-d16"), "MODEL must belong to the family VAR"),
        (("state", "--eta", "0.6"), "eta must lie in [0, 1/2)"),
        (("state", "--eta", "x"), "eta must be a number"),
        (("cache", "--delta", "1"), "delta must lie in [0, 1)"),
        (("f-hat", "flexvar-d16"), "MODEL must belong to the family VAR"),
        (("f-hat", "infinity-2b-1m"), "at most 1024 ids"),
        (("decode", "infinity-2b-0.06m"), "MODEL must belong to the family VAR for Bob"),
        (("decode", "--eta", "-1"), "eta must be at least 0"),
        (("decode", "--swamp", "0.5"), "swamp must be over 1"),
    ],
)
def test_bad_input(words: tuple[str, ...], sentence: str, say: Say) -> None:
    """Bad input: one sentence on standard error, exit code 2."""
    code, out, err = say("var", *words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
