"""One row of every table: what a cache was measured to need and to err, beside what is proved."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.core.bits import LENGTH_PREFIX_BITS, state_bits
from lowerbound.core.bounds import floor_in_interval, is_above
from lowerbound.core.cache import CacheFacts, load_cache
from lowerbound.core.scalars import Rational, floor_float, rational
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import AccountingError, CacheContractBroken, invalid
from lowerbound.game.channel import Isolation, converse, strongest
from lowerbound.game.index import Symbols, draw_symbols
from lowerbound.game.party import SYMBOL_TYPE
from lowerbound.game.reduction import Reduction
from lowerbound.game.wire import Frames

ABOVE = "above the floor"
OUTSIDE_R1 = "outside R1"
TIME_LIMIT_S = 120.0
FP16_PAIR_BITS = 32
"""A key entry and a value entry in fp16: what stands in a plain cache for each symbol."""

OWN_CACHES = "lowerbound.caches."
"""Where this package keeps caches: code that the judge may import."""


@dataclass(frozen=True)
class Row:
    """Measured beside proved, for one cache on one hard family.

    Bits are of all `heads` (of all `layers`) together. `state_bits` is the longest message of all trials, `peak_bits`
    the longest state of any scale, `floor_bits` the least floor of any error rate in [error_low, error_high], and
    `ratio` their quotient ("x of the floor"), None where the floor is 0. `measured_ratio` is the compression of fp16
    keys and values; `claimed_ratio` is what the method's own accounting makes of it, None where it has none. `verdict`
    is "above the floor", or "outside R1" for a cache whose instance is not one of model R1.
    """

    cache: str
    family: str
    budget: str | None
    geometry: str
    layers: int
    heads: int
    isolation: str
    computation_model: str
    trials: int
    seed: int
    levels: int
    eta: float
    symbols: int
    state_bits: int
    peak_bits: int
    scale_bits: list[int]
    bits_per_symbol: float
    errors: int
    error: float
    error_low: float
    error_high: float
    confidence: float
    floor_bits: float
    ratio: float | None
    measured_ratio: float
    claimed_ratio: float | None
    verdict: str
    ledger: dict[str, int]
    alice_seconds: float
    bob_seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def _module_path() -> list[str]:
    return [os.path.abspath(entry) for entry in sys.path if os.path.exists(entry or ".")]


def describe(cache: str, isolation: Isolation, time_limit_s: float = TIME_LIMIT_S) -> CacheFacts:
    """What a cache states about itself.

    Contract: foreign code is imported in a process of its own, unless `isolation` is none; a target that leads to no
    cache raises UnknownName or InvalidArgument.
    """
    if cache.startswith(OWN_CACHES) or isolation is Isolation.NONE:
        return load_cache(cache).facts()
    (facts,) = converse(
        "describe",
        {"cache": cache},
        [],
        isolation=isolation,
        time_limit_s=time_limit_s,
        search_path=_module_path(),
    )
    stated = json.loads(facts)
    stack = stated.pop("stack")
    return CacheFacts(**stated, stack=None if stack is None else (stack[0], stack[1]))


def duel(
    reduction: Reduction,
    cache: str,
    *,
    label: str | None = None,
    budget: Rational | None = None,
    trials: int = 1,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    confidence: Fraction = CONFIDENCE,
) -> Row:
    """Play a cache on a hard family, and put what it needed beside what is proved.

    Contract: all symbols of `trials` independent instances are asked for; memory is the length of the messages
    that reached Bob. Raises AccountingError when that is certainly under the floor of every error rate that the
    confidence interval allows (then information crossed elsewhere), CacheContractBroken or TimeLimitExceeded when
    the cache fails, InvalidArgument for unusable arguments.

    Parameters
    ----------
    cache : str
        "package.module:Class"; `play` takes registered names.
    label : str or None
        What the row calls it.
    budget : rational in (0, 1], or None
        The method's own nominal budget.
    isolation : Isolation or None
        None takes the strongest level that this machine gives.
    time_limit_s : float
        Seconds for each party, all trials together.
    """
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise invalid("trials", "be an integer >= 1", trials)
    if not time_limit_s > 0:
        raise invalid("time limit", "be > 0 seconds", time_limit_s)
    level = strongest() if isolation is None else isolation
    facts = describe(cache, level, time_limit_s)
    asked = None if budget is None else reduction.public(rational(budget, name="budget")).budget
    exact_budget = asked if facts.budget_meaning else None
    in_r1 = facts.computation_model == "R1"
    played = reduction
    if reduction.geometry.stack is None and facts.stack is not None:
        played = reduction.stacked(facts.stack)
    if not in_r1:
        played = played.in_model_r2()
    private, symbols = _instances(played, trials)
    job = {
        "reduction": played.to_json(),
        "cache": cache,
        "budget": None if exact_budget is None else str(exact_budget),
    }
    terms: dict[str, Any] = {
        "isolation": level,
        "time_limit_s": time_limit_s,
        "search_path": _module_path(),
    }

    header, *states = converse("alice", job, private, **terms)
    n_scales = played.schedule.n_scales - 1
    if len(states) != trials * n_scales:
        raise CacheContractBroken(f"Alice must send {trials * n_scales} states, got {len(states)}")
    messages = states[n_scales - 1 :: n_scales]
    answer_header, *answers = converse("bob", job, messages, **terms)
    alice, bob = json.loads(header), json.loads(answer_header)

    errors = _count_errors(symbols, answers)
    n_symbols = played.n_symbols
    low, high = clopper_pearson(errors, n_symbols * trials, confidence=confidence)
    levels = played.grid.n_levels
    longest = max(range(trials), key=lambda trial: len(messages[trial]))
    used = state_bits(messages[longest])
    proved = floor_in_interval(n_symbols, levels, low, high)
    row = Row(
        cache=cache if label is None else label,
        family=facts.family,
        budget=facts.default_budget if exact_budget is None else str(exact_budget),
        geometry=played.geometry.name,
        layers=played.stack[0],
        heads=played.n_heads,
        isolation=str(level),
        computation_model=facts.computation_model,
        trials=trials,
        seed=played.seed,
        levels=levels,
        eta=float(played.grid.eta),
        symbols=n_symbols,
        state_bits=used,
        peak_bits=max(map(state_bits, states)),
        scale_bits=[max(map(state_bits, states[scale::n_scales])) for scale in range(n_scales)],
        bits_per_symbol=used / n_symbols,
        errors=errors,
        error=errors / (n_symbols * trials),
        error_low=float(low),
        error_high=float(high),
        confidence=float(confidence),
        floor_bits=floor_float(proved),
        ratio=float(used / proved) if proved else None,
        measured_ratio=FP16_PAIR_BITS * n_symbols / used,
        claimed_ratio=None if alice["claimed_ratio"] is None else float(Fraction(alice["claimed_ratio"])),
        verdict=ABOVE if in_r1 else OUTSIDE_R1,
        ledger=_ledger(alice["ledgers"][longest], messages[longest]),
        alice_seconds=alice["seconds"],
        bob_seconds=bob["seconds"],
    )
    if in_r1 and not is_above(used, n_symbols, levels, low, high):
        raise AccountingError(
            f"{row.cache} at isolation {level} sent {used} bits for {n_symbols} symbols with error at most "
            f"{row.error_high:.4g}, under the proved floor of {row.floor_bits:.1f} bits: information reached Bob "
            "outside the counted bytes, and this row is not a result"
        )
    return row


def _instances(reduction: Reduction, trials: int) -> tuple[Frames, list[Symbols]]:
    """Alice's private frames, and the symbols that Bob should name."""
    frames, symbols = [], []
    for trial in range(trials):
        if reduction.network is not None:
            given = reduction.network.draw_ids(reduction.seed, trial)
            symbols.append(reduction.network.symbols(given))
        else:
            given = draw_symbols(reduction.seed, trial, n_levels=reduction.grid.n_levels, shape=reduction.shape)
            symbols.append(given)
        frames.append(given.astype(SYMBOL_TYPE).tobytes())
    return frames, symbols


def _count_errors(symbols: list[Symbols], answers: Frames) -> int:
    if len(answers) != len(symbols):
        raise CacheContractBroken(f"Bob must answer {len(symbols)} trials, got {len(answers)}")
    errors = 0
    for wanted, frame in zip(symbols, answers, strict=True):
        if len(frame) != wanted.size * SYMBOL_TYPE.itemsize:
            raise CacheContractBroken(f"Bob must name {wanted.size} symbols, got {len(frame)} bytes")
        found = np.frombuffer(frame, dtype=SYMBOL_TYPE).astype(np.int64)
        errors += int((found != wanted.ravel()).sum())
    return errors


def _ledger(items: Mapping[str, int] | None, message: bytes) -> dict[str, int]:
    """The writer's ledger, checked against the bytes that were sent; without one, everything is payload."""
    booked = dict(items) if items is not None else {"payload": 8 * len(message)}
    if sum(booked.values()) != 8 * len(message) or any(bits < 0 for bits in booked.values()):
        raise AccountingError(
            f"the ledger of a state must add up to its {8 * len(message)} bits, got {sum(booked.values())}"
        )
    return booked | {"length_prefix": LENGTH_PREFIX_BITS}
