"""The private seed of a game: all that Alice's instance is drawn from.

The lower bound (floor) holds for public coins that are drawn before Alice's symbols and independently of them. A seed
from which a cache could compute the symbols would be a second message. So instances have a seed of their own, which
enters no job of a party, no environment and no file; after both parties have ended, the row states it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field

from lowerbound.core.coins import Coins
from lowerbound.errors import invalid

SEED_BYTES = 32
LONGEST_TEXT = 80


@dataclass(frozen=True)
class PrivateSeed:
    """A secret number below 2^256; its `repr` does not show it.

    Contract: equal values give equal instances and equal commitments. A value that is not an integer in [0, 2^256)
    raises InvalidArgument. A value that a cache can guess, such as 0, makes an example, and no measurement.
    """

    value: int = field(repr=False)

    def __post_init__(self) -> None:
        if (
            isinstance(self.value, bool)
            or not isinstance(self.value, int)
            or not 0 <= self.value < 2 ** (8 * SEED_BYTES)
        ):
            raise invalid("instance seed", "be an integer in [0, 2^256)", self.value)

    @classmethod
    def fresh(cls) -> PrivateSeed:
        """A seed that nobody knows: 256 bits of the operating system."""
        return cls(int.from_bytes(os.urandom(SEED_BYTES), "big"))

    @classmethod
    def parse(cls, text: str) -> PrivateSeed:
        """The seed that `opening` wrote, or a decimal number; anything else raises InvalidArgument."""
        try:
            value = int(text, 0) if len(text) <= LONGEST_TEXT else -1
        except ValueError:
            value = -1
        if value < 0:
            raise invalid("instance seed", "be a number in [0, 2^256), decimal or with 0x in front", text)
        return cls(value)

    @property
    def opening(self) -> str:
        """The seed as hexadecimal text, to be told when the game is over."""
        return hex(self.value)

    @property
    def commitment(self) -> str:
        """64 hexadecimal digits that bind whoever told them to this seed, and do not tell it.

        Contract: the SHA-256 digest of the words "lowerbound instance " and the opening.
        """
        return hashlib.sha256(f"lowerbound instance {self.opening}".encode()).hexdigest()

    def coins(self, purpose: str) -> Coins:
        """The coins of one purpose under this seed."""
        return Coins(self.value, purpose)

    def derived(self, label: str) -> PrivateSeed:
        """The seed of one part, such as one unit of a sweep; it tells nothing about this seed or other parts."""
        words = self.value.to_bytes(SEED_BYTES, "big") + f"lowerbound part {label}".encode()
        return PrivateSeed(int.from_bytes(hashlib.sha256(words).digest(), "big"))
