# %% [markdown]
# # 1. The INDEX game, by hand
#
# Alice knows some bits, Bob wants one of them, and only Alice may speak: how short can her message be? Everything in
# this project follows from the answer, so we first find it by trying every possible strategy, and only then draw a
# curve.
#
# **Definition.** Alice holds $x \in \{0,1\}^m$, drawn uniformly. She sends one message, one of $2^b$. Bob knows the
# message and a position $i$, drawn uniformly, and must name $x_i$. The *error* of a strategy is
#
# $$\delta = \Pr_{x,\,i}\,[\,\text{Bob's answer} \ne x_i\,].$$

# %%
from fractions import Fraction
from itertools import combinations, product
from math import log2

import matplotlib.pyplot as plt

# %% [markdown]
# ## The definition as code
#
# Alice is a function from words to messages. Bob has an answer ready for each message and each position, so Bob is a
# function from messages to words. The error is a fraction, with no rounding.

# %%
Word = tuple[int, ...]


def words(m: int) -> list[Word]:
    return list(product((0, 1), repeat=m))


def error(alice: dict[Word, int], bob: dict[int, Word]) -> Fraction:
    wrong = [x[i] != bob[alice[x]][i] for x in alice for i in range(len(x))]
    return Fraction(sum(wrong), len(wrong))


# %% [markdown]
# Three bits and a message of one bit. A class can play this: Alice says whether most of her bits are 1, and Bob
# answers that for every position.

# %%
majority = {x: int(sum(x) >= 2) for x in words(3)}
believe = {0: (0, 0, 0), 1: (1, 1, 1)}
for x in words(3):
    told = believe[majority[x]]
    print(*x, "-> message", majority[x], "-> Bob says", *told, "  wrong at", [i for i in range(3) if x[i] != told[i]])
assert error(majority, believe) == Fraction(1, 4)

# %% [markdown]
# ## A tiny world, all of it
#
# Is there anything better than the majority? There are $2^8$ functions for Alice and $8^2$ for Bob. We try all
# $16384$ pairs.

# %%
everyone = [
    error(dict(zip(words(3), messages, strict=True)), {0: zero, 1: one})
    for messages in product((0, 1), repeat=8)
    for zero, one in product(words(3), repeat=2)
]
assert len(everyone) == 2**8 * 8**2 == 16384
assert min(everyone) == Fraction(1, 4)
print("the best of all 16384 strategies errs with probability", min(everyone))

# %% [markdown]
# So majority is the best. We can be quicker: once Bob's words are fixed, Alice can do no better than to name the
# nearest of them. So a strategy is a *codebook* of $2^b$ words, and its error is the mean distance to the nearest
# one, over $m$.


# %%
def distance(x: Word, y: Word) -> int:
    return sum(a != b for a, b in zip(x, y, strict=True))


def codebook_error(codebook: tuple[Word, ...], m: int) -> Fraction:
    return Fraction(sum(min(distance(x, word) for word in codebook) for x in words(m)), m * 2**m)


def least_error(m: int, b: int) -> Fraction:
    return min(codebook_error(codebook, m) for codebook in combinations(words(m), 2**b))


best = {(m, b): least_error(m, b) for m in (1, 2, 3) for b in range(m + 1)}
for (m, b), delta in best.items():
    print(f"m = {m} bits, message of b = {b} bits: least error {delta}")
assert best[3, 1] == min(everyone)
assert all(best[m, 0] == Fraction(1, 2) and best[m, m] == 0 for m in (1, 2, 3))

# %% [markdown]
# ## The theorem
#
# **Theorem.** If the error is $\delta \le 1/2$, then $b \ge (1 - H_2(\delta))\, m$, where $H_2(\delta) = -\delta
# \log_2 \delta - (1-\delta) \log_2 (1-\delta)$. It holds for all $m$, and public coins do not help.
#
# The idea: $m$ fair bits carry $m$ bits of information. Given Bob's answer, a bit that is wrong with probability
# $\delta$ still hides $H_2(\delta)$. So the message told at least $1 - H_2(\delta)$ about each bit, and this adds up
# because the bits are independent.


# %%
def H2(p: float) -> float:
    return 0.0 if p in (0, 1) else -p * log2(p) - (1 - p) * log2(1 - p)


for (m, b), delta in best.items():
    assert b >= (1 - H2(delta)) * m, (m, b)

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
curve = [step / 200 for step in range(101)]
axes.plot(curve, [1 - H2(p) for p in curve], color="black", label=r"theorem: $1 - H_2(\delta)$")
axes.fill_between(curve, [1 - H2(p) for p in curve], color="#f3e3e3", linewidth=0)
for m, marker in ((1, "s"), (2, "D"), (3, "o")):
    points = [(float(delta), b / m) for (bits, b), delta in best.items() if bits == m]
    axes.plot(*zip(*points, strict=True), marker, label=f"best strategy, m = {m}")
axes.set_xlabel(r"error $\delta$")
axes.set_ylabel("bits of message a bit")
axes.legend(frameon=False)
_ = axes.text(0.03, 0.06, "impossible", color="#8c3a3a")

# %% [markdown]
# Even the best strategies on three bits stand clearly above the curve, except at its ends. Longer words come nearer;
# the exercises get to one.
#
# ## What if
#
# **What if they may toss a coin together?** A strategy with public coins is a mixture of strategies without. Its
# error is the mean of theirs, so it is no smaller than the smallest.

# %%
rule_1 = error({x: x[0] for x in words(3)}, {0: (0, 0, 0), 1: (1, 0, 0)})  # "my first bit is ..."
rule_2 = error({x: x[2] for x in words(3)}, {0: (0, 0, 0), 1: (0, 0, 1)})  # "my last bit is ..."
mixture = (rule_1 + rule_2) / 2
assert rule_1 == rule_2 == Fraction(1, 3)
assert mixture >= best[3, 1]

# %% [markdown]
# **What if Bob may speak first?** Then he names $i$, Alice answers $x_i$, and $\lceil \log_2 m \rceil + 1$ bits do.
# *One way* is what makes the game hard. A cache is in the same position: it is written before anybody asks.

# %%
m = 1024
assert (m - 1).bit_length() + 1 == 11 < m

# %% [markdown]
# **What if the word is not uniform?** If both know that all bits of $x$ are equal, one bit of message answers
# everything. The theorem speaks of *fair* bits; structure is a way out, and notebook 8 takes it.

# %%
equal = [(0, 0, 0), (1, 1, 1)]
assert all(believe[majority[x]] == x for x in equal)

# %% [markdown]
# ## Exercises
#
# **1.** Alice has $m$ bits and sends the first $k$ as they are; Bob guesses 0 for the others. What is the error?
# Write `first_bits(m, k)`, which returns it.

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
def first_bits(m: int, k: int) -> Fraction:
    return Fraction(m - k, 2 * m)


# %%
for m, k in ((2, 1), (3, 1), (3, 2), (5, 3)):
    sent = {x: int("".join(map(str, x[:k])), 2) for x in words(m)}
    heard = {message: (*map(int, f"{message:0{k}b}"), *(0,) * (m - k)) for message in sent.values()}
    assert first_bits(m, k) == error(sent, heard)
    assert k > (1 - H2(first_bits(m, k))) * m  # never on the curve, but above it

# %% [markdown]
# **2.** Hamming's code has 16 words of 7 bits: those whose parities over the positions $\{1,3,5,7\}$, $\{2,3,6,7\}$
# and $\{4,5,6,7\}$ are even. Make its codebook, as a tuple of words called `hamming`. What is its error with messages
# of 4 bits? How far is it from the theorem?

# %% [markdown]
# ### Answer 2

# %% tags=["answer"]
checks = ({1, 3, 5, 7}, {2, 3, 6, 7}, {4, 5, 6, 7})
hamming = tuple(x for x in words(7) if all(sum(x[i - 1] for i in check) % 2 == 0 for check in checks))

# %%
assert len(hamming) == 16
assert all(min(distance(x, word) for word in hamming) <= 1 for x in words(7))  # every word is near a codeword
delta = codebook_error(hamming, 7)
assert delta == Fraction(1, 8)
floor = (1 - H2(delta)) * 7
assert floor < 4 < 1.26 * floor
print(f"7 bits at error 1/8: the theorem asks for {floor:.2f} bits, Hamming's code sends 4")

# %% [markdown]
# **3.** A cache wants its error below $1/10$ on $m = 27136$ bits (one head of VAR-d16: 424 tokens times 64 channels).
# How many whole *bytes* does the theorem ask for, at least? Call it `n_bytes`.

# %% [markdown]
# ### Answer 3

# %% tags=["answer"]
n_bytes = -int(-(1 - H2(0.1)) * 27136 // 8)

# %%
assert 8 * (n_bytes - 1) < (1 - H2(0.1)) * 27136 <= 8 * n_bytes
assert n_bytes == 1802

# %% [markdown]
# ## The same, from the library
#
# `lowerbound` knows this game. It compares with the curve in balls of certain width instead of floats.

# %%
from lowerbound.core.bounds import INDEX_FLOOR, is_above
from lowerbound.game.index import exact_optimum

for (m, b), delta in best.items():
    assert exact_optimum(m, 2**b) == delta
    assert is_above(b, m, 2, delta, delta)
assert 8 * (n_bytes - 1) < INDEX_FLOOR.at_least(27136, Fraction(1, 10)) <= 8 * n_bytes
