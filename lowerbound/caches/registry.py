"""Where caches are found: the explicit tables below, entry points of other packages, or package.module:Class.

The tables are in reading order and hold strings, not classes. So listing the names imports no cache (and no NumPy or
torch), and the order does not depend on which module happened to be imported first. A class is imported when it is
first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from lowerbound.core.kinds import PREFIX, is_program, is_wrapped
from lowerbound.errors import InvalidArgument, unknown

if TYPE_CHECKING:
    from lowerbound.ceiling.code import Achieved
    from lowerbound.core.cache import Memory
    from lowerbound.core.geometry import HasGeometry
    from lowerbound.core.scalars import Rational
    from lowerbound.game.duel import Row
    from lowerbound.game.hard_family import HardFamily

CACHES: dict[str, str] = {
    "full": "lowerbound.caches.controls.full:Full64",
    "full-fp32": "lowerbound.caches.controls.full:Full32",
    "full-fp16": "lowerbound.caches.controls.full:Full16",
    "random": "lowerbound.caches.controls.silent:Silent",
    "window": "lowerbound.caches.eviction.window:TokenWindow",
    "window-scales": "lowerbound.caches.eviction.window:ScaleWindow",
    "uniform": "lowerbound.caches.quantised.uniform:UniformQuantiser",
    "h2o": "lowerbound.caches.eviction.h2o:H2O",
    "streaming": "lowerbound.caches.eviction.streaming:StreamingLLM",
    "snapkv": "lowerbound.caches.eviction.snapkv:SnapKV",
    "tova": "lowerbound.caches.eviction.tova:TOVA",
    "fastvar": "lowerbound.caches.eviction.pivotal:PivotalTokens",
    "window-sum": "lowerbound.caches.merged.window_sum:WindowSum",
    "subgen": "lowerbound.caches.merged.subgen:SubGen",
    "subgen-centres": "lowerbound.caches.eviction.k_centre:SubGenKCenter",
    "balancekv": "lowerbound.caches.merged.balancekv:BalanceKV",
    "diffrate": "lowerbound.caches.merged.diffrate:DiffRate",
    "loma": "lowerbound.caches.merged.loma:LoMA",
    "loma-best": "lowerbound.caches.merged.loma:LoMABest",
    "topology": "lowerbound.caches.merged.topology:TopologyMemory",
    "prefixkv": "lowerbound.caches.layers.prefixkv:PrefixKV",
    "pyramidkv": "lowerbound.caches.layers.pyramidkv:PyramidKV",
    "scalekv": "lowerbound.caches.layers.scalekv:ScaleKVPaper",
    "scalekv-code": "lowerbound.caches.layers.scalekv:ScaleKVCode",
    "hack": "lowerbound.caches.layers.hack:HACK",
    "ams-kv": "lowerbound.caches.layers.ams_kv:AMSKV",
    "kivi": "lowerbound.caches.quantised.kivi:KIVI",
    "turboquant": "lowerbound.caches.quantised.turboquant:TurboQuantMSE",
    "turboquant-prod": "lowerbound.caches.quantised.turboquant_prod:TurboQuantProd",
    "qjl": "lowerbound.caches.quantised.qjl:QJL",
    "qjl-gaussian": "lowerbound.caches.quantised.qjl:QJLGaussian",
    "gear": "lowerbound.caches.low_rank.gear:GEAR",
    "gear-l": "lowerbound.caches.low_rank.gear:GEARL",
    "gear-kcvt": "lowerbound.caches.low_rank.gear:GEARKCVT",
    "step-codec": "lowerbound.caches.quantised.step_codec:StepCodec",
    "lorc": "lowerbound.caches.low_rank.lorc:LoRCPublic",
    "lorc-oracle": "lowerbound.caches.low_rank.lorc:LoRCOracle",
    "sparse-ae": "lowerbound.caches.low_rank.sparse_ae:SparseAEBilevel",
    "sparse-ae-euclidean": "lowerbound.caches.low_rank.sparse_ae:SparseAEEuclidean",
    "abc-mlp": "lowerbound.caches.recurrent.abc:ABCMlp",
    "abc-mlp-separate": "lowerbound.caches.recurrent.abc:ABCMlpSeparate",
    "abc-linformer": "lowerbound.caches.recurrent.abc:ABCLinformer",
    "abc-cluster": "lowerbound.caches.recurrent.abc:ABCCluster",
    "abc-random": "lowerbound.caches.recurrent.abc:ABCRandom",
    "abc-compressive": "lowerbound.caches.recurrent.abc:ABCCompressive",
    "abc-window": "lowerbound.caches.recurrent.abc:ABCWindow",
    "less-random": "lowerbound.caches.recurrent.less:LESSRandom",
    "less-features": "lowerbound.caches.recurrent.less_features:LESSFeatures",
    "less-fitted": "lowerbound.caches.recurrent.less:LESSFitted",
    "guaranteed-z": "lowerbound.caches.guaranteed.guaranteed:GuaranteedZ",
    "guaranteed-e8": "lowerbound.caches.guaranteed.guaranteed:GuaranteedE8",
    "guaranteed-a": "lowerbound.caches.guaranteed.guaranteed:GuaranteedA",
    "guaranteed-dithered": "lowerbound.caches.guaranteed.dithered:GuaranteedDithered",
    "sampled": "lowerbound.caches.guaranteed.sampled:SampledTokens",
    "covered": "lowerbound.caches.guaranteed.covered:CoveredKeys",
    "exact": "lowerbound.caches.coded.exact:ExactSymbols",
    "majority": "lowerbound.caches.coded.covering:Majority",
    "hamming": "lowerbound.caches.coded.covering:Hamming",
    "golay": "lowerbound.caches.coded.covering:Golay",
    "window-bits": "lowerbound.caches.coded.window_bits:WindowBits",
    "scale-bits": "lowerbound.caches.coded.window_bits:ScaleBits",
    "sparse-rows": "lowerbound.caches.coded.sparse_rows:SparseRows",
    "sparse-coefficients": "lowerbound.caches.coded.sparse_rows:SparseCoefficients",
    "row-space": "lowerbound.caches.coded.row_space:RowSpace",
    "live-columns": "lowerbound.caches.coded.live_columns:LiveColumns",
    "block-rows": "lowerbound.caches.coded.block_rows:BlockRows",
    "shared-keys": "lowerbound.caches.coded.shared_keys:SharedKeys",
    "pyramid-detail": "lowerbound.caches.coded.pyramid_detail:PyramidDetail",
    "recompute": "lowerbound.caches.controls.recompute:Recompute",
}


@dataclass(frozen=True)
class Adapters:
    """The adapters to one third-party library: what must be installed, and the classes of each adapter module."""

    needs: tuple[str, ...]
    modules: Mapping[str, tuple[str, ...]]

    @property
    def classes(self) -> dict[str, str]:
        """Maps each class name, in reading order, to its "package.module:Class"."""
        return {
            name: f"lowerbound.caches.thirdparty.{module}:{name}"
            for module, names in self.modules.items()
            for name in names
        }


ADAPTERS = {
    "kvpress": Adapters(
        needs=("torch", "kvpress"),
        modules={
            "kvpress.key_scores": (
                "KnormPress",
                "RandomPress",
                "StreamingLLMPress",
                "KeyRerotationPress",
                "KeyDiffPress",
                "LagKVPress",
                "CURPress",
                "LeverageScorePress",
            ),
            "kvpress.query_scores": (
                "SnapKVPress",
                "FinchPress",
                "TOVAPress",
                "ObservedAttentionPress",
                "ExpectedAttentionPress",
                "CapPress",
                "NonCausalAttnPress",
                "CompactorPress",
                "CriticalKVPress",
            ),
            "kvpress.chunks": ("BlockPress", "EntropyGatedChunkKVPress", "ChunkKVPress", "ChunkPress"),
            "kvpress.layer_budgets": ("PyramidKVPress", "PerLayerCompressionPress", "SimLayerKVPress"),
            "kvpress.head_budgets": ("AdaKVPress", "CriticalAdaKVPress", "DMSPress"),
            "kvpress.shared_budgets": ("KVzipPress", "KVComposePress"),
            "kvpress.merged": ("MergingPress", "CAMPress"),
            "kvpress.channels": ("ThinKPress", "ComposedPress"),
        },
    ),
    "llama": Adapters(
        needs=("torch", "transformers", "kvpress"),
        modules={
            "llama": (
                "KnormPress",
                "RandomPress",
                "StreamingLLMPress",
                "SnapKVPress",
                "TOVAPress",
                "ObservedAttentionPress",
                "ExpectedAttentionPress",
                "CapPress",
                "KeyDiffPress",
                "LagKVPress",
                "CURPress",
                "CriticalKVPress",
                "CompressionRatioDecodingPress",
                "PrefillDecodingPress",
            ),
        },
    ),
    "transformers": Adapters(
        needs=("torch", "transformers", "hqq", "optimum"),
        modules={
            "transformers": (
                "DynamicCache",
                "StaticCache",
                "SlidingWindowCache",
                "QuantizedCache",
                "QuantoQuantizedCache",
            ),
        },
    ),
    "fla": Adapters(needs=("torch", "einops", "fla"), modules={"fla": ("ABC",)}),
}
"""One entry per library; its key is the prefix of its cache names: "kvpress:SnapKVPress" is the class SnapKVPress in
one of the modules listed under "kvpress".

An adapter class imports its library when a cache is made, not when the class is imported.
"""

ENTRY_POINT_GROUP = "lowerbound.caches"


def known_caches() -> dict[str, str]:
    """Every registered name with its target: this package's caches, its adapters, other packages' entry points."""
    from importlib.metadata import entry_points

    found = {point.name: point.value for point in entry_points(group=ENTRY_POINT_GROUP)}
    adapters = {
        f"{prefix}:{name}": target for prefix, library in ADAPTERS.items() for name, target in library.classes.items()
    }
    return {**found, **CACHES, **adapters}


def adapters_at_hand() -> tuple[list[str], list[str]]:
    """(adapter names whose libraries are installed, prefixes whose libraries are missing); no library is imported."""
    missing = [prefix for prefix, library in ADAPTERS.items() if not all(map(find_spec, library.needs))]
    names = [f"{p}:{name}" for p, library in ADAPTERS.items() if p not in missing for name in library.classes]
    return names, missing


def target_of(name: str) -> str:
    """The "package.module:Class" behind a name.

    Contract: a name that already has that form, or is "exec:COMMAND", is returned as its own target. Any other unknown
    name raises UnknownName with the nearest known names; a command that cannot be run raises InvalidArgument.
    """
    if is_program(name):
        from lowerbound.core.program import program_target

        return program_target(name.removeprefix(PREFIX))
    if name in CACHES:
        return CACHES[name]
    if is_wrapped(name):
        return name
    if name.endswith(".py"):
        module = name.removesuffix(".py").rpartition("/")[2]
        raise InvalidArgument(f"cache {name!r} must name a class, not a file; did you mean {module}:CLASS?")
    known = known_caches()
    if name not in known and (":" not in name or name.partition(":")[0] in ADAPTERS):
        raise unknown("cache", name, known)
    return known.get(name, name)


def cache_of(found: Achieved) -> str:
    """The registered name of the cache that plays a proved code."""
    return f"guaranteed-{found.code}"


def find_cache(name: str) -> type[Memory]:
    """The cache class called `name`; this imports its module into the current process."""
    from lowerbound.core.loading import load_cache

    return load_cache(target_of(name))


def play(
    place: HardFamily | HasGeometry | str, name: str, *, eta: Rational | None = None, seed: int = 0, **terms: Any
) -> Row:
    """Play a cache by its name: `duel`, whose row is labeled with that name.

    Contract: a place that is no game is played as the command `play` does: values of 0 and 1, additive error. Unknown
    names of models and caches raise UnknownName, and eta or a seed beside a game InvalidArgument.

    Parameters
    ----------
    place : a game, such as `plan_reduction` makes; or a model, its name, or a geometry
    name : a cache, as on the command line; "NAME@F" gives it a budget
    eta : rational or None
        None takes 1/100.
    terms : as `duel` takes them: budget, trials, isolation, instances, ...
    """
    from lowerbound.core.models import find_geometry
    from lowerbound.game.duel import duel
    from lowerbound.game.hard_family import HardFamily
    from lowerbound.game.reduction import plan_reduction

    if isinstance(place, HardFamily):
        if eta is not None or seed:
            raise InvalidArgument("eta and seed must be left out with a game, which has its own")
        return duel(place, target_of(name), label=name, **terms)
    error = Fraction(1, 100) if eta is None else eta
    plan = plan_reduction(find_geometry(place), eta=error, guarantee="additive", n_levels=2, seed=seed)
    own = is_program(name) or is_wrapped(name) or name in known_caches()
    cache, at, share = (name, "", "") if own else name.partition("@")
    if at:
        terms["budget"] = share
    return duel(plan, target_of(cache), label=cache, **terms)
