"""A game written down: Alice's symbols, her message and Bob's answers, compared with the floor of INDEX.

That the named cache wrote this message and gave these answers is not judged here: the game must be played again.
"""

from __future__ import annotations

import hashlib
import re
from fractions import Fraction
from typing import Any

from flint import arb

from lowerbound.kernel.codec import Rejected, fields, integer, rational, shown, typed
from lowerbound.kernel.rules.floor import ball, fano, require, working_precision
from lowerbound.kernel.verdict import Outcome, Verdict

MOST_SYMBOLS = 2**22
MOST_LEVELS = 2**20
MOST_PARTS = 16
PREFIX_BITS = 64
SLACK = Fraction(1, 10**6)
"""How much wider an interval of rates may be, on each side, than Clopper and Pearson's."""
MOST_PRECISION = 256
"""Tails of the binomial take minutes at thousands of bits, and none needs them."""


def check(claim: Any, payload: Any) -> Verdict:
    """Whether message and errors are as claimed, and the message has at least the floor's bits at such error rates.

    Contract: never VERIFIED, as whose message it is stays open; CONSISTENT only if five things hold. For every part, of
    `tokens` rows of `columns` symbols in [0, L), `answered` differs from `asked` in `errors` places. The message has
    message_bits - 64 bits. The seed of the instance opens the commitment. The rates [low, high] of each part contain
    every error rate that its number of errors does not refute at the confidence (Clopper and Pearson; the parts share
    the probability of a miss evenly), and no rates that are farther than SLACK from those. And floor_bits is at most
    message_bits, and the sum over parts of the least INDEX floor n (log2 L - H2(p) - p log2(L - 1)) at a rate p of the
    part, rounded down.
    """
    names = ("cache", "budget", "model", "setting", "tokens", "parts", "message_bits", "floor_bits", "confidence")
    cache, budget, model, setting, count, listed, bits, floor, level, bound = fields(
        claim, "the claim", *names, "instance_commitment"
    )
    game, family = fields(setting, "the setting", "game", "family")
    typed(game, str, "the game")
    typed(family, dict, "the family")
    for name, what in ((cache, "the cache"), (model, "the model")):
        if not 1 <= len(typed(name, str, what)) <= 200:
            raise Rejected(f"{what} must have a name of at most 200 characters")
    if budget is not None:
        rational(budget, "the budget")
    tokens = integer(count, "the tokens", 1, MOST_SYMBOLS)
    message_bits = integer(bits, "the message's bits", PREFIX_BITS, 2**40)
    floor_bits = integer(floor, "the floor's bits", 0, 2**50)
    confidence = rational(level, "the confidence")
    if not 0 < confidence < 1:
        raise Rejected(f"the confidence must lie in (0, 1), got {confidence}")
    precision, asked, answered, message, rates, seed = fields(
        payload, "the payload", "precision", "asked", "answered", "message", "rates", "instance_seed"
    )
    if not re.fullmatch("0x(?:0|[1-9a-f][0-9a-f]{0,63})", typed(seed, str, "the seed of the instance")):
        raise Rejected(f"the seed of the instance must be a number below 2^256 in hex, got {shown(seed)}")
    opened = hashlib.sha256(f"lowerbound instance {seed}".encode()).hexdigest()
    if bound != opened:
        raise Rejected(f"the seed of the instance opens the commitment {opened}, got {shown(bound)}")
    if not re.fullmatch("(?:[0-9a-f]{2})*", typed(message, str, "the message")):
        raise Rejected(f"the message must be bytes in hex, got {shown(message)}")
    if message_bits != 4 * len(message) + PREFIX_BITS:
        raise Rejected(f"the message has {4 * len(message)} bits and a prefix of {PREFIX_BITS}, not {message_bits}")
    if not 1 <= len(typed(listed, list, "the parts")) <= MOST_PARTS:
        raise Rejected(f"there must be 1 to {MOST_PARTS} parts, got {len(listed)}")
    for entries, what in ((asked, "the asked"), (answered, "the answered"), (rates, "the rates")):
        if len(typed(entries, list, what)) != len(listed):
            raise Rejected(f"{what} must have an entry for each of {len(listed)} parts, got {len(entries)}")
    integer(precision, "the precision", 53, MOST_PRECISION)
    n_digits = sum(len(typed(text, str, "the symbols")) for text in (*asked, *answered))
    if n_digits > MOST_SYMBOLS // 2:
        raise Rejected(f"all symbols must have at most {MOST_SYMBOLS // 2} hex digits, got {n_digits}")
    tail = (1 - confidence) / (2 * len(listed))
    with working_precision(precision):
        proved = arb(0)
        for part, given, heard, interval in zip(listed, asked, answered, rates, strict=True):
            proved += _part_floor(part, tokens, given, heard, interval, tail)
        if floor_bits:
            require(arb(floor_bits), proved, "the floor's bits are below the sum of the parts' floors")
        require(proved, arb(floor_bits + 1), "the floor's bits are the sum of the parts' floors, rounded down")
    if message_bits < floor_bits:
        raise Rejected(f"the message of {message_bits} bits lies under the floor of {floor_bits}")
    told = f"{message_bits} bits, and the floor at such errors is {floor_bits}"
    return Verdict(Outcome.CONSISTENT, f"what the file contains adds up: {told}; the game was not played again")


def _part_floor(part: Any, tokens: int, asked: Any, answered: Any, interval: Any, tail: Fraction) -> arb:
    """A lower bound on the floor of one part at every rate of its interval."""
    name, level_count, column_count, error_count = fields(part, "a part", "name", "levels", "columns", "errors")
    typed(name, str, "a part's name")
    levels = integer(level_count, "the levels", 2, MOST_LEVELS)
    columns = integer(column_count, "the columns", 1, MOST_SYMBOLS)
    n = tokens * columns
    if n > MOST_SYMBOLS:
        raise Rejected(f"a part must have at most {MOST_SYMBOLS} symbols, got {n}")
    errors = integer(error_count, "the errors", 0, n)
    pairs = zip(_symbols(asked, n, levels), _symbols(answered, n, levels), strict=True)
    wrong = sum(given != heard for given, heard in pairs)
    if wrong != errors:
        raise Rejected(f"Bob is wrong in {wrong} places, not in {errors}")
    if len(typed(interval, list, "an interval of rates")) != 2:
        raise Rejected(f"an interval of rates has two ends, got {shown(interval)}")
    low, high = (rational(end, "a rate") for end in interval)
    if not 0 <= low <= high <= 1 or (low > 0 and errors == 0) or (high < 1 and errors == n):
        raise Rejected(f"the rates must be an interval in [0, 1] that holds {errors}/{n}, got {shown(interval)}")
    if low > 0:
        require(_at_least(errors, n, low), ball(tail), "rates below the interval are refuted")
    if errors > 0 and low + SLACK < 1:
        require(ball(tail), _at_least(errors, n, low + SLACK), "the interval begins where rates are not refuted")
    if high < 1:
        require(1 - _at_least(errors + 1, n, high), ball(tail), "rates above the interval are refuted")
    if errors < n and high - SLACK > 0:
        require(ball(tail), 1 - _at_least(errors + 1, n, high - SLACK), "the interval ends where rates are not refuted")
    chance = Fraction(levels - 1, levels)
    if low <= chance <= high:
        return arb(0)
    return n * fano(levels, high if high < chance else low)


def _at_least(count: int, trials: int, rate: Fraction) -> arb:
    """P[Bin(trials, rate) >= count], count >= 1."""
    return ball(rate).beta_lower(arb(count), arb(trials - count + 1), regularized=1)


def _symbols(text: Any, n: int, levels: int) -> list[str]:
    """The n symbols that the hex digits spell, in order, each as a bit string of the length of the largest symbol."""
    width = (levels - 1).bit_length()
    digits = -(-n * width // 4)
    if type(text) is not str or not re.fullmatch("[0-9a-f]*", text) or len(text) != digits:
        raise Rejected(f"{n} symbols of {levels} levels must be {digits} hex digits, got {shown(text)}")
    spelt = format(int(text, 16), f"0{4 * digits}b")
    symbols = [spelt[k : k + width] for k in range(0, n * width, width)]
    if max(symbols) >= format(levels, f"0{width + 1}b")[1:] and levels != 1 << width:
        raise Rejected(f"a symbol must be below {levels}, got {int(max(symbols), 2)}")
    if "1" in spelt[n * width :]:
        raise Rejected("the last digit must be filled up with zeros")
    return symbols
