"""Playing a cache on a hard family: one table row with its measured size and error, and the proved lower bound."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from typing import Any, TypeVar

import numpy as np

from lowerbound.core.bits import FP16_BITS, LENGTH_PREFIX_BITS, state_bits
from lowerbound.core.cache import CacheFacts
from lowerbound.core.loading import load_cache
from lowerbound.core.scalars import Rational, floor_float, rational
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.errors import AccountingError, CacheContractBroken, LowerBoundError, invalid
from lowerbound.game.channel import (
    OWN_CACHES,
    Isolation,
    converse,
    late,
    module_path,
    party_path_here,
    raised,
    strongest,
)
from lowerbound.game.hard_family import Alphabet, HardFamily
from lowerbound.game.index import Symbols
from lowerbound.game.tally import Part, misread, tally
from lowerbound.game.wire import SYMBOL_TYPE, Frames, Role

Result = TypeVar("Result")
ABOVE = "above the floor"
OUTSIDE_R1 = "outside R1"
TIME_LIMIT_S = 120.0
FP16_PAIR_BITS = 2 * FP16_BITS
"""The bits of one key entry and one value entry in fp16, which a plain cache stores for each value entry."""


@dataclass(frozen=True)
class Row:
    """The measured size and error of one cache on one hard family, with the proved lower bound (floor).

    All bits count all `heads` (of all `layers`) together. `state_bits` is the size of the longest message of any trial,
    and `peak_bits` that of the longest state at any scale. `floor_bits` is the sum of the lower bounds of the `parts`,
    whose error intervals all hold at `confidence`. `ratio` is `state_bits / floor_bits`, or None if the lower bound
    is 0. `error` is the error rate over all symbols, and `levels` the number of levels of a value. `measured_ratio` is
    the compression ratio relative to fp16 keys and values. `claimed_ratio` is the ratio that the method itself would
    report for the longest message, or None if it reports none. `verdict` is "above the floor", or "outside R1" for a
    cache that is not played in computation model R1.
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
    parts: list[Part]
    ledger: dict[str, int]
    alice_seconds: float
    bob_seconds: float

    def to_json(self) -> dict[str, Any]:
        """The row as plain JSON values."""
        return asdict(self)


def describe(cache: str, isolation: Isolation, time_limit_s: float = TIME_LIMIT_S) -> CacheFacts:
    """The statements of a cache class about itself.

    Contract: foreign code is imported in a separate process, unless `isolation` is none; a target that names no cache
    raises UnknownName or InvalidArgument.
    """
    if cache.startswith(OWN_CACHES):
        return load_cache(cache).facts()
    if isolation is Isolation.NONE:
        with party_path_here(module_path([cache])):
            return load_cache(cache).facts()
    (facts,) = converse(
        "describe",
        {"cache": cache},
        [],
        isolation=isolation,
        time_limit_s=time_limit_s,
        search_path=module_path([cache]),
    )
    stated = json.loads(facts)
    stack = stated.pop("stack")
    return CacheFacts(**stated, stack=None if stack is None else (stack[0], stack[1]))


@dataclass(frozen=True)
class Contender:
    """A cache that takes part: its target "package.module:Class", its nominal budget or None, and its name in rows."""

    cache: str
    budget: Rational | None = None
    label: str | None = None


def duel(
    reduction: HardFamily,
    cache: str,
    *,
    label: str | None = None,
    budget: Rational | None = None,
    trials: int = 1,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    confidence: Fraction = CONFIDENCE,
) -> Row:
    """Play a cache on a hard family; the row has its measured size and error, and the proved lower bound (floor).

    Contract: Bob is asked for all symbols of `trials` independent instances; memory is the length of the messages that
    reached Bob. It raises AccountingError if that is certainly below the lower bound at every error rate that the
    confidence interval allows (then information reached Bob in another way), CacheContractBroken or TimeLimitExceeded
    if the cache fails, and InvalidArgument for unusable arguments.

    Parameters
    ----------
    cache : str
        The target "package.module:Class". (`play` also takes registered names.)
    label : str or None
        The name of the cache in the row; None means its target.
    budget : rational in (0, 1], or None
        The nominal budget, in the method's own meaning.
    isolation : Isolation or None
        None takes the strongest level that this machine supports.
    time_limit_s : float
        Seconds for each party, for all trials together.
    """
    (outcome,) = duels(
        reduction,
        [Contender(cache, budget, label)],
        trials=trials,
        isolation=isolation,
        time_limit_s=time_limit_s,
        confidence=confidence,
    )
    if isinstance(outcome, LowerBoundError):
        raise outcome
    return outcome


def duels(
    reduction: HardFamily,
    entries: Sequence[Contender],
    *,
    trials: int = 1,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    confidence: Fraction = CONFIDENCE,
) -> list[Row | LowerBoundError]:
    """`duel` for several caches that share one process for Alice and one for Bob, so that slow libraries load once.

    Contract: for each entry, in order, the row that `duel` returns or the error that it raises. The entries must trust
    one another, because each party sees the inputs of all of them. Alice and Bob still share nothing but messages.
    `time_limit_s` applies to each entry.
    """
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise invalid("trials", "be an integer >= 1", trials)
    if not time_limit_s > 0:
        raise invalid("time limit", "be > 0 seconds", time_limit_s)
    level = strongest() if isolation is None else isolation
    games = [_prepare(reduction, entry, trials, level, time_limit_s) for entry in entries]
    path = module_path(game.entry.cache for game in games)
    terms: dict[str, Any] = {"isolation": level, "time_limit_s": time_limit_s, "search_path": path}
    sent = _conversation("alice", games, [game.private for game in games], terms)
    messages = [_attempt(game.messages, reply) for game, reply in zip(games, sent, strict=True)]
    standing = {n: found for n, found in enumerate(messages) if not isinstance(found, LowerBoundError)}
    heard = _conversation("bob", [games[n] for n in standing], list(standing.values()), terms) if standing else []
    answers = dict(zip(standing, heard, strict=True))
    outcomes: list[Row | LowerBoundError] = []
    for number, (game, reply, found) in enumerate(zip(games, sent, messages, strict=True)):
        if isinstance(reply, LowerBoundError):
            outcomes.append(reply)
        elif isinstance(found, LowerBoundError):
            outcomes.append(found)
        else:
            outcomes.append(_attempt(partial(game.row, reply, level=level, confidence=confidence), answers[number]))
    return outcomes


@dataclass(frozen=True)
class PlayedGame:
    """One trial of one game: its row, Alice's symbols (`asked`), Bob's answers (`answered`) and the message.

    Symbols and answers have shape (n_heads T, columns), with the columns of all alphabets in order. `family` is what
    was played: the hard family with the stack and the computation model of the cache.
    """

    row: Row
    family: HardFamily
    alphabets: tuple[Alphabet, ...]
    asked: Symbols
    answered: Symbols
    message: bytes


def play_once(
    reduction: HardFamily,
    entry: Contender,
    *,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> PlayedGame:
    """`duel` for one trial, with Alice's symbols, Bob's answers and the message in addition to the row.

    Contract: the row and every error are those of `duel` with one trial.
    """
    level = strongest() if isolation is None else isolation
    game = _prepare(reduction, entry, 1, level, time_limit_s)
    path = module_path([entry.cache])
    terms: dict[str, Any] = {"isolation": level, "time_limit_s": time_limit_s, "search_path": path}
    (alice,) = _conversation("alice", [game], [game.private], terms)
    if isinstance(alice, LowerBoundError):
        raise alice
    (message,) = game.messages(alice)
    (bob,) = _conversation("bob", [game], [[message]], terms)
    if isinstance(bob, LowerBoundError):
        raise bob
    row = game.row(alice, bob, level=level, confidence=CONFIDENCE)
    (asked,) = game.symbols
    answered = np.frombuffer(bob.frames[0], dtype=SYMBOL_TYPE).astype(np.int64).reshape(asked.shape)
    return PlayedGame(row, game.played, tuple(game.played.alphabets), asked, answered, bytes(message))


@dataclass(frozen=True)
class _Reply:
    """The reply of one party for one game: a header and the frames of the game."""

    header: dict[str, Any]
    frames: Frames


def _conversation(
    role: Role, games: Sequence[_Game], private: Sequence[Frames], terms: Mapping[str, Any]
) -> list[_Reply | LowerBoundError]:
    """The reply of one party for each of several games, or the error that replaces it.

    The time limit in `terms` applies to each game.
    """
    limit_s = terms["time_limit_s"]
    job = {"games": [{**game.job, "n_frames": len(frames)} for game, frames in zip(games, private, strict=True)]}
    given = [frame for frames in private for frame in frames]
    frames = iter(converse(role, job, given, **{**terms, "time_limit_s": limit_s * len(games)}))
    replies: list[_Reply | LowerBoundError] = []
    for _ in games:
        header = json.loads(next(frames))
        own = [next(frames) for _ in range(header["n_frames"])]
        if header["failure"] is not None:
            replies.append(raised(header["failure"]))
        else:
            replies.append(_Reply(header, own) if header["seconds"] <= limit_s else late(role, limit_s))
    return replies


def _attempt(action: Callable[[_Reply], Result], reply: _Reply | LowerBoundError) -> Result | LowerBoundError:
    """The result of `action` on a reply. If `reply` is an error, or the action raises one, that error is the result."""
    if isinstance(reply, LowerBoundError):
        return reply
    try:
        return action(reply)
    except LowerBoundError as error:
        return error


def _prepare(reduction: HardFamily, entry: Contender, trials: int, level: Isolation, time_limit_s: float) -> _Game:
    facts = describe(entry.cache, level, time_limit_s)
    budget = None if entry.budget is None else reduction.public(rational(entry.budget, name="budget")).budget
    played = reduction
    if reduction.geometry.stack is None and facts.stack is not None:
        played = reduction.stacked(facts.stack)
    if facts.computation_model != "R1":
        played = played.in_model_r2()
    private, symbols = _instances(played, trials)
    return _Game(entry, facts, played, budget if facts.budget_meaning else None, private, symbols)


@dataclass(frozen=True)
class _Game:
    """One cache on one hard family: the inputs of its parties, and the evaluation of their replies."""

    entry: Contender
    facts: CacheFacts
    played: HardFamily
    budget: Fraction | None
    private: Frames
    symbols: list[Symbols]

    @property
    def job(self) -> dict[str, Any]:
        """The public configuration of the game, as JSON values."""
        return {
            "game": self.played.game,
            "reduction": self.played.to_json(),
            "cache": self.entry.cache,
            "budget": None if self.budget is None else str(self.budget),
        }

    @property
    def n_scales(self) -> int:
        """The number of cached scales, which is the number of states per trial."""
        return self.played.schedule.n_scales - 1

    def messages(self, alice: _Reply) -> Frames:
        """The messages to Bob: the last state of each trial. A wrong number of states raises CacheContractBroken."""
        wanted = len(self.symbols) * self.n_scales
        if len(alice.frames) != wanted:
            raise CacheContractBroken(f"Alice must send {wanted} states, got {len(alice.frames)}")
        return alice.frames[self.n_scales - 1 :: self.n_scales]

    def row(self, alice: _Reply, bob: _Reply, *, level: Isolation, confidence: Fraction) -> Row:
        """The table row of this game; AccountingError if the measured size is below the lower bound (floor)."""
        played, facts, states, messages = self.played, self.facts, alice.frames, self.messages(alice)
        n_symbols, trials = played.n_symbols, len(self.symbols)
        wrong = misread(self.symbols, bob.frames)
        errors = int(sum(part.sum() for part in wrong))
        low, high = clopper_pearson(errors, n_symbols * trials, confidence=confidence)
        parts, proved = tally(played.alphabets, wrong, confidence)
        longest = max(range(trials), key=lambda trial: len(messages[trial]))
        used = state_bits(messages[longest])
        claimed = alice.header["claimed_ratio"]
        in_r1 = facts.computation_model == "R1"
        row = Row(
            cache=self.entry.label or self.entry.cache,
            family=facts.family,
            budget=facts.default_budget if self.budget is None else str(self.budget),
            geometry=played.geometry.name,
            layers=played.stack[0],
            heads=played.n_heads,
            isolation=str(level),
            computation_model=facts.computation_model,
            trials=trials,
            seed=played.seed,
            levels=played.grid.n_levels,
            eta=float(played.grid.eta),
            symbols=n_symbols,
            state_bits=used,
            peak_bits=max(map(state_bits, states)),
            scale_bits=[max(map(state_bits, states[scale :: self.n_scales])) for scale in range(self.n_scales)],
            bits_per_symbol=used / n_symbols,
            errors=errors,
            error=errors / (n_symbols * trials),
            error_low=float(low),
            error_high=float(high),
            confidence=float(confidence),
            floor_bits=floor_float(proved),
            ratio=float(used / proved) if proved else None,
            measured_ratio=FP16_PAIR_BITS * played.n_entries / used,
            claimed_ratio=None if claimed is None else float(Fraction(claimed)),
            verdict=ABOVE if in_r1 else OUTSIDE_R1,
            parts=parts,
            ledger=_ledger(alice.header["ledgers"][longest], messages[longest]),
            alice_seconds=alice.header["seconds"],
            bob_seconds=bob.header["seconds"],
        )
        if in_r1 and used < proved:
            raise AccountingError(
                f"{row.cache} at isolation {level} sent {used} bits for {n_symbols} symbols with error at most "
                f"{row.error_high:.4g}, under the proved floor of {row.floor_bits:.1f} bits: information reached Bob "
                "outside the counted bytes, and this row is not a result"
            )
        return row


def _instances(family: HardFamily, trials: int) -> tuple[Frames, list[Symbols]]:
    """For each trial, Alice's private frame and the symbols that Bob should name."""
    given = [family.draw(trial) for trial in range(trials)]
    return [private.astype(SYMBOL_TYPE).tobytes() for private in given], [family.symbols_of(one) for one in given]


def _ledger(items: Mapping[str, int] | None, message: bytes) -> dict[str, int]:
    """The ledger of a message with its length prefix; without a writer's ledger, everything is payload.

    Contract: a ledger that does not add up to the bits of the message raises AccountingError.
    """
    booked = dict(items) if items is not None else {"payload": 8 * len(message)}
    if sum(booked.values()) != 8 * len(message) or any(bits < 0 for bits in booked.values()):
        raise AccountingError(
            f"the ledger of a state must add up to its {8 * len(message)} bits, got {sum(booked.values())}"
        )
    return booked | {"length_prefix": LENGTH_PREFIX_BITS}
