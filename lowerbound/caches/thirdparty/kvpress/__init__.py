"""NVIDIA kvpress, called as kvpress calls it: one class for each press that needs no download.

Left out, since they load weights, statistics or a tokenizer from a hub: DuoAttention, ExpectedAttentionStats,
FastKVzip, KVgrad, KVzap, LUKV, QFilter and RestoreKV. What only a model can run, by its own steps, is in
`thirdparty.llama`.
"""
