"""Which floors add up: counts by definition, the border of the width, and that public weights add nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lowerbound.certify.floors import floor
from lowerbound.core.models import Model, find_model, models
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.sums import first_free_layer, independent_streams, public_weights, realised_streams, sums


@pytest.mark.parametrize(
    ("name", "assumed", "realised"),
    [
        ("var-d16", 16 * 16 * 2, 16 * 16),  # 680 <= 1023 < 1360
        ("var-d24", 24 * 24 * 2, 24 * 24 * 2),  # 1360 <= 1535
        ("var-d36-512", 36 * 36 * 2, 36 * 36),  # 2240 <= 2303
        ("var-d30-1024", 30 * 30 * 2, 0),  # 9451 > 1919
        ("infinity-2b-0.06m", 32 * 16 * 2, 31 * 16 * 2),  # no position vectors: all layers but the first
        ("infinity-2b-1m", 32 * 16 * 2, 0),  # 10521 > 2047
        ("infinitystar-8b-480p-5s", 36 * 8 * 2, 0),
    ],
)
def test_known_sums(name: str, assumed: int, realised: int) -> None:
    """Known value: layers x heads of keys and values x branches, counted by hand from the published sizes."""
    model = find_model(name)
    assert independent_streams(model).streams == assumed == model.n_streams
    assert realised_streams(model).streams == realised
    assert public_weights(model).streams == 1


def wide(width: int, branches: int) -> Model:
    """A model with 5 tokens and position vectors."""
    return replace(find_model("var-d16"), schedule=ScaleSchedule.square([1, 2]), width=width, cfg_branches=branches)


@pytest.mark.parametrize(
    ("width", "branches", "free"), [(5, 1, 0), (6, 1, 1), (10, 2, 1), (11, 2, 2), (100, 2, 2), (100, 1, 1)]
)
def test_the_border_of_the_width(width: int, branches: int, free: int) -> None:
    """Definition: b branches of T tokens are free at once if and only if b T <= width - 1."""
    found = realised_streams(wide(width, branches))
    assert found.branches == free
    assert found.streams == 256 * free
    assert f"{width - 1} = width - 1" in found.why


def test_query_heads_that_share_keys_count_once() -> None:
    """Metamorphic: with a quarter of the heads of keys and values, a quarter of the streams; the reason says so."""
    model = find_model("var-d16")
    grouped = replace(model, n_kv_heads=4)
    assert 4 * independent_streams(grouped).streams == independent_streams(model).streams
    assert 4 * realised_streams(grouped).streams == realised_streams(model).streams
    assert "4 query heads share one pair" in independent_streams(grouped).why


def test_laws_of_every_model() -> None:
    """Law: what a network realises is at most what is assumed, and all of it where the catalogue says so."""
    for model in models():
        assumed, realised, public = sums(model)
        assert public.streams <= 1
        assert realised.streams <= assumed.streams
        if model.free_kv_realisable:
            assert realised.branches >= 1
            assert first_free_layer(model) == 0
        assert all(len(known.why.splitlines()) == 1 for known in sums(model))


@pytest.mark.slow
def test_floor_tells_them() -> None:
    """Definition: the floor's total is one head's times the streams of the first sum, and carries all three."""
    told = floor(find_model("var-d16"), failure_prob="0.1").to_json()
    names = [(known["computation_model"], known["streams"]) for known in told["sums"]]
    assert names == [("R1", 512), ("R1", 256), ("R2", 1)]
    head, total = told["per_head"]["values_bits"], told["total"]["values_bits"]
    assert total == independent_streams(find_model("var-d16")).bits(head)
