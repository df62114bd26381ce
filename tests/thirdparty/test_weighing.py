"""Truth: what foreign objects hold is counted to the byte, each of `liars` is caught or named, and held >= sent."""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.foreign.audit import tokens_of
from lowerbound.foreign.graph import Walk
from lowerbound.foreign.holding import weighed
from lowerbound.foreign.kinds import adapter
from lowerbound.foreign.ledger import Holding
from lowerbound.foreign.verdict import oddities
from lowerbound.game.question import Terms
from lowerbound.game.respondent import RespondentHere
from tests.thirdparty.playing import MARKS, MISSING

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

D, STACK = 16, (2, 2)
PLACE = Geometry("small", ScaleSchedule(((1, 4), (2, 8), (4, 8), (4, 4))), D, stack=STACK)
N_CACHED = 4 + 16 + 32
ROWS = 2 * STACK[0] * STACK[1] * N_CACHED * D
"""The numbers in the keys and values of the cached tokens of all heads."""
TERMS = Terms(PLACE.schedule, D, L2Norm(100.0), "additive", Fraction(1, 100), seed=0, stack=STACK)


TARGET = "transformers:tests.thirdparty.liars:{}"


@cache
def held_by(name: str) -> Holding:
    """What one of the liars holds after three scales."""
    tokens = tokens_of(PLACE, STACK, PrivateSeed.parse("7"))
    found = adapter(f"transformers:tests.thirdparty.liars:{name}")
    return weighed(found, TERMS.public, tokens)


def stored(name: str) -> int:
    """The bytes of tensors, arrays and texts that one of the liars holds."""
    return sum(entry.bytes for entry in held_by(name).entries if entry.kind != "structure")


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("Honest", 2 * ROWS),
        ("Codes", ROWS),
        ("WideCodes", 8 * ROWS),
        ("KeepsOriginals", 3 * ROWS),
        ("LazyCopy", 3 * ROWS),
        ("SharedStorage", 2 * ROWS),
        ("BigView", 8 * ROWS),
        ("BufferState", 2 * ROWS),
        ("ClosureState", 2 * ROWS),
        ("ClassState", 2 * ROWS),
        ("ModuleState", 2 * ROWS),
        ("WeakState", 2 * ROWS),
    ],
)
def test_every_byte_is_counted_once(name: str, size: int) -> None:
    """Known value: the bytes follow from what each liar keeps: 2 a number in float16, 1 a code, 8 in int64."""
    assert stored(name) == size


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Honest", "original rows are kept in `rows[*]`"),
        ("WideCodes", "integers are wider than their values in `rows[*]`"),
        ("KeepsOriginals", "original rows are kept in `backup.rows[*]`"),
        ("LazyCopy", "decoded rows are kept in full precision in `memo[*][*]`"),
        ("BigView", "a storage is larger than what is used of it in `rows[*]`"),
        ("ClassState", "state is kept outside the object"),
        ("ModuleState", "state is kept outside the object"),
        ("WeakState", "state is kept outside the object"),
        ("ClosureState", "state is kept outside the object"),
    ],
)
def test_liars_are_named(name: str, words: str) -> None:
    """Forgery: an oddity of a ledger is told in words, with the place where it hangs."""
    assert any(words in sentence for sentence in oddities(held_by(name))), oddities(held_by(name))


def test_an_honest_object_has_no_oddity_but_its_rows() -> None:
    """Law: codes of which each bit is used have nothing odd."""
    assert oddities(held_by("Codes")) == ["integers are wider than their values in `rows[*]`"]
    assert held_by("Honest").grown_bytes < 2 * 2 * STACK[0] * STACK[1] * D * 4


def test_growth_is_seen() -> None:
    """Forgery: an object that keeps its answers holds more once it was asked."""
    assert held_by("Grows").grown_bytes > ROWS / 4


def test_company_is_named() -> None:
    """Forgery: threads and generators in an object are said to be there, since they hold what no list shows."""
    found = Walk.of(companions(), adapter(TARGET.format("Companions"))(TERMS.public).torch, "tests")
    told = dict(found.strange)
    assert told["extras['thread']"] == "a thread"
    assert told["extras['torch']"] == "a random generator (torch.Generator)"
    assert told["extras['numpy']"] == "a random generator (Generator)"
    assert told["extras['python']"] == "generator"
    assert sum(leaf.size for leaf in found.leaves if leaf.path.startswith("extras['torch']")) > 1000


def companions() -> Any:
    """The liar that keeps company, after one token."""
    live = adapter(TARGET.format("Companions"))(TERMS.public)
    tokens = tokens_of(PLACE, STACK, PrivateSeed.parse("7"))
    live.append(0, tokens.keys[0][:, :4], tokens.values[0][:, :4], 0)
    return live.object


def test_its_own_meter_is_read() -> None:
    """Definition: the ratio that an object reports of itself; an object without a meter reports none."""
    assert held_by("KeepsOriginals").own_ratio == 4
    assert held_by("Honest").own_ratio is None


@pytest.mark.parametrize(
    "name",
    [
        "Honest",
        "Codes",
        "WideCodes",
        "KeepsOriginals",
        "LazyCopy",
        "SharedStorage",
        "BigView",
        "BufferState",
        "Unsteady",
    ],
)
def test_held_is_at_least_sent(name: str) -> None:
    """Law: the message that rebuilds an object has at most the bytes that the object holds."""
    found = adapter(f"transformers:tests.thirdparty.liars:{name}")
    tokens = tokens_of(PLACE, STACK, PrivateSeed.parse("7"))
    live = found(TERMS.public)
    for scale in range(PLACE.schedule.n_scales - 1):
        rows = PLACE.schedule.rows_of(scale)
        for layer in range(STACK[0]):
            live.append(layer, tokens.keys[layer][:, rows], tokens.values[layer][:, rows], scale)
        state = live.encode()
    assert 8 * held_by(name).held_bytes >= 8 * len(state) + 64
    assert RespondentHere(found).facts.family == "audited"


def test_a_model_left_alone_holds_fp16() -> None:
    """Known value: an unaltered Llama is weighed in the format that was asked for, whatever it computes in."""
    holding = weighed(
        adapter("patch:tests.thirdparty.targets:leaves_alone"),
        TERMS.public,
        tokens_of(PLACE, STACK, PrivateSeed.parse("7")),
    )
    assert sum(entry.bytes for entry in holding.entries if entry.kind == "tensor") == 2 * ROWS


def test_answers_add_no_copy_to_a_press() -> None:
    """Definition: once it was asked, a pressed cache holds the rows of the question too, and nothing else."""
    press = 'kvpress:tests.thirdparty.targets:KeepsNewest#{"init":{"compression_ratio":0.5}}'
    assert (
        weighed(adapter(press), TERMS.public, tokens_of(PLACE, STACK, PrivateSeed.parse("7"))).grown_bytes
        < 2 * 2 * STACK[0] * STACK[1] * D * 4
    )
