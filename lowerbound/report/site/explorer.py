"""The frontier explorer: one file of HTML, with its data inside, that needs no network and no library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from lowerbound import __version__
from lowerbound.certify.theorems import THEOREMS
from lowerbound.core.bounds import ENTROPY
from lowerbound.core.models import decoders, models
from lowerbound.core.scalars import rational
from lowerbound.report.site import explorer_languages
from lowerbound.report.site.explorer_data import ERRORS
from lowerbound.report.site.explorer_floors import Errors, geometry_of

PLACE = "/* data */"
CURVE_STEPS = 250
"""The number of points of the proved frontier, for errors from 0 to 1/2."""


def embedded(data: Mapping[str, Any]) -> dict[str, Any]:
    """All numbers that the page shows; the page itself only divides by a cache, multiplies by heads, and adds."""
    curve = []
    for step in range(CURVE_STEPS):
        error = rational(f"{step}/{2 * CURVE_STEPS}")
        curve.append([float(error), round(float(1 - ENTROPY.enclosure(error).mid()), 6)])
    deltas = ERRORS.deltas
    return {
        "version": __version__,
        "errors": {"image": _choices(ERRORS), "language": _choices(explorer_languages.ERRORS)},
        "theorems": [
            [one.name, one.reads, {str(delta): one.proof(delta) for delta in deltas}] for one in THEOREMS.values()
        ],
        "curve": curve,
        "models": [
            {
                "name": model.name,
                "family": model.family,
                "geometry": geometry_of(model),
                "schedule": "×".join(map(str, model.schedule.shapes[-1])),
                "T": model.n_tokens_cached,
                "d": model.head_dim,
                "layers": model.n_layers,
                "heads": model.n_kv_heads,
                "cfg": model.cfg_branches,
                "streams": model.n_streams,
                "cache_bits": model.head_cache_bits,
                "replay_bits": model.replay_bits,
            }
            for model in models()
        ],
        "languages": [explorer_languages.shown(decoder) for decoder in decoders()],
        "floors": data["floors"],
        "games": data["games"],
    }


def _choices(errors: Errors) -> dict[str, list[str]]:
    return {"etas": list(map(str, errors.etas)), "deltas": list(map(str, errors.deltas))}


def page(data: Mapping[str, Any]) -> str:
    """The HTML file: the template with its data, in which "</" is escaped so that it cannot end the script element."""
    text = json.dumps(embedded(data), separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    template = (files("lowerbound.report.site") / "explorer.html").read_text(encoding="utf-8")
    before, after = template.split(PLACE)
    return f"{before}{text}{after}"
