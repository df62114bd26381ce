"""Question: what does one reading of one bit look like, with every number in it?

Claim that could be refuted: on a small pyramid Bob reads every bit of Alice from the bytes of a cache, so that the
bytes hold at least as many bits; every query's weight on its own token is over the proved 1 - tau, and every output
lies on its bit's side of the threshold. Cost: a second.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments.table import Outcome, save
from lowerbound.caches.registry import find_cache
from lowerbound.core.bits import state_bits
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.attention import attention_weights
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import plan_reduction

SPEC: dict[str, Any] = {
    "maps": "1x1 2x2 3x3 4x4 5x5",
    "d": 24,
    "keys": "greedy",
    "eta": "1/10",
    "seed": 3,
    "cache": "exact",
    "token": 21,
    "coordinate": 10,
}


def run() -> Outcome:
    """Play one game, and write down all of its numbers."""
    schedule, d = ScaleSchedule.parse(SPEC["maps"]), SPEC["d"]
    n, token, coordinate = schedule.n_tokens_cached, SPEC["token"], SPEC["coordinate"]
    plan = plan_reduction(Geometry("small", schedule, d), eta=SPEC["eta"], key_family=SPEC["keys"], seed=SPEC["seed"])
    bits = plan.symbols_of(plan.draw(PrivateSeed(0), 0))
    cache_class = find_cache(SPEC["cache"])
    protocol = CacheProtocol(plan, lambda: cache_class(plan.public()))
    message = protocol.alice(bits)
    read = protocol.bob(message).reshape(n, d)
    bits = bits.reshape(n, d)
    weights = attention_weights(plan.queries[:n], plan.keys.unit, rule=plan.rule)
    own = weights[np.arange(n), np.arange(n)]
    threshold = float(plan.grid.thresholds[0])
    outputs = _outputs(protocol, message)
    sides = outputs > threshold
    right = np.array_equal(read, bits) and np.array_equal(sides, bits.astype(bool)) and 8 * len(message) >= bits.size
    heavy = bool((1 - own <= float(plan.leakage + plan.rounding)).all())
    row = {
        "maps": [list(shape) for shape in schedule.shapes],
        "bits": bits.tolist(),
        "read": read.tolist(),
        "message": np.unpackbits(np.frombuffer(message, dtype=np.uint8)).tolist(),
        "message_bits": state_bits(message),
        "gram": np.round(plan.keys.unit @ plan.keys.unit.T, 6).tolist(),
        "weights": np.round(weights[token], 9).tolist(),
        "outputs": np.round(outputs[:, coordinate], 9).tolist(),
        "token": token,
        "coordinate": coordinate,
        "coherence": str(plan.coherence),
        "family": plan.keys.family,
        "multiplier": float(plan.multiplier),
        "leakage": float(plan.leakage),
        "threshold": threshold,
        "eta": SPEC["eta"],
    }
    sentence = (
        f"all {bits.size} bits of {SPEC['maps']} in R^{d} are read, at threshold {threshold:.3f}, from a message of "
        f"{8 * len(message)} bits; own weights are at least {own.min():.4f}, proved {1 - float(plan.leakage):.4f}"
    )
    return save("anatomy", SPEC, [row], "supported" if right and heavy else "refuted", sentence)


def _outputs(protocol: CacheProtocol, message: bytes) -> NDArray[np.float64]:
    """The answers, (tokens, d), of the cache in this message to queries along the key of each cached token."""
    plan = protocol.reduction
    cache = protocol.new_cache()
    cache.decode(message)
    run = next(plan.reading())
    cache.append(0, run.keys[0], run.values[0], plan.schedule.n_scales - 1, run.queries[0])
    (answers,) = cache.attend(0, plan.queries[None, : plan.schedule.n_tokens_cached])
    return answers
