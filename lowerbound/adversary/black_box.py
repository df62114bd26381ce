"""A cache as the adversary sees it: tokens go in, state bytes and answers come out, and a deadline runs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lowerbound.adversary.instance import Instance, Violation, is_fair, worst
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import CacheContractBroken, InvalidArgument, LowerBoundError
from lowerbound.game.question import FloatArray, Terms
from lowerbound.game.respondent import Respondent


class OutOfTime(Exception):
    """The deadline of the search has passed."""


@dataclass
class BlackBox:
    """One cache class under some terms; counts the instances that it is given, and those that it fails on.

    Contract: calls after `deadline` (of `time.perf_counter`) raise OutOfTime. Instances that the cache refuses or fails
    on are counted in `failed`, and `failure` is the last reason. `worst` is the answer with the largest error / eta so
    far. What an attack draws at random it draws from `instances`, of which the cache is told nothing.
    """

    cache: Respondent
    terms: Terms
    deadline: float
    instances: PrivateSeed = field(default_factory=PrivateSeed.fresh)
    asked: int = 0
    failed: int = 0
    failure: LowerBoundError | None = None
    worst: Violation | None = None

    def state_and_answers(self, instance: Instance) -> tuple[bytes, FloatArray]:
        """The state bytes after the last cached scale, and the answers of all heads, shape (layers, heads, m, d)."""
        if time.perf_counter() > self.deadline:
            raise OutOfTime
        self.asked += 1
        return self.cache.state_and_answers(instance.terms, instance.tokens, instance.queries)

    def try_on(self, instance: Instance) -> Violation | None:
        """The worst answer to a fair instance; None if the instance is unfair or the cache fails on it."""
        if not is_fair(instance):
            return None
        try:
            found = worst(instance, self.state_and_answers(instance)[1])
        except (CacheContractBroken, InvalidArgument) as error:
            self.failed, self.failure = self.failed + 1, error
            return None
        if found is not None and (self.worst is None or found.ratio > self.worst.ratio):
            self.worst = found
        return found
