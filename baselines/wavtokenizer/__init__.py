"""WavTokenizer, for inference only: one codebook of 4,096 entries, 40 or 75 tokens a second.

- `encoder`: SEANet with an LSTM, from audio to a vector a frame.
- `backbone`: Vocos' ConvNeXt layers behind residual and attention layers, and the ISTFT head.
- `network`: the two with the codebook between them; sizes.
- `checkpoint`: from the published file to ours.
- `adapter`: the contract of the benchmark.

Source: Ji et al., WavTokenizer: an Efficient Acoustic Discrete Codec Tokenizer for Audio
Language Modeling, arXiv:2408.16532; the layers as in Défossez et al., arXiv:2210.13438
(encoder), and Siuzdak, Vocos, arXiv:2306.00814 (backbone and head).
"""
