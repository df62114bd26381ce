"""The cache layers of Hugging Face transformers, driven through `update`, as a model drives them."""

from __future__ import annotations

import math
from abc import abstractmethod
from fractions import Fraction
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np

from lowerbound.caches.thirdparty.torch_tokens import Tensor, TorchTokens, foreign
from lowerbound.core.bits import FP16_BITS, BitReader, BitWriter
from lowerbound.core.cache import FloatArray, Public, bits_of_codes, bits_of_pairs, tokens_within
from lowerbound.errors import CorruptState, invalid

LARGEST_GROUP = 64
"""The default number of entries that share a scale in transformers."""


class _Rows(TorchTokens):
    """Template: a cache layer that holds rows unquantized; the state between scales stores them in float16.

    A final class makes the layer in `layer`, and states in `n_held` how many rows per head it holds after n tokens.
    """

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._cache_utils = foreign("transformers.cache_utils")

    @abstractmethod
    def layer(self, cache_utils: Any) -> Any:
        """A new cache layer of transformers."""

    @abstractmethod
    def n_held(self, n_tokens: int) -> int:
        """How many rows per head the layer holds after `n_tokens` tokens."""

    def _updated(self, layer: int) -> tuple[Any, Tensor]:
        """A new layer, updated with old and then new rows, and the (2, n_heads, n, d) rows that it returned."""
        made = self.layer(self._cache_utils)
        returned: tuple[Tensor, Tensor] = (self.new_rows[layer][:1, :, :0],) * 2
        for start, rows in ((0, self.torch.stack(self.old[layer], dim=1)), (self.n_old, self.new_rows[layer])):
            places = {"cache_position": self.torch.arange(start, start + rows.shape[2])}
            returned = made.update(rows[:1], rows[1:], places)
        return made, self.torch.cat(returned)

    def attend(self, layer: int, queries: FloatArray) -> list[FloatArray]:
        asked = self.asked(queries)
        _, rows = self._updated(layer)
        return [self._answer(asked[head], rows[:, head]) for head in range(self.public.n_heads)]

    def write(self, writer: BitWriter) -> None:
        for layer in range(self.public.n_layers):
            made, _ = self._updated(layer)
            self.write_rows(writer, self.torch.cat([made.keys, made.values]))

    def read(self, reader: BitReader) -> None:
        heads, d = self.public.n_heads, self.public.d
        for layer in range(self.public.n_layers):
            rows = self.read_rows(reader, 2, heads, self.n_held(self.n_old), d)
            self.old[layer] = [rows[:, head] for head in range(heads)]


class DynamicCache(_Rows):
    """Every key and value, appended.

    Idea: the exact baseline of transformers. Bits: 32 + 32 L H d n. Broken by: nothing; on value bits it stores 32
    times the lower bound (floor).
    """

    reference: ClassVar[str] = "transformers 5.2.0, DynamicLayer"

    @property
    def counted_bits(self) -> int:
        return self.n_streams * bits_of_pairs(self.public, self.public.schedule.n_tokens_cached)

    def layer(self, cache_utils: Any) -> Any:
        return cache_utils.DynamicLayer()

    def n_held(self, n_tokens: int) -> int:
        return n_tokens


class StaticCache(_Rows):
    """Every key and value, in memory allocated in advance.

    Idea: code for tensors of fixed shape can be compiled. Rows not yet written are zero, and occupy memory like the
    others. Bits: 32 + 32 L H d N from the first scale on, for all N tokens of the generation, including the last
    scale's. Broken by: nothing.
    """

    reference: ClassVar[str] = "transformers 5.2.0, StaticLayer"

    @property
    def counted_bits(self) -> int:
        return self.n_streams * bits_of_pairs(self.public, self.public.schedule.n_tokens_cached)

    def layer(self, cache_utils: Any) -> Any:
        return cache_utils.StaticLayer(max_cache_len=self.public.schedule.n_tokens)

    def n_held(self, n_tokens: int) -> int:
        return self.public.schedule.n_tokens

    def _updated(self, layer: int) -> tuple[Any, Tensor]:
        made, rows = super()._updated(layer)
        return made, rows[:, :, : self.n_seen]

    def read(self, reader: BitReader) -> None:
        super().read(reader)
        for heads in self.old:
            for head, rows in enumerate(heads):
                if bool(rows[:, self.n_old :].contiguous().view(self.torch.int32).any()):
                    raise CorruptState(f"state must hold zeros after token {self.n_old}, got others")
                heads[head] = rows[:, : self.n_old]


class SlidingWindowCache(_Rows):
    """The newest B tokens.

    Idea: attention sees only the last W tokens. Between calls the layer keeps W - 1 tokens, because the next call adds
    at least one; so W = B + 1 here. Bits: 32 + 32 L H d min(n, B). Broken by: a query for any older token.
    """

    reference: ClassVar[str] = "transformers 5.2.0, DynamicSlidingWindowLayer"
    budget_meaning: ClassVar[str] = "fraction of cached tokens kept"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 2)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self.capacity = tokens_within(self.budget, public.schedule.n_tokens_cached)

    @property
    def counted_bits(self) -> int:
        n_tokens = self.public.schedule.n_tokens_cached
        return self.n_streams * bits_of_pairs(self.public, min(n_tokens, self.capacity))

    def layer(self, cache_utils: Any) -> Any:
        return cache_utils.DynamicSlidingWindowLayer(sliding_window=self.capacity + 1)

    def n_held(self, n_tokens: int) -> int:
        return min(n_tokens, self.capacity)


class _Quantised(TorchTokens):
    """Template: a quantized layer that keeps nothing in full precision; codes, scales and zeros are the state.

    Groups of g = gcd(d, 64) entries share a scale and a zero, both float16. As in transformers, each new scale makes
    the layer quantize old and new tokens together, the old ones as restored from their codes. transformers would keep
    the newest scale in full precision; `residual_length` = 1 and a final `update` with no tokens force it to be
    quantized. A final class makes the layer in `layer`, and names in `fields` the tensors of a quantized tensor.
    """

    budget_meaning: ClassVar[str] = "bits of a code over 16, rounded down to what the back end has"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 4)
    widths: ClassVar[tuple[int, ...]]

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._cache_utils = foreign("transformers.cache_utils")
        self._held: list[tuple[Any, Any]] = []

    @property
    def code_bits(self) -> int:
        """b: the longest code within the budget, or the shortest that the back end has."""
        return max((width for width in self.widths if width <= 16 * self.budget), default=self.widths[0])

    @property
    def group(self) -> int:
        """g: entries per group."""
        return math.gcd(self.public.d, LARGEST_GROUP)

    @property
    def counted_bits(self) -> int:
        return self.n_streams * bits_of_codes(self.public, self.code_bits)

    @abstractmethod
    def layer(self, cache_utils: Any) -> Any:
        """A new quantized layer of transformers."""

    @abstractmethod
    def fields(self, quantised: Any) -> tuple[Tensor, Tensor, Tensor]:
        """The tensors of packed codes, scales and zeros of a quantized tensor; `read` overwrites them in place."""

    def _ready(self) -> Any:
        made = self.layer(self._cache_utils)
        nothing = self.torch.zeros(1, self.public.n_heads, 0, self.public.d, dtype=self.torch.float16)
        made.lazy_initialization(nothing, nothing)
        return made

    def _quantised(self, layer: int) -> tuple[Any, Any]:
        """Old and new keys, and old and new values, as a layer of transformers quantizes them."""
        keys, values = self.new_rows[layer].half().split(1)
        made = self.layer(self._cache_utils)
        if self._held:
            made = self._ready()
            made._quantized_keys, made._quantized_values = self._held[layer]
        made.update(keys, values)
        if made.keys.dim() == 4:
            made.update(keys[:, :, :0], values[:, :, :0])
        return made._quantized_keys, made._quantized_values

    def write(self, writer: BitWriter) -> None:
        for layer in range(self.public.n_layers if self.n_seen else 0):
            for quantised in self._quantised(layer) if self.n_new else self._held[layer]:
                codes, *scales = self.fields(quantised)
                writer.uints("payload", np.frombuffer(codes.numpy().tobytes(), dtype=np.uint8), width=8)
                for numbers in scales:
                    writer.floats("scales", numbers.double().numpy(), width=FP16_BITS)

    def read(self, reader: BitReader) -> None:
        heads, d = self.public.n_heads, self.public.d
        self._held = []
        if not self.n_old:
            self.old = [[self.torch.zeros(2, 0, d) for _ in range(heads)] for _ in self.old]
            return
        made = self._ready()
        for layer in range(self.public.n_layers):
            keys, values = self._read_quantised(reader, made), self._read_quantised(reader, made)
            self._held.append((keys, values))
            rows = self.torch.cat([made._dequantize(keys), made._dequantize(values)]).float()
            if not bool(self.torch.isfinite(rows).all()):
                raise CorruptState("state must restore finite numbers, got scales that overflow")
            self.old[layer] = [rows[:, head] for head in range(heads)]

    def _read_quantised(self, reader: BitReader, made: Any) -> Any:
        zeros = self.torch.zeros(1, self.public.n_heads, self.n_old, self.public.d, dtype=self.torch.float16)
        quantised = made._quantize(zeros, axis=0)
        codes, *scales = self.fields(quantised)
        told = reader.uints(codes.numel() * codes.element_size(), width=8).astype(np.uint8)
        codes.copy_(self.torch.tensor(told).view(codes.dtype).reshape(codes.shape))
        for numbers in scales:
            read = reader.floats(numbers.numel(), width=FP16_BITS)
            numbers.copy_(self.torch.tensor(read).reshape(numbers.shape))
        return quantised


class QuantizedCache(_Quantised):
    """Codes of hqq: scales from the range of a group, zeros fitted by half-quadratic splitting.

    Idea: asymmetric codes of 1, 2, 3, 4 or 8 bits. With axis 0, the flattened tensor is folded into g rows and each
    column is a group; so a group mixes tokens and heads, and groups change with every scale. Bits, for n tokens:
    32 + 2 L H n d (b + 32 / g); with b = 3, ten codes fill 32 bits: 32 + 2 L H n d (32 ceil(g / 10) + 32) / g.
    Broken by: value levels finer than its step. It stores Omega(n d) bits, so the lower bound (floor) does not rule it
    out.
    """

    reference: ClassVar[str] = "transformers 5.2.0, HQQQuantizedLayer; hqq 0.2.8, Badri and Shaji 2023"
    widths: ClassVar[tuple[int, ...]] = (1, 2, 3, 4, 8)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        foreign("hqq")
        if self.code_bits != 3 and self.group * self.code_bits % 8:
            raise invalid(
                "d",
                f"have a power of two that fills bytes with {self.code_bits}-bit codes",
                public.d,
                nearest=-(-public.d // 8) * 8,
            )

    def layer(self, cache_utils: Any) -> Any:
        return cache_utils.HQQQuantizedLayer(nbits=self.code_bits, q_group_size=self.group, residual_length=1)

    def fields(self, quantised: Any) -> tuple[Tensor, Tensor, Tensor]:
        packed, meta = quantised
        return packed, meta["scale"], meta["zero"]


class QuantoQuantizedCache(_Quantised):
    """Codes of optimum-quanto: scales and shifts from the range of a group.

    Idea: asymmetric codes of 2 or 4 bits; with axis 0 and g = d, a group is one token of one head. Because of a bug in
    quanto, a tensor of a single group gets one scale and one shift per entry, and so is exact. quanto unpacks codes in
    C++ compiled at first use; one line of torch replaces it here. Bits, for n tokens in G = H n d / g groups per
    tensor: 32 + 2 L (8 g ceil(G b / 8) + 32 G), with 32 g instead of 32 G if G = 1.
    Broken by: value levels finer than its step. It stores Omega(n d) bits, so the lower bound (floor) does not rule it
    out.
    """

    reference: ClassVar[str] = "transformers 5.2.0, QuantoQuantizedLayer; optimum-quanto 0.2.7"
    widths: ClassVar[tuple[int, ...]] = (2, 4)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        foreign("optimum.quanto").library.get_extension("quanto_cpp")._lib = SimpleNamespace(unpack=self._unpacked)

    def layer(self, cache_utils: Any) -> Any:
        return cache_utils.QuantoQuantizedLayer(nbits=self.code_bits, q_group_size=self.group, residual_length=1)

    def fields(self, quantised: Any) -> tuple[Tensor, Tensor, Tensor]:
        return quantised._data._data, quantised._scale, quantised._shift

    def _unpacked(self, packed: Tensor, bits: int) -> Tensor:
        """What quanto's C++ returns: first the lowest bits of all bytes, then the next bits, stacked along axis 0."""
        return self.torch.cat([packed >> shift & 2**bits - 1 for shift in range(0, 8, bits)])
