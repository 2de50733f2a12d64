"""The paper's five tables: its own numbers, ours, and both with their difference.

- `model`: a table as data. `markdown`, `latex` and `csv_file` render one.
- `paper`: the paper's tables, as ``results/paper`` has them. `frame`: their columns and rows.
- `measured`: what is stored of the codecs that were measured here.
- `scores`: ours of Tables 1 and 2. `ablation`, `training_data`, `configurations`: of 3, 4, 5.
- `best`: which of a group may be called the best.
- `both`: the two side by side.
- `write`: all of them as files.
"""
