"""Attention with bounded-memory control (ABC), run by flash-linear-attention's reference code in plain torch."""

from __future__ import annotations

import importlib.util
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from lowerbound.caches.recurrent.slots import LARGEST_CONTROL
from lowerbound.caches.thirdparty.torch_tokens import Tensor, TorchTokens, foreign
from lowerbound.core.bits import FP32_BITS, BitReader, BitWriter
from lowerbound.core.cache import Public, bits_of_pairs
from lowerbound.core.coins import Coins
from lowerbound.errors import CorruptState, InvalidArgument


@cache
def naive_abc() -> Any:
    """The module fla.ops.abc.naive, loaded from its file, because `import fla` requires a GPU compiler.

    Contract: returns the module, or raises an InvalidArgument that says how to install the missing package.
    """
    foreign("einops")
    package = importlib.util.find_spec("fla")
    folders = [] if package is None else list(package.submodule_search_locations or [])
    for folder in folders:
        spec = importlib.util.spec_from_file_location("fla_ops_abc_naive", Path(folder) / "ops" / "abc" / "naive.py")
        if spec is not None and spec.loader is not None and Path(str(spec.origin)).exists():
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise InvalidArgument(
        "a third-party cache must find package 'fla', and it is not installed; "
        "install it with: pip install 'lowerbound[thirdparty]'"
    )


class ABC(TorchTokens):
    """A fixed number of slots, each a weighted mean of all tokens; a token's weights are computed from its key.

    Idea: the weights are alpha = exp(W k) with W public and random, as in abc-mlp, and `naive_recurrent_abc` updates
    the slots. The answer is softmax attention over the slots and the newest scale. Bits: 32 + 32 L H S (2 d + 1) for
    any n; numbers are float32, and a slot's total weight is stored as its logarithm. Broken by: any two tokens, because
    every slot holds a mixture of all tokens.
    Reference code differs: it forgets the total weights of earlier calls, so a second call would count the old slots as
    one token. Here total weights continue across calls, passed through its decay argument.
    """

    reference: ClassVar[str] = "fla-core 0.6.0, naive_recurrent_abc; Peng et al. 2021, arXiv:2110.02488"
    budget_meaning: ClassVar[str] = "slots over cached tokens, rounded down, at least 1"
    default_budget: ClassVar[Fraction | None] = Fraction(1, 8)

    def __init__(self, public: Public) -> None:
        super().__init__(public)
        self._recurrence = naive_abc().naive_recurrent_abc
        self._control = self._public_control()
        self._mass = self._no_mass()

    @property
    def n_slots(self) -> int:
        """S: the number of slots, budget T rounded down, at least 1."""
        return max(1, int(self.budget * self.public.schedule.n_tokens_cached))

    @property
    def counted_bits(self) -> int:
        return self.n_streams * bits_of_pairs(self.public, self.n_slots)

    def _public_control(self) -> Tensor:
        """W, shape (d, S): the same public random matrix as in ABCMlp."""
        shape = self.public.d, self.n_slots
        coins = Coins(self.public.seed, f"abc mlp {shape}").generator().standard_normal(shape)
        return self.torch.tensor(coins * np.sqrt(2 / sum(shape)), dtype=self.torch.float32)

    def _no_mass(self) -> Tensor:
        shape = self.public.n_layers, self.public.n_heads, self.n_slots
        return self.torch.full(shape, -self.torch.inf)

    def _entered(self, layer: int) -> tuple[Tensor, Tensor]:
        """A layer's slots, shape (2, n_heads, S, d), and their log weights, after the new tokens have entered."""
        keys, values = self.new_rows[layer]
        old = self.torch.stack(self.old[layer], dim=1)
        if not self.n_old:
            old = self.torch.zeros(2, self.public.n_heads, self.n_slots, self.public.d)
        logits = (keys @ self._control).clamp(-LARGEST_CONTROL, LARGEST_CONTROL)
        before = self._mass[layer][:, None]
        mass = self.torch.logaddexp(before, logits.logcumsumexp(1))
        fade = self.torch.cat([before, mass[:, :-1]], dim=1) - mass
        share = self.torch.exp(logits - mass)
        _, (keys_of, values_of) = self._recurrence(
            *(rows[None] for rows in (keys, keys, values, share, fade)),
            initial_state=(old[0].mT[None], old[1][None]),
            output_final_state=True,
        )
        return self.torch.stack([keys_of[0].mT, values_of[0]]), mass[:, -1]

    def write(self, writer: BitWriter) -> None:
        slots = [self.torch.stack(heads, dim=1) for heads in self.old]
        mass = list(self._mass)
        if not self.n_seen:
            slots = [self.torch.zeros(2, self.public.n_heads, self.n_slots, self.public.d)] * len(slots)
            mass = list(self.torch.zeros_like(self._mass))
        if self.n_new:
            entered = [self._entered(layer) for layer in range(self.public.n_layers)]
            slots, mass = [rows for rows, _ in entered], [weights for _, weights in entered]
        for rows, weights in zip(slots, mass, strict=True):
            writer.floats("payload", rows.double().numpy(), width=FP32_BITS)
            writer.floats("scores", weights.double().numpy(), width=FP32_BITS)

    def read(self, reader: BitReader) -> None:
        heads, slots, d = self.public.n_heads, self.n_slots, self.public.d
        self._mass = self._no_mass()
        for layer in range(self.public.n_layers):
            rows = self.torch.tensor(reader.floats(2 * heads * slots * d, width=FP32_BITS), dtype=self.torch.float32)
            weights = self.torch.tensor(reader.floats(heads * slots, width=FP32_BITS), dtype=self.torch.float32)
            kept = rows.reshape(2, heads, slots, d)
            if self.n_old:
                self._mass[layer] = weights.reshape(heads, slots)
            elif bool(rows.any()) or bool(weights.any()):
                raise CorruptState("state must hold zeros before the first token, got others")
            self.old[layer] = [kept[:, head, : slots if self.n_old else 0] for head in range(heads)]
