"""The theorems that floors rest on: what each reads, its lemmas in the proof book, and who checked those."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Proof = Literal["machine-checked", "proved on paper, not machine-checked", "CONJECTURE"]


@dataclass(frozen=True)
class Theorem:
    """What a floor rests on: what it reads, the lemmas of the proof book, and who checked those."""

    name: str
    reads: str
    lemmas: tuple[str, ...]
    proof: Proof


PAPER: Proof = "proved on paper, not machine-checked"
CONJECTURE: Proof = "CONJECTURE"
"""Its proof is not finished: it is shown as that, and no floor rests on it."""
THEOREMS = {
    theorem.name: theorem
    for theorem in (
        Theorem("A", "one bit a value", ("kv_cache_lower_bound",), "machine-checked"),
        Theorem("B", "values", ("additive_values",), "machine-checked"),
        Theorem("C", "keys and values, one read a symbol", ("keys_and_values_sharp",), "machine-checked"),
        Theorem("C'", "keys and values, read again with a better reference", ("zoom",), "machine-checked"),
        Theorem("D", "random keys and values: collisions", ("collision",), PAPER),
        Theorem("E", "random keys and values: cliques", ("clique",), PAPER),
    )
}
"""In the order of strength at delta = 0."""
CHECKED: tuple[Proof, ...] = ("machine-checked",)
ALL_PROOFS: tuple[Proof, ...] = ("machine-checked", PAPER)
REPLAY = Theorem("R2", "token ids, from the last scale, with public weights", ("public_weights",), PAPER)
FIBRES = Theorem("R3", "token ids that share one f_hat, with public weights", ("f_hat_fibres",), PAPER)
"""Of other computation models: no floor of R1 is compared with theirs."""
