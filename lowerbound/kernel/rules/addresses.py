"""Public addresses that are the words of a binary code, and exact counts of how they meet the frames of each other.

A word of n bits is the unit vector b with entries +-1 / sqrt(n), bit 1 being -1, followed by zeros. Its frame is the
image of e_1, e_2, ... under the reflection that exchanges e_0 and b. So all inner products of one address with another
and with its frame are functions of five signs and of one integer; and as the words form cosets of a linear code, these
are counted without going through the pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lowerbound.kernel.codec import Rejected, fields, integer, read_word, shown, typed

MOST_BASIS = 20
MOST_BLOCKS = 512
MOST_WORDS = 2**22
MOST_BITS = 2**28
"""The largest number of words, and of their bits, that the counting may go through."""

Class = tuple[int, int, int, int, int]
"""n <b_i, b_j>, and the signs of entry l of b_i, entry l of b_j, entry 0 of b_i, entry 0 of b_j; 0 beyond entry n."""


Masks = dict[frozenset[tuple[int, int]], int]
Weights = Counter[tuple[int, ...]]


@dataclass(frozen=True)
class Coset:
    """The 2^size words that are `leader` plus a sum of the first `size` words of the basis."""

    leader: int
    size: int


@dataclass(frozen=True)
class AddressCode:
    """Distinct words of `length` bits: blocks, each at most as large as the one before."""

    length: int
    basis: tuple[int, ...]
    blocks: tuple[Coset, ...]

    @cached_property
    def spans(self) -> list[list[int]]:
        """The sums of the first k words of the basis, for each k that is the size of a block; else nothing."""
        sizes = {block.size for block in self.blocks}
        words, spans = [0], []
        for k in range(len(self.basis) + 1):
            spans.append(words if k in sizes else [])
            if k < len(self.basis):
                words = words + [word ^ self.basis[k] for word in words]
        return spans

    def words(self) -> list[int]:
        """Every word, block by block."""
        return [block.leader ^ word for block in self.blocks for word in self.spans[block.size]]

    def patterns(self, block: Coset) -> Masks:
        """The places l = 1, 2, ... as masks, by the pairs (bit 0, bit l) that a block's words have equally often."""
        masks: Masks = {}
        for place in range(1, self.length):
            pairs = {(block.leader & 1, block.leader >> place & 1)}
            for word in self.basis[: block.size]:
                pairs |= {(first ^ word & 1, here ^ word >> place & 1) for first, here in pairs}
            key = frozenset(pairs)
            masks[key] = masks.get(key, 0) | 1 << place
        return masks

    def classes(self, width: int) -> Counter[Class]:
        """How many (i, j, l), i != j and 1 <= l < width, have each class; raises Rejected if two words are equal."""
        found: Counter[Class] = Counter()
        for at, block in enumerate(self.blocks):
            masks = self.patterns(block)
            for before, other in enumerate(self.blocks[: at + 1]):
                told = _weights(self.spans[other.size], block.leader ^ other.leader, list(masks.values()))
                if before == at:
                    told[(0,) * (2 + len(masks))] -= 1  # a word is not paired with itself
                for key, count in self._met(told, masks, 1 << block.size, width):
                    product, il, jl, i0, j0 = key
                    found[key] += count
                    if before != at:
                        found[product, jl, il, j0, i0] += count
        return found

    def _met(self, told: Weights, masks: Masks, n_words: int, width: int) -> Iterator[tuple[Class, int]]:
        """The pairs of the words b of a block with the words b + w, where `told` counts the weights of all w."""
        firsts = {one for pairs in masks for one, _ in pairs}
        for (weight, first, *odd), count in told.items():
            if not weight and count:
                raise Rejected("two addresses are equal")
            product = self.length - 2 * weight
            for (pairs, mask), ones in zip(masks.items(), odd, strict=True):
                many = count * (n_words // len(pairs))
                for one, here in pairs:
                    for flip, times in ((1, ones), (0, mask.bit_count() - ones)):
                        il, jl, i0, j0 = (1 - 2 * bit for bit in (here, here ^ flip, one, one ^ first))
                        yield (product, il, jl, i0, j0), many * times
            for one in firsts:
                beyond = (width - self.length) * count * (n_words // len(firsts))
                yield (product, 0, 0, 1 - 2 * one, 1 - 2 * (one ^ first)), beyond


def _weights(words: list[int], shift: int, masks: list[int]) -> Weights:
    """How many words have each weight, bit 0, and weight within each mask, once `shift` is added to them."""
    shifted = list(map(shift.__xor__, words))
    outer = map(int.bit_count, shifted), map((1).__and__, shifted)
    if len(masks) == 1:  # then every other bit counts in the one mask
        told = Counter(zip(*outer, strict=True))
        return Counter({(weight, first, weight - first): count for (weight, first), count in told.items()})
    within = (map(int.bit_count, map(mask.__and__, shifted)) for mask in masks)
    return Counter(zip(*outer, *within, strict=True))


def read_addresses(value: Any, n: int, width: int) -> AddressCode:
    """The described addresses: exactly n words, of at most `width` bits; raises Rejected otherwise."""
    bits, words, cosets = fields(value, "the addresses", "length", "basis", "blocks")
    length = integer(bits, "the length", 2, width)
    if len(typed(words, list, "the basis")) > MOST_BASIS:
        raise Rejected(f"a basis must have at most {MOST_BASIS} words, got {len(words)}")
    basis = tuple(read_word(each, length) for each in words)
    if not 1 <= len(typed(cosets, list, "the blocks")) <= MOST_BLOCKS:
        raise Rejected(f"there must be 1 to {MOST_BLOCKS} blocks, got {len(cosets)}")
    blocks: list[Coset] = []
    for each in cosets:
        if len(typed(each, list, "a block")) != 2:
            raise Rejected(f"a block must be a word and a number, got {shown(each)}")
        most = blocks[-1].size if blocks else len(basis)
        blocks.append(Coset(read_word(each[0], length), integer(each[1], "the size of a block", 0, most)))
    found = sum(1 << block.size for block in blocks)
    if found != n:
        raise Rejected(f"there must be {n} addresses, got {found}")
    work = sum((len(blocks) - at) << block.size for at, block in enumerate(blocks))
    if work > MOST_WORDS or work * length > MOST_BITS:
        raise Rejected(f"{work} words of {length} bits exceed the limit of {MOST_WORDS} words or {MOST_BITS} bits")
    return AddressCode(length, basis, tuple(blocks))
