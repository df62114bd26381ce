"""The option --keys where it names a trace: the recorded keys of one head, and the place that goes with them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.options import GuaranteeName
from lowerbound.cli.place import Place
from lowerbound.errors import InvalidArgument

if TYPE_CHECKING:
    from lowerbound.core.geometry import Geometry
    from lowerbound.game.recorded import RecordedReduction
    from lowerbound.var.trace.keys import RecordedHead

SUFFIX = ".safetensors"

KeysLayerOption = Annotated[
    int | None, typer.Option("--layer", metavar="L", help="With --keys TRACE: which layer, from 0.")
]
KeysHeadOption = Annotated[
    int | None, typer.Option("--head", metavar="H", help="With --keys TRACE: which head, from 0.")
]
KeysBranchOption = Annotated[
    str | None, typer.Option("--branch", metavar="NAME", help="With --keys TRACE: which branch; default: its first.")
]


def names_a_trace(keys: str | None) -> bool:
    """Whether this is a path, not a key family's name: it has the suffix of traces or a slash, or a file is there."""
    from lowerbound.core.keys.choice import KEY_FAMILIES

    if keys is None or keys in {family.name for family in KEY_FAMILIES}:
        return False
    return keys.endswith(SUFFIX) or "/" in keys or Path(keys).exists()


def head_of(keys: str | None, layer: int | None, head: int | None, branch: str | None) -> RecordedHead | None:
    """The recorded head that --keys, --layer, --head and --branch name; None where --keys names no trace.

    Contract: a missing file, a file that is no trace, and a head that it does not have raise in one sentence; so does a
    head that is named without a trace, or a trace without a head.
    """
    from lowerbound.core.keys.choice import find_family

    if keys is None or not names_a_trace(keys):
        for option, given in (("--layer", layer), ("--head", head), ("--branch", branch)):
            if given is not None:
                if keys is not None:
                    find_family(keys)  # a name that is neither is told as such
                raise InvalidArgument(f"{option} must be given with --keys TRACE, which has heads to name, got {given}")
        return None
    if layer is None or head is None:
        raise InvalidArgument(f"--keys {keys} must be given with --layer and --head, which name one head of the trace")
    from lowerbound.var.trace.file import read_trace
    from lowerbound.var.trace.keys import recorded_head

    return recorded_head(read_trace(keys), layer, head, branch)


def geometry_at(place: Place, head: RecordedHead) -> Geometry:
    """The geometry of the recorded head, with the layers and heads a layer that were typed as the stack of a game.

    Contract: a place that was typed besides, and whose maps, dimension or rule are others, raises InvalidArgument.
    """
    own, bare = head.geometry, replace(place, layers=None, heads=None)
    if bare.is_given:
        other = bare.found().geometry
        pairs = {
            "maps": (str(own.schedule), str(other.schedule)),
            "prompt tokens": (own.schedule.n_context, other.schedule.n_context),
            "d": (own.d, other.d),
            "rule": (own.rule_name, other.rule_name),
        }
        for what, (ours, theirs) in pairs.items():
            if ours != theirs:
                raise InvalidArgument(
                    f"the place must fit the trace in --keys, which has the {what} {ours}, "
                    f"got {theirs} of {other.name}; without a place, the trace's own is taken"
                )
    if place.layers is None and place.heads is None:
        return own
    return replace(own, stack=(place.layers or 1, place.heads or 1))


def plan_on(
    head: RecordedHead,
    place: Place,
    eta: str,
    guarantee: GuaranteeName,
    levels: int,
    multiplier: str | None,
    seed: int,
) -> RecordedReduction:
    """The reduction on the recorded keys of a head that a command's options ask for."""
    from lowerbound.game.recorded import plan_recorded

    return plan_recorded(
        geometry_at(place, head),
        head.keys,
        eta=eta,
        guarantee=guarantee.value,
        n_levels=levels,
        multiplier=multiplier,
        seed=seed,
    )


def told_of(head: RecordedHead, plan: RecordedReduction) -> dict[str, Any]:
    """The recorded keys of a game, for JSON."""
    from lowerbound.var.trace.keys import by_map

    return {
        "trace": str(head.trace.path),
        **head.facts.to_json(),
        "lambda": float(plan.multiplier),
        "leakage": float(plan.leakage),
        "readable": len(plan.readable),
        "readable_by_map": by_map(plan.schedule, plan.readable),
        "readable_tokens": list(plan.readable),
    }
