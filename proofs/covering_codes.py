"""Codes near the frontier 1 - H2(delta): three codes whose rate and error are known exactly."""

from __future__ import annotations

from functools import partial
from typing import Any

from lowerbound.game.codes import CoveringCode, golay, hamming, majority_of_three
from lowerbound.prove.lemma import ByKernel, Lemma


def parity(code: CoveringCode) -> dict[str, Any]:
    """The payload by which the kernel reads the code: the parity part of its generator matrix."""
    return {"parity": [list(row) for row in code.parity]}


LEMMA = Lemma(
    id="covering_codes",
    words="Quantizing uniform blocks with the majority, Hamming and Golay codes takes 1/3, 4/7 and 12/23 message bits "
    "per source bit, at error rates of exactly 1/4, 1/8 and 2921/23552.",
    range="finite list: [3,1], [7,4], [23,12]",
    discharges=tuple(
        ByKernel(
            "linear_code",
            {"length": code.n_block_bits, "dimension": code.n_message_bits, "error": str(code.error)},
            find=partial(parity, code),
        )
        for code in (majority_of_three(), hamming(), golay())
    ),
)
