"""Specifications: what they multiply out to, and what is said of every mistake."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lowerbound.certify.floors import floor
from lowerbound.core.configuration import decoder_in
from lowerbound.core.models import find_place
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation, strongest
from lowerbound.sweep.spec import LARGEST_FILE_BYTES, profile_of, read_spec, spec_of
from lowerbound.sweep.units import Job, canonical, key_of, run_unit
from tests.sweep.sweeping import run

LLAMA = {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}
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
        ({"models": []}, "models, sizes and heads must name at least one place together"),
        ({"isolation": "some"}, "isolation: input should be 'none', 'process-shared-files' or 'sandbox', got 'some'"),
        ({"seeds": list(range(1100)), "etas": ["0.1", "0.2"] * 500}, "at most 1000000 units, got 1100000"),
        ({"caches": ["full"] * 10**4, "budgets": ["1/2"] * 10**4}, "at most 1000000 units, got 100000000"),
        ({"name": "a\x1b[2J"}, r"name: it must be printable, got 'a\x1b[2J'"),
        ({"caches": ["a:B\n"]}, "caches.0: it must be printable"),
        ({"trials": 10**6 + 1}, "trials: input should be less than or equal to 1000000"),
        (
            {"trials": 10**6},
            "1,000,000 trials of 'uniform' on 'var-d16' must need at most 8589934592 bytes of symbols and",
        ),
        ({"trials": 10**6}, "; the nearest valid choice is trials = "),
        ({"trials": 900, "models": ["var-d36-512"], "caches": ["full", "prefixkv@1/4"]}, "trials of 'prefixkv@1/4' on"),
        ({"sizes": [{"schedule": "1x1 99999x99999 2x2", "d": 64}]}, "; the nearest valid choice is a smaller place"),
        ({"sizes": [{"schedule": "1x1 " + "9" * 1000 + "x" + "9" * 2900 + " 2x2", "d": 64}]}, "a smaller place"),
        ({"caches": ["full", "exec:rm -rf /"]}, "caches: 'exec:rm -rf /' runs a command of this machine, which a spec"),
        ({"caches": ["exec:true@1/2"]}, "only with --allow-exec"),
        ({"kind": "attack", "caches": ["exec:true"]}, "only with --allow-exec"),
        ({"kind": "attack", "sizes": [{"schedule": "1x1 9999x9999 2x2", "d": 64}]}, "1 trial of 'uniform' on '1x1"),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], sentence: str) -> None:
    """Bad input: the key, the rule and the value, in a sentence."""
    with pytest.raises(InvalidArgument) as found:
        spec_of({**PLAY, **change})
    assert sentence in str(found.value)


def test_the_nearest_number_of_trials_is_taken() -> None:
    """Definition: the number that the sentence offers is valid, and the next one is not."""
    with pytest.raises(InvalidArgument, match=r"trials = \d+$") as found:
        spec_of({**PLAY, "trials": 10**6})
    most = int(str(found.value).rpartition(" ")[2])
    assert spec_of({**PLAY, "trials": most}).n_units == 1
    with pytest.raises(InvalidArgument, match=f"trials = {most}$"):
        spec_of({**PLAY, "trials": most + 1})


def test_units_hold_no_more_than_was_counted() -> None:
    """Differential: what the largest cache really sends for a unit is within what the specification counts for it."""
    from lowerbound.caches.registry import play
    from lowerbound.core.models import find_model
    from lowerbound.game.channel import Isolation
    from lowerbound.game.reduction import plan_reduction

    row = play(plan_reduction(find_model("var-d16").geometry), "full", isolation=Isolation.NONE)
    ((_, numbers),) = spec_of(PLAY).numbers(1)
    assert sum(row.scale_bits) + 64 * row.symbols <= 64 * numbers + 96 * len(row.scale_bits)  # lengths, shapes
    assert 2 * (sum(row.scale_bits) + 64 * row.symbols) >= 64 * numbers


def test_numbers_of_units_are_counted_without_making_them() -> None:
    """Definition: the count is that of the combinations, for every kind."""
    for change in ({}, {"budgets": ["1/4", "1/2"], "caches": ["h2o", "uniform@1/8"], "seeds": [1, 2, 3]}):
        for kind in ("play", "attack"):
            found = spec_of({**PLAY, **change, "kind": kind})
            assert found.n_units == len(list(found.units()))
    found = spec_of({"name": "x", "kind": "floor", "models": ["var-d16", "var-d30"], "etas": ["0.1", "0.2", "0.3"]})
    assert found.n_units == len(list(found.units())) == 6
    assert spec_of({**PLAY, "kind": "attack", "models": []}).n_units == 1


@pytest.mark.slow
def test_commands_are_run_only_where_they_are_allowed(tmp_path: Path) -> None:
    """Bad input: a specification that names a command runs nothing and makes no store without --allow-exec."""
    mark = tmp_path / "ran"
    (tmp_path / "program").write_text(f"#!/bin/sh\ntouch {mark}\n", encoding="utf-8")
    (tmp_path / "program").chmod(0o755)
    path = tmp_path / "s.toml"
    path.write_text(
        f'name = "x"\nkind = "play"\ncaches = ["exec:{tmp_path}/program"]\nisolation = "none"\n'
        'sizes = [{schedule = "1x1 2x2", d = 8}]\n',
        encoding="utf-8",
    )
    refused = run(tmp_path, "sweep", str(path), "--store", "s.db")
    assert refused.returncode == 2
    assert "only with --allow-exec" in refused.stderr
    assert not mark.exists()
    assert not (tmp_path / "s.db").exists()
    allowed = run(tmp_path, "sweep", str(path), "--store", "s.db", "--allow-exec")
    assert mark.exists(), allowed.stderr
    assert run(tmp_path, "sweep", str(path), "--store", "s.db").returncode == 2, "the permission is not kept"


def test_isolation_is_the_strongest_unless_it_is_named() -> None:
    """Law: without a word on it a unit has the strongest level of this machine; a weaker one has to be asked for."""
    (unit,) = spec_of(PLAY).units()
    assert unit["isolation"] == strongest().value
    for level in Isolation:
        (unit,) = spec_of({**PLAY, "isolation": level.value}).units()
        assert unit["isolation"] == level.value


def test_a_machine_without_the_level_is_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    """Law: where there is no sandbox, a unit that wants one has failed, and another machine tries it anew."""
    monkeypatch.setattr("lowerbound.game.channel.sandbox_problem", lambda: "there is none")
    (unit,) = spec_of(
        {**PLAY, "isolation": "sandbox", "sizes": [{"schedule": "1x1 2x2", "d": 8}], "models": []}
    ).units()
    found = run_unit(Job(unit, PrivateSeed(0)))
    assert (found.outcome, found.row) == ("failed", None)
    assert "there is none" in found.reason


def test_all_mistakes_are_told_at_once() -> None:
    """Bad input: whoever mends a file needs to read one message."""
    with pytest.raises(InvalidArgument) as found:
        spec_of({**PLAY, "seedz": 1, "trials": 0})
    assert all(word in str(found.value) for word in ("seedz", "trials"))


def test_a_sentence_is_read_on_one_screen() -> None:
    """Bad input: of a long value the beginning is quoted; of a thousand mistakes ten are told, and the rest counted."""
    with pytest.raises(InvalidArgument) as long:
        spec_of({**PLAY, "name": "x" * 10**6})
    assert len(str(long.value)) < 200
    with pytest.raises(InvalidArgument, match=r"; and 99\d more mistakes$") as many:
        spec_of({**PLAY, "seeds": [-1] * 1000})
    assert len(str(many.value)) < 2000


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


@pytest.mark.slow
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


@pytest.mark.slow
def test_heads_of_a_sweep_are_those_of_the_command_line(tmp_path: Path) -> None:
    """Differential: a language model, a config.json and a head by its size have the floors that `floor` gives them."""
    config = tmp_path / "config.json"
    config.write_text(
        '{"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2}',
        encoding="utf-8",
    )
    heads = [
        {"model": "gpt2", "context": 100},
        {"config": str(config), "context": 90, "cap": "50"},
        {"tokens": 80, "d": 32, "layers": 2},
    ]
    units = list(spec_of({"name": "x", "kind": "floor", "heads": heads}).units())
    config.unlink()
    found = [run_unit(Job(unit, PrivateSeed(0))).row for unit in units]
    placed = find_place("gpt2", 100), decoder_in(LLAMA, "config").at(90).capped(50), floor(tokens=80, d=32)
    bits = [one.checked_bits() for one in (floor(placed[0]), floor(placed[1]), placed[2])]
    assert [row["per_head"]["keys_and_values_bits"] for row in found if row is not None] == bits
    assert found[1] is not None
    assert found[1]["logit_cap"] == "50"
    assert found[2] is not None
    assert found[2]["total"]["streams"] == 2


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ({}, "exactly one of model, config and tokens"),
        ({"model": "gpt2", "tokens": 8, "d": 8}, "exactly one of model, config and tokens"),
        ({"model": "gpt2", "d": 8}, "d must be left out of a head with model"),
        ({"model": "var-d16"}, "models takes it"),
        ({"tokens": 8}, "given with d"),
        ({"tokens": 8, "d": 8, "context": 3}, "context must be left out of a head with tokens"),
        ({"tokens": 8, "d": 8, "cap": "1000"}, "lie in (0, 100]"),
        ({"tokens": 8, "d": 8, "widht": 3}, "key 'widht' is not known"),
        ({"config": "no such file.json"}, "a file that can be read"),
    ],
)
def test_other_heads_are_refused(head: dict[str, Any], sentence: str) -> None:
    """Forgery: no place, two places, and fields that belong to another."""
    with pytest.raises(InvalidArgument) as refused:
        spec_of({"name": "x", "kind": "floor", "heads": [head]})
    assert sentence in str(refused.value)
