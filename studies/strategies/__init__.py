"""Strategies side by side at equal numbers of evaluated candidates. See README.md."""
