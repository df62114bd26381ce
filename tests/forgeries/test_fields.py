"""Forgeries of what a document says about a model, a codebook or a network, sealed anew as a forger would."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.adversary.instance import is_fair
from lowerbound.adversary.random_bits import bits_on
from lowerbound.caches.registry import find_cache
from lowerbound.certify.certified import certified
from lowerbound.certify.check import check
from lowerbound.certify.replay.fibres import certify_fibre
from lowerbound.certify.replay.games import replay
from lowerbound.certify.witness import rerun
from lowerbound.core.models import find_model
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.channel import Isolation
from lowerbound.game.question import Terms
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import read_document, write_document
from lowerbound.kernel.judge import RULES
from lowerbound.kernel.rules.floor import LARGEST_MULTIPLIER
from lowerbound.kernel.verdict import Outcome
from tests.certify.test_witness import document as witness_of
from tests.kernel.examples import EXAMPLES, changed

Json = Any


def resealed(data: bytes, path: tuple[Any, ...], new: Json, *, inside: str = "claim") -> bytes:
    """The document with one place of the claim (or of the payload) replaced, and both digests made anew."""
    statement, certificate = read_document(data)
    if inside == "claim":
        statement = {**statement, "claim": changed(statement["claim"], path, new)}
    else:
        certificate = {**certificate, "payload": changed(certificate["payload"], path, new)}
    return write_document(statement, {**certificate, "proves": digest(statement)})


@cache
def fibre(kind: str) -> bytes:
    """The R3 floor of var-d16 for one kind of codebook."""
    return certify_fibre(find_model("var-d16"), kind).document()


@cache
def ids() -> bytes:
    """The R2 floor of var-d16."""
    return replay(find_model("var-d16")).certified.document()


def test_a_codebook_of_another_size_is_not_the_models() -> None:
    """Forgery: 2^1300 codes would force 7969 bits, where all ids of var-d16 hold 3060."""
    honest = fibre("signs")
    assert check(honest).verdict.outcome is Outcome.VERIFIED
    wide = resealed(honest, ("codebook",), {"kind": "levels", "levels": 2, "channels": 1300})
    found = check(resealed(wide, ("fibre",), 70**1300))
    assert found.verdict.outcome is Outcome.REJECTED
    assert "4096 codes" in found.verdict.reason
    assert found.bits is None


def test_a_generic_codebook_has_no_channels_to_choose() -> None:
    """Forgery: a number that the rule did not read may not say anything."""
    assert check(fibre("generic")).verdict.outcome is Outcome.VERIFIED
    found = check(resealed(fibre("generic"), ("codebook", "channels"), 2))
    assert "channels must" in found.verdict.reason


@pytest.mark.parametrize("channels", [12, 33, 40])
def test_channels_of_a_network_are_the_models(channels: int) -> None:
    """Forgery: R2's floor for a map of other channels than the codebook of the family has."""
    assert check(ids()).verdict.outcome is Outcome.VERIFIED
    found = check(resealed(ids(), ("channels",), channels))
    assert found.verdict.outcome is Outcome.REJECTED
    assert "channels 32" in found.verdict.reason


def test_logits_beyond_the_cap_of_a_rule() -> None:
    """Forgery: a model that clamps at 100 has no floor for larger logits; others have, up to a limit."""
    clamped = certified("var-d16", eta="1/100", delta=0, theorem="B")
    assert clamped is not None
    assert "(0, 100]" in check(resealed(clamped.document(), ("multiplier",), "101")).verdict.reason
    honest = certified("switti-ar-512", eta="1/100", delta=0, theorem="B")
    assert honest is not None
    assert check(honest.document()).verdict.outcome is Outcome.VERIFIED
    found = check(resealed(honest.document(), ("multiplier",), str(LARGEST_MULTIPLIER[honest.claim["rule"]] + 1)))
    assert found.verdict.outcome is Outcome.REJECTED
    assert "(0, 65536]" in found.verdict.reason


@pytest.mark.parametrize("keys", [None, "best"])
def test_no_network_made_these_values(keys: str | None) -> None:
    """Forgery: a witness on free tokens, or on public keys with free values, that says a public network made them."""
    name = "streaming" if keys is None else "golay"
    honest = witness_of(name)
    assert rerun(honest, isolation=Isolation.NONE).outcome is Outcome.VERIFIED
    verdict = rerun(resealed(honest, ("network",), True), isolation=Isolation.NONE)
    assert verdict.outcome is Outcome.REJECTED
    assert ("names no keys" if keys is None else "public network's values") in verdict.reason


def test_values_of_the_network_are_told_from_others() -> None:
    """Law: tokens of model R2 are fair, and not one bit of a cached value may differ."""
    terms = Terms(ScaleSchedule.square([1, 2, 3]), 16, L2Norm(50.0), key_family="kerdock", network=True)
    assert find_cache("recompute").computation_model == "R2"
    honest = bits_on(terms, PrivateSeed(0), 0)
    assert is_fair(honest)
    for place in np.ndindex(terms.schedule.n_tokens_cached, terms.d):
        honest.tokens.values[place] = 1 - honest.tokens.values[place]
        assert not is_fair(honest)
        honest.tokens.values[place] = 1 - honest.tokens.values[place]
    assert is_fair(honest)


def test_every_field_of_every_kind_has_somebody_who_checks_it() -> None:
    """Law: the page of trust names, for each kind of the judge, each field of its claim."""
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text(encoding="utf-8")
    table = page.split("## Documents: who checks which field")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    told: dict[str, set[str]] = {}
    kinds: list[str] = []
    for first, fields, _ in rows[2:]:
        kinds = re.findall(r"[a-z_]+", re.sub(r"\(.*?\)|floors of R1:", "", first)) or kinds
        for kind in kinds:
            told.setdefault(kind, set()).update(re.findall(r"[a-z_]+", fields))
    assert told.keys() == RULES.keys()
    for kind, claim, _ in EXAMPLES.values():
        assert told[kind] == {"all"} or told[kind] == claim.keys(), kind
