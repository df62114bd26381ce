"""The registry of all priors, in the order of the printed table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lowerbound.core.priors.columns import LiveColumnsPrior
from lowerbound.core.priors.groups import BlocksPrior, ClustersPrior
from lowerbound.core.priors.plain import ScaleWindowPrior, SparseAttentionPrior, SpatialLocalityPrior, TokenWindowPrior
from lowerbound.core.priors.prior import Prior
from lowerbound.core.priors.pyramid import PyramidDetailPrior
from lowerbound.core.priors.rows import LowRankPrior, SparseCoefficientsPrior, SparseRowsPrior
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import unknown

PRIORS: dict[str, type[Prior]] = {
    prior.name: prior
    for prior in (
        *(TokenWindowPrior, ScaleWindowPrior, SpatialLocalityPrior, SparseAttentionPrior),
        *(SparseRowsPrior, SparseCoefficientsPrior, LowRankPrior, LiveColumnsPrior),
        *(BlocksPrior, ClustersPrior, PyramidDetailPrior),
    )
}
"""All priors by name."""


def find_prior(name: str) -> type[Prior]:
    """The prior called `name`; UnknownName otherwise."""
    if name not in PRIORS:
        raise unknown("prior", name, PRIORS)
    return PRIORS[name]


def prior_from_json(data: Mapping[str, Any], schedule: ScaleSchedule, d: int) -> Prior:
    """The prior that `prior_to_json` described, on the maps of `schedule` and in dimension d."""
    return find_prior(data["name"])(schedule, d, **data["parameters"])


def prior_to_json(prior: Prior) -> dict[str, Any]:
    """The name and parameters of a prior, without `schedule` and `d`, as plain JSON values."""
    return {"name": prior.name, "parameters": dict(prior.parameters())}
