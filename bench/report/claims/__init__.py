"""The paper's own sentences, each checked against its tables, the true counts and our rows.

- `model`: what a claim, a check and a finding are.
- `facts`: the three sources that a claim is checked against.
- `compare`: checks that several claims share.
- `quality`, `cost`, `design`: the claims, each a short quotation and a predicate.
- `judge`: a verdict for every claim and source. `shown`: as tables.
"""
