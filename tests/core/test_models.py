"""Known values: the catalogue's derived counts, against the table of counts that an independent program printed.

tests/tables/model_counts.csv was made from the sources' configurations by a program that builds each schedule from
the repositories' own formulas (aspect-ratio templates, patch numbers) and multiplies out the bytes.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pytest

from lowerbound.core.models import Model, find_model, models
from lowerbound.errors import UnknownName

TABLE = Path(__file__).parent.parent / "tables" / "model_counts.csv"
ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))


def test_the_catalogue_has_exactly_the_models_of_the_table() -> None:
    """Definition: one model a row, in order."""
    assert [model.name for model in models()] == [row["name"] for row in ROWS]
    assert len(ROWS) == 74


def test_counts() -> None:
    """Known values: scales, tokens, three cache sizes, and the replay ceiling."""
    for row in ROWS:
        model = find_model(row["name"])
        assert model.schedule.n_scales == int(row["n_scales"])
        assert model.n_tokens == int(row["n_tokens"])
        assert model.schedule.n_tokens_cached == int(row["n_tokens_produced_before_last"])
        assert model.cache_bytes_at_end == int(row["cache_bytes_all"])
        assert model.cache_bytes == int(row["cache_bytes_before_last"])
        assert model.cache_bytes_as_coded == int(row["cache_bytes_as_coded"])
        if not row["replay_bits"]:
            assert model.replay_bits is None
        else:
            # The table rounds log2(8912) to three decimals: 255 tokens, so at most 255 * 0.0005 bits off.
            assert model.replay_bits is not None
            assert abs(model.replay_bits - float(row["replay_bits"])) <= 0.13


PROMPTS = {"HART": 299, "InfinityStar": 512}
"""Cached tokens that are no input of a map: HART reads its first id off the last of 300 text tokens, which is the input
of its first map; InfinityStar caches up to 512. All other texts go through cross-attention or one start token."""
RASTERS = {"256": 16, "384": 24}
"""LlamaGen downsamples by 16: the side of the map of ids."""


def test_every_input_is_cached_once() -> None:
    """Definition: what is cached is prompts and inputs of maps; a map's input needs the ids of the maps before it.

    The first map's input is a start token, and the last map's ids are never fed. So the inputs before the last map
    count as the ids before the last map, and of these the replay needs all but the newest map's.
    """
    for model in models():
        sizes = [math.prod(shape) for shape in model.schedule.shapes]
        assert model.schedule.n_context == PROMPTS.get(model.family, 0)
        assert model.schedule.n_tokens_cached == PROMPTS.get(model.family, 0) + sum(sizes[:-1])
        assert sum(sizes[:-1]) == model.n_replay_tokens + (sizes[-2] if len(sizes) > 1 else 0)


@pytest.mark.parametrize("model", [model for model in models() if model.family == "LlamaGen"], ids=lambda m: m.name)
def test_a_raster_is_fed_its_class_token_and_all_ids_but_the_last(model: Model) -> None:
    """Known values: n ids in raster order take n steps, and the last one finds n - 1 rows in the cache, not n."""
    n_ids = RASTERS[model.variant.rpartition("-")[2]] ** 2
    fed = ["class", *range(1, n_ids)]
    assert model.n_tokens == len(fed)
    assert model.n_tokens_cached == len(fed[:-1]) == n_ids - 1
    assert model.n_replay_tokens == len([each for each in fed[:-1] if each != "class"]) == n_ids - 2


@pytest.mark.parametrize(
    "name", ["var-d16", "var-d20", "var-d24", "var-d30", "var-d36-512", "infinity-2b-1m", "infinity-8b-1m"]
)
def test_stable_names(name: str) -> None:
    """Definition: names that scripts rely on."""
    assert find_model(name).name == name


def test_var_d16_is_the_reference_case() -> None:
    """Known values: the head that every table quotes."""
    model = find_model("var-d16")
    assert (model.n_tokens, model.n_tokens_cached, model.head_dim) == (680, 424, 64)
    assert (model.n_layers, model.n_heads, model.cfg_branches) == (16, 16, 2)
    assert model.head_cache_bits == 868352
    assert model.replay_bits == 3060
    assert model.free_kv_realisable
    assert not find_model("infinity-2b-0.06m").free_kv_realisable  # 521 tokens, width 2048, and no position vectors


def test_video_models_keep_what_their_last_scale_sees() -> None:
    """Definition: InfinityStar's last scale sees its prompt and the largest scale of the previous clip alone."""
    model = find_model("infinitystar-8b-480p-5s")
    assert model.n_tokens_cached == 512 + 30 * 53
    assert model.schedule.n_tokens_cached == 50591


def test_an_unknown_name_offers_the_near_ones() -> None:
    """Bad input: did you mean."""
    with pytest.raises(UnknownName, match="did you mean var-d16"):
        find_model("vard16")
