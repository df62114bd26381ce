"""Asking a cache one query in a fresh process, so that anybody can repeat what a recorded counterexample claims."""

from __future__ import annotations

import numpy as np

from lowerbound.errors import CacheContractBroken
from lowerbound.game.channel import Isolation, converse
from lowerbound.game.duel import module_path
from lowerbound.game.question import FloatArray, Terms, TokenRows
from lowerbound.game.reply import only


def heard(
    target: str, terms: Terms, tokens: TokenRows, query: FloatArray, *, isolation: Isolation, time_limit_s: float
) -> FloatArray:
    """The answers of all heads of the cache "package.module:Class" to one query, shape (layers, heads, d).

    Contract: one separate process passes all scales through the cache's bytes and asks the query. It raises what
    `converse` raises, and CacheContractBroken for an answer of another size, or with NaN or infinity.
    """
    rows = (tokens.keys, tokens.values, tokens.queries, query)
    frames = converse(
        "answer",
        {"cache": target, "terms": terms.to_json()},
        [np.ascontiguousarray(part, dtype="<f8").tobytes() for part in rows],
        isolation=isolation,
        time_limit_s=time_limit_s,
        search_path=module_path(),
        most_frames=1,
    )
    reply = only("answer", frames)
    shape = *terms.stack, terms.d
    if len(reply) != 8 * int(np.prod(shape)):
        raise CacheContractBroken(f"an answer must have {np.prod(shape)} numbers, got {len(reply)} bytes")
    answers = np.frombuffer(reply, dtype="<f8").astype(np.float64).reshape(shape)
    if not np.isfinite(answers).all():
        raise CacheContractBroken("an answer must have finite numbers, got NaN or infinity")
    return answers
