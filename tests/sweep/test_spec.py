"""Specifications: what they multiply out to, and what is said of every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.sweep.spec import LARGEST_FILE_BYTES, profile_of, read_spec, spec_of
from lowerbound.sweep.units import Job, canonical, key_of, run_unit

PLAY: dict[str, Any] = {"name": "x", "kind": "play", "caches": ["uniform"], "models": ["var-d16"]}


def test_units_are_the_product_of_the_axes() -> None:
    """Definition: every cache at every budget, place, error and seed; a cache with its own budget takes no other."""
    table = {**PLAY, "caches": ["uniform", "h2o@1/4"], "budgets": ["1/4", "0.5"], "seeds": [0, 1, 2], "etas": ["0.1"]}
    table["sizes"] = [{"schedule": "1x1 2x2", "d": 8}]
    units = list(spec_of(table).units())
    assert len(units) == (2 + 1) * 2 * 3
    assert len({key_of(unit) for unit in units}) == len(units)
    assert {(unit["cache"], unit["budget"]) for unit in units} == {
        ("uniform", "1/4"),
        ("uniform", "1/2"),
        ("h2o", "1/4"),
    }
    assert {unit["eta"] for unit in units} == {"1/10"}


def test_numbers_that_are_equal_have_one_key() -> None:
    """Metamorphic: 0.01 by default, 0.01 and 1/100 written out are one unit."""
    keys = {
        key_of(unit)
        for etas in ({}, {"etas": ["0.01"]}, {"etas": ["1/100"]})
        for unit in spec_of({**PLAY, **etas}).units()
    }
    assert len(keys) == 1


def test_keys_depend_on_nothing_but_the_configuration() -> None:
    """Law: the order in which a configuration was written does not count; every value in it does."""
    (unit,) = spec_of(PLAY).units()
    assert key_of(dict(reversed(unit.items()))) == key_of(unit)
    assert all(key_of({**unit, name: "other"}) != key_of(unit) for name in unit)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"kind": "pley"}, "kind must be one of play, attack, floor, got 'pley'"),
        ({"models": ["var-d17"]}, "models: model 'var-d17' is not known; did you mean var-d16"),
        ({"seedz": [1]}, "key 'seedz' is not known; did you mean seeds"),
        ({"kind": "floor", "trials": 2}, "key 'trials' is not known"),
        ({"caches": ["unifrom"]}, "caches: cache 'unifrom' is not known; did you mean uniform"),
        ({"caches": ["kvpress:SnapPress"]}, "cache 'kvpress:SnapPress' is not known; did you mean kvpress:SnapKVPress"),
        ({"caches": ["uniform@x"]}, "caches: the budget after @ must be a number such as 0.01 or 1/100, got 'x'"),
        ({"sizes": [{"schedul": "1x1", "d": 3}]}, "sizes.0: key 'schedul' is not known; did you mean schedule"),
        ({"trials": 0}, "trials: input should be greater than or equal to 1, got 0"),
        ({"trials": "1"}, "trials: input should be a valid integer, got '1'"),
        ({"seeds": [-1]}, "seeds.0: input should be greater than or equal to 0, got -1"),
        ({"etas": ["a"]}, "etas: "),
        ({"budgets": ["1/0"]}, "budgets: "),
        ({"sizes": [{"schedule": "1xq", "d": 3}]}, "sizes.0.schedule: schedule '1xq' must list maps such as 4x4"),
        ({"sizes": [{"schedule": "1x1 2x2", "d": 0}]}, "sizes.0.d: input should be greater than or equal to 1, got 0"),
        ({"models": []}, "models and sizes must name at least one place together"),
        ({"isolation": "some"}, "isolation: input should be 'none', 'process' or 'sandbox', got 'some'"),
        ({"seeds": list(range(1100)), "etas": ["0.1", "0.2"] * 500}, "must have at most 1000000 units"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], sentence: str) -> None:
    """Bad input: the key, the rule and the value, in a sentence."""
    with pytest.raises(InvalidArgument) as found:
        spec_of({**PLAY, **change})
    assert sentence in str(found.value)


def test_all_mistakes_are_told_at_once() -> None:
    """Bad input: whoever mends a file needs to read one message."""
    with pytest.raises(InvalidArgument) as found:
        spec_of({**PLAY, "seedz": 1, "trials": 0})
    assert all(word in str(found.value) for word in ("seedz", "trials"))


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (b"name = ", "is no TOML"),
        (b"\xff\xfe", "is no TOML"),
        (b"a = " + b"[" * 5000, "is no TOML"),
        (b"#" * (LARGEST_FILE_BYTES + 1), "must have at most"),
    ],
    ids=["broken", "no text", "deep", "large"],
)
def test_hostile_files(tmp_path: Path, raw: bytes, sentence: str) -> None:
    """Bad input: files that are no specification are refused in one sentence."""
    path = tmp_path / "s.toml"
    path.write_bytes(raw)
    with pytest.raises(InvalidArgument, match=sentence):
        read_spec(path)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"memory": None}, "memory: input should be a valid string"),
        ({"cores": "two"}, "cores: input should be a valid integer, got 'two'"),
        ({"maximum_jobs": "many"}, "maximum_jobs: input should be a valid integer, got 'many'"),
        ({"queu": "cpu"}, "key 'queu' is not known; did you mean queue"),
        ({"prologue": "module load"}, "prologue: input should be a valid tuple"),
    ],
)
def test_mistakes_in_a_profile_are_named(change: dict[str, Any], sentence: str) -> None:
    """Bad input: the same of a profile of SLURM."""
    profile = {"cores": 2, "memory": "4GB", "walltime": "01:00:00"}
    assert profile_of(profile).maximum_jobs == 10
    with pytest.raises(InvalidArgument) as found:
        profile_of({**profile, **change})
    assert sentence in str(found.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from(["kind", "caches", "models", "sizes", "etas", "seeds", "trials", "budgets", "isolation"]), JSON)
def test_any_value_is_taken_or_refused(key: str, value: Any) -> None:
    """Law: a value of any type in any place gives units, or InvalidArgument and nothing else."""
    try:
        spec = spec_of({**PLAY, key: value})
    except InvalidArgument:
        return
    assert all(canonical(unit) for unit in spec.units())


def test_units_never_raise() -> None:
    """Law: what a cache refuses is a result; so is what breaks."""
    (unit,) = spec_of(PLAY).units()
    refused = run_unit(Job({**unit, "cache": "nosuch"}, PrivateSeed(0)))
    assert refused.outcome == "refused"
    assert "nosuch" in refused.reason
    broken = run_unit(Job({**unit, "place": {"model": None}}, PrivateSeed(0)))
    assert broken.outcome in ("failed", "refused")
    assert broken.row is None


def test_rows_of_one_unit_are_equal() -> None:
    """Law: a unit is pure: run twice, it has one row, and only its seconds differ."""
    for kind in ({"kind": "floor"}, {**PLAY, "isolation": "none"}, {**PLAY, "kind": "attack", "isolation": "none"}):
        table = {"name": "x", "models": ["var-d16"], **kind}
        if kind["kind"] == "attack":
            table |= {"models": [], "budgets": ["1/4"]}
        (unit,) = spec_of(table).units()
        first, second = run_unit(Job(unit, PrivateSeed(7))), run_unit(Job(unit, PrivateSeed(7)))
        assert first.outcome == "done", first.reason
        assert canonical(first.row) == canonical(second.row)
