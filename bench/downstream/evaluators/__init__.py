"""Evaluators: a file each, an upstream library each, imported only where they are used."""
