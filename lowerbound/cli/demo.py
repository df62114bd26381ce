"""A demonstration: what binds, a game that compressed caches lose, one bit, pictures, and published ratios."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lowerbound.cli.games import TheoremName, play_all
from lowerbound.cli.options import (
    DEFAULT_DELTA,
    DEFAULT_ETA,
    GuaranteeName,
    InstanceSeedOption,
    JsonOption,
    ModelArgument,
    ModelOption,
    SeedOption,
    instances_of,
    one_model,
    plan_at,
    print_json,
    progress,
    working,
)
from lowerbound.core.kinds import at_budgets
from lowerbound.errors import InvalidArgument, LowerBoundError

if TYPE_CHECKING:
    from lowerbound.core.models import Model
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.game.duel import Row
    from lowerbound.game.hard_family import HardFamily
    from lowerbound.var.simulator.drawn import Drawn

DIRECTORY = Path("results/demo")
ETAS = ("0.1", DEFAULT_ETA, "0.001")
SECRET_KEYS_CACHES = ("full-fp16", "uniform@1/2", "kivi@1/8", "h2o@1/2", "snapkv@1/2")
PUBLIC_KEYS_CACHES = (
    *("full", "full-fp32", "full-fp16", "uniform", "uniform@1/16"),
    *(f"{name}@{share}" for name in ("window", "h2o") for share in ("1/4", "1/2", "3/4")),
    *("window-scales", "exact", "hamming", "golay", "majority", "random", "recompute"),
)
DRAWING_CACHES = ("kivi@1/8", "h2o@1/4")
NETWORK, CLASSES = "digits", (2, 3, 5, 8)
SYSTEMS = ("KIVI", "H2O", "SnapKV", "TurboQuant", "ScaleKV")
"""The systems whose published ratios are told, as the names of their rows begin."""
PAGES = (
    ("docs/tightness.png", "what is forced and what is enough, against the error"),
    ("docs/floors.md", "the same for every model"),
    ("docs/claims.md", "every published ratio, as a guarantee"),
    ("docs/packages.md", "packages of PyPI: what they claim, hold and misread"),
    ("docs/caches.md", "every cache in the teaching game, in which values are 0 or 1: `lowerbound demo --teach`"),
)
SECONDS = 120.0


def demo(
    model: ModelArgument = None,
    named: ModelOption = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="DIRECTORY", help="Where rows and picture go.", file_okay=False)
    ] = DIRECTORY,
    teach: Annotated[
        bool, typer.Option("--teach", help="The game in which only 0/1 values are secret: easy to follow and to win.")
    ] = False,
    seed: SeedOption = 0,
    instance_seed: InstanceSeedOption = None,
    as_json: JsonOption = False,
) -> None:
    """A demonstration: floors in bytes, a game of keys and values, one bit, pictures, published ratios."""
    from lowerbound.core.models import find_model

    subject = find_model(one_model(model, named))
    out.mkdir(parents=True, exist_ok=True)
    told, failures = (_taught if teach else _told)(subject, out, seed, instances_of(instance_seed), as_json)
    if as_json:
        print_json(told)
    if failures:
        raise typer.Exit(max(error.exit_code for _, error in failures))


Failures = list[tuple[str, LowerBoundError]]


def _told(
    subject: Model, out: Path, seed: int, instances: PrivateSeed | None, as_json: bool
) -> tuple[dict[str, Any], Failures]:
    """The story with secret keys: what it told as JSON values, and the caches that could not be played."""
    from lowerbound.certify.possible import bracket
    from lowerbound.certify.published_ratios import PUBLISHED_RATIOS
    from lowerbound.report.brackets import brackets_text, misreading_text, ratios_text

    say = _silent if as_json else _say
    with working("floors and proved caches"):
        brackets = [bracket(subject, eta) for eta in ETAS]
    say("1. What binds", brackets_text(subject, brackets))
    with working("the game is planned"):
        strong = TheoremName.FRAMES.game(subject.geometry, eta=DEFAULT_ETA, multiplier=None, seed=seed)
    say(f"2. A game of one head: keys and values are secret, eta = {DEFAULT_ETA}", "")
    rows, failures = _played(strong, SECRET_KEYS_CACHES, instances, out, as_json)
    if rows and not as_json:
        print(misreading_text(rows))
    story = _followed(subject, seed, instances, say, "3.")
    drawn, picture = _drawn(seed, out, say)
    ratios = [next(one for one in PUBLISHED_RATIOS if one.system.startswith(name)) for name in SYSTEMS]
    say(
        f"5. Published ratios, if they were guarantees for every answer of {subject.name}",
        ratios_text(ratios, brackets)
        + "\n\nNo paper claims that: each measures averages over texts or pictures. Floors here are the checked ones.",
    )
    files = [(str(out / "rows.json"), "the rows of the game"), *([(str(picture), "the pictures")] if picture else [])]
    say("6. Where to look", "\n".join(f"{path:27}{what}" for path, what in (*files, *PAGES)))
    told = {
        "model": subject.name,
        "needs": [one.to_json() | {"streams": subject.n_streams} for one in brackets],
        "rows": [row.to_json() for row in rows],
        "reduce": story,
        "pictures": [one.to_json() for one in drawn],
        "published": [
            {"system": one.system, "ratio": float(one.ratio), "words": [str(each.word(one.ratio)) for each in brackets]}
            for one in ratios
        ],
        "figure": None if picture is None else str(picture),
    }
    return told, failures


def _taught(
    subject: Model, out: Path, seed: int, instances: PrivateSeed | None, as_json: bool
) -> tuple[dict[str, Any], Failures]:
    """The story with public keys and 0/1 values, in which codes meet the floor and quantisers misread nothing."""
    from lowerbound.certify.floors import floor
    from lowerbound.certify.possible import bracket
    from lowerbound.report.brackets import too_short_text
    from lowerbound.report.floors import floor_text
    from lowerbound.report.terminal import console

    say = _silent if as_json else _say
    with working("floors: an instance for each theorem, and its certificate"):
        bound = floor(subject.name, eta=DEFAULT_ETA, failure_prob=DEFAULT_DELTA)
    say("1. The floor", floor_text(bound))
    story = _followed(subject, seed, instances, say, "2.")
    plan = plan_at(subject, DEFAULT_ETA, GuaranteeName.ADDITIVE, 2, None, None, seed)
    say("3. A game of one head: keys are public, and values are 0 or 1", "")
    rows, failures = _played(plan, PUBLIC_KEYS_CACHES, instances, out, as_json)
    data = [row.to_json() for row in rows]
    with working("the picture"):
        from lowerbound.report.figure import frontier, save

        picture = save(frontier(data), out / "frontier.png")
        save(frontier(data), out / "frontier.svg")
    if not as_json:
        console().print(too_short_text(bracket(subject, DEFAULT_ETA), rows), highlight=False)
        print(f"\nThe picture: {picture}\nThe rows:    {out / 'rows.json'}")
    return {"floor": bound.to_json(), "reduce": story, "rows": data, "figure": str(picture)}, failures


def _say(title: str, text: str) -> None:
    print(f"\n{title}\n" + (f"\n{text}" if text else ""), flush=True)


def _silent(title: str, text: str) -> None:
    """What `_say` is where JSON is asked for."""


def _played(
    plan: HardFamily, names: tuple[str, ...], instances: PrivateSeed | None, out: Path, as_json: bool
) -> tuple[list[Row], Failures]:
    """The rows of the caches, which are written to a file too."""
    from lowerbound.report.table import duel_table
    from lowerbound.report.terminal import console

    rows, failures = play_all(
        plan, at_budgets(names, [None]), trials=1, isolation=None, time_limit=SECONDS, instances=instances
    )
    data = json.dumps({"rows": [row.to_json() for row in rows]}, indent=2)
    (out / "rows.json").write_text(data + "\n", encoding="utf-8")
    if rows and not as_json:
        console().print(duel_table(rows))
    return rows, failures


def _followed(subject: Model, seed: int, instances: PrivateSeed | None, say: Any, number: str) -> dict[str, Any]:
    """One bit of the game with public keys."""
    from lowerbound.game.story import narrate

    with working("keys, an instance, and one bit of it"):
        plan = plan_at(subject, DEFAULT_ETA, GuaranteeName.ADDITIVE, 2, None, None, seed)
        story = narrate(plan, instances=instances)
    say(f"{number} One bit through the house", "\n".join(f"{step:>16}  {what}" for step, what in story.lines()))
    return story.to_json()


def _drawn(seed: int, out: Path, say: Any) -> tuple[list[Drawn], Path | None]:
    """Pictures of the trained network under caches, and their file; a sentence where its weights are missing."""
    from lowerbound.core.scalars import rational
    from lowerbound.report.figure import save
    from lowerbound.report.pictures import drawn_figure, drawn_text
    from lowerbound.report.terminal import console
    from lowerbound.var.simulator.drawn import Studio
    from lowerbound.var.simulator.weights import source_of

    title = "4. What a trained network draws when its cache forgets"
    try:
        network = source_of(NETWORK).network()
    except InvalidArgument as missing:
        print(f"no pictures: {missing}", file=sys.stderr)
        say(title, "(no pictures: the weights are not installed)")
        return [], None
    with progress(1 + len(CLASSES) * len(DRAWING_CACHES)) as begin:
        begin("full cache")
        studio = Studio(network, classes=CLASSES, pictures=len(CLASSES), seed=seed)
        rows = [studio.full]
        for name, share in at_budgets(DRAWING_CACHES, [None]):
            budget = None if share is None else rational(share, name="budget")
            rows.append(studio.drawn(name, budget=budget, begin=begin))
    say(title, drawn_text(rows, console().width))
    return rows, save(drawn_figure(rows, f"{network.origin.name}: the same random numbers"), out / "pictures.png")
