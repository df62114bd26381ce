"""A cache in the network: its bytes, and what they do to logits and ids, beside the full cache and the floor.

A measurement on one image of one network, and no game: the cache is trusted to forget all but its bytes, and
nothing is proved of it. A state below the floor of R1 is no contradiction: it shows that the cache gives no guarantee
for free keys and values.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.certify.floors import floor
from lowerbound.core.bits import state_bits
from lowerbound.core.sums import independent_streams, realised_streams
from lowerbound.game.channel import Isolation
from lowerbound.var.simulator.network import Network, Precision, threads_for
from lowerbound.var.simulator.pipeline import FullCache, Generation, generate
from lowerbound.var.simulator.plugged import terms_of
from lowerbound.var.simulator.plugging import plug
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.weights import source_of


@dataclass(frozen=True)
class Simulation:
    """The effect of one cache on one image, with its bytes beside the floors.

    Parameters
    ----------
    weights : str
        The digest of the weights' file, or the seed that they were drawn from.
    state_bytes : int
        Bytes of the state before the last scale, for all layers, heads and branches, length prefixes included.
    floor_bytes : float
        Model R1's floor of one head (values, machine-checked) times all streams, which are assumed independent.
    realised_floor_bytes : float
        The same floor times the number of streams that can be free at once at this width; 0 if there are none.
    replay_bytes : float
        Model R2: token ids that give the whole cache again.
    f_hat_bytes : int
        Bytes of f_hat, which the sampler keeps beside the cache; no floor counts them.
    logit_error, logit_error_last : float
        |logits - those of the full cache| / |those of the full cache|, Euclidean, over all scales and at the last one.
    ids_differ, ids_differ_last : float
        Share of decisions that come out differently although both runs use the same random numbers.
    free_running : bool
        Whether the cached run went on with its own ids. If not, it got the full run's ids, so that the error of each
        scale is that of its own attention alone.
    """

    model: str
    weights: str
    cache: str
    budget: str | None
    seed: int
    precision: str
    state_bytes: int
    full_cache_bytes: int
    floor_bytes: float
    realised_floor_bytes: float
    replay_bytes: float | None
    eta: float
    delta: float
    f_hat_bytes: int
    logit_error: float
    logit_error_last: float
    ids_differ: float
    ids_differ_last: float
    free_running: bool
    seconds_full: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def simulate(
    model: str,
    cache: str,
    *,
    budget: Fraction | None = None,
    seed: int = 0,
    sampling: Sampling | None = None,
    condition: int = 0,
    free_running: bool = False,
    precision: Precision = "float32",
    isolation: Isolation | None = None,
) -> Simulation:
    """Generate one image with the full cache and with `cache`, and compare.

    Contract: both runs share weights, condition and random numbers. Unusable arguments raise InvalidArgument; a cache
    that breaks its contract raises CacheContractBroken. A cache of another package runs in a process of its own, at the
    level of `isolation`; None takes the strongest that this machine supports.

    Parameters
    ----------
    model : str
        A name of the catalogue's VAR or Infinity family, "tiny" or "tiny-infinity", which have random weights; or
        "digits", or a file of weights.
    cache : str
        A registered name, or "package.module:Class".
    budget : Fraction in (0, 1], or None
        The cache's own nominal budget.
    seed : int
        Of random weights, of the draws, and of the cache's coins.
    """
    source, rule = source_of(model), sampling or Sampling(seed)
    found = source.model
    with plug(cache, isolation) as plugged:
        memory = plugged.into(terms_of(found, budget=budget, seed=seed), found.cfg_branches)
        network = source.network(seed=seed, precision=precision)

        _prepare(network)
        with threads_for(found):
            start = time.perf_counter()
            whole = generate(network, FullCache(), condition=condition, sampling=rule)
            between = time.perf_counter()
            given = None if free_running else whole.ids
            cached = generate(network, memory, condition=condition, sampling=rule, given=given)
            end = time.perf_counter()

    last = found.schedule.n_scales - 1
    bound = floor(found)
    return Simulation(
        model=found.name,
        weights=network.origin.digest,
        cache=cache,
        budget=memory.told_budget,
        seed=seed,
        precision=precision,
        state_bytes=sum(map(state_bits, memory.states)) // 8,
        full_cache_bytes=found.cache_bytes,
        floor_bytes=independent_streams(found).bits(bound.values_bits) / 8,
        realised_floor_bytes=realised_streams(found).bits(bound.values_bits) / 8,
        replay_bytes=None if found.replay_bits is None else found.replay_bits / 8,
        eta=float(bound.eta),
        delta=float(bound.delta),
        f_hat_bytes=whole.f_hat.nbytes,
        logit_error=logit_error(whole, cached),
        logit_error_last=logit_error(whole, cached, since=last),
        ids_differ=ids_differ(whole, cached),
        ids_differ_last=ids_differ(whole, cached, since=last),
        free_running=free_running,
        seconds_full=between - start,
        seconds=end - between,
    )


def _prepare(network: Network) -> None:
    """Compute the exact weights of resampling before anything is timed; they are computed once per process."""
    tokens = network.tokens
    decisions, _ = tokens.n_choices
    for scale in range(network.schedule.n_scales):
        tokens.contribution(np.zeros((network.schedule.map_size(scale), decisions), dtype=np.int64), scale)
        tokens.reduced(tokens.empty(), scale)


def logit_error(whole: Generation, cached: Generation, *, since: int = 0) -> float:
    """Euclidean norm of the difference of all logits from scale `since` on, relative to the norm of `whole`'s."""
    away = sum(float(((a - b) ** 2).sum()) for a, b in _from(since, whole.logits, cached.logits))
    size = sum(float((a**2).sum()) for a, _ in _from(since, whole.logits, cached.logits))
    return float((away / size) ** 0.5)


def ids_differ(whole: Generation, cached: Generation, *, since: int = 0) -> float:
    """Share of decisions, from scale `since` on, that differ."""
    pairs = _from(since, whole.ids, cached.ids)
    return sum(int((a != b).sum()) for a, b in pairs) / sum(int(a.size) for a, _ in pairs)


def _from(since: int, left: tuple[Any, ...], right: tuple[Any, ...]) -> list[tuple[Any, Any]]:
    return list(zip(left[since:], right[since:], strict=True))
