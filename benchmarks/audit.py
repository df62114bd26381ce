"""Audits: the generic adapter beside a hand-made one, and one audit as it is typed.

Both adapters play transformers' DynamicCache in one process, so that no library is loaded while the time is taken. The
game of keys and values asks Bob more than 400 times, and each time an object is rebuilt from its message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from benchmarks.timing import Row, beside, command, within
from lowerbound.caches.registry import find_cache
from lowerbound.certify.design.payload_game import payload_game
from lowerbound.core.models import find_geometry
from lowerbound.core.private_seed import PrivateSeed
from lowerbound.core.threads import one_thread
from lowerbound.game.protocol import CacheProtocol

GENERIC, HAND_MADE = "transformers:transformers:DynamicCache", "transformers:DynamicCache"
STACK = (2, 2)
PROMISED_S = 60.0


def game(name: str) -> Callable[[], object]:
    """A run of the whole game of keys and values on two layers of two heads of var-d16."""
    family = payload_game(find_geometry("var-d16"), "C", eta=Fraction(1, 100)).stacked(STACK)
    symbols = family.symbols_of(family.draw(PrivateSeed.parse("1"), 0))
    cache = find_cache(name)
    protocol = CacheProtocol(family, lambda: cache(family.public()))

    def run() -> None:
        with one_thread():
            protocol.bob(protocol.alice(symbols))

    return run


def rows() -> Iterator[Row]:
    """The generic adapter, and an audit with its imports."""
    size = "var-d16, 2 layers of 2 heads"
    yield beside("the generic adapter", size, game(GENERIC), "a hand-made one", game(HAND_MADE), runs=5, promised=1.2)
    yield within("audit of DynamicCache", size, lambda: command("audit", GENERIC), PROMISED_S, runs=1)
