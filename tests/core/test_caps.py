"""Truth: a floor speaks of queries up to a stated logit, says which, and never falls when larger ones are allowed."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from lowerbound.certify.certified import certified
from lowerbound.certify.check import check
from lowerbound.certify.floors import floor
from lowerbound.certify.possible import possible
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.decoder import LanguageModel, own_decoder, paged
from lowerbound.core.geometry import CAPS, Geometry
from lowerbound.core.models import capped, find_place
from lowerbound.core.rules import MULTIPLIER_CAP
from lowerbound.errors import InvalidArgument
from lowerbound.game.payload_plan import plan_payload
from lowerbound.kernel.verdict import Outcome
from tests.marks import first_now

HEAD = Geometry("own head in R^64 at 256", paged(256), 64, "1/sqrt(d)")


@pytest.mark.slow
@pytest.mark.parametrize(
    "theorem", first_now([name for name, one in THEOREMS.items() if one.search is not None], 4, n_slow=0)
)
def test_a_floor_grows_with_the_cap_and_states_it(theorem: str) -> None:
    """Law: a cache that answers larger logits too keeps no fewer bits, and each certificate names its own cap."""
    bits = []
    for cap in ("20", "50", "100", "400"):
        found = certified(HEAD.capped(cap), eta="1/100", delta=0, theorem=theorem)
        if found is not None:
            assert found.claim["multiplier"] == cap
            checked = check(found.document())
            assert checked.verdict.outcome is Outcome.VERIFIED, checked.verdict.reason
        bits.append(0 if found is None else found.bits)
    assert bits == sorted(bits)


@pytest.mark.slow
def test_a_cap_is_the_same_however_it_is_stated() -> None:
    """Differential: a name, a number, and a head whose field says it."""
    named = floor("llama-3.1-8b", context=300, cap="soft-cap")
    assert named.geometry.largest_logit == CAPS["soft-cap"] == 50
    assert named.checked_bits() == floor("llama-3.1-8b", context=300, cap=50).checked_bits()
    assert named.to_json()["logit_cap"] == "50"
    assert any("|logit| <= 50" in note for note in named.to_json()["notes"])
    assert Geometry.from_json(named.geometry.to_json()) == named.geometry


@pytest.mark.slow
def test_no_cap_stated_is_a_hundred() -> None:
    """Metamorphic: stating the default changes no number and no bit of a head's name."""
    plain, stated = floor(HEAD), floor(HEAD, cap="qk-clip")
    assert plain.checked_bits() == stated.checked_bits() > 0
    assert HEAD.largest_logit == MULTIPLIER_CAP
    assert HEAD.multiplier_cap is None
    assert "logit_cap" not in HEAD.to_json()


@pytest.mark.slow
def test_a_smaller_cap_leaves_more_room() -> None:
    """Law: what is proved enough shrinks with the cap too, so that floor and ceiling speak of the same queries."""
    small, large = possible(HEAD.capped(10), ratio=2), possible(HEAD.capped(100), ratio=2)
    assert small.achieved.bits < large.achieved.bits
    assert small.to_json()["logit_cap"] == "10"


def test_games_ask_with_the_stated_cap() -> None:
    """Definition: a keys-and-values game takes the head's cap where no lambda is given."""
    assert plan_payload(HEAD.capped(60), eta="0.01").multiplier == 60
    assert plan_payload(HEAD, eta="0.01").multiplier == 100


@pytest.mark.parametrize(
    ("place", "cap", "rule"),
    [
        (HEAD, "0", "lie in (0, 65536]"),
        (HEAD, "65537", "lie in (0, 65536]"),
        (HEAD, "much", "one of soft-cap, qk-clip"),
        (find_place("var-d16"), 101, "lie in (0, 100]"),
        (find_place("llama-3.1-8b"), "-1", "lie in (0, 65536]"),
    ],
)
def test_other_caps_are_refused(place: Any, cap: str, rule: str) -> None:
    """Forgery: caps outside a rule's range, and words that name none."""
    with pytest.raises(InvalidArgument) as refused:
        capped(place, cap)
    assert rule in str(refused.value)


def test_a_decoder_comes_back_from_its_json() -> None:
    """Definition: `from_json` inverts `to_json`, with a cap, notes and a window."""
    plain = own_decoder(64, heads=4, kv_heads=2, layers=3, branches=1, rule="scaled")
    other = LanguageModel("x", 2, 4, 2, 64, window=128, global_layers=1, logit_cap=Fraction(5, 2), notes=("a", "b"))
    for decoder in (plain, other):
        assert LanguageModel.from_json(decoder.to_json()) == decoder
