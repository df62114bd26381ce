"""NVIDIA kvpress, called as kvpress's own hooks call it: one class for each press that needs no download.

A press is kvpress's word for a compression method. Left out, because they load weights, statistics or a tokenizer from
a hub: DuoAttention, ExpectedAttentionStats, FastKVzip, KVgrad, KVzap, LUKV, QFilter and RestoreKV. Presses that only
run inside a model are in `thirdparty.llama`.
"""
