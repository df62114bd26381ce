"""Engines: the same rows from one process, from several and from a cluster, whoever is killed on the way."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from distributed import default_client

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.sweep import apart, engine
from lowerbound.sweep.apart import run_batch
from lowerbound.sweep.engine import ClusterUnusable, Summary, Tls, check_address, run_local, run_serial, slurm_cluster
from lowerbound.sweep.export import FORMATS, differences, exported
from lowerbound.sweep.spec import profile_of, read_spec
from lowerbound.sweep.store import Store
from lowerbound.sweep.units import LARGEST_ROW_BYTES, RUNNERS, Attempt, Job, run_unit, source_digest
from tests.conftest import require
from tests.sweep.sweeping import command, heed_ctrl_c, run, spec, start, wait_for

CACHES = ["uniform@1/2", "full-fp16", "golay", "recompute"]


def rows(path: Path) -> dict[str, str]:
    """Keys with outcomes; none while the store is being made."""
    try:
        with Store(path) as store:
            return {row.key: row.outcome for row in store.results()}
    except InvalidArgument:
        return {}


def same(left: Path, right: Path) -> bool:
    """Whether two stores have the same rows."""
    with Store(left) as one, Store(right) as other:
        return not differences(one.results(), other.results())


def attempts(path: Path) -> int:
    """How many attempts at finished units a store holds."""
    with Store(path) as store:
        return int(store._db.execute("SELECT count(*) FROM attempts WHERE outcome = 'done'").fetchone()[0])


def children(pid: int) -> list[int]:
    """Processes below one, as the kernel lists them."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, IndexError):
                continue
            if parent == pid:
                found += [int(entry.name), *children(int(entry.name))]
    return found


def workers(pid: int) -> list[int]:
    """Worker processes of a local driver."""
    return [
        child
        for child in children(pid)
        if b"spawn_main" in (Path("/proc") / str(child) / "cmdline").read_bytes() and not _tracker(child)
    ]


def _tracker(pid: int) -> bool:
    return b"resource_tracker" in (Path("/proc") / str(pid) / "cmdline").read_bytes()


@pytest.mark.slow
def test_serial_resumes_where_it_stopped(tmp_path: Path) -> None:
    """Law: a second run finds all units finished, and adds nothing."""
    path = spec(tmp_path, CACHES, 2)
    first = run(tmp_path, "sweep", str(path), "--store", "s.db", "--json")
    assert first.returncode == 0, first.stderr
    assert '"done": 6' in first.stdout
    assert '"refused": 2' in first.stdout
    again = run(tmp_path, "sweep", str(path), "--store", "s.db")
    assert "8 found, 0 done" in again.stdout
    assert attempts(tmp_path / "s.db") == 6


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_stopping_is_clean(tmp_path: Path, stop: signal.Signals) -> None:
    """Law: Ctrl-C ends the sweep with exit code 3 and a sentence; the same command goes on, and nothing is doubled."""
    path = spec(tmp_path, ["sweepcaches:Slow"], 8)
    driver = start(tmp_path, "sweep", str(path), "--store", "s.db")
    wait_for(lambda: len(rows(tmp_path / "s.db")) >= 2)
    driver.send_signal(stop)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 3, told
    assert "the same command goes on from there" in told
    before = len(rows(tmp_path / "s.db"))
    assert 2 <= before < 8
    again = run(tmp_path, "sweep", str(path), "--store", "s.db")
    assert f"{before} found, {8 - before} done" in again.stdout
    assert attempts(tmp_path / "s.db") == 8


@pytest.mark.slow
def test_a_killed_driver_loses_nothing(tmp_path: Path) -> None:
    """Law: after kill -9 of the driver every row that was told is there once, and the rest is done by the next run.

    With one secret, the exports are then those of a sweep that nobody killed, byte for byte.
    """
    path = spec(tmp_path, ["sweepcaches:Slow"], 6)
    seed = ("--instance-seed", "0x7")
    driver = start(tmp_path, "sweep", str(path), "--store", "s.db", *seed)
    wait_for(lambda: len(rows(tmp_path / "s.db")) >= 3)
    driver.kill()
    driver.communicate()
    before = len(rows(tmp_path / "s.db"))
    assert before >= 3
    again = run(tmp_path, "sweep", str(path), "--store", "s.db")
    assert f"{before} found, {6 - before} done" in again.stdout
    assert attempts(tmp_path / "s.db") == 6
    assert run(tmp_path, "sweep", str(path), "--store", "whole.db", *seed).returncode == 0
    with Store(tmp_path / "s.db") as store, Store(tmp_path / "whole.db") as whole:
        assert store.problems() == []
        for kind in FORMATS:
            assert exported(store.results(), kind) == exported(whole.results(), kind)


@pytest.mark.slow
def test_another_instance_seed_is_refused(tmp_path: Path) -> None:
    """Bad input: a store keeps its secret; another one, and what is no number, get a sentence and change nothing."""
    path = spec(tmp_path, ["golay"], 1)
    Store(tmp_path / "s.db", write=True, secret=PrivateSeed(7)).close()
    for seed, sentence in (
        ("8", "--instance-seed must be the one that store"),
        ("x", "instance seed must be a number"),
    ):
        found = run(tmp_path, "sweep", str(path), "--store", "s.db", f"--instance-seed={seed}")
        assert found.returncode == 2
        assert sentence in found.stderr
    assert attempts(tmp_path / "s.db") == 0


@pytest.mark.slow
def test_local_rows_are_serial_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differential: two processes give, row for row, what one gives, and byte for byte the same exports."""
    path = spec(tmp_path, CACHES, 3)
    monkeypatch.syspath_prepend(tmp_path)
    with Store(tmp_path / "serial.db", write=True, secret=PrivateSeed(7)) as store:
        units = list(read_spec(path).units())
        store.plan("small", "{}", units)
        run_serial(store, units)
    assert (
        run(tmp_path, "sweep", str(path), "--store", "local.db", "--workers", "2", "--instance-seed", "7").returncode
        == 0
    )
    assert same(tmp_path / "serial.db", tmp_path / "local.db")
    exports = []
    for name in ("serial", "local"):
        with Store(tmp_path / f"{name}.db") as store:
            exports.append(exported(store.results(), "csv"))
    assert exports[0] == exports[1]
    assert exports[0].count(b"\n") == 13


@pytest.mark.long
def test_stopping_a_terminal_is_clean_and_all_ports_are_on_loopback(tmp_path: Path) -> None:
    """Law: a driver and its workers listen on loopback alone, and talk to nobody without the run's certificates.

    Ctrl-C, which reaches all of them, is told in one line.
    """
    path = spec(tmp_path, ["sweepcaches:Slow"], 300)
    words, environment = command(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2")
    driver = subprocess.Popen(
        words,
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_ctrl_c,
    )
    wait_for(lambda: len(rows(tmp_path / "s.db")) >= 2)
    found = listening([driver.pid, *children(driver.pid)])
    assert len(found) >= 3, "a scheduler and two workers"
    assert {address for address, _ in found} <= {"0100007F", "00000000000000000000000001000000"}
    strangers(found)
    os.killpg(driver.pid, signal.SIGINT)
    _, told = driver.communicate(timeout=60)
    assert driver.returncode == 3, told
    assert "Traceback" not in told
    assert "the same command goes on from there" in told
    assert 2 <= attempts(tmp_path / "s.db") < 300


def strangers(found: set[tuple[str, str]]) -> None:
    """Fail if any of these ports runs a function for whoever lacks the certificate, or shows anybody a page."""
    from distributed import Client
    from distributed.security import Security

    tried = 0
    for port in (int(port, 16) for _, port in found):
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line:
            line.sendall(b"GET /info/main/workers.html HTTP/1.0\r\n\r\n")
            with suppress(OSError):
                if (said := line.recv(100)).startswith(b"HTTP/"):
                    assert b" 404 " in said, said
                    continue
        for address, security in ((f"tcp://127.0.0.1:{port}", None), (f"tls://127.0.0.1:{port}", Security.temporary())):
            tried += 1
            try:
                with Client(address, security=security, timeout=2, set_as_default=False) as client:
                    told = client.run_on_scheduler(os.getpid)
            except (OSError, MemoryError):  # a refusal in TLS, read as the length of a message in the clear
                continue
            raise AssertionError(f"{address} ran code for a stranger: {told}")
    assert tried >= 6, "a scheduler and two workers"


def listening(pids: list[int]) -> set[tuple[str, str]]:
    """(address, port) of every TCP socket on which one of these processes listens, in hexadecimal."""
    sockets = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text(encoding="ascii").splitlines()[1:]:
            words = line.split()
            if words[3] == "0A":
                sockets[f"socket:[{words[9]}]"] = words[1].split(":")
    found = set()
    for pid in pids:
        for file in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if (where := sockets.get(os.readlink(file))) is not None:
                    found.add((where[0], where[1]))
    return found


@pytest.mark.long
def test_a_killed_worker_is_replaced(tmp_path: Path) -> None:
    """Law: kill -9 of a worker in the middle loses no row and doubles none."""
    path = spec(tmp_path, ["sweepcaches:Slow"], 24)
    driver = start(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2")
    wait_for(lambda: len(rows(tmp_path / "s.db")) >= 2)
    victims = workers(driver.pid)
    assert victims
    os.kill(victims[0], signal.SIGKILL)
    _, told = driver.communicate(timeout=250)
    assert driver.returncode == 0, told
    assert set(rows(tmp_path / "s.db").values()) == {"done"}
    assert attempts(tmp_path / "s.db") == 24


@pytest.mark.long
def test_a_killed_driver_leaves_no_workers(tmp_path: Path) -> None:
    """Law: after kill -9 of a driver with workers, they end, and the next run finishes the sweep."""
    path = spec(tmp_path, ["sweepcaches:Slow"], 30)
    driver = start(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2")
    wait_for(lambda: len(rows(tmp_path / "s.db")) >= 2)
    below = children(driver.pid)
    driver.kill()
    driver.communicate()
    wait_for(lambda: not any((Path("/proc") / str(pid)).exists() for pid in below), 30)
    again = run(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2")
    assert again.returncode == 0, again.stderr
    assert attempts(tmp_path / "s.db") == 30


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine_", [(), pytest.param(("--workers", "2"), marks=pytest.mark.long)], ids=["here", "workers"]
)
def test_a_hostile_cache_ends_its_unit_and_no_more(tmp_path: Path, engine_: tuple[str, ...]) -> None:
    """Forgery: caches that end their process, forge its reply, or fail with a text that is no text, cost their own row.

    A process that ends with status 0 is told like any other. What is stored, shown and exported is printable.
    """
    hostile = ("Leaves", "Poison", "Quits", "Surrogate", "Forger")
    path = spec(tmp_path, ["golay", *(f"sweepcaches:{name}" for name in hostile), "exact"], 1)
    found = run(tmp_path, "sweep", str(path), "--store", "s.db", *engine_)
    assert found.returncode == 3, found.stderr
    assert "2 done, 2 refused, 0 failed, 3 killed" in found.stdout
    assert "tells why; the same command tries them again" in found.stderr
    with Store(tmp_path / "s.db") as store:
        reasons = {row.unit["cache"].partition(":")[2]: row.reason for row in store.results() if row.reason}
        exports = [exported(store.results(), kind) for kind in FORMATS]
    assert reasons.keys() == set(hostile)
    assert reasons["Leaves"] == "the process of its cache ended with status 0 before the unit did"
    assert reasons["Poison"] == "the process of its cache ended with status 9 before the unit did: poisoned"
    assert reasons["Forger"].startswith("its process replied with what is no attempt")
    assert r"\ud800\x1b[2Jgone\nb2f1  done" in reasons["Surrogate"]
    shown = run(tmp_path, "results", "show", "s.db").stdout
    assert all(line.isprintable() for line in shown.splitlines())
    assert len(shown.splitlines()) == 7 + len(hostile)
    assert all(b"\x1b" not in export for export in exports[:2])


@pytest.mark.slow
def test_a_sandboxed_cache_finds_no_store(tmp_path: Path) -> None:
    """Forgery: a cache that looks for the secret of the sweep that plays it reads nothing of the store in a sandbox."""
    require(Isolation.SANDBOX)
    path = spec(tmp_path, ["sweepcaches:Spy"], 1)
    open_ = path.read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for level in ("none", "sandbox"):
        path.write_text(open_.replace('"none"', f'"{level}"'), encoding="utf-8")
        assert run(tmp_path, "sweep", str(path), "--store", "s.db").returncode == 0
        with Store(tmp_path / "s.db") as store:
            told |= {row.unit["isolation"]: row.reason for row in store.results()}
    assert "ValueError: read 0 bytes" in told["sandbox"]
    assert re.search(r"ValueError: read \d{5,} bytes", told["none"])


@pytest.mark.long
def test_a_unit_that_kills_workers_is_told_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Law: a unit under which workers die is killed, alone; the sweep says so, and goes on.

    No setting of dask's own gives up the workers that are slow to come back.
    """
    monkeypatch.setenv("DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT", "100ms")
    path = spec(tmp_path, ["sweepcaches:Parricide", "full-fp16", "golay", "exact"], 2)
    found = run(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2")
    assert found.returncode == 3, found.stderr
    assert "6 done, 0 refused, 0 failed, 2 killed" in found.stdout
    shown = run(tmp_path, "results", "show", "s.db").stdout
    assert shown.count("alone with this unit, 3 of 3 workers died") == 2


@pytest.mark.long
def test_results_that_die_with_their_worker_are_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: rows that a worker has and the driver has not yet are played again, whoever dies on the way."""
    deaths = 0

    def kill_until_dask_gives_up(done: int, *_: object) -> None:
        nonlocal deaths
        if done > 1:
            return
        client = default_client()
        wait_for(lambda: not any(client.processing().values()))
        _kill_workers(client)
        while deaths <= engine.DEATHS_A_TASK:
            wait_for(lambda: any(client.processing().values()))
            _kill_workers(client)
            deaths += 1

    units = list(read_spec(spec(tmp_path, ["sweepcaches:Slow"], 6)).units())
    monkeypatch.syspath_prepend(tmp_path)
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("small", "{}", units)
        summary = run_local(store, units, workers=1, watch=kill_until_dask_gives_up)
    assert deaths == engine.DEATHS_A_TASK + 1
    assert (summary.done, summary.complete) == (6, True)


def _kill_workers(client: Any) -> None:
    for pid in client.run(os.getpid).values():
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not client.nthreads())


@pytest.mark.long
def test_a_cluster_without_workers_ends_the_sweep_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: workers that never come back end a sweep, not a person's patience; the rows so far are kept."""
    monkeypatch.setitem(engine.SETTINGS, "distributed.scheduler.no-workers-timeout", "1 s")
    monkeypatch.setitem(engine.SETTINGS, "distributed.deploy.lost-worker-timeout", "1 ms")

    def kill_all(*_: object) -> None:
        _kill_workers(default_client())

    units = list(read_spec(spec(tmp_path, ["golay"], 6)).units())
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("small", "{}", units)
        with pytest.raises(ClusterUnusable, match=r"no worker has run for 1 s; finished units are in .*s\.db"):
            run_local(store, units, workers=1, watch=kill_all)
        assert [row.outcome for row in store.results()].count("done") >= 1


@pytest.mark.slow
def test_a_stopped_driver_leaves_no_process_of_a_cache(tmp_path: Path) -> None:
    """Law: Ctrl-C and kill -9 of a driver end the process of a foreign cache, in the middle of a unit too."""
    path = spec(tmp_path, ["sweepcaches:Slow"], 40)
    for number, stop in enumerate((signal.SIGINT, signal.SIGKILL)):
        driver = start(tmp_path, "sweep", str(path), "--store", f"{number}.db")
        wait_for(partial(rows, tmp_path / f"{number}.db"))
        below = children(driver.pid)
        assert len(below) == 1
        driver.send_signal(stop)
        driver.communicate(timeout=60)
        wait_for(partial(_is_over, below[0]), 10)


def _is_over(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.slow
def test_a_row_that_no_store_takes_costs_no_other_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: NaN, an array, a value too deep and one too large fail their own units; all others of the batch are kept."""
    deep: list[Any] = []
    for _ in range(10**4):
        deep = [deep]
    odd: dict[int, Any] = {1: float("nan"), 3: {1, 2}, 4: deep, 5: "x" * LARGEST_ROW_BYTES, 6: 10**5000}

    def play(job: Job) -> dict[str, Any]:
        return {"value": odd.get(job.unit["seed"], job.unit["seed"])}

    monkeypatch.setitem(RUNNERS, "play", play)
    units = list(read_spec(spec(tmp_path, ["golay"], 8)).units())
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("small", "{}", units)
        summary = run_serial(store, units)
        assert (summary.done, summary.failed, summary.left) == (3, 5, 0)
        assert {row.row["value"] for row in store.results() if row.row} == {0, 2, 7}


def test_a_batch_does_not_wait_for_its_slow_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Definition: a batch gives back the units that it has not begun in time, and at least one attempt."""

    def play(_: Job) -> dict[str, Any]:
        time.sleep(0.05)
        return {}

    monkeypatch.setitem(RUNNERS, "play", play)
    jobs = [Job(unit, PrivateSeed(0)) for unit in read_spec(spec(tmp_path, ["golay"], 20)).units()]
    monkeypatch.setattr(apart, "LONGEST_BATCH_S", 0.0)
    assert len(run_batch(jobs)) == 1  # it imports what units need, too
    monkeypatch.setattr(apart, "LONGEST_BATCH_S", 0.5)
    assert 2 <= len(run_batch(jobs)) < 20


def test_a_busy_store_takes_its_rows_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: what the store did not take in the middle of a run is not dropped, but offered again."""
    units = list(read_spec(spec(tmp_path, ["golay"], 2)).units())
    with Store(tmp_path / "s.db", write=True) as store:
        store.plan("small", "{}", units)
        add, refusals = store.add, [InvalidArgument("busy")]

        def once(attempts_: Sequence[Attempt], *, engine: str) -> None:
            if refusals:
                raise refusals.pop()
            add(attempts_, engine=engine)

        monkeypatch.setattr(store, "add", once)
        monkeypatch.setattr(engine, "COMMIT_S", 0.0)
        with pytest.raises(InvalidArgument, match="busy"):
            run_serial(store, units)
        assert len(list(store.results())) == 1


def test_a_sweep_that_ended_early_is_not_complete() -> None:
    """Definition: a unit without an outcome makes a sweep as incomplete as one that failed."""
    whole = Summary(found=1, done=2, refused=1, failed=0, killed=0, seconds=1.0)
    assert whole.complete
    assert not any(replace(whole, **{name: 1}).complete for name in ("failed", "killed", "left"))


def test_instances_come_from_the_stores_secret_and_the_units_key(tmp_path: Path) -> None:
    """Law: rows tell the seed of their instances and its commitment; both follow from the secret and the key."""
    path, seeds = spec(tmp_path, ["golay"], 2), {}
    for name, secret in (("a", PrivateSeed(7)), ("b", PrivateSeed(7)), ("c", PrivateSeed(8)), ("d", None)):
        units = list(read_spec(path).units())
        with Store(tmp_path / name, write=True, secret=secret) as store:
            store.plan("small", "{}", units)
            run_serial(store, units)
            found = {row.key: row.row for row in store.results() if row.row}
            assert store.problems() == []
        assert len(found) == 2
        seeds[name] = {key: row["instance_seed"] for key, row in found.items()}
        for key, row in found.items():
            assert row["instance_commitment"] == PrivateSeed.parse(row["instance_seed"]).commitment
            assert secret is None or row["instance_seed"] == secret.derived(key).opening
    assert seeds["a"] == seeds["b"]
    told = [seed for name in "acd" for seed in seeds[name].values()]
    assert len(set(told)) == 6


def certificates(folder: Path) -> Tls:
    """Files of certificates that were made just now."""
    from distributed.security import Security

    made = Security.temporary()
    files = {"ca": made.tls_ca_file, "cert": made.tls_client_cert, "key": made.tls_client_key}
    for name, text in files.items():
        (folder / f"{name}.pem").write_text(text, encoding="utf-8")
    return Tls(*(folder / f"{name}.pem" for name in files))


@contextmanager
def cluster(folder: Path, threads: int = 1) -> Iterator[list[str]]:
    """A scheduler and two workers of dask's own commands, on loopback with TLS; the options by which it is used."""
    _, environment = command(folder, "-")
    file, tls = folder / "scheduler.json", certificates(folder)
    options = ["--scheduler-file", str(file), "--protocol", "tls://"]
    options += ["--tls-ca-file", str(tls.ca), "--tls-cert", str(tls.certificate), "--tls-key", str(tls.key)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    quiet |= {"env": environment, "cwd": folder}
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--nthreads", f"{threads}", "--host", "127.0.0.1"]
    local = ["--dashboard-address", "127.0.0.1:0"]
    started = [subprocess.Popen([*scheduler, *options, *local], **quiet)]
    try:
        wait_for(lambda: file.exists() and file.stat().st_size > 0)
        started += [subprocess.Popen([*worker, *options, *local], **quiet) for _ in range(2)]
        import json

        address = str(json.loads(file.read_text(encoding="utf-8"))["address"])
        own = ["--tls-ca", str(tls.ca), "--tls-cert", str(tls.certificate), "--tls-key", str(tls.key)]
        yield ["--cluster", address, *own]
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(30)


@pytest.mark.long
def test_cluster_rows_are_serial_rows(tmp_path: Path) -> None:
    """Differential: a scheduler and workers that were started by hand give what one process gives from one secret.

    Without the certificates nobody gets in, and to another address in the clear nothing is sent.
    """
    path = spec(tmp_path, CACHES, 6)
    assert run(tmp_path, "sweep", str(path), "--store", "serial.db", "--instance-seed", "7").returncode == 0
    with cluster(tmp_path) as options:
        assert options[1].startswith("tls://")
        found = run(tmp_path, "sweep", str(path), "--store", "cluster.db", "--instance-seed", "7", *options)
        without = run(tmp_path, "sweep", str(path), "--store", "x.db", *options[:2])
        clear = run(tmp_path, "sweep", str(path), "--store", "x.db", "--cluster", options[1].replace("tls", "tcp"))
    assert found.returncode == 0, found.stderr
    assert same(tmp_path / "serial.db", tmp_path / "cluster.db")
    assert (without.returncode, clear.returncode) == (2, 2)
    assert "--cluster needs --tls-ca" in without.stderr
    assert "use TLS" in clear.stderr
    assert not (tmp_path / "x.db").exists()


@pytest.mark.long
def test_workers_of_another_version_are_refused(tmp_path: Path) -> None:
    """Law: where a worker's package is not the driver's, no unit is run and the sentence says which is where."""
    other = tmp_path / "other"
    other.mkdir()
    import shutil

    import lowerbound

    shutil.copytree(Path(lowerbound.__file__).parent, other / "lowerbound")
    with (other / "lowerbound" / "errors.py").open("a", encoding="utf-8") as file:
        file.write("# another version\n")
    path = spec(other, ["golay"], 1)
    _, environment = command(other, "-")
    environment["PYTHONPATH"] = str(other)
    with cluster(other) as options:
        start_ = time.monotonic()
        words, own = command(tmp_path, "sweep", str(path), "--store", "s.db", *options)
        driver = subprocess.run(
            words,
            env={**own, "PYTHONPATH": str(tmp_path)},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=250,
        )
        assert time.monotonic() - start_ < 90
    assert driver.returncode == 2, driver.stderr
    assert "install the same one" in driver.stderr
    assert rows(tmp_path / "s.db") == {}


@pytest.mark.long
def test_workers_with_threads_are_refused(tmp_path: Path) -> None:
    """Bad input: dask's default is a thread a core; a unit has a process to itself, and the sentence says how."""
    path = spec(tmp_path, ["golay"], 1)
    with cluster(tmp_path, threads=3) as options:
        found = run(tmp_path, "sweep", str(path), "--store", "s.db", *options)
    assert found.returncode == 2, found.stderr
    assert "runs 3 units at once in one process; start workers with --nthreads 1" in found.stderr
    assert rows(tmp_path / "s.db") == {}


@pytest.mark.slow
def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """Bad input: without an extra, the sentence says which one to install, and nothing is run."""
    spec(tmp_path, ["golay"], 1)
    (tmp_path / "p.toml").write_text('cores = 1\nmemory = "1GB"\nwalltime = "1:00"\n', encoding="utf-8")
    assert run(tmp_path, "sweep", "small.toml", "--store", "s.db").returncode == 0
    hide = "import sys; sys.modules[sys.argv.pop(1)] = None; from lowerbound.cli import main; main()"
    sweep = ("sweep", "small.toml", "--store", "x.db")
    for module, words, sentence in (
        ("distributed", (*sweep, "--workers", "2"), "pip install 'lowerbound[cluster]'"),
        ("dask_jobqueue", (*sweep, "--slurm", "p.toml"), "pip install 'lowerbound[cluster]'"),
        ("pyarrow", ("results", "export", "s.db", "--format", "parquet"), "pip install 'lowerbound[parquet]'"),
    ):
        _, environment = command(tmp_path, "-")
        found = subprocess.run(
            [sys.executable, "-c", hide, module, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert found.returncode == 2, found.stderr
        assert sentence in found.stderr


@pytest.mark.slow
def test_rows_of_another_source_are_told(tmp_path: Path) -> None:
    """Law: rows that were made by an edited package are not taken silently for this one's."""
    (unit,) = read_spec(spec(tmp_path, ["golay"], 1)).units()
    made = run_unit(Job(unit, PrivateSeed(0)))
    for source, older in ((source_digest(), 0), ("edited", 1)):
        with Store(tmp_path / f"{source}.db", write=True) as store:
            store.plan("small", "{}", [unit])
            store.add([replace(made, environment={**made.environment, "source": source})], engine="serial")
            summary = run_serial(store, [unit])
        assert (summary.found, summary.older) == (1, older)
    told = run(tmp_path, "sweep", "small.toml", "--store", "edited.db")
    assert told.returncode == 0
    assert "1 of the rows found were made by another source" in told.stderr


def test_nobody_is_listening(tmp_path: Path) -> None:
    """Bad input: several engines at once, and addresses that would carry code in the clear, before anything is run."""
    path = spec(tmp_path, ["golay"], 1)
    found = run(tmp_path, "sweep", str(path), "--store", "s.db", "--workers", "2", "--cluster", "tls://127.0.0.1:1")
    assert found.returncode == 2
    assert "one of --workers, --cluster and --slurm" in found.stderr
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("tcp://10.0.0.1:8786", "use TLS"),
        ("tcp://127.0.0.1:8786", "the nearest valid choice is tls://127.0.0.1:8786"),
        ("127.0.0.1:8786", "be an address such as"),
        ("tls://127.0.0.1", "be an address such as"),
        ("tls://127.0.0.1:x", "be an address such as"),
        ("tls://:1", "be an address such as"),
    ],
)
def test_addresses(address: str, sentence: str) -> None:
    """Bad input: what is no address, and what would be unsafe, on loopback too."""
    with pytest.raises(InvalidArgument, match=sentence):
        check_address(address)
    check_address("tls://127.0.0.1:8786")


@pytest.mark.slow
def test_a_job_of_slurm_is_what_was_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known value: the job script of a profile: queue, time and memory, one BLAS thread, TLS, workers that leave."""
    monkeypatch.chdir(tmp_path)
    profile = {
        "queue": "cpu",
        "cores": 4,
        "memory": "8GB",
        "walltime": "01:00:00",
        "maximum_jobs": 3,
        "lifetime": "55m",
    }
    with slurm_cluster(profile_of(profile)) as made:
        script = made.job_script()
    parts = ("-p cpu", "-t 01:00:00", "OPENBLAS_NUM_THREADS=1", "tls://", "--lifetime 55m")
    for part in (*parts, "--nthreads 1", "--nworkers 4", "--dashboard-address 127.0.0.1:0"):
        assert part in script, script
    with pytest.raises(InvalidArgument, match="must be a size such as 32GB, got 'much'"):
        slurm_cluster(profile_of({**profile, "memory": "much"}))
