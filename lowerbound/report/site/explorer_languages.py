"""The language models of the explorer: contexts, errors, and how the floors of their heads add up."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lowerbound.certify.floors import ids_enough
from lowerbound.core.decoder import LanguageModel, Placed
from lowerbound.core.geometry import Geometry
from lowerbound.core.models import decoders
from lowerbound.report.site.explorer_floors import Errors, first_heads, geometry_of

CONTEXTS = (1024, 4096, 8192, 16384, 32768, 131072)
"""Numbers of cached tokens; a model is shown at those that its positions reach."""
ERRORS = Errors(tuple(map(Fraction, ("1/10", "1/100", "1/1000"))), tuple(map(Fraction, ("0", "1/100"))))
"""Fewer than for image models: certificates for many tokens take seconds, all of these 12 minutes of one core."""


def contexts_of(decoder: LanguageModel) -> list[int]:
    """The contexts at which a decoder is shown: those of CONTEXTS within its positions, and the one of its default."""
    reached = {context for context in CONTEXTS if decoder.longest is None or context <= decoder.longest}
    return sorted({*reached, decoder.at().context})


def language_heads() -> dict[str, Geometry]:
    """By geometry, the heads of all layers of all language models at all their contexts."""
    places = [decoder.at(context) for decoder in decoders() for context in contexts_of(decoder)]
    return first_heads([share.geometry for placed in places for share in placed.shares])


def shown(decoder: LanguageModel) -> dict[str, Any]:
    """What the page shows of a decoder besides the floors of its heads."""
    places = [decoder.at(context) for context in contexts_of(decoder)]
    return {
        "name": decoder.name,
        "family": decoder.family,
        "d": decoder.head_dim,
        "context": decoder.at().context,
        "latent": decoder.latent_rank is not None,
        "notes": places[0].notes,
        "at": {str(placed.context): counts(placed) for placed in places},
    }


def counts(placed: Placed) -> dict[str, Any]:
    """The cache of a decoder at a context, the layers that cache alike, and what is enough with public weights (R2)."""
    ids = ids_enough(placed)
    return {
        "total_bits": placed.cache_bits,
        "streams": placed.n_streams,
        "shares": [
            {
                "what": share.what,
                "geometry": geometry_of(share.geometry),
                "T": share.geometry.n_tokens_cached,
                "layers": share.layers,
                "heads": share.heads,
                "streams": share.streams * placed.decoder.branches,
                "cache_bits": share.geometry.cache_bits,
            }
            for share in placed.shares
        ],
        "ids": ids["R2"].says if ids else None,
    }
