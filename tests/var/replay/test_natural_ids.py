"""Truth: the answers of every candidate are the network's own, and ids are read from what a cache answers."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.var.replay.joint_ids import JointReader
from lowerbound.var.replay.natural_ids import IdReader, Listening, SecretId
from lowerbound.var.replay.trace_ids import TraceIds
from lowerbound.var.simulator.drawn import Studio
from lowerbound.var.simulator.network import Network, random_network, small_model
from lowerbound.var.simulator.pipeline import FullCache, Remembering, generate
from lowerbound.var.simulator.weights import source_of
from lowerbound.var.trace.record import record

SMALL = small_model("small", (1, 2, 2, 3), heads=2, d=8, codebook_size=6, layers=2, channels=4, n_classes=2)


def heard(network: Network, memory: Remembering, ids: Any, condition: int) -> Any:
    """The conditional branch's answers at the last scale."""
    listening = Listening(memory, network.model.n_layers, network.schedule.n_scales - 1)
    generate(network, listening, condition=condition, given=ids)
    return listening.answers


@pytest.fixture(scope="module")
def small() -> tuple[Network, IdReader]:
    """A random network of a few tokens, and the reader of one of its pictures."""
    network = random_network(SMALL, seed=3, precision="float64")
    return network, IdReader(network, generate(network, FullCache(), condition=1).ids, 1)


def test_candidates_are_what_the_network_answers(small: tuple[Network, IdReader]) -> None:
    """Differential: scale by scale through the full cache, and all scales at once, for the drawn ids and for others."""
    network, reader = small
    assert np.allclose(reader.answers_of([reader.ids])[0], heard(network, FullCache(), reader.ids, 1), atol=1e-12)
    secret = SecretId(1, 2)
    for number in (0, 5):
        changed = reader.with_id(secret, number)
        last = [*changed[:-1], reader.ids[-1]]
        whole = generate(network, FullCache(), condition=1, given=last)
        assert len(whole.ids) == len(last)
        assert reader.candidates(secret)[number].shape == (2, 2, 9, 8)
    assert reader.secrets == (SecretId(0, 0), *(SecretId(1, token) for token in range(4)))


def test_exact_answers_tell_every_id(small: tuple[Network, IdReader]) -> None:
    """Known value: a full cache leaves no id unreadable; answers of another id's picture are read as that id."""
    network, reader = small
    assert reader.wrong(heard(network, FullCache(), reader.ids, 1)) == 0
    secret = SecretId(1, 0)
    for number in range(reader.n_alternatives):
        assert reader.read(secret, reader.candidates(secret)[number]) == number


def test_separations_are_distances(small: tuple[Network, IdReader]) -> None:
    """Definition: the least distance is over pairs, and alternatives are apart at eta only if it exceeds 2 eta."""
    _, reader = small
    secret = reader.secrets[0]
    ranges = np.ones((2, 2))
    flat = reader.candidates(secret).reshape(reader.n_alternatives, -1)
    pairs = [np.abs(flat[i] - flat[j]).max() for i in range(len(flat)) for j in range(i)]
    found = reader.separation(secret, ranges, [0.0, min(pairs) / 2 * 0.999, max(pairs)])
    assert found.least == pytest.approx(min(pairs))
    assert found.apart == (reader.n_alternatives, reader.n_alternatives, 1)


def test_all_ids_are_read_at_once(small: tuple[Network, IdReader]) -> None:
    """Known value: from exact answers the joint reader finds all five secret ids of a small random network."""
    network, reader = small
    found = JointReader(reader).read(heard(network, FullCache(), reader.ids, 1))
    assert found.wrong == (0, 0)
    assert found.residual < 1e-12


@pytest.mark.long
def test_a_trained_network_tells_its_ids() -> None:
    """Known value: exact answers of a digit tell all 30 ids at once; h2o at 1/8 hides most, each alone."""
    network = source_of("digits").network(precision="float64")
    studio = Studio(network, classes=[3], pictures=1)
    reader = IdReader(network, studio.whole[0].ids, 3)
    exact = heard(network, FullCache(), reader.ids, 3)
    assert JointReader(reader).read(exact).wrong == (0, 0, 0, 0)
    with studio.plugged("h2o", Isolation.NONE) as plug:
        assert reader.wrong(heard(network, studio.memory(plug, Fraction(1, 8)), reader.ids, 3)) > 15


def test_float32_is_refused_for_joint_reading() -> None:
    """Bad input: differences of float32 answers are no derivatives."""
    network = random_network(SMALL, seed=3)
    reader = IdReader(network, generate(network, FullCache()).ids, 0)
    with pytest.raises(InvalidArgument, match="float64"):
        JointReader(reader)


@pytest.mark.slow
def test_a_trace_is_read_with_its_own_weights(tmp_path: Path, run_command: Any) -> None:
    """Definition: ids and class come from the trace; weights of another digest are refused."""
    file = tmp_path / "digit.safetensors"
    trace = record(file, model="digits", condition=4).trace
    network = source_of("digits").network()
    found = TraceIds.of(trace, network)
    assert found.condition == 4
    whole = generate(network, FullCache(), condition=4)
    assert all(np.array_equal(a, b) for a, b in zip(found.ids, whole.ids, strict=True))
    with pytest.raises(InvalidArgument, match="must be of the weights"):
        TraceIds.of(trace, random_network(network.model))
    refused = run_command("trace", "ids", str(file), "--model", "tiny")
    assert refused.returncode == 2
    assert "must be of the weights" in refused.stderr


@pytest.mark.long
def test_the_command_reads_ids(tmp_path: Path, run_command: Any) -> None:
    """Definition: `trace ids` tells the separations of 30 ids, and how many each cache hides."""
    file = tmp_path / "digit.safetensors"
    record(file, model="digits", condition=4)
    told = json.loads(run_command("trace", "ids", str(file), "--cache", "h2o@1/8", "--eta", "0.01", "--json").stdout)
    assert len(told["ids"]) == 30
    full, evicted = told["caches"]
    assert sum(full["unreadable"]) == 0
    assert sum(evicted["unreadable"]) > 15
