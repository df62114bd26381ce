"""What runs on either side of the wall: Alice encodes every trial, Bob answers every message.

A job is the public configuration as JSON. Alice's private input is one frame of symbols (model R1) or token ids
(model R2) a trial; her reply is the states of every scale, with the ledgers of their writers. Bob's private input is
one message a trial; his reply is one frame of symbols a trial. A third role, `describe`, only says what a cache class
states about itself, so that foreign code never runs in the judge's own process.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.core.bits import EncodedState
from lowerbound.core.cache import load_cache
from lowerbound.errors import LowerBoundError
from lowerbound.game.index import Symbols
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import Reduction
from lowerbound.game.wire import Frames, Role, read_frames, write_frames

ROLES: dict[bytes, Role] = {b"alice": "alice", b"bob": "bob", b"describe": "describe"}
SYMBOL_TYPE = np.dtype("<u8")
LARGEST_REPLY_BYTES = 2**33


def perform(role: Role, job: dict[str, Any], private: Frames) -> Frames:
    """The reply of one party: a header, then the frames that the other side is owed."""
    if role == "describe":
        return [json.dumps(asdict(load_cache(job["cache"]).facts())).encode()]
    reduction = Reduction.from_json(job["reduction"])
    cache_class = load_cache(job["cache"])
    public = reduction.public(Fraction(job["budget"]) if job["budget"] is not None else None)
    protocol = CacheProtocol(reduction, lambda: cache_class(public))
    start = time.perf_counter()
    if role == "alice":
        trials = [
            protocol.states(_symbols(reduction, frame), check_settled=number == 0)
            for number, frame in enumerate(private)
        ]
        claimed = protocol.new_cache().claimed_ratio
        header = {
            "seconds": time.perf_counter() - start,
            "ledgers": [_ledger(states[-1]) for states in trials],
            "claimed_ratio": None if claimed is None else str(claimed),
        }
        return [json.dumps(header).encode(), *(bytes(state) for states in trials for state in states)]
    answers = [protocol.bob(message) for message in private]
    header = {"seconds": time.perf_counter() - start}
    return [json.dumps(header).encode(), *(answer.astype(SYMBOL_TYPE).tobytes() for answer in answers)]


def _symbols(reduction: Reduction, frame: bytes) -> Symbols:
    given = np.frombuffer(frame, dtype=SYMBOL_TYPE).astype(np.int64)
    if reduction.network is not None:
        return reduction.network.symbols(given)
    return given.reshape(reduction.shape)


def _ledger(message: bytes) -> dict[str, int] | None:
    if not isinstance(message, EncodedState):
        return None
    return {str(item): int(bits) for item, bits in message.ledger.items()}


def main() -> None:
    """Read a question from standard input and reply on standard output; a cache's prints go to standard error."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_REPLY_BYTES, LARGEST_REPLY_BYTES))
    reply = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    role, job, *private = read_frames(sys.stdin.buffer)
    try:
        frames = perform(ROLES[role], json.loads(job), private)
    except LowerBoundError as error:
        failure = {"kind": type(error).__name__, "message": str(error)}
        write_frames(reply, [json.dumps(failure).encode()])
        return
    except MemoryError:
        failure = {
            "kind": "CacheContractBroken",
            "message": "the cache must fit in memory, and ran out of it",
        }
        write_frames(reply, [json.dumps(failure).encode()])
        return
    write_frames(reply, [b"null", *frames])
