"""Specifications of sweeps: a TOML file lists the values of every axis, and the units are all combinations of them.

Profiles of SLURM queues are read here too. Files are untrusted: their size, their number of units, and the trials and
memory of a unit are limited; they contain no code, name no command unless the user allows it, and every error names the
key, the rule and the value.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from lowerbound.core.kinds import is_program
from lowerbound.core.models import find_geometry
from lowerbound.core.scalars import counted, rational
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid, quoted, unknown
from lowerbound.sweep.place import Head, Size

LARGEST_FILE_BYTES = 2**20
MOST_UNITS = 10**6
MOST_VALUES = 10**4
MOST_SENTENCES = 10
MOST_UNIT_BYTES = 2**33
"""The symbols and the states of all trials of a unit are in memory at once."""
Unit = dict[str, Any]
"""The configuration of one unit: JSON values, canonical once written by `units.canonical`."""


def _printable(text: str) -> str:
    if not text.isprintable():
        raise invalid("it", "be printable", text)
    return text


Number = Annotated[str, Field(max_length=64)]
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Names = Annotated[tuple[Word, ...], Field(max_length=MOST_VALUES)]
Numbers = Annotated[tuple[Number, ...], Field(min_length=1, max_length=MOST_VALUES)]


def _known(name: str) -> str:
    find_geometry(name)
    return name


class Axes(BaseModel):
    """The fields of every kind of sweep: its name, its places (models, sizes and heads), and its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, validate_default=True)
    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_printable)]
    models: Names = ()
    sizes: Annotated[tuple[Size, ...], Field(max_length=MOST_VALUES)] = ()
    heads: Annotated[tuple[Head, ...], Field(max_length=MOST_VALUES)] = ()
    etas: Numbers = ("0.01",)

    @field_validator("models")
    @classmethod
    def _are_models(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_known(name) for name in names)

    @field_validator("etas", "deltas", "budgets", check_fields=False)
    @classmethod
    def _are_rationals(cls, texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(rational(text, name="it")) for text in texts)

    @model_validator(mode="after")
    def _has_a_place(self) -> Axes:
        if not self.n_places:
            raise invalid("models, sizes and heads", "name at least one place together", [])
        return self

    def places(self) -> Iterator[Unit]:
        """Every place, models first and heads last."""
        for name in self.models:
            yield {"model": name}
        for size in self.sizes:
            yield size.model_dump()
        for head in self.heads:
            yield head.unit()

    @property
    def n_places(self) -> int:
        """The number of places."""
        return len(self.models) + len(self.sizes) + len(self.heads)

    def numbers(self, trials: int) -> Iterator[tuple[str, int]]:
        """Every place, and the numbers of 8 bytes that so many trials there may hold at once, for each head.

        They are Alice's symbols, and keys and values in the states of all scales, each as large as the full cache.
        """
        named = ((name, find_geometry(name).schedule, find_geometry(name).d) for name in self.models)
        own = ((f"{size.schedule} in R^{size.d}", ScaleSchedule.parse(size.schedule), size.d) for size in self.sizes)
        heads = [head.placed() for head in self.heads]
        placed = ((head.name, head.geometry.schedule, head.geometry.d) for head in heads)
        for place, schedule, d in (*named, *own, *placed):
            states = sum(map(schedule.prefix_tokens, range(schedule.n_scales)))
            yield place, trials * d * (schedule.n_tokens_cached + 2 * states)


def _strongest() -> str:
    from lowerbound.game.channel import strongest

    return strongest().value


class CacheSweep(Axes):
    """The fields that games and attacks share: caches, budgets, seeds, and how the code of a cache is isolated.

    Without a word on isolation it is the strongest that this machine gives, and the units say which.
    """

    caches: Annotated[Names, Field(min_length=1)]
    budgets: Annotated[tuple[Number, ...], Field(max_length=MOST_VALUES)] = ()
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, lt=2**63)], ...], Field(min_length=1)] = (0,)
    guarantee: Literal["relative", "additive"] = "relative"
    isolation: Annotated[Literal["none", "process-shared-files", "sandbox"], Field(default_factory=_strongest)]
    time_limit_s: Annotated[float, Field(gt=0, le=10**6)] = 120.0

    @field_validator("caches")
    @classmethod
    def _are_caches(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from lowerbound.caches.registry import target_of

        for name in names:
            bare, at, own = name.rpartition("@")
            if at:
                rational(own, name="the budget after @")
            cache = bare if at else name
            # Whether a program can be run, or a class imported, is decided on the machine that runs the unit.
            if not is_program(cache):
                target_of(cache)
        return names

    @property
    def n_units(self) -> int:
        """The number of combinations, which are not made for it."""
        budgeted = sum(1 if "@" in cache else len(self.budgets) or 1 for cache in self.caches)
        return prod((budgeted, self.n_places or 1, len(self.etas), len(self.seeds)))

    def budgeted(self) -> Iterator[tuple[str, str | None]]:
        """Each cache with each budget; a name with its own budget, such as "h2o@1/4", is listed with that one alone."""
        for cache in self.caches:
            bare, at, own = cache.rpartition("@")
            if at:
                yield bare, str(rational(own, name="budget"))
            else:
                yield from ((cache, budget) for budget in self.budgets or (None,))

    def games(self, places: Iterable[Unit | None]) -> Iterator[Unit]:
        """Every combination of cache, budget, place, eta and seed, as the part of a unit that both kinds share."""
        axes = product(self.budgeted(), places, self.etas, self.seeds)
        for (cache, budget), place, eta, seed in axes:
            yield {
                "cache": cache,
                "budget": budget,
                "place": place,
                "eta": eta,
                "guarantee": self.guarantee,
                "seed": seed,
                "isolation": self.isolation,
                "time_limit_s": self.time_limit_s,
            }


class PlaySweep(CacheSweep):
    """The INDEX game: caches x budgets x places x etas x seeds."""

    kind: Literal["play"]
    trials: Annotated[int, Field(ge=1, le=10**6)] = 1

    def units(self) -> Iterator[Unit]:
        """Every combination."""
        return ({"kind": self.kind, "trials": self.trials, **game} for game in self.games(list(self.places())))


class AttackSweep(CacheSweep):
    """The adversary: caches x budgets x places x etas x seeds; without places it picks small ones itself."""

    kind: Literal["attack"]
    time_limit_s: Annotated[float, Field(gt=0, le=10**6)] = 30.0

    @model_validator(mode="after")
    def _has_a_place(self) -> AttackSweep:
        return self

    def units(self) -> Iterator[Unit]:
        """Every combination."""
        return ({"kind": self.kind, **game} for game in self.games([*self.places()] or [None]))


class DrawSweep(CacheSweep):
    """Pictures of networks with a decoder: caches x budgets x networks x seeds."""

    kind: Literal["draw"]
    networks: Annotated[Names, Field(min_length=1)] = ("digits",)
    pictures: Annotated[int, Field(ge=1, le=1000)] = 10
    read: Annotated[int, Field(ge=0, le=1000)] = 1
    models: Annotated[Names, Field(max_length=0)] = ()
    sizes: Annotated[tuple[Size, ...], Field(max_length=0)] = ()
    heads: Annotated[tuple[Head, ...], Field(max_length=0)] = ()
    etas: Annotated[tuple[Number, ...], Field(max_length=0)] = ()

    @field_validator("networks")
    @classmethod
    def _have_decoders(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        from lowerbound.var.simulator.weights import source_of

        for name in names:
            if not source_of(name).has_decoder:
                raise invalid("it", "be a network with a decoder", name, nearest="digits")
        return names

    @model_validator(mode="after")
    def _has_a_place(self) -> DrawSweep:
        if self.read > self.pictures:
            raise invalid("read", "be at most pictures", self.read, nearest=self.pictures)
        return self

    @property
    def n_units(self) -> int:
        """The number of combinations."""
        budgeted = sum(1 if "@" in cache else len(self.budgets) or 1 for cache in self.caches)
        return prod((budgeted, len(self.networks), len(self.seeds)))

    def units(self) -> Iterator[Unit]:
        """Every combination; the digest of the weights is part of a unit."""
        from lowerbound.var.simulator.weights import source_of

        digests = {name: source_of(name).digest for name in self.networks}
        for (cache, budget), name, seed in product(self.budgeted(), self.networks, self.seeds):
            yield {
                "kind": self.kind,
                "cache": cache,
                "budget": budget,
                "network": name,
                "weights": digests[name],
                "pictures": self.pictures,
                "read": self.read,
                "seed": seed,
                "isolation": self.isolation,
                "time_limit_s": self.time_limit_s,
            }


class FloorSweep(Axes):
    """Certified floors: places x etas x deltas."""

    kind: Literal["floor"]
    deltas: Numbers = ("0",)

    @property
    def n_units(self) -> int:
        """The number of combinations."""
        return prod((self.n_places, len(self.etas), len(self.deltas)))

    def units(self) -> Iterator[Unit]:
        """Every combination."""
        for place, eta, delta in product(self.places(), self.etas, self.deltas):
            yield {"kind": self.kind, "place": place, "eta": eta, "delta": delta}


AnySweep = PlaySweep | AttackSweep | DrawSweep | FloorSweep
Sweep = Annotated[AnySweep, Field(discriminator="kind")]
_ADAPTER: TypeAdapter[AnySweep] = TypeAdapter(Sweep)
_KINDS: dict[str, type[BaseModel]] = {
    "play": PlaySweep,
    "attack": AttackSweep,
    "draw": DrawSweep,
    "floor": FloorSweep,
}


class SlurmProfile(BaseModel):
    """A job of a SLURM queue: every core runs one worker of one thread, which retires after `lifetime`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    cores: Annotated[int, Field(ge=1, le=2**16)]
    memory: Word
    walltime: Word
    lifetime: Word = "50m"
    maximum_jobs: Annotated[int, Field(ge=1, le=10**4)] = 10
    queue: Word | None = None
    account: Word | None = None
    interface: Word | None = None
    shared_temp_directory: Word = "."
    prologue: Annotated[tuple[Annotated[str, Field(max_length=4000)], ...], Field(max_length=100)] = ()


def read_spec(path: Path, *, allow_exec: bool = False) -> AnySweep:
    """The specification in a TOML file.

    Contract: a file that is too large, is no TOML, has an unknown key or a value outside its range raises
    InvalidArgument with every such key in one sentence each. So does a cache that is a command of this machine
    ("exec:COMMAND"), unless `allow_exec`; too many units; and a unit of more than MOST_UNIT_BYTES.
    """
    return spec_of(_toml(path, "the specification"), str(path), allow_exec=allow_exec)


def read_profile(path: Path) -> SlurmProfile:
    """The profile in a TOML file; the same contract as `read_spec`."""
    return profile_of(_toml(path, "the slurm profile"), str(path))


def profile_of(table: dict[str, Any], source: str = "the slurm profile") -> SlurmProfile:
    """The profile in a table that is already parsed; the same contract as `read_spec`."""
    try:
        return SlurmProfile.model_validate(_tuples(table))
    except ValidationError as error:
        raise InvalidArgument(_sentences(source, error, SlurmProfile)) from None


def _toml(path: Path, what: str) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise InvalidArgument(f"{what} {path} cannot be read: {error.strerror}") from None
    if len(raw) > LARGEST_FILE_BYTES:
        raise invalid(what, f"have at most {LARGEST_FILE_BYTES} bytes", f"more, in {path}")
    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidArgument(f"{path} is no TOML: {error}") from None


def spec_of(table: dict[str, Any], source: str = "the specification", *, allow_exec: bool = False) -> AnySweep:
    """The specification in a table that is already parsed, lists being arrays; the same contract as `read_spec`."""
    try:
        spec = _ADAPTER.validate_python(_tuples(table))
    except ValidationError as error:
        model = _KINDS.get(str(table.get("kind")), Axes)
        raise InvalidArgument(_sentences(source, error, model)) from None
    except RecursionError:
        raise invalid("the specification", "be nested less deeply", source) from None
    if spec.n_units > MOST_UNITS:
        raise invalid("the specification", f"have at most {MOST_UNITS} units", spec.n_units)
    if isinstance(spec, CacheSweep):
        _check_commands(spec, source, allow_exec)
        _check_memory(spec, source)
    return spec


def _check_commands(spec: CacheSweep, source: str, allow_exec: bool) -> None:
    for cache in spec.caches:
        if is_program(cache) and not allow_exec:
            raise InvalidArgument(
                f"{source}: caches: {quoted(cache)} runs a command of this machine, "
                "which a specification may do only with --allow-exec"
            )


def _check_memory(spec: CacheSweep, source: str) -> None:
    trials = spec.trials if isinstance(spec, PlaySweep) else 1
    # A foreign cache may ask for more heads than one, which only its own process can tell, and then pays for.
    heads = {cache: _heads(cache.partition("@")[0]) for cache in spec.caches}
    hungriest = max(spec.caches, key=heads.__getitem__)
    for place, one_head in spec.numbers(trials):
        if 8 * (numbers := one_head * heads[hungriest]) > MOST_UNIT_BYTES:
            most = MOST_UNIT_BYTES * trials // (8 * numbers)
            raise invalid(
                f"{source}: {counted(trials, 'trial')} of {quoted(hungriest)} on {quoted(place)}",
                f"need at most {MOST_UNIT_BYTES} bytes of symbols and states",
                8 * numbers,
                nearest=f"trials = {most}" if most else "a smaller place",
            )


def _heads(cache: str) -> int:
    """The heads, of all layers, on which a cache of this package is played; 1 for any other."""
    from lowerbound.caches.registry import CACHES, find_cache

    return prod(find_cache(cache).facts().stack or (1, 1)) if cache in CACHES else 1


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(part) for key, part in value.items()}
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _sentences(source: str, error: ValidationError, model: type[BaseModel]) -> str:
    found = error.errors()
    more = f"; and {counted(len(found) - MOST_SENTENCES, 'more mistake')}" if len(found) > MOST_SENTENCES else ""
    return "; ".join(_sentence(source, mistake, model) for mistake in found[:MOST_SENTENCES]) + more


def _sentence(source: str, found: Any, model: type[BaseModel]) -> str:
    places = [part for part in found["loc"] if part not in _KINDS]
    key = ".".join(str(part) for part in places) or "kind"
    cause = found.get("ctx", {}).get("error")
    if isinstance(cause, LowerBoundError):
        return f"{source}: {key}: {cause}"
    rule = found["msg"][0].lower() + found["msg"][1:]
    if found["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return f"{source}: kind must be one of play, attack, floor, got {quoted(found['input'].get('kind'))}"
    if found["type"] == "extra_forbidden":
        parts: dict[object, type[BaseModel]] = {"sizes": Size, "heads": Head}
        fields = next((parts[part] for part in places[:-1] if part in parts), model).model_fields
        prefix = f"{'.'.join(map(str, places[:-1]))}: " if places[:-1] else ""
        return f"{source}: {prefix}{unknown('key', str(places[-1]), fields)}"
    got = "" if found["type"] == "missing" else f", got {quoted(found['input'])}"
    return f"{source}: {key}: {rule}{got}"
