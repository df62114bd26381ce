"""The program of one party: Alice encodes the input of every trial, and Bob answers every message.

A job lists games. For each game it has the public configuration as JSON and the number of private frames that belong to
the game. Alice gets one private frame per trial, with symbols (model R1) or token ids (model R2); she replies with the
states of all scales and the ledgers of the BitWriters that wrote them. Bob gets one message per trial and replies with
one frame of symbols per trial: all symbols, or those at the positions that his job lists for the trial.

One more role, `describe`, reports the statements of a cache class about itself, so that foreign code never runs in the
judge's process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
import traceback
from dataclasses import asdict, replace
from fractions import Fraction
from importlib import import_module
from typing import Any

import numpy as np

from lowerbound.core.bits import EncodedState
from lowerbound.core.loading import load_cache
from lowerbound.errors import REPORTABLE, CacheContractBroken, LowerBoundError, TimeLimitExceeded
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.index import Symbols
from lowerbound.game.protocol import CacheProtocol, guarded
from lowerbound.game.reply import LONGEST_MESSAGE, LONGEST_TEXT, LONGEST_TRACEBACK
from lowerbound.game.wire import MOST_REPLY_BYTES, SYMBOL_TYPE, Frames, Role, read_frames, write_frames

ROLES: dict[bytes, Role] = {b"alice": "alice", b"bob": "bob", b"describe": "describe"}
FAMILIES = {
    "values": "reduction:Reduction",
    "keys and values": "payload_reduction:PayloadReduction",
    "frames": "frames_reduction:FramesReduction",
    "structured": "structured:StructuredReduction",
    "recorded": "recorded:RecordedReduction",
    "lattice keys": "lattice_pairs:LatticePairs",
}
"""The families of games by the names that jobs call them, in "module:Class"; a party imports the one that it plays."""
LIMITS = {
    resource.RLIMIT_FSIZE: MOST_REPLY_BYTES,
    resource.RLIMIT_NOFILE: 2**12,
    resource.RLIMIT_NPROC: 2**12,
    resource.RLIMIT_DATA: os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * 3 // 4,
    resource.RLIMIT_CORE: 0,
}
"""What a party may take: bytes of a file, open files, processes and threads of its user, bytes of memory of its own."""


def perform(role: Role, job: dict[str, Any], private: Frames) -> Frames:
    """The frames of the reply of one party.

    Contract: for each game of the job, in order, a JSON header and then the frames of the game's reply, as
    `reply.replies` reads them. An error of this package that a game raises is all that its header reports, no frame
    follows, and the next game is played. Who describes a class replies with one frame.
    """
    if role == "describe":
        return [_facts(job["cache"])]
    reply: Frames = []
    given = iter(private)
    for game in job["games"]:
        own = [next(given) for _ in range(game["n_frames"])]
        try:
            header, frames = _play(role, game, own)
        except TimeLimitExceeded:  # without isolation it is the judge's alarm that raises it
            raise
        except LowerBoundError as error:
            header, frames = {"failure": failure(error)}, []
        reply += [json.dumps(header).encode(), *frames]
    return reply


def _facts(target: str) -> bytes:
    found = load_cache(target)

    def told() -> bytes:
        facts = found.facts()
        return json.dumps(asdict(replace(facts, text=facts.text[:LONGEST_TEXT]))).encode()

    facts: bytes = guarded("its statements", told)
    return facts


def failure(error: LowerBoundError) -> dict[str, str]:
    """An error as JSON values, as it crosses to the judge's process: class, sentence and the end of its traceback.

    An error that no cache may raise is reported as CacheContractBroken.
    """
    told = "".join(traceback.format_exception(error))
    kind = next((each for each in type(error).__mro__ if each in REPORTABLE), CacheContractBroken)
    return {
        "kind": kind.__name__,
        "message": str(error)[:LONGEST_MESSAGE],
        "traceback": told[-LONGEST_TRACEBACK:],
    }


def family_of(game: str) -> type[HardFamily]:
    """The class of the games of this name."""
    module, _, name = FAMILIES[game].partition(":")
    found: type[HardFamily] = getattr(import_module(f"lowerbound.game.{module}"), name)
    return found


def _play(role: Role, game: dict[str, Any], private: Frames) -> tuple[dict[str, Any], Frames]:
    reduction = family_of(game["game"]).from_json(game["reduction"])
    cache_class = load_cache(game["cache"])
    public = reduction.public(Fraction(game["budget"]) if game["budget"] is not None else None)
    protocol = CacheProtocol(reduction, lambda: cache_class(public))
    start = time.perf_counter_ns()
    if role == "bob":
        asked = game.get("questions")
        questions = None if asked is None else [np.array(positions, dtype=np.int64) for positions in asked]
        answers = [symbols.astype(SYMBOL_TYPE).tobytes() for symbols in protocol.bobs(private, questions)]
        return {"nanoseconds": time.perf_counter_ns() - start}, answers
    trials = [
        protocol.states(reduction.symbols_of(_given(frame)), check_settled=number == 0)
        for number, frame in enumerate(private)
    ]
    longest = max((states[-1] for states in trials), key=len)
    claimed = protocol.claimed_ratio(longest)
    header = {
        "nanoseconds": time.perf_counter_ns() - start,
        "ledger": guarded("its ledger", lambda: _ledger(longest)),
        "claimed_ratio": None if claimed is None else str(claimed),
    }
    return header, [bytes(state) for states in trials for state in states]


def _given(frame: bytes) -> Symbols:
    return np.frombuffer(frame, dtype=SYMBOL_TYPE).astype(np.int64)


def _ledger(message: bytes) -> dict[str, int] | None:
    if not isinstance(message, EncodedState):
        return None
    return {str(item): int(bits) for item, bits in message.ledger.items()}


def keep_to_limits() -> None:
    """Take no more than LIMITS from now on, nor does any process that this one starts."""
    for kind, most in LIMITS.items():
        _, allowed = resource.getrlimit(kind)
        most = most if allowed == resource.RLIM_INFINITY else min(most, allowed)
        resource.setrlimit(kind, (most, most))


def main() -> None:
    """Read a job from standard input and write the reply to standard output. A cache's prints go to standard error."""
    keep_to_limits()
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    role, job, *private = read_frames(sys.stdin.buffer)
    try:
        frames = perform(ROLES[role], json.loads(job), private)
    except LowerBoundError as error:
        write_frames(reply, [json.dumps(failure(error)).encode()])
        return
    except MemoryError:
        exhausted = CacheContractBroken("the cache must fit in memory, and ran out of it")
        write_frames(reply, [json.dumps(failure(exhausted)).encode()])
        return
    write_frames(reply, [b"null", *frames])
