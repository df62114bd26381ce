"""Question: what must training remember of a nonlinearity between its forward and its backward pass?

Claim that could be refuted: every scheme whose gradients carry the sign of the pre-activation needs at least
1 - H2(delta) bits per element at its measured error delta; the 2-bit codes ReGELU2 and ReSiLU2 have error 0 and lose
nothing of the derivative they define; a normalization's gradient needs its output and one number per row.
Cost: about two seconds.

This is not a KV cache. There is no attention and no decoding here, and no row below speaks of model R1, R2 or R3: the
experiment is the counterpart of the bound for another memory, by the same reduction from INDEX. Its model is T1:

    the pre-activations x of one layer are free reals; the forward pass leaves a state; the backward pass sees public
    things (weights, thresholds, coins), the upstream gradient and that state, and returns dx = f'(x) * upstream.

Everything that the backward pass reads is counted, wherever it is stored: also the layer's output, which reveals the
sign by itself, and the inputs from which a recomputation starts.

The reduction: Alice's bits are the signs of x = +-magnitude, where f has two different slopes. Bob wants one bit, so
he asks for that coordinate of the gradient. If it is right up to less than half the gap of the slopes, he reads the
bit; so the state is a message of INDEX, and Theorem A's floor holds (`bounds.INDEX_FLOOR`).

Source: Approx-BP and MS-BP, arXiv:2406.16282 (the constants below, the packing, the two backward formulas).
"""

from __future__ import annotations

import json
import platform
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lowerbound import __version__
from lowerbound.core.bits import BitReader, BitWriter, EncodedState, state_bits
from lowerbound.core.bounds import floor_in_interval, is_above
from lowerbound.core.coins import Coins
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.scalars import floor_float, rational
from lowerbound.core.statistics import clopper_pearson
from lowerbound.errors import AccountingError, CorruptState, invalid, unknown
from lowerbound.game.index import draw_symbols

Outcome = Literal["supported", "refuted", "undecided"]
FloatArray = NDArray[np.float64]

MODEL = (
    "T1: training memory of one layer (pre-activations are free reals; backward sees public things, the upstream "
    "gradient and the state); not a KV cache, none of R1, R2, R3"
)
TABLE = Path("results/training_memory.json")
UNIT_ROUNDOFF = 2.0**-53


@dataclass(frozen=True)
class Spec:
    """The specification: each scheme is (name, nonlinearity, fraction of activations dropped or None)."""

    seed: int = 1
    elements: int = 16384
    trials: int = 8
    magnitude: float = 1.0
    schemes: tuple[tuple[str, str, str | None], ...] = (
        ("step-code", "relu", None),
        ("step-code", "regelu2", None),
        ("step-code", "resilu2", None),
        ("float16", "relu", None),
        ("float16", "regelu2", None),
        ("float16", "resilu2", None),
        ("dropping", "relu", "1/4"),
        ("dropping", "relu", "1/2"),
        ("dropping", "relu", "3/4"),
        ("zero-memory", "relu", None),
    )
    claimed_code_bits: int = 2
    checked_elements: int = 4096
    normalised_rows: int = 32
    normalised_width: int = 256
    normalisation_eps: float = 1e-5


SPEC = Spec()


# The 2-bit code


@dataclass(frozen=True)
class StepCode:
    """A nonlinearity whose backward pass uses a step function instead of its derivative.

    Contract: forward is `exact`; the code of x is the number of thresholds below x; backward multiplies by the sum of
    the first `code` steps. That sum is the left derivative of the primitive sum_j a_j max(x - c_j, 0), so the code is
    lossless for the primitive, not for `exact`. A code takes `width` bits, several to a byte.

    Parameters
    ----------
    exact, exact_derivative : functions of an array
        The forward pass, and its true derivative.
    thresholds, steps : tuple of float
        c, increasing, and a.
    """

    name: str
    exact: Callable[[FloatArray], FloatArray]
    exact_derivative: Callable[[FloatArray], FloatArray]
    thresholds: tuple[float, ...]
    steps: tuple[float, ...]

    @property
    def width(self) -> int:
        """The number of bits of a code: log2 of the number of pieces, rounded up."""
        return len(self.thresholds).bit_length()

    @cached_property
    def slopes(self) -> FloatArray:
        """The slope of every piece: the exact sum of its steps, rounded once."""
        return np.array([float(slope) for slope in accumulate(map(Fraction, self.steps), initial=Fraction(0))])

    def codes(self, x: FloatArray) -> NDArray[np.int64]:
        """The number of thresholds strictly below each x."""
        if not np.isfinite(x).all():
            raise invalid("pre-activations", "be finite", float(x[~np.isfinite(x)][0]))
        return np.searchsorted(np.array(self.thresholds), x, side="left").astype(np.int64)

    def derivative(self, x: FloatArray) -> FloatArray:
        """The step derivative at each x."""
        slopes: FloatArray = self.slopes[self.codes(x)]
        return slopes

    def primitive(self, x: Fraction) -> Fraction:
        """sum_j a_j max(x - c_j, 0), exactly."""
        terms = zip(self.steps, self.thresholds, strict=True)
        return sum((Fraction(a) * max(x - Fraction(c), Fraction(0)) for a, c in terms), Fraction(0))

    def left_derivative(self, x: float) -> Fraction:
        """The primitive's left derivative at x, as a difference quotient inside the piece that ends at x: exact."""
        below = [Fraction(x) - Fraction(c) for c in self.thresholds if c < x]
        step = min(below, default=Fraction(1)) / 2
        return (self.primitive(Fraction(x)) - self.primitive(Fraction(x) - step)) / step

    def pack(self, x: FloatArray) -> EncodedState:
        """The state that the forward pass keeps, which holds the codes and nothing else."""
        writer = BitWriter()
        writer.uints("payload", self.codes(x), width=self.width)
        return writer.encoded()

    def unpack(self, state: bytes, count: int) -> FloatArray:
        """The step derivative at each of `count` elements, or CorruptState."""
        reader = BitReader(state)
        codes = reader.uints(count, width=self.width)
        reader.end()
        if count and int(codes.max()) >= len(self.slopes):
            raise CorruptState(f"state must hold codes below {len(self.slopes)}, got {int(codes.max())}")
        slopes: FloatArray = self.slopes[codes]
        return slopes

    def ends(self, magnitude: float) -> tuple[float, float]:
        """The slopes at -magnitude and at +magnitude, which carry the sign; InvalidArgument where they do not."""
        low, high = (float(slope) for slope in self.derivative(np.array([-magnitude, magnitude])))
        if not (magnitude > 0 and low < high):
            raise invalid("magnitude", f"be > 0 and lie on a higher slope of {self.name} than its negative", magnitude)
        return low, high

    def l2_gaps(self) -> tuple[float, float]:
        """The L2 distance of the primitive to `exact`, and of the step to `exact_derivative`.

        Contract: square roots of the integrals of the squared differences over [-40, 40], by adaptive quadrature on
        every piece between thresholds. Outside, the steps add up to 1 and the primitive is max(x, 0), up to the last
        digit of the constants; there `exact` is max(x, 0) up to 40 e^-40.
        """
        from scipy.integrate import quad

        cuts = sorted({-40.0, -12.0, *self.thresholds, 12.0, 40.0})
        c, a = np.array(self.thresholds), np.array(self.steps)

        def primitive_gap(x: float) -> float:
            return float(a @ np.maximum(x - c, 0) - self.exact(np.array(x))) ** 2

        def derivative_gap(x: float) -> float:
            return float(a @ (x > c) - self.exact_derivative(np.array(x))) ** 2

        def norm(gap: Callable[[float], float]) -> float:
            return float(np.sqrt(sum(quad(gap, low, high, limit=200)[0] for low, high in pairwise(cuts))))

        return norm(primitive_gap), norm(derivative_gap)


def relu(x: FloatArray) -> FloatArray:
    """max(x, 0)."""
    positive: FloatArray = np.maximum(x, 0.0)
    return positive


def relu_derivative(x: FloatArray) -> FloatArray:
    """[x > 0]."""
    return (x > 0).astype(np.float64)


def gelu(x: FloatArray) -> FloatArray:
    """x Phi(x), with Phi the normal distribution function."""
    from scipy.special import ndtr

    return x * np.asarray(ndtr(x), dtype=np.float64)


def gelu_derivative(x: FloatArray) -> FloatArray:
    """Phi(x) + x phi(x)."""
    from scipy.special import ndtr

    density: FloatArray = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    return np.asarray(ndtr(x), dtype=np.float64) + x * density


def silu(x: FloatArray) -> FloatArray:
    """x / (1 + e^-x)."""
    from scipy.special import expit

    return x * np.asarray(expit(x), dtype=np.float64)


def silu_derivative(x: FloatArray) -> FloatArray:
    """s (1 + x (1 - s)), with s = 1 / (1 + e^-x)."""
    from scipy.special import expit

    s = np.asarray(expit(x), dtype=np.float64)
    return s * (1 + x * np.asarray(expit(-x), dtype=np.float64))


RELU = StepCode("relu", relu, relu_derivative, thresholds=(0.0,), steps=(1.0,))
REGELU2 = StepCode(
    "regelu2",
    gelu,
    gelu_derivative,
    thresholds=(-3.1858810036855245, -0.001178821281161997, 3.190832613414926),
    steps=(-0.04922261145617846, 1.0979632065417297, -0.048740595085551286),
)
RESILU2 = StepCode(
    "resilu2",
    silu,
    silu_derivative,
    thresholds=(-6.3050461001646445, -0.0008684942046214787, 6.325815242089708),
    steps=(-0.04060357190528599, 1.080925428529668, -0.040321856624382146),
)
NONLINEARITIES: dict[str, StepCode] = {code.name: code for code in (RELU, REGELU2, RESILU2)}


def lost_slopes(code: StepCode, *, seed: int, count: int) -> int:
    """How many of `count` gradients differ, in any bit, between the packed code and the primitive's exact derivative.

    Contract: inputs are normal with standard deviation 3, and the thresholds with their neighbouring floats; the
    exact derivative is a rational number, rounded once.
    """
    edges = [t for c in code.thresholds for t in (np.nextafter(c, -np.inf), c, np.nextafter(c, np.inf))]
    x = np.concatenate([edges, 3 * Coins(seed, f"inputs of {code.name}").generator().standard_normal(count)])[:count]
    wanted = np.array([float(code.left_derivative(float(value))) for value in x])
    return int((code.unpack(code.pack(x), len(x)) != wanted).sum())


# The game


class TrainingMemory(ABC):
    """What a layer keeps from its forward to its backward pass.

    Contract: `gradient` returns finite numbers of the upstream's shape, from the state and public things alone.

    Parameters
    ----------
    code : StepCode
        The nonlinearity, public.
    seed : int
        Public coins, drawn before the pre-activations.
    dropped : Fraction in [0, 1]
        The share of activations of which nothing is kept, where a scheme has one.
    """

    def __init__(self, code: StepCode, *, seed: int = 0, dropped: Fraction = Fraction(0)) -> None:
        if not 0 <= dropped <= 1:
            raise invalid("dropped", "lie in [0, 1]", str(dropped))
        self.code = code
        self.seed = seed
        self.dropped = dropped

    @abstractmethod
    def save(self, x: FloatArray) -> bytes:
        """The state that the forward pass leaves."""

    @abstractmethod
    def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
        """The backward pass: dx."""


class StepCodeMemory(TrainingMemory):
    """The code of the piece: 1 bit for ReLU (its sign), 2 bits for ReGELU2 and ReSiLU2."""

    def save(self, x: FloatArray) -> bytes:
        return self.code.pack(x)

    def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
        return upstream * self.code.unpack(state, len(upstream))


class Float16Memory(TrainingMemory):
    """Every pre-activation in float16, and the true derivative there: what training does without Approx-BP."""

    def save(self, x: FloatArray) -> bytes:
        writer = BitWriter()
        writer.floats("payload", x, width=16)
        return writer.encoded()

    def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
        reader = BitReader(state)
        x = reader.floats(len(upstream), width=16)
        reader.end()
        return upstream * self.code.exact_derivative(x)


class DroppingMemory(TrainingMemory):
    """Codes of the activations that public coins keep; a dropped activation gets no gradient.

    Each activation is dropped independently with probability `dropped`. Where its slope is 0 the missing gradient is
    right, so that the error rate is dropped / 2.
    """

    def save(self, x: FloatArray) -> bytes:
        return self.code.pack(x[self._kept(len(x))])

    def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
        kept = self._kept(len(upstream))
        slopes = np.zeros(len(upstream))
        slopes[kept] = self.code.unpack(state, int(kept.sum()))
        return upstream * slopes

    def _kept(self, count: int) -> NDArray[np.bool_]:
        coins = Coins(self.seed, "dropped activations").below(self.dropped.denominator, count)
        kept: NDArray[np.bool_] = coins >= self.dropped.numerator
        return kept


class ZeroMemory(TrainingMemory):
    """Keeps nothing: the gradient passes straight through, as if the slope were 1."""

    def save(self, x: FloatArray) -> bytes:
        return b""

    def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
        BitReader(state).end()
        return upstream.copy()


SCHEMES: Mapping[str, type[TrainingMemory]] = {
    "step-code": StepCodeMemory,
    "float16": Float16Memory,
    "dropping": DroppingMemory,
    "zero-memory": ZeroMemory,
}


@dataclass(frozen=True)
class Row:
    """Measured beside proved, for one scheme in model T1.

    `state_bits` is the length of the longest state of all trials, with its length prefix. `floor_bits` is the smallest
    floor over all error rates in [error_low, error_high], and `ratio` is state_bits / floor_bits, None if the floor is
    0. `far_gradients` counts gradients that are off by half the slope gap or more (up to rounding); Bob errs nowhere
    else. `deviation` is the largest distance of a gradient to the step derivative.
    """

    scheme: str
    nonlinearity: str
    dropped: str | None
    computation_model: str
    elements: int
    trials: int
    payload_bits: int
    state_bits: int
    bits_per_element: float
    errors: int
    error: float
    error_low: float
    error_high: float
    floor_bits: float
    ratio: float | None
    half_gap: float
    deviation: float
    far_gradients: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def play(scheme: str, nonlinearity: str, dropped: str | None, spec: Spec) -> Row:
    """Play INDEX on the signs of pre-activations against one scheme.

    Contract: Bob's object is fresh and gets the bytes of the state and nothing else; all elements of all trials are
    asked for. Raises AccountingError if the state is certainly under the floor at every error rate that the interval
    allows, which means that activations crossed outside the counted bytes. Both objects live in one process, so that
    a cheat is found by the floor, not by isolation.
    """
    if scheme not in SCHEMES:
        raise unknown("scheme", scheme, SCHEMES)
    if nonlinearity not in NONLINEARITIES:
        raise unknown("nonlinearity", nonlinearity, NONLINEARITIES)
    code, share = NONLINEARITIES[nonlinearity], Fraction(0) if dropped is None else rational(dropped, name="dropped")
    low_slope, high_slope = code.ends(spec.magnitude)
    half_gap = (high_slope - low_slope) / 2
    errors = far = payload = used = 0
    deviation = 0.0
    for trial in range(spec.trials):
        bits = draw_symbols(PrivateSeed(spec.seed), trial, n_levels=2, shape=(1, spec.elements)).ravel()
        x: FloatArray = np.where(bits == 1, spec.magnitude, -spec.magnitude).astype(np.float64)
        state = bytes(SCHEMES[scheme](code, seed=spec.seed + trial, dropped=share).save(x))
        backward = SCHEMES[scheme](code, seed=spec.seed + trial, dropped=share)
        gradient = backward.gradient(state, np.ones(spec.elements))
        if gradient.shape != x.shape or not np.isfinite(gradient).all():
            raise invalid("gradient", f"be finite and of shape {x.shape}", gradient.shape)
        distance = np.abs(gradient - code.derivative(x))
        errors += int(((gradient > low_slope + half_gap) != bits).sum())
        far += int((distance >= half_gap * (1 - 2**-50)).sum())
        deviation = max(deviation, float(distance.max()))
        payload, used = max(payload, 8 * len(state)), max(used, state_bits(state))
    asked = spec.elements * spec.trials
    low, high = clopper_pearson(errors, asked)
    proved = floor_in_interval(spec.elements, 2, low, high)
    row = Row(
        scheme=scheme,
        nonlinearity=nonlinearity,
        dropped=dropped,
        computation_model=MODEL,
        elements=spec.elements,
        trials=spec.trials,
        payload_bits=payload,
        state_bits=used,
        bits_per_element=used / spec.elements,
        errors=errors,
        error=errors / asked,
        error_low=float(low),
        error_high=float(high),
        floor_bits=floor_float(proved),
        ratio=float(used / proved) if proved else None,
        half_gap=half_gap,
        deviation=deviation,
        far_gradients=far,
    )
    if not is_above(used, spec.elements, 2, low, high):
        raise AccountingError(
            f"{scheme} on {nonlinearity} kept {used} bits for {spec.elements} elements with error at most "
            f"{row.error_high:.4g}, under the proved floor of {row.floor_bits:.1f} bits: activations reached the "
            "backward pass outside the counted bytes, and this row is not a result"
        )
    return row


# MS-BP


def normalise(x: FloatArray, *, centred: bool, eps: float) -> tuple[FloatArray, FloatArray]:
    """LayerNorm (`centred`) or RMSNorm of every row, without an affine part: the output y, and one rstd per row."""
    u = x - x.mean(axis=1, keepdims=True) if centred else x
    rstd = 1 / np.sqrt((u * u).mean(axis=1, keepdims=True) + eps)
    return u * rstd, rstd


def backward_from_output(y: FloatArray, rstd: FloatArray, g: FloatArray, *, centred: bool) -> FloatArray:
    """dx of LayerNorm or RMSNorm from its output: rstd (g - mean(g) - y mean(g y)), without mean(g) for RMSNorm.

    It holds for every eps: dy_i/dx_j = rstd (delta_ij - 1/n) - rstd^3 u_i u_j / n, and y = rstd u.
    """
    centre = g.mean(axis=1, keepdims=True) if centred else np.zeros_like(rstd)
    dx: FloatArray = rstd * (g - centre - y * (g * y).mean(axis=1, keepdims=True))
    return dx


def backward_from_input(x: FloatArray, g: FloatArray, *, centred: bool, eps: float) -> FloatArray:
    """The same dx from x, by the Jacobian of every row: the direct formula, which keeps all of x."""
    n = x.shape[1]
    rows = []
    for values, upstream in zip(x, g, strict=True):
        u = values - values.mean() if centred else values
        variance = (u * u).mean() + eps
        projection = np.eye(n) - 1 / n if centred else np.eye(n)
        jacobian = projection / np.sqrt(variance) - np.outer(u, u) / (n * variance**1.5)
        rows.append(jacobian.T @ upstream)
    return np.array(rows)


def rounding_tolerance(x: FloatArray, y: FloatArray, rstd: FloatArray, g: FloatArray) -> FloatArray:
    """How far two correct computations of dx in double precision may be apart, as one number per row.

    Derivation, to first order in e = (n + 8) 2^-53, which bounds the relative error of a sum of n terms in any order
    and of the few operations around it. With X, Y, G the largest |x|, |y|, |g| of the row and r = rstd: the centred
    values are off by e X; r by a relative h = e (1 + X r), since mean|u| <= 1/r; y by (1 + Y) h. In
    r (g - mean g - y mean(g y)), with mean|y| <= 1, the three sources add up to at most
    r G h ((2 + Y) + 1 + (1 + Y)^2 + Y) = r G h (2 + Y)^2. From x, r^3 u mean(u g) costs 3 Y for r^3, 1 + Y for u, Y for
    its sum: with the rest r G h (4 + 5 Y), no more when Y >= 1. The two sides together: twice r G h (2 + Y)^2.
    """
    largest_x, largest_y, largest_g = (np.abs(table).max(axis=1, keepdims=True) for table in (x, y, g))
    relative = (x.shape[1] + 8) * UNIT_ROUNDOFF * (1 + largest_x * rstd)
    bound: FloatArray = 2 * rstd * largest_g * relative * (2 + np.maximum(largest_y, 1)) ** 2
    return bound


def check_normalisation(spec: Spec, *, centred: bool) -> dict[str, Any]:
    """The gradient from output and rstd beside the one from the input, on normal rows of mean 1 and deviation 2.

    `extra_bits` is the state of the layer beyond its output: one rstd per row. The output is not free: it is counted
    once, for the next linear layer, which keeps it for the gradient of its weights. `over_tolerance` is the largest
    deviation as a multiple of the tolerance.
    """
    draws = Coins(spec.seed, f"normalisation, centred {centred}").generator()
    shape = (spec.normalised_rows, spec.normalised_width)
    x, g = 1 + 2 * draws.standard_normal(shape), draws.standard_normal(shape)
    y, rstd = normalise(x, centred=centred, eps=spec.normalisation_eps)
    writer = BitWriter()
    writer.floats("scales", rstd, width=64)
    state = writer.encoded()
    remembered = BitReader(state).floats(len(x), width=64)[:, None]
    found = backward_from_output(y, remembered, g, centred=centred)
    distance = np.abs(found - backward_from_input(x, g, centred=centred, eps=spec.normalisation_eps))
    tolerance = rounding_tolerance(x, y, rstd, g)
    return {
        "normalisation": "LayerNorm" if centred else "RMSNorm",
        "elements": x.size,
        "extra_bits": state_bits(state),
        "extra_bits_per_element": state_bits(state) / x.size,
        "deviation": float(distance.max()),
        "tolerance": float(tolerance.min()),
        "over_tolerance": float((distance / tolerance).max()),
    }


def run() -> Outcome:
    """Play the spec, write results/training_memory.json, print one sentence."""
    spec = SPEC
    refuted: list[str] = []
    rows = []
    for scheme, nonlinearity, dropped in spec.schemes:
        try:
            rows.append(play(scheme, nonlinearity, dropped, spec))
        except AccountingError as error:
            refuted.append(str(error))
    codes = []
    for code in (REGELU2, RESILU2):
        lost = lost_slopes(code, seed=spec.seed, count=spec.checked_elements)
        primitive_gap, derivative_gap = code.l2_gaps()
        codes.append(
            {
                "code": code.name,
                "slopes": code.slopes.tolist(),
                "checked": spec.checked_elements,
                "lost_slopes": lost,
                "l2_gap_primitive": primitive_gap,
                "l2_gap_derivative": derivative_gap,
            }
        )
        if lost:
            refuted.append(f"{code.name} lost {lost} of {spec.checked_elements} slopes of its own derivative")
    claimed = [row for row in rows if row.scheme == "step-code" and row.nonlinearity != "relu"]
    for row in claimed:
        if row.errors or row.payload_bits != spec.claimed_code_bits * row.elements:
            refuted.append(
                f"{row.nonlinearity} erred {row.errors} times at {row.payload_bits / row.elements:g} bits an element, "
                f"not 0 times at {spec.claimed_code_bits}"
            )
    norms = [check_normalisation(spec, centred=centred) for centred in (True, False)]
    for norm in norms:
        if not norm["over_tolerance"] <= 1:
            refuted.append(f"{norm['normalisation']} is {norm['over_tolerance']:.3g} tolerances off from its output")
    outcome: Outcome = "refuted" if refuted else "supported"
    provenance = {"spec": asdict(spec), "model": MODEL, "version": __version__, "python": platform.python_version()}
    table = {"provenance": provenance, "rows": [row.to_json() for row in rows], "codes": codes, "norms": norms}
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    kept = ", ".join(
        f"{row.scheme}{'' if row.dropped is None else ' ' + row.dropped} on {row.nonlinearity} "
        f"{row.bits_per_element:.3f} bits at error {row.error:.4f}"
        + ("" if row.ratio is None else f" ({row.ratio:.3f} of the floor)")
        for row in rows
    )
    print(
        f"training_memory: supported: {len(rows)} schemes of model T1 (training memory, not a KV cache), none under "
        f"the floor 1 - H2(delta) an element: {kept}; {' and '.join(row.nonlinearity for row in claimed) or 'no code'} "
        f"lose 0 of {spec.checked_elements} slopes; norms from output and rstd within "
        f"{max(norm['over_tolerance'] for norm in norms):.2g} of the rounding tolerance"
        if outcome == "supported"
        else f"training_memory: refuted: {'; '.join(refuted)}"
    )
    return outcome
