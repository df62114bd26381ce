"""Laws and known values of the game of Theorems C and C': every symbol of keys and values read, and what caches err."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from flint import arb

from lowerbound.caches.controls.full import Full64
from lowerbound.caches.registry import play
from lowerbound.core.cache import FloatArray, Public
from lowerbound.core.coins import Coins
from lowerbound.core.geometry import Geometry
from lowerbound.core.oracle.attention import attention
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.reading import KINDS, Kind
from lowerbound.core.rules import RuleName, Scaled
from lowerbound.core.scalars import ball, precision
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import AccountingError, ImpossibleReduction, InvalidArgument
from lowerbound.game.channel import Isolation
from lowerbound.game.hard_family import HardFamily, Run
from lowerbound.game.payload import PayloadDesign
from lowerbound.game.payload_plan import plan_payload
from lowerbound.game.payload_reduction import PayloadReduction
from lowerbound.game.protocol import CacheProtocol
from tests.game.test_payload import ZOOM_100, ZOOM_1000, optimised_design, zoom_design
from tests.marks import first_now

SMALL = Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)
Push = Callable[[FloatArray], FloatArray]


def coins(outputs: FloatArray) -> FloatArray:
    """Up or down, by a fair coin each."""
    return np.where(Coins(1, "push").bits(outputs.size).reshape(outputs.shape) == 1, 1.0, -1.0)


PUSHES: dict[str, Push] = {
    "up": np.ones_like,
    "down": lambda outputs: -np.ones_like(outputs),
    "towards half": lambda outputs: np.sign(0.5 - outputs),
    "coins": coins,
}
"""Towards the level above, towards the level below, towards the threshold of every round of C', and all mixed."""


class Pushed(Full64):
    """Remembers everything, and moves every answer by a fixed amount in a stated direction."""

    def __init__(self, public: Public, push: Push, by: float) -> None:
        super().__init__(public)
        self._push, self._by = push, by

    def attend(self, queries: FloatArray) -> FloatArray:
        outputs = super().attend(queries)
        return outputs + self._by * self._push(outputs)


class PushedInTurn(Full64):
    """Remembers everything, and moves all answers about a token one way of `PUSHES`, by the token's number in turn."""

    def __init__(self, public: Public, by: float) -> None:
        super().__init__(public)
        self._by = by

    def attend(self, queries: FloatArray) -> FloatArray:
        asked = (queries @ self.keys[: self.public.schedule.n_tokens_cached].T).argmax(axis=1)
        outputs = super().attend(queries)
        pushes = np.array([push(outputs) for push in PUSHES.values()])
        moved: FloatArray = outputs + self._by * pushes[asked % len(PUSHES), np.arange(len(queries))]
        return moved


def misread(family: HardFamily, push: Push | None, by: Fraction) -> tuple[int, int]:
    """(values, keys) that Bob misreads of a cache that is off by `by`, each way of `push`; None: every way in turn."""
    public = family.public()
    protocol = CacheProtocol(
        family, lambda: Pushed(public, push, float(by)) if push else PushedInTurn(public, float(by))
    )
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    wrong = protocol.bob(protocol.alice(symbols)) != symbols
    n_values = family.geometry.d - 1
    return int(wrong[:, :n_values].sum()), int(wrong[:, n_values:].sum())


@pytest.fixture(scope="module")
def small_families() -> dict[tuple[Kind, RuleName], PayloadReduction]:
    """21 cached tokens in R^16 under both rules, eta 1/100."""
    rules: tuple[RuleName, ...] = ("l2norm", "1/sqrt(d)")
    return {
        (kind, rule): PayloadReduction(plan_payload(replace(SMALL, rule_name=rule), kind=kind))
        for kind in KINDS
        for rule in rules
    }


@pytest.mark.parametrize("push", PUSHES)
@pytest.mark.parametrize("rule", ["l2norm", "1/sqrt(d)"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_symbol_is_read_under_the_worst_allowed_error(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction], kind: Kind, rule: RuleName, push: str
) -> None:
    """Law: answers that are off by exactly eta, in any of the bad directions, cost no symbol; off by 3/2 eta, some."""
    family = small_families[kind, rule]
    assert misread(family, PUSHES[push], family.design.eta) == (0, 0)
    values, keys = misread(family, PUSHES[push], family.design.eta * 3 / 2)
    assert values > 0
    assert keys > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "design",
    [
        pytest.param(optimised_design(), id="C-100"),
        pytest.param(zoom_design(*ZOOM_100), id="zoom-100"),
        pytest.param(zoom_design(*ZOOM_1000), id="zoom-1000"),
    ],
)
def test_the_reference_model_under_the_worst_allowed_error(design: PayloadDesign) -> None:
    """Law: all symbols of VAR-d16, at the certified designs."""
    family = PayloadReduction(design)
    assert misread(family, coins, design.eta) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("kind", first_now(KINDS, n_slow=0))
@pytest.mark.parametrize("eta", first_now(["1/1000", "1/10", "1/100"], n_slow=0))
def test_planned_designs_of_the_reference_model(eta: str, kind: Kind) -> None:
    """Law: what the planner proves for VAR-d16 is read, a quarter of the tokens under each direction of error, and not
    under half more."""
    from lowerbound.core.models import find_model

    family = PayloadReduction(plan_payload(Geometry.of(find_model("var-d16")), eta=eta, kind=kind))
    assert misread(family, None, family.design.eta) == (0, 0)
    assert min(misread(family, None, family.design.eta * 3 / 2)) > 0


def answered(family: HardFamily, answer: Callable[[Run], FloatArray]) -> tuple[list[Run], FloatArray]:
    """Bob's runs when `answer` answers them, and the symbols that he names."""
    reading = family.reading()
    runs = [next(reading)]
    while True:
        try:
            runs.append(reading.send(answer(runs[-1])))
        except StopIteration as done:
            return runs, done.value


@pytest.mark.parametrize("kind", KINDS)
def test_bob_asks_no_more_than_he_may(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction], kind: Kind
) -> None:
    """Law: one run for the values, at most ceil(log2 L_K) a token whatever the answers are; unit keys and queries."""
    family = small_families[kind, "l2norm"]
    lies = Coins(0, "lies").generator()
    runs, _ = answered(family, lambda run: lies.random(run.queries.shape))
    hopeless, _ = answered(family, lambda run: np.full(run.queries.shape, 0.5))
    most = 1 + 21 * family.design.most_rounds
    assert len(hopeless) <= most
    assert len(runs) <= most
    assert len(runs) == most if kind == "C" else len(runs) > 1 + 21
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    rows = [family.tokens(symbols)[0], *(run.keys for run in runs), *(run.queries for run in runs)]
    for row in rows:
        assert np.abs(np.linalg.norm(row, axis=-1) - 1).max() < 1e-15 * family.geometry.d
    assert all(run.keys.shape[2] == 64 and run.queries.shape[2] <= 64 for run in runs)
    assert not any(run.values.any() for run in runs)


def test_a_zoom_takes_about_two_rounds() -> None:
    """Known value: honest answers leave one candidate of 163 after two or three rounds, where halving needs eight."""
    family = PayloadReduction(plan_payload(replace(SMALL, d=24), kind="C'"))
    keys, values = (rows[0, 0] for rows in family.tokens(family.symbols_of(family.draw(PrivateSeed(0), 0))))

    def oracle(run: Run) -> FloatArray:
        everything = [np.concatenate([old, own[0, 0]]) for old, own in ((keys, run.keys), (values, run.values))]
        outputs: FloatArray = attention(run.queries[0, 0], *everything, rule=family.rule)
        return outputs[None, None]

    runs, found = answered(family, oracle)
    assert np.array_equal(found, family.symbols_of(family.draw(PrivateSeed(0), 0)))
    assert family.design.most_rounds >= 7
    assert 2 <= (len(runs) - 1) / 21 <= 3


@pytest.mark.parametrize("rule", ["l2norm", "1/sqrt(d)"])
@pytest.mark.parametrize("kind", KINDS)
def test_float_answers_lie_within_the_derived_rounding_of_exact_ones(kind: Kind, rule: RuleName) -> None:
    """Differential: keys, values, queries and softmax of one token in Arb, from the theorem's formulas alone.

    The exact answers also lie within the leak of what the theorem says that Bob reads.
    """
    family = PayloadReduction(plan_payload(Geometry("tiny", ScaleSchedule.square([1, 2, 3]), 9, rule), kind=kind))
    design = family.design
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    keys, values = (rows[0, 0] for rows in family.tokens(symbols))
    runs, found = answered(
        family,
        lambda run: attention(
            run.queries[0, 0],
            np.concatenate([keys, run.keys[0, 0]]),
            np.concatenate([values, run.values[0, 0]]),
            rule=family.rule,
        )[None, None],
    )
    assert np.array_equal(found, symbols)
    token, rounding = 2, arb(float(family.rounding))
    with precision(200):
        numbers = design.reading()
        c, rho2, gamma = numbers.payload, ball(design.rho_squared), ball(design.gamma)
        top, scale = (1 - rho2).sqrt(), (rho2 / design.spread).sqrt()
        rows = design.addresses.rows.tolist()
        address = [[arb(x) / arb(sum(y * y for y in row)).sqrt() for x in row] for row in rows]
        n_payload, most = design.p - 1, design.n_levels_keys - 1

        def level(number: int) -> arb:
            if kind == "C'":
                return arb(2 * number - most) / most
            y = 1 / (1 + c.exp()) + (c / 2).tanh() * number / most
            place: arb = (y / (1 - y)).log() / c
            return place

        payload = [[level(int(a)) for a in row[design.geometry.d - 1 :]] for row in symbols]

        def softmax(logits: list[arb], column: list[arb]) -> arb:
            weights = [logit.exp() for logit in logits]
            mean: arb = sum((w * v for w, v in zip(weights, column, strict=True)), arb(0)) / sum(weights, arb(0))
            return mean

        products = [sum((a * b for a, b in zip(address[token], other, strict=True)), arb(0)) for other in address]
        lam, n_own = ball(design.multiplier), design.n_own
        logits = [lam * top * product for product in products] + [arb(0)] * n_own
        first = attention(
            runs[0].queries[0, 0], np.concatenate([keys, runs[0].keys[0, 0]]),
            np.concatenate([values, runs[0].values[0, 0]]), rule=family.rule,
        )  # fmt: skip
        for column in range(1, design.geometry.d):
            numbered = [arb(int(a)) / (design.n_levels_values - 1) for a in symbols[:, column - 1]]
            exact = softmax(logits, [*numbered, *[arb(0)] * n_own])
            assert abs(exact - arb(float(first[token, column]))) < rounding
            assert abs(exact - numbered[token]) <= numbers.value_leak
        asked = next(
            run for run in runs[1:] if np.allclose(run.queries, family.for_all_heads(family.payload_queries(token)))
        )
        answers = attention(
            asked.queries[0, 0], np.concatenate([keys, asked.keys[0, 0]]),
            np.concatenate([values, asked.values[0, 0]]), rule=family.rule,
        )  # fmt: skip
        blur = (1 + numbers.key_leak).log()
        for column in range(n_payload):
            middle = ball(Fraction(most // 2 * 2 + 1 - most, most)) + blur / (2 * c) if kind == "C'" else arb(0)
            stretch = (1 + gamma * gamma).sqrt()
            logits = [
                lam * (top * product + gamma * scale * x[column]) / stretch
                for product, x in zip(products, payload, strict=True)
            ]
            reference = numbers.reference + c * middle - arb(n_own).log()
            exact = softmax([*logits, *[reference] * n_own], [arb(1)] * len(rows) + [arb(0)] * n_own)
            assert abs(exact - arb(float(answers[column, 0]))) < rounding
            z = c * (payload[token][column] - middle)
            assert 1 / (1 + (-z).exp()) <= exact
            if kind == "C":
                assert exact <= 1 / (1 + (-z).exp()) + numbers.key_leak
            else:
                assert exact <= 1 / (1 + (-z - blur).exp())


@pytest.mark.parametrize("kind", KINDS)
def test_the_largest_payloads_leave_nothing_to_fill(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction], kind: Kind
) -> None:
    """Law: at every corner of the payloads' cube keys are unit vectors, and every symbol is still read."""
    family = small_families[kind, "l2norm"]
    n_values, most = family.geometry.d - 1, family.design.n_levels_keys - 1
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    symbols[:, n_values:] = most * (symbols[:, n_values:] > most // 2)
    keys, _ = family.tokens(symbols)
    assert np.abs(np.linalg.norm(keys, axis=-1) - 1).max() < 1e-15 * family.geometry.d
    assert keys[..., -1].max() < 1e-6
    public = family.public()
    protocol = CacheProtocol(family, lambda: Pushed(public, coins, float(family.design.eta)))
    assert np.array_equal(protocol.bob(protocol.alice(symbols)), symbols)


def test_queries_of_the_scaled_rule_are_longer(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction],
) -> None:
    """Metamorphic: under 1/sqrt(d) queries have length lambda sqrt(d), and the same unit keys."""
    unit, scaled = small_families["C", "l2norm"], small_families["C", "1/sqrt(d)"]
    assert isinstance(scaled.rule, Scaled)
    assert np.allclose(scaled.queries, unit.queries * 400)
    assert np.allclose(scaled.payload_queries(3), unit.payload_queries(3) * 400)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_reference_model(kind: Kind) -> None:
    """Known value: fp16 misreads nothing at 1/100; a window of a quarter keeps a quarter of both kinds of symbols."""
    design = optimised_design() if kind == "C" else zoom_design(*ZOOM_100)
    family = PayloadReduction(design)
    half = play(family, "full-fp16", isolation=Isolation.NONE)
    assert [(part.name, part.errors) for part in half.parts] == [("values", 0), ("keys", 0)]
    assert half.symbols == 424 * (63 + design.p - 1)
    assert half.state_bits == 868352 + 32 + 64
    assert 0.995 * design.floor_bits < half.floor_bits < design.floor_bits
    assert half.floor_bits == pytest.approx(sum(part.floor_bits for part in half.parts))
    for name in ("window", "h2o"):
        row = play(family, name, budget="1/4", isolation=Isolation.NONE)
        for part in row.parts:
            lost = 0.75 * (1 - 1 / part.levels)
            assert part.error_low <= lost <= part.error_high
        assert row.ratio is not None
        assert row.ratio > 4
    with pytest.raises(InvalidArgument, match="keys and value levels are public"):
        play(family, "exact", isolation=Isolation.NONE)
    with pytest.raises(ImpossibleReduction, match="secret keys"):
        play(family, "recompute", isolation=Isolation.NONE)


@pytest.mark.slow
def test_fp16_is_no_admissible_cache_at_one_thousandth() -> None:
    """Known value: at eta 1/1000 fp16 keeps values, and misreads most keys: its logits move by 0.05 at lambda 100."""
    row = play(PayloadReduction(zoom_design(*ZOOM_1000)), "full-fp16", isolation=Isolation.NONE)
    values, keys = row.parts
    assert values.errors == 0
    assert keys.error > 1 / 2
    assert row.floor_bits < row.state_bits


def test_rows_do_not_depend_on_isolation(small_families: dict[tuple[Kind, RuleName], PayloadReduction]) -> None:
    """Law: in processes of their own, Alice and Bob play the same game."""
    rows = []
    for level in (Isolation.NONE, Isolation.PROCESS):
        row = play(small_families["C'", "l2norm"], "full-fp16", trials=2, isolation=level).to_json()
        rows.append({k: v for k, v in row.items() if k not in ("isolation", "alice_seconds", "bob_seconds")})
    assert rows[0] == rows[1]
    assert json.loads(json.dumps(rows[0]))["parts"][1]["name"] == "keys"


@pytest.mark.parametrize("kind", KINDS)
def test_several_heads_have_symbols_of_their_own(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction], kind: Kind
) -> None:
    """Law: a stack of heads, and a cache that shares a budget among them, play the same game."""
    stacked = small_families[kind, "l2norm"].stacked((2, 3))
    row = play(stacked, "full-fp32", isolation=Isolation.NONE)
    assert (row.errors, row.heads, row.symbols) == (0, 6, 6 * small_families[kind, "l2norm"].n_symbols)
    symbols = stacked.symbols_of(stacked.draw(PrivateSeed(0), 0))
    assert not np.array_equal(symbols[:21], symbols[21:42])
    shared = play(small_families[kind, "l2norm"], "pyramidkv", isolation=Isolation.NONE)
    assert shared.heads > 1
    assert 0 < shared.error < 1


@pytest.mark.parametrize("name", first_now(["guaranteed-z", "guaranteed-a"]))
@pytest.mark.parametrize("kind", KINDS)
def test_caches_that_are_proved_to_err_less_than_eta_lose_no_symbol(
    small_families: dict[tuple[Kind, RuleName], PayloadReduction], kind: Kind, name: str
) -> None:
    """Differential: the upper side's promise is all that the game asks for, with fewer bits than fp16 takes."""
    row = play(small_families[kind, "l2norm"], name, isolation=Isolation.NONE)
    assert [part.errors for part in row.parts] == [0, 0]
    assert row.ratio is not None
    assert 1 < row.ratio < 4
    assert row.measured_ratio > 1


def test_kinds_of_symbols_are_independent() -> None:
    """Law: values and keys come from streams of their own, even where both have as many levels."""
    design = replace(plan_payload(SMALL), n_levels_values=40, n_levels_keys=40)
    drawn = PayloadReduction(design).draw(PrivateSeed(0), 0)
    n_values, n_keys = 15, design.p - 1
    values, keys = drawn[:, :n_values].ravel(), drawn[:, n_values:].ravel()
    assert n_keys < n_values
    assert not np.array_equal(values[: len(keys)], keys)
    assert not np.array_equal(PayloadReduction(design).draw(PrivateSeed(0), 1), drawn)


def test_information_outside_the_counted_bytes_is_found() -> None:
    """Forgery: a cache that hands keys and values over in a global is an accounting error in this game too."""
    with pytest.raises(AccountingError, match="under the proved floor"):
        play(
            PayloadReduction(plan_payload(SMALL)),
            "tests.forgeries.smugglers:ModuleGlobal",
            isolation=Isolation.NONE,
        )
