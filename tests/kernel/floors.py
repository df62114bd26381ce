"""Small floors of every kind, and a second opinion on each: the theorems' formulas in plain floats, no balls.

The second opinions read the formulas from docs/cliques.md and proofs/coq/Theorems.v again; they share no code with the
kernel or with the designs.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import betainc, betaln, gammaln, hyp2f1

Json = Any
Floats = NDArray[np.float64]


def claim_of(theorem: str, lemma: str, *, bits: int, d: int, eta: str = "1/100", delta: str = "0") -> Json:
    """A claim about five cached tokens and sixteen own ones."""
    return {
        "theorem": theorem,
        "lemmas": [lemma],
        "computation_model": "R1",
        "model": "five tokens",
        "maps": [[1, 1], [2, 2], [4, 4]],
        "context": 0,
        "d": d,
        "rule": "l2norm",
        "multiplier": "100",
        "guarantee": "relative" if theorem == "A" else "additive",
        "eta": eta,
        "delta": delta,
        "bits": bits,
    }


AFFINE_KEYS = {"length": 16, "basis": ["00ff", "0f0f", "3333", "5555"], "cosets": ["0000", "ffff"]}
"""The linear functions on four bits and their complements: 32 sign vectors, orthogonal or opposite."""
AXES = {"rows": [[1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0]]}

NATURAL_KEYS = [
    *([-1, 2, 7, -9], [3, -6, 16, -6], [-6, 2, 6, -2], [3, 8, -6, 9], [-2, -9, -3, 4], [-1, -4, 3, -4]),
    *([-7, -5, 5, -5], [-5, -9, -9, -3], [-3, -4, -4, 0], [1, -3, 8, -3], [-4, -3, 3, 0], [-9, 2, 4, -4]),
    *([-5, -1, -7, 1], [0, 9, -9, 1], [-7, 0, 2, 0], [6, 1, -4, 6], [6, -4, -8, -1], [-9, 2, 3, -9]),
    *([8, 4, 2, 3], [9, -9, 5, -8], [-4, -3, -6, -2]),
]
"""Random rows, but that row 1 points nearly where row 9 does: no query can address it among them."""


def digest_of(rows: Json) -> str:
    """The name of rows of integers in a claim: SHA-256, in hex, of their JSON without blanks."""
    return hashlib.sha256(json.dumps(rows, separators=(",", ":")).encode()).hexdigest()


FRAMES = {
    "precision": 96,
    "addresses": {"length": 8, "basis": ["aa", "cc", "f0", "ff"], "blocks": [["00", 2], ["f0", 0]]},
    "c0": "17/20",
    "tangent": "7/20",
    "tau": "1/600",
    "value_tau": "1/6000",
    "spread": "4",
    "value_levels": 50,
}
SPHERE = {"precision": 96, "mu_0": "7/10", "slack": "2", "tau": "1/100"}

FLOORS: dict[str, tuple[str, Json, Json]] = {
    "one bit a value": (
        "values_floor",
        claim_of("A", "relative_values", bits=73, d=16, eta="1/2", delta="1/100"),
        {"precision": 64, "keys": AFFINE_KEYS, "coherence": "0", "multiplier": "20", "levels": 2},
    ),
    "levels of a value": (
        "values_floor",
        claim_of("B", "additive_values", bits=451, d=16),
        {"precision": 64, "keys": AFFINE_KEYS, "coherence": "0", "multiplier": "100", "levels": 50},
    ),
    "given keys": (
        "given_keys_floor",
        {
            **claim_of("B on given keys", "given_keys_values", bits=68, d=4, delta="1/1000"),
            "keys": digest_of(NATURAL_KEYS),
        },
        {"precision": 64, "rows": NATURAL_KEYS, "asked": [0, 2, 3, 4], "multiplier": "60", "levels": 20},
    ),
    "keys read once": (
        "keys_and_values_floor",
        claim_of("C", "keys_and_values_sharp", bits=521, d=12, delta="1/1000"),
        {
            "precision": 64,
            "addresses": AXES,
            "address_dimension": 3,
            "coherence": "0",
            "rho_squared": "1/2",
            "gamma": "1/5",
            "multiplier": "100",
            "value_levels": 50,
            "key_levels": 40,
        },
    ),
    "keys read again": (
        "keys_and_values_floor",
        claim_of("C'", "zoom", bits=616, d=12),
        {
            "precision": 64,
            "addresses": AXES,
            "address_dimension": 3,
            "coherence": "0",
            "rho_squared": "1/2",
            "gamma": "1/2",
            "multiplier": "100",
            "value_levels": 50,
            "key_levels": 200,
        },
    ),
    "keys of a shell": (
        "keys_and_values_floor",
        claim_of("C'", "zoom", bits=577, d=12),
        {
            "precision": 64,
            "addresses": {"length": 4, "basis": ["f"], "norm": 4},
            "address_dimension": 4,
            "coherence": "1/2",
            "rho_squared": "1/2",
            "gamma": "1/2",
            "multiplier": "100",
            "value_levels": 50,
            "key_levels": 200,
        },
    ),
    "coherent frames": (
        "frames_floor",
        claim_of("F", "frames", bits=675, d=12),
        {**FRAMES, "levels": 280, "step": "131/100000"},
    ),
    "coherent frames with failures": (
        "frames_floor",
        claim_of("F", "frames_with_failures", bits=655, d=12, delta="1/1000"),
        {**FRAMES, "levels": 8, "digits": 5, "step": "17/12500"},
    ),
    "frames": (
        "frames_floor",
        claim_of("F'", "frames_by_classes", bits=726, d=12),
        {**FRAMES, "levels": 344, "step": "131/100000"},
    ),
    "frames with failures": (
        "frames_floor",
        claim_of("F'", "frames_by_classes_with_failures", bits=717, d=12, delta="1/1000"),
        {**FRAMES, "levels": 10, "digits": 5, "kappa": "41/2000", "gap": "41/500"},
    ),
    "collisions": (
        "collision_floor",
        claim_of("D", "collision", bits=772, d=12),
        {**SPHERE, "chain": ["3/10"], "levels": 50},
    ),
    "cliques": (
        "clique_floor",
        claim_of("E", "clique", bits=826, d=12),
        {**SPHERE, "theta_0": "3/10", "chain": ["3/10"], "values": "grid", "levels": 50},
    ),
    "strips": (
        "strips_floor",
        claim_of("G", "strips", bits=709, d=12, delta="1/100"),
        {
            "precision": 80,
            "narrowing": "cells",
            "levels": [["39/10", "187/1000"], ["167/10", "147/10000"]],
            "classes": 1,
            "c_0": "83/100",
            "w_0": "3/100",
            "x_0": "19/25",
            "tau_c": "1/1000",
            "tau_f": "1/2500",
            "tau_v": "1/100000",
            "radius": "1/50",
            "cut": "3/5",
            "a": "51",
            "theta": "19/5",
        },
    ),
    "lattice cliques": (
        "lattice_clique_floor",
        claim_of("E1", "clique_lattice", bits=819, d=12),
        {
            "precision": 96,
            "mu": "18/25",
            "tilt": "24/25",
            "steps": 2**20,
            "diameter": [1, 337],
            "levels": 50,
            "cap": [7, 10],
        },
    ),
    "strips in noise": (
        "strips_floor",
        claim_of("G", "strips", bits=725, d=12, delta="1/100"),
        {
            "precision": 80,
            "narrowing": "noise",
            "levels": [["163/50", "807/10000", "851/10000", "79/2"], ["821/1000", "43/2500", "47/2500", "179/5"]],
            "classes": 1,
            "c_0": "769/1000",
            "w_0": "17/500",
            "x_0": "771/1000",
            "tau_c": "291/500000",
            "tau_f": "361/1000000",
            "tau_v": "1/100000",
            "radius": "0",
            "cut": "639/1000",
            "a": "519/10",
            "theta": "0",
        },
    ),
}
"""The bits of each are the most that it proves; tests/kernel/rules/test_floors.py says so."""
STEPS_BITS = {"strips in noise": 1}
"""Bits that step sums lose against the integrals which they bound."""


def entropy(p: float) -> float:
    return -p * math.log2(p) - (1 - p) * math.log2(1 - p) if p else 0.0


def fano(levels: int, delta: float) -> float:
    """Bits of a symbol known up to error delta."""
    return math.log2(levels) - entropy(delta) - (delta * math.log2(levels - 1) if delta else 0.0)


def vectors(value: Json) -> list[list[int]]:
    """The vectors that a payload lists or spells."""
    if "rows" in value:
        rows: list[list[int]] = value["rows"]
        return rows
    words = {0}
    for each in value["basis"]:
        words |= {word ^ int(each, 16) for word in words}
    if "norm" in value:
        entries = range(-math.isqrt(value["norm"]), math.isqrt(value["norm"]) + 1)
        return [
            list(vector)
            for vector in itertools.product(entries, repeat=value["length"])
            if sum(x * x for x in vector) == value["norm"]
            and sum(vector) % 4 == 0
            and sum((x & 1) << k for k, x in enumerate(reversed(vector))) in words
        ]
    signs = [word ^ int(leader, 16) for leader in value["cosets"] for word in words]
    return [[1 - 2 * (word >> k & 1) for k in range(value["length"])] for word in signs]


def coherence(rows: list[list[int]]) -> float:
    """The largest cosine of two of them."""

    def cosine(one: list[int], other: list[int]) -> float:
        product = sum(a * b for a, b in zip(one, other, strict=True))
        return product / math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))

    return max(cosine(one, other) for k, one in enumerate(rows) for other in rows[:k])


def numbers(claim: Json) -> tuple[int, int, int, float, float, float]:
    """T, T_N, d, lambda, eta and delta of a claim."""
    sizes = [math.prod(sides) for sides in claim["maps"]]
    n = claim["context"] + sum(sizes[:-1])
    return n, sizes[-1], claim["d"], *(float(Fraction(claim[key])) for key in ("multiplier", "eta", "delta"))


def proved_by_values(claim: Json, payload: Json) -> float:
    """Bits that Theorems A and B prove, -1 where a condition fails."""
    n, own, d, cap, eta, delta = numbers(claim)
    mu, lam = (float(Fraction(payload[key])) for key in ("coherence", "multiplier"))
    rows, levels = vectors(payload["keys"]), payload["levels"]
    tau = (n + own - 1) * math.exp(-lam * (1 - mu))
    apart = 2 * tau < 1 - eta if claim["theorem"] == "A" else 2 * (eta + tau) * (levels - 1) < 1
    holds = len(rows) >= n + own and len(rows[0]) <= d and coherence(rows) <= mu + 1e-12 and lam <= cap
    return n * d * fano(levels, delta) if apart and holds and (claim["theorem"] != "A" or levels == 2) else -1.0


def proved_on_given_keys(claim: Json, payload: Json) -> float:
    """Bits that Theorem B proves on given keys, -1 where a condition fails; weights are NumPy's."""
    n, own, d, cap, eta, delta = numbers(claim)
    rows, asked, levels = payload["rows"], payload["asked"], payload["levels"]
    holds = digest_of(rows) == claim["keys"] and len(rows) == n + own and {len(row) for row in rows} == {d}
    holds = holds and asked == sorted(set(asked)) and set(asked) <= set(range(n)) and bool(asked)
    holds = holds and claim["rule"] == "l2norm" and float(Fraction(payload["multiplier"])) <= cap
    if not holds:
        return -1.0
    unit = np.array(rows, dtype=float)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    weights = np.exp(float(Fraction(payload["multiplier"])) * (unit[asked] @ unit.T))
    tau = 1 - weights[range(len(asked)), asked] / weights.sum(axis=1)
    return len(asked) * d * fano(levels, delta) if 2 * (eta + tau.max()) * (levels - 1) < 1 else -1.0


def proved_by_payload(claim: Json, payload: Json) -> float:
    """Bits that Theorems C and C' prove, -1 where a condition fails."""
    n, own, d, cap, eta, delta = numbers(claim)
    mu, lam, rho2, gamma = (
        float(Fraction(payload[key])) for key in ("coherence", "multiplier", "rho_squared", "gamma")
    )
    rows, value_levels, key_levels = vectors(payload["addresses"]), payload["value_levels"], payload["key_levels"]
    p = d - payload["address_dimension"] - 1
    holds = len(rows) >= n and {len(row) for row in rows} == {payload["address_dimension"]}
    holds = holds and coherence(rows) <= mu + 1e-12 and lam <= cap and 0 < rho2 < 1 and gamma > 0
    address, slope = math.sqrt(1 - rho2), lam / math.sqrt(1 + gamma**2)
    c = gamma * slope * math.sqrt(rho2 / p)
    holds = holds and 2 * (eta + (n + own - 1) * math.exp(-lam * address * (1 - mu))) * (value_levels - 1) < 1
    if claim["theorem"] == "C":
        tau = (n - 1) * math.exp(c - slope * address * (1 - mu))
        holds = holds and (2 * eta + tau) * (key_levels - 1) < math.tanh(c / 2) and math.log(own) < c * math.sqrt(p)
    else:
        tau = (n - 1) * math.exp(2 * c - slope * address * (1 - mu))
        step = 4 * math.atanh(2 * eta) + math.log1p(tau)
        holds = holds and step * (key_levels - 1) < 2 * c and c + math.log(own) < c * math.sqrt(p) and delta == 0
    return n * ((d - 1) * fano(value_levels, delta) + p * fano(key_levels, delta)) if holds else -1.0


def addresses(value: Json, width: int) -> Floats:
    """The words of all blocks as unit vectors of R^width, bit 0 first."""
    basis, words = [int(word, 16) for word in value["basis"]], []
    for leader, size in value["blocks"]:
        block = {int(leader, 16)}
        for word in basis[:size]:
            block |= {one ^ word for one in block}
        words += sorted(block)
    n = value["length"]
    rows = [[1 - 2 * (word >> k & 1) for k in range(n)] + [0] * (width - n) for word in words]
    return np.array(rows) / math.sqrt(n)


def letters(payload: Json, slope: float, eta: float, apart: float) -> Floats | None:
    """The alphabet of Theorem F, increasing; None where letters cannot be told apart."""
    levels, tau = payload["levels"], float(Fraction(payload["tau"]))
    if "step" in payload:
        h, runs = float(Fraction(payload["step"])), 2 ** payload.get("digits", 0)
        shown = 1 / (1 + np.exp(-slope * h * (np.arange(levels) - (levels - 1) / 2)))
        if slope * h <= apart or levels * runs % 2 or (runs > 1 and np.diff(shown).min() <= 2 * eta + tau / 4):
            return None
        return np.array(h * (np.arange(levels * runs) - (levels * runs - 1) / 2))
    kappa, gap = (float(Fraction(payload[key])) for key in ("kappa", "gap"))
    if not (kappa > 2 * eta + tau / 4 and kappa * (levels - 1) < 1 and gap > apart):
        return None
    shown = 1 / 2 + kappa * (np.arange(levels) - (levels - 1) / 2)
    logits = np.log(shown / (1 - shown))
    half: list[float] = []
    for _ in range(2 ** (payload["digits"] - 1)):
        half += list((half[-1] + gap if half else gap / 2) + logits - logits[0])
    return np.array([-x for x in reversed(half)] + half) / slope


def shut(q: Floats, key: Floats, c_0: float, growth: float, height: float, lam: float) -> float:
    """The least Chernoff bound on E min(1, exp(lambda (<q, k> - height))) for words of independent letters.

    Row 0 of `key` is the address, row 1 the direction that is read, and the others are the rest of the frame.
    """
    along, first, rest = q @ key[0], q @ key[1], sum((q @ row) ** 2 for row in key[2:])
    t = np.linspace(lam / 4000, lam, 4000)
    u = t * abs(first) * growth + 1e-12
    exponents = (
        -t * (height - c_0 * along) + t**2 * growth**2 * rest / 6 + u + np.log1p(-np.exp(-2 * u)) - np.log(2 * u)
    )
    return float(np.exp(min(0.0, exponents.min())))


def proved_by_frames(claim: Json, payload: Json) -> float:
    """Bits that Theorem F proves, -1 where a condition fails; the frames are built, and every pair of tokens is met."""
    n, own, d, lam, eta, delta = numbers(claim)
    c_0, half, tau, tau_v, z = (
        float(Fraction(payload[key])) for key in ("c0", "tangent", "tau", "value_tau", "spread")
    )
    phi, p, apart = 2 * math.atan(half), d - 2, 4 * math.atanh(2 * eta) + math.log1p(tau)
    cosine, sine = math.cos(phi), math.sin(phi)
    v, b = letters(payload, lam * sine, eta, apart), addresses(payload["addresses"], d - 1)
    if v is None or len(b) != n or len({tuple(row) for row in b}) != n:
        return -1.0
    positive = v[v > 0]
    growth = max(x * len(v) / (2 * k + 1) for k, x in enumerate(positive))
    x_0 = cosine * c_0 - sine * positive[0]
    conditions = (
        p * (v**2).mean() + math.sqrt(z * p * (v**2).var()) < 1 - c_0**2,
        x_0 > 0, math.log(own) < lam, min(c_0, half, tau, tau_v, z) > 0, max(c_0, half, tau, tau_v) < 1,
        lam * (cosine * c_0 + sine * v[-1]) + apart < lam + math.log(own),
        (payload["value_levels"] - 1) * (2 * eta + 2 * tau_v) < 1, own * math.exp(-lam * (1 + c_0)) < tau_v / 2,
    )  # fmt: skip
    if not all(conditions):
        return -1.0
    frames = []
    for row in b:
        mirror = np.eye(d - 1)[0] - row
        frames.append(np.eye(d - 1) - 2 * np.outer(mirror, mirror) / (mirror @ mirror))
    sides = {
        "plus": (cosine, sine, x_0 + math.log(tau) / lam),
        "minus": (cosine, -sine, x_0 + math.log(tau) / lam),
        "value": (1.0, 0.0, c_0 + math.log(tau_v / 2) / lam),
    }
    reads = dict.fromkeys(sides, 0.0)
    if claim["theorem"] == "F":
        pairs = list(itertools.permutations(range(n), 2))
        between = max(0.0, *(frames[i][0] @ frames[j][0] for i, j in pairs))
        beside = max(abs(frames[i][1:] @ frames[j][0]).max() for i, j in pairs)
        if v[-1] ** 2 >= 1 - c_0**2:
            return -1.0
        for name, (along, side, height) in sides.items():
            mu, m = along * between + abs(side) * beside, (v**2).mean()
            t = np.linspace(lam / 4000, lam, 4000)
            t = t[t * m * mu < c_0]
            exponents = -t * (height - c_0 * mu) + t**2 * m * (1 - mu**2) / 2
            reads[name] = (1 + 1 / z) * (n - 1) * math.exp(exponents.min())
    else:
        for (i, j), line in itertools.product(itertools.permutations(range(n), 2), range(1, d - 1)):
            order = [0, line, *(m for m in range(1, d - 1) if m != line)]
            for name, (along, side, height) in sides.items():
                q = along * frames[i][0] + side * frames[i][line]
                reads[name] += shut(q, frames[j][order], c_0, growth, height, lam) * (1 + 1 / z) / (n * p)
    if delta:
        wrong = delta + max(reads["plus"], reads["minus"])
        payload_bits = payload["digits"] * fano(2, wrong) + fano(payload["levels"], wrong)
    else:
        payload_bits = fano(payload["levels"], reads["plus"] + reads["minus"] / 2)
    value_bits = fano(payload["value_levels"], delta + reads["value"])
    return float(n * (p * payload_bits + (d - 1) * value_bits - math.log2(1 + 1 / z)))


def _tail(t: float, d: int) -> float:
    half = betainc((d - 1) / 2, 0.5, 1 - t * t) / 2
    return float(half if t >= 0 else 1 - half)


def _log2_cap(angle: float, d: int) -> float:
    """log2 of the part of the sphere within an acute angle of a point, whose size itself is no float for large d."""
    a, x = (d - 1) / 2, math.sin(angle) ** 2
    series = math.log(math.cos(angle) * hyp2f1(a + 0.5, 1, a + 1, x) / (2 * a))
    return float((2 * a * math.log(math.sin(angle)) + series - betaln(a, 0.5)) / math.log(2))


def near_cosine(n: int, lam: float, spread: float, mu: float) -> float:
    """The cosine that one of n keys must have at least with a key, for all of them to weigh exp(lam - spread)."""
    edge = 1 - (spread + math.log(2 * n)) / lam
    if edge <= math.sqrt(mu):
        return 1 - (spread + math.log(n)) / lam
    # Half of the weight is that of few keys, whose sum is no longer than their cosines allow.
    few = (1 - mu) / (edge * edge - mu)
    return 1 - (spread + min(math.log(n), math.log(2 * few))) / lam


def proved_on_the_sphere(claim: Json, payload: Json) -> float:
    """Bits that Theorems D and E (values on a grid) prove by a chain of one tilt, -1 where a condition fails."""
    n, own, d, lam, eta, delta = numbers(claim)
    mu, slack, tau = (float(Fraction(payload[key])) for key in ("mu_0", "slack", "tau"))
    (tilt,) = (float(Fraction(each)) for each in payload["chain"])
    first = float(Fraction(payload.get("theta_0", payload["chain"][0])))
    spread, apart, levels = 4 * math.atanh(2 * eta), math.acos(mu), payload["levels"]
    coarse = apart - math.acos(near_cosine(n, lam, spread, mu))
    left = 1 - n * math.exp(spread - lam * (1 - math.cos(coarse)))
    near_first = math.acos(1 - (spread - math.log(left)) / lam)
    gap = spread + math.log1p(tau)
    near = first - math.acos(math.cos(first) + gap / lam)
    good = 1 - n * (n - 1) / 2 * _tail(mu, d) - 1 / slack

    def leak(angle: float) -> float:
        return (n - 1) * math.exp(lam * (math.cos(apart - angle) - math.cos(angle)))

    blur = n * math.exp(-lam * (math.cos(near) - math.cos(apart - near)))
    blur += own * math.exp(-lam * (1 + math.cos(near)))
    limit = tau if claim["theorem"] == "D" else tau * math.exp(-2 * lam * near)
    conditions = (
        delta == 0, good > 0, coarse > 0, 2 * near_first < apart, near_first < first < apart, leak(first) < tau,
        leak(tilt) < limit, 3 * near < apart, (levels - 1) * (2 * eta + 2 * blur) < 1,
    )  # fmt: skip
    if not all(conditions):
        return -1.0
    bits = n * (d - 1) * math.log2(levels) + math.log2(good) - gammaln(n + 1) / math.log(2)
    if claim["theorem"] == "D":
        angle = tilt - math.acos(math.cos(tilt) + gap / lam)
        return float(bits - n * (math.log2(slack) + _log2_cap(angle, d)))
    radius = gap / (lam * (math.sin(tilt) - math.cos(tilt) * math.tan(near)))

    def log2_ball(dimension: int) -> float:
        return float((dimension / 2 * math.log(math.pi) - gammaln(dimension / 2 + 1)) / math.log(2))

    sphere = log2_ball(d) + math.log2(d) + math.log2(math.cos(near))
    body = log2_ball(d - 1) + (d - 1) * math.log2(radius)
    return float(bits + n * (d - 1 + sphere - body - math.log2(slack)))


def _density(x: float, d: int) -> float:
    """Density of a coordinate of a uniform unit vector of R^d."""
    constant = math.exp(gammaln(d / 2) - gammaln((d - 1) / 2)) / math.sqrt(math.pi)
    return float(constant * (1 - x * x) ** ((d - 3) / 2))


def _logistic(x: float) -> float:
    return 1 / (1 + math.exp(-x))


def _log2_sphere(n: int) -> float:
    return 1 + float((n / 2 * math.log(math.pi) - gammaln(n / 2)) / math.log(2))


def proved_by_strips(claim: Json, payload: Json) -> float:
    """Bits that Theorem G proves by quadrature, where the kernel has step sums; -1 where a condition fails."""
    count, own, d, lam, eta, delta = numbers(claim)
    c_0, w_0, x_0, tau_c, tau_f, tau_v, radius, cut, a, theta = (
        float(Fraction(payload[key]))
        for key in ("c_0", "w_0", "x_0", "tau_c", "tau_f", "tau_v", "radius", "cut", "a", "theta")
    )
    levels = [tuple(float(Fraction(number)) for number in level) for level in payload["levels"]]
    cells, n, m = payload["narrowing"] == "cells", d - 1, d - 2
    numbers_used = (c_0, w_0, x_0, tau_c, tau_f, tau_v, cut, a, *((radius, theta) if cells else ()))
    if min(*numbers_used, *(min(level) for level in levels)) <= 0 or not 0 < eta < 0.25:
        return -1.0
    if c_0 + w_0 >= 1 or x_0 >= 1 or radius >= 0.5 or (not cells and (radius or theta)):
        return -1.0
    long, short = math.sqrt(1 - c_0**2), math.sqrt(1 - (c_0 + w_0) ** 2)

    def wrong(height: float, tau: float) -> float:
        top = height + math.log(tau) / lam
        inside, _ = quad(lambda x: math.exp(lam * (x - top)) * _density(x, d), max(-1.0, top - 40 / lam), top)
        return float(delta + (count - 1) * (_tail(top, d) + inside))

    def interval(gain: float, offset: float, most: float) -> float:
        top = _logistic(gain * offset) + 2 * eta + tau_c
        return min(most, math.log(top / (1 - top)) / gain - offset) if top < 1 else most

    rates, slopes = [wrong(c_0 + w_0 / 2, tau_c), wrong(1.0, tau_v / 2)], [levels[0][0] / (lam * short)]
    bend, _ = quad(lambda x: 2 * math.log2(math.cosh(lam * w_0 / 4 * x)), 0, 1)
    known = math.log2(w_0 * lam / 4) - bend - entropy(rates[0]) - (1 - rates[0]) * math.log2(2 * eta + tau_c)
    known -= n * (entropy(rates[1]) + (1 - rates[1]) * math.log2(2 * eta + 2 * tau_v))
    reached = math.log(own) < lam and own * math.exp(-2 * lam) <= tau_v / 2
    if cells:
        parents = [2.0, *(width for _, width in levels)]
        for k, (gain, width) in enumerate(levels):
            parent = parents[k]
            slopes.append(gain / (lam * short))
            if slopes[-1] >= 1 or width >= parent or (k and gain * parent / 2 >= math.log(own)):
                return -1.0
            rates.append(wrong(c_0 * math.sqrt(1 - slopes[-1] ** 2), tau_c))

            def listed(x: float, gain: float = gain, parent: float = parent, width: float = width, k: int = k) -> float:
                share = 2 * _density(x, n) if k == 0 else 1.0
                return share * math.log2(1 + interval(gain, x * parent / 2, parent) / width)

            cost, _ = quad(listed, 0, 1, limit=200)
            known -= n * (entropy(rates[-1]) + rates[-1] * math.log2(parent / width + 2) + cost)
        growth, _ = quad(lambda u: math.exp(theta * u * u), 0, 1)
        outside = math.exp(n * math.log(growth) - 4 * theta * (radius / levels[-1][1]) ** 2)
        farthest = n * levels[-1][1] ** 2 / 4
    else:
        outside, reach = 0.0, 1.0
        for k, (steepness, edge, spread, weight) in enumerate(levels):
            space, blur = (m, 0.0) if k else (n, 0.0)
            far = slope = steepness
            if (k == 0 and slopes[0] >= 1) or (k and (steepness >= 1 or radius + spread >= 1)):
                return -1.0
            height = c_0 * math.sqrt(1 - slopes[0] ** 2)
            if k:
                fall = steepness * long**2 * (1 - math.sqrt(1 - radius**2))
                blur, steep = lam * fall / (2 * payload["classes"]), lam * math.sqrt(1 - steepness**2)
                far, slope, height, reach = steep * long * radius, steep * short, steepness - fall, radius
                known -= math.log2(payload["classes"])

            def missed(
                x: float, far: float = far, slope: float = slope, blur: float = blur, edge: float = edge
            ) -> float:
                return min(edge, (interval(1.0, far * x + blur, 2 * slope * edge) / 2 + blur) / slope) ** 2

            misses, _ = quad(lambda x, space=space, missed=missed: 2 * _density(x, space) * missed(x), 0, 1, limit=200)
            rate = wrong(height, tau_c) + (spread**2 / (space + 2) + misses) / edge**2

            def held(t: float, space: int = space, weight: float = weight) -> float:
                if t == 0:
                    return -math.inf
                inner, _ = quad(lambda x: 2 * x * x * _density(x, space), 0, min(1.0, 1 / t))
                profile = (2 * _tail(1 / t, space) if t > 1 else 0.0) + t * t * inner
                return float((space - 1) * math.log(t) - weight * profile)

            volume = _log_integral(held, 0, (reach + spread) / edge)
            ball = _log2_sphere(space) - math.log2(space)
            known -= _log2_sphere(space) + volume / math.log(2) + space * math.log2(edge / spread) - ball
            known -= weight * rate / math.log(2)
            radius = spread / math.sqrt(1 - (radius + spread) ** 2) if k else spread
        farthest = radius**2
    if farthest >= 0.25:
        return -1.0
    fall = x_0 * long**2 * (1 - math.sqrt(1 - radius**2))
    blur, steep = lam * fall / (2 * payload["classes"]), lam * math.sqrt(1 - x_0**2)
    low, beyond = _logistic(cut) - 2 * eta - tau_f, (cut - blur) / (steep * long * radius)
    if not (reached and max(*rates, outside) < 0.5 < low and beyond > 0):
        return -1.0
    strip = (cut - math.log(low / (1 - low))) / 2 + blur
    rate = wrong(x_0 - fall, tau_f) + (2 * _tail(beyond, m) if beyond < 1 else 0.0)
    end = steep * long * radius / strip
    if end < 1:  # the ball ends within the strip, where the other integrand is 1
        whole = math.log2(1 / m + quad(lambda s: s ** (m - 1) * math.exp(-2 * a * _tail(1.0, m)), 1, end)[0])
    else:
        rest = _log_integral(lambda s: (m - 1) * math.log(s) - a * 2 * _tail(1 / s, m), 1, end)
        whole = float(np.logaddexp(-math.log(m), rest)) / math.log(2)
    ball = m * math.log2(strip / steep / math.sqrt(long * short)) + _log2_sphere(m) + whole
    left = ball + a * rate / math.log(2) + outside * abs(ball) + entropy(outside) + math.log2(payload["classes"])
    return float(count * (known + _log2_sphere(n) - left + math.log2(1 - farthest) / 2))


def _log_integral(log: Callable[[float], float], low: float, high: float) -> float:
    """The logarithm of the integral of e^log, whose size floats need not hold."""
    peak = max(log(x) for x in np.linspace(low, high, 100)[1:])
    scaled, _ = quad(lambda x: math.exp(log(x) - peak), low, high, limit=400)
    return peak + math.log(scaled) if scaled > 0 else -math.inf


def proved_over_a_lattice(claim: Json, payload: Json) -> float:
    """Bits that Theorem E1 proves, -1 where a condition fails: its Coq statement in angles, with logs for powers."""
    n, own, d, lam, eta, delta = numbers(claim)
    spread, levels = 2 * math.log((1 + 2 * eta) / (1 - 2 * eta)), payload["levels"]
    (k, m), (small, large) = payload["diameter"], payload["cap"]
    mu, tilt = (math.acos(float(Fraction(payload[key]))) for key in ("mu", "tilt"))
    side = math.sqrt(d - 1) / payload["steps"]
    coarse = near_cosine(n, lam, spread, math.cos(mu))
    if not math.cos(mu) < coarse or not tilt < mu or delta:
        return -1.0

    def others(angle: float, least: float) -> float:
        """What the other keys weigh, against e^least, at a query of this angle with its own key."""
        return (n - 1) * math.exp(lam * math.cos(mu - angle) - least)

    missing = others(math.acos(coarse), lam - spread)
    turned = math.cos(tilt) + (spread + math.log1p(others(tilt, lam * math.cos(tilt)))) / lam
    if missing >= 1 or turned >= 1:
        return -1.0
    match, near = math.acos(max(0.0, 1 - (spread - math.log(1 - missing)) / lam)), tilt - math.acos(turned)
    clean = others(near, lam * math.cos(near)) + own * math.exp(-lam * (1 + math.cos(near)))
    conditions = (
        2 * match < mu, match < tilt, 2 * near < tilt, near < mu,
        math.log(own) + spread / 2 < lam * (1 + math.cos(tilt)),
        m * ((2 * math.sin(near / 2) + side) / k + side) <= 1, 2 * (eta + clean) * (levels - 1) < 1,
        large * (math.sin(mu) / small + side) <= 1,
        1 + 2 * math.log2(n) + (d - 1) * math.log2(small / large) <= 0,
    )  # fmt: skip
    bits = n * (d - 1) * math.log2(2 * m / k * levels) - math.lgamma(n + 1) / math.log(2) - 1
    return bits if all(conditions) else -1.0


PROVED = {
    "values_floor": proved_by_values,
    "given_keys_floor": proved_on_given_keys,
    "keys_and_values_floor": proved_by_payload,
    "frames_floor": proved_by_frames,
    "collision_floor": proved_on_the_sphere,
    "clique_floor": proved_on_the_sphere,
    "strips_floor": proved_by_strips,
    "lattice_clique_floor": proved_over_a_lattice,
}


def holds_floor(kind: str, claim: Json, payload: Json) -> bool:
    """Whether the payload proves the claim, by the formulas in floats, up to a millionth of a bit."""
    known = ("A", "B", "B on given keys", "C", "C'", "F", "F'", "G", "E1", "D", "E")
    if claim["theorem"] not in known or len(payload.get("chain", ["one"])) != 1:
        return False
    return bool(PROVED[kind](claim, payload) >= claim["bits"] - 1e-6)


def holds_transcript(claim: Json, payload: Json) -> bool:
    """Whether a transcript says what is claimed, by binomial sums and entropies in floats."""
    tail = (1 - float(Fraction(claim["confidence"]))) / (2 * len(claim["parts"]))
    proved = 0.0
    for part, asked, answered, rates in zip(
        claim["parts"], payload["asked"], payload["answered"], payload["rates"], strict=True
    ):
        n, levels = claim["tokens"] * part["columns"], part["levels"]
        width = (levels - 1).bit_length()
        said, heard = (format(int(text, 16), f"0{4 * len(text)}b") for text in (asked, answered))
        wrong = sum(said[k * width : k * width + width] != heard[k * width : k * width + width] for k in range(n))
        low, high = (float(Fraction(rate)) for rate in rates)

        def at_most(count: int, rate: float, n: int = n) -> float:
            return sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(count + 1))

        if wrong != part["errors"] or at_most(wrong, high) > tail or 1 - at_most(wrong - 1, low) > tail + (low == 0):
            return False
        if not low <= 1 - 1 / levels <= high:
            proved += n * fano(levels, high if high < 1 - 1 / levels else low)
    bits = 4 * len(payload["message"]) + 64
    return bool(bits == claim["message_bits"] and claim["floor_bits"] <= min(proved + 1e-9, bits))
