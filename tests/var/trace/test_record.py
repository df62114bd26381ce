"""Recorded traces are what passed through attention: from the simulator, and from a function that is listened to."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lowerbound.errors import InvalidArgument, UnknownName
from lowerbound.var.simulator.block import softmax_attention
from lowerbound.var.simulator.network import random_network, simulated
from lowerbound.var.simulator.pipeline import FullCache, Remembering, generate
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.tokens import VectorTokens
from lowerbound.var.trace.file import tensor
from lowerbound.var.trace.images import IMAGES, encode_image
from lowerbound.var.trace.record import Recorder, record, recorder, trace_bytes

SIDES = (1, 2, 3, 4, 6)


@pytest.mark.parametrize("model", ["tiny", "tiny-infinity"])
def test_simulator(tmp_path: Path, model: str) -> None:
    """Differential: keys and values of a second, unrecorded run with the same seed, to the bit; its ids and f_hat."""
    trace = record(tmp_path / "a", model=model, seed=3, condition=7).trace
    network, memory = random_network(simulated(model), seed=3), FullCache()
    made = generate(network, memory, condition=7, sampling=Sampling(3, 1.5))
    for layer in range(trace.n_layers):
        found = trace.layer(layer)
        np.testing.assert_array_equal(found.keys, memory.keys[layer])
        np.testing.assert_array_equal(found.values, memory.values[layer])
    ids = np.concatenate(made.ids)
    np.testing.assert_array_equal(tensor(trace.path, "tokens")[0], ids @ (1 << np.arange(ids.shape[1])))
    np.testing.assert_array_equal(tensor(trace.path, "f_hat")[0], made.f_hat)


@pytest.mark.parametrize("image", list(IMAGES))
def test_images_become_nearest_codes(image: str) -> None:
    """Definition: at every scale each id is the code nearest to the mean of what is missing; some is then found."""
    network = random_network(simulated("tiny"), precision="float64")
    tokens = network.tokens
    assert isinstance(tokens, VectorTokens)
    encoded = encode_image(network, image)
    f_hat = tokens.empty()
    for scale, ids in enumerate(encoded.ids):
        missing = tokens.reduced(encoded.target - f_hat, scale)
        distances = ((missing[:, None] - tokens.codebook) ** 2).sum(axis=2)
        np.testing.assert_array_equal(distances.argmin(axis=1), ids[:, 0])
        f_hat = f_hat + tokens.contribution(ids, scale)
    assert encoded.missed == pytest.approx(np.linalg.norm(encoded.target - f_hat) / np.linalg.norm(encoded.target))
    assert 0.5 < encoded.missed < 1
    again = encode_image(network, image)
    assert all((a == b).all() for a, b in zip(encoded.ids, again.ids, strict=True))
    other = encode_image(network, image, seed=1)
    assert any((a != b).any() for a, b in zip(encoded.ids, other.ids, strict=True))


def test_bits_of_images() -> None:
    """Known value: with codes that are signs, two fifths of a gradient and more are found."""
    assert encode_image(random_network(simulated("tiny-infinity")), "gradient").missed < 0.6


def test_structured_image_is_the_inputs(tmp_path: Path) -> None:
    """Metamorphic: another image under the same weights changes later keys, and none of the first scale."""
    first, second = (record(tmp_path / name, model="tiny", image=name).trace.layer(0) for name in ("edges", "texture"))
    np.testing.assert_array_equal(first.keys[:, :, :1], second.keys[:, :, :1])
    assert (first.keys[:, :, 5:] != second.keys[:, :, 5:]).any(axis=(2, 3)).all()


def test_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known value: VAR-d16 in float32 takes 356.5 MB; a model whose trace does not fit is refused before any work."""
    assert trace_bytes(simulated("var-d16"), "float32") == 4 * 2 * 16 * 16 * 680 * 64 * 4
    monkeypatch.setattr("os.sysconf", lambda name: 4096 if name == "SC_PAGE_SIZE" else 10**5)
    with pytest.raises(InvalidArgument, match=r"fits twice in 0\.4 GB"):
        record(tmp_path / "a", model="var-d16")
    assert not list(tmp_path.iterdir())


class Listened(Remembering):
    """The full cache of a network whose attention is the module's function, as in the official code."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.full = FullCache()

    def attend(self, layer: int, scale: int, queries: Any, keys: Any, values: Any) -> Any:
        self.full.attend(layer, scale, queries, keys, values)
        return self.module.slow_attn(
            query=queries, key=self.full.keys[layer], value=self.full.values[layer], scale=1.0, attn_mask=None
        )

    def end_scale(self, scale: int) -> None:
        pass


def slow_attn(query: Any, key: Any, value: Any, scale: float, attn_mask: Any = None, dropout_p: float = 0.0) -> Any:
    return softmax_attention(query * query.dtype.type(scale), key, value)


def test_recorder(tmp_path: Path) -> None:
    """Differential: listening to the module's function writes the trace that the simulator writes of itself."""
    module = SimpleNamespace(slow_attn=slow_attn)
    network = random_network(simulated("tiny"), seed=1)
    with recorder(module) as listening:
        generate(network, Listened(module), sampling=Sampling(1, 1.5))
    assert module.slow_attn is slow_attn
    found = listening.write(tmp_path / "heard", SIDES, model="tiny")
    known = record(tmp_path / "known", model="tiny", seed=1).trace
    assert (found.rule, found.dtype, found.schedule) == (known.rule, known.dtype, known.schedule)
    for layer in range(known.n_layers):
        heard, wrote = found.layer(layer), known.layer(layer)
        for part in ("queries", "keys", "values", "outputs"):
            np.testing.assert_array_equal(getattr(heard, part), getattr(wrote, part))


def test_recorder_refuses(tmp_path: Path) -> None:
    """Forgery: a module without the function, part of an image, two images, a batch, another scale, other maps."""
    module = SimpleNamespace(slow_attn=slow_attn)
    with pytest.raises(UnknownName), recorder(SimpleNamespace(some_attn=slow_attn)):
        pass
    with pytest.raises(ZeroDivisionError), recorder(module):
        raise ZeroDivisionError
    assert module.slow_attn is slow_attn

    def heard(scale: float = 1.0, branches: int = 2) -> Recorder:
        listening = Recorder(slow_attn)
        rows = np.eye(5, 4, dtype=np.float32)
        rows[4, 0] = 1
        keys = np.broadcast_to(rows, (branches, 3, 5, 4))
        for stop, count in ((1, 1), (5, 4)):
            listening(keys[:, :, stop - count : stop], keys[:, :, :stop], keys[:, :, :stop], scale)
        return listening

    assert heard().write(tmp_path / "a", (1, 2), model="m").n_layers == 1
    assert heard(0.5).write(tmp_path / "b", (1, 2), model="m").rule == "1/sqrt(d)"
    for listening, sides, sentence in (
        (Recorder(slow_attn), (1, 2), "calls must be layers x 2 scales"),
        (heard(), (1, 2, 3), "calls must be layers x 3 scales"),
        (heard(), (1, 3), "must have 9 queries and 10 keys"),
        (heard(branches=4), (1, 2), "batch must be one image's 2 branches"),
        (heard(0.7), (1, 2), "scale must be 1 "),
    ):
        with pytest.raises(InvalidArgument, match=sentence):
            listening.write(tmp_path / "c", sides, model="m")
    twice = heard()
    rows = np.ones((2, 3, 1, 4), dtype=np.float32)
    with pytest.raises(InvalidArgument, match="that of the first call"):
        twice(rows, rows, rows, 0.5)
    twice.clear()
    assert not twice.calls
    assert not (tmp_path / "c").exists()
