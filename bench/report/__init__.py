"""What a run shows: views over stored cells, never over a codec.

- `summary`: a codec's scores on a data set, with intervals, bit/s and failures.
- `paper`: the rows of the SQCodec paper's Table 1.
- `terminal`: the table on the screen.
- `clip`: all that is known of one clip.
- `results`: the JSON per suite, data set and codec.
"""
