"""What a cache does to the pictures of a network that has a decoder: drawn beside the full cache, and measured.

Two runs per picture share weights, condition and random numbers. Running freely, the cached network goes on with its
own ids, so that a wrong id of a small map changes all larger ones. Forced, it is given the full run's ids, so that each
scale shows what its own attention lost. Whether a class can still be read off a picture is no measure of a cache: the
class enters every layer beside the cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lowerbound.core.bits import state_bits
from lowerbound.errors import InvalidArgument, invalid
from lowerbound.game.channel import Isolation
from lowerbound.var.simulator.network import Network, threads_for
from lowerbound.var.simulator.pipeline import FullCache, Generation, Remembering, generate
from lowerbound.var.simulator.plugged import Plugged, terms_of
from lowerbound.var.simulator.plugging import Plug, plug
from lowerbound.var.simulator.sampling import Sampling
from lowerbound.var.simulator.simulate import ids_differ, logit_error

Array = NDArray[Any]

MOST_PICTURES = 1000


class Beside(Remembering):
    """The full cache, which hands its rows to another memory too and keeps the largest errors of that one's answers.

    `errors[layer]` has shape (branches, heads, tokens): the largest error of an answer over its d entries.
    """

    def __init__(self, memory: Plugged, n_layers: int) -> None:
        self.memory, self.full = memory, FullCache()
        self._errors: list[list[Array]] = [[] for _ in range(n_layers)]

    def attend(self, layer: int, scale: int, queries: Array, keys: Array, values: Array) -> Array:
        exact = self.full.attend(layer, scale, queries, keys, values)
        found = self.memory.attend(layer, scale, queries, keys, values)
        self._errors[layer].append(np.abs(found - exact).max(axis=-1))
        return exact

    def end_scale(self, scale: int) -> None:
        self.memory.end_scale(scale)

    @property
    def relative_errors(self) -> Array:
        """All errors, (layers, branches, heads, tokens), in units of the range of the values of their head."""
        errors = np.stack([np.concatenate(parts, axis=-1) for parts in self._errors])
        values = np.stack([self.full.values[layer] for layer in range(len(errors))])
        ranges = values.max(axis=(-2, -1)) - values.min(axis=(-2, -1))
        found: Array = errors / np.maximum(ranges, np.finfo(ranges.dtype).tiny)[..., None]
        return found


@dataclass(frozen=True, eq=False)
class Drawn:
    """Pictures under one cache, beside those of the full cache.

    Parameters
    ----------
    cache, budget : str, str or None
        The cache's name and nominal budget.
    state_bytes : int
        The largest state before the last scale, of all layers, heads and branches, length prefixes included.
    pictures : array, shape (n, channels, h, w), in [0, 1]
        Drawn freely, from the same random numbers as those of the full cache.
    agreement : float
        Share of ids that come out as with the full cache.
    image_error : float
        Mean squared difference from the pictures of the full cache.
    """

    cache: str
    budget: str | None
    state_bytes: int
    pictures: Array
    agreement: float
    image_error: float

    def to_json(self) -> dict[str, Any]:
        """Everything but the pictures, as plain JSON values."""
        told = {"cache": self.cache, "budget": self.budget, "state_bytes": self.state_bytes}
        return {**told, "agreement": self.agreement, "image_error": self.image_error}


@dataclass(frozen=True)
class Measured:
    """The means over pictures of what a cache does to a network, forced and free.

    Parameters
    ----------
    trace_error, trace_error_worst : float
        Errors of answers to the full run's queries, largest entry each, in units of the head's range of values: their
        mean over tokens, layers, heads and branches, and the largest.
    forced_logit_error : float
        Euclidean norm of the difference of the last scale's logits from the full run's, over that of the latter, where
        the run was given the full run's ids.
    forced_agreement, agreement : float
        Share of ids that come out as in the full run, forced and free.
    forced_image_error, image_error : float
        Mean squared difference of the pictures, forced (each id drawn from forced logits) and free.
    """

    cache: str
    budget: str | None
    pictures: int
    state_bytes: int
    trace_error: float
    trace_error_worst: float
    forced_logit_error: float
    forced_agreement: float
    forced_image_error: float
    agreement: float
    image_error: float

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))


class Studio:
    """A network with a decoder, and its full runs, which every cache is compared with.

    Contract: a network without a decoder, a class that it does not have, or a number of pictures outside [1, 1000]
    raise InvalidArgument. Picture i is of class `classes[i % len(classes)]`, drawn with the seed `seed + i`.
    """

    def __init__(
        self,
        network: Network,
        *,
        classes: Sequence[int],
        pictures: int,
        seed: int = 0,
        sampling: Sampling | None = None,
    ) -> None:
        if network.decoder is None:
            raise InvalidArgument(
                f"model must have a decoder to draw pictures, got {network.model.name} without one; the nearest valid "
                "choice is digits"
            )
        if not 1 <= pictures <= MOST_PICTURES:
            raise invalid("pictures", f"be an integer in [1, {MOST_PICTURES}]", pictures)
        for each in classes:
            if not 0 <= each < len(network.conditions) - 1:
                raise invalid("class", f"lie in [0, {len(network.conditions) - 2}]", each)
        rule = sampling or Sampling()
        self.network, self.seed = network, seed
        self.conditions = [classes[number % len(classes)] for number in range(pictures)]
        self.samplings = [Sampling(seed + number, rule.guidance, rule.top_k, rule.top_p) for number in range(pictures)]
        with threads_for(network.model):
            self.whole = [self.run(number, FullCache()) for number in range(pictures)]
        self.pictures = np.stack([network.decode(one.f_hat) for one in self.whole])

    def run(self, number: int, memory: Remembering, *, forced: bool = False) -> Generation:
        """One picture's generation through a memory."""
        given = self.whole[number].ids if forced else None
        condition, sampling = self.conditions[number], self.samplings[number]
        return generate(self.network, memory, condition=condition, sampling=sampling, given=given)

    @contextmanager
    def plugged(self, cache: str, isolation: Isolation | None) -> Any:
        """A context with the plug of a cache, and BLAS on as many threads as the network is worth."""
        with plug(cache, isolation) as found, threads_for(self.network.model):
            yield found

    def memory(self, found: Plug, budget: Fraction | None) -> Plugged:
        """A new memory for one picture."""
        terms = terms_of(self.network.model, budget=budget, seed=self.seed)
        return found.into(terms, self.network.model.cfg_branches)

    @property
    def full(self) -> Drawn:
        """The pictures of the full cache, with its bytes in fp16."""
        return Drawn("full cache", None, self.network.model.cache_bytes, self.pictures, 1.0, 0.0)

    def drawn(
        self,
        cache: str,
        *,
        budget: Fraction | None = None,
        isolation: Isolation | None = None,
        begin: Callable[[str], None] = lambda _: None,
    ) -> Drawn:
        """The pictures under a cache; `begin` is told of each. Errors as those of `simulate`."""
        runs, states, told = [], [0], None
        with self.plugged(cache, isolation) as found:
            for number in range(len(self.whole)):
                begin(f"{cache}, picture {number + 1} of {len(self.whole)}")
                memory = self.memory(found, budget)
                runs.append(self.run(number, memory))
                states.append(bytes_of(memory))
                told = memory.told_budget
        pictures = np.stack([self.network.decode(run.f_hat) for run in runs])
        differ = [ids_differ(whole, run) for whole, run in zip(self.whole, runs, strict=True)]
        error = float(((pictures - self.pictures).astype(np.float64) ** 2).mean())
        return Drawn(cache, told, max(states), pictures, 1 - float(np.mean(differ)), error)

    def measured(self, cache: str, *, budget: Fraction | None = None, isolation: Isolation | None = None) -> Measured:
        """What a cache does to the network, on every picture; errors as those of `simulate`."""
        last, rows, told = self.network.schedule.n_scales - 1, [], None
        states, worst = [0], [0.0]
        with self.plugged(cache, isolation) as found:
            for number, whole in enumerate(self.whole):
                beside = Beside(self.memory(found, budget), self.network.model.n_layers)
                self.run(number, beside, forced=True)
                errors = beside.relative_errors
                forced = self.run(number, self.memory(found, budget), forced=True)
                memory = self.memory(found, budget)
                free = self.run(number, memory)
                told = memory.told_budget
                states.append(bytes_of(memory))
                worst.append(float(errors.max()))
                rows.append(
                    (
                        float(errors.mean()),
                        logit_error(whole, forced, since=last),
                        1 - ids_differ(whole, forced),
                        self._image_error(number, self._redrawn(forced)),
                        1 - ids_differ(whole, free),
                        self._image_error(number, free.f_hat),
                    )
                )
        means = [float(np.mean(column)) for column in zip(*rows, strict=True)]
        trace, logits, forced_agreement, forced_image, agreement, image = means
        return Measured(
            cache,
            told,
            len(rows),
            max(states),
            trace,
            max(worst),
            logits,
            forced_agreement,
            forced_image,
            agreement,
            image,
        )

    def _redrawn(self, forced: Generation) -> Array:
        """f_hat of the ids that a forced run drew itself."""
        tokens = self.network.tokens
        return sum((tokens.contribution(ids, scale) for scale, ids in enumerate(forced.ids)), start=tokens.empty())

    def _image_error(self, number: int, f_hat: Array) -> float:
        away = self.network.decode(f_hat).astype(np.float64) - self.pictures[number]
        return float((away**2).mean())


def bytes_of(memory: Plugged) -> int:
    """The bytes of a memory's states, length prefixes included."""
    return sum(map(state_bits, memory.states)) // 8
