"""Searched networks against others of equal cost: ``python -m studies.budgets``."""
