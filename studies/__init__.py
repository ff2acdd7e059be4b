"""Experiments about the search itself; the package imports nothing of them."""
