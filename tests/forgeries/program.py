"""A cache as a program, in plain Python: honest, or broken in the one way that its first argument names.

python program.py WAY [FILE]: a line is added to FILE at every start, where it can be. It keeps everything in float64.
"""

from __future__ import annotations

import math
import os
import signal
import struct
import subprocess
import sys
import time
from array import array
from contextlib import suppress
from typing import Any

NAMES = {1: "new", 2: "append", 3: "attend", 4: "encode", 5: "decode"}


def read_frame() -> bytes:
    head = sys.stdin.buffer.read(8)
    if not head:
        sys.exit(0)
    return sys.stdin.buffer.read(int.from_bytes(head, "little"))


def write_frame(first: int, body: bytes = b"", *, announced: int | None = None) -> None:
    length = 8 + len(body) if announced is None else announced
    sys.stdout.buffer.write(struct.pack("<QQ", length, first) + body)
    sys.stdout.buffer.flush()


def numbers(data: bytes) -> list[float]:
    return list(array("d", data))


def rows_of(flat: list[float], d: int) -> list[list[float]]:
    return [flat[start : start + d] for start in range(0, len(flat), d)]


def attention(cache: dict[str, Any], query: list[float]) -> list[float]:
    def inner(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    def norm(row: list[float]) -> float:
        return math.sqrt(inner(row, row)) if cache["rule"] else 1.0

    if not cache["keys"]:
        return [0.0] * cache["d"]
    logits = [cache["factor"] * inner(query, key) / (norm(query) * norm(key)) for key in cache["keys"]]
    weights = [math.exp(logit - max(logits)) for logit in logits]
    return [inner(weights, list(column)) / sum(weights) for column in zip(*cache["values"], strict=True)]


def done(way: str, request: bytes, caches: dict[int, dict[str, Any]]) -> bytes:
    """The body of the reply of an honest program, but for what `way` names."""
    kind, number = struct.unpack_from("<QQ", request)
    body = request[16:]
    if kind == 1:
        _, _, d, rule, factor = struct.unpack_from("<QQQQd", body)
        caches[number] = {"d": d, "rule": rule, "factor": factor, "keys": [], "values": []}
        return b""
    cache = caches[number]
    d = cache["d"]
    if kind == 2:
        _, n, _ = struct.unpack_from("<QQQ", body)
        rows = rows_of(numbers(body[24:]), d)
        cache["keys"] += rows[:n]
        cache["values"] += rows[n : 2 * n]
        return b""
    if kind == 3:
        answers = [attention(cache, query) for query in rows_of(numbers(body[8:]), d)]
        if way == "nan":
            answers[0][0] = math.nan
        return b"".join(struct.pack(f"<{d}d", *answer) for answer in answers)
    if kind == 4:
        return b"".join(struct.pack(f"<{d}d", *row) for row in [*cache["keys"], *cache["values"]])
    rows = rows_of(numbers(body), d)
    cache["keys"], cache["values"] = rows[: len(rows) // 2], rows[len(rows) // 2 :]
    return b""


def misbehave(way: str, request: bytes) -> bool:
    """Break the protocol in this way, if this is the request for it; True where a reply was written."""
    kind = int.from_bytes(request[:8], "little")
    asked = NAMES[kind]
    if (way, asked) == ("dies", "append"):
        print("the disk of rows is full", file=sys.stderr)
        sys.exit(3)
    elif (way, asked) == ("killed", "attend"):
        os.kill(os.getpid(), signal.SIGSEGV)
    elif (way, asked) == ("short", "encode"):
        write_frame(kind, b"a state", announced=1000)
        sys.exit(0)
    elif (way, asked) == ("half a length", "encode"):
        sys.stdout.buffer.write(b"\x10\0\0")
        sys.exit(0)
    elif (way, asked) == ("long", "attend"):
        write_frame(kind, bytes(21 * 16 * 8 + 8))
    elif (way, asked) == ("chatty", "new"):
        print("Hello, I am a cache.", flush=True)
    elif (way, asked) == ("closes", "append"):
        os.close(1)
        time.sleep(60)
    elif (way, asked) == ("hangs", "attend"):
        time.sleep(600)
    elif (way, asked) == ("leaves another", "new"):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", *sys.argv[2:]])
        return False
    elif (way, asked) == ("endless", "encode"):
        write_frame(kind, announced=2**40)
    elif (way, asked) == ("another kind", "attend"):
        write_frame(7, bytes(21 * 16 * 8))
    elif (way, asked) == ("refuses terms", "new"):
        write_frame(0, b"a budget is needed here")
    elif (way, asked) == ("refuses", "append"):
        write_frame(0, "no\nmore: \N{SNOWMAN}".encode())
    elif (way, asked) == ("refuses states", "decode"):
        write_frame(0)
    elif (way, asked) == ("empty", "new"):
        sys.stdout.buffer.write(bytes(8))
        sys.stdout.buffer.flush()
    else:
        return False
    return True


def main() -> None:
    """Answer requests until standard input ends."""
    way, *log = sys.argv[1:]
    for place in log:
        with suppress(OSError), open(place, "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()}\n")
    caches: dict[int, dict[str, Any]] = {}
    while True:
        request = read_frame()
        if not misbehave(way, request):
            write_frame(int.from_bytes(request[:8], "little"), done(way, request, caches))


if __name__ == "__main__":
    main()
