"""The embedded data set "shapes", rendered."""

from mmpanonas.datasets.shapes.rendering import DIFFICULTY, Difficulty, render_picture
from mmpanonas.datasets.shapes.writing import CATEGORIES, write_shapes

__all__ = ["CATEGORIES", "DIFFICULTY", "Difficulty", "render_picture", "write_shapes"]
