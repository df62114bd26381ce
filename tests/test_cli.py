"""The command line as a user meets it: output, JSON, exit codes, typos, an empty directory."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.marks import first_now

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parent.parent
PLAY_KEYS = {
    "cache", "isolation", "state_bits", "symbols", "error", "error_low", "error_high", "floor_bits", "ratio",
    "verdict", "ledger",
}  # fmt: skip
FAST = ("--isolation", "none")


def json_of(result: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert result.returncode == 0, result.stderr
    return dict(json.loads(result.stdout))


@pytest.mark.slow
def test_floor_json(run_command: Run) -> None:
    """Known values and keys of `floor --json`."""
    data = json_of(run_command("floor", "var-d16", "--delta", "0.1", "--json"))
    assert {"model", "n_tokens", "n_tokens_cached", "d", "n_heads", "n_layers", "cfg_branches", "eta", "delta"} <= set(
        data
    )
    assert {"replay_bits", "per_head", "total", "computation_model"} <= set(data)
    assert (data["n_tokens"], data["n_tokens_cached"], data["replay_bits"]) == (680, 424, 3060)
    head = data["per_head"]
    assert isinstance(head, dict)
    assert round(head["paper_bits"], 2) == 14409.34
    assert head["cache_bits"] == 868352
    assert head["values_bits"] > head["paper_bits"]


@pytest.mark.slow
def test_floor_speaks(run_command: Run) -> None:
    """Definition: the floor is never printed without its computation model."""
    result = run_command("floor", "infinity-2b-1m")
    assert result.returncode == 0
    assert "R1: layer black box" in result.stdout
    assert "131,872 bits" in result.stdout
    assert "The total assumes 1,024 independent streams. Free at once in one network: 0" in result.stdout


def test_reduce_json(run_command: Run) -> None:
    """Definition: one instance, decoded to Alice's bit."""
    data = json_of(run_command("reduce", "--token", "285", "--coordinate", "13", "--json"))
    assert {"bit", "decoded", "weight", "leakage_bound", "lambda", "coherence"} <= set(data)
    assert data["bit"] == data["decoded"]
    assert data["coherence"] == "1/8"
    assert data["place"] == [8, 2, 4]


def test_reduce_tells_every_step(run_command: Run) -> None:
    """Definition: bit, token, key, query, weight, leakage, threshold, decoded bit."""
    text = run_command("reduce", "--schedule", "1x1 2x2 3x3", "--d", "8").stdout
    for step in ("Alice's input", "Bob's question", "symbol", "keys", "query", "weight", "leakage", "threshold"):
        assert re.search(rf"^ *{step}  ", text, re.MULTILINE), step
    assert text.rstrip().endswith("right")


def test_play_json(run_command: Run) -> None:
    """Definition: rows with the promised keys, own budgets, a named isolation."""
    data = json_of(run_command("play", "golay", "window@1/4", "h2o", "--budget", "0.5", "--json", *FAST))
    rows = data["rows"]
    assert isinstance(rows, list)
    assert all(set(row) >= PLAY_KEYS for row in rows)
    assert [row["cache"] for row in rows] == ["golay", "window", "h2o"]
    assert [row["budget"] for row in rows] == [None, "1/4", "1/2"]
    assert data["failures"] == []


@pytest.mark.slow
@pytest.mark.parametrize("theorem", ["C", "zoom"])
def test_play_keys_and_values(run_command: Run, theorem: str) -> None:
    """Definition: both kinds of symbols are read, counted and told apart, in JSON and in the table."""
    words = ("play", "full", "window@1/4", "--keys-and-values", theorem, "--schedule", "1x1 2x2 4x4 8x8", "--d", "16")
    rows = json_of(run_command(*words, "--json", *FAST))["rows"]
    assert isinstance(rows, list)
    misread = [[(part["name"], part["errors"] > 0) for part in found["parts"]] for found in rows]
    assert misread == [[("values", False), ("keys", False)], [("values", True), ("keys", True)]]
    assert all(found["floor_bits"] <= found["state_bits"] for found in rows)
    table = run_command(*words, *FAST).stdout
    assert "keys misread" in table
    assert "values of 50 levels" in table


def test_play_uses_the_strongest_isolation(run_command: Run) -> None:
    """Law: by default two processes at least, and the row says which level."""
    rows = json_of(run_command("play", "exact", "--json"))["rows"]
    assert isinstance(rows, list)
    assert rows[0]["isolation"] in ("sandbox", "process-shared-files")
    assert rows[0]["error"] == 0


@pytest.mark.long
def test_the_readme_cache_plays_from_an_empty_directory(run_command: Run, tmp_path: Path) -> None:
    """Definition: the README's own cache, saved as it stands, plays at once."""
    source = re.search(r"```python\n(# mycache\.py.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert source is not None
    (tmp_path / "mycache.py").write_text(source.group(1), encoding="utf-8")
    (row,) = json_of(run_command("play", "mycache:LastHundred", "--json"))["rows"]
    assert row["state_bits"] == 100 * 2 * 64 * 32 + 64
    assert row["error_low"] <= (1 - 100 / 424) / 2 <= row["error_high"]
    assert row["family"] == "user"
    assert row["ledger"] == {"payload": 100 * 2 * 64 * 32, "length_prefix": 64}
    # It keeps every token of the small places; at the size of a model it drops 324 of 424.
    broken = run_command("attack", "mycache:LastHundred", "--json", *FAST)
    assert broken.returncode == 1, broken.stderr
    told = json.loads(broken.stdout)
    assert told["tokens"] > 100
    assert told["error_over_eta"] > 1 >= told["fp16_error_over_eta"]


def test_a_sweep_of_what_cannot_be_imported_runs_nothing(run_command: Run, tmp_path: Path) -> None:
    """Bad input: a module of the working directory that fails to import ends the sweep before its first unit."""
    (tmp_path / "unwell.py").write_text("import nosuchmodule\n", encoding="utf-8")
    (tmp_path / "spec.toml").write_text(
        'name = "x"\nkind = "play"\ncaches = ["full", "unwell:Cache"]\nmodels = ["var-d16"]\n', encoding="utf-8"
    )
    found = run_command("sweep", "spec.toml", "--store", "rows.db")
    assert found.returncode == 2
    assert "No module named 'nosuchmodule' (unwell.py:1)" in found.stderr
    assert not (tmp_path / "rows.db").exists()


@pytest.mark.slow
def test_an_entry_point_of_another_package_plays(run_command: Run, tmp_path: Path) -> None:
    """Definition: an installed package that offers a cache under the group lowerbound.caches is found by its name.

    One whose import ends its process costs its own row of the list of caches, and says so.
    """
    site = tmp_path / "site"
    (site / "plug-1.0.dist-info").mkdir(parents=True)
    (site / "plug-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: plug\nVersion: 1.0\n")
    (site / "plug-1.0.dist-info" / "entry_points.txt").write_text(
        "[lowerbound.caches]\nplugged = plug:Plugged\nleaving = leave:Leaving\n"
    )
    (site / "leave.py").write_text("import os, sys\n\nprint('bye', file=sys.stderr, flush=True)\nos._exit(0)\n")
    (site / "plug.py").write_text(
        "from lowerbound.caches.controls.full import Full16\n\nclass Plugged(Full16):\n    pass\n"
    )
    here = {"PYTHONPATH": str(site)}
    result = run_command("play", "plugged", "--json", environment=here)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["rows"][0]["cache"] == "plugged"
    listed = run_command("caches", "--json", environment=here)
    told = json.loads(listed.stdout)
    assert {"plugged", "full"} <= {entry["name"] for entry in told["caches"]}
    assert [entry["cache"] for entry in told["failures"]] == ["leaving"]
    assert listed.returncode == 1
    assert re.fullmatch(r"error: leaving: the cache must let .* ended with status 0: bye\n", listed.stderr)


@pytest.mark.slow
def test_caches_and_models_json(run_command: Run) -> None:
    """Definition: the two lists."""
    caches = json_of(run_command("caches", "--json"))["caches"]
    assert isinstance(caches, list)
    assert {"name", "family", "reference"} <= set(caches[0])
    assert {"full", "random", "h2o", "recompute", "golay"} <= {entry["name"] for entry in caches}
    models = json_of(run_command("models", "--json"))["models"]
    assert isinstance(models, list)
    assert len(models) == 74
    assert "var-d16" in run_command("models").stdout
    assert "heavy" in run_command("caches").stdout.lower()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    first_now(
        [
            (("floor", "vard16"), 2, "did you mean var-d16"),
            (("floor", "var-d16", "--model", "var-d30"), 2, "the model must be named once"),
            (("floor", "--eta", "0.1", "--eta", "0.01"), 2, "--eta must be given at most once"),
            (("certify", "--theorem", "A"), 2, "--guarantee relative asks for it"),
            (("play", "h2o", "--budget", "1/4,"), 2, "without empty members"),
            (("floor", "var-d16", "--eta", "nan"), 2, "eta must be a number"),
            (("floor", "var-d16", "--delta", "0.7"), 2, "delta must lie in"),
            (("flor", "var-d16"), 2, "floor"),
            (("play",), 2, "at least one cache"),
            (("play", "h20"), 2, "did you mean h2o"),
            (("play", "h2o", "--budget", "1.5"), 2, "budget must lie in (0, 1]"),
            (("play", "h2o", "--budget", "lots"), 2, "budget must be a number"),
            (("play", "h2o", "--budget", "0.001", *FAST), 2, "budget must keep at least one of 424 tokens"),
            (("play", "nowhere:Cache", *FAST), 2, "must name an importable module"),
            (("play", "json:loads", *FAST), 2, "must name a subclass"),
            (("play", "full", "--lambda", "200"), 2, "nearest possible value is 100"),
            (("play", "full", "--lambda", "3"), 2, "nearest possible lambda"),
            (("play", "full", "--eta", "1"), 2, "eta must lie in [0, 1)"),
            (("play", "full", "--schedule", "0x4"), 2, "must be an integer >= 1"),
            (("play", "full", "--schedule", "4x4"), 2, "one scale"),
            (("play", "full", "--d", "3"), 2, "nearest possible head dimension is 10"),
            (("play", "full", "--isolation", "moon"), 2, "moon"),
            (("play", "full", "--keys-and-values", "B"), 2, "zoom"),
            (("play", "full", "--keys-and-values", "C", "--levels", "2"), 2, "--levels must be left out"),
            (("play", "full", "--keys-and-values", "zoom", "--eta", "1/2"), 2, "eta must lie in [0, 1/2)"),
            (("play", "exact", "--keys-and-values", "zoom", *FAST), 2, "keys and value levels are public"),
            (("play", "full", "--time-limit", "0"), 2, "--time-limit must be > 0"),
            (("play", "golay", "--levels", "5", *FAST), 2, "2 value levels"),
            (("reduce", "--token", "424"), 2, "nearest valid choice is 423"),
            (("reduce", "--keys", "kerdok"), 2, "did you mean kerdock"),
            (("play", "tests.forgeries.broken:WrongShape", *FAST), 1, "attend must return shape"),
            (("play", "tests.forgeries.broken:NotANumber"), 1, "finite numbers"),
            (("play", "tests.forgeries.broken:Hangs", "--time-limit", "2"), 3, "within 2 s"),
            (("play", "tests.forgeries.smugglers:ModuleGlobal", *FAST), 1, "under the proved floor"),
        ],
        3,
        n_slow=16,
    ),
)
def test_bad_input(run_command: Run, words: tuple[str, ...], code: int, sentence: str) -> None:
    """Bad input: one sentence on standard error, the right exit code, no traceback, nothing on standard output."""
    result = run_command(*words, environment={"PYTHONPATH": str(ROOT)})
    assert result.returncode == code, result.stderr
    assert sentence in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


@pytest.mark.slow
def test_one_broken_cache_does_not_hide_the_others(run_command: Run) -> None:
    """Law: rows of the caches that played are printed, failures are listed, the exit code is the worst."""
    result = run_command(
        "play", "exact", "tests.forgeries.broken:Raises", "full", "--json", *FAST,
        environment={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert result.returncode == 1
    data = json.loads(result.stdout)
    assert [row["cache"] for row in data["rows"]] == ["exact", "full"]
    assert [failure["kind"] for failure in data["failures"]] == ["CacheContractBroken"]


@pytest.mark.long
def test_demo_shows_what_binds(run_command: Run, tmp_path: Path) -> None:
    """Known values: 46 % of fp16 is forced at eta = 0.01; fp16 alone reads every key; no told ratio is possible."""
    data = json_of(run_command("demo", "--json", "--out", "here"))
    forced = {need["eta"]: need["forced"]["bits"] / need["cache_bits"] for need in data["needs"]}
    assert forced[0.01] > 0.46
    assert all(need["forced"]["proof"] == "machine-checked" for need in data["needs"])
    exact, *compressed = data["rows"]
    assert (exact["cache"], exact["errors"]) == ("full-fp16", 0)
    assert exact["verdict"].startswith("wasteful: 1.65x")
    for row in compressed:
        assert row["verdict"].endswith("of keys: breaks eta = 1 %")
        assert 0.3 < next(part["error"] for part in row["parts"] if part["name"] == "keys") < 1
    assert {word for one in data["published"] for word in one["words"]} == {"IMPOSSIBLE"}
    full, *others = data["pictures"]
    assert (full["agreement"], full["image_error"]) == (1, 0)
    assert len(others) == 2
    assert all(one["state_bytes"] < full["state_bytes"] for one in others)
    assert (tmp_path / "here" / "pictures.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "here" / "rows.json").read_text(encoding="utf-8"))["rows"] == data["rows"]


@pytest.mark.slow
def test_demo_teaches_in_the_easy_game(run_command: Run, tmp_path: Path) -> None:
    """Definition: the teaching game in an empty directory: floor, reduction, every cache, rows and picture."""
    data = json_of(run_command("demo", "--teach", "--json", "--out", "here"))
    rows = data["rows"]
    assert isinstance(rows, list)
    assert {row["verdict"].split()[0] for row in rows} == {"keeps", "misreads", "wasteful:", "outside"}
    assert {row["cache"] for row in rows if not row["is_kv_cache"]} >= {"exact", "golay", "random", "recompute"}
    assert (tmp_path / "here" / "frontier.png").read_bytes()[:4] == b"\x89PNG"
    assert json.loads((tmp_path / "here" / "rows.json").read_text(encoding="utf-8"))["rows"] == rows


def test_help_is_fast_and_light() -> None:
    """Law: --help loads no scientific package; the fastest of five starts takes under 0.3 s of processor time."""
    program = (
        "import sys, lowerbound, lowerbound.cli;"
        "heavy = {'numpy', 'scipy', 'sympy', 'z3', 'networkx', 'matplotlib', 'flint', 'rich'} & set(sys.modules);"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    command = [sys.executable, "-m", "lowerbound", "--help"]
    taken = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(taken) < 0.3


def test_version(run_command: Run) -> None:
    """Definition: the version agrees with the package."""
    from lowerbound import __version__

    assert run_command("--version").stdout.strip() == f"lowerbound {__version__}"


@pytest.mark.parametrize(
    ("line", "offered"),
    first_now([("play gol", "golay"), ("floor var-d3", "var-d36-512"), ("reduce --keys ker", "kerdock")]),
)
def test_shell_completion(tmp_path: Path, line: str, offered: str) -> None:
    """Definition: tab completes models, caches and key families, as the shell asks for it."""
    words = ["lowerbound", *line.split()]
    result = subprocess.run(
        [str(Path(sys.executable).parent / "lowerbound")],
        env={
            "PATH": "/usr/bin:/bin",
            "_LOWERBOUND_COMPLETE": "complete_bash",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert offered in result.stdout.split()


def test_a_closed_pipe_is_silent(run_command: Run, tmp_path: Path) -> None:
    """Law: `lowerbound models --json | head -1` ends without a traceback."""
    result = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m lowerbound models --json | head -1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout == "{\n"
    assert result.stderr == ""
    assert run_command("models", "--json").returncode == 0


@pytest.mark.long
def test_verify_says_one_word(run_command: Run) -> None:
    """Law: the last line is the verdict, and the exit code follows it; a partial verification is never VERIFIED."""
    result = run_command("verify", "--proofs", str(ROOT / "proofs"), "--backend", "kernel")
    assert result.returncode == 3
    assert result.stdout.splitlines()[-1] == "OPEN"
    one = ("verify", "--proofs", str(ROOT / "proofs"), "--lemma", "covering_codes")
    data = json_of(run_command(*one, "--json"))
    assert (data["lemmas"][0]["status"], data["verdict"]) == ("proved", "PROVED")
    result = run_command(*one)
    last = result.stdout.splitlines()[-1]
    assert (result.returncode, last) == (0, "PROVED: the lemma and all that it rests on")
    told = run_command("verify", "--proofs", str(ROOT / "proofs"), "--explain", "covering_codes")
    assert (told.returncode, told.stdout.splitlines()[0]) == (0, "covering_codes: proved")
    told = run_command("verify", "--proofs", str(ROOT / "proofs"), "--explain", "decoding_bit", "--backend", "z3")
    assert (told.returncode, told.stdout.splitlines()[0]) == (3, "decoding_bit: open")
    assert "goal: tau*(eta + 1) < (1 - eta)*(1 - tau)" in told.stdout


def test_certificates_are_judged_without_a_book(run_command: Run, tmp_path: Path) -> None:
    """Definition: from a bare wheel a bundle is judged; a forged one is NOT VERIFIED with exit code 1."""
    bundle = ROOT / "proofs" / "certificates" / "book.json"
    result = run_command("verify", "--certificates", str(bundle))
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, "VERIFIED")
    forged = tmp_path / "forged.json"
    forged.write_text(bundle.read_text(encoding="utf-8").replace('"error":"1/8"', '"error":"1/9"'), encoding="utf-8")
    result = run_command("verify", "--certificates", str(forged), "--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["verdict"] == "NOT VERIFIED"


@pytest.mark.parametrize(
    ("words", "sentence"),
    first_now(
        [
            (("verify",), "proofs/ of a checkout of lowerbound, and the current directory"),
            (("verify", "--proofs", "nowhere"), "folder with a proof book"),
            (("verify", "--certificates", "nowhere.json"), "must name a file with a bundle of certificates"),
            (("verify", "--proofs", str(ROOT / "proofs"), "--lemma", "index_bond"), "did you mean index_bound"),
            (("verify", "--proofs", str(ROOT / "proofs"), "--backend", "z4"), "did you mean z3"),
            (("verify", "--proofs", str(ROOT / "proofs"), "--explain", "theorem"), "lemma 'theorem' is not known"),
        ]
    ),
)
def test_verify_bad_input(run_command: Run, words: tuple[str, ...], sentence: str) -> None:
    """Bad input: one sentence, exit code 2."""
    result = run_command(*words)
    assert result.returncode == 2
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr
