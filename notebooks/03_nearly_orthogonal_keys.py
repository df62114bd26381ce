# %% [markdown]
# # 3. Nearly orthogonal keys
#
# The reduction of notebook 2 needs many unit keys with small inner products: how many are there in a given dimension,
# and how small can they be? Exactly orthogonal ones number only $d$; a little slack makes them exponentially many.
#
# **Definition.** The *coherence* of unit keys $k_1, \dots, k_n \in \mathbb{R}^d$ is $\mu = \max_{i \ne j} \langle
# k_i, k_j \rangle$. There is no absolute value: a key of logit $-\lambda$ disturbs the softmax even less than one of
# logit $0$.

# %%
from fractions import Fraction
from itertools import combinations, product
from math import ceil, comb, exp, log, sqrt

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np


def coherence(rows):
    """Of integer rows of one length: an exact fraction."""
    gram = rows @ rows.T
    return Fraction(int(gram[~np.eye(len(rows), dtype=bool)].max()), int(gram[0, 0]))


# %% [markdown]
# ## A tiny world, all of it
#
# Take the $2^d$ vectors with entries $\pm1$, divided by $\sqrt d$. How many can have pairwise inner products at most
# 0? For small $d$ we join every two such vectors by an edge, and look for the largest clique.


# %%
def largest_set(d, most):
    """The largest set of sign vectors in R^d whose inner products, times d, are at most `most`."""
    signs = list(product((-1, 1), repeat=d))
    graph = nx.Graph()
    graph.add_nodes_from(signs)
    graph.add_edges_from(
        (x, y) for x, y in combinations(signs, 2) if sum(a * b for a, b in zip(x, y, strict=True)) <= most
    )
    clique, size = nx.max_weight_clique(graph, weight=None)
    return np.array(clique), size


for d in (1, 2, 3, 4):
    keys, size = largest_set(d, 0)
    assert d == 1 or coherence(keys) <= 0
    print(f"d = {d}: {size} of {2**d} sign vectors, and 2d = {2 * d}")
    assert size <= 2 * d

# %% [markdown]
# In $\mathbb{R}^4$ there are eight, and nobody does better with any unit vectors: $2d$ is the most (Rankin 1955). The
# basis vectors and their negatives are such keys in every dimension: the *orthoplex*. Now allow a little slack.

# %%
assert largest_set(4, 0)[1] == 8
sizes = {most: largest_set(5, most)[1] for most in (-1, 1, 3, 5)}
assert sizes[5] == 2**5  # no condition at all
print("R^5, sign vectors with coherence at most", {f"{most}/5": size for most, size in sizes.items()})
assert sizes[-1] <= sizes[1] <= sizes[3] <= sizes[5]

# %% [markdown]
# ## How many there are: the greedy argument
#
# **Lemma (Hoeffding).** A random sign vector has $\langle k, k' \rangle > \mu$ with any fixed one with probability at
# most $e^{-d\mu^2/2}$.
#
# **Lemma (greedy).** While $n - 1 < e^{d\mu^2/2}$, another key can be added to $n - 1$ keys: the $n - 1$ conditions
# fail with total probability below 1, so some vector meets all of them. This is the proof's condition $T - 1 <
# e^{d\mu^2/2}$, that is, $d > \frac{2}{\mu^2} \ln (T - 1)$: *d of the order of log T*.
#
# The probability in Hoeffding's lemma can be counted: $\langle k,k'\rangle = (d - 2j)/d$ if $j$ entries differ.


# %%
def tail(d, mu):
    """Pr[<k, k'> > mu], exactly."""
    return Fraction(sum(comb(d, j) for j in range(d + 1) if Fraction(d - 2 * j, d) > mu), 2**d)


for d in range(1, 60):
    for mu in (Fraction(1, 8), Fraction(1, 4), Fraction(1, 2), Fraction(3, 4)):
        assert tail(d, mu) <= exp(-d * mu**2 / 2)

signs = np.array(list(product((-1, 1), repeat=4)))  # and by enumeration
assert all(Fraction(int((signs @ key > 2).sum()), 16) == tail(4, Fraction(1, 2)) for key in signs)

# %% [markdown]
# The lemma is also an algorithm: draw, and keep what fits.


# %%
def greedy(n, d, mu, rng):
    kept = np.zeros((0, d), dtype=np.int64)
    for key in 1 - 2 * rng.integers(0, 2, (200 * n, d)):
        if not len(kept) or (kept @ key).max() <= mu * d:
            kept = np.concatenate([kept, key[None]])
        if len(kept) == n:
            return kept
    return None


rng = np.random.default_rng(0)
n, d, mu = 100, 40, Fraction(1, 2)
assert n - 1 < exp(d * mu**2 / 2)  # so the keys exist ...
keys = greedy(n, d, mu, rng)
assert coherence(keys) <= mu  # ... and here they are
print(f"{n} keys in R^{d}, coherence {coherence(keys)}")

# %% [markdown]
# ## What nobody can beat
#
# **Lemma (Welch 1974).** Among $n > d$ unit vectors some two have $|\langle k_i, k_j\rangle| \ge
# \sqrt{\frac{n-d}{d(n-1)}}$. (It bounds the absolute value; one-sidedly $2d$ keys reach 0.)
#
# We compare what the library's families reach for the 680 tokens of VAR at 256 pixels.

# %%
from lowerbound.core.keys.choice import find_family

n, dimensions = 680, (16, 32, 64, 128)
families = [find_family(name) for name in ("gaussian", "signs", "trace", "kerdock", "steiner")]
reached = {
    (family.name, d): float(family.keys(n, d).coherence)
    for family in families
    for d in dimensions
    if family.capacity(d) >= n
}

figure, axes = plt.subplots(figsize=(6.4, 3.8), layout="constrained")
for family, marker in zip(families, "vosD^", strict=True):
    points = [(d, mu) for (name, d), mu in reached.items() if name == family.name]
    axes.plot(*zip(*points, strict=True), marker, linestyle="-", linewidth=0.6, label=family.name)
ds = np.array(dimensions)
axes.plot(ds, np.sqrt((n - ds) / (ds * (n - 1))), "k-", label="Welch, two-sided")
axes.plot(ds, np.minimum(1, np.sqrt(2 * log(n - 1) / ds)), "k--", label=r"exists: $\sqrt{2 \ln(n-1)/d}$")
axes.set_xscale("log", base=2)
axes.set_xticks(dimensions, map(str, dimensions))
axes.set_xlabel("dimension d")
axes.set_ylabel(f"coherence of {n} keys")
axes.legend(frameon=False, ncols=2, fontsize=8)
assert reached["kerdock", 64] == 1 / 8
assert reached["kerdock", 64] < reached["signs", 64] < 1
assert sqrt((n - 64) / (64 * (n - 1))) < reached["kerdock", 64] < 1.05 * sqrt((n - 64) / (64 * (n - 1)))
assert 4 < reached["signs", 64] / reached["kerdock", 64] < 5

# %% [markdown]
# Kerdock's set, 1/8 for $d = 64$, is within 5 % of Welch's bound. Random keys, such as the Johnson–Lindenstrauss
# images of the paper, have four to five times as much; they still do for the proof.
#
# ## What coherence costs
#
# Coherence is paid for by the multiplier: the leak is $\tau = (n-1)\,e^{-\lambda(1-\mu)}$, so a given leak needs
# $\lambda = \ln((n-1)/\tau)/(1-\mu)$. We check the leak where it happens, in the weights.


# %%
def own_weight(keys, lam):
    weights = np.exp(lam * (keys @ keys.T / (keys[0] @ keys[0]) - 1))
    return np.diag(weights) / weights.sum(axis=1)


n, d = 100, 40
for mu, rows in ((coherence(keys), keys), (Fraction(0), np.concatenate([np.eye(50), -np.eye(50)]).astype(int))):
    lam = log((n - 1) / 0.01) / (1 - mu)
    assert coherence(rows) == mu
    assert own_weight(rows, lam).min() >= 1 - 0.01
    print(f"coherence {mu}: lambda = {lam:.2f} leaks less than 0.01")

# %% [markdown]
# ## What if
#
# **What if two keys are equal?** Then $\mu = 1$, and no $\lambda$ tells the tokens apart. In one dimension the only
# unit keys are $\pm 1$: a cache of two sums answers everything. The floor for $T$ tokens needs $T$ separated keys.

# %%
twice = np.array([[1, 1], [1, 1], [1, -1]])
assert coherence(twice) == 1
assert own_weight(twice, 100.0).min() <= 0.5

# %% [markdown]
# **What if $d$ is below $\log_2 n$?** Then two sign vectors must coincide, by counting. The library refuses, and says
# what is nearest.

# %%
from lowerbound.core.keys.choice import best_family
from lowerbound.errors import ImpossibleReduction

refusal = ""
try:
    best_family(25, 4)
except ImpossibleReduction as error:
    refusal = str(error)
print(refusal)
assert "nearest possible head dimension is 5" in refusal

# %% [markdown]
# ## Exercises
#
# **1.** For which dimension does the greedy lemma first promise $T = 424$ keys of coherence $1/2$? Write
# `least_dimension(T, mu)`.

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
def least_dimension(T, mu):
    d = 1
    while not T - 1 < exp(d * mu**2 / 2):
        d += 1
    return d


# %%
assert least_dimension(424, 0.5) == 49
assert ceil(2 / 0.5**2 * log(424 - 1)) == 49
assert least_dimension(100, 0.5) <= 40
assert all(least_dimension(2 * T, 0.5) <= least_dimension(T, 0.5) + 6 for T in (10, 100, 1000))  # logarithmic

# %% [markdown]
# **2.** Write $2^{3}$ sign vectors in $\mathbb{R}^{8}$ that are pairwise orthogonal, and use them to make 16 keys of
# coherence 0. Call the integer rows `sixteen`.

# %% [markdown]
# ### Answer 2

# %% tags=["answer"]
H = np.array([[1, 1], [1, -1]])
hadamard = np.kron(H, np.kron(H, H))
sixteen = np.concatenate([hadamard, -hadamard])

# %%
assert sixteen.shape == (16, 8)
assert set(np.unique(sixteen)) == {-1, 1}
assert coherence(sixteen) == 0

# %% [markdown]
# **3.** Kerdock's 680 keys in $\mathbb{R}^{64}$ have $\mu = 1/8$. Which $\lambda$ leaks $\tau = 1/4$? And what would
# random signs of $\mu = 1/2$ need? VAR allows $\lambda \le 100$: both are far below. Write `needed(n, tau, mu)`.

# %% [markdown]
# ### Answer 3


# %% tags=["answer"]
def needed(n, tau, mu):
    return log((n - 1) / tau) / (1 - mu)


# %%
assert round(needed(680, 1 / 4, 1 / 8), 2) == 9.04
assert round(needed(680, 1 / 4, 1 / 2), 2) == 15.81
assert needed(680, 1 / 4, 1 / 2) < 100

from lowerbound.core.bounds import MULTIPLIER

assert abs(MULTIPLIER.at_most(680, Fraction(1, 4), Fraction(1, 8)) - needed(680, 1 / 4, 1 / 8)) < 1e-12
