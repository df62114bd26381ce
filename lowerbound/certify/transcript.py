"""Transcripts: one game of one cache as a document, with every symbol, the message and every answer."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.caches.registry import known_caches, target_of
from lowerbound.certify.sealed import sealed
from lowerbound.core.bounds import floor_in_interval
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import models
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import AccountingError, InvalidArgument, LowerBoundError
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import Contender, PlayedGame, play_once
from lowerbound.game.frames_reduction import FramesReduction
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.index import Symbols
from lowerbound.game.party import family_of
from lowerbound.game.reduction import Reduction, plan_reduction
from lowerbound.game.structured import StructuredReduction, plan_structured
from lowerbound.game.tally import Alphabet
from lowerbound.kernel.codec import canonical, shown
from lowerbound.kernel.verdict import Outcome, Verdict

Json = Any
PRECISION_BITS = 128
REPLAY_S = 120.0


def transcript(family: HardFamily, entry: Contender, **terms: Any) -> tuple[PlayedGame, bytes]:
    """Play one trial; return the game and its transcript.

    Contract: the kernel's verdict on the document is CONSISTENT, and `replayed` plays the same game from what it says.
    `terms` are the keyword arguments of `play_once`, and errors are those of `duel`.
    """
    _check_floors_add_up(family)
    played = play_once(family, entry, **terms)
    if played.family.computation_model != "R1":
        raise InvalidArgument(f"a transcript must be of a game in model R1, got {played.family.computation_model}")
    claim, payload = _written(played)
    found = sealed(f"{claim['cache']} on {claim['model']}", "transcript", claim, payload)
    if found.verdict.outcome is not Outcome.CONSISTENT:
        raise AccountingError(f"the transcript of {claim['cache']} must add up, and does not: {found.verdict.reason}")
    return played, found.document()


def replayed(
    claim: Json, payload: Json, *, isolation: Isolation | None = None, time_limit_s: float = REPLAY_S
) -> Verdict:
    """Whether the cache that a transcript names, playing the same game, writes this message and gives these answers.

    The claim and the payload are those of a document that the kernel calls CONSISTENT.

    Contract: VERIFIED only if the model is the catalogue's, the hard family is the one that this package plans, the
    symbols are drawn from the seed that the document opens, a new game gives the same symbols, message and answers, and
    the floor is that of its errors. REJECTED if one differs. CONSISTENT if there is no new game: the cache is not
    registered here (a document must not choose what code runs), the model is not in the catalogue, or the cache fails
    or takes too long.
    """
    name, model = claim["cache"], claim["model"]
    known = next((one.geometry for one in models() if one.name == model), None)
    if known is None:
        return _not_played(f"{model[:60]!r} is not a model of the catalogue")
    try:
        family = _family(claim["setting"], known)
        if (family.shape[0], [_part(kind) for kind in family.alphabets]) != (
            claim["tokens"],
            [{key: part[key] for key in ("name", "levels", "columns")} for part in claim["parts"]],
        ):
            return Verdict(Outcome.REJECTED, "the setting has other tokens or symbols than the claim")
    except (LowerBoundError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError) as error:
        return Verdict(Outcome.REJECTED, f"the setting is no game on {model}: {str(error)[:200]}")
    instances = PrivateSeed.parse(payload["instance_seed"])
    if payload["asked"] != _by_kind(family.alphabets, family.symbols_of(family.draw(instances, 0))):
        return Verdict(Outcome.REJECTED, "the symbols are not those that the seed of the instance draws")
    if name not in known_caches():
        return _not_played(f"{name[:60]!r} is not registered here")
    try:
        budget = None if claim["budget"] is None else Fraction(claim["budget"])
        entry = Contender(target_of(name), budget, name)
        played = play_once(family, entry, isolation=isolation, time_limit_s=time_limit_s, instances=instances)
    except LowerBoundError as error:
        return _not_played(f"{name} could not play: {str(error)[:200]}")
    ours, proof = json.loads(canonical(_written(played)))
    for key in ("asked", "message", "answered"):
        if payload[key] != proof[key]:
            return Verdict(
                Outcome.REJECTED, f"{name}, playing again, gives another text of what is {key!r} in the file"
            )
    for key in claim.keys() - {"floor_bits", "confidence"}:
        if canonical(claim[key]) != canonical(ours[key]):
            return Verdict(Outcome.REJECTED, f"{name}, playing again, gives the {key} {shown(ours[key])}")
    floor, confidence = ours["floor_bits"], ours["confidence"]
    # The ends of an interval come from a float, certified from outside: another library's may move the floor by a bit.
    if claim["confidence"] != confidence or abs(claim["floor_bits"] - floor) > 1:
        told = f"{claim['floor_bits']} at confidence {shown(claim['confidence'])}"
        return Verdict(
            Outcome.REJECTED,
            f"the floor at such errors is {floor} at confidence {confidence}, and the file says {told}",
        )
    errors = sum(part["errors"] for part in claim["parts"])
    return Verdict(
        Outcome.VERIFIED,
        f"{name}, playing again on {model}, sends the same {claim['message_bits']} bits, and Bob errs in the same "
        f"{errors} places; the floor at such errors is {floor}",
    )


def _check_floors_add_up(family: HardFamily) -> None:
    """Raise InvalidArgument unless the floor of a game is the sum of those of its symbols, as the kernel adds them."""
    if isinstance(family, FramesReduction):
        raise InvalidArgument(
            "a transcript adds up the floors of its symbols, got frames, whose words leave some out; the nearest valid "
            "choice is zoom"
        )


def _not_played(why: str) -> Verdict:
    return Verdict(Outcome.CONSISTENT, f"what the file contains adds up; the game was not played again: {why}")


def _family(setting: Json, known: Geometry) -> HardFamily:
    """The hard family that a setting describes; InvalidArgument unless it is planned here, on this model's geometry."""
    told = setting["family"]
    family = family_of(setting["game"]).from_json(told)
    _check_floors_add_up(family)
    Coins(family.seed, "")  # which refuses what is no seed
    if replace(family.geometry, stack=None) != known:
        raise InvalidArgument("its geometry is another than the catalogue's")
    for planned in _plans(family):
        if canonical(planned.to_json()) == canonical(told):  # to Python, 0 equals false
            return planned
    raise InvalidArgument("this package plans another hard family for these terms")


def _plans(family: HardFamily) -> Iterator[HardFamily]:
    """The families that this package plans for the terms of a family; a design of keys and values proves itself."""
    if isinstance(family, StructuredReduction):
        yield plan_structured(family.geometry, family.prior, eta=family.grid.eta, seed=family.seed)
    elif isinstance(family, Reduction):
        grid = family.grid
        for smallest in (None, min(grid.levels)):
            planned = plan_reduction(
                family.geometry,
                eta=grid.eta,
                guarantee=grid.guarantee,
                n_levels=grid.n_levels,
                smallest_level=smallest,
                multiplier=family.multiplier,
                key_family=family.keys.family,
                seed=family.seed,
            )
            yield planned if family.network is None else planned.in_model_r2()
    else:
        yield family


def _part(kind: Alphabet) -> dict[str, Any]:
    return {"name": kind.name, "levels": kind.n_levels, "columns": kind.n_columns}


def _written(played: PlayedGame) -> tuple[Json, Json]:
    """The claim and the payload that tell of a game."""
    row = played.row
    tail = 1 - (1 - CONFIDENCE) / len(played.alphabets)
    ends = np.cumsum([alphabet.n_columns for alphabet in played.alphabets])[:-1]
    asked, answered = (np.split(symbols, ends, axis=1) for symbols in (played.asked, played.answered))
    parts, rates, floor = [], [], Fraction(0)
    for alphabet, given, heard in zip(played.alphabets, asked, answered, strict=True):
        errors = int((given != heard).sum())
        low, high = clopper_pearson(errors, given.size, confidence=tail)
        floor += floor_in_interval(given.size, alphabet.n_levels, low, high)
        parts.append({**_part(alphabet), "errors": errors})
        rates.append([str(low), str(high)])
    claim = {
        "cache": row.cache,
        "budget": row.budget,
        "model": row.geometry,
        "setting": {"game": played.family.game, "family": played.family.to_json()},
        "tokens": len(played.asked),
        "parts": parts,
        "message_bits": row.state_bits,
        "floor_bits": math.floor(floor),
        "confidence": str(CONFIDENCE),
        "instance_commitment": row.instance_commitment,
    }
    payload = {
        "precision": PRECISION_BITS,
        "asked": _by_kind(played.alphabets, played.asked),
        "answered": _by_kind(played.alphabets, played.answered),
        "message": played.message.hex(),
        "rates": rates,
        "instance_seed": row.instance_seed,
    }
    return claim, payload


def _by_kind(alphabets: Sequence[Alphabet], symbols: Symbols) -> list[str]:
    """The symbols of each alphabet, spelt."""
    parts = np.split(symbols, np.cumsum([alphabet.n_columns for alphabet in alphabets])[:-1], axis=1)
    return [spelt(part, alphabet.n_levels) for part, alphabet in zip(parts, alphabets, strict=True)]


def spelt(symbols: Symbols, levels: int) -> str:
    """Symbols in hex, row by row, each in as many bits as level `levels` - 1 has; zeros fill the last digit."""
    width = (levels - 1).bit_length()
    bits = symbols.ravel()[:, None] >> np.arange(width - 1, -1, -1) & 1
    digits = -(-bits.size // 4)
    return np.packbits(bits.astype(np.uint8)).tobytes().hex()[:digits]
