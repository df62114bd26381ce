"""How the frames of addresses meet, counted by cosets, against every pair of tokens and every direction."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from lowerbound.certify.design.frame_addresses import address_sets, described
from lowerbound.kernel.codec import Rejected
from lowerbound.kernel.rules.addresses import AddressCode, Class, Coset, read_addresses


def words_of(addresses: AddressCode) -> list[int]:
    """Every word, block by block."""
    found = []
    for block in addresses.blocks:
        words = [block.leader]
        for basis in addresses.basis[: block.size]:
            words += [word ^ basis for word in words]
        found += words
    return found


def met(addresses: AddressCode, width: int) -> Counter[Class]:
    """The classes, pair by pair."""

    def sign(word: int, place: int) -> int:
        return 0 if place >= addresses.length else 1 - 2 * (word >> place & 1)

    found: Counter[Class] = Counter()
    words = words_of(addresses)
    for at, one in enumerate(words):
        for other in words[:at] + words[at + 1 :]:
            product = addresses.length - 2 * (one ^ other).bit_count()
            for place in range(1, width):
                found[product, sign(one, place), sign(other, place), sign(one, 0), sign(other, 0)] += 1
    return found


def test_cosets_count_as_pairs_do() -> None:
    """Differential: on random blocks of random codes, counts by cosets are those of all pairs; repeats are refused."""
    rng = random.Random(1)
    compared = repeated = 0
    for _ in range(150):
        length, n_basis = rng.randint(2, 11), rng.randint(0, 4)
        basis = tuple(rng.getrandbits(length) for _ in range(n_basis))
        sizes = sorted((rng.randint(0, n_basis) for _ in range(rng.randint(1, 4))), reverse=True)
        addresses = AddressCode(length, basis, tuple(Coset(rng.getrandbits(length), size) for size in sizes))
        words, width = words_of(addresses), length + rng.randint(0, 3)
        if len(set(words)) < len(words):
            repeated += 1
            with pytest.raises(Rejected, match="equal"):
                addresses.classes(width)
        else:
            compared += 1
            assert +addresses.classes(width) == met(addresses, width)
    assert compared > 30
    assert repeated > 30


@pytest.mark.parametrize(
    ("n", "width"), [(2, 2), (5, 3), (5, 11), (30, 15), (40, 63), (100, 20), (1000, 63), (999, 40)]
)
def test_address_sets_are_what_the_kernel_reads(n: int, width: int) -> None:
    """Law: each set has n distinct words of at most `width` bits, and its description is read as the same set."""
    sets = list(address_sets(n, width))
    assert sets
    for addresses in sets:
        assert len(set(words_of(addresses))) == n
        assert read_addresses(described(addresses), n, width) == addresses
        counts = addresses.classes(width)
        assert sum(counts.values()) == n * (n - 1) * (width - 1)


def test_a_kerdock_set_is_nearly_orthogonal() -> None:
    """Known value: 424 words of the Kerdock set of 64, one entry deleted, have inner products -63, +-1, +-7 and +-9."""
    (kerdock,) = address_sets(424, 63)
    products = {product for (product, *_), count in kerdock.classes(63).items() if count}
    assert products == {-63, -9, -7, -1, 1, 7, 9}


def test_no_code_has_more_words_than_there_are() -> None:
    """Law: five words of two bits do not exist."""
    assert list(address_sets(5, 2)) == []
