"""Truth: a target is read as it is written, and anything else is refused in one sentence."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.caches.registry import target_of
from lowerbound.core.kinds import KINDS, is_wrapped
from lowerbound.errors import InvalidArgument
from lowerbound.foreign.defendant import DTYPES, LONGEST_TARGET, Defendant

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}(\.[A-Za-z_][A-Za-z0-9_]{0,8}){0,2}", fullmatch=True)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8), lambda inner: st.lists(inner, max_size=3)
)


@st.composite
def targets(draw: st.DrawFn) -> Defendant:
    """Targets of every kind, with options."""
    kind = draw(st.sampled_from(KINDS))
    names = {
        "codec": st.builds("{},{}".format, NAMES, NAMES),
        "cache": st.sampled_from(["Made(d, {'a': 1})", "f(x)#2", "a:b"]),
    }
    place = st.none() | st.builds("{}:{}".format, NAMES, NAMES)
    return Defendant(
        kind,
        draw(NAMES),
        draw(names.get(kind, NAMES)),
        init=draw(st.dictionaries(st.text(max_size=6), JSON, max_size=3)) if kind != "cache" else {},
        after=draw(place),
        read=draw(place),
        dtype=draw(st.sampled_from(DTYPES)),
        packed=draw(st.booleans()),
    )


@given(targets())
def test_a_target_is_read_as_it_is_written(target: Defendant) -> None:
    """Law: parse inverts text, and no name of this package is taken for a target."""
    assert Defendant.parse(target.text) == target
    assert is_wrapped(target.text)
    assert target_of(target.text) == target.text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("transformers:module", "KIND:MODULE:NAME"),
        ("unknown:module:Name", "KIND:MODULE:NAME"),
        ("transformers:a b:Name", "transformers:MODULE:CLASS_OR_FUNCTION, got module 'a b'"),
        ("transformers:a:1x", "got name '1x'"),
        ("transformers:a:", "name"),
        ("codec:a:encode", "codec:MODULE:ENCODE,DECODE, got 1 names"),
        ("codec:a:e,d,f", "got 3 names"),
        ("kvpress:a:B#{", "JSON object"),
        ("kvpress:a:B#{]}", "JSON object"),
        ('kvpress:a:B#{"speed": 1}', "init, after, read, dtype, packed"),
        ('kvpress:a:B#{"init": 3}', "--init"),
        ('kvpress:a:B#{"after": "module"}', "--after must be MODULE:FUNCTION"),
        ('kvpress:a:B#{"dtype": "int4"}', "float16, bfloat16, float32"),
        ('kvpress:a:B#{"packed": 1}', "true or false"),
        ("cache:a:" + "x" * LONGEST_TARGET, f"at most {LONGEST_TARGET} characters"),
        ("cache:a:b#" + "{" * 5000, "characters"),
    ],
)
def test_other_texts_are_refused(text: str, words: str) -> None:
    """Forgery: each breaks one rule of the grammar, and the sentence names it."""
    with pytest.raises(InvalidArgument) as told:
        Defendant.parse(text)
    assert words in str(told.value)


def test_options_of_the_command_line() -> None:
    """Definition: --init is a JSON object; what is not given stays as it was."""
    target = Defendant.parse('transformers:a:B#{"after":"m:f"}')
    changed = target.with_options(init='{"bits": 4, "config": "{config}", "ratio": 0.5}', read="m:g")
    assert changed.init == {"bits": 4, "config": "{config}", "ratio": 0.5}
    assert (changed.after, changed.read) == ("m:f", "m:g")
    for wrong in ("[1]", "bits=4", "{", "nul"):
        with pytest.raises(InvalidArgument, match="--init must be a JSON object"):
            target.with_options(init=wrong)
    assert json.loads(changed.text.partition("#")[2])["init"]["bits"] == 4


@pytest.mark.parametrize(
    "name", ["transformers:DynamicCache", "kvpress:SnapKVPress", "exec:python a:b", "mine:Cache", "h2o"]
)
def test_other_names_are_no_targets(name: str) -> None:
    """Law: registered adapters, programs and classes of this package's interface keep their meaning."""
    assert not is_wrapped(name)
