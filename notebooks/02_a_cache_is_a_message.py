# %% [markdown]
# # 2. A cache is a message
#
# Here is the whole reduction in thirty lines, from nothing but NumPy: whoever can answer attention queries from a
# cache can read random bits off it, so the cache is as long as a message that carries those bits. Notebook 1 says how
# long that is.
#
# **Definitions.** Attention with unit keys $k_j$, values $v_j$ and a multiplier $\lambda$ answers a query $q$ with
#
# $$\mathrm{Attn}(q) = \frac{\sum_j e^{\lambda \langle q, k_j\rangle} v_j}{\sum_j e^{\lambda \langle q, k_j\rangle}}.$$
#
# An image is made map by map, from coarse to fine: here $1\times1$, $2\times2$, $4\times4$. Before the last map, $T =
# 1 + 4$ tokens are cached; the last map has $T_N = 16$ tokens of its own. A *cache* is a pair of functions: `encode`
# makes bytes of the cached keys and values, `decode` makes of the bytes whatever is needed to answer. Its answers may
# be off by a factor $1 \pm \eta$.

# %%
import numpy as np

# %% [markdown]
# ## Thirty lines

# %% tags=["thirty"]
d, T, T_N, eta = 16, 1 + 4, 16, 0.1
keys = np.concatenate([np.eye(d), -np.eye(d)])[: T + T_N]  # any two of them: <k, k'> <= mu = 0
lam = np.log(4 * (T + T_N - 1) / (1 - eta))
tau = (T + T_N - 1) * np.exp(-lam)  # what a query leaks to all other tokens
threshold = ((1 + eta) * tau + (1 - eta) * (1 - tau)) / 2


def attention(q, k, v):
    weights = np.exp(lam * q @ k.T)
    return weights @ v / weights.sum(axis=1, keepdims=True)


def alice(x, cache):  # bits -> bytes: the bits are the values of the cached tokens
    return cache.encode(keys[:T], x.astype(float))


def bob(message, cache):  # bytes -> bits: he adds his own last map, all of value 0, and asks with every key
    k, v = cache.decode(message)
    own = np.zeros((T_N, d))
    outputs = attention(keys[:T], np.concatenate([k, keys[T:]]), np.concatenate([v, own]))
    return (outputs > threshold).astype(int)


class Full:  # a cache that keeps everything, as float64
    def encode(self, k, v):
        return np.concatenate([k, v]).tobytes()

    def decode(self, message):
        return np.split(np.frombuffer(message).reshape(-1, d), 2)


# %%
rng = np.random.default_rng(0)
x = rng.integers(0, 2, (T, d))  # Alice's secret: T d = 80 fair bits
message = alice(x, Full())
assert (bob(message, Full()) == x).all()
print(f"{x.size} bits were written into a cache and read back; the message had {8 * len(message)} bits")

# %% [markdown]
# ## Why Bob reads right
#
# His query $k_i$ has the logit $\lambda$ with its own key and at most $\lambda\mu = 0$ with any other. So all others
# together weigh at most $\tau = (T + T_N - 1)\,e^{-\lambda(1-\mu)}$ of the softmax. If $x = 0$, the true output is at
# most $\tau$, and an allowed answer at most $(1+\eta)\tau$; if $x = 1$, the output is at least $1 - \tau$, and an
# allowed answer at least $(1-\eta)(1-\tau)$. There is a threshold in between exactly when $2\tau < 1 - \eta$.

# %%
assert 2 * tau < 1 - eta
assert (1 + eta) * tau < threshold < (1 - eta) * (1 - tau)
exact = attention(keys[:T], keys, np.concatenate([x, np.zeros((T_N, d))]))
assert exact[x == 0].max() <= tau
assert exact[x == 1].min() >= 1 - tau
for worst in (exact * (1 + eta), exact * (1 - eta), exact * (1 + eta * rng.choice([-1, 1], exact.shape))):
    assert ((worst > threshold) == x).all()  # every answer within the promise is read right
print(f"tau = {tau:.3f}: zeros are answered below {(1 + eta) * tau:.3f}, ones above {(1 - eta) * (1 - tau):.3f}")

# %% [markdown]
# ## A tiny world, all of it
#
# Let only two bits of the last token be secret, and one of the token before: $2^3$ inputs. All are read back, so no
# two inputs have the same message: there are at least $2^3$ messages, and that takes 3 bits. This is the bound for
# $\delta = 0$, whatever the cache does.


# %%
def tiny(secret):
    table = np.zeros((T, d), dtype=int)
    table[[3, 4, 4], [0, 0, 1]] = secret
    return table


secrets = [[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)]
messages = {}
for secret in secrets:
    message = alice(tiny(secret), Full())
    assert (bob(message, Full()) == tiny(secret)).all()
    messages[message] = secret
assert len(messages) == len(secrets) == 8

# %% [markdown]
# A cache with four messages must confuse some of them. Here are all $4^8$ ways to give each input a message. Bob says
# one thing for each message, so he can be wholly right about one input of those that share it.

# %%
from itertools import product

wholly_right = [len(set(message_of)) for message_of in product(range(4), repeat=len(secrets))]
assert len(wholly_right) == 4**8 == 65536
assert max(wholly_right) == 4  # of 8: at least half of the inputs are read wrongly somewhere

# %% [markdown]
# ## Other caches
#
# Two ways to save memory. The first stores one bit a value; its answers are exact, and its message is as short as it
# can be. The second forgets the older tokens, and Bob is left with a guess for each of their bits.


# %%
class OneBit:
    """One bit for each value; the keys are public, so they need not be stored."""

    def encode(self, k, v):
        return np.packbits(v > 0.5).tobytes()

    def decode(self, message):
        return keys[:T], np.unpackbits(np.frombuffer(message, np.uint8)).reshape(T, d).astype(float)


class Window:
    """The two newest tokens, each value as one byte."""

    def encode(self, k, v):
        return v[-2:].astype(np.uint8).tobytes()

    def decode(self, message):
        return keys[T - 2 : T], np.frombuffer(message, np.uint8).reshape(2, d).astype(float)


def H2(p):
    return 0.0 if p in (0, 1) else -p * np.log2(p) - (1 - p) * np.log2(1 - p)


for cache in (Full(), OneBit(), Window()):
    trials = [rng.integers(0, 2, (T, d)) for _ in range(200)]
    sent = [alice(x, cache) for x in trials]
    delta = float(np.mean([bob(message, cache) != x for message, x in zip(sent, trials, strict=True)]))
    bits, floor = 8 * len(sent[0]), (1 - H2(delta)) * T * d
    print(f"{type(cache).__name__:7} {bits:5} bits, error {delta:.3f}, floor {floor:5.1f} bits")
    assert bits >= floor
assert 8 * len(alice(x, OneBit())) == T * d == 80  # the floor at delta = 0, met with equality

# %% [markdown]
# ## What if
#
# **What if $\lambda$ is small?** Then the query leaks, the bits blur into one another, and nobody can read them, not
# even from a perfect cache. The proof needs $\lambda (1 - \mu)$ of the order $\ln (T + T_N)$, and real models allow
# that: VAR clamps $\lambda$ at 100 only.

# %%
import matplotlib.pyplot as plt


def misread_at(multiplier):
    weights = np.exp(multiplier * keys[:T] @ keys.T)
    values = np.concatenate([x, np.zeros((T_N, d))])
    return float(np.mean((weights @ values / weights.sum(axis=1, keepdims=True) > 0.5) != x))


multipliers = np.linspace(0, 6, 61)
least = np.log(2 * (T + T_N - 1))  # 2 tau = 1, for exact answers and the threshold 1/2
figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(multipliers, [misread_at(m) for m in multipliers], color="#0072B2", label="misread by Bob, from a full cache")
axes.axvline(least, color="black", linestyle="--", label=r"proved: none from $\ln(2(T + T_N - 1))$ on")
axes.set_xlabel(r"multiplier $\lambda$")
axes.set_ylabel("share of the 80 bits")
figure.legend(loc="outside upper center", frameon=False)
assert misread_at(least + 1e-9) == 0
assert misread_at(0) == np.mean(x == 1)  # every output is the same small mean: all ones are misread

# %% [markdown]
# **What if the last map had values of its own?** Bob chooses them, and 0 is the best choice for him. The point is
# that they are *his*: nothing about $x$ reaches him but the bytes.
#
# **What if the cache is clever, adaptive, learned, random?** We never looked inside it. `alice` and `bob` call
# `encode` and `decode`, and the count of messages does the rest.
#
# ## Exercises
#
# **1.** A cache that promises $\eta = 1/2$ instead of $1/10$: which $\lambda$ makes $2\tau = (1-\eta)/2$? Write
# `multiplier(n, eta)` for $n$ tokens at $\mu = 0$.

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
def multiplier(n, eta):
    return np.log(4 * (n - 1) / (1 - eta))


# %%
assert multiplier(T + T_N, 0.1) == lam
for n, error in ((21, 0.5), (680, 0.01)):
    leak = (n - 1) * np.exp(-multiplier(n, error))
    assert abs(leak - (1 - error) / 4) < 1e-12

# %% [markdown]
# **2.** Write a cache class `EverySecond` that keeps the tokens 0, 2 and 4, one *bit* a value, with keys known to
# both. How many bits has its message, and what is its error?

# %% [markdown]
# ### Answer 2


# %% tags=["answer"]
class EverySecond:
    def encode(self, k, v):
        return np.packbits(v[::2] > 0.5).tobytes()

    def decode(self, message):
        return keys[0:T:2], np.unpackbits(np.frombuffer(message, np.uint8)).reshape(3, d).astype(float)


# %%
sent = alice(x, EverySecond())
read = bob(sent, EverySecond())
assert 8 * len(sent) == 3 * d == 48
assert (read[::2] == x[::2]).all()
assert (read[1::2] == 0).all()  # 2 of 5 tokens are lost, and half of their bits are 1: error 2/5 * 1/2 = 1/5
assert 8 * len(sent) > (1 - H2(1 / 5)) * T * d

# %% [markdown]
# **3.** Find an input on which `Window` answers outside its promise: a table `x` such that some exact output $o$ and
# the cache's answer $a$ have $|a - o| > \eta\, o$. Call it `bad`.

# %% [markdown]
# ### Answer 3

# %% tags=["answer"]
bad = np.zeros((T, d), dtype=int)
bad[0, 0] = 1  # the oldest token, which the window has forgotten

# %%
own = np.zeros((T_N, d))
truth = attention(keys[:T], keys, np.concatenate([bad, own]))
k, v = Window().decode(alice(bad, Window()))
given = attention(keys[:T], np.concatenate([k, keys[T:]]), np.concatenate([v, own]))
assert (abs(given - truth) > eta * truth).any()

# %% [markdown]
# ## The same, from the library
#
# So far nothing was imported but NumPy. The library plans the same game by itself: the same keys, the same $\lambda$,
# the same threshold but for what it allows for rounding, and the same bits read.

# %%
from lowerbound import Geometry, Isolation, PrivateSeed, ScaleSchedule, plan_reduction, play

plan = plan_reduction(Geometry("thirty lines", ScaleSchedule.square([1, 2, 4]), d), eta="1/10")
assert plan.shape == (T, d)
assert (plan.keys.unit == keys).all()
assert abs(float(plan.multiplier) - lam) < 1e-12
assert abs(float(plan.leakage) - tau) < 1e-12
assert abs(float(plan.grid.thresholds[0]) - threshold) < 1e-12
secret = plan.draw(PrivateSeed.fresh(), 0)
assert (bob(alice(secret, OneBit()), OneBit()) == secret).all()
row = play(plan, "exact", isolation=Isolation.NONE)
assert row.errors == 0
assert row.state_bits == 8 * len(alice(secret, OneBit())) + 32 + 64  # and a count of tokens, and a length
print(f"library: {row.state_bits} bits, floor {row.floor_bits:.1f} at an error of at most {row.error_high:.3f}")
