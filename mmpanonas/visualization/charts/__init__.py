"""Charts of searches."""
