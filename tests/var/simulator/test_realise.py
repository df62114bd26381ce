"""Free keys and values in a forward pass, and the dimensions of first-layer values: solved, counted, refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flint import fmpq_mat

from lowerbound.core.coins import Coins
from lowerbound.core.models import Model
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.sums import realised_streams
from lowerbound.errors import ImpossibleReduction, InvalidArgument, Undecided
from lowerbound.var.simulator.affine import ValueSpace, _check_reached, value_space
from lowerbound.var.simulator.network import Network, random_network, simulated
from lowerbound.var.simulator.pipeline import Ids, all_inputs
from lowerbound.var.simulator.realise import realise


def ids_of(network: Network, seed: int = 0) -> list[Ids]:
    """One fixed token sequence."""
    decisions, alternatives = network.tokens.n_choices
    sizes = [network.schedule.map_size(k) for k in range(network.schedule.n_scales)]
    return [
        Coins(seed, f"test/{k}").below(alternatives, n * decisions).reshape(n, decisions) for k, n in enumerate(sizes)
    ]


def with_maps(name: str, *sides: int) -> Model:
    """A small model with other maps."""
    return replace(simulated(name), schedule=ScaleSchedule.square(sides))


@pytest.mark.parametrize(
    ("model", "branches", "layers"),
    [
        (simulated("tiny"), 1, (1, 2, 3)),
        (with_maps("tiny", 1, 2, 3, 4, 5), 2, (1, 2, 3)),  # 110 rows in R^128
        (simulated("tiny-infinity"), 2, (2, 3)),  # 114 rows, and a first layer of 13 dimensions a branch
    ],
    ids=["one branch", "both branches", "infinity"],
)
def test_all_keys_and_values_are_free(model: Model, branches: int, layers: tuple[int, ...]) -> None:
    """Definition: in one forward pass every solved layer and head caches the asked unit keys and signs."""
    network = random_network(model, precision="float64")
    found = realise(network, ids_of(network), branches=branches, seed=4)
    assert max(found.key_error, found.value_error) < found.expected_error < 1e-9
    assert found.layers == layers
    assert found.streams == len(layers) * 4 * branches == realised_streams(model).streams


def test_the_first_layer_of_infinity_is_not_free() -> None:
    """Known value: content, levels, the first token and the shift span 8 + 3 + 1 + 1 of 57 dimensions in layer 1."""
    network = random_network(simulated("tiny-infinity"), precision="float64")
    vectors = network.branches(0)
    x = all_inputs(network, vectors, ids_of(network))
    rows = network.blocks[0].attention_input(x, network.modulations(vectors)[0])[0]
    assert len(rows) == 57
    assert np.linalg.matrix_rank(rows, tol=1e-9) == 13


def test_refusals() -> None:
    """Bad input: too many rows, float32, a branch that is not there; the reason is the width."""
    network = random_network(simulated("tiny"), precision="float64")
    with pytest.raises(ImpossibleReduction, match=r"width - 1 = 127, got 2 x 66 of tiny.*one branch is possible"):
        realise(network, ids_of(network), branches=2)
    wide = random_network(with_maps("tiny", 1, 4, 8, 8), precision="float64")
    with pytest.raises(ImpossibleReduction, match="width - 1 = 127, got 145 of tiny"):
        realise(wide, ids_of(wide))
    with pytest.raises(InvalidArgument, match=r"branches must lie in \[1, 2\]"):
        realise(network, ids_of(network), branches=3)
    single = random_network(simulated("tiny"))
    with pytest.raises(InvalidArgument, match="precision must be float64"):
        realise(single, ids_of(single))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_var_d16_is_free_in_all_heads() -> None:
    """Known value: VAR-d16, 16 layers x 16 heads x 680 rows at once, to 1e-12, as measured in the official code."""
    network = random_network(simulated("var-d16"), precision="float64")
    found = realise(network, ids_of(network))
    assert found.streams == 256
    assert max(found.key_error, found.value_error) < 1e-12


def space(name: str, **changes: Any) -> ValueSpace:
    """Of a network of one layer."""
    return value_space(random_network(replace(simulated(name), n_layers=1, **changes), precision="float64"))


@pytest.mark.parametrize(
    ("name", "changes", "dimension"),
    [
        ("tiny-infinity", {}, 8 + 1),
        ("tiny", {}, 32),  # the head is as narrow as the content
        ("tiny", {"n_heads": 2, "n_kv_heads": 2, "head_dim": 64}, 32 + 1),
        ("tiny", {"n_heads": 8, "n_kv_heads": 8, "head_dim": 16}, 16),
    ],
)
def test_dimensions_of_values(name: str, changes: dict[str, object], dimension: int) -> None:
    """Known value: min(head dimension, content dimension + 1), exactly; singular values agree about the gap."""
    found = space(name, **changes)
    assert found.dimension == dimension == min(found.head_dim, found.content_dim + 1)
    assert found.kept > 0.01
    assert found.next < 1e-12


@pytest.mark.slow
def test_dimension_of_var_d16() -> None:
    """Known value: 33 of 64 dimensions, whatever the ids."""
    assert space("var-d16").dimension == 33


def test_places_that_are_refused() -> None:
    """Bad input: a token of another scale, and a head that is not there."""
    network = random_network(simulated("tiny"))
    with pytest.raises(InvalidArgument, match="token must be one of the second scale, 1 to 4, got 5"):
        value_space(network, token=5)
    with pytest.raises(InvalidArgument, match=r"head must lie in \[0, 3\]"):
        value_space(network, head=4)


def test_equal_norms_are_not_counted() -> None:
    """Forgery: contents of one norm span a dimension fewer, and nothing is claimed."""
    words = fmpq_mat([[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    square = fmpq_mat([[1, 0], [-1, 0], [0, 1], [0, -1]])
    with pytest.raises(Undecided, match="do not tell a determinant"):
        _check_reached(words, words, square, 3, fmpq_mat([[0]])[0, 0])
    _check_reached(words, words, fmpq_mat([[1, 0], [-1, 0], [0, 1], [0, -2]]), 3, fmpq_mat([[0]])[0, 0])
