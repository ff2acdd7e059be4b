"""Panels of pictures, their segments, and what a pipeline makes of them."""
