"""Engines: the same units one after the other, on local processes, or on a cluster; the driver alone writes.

Serial is the default and the reference. Every other engine is dask.distributed, on loopback only unless TLS is given:
whoever reaches a scheduler's port can run code there.
"""

from __future__ import annotations

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
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid
from lowerbound.sweep.spec import SlurmProfile, Unit
from lowerbound.sweep.store import Store
from lowerbound.sweep.units import Attempt, Outcome, environment, key_of, run_batch, run_unit, source_digest

SHORTEST_BATCH_S = 0.2
"""A task costs a scheduler milliseconds, so that units shorter than this travel together."""
MOST_IN_BATCH = 256
BATCHES_A_WORKER = 3
DEATHS_A_TASK = 2
"""How many workers of a local cluster may die under a task before dask gives it up."""
SETTINGS = {
    "distributed.scheduler.allowed-failures": DEATHS_A_TASK,
    "distributed.worker.profile.enabled": False,
    "distributed.worker.preload": ["import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)"],
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**28,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}
"""Of local clusters. Dask's own choice gives memory back to the system after every array, and its profiler looks at
every worker a hundred times a second: together they slow units by a third. Ctrl-C reaches every process of a terminal,
and is for the driver to answer."""
CONNECT_S = 10.0
CANARY_S = 60.0
COMMIT_S = 0.05
"""Rows of short units are written together, at least this often."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")

Watch = Callable[[int, int, float, Attempt], None]
"""Called with each attempt: how many are done, of how many, the seconds since the start, and the attempt."""


class Stopped(LowerBoundError):
    """Somebody stopped the sweep; what was finished is in the store."""

    exit_code = 3


class ClusterUnusable(InvalidArgument):
    """The cluster cannot run these units; the message says why."""


@dataclass(frozen=True)
class Tls:
    """Files of certificates, as dask asks for them."""

    ca: Path
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Summary:
    """What a run did: how many units it found finished, and what became of the others.

    `older` of those found have rows that another source of this version of the package made.
    """

    found: int
    done: int
    refused: int
    failed: int
    killed: int
    seconds: float
    older: int = 0

    @property
    def complete(self) -> bool:
        """Whether every unit now has its last word."""
        return not self.failed and not self.killed


def run_serial(store: Store, units: Sequence[Unit], *, watch: Watch = lambda *_: None) -> Summary:
    """One after the other in this process."""
    with _Book(store, units, "serial", watch) as book:
        for unit in book.todo:
            book.write([run_unit(unit)])
    return book.summary()


def run_local(store: Store, units: Sequence[Unit], *, workers: int, watch: Watch = lambda *_: None) -> Summary:
    """On processes of this machine, loopback only, each with one thread."""
    _dask()
    if workers < 1:
        raise invalid("workers", "be an integer >= 1", workers)
    with _Book(store, units, f"local {workers}", watch) as book:
        if book.todo:
            import logging

            import dask
            from distributed import Client, LocalCluster

            with (
                dask.config.set(SETTINGS),
                LocalCluster(
                    n_workers=min(workers, len(book.todo)),
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    silence_logs=logging.CRITICAL,
                ) as cluster,
                Client(cluster) as client,
            ):
                _drive(client, book)
    return book.summary()


def run_cluster(
    store: Store, units: Sequence[Unit], *, address: str, tls: Tls | None = None, watch: Watch = lambda *_: None
) -> Summary:
    """On the workers of a scheduler that is already there.

    Contract: an address beyond loopback without TLS raises InvalidArgument; workers of another version, or that cannot
    import this package, raise ClusterUnusable before any unit is run.
    """
    _dask()
    check_address(address, tls)
    with _Book(store, units, f"cluster {urlsplit(address).scheme}", watch) as book:
        if book.todo:
            from distributed import Client
            from distributed.security import Security

            security = (
                None
                if tls is None
                else Security(
                    tls_ca_file=str(tls.ca),
                    tls_client_cert=str(tls.certificate),
                    tls_client_key=str(tls.key),
                    require_encryption=True,
                )
            )
            try:
                client = Client(address, security=security, timeout=CONNECT_S)
            except (OSError, TimeoutError) as error:
                raise ClusterUnusable(f"no scheduler answers at {address}: {error}") from None
            with client:
                _drive(client, book)
    return book.summary()


def run_slurm(store: Store, units: Sequence[Unit], *, profile: SlurmProfile, watch: Watch = lambda *_: None) -> Summary:
    """On workers that a SLURM queue starts, as many jobs at once as the profile says."""
    with _Book(store, units, "slurm", watch) as book:
        if book.todo:
            from distributed import Client

            with slurm_cluster(profile) as cluster, Client(cluster) as client:
                cluster.adapt(minimum_jobs=1, maximum_jobs=profile.maximum_jobs)
                _drive(client, book)
    return book.summary()


def slurm_cluster(profile: SlurmProfile) -> Any:
    """A dask-jobqueue cluster of a profile, whose workers leave before their time is up.

    Contract: what the queue's interface does not take raises InvalidArgument. TLS is always on, with certificates made
    for this run, and pages of status are on loopback.
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
            security=_temporary_security(),
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


def _temporary_security() -> Any:
    from distributed.security import Security

    try:
        return Security.temporary()
    except ImportError as error:
        raise InvalidArgument(f"--slurm needs TLS: {error}") from None


def check_address(address: str, tls: Tls | None) -> None:
    """Raise InvalidArgument for an address that is none, or that would carry code over a network in the clear."""
    parts = urlsplit(address)
    if parts.scheme not in ("tcp", "tls") or not parts.hostname or parts.port is None:
        raise invalid("cluster", "be an address such as tcp://127.0.0.1:8786 or tls://host:8786", address)
    if parts.scheme == "tcp" and parts.hostname not in LOOPBACK:
        raise invalid(
            "cluster",
            "use TLS beyond this machine, since workers run whatever reaches them",
            address,
            nearest=f"tls://{parts.netloc}",
        )
    if (parts.scheme == "tls") != (tls is not None):
        raise invalid(
            "cluster", "have --tls-ca, --tls-cert and --tls-key exactly where its address begins with tls://", address
        )


def _dask() -> None:
    try:
        import distributed  # noqa: F401
    except ImportError:
        raise InvalidArgument("more than one process needs dask: pip install 'lowerbound[cluster]'") from None


class _Book:
    """What a run keeps in mind: what is to do, what was found, what became of the rest, and when to write."""

    def __init__(self, store: Store, units: Sequence[Unit], engine: str, watch: Watch) -> None:
        keyed = {key_of(unit): unit for unit in units}
        finished = {key: source for key, source in store.sources().items() if key in keyed}
        self.store, self.engine, self.watch = store, engine, watch
        self.todo = [unit for key, unit in keyed.items() if key not in finished]
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
                f"stopped after {done} of {self.total} units; they are in {self.store.path}, "
                "and the same command goes on from there"
            ) from None

    def write(self, attempts: Sequence[Attempt]) -> None:
        """Take note of attempts; they reach the disk at once, or with the next ones within a twentieth of a second."""
        self.pending += attempts
        if time.perf_counter() - self.written > COMMIT_S:
            self.flush()

    def flush(self) -> None:
        """Everything to the disk; only then is it told."""
        pending, self.pending = self.pending, []
        if pending:
            self.store.add(pending, engine=self.engine)
        self.written = time.perf_counter()
        for attempt in pending:
            self.counts[attempt.outcome] += 1
            self.watch(sum(self.counts.values()), self.total, self.written - self.start, attempt)

    def summary(self) -> Summary:
        """What was done."""
        return Summary(found=self.found, older=self.older, seconds=time.perf_counter() - self.start, **self.counts)


@contextmanager
def _stop_on_signals() -> Iterator[None]:
    """SIGTERM stops as Ctrl-C does."""

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
    """What a worker says of itself; it runs the code of the worker's own package."""
    return environment()


def _drive(client: Any, book: _Book) -> None:
    """Feed a cluster with batches that last long enough, and write down what comes back."""
    from distributed import as_completed
    from distributed.scheduler import KilledWorker

    _sing(client)
    waiting = list(reversed(book.todo))
    suspects: list[Unit] = []
    on_trial = ""
    flying: dict[str, list[Unit]] = {}
    completed = as_completed()
    size, serial = 1, 0

    def launch() -> None:
        nonlocal on_trial
        n_workers = max(1, len(client.nthreads()))
        while len(flying) < BATCHES_A_WORKER * n_workers and waiting:
            submit([waiting.pop() for _ in range(min(size, len(waiting)))])
        if suspects and not flying:
            on_trial = submit([suspects.pop()])

    def submit(batch: list[Unit]) -> str:
        nonlocal serial
        serial += 1
        future = client.submit(run_batch, batch, key=f"{key_of(batch[0])}-{serial}", pure=False, retries=1)
        flying[future.key] = batch
        completed.add(future)
        return str(future.key)

    launch()
    while flying:
        future = next(completed)
        batch = flying.pop(future.key)
        if future.status == "finished":
            attempts = future.result()
            # Workers that came after the canary have to be the same ones too.
            for attempt in attempts:
                _must_be_ours("a worker that came later", attempt.environment)
            book.write(attempts)
            mean = sum(attempt.seconds for attempt in attempts) / len(attempts)
            size = min(MOST_IN_BATCH, max(1, round(SHORTEST_BATCH_S / max(mean, 1e-6))))
        elif isinstance(error := future.exception(), KilledWorker):
            # Dask blames every task that a dead worker had been given; guilty is one that had the cluster to itself.
            if future.key == on_trial:
                deaths = error.allowed_failures + 1
                book.write([_lost(batch[0], "killed", f"alone with this unit, {deaths} of {deaths} workers died")])
            else:
                suspects += batch
        else:
            book.write([_lost(unit, "failed", f"{type(error).__name__}: {error}") for unit in batch])
        future.release()
        launch()


def _lost(unit: Unit, outcome: Outcome, reason: str) -> Attempt:
    """An attempt of which no worker could tell."""
    return Attempt(key_of(unit), unit, outcome, None, reason, 0.0, environment())


def _sing(client: Any) -> None:
    """A first task on every worker: the package can be imported there, is this one, and has a process to itself."""
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
                f"{where} runs {threads} units at once in one process; start workers with --nthreads 1 "
                f"(and --nworkers {threads})"
            )


def _must_be_ours(where: str, found: dict[str, Any]) -> None:
    if (found["lowerbound"], found["source"]) != (__version__, source_digest()):
        raise ClusterUnusable(
            f"{where} has lowerbound {found['lowerbound']} (source {found['source']}), "
            f"the driver {__version__} ({source_digest()}); install the same one, and edit none while it runs"
        )
