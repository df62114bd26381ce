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
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from lowerbound import __version__
from lowerbound.errors import LowerBoundError, TimeLimitExceeded
from lowerbound.sweep.spec import Unit

Outcome = Literal["done", "refused", "failed", "killed"]
FINAL: tuple[Outcome, ...] = ("done", "refused")
"""Outcomes that the same configuration would have again; the next run tries units with any other outcome anew."""
VOLATILE = frozenset({"alice_seconds", "bob_seconds", "seconds", "total_seconds", "tried", "version"})
"""Parts of a result that differ from run to run, and so belong to the attempt, not to the row."""


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


def run_unit(unit: Unit) -> Attempt:
    """The row of a unit.

    Contract: nothing but an interrupt is raised. The outcome is "done" with a row; "refused" where an error of this
    package says why there can be no row; "failed" for a time limit and for any other exception, with its message. BLAS
    has one thread.
    """
    from threadpoolctl import threadpool_limits

    start = time.perf_counter()
    row: dict[str, Any] | None = None
    outcome: Outcome = "done"
    reason = ""
    with threadpool_limits(1):
        try:
            row = steady(RUNNERS[unit["kind"]](unit))
        except TimeLimitExceeded as error:
            outcome, reason = "failed", str(error)
        except LowerBoundError as error:
            outcome, reason = "refused", f"{type(error).__name__}: {error}"
        except Exception as error:
            outcome, reason = "failed", f"{type(error).__name__}: {error}"
    return Attempt(key_of(unit), unit, outcome, row, reason, time.perf_counter() - start, environment())


def run_batch(batch: Sequence[Unit]) -> list[Attempt]:
    """Several units, one after the other."""
    return [run_unit(unit) for unit in batch]


def steady(value: Any) -> Any:
    """A result without the parts in VOLATILE, which differ from run to run."""
    if isinstance(value, dict):
        return {key: steady(part) for key, part in value.items() if key not in VOLATILE}
    return [steady(part) for part in value] if isinstance(value, list | tuple) else value


def _geometry(place: Unit) -> Any:
    from dataclasses import replace

    from lowerbound.core.geometry import Geometry
    from lowerbound.core.models import find_model
    from lowerbound.core.schedule import ScaleSchedule

    if "model" in place:
        return Geometry.of(find_model(place["model"]))
    return replace(
        Geometry.of(find_model(place["rule_of"])),
        name=f"{place['schedule']} in R^{place['d']}",
        schedule=ScaleSchedule.parse(place["schedule"]),
        d=place["d"],
    )


def _play(unit: Unit) -> dict[str, Any]:
    from lowerbound.caches.registry import play
    from lowerbound.game.channel import Isolation
    from lowerbound.game.reduction import plan_reduction

    plan = plan_reduction(
        _geometry(unit["place"]), eta=unit["eta"], guarantee=unit["guarantee"], seed=unit["seed"], key_family=None
    )
    return play(
        plan,
        unit["cache"],
        budget=unit["budget"],
        trials=unit["trials"],
        isolation=Isolation(unit["isolation"]),
        time_limit_s=unit["time_limit_s"],
    ).to_json()


def _attack(unit: Unit) -> dict[str, Any]:
    from lowerbound.attack.adversary import Broken, attack
    from lowerbound.certify.witness import witness
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.game.channel import Isolation

    outcome = attack(
        unit["cache"],
        geometry=None if unit["place"] is None else _geometry(unit["place"]),
        budget=unit["budget"],
        eta=unit["eta"],
        guarantee=unit["guarantee"],
        seed=unit["seed"],
        instances=PrivateSeed(unit["seed"]),  # a unit is pure, and has no seed of its own that is private
        isolation=Isolation(unit["isolation"]),
        time_limit_s=unit["time_limit_s"],
    )
    told = outcome.to_json()
    if isinstance(outcome, Broken):
        told["witness"] = witness(unit["cache"], outcome.violation).decode()
    return told


def _floor(unit: Unit) -> dict[str, Any]:
    from lowerbound.certify.floors import floor
    from lowerbound.core.models import find_model

    model = find_model(unit["place"]["model"])
    return floor(model, eta=Fraction(unit["eta"]), failure_prob=Fraction(unit["delta"])).to_json()


RUNNERS: dict[str, Callable[[Unit], dict[str, Any]]] = {"play": _play, "attack": _attack, "floor": _floor}
