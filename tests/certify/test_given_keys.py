"""Floors on given keys: verified, never more than the readable tokens can carry, and called by their keys alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lowerbound.certify.check import check
from lowerbound.certify.given_keys import asked_of, certified_on
from lowerbound.certify.sealed import sealed
from lowerbound.certify.theorems import ON_GIVEN_KEYS, THEOREMS
from lowerbound.core.keys.recorded import exact_keys, own_weights
from lowerbound.errors import ImpossibleReduction, InvalidArgument
from lowerbound.game.recorded import plan_recorded
from lowerbound.kernel.rules import values
from lowerbound.kernel.verdict import Outcome
from tests.game.test_recorded import HEAD, KEYS, ROWS

FOUND: Any = certified_on(KEYS, HEAD, eta="0.01")


def most_bits(eta: float, multiplier: float) -> float:
    """The most that any choice of asked tokens proves at delta = 0, in plain floats."""
    taus = np.sort(1 - own_weights(ROWS, HEAD.n_tokens_cached, multiplier))
    levels = np.floor(1 / (2 * (eta + taus))) + 1
    return float((np.arange(1, len(taus) + 1) * HEAD.d * np.log2(levels)).max())


@pytest.mark.parametrize(("eta", "multiplier"), [("0.01", 100), ("0.001", 100), ("0.1", 60), ("0.01", 40), ("0", 100)])
def test_the_floor_is_the_best_choice_of_tokens(eta: str, multiplier: int) -> None:
    """Differential: the certified bits are the most of all choices, up to one for rounding down and one for balls."""
    found = certified_on(KEYS, HEAD, eta=eta, multiplier=multiplier)
    assert found is not None
    assert most_bits(float(eta), multiplier) - 2 <= found.bits <= most_bits(float(eta), multiplier) + 1e-6


@pytest.mark.parametrize("delta", ["0", "1/100", "1/5"])
def test_no_more_than_symbols_carry(delta: str) -> None:
    """Law: n readable tokens, d values and L levels carry n d log2 L bits, and these tokens can be read in the game."""
    found = certified_on(KEYS, HEAD, eta="0.01", delta=delta)
    assert found is not None
    asked, levels = asked_of(found)
    assert found.bits <= asked * HEAD.d * np.log2(levels)
    plan = plan_recorded(HEAD, KEYS, n_levels=levels)
    assert set(found.sealed.certificate["payload"]["asked"]) == set(plan.readable)


def test_flatter_queries_prove_less() -> None:
    """Law: a smaller lambda, a larger eta and a larger delta never prove more; at lambda 1 nothing can be read."""
    bits = [certified_on(KEYS, HEAD, eta="0.01", multiplier=m) for m in (100, 50, 25)]
    assert [one.bits for one in bits if one] == sorted((one.bits for one in bits if one), reverse=True)
    errors = [certified_on(KEYS, HEAD, eta=e, delta=f) for e, f in (("0.001", "0"), ("0.01", "0"), ("0.01", "0.1"))]
    assert [one.bits for one in errors if one] == sorted((one.bits for one in errors if one), reverse=True)
    assert certified_on(KEYS, HEAD, eta="0.01", multiplier=1) is None
    assert certified_on(KEYS, HEAD, eta="0.01", delta="1/2") is None


def test_its_document_is_checked() -> None:
    """Definition: `check` verifies the document, and tells its theorem, its bits and its lemma."""
    found = check(FOUND.document())
    assert found.verdict.outcome is Outcome.VERIFIED
    assert (found.bits, found.lemmas) == (FOUND.bits, ON_GIVEN_KEYS.lemmas)
    assert ON_GIVEN_KEYS.lemmas == values.GIVEN_LEMMAS[ON_GIVEN_KEYS.name]
    assert ON_GIVEN_KEYS.name not in THEOREMS


@pytest.mark.parametrize("name", ["given keys 0000000000000000", "given keys", "var-d16", "own head in R^8 at 14"])
def test_other_names_are_not(name: str) -> None:
    """Forgery: the claim renamed, with digests made anew."""
    assert FOUND.claim["model"] == f"given keys {FOUND.claim['keys'][:16]}"
    forged = sealed("forged", ON_GIVEN_KEYS.rule, {**FOUND.claim, "model": name}, FOUND.sealed.certificate["payload"])
    assert forged.is_verified
    assert check(forged.document()).verdict.outcome is Outcome.REJECTED


def test_keys_are_those_of_the_claim() -> None:
    """Forgery: the certificate of other keys, however near, does not prove a claim about these."""
    rows = ROWS.copy()
    rows[0, 0] = np.nextafter(rows[0, 0], 1)
    other = certified_on(exact_keys(rows), HEAD, eta="0.01")
    assert other is not None
    assert other.bits == FOUND.bits
    forged = sealed("forged", ON_GIVEN_KEYS.rule, FOUND.claim, other.sealed.certificate["payload"])
    assert forged.verdict.outcome is Outcome.REJECTED
    assert "digest" in forged.verdict.reason


def test_what_has_no_floor_is_refused() -> None:
    """Bad input: another rule, keys of another head, a multiplier over the cap, errors out of range."""
    with pytest.raises(ImpossibleReduction, match="l2norm"):
        certified_on(KEYS, replace(HEAD, rule_name="1/sqrt(d)"), eta="0.01")
    with pytest.raises(InvalidArgument, match="keys must have shape"):
        certified_on(exact_keys(ROWS[1:]), HEAD, eta="0.01")
    for multiplier in (101, 0):
        with pytest.raises(InvalidArgument, match="lambda must lie"):
            certified_on(KEYS, HEAD, eta="0.01", multiplier=multiplier)
    with pytest.raises(InvalidArgument, match="eta must lie"):
        certified_on(KEYS, HEAD, eta="1")


def test_two_cached_tokens_are_the_least() -> None:
    """Definition: one cached token has no floor of its own, in this theorem as in all others."""
    small = replace(HEAD, schedule=type(HEAD.schedule).square([1, 2]))
    assert certified_on(exact_keys(ROWS[:5]), small, eta="0.01") is None
