# %% [markdown]
# # 7. The proof, lemma by lemma
#
# The theorem is a chain of seven short steps, each a lemma of the proof book that a machine checks; here each step
# gets its sentence, a few lines of exact code, and the verdict of its checkers. Nothing is hidden: a lemma whose
# checker was not run is called open.
#
# **Definition.** The *proof book* is the folder `proofs/`: one file a lemma, with its statement, its range, and the
# checks that it asks for. Nobody types a status. `lowerbound verify` runs the checks and derives what is proved.
# Checkers are Coq (statements for all sizes), the solvers z3 and cvc5 (statements about real numbers), the kernel of
# notebook 6 (certificates), and exact finite computations.

# %%
from fractions import Fraction
from itertools import product
from math import exp, inf, log
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx

from lowerbound.prove.book import counter_models, load_book
from lowerbound.prove.readers import holds, to_text
from lowerbound.prove.verify import verify

checkout = next(place for place in (Path.cwd(), *Path.cwd().parents) if (place / "proofs" / "__init__.py").is_file())
book = load_book(checkout / "proofs")
chain = ["index_binary", "separation", "softmax_gap_above", "softmax_gap_below", "decoding_bit", "reading_a_bit"]
chain += ["greedy_keys", "relative_values", "kv_cache_lower_bound"]
report = verify(book, only=chain, backends=["z3", "cvc5", "kernel", "computation"])  # Coq takes longer: see the end
entries = {entry.lemma.id: entry for entry in report.entries}
print(f"{len(book.lemmas)} lemmas in the book; the theorem is {book.theorem}")


def tell(name):
    """The lemma in words, its formulas, and what its checkers say now."""
    entry = entries[name]
    print(f"{name}: {entry.lemma.words}")
    if entry.lemma.statement is not None:
        for hypothesis, relation in entry.lemma.statement.hypotheses.items():
            print(f"    if    {to_text(relation):32} ({hypothesis})")
        print(f"    then  {to_text(entry.lemma.statement.goal)}")
    for check in entry.checks:
        print(f"    {check.checker}: {check.outcome} ({check.reason})")
        assert check.outcome != "rejected"
        assert check.outcome == "verified" or check.reason in ("not run", f"{check.checker} is not installed")


# %% [markdown]
# ## Who rests on whom
#
# `reading_a_bit` and the three lemmas that it uses are not in this picture. They are the step from attention to a bit
# as the solvers check it, for real numbers; Coq proves that step itself, for all token sets, as `softmax_gap`.

# %%
graph = book.graph()
wanted = nx.ancestors(graph, book.theorem) | {book.theorem}
levels = list(nx.topological_generations(graph.subgraph(wanted).reverse()))[::-1]  # each just above its readers
spots = {name: (x - (len(row) - 1) / 2, -y) for y, row in enumerate(levels) for x, name in enumerate(sorted(row))}
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
for below, above in graph.subgraph(wanted).edges:
    axes.annotate(
        "",
        spots[above],
        spots[below],
        arrowprops={"arrowstyle": "-|>", "color": "#777777", "shrinkA": 12, "shrinkB": 12},
    )
for name, spot in spots.items():
    box = {"boxstyle": "round", "facecolor": "#cfe8d8", "edgecolor": "#777777"}
    axes.text(*spot, name, ha="center", va="center", bbox=box, fontsize=9)
axes.set_xlim(-1.6, 1.6)
axes.set_ylim(0.4 - len(levels), 0.4)
axes.axis("off")
assert {"index_bound", "separation", "softmax_gap", "greedy_keys", "relative_values"} <= wanted
assert nx.is_directed_acyclic_graph(graph)

# %% [markdown]
# ## Step 1: bits cost bits
#
# The INDEX game of notebook 1. The general form is for all $m$, alphabets and public coins; Coq proves it. Small
# cases are computed.

# %%
tell("index_binary")

# %% [markdown]
# The counting behind it, for error 0: $2^m$ words need $2^m$ messages. For errors, words near one codeword share a
# message, and there are few of them. Count the words within distance $r$ of a word: at most $2^{H_2(r/m)\, m}$ of
# them. As integers, without logarithms: $\sum_{j \le r} \binom{m}{j}\; r^r (m-r)^{m-r} \le m^m$.

# %%
from math import comb

for m in range(1, 40):
    for r in range(1, m // 2 + 1):
        assert sum(comb(m, j) for j in range(r + 1)) * r**r * (m - r) ** (m - r) <= m**m

# %% [markdown]
# ## Step 2: a cache that answers well is such a protocol
#
# If an answer that is right for $x$ and for $y$ forces $x_i = y_i$, then a cache that answers every query $i$ well
# names every $x_i$.

# %%
tell("separation")

# %% [markdown]
# A tiny world, all of it: two secret bits, and every way to give the four words one of $S$ states. Bob has one answer
# for each state and query. A choice of states can be served exactly when words with one state agree everywhere.


# %%
def served(states):
    words = list(product((0, 1), repeat=2))
    return all(x == y for x, s in zip(words, states, strict=True) for y, t in zip(words, states, strict=True) if s == t)


counts = {S: sum(served(states) for states in product(range(S), repeat=4)) for S in (1, 2, 3, 4)}
print("ways that can be served:", counts)
assert counts == {1: 0, 2: 0, 3: 0, 4: 24}  # four states are needed, and then any bijection will do

# %% [markdown]
# ## Step 3: attention singles out a token
#
# One token has the weight $w$, all others together $r \le \tau w$. Then the output is within $\tau$ of its value.
# This is a statement about real numbers, and both solvers and the kernel prove it.

# %%
tell("softmax_gap_above")
tell("softmax_gap_below")

# %% [markdown]
# On a grid of exact fractions, with the cases where it is tight:

# %%
tightest = inf
for r, part, value, slack in product(range(5), range(5), range(5), range(3)):
    w, rest, v = Fraction(4), Fraction(r), Fraction(value, 4)
    share = rest * Fraction(part, 4)  # what the others contribute: between 0 and all of their weight
    tau = rest / w + Fraction(slack, 10)
    output = (w * v + share) / (w + rest)
    assert v - tau <= output <= v + tau
    tightest = min(tightest, v + tau - output)
assert tightest == 0  # at tau = 0

# %% [markdown]
# ## Step 4: a threshold
#
# A relative error $\eta$ turns the output for 0, at most $\tau$, into at most $(1+\eta)\tau$; and that for 1, at
# least $1 - \tau$, into at least $(1-\eta)(1-\tau)$. These are apart when $2\tau < 1-\eta$, and only then.

# %%
tell("decoding_bit")
for eta, tau in product([Fraction(k, 20) for k in range(20)], repeat=2):
    assert ((1 + eta) * tau < (1 - eta) * (1 - tau)) == (2 * tau < 1 - eta)

# %% [markdown]
# ## Steps 3 and 4 together: reading a bit

# %%
tell("reading_a_bit")

# %% [markdown]
# **What if a hypothesis is dropped?** A lemma says which of them it needs, and the solver must find a counter-model
# without each. We put its numbers in ourselves, in exact fractions.

# %%
lemma = book.find("reading_a_bit")
for name, model in counter_models(book, lemma).items():
    assert model is not None
    print(f"without {name!r}: value 0 may be answered {model['h0']}, value 1 {model['h1']}")
    assert model["h0"] >= model["h1"]  # nobody can tell them apart
    for hypothesis, relation in lemma.statement.hypotheses.items():
        assert holds(relation, model) or hypothesis == name

# %% [markdown]
# ## Step 5: keys that are separated
#
# Notebook 3. While $T - 1 < e^{d\mu^2/2}$, $T$ unit keys of coherence $\mu$ exist.

# %%
tell("greedy_keys")
T, own, d, mu = 424, 256, 64, Fraction(1, 2)
assert T - 1 < exp(d * mu**2 / 2)
print(f"for VAR-d16: {T - 1} < exp({d} * {mu}^2 / 2) = {exp(d * mu**2 / 2):.0f}")

# %% [markdown]
# ## Step 6: put together
#
# On such keys, each query $\lambda k_i$ reads token $i$ in every channel. So the cache is a protocol for $T h$ bits.

# %%
tell("relative_values")

# %% [markdown]
# ## Step 7: the theorem

# %%
tell("kv_cache_lower_bound")
eta = Fraction(1, 10)
lam = log((T + own) * (1 + eta) / (1 - eta)) / (1 - mu)
tau = (T + own - 1) * exp(-lam * (1 - mu))
assert (1 + eta) * tau < 1 - eta  # the condition of step 6
assert lam < 100  # and VAR allows such logits
print(f"VAR-d16, eta = 1/10: lambda = {lam:.2f} leaks tau = {tau:.4f}; {T} * {d} = {T * d} bits at delta = 0")

# %% [markdown]
# Step 6 is looser than step 4 in $\tau$, $(1+\eta)\tau < 1-\eta$ instead of $2\tau < 1-\eta$: it uses the sharper gap
# $v/(1+\tau) \le o \le (v+\tau)/(1+\tau)$, in which 0 is read as at most $\tau/(1+\tau)$ and 1 as at least
# $1/(1+\tau)$.

# %%
for eta, tau in product([Fraction(k, 20) for k in range(20)], [Fraction(k, 10) for k in range(12)]):
    apart = (1 + eta) * tau / (1 + tau) < (1 - eta) / (1 + tau)
    assert apart == ((1 + eta) * tau < 1 - eta)
    assert apart or not 2 * tau < 1 - eta  # whatever step 4 separates, this does

# %% [markdown]
# ## What was proved just now?
#
# Coq was not run here, and so nothing that needs it may be called proved:

# %%
for name in chain:
    print(f"{entries[name].status:6} {name}: {', '.join(entries[name].checked_by) or 'no checker was run'}")
assert entries["kv_cache_lower_bound"].status == "open"
assert report.word == "OPEN"

# %% [markdown]
# `lowerbound verify` in the checkout runs everything, Coq included; its last line is then `VERIFIED`, and it says on
# what the theorem rests: the four axioms of Coq's real numbers. `lowerbound verify --explain reading_a_bit` tells one
# lemma.
#
# ## Exercises
#
# **1.** Find exact numbers that show that $2\tau < 1 - \eta$ cannot be weakened to $2\tau \le 1 - \eta$ in step 4:
# give `eta_1` and `tau_1` with $0 \le \eta < 1$ such that the two bands touch.

# %% [markdown]
# ### Answer 1

# %% tags=["answer"]
eta_1, tau_1 = Fraction(1, 2), Fraction(1, 4)

# %%
assert 0 <= eta_1 < 1
assert 2 * tau_1 == 1 - eta_1
assert (1 + eta_1) * tau_1 == (1 - eta_1) * (1 - tau_1)

# %% [markdown]
# **2.** In step 3 values lie in $[0, 1]$. If they lie in $[-1, 1]$ instead, within which multiple of $\tau$ of $v$ is
# the output? Give the least integer `factor` that is right for all weights.

# %% [markdown]
# ### Answer 2

# %% tags=["answer"]
factor = 2  # the others can pull from v = 1 down to -1: (w - r)/(w + r) = 1 - 2r/(w + r) >= 1 - 2 tau

# %%
deviations = []
for r, part, value in product(range(1, 9), range(-4, 5), range(-4, 5)):
    w, rest, v = Fraction(8), Fraction(r), Fraction(value, 4)
    output = (w * v + rest * Fraction(part, 4)) / (w + rest)
    deviations.append(abs(output - v) / (rest / w))
assert factor - 1 < max(deviations) <= factor

# %% [markdown]
# **3.** How many tokens may the schedule have, at most, for keys in $\mathbb{R}^{64}$ with $\mu = 1/2$, by step 5?
# Give `most_tokens`.

# %% [markdown]
# ### Answer 3

# %% tags=["answer"]
most_tokens = int(exp(64 * 0.5**2 / 2)) + 1

# %%
assert most_tokens - 1 < exp(8) <= most_tokens
assert most_tokens == 2981
