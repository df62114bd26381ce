"""Question: do the reads of Theorem G go wrong as rarely, and leave as little open, as its proof says?

Claim that could be refuted: on drawn instances of one VAR head, with answers pushed by eta to either side, no read is
misled more often than claimed, lists of cells are as short and profiles of noise as low, what is left is as near, and
no shift of strips holds more than centred ones. Cost: a minute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import quad
from scipy.special import betainc, gammaln

from experiments.centred_strips import planar_strips, refined_strips, unit
from experiments.tally import Tally
from lowerbound.certify.design.strips import strips_cells_design, strips_noise_design
from lowerbound.certify.design.target import Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.schedule import ScaleSchedule

Outcome = Literal["supported", "refuted", "undecided"]
FloatArray = NDArray[np.float64]

TABLE = Path("results/strips.json")
ERRORS = ((Fraction(1, 100), Fraction(1, 100)), (Fraction(1, 1000), Fraction(1, 100)), (Fraction(1, 100), Fraction(0)))
"""Pairs of eta and delta."""
HEAD = (424, 256, 64)
"""T, T_N and d of VAR models of 256 pixels."""
INSTANCES, SHIFTS, POINTS = 300, 60, 200_000
READS_PER_LEVEL, DIRECTIONS = 4, 6


def logistic(x: FloatArray | float) -> Any:
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def logit(t: float) -> float:
    """Its inverse; infinite outside (0, 1)."""
    return float(np.log(t / (1 - t))) if 0 < t < 1 else float(np.copysign(np.inf, t - 0.5))


def beyond(t: float, d: int) -> float:
    """P(x > t) for t >= 0 and a coordinate x of a uniform unit vector of R^d."""
    return float(betainc((d - 1) / 2, 0.5, max(0.0, 1 - t * t)) / 2)


@dataclass(frozen=True)
class Plan:
    """The numbers of a design of Theorem G, and what its proof claims with them."""

    target: Target
    narrowing: str
    levels: tuple[tuple[float, ...], ...]
    classes: int
    c_0: float
    w_0: float
    x_0: float
    tau_c: float
    tau_f: float
    tau_v: float
    radius: float
    cut: float
    theta: float

    @classmethod
    def of(cls, target: Target, narrowing: str) -> Plan:
        """The plan of the best design for a target that narrows keys down by "cells" or by "noise"."""
        design = (strips_cells_design if narrowing == "cells" else strips_noise_design)(target)
        if design is None:
            raise AssertionError(f"Theorem G has a design at eta = {target.eta}, delta = {target.delta}")
        names = ("c_0", "w_0", "x_0", "tau_c", "tau_f", "tau_v", "radius", "cut", "theta")
        numbers = {name: float(Fraction(design.payload[name])) for name in names}
        levels = tuple(tuple(float(Fraction(number)) for number in level) for level in design.payload["levels"])
        plan = cls(target, narrowing, levels, design.payload["classes"], **numbers)
        return plan if narrowing == "cells" else replace(plan, radius=plan.radii[-1])

    @property
    def cap(self) -> float:
        """The largest logit."""
        return float(self.target.multiplier)

    @property
    def eta(self) -> float:
        """The error of an answer."""
        return float(self.target.eta)

    @property
    def bend(self) -> float:
        """The largest bend of a point within the radius."""
        return float(1 - np.sqrt(1 - self.radius**2))

    def leaks(self, height: float, tau: float) -> float:
        """The claimed bound on how often other keys weigh more than tau at a height."""
        d, lam, top = self.target.d, self.cap, height + np.log(tau) / self.cap
        scale = np.exp(gammaln(d / 2) - gammaln((d - 1) / 2)) / np.sqrt(np.pi)
        inside, _ = quad(lambda x: scale * np.exp(lam * (x - top)) * (1 - x * x) ** ((d - 3) / 2), top - 0.4, top)
        return float((self.target.n_tokens - 1) * (beyond(top, d) + inside))

    def height(self, gain: float) -> float:
        """The least height of a read of this gain."""
        return float(self.c_0 * np.sqrt(1 - (gain / self.cap) ** 2 / (1 - (self.c_0 + self.w_0) ** 2)))

    def interval(self, gain: float, offset: float, most: float) -> float:
        """The longest interval in which a read leaves a coordinate at this distance from its reference."""
        top = logistic(gain * offset) + 2 * self.eta + self.tau_c
        return min(most, logit(top) / gain - offset) if top < 1 else most

    def list_cost(self, level: int) -> float:
        """The claimed mean of log2 of the number of cells that remain, where no read is misled."""
        gain, width = self.levels[level]
        parent, n = (self.levels[level - 1][1] if level else 2.0), self.target.d - 1
        scale = 2 * np.exp(gammaln(n / 2) - gammaln((n - 1) / 2)) / np.sqrt(np.pi)

        def cost(x: float) -> float:
            share = 1.0 if level else scale * (1 - x * x) ** ((n - 3) / 2)
            return float(share * np.log2(1 + self.interval(gain, x * parent / 2, parent) / width))

        return float(quad(cost, 0, 1, limit=200)[0])

    @property
    def radii(self) -> list[float]:
        """R_1, ..., R_J of noise."""
        radii = [self.levels[0][2]]
        for level in self.levels[1:]:
            radii.append(level[2] / float(np.sqrt(1 - (radii[-1] + level[2]) ** 2)))
        return radii

    def bend_at(self, radius: float) -> float:
        """The largest bend of a point within a radius."""
        return float(1 - np.sqrt(1 - radius**2))

    def profile(self, level: int) -> float:
        """The claimed mean of min(1, t^2 / edge^2) at a level of noise, if no answer is wrong."""
        steepness, edge, spread, _ = self.levels[level]
        long, short = np.sqrt(1 - self.c_0**2), np.sqrt(1 - (self.c_0 + self.w_0) ** 2)
        dimension, farthest, slope, blur, height = self.target.d - 1, steepness, steepness, 0.0, self.height(steepness)
        if level:
            bend, steep = self.bend_at(self.radii[level - 1]), self.cap * float(np.sqrt(1 - steepness**2))
            dimension, farthest, slope = dimension - 1, steep * long * self.radii[level - 1], steep * short
            blur = self.cap * steepness * long**2 * bend / (2 * self.classes)
            height = steepness * (1 - long**2 * bend)
        scale = 2 * np.exp(gammaln(dimension / 2) - gammaln((dimension - 1) / 2)) / np.sqrt(np.pi)

        def missed(x: float) -> float:
            z = farthest * x + blur
            top = logistic(z) + 2 * self.eta + self.tau_c
            half = min(edge, ((logit(top) - z) / 2 + blur) / slope) if top < 1 else edge
            return float(scale * (1 - x * x) ** ((dimension - 3) / 2) * half**2)

        misses, _ = quad(missed, 0, 1, limit=200)
        return self.leaks(height, self.tau_c) + float((spread**2 / (dimension + 2) + misses) / edge**2)

    def outside(self) -> float:
        """pi, the claimed bound on P(|x| > R)."""
        growth, _ = quad(lambda u: np.exp(self.theta * u * u), 0, 1)
        n, last = self.target.d - 1, self.levels[-1][1]
        return float(np.exp(n * np.log(growth) - 4 * self.theta * (self.radius / last) ** 2))

    def cut_off(self) -> float:
        """e_Z, the claimed bound on P(|z_u| > Z) at the radius."""
        long, across = np.sqrt(1 - self.c_0**2), np.sqrt(1 - self.x_0**2)
        blur = self.cap * self.x_0 * long**2 * self.bend / (2 * self.classes)
        return 2 * beyond(min(1.0, (self.cut - blur) / (self.cap * across * long * self.radius)), self.target.d - 2)

    def tallies(self) -> dict[str, Tally]:
        """One tally for each claim, by name."""
        long = np.sqrt(1 - self.c_0**2)
        claims = [
            Tally("leak at the axis", "rate", self.leaks(self.c_0 + self.w_0 / 2, self.tau_c)),
            Tally("leak at a value", "rate", self.leaks(1.0, self.tau_v / 2)),
            Tally("leak at a strip", "rate", self.leaks(self.x_0 * (1 - long**2 * self.bend), self.tau_f)),
            Tally("beyond the cut", "rate", self.cut_off()),
            Tally("clean reads outside their interval", "most", 0.0),
            Tally("error of the identity for lambda <q_u, k_i>", "most", 0.0),
        ]
        if self.narrowing == "cells":
            claims.append(Tally("outside the radius", "rate", self.outside()))
            for level, (gain, _) in enumerate(self.levels):
                claims.append(Tally(f"leak at level {level + 1}", "rate", self.leaks(self.height(gain), self.tau_c)))
                claims.append(Tally(f"log2 list at level {level + 1}", "mean", self.list_cost(level)))
        else:
            claims.append(Tally("distance beyond R_j", "most", 0.0))
            for level in range(len(self.levels)):
                claims.append(Tally(f"profile at level {level + 1}", "mean", self.profile(level)))
        return {claim.what: claim for claim in claims}


@dataclass(frozen=True)
class Drawn:
    """One instance, seen from one token: its frame, y and omega, and the other keys, which are uniform."""

    plan: Plan
    others: FloatArray
    frame: FloatArray
    y: float
    omega: FloatArray

    @classmethod
    def by(cls, rng: np.random.Generator, plan: Plan) -> Drawn:
        """A random one."""
        d = plan.target.d
        frame, signs = np.linalg.qr(rng.normal(size=(d, d)))
        others = unit(rng.normal(size=(plan.target.n_tokens - 1, d)))
        y = plan.c_0 + plan.w_0 * float(rng.random())
        return cls(plan, others, frame * np.sign(np.diag(signs)), y, unit(rng.normal(size=d - 1)))

    @property
    def rho(self) -> float:
        """The length of the key across its axis."""
        return float(np.sqrt(1 - self.y**2))

    @property
    def key(self) -> FloatArray:
        """The token's key."""
        return np.asarray(self.frame @ np.array([self.y, *(self.rho * self.omega)]))

    def leak(self, query: FloatArray, z: float) -> float:
        """What the other keys weigh, relative to a reference z logits high."""
        return float(np.exp(self.plan.cap * (self.others @ query) - z).sum())

    def answer(self, query: FloatArray, z: float, push: float) -> float:
        """The output against the reference, off by eta to one side."""
        weight = np.exp(self.plan.cap * query @ self.key - z) + self.leak(query, z)
        return float(weight / (1 + weight) + push * self.plan.eta)

    def read_axis(self, rng: np.random.Generator, tallies: dict[str, Tally]) -> None:
        """The read of y, and that of a value, of which only the leak is random."""
        plan = self.plan
        middle = plan.c_0 + plan.w_0 / 2
        leak = self.leak(self.frame[:, 0], plan.cap * middle)
        tallies["leak at the axis"].seen.append(leak > plan.tau_c)
        if leak <= plan.tau_c:
            low = self.answer(self.frame[:, 0], plan.cap * middle, rng.choice([-1, 1])) - plan.eta - plan.tau_c
            error = outside(float(logistic(plan.cap * (self.y - middle))), low, 2 * plan.eta + plan.tau_c)
            tallies["clean reads outside their interval"].seen.append(error)
        tallies["leak at a value"].seen.append(self.leak(self.key, plan.cap) > plan.tau_v / 2)

    def read_cells(self, rng: np.random.Generator, tallies: dict[str, Tally]) -> FloatArray:
        """The reads of a few coordinates at every level of cells; returns the centre of the last cell."""
        plan, n = self.plan, self.plan.target.d - 1
        centre, parent = np.zeros(n), 2.0
        for level, (gain, width) in enumerate(plan.levels):
            shift = rng.random(n)
            sine = gain / (plan.cap * self.rho)
            cosine = float(np.sqrt(1 - sine**2))
            for column in rng.integers(0, n, READS_PER_LEVEL):
                sign = 1.0 if centre[column] >= 0 else -1.0
                query = cosine * self.frame[:, 0] + sign * sine * self.frame[:, column + 1]
                z = plan.cap * cosine * self.y + gain * abs(centre[column])
                leak = self.leak(query, z)
                tallies[f"leak at level {level + 1}"].seen.append(leak > plan.tau_c)
                if leak > plan.tau_c:
                    tallies[f"log2 list at level {level + 1}"].seen.append(0.0)  # its list is in the cost of the rate
                    continue
                top = self.answer(query, z, rng.choice([-1, 1])) + plan.eta
                low = top - 2 * plan.eta - plan.tau_c
                truth = float(logistic(sign * gain * (self.omega[column] - centre[column])))
                tallies["clean reads outside their interval"].seen.append(outside(truth, low, top - low))
                ends = sorted(centre[column] + sign * logit(t) / gain for t in (low, top))
                first, last = max(ends[0], centre[column] - parent / 2), min(ends[1], centre[column] + parent / 2)
                cells = np.floor(last / width + shift[column]) - np.floor(first / width + shift[column]) + 1
                tallies[f"log2 list at level {level + 1}"].seen.append(float(np.log2(max(1.0, cells))))
            centre = width * (np.floor(self.omega / width + shift) + 0.5 - shift)
            parent = width
        return centre

    def read_noise(self, rng: np.random.Generator, tallies: dict[str, Tally]) -> FloatArray:
        """Reads in random directions at every level of noise; returns the point that Bob knows last."""
        plan, n = self.plan, self.plan.target.d - 1
        axis = np.zeros(n)
        for level, (steepness, edge, spread, _) in enumerate(plan.levels):
            x = self.omega - (self.omega @ axis) * axis
            told = x + spread * uniform_in_ball(rng, axis, n - (1 if level else 0))
            bend, at = 0.0, 0.0
            if level:
                bend, largest = plan.bend_at(float(np.linalg.norm(x))), plan.bend_at(plan.radii[level - 1])
                at = (min(int(bend / largest * plan.classes), plan.classes - 1) + 0.5) * largest / plan.classes
            for _ in range(READS_PER_LEVEL):
                u = rng.normal(size=n)
                u = unit(u - (u @ axis) * axis)
                height = steepness if level else float(np.sqrt(1 - (steepness / plan.cap / self.rho) ** 2))
                near = self.frame @ np.array([self.y, *(self.rho * axis)]) if level else self.frame[:, 0]
                query = height * near + np.sqrt(1 - height**2) * (self.frame[:, 1:] @ u)
                z = plan.cap * height * (1 - self.rho**2 * at if level else self.y)
                top = self.answer(query, z, rng.choice([-1, 1])) + plan.eta
                ends = np.array([logit(top - 2 * plan.eta - plan.tau_c), logit(top)])
                slope = plan.cap * np.sqrt(1 - height**2) * self.rho
                middle = float(ends.mean() / slope) if np.isfinite(ends).all() else 0.0
                tallies[f"profile at level {level + 1}"].seen.append(min(1.0, float((u @ told - middle) / edge) ** 2))
            axis = unit(told + (np.sqrt(1 - told @ told) * axis if level else 0.0))
            away = float(np.linalg.norm(self.omega - (self.omega @ axis) * axis)) - plan.radii[level]
            tallies["distance beyond R_j"].seen.append(max(0.0, away))
        return axis

    def read_strips(self, rng: np.random.Generator, centre: FloatArray, tallies: dict[str, Tally]) -> None:
        """Strips in random directions across the last cell."""
        plan, axis = self.plan, unit(centre)
        x = self.omega - (self.omega @ axis) * axis
        length = float(np.linalg.norm(x))
        if plan.narrowing == "cells":
            tallies["outside the radius"].seen.append(length > plan.radius)
        bend = 1 - np.sqrt(1 - length**2)
        at = (min(int(bend / plan.bend * plan.classes), plan.classes - 1) + 0.5) * plan.bend / plan.classes
        across = float(np.sqrt(1 - plan.x_0**2))
        near = self.frame @ np.array([self.y, *(self.rho * axis)])
        z = plan.cap * plan.x_0 * (1 - self.rho**2 * at)
        for _ in range(DIRECTIONS):
            u = rng.normal(size=len(axis))
            u = unit(u - (u @ axis) * axis)
            query = plan.x_0 * near + across * (self.frame[:, 1:] @ u)
            told = plan.cap * (across * self.rho * (u @ x) - plan.x_0 * self.rho**2 * (bend - at))
            read = float(plan.cap * query @ self.key - z)
            tallies["error of the identity for lambda <q_u, k_i>"].seen.append(abs(read - told))
            leak = self.leak(query, z)
            tallies["leak at a strip"].seen.append(leak > plan.tau_f)
            if length <= plan.radius:
                tallies["beyond the cut"].seen.append(abs(read) > plan.cut)
            if leak <= plan.tau_f:
                low = self.answer(query, z, rng.choice([-1, 1])) - plan.eta - plan.tau_f
                error = outside(float(logistic(read)), low, 2 * plan.eta + plan.tau_f)
                tallies["clean reads outside their interval"].seen.append(error)


def uniform_in_ball(rng: np.random.Generator, axis: FloatArray, dimension: int) -> FloatArray:
    """A uniform point of the unit ball, across an axis if it is not 0."""
    v = rng.normal(size=len(axis))
    return np.asarray(unit(v - (v @ axis) * axis) * rng.random() ** (1 / dimension))


def outside(truth: float, low: float, width: float) -> float:
    """How far a number lies outside an interval."""
    return max(0.0, low - truth, truth - low - width)


def played(
    eta: Fraction, delta: Fraction, narrowing: str, rng: np.random.Generator, *, instances: int
) -> list[dict[str, Any]]:
    """The rows of one pair of errors and one way to narrow keys down: every claim, and what was measured."""
    n, own, d = HEAD
    plan = Plan.of(Target(Geometry("one head", ScaleSchedule(((1, n), (1, own))), d), eta, delta), narrowing)
    tallies = plan.tallies()
    for _ in range(instances):
        drawn = Drawn.by(rng, plan)
        drawn.read_axis(rng, tallies)
        narrow = drawn.read_cells if narrowing == "cells" else drawn.read_noise
        drawn.read_strips(rng, narrow(rng, tallies), tallies)
    return [tally.to_json(eta=str(eta), delta=str(delta), by=narrowing) for tally in tallies.values()]


def run() -> Outcome:
    """Play every pair of errors, write results/strips.json, print the table and one sentence."""
    rng = np.random.default_rng(0)
    rows = [
        row
        for narrowing in ("cells", "noise")
        for eta, delta in ERRORS
        for row in played(eta, delta, narrowing, rng, instances=INSTANCES)
    ]
    rows += [tally.to_json() for tally in (planar_strips(rng, SHIFTS), *refined_strips(rng, 3, POINTS))]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"head": HEAD, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    print(table(rows))
    outcome = verdict(rows)
    print(f"strips: {outcome}: {sum(row['n'] for row in rows)} observations of {len(rows)} claims of Theorem G")
    return outcome


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as text: what is claimed, what was measured, how often."""
    lines = [f"{'eta':>7}{'delta':>7}{'by':>7}  {'claim':58}{'claimed':>10}{'measured':>10}{'n':>8}"]
    for row in rows:
        place = "".join(f"{row.get(key, ''):>7}" for key in ("eta", "delta", "by")) + f"  {row['claim']:58}"
        lines.append(f"{place}{row['claimed']:>10.3g}{row['measured']:>10.3g}{row['n']:>8}")
    return "\n".join(lines)


def verdict(rows: list[dict[str, Any]]) -> Outcome:
    """Refuted by a single claim that does not hold."""
    return "supported" if rows and all(row["holds"] for row in rows) else "refuted"
