# %% [markdown]
# # 5. Write your own cache
#
# Any algorithm that answers attention queries from bytes can be played, measured and put beside the floor; here you
# write one in ten lines. It is the same interface that the theorem quantifies over.
#
# **Definition.** A *cache* sees the tokens map by map. At each map it is given keys, values and queries (`append`),
# answers queries (`attend`), and must then forget everything but some bytes (`encode`), from which a fresh copy goes
# on (`decode`). Its *size* is the length of those bytes, measured from outside.
#
# The template `StoredTokens` does all this for caches that store tokens; you say in `write` what is kept, and in
# `read` how it is read back.

# %%
from fractions import Fraction
from itertools import product

import matplotlib.pyplot as plt
import numpy as np

from lowerbound import Geometry, Isolation, Public, ScaleSchedule, StoredTokens, find_model, plan_reduction, play
from lowerbound.errors import LowerBoundError

# %% [markdown]
# ## A cache in ten lines
#
# Keys in float16, and of each value only whether it is above one half.


# %%
class OneBit(StoredTokens):
    """Every token: its key in float16, and one bit for each of its values."""

    def write(self, writer):
        writer.floats("payload", self.keys, width=16)
        writer.bits("payload", self.values > 0.5)

    def read(self, reader):
        shape = self.n_seen, self.public.d
        self.keys = reader.floats(self.n_seen * self.public.d, width=16).reshape(shape)
        self.values = reader.bits(self.n_seen * self.public.d).astype(float).reshape(shape)


# %% [markdown]
# ## A tiny world, all of it
#
# The maps $1\times1$ and $2\times2$ in $\mathbb{R}^4$: one token is cached, with four bits. We are Alice and Bob
# ourselves, for each of the 16 words: write the token, keep the bytes, start a fresh cache from them, ask.

# %%
tiny = plan_reduction(Geometry("tiny", ScaleSchedule.square([1, 2]), 4))
threshold = float(tiny.grid.thresholds[0])
states = set()
for word in product((0, 1), repeat=4):
    alice = OneBit(tiny.public())
    alice.append(tiny.keys.unit[:1], np.array([word], dtype=float), 0)
    state = alice.encode()
    states.add(bytes(state))

    bob = OneBit(tiny.public())
    bob.decode(state)
    bob.append(tiny.keys.unit[1:], np.zeros((4, 4)), 1)
    answer = bob.attend(tiny.queries[:1])
    assert ((answer[0] > threshold) == word).all()
assert len(states) == 16  # no two words may share a state
print(f"16 words, {len(states)} states of {8 * len(state)} bits each")

# %% [markdown]
# ## The game
#
# `play` does this for a whole model: here VAR-d16, with $424$ cached tokens times $64$ channels. In a notebook the
# class lives in this process; on the command line, `lowerbound play mycache:OneBit` gives Alice and Bob processes of
# their own, which share nothing but the bytes.

# %%
plan = plan_reduction(Geometry.of(find_model("var-d16")))
row = play(plan, f"{__name__}:OneBit", isolation=Isolation.NONE)
print(f"{row.state_bits:,} bits, error {row.error}, floor {row.floor_bits:,.0f} bits: {row.ratio:.1f} times the floor")
T, d = plan.shape
assert row.errors == 0
assert row.state_bits == 17 * T * d + 32 + 64  # our own formula, a count of tokens, a length
assert row.state_bits >= row.floor_bits

# %% [markdown]
# The bits can be itemised, and the compression of fp16 keys and values is measured, not claimed:

# %%
print(row.ledger)
assert sum(row.ledger.values()) == row.state_bits
assert row.measured_ratio == 32 * T * d / row.state_bits
print(f"compression {row.measured_ratio:.2f}")

# %% [markdown]
# ## A budget
#
# A nominal budget is yours to interpret. `self.budget` is the one in force. Here it is the share of tokens that stay.


# %%
class FirstTokens(StoredTokens):
    """The oldest tokens, in float16."""

    budget_meaning = "share of the cached tokens that stay"
    default_budget = Fraction(1, 2)

    def room(self):
        return min(self.n_seen, int(self.budget * self.public.schedule.n_tokens_cached))

    def write(self, writer):
        writer.floats("payload", self.keys[: self.room()], width=16)
        writer.floats("payload", self.values[: self.room()], width=16)

    def read(self, reader):
        shape = self.room(), self.public.d
        self.keys = reader.floats(shape[0] * shape[1], width=16).reshape(shape)
        self.values = reader.floats(shape[0] * shape[1], width=16).reshape(shape)


small = plan_reduction(Geometry("small", ScaleSchedule.square([1, 2, 4, 8]), 16))
shares = [Fraction(k, 21) for k in (2, 6, 10, 15, 21)]
rows = [play(small, f"{__name__}:FirstTokens", budget=share, isolation=Isolation.NONE, trials=20) for share in shares]
for share, row in zip(shares, rows, strict=True):
    assert row.state_bits >= row.floor_bits
    assert row.state_bits == int(share * 21) * 16 * 2 * 16 + 32 + 64
    assert row.error_low <= float(1 - share) / 2 <= row.error_high  # a lost token is a coin

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.semilogy([row.error for row in rows], [row.bits_per_symbol for row in rows], "v-", label="FirstTokens, measured")
ps = np.linspace(0.0005, 0.4995, 200)
curve = 1 + ps * np.log2(ps) + (1 - ps) * np.log2(1 - ps)
axes.semilogy(ps, curve, "k-", label=r"proved floor $1 - H_2(\delta)$")
axes.set_ylim(0.005, 100)
axes.set_xlabel(r"error $\delta$ of the bits that Bob reads")
axes.set_ylabel("bits of message a symbol")
_ = axes.legend(frameon=False)

# %% [markdown]
# ## What if
#
# **What if the cache cheats?** This one sends nothing, and hides the tokens in an attribute of its class, where Bob's
# copy finds them. In one process nothing stops it, except the theorem: so few bits cannot carry so much, and the game
# says so instead of printing a row.


# %%
class Cheat(StoredTokens):
    """Everything in an attribute of the class, nothing in the state."""

    hidden = None

    def write(self, writer):
        Cheat.hidden = self.keys, self.values

    def read(self, reader):
        nothing = np.zeros((2, 0, self.public.d))
        self.keys, self.values = nothing if Cheat.hidden is None else Cheat.hidden


refusal = ""
try:
    play(plan, f"{__name__}:Cheat", isolation=Isolation.NONE)
except LowerBoundError as error:
    refusal = str(error)
print(refusal)
assert "under the proved floor" in refusal

# %% [markdown]
# **What if the cache forgets too early?** The contract says: after `encode`, answer as a fresh copy would that has
# decoded the bytes. Whoever answers from what was not encoded is found out.


# %%
class Forgetful(StoredTokens):
    """Encodes nothing, and goes on answering from what it has in memory."""

    def write(self, writer):
        pass

    def read(self, reader):
        pass  # must forget here, and does not


refusal = ""
try:
    play(small, f"{__name__}:Forgetful", isolation=Isolation.NONE)
except LowerBoundError as error:
    refusal = str(error)
print(refusal)
assert "must answer after encode() as its copy does" in refusal

# %% [markdown]
# ## Exercises
#
# **1.** Keys are public in this game (`self.public.keys.unit` has one row for each token), so they need not be
# stored. Write `OneBitPublic`, which stores the values' bits alone. How many bits has its state on `small`?

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
class OneBitPublic(StoredTokens):
    """One bit for each value; keys are looked up."""

    def write(self, writer):
        writer.bits("payload", self.values > 0.5)

    def read(self, reader):
        self.keys = self.public.keys.unit[: self.n_seen]
        self.values = reader.bits(self.n_seen * self.public.d).astype(float).reshape(self.n_seen, self.public.d)


# %%
row = play(small, f"{__name__}:OneBitPublic", isolation=Isolation.NONE)
assert row.errors == 0
assert row.state_bits == 21 * 16 + 32 + 64
print(f"{row.state_bits} bits, floor {row.floor_bits:.0f}")

# %% [markdown]
# **2.** Write `MajorityOfThree`: of each three neighbouring values of a token's row (pad with zeros) it stores the
# majority in one bit, with public keys. What is its error in the long run? Compare with notebook 1.

# %% [markdown]
# ### Answer 2


# %% tags=["answer"]
class MajorityOfThree(StoredTokens):
    """One bit for three values, which are all read as it says."""

    def write(self, writer):
        rows = np.pad(self.values > 0.5, ((0, 0), (0, -self.public.d % 3)))
        writer.bits("payload", rows.reshape(len(rows), -1, 3).sum(axis=2) >= 2)

    def read(self, reader):
        width = -(-self.public.d // 3)
        said = reader.bits(self.n_seen * width).reshape(self.n_seen, width).astype(float)
        self.keys = self.public.keys.unit[: self.n_seen]
        self.values = np.repeat(said, 3, axis=1)[:, : self.public.d]


# %%
threes = plan_reduction(Geometry("threes", ScaleSchedule.square([1, 2, 4, 8]), 15))
row = play(threes, f"{__name__}:MajorityOfThree", isolation=Isolation.NONE, trials=50)
assert row.error_low <= 1 / 4 <= row.error_high
assert row.state_bits == 21 * 5 + 7 + 32 + 64  # 105 bits, filled up to whole bytes
print(f"error {row.error:.4f}, {row.bits_per_symbol:.2f} bits per symbol (a third, and what a header costs)")

# %% [markdown]
# **3.** Where does a cache of your own stand if the game has three levels of values instead of two? Predict the error
# of `OneBit` on levels $0, 1/2, 1$, then look: set `predicted`, as a fraction.

# %% [markdown]
# ### Answer 3

# %% tags=["answer"]
predicted = Fraction(1, 3)  # the level 1/2 is read back as 0; 0 and 1 are right

# %%
middle = plan_reduction(small.geometry, n_levels=3, guarantee="additive")
row = play(middle, f"{__name__}:OneBit", isolation=Isolation.NONE, trials=20)
print(f"error {row.error:.4f}")
assert row.error_low <= predicted <= row.error_high

# %% [markdown]
# `Public` says what a cache may know in advance: the maps, $d$, the rule of logits, public coins, a budget, and in
# this game the keys and the levels. Nothing else is known before the tokens come.

# %%
print(*Public.__dataclass_fields__)
