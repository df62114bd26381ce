"""Truth: an adapter to foreign code answers as the code does, its state is all that it knows, and faults are told."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from lowerbound.caches.registry import find_cache
from lowerbound.core.geometry import Geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import CacheContractBroken, CorruptState, InvalidArgument, LowerBoundError
from lowerbound.foreign.kinds import adapter
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import Reduction, plan_reduction
from tests.marks import first_now
from tests.thirdparty.playing import MARKS, MISSING

pytest.importorskip("torch", reason=MISSING)
pytestmark = MARKS

HEAD = Geometry("small", ScaleSchedule.square([1, 2, 4, 6]), 64)
HERE = "tests.thirdparty.targets"


def family(stack: tuple[int, int] = (2, 2)) -> Reduction:
    """The game of bits on a small stack; entries of keys are multiples of 1/8, which float16 has."""
    return plan_reduction(HEAD, eta=Fraction(1, 100), guarantee="additive").stacked(stack)


def played(target: str, budget: Fraction | None = None, stack: tuple[int, int] = (2, 2)) -> tuple[Any, Any, Any, bytes]:
    """(symbols, Bob's symbols, answers to his first run, message) of a target."""
    game, cache = family(stack), find_cache(target)
    protocol = CacheProtocol(game, lambda: cache(game.public(budget)))
    symbols = game.symbols_of(game.draw(PrivateSeed.parse("5"), 0))
    message = protocol.states(symbols, check_settled=True)[-1]
    run = next(game.reading())
    return symbols, protocol.bob(message), protocol.answers(message, run), message


def test_the_generic_route_answers_as_the_adapter_of_dynamic_cache() -> None:
    """Differential: the same answers to the last bit, and a message that is longer by less than its lengths."""
    symbols, found, answers, message = played("transformers:transformers:DynamicCache")
    _, other, others, adapted = played("transformers:DynamicCache")
    assert np.array_equal(found, symbols)
    assert np.array_equal(found, other)
    assert np.array_equal(answers, others)
    assert 0 < len(message) - len(adapted) <= 40


@pytest.mark.parametrize("press", first_now(["KnormPress", "StreamingLLMPress", "KeyDiffPress"]))
def test_the_generic_route_answers_as_the_adapter_of_a_press(press: str) -> None:
    """Differential: Bob reads the same bits; answers differ by the order in which float32 adds tokens.

    An answer is a mean of values in [0, 1] with 57 weights, so two orders differ by at most 57 roundings of 2^-24.
    """
    _, found, answers, _ = played(f'kvpress:kvpress:{press}#{{"init":{{"compression_ratio":0.5}}}}')
    _, other, others, _ = played(f"kvpress:{press}", Fraction(1, 2))
    assert np.array_equal(found, other)
    assert np.abs(answers - others).max() <= 57 * 2.0**-23


@pytest.mark.parametrize(
    "target",
    [
        "transformers:transformers.cache_utils:DynamicLayer",
        "cache:transformers:DynamicCache(config=config)",
        f"codec:{HERE}:encode_pair,decode_pair",
        f"codec:{HERE}:encode_array,decode_array",
        f"codec:{HERE}:Halver.encode,Halver.decode",
        f'codec:{HERE}:Halver.encode,Halver.decode#{{"init":{{"by":4.0}}}}',
        f"codec:{HERE}:same,same",
        f"patch:{HERE}:leaves_alone",
        "transformers:tests.thirdparty.liars:Honest",
        "transformers:tests.thirdparty.liars:BufferState",
    ],
)
def test_what_loses_nothing_misreads_nothing(target: str) -> None:
    """Known value: each of these keeps every row, so that Bob reads every bit."""
    symbols, found, _, _ = played(target)
    assert np.array_equal(found, symbols)


def test_a_patch_alters_what_is_stored() -> None:
    """Definition: keys of entries 1/8 survive a rounding to sixteenths, and the patched cache is sent."""
    symbols, found, _, message = played(f"patch:{HERE}:rounds_keys")
    assert np.array_equal(found, symbols)
    assert len(message) > 0


def test_a_press_of_somebody_keeps_what_it_says() -> None:
    """Known value: the newest half of the tokens is kept, so the older half's bits are read at random."""
    symbols, found, _, message = played(f'kvpress:{HERE}:KeepsNewest#{{"init":{{"compression_ratio":0.5}}}}')
    wrong = (found != symbols).reshape(4, HEAD.n_tokens_cached, -1).mean(axis=(0, 2))
    old = HEAD.n_tokens_cached - round(HEAD.n_tokens_cached / 2)
    assert not wrong[old:].any()
    assert wrong[:old].mean() > 0.3
    assert len(message) < 2 * 2 * 4 * (HEAD.n_tokens_cached // 2 + 1) * 64 + 400


def test_hooks_are_called() -> None:
    """Definition: --after alters the object after each scale, and --read says what queries attend to."""
    base = "transformers:transformers:DynamicCache"
    symbols, plain, answers, _ = played(base)
    _, lost, _, _ = played(f'{base}#{{"after":"{HERE}:after"}}')
    _, _, negated, _ = played(f'{base}#{{"read":"{HERE}:read"}}')
    wrong = (lost != symbols).reshape(2, 2, HEAD.n_tokens_cached, -1)
    assert wrong[0, :, :3].any()
    assert not wrong[1].any()
    assert np.array_equal(plain, symbols)
    assert np.allclose(negated, -answers)


def test_packed_messages_rebuild_the_same_object() -> None:
    """Law: packing integers changes no answer, and codes of four bits in eight bytes take a sixteenth of them."""
    target = "transformers:tests.thirdparty.liars:WideCodes"
    _, found, answers, plain = played(target)
    _, other, others, packed = played(f'{target}#{{"packed":true}}')
    assert np.array_equal(found, other)
    assert np.array_equal(answers, others)
    assert len(packed) <= len(plain) / 15


@pytest.mark.parametrize("name", ["ModuleState", "WeakState", "ClosureState", "ClassState"])
def test_state_outside_the_object_does_not_travel(name: str) -> None:
    """Forgery: a message of an object that keeps its rows elsewhere is almost empty."""
    found = find_cache(f"transformers:tests.thirdparty.liars:{name}")
    game = family()
    protocol = CacheProtocol(game, lambda: found(game.public()))
    symbols = game.symbols_of(game.draw(PrivateSeed.parse("5"), 0))
    try:
        message = protocol.states(symbols)[-1]
    except CacheContractBroken:
        return  # it cannot even go on from its own bytes
    assert len(message) < 1000


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("transformers:no_such_package:Cache", "pip install no-such-package"),
        ("transformers:transformers:NoSuchCache", "name of transformers"),
        (f"transformers:{HERE}:needs_much", "must be given first, second, third by --init"),
        (f"transformers:{HERE}:NoUpdate", "offers store; codec:MODULE:ENCODE,DECODE plays a pair of functions"),
        (f'codec:{HERE}:Halver.encode,Halver.decode#{{"init":{{"width":3}}}}', "--init must fit the signature"),
        (f"codec:{HERE}:too_short,nothing", "nothing"),
        ("cache:transformers:DynamicCache(", "must hold a Python expression"),
        ('cache:transformers:DynamicCache()#{"init":{"a":1}}', "--init must be left out"),
        (f"kvpress:{HERE}:Halver", "must be a press"),
        (f"patch:{HERE}:needs_much", "--init must fit the signature"),
    ],
)
def test_what_cannot_be_played_says_why(target: str, words: str) -> None:
    """Forgery: each target is refused before a game, and the sentence says what to do."""
    with pytest.raises(InvalidArgument) as told:
        find_cache(target)(family().public())
    assert words in str(told.value)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (f"codec:{HERE}:same,too_short", "decode must give back keys of shape (1, 2, 1, 64), got (1, 2, 0, 64)"),
        (f"codec:{HERE}:fails,same", "encode raised KeyError: 'no such scale'"),
        (f"codec:{HERE}:on_cuda,same", "it asks for a CUDA device, and the audit runs on the CPU"),
        (f'transformers:transformers:DynamicCache#{{"after":"{HERE}:nothing"}}', "nothing"),
        (f'transformers:transformers:DynamicCache#{{"after":"{HERE}:fails"}}', "--after"),
    ],
)
def test_faults_of_foreign_code_are_told(target: str, words: str) -> None:
    """Forgery: whatever foreign code raises becomes one sentence with the object and the call."""
    with pytest.raises(LowerBoundError) as told:
        played(target)
    assert words in str(told.value)


def test_other_bytes_are_refused() -> None:
    """Forgery: a message with a byte missing, added or changed in its lengths is no state."""
    *_, message = played("transformers:transformers:DynamicCache")
    game = family()
    cache = find_cache("transformers:transformers:DynamicCache")
    for broken in (message[:-1], message + b"\0", b"", b"\xff" * 8, message[:4] + b"\xff\xff\xff\x7f" + message[8:]):
        with pytest.raises(CorruptState):
            cache(game.public()).decode(broken)
    assert adapter("transformers:transformers:DynamicCache") is cache
