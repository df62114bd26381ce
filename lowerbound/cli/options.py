"""Code that commands share: types of options, completion, the plan of an instance, progress, and JSON output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.errors import InvalidArgument

if TYPE_CHECKING:
    from lowerbound.core.decoder import Placed
    from lowerbound.core.geometry import Geometry, HasGeometry
    from lowerbound.core.models import Model
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.game.reduction import Reduction

DEFAULT_MODEL = "var-d16"
LARGEST_D = 4096
"""The largest head dimension of a command: its orthonormal matrices then take 128 MiB."""
MOST_TRIALS = 10**6
"""The largest number of repetitions of a command."""
FIGURE_ENDINGS = (".pdf", ".png", ".svg")
"""What figures can be written as; a test holds them against the module that draws them, which is slow to import."""
OUTSIDE_CATALOGS = ("digits", "tiny", "tiny-infinity")
"""Networks of the simulator that no catalog has; a test holds them against the simulator's."""
DEFAULT_ETA, DEFAULT_DELTA = "0.01", "0"
"""The default error and failure probability of commands about floors."""


class IsolationName(StrEnum):
    """The levels of isolation between Alice and Bob."""

    SANDBOX = "sandbox"
    PROCESS = "process-shared-files"
    NONE = "none"


class GuaranteeName(StrEnum):
    """The two ways to bound the error of a cache's answers."""

    RELATIVE = "relative"
    ADDITIVE = "additive"


def complete_model(incomplete: str) -> list[str]:
    """The names of models that begin with `incomplete`."""
    from lowerbound.core.models import decoders, models

    names = [*(model.name for model in models()), *(decoder.name for decoder in decoders())]
    return [name for name in names if name.startswith(incomplete)]


def complete_cache(incomplete: str) -> list[str]:
    """The names of caches that begin with `incomplete`."""
    from lowerbound.caches.registry import known_caches

    return [name for name in known_caches() if name.startswith(incomplete)]


def complete_keys(incomplete: str) -> list[str]:
    """The names of key families that begin with `incomplete`."""
    from lowerbound.core.keys.choice import KEY_FAMILIES

    return [family.name for family in KEY_FAMILIES if family.name.startswith(incomplete)]


ModelArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[MODEL]",
        help=f"A model of `lowerbound models`; default: {DEFAULT_MODEL}.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="MODEL",
        help=f"A model of `lowerbound models`; default: {DEFAULT_MODEL}.",
        autocompletion=complete_model,
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
EtaOption = Annotated[
    str, typer.Option("--eta", metavar="X", help="Error of an answer: additive, in units of the range of values.")
]
GuaranteedEtaOption = Annotated[
    str,
    typer.Option(
        "--eta",
        metavar="X",
        help="Error of an answer: additive, in units of the range of values, unless --guarantee relative.",
    ),
]
DeltaOption = Annotated[
    str, typer.Option("--delta", metavar="X", help="Probability with which an answer may miss eta.")
]
SeedOption = Annotated[
    int, typer.Option("--seed", min=0, max=2**64 - 1, help="Seed of the public coins, which every party knows.")
]
InstanceSeedOption = Annotated[
    str | None,
    typer.Option(
        "--instance-seed",
        metavar="N",
        help="Draw the instances from N, as printed by an earlier run; without a seed nobody knows them in advance.",
    ),
]
GuaranteeOption = Annotated[
    GuaranteeName,
    typer.Option("--guarantee", help="additive: |error| <= eta; relative: |error| <= eta |answer|."),
]
LambdaOption = Annotated[
    str | None,
    typer.Option("--lambda", metavar="X", help="Logit of a query with its own key; default: from eta."),
]
LevelsOption = Annotated[int, typer.Option("--levels", min=2, help="Number of levels that a value may have.")]
KeysOption = Annotated[
    str | None,
    typer.Option(
        "--keys",
        metavar="FAMILY",
        help="Key family, or a trace, whose recorded keys of one head are played; default: the best family.",
        autocompletion=complete_keys,
    ),
]
BudgetsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--budget", metavar="F", help="Nominal budget in (0, 1], in each method's own meaning, or a list: 1/4,1/2."
    ),
]


def will_isolate(level: IsolationName | None) -> IsolationName | None:
    """A level that parties will be played at: whether this machine has the strongest is asked beside the imports."""
    if level is None or level is IsolationName.SANDBOX:
        from lowerbound.game.sandbox import try_ahead

        try_ahead()
    return level


def can_write(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """A file that a command is to write, checked before any work is done.

    Contract: raises InvalidArgument, in one sentence, for a folder that is not there, a folder in place of a file, and
    what may not be written.
    """
    if path is None:
        return None
    name = max(option.opts, key=len) if option.opts else str(option.name)
    if path.is_dir():
        raise InvalidArgument(f"{name} must name a file, got the folder {str(path)!r}")
    if not path.parent.is_dir():
        raise InvalidArgument(f"{name} must name a file in a folder that exists, got {str(path)!r}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise InvalidArgument(f"{name} must name a file that may be written, got {str(path)!r}")
    return path


def can_draw(option: typer.CallbackParam, path: Path | None) -> Path | None:
    """A picture that a command is to write, checked before any work is done: `can_write`, and a figure's ending."""
    found = can_write(option, path)
    if found is not None and found.suffix not in FIGURE_ENDINGS:
        name = max(option.opts, key=len) if option.opts else str(option.name)
        raise InvalidArgument(
            f"{name} must end in {', '.join(FIGURE_ENDINGS[:-1])} or {FIGURE_ENDINGS[-1]}, got {str(path)!r}"
        )
    return found


CachesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--cache",
        metavar="NAME",
        help="A cache, as in `play`; NAME@F gives a budget. May be given several times.",
        autocompletion=complete_cache,
    ),
]
CertificateOption = Annotated[
    Path | None, typer.Option("-o", "--out", metavar="FILE", help="Where the certificate goes.", callback=can_write)
]
IsolationOption = Annotated[
    IsolationName | None,
    typer.Option("--isolation", help="Default: the strongest that this machine gives.", callback=will_isolate),
]
ScheduleOption = Annotated[
    str | None,
    typer.Option("--schedule", metavar="MAPS", help="Maps of your own, such as '1x1 2x2 4x4', instead of MODEL's."),
]
LayersOption = Annotated[
    int | None, typer.Option("--layers", min=1, help="Layers, each with heads of its own; default: as the cache needs.")
]
HeadsOption = Annotated[
    int | None, typer.Option("--heads", min=1, help="Heads per layer; default: as the cache needs.")
]
DimensionOption = Annotated[
    int | None, typer.Option("--d", min=1, max=LARGEST_D, help="Head dimension of your own, instead of MODEL's.")
]
BudgetOption = Annotated[
    str | None, typer.Option("--budget", metavar="F", help="Nominal budget in (0, 1], in the method's own meaning.")
]


def one_model(argument: str | None, option: str | None, default: str = DEFAULT_MODEL) -> str:
    """The model that a command is about, which is typed as its first argument or with --model.

    Contract: the default where neither is typed; two different names raise InvalidArgument.
    """
    if argument is not None and option is not None and argument != option:
        raise InvalidArgument(f"the model must be named once, got {argument!r} and --model {option!r}")
    return next((name for name in (argument, option) if name is not None), default)


def print_json(data: Any) -> None:
    """Print one JSON object on standard output."""
    print(json.dumps(data, indent=2, allow_nan=False))


def place_called(name: str, context: int | None = None) -> Model | Placed:
    """The place of a name: a network of the simulator, a file of its weights, or a model of the catalogs.

    Contract: errors are those of `find_place` and of `source_of`.
    """
    from lowerbound.core.models import find_place

    if context is None and (name.endswith(".safetensors") or name in OUTSIDE_CATALOGS):
        from lowerbound.var.simulator.weights import model_of

        return model_of(name)
    return find_place(name, context)


def geometry_of(
    model: str,
    schedule: str | None,
    d: int | None,
    layers: int | None = None,
    heads: int | None = None,
    context: int | None = None,
) -> Geometry:
    """The head that a command is about: that of a model, with the given maps, dimension or stack instead of its own."""
    from dataclasses import replace

    from lowerbound.core.geometry import Geometry
    from lowerbound.core.schedule import ScaleSchedule

    place = Geometry.of(place_called(model, context))
    if schedule is not None:
        place = replace(place, name=f"own maps ({model}'s rule)", schedule=ScaleSchedule.parse(schedule))
    if d is not None:
        place = replace(place, name=f"{place.name} in R^{d}", d=d)
    if layers is not None or heads is not None:
        place = replace(place, stack=(layers or 1, heads or 1))
    return place


def plan_at(
    place: HasGeometry,
    eta: str,
    guarantee: GuaranteeName,
    levels: int,
    multiplier: str | None,
    keys: str | None,
    seed: int,
) -> Reduction:
    """The reduction that a command's options ask for, on a head."""
    from lowerbound.game.reduction import plan_reduction

    return plan_reduction(
        place.geometry,
        eta=eta,
        guarantee=guarantee.value,
        n_levels=levels,
        multiplier=multiplier,
        key_family=keys,
        seed=seed,
    )


def instances_of(text: str | None) -> PrivateSeed | None:
    """The private seed that --instance-seed names; None, for one that nobody knows, if it was left out."""
    from lowerbound.core.private_seed import PrivateSeed

    return None if text is None else PrivateSeed.parse(text)


class progress:
    """A progress bar on standard error if that is a terminal; with total 0 it only names the work."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from lowerbound.report.terminal import console

        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console(stderr=True),
            transient=True,
            disable=not sys.stderr.isatty(),
        )
        self._task = self._bar.add_task("", total=total or None)
        self._started = 0

    def __enter__(self) -> Callable[[str], None]:
        self._bar.start()
        return self._begin

    def _begin(self, name: str) -> None:
        self._bar.update(self._task, description=name, completed=self._started)
        self._started += 1

    def __exit__(self, *_: object) -> None:
        self._bar.stop()


@contextmanager
def working(what: str) -> Iterator[None]:
    """A line on standard error, if that is a terminal, that says what a command is at and for how long already.

    For work of which no part can be counted; nothing may be printed meanwhile.
    """
    if not sys.stderr.isatty():
        yield
        return
    with progress(0) as begin:
        begin(what)
        yield
