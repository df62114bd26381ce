"""The VAR pipeline: a simulated network, its replay from public weights, and traces of recorded attention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lowerbound.var.simulator.weights import load

__all__ = ["load"]


def __getattr__(name: str) -> Any:
    """`load`, found on first use (PEP 562), so that importing the room loads no scientific library."""
    if name == "load":
        from lowerbound.var.simulator.weights import load

        return load
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
