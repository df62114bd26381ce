"""Models that generate one token at a time: what their layers cache, and the heads that a lower bound speaks of.

A decoder's cache holds keys and values of the T tokens before the next one, for each key-value head of each layer: the
schedule of the theorem with a last map of one token. Three things change what is cached. Query heads may share a
key-value head, which counts once. A layer with a sliding window of W tokens keeps W - 1 of them. Multi-head latent
attention keeps one vector of rank r and a rotary key for all heads of a layer; keys and values of a head are public
linear maps of the vector.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any

from lowerbound.core.formats import FP16_BITS
from lowerbound.core.geometry import Geometry, stated_cap
from lowerbound.core.rules import RuleName
from lowerbound.core.scalars import Rational, counted, plainly
from lowerbound.core.schedule import ScaleSchedule
from lowerbound.errors import InvalidArgument, invalid

PAGE = 1024
"""Tokens that are appended at once, as a prefill does; the last map has the tokens that are generated."""
PAGES_AT_MOST = 16
"""Longer contexts have longer pages: with pages of PAGE tokens, time and memory would grow with the square of T."""
DEFAULT_CONTEXT = 8192
MOST_LAYERS = 10**4
MOST_HEADS = 10**4
MOST_TOKENS = 10**8


def paged(n_cached: int, n_own: int = 1) -> ScaleSchedule:
    """The schedule of T cached tokens, in pages, and a last map of `n_own` tokens.

    Contract: pages have PAGE tokens, or the least multiple of PAGE with which there are at most PAGES_AT_MOST; counts
    outside [1, MOST_TOKENS] raise InvalidArgument.
    """
    for name, count in (("tokens", n_cached), ("own tokens", n_own)):
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_TOKENS:
            raise invalid(name, f"be an integer in [1, {MOST_TOKENS}]", count, nearest=min(max(1, count), MOST_TOKENS))
    page = PAGE * -(-n_cached // (PAGE * PAGES_AT_MOST))
    pages = [(1, page)] * (n_cached // page) + ([(1, n_cached % page)] if n_cached % page else [])
    return ScaleSchedule((*pages, (1, n_own)))


def own_name(d: int) -> str:
    """What a head is called that belongs to no model of a catalog."""
    return f"own head in R^{d}"


def called(name: str, n_cached: int) -> str:
    """What a head is called, with the tokens that it caches."""
    return f"{name} at {n_cached:,}"


@dataclass(frozen=True)
class Share:
    """Layers that cache alike: how many, how many of their heads count, and what one layer stores.

    Contract: the keys and values of `heads` heads of each layer can be chosen freely and independently.

    Parameters
    ----------
    what : str
        How the layers attend, in a few words.
    geometry : Geometry
        One head, with the tokens that these layers cache.
    layer_bits : int
        The fp16 bits that one layer caches, all its heads together.
    """

    what: str
    layers: int
    heads: int
    geometry: Geometry
    layer_bits: int

    @property
    def streams(self) -> int:
        """How many times the lower bound of one head counts in these layers."""
        return self.layers * self.heads

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "what": self.what,
            "layers": self.layers,
            "heads": self.heads,
            "n_tokens_cached": self.geometry.n_tokens_cached,
            "d": self.geometry.d,
            "cache_bits": self.layer_bits * self.layers,
        }


@dataclass(frozen=True)
class LanguageModel:
    """The shape of a decoder, without a context length.

    Contract: kv_heads divides heads; every count is positive and at most its limit; latent attention has both a rank
    and a rotary dimension, or neither. Anything else raises InvalidArgument.

    Parameters
    ----------
    global_layers : int or None
        The layers that attend to all tokens, where the others have a sliding window; None means all of them.
    latent_rank, latent_rope : int or None
        The rank of the latent vector and the dimension of the shared rotary key, in multi-head latent attention.
    vocabulary : int or None
        The number of token ids, where it is known.
    logit_cap : Fraction or None
        The largest |logit| between unit vectors, where it is stated.
    family : str
        The models that it was released with, as the catalog groups them; empty where it is no row of the catalog.
    catalogued : bool
        Whether the decoder is a row of the catalog; heads of others are called by their size.
    """

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    window: int | None = None
    global_layers: int | None = None
    latent_rank: int | None = None
    latent_rope: int | None = None
    vocabulary: int | None = None
    longest: int | None = None
    branches: int = 1
    rule: RuleName = "1/sqrt(d)"
    logit_cap: Fraction | None = None
    source: str = ""
    family: str = ""
    catalogued: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        limits = {"layers": MOST_LAYERS, "heads": MOST_HEADS, "kv_heads": MOST_HEADS, "head_dim": MOST_HEADS}
        for name, most in {**limits, "branches": MOST_HEADS}.items():
            _counted(name, getattr(self, name), most)
        for name in ("window", "latent_rank", "latent_rope", "vocabulary", "longest"):
            if getattr(self, name) is not None:
                _counted(name, getattr(self, name), MOST_TOKENS)
        if self.heads % self.kv_heads:
            nearest = max(n for n in range(1, self.kv_heads + 1) if self.heads % n == 0)
            raise invalid("kv_heads", f"divide the {counted(self.heads, 'head')}", self.kv_heads, nearest=nearest)
        if self.global_layers is not None and not 0 <= self.global_layers <= self.layers:
            raise invalid("global_layers", f"lie in [0, {self.layers}]", self.global_layers)
        if (self.latent_rank is None) != (self.latent_rope is None):
            raise InvalidArgument("latent attention must have a rank and a rotary dimension, got one of them")

    def to_json(self) -> dict[str, Any]:
        """The fields that are not as they are by default, as plain JSON values; `from_json` is the inverse."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        return {name: str(value) if isinstance(value, Fraction) else value for name, value in said.items()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LanguageModel:
        """The decoder that `to_json` described."""
        cap = {"logit_cap": Fraction(data["logit_cap"])} if "logit_cap" in data else {}
        return cls(**{**data, "notes": tuple(data.get("notes", ())), **cap})

    @property
    def n_global(self) -> int:
        """The layers that attend to all tokens."""
        if self.window is None:
            return self.layers
        return 0 if self.global_layers is None else self.global_layers

    @property
    def free_heads(self) -> int:
        """The heads of one layer whose keys and values can be chosen freely at once.

        Key-value heads are free. With latent attention of rank r, a head's key and value together are a linear map of
        the latent vector onto 2 d numbers; for maps in general position r // 2 d heads are free at once.
        """
        if self.latent_rank is None:
            return self.kv_heads
        return min(self.heads, self.latent_rank // (2 * self.head_dim))

    def layer_bits(self, n_tokens: int) -> int:
        """The fp16 bits that one layer caches for so many tokens."""
        if self.latent_rank is None or self.latent_rope is None:
            return 2 * self.kv_heads * self.head_dim * n_tokens * FP16_BITS
        return (self.latent_rank + self.latent_rope) * n_tokens * FP16_BITS

    def at(self, context: int | None = None, own: int = 1) -> Placed:
        """The decoder with `context` cached tokens before the next `own`; None takes 8192, or its longest if shorter.

        Contract: a latent rank below 2 d leaves no head free, and raises InvalidArgument.
        """
        tokens = context if context is not None else min(DEFAULT_CONTEXT, self.longest or DEFAULT_CONTEXT)
        paged(tokens, own)
        if not self.free_heads:
            raise invalid(
                "latent_rank", f"be at least 2 d = {2 * self.head_dim}, so that a head is free", self.latent_rank
            )
        shares = []
        kinds = [("all tokens", self.n_global, tokens)]
        if self.window is not None:
            seen = max(1, min(tokens, self.window - 1))
            kinds.append((f"a window of {self.window:,}", self.layers - self.n_global, seen))
        for what, layers, count in kinds:
            if layers:
                head = Geometry(
                    called(self.name if self.catalogued else own_name(self.head_dim), count),
                    paged(count, own),
                    self.head_dim,
                    self.rule,
                    self.vocabulary,
                    logit_cap=self.logit_cap,
                )
                shares.append(Share(what, layers, self.free_heads, head, self.layer_bits(count)))
        return Placed(self, tokens, own, tuple(shares))


OWN_RULES: dict[str, RuleName] = {"l2norm": "l2norm", "scaled": "1/sqrt(d)"}
"""The words by which a head of one's own is given its rule."""


def own_decoder(
    d: int,
    *,
    heads: int | None = None,
    kv_heads: int | None = None,
    layers: int | None = None,
    branches: int | None = None,
    rule: str | None = None,
) -> LanguageModel:
    """A decoder of nobody's model, whose rule is one of OWN_RULES, l2norm if none is given; a count not given is 1.

    Heads are as many as key-value heads where they are not given, and vice versa.
    """
    query_heads = heads or kv_heads or 1
    return LanguageModel(
        name=own_name(d),
        layers=layers or 1,
        heads=query_heads,
        kv_heads=kv_heads or query_heads,
        head_dim=d,
        branches=branches or 1,
        rule=OWN_RULES[rule or "l2norm"],
        source="typed",
    )


def _counted(name: str, value: object, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise invalid(name, f"be an integer in [1, {most}]", value)


@dataclass(frozen=True)
class Placed:
    """A decoder at a context length; its geometry is that of the heads with the most tokens."""

    decoder: LanguageModel
    context: int
    own: int
    shares: tuple[Share, ...]

    @property
    def name(self) -> str:
        """What tables call it."""
        return f"{self.decoder.name} at {counted(self.context, 'token')}"

    def capped(self, cap: Rational) -> Placed:
        """The same with a stated cap on |logit|; errors as `stated_cap`."""
        decoder = replace(self.decoder, logit_cap=stated_cap(cap, self.decoder.rule))
        return decoder.at(self.context, self.own)

    @property
    def geometry(self) -> Geometry:
        """The head with the most cached tokens."""
        return self.shares[0].geometry

    @property
    def n_streams(self) -> int:
        """How many free heads there are, in all layers and branches."""
        return self.decoder.branches * sum(share.streams for share in self.shares)

    @property
    def cache_bits(self) -> int:
        """The fp16 bits of the whole cache."""
        return self.decoder.branches * sum(share.layers * share.layer_bits for share in self.shares)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        decoder = self.decoder
        return {
            "name": decoder.name,
            "context": self.context,
            "n_layers": decoder.layers,
            "n_heads": decoder.heads,
            "n_kv_heads": decoder.kv_heads,
            "head_dim": decoder.head_dim,
            "window": decoder.window,
            "global_layers": decoder.n_global,
            "latent_rank": decoder.latent_rank,
            "latent_rope": decoder.latent_rope,
            "vocabulary": decoder.vocabulary,
            "longest": decoder.longest,
            "cache_bytes": self.cache_bits // 8,
            "streams": self.n_streams,
            "shares": [share.to_json() for share in self.shares],
            "notes": self.notes,
            "source": decoder.source,
        }

    @property
    def notes(self) -> list[str]:
        """What a reader has to know of the counts."""
        decoder, found = self.decoder, list(self.decoder.notes)
        if decoder.heads > decoder.kv_heads and decoder.latent_rank is None:
            shared = decoder.heads // decoder.kv_heads
            found.append(f"{shared} query heads share one key-value head, which counts once")
        if decoder.latent_rank is not None:
            free = decoder.free_heads
            told = "one head of a layer is free, and it is"
            if free > 1:
                told = f"{free} heads of a layer are free at once, and these are"
            found.append(
                f"latent attention: the cache is a vector of rank {decoder.latent_rank} and a rotary key of "
                f"{decoder.latent_rope}; for up-projections in general position the keys and values of {told} counted"
            )
        if decoder.longest is not None and self.context > decoder.longest:
            found.append(
                f"{self.context:,} tokens are more than the {decoder.longest:,} positions of the configuration"
            )
        if decoder.rule != "l2norm":
            found.append(
                "the rule has no cap of its own: the floor holds where "
                f"|logit| <= {plainly(self.geometry.largest_logit)} is allowed, and says nothing of weights that keep "
                "logits smaller; --cap states another"
            )
        return found


def from_row(row: Mapping[str, str]) -> LanguageModel:
    """A decoder of language_models.csv."""

    def number(name: str) -> int | None:
        return int(row[name]) if row.get(name) else None

    notes = [said for name, said in _ROW_NOTES.items() if row.get(name) not in ("", None, "0")]
    return LanguageModel(
        name=row["name"],
        layers=int(row["layers"]),
        heads=int(row["heads"]),
        kv_heads=int(row["kv_heads"]),
        head_dim=int(row["head_dim"]),
        window=number("sliding_window"),
        global_layers=number("global_layers"),
        latent_rank=number("kv_lora_rank"),
        latent_rope=number("qk_rope_head_dim"),
        vocabulary=number("vocab_size"),
        longest=number("max_positions"),
        source=row["source"],
        family=row["family"],
        catalogued=True,
        notes=tuple(notes),
    )


_ROW_NOTES = {
    "logit_softcap": "a soft cap bends the logits, of which no floor is proved: the numbers are those without it",
    "sinks": "a learned sink takes part of each softmax: a query's own logit has to outweigh it too",
    "qk_norm": "queries and keys are normalized and then multiplied by learned scales",
}
