"""A fuzzer of documents: mutated bytes of valid certificates never crash the kernel, hang it or pass as another claim.

`python -m tests.fuzz.documents [libFuzzer options]`, from the checkout. Half of the inputs are raw bytes; the others
are changes of the JSON inside a valid document, whose digest and binding are then made anew, so that they reach the
rules themselves. An input that is accepted must say what a valid document says, or less.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["lowerbound.kernel"]):
    from lowerbound.kernel.codec import digest
    from lowerbound.kernel.document import write_document
    from lowerbound.kernel.judge import judge_document
    from lowerbound.kernel.verdict import Outcome

from tests.forgeries.test_certificates import HOLDS
from tests.kernel.examples import ACCEPTED, EXAMPLES, changed, places, signed, stated

NAMES = sorted(EXAMPLES)
STATEMENTS = {name: stated(*EXAMPLES[name][:2]) for name in NAMES}
DOCUMENTS = {name: write_document(STATEMENTS[name], signed(STATEMENTS[name], EXAMPLES[name][2])) for name in NAMES}
SCRAPS: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 2**63, 10**30),
    *("", "0", "1", "-1", "1/2", "1/0", "ff"),
    *([], {}, [[]], [1, 2]),
)


def one_input(data: bytes) -> None:
    """Judge one input; AssertionError is a finding, and so is any other exception."""
    provider = atheris.FuzzedDataProvider(data)
    name = NAMES[provider.ConsumeIntInRange(0, len(NAMES) - 1)]
    whole = DOCUMENTS[name]
    if provider.ConsumeBool():
        place = provider.ConsumeIntInRange(0, len(whole))
        length = provider.ConsumeIntInRange(0, 8)
        forged = whole[:place] + provider.ConsumeBytes(16) + whole[place + length :]
        _, verdict = judge_document(forged)
        assert forged == whole or verdict.outcome is Outcome.REJECTED, verdict.reason
        return
    kind, claim, payload = EXAMPLES[name]
    for _ in range(provider.ConsumeIntInRange(1, 3)):
        inside_claim = provider.ConsumeBool()
        target = claim if inside_claim else payload
        spots = list(places(target))
        if not spots:
            continue
        spot = spots[provider.ConsumeIntInRange(0, len(spots) - 1)]
        new = SCRAPS[provider.ConsumeIntInRange(0, len(SCRAPS) - 1)]
        if provider.ConsumeBool():
            new = provider.ConsumeUnicodeNoSurrogates(12) if provider.ConsumeBool() else provider.ConsumeInt(9)
        target = changed(target, spot, new, delete=provider.ConsumeBool())
        claim, payload = (target, payload) if inside_claim else (claim, target)
    statement = stated(kind, claim)
    certificate = {"kind": kind, "proves": digest(statement), "payload": payload}
    _, verdict = judge_document(write_document(statement, certificate))
    assert "the judge failed" not in verdict.reason, (name, claim, payload)
    if verdict.outcome in ACCEPTED and kind != "cover":
        assert HOLDS[kind](claim, payload), (name, claim, payload)


def main() -> None:
    """Fuzz until libFuzzer is told to stop."""
    for document in DOCUMENTS.values():
        assert judge_document(document)[1].outcome in ACCEPTED
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    print(json.dumps({"documents": len(DOCUMENTS)}))
    main()
