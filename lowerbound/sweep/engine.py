"""Engines run the same units one after the other, on local processes, or on a cluster; only the driver writes.

Serial is the default and the reference. Every other engine is dask.distributed over TLS, on loopback too: anyone who
reaches a scheduler's port in the clear can run code there, and could ask it for the private seeds of games.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

from lowerbound import __version__
from lowerbound.core.scalars import counted
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid
from lowerbound.sweep.apart import Apart, lost, run_batch
from lowerbound.sweep.plain import reason_of
from lowerbound.sweep.spec import SlurmProfile, Unit
from lowerbound.sweep.store import Store
from lowerbound.sweep.units import Attempt, Job, environment, key_of, source_digest

SHORTEST_BATCH_S = 0.2
"""Units shorter than this are sent together as one task, because each task costs the scheduler milliseconds."""
MOST_IN_BATCH = 256
BATCHES_A_WORKER = 3
"""Enough that a worker need not wait for the driver, and few enough that the size of later batches still adapts."""
DEATHS_A_TASK = 2
"""The number of workers of a local cluster that may die while holding a task before dask gives the task up."""
NO_WORKERS_S = 300.0
"""A local cluster's tasks fail if none of its workers has come back for this long: no machine is so slow."""
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS_A_TASK,
    "distributed.scheduler.no-workers-timeout": f"{NO_WORKERS_S} s",
    "distributed.deploy.lost-worker-timeout": "1000 days",
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.preload": ["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}
"""Dask settings of local clusters. By default a cluster gives up for ever a worker that has died and is not back within
15 s, as happens on a busy machine; with no worker left, a sweep would wait for ever. By default dask's workers also
return memory to the system after every array, and its profiler samples every worker a hundred times a second: together
they slow units by a third. Ctrl-C reaches every process of a terminal; workers ignore it, because the driver stops them
in order. Pages of status have no TLS, so that none is served."""
CONNECT_S = 10.0
CANARY_S = 60.0
COMMIT_S = 0.05
"""Attempts of short units are committed together, at most once in this time, because each commit waits for the disk."""

Watch = Callable[[int, int, float, Attempt], None]
"""Called with each attempt: how many are done, of how many, the seconds since the start, and the attempt."""


class Stopped(LowerBoundError):
    """A signal stopped the sweep; all finished units are in the store."""

    exit_code = 3


class ClusterUnusable(InvalidArgument):
    """The cluster cannot run these units; the message says why."""


@dataclass(frozen=True)
class Tls:
    """The files of a TLS connection to a scheduler: the CA's certificate, this client's certificate, and its key."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Summary:
    """Counts of a run: `found` units were finished before it, and the others are counted by their outcome.

    `older` of the found units have rows that were made by different source code under the same version number, and
    `left` units have no outcome at all.
    """

    found: int
    done: int
    refused: int
    failed: int
    killed: int
    seconds: float
    older: int = 0
    left: int = 0

    @property
    def complete(self) -> bool:
        """Whether every unit now has a final outcome."""
        return not (self.failed or self.killed or self.left)


def run_serial(store: Store, units: Sequence[Unit], *, watch: Watch = lambda *_: None) -> Summary:
    """Run the units one after the other: in this process, and those of foreign caches in one that is told apart."""
    with _Book(store, units, "serial", watch) as book, Apart() as apart:
        for job in book.todo:
            book.write([apart.run(job)])
    return book.summary()


def run_local(store: Store, units: Sequence[Unit], *, workers: int, watch: Watch = lambda *_: None) -> Summary:
    """Run the units on processes of this machine, with one thread each, over loopback and TLS.

    The certificates are made for this run, and pass to the workers in memory.
    """
    _dask()
    if workers < 1:
        raise invalid("workers", "be an integer >= 1", workers)
    with _Book(store, units, f"local {workers}", watch) as book:
        if book.todo:
            import logging

            import dask
            from distributed import Client, LocalCluster

            with (
                _workers_own_path(),
                dask.config.set(SETTINGS),
                LocalCluster(
                    n_workers=min(workers, len(book.todo)),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    protocol="tls://",
                    security=_temporary_security("--workers"),
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):
                _drive(client, book)
    return book.summary()


@contextmanager
def _workers_own_path() -> Iterator[None]:
    """A context whose new interpreters do not look for modules in the working directory.

    Workers judge what their units play, and what lies beside a foreign cache is not theirs (`channel.module_path`).
    """
    before = os.environ.get("PYTHONSAFEPATH")
    os.environ["PYTHONSAFEPATH"] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONSAFEPATH"]
        else:
            os.environ["PYTHONSAFEPATH"] = before


def run_cluster(
    store: Store, units: Sequence[Unit], *, address: str, tls: Tls, watch: Watch = lambda *_: None
) -> Summary:
    """Run the units on the workers of a scheduler that is already running.

    Contract: an address that is not tls://HOST:PORT raises InvalidArgument; workers of another version, or that cannot
    import this package, raise ClusterUnusable before any unit is run.
    """
    _dask()
    check_address(address)
    with _Book(store, units, f"cluster {urlsplit(address).scheme}", watch) as book:
        if book.todo:
            from distributed import Client
            from distributed.security import Security

            security = Security(
                tls_ca_file=str(tls.ca),
                tls_client_cert=str(tls.certificate),
                tls_client_key=str(tls.key),
                require_encryption=True,
            )
            try:
                client = Client(address, security=security, timeout=CONNECT_S)
            except (OSError, TimeoutError) as error:
                raise ClusterUnusable(f"no scheduler answers at {address}: {error}") from None
            with client:
                _drive(client, book)
    return book.summary()


def run_slurm(store: Store, units: Sequence[Unit], *, profile: SlurmProfile, watch: Watch = lambda *_: None) -> Summary:
    """Run the units on workers that a SLURM queue starts, with at most the profile's number of jobs at once."""
    with _Book(store, units, "slurm", watch) as book:
        if book.todo:
            from distributed import Client

            with slurm_cluster(profile) as cluster, Client(cluster) as client:
                cluster.adapt(minimum_jobs=1, maximum_jobs=profile.maximum_jobs)
                _drive(client, book)
    return book.summary()


def slurm_cluster(profile: SlurmProfile) -> Any:
    """A dask-jobqueue cluster for a profile; its workers retire before their jobs' time is up.

    Contract: a profile that dask-jobqueue refuses raises InvalidArgument. TLS is always on, with certificates made for
    this run, and status pages are served on loopback only.
    """
    _dask()
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise InvalidArgument("--slurm needs dask-jobqueue: pip install 'lowerbound[cluster]'") from None
    from dask.utils import parse_bytes

    try:
        parse_bytes(profile.memory)
    except ValueError:
        raise invalid("memory of the slurm profile", "be a size such as 32GB", profile.memory) from None
    try:
        return SLURMCluster(
            queue=profile.queue,
            account=profile.account,
            cores=profile.cores,
            processes=profile.cores,
            memory=profile.memory,
            walltime=profile.walltime,
            interface=profile.interface,
            protocol="tls://",
            security=_temporary_security("--slurm"),
            shared_temp_directory=profile.shared_temp_directory,
            scheduler_options={"dashboard_address": "127.0.0.1:0"},
            worker_extra_args=[
                *("--lifetime", profile.lifetime, "--lifetime-stagger", "2m"),
                # Without an address, --no-dashboard still serves pages of status on every interface.
                *("--dashboard-address", "127.0.0.1:0"),
            ],
            job_script_prologue=[
                "export OPENBLAS_NUM_THREADS=1 MALLOC_TRIM_THRESHOLD_=268435456 MALLOC_MMAP_THRESHOLD_=33554432",
                *profile.prologue,
            ],
        )
    except (TypeError, ValueError, OSError) as error:
        raise InvalidArgument(f"the slurm profile is refused: {error}") from None


def _temporary_security(option: str) -> Any:
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError as error:
        raise InvalidArgument(f"{option} needs TLS: {error}; pip install 'lowerbound[cluster]'") from None


def check_address(address: str) -> None:
    """Raise InvalidArgument for a malformed address, and for one to which private seeds would go in the clear."""
    parts = urlsplit(address)
    try:
        whole = bool(parts.hostname) and parts.port is not None
    except ValueError:
        whole = False
    if parts.scheme not in ("tcp", "tls") or not whole:
        raise invalid("cluster", "be an address such as tls://127.0.0.1:8786", address)
    if parts.scheme != "tls":
        raise invalid(
            "cluster",
            "use TLS, since workers run whatever reaches them",
            address,
            nearest=f"tls://{parts.netloc}",
        )


def _dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InvalidArgument("more than one process needs dask: pip install 'lowerbound[cluster]'") from None


class _Book:
    """The bookkeeping of a run: units to do, units found finished, counts by outcome, and attempts not yet written."""

    def __init__(self, store: Store, units: Sequence[Unit], engine: str, watch: Watch) -> None:
        keyed = {key_of(unit): unit for unit in units}
        finished = {key: source for key, source in store.sources().items() if key in keyed}
        self.store, self.engine, self.watch = store, engine, watch
        self.todo: list[Job] = [store.job(key, unit) for key, unit in keyed.items() if key not in finished]
        self.counts = dict.fromkeys(("done", "refused", "failed", "killed"), 0)
        self.found, self.total = len(finished), len(self.todo)
        self.older = sum(source != source_digest() for source in finished.values())
        self.start = self.written = time.perf_counter()
        self.pending: list[Attempt] = []

    def __enter__(self) -> _Book:
        self._signals = _stop_on_signals()
        self._signals.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        self._signals.__exit__(None, None, None)
        self.flush()
        if kind is not None and issubclass(kind, KeyboardInterrupt):
            done = sum(self.counts.values())
            raise Stopped(
                f"stopped after {done} of {counted(self.total, 'unit')}; they are in {self.store.path}, "
                "and the same command goes on from there"
            ) from None

    def write(self, attempts: Sequence[Attempt]) -> None:
        """Take note of attempts, and commit all pending ones if the last commit was more than COMMIT_S ago.

        Others stay in memory until the next attempt or the end of the run.
        """
        self.pending += attempts
        if time.perf_counter() - self.written > COMMIT_S:
            self.flush()

    def flush(self) -> None:
        """Write all pending attempts to the disk, and only then count and report them."""
        if self.pending:
            self.store.add(self.pending, engine=self.engine)
        # Only now: what a busy or full disk did not take is tried once more at the end of the run.
        pending, self.pending = self.pending, []
        self.written = time.perf_counter()
        for attempt in pending:
            self.counts[attempt.outcome] += 1
            self.watch(sum(self.counts.values()), self.total, self.written - self.start, attempt)

    def summary(self) -> Summary:
        """The counts and seconds of this run."""
        return Summary(
            found=self.found,
            older=self.older,
            left=self.total - sum(self.counts.values()),
            seconds=time.perf_counter() - self.start,
            **self.counts,
        )


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """A context in which SIGTERM raises KeyboardInterrupt, as Ctrl-C does; only the main thread can set this."""

    def stop(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before: Any = None
    with suppress(ValueError):
        before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _canary(_: str) -> dict[str, Any]:
    """The environment of a worker. Dask sends this function by name, so that the worker's own package computes it."""
    return environment()


def _drive(client: Any, book: _Book) -> None:
    """Submit the units in batches that last at least about SHORTEST_BATCH_S, and write the attempts that come back."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker, NoWorkerError

    _sing(client)
    waiting = list(reversed(book.todo))
    suspects: list[Job] = []
    on_trial = ""
    flying: dict[str, list[Job]] = {}
    completed = as_completed()
    size, serial = 1, 0

    def launch() -> None:
        nonlocal on_trial
        n_workers = max(1, len(client.nthreads()))
        while len(flying) < BATCHES_A_WORKER * n_workers and waiting:
            submit([waiting.pop() for _ in range(min(size, len(waiting)))])
        if suspects and not flying:
            on_trial = submit([suspects.pop()])

    def submit(batch: list[Job]) -> str:
        nonlocal serial
        serial += 1
        # The serial number makes every key new: dask would answer a repeated key with the result it remembers.
        future = client.submit(run_batch, batch, key=f"{key_of(batch[0].unit)}-{serial}", pure=False, retries=1)
        flying[future.key] = batch
        completed.add(future)
        return str(future.key)

    launch()
    while flying:
        future = next(completed)
        batch = flying.pop(future.key)
        try:
            # A result lies in its worker's memory. If that dies before the driver has it, the batch is run again.
            attempts = future.result()
        except NoWorkerError as error:
            raise ClusterUnusable(
                f"no worker has run for {error.timeout:.0f} s; finished units are in {book.store.path}, and the same "
                "command goes on from there"
            ) from None
        except Exception as error:
            # Dask blames a worker's death on every task that the worker held, and one unit's error is its batch's. So
            # each unit of a blamed batch is tried again alone on the cluster, and only a unit under which workers die
            # then is recorded as killed.
            if len(batch) > 1 or (isinstance(error, KilledWorker) and future.key != on_trial):
                suspects += batch
            elif isinstance(error, KilledWorker):
                deaths = error.allowed_failures + 1
                book.write([lost(batch[0].unit, "killed", f"alone with this unit, {deaths} of {deaths} workers died")])
            else:
                book.write([lost(batch[0].unit, "failed", reason_of(error))])
        else:
            # Workers that joined after the first check must run this source as well.
            for attempt in attempts:
                _must_be_ours("a worker that came later", attempt.environment)
            book.write(attempts)
            waiting += reversed(batch[len(attempts) :])
            mean = sum(attempt.seconds for attempt in attempts) / len(attempts)
            size = min(MOST_IN_BATCH, max(1, round(SHORTEST_BATCH_S / max(mean, 1e-6))))
        future.release()
        launch()


def _sing(client: Any) -> None:
    """Raise ClusterUnusable unless every worker can import this very package and runs one unit at a time."""
    deadline = time.monotonic() + CANARY_S
    while not client.nthreads():
        if time.monotonic() > deadline:
            raise ClusterUnusable(f"the scheduler has no workers after {CANARY_S:.0f} s")
        time.sleep(0.1)
    try:
        told = client.submit(_canary, source_digest(), pure=False).result(timeout=CANARY_S)
        everywhere = client.run(environment)
    except Exception as error:
        raise ClusterUnusable(
            f"a first task failed, so that no unit was run: {type(error).__name__}: {str(error)[:300]}; "
            "install the same lowerbound on the scheduler and on every worker"
        ) from None
    for where, found in {"a worker": told, **everywhere}.items():
        _must_be_ours(where, found)
    for where, threads in client.nthreads().items():
        if threads > 1:
            raise ClusterUnusable(
                f"{where} runs {counted(threads, 'unit')} at once in one process; start workers with --nthreads 1 "
                f"(and --nworkers {threads})"
            )


def _must_be_ours(where: str, found: dict[str, Any]) -> None:
    if (found["lowerbound"], found["source"]) != (__version__, source_digest()):
        raise ClusterUnusable(
            f"{where} has lowerbound {found['lowerbound']} (source {found['source']}), "
            f"the driver {__version__} ({source_digest()}); install the same one, and edit none while it runs"
        )
