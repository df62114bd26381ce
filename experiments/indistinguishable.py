"""Question: does one admissible query separate two instances that lie just outside the body of Theorem E?

Claim that could be refuted: if two keys of a token differ by slightly more than rho(u), or if keys and values together
exceed the shared budget, then some query gives outputs more than 2 eta apart, even if every other key of both instances
moves against that query as far as a clique allows. Cost: five seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound.certify.design.cliques import clique_shared_design
from lowerbound.certify.design.target import Design, Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule

Outcome = Literal["supported", "refuted", "undecided"]
FloatArray = NDArray[np.float64]

TABLE = Path("results/indistinguishable.json")
ETAS = (Fraction(1, 10), Fraction(1, 100), Fraction(1, 1000))
HEAD = (424, 256, 64)
"""T, T_N and d of VAR models of 256 pixels."""
OUTSIDE = 1.001
INSIDE = 0.45
"""The share of the body's radius at which most pairs must stay together; the Brunn-Minkowski step leaves half."""
KEYS, PAIRS = 120, 60
ROUNDING = 1e-9


@dataclass(frozen=True)
class Body:
    """The numbers by which a design bounds indistinguishable pairs, in floats."""

    multiplier: float
    eta: float
    gap: float
    near: float
    limit: float
    chain: FloatArray
    n_own: int

    @classmethod
    def of(cls, target: Target, design: Design) -> Body:
        """The numbers of a design of Theorem E for one head and error."""
        eta, lam = float(target.eta), float(target.multiplier)
        tau, first = (float(Fraction(design.payload[key])) for key in ("tau", "theta_0"))
        gap = 4 * np.arctanh(2 * eta) + np.log1p(tau)
        near = first - np.arccos(np.cos(first) + gap / lam)
        chain = np.array([float(Fraction(tilt)) for tilt in design.payload["chain"]])
        return cls(lam, eta, gap, float(near), tau * np.exp(-2 * lam * near), chain, target.n_own)

    def open_tilt(self, keys: FloatArray, token: int, direction: FloatArray) -> tuple[float, FloatArray]:
        """The steepest tilt of the chain that is open for at least one sign, and its query."""
        others = np.delete(keys, token, axis=0)
        for tilt in self.chain[::-1]:
            for sign in (1, -1):
                query = np.cos(tilt) * keys[token] + sign * np.sin(tilt) * direction
                if np.exp(self.multiplier * (others @ query - np.cos(tilt))).sum() <= self.limit:
                    return float(tilt), query
        raise AssertionError("the first tilt of a chain is always open on coherent keys")

    def radius(self, tilt: float) -> float:
        """How far apart indistinguishable keys may lie where this tilt is open."""
        return float(self.gap / (self.multiplier * (np.sin(tilt) - np.cos(tilt) * np.tan(self.near))))


def unit(rows: FloatArray) -> FloatArray:
    """Rows of norm 1."""
    return np.asarray(rows / np.linalg.norm(rows, axis=-1, keepdims=True))


def coherent_keys(rng: np.random.Generator, n: int, d: int, limit: float) -> FloatArray:
    """Uniform unit keys, redrawn all together until no two have a cosine over the limit."""
    while True:
        keys = unit(rng.normal(size=(n, d)))
        gram = keys @ keys.T
        np.fill_diagonal(gram, -1)
        if gram.max() <= limit:
            return keys


def moved_against(keys: FloatArray, query: FloatArray, token: int, angle: float, sign: float) -> FloatArray:
    """The keys, all but that of `token` rotated by an angle toward a query (sign 1) or away from it (sign -1)."""
    tangent = query[None, :] - (keys @ query)[:, None] * keys
    turned: FloatArray = np.cos(angle) * keys + sign * np.sin(angle) * unit(tangent)
    turned[token] = keys[token]
    return turned


def log_mass(keys: FloatArray, query: FloatArray, multiplier: float) -> float:
    """The natural logarithm of the sum of all keys' weights."""
    logits = multiplier * keys @ query
    peak = logits.max()
    return float(peak + np.log(np.exp(logits - peak).sum()))


def key_gap(body: Body, keys: FloatArray, token: int, direction: FloatArray, share: float) -> float:
    """Difference of output 0 over 2 eta, for two keys of a token `share` radii apart and the worst other keys.

    Bob's reference lies in the middle, so that a change D of the log mass shows as tanh(|D| / 4).
    """
    tilt, query = body.open_tilt(keys, token, direction)
    step = share * body.radius(tilt) / 2 * direction
    ahead = 1.0 if query @ direction >= 0 else -1.0
    pair = []
    for side in (1.0, -1.0):
        others = moved_against(keys, query, token, body.near, -ahead * side)
        others[token] = side * step + np.sqrt(1 - step @ step) * keys[token]
        pair.append(log_mass(others, query, body.multiplier))
    return float(np.tanh(abs(pair[0] - pair[1]) / 4) / (2 * body.eta))


def joint_gap(body: Body, keys: FloatArray, token: int, direction: FloatArray, time: float, value: float) -> float:
    """The same for keys `time` radii apart whose values differ by slightly more than the width left for them."""
    tilt, query = body.open_tilt(keys, token, direction)
    step = time * body.radius(tilt) / 2 * direction
    one, other = (side * step + np.sqrt(1 - step @ step) * keys[token] for side in (1.0, -1.0))
    change, eta = time * body.gap, body.eta
    tau = np.exp(body.gap - 4 * np.arctanh(2 * eta)) - 1
    gaps = []
    for sign in (1.0, -1.0):
        rises = sign * (query @ (one - other)) > 0
        own = 0.0 if rises else 1.0
        amplitude = (value if rises else 1 - value) - 2 * eta
        weight = np.sqrt(2 * eta / max(amplitude * change, 1e-300)) if amplitude > 0 else 1.0
        width, odds = 2 * eta, 9.0
        if weight < 0.9998:
            odds = float(np.log(weight / (1 - weight)))
            mixed = 1 / (1 + np.exp(-odds))
            moved = min(1 / (1 + np.exp(-odds - change)) - mixed, mixed - 1 / (1 + np.exp(-odds + change)))
            width = float(np.clip((2 * eta + 2 * tau - amplitude * moved) / mixed, 0, 2 * eta))
        apart = sign * (OUTSIDE * width + 3 * tau * (width >= 2 * eta))
        if not 0 <= value - apart / 2 <= 1 or not 0 <= value + apart / 2 <= 1:
            continue
        reads = []
        for log_odds in (odds, 16.0):
            outputs = []
            for key, shown in ((one, value + apart / 2), (other, value - apart / 2)):
                logit = body.multiplier * key @ query
                rest = np.delete(keys, token, axis=0)
                reference = body.multiplier * other @ query - log_odds
                peak = max(logit, reference)
                weights = np.exp([logit - peak, reference - peak])
                stray = np.exp(body.multiplier * rest @ query - peak).sum()
                outputs.append((weights @ [shown, own]) / (weights.sum() + stray))
            reads.append(abs(outputs[0] - outputs[1]))
        gaps.append(max(reads) / (2 * eta))
    return min(gaps, default=np.inf)


def played(eta: Fraction, rng: np.random.Generator, *, keys: int, pairs: int) -> dict[str, Any]:
    """One row: the least gap over 2 eta of pairs outside the body, and how many pairs well inside stay together."""
    n, own, d = HEAD
    head = Geometry("one head", ScaleSchedule(((1, n), (1, own))), d)
    target = Target(head, eta, Fraction(0))
    design = clique_shared_design(target)
    body, limit = Body.of(target, design), float(Fraction(design.payload["mu_0"]))
    drawn = coherent_keys(rng, n, d, limit)
    outside, together, joint = [], 0, []
    for _ in range(keys):
        token = int(rng.integers(n))
        tangent = rng.normal(size=d)
        direction = unit(tangent - (tangent @ drawn[token]) * drawn[token])
        outside.append(key_gap(body, drawn, token, direction, OUTSIDE))
        together += key_gap(body, drawn, token, direction, INSIDE) <= 1
    for _ in range(pairs):
        token = int(rng.integers(n))
        tangent = rng.normal(size=d)
        direction = unit(tangent - (tangent @ drawn[token]) * drawn[token])
        joint.append(joint_gap(body, drawn, token, direction, float(rng.uniform(0.3, 1)), float(rng.random())))
    return {
        "eta": str(eta),
        "keys": keys,
        "least_key_gap": min(outside),
        "inside_together": together,
        "pairs": pairs,
        "least_joint_gap": min(joint),
    }


def run() -> Outcome:
    """Play every eta, write results/indistinguishable.json, print one sentence."""
    rng = np.random.default_rng(0)
    rows = [played(eta, rng, keys=KEYS, pairs=PAIRS) for eta in ETAS]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"head": HEAD, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    outcome = verdict(rows)
    least = min(min(row["least_key_gap"], row["least_joint_gap"]) for row in rows)
    print(
        f"indistinguishable: {outcome}: {sum(row['keys'] + row['pairs'] for row in rows)} pairs just outside the body, "
        f"the closest {least:.4f} times 2 eta apart"
    )
    return outcome


def verdict(rows: list[dict[str, Any]]) -> Outcome:
    """Refuted by a single pair outside the body that its query does not separate."""
    least = min(min(row["least_key_gap"], row["least_joint_gap"]) for row in rows)
    return "refuted" if least <= 1 - ROUNDING else "undecided" if least <= 1 + ROUNDING else "supported"
