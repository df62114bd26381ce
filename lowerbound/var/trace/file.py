"""Traces: queries, keys, values and outputs of one image, every layer, head and branch, in one safetensors file.

* `layer.{l}.q`, `.k`, `.v`, `.o`: (branches, heads, T, d), tokens in the order of scales, in F16, BF16, F32 or F64.
  k and v may have fewer heads than q and o, a divisor of them; consecutive heads of q then read one head of k and v.
* `patch_hw` or `patch_thw`: the maps, (scales, 2) or (scales, 3), in I64.
* `tokens`, optional: (1, cells of all maps) ids in I64; an id that consists of bits is written as a binary number,
  lowest bit first.
* `f_hat`, optional: (1, channels, h, w), of a type that q may have.

Metadata are strings: `logit_rule` ("l2norm": a logit is <q, k>, keys are unit rows and queries come with their
multiplier; "1/sqrt(d)" or "0.25/sqrt(d)": that times <q, k>), `k_stage` ("post_norm_post_rope": rows as they are
cached), `branches` ("cond,uncond"), `dtype` (what attention was computed in), optionally `context` (the number of
prompt tokens that precede the first map and are cached with it; "0" if absent), `codebook_size` (the number of values
of an id) and, for readers alone, `model`, `weights` and `digest` (the name of the weights, and "sha256:..." of their
file or the seed that they were drawn from), `commit`, `image`, `seed`. A query attends to the keys of its own scale
and of all earlier ones. Models differ in how prompt tokens attend to each other, so the layout does not say it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lowerbound.core.geometry import Geometry
from lowerbound.core.rules import RuleName, Scaled
from lowerbound.core.scalars import counted
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.core.tensors import STORED, Shapes, bad_file, numbers_of, open_tensors
from lowerbound.errors import InvalidArgument, LowerBoundError, invalid

Array = NDArray[Any]
FloatArray = NDArray[np.float64]

PARTS = ("q", "k", "v", "o")
K_STAGE = "post_norm_post_rope"
RULES: tuple[str, ...] = get_args(RuleName)
ROUNDOFF = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24, "float64": 2.0**-53}
"""The unit roundoff of every type in which attention may be computed."""
TINY = {"float16": 2.0**-24, "bfloat16": 2.0**-133, "float32": 2.0**-149, "float64": 2.0**-1074}
"""The smallest positive number of every such type."""

MOST_CHARACTERS = 1000
MOST_SCALES, MOST_TOKENS, MOST_LAYERS, MOST_DIM = 1024, 2**18, 1024, 4096
MOST_CODES = 2**64
LARGEST_LOGIT_ENTRY = 1e150
"""The bound on entries of q and k: the sum of MOST_DIM products of two of them is then finite in float64."""
NORM_SLACK = 8
"""The number of roundings in a norm beside those of its d products."""


@dataclass(frozen=True, eq=False)
class RecordedLayer:
    """One layer, arrays of shape (branches, heads, T, d) in float64; all finite.

    Keys and values may have fewer heads than queries and outputs; `Trace.key_head_of` says which head reads which.
    """

    queries: FloatArray
    keys: FloatArray
    values: FloatArray
    outputs: FloatArray


@dataclass(frozen=True, eq=False)
class Trace:
    """A file that has the layout above; tensors are read when they are asked for.

    Contract: made by `read_trace` alone, which has checked every name, type, shape and string. `layer` raises
    InvalidArgument where numbers are not finite, or keys are not unit rows though the rule says so.

    Parameters
    ----------
    n_heads, n_key_heads : int
        The heads per layer of queries and outputs, and those of keys and values, a divisor of them.
    dtype : str
        The type in which attention was computed, one of ROUNDOFF.
    stored : tuple of str
        The types in which q, k, v and o are stored, of ROUNDOFF.
    """

    path: Path
    schedule: ScaleSchedule
    n_layers: int
    n_branches: int
    n_heads: int
    n_key_heads: int
    d: int
    rule: RuleName
    dtype: str
    stored: tuple[str, ...]
    metadata: Mapping[str, str]

    @property
    def roundoff(self) -> float:
        """The unit roundoff of the coarsest type in which the numbers of the file were computed or stored."""
        return max(ROUNDOFF[kind] for kind in (self.dtype, *self.stored))

    @property
    def tiny(self) -> float:
        """The largest of the smallest positive numbers of those types."""
        return max(TINY[kind] for kind in (self.dtype, *self.stored))

    @property
    def model_name(self) -> str:
        """The name of the model, as the file states it."""
        return self.metadata.get("model", "unknown")

    @property
    def weights(self) -> str:
        """The digest of the file of weights, or the seed of random ones, as the file states it."""
        return self.metadata.get("digest", "unknown")

    @property
    def codebook_size(self) -> int | None:
        """The number of values of a token id, if the file states it."""
        return int(self.metadata["codebook_size"]) if "codebook_size" in self.metadata else None

    @cached_property
    def ids(self) -> Array | None:
        """The ids of all maps, one after the other, if the file has them."""
        if "tokens" not in open_tensors(self.path, "trace").shapes:
            return None
        found: Array = tensor(self.path, "tokens")[0].astype(np.int64)
        return found

    @property
    def branches(self) -> tuple[str, ...]:
        """Names of the branches."""
        return tuple(self.metadata["branches"].split(","))

    @property
    def logits(self) -> Scaled:
        """The rule as the oracle needs it: a logit is a factor times <q, k>."""
        return Scaled({"l2norm": 1.0, "1/sqrt(d)": None, "0.25/sqrt(d)": 0.25 / self.d**0.5}[self.rule])

    @cached_property
    def geometry(self) -> Geometry:
        """One head of the trace; ImpossibleReduction where a single scale leaves nothing to cache."""
        return Geometry(f"trace of {self.model_name}", self.schedule, self.d, self.rule, self.codebook_size)

    def key_head_of(self, head: int) -> int:
        """The head of k and v that a head of q reads."""
        return head * self.n_key_heads // self.n_heads

    @cached_property
    def streams(self) -> tuple[tuple[int, ...], ...]:
        """The heads of q in groups that read one (K, V) stream, in ascending order.

        Contract: two heads are in one group if and only if their keys and values are equal in every layer and branch,
        whether the file stores them once or repeats them. Tensors are read until all groups are settled.
        """
        groups = [list(range(self.n_key_heads))]
        for layer in range(self.n_layers):
            for part in ("k", "v"):
                if max(map(len, groups)) > 1:
                    rows = tensor(self.path, f"layer.{layer}.{part}").swapaxes(0, 1)
                    # The first token tells most heads apart, so that few are compared as a whole.
                    for seen in (rows[:, :, :1], rows):
                        groups = [finer for group in groups for finer in _equal(seen, group)]
        readers = [[head for head in range(self.n_heads) if self.key_head_of(head) in group] for group in groups]
        return tuple(sorted(map(tuple, readers)))

    @property
    def n_streams(self) -> int:
        """The number of (K, V) streams: layers times distinct heads of keys and values times branches."""
        return self.n_layers * len(self.streams) * self.n_branches

    def layer(self, layer: int) -> RecordedLayer:
        """Queries, keys, values and outputs of one layer, from 0."""
        if not 0 <= layer < self.n_layers:
            raise invalid("layer", f"lie in [0, {self.n_layers - 1}]", layer)
        found = RecordedLayer(*(tensor(self.path, f"layer.{layer}.{part}") for part in PARTS))
        for part, rows in (("q", found.queries), ("k", found.keys)):
            if not (largest := float(np.abs(rows).max())) <= LARGEST_LOGIT_ENTRY:
                rule = f"have finite logits: entries of at most {LARGEST_LOGIT_ENTRY:g} in layer.{layer}.{part}"
                raise _bad(self.path, rule, f"{largest:g}")
        if self.rule == "l2norm":
            self._check_unit(layer, found.keys)
        return found

    def _check_unit(self, layer: int, keys: FloatArray) -> None:
        away = float(np.abs(np.sqrt(np.vecdot(keys, keys)) - 1).max())
        if not away <= (self.d + NORM_SLACK) * self.roundoff:
            raise InvalidArgument(
                f"keys of layer {layer} must be unit rows under logit_rule l2norm, got a norm off by {away:.3g}"
            )

    def head(self, layer: int, head: int, branch: int = 0) -> tuple[FloatArray, FloatArray]:
        """K and V of one head, (T, d) each: all its tokens, in the order of scales."""
        for name, number, count in (("head", head, self.n_heads), ("branch", branch, self.n_branches)):
            if not 0 <= number < count:
                raise invalid(name, f"lie in [0, {count - 1}]", number)
        found = self.layer(layer)
        return found.keys[branch, self.key_head_of(head)], found.values[branch, self.key_head_of(head)]


def read_trace(path: str | Path) -> Trace:
    """Open a trace.

    Contract: a file that is no trace raises InvalidArgument in one sentence: it is too large, no safetensors file, or
    has a name, type, shape or string that the layout does not allow. No number of q, k, v or o is read yet, and nothing
    in the file is ever run.
    """
    place = Path(path)
    shapes, metadata = _header(place)
    grid = _grid(place, shapes, _context(place, metadata))
    n_layers = _count_layers(place, shapes)
    first = shapes["layer.0.q"][1]
    if len(first) != 4 or min(first) < 1 or first[3] > MOST_DIM:
        raise _bad(place, f"have layer.0.q of shape (branches, heads, T, d) with d <= {MOST_DIM}", first)
    n_branches, n_heads, n_tokens, d = first
    n_key_heads = _count_key_heads(place, shapes)
    for name, (kind, shape) in shapes.items():
        if name.startswith("layer."):
            if kind not in STORED:
                raise _bad(place, f"have {name} of type {', '.join(STORED)}", kind)
            heads = n_key_heads if name[-1] in "kv" else n_heads
            if shape != (n_branches, heads, n_tokens, d):
                fewer = "" if heads == n_heads else f", but with the {counted(heads, 'head')} of layer.0.k"
                raise _bad(place, f"have {name} of the shape of layer.0.q, {first}{fewer}", shape)
    if n_tokens != grid.n_tokens:
        prompts = f" and {counted(grid.n_context, 'prompt token')}" if grid.n_context else ""
        raise _bad(place, f"have T = {grid.n_tokens}, the cells of its maps{prompts}", n_tokens)
    rule, dtype = metadata["logit_rule"], metadata["dtype"]
    if rule not in RULES:
        raise _bad(place, f"have logit_rule {', '.join(RULES[:-1])} or {RULES[-1]}", rule)
    if dtype not in ROUNDOFF:
        raise _bad(place, f"have dtype {', '.join(ROUNDOFF)}", dtype)
    if metadata["k_stage"] != K_STAGE:
        raise _bad(place, f"have k_stage {K_STAGE}: keys as they are cached", metadata["k_stage"])
    _check_strings(place, metadata)
    if len(metadata["branches"].split(",")) != n_branches:
        raise _bad(place, f"name {counted(n_branches, 'branch', 'branches')}, as layer.0.q has", metadata["branches"])
    stored = tuple(sorted({STORED[kind] for name, (kind, _) in shapes.items() if name.startswith("layer.")}))
    trace = Trace(place, grid, n_layers, n_branches, n_heads, n_key_heads, d, _rule(rule), dtype, stored, metadata)
    _check_optional(trace, shapes)
    return trace


def write_trace(
    path: str | Path,
    layers: Sequence[Sequence[Array]],
    schedule: ScaleSchedule,
    *,
    rule: RuleName,
    dtype: str,
    branches: Sequence[str],
    tokens: Array | None = None,
    f_hat: Array | None = None,
    about: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Trace:
    """Write a trace, and read it back.

    Contract: the file appears whole or not at all, and equal arguments give files that differ at most in the order of
    their metadata. An existing file raises InvalidArgument unless `overwrite`. Arrays that `read_trace` or `layer`
    would refuse raise InvalidArgument, and no file is left.

    Parameters
    ----------
    layers : per layer (q, k, v, o), each (branches, heads, T, d); k and v may have a divisor of the heads of q and o
    schedule : ScaleSchedule
        The maps, and the number of prompt tokens that are cached with the first one.
    about : Mapping of str
        More metadata: model, codebook_size, weights, digest, commit, image, seed.
    """
    place = Path(path)
    check_output(place, overwrite=overwrite)
    names = {2: "patch_hw", 3: "patch_thw"}
    tensors = {names[len(schedule.shapes[-1])]: np.array(schedule.shapes, dtype=np.int64)}
    for number, parts in enumerate(layers):
        for part, array in zip(PARTS, parts, strict=True):
            tensors[f"layer.{number}.{part}"] = np.ascontiguousarray(array)
    if tokens is not None:
        tensors["tokens"] = np.asarray(tokens, dtype=np.int64).reshape(1, -1)
    if f_hat is not None:
        tensors["f_hat"] = np.ascontiguousarray(f_hat[None])
    told = {"logit_rule": rule, "k_stage": K_STAGE, "branches": ",".join(branches), "dtype": dtype, **(about or {})}
    if schedule.n_context:
        told["context"] = str(schedule.n_context)
    partial = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        save_file(tensors, partial, metadata=told)
        trace = read_trace(partial)
        for number in range(trace.n_layers):
            trace.layer(number)
        os.replace(partial, place)
    except SafetensorError as error:
        raise InvalidArgument(f"output must be a file that can be written, got {place}: {error}") from None
    finally:
        partial.unlink(missing_ok=True)
    return read_trace(place)


def check_output(path: Path, *, overwrite: bool) -> None:
    """Raise InvalidArgument unless the folder exists and the file does not, or may be overwritten."""
    if path.exists() and not overwrite:
        raise InvalidArgument(f"output must not exist yet, got {path}; --force writes over it")
    if not path.parent.is_dir():
        raise InvalidArgument(f"output must lie in a directory that exists, got {path}")


def tensor(path: Path, name: str) -> FloatArray:
    """One tensor as float64; raises InvalidArgument if an entry is not finite."""
    return numbers_of("trace", path, name)


def _bad(path: Path, rule: str, value: Any) -> InvalidArgument:
    return bad_file("trace", path, rule, value)


def _header(path: Path) -> tuple[Shapes, Mapping[str, str]]:
    """Type and shape of every tensor, and the metadata, which have the strings that every trace has."""
    found = open_tensors(path, "trace")
    missing = [key for key in ("logit_rule", "k_stage", "branches", "dtype") if key not in found.metadata]
    if missing:
        raise _bad(path, f"have the metadata {', '.join(missing)}", sorted(found.metadata)[:8])
    return found.shapes, found.metadata


def _check_strings(path: Path, metadata: Mapping[str, str]) -> None:
    """Raise InvalidArgument unless metadata are short and printable (they go to a terminal) and branches are words."""
    for key, text in metadata.items():
        if not (key + text).isprintable() or len(key + text) > MOST_CHARACTERS:
            raise _bad(path, f"have metadata of at most {MOST_CHARACTERS} printable characters", (key + text)[:40])
    size = metadata.get("codebook_size", "2")
    if not re.fullmatch("[0-9]{1,20}", size) or not 2 <= int(size) <= MOST_CODES:
        raise _bad(path, f"have a codebook_size that is an integer in [2, {MOST_CODES}]", size[:40])
    if not re.fullmatch(r"[\w-]+(,[\w-]+)*", metadata["branches"]):
        raise _bad(path, "name branches by words, between commas", metadata["branches"][:40])


def _context(path: Path, metadata: Mapping[str, str]) -> int:
    """The number of prompt tokens that the file states."""
    text = metadata.get("context", "0")
    if not re.fullmatch("[0-9]{1,6}", text) or int(text) > MOST_TOKENS:
        raise _bad(path, f"have a context that is an integer in [0, {MOST_TOKENS}]", text[:40])
    return int(text)


def _count_key_heads(path: Path, shapes: Shapes) -> int:
    """The number of heads of keys and values in layer 0, which must divide the number of heads of queries."""
    queries, keys = shapes["layer.0.q"][1], shapes["layer.0.k"][1]
    if len(keys) != 4 or keys[1] < 1 or queries[1] % keys[1] or (keys[0], *keys[2:]) != (queries[0], *queries[2:]):
        divided = counted(queries[1], "head")
        rule = f"have layer.0.k of the shape of layer.0.q, {queries}, or with a divisor of its {divided}"
        raise _bad(path, rule, keys)
    return keys[1]


def _equal(rows: Array, heads: Sequence[int]) -> list[list[int]]:
    """The heads in groups of equal rows."""
    found: list[list[int]] = []
    for head in heads:
        group = next((group for group in found if np.array_equal(rows[group[0]], rows[head])), None)
        if group is None:
            found.append([head])
        else:
            group.append(head)
    return found


def _grid(path: Path, shapes: Shapes, n_context: int) -> ScaleSchedule:
    """The maps, from `patch_hw` or `patch_thw`, after so many prompt tokens."""
    names = [name for name in ("patch_hw", "patch_thw") if name in shapes]
    if len(names) != 1:
        raise _bad(path, "have either patch_hw or patch_thw", names)
    (name,) = names
    kind, shape = shapes[name]
    columns = 2 if name == "patch_hw" else 3
    if kind != "I64" or len(shape) != 2 or shape[1] != columns or not 1 <= shape[0] <= MOST_SCALES:
        raise _bad(path, f"have {name} of type I64 and shape (scales, {columns})", (kind, shape))
    with safe_open(path, framework="numpy") as file:
        sides = file.get_tensor(name)
    if sides.min() < 1 or sides.max() > MOST_TOKENS or float(sides.astype(float).prod(axis=1).sum()) > MOST_TOKENS:
        raise _bad(path, f"have maps of sides >= 1 and at most {MOST_TOKENS} cells", sides.tolist()[:3])
    try:
        return ScaleSchedule.parse(" ".join("x".join(map(str, row)) for row in sides.tolist()), n_context=n_context)
    except LowerBoundError as error:
        raise InvalidArgument(f"trace {path.name} must have maps of a schedule: {error}") from None


def _count_layers(path: Path, shapes: Shapes) -> int:
    """The number of layers; a name that the layout does not have, or a missing tensor, raises InvalidArgument."""
    named = {name for name in shapes if name.startswith("layer.")}
    n_layers = -(-len(named) // len(PARTS))
    if not 1 <= n_layers <= MOST_LAYERS:
        raise _bad(path, f"have between 1 and {MOST_LAYERS} layers of q, k, v, o", n_layers)
    wanted = {f"layer.{layer}.{part}" for layer in range(n_layers) for part in PARTS}
    if named != wanted:
        raise _bad(path, f"have {', '.join(sorted(wanted - named)[:4])}", sorted(named - wanted)[:4])
    extra = set(shapes) - wanted - {"tokens", "f_hat", "patch_hw", "patch_thw"}
    if extra:
        raise _bad(path, "have no tensors that the layout does not name", sorted(extra)[:4])
    return n_layers


def _check_optional(trace: Trace, shapes: Shapes) -> None:
    n_cells = trace.schedule.n_tokens - trace.schedule.n_context
    if "tokens" in shapes and shapes["tokens"] != ("I64", (1, n_cells)):
        raise _bad(trace.path, f"have tokens of type I64 and shape (1, {n_cells})", shapes["tokens"])
    if "f_hat" in shapes:
        kind, shape = shapes["f_hat"]
        if kind not in STORED or not 4 <= len(shape) <= 5 or shape[0] != 1:
            raise _bad(trace.path, "have f_hat of floats and shape (1, channels, h, w)", shapes["f_hat"])


def _rule(name: str) -> RuleName:
    (found,) = (rule for rule in get_args(RuleName) if rule == name)
    chosen: RuleName = found
    return chosen
