"""Valid pairs of claim and payload, one or more of each kind, small enough to read; forgeries start from these."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from typing import Any

from lowerbound.kernel.codec import digest
from lowerbound.kernel.judge import judge
from lowerbound.kernel.verdict import Outcome, Verdict
from tests.kernel.floors import FLOORS
from tests.kernel.replay import FIVE_IDS, UNSEEN

Json = Any
VERIFIED, REJECTED, UNDECIDED = Outcome.VERIFIED, Outcome.REJECTED, Outcome.UNDECIDED
ACCEPTED = (Outcome.VERIFIED, Outcome.CONSISTENT)
"""The words for a valid document; the second is for transcripts, whose game only `lowerbound check` plays again."""


def packed(value: Json) -> bytes:
    """JSON text of a document."""
    return json.dumps(value).encode()


def signed(statement: Json, payload: Json) -> Json:
    """The certificate that carries this statement's digest."""
    return {"kind": statement["kind"], "proves": digest(statement), "payload": payload}


def stated(kind: str, claim: Json) -> Json:
    """A statement of this kind."""
    return {"id": f"example of {kind}", "kind": kind, "claim": claim}


def ask(kind: str, claim: Json, payload: Json) -> Verdict:
    """The judge's word on a claim and a payload, bound to each other."""
    statement = stated(kind, claim)
    return judge(packed(statement), packed(signed(statement, payload)))


def inequality(expression: Json, *, strict: bool = False) -> Json:
    """expression >= 0, or > 0."""
    return {"expression": expression, "strict": strict}


def intervals(name: str, marks: list[str]) -> list[Json]:
    """Leaves between neighbouring marks."""
    return [{name: [low, high]} for low, high in pairwise(marks)]


def cyclic_parity(n: int, polynomial: int) -> list[list[int]]:
    """The parity rows of a cyclic code by long division: row i is x^(n-1-i) modulo the polynomial."""
    degree = polynomial.bit_length() - 1
    rows = []
    for power in range(n - 1, degree - 1, -1):
        remainder = 1 << power
        while remainder >> degree:
            remainder ^= polynomial << (remainder.bit_length() - 1 - degree)
        rows.append([remainder >> j & 1 for j in range(degree - 1, -1, -1)])
    return rows


ONE_PLUS_ONE = {
    "variables": ["x", "y"],
    "hypotheses": {"x_positive": inequality("x", strict=True), "y_at_least_x": inequality(["-", "y", "x"])},
    "goal": inequality(["+", ["*", "x", "y"], ["/", "x", "2"]], strict=True),
}
"""x y + x / 2 > 0 follows from x > 0 and y >= x: it is x (y - x) + x^2 + x / 2."""

ENTROPY = {
    "variables": {"p": ["1/100", "1/10"]},
    "goal": [
        "+",
        ["/", "1", "2"],
        ["/", ["+", ["*", "p", ["log", "p"]], ["*", ["-", "1", "p"], ["log", ["-", "1", "p"]]]], ["log", "2"]],
    ],
}
"""1 - H2(p) > 1/2 on [0.01, 0.1]."""
ENTROPY_MARKS = [str(Fraction(k, 200)) for k in (2, 4, 8, 12, 15, 17, 18, 19, 20)]

SQUARE = {"variables": {"x": ["0", "1"], "y": ["-1", "1"]}, "goal": ["+", "1/4", ["exp", ["-", "x", "y"]]]}
"""1/4 + exp(x - y) > 0 on a rectangle."""

FORGOTTEN: tuple[Json, Json] = (
    {
        "guarantee": "relative",
        "eta": "1/100",
        "rule": {"name": "l2norm", "multiplier": "100"},
        "d": 1,
        "shapes": [[1, 2], [1, 1]],
        "context": 0,
        "cache": "window",
        "budget": "1/2",
        "keys": None,
        "network": False,
        "seed": 0,
        "layers": 1,
        "heads": 1,
    },
    {
        "precision": 128,
        "keys": [[["1"], ["-1"]], [["-1"]]],
        "values": [[["1"], ["0"]], [["0"]]],
        "queries": [[["1"], ["1"]], [["1"]]],
        "query": ["3/2"],
        "layer": 0,
        "head": 0,
        "coordinate": 0,
        "answer": "0",
    },
)
"""A window of one token has lost the first token, which the query asks for: the answer is 0, and the truth almost 1."""

TOLD: tuple[Json, Json] = (
    {
        "cache": "sixty-three right",
        "budget": "1/2",
        "model": "eight tokens",
        "setting": {"game": "by hand", "family": {}},
        "tokens": 8,
        "parts": [
            {"name": "bits", "levels": 2, "columns": 8, "errors": 1},
            {"name": "trits", "levels": 3, "columns": 1, "errors": 0},
        ],
        "message_bits": 128,
        "floor_bits": 39,
        "confidence": "9/10",
        "instance_commitment": hashlib.sha256(b"lowerbound instance 0xff").hexdigest(),
    },
    {
        "precision": 96,
        "asked": ["0123456789abcdef", "1812"],
        "answered": ["0123456789abcdee", "1812"],
        "message": "0123456789abcdef",
        "rates": [["1/2529", "84011/1000000"], ["0", "369417/1000000"]],
        "instance_seed": "0xff",
    },
)
"""One of 64 bits is wrong and none of 8 trits: rates over .0840 and .3694 are refuted, and 39 bits are needed."""

EXAMPLES: dict[str, tuple[str, Json, Json]] = {
    **FLOORS,
    "transcript": ("transcript", *TOLD),
    "keys_at_most": (
        "keys_at_most",
        {"d": 8, "coherence": "1/2", "n_max": 240},
        {
            "coefficients": ["3/320", "3/40", "15/64", "39/80", "399/640", "9/16", "33/128"],
            "double_roots": ["-1/2", "0"],
            "marks": [],
        },
    ),
    "handelman": (
        "handelman",
        ONE_PLUS_ONE,
        {
            "terms": [
                {"coefficient": "1", "powers": {"x_positive": 1, "y_at_least_x": 1}},
                {"coefficient": "1", "powers": {"x_positive": 2}},
                {"coefficient": "1/2", "powers": {"x_positive": 1}},
            ]
        },
    ),
    "entropy": ("cover", ENTROPY, {"precision": 64, "leaves": intervals("p", ENTROPY_MARKS)}),
    "square": (
        "cover",
        SQUARE,
        {
            "precision": 53,
            "leaves": [
                {"x": ["0", "1/2"], "y": ["-1", "1"]},
                {"x": ["1/2", "1"], "y": ["-1", "0"]},
                {"x": ["1/2", "1"], "y": ["0", "1"]},
            ],
        },
    ),
    "constants": (
        "cover",
        {"variables": {}, "goal": ["-", ["exp", "1"], "2718281828459045/1000000000000000"]},
        {"precision": 128, "leaves": [{}]},
    ),
    "sign keys": ("keys", {"n": 4, "d": 4, "coherence": "0"}, {"rows": ["0", "5", "3", "6"]}),
    "integer keys": (
        "keys",
        {"n": 3, "d": 2, "coherence": "24/25"},
        {"rows": [[5, 0], [3, 4], [4, 3]]},
    ),
    "majority": ("linear_code", {"length": 3, "dimension": 1, "error": "1/4"}, {"parity": [[1, 1]]}),
    "hamming": (
        "linear_code",
        {"length": 7, "dimension": 4, "error": "1/8"},
        {"parity": cyclic_parity(7, 0b1011)},
    ),
    "index": ("index_optimum", {"m": 3, "messages": 2, "error": "1/4"}, {}),
    "witness": ("witness", *FORGOTTEN),
    "ids": ("replay_floor", *FIVE_IDS),
    "fibre": ("f_hat_fibre", *UNSEEN),
}
"""Name -> kind, claim, payload; each is VERIFIED, and the transcript CONSISTENT."""
LARGE = {name for name in EXAMPLES if "strips" in name or "frames" in name}
"""Documents of many fields, each slow to judge: of what tries every field, suites try the first of them, and CI all."""


def places(value: Json, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The paths of everything inside a document, itself left out."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in inside:
        yield (*path, name)
        yield from places(part, (*path, name))


def changed(value: Json, path: tuple[Any, ...], new: Json, *, delete: bool = False) -> Json:
    """A copy of a document with one place replaced, or deleted."""
    copy = json.loads(json.dumps(value))
    holder = copy
    for step in path[:-1]:
        holder = holder[step]
    if delete:
        del holder[path[-1]]
    else:
        holder[path[-1]] = new
    return copy
