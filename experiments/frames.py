"""Question: is every letter of the hard family of Theorem F' read at the size of VAR-256, when answers are off by eta?

Claim that could be refuted: with exact attention moved by eta towards the wrong side in every question, letters are
misread, queries are shut, and sequences of letters are too long at most as often as the certificate says: in adaptive
searches at delta = 0, and with every earlier digit told at delta > 0. Cost: one minute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import numpy as np
from flint import arb
from numpy.typing import NDArray

from lowerbound.certify.design.frames import frames_by_classes_design
from lowerbound.certify.design.target import Target
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.statistics import clopper_pearson
from lowerbound.kernel.rules.addresses import AddressCode, read_addresses
from lowerbound.kernel.rules.floor import ball
from lowerbound.kernel.rules.isolation import Reads

Outcome = Literal["supported", "refuted", "undecided"]
FloatArray = NDArray[np.float64]

TABLE = Path("results/frames.json")
CASES = tuple((Fraction(eta), Fraction(delta)) for eta in ("1/10", "1/100", "1/1000") for delta in ("0", "1/100"))
INSTANCES, READS = 6, 700
CONFIDENCE = Fraction(999, 1000)


@dataclass(frozen=True)
class Frames:
    """The hard family of a design, in floats: T addresses, their frames, the letters, and what a read needs."""

    target: Target
    payload: dict[str, Any]

    def number(self, name: str) -> float:
        """A number of the payload."""
        return float(Fraction(self.payload[name]))

    @property
    def words(self) -> AddressCode:
        """The addresses as words."""
        return read_addresses(self.payload["addresses"], self.target.n_tokens, self.target.d - 1)

    @property
    def addresses(self) -> FloatArray:
        """The unit addresses, shape (T, d - 1)."""
        found, width = self.words, self.target.d - 1
        rows = [[1 - 2 * (word >> k & 1) for k in range(found.length)] for word in found.words()]
        return np.pad(np.array(rows) / np.sqrt(found.length), ((0, 0), (0, width - found.length)))

    @property
    def tilt(self) -> tuple[float, float]:
        """cos(phi) and sin(phi)."""
        half = self.number("tangent")
        return (1 - half**2) / (1 + half**2), 2 * half / (1 + half**2)

    @property
    def slope(self) -> float:
        """How far a letter moves the logit."""
        return float(self.target.multiplier) * self.tilt[1]

    @property
    def letters(self) -> FloatArray:
        """The letters, increasing."""
        levels = self.payload["levels"]
        if "step" in self.payload:
            return np.asarray(self.number("step") * (np.arange(levels) - (levels - 1) / 2))
        shown = 0.5 + self.number("kappa") * (np.arange(levels) - (levels - 1) / 2)
        logits = np.log(shown / (1 - shown))
        starts = (
            self.number("gap") / 2
            - logits[0]
            + (logits[-1] - logits[0] + self.number("gap")) * np.arange(2 ** (self.payload["digits"] - 1))
        )
        half = (starts[:, None] + logits).ravel() / self.slope
        return np.concatenate([-half[::-1], half])

    def drawn(self, rng: np.random.Generator) -> tuple[NDArray[np.int64], int]:
        """A uniform word for each token, and the number of sequences that were drawn for them."""
        room, p = 1 - self.number("c0") ** 2, self.target.d - 2
        words, left, tries = np.zeros((self.target.n_tokens, p), np.int64), np.arange(self.target.n_tokens), 0
        while len(left):
            words[left] = rng.integers(0, len(self.letters), (len(left), p))
            tries += len(left)
            left = left[(self.letters[words[left]] ** 2).sum(axis=1) > room]
        return words, tries

    def bounds(self) -> dict[str, float]:
        """The most that the certificate allows: the share of wrong letters, and of queries that are shut."""
        found = self.words
        c_0, z = ball(Fraction(self.payload["c0"])), ball(Fraction(self.payload["spread"]))
        positive = self.letters[len(self.letters) // 2 :]
        growth = arb(float((len(self.letters) * positive / (2 * np.arange(len(positive)) + 1)).max()))
        classes = found.classes(self.target.d - 1)
        n_reads, lam = self.target.n_tokens * (self.target.d - 2), ball(self.target.multiplier)
        reads = Reads(classes, found.length, n_reads, lam, c_0, growth, 1 + 1 / z)
        cosine, sine = (arb(x) for x in self.tilt)
        height = cosine * c_0 - sine * float(positive[0]) + arb(self.number("tau")).log() / lam
        plus, minus = (float(reads.shut(cosine, sign * sine, height).mid()) for sign in (1, -1))
        wrong = plus + minus / 2 if "step" in self.payload else plus + self.payload["digits"] * max(plus, minus)
        return {"wrong": wrong, "shut": plus}


def reflected(address: FloatArray, vector: FloatArray) -> FloatArray:
    """The image of a vector under the reflection that exchanges e_0 and an address."""
    mirror = -address
    mirror[0] += 1
    return vector - 2 * (mirror @ vector) / (mirror @ mirror) * mirror


def played(eta: Fraction, delta: Fraction, rng: np.random.Generator, *, instances: int, reads: int) -> dict[str, Any]:
    """A row of the table: reads of random letters of random instances of VAR-256."""
    target = Target(Geometry.of(find_model("var-d16")), eta, delta)
    design = frames_by_classes_design(target)
    return played_on(Frames(target, design.payload), rng, instances=instances, reads=reads)


def played_on(frames: Frames, rng: np.random.Generator, *, instances: int, reads: int) -> dict[str, Any]:
    """A row of the table for one family."""
    target, letters, addresses = frames.target, frames.letters, frames.addresses
    lam, c_0, (cosine, sine) = float(target.multiplier), frames.number("c0"), frames.tilt
    height = cosine * c_0 - sine * letters[len(letters) // 2]
    wrong = shut = tries = 0
    for _ in range(instances):
        words, tried = frames.drawn(rng)
        tries += tried
        keys = np.array(
            [reflected(b, np.concatenate([[c_0], letters[w]])) for b, w in zip(addresses, words, strict=True)]
        )
        for token, line in zip(rng.integers(0, len(words), reads), rng.integers(0, words.shape[1], reads), strict=True):
            sides = {}
            for sign in (1, -1):
                query = np.zeros(target.d - 1)
                query[0], query[line + 1] = cosine, sign * sine
                logits = lam * (keys @ reflected(addresses[token], query))
                sides[sign] = float(np.logaddexp.reduce(logits))
                if sign == 1:
                    shut += np.exp(np.delete(logits, token) - lam * height).sum() > frames.number("tau")
            wrong += not read(frames, sides, int(words[token, line]), cosine * c_0 * lam)
    return {
        "eta": float(target.eta),
        "delta": float(target.delta),
        "reads": instances * reads,
        "wrong": wrong,
        "shut": int(shut),
        "share_of_words": instances * target.n_tokens / tries,
        "promised_share": 1 / (1 + 1 / frames.number("spread")),
        **{f"most_{name}": bound for name, bound in frames.bounds().items()},
    }


def read(frames: Frames, sides: dict[int, float], letter: int, middle: float) -> bool:
    """Whether a letter is read, every answer being pushed by eta to the wrong side; `sides` has F(q) for both tilts.

    At delta = 0 each question depends on the answers before; at delta > 0 all earlier digits are told, and the level is
    read from one answer, pushed up and pushed down.
    """
    letters, eta, tau = frames.letters, float(frames.target.eta), frames.number("tau")
    half = len(letters) // 2

    def above(place: int) -> bool:
        """Bob's word on whether the letter's number is at least `place`, with the answer pushed against the truth."""
        sign = -1 if place < half else 1
        middle_of_two = sign * (letters[place - 1] + letters[place]) / 2
        reference = middle + frames.slope * middle_of_two + np.log1p(tau) / 2
        truth = (letter >= place) == (sign == 1)
        output = 1 / (1 + np.exp(reference - sides[sign])) + (-eta if truth else eta)
        return bool((output > 0.5) == (sign == 1))

    if "step" in frames.payload:
        low, high = 0, len(letters)
        place = half
        while high - low > 1:
            low, high = (place, high) if above(place) else (low, place)
            place = (low + high) // 2
        return low == letter
    low, high = 0, len(letters)
    for _ in range(frames.payload["digits"]):
        place = (low + high) // 2
        if above(place) != (letter >= place):
            return False
        low, high = (place, high) if letter >= place else (low, place)
    sign = 1 if low >= half else -1
    block = np.sort(sign * letters[low:high])
    centre = (block[0] + block[-1]) / 2
    shown = 1 / (1 + np.exp(-frames.slope * (block - centre)))
    output = 1 / (1 + np.exp(middle + frames.slope * centre - sides[sign]))
    true = letter - low if sign == 1 else high - 1 - letter
    return all(int(np.abs(shown + tau / 8 - output - push).argmin()) == true for push in (-eta, eta))


def verdict(rows: list[dict[str, Any]]) -> Outcome:
    """Refuted if something happens certainly more often than the certificate allows."""
    for row in rows:
        for name in ("wrong", "shut"):
            if clopper_pearson(row[name], row["reads"], confidence=CONFIDENCE)[0] > row[f"most_{name}"]:
                return "refuted"
        if row["share_of_words"] < row["promised_share"]:
            return "refuted"
    return "supported"


def run() -> Outcome:
    """Write results/frames.json, and print one sentence."""
    rng = np.random.default_rng(7)
    rows = [played(eta, delta, rng, instances=INSTANCES, reads=READS) for eta, delta in CASES]
    outcome = verdict(rows)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps({"rows": rows}, indent=1) + "\n", encoding="utf-8")
    total, wrong, shut = (sum(row[key] for row in rows) for key in ("reads", "wrong", "shut"))
    share = min(row["share_of_words"] for row in rows)
    print(
        f"frames: {outcome}: of {total} letters of VAR-256, every answer pushed by eta to the wrong side, {wrong} were "
        f"misread and {shut} queries were shut; at least {100 * share:.1f} % of the sequences were words"
    )
    return outcome
