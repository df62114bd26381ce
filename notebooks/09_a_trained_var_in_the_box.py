# %% [markdown]
# # 9. A trained VAR in the box
#
# A small network that was trained on handwritten digits comes with the package: here we draw with it, look at its
# keys, put caches under it, and read secret ids back from its answers. The other notebooks have keys that were chosen
# to be hard. This one asks how far a network that has learned something is from them, and in which direction.
#
# **Definitions.** A *VAR* draws an image map by map, here of side 1, 2, 3, 4, 5 and 7. Each cell of a map is a token
# with an *id*, the number of one of 64 codes; what the ids of all maps add up to is $\hat f$, and a decoder turns it
# into pixels. The *cache* holds keys and values of the $T = 55$ tokens before the last map. A head asks with queries
# of length $\lambda$, its *multiplier*, for keys of length 1. The *coherence* $\mu$ of keys is the largest inner
# product of two. The *own weight* of a token is the weight that a query along its own key, at $\lambda$, gives to it,
#
# $$w_i = \frac{e^{\lambda}}{\sum_j e^{\lambda \langle k_i, k_j\rangle}},$$
#
# where the sum runs over all tokens of the head, those of the last map included. A token is *addressable* if $w_i >
# \frac12$: then 0 and 1 in its value can be told apart whatever the other values are.

# %%
from fractions import Fraction
from math import log, log2

import matplotlib.pyplot as plt
import numpy as np
from threadpoolctl import threadpool_limits

from lowerbound import Isolation, find_model, floor
from lowerbound.certify.certified import certified
from lowerbound.core.keys.recorded import own_weights
from lowerbound.var import load
from lowerbound.var.replay.natural_ids import IdReader, Listening
from lowerbound.var.simulator.drawn import Studio
from lowerbound.var.simulator.pipeline import FullCache, generate
from lowerbound.var.simulator.sampling import probabilities
from lowerbound.var.simulator.weights import built_in

threadpool_limits(limits=1, user_api="blas")  # small products run slower on several threads than on one

network = load(built_in())
model, T = network.model, network.schedule.n_tokens_cached
print(f"maps {model.schedule}: {model.n_tokens} tokens, of which {T} are cached")
print(
    f"{model.n_layers} layers of {model.n_heads} heads in R^{model.head_dim}, {model.cfg_branches} branches of guidance"
)
print(f"{model.n_streams} streams of keys and values, {model.cache_bytes:,} bytes in fp16")
assert T == 1 + 4 + 9 + 16 + 25 == 55
assert model.n_streams == 4 * 2 * 2 == 16

# %% [markdown]
# ## It draws
#
# One digit of each class, with all keys and values kept. `Studio` remembers these runs, so that caches can be
# compared with them under the same random numbers.

# %%
ten = Studio(network, classes=range(10), pictures=10)
assert ten.pictures.shape == (10, 1, 28, 28)
figure, places = plt.subplots(1, 10, figsize=(7, 0.9), layout="constrained")
for place, picture in zip(places, ten.pictures, strict=True):
    place.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
    place.set_axis_off()
assert all(0.02 < picture.mean() < 0.5 for picture in ten.pictures)  # neither blank nor black

# %% [markdown]
# ## The keys of a head
#
# Run one digit once more, with a memory that we can look into. Its keys are unit rows, as the theorem wants them, and
# not at all orthogonal. Here are all eight heads of the branch that knows the class.

# %%
memory = FullCache()
ten.run(3, memory)
multipliers = {
    (layer, head): float(lam)
    for layer, block in enumerate(network.blocks)
    for head, lam in enumerate(np.exp(block.log_multipliers))
}
keys = {}
for layer, head in multipliers:
    rows = memory.keys[layer][0, head].astype(float)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    assert np.allclose(lengths, 1, atol=1e-5)
    keys[layer, head] = rows / lengths  # the network computes in float32


def addressable(rows, lam):
    logits = lam * rows[:T] @ rows.T
    weights = np.exp(logits - lam)  # lam is the largest logit, that of the own key
    own = 1 / weights.sum(axis=1)
    assert np.allclose(own, own_weights(rows, T, lam))  # as the library computes them
    return np.mean(own > 1 / 2)


for place, rows in keys.items():
    cosines = rows[:T] @ rows.T
    mu = max(cosines[i, j] for i in range(T) for j in range(len(rows)) if i != j)
    lam = multipliers[place]
    print(
        f"layer {place[0]}, head {place[1]}: lambda {lam:.2f}, mu {mu:.3f}, addressable {addressable(rows, lam):4.0%}"
    )
    assert 6 < lam < 9
    assert 0.8 < mu < 1

# %% [markdown]
# Training raised each $\lambda$ from 4 to between 6.5 and 9.0; the cap of VAR is 100. So how many tokens a head can
# address is a question about *its* $\lambda$ more than about its keys. At 20 all of them can be addressed, by the very
# keys that the network has learned.

# %%
sweep = np.geomspace(2, 100, 50)
figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
for number, (place, rows) in enumerate(keys.items()):
    colour = f"C{number}"
    axes.plot(sweep, [addressable(rows, lam) for lam in sweep], color=colour, linewidth=1)
    own = multipliers[place]
    axes.plot(
        [own], [addressable(rows, own)], "o", color=colour, markersize=5, label=f"layer {place[0]}, head {place[1]}"
    )
axes.set_xscale("log")
axes.set_xticks([2, 5, 10, 20, 50, 100], ["2", "5", "10", "20", "50", "100"])
axes.set_xlabel(r"multiplier $\lambda$; the head's own is marked")
axes.set_ylabel("addressable share of tokens")
figure.legend(loc="outside right center", frameon=False, fontsize=8)
assert all(addressable(rows, 2) == 0 for rows in keys.values())
assert all(addressable(rows, 100) == 1 for rows in keys.values())

# %% [markdown]
# ## A cache under the network
#
# Any cache of the toolkit can hold the keys and values, all layers, heads and branches; from map to map only its bytes
# survive. Two digits, and what each cache does to them. The *error* is the largest of any answer to a query of the
# full run, in units of the range of the head's values.

# %%
studio = Studio(network, classes=[3, 8], pictures=2)
budgets = {"kivi": "1/8", "uniform": "1/8", "h2o": "1/4", "window": "1/2"}
found = {
    name: studio.measured(name, budget=Fraction(budget), isolation=Isolation.NONE) for name, budget in budgets.items()
}
print(f"{'':12} {'bytes':>7} {'error':>6}   same ids: forced, free   picture off by: forced, free")
for name, row in found.items():
    ids = f"{row.forced_agreement:.0%}, {row.agreement:.0%}"
    off = f"{row.forced_image_error:.4f}, {row.image_error:.4f}"
    print(f"{name + '@' + row.budget:12} {row.state_bytes:7,} {row.trace_error_worst:6.2f} {ids:>24} {off:>30}")
    assert row.state_bytes < model.cache_bytes
    assert row.trace_error_worst > 0.01

# %% [markdown]
# **Forced against free.** In a *free* run the network goes on with the ids that it drew under the cache. One wrong id
# of a small map changes the input of every larger map, and the run drifts away from the full one. In a *forced* run
# each map is given the ids of the full run, so what is lost is what its own answers lost. `uniform` rounds all that it
# keeps, and errs a little everywhere: forced, most of its ids are right; free, most are not. `h2o` drops three
# quarters of the tokens, errs more in an answer, and its free picture is the better one.

# %%
assert found["uniform"].forced_agreement > 0.65 > found["uniform"].agreement
assert found["uniform"].trace_error_worst < found["h2o"].trace_error_worst
assert found["uniform"].agreement < found["h2o"].agreement
assert found["kivi"].forced_agreement > 0.85
assert max(found, key=lambda name: found[name].image_error) == "uniform"
assert max(found, key=lambda name: found[name].trace_error_worst) == "window"

# %% [markdown]
# ## What if the cache knows nothing?
#
# `random` keeps no bit of keys and values (its 128 bytes are the lengths of empty states), and answers with public
# coins. What it draws still resembles the class that was asked for, since the class enters every layer beside the
# cache. So whether a digit can be named says little of the cache.

# %%
drawn = {"full cache": studio.pictures}
for name in ("kivi", "uniform", "h2o", "random"):
    budget = Fraction(budgets[name]) if name in budgets else None
    drawn[name] = studio.drawn(name, budget=budget, isolation=Isolation.NONE).pictures
figure, grid = plt.subplots(2, len(drawn), figsize=(6, 2.7), layout="constrained")
for column, (name, pictures) in zip(grid.T, drawn.items(), strict=True):
    column[0].set_title(name, fontsize=9)
    for place, picture in zip(column, pictures, strict=True):
        place.imshow(picture[0], cmap="gray_r", vmin=0, vmax=1)
        place.set_axis_off()
away = {name: float(((pictures - studio.pictures) ** 2).mean()) for name, pictures in drawn.items()}
assert 0 == away["full cache"] < away["kivi"] < away["random"]

# %% [markdown]
# ## Read an id back from answers
#
# Somebody knows the weights, the class, and all ids but one. He hears the answers of the last map, and nothing else.
# Which id was it? There are 64 candidates, so he computes the answers of each in the exact network, all 64, and takes
# the nearest. For the single id of the first map:

# %%
whole = studio.whole[0]
reader = IdReader(network, whole.ids, 3)
first = reader.secrets[0]
answers = reader.candidates(first)  # (64, layers, heads, tokens of the last map, d)
drawn_id = int(whole.ids[0][0, 0])
distances = np.sqrt(((answers - answers[drawn_id]) ** 2).sum(axis=(1, 2, 3, 4)))
assert answers.shape == (64, 4, 2, 49, 32)
assert distances[drawn_id] == 0
assert np.delete(distances, drawn_id).min() > 1  # no other id answers nearly alike
print(f"id {drawn_id}: the nearest of the 63 others is {np.delete(distances, drawn_id).min():.1f} away")

# %% [markdown]
# Now the answers come from a cache. Here are the five ids of the first two maps, each with all others known.


# %%
def heard_under(name, budget):
    with studio.plugged(name, Isolation.NONE) as plug:
        heard = Listening(studio.memory(plug, budget), model.n_layers, model.schedule.n_scales - 1)
        studio.run(0, heard, forced=True)
    return heard.answers


right = {}
for name, budget in {"full": None, **budgets}.items():
    heard = heard_under(name, None if budget is None else Fraction(budget))
    right[name] = [
        reader.read(place, heard) == int(whole.ids[place.scale][place.token, 0]) for place in reader.secrets[:5]
    ]
    print(f"{name:8} {sum(right[name])} of 5 ids are read:", *("yes" if is_right else "-" for is_right in right[name]))
assert all(right["full"])
assert all(right["uniform"])
assert sum(right["h2o"]) < 3
assert 0 < sum(right["window"]) < 5  # by chance, one in 64

# %% [markdown]
# Two surprises. `uniform` draws the worst pictures of the four, and has lost none of these ids; `h2o` draws better
# ones and has lost most. A picture is no proof that ids are kept, and ids are no proof of a picture.
#
# And the window keeps the newest 27 of 55 tokens: all of map 5, two tokens of map 4, *no row* of the maps whose ids
# are read here. Some are read all the same, because the rows of map 5 were computed from them. This is model R2 at
# work: in a network, keys and values are functions of few ids. (A reader that misreads proves nothing: a better one,
# which knows how the cache forgets, may read more.)
#
# ## What the floor of model R1 says
#
# **The theorem** for this geometry (E1, machine-checked): keys are any unit rows, values are anything in $[0, 1]$,
# every query with $|{\rm logit}| \le 100$ may be asked, and no answer may ever be off by more than 0.01. A cache that
# promises this needs, over all 16 streams:

# %%
eta = Fraction(1, 100)
e1 = certified(model, eta=eta, delta=0, theorem="E1")
forced_bytes = e1.bits * model.n_streams / 8
print(
    f"{e1.bits:,} bits per stream, {forced_bytes:,.0f} bytes "
    f"({forced_bytes / model.cache_bytes:.0%} of fp16), {e1.proof}"
)
assert e1.proof == "machine-checked"
assert found["uniform"].state_bytes < found["h2o"].state_bytes * 1.1 < forced_bytes
assert found["window"].state_bytes > forced_bytes

# %% [markdown]
# * **It says** that `uniform@1/8` and `h2o@1/4`, which have fewer bytes, are off by more than 0.01 on *some* keys,
#   values and query, whatever they do on digits.
# * **It does not say** that a cache with fewer bytes must be bad on these digits, nor that one with more is good:
#   `window@1/2` has more bytes than are forced, and the largest error of all.
# * **It does not speak of this network's queries**, whose logits stay below 9. If only those may be asked, far less is
#   forced:

# %%
gentle = floor(model, eta=eta, cap=9).checked
gentle_bytes = gentle.bits * model.n_streams / 8
print(f"|logit| <= 9: {gentle_bytes:,.0f} bytes are forced (Theorem {gentle.theorem.name}, {gentle.proof})")
assert max(multipliers.values()) < 9
assert gentle_bytes < forced_bytes / 5

# %% [markdown]
# Neither number is what these digits need. A floor is about the worst keys and values, and a digit is not the worst:
# less may do. A measurement on ten pictures does not settle it either: the eleventh may need more.
#
# ## 180 bits: model R2
#
# Whoever knows the weights may keep ids in place of keys and values. The cached tokens of map $k$ are made from the ids
# of the maps before it; so the ids of the first four maps are enough, 30 ids of 6 bits. Write them as bytes, forget
# everything else, and run the network again.

# %%
secret = np.concatenate([part.ravel() for part in whole.ids[:4]])
message = np.packbits((secret[:, None] >> np.arange(6)) & 1).tobytes()
print(f"{secret.size} ids, {6 * secret.size} bits, {len(message)} bytes")
assert 6 * secret.size == model.replay_bits == 180

bits = np.unpackbits(np.frombuffer(message, np.uint8))[:180].reshape(30, 6)
known = np.split((bits << np.arange(6)).sum(axis=1), [1, 5, 14])
unknown = [np.zeros((side * side, 1), dtype=np.int64) for side in (5, 7)]  # they enter no cached key
again, full = FullCache(), FullCache()
generate(network, again, condition=3, given=[*(part[:, None] for part in known), *unknown])
studio.run(0, full)
for layer in range(model.n_layers):
    assert np.array_equal(again.keys[layer][:, :, :T], full.keys[layer][:, :, :T])
    assert np.array_equal(again.values[layer][:, :, :T], full.values[layer][:, :, :T])

# %% [markdown]
# All keys and values of 16 streams, to the last bit, from 23 bytes. The other 112,617 bytes of an fp16 cache save time.
# This is no contradiction: in model R1 keys and values can be anything, and these are functions of 180 bits. The price
# is that answers run the network again.
#
# Can it be fewer? A cache that answers so well that *all* 30 ids can be read from its answers needs 180 bits if every
# choice of ids may occur. Above we read ids one at a time, with all others known; that is evidence and no proof.
# The page docs/digits.md has all caches, and all 30 ids of a picture.
#
# ## Exercises
#
# **1.** Write `fp16_bytes(sides, layers, heads, d)`: the bytes of fp16 keys and values before the last map, with two
# branches of guidance.

# %% [markdown]
# ### Answer 1


# %% tags=["answer"]
def fp16_bytes(sides, layers, heads, d):
    tokens = sum(side * side for side in sides[:-1])
    return 2 * 2 * 2 * tokens * layers * heads * d  # branches, keys and values, bytes a number


# %%
assert fp16_bytes([1, 2, 3, 4, 5, 7], 4, 2, 32) == model.cache_bytes == 112_640
assert fp16_bytes([1, 2, 3, 4, 5, 6, 8, 10, 13, 16], 16, 16, 64) == find_model("var-d16").cache_bytes

# %% [markdown]
# **2.** Of $n$ unit keys of coherence $\mu$, from which multiplier on is *every* token certainly addressable? Write
# `surely_addressable(n, mu)`. How much of it is caution: do the keys of this network need so much?

# %% [markdown]
# ### Answer 2


# %% tags=["answer"]
def surely_addressable(n, mu):
    return log(n - 1) / (1 - mu)  # (n - 1) others of weight e^(-lambda (1 - mu)) at most: less than 1 above this


# %%
one = np.concatenate([[[1.0, 0.0]], np.tile([[0.6, 0.8]], (9, 1))])  # 9 others, all at the inner product 0.6
for lam, is_addressable in ((surely_addressable(10, 0.6) + 0.01, True), (surely_addressable(10, 0.6) - 0.01, False)):
    assert (own_weights(one, 1, lam)[0] > 1 / 2) == is_addressable  # here the bound is exact
for rows in keys.values():
    mu = (rows[:T] @ rows.T - 2 * np.eye(T, len(rows))).max()
    assert surely_addressable(len(rows), mu) > 20  # more caution than need: at 20 all were addressable
    assert addressable(rows, 20) == 1

# %% [markdown]
# **3.** The network does not draw all ids alike. An ideal code gives an id of probability $p$ a word of $-\log_2 p$
# bits. Write `ideal_bits(chosen)`, the length for ids that had the probabilities `chosen` when they were drawn.

# %% [markdown]
# ### Answer 3


# %% tags=["answer"]
def ideal_bits(chosen):
    return sum(-log2(p) for p in chosen)


# %%
assert ideal_bits([1 / 64] * 30) == 180
assert ideal_bits([1.0, 0.5, 0.25]) == 3
lengths = []
for run in ten.whole:
    parts = [
        np.take_along_axis(probabilities(logits.astype(float)), ids[..., None], axis=-1).ravel()
        for ids, logits in zip(run.ids[:4], run.logits[:4], strict=True)
    ]
    lengths.append(ideal_bits(np.concatenate(parts)))
print("bits of the ids of ten digits in an ideal code:", *(round(length) for length in lengths))
assert 20 < np.mean(lengths) < 100 < 180
