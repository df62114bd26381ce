"""The pipeline of visual autoregressive models: resampling, pyramids, the network, its memory, and recorded traces."""
