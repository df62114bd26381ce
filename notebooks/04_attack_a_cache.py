# %% [markdown]
# # 4. Attack a cache
#
# A cache promises that its answers are nearly right, and this notebook looks for a few tokens on which one is
# certainly wrong. First by hand, then by trying everything, then with the adversary of the library, which writes down
# what it finds so that anyone can check it.
#
# **Definition.** A cache *promises* a relative error $\eta$ if for all tokens of its class and every query the answer
# $a$ and the true output $o$ satisfy $|a - o| \le \eta\, o$ in each coordinate. A *witness* is a list of tokens, a
# query and an answer for which this is false. One witness is enough.

# %%
from fractions import Fraction
from itertools import pairwise, product

import matplotlib.pyplot as plt
import numpy as np

from lowerbound import L2Norm, attention

# %% [markdown]
# ## By hand
#
# A sliding window that keeps the newer half of two tokens. Give the older one the value 1, and ask for it.

# %%
keys = np.eye(2)
values = np.array([[1.0], [0.0]])
rule = L2Norm(10.0)  # logit = 10 <q, k> for unit q and k
truth = attention(keys[:1], keys, values, rule=rule)[0, 0]
answer = attention(keys[:1], keys[1:], values[1:], rule=rule)[0, 0]
print(f"truth {truth:.6f}, the window answers {answer:.6f}")
assert truth > 0.9999
assert answer == 0
assert abs(answer - truth) == truth  # no eta below 1 allows this

# %% [markdown]
# ## A tiny world, all of it
#
# Another cache keeps every token, but only the *sum* of the values. It is right wherever all weights are equal. Take
# two tokens with the keys $e_1, e_2$, values 0 or 1, and both keys as queries: eight questions. Which of them break
# it?


# %%
def from_the_sum(values):
    return values.mean(axis=0)[0]


broken = []
for values in product((0.0, 1.0), repeat=2):
    for asked in (0, 1):
        column = np.array(values)[:, None]
        truth = attention(keys[asked : asked + 1], keys, column, rule=rule)[0, 0]
        if abs(from_the_sum(column) - truth) > 0.01 * truth:
            broken.append((values, asked))
print(*broken, sep="\n")
assert len(broken) == 4  # exactly when the two values differ
assert all(first != second for (first, second), _ in broken)

# %% [markdown]
# ## Who stores less than $n$ bits is broken somewhere
#
# Ask for one bit a token, exactly ($\delta = 0$). A cache of $b < T$ bits for $T$ such values has two inputs with one
# state. There is a token at which they differ, and at this token the cache gives one answer to both: it is wrong for
# one. So every cache below the floor has a witness among the $2^T$ tables of the reduction, with a query that is a
# key. Here is the search for one small cache, whatever it does inside.


# %%
def state(values):  # 3 bits for 4 tokens: the parity of each two neighbours
    return tuple((a + b) % 2 for a, b in pairwise(values))


seen = {}
for values in product((0, 1), repeat=4):
    if state(values) in seen:
        other = seen[state(values)]
        token = next(i for i in range(4) if values[i] != other[i])
        print(f"{other} and {values} have one state, and differ at token {token}")
        break
    seen[state(values)] = values
assert state(values) == state(other)
assert values[token] != other[token]

# %% [markdown]
# ## The adversary of the library
#
# It tries a list of attacks on ever larger places, from two tokens in one dimension up, and shrinks what it finds.
# Every attack is fair: keys of ordinary length, values in $[0, 1]$, logits up to 100. What counts as broken is
# certain, rounding included.

# %%
from lowerbound.adversary.search import attack
from lowerbound.caches.registry import find_cache

caches = {"window": "1/2", "h2o": "1/2", "window-sum": "1/2", "uniform": "1/4"}
found = {name: attack(name, budget=budget, eta="1/100") for name, budget in caches.items()}
for name, outcome in found.items():
    violation = outcome.violation
    print(
        f"{name:10} broken by {len(violation.instance.tokens.keys)} tokens ({outcome.attack}): "
        f"truth {violation.exact:.4f}, answer {violation.answer:.4f}, {violation.ratio:.0f} times the allowed error"
    )
    assert violation.certain
    assert violation.ratio > 1
print(find_cache("h2o").facts().text.splitlines()[0])

# %% [markdown]
# We do not have to believe it. The tokens are in our hands, and attention is a formula:

# %%
violation = found["window"].violation
tokens, query = violation.instance.tokens, violation.instance.queries
print("keys", tokens.keys.tolist(), "values", tokens.values.tolist(), "query", query.tolist())
truth = attention(query, tokens.keys, tokens.values, rule=violation.instance.terms.rule)[0, violation.coordinate]
assert abs(truth - violation.exact) < 1e-12
assert abs(violation.answer - truth) > Fraction(1, 100) * truth

# %% [markdown]
# ## A witness is a document
#
# It holds the tokens, the question and the answer as exact numbers. `check` judges it with interval arithmetic, and
# asks the named cache again in a process of its own.

# %%
from lowerbound.certify.check import check
from lowerbound.certify.witness import witness
from lowerbound.kernel.verdict import Outcome

document = witness("window", violation)
checked = check(document)
print(len(document), "bytes:", checked.verdict.outcome, "-", checked.verdict.reason)
assert checked.verdict.outcome is Outcome.VERIFIED

# %% [markdown]
# A forged one, with a single digit changed, does not pass:

# %%
forged = document.replace(b'"budget":"1/2"', b'"budget":"1/1"')
assert forged != document
checked = check(forged)
print(checked.verdict.outcome, "-", checked.verdict.reason)
assert checked.verdict.outcome is Outcome.REJECTED

# %% [markdown]
# ## What if
#
# **What if the promise is weaker?** A quantiser errs by a bounded amount. So a large enough additive $\eta$ can be
# kept, and a small one cannot. Here is the largest error that a uniform quantiser of $b$ bits makes on any value in a
# row that spans $[0, 1]$; it halves with each bit. The floor of Theorem B has the same slope: about $\log_2
# (1/2\eta)$ bits per value.

# %%
fine = np.linspace(0, 1, 10001)
bits = np.arange(1, 9)
errors = [np.abs(np.rint(fine * (2**b - 1)) / (2**b - 1) - fine).max() for b in bits]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
axes.semilogy(bits, errors, "D", color="#0072B2", label="measured on 10001 values")
axes.semilogy(bits, 1 / (2 * (2.0**bits - 1)), "k-", label=r"half a step: $\frac{1}{2(2^b-1)}$")
axes.set_xlabel("bits per value")
axes.set_ylabel(r"largest additive error $\eta$")
axes.legend(frameon=False)
assert all(error <= 1 / (2 * (2.0**b - 1)) + 1e-12 for b, error in zip(bits, errors, strict=True))

# %% [markdown]
# **What if nothing is found?** Then nothing is proved: the adversary is a search. A cache that keeps float64 is not
# broken at $\eta = 1/100$, and neither is it *proved* right by this.

# %%
outcome = attack("full", eta="1/100", time_limit_s=0.3)
print(type(outcome).__name__, "after", len(outcome.tried), "trials")
assert not hasattr(outcome, "violation")

# %% [markdown]
# ## Exercises
#
# **1.** H2O keeps the tokens that queries attended to most, and the newest ones. Describe tokens on which the one
# that is asked for last is dropped: give `scores`, the attention received so far by four tokens, of which the cache
# keeps the newest and the one of highest score among the others. The query will ask for token 1.

# %% [markdown]
# ### Answer 1

# %% tags=["answer"]
scores = [3.0, 0.5, 1.0, 0.2]  # token 0 was loved, token 1 was not: it is dropped before anybody asks for it

# %%
kept = {3, int(np.argmax(scores[:3]))}
assert len(scores) == 4
assert 1 not in kept

# %% [markdown]
# **2.** Break the cache that stores only the sum, now for three tokens with keys $e_1, e_2, e_3$ under the same rule,
# by an error of more than 30 percent of a truth of at least 0.9. Give `three` values in $[0, 1]$, and the `asked`
# token.

# %% [markdown]
# ### Answer 2

# %% tags=["answer"]
three, asked = [1.0, 0.0, 0.0], 0

# %%
column = np.array(three)[:, None]
assert column.shape == (3, 1)
assert ((column >= 0) & (column <= 1)).all()
truth = attention(np.eye(3)[asked : asked + 1], np.eye(3), column, rule=rule)[0, 0]
assert truth >= 0.9
assert abs(column.mean() - truth) > 0.3 * truth

# %% [markdown]
# **3.** How many tables with one state does a cache of $b$ bits have at least, among the $2^T$ tables of $T$ bits?
# Write `crowd(T, b)`: the size that some state certainly reaches.

# %% [markdown]
# ### Answer 3


# %% tags=["answer"]
def crowd(T, b):
    return -(-(2**T) // 2**b)


# %%
assert crowd(4, 3) == 2
assert crowd(10, 10) == 1
crowds = {}
for values in product((0, 1), repeat=4):
    crowds.setdefault(state(values), []).append(values)
assert max(map(len, crowds.values())) >= crowd(4, 3)
