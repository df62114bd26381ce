"""Truth: a certificate about a head of one's own or of a language model is VERIFIED under its name alone."""

from __future__ import annotations

from typing import Any

import pytest

from lowerbound.certify.certified import certified
from lowerbound.certify.check import check
from lowerbound.certify.sealed import sealed
from lowerbound.cli.place import Place
from lowerbound.core.models import find_place
from lowerbound.kernel.verdict import Outcome

OWN: Any = certified(Place(tokens=300, d=32).found(), eta="0.05", delta=0, theorem="C")
GPT2: Any = certified(find_place("gpt2", 300), eta="0.05", delta=0, theorem="C")


@pytest.mark.parametrize(("found", "name"), [(OWN, "own head in R^32 at 300"), (GPT2, "gpt2 at 300")])
def test_the_right_name_is_verified(found: Any, name: str) -> None:
    """Definition: the name says the dimension and the tokens, or the model and the tokens."""
    assert found.claim["model"] == name
    assert check(found.document()).verdict.outcome is Outcome.VERIFIED


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (OWN, "own head in R^64 at 300"),
        (OWN, "own head in R^32 at 301"),
        (OWN, "gpt2 at 300"),
        (OWN, "var-d16"),
        (OWN, "own head"),
        (GPT2, "gpt2"),
        (GPT2, "gpt2 at 299"),
        (GPT2, "llama-3-8b at 300"),
    ],
)
def test_other_names_are_not(found: Any, name: str) -> None:
    """Forgery: the claim renamed, with digests made anew."""
    forged = sealed("forged", found.theorem.rule, {**found.claim, "model": name}, found.sealed.certificate["payload"])
    assert forged.is_verified
    assert check(forged.document()).verdict.outcome is not Outcome.VERIFIED
