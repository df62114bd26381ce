"""Each certificate cites the lemma whose hypotheses its rule checks, and the book asks Coq for all of them."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from types import ModuleType

import pytest

from lowerbound.certify.theorems import CITED, ON_GIVEN_KEYS, OTHER_MODELS, THEOREMS
from lowerbound.kernel.rules import clique, collision, fibre, frames, lattice_clique, payload, replay, strips, values
from lowerbound.prove.lemma import ByCoq, Lemma
from proofs import LEMMAS
from tests.kernel.examples import VERIFIED, ask
from tests.kernel.floors import FLOORS

ENTRIES: dict[str, Lemma] = {lemma.id: lemma for lemma in LEMMAS}
RULES: dict[str, ModuleType] = {
    "A": values,
    "B": values,
    "C": payload,
    "C'": payload,
    "F": frames,
    "F'": frames,
    "G": strips,
    "E1": lattice_clique,
    "D": collision,
    "E": clique,
}

CONDITIONS = {
    "A": ("(1 + eta) * tau < 1 - eta",),
    "B": ("2 * (eta + tau) * (INR L - 1) < 1",),
    "C": (
        "2 * (eta + tauV) * (INR LV - 1) < 1",
        "(2 * eta + tau) * (INR LK - 1) < logistic c - logistic (- c)",
        "ln (N Own) <= c * sqrt (N Pay)",
    ),
    "C'": (
        "(2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau)) * (INR LK - 1) < 2 * c",
        "c + ln (N Own) <= c * sqrt (N Pay)",
    ),
    "F": (
        "N Pay * m + sqrt (z * (N Pay * (h ^ 4 * (INR L ^ 2 - 1) * (INR L ^ 2 - 4) / 180))) <= 1 - c0 ^ 2",
        "2 * ln ((1 + 2 * eta) / (1 - 2 * eta)) + ln (1 + tau) < lam * sn * h",
        "2 * (eta + tauV) * (INR LV - 1) < 1",
        "N Own * exp (- lam) <= tauV / 2 * exp (lam * c0)",
        "tK * m * muK <= c0",
        "tV * m * mu1 <= c0",
        "ln (N Own) <= lam",
        "(h * (INR L - 1) / 2) ^ 2 <= 1 - c0 ^ 2",
        "2 * eta + tau / 4 < Rabs (w a - w a')",
    ),
    "E1": (
        "let c0 := 1 - (s + ln T) / lam in",
        "let edge := 1 - (s + ln (2 * T)) / lam in let few := (1 - mu) / (edge * edge - mu) in",
        "let c0 := 1 - (s + ln (2 * few)) / lam in",
        "0 <= edge",
        "mu < edge * edge",
        "0 <= mu <= c0",
        "rest < 1",
        "mu < 2 * (c1 * c1) - 1",
        "mu <= C <= c1",
        "C + (s + ln (1 + tau)) / lam <= 1",
        "ln (N Own) + s / 2 <= lam * (1 + C)",
        "C <= 2 * (c2 * c2) - 1",
        "2 * (eta + leak) * (INR L - 1) < 1",
        "INR m * ((INR M * sqrt (2 - 2 * c2) + sqrt n) / INR k) + INR m * sqrt n <= INR M",
        "INR m' * (INR M * sine mu / INR k') + INR m' * sqrt n <= INR M",
        "2 * expn #|Tok| 2 * expn k' #|J| <= expn m' #|J|",
    ),
}
"""The inequalities that each rule requires, in the words of the Coq statement: 2 tau < 1 - eta is more than A asks."""


def asked_of_coq(name: str) -> str:
    """All text that the lemmas of a theorem demand of Coq's statements, blanks made one."""
    texts = [
        text
        for lemma in THEOREMS[name].all_lemmas
        for discharge in ENTRIES[lemma].discharges
        if isinstance(discharge, ByCoq)
        for text in discharge.reads
    ]
    return re.sub(r"\s+", " ", " ; ".join(texts))


@pytest.mark.parametrize("name", CONDITIONS)
def test_what_a_rule_requires_is_the_hypothesis_of_its_lemma(name: str) -> None:
    """Law: the cited lemma's statement in Coq holds each condition of the rule, and chooses no multiplier."""
    text = asked_of_coq(name)
    for condition in CONDITIONS[name]:
        assert condition in text, f"{condition} is not asked of Coq by {THEOREMS[name].lemmas}"
    assert "let lam := ln" not in text, "the rule reads the multiplier from the payload, and the lemma fixes it"


def test_every_cited_lemma_is_in_the_book() -> None:
    """Law: nothing is cited that the book does not have, and a rule's contract quotes its conditions."""
    for theorem in CITED:
        assert set(theorem.all_lemmas) <= ENTRIES.keys()
    for name, rule in RULES.items():
        assert THEOREMS[name].lemmas == rule.LEMMAS[name]
        failing = getattr(rule, "LEMMAS_WITH_FAILURES", rule.LEMMAS)[name]
        assert THEOREMS[name].lemmas_at(Fraction(1, 9)) == failing
        assert "Contract:" in str(inspect.getdoc(rule.check))
    assert (OTHER_MODELS["replay_floor"].lemmas, OTHER_MODELS["f_hat_fibre"].lemmas) == (replay.LEMMAS, fibre.LEMMAS)


def test_given_keys_ask_for_own_weights() -> None:
    """Law: the lemma of given keys supposes own weights and steps, as the rule requires them, and no coherence."""
    (lemma,) = ON_GIVEN_KEYS.all_lemmas
    (coq,) = (each for each in ENTRIES[lemma].discharges if isinstance(each, ByCoq))
    assert any(text.startswith("1 - tau <= exp (lam * dot (K i) (K i)) / (") for text in coq.reads)
    assert "2 * (eta + tau) * (INR L - 1) < 1" in coq.reads
    assert not any("incoherent" in text for text in coq.reads)
    assert "2 (eta + tau_i) (L - 1) < 1" in str(inspect.getdoc(values.check_given))


def test_an_error_at_which_the_headline_would_exceed_the_cap() -> None:
    """Forgery: near eta = 1 the paper's theorem fixes a multiplier; the cited lemma takes any."""
    kind, claim, proof = FLOORS["one bit a value"]
    eta = str(1 - Fraction(1, 2**20))
    assert ask(kind, {**claim, "eta": eta}, {**proof, "multiplier": "100"}).outcome is VERIFIED
    assert claim["lemmas"] == ["relative_values"]
    assert "rests on" in ask(kind, {**claim, "lemmas": ["kv_cache_lower_bound"]}, proof).reason
