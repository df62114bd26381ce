"""NVIDIA kvpress, called as kvpress calls it: every press that needs no download, one class for each."""
