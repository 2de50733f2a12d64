"""What a codec leaves of words, speakers, emotions and events, as models hear it.

- `contract`: what an evaluator offers: evidence of each clip, never a score.
- `evaluators`: the models, a file each, imported only where they are used.
"""
