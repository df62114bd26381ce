"""Units: pure functions from a configuration to a row, each under the key of its configuration.

A unit may run twice, on another machine or after a crash; both rows have its key, and are then the same. What differs
between runs (seconds, process, machine) is recorded beside the row, never in it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument, IsolationUnavailable, LowerBoundError, TimeLimitExceeded
from lowerbound.sweep.plain import LONGEST_REASON, escaped, plain, reason_of
from lowerbound.sweep.spec import Unit

Outcome = Literal["done", "refused", "failed", "killed"]
FINAL: tuple[Outcome, ...] = ("done", "refused")
"""Outcomes that the same configuration would have again; the next run tries units with any other outcome anew."""
VOLATILE = frozenset({"alice_seconds", "bob_seconds", "seconds", "total_seconds", "tried", "version"})
"""Parts of a result that differ from run to run, and so belong to the attempt, not to the row."""
LARGEST_ROW_BYTES = 2**26


@dataclass(frozen=True)
class Job:
    """A unit to run, the private seed of its instances, and the files that a sandbox hides from its parties."""

    unit: Unit
    instances: PrivateSeed
    hidden: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One run of one unit: its row, or the reason why there is none, and the seconds it took."""

    key: str
    unit: Unit
    outcome: Outcome
    row: dict[str, Any] | None
    reason: str
    seconds: float
    environment: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def canonical(value: Any) -> str:
    """The one way to write a JSON value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def key_of(unit: Unit) -> str:
    """24 hexadecimal digits that name a unit under this version of the package."""
    return hashlib.sha256(f"{__version__}\n{canonical(unit)}".encode()).hexdigest()[:24]


@lru_cache(maxsize=1)
def source_digest() -> str:
    """A digest of every source file of the package: two machines that agree on it run the same code."""
    root = Path(__file__).parent.parent
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\n" + path.read_bytes())
    return digest.hexdigest()[:16]


def environment() -> dict[str, Any]:
    """What the rows of this process depend on besides their configuration."""
    # Listing the loaded libraries takes milliseconds, so the answer is kept until the number of modules changes.
    return _environment(len(sys.modules))


@lru_cache(maxsize=1)
def _environment(_: int) -> dict[str, Any]:
    from threadpoolctl import threadpool_info

    return {
        "lowerbound": __version__,
        "source": source_digest(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
        "numpy": version("numpy"),
        "scipy": version("scipy"),
        "python-flint": version("python-flint"),
        "blas": sorted(
            {f"{pool['internal_api']} {pool['version']} {pool.get('architecture', '')}" for pool in threadpool_info()}
        ),
    }


def run_unit(job: Job) -> Attempt:
    """The row of a unit.

    Contract: nothing but an interrupt is raised. The outcome is "done" with a row; "refused" where an error of this
    package says why there can be no row; "failed" for a time limit, a machine without the isolation that was asked
    for, and any other exception, with its message. BLAS has one thread. A store can take every attempt.
    """
    from threadpoolctl import threadpool_limits

    unit, start = job.unit, time.perf_counter()
    row: dict[str, Any] | None = None
    outcome: Outcome = "done"
    reason = ""
    with threadpool_limits(1):
        try:
            row = steady(RUNNERS[unit["kind"]](job))
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            own = isinstance(error, LowerBoundError)
            passing = isinstance(error, TimeLimitExceeded | IsolationUnavailable)
            outcome, reason = "refused" if own and not passing else "failed", reason_of(error)
    seconds = time.perf_counter() - start
    return storable(Attempt(key_of(unit), unit, outcome, row, reason, seconds, environment()))


def storable(attempt: Attempt) -> Attempt:
    """The attempt as every store can take it.

    Contract: its text is printable. A row that cannot be written as JSON of at most LARGEST_ROW_BYTES makes the attempt
    a failed one with the reason, so that it costs no other attempt its place.
    """
    try:
        row = None if attempt.row is None else plain(attempt.row)
        if (size := len(canonical(row))) > LARGEST_ROW_BYTES:
            raise ValueError(f"a row must have at most {LARGEST_ROW_BYTES} bytes, got {size}")
    except (ValueError, RecursionError) as error:
        return replace(attempt, outcome="failed", row=None, reason=reason_of(error))
    return replace(attempt, row=row, reason=escaped(attempt.reason[:LONGEST_REASON]))


def steady(value: Any) -> Any:
    """A result without the parts in VOLATILE, which differ from run to run."""
    if isinstance(value, dict):
        return {key: steady(part) for key, part in value.items() if key not in VOLATILE}
    return [steady(part) for part in value] if isinstance(value, list | tuple) else value


def _play(job: Job) -> dict[str, Any]:
    from lowerbound.caches.registry import play
    from lowerbound.game.channel import Isolation
    from lowerbound.game.reduction import plan_reduction
    from lowerbound.sweep.place import place_of_unit

    unit = job.unit
    plan = plan_reduction(
        place_of_unit(unit["place"]).geometry,
        eta=unit["eta"],
        guarantee=unit["guarantee"],
        seed=unit["seed"],
        key_family=None,
    )
    return play(
        plan,
        unit["cache"],
        budget=unit["budget"],
        trials=unit["trials"],
        isolation=Isolation(unit["isolation"]),
        time_limit_s=unit["time_limit_s"],
        instances=job.instances,
        hidden=job.hidden,
    ).to_json()


def _attack(job: Job) -> dict[str, Any]:
    from lowerbound.adversary.outcome import Broken
    from lowerbound.adversary.search import attack
    from lowerbound.certify.witness import witness
    from lowerbound.game.channel import Isolation
    from lowerbound.sweep.place import place_of_unit

    unit = job.unit
    place = None if unit["place"] is None else place_of_unit(unit["place"])
    outcome = attack(
        unit["cache"],
        geometry=None if place is None else place.geometry,
        budget=unit["budget"],
        eta=unit["eta"],
        guarantee=unit["guarantee"],
        seed=unit["seed"],
        isolation=Isolation(unit["isolation"]),
        time_limit_s=unit["time_limit_s"],
        instances=job.instances,
        hidden=job.hidden,
    )
    told = outcome.to_json()
    if isinstance(outcome, Broken):
        told["witness"] = witness(unit["cache"], outcome.violation).decode()
    return told


def _draw(job: Job) -> dict[str, Any]:
    from lowerbound.game.channel import Isolation
    from lowerbound.var.replay.pictured import pictured

    unit = job.unit
    found = pictured(
        unit["network"],
        unit["cache"],
        budget=None if unit["budget"] is None else Fraction(unit["budget"]),
        pictures=unit["pictures"],
        read=unit["read"],
        seed=unit["seed"],
        isolation=Isolation(unit["isolation"]),
    )
    if found.weights != unit["weights"]:
        raise InvalidArgument(f"weights of {unit['network']} must be {unit['weights']}, got {found.weights}")
    return found.to_json()


def _floor(job: Job) -> dict[str, Any]:
    from lowerbound.certify.floors import floor
    from lowerbound.sweep.place import place_of_unit

    unit = job.unit
    return floor(
        place_of_unit(unit["place"]), eta=Fraction(unit["eta"]), failure_prob=Fraction(unit["delta"])
    ).to_json()


RUNNERS: dict[str, Callable[[Job], dict[str, Any]]] = {"play": _play, "attack": _attack, "draw": _draw, "floor": _floor}
