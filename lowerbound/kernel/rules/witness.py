"""Broken guarantees: a token sequence, a query, and an answer that is certainly too far from exact attention.

The judge computes attention itself, in Arb balls, from the rational numbers of the certificate. That the named cache
gives this answer is not judged here: anyone can run it on these tokens.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.rules.floor import ball, working_precision
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_SCALES = 64
MOST_SIDE = 4096
MOST_DIMENSIONS = 1024
MOST_HEADS = 4096
MOST_NUMBERS = 2**25
MOST_BIT_OPERATIONS = 2**28
BITS_AT_ONCE = 128  # what an operation costs beyond its precision
LONGEST_NAME = 400
MOST_SEED = 2**63

Rows = list[list[Fraction]]


def _tokens_of(shapes: Any, context: Any) -> list[int]:
    """The number of tokens at each scale; context tokens are counted with the first map."""
    if not 2 <= len(typed(shapes, list, "the shapes")) <= MOST_SCALES:
        raise Rejected(f"there must be between 2 and {MOST_SCALES} shapes, got {len(shapes)}")
    counts = []
    for shape in shapes:
        if len(typed(shape, list, "a shape")) not in (2, 3):
            raise Rejected(f"a shape must have two or three sides, got {shown(shape)}")
        counts.append(prod(integer(side, "a side", 1, MOST_SIDE) for side in shape))
    counts[0] += integer(context, "the context", 0, MOST_SIDE)
    return counts


def _name(value: Any, what: str) -> None:
    if not 1 <= len(typed(value, str, what)) <= LONGEST_NAME:
        raise Rejected(f"{what} must have between 1 and {LONGEST_NAME} characters, got {shown(value)}")


def _squared_factor(rule: Any) -> tuple[bool, Fraction]:
    """Whether rows are divided by their norms, and the square of the factor that multiplies inner products."""
    name = typed(rule, dict, "the rule").get("name")
    if name == "l2norm":
        multiplier = rational(fields(rule, "the rule", "name", "multiplier")[1], "the multiplier")
        if not 0 < multiplier <= 100:
            raise Rejected(f"the multiplier must lie in (0, 100], got {shown(str(multiplier))}")
        return True, multiplier**2
    if name == "scaled":
        square = rational(fields(rule, "the rule", "name", "squared_scale")[1], "the squared scale")
        if square <= 0:
            raise Rejected(f"the squared scale must be positive, got {shown(str(square))}")
        return False, square
    raise Rejected(f"the rule must be 'l2norm' or 'scaled', got {shown(name)}")


def _row(value: Any, d: int, what: str) -> list[Fraction]:
    if len(typed(value, list, what)) != d:
        raise Rejected(f"{what} must have {d} entries, got {len(value)}")
    return [rational(entry, f"an entry of {what}") for entry in value]


def _rows(value: Any, counts: list[int], d: int, what: str) -> Rows:
    """One row per token, given scale by scale; a scale that lists fewer rows than tokens repeats its last row."""
    if len(typed(value, list, what)) != len(counts):
        raise Rejected(f"{what} must be given for {len(counts)} scales, got {len(value)}")
    rows: Rows = []
    for scale, count in zip(value, counts, strict=True):
        if not 1 <= len(typed(scale, list, f"a scale of {what}")) <= count:
            raise Rejected(f"a scale of {what} must have between 1 and {count} rows, got {len(scale)}")
        given = [_row(row, d, f"a row of {what}") for row in scale]
        rows += given + [given[-1]] * (count - len(given))
    return rows


def _direction(row: list[Fraction], normalised: bool) -> list[arb]:
    """The row, or the row over its norm; a zero row stays zero."""
    balls = [ball(x) for x in row]  # exact squares of numbers of many digits would add up to ever more digits
    norm = sum((x * x for x in balls), arb(0)).sqrt() if normalised and any(row) else arb(1)
    return [x / norm for x in balls]


def _attention(rule: tuple[bool, Fraction], query: list[Fraction], keys: Rows, column: list[Fraction]) -> arb:
    normalised, square = rule
    factor, asked = ball(square).sqrt(), _direction(query, normalised)
    total = weighted = weight = arb(0)
    last = None
    for key, value in zip(keys, column, strict=True):
        if key is not last:
            entries = zip(asked, _direction(key, normalised), strict=True)
            weight, last = (factor * sum((a * b for a, b in entries), arb(0))).exp(), key
        total, weighted = total + weight, weighted + weight * ball(value)
    return weighted / total


def _rounding(rule: tuple[bool, Fraction], query: list[Fraction], keys: Rows) -> arb:
    """More than float64 attention over n tokens in R^d can err by: 2^-45 (n + 4 (d + 8) (1 + the largest logit))."""
    normalised, square = rule
    sizes = [arb(1)]
    if not normalised:
        asked = [abs(ball(x)) for x in query]
        for key in {id(key): key for key in keys}.values():
            sizes.append(sum((a * abs(ball(b)) for a, b in zip(asked, key, strict=True)), arb(0)))
    largest = ball(square).sqrt() * max(size.abs_upper() for size in sizes)
    return (len(keys) + 4 * (len(query) + 8) * (1 + largest)) / arb(2) ** 45


def check(claim: Any, payload: Any) -> Verdict:
    """Whether the answer is certainly farther from attention than the guarantee allows, for values in [0, 1].

    Contract: VERIFIED only if |answer - exact| > eta (additive), or > eta exact (relative), and more than float64 may
    lose, which no promise of eta = 0 excludes. Exact is coordinate c of softmax attention of the query over all tokens:
    logit = scale <q, k>, or multiplier times the cosine (a zero row has logit 0). REJECTED if it certainly is not,
    UNDECIDED if balls overlap at this precision.
    Cache, budget, keys, network, seed, layers and heads say whose answer it is; only their form is checked here.
    """
    guarantee, eta_text, rule, d, shapes, context, cache, budget, keys_name, network, seed, layers, heads = fields(
        claim,
        "the claim",
        *("guarantee", "eta", "rule", "d", "shapes", "context", "cache", "budget", "keys", "network", "seed"),
        *("layers", "heads"),
    )
    if guarantee not in ("additive", "relative"):
        raise Rejected(f"the guarantee must be 'additive' or 'relative', got {shown(guarantee)}")
    eta = rational(eta_text, "eta")
    if not 0 <= eta < 1:
        raise Rejected(f"eta must lie in [0, 1), got {shown(eta_text)}")
    dimension, counts = integer(d, "d", 1, MOST_DIMENSIONS), _tokens_of(shapes, context)
    how = _squared_factor(rule)
    _name(cache, "the cache")
    if budget is not None and not 0 < rational(budget, "the budget") <= 1:
        raise Rejected(f"the budget must lie in (0, 1], got {shown(budget)}")
    if keys_name is not None:
        _name(keys_name, "the family of keys")
    typed(network, bool, "the network")
    integer(seed, "the seed", 0, MOST_SEED)
    n_layers, n_heads = integer(layers, "the layers", 1, MOST_HEADS), integer(heads, "the heads", 1, MOST_HEADS)
    if n_layers * n_heads > MOST_HEADS:
        raise Rejected(f"there must be at most {MOST_HEADS} heads in all layers, got {n_layers * n_heads}")
    names = ("precision", "keys", "values", "queries", "query", "layer", "head", "coordinate", "answer")
    precision, keys, values, queries, query, layer, head, coordinate, answer = fields(payload, "the payload", *names)
    bits = integer(precision, "the precision", 53, 4096)
    if 3 * sum(counts) * dimension > MOST_NUMBERS:
        raise Rejected(f"the tokens exceed the limit of {MOST_NUMBERS} numbers")
    n_listed = sum(len(scale) for scale in typed(keys, list, "the keys") if isinstance(scale, list))
    if (n_listed * dimension + 4 * sum(counts)) * (bits + BITS_AT_ONCE) > MOST_BIT_OPERATIONS:
        raise Rejected(f"the evaluation exceeds the limit of {MOST_BIT_OPERATIONS} bit operations")
    key_rows, value_rows = _rows(keys, counts, dimension, "the keys"), _rows(values, counts, dimension, "the values")
    _rows(queries, counts, dimension, "the queries")
    asked = _row(query, dimension, "the query")
    integer(layer, "the layer", 0, n_layers - 1)
    integer(head, "the head", 0, n_heads - 1)
    place = integer(coordinate, "the coordinate", 0, dimension - 1)
    column = [row[place] for row in value_rows]
    if not all(0 <= value <= 1 for row in {id(row): row for row in value_rows}.values() for value in row):
        raise Rejected("values must lie in [0, 1]")
    given = rational(answer, "the answer")

    with working_precision(bits):
        exact, rounding = _attention(how, asked, key_rows, column), _rounding(how, asked, key_rows)
        error = abs(ball(given) - exact)
        limit = (ball(eta) * exact if guarantee == "relative" else ball(eta)).max(rounding)
        too_far, near = error > limit, error <= limit
    what = f"{guarantee} eta {eta}"
    if too_far:
        return Verdict(Outcome.VERIFIED, f"over {sum(counts)} tokens the answer is certainly outside {what}")
    if near:
        raise Rejected(f"the answer certainly keeps {what}")
    return Verdict(Outcome.UNDECIDED, f"at {bits} bits the answer is not certainly outside {what}, nor within")
