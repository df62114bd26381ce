"""Truth here: in the game restricted to a class, its scheme needs the class' log2, others what they misread allows."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from lowerbound.caches.coded.schemes import scheme_of
from lowerbound.caches.registry import find_cache, play
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import find_model
from lowerbound.core.priors.groups import ClustersPrior
from lowerbound.core.priors.plain import SparseAttentionPrior, TokenWindowPrior
from lowerbound.core.priors.prior import Prior
from lowerbound.core.priors.rows import SparseCoefficientsPrior, SparseRowsPrior
from lowerbound.core.priors.table import PRIORS
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import AccountingError, ImpossibleReduction
from lowerbound.game.channel import Isolation
from lowerbound.game.duel import duel
from lowerbound.game.hard_family import HardFamily
from lowerbound.game.party import FAMILIES, family_of
from lowerbound.game.protocol import CacheProtocol
from lowerbound.game.structured import StructuredReduction, plan_structured
from lowerbound.game.verdict import KEEPS
from tests.marks import first_now

D16 = Geometry.of(find_model("var-d16"))
SMALL = Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16)
WITH_PROMPT = Geometry("prompt", ScaleSchedule.parse("1x1 2x3 4x5 6x8", n_context=3), 8)


@pytest.mark.parametrize("kind", first_now(PRIORS.values(), 4), ids=PRIORS)
def test_the_scheme_meets_the_floor(kind: type[Prior]) -> None:
    """Known value: on VAR-256 no symbol is misread, in the class' log2 rounded up to bytes and 96 bits of lengths."""
    family = plan_structured(D16, kind)
    row = play(family, scheme_of(kind), budget=family.prior.budget, isolation=Isolation.NONE)
    assert row.errors == 0
    assert row.state_bits >= family.prior.size_bits >= row.floor_bits
    assert row.state_bits <= family.prior.size_bits + 64 + 32 + 2 * 8
    assert row.state_bits <= 1.1 * family.prior.size_bits
    assert row.verdict == KEEPS


def test_families_are_found_by_their_names() -> None:
    """Law: the party's table has every family of games, by the name that its own jobs call it."""
    assert {family_of(game).game for game in FAMILIES} == FAMILIES.keys()
    assert {family.game for family in HardFamily.__subclasses__() if not family.__abstractmethods__} <= FAMILIES.keys()


@pytest.mark.parametrize("kind", PRIORS.values(), ids=PRIORS)
def test_members_are_read_in_double_precision(kind: type[Prior]) -> None:
    """Law: no answer is computed in float32 for its side of a threshold, since `symbols` reads numbers."""
    assert plan_structured(SMALL, kind).thresholds is None


@pytest.mark.parametrize("kind", PRIORS.values(), ids=PRIORS)
@pytest.mark.parametrize("place", [SMALL, WITH_PROMPT], ids=lambda place: place.name)
def test_bob_reads_every_member(kind: type[Prior], place: Geometry) -> None:
    """Definition: float64 pairs give Bob every symbol, in four heads of two layers; what crosses is JSON."""
    family = plan_structured(place, kind).stacked((2, 2))
    again = family_of(family.game).from_json(family.to_json())
    assert isinstance(family, StructuredReduction)
    assert isinstance(again, StructuredReduction)
    assert again.prior == family.prior
    assert again.to_json() == family.to_json()
    symbols = family.symbols_of(family.draw(PrivateSeed(0), 0))
    protocol = CacheProtocol(again, lambda: find_cache("full")(again.public()))
    assert np.array_equal(protocol.bob(protocol.alice(symbols)), symbols)
    assert np.array_equal(np.unique(np.concatenate(list(family.prior.runs()))), np.arange(family.prior.n_tokens))


@pytest.mark.parametrize(
    ("kind", "cache"),
    [
        (TokenWindowPrior, "golay"),
        (SparseRowsPrior, "window"),
        (ClustersPrior, "golay"),
        (SparseAttentionPrior, "majority"),
    ],
)
def test_caches_that_err_lie_above_the_floor_of_their_error(kind: type[Prior], cache: str) -> None:
    """Differential: caches that know nothing of the class err on it, and pay at least Fano's floor at that error."""
    row = play(plan_structured(D16, kind), cache, isolation=Isolation.NONE)
    assert row.errors > 0
    assert row.floor_bits > 0
    assert row.state_bits > row.floor_bits


def test_less_than_a_class_is_an_accounting_error() -> None:
    """Forgery: a cache that hides its state outside the bytes is caught in a restricted game too."""
    with pytest.raises(AccountingError, match="under the proved floor"):
        duel(
            plan_structured(SMALL, SparseAttentionPrior),
            "tests.forgeries.smugglers:ModuleGlobal",
            isolation=Isolation.NONE,
        )


def test_a_larger_error_hides_members() -> None:
    """Bad input: eta at or above the margin, with the margin told; model R2 has no such values."""
    for kind, eta in ((SparseRowsPrior, "1/16"), (SparseCoefficientsPrior, "1/64"), (ClustersPrior, "1/32")):
        with pytest.raises(ImpossibleReduction, match="to tell the members of prior"):
            plan_structured(D16, kind, eta=eta)
        assert plan_structured(D16, kind, eta=Fraction(eta) * Fraction(9, 10)).prior.n_tokens == 424
    with pytest.raises(ImpossibleReduction, match="values of a class"):
        plan_structured(D16, SparseRowsPrior).in_model_r2()


def test_members_are_uniform() -> None:
    """Definition: over 40 trials each group's symbols have the mean of a uniform draw within four deviations."""
    family = plan_structured(SMALL, ClustersPrior)
    drawn = np.stack([family.draw(PrivateSeed(0), trial)[0] for trial in range(40)])
    start = 0
    for group in family.prior.groups:
        part = drawn[:, start : start + group.count]
        deviation = np.sqrt((group.n_levels**2 - 1) / 12 / part.size)
        assert abs(part.mean() - (group.n_levels - 1) / 2) < 4 * deviation
        start += group.count
