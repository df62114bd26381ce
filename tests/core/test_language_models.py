"""Laws: what every row of the catalogue of language models must satisfy, whoever reads it.

A window of w tokens counts the query's own token. A row of multi-head latent attention caches, for each token and
layer, kv_lora_rank + qk_rope_head_dim numbers; its head_dim is that of a value and of the part of a key without a
position.
"""

from __future__ import annotations

import csv
import re
from importlib import resources

import pytest

TABLE = resources.files("lowerbound.core") / "language_models.csv"
READER = csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())
ROWS = list(READER)
COUNTS = ("layers", "heads", "kv_heads", "head_dim", "vocab_size", "max_positions")
OPTIONAL = ("sliding_window", "global_layers", "kv_lora_rank", "qk_rope_head_dim", "logit_softcap")
FLAGS = ("sinks", "qk_norm", "rope")
WHERE = re.compile(r"(?:[\w-]+==[\w.]+|github [\w.-]+/[\w.-]+@[0-9a-f]{40}):[\w./-]+\.(?:py|json|sh)(?: \([\w.-]+\))?")
"""A distribution and its version, or a repository and its commit; then the file, and the entry if the file has many."""
EVERY_NTH_LAYER_IS_GLOBAL = {"Gemma 2": 2, "Gemma 3": 6, "gpt-oss": 2}


def number(row: dict[str, str], column: str) -> int | None:
    """The positive number of that column, or None where the cell is empty."""
    return int(row[column]) if row[column] else None


def test_columns_and_names() -> None:
    """Definition: the columns are those of this file, and a name names one row."""
    assert READER.fieldnames == ["name", "family", *COUNTS, *OPTIONAL, *FLAGS, "source"]
    names = [row["name"] for row in ROWS]
    assert len(names) >= 40
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9.]*(?:-[a-z0-9.]+)*", name) for name in names)


def test_counts_are_positive_and_heads_share_evenly() -> None:
    """Definition: counts are positive, each key-value head serves equally many query heads, and flags are 0 or 1."""
    for row in ROWS:
        assert row["family"]
        assert all(int(row[column]) > 0 for column in COUNTS)
        assert int(row["heads"]) % int(row["kv_heads"]) == 0
        assert all(row[column] in {"0", "1"} for column in FLAGS)
        softcap = number(row, "logit_softcap")
        assert softcap is None or softcap > 0


def test_a_window_cuts_in_some_layer() -> None:
    """Definition: a window is shorter than the longest text, and then the layers it does not cut are counted."""
    for row in ROWS:
        window, global_layers = number(row, "sliding_window"), number(row, "global_layers")
        assert (window is None) == (global_layers is None)
        if window is not None and global_layers is not None:
            assert 0 < window < int(row["max_positions"])
            assert 0 <= global_layers < int(row["layers"])
        if row["family"] in EVERY_NTH_LAYER_IS_GLOBAL:
            assert global_layers == int(row["layers"]) // EVERY_NTH_LAYER_IS_GLOBAL[row["family"]]


def test_latent_attention_has_both_ranks() -> None:
    """Definition: latent attention has both ranks, no window, a key-value head of its own for each query head; and its
    latent is smaller than the keys and values it stands for."""
    for row in ROWS:
        latent, rope_dim = number(row, "kv_lora_rank"), number(row, "qk_rope_head_dim")
        assert (latent is None) == (rope_dim is None)
        if latent is not None and rope_dim is not None:
            assert latent > 0
            assert rope_dim > 0
            assert not row["sliding_window"]
            assert row["kv_heads"] == row["heads"]
            assert latent + rope_dim < 2 * int(row["heads"]) * int(row["head_dim"])


def test_every_source_names_a_file() -> None:
    """Definition: each source is a file of one version of a distribution, or of one commit of a repository."""
    for row in ROWS:
        assert all(WHERE.fullmatch(place) for place in row["source"].split("; ")), row["source"]


@pytest.mark.parametrize(
    ("source", "names_a_file"),
    [
        ("litgpt==0.5.13:litgpt/config.py (phi-2)", True),
        ("litgpt:litgpt/config.py (phi-2)", False),
        ("litgpt==0.5.13", False),
        (f"github karpathy/nanoGPT@{'0' * 40}:model.py (gpt2-xl)", True),
        ("github karpathy/nanoGPT@master:model.py (gpt2-xl)", False),
        ("memory", False),
    ],
)
def test_a_source_without_version_or_file_is_refused(source: str, names_a_file: bool) -> None:
    """Forgery: the pattern of sources turns away a source that a reader could not open."""
    assert (WHERE.fullmatch(source) is not None) == names_a_file
