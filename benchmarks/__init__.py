"""Benchmarks; each one runs with `python -m benchmarks.NAME` from the top of the checkout."""
