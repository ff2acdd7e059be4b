"""The report of a search: one HTML file."""
