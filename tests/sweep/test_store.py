"""The store: nothing that it has taken is lost, doubled or changed, whatever happens to file, disk or version."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any

import pytest

from lowerbound.cli import app
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument, LowerBoundError, UnknownName
from lowerbound.game.channel import Isolation
from lowerbound.sweep.export import FORMATS, differences, exported
from lowerbound.sweep.spec import read_spec
from lowerbound.sweep.store import Store, StoreBusy, files_of
from lowerbound.sweep.units import Attempt, Outcome, key_of
from tests.conftest import require
from tests.sweep.sweeping import ROOT, command, run, spec


def attempt(number: int, outcome: Outcome = "done", row: dict[str, object] | None = None) -> Attempt:
    """What became of a unit of that number."""
    unit = {"kind": "play", "number": number}
    full = {"bits": number, "parts": [1, {"x": None}]} if row is None and outcome == "done" else row
    return Attempt(key_of(unit), unit, outcome, full, "", 0.25, {"python": "3"})


def asked(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """What a database answers to the last of some statements, asked behind a store's back."""
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        return [database.execute(statement).fetchall() for statement in statements][-1]


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
    assert asked(tmp_path / "s.db", "SELECT count(*) FROM attempts") == [(4,)]


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
        asked(tmp_path / "s.db", statement)


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    """Law: where files may grow no further, the sweep stops and says so; with room again it goes on."""
    path = spec(tmp_path, ["golay", "full-fp16"], 20)
    words, environment = command(tmp_path, "sweep", str(path), "--store", "s.db", "--instance-seed", "7")
    script = 'ulimit -f 160; exec "$@"'
    full = subprocess.run(
        ["/bin/bash", "-c", script, "bash", *words],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert full.returncode == 3, full.stderr
    assert "what it had before is safe" in full.stderr
    with Store(tmp_path / "s.db") as store:
        before = [row.key for row in store.results()]
    assert 0 < len(before) < 40
    assert run(tmp_path, "sweep", str(path), "--store", "s.db").returncode == 0
    assert run(tmp_path, "sweep", str(path), "--store", "clean.db", "--instance-seed", "7").returncode == 0
    with Store(tmp_path / "s.db") as store, Store(tmp_path / "clean.db") as clean:
        assert set(before) <= {row.key for row in store.results()}
        assert differences(store.results(), clean.results()) == []
        assert store.problems() == []


def test_files_that_are_no_store(tmp_path: Path) -> None:
    """Bad input: text, another program's database, another version, nothing: each gives one sentence."""
    text = tmp_path / "text.db"
    text.write_text("no database " * 100, encoding="utf-8")
    other = tmp_path / "other.db"
    asked(other, "CREATE TABLE t (x)", "INSERT INTO t VALUES (1)")
    later, earlier = tmp_path / "later.db", tmp_path / "earlier.db"
    for path, version in ((later, 99), (earlier, 1)):
        filled(path, range(1))
        asked(path, f"PRAGMA user_version = {version}")
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
    asked(tmp_path / "s.db", "PRAGMA wal_checkpoint(TRUNCATE)")
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


@pytest.mark.parametrize("name", [":memory:", "file:s.db", "file:s.db?mode=memory", "FILE:/tmp/s.db", "a\0b"])
def test_names_that_are_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Bad input: a database in memory, which would lose every row, and a URI, which could mean anything."""
    monkeypatch.chdir(tmp_path)
    for write in (True, False):
        with pytest.raises(InvalidArgument, match="store must be the path of a file, neither"):
            Store(Path(name), write=write)
    assert not list(tmp_path.iterdir())


def test_one_store_has_one_lock_whatever_it_is_called(tmp_path: Path) -> None:
    """Forgery: a second driver through a link to the file or to its folder is seen; a hard link is refused."""
    filled(tmp_path / "s.db", range(1))
    (tmp_path / "link.db").symlink_to("s.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    (tmp_path / "loop.db").symlink_to("loop.db")
    with Store(tmp_path / "s.db", write=True):
        for name in ("link.db", "folder/s.db", "folder/link.db"):
            with pytest.raises(StoreBusy, match=f"written by process {os.getpid()}"):
                Store(tmp_path / name, write=True)
    with Store(tmp_path / "link.db", write=True), pytest.raises(StoreBusy):
        Store(tmp_path / "s.db", write=True)
    os.link(tmp_path / "s.db", tmp_path / "hard.db")
    for name in ("hard.db", "s.db"):
        with pytest.raises(InvalidArgument, match="a file with one name"):
            Store(tmp_path / name, write=True)
    for name, sentence in (("loop.db", "be the path of a file"), (".", "a file with one name")):
        with pytest.raises(InvalidArgument, match=sentence):
            Store(tmp_path / name, write=True)


def test_a_lock_is_not_followed_nor_believed(tmp_path: Path) -> None:
    """Forgery: a lock that is a link cuts no other file; one with a terminal's command in it is not quoted."""
    (tmp_path / "other").write_text("precious", encoding="utf-8")
    (tmp_path / "s.db.lock").symlink_to("other")
    with pytest.raises(InvalidArgument, match="cannot be written"):
        Store(tmp_path / "s.db", write=True)
    assert (tmp_path / "other").read_text(encoding="utf-8") == "precious"
    (tmp_path / "s.db.lock").unlink()
    with Store(tmp_path / "s.db", write=True):
        (tmp_path / "s.db.lock").write_bytes(b"\x1b[2J")
        with pytest.raises(StoreBusy, match="written by another process"):
            Store(tmp_path / "s.db", write=True)


def test_a_store_is_its_owners_alone(tmp_path: Path) -> None:
    """Law: neither the store nor what SQLite and the lock leave beside it can be read by others, whatever the umask."""
    before = os.umask(0)
    try:
        with Store(tmp_path / "s.db", write=True) as store:
            store.plan("numbers", "{}", [attempt(0).unit])
            made = [path for path in files_of(tmp_path / "s.db") if path.exists()]
            assert len(made) == 4
            assert {path.stat().st_mode & 0o777 for path in made} == {0o600}
    finally:
        os.umask(before)
    (tmp_path / "s.db").chmod(0o644)
    Store(tmp_path / "s.db", write=True).close()
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600


def test_a_secret_is_made_once_and_told_nowhere(tmp_path: Path) -> None:
    """Law: units keep their private seeds; no list and no export has the store's secret, or a seed not yet opened."""
    keys = [attempt(number).key for number in range(2)]
    told = []
    for _ in range(2):
        filled(tmp_path / "s.db", range(1))
        with Store(tmp_path / "s.db", write=True) as store:
            told.append([store.job(key, {}).instances for key in keys])
            assert store.job(keys[0], {}).hidden == tuple(map(str, files_of(tmp_path / "s.db")))
    assert told[0] == told[1]
    assert told[0][0] != told[0][1]
    ((secret,),) = asked(tmp_path / "s.db", "SELECT seed FROM secrets")
    assert PrivateSeed.parse(secret).derived(keys[0]) == told[0][0]
    with Store(tmp_path / "s.db") as store:
        shown = repr([store.sweeps(), list(store.results())]).encode()
        for text in (shown, *(exported(store.results(), kind, attempts=True) for kind in FORMATS)):
            assert not any(seed.encode() in text for seed in (secret, *(found.opening for found in told[0])))
    assert not hasattr(store, "_secret")


def older(path: Path) -> None:
    """Make a store what it would be had an older version written it, without a secret."""
    raw = sqlite3.connect(path)
    raw.executescript("DROP TABLE secrets; DROP TABLE commitments;")
    raw.execute("PRAGMA user_version = 2")
    raw.close()


def test_a_store_without_a_secret_gets_one(tmp_path: Path) -> None:
    """Definition: a store of the version before is read as it is; the next run gives it a secret and keeps its rows."""
    filled(tmp_path / "s.db", range(3))
    older(tmp_path / "s.db")
    with Store(tmp_path / "s.db") as store:
        before = exported(store.results(), "jsonl")
    with Store(tmp_path / "s.db", write=True, secret=PrivateSeed(7)) as store:
        assert len(store.finished()) == 3
        assert store.job("k", {}).instances == PrivateSeed(7).derived("k")
    with Store(tmp_path / "s.db") as store:
        assert exported(store.results(), "jsonl") == before
    with pytest.raises(InvalidArgument, match="was made with, and is another"):
        Store(tmp_path / "s.db", write=True, secret=PrivateSeed(8))


def test_a_unit_is_committed_to_before_it_is_run(tmp_path: Path) -> None:
    """Law: the commitment to a unit's private seed is in the store from the plan on, and a row that opens another one,
    or no seed at all, is told.
    """
    units = [attempt(number) for number in range(3)]
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("numbers", "{}", [one.unit for one in units])
        kept: dict[str, str] = dict(asked(tmp_path / "s.db", "SELECT unit, commitment FROM commitments"))
        drawn = {one.key: store.job(one.key, one.unit).instances for one in units}
        assert kept == {key: seed.commitment for key, seed in drawn.items()}
        opened = [drawn[units[0].key].opening, drawn[units[0].key].opening, "x"]
        store.add([attempt(n, row={"instance_seed": seed}) for n, seed in enumerate(opened)], engine="serial")
        told = sorted(f"row of {one.key} opens another private seed than the store committed to" for one in units[1:])
        assert sorted(store.problems()) == told


HOSTILE = {
    "recursive view": "ALTER TABLE sweeps RENAME TO kept; CREATE VIEW sweeps AS WITH RECURSIVE n(x) AS "
    "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS id, x AS name, x AS spec FROM n;",
    "trigger": "CREATE TRIGGER more AFTER INSERT ON attempts BEGIN DELETE FROM members; END;",
    "another table": "CREATE TABLE more (x);",
    "no index": "DROP INDEX attempts_of_units;",
    "loose types": "PRAGMA writable_schema = ON; UPDATE sqlite_master SET sql = replace(sql, ' STRICT', '');",
}


@pytest.mark.parametrize("script", HOSTILE.values(), ids=HOSTILE)
def test_stores_with_other_tables(tmp_path: Path, script: str) -> None:
    """Forgery: a file that has a store's marks and other tables is read no further, and not written to."""
    filled(tmp_path / "s.db", range(1))
    raw = sqlite3.connect(tmp_path / "s.db")
    raw.executescript(script)
    raw.close()
    for write in (False, True):
        with pytest.raises(InvalidArgument, match="must have the tables that a sweep makes"):
            Store(tmp_path / "s.db", write=write)


def retyped(path: Path, *statements: str) -> None:
    """Change a store against its own rules, and leave its tables as every store has them."""
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA writable_schema = ON")
    kept = raw.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    raw.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
    raw.execute(
        "UPDATE sqlite_master SET sql = replace(replace(replace(sql, ' STRICT', ''), ' NOT NULL', ''), ' TEXT', '')"
    )
    raw.commit()
    raw.close()
    raw = sqlite3.connect(path)
    for statement in statements:
        raw.execute(statement)
    raw.execute("PRAGMA writable_schema = ON")
    raw.execute("DELETE FROM sqlite_master WHERE type = 'trigger'")
    for name, sql in kept:
        raw.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
        if sql.startswith("CREATE TRIGGER"):
            table = name.rpartition("_")[0]
            raw.execute("INSERT INTO sqlite_master VALUES ('trigger', ?, ?, 0, ?)", (name, table, sql))
    raw.commit()
    raw.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE attempts SET seconds = 'soon'",
        "UPDATE attempts SET seconds = 9e999",
        "UPDATE attempts SET outcome = 'perfect'",
        "UPDATE attempts SET reason = 7",
        "UPDATE attempts SET reason = x'ff'",
        "UPDATE attempts SET reason = CAST(x'ff' AS TEXT)",
        "UPDATE attempts SET engine = NULL",
        "UPDATE units SET unit = 5",
        "UPDATE units SET unit = '[]'",
        """UPDATE units SET unit = '{"a": 1e999}'""",
        "UPDATE sweeps SET name = 7",
        "UPDATE sweeps SET spec = x'00'",
        "UPDATE environments SET json = 7",
        "UPDATE blobs SET bytes = 'text'",
        "UPDATE blobs SET digest = rowid",
        "UPDATE secrets SET seed = 'x'",
        "UPDATE secrets SET seed = '-1'",
    ],
)
def test_stores_with_other_types(tmp_path: Path, statement: str) -> None:
    """Forgery: text where numbers are due and the reverse: list, show, export and a run tell rows or one sentence."""
    filled(tmp_path / "s.db", range(2))
    retyped(tmp_path / "s.db", statement)
    codes = []
    for words in (("list",), ("show",), ("export",), ("export", "--attempts")):
        code, _, err = in_process("results", words[0], str(tmp_path / "s.db"), *words[1:])
        codes.append(code)
        assert code == 0 or (err.isprintable() and "damaged" in err), err
    with suppress(InvalidArgument), Store(tmp_path / "s.db", write=True) as store:
        store.plan("numbers", "{}", [attempt(0).unit])
        assert len(store.finished()) == (0 if "blobs" in statement or "perfect" in statement else 2)
        codes.append(0)
    assert 2 in codes or len(codes) == 4 or "blobs" in statement, "nothing was noticed"


def in_process(*words: str) -> tuple[int, str, str]:
    """A command's exit code, output and errors; what is no error of the package is raised here."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            app(list(words), standalone_mode=False)
            code, told = 0, err.getvalue()
        except LowerBoundError as error:
            code, told = error.exit_code, str(error)
    out.flush()
    return code, out.buffer.getvalue().decode(), told


def test_escapes_of_a_hostile_store_reach_no_terminal(tmp_path: Path) -> None:
    """Forgery: a terminal's commands in names, reasons, units and SQLite's own words are shown as escapes."""
    filled(tmp_path / "s.db", range(1))
    evil = "\x1b]0;owned\x07\n\u202e"
    texts = (("sweeps", "name"), ("sweeps", "spec"), ("attempts", "reason"), ("attempts", "engine"))
    tables = (("units", "unit"), ("environments", "json"))
    retyped(
        tmp_path / "s.db",
        *(f"UPDATE {table} SET {column} = '{evil}'" for table, column in texts),  # noqa: S608
        *(f"UPDATE {table} SET {column} = '{json.dumps({evil: evil})}'" for table, column in tables),  # noqa: S608
    )
    for words in (("list",), ("show",), ("export", "--format", "jsonl", "--attempts"), ("show", "--sweep", "x")):
        code, out, err = in_process("results", words[0], str(tmp_path / "s.db"), *words[1:])
        assert code in (0, 2)
        assert out or err or words[0] == "export"
        assert all(line.isprintable() for text in (out, err) for line in text.split("\n")), (words, out, err)
    with Store(tmp_path / "s.db") as store:
        for kind in FORMATS[:2]:
            assert b"\x1b" not in exported(store.results(), kind, attempts=True)


@pytest.mark.slow
@pytest.mark.parametrize("stopped", [False, True], ids=["closed", "killed"])
def test_a_read_only_file_system_can_be_read(tmp_path: Path, stopped: bool) -> None:
    """Law: where nothing can be written, list and export tell all that was committed, after kill -9 too."""
    require(Isolation.SANDBOX)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    if stopped:
        script = (
            "import os; from pathlib import Path; from tests.sweep.test_store import attempt, Store\n"
            "store = Store(Path('s.db'), write=True); store.plan('numbers', '{}', [attempt(0).unit])\n"
            "store.add([attempt(0)], engine='serial'); os._exit(0)"
        )
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", script], cwd=shelf, env=environment, check=True)
        assert (shelf / "s.db-wal").stat().st_size > 0
        (shelf / "s.db-shm").unlink()
    else:
        filled(shelf / "s.db", range(1))
    before = {path.name: path.read_bytes() for path in shelf.iterdir()}
    words, environment = command(tmp_path, "results")
    reader = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--tmpfs", "/mnt", *words]
    for more in (["list", "s.db"], ["export", "s.db"]):
        told = subprocess.run(
            [*reader, *more],
            cwd=shelf,
            env={**environment, "TMPDIR": "/mnt"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert told.returncode == 0, told.stderr
        assert "1 of        1 finished" in told.stdout or attempt(0).key in told.stdout
    write = [*reader[:-1], "sweep", str(spec(tmp_path, ["golay"], 1)), "--store", "s.db"]
    refused = subprocess.run(write, cwd=shelf, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "cannot be written: Read-only file system" in refused.stderr
    assert {path.name: path.read_bytes() for path in shelf.iterdir()} == before


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


@pytest.mark.slow
def test_ten_thousand_rows_are_found_at_once(tmp_path: Path) -> None:
    """Law: a store of ten thousand rows says what is finished; how fast is for the benchmarks."""
    filled(tmp_path / "s.db", range(10_000))
    with Store(tmp_path / "s.db", write=True) as store:
        assert len(store.finished()) == 10_000


@pytest.mark.slow
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Bad input: one sentence, exit code 2."""
    found = run(tmp_path, "sweep", str(spec(tmp_path, ["full"], 1)), "--store", "no/such/folder/s.db")
    assert found.returncode == 2
    assert "cannot be written" in found.stderr
    assert read_spec(tmp_path / "small.toml").name == "small"
    assert os.listdir(tmp_path)
