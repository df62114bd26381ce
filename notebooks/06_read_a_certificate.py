# %% [markdown]
# # 6. Read a certificate
#
# A floor comes as a file that says what it claims and why, so that a small program can judge it without trusting
# whoever made it; we make one, check every number by hand, let the judge check it, and then try to cheat.
#
# **Definition.** A *statement* is a claim of some kind. A *certificate* names one statement by its digest and carries
# a payload: whatever the judge needs to see in order to be convinced. The *verdict* is VERIFIED, REJECTED or
# UNDECIDED, with the reason. A *document* is both in one file, sealed by a digest of its own.
#
# The judge is `lowerbound.kernel`: the standard library and one library for exact and interval arithmetic (flint), a
# few hundred lines. It shares no code with those who make certificates.

# %%
import json
import subprocess
import sys
import tempfile
from copy import deepcopy
from fractions import Fraction
from itertools import combinations
from math import exp, log, log2
from pathlib import Path

import matplotlib.pyplot as plt

from lowerbound import find_model
from lowerbound.certify.certified import certified
from lowerbound.kernel.codec import digest
from lowerbound.kernel.document import write_document
from lowerbound.kernel.judge import judge_document
from lowerbound.kernel.verdict import Outcome

# %% [markdown]
# ## A tiny world, all of it
#
# The smallest certificates are about the INDEX game of notebook 1: "the least error on $m$ bits with so many messages
# is this". The payload is empty, because the judge tries all codebooks itself. We make *every* claim about one and
# two bits, true and false ones. For each game the judge must verify exactly one.


# %%
def document(kind, claim, payload):
    statement = {"id": "a claim of ours", "kind": kind, "claim": claim}
    return write_document(statement, {"kind": kind, "proves": digest(statement), "payload": payload})


accepted = {}
for m in (1, 2):
    for messages in range(1, 2**m + 1):
        for wrong in range(m * 2**m + 1):
            error = str(Fraction(wrong, m * 2**m))
            claim = {"m": m, "messages": messages, "error": error}
            _, verdict = judge_document(document("index_optimum", claim, {}))
            assert verdict.outcome in (Outcome.VERIFIED, Outcome.REJECTED)
            if verdict.outcome is Outcome.VERIFIED:
                accepted.setdefault((m, messages), []).append(error)
print(accepted)
assert accepted == {(1, 1): ["1/2"], (1, 2): ["0"], (2, 1): ["1/2"], (2, 2): ["1/4"], (2, 3): ["1/8"], (2, 4): ["0"]}
print(verdict.reason)

# %% [markdown]
# ## Make one
#
# The floor of one head of VAR-d16: relative error 1/100, failure probability 1/10. On the command line this is
# `lowerbound certify var-d16 --theorem A --delta 0.1 -o floor.json`.

# %%
floor = certified(find_model("var-d16"), eta="1/100", delta="1/10", theorem="A")
for field, value in floor.sealed.statement["claim"].items():
    print(f"{field:18}{value}")

# %% [markdown]
# Read it from the top. There is one attention head with keys and values in $\mathbb{R}^{64}$; ten maps, of which the
# first nine are cached. Queries and keys are normalised, the multiplier is at most 100. For *every* cache whose
# answers are within a factor $1 \pm 1/100$, each with probability at least $9/10$: it keeps at least the stated bits.
#
# The payload is what makes it true: public keys, their coherence, the multiplier, the number of levels of a value.

# %%
claim, payload = floor.sealed.statement["claim"], floor.sealed.certificate["payload"]
for field, value in payload.items():
    print(f"{field:12}{str(value)[:100]}")

# %% [markdown]
# ## Check it by hand
#
# **The keys.** They are written as sign vectors, bits of a code: every word is a coset leader plus a combination of
# basis words. We spell out the first 680, and compare all pairs. Signs that differ in $j$ of 64 places have the inner
# product $(64 - 2j)/64$.

# %%
span = [0]
for word in payload["keys"]["basis"]:
    span += [int(word, 16) ^ other for other in span]
code = [int(leader, 16) ^ word for leader in payload["keys"]["cosets"] for word in span]
sizes = [side_1 * side_2 for side_1, side_2 in claim["maps"]]
T, own = sum(sizes[:-1]), sizes[-1]
assert (T, own) == (424, 256)
assert len(set(code)) >= T + own
mu = max(Fraction(64 - 2 * (a ^ b).bit_count(), 64) for a, b in combinations(code[: T + own], 2))
assert mu == Fraction(payload["coherence"]) == Fraction(1, 8)
print(f"{T + own} keys in R^64, coherence {mu}")

# %% [markdown]
# **The leak.** $\tau = (T + T_N - 1)\,e^{-\lambda(1-\mu)}$ must satisfy $2\tau < 1 - \eta$.

# %%
lam, eta, delta = Fraction(payload["multiplier"]), Fraction(claim["eta"]), Fraction(claim["delta"])
tau = (T + own - 1) * exp(-lam * (1 - mu))
print(f"tau = {tau:.2e}")
assert 2 * tau < 1 - eta

# %% [markdown]
# **The bits.** $(1 - H_2(\delta))\, T d$, rounded down.

# %%
entropy = -(float(delta) * log2(delta) + float(1 - delta) * log2(1 - delta))
bits = (1 - entropy) * T * claim["d"]
print(f"{bits:.3f} bits, claimed {claim['bits']}")
assert claim["bits"] <= bits < claim["bits"] + 1

# %% [markdown]
# We used floats. The judge does the same in balls: intervals that certainly contain the true value.
#
# ## The judge alone
#
# In a process of its own; afterwards we ask which packages it loaded.

# %%
folder = Path(tempfile.mkdtemp())
file = folder / "floor.json"
file.write_bytes(floor.document())
judged = subprocess.run(
    [sys.executable, "-m", "lowerbound.kernel", file.name], cwd=folder, capture_output=True, text=True
)
print(judged.stdout, end="")
assert judged.returncode == 0
assert judged.stdout.rstrip().endswith("VERIFIED")

program = "import sys, lowerbound.kernel.judge; print(*{name.partition('.')[0] for name in sys.modules})"
loaded = set(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split())
assert "flint" in loaded
assert not loaded & {"numpy", "scipy", "sympy", "z3", "networkx", "matplotlib"}

# %% [markdown]
# ## Cheat
#
# **First try: change the file.** Every byte is under the seal. We change each field of the claim in the text.

# %%
changes = {
    "theorem": "B",
    "lemmas": [],
    "computation_model": "R2",
    "maps": [[1, 1], [99, 99], [16, 16]],
    "d": 128,
    "multiplier": "200",
    "guarantee": "additive",
    "eta": "999/1000",
    "delta": "0",
    "bits": 27136,
}
for field, value in changes.items():
    forged = json.loads(floor.document())
    forged["statement"]["claim"][field] = value
    data = json.dumps(forged, sort_keys=True, separators=(",", ":")).encode() + b"\n"
    assert data != floor.document()
    _, verdict = judge_document(data)
    assert verdict.outcome is Outcome.REJECTED
    assert "digest" in verdict.reason
print(len(changes), "changed files, all rejected:", verdict.reason)

# %% [markdown]
# **Second try: seal it anew.** Anyone can compute digests. Then the claim itself is judged, and the reason says what
# is wrong with it.


# %%
def resealed(claim_changes=(), payload_changes=()):
    statement, certificate = deepcopy(floor.sealed.statement), deepcopy(floor.sealed.certificate)
    statement["claim"].update(claim_changes)
    certificate["payload"].update(payload_changes)
    certificate["proves"] = digest(statement)
    _, verdict = judge_document(write_document(statement, certificate))
    return verdict


for field, value in changes.items():
    verdict = resealed({field: value})
    print(f"{field:17} := {str(value)[:24]:24} {verdict.outcome}: {verdict.reason}")
    assert (verdict.outcome is Outcome.VERIFIED) == (field in ("d", "eta", "delta"))

# %% [markdown]
# Three were verified. They are new documents, and their claims are *true*. The keys leak so little that even an error
# of 99.9 percent leaves the bits readable. Caches that never fail need more bits than those that may, so they need
# these. And keys of $\mathbb{R}^{64}$ are keys of $\mathbb{R}^{128}$, with zeros added, where the floor is even twice
# as high. The judge does not ask who wrote a file, but whether it is right.
#
# Now the payload:

# %%
for changed in ({"coherence": "1/16"}, {"coherence": "1/4"}, {"multiplier": "7"}, {"levels": 3}, {"precision": 8}):
    verdict = resealed(payload_changes=changed)
    print(f"{changed!s:24} {verdict.outcome}: {verdict.reason}")
    assert (verdict.outcome is Outcome.VERIFIED) == (changed == {"coherence": "1/4"})

# %% [markdown]
# Again one is true: keys of coherence 1/8 have, in particular, coherence *at most* 1/4, and the leak stays small
# enough.
#
# **What if the claim names another model?** The judge knows no models. `lowerbound check` compares maps, dimension
# and rule with the catalogue:

# %%
from lowerbound.certify.check import check

statement = deepcopy(floor.sealed.statement)
statement["claim"]["model"] = "var-d30-512"
certificate = {**floor.sealed.certificate, "proves": digest(statement)}
data = write_document(statement, certificate)
assert judge_document(data)[1].outcome is Outcome.VERIFIED
checked = check(data)
print(checked.verdict.reason)
assert checked.verdict.outcome is Outcome.REJECTED

# %% [markdown]
# ## What the claim depends on

# %%
deltas = [step / 100 for step in range(50)]
figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
share = [1.0 if p == 0 else 1 + p * log2(p) + (1 - p) * log2(1 - p) for p in deltas]
axes.plot(deltas, [T * 64 * s / 8 / 1024 for s in share], "k-", label=r"$(1 - H_2(\delta))\, T d$")
axes.plot([0.1], [claim["bits"] / 8 / 1024], "o", color="#D55E00", label="this certificate")
axes.set_xlabel(r"failure probability $\delta$ of an answer")
axes.set_ylabel("floor of one head (KiB)")
_ = axes.legend(frameon=False)

# %% [markdown]
# ## Exercises
#
# **1.** Claim one bit more than was proved, and seal it. What does the judge answer? Make the verdict, as `greedy`.

# %% [markdown]
# ### Answer 1

# %% tags=["answer"]
greedy = resealed({"bits": claim["bits"] + 1})

# %%
assert greedy.outcome is Outcome.REJECTED
assert "fewer than the claimed" in greedy.reason
assert resealed({"bits": claim["bits"] - 1}).outcome is Outcome.VERIFIED  # true, if modest

# %% [markdown]
# **2.** What is the least multiplier that this certificate could do with? Write `least_multiplier(n, eta, mu)` for
# $n$ tokens in all, from $2\tau < 1 - \eta$.

# %% [markdown]
# ### Answer 2


# %% tags=["answer"]
def least_multiplier(n, eta, mu):
    return log(2 * (n - 1) / (1 - eta)) / (1 - mu)


# %%
least = Fraction(least_multiplier(T + own, eta, mu)).limit_denominator(10**6)
assert resealed(payload_changes={"multiplier": str(least + Fraction(1, 10**5))}).outcome is Outcome.VERIFIED
assert resealed(payload_changes={"multiplier": str(least - Fraction(1, 10**5))}).outcome is Outcome.REJECTED
print(f"lambda > {float(least):.4f}")

# %% [markdown]
# **3.** Be the judge: write `verdict_on(m, messages, error)`, True or False, for the tiny claims of the beginning.

# %% [markdown]
# ### Answer 3


# %% tags=["answer"]
def verdict_on(m, messages, error):
    books = combinations(range(2**m), messages)
    best = min(sum(min((x ^ word).bit_count() for word in book) for x in range(2**m)) for book in books)
    return Fraction(best, m * 2**m) == Fraction(error)


# %%
for (m, messages), errors in accepted.items():
    for wrong in range(m * 2**m + 1):
        error = str(Fraction(wrong, m * 2**m))
        assert verdict_on(m, messages, error) == (error in errors)
assert verdict_on(3, 2, "1/4")
