"""Question: with public weights, how much time does each bit that a cache saves cost?

Claims that could be refuted: a cache that keeps the newest scales as values and the ids of the others reads every bit,
however many scales it keeps. If it keeps none, it stores log2 V bits per id of all maps but the last two, and 16 bits
for a counter, which is below the floor of model R1. Each further scale that it keeps costs bits and saves rows to
replay, and the time of an answer, with the game's miniature network, falls with those rows. A rank correlation of rows
and seconds under 0.9 leaves the last claim undecided, because clocks are noisy. Cost: five seconds.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from experiments.table import Outcome, save
from lowerbound.caches.controls.recompute import SCALE_BITS
from lowerbound.core.bits import LENGTH_PREFIX_BITS, BitReader, BitWriter, EncodedState, state_bits
from lowerbound.core.cache import Cache, ComputationModel, FloatArray, Public, check_pairs
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import Model, find_model
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.errors import InvalidArgument
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.reduction import plan_reduction

SPEC: dict[str, Any] = {
    "models": ["var-d16", "var-d36-512", "infinity-2b-0.25m"],
    "seed": 0,
    "repeats": 5,
    "correlation": 0.9,
}


class Replay(Cache):
    """The newest `n_kept` cached scales as value bits, and the ids from which all older values are computed.

    Idea: between the cache that replays everything and the one that replays nothing. Bits: d per kept token, and log2 V
    per id of the scales from which the older ones are computed. Broken by: nothing that the public network makes.
    """

    family: ClassVar[str] = "recompute"
    computation_model: ClassVar[ComputationModel] = "R2"

    def __init__(self, public: Public, n_kept: int) -> None:
        super().__init__(public)
        if public.network is None or public.keys is None or public.grid is None:
            raise InvalidArgument("a replay must be played in model R2, where values come from public weights")
        self._network, self._public_keys, self._grid = public.network, public.keys.unit, public.grid
        self._first_kept = public.schedule.n_scales - 1 - n_kept
        self._n_scales = 0
        self._ids = np.zeros(0, dtype=np.int64)
        self._kept = np.zeros((0, public.d), dtype=np.int64)
        self._own: tuple[FloatArray, FloatArray] = (np.zeros((0, public.d)), np.zeros((0, public.d)))

    def append(self, keys: FloatArray, values: FloatArray, scale: int, queries: FloatArray | None = None) -> None:
        check_pairs(self.public, keys, values, queries)
        if scale == self.public.schedule.n_scales - 1:
            self._own = (np.concatenate([self._own[0], keys]), np.concatenate([self._own[1], values]))
            return
        bits = self._grid.decode(values)
        if scale >= self._first_kept:
            self._kept = np.concatenate([self._kept, bits])
        else:
            self._ids = np.concatenate([self._ids, self._network.infer_ids(scale, bits, self._ids)])
        self._n_scales = scale + 1

    def attend(self, queries: FloatArray) -> FloatArray:
        replayed = [self._network.values(scale, self._ids) for scale in range(min(self._n_scales, self._first_kept))]
        old = self._grid.level_array[np.concatenate([*replayed, self._kept])]
        keys = np.concatenate([self._public_keys[: len(old)], self._own[0]])
        answers: FloatArray = attention(queries, keys, np.concatenate([old, self._own[1]]), rule=self.public.rule)
        return answers

    def encode(self) -> EncodedState:
        writer = BitWriter()
        writer.uints("indices", [self._n_scales], width=SCALE_BITS)
        writer.uints("payload", self._ids, width=self._network.id_bits)
        writer.uints("payload", self._kept.ravel(), width=1)
        return writer.encoded()

    def decode(self, data: bytes) -> None:
        schedule, reader = self.public.schedule, BitReader(data)
        self._n_scales = int(reader.uints(1, width=SCALE_BITS)[0])
        replayed = min(self._n_scales, self._first_kept)
        n_ids = sum(schedule.map_size(scale) for scale in range(max(0, replayed - 1)))
        n_kept = sum(schedule.map_size(scale) for scale in range(self._first_kept, self._n_scales))
        self._ids = reader.uints(n_ids, width=self._network.id_bits)
        self._kept = reader.uints(n_kept * self.public.d, width=1).reshape(n_kept, self.public.d)
        reader.end()


def measured(model: Model, n_kept: int) -> dict[str, Any]:
    """One game: bits, rows to replay, seconds of one answer, and symbols misread."""
    plan = plan_reduction(Geometry.of(model), seed=SPEC["seed"]).in_model_r2()
    protocol = CacheProtocol(plan, lambda: Replay(plan.public(), n_kept))
    symbols = plan.symbols_of(plan.draw(PrivateSeed(0), 0))
    message = protocol.alice(symbols)
    cache = protocol.new_cache()
    cache.decode(message)
    seconds = []
    for _ in range(SPEC["repeats"]):
        start = time.perf_counter()
        cache.attend(0, plan.queries[None, :1])
        seconds.append(time.perf_counter() - start)
    schedule = plan.schedule
    first = schedule.n_scales - 1 - n_kept
    return {
        "model": model.name,
        "kept_scales": n_kept,
        "bits": state_bits(message),
        "floor_r1_bits": schedule.n_tokens_cached * model.head_dim,
        "replay_bits": model.replay_bits,
        "rows_replayed": sum(schedule.map_size(scale) for scale in range(first)),
        "seconds": min(seconds),
        "misread": int((protocol.bob(message).reshape(symbols.shape) != symbols).sum()),
    }


def run() -> Outcome:
    """Play each model with more and more scales kept, and compare."""
    from scipy.stats import spearmanr

    rows: list[dict[str, Any]] = []
    wrong: list[str] = []
    noisy: list[str] = []
    told: list[str] = []
    for name in SPEC["models"]:
        model = find_model(name)
        some = [measured(model, n_kept) for n_kept in range(model.visible_schedule.n_scales)]
        rows += some
        none, everything = some[0], some[-1]
        wrong += [f"{name}, {row['kept_scales']} kept: {row['misread']} misread" for row in some if row["misread"]]
        beyond = none["bits"] - none["replay_bits"] - SCALE_BITS - LENGTH_PREFIX_BITS
        if not 0 <= beyond < 8:
            wrong.append(f"{name}: {none['bits']} bits, and the ids are {none['replay_bits']}")
        if none["bits"] >= none["floor_r1_bits"]:
            wrong.append(f"{name}: not under the floor of R1")
        # The oldest scale has one row and needs no id: keeping it as well saves replaying a row and costs d bits.
        if any(a["bits"] >= b["bits"] or a["rows_replayed"] <= b["rows_replayed"] for a, b in pairwise(some)):
            wrong.append(f"{name}: a scale kept costs no bits")
        rank = float(spearmanr([row["rows_replayed"] for row in some], [row["seconds"] for row in some]).statistic)
        if rank < SPEC["correlation"]:
            noisy.append(f"{name}: rank correlation {rank:.2f} of rows replayed and seconds")
        told.append(
            f"{name} {none['bits']:,} bits and {none['seconds'] * 1e3:.1f} ms an answer against "
            f"{everything['bits']:,} and {everything['seconds'] * 1e3:.1f} ms"
        )
    outcome: Outcome = "refuted" if wrong else "undecided" if noisy else "supported"
    sentence = f"one head that replays all, against one that replays nothing: {'; '.join(told)}; every bit is read"
    return save("recompute", SPEC, rows, outcome, "; ".join(wrong or noisy) or sentence)
