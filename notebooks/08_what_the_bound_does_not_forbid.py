# %% [markdown]
# # 8. What the bound does not forbid
#
# A lower bound is as strong as its hypotheses, and each of them is a door: here we walk through seven. Behind each
# stands a cache that is smaller than the floor seems to allow, and none contradicts the theorem. At the end stands
# what it does not say at all.
#
# **The theorem, again.** There are public unit keys and a multiplier $\lambda$ such that every cache whose answers on
# 0/1 values are within a factor $1 \pm \eta$, $\eta < 1$, each with probability $1 - \delta \ge 1/2$, has a state of
# at least $(1 - H_2(\delta))\, T d$ bits. It asks for dimension ($T - 1 < e^{d\mu^2/2}$), for large logits ($\lambda
# (1-\mu) \ge \ln (T + T_N) + \dots$), and for free values (model R1).

# %%
from fractions import Fraction
from itertools import combinations, product
from math import comb, exp, log2

import matplotlib.pyplot as plt
import numpy as np

from lowerbound import Geometry, Isolation, L2Norm, Scaled, ScaleSchedule, attention, find_model, plan_reduction, play


def H2(p):
    return 0.0 if p in (0, 1) else -p * log2(p) - (1 - p) * log2(1 - p)


# %% [markdown]
# ## Door 1: low dimension
#
# In one dimension unit keys are $+1$ or $-1$. Tokens with one key always have one weight, so they are seen through
# the sum of their values alone. A tiny world, all of it: four tokens, every choice of keys and of 0/1 values, both
# queries. Two small integers answer everything, instead of four bits.


# %%
def answer_1d(query, counts, sums, lam):
    weights = {sign: exp(lam * query * sign) for sign in (1, -1)}
    return sum(weights[s] * sums[s] for s in weights) / sum(weights[s] * counts[s] for s in weights)


lam, states = 3.0, set()
for keys, values in product(product((1, -1), repeat=4), product((0, 1), repeat=4)):
    counts = {s: sum(k == s for k in keys) for s in (1, -1)}  # keys are public, and so are these
    sums = {s: sum(v for k, v in zip(keys, values, strict=True) if k == s) for s in (1, -1)}
    if keys == (1, 1, -1, -1):
        states.add((sums[1], sums[-1]))
    table = np.array(keys, dtype=float)[:, None], np.array(values, dtype=float)[:, None]
    for query in (1.0, -1.0):
        truth = attention(np.array([[query]]), *table, rule=L2Norm(lam))[0, 0]
        assert abs(answer_1d(query, counts, sums, lam) - truth) < 1e-12
assert len(states) == 9  # fewer than the 16 words of four bits; for T tokens, (T/2 + 1)^2 instead of 2^T
print(f"{len(states)} states do for 16 words; for T = 424: {2 * log2(424 / 2 + 1):.1f} bits per channel instead of 424")

# %% [markdown]
# The theorem keeps a part: the floor holds for $A = \min(T, \lfloor e^{d\mu^2/2} \rfloor)$ tokens. It is only for $d$
# below the order of $\log T$ that anything is lost.

# %%
T, mu = 424, 0.5
dimensions = range(1, 65)
tokens = [min(T, int(exp(d * mu**2 / 2))) for d in dimensions]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.plot(dimensions, tokens, "k-", label=r"$\min(T, \lfloor e^{d\mu^2/2}\rfloor)$, $\mu = 1/2$")
axes.set_xlabel("dimension d")
axes.set_ylabel("tokens that the floor counts")
axes.legend(frameon=False)
assert tokens[47] < T == tokens[48]  # from d = 49 on, all of them

# %% [markdown]
# ## Door 2: small logits
#
# If all logits are equal, the output is the mean of the values, and one sum a channel is an exact cache: the
# *converse* in the proof book (`flat_logits`). With unit keys and unit queries under the scale $1/\sqrt d$ the logits
# lie in $[-1/\sqrt d, 1/\sqrt d]$, and the mean is off by a factor of at most $e^{2/\sqrt d}$.

# %%
d, T = 64, 424
rng = np.random.default_rng(0)
keys = rng.standard_normal((T, d))
keys /= np.linalg.norm(keys, axis=1, keepdims=True)
values = rng.integers(0, 2, (T, d)).astype(float)
outputs = attention(keys, keys, values, rule=Scaled())
error = (np.abs(values.mean(axis=0) - outputs) / outputs).max()
print(f"relative error {error:.3f} from {d * (T).bit_length()} bits, where T d = {T * d}")
assert error <= exp(2 / np.sqrt(d)) - 1

# %% [markdown]
# ## Door 3: structure
#
# The floor counts *free* values. If the value row of each token is one of $L$, the same proof gives $T \log_2 L$ bits
# at $\delta = 0$, and an index for each token is a cache of that size. A tiny world: rows of four 0/1 values with
# exactly one 1. There are four such rows; two bits per token do, not four.

# %%
rows = [row for row in product((0, 1), repeat=4) if sum(row) == 1]
assert len(rows) == comb(4, 1) == 2**2
index = {row: number for number, row in enumerate(rows)}
for table in product(rows, repeat=3):
    state = [index[row] for row in table]  # two bits each
    assert tuple(rows[number] for number in state) == table

# %% [markdown]
# Real models have structure of this kind: neighbouring tokens resemble each other, spectra decay, maps are resampled
# from one another. How much of it a cache can use is a question about the model's keys and values, and the floor for
# "any values" does not answer it. What the structure leaves free, and attention can tell apart, is still
# incompressible, by the same proof.

# %%
for s in (1, 2, 8, 32):
    bits = log2(comb(64, s))
    print(f"rows of 64 with {s:2} ones: {bits:5.1f} bits per token instead of 64")
    assert bits < 64

# %% [markdown]
# ## Door 4: recompute (model R2)
#
# With public weights, keys and values are functions of the token ids. Whoever keeps the ids can run the network
# again. For VAR at 256 pixels the ids take 3060 bits, below the floor of a single head.

# %%
model = find_model("var-d16")
plan = plan_reduction(Geometry.of(model))
row = play(plan, "recompute", isolation=Isolation.NONE)
free = play(plan, "exact", isolation=Isolation.NONE)
print(f"{row.state_bits} bits, error {row.error}: {row.verdict}, where the floor is {free.floor_bits:,.0f} bits")
assert row.errors == 0
assert model.replay_bits == 3060 < row.state_bits < free.floor_bits
assert row.floor_bits < 3060  # the floor of its own model, of the ids, at errors that 3060 right answers do not refute
assert row.verdict == "outside R1"

# %% [markdown]
# Two things about this door. It is paid in time: every answer runs the network again. And it is not open to a cache
# that sees only keys, values and queries, which is what KV-cache compression is about.
#
# ## Door 5: errors
#
# The floor is $(1 - H_2(\delta))\, T d$, and falls to 0 at $\delta = 1/2$: a cache that keeps nothing and guesses is
# allowed. In between, it cannot be forbidden to lose some answers: majority of three sends a third of the bits.

# %%
small = plan_reduction(Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 15))
for name in ("random", "majority", "exact"):
    row = play(small, name, isolation=Isolation.NONE, trials=20)
    print(f"{name:8} {row.state_bits:4} bits, error {row.error:.3f}, floor {row.floor_bits:5.1f}")
    assert row.state_bits >= row.floor_bits
assert 1 - H2(0.25) < 1 / 3

# %% [markdown]
# **Randomness is no door.** The coins of the theorem are public and free. A random cache is a mixture of caches
# without coins, at the same mean error; the floor holds for the mixture. A cache that keeps a random half of the
# tokens errs on a quarter of the bits, and pays for a half.

# %%
errors, kept = [], 8
for _ in range(200):
    word, coins = rng.integers(0, 2, 16), rng.permutation(16)
    read = np.where(np.isin(np.arange(16), coins[:kept]), word, 0)
    errors.append((read != word).mean())
mean = float(np.mean(errors))
assert abs(mean - 1 / 4) < 0.02
assert kept > (1 - H2(mean)) * 16

# %% [markdown]
# ## Door 6: a narrower question
#
# The queries of the theorem may ask for every token. If only the newest $w$ can be asked for, because attention is
# windowed by design, then $w d$ bits are enough, and necessary. The word is *by design*: a cache that windows a model
# which looks farther back is broken by one token (notebook 4).

# %%
w, recent = 5, plan_reduction(Geometry("window", ScaleSchedule.square([1, 2, 4]), 16))
assert recent.shape == (5, 16)
row = play(recent, "exact", isolation=Isolation.NONE)
assert row.errors == 0
assert row.state_bits == w * 16 + 32 + 64  # w d bits, a count of tokens, a length

# %% [markdown]
# ## Door 7: another place
#
# The floor counts the bits that must be *kept*, not where. A slower memory, another machine, or a disk may hold them.
# The theorem then speaks of the traffic: what crosses before the last map is at least this much.
#
# ## What the theorem does not say
#
# * **It is about the worst case.** The keys are nearly orthogonal and the values are coins. An image is not like
# this. A   cache that fails here may be good on every picture you own; then what is good is the cache *and* the
# pictures, and   a promise should say so.
# * **It is about answers, not pictures.** A wrong attention output may not be visible, and a right one is no proof of
# quality.
# * **It is about one head at a time.** Heads with free inputs add up; that a given model can realise all of them at
# once   needs its own argument (the proof book has one for a whole layer: `attention_layer`).
# * **It is quadratic in the side $n$**, linear in the number of tokens, and needs a large last cached map.
#
# A tiny picture of the first point: smooth values against coins. A cache that keeps every second token and copies it
# to its neighbour is nearly right on the first, and wrong a quarter of the time on the second.

# %%
smooth = 0.5 + 0.4 * np.sin(np.arange(64) / 10)
coins = rng.integers(0, 2, 64).astype(float)


def every_second(values):
    return np.repeat(values[::2], 2)


print(f"smooth: off by at most {np.abs(every_second(smooth) - smooth).max():.3f}")
print(f"coins: wrong at {np.mean(every_second(coins) != coins):.2f} of the places")
assert np.abs(every_second(smooth) - smooth).max() < 0.05
assert 0.1 < np.mean(every_second(coins) != coins) < 0.4

# %% [markdown]
# ## Exercises
#
# **1.** In one dimension, how many bits does the cache of door 1 need for $T$ tokens (half of them with the key $+1$)
# and one channel of 0/1 values? Write `bits_1d(T)`, for two integers in whole bits each.

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
def bits_1d(T):
    return 2 * (T // 2).bit_length()


# %%
assert bits_1d(1000) == 18 < 1000
for T in (2, 4, 10, 424):
    assert 2 ** bits_1d(T) >= (T // 2 + 1) ** 2  # enough for all pairs of sums
    assert 2 ** (bits_1d(T) - 2) < (T // 2 + 1) ** 2

# %% [markdown]
# **2.** Values are 0/1 rows of length $h$ with exactly $s$ ones. Write `floor_sparse(T, h, s)`, the bits that $T$
# tokens need at $\delta = 0$. For which $s$ is nothing gained (but for less than $\log_2(h+1)$ bits per token)?

# %% [markdown]
# ### Answer 2


# %% tags=["answer"]
def floor_sparse(T, h, s):
    return T * log2(comb(h, s))


half = 64 // 2

# %%
for h, s in ((4, 1), (6, 3), (8, 2)):
    assert round(2 ** floor_sparse(1, h, s), 9) == len(list(combinations(range(h), s)))
assert floor_sparse(424, 64, 1) == 424 * 6  # an index for each token
assert 64 - floor_sparse(1, 64, half) < log2(65)
assert max(range(65), key=lambda s: comb(64, s)) == half

# %% [markdown]
# **3.** A cache may drop tokens at random and be wrong on them half of the time. What share of the tokens must it
# keep for the error $\delta$, and how does it compare with the floor? Write `share_kept(delta)`, a fraction.

# %% [markdown]
# ### Answer 3


# %% tags=["answer"]
def share_kept(delta):
    return 1 - 2 * delta


# %%
assert share_kept(Fraction(0)) == 1
assert share_kept(Fraction(1, 4)) == Fraction(1, 2)
assert share_kept(Fraction(1, 2)) == 0
assert all(share_kept(k / 100) > 1 - H2(k / 100) for k in range(1, 50))  # always above the floor: there is room
