"""Sweeps: run every combination of a specification once, and show the contents of a store."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lowerbound.cli.options import InstanceSeedOption, JsonOption, can_write, instances_of, print_json
from lowerbound.errors import InvalidArgument, printable

if TYPE_CHECKING:
    from lowerbound.sweep.engine import Watch

StoreArgument = Annotated[Path, typer.Argument(metavar="STORE", help="A file that `lowerbound sweep` has made.")]
SweepOption = Annotated[str | None, typer.Option("--sweep", metavar="NAME", help="One sweep, by its name or identity.")]


class FormatName(StrEnum):
    """The formats of an export."""

    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


def sweep(
    spec: Annotated[Path, typer.Argument(metavar="SPEC.toml", help="The axes (docs/sweeps.md).")],
    store: Annotated[Path, typer.Option("--store", metavar="FILE", help="Where rows go, and are found again.")],
    workers: Annotated[int | None, typer.Option("--workers", min=1, help="Local processes; default: this one.")] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", metavar="ADDRESS", help="A dask scheduler, such as tls://127.0.0.1:8786.")
    ] = None,
    tls_ca: Annotated[Path | None, typer.Option("--tls-ca", metavar="FILE", help="For --cluster.")] = None,
    tls_cert: Annotated[Path | None, typer.Option("--tls-cert", metavar="FILE", help="For --cluster.")] = None,
    tls_key: Annotated[Path | None, typer.Option("--tls-key", metavar="FILE", help="For --cluster.")] = None,
    slurm: Annotated[
        Path | None, typer.Option("--slurm", metavar="PROFILE.toml", help="Start workers through a SLURM queue.")
    ] = None,
    allow_exec: Annotated[
        bool, typer.Option("--allow-exec", help="Let SPEC.toml name caches that are commands, exec:COMMAND.")
    ] = False,
    instance_seed: InstanceSeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run every combination of a specification that the store does not have yet."""
    if sum(choice is not None for choice in (workers, cluster, slurm)) > 1:
        raise InvalidArgument("sweep must get one of --workers, --cluster and --slurm, got several")
    from lowerbound.core.scalars import counted
    from lowerbound.sweep import engine
    from lowerbound.sweep.apart import check_caches
    from lowerbound.sweep.spec import read_profile, read_spec
    from lowerbound.sweep.store import Store

    specification = read_spec(spec, allow_exec=allow_exec)
    secret = instances_of(instance_seed)
    units = list(specification.units())
    tls = None
    if any((tls_ca, tls_cert, tls_key)):
        if not (tls_ca and tls_cert and tls_key):
            raise InvalidArgument("TLS needs all of --tls-ca, --tls-cert and --tls-key")
        tls = engine.Tls(tls_ca, tls_cert, tls_key)
    if cluster is not None:
        engine.check_address(cluster)
    if (cluster is None) != (tls is None):
        raise InvalidArgument("--cluster needs --tls-ca, --tls-cert and --tls-key, and nothing else does")
    profile = None if slurm is None else read_profile(slurm)
    if cluster is None and profile is None:
        check_caches(units)
    with Store(store, write=True, secret=secret) as opened, _Bar() as watch:
        opened.plan(specification.name, specification.model_dump_json(), units)
        if cluster is not None and tls is not None:
            summary = engine.run_cluster(opened, units, address=cluster, tls=tls, watch=watch)
        elif profile is not None:
            summary = engine.run_slurm(opened, units, profile=profile, watch=watch)
        elif workers is not None:
            summary = engine.run_local(opened, units, workers=workers, watch=watch)
        else:
            summary = engine.run_serial(opened, units, watch=watch)
    if as_json:
        print_json({"store": str(store), "units": len(units), **vars(summary), "complete": summary.complete})
    else:
        print(
            f"{counted(len(units), 'unit')}: {summary.found} found, {summary.done} done, {summary.refused} refused, "
            f"{summary.failed} failed, {summary.killed} killed, in {summary.seconds:.1f} s"
        )
    if summary.older:
        print(
            f"warning: {summary.older} of the rows found were made by another source of this version of lowerbound; "
            "a new store makes them anew",
            file=sys.stderr,
        )
    if summary.refused:
        print(
            f"{counted(summary.refused, 'unit')} can have no row; lowerbound results show {store} tells why",
            file=sys.stderr,
        )
    if summary.left:
        print(f"not run, for the sweep ended early: {counted(summary.left, 'unit')}", file=sys.stderr)
    if not summary.complete:
        print(f"lowerbound results show {store} tells why; the same command tries them again", file=sys.stderr)
        raise typer.Exit(3)


class _Bar:
    """Progress, rate and time left on standard error: a bar on a terminal, elsewhere a line every 10 s at most."""

    def __init__(self) -> None:
        self._looked_at = sys.stderr.isatty()
        self._last = 0.0

    def __enter__(self) -> Watch:
        if self._looked_at:
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

            from lowerbound.report.terminal import console

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.fields[rate]}"),
                TimeRemainingColumn(),
                console=console(stderr=True),
                transient=True,
            )
            self._task = self._bar.add_task("sweep", total=None, rate="")
            self._bar.start()
        return self._tell

    def _tell(self, done: int, total: int, seconds: float, attempt: object) -> None:
        from lowerbound.core.scalars import counted

        rate = done / seconds if seconds else 0.0
        if self._looked_at:
            self._bar.update(self._task, completed=done, total=total, rate=f"{rate:.1f}/s")
        elif seconds - self._last >= 10 or done == total:
            self._last = seconds
            left = (total - done) / rate if rate else 0.0
            print(f"{done} of {counted(total, 'unit')}, {rate:.1f} a second, {left:.0f} s left", file=sys.stderr)

    def __exit__(self, *_: object) -> None:
        if self._looked_at:
            self._bar.stop()


def list_sweeps(store: StoreArgument, as_json: JsonOption = False) -> None:
    """List the sweeps of a store and how many units are finished."""
    from lowerbound.sweep.store import Store

    with Store(store) as opened:
        sweeps, problems = opened.sweeps(), opened.problems()
    if as_json:
        print_json({"sweeps": sweeps, "problems": problems})
        return
    for found in sweeps:
        print(f"{found['id']}  {printable(found['name']):30} {found['finished']:>8} of {found['units']:>8} finished")
    for problem in problems:
        print(f"warning: {printable(problem)}", file=sys.stderr)


def show(store: StoreArgument, sweep: SweepOption = None, as_json: JsonOption = False) -> None:
    """List every unit of a store with its outcome."""
    from lowerbound.sweep.store import Store
    from lowerbound.sweep.units import canonical

    with Store(store) as opened:
        rows = list(opened.results(sweep))
    if as_json:
        print_json([vars(row) for row in rows])
        return
    for row in rows:
        unit = {name: value for name, value in row.unit.items() if value is not None}
        print(f"{row.key}  {row.outcome:8}{row.seconds:8.2f} s  {canonical(unit)}")
        if row.reason:
            print(f"    {printable(row.reason)}")


def export(
    store: StoreArgument,
    form: Annotated[FormatName, typer.Option("--format", help="csv, jsonl or parquet.")] = FormatName.CSV,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="FILE", help="Default: standard output.", callback=can_write)
    ] = None,
    sweep: SweepOption = None,
    attempts: Annotated[
        bool, typer.Option("--attempts", help="With seconds, engine and environment, which differ from run to run.")
    ] = False,
) -> None:
    """Export all rows as a table; equal rows give equal bytes."""
    from lowerbound.sweep.export import exported
    from lowerbound.sweep.store import Store

    with Store(store) as opened:
        data = exported(opened.results(sweep), form.value, attempts=attempts)
    if out is None:
        if sys.stdout.isatty() and form is not FormatName.PARQUET:
            print(data.decode(), end="")
        else:
            sys.stdout.buffer.write(data)
    else:
        out.write_bytes(data)
        print(f"{len(data)} bytes in {out}", file=sys.stderr)


def diff(
    left: StoreArgument,
    right: Annotated[Path, typer.Argument(metavar="OTHER", help="Another store.")],
    as_json: JsonOption = False,
) -> None:
    """List the units on which two stores differ.

    Exit code 1 if there are any.
    """
    from lowerbound.core.scalars import counted
    from lowerbound.sweep.export import differences
    from lowerbound.sweep.store import Store

    with Store(left) as one, Store(right) as other:
        found = differences(one.results(), other.results())
    if as_json:
        print_json([{"key": key, "differs": what} for key, what in found])
    else:
        for key, what in found:
            print(f"{key}  {what}")
        print(f"differing: {counted(len(found), 'unit')}", file=sys.stderr)
    raise typer.Exit(1 if found else 0)
