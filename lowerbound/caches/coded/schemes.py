"""Schemes: for each prior, the registered cache whose size meets the floor of the class."""

from __future__ import annotations

from lowerbound.core.priors.prior import Prior

SCHEMES: dict[str, str] = {
    "token-window": "window-bits",
    "scale-window": "scale-bits",
    "locality": "exact",
    "sparse-attention": "exact",
    "sparse": "sparse-rows",
    "sparse-coefficients": "sparse-coefficients",
    "rank": "row-space",
    "columns": "live-columns",
    "blocks": "block-rows",
    "clusters": "shared-keys",
    "pyramid": "pyramid-detail",
}
"""Prior name -> cache name. Priors that spare nothing are met by storing every symbol."""


def scheme_of(prior: Prior | type[Prior]) -> str:
    """The name of the cache that codes the members of this class in log2 of their number, rounded up to bytes."""
    return SCHEMES[prior.name]
