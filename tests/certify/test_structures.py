"""Truth here: the rows of the structure table, the certified attention rows, and what a user is told."""

from __future__ import annotations

import json
import math
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from experiments.structures import PAGE, SPEC
from lowerbound.certify.structures import attention_leak, structure_rows
from lowerbound.core.geometry import Geometry
from lowerbound.core.keys.family import Keys
from lowerbound.core.models import find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.priors.plain import SparseAttentionPrior
from lowerbound.core.priors.table import PRIORS
from lowerbound.core.rules import L2Norm
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, UnknownName
from lowerbound.game.channel import Isolation
from lowerbound.game.structured import plan_structured
from lowerbound.prove.book import load_book
from tests.marks import first_now
from tests.test_house import ROOT

Run = Callable[..., subprocess.CompletedProcess[str]]
SMALL = Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)


def test_every_lemma_of_the_table_is_in_the_book() -> None:
    """Law: each prior names a lemma that the book has, and each scheme a cache; no lemma belongs to two priors."""
    book = load_book(ROOT / "proofs")
    assert len({prior.lemma for prior in PRIORS.values()}) == len(PRIORS)
    for prior in PRIORS.values():
        lemma = book.find(prior.lemma)
        assert "classes_of_values" in {use.lemma for use in lemma.uses}


def test_rows_of_a_small_head() -> None:
    """Law: bits >= floors, nothing misread, shares below one exactly where the prior helps; JSON keeps all of it."""
    rows = list(structure_rows(SMALL, isolation=Isolation.NONE))
    assert [row.prior for row in rows] == list(PRIORS)
    for row in rows:
        assert row.reason is None
        assert row.scheme_bits is not None
        assert row.size_bits is not None
        assert row.floor_bits is not None
        assert row.played_floor_bits is not None
        assert row.scheme_bits >= row.size_bits >= row.floor_bits
        assert row.scheme_bits >= row.played_floor_bits
        assert row.errors == 0
        assert row.ratio == row.scheme_bits / row.size_bits
        assert (row.share == 1) == (not row.helps)
        assert json.loads(json.dumps(row.to_json()))["lemma"] == row.lemma


def test_leaks_of_two_keys() -> None:
    """Known value: of keys e_1 and e_2 at multiplier 3, the other one has weight 1 / (1 + e^3)."""
    keys = Keys("axes", np.eye(2, dtype=np.int64))
    leak = attention_leak(keys, 2, Fraction(3))
    assert float(leak) == pytest.approx(1 / (1 + math.exp(3)), rel=1e-15)
    assert leak >= Fraction(1 / (1 + math.exp(3))) - Fraction(1, 2**60)
    assert attention_leak(Keys("one", np.array([[1, 1], [1, 1]])), 2, Fraction(3)) == 0


def test_leaks_against_the_oracle() -> None:
    """Differential: on a small head the certified leak is the oracle's largest, to its rounding."""
    family = plan_structured(SMALL, SparseAttentionPrior)
    n_cached = family.prior.n_tokens
    weights = attention(
        family.keys.unit[:n_cached],
        family.keys.unit,
        np.eye(len(family.keys.unit)),
        rule=L2Norm(float(family.multiplier)),
    )
    others = weights.sum(axis=1) - weights[np.arange(n_cached), np.arange(n_cached)]
    leak = float(attention_leak(family.keys, n_cached, family.multiplier))
    assert leak <= float(family.leakage)
    assert leak == pytest.approx(others.max(), abs=1e-15)


def test_priors_that_there_are_not() -> None:
    """Bad input: a name, an error, a delta; and maps without the class are a row with the reason."""
    with pytest.raises(UnknownName, match="did you mean pyramid"):
        list(structure_rows(SMALL, ["pyramids"]))
    with pytest.raises(InvalidArgument, match="eta must lie"):
        list(structure_rows(SMALL, eta="1/2"))
    with pytest.raises(InvalidArgument, match="delta must lie"):
        list(structure_rows(SMALL, delta="0.6"))
    one = Geometry("one token", ScaleSchedule.square([1, 2]), 16)
    (row,) = structure_rows(one, ["columns"])
    assert row.size_bits is None
    assert "nothing else is cached" in str(row.reason)


@pytest.mark.slow
def test_the_command(run_command: Run) -> None:
    """Definition: one prior as a table and as JSON, from an empty directory."""
    small = ("--schedule", "1x1 2x2 4x4 8x8", "--d", "16", "--trials", "1")
    shown = run_command("structures", "--prior", "sparse", "--trials", "1")
    assert shown.returncode == 0, shown.stderr
    for word in ("one head of var-d16", "8,214", "sparse-rows", "Lemma prior_sparse_rows"):
        assert word in shown.stdout
    told = json.loads(run_command("structures", "--prior", "locality", *small, "--delta", "0", "--json").stdout)
    (row,) = told["rows"]
    assert (row["helps"], row["size_bits"], row["floor_bits"], row["scheme_bits"]) == (False, 336.0, 336.0, 432)
    assert 0 < row["attention_leak"] < 1e-9


@pytest.mark.parametrize(
    ("words", "sentence"),
    first_now(
        [
            (("--prior", "sparce"), "did you mean sparse"),
            (("--model", "var-d17"), "did you mean var-d16"),
            (("--eta", "nought"), "eta must be a number"),
            (("--delta", "2"), "delta must lie in [0, 1/2]"),
        ],
        1,
    ),
)
def test_the_command_refuses(run_command: Run, words: tuple[str, ...], sentence: str) -> None:
    """Bad input: one sentence, exit code 2, nothing on standard output."""
    result = run_command("structures", *words)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert "Traceback" not in result.stderr


def test_the_page_tells_the_classes() -> None:
    """Law: docs/structures.md has every prior once, with the bits, floors and sentences of VAR-d16; ratios agree."""
    told = {line.split(" | ")[0][2:]: line.split(" | ") for line in PAGE.read_text().splitlines() if line[:2] == "| "}
    assert set(told) == {"prior", *PRIORS}
    model = find_model(SPEC["model"])
    for name, kind in PRIORS.items():
        prior = kind.of(model.visible_schedule, model.head_dim)
        _, definition, bits, share, floor, _, scheme_bits, ratio, lemma = told[name]
        assert definition == prior.definition
        assert bits == f"{prior.size_bits:,.0f}"
        assert floor == f"{prior.floor_bits(Fraction(1, 10)):,.0f}"
        assert share == f"{prior.size_bits / 27136:.3f}"
        assert ratio == f"{int(scheme_bits.replace(',', '')) / prior.size_bits:.3f}"
        assert lemma == f"`{prior.lemma}` |"


@pytest.mark.long
def test_the_whole_table_of_var() -> None:
    """Known values: on VAR-d16 every scheme is within 1.04 of its class."""
    rows = list(structure_rows(Geometry.of(find_model("var-d16"))))
    assert rows
    assert all(row.ratio is not None and row.ratio < 1.04 for row in rows)
    assert all(row.errors == 0 for row in rows)


@pytest.mark.slow
def test_a_trace_tells_which_priors_it_obeys(run_command: Run, tmp_path: Path) -> None:
    """Definition: one row a prior for one head of a file, called empirical; another head, and no trace, are refused."""
    file = str(tmp_path / "t.safetensors")
    assert run_command("trace", "record", file).returncode == 0
    told = run_command("structures", "--trace", file, "--layer", "1", "--head", "2", "--tolerance", "0.1")
    assert told.returncode == 0, told.stderr
    assert "empirical, never proved" in told.stdout
    rows = json.loads(run_command("structures", "--trace", file, "--json").stdout)["rows"]
    assert {row["prior"] for row in rows} >= {"rank", "sparse", "columns", "pyramid", "sparse-attention"}
    assert all("never proved" in row["status"] for row in rows)
    assert "head must lie in [0, 3], got 9" in run_command("structures", "--trace", file, "--head", "9").stderr
    (tmp_path / "x.json").write_text("{}", encoding="utf-8")
    refused = run_command("structures", "--trace", str(tmp_path / "x.json"))
    assert refused.returncode == 2
    assert "safetensors file" in refused.stderr
