"""The oracle on another array library: torch's tensors give what NumPy gives, within the derived bound."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.oracle import bounded_torch
from lowerbound.core.oracle.attention import attention, attention_mass
from lowerbound.core.oracle.rounding import rounding_bound
from lowerbound.core.rules import L2Norm, Rule, Scaled
from lowerbound.errors import InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.reduction import plan_reduction

torch = pytest.importorskip("torch")


@pytest.fixture(params=["NumPy's products", "torch's products"])
def products(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The linear algebra in which tensors are answered, whichever would be the faster one on this machine."""
    monkeypatch.setattr(bounded_torch, "has_faster_products", lambda: request.param == "torch's products")
    return str(request.param)


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize("rule", [Scaled(), L2Norm(100.0)], ids=str)
@pytest.mark.parametrize(("m", "t"), [(3, 40), (200, 700), (1024, 3000), (4700, 900)])
def test_torch_is_within_the_bound(rule: Rule, m: int, t: int) -> None:
    """Differential: float64 tensors against NumPy, whose fast path is another order of operations."""
    coins = np.random.default_rng(0)
    arrays = coins.standard_normal((m, 16)), coins.standard_normal((t, 16)), coins.random((t, 16))
    largest = (
        100.0 if isinstance(rule, L2Norm) else float((rule.factor(16) * np.abs(arrays[0]) @ np.abs(arrays[1]).T).max())
    )
    bound = rounding_bound(d=16, n_tokens=t, max_logit=largest, max_value=1.0)
    found = attention(*(torch.from_numpy(array) for array in arrays), rule=rule)
    assert isinstance(found, torch.Tensor)
    assert np.abs(found.numpy() - attention(*arrays, rule=rule)).max() <= 2 * bound


@pytest.mark.usefixtures("products")
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_torch_keeps_its_number_of_threads(threads: int) -> None:
    """Law: blocks of queries are shared among torch's number of threads, which stays what it was."""
    before = torch.get_num_threads()
    coins = torch.Generator().manual_seed(0)
    queries, keys, values = (torch.rand((n, 8), dtype=torch.float64, generator=coins) for n in (700, 900, 900))
    wanted = attention(queries.numpy(), keys.numpy(), values.numpy(), rule=Scaled())
    try:
        torch.set_num_threads(threads)
        found = attention(queries, keys, values, rule=Scaled())
        assert torch.get_num_threads() == threads
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(torch.get_num_threads).result() == threads
    finally:
        torch.set_num_threads(before)
    assert np.abs(found.numpy() - wanted).max() <= 2 * rounding_bound(d=8, n_tokens=900, max_logit=3.0, max_value=1.0)


@pytest.mark.usefixtures("products")
def test_tensors_that_are_views() -> None:
    """Differential: a transposed tensor, every second row and a conjugate's imaginary part, beside copies of them."""
    coins = torch.Generator().manual_seed(0)
    numbers = torch.rand((8, 1400), dtype=torch.float64, generator=coins)
    views = (
        torch.complex(numbers, numbers).conj().imag.T[:700],
        torch.rand((1800, 8), dtype=torch.float64, generator=coins)[::2],
        torch.rand((3, 900), dtype=torch.float64, generator=coins).T,
    )
    assert views[0].is_neg()
    found = attention(*views, rule=Scaled())
    wanted = attention(*(view.resolve_neg().numpy().copy() for view in views), rule=Scaled())
    assert np.abs(found.numpy() - wanted).max() <= 2 * rounding_bound(d=8, n_tokens=900, max_logit=3.0, max_value=1.0)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_other_tensors_are_refused(dtype: str) -> None:
    """Bad input: a sentence names the argument and its type; NumPy has no name for some of these types."""
    given = torch.ones(300, 4, dtype=torch.float64)
    with pytest.raises(InvalidArgument, match=f"keys must be float64, got torch.{dtype}"):
        attention(given, given.to(getattr(torch, dtype)), given, rule=Scaled())


def test_mass_in_torch_is_within_the_bound() -> None:
    """Differential: what each key receives, in float64 tensors and in NumPy."""
    coins = np.random.default_rng(0)
    arrays = coins.standard_normal((200, 16)), coins.standard_normal((700, 16))
    bound = rounding_bound(d=16, n_tokens=700, max_logit=100.0, max_value=1.0)
    mass = attention_mass(*(torch.from_numpy(array) for array in arrays), rule=L2Norm())
    assert np.abs(mass.numpy() - attention_mass(*arrays, rule=L2Norm())).max() <= 2 * 200 * bound


@pytest.mark.parametrize("odd", range(3))
def test_arrays_of_two_libraries_are_refused(odd: int) -> None:
    """Bad input: one tensor among NumPy's arrays gets a sentence that names all three."""
    arrays = [torch.ones(2, 4, dtype=torch.float64) if place == odd else np.ones((2, 4)) for place in range(3)]
    with pytest.raises(InvalidArgument, match=r"must be arrays of one library, got .* of torch"):
        attention(*arrays, rule=L2Norm())


def test_gradients_pass_through_the_oracle() -> None:
    """Law: the gradient of all outputs' sum with respect to a value is the mass of its key."""
    coins = torch.Generator().manual_seed(0)
    queries, keys, values = (torch.rand((300, 8), dtype=torch.float64, generator=coins) for _ in range(3))
    for rows in (queries, keys, values):
        rows.requires_grad_()
    attention(queries, keys, values, rule=Scaled()).sum().backward()
    assert queries.grad is not None
    assert keys.grad is not None
    mass = attention_mass(queries, keys, rule=Scaled())
    bound = 300 * rounding_bound(d=8, n_tokens=300, max_logit=8.0, max_value=1.0)
    assert (values.grad - mass[:, None]).abs().max() <= 2 * bound


def test_a_game_on_the_device_is_read_without_error() -> None:
    """Law: a cache that computes on torch's device, whatever it is, answers every question of a game."""
    plan = plan_reduction(Geometry.of(find_model("var-d16")), seed=0)
    assert duel(plan, "benchmarks.device:OnDevice", isolation=Isolation.NONE).errors == 0
