"""Known values and second opinions: keys, linear codes and the exact optimum of INDEX, all in exact integers."""

from __future__ import annotations

import itertools
import random
import time
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel.examples import REJECTED, VERIFIED, ask, cyclic_parity


def naive_error(n: int, parity: list[list[int]]) -> Fraction:
    """The mean distance to the code over its length, by every block and every codeword."""
    k = len(parity)
    generator = np.hstack([np.eye(k, dtype=int), np.array(parity, dtype=int).reshape(k, n - k)])
    words = np.array(list(itertools.product([0, 1], repeat=k))) @ generator % 2
    blocks = np.array(list(itertools.product([0, 1], repeat=n)))
    distances = (blocks[:, None, :] != words[None, :, :]).sum(axis=2).min(axis=1)
    return Fraction(int(distances.sum()), n * 2**n)


@given(st.data(), st.integers(1, 4), st.integers(0, 4))
def test_errors_of_codes(data: st.DataObject, k: int, r: int) -> None:
    """Differential: the error of a random small code against a search over all blocks and codewords."""
    bits = st.lists(st.integers(0, 1), min_size=r, max_size=r)
    parity = data.draw(st.lists(bits, min_size=k, max_size=k))
    error = naive_error(k + r, parity)
    claim = {"length": k + r, "dimension": k, "error": str(error)}
    assert ask("linear_code", claim, {"parity": parity}).outcome is VERIFIED
    off = {**claim, "error": str(error + Fraction(1, (k + r) * 2**r))}
    assert "error is" in ask("linear_code", off, {"parity": parity}).reason


@pytest.mark.parametrize(
    ("n", "k", "error", "parity"),
    [
        (3, 1, "1/4", [[1, 1]]),
        (7, 4, "1/8", cyclic_parity(7, 0b1011)),
        (23, 12, "2921/23552", cyclic_parity(23, 0b110001110101)),
        (5, 5, "0", [[], [], [], [], []]),
        (17, 1, str(Fraction(1, 2) - Fraction(12870, 2**17)), [[1] * 16]),
    ],
)
def test_known_codes(n: int, k: int, error: str, parity: Any) -> None:
    """Known values: majority of 3, Hamming, Golay, no quantising at all, majority of 17."""
    assert ask("linear_code", {"length": n, "dimension": k, "error": error}, {"parity": parity}).outcome is VERIFIED


@pytest.mark.parametrize(("n", "k"), [(18, 1), (300, 290), (3, 4), (3, 0), (0, 0)])
def test_codes_out_of_reach(n: int, k: int) -> None:
    """Bad input: sizes that the rule does not enumerate."""
    parity = [[0] * max(n - k, 0)] * k
    assert "must" in ask("linear_code", {"length": n, "dimension": k, "error": "0"}, {"parity": parity}).reason


@given(st.lists(st.lists(st.integers(-4, 4), min_size=3, max_size=3), min_size=1, max_size=5), st.booleans())
def test_keys_by_definition(rows: list[list[int]], signs: bool) -> None:
    """Differential: the claim with the true coherence holds, and one step less does not."""
    if signs:
        rows = [[1 if entry >= 0 else -1 for entry in row] for row in rows]
    gram = np.array(rows) @ np.array(rows).T
    norms = set(gram.diagonal().tolist())
    payload = {"rows": [f"{sum((row[j] < 0) << j for j in range(3)):x}" for row in rows] if signs else rows}
    claim: dict[str, Any] = {"n": len(rows), "d": 3, "coherence": "1"}
    if len(norms) > 1 or norms == {0}:
        assert "norm" in ask("keys", claim, payload).reason
        return
    (norm,) = norms
    largest = max((int(gram[i, j]) for i in range(len(rows)) for j in range(i)), default=-norm)
    claim["coherence"] = f"{largest}/{norm}"
    assert ask("keys", claim, payload).outcome is VERIFIED
    claim["coherence"] = str(Fraction(largest, norm) - Fraction(1, 2**70))
    if len(rows) > 1:
        assert "over the claimed" in ask("keys", claim, payload).reason


def test_many_sign_rows_are_quick() -> None:
    """Resources: 680 rows of 64 signs take under a second."""
    rng = random.Random(0)
    words = [rng.getrandbits(64) for _ in range(680)]
    largest = max(64 - 2 * (a ^ b).bit_count() for a, b in itertools.combinations(words, 2))
    rows = {"rows": [f"{word:016x}" for word in words]}
    start = time.monotonic()
    assert ask("keys", {"n": 680, "d": 64, "coherence": f"{largest}/64"}, rows).outcome is VERIFIED
    assert time.monotonic() - start < 1
    verdict = ask("keys", {"n": 680, "d": 64, "coherence": f"{largest - 1}/64"}, rows)
    assert verdict.outcome is REJECTED
    assert f"{largest}/64" in verdict.reason


def naive_optimum(m: int, n_messages: int) -> Fraction:
    """The least error over all codebooks, 0 in them or not."""
    words = np.array(list(itertools.product([0, 1], repeat=m)))
    distances = (words[:, None, :] != words[None, :, :]).sum(axis=2)
    books = itertools.combinations(range(2**m), n_messages)
    return Fraction(min(int(distances[list(book)].min(axis=0).sum()) for book in books), m * 2**m)


@pytest.mark.parametrize(
    ("m", "n_messages"), [(m, k) for m in (1, 2, 3) for k in range(1, 2**m + 1)] + [(4, 2), (4, 3)]
)
def test_optimum_of_index(m: int, n_messages: int) -> None:
    """Differential: the optimum against a search that does not fix the word 0."""
    claim = {"m": m, "messages": n_messages, "error": str(naive_optimum(m, n_messages))}
    assert ask("index_optimum", claim, {}).outcome is VERIFIED
    assert ask("index_optimum", {**claim, "error": "1/3"}, {}).outcome is REJECTED


@pytest.mark.parametrize("n_messages", range(1, 9))
def test_optimum_on_four_bits_is_quick(n_messages: int) -> None:
    """Resources: every size up to 8 messages takes under 2 seconds."""
    start = time.monotonic()
    verdict = ask("index_optimum", {"m": 4, "messages": n_messages, "error": "1"}, {})
    assert "least error is" in verdict.reason
    assert time.monotonic() - start < 2
