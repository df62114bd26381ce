"""Playing a cache on a hard family: one table row with its measured size and error, and the proved lower bound."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np

from lowerbound.core.bits import FP16_BITS, LENGTH_PREFIX_BITS, state_bits
from lowerbound.core.cache import CacheFacts
from lowerbound.core.loading import load_cache
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import Rational, counted, floor_float, rational
from lowerbound.core.statistics import CONFIDENCE, clopper_pearson
from lowerbound.core.time_limit import TIME_LIMIT_S, check_time_limit
from lowerbound.errors import AccountingError, CacheContractBroken, LowerBoundError, invalid
from lowerbound.game.channel import (
    OWN_CACHES,
    Isolation,
    converse,
    late,
    module_path,
    places_of,
    strongest,
)
from lowerbound.game.foreign_turn import foreign_turn
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.index import Symbols
from lowerbound.game.reply import Reply, only, replies, stated
from lowerbound.game.sample import Positions, Sample
from lowerbound.game.sandbox import forget_pages
from lowerbound.game.tally import Alphabet, Part, misread, sampled_tally
from lowerbound.game.verdict import enough_bits, verdict
from lowerbound.game.wire import SYMBOL_TYPE, Frames, Role

FP16_PAIR_BITS = 2 * FP16_BITS
"""The bits of one key entry and one value entry in fp16, which a plain cache stores for each value entry."""

MOST_ENTRIES = 2**26
"""The most value entries of all heads that a game has because a cache's class asks for a stack of them."""


@dataclass(frozen=True)
class Row:
    """The measured size and error of one cache on one hard family, with the proved lower bound (floor).

    All bits count all `heads` (of all `layers`) together. `state_bits` is the size of the longest message of any trial,
    and `peak_bits` that of the longest state at any scale. `floor_bits` is the sum of the lower bounds of the `parts`,
    whose error intervals all hold at `confidence`; in a game of frames, less what its words leave out. `ratio` is
    `state_bits / floor_bits`, or None if the lower bound is 0. Each trial has `symbols` symbols, and Bob is asked for
    `asked` of them: all, or a sample, whose `error` estimates that of all. `levels` is the number of levels of a value.
    `measured_ratio` is the compression ratio relative to fp16 keys and values. `claimed_ratio` is the ratio that the
    method itself would report for the longest message, or None if it reports none. `computation_model` is that of the
    family that was played, and so are `floor_bits` and `parts`. `verdict` says in words whether the cache kept its
    promise in this game, and `enough_bits` is what the cheapest cache with a proved error needs for the same promise,
    or None (`game.verdict`). `is_kv_cache` is False for codes and controls. `instance_commitment` was fixed before the
    game, and `instance_seed` opens it.
    """

    cache: str
    family: str
    is_kv_cache: bool
    budget: str | None
    geometry: str
    layers: int
    heads: int
    isolation: str
    computation_model: str
    trials: int
    seed: int
    instance_commitment: str
    instance_seed: str
    levels: int
    eta: float
    symbols: int
    asked: int
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
    enough_bits: int | None
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
    raises UnknownName or InvalidArgument, and statements that `reply.stated` does not allow CacheContractBroken.
    """
    if cache.startswith(OWN_CACHES):
        return load_cache(cache).facts()
    frames = converse(
        "describe",
        {"cache": cache},
        [],
        isolation=isolation,
        time_limit_s=time_limit_s,
        search_path=module_path([cache]),
        most_frames=1,
    )
    return stated(only("describe", frames))


@dataclass(frozen=True)
class Contender:
    """A cache that takes part: its target "package.module:Class", its nominal budget or None, and its name in rows.

    `facts` are the statements of its class, if somebody has asked for them (`describe`).
    """

    cache: str
    budget: Rational | None = None
    label: str | None = None
    facts: CacheFacts | None = None


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
    instances: PrivateSeed | None = None,
    sample: int | None = None,
    hidden: Sequence[str] = (),
) -> Row:
    """Play a cache on a hard family; the row has its measured size and error, and the proved lower bound (floor).

    Contract: Bob is asked for all symbols of `trials` independent instances, or a sample of them; memory is the length
    of the messages that reached Bob. It raises AccountingError if that is certainly below the lower bound at every
    error rate that the confidence interval allows (then information reached Bob in another way), CacheContractBroken or
    TimeLimitExceeded if the cache fails, and InvalidArgument for unusable arguments.

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
    sample : int or None
        How many symbols of each trial Bob is asked for (`Sample`); None means all.
    """
    (outcome,) = duels(
        reduction,
        [Contender(cache, budget, label)],
        trials=trials,
        isolation=isolation,
        time_limit_s=time_limit_s,
        confidence=confidence,
        instances=instances,
        sample=sample,
        hidden=hidden,
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
    instances: PrivateSeed | None = None,
    sample: int | None = None,
    hidden: Sequence[str] = (),
) -> list[Row | LowerBoundError]:
    """`duel` for several caches that share one process for Alice and one for Bob, so that slow libraries load once.

    Contract: for each entry, in order, the row that `duel` returns or the error that it raises; no entry costs another
    its row. Each party sees the inputs of all entries. So in a sandbox, if foreign code is among them, each entry has a
    pair of its own, one after the other. `time_limit_s` applies to each entry.
    """
    if isinstance(trials, bool) or not isinstance(trials, int) or trials < 1:
        raise invalid("trials", "be an integer >= 1", trials)
    check_time_limit(time_limit_s)
    level = strongest() if isolation is None else isolation
    if level is Isolation.SANDBOX and len(entries) > 1 and _foreign(entry.cache for entry in entries):
        own: dict[str, Any] = {
            "trials": trials,
            "isolation": level,
            "time_limit_s": time_limit_s,
            "confidence": confidence,
        }
        own |= {"instances": instances, "sample": sample, "hidden": hidden}
        return [outcome for entry in entries for outcome in duels(reduction, [entry], **own)]
    pairs = [(reduction, entry) for entry in entries]
    terms: dict[str, Any] = {
        "instances": instances,
        "sample": None if sample is None else Sample(sample),
        "hidden": hidden,
        "confidence": confidence,
    }
    return _played(pairs, trials, level, time_limit_s, bobs_apart=False, **terms)


def contest(
    games: Sequence[tuple[HardFamily, Contender]],
    *,
    isolation: Isolation | None = None,
    time_limit_s: float = TIME_LIMIT_S,
    confidence: Fraction = CONFIDENCE,
    instances: PrivateSeed | None = None,
) -> list[Row | LowerBoundError]:
    """Several games of one foreign code, with one process for Alice, so that a slow library loads less often.

    Contract: for each game, in order, the row that `duel` returns or the error that it raises. Every Bob has a process
    of his own and sees one message, so no message can carry symbols of another game to him.
    """
    check_time_limit(time_limit_s)
    level = strongest() if isolation is None else isolation
    terms: dict[str, Any] = {"instances": instances, "sample": None, "hidden": (), "confidence": confidence}
    return _played(games, 1, level, time_limit_s, bobs_apart=True, **terms)


def _played(
    pairs: Sequence[tuple[HardFamily, Contender]],
    trials: int,
    level: Isolation,
    time_limit_s: float,
    *,
    bobs_apart: bool,
    instances: PrivateSeed | None,
    sample: Sample | None,
    hidden: Sequence[str],
    confidence: Fraction,
) -> list[Row | LowerBoundError]:
    """The row or the error of every game; one process for all Alices, and one for all Bobs or one for each."""
    outcomes: dict[int, Row | LowerBoundError] = {}
    games: dict[int, _Game] = {}
    for number, (family, entry) in enumerate(pairs):
        try:
            games[number] = _prepare(family, entry, trials, level, time_limit_s, instances, sample)
        except LowerBoundError as error:
            outcomes[number] = error
    path = module_path(game.entry.cache for game in games.values())
    terms = {"isolation": level, "time_limit_s": time_limit_s, "search_path": path, "hidden": hidden}
    with _apart(games.values(), path, level) as between:
        private = {number: game.private for number, game in games.items()}
        alices = _conversation("alice", games, private, terms, outcomes)
        messages = {number: games[number].messages(alice) for number, alice in alices.items()}
        bobs: dict[int, Reply] = {}
        for some in [{number: own} for number, own in messages.items()] if bobs_apart else [messages]:
            between()
            bobs |= _conversation("bob", games, some, terms, outcomes)
    for number, bob in bobs.items():
        try:
            outcomes[number] = games[number].row(alices[number], bob, level=level, confidence=confidence)
        except LowerBoundError as error:
            outcomes[number] = error
    return [outcomes[number] for number in range(len(pairs))]


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
    instances: PrivateSeed | None = None,
) -> PlayedGame:
    """`duel` for one trial, with Alice's symbols, Bob's answers and the message in addition to the row.

    Contract: the row and every error are those of `duel` with one trial.
    """
    level = strongest() if isolation is None else isolation
    game = _prepare(reduction, entry, 1, level, time_limit_s, instances)
    path = module_path([entry.cache])
    terms: dict[str, Any] = {"isolation": level, "time_limit_s": time_limit_s, "search_path": path}
    failed: dict[int, LowerBoundError] = {}
    with _apart([game], path, level) as between:
        alice = _conversation("alice", {0: game}, {0: game.private}, terms, failed)
        between()
        messages = {number: game.messages(reply) for number, reply in alice.items()}
        bob = _conversation("bob", {0: game}, messages, terms, failed)
    if failed:
        raise failed[0]
    row = game.row(alice[0], bob[0], level=level, confidence=CONFIDENCE)
    (asked,) = game.symbols
    (message,) = messages[0]
    answered = np.frombuffer(bob[0].frames[0], dtype=SYMBOL_TYPE).astype(np.int64).reshape(asked.shape)
    return PlayedGame(row, game.played, tuple(game.played.alphabets), asked, answered, bytes(message))


def _foreign(caches: Iterable[str]) -> list[str]:
    return [cache for cache in caches if not cache.startswith(OWN_CACHES)]


@contextmanager
def _apart(games: Iterable[_Game], path: Sequence[str], level: Isolation) -> Iterator[Callable[[], None]]:
    """A context for one pair of parties; what it gives is called between them.

    With foreign code in a sandbox, no other such pair is alive, and Bob finds no file in memory that Alice read.
    """
    foreign = _foreign(game.entry.cache for game in games)
    if level is not Isolation.SANDBOX or not foreign:
        yield lambda: None
        return
    with foreign_turn():
        yield partial(forget_pages, [*path, *places_of(foreign)])


def _conversation(
    role: Role,
    games: Mapping[int, _Game],
    private: Mapping[int, Frames],
    terms: Mapping[str, Any],
    failed: dict[int, Any],
) -> dict[int, Reply]:
    """The replies of one party for those of the games that have private frames, by number; errors go to `failed`.

    Contract: a process that dies, runs late or breaks the protocol costs no other game its reply: each game of the job
    is then given to a process of its own. The time limit in `terms` applies to each game.
    """
    if not private:
        return {}
    limit_s = terms["time_limit_s"]
    job = {"games": [{**games[number].job(role), "n_frames": len(frames)} for number, frames in private.items()]}
    given = [frame for frames in private.values() for frame in frames]
    counts = [games[number].n_frames(role) for number in private]
    start = time.perf_counter()
    try:
        frames = converse(
            role,
            job,
            given,
            **{**terms, "time_limit_s": limit_s * len(private)},
            most_frames=len(counts) + sum(counts),
        )
        told = replies(role, frames, counts, time.perf_counter() - start)
    except LowerBoundError as error:
        if len(private) == 1:
            failed |= dict.fromkeys(private, error)
            return {}
        alone = (_conversation(role, games, {number: own}, terms, failed) for number, own in private.items())
        return {number: reply for found in alone for number, reply in found.items()}
    found: dict[int, Reply] = {}
    for number, reply in zip(private, told, strict=True):
        if isinstance(reply, LowerBoundError):
            failed[number] = reply
        elif reply.seconds > limit_s:
            failed[number] = late(role, limit_s)
        else:
            found[number] = reply
    return found


def _prepare(
    reduction: HardFamily,
    entry: Contender,
    trials: int,
    level: Isolation,
    time_limit_s: float,
    instances: PrivateSeed | None,
    sample: Sample | None = None,
) -> _Game:
    facts = entry.facts or describe(entry.cache, level, time_limit_s)
    budget = None if entry.budget is None else reduction.public(rational(entry.budget, name="budget")).budget
    played = reduction
    if reduction.geometry.stack is None and facts.stack is not None:
        _check_stack(reduction, facts.stack)
        played = reduction.stacked(facts.stack)
    if facts.computation_model == "R2":
        played = played.in_model_r2()
    seed = PrivateSeed.fresh() if instances is None else instances
    questions = None if sample is None else [played.questions(sample, seed, trial) for trial in range(trials)]
    private, symbols = _instances(played, seed, trials)
    return _Game(entry, facts, played, budget if facts.budget_meaning else None, private, symbols, questions, seed)


def _check_stack(reduction: HardFamily, stack: tuple[int, int]) -> None:
    """Raise CacheContractBroken, before anything is drawn, if a class asks for a stack that is too large to play."""
    layers, heads = stack
    entries = layers * heads * reduction.n_entries
    if entries > MOST_ENTRIES:
        raise CacheContractBroken(
            f"the cache must ask for a stack with at most {MOST_ENTRIES} value entries in all, got "
            f"{counted(layers, 'layer')} x {counted(heads, 'head')} of {reduction.n_entries} entries each; --layers "
            "and --heads set the stack instead"
        )


@dataclass(frozen=True)
class _Game:
    """One cache on one hard family: the inputs of its parties, and the evaluation of their replies."""

    entry: Contender
    facts: CacheFacts
    played: HardFamily
    budget: Fraction | None
    private: Frames
    symbols: list[Symbols]
    questions: list[Positions] | None
    instances: PrivateSeed

    def job(self, role: Role) -> dict[str, Any]:
        """The public configuration of the game, as JSON values, and for Bob alone the questions of a sample."""
        public = {
            "game": self.played.game,
            "reduction": self.played.to_json(),
            "cache": self.entry.cache,
            "budget": None if self.budget is None else str(self.budget),
        }
        if role != "bob" or self.questions is None:
            return public
        return public | {"questions": [positions.tolist() for positions in self.questions]}

    @property
    def n_scales(self) -> int:
        """The number of cached scales, which is the number of states per trial."""
        return self.played.schedule.n_scales - 1

    def n_frames(self, role: Role) -> int:
        """The number of frames of a party's reply: all states of Alice's trials, or Bob's answers."""
        return len(self.symbols) * (self.n_scales if role == "alice" else 1)

    def messages(self, alice: Reply) -> Frames:
        """The messages to Bob: the last state of each trial."""
        return alice.frames[self.n_scales - 1 :: self.n_scales]

    @property
    def asked(self) -> list[Symbols]:
        """For each trial, the symbols that Bob should name: all, or those of the sample's positions."""
        if self.questions is None:
            return self.symbols
        return [own.reshape(-1)[some] for own, some in zip(self.symbols, self.questions, strict=True)]

    def row(self, alice: Reply, bob: Reply, *, level: Isolation, confidence: Fraction) -> Row:
        """The table row of this game; AccountingError if the measured size is below the lower bound (floor)."""
        played, facts, states, messages = self.played, self.facts, alice.frames, self.messages(alice)
        n_symbols, trials = played.n_symbols, len(self.symbols)
        wrong = misread(self.asked, bob.frames)
        n_asked, errors = sum(part.size for part in wrong), int(sum(part.sum() for part in wrong))
        low, high = clopper_pearson(errors, n_asked, confidence=confidence)
        if self.questions is None:
            parts, proved = played.tally(wrong, confidence)
        else:
            (alphabet,) = played.alphabets
            part, proved = sampled_tally(alphabet, n_symbols, wrong, confidence)
            parts = [part]
        longest = max(range(trials), key=lambda trial: len(messages[trial]))
        used, enough = state_bits(messages[longest]), enough_bits(played)
        row = Row(
            cache=self.entry.label or self.entry.cache,
            family=facts.family,
            is_kv_cache=facts.is_kv_cache,
            budget=facts.default_budget if self.budget is None else str(self.budget),
            geometry=played.geometry.name,
            layers=played.stack[0],
            heads=played.n_heads,
            isolation=str(level),
            computation_model=played.computation_model,
            trials=trials,
            seed=played.seed,
            instance_commitment=self.instances.commitment,
            instance_seed=self.instances.opening,
            levels=played.grid.n_levels,
            eta=float(played.grid.eta),
            symbols=n_symbols,
            asked=n_asked // trials,
            state_bits=used,
            peak_bits=max(map(state_bits, states)),
            scale_bits=[max(map(state_bits, states[scale :: self.n_scales])) for scale in range(self.n_scales)],
            bits_per_symbol=used / n_symbols,
            errors=errors,
            error=errors / n_asked,
            error_low=float(low),
            error_high=float(high),
            confidence=float(confidence),
            floor_bits=floor_float(proved),
            ratio=float(used / proved) if proved else None,
            measured_ratio=FP16_PAIR_BITS * played.n_entries / used,
            claimed_ratio=None if alice.claimed_ratio is None else float(alice.claimed_ratio),
            enough_bits=enough,
            verdict=verdict(played, parts, used, enough, None if self.questions is None else n_asked // trials),
            parts=parts,
            ledger=_ledger(alice.ledger, messages[longest]),
            alice_seconds=alice.seconds,
            bob_seconds=bob.seconds,
        )
        if used < proved:
            raise AccountingError(
                f"{row.cache} at isolation {level} sent {used} bits for {n_symbols} symbols with error at most "
                f"{row.error_high:.4g}, under the proved floor of {row.floor_bits:.1f} bits: information reached Bob "
                "outside the counted bytes, and this row is not a result"
            )
        return row


def _instances(family: HardFamily, instances: PrivateSeed, trials: int) -> tuple[Frames, list[Symbols]]:
    """For each trial, Alice's private frame and the symbols that Bob should name."""
    given = [family.draw(instances, trial) for trial in range(trials)]
    return [private.astype(SYMBOL_TYPE).tobytes() for private in given], [family.symbols_of(one) for one in given]


def _ledger(items: Mapping[str, int] | None, message: bytes) -> dict[str, int]:
    """The ledger of a message with its length prefix; without a writer's ledger, everything is payload.

    Contract: a ledger that does not add up to the bits of the message raises CacheContractBroken: unlike a size under
    the floor, it says nothing about other rows.
    """
    booked = dict(items) if items is not None else {"payload": 8 * len(message)}
    if sum(booked.values()) != 8 * len(message):
        raise CacheContractBroken(
            f"the ledger of a state must add up to its {8 * len(message)} bits, got {sum(booked.values())}"
        )
    return booked | {"length_prefix": LENGTH_PREFIX_BITS}
