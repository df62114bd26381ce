"""The store: nothing that it has taken is lost, doubled or changed, whatever happens to file, disk or version."""

from __future__ import annotations

import hashlib
import os
import random
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest

from lowerbound.errors import InvalidArgument, UnknownName
from lowerbound.sweep.export import FORMATS, differences, exported
from lowerbound.sweep.spec import read_spec
from lowerbound.sweep.store import Store, StoreBusy
from lowerbound.sweep.units import Attempt, Outcome, key_of
from tests.sweep.sweeping import command, run, spec


def attempt(number: int, outcome: Outcome = "done", row: dict[str, object] | None = None) -> Attempt:
    """What became of a unit of that number."""
    unit = {"kind": "play", "number": number}
    full = {"bits": number, "parts": [1, {"x": None}]} if row is None and outcome == "done" else row
    return Attempt(key_of(unit), unit, outcome, full, "", 0.25, {"python": "3"})


def filled(path: Path, numbers: range) -> None:
    """A store with these units done."""
    with Store(path, write=True) as store:
        store.plan("numbers", "{}", [attempt(number).unit for number in numbers])
        store.add([attempt(number) for number in numbers], engine="serial")


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    """Definition: units in the order of keys, each with its row, its seconds, its engine and its environment."""
    filled(tmp_path / "s.db", range(5))
    with Store(tmp_path / "s.db") as store:
        rows = list(store.results())
        assert [row.key for row in rows] == sorted(key_of(attempt(n).unit) for n in range(5))
        assert {row.row["bits"] for row in rows if row.row} == set(range(5))
        assert {(row.seconds, row.engine, row.environment["python"]) for row in rows} == {(0.25, "serial", "3")}
        (sweep,) = store.sweeps()
        assert (sweep["name"], sweep["units"], sweep["finished"]) == ("numbers", 5, 5)
        assert store.problems() == []


def test_the_last_word_counts(tmp_path: Path) -> None:
    """Definition: a failure is followed by whatever comes later; a final attempt stays, and all attempts are kept."""
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("numbers", "{}", [attempt(0).unit])
        store.add([attempt(0, "failed")], engine="a")
        assert store.finished() == set()
        store.add([attempt(0, "killed"), attempt(0), attempt(0, "failed")], engine="b")
        assert store.finished() == {attempt(0).key}
        (row,) = store.results()
        assert (row.outcome, row.engine) == ("done", "b")
    count = sqlite3.connect(tmp_path / "s.db").execute("SELECT count(*) FROM attempts").fetchone()
    assert count == (4,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE attempts SET outcome = 'done'",
        "DELETE FROM attempts",
        "UPDATE units SET unit = '{}'",
        "DELETE FROM units",
        "DELETE FROM blobs",
    ],
)
def test_nothing_is_ever_changed(tmp_path: Path, statement: str) -> None:
    """Law: the file itself refuses to change or forget."""
    filled(tmp_path / "s.db", range(2))
    with pytest.raises(sqlite3.IntegrityError, match="never changed"):
        sqlite3.connect(tmp_path / "s.db").execute(statement)


def test_a_torn_row_is_seen_left_out_and_mended(tmp_path: Path) -> None:
    """Law: a blob that is not its digest is told, its unit counts as open, and the next run mends it."""
    path = tmp_path / "s.db"
    filled(path, range(3))
    raw = sqlite3.connect(path)
    raw.execute("UPDATE blobs SET bytes = substr(bytes, 1, 7) WHERE digest = (SELECT row FROM attempts WHERE id = 2)")
    raw.commit()
    raw.close()
    with Store(path, write=True) as store:
        assert len(store.finished()) == 2
        assert len(list(store.results())) == 2
        assert "torn" in store.problems()[0]
        store.add([attempt(1)], engine="serial")
        assert len(store.finished()) == 3
        assert store.problems() == []


def test_two_drivers_do_not_share_a_store(tmp_path: Path) -> None:
    """Law: the second is told who writes; when the first is gone, even by kill -9, the lock is gone."""
    path = tmp_path / "s.db"
    words, environment = command(
        tmp_path, "sweep", str(spec(tmp_path, ["sweepcaches:Slow"], 200)), "--store", str(path)
    )
    first = subprocess.Popen(words, env=environment, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 30
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        second = run(tmp_path, "sweep", "small.toml", "--store", str(path))
        assert second.returncode == 2
        assert f"is being written by process {first.pid}" in second.stderr
        with pytest.raises(StoreBusy):
            Store(path, write=True)
        Store(path).close()
    finally:
        first.kill()
        first.communicate()
    Store(path, write=True).close()


def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Law: where files may grow no further, the sweep stops and says so; with room again it goes on."""
    path = spec(tmp_path, ["golay", "full-fp16"], 20)
    words, environment = command(tmp_path, "sweep", str(path), "--store", "s.db")
    script = 'ulimit -f 160; exec "$@"'
    full = subprocess.run(
        ["/bin/bash", "-c", script, "bash", *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert full.returncode == 3, full.stderr
    assert "what it had before is safe" in full.stderr
    with Store(tmp_path / "s.db") as store:
        before = [row.key for row in store.results()]
    assert 0 < len(before) < 40
    assert run(tmp_path, "sweep", str(path), "--store", "s.db").returncode == 0
    assert run(tmp_path, "sweep", str(path), "--store", "clean.db").returncode == 0
    with Store(tmp_path / "s.db") as store, Store(tmp_path / "clean.db") as clean:
        assert set(before) <= {row.key for row in store.results()}
        assert differences(store.results(), clean.results()) == []
        assert store.problems() == []


def test_files_that_are_no_store(tmp_path: Path) -> None:
    """Bad input: text, another program's database, another version, nothing: each gives one sentence."""
    text = tmp_path / "text.db"
    text.write_text("no database " * 100, encoding="utf-8")
    other = tmp_path / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE t (x); INSERT INTO t VALUES (1);")
    later, earlier = tmp_path / "later.db", tmp_path / "earlier.db"
    for path, version in ((later, 99), (earlier, 1)):
        filled(path, range(1))
        sqlite3.connect(path).execute(f"PRAGMA user_version = {version}")
    for path, sentence in (
        (text, "no store"),
        (other, "another program's"),
        (later, "got 99"),
        (earlier, "got 1,"),
        (tmp_path / "x", "not there"),
    ):
        with pytest.raises(InvalidArgument, match=sentence):
            Store(path)
    with pytest.raises(InvalidArgument, match="no store"):
        Store(text, write=True)
    assert text.read_text(encoding="utf-8").startswith("no database"), "nothing is overwritten"


def test_damaged_files_are_told_in_a_sentence(tmp_path: Path) -> None:
    """Forgery: whatever bytes of a store are changed or missing, reading it gives rows or InvalidArgument."""
    filled(tmp_path / "s.db", range(40))
    sqlite3.connect(tmp_path / "s.db").execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (tmp_path / "s.db").read_bytes()
    dice = random.Random(7)
    refused = 0
    for number in range(150):
        raw = bytearray(whole)
        for _ in range(dice.choice((1, 3, 40))):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        path = tmp_path / f"{number}.db"
        path.write_bytes(raw[: dice.randrange(len(raw))] if number % 5 == 0 else raw)
        try:
            with Store(path) as store:
                store.sweeps()
                exported(store.results(), "csv")
                store.problems()
        except InvalidArgument:
            refused += 1
    assert 0 < refused < 150


@pytest.mark.parametrize("text", ["[" * 10**5, "5", '{"a": NaN}', '{"a": 1' + "0" * 5000 + "}", "{"])
def test_hostile_rows(tmp_path: Path, text: str) -> None:
    """Forgery: rows under their true digest that are no JSON object, too deep, or no numbers."""
    filled(tmp_path / "s.db", range(1))
    raw = sqlite3.connect(tmp_path / "s.db")
    digest = hashlib.sha256(text.encode()).hexdigest()
    raw.execute("UPDATE blobs SET digest = ?, bytes = ?", (digest, text.encode()))
    (trigger,) = raw.execute("SELECT sql FROM sqlite_master WHERE name = 'attempts_update'").fetchone()
    raw.execute("DROP TRIGGER attempts_update")
    raw.execute("UPDATE attempts SET row = ?", (digest,))
    raw.execute(trigger)
    raw.commit()
    raw.close()
    with Store(tmp_path / "s.db") as store, pytest.raises(InvalidArgument, match="is damaged"):
        list(store.results())


def test_exports_are_the_same_bytes_whatever_the_order(tmp_path: Path) -> None:
    """Law: rows that came in another order, by another engine, give the same csv, jsonl and parquet."""
    filled(tmp_path / "a.db", range(6))
    with Store(tmp_path / "b.db", write=True) as store:
        store.plan("numbers", "{}", [attempt(n).unit for n in range(6)])
        for number in (3, 1, 5, 0, 4, 2):
            store.add([attempt(number, "failed")], engine="local")
            store.add([attempt(number)], engine="local")
    with Store(tmp_path / "a.db") as a, Store(tmp_path / "b.db") as b:
        for kind in FORMATS:
            assert exported(a.results(), kind) == exported(b.results(), kind)
            assert exported(a.results(), kind, attempts=True) != exported(b.results(), kind, attempts=True)
        assert differences(a.results(), b.results()) == []
        with pytest.raises(UnknownName, match="numbers"):
            list(a.results("number"))


def test_differences_are_named(tmp_path: Path) -> None:
    """Definition: missing units and the names of what differs."""
    filled(tmp_path / "a.db", range(2))
    with Store(tmp_path / "b.db", write=True) as store:
        store.plan("numbers", "{}", [attempt(n).unit for n in (1, 2)])
        store.add([attempt(1, row={"bits": 7, "parts": []}), attempt(2)], engine="serial")
    with Store(tmp_path / "a.db") as a, Store(tmp_path / "b.db") as b:
        found = dict(differences(a.results(), b.results()))
    keys = [key_of(attempt(n).unit) for n in range(3)]
    assert found == {keys[0]: "only left", keys[1]: "row.bits, row.parts", keys[2]: "only right"}


def test_ten_thousand_rows_are_found_at_once(tmp_path: Path) -> None:
    """Law: a store of ten thousand rows says what is finished; how fast is for the benchmarks."""
    filled(tmp_path / "s.db", range(10_000))
    with Store(tmp_path / "s.db", write=True) as store:
        assert len(store.finished()) == 10_000


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Bad input: one sentence, exit code 2."""
    found = run(tmp_path, "sweep", str(spec(tmp_path, ["full"], 1)), "--store", "no/such/folder/s.db")
    assert found.returncode == 2
    assert "cannot be written" in found.stderr
    assert read_spec(tmp_path / "small.toml").name == "small"
    assert os.listdir(tmp_path)
