"""The proof book: the lemmas in reading order. It is the input of `lowerbound verify`, and imported by nobody else."""

from . import (
    beyond,
    covering_codes,
    decoding,
    dithered,
    entropy_half,
    index_binary,
    index_bound,
    index_counting,
    index_optimum,
    keys,
    pipeline,
    public_weights,
    random_keys,
    reading,
    separation,
    softmax_gap,
    sparsity,
    structures,
    theorem,
    values,
    var256,
    welch,
)

LEMMAS = (
    index_counting.LEMMA,
    index_optimum.LEMMA,
    index_bound.LEMMA,
    index_binary.LEMMA,
    covering_codes.LEMMA,
    entropy_half.LEMMA,
    separation.LEMMA,
    softmax_gap.AT_MOST,
    softmax_gap.AT_LEAST,
    softmax_gap.LEMMA,
    softmax_gap.TWO_TOKENS,
    *decoding.LEMMAS,
    reading.LEMMA,
    *keys.LEMMAS,
    *random_keys.LEMMAS,
    welch.LEMMA,
    *values.LEMMAS,
    *theorem.LEMMAS,
    *beyond.LEMMAS,
    *pipeline.LEMMAS,
    *public_weights.LEMMAS,
    *var256.LEMMAS,
    sparsity.LEMMA,
    *structures.LEMMAS,
    *dithered.LEMMAS,
)
"""Every lemma, each after those it uses."""

THEOREM = "kv_cache_lower_bound"
"""The id of the main theorem."""
