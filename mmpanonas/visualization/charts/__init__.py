"""Charts of searches and trainings."""
