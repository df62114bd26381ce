"""Weighing: a foreign object is fed in one process without interruption, and then everything that it holds is listed.

The object of a game is rebuilt from its message after every scale. This one lives through all scales, as it would in a
model, so that copies, memos and spare room are there. The list is made in the object's own process. An honest package
is weighed rightly; one that attacks the walk can hide from it, and then its message, which the judge measures, tells.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from lowerbound.core.cache import FloatArray, Public, bits_of_pairs
from lowerbound.core.oracle.attention import attention
from lowerbound.core.program import floats
from lowerbound.core.threads import one_thread
from lowerbound.foreign.adapter import Adapted
from lowerbound.foreign.defendant import Defendant
from lowerbound.foreign.graph import Leaf, Walk
from lowerbound.foreign.ledger import LARGEST_ERROR_PPM, LARGEST_RATIO, LONGEST_TEXT, MOST_ENTRIES, Entry, Holding, read
from lowerbound.foreign.message import FRAME_BYTES, written
from lowerbound.game.channel import Isolation
from lowerbound.game.live import serve
from lowerbound.game.question import Terms, numbers_in
from lowerbound.game.reply import kept
from lowerbound.game.respondent import LiveRespondent, Replies, terms_in, text_of
from lowerbound.game.wire import Frames

SAME_ROWS = Fraction(1, 2)
"""The share of a tensor's rows that has to be rows as they were handed over for its note to say so."""
LEAST_ROWS = 8
"""A tensor with fewer different rows than this says nothing."""
_RATIOS = ("ratio", "compression", "savings", "stats", "report", "usage", "footprint")
_BYTES = (
    "compressed_size",
    "compressed_bytes",
    "compressed_storage",
    "storage_bytes",
    "memory_bytes",
    "ram_bytes",
    "bytes",
)
_OTHERS = ("original", "fp16", "uncompressed", "baseline", "from_", "reset")
"""Words in the names of an object's meters, and words of names that measure something else."""


@dataclass(frozen=True, eq=False)
class Tokens:
    """What passes through a whole stack: keys, values and queries, shape (layers, heads, n_tokens, d) each."""

    keys: FloatArray
    values: FloatArray
    queries: FloatArray


class Balance(LiveRespondent):
    """A foreign object in a process of its own, which answers questions and can be weighed."""

    program = f"{__name__}:main"

    def weigh(self, terms: Terms, tokens: Tokens, time_limit_s: float) -> Holding:
        """What the object holds after the cached scales of these tokens.

        Contract: raises CacheContractBroken if the object fails or its process replies nonsense, and TimeLimitExceeded
        if it is late.
        """
        rows = [floats(part) for part in (tokens.keys, tokens.values, tokens.queries)]
        (told,) = self.asked(1, [b"weigh", text_of(terms), *rows], time_limit_s)
        with kept("answer"):
            return read(told)


@contextmanager
def balance(target: Defendant, isolation: Isolation, time_limit_s: float) -> Iterator[Balance]:
    """A context with a process in which a target can be weighed and asked."""
    made = Balance(target.text, isolation, time_limit_s)
    try:
        yield made
    finally:
        made.end()


class WeighedReplies(Replies):
    """The replies of a respondent, which also weighs its object."""

    def __call__(self, request: Frames) -> Frames:
        if request[0] != b"weigh":
            return super().__call__(request)
        terms = terms_in(request[1])
        tokens = Tokens(*(numbers_in(frame, (*terms.stack, terms.schedule.n_tokens, terms.d)) for frame in request[2:]))
        assert issubclass(self.cache, Adapted)
        return [json.dumps(weighed(self.cache, terms.public, tokens).to_json()).encode()]


def main() -> None:
    """The program of the object's process."""
    with one_thread():
        serve(WeighedReplies())


def weighed(cache: type[Adapted], public: Public, tokens: Tokens) -> Holding:
    """What the object of an adapter holds after the cached scales, beyond what its public twin holds."""
    n_scales, package = public.schedule.n_scales - 1, cache.target.package
    other = cache(public)
    twin = Walk.of(other.twin_object(n_scales), other.torch, package)
    live = cache(public)
    for scale in range(n_scales):
        rows = public.schedule.rows_of(scale)
        for layer in range(public.n_layers):
            own = (part[layer][:, rows] for part in (tokens.keys, tokens.values, tokens.queries))
            keys, values, queries = own
            live.append(layer, keys, values, scale, queries)
            live.attend(layer, queries)
        live.settle()
    held = Walk.of(live.object, live.torch, package)
    own_leaves = beyond(held.leaves, twin.leaves)
    skeleton, _ = written(live.object, live._twin(n_scales), live.torch, packed=False)
    fed = _fed_rows(live, tokens, n_scales)
    fp16_bytes = public.n_layers * public.n_heads * bits_of_pairs(public, public.schedule.n_tokens_cached) // 8
    live_error = _live_error(live, tokens)
    copy = live.copied()
    before = _size(Walk.of(copy, live.torch, package).leaves)
    if cache.target.kind != "patch":
        live.read_of(copy, 0)
    grown = _size(Walk.of(copy, live.torch, package).leaves) - before
    entries = [entry_of(leaf, fed, live.torch) for leaf in own_leaves]
    apart = sum(entry.bytes for entry in entries if entry.kind not in ("tensor", "array"))
    size = max(0, len(skeleton) + FRAME_BYTES - apart)  # numbers and texts travel in the pickle
    structure = Entry("", "deflated pickle", (), size, "structure", "how the parts hang together")
    strange = [f"{path}: {what}" for path, what in held.strange if (path, what) not in twin.strange]
    elsewhere = [leaf.path for leaf in own_leaves if leaf.shared and leaf.kind in ("tensor", "array", "bytes")]
    return Holding(
        tuple(_joined([*entries, structure])),
        max(0, grown),
        tuple(text[:LONGEST_TEXT] for text in strange[:MOST_ENTRIES]),
        tuple(path[:LONGEST_TEXT] for path in elsewhere[:MOST_ENTRIES]),
        own_ratio(live.object, fp16_bytes) if cache.target.kind != "kvpress" else None,
        min(LARGEST_ERROR_PPM, round(1e6 * live_error)),
    )


def beyond(leaves: list[Leaf], public: list[Leaf]) -> list[Leaf]:
    """The leaves that are not public: storages of other contents, and texts and numbers that differ at their place."""
    contents = {leaf.digest for leaf in public if leaf.kind in ("tensor", "array", "bytes")}
    places = {(leaf.path, leaf.digest) for leaf in public}
    return [
        leaf
        for leaf in leaves
        if (leaf.path, leaf.digest) not in places
        and not (leaf.kind in ("tensor", "array", "bytes") and leaf.digest in contents)
    ]


def _size(leaves: list[Leaf]) -> int:
    return sum(leaf.size for leaf in leaves)


def _live_error(live: Adapted, tokens: Tokens) -> float:
    """The worst error of the object's answers to the newest queries, over all that it was given."""
    stop = live.public.schedule.rows_of(live.n_scales - 1).stop
    start = live.public.schedule.rows_of(live.n_scales - 1).start
    worst = 0.0
    for layer in range(live.public.n_layers):
        asked = tokens.queries[layer][:, start:stop]
        for head, found in enumerate(live.attend(layer, asked)):
            keys, values = tokens.keys[layer][head, :stop], tokens.values[layer][head, :stop]
            exact = attention(asked[head], keys, values, rule=live.public.rule)
            worst = max(worst, float(np.abs(found - exact).max()))
    return worst


def _fed_rows(live: Adapted, tokens: Tokens, n_scales: int) -> dict[str, set[bytes]]:
    """The rows that were handed over, as bytes in the format of the model."""
    stop = live.public.schedule.rows_of(n_scales - 1).stop
    rows = {"keys": live.public.rule.directions(tokens.keys), "values": tokens.values}
    flat = {name: live.rows_as(part[:, :, :stop].reshape(-1, live.public.d))[0] for name, part in rows.items()}
    return {name: _row_bytes(live.torch, part) for name, part in flat.items()}


def _row_bytes(torch: Any, rows: Any) -> set[bytes]:
    return {row.tobytes() for row in rows.contiguous().view(torch.uint8).numpy()}


def entry_of(leaf: Leaf, fed: dict[str, set[bytes]], torch: Any) -> Entry:
    """A leaf as an entry of the ledger, with what is odd about it."""
    notes = []
    rows = leaf.value if leaf.kind == "tensor" else None
    if leaf.kind == "array" and _is_plain(leaf.value):
        rows = torch.from_numpy(leaf.value.copy())
    if rows is not None and not rows.is_quantized:
        rows = rows.detach()
        if rows.dtype.is_floating_point:
            notes += _copies(rows, fed, torch)
        elif not rows.dtype.is_complex and rows.numel():
            low, high = int(rows.min()), int(rows.max())
            width = max(1, (high - low).bit_length())
            if width < 8 * rows.element_size():
                notes.append(f"its values need {width} of {8 * rows.element_size()} bits")
    if leaf.views < leaf.size:
        notes.append(f"what is used of it is {leaf.views:,} bytes")
    if leaf.shared:
        notes.append("kept on a class, in a module or in a closure, so it does not travel")
    return Entry(leaf.path, leaf.dtype, leaf.shape, leaf.size, leaf.kind, "; ".join(notes)[:LONGEST_TEXT])


def _is_plain(rows: np.ndarray[Any, Any]) -> bool:
    return rows.dtype.kind in "iufb" and rows.dtype.byteorder in "=|" and rows.dtype.str[1:] not in ("u2", "u4", "u8")


def _copies(rows: Any, fed: dict[str, set[bytes]], torch: Any) -> list[str]:
    """What a tensor of floats repeats of the rows that were handed over."""
    if not rows.dim() or not rows.numel():
        return []
    wanted = {"keys": fed["keys"], "values": fed["values"]}
    length = len(next(iter(fed["keys"]), b""))
    for dtype in (torch.float16, torch.bfloat16, torch.float32):
        flat = rows.to(dtype)
        if flat.shape[-1] * flat.element_size() != length:
            continue
        own = _row_bytes(torch, flat.reshape(-1, flat.shape[-1]))
        for name, given in wanted.items():
            if len(own) >= LEAST_ROWS and len(given & own) >= SAME_ROWS * len(own):
                return [f"the original {name}"]
    if rows.shape[-1] * 2 == length or rows.shape[-1] * 4 == length:
        return ["rows in full precision, other than those handed over"]
    return []


def _joined(entries: list[Entry]) -> list[Entry]:
    """The largest entries, and one that sums up the others, so that a ledger has at most MOST_ENTRIES."""
    ordered = sorted(entries, key=lambda entry: -entry.bytes)
    first, rest = ordered[: MOST_ENTRIES - 1], ordered[MOST_ENTRIES - 1 :]
    if rest:
        first.append(Entry("...", "", (), sum(entry.bytes for entry in rest), "number", f"{len(rest)} more"))
    return first


def own_ratio(thing: Any, fp16_bytes: int) -> Fraction | None:
    """The compression ratio that an object reports of itself; None if it reports none.

    A meter is an attribute, or a method without required arguments, of the object. If its name speaks of a ratio, its
    number counts, or, of a mapping or an object that it returns, the first number whose name does. Without one, the
    bytes that the object, or all of its layers together, say that they take are compared with those of fp16.
    """
    for name, found in _meters(thing, _RATIOS):
        number = _ratio_in(found, named="ratio" in name.lower())
        if number is not None and 0 < number <= LARGEST_RATIO:
            return number
    layers = getattr(thing, "layers", None)
    for parts in ([thing], list(layers.values() if isinstance(layers, dict) else layers or [])):
        sizes = [next((int(found) for _, found in _meters(part, _BYTES) if _is_size(found)), 0) for part in parts]
        if parts and all(sizes):
            return Fraction(fp16_bytes, sum(sizes))
    return None


def _meters(thing: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """The names that have one of some words, the earliest word first, with what they are or return."""
    names = [name for name in dir(thing) if name[0] != "_" and not any(word in name.lower() for word in _OTHERS)]
    for word in words:
        for name in (name for name in names if word in name.lower()):
            with suppress(Exception):
                found = getattr(thing, name)
                if callable(found):
                    parameters = inspect.signature(found).parameters.values()
                    if any(each.default is each.empty for each in parameters):
                        continue
                    found = found()
                yield name, found


def _is_size(found: Any) -> bool:
    return isinstance(found, (int, float)) and not isinstance(found, bool) and found >= 1


def _ratio_in(found: Any, *, named: bool) -> Fraction | None:
    if named and isinstance(found, (int, float)) and not isinstance(found, bool):
        return Fraction(found).limit_denominator(10**6)
    table = found if isinstance(found, dict) else getattr(found, "__dict__", {})
    for name, value in table.items():
        if "ratio" in str(name).lower() and isinstance(value, (int, float)) and not isinstance(value, bool):
            return Fraction(value).limit_denominator(10**6)
    return None
