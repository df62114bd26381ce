"""Asking a cache one query in a fresh process, so that anybody can repeat what a recorded counterexample claims."""

from __future__ import annotations

from collections.abc import Sequence

from lowerbound.core.program import floats
from lowerbound.game.channel import Isolation, converse, module_path
from lowerbound.game.question import FloatArray, Terms, TokenRows, numbers_in
from lowerbound.game.reply import only


def heard(
    target: str,
    terms: Terms,
    tokens: TokenRows,
    query: FloatArray,
    *,
    isolation: Isolation,
    time_limit_s: float,
    hidden: Sequence[str] = (),
) -> FloatArray:
    """The answers of all heads of the cache "package.module:Class" to one query, shape (layers, heads, d).

    Contract: one separate process passes all scales through the cache's bytes and asks the query. It raises what
    `converse` raises, and CacheContractBroken for an answer of another size or of numbers that are not finite.
    """
    rows = (tokens.keys, tokens.values, tokens.queries, query)
    frames = converse(
        "answer",
        {"cache": target, "terms": terms.to_json()},
        [floats(part) for part in rows],
        isolation=isolation,
        time_limit_s=time_limit_s,
        search_path=module_path([target]),
        hidden=hidden,
        most_frames=1,
    )
    return numbers_in(only("answer", frames), (*terms.stack, terms.d))
