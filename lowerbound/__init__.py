"""The KV-cache memory lower bound for visual autoregressive transformers: stated, played and measured.

Names are resolved on first use (PEP 562), so that importing the package loads no scientific library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lowerbound.adversary.search import attack
    from lowerbound.caches.registry import find_cache, play
    from lowerbound.certify.check import check
    from lowerbound.certify.floors import floor
    from lowerbound.certify.possible import possible
    from lowerbound.core.cache import Cache, Public, StoredTokens
    from lowerbound.core.geometry import Geometry
    from lowerbound.core.keys.choice import keys_for
    from lowerbound.core.models import Model, find_model, models
    from lowerbound.core.oracle.attention import attention, block_causal_attention
    from lowerbound.core.private_seed import PrivateSeed
    from lowerbound.core.rules import L2Norm, Scaled
    from lowerbound.core.schedule import ScaleSchedule
    from lowerbound.foreign.audit import audit
    from lowerbound.game.channel import Isolation
    from lowerbound.game.duel import duel
    from lowerbound.game.reduction import plan_reduction
    from lowerbound.report.frame import rows_to_frame

__version__ = "0.2.0"

_HOME_OF = {
    "Cache": "core.cache",
    "Geometry": "core.geometry",
    "Isolation": "game.channel",
    "L2Norm": "core.rules",
    "Model": "core.models",
    "PrivateSeed": "core.private_seed",
    "Public": "core.cache",
    "ScaleSchedule": "core.schedule",
    "Scaled": "core.rules",
    "StoredTokens": "core.cache",
    "attack": "adversary.search",
    "attention": "core.oracle.attention",
    "audit": "foreign.audit",
    "block_causal_attention": "core.oracle.attention",
    "check": "certify.check",
    "duel": "game.duel",
    "find_cache": "caches.registry",
    "find_model": "core.models",
    "floor": "certify.floors",
    "keys_for": "core.keys.choice",
    "models": "core.models",
    "play": "caches.registry",
    "plan_reduction": "game.reduction",
    "possible": "certify.possible",
    "rows_to_frame": "report.frame",
}

__all__ = [
    "Cache",
    "Geometry",
    "Isolation",
    "L2Norm",
    "Model",
    "PrivateSeed",
    "Public",
    "ScaleSchedule",
    "Scaled",
    "StoredTokens",
    "attack",
    "attention",
    "audit",
    "block_causal_attention",
    "check",
    "duel",
    "find_cache",
    "find_model",
    "floor",
    "keys_for",
    "models",
    "plan_reduction",
    "play",
    "possible",
    "rows_to_frame",
]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        return getattr(import_module(f"lowerbound.{_HOME_OF[name]}"), name)
    raise AttributeError(f"module 'lowerbound' has no attribute {name!r}")
