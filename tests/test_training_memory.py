"""The training-memory experiment: the 2-bit code, INDEX on activation signs, norms from their output."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from experiments import training_memory as experiment
from experiments.training_memory import (
    NONLINEARITIES,
    REGELU2,
    RELU,
    RESILU2,
    SPEC,
    FloatArray,
    StepCode,
    TrainingMemory,
    ZeroMemory,
    backward_from_input,
    backward_from_output,
    lost_slopes,
    normalise,
    play,
    rounding_tolerance,
)
from lowerbound.core.bits import BitWriter
from lowerbound.core.bounds import is_above
from lowerbound.errors import AccountingError, CorruptState, InvalidArgument, UnknownName

CODES = [RELU, REGELU2, RESILU2]
SMALL = replace(SPEC, elements=2048, trials=4, checked_elements=64, normalised_rows=4, normalised_width=16)
finite = st.floats(allow_nan=False, allow_infinity=False)


# The 2-bit code


def test_slopes_of_the_published_constants() -> None:
    """Known values: 0, -0.0492, 1.0487, 1.0000 for ReGELU2; 0, -0.0406, 1.0403, 1.0000 for ReSiLU2; 0, 1 for ReLU."""
    assert [round(slope, 4) for slope in REGELU2.slopes.tolist()] == [0, -0.0492, 1.0487, 1.0]
    assert [round(slope, 4) for slope in RESILU2.slopes.tolist()] == [0, -0.0406, 1.0403, 1.0]
    assert RELU.slopes.tolist() == [0, 1]
    assert [code.width for code in CODES] == [1, 2, 2]


def test_l2_gaps_of_regelu2() -> None:
    """Known values: 0.0975 for the primitive to GELU, 0.396 for the step to GELU's derivative, to the digits stated.

    Each is the square root of the integral of the squared difference over the line, here over [-40, 40] by quadrature
    between thresholds; beside it, a midpoint sum, whose error of a few 1e-6 is of the order of its step at the jumps.
    """
    primitive_gap, derivative_gap = REGELU2.l2_gaps()
    assert (round(primitive_gap, 4), round(derivative_gap, 3)) == (0.0975, 0.396)
    step = 1e-4
    x = np.arange(-12 + step / 2, 12, step)
    ramp = sum(a * np.maximum(x - c, 0) for a, c in zip(REGELU2.steps, REGELU2.thresholds, strict=True))
    by_sum = np.sqrt(step * ((ramp - REGELU2.exact(x)) ** 2).sum())
    derivative_by_sum = np.sqrt(step * ((REGELU2.derivative(x) - REGELU2.exact_derivative(x)) ** 2).sum())
    assert abs(by_sum - primitive_gap) < step
    assert abs(derivative_by_sum - derivative_gap) < step


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.name)
@given(values=st.lists(finite, min_size=1, max_size=9))
def test_the_code_is_lossless_for_its_derivative(code: StepCode, values: list[float]) -> None:
    """Law: unpacking gives, bit for bit, the rounded exact left derivative of the primitive, thresholds included."""
    x = np.array([*values, *code.thresholds, *np.nextafter(code.thresholds, np.inf)])
    state = code.pack(x)
    assert 8 * len(state) - state.ledger.get("padding", 0) == code.width * len(x)
    wanted = [float(code.left_derivative(value)) for value in x.tolist()]
    assert code.unpack(bytes(state), len(x)).tolist() == wanted
    assert code.derivative(x).tolist() == wanted


def test_four_codes_fill_a_byte() -> None:
    """Definition: the code is the number of thresholds below x, first element in the highest bits."""
    assert REGELU2.pack(np.array([-4.0, -1.0, 1.0, 4.0])) == bytes([0b00_01_10_11])
    assert REGELU2.codes(np.array(REGELU2.thresholds)).tolist() == [0, 1, 2]


def test_a_code_of_other_constants_loses_slopes() -> None:
    """Non-vacuity: the count of lost slopes is 0 for both codes, and large for a code that unpacks another's table."""

    class Swapped(StepCode):
        def unpack(self, state: bytes, count: int) -> FloatArray:
            return RESILU2.unpack(state, count)

    assert lost_slopes(REGELU2, seed=0, count=300) == lost_slopes(RESILU2, seed=0, count=300) == 0
    swapped = Swapped("swapped", REGELU2.exact, REGELU2.exact_derivative, REGELU2.thresholds, REGELU2.steps)
    assert lost_slopes(swapped, seed=0, count=300) > 100


@pytest.mark.parametrize("code", [REGELU2, RESILU2], ids=lambda code: code.name)
def test_forward_is_exact_and_has_its_derivative(code: StepCode) -> None:
    """Definition: GELU and SiLU by their closed forms; the derivative by central differences.

    With h = 2^-17 the truncation is h^2/6 times a third derivative below 2, the rounding below 2^-50 / h.
    """
    x = np.linspace(-8, 8, 101)
    h = 2.0**-17
    quotient = (code.exact(x + h) - code.exact(x - h)) / (2 * h)
    assert np.abs(quotient - code.exact_derivative(x)).max() < h * h / 3 + 2.0**-50 / h
    at_one = {"regelu2": 0.8413447460685429, "resilu2": 0.7310585786300049}[code.name]
    assert float(code.exact(np.array(1.0))) == pytest.approx(at_one, rel=1e-15)


@pytest.mark.parametrize("state", [b"", b"\xff", bytes(2)], ids=["short", "padded with ones", "long"])
def test_corrupt_states(state: bytes) -> None:
    """Bad input: bytes that no forward pass leaves raise CorruptState."""
    with pytest.raises(CorruptState):
        REGELU2.unpack(state, 3)


def test_a_code_beyond_the_last_piece_is_corrupt() -> None:
    """Bad input: three pieces need two bits, and the fourth code is nobody's."""
    two_steps = StepCode("two steps", RELU.exact, RELU.exact_derivative, (0.0, 1.0), (0.5, 0.5))
    writer = BitWriter()
    writer.uints("payload", [3], width=2)
    with pytest.raises(CorruptState, match="codes below 3"):
        two_steps.unpack(writer.encoded(), 1)


# The game


@pytest.mark.parametrize(("scheme", "nonlinearity", "dropped"), SPEC.schemes)
def test_rows_lie_above_the_floor(scheme: str, nonlinearity: str, dropped: str | None) -> None:
    """Law: measured bits are never under the floor, and Bob errs only where a gradient is half the slope gap off."""
    row = play(scheme, nonlinearity, dropped, SMALL)
    low, high = Fraction(row.error_low), Fraction(row.error_high)
    assert is_above(row.state_bits, row.elements, 2, low, high)
    assert row.state_bits >= row.floor_bits
    assert row.ratio is None or row.ratio >= 1
    assert row.errors <= row.far_gradients
    assert "not a KV cache" in row.computation_model


@pytest.mark.parametrize(
    ("scheme", "nonlinearity", "dropped", "payload", "error"),
    [
        ("step-code", "relu", None, 1, 0),
        ("step-code", "regelu2", None, 2, 0),
        ("step-code", "resilu2", None, 2, 0),
        ("float16", "regelu2", None, 16, 0),
        ("dropping", "relu", "0", 1, 0),
        ("dropping", "relu", "1", 0, Fraction(1, 2)),
        ("zero-memory", "relu", None, 0, Fraction(1, 2)),
    ],
)
def test_bits_and_errors(scheme: str, nonlinearity: str, dropped: str | None, payload: int, error: Fraction) -> None:
    """Known values: bits an element and 64 for the length; no error, or a coin's."""
    row = play(scheme, nonlinearity, dropped, SMALL)
    assert row.payload_bits == payload * SMALL.elements
    assert row.state_bits == row.payload_bits + 64
    assert row.error == 0 if error == 0 else row.error_low <= error <= row.error_high


@pytest.mark.parametrize("dropped", ["1/4", "1/2", "3/4"])
def test_dropping_errs_half_of_what_it_drops(dropped: str) -> None:
    """Law: a dropped sign is a fair coin, so the error is f/2; the bits are those of the share that stays.

    The largest of four binomial counts stays within six standard deviations, and seven bits of padding.
    """
    row = play("dropping", "relu", dropped, SMALL)
    f = Fraction(dropped)
    assert row.error_low <= f / 2 <= row.error_high
    assert abs(row.payload_bits - (1 - f) * row.elements) < 7 + 6 * (float(f * (1 - f)) * row.elements) ** 0.5


def test_a_gradient_within_half_the_gap_carries_the_bit() -> None:
    """Definition: GELU's own derivative at +-1 is 0.0341 off the step's slopes, under half their gap, and errs 0."""
    row = play("float16", "regelu2", None, SMALL)
    assert 0.034 < row.deviation < 0.035 < row.half_gap
    assert row.half_gap == pytest.approx(float(Fraction(REGELU2.steps[1])) / 2)
    assert (row.errors, row.far_gradients) == (0, 0)


def test_activations_in_a_closure_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: a scheme that hides the activations outside its state, and stores no bytes, is under the floor."""
    hidden: list[FloatArray] = []

    class Closure(ZeroMemory):
        def save(self, x: FloatArray) -> bytes:
            hidden.append(x)
            return b""

        def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
            return upstream * self.code.derivative(hidden[-1])

    monkeypatch.setattr(experiment, "SCHEMES", {**experiment.SCHEMES, "closure": Closure})
    with pytest.raises(AccountingError, match="outside the counted bytes"):
        play("closure", "relu", None, SMALL)


def test_half_of_the_signs_in_a_closure_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: honest bytes for half of the signs do not pay for the other half."""
    hidden: list[FloatArray] = []

    class HalfHidden(TrainingMemory):
        def save(self, x: FloatArray) -> bytes:
            hidden.append(x[len(x) // 2 :])
            return self.code.pack(x[: len(x) // 2])

        def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
            paid = self.code.unpack(state, len(upstream) // 2)
            slopes: FloatArray = np.concatenate([paid, self.code.derivative(hidden[-1])])
            return upstream * slopes

    monkeypatch.setattr(experiment, "SCHEMES", {"half": HalfHidden})
    with pytest.raises(AccountingError):
        play("half", "relu", None, SMALL)


def test_an_attribute_of_the_state_does_not_cross(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forgery: the backward pass is handed plain bytes, so what hangs on a subclass of bytes is lost."""

    class Loaded(bytes):
        x: FloatArray

    class Attached(ZeroMemory):
        def save(self, x: FloatArray) -> bytes:
            state = Loaded()
            state.x = x
            return state

        def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
            assert type(state) is bytes
            return upstream * self.code.derivative(getattr(state, "x", upstream))

    monkeypatch.setattr(experiment, "SCHEMES", {"attached": Attached})
    assert play("attached", "relu", None, SMALL).error == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("magnitude", [0.0, -1.0, 0.0005])
def test_magnitudes_that_carry_no_sign(magnitude: float) -> None:
    """Bad input: within 0.00118 of zero both signs lie on one slope of ReGELU2."""
    with pytest.raises(InvalidArgument, match="magnitude must"):
        play("step-code", "regelu2", None, replace(SMALL, magnitude=magnitude))


def test_bad_input() -> None:
    """Bad input: unknown names, a share above 1, a pre-activation that is no number."""
    for scheme, nonlinearity in (("step-cod", "relu"), ("step-code", "rleu")):
        with pytest.raises(UnknownName, match="did you mean"):
            play(scheme, nonlinearity, None, SMALL)
    with pytest.raises(InvalidArgument, match="dropped must"):
        play("dropping", "relu", "3/2", SMALL)
    with pytest.raises(InvalidArgument, match="be finite"):
        REGELU2.pack(np.array([np.nan]))


def test_a_gradient_that_is_not_finite_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bad input: NaN answers no question."""

    class NotANumber(ZeroMemory):
        def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
            return upstream * np.nan

    monkeypatch.setattr(experiment, "SCHEMES", {"nan": NotANumber})
    with pytest.raises(InvalidArgument, match="gradient must be finite"):
        play("nan", "relu", None, SMALL)


# MS-BP


@pytest.mark.parametrize("centred", [True, False], ids=["LayerNorm", "RMSNorm"])
@given(
    x=st.lists(st.integers(-9, 9), min_size=5, max_size=5),
    g=st.lists(st.integers(-9, 9), min_size=5, max_size=5),
)
def test_norm_gradient_is_exact_in_rationals(centred: bool, x: list[int], g: list[int]) -> None:
    """Definition: with an eps that makes rstd rational, the formula equals J^T g exactly, without any tolerance.

    J is the quotient rule: d(u_i r)/dx_j = r du_i/dx_j + u_i dr/dx_j, with dr/dx_j = -r^3 mean(u du/dx_j).
    """
    n = len(x)
    mean = Fraction(sum(x), n) if centred else Fraction(0)
    u = [value - mean for value in x]
    r = Fraction(1, 20)
    assert 1 / r**2 > sum(value * value for value in u) / n, "eps > 0"
    y = [value * r for value in u]
    for j in range(n):
        du = [Fraction(int(i == j)) - (Fraction(1, n) if centred else 0) for i in range(n)]
        dr = -(r**3) * sum((a * b for a, b in zip(u, du, strict=True)), Fraction(0)) / n
        direct = sum((g[i] * (r * du[i] + u[i] * dr) for i in range(n)), Fraction(0))
        mean_g = Fraction(sum(g), n) if centred else Fraction(0)
        mean_gy = sum((a * b for a, b in zip(g, y, strict=True)), Fraction(0)) / n
        assert direct == r * (g[j] - mean_g - y[j] * mean_gy)


@pytest.mark.parametrize("centred", [True, False], ids=["LayerNorm", "RMSNorm"])
def test_norm_gradient_against_differences_and_jacobian(centred: bool) -> None:
    """Definition: dx from output and rstd is the derivative of the forward pass, within the derived tolerance.

    Differences are taken along the imaginary axis, Im L(x + ih)/h with h = 2^-300: no cancellation, truncation h^2, so
    rounding alone is left; a complex operation makes up to four real ones, hence four tolerances. Leaving out one
    mean is far outside.
    """
    rng = np.random.default_rng(3)
    x, g = 1 + 2 * rng.standard_normal((3, 24)), rng.standard_normal((3, 24))
    y, rstd = normalise(x, centred=centred, eps=1e-5)
    found = backward_from_output(y, rstd, g, centred=centred)
    tolerance = rounding_tolerance(x, y, rstd, g)
    assert (np.abs(found - backward_from_input(x, g, centred=centred, eps=1e-5)) <= tolerance).all()

    h = 2.0**-300
    differences = np.zeros_like(x)
    for j in range(x.shape[1]):
        moved: NDArray[Any] = x.astype(np.complex128)
        moved[:, j] += 1j * h
        output, _ = normalise(moved, centred=centred, eps=1e-5)
        differences[:, j] = (g * output).sum(axis=1).imag / h
    assert (np.abs(found - differences) <= 4 * tolerance).all()
    other = backward_from_output(y, rstd, g, centred=not centred)
    assert (np.abs(found - other) > 1e6 * tolerance).all(), "the tolerance tells LayerNorm from RMSNorm"


# The experiment


def test_a_small_experiment_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Definition: one sentence, and a table that carries its spec and names its model."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(experiment, "SPEC", SMALL)
    assert experiment.run() == "supported"
    said = capsys.readouterr().out
    assert said.startswith("training_memory: supported: 10 schemes of model T1 (training memory, not a KV cache)")
    assert said.count("\n") == 1
    table = json.loads(experiment.TABLE.read_text(encoding="utf-8"))
    assert table["provenance"]["spec"]["elements"] == SMALL.elements
    assert "none of R1, R2, R3" in table["provenance"]["model"]
    assert [row["scheme"] for row in table["rows"]] == [scheme for scheme, _, _ in SPEC.schemes]
    assert [code["lost_slopes"] for code in table["codes"]] == [0, 0]
    assert all(norm["over_tolerance"] <= 1 for norm in table["norms"])


def test_false_claims_are_refuted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Non-vacuity: a claim of one bit a code, a lossy code, a wrong norm and a cheating scheme are each refuted."""
    monkeypatch.chdir(tmp_path)

    def refuted(match: str) -> bool:
        return experiment.run() == "refuted" and match in capsys.readouterr().out

    monkeypatch.setattr(experiment, "SPEC", replace(SMALL, claimed_code_bits=1))
    assert refuted("at 2 bits an element, not 0 times at 1")
    monkeypatch.setattr(experiment, "SPEC", SMALL)
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "lost_slopes", lambda code, *, seed, count: 1)
        assert refuted("lost 1 of 64 slopes")
    with monkeypatch.context() as patch:
        patch.setattr(experiment, "backward_from_output", lambda y, rstd, g, *, centred: rstd * g)
        assert refuted("tolerances off")
    with monkeypatch.context() as patch:
        seen: list[FloatArray] = []

        class Closure(ZeroMemory):
            def save(self, x: FloatArray) -> bytes:
                seen.append(x)
                return b""

            def gradient(self, state: bytes, upstream: FloatArray) -> FloatArray:
                return upstream * self.code.derivative(seen[-1])

        patch.setattr(experiment, "SCHEMES", {**experiment.SCHEMES, "zero-memory": Closure})
        assert refuted("under the proved floor")


def test_the_spec_is_frozen_and_complete() -> None:
    """Definition: nobody changes the spec in place, and every nonlinearity is played."""
    with pytest.raises(AttributeError):
        SPEC.seed = 2  # type: ignore[misc]
    assert {nonlinearity for _, nonlinearity, _ in SPEC.schemes} == set(NONLINEARITIES)
    assert {scheme for scheme, _, _ in SPEC.schemes} == set(experiment.SCHEMES)
